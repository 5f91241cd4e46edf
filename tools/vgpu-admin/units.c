// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "units.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first, the name to print with before its other spellings. */
static const struct unit sizes[] = {
	{ "TiB", 1ULL << 40 }, { "T", 1ULL << 40 }, { "GiB", 1ULL << 30 }, { "G", 1ULL << 30 }, { "MiB", 1ULL << 20 },
	{ "M", 1ULL << 20 }, { "KiB", 1ULL << 10 }, { "K", 1ULL << 10 }, { "B", 1 }, { "", 1 }, { NULL, 0 },
};

static const struct unit durations[] = {
	{ "h", 3600000000000ULL }, { "min", 60000000000ULL }, { "s", 1000000000ULL }, { "ms", 1000000 }, { "us", 1000 },
	{ "ns", 1 }, { NULL, 0 },
};

static const struct unit counts[] = {
	{ "", 1 }, { NULL, 0 },
};

/*
 * A decimal number and a unit; with a fraction where it makes a whole number of the smallest unit: a value is refused
 * rather than rounded.
 */
static int parse(const char *text, const struct unit *units, uint64_t *value)
{
	uint64_t whole = 0, fraction = 0, scale = 1, part;
	const char *p = text;

	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, *p - '0', &whole))
			return -ERANGE;
	if (*p == '.') {
		p++;
		if (!isdigit((unsigned char)*p))
			return -EINVAL;
		for (; isdigit((unsigned char)*p); p++) {
			if (__builtin_mul_overflow(fraction, 10, &fraction) ||
			    __builtin_add_overflow(fraction, *p - '0', &fraction) ||
			    __builtin_mul_overflow(scale, 10, &scale))
				return -ERANGE;
		}
	}
	while (*p == ' ')
		p++;
	for (; units->name; units++)
		if (!strcasecmp(p, units->name))
			break;
	if (!units->name)
		return -EINVAL;
	if (__builtin_mul_overflow(whole, units->factor, &whole) ||
	    __builtin_mul_overflow(fraction, units->factor, &part))
		return -ERANGE;
	if (part % scale)
		return -EINVAL;
	if (__builtin_add_overflow(whole, part / scale, value))
		return -ERANGE;
	return 0;
}

/**
 * units_parse_size() - a size as people write it
 * @text: a number with B, K, M, G, T or KiB, MiB, GiB, TiB, all of them powers of 1024; no unit means bytes
 * @bytes: the size
 *
 * Return: 0; -EINVAL for what is no size, -ERANGE for what does not fit.
 */
int units_parse_size(const char *text, uint64_t *bytes)
{
	return parse(text, sizes, bytes);
}

/**
 * units_parse_duration() - a time as people write it
 * @text: a number with ns, us, ms, s, min or h; the unit has to be there, but for 0
 * @ns: nanoseconds
 *
 * Return: 0; -EINVAL for what is no time, -ERANGE for what does not fit.
 */
int units_parse_duration(const char *text, uint64_t *ns)
{
	if (!strcmp(text, "0")) {
		*ns = 0;
		return 0;
	}
	return parse(text, durations, ns);
}

/**
 * units_parse_count() - a whole number
 * @text: decimal digits
 * @count: the number
 *
 * Return: 0; -EINVAL for what is no whole number, -ERANGE for what does not fit.
 */
int units_parse_count(const char *text, uint64_t *count)
{
	return parse(text, counts, count);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/**
 * units_parse_uuid() - a UUID as people write it
 * @text: 36 characters
 * @uuid: bytes in the order in which they are written
 *
 * Return: 0; -EINVAL for what is no UUID.
 */
int units_parse_uuid(const char *text, uint8_t uuid[16])
{
	int i, high, low;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			if (*text++ != '-')
				return -EINVAL;
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return -EINVAL;
		uuid[i] = high << 4 | low;
		text += 2;
	}
	return *text ? -EINVAL : 0;
}

/**
 * units_format_size() - a size for people
 * @bytes: the size
 * @text: the largest unit that it is at least one of; a fraction of at most two digits, cut, not rounded
 */
void units_format_size(uint64_t bytes, char text[UNITS_MAX])
{
	const struct unit *unit = sizes;
	unsigned int cents;

	while (unit->factor > 1 && (bytes < unit->factor || strlen(unit->name) != 3))
		unit++;
	cents = (unsigned int)((unsigned __int128)(bytes % unit->factor) * 100 / unit->factor);
	if (!cents)
		snprintf(text, UNITS_MAX, "%" PRIu64 " %s", bytes / unit->factor, unit->name);
	else if (cents % 10)
		snprintf(text, UNITS_MAX, "%" PRIu64 ".%02u %s", bytes / unit->factor, cents, unit->name);
	else
		snprintf(text, UNITS_MAX, "%" PRIu64 ".%u %s", bytes / unit->factor, cents / 10, unit->name);
}

/**
 * units_format_duration() - a time for people
 * @ns: nanoseconds
 * @text: in the largest unit of which it is a whole number, or in the largest up to seconds, with three digits, cut
 */
void units_format_duration(uint64_t ns, char text[UNITS_MAX])
{
	const struct unit *unit;

	if (!ns) {
		snprintf(text, UNITS_MAX, "0");
		return;
	}
	for (unit = durations; unit->name; unit++) {
		if (ns < unit->factor)
			continue;
		if (ns % unit->factor == 0) {
			snprintf(text, UNITS_MAX, "%" PRIu64 "%s", ns / unit->factor, unit->name);
			return;
		}
		if (unit->factor <= 1000000000ULL) {
			snprintf(text, UNITS_MAX, "%" PRIu64 ".%03" PRIu64 "%s", ns / unit->factor,
				 ns % unit->factor * 1000 / unit->factor, unit->name);
			return;
		}
	}
}
