// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Conversions. */
#include "exec.h"

/* Integer to integer: truncation or extension, and with saturation. */
#define CVT_II(D, A)									\
EXEC_1(cvt_##D##_##A, D, A, x)

#define CVT_TO(A)									\
CVT_II(u8, A) CVT_II(s8, A) CVT_II(u16, A) CVT_II(s16, A)				\
CVT_II(u32, A) CVT_II(s32, A) CVT_II(u64, A) CVT_II(s64, A)

CVT_TO(u8)
CVT_TO(s8)
CVT_TO(u16)
CVT_TO(s16)
CVT_TO(u32)
CVT_TO(s32)
CVT_TO(u64)
CVT_TO(s64)

/* Saturation to a narrower type, done on 64-bit values. */
static inline int64_t clamp_s64(int64_t x, int64_t lo, int64_t hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

static inline uint64_t min_u64(uint64_t x, uint64_t hi)
{
	return x > hi ? hi : x;
}

EXEC_1(satu8_s64, u64, s64, (uint64_t)clamp_s64(x, 0, UINT8_MAX))
EXEC_1(sats8_s64, s64, s64, clamp_s64(x, INT8_MIN, INT8_MAX))
EXEC_1(satu16_s64, u64, s64, (uint64_t)clamp_s64(x, 0, UINT16_MAX))
EXEC_1(sats16_s64, s64, s64, clamp_s64(x, INT16_MIN, INT16_MAX))
EXEC_1(satu32_s64, u64, s64, (uint64_t)clamp_s64(x, 0, UINT32_MAX))
EXEC_1(sats32_s64, s64, s64, clamp_s64(x, INT32_MIN, INT32_MAX))
EXEC_1(satu64_s64, u64, s64, x < 0 ? 0 : (uint64_t)x)
EXEC_1(satu8_u64, u64, u64, min_u64(x, UINT8_MAX))
EXEC_1(sats8_u64, u64, u64, min_u64(x, INT8_MAX))
EXEC_1(satu16_u64, u64, u64, min_u64(x, UINT16_MAX))
EXEC_1(sats16_u64, u64, u64, min_u64(x, INT16_MAX))
EXEC_1(satu32_u64, u64, u64, min_u64(x, UINT32_MAX))
EXEC_1(sats32_u64, u64, u64, min_u64(x, INT32_MAX))
EXEC_1(sats64_u64, u64, u64, min_u64(x, INT64_MAX))

/* Integer to float; rounds as the CPU is set. */
EXEC_1(cvt_f32_s32, f32, s32, (float)x)
EXEC_1(cvt_f32_u32, f32, u32, (float)x)
EXEC_1(cvt_f32_s64, f32, s64, (float)x)
EXEC_1(cvt_f64_s32, f64, s32, (double)x)
EXEC_1(cvt_f64_u32, f64, u32, (double)x)
EXEC_1(cvt_f64_s64, f64, s64, (double)x)

/* By hand, since what compilers make of unsigned 64-bit values rounds to nearest only. i->aux: rounding as in EXEC(rounded). */
static inline double f64_of_u64(uint64_t x, unsigned int man_bits, unsigned int dir, bool narrow)
{
	unsigned int top, drop;
	uint64_t rest, half;

	if (!x)
		return 0;
	top = 63 - (unsigned int)__builtin_clzll(x);
	if (top <= man_bits)
		return (double)x;
	drop = top - man_bits;
	rest = x & ((1ull << drop) - 1);
	half = 1ull << (drop - 1);
	x >>= drop;
	if (dir == 2 || dir == 0)
		x += dir == 2 ? rest != 0 : rest > half || (rest == half && (x & 1));
	(void)narrow;
	return ldexp((double)x, (int)drop);
}

EXEC(cvt_f64_u64)
{
	double *d = d_row(w, i->o[0]);
	const uint64_t *a = d_row(w, i->o[1]);

	for (unsigned int l = 0; l < LANES; l++)
		if (ON(m, l))
			d[l] = f64_of_u64(a[l], 52, i->aux, false);
	return i + 1;
}

EXEC(cvt_f32_u64)
{
	float *d = w_row(w, i->o[0]);
	const uint64_t *a = d_row(w, i->o[1]);

	for (unsigned int l = 0; l < LANES; l++)
		if (ON(m, l))
			d[l] = (float)f64_of_u64(a[l], 23, i->aux, true);
	return i + 1;
}

EXEC_1(cvt_f64_f32, f64, f32, (double)x)
EXEC_1(cvt_f32_f64, f32, f64, canon_f32((float)x))

/* To an integral value; aux: 0 nearest even, 1 down, 2 up, 3 to zero. */
#if defined(__SSE4_1__)
#define ROUND_F32(x, mode)	_mm_cvtss_f32(_mm_round_ss(_mm_setzero_ps(), _mm_set_ss(x), mode))
#define ROUND_F64(x, mode)	_mm_cvtsd_f64(_mm_round_sd(_mm_setzero_pd(), _mm_set_sd(x), mode))
#endif

static inline float round_f32(float x, unsigned int mode)
{
	switch (mode) {
	case 0:
		return rintf(x);
	case 1:
		return floorf(x);
	case 2:
		return ceilf(x);
	default:
		return truncf(x);
	}
}

static inline double round_f64(double x, unsigned int mode)
{
	switch (mode) {
	case 0:
		return rint(x);
	case 1:
		return floor(x);
	case 2:
		return ceil(x);
	default:
		return trunc(x);
	}
}

#define EXEC_ROUND(name, T, mode)			\
EXEC_1(name##_##T, T, T, round_##T(x, mode))

EXEC_ROUND(rni, f32, 0)
EXEC_ROUND(rmi, f32, 1)
EXEC_ROUND(rpi, f32, 2)
EXEC_ROUND(rzi, f32, 3)
EXEC_ROUND(rni, f64, 0)
EXEC_ROUND(rmi, f64, 1)
EXEC_ROUND(rpi, f64, 2)
EXEC_ROUND(rzi, f64, 3)

/*
 * Integral float to integer, clamping. NaN gives zero where the source is not .f64 and the result not of 64 bits,
 * otherwise the result's most significant bit.
 */
static inline int32_t int_s32_f32(float x)
{
	int32_t r = (int32_t)(x >= -0x1p31f && x < 0x1p31f ? x : 0.0f);

	r = x >= 0x1p31f ? INT32_MAX : r;
	return x < -0x1p31f ? INT32_MIN : r;
}

static inline uint32_t int_u32_f32(float x)
{
	uint32_t r = (uint32_t)(x >= 0.0f && x < 0x1p32f ? x : 0.0f);

	return x >= 0x1p32f ? UINT32_MAX : r;
}

static inline int64_t int_s64_f64(double x)
{
	int64_t r = (int64_t)(x >= -0x1p63 && x < 0x1p63 ? x : 0.0);

	r = x >= 0x1p63 ? INT64_MAX : r;
	return x < -0x1p63 || x != x ? INT64_MIN : r;
}

static inline uint64_t int_u64_f64(double x)
{
	uint64_t r = (uint64_t)(x >= 0.0 && x < 0x1p64 ? x : 0.0);

	r = x >= 0x1p64 ? UINT64_MAX : r;
	return x != x ? 1ull << 63 : r;
}

static inline int32_t int_s32_f64(double x)
{
	int32_t r = (int32_t)(x >= -0x1p31 && x < 0x1p31 ? x : 0.0);

	r = x >= 0x1p31 ? INT32_MAX : r;
	return x < -0x1p31 || x != x ? INT32_MIN : r;
}

static inline uint32_t int_u32_f64(double x)
{
	uint32_t r = (uint32_t)(x >= 0.0 && x < 0x1p32 ? x : 0.0);

	r = x >= 0x1p32 ? UINT32_MAX : r;
	return x != x ? 1u << 31 : r;
}

EXEC_1(int_s32_f32, s32, f32, int_s32_f32(x))
EXEC_1(int_u32_f32, u32, f32, int_u32_f32(x))
EXEC_1(int_s64_f32, s64, f32, int_s64_f64((double)x))
EXEC_1(int_u64_f32, u64, f32, int_u64_f64((double)x))
EXEC_1(int_s32_f64, s32, f64, int_s32_f64(x))
EXEC_1(int_u32_f64, u32, f64, int_u32_f64(x))
EXEC_1(int_s64_f64, s64, f64, int_s64_f64(x))
EXEC_1(int_u64_f64, u64, f64, int_u64_f64(x))
EXEC_1(int_u8_f64, s32, f64, x != x ? 1 << 7 : (int32_t)(x > 0.0 ? x < 255.0 ? x : 255.0 : 0.0))
EXEC_1(int_u16_f64, s32, f64, x != x ? 1 << 15 : (int32_t)(x > 0.0 ? x < 65535.0 ? x : 65535.0 : 0.0))
/* The commonest: truncation in one step. */
EXEC_1(trunc_s32_f32, s32, f32, int_s32_f32(x))
EXEC_1(trunc_u32_f32, u32, f32, int_u32_f32(x))

EXEC_1(clamp_u16, s32, s32, x < 0 ? 0 : x > UINT16_MAX ? UINT16_MAX : x)
EXEC_1(clamp_s16, s32, s32, x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x)
EXEC_1(clamp_u8, s32, s32, x < 0 ? 0 : x > UINT8_MAX ? UINT8_MAX : x)
EXEC_1(clamp_s8, s32, s32, x < INT8_MIN ? INT8_MIN : x > INT8_MAX ? INT8_MAX : x)

/* From double to f16 or bf16, or f32 with ties away; imm: mantissa bits, x: exponent bits, aux: enum float_round, y: result << y. */
EXEC(narrow_f64)
{
	uint32_t *d = w_row(w, i->o[0]);
	const double *a = d_row(w, i->o[1]);

	for (unsigned int l = 0; l < LANES; l++)
		if (ON(m, l))
			d[l] = float_narrow(a[l], false, (unsigned int)i->imm, i->x, i->aux) << i->y;
	return i + 1;
}

/* The same from s64, u64 by way of round-to-odd. */
static inline double odd_f64(uint64_t x, bool neg)
{
	unsigned int top, drop;
	double r;

	if (!x)
		return 0;
	top = 63 - (unsigned int)__builtin_clzll(x);
	if (top > 52) {
		drop = top - 52;
		x = x >> drop << drop | (x & ((1ull << drop) - 1) ? 1ull << drop : 0);
	}
	r = (double)x;
	return neg ? -r : r;
}

EXEC_1(odd_f64_s64, f64, s64, x < 0 ? odd_f64(-(uint64_t)x, true) : odd_f64((uint64_t)x, false))
EXEC_1(odd_f64_u64, f64, u64, odd_f64(x, false))

/* Clamping of a result to the largest finite value, of a half: imm: that value. */
EXEC(satfinite_half)
{
	uint32_t *d = w_row(w, i->o[0]);
	const uint32_t *a = w_row(w, i->o[1]);

	FOR_LANES {
		uint32_t x = a[l] & 0xffff, mag = x & 0x7fff, r;

		r = mag == i->imm + 1 ? (x & 0x8000) | (uint32_t)i->imm : x;
		d[l] = ON(m, l) ? r : d[l];
	}
	return i + 1;
}

/* tf32: the low 13 bits of the mantissa are cleared after rounding to nearest, ties away. */
EXEC_1(cvt_tf32_f32, u32, u32, (x & 0x7fffffff) >= 0x7f800000 ? ((x & 0x7fffffff) > 0x7f800000 ? F32_NAN : x) :
       (x + 0x1000) & ~0x1fffu)
EXEC_1(cvt_tf32rn_f32, u32, u32, (x & 0x7fffffff) >= 0x7f800000 ? ((x & 0x7fffffff) > 0x7f800000 ? F32_NAN : x) :
       (x + 0xfff + (x >> 13 & 1)) & ~0x1fffu)
EXEC_1(cvt_tf32rz_f32, u32, u32, (x & 0x7fffffff) > 0x7f800000 ? F32_NAN : x & ~0x1fffu)
EXEC_1(relu_f32, u32, u32, (x & 0x7fffffff) > 0x7f800000 ? F32_NAN : x & 0x80000000 ? 0 : x)
