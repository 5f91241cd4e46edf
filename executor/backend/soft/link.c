// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * DOC: Linking
 *
 * Names with .visible, .weak or .common are shared by all texts of a module; a visible definition beats weak ones. The call graph
 * tells which shared variables a kernel reaches: each variable has one offset, chosen so that no kernel sees two of its variables overlap,
 * and a kernel's static shared memory ends behind its own last variable.
 */
#include <string.h>

#include "module.h"
#include "symtab.h"

static bool is_definition(const struct sym *sym)
{
	if (sym->kind == SY_VAR)
		return sym->var->linkage != LK_EXTERN;
	return sym->kind == SY_FUNC && (sym->func->defined || sym->func->alias);
}

static int linkage_of(const struct sym *sym)
{
	return sym->kind == SY_VAR ? sym->var->linkage : sym->func->linkage;
}

static void link_fail(struct linker *ln, struct unit *unit, const char *what, const char *name)
{
	ln->b->input = unit->name;
	build_fail(ln->b, PTX_ERROR_INVALID_PTX, 0, "%s '%.300s'", what, name);
}

static void export_symbol(struct linker *ln, struct unit *unit, struct sym *sym)
{
	struct sym *entry = scope_find(ln->table, sym->name, sym->len), *old;
	bool weak = linkage_of(sym) == LK_WEAK || linkage_of(sym) == LK_COMMON;

	if (!entry) {
		entry = scope_add(ln->b, ln->table, sym->name, sym->len, SY_LABEL);
		entry->link = sym;
		return;
	}
	old = entry->link;
	if (old->kind != sym->kind)
		link_fail(ln, unit, "Symbol is a function in one input and a variable in another:", sym->name);
	if (weak) {
		if (linkage_of(sym) == LK_COMMON && linkage_of(old) == LK_COMMON && old->var->size < sym->var->size) {
			old->link = sym;
			entry->link = sym;
			return;
		}
		sym->link = old;
		return;
	}
	if (linkage_of(old) != LK_WEAK && linkage_of(old) != LK_COMMON)
		link_fail(ln, unit, "Multiple definition of", sym->name);
	old->link = sym;
	entry->link = sym;
}

static void for_each_symbol(struct linker *ln, void (*fn)(struct linker *, struct unit *, struct sym *))
{
	uint32_t u, i;
	struct sym *sym;

	for (u = 0; u < ln->num_units; u++)
		for (i = 0; i < ln->units[u]->globals->num_buckets; i++)
			for (sym = ln->units[u]->globals->buckets[i]; sym; sym = sym->next)
				fn(ln, ln->units[u], sym);
}

static void export_definition(struct linker *ln, struct unit *unit, struct sym *sym)
{
	if (is_definition(sym) && linkage_of(sym) != LK_STATIC)
		export_symbol(ln, unit, sym);
}

static void import_declaration(struct linker *ln, struct unit *unit, struct sym *sym)
{
	struct sym *entry;

	if ((sym->kind != SY_VAR && sym->kind != SY_FUNC) || is_definition(sym) || sym->link)
		return;
	entry = scope_find(ln->table, sym->name, sym->len);
	if (!entry)
		return;
	if (entry->link->kind != sym->kind ||
	    (sym->kind == SY_VAR && sym->var->space != entry->link->var->space) ||
	    (sym->kind == SY_FUNC && (sym->func->num_params != entry->link->func->num_params ||
				      sym->func->num_rets != entry->link->func->num_rets)))
		link_fail(ln, unit, "Declaration differs from the definition in another input:", sym->name);
	sym->link = entry->link;
}

static void resolve_alias(struct linker *ln, struct unit *unit, struct sym *sym)
{
	(void)ln;
	(void)unit;
	if (sym->kind == SY_FUNC && sym->func->alias && !sym->link)
		sym->link = sym->func->alias;
}

void link_units(struct linker *ln)
{
	struct func *func;
	uint32_t u;

	ln->table = scope_open(ln->b, NULL);
	for_each_symbol(ln, export_definition);
	for_each_symbol(ln, import_declaration);
	for_each_symbol(ln, resolve_alias);
	for (u = 0; u < ln->num_units; u++) {
		for (func = ln->units[u]->funcs; func; func = func->next) {
			/* A weak function that another definition beats is not needed. */
			if (func->sym->link && func->sym->link->func != func && !func->alias)
				continue;
			ln->funcs = build_grow(ln->b, ln->funcs, &ln->cap_funcs, ln->num_funcs + 1,
					       sizeof(*ln->funcs));
			func->index = ln->num_funcs;
			ln->funcs[ln->num_funcs++] = func;
			func->code = build_keep(ln->b, sizeof(*func->code));
			func->code->handle = HANDLE_BASE + func->index * HANDLE_STEP;
			func->code->is_entry = func->entry;
		}
	}
}

static struct sym *definition(struct sym *sym)
{
	while (sym->link)
		sym = sym->link;
	return sym;
}

static void add_call(struct linker *ln, struct func *func, struct func *callee)
{
	func->calls = build_grow(ln->b, func->calls, &func->cap_calls, func->num_calls + 1, sizeof(*func->calls));
	func->calls[func->num_calls++] = callee;
}

static void scan_operand(struct linker *ln, struct func *func, const struct opnd *o, bool is_target)
{
	struct sym *sym = NULL;
	uint32_t i, reg;

	if (o->kind == O_SYM)
		sym = o->sym;
	else if (o->kind == O_NAME)
		sym = scope_resolve(o->scope, o->sym->name, o->sym->len, &reg);
	if (sym && sym->kind == SY_TABLE) {
		for (i = 0; i < sym->count; i++)
			if (sym->entries[i].kind == O_SYM)
				scan_operand(ln, func, &sym->entries[i], true);
		return;
	}
	if (sym && (sym->kind == SY_VAR || sym->kind == SY_FUNC)) {
		sym = definition(sym);
		if (sym->kind == SY_FUNC && sym->func->code) {
			if (is_target)
				add_call(ln, func, sym->func);
			else
				sym->func->address_taken = true;
		} else if (sym->kind == SY_VAR && sym->var->space == SP_SHARED && !sym->var->unsized) {
			func->shared = build_grow(ln->b, func->shared, &func->cap_shared, func->num_shared + 1,
						  sizeof(*func->shared));
			func->shared[func->num_shared++] = sym->var;
		}
	}
	if (o->kind == O_ADDR || o->kind == O_VEC || o->kind == O_LIST || o->kind == O_PAIR)
		for (i = 0; i < o->num; i++)
			scan_operand(ln, func, &o->elems[i], false);
}

static void scan_function(struct linker *ln, struct func *func)
{
	uint32_t i, k;

	for (i = 0; i < func->num_stmts; i++) {
		const struct stmt *stmt = &func->stmts[i];

		for (k = 0; k < stmt->num_opnds; k++) {
			bool is_target = stmt->op == PO_CALL && k == 1;

			if (is_target && stmt->opnds[k].kind == O_REG)
				func->calls_pointer = true;
			scan_operand(ln, func, &stmt->opnds[k], is_target);
		}
	}
}

/* Marks what a function reaches. */
static void reach(struct linker *ln, struct func *func, bool *seen)
{
	uint32_t *stack = build_alloc(ln->b, (ln->num_funcs + 1) * sizeof(*stack)), depth = 0, i;
	bool pointers = false;

	memset(seen, 0, ln->num_funcs);
	seen[func->index] = true;
	stack[depth++] = func->index;
	while (depth) {
		struct func *f = ln->funcs[stack[--depth]];

		for (i = 0; i < f->num_calls; i++) {
			if (!seen[f->calls[i]->index]) {
				seen[f->calls[i]->index] = true;
				stack[depth++] = f->calls[i]->index;
			}
		}
		if (f->calls_pointer && !pointers) {
			pointers = true;
			for (i = 0; i < ln->num_funcs; i++) {
				if (ln->funcs[i]->address_taken && !seen[i]) {
					seen[i] = true;
					stack[depth++] = i;
				}
			}
		}
	}
}

static void mark_initialisers(struct linker *ln)
{
	uint32_t u, i;

	for (u = 0; u < ln->num_units; u++) {
		for (i = 0; i < ln->units[u]->num_vars; i++) {
			struct reloc *reloc;

			for (reloc = ln->units[u]->vars[i]->var->relocs; reloc; reloc = reloc->next) {
				struct sym *sym = definition(reloc->sym);

				if (sym->kind == SY_FUNC && sym->func->code)
					sym->func->address_taken = true;
			}
		}
	}
}

static void place_shared(struct linker *ln, struct var *var, const bool *reached, uint32_t num_kernels,
			 struct func **kernels)
{
	uint64_t top = 0;
	uint32_t k;

	for (k = 0; k < num_kernels; k++)
		if (reached[k] && kernels[k]->shared_top > top)
			top = kernels[k]->shared_top;
	top = (top + var->align - 1) & ~(uint64_t)(var->align - 1);
	var->addr = top;
	var->placed = true;
	if (top + var->size > UINT32_MAX / 2)
		build_fail(ln->b, PTX_ERROR_INVALID_PTX, var->line, "Too much shared data: %llu bytes",
			   (unsigned long long)(top + var->size));
	for (k = 0; k < num_kernels; k++)
		if (reached[k])
			kernels[k]->shared_top = (uint32_t)(top + var->size);
}

struct shared_use {
	struct var *var;
	bool *kernels;
};

void link_shared(struct linker *ln)
{
	bool *seen = build_alloc(ln->b, ln->num_funcs + 1), any = false;
	struct func **kernels;
	uint32_t num_kernels = 0, num_uses = 0, cap_uses = 0, i, k, s, u;
	struct shared_use *uses = NULL;

	for (i = 0; i < ln->num_funcs; i++) {
		scan_function(ln, ln->funcs[i]);
		any |= ln->funcs[i]->num_shared;
	}
	mark_initialisers(ln);
	if (!any)
		return;
	kernels = build_alloc(ln->b, (ln->num_funcs + 1) * sizeof(*kernels));
	for (i = 0; i < ln->num_funcs; i++)
		if (ln->funcs[i]->entry)
			kernels[num_kernels++] = ln->funcs[i];
	for (k = 0; k < num_kernels; k++) {
		reach(ln, kernels[k], seen);
		for (i = 0; i < ln->num_funcs; i++) {
			for (s = 0; seen[i] && s < ln->funcs[i]->num_shared; s++) {
				struct var *var = ln->funcs[i]->shared[s];

				/* Until it is placed, addr is 1 + its place in the list. */
				if (!var->addr) {
					uses = build_grow(ln->b, uses, &cap_uses, num_uses + 1, sizeof(*uses));
					uses[num_uses].var = var;
					uses[num_uses++].kernels = build_alloc(ln->b, num_kernels + 1);
					var->addr = num_uses;
				}
				uses[var->addr - 1].kernels[k] = true;
			}
		}
	}
	for (u = 0; u < num_uses; u++)
		place_shared(ln, uses[u].var, uses[u].kernels, num_kernels, kernels);
	for (k = 0; k < num_kernels; k++) {
		if (kernels[k]->shared_top > PTX_MAX_SHARED_STATIC) {
			ln->b->input = kernels[k]->unit->name;
			build_error(ln->b, kernels[k]->line,
				    "Entry function '%s' uses too much shared data (0x%x bytes, 0x%x max)",
				    kernels[k]->sym->name, kernels[k]->shared_top, PTX_MAX_SHARED_STATIC);
		}
	}
	/* What no kernel reaches gets a place too, so that its function can be decoded. */
	for (i = 0; i < ln->num_funcs; i++)
		for (s = 0; s < ln->funcs[i]->num_shared; s++)
			ln->funcs[i]->shared[s]->placed = true;
	build_release(ln->b, uses);
}

struct func_reach link_reach(struct linker *ln, uint32_t index)
{
	struct func_reach r = { .shared_size = ln->funcs[index]->shared_top };
	bool *seen = build_alloc(ln->b, ln->num_funcs + 1);
	uint32_t *depth_of = build_alloc(ln->b, (ln->num_funcs + 1) * sizeof(*depth_of)), round, i, k;
	bool changed = true, has_calls = false;

	reach(ln, ln->funcs[index], seen);
	for (i = 0; i < ln->num_funcs; i++) {
		struct func *func = ln->funcs[i];

		if (!seen[i])
			continue;
		if (func->code->num_regs > r.num_regs)
			r.num_regs = func->code->num_regs;
		r.recursive |= func->calls_pointer || func->code->uses_alloca;
		has_calls |= func->num_calls != 0;
		depth_of[i] = func->code->local_size;
	}
	r.local_size = depth_of[index];
	if (!has_calls)
		return r;
	/* Longest path; what still changes after as many rounds as there are functions goes in circles. */
	for (round = 0; changed && round <= ln->num_funcs && round < 256; round++) {
		changed = false;
		for (i = 0; i < ln->num_funcs; i++) {
			for (k = 0; seen[i] && k < ln->funcs[i]->num_calls; k++) {
				uint32_t callee = ln->funcs[i]->calls[k]->index;
				uint32_t need = ln->funcs[i]->code->local_size + depth_of[callee] + 16;

				if (need > depth_of[i]) {
					depth_of[i] = need;
					changed = true;
				}
			}
		}
	}
	if (changed)
		r.recursive = true;
	else
		r.local_size = depth_of[index];
	return r;
}
