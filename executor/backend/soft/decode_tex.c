// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Texture fetches and queries, by texture object: what texref names needs a call that CUDA 12 has no more. */
#include "decode.h"
#include "texture.h"

static val_t texture_handle(struct decoder *dc, const struct opnd *o)
{
	if (o->kind != O_ADDR || o->imm)
		dc_mismatch(dc);
	if (o->elems[0].kind == O_SYM)
		dc_error(dc, "Texture reference '%s': only texture objects are supported", o->elems[0].sym->name);
	return dc_src(dc, &o->elems[0], T_B64);
}

static void set_geometry(struct decoder *dc, struct tex *tex)
{
	switch (dc->fm.val[MC_GEOM]) {
	case M_GEOM_A1D:
		tex->layered = true;
		tex->dims = 1;
		return;
	case M_GEOM_G1D:
		tex->dims = 1;
		return;
	case M_GEOM_A2D:
		tex->layered = true;
		tex->dims = 2;
		return;
	case M_GEOM_G2D:
		tex->dims = 2;
		return;
	case M_GEOM_G3D:
		tex->dims = 3;
		return;
	}
	dc_bad_form(dc);
}

/* Coordinates as values; what stands behind those that count is not looked at. */
static unsigned int coordinates(struct decoder *dc, const struct opnd *o, const struct tex *tex, val_t *vals)
{
	unsigned int need = tex->dims + tex->layered, given = o->kind == O_VEC ? o->num : 1, k;
	unsigned int type = tex->integer ? T_B32 : T_F32;

	if (given != (need == 3 ? 4 : need))
		dc_mismatch(dc);
	for (k = 0; k < need; k++)
		vals[k] = dc_src(dc, o->kind == O_VEC ? &o->elems[k] : o, tex->layered && !k ? T_B32 : type);
	return need;
}

/* There is one level: the base, and whatever a level or gradients select. */
static unsigned int level_operands(struct decoder *dc)
{
	switch (dc->fm.val[MC_LOD]) {
	case M_LOD_LEVEL:
		return 1;
	case M_LOD_GRAD:
		return 2;
	}
	return 0;
}

void decode_tex(struct decoder *dc)
{
	struct tex *tex = build_keep(dc->b, sizeof(*tex));
	const struct opnd *d = dc_opnd(dc, 0), *a = dc_opnd(dc, 1);
	unsigned int type = dc_type(dc), coord_type = dc->fm.types[1], n, k;
	val_t dst[TEXTURE_RESULTS], src[TEXTURE_COORDS], handle;

	dc_allow(dc, CAT(GEOM) | CAT(VEC) | CAT(LOD), MFLAG(BASE), 2, 2);
	if (dc->fm.val[MC_VEC] != M_VEC_V4 || (type != T_F32 && type != T_S32 && type != T_U32) ||
	    (coord_type != T_F32 && coord_type != T_S32))
		dc_bad_form(dc);
	dc_operands(dc, 2 + level_operands(dc), 2 + level_operands(dc));
	tex->integer = coord_type == T_S32;
	set_geometry(dc, tex);
	handle = texture_handle(dc, a);
	if (a->num != 2 || d->kind != O_VEC || d->num != TEXTURE_RESULTS)
		dc_mismatch(dc);
	n = coordinates(dc, &a->elems[1], tex, src);
	for (k = 0; k < TEXTURE_RESULTS; k++)
		dst[k] = dc_dst(dc, &d->elems[k], T_B32);
	dc_emit(dc, XO_tex)->ptr = tex;
	dc->insns[dc->num_insns - 1].x = (uint16_t)n;
	dc_use(dc, 1, handle);
	for (k = 0; k < TEXTURE_RESULTS; k++)
		dc_ext(dc, dst[k], true);
	for (k = 0; k < n; k++)
		dc_ext(dc, src[k], false);
}

void decode_txq(struct decoder *dc)
{
	struct tex *tex = build_keep(dc->b, sizeof(*tex));
	val_t handle, dst;

	dc_allow(dc, CAT(QUERY), 0, 1, 1);
	dc_operands(dc, 2, 2);
	if (dc_type(dc) != T_B32)
		dc_bad_form(dc);
	switch (dc->fm.val[MC_QUERY]) {
	case M_QUERY_WIDTH:
		tex->query = TEX_WIDTH;
		break;
	case M_QUERY_HEIGHT:
		tex->query = TEX_HEIGHT;
		break;
	case M_QUERY_DEPTH:
		tex->query = TEX_DEPTH;
		break;
	default:
		dc_bad_form(dc);
	}
	handle = texture_handle(dc, dc_opnd(dc, 1));
	dst = dc_dst(dc, dc_opnd(dc, 0), T_B32);
	dc_emit(dc, XO_tex)->ptr = tex;
	dc_use(dc, 1, handle);
	dc_ext(dc, dst, true);
}
