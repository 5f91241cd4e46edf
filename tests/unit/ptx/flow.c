// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Control flow: divergence, barriers, calls, what lanes do together, how kernels end. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static struct device *dev;

#define HEAD	".version 8.7\n.target sm_80\n.address_size 64\n"
#define ENTRY	".visible .entry k(.param .u64 p0) {\n" \
		".reg .u64 %out, %t<8>;\n.reg .b32 %x, %r<12>;\n.reg .pred %p<6>;\n.reg .f32 %f<4>;\n.reg .f64 %d0;\n" \
		"ld.param.u64 %out, [p0];\nmov.u32 %x, %tid.x;\n"
/* Stores %r0 of each thread. */
#define STORE	"\nmul.wide.u32 %t7, %x, 4; add.u64 %t7, %out, %t7; st.global.u32 [%t7], %r0;\n"

static const struct dims warp = { .block = { 32 } };

static struct ptx_module *load(const char *decl, const char *text)
{
	char *ptx = calloc(1, 32768);
	struct ptx_module *m;

	snprintf(ptx, 32768, "%s%s%s%s\nret;\n}\n", HEAD, decl, ENTRY, text);
	m = device_load_text(dev, ptx);
	free(ptx);
	return m;
}

static int run(const char *decl, const char *text, uint32_t *out, const struct dims *dims)
{
	struct ptx_module *m = load(decl, text);
	int result = RUN(dev, m, "k", dims, &out);

	ptx_module_unload(m);
	return result;
}

static void must_run(const char *decl, const char *text, uint32_t *out, const struct dims *dims)
{
	if (run(decl, text, out, dims))
		fail_msg("%s", dev->fault.message);
}

static uint32_t *words(size_t n)
{
	uint32_t *p = device_alloc(dev, n * 4);

	memset(p, 0, n * 4);
	return p;
}

/* Lanes loop a different number of times, through nested branches. */
static void divergent_loops(void **state)
{
	uint32_t *out = words(128), i, k;
	static const struct dims dims = { .block = { 100 } };

	must_run("", "mov.u32 %r0, 0; mov.u32 %r1, 0;\n"
		 "LOOP: setp.ge.u32 %p0, %r1, %x; @%p0 bra END;\n"
		 "and.b32 %r2, %r1, 1; setp.eq.u32 %p1, %r2, 0; @%p1 bra EVEN;\n"
		 "and.b32 %r3, %x, 3; setp.eq.u32 %p2, %r3, 3; @!%p2 bra ODD; add.u32 %r0, %r0, 100; bra NEXT;\n"
		 "ODD: add.u32 %r0, %r0, 10; bra NEXT;\nEVEN: add.u32 %r0, %r0, 1;\n"
		 "NEXT: add.u32 %r1, %r1, 1; bra LOOP;\nEND:" STORE, out, &dims);
	for (i = 0; i < 100; i++) {
		uint32_t want = 0;

		for (k = 0; k < i; k++)
			want += k % 2 == 0 ? 1 : i % 4 == 3 ? 100 : 10;
		assert_int_equal(out[i], want);
	}
}

/* Lanes of one warp take a lock in turn: whoever holds it must get on while the others spin. */
static void spin_lock_between_lanes(void **state)
{
	uint32_t *out = words(64);
	static const struct dims dims = { .grid = { 3 }, .block = { 64 } };

	must_run("",
		 "SPIN: atom.global.cas.b32 %r1, [%out], 0, 1; setp.ne.u32 %p0, %r1, 0; @%p0 bra SPIN;\n"
		 "ld.volatile.global.u32 %r2, [%out+4]; add.u32 %r2, %r2, 1; st.volatile.global.u32 [%out+4], %r2;\n"
		 "membar.gl; atom.global.exch.b32 %r1, [%out], 0;", out, &dims);
	assert_int_equal(out[1], 3 * 64);
	assert_int_equal(out[0], 0);
}

/* A lane waits for what a later lane of its warp writes. */
static void lanes_wait_for_each_other(void **state)
{
	uint32_t *out = words(64), i;

	must_run(".shared .u32 flag[33];\n",
		 "mov.u32 %r1, flag; mad.lo.u32 %r1, %x, 4, %r1; st.volatile.shared.u32 [%r1], 0; bar.warp.sync 0xffffffff;\n"
		 "setp.eq.u32 %p0, %x, 31; @%p0 bra WRITE;\n"
		 "W: ld.volatile.shared.u32 %r0, [%r1+4]; setp.eq.u32 %p1, %r0, 0; @%p1 bra W;\n"
		 "WRITE: selp.u32 %r0, 1000, %r0, %p0; add.u32 %r0, %r0, 1; st.volatile.shared.u32 [%r1], %r0;" STORE, out, &warp);
	for (i = 0; i < 32; i++)
		assert_int_equal(out[i], 1001 + 31 - i);
}

/* A block waits for a later one: both must be resident. */
static void blocks_wait_for_each_other(void **state)
{
	uint32_t *out = words(256), i;
	static const struct dims dims = { .grid = { 40 }, .block = { 32 } };

	must_run("",
		 "mov.u32 %r1, %ctaid.x; mul.wide.u32 %t0, %r1, 4; add.u64 %t0, %out, %t0; setp.eq.u32 %p0, %r1, 39; @%p0 bra LAST;\n"
		 "W: ld.acquire.gpu.global.u32 %r0, [%t0+4]; setp.eq.u32 %p1, %r0, 0; @%p1 bra W;\n"
		 "bra GO;\nLAST: mov.u32 %r0, 0;\nGO: add.u32 %r0, %r0, 1; setp.ne.u32 %p2, %x, 0; @%p2 exit;\n"
		 "st.release.gpu.global.u32 [%t0], %r0;", out, &dims);
	for (i = 0; i < 40; i++)
		assert_int_equal(out[i], 40 - i);
}

static void barriers(void **state)
{
	uint32_t *out = words(512), i;
	static const struct dims dims = { .block = { 200 } };

	/* Threads exit early; the others still meet. Then named barriers with a count, between pairs of warps. */
	must_run(".shared .u32 sh[256];\n",
		 "setp.ge.u32 %p0, %x, 150; @%p0 exit;\n"
		 "mov.u32 %r1, sh; mad.lo.u32 %r1, %x, 4, %r1; st.shared.u32 [%r1], %x; bar.sync 0;\n"
		 "mov.u32 %r2, sh; sub.u32 %r3, 149, %x; mad.lo.u32 %r2, %r3, 4, %r2; ld.shared.u32 %r0, [%r2]; barrier.sync 3;\n"
		 "add.u32 %r4, %x, 1000; st.shared.u32 [%r1], %r4; setp.ge.u32 %p1, %x, 128; @%p1 bra OUT;\n"
		 "shr.u32 %r5, %x, 6; add.u32 %r5, %r5, 1; barrier.sync.aligned %r5, 64; xor.b32 %r6, %x, 32;\n"
		 "mov.u32 %r2, sh; mad.lo.u32 %r2, %r6, 4, %r2; ld.shared.u32 %r7, [%r2]; add.u32 %r0, %r0, %r7;\nOUT:" STORE,
		 out, &dims);
	for (i = 0; i < 128; i++)
		assert_int_equal(out[i], 149 - i + 1000 + (i ^ 32));
	for (; i < 150; i++)
		assert_int_equal(out[i], 149 - i);
	assert_int_equal(out[150], 0);
}

static void producer_and_consumer(void **state)
{
	uint32_t *out = words(64), i;
	static const struct dims dims = { .block = { 64 } };

	must_run(".shared .u32 sh[32];\n",
		 "and.b32 %r1, %x, 31; mov.u32 %r2, sh; mad.lo.u32 %r2, %r1, 4, %r2; setp.lt.u32 %p0, %x, 32; mov.u32 %r3, 0;\n"
		 "@%p0 bra CONSUME;\n"
		 "P: bar.sync 1, 64; mad.lo.u32 %r4, %r3, 100, %r1; st.shared.u32 [%r2], %r4; bar.arrive 2, 64;\n"
		 "add.u32 %r3, %r3, 1; setp.lt.u32 %p1, %r3, 5; @%p1 bra P; exit;\n"
		 "CONSUME: mov.u32 %r0, 0;\nC: bar.arrive 1, 64; bar.sync 2, 64; ld.shared.u32 %r4, [%r2]; add.u32 %r0, %r0, %r4;\n"
		 "add.u32 %r3, %r3, 1; setp.lt.u32 %p1, %r3, 5; @%p1 bra C;" STORE, out, &dims);
	for (i = 0; i < 32; i++)
		assert_int_equal(out[i], 5 * i + 1000);
}

static void barrier_reductions(void **state)
{
	uint32_t *out = words(256), i;
	static const struct dims dims = { .block = { 96 } };

	must_run("",
		 "setp.lt.u32 %p0, %x, 37; barrier.red.popc.u32 %r0, 0, %p0;\n"
		 "bar.red.and.pred %p1, 0, %p0; bar.red.or.pred %p2, 1, %p0; setp.lt.u32 %p3, %x, 1000; bar.red.and.pred %p4, 0, %p3;\n"
		 "@%p1 add.u32 %r0, %r0, 1000; @%p2 add.u32 %r0, %r0, 2000; @%p4 add.u32 %r0, %r0, 4000;\n"
		 "bar.red.popc.u32 %r1, 0, !%p0; mad.lo.u32 %r0, %r1, 10000, %r0;" STORE, out, &dims);
	for (i = 0; i < 96; i++)
		assert_int_equal(out[i], 37 + 2000 + 4000 + 59 * 10000);
}

static void shuffles(void **state)
{
	static const struct {
		const char *text;
		int mode;
		uint32_t b, c;
	} forms[] = {
		{ "up", 0, 3, 0 }, { "up", 0, 1, 0x1800 }, { "down", 1, 5, 31 }, { "down", 1, 2, 0x1c1f }, { "bfly", 2, 16, 31 },
		{ "bfly", 2, 7, 0x181f }, { "idx", 3, 9, 31 }, { "idx", 3, 6, 0x1c1f }, { "bfly", 2, 12, 0x0007 },
	};
	uint32_t *out = words(64), i, l;
	char text[512];

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		snprintf(text, sizeof(text),
			 "mad.lo.u32 %%r1, %%x, 3, 11; shfl.sync.%s.b32 %%r0|%%p0, %%r1, %u, %u, 0xffffffff;\n"
			 "@%%p0 add.u32 %%r0, %%r0, 1000; shfl.sync.%s.b32 %%r2, %%r1, %u, %u, -1; mad.lo.u32 %%r0, %%r2, 65536, %%r0;%s",
			 forms[i].text, forms[i].b, forms[i].c, forms[i].text, forms[i].b, forms[i].c, STORE);
		must_run("", text, out, &warp);
		for (l = 0; l < 32; l++) {
			/* The pseudo-code of the ISA. */
			uint32_t seg = forms[i].c >> 8 & 31, cval = forms[i].c & 31, b = forms[i].b, v;
			int max = (int)((l & seg) | (cval & ~seg)), min = (int)(l & seg), j, p;

			if (forms[i].mode == 0) {
				j = (int)l - (int)b;
				p = j >= max;
			} else if (forms[i].mode == 1) {
				j = (int)(l + b);
				p = j <= max;
			} else if (forms[i].mode == 2) {
				j = (int)(l ^ b);
				p = j <= max;
			} else {
				j = min | (int)(b & ~seg);
				p = j <= max;
			}
			v = (uint32_t)(p ? j : (int)l) * 3 + 11;
			if (out[l] != v + (p ? 1000u : 0) + v * 65536)
				fail_msg("shfl.%s %u, %#x: lane %u got %#x", forms[i].text, b, forms[i].c, l, out[l]);
		}
	}
}

/* Halves of the warp shuffle on their own, from one instruction and from two, diverged. */
static void partial_shuffles(void **state)
{
	uint32_t *out = words(64), i;

	must_run("",
		 "setp.lt.u32 %p0, %x, 16; selp.b32 %r1, 0x0000ffff, 0xffff0000, %p0;\n"
		 "shfl.sync.bfly.b32 %r0, %x, 1, 31, %r1; @%p0 bra LOW;\n"
		 "shfl.sync.bfly.b32 %r2, %x, 2, 31, 0xffff0000; bra JOIN;\nLOW: shfl.sync.bfly.b32 %r2, %x, 4, 31, 0xffff;\n"
		 "JOIN: mad.lo.u32 %r0, %r2, 100, %r0; shfl.sync.bfly.b32 %r3, %x, 16, 31, -1; mad.lo.u32 %r0, %r3, 10000, %r0;" STORE,
		 out, &warp);
	for (i = 0; i < 32; i++)
		assert_int_equal(out[i], (i ^ 1) + 100 * (i ^ (i < 16 ? 4 : 2)) + 10000 * (i ^ 16));
}

static void votes(void **state)
{
	uint32_t *out = words(64), i;

	must_run("",
		 "setp.lt.u32 %p0, %x, 10; vote.sync.ballot.b32 %r0, %p0, -1; vote.sync.any.pred %p1, %p0, -1;\n"
		 "vote.sync.all.pred %p2, %p0, -1; vote.sync.uni.pred %p3, %p0, -1; vote.sync.all.pred %p4, !%p2, -1;\n"
		 "@%p1 add.u32 %r0, %r0, 0x10000; @%p2 add.u32 %r0, %r0, 0x20000; @%p3 add.u32 %r0, %r0, 0x40000;\n"
		 "@%p4 add.u32 %r0, %r0, 0x80000; activemask.b32 %r1; setp.eq.b32 %p5, %r1, -1; @%p5 add.u32 %r0, %r0, 0x100000;" STORE,
		 out, &warp);
	for (i = 0; i < 32; i++)
		assert_int_equal(out[i], 0x3ff + 0x10000 + 0x80000 + 0x100000);
	must_run("",
		 "and.b32 %r1, %x, 1; setp.eq.u32 %p0, %r1, 0; mov.u32 %r0, 7; @%p0 bra E; bra J;\n"
		 "E: setp.lt.u32 %p1, %x, 8; vote.sync.ballot.b32 %r0, %p1, 0x55555555;\nJ:" STORE, out, &warp);
	for (i = 0; i < 32; i++)
		assert_int_equal(out[i], i % 2 ? 7 : 0x55);
}

static void matches(void **state)
{
	uint32_t *out = words(64), i, k;

	must_run("", "rem.u32 %r1, %x, 5; match.any.sync.b32 %r0, %r1, -1;" STORE, out, &warp);
	for (i = 0; i < 32; i++) {
		uint32_t want = 0;

		for (k = 0; k < 32; k++)
			want |= (uint32_t)(k % 5 == i % 5) << k;
		assert_int_equal(out[i], want);
	}
	must_run("", "mov.u64 %t0, 0x100000005; match.all.sync.b64 %r0|%p0, %t0, -1; @!%p0 mov.u32 %r0, 1;" STORE, out, &warp);
	for (i = 0; i < 32; i++)
		assert_int_equal(out[i], 0xffffffff);
	must_run("", "setp.eq.u32 %p1, %x, 3; selp.b32 %r1, 9, 8, %p1; match.all.sync.b32 %r0|%p0, %r1, -1; @%p0 mov.u32 %r0, 1;" STORE,
		 out, &warp);
	for (i = 0; i < 32; i++)
		assert_int_equal(out[i], 0);
}

static void reductions(void **state)
{
	static const struct {
		const char *op;
		uint32_t want;
	} ops[] = {
		{ "add.u32", 31 * 16 + 32 * 5 }, { "add.s32", 31 * 16 + 32 * 5 }, { "min.u32", 5 }, { "max.u32", 36 }, { "min.s32", 5 },
		{ "max.s32", 36 }, { "and.b32", 0 }, { "or.b32", 63 }, { "xor.b32", 0 },
	};
	uint32_t *out = words(64), i, k, x = 0;
	char text[256];

	for (k = 0; k < 32; k++)
		x ^= k + 5;
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		snprintf(text, sizeof(text), "add.u32 %%r1, %%x, 5; redux.sync.%s %%r0, %%r1, -1;%s", ops[i].op, STORE);
		must_run("", text, out, &warp);
		for (k = 0; k < 32; k++)
			if (out[k] != (ops[i].op[0] == 'x' ? x : ops[i].want))
				fail_msg("redux.%s: %u", ops[i].op, out[k]);
	}
	must_run("", "setp.lt.u32 %p0, %x, 4; selp.b32 %r1, 0xf, 0xfffffff0, %p0; redux.sync.add.u32 %r0, %x, %r1;" STORE, out, &warp);
	for (k = 0; k < 32; k++)
		assert_int_equal(out[k], k < 4 ? 6 : 496 - 6);
}

static void special_registers(void **state)
{
	uint32_t *out = words(8192), i;
	static const struct dims dims = { .grid = { 2, 3, 2 }, .block = { 5, 4, 3 }, .shared = 96 };

	must_run("",
		 "mov.u32 %r1, %ctaid.z; mov.u32 %r2, %nctaid.y; mov.u32 %r3, %ctaid.y; mad.lo.u32 %r1, %r1, %r2, %r3;\n"
		 "mov.u32 %r2, %nctaid.x; mov.u32 %r3, %ctaid.x; mad.lo.u32 %r1, %r1, %r2, %r3;\n"
		 "mov.u32 %r2, %tid.z; mov.u32 %r3, %ntid.y; mov.u32 %r4, %tid.y; mad.lo.u32 %r2, %r2, %r3, %r4;\n"
		 "mov.u32 %r3, %ntid.x; mad.lo.u32 %r2, %r2, %r3, %x; mad.lo.u32 %x, %r1, 60, %r2;\n"
		 "mov.u32 %r5, %laneid; mov.u32 %r6, %warpid; mad.lo.u32 %r0, %r6, 32, %r5; mov.u32 %r7, %lanemask_lt; popc.b32 %r7, %r7;\n"
		 "mad.lo.u32 %r0, %r7, 100, %r0; mov.u32 %r8, %dynamic_smem_size; mad.lo.u32 %r0, %r8, 10000, %r0;\n"
		 "mov.u32 %r9, %lanemask_ge; mov.u32 %r10, %lanemask_gt; xor.b32 %r9, %r9, %r10; mov.u32 %r10, %lanemask_eq;\n"
		 "setp.ne.b32 %p0, %r9, %r10; @%p0 mov.u32 %r0, 0; mov.u64 %t0, %clock64; mov.u64 %t1, %globaltimer; setp.eq.u64 %p1, %t1, 0;\n"
		 "@%p1 mov.u32 %r0, 0;" STORE, out, &dims);
	for (i = 0; i < 12 * 60; i++)
		assert_int_equal(out[i], i % 60 + 100 * (i % 60 % 32) + 960000);
}

static void branch_tables(void **state)
{
	uint32_t *out = words(64), i;

	must_run("",
		 "and.b32 %r1, %x, 3;\nTS: .branchtargets L0, L1, L2, L1;\nbrx.idx %r1, TS;\n"
		 "L0: mov.u32 %r0, 10; bra J;\nL1: mov.u32 %r0, 20; bra J;\nL2: mov.u32 %r0, 30;\nJ:" STORE, out, &warp);
	for (i = 0; i < 32; i++)
		assert_int_equal(out[i], i % 4 == 0 ? 10 : i % 4 == 2 ? 30 : 20);
	assert_int_equal(run("", "TS: .branchtargets L0, L0;\nbrx.idx %x, TS;\nL0:", out, &warp), PTX_ERROR_ILLEGAL_INSTRUCTION);
}

#define FIB	".func (.param .b32 r) fib(.param .b32 n) {\n.reg .b32 %n, %a, %b;\n.reg .pred %p;\nld.param.b32 %n, [n];\n" \
		"setp.lt.u32 %p, %n, 2; @%p bra BASE;\n" \
		"{ .param .b32 q; .param .b32 s; sub.u32 %a, %n, 1; st.param.b32 [q], %a; call.uni (s), fib, (q); ld.param.b32 %a, [s]; }\n" \
		"{ .param .b32 q; .param .b32 s; sub.u32 %b, %n, 2; st.param.b32 [q], %b; call.uni (s), fib, (q); ld.param.b32 %b, [s]; }\n" \
		"add.u32 %a, %a, %b; st.param.b32 [r], %a; ret;\nBASE: st.param.b32 [r], %n; ret;\n}\n"

static void recursion(void **state)
{
	uint32_t *out = words(64), i, a = 0, b = 1;

	must_run(".func (.param .b32 r) fib(.param .b32 n);\n" FIB,
		 "rem.u32 %r1, %x, 11;\n{ .param .b32 q; .param .b32 s; st.param.b32 [q], %r1; call (s), fib, (q); ld.param.b32 %r0, [s]; }" STORE,
		 out, &warp);
	for (i = 0; i < 11; i++) {
		uint32_t t = a + b;

		assert_int_equal(out[i], a);
		assert_int_equal(out[i + 11], a);
		a = b;
		b = t;
	}
	assert_int_equal(run(FIB, "{ .param .b32 q; .param .b32 s; st.param.b32 [q], 100000; call (s), fib, (q); ld.param.b32 %r0, [s]; }",
			     out, &warp), PTX_ERROR_HARDWARE_STACK_ERROR);
}

/* Register parameters, structures in .param arrays, several results of one call, predicated calls. */
static void parameters(void **state)
{
	uint32_t *out = words(64), i;

	must_run(".func (.reg .u32 r) twice(.reg .u32 a) { add.u32 r, a, a; ret; }\n"
		 ".func (.param .align 8 .b8 r[16]) swap(.param .align 8 .b8 s[16]) { .reg .u64 %a, %b; ld.param.v2.u64 {%a, %b}, [s];\n"
		 "st.param.u64 [r], %b; st.param.u64 [r+8], %a; ret; }\n"
		 ".func note(.param .u64 p, .param .u32 v) { .reg .u64 %p; .reg .u32 %v; ld.param.u64 %p, [p]; ld.param.u32 %v, [v];\n"
		 "st.global.u32 [%p], %v; }\n",
		 "call (%r0), twice, (%x); call (%r1), twice, (7); add.u32 %r0, %r0, %r1;\n"
		 "{ .param .align 8 .b8 a[16]; .param .align 8 .b8 b[16]; cvt.u64.u32 %t0, %x; st.param.v2.u64 [a], {%t0, 5};\n"
		 "call (b), swap, (a); ld.param.u64 %t1, [b+8]; cvt.u32.u64 %r2, %t1; mad.lo.u32 %r0, %r2, 1000, %r0; ld.param.u32 %r3, [b];\n"
		 "mad.lo.u32 %r0, %r3, 100000, %r0; }\n"
		 "setp.lt.u32 %p0, %x, 9; add.u32 %r4, %x, 32; mul.wide.u32 %t2, %r4, 4; add.u64 %t2, %out, %t2;\n"
		 "{ .param .u64 a; .param .u32 b; st.param.u64 [a], %t2; st.param.u32 [b], %r4; @%p0 call note, (a, b); }" STORE,
		 out, &warp);
	for (i = 0; i < 32; i++) {
		assert_int_equal(out[i], 2 * i + 14 + 1000 * i + 500000);
		assert_int_equal(out[32 + i], i < 9 ? 32 + i : 0);
	}
}

static void indirect_calls(void **state)
{
	uint32_t *out = words(64), i;

	must_run(".func (.param .u32 r) f1(.param .u32 a) { .reg .u32 %a; ld.param.u32 %a, [a]; add.u32 %a, %a, 100; st.param.u32 [r], %a; ret; }\n"
		 ".func (.param .u32 r) f2(.param .u32 a) { .reg .u32 %a; ld.param.u32 %a, [a]; mul.lo.u32 %a, %a, 3; st.param.u32 [r], %a; ret; }\n"
		 ".global .align 8 .u64 table[2] = {f1, f2};\n",
		 "and.b32 %r1, %x, 1; mul.wide.u32 %t0, %r1, 8; mov.u64 %t1, table; add.u64 %t1, %t1, %t0; ld.global.u64 %t2, [%t1];\n"
		 "{ .param .u32 a; .param .u32 r; st.param.u32 [a], %x; P: .callprototype (.param .u32 _) _ (.param .u32 _);\n"
		 "call (r), %t2, (a), P; ld.param.u32 %r0, [r]; }" STORE, out, &warp);
	for (i = 0; i < 32; i++)
		assert_int_equal(out[i], i % 2 ? 3 * i : 100 + i);
	assert_int_equal(run("", "mov.u64 %t2, 0x12345; { P: .callprototype _ (); call %t2, (), P; }", out, &warp), PTX_ERROR_INVALID_PC);
}

static void dynamic_stack(void **state)
{
	uint32_t *out = words(64), i;

	must_run("",
		 "cvt.u64.u32 %t0, %x; shl.b64 %t1, %t0, 2; add.u64 %t1, %t1, 16; stacksave.u64 %t5; alloca.u64 %t2, %t1, 16;\n"
		 "st.local.u32 [%t2], %x; alloca.u64 %t3, 64, 16; st.local.u32 [%t3], 5; st.local.u32 [%t3+60], 6; ld.local.u32 %r0, [%t2];\n"
		 "cvta.local.u64 %t4, %t3; ld.u32 %r1, [%t4+60]; mad.lo.u32 %r0, %r1, 100, %r0; stackrestore.u64 %t5;" STORE, out, &warp);
	for (i = 0; i < 32; i++)
		assert_int_equal(out[i], i + 600);
	assert_int_equal(run("", "L: alloca.u64 %t2, 256; bra L;", out, &warp), PTX_ERROR_HARDWARE_STACK_ERROR);
}

#define PRINTF	".extern .func (.param .b32 r) vprintf(.param .b64 f, .param .b64 a);\n"

/* Bytes of a string as an initialiser. */
static void add_string(char *ptx, const char *name, const char *text)
{
	char item[16];

	sprintf(ptx + strlen(ptx), ".global .align 1 .b8 %s[%zu] = {", name, strlen(text) + 1);
	for (; *text; text++) {
		sprintf(item, "%d, ", (unsigned char)*text);
		strcat(ptx, item);
	}
	strcat(ptx, "0};\n");
}

static void device_printf(void **state)
{
	static const struct dims dims = { .block = { 2 } };
	uint32_t *out = words(64);
	char decl[4096] = PRINTF;

	add_string(decl, "fmt", "lane %d: %5.2f %s %llx %c%%|%-4u|%05d %q\n");
	add_string(decl, "str", "text");
	dev->printed_len = 0;
	must_run(decl,
		 ".local .align 8 .b8 args[64];\nst.local.u32 [args], %x; mov.f64 %d0, 0d400921FB54442D18; st.local.f64 [args+8], %d0;\n"
		 "mov.u64 %t0, str; cvta.global.u64 %t0, %t0; st.local.u64 [args+16], %t0; st.local.u64 [args+24], 0x123456789abc;\n"
		 "st.local.u32 [args+32], 33; st.local.u32 [args+36], 42; st.local.s32 [args+40], -7;\n"
		 "mov.u64 %t1, fmt; mov.u64 %t2, args; cvta.local.u64 %t2, %t2;\n"
		 "{ .param .b64 f; .param .b64 a; .param .b32 r; st.param.b64 [f], %t1; st.param.b64 [a], %t2; call.uni (r), vprintf, (f, a);\n"
		 "ld.param.b32 %r0, [r]; }" STORE, out, &dims);
	assert_string_equal(dev->printed, "lane 0:  3.14 text 123456789abc !%|42  |-0007 %q\n"
					  "lane 1:  3.14 text 123456789abc !%|42  |-0007 %q\n");
	assert_int_equal(out[0], 7);
}

static void device_assert(void **state)
{
	static const struct dims dims = { .block = { 32 } };
	uint32_t *out = words(64);
	char decl[4096] = ".extern .func __assertfail(.param .b64 a, .param .b64 b, .param .b32 c, .param .b64 d, .param .b64 e);\n";

	add_string(decl, "msg", "x < 5");
	add_string(decl, "file", "a.cu");
	add_string(decl, "fn", "void f()");
	dev->printed_len = 0;
	assert_int_equal(run(decl,
			     "setp.lt.u32 %p0, %x, 5; @%p0 bra OK; mov.u64 %t0, msg; mov.u64 %t1, file; mov.u64 %t2, fn;\n"
			     "{ .param .b64 a; .param .b64 b; .param .b32 c; .param .b64 d; .param .b64 e; st.param.b64 [a], %t0; st.param.b64 [b], %t1;\n"
			     "st.param.b32 [c], 12; st.param.b64 [d], %t2; st.param.b64 [e], 1; call __assertfail, (a, b, c, d, e); }\nOK:",
			     out, &dims), PTX_ERROR_ASSERT);
	assert_string_equal(dev->printed, "a.cu:12: void f(): block: [0,0,0], thread: [5,0,0] Assertion `x < 5` failed.\n");
}

static void device_malloc(void **state)
{
	static const struct dims dims = { .grid = { 4 }, .block = { 64 } };
	uint32_t *out = words(1024), i;

	must_run(".extern .func (.param .b64 r) malloc(.param .b64 n);\n.extern .func free(.param .b64 p);\n",
		 "mov.u32 %r1, %ctaid.x; mad.lo.u32 %x, %r1, 64, %x; and.b32 %r2, %x, 7; mul.wide.u32 %t0, %r2, 40; add.u64 %t0, %t0, 8;\n"
		 "mov.u32 %r3, 0; mov.u32 %r0, 0;\n"
		 "L: { .param .b64 n; .param .b64 r; st.param.b64 [n], %t0; call (r), malloc, (n); ld.param.b64 %t1, [r]; }\n"
		 "setp.eq.u64 %p0, %t1, 0; @%p0 trap; st.u32 [%t1], %x; bar.sync 0; ld.u32 %r4, [%t1]; add.u32 %r0, %r0, %r4;\n"
		 "{ .param .b64 p; st.param.b64 [p], %t1; call free, (p); }\n"
		 "add.u32 %r3, %r3, 1; setp.lt.u32 %p1, %r3, 10; @%p1 bra L;" STORE, out, &dims);
	for (i = 0; i < 256; i++)
		assert_int_equal(out[i], i * 10);
	/* Exhaustion gives null. */
	must_run(".extern .func (.param .b64 r) malloc(.param .b64 n);\n",
		 "{ .param .b64 n; .param .b64 r; st.param.b64 [n], 0x40000000; call (r), malloc, (n); ld.param.b64 %t1, [r]; }\n"
		 "cvt.u32.u64 %r0, %t1;" STORE, out, &warp);
	assert_int_equal(out[0], 0);
}

static void traps(void **state)
{
	uint32_t *out = words(64);

	assert_int_equal(run("", "setp.eq.u32 %p0, %x, 7; @%p0 trap;", out, &warp), PTX_ERROR_LAUNCH_FAILED);
	assert_int_equal(dev->fault.tid[0], 7);
	assert_int_equal(dev->fault.line, 12);
	assert_non_null(strstr(dev->fault.message, "kernel 'k'"));
	assert_int_equal(run("", "bar.sync 16;", out, &warp), PTX_ERROR_ILLEGAL_INSTRUCTION);
}

static void endless_kernel_is_stopped(void **state)
{
	static const char * const loops[] = {
		"L: bra L;", "L: bar.sync 0; bra L;", "L: add.u32 %r0, %r0, 1; setp.lt.u32 %p0, %x, 3; @%p0 bra L; bra L;",
		"L: nanosleep.u32 100; bra L;", "L: @%p0 bra L; bra L;", "setp.lt.u32 %p0, %x, 20; @%p0 bra W; exit;\nW: bar.sync 1, 64;",
	};
	uint32_t *out = words(64), i;

	for (i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		struct ptx_module *m = load("", loops[i]);
		struct ptx_launch launch = { .func = ptx_module_function(m, "k"), .grid = { 8, 1, 1 }, .block = { 64, 1, 1 },
					     .params = &out, .params_len = 8, .budget = 1000000 };

		assert_int_equal(ptx_launch(dev->env, &launch, &dev->fault), PTX_ERROR_LAUNCH_TIMEOUT);
		ptx_module_unload(m);
	}
}

struct stopper {
	_Atomic int stop;
	volatile uint32_t *seen;
};

static void *stop_thread(void *arg)
{
	struct stopper *s = arg;

	while (!*s->seen)
		;
	atomic_store(&s->stop, 1);
	return NULL;
}

static void stop_flag(void **state)
{
	uint32_t *out = words(64);
	struct ptx_module *m = load("", "st.volatile.global.u32 [%out], 1;\nL: bra L;");
	struct stopper s = { .seen = out };
	struct ptx_launch launch = { .func = ptx_module_function(m, "k"), .grid = { 100, 1, 1 }, .block = { 64, 1, 1 },
				     .params = &out, .params_len = 8, .stop = &s.stop };
	pthread_t thread;

	pthread_create(&thread, NULL, stop_thread, &s);
	assert_int_equal(ptx_launch(dev->env, &launch, &dev->fault), PTX_ERROR_LAUNCH_TIMEOUT);
	pthread_join(thread, NULL);
	ptx_module_unload(m);
}

static void bad_launches(void **state)
{
	struct ptx_module *m = device_load_text(dev, HEAD ".visible .entry k(.param .u64 p, .param .u8 q, .param .align 8 .b8 s[12]) .maxntid 128 {\n"
						".shared .b8 x[40000];\n.reg .u32 %r; mov.u32 %r, x; ret; }\n"
						".visible .entry q() .reqntid 8, 4, 1 { ret; }\n");
	const struct ptx_function_info *info = ptx_function_info(ptx_module_function(m, "k"));
	struct ptx_launch launch = { .func = ptx_module_function(m, "k"), .grid = { 1, 1, 1 }, .block = { 32, 1, 1 }, .params_len = 28 };
	char params[64] = { 0 };

	launch.params = params;
	assert_int_equal(info->num_params, 3);
	assert_int_equal(info->params[1].offset, 8);
	assert_int_equal(info->params[2].offset, 16);
	assert_int_equal(info->params[2].size, 12);
	assert_int_equal(info->params_size, 28);
	assert_int_equal(info->max_threads, 128);
	assert_int_equal(info->shared_size, 40000);
	assert_int_equal(ptx_launch(dev->env, &launch, NULL), PTX_SUCCESS);
	launch.block[0] = 129;
	assert_int_equal(ptx_launch(dev->env, &launch, NULL), PTX_ERROR_LAUNCH_OUT_OF_RESOURCES);
	launch.block[0] = 1025;
	assert_int_equal(ptx_launch(dev->env, &launch, NULL), PTX_ERROR_INVALID_VALUE);
	launch.block[0] = 32;
	launch.grid[1] = 0;
	assert_int_equal(ptx_launch(dev->env, &launch, NULL), PTX_ERROR_INVALID_VALUE);
	launch.grid[1] = 65536;
	assert_int_equal(ptx_launch(dev->env, &launch, NULL), PTX_ERROR_INVALID_VALUE);
	launch.grid[1] = 1;
	launch.params_len = 27;
	assert_int_equal(ptx_launch(dev->env, &launch, NULL), PTX_ERROR_INVALID_VALUE);
	launch.params_len = 28;
	launch.dynamic_shared = PTX_MAX_SHARED;
	assert_int_equal(ptx_launch(dev->env, &launch, &dev->fault), PTX_ERROR_INVALID_VALUE);
	launch.dynamic_shared = 0;
	launch.func = ptx_module_function(m, "q");
	assert_int_equal(ptx_launch(dev->env, &launch, NULL), PTX_ERROR_INVALID_VALUE);
	launch.block[0] = 8;
	launch.block[1] = 4;
	assert_int_equal(ptx_launch(dev->env, &launch, NULL), PTX_SUCCESS);
	assert_null(ptx_module_function(m, "nothing"));
	ptx_module_unload(m);
}

/* All blocks meet at a barrier made of atomics. */
static void cooperative_launch(void **state)
{
	uint32_t *out = words(64);
	struct ptx_module *m = load("", "setp.ne.u32 %p0, %x, 0; @%p0 bra S; mov.u32 %r3, 0;\n"
				    "R: atom.global.add.u32 %r1, [%out], 1; add.u32 %r3, %r3, 64;\n"
				    "W: ld.acquire.gpu.global.u32 %r2, [%out]; setp.lt.u32 %p1, %r2, %r3; @%p1 bra W;\n"
				    "setp.lt.u32 %p2, %r3, 640; @%p2 bra R;\nS: bar.sync 0; red.global.add.u32 [%out+4], 1;");
	struct ptx_launch launch = { .func = ptx_module_function(m, "k"), .grid = { 64, 1, 1 }, .block = { 64, 1, 1 },
				     .params = &out, .params_len = 8, .flags = PTX_LAUNCH_COOPERATIVE };

	assert_int_equal(ptx_launch(dev->env, &launch, &dev->fault), PTX_SUCCESS);
	assert_int_equal(out[0], 640);
	assert_int_equal(out[1], 4096);
	launch.grid[0] = 100000;
	assert_int_equal(ptx_launch(dev->env, &launch, &dev->fault), PTX_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE);
	ptx_module_unload(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(divergent_loops), cmocka_unit_test(spin_lock_between_lanes),
		cmocka_unit_test(lanes_wait_for_each_other), cmocka_unit_test(blocks_wait_for_each_other),
		cmocka_unit_test(barriers), cmocka_unit_test(producer_and_consumer), cmocka_unit_test(barrier_reductions),
		cmocka_unit_test(shuffles), cmocka_unit_test(partial_shuffles), cmocka_unit_test(votes), cmocka_unit_test(matches),
		cmocka_unit_test(reductions), cmocka_unit_test(special_registers), cmocka_unit_test(branch_tables),
		cmocka_unit_test(recursion), cmocka_unit_test(parameters), cmocka_unit_test(indirect_calls),
		cmocka_unit_test(dynamic_stack), cmocka_unit_test(device_printf), cmocka_unit_test(device_assert),
		cmocka_unit_test(device_malloc), cmocka_unit_test(traps), cmocka_unit_test(endless_kernel_is_stopped),
		cmocka_unit_test(stop_flag), cmocka_unit_test(bad_launches), cmocka_unit_test(cooperative_launch),
	};
	int failed;

	dev = device_open(2);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	device_close(dev);
	return failed;
}
