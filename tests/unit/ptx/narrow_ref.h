/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Rounding to a narrow format by its definition: the two neighbours among all values of the format, then the rule. */
#ifndef TESTS_UNIT_PTX_NARROW_REF_H
#define TESTS_UNIT_PTX_NARROW_REF_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

enum rule { RULE_RN, RULE_RZ, RULE_RM, RULE_RP, RULE_RNA };

/* Value of the bits of a magnitude below the exponent of infinity; exponent all ones counts on as if it were finite. */
static inline __float128 narrow_value(uint32_t bits, int man, int exp)
{
	int bias = (1 << (exp - 1)) - 1, e = (int)(bits >> man);
	uint32_t m = bits & ((1u << man) - 1);
	__float128 v;
	int shift;

	if (e)
		m |= 1u << man;
	else
		e = 1;
	v = m;
	for (shift = e - bias - man; shift > 0; shift--)
		v *= 2;
	for (; shift < 0; shift++)
		v /= 2;
	return v;
}

static inline uint32_t narrow_ref(__float128 x, int man, int exp, int rule)
{
	uint32_t sign, inf = ((1u << exp) - 1) << man, lo = 0, hi = inf, mid;
	__float128 mag, below, above;
	bool neg = x < 0 || (x == 0 && 1 / (double)x < 0), up;

	if (x != x)
		return (1u << (man + exp)) - 1;
	sign = neg ? 1u << (man + exp) : 0;
	mag = neg ? -x : x;
	if (mag == (__float128)INFINITY)
		return sign | inf;
	if (mag >= narrow_value(inf, man, exp)) {
		up = rule == RULE_RN || rule == RULE_RNA || rule == (neg ? RULE_RM : RULE_RP);
		return sign | (up ? inf : inf - 1);
	}
	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		if (narrow_value(mid, man, exp) <= mag)
			lo = mid;
		else
			hi = mid;
	}
	below = mag - narrow_value(lo, man, exp);
	above = narrow_value(hi, man, exp) - mag;
	if (below == 0)
		up = false;
	else if (rule == RULE_RN)
		up = above < below || (above == below && (lo & 1));
	else if (rule == RULE_RNA)
		up = above <= below;
	else
		up = rule == (neg ? RULE_RM : RULE_RP);
	return sign | (up ? hi : lo);
}

static inline __float128 widen_ref(uint32_t bits, int man, int exp)
{
	uint32_t mag = bits & ((1u << (man + exp)) - 1), inf = ((1u << exp) - 1) << man;
	__float128 v;

	if (mag > inf)
		return (__float128)NAN;
	v = mag == inf ? (__float128)INFINITY : narrow_value(mag, man, exp);
	return bits >> (man + exp) & 1 ? -v : v;
}

#endif
