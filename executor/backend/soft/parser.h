/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef EXECUTOR_SOFT_PARSER_H
#define EXECUTOR_SOFT_PARSER_H

#include "ast.h"
#include "build.h"
#include "lexer.h"

/**
 * struct parser - a text being parsed
 * @lx: lexer
 * @b: build
 * @unit: what becomes of it
 * @func: function whose body is being parsed, or NULL
 * @scope: innermost scope
 */
struct parser {
	struct lexer lx;
	struct build *b;
	struct unit *unit;
	struct func *func;
	struct scope *scope;
};

/**
 * parse_unit - parses one PTX text; fails the build on an error
 * @b: build
 * @text: NUL-terminated; lives until the end of the load
 * @name: for messages
 */
struct unit *parse_unit(struct build *b, const char *text, const char *name);

/* Between the files of the parser. */

/**
 * parse_body - parses the body of a function; the current token is its opening brace
 * @ps: parser, whose func and scope are set
 */
void parse_body(struct parser *ps);

/**
 * parse_variable - parses a declaration of variables; the current token follows the state space
 * @ps: parser
 * @space: enum var_space
 * @linkage: enum linkage
 */
void parse_variable(struct parser *ps, int space, int linkage);

/**
 * parse_signature - parses return values, name, parameters and attributes of a function
 * @ps: parser
 * @func: where they go
 * @name: out: name
 * @len: out: bytes of it
 */
void parse_signature(struct parser *ps, struct func *func, const char **name, uint32_t *len);

/**
 * parse_attribute - parses a performance or other directive of a function, if the current token is one
 * @ps: parser
 * @func: function
 *
 * Return: whether it was.
 */
bool parse_attribute(struct parser *ps, struct func *func);

/**
 * parse_constant - parses a constant expression of integers
 * @ps: parser
 */
int64_t parse_constant(struct parser *ps);

/**
 * parse_count - parses the number in name<number>
 * @ps: parser
 */
int64_t parse_count(struct parser *ps);

/**
 * struct constant - value of a constant expression
 * @is_float: @bits are of a double
 * @is_f32: @bits are of a float
 * @is_unsigned: integer operations are unsigned
 * @bits: value
 */
struct constant {
	bool is_float;
	bool is_f32;
	bool is_unsigned;
	uint64_t bits;
};

/**
 * parse_expression - parses a constant expression
 * @ps: parser
 */
struct constant parse_expression(struct parser *ps);

/**
 * parse_type - finds a type by the current directive
 * @ps: parser
 *
 * Return: enum ptx_type, or T_NONE where the token is none.
 */
int parse_type(struct parser *ps);

/**
 * parse_define_name - makes a symbol in the innermost scope; fails the build where the name is taken there
 * @ps: parser
 * @name: name
 * @len: bytes of it
 * @kind: enum sym_kind
 */
struct sym *parse_define_name(struct parser *ps, const char *name, uint32_t len, int kind);

/**
 * parse_new_regs - makes virtual registers
 * @ps: parser
 * @type: enum ptx_type
 * @count: how many
 *
 * Return: number of the first.
 */
uint32_t parse_new_regs(struct parser *ps, int type, uint32_t count);

/**
 * parse_parameter - parses one parameter of a function
 * @ps: parser, whose func and scope are set
 * @func: the function
 * @top: end of the segment that it is placed in; updated
 *
 * Return: SY_VAR or SY_REG.
 */
struct sym *parse_parameter(struct parser *ps, struct func *func, uint32_t *top);

/**
 * parse_layout - places a variable in a segment
 * @ps: parser
 * @var: variable; its addr is set
 * @top: end of the segment; updated
 */
void parse_layout(struct parser *ps, struct var *var, uint32_t *top);

#endif
