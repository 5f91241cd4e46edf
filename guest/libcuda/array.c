// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include <string.h>
#include "array.h"
#include "handle.h"
#include "log.h"

#define ROW_ALIGN 64 /* a multiple of the texture pitch alignment of every GPU */
#define FLAGS_KNOWN (CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_TEXTURE_GATHER)

static struct array *arrays;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the list; taken last */

unsigned int array_texel(CUarray_format format, unsigned int channels)
{
	if (channels != 1 && channels != 2 && channels != 4)
		return 0;
	switch (format) {
	case CU_AD_FORMAT_UNSIGNED_INT8:
	case CU_AD_FORMAT_SIGNED_INT8:
		return channels;
	case CU_AD_FORMAT_UNSIGNED_INT16:
	case CU_AD_FORMAT_SIGNED_INT16:
	case CU_AD_FORMAT_HALF:
		return 2 * channels;
	case CU_AD_FORMAT_UNSIGNED_INT32:
	case CU_AD_FORMAT_SIGNED_INT32:
	case CU_AD_FORMAT_FLOAT:
		return 4 * channels;
	default:
		return 0;
	}
}

const struct array *array_get(CUarray handle)
{
	return handle_get(HANDLE_ARRAY, handle);
}

static void forget(struct array *array)
{
	struct array **at;

	pthread_mutex_lock(&lock);
	for (at = &arrays; *at != array; at = &(*at)->next)
		;
	*at = array->next;
	pthread_mutex_unlock(&lock);
}

void array_free_ctx(CUcontext ctx)
{
	struct array **at = &arrays, *array;

	pthread_mutex_lock(&lock);
	while ((array = *at)) {
		/* Who takes the handle away frees the array. */
		if (array->ctx == ctx && handle_free(HANDLE_ARRAY, array->handle)) {
			*at = array->next;
			free(array);
		} else {
			at = &array->next;
		}
	}
	pthread_mutex_unlock(&lock);
}

static CUresult check(const CUDA_ARRAY3D_DESCRIPTOR *desc)
{
	bool layered = desc->Flags & CUDA_ARRAY3D_LAYERED;

	if (desc->Flags & ~FLAGS_KNOWN) {
		log_line("cuArray3DCreate: flags %#x: of arrays for surfaces, cube maps and sparse memory there are none",
			 desc->Flags);
		return CUDA_ERROR_NOT_SUPPORTED;
	}
	if (!array_texel(desc->Format, desc->NumChannels) || !desc->Width ||
	    (layered ? !desc->Depth : desc->Depth && !desc->Height) ||
	    desc->Width > VGPU_MAX_TEXTURE || desc->Height > VGPU_MAX_TEXTURE ||
	    desc->Depth > VGPU_MAX_TEXTURE_DEPTH)
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

static CUresult create(CUarray *handle, const CUDA_ARRAY3D_DESCRIPTOR *desc)
{
	struct context *ctx;
	struct array *array;
	CUresult result = context_enter(&ctx);

	if (!result)
		result = check(desc);
	if (result)
		return result;
	array = calloc(1, sizeof(*array));
	if (!array)
		return CUDA_ERROR_OUT_OF_MEMORY;
	array->desc = *desc;
	array->ctx = ctx->handle;
	array->row = desc->Width * array_texel(desc->Format, desc->NumChannels);
	array->pitch = (array->row + ROW_ALIGN - 1) / ROW_ALIGN * ROW_ALIGN;
	array->rows = desc->Height ?: 1;
	array->slices = desc->Depth ?: 1;
	result = cuMemAlloc_v2(&array->addr, array->pitch * array->rows * array->slices);
	if (result) {
		free(array);
		return result;
	}
	array->handle = handle_new(HANDLE_ARRAY, array);
	if (!array->handle) {
		cuMemFree_v2(array->addr);
		free(array);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	*handle = array->handle;
	pthread_mutex_lock(&lock);
	array->next = arrays;
	arrays = array;
	pthread_mutex_unlock(&lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuArrayCreate_v2(CUarray *handle, const CUDA_ARRAY_DESCRIPTOR *desc)
{
	CUDA_ARRAY3D_DESCRIPTOR whole = { 0 };

	if (!handle || !desc)
		return CUDA_ERROR_INVALID_VALUE;
	whole.Width = desc->Width;
	whole.Height = desc->Height;
	whole.Format = desc->Format;
	whole.NumChannels = desc->NumChannels;
	return create(handle, &whole);
}

EXPORT CUresult cuArray3DCreate_v2(CUarray *handle, const CUDA_ARRAY3D_DESCRIPTOR *desc)
{
	return handle && desc ? create(handle, desc) : CUDA_ERROR_INVALID_VALUE;
}

static CUresult describe(CUDA_ARRAY3D_DESCRIPTOR *desc, CUarray handle)
{
	const struct array *array;
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	array = array_get(handle);
	if (!array)
		return CUDA_ERROR_INVALID_HANDLE;
	*desc = array->desc;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuArray3DGetDescriptor_v2(CUDA_ARRAY3D_DESCRIPTOR *desc, CUarray handle)
{
	return desc ? describe(desc, handle) : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuArrayGetDescriptor_v2(CUDA_ARRAY_DESCRIPTOR *desc, CUarray handle)
{
	CUDA_ARRAY3D_DESCRIPTOR whole;
	CUresult result = desc ? describe(&whole, handle) : CUDA_ERROR_INVALID_VALUE;

	if (result)
		return result;
	desc->Width = whole.Width;
	desc->Height = whole.Height;
	desc->Format = whole.Format;
	desc->NumChannels = whole.NumChannels;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuArrayDestroy(CUarray handle)
{
	struct array *array;
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	array = handle_free(HANDLE_ARRAY, handle);
	if (!array)
		return CUDA_ERROR_INVALID_HANDLE;
	forget(array);
	result = cuMemFree_v2(array->addr);
	free(array);
	return result;
}

/* Bytes of an array in the order of its rows; a box of whole rows, or part of one. */
static CUresult linear_box(CUDA_MEMCPY3D *p, size_t *x, size_t *y, CUarray handle, size_t offset, size_t len)
{
	const struct array *array = array_get(handle);

	if (!array)
		return CUDA_ERROR_INVALID_HANDLE;
	*x = offset % array->row;
	*y = offset / array->row;
	p->WidthInBytes = len;
	p->Height = 1;
	p->Depth = 1;
	if (len > array->row - *x) {
		if (*x || len % array->row)
			return CUDA_ERROR_INVALID_VALUE;
		p->WidthInBytes = array->row;
		p->Height = len / array->row;
	}
	return CUDA_SUCCESS;
}

static CUresult to_array(CUDA_MEMCPY3D *p, CUarray dst, size_t offset, size_t len)
{
	CUresult result = linear_box(p, &p->dstXInBytes, &p->dstY, dst, offset, len);

	p->dstMemoryType = CU_MEMORYTYPE_ARRAY;
	p->dstArray = dst;
	return result;
}

static CUresult from_array(CUDA_MEMCPY3D *p, CUarray src, size_t offset, size_t len)
{
	CUresult result = linear_box(p, &p->srcXInBytes, &p->srcY, src, offset, len);

	p->srcMemoryType = CU_MEMORYTYPE_ARRAY;
	p->srcArray = src;
	return result;
}

EXPORT CUresult cuMemcpyHtoA_v2(CUarray dst, size_t offset, const void *src, size_t len)
{
	CUDA_MEMCPY3D p = { .srcMemoryType = CU_MEMORYTYPE_HOST, .srcHost = src };
	CUresult result = to_array(&p, dst, offset, len);

	return result ? result : cuMemcpy3D_v2(&p);
}

EXPORT CUresult cuMemcpyHtoAAsync_v2(CUarray dst, size_t offset, const void *src, size_t len, CUstream stream)
{
	CUDA_MEMCPY3D p = { .srcMemoryType = CU_MEMORYTYPE_HOST, .srcHost = src };
	CUresult result = to_array(&p, dst, offset, len);

	return result ? result : cuMemcpy3DAsync_v2(&p, stream);
}

EXPORT CUresult cuMemcpyAtoH_v2(void *dst, CUarray src, size_t offset, size_t len)
{
	CUDA_MEMCPY3D p = { .dstMemoryType = CU_MEMORYTYPE_HOST, .dstHost = dst };
	CUresult result = from_array(&p, src, offset, len);

	return result ? result : cuMemcpy3D_v2(&p);
}

EXPORT CUresult cuMemcpyAtoHAsync_v2(void *dst, CUarray src, size_t offset, size_t len, CUstream stream)
{
	CUDA_MEMCPY3D p = { .dstMemoryType = CU_MEMORYTYPE_HOST, .dstHost = dst };
	CUresult result = from_array(&p, src, offset, len);

	return result ? result : cuMemcpy3DAsync_v2(&p, stream);
}

EXPORT CUresult cuMemcpyDtoA_v2(CUarray dst, size_t offset, CUdeviceptr src, size_t len)
{
	CUDA_MEMCPY3D p = { .srcMemoryType = CU_MEMORYTYPE_DEVICE, .srcDevice = src };
	CUresult result = to_array(&p, dst, offset, len);

	return result ? result : cuMemcpy3D_v2(&p);
}

EXPORT CUresult cuMemcpyAtoD_v2(CUdeviceptr dst, CUarray src, size_t offset, size_t len)
{
	CUDA_MEMCPY3D p = { .dstMemoryType = CU_MEMORYTYPE_DEVICE, .dstDevice = dst };
	CUresult result = from_array(&p, src, offset, len);

	return result ? result : cuMemcpy3D_v2(&p);
}
