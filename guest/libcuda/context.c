// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include <string.h>
#include "array.h"
#include "capture.h"
#include "device.h"
#include "error.h"
#include "event.h"
#include "handle.h"
#include "hostmem.h"
#include "module.h"
#include "pool.h"
#include "texture.h"

#define API_VERSION_1 3010 /* what cuCtxGetApiVersion says of contexts by cuCtxCreate */
#define API_VERSION_2 3020 /* and by its later versions */

struct entry {
	CUcontext handle;
	struct context *ctx;
};

/* The calling thread's stack of contexts. */
static __thread struct entry *stack;
static __thread size_t depth, capacity;
static __thread bool in_callback;

static pthread_key_t stack_key;
static pthread_once_t stack_once = PTHREAD_ONCE_INIT;

static void make_stack_key(void)
{
	pthread_key_create(&stack_key, free);
}

void context_release_thread(void)
{
	depth = 0;
}

static CUresult push(CUcontext handle, struct context *ctx)
{
	if (depth == capacity) {
		size_t more = capacity ? capacity * 2 : 8;
		struct entry *bigger = realloc(stack, more * sizeof(*bigger));

		if (!bigger)
			return CUDA_ERROR_OUT_OF_MEMORY;
		stack = bigger;
		capacity = more;
		pthread_once(&stack_once, make_stack_key);
		pthread_setspecific(stack_key, stack);
	}
	stack[depth++] = (struct entry){ .handle = handle, .ctx = ctx };
	return CUDA_SUCCESS;
}

static bool alive(const struct entry *entry)
{
	return __atomic_load_n(&entry->ctx->handle, __ATOMIC_ACQUIRE) == entry->handle;
}

struct context *context_get(CUcontext handle)
{
	return handle_get(HANDLE_CONTEXT, handle);
}

void context_forbid(bool forbid)
{
	in_callback = forbid;
}

CUresult context_may_wait(void)
{
	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	return in_callback ? CUDA_ERROR_NOT_PERMITTED : CUDA_SUCCESS;
}

CUresult context_enter(struct context **ctx)
{
	CUresult result = context_may_wait();

	if (result)
		return result;
	if (!depth)
		return CUDA_ERROR_INVALID_CONTEXT;
	if (!alive(&stack[depth - 1]))
		return CUDA_ERROR_CONTEXT_IS_DESTROYED;
	*ctx = stack[depth - 1].ctx;
	return (*ctx)->session->error;
}

CUresult context_error(struct context *ctx)
{
	CUresult result;

	/* Of an event that outlived its context. */
	if (!ctx->session)
		return CUDA_ERROR_CONTEXT_IS_DESTROYED;
	result = ctx->session->error;
	if (!result) {
		result = ctx->pending;
		ctx->pending = CUDA_SUCCESS;
	}
	return result;
}

CUresult context_synchronize(struct context *ctx)
{
	struct session *session = ctx->session;

	for (int i = 1; i < VGPU_MAX_STREAMS; i++) {
		struct stream *stream = session->streams[i];

		if (!stream)
			break;
		/* Those that were destroyed may have work left. */
		if (stream->ctx == ctx)
			stream_synchronize(stream);
	}
	pool_reclaim(session);
	session_printf(session);
	return context_error(ctx);
}

static CUresult create(struct device *device, unsigned int flags, bool primary,
		       unsigned int api_version, struct context **out)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_CTX_CREATE };
	static uint64_t last_id;
	struct session *session;
	struct context *ctx = NULL;
	uint64_t lacking = 0;
	CUresult result;
	int number;

	result = device_session(device, &session);
	if (result)
		return result;
	pthread_mutex_lock(&session->lock);
	result = session->error;
	/* Number 0 stands for none. */
	for (number = 1; number < VGPU_MAX_CONTEXTS; number++)
		if (!session->contexts[number] || !session->contexts[number]->session)
			break;
	if (!result && number == VGPU_MAX_CONTEXTS)
		result = CUDA_ERROR_OUT_OF_MEMORY;
	if (!result && !session->contexts[number]) {
		session->contexts[number] = calloc(1, sizeof(*ctx));
		if (!session->contexts[number])
			result = CUDA_ERROR_OUT_OF_MEMORY;
	}
	if (result)
		goto out;
	ctx = session->contexts[number];
	memset(ctx, 0, sizeof(*ctx));
	ctx->session = session;
	ctx->number = number;
	ctx->flags = flags;
	ctx->primary = primary;
	ctx->api_version = api_version;
	ctx->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	cmd.ctx = number;
	cmd.object.flags = flags;
	do {
		result = session_call(session, &cmd, &lacking);
	} while (session_reserve_more(session, result, lacking));
	if (!result) {
		CUcontext handle = handle_new(HANDLE_CONTEXT, ctx);

		__atomic_store_n(&ctx->handle, handle, __ATOMIC_RELEASE);
		if (!handle)
			result = CUDA_ERROR_OUT_OF_MEMORY;
	}
	if (result)
		ctx->session = NULL;
out:
	pthread_mutex_unlock(&session->lock);
	*out = ctx;
	return result;
}

/* Ends what lives in a context, then the context. */
static void destroy(struct context *ctx)
{
	struct session *session = ctx->session;
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_CTX_DESTROY, .ctx = ctx->number };
	CUcontext handle = ctx->handle;

	pthread_mutex_lock(&session->lock);
	context_synchronize(ctx);
	handle_free(HANDLE_CONTEXT, handle);
	__atomic_store_n(&ctx->handle, NULL, __ATOMIC_RELEASE);
	for (int i = 1; i < VGPU_MAX_STREAMS; i++) {
		struct stream *stream = session->streams[i];

		if (!stream)
			break;
		if (!stream->used || stream->ctx != ctx)
			continue;
		if (stream->kind == STREAM_CREATED && !handle_free(HANDLE_STREAM, stream->handle))
			continue;
		stream_release(stream);
	}
	module_unload_all(ctx);
	texture_free_ctx(ctx);
	array_free_ctx(handle);
	pool_trim_all(session);
	devmem_free_ctx(session, handle);
	hostmem_free_ctx(session, handle);
	queue_reserve(&session->queue, 1);
	queue_wait(&session->queue, queue_submit(&session->queue, &cmd, NULL, NULL), false);
	ctx->session = NULL;
	pthread_mutex_unlock(&session->lock);
}

static CUresult check_flags(unsigned int flags)
{
	unsigned int sched = flags & CU_CTX_SCHED_MASK;

	if (flags & ~CU_CTX_FLAGS_MASK || sched == 3 || sched > CU_CTX_SCHED_BLOCKING_SYNC)
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

static CUresult create_current(CUcontext *handle, unsigned int flags, CUdevice dev,
			       unsigned int api_version)
{
	struct device *device;
	struct context *ctx;
	CUresult result = device_get(dev, &device);

	if (result)
		return result;
	if (!handle || check_flags(flags))
		return CUDA_ERROR_INVALID_VALUE;
	result = create(device, flags, false, api_version, &ctx);
	if (result)
		return result;
	result = push(ctx->handle, ctx);
	if (result) {
		destroy(ctx);
		return result;
	}
	*handle = ctx->handle;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxCreate(CUcontext *ctx, unsigned int flags, CUdevice dev)
{
	return create_current(ctx, flags, dev, API_VERSION_1);
}

EXPORT CUresult cuCtxCreate_v2(CUcontext *ctx, unsigned int flags, CUdevice dev)
{
	return create_current(ctx, flags, dev, API_VERSION_2);
}

EXPORT CUresult cuCtxCreate_v3(CUcontext *ctx, CUexecAffinityParam *params, int count,
			       unsigned int flags, CUdevice dev)
{
	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (count < 0 || (count && !params))
		return CUDA_ERROR_INVALID_VALUE;
	if (count)
		return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY;
	return create_current(ctx, flags, dev, API_VERSION_2);
}

EXPORT CUresult cuCtxCreate_v4(CUcontext *ctx, CUctxCreateParams *params, unsigned int flags,
			       CUdevice dev)
{
	if (params && params->cigParams)
		return device_init_check() ? CUDA_ERROR_NOT_INITIALIZED : CUDA_ERROR_NOT_SUPPORTED;
	return cuCtxCreate_v3(ctx, params ? params->execAffinityParams : NULL,
			      params ? params->numExecAffinityParams : 0, flags, dev);
}

EXPORT CUresult cuCtxDestroy_v2(CUcontext handle)
{
	struct context *ctx;
	CUresult result = context_may_wait();

	if (result)
		return result;
	ctx = context_get(handle);
	if (!ctx || ctx->primary)
		return CUDA_ERROR_INVALID_CONTEXT;
	/* It is popped where it is the calling thread's current one. */
	if (depth && stack[depth - 1].handle == handle)
		depth--;
	destroy(ctx);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxDestroy(CUcontext ctx)
{
	return cuCtxDestroy_v2(ctx);
}

EXPORT CUresult cuCtxPushCurrent_v2(CUcontext handle)
{
	struct context *ctx;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	ctx = context_get(handle);
	return ctx ? push(handle, ctx) : CUDA_ERROR_INVALID_CONTEXT;
}

EXPORT CUresult cuCtxPushCurrent(CUcontext ctx)
{
	return cuCtxPushCurrent_v2(ctx);
}

EXPORT CUresult cuCtxPopCurrent_v2(CUcontext *handle)
{
	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!depth)
		return CUDA_ERROR_INVALID_CONTEXT;
	depth--;
	if (handle)
		*handle = stack[depth].handle;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxPopCurrent(CUcontext *ctx)
{
	return cuCtxPopCurrent_v2(ctx);
}

EXPORT CUresult cuCtxSetCurrent(CUcontext handle)
{
	struct context *ctx = NULL;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (handle) {
		ctx = context_get(handle);
		if (!ctx)
			return CUDA_ERROR_INVALID_CONTEXT;
	}
	/* It takes the place of the topmost one. */
	if (depth)
		depth--;
	return ctx ? push(handle, ctx) : CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetCurrent(CUcontext *handle)
{
	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!handle)
		return CUDA_ERROR_INVALID_VALUE;
	*handle = depth ? stack[depth - 1].handle : NULL;
	return CUDA_SUCCESS;
}

/* A context that a call names, or the current one where it names none. */
static CUresult named(CUcontext handle, struct context **ctx)
{
	CUresult result;

	if (!handle) {
		result = context_enter(ctx);
		return result;
	}
	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	*ctx = context_get(handle);
	return *ctx ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

static CUresult current_alive(struct context **ctx)
{
	CUresult result = context_enter(ctx);

	/* Questions about the context itself are answered after a fault too. */
	return result && depth && alive(&stack[depth - 1]) && !device_init_check() ? CUDA_SUCCESS
										   : result;
}

EXPORT CUresult cuCtxGetDevice(CUdevice *device)
{
	struct context *ctx;
	CUresult result = current_alive(&ctx);

	if (result)
		return result;
	if (!device)
		return CUDA_ERROR_INVALID_VALUE;
	*device = ctx->session->ordinal;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetDevice_v2(CUdevice *device, CUcontext handle)
{
	struct context *ctx;
	CUresult result = handle ? named(handle, &ctx) : current_alive(&ctx);

	if (result)
		return result;
	if (!device)
		return CUDA_ERROR_INVALID_VALUE;
	*device = ctx->session->ordinal;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetFlags(unsigned int *flags)
{
	struct context *ctx;
	CUresult result = current_alive(&ctx);

	if (result)
		return result;
	if (!flags)
		return CUDA_ERROR_INVALID_VALUE;
	*flags = ctx->flags;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSetFlags(unsigned int flags)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (check_flags(flags))
		return CUDA_ERROR_INVALID_VALUE;
	ctx->flags = flags;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetId(CUcontext handle, unsigned long long *id)
{
	struct context *ctx;
	CUresult result = named(handle, &ctx);

	if (result)
		return result;
	if (!id)
		return CUDA_ERROR_INVALID_VALUE;
	*id = ctx->id;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetApiVersion(CUcontext handle, unsigned int *version)
{
	struct context *ctx;
	CUresult result = named(handle, &ctx);

	if (result)
		return result;
	if (!version)
		return CUDA_ERROR_INVALID_VALUE;
	*version = ctx->api_version;
	return CUDA_SUCCESS;
}

static CUresult synchronize(struct context *ctx)
{
	CUresult result;

	pthread_mutex_lock(&ctx->session->lock);
	result = capture_check_unsafe(ctx->session);
	if (!result)
		result = context_synchronize(ctx);
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuCtxSynchronize(void)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	return result ? result : synchronize(ctx);
}

EXPORT CUresult cuCtxSynchronize_v2(CUcontext handle)
{
	struct context *ctx;
	CUresult result = named(handle, &ctx);

	return result ? result : synchronize(ctx);
}

EXPORT CUresult cuCtxGetCacheConfig(CUfunc_cache *config)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!config)
		return CUDA_ERROR_INVALID_VALUE;
	*config = ctx->cache_config;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSetCacheConfig(CUfunc_cache config)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if ((unsigned int)config > CU_FUNC_CACHE_PREFER_EQUAL)
		return CUDA_ERROR_INVALID_VALUE;
	ctx->cache_config = config;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetSharedMemConfig(CUsharedconfig *config)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!config)
		return CUDA_ERROR_INVALID_VALUE;
	/* Banks have four bytes on every GPU since Maxwell; a wish for others is without effect. */
	*config = CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSetSharedMemConfig(CUsharedconfig config)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	return (unsigned int)config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE
		       ? CUDA_ERROR_INVALID_VALUE
		       : CUDA_SUCCESS;
}

EXPORT CUresult cuCtxAttach(CUcontext *handle, unsigned int flags)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!handle || flags)
		return CUDA_ERROR_INVALID_VALUE;
	*handle = ctx->handle;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxDetach(CUcontext handle)
{
	return cuCtxDestroy_v2(handle);
}

EXPORT CUresult cuCtxResetPersistingL2Cache(void)
{
	struct context *ctx;

	return context_enter(&ctx);
}

EXPORT CUresult cuCtxGetExecAffinity(CUexecAffinityParam *param, CUexecAffinityType type)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	return !param || type >= CU_EXEC_AFFINITY_TYPE_MAX ? CUDA_ERROR_INVALID_VALUE
							   : CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY;
}

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *handle, CUdevice dev)
{
	struct device *device;
	struct context *ctx;
	CUresult result = device_get(dev, &device);

	if (result)
		return result;
	if (!handle)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(device_primary_lock());
	if (!device->primary) {
		result = create(device, device->primary_flags, true, API_VERSION_2, &ctx);
		if (!result)
			device->primary = ctx->handle;
	}
	if (!result) {
		device->primary_refs++;
		*handle = device->primary;
	}
	pthread_mutex_unlock(device_primary_lock());
	return result;
}

static void end_primary(struct device *device)
{
	struct context *ctx = context_get(device->primary);

	device->primary = NULL;
	if (ctx)
		destroy(ctx);
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice dev)
{
	struct device *device;
	CUresult result = context_may_wait();

	if (!result)
		result = device_get(dev, &device);
	if (result)
		return result;
	pthread_mutex_lock(device_primary_lock());
	if (!device->primary_refs)
		result = CUDA_ERROR_INVALID_CONTEXT;
	else if (!--device->primary_refs)
		end_primary(device);
	pthread_mutex_unlock(device_primary_lock());
	return result;
}

EXPORT CUresult cuDevicePrimaryCtxRelease(CUdevice dev)
{
	return cuDevicePrimaryCtxRelease_v2(dev);
}

EXPORT CUresult cuDevicePrimaryCtxReset_v2(CUdevice dev)
{
	struct device *device;
	CUresult result = context_may_wait();

	if (!result)
		result = device_get(dev, &device);
	if (result)
		return result;
	pthread_mutex_lock(device_primary_lock());
	if (device->primary)
		end_primary(device);
	pthread_mutex_unlock(device_primary_lock());
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxReset(CUdevice dev)
{
	return cuDevicePrimaryCtxReset_v2(dev);
}

EXPORT CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice dev, unsigned int flags)
{
	struct device *device;
	struct context *ctx;
	CUresult result = device_get(dev, &device);

	if (result)
		return result;
	if (check_flags(flags))
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(device_primary_lock());
	device->primary_flags = flags;
	ctx = device->primary ? context_get(device->primary) : NULL;
	if (ctx)
		ctx->flags = flags;
	pthread_mutex_unlock(device_primary_lock());
	return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxSetFlags(CUdevice dev, unsigned int flags)
{
	return cuDevicePrimaryCtxSetFlags_v2(dev, flags);
}

EXPORT CUresult cuDevicePrimaryCtxGetState(CUdevice dev, unsigned int *flags, int *active)
{
	struct device *device;
	CUresult result = device_get(dev, &device);

	if (result)
		return result;
	if (!flags || !active)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(device_primary_lock());
	*flags = device->primary_flags;
	*active = device->primary != NULL;
	pthread_mutex_unlock(device_primary_lock());
	return CUDA_SUCCESS;
}
