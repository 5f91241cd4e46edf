// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include <string.h>
#include "array.h"
#include "log.h"
#include "texture.h"

#define FLAGS_KNOWN \
	(CU_TRSF_READ_AS_INTEGER | CU_TRSF_NORMALIZED_COORDINATES | CU_TRSF_DISABLE_TRILINEAR_OPTIMIZATION | \
	 CU_TRSF_SEAMLESS_CUBEMAP)

/**
 * struct texture - a texture object
 * @handle: what the program and its kernels hold: the device's, not one of ours
 * @ctx: in which it was made
 * @number: in the session
 * @resource: as the program described it
 * @desc: likewise
 * @next: in the list of all
 */
struct texture {
	CUtexObject handle;
	struct context *ctx;
	uint32_t number;
	CUDA_RESOURCE_DESC resource;
	CUDA_TEXTURE_DESC desc;
	struct texture *next;
};

static struct texture *textures;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the list; taken last */

/* The lock of the list is held. */
static struct texture **find(const struct session *session, CUtexObject handle)
{
	struct texture **at;

	for (at = &textures; *at; at = &(*at)->next)
		if ((*at)->handle == handle && (*at)->ctx->session == session)
			break;
	return at;
}

static CUresult unsupported(const char *what)
{
	log_line("cuTexObjectCreate: %s: not supported", what);
	return CUDA_ERROR_NOT_SUPPORTED;
}

static CUresult describe_array(const struct array *array, struct vgpu_op_texture *op)
{
	bool layered;

	if (!array)
		return CUDA_ERROR_INVALID_HANDLE;
	layered = array->desc.Flags & CUDA_ARRAY3D_LAYERED;
	op->kind = layered ? (array->desc.Height ? VGPU_TEXTURE_2D_LAYERED : VGPU_TEXTURE_1D_LAYERED) :
		   array->desc.Depth ? VGPU_TEXTURE_3D : array->desc.Height ? VGPU_TEXTURE_2D : VGPU_TEXTURE_1D;
	op->format = array->desc.Format;
	op->channels = array->desc.NumChannels;
	op->addr = array->addr;
	op->width = array->desc.Width;
	op->height = array->rows;
	op->depth = array->slices;
	op->pitch = array->pitch;
	return CUDA_SUCCESS;
}

/* Memory that the program has laid out itself. */
static CUresult describe_memory(const CUDA_RESOURCE_DESC *r, struct vgpu_op_texture *op)
{
	bool pitched = r->resType == CU_RESOURCE_TYPE_PITCH2D;
	CUarray_format format = pitched ? r->res.pitch2D.format : r->res.linear.format;
	unsigned int channels = pitched ? r->res.pitch2D.numChannels : r->res.linear.numChannels;
	unsigned int texel = array_texel(format, channels);
	size_t width, height = 0, pitch = 0;

	if (!texel)
		return CUDA_ERROR_INVALID_VALUE;
	op->format = format;
	op->channels = channels;
	if (pitched) {
		width = r->res.pitch2D.width;
		height = r->res.pitch2D.height;
		pitch = r->res.pitch2D.pitchInBytes;
		op->addr = r->res.pitch2D.devPtr;
		if (!height || height > VGPU_MAX_TEXTURE || width > VGPU_MAX_TEXTURE || pitch > UINT32_MAX ||
		    pitch < width * texel || pitch % 32)
			return CUDA_ERROR_INVALID_VALUE;
		op->depth = 1;
	} else {
		width = r->res.linear.sizeInBytes / texel;
		op->addr = r->res.linear.devPtr;
	}
	/* Of both the texture alignment, which is that of allocations. */
	if (!width || width > VGPU_MAX_TEXELS || !op->addr || op->addr % DEVMEM_ALIGN)
		return CUDA_ERROR_INVALID_VALUE;
	op->kind = pitched ? VGPU_TEXTURE_2D : VGPU_TEXTURE_LINEAR;
	op->width = width;
	op->height = height;
	op->pitch = pitch;
	return CUDA_SUCCESS;
}

static CUresult describe_reading(const CUDA_TEXTURE_DESC *t, struct vgpu_op_texture *op)
{
	bool word = op->format == CU_AD_FORMAT_UNSIGNED_INT32 || op->format == CU_AD_FORMAT_SIGNED_INT32;
	bool real = op->format == CU_AD_FORMAT_FLOAT || op->format == CU_AD_FORMAT_HALF;
	int i;

	if (t->flags & CU_TRSF_SRGB)
		return unsupported("CU_TRSF_SRGB");
	if (t->flags & ~FLAGS_KNOWN || t->filterMode > CU_TR_FILTER_MODE_LINEAR)
		return CUDA_ERROR_INVALID_VALUE;
	if (t->flags & CU_TRSF_READ_AS_INTEGER)
		op->flags |= VGPU_TEXTURE_F_INTEGER;
	if (t->flags & CU_TRSF_NORMALIZED_COORDINATES)
		op->flags |= VGPU_TEXTURE_F_NORMALIZED;
	if (op->kind == VGPU_TEXTURE_LINEAR)
		return CUDA_SUCCESS;
	/* Between integers there is nothing. */
	if (t->filterMode == CU_TR_FILTER_MODE_LINEAR) {
		if (word || (!real && t->flags & CU_TRSF_READ_AS_INTEGER))
			return CUDA_ERROR_INVALID_VALUE;
		op->flags |= VGPU_TEXTURE_F_LINEAR;
	}
	for (i = 0; i < 3; i++) {
		if (t->addressMode[i] > CU_TR_ADDRESS_MODE_BORDER)
			return CUDA_ERROR_INVALID_VALUE;
		op->address |= t->addressMode[i] << (2 * i);
	}
	memcpy(op->border, t->borderColor, sizeof(op->border));
	return CUDA_SUCCESS;
}

static CUresult describe(const CUDA_RESOURCE_DESC *r, const CUDA_TEXTURE_DESC *t, const CUDA_RESOURCE_VIEW_DESC *view,
			 struct vgpu_op_texture *op)
{
	CUresult result;

	if (r->flags)
		return CUDA_ERROR_INVALID_VALUE;
	switch (r->resType) {
	case CU_RESOURCE_TYPE_ARRAY:
		result = describe_array(array_get(r->res.array.hArray), op);
		break;
	case CU_RESOURCE_TYPE_LINEAR:
	case CU_RESOURCE_TYPE_PITCH2D:
		result = describe_memory(r, op);
		break;
	case CU_RESOURCE_TYPE_MIPMAPPED_ARRAY:
		return unsupported("mipmapped arrays");
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
	if (result)
		return result;
	if (view)
		return r->resType == CU_RESOURCE_TYPE_ARRAY ? unsupported("resource views") : CUDA_ERROR_INVALID_VALUE;
	return describe_reading(t, op);
}

/* With the session's lock held. */
static CUresult create(struct context *ctx, struct texture *texture, struct vgpu_cmd *cmd)
{
	struct session *session = ctx->session;
	const struct vgpu_op_texture *op = &cmd->texture;
	uint64_t row = (uint64_t)op->width * array_texel(op->format, op->channels), handle = 0;
	uint64_t span = op->height ? ((uint64_t)op->height * op->depth - 1) * op->pitch + row : row;
	CUresult result;
	int number;

	if (!session_is_device(session, op->addr) || !devmem_valid(session, op->addr, span))
		return CUDA_ERROR_INVALID_VALUE;
	number = session_number(session->texture_numbers, VGPU_MAX_TEXTURES);
	if (number < 0)
		return CUDA_ERROR_OUT_OF_MEMORY;
	cmd->ctx = ctx->number;
	cmd->texture.texture = number;
	result = session_call(session, cmd, &handle);
	if (result) {
		session_number_free(session->texture_numbers, number);
		return result;
	}
	texture->handle = handle;
	texture->number = number;
	texture->ctx = ctx;
	pthread_mutex_lock(&lock);
	texture->next = textures;
	textures = texture;
	pthread_mutex_unlock(&lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuTexObjectCreate(CUtexObject *handle, const CUDA_RESOURCE_DESC *resource, const CUDA_TEXTURE_DESC *desc,
				  const CUDA_RESOURCE_VIEW_DESC *view)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_TEXTURE_CREATE };
	struct texture *texture;
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!handle || !resource || !desc)
		return CUDA_ERROR_INVALID_VALUE;
	result = describe(resource, desc, view, &cmd.texture);
	if (result)
		return result;
	texture = calloc(1, sizeof(*texture));
	if (!texture)
		return CUDA_ERROR_OUT_OF_MEMORY;
	texture->resource = *resource;
	texture->desc = *desc;
	pthread_mutex_lock(&ctx->session->lock);
	result = create(ctx, texture, &cmd);
	pthread_mutex_unlock(&ctx->session->lock);
	if (result)
		free(texture);
	else
		*handle = texture->handle;
	return result;
}

/* Fire and forget; the control stream keeps the order: the number can be used again at once. */
static void destroy(struct context *ctx, struct texture *texture)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_TEXTURE_DESTROY, .ctx = ctx->number };

	cmd.texture.texture = texture->number;
	queue_reserve(&ctx->session->queue, 1);
	queue_submit(&ctx->session->queue, &cmd, NULL, NULL);
	session_number_free(ctx->session->texture_numbers, texture->number);
	free(texture);
}

EXPORT CUresult cuTexObjectDestroy(CUtexObject handle)
{
	struct texture *texture, **at;
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	pthread_mutex_lock(&ctx->session->lock);
	pthread_mutex_lock(&lock);
	at = find(ctx->session, handle);
	texture = *at;
	if (texture)
		*at = texture->next;
	pthread_mutex_unlock(&lock);
	if (texture) {
		/* No work may still use it. */
		result = context_synchronize(texture->ctx);
		destroy(texture->ctx, texture);
	} else if (handle) {
		result = CUDA_ERROR_INVALID_VALUE;
	}
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

void texture_free_ctx(struct context *ctx)
{
	struct texture **at, *texture;

	do {
		pthread_mutex_lock(&lock);
		for (at = &textures; *at && (*at)->ctx != ctx; at = &(*at)->next)
			;
		texture = *at;
		if (texture)
			*at = texture->next;
		pthread_mutex_unlock(&lock);
		if (texture)
			destroy(ctx, texture);
	} while (texture);
}

static CUresult recall(CUtexObject handle, CUDA_RESOURCE_DESC *resource, CUDA_TEXTURE_DESC *desc)
{
	struct texture *texture;
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!resource && !desc)
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&lock);
	texture = *find(ctx->session, handle);
	if (!texture)
		result = CUDA_ERROR_INVALID_VALUE;
	else if (resource)
		*resource = texture->resource;
	else
		*desc = texture->desc;
	pthread_mutex_unlock(&lock);
	return result;
}

EXPORT CUresult cuTexObjectGetResourceDesc(CUDA_RESOURCE_DESC *resource, CUtexObject handle)
{
	return recall(handle, resource, NULL);
}

EXPORT CUresult cuTexObjectGetTextureDesc(CUDA_TEXTURE_DESC *desc, CUtexObject handle)
{
	return recall(handle, NULL, desc);
}
