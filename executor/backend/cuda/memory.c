// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Device memory in chunks of the reserved address range, and the aperture as pinned memory.
 */

#include <stdlib.h>
#include <string.h>

#include "../../address.h"
#include "../../log.h"
#include "cuda.h"

#define RESERVE_TRIES	4

/**
 * struct chunk - a mapping of the device range
 * @addr: device address
 * @len: bytes
 * @handle: the memory behind
 * @source: whose alias it is; NULL where the memory is its own
 * @aliases: of it
 * @next: by no order
 */
struct chunk {
	uint64_t addr;
	uint64_t len;
	CUmemGenericAllocationHandle handle;
	struct chunk *source;
	unsigned int aliases;
	struct chunk *next;
};

/* The control thread's alone. */
static struct chunk *chunks;

static CUmemAllocationProp device_memory(void)
{
	return (CUmemAllocationProp) {
		.type = CU_MEM_ALLOCATION_TYPE_PINNED,
		.location = { .type = CU_MEM_LOCATION_TYPE_DEVICE, .id = cuda.device },
	};
}

/*
 * The address that the driver is asked for is a hint. A guest process has to reserve the same range, so it is to lie where
 * no program's memory does; what comes elsewhere is taken only where nothing else is to be had.
 */
static CUresult reserve(struct backend_session *session, CUdeviceptr *base)
{
	CUresult result = CUDA_ERROR_OUT_OF_MEMORY;
	int i;

	for (i = 0; i < RESERVE_TRIES; i++) {
		result = cu.cuMemAddressReserve(base, session->device_size, session->granule,
						address_hint(session->device_size, session->granule), 0);
		if (result || address_is_far(*base, session->device_size))
			return result;
		cu.cuMemAddressFree(*base, session->device_size);
	}
	return cu.cuMemAddressReserve(base, session->device_size, session->granule, 0, 0);
}

/**
 * cuda_memory_start() - reserve the session's device address range
 *
 * Return: CUresult; session->device_base is set where it is success. Context: once; the base context is current.
 */
CUresult cuda_memory_start(void)
{
	struct backend_session *session = cuda.session;
	CUmemAllocationProp prop = device_memory();
	size_t granularity = 0;
	CUdeviceptr base;
	CUresult result;

	result = cu.cuMemGetAllocationGranularity(&granularity, &prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM);
	if (result)
		return result;
	if (!granularity || session->granule % granularity) {
		log_error("chunks of %llu bytes are no multiple of the driver's %zu",
			  (unsigned long long)session->granule, granularity);
		return CUDA_ERROR_INVALID_VALUE;
	}
	result = reserve(session, &base);
	if (result) {
		log_error("no room for a device range of %llu bytes: %s", (unsigned long long)session->device_size,
			  cuda_error_name(result));
		return result;
	}
	session->device_base = base;
	return cu.cuStreamCreateWithPriority(&cuda.clearing, CU_STREAM_NON_BLOCKING, 0);
}

/* Maps memory where the program can use it; it stays unmapped where that fails. */
static CUresult map(const struct chunk *chunk)
{
	const CUmemAccessDesc access = {
		.location = { .type = CU_MEM_LOCATION_TYPE_DEVICE, .id = cuda.device },
		.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE,
	};
	CUresult result = cu.cuMemMap(chunk->addr, chunk->len, 0, chunk->handle, 0);

	if (result)
		return result;
	result = cu.cuMemSetAccess(chunk->addr, chunk->len, &access, 1);
	if (result)
		cu.cuMemUnmap(chunk->addr, chunk->len);
	return result;
}

static CUresult back(struct chunk *chunk)
{
	CUmemAllocationProp prop = device_memory();
	CUresult result;

	result = cu.cuMemCreate(&chunk->handle, chunk->len, &prop, 0);
	if (result)
		return result;
	result = map(chunk);
	if (result)
		goto release;
	/* The driver promises nothing of what was there before: it may be another tenant's. No kernel is waited for. */
	result = cuda_enter(0);
	if (!result)
		result = cu.cuMemsetD8Async(chunk->addr, 0, chunk->len, cuda.clearing);
	if (!result)
		result = cu.cuStreamSynchronize(cuda.clearing);
	if (!result)
		return CUDA_SUCCESS;
	cu.cuMemUnmap(chunk->addr, chunk->len);
release:
	cu.cuMemRelease(chunk->handle);
	return result;
}

static CUresult map_alias(struct chunk *chunk, uint64_t addr)
{
	struct chunk *source;
	CUresult result;

	for (source = chunks; source && source->addr != addr; source = source->next)
		;
	if (!source || source->source || source->len != chunk->len)
		return CUDA_ERROR_INVALID_VALUE;
	chunk->handle = source->handle;
	result = map(chunk);
	if (result)
		return result;
	chunk->source = source;
	source->aliases++;
	return CUDA_SUCCESS;
}

/**
 * cuda_chunk_map() - VGPU_OP_CHUNK_MAP
 * @op: where, and how much
 *
 * That the quota has room, the kernel has seen to. Return: CUresult. Context: the control thread.
 */
CUresult cuda_chunk_map(const struct vgpu_op_chunk *op)
{
	const struct backend_session *session = cuda.session;
	struct chunk *chunk;
	CUresult result;

	if (op->addr < session->device_base || op->len > session->chunk_size ||
	    op->addr - session->device_base > session->chunk_size - op->len)
		return CUDA_ERROR_INVALID_VALUE;
	chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return CUDA_ERROR_OUT_OF_MEMORY;
	chunk->addr = op->addr;
	chunk->len = op->len;
	result = op->flags & VGPU_CHUNK_ALIAS ? map_alias(chunk, op->source) : back(chunk);
	if (result) {
		free(chunk);
		return result;
	}
	chunk->next = chunks;
	chunks = chunk;
	return CUDA_SUCCESS;
}

static bool lies_in(const struct chunk *chunk, const struct vgpu_op_chunk *op)
{
	return chunk->addr >= op->addr && chunk->addr + chunk->len <= op->addr + op->len;
}

/**
 * cuda_chunk_unmap() - VGPU_OP_CHUNK_UNMAP
 * @op: whole chunks, as they were mapped: CUDA cannot unmap a part
 *
 * Return: CUresult; CUDA_ERROR_INVALID_VALUE, with nothing unmapped, where chunks stick out or have aliases. Context: the
 * control thread.
 */
CUresult cuda_chunk_unmap(const struct vgpu_op_chunk *op)
{
	struct chunk **link, *chunk;
	CUresult result;
	uint64_t whole = 0;

	for (chunk = chunks; chunk; chunk = chunk->next)
		if (lies_in(chunk, op) && !chunk->aliases)
			whole += chunk->len;
	if (whole != op->len)
		return CUDA_ERROR_INVALID_VALUE;
	for (link = &chunks; *link;) {
		chunk = *link;
		if (!lies_in(chunk, op)) {
			link = &chunk->next;
			continue;
		}
		result = cu.cuMemUnmap(chunk->addr, chunk->len);
		if (result)
			return result;
		*link = chunk->next;
		if (chunk->source)
			chunk->source->aliases--;
		else
			cu.cuMemRelease(chunk->handle);
		free(chunk);
	}
	return CUDA_SUCCESS;
}

/**
 * cuda_add_range() - register a range of the aperture: copies between it and the GPU touch no CPU
 * @offset: in the aperture
 * @len: bytes
 *
 * Where CUDA cannot register it, copies still work, staged by the driver. Context: the submit thread, or before it.
 */
void cuda_add_range(uint64_t offset, uint64_t len)
{
	void *at = (void *)(uintptr_t)(cuda.session->aperture_base + offset);
	CUresult result = cuda_enter(0);

	if (!result)
		result = cu.cuMemHostRegister_v2(at, len, CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP);
	if (result)
		log_warning("%llu bytes of the aperture at %llu are not pinned, copies will be slower: %s",
			    (unsigned long long)len, (unsigned long long)offset, cuda_error_name(result));
}
