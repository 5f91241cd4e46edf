// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include <string.h>
#include "capture.h"
#include "device.h"
#include "graph.h"
#include "handle.h"
#include "pool.h"

/* A block that was freed in a stream and not yet given back. */
struct waiting {
	uint64_t addr;
	uint64_t size;
	struct stream *stream;
	uint64_t stream_id;
	uint64_t mark;
	struct pool *pool;
	struct waiting *next;
};

struct pool {
	CUmemoryPool handle;
	struct session *session;
	int ordinal;
	bool is_default;
	bool closing; /* destroyed, with allocations left */
	uint64_t threshold;
	int reuse[3];
	uint64_t allocations;
	uint64_t used, used_high;
	uint64_t kept, reserved_high;
};

struct pools {
	struct pool *standard; /* the device's default pool */
	struct pool *current; /* what cuMemAllocAsync uses */
	struct waiting *waiting;
};

static struct pools all[MAX_DEVICES];

static struct pools *pools_of(const struct session *session)
{
	return &all[session->ordinal];
}

CUmemoryPool pool_handle(struct pool *pool)
{
	return pool ? pool->handle : NULL;
}

static CUresult new_pool(struct session *session, int ordinal, struct pool **out)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return CUDA_ERROR_OUT_OF_MEMORY;
	pool->session = session;
	pool->ordinal = ordinal;
	for (int i = 0; i < 3; i++)
		pool->reuse[i] = 1;
	pool->handle = handle_new(HANDLE_POOL, pool);
	if (!pool->handle) {
		free(pool);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	*out = pool;
	return CUDA_SUCCESS;
}

/* The default pool of a session, made when it is first asked for. */
static CUresult standard_pool(struct session *session, struct pool **out)
{
	struct pools *pools = pools_of(session);
	CUresult result = CUDA_SUCCESS;

	if (!pools->standard) {
		result = new_pool(session, session->ordinal, &pools->standard);
		if (!result) {
			pools->standard->is_default = true;
			if (!pools->current)
				pools->current = pools->standard;
		}
	}
	*out = pools->standard;
	return result;
}

static void note(struct pool *pool)
{
	uint64_t reserved = pool->used + pool->kept;

	if (pool->used > pool->used_high)
		pool->used_high = pool->used;
	if (reserved > pool->reserved_high)
		pool->reserved_high = reserved;
}

static void finish(struct pool *pool)
{
	if (!pool->closing || pool->allocations || pool->kept)
		return;
	free(pool);
}

static bool passed(struct waiting *w)
{
	return w->stream->id != w->stream_id || queue_done(&w->stream->session->queue, w->mark);
}

/* Takes a block out of the list and gives it back. */
static void give_back(struct session *session, struct waiting **at)
{
	struct waiting *w = *at;
	struct pool *pool = w->pool;

	*at = w->next;
	devmem_free(session, w->addr);
	if (pool) {
		pool->kept -= w->size;
		finish(pool);
	}
	free(w);
}

static void reclaim(struct session *session, struct pool *only, uint64_t keep)
{
	struct waiting **at = &pools_of(session)->waiting;

	queue_poll(&session->queue);
	while (*at) {
		struct pool *pool = (*at)->pool;
		uint64_t most = only ? keep : pool && !pool->closing ? pool->threshold : 0;

		if ((only && pool != only) || !passed(*at) || (pool && pool->kept <= most)) {
			at = &(*at)->next;
			continue;
		}
		give_back(session, at);
		/* The lock may have been let go of. */
		at = &pools_of(session)->waiting;
	}
}

void pool_reclaim(struct session *session)
{
	if (pools_of(session)->waiting)
		reclaim(session, NULL, 0);
}

bool pool_trim_all(struct session *session)
{
	struct pools *pools = pools_of(session);
	bool any = pools->waiting != NULL;

	while (pools->waiting) {
		struct waiting *w = pools->waiting;

		if (!passed(w)) {
			queue_wait(&session->queue, w->mark, false);
			continue;
		}
		give_back(session, &pools->waiting);
	}
	return any;
}

void pool_forget(struct session *session, uint64_t addr)
{
	struct allocation *allocation = devmem_find(session, addr, NULL);
	struct pool *pool = allocation ? allocation->owner : NULL;

	if (!pool)
		return;
	pool->used -= allocation->size;
	pool->allocations--;
	finish(pool);
}

CUresult pool_free_issue(struct stream *stream, uint64_t addr)
{
	struct session *session = stream->session;
	struct pools *pools = pools_of(session);
	struct allocation *allocation = devmem_find(session, addr, NULL);
	struct waiting *w;

	if (!allocation)
		return CUDA_ERROR_INVALID_VALUE;
	w = calloc(1, sizeof(*w));
	if (!w)
		return CUDA_ERROR_OUT_OF_MEMORY;
	w->addr = addr;
	w->size = allocation->size;
	w->stream = stream;
	w->stream_id = stream->id;
	w->mark = stream->mark;
	w->pool = allocation->owner;
	w->next = pools->waiting;
	pools->waiting = w;
	if (w->pool) {
		w->pool->used -= w->size;
		w->pool->kept += w->size;
		w->pool->allocations--;
	}
	return CUDA_SUCCESS;
}

/* A block of the pool that can be used in this stream from now on. */
static bool take_waiting(struct stream *stream, struct pool *pool, uint64_t size, uint64_t *addr)
{
	struct waiting **at, **best = NULL;

	for (at = &pools_of(stream->session)->waiting; *at; at = &(*at)->next) {
		struct waiting *w = *at;

		if (w->pool != pool || w->size < size || w->size / 2 > size)
			continue;
		if (!(w->stream == stream && w->stream_id == stream->id) && !passed(w))
			continue;
		if (!best || w->size < (*best)->size)
			best = at;
	}
	if (!best)
		return false;
	struct waiting *w = *best;
	struct allocation *allocation = devmem_find(stream->session, w->addr, NULL);

	*best = w->next;
	*addr = w->addr;
	pool->kept -= w->size;
	allocation->freed = false;
	allocation->id = devmem_id();
	free(w);
	return true;
}

static CUresult pool_alloc(struct pool *pool, struct stream *stream, uint64_t size, CUdeviceptr *out)
{
	struct session *session = stream->session;
	struct allocation *allocation;
	uint64_t addr;
	CUresult result;

	reclaim(session, NULL, 0);
	if (!take_waiting(stream, pool, size, &addr)) {
		result = devmem_alloc(session, DEVMEM_ASYNC, stream->ctx->handle, size, &addr);
		if (result == CUDA_ERROR_OUT_OF_MEMORY && pool_trim_all(session))
			result = devmem_alloc(session, DEVMEM_ASYNC, stream->ctx->handle, size,
					      &addr);
		if (result)
			return result;
	}
	allocation = devmem_find(session, addr, NULL);
	allocation->owner = pool;
	pool->used += allocation->size;
	pool->allocations++;
	note(pool);
	*out = addr;
	return CUDA_SUCCESS;
}

static CUresult alloc_async(CUdeviceptr *addr, size_t size, CUmemoryPool handle, bool named,
			    CUstream stream_handle, bool thread_default)
{
	struct context *ctx;
	struct stream *stream;
	struct pool *pool;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!addr || !size)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&ctx->session->lock);
	result = stream_resolve(ctx, stream_handle, thread_default, &stream);
	if (!result && stream->session != ctx->session)
		result = CUDA_ERROR_INVALID_HANDLE;
	if (!result)
		result = capture_check(stream);
	if (!result) {
		result = standard_pool(ctx->session, &pool);
		if (named)
			pool = handle_get(HANDLE_POOL, handle);
		else if (!result)
			pool = pools_of(ctx->session)->current;
		if (!result && (!pool || pool->session != ctx->session))
			result = CUDA_ERROR_INVALID_VALUE;
	}
	if (!result && stream->capture) {
		struct op op = { .kind = OP_ALLOC };

		result = graph_memory(ctx, size, &op.mem.addr);
		op.mem.size = size;
		if (!result)
			result = capture_op(stream, &op);
		if (!result)
			*addr = op.mem.addr;
	} else if (!result) {
		result = pool_alloc(pool, stream, size, addr);
	}
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuMemAllocAsync(CUdeviceptr *addr, size_t size, CUstream stream)
{
	return alloc_async(addr, size, NULL, false, stream, false);
}

EXPORT CUresult cuMemAllocAsync_ptsz(CUdeviceptr *addr, size_t size, CUstream stream)
{
	return alloc_async(addr, size, NULL, false, stream, true);
}

EXPORT CUresult cuMemAllocFromPoolAsync(CUdeviceptr *addr, size_t size, CUmemoryPool pool,
					CUstream stream)
{
	return alloc_async(addr, size, pool, true, stream, false);
}

EXPORT CUresult cuMemAllocFromPoolAsync_ptsz(CUdeviceptr *addr, size_t size, CUmemoryPool pool,
					     CUstream stream)
{
	return alloc_async(addr, size, pool, true, stream, true);
}

static CUresult free_async(CUdeviceptr addr, CUstream stream_handle, bool thread_default)
{
	struct op op = { .kind = OP_FREE };
	struct allocation *allocation;
	struct context *ctx;
	struct stream *stream;
	uint64_t start;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!addr)
		return CUDA_SUCCESS;
	if (session_of(addr) != ctx->session || !session_is_device(ctx->session, addr))
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&ctx->session->lock);
	result = stream_resolve(ctx, stream_handle, thread_default, &stream);
	if (!result && stream->session != ctx->session)
		result = CUDA_ERROR_INVALID_HANDLE;
	allocation = devmem_find(ctx->session, addr, &start);
	if (!result && (!allocation || start != addr || allocation->freed ||
			(allocation->kind != DEVMEM_PLAIN && allocation->kind != DEVMEM_ASYNC)))
		result = CUDA_ERROR_INVALID_VALUE;
	if (!result) {
		op.mem.addr = addr;
		if (!stream->capture)
			allocation->freed = true;
		result = stream_run(stream, &op);
	}
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuMemFreeAsync(CUdeviceptr addr, CUstream stream)
{
	return free_async(addr, stream, false);
}

EXPORT CUresult cuMemFreeAsync_ptsz(CUdeviceptr addr, CUstream stream)
{
	return free_async(addr, stream, true);
}

/* The session of a device whose pools are asked for: they live in it. */
static CUresult device_pools(CUdevice dev, struct session **session)
{
	struct device *device;
	CUresult result = device_get(dev, &device);

	return result ? result : device_session(device, session);
}

EXPORT CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *out, CUdevice dev)
{
	struct session *session;
	struct pool *pool;
	CUresult result;

	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	result = device_pools(dev, &session);
	if (result)
		return result;
	pthread_mutex_lock(&session->lock);
	result = standard_pool(session, &pool);
	if (!result)
		*out = pool->handle;
	pthread_mutex_unlock(&session->lock);
	return result;
}

EXPORT CUresult cuDeviceGetMemPool(CUmemoryPool *out, CUdevice dev)
{
	struct session *session;
	struct pool *pool;
	CUresult result;

	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	result = device_pools(dev, &session);
	if (result)
		return result;
	pthread_mutex_lock(&session->lock);
	result = standard_pool(session, &pool);
	if (!result)
		*out = pools_of(session)->current->handle;
	pthread_mutex_unlock(&session->lock);
	return result;
}

EXPORT CUresult cuDeviceSetMemPool(CUdevice dev, CUmemoryPool handle)
{
	struct session *session;
	struct pool *pool = handle_get(HANDLE_POOL, handle);
	CUresult result = device_pools(dev, &session);

	if (result)
		return result;
	if (!pool || pool->session != session)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&session->lock);
	pools_of(session)->current = pool;
	pthread_mutex_unlock(&session->lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuMemPoolCreate(CUmemoryPool *out, const CUmemPoolProps *props)
{
	struct session *session;
	struct pool *pool;
	CUresult result;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!out || !props || props->allocType != CU_MEM_ALLOCATION_TYPE_PINNED)
		return CUDA_ERROR_INVALID_VALUE;
	if (props->location.type != CU_MEM_LOCATION_TYPE_DEVICE ||
	    props->handleTypes != CU_MEM_HANDLE_TYPE_NONE)
		return CUDA_ERROR_NOT_SUPPORTED;
	result = device_pools(props->location.id, &session);
	if (result)
		return result;
	pthread_mutex_lock(&session->lock);
	result = standard_pool(session, &pool);
	if (!result)
		result = new_pool(session, props->location.id, &pool);
	if (!result)
		*out = pool->handle;
	pthread_mutex_unlock(&session->lock);
	return result;
}

/* A pool by its handle, with its session's lock held at success. */
static CUresult enter(CUmemoryPool handle, struct pool **pool)
{
	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	*pool = handle_get(HANDLE_POOL, handle);
	if (!*pool)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&(*pool)->session->lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuMemPoolDestroy(CUmemoryPool handle)
{
	struct session *session;
	struct pools *pools;
	struct pool *pool;
	CUresult result = enter(handle, &pool);

	if (result)
		return result;
	session = pool->session;
	pools = pools_of(session);
	if (pool->is_default) {
		result = CUDA_ERROR_INVALID_VALUE;
	} else {
		handle_free(HANDLE_POOL, handle);
		if (pools->current == pool)
			pools->current = pools->standard;
		pool->closing = true;
		if (pool->kept)
			reclaim(session, NULL, 0);
		else
			finish(pool);
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}

EXPORT CUresult cuMemPoolTrimTo(CUmemoryPool handle, size_t keep)
{
	struct pool *pool;
	CUresult result = enter(handle, &pool);

	if (result)
		return result;
	reclaim(pool->session, pool, keep);
	if (!pool->kept)
		devmem_trim(pool->session);
	pthread_mutex_unlock(&pool->session->lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuMemPoolGetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *value)
{
	struct pool *pool;
	CUresult result = enter(handle, &pool);

	if (result)
		return result;
	if (!value) {
		result = CUDA_ERROR_INVALID_VALUE;
	} else {
		cuuint64_t *number = value;

		switch (attribute) {
		case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
		case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
		case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
			*(int *)value =
				pool->reuse[attribute - CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES];
			break;
		case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
			*number = pool->threshold;
			break;
		case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
			*number = pool->used + pool->kept;
			break;
		case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
			*number = pool->reserved_high;
			break;
		case CU_MEMPOOL_ATTR_USED_MEM_CURRENT:
			*number = pool->used;
			break;
		case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
			*number = pool->used_high;
			break;
		default:
			result = CUDA_ERROR_INVALID_VALUE;
		}
	}
	pthread_mutex_unlock(&pool->session->lock);
	return result;
}

EXPORT CUresult cuMemPoolSetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *value)
{
	struct pool *pool;
	CUresult result = enter(handle, &pool);

	if (result)
		return result;
	if (!value) {
		result = CUDA_ERROR_INVALID_VALUE;
	} else {
		cuuint64_t number;

		switch (attribute) {
		case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
		case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
		case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
			pool->reuse[attribute - CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES] =
				*(int *)value;
			break;
		case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
			memcpy(&pool->threshold, value, sizeof(pool->threshold));
			break;
		case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
		case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
			/* They can only be reset. */
			memcpy(&number, value, sizeof(number));
			if (number)
				result = CUDA_ERROR_INVALID_VALUE;
			else if (attribute == CU_MEMPOOL_ATTR_USED_MEM_HIGH)
				pool->used_high = pool->used;
			else
				pool->reserved_high = pool->used + pool->kept;
			break;
		default:
			result = CUDA_ERROR_INVALID_VALUE;
		}
	}
	pthread_mutex_unlock(&pool->session->lock);
	return result;
}

EXPORT CUresult cuMemPoolSetAccess(CUmemoryPool handle, const CUmemAccessDesc *map, size_t count)
{
	struct pool *pool;
	CUresult result = enter(handle, &pool);

	if (result)
		return result;
	for (size_t i = 0; i < count && !result; i++) {
		if (!map || map[i].location.type != CU_MEM_LOCATION_TYPE_DEVICE ||
		    map[i].location.id < 0 || map[i].location.id >= device_count())
			result = CUDA_ERROR_INVALID_DEVICE;
		else if (map[i].location.id != pool->ordinal &&
			 map[i].flags != CU_MEM_ACCESS_FLAGS_PROT_NONE)
			result = CUDA_ERROR_INVALID_DEVICE;
		else if (map[i].location.id == pool->ordinal &&
			 map[i].flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE)
			result = CUDA_ERROR_INVALID_VALUE;
	}
	pthread_mutex_unlock(&pool->session->lock);
	return result;
}

EXPORT CUresult cuMemPoolGetAccess(CUmemAccess_flags *flags, CUmemoryPool handle,
				   CUmemLocation *location)
{
	struct pool *pool;
	CUresult result = enter(handle, &pool);

	if (result)
		return result;
	if (!flags || !location || location->type != CU_MEM_LOCATION_TYPE_DEVICE)
		result = CUDA_ERROR_INVALID_VALUE;
	else
		*flags = location->id == pool->ordinal ? CU_MEM_ACCESS_FLAGS_PROT_READWRITE
						       : CU_MEM_ACCESS_FLAGS_PROT_NONE;
	pthread_mutex_unlock(&pool->session->lock);
	return result;
}
