/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Device memory of a session
 *
 * Chunks of the session's device address range are backed by VGPU_OP_CHUNK_MAP as allocations need
 * them and given back when nothing in them is allocated any more (a few are kept, so that a program
 * that frees and allocates in turn does not cross each time). Allocations are cut from what is
 * mapped. Everything is called with the session's lock held; what maps lets go of it while it
 * waits.
 */
#ifndef VGPU_LIBCUDA_DEVMEM_H
#define VGPU_LIBCUDA_DEVMEM_H

#include "cuda_api.h"
#include "extent.h"

struct session;

#define DEVMEM_ALIGN 512 /* of every allocation, as CUDA's texture alignment */

/**
 * enum devmem_kind - how an allocation came about
 */
enum devmem_kind {
	DEVMEM_PLAIN, /* cuMemAlloc */
	DEVMEM_ASYNC, /* cuMemAllocAsync */
	DEVMEM_VIRTUAL, /* cuMemMap */
	DEVMEM_GLOBAL, /* variable of a module */
};

/**
 * struct allocation - what a device pointer points into
 * @kind: how it came about
 * @ctx: handle of the context in which it was made
 * @id: unique in the process, never used twice
 * @size: bytes asked for
 * @sync_memops: CU_POINTER_ATTRIBUTE_SYNC_MEMOPS
 * @freed: by cuMemFreeAsync, to be given back when its stream has come there
 * @owner: of DEVMEM_ASYNC the pool, of DEVMEM_VIRTUAL the allocation handle
 */
struct allocation {
	enum devmem_kind kind;
	CUcontext ctx;
	uint64_t id;
	uint64_t size;
	bool sync_memops;
	bool freed;
	void *owner;
};

struct devmem {
	uint64_t base;
	uint64_t size; /* of the range for chunks */
	uint64_t whole; /* of the range, with the executor's part */
	uint64_t granule;
	uint64_t quota;
	uint64_t mapped; /* bytes in chunks */
	uint64_t free_bytes; /* bytes of them that are not allocated */
	uint64_t virtual_bytes; /* bytes mapped by cuMemMap */
	uint64_t unmapping; /* bytes whose unmapping may not have ended */
	struct extent_set va; /* addresses without chunk */
	struct extent_set chunks; /* mapped */
	struct extent_set free; /* mapped and not allocated */
	struct extent_set live; /* allocations; data is struct allocation */
};

/**
 * devmem_init() - begins with an empty device address range
 * Return: 0 or -ENOMEM
 */
int devmem_init(struct devmem *mem, uint64_t base, uint64_t chunk_size, uint64_t whole,
		uint64_t granule, uint64_t quota);

/**
 * devmem_alloc() - allocates
 * @session: whose
 * @kind: DEVMEM_PLAIN or DEVMEM_ASYNC
 * @ctx: for which context
 * @size: bytes, not zero
 * @addr: out, a multiple of DEVMEM_ALIGN
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_OUT_OF_MEMORY, or what the session died of
 */
CUresult devmem_alloc(struct session *session, enum devmem_kind kind, CUcontext ctx, uint64_t size,
		      uint64_t *addr);

/**
 * devmem_free() - gives an allocation back that begins at @addr and that no work uses any more
 * Return: CUDA_SUCCESS or CUDA_ERROR_INVALID_VALUE
 */
CUresult devmem_free(struct session *session, uint64_t addr);

/**
 * devmem_free_ctx() - gives back what a context has left; no work uses it any more
 * @ctx: handle of the context
 */
void devmem_free_ctx(struct session *session, CUcontext ctx);

/**
 * devmem_find() - the allocation that holds an address
 * @start: out: where it begins, or NULL
 *
 * Return: it, or NULL
 */
struct allocation *devmem_find(struct session *session, uint64_t addr, uint64_t *start);

/**
 * devmem_valid() - whether [addr, addr + len) may be named in a copy
 *
 * Inside one allocation, or in the executor's part of the range, where the variables of modules lie.
 */
bool devmem_valid(struct session *session, uint64_t addr, uint64_t len);

/**
 * devmem_name_global() - notes a module's variable, so that pointers into it are known; again for
 * the same is harmless
 */
void devmem_name_global(struct session *session, CUcontext ctx, uint64_t addr, uint64_t size);

/**
 * devmem_reserve() - takes addresses without backing
 * @size: multiple of the granule
 * @align: power of two
 * @hint: wanted address or 0
 *
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY
 */
CUresult devmem_reserve(struct session *session, uint64_t size, uint64_t align, uint64_t hint,
			uint64_t *addr);

/**
 * devmem_unreserve() - gives addresses without backing back
 */
void devmem_unreserve(struct session *session, uint64_t addr, uint64_t size);

/**
 * devmem_map() - backs reserved addresses; waits
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY
 */
CUresult devmem_map(struct session *session, uint64_t addr, uint64_t size);

/**
 * devmem_map_shared() - devmem_map() of what may have aliases
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY
 */
CUresult devmem_map_shared(struct session *session, uint64_t addr, uint64_t size);

/**
 * devmem_alias() - makes memory reachable at reserved addresses, too; waits
 * @source: of devmem_map_shared(), of the same size
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY
 */
CUresult devmem_alias(struct session *session, uint64_t addr, uint64_t size, uint64_t source);

/**
 * devmem_unalias() - undoes devmem_alias(); no work uses it any more
 */
void devmem_unalias(struct session *session, uint64_t addr, uint64_t size);

/**
 * devmem_unmap() - takes the backing of devmem_map() away; no work uses it any more
 */
void devmem_unmap(struct session *session, uint64_t addr, uint64_t size);

/**
 * devmem_add() - makes [addr, addr + size) known as an allocation
 * Return: it, or NULL where memory is exhausted
 */
struct allocation *devmem_add(struct session *session, enum devmem_kind kind, CUcontext ctx,
			      uint64_t addr, uint64_t size);

/**
 * devmem_remove() - forgets the allocation that begins at @addr
 */
void devmem_remove(struct session *session, uint64_t addr);

/**
 * devmem_trim() - gives back every chunk in which nothing is allocated
 */
void devmem_trim(struct session *session);

/**
 * devmem_id() - a number for a new allocation, host memory's too
 */
uint64_t devmem_id(void);

#endif
