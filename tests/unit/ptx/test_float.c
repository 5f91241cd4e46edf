// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/* Floating-point instructions, each against its definition: in the format's arithmetic where the CPU has it, else in a wider one. */
#include <fenv.h>
#include <stdlib.h>

#include "optest.h"

typedef uint64_t u64;
typedef uint32_t u32;

static struct device *dev;

static float ftz(float f)
{
	return fabsf(f) < 0x1p-126f ? copysignf(0.0f, f) : f;
}

static float sat(float f)
{
	return f != f ? 0.0f : f > 1.0f ? 1.0f : f > 0.0f ? f : 0.0f;
}

static u64 in_mode(int mode, float (*f)(float, float, float), u64 a, u64 b, u64 c)
{
	volatile float x = as_f32(a), y = as_f32(b), z = as_f32(c), r;

	fesetround(mode);
	r = f(x, y, z);
	fesetround(FE_TONEAREST);
	return of_f32(r);
}

static u64 in_mode64(int mode, double (*f)(double, double, double), u64 a, u64 b, u64 c)
{
	volatile double x = as_f64(a), y = as_f64(b), z = as_f64(c), r;

	fesetround(mode);
	r = f(x, y, z);
	fesetround(FE_TONEAREST);
	return of_f64(r);
}

#define FUNCTION(name, T, expr)						\
static __attribute__((noinline)) T name(T x, T y, T z)			\
{									\
	(void)y;							\
	(void)z;							\
	return (expr);							\
}

FUNCTION(f_add, float, x + y)
FUNCTION(f_sub, float, x - y)
FUNCTION(f_mul, float, x * y)
FUNCTION(f_div, float, x / y)
FUNCTION(f_fma, float, fmaf(x, y, z))
FUNCTION(f_rcp, float, 1.0f / x)
FUNCTION(f_sqrt, float, sqrtf(x))
FUNCTION(d_add, double, x + y)
FUNCTION(d_sub, double, x - y)
FUNCTION(d_mul, double, x * y)
FUNCTION(d_div, double, x / y)
FUNCTION(d_fma, double, fma(x, y, z))
FUNCTION(d_rcp, double, 1.0 / x)
FUNCTION(d_sqrt, double, sqrt(x))

#define MODES(op)							\
REF(op##_rn, in_mode(FE_TONEAREST, f_##op, a, b, c))			\
REF(op##_rz, in_mode(FE_TOWARDZERO, f_##op, a, b, c))			\
REF(op##_rm, in_mode(FE_DOWNWARD, f_##op, a, b, c))			\
REF(op##_rp, in_mode(FE_UPWARD, f_##op, a, b, c))			\
REF(op##_rn64, in_mode64(FE_TONEAREST, d_##op, a, b, c))		\
REF(op##_rz64, in_mode64(FE_TOWARDZERO, d_##op, a, b, c))		\
REF(op##_rm64, in_mode64(FE_DOWNWARD, d_##op, a, b, c))			\
REF(op##_rp64, in_mode64(FE_UPWARD, d_##op, a, b, c))

MODES(add)
MODES(sub)
MODES(mul)
MODES(div)
MODES(fma)
MODES(rcp)
MODES(sqrt)
REF(add_ftz, of_f32(ftz(ftz(as_f32(a)) + ftz(as_f32(b)))))
REF(sub_ftz, of_f32(ftz(ftz(as_f32(a)) - ftz(as_f32(b)))))
REF(mul_ftz, of_f32(ftz(ftz(as_f32(a)) * ftz(as_f32(b)))))
REF(fma_ftz, of_f32(ftz(fmaf(ftz(as_f32(a)), ftz(as_f32(b)), ftz(as_f32(c))))))
REF(div_ftz, of_f32(ftz(ftz(as_f32(a)) / ftz(as_f32(b)))))
REF(add_sat, of_f32(sat(as_f32(a) + as_f32(b))))
REF(mul_sat_ftz, of_f32(sat(ftz(ftz(as_f32(a)) * ftz(as_f32(b))))))
REF(fma_sat, of_f32(sat(fmaf(as_f32(a), as_f32(b), as_f32(c)))))

static float f_min(float x, float y)
{
	if (x != x)
		return y;
	if (y != y)
		return x;
	if (x == 0 && y == 0)
		return signbit(x) ? x : y;
	return x < y ? x : y;
}

static float f_max(float x, float y)
{
	if (x != x)
		return y;
	if (y != y)
		return x;
	if (x == 0 && y == 0)
		return signbit(x) ? y : x;
	return x > y ? x : y;
}

static double d_min(double x, double y)
{
	if (x != x)
		return y;
	if (y != y)
		return x;
	if (x == 0 && y == 0)
		return signbit(x) ? x : y;
	return x < y ? x : y;
}

static double d_max(double x, double y)
{
	return -d_min(-x, -y);
}

#define A as_f32(a)
#define B as_f32(b)
#define AD as_f64(a)
#define BD as_f64(b)

REF(min_f32, of_f32(f_min(A, B)))
REF(max_f32, of_f32(f_max(A, B)))
REF(min_ftz, of_f32(f_min(ftz(A), ftz(B))))
REF(min_nan, A != A || B != B ? 0x7fffffff : of_f32(f_min(A, B)))
REF(max_nan, A != A || B != B ? 0x7fffffff : of_f32(f_max(A, B)))
REF(max_xorsign, (of_f32(f_max(fabsf(A), fabsf(B))) & 0x7fffffff) | ((a ^ b) & 0x80000000))
REF(min_f64, of_f64(d_min(AD, BD)))
REF(max_f64, of_f64(d_max(AD, BD)))
REF(neg_f32, a ^ 0x80000000)
REF(abs_f32, a & 0x7fffffff)
REF(neg_ftz, (a & 0x7f800000 ? a : a & 0x80000000) ^ 0x80000000)
REF(abs_ftz, (a & 0x7f800000 ? a : 0) & 0x7fffffff)
REF(neg_f64, a ^ 1ull << 63)
REF(abs_f64, a & ~(1ull << 63))
REF(copysign_f32, (b & 0x7fffffff) | (a & 0x80000000))
REF(copysign_f64, (b & ~(1ull << 63)) | (a & 1ull << 63))
REF(finite_f32, isfinite(A))
REF(infinite_f32, isinf(A))
REF(number_f32, !isnan(A))
REF(notanumber_f32, isnan(A))
REF(normal_f32, isnormal(A))
REF(subnormal_f32, fpclassify(A) == FP_SUBNORMAL)
REF(finite_f64, isfinite(AD))
REF(infinite_f64, isinf(AD))
REF(normal_f64, isnormal(AD))
REF(subnormal_f64, fpclassify(AD) == FP_SUBNORMAL)
REF(ex2, of_f32((float)exp2((double)A)))
REF(lg2, of_f32((float)log2((double)A)))
REF(lg2_ftz, of_f32((float)log2((double)ftz(A))))
REF(sin_, of_f32((float)sin((double)A)))
REF(cos_, of_f32((float)cos((double)A)))
REF(tanh_, of_f32((float)tanh((double)A)))
REF(rsqrt, of_f32((float)(1.0 / sqrt((double)A))))
REF(rcp_ftz, of_f32(ftz((float)(1.0 / (double)ftz(A)))))
REF(rsqrt64, of_f64(1.0 / sqrt(AD)))
REF(eq, A == B)
REF(ne, A < B || A > B)
REF(lt, A < B)
REF(le, A <= B)
REF(gt, A > B)
REF(ge, A >= B)
REF(equ, A == B || A != A || B != B)
REF(neu, !(A == B))
REF(ltu, !(A >= B))
REF(leu, !(A > B))
REF(gtu, !(A <= B))
REF(geu, !(A < B))
REF(num, A == A && B == B)
REF(nan_, A != A || B != B)
REF(eq_ftz, ftz(A) == ftz(B))
REF(lt64, AD < BD)
REF(geu64, !(AD < BD))
REF(num64, AD == AD && BD == BD)
REF(nan64, AD != AD || BD != BD)
REF(neu64, !(AD == BD))
REF(set_f32_lt, A < B ? 0x3f800000 : 0)

#define F1(op, ref, ...) { op " %d, %a;", { B32, B32 }, { F32S }, ref, ##__VA_ARGS__ }
#define F2(op, ref, ...) { op " %d, %a, %b;", { B32, B32, B32 }, { F32S, F32S }, ref, ##__VA_ARGS__ }
#define F3(op, ref, ...) { op " %d, %a, %b, %c;", { B32, B32, B32, B32 }, { F32S, F32S, F32S }, ref, ##__VA_ARGS__ }
#define D1(op, ref, ...) { op " %d, %a;", { B64, B64 }, { F64S }, ref, ##__VA_ARGS__ }
#define D2(op, ref, ...) { op " %d, %a, %b;", { B64, B64, B64 }, { F64S, F64S }, ref, ##__VA_ARGS__ }
#define D3(op, ref, ...) { op " %d, %a, %b, %c;", { B64, B64, B64, B64 }, { F64S, F64S, F64S }, ref, ##__VA_ARGS__ }
#define ROUNDED(F, op, T, suffix)							\
	F(#op ".rn." T, op##_rn##suffix), F(#op ".rz." T, op##_rz##suffix),		\
	F(#op ".rm." T, op##_rm##suffix), F(#op ".rp." T, op##_rp##suffix)
#define ROUNDED64(F, op)								\
	F(#op ".rn.f64", op##_rn64, 0.25), F(#op ".rz.f64", op##_rz64, 0.25),		\
	F(#op ".rm.f64", op##_rm64, 0.25), F(#op ".rp.f64", op##_rp64, 0.25)

static const struct op_test single_tests[] = {
	F2("add.f32", add_rn), F2("sub.f32", sub_rn), F2("mul.f32", mul_rn),
	ROUNDED(F2, add, "f32", ), ROUNDED(F2, sub, "f32", ), ROUNDED(F2, mul, "f32", ), ROUNDED(F2, div, "f32", ),
	ROUNDED(F3, fma, "f32", ), ROUNDED(F1, rcp, "f32", ), ROUNDED(F1, sqrt, "f32", ),
	F3("mad.rn.f32", fma_rn), F2("add.ftz.f32", add_ftz), F2("sub.rn.ftz.f32", sub_ftz), F2("mul.ftz.f32", mul_ftz),
	F3("fma.rn.ftz.f32", fma_ftz), F2("div.rn.ftz.f32", div_ftz), F2("add.sat.f32", add_sat),
	F2("mul.rn.ftz.sat.f32", mul_sat_ftz), F3("fma.rn.sat.f32", fma_sat),
	F2("div.approx.f32", div_rn, 2), F2("div.full.f32", div_rn, 2), F2("div.full.ftz.f32", div_ftz, 2),
	F2("min.f32", min_f32), F2("max.f32", max_f32), F2("min.ftz.f32", min_ftz), F2("min.NaN.f32", min_nan),
	F2("max.NaN.f32", max_nan), F2("max.xorsign.abs.f32", max_xorsign),
	F1("neg.f32", neg_f32), F1("abs.f32", abs_f32), F1("neg.ftz.f32", neg_ftz), F1("abs.ftz.f32", abs_ftz),
	F2("copysign.f32", copysign_f32),
};

static const struct op_test double_tests[] = {
	D2("add.f64", add_rn64, 0.25), D2("sub.f64", sub_rn64, 0.25), D2("mul.f64", mul_rn64, 0.25),
	ROUNDED64(D2, add), ROUNDED64(D2, sub), ROUNDED64(D2, mul), ROUNDED64(D2, div), ROUNDED64(D3, fma),
	ROUNDED64(D1, rcp), ROUNDED64(D1, sqrt), D3("mad.rn.f64", fma_rn64, 0.25),
	D2("min.f64", min_f64, 0.25), D2("max.f64", max_f64, 0.25), D1("neg.f64", neg_f64), D1("abs.f64", abs_f64),
	D2("copysign.f64", copysign_f64), D1("rsqrt.approx.f64", rsqrt64, 2),
};

/* Tolerances: those of the PTX ISA, in units of the last place or absolute. */
static const struct op_test approx_tests[] = {
	F1("rcp.approx.f32", rcp_rn, 1), F1("rcp.approx.ftz.f32", rcp_ftz, 1), F1("sqrt.approx.f32", sqrt_rn, 1),
	F1("rsqrt.approx.f32", rsqrt, 2), F1("ex2.approx.f32", ex2, 2), F1("ex2.approx.ftz.f32", ex2, 2, 0x1p-126),
	{ "ex2.approx.f32 %d, %a;", { B32, B32 }, { SMALL_F32 }, ex2, 2 },
	F1("lg2.approx.f32", lg2, 2, 0x1p-22), F1("lg2.approx.ftz.f32", lg2_ftz, 2, 0x1p-22),
	{ "lg2.approx.f32 %d, %a;", { B32, B32 }, { SMALL_F32 }, lg2, 2, 0x1p-22 },
	{ "sin.approx.f32 %d, %a;", { B32, B32 }, { ANGLES }, sin_, 0, 0x1p-20 },
	{ "cos.approx.f32 %d, %a;", { B32, B32 }, { ANGLES }, cos_, 0, 0x1p-20 },
	F1("sin.approx.f32", sin_, 0, 0x1p-20), F1("cos.approx.ftz.f32", cos_, 0, 0x1p-20),
	F1("tanh.approx.f32", tanh_, 8), { "tanh.approx.f32 %d, %a;", { B32, B32 }, { SMALL_F32 }, tanh_, 8 },
};

#define P1(op, ref) { op " %d, %a;", { PRED, B32 }, { F32S }, ref }
#define P2(op, ref) { op " %d, %a, %b;", { PRED, B32, B32 }, { F32S, F32S }, ref }
#define PD1(op, ref) { op " %d, %a;", { PRED, B64 }, { F64S }, ref }
#define PD2(op, ref) { op " %d, %a, %b;", { PRED, B64, B64 }, { F64S, F64S }, ref }

static const struct op_test compare_tests[] = {
	P2("setp.eq.f32", eq), P2("setp.ne.f32", ne), P2("setp.lt.f32", lt), P2("setp.le.f32", le), P2("setp.gt.f32", gt),
	P2("setp.ge.f32", ge), P2("setp.equ.f32", equ), P2("setp.neu.f32", neu), P2("setp.ltu.f32", ltu),
	P2("setp.leu.f32", leu), P2("setp.gtu.f32", gtu), P2("setp.geu.f32", geu), P2("setp.num.f32", num),
	P2("setp.nan.f32", nan_), P2("setp.eq.ftz.f32", eq_ftz), PD2("setp.lt.f64", lt64), PD2("setp.geu.f64", geu64),
	PD2("setp.num.f64", num64), PD2("setp.nan.f64", nan64), PD2("setp.neu.f64", neu64),
	F2("set.lt.f32.f32", set_f32_lt),
	P1("testp.finite.f32", finite_f32), P1("testp.infinite.f32", infinite_f32), P1("testp.number.f32", number_f32),
	P1("testp.notanumber.f32", notanumber_f32), P1("testp.normal.f32", normal_f32),
	P1("testp.subnormal.f32", subnormal_f32), PD1("testp.finite.f64", finite_f64), PD1("testp.infinite.f64", infinite_f64),
	PD1("testp.normal.f64", normal_f64), PD1("testp.subnormal.f64", subnormal_f64),
};

#define TEST(name)								\
static void test_##name(void **state)						\
{										\
	op_tests_run(dev, name, sizeof(name) / sizeof((name)[0]));		\
}

TEST(single_tests)
TEST(double_tests)
TEST(approx_tests)
TEST(compare_tests)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single_tests), cmocka_unit_test(test_double_tests),
		cmocka_unit_test(test_approx_tests), cmocka_unit_test(test_compare_tests),
	};
	int failed;

	dev = device_open(2);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	device_close(dev);
	return failed;
}
