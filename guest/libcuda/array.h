/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * CUDA arrays
 *
 * What an array looks like inside is nobody's business but the library's: here it is rows in device
 * memory, which copies reach like any other, and textures as well.
 */
#ifndef VGPU_LIBCUDA_ARRAY_H
#define VGPU_LIBCUDA_ARRAY_H

#include "context.h"

/**
 * struct array - a CUDA array
 * @handle: what the program holds
 * @ctx: handle of the context in which it was made
 * @desc: as the program described it
 * @addr: of the first texel
 * @row: bytes of a row that are the array's
 * @pitch: bytes from row to row
 * @rows: of a slice or layer, at least 1
 * @slices: slices or layers, at least 1
 * @next: in the list of all
 */
struct array {
	CUarray handle;
	CUcontext ctx;
	CUDA_ARRAY3D_DESCRIPTOR desc;
	CUdeviceptr addr;
	uint64_t row;
	uint64_t pitch;
	uint64_t rows;
	uint64_t slices;
	struct array *next;
};

/**
 * array_get() - looks up an array that the program named
 * Return: it, or NULL
 */
const struct array *array_get(CUarray handle);

/**
 * array_texel() - bytes of a texel
 * @format: any value
 * @channels: any value
 *
 * Return: 0 where there are none such
 */
unsigned int array_texel(CUarray_format format, unsigned int channels);

/**
 * array_free_ctx() - forgets the arrays of a context, whose memory is freed with it
 */
void array_free_ctx(CUcontext ctx);

#endif
