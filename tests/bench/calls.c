// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * Rows of libcuda: calls a second, and how many of 1,000 calls cross into the device (doorbells; the library's own counters, which
 * VGPU_STATS prints, are read by tests/bench/libcuda). The mix is that of a training step: of 868 calls of one run of a small network
 * 387 set the current context, 246 launched, and 8 waited. Asked for metrics/training-step, it measures that row alone.
 */

#include "bench.h"
#include "cuda_api.h"
#include "turns.h"

#define STEPS		100
#define LOCAL_CALLS	2000000
#define PAIRS		150

static const char ptx[] = ".version 7.0\n.target sm_70\n.address_size 64\n"
			  ".visible .entry nothing(.param .u64 a, .param .u32 b)\n{\n\tret;\n}\n";

static void must(CUresult result, const char *what)
{
	const char *name = "?";

	if (!result)
		return;
	cuGetErrorName(result, &name);
	fprintf(stderr, "bench-calls: %s: %s\n", what, name);
	exit(1);
}

#define MUST(call) must(call, #call)

struct training {
	CUcontext ctx;
	CUfunction func;
	CUdeviceptr memory;
	CUstream stream;
	CUevent event;
};

/* One step: 868 calls. */
static unsigned int step(struct training *training)
{
	CUdeviceptr memory = training->memory;
	CUstream stream = training->stream;
	CUevent event = training->event;
	char host[4096] = "";
	unsigned int calls = 0, b = 1, i;
	void *args[] = { &memory, &b };
	CUdeviceptr scratch;
	CUdevice dev;
	int value;

	for (i = 0; i < 387; i++, calls++)
		MUST(cuCtxSetCurrent(training->ctx));
	for (i = 0; i < 246; i++, calls++) {
		MUST(cuLaunchKernel(training->func, 1, 1, 1, 32, 1, 1, 0, stream, args, NULL));
		if (i % 31 == 30) {
			MUST(cuStreamSynchronize(stream));
			calls++;
		}
	}
	for (i = 0; i < 20; i++, calls += 4) {
		MUST(cuMemcpyHtoDAsync(memory, host, sizeof(host), stream));
		MUST(cuMemsetD8Async(memory, 0, sizeof(host), stream));
		MUST(cuEventRecord(event, stream));
		MUST(cuStreamWaitEvent(stream, event, 0));
	}
	for (i = 0; i < 20; i++, calls += 2) {
		MUST(cuMemAlloc(&scratch, 1 << 16));
		MUST(cuMemFree(scratch));
	}
	while (calls < 868) {
		MUST(cuCtxGetDevice(&dev));
		calls++;
		if (calls < 868) {
			MUST(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, dev));
			calls++;
		}
	}
	return calls;
}

static uint64_t turn(void *training)
{
	uint64_t calls = step(training) + step(training);

	MUST(cuCtxSynchronize());
	return calls;
}

int main(int argc, char **argv)
{
	uint64_t start, time, calls = 0;
	struct training training;
	CUcontext current;
	CUmodule module;
	CUdevice dev;

	MUST(cuInit(0));
	MUST(cuDeviceGet(&dev, 0));
	MUST(cuCtxCreate(&training.ctx, NULL, 0, dev));
	MUST(cuModuleLoadData(&module, ptx));
	MUST(cuModuleGetFunction(&training.func, module, "nothing"));
	MUST(cuMemAlloc(&training.memory, 1 << 20));
	MUST(cuStreamCreate(&training.stream, CU_STREAM_NON_BLOCKING));
	MUST(cuEventCreate(&training.event, CU_EVENT_DISABLE_TIMING));
	if (argc > 1 && !strcmp(argv[1], "metrics/training-step")) {
		turns_row(argv[1], turn, &training, PAIRS);
		MUST(cuCtxDestroy(training.ctx));
		return 0;
	}
	start = bench_ns();
	for (int i = 0; i < STEPS; i++)
		calls += step(&training);
	MUST(cuCtxSynchronize());
	time = bench_ns() - start;
	/* What was counted before the steps is a handful. */
	fprintf(stderr, "bench-calls: calls %llu\n", (unsigned long long)calls);
	ROW(.name = "libcuda/calls-training-step", .value = (double)calls * 1e3 / (double)time, .unit = "million/s",
	    .beside = "commands a second of the same run",
	    .beside_value = (double)STEPS * (246 + 8 + 60) * 1e3 / (double)time);

	start = bench_ns();
	for (int i = 0; i < LOCAL_CALLS; i++) {
		MUST(cuCtxSetCurrent(training.ctx));
		MUST(cuCtxGetCurrent(&current));
	}
	time = bench_ns() - start;
	ROW(.name = "libcuda/calls-local", .value = 2.0 * LOCAL_CALLS * 1e3 / (double)time, .unit = "million/s", .beside = "", .beside_value = 0);
	MUST(cuCtxDestroy(training.ctx));
	return 0;
}
