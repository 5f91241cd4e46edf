// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <errno.h>
#include "../../uapi/vgpu_device.h"
#include "error.h"
#include "log.h"
#include "session.h"

static const struct {
	CUresult result;
	const char *name;
	const char *text;
} results[] = {
#define E(name, value, text) { name, #name, text },
	CUDA_RESULTS(E)
#undef E
};

static int find(CUresult result)
{
	for (unsigned int i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		if (results[i].result == result)
			return i;
	return -1;
}

const char *error_name(CUresult result)
{
	int i = find(result);

	return i < 0 ? NULL : results[i].name;
}

static bool told_quarantined;

static void tell_once(bool *told, const char *what)
{
	if (!__atomic_exchange_n(told, true, __ATOMIC_RELAXED))
		log_line("%s", what);
}

CUresult error_of_status(uint16_t status)
{
	if (status < VGPU_ST_BASE)
		return find(status) < 0 ? CUDA_ERROR_UNKNOWN : (CUresult)status;
	switch (status) {
	case VGPU_ST_BAD_OPCODE:
	case VGPU_ST_BAD_FLAGS:
	case VGPU_ST_BAD_RESERVED:
		return CUDA_ERROR_NOT_SUPPORTED;
	case VGPU_ST_BAD_CONTEXT:
		return CUDA_ERROR_INVALID_CONTEXT;
	case VGPU_ST_BAD_STREAM:
	case VGPU_ST_BAD_OBJECT:
		return CUDA_ERROR_INVALID_HANDLE;
	case VGPU_ST_BAD_LENGTH:
	case VGPU_ST_BAD_APERTURE:
	case VGPU_ST_BAD_ADDRESS:
	case VGPU_ST_BAD_DIMENSIONS:
	case VGPU_ST_BAD_SEQUENCE:
	case VGPU_ST_NOT_MAPPED:
		return CUDA_ERROR_INVALID_VALUE;
	case VGPU_ST_QUOTA:
	case VGPU_ST_NO_MEMORY:
	case VGPU_ST_LIMIT:
		return CUDA_ERROR_OUT_OF_MEMORY;
	case VGPU_ST_SESSION_LOST:
	case VGPU_ST_CANCELLED:
		return CUDA_ERROR_LAUNCH_FAILED;
	case VGPU_ST_QUARANTINED:
		tell_once(&told_quarantined,
			  "the host refuses the work of this virtual GPU: it was quarantined, by its operator or "
			  "after repeated hangs, faults or malformed commands; it works again, for programs that "
			  "start anew, when the quarantine ends or the operator lifts it");
		return CUDA_ERROR_DEVICE_UNAVAILABLE;
	case VGPU_ST_NO_EXECUTOR:
		return CUDA_ERROR_DEVICE_UNAVAILABLE;
	default:
		return CUDA_ERROR_UNKNOWN;
	}
}

CUresult error_of_errno(int err)
{
	switch (-err) {
	case 0:
		return CUDA_SUCCESS;
	case ENOMEM:
	case ENOSPC:
		return CUDA_ERROR_OUT_OF_MEMORY;
	case ENODEV:
	case ENXIO:
	case ENOENT:
	case ECONNREFUSED:
		return CUDA_ERROR_NO_DEVICE;
	case EACCES:
	case EPERM:
		return CUDA_ERROR_NOT_PERMITTED;
	case EBUSY:
	case EHOSTDOWN:
	case EUSERS:
	case EAGAIN:
	case EMFILE:
	case ENFILE:
		return CUDA_ERROR_DEVICE_UNAVAILABLE;
	case EPROTO:
		return CUDA_ERROR_SYSTEM_DRIVER_MISMATCH;
	default:
		return CUDA_ERROR_OPERATING_SYSTEM;
	}
}

bool error_is_sticky(CUresult result)
{
	switch (result) {
	case CUDA_ERROR_ECC_UNCORRECTABLE:
	case CUDA_ERROR_NVLINK_UNCORRECTABLE:
	case CUDA_ERROR_CONTAINED:
	case CUDA_ERROR_ILLEGAL_ADDRESS:
	case CUDA_ERROR_LAUNCH_TIMEOUT:
	case CUDA_ERROR_ASSERT:
	case CUDA_ERROR_HARDWARE_STACK_ERROR:
	case CUDA_ERROR_ILLEGAL_INSTRUCTION:
	case CUDA_ERROR_MISALIGNED_ADDRESS:
	case CUDA_ERROR_INVALID_ADDRESS_SPACE:
	case CUDA_ERROR_INVALID_PC:
	case CUDA_ERROR_LAUNCH_FAILED:
	case CUDA_ERROR_TENSOR_MEMORY_LEAK:
	case CUDA_ERROR_EXTERNAL_DEVICE:
		return true;
	default:
		return false;
	}
}

EXPORT CUresult cuGetErrorString(CUresult error, const char **str)
{
	int i = find(error);

	if (!str)
		return CUDA_ERROR_INVALID_VALUE;
	*str = i < 0 ? NULL : results[i].text;
	return i < 0 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

EXPORT CUresult cuGetErrorName(CUresult error, const char **str)
{
	if (!str)
		return CUDA_ERROR_INVALID_VALUE;
	*str = error_name(error);
	return *str ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
