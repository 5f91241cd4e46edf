/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * DOC: Decoded code
 *
 * A function is decoded once into an array of struct insn. An instruction runs over the 32 lanes of a warp at a time.
 *
 * Registers live in rows, one lane beside the other. There are three files, each with a base for the current
 * frame and a base for the constants of the function:
 *
 *	W	rows of 32 32-bit values; 8- and 16-bit registers too, whose upper bits are then unspecified
 *	D	rows of 32 64-bit values
 *	P	32-bit words, one bit a lane: predicates and the carry flag
 *
 * Lanes that have diverged may be in different functions whose frames overlap in a file: since a lane only touches
 * its own column of its own file, they do not disturb each other.
 *
 * An operand is a byte offset in its file with bit 0 telling frame (0) from constants (1).
 */
#ifndef EXECUTOR_SOFT_INSN_H
#define EXECUTOR_SOFT_INSN_H

#include <stdbool.h>
#include <stdint.h>

#define LANES		32
#define FULL_MASK	0xffffffffu
#define W_ROW		(LANES * 4u)
#define D_ROW		(LANES * 8u)
#define P_ROW		4u
#define NO_GUARD	UINT32_MAX

struct warp;
struct insn;
struct func;
struct ptx_function;

/**
 * typedef exec_fn - runs one instruction
 * @w: warp; the bases of its register files are those of the current frame
 * @i: the instruction
 * @m: lanes for which it runs; not zero
 *
 * Return: next instruction; NULL where the warp has to stop, see enum warp_state.
 */
typedef const struct insn *(*exec_fn)(struct warp *w, const struct insn *i, uint32_t m);

/**
 * struct insn - one decoded instruction
 * @fn: runs it
 * @o: operands; o[0] is the result where there is one
 * @guard: operand of the guard predicate, or NO_GUARD
 * @line: line of the PTX text
 * @imm: number, address, or pointer, as the instruction defines
 * @ext: further operands
 * @op: enum exec_op
 * @aux: second enum exec_op or number, as the instruction defines
 * @guard_negate: all ones where the guard is negated
 * @x: small number, as the instruction defines
 * @y: likewise
 */
struct insn {
	exec_fn fn;
	uint32_t o[5];
	uint32_t guard;
	uint32_t guard_negate;
	uint32_t line;
	union {
		uint64_t imm;
		const void *ptr;
		const struct insn *target;
		exec_fn fn2;
	};
	const uint32_t *ext;
	uint16_t op;
	uint16_t aux;
	uint16_t x;
	uint16_t y;
};

/**
 * struct code - decoded body of a function
 * @insns: instructions; the last is one that does not fall through
 * @num_insns: their number
 * @name: name of the function
 * @w_rows: rows of a frame
 * @d_rows: rows of a frame
 * @p_rows: words of a frame
 * @w_const: constants, W_ROW bytes each
 * @d_const: constants, D_ROW bytes each
 * @p_const: constants
 * @local_size: bytes of local frame
 * @param_bytes: bytes of formal parameters and return values at the start of the local frame
 * @num_formals: entries of @formals
 * @formals: formal parameters, then return values
 * @num_params: how many of @formals are parameters
 * @is_entry: a kernel
 * @uses_alloca: alloca occurs in it
 * @stack_bound: bytes of local memory that a call of it can need; UINT32_MAX where recursion leaves it open
 * @regs_bound: bytes of register rows likewise
 * @num_regs: 32-bit registers of a thread, for attributes
 * @handle: what a function pointer to it holds
 */
struct code {
	struct insn *insns;
	uint32_t num_insns;
	const char *name;
	uint32_t w_rows;
	uint32_t d_rows;
	uint32_t p_rows;
	char *w_const;
	char *d_const;
	char *p_const;
	uint32_t local_size;
	uint32_t param_bytes;
	uint32_t num_formals;
	uint32_t num_params;
	struct formal *formals;
	bool is_entry;
	bool uses_alloca;
	uint32_t stack_bound;
	uint32_t num_regs;
	uint64_t handle;
};

enum formal_kind {
	FORMAL_MEM, FORMAL_W, FORMAL_D, FORMAL_P,
};

/**
 * struct formal - a formal parameter or return value
 * @kind: in the local frame, or a register
 * @size: bytes
 * @at: offset in the local frame, or operand
 */
struct formal {
	uint8_t kind;
	uint32_t size;
	uint32_t at;
};

/**
 * struct call_site - what a call passes, pointed to by struct insn
 * @num_args: entries of @args: parameters, then return values
 * @num_params: how many are parameters
 * @target: callee of a direct call
 * @builtin: enum builtin of a call to a function that the interpreter provides, or 0
 * @args: in the caller's frame
 */
struct call_site {
	uint32_t num_args;
	uint32_t num_params;
	const struct code *target;
	uint32_t builtin;
	struct formal *args;
};

enum builtin {
	BUILTIN_NONE, BUILTIN_VPRINTF, BUILTIN_MALLOC, BUILTIN_FREE, BUILTIN_ASSERTFAIL,
};

#define X(name) XO_##name,
enum exec_op {
	XO_none,
#include "ops.def"
	XO_COUNT
};
#undef X

/**
 * struct exec_table - handlers compiled for one instruction set
 * @name: of the instruction set
 * @fn: by enum exec_op
 */
struct exec_table {
	const char *name;
	exec_fn fn[XO_COUNT];
};

/**
 * exec_select - the handlers that suit this CPU best
 */
const struct exec_table *exec_select(void);

/**
 * exec_op_name - name of a handler, for dumps
 * @op: enum exec_op
 */
const char *exec_op_name(unsigned int op);

#endif
