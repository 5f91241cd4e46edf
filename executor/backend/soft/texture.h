/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Texture fetches, as the decoder describes them to their handler. */
#ifndef EXECUTOR_SOFT_TEXTURE_H
#define EXECUTOR_SOFT_TEXTURE_H

#include "machine.h"

#define TEXTURE_COORDS	4
#define TEXTURE_RESULTS	4

enum tex_query { TEX_FETCH, TEX_WIDTH, TEX_HEIGHT, TEX_DEPTH };

/**
 * struct tex - a tex or txq instruction
 * @query: enum tex_query
 * @dims: coordinates within a slice or a volume: 1 to 3
 * @layered: the first coordinate is a layer, the others follow
 * @integer: the coordinates are numbers of texels
 */
struct tex {
	uint8_t query;
	uint8_t dims;
	bool layered;
	bool integer;
};

/**
 * texture_find - a texture object
 * @env: environment
 * @handle: as a kernel has it, any value
 *
 * Return: the texture, or NULL. It stays as long as no launch ends.
 */
const struct ptx_texture *texture_find(struct ptx_env *env, uint64_t handle);

/**
 * texture_fetch - reads a texture for one lane
 * @w: warp
 * @i: instruction, whose ptr is struct tex
 * @lane: lane
 * @texture: what it reads
 * @coords: bits: the layer where there are layers, then x, y, z
 * @out: the four results' bits
 *
 * Return: false after a fault.
 */
bool texture_fetch(struct warp *w, const struct insn *i, unsigned int lane, const struct ptx_texture *texture,
		   const uint32_t *coords, uint32_t *out);

#endif
