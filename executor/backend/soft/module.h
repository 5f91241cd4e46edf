/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef EXECUTOR_SOFT_MODULE_H
#define EXECUTOR_SOFT_MODULE_H

#include "arena.h"
#include "ast.h"
#include "build.h"
#include "insn.h"
#include "ptx.h"

/* What function pointers hold: small numbers that are no data address. */
#define HANDLE_BASE	0x1000ull
#define HANDLE_STEP	0x80ull

/**
 * struct ptx_function - a kernel
 * @info: attributes
 * @code: decoded body
 * @module: module
 * @recursive: its stack is bounded by the limit alone
 */
struct ptx_function {
	struct ptx_function_info info;
	const struct code *code;
	struct ptx_module *module;
	bool recursive;
};

/**
 * struct module_global - a variable that the host can find
 * @name: its name
 * @addr: device address
 * @size: bytes
 */
struct module_global {
	const char *name;
	uint64_t addr;
	uint64_t size;
};

/**
 * struct ptx_module - see ptx.h
 * @arena: all of its memory but the variables
 * @va: where the variables are from
 * @data: device address of the variables
 * @data_size: bytes of them
 * @functions: kernels
 * @num_functions: their number
 * @globals: variables
 * @num_globals: their number
 * @codes: functions by handle
 * @num_codes: their number
 * @uses_printf: vprintf or __assertfail is called
 * @uses_malloc: malloc is called
 */
struct ptx_module {
	struct arena arena;
	struct soft_va_ops va;
	uint64_t data;
	uint64_t data_size;
	struct ptx_function *functions;
	uint32_t num_functions;
	struct module_global *globals;
	uint32_t num_globals;
	struct code **codes;
	uint32_t num_codes;
	bool uses_printf;
	bool uses_malloc;
};

/**
 * struct linker - units being put together
 * @b: build
 * @units: the texts
 * @num_units: their number
 * @table: names that units share
 * @funcs: all defined functions
 * @num_funcs: their number
 * @cap_funcs: allocated
 */
struct linker {
	struct build *b;
	struct unit **units;
	uint32_t num_units;
	struct scope *table;
	struct func **funcs;
	uint32_t num_funcs;
	uint32_t cap_funcs;
};

/**
 * link_units - finds the definition of every name, and lists the functions
 * @ln: linker with build and units
 */
void link_units(struct linker *ln);

/**
 * link_shared - places shared variables, so that those of one kernel do not overlap
 * @ln: linker after link_units(); every function's @link_info holds the call graph afterwards
 *
 * Fails the build where a kernel has too many.
 */
void link_shared(struct linker *ln);

/**
 * struct func_reach - what a kernel reaches by calls
 * @shared_size: bytes of static shared memory
 * @local_size: bytes of local memory on the deepest path
 * @recursive: the path is not bounded
 * @num_regs: most registers of any function
 */
struct func_reach {
	uint32_t shared_size;
	uint32_t local_size;
	bool recursive;
	uint32_t num_regs;
};

/**
 * link_reach - sums up what a kernel needs, after decoding
 * @ln: linker
 * @index: of the kernel in @ln->funcs
 */
struct func_reach link_reach(struct linker *ln, uint32_t index);

#endif
