// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Floating-point arithmetic. Instructions that also have integer forms start here and go on in decode_int.c. */
#include "decode.h"

enum { OPT_FTZ = 1, OPT_SAT = 2, OPT_RELU = 4 };

static bool is_half(unsigned int type)
{
	return type == T_F16 || type == T_F16X2 || type == T_BF16 || type == T_BF16X2;
}

static bool is_bf16(unsigned int type)
{
	return type == T_BF16 || type == T_BF16X2;
}

static unsigned int options(const struct decoder *dc)
{
	return (dc_flag(dc, MFLAG(FTZ)) ? OPT_FTZ : 0) | (dc_flag(dc, MFLAG(SAT)) ? OPT_SAT : 0) |
	       (dc_flag(dc, MFLAG(RELU)) ? OPT_RELU : 0);
}

/* Direction of EXEC(rounded); 0 is to nearest. */
static unsigned int direction(struct decoder *dc)
{
	switch (dc->fm.val[MC_ROUND]) {
	case 0:
	case M_ROUND_RN:
		return 0;
	case M_ROUND_RM:
		return 1;
	case M_ROUND_RP:
		return 2;
	case M_ROUND_RZ:
		return 3;
	}
	dc_bad_form(dc);
}

static void need_rounding(struct decoder *dc)
{
	if (!dc->fm.val[MC_ROUND])
		dc_error(dc, "Rounding modifier required for instruction '%s'", ptx_opcode_name(dc->stmt->op));
}

/* Sets options and rounding of the instruction emitted last. */
static void set_rounding(struct decoder *dc, unsigned int opts)
{
	struct insn *insn = &dc->insns[dc->num_insns - 1];
	unsigned int dir = direction(dc);

	insn->x = opts;
	if (dir) {
		insn->imm = insn->op;
		insn->op = XO_rounded;
		insn->aux = dir;
	}
}

/* op_f32 with its _x form behind it, op_f64, and op_f16 / op_bf16; nargs sources of the type. */
static void arithmetic(struct decoder *dc, unsigned int f32, unsigned int f64, unsigned int f16, unsigned int bf16,
		       unsigned int nargs)
{
	unsigned int type = dc_type(dc), opts = options(dc), op, k;
	val_t d, s[3] = { VAL_NONE, VAL_NONE, VAL_NONE };

	dc_operands(dc, nargs + 1, nargs + 1);
	if (type == T_F32)
		op = f32 && opts ? f32 + 1 : f32;
	else if (type == T_F64)
		op = opts ? 0 : f64;
	else if (is_half(type))
		op = is_bf16(type) ? bf16 : f16;
	else
		op = 0;
	if (!op || (type == T_F32 && opts & OPT_RELU) || (is_half(type) && direction(dc)))
		dc_bad_form(dc);
	for (k = 0; k < nargs; k++)
		s[k] = dc_src(dc, dc_opnd(dc, k + 1), type);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	dc_op(dc, op, d, s[0], s[1], s[2]);
	set_rounding(dc, opts);
}

void decode_add(struct decoder *dc)
{
	if (!type_is_float(dc_type(dc)) || !dc->fm.num_types) {
		decode_int_add(dc);
		return;
	}
	dc_allow(dc, CAT(ROUND), MFLAG(SAT) | MFLAG(FTZ), 1, 1);
	if (dc->stmt->op == PO_ADD)
		arithmetic(dc, XO_add_f32, XO_add_f64, XO_add_f16, XO_add_bf16, 2);
	else
		arithmetic(dc, XO_sub_f32, XO_sub_f64, XO_sub_f16, XO_sub_bf16, 2);
}

void decode_mul(struct decoder *dc)
{
	if (!type_is_float(dc_type(dc))) {
		decode_int_mul(dc);
		return;
	}
	dc_allow(dc, CAT(ROUND), MFLAG(SAT) | MFLAG(FTZ), 1, 1);
	arithmetic(dc, XO_mul_f32, XO_mul_f64, XO_mul_f16, XO_mul_bf16, 2);
}

void decode_fma(struct decoder *dc)
{
	dc_allow(dc, CAT(ROUND), MFLAG(SAT) | MFLAG(FTZ) | MFLAG(RELU), 1, 1);
	need_rounding(dc);
	arithmetic(dc, XO_fma_f32, XO_fma_f64, XO_fma_f16, XO_fma_bf16, 3);
}

void decode_mad(struct decoder *dc)
{
	if (!type_is_float(dc_type(dc))) {
		decode_int_mad(dc);
		return;
	}
	if (dc->stmt->op == PO_MADC || is_half(dc_type(dc)))
		dc_bad_form(dc);
	dc_allow(dc, CAT(ROUND), MFLAG(SAT) | MFLAG(FTZ), 1, 1);
	need_rounding(dc);
	arithmetic(dc, XO_fma_f32, XO_fma_f64, 0, 0, 3);
}

void decode_div(struct decoder *dc)
{
	bool approx = dc_flag(dc, MFLAG(APPROX) | MFLAG(FULL));

	if (!type_is_float(dc_type(dc))) {
		decode_int_div(dc);
		return;
	}
	dc_allow(dc, CAT(ROUND), MFLAG(FTZ) | MFLAG(APPROX) | MFLAG(FULL), 1, 1);
	if (approx ? dc_type(dc) != T_F32 || dc->fm.val[MC_ROUND] : false)
		dc_bad_form(dc);
	if (!approx)
		need_rounding(dc);
	arithmetic(dc, XO_div_f32, XO_div_f64, 0, 0, 2);
}

/* Functions of one argument. */
void decode_unary(struct decoder *dc)
{
	static const struct {
		uint16_t op, f32, f64, f64_approx, f16, bf16;
		bool exact;	/* has a form with a rounding modifier */
	} table[] = {
		{ PO_RCP, XO_rcp_f32, XO_rcp_f64, XO_rcpa_f64, 0, 0, true },
		{ PO_SQRT, XO_sqrt_f32, XO_sqrt_f64, 0, 0, 0, true },
		{ PO_RSQRT, XO_rsqrt_f32, 0, XO_rsqrt_f64, 0, 0, false },
		{ PO_SIN, XO_sin_f32, 0, 0, 0, 0, false },
		{ PO_COS, XO_cos_f32, 0, 0, 0, 0, false },
		{ PO_LG2, XO_lg2_f32, 0, 0, 0, 0, false },
		{ PO_EX2, XO_ex2_f32, 0, 0, XO_ex2_f16, XO_ex2_bf16, false },
		{ PO_TANH, XO_tanh_f32, 0, 0, XO_tanh_f16, XO_tanh_bf16, false },
	};
	bool approx = dc_flag(dc, MFLAG(APPROX)), ftz = dc_flag(dc, MFLAG(FTZ));
	unsigned int type = dc_type(dc), k, op;
	val_t a, d, t;

	dc_allow(dc, CAT(ROUND), MFLAG(FTZ) | MFLAG(APPROX), 1, 1);
	dc_operands(dc, 2, 2);
	for (k = 0; table[k].op != dc->stmt->op; k++)
		;
	if (approx == !!dc->fm.val[MC_ROUND] || (!approx && !table[k].exact))
		dc_error(dc, "Modifier '.approx'%s required for instruction '%s'",
			 table[k].exact ? " or a rounding modifier" : "", ptx_opcode_name(dc->stmt->op));
	if (type == T_F64 && approx) {
		op = table[k].f64_approx;
		if (!op || (!ftz && dc->stmt->op == PO_RCP))
			dc_bad_form(dc);
		a = dc_src(dc, dc_opnd(dc, 1), type);
		d = dc_dst(dc, dc_opnd(dc, 0), type);
		if (ftz) {
			/* The results' lower halves are zero, subnormals are flushed. */
			op = dc->stmt->op == PO_RCP ? XO_rcpa_f64 : XO_rsqrta_f64;
			a = dc_unary(dc, XO_flush_f64, FILE_D, a);
			t = dc_unary(dc, op, FILE_D, a);
			dc_op(dc, XO_flush_f64, d, t, VAL_NONE, VAL_NONE);
		} else {
			dc_op(dc, op, d, a, VAL_NONE, VAL_NONE);
		}
		return;
	}
	arithmetic(dc, table[k].f32, table[k].f64, table[k].f16, table[k].bf16, 1);
}

static val_t flushed(struct decoder *dc, val_t v, unsigned int type)
{
	if (dc_flag(dc, MFLAG(FTZ)) && type == T_F32)
		return dc_unary(dc, XO_flush_f32, FILE_W, v);
	return v;
}

void decode_minmax(struct decoder *dc)
{
	bool is_min = dc->stmt->op == PO_MIN, nan = dc_flag(dc, MFLAG(NAN)), xorsign = dc_flag(dc, MFLAG(XORSIGN));
	unsigned int type = dc_type(dc), op, sign_op;
	val_t a, b, d, t, x, y;

	if (!type_is_float(type)) {
		decode_int_minmax(dc);
		return;
	}
	dc_allow(dc, 0, MFLAG(FTZ) | MFLAG(NAN) | MFLAG(XORSIGN) | MFLAG(ABS), 1, 1);
	dc_operands(dc, 3, 3);
	if (xorsign != dc_flag(dc, MFLAG(ABS)))
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), type);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	if (type == T_F64) {
		if (dc->fm.flags)
			dc_bad_form(dc);
		dc_op(dc, is_min ? XO_min_f64 : XO_max_f64, d, a, b, VAL_NONE);
		return;
	}
	if (type == T_F32) {
		op = nan ? (is_min ? XO_minnan_f32 : XO_maxnan_f32) : (is_min ? XO_min_f32 : XO_max_f32);
		sign_op = XO_xorsign_f32;
		a = flushed(dc, a, type);
		b = flushed(dc, b, type);
	} else if (is_half(type)) {
		if (is_bf16(type))
			op = nan ? (is_min ? XO_minnan_bf16 : XO_maxnan_bf16) : (is_min ? XO_min_bf16 : XO_max_bf16);
		else
			op = nan ? (is_min ? XO_minnan_f16 : XO_maxnan_f16) : (is_min ? XO_min_f16 : XO_max_f16);
		sign_op = XO_xorsign_f16x2;
	} else {
		dc_bad_form(dc);
	}
	if (!xorsign) {
		dc_op(dc, op, d, a, b, VAL_NONE)->x = is_half(type) ? options(dc) : 0;
		return;
	}
	x = dc_unary(dc, type == T_F32 ? XO_abs_f32 : XO_abs_f16, FILE_W, a);
	y = dc_unary(dc, type == T_F32 ? XO_abs_f32 : XO_abs_f16, FILE_W, b);
	t = dc_temp(dc, FILE_W);
	dc_op(dc, op, t, x, y, VAL_NONE)->x = is_half(type) ? options(dc) : 0;
	dc_op(dc, sign_op, d, t, a, b);
}

void decode_negabs(struct decoder *dc)
{
	bool neg = dc->stmt->op == PO_NEG;
	unsigned int type = dc_type(dc), op;
	val_t a, d;

	if (!type_is_float(type)) {
		decode_int_negabs(dc);
		return;
	}
	dc_allow(dc, 0, MFLAG(FTZ), 1, 1);
	dc_operands(dc, 2, 2);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	if (type == T_F32) {
		op = neg ? XO_neg_f32 : XO_abs_f32;
		a = flushed(dc, a, type);
	} else if (type == T_F64) {
		op = neg ? XO_neg_f64 : XO_abs_f64;
	} else if (is_half(type)) {
		op = is_bf16(type) ? (neg ? XO_neg_bf16 : XO_abs_bf16) : (neg ? XO_neg_f16 : XO_abs_f16);
	} else {
		dc_bad_form(dc);
	}
	dc_op(dc, op, d, a, VAL_NONE, VAL_NONE)->x = is_half(type) ? options(dc) : 0;
}

void decode_copysign(struct decoder *dc)
{
	unsigned int type = dc_type(dc);
	val_t a, b, d;

	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 3, 3);
	if (type != T_F32 && type != T_F64)
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), type);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	dc_op(dc, type == T_F32 ? XO_copysign_f32 : XO_copysign_f64, d, a, b, VAL_NONE);
}

void decode_testp(struct decoder *dc)
{
	unsigned int type = dc_type(dc), op;
	bool wide = type == T_F64;
	val_t a, d;

	dc_allow(dc, CAT(TEST), 0, 1, 1);
	dc_operands(dc, 2, 2);
	if (type != T_F32 && type != T_F64)
		dc_bad_form(dc);
	switch (dc->fm.val[MC_TEST]) {
	case M_TEST_FINITE:
		op = wide ? XO_finite_f64 : XO_finite_f32;
		break;
	case M_TEST_INFINITE:
		op = wide ? XO_infinite_f64 : XO_infinite_f32;
		break;
	case M_TEST_NUMBER:
		op = wide ? XO_num_f64 : XO_num_f32;
		break;
	case M_TEST_NOTANUMBER:
		op = wide ? XO_nan_f64 : XO_nan_f32;
		break;
	case M_TEST_NORMAL:
		op = wide ? XO_normal_f64 : XO_normal_f32;
		break;
	case M_TEST_SUBNORMAL:
		op = wide ? XO_subnormal_f64 : XO_subnormal_f32;
		break;
	default:
		dc_bad_form(dc);
	}
	a = dc_src(dc, dc_opnd(dc, 1), type);
	d = dc_dst(dc, dc_opnd(dc, 0), T_PRED);
	dc_op(dc, op, d, a, a, VAL_NONE);
}
