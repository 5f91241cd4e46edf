// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Shuffles, votes, matches, reductions and barriers. */
#include "decode.h"

void decode_activemask(struct decoder *dc)
{
	val_t d;

	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 1, 1);
	d = dc_dst(dc, dc_opnd(dc, 0), T_B32);
	dc_emit(dc, XO_activemask);
	dc_def(dc, 0, d);
}

/* d|p or d */
static void pair(struct decoder *dc, const struct opnd *o, unsigned int type, val_t *d, val_t *p)
{
	*p = VAL_NONE;
	if (o->kind == O_PAIR) {
		*d = dc_dst(dc, &o->elems[0], type);
		*p = dc_dst(dc, &o->elems[1], T_PRED);
	} else {
		*d = dc_dst(dc, o, type);
	}
}

void decode_shfl(struct decoder *dc)
{
	bool sync = dc->fm.val[MC_SYNC] == M_SYNC_SYNC;
	unsigned int mode = dc->fm.val[MC_MODE];
	val_t d, p, a, b, c, members = VAL_NONE;
	struct insn *insn;

	dc_allow(dc, CAT(SYNC) | CAT(MODE), 0, 1, 1);
	dc_operands(dc, sync ? 5 : 4, sync ? 5 : 4);
	if (dc_type(dc) != T_B32 || mode < M_MODE_UP || mode > M_MODE_IDX)
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), T_B32);
	b = dc_src(dc, dc_opnd(dc, 2), T_B32);
	c = dc_src(dc, dc_opnd(dc, 3), T_B32);
	if (sync)
		members = dc_membermask(dc, dc_opnd(dc, 4));
	pair(dc, dc_opnd(dc, 0), T_B32, &d, &p);
	insn = dc_emit(dc, sync ? XO_shfl_sync : XO_shfl);
	insn->aux = mode - M_MODE_UP;
	insn->x = p != VAL_NONE;
	dc_def(dc, 0, d);
	if (p != VAL_NONE)
		dc_def(dc, 1, p);
	dc_use(dc, 2, a);
	dc_use(dc, 3, b);
	dc_use(dc, 4, c);
	if (sync)
		dc_ext(dc, members, false);
}

void decode_vote(struct decoder *dc)
{
	bool sync = dc->fm.val[MC_SYNC] == M_SYNC_SYNC, uni = dc_flag(dc, MFLAG(UNI));
	unsigned int mode = dc->fm.val[MC_VOTE];
	val_t a, members = VAL_NONE, d;
	struct insn *insn;

	dc_allow(dc, CAT(SYNC) | CAT(VOTE), MFLAG(UNI), 1, 1);
	dc_operands(dc, sync ? 3 : 2, sync ? 3 : 2);
	if (uni == !!mode)
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), T_PRED);
	if (sync)
		members = dc_membermask(dc, dc_opnd(dc, 2));
	if (mode == M_VOTE_BALLOT) {
		if (dc_type(dc) != T_B32)
			dc_bad_form(dc);
		d = dc_dst(dc, dc_opnd(dc, 0), T_B32);
		dc_emit(dc, sync ? XO_ballot_sync : XO_ballot);
	} else {
		if (dc_type(dc) != T_PRED)
			dc_bad_form(dc);
		d = dc_dst(dc, dc_opnd(dc, 0), T_PRED);
		insn = dc_emit(dc, sync ? XO_vote_sync : XO_vote);
		insn->aux = uni ? 2 : mode - M_VOTE_ALL;
	}
	dc_def(dc, 0, d);
	dc_use(dc, 1, a);
	if (sync)
		dc_use(dc, 2, members);
}

void decode_match(struct decoder *dc)
{
	bool all = dc->fm.val[MC_VOTE] == M_VOTE_ALL;
	unsigned int type = dc_type(dc);
	val_t d, p, a, members;
	struct insn *insn;

	dc_allow(dc, CAT(SYNC) | CAT(VOTE), 0, 1, 1);
	dc_operands(dc, 3, 3);
	if ((!all && dc->fm.val[MC_VOTE] != M_VOTE_ANY) || dc->fm.val[MC_SYNC] != M_SYNC_SYNC ||
	    (type != T_B32 && type != T_B64))
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	members = dc_membermask(dc, dc_opnd(dc, 2));
	pair(dc, dc_opnd(dc, 0), T_B32, &d, &p);
	if (p != VAL_NONE && !all)
		dc_mismatch(dc);
	if (type == T_B32)
		insn = dc_emit(dc, all ? XO_match_all_w : XO_match_any_w);
	else
		insn = dc_emit(dc, all ? XO_match_all_d : XO_match_any_d);
	insn->x = p != VAL_NONE;
	dc_def(dc, 0, d);
	if (p != VAL_NONE)
		dc_def(dc, 1, p);
	dc_use(dc, 2, a);
	dc_use(dc, 3, members);
}

void decode_redux(struct decoder *dc)
{
	unsigned int type = dc_type(dc), op = 0;
	val_t d, a, members;

	dc_allow(dc, CAT(SYNC) | CAT(RED), 0, 1, 1);
	dc_operands(dc, 3, 3);
	switch (dc->fm.val[MC_RED]) {
	case M_RED_ADD:
		op = type == T_U32 || type == T_S32 ? XO_redux_add : 0;
		break;
	case M_RED_MIN:
		op = type == T_U32 ? XO_redux_min_u32 : type == T_S32 ? XO_redux_min_s32 : 0;
		break;
	case M_RED_MAX:
		op = type == T_U32 ? XO_redux_max_u32 : type == T_S32 ? XO_redux_max_s32 : 0;
		break;
	case M_RED_AND:
		op = type == T_B32 ? XO_redux_and : 0;
		break;
	case M_RED_OR:
		op = type == T_B32 ? XO_redux_or : 0;
		break;
	case M_RED_XOR:
		op = type == T_B32 ? XO_redux_xor : 0;
		break;
	}
	if (!op || dc->fm.val[MC_SYNC] != M_SYNC_SYNC)
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), type);
	members = dc_membermask(dc, dc_opnd(dc, 2));
	d = dc_dst(dc, dc_opnd(dc, 0), type);
	dc_op(dc, op, d, a, members, VAL_NONE);
}

void decode_elect(struct decoder *dc)
{
	val_t d, p, members;

	dc_allow(dc, CAT(SYNC), 0, 0, 0);
	dc_operands(dc, 2, 2);
	members = dc_membermask(dc, dc_opnd(dc, 1));
	pair(dc, dc_opnd(dc, 0), T_B32, &d, &p);
	if (p == VAL_NONE)
		dc_mismatch(dc);
	dc_emit(dc, XO_elect);
	dc_def(dc, 0, d);
	dc_def(dc, 1, p);
	dc_use(dc, 2, members);
}

static void barrier_red(struct decoder *dc)
{
	unsigned int red = dc->fm.val[MC_RED], n = dc->stmt->num_opnds;
	bool popc = red == M_RED_POPC;
	val_t number, count, p, d;
	struct insn *insn;

	dc_operands(dc, 3, 4);
	if (!popc && red != M_RED_AND && red != M_RED_OR)
		dc_bad_form(dc);
	if (dc->fm.num_types != 1 || dc_type(dc) != (popc ? T_U32 : T_PRED))
		dc_bad_form(dc);
	number = dc_src(dc, dc_opnd(dc, 1), T_U32);
	count = n == 4 ? dc_src(dc, dc_opnd(dc, 2), T_U32) : number;
	p = dc_src(dc, dc_opnd(dc, n - 1), T_PRED);
	d = dc_dst(dc, dc_opnd(dc, 0), popc ? T_U32 : T_PRED);
	insn = dc_emit(dc, XO_bar_red);
	insn->x = n == 4;
	dc_use(dc, 0, number);
	dc_use(dc, 1, count);
	dc_use(dc, 2, p);
	insn = dc_emit(dc, popc ? XO_bar_result_w : XO_bar_result_p);
	insn->aux = popc ? 2 : red == M_RED_AND ? 3 : 4;
	dc_use(dc, 0, number);
	dc_def(dc, 3, d);
}

void decode_bar(struct decoder *dc)
{
	unsigned int sync = dc->fm.val[MC_SYNC], n = dc->stmt->num_opnds;
	val_t number, count;

	dc_allow(dc, CAT(SYNC) | CAT(SCOPE) | CAT(RED), MFLAG(ALIGNED), 0, 1);
	if (dc_has(dc, M_SCOPE_CLUSTER)) {
		/* A cluster is one block: its barrier is the block's, apart from the named ones. */
		dc_bad_form(dc);
	}
	if (sync == M_SYNC_WARP) {
		dc_operands(dc, 1, 1);
		number = dc_membermask(dc, dc_opnd(dc, 0));
		dc_emit(dc, XO_bar_warp);
		dc_use(dc, 0, number);
		return;
	}
	if (sync == M_SYNC_RED) {
		barrier_red(dc);
		return;
	}
	if (sync != M_SYNC_SYNC && sync != M_SYNC_ARRIVE)
		dc_bad_form(dc);
	dc_operands(dc, sync == M_SYNC_ARRIVE ? 2 : 1, 2);
	number = dc_src(dc, dc_opnd(dc, 0), T_U32);
	count = n == 2 ? dc_src(dc, dc_opnd(dc, 1), T_U32) : number;
	dc_emit(dc, sync == M_SYNC_ARRIVE ? XO_bar_arrive : XO_bar_sync)->x = n == 2;
	dc_use(dc, 0, number);
	dc_use(dc, 1, count);
}
