// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Atomic operations, asynchronous copies and mbarriers. */
#include "decode.h"

/* Handler of an atomic operation, or 0. */
static unsigned int atom_op(unsigned int red, unsigned int type)
{
	bool d = type_bits(type) == 64, is_int = type_is_int(type) && type_bits(type) >= 32 && type_bits(type) <= 64;

	switch (red) {
	case M_RED_ADD:
		switch (type) {
		case T_F32:
			return XO_atom_add_f32;
		case T_F64:
			return XO_atom_add_f64;
		case T_F16:
			return XO_atom_add_f16;
		case T_BF16:
			return XO_atom_add_bf16;
		case T_F16X2:
			return XO_atom_add_f16x2;
		case T_BF16X2:
			return XO_atom_add_bf16x2;
		}
		return is_int ? (d ? XO_atom_add_d : XO_atom_add_w) : 0;
	case M_RED_AND:
		return is_int ? (d ? XO_atom_and_d : XO_atom_and_w) : 0;
	case M_RED_OR:
		return is_int ? (d ? XO_atom_or_d : XO_atom_or_w) : 0;
	case M_RED_XOR:
		return is_int ? (d ? XO_atom_xor_d : XO_atom_xor_w) : 0;
	case M_RED_EXCH:
		return type == T_B16 ? XO_atom_exch_b16 : is_int ? (d ? XO_atom_exch_d : XO_atom_exch_w) : 0;
	case M_RED_CAS:
		return type == T_B16 ? XO_atom_cas_b16 : is_int ? (d ? XO_atom_cas_d : XO_atom_cas_w) : 0;
	case M_RED_INC:
		return type == T_U32 ? XO_atom_inc_u32 : 0;
	case M_RED_DEC:
		return type == T_U32 ? XO_atom_dec_u32 : 0;
	case M_RED_MIN:
		return type == T_U32 ? XO_atom_min_u32 : type == T_S32 ? XO_atom_min_s32 :
		       type == T_U64 ? XO_atom_min_u64 : type == T_S64 ? XO_atom_min_s64 : 0;
	case M_RED_MAX:
		return type == T_U32 ? XO_atom_max_u32 : type == T_S32 ? XO_atom_max_s32 :
		       type == T_U64 ? XO_atom_max_u64 : type == T_S64 ? XO_atom_max_s64 : 0;
	}
	return 0;
}

/* Emits an instruction on an atomic's address: o[1], imm, x, y. */
static struct insn *atomic_insn(struct decoder *dc, unsigned int op, struct addr *addr, unsigned int bytes)
{
	unsigned int space = dc_atomic_space(dc, addr);
	struct insn *insn = dc_emit(dc, op);

	insn->x = space;
	insn->y = bytes;
	insn->imm = addr->offset;
	dc_use(dc, 1, addr->base);
	return insn;
}

void decode_atom(struct decoder *dc)
{
	bool is_red = dc->stmt->op == PO_RED, cas = dc->fm.val[MC_RED] == M_RED_CAS;
	unsigned int type = dc_type(dc), op, first = is_red ? 0 : 1, n = cas ? 2 : 1;
	val_t d = VAL_NONE, b, c;
	struct addr addr;

	dc_allow(dc, CAT(SEM) | CAT(SCOPE) | CAT(SPACE) | CAT(RED) | CAT(CACHE), MFLAG(NOFTZ) | MFLAG(CACHE_HINT), 1, 1);
	n += first + 1;
	dc_operands(dc, n, dc_flag(dc, MFLAG(CACHE_HINT)) ? n + 1 : n);
	op = atom_op(dc->fm.val[MC_RED], type);
	if (!op || (is_red && (cas || dc->fm.val[MC_RED] == M_RED_EXCH)))
		dc_bad_form(dc);
	addr = dc_address(dc, dc_opnd(dc, first), dc->fm.val[MC_SPACE]);
	b = dc_src(dc, dc_opnd(dc, first + 1), type);
	c = cas ? dc_src(dc, dc_opnd(dc, first + 2), type) : b;
	d = is_red ? dc_temp(dc, file_of(type)) : dc_dst(dc, dc_opnd(dc, 0), type);
	atomic_insn(dc, op, &addr, type_bytes(type));
	dc_def(dc, 0, d);
	dc_use(dc, 2, b);
	dc_use(dc, 3, c);
}

static void cp_async_copy(struct decoder *dc)
{
	const struct opnd *size = dc_opnd(dc, 2), *fourth = dc_opnd(dc, 3);
	struct addr dst, src;
	unsigned int space;
	struct insn *insn;
	val_t from, n, t;

	dc_allow(dc, CAT(ASYNC) | CAT(CACHE) | CAT(SPACE), MFLAG(CACHE_HINT), 0, 0);
	dc_operands(dc, 3, 5);
	if (size->kind != O_INT || (size->imm != 4 && size->imm != 8 && size->imm != 16) ||
	    (dc_has(dc, M_CACHE_CG) && size->imm != 16))
		dc_error(dc, "Size of cp.async must be 4, 8 or 16, with .cg 16");
	dst = dc_address(dc, dc_opnd(dc, 0), M_SPACE_SHARED);
	src = dc_address(dc, dc_opnd(dc, 1), M_SPACE_GLOBAL);
	n = dc_const(dc, FILE_W, (uint64_t)size->imm);
	if (dc->stmt->num_opnds >= 4 && !(dc->stmt->num_opnds == 4 && dc_flag(dc, MFLAG(CACHE_HINT)))) {
		if (fourth->kind == O_REG && dc->func->vregs[fourth->reg] == T_PRED) {
			/* ignore-src */
			t = dc_temp(dc, FILE_W);
			dc_op(dc, XO_selp_w, t, dc_const(dc, FILE_W, 0), n, dc_src(dc, fourth, T_PRED));
			n = t;
		} else {
			n = dc_src(dc, fourth, T_U32);
		}
	}
	from = dc_generic(dc, &src);
	if (src.offset) {
		t = dc_temp(dc, FILE_D);
		dc_op(dc, XO_add_d, t, from, dc_const(dc, FILE_D, src.offset), VAL_NONE);
		from = t;
	}
	space = dc_atomic_space(dc, &dst);
	insn = dc_emit(dc, XO_cp_async);
	insn->x = space;
	insn->y = (uint16_t)size->imm;
	insn->imm = dst.offset;
	dc_use(dc, 0, dst.base);
	dc_use(dc, 1, from);
	dc_use(dc, 2, n);
}

void decode_cp(struct decoder *dc)
{
	struct addr addr;

	if (dc->fm.val[MC_ASYNC] != M_ASYNC_ASYNC || dc_has(dc, M_ASYNC_BULK))
		dc_bad_form(dc);
	if (dc_has(dc, M_MBAR_MBARRIER)) {
		dc_allow(dc, CAT(ASYNC) | CAT(MBAR) | CAT(SYNC) | CAT(SPACE), MFLAG(NOINC), 1, 1);
		dc_operands(dc, 1, 1);
		if (dc->fm.val[MC_SYNC] != M_SYNC_ARRIVE || dc_type(dc) != T_B64)
			dc_bad_form(dc);
		addr = dc_address(dc, dc_opnd(dc, 0), dc->fm.val[MC_SPACE]);
		atomic_insn(dc, XO_mbar_cp_arrive, &addr, 8)->aux = dc_flag(dc, MFLAG(NOINC));
		return;
	}
	/* Copies are done when they are asked for, so there is nothing to wait for. */
	if (dc_has(dc, M_ASYNC_COMMIT_GROUP) || dc_has(dc, M_ASYNC_WAIT_ALL)) {
		dc_operands(dc, 0, 0);
		return;
	}
	if (dc_has(dc, M_ASYNC_WAIT_GROUP)) {
		dc_operands(dc, 1, 1);
		if (dc_opnd(dc, 0)->kind != O_INT)
			dc_mismatch(dc);
		return;
	}
	cp_async_copy(dc);
}

static void mbarrier_arrive(struct decoder *dc, bool drop)
{
	bool has_state = dc_opnd(dc, 0)->kind != O_ADDR;
	unsigned int at = has_state ? 1 : 0;
	struct addr addr;
	val_t d, n;

	dc_operands(dc, at + 1, at + 2);
	d = has_state ? dc_dst(dc, dc_opnd(dc, 0), T_B64) : dc_temp(dc, FILE_D);
	addr = dc_address(dc, dc_opnd(dc, at), dc->fm.val[MC_SPACE]);
	n = dc->stmt->num_opnds > at + 1 ? dc_src(dc, dc_opnd(dc, at + 1), T_U32) : dc_const(dc, FILE_W, 1);
	atomic_insn(dc, XO_mbar_arrive, &addr, 8)->aux = drop;
	dc_def(dc, 0, d);
	dc_use(dc, 2, n);
}

static void mbarrier_wait(struct decoder *dc)
{
	bool parity = dc_flag(dc, MFLAG(PARITY));
	struct addr addr;
	val_t d, s;

	dc_operands(dc, 3, dc->fm.val[MC_MBAR] == M_MBAR_TRY_WAIT ? 4 : 3);
	d = dc_dst(dc, dc_opnd(dc, 0), T_PRED);
	addr = dc_address(dc, dc_opnd(dc, 1), dc->fm.val[MC_SPACE]);
	s = dc_src(dc, dc_opnd(dc, 2), parity ? T_U32 : T_B64);
	atomic_insn(dc, parity ? XO_mbar_test_parity : XO_mbar_test, &addr, 8);
	dc_def(dc, 0, d);
	dc_use(dc, 2, s);
	dc_emit(dc, XO_give_way);
	dc_use(dc, 0, d);
}

void decode_mbarrier(struct decoder *dc)
{
	struct addr addr;
	val_t n;

	dc_allow(dc, CAT(MBAR) | CAT(SYNC) | CAT(SPACE) | CAT(SEM) | CAT(SCOPE),
		 MFLAG(NOCOMPLETE) | MFLAG(PARITY), 1, 1);
	if (dc_type(dc) != T_B64)
		dc_bad_form(dc);
	if (dc->fm.val[MC_SYNC] == M_SYNC_ARRIVE && !dc->fm.val[MC_MBAR]) {
		mbarrier_arrive(dc, false);
		return;
	}
	switch (dc->fm.val[MC_MBAR]) {
	case M_MBAR_INIT:
		dc_operands(dc, 2, 2);
		addr = dc_address(dc, dc_opnd(dc, 0), dc->fm.val[MC_SPACE]);
		n = dc_src(dc, dc_opnd(dc, 1), T_U32);
		atomic_insn(dc, XO_mbar_init, &addr, 8);
		dc_use(dc, 2, n);
		return;
	case M_MBAR_INVAL:
		dc_operands(dc, 1, 1);
		dc_address(dc, dc_opnd(dc, 0), dc->fm.val[MC_SPACE]);
		return;
	case M_MBAR_ARRIVE_DROP:
		mbarrier_arrive(dc, true);
		return;
	case M_MBAR_TEST_WAIT:
	case M_MBAR_TRY_WAIT:
		mbarrier_wait(dc);
		return;
	case M_MBAR_PENDING_COUNT:
		dc_operands(dc, 2, 2);
		n = dc_src(dc, dc_opnd(dc, 1), T_B64);
		dc_op(dc, XO_mbar_pending, dc_dst(dc, dc_opnd(dc, 0), T_U32), n, VAL_NONE, VAL_NONE);
		return;
	}
	dc_bad_form(dc);
}
