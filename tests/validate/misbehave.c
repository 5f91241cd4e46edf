// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * A guest's program that does its neighbours harm, or would:
 *
 *	misbehave hang			one kernel that never ends
 *	misbehave fault			one kernel that stores where nothing is
 *	misbehave flood SECONDS		as many small kernels on as many streams as the device takes
 *	misbehave memory SECONDS	takes device memory until there is no more, writes to all of it, gives it back, and again
 *
 * Prints one JSON object: how often, and how it ended. Status 0 where the device answered as it has to: with CUDA's error, or,
 * when it has had enough of this guest, CUDA_ERROR_DEVICE_UNAVAILABLE; 1 where it did not.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cuda_api.h"

#define STREAMS		8
#define BATCH		64
#define PIECE		(8u << 20)
#define MOST_PIECES	4096

static const char ptx[] =
	".version 6.0\n"
	".target sm_50\n"
	".address_size 64\n"
	".visible .entry nothing()\n"
	"{\n"
	"	ret;\n"
	"}\n"
	".visible .entry spin()\n"
	"{\n"
	"again:\n"
	"	bra again;\n"
	"}\n"
	".visible .entry poke()\n"
	"{\n"
	"	.reg .b64 %rd<2>;\n"
	"	mov.u64 %rd1, 16;\n"
	"	st.global.u32 [%rd1], 1;\n"
	"	ret;\n"
	"}\n";

static unsigned long long did;
static CUmodule module;

static int say(CUresult last, int right)
{
	const char *name = NULL;

	cuGetErrorName(last, &name);
	printf("{\"did\": %llu, \"last\": \"%s\", \"right\": %s}\n", did, name ? name : "?", right ? "true" : "false");
	return !right;
}

static void must(CUresult result, const char *what)
{
	if (!result)
		return;
	fprintf(stderr, "misbehave: %s: error %d\n", what, result);
	exit(say(result, result == CUDA_ERROR_DEVICE_UNAVAILABLE));
}

#define MUST(call) must(call, #call)

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static CUfunction function(const char *name)
{
	CUfunction found;

	MUST(cuModuleGetFunction(&found, module, name));
	return found;
}

static int break_once(const char *name, CUresult expected)
{
	CUresult result = cuLaunchKernel(function(name), 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL);

	if (!result)
		result = cuCtxSynchronize();
	did = 1;
	return say(result, result == expected || result == CUDA_ERROR_DEVICE_UNAVAILABLE);
}

static int flood(double seconds)
{
	CUfunction nothing = function("nothing");
	double end = now() + seconds;
	CUstream streams[STREAMS];
	int i;

	for (i = 0; i < STREAMS; i++)
		MUST(cuStreamCreate(&streams[i], CU_STREAM_NON_BLOCKING));
	while (now() < end) {
		for (i = 0; i < BATCH; i++, did++)
			MUST(cuLaunchKernel(nothing, 1, 1, 1, 1, 1, 1, 0, streams[i % STREAMS], NULL, NULL));
	}
	MUST(cuCtxSynchronize());
	return say(CUDA_SUCCESS, 1);
}

static int exhaust(double seconds)
{
	static CUdeviceptr pieces[MOST_PIECES];
	CUresult result = CUDA_SUCCESS;
	double end = now() + seconds;
	int n, right = 1;

	while (right && now() < end) {
		for (n = 0; n < MOST_PIECES; n++) {
			result = cuMemAlloc(&pieces[n], PIECE);
			if (result)
				break;
			MUST(cuMemsetD8(pieces[n], 0xa5, PIECE));
		}
		right = result == CUDA_ERROR_OUT_OF_MEMORY;
		while (n--)
			MUST(cuMemFree(pieces[n]));
		did++;
	}
	return say(result, right);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	double seconds = argc > 2 ? atof(argv[2]) : 1;
	CUcontext context;
	CUdevice device;

	MUST(cuInit(0));
	MUST(cuDeviceGet(&device, 0));
	MUST(cuDevicePrimaryCtxRetain(&context, device));
	MUST(cuCtxSetCurrent(context));
	MUST(cuModuleLoadData(&module, ptx));
	if (!strcmp(what, "hang"))
		return break_once("spin", CUDA_ERROR_LAUNCH_TIMEOUT);
	if (!strcmp(what, "fault"))
		return break_once("poke", CUDA_ERROR_ILLEGAL_ADDRESS);
	if (!strcmp(what, "flood"))
		return flood(seconds);
	if (!strcmp(what, "memory"))
		return exhaust(seconds);
	fprintf(stderr, "usage: misbehave hang | fault | flood SECONDS | memory SECONDS\n");
	return 2;
}
