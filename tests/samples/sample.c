// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdarg.h>

#include "sample.h"

__asm__(".section .rodata\n.globl samples_ptx\nsamples_ptx:\n.incbin \"tests/samples/samples.nvcc.ptx\"\n.byte 0\n.previous\n");

static CUmodule module;

void sample_fail(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "%s:%d: ", file, line);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

const char *sample_name(CUresult result)
{
	const char *name;

	return cuGetErrorName(result, &name) ? "an unknown CUresult" : name;
}

CUdevice sample_begin(void)
{
	CUcontext context;
	CUdevice device;

	CU(cuInit(0));
	CU(cuDeviceGet(&device, 0));
	CU(cuCtxCreate(&context, NULL, 0, device));
	return device;
}

CUmodule sample_module(void)
{
	if (!module)
		CU(cuModuleLoadData(&module, samples_ptx));
	return module;
}

CUfunction sample_kernel(const char *name)
{
	CUfunction kernel;

	CU(cuModuleGetFunction(&kernel, sample_module(), name));
	return kernel;
}

void sample_run(CUfunction kernel, unsigned int grid, unsigned int block, void **args)
{
	CU(cuLaunchKernel(kernel, grid, 1, 1, block, 1, 1, 0, NULL, args, NULL));
	CU(cuCtxSynchronize());
}

CUdeviceptr sample_upload(const void *from, size_t size)
{
	CUdeviceptr p;

	CU(cuMemAlloc(&p, size));
	if (from)
		CU(cuMemcpyHtoD(p, from, size));
	else
		CU(cuMemsetD8(p, 0, size));
	return p;
}

uint32_t sample_random(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}
