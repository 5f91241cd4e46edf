// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Video instructions. Of those on halves and bytes side by side the parts are taken as they lie: no selectors, no masks. */
#include "decode.h"
#include "video.h"

static bool word_is_signed(struct decoder *dc, unsigned int type)
{
	if (type != T_U32 && type != T_S32)
		dc_bad_form(dc);
	return type == T_S32;
}

/* A source with a selector and a sign, which the handler applies. */
static val_t source(struct decoder *dc, const struct opnd *o, uint8_t *sel, bool *negate)
{
	struct opnd plain = *o;

	*sel = o->kind == O_REG ? o->sub : 0;
	if (negate)
		*negate = o->negate;
	else if (o->negate)
		dc_mismatch(dc);
	if (o->kind == O_REG)
		plain.sub = 0;
	plain.negate = false;
	if (*sel > 25)
		dc_mismatch(dc);
	return dc_src(dc, &plain, T_B32);
}

static unsigned int video_parts(struct decoder *dc)
{
	switch (dc->stmt->op) {
	case PO_VADD2: case PO_VSUB2: case PO_VABSDIFF2: case PO_VAVRG2: case PO_VMIN2: case PO_VMAX2: case PO_VSET2:
		return 2;
	case PO_VADD4: case PO_VSUB4: case PO_VABSDIFF4: case PO_VAVRG4: case PO_VMIN4: case PO_VMAX4: case PO_VSET4:
		return 4;
	}
	return 1;
}

static unsigned int video_op(struct decoder *dc)
{
	switch (dc->stmt->op) {
	case PO_VAVRG2:
	case PO_VAVRG4:
		return VIDEO_AVRG;
	case PO_VADD:
	case PO_VADD2:
	case PO_VADD4:
		return VIDEO_ADD;
	case PO_VSUB:
	case PO_VSUB2:
	case PO_VSUB4:
		return VIDEO_SUB;
	case PO_VABSDIFF:
	case PO_VABSDIFF2:
	case PO_VABSDIFF4:
		return VIDEO_ABSDIFF;
	case PO_VMIN:
	case PO_VMIN2:
	case PO_VMIN4:
		return VIDEO_MIN;
	case PO_VMAX:
	case PO_VMAX2:
	case PO_VMAX4:
		return VIDEO_MAX;
	case PO_VSHL:
		return VIDEO_SHL;
	case PO_VSHR:
		return VIDEO_SHR;
	case PO_VMAD:
		return VIDEO_MAD;
	}
	return VIDEO_SET;
}

static void set_modifiers(struct decoder *dc, struct video *v)
{
	const uint8_t *t = dc->fm.types;
	bool is_set = v->op == VIDEO_SET;

	dc_allow(dc, CAT(RED) | CAT(WRAP) | CAT(CMP), MFLAG(SAT) | MFLAG(PO) | MFLAG(SHIFT7) | MFLAG(SHIFT15),
		 is_set ? 2 : 3, is_set ? 2 : 3);
	v->d_signed = is_set ? false : word_is_signed(dc, t[0]);
	v->a_signed = word_is_signed(dc, t[is_set ? 0 : 1]);
	v->b_signed = word_is_signed(dc, t[is_set ? 1 : 2]);
	v->saturate = dc_flag(dc, MFLAG(SAT));
	v->plus_one = dc_flag(dc, MFLAG(PO));
	v->scale = dc_flag(dc, MFLAG(SHIFT7)) ? 7 : dc_flag(dc, MFLAG(SHIFT15)) ? 15 : 0;
	v->wrap = dc->fm.val[MC_WRAP] == M_WRAP_WRAP;
	if ((v->op == VIDEO_SHL || v->op == VIDEO_SHR) != !!dc->fm.val[MC_WRAP] || is_set != !!dc->fm.val[MC_CMP] ||
	    (v->op != VIDEO_MAD && (v->plus_one || v->scale)) || (is_set && v->saturate))
		dc_bad_form(dc);
	if (is_set) {
		if (dc->fm.val[MC_CMP] > M_CMP_GE)
			dc_bad_form(dc);
		v->cmp = dc->fm.val[MC_CMP] - M_CMP_EQ;
	}
}

static unsigned int second_op(struct decoder *dc, const struct video *v)
{
	switch (dc->fm.val[MC_RED]) {
	case 0:
		return v->d_sel ? SECOND_MERGE : SECOND_NONE;
	case M_RED_ADD:
		return SECOND_ADD;
	case M_RED_MIN:
		return SECOND_MIN;
	case M_RED_MAX:
		return SECOND_MAX;
	}
	dc_bad_form(dc);
}

/* d, a, b, c: without .add c is what parts that a mask leaves out come from, and there is no mask. */
static void decode_parts(struct decoder *dc, struct video *v)
{
	val_t a, b, c;

	v->second = (uint8_t)second_op(dc, v);
	if (v->second != SECOND_NONE && v->second != SECOND_ADD)
		dc_bad_form(dc);
	dc_operands(dc, 4, 4);
	a = source(dc, dc_opnd(dc, 1), &v->a_sel, NULL);
	b = source(dc, dc_opnd(dc, 2), &v->b_sel, NULL);
	c = source(dc, dc_opnd(dc, 3), &v->d_sel, NULL);
	if (v->a_sel || v->b_sel || v->d_sel)
		dc_mismatch(dc);
	dc_op(dc, XO_video, dc_dst(dc, dc_opnd(dc, 0), T_B32), a, b, c)->ptr = v;
}

void decode_video(struct decoder *dc)
{
	struct video *v = build_keep(dc->b, sizeof(*v));
	struct opnd dst = *dc_opnd(dc, 0);
	unsigned int n;
	val_t a, b, c, d;
	uint8_t sel = 0;

	v->op = (uint8_t)video_op(dc);
	v->parts = (uint8_t)video_parts(dc);
	set_modifiers(dc, v);
	if (v->parts > 1) {
		decode_parts(dc, v);
		return;
	}
	dc_operands(dc, 3, 4);
	if (dst.kind == O_REG) {
		v->d_sel = dst.sub;
		dst.sub = 0;
	}
	v->second = (uint8_t)second_op(dc, v);
	n = v->op == VIDEO_MAD || v->second != SECOND_NONE ? 4 : 3;
	if (v->d_sel > 25 || (v->d_sel && (dc->fm.val[MC_RED] || v->op == VIDEO_MAD)) ||
	    (v->op == VIDEO_MAD && dc->fm.val[MC_RED]))
		dc_bad_form(dc);
	dc_operands(dc, n, n);
	a = source(dc, dc_opnd(dc, 1), &v->a_sel, v->op == VIDEO_MAD ? &v->a_negate : NULL);
	b = source(dc, dc_opnd(dc, 2), &v->b_sel, v->op == VIDEO_MAD ? &v->b_negate : NULL);
	c = n == 4 ? source(dc, dc_opnd(dc, 3), &sel, v->op == VIDEO_MAD ? &v->c_negate : NULL) :
		     dc_const(dc, FILE_W, 0);
	if (sel)
		dc_mismatch(dc);
	d = dc_dst(dc, &dst, T_B32);
	dc_op(dc, XO_video, d, a, b, c)->ptr = v;
}
