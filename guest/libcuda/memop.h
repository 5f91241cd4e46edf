/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Stream memory operations: words that streams wait for and write
 *
 * The device knows no wait for a word of memory, and none may hold an engine that others need. A stream that waits is held back by
 * the library, as one with a host function is (defer.h), and the word is looked at from time to time: pinned memory by the
 * processor, memory of the device by a copy of the word in the session's control stream, which no stream's work is in front of.
 */
#ifndef VGPU_LIBCUDA_MEMOP_H
#define VGPU_LIBCUDA_MEMOP_H

#include "op.h"

#define MEMOP_MAX 256 /* operations of one call */

/**
 * memops_describe() - describes the operations of a call
 * @session: whose memory they are about
 * @ops: the program's; op->memops refers to them until op_clone() copies them
 * @count: of them
 * @op: out
 *
 * Return: CUDA_SUCCESS; CUDA_ERROR_INVALID_VALUE; CUDA_ERROR_NOT_SUPPORTED for flushes of remote writes, which the device has none
 * of (CU_DEVICE_ATTRIBUTE_CAN_FLUSH_REMOTE_WRITES). With the session's lock held.
 */
CUresult memops_describe(struct session *session, const CUstreamBatchMemOpParams *ops,
			 unsigned int count, struct op *op);

/**
 * memops_on_host() - whether the operations need the processor: there is a wait, or a word of pinned memory
 */
bool memops_on_host(const struct session *session, const struct op_memops *memops);

/**
 * memops_issue() - writes words of device memory in a stream's order
 * @memops: memops_on_host() is false
 *
 * Return: CUDA_SUCCESS, or CUDA_ERROR_OUT_OF_MEMORY and no word is written. With the session's lock held.
 */
CUresult memops_issue(struct stream *stream, const struct op_memops *memops);

/**
 * memops_proceed() - does what can be done by now of operations that need the processor
 * @memops: of an op that everything in the stream's order is done before
 *
 * Return: whether all of it is done. Where the session is lost nothing is waited for. With the session's lock held, which is let
 * go of.
 */
bool memops_proceed(struct session *session, struct op_memops *memops);

#endif
