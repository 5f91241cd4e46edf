// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "tools/vgpu-admin/site.h"
#include "tools/vgpu-admin/toml.h"

#define ROUNDS	300
#define UUID	"01234567-89ab-4def-8123-456789abcdef"

static char said[4096];

void admin_error(const char *format, ...)
{
	size_t len = strlen(said);
	va_list args;

	va_start(args, format);
	vsnprintf(said + len, sizeof(said) - len, format, args);
	va_end(args);
}

static json_t *gpus(void)
{
	return json_pack("{s:{s:s}, s:{s:s}}", "nv0", "pci", "0000:65:00.0", "soft0", "name", "soft0");
}

static enum admin_exit parse(const char *text, json_t **state)
{
	json_t *there = gpus(), *document;
	enum admin_exit status;

	said[0] = '\0';
	*state = NULL;
	document = toml_read(text, said, sizeof(said));
	status = document ? site_parse("site.toml", document, there, state) : ADMIN_USAGE;
	json_decref(document);
	json_decref(there);
	return status;
}

static void a_file_is_read(void **state)
{
	json_t *site, *expected;

	if (parse("# a site\n"
		  "[pools.A]\ngpus = [\"0000:65:00.0\", \"soft7\"]\nweights = \"8:4:1\"\nwindow = 1\n"
		  "[pools.A.limits]\ndepth = 256\nhangs = \"3/10min\"\n"
		  "[pools.default]\naging = \"1s\"\n"
		  "[vms.web1]\nuuid = \"01234567-89AB-4DEF-8123-456789ABCDEF\"\npool = \"A\"\ntype = \"vgpu-2g\"\n"
		  "gpu-share = \"25%\"\nrate = \"2000/s\"\nmemory = \"2G\"\n"
		  "[vms.00000000-0000-4000-8000-000000000001]\ntier = 'low'\n", &site) != ADMIN_OK)
		fail_msg("%s", said);
	expected = json_pack("{s:{s:{s:i}, s:{s:s, s:i, s:{s:i, s:s}}}, s:{s:{s:s}, s:{s:s}},"
			     " s:{s:{s:s, s:s, s:s, s:i, s:i, s:I}, s:{s:s}}}",
			     "pools", "default", "aging_ns", 1000000000, "A", "weights", "8:4:1", "window", 1, "limits",
			     "depth", 256, "hangs", "3/10min", "gpus", "nv0", "pool", "A", "soft7", "pool", "A",
			     "vms", UUID, "name", "web1", "pool", "A", "type", "vgpu-2g", "gpu_share", 250000,
			     "cmd_rate", 2000, "memory", (json_int_t)2 << 30,
			     "00000000-0000-4000-8000-000000000001", "tier", "low");
	if (!json_equal(site, expected))
		fail_msg("%s", json_dumps(site, 0));
	json_decref(expected);
	json_decref(site);
}

/* Each with what is said, all of it. */
static void nonsense_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{ "pools = 5", "site.toml: pools: there are tables [pools.NAME] and [vms.NAME] alone" },
		{ "[pool.A]", "site.toml: pool: there are tables [pools.NAME] and [vms.NAME] alone" },
		{ "[pools.A]\ncolour = 1", "site.toml: pools.A: there is no setting 'colour' of pools" },
		{ "[pools.A]\nweights = \"1:2\"", "site.toml: pools.A: weights = \"1:2\": must be three weights, each from 1 to "
						  "1000, such as 16:4:1" },
		{ "[pools.A]\nwindow = 3", "site.toml: pools.A: window = \"3\": must be a whole number from 1 to 2" },
		{ "[pools.A]\nslice = 1.5", "site.toml: pools.A: slice = \"1.5\": must be a time from 10us to 100ms, such as "
					    "500ms or 30s" },
		{ "[pools.A]\nslice = true", "site.toml: pools.A: slice: must be text: a time from 10us to 100ms, such as 500ms "
					     "or 30s" },
		{ "[pools.A]\ngpus = \"soft0\"", "site.toml: pools.A: gpus must be a list, such as [\"0000:65:00.0\"]" },
		{ "[pools.A]\ngpus = [1]", "site.toml: pools.A: gpus: must be names of at most 31 characters" },
		{ "[pools.A]\ngpus = [\"x\"]\n[pools.B]\ngpus = [\"x\"]", "site.toml: pools.B: gpus: x is in pool A already" },
		{ "[pools.A.limits]\nmemory = \"1G\"", "site.toml: pools.A.limits: there is no limit 'memory' of pools" },
		{ "[pools.A]\nlimits = 1", "site.toml: pools.A.limits: must be a table" },
		{ "[pools.\"a b\"]", "pool 'a b': a name is 1 to 31 letters, digits, '.', '_' and '-', the first of them a letter "
				     "or a digit" },
		{ "[vms.web1]", "site.toml: vms.web1: uuid must be a UUID, such as \"" UUID "\"" },
		{ "[vms.web1]\nuuid = \"12\"", "site.toml: vms.web1: uuid must be a UUID, such as \"" UUID "\"" },
		{ "[vms.a]\nuuid = \"" UUID "\"\n[vms.b]\nuuid = \"" UUID "\"",
		  "site.toml: vms.b: uuid: another one has " UUID ", too" },
		{ "[vms." UUID "]\npool = \"Z\"", "site.toml: " UUID ": pool = \"Z\": there is no [pools.Z]" },
		{ "[vms." UUID "]\ntier = \"top\"", "site.toml: vms." UUID ": tier = \"top\": must be high, medium or low" },
		{ "[vms." UUID "]\nhangs = \"3\"", "site.toml: vms." UUID ": hangs = \"3\": must be a number from 1 to " },
		{ "[vms." UUID "]\npool = 5", "site.toml: vms." UUID ": pool must be text" },
		{ "[vms." UUID "]\nsize = 5", "site.toml: vms." UUID ": there is no setting 'size' of virtual GPUs" },
		{ "[vms\n", "line 1, column 5: " },
		{ "a = 1\na = 2", "line 2, column 5: " },
	};
	json_t *site;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (parse(cases[i].text, &site) != ADMIN_USAGE || site)
			fail_msg("taken: %s", cases[i].text);
		if (strncmp(said, cases[i].expected, strlen(cases[i].expected)))
			fail_msg("'%s' gives '%s', expected '%s'", cases[i].text, said, cases[i].expected);
	}
}

static json_t *random_value(const struct setting *setting)
{
	char text[128] = "", why[192];
	json_t *value = NULL;
	uint64_t number;

	while (!value) {
		number = (uint64_t)random() << 31 ^ random();
		number = setting->min + number % (setting->max - setting->min + 1);
		if (setting->unit == UNIT_WORD)
			snprintf(text, sizeof(text), "%s", setting->words[number]);
		else if (setting->unit == UNIT_WEIGHTS)
			snprintf(text, sizeof(text), "%ld:%ld:%ld", 1 + random() % 1000, 1 + random() % 1000,
				 1 + random() % 1000);
		else if (setting->unit == UNIT_STRIKES)
			snprintf(text, sizeof(text), "%ld/%ldms", 1 + random() % 1000, 1 + random() % 100000);
		else if (setting->none && random() % 8 == 0)
			snprintf(text, sizeof(text), "%s", setting->none);
		else
			units_format(setting->unit, number, text);
		value = setting_parse(setting, text, why, sizeof(why));
	}
	return value;
}

static void fill(json_t *object, const struct setting *table)
{
	const struct setting *setting;

	for (setting = table; setting->key; setting++)
		if (random() % 2)
			json_object_set_new(object, setting->key, random_value(setting));
}

/* What is exported is applied as the same. */
static void what_is_written_is_read(void **state)
{
	const char *given = getenv("SEED");
	unsigned int seed = given ? strtoul(given, NULL, 0) : (unsigned int)time(NULL);
	json_t *site, *back, *vm;
	char *text, name[64];
	FILE *file;
	size_t len;
	int i, n;

	print_message("SEED=%u\n", seed);
	srandom(seed);
	for (i = 0; i < ROUNDS; i++) {
		site = state_new();
		fill(state_add(site, "pools", "default"), pool_settings);
		for (n = random() % 4; n > 0; n--) {
			snprintf(name, sizeof(name), "pool.%d_x-", n);
			fill(state_add(site, "pools", name), pool_settings);
			if (random() % 2) {
				vm = json_pack("{s:i}", "depth", 1);
				fill(vm, limit_settings);
				json_object_set_new(state_get(site, "pools", name), "limits", vm);
			}
			json_object_set_new(state_add(site, "gpus", n % 2 ? "nv0" : "soft0"), "pool", json_string(name));
		}
		for (n = random() % 6; n > 0; n--) {
			snprintf(name, sizeof(name), "00000000-0000-4000-8000-%012d", n);
			vm = state_add(site, "vms", name);
			fill(vm, vm_settings);
			snprintf(name, sizeof(name), "vm%d", n);
			if (random() % 2)
				json_object_set_new(vm, "name", json_string(name));
			if (random() % 2)
				json_object_set_new(vm, "pool", json_string("default"));
			if (random() % 2)
				json_object_set_new(vm, "type", json_string("vgpu-1g"));
		}
		file = open_memstream(&text, &len);
		site_write(site, file);
		fclose(file);
		if (parse(text, &back) != ADMIN_OK || !json_equal(site, back))
			fail_msg("SEED=%u: %s\n%s", seed, said, text);
		free(text);
		json_decref(back);
		json_decref(site);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(what_is_written_is_read),
	};

	return cmocka_run_group_tests_name("admin site", tests, NULL, NULL);
}
