/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Stream capture: what is given to a stream becomes nodes of a graph
 *
 * Everything is called with the session's lock held.
 */
#ifndef VGPU_LIBCUDA_CAPTURE_H
#define VGPU_LIBCUDA_CAPTURE_H

#include "event.h"
#include "stream.h"

/**
 * capture_check() - whether a stream may be given work, as far as captures are concerned
 * Return: CUDA_SUCCESS; CUDA_ERROR_STREAM_CAPTURE_INVALIDATED; CUDA_ERROR_STREAM_CAPTURE_IMPLICIT
 * where it is the legacy stream and a blocking stream of its context captures, which is then
 * invalidated
 */
CUresult capture_check(struct stream *stream);

/**
 * capture_check_sync() - whether a stream may be asked or waited for
 *
 * Return: CUDA_SUCCESS or CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, which invalidates the capture
 */
CUresult capture_check_sync(struct stream *stream);

/**
 * capture_check_unsafe() - whether a call that may synchronise everything is allowed in this thread
 *
 * It is not while a capture in global mode goes on anywhere, or one in thread-local mode of this
 * thread, unless the thread's mode is relaxed.
 *
 * Return: CUDA_SUCCESS or CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, which invalidates the captures
 */
CUresult capture_check_unsafe(struct session *session);

/**
 * capture_op() - adds an operation to the graph of a capturing stream
 */
CUresult capture_op(struct stream *stream, const struct op *op);

/**
 * capture_record() - cuEventRecord in a capturing stream
 */
CUresult capture_record(struct stream *stream, struct event *event);

/**
 * capture_wait() - cuStreamWaitEvent for an event that was recorded in a capturing stream: the
 * stream joins the capture
 */
CUresult capture_wait(struct stream *stream, struct event *event);

/**
 * capture_ended() - whether a capture is over
 */
bool capture_ended(const struct capture *capture);

/**
 * capture_put() - gives a reference back; NULL is allowed
 */
void capture_put(struct capture *capture);

/**
 * capture_abandon() - the stream is destroyed: its capture ends invalidated
 */
void capture_abandon(struct stream *stream);

#endif
