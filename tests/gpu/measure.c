// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * What bench-gpu measures: one CUDA Driver API process, the same on the GPU's own libcuda and through the mediator. Prints
 * one number a line.
 *
 *	gpu-measure rounds US             rounds of the kernel that take so many microseconds
 *	gpu-measure command ROUNDS COUNT  microseconds of a launch and its wait: median, 99th percentile
 *	gpu-measure kernels ROUNDS MS     kernels a second, eight at a time, for so long
 *	gpu-measure copy in|out           64 MiB of pinned memory: bytes a second, the best of 20
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/libcuda/cuda_api.h"
#include "tests/bench/bench.h"

#define COPY_BYTES	(64u << 20)
#define COPIES		20
#define DEPTH		8
#define COUNT_MAX	100000

static const char ptx[] =
	".version 6.0\n.target sm_50\n.address_size 64\n"
	".visible .entry spin(.param .u64 p, .param .u64 rounds)\n{\n"
	".reg .pred %q;\n.reg .b32 %r;\n.reg .b64 %i, %n, %p;\n"
	"ld.param.u64 %p, [p];\nld.param.u64 %n, [rounds];\ncvta.to.global.u64 %p, %p;\nmov.u64 %i, 0;\n"
	"loop:\nsetp.ge.u64 %q, %i, %n;\n@%q bra end;\nld.volatile.global.u32 %r, [%p];\nadd.s64 %i, %i, 1;\nbra loop;\n"
	"end:\nret;\n}\n";

static CUfunction spin;
static CUdeviceptr word;
static CUstream stream;

static void must(CUresult result, const char *what)
{
	const char *name = "unknown error";

	if (!result)
		return;
	cuGetErrorName(result, &name);
	fprintf(stderr, "gpu-measure: %s: %s\n", what, name);
	exit(1);
}

#define MUST(call) must(call, #call)

static void start(void)
{
	CUdevice device;
	CUcontext ctx;
	CUmodule module;

	MUST(cuInit(0));
	MUST(cuDeviceGet(&device, 0));
	MUST(cuDevicePrimaryCtxRetain(&ctx, device));
	MUST(cuCtxSetCurrent(ctx));
	MUST(cuModuleLoadData(&module, ptx));
	MUST(cuModuleGetFunction(&spin, module, "spin"));
	MUST(cuMemAlloc(&word, 4));
	MUST(cuMemsetD32(word, 0, 1));
	MUST(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
}

static void launch(unsigned long long rounds)
{
	void *args[] = { &word, &rounds };

	MUST(cuLaunchKernel(spin, 1, 1, 1, 1, 1, 1, 0, stream, args, NULL));
}

static uint64_t once(unsigned long long rounds)
{
	uint64_t begin = bench_ns();

	launch(rounds);
	MUST(cuStreamSynchronize(stream));
	return bench_ns() - begin;
}

/* By the GPU's own clock, so that what a launch costs is no part of it. */
static double gpu_us(unsigned long long rounds)
{
	CUevent begin, end;
	float ms;

	MUST(cuEventCreate(&begin, CU_EVENT_DEFAULT));
	MUST(cuEventCreate(&end, CU_EVENT_DEFAULT));
	MUST(cuEventRecord(begin, stream));
	launch(rounds);
	MUST(cuEventRecord(end, stream));
	MUST(cuStreamSynchronize(stream));
	MUST(cuEventElapsedTime(&ms, begin, end));
	MUST(cuEventDestroy(begin));
	MUST(cuEventDestroy(end));
	return (double)ms * 1e3;
}

static void find_rounds(double us)
{
	unsigned long long rounds = 1000;
	double took;

	once(rounds);
	do {
		rounds *= 2;
		took = gpu_us(rounds);
	} while (took < 20000 && took < us * 20);
	printf("%.0f\n", (double)rounds * us / took);
}

static void command(unsigned long long rounds, size_t count)
{
	static uint64_t samples[COUNT_MAX];
	double median;

	if (!count || count > COUNT_MAX) {
		fprintf(stderr, "gpu-measure: %zu commands; 1 to %d are allowed\n", count, COUNT_MAX);
		exit(2);
	}
	for (size_t i = 0; i < 20; i++)
		once(rounds);
	for (size_t i = 0; i < count; i++)
		samples[i] = once(rounds);
	median = bench_median(samples, count);
	printf("%.3f\n%.3f\n", median / 1e3, (double)samples[count * 99 / 100] / 1e3);
}

static void kernels(unsigned long long rounds, uint64_t ms)
{
	uint64_t begin, now, done = 0;

	once(rounds);
	begin = bench_ns();
	do {
		for (int i = 0; i < DEPTH; i++)
			launch(rounds);
		MUST(cuStreamSynchronize(stream));
		done += DEPTH;
		now = bench_ns();
	} while (now - begin < ms * 1000000);
	printf("%.3f\n", (double)done * 1e9 / (double)(now - begin));
}

static void copies(bool in)
{
	uint64_t begin, best = UINT64_MAX, took;
	CUdeviceptr device;
	void *host;

	MUST(cuMemAlloc(&device, COPY_BYTES));
	MUST(cuMemAllocHost(&host, COPY_BYTES));
	memset(host, 1, COPY_BYTES);
	for (int i = 0; i < COPIES; i++) {
		begin = bench_ns();
		if (in)
			MUST(cuMemcpyHtoDAsync(device, host, COPY_BYTES, stream));
		else
			MUST(cuMemcpyDtoHAsync(host, device, COPY_BYTES, stream));
		MUST(cuStreamSynchronize(stream));
		took = bench_ns() - begin;
		best = took < best ? took : best;
	}
	printf("%.0f\n", (double)COPY_BYTES * 1e9 / (double)best);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "rounds")) {
		start();
		find_rounds(atof(argv[2]));
	} else if (argc == 4 && !strcmp(argv[1], "command")) {
		start();
		command(strtoull(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	} else if (argc == 4 && !strcmp(argv[1], "kernels")) {
		start();
		kernels(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
	} else if (argc == 3 && !strcmp(argv[1], "copy")) {
		start();
		copies(!strcmp(argv[2], "in"));
	} else {
		fprintf(stderr, "usage: gpu-measure rounds US | command ROUNDS COUNT | kernels ROUNDS MS | copy in|out\n");
		return 2;
	}
	return 0;
}
