// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Streams of the session. A GPU runs the blocks of a stream of higher priority first, across processes too where it can:
 * the priorities that it has are shared out among the tiers, and inside its part a guest's streams keep their order.
 */

#include "../../log.h"
#include "cuda.h"

#define NUM_TIERS	3

/* Priorities of this session's streams: smaller numbers come first; most >= least in rank. */
static int lowest, highest;

/* The part of a tier: of the GPU's priorities a third, at least one, the high tier's first. */
static void take_part(int least, int greatest, uint32_t tier)
{
	int levels = least - greatest + 1;
	int part = levels / NUM_TIERS;

	if (part < 1) {
		/* Two: high, and the others. */
		highest = tier == 0 ? greatest : least;
		lowest = highest;
		return;
	}
	highest = greatest + (int)tier * part;
	lowest = tier == NUM_TIERS - 1 ? least : highest + part - 1;
}

/**
 * cuda_streams_start() - find the priorities of this session's streams
 *
 * Return: CUresult. Context: the base context is current.
 */
CUresult cuda_streams_start(void)
{
	uint32_t tier = cuda.session->tier < NUM_TIERS ? cuda.session->tier : NUM_TIERS - 1;
	int least = 0, greatest = 0;
	CUresult result = cu.cuCtxGetStreamPriorityRange(&least, &greatest);

	if (!result)
		take_part(least, greatest, tier);
	return result;
}

/* A guest's 0 is the least of its part, as it is of all; what it wants above is cut to the part. */
static int priority_here(int32_t asked)
{
	if (asked >= 0)
		return lowest;
	return asked < highest - lowest ? highest : lowest + asked;
}

/**
 * cuda_stream_create() - VGPU_OP_STREAM_CREATE, or the first use of a stream
 * @ctx: number of the context, which is current and in use or on the control thread
 * @number: of the stream
 * @priority: as the guest gave it
 *
 * What default streams wait for is the guest library's business: no stream here waits for another by itself.
 *
 * Return: CUresult; CUDA_ERROR_INVALID_HANDLE for a stream of another context. Context: any thread.
 */
CUresult cuda_stream_create(uint32_t ctx, uint32_t number, int32_t priority)
{
	struct cuda_stream *stream = &cuda.streams[number];
	CUresult result = CUDA_SUCCESS;

	pthread_mutex_lock(&cuda.lock);
	if (stream->stream) {
		if (stream->ctx != ctx)
			result = CUDA_ERROR_INVALID_HANDLE;
	} else {
		result = cu.cuStreamCreateWithPriority(&stream->stream, CU_STREAM_NON_BLOCKING, priority_here(priority));
		if (result)
			stream->stream = NULL;
		stream->ctx = ctx;
		stream->last_end = NULL;
	}
	pthread_mutex_unlock(&cuda.lock);
	return result;
}

/**
 * cuda_stream_destroy() - VGPU_OP_STREAM_DESTROY
 * @number: of the stream; its commands have completed
 *
 * Return: CUresult. Context: the control thread.
 */
CUresult cuda_stream_destroy(uint32_t number)
{
	struct cuda_stream *slot = &cuda.streams[number];
	CUstream stream;

	pthread_mutex_lock(&cuda.lock);
	stream = slot->stream;
	slot->stream = NULL;
	slot->last_end = NULL;
	pthread_mutex_unlock(&cuda.lock);
	return stream ? cu.cuStreamDestroy_v2(stream) : CUDA_SUCCESS;
}

/**
 * cuda_streams_of() - end the streams of a context that ends
 * @ctx: its number; it has no flights
 *
 * Context: the control thread.
 */
void cuda_streams_of(uint32_t ctx)
{
	uint32_t i;

	for (i = 0; i < VGPU_MAX_STREAMS; i++)
		if (cuda.streams[i].stream && cuda.streams[i].ctx == ctx)
			cuda_stream_destroy(i);
}
