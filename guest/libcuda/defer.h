/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Deferred streams: host functions in streams
 *
 * The device cannot wait for the guest. A stream that reaches a host function is therefore held
 * back here: what it is given from then on is kept in a list, and a thread of the session runs the
 * function when the commands before it have completed, then submits what follows. What waits for
 * such a stream is held back in the same way, and so is a stream that waits for a word of memory
 * (memop.h).
 */
#ifndef VGPU_LIBCUDA_DEFER_H
#define VGPU_LIBCUDA_DEFER_H

#include "stream.h"

/**
 * defer_append() - puts an operation at the end of a stream's list
 * @op: made by op_clone(); taken over, on failure too
 *
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY. With the session's lock held.
 */
CUresult defer_append(struct stream *stream, struct op *op);

/**
 * defer_drain() - waits until a stream has no deferred operations
 *
 * With the session's lock held, which is let go of.
 */
void defer_drain(struct stream *stream);

#endif
