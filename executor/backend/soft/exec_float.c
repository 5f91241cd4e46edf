// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Arithmetic in single and double precision. */
#include <fenv.h>

#include "exec.h"
#include "approx.h"

/* i->x of the _x forms. */
enum { OPT_FTZ = 1, OPT_SAT = 2, OPT_RELU = 4 };

#define EXEC_F32(name, N, params, load, expr)						\
EXEC(name)										\
{											\
	float *d = w_row(w, i->o[0]);							\
	params										\
											\
	if (likely(m == FULL_MASK)) {							\
		FOR_LANES {								\
			load								\
			d[l] = canon_f32(expr);						\
		}									\
	} else {									\
		FOR_LANES {								\
			load								\
			float r = canon_f32(expr);					\
			d[l] = ON(m, l) ? r : d[l];					\
		}									\
	}										\
	return i + 1;									\
}											\
EXEC(name##_x)										\
{											\
	float *d = w_row(w, i->o[0]), t[LANES] __attribute__((aligned(64)));		\
	params										\
											\
	if (i->x & OPT_FTZ) {								\
		FOR_LANES {								\
			load								\
			FLUSH_##N							\
			t[l] = flush_f32(canon_f32(expr));				\
		}									\
	} else {									\
		FOR_LANES {								\
			load								\
			t[l] = canon_f32(expr);						\
		}									\
	}										\
	if (i->x & OPT_SAT)								\
		FOR_LANES								\
			t[l] = sat_f32(t[l]);						\
	FOR_LANES									\
		d[l] = ON(m, l) ? t[l] : d[l];						\
	return i + 1;									\
}

#define FLUSH_1	x = flush_f32(x);
#define FLUSH_2	FLUSH_1 y = flush_f32(y);
#define FLUSH_3	FLUSH_2 z = flush_f32(z);
#define PARAMS_1 const float *a = w_row(w, i->o[1]);
#define PARAMS_2 PARAMS_1 const float *b = w_row(w, i->o[2]);
#define PARAMS_3 PARAMS_2 const float *c = w_row(w, i->o[3]);
#define LOAD_1	float x = a[l];
#define LOAD_2	LOAD_1 float y = b[l];
#define LOAD_3	LOAD_2 float z = c[l];

EXEC_F32(add_f32, 2, PARAMS_2, LOAD_2, x + y)
EXEC_F32(sub_f32, 2, PARAMS_2, LOAD_2, x - y)
EXEC_F32(mul_f32, 2, PARAMS_2, LOAD_2, x * y)
EXEC_F32(fma_f32, 3, PARAMS_3, LOAD_3, fmaf(x, y, z))
EXEC_F32(div_f32, 2, PARAMS_2, LOAD_2, x / y)
EXEC_F32(rcp_f32, 1, PARAMS_1, LOAD_1, 1.0f / x)
EXEC_F32(sqrt_f32, 1, PARAMS_1, LOAD_1, sqrtf(x))
EXEC_F32(rsqrt_f32, 1, PARAMS_1, LOAD_1, 1.0f / sqrtf(x))
EXEC_F32(ex2_f32, 1, PARAMS_1, LOAD_1, approx_ex2(x))
EXEC_F32(lg2_f32, 1, PARAMS_1, LOAD_1, approx_lg2(x))
EXEC_F32(sin_f32, 1, PARAMS_1, LOAD_1, approx_sin(x))
EXEC_F32(cos_f32, 1, PARAMS_1, LOAD_1, approx_cos(x))
EXEC_F32(tanh_f32, 1, PARAMS_1, LOAD_1, approx_tanh(x))

/* Not arithmetic: the payload of a NaN stays. */
EXEC_1(flush_f32, u32, u32, x & 0x7f800000u ? x : x & 0x80000000u)
EXEC_1(sat_f32, f32, f32, sat_f32(x))
EXEC_1(canon_f32, f32, f32, canon_f32(x))
EXEC_1(neg_f32, u32, u32, x ^ 0x80000000u)
EXEC_1(abs_f32, u32, u32, x & 0x7fffffffu)
EXEC_2(copysign_f32, u32, u32, u32, (y & 0x7fffffffu) | (x & 0x80000000u))
EXEC_1(neg_f64, u64, u64, x ^ 1ull << 63)
EXEC_1(abs_f64, u64, u64, x & ~(1ull << 63))
EXEC_2(copysign_f64, u64, u64, u64, (y & ~(1ull << 63)) | (x & 1ull << 63))

/* -0 is less than +0; one NaN gives the other operand, two give NaN. */
static inline float min_f32(float x, float y)
{
	float r = x < y ? x : y;

	r = x == y ? f32_of(bits_f32(x) | bits_f32(y)) : r;
	r = x != x ? y : r;
	r = y != y ? x : r;
	return canon_f32(r);
}

static inline float max_f32(float x, float y)
{
	float r = x > y ? x : y;

	r = x == y ? f32_of(bits_f32(x) & bits_f32(y)) : r;
	r = x != x ? y : r;
	r = y != y ? x : r;
	return canon_f32(r);
}

static inline double min_f64(double x, double y)
{
	double r = x < y ? x : y;

	r = x == y ? f64_of(bits_f64(x) | bits_f64(y)) : r;
	r = x != x ? y : r;
	return y != y ? x : r;
}

static inline double max_f64(double x, double y)
{
	double r = x > y ? x : y;

	r = x == y ? f64_of(bits_f64(x) & bits_f64(y)) : r;
	r = x != x ? y : r;
	return y != y ? x : r;
}

static inline float nan_of(float x, float y, float r)
{
	return x != x || y != y ? f32_of(F32_NAN) : r;
}

EXEC_2(min_f32, f32, f32, f32, min_f32(x, y))
EXEC_2(max_f32, f32, f32, f32, max_f32(x, y))
EXEC_2(minnan_f32, f32, f32, f32, nan_of(x, y, min_f32(x, y)))
EXEC_2(maxnan_f32, f32, f32, f32, nan_of(x, y, max_f32(x, y)))
EXEC_2(min_f64, f64, f64, f64, min_f64(x, y))
EXEC_2(max_f64, f64, f64, f64, max_f64(x, y))

/* |result| with the sign of x ^ y, for .xorsign.abs: o[1] result so far, o[2] x, o[3] y. */
EXEC_3(xorsign_f32, u32, u32, u32, u32, (x & 0x7fffffffu) | ((y ^ z) & 0x80000000u))
EXEC_3(xorsign_f16x2, u32, u32, u32, u32, (x & 0x7fff7fffu) | ((y ^ z) & 0x80008000u))

EXEC_2(add_f64, f64, f64, f64, x + y)
EXEC_2(sub_f64, f64, f64, f64, x - y)
EXEC_2(mul_f64, f64, f64, f64, x * y)
EXEC_3(fma_f64, f64, f64, f64, f64, fma(x, y, z))
EXEC_2(div_f64, f64, f64, f64, x / y)
EXEC_1(rcp_f64, f64, f64, 1.0 / x)
EXEC_1(sqrt_f64, f64, f64, sqrt(x))
EXEC_1(rsqrt_f64, f64, f64, 1.0 / sqrt(x))
EXEC_1(sat_f64, f64, f64, sat_f64(x))
/* The upper 20 bits of the mantissa hold the result of rcp.approx.ftz.f64 and rsqrt.approx.ftz.f64. */
EXEC_1(rcpa_f64, f64, f64, f64_of(bits_f64(1.0 / x) & 0xffffffff00000000ull))
EXEC_1(rsqrta_f64, f64, f64, f64_of(bits_f64(1.0 / sqrt(x)) & 0xffffffff00000000ull))
EXEC_1(flush_f64, u64, u64, x & 0x7ff0000000000000ull ? x : x & 1ull << 63)

EXEC_P(finite_f32, f32, f32, fabsf(x) < INFINITY)
EXEC_P(infinite_f32, f32, f32, fabsf(x) == INFINITY)
EXEC_P(normal_f32, f32, f32, fabsf(x) < INFINITY && fabsf(x) >= 0x1p-126f)
EXEC_P(subnormal_f32, u32, u32, (x & 0x7fffffff) && (x & 0x7fffffff) < 0x00800000)
EXEC_P(finite_f64, f64, f64, fabs(x) < (double)INFINITY)
EXEC_P(infinite_f64, f64, f64, fabs(x) == (double)INFINITY)
EXEC_P(normal_f64, f64, f64, fabs(x) < (double)INFINITY && fabs(x) >= 0x1p-1022)
EXEC_P(subnormal_f64, u64, u64, (x << 1) && (x << 1) < 1ull << 53)

/* Runs the handler i->fn2 with another rounding direction; aux: 1 down, 2 up, 3 to zero. */
EXEC(rounded)
{
#ifdef __SSE2__
	unsigned int old = _mm_getcsr();
	const struct insn *next;

	_mm_setcsr((old & ~0x6000u) | (uint32_t)i->aux << 13);
	next = i->fn2(w, i, m);
	_mm_setcsr(old);
	return next;
#else
	static const int directions[] = { FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO };
	int old = fegetround();
	const struct insn *next;

	fesetround(directions[i->aux & 3]);
	next = i->fn2(w, i, m);
	fesetround(old);
	return next;
#endif
}
