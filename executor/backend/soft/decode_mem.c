// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Moves, loads, stores and addresses. */
#include "decode.h"

#define MAX_VEC	8

static void pack(struct decoder *dc, const struct opnd *d, const struct opnd *vec, unsigned int type)
{
	unsigned int bits, n = vec->num, part, k;
	val_t v[4], dst, lo, hi;

	if (n != 2 && n != 4)
		dc_mismatch(dc);
	bits = type_bits(type) / n;
	part = bits == 8 ? T_B8 : bits == 16 ? T_B16 : bits == 32 ? T_B32 : bits == 64 ? T_B64 : T_NONE;
	if (!part)
		dc_mismatch(dc);
	for (k = 0; k < n; k++)
		v[k] = bits == 8 ? dc_src_wide(dc, &vec->elems[k], part) : dc_src(dc, &vec->elems[k], part);
	if (type == T_B128) {
		dst = dc_dst(dc, d, T_B128);
		hi = dc_high(dc, dst);
		lo = dc_unary(dc, XO_mov_d, FILE_D, v[0]);
		dc_op(dc, XO_mov_d, hi, v[1], VAL_NONE, VAL_NONE);
		dc_op(dc, XO_mov_d, dst, lo, VAL_NONE, VAL_NONE);
		return;
	}
	dst = dc_dst(dc, d, type);
	if (bits == 8) {
		lo = dc_unary(dc, XO_cvt_u8_u8, FILE_W, v[n - 1]);
		for (k = n - 1; k-- > 0;) {
			hi = dc_temp(dc, FILE_W);
			dc_op(dc, XO_insert_b8, k ? hi : dst, lo, v[k], VAL_NONE);
			lo = hi;
		}
	} else if (n == 2) {
		dc_op(dc, bits == 16 ? XO_pack_w : XO_pack_d, dst, v[0], v[1], VAL_NONE);
	} else if (bits == 16) {
		lo = dc_temp(dc, FILE_W);
		hi = dc_temp(dc, FILE_W);
		dc_op(dc, XO_pack_w, lo, v[0], v[1], VAL_NONE);
		dc_op(dc, XO_pack_w, hi, v[2], v[3], VAL_NONE);
		dc_op(dc, XO_pack_d, dst, lo, hi, VAL_NONE);
	} else {
		dc_mismatch(dc);
	}
}

static void unpack(struct decoder *dc, const struct opnd *vec, const struct opnd *a, unsigned int type)
{
	unsigned int bits, n = vec->num, part, k, reg_type;
	val_t src, s, half[2], d;

	if (n != 2 && n != 4)
		dc_mismatch(dc);
	bits = type_bits(type) / n;
	part = bits == 8 ? T_B8 : bits == 16 ? T_B16 : bits == 32 ? T_B32 : bits == 64 ? T_B64 : T_NONE;
	if (!part)
		dc_mismatch(dc);
	src = dc_src(dc, a, type);
	if (type == T_B128) {
		s = dc_unary(dc, XO_mov_d, FILE_D, dc_high(dc, src));
		dc_op(dc, XO_mov_d, dc_dst(dc, &vec->elems[0], T_B64), src, VAL_NONE, VAL_NONE);
		dc_op(dc, XO_mov_d, dc_dst(dc, &vec->elems[1], T_B64), s, VAL_NONE, VAL_NONE);
		return;
	}
	/* The source may be among the destinations, so a copy of it is taken. */
	s = src;
	if (type_bits(type) <= 32 && !(src & VAL_CONST))
		s = dc_unary(dc, XO_mov_w, FILE_W, src);
	if (bits == 8) {
		if (type_bits(type) == 64)
			dc_mismatch(dc);
		for (k = 0; k < n; k++) {
			d = dc_dst_wide(dc, &vec->elems[k], T_B8, &reg_type);
			if (file_of(reg_type) != FILE_W)
				dc_mismatch(dc);
			dc_op(dc, XO_byte_w, d, s, VAL_NONE, VAL_NONE)->imm = 8 * k;
		}
	} else if (n == 2) {
		dc_op(dc, bits == 16 ? XO_low_b16 : XO_low_b32, dc_dst(dc, &vec->elems[0], part), s, VAL_NONE, VAL_NONE);
		dc_op(dc, bits == 16 ? XO_high_b16 : XO_high_b32, dc_dst(dc, &vec->elems[1], part), s, VAL_NONE,
		      VAL_NONE);
	} else if (bits == 16) {
		half[0] = dc_unary(dc, XO_low_b32, FILE_W, s);
		half[1] = dc_unary(dc, XO_high_b32, FILE_W, s);
		for (k = 0; k < 4; k++)
			dc_op(dc, k & 1 ? XO_high_b16 : XO_low_b16, dc_dst(dc, &vec->elems[k], part), half[k / 2],
			      VAL_NONE, VAL_NONE);
	} else {
		dc_mismatch(dc);
	}
}

/* mov.v2, mov.v4: element by element, all read before any is written. */
static void move_vector(struct decoder *dc, const struct opnd *d, const struct opnd *a, unsigned int type)
{
	unsigned int n = dc->fm.val[MC_VEC] == M_VEC_V2 ? 2 : 4, op = file_of(type) == FILE_D ? XO_mov_d : XO_mov_w, k;
	val_t copy[4];

	if (dc->fm.val[MC_VEC] == M_VEC_V8 || type == T_PRED || type_bits(type) > 64 || d->kind != O_VEC ||
	    a->kind != O_VEC || d->num != n || a->num != n)
		dc_mismatch(dc);
	for (k = 0; k < n; k++)
		copy[k] = dc_unary(dc, op, file_of(type), dc_src(dc, &a->elems[k], type));
	for (k = 0; k < n; k++)
		dc_op(dc, op, dc_dst(dc, &d->elems[k], type), copy[k], VAL_NONE, VAL_NONE);
}

void decode_mov(struct decoder *dc)
{
	static const uint16_t ops[NUM_FILES] = { XO_mov_w, XO_mov_d, XO_mov_p };
	unsigned int type = dc_type(dc);
	const struct opnd *d = dc_opnd(dc, 0), *a = dc_opnd(dc, 1);
	val_t v, dst;

	dc_allow(dc, CAT(VEC), 0, 1, 1);
	dc_operands(dc, 2, 2);
	if (dc->fm.val[MC_VEC]) {
		move_vector(dc, d, a, type);
		return;
	}
	if (type_bits(type) < 16 && type != T_PRED && a->kind != O_VEC)
		dc_bad_form(dc);
	if (a->kind == O_VEC) {
		pack(dc, d, a, type);
		return;
	}
	if (d->kind == O_VEC) {
		unpack(dc, d, a, type);
		return;
	}
	if (a->kind == O_SYM && dc_resolve(a->sym)->kind == SY_VAR && dc_resolve(a->sym)->var->space == SP_PARAM &&
	    type_bits(type) != 64 && type_bits(type) != 32)
		dc_mismatch(dc);
	v = dc_src(dc, a, type);
	dst = dc_dst(dc, d, type);
	if (type == T_B128) {
		dc_op(dc, XO_mov_d, dc_high(dc, dst), dc_high(dc, v), VAL_NONE, VAL_NONE);
		dc_op(dc, XO_mov_d, dst, v, VAL_NONE, VAL_NONE);
		return;
	}
	dc_op(dc, ops[file_of(type)], dst, v, VAL_NONE, VAL_NONE);
}

/* Place of a load among those of its space; file is the register's. */
static unsigned int load_kind(struct decoder *dc, unsigned int type, unsigned int file)
{
	bool is_signed = type_is_signed(type);

	switch (type_bits(type)) {
	case 8:
		return (file == FILE_W ? 0 : 5) + is_signed;
	case 16:
		return (file == FILE_W ? 2 : 7) + is_signed;
	case 32:
		return file == FILE_W ? 4 : 9 + is_signed;
	case 64:
		return 11;
	}
	dc_bad_form(dc);
}

static unsigned int store_kind(struct decoder *dc, unsigned int type, unsigned int file)
{
	switch (type_bits(type)) {
	case 8:
		return file == FILE_W ? 0 : 3;
	case 16:
		return file == FILE_W ? 1 : 4;
	case 32:
		return file == FILE_W ? 2 : 5;
	case 64:
		return 6;
	}
	dc_bad_form(dc);
}

#define LOADS_PER_SPACE		24
#define STORES_PER_SPACE	14

/* Place of a space among those of loads and stores. */
static unsigned int space_index(struct decoder *dc, const struct addr *addr)
{
	bool wide = addr->base != VAL_NONE && dc_file(dc, addr->base) == FILE_D;

	if (addr->frame)
		return 5;
	switch (addr->space) {
	case SP_SHARED:
		return wide ? 2 : 1;
	case SP_LOCAL:
		return wide ? 4 : 3;
	}
	return 0;
}

static unsigned int vec_size(struct decoder *dc)
{
	switch (dc->fm.val[MC_VEC]) {
	case M_VEC_V2:
		return 2;
	case M_VEC_V4:
		return 4;
	case M_VEC_V8:
		return 8;
	}
	return 1;
}

/* Elements of a vector operand, or the operand itself. A 128-bit register counts as two of 64 bits. */
static unsigned int elements(struct decoder *dc, const struct opnd *o, unsigned int *type, const struct opnd **elems)
{
	unsigned int n = vec_size(dc);

	if (n > 1) {
		if (o->kind != O_VEC || o->num != n)
			dc_mismatch(dc);
		*elems = o->elems;
	} else {
		if (o->kind == O_VEC) {
			if (o->num != 1)
				dc_mismatch(dc);
			o = o->elems;
		}
		*elems = o;
	}
	if (*type == T_PRED || ptx_types[*type].kind == TK_OPAQUE || type_bits(*type) < 8 || type_bits(*type) * n > 256)
		dc_bad_form(dc);
	return n;
}

static void check_memory_form(struct decoder *dc, uint64_t flags)
{
	dc_allow(dc, CAT(SPACE) | CAT(SEM) | CAT(SCOPE) | CAT(CACHE) | CAT(VEC), flags | MFLAG(CACHE_HINT), 1, 1);
}

static void load_kernel_param(struct decoder *dc, const struct addr *addr, const val_t *dst, unsigned int n,
			      unsigned int type)
{
	static const uint16_t kinds[] = {
		XO_ldp_u8_w, XO_ldp_s8_w, XO_ldp_u16_w, XO_ldp_s16_w, XO_ldp_b32_w, XO_ldp_u8_d, XO_ldp_s8_d,
		XO_ldp_u16_d, XO_ldp_s16_d, XO_ldp_u32_d, XO_ldp_s32_d, XO_ldp_b64_d,
	};
	unsigned int bytes = type_bytes(type), k;

	if (addr->offset + (uint64_t)bytes * n > dc->func->param_size || addr->offset > dc->func->param_size)
		dc_error(dc, "Address beyond the parameters of the kernel: offset %llu of %u bytes",
			 (unsigned long long)addr->offset, dc->func->param_size);
	for (k = 0; k < n; k++) {
		dc_emit(dc, kinds[load_kind(dc, type, dc_file(dc, dst[k]))])->imm = addr->offset + k * bytes;
		dc_def(dc, 0, dst[k]);
	}
}

void decode_ld(struct decoder *dc)
{
	unsigned int type = dc_type(dc), n, k, op, reg_type, file, align;
	const struct opnd *elems;
	struct addr addr;
	struct insn *insn;
	val_t dst[MAX_VEC];

	check_memory_form(dc, MFLAG(NC) | MFLAG(MMIO) | MFLAG(UNIFIED));
	dc_operands(dc, 2, dc_flag(dc, MFLAG(CACHE_HINT)) ? 3 : 2);
	n = elements(dc, dc_opnd(dc, 0), &type, &elems);
	align = type_bytes(type) * n;
	if (type == T_B128) {
		if (n != 1)
			dc_bad_form(dc);
		dst[0] = dc_dst(dc, elems, T_B128);
		dst[1] = dc_high(dc, dst[0]);
		n = 2;
		type = T_B64;
	} else {
		for (k = 0; k < n; k++)
			dst[k] = dc_dst_wide(dc, &elems[k], type, &reg_type);
	}
	addr = dc_address(dc, dc_opnd(dc, 1), dc->fm.val[MC_SPACE]);
	if (addr.kernel_param) {
		load_kernel_param(dc, &addr, dst, n, type);
		return;
	}
	file = dc_file(dc, dst[0]);
	for (k = 1; k < n; k++)
		if (dc_file(dc, dst[k]) != file)
			dc_mismatch(dc);
	op = XO_ld_global_u8_w + space_index(dc, &addr) * LOADS_PER_SPACE + load_kind(dc, type, file) * 2 + (n > 1);
	insn = dc_emit(dc, op);
	insn->imm = addr.offset;
	insn->x = n;
	insn->y = align;
	if (addr.base != VAL_NONE)
		dc_use(dc, 1, addr.base);
	if (n == 1)
		dc_def(dc, 0, dst[0]);
	for (k = 0; n > 1 && k < n; k++)
		dc_ext(dc, dst[k], true);
}

void decode_st(struct decoder *dc)
{
	unsigned int type = dc_type(dc), n, k, op, file, align;
	const struct opnd *elems;
	struct addr addr;
	struct insn *insn;
	val_t src[MAX_VEC] = { 0 };

	check_memory_form(dc, MFLAG(MMIO));
	dc_operands(dc, 2, dc_flag(dc, MFLAG(CACHE_HINT)) ? 3 : 2);
	if (dc->fm.val[MC_SPACE] == M_SPACE_CONST)
		dc_bad_form(dc);
	addr = dc_address(dc, dc_opnd(dc, 0), dc->fm.val[MC_SPACE]);
	if (addr.kernel_param)
		dc_error(dc, "Parameters of a kernel cannot be written");
	n = elements(dc, dc_opnd(dc, 1), &type, &elems);
	align = type_bytes(type) * n;
	if (type == T_B128) {
		if (n != 1)
			dc_bad_form(dc);
		src[0] = dc_src(dc, elems, T_B128);
		src[1] = dc_high(dc, src[0]);
		n = 2;
		type = T_B64;
	} else {
		for (k = 0; k < n; k++)
			src[k] = dc_src_wide(dc, &elems[k], type);
	}
	file = dc_file(dc, src[0]);
	for (k = 0; k < n; k++) {
		if (dc_file(dc, src[k]) == file)
			continue;
		/* Registers of several widths in one vector. */
		for (k = 0; k < n; k++)
			src[k] = dc_to_d(dc, src[k]);
		file = FILE_D;
	}
	op = XO_st_global_b8_w + space_index(dc, &addr) * STORES_PER_SPACE + store_kind(dc, type, file) * 2 + (n > 1);
	insn = dc_emit(dc, op);
	insn->imm = addr.offset;
	insn->x = n;
	insn->y = align;
	if (addr.base != VAL_NONE)
		dc_use(dc, 1, addr.base);
	if (n == 1)
		dc_use(dc, 0, src[0]);
	for (k = 0; n > 1 && k < n; k++)
		dc_ext(dc, src[k], false);
}

val_t dc_generic(struct decoder *dc, struct addr *addr)
{
	val_t t;

	if (addr->kernel_param) {
		t = dc_temp(dc, FILE_D);
		dc_emit(dc, XO_addr_param)->imm = addr->offset;
		dc_def(dc, 0, t);
		addr->offset = 0;
		return t;
	}
	if (addr->frame) {
		t = dc_temp(dc, FILE_D);
		dc_emit(dc, XO_addr_frame_d)->imm = addr->offset;
		dc_def(dc, 0, t);
		addr->offset = 0;
		return dc_unary(dc, XO_cvta_local, FILE_D, t);
	}
	t = dc_to_d(dc, addr->base);
	if (addr->space == SP_SHARED)
		return dc_unary(dc, XO_cvta_shared, FILE_D, t);
	if (addr->space == SP_LOCAL)
		return dc_unary(dc, XO_cvta_local, FILE_D, t);
	return t;
}

unsigned int dc_atomic_space(struct decoder *dc, struct addr *addr)
{
	if (addr->space == SP_SHARED && !addr->frame)
		return dc_file(dc, addr->base) == FILE_D ? 2 : 1;
	addr->base = dc_generic(dc, addr);
	return 0;
}

void decode_cvta(struct decoder *dc)
{
	unsigned int op = XO_mov_d;
	bool to = dc_flag(dc, MFLAG(TO));
	val_t a, d;

	dc_allow(dc, CAT(SPACE), MFLAG(TO), 1, 1);
	dc_operands(dc, 2, 2);
	if (dc_type(dc) != T_U64 || !dc->fm.val[MC_SPACE])
		dc_bad_form(dc);
	switch (dc_space(dc, dc->fm.val[MC_SPACE])) {
	case SP_SHARED:
		op = to ? XO_cvta_to_shared : XO_cvta_shared;
		break;
	case SP_LOCAL:
		op = to ? XO_cvta_to_local : XO_cvta_local;
		break;
	}
	a = dc_src(dc, dc_opnd(dc, 1), T_U64);
	d = dc_dst(dc, dc_opnd(dc, 0), T_U64);
	dc_op(dc, op, d, a, VAL_NONE, VAL_NONE);
}

void decode_isspacep(struct decoder *dc)
{
	unsigned int aux;
	val_t a, d;

	dc_allow(dc, CAT(SPACE), 0, 0, 0);
	dc_operands(dc, 2, 2);
	switch (dc_space(dc, dc->fm.val[MC_SPACE])) {
	case SP_GLOBAL:
		aux = 0;
		break;
	case SP_SHARED:
		aux = 1;
		break;
	case SP_LOCAL:
		aux = 2;
		break;
	case SP_PARAM:
		aux = 3;
		break;
	case SP_CONST:
		aux = 4;
		break;
	default:
		dc_bad_form(dc);
	}
	a = dc_src(dc, dc_opnd(dc, 1), T_U64);
	d = dc_dst(dc, dc_opnd(dc, 0), T_PRED);
	dc_op(dc, XO_isspacep, d, a, VAL_NONE, VAL_NONE)->aux = aux;
}

/* Advice about caches; none of it changes a result. */
void decode_hint(struct decoder *dc)
{
	if (dc->stmt->op == PO_CREATEPOLICY) {
		dc_operands(dc, 2, 6);
		dc_op(dc, XO_mov_d, dc_dst(dc, dc_opnd(dc, 0), T_B64), dc_const(dc, FILE_D, 0), VAL_NONE, VAL_NONE);
		return;
	}
	if (dc->stmt->op == PO_BRKPT || dc->stmt->op == PO_PMEVENT)
		dc_operands(dc, 0, 1);
	else
		dc_operands(dc, 1, 2);
}

void decode_fence(struct decoder *dc)
{
	dc_allow(dc, CAT(SEM) | CAT(SCOPE) | CAT(SPACE) | CAT(ASYNC) | CAT(SYNC),
		 MFLAG(PROXY) | MFLAG(ALIAS) | MFLAG(TENSORMAP) | MFLAG(P_ASYNC) | MFLAG(MBARRIER_INIT) |
		 MFLAG(SYNC_RESTRICT), 0, 0);
	dc_operands(dc, 0, 2);
	dc_emit(dc, XO_fence);
}

void decode_alloca(struct decoder *dc)
{
	uint64_t align = 16;
	struct insn *insn;
	val_t a, d;

	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 2, 3);
	if (dc->stmt->num_opnds == 3) {
		if (dc_opnd(dc, 2)->kind != O_INT || dc_opnd(dc, 2)->imm <= 0 || dc_opnd(dc, 2)->imm > 4096 ||
		    dc_opnd(dc, 2)->imm & (dc_opnd(dc, 2)->imm - 1))
			dc_mismatch(dc);
		align = (uint64_t)dc_opnd(dc, 2)->imm;
	}
	a = dc_to_d(dc, dc_src(dc, dc_opnd(dc, 1), dc_type(dc)));
	d = dc_dst(dc, dc_opnd(dc, 0), dc_type(dc));
	if (dc_file(dc, d) != FILE_D)
		dc_bad_form(dc);
	insn = dc_op(dc, XO_alloca, d, a, VAL_NONE, VAL_NONE);
	insn->imm = align < 8 ? 8 : align;
	insn->x = (dc->func->local_size + 15) / 16;
}

void decode_stack(struct decoder *dc)
{
	bool save = dc->stmt->op == PO_STACKSAVE;

	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 1, 1);
	if (type_bits(dc_type(dc)) != 64)
		dc_bad_form(dc);
	if (save) {
		val_t d = dc_dst(dc, dc_opnd(dc, 0), dc_type(dc));

		dc_emit(dc, XO_stacksave);
		dc_def(dc, 0, d);
	} else {
		val_t a = dc_src(dc, dc_opnd(dc, 0), dc_type(dc));

		dc_emit(dc, XO_stackrestore);
		dc_use(dc, 1, a);
	}
}
