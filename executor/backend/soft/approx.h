/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* The approximate functions of PTX, more accurate than it asks for, in forms that vectorise. */
#ifndef EXECUTOR_SOFT_APPROX_H
#define EXECUTOR_SOFT_APPROX_H

#include <math.h>

#include "float.h"

/*
 * 2^x: x = n + f with |f| <= 1/2; 2^f by its Taylor series in f ln 2, whose first term left out is
 * (ln 2 / 2)^8 / 8! = 5e-9. The scaling is done in two steps so that subnormal results are rounded once.
 */
static inline float approx_ex2(float x)
{
	float c = x > 200.0f ? 200.0f : x, n, f, p, r;
	int32_t k, k1;

	c = c > -200.0f ? c : -200.0f;
	n = (c + 0x1.8p23f) - 0x1.8p23f;
	f = c - n;
	p = 0x1.ffcbfcp-17f;
	p = p * f + 0x1.430912p-13f;
	p = p * f + 0x1.5d87fep-10f;
	p = p * f + 0x1.3b2ab6p-7f;
	p = p * f + 0x1.c6b08ep-5f;
	p = p * f + 0x1.ebfbe0p-3f;
	p = p * f + 0x1.62e430p-1f;
	p = p * f + 1.0f;
	k = (int32_t)n;
	k1 = k >> 1;
	r = p * f32_of((uint32_t)(k1 + 127) << 23) * f32_of((uint32_t)(k - k1 + 127) << 23);
	return x != x ? x : r;
}

/*
 * log2(x): x = 2^n m with m in [sqrt(1/2), sqrt(2)); log2(m) = 2/ln 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1) / (m + 1), |s| < 0.172:
 * the first term left out is below 4e-11 of the sum.
 */
static inline float approx_lg2(float x)
{
	float scaled = x < 0x1p-126f ? x * 0x1p24f : x, m, s, s2, p, r;
	int32_t e = x < 0x1p-126f ? -24 : 0;
	uint32_t u = bits_f32(scaled), t = u - 0x3f3504f3u;

	e += (int32_t)t >> 23;
	m = f32_of((t & 0x7fffff) + 0x3f3504f3u);
	s = (m - 1.0f) / (m + 1.0f);
	s2 = s * s;
	p = 0x1.0cd3ccp-2f;
	p = p * s2 + 0x1.484b14p-2f;
	p = p * s2 + 0x1.a61762p-2f;
	p = p * s2 + 0x1.2776c6p-1f;
	p = p * s2 + 0x1.ec709ep-1f;
	p = p * s2 + 0x1.715476p+1f;
	r = p * s + (float)e;
	r = x == INFINITY ? x : r;
	r = x == 0.0f ? -INFINITY : r;
	return x < 0.0f || x != x ? f32_of(F32_NAN) : r;
}

float approx_sin_far(float x);
float approx_cos_far(float x);

/* sin and cos of x = n pi/2 + r; n of the quadrant. Beyond the range of the reduction, libm's. */
static inline float approx_sin_poly(float r)
{
	float r2 = r * r, p = 0x1.6cd878p-19f;

	p = p * r2 - 0x1.a00f9ep-13f;
	p = p * r2 + 0x1.111110p-7f;
	p = p * r2 - 0x1.555556p-3f;
	return r + r * r2 * p;
}

static inline float approx_cos_poly(float r)
{
	float r2 = r * r, p = 0x1.99eb9cp-16f;

	p = p * r2 - 0x1.6c0c34p-10f;
	p = p * r2 + 0x1.55553ep-5f;
	p = p * r2 - 0x1.0p-1f;
	return 1.0f + r2 * p;
}

static inline float approx_quadrant(float x, int shift)
{
	double n = ((double)x * 0x1.45f306dc9c883p-1 + 0x1.8p52) - 0x1.8p52;
	float r = (float)(((double)x - n * 0x1.921fb54442d18p+0) - n * 0x1.1a62633145c07p-54), s, c, v;
	int32_t q = (int32_t)n + shift;

	s = approx_sin_poly(r);
	c = approx_cos_poly(r);
	v = q & 1 ? c : s;
	return q & 2 ? -v : v;
}

static inline float approx_sin(float x)
{
	if (!(fabsf(x) < 0x1p28f))
		return approx_sin_far(x);
	return approx_quadrant(x, 0);
}

static inline float approx_cos(float x)
{
	if (!(fabsf(x) < 0x1p28f))
		return approx_cos_far(x);
	return approx_quadrant(x, 1);
}

static inline float approx_tanh(float x)
{
	float a = fabsf(x), e = approx_ex2(-2.0f * 0x1.715476p+0f * a), r = (1.0f - e) / (1.0f + e), x2 = x * x;
	float small = x - x * x2 * (0x1.555556p-2f - x2 * (0x1.111112p-3f - x2 * 0x1.ba1ba2p-5f));

	r = copysignf(r, x);
	return a < 0.25f ? small : r;
}

#endif
