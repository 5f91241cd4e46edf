// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * Rows of path, through the library: copies of 64 MiB beside memcpy() in the same place, and the time to the end of the first kernel of
 * a program. Run by tests/loopback/run, or in a guest.
 */

#include <sys/mman.h>

#include "bench.h"
#include "cuda_api.h"
#include "pingpong.h"

#define SIZE	(64u << 20)
#define ROUNDS	25
#define ROUND_TRIPS	5000

static const char ptx[] = ".version 7.0\n.target sm_70\n.address_size 64\n"
			  ".visible .entry nothing()\n{\n\tret;\n}\n";

static void must(CUresult result, const char *what)
{
	const char *name = "?";

	if (!result)
		return;
	cuGetErrorName(result, &name);
	fprintf(stderr, "bench-copy: %s: %s\n", what, name);
	exit(1);
}

#define MUST(call) must(call, #call)

static void *pages(void)
{
	void *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED) {
		perror("bench-copy: mmap");
		exit(1);
	}
	return p;
}

struct buffers {
	CUdeviceptr device;
	char *pageable;
	char *pinned;
	char *plain[2];
};

enum { PINNED_IN, PINNED_OUT, PAGEABLE_IN, PAGEABLE_OUT, MEMCPY, NUM_WAYS };

static void copy(const struct buffers *b, int way)
{
	switch (way) {
	case PINNED_IN:
		MUST(cuMemcpyHtoDAsync(b->device, b->pinned, SIZE, NULL));
		break;
	case PINNED_OUT:
		MUST(cuMemcpyDtoHAsync(b->pinned, b->device, SIZE, NULL));
		break;
	case PAGEABLE_IN:
		MUST(cuMemcpyHtoD(b->device, b->pageable, SIZE));
		break;
	case PAGEABLE_OUT:
		MUST(cuMemcpyDtoH(b->pageable, b->device, SIZE));
		break;
	default:
		memcpy(b->plain[0], b->plain[1], SIZE);
		return;
	}
	MUST(cuStreamSynchronize(NULL));
}

static void copies(void)
{
	static const struct {
		const char *name;
		double goal;
	} ways[] = {
		{ "path/copy-pinned-in", 0.95 }, { "path/copy-pinned-out", 0.95 },
		{ "path/copy-pageable-in", 0.45 }, { "path/copy-pageable-out", 0.45 },
	};
	uint64_t best[NUM_WAYS], start, time;
	struct buffers b = { .pageable = pages(), .plain = { pages(), pages() } };

	MUST(cuMemAlloc(&b.device, SIZE));
	MUST(cuMemHostAlloc((void **)&b.pinned, SIZE, 0));
	memset(b.pageable, 1, SIZE);
	memset(b.pinned, 2, SIZE);
	memset(b.plain[1], 3, SIZE);
	memset(best, 0xff, sizeof(best));
	for (int round = 0; round < ROUNDS; round++)
		for (int way = 0; way < NUM_WAYS; way++) {
			start = bench_ns();
			copy(&b, way);
			time = bench_ns() - start;
			best[way] = time < best[way] ? time : best[way];
		}
	for (int way = 0; way < MEMCPY; way++)
		ROW(.name = ways[way].name, .value = (double)SIZE / (double)best[way], .unit = "GB/s", .beside = "memcpy",
		    .beside_value = (double)SIZE / (double)best[MEMCPY], .goal = GOAL_AT_LEAST, .limit = ways[way].goal);
	MUST(cuMemFreeHost(b.pinned));
	MUST(cuMemFree(b.device));
}

/* There and back through the library and the worker, by the smallest work that is waited for. */
static void round_trips(void)
{
	static uint64_t samples[2][ROUND_TRIPS];
	struct pingpong pong;
	CUdeviceptr p;
	uint64_t start;

	if (!pingpong_start(&pong, 0)) {
		perror("bench-copy: fork");
		exit(1);
	}
	MUST(cuMemAlloc(&p, 4));
	for (int i = 0; i < ROUND_TRIPS; i++) {
		start = bench_ns();
		MUST(cuMemsetD32Async(p, 0, 1, NULL));
		MUST(cuStreamSynchronize(NULL));
		samples[0][i] = bench_ns() - start;
		start = bench_ns();
		if (!pingpong_once(&pong))
			exit(1);
		samples[1][i] = bench_ns() - start;
	}
	pingpong_end(&pong);
	MUST(cuMemFree(p));
	ROW(.name = "path/memset-round-trip", .value = bench_median(samples[0], ROUND_TRIPS) / 1e3, .unit = "us",
	    .beside = PINGPONG, .beside_value = bench_median(samples[1], ROUND_TRIPS) / 1e3);
}

int main(int argc, char **argv)
{
	uint64_t start = bench_ns();
	CUcontext ctx;
	CUmodule module;
	CUfunction func;
	CUdevice dev;

	MUST(cuInit(0));
	MUST(cuDeviceGet(&dev, 0));
	MUST(cuCtxCreate(&ctx, NULL, 0, dev));
	MUST(cuModuleLoadData(&module, ptx));
	MUST(cuModuleGetFunction(&func, module, "nothing"));
	MUST(cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
	MUST(cuCtxSynchronize());
	start = bench_ns() - start;
	if (bench_wanted(argc, argv, "path/first-kernel"))
		ROW(.name = "path/first-kernel", .value = (double)start / 1e6, .unit = "ms", .beside = "limit", .beside_value = 20,
		    .goal = GOAL_AT_MOST, .limit = 20, .on_value = true);
	if (bench_wanted(argc, argv, "path/copy"))
		copies();
	if (bench_wanted(argc, argv, "path/memset-round-trip"))
		round_trips();
	MUST(cuCtxDestroy(ctx));
	return 0;
}
