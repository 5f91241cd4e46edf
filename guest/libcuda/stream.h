/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Streams
 *
 * CUDA's streams map one to one to stream numbers of the session; the device knows nothing of
 * default streams. What the legacy default stream promises, that it waits for the context's
 * blocking streams and they for it, is expressed with VGPU_OP_STREAM_WAIT on sequence numbers, and
 * only where work is outstanding.
 *
 * What is given to a stream is an operation (op.h). stream_run() sends it to where it belongs: into
 * a graph while the stream captures, behind what waits while the stream is deferred (defer.h), else
 * to the device.
 *
 * Everything is called with the session's lock held.
 */
#ifndef VGPU_LIBCUDA_STREAM_H
#define VGPU_LIBCUDA_STREAM_H

#include "context.h"
#include "op.h"

struct graph_node;

/**
 * struct node_set - nodes of a graph
 */
struct node_set {
	struct graph_node **v;
	size_t count;
	size_t capacity;
};

#define STREAM_PRIORITY_GREATEST (-5)

struct capture;

enum stream_kind {
	STREAM_CREATED, /* by cuStreamCreate */
	STREAM_LEGACY, /* default stream of a context */
	STREAM_THREAD, /* default stream of a thread in a context */
	STREAM_INTERNAL, /* the library's own */
};

struct stream {
	enum stream_kind kind;
	bool used; /* false: this structure is free */
	bool closing; /* destroyed, with deferred operations left */
	CUstream handle;
	struct context *ctx;
	struct session *session;
	uint32_t number;
	unsigned int flags;
	int priority;
	uint64_t id;
	uint64_t mark; /* of its last command */
	uint64_t joined; /* the legacy stream has waited for it up to here */
	uint64_t legacy_mark; /* it has waited for the legacy stream up to here */
	/* Deferred operations, oldest first. */
	struct op *first;
	struct op **last;
	uint64_t appended;
	uint64_t issued;
	bool listed; /* in session->deferred */
	struct stream *next;
	struct capture *capture; /* NULL while it does not capture */
	struct node_set capture_deps; /* nodes on which its next one depends */
};

/**
 * stream_resolve() - the stream that a handle names
 * @ctx: current context
 * @handle: as the program gave it, with its special values
 * @thread_default: NULL names the thread's default stream instead of the legacy one
 * @stream: out
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_HANDLE, or CUDA_ERROR_OUT_OF_MEMORY
 */
CUresult stream_resolve(struct context *ctx, CUstream handle, bool thread_default,
			struct stream **stream);

/**
 * stream_new() - makes a stream
 * @stream: out
 *
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY. Lets go of the lock.
 */
CUresult stream_new(struct context *ctx, enum stream_kind kind, unsigned int flags, int priority,
		    struct stream **stream);

/**
 * stream_release() - ends a stream once what it was given is done
 */
void stream_release(struct stream *stream);

/**
 * stream_run() - gives an operation to a stream
 * @op: is copied where it has to be kept
 *
 * Return: CUDA_SUCCESS or why it was not taken. Lets go of the lock.
 */
CUresult stream_run(struct stream *stream, const struct op *op);

/**
 * stream_order() - makes the stream wait for what its kind demands, before a new operation
 *
 * Lets go of the lock.
 */
void stream_order(struct stream *stream);

/**
 * stream_submit() - submits a command in a stream; there is room for it (queue_reserve())
 * @cmd: stream and context are filled in
 *
 * Return: its mark
 */
uint64_t stream_submit(struct stream *stream, struct vgpu_cmd *cmd,
		       const struct heap_block *payload, struct record *record);

/**
 * stream_wait_mark() - makes the stream wait for a command of another one
 *
 * Lets go of the lock.
 */
void stream_wait_mark(struct stream *stream, uint64_t mark);

/**
 * stream_wait_now() - the same for an operation that is being issued, deferred or not
 */
void stream_wait_now(struct stream *stream, uint64_t mark);

/**
 * stream_idle() - whether everything that it was given is done
 */
bool stream_idle(struct stream *stream);

/**
 * stream_synchronize() - waits until everything that it was given is done
 *
 * Lets go of the lock.
 */
void stream_synchronize(struct stream *stream);

/**
 * stream_is_blocking() - whether it and the legacy stream wait for each other
 */
static inline bool stream_is_blocking(const struct stream *stream)
{
	return stream->kind == STREAM_THREAD ||
	       (stream->kind == STREAM_CREATED && !(stream->flags & CU_STREAM_NON_BLOCKING));
}

#endif
