// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Branches, calls and what ends a thread. */
#include "builtin.h"
#include "decode.h"

static void add_fixup(struct decoder *dc, uint32_t insn, uint32_t stmt, uint32_t ext)
{
	struct fixup *fix;

	dc->fixups = build_grow(dc->b, dc->fixups, &dc->cap_fixups, dc->num_fixups + 1, sizeof(*dc->fixups));
	fix = &dc->fixups[dc->num_fixups++];
	fix->insn = insn;
	fix->stmt = stmt;
	fix->ext = ext;
}

void decode_bra(struct decoder *dc)
{
	uint32_t label;

	dc_allow(dc, 0, MFLAG(UNI), 0, 0);
	dc_operands(dc, 1, 1);
	label = dc_label(dc, dc_opnd(dc, 0));
	dc_emit(dc, XO_bra);
	add_fixup(dc, dc->num_insns - 1, label, UINT32_MAX);
}

void decode_brx(struct decoder *dc)
{
	struct sym *table;
	struct insn *insn;
	uint32_t i, at;
	val_t a;

	dc_allow(dc, CAT(MODE), MFLAG(UNI), 0, 0);
	dc_operands(dc, 2, 2);
	table = dc_lookup(dc_opnd(dc, 1));
	if (dc->fm.val[MC_MODE] != M_MODE_IDX || !table || table->kind != SY_TABLE)
		dc_mismatch(dc);
	if (!table->count || table->count > UINT16_MAX)
		dc_error(dc, "Number of branch targets out of range 1..65535: %u", table->count);
	a = dc_src(dc, dc_opnd(dc, 0), T_U32);
	insn = dc_emit(dc, XO_brx);
	insn->x = (uint16_t)table->count;
	insn->ext = (const uint32_t *)(uintptr_t)(dc->num_ext + 1);
	at = dc->num_insns - 1;
	dc_use(dc, 1, a);
	for (i = 0; i < table->count; i++) {
		dc->ext = build_grow(dc->b, dc->ext, &dc->cap_ext, dc->num_ext + 1, sizeof(*dc->ext));
		dc->ext[dc->num_ext++] = 0;
		add_fixup(dc, at, dc_label(dc, &table->entries[i]), i);
	}
}

void decode_exit(struct decoder *dc)
{
	dc_allow(dc, 0, 0, 0, 0);
	dc_operands(dc, 0, 0);
	dc_emit(dc, XO_exit);
}

void decode_trap(struct decoder *dc)
{
	dc_allow(dc, 0, 0, 0, 0);
	dc_operands(dc, 0, 0);
	dc_emit(dc, XO_trap);
}

void decode_ret(struct decoder *dc)
{
	dc_allow(dc, 0, MFLAG(UNI), 0, 0);
	dc_operands(dc, 0, 0);
	if (dc->func->entry) {
		dc_emit(dc, XO_exit);
		return;
	}
	if (dc->stack != VAL_NONE) {
		dc_emit(dc, XO_stackrestore);
		dc_use(dc, 1, dc->stack);
	}
	dc_emit(dc, XO_ret);
}

void decode_nanosleep(struct decoder *dc)
{
	dc_allow(dc, 0, 0, 1, 1);
	dc_operands(dc, 1, 1);
	dc_src(dc, dc_opnd(dc, 0), T_U32);
	dc_emit(dc, XO_nanosleep);
}

/* Type that an argument in a register or a constant has, from the parameter that it is for. */
static unsigned int formal_type(struct decoder *dc, const struct sym *formal)
{
	unsigned int type = formal->kind == SY_REG ? formal->type : formal->var->type;

	if (formal->kind == SY_VAR && (formal->var->is_array || formal->var->vec > 1))
		dc_mismatch(dc);
	if (ptx_types[type].kind == TK_OPAQUE)
		dc_mismatch(dc);
	return type;
}

/* Fills an argument in; register arguments become references of the call emitted last. */
static void set_argument(struct decoder *dc, struct formal *arg, const struct opnd *o, const struct sym *formal,
			 val_t val, bool is_ret)
{
	if (val == VAL_NONE) {
		const struct var *var = dc_resolve(o->sym)->var;

		arg->kind = FORMAL_MEM;
		arg->at = (uint32_t)(var->addr + (uint64_t)o->imm);
		arg->size = (uint32_t)var->size;
		return;
	}
	arg->kind = FORMAL_W + dc_file(dc, val);
	arg->size = type_bytes(formal_type(dc, formal));
	dc_formal(dc, arg, val, is_ret);
}

static bool is_param_operand(const struct opnd *o)
{
	struct sym *sym;

	if (o->kind != O_SYM)
		return false;
	sym = dc_resolve(o->sym);
	return sym->kind == SY_VAR && sym->var->space == SP_PARAM && !sym->var->kernel_param;
}

static void decode_call_to(struct decoder *dc, const struct func *callee, const struct code *target,
			   uint32_t builtin, val_t pointer)
{
	const struct opnd *rets = dc_opnd(dc, 0), *params = dc_opnd(dc, 2);
	uint32_t n = params->num + rets->num, i;
	struct call_site *site = build_keep(dc->b, sizeof(*site));
	val_t *vals = build_alloc(dc->b, (n + 1) * sizeof(*vals));
	struct insn *insn;

	if (params->num != callee->num_params || rets->num != callee->num_rets)
		dc_error(dc, "Call of '%s' with %u parameters and %u results: it takes %u and %u", callee->sym->name,
			 params->num, rets->num, callee->num_params, callee->num_rets);
	site->num_args = n;
	site->num_params = params->num;
	site->target = target;
	site->builtin = builtin;
	site->args = build_keep(dc->b, (n + 1) * sizeof(*site->args));
	for (i = 0; i < n; i++) {
		bool is_ret = i >= params->num;
		const struct opnd *o = is_ret ? &rets->elems[i - params->num] : &params->elems[i];
		const struct sym *formal = is_ret ? callee->rets[i - params->num] : callee->params[i];

		if (is_param_operand(o))
			vals[i] = VAL_NONE;
		else if (is_ret)
			vals[i] = dc_dst(dc, o, formal_type(dc, formal));
		else
			vals[i] = dc_src(dc, o, formal_type(dc, formal));
	}
	insn = dc_emit(dc, pointer == VAL_NONE ? XO_call : XO_call_indirect);
	insn->ptr = site;
	if (pointer != VAL_NONE)
		dc_use(dc, 1, pointer);
	for (i = 0; i < n; i++) {
		bool is_ret = i >= params->num;

		set_argument(dc, &site->args[i], is_ret ? &rets->elems[i - params->num] : &params->elems[i],
			     is_ret ? callee->rets[i - params->num] : callee->params[i], vals[i], is_ret);
	}
}

void decode_call(struct decoder *dc)
{
	const struct opnd *target = dc_opnd(dc, 1), *proto = dc_opnd(dc, 3);
	struct sym *sym, *def;
	val_t pointer;
	int builtin;

	dc_allow(dc, 0, MFLAG(UNI), 0, 0);
	if (target->kind == O_REG) {
		sym = dc_lookup(proto);
		if (sym && sym->kind == SY_TABLE && sym->count)
			sym = dc_lookup(&sym->entries[0]);
		if (!sym || (sym->kind != SY_PROTO && sym->kind != SY_FUNC))
			dc_error(dc, "Indirect call needs a .callprototype or .calltargets");
		pointer = dc_src(dc, target, T_U64);
		decode_call_to(dc, sym->func, NULL, BUILTIN_NONE, pointer);
		return;
	}
	sym = dc_lookup(target);
	if (!sym || sym->kind != SY_FUNC)
		dc_error(dc, "Call target not recognized: '%s'", target->sym ? target->sym->name : "operand");
	def = dc_resolve(sym);
	if (def->func->entry)
		dc_error(dc, "Call of the kernel '%s'", def->name);
	if (def->func->code) {
		decode_call_to(dc, def->func, def->func->code, BUILTIN_NONE, VAL_NONE);
		return;
	}
	builtin = builtin_find(def->name);
	if (!builtin)
		dc_error(dc, "Unresolved extern function '%s'", def->name);
	if (builtin == BUILTIN_VPRINTF || builtin == BUILTIN_ASSERTFAIL)
		dc->b->uses_printf = true;
	if (builtin == BUILTIN_MALLOC)
		dc->b->uses_malloc = true;
	decode_call_to(dc, def->func, NULL, (uint32_t)builtin, VAL_NONE);
}
