// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/*
 * The calls of the CUDA Driver API that tests/kernels makes, straight over the interpreter, so that compiled kernels run under ASan and
 * UBSan without a mediator or a worker.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda_api.h"
#include "harness.h"
#include "tests/kernels/kernels.h"

static struct device *dev;

/* Textures are made by a backend, which is not here; build/bin/kernels has them. */
const struct kernel_test texture_tests[] = { { NULL, NULL } };

static void write_out(void *ctx, const char *text, size_t len)
{
	fwrite(text, 1, len, stdout);
}

CUresult cuInit(unsigned int flags)
{
	dev = device_open_print(0, write_out);
	/* Recursion in the kernels needs more than the default. */
	return (CUresult)ptx_env_set_stack(dev->env, 16384);
}

CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
	*device = ordinal;
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
	*context = (CUcontext)dev;
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease(CUdevice device)
{
	device_close(dev);
	return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext context)
{
	return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void)
{
	return CUDA_SUCCESS;
}

CUresult cuGetErrorName(CUresult result, const char **name)
{
	*name = ptx_result_name((int)result);
	return CUDA_SUCCESS;
}

CUresult cuMemAlloc(CUdeviceptr *address, size_t size)
{
	*address = (CUdeviceptr)(uintptr_t)device_alloc(dev, size);
	return CUDA_SUCCESS;
}

CUresult cuMemFree(CUdeviceptr address)
{
	return CUDA_SUCCESS;
}

CUresult cuMemsetD8(CUdeviceptr address, unsigned char value, size_t size)
{
	memset((void *)(uintptr_t)address, value, size);
	return CUDA_SUCCESS;
}

CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t size)
{
	memcpy((void *)(uintptr_t)to, from, size);
	return CUDA_SUCCESS;
}

CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t size)
{
	memcpy(to, (const void *)(uintptr_t)from, size);
	return CUDA_SUCCESS;
}

CUresult cuModuleLoad(CUmodule *module, const char *path)
{
	*module = (CUmodule)device_load_file(dev, path);
	return CUDA_SUCCESS;
}

CUresult cuModuleUnload(CUmodule module)
{
	ptx_module_unload((struct ptx_module *)module);
	return CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name)
{
	*function = (CUfunction)(uintptr_t)ptx_module_function((struct ptx_module *)module, name);
	return *function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

CUresult cuModuleGetGlobal(CUdeviceptr *address, size_t *size, CUmodule module, const char *name)
{
	uint64_t at, bytes;
	int result = ptx_module_global((struct ptx_module *)module, name, &at, &bytes);

	if (!result) {
		*address = at;
		*size = bytes;
	}
	return (CUresult)result;
}

CUresult cuLaunchKernel(CUfunction function, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx, unsigned int by,
			unsigned int bz, unsigned int shared, CUstream stream, void **args, void **extra)
{
	struct dims dims = { { gx, gy, gz }, { bx, by, bz }, shared };
	int result = device_launch(dev, (const struct ptx_function *)(uintptr_t)function, &dims, args);

	if (result)
		fprintf(stderr, "%s\n", dev->fault.message);
	return (CUresult)result;
}
