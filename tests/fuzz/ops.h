/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * The differential fuzzer of instructions
 * =======================================
 *
 * A *form* is an instruction, or a few, with all its types and modifiers, and a function that computes its result from its
 * definition in the PTX ISA: with integers of 128 bits, with quad precision and one function that rounds, bit by bit where the
 * ISA defines bit by bit. Nothing is shared with the interpreter, and nothing depends on the rounding of the host.
 *
 * Programs are forms drawn by chance over few registers, with immediates, guards, values where operations go wrong and random
 * ones; some stand in functions. They stand in loops of as many rounds as the thread's input says, with breaks and continues, in
 * both arms of ifs, in arms of brx.idx, and threads exit on the way: lanes part and meet again. Each thread writes down every
 * step that it comes to, with its result. Where the definitions say that a thread goes, and what they make of the operands that
 * it really had, is compared with that, so that the jump or the instruction that is wrong is the one that is named.
 */
#ifndef TESTS_FUZZ_OPS_H
#define TESTS_FUZZ_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef __int128 s128;
typedef unsigned __int128 u128;
typedef __float128 f128;

#define LANES	32
#define SOURCES	4

/* Register classes: predicate, 16, 32 and 64 bits. */
enum reg { R_NONE, R_P, R_H, R_W, R_D, R_COUNT };

/* What values an operand is given. */
enum flavour { V_INT, V_SHIFT, V_F16, V_BF16, V_F32, V_F64, V_SMALL, V_MASK };

/* Rounding, in the order of PTX's rn, rz, rm, rp; V_AWAY is rna. */
enum rounding { TO_NEAREST, TO_ZERO, TO_MINUS, TO_PLUS, TO_AWAY };

enum { F_FTZ = 1, F_SAT = 2, F_RELU = 4, F_NAN = 8, F_XORSIGN = 16, F_SATFINITE = 32 };

struct form;

/**
 * typedef eval_fn - a definition
 * @form: instruction
 * @v: by operand, by lane: bits
 * @lane: whose result is asked for
 * @got: what the interpreter made of it
 *
 * Return: bits of the result; @got where the ISA leaves the result open, or it is within the tolerance.
 */
typedef u64 (*eval_fn)(const struct form *form, u64 (*v)[LANES], unsigned int lane, u64 got);

/**
 * struct form - an instruction
 * @text: with %d and %a, %b, %c, %e; %G, %S and %L are addresses of 32 bytes in global, shared and local memory
 * @d: class of the result
 * @s: classes of the sources
 * @flavour: of the sources
 * @eval: definition
 * @type: first type, as a letter (u, s, b, f) and bits: see T()
 * @type2: second
 * @round: enum rounding
 * @flags: F_*
 * @mode: as the definition wants it
 * @mode2: likewise
 * @warp: the definition looks at other lanes: all take part
 * @no_imm: sources must be registers
 */
struct form {
	char text[240];
	u8 d;
	u8 s[SOURCES];
	u8 flavour[SOURCES];
	eval_fn eval;
	u16 type;
	u16 type2;
	u8 round;
	u8 flags;
	int mode;
	int mode2;
	bool warp;
	bool no_imm;
};

#define T(kind, bits)	((kind) << 8 | (bits))
#define T_KIND(type)	((type) >> 8)
#define T_BITS(type)	((type) & 0xff)

/**
 * form_add - adds a form
 * @form: copied; its text is made from @fmt
 * @fmt: as printf()
 */
void form_add(struct form form, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Each adds the forms of one kind. */
void forms_int(void);
void forms_bits(void);
void forms_float(void);
void forms_half(void);
void forms_convert(void);
void forms_memory(void);
void forms_warp(void);
void forms_video(void);

static inline u64 mask_of(unsigned int bits)
{
	return bits >= 64 ? ~0ull : (1ull << bits) - 1;
}

static inline s64 sign_of(u64 v, unsigned int bits)
{
	return bits >= 64 ? (s64)v : (s64)(v << (64 - bits)) >> (64 - bits);
}

/* The value of an integer type. */
static inline s128 int_value(u16 type, u64 v)
{
	return T_KIND(type) == 's' ? (s128)sign_of(v, T_BITS(type)) : (s128)(v & mask_of(T_BITS(type)));
}

static inline enum reg class_of(unsigned int bits)
{
	return bits == 1 ? R_P : bits <= 16 ? R_H : bits == 32 ? R_W : R_D;
}

/* Formats of floating point, value by value. */
struct format {
	unsigned int bits;
	unsigned int man;	/* bits stored */
	int bias;
};

extern const struct format half_format, bf16_format, single_format, double_format, tf32_format;

/**
 * quad_of - the value of a number's bits
 * @f: its format
 * @bits: bits
 */
f128 quad_of(const struct format *f, u64 bits);

/**
 * is_nan - tells whether bits are those of NaN
 * @f: format
 * @bits: bits
 */
bool is_nan(const struct format *f, u64 bits);

/**
 * round_quad - rounds to a format
 * @f: format
 * @v: value
 * @rest: sign of what the exact value has beyond @v
 * @round: enum rounding
 *
 * Return: bits; NaN is what PTX calls canonical.
 */
u64 round_quad(const struct format *f, f128 v, int rest, enum rounding round);

/**
 * flush - replaces a subnormal number by zero of its sign
 * @f: format
 * @bits: bits
 */
u64 flush(const struct format *f, u64 bits);

/**
 * finish - what .ftz, .sat and .relu make of a result
 * @f: format
 * @bits: of the result
 * @flags: F_*
 */
u64 finish(const struct format *f, u64 bits, unsigned int flags);

/**
 * same_number - a result, or what the interpreter has where both are NaN and the ISA does not say which
 * @f: format
 * @want: bits
 * @got: bits
 */
u64 same_number(const struct format *f, u64 want, u64 got);

static inline const struct format *format_of(u16 type)
{
	return T_BITS(type) == 64 ? &double_format : T_BITS(type) == 32 ? &single_format :
	       T_KIND(type) == 'B' ? &bf16_format : &half_format;
}

extern const char *const round_names[];

#endif
