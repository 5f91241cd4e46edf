/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
#ifndef VGPU_LIBCUDA_EVENT_H
#define VGPU_LIBCUDA_EVENT_H

#include "stream.h"

/**
 * struct event - CUDA event
 * @refs: the handle and operations that name it
 * @record: of its last cuEventRecord; NULL before the first
 * @capture: where it was last recorded in a capturing stream
 * @capture_nodes: nodes that it then stands for
 */
struct event {
	int refs;
	CUevent handle;
	struct context *ctx;
	struct session *session;
	unsigned int flags;
	struct record *record;
	struct capture *capture;
	struct node_set capture_nodes;
};

/**
 * event_get() - looks an event up
 * Return: it, or NULL
 */
struct event *event_get(CUevent handle);

/**
 * event_put() - gives a reference back
 */
void event_put(struct event *event);

/**
 * event_issue() - records an event in a stream that is not deferred
 * @record: that it fills in
 *
 * With the session's lock held, which is let go of.
 */
void event_issue(struct stream *stream, struct event *event, struct record *record);

/**
 * event_record() - cuEventRecord in a stream that does not capture
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY. With the session's lock held, which is let go of.
 */
CUresult event_record(struct stream *stream, struct event *event);

/**
 * event_forget_capture() - the event stands for no node any more
 */
void event_forget_capture(struct event *event);

/**
 * record_done() - whether what a record stands for has completed
 *
 * The record of an event without timing is no command of its own, but names the stream's last one.
 */
static inline bool record_done(struct queue *queue, const struct record *record)
{
	return record->done || (record->submitted && queue_done(queue, record->seq + 1));
}

/**
 * record_wait() - waits until a record is done
 *
 * With the session's lock held, which is let go of.
 */
void record_wait(struct session *session, struct record *record, bool blocking);

#endif
