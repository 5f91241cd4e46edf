// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Addresses and memory apart, memory in the order of streams, graphs of what a stream was told. */
#include "sample.h"

#define N 100000

static void mapped(CUdevice device)
{
	CUmemAllocationProp prop = { .type = CU_MEM_ALLOCATION_TYPE_PINNED, .location = { .type = CU_MEM_LOCATION_TYPE_DEVICE, .id = device } };
	CUmemAccessDesc access = { .location = prop.location, .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE };
	CUmemGenericAllocationHandle handles[3];
	static float a[N], c[N];
	CUdeviceptr p[3];
	size_t granule, size;
	int n = N;

	CU(cuMemGetAllocationGranularity(&granule, &prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM));
	size = (sizeof(a) + granule - 1) / granule * granule;
	for (int i = 0; i < 3; i++) {
		CU(cuMemAddressReserve(&p[i], size, 0, 0, 0));
		CU(cuMemCreate(&handles[i], size, &prop, 0));
		CU(cuMemMap(p[i], size, 0, handles[i], 0));
		CU(cuMemRelease(handles[i]));
		CU(cuMemSetAccess(p[i], size, &access, 1));
	}
	for (int i = 0; i < N; i++)
		a[i] = (float)i;
	CU(cuMemcpyHtoD(p[0], a, sizeof(a)));
	CU(cuMemcpyDtoD(p[1], p[0], sizeof(a)));
	sample_run(sample_kernel("vector_add"), (N + 255) / 256, 256, ARGS(&p[0], &p[1], &p[2], &n));
	CU(cuMemcpyDtoH(c, p[2], sizeof(c)));
	for (int i = 0; i < N; i++)
		CHECK(c[i] == 2 * a[i]);
	for (int i = 0; i < 3; i++) {
		CU(cuMemUnmap(p[i], size));
		CU(cuMemAddressFree(p[i], size));
	}
}

static void ordered(CUdevice device)
{
	CUmemoryPool pool;
	cuuint64_t threshold = UINT64_MAX, used;
	CUstream stream;
	CUdeviceptr p;
	int n = N, one = 1;
	static int out[N];

	CU(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	CU(cuDeviceGetDefaultMemPool(&pool, device));
	CU(cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &threshold));
	for (int r = 0; r < 10; r++) {
		CU(cuMemAllocAsync(&p, sizeof(out), stream));
		CU(cuMemsetD32Async(p, r, N, stream));
		CU(cuLaunchKernel(sample_kernel("increment"), (N + 255) / 256, 1, 1, 256, 1, 1, 0, stream, ARGS(&p, &one, &n), NULL));
		CU(cuMemcpyDtoHAsync(out, p, sizeof(out), stream));
		CU(cuMemFreeAsync(p, stream));
		CU(cuStreamSynchronize(stream));
		for (int i = 0; i < N; i++)
			CHECK(out[i] == r + 1);
	}
	CU(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
	CHECK(used == 0);
	CU(cuMemPoolTrimTo(pool, 0));
	CU(cuStreamDestroy(stream));
}

static void graphs(void)
{
	CUstream stream, other;
	CUgraphExec exec;
	CUgraphNode nodes[16];
	CUevent fork, join;
	CUdeviceptr a, b;
	CUgraph graph;
	size_t num = 16;
	int n = 1000, one = 1, ten = 10, *h, out[1000];
	CUfunction f = sample_kernel("increment");

	CU(cuStreamCreate(&stream, 0));
	CU(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
	CU(cuEventCreate(&fork, CU_EVENT_DISABLE_TIMING));
	CU(cuEventCreate(&join, CU_EVENT_DISABLE_TIMING));
	CU(cuMemAllocHost((void **)&h, sizeof(out)));
	memset(h, 0, sizeof(out));
	a = sample_upload(NULL, sizeof(out));
	b = sample_upload(NULL, sizeof(out));
	CU(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
	CU(cuMemcpyHtoDAsync(a, h, sizeof(out), stream));
	CU(cuEventRecord(fork, stream));
	CU(cuStreamWaitEvent(other, fork, 0));
	CU(cuLaunchKernel(f, 4, 1, 1, 256, 1, 1, 0, stream, ARGS(&a, &one, &n), NULL));
	CU(cuLaunchKernel(f, 4, 1, 1, 256, 1, 1, 0, other, ARGS(&b, &ten, &n), NULL));
	CU(cuEventRecord(join, other));
	CU(cuStreamWaitEvent(stream, join, 0));
	CU(cuMemcpyDtoHAsync(h, a, sizeof(out), stream));
	CU(cuStreamEndCapture(stream, &graph));
	CU(cuGraphGetNodes(graph, nodes, &num));
	CHECK(num == 4);
	CU(cuGraphInstantiate(&exec, graph, 0));
	for (int r = 0; r < 5; r++)
		CU(cuGraphLaunch(exec, stream));
	CU(cuStreamSynchronize(stream));
	CU(cuMemcpyDtoH(out, b, sizeof(out)));
	for (int i = 0; i < n; i++)
		CHECK(h[i] == 5 && out[i] == 50);
	CU(cuGraphExecDestroy(exec));
	CU(cuGraphDestroy(graph));
	CU(cuMemFreeHost(h));
}

int main(void)
{
	CUdevice device = sample_begin();

	mapped(device);
	ordered(device);
	graphs();
	return 0;
}
