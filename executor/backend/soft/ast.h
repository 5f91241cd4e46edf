/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* What the parser makes of PTX: symbols, functions, statements. */
#ifndef EXECUTOR_SOFT_AST_H
#define EXECUTOR_SOFT_AST_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "opcode.h"
#include "types.h"

enum sym_kind {
	SY_REG,		/* one register */
	SY_REGS,	/* name<count> */
	SY_VAR,		/* variable or parameter */
	SY_FUNC,
	SY_LABEL,
	SY_PROTO,	/* .callprototype */
	SY_TABLE,	/* .branchtargets or .calltargets */
};

enum var_space {
	SP_GENERIC, SP_GLOBAL, SP_CONST, SP_SHARED, SP_LOCAL, SP_PARAM,
};

enum linkage {
	LK_STATIC, LK_EXTERN, LK_VISIBLE, LK_WEAK, LK_COMMON,
};

struct func;
struct sym;

/**
 * struct reloc - an address in an initialiser
 * @next: next of the variable
 * @offset: bytes from the start of the variable
 * @sym: whose address
 * @addend: added to it
 * @bytes: how many bytes are stored
 * @shift: bits by which the address is shifted right first
 */
struct reloc {
	struct reloc *next;
	uint64_t offset;
	struct sym *sym;
	int64_t addend;
	uint8_t bytes;
	uint8_t shift;
};

/**
 * struct var - a variable
 * @space: enum var_space
 * @type: enum ptx_type of an element
 * @linkage: enum linkage
 * @is_array: declared with brackets
 * @kernel_param: parameter of an .entry
 * @func_param: formal parameter or return value of a .func
 * @unsized: extern array without a size (dynamic shared memory)
 * @placed: @addr holds
 * @vec: elements of a vector type, 1 otherwise
 * @align: bytes
 * @size: bytes
 * @data: initial bytes
 * @data_len: how many of them; the rest is zero
 * @relocs: addresses in the initialiser
 * @addr: device address (.global, .const) or offset in its segment (.shared, .local, .param)
 * @line: of the declaration
 */
struct var {
	uint8_t space;
	uint8_t type;
	uint8_t linkage;
	bool is_array;
	bool kernel_param;
	bool func_param;
	bool unsized;
	bool placed;
	uint8_t vec;
	uint32_t align;
	uint64_t size;
	uint8_t *data;
	uint64_t data_len;
	struct reloc *relocs;
	uint64_t addr;
	uint32_t line;
};

/**
 * struct sym - a name
 * @next: in its bucket
 * @hash: of the name
 * @len: bytes of the name
 * @name: NUL-terminated
 * @kind: enum sym_kind
 * @type: SY_REG, SY_REGS: enum ptx_type
 * @reg: SY_REG, SY_REGS: (first) virtual register; SY_LABEL: statement, UINT32_MAX while undefined
 * @count: SY_REGS: registers; SY_TABLE: entries
 * @vec: SY_REG: elements of a vector register, 1 otherwise
 * @var: SY_VAR
 * @func: SY_FUNC, SY_PROTO
 * @entries: SY_TABLE
 * @link: definition that this declaration means, after linking
 */
struct sym {
	struct sym *next;
	uint32_t hash;
	uint32_t len;
	const char *name;
	uint8_t kind;
	uint8_t type;
	uint8_t vec;
	uint32_t reg;
	uint32_t count;
	union {
		struct var *var;
		struct func *func;
		struct opnd *entries;
	};
	struct sym *link;
};

/**
 * struct scope - names of a block
 * @parent: enclosing block, or NULL
 * @buckets: hash table, a power of two of buckets
 * @num_buckets: their number
 * @num: names
 * @has_regs: some are SY_REGS
 * @local_top: top of the local frame when the block was opened
 */
struct scope {
	struct scope *parent;
	struct sym **buckets;
	uint32_t num_buckets;
	uint32_t num;
	bool has_regs;
	uint32_t local_top;
};

enum opnd_kind {
	O_NONE,
	O_REG,		/* reg */
	O_INT,		/* imm */
	O_F32,		/* imm: bits */
	O_F64,		/* imm: bits */
	O_SYM,		/* sym + imm: address of a variable or function */
	O_SREG,		/* reg: enum sreg, sub: component */
	O_VEC,		/* elems[num] */
	O_ADDR,		/* [elems[0] + imm, elems[1..]] */
	O_LABEL,	/* sym */
	O_SINK,		/* _ */
	O_LIST,		/* (elems[num]) */
	O_PAIR,		/* elems[0] | elems[1] */
	O_NAME,		/* sym names what may be a label */
};

/**
 * struct opnd - an operand
 * @kind: enum opnd_kind
 * @negate: preceded by ! or -
 * @sub: component of a vector register or special register
 * @num: of @elems
 * @reg: virtual register
 * @imm: value or offset
 * @sym: symbol
 * @elems: parts
 * @scope: O_NAME: where the name was used
 */
struct opnd {
	uint8_t kind;
	bool negate;
	uint8_t sub;
	uint16_t num;
	uint32_t reg;
	int64_t imm;
	struct sym *sym;
	struct opnd *elems;
	struct scope *scope;
};

#define STMT_MAX_MODS	14
#define STMT_NO_GUARD	UINT32_MAX

/**
 * struct stmt - an instruction or a label
 * @op: enum ptx_opcode
 * @num_mods: modifiers
 * @mods: enum ptx_modifier
 * @num_opnds: operands
 * @guard_negate: @!p
 * @guard: virtual register of the guard predicate, or STMT_NO_GUARD
 * @line: line in the text
 * @opnds: operands
 */
struct stmt {
	uint16_t op;
	uint8_t num_mods;
	uint8_t num_opnds;
	bool guard_negate;
	uint8_t mods[STMT_MAX_MODS];
	uint32_t guard;
	uint32_t line;
	struct opnd *opnds;
};

struct code;

/**
 * struct func - a function, kernel or prototype
 * @sym: its name
 * @unit: text that it stands in
 * @entry: .entry
 * @defined: has a body
 * @noreturn: .noreturn
 * @linkage: enum linkage
 * @num_params: formal parameters
 * @num_rets: return values
 * @params: formal parameters: SY_VAR or SY_REG
 * @rets: return values
 * @param_size: bytes of the parameter segment (kernels)
 * @scope: names of the body
 * @stmts: body
 * @num_stmts: statements
 * @cap_stmts: allocated
 * @vregs: enum ptx_type of each virtual register
 * @num_vregs: virtual registers
 * @cap_vregs: allocated
 * @local_size: bytes of local frame, parameters of calls included
 * @local_align: strictest alignment in it
 * @maxntid: .maxntid, zeros where not given
 * @reqntid: .reqntid
 * @line: of its name
 * @index: among all defined functions of the module
 * @calls: functions that it calls
 * @num_calls: their number
 * @cap_calls: allocated
 * @calls_pointer: has indirect calls
 * @address_taken: its address is used
 * @shared: shared variables that it names
 * @num_shared: their number
 * @cap_shared: allocated
 * @shared_top: end of the static shared memory of a kernel
 * @alias: function that .alias names
 * @code: decoded body
 * @next: next of the unit
 */
struct func {
	struct sym *sym;
	struct unit *unit;
	bool entry;
	bool defined;
	bool noreturn;
	uint8_t linkage;
	uint32_t num_params;
	uint32_t num_rets;
	struct sym **params;
	struct sym **rets;
	uint32_t param_size;
	struct scope *scope;
	struct stmt *stmts;
	uint32_t num_stmts;
	uint32_t cap_stmts;
	uint8_t *vregs;
	uint32_t num_vregs;
	uint32_t cap_vregs;
	uint32_t local_size;
	uint32_t local_align;
	uint32_t maxntid[3];
	uint32_t reqntid[3];
	uint32_t line;
	uint32_t index;
	struct func **calls;
	uint32_t num_calls;
	uint32_t cap_calls;
	bool calls_pointer;
	bool address_taken;
	struct var **shared;
	uint32_t num_shared;
	uint32_t cap_shared;
	uint32_t shared_top;
	struct sym *alias;
	struct code *code;
	struct func *next;
};

/**
 * struct unit - one PTX text
 * @name: for messages
 * @version: 10 * major + minor
 * @target: number of sm_NN
 * @globals: names of the text
 * @funcs: functions in order
 * @last: where the next goes
 * @vars: SY_VAR symbols outside functions and .shared and .global ones inside, in order
 * @num_vars: their number
 * @cap_vars: allocated
 */
struct unit {
	const char *name;
	uint32_t version;
	uint32_t target;
	struct scope *globals;
	struct func *funcs;
	struct func **last;
	struct sym **vars;
	uint32_t num_vars;
	uint32_t cap_vars;
};

#endif
