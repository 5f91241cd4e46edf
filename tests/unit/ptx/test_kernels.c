// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/* Kernels from compilers against references on the CPU. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static struct device *dev;

static const char * const compilers[] = { "nvcc", "clang" };

static struct ptx_module *load(const char *name, unsigned int compiler)
{
	char path[256];

	snprintf(path, sizeof(path), "tests/kernels/%s.%s.ptx", name, compilers[compiler]);
	return device_load_file(dev, path);
}

static void must_run(int result)
{
	if (result)
		fail_msg("%s", dev->fault.message);
}

static float *floats(size_t n, uint64_t seed)
{
	float *p = device_alloc(dev, n * sizeof(*p));
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (float)((int)(next_random(&seed) % 2001) - 1000) / 500.0f;
	return p;
}

static void close_to(float got, float want, float tolerance, size_t at)
{
	if (!(fabsf(got - want) <= tolerance * (1.0f + fabsf(want))))
		fail_msg("element %zu: got %g, want %g", at, (double)got, (double)want);
}

static void vector_add(void **state)
{
	int n = 100003, c, i;

	for (c = 0; c < 2; c++) {
		struct ptx_module *m = load("basic", (unsigned int)c);
		float *a = floats((size_t)n, 1), *b = floats((size_t)n, 2), *r = floats((size_t)n, 3);
		struct dims dims = { .grid = { (uint32_t)(n + 255) / 256 }, .block = { 256 } };

		must_run(RUN(dev, m, "vector_add", &dims, &a, &b, &r, &n));
		for (i = 0; i < n; i++)
			if (r[i] != a[i] + b[i])
				fail_msg("element %d", i);
		ptx_module_unload(m);
	}
}

static void sgemm_tiled(void **state)
{
	int n = 64, c, i, j, k;

	for (c = 0; c < 2; c++) {
		struct ptx_module *m = load("basic", (unsigned int)c);
		float *a = floats(64 * 64, 4), *b = floats(64 * 64, 5), *r = floats(64 * 64, 6);
		struct dims dims = { .grid = { 4, 4 }, .block = { 16, 16 } };

		must_run(RUN(dev, m, "sgemm_tiled", &dims, &a, &b, &r, &n));
		for (i = 0; i < n; i++) {
			for (j = 0; j < n; j++) {
				float sum = 0;

				for (k = 0; k < n; k++)
					sum += a[i * n + k] * b[k * n + j];
				close_to(r[i * n + j], sum, 1e-5f, (size_t)(i * n + j));
			}
		}
		ptx_module_unload(m);
	}
}

static void reduce_sum(void **state)
{
	int n = 54321, c, i;

	for (c = 0; c < 2; c++) {
		struct ptx_module *m = load("basic", (unsigned int)c);
		float *x = floats((size_t)n, 7), *sum = floats(1, 8);
		struct dims dims = { .grid = { 7 }, .block = { 192 } };
		double want = 0;

		*sum = 0;
		must_run(RUN(dev, m, "reduce_sum", &dims, &x, &sum, &n));
		for (i = 0; i < n; i++)
			want += (double)x[i];
		close_to(*sum, (float)want, 1e-4f, 0);
		ptx_module_unload(m);
	}
}

static void softmax_rows(void **state)
{
	int rows = 17, cols = 333, c, i, j;

	for (c = 0; c < 2; c++) {
		struct ptx_module *m = load("basic", (unsigned int)c);
		float *x = floats((size_t)(rows * cols), 9), *y = floats((size_t)(rows * cols), 10);
		struct dims dims = { .grid = { (uint32_t)rows }, .block = { 128 } };

		must_run(RUN(dev, m, "softmax_rows", &dims, &x, &y, &cols));
		for (i = 0; i < rows; i++) {
			double sum = 0;

			for (j = 0; j < cols; j++)
				sum += exp((double)x[i * cols + j]);
			for (j = 0; j < cols; j++)
				close_to(y[i * cols + j], (float)(exp((double)x[i * cols + j]) / sum), 1e-5f,
					 (size_t)(i * cols + j));
		}
		ptx_module_unload(m);
	}
}

static void histogram256(void **state)
{
	int n = 99999, c, i;

	for (c = 0; c < 2; c++) {
		struct ptx_module *m = load("basic", (unsigned int)c);
		unsigned char *data = device_alloc(dev, (uint64_t)n);
		uint32_t *bins = device_alloc(dev, 1024), want[256] = { 0 };
		struct dims dims = { .grid = { 9 }, .block = { 200 } };
		uint64_t seed = 11;

		for (i = 0; i < n; i++) {
			data[i] = (unsigned char)(next_random(&seed) >> 20);
			want[data[i]]++;
		}
		memset(bins, 0, 1024);
		must_run(RUN(dev, m, "histogram256", &dims, &data, &bins, &n));
		assert_memory_equal(bins, want, sizeof(want));
		ptx_module_unload(m);
	}
}

static void transpose(void **state)
{
	int w = 70, h = 45, c, i, j;

	for (c = 0; c < 2; c++) {
		struct ptx_module *m = load("basic", (unsigned int)c);
		float *in = floats((size_t)(w * h), 12), *out = floats((size_t)(w * h), 13);
		struct dims dims = { .grid = { 3, 2 }, .block = { 32, 8 } };

		must_run(RUN(dev, m, "transpose", &dims, &in, &out, &w, &h));
		for (i = 0; i < h; i++)
			for (j = 0; j < w; j++)
				if (out[j * h + i] != in[i * w + j])
					fail_msg("row %d, column %d", i, j);
		ptx_module_unload(m);
	}
}

static void stencil5(void **state)
{
	int w = 50, h = 41, c, x, y;

	for (c = 0; c < 2; c++) {
		struct ptx_module *m = load("basic", (unsigned int)c);
		float *in = floats((size_t)(w * h), 14), *out = floats((size_t)(w * h), 15);
		struct dims dims = { .grid = { 4, 6 }, .block = { 16, 8 } };

		must_run(RUN(dev, m, "stencil5", &dims, &in, &out, &w, &h));
		for (y = 0; y < h; y++) {
			for (x = 0; x < w; x++) {
				float want = in[y * w + x];

				if (x && y && x < w - 1 && y < h - 1)
					want = 0.25f * (in[y * w + x - 1] + in[y * w + x + 1] + in[(y - 1) * w + x] +
							in[(y + 1) * w + x]);
				close_to(out[y * w + x], want, 1e-6f, (size_t)(y * w + x));
			}
		}
		ptx_module_unload(m);
	}
}

static void scan_block(void **state)
{
	int n = 1000, c, i;

	for (c = 0; c < 2; c++) {
		struct ptx_module *m = load("basic", (unsigned int)c);
		int *in = device_alloc(dev, 4000), *out = device_alloc(dev, 4000), *sums = device_alloc(dev, 64), sum = 0;
		struct dims dims = { .grid = { 4 }, .block = { 256 }, .shared = 1024 };
		uint64_t seed = 16;

		for (i = 0; i < n; i++)
			in[i] = (int)(next_random(&seed) % 100);
		must_run(RUN(dev, m, "scan_block", &dims, &in, &out, &sums, &n));
		for (i = 0; i < n; i++) {
			sum = i % 256 ? sum + in[i] : in[i];
			assert_int_equal(out[i], sum);
		}
		ptx_module_unload(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vector_add), cmocka_unit_test(sgemm_tiled), cmocka_unit_test(reduce_sum),
		cmocka_unit_test(softmax_rows), cmocka_unit_test(histogram256), cmocka_unit_test(transpose),
		cmocka_unit_test(stencil5), cmocka_unit_test(scan_block),
	};
	int failed;

	dev = device_open(0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	device_close(dev);
	return failed;
}
