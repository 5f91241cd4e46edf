// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* What must not run: malformed PTX, and kernels that fault or never end. */
#include <pthread.h>
#include <stdatomic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static struct device *dev;

#define HEAD ".version 7.0\n.target sm_80\n.address_size 64\n"
/* Line 4 opens, line 5 is the body's first. */
#define KERNEL(body) HEAD ".visible .entry k(.param .u64 p) {\n" body "\nret;\n}\n"

/**
 * struct bad_text - PTX that must not load
 * @text: PTX
 * @result: of the load
 * @line: that the log names; 0: none
 * @word: that the log has
 */
struct bad_text {
	const char *text;
	int result;
	unsigned int line;
	const char *word;
};

#define INVALID PTX_ERROR_INVALID_PTX

static const struct bad_text bad_texts[] = {
	{ KERNEL(".reg .b32 %r;\nfrobnicate.s32 %r, %r, 1;"), INVALID, 6, "frobnicate" },
	{ KERNEL(".reg .b32 %r;\nadd.s32 %r, %q, 1;"), INVALID, 6, "%q" },
	{ KERNEL(".reg .b32 %r;\nadd.s32 %r, %r;"), INVALID, 6, "add" },
	{ KERNEL(".reg .b32 %r;\nadd.s32 %r, %r, %r, %r;"), INVALID, 6, "add" },
	{ KERNEL(".reg .b32 %r;\nadd.s33 %r, %r, 1;"), INVALID, 6, ".s33" },
	{ KERNEL(".reg .b32 %r;\nadd.rn.s32 %r, %r, 1;"), INVALID, 6, ".rn" },
	{ KERNEL(".reg .b64 %r;\nadd.s32 %r, %r, 1;"), INVALID, 6, "add" },
	{ KERNEL(".reg .b32 %r;\nadd.s32 %r, %r, 1"), INVALID, 7, NULL },
	{ KERNEL("bra NOWHERE;"), INVALID, 5, "NOWHERE" },
	{ KERNEL("@%p bra L;\nL:"), INVALID, 5, "redicate" },
	{ KERNEL("L:\nL: bra L;"), INVALID, 6, "L" },
	{ KERNEL("L:\nL:\n\n\nbra L;"), INVALID, 6, "L" },
	{ KERNEL(".reg .b32 %r;\n.reg .b32 %r;"), INVALID, 6, "%r" },
	{ KERNEL(".reg .f32 %f;\nand.b32 %f, %f, %f, %f;"), INVALID, 6, NULL },
	{ KERNEL(".reg .f64 %d;\ndiv.f64 %d, %d, %d;"), INVALID, 6, "div" },
	{ KERNEL("call nobody;"), INVALID, 5, "nobody" },
	{ KERNEL(".reg .b32 %r;\nld.param.u32 %r, [missing];"), INVALID, 6, "missing" },
	{ KERNEL(".reg .b32 %r;\nmov.u32 %r, 0x1g;"), INVALID, 6, NULL },
	{ HEAD ".global .texref t;\n.visible .entry k() {\n.reg .b32 %r;\ntex.2d.v4.f32.f32 {%r, %r, %r, %r}, [t, {%r, %r}];\nret;\n}\n", INVALID, 0, "tex" },
	{ KERNEL(".reg .b32 %r;\nwgmma.fence.sync.aligned;"), INVALID, 6, "wgmma" },
	{ KERNEL("{\n"), INVALID, 9, NULL },
	{ HEAD "junk\n", INVALID, 4, "junk" },
	{ HEAD ".visible .entry k(.param .u64 p\n{ ret; }\n", INVALID, 5, NULL },
	{ HEAD ".visible .entry k() { ret; }\n.visible .entry k() { ret; }\n", INVALID, 5, "k" },
	{ HEAD ".global .align 3 .b8 x[4];\n", INVALID, 4, "3" },
	{ HEAD ".global .u32 x[2] = { 1, 2, 3 };\n", INVALID, 4, NULL },
	{ KERNEL(".shared .align 4 .b8 s[9999999999];\n.reg .b32 %r;\nld.shared.u32 %r, [s];"), INVALID, 0, NULL },
	{ KERNEL(".shared .align 4 .b8 s[49156];\n.reg .b32 %r;\nld.shared.u32 %r, [s];"), INVALID, 0, NULL },
	{ KERNEL(".local .align 4 .b8 s[9999999999];\n.reg .b32 %r;\nld.local.u32 %r, [s];"), INVALID, 0, NULL },
	{ "", INVALID, 0, NULL },
	{ "\n\nhello\n", INVALID, 3, ".version" },
	{ ".version 99.0\n.target sm_80\n", PTX_ERROR_UNSUPPORTED_PTX_VERSION, 1, "99.0" },
	{ ".version 7.0\n.target sm_999\n.address_size 64\n", PTX_ERROR_UNSUPPORTED_PTX_VERSION, 2, "sm_999" },
	{ HEAD ".extern .func absent();\n.visible .entry k() { call absent; ret; }\n", INVALID, 5, "absent" },
};

static void malformed(void **state)
{
	char log[4096], line[32];
	size_t i, bad = 0;

	for (i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++) {
		const struct bad_text *t = &bad_texts[i];
		struct ptx_input input = { .text = t->text, .len = strlen(t->text) };
		struct ptx_log messages = { log, sizeof(log), 0 };
		struct ptx_module *module = NULL;
		int result;

		log[0] = '\0';
		result = ptx_module_load(&module, dev->mem, &dev->va, &input, 1, &messages);
		snprintf(line, sizeof(line), "line %u;", t->line);
		if (result != t->result || (t->line && !strstr(log, line)) || (t->word && !strstr(log, t->word)) || !log[0]) {
			print_error("%s\t%s (should be %s, %s, '%s'):\n\t%s\n", t->text, ptx_result_name(result),
				    ptx_result_name(t->result), t->line ? line : "any line", t->word ? t->word : "", log);
			bad++;
		}
		if (!result)
			ptx_module_unload(module);
	}
	if (bad)
		fail_msg("%zu texts", bad);
}

/* Every beginning of a good text and every text with one byte changed loads or fails; nothing else happens. */
static void mutilated(void **state)
{
	size_t len, i, cut;
	char *text = read_file("tests/kernels/control.clang.ptx", &len), log[512];
	uint64_t seed = 0x9e3779b97f4a7c15ull;

	for (i = 0; i < 150; i++) {
		struct ptx_log messages = { log, sizeof(log), 0 };
		struct ptx_module *module;
		struct ptx_input input = { .text = text };
		char kept;
		int result;

		cut = next_random(&seed) % len;
		kept = text[cut];
		input.len = i & 1 ? cut : len;
		text[cut] = (char)(next_random(&seed) >> 33);
		result = ptx_module_load(&module, dev->mem, &dev->va, &input, 1, &messages);
		text[cut] = kept;
		if (!result)
			ptx_module_unload(module);
		else if (!log[0] || messages.used != strlen(log))
			fail_msg("cut at %zu: %s, but the log is '%s'", cut, ptx_result_name(result), log);
	}
	free(text);
}

#define REGS ".reg .b32 %r<4>; .reg .b64 %a<4>; .reg .pred %q; ld.param.u64 %a0, [p];\n"

/**
 * struct faulty - a kernel that must fault
 * @text: PTX
 * @result: of the launch
 * @line: of the fault
 * @word: that the message has
 */
static const struct faulty {
	const char *text;
	int result;
	unsigned int line;
	const char *word;
} faults[] = {
	{ KERNEL(REGS "mov.u64 %a1, 16;\nld.global.u32 %r0, [%a1];"), PTX_ERROR_ILLEGAL_ADDRESS, 7, "0x10" },
	{ KERNEL(REGS "mov.u64 %a1, 0;\nst.u32 [%a1], %r0;"), PTX_ERROR_ILLEGAL_ADDRESS, 7, "k" },
	{ KERNEL(REGS "mov.u64 %a1, -8;\nld.u64 %a2, [%a1];"), PTX_ERROR_ILLEGAL_ADDRESS, 7, NULL },
	{ KERNEL(REGS "mov.u64 %a1, 1;\nshl.b64 %a1, %a1, 62;\natom.global.add.u32 %r0, [%a1], 1;"), PTX_ERROR_ILLEGAL_ADDRESS, 8, NULL },
	{ KERNEL(REGS "\nld.global.u32 %r0, [%a0+1];"), PTX_ERROR_MISALIGNED_ADDRESS, 7, NULL },
	{ KERNEL(REGS "\nst.global.u64 [%a0+4], %a1;"), PTX_ERROR_MISALIGNED_ADDRESS, 7, NULL },
	{ KERNEL(REGS "\nld.global.v4.u32 {%r0, %r1, %r2, %r3}, [%a0+8];"), PTX_ERROR_MISALIGNED_ADDRESS, 7, NULL },
	{ KERNEL(REGS "\natom.global.add.u32 %r0, [%a0+2], 1;"), PTX_ERROR_MISALIGNED_ADDRESS, 7, NULL },
	{ KERNEL(".shared .align 4 .b8 s[64];\n" REGS "mov.u32 %r0, 1000000;\nld.shared.u32 %r1, [%r0];"), PTX_ERROR_ILLEGAL_ADDRESS, 8,
	  NULL },
	{ KERNEL(".local .align 4 .b8 s[64];\n" REGS "mov.u64 %a1, 0x7fffff00;\nst.local.u32 [%a1], %r1;"), PTX_ERROR_ILLEGAL_ADDRESS, 8,
	  NULL },
	{ KERNEL(REGS "mov.u64 %a1, 0x1234;\ntex.1d.v4.u32.s32 {%r0, %r1, %r2, %r3}, [%a1, {0}];"), PTX_ERROR_ILLEGAL_ADDRESS, 7, "texture" },
	{ KERNEL(REGS "mov.u64 %a1, 0x7465780000000007;\ntxq.width.b32 %r0, [%a1];"), PTX_ERROR_ILLEGAL_ADDRESS, 7, "texture" },
	{ KERNEL("\ntrap;"), PTX_ERROR_LAUNCH_FAILED, 6, NULL },
	{ KERNEL(REGS "mov.u64 %a1, 12345;\nP: .callprototype _ ();\ncall %a1, (), P;"), PTX_ERROR_INVALID_PC, 8, NULL },
	{ HEAD ".func f() {\n.local .align 8 .b8 x[256];\ncall f;\nret;\n}\n.visible .entry k(.param .u64 p) {\ncall f;\nret;\n}\n",
	  PTX_ERROR_HARDWARE_STACK_ERROR, 6, "f" },
};

static void faulting(void **state)
{
	void *memory = device_alloc(dev, 256);
	struct dims dims = { .block = { 40 } };
	size_t i, bad = 0;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct ptx_module *module = device_load_text(dev, faults[i].text);
		int result = RUN(dev, module, "k", &dims, &memory);

		if (result != faults[i].result || dev->fault.result != result || dev->fault.line != faults[i].line ||
		    (faults[i].word && !strstr(dev->fault.message, faults[i].word)) || strcmp(dev->fault.kernel, "k")) {
			print_error("%s\t%s line %u (should be %s line %u, '%s'): %s\n", faults[i].text, ptx_result_name(result),
				    dev->fault.line, ptx_result_name(faults[i].result), faults[i].line,
				    faults[i].word ? faults[i].word : "", dev->fault.message);
			bad++;
		}
		ptx_module_unload(module);
	}
	if (bad)
		fail_msg("%zu kernels", bad);
}

/* Which thread it was: only thread 33 of block 2 goes wrong. */
static void fault_names_thread(void **state)
{
	struct ptx_module *module = device_load_text(dev, KERNEL(REGS
		"mov.u32 %r0, %tid.x; mov.u32 %r1, %ctaid.x; mad.lo.u32 %r0, %r1, 1000, %r0;\n"
		"setp.ne.u32 %q, %r0, 2033; @%q bra END;\nld.global.u8 %r0, [%r0];\nEND:"));
	void *memory = device_alloc(dev, 256);
	struct dims dims = { .grid = { 3 }, .block = { 64 } };

	assert_int_equal(RUN(dev, module, "k", &dims, &memory), PTX_ERROR_ILLEGAL_ADDRESS);
	assert_int_equal(dev->fault.ctaid[0], 2);
	assert_int_equal(dev->fault.tid[0], 33);
	assert_int_equal(dev->fault.line, 8);
	assert_true(dev->fault.address == 2033);
	ptx_module_unload(module);
}

static _Atomic int stop;

/* Sets the stop flag once the kernel has said that it runs. */
static void *stopper(void *arg)
{
	volatile uint32_t *running = arg;

	while (!*running)
		sched_yield();
	atomic_store(&stop, 1);
	return NULL;
}

static void stop_flag_ends_loops(void **state)
{
	static const char * const loops[] = {
		KERNEL(REGS "st.volatile.global.u32 [%a0], 1;\nL: bra L;"),
		KERNEL(REGS "st.volatile.global.u32 [%a0], 1;\nL: ld.volatile.global.u32 %r0, [%a0]; setp.eq.u32 %q, %r0, 1; @%q bra L;"),
		KERNEL(REGS "st.volatile.global.u32 [%a0], 1;\nL: bar.sync 0; bra L;"),
		KERNEL(REGS "st.volatile.global.u32 [%a0], 1;\nL: atom.global.cas.b32 %r0, [%a0], 0, 1; setp.ne.u32 %q, %r0, 0; @%q bra L;"),
		KERNEL(REGS "st.volatile.global.u32 [%a0], 1;\nmov.u32 %r0, %tid.x; setp.eq.u32 %q, %r0, 0; @%q bar.sync 1, 64; L: bra L;"),
	};
	struct dims dims = { .grid = { 4 }, .block = { 64 } };
	uint32_t *running = device_alloc(dev, 4);
	pthread_t thread;
	size_t i;

	for (i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		struct ptx_module *module = device_load_text(dev, loops[i]);

		*running = 0;
		stop = 0;
		dev->stop = &stop;
		dev->budget = 0;
		assert_int_equal(pthread_create(&thread, NULL, stopper, running), 0);
		assert_int_equal(RUN(dev, module, "k", &dims, &running), PTX_ERROR_LAUNCH_TIMEOUT);
		pthread_join(thread, NULL);
		dev->stop = NULL;
		dev->budget = 1ull << 36;
		ptx_module_unload(module);
	}
}

static void budget_ends_loop(void **state)
{
	struct ptx_module *module = device_load_text(dev, KERNEL("L: bra L;"));
	struct dims dims = { .block = { 32 } };
	void *memory = device_alloc(dev, 8);

	dev->budget = 100000;
	assert_int_equal(RUN(dev, module, "k", &dims, &memory), PTX_ERROR_LAUNCH_TIMEOUT);
	dev->budget = 1ull << 36;
	ptx_module_unload(module);
}

/* Lanes of a warp that take a lock in turn, and lanes that wait for another lane of their warp. */
static void lanes_make_progress(void **state)
{
	struct ptx_module *lock = device_load_text(dev, KERNEL(REGS
		"L: atom.global.cas.b32 %r0, [%a0], 0, 1; setp.ne.u32 %q, %r0, 0; @%q bra L;\n"
		"ld.volatile.global.u32 %r1, [%a0+4]; add.u32 %r1, %r1, 1; st.volatile.global.u32 [%a0+4], %r1; membar.gl;\n"
		"atom.global.exch.b32 %r0, [%a0], 0;"));
	struct ptx_module *wait = device_load_text(dev, KERNEL(REGS
		"mov.u32 %r0, %tid.x; setp.ne.u32 %q, %r0, 31; @%q bra L;\nst.volatile.global.u32 [%a0+8], 1;\n"
		"L: ld.volatile.global.u32 %r1, [%a0+8]; setp.eq.u32 %q, %r1, 0; @%q bra L;\natom.global.add.u32 %r0, [%a0+12], 1;"));
	uint32_t *memory = device_alloc(dev, 16);
	struct dims dims = { .grid = { 3 }, .block = { 70 } };

	memset(memory, 0, 16);
	dev->budget = 1ull << 28;
	assert_int_equal(RUN(dev, lock, "k", &dims, &memory), PTX_SUCCESS);
	assert_int_equal(memory[1], 210);
	assert_int_equal(RUN(dev, wait, "k", &dims, &memory), PTX_SUCCESS);
	assert_int_equal(memory[3], 210);
	dev->budget = 1ull << 36;
	ptx_module_unload(lock);
	ptx_module_unload(wait);
}

/* Whatever faulted before, the device runs on. */
static void device_goes_on(void **state)
{
	struct ptx_module *module = device_load_text(dev, KERNEL(REGS "st.global.u32 [%a0], 77;"));
	struct dims dims = { .block = { 1 } };
	uint32_t *memory = device_alloc(dev, 4);

	assert_int_equal(RUN(dev, module, "k", &dims, &memory), PTX_SUCCESS);
	assert_int_equal(*memory, 77);
	ptx_module_unload(module);
}

static void refused_launches(void **state)
{
	struct ptx_module *module = device_load_text(dev, KERNEL(""));
	struct ptx_module *bounded = device_load_text(dev, HEAD ".visible .entry k()\n.maxntid 64\n{ ret; }\n");
	struct ptx_module *exact = device_load_text(dev, HEAD ".visible .entry k()\n.reqntid 64\n{ ret; }\n");
	const struct ptx_function *func = ptx_module_function(module, "k");
	uint64_t param = 0;
	struct ptx_launch good = { .func = func, .grid = { 1, 1, 1 }, .block = { 1, 1, 1 }, .params = &param, .params_len = 8 }, l;

	assert_int_equal(ptx_launch(dev->env, &good, NULL), PTX_SUCCESS);
	l = good;
	l.grid[1] = 0;
	assert_int_equal(ptx_launch(dev->env, &l, NULL), PTX_ERROR_INVALID_VALUE);
	l = good;
	l.params_len = 7;
	assert_int_equal(ptx_launch(dev->env, &l, NULL), PTX_ERROR_INVALID_VALUE);
	l = good;
	l.block[0] = 1025;
	assert_int_equal(ptx_launch(dev->env, &l, NULL), PTX_ERROR_INVALID_VALUE);
	l = good;
	l.block[0] = 65536;
	l.block[1] = 65536;
	assert_int_equal(ptx_launch(dev->env, &l, NULL), PTX_ERROR_INVALID_VALUE);
	l = good;
	l.dynamic_shared = PTX_MAX_SHARED + 1;
	assert_int_equal(ptx_launch(dev->env, &l, NULL), PTX_ERROR_INVALID_VALUE);
	l = good;
	l.func = ptx_module_function(bounded, "k");
	l.block[0] = 64;
	assert_int_equal(ptx_launch(dev->env, &l, NULL), PTX_SUCCESS);
	l.block[0] = 65;
	assert_int_equal(ptx_launch(dev->env, &l, NULL), PTX_ERROR_LAUNCH_OUT_OF_RESOURCES);
	l.func = ptx_module_function(exact, "k");
	l.block[0] = 63;
	assert_int_equal(ptx_launch(dev->env, &l, NULL), PTX_ERROR_INVALID_VALUE);
	l = good;
	l.grid[0] = 1u << 30;
	l.flags = PTX_LAUNCH_COOPERATIVE;
	assert_int_equal(ptx_launch(dev->env, &l, NULL), PTX_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE);
	ptx_module_unload(module);
	ptx_module_unload(bounded);
	ptx_module_unload(exact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed),	       cmocka_unit_test(mutilated),	      cmocka_unit_test(faulting),
		cmocka_unit_test(fault_names_thread), cmocka_unit_test(stop_flag_ends_loops), cmocka_unit_test(budget_ends_loop),
		cmocka_unit_test(lanes_make_progress), cmocka_unit_test(device_goes_on),      cmocka_unit_test(refused_launches),
	};
	int failed;

	dev = device_open(2);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	device_close(dev);
	return failed;
}
