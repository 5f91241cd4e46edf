/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Functions that the interpreter provides to kernels, and function pointers. */
#ifndef EXECUTOR_SOFT_BUILTIN_H
#define EXECUTOR_SOFT_BUILTIN_H

#include "machine.h"

/**
 * builtin_find - looks a function of the runtime up
 * @name: name
 *
 * Return: enum builtin, BUILTIN_NONE where there is none of the name.
 */
int builtin_find(const char *name);

/**
 * builtin_call - runs one for each lane
 * @w: warp
 * @i: the call
 * @m: lanes
 * @site: what it passes
 *
 * Return: next instruction, or NULL after a fault.
 */
const struct insn *builtin_call(struct warp *w, const struct insn *i, uint32_t m, const struct call_site *site);

/**
 * builtin_code_of - finds the function that a pointer means
 * @w: warp
 * @handle: value of the pointer
 *
 * Return: the function, or NULL.
 */
const struct code *builtin_code_of(struct warp *w, uint64_t handle);

/**
 * builtin_matches - tells whether a function can be called with what a call passes
 * @site: call
 * @code: function
 */
bool builtin_matches(const struct call_site *site, const struct code *code);

#endif
