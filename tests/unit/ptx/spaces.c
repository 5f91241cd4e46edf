// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Loads, stores, state spaces, atomics, faults of accesses. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

static struct device *dev;

#define HEAD	".version 8.7\n.target sm_80\n.address_size 64\n"
#define ENTRY	".visible .entry k(.param .u64 p0, .param .u64 p1) {\n" \
		".reg .u64 %in, %out, %t<8>;\n.reg .u32 %x, %r<8>;\n.reg .u16 %h<8>;\n.reg .pred %p<4>;\n.reg .f32 %f<8>;\n.reg .f64 %g<4>;\n" \
		"ld.param.u64 %in, [p0];\nld.param.u64 %out, [p1];\nmov.u32 %x, %tid.x;\n"

static const struct dims warp = { .block = { 32 } };

static void must_run(int result)
{
	if (result)
		fail_msg("%s", dev->fault.message);
}

/* Runs a kernel body over in and out. */
static void body(const char *decl, const char *text, void *in, void *out, const struct dims *dims)
{
	char *ptx = calloc(1, 16384);
	struct ptx_module *m;

	snprintf(ptx, 16384, "%s%s%s%s\nret;\n}\n", HEAD, decl, ENTRY, text);
	m = device_load_text(dev, ptx);
	must_run(RUN(dev, m, "k", dims, &in, &out));
	ptx_module_unload(m);
	free(ptx);
}

/* Every width of load into every register that may take it, and of store. */
static void load_store_widths(void **state)
{
	unsigned char *in = device_alloc(dev, 4096);
	int64_t *out = device_alloc(dev, 4096);
	uint64_t seed = 3;
	unsigned int i, l;
	char text[512];
	static const struct {
		const char *type, *reg;
		unsigned int size;
		bool is_signed;
	} forms[] = {
		{ "u8", "%h0", 1, false }, { "s8", "%h0", 1, true }, { "u8", "%r0", 1, false }, { "s8", "%r0", 1, true },
		{ "u8", "%t0", 1, false }, { "s8", "%t0", 1, true }, { "b8", "%r0", 1, false }, { "u16", "%h0", 2, false },
		{ "s16", "%r0", 2, true }, { "u16", "%r0", 2, false }, { "s16", "%t0", 2, true }, { "u16", "%t0", 2, false },
		{ "u32", "%r0", 4, false }, { "s32", "%t0", 4, true }, { "u32", "%t0", 4, false }, { "b64", "%t0", 8, false },
	};

	for (i = 0; i < 4096; i++)
		in[i] = (unsigned char)(next_random(&seed) >> 13);
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const char *widen = forms[i].reg[1] == 't' ? "mov.u64 %t1, %t0;" :
				    forms[i].is_signed ? (forms[i].reg[1] == 'r' ? "cvt.s64.s32 %t1, %r0;" : "cvt.s64.s16 %t1, %h0;") :
				    (forms[i].reg[1] == 'r' ? "cvt.u64.u32 %t1, %r0;" : "cvt.u64.u16 %t1, %h0;");

		/* Lanes in order, then in reverse. */
		snprintf(text, sizeof(text),
			 "mul.wide.u32 %%t2, %%x, %u; add.u64 %%in, %%in, %%t2; ld.global.%s %s, [%%in+64];\n%s\n"
			 "xor.b32 %%x, %%x, 31; mul.wide.u32 %%t3, %%x, 8; add.u64 %%out, %%out, %%t3; st.global.u64 [%%out], %%t1;",
			 forms[i].size, forms[i].type, forms[i].reg, widen);
		body("", text, in, out, &warp);
		for (l = 0; l < 32; l++) {
			int64_t want = 0;

			memcpy(&want, in + 64 + l * forms[i].size, forms[i].size);
			if (forms[i].is_signed)
				want = (int64_t)((uint64_t)want << (64 - 8 * forms[i].size)) >> (64 - 8 * forms[i].size);
			if (out[31 - l] != want)
				fail_msg("ld.%s %s, lane %u: %llx, want %llx", forms[i].type, forms[i].reg, l,
					 (long long)out[31 - l], (long long)want);
		}
	}
}

static void store_narrow(void **state)
{
	unsigned char *in = device_alloc(dev, 4096), *out = device_alloc(dev, 4096);
	uint64_t v[32], seed = 5;
	int l;

	for (l = 0; l < 32; l++)
		v[l] = next_random(&seed);
	memcpy(in, v, sizeof(v));
	memset(out, 0xee, 4096);
	body("", "mul.wide.u32 %t0, %x, 8; add.u64 %in, %in, %t0; ld.global.u64 %t1, [%in];\n"
	     "mul.wide.u32 %t0, %x, 32; add.u64 %out, %out, %t0; cvt.u32.u64 %r0, %t1; cvt.u16.u64 %h0, %t1;\n"
	     "st.global.u8 [%out], %t1; st.global.u8 [%out+1], %r0; st.global.b8 [%out+2], %h0; st.global.u16 [%out+4], %t1;\n"
	     "st.global.u16 [%out+6], %h0; st.global.b32 [%out+8], %t1; st.global.b32 [%out+12], %r0; st.global.u64 [%out+16], %t1;",
	     in, out, &warp);
	for (l = 0; l < 32; l++) {
		unsigned char want[32];

		memset(want, 0xee, sizeof(want));
		memcpy(want, &v[l], 1);
		memcpy(want + 1, &v[l], 1);
		memcpy(want + 2, &v[l], 1);
		memcpy(want + 4, &v[l], 2);
		memcpy(want + 6, &v[l], 2);
		memcpy(want + 8, &v[l], 4);
		memcpy(want + 12, &v[l], 4);
		memcpy(want + 16, &v[l], 8);
		assert_memory_equal(out + 32 * l, want, 32);
	}
}

static void vectors(void **state)
{
	uint32_t *in = device_alloc(dev, 4096), *out = device_alloc(dev, 4096), i;

	for (i = 0; i < 1024; i++)
		in[i] = i * 0x01010101u;
	body("", "mul.wide.u32 %t0, %x, 16; add.u64 %in, %in, %t0; add.u64 %out, %out, %t0;\n"
	     "ld.global.nc.v4.u32 {%r0, %r1, %r2, %r3}, [%in]; st.global.v4.b32 [%out], {%r3, %r2, %r1, %r0};\n"
	     "ld.global.v2.f64 {%g0, %g1}, [%in+512]; st.global.cs.v2.f64 [%out+512], {%g1, %g0};\n"
	     "ld.global.v2.u32 {%r4, _}, [%in+1024]; ld.global.v4.u16 {%h0, %h1, %h2, %h3}, [%in+1024];\n"
	     "st.global.v4.u16 [%out+1024], {%h3, %h1, %h0, %h2}; st.global.v2.u32 [%out+1032], {%r4, 7};",
	     in, out, &warp);
	for (i = 0; i < 32; i++) {
		const uint16_t *h = (const uint16_t *)(in + 256 + i * 4);
		uint16_t want[4] = { h[3], h[1], h[0], h[2] };

		assert_int_equal(out[i * 4], in[i * 4 + 3]);
		assert_int_equal(out[i * 4 + 3], in[i * 4]);
		assert_memory_equal(out + 128 + i * 4, in + 128 + i * 4 + 2, 8);
		assert_memory_equal(out + 128 + i * 4 + 2, in + 128 + i * 4, 8);
		assert_memory_equal(out + 256 + i * 4, want, 8);
		assert_int_equal(out[256 + i * 4 + 2], in[256 + i * 4]);
		assert_int_equal(out[256 + i * 4 + 3], 7);
	}
}

/* Shared, local, constant and parameter memory, by name, by address and by generic address. */
static void spaces(void **state)
{
	uint32_t *in = device_alloc(dev, 4096), *out = device_alloc(dev, 8192), i;

	for (i = 0; i < 1024; i++)
		in[i] = i + 100;
	memset(out, 0, 8192);
	body(".const .align 4 .u32 tab[4] = {11, 22, 33, 44};\n.global .align 8 .u32 gvar[2] = {5, 6};\n"
	     ".global .align 8 .u64 ptrs[3] = {generic(gvar)+4, tab, 99};\n.shared .align 16 .b8 sh[256];\n",
	     ".local .align 8 .b8 loc[64];\n"
	     "mul.wide.u32 %t0, %x, 4; add.u64 %t1, %in, %t0; ld.global.u32 %r0, [%t1];\n"
	     /* shared: write by 32-bit address, read the neighbour's by 64-bit and by generic address */
	     "mov.u32 %r1, sh; mad.lo.u32 %r1, %x, 4, %r1; st.shared.u32 [%r1], %r0; bar.sync 0;\n"
	     "xor.b32 %r2, %x, 1; mov.u64 %t2, sh; mad.wide.u32 %t2, %r2, 4, %t2; ld.shared.u32 %r3, [%t2];\n"
	     "cvta.shared.u64 %t3, %t2; ld.u32 %r4, [%t3];\n"
	     "mul.wide.u32 %t4, %x, 32; add.u64 %out, %out, %t4; st.global.v2.u32 [%out], {%r3, %r4};\n"
	     /* local: each lane its own */
	     "st.local.u32 [loc+4], %r0; mov.u64 %t5, loc; ld.local.u32 %r5, [%t5+4]; cvta.local.u64 %t6, %t5; ld.u32 %r6, [%t6+4];\n"
	     "add.u32 %r6, %r6, 1; st.u32 [%t6+8], %r6; ld.local.u32 %r7, [loc+8];\n"
	     "st.global.v2.u32 [%out+8], {%r5, %r7};\n"
	     /* constants and initialised variables */
	     "ld.const.u32 %r0, [tab+8]; ld.global.u64 %t1, [ptrs]; ld.u32 %r1, [%t1]; ld.global.u64 %t1, [ptrs+8]; ld.u32 %r2, [%t1+4];\n"
	     "st.global.v4.u32 [%out+16], {%r0, %r1, %r2, 0};",
	     in, out, &warp);
	for (i = 0; i < 32; i++) {
		const uint32_t want[8] = { 100 + (i ^ 1), 100 + (i ^ 1), 100 + i, 101 + i, 33, 6, 22, 0 };

		assert_memory_equal(out + i * 8, want, sizeof(want));
	}
}

static void isspacep(void **state)
{
	uint32_t *out = device_alloc(dev, 256), i;

	body(".shared .align 16 .b8 sh[64];\n",
	     ".local .align 8 .b8 loc[16];\n.reg .b32 %m;\n"
	     "mov.u64 %t0, sh; cvta.shared.u64 %t0, %t0; mov.u64 %t1, loc; cvta.local.u64 %t1, %t1;\n"
	     "mov.b32 %m, 0;\n"
	     "isspacep.shared %p0, %t0; @%p0 or.b32 %m, %m, 1;\nisspacep.global %p0, %t0; @%p0 or.b32 %m, %m, 2;\n"
	     "isspacep.local %p0, %t1; @%p0 or.b32 %m, %m, 4;\nisspacep.shared %p0, %t1; @%p0 or.b32 %m, %m, 8;\n"
	     "isspacep.global %p0, %in; @%p0 or.b32 %m, %m, 16;\nisspacep.local %p0, %in; @%p0 or.b32 %m, %m, 32;\n"
	     "cvta.to.shared.u64 %t2, %t0; setp.eq.u64 %p1, %t2, sh; @%p1 or.b32 %m, %m, 64;\n"
	     "mul.wide.u32 %t3, %x, 4; add.u64 %out, %out, %t3; st.global.u32 [%out], %m;",
	     out, out, &warp);
	for (i = 0; i < 32; i++)
		assert_int_equal(out[i], 1 | 4 | 16 | 64);
}

/* Atomics: all lanes on one word; results must be a permutation of what serial execution gives. */
static void atomics(void **state)
{
	static const struct {
		const char *text;
		uint64_t start, end;
		unsigned int bytes;
	} ops[] = {
		{ "atom.global.add.u32 %r1, [%in], %r0;", 7, 7 + 33 * 16, 4 },
		{ "atom.add.u64 %t1, [%in], %t0;", 7, 7 + 33 * 16, 8 },
		{ "atom.global.and.b32 %r1, [%in], %r0;", 0xff, 0, 4 },
		{ "atom.or.b32 %r1, [%in], %r0;", 0, 63, 4 },
		{ "atom.xor.b64 %t1, [%in], %t0;", 0, 32, 8 },
		{ "atom.max.u32 %r1, [%in], %r0;", 0, 32, 4 },
		{ "atom.min.u32 %r1, [%in], %r0;", 100, 1, 4 },
		{ "neg.s32 %r0, %r0; atom.min.s32 %r1, [%in], %r0;", 100, 0xffffffe0, 4 },
		{ "neg.s32 %r0, %r0; atom.max.s32 %r1, [%in], %r0;", 0xfffffff0, 0xffffffff, 4 },
		{ "atom.max.u64 %t1, [%in], %t0;", 0, 32, 8 },
		{ "neg.s64 %t0, %t0; atom.min.s64 %t1, [%in], %t0;", 0, (uint64_t)-32, 8 },
		{ "atom.inc.u32 %r1, [%in], 9;", 0, 2, 4 },
		{ "atom.dec.u32 %r1, [%in], 9;", 0, 8, 4 },
		{ "atom.add.f32 %f1, [%in], 0f3F000000;", 0, 0x41800000, 4 },
		{ "atom.add.f64 %g1, [%in], 0d3FE0000000000000;", 0, 0x4030000000000000, 8 },
		{ "{ .reg .b32 v, w; mov.b32 v, 0x3c003800; atom.global.add.noftz.f16x2 w, [%in], v; }", 0, 0x50004c00, 4 },
		{ "red.global.add.u32 [%in], %r0;", 7, 7 + 33 * 16, 4 },
		{ "red.add.f32 [%in], 0f3F000000;", 0, 0x41800000, 4 },
		{ "red.relaxed.gpu.global.max.u64 [%in], %t0;", 0, 32, 8 },
		{ "sub.u32 %r2, %r0, 1; atom.acq_rel.gpu.global.cas.b32 %r1, [%in], %r2, %r0;", 0, 32, 4 },
		{ "sub.u64 %t2, %t0, 1; atom.cas.b64 %t1, [%in], %t2, %t0;", 0, 32, 8 },
		{ "cvt.u16.u32 %h0, %r0; sub.u16 %h1, %h0, 1; atom.cas.b16 %h2, [%in], %h1, %h0;", 0, 32, 2 },
	};
	uint64_t *in = device_alloc(dev, 256);
	char text[512];
	unsigned int i, shared;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		for (shared = 0; shared < 2; shared++) {
			*in = ops[i].start;
			snprintf(text, sizeof(text), "%s add.u32 %%r0, %%x, 1; cvt.u64.u32 %%t0, %%r0;\n%s\n%s",
				 shared ? "ld.global.u64 %t7, [%in]; mov.u64 %out, %in; st.shared.u64 [cell], %t7; bar.sync 0;\n"
					  "mov.u64 %in, cell; cvta.shared.u64 %in, %in;\n" : "",
				 ops[i].text,
				 shared ? "bar.sync 0; ld.shared.u64 %t7, [cell]; st.global.u64 [%out], %t7;\n" : "");
			if (shared && strstr(ops[i].text, "global"))
				continue;
			body(".shared .align 8 .u64 cell;\n", text, in, in, &warp);
			if (*in != ops[i].end)
				fail_msg("%s%s: %llx, want %llx", ops[i].text, shared ? " (shared)" : "",
					 (unsigned long long)*in, (unsigned long long)ops[i].end);
		}
	}
}

static void atomics_in_shared_space(void **state)
{
	uint32_t *out = device_alloc(dev, 512), i, sum = 0;

	body(".shared .align 8 .u32 cell[4];\n",
	     "setp.eq.u32 %p0, %x, 0; @%p0 st.shared.u32 [cell], 1000; bar.sync 0;\n"
	     "atom.shared.add.u32 %r1, [cell], %x; mov.u32 %r2, cell; atom.shared.exch.b32 %r3, [%r2+4], %x; bar.sync 0;\n"
	     "ld.shared.u32 %r4, [cell]; mul.wide.u32 %t0, %x, 8; add.u64 %out, %out, %t0; st.global.v2.u32 [%out], {%r1, %r4};",
	     out, out, &warp);
	for (i = 0; i < 32; i++) {
		assert_int_equal(out[i * 2], 1000 + sum);
		assert_int_equal(out[i * 2 + 1], 1000 + 31 * 16);
		sum += i;
	}
}

/* Many blocks on several threads, one counter. */
static void atomics_between_blocks(void **state)
{
	static const struct dims dims = { .grid = { 64 }, .block = { 128 } };
	uint32_t *in = device_alloc(dev, 256);

	*in = 0;
	body("", "mov.u32 %r0, 0;\nL: atom.global.add.u32 %r1, [%in], 1; red.global.add.u32 [%in+4], 2;\n"
	     "add.u32 %r0, %r0, 1; setp.lt.u32 %p0, %r0, 20; @%p0 bra L;", in, in, &dims);
	assert_int_equal(in[0], 64 * 128 * 20);
	assert_int_equal(in[1], 64 * 128 * 40);
}

static void async_copies(void **state)
{
	uint32_t *in = device_alloc(dev, 1024), *out = device_alloc(dev, 1024), i;

	for (i = 0; i < 256; i++)
		in[i] = i + 1;
	body(".shared .align 16 .b8 sh[1024];\n",
	     "mov.u32 %r0, sh; shl.b32 %r1, %x, 4; add.u32 %r0, %r0, %r1; cvt.u64.u32 %t0, %r1; add.u64 %t1, %in, %t0;\n"
	     "cp.async.cg.shared.global [%r0], [%t1], 16; cp.async.commit_group; cp.async.wait_group 0;\n"
	     "cp.async.ca.shared.global [%r0+512], [%t1+8], 8, 4; cp.async.wait_all; bar.sync 0;\n"
	     "ld.shared.v4.u32 {%r2, %r3, %r4, %r5}, [%r0]; add.u64 %t2, %out, %t0; st.global.v4.u32 [%t2], {%r2, %r3, %r4, %r5};\n"
	     "ld.shared.v2.u32 {%r2, %r3}, [%r0+512]; st.global.v2.u32 [%t2+512], {%r2, %r3};",
	     in, out, &warp);
	assert_memory_equal(in, out, 512);
	for (i = 0; i < 32; i++) {
		assert_int_equal(out[128 + i * 4], in[i * 4 + 2]);
		assert_int_equal(out[128 + i * 4 + 1], 0);
	}
}

static void mbarriers(void **state)
{
	static const struct dims dims = { .block = { 64 } };
	uint32_t *out = device_alloc(dev, 1024), i;

	/* Warp 1 waits until warp 0 has written. */
	body(".shared .align 8 .b64 bar;\n.shared .u32 cell[32];\n",
	     ".reg .b64 %s;\nsetp.eq.u32 %p0, %x, 0; @%p0 mbarrier.init.shared.b64 [bar], 32; bar.sync 0;\n"
	     "setp.lt.u32 %p1, %x, 32; @%p1 bra FIRST;\n"
	     "W: mbarrier.test_wait.parity.shared.b64 %p2, [bar], 0; @!%p2 bra W;\n"
	     "mov.u32 %r0, cell; and.b32 %r1, %x, 31; mad.lo.u32 %r0, %r1, 4, %r0; ld.shared.u32 %r2, [%r0];\n"
	     "mul.wide.u32 %t0, %r1, 4; add.u64 %out, %out, %t0; st.global.u32 [%out], %r2; bra DONE;\n"
	     "FIRST: mov.u32 %r3, 0;\nD: add.u32 %r3, %r3, 1; setp.lt.u32 %p2, %r3, 30000; @%p2 bra D;\n"
	     "mov.u32 %r0, cell; mad.lo.u32 %r0, %x, 4, %r0; add.u32 %r2, %x, 7; st.shared.u32 [%r0], %r2;\n"
	     "mbarrier.arrive.shared.b64 %s, [bar];\nDONE:",
	     out, out, &dims);
	for (i = 0; i < 32; i++)
		assert_int_equal(out[i], i + 7);
}

static void bad_access(const char *decl, const char *text, int result, const char *message)
{
	char *ptx = calloc(1, 16384);
	void *in = device_alloc(dev, 4096);
	struct ptx_module *m;
	int got;

	snprintf(ptx, 16384, "%s%s%s%s\nret;\n}\n", HEAD, decl, ENTRY, text);
	m = device_load_text(dev, ptx);
	got = RUN(dev, m, "k", &warp, &in, &in);
	if (got != result || !strstr(dev->fault.message, message))
		fail_msg("%s: got %d (%s), want %d", text, got, dev->fault.message, result);
	ptx_module_unload(m);
	free(ptx);
}

static void faults_of_accesses(void **state)
{
	const char *decl = ".shared .align 16 .b8 sh[64];\n";

	bad_access("", "mov.u64 %t0, 0; ld.global.u32 %r0, [%t0];", PTX_ERROR_ILLEGAL_ADDRESS, "0x0");
	bad_access("", "mov.u64 %t0, 0x123456789000; st.global.u32 [%t0+16], %x;", PTX_ERROR_ILLEGAL_ADDRESS, "0x123456789010");
	bad_access("", "add.u64 %in, %in, 0x40000000; setp.eq.u32 %p0, %x, 5; @%p0 ld.u8 %r0, [%in];", PTX_ERROR_ILLEGAL_ADDRESS,
		   "thread (5,0,0)");
	bad_access("", "ld.global.u32 %r0, [%in+2];", PTX_ERROR_MISALIGNED_ADDRESS, "misaligned");
	bad_access("", "ld.global.v4.u32 {%r0,%r1,%r2,%r3}, [%in+8];", PTX_ERROR_MISALIGNED_ADDRESS, "misaligned");
	bad_access("", "atom.global.add.u64 %t0, [%in+4], 1;", PTX_ERROR_MISALIGNED_ADDRESS, "misaligned");
	bad_access(decl, "ld.shared.u32 %r0, [sh+64];", PTX_ERROR_ILLEGAL_ADDRESS, "64 bytes of shared memory");
	bad_access(decl, "ld.shared.u32 %r0, [sh+61];", PTX_ERROR_ILLEGAL_ADDRESS, "shared");
	bad_access(decl, "ld.shared.u32 %r0, [sh+2];", PTX_ERROR_MISALIGNED_ADDRESS, "shared");
	bad_access(decl, "mov.u32 %r1, 0xfffffffc; st.shared.u32 [%r1], %x;", PTX_ERROR_ILLEGAL_ADDRESS, "shared");
	bad_access("", ".local .b8 loc[16]; mov.u64 %t0, loc; ld.local.u32 %r0, [%t0+1024];", PTX_ERROR_ILLEGAL_ADDRESS, "local");
	bad_access(decl, "mov.u64 %t0, sh; cvta.shared.u64 %t0, %t0; st.u32 [%t0+1048576], %x;", PTX_ERROR_ILLEGAL_ADDRESS, "outside");
	bad_access("", "\n\n\nmov.u64 %t0, 4096; ld.u32 %r0, [%t0];", PTX_ERROR_ILLEGAL_ADDRESS, "PTX line 17");
	bad_access("", "cp.async.ca.shared.global [%x], [%in], 4;", PTX_ERROR_ILLEGAL_ADDRESS, "shared");
}

static void device_memory(void **state)
{
	uint64_t at = dev->base + dev->mapped + 16 * SOFT_MEM_GRANULE;
	static char host[8192];
	uint64_t host_addr = (uint64_t)(uintptr_t)host;

	assert_int_equal(soft_mem_map(dev->mem, at, 2 * SOFT_MEM_GRANULE), PTX_SUCCESS);
	assert_true(soft_mem_valid(dev->mem, at, 2 * SOFT_MEM_GRANULE));
	assert_false(soft_mem_valid(dev->mem, at, 2 * SOFT_MEM_GRANULE + 1));
	assert_false(soft_mem_valid(dev->mem, at - 1, 2));
	assert_int_equal(*(volatile uint64_t *)(uintptr_t)at, 0);
	*(volatile uint64_t *)(uintptr_t)at = 1;
	assert_int_equal(soft_mem_map(dev->mem, at + SOFT_MEM_GRANULE, SOFT_MEM_GRANULE), PTX_ERROR_INVALID_VALUE);
	assert_int_equal(soft_mem_map(dev->mem, at + 4096, SOFT_MEM_GRANULE), PTX_ERROR_INVALID_VALUE);
	assert_int_equal(soft_mem_map(dev->mem, at, 0), PTX_ERROR_INVALID_VALUE);
	assert_int_equal(soft_mem_map(dev->mem, dev->base - SOFT_MEM_GRANULE, SOFT_MEM_GRANULE), PTX_ERROR_INVALID_VALUE);
	assert_int_equal(soft_mem_unmap(dev->mem, at, SOFT_MEM_GRANULE), PTX_SUCCESS);
	assert_false(soft_mem_valid(dev->mem, at, 1));
	assert_true(soft_mem_valid(dev->mem, at + SOFT_MEM_GRANULE, 1));
	assert_int_equal(soft_mem_unmap(dev->mem, at, SOFT_MEM_GRANULE), PTX_ERROR_INVALID_VALUE);
	assert_int_equal(soft_mem_map(dev->mem, at, SOFT_MEM_GRANULE), PTX_SUCCESS);
	assert_int_equal(*(volatile uint64_t *)(uintptr_t)at, 0);
	assert_int_equal(soft_mem_unmap(dev->mem, at, 2 * SOFT_MEM_GRANULE), PTX_SUCCESS);

	assert_int_equal(soft_mem_add_host(dev->mem, host_addr, 4096), PTX_SUCCESS);
	assert_int_equal(soft_mem_add_host(dev->mem, host_addr + 4095, 100), PTX_ERROR_INVALID_VALUE);
	assert_int_equal(soft_mem_add_host(dev->mem, host_addr + 4096, 4096), PTX_SUCCESS);
	assert_true(soft_mem_valid(dev->mem, host_addr + 10, 8000));
	assert_int_equal(soft_mem_remove_host(dev->mem, host_addr, 4096), PTX_SUCCESS);
	assert_false(soft_mem_valid(dev->mem, host_addr + 10, 1));
	assert_int_equal(soft_mem_remove_host(dev->mem, host_addr, 4096), PTX_ERROR_INVALID_VALUE);
	assert_int_equal(soft_mem_remove_host(dev->mem, host_addr + 4096, 4096), PTX_SUCCESS);
}

/* What a guest could keep beyond its quota by taking away under an alias what the alias is of. */
static void aliases(void **state)
{
	const uint64_t g = SOFT_MEM_GRANULE, at = dev->base + dev->mapped + 16 * g, other = at + 4 * g, third = at + 8 * g;

	assert_int_equal(soft_mem_map(dev->mem, third, g), PTX_SUCCESS);
	assert_int_equal(soft_mem_alias(dev->mem, other, g, third), PTX_ERROR_INVALID_VALUE);
	assert_int_equal(soft_mem_unmap(dev->mem, third, g), PTX_SUCCESS);
	assert_int_equal(soft_mem_alias(dev->mem, other, 2 * g, at), PTX_ERROR_INVALID_VALUE);
	assert_int_equal(soft_mem_map_shared(dev->mem, at, 2 * g), PTX_SUCCESS);
	assert_int_equal(soft_mem_alias(dev->mem, other, g, at), PTX_ERROR_INVALID_VALUE);
	assert_int_equal(soft_mem_alias(dev->mem, at, 2 * g, at), PTX_ERROR_INVALID_VALUE);
	assert_int_equal(soft_mem_alias(dev->mem, other, 2 * g, at), PTX_SUCCESS);
	assert_int_equal(soft_mem_alias(dev->mem, third, 2 * g, other), PTX_ERROR_INVALID_VALUE);
	*(volatile uint64_t *)(uintptr_t)(at + g) = 42;
	assert_int_equal(*(volatile uint64_t *)(uintptr_t)(other + g), 42);
	assert_int_equal(soft_mem_unmap(dev->mem, at, 2 * g), PTX_ERROR_INVALID_VALUE);
	assert_int_equal(soft_mem_unmap(dev->mem, at + g, g), PTX_ERROR_INVALID_VALUE);
	assert_int_equal(soft_mem_unmap(dev->mem, other, g), PTX_ERROR_INVALID_VALUE);
	assert_true(soft_mem_valid(dev->mem, other, 2 * g));
	assert_int_equal(soft_mem_unmap(dev->mem, other, 2 * g), PTX_SUCCESS);
	assert_false(soft_mem_valid(dev->mem, other, 1));
	assert_int_equal(*(volatile uint64_t *)(uintptr_t)(at + g), 42);
	assert_int_equal(soft_mem_unmap(dev->mem, at, 2 * g), PTX_SUCCESS);
	/* Its place is anybody's. */
	assert_int_equal(soft_mem_map(dev->mem, other, 2 * g), PTX_SUCCESS);
	assert_int_equal(*(volatile uint64_t *)(uintptr_t)(other + g), 0);
	assert_int_equal(soft_mem_unmap(dev->mem, other, g), PTX_SUCCESS);
	assert_int_equal(soft_mem_unmap(dev->mem, other + g, g), PTX_SUCCESS);
}

/* Kernels reach host memory that was added. */
static void host_memory(void **state)
{
	static uint32_t host[64];
	uint32_t i;

	assert_int_equal(soft_mem_add_host(dev->mem, (uint64_t)(uintptr_t)host, sizeof(host)), PTX_SUCCESS);
	for (i = 0; i < 32; i++)
		host[i] = i;
	body("", "mul.wide.u32 %t0, %x, 4; add.u64 %t1, %in, %t0; ld.global.u32 %r0, [%t1]; add.u32 %r0, %r0, 5;\n"
	     "add.u64 %t1, %out, %t0; st.global.u32 [%t1], %r0;", host, host + 32, &warp);
	for (i = 0; i < 32; i++)
		assert_int_equal(host[32 + i], i + 5);
	assert_int_equal(soft_mem_remove_host(dev->mem, (uint64_t)(uintptr_t)host, sizeof(host)), PTX_SUCCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(load_store_widths), cmocka_unit_test(store_narrow), cmocka_unit_test(vectors),
		cmocka_unit_test(spaces), cmocka_unit_test(isspacep), cmocka_unit_test(atomics),
		cmocka_unit_test(atomics_in_shared_space), cmocka_unit_test(atomics_between_blocks),
		cmocka_unit_test(async_copies), cmocka_unit_test(mbarriers), cmocka_unit_test(faults_of_accesses),
		cmocka_unit_test(device_memory), cmocka_unit_test(aliases), cmocka_unit_test(host_memory),
	};
	int failed;

	dev = device_open(2);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	device_close(dev);
	return failed;
}
