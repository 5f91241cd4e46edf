// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Conversions: chains of simple steps, one for the commonest. */
#include "decode.h"
#include "float.h"

#define NUM_INT_TYPES	8

/* Place of an integer type in the order of the cvt_ handlers. */
static unsigned int int_index(unsigned int type)
{
	switch (type) {
	case T_U8:
		return 0;
	case T_S8:
		return 1;
	case T_U16:
		return 2;
	case T_S16:
		return 3;
	case T_U32:
		return 4;
	case T_S32:
		return 5;
	case T_U64:
		return 6;
	default:
		return 7;
	}
}

static unsigned int int_cvt(unsigned int to, unsigned int from)
{
	return XO_cvt_u8_u8 + int_index(from) * NUM_INT_TYPES + int_index(to);
}

/* Rounding of EXEC(rounded), from .rn, .rm, .rp, .rz. */
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

static unsigned int float_round(struct decoder *dc)
{
	static const uint8_t rounds[] = { FR_NEAREST, FR_DOWN, FR_UP, FR_ZERO };

	if (dc->fm.val[MC_ROUND] == M_ROUND_RNA)
		return FR_AWAY;
	return rounds[direction(dc)];
}

static bool is_integral_round(unsigned int round)
{
	return round >= M_ROUND_RNI && round <= M_ROUND_RPI;
}

static void need_float_round(struct decoder *dc)
{
	if (!dc->fm.val[MC_ROUND] || is_integral_round(dc->fm.val[MC_ROUND]))
		dc_error(dc, "Rounding modifier required for instruction 'cvt'");
}

/* One step, with a rounding direction. */
static val_t step(struct decoder *dc, unsigned int op, unsigned int file, val_t a)
{
	unsigned int dir = direction(dc);
	struct insn *insn;
	val_t t = dc_temp(dc, file);

	insn = dc_op(dc, op, t, a, VAL_NONE, VAL_NONE);
	if (dir) {
		insn->imm = op;
		insn->op = XO_rounded;
		insn->aux = dir;
	}
	return t;
}

static val_t narrow_f64(struct decoder *dc, val_t a, unsigned int man, unsigned int exp, unsigned int round,
			unsigned int shift)
{
	val_t t = dc_temp(dc, FILE_W);
	struct insn *insn = dc_op(dc, XO_narrow_f64, t, a, VAL_NONE, VAL_NONE);

	insn->imm = man;
	insn->x = exp;
	insn->aux = round;
	insn->y = shift;
	return t;
}

/* An integer of type from as a value of type to. */
static val_t int_to_int(struct decoder *dc, val_t a, unsigned int to, unsigned int from)
{
	static const uint16_t from_signed[NUM_INT_TYPES] = {
		XO_satu8_s64, XO_sats8_s64, XO_satu16_s64, XO_sats16_s64, XO_satu32_s64, XO_sats32_s64, XO_satu64_s64, 0,
	};
	static const uint16_t from_unsigned[NUM_INT_TYPES] = {
		XO_satu8_u64, XO_sats8_u64, XO_satu16_u64, XO_sats16_u64, XO_satu32_u64, XO_sats32_u64, 0, XO_sats64_u64,
	};
	bool is_signed = type_is_signed(from);
	unsigned int op;

	if (!dc_flag(dc, MFLAG(SAT)))
		return dc_unary(dc, int_cvt(to, from), file_of(to), a);
	op = (is_signed ? from_signed : from_unsigned)[int_index(to)];
	a = dc_unary(dc, int_cvt(is_signed ? T_S64 : T_U64, from), FILE_D, a);
	if (op)
		a = dc_unary(dc, op, FILE_D, a);
	return file_of(to) == FILE_W ? dc_unary(dc, XO_low_b32, FILE_W, a) : a;
}

/* The value as f32 or f64. */
static val_t widen(struct decoder *dc, val_t a, unsigned int *type)
{
	if (*type == T_F16 || *type == T_BF16) {
		a = dc_unary(dc, *type == T_F16 ? XO_widen_f16 : XO_widen_bf16, FILE_W, a);
		*type = T_F32;
	} else if (*type == T_F32 && dc_flag(dc, MFLAG(FTZ))) {
		a = dc_unary(dc, XO_flush_f32, FILE_W, a);
	}
	return a;
}

static val_t round_integral(struct decoder *dc, val_t a, unsigned int type)
{
	static const uint16_t f32[] = { XO_rni_f32, XO_rzi_f32, XO_rmi_f32, XO_rpi_f32 };
	static const uint16_t f64[] = { XO_rni_f64, XO_rzi_f64, XO_rmi_f64, XO_rpi_f64 };
	unsigned int k = dc->fm.val[MC_ROUND] - M_ROUND_RNI;

	if (!is_integral_round(dc->fm.val[MC_ROUND]))
		return a;
	return dc_unary(dc, type == T_F64 ? f64[k] : f32[k], file_of(type), a);
}

static val_t float_to_int(struct decoder *dc, val_t a, unsigned int to, unsigned int from)
{
	static const uint16_t f32[NUM_INT_TYPES] = {
		0, 0, 0, 0, XO_int_u32_f32, XO_int_s32_f32, XO_int_u64_f32, XO_int_s64_f32,
	};
	static const uint16_t f64[NUM_INT_TYPES] = {
		XO_int_u8_f64, 0, XO_int_u16_f64, 0, XO_int_u32_f64, XO_int_s32_f64, XO_int_u64_f64, XO_int_s64_f64,
	};
	static const uint16_t clamps[NUM_INT_TYPES] = { XO_clamp_u8, XO_clamp_s8, XO_clamp_u16, XO_clamp_s16 };
	unsigned int k = int_index(to), round = dc->fm.val[MC_ROUND];

	if (!is_integral_round(round))
		dc_error(dc, "Integer rounding modifier required for instruction 'cvt'");
	a = widen(dc, a, &from);
	if (round != M_ROUND_RZI)
		a = round_integral(dc, a, from);
	if (!clamps[k] || (from == T_F64 && f64[k]))
		return dc_unary(dc, from == T_F64 ? f64[k] : f32[k], file_of(to), a);
	a = dc_unary(dc, from == T_F64 ? XO_int_s32_f64 : XO_int_s32_f32, FILE_W, a);
	return dc_unary(dc, clamps[k], FILE_W, a);
}

static val_t to_half(struct decoder *dc, val_t a, unsigned int to, unsigned int from);

static val_t int_to_float(struct decoder *dc, val_t a, unsigned int to, unsigned int from)
{
	bool is_signed = type_is_signed(from), wide = type_bits(from) == 64;
	unsigned int op;

	need_float_round(dc);
	if (type_bits(from) < 32) {
		a = dc_unary(dc, int_cvt(is_signed ? T_S32 : T_U32, from), FILE_W, a);
		from = is_signed ? T_S32 : T_U32;
	}
	if (to == T_F16 || to == T_BF16) {
		if (wide)
			a = dc_unary(dc, is_signed ? XO_odd_f64_s64 : XO_odd_f64_u64, FILE_D, a);
		else
			a = dc_unary(dc, is_signed ? XO_cvt_f64_s32 : XO_cvt_f64_u32, FILE_D, a);
		return to_half(dc, a, to, T_F64);
	}
	if (to == T_F32)
		op = wide ? (is_signed ? XO_cvt_f32_s64 : XO_cvt_f32_u64) : (is_signed ? XO_cvt_f32_s32 : XO_cvt_f32_u32);
	else
		op = wide ? (is_signed ? XO_cvt_f64_s64 : XO_cvt_f64_u64) : (is_signed ? XO_cvt_f64_s32 : XO_cvt_f64_u32);
	a = step(dc, op, file_of(to), a);
	if (dc_flag(dc, MFLAG(SAT)))
		a = dc_unary(dc, to == T_F32 ? XO_sat_f32 : XO_sat_f64, file_of(to), a);
	return a;
}

/* From f32 or f64. */
static val_t to_half(struct decoder *dc, val_t a, unsigned int to, unsigned int from)
{
	unsigned int round = float_round(dc);
	bool bf16 = to == T_BF16;
	val_t t;

	if (dc_flag(dc, MFLAG(SAT)))
		a = dc_unary(dc, from == T_F64 ? XO_sat_f64 : XO_sat_f32, file_of(from), a);
	if (dc_flag(dc, MFLAG(RELU))) {
		if (from != T_F32)
			dc_bad_form(dc);
		a = dc_unary(dc, XO_relu_f32, FILE_W, a);
	}
	if (from == T_F32 && round == FR_NEAREST) {
		a = dc_unary(dc, bf16 ? XO_narrow_bf16 : XO_narrow_f16, FILE_W, a);
	} else {
		if (from == T_F32)
			a = dc_unary(dc, XO_cvt_f64_f32, FILE_D, a);
		a = narrow_f64(dc, a, bf16 ? 7 : 10, bf16 ? 8 : 5, round, 0);
	}
	if (dc_flag(dc, MFLAG(SATFINITE))) {
		t = dc_temp(dc, FILE_W);
		dc_op(dc, XO_satfinite_half, t, a, VAL_NONE, VAL_NONE)->imm = bf16 ? 0x7f7f : 0x7bff;
		a = t;
	}
	return a;
}

static val_t to_tf32(struct decoder *dc, val_t a, unsigned int from)
{
	if (from != T_F32)
		dc_bad_form(dc);
	if (dc_flag(dc, MFLAG(RELU)))
		a = dc_unary(dc, XO_relu_f32, FILE_W, a);
	switch (dc->fm.val[MC_ROUND]) {
	case M_ROUND_RNA:
		return dc_unary(dc, XO_cvt_tf32_f32, FILE_W, a);
	case M_ROUND_RN:
		return dc_unary(dc, XO_cvt_tf32rn_f32, FILE_W, a);
	case M_ROUND_RZ:
		return dc_unary(dc, XO_cvt_tf32rz_f32, FILE_W, a);
	}
	dc_bad_form(dc);
}

static val_t float_to_float(struct decoder *dc, val_t a, unsigned int to, unsigned int from)
{
	unsigned int round = dc->fm.val[MC_ROUND], orig = from;

	if (to == T_TF32)
		return to_tf32(dc, a, from);
	if (is_integral_round(round) && to != from)
		dc_bad_form(dc);
	if (!round && type_bits(to) < type_bits(from))
		need_float_round(dc);
	a = widen(dc, a, &from);
	a = round_integral(dc, a, from);
	if (is_integral_round(round))
		dc->fm.val[MC_ROUND] = 0;
	if (to == T_F16 || to == T_BF16) {
		if (orig == to && !round && !dc->fm.flags)
			return a;
		return to_half(dc, a, to, from);
	}
	if (to == T_F64 && from == T_F32)
		a = dc_unary(dc, XO_cvt_f64_f32, FILE_D, a);
	else if (to == T_F32 && from == T_F64)
		a = step(dc, XO_cvt_f32_f64, FILE_W, a);
	if (dc_flag(dc, MFLAG(SAT)))
		a = dc_unary(dc, to == T_F32 ? XO_sat_f32 : XO_sat_f64, file_of(to), a);
	if (dc_flag(dc, MFLAG(RELU)))
		dc_bad_form(dc);
	if (to == T_F32 && dc_flag(dc, MFLAG(FTZ)))
		a = dc_unary(dc, XO_flush_f32, FILE_W, a);
	else if (to == T_F32 && orig == T_F32 && (round || dc_flag(dc, MFLAG(SAT))))
		a = dc_unary(dc, XO_canon_f32, FILE_W, a);
	return a;
}

/* cvt.rn.f16x2.f32 d, a, b: a becomes the upper half. */
static void two_to_half(struct decoder *dc, unsigned int to, unsigned int from)
{
	val_t a, b, d;

	dc_operands(dc, 3, 3);
	if (from != T_F32 || !dc->fm.val[MC_ROUND])
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), T_F32);
	b = dc_src(dc, dc_opnd(dc, 2), T_F32);
	d = dc_dst(dc, dc_opnd(dc, 0), T_B32);
	to = to == T_F16X2 ? T_F16 : T_BF16;
	a = to_half(dc, a, to, from);
	b = to_half(dc, b, to, from);
	dc_op(dc, XO_pack_w, d, b, a, VAL_NONE);
}

/* cvt.pack.sat.u16.s32 d, a, b and cvt.pack.sat.u8.s32.b32 d, a, b, c */
static void pack(struct decoder *dc)
{
	unsigned int to = dc->fm.types[0];
	bool bytes = to == T_U8 || to == T_S8;
	val_t a, b, c, d, k;

	dc_operands(dc, bytes ? 4 : 3, bytes ? 4 : 3);
	if (dc->fm.num_types < 2 || dc->fm.types[1] != T_S32 || !dc_flag(dc, MFLAG(SAT)) ||
	    (!bytes && to != T_U16 && to != T_S16) || (bytes && dc->fm.types[2] != T_B32))
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), T_S32);
	b = dc_src(dc, dc_opnd(dc, 2), T_S32);
	d = dc_dst(dc, dc_opnd(dc, 0), T_B32);
	a = dc_unary(dc, to == T_U8 ? XO_clamp_u8 : to == T_S8 ? XO_clamp_s8 : to == T_U16 ? XO_clamp_u16 : XO_clamp_s16,
		     FILE_W, a);
	b = dc_unary(dc, to == T_U8 ? XO_clamp_u8 : to == T_S8 ? XO_clamp_s8 : to == T_U16 ? XO_clamp_u16 : XO_clamp_s16,
		     FILE_W, b);
	if (!bytes) {
		dc_op(dc, XO_pack_w, d, b, a, VAL_NONE);
		return;
	}
	/* c << 16 | a << 8 | b, bytewise. */
	c = dc_src(dc, dc_opnd(dc, 3), T_B32);
	k = dc_temp(dc, FILE_W);
	dc_op(dc, XO_insert_b8, k, c, a, VAL_NONE);
	dc_op(dc, XO_insert_b8, d, k, b, VAL_NONE);
}

static void store_result(struct decoder *dc, val_t a, unsigned int type)
{
	unsigned int reg_type;
	val_t d = dc_dst_wide(dc, dc_opnd(dc, 0), type, &reg_type);

	if (file_of(reg_type) == file_of(type))
		dc_op(dc, file_of(type) == FILE_D ? XO_mov_d : XO_mov_w, d, a, VAL_NONE, VAL_NONE);
	else
		dc_op(dc, type_is_signed(type) ? XO_cvt_s64_s32 : XO_cvt_u64_u32, d, a, VAL_NONE, VAL_NONE);
}

/* A chain's last step writes the destination itself where it can. */
static bool redirect(struct decoder *dc, val_t from, unsigned int type)
{
	struct ref *last = &dc->refs[dc->num_refs - 1];
	unsigned int reg_type, k;
	val_t d;

	if (from < dc->func->num_vregs || from & VAL_CONST)
		return false;
	d = dc_dst_wide(dc, dc_opnd(dc, 0), type, &reg_type);
	if (file_of(reg_type) != file_of(type))
		return false;
	for (k = 0; last - k >= dc->refs && (last - k)->insn == dc->num_insns - 1; k++) {
		struct ref *ref = last - k;

		if (ref->def && ref->val == from && ref->slot == 0) {
			ref->val = d;
			ref->partial = dc->stmt->guard != STMT_NO_GUARD;
			return true;
		}
	}
	return false;
}

void decode_cvt(struct decoder *dc)
{
	unsigned int to = dc->fm.types[0], from = dc->fm.types[1];
	val_t a;

	dc_allow(dc, CAT(ROUND), MFLAG(SAT) | MFLAG(FTZ) | MFLAG(RELU) | MFLAG(SATFINITE) | MFLAG(PACK), 2, 3);
	if (dc_flag(dc, MFLAG(PACK))) {
		pack(dc);
		return;
	}
	if (dc->fm.num_types != 2)
		dc_bad_form(dc);
	if (to == T_F16X2 || to == T_BF16X2) {
		two_to_half(dc, to, from);
		return;
	}
	dc_operands(dc, 2, 2);
	if (ptx_types[to].kind < TK_UNSIGNED || ptx_types[from].kind < TK_UNSIGNED || type_bits(to) < 8 ||
	    type_bits(from) < 8 || ptx_types[to].kind == TK_OPAQUE || ptx_types[from].kind == TK_OPAQUE ||
	    to == T_U16X2 || to == T_S16X2 || from == T_U16X2 || from == T_S16X2 || (to >= T_E4M3X2 && to <= T_E5M2) ||
	    from == T_F16X2 || from == T_BF16X2 || from == T_TF32 || (from >= T_E4M3X2 && from <= T_E5M2) ||
	    to == T_F32X2 || from == T_F32X2)
		dc_bad_form(dc);
	a = dc_src_wide(dc, dc_opnd(dc, 1), from);
	if (dc_file(dc, a) == FILE_D && file_of(from) == FILE_W)
		a = dc_unary(dc, XO_low_b32, FILE_W, a);
	if (type_is_int(to) && type_is_int(from)) {
		if (dc->fm.val[MC_ROUND])
			dc_bad_form(dc);
		a = int_to_int(dc, a, to, from);
	} else if (type_is_int(to)) {
		a = float_to_int(dc, a, to, from);
	} else if (type_is_int(from)) {
		a = int_to_float(dc, a, to, from);
	} else {
		a = float_to_float(dc, a, to, from);
	}
	if (!redirect(dc, a, to))
		store_result(dc, a, to);
}
