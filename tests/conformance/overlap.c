// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Contexts side by side in one process, and calls beside kernels that run. */
#include "conform.h"

enum {
	LAUNCHES = 64,
	ROUNDS_MIN = 10000,
	ROUNDS_MAX = 100000000,
};

/* A context of its own, with what is needed to count in it. */
struct counter {
	CUcontext ctx;
	CUmodule module;
	CUfunction add;
	CUstream streams[2];
	CUdeviceptr word;
};

static void open_counter(struct counter *counter)
{
	CU(cuCtxCreate(&counter->ctx, NULL, 0, conform_device()));
	CU(cuModuleLoadData(&counter->module, conform_ptx));
	CU(cuModuleGetFunction(&counter->add, counter->module, "add"));
	for (int i = 0; i < 2; i++)
		CU(cuStreamCreate(&counter->streams[i], CU_STREAM_NON_BLOCKING));
	CU(cuMemAlloc(&counter->word, 2 * 256));
	CU(cuMemsetD8(counter->word, 0, 2 * 256));
	CU(cuCtxSynchronize());
}

static void count(struct counter *counter, int stream)
{
	CUdeviceptr p = counter->word + 256 * (unsigned int)stream;
	unsigned int n = 1, value = 1;
	void *args[] = { &p, &n, &value };

	CU(cuCtxSetCurrent(counter->ctx));
	CU(cuLaunchKernel(counter->add, 1, 1, 1, 1, 1, 1, 0, counter->streams[stream], args, NULL));
}

static unsigned int counted(struct counter *counter, int stream)
{
	unsigned int value = 0;

	CU(cuCtxSetCurrent(counter->ctx));
	CU(cuStreamSynchronize(counter->streams[stream]));
	CU(cuMemcpyDtoH(&value, counter->word + 256 * (unsigned int)stream, sizeof(value)));
	return value;
}

/* Launches change context every time: what belongs to one must not be used in the other. */
static void two_contexts(void)
{
	struct counter counters[2];
	CUevent begin[2], end[2];
	float ms;

	for (int i = 0; i < 2; i++) {
		open_counter(&counters[i]);
		CU(cuEventCreate(&begin[i], CU_EVENT_DEFAULT));
		CU(cuEventCreate(&end[i], CU_EVENT_DEFAULT));
		CU(cuEventRecord(begin[i], counters[i].streams[0]));
	}
	for (int i = 0; i < LAUNCHES; i++) {
		count(&counters[i % 2], i / 2 % 2);
		if (i % 16 == 15)
			CU(cuStreamSynchronize(counters[i % 2].streams[0]));
	}
	for (int i = 0; i < 2; i++) {
		CU(cuCtxSetCurrent(counters[i].ctx));
		CU(cuEventRecord(end[i], counters[i].streams[0]));
		EQUAL(counted(&counters[i], 0), LAUNCHES / 4);
		EQUAL(counted(&counters[i], 1), LAUNCHES / 4);
		CU(cuEventElapsedTime(&ms, begin[i], end[i]));
		CHECK(ms >= 0);
	}
	RESULT(CUDA_ERROR_INVALID_HANDLE, cuEventRecord(end[0], counters[1].streams[0]));
	for (int i = 0; i < 2; i++)
		CU(cuCtxDestroy(counters[i].ctx));
}

/* One ends, with its streams and kernels on their way; the other goes on, and a third takes its place. */
static void one_of_two_ends(void)
{
	struct counter first, second, third;

	open_counter(&first);
	open_counter(&second);
	for (int i = 0; i < LAUNCHES; i++) {
		count(&first, i % 2);
		count(&second, i % 2);
	}
	CU(cuCtxDestroy(first.ctx));
	open_counter(&third);
	for (int i = 0; i < LAUNCHES; i++) {
		count(&second, i % 2);
		count(&third, i % 2);
	}
	for (int i = 0; i < 2; i++) {
		EQUAL(counted(&second, i), LAUNCHES);
		EQUAL(counted(&third, i), LAUNCHES / 2);
	}
	CU(cuCtxDestroy(second.ctx));
	CU(cuCtxDestroy(third.ctx));
}

/* Memory that is new to the process is had, and is zero where it has to be, without waiting for a kernel. */
static void alloc_during_kernel(void)
{
	CUfunction spin = conform_kernel("spin");
	CUdeviceptr word, more;
	CUstream stream;
	bool beside = false;

	CU(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	CU(cuMemAlloc(&word, 4));
	/* As long a kernel as it takes to be sure: how fast GPU and allocation are is nobody's promise. */
	for (unsigned long long rounds = ROUNDS_MIN; !beside && rounds <= ROUNDS_MAX; rounds *= 10) {
		unsigned int value = 1;
		void *args[] = { &word, &rounds, &value };

		CU(cuLaunchKernel(spin, 1, 1, 1, 1, 1, 1, 0, stream, args, NULL));
		CU(cuMemAlloc(&more, 96 << 20));
		beside = cuStreamQuery(stream) == CUDA_ERROR_NOT_READY;
		CU(cuStreamSynchronize(stream));
		CU(cuMemFree(more));
	}
	CHECK(beside);
	CU(cuMemFree(word));
	CU(cuStreamDestroy(stream));
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST(two_contexts),
		TEST(one_of_two_ends),
		TEST(alloc_during_kernel),
		{ NULL },
	};

	return conform_main(tests);
}
