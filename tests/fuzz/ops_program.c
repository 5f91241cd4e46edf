// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Draws programs and writes them as PTX. See ops.h. */
#include <stdlib.h>

#include "ops_program.h"
#include "tests/unit/ptx/harness.h"

const unsigned int reg_bits[R_COUNT] = { 0, 1, 16, 32, 64 };
static const char reg_names[] = "?phwd";

/* Values */

static u64 random_number(u64 *rng, const struct format *f)
{
	u64 r = next_random(rng), sign = (r & 1) << (f->bits - 1), top = mask_of(f->bits - 1) >> f->man, man = mask_of(f->man);

	switch (r >> 1 & 15) {
	case 0:
		return sign;
	case 1:
		return sign | top << f->man;
	case 2:
		return sign | top << f->man | 1ull << (f->man - 1) | (r >> 8 & man);
	case 3:
		return sign | (r >> 8 & man);			/* subnormal */
	case 4:
		return sign | 1ull << f->man;			/* smallest normal */
	case 5:
		return sign | ((top << f->man) - 1);		/* largest */
	case 6:
		return sign | (((u64)f->bias << f->man) + (r >> 8) % 3 - 1);
	case 7:							/* few bits: whole numbers, halves, ties */
		return sign | ((u64)f->bias + (r >> 8) % (f->man + 3)) << f->man | ((r >> 16 & 7) << (f->man - 3));
	case 8:
		return r >> 3 & mask_of(f->bits);
	default:						/* near one another, so that sums cancel */
		return sign | ((u64)f->bias - 8 + (r >> 8) % 16) << f->man | (next_random(rng) & man);
	}
}

static u64 random_int(u64 *rng, unsigned int bits)
{
	u64 r = next_random(rng);

	switch (r & 7) {
	case 0:
		return (r >> 8) % 9;
	case 1:
		return ~((r >> 8) % 4);
	case 2:
		return (1ull << (bits - 1)) + (r >> 8) % 5 - 2;
	case 3:
		return (1ull << (bits / 2)) + (r >> 8) % 5 - 2;
	case 4:
		return bits - 1 + (r >> 8) % 3;
	case 5:
		return next_random(rng) >> (r >> 8) % bits;
	default:
		return next_random(rng);
	}
}

static u64 random_value(u64 *rng, enum flavour flavour, unsigned int bits)
{
	static const u64 masks[] = { 0x1f, 0, 0x1c1f, 0x181f, 0x1e1f, 0x1c00 };
	u64 r;

	switch (flavour) {
	case V_SHIFT:
		r = next_random(rng);
		return (r & 3 ? (r >> 8) % 72 : random_int(rng, bits)) & mask_of(bits);
	case V_F16:
		r = random_number(rng, &half_format);
		return bits > 16 ? r << 16 | random_number(rng, &half_format) : r;
	case V_BF16:
		r = random_number(rng, &bf16_format);
		return bits > 16 ? r << 16 | random_number(rng, &bf16_format) : r;
	case V_F32:
		return random_number(rng, &single_format);
	case V_F64:
		return random_number(rng, &double_format);
	case V_SMALL:
		return (next_random(rng) % 9 - 4) & mask_of(bits);
	case V_MASK:
		r = next_random(rng);
		return r & 1 ? masks[(r >> 8) % 6] : r >> 8 & 0x1f1f;
	default:
		return random_int(rng, bits) & mask_of(bits);
	}
}

static struct reference random_reg(u64 *rng, enum reg class)
{
	return (struct reference){ class, (u8)(next_random(rng) % REGS) };
}

static void print_reg(FILE *f, struct reference ref)
{
	fprintf(f, "%%x%c%u", reg_names[ref.class], ref.number);
}

static void print_source(FILE *f, const struct step *step, unsigned int k)
{
	enum reg class = step->form->s[k];
	u64 imm = step->imm[k];

	if (step->source[k].class)
		print_reg(f, step->source[k]);
	else if (class == R_W && step->form->flavour[k] == V_F32)
		fprintf(f, "0f%08X", (unsigned int)imm);
	else if (class == R_D && step->form->flavour[k] == V_F64)
		fprintf(f, "0d%016llX", (unsigned long long)imm);
	else
		fprintf(f, "0x%llx", (unsigned long long)imm);
}

/* @inside: of a function, whose registers have names of their own. */
static void print_form(FILE *f, const struct step *step, bool inside)
{
	const char *p;

	for (p = step->form->text; *p; p++) {
		if (*p != '%') {
			fputc(*p, f);
			continue;
		}
		switch (*++p) {
		case 'd':
			if (inside)
				fprintf(f, "%%fd");
			else
				print_reg(f, step->dest);
			break;
		case 'a':
		case 'b':
		case 'c':
		case 'e':
			if (inside)
				fprintf(f, "%%f%c", *p);
			else
				print_source(f, step, *p == 'e' ? 3 : (unsigned int)(*p - 'a'));
			break;
		case 't':
			fprintf(f, "%%t%c", *++p);
			break;
		default:
			fprintf(f, "%%cell%c", *p);
		}
	}
}

static void print_load(FILE *f, struct reference ref, unsigned int slot)
{
	if (ref.class == R_P) {
		fprintf(f, "\tld.global.u32 %%tw, [%%in+%u];\n\tsetp.ne.u32 ", slot * 8);
		print_reg(f, ref);
		fprintf(f, ", %%tw, 0;\n");
		return;
	}
	fprintf(f, "\tld.global.b%u ", reg_bits[ref.class]);
	print_reg(f, ref);
	fprintf(f, ", [%%in+%u];\n", slot * 8);
}

static void print_guard(FILE *f, const struct step *step, bool when)
{
	fprintf(f, "@%s", step->negated == when ? "!" : "");
	print_reg(f, step->guard);
	fputc(' ', f);
}

static const char temporaries[] = "\t.reg .pred %tp;\n\t.reg .b16 %th;\n\t.reg .b32 %tw;\n\t.reg .b64 %td;\n\t.reg .b128 %tq, %tr;\n";

static void print_function(FILE *f, const struct step *step, unsigned int index)
{
	unsigned int k;

	fprintf(f, ".func (.reg .b%u %%fd) f%u(", reg_bits[step->form->d], index);
	for (k = 0; k < SOURCES && step->form->s[k]; k++)
		fprintf(f, "%s.reg .b%u %%f%c", k ? ", " : "", reg_bits[step->form->s[k]], "abce"[k]);
	fprintf(f, ")\n{\n%s\t", temporaries);
	print_form(f, step, true);
	fprintf(f, "\n\tret;\n}\n");
}

static void print_call(FILE *f, const struct step *step, unsigned int index)
{
	unsigned int k;

	fprintf(f, "call (");
	print_reg(f, step->dest);
	fprintf(f, "), f%u, (", index);
	for (k = 0; k < SOURCES && step->form->s[k]; k++) {
		fprintf(f, "%s", k ? ", " : "");
		print_source(f, step, k);
	}
	fprintf(f, ");");
}

static void print_entry(FILE *f, const struct step *step, unsigned int index)
{
	if (step->dest.class == R_P) {
		fprintf(f, "\tselp.u64 %%td, 1, 0, ");
		print_reg(f, step->dest);
		fprintf(f, ";\n\tst.global.u64 [%%out], %%td;\n");
	} else {
		fprintf(f, "\tst.global.b%u [%%out], ", reg_bits[step->dest.class]);
		print_reg(f, step->dest);
		fprintf(f, ";\n");
	}
	fprintf(f, "\tmov.u32 %%tw, %u;\n\tst.global.u32 [%%out+8], %%tw;\n\tadd.u64 %%out, %%out, %zu;\n", index, sizeof(struct entry));
}

static void print_one(FILE *f, const struct step *step, unsigned int index)
{
	bool single = step->outlined || strchr(step->form->text, ';') == step->form->text + strlen(step->form->text) - 1;
	unsigned int k, slot = step->slot;

	for (k = 0; k < SOURCES; k++)
		if (step->loads[k])
			print_load(f, step->source[k], slot++);
	fputc('\t', f);
	if (step->guard.class) {
		print_guard(f, step, single);
		if (!single)
			fprintf(f, "bra L%u;\n\t", index);
	}
	if (step->outlined)
		print_call(f, step, index);
	else
		print_form(f, step, false);
	fprintf(f, "\n");
	if (step->guard.class && !single)
		fprintf(f, "L%u:\n", index);
	print_entry(f, step, index);
}

static void print_step(FILE *f, const struct step *step, unsigned int index)
{
	unsigned int k;

	fprintf(f, "N%u:\n", index);
	switch (step->kind) {
	case K_FORM:
		print_one(f, step, index);
		return;
	case K_IF:
		fputc('\t', f);
		print_guard(f, step, false);
		fprintf(f, "bra N%u;\n", step->target[0]);
		return;
	case K_ELSE:
	case K_CASE:
		fprintf(f, "\tbra N%u;\n", step->target[0]);
		return;
	case K_LOOP:
		fprintf(f, "\tld.global.u32 %%trip%u, [%%in+%u];\n\tmov.u32 %%count%u, 0;\nH%u:\n", step->depth, step->slot * 8, step->depth,
			index);
		fprintf(f, "\tsetp.ge.u32 %%tp, %%count%u, %%trip%u;\n\t@%%tp bra N%u;\n", step->depth, step->depth, step->target[0]);
		return;
	case K_BREAK:
	case K_CONTINUE:
		fputc('\t', f);
		print_guard(f, step, true);
		fprintf(f, "bra N%u;\n", step->target[0]);
		return;
	case K_REPEAT:
		fprintf(f, "\tadd.u32 %%count%u, %%count%u, 1;\n\tbra H%u;\n", step->depth, step->depth, step->region);
		return;
	case K_SWITCH:
		fprintf(f, "\tld.global.u32 %%tw, [%%in+%u];\nT%u: .branchtargets ", step->slot * 8, index);
		for (k = 0; k < ARMS; k++)
			fprintf(f, "%sN%u", k ? ", " : "", step->target[k]);
		fprintf(f, ";\n\tbrx.idx %%tw, T%u;\n", index);
		return;
	case K_LEAVE:
		fputc('\t', f);
		print_guard(f, step, true);
		fprintf(f, "exit;\n");
	}
}

static void print_program(struct program *p, bool generic_shared)
{
	FILE *f = open_memstream(&p->text, &p->len);
	unsigned int i, k, class;

	fprintf(f, ".version 8.3\n.target sm_80\n.address_size 64\n");
	for (i = 0; i < p->num_steps; i++)
		if (p->steps[i].outlined)
			print_function(f, &p->steps[i], i);
	fprintf(f, ".visible .entry fuzz(.param .u64 pin, .param .u64 pout, .param .u64 pcell)\n{\n"
		   "\t.shared .align 16 .b8 shared[%u];\n\t.local .align 16 .b8 local[%u];\n%s"
		   "\t.reg .pred %%xp<%u>;\n\t.reg .b16 %%xh<%u>;\n\t.reg .b32 %%xw<%u>, %%thread, %%trip<%u>, %%count<%u>;\n"
		   "\t.reg .b64 %%xd<%u>, %%in, %%out, %%cellG, %%cellS, %%cellL, %%cellX;\n",
		THREADS * CELL, CELL, temporaries, REGS, REGS, REGS, DEPTH, DEPTH, REGS);
	fprintf(f, "\tmov.u32 %%thread, %%tid.x;\n\tld.param.u64 %%in, [pin];\n\tmad.wide.u32 %%in, %%thread, %u, %%in;\n", p->num_slots * 8);
	fprintf(f, "\tld.param.u64 %%out, [pout];\n\tmad.wide.u32 %%out, %%thread, %zu, %%out;\n", ENTRIES * sizeof(struct entry));
	fprintf(f, "\tld.param.u64 %%cellG, [pcell];\n\tmad.wide.u32 %%cellG, %%thread, %u, %%cellG;\n", CELL);
	fprintf(f, "\tmov.u64 %%cellS, shared;\n\tmad.wide.u32 %%cellS, %%thread, %u, %%cellS;\n\tmov.u64 %%cellL, local;\n", CELL);
	if (generic_shared)
		fprintf(f, "\tcvta.shared.u64 %%cellX, %%cellS;\n");
	else
		fprintf(f, "\tcvta.global.u64 %%cellX, %%cellG;\n");
	/* Registers begin as zeros. */
	for (class = R_P; class < R_COUNT; class++)
		for (k = 0; k < REGS; k++)
			if (class == R_P)
				fprintf(f, "\tsetp.ne.u32 %%xp%u, 0, 0;\n", k);
			else
				fprintf(f, "\tmov.b%u %%x%c%u, 0;\n", reg_bits[class], reg_names[class], k);
	for (i = 0; i < p->num_steps; i++)
		print_step(f, &p->steps[i], i);
	fprintf(f, "N%u:\n\tmov.u32 %%tw, %u;\n\tst.global.u32 [%%out+8], %%tw;\n\tret;\n}\n", p->num_steps, AT_END);
	fclose(f);
}

/* Whether a form can stand in a function: predicates and the cells do not come with it. */
static bool can_outline(const struct form *form)
{
	unsigned int k;
	const char *p;

	for (k = 0; k < SOURCES; k++)
		if (form->s[k] == R_P)
			return false;
	for (p = strchr(form->text, '%'); p; p = strchr(p + 1, '%'))
		if (strchr("GSLX", p[1]))
			return false;
	return form->d != R_P;
}

static void draw_form(struct program *p, const struct form *form, u64 *rng)
{
	struct step *step = &p->steps[p->num_steps++];
	unsigned int k;
	u64 r;

	*step = (struct step){ .kind = K_FORM, .form = form, .slot = p->num_slots };
	for (k = 0; k < SOURCES && form->s[k]; k++) {
		r = next_random(rng);
		if (!form->no_imm && form->s[k] != R_P && r % 6 == 0) {
			step->imm[k] = random_value(rng, form->flavour[k], reg_bits[form->s[k]]);
			continue;
		}
		step->source[k] = random_reg(rng, form->s[k]);
		step->loads[k] = (r >> 8) % 4;
		p->num_slots += step->loads[k];
	}
	step->dest = random_reg(rng, form->d);
	r = next_random(rng);
	if (!form->warp && r % 4 == 0) {
		step->guard = random_reg(rng, R_P);
		step->negated = r >> 8 & 1;
	}
	step->outlined = (r >> 16) % 8 == 0 && can_outline(form);
}

/* Regions that are open while a program is drawn. */
struct open {
	unsigned int num;
	unsigned int first[DEPTH];	/* steps */
	unsigned int arms[DEPTH];	/* begun */
};

static struct step *draw_jump(struct program *p, enum kind kind, u64 *rng)
{
	struct step *step = &p->steps[p->num_steps++];

	*step = (struct step){ .kind = kind, .guard = random_reg(rng, R_P), .negated = next_random(rng) >> 8 & 1 };
	return step;
}

static void open_region(struct program *p, struct open *open, u64 *rng)
{
	static const u8 kinds[] = { K_IF, K_LOOP, K_SWITCH, K_LOOP };
	struct step *step;

	open->first[open->num] = p->num_steps;
	open->arms[open->num] = 1;
	step = draw_jump(p, kinds[(next_random(rng) >> 8) % 4], rng);
	step->depth = open->num++;
	step->target[0] = p->num_steps;
	if (step->kind != K_IF)
		step->slot = p->num_slots++;
}

/* Ends what a thread does in a region, or one of its arms. Jumps to an end are set when that end is there. */
static void close_region(struct program *p, struct open *open, bool wholly, u64 *rng)
{
	unsigned int first = open->first[open->num - 1], *arms = &open->arms[open->num - 1], i, end;
	struct step *begin = &p->steps[first], *step;
	static const u8 ends[] = { [K_IF] = K_END, [K_LOOP] = K_REPEAT, [K_SWITCH] = K_MERGE };

	if (begin->kind == K_SWITCH && *arms < ARMS && !wholly) {
		step = draw_jump(p, K_CASE, rng);
		step->region = first;
		begin->target[(*arms)++] = p->num_steps;
		return;
	}
	if (begin->kind == K_IF && *arms == 1 && !wholly && next_random(rng) >> 8 & 1) {
		step = draw_jump(p, K_ELSE, rng);
		step->region = first;
		begin->target[0] = p->num_steps;
		*arms = 2;
		return;
	}
	end = p->num_steps;
	step = draw_jump(p, ends[begin->kind], rng);
	step->region = first;
	step->depth = begin->depth;
	if (begin->kind == K_LOOP)
		begin->target[0] = end + 1;
	else if (begin->kind == K_IF && *arms == 1)
		begin->target[0] = end;
	for (i = *arms; begin->kind == K_SWITCH && i < ARMS; i++)
		begin->target[i] = end;
	for (i = first + 1; i < end; i++) {
		step = &p->steps[i];
		if (step->region != first)
			continue;
		if (step->kind == K_BREAK)
			step->target[0] = end + 1;
		else if (step->kind == K_CONTINUE || step->kind == K_ELSE || step->kind == K_CASE)
			step->target[0] = end;
	}
	open->num--;
}

/* What stands before a form that no other lane is needed for. */
static void draw_flow(struct program *p, struct open *open, bool may_leave, u64 *rng)
{
	u64 r = next_random(rng);
	unsigned int around;

	if (open->num < DEPTH && r % 8 == 0) {
		open_region(p, open, rng);
	} else if (open->num && r % 4 == 1) {
		close_region(p, open, false, rng);
	} else if (open->num && r % 16 == 2) {
		around = open->first[(r >> 8) % open->num];
		if (p->steps[around].kind == K_LOOP)
			draw_jump(p, r >> 16 & 1 ? K_BREAK : K_CONTINUE, rng)->region = around;
	} else if (may_leave && r % 16 == 6) {
		draw_jump(p, K_LEAVE, rng);
	}
}

static void fill_input(struct program *p, u64 *rng)
{
	unsigned int i, k, thread, slot;

	p->in = calloc((size_t)THREADS * p->num_slots + 1, sizeof(*p->in));
	if (!p->in)
		abort();
	for (i = 0; i < p->num_steps; i++) {
		const struct step *step = &p->steps[i];

		if (step->kind == K_LOOP || step->kind == K_SWITCH)
			for (thread = 0; thread < THREADS; thread++)
				p->in[thread * p->num_slots + step->slot] = next_random(rng) % (step->kind == K_LOOP ? TRIPS + 1 : ARMS);
		for (k = 0, slot = step->slot; k < SOURCES; k++) {
			if (!step->loads[k])
				continue;
			for (thread = 0; thread < THREADS; thread++)
				p->in[thread * p->num_slots + slot] =
					random_value(rng, step->form->flavour[k], reg_bits[step->form->s[k]]);
			slot++;
		}
	}
}

struct program *program_make(const struct form *const *chosen, unsigned int num, u64 *rng)
{
	struct program *p = calloc(1, sizeof(*p));
	struct open open = { 0 };
	unsigned int i, last_warp = 0;

	if (!p)
		abort();
	for (i = 0; i < num; i++)
		if (chosen[i]->warp)
			last_warp = i;
	for (i = 0; i < num; i++) {
		/* Where lanes look at each other all are there. */
		while (chosen[i]->warp && open.num)
			close_region(p, &open, true, rng);
		if (!chosen[i]->warp)
			draw_flow(p, &open, i > last_warp, rng);
		draw_form(p, chosen[i], rng);
	}
	while (open.num)
		close_region(p, &open, true, rng);
	fill_input(p, rng);
	print_program(p, next_random(rng) & 1);
	return p;
}

void program_free(struct program *p)
{
	free(p->in);
	free(p->text);
	free(p);
}
