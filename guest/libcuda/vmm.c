// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/*
 * DOC: virtual memory management
 *
 * The device backs addresses with memory in one step (VGPU_OP_CHUNK_MAP), where CUDA has two:
 * cuMemCreate takes memory, cuMemMap gives it addresses. So that cuMemCreate fails where memory is
 * exhausted, it maps at addresses of its own; cuMemMap moves the backing to the program's. What was
 * written is kept when memory is unmapped while its handle lives: it is copied back. Where the
 * device has no room for both copies, it goes through memory of this process, and stays there until
 * the device has room; where this process has none either, it stays mapped. One handle can have one
 * mapping at a time, of the whole.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "device.h"
#include "handle.h"
#include "log.h"
#include "stream.h"

#define STAGE_PIECE (1ULL << 20) /* bytes that one command moves to or from this process */

/**
 * struct memory - what cuMemCreate made
 * @refs: the handle's, by cuMemCreate and cuMemRetainAllocationHandle, and the mapping's
 * @handles: of them the handle's
 * @home: where it is backed while it is not mapped
 * @mapped: where it is mapped, 0 if it is not
 * @used: was mapped before: its contents matter
 * @unbacked: the device has no memory for it at present
 * @saved: its contents while it is unbacked, NULL where they do not matter
 */
struct memory {
	struct session *session;
	CUmemGenericAllocationHandle handle;
	unsigned int refs;
	unsigned int handles;
	uint64_t size;
	uint64_t home;
	uint64_t mapped;
	bool used;
	bool unbacked;
	char *saved;
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
	if (!memory->unbacked)
		devmem_unmap(session, memory->mapped ? memory->mapped : memory->home, memory->size);
	devmem_unreserve(session, memory->home, memory->size);
	session->mem.virtual_bytes -= memory->size;
	free(memory->saved);
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

/* Any context: copies of the device know no other difference. */
static uint32_t some_context(const struct session *session)
{
	for (int i = 1; i < VGPU_MAX_CONTEXTS; i++)
		if (session->contexts[i] && session->contexts[i]->handle)
			return session->contexts[i]->number;
	return 0;
}

static CUresult copy_within(struct memory *memory, uint64_t from, uint64_t to)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_COPY_DEVICE };
	CUresult result = CUDA_SUCCESS;

	cmd.ctx = some_context(memory->session);
	cmd.copy.height = 1;
	for (uint64_t at = 0; at < memory->size && !result; at += cmd.copy.width) {
		cmd.copy.src = from + at;
		cmd.copy.dst = to + at;
		cmd.copy.width =
			memory->size - at < VGPU_MAX_COPY ? memory->size - at : VGPU_MAX_COPY;
		result = session_call(memory->session, &cmd, NULL);
	}
	return result;
}

/* Between what lies at an address of the device and what is saved here; a granule is whole pieces. */
static CUresult stage(struct memory *memory, uint64_t addr, bool in)
{
	struct session *session = memory->session;
	struct vgpu_cmd cmd = { .opcode = in ? VGPU_OP_COPY_IN : VGPU_OP_COPY_OUT };
	CUresult result = CUDA_SUCCESS;
	struct heap_block block;
	char *piece;

	cmd.ctx = some_context(session);
	cmd.copy.height = 1;
	for (uint64_t at = 0; at < memory->size && !result; at += cmd.copy.width) {
		cmd.copy.width = memory->size - at < STAGE_PIECE ? memory->size - at : STAGE_PIECE;
		piece = session_payload(session, cmd.copy.width, &block);
		if (!piece)
			return CUDA_ERROR_OUT_OF_MEMORY;
		if (in)
			memcpy(piece, memory->saved + at, cmd.copy.width);
		cmd.copy.src = in ? block.offset : addr + at;
		cmd.copy.dst = in ? addr + at : block.offset;
		result = session_call(session, &cmd, NULL);
		if (!result && !in)
			memcpy(memory->saved + at, piece, cmd.copy.width);
		heap_free(&session->heap, &block);
	}
	return result;
}

/* Whether this machine has the memory to save so much without driving others out. */
static bool can_save(uint64_t size)
{
	long pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	return pages > 0 && page > 0 && size <= (uint64_t)pages * page / 2;
}

/* Takes the backing away, what is in it being saved here where that matters. */
static CUresult save(struct memory *memory, uint64_t from)
{
	CUresult result = CUDA_SUCCESS;

	if (memory->used) {
		if (can_save(memory->size))
			memory->saved = malloc(memory->size);
		result = memory->saved ? stage(memory, from, false) : CUDA_ERROR_OUT_OF_MEMORY;
	}
	if (result) {
		free(memory->saved);
		memory->saved = NULL;
		return result;
	}
	devmem_unmap(memory->session, from, memory->size);
	memory->unbacked = true;
	return CUDA_SUCCESS;
}

/* Backs what save() left without. */
static CUresult restore(struct memory *memory, uint64_t to)
{
	CUresult result = devmem_map(memory->session, to, memory->size);

	if (result == CUDA_ERROR_OUT_OF_MEMORY) {
		devmem_trim(memory->session);
		result = devmem_map(memory->session, to, memory->size);
	}
	if (!result && memory->saved) {
		result = stage(memory, to, true);
		if (result)
			devmem_unmap(memory->session, to, memory->size);
	}
	if (result)
		return result;
	free(memory->saved);
	memory->saved = NULL;
	memory->unbacked = false;
	return CUDA_SUCCESS;
}

/*
 * Moves the backing of memory from one place to another, and what is in it where that matters.
 * Where it fails, the memory is where it was, or it is unbacked, with its contents saved.
 */
static CUresult move(struct memory *memory, uint64_t from, uint64_t to)
{
	struct session *session = memory->session;
	CUresult result;

	if (!memory->unbacked && memory->used) {
		result = devmem_map(session, to, memory->size);
		if (!result) {
			result = copy_within(memory, from, to);
			devmem_unmap(session, result ? to : from, memory->size);
		}
		if (result != CUDA_ERROR_OUT_OF_MEMORY)
			return result;
	}
	/* No room for two of it at once, or no contents that two are needed for. */
	if (!memory->unbacked) {
		result = save(memory, from);
		if (result)
			return result;
	}
	return restore(memory, to);
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
	if (memory->mapped) {
		log_line("cuMemMap: the handle is mapped at 0x%llx; it can have one mapping at a time: "
			 "call cuMemUnmap first",
			 (unsigned long long)memory->mapped);
		result = CUDA_ERROR_NOT_SUPPORTED;
	} else if (any_live(session, addr, size)) {
		result = CUDA_ERROR_ALREADY_MAPPED;
	}
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
			move(memory, addr, memory->home);
			result = CUDA_ERROR_OUT_OF_MEMORY;
		}
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}

static CUresult unmap_one(struct session *session, struct memory *memory)
{
	CUresult result;

	/* The last that holds it cannot map it again. */
	if (memory->refs > 1) {
		result = move(memory, memory->mapped, memory->home);
		/* What is saved is as good as unmapped: the next cuMemMap finds it a place. */
		if (result && !memory->unbacked)
			return result;
	}
	devmem_remove(session, memory->mapped);
	if (memory->refs > 1)
		memory->mapped = 0;
	put(memory);
	return CUDA_SUCCESS;
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
