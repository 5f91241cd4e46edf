// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * A virtual machine's load, as scenarios of vgpu-sim describe it, on a real GPU or the soft one: streams that keep so
 * many kernels of one length submitted, or submit one at intervals.
 *
 *	mix calibrate			prints the iterations of a kernel of one millisecond
 *	mix STREAMS DEPTH INTERVAL_US ITERATIONS SECONDS
 *
 * INTERVAL_US 0 is a closed loop: DEPTH kernels are always submitted. The second form prints one JSON object: kernels
 * completed and their latency, from launch to completion as the program sees it.
 */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cuda_api.h"

#define MOST_SAMPLES	200000u
#define MOST_DEPTH	64u

static const char ptx[] =
	".version 6.0\n"
	".target sm_50\n"
	".address_size 64\n"
	".visible .entry spin(.param .u32 count)\n"
	"{\n"
	"	.reg .u32 %r<3>;\n"
	"	.reg .pred %p;\n"
	"	ld.param.u32 %r1, [count];\n"
	"	mov.u32 %r2, 0;\n"
	"again:\n"
	"	add.u32 %r2, %r2, 1;\n"
	"	setp.lt.u32 %p, %r2, %r1;\n"
	"	@%p bra again;\n"
	"	ret;\n"
	"}\n";

struct load {
	CUcontext context;
	CUfunction spin;
	uint32_t depth;
	uint64_t interval_ns;
	uint32_t iterations;
	uint64_t end_ns;
	uint64_t *samples;
	uint32_t num_samples;
};

static void check(CUresult result, const char *what)
{
	if (!result)
		return;
	fprintf(stderr, "mix: %s: error %d\n", what, result);
	exit(1);
}

#define CHECK(call) check(call, #call)

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
	struct timespec at = { .tv_sec = ns / 1000000000u, .tv_nsec = ns % 1000000000u };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL))
		;
}

static void launch(const struct load *load, CUstream stream, uint32_t iterations)
{
	void *args[] = { &iterations };

	CHECK(cuLaunchKernel(load->spin, 1, 1, 1, 1, 1, 1, 0, stream, args, NULL));
}

static void *run_stream(void *arg)
{
	struct load *load = arg;
	uint64_t submitted[MOST_DEPTH], due = now_ns();
	CUevent events[MOST_DEPTH];
	CUstream stream;
	uint64_t head = 0, tail = 0;
	uint32_t i;

	CHECK(cuCtxSetCurrent(load->context));
	CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	for (i = 0; i < load->depth; i++)
		CHECK(cuEventCreate(&events[i], CU_EVENT_DISABLE_TIMING));
	while (now_ns() < load->end_ns || head < tail) {
		if (tail - head < load->depth && now_ns() < load->end_ns) {
			if (load->interval_ns) {
				due += load->interval_ns;
				sleep_until(due);
			}
			submitted[tail % load->depth] = now_ns();
			launch(load, stream, load->iterations);
			CHECK(cuEventRecord(events[tail++ % load->depth], stream));
			if (!load->interval_ns)
				continue;
		}
		CHECK(cuEventSynchronize(events[head % load->depth]));
		if (load->num_samples < MOST_SAMPLES)
			load->samples[load->num_samples++] = now_ns() - submitted[head % load->depth];
		head++;
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void calibrate(const struct load *load)
{
	uint32_t iterations = 1000;
	uint64_t start, took, best;
	int i;

	/* Long enough that what surrounds it does not count. */
	do {
		iterations *= 2;
		for (i = 0, best = ~0ull; i < 5; i++) {
			start = now_ns();
			launch(load, NULL, iterations);
			CHECK(cuCtxSynchronize());
			took = now_ns() - start;
			best = took < best ? took : best;
		}
	} while (best < 20000000);
	printf("%u\n", (uint32_t)(iterations * 1e6 / best));
}

static void run(struct load *load, uint32_t streams, uint32_t seconds)
{
	struct load loads[MOST_DEPTH];
	pthread_t threads[MOST_DEPTH];
	uint64_t *all = calloc(MOST_SAMPLES * streams, sizeof(*all));
	uint32_t i, number = 0;

	if (!all)
		abort();
	load->end_ns = now_ns() + seconds * 1000000000ull;
	for (i = 0; i < streams; i++) {
		loads[i] = *load;
		loads[i].samples = calloc(MOST_SAMPLES, sizeof(*all));
		if (!loads[i].samples || pthread_create(&threads[i], NULL, run_stream, &loads[i]))
			abort();
	}
	for (i = 0; i < streams; i++) {
		pthread_join(threads[i], NULL);
		memcpy(all + number, loads[i].samples, loads[i].num_samples * sizeof(*all));
		number += loads[i].num_samples;
		free(loads[i].samples);
	}
	qsort(all, number, sizeof(*all), by_value);
	printf("{\"completed\": %u, \"latency_p50_ns\": %llu, \"latency_p99_ns\": %llu}\n", number,
	       number ? (unsigned long long)all[number / 2] : 0, number ? (unsigned long long)all[number * 99ull / 100] : 0);
	free(all);
}

int main(int argc, char **argv)
{
	struct load load = { 0 };
	CUmodule module;
	CUdevice device;
	uint32_t streams;

	if (argc != 6 && (argc != 2 || strcmp(argv[1], "calibrate"))) {
		fprintf(stderr, "usage: mix calibrate | mix STREAMS DEPTH INTERVAL_US ITERATIONS SECONDS\n");
		return 2;
	}
	CHECK(cuInit(0));
	CHECK(cuDeviceGet(&device, 0));
	CHECK(cuDevicePrimaryCtxRetain(&load.context, device));
	CHECK(cuCtxSetCurrent(load.context));
	CHECK(cuModuleLoadData(&module, ptx));
	CHECK(cuModuleGetFunction(&load.spin, module, "spin"));
	launch(&load, NULL, 1);
	CHECK(cuCtxSynchronize());
	if (argc == 2) {
		calibrate(&load);
		return 0;
	}
	streams = atoi(argv[1]);
	load.depth = atoi(argv[2]);
	load.interval_ns = atoi(argv[3]) * 1000ull;
	load.iterations = atoi(argv[4]);
	if (!streams || streams > MOST_DEPTH || !load.depth || load.depth > MOST_DEPTH) {
		fprintf(stderr, "mix: streams and depth are 1 to %u\n", MOST_DEPTH);
		return 2;
	}
	run(&load, streams, atoi(argv[5]));
	return 0;
}
