// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* A PTX text: its header, functions' signatures and what stands outside functions. */
#include <string.h>

#include "parser.h"
#include "symtab.h"

#define MAX_PARAMS	4096

static void parse_list(struct parser *ps, struct func *func, struct sym ***list, uint32_t *num, uint32_t *top)
{
	struct sym *params[MAX_PARAMS];
	uint32_t n = 0;

	lex_expect(&ps->lx, '(');
	while (ps->lx.tok != ')') {
		if (n == MAX_PARAMS)
			build_error(ps->b, ps->lx.tok_line, "Too many parameters: more than %u", MAX_PARAMS);
		params[n++] = parse_parameter(ps, func, top);
		if (!lex_accept(&ps->lx, ','))
			break;
	}
	lex_expect(&ps->lx, ')');
	*num = n;
	*list = build_alloc(ps->b, (n + 1) * sizeof(**list));
	memcpy(*list, params, n * sizeof(**list));
}

static void parse_dims(struct parser *ps, uint32_t dims[3])
{
	unsigned int i = 0;
	int64_t n;

	lex_next(&ps->lx);
	dims[1] = 1;
	dims[2] = 1;
	do {
		if (i == 3)
			lex_syntax(&ps->lx);
		n = parse_constant(ps);
		if (n < 1 || n > 65535)
			build_error(ps->b, ps->lx.tok_line, "Number of threads %lld out of range 1..65535",
				    (long long)n);
		dims[i++] = n;
	} while (lex_accept(&ps->lx, ','));
}

bool parse_attribute(struct parser *ps, struct func *func)
{
	static const char * const with_numbers[] = {
		"minnctapersm", "maxnreg", "maxnctapersm", "maxclusterrank", "reqnctapercluster", "abi_preserve",
		"abi_preserve_control",
	};
	static const char * const bare[] = { "explicitcluster", "blocksareclusters", "noreturn" };
	struct lexer *lx = &ps->lx;
	unsigned int i;

	if (lx->tok != TOK_DIRECTIVE)
		return false;
	if (lex_is(lx, TOK_DIRECTIVE, "maxntid")) {
		parse_dims(ps, func->maxntid);
		return true;
	}
	if (lex_is(lx, TOK_DIRECTIVE, "reqntid")) {
		parse_dims(ps, func->reqntid);
		return true;
	}
	if (lex_is(lx, TOK_DIRECTIVE, "pragma")) {
		lex_next(lx);
		do {
			if (lx->tok != TOK_STRING)
				lex_syntax(lx);
			lex_next(lx);
		} while (lex_accept(lx, ','));
		lex_accept(lx, ';');
		return true;
	}
	for (i = 0; i < sizeof(with_numbers) / sizeof(with_numbers[0]); i++) {
		if (lex_is(lx, TOK_DIRECTIVE, with_numbers[i])) {
			lex_next(lx);
			do {
				parse_constant(ps);
			} while (lex_accept(lx, ','));
			return true;
		}
	}
	for (i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
		if (lex_is(lx, TOK_DIRECTIVE, bare[i])) {
			if (lex_is(lx, TOK_DIRECTIVE, "noreturn"))
				func->noreturn = true;
			lex_next(lx);
			return true;
		}
	}
	return false;
}

void parse_signature(struct parser *ps, struct func *func, const char **name, uint32_t *len)
{
	struct lexer *lx = &ps->lx;
	uint32_t *top = func->entry ? &func->param_size : &ps->scope->local_top;

	if (lx->tok == '(') {
		if (func->entry)
			lex_syntax(lx);
		parse_list(ps, func, &func->rets, &func->num_rets, top);
	}
	if (lx->tok != TOK_NAME)
		lex_syntax(lx);
	*name = lx->s;
	*len = lx->len;
	func->line = lx->tok_line;
	lex_next(lx);
	if (lx->tok == '(')
		parse_list(ps, func, &func->params, &func->num_params, top);
	if (!func->entry)
		func->local_size = *top;
	else if (func->param_size > PTX_MAX_PARAMS)
		build_error(ps->b, func->line, "Formal parameter space of '%.*s' is %u bytes: at most %u allowed",
			    (int)*len, *name, func->param_size, PTX_MAX_PARAMS);
	while (parse_attribute(ps, func))
		;
}

static void check_redefinition(struct parser *ps, struct sym *sym, struct func *func, bool body)
{
	struct func *old = sym->func;

	if (sym->kind != SY_FUNC || old->entry != func->entry || (old->defined && body))
		build_error(ps->b, func->line, "Duplicate definition of function '%s'", sym->name);
	if (old->num_params != func->num_params || old->num_rets != func->num_rets)
		build_error(ps->b, func->line, "Declaration of function '%s' differs from the one before", sym->name);
}

static void parse_function(struct parser *ps, int linkage, bool entry)
{
	struct func *func = build_alloc(ps->b, sizeof(*func));
	struct unit *unit = ps->unit;
	struct sym *sym;
	const char *name;
	uint32_t len;

	func->entry = entry;
	func->unit = unit;
	func->linkage = linkage;
	func->local_align = 1;
	func->scope = scope_open(ps->b, unit->globals);
	ps->func = func;
	ps->scope = func->scope;
	parse_signature(ps, func, &name, &len);

	sym = scope_find(unit->globals, name, len);
	if (sym) {
		check_redefinition(ps, sym, func, ps->lx.tok == '{');
		/* A definition after a declaration takes the declaration's linkage where it says nothing itself. */
		if (func->linkage == LK_STATIC && sym->func->linkage != LK_EXTERN)
			func->linkage = sym->func->linkage;
	} else {
		sym = scope_add(ps->b, unit->globals, name, len, SY_FUNC);
		sym->func = func;
	}
	func->sym = sym;
	if (ps->lx.tok == '{') {
		func->defined = true;
		sym->func = func;
		*unit->last = func;
		unit->last = &func->next;
		parse_body(ps);
	} else {
		lex_expect(&ps->lx, ';');
	}
	ps->func = NULL;
	ps->scope = unit->globals;
}

static void parse_alias(struct parser *ps)
{
	struct lexer *lx = &ps->lx;
	struct sym *alias, *target;

	lex_next(lx);
	alias = lx->tok == TOK_NAME ? scope_find(ps->unit->globals, lx->s, lx->len) : NULL;
	if (!alias || alias->kind != SY_FUNC)
		build_error(ps->b, lx->tok_line, ".alias needs the name of a declared function");
	lex_next(lx);
	lex_expect(lx, ',');
	target = lx->tok == TOK_NAME ? scope_find(ps->unit->globals, lx->s, lx->len) : NULL;
	if (!target || target->kind != SY_FUNC || !target->func->defined || alias->func->defined || target == alias)
		build_error(ps->b, lx->tok_line, ".alias needs a declared and a defined function");
	lex_next(lx);
	lex_expect(lx, ';');
	alias->func->alias = target;
}

static void parse_version(struct parser *ps)
{
	struct lexer *lx = &ps->lx;
	unsigned int major = 0, minor = 0;
	uint32_t i;

	if (!lex_is(lx, TOK_DIRECTIVE, "version"))
		build_error(ps->b, lx->tok_line, "Missing .version directive at start of file");
	lex_next(lx);
	if (lx->tok != TOK_F64)
		lex_syntax(lx);
	for (i = 0; i < lx->len && lx->s[i] != '.' && major < 1000; i++)
		major = major * 10 + (lx->s[i] - '0');
	for (i++; i < lx->len && minor < 1000 && lx->s[i] >= '0' && lx->s[i] <= '9'; i++)
		minor = minor * 10 + (lx->s[i] - '0');
	ps->unit->version = major * 10 + minor;
	if (minor > 9 || ps->unit->version > PTX_ISA_MAX)
		build_fail(ps->b, PTX_ERROR_UNSUPPORTED_PTX_VERSION, lx->tok_line,
			   "Unsupported .version %.*s; current version is '%u.%u'", (int)lx->len, lx->s,
			   PTX_ISA_MAX / 10, PTX_ISA_MAX % 10);
	lex_next(lx);
}

static void parse_target(struct parser *ps)
{
	static const char * const options[] = {
		"texmode_unified", "texmode_independent", "debug", "map_f64_to_f32",
	};
	struct lexer *lx = &ps->lx;
	uint32_t i, sm;

	if (!lex_is(lx, TOK_DIRECTIVE, "target"))
		build_error(ps->b, lx->tok_line, "Missing .target directive");
	lex_next(lx);
	do {
		if (lx->tok != TOK_NAME)
			lex_syntax(lx);
		if (lx->len > 3 && !memcmp(lx->s, "sm_", 3)) {
			sm = 0;
			for (i = 3; i < lx->len && lx->s[i] >= '0' && lx->s[i] <= '9' && sm < 100000; i++)
				sm = sm * 10 + (lx->s[i] - '0');
			if (sm < 10 || i + 1 < lx->len)
				build_error(ps->b, lx->tok_line, "Unknown .target '%.*s'", (int)lx->len, lx->s);
			if (sm > PTX_CC_MAJOR * 10 + PTX_CC_MINOR || i < lx->len)
				build_fail(ps->b, PTX_ERROR_UNSUPPORTED_PTX_VERSION, lx->tok_line,
					   "SM version specified by .target is higher than that of the device: %.*s, device is sm_%u%u",
					   (int)lx->len, lx->s, PTX_CC_MAJOR, PTX_CC_MINOR);
			ps->unit->target = sm;
		} else {
			for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
				if (lex_is(lx, TOK_NAME, options[i]))
					break;
			if (i == sizeof(options) / sizeof(options[0]))
				build_error(ps->b, lx->tok_line, "Unknown .target option '%.*s'", (int)lx->len, lx->s);
		}
		lex_next(lx);
	} while (lex_accept(lx, ','));
}

static int parse_linkage(struct parser *ps)
{
	static const struct {
		const char *name;
		int linkage;
	} linkages[] = {
		{ "extern", LK_EXTERN }, { "visible", LK_VISIBLE }, { "weak", LK_WEAK }, { "common", LK_COMMON },
	};
	unsigned int i;

	for (i = 0; i < sizeof(linkages) / sizeof(linkages[0]); i++) {
		if (lex_is(&ps->lx, TOK_DIRECTIVE, linkages[i].name)) {
			lex_next(&ps->lx);
			return linkages[i].linkage;
		}
	}
	return LK_STATIC;
}

static void parse_module_directive(struct parser *ps)
{
	static const struct {
		const char *name;
		int space;
	} spaces[] = {
		{ "global", SP_GLOBAL }, { "const", SP_CONST }, { "shared", SP_SHARED },
	};
	struct lexer *lx = &ps->lx;
	unsigned int i;
	int linkage;

	if (lex_is(lx, TOK_DIRECTIVE, "file") || lex_is(lx, TOK_DIRECTIVE, "loc")) {
		lex_skip_line(lx);
		return;
	}
	if (lex_is(lx, TOK_DIRECTIVE, "section")) {
		while (lx->tok != '{' && lx->tok != TOK_END)
			lex_next(lx);
		lex_skip_braces(lx);
		return;
	}
	if (lex_is(lx, TOK_DIRECTIVE, "address_size")) {
		lex_next(lx);
		if (parse_constant(ps) != 64)
			build_error(ps->b, lx->tok_line, "Unsupported .address_size: only 64 is supported");
		return;
	}
	if (lex_is(lx, TOK_DIRECTIVE, "target")) {
		parse_target(ps);
		return;
	}
	if (lex_is(lx, TOK_DIRECTIVE, "alias")) {
		parse_alias(ps);
		return;
	}
	if (lex_is(lx, TOK_DIRECTIVE, "pragma")) {
		struct func ignored = { 0 };

		parse_attribute(ps, &ignored);
		return;
	}
	linkage = parse_linkage(ps);
	if (lex_is(lx, TOK_DIRECTIVE, "entry") || lex_is(lx, TOK_DIRECTIVE, "func")) {
		bool entry = lex_is(lx, TOK_DIRECTIVE, "entry");

		lex_next(lx);
		while (lex_is(lx, TOK_DIRECTIVE, "attribute")) {
			while (lx->tok != ')' && lx->tok != TOK_END)
				lex_next(lx);
			lex_accept(lx, ')');
		}
		parse_function(ps, linkage, entry);
		return;
	}
	for (i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		if (lex_is(lx, TOK_DIRECTIVE, spaces[i].name)) {
			lex_next(lx);
			parse_variable(ps, spaces[i].space, linkage);
			lex_expect(lx, ';');
			return;
		}
	}
	if (lex_is(lx, TOK_DIRECTIVE, "tex")) {
		struct var *var;
		struct sym *sym;

		lex_next(lx);
		if (!parse_type(ps) || lx->tok != TOK_NAME)
			lex_syntax(lx);
		sym = parse_define_name(ps, lx->s, lx->len, SY_VAR);
		var = build_alloc(ps->b, sizeof(*var));
		*var = (struct var){ .space = SP_GLOBAL, .type = T_TEXREF, .vec = 1, .align = 8, .size = 8,
				     .linkage = linkage, .line = lx->tok_line };
		sym->var = var;
		ps->unit->vars = build_grow(ps->b, ps->unit->vars, &ps->unit->cap_vars, ps->unit->num_vars + 1,
					    sizeof(*ps->unit->vars));
		ps->unit->vars[ps->unit->num_vars++] = sym;
		lex_next(lx);
		lex_expect(lx, ';');
		return;
	}
	lex_syntax(lx);
}

struct unit *parse_unit(struct build *b, const char *text, const char *name)
{
	struct unit *unit = build_alloc(b, sizeof(*unit));
	struct parser ps = { .b = b, .unit = unit };

	unit->name = name;
	unit->last = &unit->funcs;
	unit->globals = scope_open(b, NULL);
	ps.scope = unit->globals;
	b->input = name;
	lex_start(&ps.lx, b, text);
	while (ps.lx.tok == '#' || ps.lx.tok == '@' || lex_is(&ps.lx, TOK_DIRECTIVE, "file"))
		lex_skip_line(&ps.lx);
	parse_version(&ps);
	while (lex_is(&ps.lx, TOK_DIRECTIVE, "file") || ps.lx.tok == '#')
		lex_skip_line(&ps.lx);
	parse_target(&ps);
	while (ps.lx.tok != TOK_END) {
		if (ps.lx.tok == '#' || ps.lx.tok == '@')
			lex_skip_line(&ps.lx);
		else if (ps.lx.tok != TOK_DIRECTIVE)
			lex_syntax(&ps.lx);
		else
			parse_module_directive(&ps);
	}
	return unit;
}
