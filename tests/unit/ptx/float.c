// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Floating point: rounding modes, denormals, saturation, NaN, comparisons, approximations. */
#include <fenv.h>
#include <math.h>

#include "ops.h"

static struct device *dev;

/* Operations in a rounding mode; volatile keeps them between the calls that set it. */
#define ROUNDED(t, name, expr)						\
	static t name(int mode, t x, t y, t z)				\
	{								\
		volatile t a = x, b = y, c = z, r;			\
									\
		(void)a, (void)b, (void)c;				\
		fesetround(mode);					\
		r = expr;						\
		fesetround(FE_TONEAREST);				\
		return r;						\
	}
ROUNDED(f32, add32, a + b)
ROUNDED(f32, sub32, a - b)
ROUNDED(f32, mul32, a * b)
ROUNDED(f32, div32, a / b)
ROUNDED(f32, fma32, fmaf(a, b, c))
ROUNDED(f32, sqrt32, sqrtf(a))
ROUNDED(f64, add64, a + b)
ROUNDED(f64, sub64, a - b)
ROUNDED(f64, mul64, a * b)
ROUNDED(f64, div64, a / b)
ROUNDED(f64, fma64, fma(a, b, c))
ROUNDED(f64, sqrt64, sqrt(a))

#define RN FE_TONEAREST
#define RZ FE_TOWARDZERO
#define RM FE_DOWNWARD
#define RP FE_UPWARD

static f32 flush(f32 x)
{
	return fpclassify(x) == FP_SUBNORMAL ? copysignf(0, x) : x;
}

static f32 sat(f32 x)
{
	return x > 0 ? x < 1 ? x : 1 : 0;
}

static f64 sat64(f64 x)
{
	return x > 0 ? x < 1 ? x : 1 : 0;
}

/* Of two zeros the negative one is the less; of a number and a NaN the number is the result. */
#define LESSER(t) static t lesser_##t(t a, t b) { return isnan(a) ? b : isnan(b) ? a : a == b ? signbit(a) ? a : b : a < b ? a : b; }
#define GREATER(t) static t greater_##t(t a, t b) { return isnan(a) ? b : isnan(b) ? a : a == b ? signbit(a) ? b : a : a > b ? a : b; }
LESSER(f32) GREATER(f32) LESSER(f64) GREATER(f64) LESSER(f16) GREATER(f16)

#define EVERY_MODE(X, rm, mode)								\
	X(add_##rm, "add." #rm ".f32 %d, %a, %b;", f32, f32, f32, none, add32(mode, a, b, 0))	\
	X(sub_##rm, "sub." #rm ".f32 %d, %a, %b;", f32, f32, f32, none, sub32(mode, a, b, 0))	\
	X(mul_##rm, "mul." #rm ".f32 %d, %a, %b;", f32, f32, f32, none, mul32(mode, a, b, 0))	\
	X(div_##rm, "div." #rm ".f32 %d, %a, %b;", f32, f32, f32, none, div32(mode, a, b, 0))	\
	X(fma_##rm, "fma." #rm ".f32 %d, %a, %b, %c;", f32, f32, f32, f32, fma32(mode, a, b, c))	\
	X(mad_##rm, "mad." #rm ".f32 %d, %a, %b, %c;", f32, f32, f32, f32, fma32(mode, a, b, c))	\
	X(rcp_##rm, "rcp." #rm ".f32 %d, %a;", f32, f32, none, none, div32(mode, 1, a, 0))	\
	X(sqrt_##rm, "sqrt." #rm ".f32 %d, %a;", f32, f32, none, none, sqrt32(mode, a, 0, 0))	\
	X(add_ftz_##rm, "add." #rm ".ftz.f32 %d, %a, %b;", f32, f32, f32, none, flush(add32(mode, flush(a), flush(b), 0)))	\
	X(mul_ftz_##rm, "mul." #rm ".ftz.f32 %d, %a, %b;", f32, f32, f32, none, flush(mul32(mode, flush(a), flush(b), 0)))	\
	X(div_ftz_##rm, "div." #rm ".ftz.f32 %d, %a, %b;", f32, f32, f32, none, flush(div32(mode, flush(a), flush(b), 0)))	\
	X(fma_ftz_##rm, "fma." #rm ".ftz.f32 %d, %a, %b, %c;", f32, f32, f32, f32,	\
	  flush(fma32(mode, flush(a), flush(b), flush(c))))				\
	X(sqrt_ftz_##rm, "sqrt." #rm ".ftz.f32 %d, %a;", f32, f32, none, none, flush(sqrt32(mode, flush(a), 0, 0)))	\
	X(add_sat_##rm, "add." #rm ".sat.f32 %d, %a, %b;", f32, f32, f32, none, sat(add32(mode, a, b, 0)))	\
	X(mul_sat_##rm, "mul." #rm ".ftz.sat.f32 %d, %a, %b;", f32, f32, f32, none, sat(flush(mul32(mode, flush(a), flush(b), 0))))	\
	X(fma_sat_##rm, "fma." #rm ".sat.f32 %d, %a, %b, %c;", f32, f32, f32, f32, sat(fma32(mode, a, b, c)))	\
	X(add64_##rm, "add." #rm ".f64 %d, %a, %b;", f64, f64, f64, none, add64(mode, a, b, 0))	\
	X(sub64_##rm, "sub." #rm ".f64 %d, %a, %b;", f64, f64, f64, none, sub64(mode, a, b, 0))	\
	X(mul64_##rm, "mul." #rm ".f64 %d, %a, %b;", f64, f64, f64, none, mul64(mode, a, b, 0))	\
	X(div64_##rm, "div." #rm ".f64 %d, %a, %b;", f64, f64, f64, none, div64(mode, a, b, 0))	\
	X(fma64_##rm, "fma." #rm ".f64 %d, %a, %b, %c;", f64, f64, f64, f64, fma64(mode, a, b, c))	\
	X(rcp64_##rm, "rcp." #rm ".f64 %d, %a;", f64, f64, none, none, div64(mode, 1, a, 0))	\
	X(sqrt64_##rm, "sqrt." #rm ".f64 %d, %a;", f64, f64, none, none, sqrt64(mode, a, 0, 0))

#define EVERY_COMPARE(X, t)								\
	X(eq_##t, "setp.eq." #t " %d, %a, %b;", pred, t, t, none, a == b)		\
	X(ne_##t, "setp.ne." #t " %d, %a, %b;", pred, t, t, none, a < b || a > b)	\
	X(lt_##t, "setp.lt." #t " %d, %a, %b;", pred, t, t, none, a < b)		\
	X(le_##t, "setp.le." #t " %d, %a, %b;", pred, t, t, none, a <= b)		\
	X(gt_##t, "setp.gt." #t " %d, %a, %b;", pred, t, t, none, a > b)		\
	X(ge_##t, "setp.ge." #t " %d, %a, %b;", pred, t, t, none, a >= b)		\
	X(equ_##t, "setp.equ." #t " %d, %a, %b;", pred, t, t, none, !(a < b || a > b))	\
	X(neu_##t, "setp.neu." #t " %d, %a, %b;", pred, t, t, none, !(a == b))		\
	X(ltu_##t, "setp.ltu." #t " %d, %a, %b;", pred, t, t, none, !(a >= b))		\
	X(leu_##t, "setp.leu." #t " %d, %a, %b;", pred, t, t, none, !(a > b))		\
	X(gtu_##t, "setp.gtu." #t " %d, %a, %b;", pred, t, t, none, !(a <= b))		\
	X(geu_##t, "setp.geu." #t " %d, %a, %b;", pred, t, t, none, !(a < b))		\
	X(num_##t, "setp.num." #t " %d, %a, %b;", pred, t, t, none, a == a && b == b)	\
	X(nan_##t, "setp.nan." #t " %d, %a, %b;", pred, t, t, none, a != a || b != b)

#define EVERY_FLOAT(X, t)								\
	EVERY_COMPARE(X, t)								\
	X(set_##t, "set.lt.u32." #t " %d, %a, %b;", u32, t, t, none, a < b ? ~0u : 0)	\
	X(min_##t, "min." #t " %d, %a, %b;", t, t, t, none, lesser_##t(a, b))		\
	X(max_##t, "max." #t " %d, %a, %b;", t, t, t, none, greater_##t(a, b))		\
	X(neg_##t, "neg." #t " %d, %a;", t, t, none, none, -a)				\
	X(selp_##t, "selp." #t " %d, %a, %b, %c;", t, t, t, pred, c ? a : b)

#define FLOATS(X)									\
	EVERY_MODE(X, rn, RN) EVERY_MODE(X, rz, RZ) EVERY_MODE(X, rm, RM) EVERY_MODE(X, rp, RP)	\
	EVERY_FLOAT(X, f32) EVERY_FLOAT(X, f64)						\
	X(add_default, "add.f32 %d, %a, %b;", f32, f32, f32, none, a + b)		\
	X(mul_default, "mul.f64 %d, %a, %b;", f64, f64, f64, none, a * b)		\
	X(abs32, "abs.f32 %d, %a;", f32, f32, none, none, fabsf(a))			\
	X(abs64, "abs.f64 %d, %a;", f64, f64, none, none, fabs(a))			\
	X(neg_ftz, "neg.ftz.f32 %d, %a;", f32, f32, none, none, -flush(a))		\
	X(abs_ftz, "abs.ftz.f32 %d, %a;", f32, f32, none, none, fabsf(flush(a)))	\
	X(copysign32, "copysign.f32 %d, %a, %b;", f32, f32, f32, none, copysignf(b, a))	\
	X(copysign64, "copysign.f64 %d, %a, %b;", f64, f64, f64, none, copysign(b, a))	\
	X(min_ftz, "min.ftz.f32 %d, %a, %b;", f32, f32, f32, none, lesser_f32(flush(a), flush(b)))	\
	X(min_nan, "min.NaN.f32 %d, %a, %b;", f32, f32, f32, none, isnan(a) || isnan(b) ? NAN : lesser_f32(a, b))	\
	X(max_nan, "max.NaN.f32 %d, %a, %b;", f32, f32, f32, none, isnan(a) || isnan(b) ? NAN : greater_f32(a, b))	\
	X(max_ftz_nan, "max.ftz.NaN.f32 %d, %a, %b;", f32, f32, f32, none,		\
	  isnan(a) || isnan(b) ? NAN : greater_f32(flush(a), flush(b)))			\
	X(min_xor, "min.xorsign.abs.f32 %d, %a, %b;", f32, f32, f32, none,		\
	  copysignf(lesser_f32(fabsf(a), fabsf(b)), signbit(a) != signbit(b) ? -1.0f : 1.0f))	\
	X(lt_ftz, "setp.lt.ftz.f32 %d, %a, %b;", pred, f32, f32, none, flush(a) < flush(b))	\
	X(set_float, "set.ge.and.f32.f32 %d, %a, %b, %c;", f32, f32, f32, pred, a >= b && c ? 1 : 0)	\
	X(finite32, "testp.finite.f32 %d, %a;", pred, f32, none, none, isfinite(a))	\
	X(infinite32, "testp.infinite.f32 %d, %a;", pred, f32, none, none, isinf(a) != 0)	\
	X(number32, "testp.number.f32 %d, %a;", pred, f32, none, none, !isnan(a))	\
	X(notanumber32, "testp.notanumber.f32 %d, %a;", pred, f32, none, none, isnan(a) != 0)	\
	X(normal32, "testp.normal.f32 %d, %a;", pred, f32, none, none, isnormal(a) != 0)	\
	X(subnormal32, "testp.subnormal.f32 %d, %a;", pred, f32, none, none, fpclassify(a) == FP_SUBNORMAL)	\
	X(finite64, "testp.finite.f64 %d, %a;", pred, f64, none, none, isfinite(a))	\
	X(normal64, "testp.normal.f64 %d, %a;", pred, f64, none, none, isnormal(a) != 0)	\
	X(subnormal64, "testp.subnormal.f64 %d, %a;", pred, f64, none, none, fpclassify(a) == FP_SUBNORMAL)	\
	X(sat64, "cvt.sat.f64.f64 %d, %a;", f64, f64, none, none, sat64(a))		\
	X(imm_f32, "add.f32 %d, %a, 0f40490FDB;", f32, f32, none, none, a + 0x1.921fb6p+1f)	\
	X(imm_f64, "mul.f64 %d, %a, 0d400921FB54442D18;", f64, f64, none, none, a * 0x1.921fb54442d18p+1)	\
	X(imm_dec, "mul.f64 %d, %a, 2.5;", f64, f64, none, none, a * 2.5)

FLOATS(DEFINE)
static const struct op floats[] = { FLOATS(ROW) };

typedef _Float128 f128;

/* Sums and products of binary16 are exact in binary128: rounded once. */
#define HALVES(X)									\
	X(add16, "add.f16 %d, %a, %b;", f16, f16, f16, none, (f16)((f128)a + (f128)b))	\
	X(sub16, "sub.rn.f16 %d, %a, %b;", f16, f16, f16, none, (f16)((f128)a - (f128)b))	\
	X(mul16, "mul.f16 %d, %a, %b;", f16, f16, f16, none, (f16)((f128)a * (f128)b))	\
	X(fma16, "fma.rn.f16 %d, %a, %b, %c;", f16, f16, f16, f16, (f16)((f128)a * (f128)b + (f128)c))	\
	X(neg16, "neg.f16 %d, %a;", f16, f16, none, none, -a)				\
	X(min16, "min.f16 %d, %a, %b;", f16, f16, f16, none, lesser_f16(a, b))		\
	X(max16, "max.f16 %d, %a, %b;", f16, f16, f16, none, greater_f16(a, b))		\
	X(lt16, "setp.lt.f16 %d, %a, %b;", pred, f16, f16, none, a < b)			\
	X(neu16, "setp.neu.f16 %d, %a, %b;", pred, f16, f16, none, !(a == b))		\
	X(to32, "cvt.f32.f16 %d, %a;", f32, f16, none, none, (f32)a)			\
	X(to64, "cvt.f64.f16 %d, %a;", f64, f16, none, none, (f64)a)			\
	X(from32, "cvt.rn.f16.f32 %d, %a;", f16, f32, none, none, (f16)a)		\
	X(from64, "cvt.rn.f16.f64 %d, %a;", f16, f64, none, none, (f16)a)		\
	X(from_s32, "cvt.rn.f16.s32 %d, %a;", f16, s32, none, none, (f16)(f128)a)	\
	X(to_s32, "cvt.rzi.s32.f16 %d, %a;", s32, f16, none, none,			\
	  a != a ? 0 : isinf((f32)a) ? (a > 0 ? INT32_MAX : INT32_MIN) : (s32)(f32)a)

HALVES(DEFINE)
static const struct op halves[] = { HALVES(ROW) };

/* Conversions: a real number rounded to an integer in a mode, then clamped. NaN gives 0, or the top bit alone where either is 64 bits long. */
static f64 whole(f64 x, int mode)
{
	volatile f64 a = x, r;

	fesetround(mode);
	r = rint(a);
	fesetround(FE_TONEAREST);
	return r;
}

#define OF_NAN(t, a) (sizeof(t) == 8 || sizeof(a) == 8 ? (t)(1ull << (8 * sizeof(t) - 1)) : 0)
#define TO_INT(t, low, high, x) ({ f64 w_ = (x); w_ != w_ ? OF_NAN(t, a) : w_ <= (f64)(low) ? (low) : w_ >= (f64)(high) ? (high) : (t)w_; })
#define EVERY_TO_INT(X, t, low, high)							\
	X(rni_##t##_f32, "cvt.rni." #t ".f32 %d, %a;", t, f32, none, none, TO_INT(t, low, high, whole(a, RN)))	\
	X(rzi_##t##_f32, "cvt.rzi." #t ".f32 %d, %a;", t, f32, none, none, TO_INT(t, low, high, whole(a, RZ)))	\
	X(rmi_##t##_f32, "cvt.rmi." #t ".f32 %d, %a;", t, f32, none, none, TO_INT(t, low, high, whole(a, RM)))	\
	X(rpi_##t##_f32, "cvt.rpi." #t ".f32 %d, %a;", t, f32, none, none, TO_INT(t, low, high, whole(a, RP)))	\
	X(ftz_##t##_f32, "cvt.rpi.ftz." #t ".f32 %d, %a;", t, f32, none, none, TO_INT(t, low, high, whole(flush(a), RP)))	\
	X(rni_##t##_f64, "cvt.rni." #t ".f64 %d, %a;", t, f64, none, none, TO_INT(t, low, high, whole(a, RN)))	\
	X(rzi_##t##_f64, "cvt.rzi." #t ".f64 %d, %a;", t, f64, none, none, TO_INT(t, low, high, whole(a, RZ)))	\
	X(rmi_##t##_f64, "cvt.rmi." #t ".f64 %d, %a;", t, f64, none, none, TO_INT(t, low, high, whole(a, RM)))	\
	X(rpi_##t##_f64, "cvt.rpi." #t ".f64 %d, %a;", t, f64, none, none, TO_INT(t, low, high, whole(a, RP)))

#define FROM_INT(D, t, mode) ({ volatile t v_ = a; volatile D r_; fesetround(mode); r_ = (D)v_; fesetround(RN); r_; })
#define EVERY_FROM_INT(X, t)								\
	X(f32_rn_##t, "cvt.rn.f32." #t " %d, %a;", f32, t, none, none, FROM_INT(f32, t, RN))	\
	X(f32_rz_##t, "cvt.rz.f32." #t " %d, %a;", f32, t, none, none, FROM_INT(f32, t, RZ))	\
	X(f32_rm_##t, "cvt.rm.f32." #t " %d, %a;", f32, t, none, none, FROM_INT(f32, t, RM))	\
	X(f32_rp_##t, "cvt.rp.f32." #t " %d, %a;", f32, t, none, none, FROM_INT(f32, t, RP))	\
	X(f64_rn_##t, "cvt.rn.f64." #t " %d, %a;", f64, t, none, none, FROM_INT(f64, t, RN))	\
	X(f64_rz_##t, "cvt.rz.f64." #t " %d, %a;", f64, t, none, none, FROM_INT(f64, t, RZ))

#define TO_SINGLE(mode) ({ volatile f64 v_ = a; volatile f32 r_; fesetround(mode); r_ = (f32)v_; fesetround(RN); r_; })

typedef __int128 s128;
#define CLAMP(low, high) ((s128)a < (s128)(low) ? (s128)(low) : (s128)a > (s128)(high) ? (s128)(high) : (s128)a)
#define INT_PAIR(X, d, low, high, s)							\
	X(d##_##s, "cvt." #d "." #s " %d, %a;", d, s, none, none, a)			\
	X(sat_##d##_##s, "cvt.sat." #d "." #s " %d, %a;", d, s, none, none, CLAMP(low, high))
#define INT_ROW(X, d, low, high)							\
	INT_PAIR(X, d, low, high, u8) INT_PAIR(X, d, low, high, s8) INT_PAIR(X, d, low, high, u16) INT_PAIR(X, d, low, high, s16)	\
	INT_PAIR(X, d, low, high, u32) INT_PAIR(X, d, low, high, s32) INT_PAIR(X, d, low, high, u64) INT_PAIR(X, d, low, high, s64)

#define CONVERSIONS(X)									\
	EVERY_TO_INT(X, u8, 0, UINT8_MAX) EVERY_TO_INT(X, s8, INT8_MIN, INT8_MAX)	\
	EVERY_TO_INT(X, u16, 0, UINT16_MAX) EVERY_TO_INT(X, s16, INT16_MIN, INT16_MAX)	\
	EVERY_TO_INT(X, u32, 0, UINT32_MAX) EVERY_TO_INT(X, s32, INT32_MIN, INT32_MAX)	\
	EVERY_TO_INT(X, u64, 0, UINT64_MAX) EVERY_TO_INT(X, s64, INT64_MIN, INT64_MAX)	\
	EVERY_FROM_INT(X, u8) EVERY_FROM_INT(X, s8) EVERY_FROM_INT(X, u16) EVERY_FROM_INT(X, s16)	\
	EVERY_FROM_INT(X, u32) EVERY_FROM_INT(X, s32) EVERY_FROM_INT(X, u64) EVERY_FROM_INT(X, s64)	\
	INT_ROW(X, u8, 0, UINT8_MAX) INT_ROW(X, s8, INT8_MIN, INT8_MAX) INT_ROW(X, u16, 0, UINT16_MAX)	\
	INT_ROW(X, s16, INT16_MIN, INT16_MAX) INT_ROW(X, u32, 0, UINT32_MAX) INT_ROW(X, s32, INT32_MIN, INT32_MAX)	\
	INT_ROW(X, u64, 0, UINT64_MAX) INT_ROW(X, s64, INT64_MIN, INT64_MAX)		\
	X(wide_s8, "cvt.s8.s32 %d, %a;", s8, s32, none, none, (s8)a)			\
	X(f64_f32, "cvt.f64.f32 %d, %a;", f64, f32, none, none, (f64)a)			\
	X(f64_ftz_f32, "cvt.ftz.f64.f32 %d, %a;", f64, f32, none, none, (f64)flush(a))	\
	X(f32_rn_f64, "cvt.rn.f32.f64 %d, %a;", f32, f64, none, none, TO_SINGLE(RN))	\
	X(f32_rz_f64, "cvt.rz.f32.f64 %d, %a;", f32, f64, none, none, TO_SINGLE(RZ))	\
	X(f32_rm_f64, "cvt.rm.f32.f64 %d, %a;", f32, f64, none, none, TO_SINGLE(RM))	\
	X(f32_rp_f64, "cvt.rp.f32.f64 %d, %a;", f32, f64, none, none, TO_SINGLE(RP))	\
	X(f32_ftz_f64, "cvt.rn.ftz.f32.f64 %d, %a;", f32, f64, none, none, flush(TO_SINGLE(RN)))	\
	X(f32_sat_f64, "cvt.rn.sat.f32.f64 %d, %a;", f32, f64, none, none, sat(TO_SINGLE(RN)))	\
	X(f32_sat_f32, "cvt.sat.f32.f32 %d, %a;", f32, f32, none, none, sat(a))		\
	X(rni_f32, "cvt.rni.f32.f32 %d, %a;", f32, f32, none, none, whole(a, RN))	\
	X(rzi_f32, "cvt.rzi.f32.f32 %d, %a;", f32, f32, none, none, whole(a, RZ))	\
	X(rmi_f32, "cvt.rmi.f32.f32 %d, %a;", f32, f32, none, none, whole(a, RM))	\
	X(rpi_f32, "cvt.rpi.f32.f32 %d, %a;", f32, f32, none, none, whole(a, RP))	\
	X(rni_f64, "cvt.rni.f64.f64 %d, %a;", f64, f64, none, none, whole(a, RN))	\
	X(rmi_f64, "cvt.rmi.f64.f64 %d, %a;", f64, f64, none, none, whole(a, RM))

CONVERSIONS(DEFINE)
static const struct op conversions[] = { CONVERSIONS(ROW) };

/* Approximations, with the errors that the ISA allows. */

#define APPROXIMATIONS(X)								\
	X(rcp_approx, "rcp.approx.f32 %d, %a;", f32, f32, none, none, 1 / (f64)a)	\
	X(rcp_ftz, "rcp.approx.ftz.f32 %d, %a;", f32, f32, none, none, flush(1 / flush(a)))	\
	X(sqrt_approx, "sqrt.approx.f32 %d, %a;", f32, f32, none, none, sqrt((f64)a))	\
	X(rsqrt_approx, "rsqrt.approx.f32 %d, %a;", f32, f32, none, none, 1 / sqrt((f64)a))	\
	X(ex2, "ex2.approx.f32 %d, %a;", f32, f32, none, none, exp2((f64)a))		\
	X(ex2_ftz, "ex2.approx.ftz.f32 %d, %a;", f32, f32, none, none, flush((f32)exp2((f64)flush(a))))	\
	X(lg2, "lg2.approx.f32 %d, %a;", f32, f32, none, none, log2((f64)a))		\
	X(sin_approx, "sin.approx.f32 %d, %a;", f32, f32, none, none, sin((f64)a))	\
	X(cos_approx, "cos.approx.f32 %d, %a;", f32, f32, none, none, cos((f64)a))	\
	X(tanh_approx, "tanh.approx.f32 %d, %a;", f32, f32, none, none, tanh((f64)a))	\
	X(div_full, "div.full.f32 %d, %a, %b;", f32, f32, f32, none, (f64)a / (f64)b)	\
	X(rsqrt64, "rsqrt.approx.f64 %d, %a;", f64, f64, none, none, 1 / sqrt(a))

APPROXIMATIONS(DEFINE)
#undef ROW
#define ROW(name, text, D, A, B, C, ...) { text, T_##D, T_##A, T_##B, T_##C, want_##name, 4, 0x1p-20 },
static const struct op approximations[] = { APPROXIMATIONS(ROW) };

#define TEST(name)							\
	static void test_##name(void **state)				\
	{								\
		ops_run(dev, name, sizeof(name) / sizeof(*name));	\
	}
TEST(floats) TEST(halves) TEST(conversions) TEST(approximations)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floats),
		cmocka_unit_test(test_halves),
		cmocka_unit_test(test_conversions),
		cmocka_unit_test(test_approximations),
	};
	int failed;

	dev = device_open(1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	device_close(dev);
	return failed;
}
