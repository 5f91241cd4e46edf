/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef VGPU_ADMIN_UNITS_H
#define VGPU_ADMIN_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_MAX	48	/* bytes that suffice for every text made here */

/**
 * enum unit - how a number is written
 * @UNIT_COUNT: as a whole number
 * @UNIT_SIZE: bytes, as 2G
 * @UNIT_DURATION: nanoseconds, as 500us
 * @UNIT_SHARE: millionths, as 25%
 * @UNIT_PERMILLE: thousandths, as 5%
 * @UNIT_RATE: a second, as 2000/s
 * @UNIT_BYTE_RATE: bytes a second, as 1G/s
 * @UNIT_WORD: as one of a few words
 * @UNIT_WEIGHTS: three of them, as 16:4:1; the number is the highest << 32 | the middle << 16 | the lowest
 * @UNIT_STRIKES: how many in which time, as 3/10min; no single number
 */
enum unit {
	UNIT_COUNT,
	UNIT_SIZE,
	UNIT_DURATION,
	UNIT_SHARE,
	UNIT_PERMILLE,
	UNIT_RATE,
	UNIT_BYTE_RATE,
	UNIT_WORD,
	UNIT_WEIGHTS,
	UNIT_STRIKES,
};

int units_parse_size(const char *text, uint64_t *bytes);
int units_parse_duration(const char *text, uint64_t *ns);
int units_parse_count(const char *text, uint64_t *count);
int units_parse(enum unit unit, const char *text, uint64_t *value);
void units_format(enum unit unit, uint64_t value, char text[UNITS_MAX]);
int units_parse_uuid(const char *text, uint8_t uuid[16]);
void units_format_size(uint64_t bytes, char text[UNITS_MAX]);
void units_format_duration(uint64_t ns, char text[UNITS_MAX]);

#endif /* VGPU_ADMIN_UNITS_H */
