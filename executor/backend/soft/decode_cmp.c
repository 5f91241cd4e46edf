// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Comparison and selection. */
#include "decode.h"

/* Comparison of a and b into t, or a new predicate; half: which half of an x2 type is compared. */
static val_t compare(struct decoder *dc, unsigned int type, val_t t, val_t a, val_t b, unsigned int half)
{
	static const uint16_t first[T_COUNT] = {
		[T_U16] = XO_eq_u16, [T_S16] = XO_eq_s16, [T_B16] = XO_eq_u16, [T_U32] = XO_eq_u32, [T_S32] = XO_eq_s32,
		[T_B32] = XO_eq_u32, [T_U64] = XO_eq_u64, [T_S64] = XO_eq_s64, [T_B64] = XO_eq_u64, [T_F32] = XO_eq_f32,
		[T_F64] = XO_eq_f64, [T_F16] = XO_eq_f32, [T_F16X2] = XO_eq_f32, [T_BF16] = XO_eq_f32,
		[T_BF16X2] = XO_eq_f32,
	};
	unsigned int cmp = dc->fm.val[MC_CMP], widen = 0, index;
	bool is_float = type_is_float(type);

	/* lo and hi name unsigned comparisons, but also the halves of a product. */
	if (dc->fm.val[MC_HALF] == M_HALF_LO)
		cmp = M_CMP_LT;
	else if (dc->fm.val[MC_HALF] == M_HALF_HI)
		cmp = M_CMP_GT;
	else if (cmp == M_CMP_LS)
		cmp = M_CMP_LE;
	else if (cmp == M_CMP_HS)
		cmp = M_CMP_GE;
	if ((dc->fm.val[MC_HALF] || dc->fm.val[MC_CMP] == M_CMP_LS || dc->fm.val[MC_CMP] == M_CMP_HS) &&
	    ptx_types[type].kind != TK_UNSIGNED)
		dc_bad_form(dc);
	if (!cmp || !first[type] || (!is_float && cmp > M_CMP_GE) ||
	    (ptx_types[type].kind == TK_BITS && cmp != M_CMP_EQ && cmp != M_CMP_NE))
		dc_bad_form(dc);
	index = cmp <= M_CMP_GE ? cmp - M_CMP_EQ : cmp - M_CMP_EQU + 6;
	if (type == T_F16 || type == T_F16X2)
		widen = half ? XO_widenhi_f16 : XO_widen_f16;
	else if (type == T_BF16 || type == T_BF16X2)
		widen = half ? XO_widenhi_bf16 : XO_widen_bf16;
	if (widen) {
		a = dc_unary(dc, widen, FILE_W, a);
		b = dc_unary(dc, widen, FILE_W, b);
	}
	if (dc_flag(dc, MFLAG(FTZ)) && type == T_F32) {
		a = dc_unary(dc, XO_flush_f32, FILE_W, a);
		b = dc_unary(dc, XO_flush_f32, FILE_W, b);
	}
	if (t == VAL_NONE)
		t = dc_temp(dc, FILE_P);
	dc_op(dc, first[type] + index, t, a, b, VAL_NONE);
	return t;
}

static unsigned int bool_op(struct decoder *dc)
{
	switch (dc->fm.val[MC_RED]) {
	case M_RED_AND:
		return XO_and_p;
	case M_RED_OR:
		return XO_or_p;
	case M_RED_XOR:
		return XO_xor_p;
	}
	dc_bad_form(dc);
}

static bool is_x2(unsigned int type)
{
	return type == T_F16X2 || type == T_BF16X2;
}

void decode_setp(struct decoder *dc)
{
	const struct opnd *dst = dc_opnd(dc, 0), *second = NULL;
	unsigned int type = dc_type(dc), op;
	val_t a, b, p, q = VAL_NONE, c = VAL_NONE, t, n;

	dc_allow(dc, CAT(CMP) | CAT(HALF) | CAT(RED), MFLAG(FTZ), 1, 1);
	dc_operands(dc, 3, 4);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), type);
	if ((dc->stmt->num_opnds == 4) != !!dc->fm.val[MC_RED])
		dc_mismatch(dc);
	if (dc->fm.val[MC_RED])
		c = dc_src(dc, dc_opnd(dc, 3), T_PRED);
	if (dst->kind == O_PAIR) {
		second = &dst->elems[1];
		dst = &dst->elems[0];
	}
	p = dc_dst(dc, dst, T_PRED);
	if (second)
		q = dc_dst(dc, second, T_PRED);
	if (is_x2(type) && !second)
		dc_mismatch(dc);
	if (c == VAL_NONE && !second) {
		compare(dc, type, p, a, b, 0);
		return;
	}
	t = compare(dc, type, VAL_NONE, a, b, 0);
	n = VAL_NONE;
	if (is_x2(type))
		n = compare(dc, type, VAL_NONE, a, b, 1);
	else if (second)
		n = dc_unary(dc, XO_not_p, FILE_P, t);
	if (c == VAL_NONE) {
		dc_op(dc, XO_mov_p, p, t, VAL_NONE, VAL_NONE);
		dc_op(dc, XO_mov_p, q, n, VAL_NONE, VAL_NONE);
		return;
	}
	op = bool_op(dc);
	if (second) {
		/* p may be c, so both results are computed first. */
		val_t first = dc_temp(dc, FILE_P);

		dc_op(dc, op, first, t, c, VAL_NONE);
		dc_op(dc, op, q, n, c, VAL_NONE);
		dc_op(dc, XO_mov_p, p, first, VAL_NONE, VAL_NONE);
	} else {
		dc_op(dc, op, p, t, c, VAL_NONE);
	}
}

static uint64_t true_value(struct decoder *dc, unsigned int type)
{
	switch (type) {
	case T_U16:
	case T_S16:
	case T_U32:
	case T_S32:
		return UINT32_MAX;
	case T_F32:
		return 0x3f800000;
	case T_F16:
		return 0x3c00;
	case T_F16X2:
		return 0x3c003c00;
	case T_BF16:
		return 0x3f80;
	case T_BF16X2:
		return 0x3f803f80;
	}
	dc_bad_form(dc);
}

void decode_set(struct decoder *dc)
{
	unsigned int dtype = dc->fm.types[0], stype = dc->fm.types[1];
	val_t a, b, d, t, c = VAL_NONE, one, zero, lo, hi;
	uint64_t yes;

	dc_allow(dc, CAT(CMP) | CAT(HALF) | CAT(RED), MFLAG(FTZ), 2, 2);
	dc_operands(dc, 3, 4);
	a = dc_src(dc, dc_opnd(dc, 1), stype);
	b = dc_src(dc, dc_opnd(dc, 2), stype);
	if ((dc->stmt->num_opnds == 4) != !!dc->fm.val[MC_RED])
		dc_mismatch(dc);
	if (dc->fm.val[MC_RED])
		c = dc_src(dc, dc_opnd(dc, 3), T_PRED);
	d = dc_dst(dc, dc_opnd(dc, 0), dtype);
	yes = true_value(dc, dtype);
	zero = dc_const(dc, FILE_W, 0);
	t = compare(dc, stype, VAL_NONE, a, b, 0);
	if (c != VAL_NONE) {
		val_t u = dc_temp(dc, FILE_P);

		dc_op(dc, bool_op(dc), u, t, c, VAL_NONE);
		t = u;
	}
	if (!is_x2(stype)) {
		dc_op(dc, XO_selp_w, d, dc_const(dc, FILE_W, yes), zero, t);
		return;
	}
	if (type_bits(dtype) != 32)
		dc_bad_form(dc);
	one = dc_const(dc, FILE_W, yes & 0xffff);
	lo = dc_temp(dc, FILE_W);
	hi = dc_temp(dc, FILE_W);
	dc_op(dc, XO_selp_w, lo, one, zero, t);
	t = compare(dc, stype, VAL_NONE, a, b, 1);
	if (c != VAL_NONE) {
		val_t u = dc_temp(dc, FILE_P);

		dc_op(dc, bool_op(dc), u, t, c, VAL_NONE);
		t = u;
	}
	dc_op(dc, XO_selp_w, hi, one, zero, t);
	dc_op(dc, XO_pack_w, d, lo, hi, VAL_NONE);
}

void decode_selp(struct decoder *dc)
{
	static const uint16_t ops[NUM_FILES] = { XO_selp_w, XO_selp_d, XO_selp_p };
	unsigned int type = dc_type(dc);
	val_t a, b, d, p;

	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 4, 4);
	if (type_bits(type) > 64 || (type_bits(type) < 16 && type != T_PRED))
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), type);
	p = dc_src(dc, dc_opnd(dc, 3), T_PRED);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	dc_op(dc, ops[file_of(type)], d, a, b, p);
}

void decode_slct(struct decoder *dc)
{
	unsigned int type = dc->fm.types[0], ctype = dc->fm.types[1];
	bool wide = type_bits(type) == 64;
	val_t a, b, c, d;

	dc_allow(dc, 0, MFLAG(FTZ), 2, 2);
	dc_operands(dc, 4, 4);
	if ((ctype != T_S32 && ctype != T_F32) || type_bits(type) > 64 || type_bits(type) < 16)
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), type);
	c = dc_src(dc, dc_opnd(dc, 3), ctype);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	/* A negative subnormal selects as -0 does when it is flushed. */
	if (dc_flag(dc, MFLAG(FTZ)) && ctype == T_F32)
		c = dc_unary(dc, XO_flush_f32, FILE_W, c);
	if (ctype == T_S32)
		dc_op(dc, wide ? XO_slct_d_s32 : XO_slct_w_s32, d, a, b, c);
	else
		dc_op(dc, wide ? XO_slct_d_f32 : XO_slct_w_f32, d, a, b, c);
}
