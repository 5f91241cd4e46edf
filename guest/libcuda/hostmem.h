/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Pinned host memory
 *
 * What cuMemHostAlloc gives is aperture memory, which the executor sees at the same address: copies
 * touch no CPU and kernels reach it. Memory that the program allocated itself cannot be shared with
 * the device; cuMemHostRegister notes it, copies stage it as any pageable memory, and it has no
 * device pointer.
 */
#ifndef VGPU_LIBCUDA_HOSTMEM_H
#define VGPU_LIBCUDA_HOSTMEM_H

#include "context.h"

/**
 * struct host_memory - an allocation or registration
 * @ctx: handle of the context in which it was made
 * @id: as struct allocation's
 * @flags: CU_MEMHOSTALLOC_* or CU_MEMHOSTREGISTER_*
 * @block: of the heap, for allocations
 * @registered: by cuMemHostRegister
 * @managed: by cuMemAllocManaged
 */
struct host_memory {
	CUcontext ctx;
	uint64_t id;
	unsigned int flags;
	struct heap_block block;
	bool registered;
	bool managed;
};

/**
 * hostmem_find() - what host memory an address lies in
 * @start: out: first address, or NULL
 * @len: out: bytes, or NULL
 *
 * Return: it, or NULL. With the session's lock held.
 */
struct host_memory *hostmem_find(struct session *session, uint64_t addr, uint64_t *start,
				 uint64_t *len);

/**
 * hostmem_alloc() - allocates aperture memory
 * @p: out
 *
 * Return: as cuMemHostAlloc. Takes the session's lock.
 */
CUresult hostmem_alloc(struct context *ctx, size_t size, unsigned int flags, bool managed, void **p);

/**
 * hostmem_free() - frees aperture memory that no work uses any more
 * @managed: it has to be of cuMemAllocManaged
 *
 * Return: CUDA_SUCCESS or CUDA_ERROR_INVALID_VALUE. With the session's lock held.
 */
CUresult hostmem_free(struct session *session, uint64_t addr, bool managed);

/**
 * hostmem_free_ctx() - frees what a context has left
 */
void hostmem_free_ctx(struct session *session, CUcontext ctx);

/**
 * hostmem_lock_registered() - finds the session in which memory is registered, with its lock taken
 * Return: it, or NULL
 */
struct session *hostmem_lock_registered(const void *p);

#endif
