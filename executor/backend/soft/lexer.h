/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef EXECUTOR_SOFT_LEXER_H
#define EXECUTOR_SOFT_LEXER_H

#include <stdbool.h>
#include <stdint.h>

#include "build.h"

enum token_kind {
	TOK_END = 0,
	/* Punctuation is its own character. */
	TOK_NAME = 256,
	TOK_DIRECTIVE,	/* text without the dot */
	TOK_INT,
	TOK_F32,	/* 0f: bits in value */
	TOK_F64,	/* bits in value */
	TOK_STRING,	/* text without the quotes */
	TOK_SHL,
	TOK_SHR,
	TOK_LE,
	TOK_GE,
	TOK_EQ,
	TOK_NE,
	TOK_AND,
	TOK_OR,
};

/**
 * struct lexer - position in a text
 * @b: build, for errors
 * @p: next character; the text ends in NUL
 * @line: of @p
 * @tok: enum token_kind or character of the current token
 * @tok_line: line at which it begins
 * @s: its text
 * @len: bytes of @s
 * @value: TOK_INT: value; TOK_F32, TOK_F64: bits
 * @is_unsigned: TOK_INT with suffix U or beyond INT64_MAX
 * @spaced: white space stands before it
 */
struct lexer {
	struct build *b;
	const char *p;
	uint32_t line;
	int tok;
	uint32_t tok_line;
	const char *s;
	uint32_t len;
	uint64_t value;
	bool is_unsigned;
	bool spaced;
};

/**
 * lex_start - reads the first token
 * @lx: lexer
 * @b: build
 * @text: NUL-terminated
 */
void lex_start(struct lexer *lx, struct build *b, const char *text);

/**
 * lex_next - reads the next token
 * @lx: lexer
 */
void lex_next(struct lexer *lx);

/**
 * lex_suffix - reads ".name" directly at the current position of the text, where the token read last is a name
 * @lx: lexer
 * @s: out: name without the dot; may contain "::"
 * @len: out: bytes of it
 *
 * Return: whether there was one. The current token stays.
 */
bool lex_suffix(struct lexer *lx, const char **s, uint32_t *len);

/**
 * lex_is - tells whether the current token is a given name or directive
 * @lx: lexer
 * @tok: TOK_NAME or TOK_DIRECTIVE
 * @text: its text
 */
bool lex_is(const struct lexer *lx, int tok, const char *text);

/**
 * lex_accept - skips the current token if it is a given one
 * @lx: lexer
 * @tok: token
 *
 * Return: whether it was.
 */
bool lex_accept(struct lexer *lx, int tok);

/**
 * lex_expect - skips a given token; fails the build where the current is another
 * @lx: lexer
 * @tok: token
 */
void lex_expect(struct lexer *lx, int tok);

/**
 * lex_syntax - fails the build at the current token
 * @lx: lexer
 */
void lex_syntax(struct lexer *lx) __attribute__((noreturn));

/**
 * lex_skip_braces - skips a balanced { ... } without looking into it; the current token is {
 * @lx: lexer
 */
void lex_skip_braces(struct lexer *lx);

/**
 * lex_skip_line - goes to the first token of the next line
 * @lx: lexer
 */
void lex_skip_line(struct lexer *lx);

#endif
