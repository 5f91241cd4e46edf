// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Numbers as bits, as exact values, and rounded. */
#include "ops.h"

const struct format half_format = { 16, 10, 15 }, bf16_format = { 16, 7, 127 }, single_format = { 32, 23, 127 },
		    double_format = { 64, 52, 1023 }, tf32_format = { 32, 10, 127 };
const char *const round_names[] = { ".rn", ".rz", ".rm", ".rp", ".rna" };

union quad {
	f128 f;
	struct {
		u64 low;
		u64 high;
	};
};

#define QUAD_BIAS	16383

/* 2 to the power of e. */
static f128 power(int e)
{
	union quad q = { .low = 0, .high = (u64)(e + QUAD_BIAS) << 48 };

	return q.f;
}

static unsigned int exponent_bits(const struct format *f)
{
	return f->bias == 15 ? 5 : f->bias == 127 ? 8 : 11;
}

f128 quad_of(const struct format *f, u64 bits)
{
	unsigned int top = exponent_bits(f), stored = f == &tf32_format ? 23 : f->man;
	u64 man = bits & mask_of(stored), exp = bits >> stored & mask_of(top);
	bool neg = bits >> (stored + top) & 1;
	f128 v;

	if (exp == mask_of(top))
		v = man ? __builtin_nanf("") : __builtin_inff();
	else if (exp)
		v = (f128)(man | 1ull << stored) * power((int)exp - f->bias - (int)stored);
	else
		v = (f128)man * power(1 - f->bias - (int)stored);
	return neg ? -v : v;
}

bool is_nan(const struct format *f, u64 bits)
{
	f128 v = quad_of(f, bits);

	return v != v;
}

u64 round_quad(const struct format *f, f128 v, int rest, enum rounding round)
{
	unsigned int top = exponent_bits(f);
	union quad q = { .f = v };
	u64 sign = q.high >> 63, infinity = mask_of(top) << f->man, r;
	u128 man, kept, below, half;
	int exp, drop;
	bool up;

	if (v != v)
		return mask_of(f->man + top);
	if (__builtin_isinf((double)v) && (v + v == v))
		return sign << (f->man + top) | infinity;
	/* A residue alone is a number smaller than any. */
	if (v == 0 && rest)
		sign = rest < 0;
	if (v == 0 && !rest)
		return sign << (f->man + top);
	if (sign)
		rest = -rest;
	exp = (int)(q.high >> 48 & 0x7fff) - QUAD_BIAS;
	man = ((u128)(q.high & mask_of(48)) << 64 | q.low) | (u128)1 << 112;
	if (v == 0) {
		man = 0;
		exp = 1 - f->bias;
	}
	/* Two more bits, so that a residue can be put below what is there. */
	man = (man << 3) + (rest > 0 ? 1 : 0) - (rest < 0 ? 1 : 0);
	drop = 115 - (int)f->man;
	if (exp < 1 - f->bias)
		drop += 1 - f->bias - exp;
	if (drop > 120)
		drop = 120;
	kept = man >> drop;
	below = man & (((u128)1 << drop) - 1);
	half = (u128)1 << (drop - 1);
	switch (round) {
	case TO_NEAREST:
		up = below > half || (below == half && (kept & 1));
		break;
	case TO_AWAY:
		up = below >= half;
		break;
	case TO_PLUS:
		up = !sign && below;
		break;
	case TO_MINUS:
		up = sign && below;
		break;
	default:
		up = false;
	}
	r = (u64)kept + up;
	if (exp >= 1 - f->bias)
		r += (u64)(exp + f->bias - 1) << f->man;
	if (exp > f->bias + 1 || r >= infinity)
		r = infinity - (round == TO_ZERO || (round == TO_PLUS && sign) || (round == TO_MINUS && !sign));
	return sign << (f->man + top) | r;
}

u64 flush(const struct format *f, u64 bits)
{
	return bits >> f->man & mask_of(exponent_bits(f)) ? bits : bits & 1ull << (f->bits - 1);
}

u64 finish(const struct format *f, u64 bits, unsigned int flags)
{
	f128 v;

	if (flags & F_FTZ)
		bits = flush(f, bits);
	v = quad_of(f, bits);
	if (flags & F_SAT)
		bits = v >= 1 ? round_quad(f, 1, 0, TO_NEAREST) : v > 0 ? bits : 0;
	if (flags & F_RELU)
		bits = v != v ? round_quad(f, v, 0, TO_NEAREST) : v > 0 ? bits : 0;
	return bits;
}

u64 same_number(const struct format *f, u64 want, u64 got)
{
	/* The payload of a NaN is defined for f32 and narrower ones. */
	return is_nan(f, want) && is_nan(f, got) && f == &double_format ? got : want;
}
