// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* References for basic.cu. */
#include <math.h>
#include <string.h>

#include "kernels.h"

static void vector_add(void)
{
	int n = 100003, i;
	float *a = random_floats((size_t)n), *b = random_floats((size_t)n), *got;
	size_t size = (size_t)n * 4;
	CUdeviceptr da = device_copy(a, size), db = device_copy(b, size), dc = device_zeros(size);

	launch("vector_add", SHAPE({ (unsigned int)(n + 255) / 256 }, { 256 }), ARGS(&da, &db, &dc, &n));
	got = host_copy(dc, size);
	for (i = 0; i < n; i++)
		if (got[i] != a[i] + b[i])
			kernel_fail("element %d is %.9g, should be %.9g", i, (double)got[i], (double)(a[i] + b[i]));
}

static void sgemm_tiled(void)
{
	int n = 80, i, j, k;
	size_t count = (size_t)n * n;
	float *a = random_floats(count), *b = random_floats(count);
	double *want = host_alloc(count * sizeof(*want));
	CUdeviceptr da = device_copy(a, count * 4), db = device_copy(b, count * 4), dc = device_zeros(count * 4);

	launch("sgemm_tiled", SHAPE({ 5, 5 }, { 16, 16 }), ARGS(&da, &db, &dc, &n));
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			for (k = 0; k < n; k++)
				want[i * n + j] += (double)a[i * n + k] * b[k * n + j];
	same_floats(host_copy(dc, count * 4), want, count, 1e-4);
}

static void reduce_sum(void)
{
	int n = 54321, i;
	float *x = random_floats((size_t)n);
	double want = 0;
	CUdeviceptr dx = device_copy(x, (size_t)n * 4), sum = device_zeros(4);

	launch("reduce_sum", SHAPE({ 7 }, { 192 }), ARGS(&dx, &sum, &n));
	for (i = 0; i < n; i++)
		want += (double)x[i];
	same_floats(host_copy(sum, 4), &want, 1, 1e-3);
}

static void softmax_rows(void)
{
	int rows = 17, cols = 333, i, j;
	size_t count = (size_t)rows * cols;
	float *x = random_floats(count);
	double *want = host_alloc(count * sizeof(*want)), sum;
	CUdeviceptr dx = device_copy(x, count * 4), dy = device_zeros(count * 4);

	launch("softmax_rows", SHAPE({ (unsigned int)rows }, { 128 }), ARGS(&dx, &dy, &cols));
	for (i = 0; i < rows; i++) {
		for (sum = 0, j = 0; j < cols; j++)
			sum += exp((double)x[i * cols + j]);
		for (j = 0; j < cols; j++)
			want[i * cols + j] = exp((double)x[i * cols + j]) / sum;
	}
	same_floats(host_copy(dy, count * 4), want, count, 1e-6);
}

static void histogram256(void)
{
	int n = 99999, want[256] = { 0 }, i;
	unsigned char *data = host_alloc((size_t)n);
	CUdeviceptr ddata, bins = device_zeros(sizeof(want));

	for (i = 0; i < n; i++) {
		data[i] = (unsigned char)(random_u64() >> 20);
		want[data[i]]++;
	}
	ddata = device_copy(data, (size_t)n);
	launch("histogram256", SHAPE({ 9 }, { 200 }), ARGS(&ddata, &bins, &n));
	same_ints(host_copy(bins, sizeof(want)), want, 256);
}

static void transpose(void)
{
	int w = 70, h = 45, i, j;
	size_t size = (size_t)w * h * 4;
	float *in = random_floats((size_t)w * h), *out;
	CUdeviceptr din = device_copy(in, size), dout = device_zeros(size);

	launch("transpose", SHAPE({ 3, 2 }, { 32, 8 }), ARGS(&din, &dout, &w, &h));
	out = host_copy(dout, size);
	for (i = 0; i < h; i++)
		for (j = 0; j < w; j++)
			if (out[j * h + i] != in[i * w + j])
				kernel_fail("row %d, column %d is not that of column, row", i, j);
}

static void stencil5(void)
{
	int w = 50, h = 41, x, y;
	size_t count = (size_t)w * h;
	float *in = random_floats(count);
	double *want = host_alloc(count * sizeof(*want));
	CUdeviceptr din = device_copy(in, count * 4), dout = device_zeros(count * 4);

	launch("stencil5", SHAPE({ 4, 6 }, { 16, 8 }), ARGS(&din, &dout, &w, &h));
	for (y = 0; y < h; y++) {
		for (x = 0; x < w; x++) {
			const float *c = in + y * w + x;

			want[y * w + x] = x && y && x < w - 1 && y < h - 1 ?
				0.25 * ((double)c[-1] + c[1] + c[-w] + c[w]) : (double)*c;
		}
	}
	same_floats(host_copy(dout, count * 4), want, count, 1e-6);
}

static void scan_block(void)
{
	int n = 1000, in[1000], want[1000], sums[4], i;
	CUdeviceptr din, dout = device_zeros(sizeof(in)), dsums = device_zeros(sizeof(sums));

	for (i = 0; i < n; i++) {
		in[i] = (int)(random_u64() % 100);
		want[i] = i % 256 ? want[i - 1] + in[i] : in[i];
	}
	for (i = 0; i < 4; i++)
		sums[i] = want[i < 3 ? i * 256 + 255 : n - 1];
	din = device_copy(in, sizeof(in));
	launch("scan_block", SHAPE({ 4 }, { 256 }, 1024), ARGS(&din, &dout, &dsums, &n));
	same_ints(host_copy(dout, sizeof(in)), want, (size_t)n);
	same_ints(host_copy(dsums, sizeof(sums)), sums, 4);
}

const struct kernel_test basic_tests[] = {
	{ "vector_add", vector_add },	  { "sgemm_tiled", sgemm_tiled }, { "reduce_sum", reduce_sum },
	{ "softmax_rows", softmax_rows }, { "histogram256", histogram256 }, { "transpose", transpose },
	{ "stencil5", stencil5 },	  { "scan_block", scan_block },   { NULL },
};
