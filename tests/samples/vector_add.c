// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Launches in every way that there is: an array of arguments, one buffer, attributes, a kernel of a library, an address by name. */
#include "sample.h"

#define N 10000

static float a[N], b[N], c[N];

static void compare(CUdeviceptr dc)
{
	CU(cuMemcpyDtoH(c, dc, sizeof(c)));
	for (int i = 0; i < N; i++)
		CHECK(c[i] == a[i] + b[i]);
	CU(cuMemsetD8(dc, 0, sizeof(c)));
}

int main(void)
{
	struct {
		CUdeviceptr a, b, c;
		int n;
	} packed;
	size_t size = sizeof(packed);
	CUdeviceptr da, db, dc;
	int n = N, version;
	CUresult (*launch)(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream, void **, void **);
	CUlaunchAttribute attribute = { .id = CU_LAUNCH_ATTRIBUTE_PRIORITY };
	CUlaunchConfig config = { 0 };
	CUlibrary library;
	CUkernel kernel;
	CUfunction f;

	sample_begin();
	for (int i = 0; i < N; i++) {
		a[i] = (float)(sample_random() & 0xffff);
		b[i] = (float)i / 4;
	}
	da = sample_upload(a, sizeof(a));
	db = sample_upload(b, sizeof(b));
	dc = sample_upload(NULL, sizeof(c));
	f = sample_kernel("vector_add");
	sample_run(f, (N + 255) / 256, 256, ARGS(&da, &db, &dc, &n));
	compare(dc);

	packed.a = da;
	packed.b = db;
	packed.c = dc;
	packed.n = n;
	size = 28;
	CU(cuLaunchKernel(f, (N + 127) / 128, 1, 1, 128, 1, 1, 0, NULL, NULL,
			  ARGS(CU_LAUNCH_PARAM_BUFFER_POINTER, &packed, CU_LAUNCH_PARAM_BUFFER_SIZE, &size, CU_LAUNCH_PARAM_END)));
	compare(dc);

	config.gridDimX = (N + 63) / 64;
	config.blockDimX = 64;
	config.gridDimY = config.gridDimZ = config.blockDimY = config.blockDimZ = 1;
	config.attrs = &attribute;
	config.numAttrs = 1;
	CU(cuLaunchKernelEx(&config, f, ARGS(&da, &db, &dc, &n), NULL));
	compare(dc);

	CU(cuLibraryLoadData(&library, samples_ptx, NULL, NULL, 0, NULL, NULL, 0));
	CU(cuLibraryGetKernel(&kernel, library, "vector_add"));
	CU(cuLaunchKernel((CUfunction)kernel, (N + 255) / 256, 1, 1, 256, 1, 1, 0, NULL, ARGS(&da, &db, &dc, &n), NULL));
	compare(dc);
	CU(cuKernelGetFunction(&f, kernel));
	sample_run(f, (N + 255) / 256, 256, ARGS(&da, &db, &dc, &n));
	compare(dc);
	CU(cuLibraryUnload(library));
	f = sample_kernel("vector_add");

	CU(cuDriverGetVersion(&version));
	CU(cuGetProcAddress("cuLaunchKernel", (void **)&launch, version, CU_GET_PROC_ADDRESS_DEFAULT, NULL));
	CU(launch(f, (N + 255) / 256, 1, 1, 256, 1, 1, 0, NULL, ARGS(&da, &db, &dc, &n), NULL));
	compare(dc);
	/* A grid of nothing is none. */
	RESULT(CUDA_ERROR_INVALID_VALUE, launch(f, 0, 1, 1, 256, 1, 1, 0, NULL, ARGS(&da, &db, &dc, &n), NULL));
	return 0;
}
