// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Kernels that work on the host's memory, which the driver gave or the program had; unified addressing. */
#include "sample.h"

#define N 5000

int main(void)
{
	float *a, *b, *c, *own;
	CUdeviceptr da, db, dc;
	unsigned int flags, type;
	int n = N, value;
	CUfunction add;
	CUdevice device = sample_begin();
	void *host;

	CU(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, device));
	CHECK(value == 1);
	CU(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, device));
	CHECK(value == 1);
	CU(cuMemHostAlloc((void **)&a, N * 4, CU_MEMHOSTALLOC_DEVICEMAP));
	CU(cuMemHostAlloc((void **)&b, N * 4, CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_WRITECOMBINED));
	CU(cuMemHostAlloc((void **)&c, N * 4, CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_PORTABLE));
	CU(cuMemHostGetFlags(&flags, b));
	CHECK(flags & CU_MEMHOSTALLOC_WRITECOMBINED);
	for (int i = 0; i < N; i++) {
		a[i] = (float)i;
		b[i] = (float)(N - i);
	}
	CU(cuMemHostGetDevicePointer(&da, a, 0));
	CU(cuMemHostGetDevicePointer(&db, b, 0));
	CU(cuMemHostGetDevicePointer(&dc, c, 0));
	add = sample_kernel("vector_add");
	sample_run(add, (N + 255) / 256, 256, ARGS(&da, &db, &dc, &n));
	for (int i = 0; i < N; i++)
		CHECK(c[i] == N);
	/* With unified addresses the pointer itself will do, in kernels and in copies. */
	dc = (CUdeviceptr)(uintptr_t)a;
	sample_run(add, (N + 255) / 256, 256, ARGS(&dc, &db, &dc, &n));
	for (int i = 0; i < N; i++)
		CHECK(a[i] == N);
	CU(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, da));
	CHECK(type == CU_MEMORYTYPE_HOST);
	CU(cuPointerGetAttribute(&host, CU_POINTER_ATTRIBUTE_HOST_POINTER, da + 8));
	CHECK(host == (char *)a + 8);
	CU(cuMemcpy(da, db, N * 4));
	CHECK(a[7] == N - 7);
	/* Memory that was there before. */
	own = aligned_alloc(4096, 20480);
	CHECK(own);
	for (int i = 0; i < N; i++)
		own[i] = 1;
	CU(cuMemHostRegister(own, 20480, CU_MEMHOSTREGISTER_PORTABLE));
	dc = sample_upload(NULL, N * 4);
	CU(cuMemcpyHtoDAsync(dc, own, N * 4, NULL));
	sample_run(add, (N + 255) / 256, 256, ARGS(&dc, &da, &dc, &n));
	CU(cuMemcpyDtoH(own, dc, N * 4));
	for (int i = 0; i < N; i++)
		CHECK(own[i] == 1 + N - i);
	CU(cuMemHostUnregister(own));
	free(own);
	CU(cuMemFreeHost(a));
	CU(cuMemFreeHost(b));
	CU(cuMemFreeHost(c));
	return 0;
}
