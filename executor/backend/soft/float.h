/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Conversions between floating-point formats and PTX's rules for them, in forms that vectorise. */
#ifndef EXECUTOR_SOFT_FLOAT_H
#define EXECUTOR_SOFT_FLOAT_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define F32_NAN		0x7fffffffu
#define F16_NAN		0x7fffu
#define BF16_NAN	0x7fffu

static inline uint32_t bits_f32(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static inline float f32_of(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

static inline uint64_t bits_f64(double d)
{
	uint64_t u;

	memcpy(&u, &d, sizeof(u));
	return u;
}

static inline double f64_of(uint64_t u)
{
	double d;

	memcpy(&d, &u, sizeof(d));
	return d;
}

/* Every NaN that single-precision arithmetic makes is the same one. */
static inline float canon_f32(float f)
{
	return f != f ? f32_of(F32_NAN) : f;
}

/* Subnormals become zero of the same sign. */
static inline float flush_f32(float f)
{
	uint32_t u = bits_f32(f);

	return f32_of(u & 0x7f800000u ? u : u & 0x80000000u);
}

/* 0.0 to 1.0; NaN gives +0. */
static inline float sat_f32(float f)
{
	f = f > 0.0f ? f : 0.0f;
	return f < 1.0f ? f : 1.0f;
}

static inline double sat_f64(double f)
{
	f = f > 0.0 ? f : 0.0;
	return f < 1.0 ? f : 1.0;
}

static inline float f32_of_f16(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, mag = (uint32_t)(h & 0x7fff) << 13;
	/* Multiplying moves the exponent's bias and normalises subnormals; infinity and NaN are put right. */
	float f = f32_of(mag) * 0x1p112f;
	uint32_t u = bits_f32(f);

	u = mag >= 0x0f800000u ? mag | 0x7f800000u : u;
	return f32_of(u | sign);
}

/* To nearest even. */
static inline uint16_t f16_of_f32(float f)
{
	uint32_t u = bits_f32(f), sign = u >> 16 & 0x8000, mag = u & 0x7fffffff, norm, sub, r;

	norm = (mag + 0xfff + (mag >> 13 & 1) - 0x38000000u) >> 13;
	sub = bits_f32(f32_of(mag) + 0.5f) - 0x3f000000u;
	r = mag < 0x38800000u ? sub : norm;
	r = mag >= 0x477ff000u ? 0x7c00 : r;
	r = mag > 0x7f800000u ? F16_NAN : r;
	r = mag > 0x7f800000u ? r : r | sign;
	return r;
}

static inline float f32_of_bf16(uint16_t h)
{
	return f32_of((uint32_t)h << 16);
}

/* To nearest even. */
static inline uint16_t bf16_of_f32(float f)
{
	uint32_t u = bits_f32(f), r = (u + 0x7fff + (u >> 16 & 1)) >> 16;

	return (u & 0x7fffffff) > 0x7f800000u ? BF16_NAN : r;
}

enum float_round {
	FR_NEAREST, FR_ZERO, FR_DOWN, FR_UP, FR_AWAY,	/* FR_AWAY: to nearest, ties away from zero */
};

/**
 * float_narrow - rounds a double to a narrower format
 * @d: value; @sticky says that the exact value lies a little further from zero
 * @sticky: see @d
 * @man_bits: mantissa bits stored
 * @exp_bits: exponent bits
 * @round: enum float_round
 *
 * NaN gives all ones but the sign. Overflow gives infinity, or the largest finite value where the rounding asks for that.
 */
uint32_t float_narrow(double d, bool sticky, unsigned int man_bits, unsigned int exp_bits, int round);

/**
 * float_fma_odd - a * b + c, exact but for a last bit that is set where the result is not exact
 * @a: at most 24 significant bits
 * @b: at most 24 significant bits
 * @c: at most 24 significant bits
 *
 * Rounding the result once more to at most 24 bits gives what rounding the exact sum would.
 */
static inline double float_fma_odd(float a, float b, float c)
{
	double p = (double)a * b, s = p + c, t, err;
	uint64_t u;

	/* Two-sum: err is what the addition lost. */
	t = s - p;
	err = (p - (s - t)) + ((double)c - t);
	u = bits_f64(s);
	if (err != 0 && !(u & 1) && isfinite(s))
		u += (err > 0) == (s > 0) ? 1 : -1;
	return f64_of(u);
}

#endif
