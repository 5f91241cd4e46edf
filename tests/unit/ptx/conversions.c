// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Conversions and half precision, against definitions that know nothing of bit tricks. */
#include <stdlib.h>

#include "narrow_ref.h"
#include "optest.h"

typedef uint64_t u64;
typedef int64_t s64;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint8_t u8;
typedef int8_t s8;
typedef __float128 f128;

static struct device *dev;

/* Integers */

static f128 clamp(f128 x, f128 lo, f128 hi)
{
	return x < lo ? lo : x > hi ? hi : x;
}

static u64 bits_of(f128 x)
{
	return x < 0 ? (u64)(s64)x : (u64)x;
}

REF(u32_u8, (u8)a)
REF(s32_s8, (s8)a)
REF(u16_u8, (u8)a)
REF(u32_u16, (u16)a)
REF(s32_s16, (s16)a)
REF(u64_u32, (u32)a)
REF(s64_s32, (s32)a)
REF(u8_u32, (u8)a)
REF(s8_s32, (s32)(s8)a)
REF(u16_u32, (u16)a)
REF(s16_s64, (s16)a)
REF(u32_u64, (u32)a)
REF(s64_s8, (s8)a)
REF(sat_u8_s32, bits_of(clamp((s32)a, 0, 255)))
REF(sat_s8_s32, bits_of(clamp((s32)a, -128, 127)))
REF(sat_u16_s32, bits_of(clamp((s32)a, 0, 65535)))
REF(sat_s16_s32, bits_of(clamp((s32)a, -32768, 32767)))
REF(sat_s16_u32, bits_of(clamp((u32)a, 0, 32767)))
REF(sat_u32_s64, bits_of(clamp((s64)a, 0, 4294967295u)))
REF(sat_s32_s64, bits_of(clamp((s64)a, -2147483648ll, 2147483647)))
REF(sat_s32_u64, bits_of(clamp(a, 0, 2147483647)))
REF(sat_u64_s64, (s64)a < 0 ? 0 : a)
REF(sat_s64_u64, a > INT64_MAX ? INT64_MAX : a)
REF(sat_u32_s32, (s32)a < 0 ? 0 : (u32)a)
REF(pack_u16, bits_of(clamp((s32)a, 0, 65535)) << 16 | bits_of(clamp((s32)b, 0, 65535)))
REF(pack_s8, (u32)c << 16 | (bits_of(clamp((s32)a, -128, 127)) & 255) << 8 | (bits_of(clamp((s32)b, -128, 127)) & 255))

#define I(op, dw, aw, ref) { op " %d, %a;", { dw, aw }, { INTS }, ref }

static const struct op_test int_tests[] = {
	I("cvt.u32.u8", B32, B32, u32_u8), I("cvt.s32.s8", B32, B32, s32_s8), I("cvt.u16.u8", B16, B16, u16_u8),
	I("cvt.u32.u16", B32, B16, u32_u16), I("cvt.s32.s16", B32, B16, s32_s16), I("cvt.u64.u32", B64, B32, u64_u32),
	I("cvt.s64.s32", B64, B32, s64_s32), I("cvt.u8.u32", B32, B32, u8_u32), I("cvt.s8.s32", B32, B32, s8_s32),
	I("cvt.u16.u32", B16, B32, u16_u32), I("cvt.s16.s64", B16, B64, s16_s64), I("cvt.u32.u64", B32, B64, u32_u64),
	I("cvt.s64.s8", B64, B64, s64_s8), I("cvt.u64.u8", B64, B16, u32_u8), I("cvt.s64.s16", B64, B32, s32_s16),
	I("cvt.s8.s32", B64, B32, s8_s32), I("cvt.u16.u64", B32, B64, u16_u32),
	I("cvt.sat.u8.s32", B32, B32, sat_u8_s32), I("cvt.sat.s8.s32", B32, B32, sat_s8_s32),
	I("cvt.sat.u16.s32", B16, B32, sat_u16_s32), I("cvt.sat.s16.s32", B16, B32, sat_s16_s32),
	I("cvt.sat.s16.u32", B16, B32, sat_s16_u32), I("cvt.sat.u32.s64", B32, B64, sat_u32_s64),
	I("cvt.sat.s32.s64", B32, B64, sat_s32_s64), I("cvt.sat.s32.u64", B32, B64, sat_s32_u64),
	I("cvt.sat.u64.s64", B64, B64, sat_u64_s64), I("cvt.sat.s64.u64", B64, B64, sat_s64_u64),
	I("cvt.sat.u32.s32", B32, B32, sat_u32_s32),
	{ "cvt.pack.sat.u16.s32 %d, %a, %b;", { B32, B32, B32 }, { INTS, INTS }, pack_u16 },
	{ "cvt.pack.sat.s8.s32.b32 %d, %a, %b, %c;", { B32, B32, B32, B32 }, { INTS, INTS, INTS }, pack_s8 },
};

/* Integer to float: f32 has 23 bits of mantissa and 8 of exponent, f64 52 and 11. */

static u64 to_f64(f128 x, int rule)
{
	double d = (double)x;

	if ((f128)d == x || rule == RULE_RN)
		return of_f64(d);
	if (rule == RULE_RZ)
		return of_f64((f128)fabs(d) > (x < 0 ? -x : x) ? nextafter(d, 0) : d);
	if (rule == RULE_RM)
		return of_f64((f128)d > x ? nextafter(d, -INFINITY) : d);
	return of_f64((f128)d < x ? nextafter(d, INFINITY) : d);
}

#define F32(x, rule) narrow_ref(x, 23, 8, rule)
#define F16(x, rule) narrow_ref(x, 10, 5, rule)
#define BF16(x, rule) narrow_ref(x, 7, 8, rule)

REF(f32_s32, F32((s32)a, RULE_RN))
REF(f32_u32, F32((u32)a, RULE_RN))
REF(f32_s64, F32((s64)a, RULE_RN))
REF(f32_u64, F32(a, RULE_RN))
REF(f32_u64_rz, F32(a, RULE_RZ))
REF(f32_u64_rp, F32(a, RULE_RP))
REF(f32_s64_rm, F32((s64)a, RULE_RM))
REF(f32_s32_rz, F32((s32)a, RULE_RZ))
REF(f32_s32_rp, F32((s32)a, RULE_RP))
REF(f32_u32_rm, F32((u32)a, RULE_RM))
REF(f32_s16, F32((s16)a, RULE_RN))
REF(f32_u8, F32((u8)a, RULE_RN))
REF(f32_s32_sat, (s32)a > 0 ? 0x3f800000 : 0)
REF(f64_s32, to_f64((s32)a, RULE_RN))
REF(f64_u32, to_f64((u32)a, RULE_RN))
REF(f64_s64, to_f64((s64)a, RULE_RN))
REF(f64_u64, to_f64(a, RULE_RN))
REF(f64_u64_rz, to_f64(a, RULE_RZ))
REF(f64_u64_rp, to_f64(a, RULE_RP))
REF(f64_s64_rm, to_f64((s64)a, RULE_RM))
REF(f16_s32, F16((s32)a, RULE_RN))
REF(f16_u64, F16(a, RULE_RN))
REF(f16_s64_rz, F16((s64)a, RULE_RZ))
REF(f16_u16, F16((u16)a, RULE_RN))
REF(f16_s16, F16((s16)a, RULE_RN))
REF(bf16_s32, BF16((s32)a, RULE_RN))

static const struct op_test to_float_tests[] = {
	I("cvt.rn.f32.s32", B32, B32, f32_s32), I("cvt.rn.f32.u32", B32, B32, f32_u32), I("cvt.rn.f32.s64", B32, B64, f32_s64),
	I("cvt.rn.f32.u64", B32, B64, f32_u64), I("cvt.rz.f32.u64", B32, B64, f32_u64_rz), I("cvt.rp.f32.u64", B32, B64, f32_u64_rp),
	I("cvt.rm.f32.s64", B32, B64, f32_s64_rm), I("cvt.rz.f32.s32", B32, B32, f32_s32_rz),
	I("cvt.rp.f32.s32", B32, B32, f32_s32_rp), I("cvt.rm.f32.u32", B32, B32, f32_u32_rm), I("cvt.rn.f32.s16", B32, B16, f32_s16),
	I("cvt.rn.f32.u8", B32, B32, f32_u8), I("cvt.rn.sat.f32.s32", B32, B32, f32_s32_sat),
	I("cvt.rn.f64.s32", B64, B32, f64_s32), I("cvt.rn.f64.u32", B64, B32, f64_u32), I("cvt.rn.f64.s64", B64, B64, f64_s64),
	I("cvt.rn.f64.u64", B64, B64, f64_u64), I("cvt.rz.f64.u64", B64, B64, f64_u64_rz), I("cvt.rp.f64.u64", B64, B64, f64_u64_rp),
	I("cvt.rm.f64.s64", B64, B64, f64_s64_rm), I("cvt.rn.f16.s32", B16, B32, f16_s32), I("cvt.rn.f16.u64", B16, B64, f16_u64),
	I("cvt.rz.f16.s64", B16, B64, f16_s64_rz), I("cvt.rn.f16.u16", B16, B16, f16_u16), I("cvt.rn.f16.s16", B16, B16, f16_s16),
	I("cvt.rn.bf16.s32", B16, B32, bf16_s32),
};

/* Float to integer */

enum { TO_NEAREST, TO_ZERO, TO_DOWN, TO_UP };

static f128 integral(double x, int how)
{
	double f = floor(x), d = x - f;

	switch (how) {
	case TO_ZERO:
		return trunc(x);
	case TO_DOWN:
		return f;
	case TO_UP:
		return ceil(x);
	}
	if (d > 0.5 || (d == 0.5 && fmod(f, 2) != 0))
		return ceil(x);
	return f;
}

static u64 to_int(double x, int how, int bits, bool is_signed, bool from_f64)
{
	f128 lo = 0, hi = 1;
	int k;

	if (x != x)
		return from_f64 || bits == 64 ? 1ull << (bits - 1) : 0;
	for (k = 0; k < bits - is_signed; k++)
		hi *= 2;
	if (is_signed)
		lo = -hi;
	hi -= 1;
	if (isinf(x))
		return bits_of(x > 0 ? hi : lo);
	return bits_of(clamp(integral(x, how), lo, hi));
}

static double ftz(double x)
{
	return fabs(x) < 0x1p-126 ? copysign(0, x) : x;
}

#define A ((double)as_f32(a))
#define AD as_f64(a)
#define AH ((double)widen_ref((u16)a, 10, 5))
REF(s32_rni, to_int(A, TO_NEAREST, 32, true, false))
REF(s32_rzi, to_int(A, TO_ZERO, 32, true, false))
REF(s32_rmi, to_int(A, TO_DOWN, 32, true, false))
REF(s32_rpi, to_int(A, TO_UP, 32, true, false))
REF(s32_rpi_ftz, to_int(ftz(A), TO_UP, 32, true, false))
REF(u32_rni, to_int(A, TO_NEAREST, 32, false, false))
REF(u32_rzi, to_int(A, TO_ZERO, 32, false, false))
REF(s64_rzi, to_int(A, TO_ZERO, 64, true, false))
REF(u64_rmi, to_int(A, TO_DOWN, 64, false, false))
REF(s16_rzi, to_int(A, TO_ZERO, 16, true, false))
REF(u16_rni, to_int(A, TO_NEAREST, 16, false, false))
REF(u8_rzi, to_int(A, TO_ZERO, 8, false, false))
REF(s8_rni, to_int(A, TO_NEAREST, 8, true, false))
REF(s32_rzi_d, to_int(AD, TO_ZERO, 32, true, true))
REF(u32_rni_d, to_int(AD, TO_NEAREST, 32, false, true))
REF(s64_rni_d, to_int(AD, TO_NEAREST, 64, true, true))
REF(u64_rpi_d, to_int(AD, TO_UP, 64, false, true))
REF(s32_rni_h, to_int(AH, TO_NEAREST, 32, true, false))
REF(u16_rzi_h, to_int(AH, TO_ZERO, 16, false, false))
REF(s64_rmi_h, to_int(AH, TO_DOWN, 64, true, false))

static u64 f32_integral(u64 a, int how)
{
	double x = A;

	if (isnan(x))
		return 0x7fffffff;
	return isinf(x) ? a : of_f32(copysignf((float)integral(x, how), as_f32(a)));
}

static u64 f64_integral(u64 a, int how)
{
	return isnan(AD) || isinf(AD) ? a : of_f64(copysign((double)integral(AD, how), AD));
}

REF(rni_f32, f32_integral(a, TO_NEAREST))
REF(rzi_f32, f32_integral(a, TO_ZERO))
REF(rmi_f32, f32_integral(a, TO_DOWN))
REF(rpi_f32, f32_integral(a, TO_UP))
REF(rni_f64, f64_integral(a, TO_NEAREST))
REF(rpi_f64, f64_integral(a, TO_UP))

#define F(op, dw, ref) { op " %d, %a;", { dw, B32 }, { F32S }, ref }
#define D(op, dw, ref, ...) { op " %d, %a;", { dw, B64 }, { F64S }, ref, ##__VA_ARGS__ }
#define H(op, dw, ref) { op " %d, %a;", { dw, B16 }, { HALVES }, ref }

static const struct op_test to_int_tests[] = {
	F("cvt.rni.s32.f32", B32, s32_rni), F("cvt.rzi.s32.f32", B32, s32_rzi), F("cvt.rmi.s32.f32", B32, s32_rmi),
	F("cvt.rpi.s32.f32", B32, s32_rpi), F("cvt.rpi.ftz.s32.f32", B32, s32_rpi_ftz), F("cvt.rni.u32.f32", B32, u32_rni),
	F("cvt.rzi.u32.f32", B32, u32_rzi), F("cvt.rzi.s64.f32", B64, s64_rzi), F("cvt.rmi.u64.f32", B64, u64_rmi),
	F("cvt.rzi.s16.f32", B16, s16_rzi), F("cvt.rni.u16.f32", B16, u16_rni), F("cvt.rzi.u8.f32", B32, u8_rzi),
	F("cvt.rni.s8.f32", B32, s8_rni), D("cvt.rzi.s32.f64", B32, s32_rzi_d), D("cvt.rni.u32.f64", B32, u32_rni_d),
	D("cvt.rni.s64.f64", B64, s64_rni_d), D("cvt.rpi.u64.f64", B64, u64_rpi_d), H("cvt.rni.s32.f16", B32, s32_rni_h),
	H("cvt.rzi.u16.f16", B16, u16_rzi_h), H("cvt.rmi.s64.f16", B64, s64_rmi_h),
	F("cvt.rni.f32.f32", B32, rni_f32), F("cvt.rzi.f32.f32", B32, rzi_f32), F("cvt.rmi.f32.f32", B32, rmi_f32),
	F("cvt.rpi.f32.f32", B32, rpi_f32), D("cvt.rni.f64.f64", B64, rni_f64, 0.25), D("cvt.rpi.f64.f64", B64, rpi_f64, 0.25),
};

/* Float to float */

static u64 sat_bits(u64 a)
{
	float f = as_f32(a);

	return of_f32(f != f ? 0.0f : f > 1 ? 1.0f : f > 0 ? f : 0.0f);
}

static u64 tf32(u64 a, int rule)
{
	return isnan(A) ? 0x7fffffff : (u64)narrow_ref((f128)as_f32(a), 10, 8, rule) << 13;
}

static u64 flush(u64 a)
{
	return a & 0x7f800000 ? a : a & 0x80000000;
}

static u64 canon64(double d)
{
	return of_f64(d);
}

REF(f64_f32, canon64(A))
REF(f64_f32_ftz, canon64(ftz(A)))
REF(f32_f64_rn, F32(AD, RULE_RN))
REF(f32_f64_rz, F32(AD, RULE_RZ))
REF(f32_f64_rm, F32(AD, RULE_RM))
REF(f32_f64_rp, F32(AD, RULE_RP))
REF(f32_f64_ftz, flush(F32(AD, RULE_RN)))
REF(f32_f64_sat, isnan(AD) ? 0 : sat_bits(F32(AD, RULE_RN)))
REF(f32_f32_sat, sat_bits(a))
REF(f16_f32_rn, F16((f128)as_f32(a), RULE_RN))
REF(f16_f32_rz, F16((f128)as_f32(a), RULE_RZ))
REF(f16_f32_rm, F16((f128)as_f32(a), RULE_RM))
REF(f16_f32_rp, F16((f128)as_f32(a), RULE_RP))
REF(f16_f64_rn, F16((f128)AD, RULE_RN))
REF(bf16_f32_rn, BF16((f128)as_f32(a), RULE_RN))
REF(bf16_f32_rz, BF16((f128)as_f32(a), RULE_RZ))
REF(bf16_f32_relu, isnan(A) ? 0x7fff : A < 0 || signbit(A) ? 0 : BF16((f128)as_f32(a), RULE_RN))
REF(f32_f16, of_f32((float)widen_ref((u16)a, 10, 5)))
REF(f64_f16, canon64((double)widen_ref((u16)a, 10, 5)))
REF(f32_bf16, of_f32((float)widen_ref((u16)a, 7, 8)))
REF(f16x2_f32, F16((f128)as_f32(a), RULE_RN) << 16 | F16((f128)as_f32(b), RULE_RN))
REF(bf16x2_f32_rz, BF16((f128)as_f32(a), RULE_RZ) << 16 | BF16((f128)as_f32(b), RULE_RZ))
REF(tf32_rna, tf32(a, RULE_RNA))

static const struct op_test float_tests[] = {
	F("cvt.f64.f32", B64, f64_f32), F("cvt.ftz.f64.f32", B64, f64_f32_ftz), D("cvt.rn.f32.f64", B32, f32_f64_rn),
	D("cvt.rz.f32.f64", B32, f32_f64_rz), D("cvt.rm.f32.f64", B32, f32_f64_rm), D("cvt.rp.f32.f64", B32, f32_f64_rp),
	D("cvt.rn.ftz.f32.f64", B32, f32_f64_ftz), D("cvt.rn.sat.f32.f64", B32, f32_f64_sat), F("cvt.sat.f32.f32", B32, f32_f32_sat),
	F("cvt.rn.f16.f32", B16, f16_f32_rn), F("cvt.rz.f16.f32", B16, f16_f32_rz), F("cvt.rm.f16.f32", B16, f16_f32_rm),
	F("cvt.rp.f16.f32", B16, f16_f32_rp), D("cvt.rn.f16.f64", B16, f16_f64_rn), F("cvt.rn.bf16.f32", B16, bf16_f32_rn),
	F("cvt.rz.bf16.f32", B16, bf16_f32_rz), F("cvt.rn.relu.bf16.f32", B16, bf16_f32_relu), H("cvt.f32.f16", B32, f32_f16),
	{ "cvt.f64.f16 %d, %a;", { B64, B16 }, { HALVES }, f64_f16, 0.25 }, { "cvt.f32.bf16 %d, %a;", { B32, B16 }, { BF16S }, f32_bf16 },
	{ "cvt.rn.f16x2.f32 %d, %a, %b;", { B32, B32, B32 }, { F32S, F32S }, f16x2_f32 },
	{ "cvt.rz.bf16x2.f32 %d, %a, %b;", { B32, B32, B32 }, { F32S, F32S }, bf16x2_f32_rz },
	F("cvt.rna.tf32.f32", B32, tf32_rna),
};

/* Half precision: exact in quadruple precision, then rounded once. */

struct format {
	int man, exp;
};

static const struct format half = { 10, 5 }, brain = { 7, 8 };

static u64 lanes(u64 a, u64 b, u64 c, int n, const struct format *f, f128 (*op)(f128, f128, f128), int options)
{
	u64 r = 0;
	int k;

	for (k = 0; k < n; k++) {
		f128 x = widen_ref((u16)(a >> 16 * k), f->man, f->exp), y = widen_ref((u16)(b >> 16 * k), f->man, f->exp);
		f128 z = widen_ref((u16)(c >> 16 * k), f->man, f->exp);
		u32 v = narrow_ref(op(x, y, z), f->man, f->exp, RULE_RN), top = 1u << (f->man + f->exp);

		if (options & 1)	/* sat */
			v = v > ((1u << f->exp) - 1) << f->man ? 0 : v;
		if (options & 1 && v > (((1u << (f->exp - 1)) - 1) << f->man))
			v = v & top ? 0 : ((1u << (f->exp - 1)) - 1) << f->man;
		if (options & 2 && v & top)	/* relu */
			v = 0;
		r |= (u64)v << 16 * k;
	}
	return r;
}

static f128 q_add(f128 x, f128 y, f128 z)
{
	return x + y;
}

static f128 q_sub(f128 x, f128 y, f128 z)
{
	return x - y;
}

static f128 q_mul(f128 x, f128 y, f128 z)
{
	return x * y;
}

static f128 q_fma(f128 x, f128 y, f128 z)
{
	f128 p = x * y, s = p + z;

	/* What is too small for 113 bits still tells on which side of a tie the sum lies. */
	if (s == p && z != 0 && p - p == 0 && p != 0)
		s *= (z > 0) == (s > 0) ? 1 + 0x1p-105 * (f128)0x1p-5 : 1 - 0x1p-105 * (f128)0x1p-5;
	return s;
}

static f128 q_min(f128 x, f128 y, f128 z)
{
	if (x != x)
		return y;
	if (y != y)
		return x;
	if (x == 0 && y == 0)
		return signbit((double)x) ? x : y;
	return x < y ? x : y;
}

static f128 q_max_nan(f128 x, f128 y, f128 z)
{
	if (x != x || y != y)
		return (f128)NAN;
	if (x == 0 && y == 0)
		return signbit((double)x) ? y : x;
	return x > y ? x : y;
}

REF(h_add, lanes(a, b, c, 1, &half, q_add, 0))
REF(h_sub, lanes(a, b, c, 1, &half, q_sub, 0))
REF(h_mul, lanes(a, b, c, 1, &half, q_mul, 0))
REF(h_fma, lanes(a, b, c, 1, &half, q_fma, 0))
REF(h2_add, lanes(a, b, c, 2, &half, q_add, 0))
REF(h2_add_sat, lanes(a, b, c, 2, &half, q_add, 1))
REF(h2_mul, lanes(a, b, c, 2, &half, q_mul, 0))
REF(h2_fma, lanes(a, b, c, 2, &half, q_fma, 0))
REF(h2_fma_relu, lanes(a, b, c, 2, &half, q_fma, 2))
REF(h2_min, lanes(a, b, c, 2, &half, q_min, 0))
REF(h2_max_nan, lanes(a, b, c, 2, &half, q_max_nan, 0))
REF(h2_neg, a ^ 0x80008000)
REF(h2_abs, a & 0x7fff7fff)
REF(b_fma, lanes(a, b, c, 1, &brain, q_fma, 0))
REF(b2_fma, lanes(a, b, c, 2, &brain, q_fma, 0))
REF(b2_add, lanes(a, b, c, 2, &brain, q_add, 0))
REF(b2_mul, lanes(a, b, c, 2, &brain, q_mul, 0))
REF(b2_min, lanes(a, b, c, 2, &brain, q_min, 0))
REF(b2_fma_relu, lanes(a, b, c, 2, &brain, q_fma, 2))
#define HX(v, k) widen_ref((u16)((v) >> 16 * (k)), 10, 5)
REF(h_lt, HX(a, 0) < HX(b, 0))
REF(h2_ge_hi, HX(a, 1) >= HX(b, 1))
REF(h2_set, (HX(a, 0) < HX(b, 0) ? 0x3c00 : 0) | (HX(a, 1) < HX(b, 1) ? 0x3c000000 : 0))

#define H2(op, ref) { op " %d, %a, %b;", { B32, B32, B32 }, { HALVES, HALVES }, ref }
#define H3(op, ref) { op " %d, %a, %b, %c;", { B32, B32, B32, B32 }, { HALVES, HALVES, HALVES }, ref }
#define S2(op, ref) { op " %d, %a, %b;", { B16, B16, B16 }, { HALVES, HALVES }, ref }
#define BF2(op, ref) { op " %d, %a, %b;", { B32, B32, B32 }, { BF16S, BF16S }, ref }
#define BF3(op, ref) { op " %d, %a, %b, %c;", { B32, B32, B32, B32 }, { BF16S, BF16S, BF16S }, ref }

static const struct op_test half_tests[] = {
	S2("add.f16", h_add), S2("sub.rn.f16", h_sub), S2("mul.f16", h_mul),
	{ "fma.rn.f16 %d, %a, %b, %c;", { B16, B16, B16, B16 }, { HALVES, HALVES, HALVES }, h_fma },
	H2("add.f16x2", h2_add), H2("add.sat.f16x2", h2_add_sat), H2("mul.f16x2", h2_mul), H3("fma.rn.f16x2", h2_fma),
	H3("fma.rn.relu.f16x2", h2_fma_relu), H2("min.f16x2", h2_min), H2("max.NaN.f16x2", h2_max_nan),
	{ "neg.f16x2 %d, %a;", { B32, B32 }, { HALVES }, h2_neg }, { "abs.f16x2 %d, %a;", { B32, B32 }, { HALVES }, h2_abs },
	{ "fma.rn.bf16 %d, %a, %b, %c;", { B16, B16, B16, B16 }, { BF16S, BF16S, BF16S }, b_fma }, BF3("fma.rn.bf16x2", b2_fma),
	BF2("add.rn.bf16x2", b2_add), BF2("mul.rn.bf16x2", b2_mul), BF2("min.bf16x2", b2_min),
	BF3("fma.rn.relu.bf16x2", b2_fma_relu),
	{ "setp.lt.f16 %d, %a, %b;", { PRED, B16, B16 }, { HALVES, HALVES }, h_lt },
	{ "setp.ge.f16x2 _|%d, %a, %b;", { PRED, B32, B32 }, { HALVES, HALVES }, h2_ge_hi },
	H2("set.lt.f16x2.f16x2", h2_set),
};

#define TEST(name)								\
static void test_##name(void **state)						\
{										\
	op_tests_run(dev, name, sizeof(name) / sizeof((name)[0]));		\
}

TEST(int_tests)
TEST(to_float_tests)
TEST(to_int_tests)
TEST(float_tests)
TEST(half_tests)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_int_tests), cmocka_unit_test(test_to_float_tests), cmocka_unit_test(test_to_int_tests),
		cmocka_unit_test(test_float_tests), cmocka_unit_test(test_half_tests),
	};
	int failed;

	dev = device_open(2);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	device_close(dev);
	return failed;
}
