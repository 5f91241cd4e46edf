// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Matrix instructions. */
#include "decode.h"
#include "mma.h"

struct shape {
	uint8_t modifier;
	uint16_t m, n, k;
};

static const struct shape shapes[] = {
	{ M_SHAPE_M8N8K4, 8, 8, 4 }, { M_SHAPE_M8N8K16, 8, 8, 16 }, { M_SHAPE_M8N8K32, 8, 8, 32 },
	{ M_SHAPE_M8N8K128, 8, 8, 128 }, { M_SHAPE_M16N8K4, 16, 8, 4 }, { M_SHAPE_M16N8K8, 16, 8, 8 },
	{ M_SHAPE_M16N8K16, 16, 8, 16 }, { M_SHAPE_M16N8K32, 16, 8, 32 }, { M_SHAPE_M16N8K64, 16, 8, 64 },
	{ M_SHAPE_M16N8K128, 16, 8, 128 }, { M_SHAPE_M16N8K256, 16, 8, 256 }, { M_SHAPE_M16N16K16, 16, 16, 16 },
	{ M_SHAPE_M16N16K8, 16, 16, 8 }, { M_SHAPE_M32N8K16, 32, 8, 16 }, { M_SHAPE_M8N32K16, 8, 32, 16 },
};

static void set_shape(struct decoder *dc, struct mma *mma)
{
	unsigned int k;

	for (k = 0; k < sizeof(shapes) / sizeof(shapes[0]); k++) {
		if (shapes[k].modifier == dc->fm.val[MC_SHAPE]) {
			mma->m = shapes[k].m;
			mma->n = shapes[k].n;
			mma->k = shapes[k].k;
			return;
		}
	}
	dc_bad_form(dc);
}

/* Kind and width from the types of A and B. */
static void set_inputs(struct decoder *dc, struct mma *mma, unsigned int a, unsigned int b)
{
	bool is_int = type_is_int(a) && type_is_int(b) && type_bits(a) == type_bits(b);

	mma->a_bits = (uint8_t)type_bits(a);
	mma->a_signed = type_is_signed(a);
	mma->b_signed = type_is_signed(b);
	if (a == T_F16 && b == T_F16)
		mma->kind = MMA_F16;
	else if (a == T_BF16 && b == T_BF16)
		mma->kind = MMA_BF16;
	else if (a == T_TF32 && b == T_TF32)
		mma->kind = MMA_TF32;
	else if (a == T_F64 && b == T_F64)
		mma->kind = MMA_F64;
	else if (is_int && (type_bits(a) == 8 || type_bits(a) == 4) && ptx_types[a].kind != TK_BITS)
		mma->kind = MMA_INT;
	else if (is_int && a == T_B1 && b == T_B1)
		mma->kind = MMA_BITS;
	else
		dc_bad_form(dc);
}

static unsigned int accumulator(struct decoder *dc, unsigned int type)
{
	switch (type) {
	case T_F16:
		return ACC_F16;
	case T_F32:
		return ACC_F32;
	case T_F64:
		return ACC_F64;
	case T_S32:
		return ACC_S32;
	}
	dc_bad_form(dc);
}

static void check_accumulators(struct decoder *dc, const struct mma *mma)
{
	bool ok;

	switch (mma->kind) {
	case MMA_F16:
		ok = mma->d_acc <= ACC_F32 && mma->c_acc <= ACC_F32;
		break;
	case MMA_F64:
		ok = mma->d_acc == ACC_F64 && mma->c_acc == ACC_F64;
		break;
	case MMA_INT:
	case MMA_BITS:
		ok = mma->d_acc == ACC_S32 && mma->c_acc == ACC_S32;
		break;
	default:
		ok = mma->d_acc == ACC_F32 && mma->c_acc == ACC_F32;
	}
	if (!ok)
		dc_bad_form(dc);
}

static const struct opnd *fragment(struct decoder *dc, const struct opnd *o, unsigned int num)
{
	if (o->kind == O_VEC) {
		if (o->num != num)
			dc_mismatch(dc);
		return o->elems;
	}
	if (num != 1)
		dc_mismatch(dc);
	return o;
}

/* Adds the registers of a fragment behind those of the instruction emitted last. */
static void add_fragment(struct decoder *dc, const val_t *vals, unsigned int num, bool def)
{
	unsigned int k;

	for (k = 0; k < num; k++)
		dc_ext(dc, vals[k], def);
}

/* Floats may be in .f32 or .b32 registers, halves in .b32 or .f16x2. */
static unsigned int element_register(unsigned int acc)
{
	return acc == ACC_F64 ? T_F64 : acc == ACC_F32 ? T_F32 : T_B32;
}

static void fragment_values(struct decoder *dc, const struct opnd *o, unsigned int num, unsigned int type, val_t *vals,
			    bool def)
{
	const struct opnd *e = fragment(dc, o, num);
	unsigned int k;

	for (k = 0; k < num; k++)
		vals[k] = def ? dc_dst(dc, &e[k], type) : dc_src(dc, &e[k], type);
}

/* Emits the product of operands 0 to 3. */
static void emit_mma(struct decoder *dc, const struct mma *desc)
{
	struct mma *mma = build_keep(dc->b, sizeof(*mma));
	unsigned int in = desc->kind == MMA_F64 ? T_F64 : T_B32;
	val_t d[8], a[8], b[8], c[8], meta = VAL_NONE;

	*mma = *desc;
	fragment_values(dc, dc_opnd(dc, 1), mma->num[1], in, a, false);
	fragment_values(dc, dc_opnd(dc, 2), mma->num[2], in, b, false);
	fragment_values(dc, dc_opnd(dc, 3), mma->num[3], element_register(mma->c_acc), c, false);
	fragment_values(dc, dc_opnd(dc, 0), mma->num[0], element_register(mma->d_acc), d, true);
	if (mma->sparse)
		meta = dc_src(dc, dc_opnd(dc, 4), T_B32);
	dc_emit(dc, XO_mma)->ptr = mma;
	add_fragment(dc, d, mma->num[0], true);
	add_fragment(dc, a, mma->num[1], false);
	add_fragment(dc, b, mma->num[2], false);
	add_fragment(dc, c, mma->num[3], false);
	if (mma->sparse)
		dc_ext(dc, meta, false);
}

static bool shape_allowed(const struct mma *mma)
{
	unsigned int m = mma->m, k = mma->k, bits = mma->a_bits;

	if (mma->n != 8)
		return false;
	switch (mma->kind) {
	case MMA_F16:
		return mma->sparse ? m == 16 && (k == 16 || k == 32) : m == 16 && (k == 8 || k == 16);
	case MMA_BF16:
		return mma->sparse ? m == 16 && (k == 16 || k == 32) : m == 16 && (k == 8 || k == 16);
	case MMA_TF32:
		return mma->sparse ? m == 16 && (k == 8 || k == 16) : m == 16 && (k == 4 || k == 8);
	case MMA_F64:
		return !mma->sparse && m == 8 && k == 4;
	case MMA_INT:
		if (mma->sparse)
			return m == 16 && (bits == 8 ? k == 32 || k == 64 : k == 64 || k == 128);
		if (bits == 8)
			return (m == 8 && k == 16) || (m == 16 && (k == 16 || k == 32));
		return (m == 8 && k == 32) || (m == 16 && (k == 32 || k == 64));
	default:
		return !mma->sparse && ((m == 8 && k == 128) || (m == 16 && (k == 128 || k == 256)));
	}
}

static void decode_quads(struct decoder *dc, struct mma *mma)
{
	const struct stmt *stmt = dc->stmt;
	unsigned int n = 0, k;

	if (mma->kind != MMA_F16 || mma->sparse)
		dc_bad_form(dc);
	/* The layouts of A and B, in this order. */
	for (k = 0; k < stmt->num_mods; k++) {
		if (ptx_modifiers[stmt->mods[k]].category != MC_LAYOUT)
			continue;
		if (n++ == 0)
			mma->a_col = stmt->mods[k] == M_LAYOUT_COL;
		else
			mma->b_row = stmt->mods[k] == M_LAYOUT_ROW;
	}
	mma->quads = true;
	mma->num[0] = mma->d_acc == ACC_F16 ? 4 : 8;
	mma->num[1] = 2;
	mma->num[2] = 2;
	mma->num[3] = mma->c_acc == ACC_F16 ? 4 : 8;
	emit_mma(dc, mma);
}

void decode_mma(struct decoder *dc)
{
	struct mma mma = { 0 };
	unsigned int per;

	dc_allow(dc, CAT(SYNC) | CAT(SHAPE) | CAT(LAYOUT) | CAT(RED),
		 MFLAG(ALIGNED) | MFLAG(SATFINITE) | MFLAG(SPARSE) | MFLAG(SPARSE_ORDERED), 4, 4);
	mma.sparse = dc_flag(dc, MFLAG(SPARSE) | MFLAG(SPARSE_ORDERED));
	/* Which lane holds which metadata has not been compared with a GPU: refusing beats a wrong product. */
	if (mma.sparse)
		dc_bad_form(dc);
	dc_operands(dc, mma.sparse ? 6 : 4, mma.sparse ? 6 : 4);
	set_shape(dc, &mma);
	set_inputs(dc, &mma, dc->fm.types[1], dc->fm.types[2]);
	mma.d_acc = (uint8_t)accumulator(dc, dc->fm.types[0]);
	mma.c_acc = (uint8_t)accumulator(dc, dc->fm.types[3]);
	check_accumulators(dc, &mma);
	mma.saturate = dc_flag(dc, MFLAG(SATFINITE));
	if (mma.kind == MMA_BITS) {
		if (dc->fm.val[MC_RED] != M_RED_XOR && dc->fm.val[MC_RED] != M_RED_AND)
			dc_bad_form(dc);
		mma.use_and = dc->fm.val[MC_RED] == M_RED_AND;
	}
	if (mma.m == 8 && mma.k == 4 && mma.kind == MMA_F16) {
		decode_quads(dc, &mma);
		return;
	}
	if (!shape_allowed(&mma) || dc->fm.val[MC_LAYOUT] != M_LAYOUT_ROW)
		dc_bad_form(dc);
	if (mma.sparse) {
		if (dc_opnd(dc, 5)->kind != O_INT || dc_opnd(dc, 5)->imm < 0 || dc_opnd(dc, 5)->imm > 3)
			dc_mismatch(dc);
		mma.selector = (uint8_t)dc_opnd(dc, 5)->imm;
	}
	per = mma.kind == MMA_F64 ? 1 : 32 / mma.a_bits;
	mma.num[1] = (uint8_t)(mma.m * mma.k / (mma.sparse ? 2 : 1) / 32 / per);
	mma.num[2] = (uint8_t)(mma.n * mma.k / 32 / per);
	mma.num[0] = (uint8_t)(mma.m * mma.n / 32 / (mma.d_acc == ACC_F16 ? 2 : 1));
	mma.num[3] = (uint8_t)(mma.m * mma.n / 32 / (mma.c_acc == ACC_F16 ? 2 : 1));
	emit_mma(dc, &mma);
}

/* Registers of a wmma fragment: which is 'a', 'b' or 'c' (also d). */
static unsigned int fragment_registers(const struct mma *mma, char which, unsigned int acc)
{
	unsigned int per;

	if (which == 'c')
		return acc == ACC_F16 ? mma->m * mma->n / 64 : mma->m * mma->n / 32;
	if (mma->kind == MMA_F16)
		return 8;
	per = mma->kind == MMA_F64 ? 1 : 32 / mma->a_bits;
	return (which == 'a' ? mma->m * mma->k : mma->k * mma->n) / 32 / per;
}

static bool wmma_shape_allowed(const struct mma *mma)
{
	bool k16 = mma->k == 16 && mma->m * mma->n == 256;

	switch (mma->kind) {
	case MMA_TF32:
		return mma->m == 16 && mma->n == 16 && mma->k == 8;
	case MMA_F64:
		return mma->m == 8 && mma->n == 8 && mma->k == 4;
	case MMA_BITS:
		return mma->m == 8 && mma->n == 8 && mma->k == 128;
	case MMA_INT:
		return mma->a_bits == 8 ? k16 : mma->m == 8 && mma->n == 8 && mma->k == 32;
	default:
		return k16;
	}
}

static void wmma_mma(struct decoder *dc)
{
	const uint8_t *t = dc->fm.types;
	struct mma mma = { .opaque = true };

	dc_operands(dc, 4, 4);
	set_shape(dc, &mma);
	if (dc->fm.num_types == 2) {
		set_inputs(dc, &mma, T_F16, T_F16);
		mma.d_acc = (uint8_t)accumulator(dc, t[0]);
		mma.c_acc = (uint8_t)accumulator(dc, t[1]);
	} else if (dc->fm.num_types == 4) {
		set_inputs(dc, &mma, t[1], t[2]);
		mma.d_acc = (uint8_t)accumulator(dc, t[0]);
		mma.c_acc = (uint8_t)accumulator(dc, t[3]);
	} else {
		dc_bad_form(dc);
	}
	check_accumulators(dc, &mma);
	/* Products of f64 name their rounding; all that is done here is to nearest. */
	if (!wmma_shape_allowed(&mma) ||
	    (dc->fm.val[MC_ROUND] && (dc->fm.val[MC_ROUND] != M_ROUND_RN || mma.kind != MMA_F64)))
		dc_bad_form(dc);
	mma.saturate = dc_flag(dc, MFLAG(SATFINITE)) && mma.kind == MMA_INT;
	mma.use_and = dc->fm.val[MC_RED] == M_RED_AND;
	mma.num[0] = (uint8_t)fragment_registers(&mma, 'c', mma.d_acc);
	mma.num[1] = (uint8_t)fragment_registers(&mma, 'a', 0);
	mma.num[2] = (uint8_t)fragment_registers(&mma, 'b', 0);
	mma.num[3] = (uint8_t)fragment_registers(&mma, 'c', mma.c_acc);
	emit_mma(dc, &mma);
}

static void wmma_access(struct decoder *dc, bool store)
{
	const struct opnd *regs = dc_opnd(dc, store ? 1 : 0), *at = dc_opnd(dc, store ? 0 : 1);
	unsigned int type = dc_type(dc), frag = dc->fm.val[MC_FRAG], k;
	struct fragment_access *f = build_keep(dc->b, sizeof(*f));
	struct mma mma = { .opaque = true };
	val_t vals[8], base, stride = VAL_NONE;
	struct addr addr;
	char which;

	dc_operands(dc, 2, 3);
	if (dc->fm.num_types != 1 || dc->fm.val[MC_ROUND] || frag != (store ? M_FRAG_D : frag) || (!store && frag == M_FRAG_D) || !frag)
		dc_bad_form(dc);
	set_shape(dc, &mma);
	which = frag == M_FRAG_A ? 'a' : frag == M_FRAG_B ? 'b' : 'c';
	if (which == 'c') {
		mma.d_acc = (uint8_t)accumulator(dc, type);
		f->rows = mma.m;
		f->cols = mma.n;
		f->num = (uint8_t)fragment_registers(&mma, 'c', mma.d_acc);
	} else {
		set_inputs(dc, &mma, type, type);
		if (!wmma_shape_allowed(&mma))
			dc_bad_form(dc);
		f->rows = which == 'a' ? mma.m : mma.k;
		f->cols = which == 'a' ? mma.k : mma.n;
		f->num = (uint8_t)fragment_registers(&mma, which, 0);
	}
	if (f->num > 8 || (mma.m * mma.n != 256 && mma.m * mma.n != 64))
		dc_bad_form(dc);
	f->bits = (uint8_t)type_bits(type);
	f->by_columns = dc->fm.val[MC_LAYOUT] == M_LAYOUT_COL;
	f->has_stride = dc->stmt->num_opnds == 3;
	addr = dc_address(dc, at, dc->fm.val[MC_SPACE]);
	base = dc_generic(dc, &addr);
	if (addr.offset) {
		val_t sum = dc_temp(dc, FILE_D);

		dc_op(dc, XO_add_d, sum, base, dc_const(dc, FILE_D, addr.offset), VAL_NONE);
		base = sum;
	}
	if (f->has_stride)
		stride = dc_src(dc, dc_opnd(dc, 2), T_U32);
	fragment_values(dc, regs, f->num, type == T_F64 ? T_F64 : which == 'c' && type == T_F32 ? T_F32 : T_B32, vals, !store);
	dc_emit(dc, store ? XO_wmma_store : XO_wmma_load);
	dc->insns[dc->num_insns - 1].ptr = f;
	dc_use(dc, 1, base);
	if (stride != VAL_NONE)
		dc_use(dc, 2, stride);
	for (k = 0; k < f->num; k++)
		dc_ext(dc, vals[k], !store);
}

void decode_wmma(struct decoder *dc)
{
	dc_allow(dc, CAT(WMMA) | CAT(FRAG) | CAT(SYNC) | CAT(SHAPE) | CAT(LAYOUT) | CAT(SPACE) | CAT(RED) | CAT(ROUND),
		 MFLAG(ALIGNED) | MFLAG(SATFINITE), 1, 4);
	switch (dc->fm.val[MC_WMMA]) {
	case M_WMMA_LOAD:
		wmma_access(dc, false);
		return;
	case M_WMMA_STORE:
		wmma_access(dc, true);
		return;
	case M_WMMA_MMA:
		wmma_mma(dc);
		return;
	}
	dc_bad_form(dc);
}

void decode_ldmatrix(struct decoder *dc)
{
	unsigned int n, k;
	struct addr addr;
	struct insn *insn;
	val_t vals[4], base;

	dc_allow(dc, CAT(SYNC) | CAT(SHAPE) | CAT(COUNT) | CAT(SPACE), MFLAG(ALIGNED) | MFLAG(TRANS), 1, 1);
	dc_operands(dc, 2, 2);
	if (dc_type(dc) != T_B16 || dc->fm.val[MC_SHAPE] != M_SHAPE_M8N8 || !dc->fm.val[MC_COUNT])
		dc_bad_form(dc);
	n = dc->fm.val[MC_COUNT] == M_COUNT_X1 ? 1 : dc->fm.val[MC_COUNT] == M_COUNT_X2 ? 2 : 4;
	addr = dc_address(dc, dc_opnd(dc, 1), dc->fm.val[MC_SPACE]);
	base = dc_generic(dc, &addr);
	fragment_values(dc, dc_opnd(dc, 0), n, T_B32, vals, true);
	insn = dc_emit(dc, XO_ldmatrix);
	insn->imm = addr.offset;
	insn->x = n;
	insn->aux = dc_flag(dc, MFLAG(TRANS));
	dc_use(dc, 1, base);
	for (k = 0; k < n; k++)
		dc_ext(dc, vals[k], true);
}

void decode_movmatrix(struct decoder *dc)
{
	val_t a, d;

	dc_allow(dc, CAT(SYNC) | CAT(SHAPE), MFLAG(ALIGNED) | MFLAG(TRANS), 1, 1);
	dc_operands(dc, 2, 2);
	if (dc_type(dc) != T_B16 || dc->fm.val[MC_SHAPE] != M_SHAPE_M8N8 || !dc_flag(dc, MFLAG(TRANS)))
		dc_bad_form(dc);
	a = dc_src(dc, dc_opnd(dc, 1), T_B32);
	d = dc_dst(dc, dc_opnd(dc, 0), T_B32);
	dc_op(dc, XO_movmatrix, d, a, VAL_NONE, VAL_NONE);
}
