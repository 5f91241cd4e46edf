/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Memory pools: stream-ordered allocation
 *
 * An allocation is there at once, in every stream. A free takes place where the stream comes to it:
 * until then the block waits in its pool, from which allocations in the same stream may take it
 * without waiting. Blocks whose streams have passed the free go back to the device memory of the
 * session, but for the pool's release threshold.
 *
 * With the session's lock held.
 */
#ifndef VGPU_LIBCUDA_POOL_H
#define VGPU_LIBCUDA_POOL_H

#include "stream.h"

struct pool;

/**
 * pool_free_issue() - frees a block in a stream
 * @addr: whose allocation was marked as freed
 */
CUresult pool_free_issue(struct stream *stream, uint64_t addr);

/**
 * pool_forget() - the allocation at @addr is about to be freed by cuMemFree
 */
void pool_forget(struct session *session, uint64_t addr);

/**
 * pool_reclaim() - gives back the blocks that no stream uses any more
 */
void pool_reclaim(struct session *session);

/**
 * pool_trim_all() - gives back all that pools keep, waiting for it
 * Return: whether there was anything
 */
bool pool_trim_all(struct session *session);

/**
 * pool_handle() - what the program calls a pool; NULL for none
 */
CUmemoryPool pool_handle(struct pool *pool);

#endif
