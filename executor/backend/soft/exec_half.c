// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Arithmetic in half precision. A row is taken as 64 halves: the .x2 forms use both halves of a lane, the others the
 * lower, and what they make of the upper is of no matter. Sums, products and quotients of halves are rounded right when they
 * are rounded to single precision first; fused multiply-add goes through double.
 */
#include "exec.h"
#include "approx.h"

enum { OPT_FTZ = 1, OPT_SAT = 2, OPT_RELU = 4 };

#define FOR_HALVES	_Pragma("GCC ivdep") for (unsigned int l = 0; l < 2 * LANES; l++)

static inline uint16_t flush_f16(uint16_t h)
{
	return h & 0x7c00 ? h : h & 0x8000;
}

static inline uint16_t sat_f16(uint16_t h)
{
	/* NaN and negatives give +0. */
	return h > 0x7c00 ? 0 : h > 0x3c00 ? 0x3c00 : h;
}

static inline uint16_t relu_f16(uint16_t h)
{
	return (h & 0x7fff) > 0x7c00 ? F16_NAN : h & 0x8000 ? 0 : h;
}

static inline uint16_t sat_bf16(uint16_t h)
{
	return h > 0x7f80 ? 0 : h > 0x3f80 ? 0x3f80 : h;
}

static inline uint16_t relu_bf16(uint16_t h)
{
	return (h & 0x7fff) > 0x7f80 ? BF16_NAN : h & 0x8000 ? 0 : h;
}

static inline uint16_t flush_bf16(uint16_t h)
{
	return h & 0x7f80 ? h : h & 0x8000;
}

static inline uint16_t fma_f16(uint16_t x, uint16_t y, uint16_t z)
{
	double s = float_fma_odd(f32_of_f16(x), f32_of_f16(y), f32_of_f16(z));

	return (uint16_t)float_narrow(s, false, 10, 5, FR_NEAREST);
}

static inline uint16_t fma_bf16(uint16_t x, uint16_t y, uint16_t z)
{
	double s = float_fma_odd(f32_of_bf16(x), f32_of_bf16(y), f32_of_bf16(z));

	return (uint16_t)float_narrow(s, false, 7, 8, FR_NEAREST);
}

static inline float half_min(float x, float y)
{
	float r = x < y ? x : y;

	r = x == y ? f32_of(bits_f32(x) | bits_f32(y)) : r;
	r = x != x ? y : r;
	return y != y ? x : r;
}

static inline float half_max(float x, float y)
{
	float r = x > y ? x : y;

	r = x == y ? f32_of(bits_f32(x) & bits_f32(y)) : r;
	r = x != x ? y : r;
	return y != y ? x : r;
}

static inline float half_nan(float x, float y, float r)
{
	return x != x || y != y ? f32_of(F32_NAN) : r;
}

/* F: f16 or bf16; result, a 16-bit value of x, y and z, which are bits. */
#define EXEC_HALF(name, F, N, expr)							\
EXEC(name##_##F)									\
{											\
	uint16_t *d = w_row(w, i->o[0]), t[2 * LANES] __attribute__((aligned(64)));	\
	H_PARAMS_##N									\
											\
	if (i->x & OPT_FTZ) {								\
		FOR_HALVES {								\
			H_LOAD_##N							\
			H_FLUSH_##N(F)							\
			t[l] = flush_##F(expr);						\
		}									\
	} else {									\
		FOR_HALVES {								\
			H_LOAD_##N							\
			t[l] = (expr);							\
		}									\
	}										\
	if (i->x & OPT_SAT)								\
		FOR_HALVES								\
			t[l] = sat_##F(t[l]);						\
	if (i->x & OPT_RELU)								\
		FOR_HALVES								\
			t[l] = relu_##F(t[l]);						\
	FOR_HALVES									\
		d[l] = ON(m, l / 2) ? t[l] : d[l];					\
	return i + 1;									\
}

#define H_PARAMS_1 const uint16_t *a = w_row(w, i->o[1]);
#define H_PARAMS_2 H_PARAMS_1 const uint16_t *b = w_row(w, i->o[2]);
#define H_PARAMS_3 H_PARAMS_2 const uint16_t *c = w_row(w, i->o[3]);
#define H_LOAD_1 uint16_t x = a[l];
#define H_LOAD_2 H_LOAD_1 uint16_t y = b[l];
#define H_LOAD_3 H_LOAD_2 uint16_t z = c[l];
#define H_FLUSH_1(F) x = flush_##F(x);
#define H_FLUSH_2(F) H_FLUSH_1(F) y = flush_##F(y);
#define H_FLUSH_3(F) H_FLUSH_2(F) z = flush_##F(z);

#define EXEC_HALVES(F)									\
EXEC_HALF(add, F, 2, F##_of_f32(f32_of_##F(x) + f32_of_##F(y)))				\
EXEC_HALF(sub, F, 2, F##_of_f32(f32_of_##F(x) - f32_of_##F(y)))				\
EXEC_HALF(mul, F, 2, F##_of_f32(f32_of_##F(x) * f32_of_##F(y)))				\
EXEC_HALF(fma, F, 3, fma_##F(x, y, z))							\
EXEC_HALF(min, F, 2, F##_of_f32(half_min(f32_of_##F(x), f32_of_##F(y))))		\
EXEC_HALF(max, F, 2, F##_of_f32(half_max(f32_of_##F(x), f32_of_##F(y))))		\
EXEC_HALF(minnan, F, 2, F##_of_f32(half_nan(f32_of_##F(x), f32_of_##F(y),		\
					    half_min(f32_of_##F(x), f32_of_##F(y)))))	\
EXEC_HALF(maxnan, F, 2, F##_of_f32(half_nan(f32_of_##F(x), f32_of_##F(y),		\
					    half_max(f32_of_##F(x), f32_of_##F(y)))))	\
EXEC_HALF(ex2, F, 1, F##_of_f32(approx_ex2(f32_of_##F(x))))				\
EXEC_HALF(tanh, F, 1, F##_of_f32(approx_tanh(f32_of_##F(x))))				\
EXEC_HALF(neg, F, 1, x ^ 0x8000)							\
EXEC_HALF(abs, F, 1, x & 0x7fff)							\
/* Widening for comparisons and conversions; the upper half of a lane. */		\
EXEC(widen_##F)										\
{											\
	float *d = w_row(w, i->o[0]);							\
	const uint32_t *a = w_row(w, i->o[1]);						\
											\
	FOR_LANES {									\
		float r = canon_f32(f32_of_##F((uint16_t)a[l]));					\
		d[l] = ON(m, l) ? r : d[l];						\
	}										\
	return i + 1;									\
}											\
EXEC(widenhi_##F)									\
{											\
	float *d = w_row(w, i->o[0]);							\
	const uint32_t *a = w_row(w, i->o[1]);						\
											\
	FOR_LANES {									\
		float r = canon_f32(f32_of_##F((uint16_t)(a[l] >> 16)));				\
		d[l] = ON(m, l) ? r : d[l];						\
	}										\
	return i + 1;									\
}											\
EXEC(narrow_##F)									\
{											\
	uint32_t *d = w_row(w, i->o[0]);						\
	const float *a = w_row(w, i->o[1]);						\
											\
	FOR_LANES {									\
		uint32_t r = F##_of_f32(a[l]);						\
		d[l] = ON(m, l) ? r : d[l];						\
	}										\
	return i + 1;									\
}

EXEC_HALVES(f16)
EXEC_HALVES(bf16)

/* fma.oob is not of this compute capability. copysign, testp on halves: by widening. */
