// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include <string.h>
#include "array.h"
#include "capture.h"
#include "copy.h"
#include "defer.h"
#include "event.h"

/**
 * enum direction - what a call says about its two pointers
 */
enum direction {
	UNIFIED,
	HOST_TO_DEVICE,
	DEVICE_TO_HOST,
	DEVICE_TO_DEVICE,
};

/* How a call was made. */
struct how {
	CUstream stream;
	bool thread_default;
	bool async;
};

static CUresult classify(struct copy_side *dst, struct copy_side *src, uint64_t dst_addr,
			 uint64_t src_addr, enum direction direction)
{
	CUresult result = copy_classify(
		dst_addr, direction == HOST_TO_DEVICE || direction == DEVICE_TO_DEVICE, dst);

	if (!result)
		result = copy_classify(
			src_addr, direction == DEVICE_TO_HOST || direction == DEVICE_TO_DEVICE, src);
	/* A device address in a host pointer's place. */
	if (!result && direction == HOST_TO_DEVICE && src->kind == SIDE_DEVICE)
		result = CUDA_ERROR_INVALID_VALUE;
	if (!result && direction == DEVICE_TO_HOST && dst->kind == SIDE_DEVICE)
		result = CUDA_ERROR_INVALID_VALUE;
	return result;
}

/* The legacy stream of a context of a session, for copies that no stream of the program can do. */
static CUresult any_stream(struct session *session, struct stream **stream)
{
	for (int i = 1; i < VGPU_MAX_CONTEXTS; i++) {
		struct context *ctx = session->contexts[i];

		if (ctx && ctx->handle)
			return stream_resolve(ctx, CU_STREAM_LEGACY, false, stream);
	}
	return CUDA_ERROR_INVALID_CONTEXT;
}

/* One half of a copy between devices: from or to a side; the other one is pageable memory. */
static CUresult copy_half(const struct copy_side *side, const struct copy *copy)
{
	struct session *session = side->session;
	struct stream *stream;
	CUresult result;

	if (!session) {
		copy_on_host(copy);
		return CUDA_SUCCESS;
	}
	pthread_mutex_lock(&session->lock);
	result = any_stream(session, &stream);
	if (!result)
		result = copy_check(copy);
	if (!result) {
		stream_order(stream);
		stream_synchronize(stream);
		if (copy_is_host(copy))
			copy_on_host(copy);
		else
			result = copy_issue(stream, copy);
		stream_synchronize(stream);
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}

/* Between memory of two devices: through the CPU, at once. */
static CUresult copy_between(const struct copy *copy)
{
	struct copy out = *copy, in = *copy;
	void *stage = malloc(copy->width * copy->height * copy->depth);
	CUresult result;

	if (!stage)
		return CUDA_ERROR_OUT_OF_MEMORY;
	out.dst = (struct copy_side){ .kind = SIDE_PAGEABLE, .addr = (uint64_t)stage };
	out.dst.pitch = copy->width;
	out.dst.slice = copy->width * copy->height;
	in.src = out.dst;
	result = copy_half(&copy->src, &out);
	if (!result)
		result = copy_half(&copy->dst, &in);
	free(stage);
	return result;
}

static struct session *foreign(const struct copy_side *side, const struct session *session)
{
	return side->kind != SIDE_PAGEABLE && side->session != session ? side->session : NULL;
}

/* In a stream that is not capturing. */
static CUresult run(struct stream *stream, struct op *op, bool async)
{
	struct copy *copy = &op->copy;
	struct session *session = stream->session;
	struct heap_block block;
	CUresult result;

	if (copy_blocks(copy) || (copy_is_host(copy) && !async)) {
		/* Done at the return, so nothing may be left to be done before it. */
		stream_order(stream);
		if (stream->first)
			defer_drain(stream);
		if (copy_is_host(copy))
			stream_synchronize(stream);
	} else if (copy->src.kind == SIDE_PAGEABLE) {
		stream_order(stream);
		if (stream->first) {
			/* It is read before the return, but copied later. */
			result = copy_stage_source(session, copy, &block);
			if (result)
				return result;
		}
	}
	result = stream_run(stream, op);
	if (result)
		return result;
	if (copy_blocks(copy)) {
		/* Another thread may have put the stream off meanwhile. */
		if (stream->first)
			stream_synchronize(stream);
	} else if (async) {
		return CUDA_SUCCESS;
	} else if (copy->dst.kind == SIDE_APERTURE || copy->src.kind == SIDE_APERTURE) {
		/* Pinned memory belongs to the program again at the return. */
		stream_synchronize(stream);
	}
	if (copy->dst.kind != SIDE_DEVICE)
		session_printf(session);
	return context_error(stream->ctx);
}

static CUresult copy(const struct copy *copy, const struct how *how)
{
	struct op op = { .kind = OP_COPY, .copy = *copy };
	struct context *ctx;
	struct stream *stream;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (foreign(&copy->dst, ctx->session) || foreign(&copy->src, ctx->session))
		return copy_between(copy);
	pthread_mutex_lock(&ctx->session->lock);
	result = stream_resolve(ctx, how->stream, how->thread_default, &stream);
	if (!result && stream->session != ctx->session)
		result = CUDA_ERROR_INVALID_HANDLE;
	if (!result)
		result = copy_check(copy);
	if (!result && !how->async)
		result = capture_check_unsafe(ctx->session);
	if (!result)
		result = capture_check(stream);
	if (!result && stream->capture)
		result = how->async ? capture_op(stream, &op) : CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
	else if (!result)
		result = run(stream, &op, how->async);
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

static CUresult linear(uint64_t dst_addr, uint64_t src_addr, size_t len, enum direction direction,
		       const struct how *how)
{
	struct copy_side dst, src;
	struct copy c;
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result || !len)
		return result;
	if (!dst_addr || !src_addr || classify(&dst, &src, dst_addr, src_addr, direction))
		return CUDA_ERROR_INVALID_VALUE;
	copy_linear(&c, &dst, &src, len);
	return copy(&c, how);
}

/* A synchronous call in its two variants of default stream. */
#define SYNC_COPY(name, suffix, direction, dst_type, src_type) \
	EXPORT CUresult name(dst_type dst, src_type src, size_t len) \
	{ \
		struct how how = { NULL, false, false }; \
\
		return linear((uint64_t)dst, (uint64_t)src, len, direction, &how); \
	} \
	EXPORT CUresult name##suffix(dst_type dst, src_type src, size_t len) \
	{ \
		struct how how = { NULL, true, false }; \
\
		return linear((uint64_t)dst, (uint64_t)src, len, direction, &how); \
	}

#define ASYNC_COPY(name, suffix, direction, dst_type, src_type) \
	EXPORT CUresult name(dst_type dst, src_type src, size_t len, CUstream stream) \
	{ \
		struct how how = { stream, false, true }; \
\
		return linear((uint64_t)dst, (uint64_t)src, len, direction, &how); \
	} \
	EXPORT CUresult name##suffix(dst_type dst, src_type src, size_t len, CUstream stream) \
	{ \
		struct how how = { stream, true, true }; \
\
		return linear((uint64_t)dst, (uint64_t)src, len, direction, &how); \
	}

SYNC_COPY(cuMemcpy, _ptds, UNIFIED, CUdeviceptr, CUdeviceptr)
SYNC_COPY(cuMemcpyHtoD_v2, _ptds, HOST_TO_DEVICE, CUdeviceptr, const void *)
SYNC_COPY(cuMemcpyDtoH_v2, _ptds, DEVICE_TO_HOST, void *, CUdeviceptr)
SYNC_COPY(cuMemcpyDtoD_v2, _ptds, DEVICE_TO_DEVICE, CUdeviceptr, CUdeviceptr)
ASYNC_COPY(cuMemcpyAsync, _ptsz, UNIFIED, CUdeviceptr, CUdeviceptr)
ASYNC_COPY(cuMemcpyHtoDAsync_v2, _ptsz, HOST_TO_DEVICE, CUdeviceptr, const void *)
ASYNC_COPY(cuMemcpyDtoHAsync_v2, _ptsz, DEVICE_TO_HOST, void *, CUdeviceptr)
ASYNC_COPY(cuMemcpyDtoDAsync_v2, _ptsz, DEVICE_TO_DEVICE, CUdeviceptr, CUdeviceptr)

static CUresult peer(CUdeviceptr dst, CUcontext dst_ctx, CUdeviceptr src, CUcontext src_ctx,
		     size_t len, const struct how *how)
{
	if (!context_get(dst_ctx) || !context_get(src_ctx))
		return CUDA_ERROR_INVALID_CONTEXT;
	return linear(dst, src, len, UNIFIED, how);
}

EXPORT CUresult cuMemcpyPeer(CUdeviceptr dst, CUcontext dst_ctx, CUdeviceptr src, CUcontext src_ctx,
			     size_t len)
{
	struct how how = { NULL, false, false };

	return peer(dst, dst_ctx, src, src_ctx, len, &how);
}

EXPORT CUresult cuMemcpyPeer_ptds(CUdeviceptr dst, CUcontext dst_ctx, CUdeviceptr src,
				  CUcontext src_ctx, size_t len)
{
	struct how how = { NULL, true, false };

	return peer(dst, dst_ctx, src, src_ctx, len, &how);
}

EXPORT CUresult cuMemcpyPeerAsync(CUdeviceptr dst, CUcontext dst_ctx, CUdeviceptr src,
				  CUcontext src_ctx, size_t len, CUstream stream)
{
	struct how how = { stream, false, true };

	return peer(dst, dst_ctx, src, src_ctx, len, &how);
}

EXPORT CUresult cuMemcpyPeerAsync_ptsz(CUdeviceptr dst, CUcontext dst_ctx, CUdeviceptr src,
				       CUcontext src_ctx, size_t len, CUstream stream)
{
	struct how how = { stream, true, true };

	return peer(dst, dst_ctx, src, src_ctx, len, &how);
}

/* One side of a 2D or 3D copy, as its structures describe it. */
struct box_side {
	CUmemorytype type;
	const void *host;
	CUdeviceptr device;
	CUarray array;
	size_t x, y, z;
	size_t pitch;
	size_t height;
};

static CUresult array_classify(const struct box_side *box, size_t width, size_t height, size_t depth,
			       struct copy_side *side)
{
	const struct array *array = array_get(box->array);

	if (!array)
		return CUDA_ERROR_INVALID_HANDLE;
	if (box->x > array->row || width > array->row - box->x || box->y > array->rows ||
	    height > array->rows - box->y || box->z > array->slices || depth > array->slices - box->z)
		return CUDA_ERROR_INVALID_VALUE;
	side->pitch = array->pitch;
	side->slice = array->pitch * array->rows;
	return copy_classify(array->addr + box->z * side->slice + box->y * side->pitch + box->x, true, side);
}

static CUresult box_classify(const struct box_side *box, size_t width, size_t height, size_t depth,
			     struct copy_side *side)
{
	size_t pitch = box->pitch ? box->pitch : box->x + width;
	size_t rows = box->height ? box->height : box->y + height;
	uint64_t addr;

	switch (box->type) {
	case CU_MEMORYTYPE_HOST:
		addr = (uint64_t)box->host;
		break;
	case CU_MEMORYTYPE_DEVICE:
	case CU_MEMORYTYPE_UNIFIED:
		addr = box->device;
		break;
	case CU_MEMORYTYPE_ARRAY:
		return array_classify(box, width, height, depth, side);
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
	if (!addr || (height > 1 && pitch < box->x + width) || (depth > 1 && rows < box->y + height))
		return CUDA_ERROR_INVALID_VALUE;
	addr += (box->z * rows + box->y) * pitch + box->x;
	side->pitch = pitch;
	side->slice = pitch * rows;
	return copy_classify(addr, box->type == CU_MEMORYTYPE_DEVICE, side);
}

CUresult copy_describe(const CUDA_MEMCPY3D *p, struct copy *c)
{
	struct box_side dst = { p->dstMemoryType, p->dstHost, p->dstDevice, p->dstArray, p->dstXInBytes,
				p->dstY,	  p->dstZ,    p->dstPitch,  p->dstHeight };
	struct box_side src = { p->srcMemoryType, p->srcHost, p->srcDevice, p->srcArray, p->srcXInBytes,
				p->srcY,	  p->srcZ,    p->srcPitch,  p->srcHeight };
	CUresult result;

	memset(c, 0, sizeof(*c));
	c->width = p->WidthInBytes;
	c->height = p->Height;
	c->depth = p->Depth;
	if (!c->width || !c->height || !c->depth)
		return CUDA_SUCCESS;
	result = box_classify(&dst, c->width, c->height, c->depth, &c->dst);
	return result ? result : box_classify(&src, c->width, c->height, c->depth, &c->src);
}

static CUresult box(const CUDA_MEMCPY3D *p, const struct how *how)
{
	struct context *ctx;
	struct copy c;
	CUresult result = context_enter(&ctx);

	if (!result)
		result = copy_describe(p, &c);
	if (result || !c.width || !c.height || !c.depth)
		return result;
	return copy(&c, how);
}

static CUresult box_2d(const CUDA_MEMCPY2D *p, const struct how *how)
{
	CUDA_MEMCPY3D box_3d = { 0 };

	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	box_3d.srcXInBytes = p->srcXInBytes;
	box_3d.srcY = p->srcY;
	box_3d.srcMemoryType = p->srcMemoryType;
	box_3d.srcHost = p->srcHost;
	box_3d.srcDevice = p->srcDevice;
	box_3d.srcArray = p->srcArray;
	box_3d.srcPitch = p->srcPitch;
	box_3d.dstXInBytes = p->dstXInBytes;
	box_3d.dstY = p->dstY;
	box_3d.dstMemoryType = p->dstMemoryType;
	box_3d.dstHost = p->dstHost;
	box_3d.dstDevice = p->dstDevice;
	box_3d.dstArray = p->dstArray;
	box_3d.dstPitch = p->dstPitch;
	box_3d.WidthInBytes = p->WidthInBytes;
	box_3d.Height = p->Height;
	box_3d.Depth = 1;
	return box(&box_3d, how);
}

static CUresult box_peer(const CUDA_MEMCPY3D_PEER *p, const struct how *how)
{
	CUDA_MEMCPY3D box_3d;

	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	if (!context_get(p->srcContext) || !context_get(p->dstContext))
		return CUDA_ERROR_INVALID_CONTEXT;
	/* The two differ only in what stands in the place of the reserved pointers. */
	_Static_assert(sizeof(*p) == sizeof(box_3d),
		       "layouts of CUDA_MEMCPY3D and CUDA_MEMCPY3D_PEER");
	memcpy(&box_3d, p, sizeof(box_3d));
	return box(&box_3d, how);
}

#define BOX_COPY(name, variant, fn, type) \
	EXPORT CUresult name(const type *p) \
	{ \
		struct how how = { NULL, false, false }; \
\
		return p ? fn(p, &how) : CUDA_ERROR_INVALID_VALUE; \
	} \
	EXPORT CUresult variant(const type *p) \
	{ \
		struct how how = { NULL, true, false }; \
\
		return p ? fn(p, &how) : CUDA_ERROR_INVALID_VALUE; \
	}

#define BOX_COPY_ASYNC(name, variant, fn, type) \
	EXPORT CUresult name(const type *p, CUstream stream) \
	{ \
		struct how how = { stream, false, true }; \
\
		return p ? fn(p, &how) : CUDA_ERROR_INVALID_VALUE; \
	} \
	EXPORT CUresult variant(const type *p, CUstream stream) \
	{ \
		struct how how = { stream, true, true }; \
\
		return p ? fn(p, &how) : CUDA_ERROR_INVALID_VALUE; \
	}

BOX_COPY(cuMemcpy2D_v2, cuMemcpy2D_v2_ptds, box_2d, CUDA_MEMCPY2D)
BOX_COPY(cuMemcpy2DUnaligned_v2, cuMemcpy2DUnaligned_v2_ptds, box_2d, CUDA_MEMCPY2D)
BOX_COPY(cuMemcpy3D_v2, cuMemcpy3D_v2_ptds, box, CUDA_MEMCPY3D)
BOX_COPY(cuMemcpy3DPeer, cuMemcpy3DPeer_ptds, box_peer, CUDA_MEMCPY3D_PEER)
BOX_COPY_ASYNC(cuMemcpy2DAsync_v2, cuMemcpy2DAsync_v2_ptsz, box_2d, CUDA_MEMCPY2D)
BOX_COPY_ASYNC(cuMemcpy3DAsync_v2, cuMemcpy3DAsync_v2_ptsz, box, CUDA_MEMCPY3D)
BOX_COPY_ASYNC(cuMemcpy3DPeerAsync, cuMemcpy3DPeerAsync_ptsz, box_peer, CUDA_MEMCPY3D_PEER)
