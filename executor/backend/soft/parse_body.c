// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Bodies of functions: instructions, operands, labels and the directives among them. */
#include <string.h>

#include "parser.h"
#include "sreg.h"
#include "symtab.h"

#define MAX_OPNDS	12
#define MAX_ELEMS	4096
#define MAX_NESTING	1024

static void parse_operand(struct parser *ps, struct opnd *o, unsigned int depth);

static int component(const char *s, uint32_t len)
{
	if (len == 1) {
		switch (s[0]) {
		case 'x': case 'r':
			return 0;
		case 'y': case 'g':
			return 1;
		case 'z': case 'b':
			return 2;
		case 'w': case 'a':
			return 3;
		}
	}
	return -1;
}

/* Selectors of the video instructions: .b0 to .b3 are 16 to 19, .h0 and .h1 24 and 25, .b3210 and so on 32 and up. */
static int selector(const char *s, uint32_t len)
{
	if (len == 2 && s[0] == 'b' && s[1] >= '0' && s[1] <= '3')
		return 16 + s[1] - '0';
	if (len == 2 && s[0] == 'h' && (s[1] == '0' || s[1] == '1'))
		return 24 + s[1] - '0';
	if (len == 3 && s[0] == 'h' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '3')
		return 32 + (s[1] - '0') * 4 + (s[2] - '0');
	return -1;
}

static void pend_name(struct parser *ps, struct opnd *o, const char *name, uint32_t len)
{
	struct sym *sym = build_alloc(ps->b, sizeof(*sym) + len + 1);

	memcpy(sym + 1, name, len);
	sym->name = (char *)(sym + 1);
	sym->len = len;
	o->kind = O_NAME;
	o->sym = sym;
	o->scope = ps->scope;
}

/* + constant or - constant behind a name in an address. */
static void parse_offset(struct parser *ps, struct opnd *o)
{
	struct lexer *lx = &ps->lx;

	while (lx->tok == '+' || lx->tok == '-') {
		bool minus = lx->tok == '-', again = false;
		uint64_t n;

		lex_next(lx);
		if (lx->tok == '-') {
			again = true;
			lex_next(lx);
		}
		if (lx->tok == TOK_INT) {
			n = lx->value;
			lex_next(lx);
		} else if (lx->tok == '(') {
			n = parse_constant(ps);
		} else {
			lex_syntax(lx);
		}
		o->imm = (uint64_t)o->imm + (minus != again ? -n : n);
	}
}

static void parse_name(struct parser *ps, struct opnd *o)
{
	struct lexer *lx = &ps->lx;
	const char *name = lx->s, *suffix;
	uint32_t len = lx->len, suffix_len, reg;
	struct sym *sym;
	int sreg, sub;

	if (len == 1 && name[0] == '_') {
		o->kind = O_SINK;
		lex_next(lx);
		return;
	}
	sym = scope_resolve(ps->scope, name, len, &reg);
	if (!sym && name[0] == '%') {
		sreg = sreg_find(name, len);
		if (!sreg)
			build_error(ps->b, lx->tok_line, "Unknown symbol '%.*s'", (int)(len > 100 ? 100 : len), name);
		o->kind = O_SREG;
		o->reg = sreg;
		o->sub = 0xff;
		if (*lx->p == '.' && lex_suffix(lx, &suffix, &suffix_len)) {
			sub = component(suffix, suffix_len);
			if (sub < 0 || !sreg_is_vector(sreg))
				build_error(ps->b, lx->tok_line, "Unknown component of '%.*s'", (int)len, name);
			o->sub = sub;
		} else if (sreg_is_vector(sreg)) {
			o->sub = 0;
		}
		lex_next(lx);
		return;
	}
	if (!sym || sym->kind == SY_LABEL || sym->kind == SY_TABLE || sym->kind == SY_PROTO) {
		if (!sym && len == 7 && !memcmp(name, "WARP_SZ", 7)) {
			o->kind = O_INT;
			o->imm = PTX_WARP_SIZE;
			lex_next(lx);
			return;
		}
		/* A label may be defined further down in a scope nearer than what the name means now. */
		pend_name(ps, o, name, len);
		lex_next(lx);
		return;
	}
	if (sym->kind == SY_REG || sym->kind == SY_REGS) {
		o->kind = O_REG;
		o->reg = reg;
		o->sym = sym;
		if (*lx->p == '.' && lex_suffix(lx, &suffix, &suffix_len)) {
			sub = component(suffix, suffix_len);
			if (sub >= 0 && sym->vec > 1 && sub < sym->vec) {
				o->reg = reg + sub;
			} else {
				sub = selector(suffix, suffix_len);
				if (sub < 0)
					build_error(ps->b, lx->tok_line, "Unknown component '.%.*s'", (int)suffix_len,
						    suffix);
				o->sub = sub;
			}
		} else if (sym->vec > 1) {
			uint32_t i;

			o->kind = O_VEC;
			o->num = sym->vec;
			o->elems = build_alloc(ps->b, sym->vec * sizeof(*o->elems));
			for (i = 0; i < sym->vec; i++) {
				o->elems[i].kind = O_REG;
				o->elems[i].reg = reg + i;
			}
		}
		lex_next(lx);
		return;
	}
	o->kind = O_SYM;
	o->sym = sym;
	lex_next(lx);
	parse_offset(ps, o);
}

static void parse_elems(struct parser *ps, struct opnd *o, int close, unsigned int depth)
{
	struct opnd *elems = NULL;
	uint32_t cap = 0, n = 0;

	while (ps->lx.tok != close) {
		if (n == MAX_ELEMS)
			build_error(ps->b, ps->lx.tok_line, "Too many operands: more than %u", MAX_ELEMS);
		elems = build_grow(ps->b, elems, &cap, n + 1, sizeof(*elems));
		parse_operand(ps, &elems[n++], depth + 1);
		if (!lex_accept(&ps->lx, ','))
			break;
	}
	lex_expect(&ps->lx, close);
	o->num = n;
	o->elems = build_alloc(ps->b, (n + 1) * sizeof(*o->elems));
	if (n)
		memcpy(o->elems, elems, n * sizeof(*o->elems));
	build_release(ps->b, elems);
}

static void parse_address(struct parser *ps, struct opnd *o, unsigned int depth)
{
	struct lexer *lx = &ps->lx;
	struct opnd first = { 0 }, rest = { 0 };

	lex_next(lx);
	if (lx->tok == TOK_NAME) {
		parse_name(ps, &first);
		if (first.kind != O_REG && first.kind != O_SYM && first.kind != O_SREG)
			build_error(ps->b, lx->tok_line, "Unknown symbol '%s' in address",
				    first.sym ? first.sym->name : "_");
		if (first.kind == O_SREG)
			build_error(ps->b, lx->tok_line, "Special register not allowed in address");
		if (first.kind == O_REG)
			parse_offset(ps, &first);
		/* name[index] was an address once. */
		if (lex_accept(lx, '[')) {
			first.imm = (uint64_t)first.imm + parse_constant(ps);
			lex_expect(lx, ']');
		}
	} else {
		first.kind = O_INT;
		first.imm = parse_constant(ps);
	}
	if (lex_accept(lx, ','))
		parse_elems(ps, &rest, ']', depth);
	else
		lex_expect(lx, ']');
	o->kind = O_ADDR;
	o->num = rest.num + 1;
	o->elems = build_alloc(ps->b, o->num * sizeof(*o->elems));
	o->imm = first.imm;
	first.imm = 0;
	o->elems[0] = first;
	if (rest.num)
		memcpy(o->elems + 1, rest.elems, rest.num * sizeof(*o->elems));
}

static void parse_literal(struct parser *ps, struct opnd *o)
{
	struct constant c = parse_expression(ps);

	o->kind = c.is_f32 ? O_F32 : c.is_float ? O_F64 : O_INT;
	o->imm = c.bits;
}

static void parse_operand(struct parser *ps, struct opnd *o, unsigned int depth)
{
	struct lexer *lx = &ps->lx;

	memset(o, 0, sizeof(*o));
	if (depth > 4)
		lex_syntax(lx);
	if (lx->tok == '!' || lx->tok == '-') {
		/* A sign before a name belongs to the operand, before anything else to the literal. */
		const char *p = lx->p;

		while (*p == ' ' || *p == '\t')
			p++;
		if (*p == '%' || *p == '_' || *p == '$' || (*p >= 'a' && *p <= 'z') ||
		    (*p >= 'A' && *p <= 'Z' && *p != 'W')) {
			o->negate = true;
			lex_next(lx);
		}
	}
	if (lx->tok == '{' && !o->negate) {
		lex_next(lx);
		parse_elems(ps, o, '}', depth);
		o->kind = O_VEC;
	} else if (lx->tok == '[' && !o->negate) {
		parse_address(ps, o, depth);
	} else if (lx->tok == TOK_NAME && !lex_is(lx, TOK_NAME, "WARP_SZ")) {
		bool negate = o->negate;

		parse_name(ps, o);
		o->negate = negate;
		/* name[index] */
		if (o->kind == O_SYM && lex_accept(lx, '[')) {
			o->imm = (uint64_t)o->imm + parse_constant(ps);
			lex_expect(lx, ']');
		}
	} else {
		parse_literal(ps, o);
	}
	if (lx->tok == '|' && (o->kind == O_REG || o->kind == O_SINK || o->kind == O_VEC)) {
		struct opnd *pair = build_alloc(ps->b, 2 * sizeof(*pair));

		lex_next(lx);
		pair[0] = *o;
		parse_operand(ps, &pair[1], depth + 1);
		memset(o, 0, sizeof(*o));
		o->kind = O_PAIR;
		o->num = 2;
		o->elems = pair;
	}
}

static struct stmt *new_stmt(struct parser *ps)
{
	struct func *func = ps->func;

	func->stmts = build_grow(ps->b, func->stmts, &func->cap_stmts, func->num_stmts + 1, sizeof(*func->stmts));
	return &func->stmts[func->num_stmts++];
}

/* ( list ) of a call. */
static void parse_call_list(struct parser *ps, struct opnd *o)
{
	lex_expect(&ps->lx, '(');
	parse_elems(ps, o, ')', 1);
	o->kind = O_LIST;
}

/* call{.uni} (rets), target, (params), table; as four operands. */
static uint32_t parse_call(struct parser *ps, struct opnd *opnds)
{
	struct lexer *lx = &ps->lx;
	uint32_t i;

	for (i = 0; i < 4; i++)
		memset(&opnds[i], 0, sizeof(opnds[i]));
	opnds[0].kind = O_LIST;
	opnds[2].kind = O_LIST;
	if (lx->tok == '(') {
		parse_call_list(ps, &opnds[0]);
		lex_expect(lx, ',');
	}
	parse_operand(ps, &opnds[1], 0);
	if (lex_accept(lx, ',')) {
		if (lx->tok == '(') {
			parse_call_list(ps, &opnds[2]);
			if (lex_accept(lx, ','))
				parse_operand(ps, &opnds[3], 0);
		} else {
			parse_operand(ps, &opnds[3], 0);
		}
	}
	return 4;
}

static void parse_instruction(struct parser *ps, uint32_t guard, bool negate)
{
	struct lexer *lx = &ps->lx;
	struct stmt stmt = { .guard = guard, .guard_negate = negate, .line = lx->tok_line };
	struct opnd opnds[MAX_OPNDS];
	const char *s;
	uint32_t len, n = 0;
	int op, mod;

	if (lx->tok != TOK_NAME)
		lex_syntax(lx);
	op = ptx_opcode_find(lx->s, lx->len);
	if (op < 0)
		build_error(ps->b, lx->tok_line, "Not a name of any known instruction: '%.*s'",
			    (int)(lx->len > 100 ? 100 : lx->len), lx->s);
	stmt.op = op;
	while (lex_suffix(lx, &s, &len)) {
		mod = ptx_modifier_find(s, len);
		if (mod < 0)
			build_error(ps->b, stmt.line, "Unknown modifier '.%.*s' for instruction '%s'",
				    (int)(len > 100 ? 100 : len), s, ptx_opcode_name(op));
		if (stmt.num_mods == STMT_MAX_MODS)
			build_error(ps->b, stmt.line, "Too many modifiers for instruction '%s'", ptx_opcode_name(op));
		stmt.mods[stmt.num_mods++] = mod;
	}
	lex_next(lx);
	if (op == PO_CALL) {
		n = parse_call(ps, opnds);
	} else if (lx->tok != ';') {
		do {
			if (n == MAX_OPNDS)
				build_error(ps->b, stmt.line, "Too many operands for instruction '%s'",
					    ptx_opcode_name(op));
			parse_operand(ps, &opnds[n++], 0);
		} while (lex_accept(lx, ','));
	}
	lex_expect(lx, ';');
	stmt.num_opnds = n;
	stmt.opnds = build_alloc(ps->b, (n + 1) * sizeof(*opnds));
	if (n)
		memcpy(stmt.opnds, opnds, n * sizeof(*opnds));
	*new_stmt(ps) = stmt;
}

static void parse_guarded(struct parser *ps)
{
	struct lexer *lx = &ps->lx;
	bool negate;
	uint32_t reg;
	struct sym *sym;

	lex_next(lx);
	negate = lex_accept(lx, '!');
	sym = lx->tok == TOK_NAME ? scope_resolve(ps->scope, lx->s, lx->len, &reg) : NULL;
	if (!sym || (sym->kind != SY_REG && sym->kind != SY_REGS) || sym->type != T_PRED)
		build_error(ps->b, lx->tok_line, "Predicate register expected after '@'");
	lex_next(lx);
	parse_instruction(ps, reg, negate);
}

static void parse_registers(struct parser *ps)
{
	struct lexer *lx = &ps->lx;
	uint32_t vec = 1;
	struct sym *sym;
	const char *name;
	uint32_t len;
	int type;
	int64_t n;

	if (lex_is(lx, TOK_DIRECTIVE, "v2") || lex_is(lx, TOK_DIRECTIVE, "v4")) {
		vec = lx->s[1] - '0';
		lex_next(lx);
	}
	type = parse_type(ps);
	if (!type || ptx_types[type].kind == TK_OPAQUE || (type_bits(type) < 8 && type != T_PRED))
		lex_syntax(lx);
	if (lex_is(lx, TOK_DIRECTIVE, "v2") || lex_is(lx, TOK_DIRECTIVE, "v4")) {
		vec = lx->s[1] - '0';
		lex_next(lx);
	}
	do {
		if (lx->tok != TOK_NAME)
			lex_syntax(lx);
		name = lx->s;
		len = lx->len;
		lex_next(lx);
		if (lex_accept(lx, '<')) {
			n = parse_count(ps);
			if (n < 0 || n > (1 << 20))
				build_error(ps->b, lx->tok_line, "Number of registers %lld out of range",
					    (long long)n);
			lex_expect(lx, '>');
			sym = scope_add(ps->b, ps->scope, name, len, SY_REGS);
			sym->type = type;
			sym->count = n;
			sym->reg = parse_new_regs(ps, type, n);
		} else {
			sym = parse_define_name(ps, name, len, SY_REG);
			sym->type = type;
			sym->vec = vec;
			sym->reg = parse_new_regs(ps, type, vec);
		}
	} while (lex_accept(lx, ','));
	lex_expect(lx, ';');
}

/* label: .branchtargets, .calltargets or .callprototype */
static bool parse_table(struct parser *ps, const char *name, uint32_t len)
{
	struct lexer *lx = &ps->lx;
	struct opnd list = { 0 };
	struct scope *outer;
	struct func *func;
	const char *ignored;
	struct sym *sym;

	if (lex_is(lx, TOK_DIRECTIVE, "branchtargets") || lex_is(lx, TOK_DIRECTIVE, "calltargets")) {
		lex_next(lx);
		parse_elems(ps, &list, ';', 0);
		sym = parse_define_name(ps, name, len, SY_TABLE);
		sym->entries = list.elems;
		sym->count = list.num;
		return true;
	}
	if (lex_is(lx, TOK_DIRECTIVE, "callprototype")) {
		lex_next(lx);
		func = build_alloc(ps->b, sizeof(*func));
		sym = parse_define_name(ps, name, len, SY_PROTO);
		sym->func = func;
		func->sym = sym;
		func->local_align = 1;
		outer = ps->scope;
		ps->scope = scope_open(ps->b, NULL);
		parse_signature(ps, func, &ignored, &len);
		ps->scope = outer;
		lex_expect(lx, ';');
		return true;
	}
	return false;
}

static void parse_label(struct parser *ps)
{
	struct lexer *lx = &ps->lx;
	const char *name = lx->s;
	uint32_t len = lx->len, line = lx->tok_line;
	struct stmt *stmt;
	struct sym *sym;

	lex_next(lx);
	lex_next(lx);
	if (parse_table(ps, name, len))
		return;
	/* What follows the label may be lines further down. */
	if (scope_find(ps->scope, name, len))
		build_error(ps->b, line, "Duplicate definition of '%.*s'", (int)(len > 100 ? 100 : len), name);
	sym = parse_define_name(ps, name, len, SY_LABEL);
	sym->reg = ps->func->num_stmts;
	stmt = new_stmt(ps);
	stmt->op = PO_LABEL;
	stmt->guard = STMT_NO_GUARD;
	stmt->line = line;
}

static bool at_label(const struct lexer *lx)
{
	const char *p = lx->p;

	while (*p == ' ' || *p == '\t')
		p++;
	return p[0] == ':' && p[1] != ':';
}

static void parse_body_directive(struct parser *ps)
{
	static const struct {
		const char *name;
		int space;
	} spaces[] = {
		{ "local", SP_LOCAL }, { "param", SP_PARAM }, { "shared", SP_SHARED }, { "global", SP_GLOBAL },
		{ "const", SP_CONST },
	};
	struct lexer *lx = &ps->lx;
	int linkage = LK_STATIC;
	unsigned int i;

	if (lex_is(lx, TOK_DIRECTIVE, "loc") || lex_is(lx, TOK_DIRECTIVE, "file")) {
		lex_skip_line(lx);
		return;
	}
	if (lex_is(lx, TOK_DIRECTIVE, "reg")) {
		lex_next(lx);
		parse_registers(ps);
		return;
	}
	if (lex_is(lx, TOK_DIRECTIVE, "extern")) {
		linkage = LK_EXTERN;
		lex_next(lx);
	}
	for (i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		if (lex_is(lx, TOK_DIRECTIVE, spaces[i].name)) {
			lex_next(lx);
			parse_variable(ps, spaces[i].space, linkage);
			lex_expect(lx, ';');
			return;
		}
	}
	if (!parse_attribute(ps, ps->func))
		lex_syntax(lx);
	lex_accept(lx, ';');
}

void parse_body(struct parser *ps)
{
	struct lexer *lx = &ps->lx;
	uint32_t depth = 0;
	struct scope *inner;

	do {
		if (lx->tok == '{') {
			if (++depth > MAX_NESTING)
				lex_syntax(lx);
			inner = scope_open(ps->b, ps->scope);
			inner->local_top = ps->scope->local_top;
			ps->scope = inner;
			lex_next(lx);
		} else if (lx->tok == '}') {
			depth--;
			ps->scope = ps->scope->parent;
			lex_next(lx);
		} else if (lx->tok == '@' && lx->p[0] == '@') {
			lex_skip_line(lx);
		} else if (lx->tok == '@') {
			parse_guarded(ps);
		} else if (lx->tok == '#') {
			lex_skip_line(lx);
		} else if (lx->tok == TOK_NAME && at_label(lx)) {
			parse_label(ps);
		} else if (lx->tok == TOK_NAME) {
			parse_instruction(ps, STMT_NO_GUARD, false);
		} else if (lx->tok == ';') {
			lex_next(lx);
		} else if (lx->tok == TOK_DIRECTIVE) {
			parse_body_directive(ps);
		} else {
			lex_syntax(lx);
		}
	} while (depth);
}
