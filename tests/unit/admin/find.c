// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "tools/vgpu-admin/change.h"

#define FIRST	"aaaaaaaa-0000-4000-8000-000000000001"
#define SECOND	"aaaaaaaa-0000-4000-8000-000000000002"
#define THIRD	"bbbbbbbb-0000-4000-8000-000000000003"
#define FOURTH	"cccccccc-0000-4000-8000-000000000004"

static char said[512];

void admin_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
}

/* Two of one beginning, one that is called as another's UUID begins, one that only the kernel has. */
static struct change some(void)
{
	return (struct change){
		.declared = json_pack("{s:{s:{}, s:{}, s:{}}, s:{}, s:{s:{s:s}, s:{s:s}, s:{s:s}}}", "pools", "default", "A",
				      "a", "gpus", "vms", FIRST, "name", "Web1", SECOND, "name", "web10", THIRD, "name", "aaaa"),
		.kernel = json_pack("{s:{s:{}}, s:{s:{s:s}, s:{}}, s:{s:{}, s:{}}, s:{}}", "pools", "default", "gpus", "gpu0",
				    "pci", "0000:65:00.0", "gpu1", "mdevs", FIRST, FOURTH, "vms"),
	};
}

static void forget(struct change *change)
{
	json_decref(change->declared);
	json_decref(change->kernel);
}

static void expect_vm(const char *word, const char *expected)
{
	struct change change = some();
	const char *uuid;

	if (change_find_vm(&change, word, &uuid) != ADMIN_OK)
		fail_msg("%s: %s", word, said);
	assert_string_equal(uuid, expected);
	forget(&change);
}

static void expect_none(const char *word, const char *expected)
{
	struct change change = some();
	const char *uuid;

	assert_int_equal(change_find_vm(&change, word, &uuid), ADMIN_NOT_FOUND);
	assert_string_equal(said, expected);
	forget(&change);
}

static void virtual_gpus_are_found(void **state)
{
	expect_vm(FIRST, FIRST);
	expect_vm("AAAAAAAA-0000-4000-8000-000000000002", SECOND);
	expect_vm("Web1", FIRST);
	/* In other letters, and a beginning of another one. */
	expect_vm("web1", FIRST);
	expect_vm("WEB10", SECOND);
	expect_vm("aaaa", THIRD);
	expect_vm("b", THIRD);
	expect_vm("c", FOURTH);
	expect_none("we", "'we' begins what 2 virtual GPUs are called: Web1, web10; write more of it");
	expect_none("aaaaa", "'aaaaa' begins what 2 virtual GPUs are called: Web1, web10; write more of it");
	expect_none("x", "no virtual GPU has a name or UUID that begins with 'x'; list them: vgpu-admin vm show");
}

/* Of one that differs from another in the size of letters alone, nothing is taken for the other. */
static void letters_make_two_pools(void **state)
{
	struct change change = some();
	const char *name;

	assert_int_equal(change_find_pool(&change, "a", &name), ADMIN_OK);
	assert_string_equal(name, "a");
	assert_int_equal(change_find_pool(&change, "A", &name), ADMIN_OK);
	assert_string_equal(name, "A");
	assert_int_equal(change_find_pool(&change, "DEF", &name), ADMIN_OK);
	assert_string_equal(name, "default");
	forget(&change);
}

static void gpus_are_found(void **state)
{
	struct change change = some();
	const char *name;

	assert_int_equal(change_find_gpu(&change, "0000:65", &name), ADMIN_OK);
	assert_string_equal(name, "gpu0");
	assert_int_equal(change_find_gpu(&change, "gpu1", &name), ADMIN_OK);
	assert_string_equal(name, "gpu1");
	assert_int_equal(change_find_gpu(&change, "gpu", &name), ADMIN_NOT_FOUND);
	assert_string_equal(said, "'gpu' begins what 2 GPUs are called: gpu0, gpu1; write more of it");
	forget(&change);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virtual_gpus_are_found),
		cmocka_unit_test(letters_make_two_pools),
		cmocka_unit_test(gpus_are_found),
	};

	return cmocka_run_group_tests_name("admin find", tests, NULL, NULL);
}
