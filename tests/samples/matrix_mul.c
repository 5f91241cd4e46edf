// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Templates by their mangled names, tiles in dynamic shared memory beyond what comes unasked, events around it. */
#include "sample.h"

#define N 96

static void multiply(CUfunction f, CUdeviceptr a, CUdeviceptr b, CUdeviceptr c, int tile, int elem)
{
	CUevent before, after;
	int n = N;
	float ms;

	CU(cuEventCreate(&before, 0));
	CU(cuEventCreate(&after, 0));
	CU(cuEventRecord(before, NULL));
	CU(cuLaunchKernel(f, N / tile, N / tile, 1, tile, tile, 1, 2 * tile * tile * elem, NULL, ARGS(&a, &b, &c, &n, &tile), NULL));
	CU(cuEventRecord(after, NULL));
	CU(cuEventSynchronize(after));
	CU(cuEventElapsedTime(&ms, before, after));
	CHECK(ms >= 0 && ms < 600000);
	CU(cuEventDestroy(before));
	CU(cuEventDestroy(after));
}

int main(void)
{
	static float a[N * N], b[N * N], c[N * N];
	static double da[N * N], db[N * N], dc[N * N];
	CUfunction single, twice;
	CUdeviceptr pa, pb, pc, qa, qb, qc;
	int value, tile;
	size_t blocks;

	sample_begin();
	for (int i = 0; i < N * N; i++) {
		da[i] = a[i] = (float)(sample_random() % 17) - 8;
		db[i] = b[i] = (float)(sample_random() % 15) - 7;
	}
	pa = sample_upload(a, sizeof(a));
	pb = sample_upload(b, sizeof(b));
	pc = sample_upload(NULL, sizeof(c));
	qa = sample_upload(da, sizeof(da));
	qb = sample_upload(db, sizeof(db));
	qc = sample_upload(NULL, sizeof(dc));
	single = sample_kernel("_Z10matrix_mulIfEvPKT_S2_PS0_ii");
	twice = sample_kernel("_Z10matrix_mulIdEvPKT_S2_PS0_ii");
	CU(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, single));
	CHECK(value >= 1024);
	for (tile = 8; tile <= 32; tile *= 2) {
		multiply(single, pa, pb, pc, tile, 4);
		multiply(twice, qa, qb, qc, tile, 8);
		CU(cuMemcpyDtoH(c, pc, sizeof(c)));
		CU(cuMemcpyDtoH(dc, qc, sizeof(dc)));
		for (int y = 0; y < N; y++)
			for (int x = 0; x < N; x++) {
				double sum = 0;

				for (int k = 0; k < N; k++)
					sum += da[y * N + k] * db[k * N + x];
				CHECK(c[y * N + x] == sum && dc[y * N + x] == sum);
			}
		CU(cuMemsetD8(pc, 0, sizeof(c)));
	}
	/* More than 48 KiB only for who has asked for it. */
	tile = 32;
	RESULT(CUDA_ERROR_INVALID_VALUE,
	       cuLaunchKernel(single, 1, 1, 1, 32, 32, 1, 90 << 10, NULL, ARGS(&pa, &pb, &pc, &tile, &tile), NULL));
	CU(cuFuncSetAttribute(single, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 90 << 10));
	CU(cuLaunchKernel(single, 1, 1, 1, 32, 32, 1, 90 << 10, NULL, ARGS(&pa, &pb, &pc, &tile, &tile), NULL));
	CU(cuCtxSynchronize());
	CU(cuOccupancyMaxActiveBlocksPerMultiprocessor(&value, single, 1024, 90 << 10));
	CHECK(value >= 1);
	CU(cuOccupancyAvailableDynamicSMemPerBlock(&blocks, single, 1, 256));
	CHECK(blocks >= 48 << 10);
	return 0;
}
