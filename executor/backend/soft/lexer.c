// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include <stdlib.h>
#include <string.h>

#include "lexer.h"

enum {
	CC_SPACE = 1,
	CC_NAME = 2,	/* inside a name */
	CC_START = 4,	/* first of a name */
	CC_DIGIT = 8,
	CC_HEX = 16,
};

static const uint8_t char_class[256] = {
	[' '] = CC_SPACE, ['\t'] = CC_SPACE, ['\r'] = CC_SPACE, ['\f'] = CC_SPACE, ['\v'] = CC_SPACE,
	['a' ... 'f'] = CC_NAME | CC_START | CC_HEX, ['A' ... 'F'] = CC_NAME | CC_START | CC_HEX,
	['g' ... 'z'] = CC_NAME | CC_START, ['G' ... 'Z'] = CC_NAME | CC_START,
	['_'] = CC_NAME | CC_START, ['$'] = CC_NAME | CC_START, ['%'] = CC_START,
	['0' ... '9'] = CC_NAME | CC_DIGIT | CC_HEX,
};

static inline unsigned int class_of(char c)
{
	return char_class[(unsigned char)c];
}

static void skip_space(struct lexer *lx)
{
	const char *p = lx->p;

	for (;;) {
		if (class_of(*p) & CC_SPACE) {
			p++;
		} else if (*p == '\n') {
			lx->line++;
			p++;
		} else if (p[0] == '/' && p[1] == '/') {
			while (*p && *p != '\n')
				p++;
		} else if (p[0] == '/' && p[1] == '*') {
			p += 2;
			while (*p && !(p[0] == '*' && p[1] == '/')) {
				lx->line += *p == '\n';
				p++;
			}
			if (*p)
				p += 2;
		} else {
			break;
		}
	}
	lx->spaced = p != lx->p;
	lx->p = p;
}

static unsigned int hex_value(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void lex_number(struct lexer *lx)
{
	const char *p = lx->p, *start = p;
	uint64_t value = 0;
	unsigned int n, base = 10;
	char buf[64];
	double d;

	lx->is_unsigned = false;
	if (p[0] == '0' && (p[1] | 0x20) == 'f' && (class_of(p[2]) & CC_HEX)) {
		for (p += 2, n = 0; (class_of(*p) & CC_HEX) && n < 8; n++, p++)
			value = value << 4 | hex_value(*p);
		lx->tok = TOK_F32;
	} else if (p[0] == '0' && (p[1] | 0x20) == 'd' && (class_of(p[2]) & CC_HEX)) {
		for (p += 2, n = 0; (class_of(*p) & CC_HEX) && n < 16; n++, p++)
			value = value << 4 | hex_value(*p);
		lx->tok = TOK_F64;
	} else {
		lx->tok = TOK_INT;
		if (p[0] == '0' && (p[1] | 0x20) == 'x') {
			for (p += 2; class_of(*p) & CC_HEX; p++)
				value = value << 4 | hex_value(*p);
		} else if (p[0] == '0' && (p[1] | 0x20) == 'b') {
			for (p += 2; *p == '0' || *p == '1'; p++)
				value = value << 1 | (*p == '1');
		} else {
			while (class_of(*p) & CC_DIGIT)
				p++;
			if ((*p == '.' && ((class_of(p[1]) & CC_DIGIT) || !(class_of(p[1]) & CC_START))) ||
			    ((*p | 0x20) == 'e' && ((class_of(p[1]) & CC_DIGIT) || ((p[1] == '-' || p[1] == '+') &&
							(class_of(p[2]) & CC_DIGIT))))) {
				if (*p == '.')
					for (p++; class_of(*p) & CC_DIGIT; p++)
						;
				if ((*p | 0x20) == 'e') {
					p++;
					if (*p == '-' || *p == '+')
						p++;
					while (class_of(*p) & CC_DIGIT)
						p++;
				}
				n = p - start;
				if (n >= sizeof(buf))
					n = sizeof(buf) - 1;
				memcpy(buf, start, n);
				buf[n] = '\0';
				d = strtod(buf, NULL);
				memcpy(&value, &d, sizeof(value));
				lx->tok = TOK_F64;
			} else {
				base = start[0] == '0' ? 8 : 10;
				for (p = start; class_of(*p) & CC_DIGIT; p++)
					value = value * base + (*p - '0');
			}
		}
		if (lx->tok == TOK_INT) {
			lx->is_unsigned = value > INT64_MAX;
			if (*p == 'U' || *p == 'u') {
				lx->is_unsigned = true;
				p++;
			}
		}
	}
	lx->value = value;
	lx->s = start;
	lx->len = p - start;
	lx->p = p;
}

static int lex_operator(const char *p)
{
	static const struct {
		char text[3];
		int tok;
	} ops[] = {
		{ "<<", TOK_SHL }, { ">>", TOK_SHR }, { "<=", TOK_LE }, { ">=", TOK_GE }, { "==", TOK_EQ },
		{ "!=", TOK_NE }, { "&&", TOK_AND }, { "||", TOK_OR },
	};
	unsigned int i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (p[0] == ops[i].text[0] && p[1] == ops[i].text[1])
			return ops[i].tok;
	return 0;
}

void lex_next(struct lexer *lx)
{
	const char *p;
	int op;

	skip_space(lx);
	p = lx->p;
	lx->tok_line = lx->line;
	lx->s = p;
	if (class_of(*p) & CC_START) {
		for (p++; class_of(*p) & CC_NAME; p++)
			;
		lx->tok = TOK_NAME;
		lx->len = p - lx->s;
		lx->p = p;
	} else if (class_of(*p) & CC_DIGIT) {
		lex_number(lx);
	} else if (*p == '.' && (class_of(p[1]) & (CC_NAME | CC_START))) {
		lx->s = ++p;
		while (class_of(*p) & CC_NAME || (p[0] == ':' && p[1] == ':' && (class_of(p[2]) & CC_NAME)))
			p += *p == ':' ? 2 : 1;
		lx->tok = TOK_DIRECTIVE;
		lx->len = p - lx->s;
		lx->p = p;
	} else if (*p == '"') {
		for (p++; *p && *p != '"' && *p != '\n'; p++)
			if (p[0] == '\\' && p[1] && p[1] != '\n')
				p++;
		lx->tok = TOK_STRING;
		lx->s++;
		lx->len = p - lx->s;
		lx->p = *p == '"' ? p + 1 : p;
	} else if (!*p) {
		lx->tok = TOK_END;
		lx->len = 0;
	} else {
		op = lex_operator(p);
		lx->tok = op ? op : (unsigned char)*p;
		lx->len = op ? 2 : 1;
		lx->p = p + lx->len;
	}
}

void lex_start(struct lexer *lx, struct build *b, const char *text)
{
	lx->b = b;
	lx->p = text;
	lx->line = 1;
	lex_next(lx);
}

bool lex_suffix(struct lexer *lx, const char **s, uint32_t *len)
{
	const char *p = lx->p;

	if (*p != '.') {
		/* White space may stand before a modifier, but a line ends the instruction's name. */
		while (class_of(*p) & CC_SPACE)
			p++;
		if (*p != '.')
			return false;
	}
	if (!(class_of(p[1]) & CC_NAME))
		return false;
	*s = ++p;
	while (class_of(*p) & CC_NAME || (p[0] == ':' && p[1] == ':' && (class_of(p[2]) & CC_NAME)))
		p += *p == ':' ? 2 : 1;
	*len = p - *s;
	lx->p = p;
	return true;
}

bool lex_is(const struct lexer *lx, int tok, const char *text)
{
	return lx->tok == tok && !strncmp(lx->s, text, lx->len) && !text[lx->len];
}

bool lex_accept(struct lexer *lx, int tok)
{
	if (lx->tok != tok)
		return false;
	lex_next(lx);
	return true;
}

void lex_expect(struct lexer *lx, int tok)
{
	if (!lex_accept(lx, tok))
		lex_syntax(lx);
}

void lex_syntax(struct lexer *lx)
{
	uint32_t len = lx->len > 80 ? 80 : lx->len;

	if (lx->tok == TOK_END)
		build_error(lx->b, lx->tok_line, "Parsing error near end of text: syntax error");
	build_error(lx->b, lx->tok_line, "Parsing error near '%s%.*s': syntax error",
		    lx->tok == TOK_DIRECTIVE ? "." : "", (int)len, lx->s);
}

void lex_skip_braces(struct lexer *lx)
{
	uint32_t depth = 0;

	do {
		if (lx->tok == '{')
			depth++;
		else if (lx->tok == '}')
			depth--;
		else if (lx->tok == TOK_END)
			lex_syntax(lx);
		lex_next(lx);
	} while (depth);
}

void lex_skip_line(struct lexer *lx)
{
	while (*lx->p && *lx->p != '\n')
		lx->p++;
	lex_next(lx);
}
