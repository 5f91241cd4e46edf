// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "units.h"

struct unit_name {
	const char *name;
	uint64_t factor;
};

/* Largest first, the name to print with before its other spellings. */
static const struct unit_name sizes[] = {
	{ "TiB", 1ULL << 40 }, { "T", 1ULL << 40 }, { "GiB", 1ULL << 30 }, { "G", 1ULL << 30 }, { "MiB", 1ULL << 20 },
	{ "M", 1ULL << 20 }, { "KiB", 1ULL << 10 }, { "K", 1ULL << 10 }, { "B", 1 }, { "", 1 }, { NULL, 0 },
};

static const struct unit_name durations[] = {
	{ "h", 3600000000000ULL }, { "min", 60000000000ULL }, { "s", 1000000000ULL }, { "ms", 1000000 }, { "us", 1000 },
	{ "ns", 1 }, { NULL, 0 },
};

static const struct unit_name counts[] = {
	{ "", 1 }, { NULL, 0 },
};

static const struct unit_name shares[] = {
	{ "%", 10000 }, { NULL, 0 },
};

static const struct unit_name permilles[] = {
	{ "%", 10 }, { NULL, 0 },
};

static const struct unit_name rates[] = {
	{ "/s", 1 }, { "", 1 }, { NULL, 0 },
};

/*
 * A decimal number and a unit; with a fraction where it makes a whole number of the smallest unit: a value is refused
 * rather than rounded.
 */
static int parse(const char *text, const struct unit_name *units, uint64_t *value)
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

static int parse_byte_rate(const char *text, uint64_t *value)
{
	size_t len = strlen(text);
	char size[UNITS_MAX];

	if (len > 2 && !strcmp(text + len - 2, "/s"))
		len -= 2;
	if (len >= sizeof(size))
		return -EINVAL;
	memcpy(size, text, len);
	size[len] = '\0';
	return parse(size, sizes, value);
}

static int parse_weights(const char *text, uint64_t *value)
{
	unsigned int weight;
	int i, len;

	*value = 0;
	for (i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)*text) || sscanf(text, "%5u%n", &weight, &len) != 1 || weight > UINT16_MAX)
			return -EINVAL;
		text += len;
		if (*text != (i < 2 ? ':' : '\0'))
			return -EINVAL;
		text += i < 2;
		*value = *value << 16 | weight;
	}
	return 0;
}

/**
 * units_parse() - a number as people write it
 * @unit: any but UNIT_WORD and UNIT_STRIKES
 * @text: see &enum unit
 * @value: in the unit's smallest
 *
 * Return: 0; -EINVAL for what is not written so, -ERANGE for what does not fit.
 */
int units_parse(enum unit unit, const char *text, uint64_t *value)
{
	switch (unit) {
	case UNIT_COUNT:
		return units_parse_count(text, value);
	case UNIT_SIZE:
		return units_parse_size(text, value);
	case UNIT_DURATION:
		return units_parse_duration(text, value);
	case UNIT_SHARE:
		return parse(text, shares, value);
	case UNIT_PERMILLE:
		return parse(text, permilles, value);
	case UNIT_RATE:
		return parse(text, rates, value);
	case UNIT_BYTE_RATE:
		return parse_byte_rate(text, value);
	case UNIT_WEIGHTS:
		return parse_weights(text, value);
	case UNIT_WORD:
	case UNIT_STRIKES:
		break;
	}
	return -EINVAL;
}

/* In the largest unit of which it is a whole number. */
static void format_exact(uint64_t value, const struct unit_name *unit, const char *suffix, char text[UNITS_MAX])
{
	if (!value) {
		snprintf(text, UNITS_MAX, "0%s", suffix);
		return;
	}
	while (unit->factor > 1 && (value % unit->factor || strstr(unit->name, "iB")))
		unit++;
	snprintf(text, UNITS_MAX, "%" PRIu64 "%s%s", value / unit->factor, unit->name, suffix);
}

static void format_percent(uint64_t value, unsigned int factor, char text[UNITS_MAX])
{
	char fraction[UNITS_MAX] = "";
	unsigned int digits = 0, left;

	for (left = factor; left > 1; left /= 10)
		digits++;
	if (value % factor) {
		snprintf(fraction, sizeof(fraction), ".%0*u", (int)digits, (unsigned int)(value % factor));
		while (fraction[strlen(fraction) - 1] == '0')
			fraction[strlen(fraction) - 1] = '\0';
	}
	snprintf(text, UNITS_MAX, "%" PRIu64 "%.8s%%", value / factor, fraction);
}

/**
 * units_format() - a number as people write it, exactly: units_parse() makes the same number of it
 * @unit: any; UNIT_WORD and UNIT_STRIKES are written as counts
 * @value: in the unit's smallest
 * @text: the words
 */
void units_format(enum unit unit, uint64_t value, char text[UNITS_MAX])
{
	switch (unit) {
	case UNIT_SIZE:
		format_exact(value, sizes, "", text);
		return;
	case UNIT_DURATION:
		format_exact(value, durations, "", text);
		return;
	case UNIT_SHARE:
		format_percent(value, 10000, text);
		return;
	case UNIT_PERMILLE:
		format_percent(value, 10, text);
		return;
	case UNIT_RATE:
		snprintf(text, UNITS_MAX, "%" PRIu64 "/s", value);
		return;
	case UNIT_BYTE_RATE:
		format_exact(value, sizes, "/s", text);
		return;
	case UNIT_WEIGHTS:
		snprintf(text, UNITS_MAX, "%u:%u:%u", (unsigned int)(value >> 32) & UINT16_MAX,
			 (unsigned int)(value >> 16) & UINT16_MAX, (unsigned int)value & UINT16_MAX);
		return;
	case UNIT_COUNT:
	case UNIT_WORD:
	case UNIT_STRIKES:
		break;
	}
	snprintf(text, UNITS_MAX, "%" PRIu64, value);
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
	const struct unit_name *unit = sizes;
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
	const struct unit_name *unit;

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
