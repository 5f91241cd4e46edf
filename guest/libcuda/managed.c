// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/*
 * DOC: managed memory
 *
 * Managed memory is aperture memory: one address for the program and for kernels, always coherent,
 * never moved. What programs say about where it should be is therefore checked and then without
 * effect.
 */
#include <string.h>
#include "device.h"
#include "hostmem.h"
#include "stream.h"

#define NO_DEVICE (-2) /* CU_DEVICE_INVALID */

EXPORT CUresult cuMemAllocManaged(CUdeviceptr *addr, size_t size, unsigned int flags)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);
	void *p;

	if (result)
		return result;
	if (!addr || !size || (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST))
		return CUDA_ERROR_INVALID_VALUE;
	result = hostmem_alloc(ctx, size, 0, true, &p);
	if (!result)
		*addr = (CUdeviceptr)p;
	return result;
}

/* Whether a range lies inside one allocation of managed memory. */
static CUresult check(CUdeviceptr addr, size_t size)
{
	struct session *session = session_of(addr);
	struct host_memory *memory;
	uint64_t start, len;
	CUresult result = CUDA_ERROR_INVALID_VALUE;

	if (!session || !size || !session_is_aperture(session, addr))
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&session->lock);
	memory = hostmem_find(session, addr, &start, &len);
	if (memory && memory->managed && size <= len - (addr - start))
		result = CUDA_SUCCESS;
	pthread_mutex_unlock(&session->lock);
	return result;
}

static CUresult prefetch(CUdeviceptr addr, size_t size)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	return result ? result : check(addr, size);
}

EXPORT CUresult cuMemPrefetchAsync(CUdeviceptr addr, size_t size, CUdevice device, CUstream stream)
{
	return prefetch(addr, size);
}

EXPORT CUresult cuMemPrefetchAsync_ptsz(CUdeviceptr addr, size_t size, CUdevice device,
					CUstream stream)
{
	return prefetch(addr, size);
}

EXPORT CUresult cuMemPrefetchAsync_v2(CUdeviceptr addr, size_t size, CUmemLocation location,
				      unsigned int flags, CUstream stream)
{
	return flags ? CUDA_ERROR_INVALID_VALUE : prefetch(addr, size);
}

EXPORT CUresult cuMemPrefetchAsync_v2_ptsz(CUdeviceptr addr, size_t size, CUmemLocation location,
					   unsigned int flags, CUstream stream)
{
	return flags ? CUDA_ERROR_INVALID_VALUE : prefetch(addr, size);
}

static CUresult advise(CUdeviceptr addr, size_t size, CUmem_advise advice)
{
	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (advice < CU_MEM_ADVISE_SET_READ_MOSTLY || advice > CU_MEM_ADVISE_UNSET_ACCESSED_BY)
		return CUDA_ERROR_INVALID_VALUE;
	return check(addr, size);
}

EXPORT CUresult cuMemAdvise(CUdeviceptr addr, size_t size, CUmem_advise advice, CUdevice device)
{
	return advise(addr, size, advice);
}

EXPORT CUresult cuMemAdvise_v2(CUdeviceptr addr, size_t size, CUmem_advise advice,
			       CUmemLocation location)
{
	return advise(addr, size, advice);
}

EXPORT CUresult cuMemRangeGetAttribute(void *data, size_t data_size, CUmem_range_attribute attribute,
				       CUdeviceptr addr, size_t size)
{
	int value;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!data || data_size < sizeof(value) || data_size % sizeof(value) || check(addr, size))
		return CUDA_ERROR_INVALID_VALUE;
	switch (attribute) {
	case CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY:
	case CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION_TYPE:
	case CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION_ID:
	case CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION_TYPE:
	case CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION_ID:
		value = 0;
		break;
	case CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION:
	case CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION:
	case CU_MEM_RANGE_ATTRIBUTE_ACCESSED_BY:
		value = NO_DEVICE;
		break;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
	for (size_t i = 0; i < data_size; i += sizeof(value))
		memcpy((char *)data + i, &value, sizeof(value));
	return CUDA_SUCCESS;
}

EXPORT CUresult cuMemRangeGetAttributes(void **data, size_t *sizes, CUmem_range_attribute *attributes,
					size_t count, CUdeviceptr addr, size_t size)
{
	CUresult result = CUDA_SUCCESS;

	if (!data || !sizes || !attributes || !count)
		return CUDA_ERROR_INVALID_VALUE;
	for (size_t i = 0; i < count && !result; i++)
		result = cuMemRangeGetAttribute(data[i], sizes[i], attributes[i], addr, size);
	return result;
}

static CUresult attach(CUdeviceptr addr, size_t size, unsigned int flags)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST &&
	    flags != CU_MEM_ATTACH_SINGLE)
		return CUDA_ERROR_INVALID_VALUE;
	return check(addr, size ? size : 1);
}

EXPORT CUresult cuStreamAttachMemAsync(CUstream stream, CUdeviceptr addr, size_t size,
				       unsigned int flags)
{
	return attach(addr, size, flags);
}

EXPORT CUresult cuStreamAttachMemAsync_ptsz(CUstream stream, CUdeviceptr addr, size_t size,
					    unsigned int flags)
{
	return attach(addr, size, flags);
}
