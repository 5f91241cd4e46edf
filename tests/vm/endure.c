// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * Computes until its GPU is taken away, checking every result; then says which CUDA error that gave.
 *
 *	endure KERNELS.PTX [ROUNDS]
 *
 * Ends with 0 after ROUNDS right rounds, with 3 after a CUDA error, with 1 after a wrong result.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cuda_api.h"

#define WIDTH	128
#define HEIGHT	128
#define POINTS	(WIDTH * HEIGHT)

static const char *error_name(CUresult result)
{
	const char *name = NULL;

	cuGetErrorName(result, &name);
	return name ? name : "?";
}

static void must(CUresult result, const char *what)
{
	if (result == CUDA_SUCCESS)
		return;
	printf("lost: %s: %s\n", what, error_name(result));
	fflush(stdout);
	exit(3);
}

#define MUST(call) must(call, #call)

int main(int argc, char **argv)
{
	long rounds = argc > 2 ? atol(argv[2]) : -1, round;
	static int first[POINTS], steps[POINTS];
	int width = WIDTH, height = HEIGHT, limit = 500;
	CUdeviceptr out;
	void *args[] = { &out, &width, &height, &limit };
	CUfunction function;
	CUcontext context;
	CUmodule module;
	CUdevice device;

	if (argc < 2) {
		fprintf(stderr, "usage: endure KERNELS.PTX [ROUNDS]\n");
		return 2;
	}
	MUST(cuInit(0));
	MUST(cuDeviceGet(&device, 0));
	MUST(cuDevicePrimaryCtxRetain(&context, device));
	MUST(cuCtxSetCurrent(context));
	MUST(cuModuleLoad(&module, argv[1]));
	MUST(cuModuleGetFunction(&function, module, "mandelbrot"));
	MUST(cuMemAlloc(&out, sizeof(steps)));
	for (round = 0; round != rounds; round++) {
		MUST(cuMemsetD8(out, 0xff, sizeof(steps)));
		MUST(cuLaunchKernel(function, WIDTH / 16, HEIGHT / 16, 1, 16, 16, 1, 0, NULL, args, NULL));
		MUST(cuMemcpyDtoH(steps, out, sizeof(steps)));
		if (!round) {
			memcpy(first, steps, sizeof(steps));
			puts("computing");
			fflush(stdout);
		}
		if (memcmp(first, steps, sizeof(steps))) {
			printf("wrong result in round %ld\n", round);
			return 1;
		}
	}
	printf("%ld rounds right\n", rounds);
	return 0;
}
