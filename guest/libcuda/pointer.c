// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <string.h>
#include "handle.h"
#include "hostmem.h"
#include "pool.h"

/* What is known about an address. */
struct target {
	bool known;
	bool device; /* device memory; else host memory */
	bool registered;
	bool managed;
	bool mapped; /* there is something behind it */
	int ordinal;
	CUcontext ctx;
	uint64_t id;
	uint64_t start;
	uint64_t len;
	uint64_t addr;
	bool sync_memops;
	void *pool;
};

static void look_up(uint64_t addr, struct target *t)
{
	struct session *session = session_of(addr);
	struct host_memory *memory;
	struct allocation *allocation;

	memset(t, 0, sizeof(*t));
	t->addr = addr;
	t->ordinal = -2; /* cuda.h's CU_DEVICE_INVALID */
	if (session && session_is_device(session, addr)) {
		pthread_mutex_lock(&session->lock);
		allocation = devmem_find(session, addr, &t->start);
		if (allocation) {
			t->known = true;
			t->device = true;
			t->mapped = true;
			t->ctx = allocation->ctx;
			t->id = allocation->id;
			t->len = allocation->size;
			t->sync_memops = allocation->sync_memops;
			if (allocation->kind == DEVMEM_ASYNC)
				t->pool = pool_handle(allocation->owner);
		}
		t->ordinal = session->ordinal;
		pthread_mutex_unlock(&session->lock);
		return;
	}
	if (session)
		pthread_mutex_lock(&session->lock);
	else
		session = hostmem_lock_registered((void *)addr);
	if (!session)
		return;
	memory = hostmem_find(session, addr, &t->start, &t->len);
	if (memory) {
		t->known = true;
		t->mapped = true;
		t->registered = memory->registered;
		t->managed = memory->managed;
		t->ctx = memory->ctx;
		t->id = memory->id;
		t->ordinal = session->ordinal;
	}
	pthread_mutex_unlock(&session->lock);
}

static CUresult get(const struct target *t, CUpointer_attribute attribute, void *data)
{
	bool ok = t->known;

	switch (attribute) {
	case CU_POINTER_ATTRIBUTE_CONTEXT:
		*(CUcontext *)data = t->ctx;
		break;
	case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
		if (!ok)
			*(unsigned int *)data = 0;
		else if (t->device || t->managed)
			*(unsigned int *)data = CU_MEMORYTYPE_DEVICE;
		else
			*(unsigned int *)data = CU_MEMORYTYPE_HOST;
		break;
	case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
		ok = ok && !t->registered;
		*(CUdeviceptr *)data = ok ? t->addr : 0;
		break;
	case CU_POINTER_ATTRIBUTE_HOST_POINTER:
		ok = ok && !t->device;
		*(void **)data = ok ? (void *)t->addr : NULL;
		break;
	case CU_POINTER_ATTRIBUTE_P2P_TOKENS:
		return CUDA_ERROR_NOT_SUPPORTED;
	case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
		*(int *)data = t->sync_memops;
		break;
	case CU_POINTER_ATTRIBUTE_BUFFER_ID:
	case CU_POINTER_ATTRIBUTE_MEMORY_BLOCK_ID:
		*(unsigned long long *)data = t->id;
		break;
	case CU_POINTER_ATTRIBUTE_IS_MANAGED:
		/* Of any pointer this can be said. */
		*(int *)data = t->managed;
		return CUDA_SUCCESS;
	case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
		*(int *)data = t->ordinal;
		return CUDA_SUCCESS;
	case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
	case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
	case CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE:
		*(int *)data = 0;
		break;
	case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
	case CU_POINTER_ATTRIBUTE_MAPPING_BASE_ADDR:
		*(CUdeviceptr *)data = t->start;
		break;
	case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
	case CU_POINTER_ATTRIBUTE_MAPPING_SIZE:
		*(size_t *)data = t->len;
		break;
	case CU_POINTER_ATTRIBUTE_MAPPED:
		*(int *)data = t->mapped;
		return CUDA_SUCCESS;
	case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
		*(unsigned long long *)data = 0;
		break;
	case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS:
		*(int *)data = ok ? CU_MEM_ACCESS_FLAGS_PROT_READWRITE : 0;
		break;
	case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE:
		*(CUmemoryPool *)data = t->pool;
		ok = ok && t->pool;
		break;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
	return ok ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuPointerGetAttribute(void *data, CUpointer_attribute attribute, CUdeviceptr addr)
{
	struct context *ctx;
	struct target target;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!data)
		return CUDA_ERROR_INVALID_VALUE;
	look_up(addr, &target);
	return get(&target, attribute, data);
}

EXPORT CUresult cuPointerGetAttributes(unsigned int count, CUpointer_attribute *attributes,
				       void **data, CUdeviceptr addr)
{
	struct context *ctx;
	struct target target;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!count || !attributes || !data)
		return CUDA_ERROR_INVALID_VALUE;
	look_up(addr, &target);
	for (unsigned int i = 0; i < count; i++) {
		if (!data[i] || attributes[i] < CU_POINTER_ATTRIBUTE_CONTEXT ||
		    attributes[i] > CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE)
			return CUDA_ERROR_INVALID_VALUE;
		/* Attributes that the pointer lacks are told as zero, and are no error here. */
		get(&target, attributes[i], data[i]);
	}
	return CUDA_SUCCESS;
}

EXPORT CUresult cuPointerSetAttribute(const void *value, CUpointer_attribute attribute,
				      CUdeviceptr addr)
{
	struct context *ctx;
	struct session *session;
	struct allocation *allocation;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	session = session_of(addr);
	if (!value || attribute != CU_POINTER_ATTRIBUTE_SYNC_MEMOPS || !session)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&session->lock);
	allocation = devmem_find(session, addr, NULL);
	if (allocation)
		allocation->sync_memops = *(const int *)value;
	else
		result = CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_unlock(&session->lock);
	return result;
}
