// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * DOC: Textures
 *
 * A texture object is a view of device memory: texels in rows, rows in slices or layers. Its handle is no address: a kernel that makes one
 * up, or goes on with one that was destroyed, faults as one with a wild pointer does. Weights of a linear filter have 8 bits behind the
 * point, as on hardware.
 */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "float.h"
#include "texture.h"

#define HANDLE_BASE	0x7465780000000000ull
#define MAX_TEXTURES	65536u

int ptx_env_set_texture(struct ptx_env *env, uint32_t number, const struct ptx_texture *texture, uint64_t *handle)
{
	struct ptx_texture *_Atomic *table = atomic_load(&env->textures);
	struct ptx_texture *copy = NULL, *before;

	if (number >= MAX_TEXTURES)
		return PTX_ERROR_INVALID_VALUE;
	if (!table) {
		/* Launches may look it up meanwhile. */
		table = calloc(MAX_TEXTURES, sizeof(*table));
		if (!table)
			return PTX_ERROR_OUT_OF_MEMORY;
		atomic_store(&env->textures, table);
	}
	if (texture) {
		if (atomic_load(&table[number]))
			return PTX_ERROR_INVALID_VALUE;
		copy = malloc(sizeof(*copy));
		if (!copy)
			return PTX_ERROR_OUT_OF_MEMORY;
		*copy = *texture;
		*handle = HANDLE_BASE | number;
	}
	before = atomic_exchange(&table[number], copy);
	if (!before && !texture)
		return PTX_ERROR_NOT_FOUND;
	free(before);
	return PTX_SUCCESS;
}

void ptx_env_free_textures(struct ptx_env *env)
{
	struct ptx_texture *_Atomic *table = atomic_load(&env->textures);
	uint32_t i;

	for (i = 0; table && i < MAX_TEXTURES; i++)
		free(atomic_load(&table[i]));
	free(table);
}

const struct ptx_texture *texture_find(struct ptx_env *env, uint64_t handle)
{
	struct ptx_texture *_Atomic *table = atomic_load(&env->textures);

	if (!table || (handle ^ HANDLE_BASE) >= MAX_TEXTURES)
		return NULL;
	return atomic_load(&table[handle ^ HANDLE_BASE]);
}

/* Two neighbours on an axis and the weight of the second; of a point the first alone. */
struct pair {
	int64_t at[2];
	bool outside[2];
	float weight;
};

static int64_t place(int64_t at, uint32_t size, unsigned int address, bool *outside)
{
	*outside = address == PTX_ADDRESS_BORDER && (at < 0 || at >= size);
	if (address == PTX_ADDRESS_WRAP)
		return (at % size + size) % size;
	return at < 0 ? 0 : at >= size ? (int64_t)size - 1 : at;
}

static int64_t whole(float u)
{
	/* Beyond every texture, and what is not a number is at its start. */
	return u > 1e9f ? 1000000000 : u > -1e9f ? (int64_t)floorf(u) : u < 0 ? -1000000000 : 0;
}

/* Coordinates that are not normalised neither wrap nor mirror. */
static unsigned int address_of(const struct ptx_texture *t, unsigned int axis, bool normalized)
{
	unsigned int address = t->address[axis];

	return normalized || address == PTX_ADDRESS_BORDER ? address : PTX_ADDRESS_CLAMP;
}

static struct pair locate(const struct ptx_texture *t, unsigned int axis, uint32_t size, uint32_t coord, bool integer, bool filter)
{
	unsigned int address = address_of(t, axis, t->normalized && !integer);
	struct pair p = { .weight = 0 };
	float u, turn;
	int k;

	if (integer) {
		p.at[0] = place((int32_t)coord, size, address, &p.outside[0]);
		return p;
	}
	u = f32_of(coord);
	if (address == PTX_ADDRESS_WRAP) {
		u -= floorf(u);
	} else if (address == PTX_ADDRESS_MIRROR) {
		turn = floorf(u);
		u -= turn;
		if (fmodf(turn, 2) != 0)
			u = 1 - u;
	}
	if (t->normalized)
		u *= (float)size;
	if (filter)
		u -= 0.5f;
	p.at[0] = whole(u);
	p.at[1] = p.at[0] + 1;
	if (filter)
		p.weight = floorf((u - floorf(u)) * 256 + 0.5f) / 256;
	/* NaN and infinity have no fraction. */
	if (!(p.weight >= 0 && p.weight <= 1))
		p.weight = 0;
	for (k = 0; k < 2; k++)
		p.at[k] = place(p.at[k], size, address, &p.outside[k]);
	return p;
}

static unsigned int channel_size(unsigned int format)
{
	switch (format) {
	case PTX_FORMAT_U8:
	case PTX_FORMAT_S8:
		return 1;
	case PTX_FORMAT_U16:
	case PTX_FORMAT_S16:
	case PTX_FORMAT_HALF:
		return 2;
	}
	return 4;
}

/* Whether texels are numbers with a fraction when they are read. */
static bool is_real(const struct ptx_texture *t)
{
	switch (t->format) {
	case PTX_FORMAT_HALF:
	case PTX_FORMAT_FLOAT:
		return true;
	case PTX_FORMAT_U32:
	case PTX_FORMAT_S32:
		return false;
	}
	return !t->integer;
}

static uint32_t channel(const struct ptx_texture *t, const unsigned char *from)
{
	bool real = is_real(t);
	uint16_t half;
	uint32_t word;
	float f;

	switch (t->format) {
	case PTX_FORMAT_U8:
		return real ? bits_f32((float)*from / 255) : *from;
	case PTX_FORMAT_S8:
		f = (float)(int8_t)*from / 127;
		return real ? bits_f32(f < -1 ? -1 : f) : (uint32_t)(int8_t)*from;
	case PTX_FORMAT_U16:
		memcpy(&half, from, sizeof(half));
		return real ? bits_f32((float)half / 65535) : half;
	case PTX_FORMAT_S16:
		memcpy(&half, from, sizeof(half));
		f = (float)(int16_t)half / 32767;
		return real ? bits_f32(f < -1 ? -1 : f) : (uint32_t)(int16_t)half;
	case PTX_FORMAT_HALF:
		memcpy(&half, from, sizeof(half));
		return bits_f32(f32_of_f16(half));
	}
	memcpy(&word, from, sizeof(word));
	return word;
}

static void colour_outside(const struct ptx_texture *t, uint32_t *out)
{
	unsigned int c;

	for (c = 0; c < TEXTURE_RESULTS; c++) {
		float f = t->kind == PTX_TEXTURE_LINEAR ? 0 : t->border[c];

		out[c] = is_real(t) ? bits_f32(f) : f > -2147483648.0f && f < 2147483648.0f ? (uint32_t)(int32_t)f : 0;
	}
}

static bool texel(struct warp *w, const struct insn *i, unsigned int lane, const struct ptx_texture *t, const int64_t *at, uint32_t *out)
{
	unsigned int size = channel_size(t->format), c;
	uint64_t addr = t->addr + (uint64_t)at[0] * size * t->channels;

	addr += ((uint64_t)at[2] * t->height + (uint64_t)at[1]) * t->pitch;
	if (!access_readable(w, lane, addr, size * t->channels)) {
		warp_fault(w, i, 1u << lane, PTX_ERROR_ILLEGAL_ADDRESS, addr, "texture over memory that is not mapped");
		return false;
	}
	for (c = 0; c < TEXTURE_RESULTS; c++)
		out[c] = c < t->channels ? channel(t, (const unsigned char *)(uintptr_t)addr + c * size) : c < 3 ? 0 : is_real(t) ?
			 bits_f32(1) : 1;
	return true;
}

static bool fetch_linear(struct warp *w, const struct insn *i, unsigned int lane, const struct ptx_texture *t, uint32_t coord, bool integer,
			 uint32_t *out)
{
	int64_t at[3] = { integer ? (int32_t)coord : whole(f32_of(coord)), 0, 0 };

	if (at[0] >= 0 && at[0] < t->width)
		return texel(w, i, lane, t, at, out);
	colour_outside(t, out);
	return true;
}

bool texture_fetch(struct warp *w, const struct insn *i, unsigned int lane, const struct ptx_texture *t, const uint32_t *coords,
		   uint32_t *out)
{
	const struct tex *tex = i->ptr;
	const uint32_t size[3] = { t->width, t->height, t->depth }, layer = tex->layered ? *coords++ : 0;
	bool filter = t->filter && is_real(t) && !tex->integer;
	struct pair p[3] = { 0 };
	float sum[TEXTURE_RESULTS] = { 0 };
	unsigned int k, c, corners;

	if (t->kind == PTX_TEXTURE_LINEAR)
		return fetch_linear(w, i, lane, t, coords[0], tex->integer, out);
	for (k = 0; k < tex->dims; k++)
		p[k] = locate(t, k, size[k], coords[k], tex->integer, filter);
	if (tex->layered)
		p[2].at[0] = p[2].at[1] = layer < t->depth ? layer : t->depth - 1;
	corners = filter ? 1u << tex->dims : 1;
	for (k = 0; k < corners; k++) {
		unsigned int x = k & 1, y = k >> 1 & 1, z = tex->dims > 2 ? k >> 2 : 0;
		float weight = (x ? p[0].weight : 1 - p[0].weight) * (y ? p[1].weight : 1 - p[1].weight) *
			       (z ? p[2].weight : 1 - p[2].weight);
		int64_t at[3] = { p[0].at[x], p[1].at[y], p[2].at[z] };

		/* What has no weight is not read. */
		if (filter && weight == 0)
			continue;
		if (p[0].outside[x] || p[1].outside[y] || p[2].outside[z])
			colour_outside(t, out);
		else if (!texel(w, i, lane, t, at, out))
			return false;
		for (c = 0; filter && c < TEXTURE_RESULTS; c++)
			sum[c] += weight * f32_of(out[c]);
	}
	for (c = 0; filter && c < TEXTURE_RESULTS; c++)
		out[c] = bits_f32(sum[c]);
	return true;
}
