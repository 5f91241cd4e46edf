/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* What the passes of a module load share: memory, messages, the way out on an error. */
#ifndef EXECUTOR_SOFT_BUILD_H
#define EXECUTOR_SOFT_BUILD_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "ptx.h"

/**
 * struct build - a module load under way
 * @arena: memory of the passes, freed at the end of the load
 * @keep: memory of the module
 * @log: caller's log, or NULL
 * @input: name of the text for messages
 * @result: what ptx_module_load() returns after a failure
 * @fail: where a failure goes
 * @uses_printf: a call of vprintf or __assertfail was decoded
 * @uses_malloc: a call of malloc was decoded
 * @blocks: growable arrays, freed at the end of the load
 */
struct build {
	struct arena arena;
	struct arena *keep;
	struct ptx_log *log;
	const char *input;
	int result;
	bool uses_printf;
	bool uses_malloc;
	jmp_buf fail;
	struct build_block *blocks;
};

/**
 * build_alloc - takes zeroed memory that lives until the end of the load; fails the build where there is none
 * @b: build
 * @size: bytes
 */
void *build_alloc(struct build *b, size_t size);

/**
 * build_keep - takes zeroed memory that lives as long as the module
 * @b: build
 * @size: bytes
 */
void *build_keep(struct build *b, size_t size);

/**
 * build_grow - makes room in a growable array
 * @b: build
 * @array: the array, made by build_grow() or NULL
 * @cap: elements that it has room for; updated
 * @need: elements that it shall have room for
 * @size: bytes of an element
 *
 * New elements are zero. The array lives until the end of the load or build_release().
 *
 * Return: the array, which may have moved.
 */
void *build_grow(struct build *b, void *array, uint32_t *cap, uint32_t need, size_t size);

/**
 * build_release - frees a growable array early
 * @b: build
 * @array: array, or NULL
 */
void build_release(struct build *b, void *array);

/**
 * build_error - writes a message and ends the load
 * @b: build
 * @line: line of the text, or 0
 * @fmt: message
 */
void build_error(struct build *b, uint32_t line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/**
 * build_fail - as build_error(), with the result to return
 * @b: build
 * @result: enum ptx_result
 * @line: line of the text, or 0
 * @fmt: message
 */
void build_fail(struct build *b, int result, uint32_t line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 4, 5)));

/**
 * build_warn - writes a message and goes on
 * @b: build
 * @line: line of the text, or 0
 * @fmt: message
 */
void build_warn(struct build *b, uint32_t line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/**
 * build_end - frees what the passes used
 * @b: build
 */
void build_end(struct build *b);

#endif
