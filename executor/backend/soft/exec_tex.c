// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Texture fetches and queries. */
#include "exec.h"
#include "texture.h"

static uint32_t answer(const struct ptx_texture *texture, unsigned int query)
{
	return query == TEX_WIDTH ? texture->width : query == TEX_HEIGHT ? texture->height : texture->depth;
}

/* o[1] handle; ext[] results (one of a query), then coordinates: x of them. */
EXEC(tex)
{
	const struct tex *tex = i->ptr;
	const uint64_t *handle = d_row(w, i->o[1]);
	unsigned int results = tex->query ? 1 : TEXTURE_RESULTS, l, k;
	uint32_t coords[TEXTURE_COORDS], out[TEXTURE_RESULTS];
	const struct ptx_texture *texture;

	for (l = 0; l < LANES; l++) {
		if (!ON(m, l))
			continue;
		texture = texture_find(w->grid->env, handle[l]);
		if (!texture)
			return warp_fault(w, i, 1u << l, PTX_ERROR_ILLEGAL_ADDRESS, handle[l], "no texture object has this handle");
		for (k = 0; k < i->x; k++)
			coords[k] = ((const uint32_t *)w_row(w, i->ext[results + k]))[l];
		if (tex->query)
			out[0] = answer(texture, tex->query);
		else if (!texture_fetch(w, i, l, texture, coords, out))
			return NULL;
		for (k = 0; k < results; k++)
			((uint32_t *)w_row(w, i->ext[k]))[l] = out[k];
	}
	return i + 1;
}
