/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * One instruction against its definition. A row of a table gives the instruction's text with %d, %a, %b and %c as operands, the width
 * of each, and a function that computes the result. Every row runs over all combinations of chosen values and random ones, once in all
 * lanes and once under a guard that is true in some; lanes whose guard is false must keep %d.
 */
#ifndef TESTS_UNIT_PTX_OPTEST_H
#define TESTS_UNIT_PTX_OPTEST_H

#include <math.h>
#include <string.h>

#include "harness.h"

/* Widths of operands: what register they are in. */
enum width { NONE, B16, B32, B64, PRED };

/* Which values are tried. */
enum values { INTS, SHIFTS, F32S, F64S, HALVES, BF16S, SMALL_F32, ANGLES };

/**
 * struct op_test - a row
 * @text: instruction
 * @width: of d, a, b, c
 * @values: of a, b, c
 * @ref: result from the operands' bits
 * @ulp: tolerance in units of the last place of an f32 or f64 result; 0 compares bits
 * @abs: absolute tolerance beside it
 */
struct op_test {
	const char *text;
	uint8_t width[4];
	uint8_t values[3];
	uint64_t (*ref)(uint64_t a, uint64_t b, uint64_t c);
	double ulp;
	double abs;
};

/**
 * op_tests_run - runs the rows of a table; fails the test at the first difference, naming it
 * @dev: soft GPU
 * @tests: table
 * @num: rows
 */
void op_tests_run(struct device *dev, const struct op_test *tests, size_t num);

static inline float as_f32(uint64_t bits)
{
	uint32_t u = (uint32_t)bits;
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

static inline double as_f64(uint64_t bits)
{
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

static inline uint64_t of_f32(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return f != f ? 0x7fffffff : u;
}

static inline uint64_t of_f64(double d)
{
	uint64_t u;

	memcpy(&u, &d, sizeof(u));
	return u;
}

/* A function of the operands' bits a, b, c. */
#define REF(name, expr)									\
static uint64_t name(uint64_t a, uint64_t b, uint64_t c)				\
{											\
	(void)a;									\
	(void)b;									\
	(void)c;									\
	return (uint64_t)(expr);							\
}

#endif
