// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Makes programs of forms, runs them, compares. See ops.h. */
#include <argp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "ops.h"
#include "tests/unit/ptx/harness.h"

#define THREADS		(2 * LANES)
#define STEPS		40
#define REGS		6
#define CELL		32	/* bytes of memory that a thread may use of each space */
#define QUICK		600	/* programs of a run without arguments */
#define MAX_FINDINGS	20

static struct form *forms;
static size_t num_forms, max_forms;

void form_add(struct form form, const char *fmt, ...)
{
	va_list args;

	if (num_forms == max_forms) {
		max_forms = max_forms ? 2 * max_forms : 1024;
		forms = realloc(forms, max_forms * sizeof(*forms));
		if (!forms)
			abort();
	}
	va_start(args, fmt);
	if (vsnprintf(form.text, sizeof(form.text), fmt, args) >= (int)sizeof(form.text))
		abort();
	va_end(args);
	forms[num_forms++] = form;
}

static const unsigned int reg_bits[R_COUNT] = { 0, 1, 16, 32, 64 };
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

/* Programs */

struct reference {
	u8 class;
	u8 number;
};

/**
 * struct step - an instruction of a program
 * @form: what it is
 * @source: registers; class R_NONE for an immediate
 * @imm: the immediate
 * @dest: register
 * @guard: register, class R_NONE where it has none
 * @negated: its guard is
 * @loads: of which sources the registers were loaded before, from the slots that follow @slot
 * @slot: of the input
 */
struct step {
	const struct form *form;
	struct reference source[SOURCES];
	u64 imm[SOURCES];
	struct reference dest;
	struct reference guard;
	bool negated;
	bool loads[SOURCES];
	unsigned int slot;
};

struct program {
	struct step steps[STEPS];
	unsigned int num_steps;
	unsigned int num_slots;
	u64 *in;	/* by thread, by slot */
	char *text;
	size_t len;
};

static struct device *dev;

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

static void print_form(FILE *f, const struct step *step)
{
	const char *p;

	for (p = step->form->text; *p; p++) {
		if (*p != '%') {
			fputc(*p, f);
			continue;
		}
		switch (*++p) {
		case 'd':
			print_reg(f, step->dest);
			break;
		case 'a':
		case 'b':
		case 'c':
			print_source(f, step, (unsigned int)(*p - 'a'));
			break;
		case 'e':
			print_source(f, step, 3);
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

static void print_step(FILE *f, const struct step *step, unsigned int index)
{
	bool single = strchr(step->form->text, ';') == step->form->text + strlen(step->form->text) - 1;
	unsigned int k, slot = step->slot;

	for (k = 0; k < SOURCES; k++)
		if (step->loads[k])
			print_load(f, step->source[k], slot++);
	fputc('\t', f);
	if (step->guard.class) {
		fprintf(f, "@%s", step->negated == single ? "!" : "");
		print_reg(f, step->guard);
		fprintf(f, single ? " " : " bra L%u;\n\t", index);
	}
	print_form(f, step);
	fprintf(f, "\n");
	if (step->guard.class && !single)
		fprintf(f, "L%u:\n", index);
	if (step->dest.class == R_P) {
		fprintf(f, "\tselp.u64 %%td, 1, 0, ");
		print_reg(f, step->dest);
		fprintf(f, ";\n\tst.global.u64 [%%out+%u], %%td;\n", index * 8);
	} else {
		fprintf(f, "\tst.global.b%u [%%out+%u], ", reg_bits[step->dest.class], index * 8);
		print_reg(f, step->dest);
		fprintf(f, ";\n");
	}
}

static void print_program(struct program *p, bool generic_shared)
{
	FILE *f = open_memstream(&p->text, &p->len);
	unsigned int i, k, class;

	fprintf(f, ".version 8.0\n.target sm_80\n.address_size 64\n"
		   ".visible .entry fuzz(.param .u64 pin, .param .u64 pout, .param .u64 pcell)\n{\n"
		   "\t.shared .align 16 .b8 shared[%u];\n\t.local .align 16 .b8 local[%u];\n"
		   "\t.reg .pred %%xp<%u>, %%tp;\n\t.reg .b16 %%xh<%u>, %%th;\n\t.reg .b32 %%xw<%u>, %%tw, %%thread;\n"
		   "\t.reg .b64 %%xd<%u>, %%td, %%in, %%out, %%cellG, %%cellS, %%cellL, %%cellX;\n",
		THREADS * CELL, CELL, REGS, REGS, REGS, REGS);
	fprintf(f, "\tmov.u32 %%thread, %%tid.x;\n\tld.param.u64 %%in, [pin];\n\tmad.wide.u32 %%in, %%thread, %u, %%in;\n", p->num_slots * 8);
	fprintf(f, "\tld.param.u64 %%out, [pout];\n\tmad.wide.u32 %%out, %%thread, %u, %%out;\n", STEPS * 8);
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
	fprintf(f, "\tret;\n}\n");
	fclose(f);
}

static void make_step(struct program *p, struct step *step, const struct form *form, u64 *rng)
{
	unsigned int k;
	u64 r;

	*step = (struct step){ .form = form, .slot = p->num_slots };
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
}

static struct program *make_program(const struct form *const *chosen, unsigned int num, u64 *rng)
{
	struct program *p = calloc(1, sizeof(*p));
	unsigned int i, k, thread, slot;

	if (!p)
		abort();
	p->num_steps = num;
	for (i = 0; i < num; i++)
		make_step(p, &p->steps[i], chosen[i], rng);
	p->in = calloc((size_t)THREADS * p->num_slots + 1, sizeof(*p->in));
	if (!p->in)
		abort();
	for (i = 0; i < num; i++)
		for (k = 0, slot = p->steps[i].slot; k < SOURCES; k++) {
			const struct form *form = p->steps[i].form;

			if (!p->steps[i].loads[k])
				continue;
			for (thread = 0; thread < THREADS; thread++)
				p->in[thread * p->num_slots + slot] = random_value(rng, form->flavour[k], reg_bits[form->s[k]]);
			slot++;
		}
	print_program(p, next_random(rng) & 1);
	return p;
}

static void free_program(struct program *p)
{
	free(p->in);
	free(p->text);
	free(p);
}

/* Comparison */

static unsigned int findings;

static void report(const struct program *p, unsigned int index, u64 (*v)[LANES], unsigned int lane, u64 want, u64 got, u64 seed)
{
	const struct step *step = &p->steps[index];
	unsigned int k;

	if (findings++ >= MAX_FINDINGS)
		return;
	printf("FAIL ptx-ops: %s", step->form->text);
	for (k = 0; k < SOURCES && step->form->s[k]; k++)
		printf(" %c=0x%llx", "abce"[k], (unsigned long long)v[k][lane]);
	printf(": 0x%llx, should be 0x%llx (lane %u%s; --seed %llu --programs 1)\n", (unsigned long long)got, (unsigned long long)want, lane,
	       step->guard.class ? ", under a guard" : "", (unsigned long long)seed);
}

static void compare_warp(const struct program *p, const u64 *out, unsigned int first, u64 seed)
{
	static u64 regs[R_COUNT][REGS][LANES];
	u64 v[SOURCES][LANES], want[LANES], got[LANES];
	unsigned int i, k, lane, slot;
	bool on[LANES];

	memset(regs, 0, sizeof(regs));
	for (i = 0; i < p->num_steps; i++) {
		const struct step *step = &p->steps[i];
		u64 (*dest) = regs[step->dest.class][step->dest.number], mask = mask_of(reg_bits[step->dest.class]);

		memset(v, 0, sizeof(v));
		for (k = 0, slot = step->slot; k < SOURCES; k++) {
			if (!step->loads[k])
				continue;
			for (lane = 0; lane < LANES; lane++) {
				u64 value = p->in[(first + lane) * p->num_slots + slot];

				regs[step->source[k].class][step->source[k].number][lane] =
					step->source[k].class == R_P ? (u32)value != 0 : value & mask_of(reg_bits[step->source[k].class]);
			}
			slot++;
		}
		for (k = 0; k < SOURCES; k++)
			for (lane = 0; lane < LANES; lane++)
				v[k][lane] = step->source[k].class ? regs[step->source[k].class][step->source[k].number][lane] :
					     step->imm[k];
		for (lane = 0; lane < LANES; lane++) {
			on[lane] = !step->guard.class ||
				   (regs[R_P][step->guard.number][lane] != 0) != step->negated;
			got[lane] = out[(first + lane) * STEPS + i] & mask;
		}
		for (lane = 0; lane < LANES; lane++)
			want[lane] = on[lane] ? step->form->eval(step->form, v, lane, got[lane]) & mask : dest[lane];
		for (lane = 0; lane < LANES; lane++)
			if (want[lane] != got[lane]) {
				report(p, i, v, lane, want[lane], got[lane], seed);
				break;
			}
		memcpy(dest, got, sizeof(got));
	}
}

static bool loads(const struct program *p, char *why, size_t size, struct ptx_module **module)
{
	struct ptx_input input = { .text = p->text, .len = p->len };
	struct ptx_log log = { why, size, 0 };

	return !ptx_module_load(module, dev->mem, &dev->va, &input, 1, &log);
}

/* Which of the program's forms does not load. */
static void blame(const struct program *p, u64 seed)
{
	unsigned int i;
	char why[1024];
	bool found = false;

	for (i = 0; i < p->num_steps; i++) {
		u64 rng = seed * 0x9e3779b97f4a7c15ull + 1;
		struct program *one = make_program(&(const struct form *){ p->steps[i].form }, 1, &rng);
		struct ptx_module *module;

		if (loads(one, why, sizeof(why), &module)) {
			ptx_module_unload(module);
		} else {
			found = true;
			if (findings++ < MAX_FINDINGS)
				printf("FAIL ptx-ops: %s does not load: %s", one->steps[0].form->text, why);
		}
		free_program(one);
	}
	if (!found) {
		struct ptx_module *module;

		loads(p, why, sizeof(why), &module);
		findings++;
		printf("FAIL ptx-ops: --seed %llu --programs 1: %s", (unsigned long long)seed, why);
	}
}

static void run_program(u64 seed, bool show)
{
	const struct form *chosen[STEPS];
	struct dims dims = { .block = { THREADS } };
	u64 rng = seed * 0x9e3779b97f4a7c15ull + 1, top = dev->top, *in, *out, *cells;
	struct ptx_module *module;
	struct program *p;
	char why[1024];
	unsigned int i;

	/* Programs that follow each other have every form once; 7919 is a prime. */
	for (i = 0; i < STEPS; i++)
		chosen[i] = &forms[(seed * STEPS + i) % num_forms * 7919 % num_forms];
	p = make_program(chosen, STEPS, &rng);
	if (show)
		fwrite(p->text, 1, p->len, stdout);
	if (!loads(p, why, sizeof(why), &module)) {
		blame(p, seed);
		free_program(p);
		return;
	}
	in = device_alloc(dev, sizeof(*in) * THREADS * (p->num_slots + 1));
	out = device_alloc(dev, sizeof(*out) * THREADS * STEPS);
	cells = device_alloc(dev, THREADS * CELL);
	memcpy(in, p->in, sizeof(*in) * THREADS * p->num_slots);
	memset(out, 0, sizeof(*out) * THREADS * STEPS);
	if (RUN(dev, module, "fuzz", &dims, &in, &out, &cells)) {
		findings++;
		printf("FAIL ptx-ops: --seed %llu --programs 1: %s\n", (unsigned long long)seed, dev->fault.message);
	} else {
		compare_warp(p, out, 0, seed);
		compare_warp(p, out, LANES, seed);
	}
	ptx_module_unload(module);
	dev->top = top;
	free_program(p);
}

static struct {
	u64 seed;
	u64 programs;
	u64 seconds;
	bool show;
	bool list;
} args = { .seed = 1, .programs = QUICK };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 's':
		args.seed = strtoull(arg, NULL, 0);
		break;
	case 'n':
		args.programs = strtoull(arg, NULL, 0);
		break;
	case 't':
		args.seconds = strtoull(arg, NULL, 0);
		args.seed = (u64)time(NULL);
		break;
	case 'p':
		args.show = true;
		break;
	case 'l':
		args.list = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "seed", 's', "N", 0, "of the first program (default: 1; the time with --seconds)", 0 },
		{ "programs", 'n', "N", 0, "how many", 0 },
		{ "seconds", 't', "N", 0, "run for so long, stop on a finding", 0 },
		{ "print", 'p', NULL, 0, "show the PTX", 0 },
		{ "list", 'l', NULL, 0, "show the forms and exit", 0 },
		{ 0 }
	};
	static const struct argp argp = { options, parse, NULL, "Compares the PTX interpreter with the definitions of its instructions.",
					  NULL, NULL, NULL };
	u64 done = 0;
	time_t end;
	size_t i;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	forms_int();
	forms_bits();
	forms_float();
	forms_half();
	forms_convert();
	forms_memory();
	forms_warp();
	for (i = 0; args.list && i < num_forms; i++)
		puts(forms[i].text);
	if (args.list)
		return 0;
	dev = device_open(1);
	end = time(NULL) + (time_t)args.seconds;
	printf("# SEED=%llu, %zu forms\n", (unsigned long long)args.seed, num_forms);
	while (args.seconds ? time(NULL) < end && !findings : done < args.programs)
		run_program(args.seed + done++, args.show);
	if (findings)
		printf("FAIL ptx-ops: %u findings in %llu programs of %u instructions\n", findings, (unsigned long long)done, STEPS);
	else
		printf("ok ptx-ops: %llu programs of %u instructions, %zu forms\n", (unsigned long long)done, STEPS, num_forms);
	device_close(dev);
	return findings != 0;
}
