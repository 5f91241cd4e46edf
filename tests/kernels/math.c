// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* References for math.cu: the C library's functions; the toolkit promises a few units in the last place. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

#define FUNCTIONS(F) F(sin) F(cos) F(tan) F(exp) F(exp2) F(expm1) F(log) F(log2) F(log1p) F(sqrt) F(cbrt) F(tanh) F(sinh) \
	F(atan) F(asinh) F(erf) F(erfc) F(tgamma) F(lgamma) F(floor) F(ceil) F(rint) F(trunc) F(round)
#define COUNT 24

static const struct {
	const char *name;
	double (*of)(double x);
} functions[COUNT] = {
#define F(name) { #name, name },
	FUNCTIONS(F)
#undef F
};

static const struct {
	const char *name;
	double (*of)(double x, double y);
} pairs[] = {
#define F(name) { #name, name },
	F(pow) F(atan2) F(fmod) F(hypot) F(fdim) F(copysign) F(remainder)
#undef F
};

#define N 256

/* Arguments of every size, zeros and infinities. */
static void arguments(double *x, bool single)
{
	static const double special[] = { 0.0, -0.0, INFINITY, -INFINITY, NAN, 1, -1, 0.5, -0.5, 2.5, -1.5, 1e5, 3e6, 1e10, 105615.5 };
	size_t i;

	for (i = 0; i < N; i++) {
		x[i] = i < sizeof(special) / sizeof(special[0]) ? special[i] :
			ldexp((double)(int64_t)random_u64() / 0x1p63, (int)(random_u64() % 24) - 14);
		if (single)
			x[i] = (double)(float)x[i];
	}
}

static void compare(const char *name, double x, double got, double want, double ulp)
{
	if (isnan(want) ? isnan(got) : got == want || fabs(got - want) <= fabs(want) * ulp * 12)
		return;
	/* Near its zeros lgamma is good to absolute error only; overflow may come a step early. */
	if (!strcmp(name, "lgamma") && fabs(got - want) < ulp * 8)
		return;
	kernel_fail("%s(%a) is %a, should be %a", name, x, got, want);
}

static void math_f64(void)
{
	double x[N], *got;
	int n = N, f, i;
	CUdeviceptr dx, out = device_zeros(sizeof(x) * COUNT);

	arguments(x, false);
	dx = device_copy(x, sizeof(x));
	launch("math_f64", SHAPE({ 2 }, { 128 }), ARGS(&dx, &out, &n));
	got = host_copy(out, sizeof(x) * COUNT);
	for (f = 0; f < COUNT; f++)
		for (i = 0; i < N; i++)
			compare(functions[f].name, x[i], got[f * N + i], functions[f].of(x[i]), 0x1p-52);
}

static void math_f32(void)
{
	float x[N], *got;
	double d[N];
	int n = N, f, i;
	CUdeviceptr dx, out = device_zeros(sizeof(x) * COUNT);

	arguments(d, true);
	for (i = 0; i < N; i++)
		x[i] = (float)d[i];
	dx = device_copy(x, sizeof(x));
	launch("math_f32", SHAPE({ 2 }, { 128 }), ARGS(&dx, &out, &n));
	got = host_copy(out, sizeof(x) * COUNT);
	for (f = 0; f < COUNT; f++)
		for (i = 0; i < N; i++)
			compare(functions[f].name, d[i], (double)got[f * N + i], (double)(float)functions[f].of(d[i]), 0x1p-23);
}

static void math_two(void)
{
	double x[N], y[N], *got, want;
	float *gotf;
	int n = N, f, i;
	CUdeviceptr dx, dy, out = device_zeros(sizeof(x) * 8), outf = device_zeros(sizeof(float) * N * 8);

	arguments(x, true);
	arguments(y, true);
	for (i = N - 1; i > 0; i--) {
		int j = (int)(random_u64() % (uint64_t)(i + 1));
		double t = y[i];

		y[i] = y[j];
		y[j] = t;
	}
	dx = device_copy(x, sizeof(x));
	dy = device_copy(y, sizeof(y));
	launch("math_two", SHAPE({ 2 }, { 128 }), ARGS(&dx, &dy, &out, &outf, &n));
	got = host_copy(out, sizeof(x) * 8);
	gotf = host_copy(outf, sizeof(float) * N * 8);
	for (i = 0; i < N; i++) {
		for (f = 0; f < 7; f++) {
			want = pairs[f].of(x[i], y[i]);
			compare(pairs[f].name, x[i], got[f * N + i], want, 0x1p-52);
			compare(pairs[f].name, x[i], (double)gotf[f * N + i], (double)(float)want, 0x1p-23);
		}
		compare("nextafter", x[i], got[7 * N + i], nextafter(x[i], y[i]), 0);
		compare("nextafterf", x[i], (double)gotf[7 * N + i], (double)nextafterf((float)x[i], (float)y[i]), 0);
	}
}

static float bfloat(uint16_t bits)
{
	uint32_t u = (uint32_t)bits << 16;
	float f;

	memcpy(&f, &u, 4);
	return f;
}

static uint16_t to_bfloat(double d)
{
	/* Once to odd in binary32, once to nearest even in 16 bits: no double rounding. */
	float f = (float)d;
	uint32_t u;

	memcpy(&u, &f, 4);
	if ((double)f != d) {
		if (fabs((double)f) > fabs(d))
			u--;
		u |= 1;
	}
	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static void half_pairs(void)
{
	_Float16 a[64], b[64], *out;
	uint16_t c[64], d[64], *bout;
	float *x = random_floats(256);
	CUdeviceptr da, db, dc, dd, dout = device_zeros(128), dbout = device_zeros(128);
	int i;

	for (i = 0; i < 64; i++) {
		a[i] = (_Float16)x[4 * i];
		b[i] = (_Float16)x[4 * i + 1];
		c[i] = to_bfloat((double)x[4 * i + 2]);
		d[i] = to_bfloat((double)x[4 * i + 3]);
	}
	da = device_copy(a, 128);
	db = device_copy(b, 128);
	dc = device_copy(c, 128);
	dd = device_copy(d, 128);
	launch("half_pairs", SHAPE({ 1 }, { 32 }), ARGS(&da, &db, &dout, &dc, &dd, &dbout));
	out = host_copy(dout, 128);
	bout = host_copy(dbout, 128);
	for (i = 0; i < 64; i++) {
		_Float16 want = (_Float16)((double)a[i] * (double)b[i] + (double)(a[i] > b[i] ? a[i] : b[i]));
		float fc = bfloat(c[i]), fd = bfloat(d[i]);
		uint16_t bwant = to_bfloat((double)fc * fd + (double)(fc < fd ? fc : fd));

		if (out[i] != want)
			kernel_fail("binary16 %d is %a, should be %a", i, (double)out[i], (double)want);
		if (bout[i] != bwant)
			kernel_fail("bfloat16 %d is 0x%04x, should be 0x%04x", i, bout[i], bwant);
	}
}

static void integer_intrinsics(void)
{
	uint32_t x[32], *got, sum = 0;
	int n = 32, i, j;
	CUdeviceptr dx, out = device_zeros(13 * 128);

	for (i = 0; i < n; i++) {
		x[i] = i ? (uint32_t)(random_u64() >> (random_u64() % 40)) : 0;
		sum += x[i];
	}
	dx = device_copy(x, sizeof(x));
	launch("integer_intrinsics", SHAPE({ 1 }, { 32 }), ARGS(&dx, &out, &n));
	got = host_copy(out, 13 * 128);
	for (i = 0; i < n; i++) {
		uint32_t v = x[i], w = x[(i + 1) % n], want[13] = { 0 };

		want[0] = (uint32_t)__builtin_popcount(v);
		want[1] = v ? (uint32_t)__builtin_clz(v) : 32;
		for (j = 0; j < 32; j++)
			want[2] |= (v >> j & 1) << (31 - j);
		want[3] = (uint32_t)__builtin_ffs((int)v);
		want[4] = (v & 0xff) | (w & 0xff) << 8 | (v >> 8 & 0xff) << 16 | (w >> 8 & 0xff) << 24;
		want[5] = (uint32_t)((uint64_t)v * w >> 32);
		want[6] = (uint32_t)((((uint64_t)w << 32 | v) << (i & 31)) >> 32);
		want[7] = (v > w ? v - w : w - v) + 5;
		want[8] = 1000;
		for (j = 0; j < 32; j += 8) {
			want[8] += (uint32_t)((int8_t)(v >> j) * (int8_t)(w >> j));
			want[9] |= (((v >> j) + (w >> j)) & 0xff) << j;
		}
		for (j = 0; j < 32; j += 16) {
			int16_t a = (int16_t)(v >> j), b = (int16_t)(w >> j);

			want[10] |= (uint32_t)(uint16_t)(a > b ? a : b) << j;
		}
		want[11] = sum;
		for (j = 0; j < n; j++)
			want[12] |= (uint32_t)((x[j] & 3) == (v & 3)) << j;
		for (j = 0; j < 13; j++)
			if (got[j * n + i] != want[j])
				kernel_fail("intrinsic %d of lane %d is 0x%08x, should be 0x%08x", j, i, got[j * n + i], want[j]);
	}
}

const struct kernel_test math_tests[] = {
	{ "math_f32", math_f32 },     { "math_f64", math_f64 },		      { "math_two", math_two },
	{ "half_pairs", half_pairs }, { "integer_intrinsics", integer_intrinsics }, { NULL },
};
