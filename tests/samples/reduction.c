// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Sums by blocks that find out which of them is the last, groups of threads, sorting and scanning by CUB. */
#include "sample.h"

static void once(void)
{
	int n = 100003, grid = 37;
	float *x = malloc(n * 4), sum;
	CUdeviceptr in, partial, out;
	double want = 0;

	for (int i = 0; i < n; i++)
		want += x[i] = (float)(sample_random() % 100);
	in = sample_upload(x, n * 4);
	partial = sample_upload(NULL, grid * 4);
	out = sample_upload(NULL, 4);
	/* The counter is where it was after each launch. */
	for (int r = 0; r < 3; r++) {
		sample_run(sample_kernel("reduce_once"), grid, 256, ARGS(&in, &partial, &out, &n));
		CU(cuMemcpyDtoH(&sum, out, 4));
		CHECK(fabs(sum - want) < 1e-5 * want);
	}
	free(x);
}

static int popular(const int *v, int lane, int first)
{
	int same = 0;

	for (int i = first; i < first + 32; i++)
		same += (v[i] & 3) == (v[lane] & 3);
	return same;
}

static void groups(void)
{
	enum { N = 256 };
	int v[N], out[N], n = N;
	CUdeviceptr din, dout;

	for (int i = 0; i < N; i++)
		v[i] = (int)(sample_random() % 2000) - 1000;
	din = sample_upload(v, sizeof(v));
	dout = sample_upload(NULL, sizeof(out));
	sample_run(sample_kernel("groups"), 2, 128, ARGS(&din, &dout, &n));
	CU(cuMemcpyDtoH(out, dout, sizeof(out)));
	for (int i = 0; i < N; i++) {
		int tile = i / 8 * 8, warp = i / 32 * 32, sum = 0, before = 0, xor = 0, any = 0, most = -1000000, rank = 0, r;

		for (int k = tile; k < tile + 8; k++) {
			sum += v[k];
			before += k <= i ? v[k] : 0;
			xor ^= k < i ? v[k] : 0;
			any |= v[k] < 0;
		}
		r = sum + 3 * before + 5 * xor + 7 * v[tile + ((i - tile) ^ 3)] + 11 * any;
		for (int k = warp; k < warp + 32; k++)
			if (v[k] & 1) {
				most = v[k] > most ? v[k] : most;
				rank += k < i;
			}
		if (v[i] & 1)
			r += 13 * most + rank;
		r += 17 * popular(v, i, warp);
		if (out[i] != r)
			FAIL("thread %d has %d, not %d", i, out[i], r);
	}
}

static int by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void sorting(void)
{
	enum { N = 1024 };
	unsigned int keys[N];
	int values[N], prefix[N];
	uint64_t pairs[N];
	CUdeviceptr dk, dv, dp;

	for (int i = 0; i < N; i++) {
		keys[i] = sample_random();
		values[i] = i;
		pairs[i] = (uint64_t)keys[i] << 32 | (unsigned int)i;
	}
	dk = sample_upload(keys, sizeof(keys));
	dv = sample_upload(values, sizeof(values));
	dp = sample_upload(NULL, sizeof(prefix));
	sample_run(sample_kernel("sort_and_scan"), 2, 128, ARGS(&dk, &dv, &dp));
	CU(cuMemcpyDtoH(keys, dk, sizeof(keys)));
	CU(cuMemcpyDtoH(values, dv, sizeof(values)));
	CU(cuMemcpyDtoH(prefix, dp, sizeof(prefix)));
	for (int b = 0; b < N; b += 512) {
		int total = 0, before = 0;

		qsort(pairs + b, 512, sizeof(*pairs), by_key);
		for (int i = b; i < b + 512; i++)
			total += values[i];
		for (int i = b; i < b + 512; before += values[i++]) {
			CHECK(keys[i] == pairs[i] >> 32 && values[i] == (int)(unsigned int)pairs[i]);
			CHECK(prefix[i] == before + total);
		}
	}
}

static void merging(void)
{
	enum { N = 512 };
	float x[N];
	CUdeviceptr d;

	for (int i = 0; i < N; i++)
		x[i] = (float)(int)sample_random() / 1000;
	d = sample_upload(x, sizeof(x));
	sample_run(sample_kernel("merge_sort"), 2, 64, ARGS(&d));
	CU(cuMemcpyDtoH(x, d, sizeof(x)));
	for (int i = 1; i < N; i++)
		CHECK(i % 128 == 0 || x[i - 1] <= x[i]);
}

int main(void)
{
	sample_begin();
	once();
	groups();
	sorting();
	merging();
	return 0;
}
