// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Contexts of the session: their life, what device memory they set aside, their events.
 *
 *	create ──> in use: flights come and go ──destroy──> closing: no new flights ──last flight──> gone
 */

#include <stdlib.h>
#include <string.h>

#include "../../log.h"
#include "cuda.h"

#define PRINTF_FIFO_MAX	(64ULL << 20)

/* Of the limits, those that set device memory aside; places in struct cuda_context. */
enum limit_kind {
	LIMIT_STACK,
	LIMIT_HEAP,
	LIMIT_FIFO,
	LIMIT_NONE,
};

/**
 * cuda_quota_allows() - whether a session may have more device memory
 * @more: bytes
 *
 * The kernel charges chunks and one context; here further contexts and what limits set aside are counted with them.
 *
 * Return: true if so. Context: the control thread.
 */
bool cuda_quota_allows(uint64_t more)
{
	const uint64_t quota = cuda.session->memory;
	const struct cuda_context *context;
	uint64_t used = cuda.mapped;
	uint32_t i, kind;

	for (i = 0; i < VGPU_MAX_CONTEXTS; i++) {
		context = &cuda.contexts[i];
		used += context->overhead;
		for (kind = 0; kind < LIMIT_NONE; kind++)
			used += context->limits[kind];
	}
	return used <= quota && more <= quota - used;
}

/**
 * cuda_ctx_use() - begin to put something into a stream of a context, and make it current in this thread
 * @ctx: number
 *
 * Return: CUresult; where it is success, cuda_ctx_unuse() follows. Context: any thread.
 */
CUresult cuda_ctx_use(uint32_t ctx)
{
	struct cuda_context *context = &cuda.contexts[ctx];
	CUresult result = CUDA_ERROR_INVALID_CONTEXT;

	pthread_mutex_lock(&cuda.lock);
	if (context->context && !context->closing) {
		context->flights++;
		result = CUDA_SUCCESS;
	}
	pthread_mutex_unlock(&cuda.lock);
	if (result)
		return result;
	result = cu.cuCtxSetCurrent(context->context);
	if (result)
		cuda_ctx_unuse(ctx);
	return result;
}

/**
 * cuda_ctx_unuse() - a flight has ended, or has not begun
 * @ctx: number
 *
 * Context: any thread.
 */
void cuda_ctx_unuse(uint32_t ctx)
{
	pthread_mutex_lock(&cuda.lock);
	if (!--cuda.contexts[ctx].flights)
		pthread_cond_broadcast(&cuda.idle);
	pthread_mutex_unlock(&cuda.lock);
}

/**
 * cuda_event_take() - an event of a context
 * @ctx: number; current, and in use
 *
 * Return: the event, NULL if the driver gives none. Context: any thread.
 */
CUevent cuda_event_take(uint32_t ctx)
{
	struct cuda_context *context = &cuda.contexts[ctx];
	CUevent event = NULL;

	pthread_mutex_lock(&cuda.lock);
	if (context->num_events)
		event = context->events[--context->num_events];
	pthread_mutex_unlock(&cuda.lock);
	if (!event && cu.cuEventCreate(&event, CU_EVENT_DEFAULT))
		return NULL;
	return event;
}

/**
 * cuda_event_put() - give an event back
 * @ctx: number of its context, in use
 * @event: nobody's any more; NULL is allowed
 *
 * Context: any thread.
 */
void cuda_event_put(uint32_t ctx, CUevent event)
{
	struct cuda_context *context = &cuda.contexts[ctx];
	uint32_t room;
	CUevent *more;

	if (!event)
		return;
	pthread_mutex_lock(&cuda.lock);
	if (context->num_events == context->room) {
		room = context->room * 2 + 64;
		more = realloc(context->events, room * sizeof(*more));
		if (!more) {
			pthread_mutex_unlock(&cuda.lock);
			cu.cuEventDestroy_v2(event);
			return;
		}
		context->events = more;
		context->room = room;
	}
	context->events[context->num_events++] = event;
	pthread_mutex_unlock(&cuda.lock);
}

static uint64_t free_memory(void)
{
	size_t free_bytes = 0, total;

	return cu.cuMemGetInfo_v2(&free_bytes, &total) ? 0 : free_bytes;
}

static void set_context(uint32_t ctx, CUcontext handle)
{
	pthread_mutex_lock(&cuda.lock);
	cuda.contexts[ctx].context = handle;
	cuda.contexts[ctx].closing = false;
	pthread_mutex_unlock(&cuda.lock);
}

/* A further context of the process. The driver pushes what it makes; this thread's stack stays as it was. */
static CUresult create_another(uint32_t ctx, uint32_t flags)
{
	CUcontext handle, popped;
	uint64_t before, after;
	CUresult result;

	result = cuda_enter(0);
	if (result)
		return result;
	before = free_memory();
	result = cu.cuCtxCreate_v2(&handle, flags & (CU_CTX_SCHED_MASK | CU_CTX_MAP_HOST | CU_CTX_LMEM_RESIZE_TO_MAX),
				   cuda.device);
	if (result)
		return result;
	cu.cuCtxPopCurrent_v2(&popped);
	after = free_memory();
	if (!cuda_quota_allows(before > after ? before - after : 0)) {
		cu.cuCtxDestroy_v2(handle);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	cuda.contexts[ctx].overhead = before > after ? before - after : 0;
	set_context(ctx, handle);
	return CUDA_SUCCESS;
}

/**
 * cuda_ctx_create() - VGPU_OP_CTX_CREATE
 * @ctx: number
 * @flags: CUctx_flags
 *
 * The first one is the context that is there already: each costs much device memory.
 *
 * Return: CUresult. Context: the control thread.
 */
CUresult cuda_ctx_create(uint32_t ctx, uint32_t flags)
{
	if (!ctx || cuda.contexts[ctx].context)
		return CUDA_ERROR_INVALID_VALUE;
	if (cuda.base_used)
		return create_another(ctx, flags);
	cuda.base_used = ctx;
	set_context(ctx, cuda.base);
	return CUDA_SUCCESS;
}

/* Nothing is put into the context's streams from now on, and what was has ended. */
static void drain(struct cuda_context *context)
{
	pthread_mutex_lock(&cuda.lock);
	context->closing = true;
	while (context->flights)
		pthread_cond_wait(&cuda.idle, &cuda.lock);
	pthread_mutex_unlock(&cuda.lock);
}

/**
 * cuda_ctx_destroy() - VGPU_OP_CTX_DESTROY: its streams, events and modules end with it
 * @ctx: number
 *
 * Waits for the commands in its streams. Return: CUresult. Context: the control thread.
 */
CUresult cuda_ctx_destroy(uint32_t ctx)
{
	struct cuda_context *context = &cuda.contexts[ctx];
	CUcontext handle = context->context;
	CUresult result;
	uint32_t i;

	if (!ctx || !handle)
		return CUDA_ERROR_INVALID_CONTEXT;
	drain(context);
	result = cu.cuCtxSetCurrent(handle);
	if (result)
		return result;
	cuda_modules_of(ctx);
	cuda_streams_of(ctx);
	for (i = 0; i < context->num_events; i++)
		cu.cuEventDestroy_v2(context->events[i]);
	free(context->events);
	pthread_mutex_lock(&cuda.lock);
	memset(context, 0, sizeof(*context));
	pthread_mutex_unlock(&cuda.lock);
	if (handle != cuda.base) {
		cuda_enter(0);
		return cu.cuCtxDestroy_v2(handle);
	}
	cuda.base_used = 0;
	return CUDA_SUCCESS;
}

static int device_attribute(CUdevice_attribute which)
{
	int value = 0;

	return cu.cuDeviceGetAttribute(&value, which, cuda.device) || value < 0 ? 0 : value;
}

/* Device memory that a limit sets aside; a stack is there for every thread that the GPU holds at once. */
static enum limit_kind limit_bytes(const struct vgpu_op_limit *limit, uint64_t *bytes)
{
	uint64_t threads;

	switch (limit->limit) {
	case CU_LIMIT_STACK_SIZE:
		threads = (uint64_t)device_attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT) *
			  (uint64_t)device_attribute(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR);
		*bytes = threads && limit->value > UINT64_MAX / threads ? UINT64_MAX : limit->value * threads;
		return LIMIT_STACK;
	case CU_LIMIT_MALLOC_HEAP_SIZE:
		*bytes = limit->value;
		return LIMIT_HEAP;
	case CU_LIMIT_PRINTF_FIFO_SIZE:
		*bytes = limit->value;
		return LIMIT_FIFO;
	default:
		*bytes = 0;
		return LIMIT_NONE;
	}
}

/**
 * cuda_ctx_limit() - VGPU_OP_CTX_LIMIT
 * @ctx: number of the context, which is current
 * @limit: which, and to what
 *
 * What a limit sets aside comes out of the quota as all device memory does.
 *
 * Return: CUresult; CUDA_ERROR_OUT_OF_MEMORY for more than the quota has left. Context: the control thread.
 */
CUresult cuda_ctx_limit(uint32_t ctx, const struct vgpu_op_limit *limit)
{
	uint64_t bytes, before = 0;
	enum limit_kind kind = limit_bytes(limit, &bytes);
	uint64_t *charged = kind == LIMIT_NONE ? NULL : &cuda.contexts[ctx].limits[kind];
	CUresult result;

	if (limit->limit == CU_LIMIT_PRINTF_FIFO_SIZE && limit->value > PRINTF_FIFO_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	if (charged) {
		before = *charged;
		if (bytes > before && !cuda_quota_allows(bytes - before)) {
			log_warning("limit %u of context %u set to %llu takes %llu bytes of device memory, more than the quota "
				    "of %llu has left", limit->limit, ctx, limit->value, (unsigned long long)bytes,
				    (unsigned long long)cuda.session->memory);
			return CUDA_ERROR_OUT_OF_MEMORY;
		}
		*charged = bytes;
	}
	result = cu.cuCtxSetLimit((CUlimit)limit->limit, limit->value);
	if (result && charged)
		*charged = before;
	return result;
}
