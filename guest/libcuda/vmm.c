// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/*
 * DOC: virtual memory management
 *
 * cuMemCreate backs addresses of its own, the memory's home, so that it fails where memory is exhausted; each cuMemMap makes the memory
 * reachable at the program's addresses, too. A handle has as many mappings as the program makes, each of the whole: CUDA knows no
 * offset. The memory goes when the last mapping and the handle have gone.
 */
#include <stdlib.h>
#include <string.h>
#include "device.h"
#include "handle.h"
#include "log.h"
#include "stream.h"

/**
 * struct memory - what cuMemCreate made
 * @refs: the handle's, by cuMemCreate and cuMemRetainAllocationHandle, and the mappings'
 * @handles: of them the handle's
 * @home: where it is backed
 */
struct memory {
	struct session *session;
	CUmemGenericAllocationHandle handle;
	unsigned int refs;
	unsigned int handles;
	uint64_t size;
	uint64_t home;
	CUmemAllocationProp prop;
};

/* Addresses that cuMemAddressReserve gave; in the session's device range. */
static struct extent_set reservations;
static pthread_mutex_t reservations_lock = PTHREAD_MUTEX_INITIALIZER; /* taken after a session's */

static bool reserved(uint64_t addr, uint64_t size)
{
	bool found;

	pthread_mutex_lock(&reservations_lock);
	found = extent_covers(&reservations, addr, size);
	pthread_mutex_unlock(&reservations_lock);
	return found;
}

/* Whether something is mapped there. */
static bool any_live(const struct session *session, uint64_t addr, uint64_t size)
{
	for (size_t i = 0; i < session->mem.live.count; i++) {
		const struct extent *live = &session->mem.live.v[i];

		if (live->start < addr + size && addr < live->start + live->len)
			return true;
	}
	return false;
}

EXPORT CUresult cuMemGetAllocationGranularity(size_t *granularity, const CUmemAllocationProp *prop,
					      CUmemAllocationGranularity_flags option)
{
	struct device *device;
	CUresult result;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!granularity || !prop || option > CU_MEM_ALLOC_GRANULARITY_RECOMMENDED ||
	    prop->location.type != CU_MEM_LOCATION_TYPE_DEVICE)
		return CUDA_ERROR_INVALID_VALUE;
	result = device_get(prop->location.id, &device);
	if (!result)
		*granularity = device->info.granule;
	return result;
}

EXPORT CUresult cuMemAddressReserve(CUdeviceptr *out, size_t size, size_t align, CUdeviceptr hint,
				    unsigned long long flags)
{
	struct context *ctx;
	uint64_t addr;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!out || !size || size % ctx->session->mem.granule || align & (align - 1) || flags)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&ctx->session->lock);
	result = devmem_reserve(ctx->session, size, align, hint, &addr);
	if (!result) {
		pthread_mutex_lock(&reservations_lock);
		if (extent_insert(&reservations, addr, size, NULL))
			result = CUDA_ERROR_OUT_OF_MEMORY;
		pthread_mutex_unlock(&reservations_lock);
		if (result)
			devmem_unreserve(ctx->session, addr, size);
		else
			*out = addr;
	}
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuMemAddressFree(CUdeviceptr addr, size_t size)
{
	struct session *session = session_of(addr);
	struct extent *extent;
	CUresult result = CUDA_ERROR_INVALID_VALUE;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!session)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&session->lock);
	pthread_mutex_lock(&reservations_lock);
	extent = extent_find(&reservations, addr);
	if (extent && extent->start == addr && extent->len == size) {
		result = any_live(session, addr, size) ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
		if (!result)
			extent_remove(&reservations, addr, NULL);
	}
	pthread_mutex_unlock(&reservations_lock);
	if (!result)
		devmem_unreserve(session, addr, size);
	pthread_mutex_unlock(&session->lock);
	return result;
}

static void put(struct memory *memory)
{
	struct session *session = memory->session;

	if (--memory->refs)
		return;
	devmem_unmap(session, memory->home, memory->size);
	devmem_unreserve(session, memory->home, memory->size);
	session->mem.virtual_bytes -= memory->size;
	free(memory);
}

EXPORT CUresult cuMemCreate(CUmemGenericAllocationHandle *out, size_t size,
			    const CUmemAllocationProp *prop, unsigned long long flags)
{
	struct device *device;
	struct session *session;
	struct memory *memory;
	CUresult result;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!out || !prop || flags || prop->type != CU_MEM_ALLOCATION_TYPE_PINNED)
		return CUDA_ERROR_INVALID_VALUE;
	if (prop->location.type != CU_MEM_LOCATION_TYPE_DEVICE || prop->requestedHandleTypes)
		return CUDA_ERROR_NOT_SUPPORTED;
	result = device_get(prop->location.id, &device);
	if (!result)
		result = device_session(device, &session);
	if (result)
		return result;
	if (!size || size % session->mem.granule)
		return CUDA_ERROR_INVALID_VALUE;
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memory->session = session;
	memory->refs = 1;
	memory->handles = 1;
	memory->size = size;
	memory->prop = *prop;
	pthread_mutex_lock(&session->lock);
	result = devmem_reserve(session, size, 0, 0, &memory->home);
	if (!result) {
		result = devmem_map_shared(session, memory->home, size);
		if (result == CUDA_ERROR_OUT_OF_MEMORY) {
			devmem_trim(session);
			result = devmem_map_shared(session, memory->home, size);
		}
		if (result)
			devmem_unreserve(session, memory->home, size);
	}
	if (!result) {
		session->mem.virtual_bytes += size;
		memory->handle = (CUmemGenericAllocationHandle)(uintptr_t)handle_new(
			HANDLE_ALLOCATION, memory);
		if (memory->handle)
			*out = memory->handle;
		else
			result = CUDA_ERROR_OUT_OF_MEMORY;
		if (result)
			put(memory);
	} else {
		free(memory);
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}

static struct memory *get(CUmemGenericAllocationHandle handle)
{
	return handle_get(HANDLE_ALLOCATION, (void *)(uintptr_t)handle);
}

EXPORT CUresult cuMemRelease(CUmemGenericAllocationHandle handle)
{
	struct memory *memory = get(handle);
	struct session *session;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!memory)
		return CUDA_ERROR_INVALID_VALUE;
	session = memory->session;
	pthread_mutex_lock(&session->lock);
	if (!--memory->handles)
		handle_free(HANDLE_ALLOCATION, (void *)(uintptr_t)handle);
	put(memory);
	pthread_mutex_unlock(&session->lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuMemMap(CUdeviceptr addr, size_t size, size_t offset,
			 CUmemGenericAllocationHandle handle, unsigned long long flags)
{
	struct memory *memory = get(handle);
	struct allocation *allocation;
	struct session *session;
	CUresult result;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!memory || offset || flags || size != memory->size || !reserved(addr, size) ||
	    session_of(addr) != memory->session || addr % memory->session->mem.granule)
		return CUDA_ERROR_INVALID_VALUE;
	session = memory->session;
	pthread_mutex_lock(&session->lock);
	if (any_live(session, addr, size)) {
		result = CUDA_ERROR_ALREADY_MAPPED;
		goto out;
	}
	/* First: the lock is let go of while the device maps. */
	result = CUDA_ERROR_OUT_OF_MEMORY;
	allocation = devmem_add(session, DEVMEM_VIRTUAL, NULL, addr, size);
	if (!allocation)
		goto out;
	allocation->owner = memory;
	memory->refs++;
	result = devmem_alias(session, addr, size, memory->home);
	if (result) {
		devmem_remove(session, addr);
		put(memory);
	}
out:
	pthread_mutex_unlock(&session->lock);
	return result;
}

EXPORT CUresult cuMemUnmap(CUdeviceptr addr, size_t size)
{
	struct session *session = session_of(addr);
	CUresult result = context_may_wait();
	uint64_t at = addr;

	if (result)
		return result;
	if (!session || !size || !reserved(addr, size))
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&session->lock);
	while (at < addr + size && !result) {
		uint64_t start;
		struct allocation *allocation = devmem_find(session, at, &start);

		if (!allocation || allocation->kind != DEVMEM_VIRTUAL || start != at ||
		    allocation->size > addr + size - at)
			result = CUDA_ERROR_INVALID_VALUE;
		else
			at += allocation->size;
	}
	/* No work may still use it. */
	for (int i = 1; i < VGPU_MAX_CONTEXTS && !result; i++)
		if (session->contexts[i] && session->contexts[i]->handle)
			context_synchronize(session->contexts[i]);
	for (at = addr; at < addr + size && !result;) {
		struct memory *memory = devmem_find(session, at, NULL)->owner;

		devmem_unalias(session, at, memory->size);
		devmem_remove(session, at);
		at += memory->size;
		put(memory);
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}

EXPORT CUresult cuMemSetAccess(CUdeviceptr addr, size_t size, const CUmemAccessDesc *desc,
			       size_t count)
{
	struct session *session = session_of(addr);
	CUresult result = CUDA_SUCCESS;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!session || !desc || !count)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&session->lock);
	if (!devmem_valid(session, addr, size))
		result = CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_unlock(&session->lock);
	for (size_t i = 0; i < count && !result; i++) {
		if (desc[i].location.type != CU_MEM_LOCATION_TYPE_DEVICE ||
		    desc[i].location.id != session->ordinal)
			result = CUDA_ERROR_INVALID_DEVICE;
		/* The device has no memory protection to set: mapped memory is read and written. */
		else if (desc[i].flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE)
			result = desc[i].flags == CU_MEM_ACCESS_FLAGS_PROT_READ ||
						 desc[i].flags == CU_MEM_ACCESS_FLAGS_PROT_NONE
					 ? CUDA_ERROR_NOT_SUPPORTED
					 : CUDA_ERROR_INVALID_VALUE;
	}
	return result;
}

EXPORT CUresult cuMemGetAccess(unsigned long long *flags, const CUmemLocation *location,
			       CUdeviceptr addr)
{
	struct session *session = session_of(addr);
	CUresult result = CUDA_SUCCESS;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!flags || !location || location->type != CU_MEM_LOCATION_TYPE_DEVICE || !session)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&session->lock);
	if (!devmem_find(session, addr, NULL))
		result = CUDA_ERROR_INVALID_VALUE;
	else
		*flags = location->id == session->ordinal ? CU_MEM_ACCESS_FLAGS_PROT_READWRITE : 0;
	pthread_mutex_unlock(&session->lock);
	return result;
}

EXPORT CUresult cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp *prop,
						       CUmemGenericAllocationHandle handle)
{
	struct memory *memory = get(handle);

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!prop || !memory)
		return CUDA_ERROR_INVALID_VALUE;
	*prop = memory->prop;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle *out, void *p)
{
	struct session *session = session_of((uint64_t)p);
	struct allocation *allocation;
	CUresult result = CUDA_ERROR_INVALID_VALUE;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!out || !session)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&session->lock);
	allocation = devmem_find(session, (uint64_t)p, NULL);
	if (allocation && allocation->kind == DEVMEM_VIRTUAL) {
		struct memory *memory = allocation->owner;

		if (!memory->handles)
			memory->handle = (CUmemGenericAllocationHandle)(uintptr_t)handle_new(
				HANDLE_ALLOCATION, memory);
		if (memory->handle) {
			memory->handles++;
			memory->refs++;
			*out = memory->handle;
			result = CUDA_SUCCESS;
		}
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}
