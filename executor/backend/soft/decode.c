// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* The decoder's frame: statements, operands, values. See decode.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "decode.h"
#include "float.h"
#include "hash.h"
#include "sreg.h"
#include "symtab.h"

#define MAX_INSNS	(1u << 24)

const decode_fn decode_table[PO_COUNT] = {
	[PO_ABS] = decode_negabs, [PO_ACTIVEMASK] = decode_activemask, [PO_ADD] = decode_add, [PO_ADDC] = decode_addc,
	[PO_ALLOCA] = decode_alloca, [PO_AND] = decode_logic, [PO_APPLYPRIORITY] = decode_hint, [PO_ATOM] = decode_atom,
	[PO_BAR] = decode_bar, [PO_BARRIER] = decode_bar, [PO_BFE] = decode_bfe, [PO_BFI] = decode_bfi,
	[PO_BFIND] = decode_bfind, [PO_BMSK] = decode_bmsk, [PO_BRA] = decode_bra, [PO_BREV] = decode_bits1,
	[PO_BRKPT] = decode_hint, [PO_BRX] = decode_brx, [PO_CALL] = decode_call, [PO_CLZ] = decode_clz,
	[PO_CNOT] = decode_bits1, [PO_COPYSIGN] = decode_copysign, [PO_COS] = decode_unary, [PO_CP] = decode_cp,
	[PO_CREATEPOLICY] = decode_hint, [PO_CVT] = decode_cvt, [PO_CVTA] = decode_cvta, [PO_DISCARD] = decode_hint,
	[PO_DIV] = decode_div, [PO_DP2A] = decode_dp2a, [PO_DP4A] = decode_dp4a, [PO_ELECT] = decode_elect,
	[PO_EX2] = decode_unary, [PO_EXIT] = decode_exit, [PO_FENCE] = decode_fence, [PO_FMA] = decode_fma,
	[PO_FNS] = decode_fns, [PO_ISSPACEP] = decode_isspacep, [PO_LD] = decode_ld, [PO_LDMATRIX] = decode_ldmatrix,
	[PO_LDU] = decode_ld, [PO_LG2] = decode_unary, [PO_LOP3] = decode_lop3, [PO_MAD] = decode_mad,
	[PO_MAD24] = decode_mad24, [PO_MADC] = decode_mad, [PO_MATCH] = decode_match, [PO_MAX] = decode_minmax,
	[PO_MBARRIER] = decode_mbarrier, [PO_MEMBAR] = decode_fence, [PO_MIN] = decode_minmax, [PO_MMA] = decode_mma,
	[PO_MOV] = decode_mov, [PO_MOVMATRIX] = decode_movmatrix, [PO_MUL] = decode_mul, [PO_MUL24] = decode_mul24,
	[PO_NANOSLEEP] = decode_nanosleep, [PO_NEG] = decode_negabs, [PO_NOT] = decode_bits1, [PO_OR] = decode_logic,
	[PO_PMEVENT] = decode_hint, [PO_POPC] = decode_clz, [PO_PREFETCH] = decode_hint, [PO_PREFETCHU] = decode_hint,
	[PO_PRMT] = decode_prmt, [PO_RCP] = decode_unary, [PO_RED] = decode_atom, [PO_REDUX] = decode_redux,
	[PO_REM] = decode_rem, [PO_RET] = decode_ret, [PO_RSQRT] = decode_unary, [PO_SAD] = decode_sad,
	[PO_SELP] = decode_selp, [PO_SET] = decode_set, [PO_SETP] = decode_setp, [PO_SHF] = decode_shf,
	[PO_SHFL] = decode_shfl, [PO_SHL] = decode_shift, [PO_SHR] = decode_shift, [PO_SIN] = decode_unary,
	[PO_SLCT] = decode_slct, [PO_SQRT] = decode_unary, [PO_ST] = decode_st, [PO_STACKRESTORE] = decode_stack,
	[PO_STACKSAVE] = decode_stack, [PO_SUB] = decode_add, [PO_SUBC] = decode_addc, [PO_SZEXT] = decode_szext,
	[PO_TANH] = decode_unary, [PO_TESTP] = decode_testp, [PO_TEX] = decode_tex, [PO_TRAP] = decode_trap,
	[PO_TXQ] = decode_txq, [PO_VABSDIFF] = decode_video,
	[PO_VADD] = decode_video,
	[PO_VMAD] = decode_video, [PO_VMAX] = decode_video,
	[PO_VMIN] = decode_video,
	[PO_VABSDIFF2] = decode_video, [PO_VABSDIFF4] = decode_video,
	[PO_VADD2] = decode_video, [PO_VADD4] = decode_video,
	[PO_VAVRG2] = decode_video, [PO_VAVRG4] = decode_video,
	[PO_VMAX2] = decode_video, [PO_VMAX4] = decode_video,
	[PO_VMIN2] = decode_video, [PO_VMIN4] = decode_video,
	[PO_VSET2] = decode_video, [PO_VSET4] = decode_video,
	[PO_VSUB2] = decode_video, [PO_VSUB4] = decode_video,
	[PO_VOTE] = decode_vote, [PO_VSET] = decode_video,
	[PO_VSHL] = decode_video,
	[PO_VSHR] = decode_video, [PO_VSUB] = decode_video,
	[PO_WMMA] = decode_wmma, [PO_XOR] = decode_logic,
};

void dc_error(struct decoder *dc, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	dc->b->input = dc->func->unit->name;
	build_error(dc->b, dc->stmt ? dc->stmt->line : dc->func->line, "%s", text);
}

void dc_mismatch(struct decoder *dc)
{
	dc_error(dc, "Arguments mismatch for instruction '%s'", ptx_opcode_name(dc->stmt->op));
}

/* The instruction's full name, for messages. */
static const char *full_name(struct decoder *dc, char *buf, size_t size)
{
	const struct stmt *stmt = dc->stmt;
	size_t n = (size_t)snprintf(buf, size, "%s", ptx_opcode_name(stmt->op));
	unsigned int i;

	for (i = 0; i < stmt->num_mods && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, ".%s", ptx_modifiers[stmt->mods[i]].name);
	return buf;
}

void dc_bad_form(struct decoder *dc)
{
	char name[200];

	dc_error(dc, "Instruction '%s' with these modifiers is not supported", full_name(dc, name, sizeof(name)));
}

void dc_allow(struct decoder *dc, uint32_t categories, uint64_t flags, unsigned int min_types,
	      unsigned int max_types)
{
	const struct form *fm = &dc->fm;
	unsigned int i, c;

	if (fm->num_types < min_types || fm->num_types > max_types)
		dc_error(dc, "Unexpected number of types for instruction '%s'", ptx_opcode_name(dc->stmt->op));
	for (i = 0; i < dc->stmt->num_mods; i++) {
		unsigned int mod = dc->stmt->mods[i];

		c = ptx_modifiers[mod].category;
		if (c == MC_TYPE)
			continue;
		if (c == MC_FLAG ? !(flags >> (mod - M_FLAG_SAT) & 1) : !(categories >> c & 1))
			dc_error(dc, "Illegal modifier '.%s' for instruction '%s'", ptx_modifiers[mod].name,
				 ptx_opcode_name(dc->stmt->op));
	}
}

void dc_operands(struct decoder *dc, unsigned int min, unsigned int max)
{
	if (dc->stmt->num_opnds < min || dc->stmt->num_opnds > max)
		dc_mismatch(dc);
}

bool dc_has(const struct decoder *dc, unsigned int mod)
{
	return memchr(dc->stmt->mods, (int)mod, dc->stmt->num_mods);
}

static void parse_form(struct decoder *dc)
{
	const struct stmt *stmt = dc->stmt;
	struct form *fm = &dc->fm;
	unsigned int i, mod, c;

	memset(fm, 0, sizeof(*fm));
	for (i = 0; i < stmt->num_mods; i++) {
		mod = stmt->mods[i];
		c = ptx_modifiers[mod].category;
		if (c == MC_TYPE) {
			if (fm->num_types == sizeof(fm->types))
				dc_bad_form(dc);
			fm->types[fm->num_types++] = mod;
		} else if (c == MC_FLAG) {
			fm->flags |= 1ull << (mod - M_FLAG_SAT);
		} else if (fm->val[c] && c != MC_CACHE && c != MC_LAYOUT && c != MC_SPACE && c != MC_SYNC &&
			   c != MC_RED && c != MC_COUNT && c != MC_SCOPE && c != MC_ASYNC && c != MC_MBAR) {
			dc_error(dc, "Conflicting modifiers '.%s' and '.%s' for instruction '%s'",
				 ptx_modifiers[fm->val[c]].name, ptx_modifiers[mod].name, ptx_opcode_name(stmt->op));
		} else if (!fm->val[c]) {
			fm->val[c] = mod;
		}
	}
}

val_t dc_temp(struct decoder *dc, unsigned int file)
{
	dc->files = build_grow(dc->b, dc->files, &dc->cap_vals, dc->num_vals + 1, 1);
	dc->files[dc->num_vals] = file;
	return dc->num_vals++;
}

static void const_rehash(struct decoder *dc)
{
	uint32_t cap = dc->cap_const_hash ? dc->cap_const_hash * 4 : 64, i, h;

	dc->const_hash = build_alloc(dc->b, cap * sizeof(*dc->const_hash));
	dc->cap_const_hash = cap;
	for (i = 0; i < dc->num_consts; i++) {
		h = hash_bytes(&dc->consts[i], 8) + dc->const_files[i];
		while (dc->const_hash[h % cap])
			h++;
		dc->const_hash[h % cap] = i + 1;
	}
}

val_t dc_const(struct decoder *dc, unsigned int file, uint64_t bits)
{
	uint32_t h, k;

	if (file == FILE_W)
		bits = (uint32_t)bits;
	else if (file == FILE_P)
		bits = bits ? FULL_MASK : 0;
	if (dc->num_consts * 2 >= dc->cap_const_hash)
		const_rehash(dc);
	for (h = hash_bytes(&bits, 8) + file; (k = dc->const_hash[h % dc->cap_const_hash]); h++)
		if (dc->consts[k - 1] == bits && dc->const_files[k - 1] == file)
			return VAL_CONST | (k - 1);
	dc->consts = build_grow(dc->b, dc->consts, &dc->cap_consts, dc->num_consts + 1, sizeof(*dc->consts));
	dc->const_files = build_grow(dc->b, dc->const_files, &dc->cap_const_files, dc->num_consts + 1, 1);
	dc->consts[dc->num_consts] = bits;
	dc->const_files[dc->num_consts] = file;
	dc->const_hash[h % dc->cap_const_hash] = dc->num_consts + 1;
	return VAL_CONST | dc->num_consts++;
}

unsigned int dc_file(const struct decoder *dc, val_t val)
{
	return val & VAL_CONST ? dc->const_files[val & ~VAL_CONST] : dc->files[val];
}

val_t dc_high(struct decoder *dc, val_t val)
{
	if (val & VAL_CONST || val >= dc->func->num_vregs || dc->func->vregs[val] != T_B128)
		dc_mismatch(dc);
	if (!dc->wide)
		dc->wide = build_alloc(dc->b, dc->func->num_vregs * sizeof(*dc->wide));
	if (!dc->wide[val])
		dc->wide[val] = dc_temp(dc, FILE_D);
	return dc->wide[val];
}

static void add_ref(struct decoder *dc, uint32_t insn, uint32_t slot, val_t val, bool def)
{
	struct ref *ref;

	dc->refs = build_grow(dc->b, dc->refs, &dc->cap_refs, dc->num_refs + 1, sizeof(*dc->refs));
	ref = &dc->refs[dc->num_refs++];
	ref->insn = insn;
	ref->slot = slot;
	ref->val = val;
	ref->def = def;
	/* Temporaries live inside one statement, all of which has the same guard. */
	ref->partial = def && !dc->no_guard && dc->stmt && dc->stmt->guard != STMT_NO_GUARD &&
		       (val < dc->func->num_vregs || val == dc->carry || dc->wide);
}

struct insn *dc_emit(struct decoder *dc, unsigned int op)
{
	const struct stmt *stmt = dc->stmt;
	struct insn *insn;

	if (dc->num_insns == MAX_INSNS)
		dc_error(dc, "Function too large: more than %u instructions", MAX_INSNS);
	dc->insns = build_grow(dc->b, dc->insns, &dc->cap_insns, dc->num_insns + 1, sizeof(*dc->insns));
	insn = &dc->insns[dc->num_insns];
	memset(insn, 0, sizeof(*insn));
	insn->op = op;
	insn->guard = NO_GUARD;
	insn->line = stmt ? stmt->line : dc->func->line;
	dc->num_insns++;
	if (stmt && stmt->guard != STMT_NO_GUARD && !dc->no_guard) {
		insn->guard = 0;
		insn->guard_negate = stmt->guard_negate ? FULL_MASK : 0;
		add_ref(dc, dc->num_insns - 1, REF_GUARD, stmt->guard, false);
	}
	return insn;
}

void dc_def(struct decoder *dc, unsigned int slot, val_t val)
{
	add_ref(dc, dc->num_insns - 1, slot, val, true);
}

void dc_use(struct decoder *dc, unsigned int slot, val_t val)
{
	add_ref(dc, dc->num_insns - 1, slot, val, false);
}

void dc_ext(struct decoder *dc, val_t val, bool def)
{
	struct insn *insn = &dc->insns[dc->num_insns - 1];

	dc->ext = build_grow(dc->b, dc->ext, &dc->cap_ext, dc->num_ext + 1, sizeof(*dc->ext));
	/* Until the end, ext holds 1 + the index of the first. */
	if (!insn->ext)
		insn->ext = (const uint32_t *)(uintptr_t)(dc->num_ext + 1);
	add_ref(dc, dc->num_insns - 1, REF_EXT + dc->num_ext, val, def);
	dc->num_ext++;
}

void dc_formal(struct decoder *dc, struct formal *formal, val_t val, bool def)
{
	dc->slots = build_grow(dc->b, dc->slots, &dc->cap_slots, dc->num_slots + 1, sizeof(*dc->slots));
	dc->slots[dc->num_slots] = formal;
	add_ref(dc, dc->num_insns - 1, REF_FORMAL + dc->num_slots++, val, def);
}

struct insn *dc_op(struct decoder *dc, unsigned int op, val_t d, val_t a, val_t b, val_t c)
{
	dc_emit(dc, op);
	dc_def(dc, 0, d);
	if (a != VAL_NONE)
		dc_use(dc, 1, a);
	if (b != VAL_NONE)
		dc_use(dc, 2, b);
	if (c != VAL_NONE)
		dc_use(dc, 3, c);
	return &dc->insns[dc->num_insns - 1];
}

val_t dc_unary(struct decoder *dc, unsigned int op, unsigned int file, val_t a)
{
	val_t t = dc_temp(dc, file);

	dc_op(dc, op, t, a, VAL_NONE, VAL_NONE);
	return t;
}

val_t dc_to_d(struct decoder *dc, val_t val)
{
	if (dc_file(dc, val) == FILE_D)
		return val;
	if (val & VAL_CONST)
		return dc_const(dc, FILE_D, dc->consts[val & ~VAL_CONST]);
	return dc_unary(dc, XO_cvt_u64_u32, FILE_D, val);
}

struct sym *dc_resolve(struct sym *sym)
{
	while (sym->link)
		sym = sym->link;
	return sym;
}

struct sym *dc_lookup(const struct opnd *o)
{
	uint32_t reg;

	if (o->kind == O_SYM)
		return o->sym;
	if (o->kind != O_NAME)
		return NULL;
	return scope_resolve(o->scope, o->sym->name, o->sym->len, &reg);
}

uint32_t dc_label(struct decoder *dc, const struct opnd *o)
{
	struct sym *sym = dc_lookup(o);

	if (!sym || sym->kind != SY_LABEL)
		dc_error(dc, "Label expected: '%s'", o->kind == O_NAME || o->kind == O_SYM ? o->sym->name : "operand");
	return sym->reg;
}

/* Address of a variable or function as a value of file D. */
static val_t symbol_address(struct decoder *dc, const struct opnd *o)
{
	struct sym *sym = dc_lookup(o), *def;
	val_t t;

	if (!sym || (sym->kind != SY_VAR && sym->kind != SY_FUNC))
		dc_error(dc, "Unknown symbol '%s'", o->sym->name);
	def = dc_resolve(sym);
	if (def->kind == SY_FUNC) {
		if (!def->func->code)
			dc_error(dc, "Address of function '%s' cannot be taken", def->name);
		return dc_const(dc, FILE_D, def->func->code->handle + (uint64_t)o->imm);
	}
	switch (def->var->space) {
	case SP_SHARED:
		if (def->var->unsized) {
			/* Dynamic shared memory lies behind what the kernel has statically. */
			t = dc_temp(dc, FILE_D);
			dc_emit(dc, XO_addr_dynamic)->imm = (uint64_t)o->imm;
			dc_def(dc, 0, t);
			return t;
		}
		/* fall through */
	case SP_GLOBAL:
	case SP_CONST:
		if (!def->var->placed)
			dc_error(dc, "Variable '%s' is declared but not defined", def->name);
		return dc_const(dc, FILE_D, def->var->addr + (uint64_t)o->imm);
	case SP_LOCAL:
		t = dc_temp(dc, FILE_D);
		dc_emit(dc, XO_addr_frame_d)->imm = def->var->addr + (uint64_t)o->imm;
		dc_def(dc, 0, t);
		return t;
	default:
		t = dc_temp(dc, FILE_D);
		if (def->var->kernel_param) {
			dc_emit(dc, XO_addr_param)->imm = def->var->addr + (uint64_t)o->imm;
			dc_def(dc, 0, t);
			return t;
		}
		dc_emit(dc, XO_addr_frame_d)->imm = def->var->addr + (uint64_t)o->imm;
		dc_def(dc, 0, t);
		return dc_unary(dc, XO_cvta_local, FILE_D, t);
	}
}

static val_t sreg_value(struct decoder *dc, const struct opnd *o)
{
	unsigned int bits = sreg_bits(o->reg), op = XO_sreg_w;
	struct insn *insn;
	val_t t;

	if (bits == 1)
		return dc_const(dc, FILE_P, 0);
	if (o->reg == SR_ZERO32)
		return dc_const(dc, FILE_W, 0);
	if (o->reg == SR_ZERO64)
		return dc_const(dc, FILE_D, 0);
	if (sreg_is_vector(o->reg) && o->sub == 3)
		return dc_const(dc, FILE_W, 0);
	t = dc_temp(dc, bits == 64 ? FILE_D : FILE_W);
	switch (o->reg) {
	case SR_TID:
		op = XO_sreg_tid;
		break;
	case SR_NTID:
		op = XO_sreg_ntid;
		break;
	case SR_CTAID:
		op = XO_sreg_ctaid;
		break;
	case SR_NCTAID:
		op = XO_sreg_nctaid;
		break;
	}
	insn = dc_emit(dc, bits == 64 ? XO_sreg_d : op);
	insn->x = op == XO_sreg_w || bits == 64 ? o->reg : o->sub;
	insn->aux = o->sub == 0xff ? 0 : o->sub;
	dc_def(dc, 0, t);
	return t;
}

static uint64_t float_const(struct decoder *dc, const struct opnd *o, unsigned int type)
{
	double d;

	switch (type) {
	case T_F32:
	case T_TF32:
	case T_B32:
	case T_U32:
	case T_S32:
		if (o->kind == O_F32)
			return (uint32_t)o->imm;
		return bits_f32((float)f64_of((uint64_t)o->imm));
	case T_F64:
	case T_B64:
	case T_U64:
	case T_S64:
		d = o->kind == O_F32 ? (double)f32_of((uint32_t)o->imm) : f64_of((uint64_t)o->imm);
		return bits_f64(d);
	case T_F16:
		d = o->kind == O_F32 ? (double)f32_of((uint32_t)o->imm) : f64_of((uint64_t)o->imm);
		return float_narrow(d, false, 10, 5, FR_NEAREST);
	case T_BF16:
		d = o->kind == O_F32 ? (double)f32_of((uint32_t)o->imm) : f64_of((uint64_t)o->imm);
		return float_narrow(d, false, 7, 8, FR_NEAREST);
	}
	dc_mismatch(dc);
}

/* Whether a register of one type may stand where an instruction takes another of the same width. */
static bool types_agree(unsigned int reg, unsigned int type)
{
	unsigned int a = ptx_types[reg].kind, b = ptx_types[type].kind;

	if (type_bits(reg) != type_bits(type) || a == TK_PRED || b == TK_PRED)
		return reg == type;
	if (a == TK_BITS || b == TK_BITS || reg == type)
		return true;
	if (a == TK_FLOAT || b == TK_FLOAT)
		return false;
	return true;
}

val_t dc_src(struct decoder *dc, const struct opnd *o, unsigned int type)
{
	unsigned int file = file_of(type), reg_type;
	val_t v;

	if (o->negate && (type != T_PRED || o->kind != O_REG))
		dc_mismatch(dc);
	switch (o->kind) {
	case O_REG:
		reg_type = dc->func->vregs[o->reg];
		if (o->sub || !types_agree(reg_type, type))
			dc_mismatch(dc);
		if (o->negate)
			return dc_unary(dc, XO_not_p, FILE_P, o->reg);
		return o->reg;
	case O_INT:
		if (ptx_types[type].kind == TK_FLOAT && o->imm)
			dc_mismatch(dc);
		return dc_const(dc, file, type_bits(type) == 16 ? (uint16_t)o->imm : (uint64_t)o->imm);
	case O_F32:
	case O_F64:
		return dc_const(dc, file, float_const(dc, o, type));
	case O_SREG:
		v = sreg_value(dc, o);
		if (dc_file(dc, v) == file)
			return v;
		if (file == FILE_D && dc_file(dc, v) == FILE_W)
			return dc_to_d(dc, v);
		if (file == FILE_W && dc_file(dc, v) == FILE_D)
			return dc_unary(dc, XO_low_b32, FILE_W, v);
		dc_mismatch(dc);
	case O_SYM:
	case O_NAME:
		if (ptx_types[type].kind == TK_FLOAT || type_bits(type) < 32)
			dc_mismatch(dc);
		v = symbol_address(dc, o);
		if (file == FILE_D)
			return v;
		if (v & VAL_CONST)
			return dc_const(dc, FILE_W, dc->consts[v & ~VAL_CONST]);
		return dc_unary(dc, XO_low_b32, FILE_W, v);
	}
	dc_mismatch(dc);
}

val_t dc_src_wide(struct decoder *dc, const struct opnd *o, unsigned int type)
{
	unsigned int reg_type;

	if (o->kind != O_REG)
		return dc_src(dc, o, type);
	reg_type = dc->func->vregs[o->reg];
	if (o->sub || o->negate || reg_type == T_PRED || type_bits(reg_type) < type_bits(type) || type_bits(reg_type) > 64 ||
	    (type_is_float(reg_type) && type_bits(reg_type) != type_bits(type)))
		dc_mismatch(dc);
	return o->reg;
}

val_t dc_dst(struct decoder *dc, const struct opnd *o, unsigned int type)
{
	unsigned int file = file_of(type);

	if (o->kind == O_SINK) {
		if (dc->sink[file] == VAL_NONE)
			dc->sink[file] = dc_temp(dc, file);
		return dc->sink[file];
	}
	if (o->kind != O_REG || o->sub || o->negate || !types_agree(dc->func->vregs[o->reg], type))
		dc_mismatch(dc);
	return o->reg;
}

val_t dc_dst_wide(struct decoder *dc, const struct opnd *o, unsigned int type, unsigned int *reg_type)
{
	if (o->kind != O_REG) {
		*reg_type = type;
		return dc_dst(dc, o, type);
	}
	*reg_type = dc->func->vregs[o->reg];
	if (o->sub || o->negate || *reg_type == T_PRED || type_bits(*reg_type) < type_bits(type) ||
	    type_bits(*reg_type) > 64 ||
	    (type_is_float(*reg_type) && type_bits(*reg_type) != type_bits(type)))
		dc_mismatch(dc);
	return o->reg;
}

val_t dc_membermask(struct decoder *dc, const struct opnd *o)
{
	return dc_src(dc, o, T_B32);
}

int dc_space(struct decoder *dc, unsigned int modifier)
{
	switch (modifier) {
	case 0:
	case M_SPACE_GENERIC:
		return SP_GENERIC;
	case M_SPACE_GLOBAL:
		return SP_GLOBAL;
	case M_SPACE_CONST:
		return SP_CONST;
	case M_SPACE_SHARED:
	case M_SPACE_SHARED_CTA:
	case M_SPACE_SHARED_CLUSTER:
		return SP_SHARED;
	case M_SPACE_LOCAL:
		return SP_LOCAL;
	case M_SPACE_PARAM:
	case M_SPACE_PARAM_ENTRY:
	case M_SPACE_PARAM_FUNC:
		return SP_PARAM;
	}
	dc_bad_form(dc);
}

struct addr dc_address(struct decoder *dc, const struct opnd *o, unsigned int space)
{
	struct addr addr = { .space = dc_space(dc, space), .base = VAL_NONE };
	const struct opnd *base;
	unsigned int type;
	struct sym *sym;

	if (o->kind != O_ADDR || o->num != 1)
		dc_mismatch(dc);
	base = &o->elems[0];
	addr.offset = (uint64_t)o->imm;
	if (base->kind == O_SYM) {
		sym = dc_resolve(base->sym);
		if (sym->kind == SY_VAR) {
			struct var *var = sym->var;

			if (addr.space == SP_GENERIC && var->space == SP_SHARED) {
				/* A generic access by name means the variable wherever it is. */
				addr.space = SP_SHARED;
			} else if (addr.space == SP_GENERIC && var->space == SP_LOCAL) {
				addr.space = SP_LOCAL;
			} else if (addr.space == SP_GENERIC && var->space == SP_PARAM) {
				addr.space = SP_PARAM;
			} else if (addr.space != SP_GENERIC && addr.space != var->space) {
				dc_error(dc, "State space of '%s' is not that of instruction '%s'", sym->name,
					 ptx_opcode_name(dc->stmt->op));
			}
			if (var->space == SP_LOCAL || (var->space == SP_PARAM && !var->kernel_param)) {
				addr.frame = true;
				addr.offset += var->addr + (uint64_t)base->imm;
				return addr;
			}
			if (var->space == SP_PARAM) {
				addr.kernel_param = true;
				addr.offset += var->addr + (uint64_t)base->imm;
				return addr;
			}
		}
		addr.base = symbol_address(dc, base);
	} else if (base->kind == O_INT) {
		addr.base = dc_const(dc, FILE_D, (uint64_t)base->imm);
	} else if (base->kind == O_REG) {
		type = dc->func->vregs[base->reg];
		if (base->sub || !type_is_int(type) || type_bits(type) < 32 || type_bits(type) > 64)
			dc_mismatch(dc);
		addr.base = base->reg;
	} else {
		dc_mismatch(dc);
	}
	if (addr.space != SP_SHARED && addr.space != SP_LOCAL)
		addr.base = dc_to_d(dc, addr.base);
	if (addr.space == SP_GLOBAL || addr.space == SP_CONST || addr.space == SP_PARAM)
		addr.space = SP_GENERIC;
	return addr;
}

static void decode_stmt(struct decoder *dc, uint32_t n)
{
	const struct stmt *stmt = &dc->func->stmts[n];
	char name[200];

	dc->stmt = stmt;
	dc->labels[n] = dc->num_insns;
	if (stmt->op == PO_LABEL) {
		if (dc->is_target[n])
			dc_emit(dc, XO_join);
		return;
	}
	parse_form(dc);
	if (!decode_table[stmt->op])
		dc_error(dc, "Unsupported instruction '%s'", full_name(dc, name, sizeof(name)));
	decode_table[stmt->op](dc);
}

static void mark_target(struct decoder *dc, const struct opnd *o)
{
	struct sym *sym = dc_lookup(o);
	uint32_t i;

	if (sym && sym->kind == SY_LABEL)
		dc->is_target[sym->reg] = true;
	else if (sym && sym->kind == SY_TABLE)
		for (i = 0; i < sym->count; i++)
			if (sym->entries[i].kind == O_NAME)
				mark_target(dc, &sym->entries[i]);
}

/* Labels that nothing names need no instruction. */
static void mark_targets(struct decoder *dc)
{
	struct func *func = dc->func;
	uint32_t i, k;

	dc->is_target = build_alloc(dc->b, func->num_stmts + 1);
	for (i = 0; i < func->num_stmts; i++)
		if (func->stmts[i].op == PO_BRA || func->stmts[i].op == PO_BRX)
			for (k = 0; k < func->stmts[i].num_opnds; k++)
				mark_target(dc, &func->stmts[i].opnds[k]);
}

static void resolve_branches(struct decoder *dc)
{
	struct code *code = dc->code;
	uint32_t i;

	for (i = 0; i < dc->num_fixups; i++) {
		struct fixup *fix = &dc->fixups[i];
		uint32_t target = dc->labels[fix->stmt];

		if (fix->ext == UINT32_MAX)
			code->insns[fix->insn].target = &code->insns[target];
		else
			((uint32_t *)(uintptr_t)code->insns[fix->insn].ext)[fix->ext] = target - fix->insn;
	}
}

static void copy_out(struct decoder *dc)
{
	struct code *code = dc->code;
	uint32_t *ext = NULL, i;

	code->insns = build_keep(dc->b, dc->num_insns * sizeof(*code->insns));
	memcpy(code->insns, dc->insns, dc->num_insns * sizeof(*code->insns));
	code->num_insns = dc->num_insns;
	if (dc->num_ext) {
		ext = build_keep(dc->b, dc->num_ext * sizeof(*ext));
		memcpy(ext, dc->ext, dc->num_ext * sizeof(*ext));
	}
	for (i = 0; i < code->num_insns; i++) {
		struct insn *insn = &code->insns[i];

		if (insn->ext)
			insn->ext = ext + ((uintptr_t)insn->ext - 1);
		if (insn->op == XO_rounded)
			insn->fn2 = dc->exec->fn[insn->imm];
		insn->fn = dc->exec->fn[insn->op];
	}
	/* Constants: each in a row of its own, the same in all lanes. */
	for (i = 0; i < NUM_FILES; i++) {
		uint32_t n = 0, size = i == FILE_W ? W_ROW : i == FILE_D ? D_ROW : P_ROW, c, l;
		char *rows, *row;

		for (c = 0; c < dc->num_consts; c++)
			n += dc->const_files[c] == i;
		rows = build_keep(dc->b, (n + 1) * (size_t)size + 64);
		rows = (char *)(((uintptr_t)rows + 63) & ~(uintptr_t)63);
		for (c = 0, row = rows; c < dc->num_consts; c++) {
			if (dc->const_files[c] != i)
				continue;
			for (l = 0; l < size; l += i == FILE_D ? 8 : 4)
				memcpy(row + l, &dc->consts[c], i == FILE_D ? 8 : 4);
			row += size;
		}
		if (i == FILE_W)
			code->w_const = rows;
		else if (i == FILE_D)
			code->d_const = rows;
		else
			code->p_const = rows;
	}
}

static void decode_formals(struct decoder *dc)
{
	struct func *func = dc->func;
	struct code *code = dc->code;
	uint32_t i, n = func->num_params + func->num_rets;

	code->num_params = func->num_params;
	code->num_formals = n;
	if (func->entry)
		return;
	code->formals = build_keep(dc->b, (n + 1) * sizeof(*code->formals));
	for (i = 0; i < n; i++) {
		struct sym *sym = i < func->num_params ? func->params[i] : func->rets[i - func->num_params];
		struct formal *formal = &code->formals[i];

		if (sym->kind == SY_VAR) {
			formal->kind = FORMAL_MEM;
			formal->size = (uint32_t)sym->var->size;
			formal->at = (uint32_t)sym->var->addr;
			if (formal->at + formal->size > code->param_bytes)
				code->param_bytes = formal->at + formal->size;
		} else {
			formal->kind = FORMAL_W + file_of(sym->type);
			formal->size = type_bytes(sym->type);
			formal->at = sym->reg;
		}
	}
}

void decode_func(struct build *b, struct func *func, const struct exec_table *exec)
{
	struct decoder dc = { .b = b, .func = func, .exec = exec, .code = func->code, .carry = VAL_NONE,
			      .stack = VAL_NONE, .sink = { VAL_NONE, VAL_NONE, VAL_NONE } };
	uint32_t i;

	b->input = func->unit->name;
	for (i = 0; i < func->num_vregs; i++)
		dc_temp(&dc, file_of(func->vregs[i]));
	dc.labels = build_alloc(b, (func->num_stmts + 1) * sizeof(*dc.labels));
	func->code->local_size = (func->local_size + 15) & ~15u;
	decode_formals(&dc);
	mark_targets(&dc);
	for (i = 0; i < func->num_stmts; i++)
		if (func->stmts[i].op == PO_ALLOCA)
			func->code->uses_alloca = true;
	if (func->code->uses_alloca && !func->entry) {
		dc.stack = dc_temp(&dc, FILE_D);
		dc_emit(&dc, XO_stacksave);
		dc_def(&dc, 0, dc.stack);
	}
	for (i = 0; i < func->num_stmts; i++)
		decode_stmt(&dc, i);
	dc.labels[i] = dc.num_insns;
	dc.stmt = NULL;
	/* A body may end without ret. */
	if (func->noreturn) {
		dc_emit(&dc, XO_fell_off);
	} else if (func->entry) {
		dc_emit(&dc, XO_exit);
	} else {
		if (dc.stack != VAL_NONE) {
			dc_emit(&dc, XO_stackrestore);
			dc_use(&dc, 1, dc.stack);
		}
		dc_emit(&dc, XO_ret);
	}
	regalloc_run(&dc);
	copy_out(&dc);
	resolve_branches(&dc);
	build_release(b, dc.insns);
	build_release(b, dc.refs);
	build_release(b, dc.files);
	build_release(b, dc.consts);
	build_release(b, dc.const_files);
	build_release(b, dc.ext);
	build_release(b, dc.fixups);
	build_release(b, dc.slots);
}
