// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include "capture.h"
#include "graph.h"
#include "handle.h"

/**
 * struct capture - what one cuStreamBeginCapture began
 * @refs: the streams in it and events recorded in it
 * @origin: stream in which it began and has to end
 */
struct capture {
	int refs;
	uint64_t id;
	CUstreamCaptureMode mode;
	pthread_t thread;
	bool invalidated;
	bool ended;
	bool into_graph; /* the graph is the program's own */
	struct graph *graph;
	struct stream *origin;
};

static int global_captures; /* in global mode, in the process */
static __thread int thread_captures; /* begun by this thread, not in relaxed mode */
static __thread CUstreamCaptureMode thread_mode = CU_STREAM_CAPTURE_MODE_GLOBAL;

bool capture_ended(const struct capture *capture)
{
	return capture->ended;
}

void capture_put(struct capture *capture)
{
	if (!capture || --capture->refs)
		return;
	if (capture->graph)
		graph_put(capture->graph);
	free(capture);
}

static void leave(struct stream *stream)
{
	struct capture *capture = stream->capture;

	stream->capture = NULL;
	node_set_clear(&stream->capture_deps);
	if (stream_is_blocking(stream))
		stream->ctx->captures--;
	capture_put(capture);
}

static void enter(struct stream *stream, struct capture *capture)
{
	stream->capture = capture;
	capture->refs++;
	if (stream_is_blocking(stream))
		stream->ctx->captures++;
}

static void invalidate_ctx(struct context *ctx)
{
	for (int i = 1; i < VGPU_MAX_STREAMS && ctx->session->streams[i]; i++) {
		struct stream *stream = ctx->session->streams[i];

		if (stream->used && stream->ctx == ctx && stream->capture &&
		    stream_is_blocking(stream))
			stream->capture->invalidated = true;
	}
}

CUresult capture_check(struct stream *stream)
{
	if (stream->capture)
		return stream->capture->invalidated ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED
						    : CUDA_SUCCESS;
	if (stream->kind == STREAM_LEGACY && stream->ctx->captures) {
		invalidate_ctx(stream->ctx);
		return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
	}
	return CUDA_SUCCESS;
}

CUresult capture_check_sync(struct stream *stream)
{
	CUresult result = capture_check(stream);

	if (!result && stream->capture) {
		stream->capture->invalidated = true;
		result = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
	}
	return result;
}

CUresult capture_check_unsafe(struct session *session)
{
	bool forbidden = false;

	if (thread_mode == CU_STREAM_CAPTURE_MODE_GLOBAL)
		forbidden = __atomic_load_n(&global_captures, __ATOMIC_RELAXED) || thread_captures;
	else if (thread_mode == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
		forbidden = thread_captures;
	if (!forbidden)
		return CUDA_SUCCESS;
	for (int i = 1; i < VGPU_MAX_STREAMS && session->streams[i]; i++) {
		struct capture *capture =
			session->streams[i]->used ? session->streams[i]->capture : NULL;

		if (capture && (capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL ||
				(capture->mode == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL &&
				 pthread_equal(capture->thread, pthread_self()))))
			capture->invalidated = true;
	}
	return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

CUresult capture_op(struct stream *stream, const struct op *op)
{
	struct graph_node *node;
	CUresult result = graph_add(stream->capture->graph, op, &stream->capture_deps, &node);

	if (!result) {
		node_set_clear(&stream->capture_deps);
		result = node_set_add(&stream->capture_deps, node);
	}
	if (result)
		stream->capture->invalidated = true;
	return result;
}

CUresult capture_record(struct stream *stream, struct event *event)
{
	event_forget_capture(event);
	event->capture = stream->capture;
	stream->capture->refs++;
	return node_set_copy(&event->capture_nodes, &stream->capture_deps);
}

CUresult capture_wait(struct stream *stream, struct event *event)
{
	struct capture *capture = event->capture;
	CUresult result = CUDA_SUCCESS;

	if (capture->invalidated)
		return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
	if (stream->kind == STREAM_LEGACY) {
		capture->invalidated = true;
		return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
	}
	if (stream->capture && stream->capture != capture) {
		stream->capture->invalidated = true;
		capture->invalidated = true;
		return CUDA_ERROR_STREAM_CAPTURE_MERGE;
	}
	if (!stream->capture)
		enter(stream, capture);
	for (size_t i = 0; i < event->capture_nodes.count && !result; i++)
		result = node_set_add(&stream->capture_deps, event->capture_nodes.v[i]);
	return result;
}

/* Takes every stream out of a capture. */
static void end(struct session *session, struct capture *capture)
{
	capture->ended = true;
	if (capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL)
		__atomic_sub_fetch(&global_captures, 1, __ATOMIC_RELAXED);
	if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED &&
	    pthread_equal(capture->thread, pthread_self()))
		thread_captures--;
	for (int i = 1; i < VGPU_MAX_STREAMS && session->streams[i]; i++)
		if (session->streams[i]->used && session->streams[i]->capture == capture)
			leave(session->streams[i]);
}

void capture_abandon(struct stream *stream)
{
	struct capture *capture = stream->capture;

	capture->invalidated = true;
	if (capture->origin == stream) {
		capture->refs++;
		end(stream->session, capture);
		capture_put(capture);
	} else {
		leave(stream);
	}
}

static void mark(struct graph_node *node)
{
	if (node->visited)
		return;
	node->visited = true;
	for (size_t i = 0; i < node->deps.count; i++)
		mark(node->deps.v[i]);
}

/* Whether the origin stream has waited for everything that the other streams were given. */
static bool joined(struct session *session, struct capture *capture)
{
	for (size_t i = 0; i < capture->graph->nodes.count; i++)
		capture->graph->nodes.v[i]->visited = false;
	for (size_t i = 0; i < capture->origin->capture_deps.count; i++)
		mark(capture->origin->capture_deps.v[i]);
	for (int i = 1; i < VGPU_MAX_STREAMS && session->streams[i]; i++) {
		struct stream *stream = session->streams[i];

		if (!stream->used || stream->capture != capture)
			continue;
		for (size_t n = 0; n < stream->capture_deps.count; n++)
			if (!stream->capture_deps.v[n]->visited)
				return false;
	}
	return true;
}

/* Resolves a stream and takes its session's lock. */
static CUresult enter_call(CUstream handle, bool thread_default, struct stream **stream)
{
	struct context *ctx;
	CUresult result = graph_enter(&ctx);

	if (result)
		return result;
	result = stream_resolve(ctx, handle, thread_default, stream);
	if (!result && (*stream)->session != ctx->session)
		result = CUDA_ERROR_INVALID_HANDLE;
	if (result)
		pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

static CUresult begin(CUstream handle, bool thread_default, CUstreamCaptureMode mode,
		      CUgraph graph_handle, bool into_graph, const CUgraphNode *deps, size_t count)
{
	static uint64_t last_id;
	struct capture *capture = NULL;
	struct stream *stream;
	CUresult result;

	if ((unsigned int)mode > CU_STREAM_CAPTURE_MODE_RELAXED)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter_call(handle, thread_default, &stream);
	if (result)
		return result;
	if (stream->kind == STREAM_LEGACY)
		result = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
	else if (stream->capture)
		result = CUDA_ERROR_ILLEGAL_STATE;
	if (!result) {
		capture = calloc(1, sizeof(*capture));
		if (!capture)
			result = CUDA_ERROR_OUT_OF_MEMORY;
	}
	if (!result && into_graph) {
		capture->graph = handle_get(HANDLE_GRAPH, graph_handle);
		if (capture->graph)
			graph_hold(capture->graph);
		else
			result = CUDA_ERROR_INVALID_VALUE;
	} else if (!result) {
		capture->graph = graph_new(stream->session);
		if (!capture->graph)
			result = CUDA_ERROR_OUT_OF_MEMORY;
	}
	for (size_t i = 0; i < count && !result; i++) {
		struct graph_node *node = handle_get(HANDLE_GRAPH_NODE, deps[i]);

		if (node && node->graph == capture->graph)
			result = node_set_add(&stream->capture_deps, node);
		else
			result = CUDA_ERROR_INVALID_VALUE;
	}
	if (result) {
		node_set_clear(&stream->capture_deps);
		if (capture && capture->graph)
			graph_put(capture->graph);
		free(capture);
	} else {
		capture->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
		capture->mode = mode;
		capture->thread = pthread_self();
		capture->into_graph = into_graph;
		capture->origin = stream;
		if (mode == CU_STREAM_CAPTURE_MODE_GLOBAL)
			__atomic_add_fetch(&global_captures, 1, __ATOMIC_RELAXED);
		if (mode != CU_STREAM_CAPTURE_MODE_RELAXED)
			thread_captures++;
		enter(stream, capture);
	}
	pthread_mutex_unlock(&stream->session->lock);
	return result;
}

EXPORT CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode)
{
	return begin(stream, false, mode, NULL, false, NULL, 0);
}

EXPORT CUresult cuStreamBeginCapture_v2_ptsz(CUstream stream, CUstreamCaptureMode mode)
{
	return begin(stream, true, mode, NULL, false, NULL, 0);
}

EXPORT CUresult cuStreamBeginCapture(CUstream stream)
{
	return begin(stream, false, CU_STREAM_CAPTURE_MODE_GLOBAL, NULL, false, NULL, 0);
}

EXPORT CUresult cuStreamBeginCapture_ptsz(CUstream stream)
{
	return begin(stream, true, CU_STREAM_CAPTURE_MODE_GLOBAL, NULL, false, NULL, 0);
}

EXPORT CUresult cuStreamBeginCaptureToGraph(CUstream stream, CUgraph graph, const CUgraphNode *deps,
					    const CUgraphEdgeData *edges, size_t count,
					    CUstreamCaptureMode mode)
{
	return begin(stream, false, mode, graph, true, deps, count);
}

EXPORT CUresult cuStreamBeginCaptureToGraph_ptsz(CUstream stream, CUgraph graph,
						 const CUgraphNode *deps,
						 const CUgraphEdgeData *edges, size_t count,
						 CUstreamCaptureMode mode)
{
	return begin(stream, true, mode, graph, true, deps, count);
}

static CUresult end_capture(CUstream handle, bool thread_default, CUgraph *out)
{
	struct capture *capture;
	struct stream *stream;
	CUresult result = enter_call(handle, thread_default, &stream);

	if (result)
		return result;
	capture = stream->capture;
	if (!capture)
		result = CUDA_ERROR_ILLEGAL_STATE;
	else if (capture->origin != stream)
		result = CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
	else if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED &&
		 !pthread_equal(capture->thread, pthread_self()))
		result = CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
	if (result) {
		if (capture && result == CUDA_ERROR_STREAM_CAPTURE_UNMATCHED)
			capture->invalidated = true;
		goto out;
	}
	capture->refs++;
	if (capture->invalidated)
		result = CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
	else if (!joined(stream->session, capture))
		result = CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
	end(stream->session, capture);
	if (!result && out) {
		*out = capture->graph->handle;
		if (!capture->into_graph)
			capture->graph = NULL; /* the reference is the program's now */
	} else if (out) {
		*out = NULL;
	}
	capture_put(capture);
out:
	pthread_mutex_unlock(&stream->session->lock);
	return result;
}

EXPORT CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph)
{
	return end_capture(stream, false, graph);
}

EXPORT CUresult cuStreamEndCapture_ptsz(CUstream stream, CUgraph *graph)
{
	return end_capture(stream, true, graph);
}

/* What cuStreamIsCapturing and the versions of cuStreamGetCaptureInfo answer. */
static CUresult info(CUstream handle, bool thread_default, CUstreamCaptureStatus *status,
		     cuuint64_t *id, CUgraph *graph, const CUgraphNode **deps,
		     const CUgraphEdgeData **edges, size_t *count)
{
	static __thread CUgraphNode *handles; /* valid until the thread's next call */
	struct stream *stream;
	struct capture *capture;
	CUresult result;

	if (!status)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter_call(handle, thread_default, &stream);
	if (result)
		return result;
	capture = stream->capture;
	if (edges)
		*edges = NULL;
	if (!capture) {
		*status = CU_STREAM_CAPTURE_STATUS_NONE;
		/* The legacy stream cannot even be asked while others of its context capture. */
		result = capture_check(stream);
	} else {
		*status = capture->invalidated ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
					       : CU_STREAM_CAPTURE_STATUS_ACTIVE;
		if (id)
			*id = capture->id;
		if (graph)
			*graph = capture->graph->handle;
		if (count)
			*count = stream->capture_deps.count;
		if (deps) {
			CUgraphNode *more =
				realloc(handles, (stream->capture_deps.count + 1) * sizeof(*more));

			if (more) {
				handles = more;
				for (size_t i = 0; i < stream->capture_deps.count; i++)
					handles[i] = stream->capture_deps.v[i]->handle;
				*deps = handles;
			} else {
				result = CUDA_ERROR_OUT_OF_MEMORY;
			}
		}
	}
	pthread_mutex_unlock(&stream->session->lock);
	return result;
}

EXPORT CUresult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus *status)
{
	return info(stream, false, status, NULL, NULL, NULL, NULL, NULL);
}

EXPORT CUresult cuStreamIsCapturing_ptsz(CUstream stream, CUstreamCaptureStatus *status)
{
	return info(stream, true, status, NULL, NULL, NULL, NULL, NULL);
}

EXPORT CUresult cuStreamGetCaptureInfo(CUstream stream, CUstreamCaptureStatus *status, cuuint64_t *id)
{
	return info(stream, false, status, id, NULL, NULL, NULL, NULL);
}

EXPORT CUresult cuStreamGetCaptureInfo_ptsz(CUstream stream, CUstreamCaptureStatus *status,
					    cuuint64_t *id)
{
	return info(stream, true, status, id, NULL, NULL, NULL, NULL);
}

EXPORT CUresult cuStreamGetCaptureInfo_v2(CUstream stream, CUstreamCaptureStatus *status,
					  cuuint64_t *id, CUgraph *graph, const CUgraphNode **deps,
					  size_t *count)
{
	return info(stream, false, status, id, graph, deps, NULL, count);
}

EXPORT CUresult cuStreamGetCaptureInfo_v2_ptsz(CUstream stream, CUstreamCaptureStatus *status,
					       cuuint64_t *id, CUgraph *graph,
					       const CUgraphNode **deps, size_t *count)
{
	return info(stream, true, status, id, graph, deps, NULL, count);
}

EXPORT CUresult cuStreamGetCaptureInfo_v3(CUstream stream, CUstreamCaptureStatus *status,
					  cuuint64_t *id, CUgraph *graph, const CUgraphNode **deps,
					  const CUgraphEdgeData **edges, size_t *count)
{
	return info(stream, false, status, id, graph, deps, edges, count);
}

EXPORT CUresult cuStreamGetCaptureInfo_v3_ptsz(CUstream stream, CUstreamCaptureStatus *status,
					       cuuint64_t *id, CUgraph *graph,
					       const CUgraphNode **deps,
					       const CUgraphEdgeData **edges, size_t *count)
{
	return info(stream, true, status, id, graph, deps, edges, count);
}

static CUresult update(CUstream handle, bool thread_default, CUgraphNode *deps, size_t count,
		       unsigned int flags)
{
	struct stream *stream;
	CUresult result;

	if (flags > CU_STREAM_SET_CAPTURE_DEPENDENCIES || (count && !deps))
		return CUDA_ERROR_INVALID_VALUE;
	result = enter_call(handle, thread_default, &stream);
	if (result)
		return result;
	if (!stream->capture)
		result = CUDA_ERROR_ILLEGAL_STATE;
	else
		result = capture_check(stream);
	for (size_t i = 0; i < count && !result; i++) {
		struct graph_node *node = handle_get(HANDLE_GRAPH_NODE, deps[i]);

		if (!node || node->graph != stream->capture->graph)
			result = CUDA_ERROR_INVALID_VALUE;
	}
	if (!result && flags == CU_STREAM_SET_CAPTURE_DEPENDENCIES)
		node_set_clear(&stream->capture_deps);
	for (size_t i = 0; i < count && !result; i++)
		result = node_set_add(&stream->capture_deps, handle_get(HANDLE_GRAPH_NODE, deps[i]));
	pthread_mutex_unlock(&stream->session->lock);
	return result;
}

EXPORT CUresult cuStreamUpdateCaptureDependencies(CUstream stream, CUgraphNode *deps, size_t count,
						  unsigned int flags)
{
	return update(stream, false, deps, count, flags);
}

EXPORT CUresult cuStreamUpdateCaptureDependencies_ptsz(CUstream stream, CUgraphNode *deps,
						       size_t count, unsigned int flags)
{
	return update(stream, true, deps, count, flags);
}

EXPORT CUresult cuStreamUpdateCaptureDependencies_v2(CUstream stream, CUgraphNode *deps,
						     const CUgraphEdgeData *edges, size_t count,
						     unsigned int flags)
{
	return update(stream, false, deps, count, flags);
}

EXPORT CUresult cuStreamUpdateCaptureDependencies_v2_ptsz(CUstream stream, CUgraphNode *deps,
							  const CUgraphEdgeData *edges,
							  size_t count, unsigned int flags)
{
	return update(stream, true, deps, count, flags);
}

EXPORT CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode)
{
	CUstreamCaptureMode old = thread_mode;

	if (!mode || (unsigned int)*mode > CU_STREAM_CAPTURE_MODE_RELAXED)
		return CUDA_ERROR_INVALID_VALUE;
	thread_mode = *mode;
	*mode = old;
	return CUDA_SUCCESS;
}
