// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Contexts of the session: their life, their limits, their events.
 *
 *	create ──> in use: flights come and go ──destroy──> closing: no new flights ──last flight──> gone
 */

#include <stdlib.h>
#include <string.h>

#include "../../log.h"
#include "cuda.h"

#define PRINTF_FIFO_MAX	(64ULL << 20)

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
	CUresult result;

	if (!cuda_take(ctx, BESIDE_CONTEXT, cuda.overhead))
		return CUDA_ERROR_OUT_OF_MEMORY;
	result = cuda_enter(0);
	if (!result)
		result = cu.cuCtxCreate_v2(&handle, flags & (CU_CTX_SCHED_MASK | CU_CTX_MAP_HOST |
							     CU_CTX_LMEM_RESIZE_TO_MAX), cuda.device);
	if (result) {
		cuda_take(ctx, BESIDE_CONTEXT, 0);
		return result;
	}
	cu.cuCtxPopCurrent_v2(&popped);
	set_context(ctx, handle);
	return CUDA_SUCCESS;
}

/**
 * cuda_ctx_create() - VGPU_OP_CTX_CREATE
 * @ctx: number
 * @flags: CUctx_flags
 *
 * The first one is the context that is there already: each costs much device memory, and is counted for what the
 * supervisor saw a process take.
 *
 * Return: CUresult; CUDA_ERROR_OUT_OF_MEMORY where the reserve has no room. Context: the control thread.
 */
CUresult cuda_ctx_create(uint32_t ctx, uint32_t flags)
{
	if (!ctx || cuda.contexts[ctx].context)
		return CUDA_ERROR_INVALID_VALUE;
	if (cuda.base_used)
		return create_another(ctx, flags);
	cuda.base_used = ctx;
	memcpy(cuda.contexts[ctx].beside, cuda.contexts[0].beside, sizeof(cuda.contexts[0].beside));
	memset(cuda.contexts[0].beside, 0, sizeof(cuda.contexts[0].beside));
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
	cuda_textures_of(ctx);
	cuda_modules_of(ctx);
	cuda_streams_of(ctx);
	for (i = 0; i < context->num_events; i++)
		cu.cuEventDestroy_v2(context->events[i]);
	free(context->events);
	if (handle == cuda.base)
		cuda_reset_limits(ctx);
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

/**
 * cuda_ctx_limit() - VGPU_OP_CTX_LIMIT
 * @ctx: number of the context, which is current
 * @limit: which, and to what
 *
 * What a limit sets aside comes out of the session's reserve.
 *
 * Return: CUresult; CUDA_ERROR_OUT_OF_MEMORY where that has no room. Context: the control thread.
 */
CUresult cuda_ctx_limit(uint32_t ctx, const struct vgpu_op_limit *limit)
{
	if (limit->limit == CU_LIMIT_PRINTF_FIFO_SIZE && limit->value > PRINTF_FIFO_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	return cuda_take_limit(ctx, limit);
}
