// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Runs programs of forms, compares what came out. See ops.h. */
#include <argp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "ops_program.h"
#include "tests/unit/ptx/harness.h"

#define QUICK		780	/* programs of a run without arguments */
#define MAX_FINDINGS	20
#define BUDGET		(1u << 20)	/* warp instructions of a program that does not end as it should */

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

/* Comparison */

static struct device *dev;
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

static void report_flow(const struct program *p, u32 step, u32 want, unsigned int lane, u64 seed)
{
	if (findings++ >= MAX_FINDINGS)
		return;
	printf("FAIL ptx-ops: lane %u goes to step %d, should go to %d (of %u; --seed %llu --programs 1 --print)\n", lane,
	       step == NOTHING || step == AT_END ? -1 : (int)step, want == AT_END ? -1 : (int)want, p->num_steps, (unsigned long long)seed);
}

/**
 * struct thread - a lane as the definitions have it
 * @regs: registers
 * @step: it comes to
 * @out: next entry
 * @in: input
 * @count: rounds of the loops around
 */
struct thread {
	u64 regs[R_COUNT][REGS];
	unsigned int step;
	const struct entry *out;
	const u64 *in;
	u64 count[DEPTH];
};

static u64 *reg(struct thread *t, struct reference ref)
{
	return &t->regs[ref.class][ref.number];
}

static bool taken(struct thread *t, const struct step *step)
{
	return !step->guard.class || (*reg(t, step->guard) != 0) != step->negated;
}

/* Where a thread goes from a step that is no form. */
static unsigned int next_step(const struct program *p, struct thread *t)
{
	const struct step *step = &p->steps[t->step];

	switch (step->kind) {
	case K_IF:
		return taken(t, step) ? t->step + 1 : step->target[0];
	case K_ELSE:
	case K_CASE:
		return step->target[0];
	case K_LOOP:
		t->count[step->depth] = 0;
		return t->in[step->slot] ? t->step + 1 : step->target[0];
	case K_BREAK:
	case K_CONTINUE:
		return taken(t, step) ? step->target[0] : t->step + 1;
	case K_REPEAT:
		return ++t->count[step->depth] < t->in[p->steps[step->region].slot] ? step->region + 1 : t->step + 1;
	case K_SWITCH:
		return step->target[t->in[step->slot]];
	case K_LEAVE:
		return taken(t, step) ? ITEMS : t->step + 1;
	}
	return t->step + 1;
}

static void load_sources(const struct step *step, struct thread *t, u64 (*v)[LANES], unsigned int lane)
{
	unsigned int k, slot = step->slot;
	u64 value;

	for (k = 0; k < SOURCES; k++) {
		if (!step->loads[k])
			continue;
		value = t->in[slot++];
		*reg(t, step->source[k]) = step->source[k].class == R_P ? (u32)value != 0 :
					   value & mask_of(reg_bits[step->source[k].class]);
	}
	for (k = 0; k < SOURCES; k++)
		v[k][lane] = step->source[k].class ? *reg(t, step->source[k]) : step->imm[k];
}

/* One lane's result of a form. Return: false where the program cannot be followed further. */
static bool compare_form(const struct program *p, struct thread *t, u64 (*v)[LANES], unsigned int lane, u64 seed)
{
	const struct step *step = &p->steps[t->step];
	u64 mask = mask_of(reg_bits[step->dest.class]), *dest = reg(t, step->dest), got, want;

	if (t->out->step != t->step) {
		report_flow(p, t->out->step, t->step, lane, seed);
		return false;
	}
	got = t->out->value & mask;
	want = taken(t, step) ? step->form->eval(step->form, v, lane, got) & mask : *dest;
	if (want != got)
		report(p, t->step, v, lane, want, got, seed);
	*dest = got;
	t->out++;
	t->step++;
	return want == got;
}

/* As far as a thread comes without the others: to a form of the warp, or to its end. */
static bool compare_alone(const struct program *p, struct thread *t, unsigned int lane, u64 seed)
{
	u64 v[SOURCES][LANES];

	while (t->step < p->num_steps) {
		if (p->steps[t->step].kind != K_FORM) {
			t->step = next_step(p, t);
			continue;
		}
		if (p->steps[t->step].form->warp)
			return true;
		memset(v, 0, sizeof(v));
		load_sources(&p->steps[t->step], t, v, lane);
		if (!compare_form(p, t, v, lane, seed))
			return false;
	}
	if (t->step == ITEMS ? t->out->step == NOTHING : t->out->step == AT_END)
		return true;
	report_flow(p, t->out->step, AT_END, lane, seed);
	return false;
}

static void compare_warp(const struct program *p, const struct entry *out, unsigned int first, u64 seed)
{
	static struct thread threads[LANES];
	u64 v[SOURCES][LANES];
	unsigned int lane;

	memset(threads, 0, sizeof(threads));
	for (lane = 0; lane < LANES; lane++) {
		threads[lane].out = &out[(size_t)(first + lane) * ENTRIES];
		threads[lane].in = &p->in[(first + lane) * p->num_slots];
	}
	for (;;) {
		for (lane = 0; lane < LANES; lane++)
			if (!compare_alone(p, &threads[lane], lane, seed))
				return;
		if (threads[0].step >= p->num_steps)
			return;
		memset(v, 0, sizeof(v));
		for (lane = 0; lane < LANES; lane++)
			load_sources(&p->steps[threads[0].step], &threads[lane], v, lane);
		for (lane = 0; lane < LANES; lane++)
			if (!compare_form(p, &threads[lane], v, lane, seed))
				return;
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
		struct program *one;
		struct ptx_module *module;

		if (p->steps[i].kind != K_FORM)
			continue;
		one = program_make(&p->steps[i].form, 1, &rng);
		if (loads(one, why, sizeof(why), &module)) {
			ptx_module_unload(module);
		} else {
			found = true;
			if (findings++ < MAX_FINDINGS)
				printf("FAIL ptx-ops: %s does not load: %s", p->steps[i].form->text, why);
		}
		program_free(one);
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
	u64 rng = seed * 0x9e3779b97f4a7c15ull + 1, top = dev->top, *in, *cells;
	struct entry *out;
	struct ptx_module *module;
	struct program *p;
	char why[1024];
	unsigned int i;

	/* Programs that follow each other have every form once; 7919 is a prime. */
	for (i = 0; i < STEPS; i++)
		chosen[i] = &forms[(seed * STEPS + i) % num_forms * 7919 % num_forms];
	p = program_make(chosen, STEPS, &rng);
	if (show)
		fwrite(p->text, 1, p->len, stdout);
	if (!loads(p, why, sizeof(why), &module)) {
		blame(p, seed);
		program_free(p);
		return;
	}
	in = device_alloc(dev, sizeof(*in) * THREADS * (p->num_slots + 1));
	out = device_alloc(dev, sizeof(*out) * THREADS * ENTRIES);
	cells = device_alloc(dev, THREADS * CELL);
	memcpy(in, p->in, sizeof(*in) * THREADS * p->num_slots);
	memset(out, 0xee, sizeof(*out) * THREADS * ENTRIES);
	if (RUN(dev, module, "fuzz", &dims, &in, &out, &cells)) {
		findings++;
		printf("FAIL ptx-ops: --seed %llu --programs 1: %s\n", (unsigned long long)seed, dev->fault.message);
	} else {
		compare_warp(p, out, 0, seed);
		compare_warp(p, out, LANES, seed);
	}
	ptx_module_unload(module);
	dev->top = top;
	program_free(p);
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
	forms_video();
	for (i = 0; args.list && i < num_forms; i++)
		puts(forms[i].text);
	if (args.list)
		return 0;
	dev = device_open(1);
	dev->budget = BUDGET;
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
