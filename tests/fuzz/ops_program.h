/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Programs that the differential fuzzer draws. See ops.h. */
#ifndef TESTS_FUZZ_OPS_PROGRAM_H
#define TESTS_FUZZ_OPS_PROGRAM_H

#include "ops.h"

#define THREADS		(2 * LANES)
#define STEPS		40	/* forms of a program */
#define ITEMS		(6 * STEPS)	/* forms, and what decides which of them comes next */
#define DEPTH		2	/* regions inside one another */
#define TRIPS		3	/* of a loop, at most */
#define ARMS		3	/* of a switch */
#define ENTRIES		(STEPS * TRIPS * TRIPS + 2)	/* results of a thread, at most */
#define REGS		6
#define CELL		32	/* bytes of memory that a thread may use of each space */

struct reference {
	u8 class;
	u8 number;
};

/* Each thread decides for itself where to go. Where a region ends all that came in meet again, but for those that exited. */
enum kind {
	K_FORM,
	K_IF,		/* by the guard */
	K_ELSE,
	K_END,		/* of an if */
	K_LOOP,		/* as often as the input says */
	K_BREAK,	/* by the guard, out of a loop around it */
	K_CONTINUE,
	K_REPEAT,	/* end of a loop */
	K_SWITCH,	/* brx.idx, by the input */
	K_CASE,		/* end of an arm */
	K_MERGE,	/* end of a switch */
	K_LEAVE,	/* by the guard: the thread exits */
};

/**
 * struct step - an instruction of a program, or what decides which comes next
 * @kind: enum kind
 * @form: K_FORM: what it is
 * @source: registers; class R_NONE for an immediate
 * @imm: the immediate
 * @dest: register
 * @guard: register, class R_NONE where it has none
 * @negated: its guard is
 * @outlined: it stands in a function, which is called
 * @loads: of which sources the registers were loaded before, from the slots that follow @slot
 * @slot: of the input; of K_LOOP and K_SWITCH the one that says how often, or which arm
 * @depth: K_LOOP, K_REPEAT: regions around it
 * @region: first step of the region
 * @target: where a jump goes: of each arm of K_SWITCH; otherwise the first
 */
struct step {
	u8 kind;
	const struct form *form;
	struct reference source[SOURCES];
	u64 imm[SOURCES];
	struct reference dest;
	struct reference guard;
	bool negated;
	bool outlined;
	bool loads[SOURCES];
	unsigned int slot;
	unsigned int depth;
	unsigned int region;
	unsigned int target[ARMS];
};

struct program {
	struct step steps[ITEMS];
	unsigned int num_steps;
	unsigned int num_slots;
	u64 *in;	/* by thread, by slot */
	char *text;
	size_t len;
};

/**
 * struct entry - what a thread leaves behind of each step that it came to
 * @value: the result
 * @step: index of the step; AT_END behind the last
 * @untouched: NOTHING
 */
struct entry {
	u64 value;
	u32 step;
	u32 untouched;
};

#define NOTHING	0xeeeeeeeeu
#define AT_END	0xffffu

extern const unsigned int reg_bits[R_COUNT];

/**
 * program_make - draws a program
 * @chosen: its forms, in their order
 * @num: of them, up to STEPS
 * @rng: state of the generator
 *
 * Return: the program, for program_free().
 */
struct program *program_make(const struct form *const *chosen, unsigned int num, u64 *rng);

/**
 * program_free - frees a program
 * @p: program
 */
void program_free(struct program *p);

#endif
