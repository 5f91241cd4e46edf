/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * The CUDA driver, by dlopen: the calls that the backend uses. Types are those of guest/libcuda/cuda_api.h, which
 * tests compare with cuda.h where one is installed; where a call has versions, the name says which.
 */
#ifndef EXECUTOR_CUDA_DRIVER_H
#define EXECUTOR_CUDA_DRIVER_H

#define CUDA_API_ALL_VERSIONS
#include "../../../guest/libcuda/cuda_api.h"

/* Called in every version since 12.0. */
CUresult cuCtxCreate_v2(CUcontext *ctx, unsigned int flags, CUdevice dev);
CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end);

#define CUDA_DRIVER_CALLS(CALL, OPTIONAL) \
	CALL(cuInit) \
	CALL(cuDriverGetVersion) \
	CALL(cuGetErrorName) \
	CALL(cuDeviceGet) \
	CALL(cuDeviceGetCount) \
	CALL(cuDeviceGetName) \
	CALL(cuDeviceGetByPCIBusId) \
	CALL(cuDeviceGetPCIBusId) \
	CALL(cuDeviceGetAttribute) \
	CALL(cuDeviceTotalMem_v2) \
	CALL(cuDevicePrimaryCtxRetain) \
	CALL(cuCtxCreate_v2) \
	CALL(cuCtxDestroy_v2) \
	CALL(cuCtxPopCurrent_v2) \
	CALL(cuCtxSetCurrent) \
	CALL(cuCtxGetStreamPriorityRange) \
	CALL(cuCtxSynchronize) \
	CALL(cuCtxGetLimit) \
	CALL(cuCtxSetLimit) \
	CALL(cuMemGetInfo_v2) \
	CALL(cuMemAddressReserve) \
	CALL(cuMemAddressFree) \
	CALL(cuMemGetAllocationGranularity) \
	CALL(cuMemCreate) \
	CALL(cuMemMap) \
	CALL(cuMemSetAccess) \
	CALL(cuMemUnmap) \
	CALL(cuMemRelease) \
	CALL(cuMemHostRegister_v2) \
	CALL(cuMemcpyAsync) \
	CALL(cuMemcpyHtoDAsync_v2) \
	CALL(cuMemcpyDtoHAsync_v2) \
	CALL(cuMemcpyDtoDAsync_v2) \
	CALL(cuMemcpy2DAsync_v2) \
	CALL(cuMemsetD2D8Async) \
	CALL(cuMemsetD2D16Async) \
	CALL(cuMemsetD2D32Async) \
	CALL(cuMemsetD8Async) \
	CALL(cuMemsetD16Async) \
	CALL(cuMemsetD32Async) \
	CALL(cuModuleLoadDataEx) \
	CALL(cuModuleUnload) \
	CALL(cuModuleGetFunction) \
	CALL(cuModuleGetGlobal_v2) \
	CALL(cuLinkCreate_v2) \
	CALL(cuLinkAddData_v2) \
	CALL(cuLinkComplete) \
	CALL(cuLinkDestroy) \
	CALL(cuFuncGetAttribute) \
	CALL(cuFuncSetAttribute) \
	CALL(cuTexObjectCreate) \
	CALL(cuTexObjectDestroy) \
	CALL(cuLaunchKernel) \
	CALL(cuLaunchKernelEx) \
	CALL(cuStreamCreateWithPriority) \
	CALL(cuStreamDestroy_v2) \
	CALL(cuStreamSynchronize) \
	CALL(cuEventCreate) \
	CALL(cuEventDestroy_v2) \
	CALL(cuEventRecord) \
	CALL(cuEventQuery) \
	CALL(cuEventElapsedTime) \
	OPTIONAL(cuFuncGetParamInfo)	/* 12.4 */

#define FIELD(name) __typeof__(name) *name;
/**
 * struct cuda_driver - addresses of the calls, by their names; an optional one is NULL where the driver has none
 */
struct cuda_driver {
	CUDA_DRIVER_CALLS(FIELD, FIELD)
};
#undef FIELD

extern struct cuda_driver cu;

bool cuda_driver_load(char *why, size_t why_len);
const char *cuda_error_name(CUresult result);

#endif /* EXECUTOR_CUDA_DRIVER_H */
