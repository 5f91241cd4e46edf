// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include <string.h>
#include "capture.h"
#include "defer.h"
#include "handle.h"
#include "stream.h"

/* Default streams of this thread, one for each context that it used. */
struct thread_stream {
	struct thread_stream *next;
	struct context *ctx;
	CUcontext ctx_handle;
	struct stream *stream;
};

static __thread struct thread_stream *thread_streams;
static pthread_key_t thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;

static void release_thread_streams(void *list)
{
	struct thread_stream *entry = list;

	while (entry) {
		struct thread_stream *next = entry->next;
		struct session *session = entry->stream->session;

		pthread_mutex_lock(&session->lock);
		if (entry->ctx->handle == entry->ctx_handle)
			stream_release(entry->stream);
		pthread_mutex_unlock(&session->lock);
		free(entry);
		entry = next;
	}
}

static void make_thread_key(void)
{
	pthread_key_create(&thread_key, release_thread_streams);
}

static struct stream *free_stream(struct session *session)
{
	/* Number 0 is the control stream. */
	for (int i = 1; i < VGPU_MAX_STREAMS; i++) {
		struct stream *stream = session->streams[i];

		if (!stream) {
			stream = calloc(1, sizeof(*stream));
			if (!stream)
				return NULL;
			stream->number = i;
			stream->session = session;
			session->streams[i] = stream;
		}
		if (!stream->used)
			return stream;
	}
	return NULL;
}

CUresult stream_new(struct context *ctx, enum stream_kind kind, unsigned int flags, int priority,
		    struct stream **stream)
{
	struct session *session = ctx->session;
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_STREAM_CREATE };
	static uint64_t last_id;
	struct stream *s;

	s = free_stream(session);
	if (!s)
		return CUDA_ERROR_OUT_OF_MEMORY;
	s->kind = kind;
	s->used = true;
	s->closing = false;
	s->ctx = ctx;
	s->flags = flags;
	s->priority = priority;
	s->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	s->handle = NULL;
	s->mark = 0;
	s->joined = 0;
	s->legacy_mark = 0;
	s->first = NULL;
	s->last = &s->first;
	s->appended = 0;
	s->issued = 0;
	s->capture = NULL;
	s->capture_deps = (struct node_set){ 0 };
	if (kind == STREAM_CREATED) {
		s->handle = handle_new(HANDLE_STREAM, s);
		if (!s->handle) {
			s->used = false;
			return CUDA_ERROR_OUT_OF_MEMORY;
		}
	}
	cmd.object.flags = CU_STREAM_NON_BLOCKING;
	cmd.object.priority = priority;
	cmd.stream = s->number;
	cmd.ctx = ctx->number;
	queue_reserve(&session->queue, 1);
	/* It is no work: a new stream is idle. */
	queue_submit(&session->queue, &cmd, NULL, NULL);
	*stream = s;
	return CUDA_SUCCESS;
}

static void finish(struct stream *stream)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_STREAM_DESTROY };

	queue_reserve(&stream->session->queue, 1);
	stream_submit(stream, &cmd, NULL, NULL);
	stream->used = false;
}

void stream_release(struct stream *stream)
{
	if (stream->first)
		stream->closing = true; /* defer.c comes back when they are issued */
	else
		finish(stream);
}

CUresult stream_resolve(struct context *ctx, CUstream handle, bool thread_default,
			struct stream **stream)
{
	struct thread_stream *entry;
	struct stream *s;
	CUresult result;

	if (handle && handle != CU_STREAM_LEGACY && handle != CU_STREAM_PER_THREAD) {
		s = handle_get(HANDLE_STREAM, handle);
		if (!s)
			return CUDA_ERROR_INVALID_HANDLE;
		*stream = s;
		return CUDA_SUCCESS;
	}
	if (handle == CU_STREAM_LEGACY || (!handle && !thread_default)) {
		if (!ctx->legacy) {
			result = stream_new(ctx, STREAM_LEGACY, 0, 0, &s);
			if (result)
				return result;
			if (ctx->legacy)
				stream_release(s); /* another thread was faster */
			else
				ctx->legacy = s;
		}
		*stream = ctx->legacy;
		return CUDA_SUCCESS;
	}
	for (entry = thread_streams; entry; entry = entry->next) {
		if (entry->ctx == ctx && entry->ctx_handle == ctx->handle) {
			*stream = entry->stream;
			return CUDA_SUCCESS;
		}
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return CUDA_ERROR_OUT_OF_MEMORY;
	result = stream_new(ctx, STREAM_THREAD, 0, 0, &entry->stream);
	if (result) {
		free(entry);
		return result;
	}
	entry->ctx = ctx;
	entry->ctx_handle = ctx->handle;
	entry->next = thread_streams;
	thread_streams = entry;
	pthread_once(&thread_once, make_thread_key);
	pthread_setspecific(thread_key, thread_streams);
	*stream = entry->stream;
	return CUDA_SUCCESS;
}

uint64_t stream_submit(struct stream *stream, struct vgpu_cmd *cmd,
		       const struct heap_block *payload, struct record *record)
{
	cmd->stream = stream->number;
	cmd->ctx = stream->ctx->number;
	stream->mark = queue_submit(&stream->session->queue, cmd, payload, record);
	if (stream_is_blocking(stream))
		stream->ctx->blocking_busy = true;
	return stream->mark;
}

/* With room for one command. */
static void submit_wait(struct stream *stream, uint64_t mark)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_STREAM_WAIT };

	cmd.wait.seq = (uint32_t)(mark - 1);
	stream_submit(stream, &cmd, NULL, NULL);
}

static void join(struct stream *stream, struct stream *other, uint64_t count, uint64_t mark)
{
	struct op op = { .kind = OP_JOIN };
	struct op *clone;

	op.join.stream = other;
	op.join.count = count;
	op.join.mark = mark;
	clone = op_clone(&op);
	if (clone)
		defer_append(stream, clone);
}

void stream_wait_now(struct stream *stream, uint64_t mark)
{
	struct queue *queue = &stream->session->queue;

	if (queue_done(queue, mark))
		return;
	queue_reserve(queue, 1);
	if (!queue_done(queue, mark))
		submit_wait(stream, mark);
}

void stream_wait_mark(struct stream *stream, uint64_t mark)
{
	if (!stream->first)
		stream_wait_now(stream, mark);
	else if (!queue_done(&stream->session->queue, mark))
		join(stream, NULL, 0, mark);
}

/* Makes stream wait for everything that other was given until now. */
static void stream_join(struct stream *stream, struct stream *other, uint64_t *joined)
{
	if (other->first) {
		join(stream, other, other->appended, 0);
	} else if (other->mark > *joined) {
		*joined = other->mark;
		stream_wait_mark(stream, other->mark);
	}
}

void stream_order(struct stream *stream)
{
	struct context *ctx = stream->ctx;
	struct session *session = stream->session;

	if (stream->kind == STREAM_LEGACY) {
		if (!ctx->blocking_busy)
			return;
		ctx->blocking_busy = false;
		for (int i = 1; i < VGPU_MAX_STREAMS; i++) {
			struct stream *other = session->streams[i];

			if (!other)
				break;
			if (other->used && other->ctx == ctx && stream_is_blocking(other))
				stream_join(stream, other, &other->joined);
		}
	} else if (stream_is_blocking(stream) && ctx->legacy) {
		stream_join(stream, ctx->legacy, &stream->legacy_mark);
		/* The legacy stream has to see what this one is about to be given. */
		ctx->blocking_busy = true;
	}
}

static CUresult defer(struct stream *stream, const struct op *op)
{
	struct op *clone = op_clone(op);

	return clone ? defer_append(stream, clone) : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult stream_run(struct stream *stream, const struct op *op)
{
	CUresult result = capture_check(stream);

	if (result)
		return result;
	if (stream->capture)
		return capture_op(stream, op);
	stream_order(stream);
	if (stream->first || !op_ready(op))
		return defer(stream, op);
	if (!op_on_host(stream, op))
		return op_issue(stream, op);
	if (op->kind == OP_HOST || op->kind == OP_MEMOPS || !stream_idle(stream))
		return defer(stream, op);
	/* Nothing is before it. */
	op_do_on_host(stream, (struct op *)op);
	return CUDA_SUCCESS;
}

bool stream_idle(struct stream *stream)
{
	if (stream->first)
		return false;
	queue_poll(&stream->session->queue);
	return queue_done(&stream->session->queue, stream->mark);
}

void stream_synchronize(struct stream *stream)
{
	defer_drain(stream);
	queue_wait(&stream->session->queue, stream->mark, context_blocking(stream->ctx));
}

static CUresult create(CUstream *handle, unsigned int flags, int priority)
{
	struct context *ctx;
	struct stream *stream;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!handle || flags & ~CU_STREAM_NON_BLOCKING)
		return CUDA_ERROR_INVALID_VALUE;
	/* Priorities outside of the range are clamped, says the documentation. */
	if (priority > 0)
		priority = 0;
	if (priority < STREAM_PRIORITY_GREATEST)
		priority = STREAM_PRIORITY_GREATEST;
	pthread_mutex_lock(&ctx->session->lock);
	result = stream_new(ctx, STREAM_CREATED, flags, priority, &stream);
	if (!result)
		*handle = stream->handle;
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuStreamCreate(CUstream *stream, unsigned int flags)
{
	return create(stream, flags, 0);
}

EXPORT CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned int flags, int priority)
{
	return create(stream, flags, priority);
}

EXPORT CUresult cuStreamDestroy_v2(CUstream handle)
{
	struct context *ctx;
	struct stream *stream;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!handle || handle == CU_STREAM_LEGACY || handle == CU_STREAM_PER_THREAD)
		return CUDA_ERROR_INVALID_HANDLE;
	stream = handle_free(HANDLE_STREAM, handle);
	if (!stream)
		return CUDA_ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&stream->session->lock);
	if (stream->capture)
		capture_abandon(stream);
	stream_release(stream);
	pthread_mutex_unlock(&stream->session->lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamDestroy(CUstream handle)
{
	return cuStreamDestroy_v2(handle);
}

/* Looks a stream up and takes its session's lock. */
static CUresult enter(CUstream handle, bool thread_default, struct context **ctx,
		      struct stream **stream)
{
	CUresult result = context_enter(ctx);

	if (result)
		return result;
	pthread_mutex_lock(&(*ctx)->session->lock);
	result = stream_resolve(*ctx, handle, thread_default, stream);
	if (!result && (*stream)->session != (*ctx)->session) {
		/* A stream of another device. */
		pthread_mutex_unlock(&(*ctx)->session->lock);
		pthread_mutex_lock(&(*stream)->session->lock);
		*ctx = (*stream)->ctx;
		return CUDA_SUCCESS;
	}
	if (result)
		pthread_mutex_unlock(&(*ctx)->session->lock);
	return result;
}

static CUresult query(CUstream handle, bool thread_default)
{
	struct context *ctx;
	struct stream *stream;
	CUresult result = enter(handle, thread_default, &ctx, &stream);

	if (result)
		return result;
	result = capture_check_sync(stream);
	if (!result)
		result = stream_idle(stream) ? context_error(stream->ctx) : CUDA_ERROR_NOT_READY;
	pthread_mutex_unlock(&stream->session->lock);
	return result;
}

EXPORT CUresult cuStreamQuery(CUstream stream)
{
	return query(stream, false);
}

EXPORT CUresult cuStreamQuery_ptsz(CUstream stream)
{
	return query(stream, true);
}

static CUresult synchronize(CUstream handle, bool thread_default)
{
	struct context *ctx;
	struct stream *stream;
	CUresult result = enter(handle, thread_default, &ctx, &stream);

	if (result)
		return result;
	result = capture_check_sync(stream);
	if (!result) {
		/* The legacy stream stands for the blocking ones too. */
		if (stream->kind == STREAM_LEGACY)
			stream_order(stream);
		stream_synchronize(stream);
		session_printf(stream->session);
		result = context_error(stream->ctx);
	}
	pthread_mutex_unlock(&stream->session->lock);
	return result;
}

EXPORT CUresult cuStreamSynchronize(CUstream stream)
{
	return synchronize(stream, false);
}

EXPORT CUresult cuStreamSynchronize_ptsz(CUstream stream)
{
	return synchronize(stream, true);
}

static CUresult run_host(CUstream handle, bool thread_default, CUhostFn fn,
			 CUstreamCallback callback, void *data)
{
	struct op op = { .kind = OP_HOST };
	struct context *ctx;
	struct stream *stream;
	CUresult result;

	if (!fn && !callback)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter(handle, thread_default, &ctx, &stream);
	if (result)
		return result;
	op.host.fn = fn;
	op.host.callback = callback;
	op.host.stream = handle;
	op.host.data = data;
	if (callback && stream->capture)
		result = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
	else
		result = stream_run(stream, &op);
	pthread_mutex_unlock(&stream->session->lock);
	return result;
}

EXPORT CUresult cuStreamAddCallback(CUstream stream, CUstreamCallback callback, void *data,
				    unsigned int flags)
{
	return flags ? CUDA_ERROR_INVALID_VALUE : run_host(stream, false, NULL, callback, data);
}

EXPORT CUresult cuStreamAddCallback_ptsz(CUstream stream, CUstreamCallback callback, void *data,
					 unsigned int flags)
{
	return flags ? CUDA_ERROR_INVALID_VALUE : run_host(stream, true, NULL, callback, data);
}

EXPORT CUresult cuLaunchHostFunc(CUstream stream, CUhostFn fn, void *data)
{
	return run_host(stream, false, fn, NULL, data);
}

EXPORT CUresult cuLaunchHostFunc_ptsz(CUstream stream, CUhostFn fn, void *data)
{
	return run_host(stream, true, fn, NULL, data);
}

/* One property of a stream, by the calls that only read. */
enum property {
	PROPERTY_FLAGS,
	PROPERTY_PRIORITY,
	PROPERTY_ID,
	PROPERTY_CTX,
	PROPERTY_DEVICE,
};

static CUresult get(CUstream handle, bool thread_default, enum property property, void *value)
{
	struct context *ctx;
	struct stream *stream;
	CUresult result;

	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter(handle, thread_default, &ctx, &stream);
	if (result)
		return result;
	switch (property) {
	case PROPERTY_FLAGS:
		*(unsigned int *)value = stream->flags;
		break;
	case PROPERTY_PRIORITY:
		*(int *)value = stream->priority;
		break;
	case PROPERTY_ID:
		*(unsigned long long *)value = stream->id;
		break;
	case PROPERTY_CTX:
		*(CUcontext *)value = stream->ctx->handle;
		break;
	case PROPERTY_DEVICE:
		*(CUdevice *)value = stream->session->ordinal;
		break;
	}
	pthread_mutex_unlock(&stream->session->lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamGetFlags(CUstream stream, unsigned int *flags)
{
	return get(stream, false, PROPERTY_FLAGS, flags);
}

EXPORT CUresult cuStreamGetFlags_ptsz(CUstream stream, unsigned int *flags)
{
	return get(stream, true, PROPERTY_FLAGS, flags);
}

EXPORT CUresult cuStreamGetPriority(CUstream stream, int *priority)
{
	return get(stream, false, PROPERTY_PRIORITY, priority);
}

EXPORT CUresult cuStreamGetPriority_ptsz(CUstream stream, int *priority)
{
	return get(stream, true, PROPERTY_PRIORITY, priority);
}

EXPORT CUresult cuStreamGetId(CUstream stream, unsigned long long *id)
{
	return get(stream, false, PROPERTY_ID, id);
}

EXPORT CUresult cuStreamGetId_ptsz(CUstream stream, unsigned long long *id)
{
	return get(stream, true, PROPERTY_ID, id);
}

EXPORT CUresult cuStreamGetCtx(CUstream stream, CUcontext *ctx)
{
	return get(stream, false, PROPERTY_CTX, ctx);
}

EXPORT CUresult cuStreamGetCtx_ptsz(CUstream stream, CUcontext *ctx)
{
	return get(stream, true, PROPERTY_CTX, ctx);
}

EXPORT CUresult cuStreamGetCtx_v2(CUstream stream, CUcontext *ctx, CUgreenCtx *green)
{
	if (green)
		*green = NULL;
	return get(stream, false, PROPERTY_CTX, ctx);
}

EXPORT CUresult cuStreamGetCtx_v2_ptsz(CUstream stream, CUcontext *ctx, CUgreenCtx *green)
{
	if (green)
		*green = NULL;
	return get(stream, true, PROPERTY_CTX, ctx);
}

EXPORT CUresult cuStreamGetDevice(CUstream stream, CUdevice *device)
{
	return get(stream, false, PROPERTY_DEVICE, device);
}

EXPORT CUresult cuStreamGetDevice_ptsz(CUstream stream, CUdevice *device)
{
	return get(stream, true, PROPERTY_DEVICE, device);
}

EXPORT CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (least)
		*least = 0;
	if (greatest)
		*greatest = STREAM_PRIORITY_GREATEST;
	return CUDA_SUCCESS;
}
