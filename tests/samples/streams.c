// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Copies and kernels of several streams, priorities, callbacks, waiting for another stream's event; the program goes on meanwhile. */
#include <pthread.h>
#include <stdatomic.h>

#include "sample.h"

#define STREAMS 4
#define N (1 << 16)

static _Atomic int called, hosted;

static void at_end(CUstream stream, CUresult status, void *data)
{
	called += status == CUDA_SUCCESS ? *(int *)data : -1000;
}

static void on_host(void *data)
{
	hosted += *(int *)data;
}

int main(void)
{
	CUstream streams[STREAMS], gate;
	CUdeviceptr d[STREAMS], flag;
	int *h[STREAMS], n = N, least, greatest, by[STREAMS], one = 1, polls = 0;
	CUfunction increment, wait_for;
	CUevent done, opened;
	volatile int *open;

	sample_begin();
	increment = sample_kernel("increment");
	wait_for = sample_kernel("wait_for");
	CU(cuCtxGetStreamPriorityRange(&least, &greatest));
	CHECK(greatest <= least);
	/* A kernel that spins until the CPU says so, in memory that both see. */
	CU(cuMemHostAlloc((void **)&open, sizeof(int), CU_MEMHOSTALLOC_DEVICEMAP));
	*open = 0;
	CU(cuMemHostGetDevicePointer(&flag, (void *)open, 0));
	CU(cuStreamCreate(&gate, CU_STREAM_NON_BLOCKING));
	CU(cuEventCreate(&opened, CU_EVENT_DISABLE_TIMING));
	CU(cuEventCreate(&done, CU_EVENT_BLOCKING_SYNC));
	CU(cuLaunchKernel(wait_for, 1, 1, 1, 1, 1, 1, 0, gate, ARGS(&flag), NULL));
	CU(cuEventRecord(opened, gate));
	for (int i = 0; i < STREAMS; i++) {
		by[i] = i + 1;
		CU(cuStreamCreateWithPriority(&streams[i], CU_STREAM_NON_BLOCKING, i & 1 ? least : greatest));
		CU(cuMemAllocHost((void **)&h[i], N * sizeof(int)));
		CU(cuMemAlloc(&d[i], N * sizeof(int)));
		for (int k = 0; k < N; k++)
			h[i][k] = i * k;
		CU(cuStreamWaitEvent(streams[i], opened, 0));
		CU(cuMemcpyHtoDAsync(d[i], h[i], N * sizeof(int), streams[i]));
		for (int k = 0; k < 3; k++)
			CU(cuLaunchKernel(increment, N / 256, 1, 1, 256, 1, 1, 0, streams[i], ARGS(&d[i], &by[i], &n), NULL));
		CU(cuMemcpyDtoHAsync(h[i], d[i], N * sizeof(int), streams[i]));
		CU(cuStreamAddCallback(streams[i], at_end, &one, 0));
		CU(cuLaunchHostFunc(streams[i], on_host, &by[i]));
	}
	for (int i = 1; i < STREAMS; i++) {
		CU(cuEventRecord(done, streams[i]));
		CU(cuStreamWaitEvent(streams[0], done, 0));
	}
	CU(cuEventRecord(done, streams[0]));
	RESULT(CUDA_ERROR_NOT_READY, cuEventQuery(done));
	RESULT(CUDA_ERROR_NOT_READY, cuStreamQuery(streams[0]));
	CHECK(!called && !hosted);
	*open = 1;
	while (cuEventQuery(done) == CUDA_ERROR_NOT_READY)
		polls++;
	CU(cuEventQuery(done));
	CHECK(called == STREAMS && hosted == 10);
	for (int i = 0; i < STREAMS; i++) {
		CU(cuStreamSynchronize(streams[i]));
		for (int k = 0; k < N; k++)
			CHECK(h[i][k] == i * k + 3 * by[i]);
		CU(cuStreamDestroy(streams[i]));
		CU(cuMemFreeHost(h[i]));
	}
	printf("polled %d times\n", polls);
	return 0;
}
