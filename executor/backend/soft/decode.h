/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * DOC: Decoder
 *
 * decode_func() turns the statements of a function into struct insn. Each opcode has one decode function in a table; it checks the
 * modifiers and operands and emits one or several instructions. Operands are *values* (val_t): a virtual register or a constant, of one
 * of the three register files. Emitted instructions refer to values; when the whole function is there, regalloc_run() gives
 * them rows and writes the final operands.
 */
#ifndef EXECUTOR_SOFT_DECODE_H
#define EXECUTOR_SOFT_DECODE_H

#include "ast.h"
#include "build.h"
#include "insn.h"

enum reg_file {
	FILE_W, FILE_D, FILE_P,
	NUM_FILES
};

/* A virtual register, or a constant where bit 31 is set. */
typedef uint32_t val_t;

#define VAL_CONST	(1u << 31)
#define VAL_NONE	UINT32_MAX

/**
 * struct ref - one place in an instruction that refers to a value
 * @insn: number of the instruction
 * @slot: REF_O + k, REF_EXT + index in the function's ext array, REF_GUARD, REF_FORMAL + index
 * @val: value
 * @def: the value is written there
 * @partial: ... for some lanes only, or also read
 */
struct ref {
	uint32_t insn;
	uint32_t slot;
	val_t val;
	bool def;
	bool partial;
};

#define REF_O		0u
#define REF_GUARD	8u
#define REF_EXT		0x10000000u
#define REF_FORMAL	0x20000000u

/**
 * struct form - modifiers of the statement being decoded
 * @types: enum ptx_type, in order
 * @num_types: their number
 * @val: enum ptx_modifier by enum mod_category, 0 where there is none
 * @flags: MFLAG()
 */
struct form {
	uint8_t types[6];
	uint8_t num_types;
	uint8_t val[MC_NUM];
	uint64_t flags;
};

struct fixup;

/**
 * struct decoder - a function being decoded
 * @b: build
 * @func: function
 * @link: linker state, for symbols
 * @exec: handlers
 * @stmt: statement
 * @fm: its modifiers
 * @insns: emitted
 * @num_insns: their number
 * @cap_insns: allocated
 * @refs: references, in order of instructions
 * @num_refs: their number
 * @cap_refs: allocated
 * @files: enum reg_file of each virtual register
 * @num_vals: virtual registers
 * @cap_vals: allocated
 * @wide: for each 128-bit register of the function, the virtual register of its upper half
 * @consts: constants
 * @const_files: their files
 * @num_consts: their number
 * @cap_consts: allocated
 * @cap_const_files: allocated
 * @const_hash: table of constants
 * @cap_const_hash: its size
 * @ext: operands beyond those in struct insn
 * @num_ext: their number
 * @cap_ext: allocated
 * @labels: instruction at which each statement begins
 * @is_target: statement is a label that something branches to
 * @fixups: instructions that branch
 * @num_fixups: their number
 * @cap_fixups: allocated
 * @carry: virtual register of the carry flag, or VAL_NONE
 * @stack: virtual register that holds the dynamic stack at entry, or VAL_NONE
 * @sink: by file, a virtual register that nobody reads
 * @slots: register arguments of calls, whose places the register allocator fills in
 * @num_slots: their number
 * @cap_slots: allocated
 * @no_guard: what is emitted is not guarded
 * @code: result
 */
struct decoder {
	struct build *b;
	struct func *func;
	const struct exec_table *exec;
	const struct stmt *stmt;
	struct form fm;
	struct insn *insns;
	uint32_t num_insns;
	uint32_t cap_insns;
	struct ref *refs;
	uint32_t num_refs;
	uint32_t cap_refs;
	uint8_t *files;
	uint32_t num_vals;
	uint32_t cap_vals;
	uint32_t *wide;
	uint64_t *consts;
	uint8_t *const_files;
	uint32_t num_consts;
	uint32_t cap_consts;
	uint32_t cap_const_files;
	uint32_t *const_hash;
	uint32_t cap_const_hash;
	uint32_t *ext;
	uint32_t num_ext;
	uint32_t cap_ext;
	uint32_t *labels;
	bool *is_target;
	struct fixup *fixups;
	uint32_t num_fixups;
	uint32_t cap_fixups;
	val_t carry;
	val_t stack;
	val_t sink[NUM_FILES];
	struct formal **slots;
	uint32_t num_slots;
	uint32_t cap_slots;
	bool no_guard;
	struct code *code;
};

/**
 * struct fixup - a branch whose target is a statement
 * @insn: the branch, or the brx
 * @stmt: statement of the label
 * @ext: for brx: index in the ext array, else UINT32_MAX
 */
struct fixup {
	uint32_t insn;
	uint32_t stmt;
	uint32_t ext;
};

/**
 * decode_func - decodes the body of a function into func->code, which exists
 * @b: build
 * @func: defined function
 * @exec: handlers
 */
void decode_func(struct build *b, struct func *func, const struct exec_table *exec);

/**
 * regalloc_run - gives rows to values and writes the operands of all instructions
 * @dc: decoder that has emitted everything
 */
void regalloc_run(struct decoder *dc);

/* For the decode functions. */

/**
 * dc_error - fails the build at the statement
 * @dc: decoder
 * @fmt: message
 */
void dc_error(struct decoder *dc, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));

/**
 * dc_mismatch - fails the build: operands are not what the instruction takes
 * @dc: decoder
 */
void dc_mismatch(struct decoder *dc) __attribute__((noreturn));

/**
 * dc_bad_form - fails the build: modifiers are not what the instruction takes
 * @dc: decoder
 */
void dc_bad_form(struct decoder *dc) __attribute__((noreturn));

/**
 * dc_allow - checks that the statement has no modifiers but certain ones
 * @dc: decoder
 * @categories: bits of enum mod_category besides types and flags
 * @flags: MFLAG()s
 * @min_types: fewest types
 * @max_types: most types
 */
void dc_allow(struct decoder *dc, uint32_t categories, uint64_t flags, unsigned int min_types,
	      unsigned int max_types);

/**
 * dc_operands - checks the number of operands
 * @dc: decoder
 * @min: fewest
 * @max: most
 */
void dc_operands(struct decoder *dc, unsigned int min, unsigned int max);

#define CAT(c)	(1u << MC_##c)

/**
 * dc_has - tells whether the statement has a modifier
 * @dc: decoder
 * @mod: enum ptx_modifier
 */
bool dc_has(const struct decoder *dc, unsigned int mod);

static inline unsigned int dc_type(const struct decoder *dc)
{
	return dc->fm.types[0];
}

static inline const struct opnd *dc_opnd(const struct decoder *dc, unsigned int k)
{
	return &dc->stmt->opnds[k];
}

static inline bool dc_flag(const struct decoder *dc, uint64_t flag)
{
	return dc->fm.flags & flag;
}

static inline unsigned int file_of(unsigned int type)
{
	return type == T_PRED ? FILE_P : type_bits(type) > 32 ? FILE_D : FILE_W;
}

/**
 * dc_src - value of a source operand
 * @dc: decoder
 * @o: register, constant, special register, address of a symbol
 * @type: enum ptx_type that the instruction takes
 */
val_t dc_src(struct decoder *dc, const struct opnd *o, unsigned int type);

/**
 * dc_src_wide - as dc_src(), but the register may be wider than the type
 * @dc: decoder
 * @o: operand
 * @type: enum ptx_type
 *
 * Return: value; its file is that of the register.
 */
val_t dc_src_wide(struct decoder *dc, const struct opnd *o, unsigned int type);

/**
 * dc_dst - value of a destination operand
 * @dc: decoder
 * @o: register or _
 * @type: enum ptx_type that the instruction gives
 */
val_t dc_dst(struct decoder *dc, const struct opnd *o, unsigned int type);

/**
 * dc_dst_wide - as dc_dst(), but the register may be wider than the type
 * @dc: decoder
 * @o: operand
 * @type: enum ptx_type
 * @reg_type: out: enum ptx_type of the register
 */
val_t dc_dst_wide(struct decoder *dc, const struct opnd *o, unsigned int type, unsigned int *reg_type);

/**
 * dc_temp - new virtual register
 * @dc: decoder
 * @file: enum reg_file
 */
val_t dc_temp(struct decoder *dc, unsigned int file);

/**
 * dc_const - constant
 * @dc: decoder
 * @file: enum reg_file
 * @bits: value
 */
val_t dc_const(struct decoder *dc, unsigned int file, uint64_t bits);

/**
 * dc_file - file of a value
 * @dc: decoder
 * @val: value
 */
unsigned int dc_file(const struct decoder *dc, val_t val);

/**
 * dc_high - upper half of a 128-bit register
 * @dc: decoder
 * @val: lower half
 */
val_t dc_high(struct decoder *dc, val_t val);

/**
 * dc_emit - emits an instruction without operands
 * @dc: decoder
 * @op: enum exec_op
 *
 * Return: it; valid until the next is emitted. The guard of the statement applies to it.
 */
struct insn *dc_emit(struct decoder *dc, unsigned int op);

/**
 * dc_def - the instruction emitted last writes a value
 * @dc: decoder
 * @slot: REF_O + k
 * @val: value
 */
void dc_def(struct decoder *dc, unsigned int slot, val_t val);

/**
 * dc_use - the instruction emitted last reads a value
 * @dc: decoder
 * @slot: REF_O + k
 * @val: value
 */
void dc_use(struct decoder *dc, unsigned int slot, val_t val);

/**
 * dc_ext - adds an operand behind those in struct insn to the instruction emitted last
 * @dc: decoder
 * @val: value
 * @def: it is written
 */
void dc_ext(struct decoder *dc, val_t val, bool def);

/**
 * dc_formal - a register argument of the call emitted last
 * @dc: decoder
 * @formal: where its place goes
 * @val: value
 * @def: it is written
 */
void dc_formal(struct decoder *dc, struct formal *formal, val_t val, bool def);

/**
 * dc_op - emits an instruction with a destination in o[0] and up to three sources behind it
 * @dc: decoder
 * @op: enum exec_op
 * @d: destination
 * @a: source or VAL_NONE
 * @b: source or VAL_NONE
 * @c: source or VAL_NONE
 */
struct insn *dc_op(struct decoder *dc, unsigned int op, val_t d, val_t a, val_t b, val_t c);

/**
 * dc_unary - emits an instruction into a new virtual register
 * @dc: decoder
 * @op: enum exec_op
 * @file: enum reg_file of the result
 * @a: source
 *
 * Return: the result.
 */
val_t dc_unary(struct decoder *dc, unsigned int op, unsigned int file, val_t a);

/**
 * dc_resolve - definition of a global symbol that an operand names
 * @sym: symbol
 *
 * Return: the symbol that holds the definition.
 */
struct sym *dc_resolve(struct sym *sym);

/**
 * dc_label - statement of a label operand
 * @dc: decoder
 * @o: operand
 */
uint32_t dc_label(struct decoder *dc, const struct opnd *o);

/**
 * dc_lookup - symbol that an operand names, defined anywhere in the scope
 * @o: O_NAME or O_SYM
 *
 * Return: the symbol, or NULL.
 */
struct sym *dc_lookup(const struct opnd *o);

/**
 * dc_to_d - a 32-bit value, zero-extended
 * @dc: decoder
 * @val: value of file W or D
 */
val_t dc_to_d(struct decoder *dc, val_t val);

/**
 * dc_membermask - value of an operand that names lanes
 * @dc: decoder
 * @o: operand
 */
val_t dc_membermask(struct decoder *dc, const struct opnd *o);

/**
 * struct addr - address operand of an access
 * @space: enum var_space; SP_GENERIC also for .global and .const, whose addresses are the same
 * @frame: the address is @offset in the local frame
 * @kernel_param: the address is @offset in the kernel's parameters
 * @base: register, VAL_NONE where @frame or @kernel_param
 * @offset: added to it
 */
struct addr {
	int space;
	bool frame;
	bool kernel_param;
	val_t base;
	uint64_t offset;
};

/**
 * dc_address - decodes an address operand
 * @dc: decoder
 * @o: operand
 * @space: enum ptx_modifier of category SPACE, or 0
 */
struct addr dc_address(struct decoder *dc, const struct opnd *o, unsigned int space);

/**
 * dc_space - state space that a modifier means
 * @dc: decoder
 * @modifier: enum ptx_modifier, or 0
 *
 * Return: enum var_space.
 */
int dc_space(struct decoder *dc, unsigned int modifier);

/**
 * dc_generic - an address as a generic one
 * @dc: decoder
 * @addr: address; kernel parameters too
 *
 * Return: value of file D, which @addr->offset is still to be added to.
 */
val_t dc_generic(struct decoder *dc, struct addr *addr);

/**
 * dc_atomic_space - how EXEC_ATOM handlers take an address
 * @dc: decoder
 * @addr: address; made generic where it is not in shared memory
 *
 * Return: 0 generic, 1 shared in file W, 2 shared in file D; the value is in @addr->base.
 */
unsigned int dc_atomic_space(struct decoder *dc, struct addr *addr);

typedef void (*decode_fn)(struct decoder *dc);

/**
 * decode_table - decode functions by enum ptx_opcode; NULL where the instruction is not supported
 */
extern const decode_fn decode_table[PO_COUNT];

/* Integer forms of instructions that have floating-point forms too. */
void decode_int_add(struct decoder *dc);
void decode_int_mul(struct decoder *dc);
void decode_int_mad(struct decoder *dc);
void decode_int_div(struct decoder *dc);
void decode_int_minmax(struct decoder *dc);
void decode_int_negabs(struct decoder *dc);

#define DECODERS(X) \
	X(add) X(addc) X(alloca) X(atom) X(bar) X(bfe) X(bfi) X(bfind) X(bmsk) X(bra) X(bits1) X(brx) X(call) X(clz) \
	X(copysign) X(cp) X(cvt) X(cvta) X(div) X(dp4a) X(dp2a) X(elect) X(exit) X(fence) X(fma) X(fns) X(hint) X(isspacep) \
	X(ld) X(ldmatrix) X(lop3) X(mad) X(mad24) X(match) X(mbarrier) X(minmax) X(mma) X(mov) X(movmatrix) X(mul) X(mul24) \
	X(nanosleep) X(negabs) X(logic) X(prmt) X(unary) X(redux) X(rem) X(ret) X(sad) X(selp) X(set) X(setp) X(shf) \
	X(shfl) X(shift) X(slct) X(st) X(stack) X(szext) X(testp) X(tex) X(txq) X(trap) X(vote) X(video) X(wmma) X(activemask)

#define X(name) void decode_##name(struct decoder *dc);
DECODERS(X)
#undef X

#endif
