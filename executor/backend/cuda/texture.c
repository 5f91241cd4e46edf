// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Texture objects over the session's device memory: linear, and in rows. Of volumes, layers and single rows with coordinates between texels
 * the driver makes textures over its own arrays alone.
 */

#include <string.h>

#include "../../log.h"
#include "cuda.h"

static CUtexObject textures[VGPU_MAX_TEXTURES];
static uint32_t contexts[VGPU_MAX_TEXTURES];

static void describe(const struct vgpu_op_texture *op, CUDA_RESOURCE_DESC *resource, CUDA_TEXTURE_DESC *desc)
{
	uint32_t bytes = op->channels * (op->format == CU_AD_FORMAT_UNSIGNED_INT8 || op->format == CU_AD_FORMAT_SIGNED_INT8 ? 1 :
					 op->format == CU_AD_FORMAT_UNSIGNED_INT16 || op->format == CU_AD_FORMAT_SIGNED_INT16 ||
					 op->format == CU_AD_FORMAT_HALF ? 2 : 4);
	int i;

	if (op->kind == VGPU_TEXTURE_LINEAR) {
		resource->resType = CU_RESOURCE_TYPE_LINEAR;
		resource->res.linear.devPtr = op->addr;
		resource->res.linear.format = (CUarray_format)op->format;
		resource->res.linear.numChannels = op->channels;
		resource->res.linear.sizeInBytes = (size_t)op->width * bytes;
	} else {
		resource->resType = CU_RESOURCE_TYPE_PITCH2D;
		resource->res.pitch2D.devPtr = op->addr;
		resource->res.pitch2D.format = (CUarray_format)op->format;
		resource->res.pitch2D.numChannels = op->channels;
		resource->res.pitch2D.width = op->width;
		resource->res.pitch2D.height = op->height;
		resource->res.pitch2D.pitchInBytes = op->pitch;
	}
	for (i = 0; i < 3; i++)
		desc->addressMode[i] = (CUaddress_mode)(op->address >> (2 * i) & 3);
	desc->filterMode = op->flags & VGPU_TEXTURE_F_LINEAR ? CU_TR_FILTER_MODE_LINEAR : CU_TR_FILTER_MODE_POINT;
	desc->flags = (op->flags & VGPU_TEXTURE_F_NORMALIZED ? CU_TRSF_NORMALIZED_COORDINATES : 0) |
		      (op->flags & VGPU_TEXTURE_F_INTEGER ? CU_TRSF_READ_AS_INTEGER : 0);
	memcpy(desc->borderColor, op->border, sizeof(desc->borderColor));
}

/**
 * cuda_texture_create() - VGPU_OP_TEXTURE_CREATE
 * @ctx: CUDA context to which it will belong
 * @op: as vetted
 * @value: set to the handle
 *
 * Return: CUresult. Context: the control thread; the context is current.
 */
CUresult cuda_texture_create(uint32_t ctx, const struct vgpu_op_texture *op, uint64_t *value)
{
	CUDA_RESOURCE_DESC resource = { 0 };
	CUDA_TEXTURE_DESC desc = { 0 };
	CUtexObject texture;
	CUresult result;

	if (op->kind != VGPU_TEXTURE_LINEAR && op->kind != VGPU_TEXTURE_2D) {
		log_warning("texture not made: kind %u is none of linear memory and rows, which this backend has", op->kind);
		return CUDA_ERROR_NOT_SUPPORTED;
	}
	if (textures[op->texture])
		return CUDA_ERROR_INVALID_VALUE;
	describe(op, &resource, &desc);
	result = cu.cuTexObjectCreate(&texture, &resource, &desc, NULL);
	if (result)
		return result;
	textures[op->texture] = texture;
	contexts[op->texture] = ctx;
	*value = texture;
	return CUDA_SUCCESS;
}

/**
 * cuda_texture_destroy() - VGPU_OP_TEXTURE_DESTROY
 * @number: of the texture
 *
 * Return: CUresult. Context: the control thread; the context is current.
 */
CUresult cuda_texture_destroy(uint16_t number)
{
	CUtexObject texture = textures[number];

	if (!texture)
		return CUDA_ERROR_INVALID_HANDLE;
	textures[number] = 0;
	return cu.cuTexObjectDestroy(texture);
}

/**
 * cuda_textures_of() - end what a context has left
 * @ctx: number; current
 *
 * Context: the control thread.
 */
void cuda_textures_of(uint32_t ctx)
{
	uint32_t i;

	for (i = 0; i < VGPU_MAX_TEXTURES; i++)
		if (textures[i] && contexts[i] == ctx)
			cuda_texture_destroy((uint16_t)i);
}
