// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include "capture.h"
#include "copy.h"
#include "stream.h"

struct how {
	CUstream stream;
	bool thread_default;
	bool async;
};

CUresult memset_describe(uint64_t dst, uint64_t pitch, uint32_t value, uint32_t elem,
			 uint64_t width, uint64_t height, struct op_memset *set)
{
	if (elem != 1 && elem != 2 && elem != 4)
		return CUDA_ERROR_INVALID_VALUE;
	if (dst % elem || (height > 1 && (pitch % elem || pitch < width * elem)))
		return CUDA_ERROR_INVALID_VALUE;
	set->dst = dst;
	set->pitch = height > 1 ? pitch : width * elem;
	set->width = width;
	set->height = height;
	set->value = elem == 1 ? value & 0xff : elem == 2 ? value & 0xffff : value;
	set->elem = elem;
	return CUDA_SUCCESS;
}

CUresult memset_check(struct session *session, const struct op_memset *set)
{
	uint64_t span = (set->height - 1) * set->pitch + set->width * set->elem;

	return session_has(session, set->dst, span) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static CUresult fill(CUdeviceptr dst, size_t pitch, uint32_t value, uint32_t elem, size_t width,
		     size_t height, const struct how *how)
{
	struct op op = { .kind = OP_MEMSET };
	struct context *ctx;
	struct stream *stream;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!dst || memset_describe(dst, pitch, value, elem, width, height, &op.memset))
		return CUDA_ERROR_INVALID_VALUE;
	if (!width || !height)
		return CUDA_SUCCESS;
	if (session_of(dst) != ctx->session)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&ctx->session->lock);
	result = stream_resolve(ctx, how->stream, how->thread_default, &stream);
	if (!result && stream->session != ctx->session)
		result = CUDA_ERROR_INVALID_HANDLE;
	if (!result)
		result = memset_check(ctx->session, &op.memset);
	if (!result && !how->async)
		result = capture_check_unsafe(ctx->session);
	if (!result)
		result = stream_run(stream, &op);
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

/* One width of element: linear and with pitch, by four ways of choosing the stream. */
#define MEMSET(bits, type) \
	EXPORT CUresult cuMemsetD##bits##_v2(CUdeviceptr dst, type value, size_t n) \
	{ \
		struct how how = { NULL, false, false }; \
\
		return fill(dst, 0, value, (bits) / 8, n, 1, &how); \
	} \
	EXPORT CUresult cuMemsetD##bits##_v2_ptds(CUdeviceptr dst, type value, size_t n) \
	{ \
		struct how how = { NULL, true, false }; \
\
		return fill(dst, 0, value, (bits) / 8, n, 1, &how); \
	} \
	EXPORT CUresult cuMemsetD##bits##Async(CUdeviceptr dst, type value, size_t n, \
					       CUstream stream) \
	{ \
		struct how how = { stream, false, true }; \
\
		return fill(dst, 0, value, (bits) / 8, n, 1, &how); \
	} \
	EXPORT CUresult cuMemsetD##bits##Async_ptsz(CUdeviceptr dst, type value, size_t n, \
						    CUstream stream) \
	{ \
		struct how how = { stream, true, true }; \
\
		return fill(dst, 0, value, (bits) / 8, n, 1, &how); \
	} \
	EXPORT CUresult cuMemsetD2D##bits##_v2(CUdeviceptr dst, size_t pitch, type value, \
					       size_t width, size_t height) \
	{ \
		struct how how = { NULL, false, false }; \
\
		return fill(dst, pitch, value, (bits) / 8, width, height, &how); \
	} \
	EXPORT CUresult cuMemsetD2D##bits##_v2_ptds(CUdeviceptr dst, size_t pitch, type value, \
						    size_t width, size_t height) \
	{ \
		struct how how = { NULL, true, false }; \
\
		return fill(dst, pitch, value, (bits) / 8, width, height, &how); \
	} \
	EXPORT CUresult cuMemsetD2D##bits##Async(CUdeviceptr dst, size_t pitch, type value, \
						 size_t width, size_t height, CUstream stream) \
	{ \
		struct how how = { stream, false, true }; \
\
		return fill(dst, pitch, value, (bits) / 8, width, height, &how); \
	} \
	EXPORT CUresult cuMemsetD2D##bits##Async_ptsz(CUdeviceptr dst, size_t pitch, type value, \
						      size_t width, size_t height, CUstream stream) \
	{ \
		struct how how = { stream, true, true }; \
\
		return fill(dst, pitch, value, (bits) / 8, width, height, &how); \
	}

MEMSET(8, unsigned char)
MEMSET(16, unsigned short)
MEMSET(32, unsigned int)
