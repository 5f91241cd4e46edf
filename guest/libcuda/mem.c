// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include "capture.h"
#include "error.h"
#include "hostmem.h"
#include "pool.h"

#define PITCH_ALIGN 512 /* of rows by cuMemAllocPitch */

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *addr, size_t size)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);
	uint64_t at;

	if (result)
		return result;
	if (!addr || !size)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&ctx->session->lock);
	result = capture_check_unsafe(ctx->session);
	if (!result)
		result = devmem_alloc(ctx->session, DEVMEM_PLAIN, ctx->handle, size, &at);
	if (result == CUDA_ERROR_OUT_OF_MEMORY && pool_trim_all(ctx->session))
		result = devmem_alloc(ctx->session, DEVMEM_PLAIN, ctx->handle, size, &at);
	if (!result)
		*addr = at;
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuMemAllocPitch_v2(CUdeviceptr *addr, size_t *pitch, size_t width, size_t height,
				   unsigned int elem)
{
	size_t row;

	if (!addr || !pitch || !width || !height || (elem != 4 && elem != 8 && elem != 16))
		return CUDA_ERROR_INVALID_VALUE;
	row = (width + PITCH_ALIGN - 1) / PITCH_ALIGN * PITCH_ALIGN;
	if (row < width || row > SIZE_MAX / height)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*pitch = row;
	return cuMemAlloc_v2(addr, row * height);
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr addr)
{
	struct context *ctx;
	struct session *session;
	struct allocation *allocation;
	CUresult result = context_enter(&ctx);
	uint64_t start;

	if (result)
		return result;
	if (!addr)
		return CUDA_SUCCESS;
	session = session_of(addr);
	if (!session)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&session->lock);
	result = capture_check_unsafe(session);
	if (!result && session_is_aperture(session, addr)) {
		context_synchronize(ctx);
		result = hostmem_free(session, addr, true);
		pthread_mutex_unlock(&session->lock);
		return result;
	}
	allocation = devmem_find(session, addr, &start);
	if (!result && (!allocation || start != addr ||
			(allocation->kind != DEVMEM_PLAIN && allocation->kind != DEVMEM_ASYNC)))
		result = CUDA_ERROR_INVALID_VALUE;
	if (!result) {
		struct context *owner = context_get(allocation->ctx);

		/* No work may still use it. */
		result = context_synchronize(owner ? owner : ctx);
		if (allocation->kind == DEVMEM_ASYNC)
			pool_forget(session, addr);
		devmem_free(session, addr);
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}

/* The parameters of cuMemGetInfo have the name of free(). */
static void release(void *p)
{
	free(p);
}

EXPORT CUresult cuMemGetInfo_v2(size_t *free, size_t *total)
{
	/* What is given back counts from the end of its command on. */
	struct vgpu_cmd fence = { .opcode = VGPU_OP_FENCE };
	struct vgpu_guest_info *info;
	struct session *session;
	struct context *ctx;
	CUresult result = context_enter(&ctx);
	uint64_t used;
	int err;

	if (result)
		return result;
	if (!free || !total)
		return CUDA_ERROR_INVALID_VALUE;
	info = calloc(1, sizeof(*info));
	if (!info)
		return CUDA_ERROR_OUT_OF_MEMORY;
	session = ctx->session;
	pthread_mutex_lock(&session->lock);
	result = session_call(session, &fence, NULL);
	err = result ? 0 : session->port->ops->info(session->port, info);
	if (err)
		result = error_of_errno(err);
	if (!result) {
		/* The quota is the machine's: other processes have their part. What is kept here can be had. */
		used = info->memory_used - session->mem.free_bytes;
		session->mem.quota = info->memory_size;
		*total = info->memory_size;
		*free = used < info->memory_size ? info->memory_size - used : 0;
	}
	pthread_mutex_unlock(&session->lock);
	release(info);
	return result;
}

EXPORT CUresult cuMemGetInfo(unsigned int *free, unsigned int *total)
{
	size_t f, t;
	CUresult result = free && total ? cuMemGetInfo_v2(&f, &t) : CUDA_ERROR_INVALID_VALUE;

	if (!result) {
		*free = f > UINT32_MAX ? UINT32_MAX : f;
		*total = t > UINT32_MAX ? UINT32_MAX : t;
	}
	return result;
}

EXPORT CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *size, CUdeviceptr addr)
{
	struct context *ctx;
	struct session *session;
	CUresult result = context_enter(&ctx);
	struct extent *extent;

	if (result)
		return result;
	session = session_of(addr);
	if (!session)
		return CUDA_ERROR_NOT_FOUND;
	pthread_mutex_lock(&session->lock);
	extent = extent_find(
		session_is_device(session, addr) ? &session->mem.live : &session->pinned, addr);
	if (extent) {
		if (base)
			*base = extent->start;
		if (size)
			*size = extent->len;
	} else {
		result = CUDA_ERROR_NOT_FOUND;
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}
