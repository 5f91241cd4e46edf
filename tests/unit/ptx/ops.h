/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Tables of opcodes. A row is an instruction with its operands as %d (result), %a, %b and %c, their types, and the definition of the result
 * in C. Each runs over all combinations of the interesting values of its types and some random ones, once in full warps and once
 * with some lanes turned off, whose result must stay as it was.
 */
#ifndef TESTS_UNIT_PTX_OPS_H
#define TESTS_UNIT_PTX_OPS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "harness.h"

enum op_type { T_none, T_pred, T_u8, T_s8, T_u16, T_s16, T_u32, T_s32, T_u64, T_s64, T_f16, T_f32, T_f64 };

/**
 * struct op - a row
 * @text: instruction, or several; %addr is the address of 8 bytes of global memory that they may use
 * @d: type of the result
 * @a: type of an operand, T_none where there is none
 * @b: likewise
 * @c: likewise
 * @want: the result's bits from the operands' bits
 * @ulp: error allowed in units of the last place of f32; 0: bits must be equal, except those of NaN
 * @absolute: error allowed beside that
 */
struct op {
	const char *text;
	enum op_type d, a, b, c;
	uint64_t (*want)(uint64_t a, uint64_t b, uint64_t c);
	double ulp;
	double absolute;
};

/**
 * ops_run - runs rows of a table; fails the test with every row that is wrong (its first wrong result) in the message
 * @dev: soft GPU
 * @ops: table
 * @num: rows
 */
void ops_run(struct device *dev, const struct op *ops, size_t num);

typedef bool pred;
typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
typedef _Float16 f16;
typedef float f32;
typedef double f64;
typedef char none;

/* Defines the function of a row: its name, the types of d, a, b, c, and the result as an expression of a, b and c. */
#define DEFINE(name, text, D, A, B, C, ...)						\
	static uint64_t want_##name(uint64_t a_bits, uint64_t b_bits, uint64_t c_bits)	\
	{										\
		uint64_t d_bits = 0;							\
		A a;									\
		B b;									\
		C c;									\
		D d;									\
											\
		memcpy(&a, &a_bits, sizeof(a));						\
		memcpy(&b, &b_bits, sizeof(b));						\
		memcpy(&c, &c_bits, sizeof(c));						\
		(void)a, (void)b, (void)c;						\
		d = (D)(__VA_ARGS__);							\
		memcpy(&d_bits, &d, sizeof(d));						\
		return d_bits;								\
	}
#define ROW(name, text, D, A, B, C, ...) { text, T_##D, T_##A, T_##B, T_##C, want_##name, 0, 0 },

#endif
