// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "tools/vgpu-admin/print.h"

void admin_error(const char *format, ...)
{
	fail_msg("%s", format);
}

static const struct print_column columns[] = {
	{ "name", NULL, "NAME" },
	{ "memory", "memory", "MEMORY", PRINT_SIZE },
	{ "quarantined", "quarantined", NULL, PRINT_YES_NO },
	{ "stats.time", "time", "TIME", PRINT_DURATION },
	{ "stats.deep.count", "count", NULL },
	{ "state", "state", "STATE" },
	{ NULL },
};

static json_t *two_objects(void)
{
	return json_pack("[{s:s,s:I,s:b,s:{s:I,s:{s:i}},s:s},{s:s,s:I,s:s}]",
			 "name", "a", "memory", (json_int_t)3 << 30, "quarantined", 1, "stats",
			 "time", (json_int_t)1500000, "deep", "count", 7, "state", "ready",
			 "name", "longer", "memory", (json_int_t)512, "state", "closed");
}

/* What @print writes to stdout. */
static char *output(void (*print)(const json_t *objects, const struct admin_args *args), const json_t *objects,
		    const struct admin_args *args)
{
	int saved = dup(STDOUT_FILENO);
	FILE *file = tmpfile();
	char *text;
	long len;

	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	print(objects, args);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	fseek(file, 0, SEEK_END);
	len = ftell(file);
	rewind(file);
	text = calloc(1, len + 1);
	assert_int_equal(fread(text, 1, len, file), len);
	fclose(file);
	return text;
}

static void table(const json_t *objects, const struct admin_args *args)
{
	print_table(objects, columns, "nothing there", args);
}

static void details(const json_t *objects, const struct admin_args *args)
{
	print_details(objects, columns, args);
}

static void expect(void (*print)(const json_t *objects, const struct admin_args *args), const json_t *objects,
		   const struct admin_args *args, const char *expected)
{
	char *text = output(print, objects, args);

	assert_string_equal(text, expected);
	free(text);
}

static void tables_line_up(void **state)
{
	const struct admin_args args = { 0 };
	json_t *objects = two_objects();

	expect(table, objects, &args,
	       "NAME    MEMORY     TIME  STATE\n"
	       "a        3 GiB  1.500ms  ready\n"
	       "longer   512 B        -  closed\n");
	json_decref(objects);
}

static void details_leave_out_what_is_not_there(void **state)
{
	const struct admin_args args = { 0 };
	json_t *objects = two_objects();

	expect(details, objects, &args,
	       "a\n  memory       3 GiB\n  quarantined  yes\n  time         1.500ms\n"
	       "  count        7\n  state        ready\n"
	       "longer\n  memory       512 B\n  state        closed\n");
	json_decref(objects);
}

static void nothing_is_said_so(void **state)
{
	const struct admin_args text = { 0 }, json = { .json = true };
	json_t *objects = json_array();

	expect(table, objects, &text, "nothing there\n");
	expect(table, objects, &json, "[]\n");
	json_decref(objects);
}

static void json_is_the_same_either_way(void **state)
{
	struct admin_args args = { .json = true };
	json_t *objects = two_objects(), *back;
	char *text;
	int i;

	for (i = 0; i < 4; i++) {
		args.pretty = i & 1;
		text = output(i & 2 ? details : table, objects, &args);
		back = json_loads(text, 0, NULL);
		assert_non_null(back);
		assert_true(json_equal(back, objects));
		assert_int_equal(!!strstr(text, "\n  "), args.pretty);
		json_decref(back);
		free(text);
	}
	json_decref(objects);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_line_up),
		cmocka_unit_test(details_leave_out_what_is_not_there),
		cmocka_unit_test(nothing_is_said_so),
		cmocka_unit_test(json_is_the_same_either_way),
	};

	return cmocka_run_group_tests_name("admin print", tests, NULL, NULL);
}
