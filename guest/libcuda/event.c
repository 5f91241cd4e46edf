// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include "capture.h"
#include "event.h"
#include "graph.h"
#include "handle.h"

#define EVENT_FLAGS (CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS)

struct event *event_get(CUevent handle)
{
	return handle_get(HANDLE_EVENT, handle);
}

void event_forget_capture(struct event *event)
{
	node_set_clear(&event->capture_nodes);
	capture_put(event->capture);
	event->capture = NULL;
}

void event_put(struct event *event)
{
	if (--event->refs)
		return;
	event_forget_capture(event);
	record_put(event->record);
	free(event);
}

void event_issue(struct stream *stream, struct event *event, struct record *record)
{
	struct queue *queue = &stream->session->queue;
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_EVENT_RECORD };

	if (event->flags & CU_EVENT_DISABLE_TIMING) {
		record->submitted = true;
		record->done = queue_done(queue, stream->mark);
		record->seq = stream->mark - 1;
		return;
	}
	queue_reserve(queue, 1);
	stream_submit(stream, &cmd, NULL, record);
}

void record_wait(struct session *session, struct record *record, bool blocking)
{
	struct queue *queue = &session->queue;

	queue->followers++;
	while (!record->submitted)
		pthread_cond_wait(&queue->progress, &session->lock);
	queue->followers--;
	if (!record_done(queue, record))
		queue_wait(queue, record->seq + 1, blocking);
}

/* A capture that has ended leaves its events without meaning. */
static bool event_captured(struct event *event)
{
	if (event->capture && capture_ended(event->capture))
		event_forget_capture(event);
	return event->capture;
}

EXPORT CUresult cuEventCreate(CUevent *handle, unsigned int flags)
{
	struct context *ctx;
	struct event *event;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!handle || flags & ~EVENT_FLAGS ||
	    (flags & CU_EVENT_INTERPROCESS && !(flags & CU_EVENT_DISABLE_TIMING)))
		return CUDA_ERROR_INVALID_VALUE;
	if (flags & CU_EVENT_INTERPROCESS)
		return CUDA_ERROR_NOT_SUPPORTED;
	event = calloc(1, sizeof(*event));
	if (!event)
		return CUDA_ERROR_OUT_OF_MEMORY;
	event->refs = 1;
	event->ctx = ctx;
	event->session = ctx->session;
	event->flags = flags;
	event->handle = handle_new(HANDLE_EVENT, event);
	if (!event->handle) {
		free(event);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	*handle = event->handle;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuEventDestroy_v2(CUevent handle)
{
	struct context *ctx;
	struct event *event;
	struct session *session;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	event = handle_free(HANDLE_EVENT, handle);
	if (!event)
		return CUDA_ERROR_INVALID_HANDLE;
	session = event->session;
	pthread_mutex_lock(&session->lock);
	event_put(event);
	pthread_mutex_unlock(&session->lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuEventDestroy(CUevent handle)
{
	return cuEventDestroy_v2(handle);
}

CUresult event_record(struct stream *stream, struct event *event)
{
	struct op op = { .kind = OP_RECORD };
	CUresult result;

	op.record.event = event;
	op.record.record = record_new();
	if (!op.record.record)
		return CUDA_ERROR_OUT_OF_MEMORY;
	/* From now on the event means this record, also for who asks while the record is deferred. */
	event_forget_capture(event);
	record_put(event->record);
	event->record = op.record.record;
	event->record->refs++;
	result = stream_run(stream, &op);
	if (result) {
		event->record->submitted = true;
		event->record->done = true;
	}
	record_put(op.record.record);
	return result;
}

static CUresult record(CUevent handle, CUstream stream_handle, bool thread_default, unsigned int flags)
{
	struct context *ctx;
	struct stream *stream;
	struct event *event;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (flags & ~CU_EVENT_RECORD_EXTERNAL)
		return CUDA_ERROR_INVALID_VALUE;
	event = event_get(handle);
	if (!event)
		return CUDA_ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&event->session->lock);
	result = stream_resolve(ctx, stream_handle, thread_default, &stream);
	if (!result && (stream->session != event->session || stream->ctx != event->ctx))
		result = CUDA_ERROR_INVALID_HANDLE;
	if (!result)
		result = capture_check(stream);
	if (!result && stream->capture && !(flags & CU_EVENT_RECORD_EXTERNAL)) {
		result = capture_record(stream, event);
	} else if (!result && stream->capture) {
		struct op op = { .kind = OP_RECORD };

		op.record.event = event;
		result = capture_op(stream, &op);
	} else if (!result) {
		result = event_record(stream, event);
	}
	pthread_mutex_unlock(&event->session->lock);
	return result;
}

EXPORT CUresult cuEventRecord(CUevent event, CUstream stream)
{
	return record(event, stream, false, 0);
}

EXPORT CUresult cuEventRecord_ptsz(CUevent event, CUstream stream)
{
	return record(event, stream, true, 0);
}

EXPORT CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned int flags)
{
	return record(event, stream, false, flags);
}

EXPORT CUresult cuEventRecordWithFlags_ptsz(CUevent event, CUstream stream, unsigned int flags)
{
	return record(event, stream, true, flags);
}

EXPORT CUresult cuEventQuery(CUevent handle)
{
	struct context *ctx;
	struct event *event;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	event = event_get(handle);
	if (!event)
		return CUDA_ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&event->session->lock);
	queue_poll(&event->session->queue);
	if (event_captured(event))
		result = CUDA_ERROR_CAPTURED_EVENT;
	else if (event->record && !record_done(&event->session->queue, event->record))
		result = CUDA_ERROR_NOT_READY;
	else
		result = context_error(event->ctx);
	pthread_mutex_unlock(&event->session->lock);
	return result;
}

EXPORT CUresult cuEventSynchronize(CUevent handle)
{
	struct context *ctx;
	struct event *event;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	event = event_get(handle);
	if (!event)
		return CUDA_ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&event->session->lock);
	if (event_captured(event)) {
		result = CUDA_ERROR_CAPTURED_EVENT;
	} else {
		struct record *record = event->record;

		if (record) {
			record->refs++;
			record_wait(event->session, record, event->flags & CU_EVENT_BLOCKING_SYNC);
			record_put(record);
			session_printf(event->session);
		}
		result = context_error(event->ctx);
	}
	pthread_mutex_unlock(&event->session->lock);
	return result;
}

EXPORT CUresult cuEventElapsedTime_v2(float *ms, CUevent start_handle, CUevent end_handle)
{
	struct context *ctx;
	struct event *start, *end;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	start = event_get(start_handle);
	end = event_get(end_handle);
	if (!start || !end)
		return CUDA_ERROR_INVALID_HANDLE;
	if (!ms)
		return CUDA_ERROR_INVALID_VALUE;
	if (start->session != end->session)
		return CUDA_ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&start->session->lock);
	queue_poll(&start->session->queue);
	if (event_captured(start) || event_captured(end))
		result = CUDA_ERROR_CAPTURED_EVENT;
	else if (!start->record || !end->record ||
		 (start->flags | end->flags) & CU_EVENT_DISABLE_TIMING)
		result = CUDA_ERROR_INVALID_HANDLE;
	else if (!start->record->done || !end->record->done)
		result = CUDA_ERROR_NOT_READY;
	else
		*ms = (int64_t)(end->record->value - start->record->value) / 1e6;
	if (!result)
		result = context_error(start->ctx);
	pthread_mutex_unlock(&start->session->lock);
	return result;
}

EXPORT CUresult cuEventElapsedTime(float *ms, CUevent start, CUevent end)
{
	return cuEventElapsedTime_v2(ms, start, end);
}

static CUresult wait_event(CUstream stream_handle, CUevent handle, unsigned int flags,
			   bool thread_default)
{
	struct op op = { .kind = OP_WAIT };
	struct context *ctx;
	struct stream *stream;
	struct event *event;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (flags & ~CU_EVENT_WAIT_EXTERNAL)
		return CUDA_ERROR_INVALID_VALUE;
	event = event_get(handle);
	if (!event)
		return CUDA_ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&ctx->session->lock);
	result = stream_resolve(ctx, stream_handle, thread_default, &stream);
	pthread_mutex_unlock(&ctx->session->lock);
	if (result)
		return result;
	if (stream->session != event->session) {
		/* Another device's: this thread waits in the stream's stead. */
		return cuEventSynchronize(handle);
	}
	pthread_mutex_lock(&stream->session->lock);
	if (flags & CU_EVENT_WAIT_EXTERNAL && stream->capture) {
		op.wait.event = event;
		result = capture_op(stream, &op);
	} else if (event_captured(event)) {
		result = capture_wait(stream, event);
	} else if (stream->capture) {
		/* Work that is not captured. */
		result = event->record ? CUDA_ERROR_STREAM_CAPTURE_ISOLATION : CUDA_SUCCESS;
	} else if (event->record) {
		queue_poll(&stream->session->queue);
		op.wait.record = event->record;
		if (!record_done(&stream->session->queue, event->record))
			result = stream_run(stream, &op);
	}
	pthread_mutex_unlock(&stream->session->lock);
	return result;
}

EXPORT CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int flags)
{
	return wait_event(stream, event, flags, false);
}

EXPORT CUresult cuStreamWaitEvent_ptsz(CUstream stream, CUevent event, unsigned int flags)
{
	return wait_event(stream, event, flags, true);
}
