// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/vgpu-admin/admin.h"
#include "tools/vgpu-admin/units.h"

void admin_error(const char *format, ...)
{
	fail_msg("%s", format);
}

struct text_case {
	const char *text;
	int err;
	uint64_t value;
};

static void expect_all(int (*parse)(const char *text, uint64_t *value), const struct text_case *cases, size_t count)
{
	uint64_t value;
	size_t i;

	for (i = 0; i < count; i++) {
		value = 0xdead;
		if (parse(cases[i].text, &value) != cases[i].err)
			fail_msg("'%s' should give %d", cases[i].text, cases[i].err);
		if (!cases[i].err && value != cases[i].value)
			fail_msg("'%s' gives %" PRIu64 ", not %" PRIu64, cases[i].text, value, cases[i].value);
	}
}

static void sizes_are_parsed(void **state)
{
	static const struct text_case cases[] = {
		{ "0", 0, 0 }, { "1", 0, 1 }, { "4096", 0, 4096 }, { "1K", 0, 1024 }, { "2G", 0, 2ULL << 30 },
		{ "2g", 0, 2ULL << 30 }, { "2GiB", 0, 2ULL << 30 }, { "2 GiB", 0, 2ULL << 30 },
		{ "1.5M", 0, 3ULL << 19 }, { "0.5KiB", 0, 512 }, { "7B", 0, 7 }, { "3T", 0, 3ULL << 40 },
		{ "18446744073709551615", 0, UINT64_MAX }, { "18446744073709551616", -ERANGE },
		{ "16777216T", -ERANGE }, { "16777215T", 0, 16777215ULL << 40 },
		{ "99999999999999999999999G", -ERANGE },
		{ "", -EINVAL }, { "G", -EINVAL }, { "-1", -EINVAL }, { "+1", -EINVAL }, { " 1", -EINVAL },
		{ "1X", -EINVAL }, { "1GG", -EINVAL }, { "1.G", -EINVAL }, { ".5G", -EINVAL }, { "1.5", -EINVAL },
		{ "0.3K", -EINVAL }, { "0x10", -EINVAL }, { "1e3", -EINVAL }, { "1,5G", -EINVAL }, { "1G ", -EINVAL },
		{ "2s", -EINVAL }, { "1.00000000000000000000000001G", -ERANGE },
	};

	expect_all(units_parse_size, cases, ARRAY_SIZE(cases));
}

static void durations_are_parsed(void **state)
{
	static const struct text_case cases[] = {
		{ "0", 0, 0 }, { "1ns", 0, 1 }, { "500us", 0, 500000 }, { "50ms", 0, 50000000 },
		{ "1.5s", 0, 1500000000 }, { "2min", 0, 120000000000 }, { "24h", 0, 86400000000000 },
		{ "0.000000001s", 0, 1 }, { "0.0000000001s", -EINVAL }, { "5", -EINVAL }, { "5 s", 0, 5000000000 },
		{ "-5s", -EINVAL }, { "5m", -EINVAL }, { "5sec", -EINVAL }, { "s", -EINVAL }, { "", -EINVAL },
		{ "99999999h", -ERANGE }, { "2G", -EINVAL },
	};

	expect_all(units_parse_duration, cases, ARRAY_SIZE(cases));
}

static void counts_are_parsed(void **state)
{
	static const struct text_case cases[] = {
		{ "0", 0, 0 }, { "4096", 0, 4096 }, { "007", 0, 7 }, { "1K", -EINVAL }, { "1.0", 0, 1 },
		{ "1.5", -EINVAL },
		{ "-1", -EINVAL }, { "", -EINVAL }, { "many", -EINVAL }, { "18446744073709551616", -ERANGE },
	};

	expect_all(units_parse_count, cases, ARRAY_SIZE(cases));
}

static void uuids_are_parsed(void **state)
{
	static const char * const wrong[] = {
		"", "aaaaaaaa-0000-4000-8000-00000000000", "aaaaaaaa-0000-4000-8000-0000000000011",
		"aaaaaaaa00004000800000000000000100000", "gaaaaaaa-0000-4000-8000-000000000001",
		"aaaaaaaa-0000-4000-8000_000000000001", "{aaaaaaa-0000-4000-8000-000000000001",
	};
	static const uint8_t bytes[16] = {
		0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
		0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10,
	};
	uint8_t uuid[16];
	size_t i;

	assert_int_equal(units_parse_uuid("01234567-89ab-cdef-FEDC-BA9876543210", uuid), 0);
	assert_memory_equal(uuid, bytes, sizeof(bytes));
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(units_parse_uuid(wrong[i], uuid), -EINVAL);
}

static void sizes_are_shown(void **state)
{
	static const struct text_case cases[] = {
		{ "0 B", 0, 0 }, { "1 B", 0, 1 }, { "1023 B", 0, 1023 }, { "1 KiB", 0, 1024 }, { "1.5 KiB", 0, 1536 },
		{ "1.25 KiB", 0, 1280 }, { "1.05 KiB", 0, 1076 }, { "1 KiB", 0, 1029 },
		{ "1023.99 KiB", 0, (1 << 20) - 1 },
		{ "1 MiB", 0, 1 << 20 }, { "8 GiB", 0, 8ULL << 30 }, { "80 GiB", 0, 80ULL << 30 },
		{ "16777215.99 TiB", 0, UINT64_MAX },
	};
	char text[UNITS_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		units_format_size(cases[i].value, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void durations_are_shown(void **state)
{
	static const struct text_case cases[] = {
		{ "0", 0, 0 }, { "1ns", 0, 1 }, { "999ns", 0, 999 }, { "1us", 0, 1000 }, { "1.500us", 0, 1500 },
		{ "500us", 0, 500000 }, { "1.234ms", 0, 1234567 }, { "30s", 0, 30000000000 },
		{ "90s", 0, 90000000000 }, { "1min", 0, 60000000000 }, { "24h", 0, 86400000000000 },
		{ "60.001s", 0, 60001000000 }, { "3600.000s", 0, 3600000000001 }, { "18446744073.709s", 0, UINT64_MAX },
	};
	char text[UNITS_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		units_format_duration(cases[i].value, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* What is shown without having been cut is read as the same. */
static void what_is_shown_can_be_written(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15, value, back;
	char text[UNITS_MAX];
	int i;

	for (i = 0; i < 10000; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		value = (seed >> 44) << (seed % 40);
		units_format_size(value, text);
		if (!units_parse_size(text, &back) && !strchr(text, '.'))
			assert_true(back <= value && value - back <= value / 100);
		value = (seed >> 54) * 1000000;
		units_format_duration(value, text);
		assert_int_equal(units_parse_duration(text, &back), 0);
		assert_int_equal(back, value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_parsed),
		cmocka_unit_test(durations_are_parsed),
		cmocka_unit_test(counts_are_parsed),
		cmocka_unit_test(uuids_are_parsed),
		cmocka_unit_test(sizes_are_shown),
		cmocka_unit_test(durations_are_shown),
		cmocka_unit_test(what_is_shown_can_be_written),
	};

	return cmocka_run_group_tests_name("admin units", tests, NULL, NULL);
}
