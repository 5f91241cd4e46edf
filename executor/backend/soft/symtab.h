/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef EXECUTOR_SOFT_SYMTAB_H
#define EXECUTOR_SOFT_SYMTAB_H

#include "ast.h"
#include "build.h"

/**
 * scope_open - makes an empty scope
 * @b: build
 * @parent: enclosing scope, or NULL
 */
struct scope *scope_open(struct build *b, struct scope *parent);

/**
 * scope_add - makes a symbol
 * @b: build
 * @scope: where
 * @name: name, need not be NUL-terminated
 * @len: bytes of it
 * @kind: enum sym_kind
 *
 * Does not look for one of the same name.
 */
struct sym *scope_add(struct build *b, struct scope *scope, const char *name, uint32_t len, int kind);

/**
 * scope_find - looks a name up in one scope
 * @scope: scope
 * @name: name
 * @len: bytes of it
 *
 * Return: the symbol, or NULL. Does not look into SY_REGS.
 */
struct sym *scope_find(const struct scope *scope, const char *name, uint32_t len);

/**
 * scope_resolve - looks a name up in a scope and those around it
 * @scope: innermost scope
 * @name: name
 * @len: bytes of it
 * @reg: out: virtual register, where the symbol is SY_REG or SY_REGS
 *
 * Return: the symbol, or NULL.
 */
struct sym *scope_resolve(const struct scope *scope, const char *name, uint32_t len, uint32_t *reg);

#endif
