// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <errno.h>
#include <stdlib.h>
#include "devmem.h"
#include "pool.h"
#include "session.h"

#define KEPT_CHUNKS 4 /* granules of free chunks that are not given back */

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

uint64_t devmem_id(void)
{
	static uint64_t last;

	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

int devmem_init(struct devmem *mem, uint64_t base, uint64_t chunk_size, uint64_t whole,
		uint64_t granule, uint64_t quota)
{
	mem->base = base;
	mem->size = chunk_size;
	mem->whole = whole;
	mem->granule = granule;
	mem->quota = quota;
	return extent_insert(&mem->va, base, chunk_size, NULL);
}

/* What is mapped counts when it is submitted, what is unmapped until that has ended. */
static void settle_unmapping(struct session *session)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_FENCE };

	if (!session_call(session, &cmd, NULL))
		session->mem.unmapping = 0;
}

static CUresult map(struct session *session, uint64_t addr, uint64_t size, uint64_t flags)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_CHUNK_MAP };
	struct devmem *mem = &session->mem;
	CUresult result;

	/* To be refused would be a strike. */
	if (mem->unmapping && mem->mapped + mem->virtual_bytes + mem->unmapping + size > mem->quota)
		settle_unmapping(session);
	cmd.chunk.addr = addr;
	cmd.chunk.len = size;
	cmd.chunk.flags = flags;
	result = session_call(session, &cmd, NULL);
	if (result == CUDA_ERROR_OUT_OF_MEMORY && mem->unmapping) {
		settle_unmapping(session);
		result = session_call(session, &cmd, NULL);
	}
	return result;
}

CUresult devmem_map(struct session *session, uint64_t addr, uint64_t size)
{
	return map(session, addr, size, 0);
}

CUresult devmem_map_shared(struct session *session, uint64_t addr, uint64_t size)
{
	return map(session, addr, size, VGPU_CHUNK_SHARED);
}

CUresult devmem_alias(struct session *session, uint64_t addr, uint64_t size, uint64_t source)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_CHUNK_MAP };

	cmd.chunk.addr = addr;
	cmd.chunk.len = size;
	cmd.chunk.source = source;
	cmd.chunk.flags = VGPU_CHUNK_ALIAS;
	return session_call(session, &cmd, NULL);
}

static void unmap(struct session *session, uint64_t addr, uint64_t size, uint64_t flags)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_CHUNK_UNMAP };

	cmd.chunk.addr = addr;
	cmd.chunk.len = size;
	cmd.chunk.flags = flags;
	queue_reserve(&session->queue, 1);
	queue_submit(&session->queue, &cmd, NULL, NULL);
}

void devmem_unmap(struct session *session, uint64_t addr, uint64_t size)
{
	unmap(session, addr, size, 0);
	session->mem.unmapping += size;
}

void devmem_unalias(struct session *session, uint64_t addr, uint64_t size)
{
	unmap(session, addr, size, VGPU_CHUNK_ALIAS);
}

/* Gives back the chunks that lie inside a free extent, but for so many bytes. */
static void release_chunks(struct session *session, struct extent free, uint64_t keep)
{
	struct devmem *mem = &session->mem;
	size_t i = 0;

	while (i < mem->chunks.count) {
		struct extent chunk = mem->chunks.v[i];

		if (chunk.start < free.start || chunk.start + chunk.len > free.start + free.len ||
		    mem->free_bytes < keep + chunk.len) {
			i++;
			continue;
		}
		if (extent_reserve(&mem->va, 1) ||
		    !extent_take_at(&mem->free, chunk.start, chunk.len))
			return;
		extent_remove(&mem->chunks, chunk.start, NULL);
		extent_merge(&mem->va, chunk.start, chunk.len, NULL);
		mem->mapped -= chunk.len;
		mem->free_bytes -= chunk.len;
		devmem_unmap(session, chunk.start, chunk.len);
		i = 0; /* the lock may have been let go of */
	}
}

void devmem_trim(struct session *session)
{
	struct devmem *mem = &session->mem;

	for (size_t i = 0; i < mem->free.count; i++) {
		uint64_t before = mem->mapped;

		release_chunks(session, mem->free.v[i], 0);
		if (mem->mapped != before)
			i = -1;
	}
}

static CUresult grow(struct session *session, uint64_t size)
{
	struct devmem *mem = &session->mem;
	uint64_t len = round_up(size, mem->granule);
	uint64_t addr;
	CUresult result;

	if (len < size || mem->mapped + len > mem->quota)
		devmem_trim(session);
	if (extent_reserve(&mem->chunks, 1) || extent_reserve(&mem->free, 1) ||
	    extent_reserve(&mem->va, 2) || len < size ||
	    !extent_take(&mem->va, len, mem->granule, &addr))
		return CUDA_ERROR_OUT_OF_MEMORY;
	result = devmem_map(session, addr, len);
	if (result == CUDA_ERROR_OUT_OF_MEMORY && mem->free_bytes) {
		/* What is kept here counts too. */
		devmem_trim(session);
		result = devmem_map(session, addr, len);
	}
	if (result == CUDA_ERROR_OUT_OF_MEMORY && session_reserve_less(session))
		result = devmem_map(session, addr, len);
	if (result) {
		extent_merge(&mem->va, addr, len, NULL);
		return result;
	}
	if (extent_insert(&mem->chunks, addr, len, NULL) || extent_merge(&mem->free, addr, len, NULL))
		return CUDA_ERROR_OUT_OF_MEMORY;
	mem->mapped += len;
	mem->free_bytes += len;
	return CUDA_SUCCESS;
}

struct allocation *devmem_add(struct session *session, enum devmem_kind kind, CUcontext ctx,
			      uint64_t addr, uint64_t size)
{
	struct allocation *allocation = calloc(1, sizeof(*allocation));

	if (!allocation)
		return NULL;
	allocation->kind = kind;
	allocation->ctx = ctx;
	allocation->id = devmem_id();
	allocation->size = size;
	if (extent_insert(&session->mem.live, addr, size, allocation)) {
		free(allocation);
		return NULL;
	}
	return allocation;
}

void devmem_remove(struct session *session, uint64_t addr)
{
	struct extent extent;

	if (extent_remove(&session->mem.live, addr, &extent))
		free(extent.data);
}

CUresult devmem_alloc(struct session *session, enum devmem_kind kind, CUcontext ctx, uint64_t size,
		      uint64_t *addr)
{
	struct devmem *mem = &session->mem;
	uint64_t len = round_up(size, DEVMEM_ALIGN);
	CUresult result;

	if (len < size || len > mem->size)
		return CUDA_ERROR_OUT_OF_MEMORY;
	/* The lock is let go of in grow(): another thread may take what was mapped. */
	while (!extent_take(&mem->free, len, DEVMEM_ALIGN, addr)) {
		result = grow(session, len);
		if (result)
			return result;
	}
	mem->free_bytes -= len;
	if (!devmem_add(session, kind, ctx, *addr, size)) {
		extent_merge(&mem->free, *addr, len, NULL);
		mem->free_bytes += len;
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	return CUDA_SUCCESS;
}

CUresult devmem_free(struct session *session, uint64_t addr)
{
	struct devmem *mem = &session->mem;
	struct extent extent, merged;
	struct allocation *allocation;
	uint64_t len;

	struct extent *found = extent_find(&mem->live, addr);

	if (!found || found->start != addr)
		return CUDA_ERROR_INVALID_VALUE;
	allocation = found->data;
	if (allocation->kind != DEVMEM_PLAIN && allocation->kind != DEVMEM_ASYNC)
		return CUDA_ERROR_INVALID_VALUE;
	extent_remove(&mem->live, addr, &extent);
	free(allocation);
	len = round_up(extent.len, DEVMEM_ALIGN);
	if (extent_merge(&mem->free, addr, len, &merged))
		return CUDA_SUCCESS; /* the addresses are lost, which harms nobody */
	mem->free_bytes += len;
	release_chunks(session, merged, KEPT_CHUNKS * mem->granule);
	return CUDA_SUCCESS;
}

void devmem_free_ctx(struct session *session, CUcontext ctx)
{
	struct devmem *mem = &session->mem;
	size_t i = 0;

	while (i < mem->live.count) {
		struct allocation *allocation = mem->live.v[i].data;
		uint64_t addr = mem->live.v[i].start;

		if (allocation->ctx != ctx || allocation->kind == DEVMEM_VIRTUAL) {
			i++;
			continue;
		}
		if (allocation->kind == DEVMEM_GLOBAL) {
			devmem_remove(session, addr);
		} else {
			pool_forget(session, addr);
			devmem_free(session, addr);
		}
		i = 0;
	}
}

struct allocation *devmem_find(struct session *session, uint64_t addr, uint64_t *start)
{
	struct extent *extent = extent_find(&session->mem.live, addr);

	if (!extent)
		return NULL;
	if (start)
		*start = extent->start;
	return extent->data;
}

bool devmem_valid(struct session *session, uint64_t addr, uint64_t len)
{
	struct devmem *mem = &session->mem;
	struct extent *extent;

	if (addr - mem->base >= mem->size && addr - mem->base < mem->whole)
		return len <= mem->whole - (addr - mem->base);
	extent = extent_find(&mem->live, addr);
	if (!extent)
		return false;
	/* Mappings of cuMemMap lie side by side and may be copied across. */
	while (len > extent->start + extent->len - addr) {
		uint64_t end = extent->start + extent->len;

		if (((struct allocation *)extent->data)->kind != DEVMEM_VIRTUAL)
			return false;
		len -= end - addr;
		addr = end;
		extent = extent_find(&mem->live, addr);
		if (!extent || extent->start != addr)
			return false;
	}
	return true;
}

void devmem_name_global(struct session *session, CUcontext ctx, uint64_t addr, uint64_t size)
{
	if (addr - session->info.device_base >= session->info.device_size)
		session_add_foreign(session, addr, size);
	if (size && !extent_find(&session->mem.live, addr))
		devmem_add(session, DEVMEM_GLOBAL, ctx, addr, size);
}

CUresult devmem_reserve(struct session *session, uint64_t size, uint64_t align, uint64_t hint,
			uint64_t *addr)
{
	struct devmem *mem = &session->mem;

	if (align < mem->granule)
		align = mem->granule;
	if (hint && !(hint & (align - 1)) && extent_take_at(&mem->va, hint, size)) {
		*addr = hint;
		return CUDA_SUCCESS;
	}
	return extent_take(&mem->va, size, align, addr) ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

void devmem_unreserve(struct session *session, uint64_t addr, uint64_t size)
{
	extent_merge(&session->mem.va, addr, size, NULL);
}
