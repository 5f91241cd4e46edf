// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* A grid whose blocks go in step, as large as the device takes, and one block more. */
#include "sample.h"

int main(void)
{
	int n = 5000, rounds = 20, blocks, sms, value;
	double *x = malloc(n * 8), *y = malloc(n * 8), *got = malloc(n * 8), *swap;
	CUdevice device = sample_begin();
	CUdeviceptr from, to;
	CUfunction relax = sample_kernel("relax");
	int min_grid, block;

	CU(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH, device));
	CHECK(value == 1);
	CU(cuDeviceGetAttribute(&sms, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device));
	CU(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, relax, 128, 0));
	CU(cuOccupancyMaxPotentialBlockSize(&min_grid, &block, relax, NULL, 0, 0));
	CHECK(blocks > 0 && block > 0 && min_grid > 0);
	for (int i = 0; i < n; i++)
		x[i] = (double)(sample_random() % 1000);
	from = sample_upload(x, n * 8);
	to = sample_upload(NULL, n * 8);
	CU(cuLaunchCooperativeKernel(relax, blocks * sms < 24 ? blocks * sms : 24, 1, 1, 128, 1, 1, 0, NULL, ARGS(&from, &to, &n, &rounds)));
	CU(cuMemcpyDtoH(got, from, n * 8));
	for (int r = 0; r < rounds; r++) {
		for (int i = 0; i < n; i++)
			y[i] = i && i < n - 1 ? 0.5 * x[i] + 0.25 * (x[i - 1] + x[i + 1]) : x[i];
		swap = x;
		x = y;
		y = swap;
	}
	for (int i = 0; i < n; i++)
		CHECK(fabs(got[i] - x[i]) <= 1e-9 * fabs(x[i]));
	RESULT(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE,
	       cuLaunchCooperativeKernel(relax, blocks * sms + 1, 1, 1, 128, 1, 1, 0, NULL, ARGS(&from, &to, &n, &rounds)));
	return 0;
}
