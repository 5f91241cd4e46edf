// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Integer arithmetic, logic, shifts and bit fields. */
#include "decode.h"



/* Handlers by type. */
#define OPS_INT(name)	{ [T_U16] = XO_##name##_u16, [T_S16] = XO_##name##_s16, [T_U32] = XO_##name##_u32, \
			  [T_S32] = XO_##name##_s32, [T_U64] = XO_##name##_u64, [T_S64] = XO_##name##_s64 }
#define OPS_WD(name)	{ [T_U16] = XO_##name##_w, [T_S16] = XO_##name##_w, [T_B16] = XO_##name##_w, \
			  [T_U32] = XO_##name##_w, [T_S32] = XO_##name##_w, [T_B32] = XO_##name##_w, \
			  [T_U64] = XO_##name##_d, [T_S64] = XO_##name##_d, [T_B64] = XO_##name##_d }

static unsigned int pick(struct decoder *dc, const uint16_t *ops, unsigned int type)
{
	if (!ops[type])
		dc_error(dc, "Unexpected instruction type '.%s' for instruction '%s'", ptx_types[type].name,
			 ptx_opcode_name(dc->stmt->op));
	return ops[type];
}

/* d, a, b of one type. */
static void binary(struct decoder *dc, unsigned int op, unsigned int type)
{
	val_t a, b, d;

	dc_operands(dc, 3, 3);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), type);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	dc_op(dc, op, d, a, b, VAL_NONE);
}

static val_t carry_flag(struct decoder *dc)
{
	if (dc->carry == VAL_NONE)
		dc->carry = dc_temp(dc, FILE_P);
	return dc->carry;
}

/* d = a + b or a - b with a carry read (in) or written (out). */
static void carry_op(struct decoder *dc, unsigned int op, val_t d, val_t a, val_t b, bool in, bool out)
{
	val_t carry = carry_flag(dc);
	struct insn *insn = dc_op(dc, op, d, a, b, VAL_NONE);

	insn->x = (in ? 1 : 0) | (out ? 2 : 0);
	dc_use(dc, 3, in ? carry : dc_const(dc, FILE_P, 0));
	if (out)
		dc_def(dc, 4, carry);
	else
		dc_use(dc, 4, dc_const(dc, FILE_P, 0));
}

void decode_int_add(struct decoder *dc)
{
	static const uint16_t add[T_COUNT] = OPS_WD(add), sub[T_COUNT] = OPS_WD(sub);
	bool is_sub = dc->stmt->op == PO_SUB;
	unsigned int type = dc_type(dc), op;
	val_t a, b, d;

	dc_allow(dc, 0, MFLAG(SAT) | MFLAG(CC), 1, 1);
	if (dc_flag(dc, MFLAG(SAT))) {
		if (type == T_S32)
			binary(dc, is_sub ? XO_subsat_s32 : XO_addsat_s32, type);
		else if (type == T_S16X2)
			binary(dc, is_sub ? XO_subsat_s16x2 : XO_addsat_s16x2, type);
		else
			dc_bad_form(dc);
		return;
	}
	if (type == T_U16X2 || type == T_S16X2) {
		binary(dc, is_sub ? XO_sub_x2 : XO_add_x2, type);
		return;
	}
	op = pick(dc, is_sub ? sub : add, type);
	if (dc_flag(dc, MFLAG(CC))) {
		dc_operands(dc, 3, 3);
		if (type_bits(type) < 32)
			dc_bad_form(dc);
		a = dc_src(dc, dc_opnd(dc, 1), type);
		b = dc_src(dc, dc_opnd(dc, 2), type);
		d = dc_dst(dc, dc_opnd(dc, 0), type);
		if (is_sub)
			op = type_bits(type) == 64 ? XO_subc_d : XO_subc_w;
		else
			op = type_bits(type) == 64 ? XO_addc_d : XO_addc_w;
		carry_op(dc, op, d, a, b, false, true);
		return;
	}
	binary(dc, op, type);
}

void decode_addc(struct decoder *dc)
{
	unsigned int type = dc_type(dc), op;
	bool wide = type_bits(type) == 64;
	val_t a, b, d;

	dc_allow(dc, 0, MFLAG(CC), 1, 1);
	dc_operands(dc, 3, 3);
	if (!type_is_int(type) || type_bits(type) < 32)
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), type);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	if (dc->stmt->op == PO_ADDC)
		op = wide ? XO_addc_d : XO_addc_w;
	else
		op = wide ? XO_subc_d : XO_subc_w;
	carry_op(dc, op, d, a, b, true, dc_flag(dc, MFLAG(CC)));
}

static unsigned int wide_of(struct decoder *dc, unsigned int type)
{
	switch (type) {
	case T_U16:
		return T_U32;
	case T_S16:
		return T_S32;
	case T_U32:
		return T_U64;
	case T_S32:
		return T_S64;
	}
	dc_bad_form(dc);
}

void decode_int_mul(struct decoder *dc)
{
	static const uint16_t lo[T_COUNT] = OPS_WD(mul), hi[T_COUNT] = OPS_INT(mulhi);
	static const uint16_t wide[T_COUNT] = {
		[T_U16] = XO_mulwide_u16, [T_S16] = XO_mulwide_s16, [T_U32] = XO_mulwide_u32, [T_S32] = XO_mulwide_s32,
	};
	unsigned int type = dc_type(dc);
	val_t a, b, d;

	dc_allow(dc, CAT(HALF), 0, 1, 1);
	switch (dc->fm.val[MC_HALF]) {
	case M_HALF_LO:
		if (!type_is_signed(type) && ptx_types[type].kind != TK_UNSIGNED)
			dc_bad_form(dc);
		binary(dc, pick(dc, lo, type), type);
		return;
	case M_HALF_HI:
		binary(dc, pick(dc, hi, type), type);
		return;
	case M_HALF_WIDE:
		dc_operands(dc, 3, 3);
		a = dc_src(dc, dc_opnd(dc, 1), type);
		b = dc_src(dc, dc_opnd(dc, 2), type);
		d = dc_dst(dc, dc_opnd(dc, 0), wide_of(dc, type));
		dc_op(dc, pick(dc, wide, type), d, a, b, VAL_NONE);
		return;
	}
	dc_error(dc, "Modifier '.lo', '.hi' or '.wide' required for instruction '%s'", ptx_opcode_name(dc->stmt->op));
}

void decode_int_mad(struct decoder *dc)
{
	static const uint16_t lo[T_COUNT] = OPS_WD(mad), hi[T_COUNT] = OPS_INT(madhi), mul_hi[T_COUNT] = OPS_INT(mulhi);
	static const uint16_t wide[T_COUNT] = {
		[T_U16] = XO_madwide_u16, [T_S16] = XO_madwide_s16, [T_U32] = XO_madwide_u32, [T_S32] = XO_madwide_s32,
	};
	unsigned int type = dc_type(dc), half = dc->fm.val[MC_HALF], ctype, op;
	bool carry_in = dc->stmt->op == PO_MADC, carry_out = dc_flag(dc, MFLAG(CC));
	val_t a, b, c, d, t;

	dc_allow(dc, CAT(HALF), MFLAG(SAT) | MFLAG(CC), 1, 1);
	dc_operands(dc, 4, 4);
	if (!half || ptx_types[type].kind == TK_BITS)
		dc_error(dc, "Modifier '.lo', '.hi' or '.wide' required for instruction '%s'",
			 ptx_opcode_name(dc->stmt->op));
	ctype = half == M_HALF_WIDE ? wide_of(dc, type) : type;
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), type);
	c = dc_src(dc, dc_opnd(dc, 3), ctype);
	d = dc_dst(dc, dc_opnd(dc, 0), ctype);
	if (dc_flag(dc, MFLAG(SAT))) {
		if (half != M_HALF_HI || type != T_S32 || carry_in || carry_out)
			dc_bad_form(dc);
		dc_op(dc, XO_madhisat_s32, d, a, b, c);
		return;
	}
	if (carry_in || carry_out) {
		if (half == M_HALF_WIDE || type_bits(type) < 32)
			dc_bad_form(dc);
		t = dc_temp(dc, file_of(type));
		op = half == M_HALF_HI ? mul_hi[type] : type_bits(type) == 64 ? XO_mul_d : XO_mul_w;
		dc_op(dc, op, t, a, b, VAL_NONE);
		carry_op(dc, type_bits(type) == 64 ? XO_addc_d : XO_addc_w, d, t, c, carry_in, carry_out);
		return;
	}
	dc_op(dc, pick(dc, half == M_HALF_LO ? lo : half == M_HALF_HI ? hi : wide, type), d, a, b, c);
}

static unsigned int mul24_op(struct decoder *dc)
{
	bool is_signed = dc_type(dc) == T_S32;

	if (dc_type(dc) != T_U32 && !is_signed)
		dc_bad_form(dc);
	switch (dc->fm.val[MC_HALF]) {
	case M_HALF_LO:
		return is_signed ? XO_mul24lo_s32 : XO_mul24lo_u32;
	case M_HALF_HI:
		return is_signed ? XO_mul24hi_s32 : XO_mul24hi_u32;
	}
	dc_bad_form(dc);
}

void decode_mul24(struct decoder *dc)
{
	dc_allow(dc, CAT(HALF), 0, 1, 1);
	binary(dc, mul24_op(dc), dc_type(dc));
}

void decode_mad24(struct decoder *dc)
{
	unsigned int type = dc_type(dc), op;
	val_t a, b, c, d, t;
	bool sat;

	dc_allow(dc, CAT(HALF), MFLAG(SAT), 1, 1);
	dc_operands(dc, 4, 4);
	sat = dc_flag(dc, MFLAG(SAT));
	if (sat && (dc->fm.val[MC_HALF] != M_HALF_HI || type != T_S32))
		dc_bad_form(dc);
	op = mul24_op(dc);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), type);
	c = dc_src(dc, dc_opnd(dc, 3), type);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	t = dc_temp(dc, FILE_W);
	dc_op(dc, op, t, a, b, VAL_NONE);
	dc_op(dc, sat ? XO_addsat_s32 : XO_add_w, d, t, c, VAL_NONE);
}

void decode_int_div(struct decoder *dc)
{
	static const uint16_t div[T_COUNT] = OPS_INT(div);

	dc_allow(dc, 0, 0, 1, 1);
	binary(dc, pick(dc, div, dc_type(dc)), dc_type(dc));
}

void decode_rem(struct decoder *dc)
{
	static const uint16_t rem[T_COUNT] = OPS_INT(rem);

	dc_allow(dc, 0, 0, 1, 1);
	binary(dc, pick(dc, rem, dc_type(dc)), dc_type(dc));
}

void decode_int_minmax(struct decoder *dc)
{
	static const uint16_t min[T_COUNT] = OPS_INT(min), max[T_COUNT] = OPS_INT(max);
	bool is_min = dc->stmt->op == PO_MIN, relu = dc_flag(dc, MFLAG(RELU));
	unsigned int type = dc_type(dc), op;
	val_t a, b, d, t;

	dc_allow(dc, 0, MFLAG(RELU), 1, 1);
	dc_operands(dc, 3, 3);
	if (type == T_U16X2)
		op = is_min ? XO_min_u16x2 : XO_max_u16x2;
	else if (type == T_S16X2)
		op = is_min ? XO_min_s16x2 : XO_max_s16x2;
	else
		op = pick(dc, is_min ? min : max, type);
	if (!relu) {
		binary(dc, op, type);
		return;
	}
	if (type != T_S16X2 && type != T_S32)
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), type);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	t = dc_temp(dc, FILE_W);
	dc_op(dc, op, t, a, b, VAL_NONE);
	dc_op(dc, type == T_S32 ? XO_relu_s32 : XO_relu_s16x2, d, t, VAL_NONE, VAL_NONE);
}

void decode_int_negabs(struct decoder *dc)
{
	static const uint16_t neg[T_COUNT] = { [T_S16] = XO_neg_w, [T_S32] = XO_neg_w, [T_S64] = XO_neg_d };
	static const uint16_t abs[T_COUNT] = { [T_S16] = XO_abs_s16, [T_S32] = XO_abs_s32, [T_S64] = XO_abs_s64 };
	unsigned int type = dc_type(dc);
	val_t a, d;

	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 2, 2);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	dc_op(dc, pick(dc, dc->stmt->op == PO_NEG ? neg : abs, type), d, a, VAL_NONE, VAL_NONE);
}

void decode_sad(struct decoder *dc)
{
	static const uint16_t sad[T_COUNT] = OPS_INT(sad);
	unsigned int type = dc_type(dc);
	val_t a, b, c, d;

	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 4, 4);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), type);
	c = dc_src(dc, dc_opnd(dc, 3), type);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	dc_op(dc, pick(dc, sad, type), d, a, b, c);
}

void decode_dp4a(struct decoder *dc)
{
	bool sa, sb;
	val_t a, b, c, d;
	unsigned int op;

	dc_allow(dc, 0, 0, 2, 2);
	dc_operands(dc, 4, 4);
	sa = dc->fm.types[0] == T_S32;
	sb = dc->fm.types[1] == T_S32;
	if ((!sa && dc->fm.types[0] != T_U32) || (!sb && dc->fm.types[1] != T_U32))
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), T_B32);
	b = dc_src(dc, dc_opnd(dc, 2), T_B32);
	c = dc_src(dc, dc_opnd(dc, 3), T_B32);
	d = dc_dst(dc, dc_opnd(dc, 0), T_B32);
	op = sa && sb ? XO_dp4a_ss : sa || sb ? XO_dp4a_us : XO_dp4a_uu;
	if (sa && !sb)
		dc_op(dc, op, d, b, a, c);
	else
		dc_op(dc, op, d, a, b, c);
}

void decode_dp2a(struct decoder *dc)
{
	static const uint16_t ops[2][2] = { { XO_dp2alo_uu, XO_dp2alo_us }, { XO_dp2alo_su, XO_dp2alo_ss } };
	bool sa, sb;
	val_t a, b, c, d, t;

	dc_allow(dc, CAT(HALF), 0, 2, 2);
	dc_operands(dc, 4, 4);
	sa = dc->fm.types[0] == T_S32;
	sb = dc->fm.types[1] == T_S32;
	if ((!sa && dc->fm.types[0] != T_U32) || (!sb && dc->fm.types[1] != T_U32) ||
	    (dc->fm.val[MC_HALF] != M_HALF_LO && dc->fm.val[MC_HALF] != M_HALF_HI))
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), T_B32);
	b = dc_src(dc, dc_opnd(dc, 2), T_B32);
	c = dc_src(dc, dc_opnd(dc, 3), T_B32);
	d = dc_dst(dc, dc_opnd(dc, 0), T_B32);
	if (dc->fm.val[MC_HALF] == M_HALF_HI) {
		t = dc_temp(dc, FILE_W);
		dc_op(dc, XO_shr_u32, t, b, dc_const(dc, FILE_W, 16), VAL_NONE);
		b = t;
	}
	dc_op(dc, ops[sa][sb], d, a, b, c);
}

void decode_logic(struct decoder *dc)
{
	static const uint16_t ops[3][3] = {
		{ XO_and_w, XO_and_d, XO_and_p }, { XO_or_w, XO_or_d, XO_or_p }, { XO_xor_w, XO_xor_d, XO_xor_p },
	};
	unsigned int type = dc_type(dc), k;

	dc_allow(dc, 0, 0, 1, 1);
	if (type != T_PRED && type != T_B16 && type != T_B32 && type != T_B64)
		dc_bad_form(dc);
	k = dc->stmt->op == PO_AND ? 0 : dc->stmt->op == PO_OR ? 1 : 2;
	binary(dc, ops[k][file_of(type)], type);
}

/* not, cnot, brev: one operand of the result's type. */
void decode_bits1(struct decoder *dc)
{
	static const uint16_t not[T_COUNT] = {
		[T_PRED] = XO_not_p, [T_B16] = XO_not_w, [T_B32] = XO_not_w, [T_B64] = XO_not_d,
	};
	static const uint16_t cnot[T_COUNT] = { [T_B16] = XO_cnot_b16, [T_B32] = XO_cnot_w, [T_B64] = XO_cnot_d };
	static const uint16_t brev[T_COUNT] = { [T_B32] = XO_brev_w, [T_B64] = XO_brev_d };
	unsigned int type = dc_type(dc), op;
	val_t a, d;

	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 2, 2);
	op = pick(dc, dc->stmt->op == PO_NOT ? not : dc->stmt->op == PO_CNOT ? cnot : brev, type);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	dc_op(dc, op, d, a, VAL_NONE, VAL_NONE);
}

/* clz, popc: a result of 32 bits. */
void decode_clz(struct decoder *dc)
{
	bool is_clz = dc->stmt->op == PO_CLZ;
	unsigned int type = dc_type(dc);
	val_t a, d;

	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 2, 2);
	if (type != T_B32 && type != T_B64)
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	d = dc_dst(dc, dc_opnd(dc, 0), T_U32);
	if (type == T_B32)
		dc_op(dc, is_clz ? XO_clz_w : XO_popc_w, d, a, VAL_NONE, VAL_NONE);
	else
		dc_op(dc, is_clz ? XO_clz_d : XO_popc_d, d, a, VAL_NONE, VAL_NONE);
}

void decode_bfind(struct decoder *dc)
{
	static const uint16_t plain[T_COUNT] = {
		[T_U32] = XO_bfind_u32, [T_S32] = XO_bfind_s32, [T_U64] = XO_bfind_u64, [T_S64] = XO_bfind_s64,
	};
	static const uint16_t shift[T_COUNT] = {
		[T_U32] = XO_bfindsh_u32, [T_S32] = XO_bfindsh_s32, [T_U64] = XO_bfindsh_u64, [T_S64] = XO_bfindsh_s64,
	};
	unsigned int type = dc_type(dc);
	val_t a, d;

	dc_allow(dc, 0, MFLAG(SHIFTAMT), 1, 1);
	dc_operands(dc, 2, 2);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	d = dc_dst(dc, dc_opnd(dc, 0), T_U32);
	dc_op(dc, pick(dc, dc_flag(dc, MFLAG(SHIFTAMT)) ? shift : plain, type), d, a, VAL_NONE, VAL_NONE);
}

void decode_bfe(struct decoder *dc)
{
	static const uint16_t ops[T_COUNT] = {
		[T_U32] = XO_bfe_u32, [T_S32] = XO_bfe_s32, [T_U64] = XO_bfe_u64, [T_S64] = XO_bfe_s64,
	};
	unsigned int type = dc_type(dc);
	val_t a, b, c, d;

	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 4, 4);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), T_U32);
	c = dc_src(dc, dc_opnd(dc, 3), T_U32);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	dc_op(dc, pick(dc, ops, type), d, a, b, c);
}

void decode_bfi(struct decoder *dc)
{
	unsigned int type = dc_type(dc);
	val_t a, b, c, n, d;

	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 5, 5);
	if (type != T_B32 && type != T_B64)
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), type);
	c = dc_src(dc, dc_opnd(dc, 3), T_U32);
	n = dc_src(dc, dc_opnd(dc, 4), T_U32);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	dc_op(dc, type == T_B32 ? XO_bfi_w : XO_bfi_d, d, a, b, c);
	dc_use(dc, 4, n);
}

void decode_bmsk(struct decoder *dc)
{
	dc_allow(dc, CAT(WRAP), 0, 1, 1);
	if (dc_type(dc) != T_B32 || (dc->fm.val[MC_WRAP] != M_WRAP_CLAMP && dc->fm.val[MC_WRAP] != M_WRAP_WRAP))
		dc_bad_form(dc);
	binary(dc, dc->fm.val[MC_WRAP] == M_WRAP_CLAMP ? XO_bmsk_clamp : XO_bmsk_wrap, T_B32);
}

void decode_szext(struct decoder *dc)
{
	bool wrap = dc->fm.val[MC_WRAP] == M_WRAP_WRAP;
	unsigned int type = dc_type(dc);

	dc_allow(dc, CAT(WRAP), 0, 1, 1);
	if ((type != T_U32 && type != T_S32) || (!wrap && dc->fm.val[MC_WRAP] != M_WRAP_CLAMP))
		dc_bad_form(dc);
	if (type == T_U32)
		binary(dc, wrap ? XO_szext_wrap_u : XO_szext_clamp_u, type);
	else
		binary(dc, wrap ? XO_szext_wrap_s : XO_szext_clamp_s, type);
}

void decode_fns(struct decoder *dc)
{
	val_t a, b, c, d;

	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 4, 4);
	if (dc_type(dc) != T_B32)
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), T_B32);
	b = dc_src(dc, dc_opnd(dc, 2), T_B32);
	c = dc_src(dc, dc_opnd(dc, 3), T_S32);
	d = dc_dst(dc, dc_opnd(dc, 0), T_B32);
	dc_op(dc, XO_fns, d, a, b, c);
}

void decode_shift(struct decoder *dc)
{
	static const uint16_t shl[T_COUNT] = { [T_B16] = XO_shl_b16, [T_B32] = XO_shl_w, [T_B64] = XO_shl_d };
	static const uint16_t shr[T_COUNT] = {
		[T_B16] = XO_shr_u16, [T_U16] = XO_shr_u16, [T_S16] = XO_shr_s16, [T_B32] = XO_shr_u32, [T_U32] = XO_shr_u32,
		[T_S32] = XO_shr_s32, [T_B64] = XO_shr_u64, [T_U64] = XO_shr_u64, [T_S64] = XO_shr_s64,
	};
	unsigned int type = dc_type(dc);
	val_t a, b, d;

	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 3, 3);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	b = dc_src(dc, dc_opnd(dc, 2), T_U32);
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	dc_op(dc, pick(dc, dc->stmt->op == PO_SHL ? shl : shr, type), d, a, b, VAL_NONE);
}

void decode_shf(struct decoder *dc)
{
	bool left = dc->fm.val[MC_MODE] == M_MODE_L, wrap = dc->fm.val[MC_WRAP] == M_WRAP_WRAP;
	val_t a, b, c, d;

	dc_allow(dc, CAT(MODE) | CAT(WRAP), 0, 1, 1);
	dc_operands(dc, 4, 4);
	if (dc_type(dc) != T_B32 || (!left && dc->fm.val[MC_MODE] != M_MODE_R) ||
	    (!wrap && dc->fm.val[MC_WRAP] != M_WRAP_CLAMP))
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), T_B32);
	b = dc_src(dc, dc_opnd(dc, 2), T_B32);
	c = dc_src(dc, dc_opnd(dc, 3), T_U32);
	d = dc_dst(dc, dc_opnd(dc, 0), T_B32);
	if (left)
		dc_op(dc, wrap ? XO_shf_l_wrap : XO_shf_l_clamp, d, a, b, c);
	else
		dc_op(dc, wrap ? XO_shf_r_wrap : XO_shf_r_clamp, d, a, b, c);
}

void decode_prmt(struct decoder *dc)
{
	unsigned int mode = dc->fm.val[MC_MODE];
	val_t a, b, c, d;

	dc_allow(dc, CAT(MODE), 0, 1, 1);
	dc_operands(dc, 4, 4);
	if (dc_type(dc) != T_B32 || (mode && (mode < M_MODE_F4E || mode > M_MODE_RC16)))
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), T_B32);
	b = dc_src(dc, dc_opnd(dc, 2), T_B32);
	c = dc_src(dc, dc_opnd(dc, 3), T_B32);
	d = dc_dst(dc, dc_opnd(dc, 0), T_B32);
	dc_op(dc, mode ? XO_prmt_mode : XO_prmt, d, a, b, c);
	dc->insns[dc->num_insns - 1].x = mode ? mode - M_MODE_F4E + 1 : 0;
}

void decode_lop3(struct decoder *dc)
{
	unsigned int k = 0;
	val_t a, b, c, d, p, q = VAL_NONE, t;
	const struct opnd *dst = dc_opnd(dc, 0);
	bool is_or = dc->fm.val[MC_RED] == M_RED_OR;
	int64_t lut;

	dc_allow(dc, CAT(RED), 0, 1, 1);
	dc_operands(dc, 5, 6);
	if (dc_type(dc) != T_B32 || dc_opnd(dc, 4)->kind != O_INT)
		dc_mismatch(dc);
	lut = dc_opnd(dc, 4)->imm;
	if (lut < 0 || lut > 255)
		dc_error(dc, "Table of lop3 out of range 0..255: %lld", (long long)lut);
	a = dc_src(dc, dc_opnd(dc, 1), T_B32);
	b = dc_src(dc, dc_opnd(dc, 2), T_B32);
	c = dc_src(dc, dc_opnd(dc, 3), T_B32);
	if (dc->fm.val[MC_RED]) {
		/* lop3.BoolOp d|p, a, b, c, table, q: p is (d != 0) BoolOp q */
		if (dst->kind != O_PAIR || dc->stmt->num_opnds != 6 ||
		    (!is_or && dc->fm.val[MC_RED] != M_RED_AND))
			dc_mismatch(dc);
		q = dc_src(dc, dc_opnd(dc, 5), T_PRED);
		dst = &dc_opnd(dc, 0)->elems[k];
	} else if (dc->stmt->num_opnds != 5) {
		dc_mismatch(dc);
	}
	d = dc_dst(dc, dst, T_B32);
	dc_emit(dc, XO_lop3)->imm = (uint64_t)lut;
	dc_def(dc, 0, d);
	dc_use(dc, 1, a);
	dc_use(dc, 2, b);
	dc_use(dc, 3, c);
	if (q == VAL_NONE)
		return;
	p = dc_dst(dc, &dc_opnd(dc, 0)->elems[1], T_PRED);
	t = dc_temp(dc, FILE_P);
	dc_op(dc, XO_ne_u32, t, d, dc_const(dc, FILE_W, 0), VAL_NONE);
	dc_op(dc, is_or ? XO_or_p : XO_and_p, p, t, q, VAL_NONE);
}
