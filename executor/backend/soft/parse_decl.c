// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Declarations: constant expressions, types, variables and their initialisers. */
#include <string.h>

#include "float.h"
#include "parser.h"
#include "symtab.h"

#define MAX_DEPTH	64
#define MAX_VAR_SIZE	(1ull << 40)
#define MAX_INIT_SIZE	(1ull << 28)
#define MAX_REGS	(1u << 20)

static struct constant expr_ternary(struct parser *ps, unsigned int depth);

static double constant_double(struct constant c)
{
	double d;
	float f;
	uint32_t bits;

	if (c.is_f32) {
		bits = c.bits;
		memcpy(&f, &bits, sizeof(f));
		return f;
	}
	if (c.is_float) {
		memcpy(&d, &c.bits, sizeof(d));
		return d;
	}
	return c.is_unsigned ? (double)c.bits : (double)(int64_t)c.bits;
}

static struct constant constant_int(int64_t value, bool is_unsigned)
{
	return (struct constant){ .bits = value, .is_unsigned = is_unsigned };
}

static struct constant constant_from_double(double d)
{
	struct constant c = { .is_float = true };

	memcpy(&c.bits, &d, sizeof(d));
	return c;
}

static struct constant expr_primary(struct parser *ps, unsigned int depth)
{
	struct lexer *lx = &ps->lx;
	struct constant c = { 0 };

	if (depth > MAX_DEPTH)
		lex_syntax(lx);
	switch (lx->tok) {
	case TOK_INT:
		c = constant_int(lx->value, lx->is_unsigned);
		lex_next(lx);
		return c;
	case TOK_F32:
	case TOK_F64:
		c.is_float = true;
		c.is_f32 = lx->tok == TOK_F32;
		c.bits = lx->value;
		lex_next(lx);
		return c;
	case '-':
		lex_next(lx);
		c = expr_primary(ps, depth + 1);
		if (c.is_f32)
			c.bits ^= 0x80000000u;
		else if (c.is_float)
			c.bits ^= 1ull << 63;
		else
			c.bits = -c.bits;
		return c;
	case '+':
		lex_next(lx);
		return expr_primary(ps, depth + 1);
	case '~':
		lex_next(lx);
		c = expr_primary(ps, depth + 1);
		if (c.is_float)
			lex_syntax(lx);
		c.bits = ~c.bits;
		return c;
	case '!':
		lex_next(lx);
		c = expr_primary(ps, depth + 1);
		return constant_int(constant_double(c) == 0, false);
	case '(':
		lex_next(lx);
		if (lx->tok == TOK_DIRECTIVE) {
			bool is_unsigned = lex_is(lx, TOK_DIRECTIVE, "u64");

			if (!is_unsigned && !lex_is(lx, TOK_DIRECTIVE, "s64"))
				lex_syntax(lx);
			lex_next(lx);
			lex_expect(lx, ')');
			c = expr_primary(ps, depth + 1);
			if (c.is_float)
				lex_syntax(lx);
			c.is_unsigned = is_unsigned;
			return c;
		}
		c = expr_ternary(ps, depth + 1);
		lex_expect(lx, ')');
		return c;
	case TOK_NAME:
		if (lex_is(lx, TOK_NAME, "WARP_SZ")) {
			lex_next(lx);
			return constant_int(PTX_WARP_SIZE, false);
		}
	}
	lex_syntax(lx);
}

static unsigned int precedence(int tok)
{
	switch (tok) {
	case '*': case '/': case '%':
		return 10;
	case '+': case '-':
		return 9;
	case TOK_SHL: case TOK_SHR:
		return 8;
	case '<': case '>': case TOK_LE: case TOK_GE:
		return 7;
	case TOK_EQ: case TOK_NE:
		return 6;
	case '&':
		return 5;
	case '^':
		return 4;
	case '|':
		return 3;
	case TOK_AND:
		return 2;
	case TOK_OR:
		return 1;
	}
	return 0;
}

static struct constant float_binary(struct parser *ps, int op, double a, double b)
{
	switch (op) {
	case '+':
		return constant_from_double(a + b);
	case '-':
		return constant_from_double(a - b);
	case '*':
		return constant_from_double(a * b);
	case '/':
		return constant_from_double(a / b);
	case '<':
		return constant_int(a < b, false);
	case '>':
		return constant_int(a > b, false);
	case TOK_LE:
		return constant_int(a <= b, false);
	case TOK_GE:
		return constant_int(a >= b, false);
	case TOK_EQ:
		return constant_int(a == b, false);
	case TOK_NE:
		return constant_int(a != b, false);
	}
	lex_syntax(&ps->lx);
}

static struct constant int_binary(struct parser *ps, int op, struct constant x, struct constant y)
{
	bool u = x.is_unsigned || y.is_unsigned;
	uint64_t a = x.bits, b = y.bits;
	int64_t sa = a, sb = b;

	switch (op) {
	case '*':
		return constant_int(a * b, u);
	case '/':
	case '%':
		if (!b)
			build_error(ps->b, ps->lx.tok_line, "Division by zero in constant expression");
		if (!u && sb == -1)
			return constant_int(op == '/' ? -a : 0, u);
		if (op == '/')
			return constant_int(u ? a / b : (uint64_t)(sa / sb), u);
		return constant_int(u ? a % b : (uint64_t)(sa % sb), u);
	case '+':
		return constant_int(a + b, u);
	case '-':
		return constant_int(a - b, u);
	case TOK_SHL:
		return constant_int(b > 63 ? 0 : a << b, x.is_unsigned);
	case TOK_SHR:
		if (x.is_unsigned)
			return constant_int(b > 63 ? 0 : a >> b, true);
		return constant_int(sa >> (b > 63 ? 63 : b), false);
	case '<':
		return constant_int(u ? a < b : sa < sb, false);
	case '>':
		return constant_int(u ? a > b : sa > sb, false);
	case TOK_LE:
		return constant_int(u ? a <= b : sa <= sb, false);
	case TOK_GE:
		return constant_int(u ? a >= b : sa >= sb, false);
	case TOK_EQ:
		return constant_int(a == b, false);
	case TOK_NE:
		return constant_int(a != b, false);
	case '&':
		return constant_int(a & b, u);
	case '^':
		return constant_int(a ^ b, u);
	case '|':
		return constant_int(a | b, u);
	case TOK_AND:
		return constant_int(a && b, false);
	case TOK_OR:
		return constant_int(a || b, false);
	}
	lex_syntax(&ps->lx);
}

static struct constant expr_binary(struct parser *ps, unsigned int level, unsigned int depth)
{
	struct constant a, b;
	unsigned int prec;
	int op;

	if (depth > MAX_DEPTH)
		lex_syntax(&ps->lx);
	a = expr_primary(ps, depth + 1);
	while ((prec = precedence(ps->lx.tok)) >= level && prec) {
		op = ps->lx.tok;
		lex_next(&ps->lx);
		b = expr_binary(ps, prec + 1, depth + 1);
		if (a.is_float || b.is_float)
			a = float_binary(ps, op, constant_double(a), constant_double(b));
		else
			a = int_binary(ps, op, a, b);
	}
	return a;
}

static struct constant expr_ternary(struct parser *ps, unsigned int depth)
{
	struct constant c = expr_binary(ps, 1, depth), yes, no;

	if (!lex_accept(&ps->lx, '?'))
		return c;
	if (depth > MAX_DEPTH)
		lex_syntax(&ps->lx);
	yes = expr_ternary(ps, depth + 1);
	lex_expect(&ps->lx, ':');
	no = expr_ternary(ps, depth + 1);
	return constant_double(c) != 0 ? yes : no;
}

struct constant parse_expression(struct parser *ps)
{
	return expr_ternary(ps, 0);
}

int64_t parse_count(struct parser *ps)
{
	/* Operators that bind less than + would take the closing > for themselves. */
	struct constant c = expr_binary(ps, 8, 0);

	if (c.is_float)
		build_error(ps->b, ps->lx.tok_line, "Integer constant expected");
	return c.bits;
}

int64_t parse_constant(struct parser *ps)
{
	struct constant c = expr_ternary(ps, 0);

	if (c.is_float)
		build_error(ps->b, ps->lx.tok_line, "Integer constant expected");
	return c.bits;
}

int parse_type(struct parser *ps)
{
	int type;

	if (ps->lx.tok != TOK_DIRECTIVE)
		return T_NONE;
	type = ptx_modifier_find(ps->lx.s, ps->lx.len);
	if (type <= T_NONE || type >= T_COUNT)
		return T_NONE;
	lex_next(&ps->lx);
	return type;
}

struct sym *parse_define_name(struct parser *ps, const char *name, uint32_t len, int kind)
{
	if (scope_find(ps->scope, name, len))
		build_error(ps->b, ps->lx.tok_line, "Duplicate definition of '%.*s'", (int)(len > 100 ? 100 : len),
			    name);
	return scope_add(ps->b, ps->scope, name, len, kind);
}

uint32_t parse_new_regs(struct parser *ps, int type, uint32_t count)
{
	struct func *func = ps->func;
	uint32_t first = func->num_vregs;

	if (count > MAX_REGS || first + count > MAX_REGS)
		build_error(ps->b, ps->lx.tok_line, "Too many registers declared: more than %u", MAX_REGS);
	func->vregs = build_grow(ps->b, func->vregs, &func->cap_vregs, first + count, 1);
	if (count)
		memset(func->vregs + first, type, count);
	func->num_vregs += count;
	return first;
}

void parse_layout(struct parser *ps, struct var *var, uint32_t *top)
{
	uint64_t at = ((uint64_t)*top + var->align - 1) & ~(uint64_t)(var->align - 1);

	if (at + var->size > (1u << 30))
		build_error(ps->b, var->line, "Segment too large: %llu bytes", (unsigned long long)(at + var->size));
	var->addr = at;
	var->placed = true;
	*top = at + var->size;
}

static uint8_t *init_bytes(struct parser *ps, struct var *var, uint64_t offset, uint32_t bytes, uint32_t *cap)
{
	if (offset + bytes > MAX_INIT_SIZE)
		build_error(ps->b, ps->lx.tok_line, "Initializer too large: more than %llu bytes", MAX_INIT_SIZE);
	var->data = build_grow(ps->b, var->data, cap, offset + bytes, 1);
	if (var->data_len < offset + bytes)
		var->data_len = offset + bytes;
	return var->data + offset;
}

static void init_constant(struct parser *ps, struct var *var, uint64_t offset, struct constant c, uint32_t *cap)
{
	uint32_t bytes = type_bytes(var->type);
	uint64_t bits = c.bits;
	double d;
	float f;

	if (type_is_float(var->type) && !(c.is_f32 && bytes == 4)) {
		d = constant_double(c);
		if (var->type == T_F32) {
			f = d;
			bits = 0;
			memcpy(&bits, &f, sizeof(f));
		} else if (var->type == T_F64) {
			memcpy(&bits, &d, sizeof(d));
		} else if (var->type == T_F16 && c.is_float) {
			bits = (uint16_t)float_narrow(d, false, 10, 5, FR_NEAREST);
		}
	} else if (c.is_float && !type_is_float(var->type) && bytes == 4 && !c.is_f32) {
		f = constant_double(c);
		bits = 0;
		memcpy(&bits, &f, sizeof(f));
	}
	if (bytes > 8) {
		memcpy(init_bytes(ps, var, offset, bytes, cap), &bits, 8);
		return;
	}
	memcpy(init_bytes(ps, var, offset, bytes, cap), &bits, bytes);
}

/* An address: [mask] ( generic(name) | name ) [+|- constant]. */
static void init_address(struct parser *ps, struct var *var, uint64_t offset, uint64_t mask, uint32_t *cap)
{
	struct lexer *lx = &ps->lx;
	struct reloc *reloc = build_alloc(ps->b, sizeof(*reloc));
	uint32_t reg;

	if (lex_is(lx, TOK_NAME, "generic")) {
		lex_next(lx);
		lex_expect(lx, '(');
		reloc->sym = scope_resolve(ps->scope, lx->s, lx->len, &reg);
		if (lx->tok != TOK_NAME || !reloc->sym)
			build_error(ps->b, lx->tok_line, "Unknown symbol '%.*s'", (int)lx->len, lx->s);
		lex_next(lx);
		lex_expect(lx, ')');
	} else {
		reloc->sym = lx->tok == TOK_NAME ? scope_resolve(ps->scope, lx->s, lx->len, &reg) : NULL;
		if (!reloc->sym)
			build_error(ps->b, lx->tok_line, "Unknown symbol '%.*s'", (int)lx->len, lx->s);
		lex_next(lx);
	}
	if (reloc->sym->kind != SY_VAR && reloc->sym->kind != SY_FUNC)
		build_error(ps->b, lx->tok_line, "Address of '%s' cannot be taken", reloc->sym->name);
	while (lx->tok == '+' || lx->tok == '-') {
		bool minus = lx->tok == '-';

		lex_next(lx);
		reloc->addend += minus ? -(uint64_t)expr_primary(ps, 0).bits : (uint64_t)expr_primary(ps, 0).bits;
	}
	reloc->offset = offset;
	reloc->bytes = type_bytes(var->type) > 8 ? 8 : type_bytes(var->type);
	if (mask)
		reloc->shift = __builtin_ctzll(mask) & ~7u;
	reloc->next = var->relocs;
	var->relocs = reloc;
	init_bytes(ps, var, offset, type_bytes(var->type), cap);
}

static void init_item(struct parser *ps, struct var *var, uint64_t *offset, const uint64_t *dims,
		      unsigned int num_dims, uint32_t *cap, unsigned int depth)
{
	struct lexer *lx = &ps->lx;
	uint64_t start = *offset, span = (uint64_t)type_bytes(var->type) * var->vec;
	struct constant c;
	unsigned int i;

	if (depth > MAX_DEPTH)
		lex_syntax(lx);
	if (lex_accept(lx, '{')) {
		if (num_dims) {
			for (i = 1; i < num_dims; i++)
				span *= dims[i] ? dims[i] : 1;
		}
		while (lx->tok != '}') {
			init_item(ps, var, offset, dims + (num_dims ? 1 : 0), num_dims ? num_dims - 1 : 0, cap,
				  depth + 1);
			if (!lex_accept(lx, ','))
				break;
		}
		lex_expect(lx, '}');
		if (depth && num_dims && dims[0] && *offset < start + span * dims[0])
			*offset = start + span * dims[0];
		return;
	}
	if (lx->tok == TOK_STRING) {
		memcpy(init_bytes(ps, var, *offset, lx->len + 1, cap), lx->s, lx->len);
		*offset += lx->len + 1;
		lex_next(lx);
		return;
	}
	if (lx->tok == TOK_NAME && !lex_is(lx, TOK_NAME, "WARP_SZ")) {
		init_address(ps, var, *offset, 0, cap);
	} else {
		c = parse_expression(ps);
		if (lx->tok == '(' && !c.is_float) {
			lex_next(lx);
			init_address(ps, var, *offset, c.bits, cap);
			lex_expect(lx, ')');
		} else {
			init_constant(ps, var, *offset, c, cap);
		}
	}
	*offset += type_bytes(var->type);
}

static void parse_attributes_of_variable(struct parser *ps)
{
	lex_next(&ps->lx);
	lex_expect(&ps->lx, '(');
	while (ps->lx.tok != ')' && ps->lx.tok != TOK_END) {
		if (ps->lx.tok == '(') {
			while (ps->lx.tok != ')' && ps->lx.tok != TOK_END)
				lex_next(&ps->lx);
		}
		lex_next(&ps->lx);
	}
	lex_expect(&ps->lx, ')');
}

static uint32_t parse_align(struct parser *ps)
{
	int64_t align;

	lex_next(&ps->lx);
	align = parse_constant(ps);
	if (align <= 0 || align > 4096 || (align & (align - 1)))
		build_error(ps->b, ps->lx.tok_line, "Invalid alignment %lld: a power of two up to 4096 is needed",
			    (long long)align);
	return align;
}

/* Everything between the state space and the name: alignment, type, vector, .ptr and attributes. */
static void parse_var_type(struct parser *ps, struct var *var)
{
	struct lexer *lx = &ps->lx;
	uint32_t align = 0;
	int type;

	var->vec = 1;
	while (lx->tok == TOK_DIRECTIVE) {
		if (lex_is(lx, TOK_DIRECTIVE, "align")) {
			align = parse_align(ps);
		} else if (lex_is(lx, TOK_DIRECTIVE, "v2") || lex_is(lx, TOK_DIRECTIVE, "v4")) {
			var->vec = lx->s[1] - '0';
			lex_next(lx);
		} else if (lex_is(lx, TOK_DIRECTIVE, "ptr")) {
			/* What the pointer points to and how that is aligned is of no use here. */
			lex_next(lx);
			if (lex_is(lx, TOK_DIRECTIVE, "global") || lex_is(lx, TOK_DIRECTIVE, "shared") ||
			    lex_is(lx, TOK_DIRECTIVE, "local") || lex_is(lx, TOK_DIRECTIVE, "const"))
				lex_next(lx);
			if (lex_is(lx, TOK_DIRECTIVE, "align"))
				parse_align(ps);
		} else if (lex_is(lx, TOK_DIRECTIVE, "attribute")) {
			parse_attributes_of_variable(ps);
		} else {
			type = parse_type(ps);
			if (!type || var->type)
				lex_syntax(lx);
			var->type = type;
		}
	}
	if (!var->type || var->type == T_PRED)
		build_error(ps->b, lx->tok_line, "Type expected before '%.*s'", (int)lx->len, lx->s);
	var->align = type_bytes(var->type) * var->vec;
	if (align > var->align || (align && !var->align))
		var->align = align;
	if (align && align < var->align && align >= type_bytes(var->type))
		var->align = align;
}

static void parse_var_dims(struct parser *ps, struct var *var, uint64_t *dims, unsigned int *num_dims,
			   bool *open)
{
	struct lexer *lx = &ps->lx;
	uint64_t count = 1;
	int64_t n;

	*num_dims = 0;
	*open = false;
	while (lex_accept(lx, '[')) {
		var->is_array = true;
		if (*num_dims >= 8)
			lex_syntax(lx);
		if (lx->tok == ']') {
			if (*num_dims)
				lex_syntax(lx);
			*open = true;
			dims[(*num_dims)++] = 0;
		} else {
			n = parse_constant(ps);
			if (n < 0 || (uint64_t)n > MAX_VAR_SIZE || (n && count > MAX_VAR_SIZE / n))
				build_error(ps->b, lx->tok_line, "Array size %lld out of range", (long long)n);
			count *= n;
			dims[(*num_dims)++] = n;
		}
		lex_expect(lx, ']');
	}
	var->size = *open ? 0 : count * var->vec * type_bytes(var->type);
	if (var->size > MAX_VAR_SIZE)
		build_error(ps->b, lx->tok_line, "Variable too large: %llu bytes", (unsigned long long)var->size);
}

static void var_place(struct parser *ps, struct sym *sym)
{
	struct unit *unit = ps->unit;
	struct var *var = sym->var;

	if (var->space == SP_LOCAL || var->space == SP_PARAM) {
		if (!ps->func) {
			if (var->space == SP_PARAM)
				return;
			build_error(ps->b, var->line, "Local variable '%s' outside a function", sym->name);
		}
		parse_layout(ps, var, &ps->scope->local_top);
		if (ps->func->local_size < ps->scope->local_top)
			ps->func->local_size = ps->scope->local_top;
		if (ps->func->local_align < var->align)
			ps->func->local_align = var->align;
		return;
	}
	unit->vars = build_grow(ps->b, unit->vars, &unit->cap_vars, unit->num_vars + 1, sizeof(*unit->vars));
	unit->vars[unit->num_vars++] = sym;
}

static struct sym *var_declare(struct parser *ps, const struct var *var, const char *name, uint32_t len)
{
	struct scope *scope = ps->func ? ps->scope : ps->unit->globals;
	struct sym *sym = scope_find(scope, name, len);

	if (sym) {
		bool same = sym->kind == SY_VAR && sym->var->space == var->space && !ps->func;

		/* A declaration may stand beside the definition, in either order. */
		if (same && sym->var->linkage == LK_EXTERN)
			*sym->var = *var;
		else if (!same || var->linkage != LK_EXTERN)
			build_error(ps->b, var->line, "Duplicate definition of variable '%s'", sym->name);
		return NULL;
	}
	sym = scope_add(ps->b, scope, name, len, SY_VAR);
	sym->var = build_alloc(ps->b, sizeof(*var));
	*sym->var = *var;
	return sym;
}

void parse_variable(struct parser *ps, int space, int linkage)
{
	struct lexer *lx = &ps->lx;
	struct var common = { .space = space, .linkage = linkage }, var;
	unsigned int num_dims;
	uint64_t dims[9], offset;
	const char *name;
	struct sym *sym;
	uint32_t len, cap, count, i;
	bool open;

	parse_var_type(ps, &common);
	do {
		var = common;
		var.line = lx->tok_line;
		if (lx->tok != TOK_NAME)
			lex_syntax(lx);
		name = lx->s;
		len = lx->len;
		lex_next(lx);
		count = 0;
		if (lex_accept(lx, '<')) {
			int64_t n = parse_count(ps);

			if (n <= 0 || n > 65536)
				build_error(ps->b, lx->tok_line, "Invalid number of variables: %lld", (long long)n);
			count = n;
			lex_expect(lx, '>');
		}
		parse_var_dims(ps, &var, dims, &num_dims, &open);
		if (lex_accept(lx, '=')) {
			if (space != SP_GLOBAL && space != SP_CONST)
				build_error(ps->b, var.line, "Initializer not allowed in this state space");
			offset = 0;
			cap = 0;
			init_item(ps, &var, &offset, dims, num_dims, &cap, 0);
			if (open) {
				var.size = var.data_len;
				open = false;
			}
			if (var.data_len > var.size)
				build_error(ps->b, var.line, "Too many initializers for '%.*s'", (int)len, name);
		}
		if (open) {
			if (linkage != LK_EXTERN && space != SP_SHARED)
				build_error(ps->b, var.line, "Incomplete array '%.*s' needs .extern or an initializer",
					    (int)len, name);
			var.unsized = true;
		}
		for (i = 0; i < (count ? count : 1); i++) {
			char numbered[160];
			const char *n = name;
			uint32_t n_len = len;

			if (count) {
				if (len > 128)
					lex_syntax(lx);
				memcpy(numbered, name, len);
				n = numbered;
				n_len = len + __builtin_sprintf(numbered + len, "%u", i);
			}
			sym = var_declare(ps, &var, n, n_len);
			if (sym)
				var_place(ps, sym);
		}
	} while (lex_accept(lx, ','));
}

struct sym *parse_parameter(struct parser *ps, struct func *func, uint32_t *top)
{
	struct lexer *lx = &ps->lx;
	struct var var = { .space = SP_PARAM };
	unsigned int num_dims;
	uint64_t dims[9];
	struct sym *sym;
	bool open, is_reg;
	int type;

	is_reg = lex_is(lx, TOK_DIRECTIVE, "reg");
	if (!is_reg && !lex_is(lx, TOK_DIRECTIVE, "param"))
		lex_syntax(lx);
	lex_next(lx);
	if (is_reg) {
		if (func->entry)
			lex_syntax(lx);
		while (lex_is(lx, TOK_DIRECTIVE, "align"))
			parse_align(ps);
		type = parse_type(ps);
		if (!type || lx->tok != TOK_NAME)
			lex_syntax(lx);
		sym = parse_define_name(ps, lx->s, lx->len, SY_REG);
		sym->type = type;
		sym->reg = parse_new_regs(ps, type, 1);
		lex_next(lx);
		return sym;
	}
	parse_var_type(ps, &var);
	var.line = lx->tok_line;
	var.kernel_param = func->entry;
	var.func_param = !func->entry;
	if (lx->tok != TOK_NAME)
		lex_syntax(lx);
	/* The parameters of a .callprototype may all be called _. */
	if (lex_is(lx, TOK_NAME, "_"))
		sym = scope_add(ps->b, ps->scope, lx->s, lx->len, SY_VAR);
	else
		sym = parse_define_name(ps, lx->s, lx->len, SY_VAR);
	lex_next(lx);
	parse_var_dims(ps, &var, dims, &num_dims, &open);
	var.unsized = open;
	if (open)
		var.size = 0;
	parse_layout(ps, &var, top);
	if (func->local_align < var.align)
		func->local_align = var.align;
	sym->var = build_alloc(ps->b, sizeof(var));
	*sym->var = var;
	return sym;
}
