// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* References for tensor.cu: products of small integers and halves, exact in every order of summation. */
#include "kernels.h"

/* Numbers whose products' sums need few bits. */
static void small_halves(_Float16 *x, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		x[i] = (_Float16)((int)(random_u64() % 65) - 32) / 8;
}

static void wmma_f16(void)
{
	int n = 32, k = 48, i, j, l;
	_Float16 a[32 * 48], b[32 * 48];
	double want[32 * 32] = { 0 };
	CUdeviceptr da, db, dc = device_zeros(32 * 32 * 4);

	small_halves(a, 32 * 48);
	small_halves(b, 32 * 48);
	da = device_copy(a, sizeof(a));
	db = device_copy(b, sizeof(b));
	launch("wmma_f16", SHAPE({ 2, 2 }, { 32 }), ARGS(&da, &db, &dc, &n, &k));
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			for (l = 0; l < k; l++)
				want[i * n + j] += (double)a[i * k + l] * (double)b[j * k + l];
	same_floats(host_copy(dc, 32 * 32 * 4), want, 32 * 32, 0);
}

static void mma_ldmatrix(void)
{
	_Float16 a[16 * 16], b[16 * 8];
	double want[16 * 8] = { 0 };
	CUdeviceptr da, db, dd = device_zeros(16 * 8 * 4);
	int i, j, l;

	small_halves(a, 256);
	small_halves(b, 128);
	da = device_copy(a, sizeof(a));
	db = device_copy(b, sizeof(b));
	launch("mma_ldmatrix", SHAPE({ 1 }, { 32 }), ARGS(&da, &db, &dd));
	for (i = 0; i < 16; i++)
		for (j = 0; j < 8; j++)
			for (l = 0; l < 16; l++)
				want[i * 8 + j] += (double)a[i * 16 + l] * (double)b[l * 8 + j];
	same_floats(host_copy(dd, 16 * 8 * 4), want, 16 * 8, 0);
}

static void mma_s8(void)
{
	signed char a[16 * 32], b[8 * 32];
	int want[16 * 8] = { 0 }, i, j, l;
	CUdeviceptr da, db, dd = device_zeros(sizeof(want));

	for (i = 0; i < 16 * 32; i++)
		a[i] = (signed char)random_u64();
	for (i = 0; i < 8 * 32; i++)
		b[i] = (signed char)random_u64();
	da = device_copy(a, sizeof(a));
	db = device_copy(b, sizeof(b));
	launch("mma_s8", SHAPE({ 1 }, { 32 }), ARGS(&da, &db, &dd));
	for (i = 0; i < 16; i++)
		for (j = 0; j < 8; j++)
			for (l = 0; l < 32; l++)
				want[i * 8 + j] += a[i * 32 + l] * b[j * 32 + l];
	same_ints(host_copy(dd, sizeof(want)), want, 16 * 8);
}

const struct kernel_test tensor_tests[] = {
	{ "wmma_f16", wmma_f16 },
	{ "mma_ldmatrix", mma_ldmatrix },
	{ "mma_s8", mma_s8 },
	{ NULL },
};
