// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/*
 * DOC: virtual memory management
 *
 * The device backs addresses with memory in one step (VGPU_OP_CHUNK_MAP), where CUDA has two:
 * cuMemCreate takes memory, cuMemMap gives it addresses. So that cuMemCreate fails where memory is
 * exhausted, it maps at addresses of its own; cuMemMap moves the backing to the program's. What was
 * written is kept when memory is unmapped while its handle lives: it is copied back, for which there
 * has to be as much memory again; else it stays mapped. One handle can have one mapping at a time,
 * of the whole.
 */
#include <stdlib.h>
#include "device.h"
#include "handle.h"
#include "stream.h"

/**
 * struct memory - what cuMemCreate made
 * @refs: the handle's, by cuMemCreate and cuMemRetainAllocationHandle, and the mapping's
 * @handles: of them the handle's
 * @home: where it is backed while it is not mapped
 * @mapped: where it is mapped, 0 if it is not
 */
struct memory {
	struct session *session;
	CUmemGenericAllocationHandle handle;
	unsigned int refs;
	unsigned int handles;
	uint64_t size;
	uint64_t home;
	uint64_t mapped;
	bool used; /* was mapped before: its contents matter */
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
		result = CUDA_SUCCESS;
		for (size_t i = 0; i < session->mem.live.count && !result; i++) {
			struct extent *live = &session->mem.live.v[i];

			if (live->start < addr + size && addr < live->start + live->len)
				result = CUDA_ERROR_INVALID_VALUE; /* still mapped */
		}
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
		result = devmem_map(session, memory->home, size);
		if (result == CUDA_ERROR_OUT_OF_MEMORY) {
			devmem_trim(session);
			result = devmem_map(session, memory->home, size);
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

/* Moves the backing of memory from one place to another, and what is in it where that matters. */
static CUresult move(struct memory *memory, uint64_t from, uint64_t to)
{
	struct session *session = memory->session;
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_COPY_DEVICE };
	CUresult result;

	if (!memory->used) {
		devmem_unmap(session, from, memory->size);
		result = devmem_map(session, to, memory->size);
		/* It was there a moment ago. */
		if (result)
			devmem_map(session, from, memory->size);
		return result;
	}
	result = devmem_map(session, to, memory->size);
	for (uint64_t at = 0; at < memory->size && !result; at += cmd.copy.width) {
		cmd.copy.src = from + at;
		cmd.copy.dst = to + at;
		cmd.copy.width =
			memory->size - at < VGPU_MAX_COPY ? memory->size - at : VGPU_MAX_COPY;
		cmd.copy.height = 1;
		for (int i = 1; i < VGPU_MAX_CONTEXTS; i++)
			if (session->contexts[i] && session->contexts[i]->handle)
				cmd.ctx = session->contexts[i]->number;
		result = session_call(session, &cmd, NULL);
	}
	if (!result)
		devmem_unmap(session, from, memory->size);
	return result;
}

EXPORT CUresult cuMemMap(CUdeviceptr addr, size_t size, size_t offset,
			 CUmemGenericAllocationHandle handle, unsigned long long flags)
{
	struct memory *memory = get(handle);
	struct allocation *allocation;
	struct session *session;
	CUresult result = CUDA_SUCCESS;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!memory || offset || flags || size != memory->size || !reserved(addr, size) ||
	    session_of(addr) != memory->session || addr % memory->session->mem.granule)
		return CUDA_ERROR_INVALID_VALUE;
	session = memory->session;
	pthread_mutex_lock(&session->lock);
	if (memory->mapped)
		result = CUDA_ERROR_NOT_SUPPORTED;
	else if (devmem_find(session, addr, NULL))
		result = CUDA_ERROR_ALREADY_MAPPED;
	if (!result)
		result = move(memory, memory->home, addr);
	if (!result) {
		allocation = devmem_add(session, DEVMEM_VIRTUAL, NULL, addr, size);
		if (allocation) {
			allocation->owner = memory;
			memory->mapped = addr;
			memory->used = true;
			memory->refs++;
		} else {
			result = CUDA_ERROR_OUT_OF_MEMORY;
		}
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}

static CUresult unmap_one(struct session *session, struct memory *memory)
{
	CUresult result = CUDA_SUCCESS;

	if (memory->refs == 1) {
		/* Nobody can map it again. */
		devmem_remove(session, memory->mapped);
		devmem_unmap(session, memory->mapped, memory->size);
		devmem_unreserve(session, memory->home, memory->size);
		session->mem.virtual_bytes -= memory->size;
		free(memory);
		return CUDA_SUCCESS;
	}
	result = move(memory, memory->mapped, memory->home);
	if (result == CUDA_ERROR_OUT_OF_MEMORY) {
		devmem_trim(session);
		result = move(memory, memory->mapped, memory->home);
	}
	/* It stays mapped rather than lose what is in it. */
	if (result)
		return result;
	devmem_remove(session, memory->mapped);
	memory->mapped = 0;
	memory->refs--;
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
		struct allocation *allocation = devmem_find(session, at, NULL);
		uint64_t len = allocation->size;

		result = unmap_one(session, allocation->owner);
		at += len;
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
