// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Loads, stores and atomics of every width in every space; variables, parameters, calls, branches. */
#include <stdio.h>
#include <stdlib.h>

#include "ops.h"

static struct device *dev;

/*
 * What a space is called, what declares 16 bytes for each thread in it and puts their address into %m. Generic addresses of
 * shared and local memory come from cvta.
 */
#define IN_GLOBAL	".reg .b64 %m; mov.b64 %m, %addr;"
#define SHARED_AT	".reg .b64 %m; .reg .b32 %s; .shared .align 16 .b8 sh[1536]; mov.u32 %s, %tid.x; shl.b32 %s, %s, 4; " \
			"cvt.u64.u32 %m, %s; { .reg .b64 %t; mov.u64 %t, sh; add.u64 %m, %m, %t; }"
#define LOCAL_AT	".reg .b64 %m; .local .align 16 .b8 lo[16]; mov.u64 %m, lo;"
#define SHARED_GENERIC	SHARED_AT " cvta.shared.u64 %m, %m;"
#define LOCAL_GENERIC	LOCAL_AT " cvta.local.u64 %m, %m;"

#define EVERY_SPACE(X, n, sp, at)								\
	X(n##_u8, "{" at "st" sp ".u32 [%m], %a; ld" sp ".u8 %d, [%m+2];}", u32, u32, none, none, (u8)(a >> 16))	\
	X(n##_s8, "{" at "st" sp ".b32 [%m], %a; ld" sp ".s8 %d, [%m+1];}", s32, u32, none, none, (s8)(a >> 8))	\
	X(n##_u16, "{" at "st" sp ".u32 [%m], %a; ld" sp ".u16 %d, [%m+2];}", u32, u32, none, none, (u16)(a >> 16))	\
	X(n##_s16, "{" at "st" sp ".u32 [%m], %a; ld" sp ".s16 %d, [%m];}", s32, u32, none, none, (s16)a)	\
	X(n##_s8_64, "{" at "st" sp ".b64 [%m], %a; ld" sp ".s8 %d, [%m+7];}", s64, u64, none, none, (s8)(a >> 56))	\
	X(n##_u16_64, "{" at "st" sp ".b64 [%m], %a; ld" sp ".u16 %d, [%m+4];}", u64, u64, none, none, (u16)(a >> 32))	\
	X(n##_s32_64, "{" at "st" sp ".b64 [%m], %a; ld" sp ".s32 %d, [%m+4];}", s64, u64, none, none, (s32)(a >> 32))	\
	X(n##_u32_64, "{" at "st" sp ".b64 [%m], %a; ld" sp ".u32 %d, [%m];}", u64, u64, none, none, (u32)a)	\
	X(n##_f32, "{" at "st" sp ".f32 [%m+4], %a; ld" sp ".f32 %d, [%m+4];}", f32, f32, none, none, a)	\
	X(n##_f64, "{" at "st" sp ".f64 [%m], %a; ld" sp ".f64 %d, [%m];}", f64, f64, none, none, a)	\
	X(n##_b16, "{" at "st" sp ".b16 [%m+2], %a; ld" sp ".b16 %d, [%m+2];}", u16, u16, none, none, a)	\
	X(n##_b8, "{" at "st" sp ".b64 [%m], %a; st" sp ".b8 [%m+3], %b; ld" sp ".u64 %d, [%m];}", u64, u64, u32, none,	\
	  (a & ~0xff000000ull) | (u64)(u8)b << 24)							\
	X(n##_st16, "{" at "st" sp ".b64 [%m], %a; st" sp ".u16 [%m+6], %b; ld" sp ".u64 %d, [%m];}", u64, u64, u32, none,	\
	  (a & ~0ull >> 16) | (u64)b << 48)								\
	X(n##_v2, "{" at ".reg .b32 %x, %y; mov.b64 {%x, %y}, %a; st" sp ".v2.u32 [%m], {%y, %x}; ld" sp ".u64 %d, [%m];}", u64, u64,	\
	  none, none, a << 32 | a >> 32)								\
	X(n##_ldv2, "{" at ".reg .b32 %x, %y; st" sp ".u64 [%m], %a; ld" sp ".v2.b32 {%x, %y}, [%m]; mov.b64 %d, {%y, %x};}", u64, u64,	\
	  none, none, a << 32 | a >> 32)								\
	X(n##_v4, "{" at ".reg .b16 %x<4>; st" sp ".u64 [%m], %a; ld" sp ".v4.u16 {%x0, %x1, %x2, %x3}, [%m];"	\
	  "st" sp ".v4.u16 [%m], {%x3, %x0, %x1, %x2}; ld" sp ".b64 %d, [%m];}", u64, u64, none, none, a << 16 | a >> 48)	\
	X(n##_v4_8, "{" at ".reg .b16 %x<4>; st" sp ".u32 [%m], %a; ld" sp ".v4.u8 {%x0, %x1, %x2, %x3}, [%m];"	\
	  "st" sp ".v4.u8 [%m], {%x1, %x2, %x3, %x0}; ld" sp ".b32 %d, [%m];}", u32, u32, none, none, a >> 8 | a << 24)

/* 16 bytes: not in the 8 of global memory. */
#define EVERY_WIDE_SPACE(X, n, sp, at)								\
	X(n##_v2_64, "{" at "st" sp ".v2.u64 [%m], {%a, %b}; ld" sp ".u64 %d, [%m+8];}", u64, u64, u64, none, b)	\
	X(n##_v4_32, "{" at ".reg .b32 %x<4>; st" sp ".u64 [%m], %a; st" sp ".u64 [%m+8], %b;"		\
	  "ld" sp ".v4.f32 {%x0, %x1, %x2, %x3}, [%m]; mov.b64 %d, {%x1, %x2};}", u64, u64, u64, none, a >> 32 | b << 32)

/* Of one thread: the old value is the result, or what is there afterwards. */
#define ATOMIC(X, n, sp, at, op, t, w, value)							\
	X(n##_##op##_##t##_old, "{" at "st" sp "." #w " [%m], %a; atom" sp "." #op "." #t " %d, [%m], %b;}", t, t, t, none, a)	\
	X(n##_##op##_##t, "{" at "st" sp "." #w " [%m], %a; atom" sp "." #op "." #t " %d, [%m], %b; ld" sp "." #w " %d, [%m];}", t, t,	\
	  t, none, value)										\
	X(n##_red_##op##_##t, "{" at "st" sp "." #w " [%m], %a; red" sp "." #op "." #t " [%m], %b; ld" sp "." #w " %d, [%m];}", t, t,	\
	  t, none, value)
#define EVERY_ATOMIC(X, n, sp, at)								\
	ATOMIC(X, n, sp, at, add, u32, b32, a + b) ATOMIC(X, n, sp, at, add, s32, b32, (u32)a + (u32)b)	\
	ATOMIC(X, n, sp, at, add, u64, b64, a + b) ATOMIC(X, n, sp, at, add, f32, f32, a + b)		\
	ATOMIC(X, n, sp, at, add, f64, f64, a + b)							\
	ATOMIC(X, n, sp, at, min, u32, b32, a < b ? a : b) ATOMIC(X, n, sp, at, min, s32, b32, a < b ? a : b)	\
	ATOMIC(X, n, sp, at, max, u32, b32, a > b ? a : b) ATOMIC(X, n, sp, at, max, s32, b32, a > b ? a : b)	\
	ATOMIC(X, n, sp, at, min, u64, b64, a < b ? a : b) ATOMIC(X, n, sp, at, min, s64, b64, a < b ? a : b)	\
	ATOMIC(X, n, sp, at, max, u64, b64, a > b ? a : b) ATOMIC(X, n, sp, at, max, s64, b64, a > b ? a : b)	\
	ATOMIC(X, n, sp, at, inc, u32, b32, a >= b ? 0 : a + 1)						\
	ATOMIC(X, n, sp, at, dec, u32, b32, !a || a > b ? b : a - 1)						\
	X(n##_and, "{" at "st" sp ".b32 [%m], %a; atom" sp ".and.b32 %d, [%m], %b; ld" sp ".b32 %d, [%m];}", u32, u32, u32, none, a & b)	\
	X(n##_or, "{" at "st" sp ".b64 [%m], %a; atom" sp ".or.b64 %d, [%m], %b; ld" sp ".b64 %d, [%m];}", u64, u64, u64, none, a | b)	\
	X(n##_xor, "{" at "st" sp ".b32 [%m], %a; red" sp ".xor.b32 [%m], %b; ld" sp ".b32 %d, [%m];}", u32, u32, u32, none, a ^ b)	\
	X(n##_exch, "{" at "st" sp ".b32 [%m], %a; atom" sp ".exch.b32 %d, [%m], %b; ld" sp ".b32 %d, [%m];}", u32, u32, u32, none, b)	\
	X(n##_exch64, "{" at "st" sp ".b64 [%m], %a; atom" sp ".exch.b64 %d, [%m], %b;}", u64, u64, u64, none, a)	\
	X(n##_cas, "{" at "st" sp ".b32 [%m], %a; atom" sp ".cas.b32 %d, [%m], %b, %c; ld" sp ".b32 %d, [%m];}", u32, u32, u32, u32,	\
	  a == b ? c : a)											\
	X(n##_cas_old, "{" at "st" sp ".b64 [%m], %a; atom" sp ".cas.b64 %d, [%m], %b, %c;}", u64, u64, u64, u64, a)	\
	X(n##_cas16, "{" at "st" sp ".b16 [%m+2], %a; atom" sp ".cas.b16 %d, [%m+2], %b, %c; ld" sp ".b16 %d, [%m+2];}", u16, u16, u16,	\
	  u16, a == b ? c : a)

static uint16_t half_sum(u16 x, u16 y)
{
	f16 a, b;
	u16 r;

	memcpy(&a, &x, 2);
	memcpy(&b, &y, 2);
	a = (f16)((f32)a + (f32)b);
	memcpy(&r, &a, 2);
	return r;
}

/* Numbers of binary16 out of any bits: no infinity, no NaN. */
#define FINITE(x) ((x) & 0xbbffbbff)

#define MEMORY(X)											\
	EVERY_SPACE(X, global, ".global", IN_GLOBAL) EVERY_SPACE(X, generic, "", IN_GLOBAL)		\
	EVERY_SPACE(X, shared, ".shared", SHARED_AT) EVERY_SPACE(X, local, ".local", LOCAL_AT)		\
	EVERY_SPACE(X, gshared, "", SHARED_GENERIC) EVERY_SPACE(X, glocal, "", LOCAL_GENERIC)		\
	EVERY_SPACE(X, volatile_, ".volatile.global", IN_GLOBAL)						\
	EVERY_WIDE_SPACE(X, shared, ".shared", SHARED_AT) EVERY_WIDE_SPACE(X, local, ".local", LOCAL_AT)	\
	EVERY_WIDE_SPACE(X, gshared, "", SHARED_GENERIC) EVERY_WIDE_SPACE(X, glocal, "", LOCAL_GENERIC)	\
	EVERY_ATOMIC(X, global, ".global", IN_GLOBAL) EVERY_ATOMIC(X, generic, "", IN_GLOBAL)		\
	EVERY_ATOMIC(X, shared, ".shared", SHARED_AT) EVERY_ATOMIC(X, gshared, "", SHARED_GENERIC)		\
	X(relaxed, "st.relaxed.gpu.global.u32 [%addr], %a; ld.acquire.sys.global.u32 %d, [%addr];", u32, u32, none, none, a)	\
	X(release, "st.release.cta.global.u32 [%addr], %a; fence.acq_rel.gpu; ld.relaxed.cta.global.u32 %d, [%addr];", u32, u32, none,	\
	  none, a)											\
	X(caching, "st.global.cs.u32 [%addr], %a; membar.sys; ld.global.cv.u32 %d, [%addr];", u32, u32, none, none, a)	\
	X(scoped, "st.global.u32 [%addr], %a; atom.acq_rel.gpu.global.add.u32 %d, [%addr], %b; atom.relaxed.sys.global.add.u32 %d, "	\
	  "[%addr], 0;", u32, u32, u32, none, a + b)							\
	X(half2, "st.global.b32 [%addr], %a; { .reg .b32 %x; and.b32 %x, %b, 0xbbffbbff; and.b32 %d, %a, 0xbbffbbff;"	\
	  "st.global.b32 [%addr], %d; atom.global.add.noftz.f16x2 %x, [%addr], %x; ld.global.b32 %d, [%addr]; }", u32, u32, u32, none,	\
	  half_sum((u16)FINITE(a), (u16)FINITE(b)) | (u32)half_sum((u16)(FINITE(a) >> 16), (u16)(FINITE(b) >> 16)) << 16)	\
	X(is_global, "isspacep.global %d, %addr;", pred, u32, none, none, true)				\
	X(is_shared, "isspacep.shared %d, %addr;", pred, u32, none, none, false)				\
	X(is_shared2, "{" SHARED_GENERIC "isspacep.shared %d, %m;}", pred, u32, none, none, true)		\
	X(is_local, "{" LOCAL_GENERIC "isspacep.local %d, %m;}", pred, u32, none, none, true)			\
	X(is_local2, "{" SHARED_GENERIC "isspacep.local %d, %m;}", pred, u32, none, none, false)		\
	X(to_shared, "{" SHARED_GENERIC "cvta.to.shared.u64 %m, %m; st.shared.u32 [%m], %a; ld.shared.u32 %d, [%m];}", u32, u32, none,	\
	  none, a)											\
	X(to_local, "{" LOCAL_GENERIC "cvta.to.local.u64 %m, %m; st.local.u32 [%m], %a; ld.local.u32 %d, [%m];}", u32, u32, none, none, a)	\
	X(prefetch, "prefetch.global.L2 [%addr]; mov.u32 %d, %a;", u32, u32, none, none, a)			\
	X(branch, "setp.gt.s32 %q, %a, %b; @%q bra P; mov.u32 %d, %b; bra.uni Q; P: mov.u32 %d, %a; Q:", s32, s32, s32, none, a > b ? a : b)	\
	X(loop, "{ .reg .b32 %n; and.b32 %n, %a, 63; mov.u32 %d, 0; P: add.u32 %d, %d, %n; add.u32 %d, %d, 1; sub.u32 %n, %n, 1;"	\
	  "setp.ge.s32 %q, %n, 0; @%q bra P; }", u32, u32, none, none, (a & 63) * ((a & 63) + 1) / 2 + (a & 63) + 1)	\
	X(table, "{ .reg .b32 %n; and.b32 %n, %a, 3; T: .branchtargets P, Q, R, S; brx.idx %n, T; P: mov.u32 %d, 10; bra E; Q: mov.u32 %d,"	\
	  "21; bra E; R: mov.u32 %d, 32; bra E; S: mov.u32 %d, 43; E: }", u32, u32, none, none, 10 + (a & 3) * 11)

MEMORY(DEFINE)
static const struct op memory[] = { MEMORY(ROW) };

static void every_space(void **state)
{
	ops_run(dev, memory, sizeof(memory) / sizeof(*memory));
}

/* Many threads on one word: sums, extremes and bits come out whole, old values are all different. */
static void contended(void **state)
{
	static const char text[] =
		".version 7.0\n.target sm_80\n.address_size 64\n"
		".visible .entry k(.param .u64 p, .param .u64 old) {\n"
		".reg .b64 %a, %o, %t; .reg .b32 %i, %r, %s; .reg .f32 %f; .reg .f64 %g; .reg .pred %p; .shared .align 4 .u32 sh;\n"
		"ld.param.u64 %a, [p]; ld.param.u64 %o, [old];\n"
		"mov.u32 %i, %ctaid.x; mov.u32 %r, %ntid.x; mov.u32 %s, %tid.x; mad.lo.u32 %i, %i, %r, %s;\n"
		"setp.ne.u32 %p, %s, 0; @!%p st.shared.u32 [sh], 0; bar.sync 0;\n"
		"atom.global.add.u32 %r, [%a], 1; mul.wide.u32 %t, %i, 4; add.u64 %o, %o, %t; st.global.u32 [%o], %r;\n"
		"red.global.max.u32 [%a+4], %i; red.global.xor.b32 [%a+8], %i; atom.global.inc.u32 %r, [%a+12], 99;\n"
		"mov.f32 %f, 0f3F800000; red.global.add.f32 [%a+16], %f; mov.f64 %g, 0d3FF0000000000000; red.global.add.f64 [%a+24], %g;\n"
		"red.shared.add.u32 [sh], 1; bar.sync 0; ld.shared.u32 %r, [sh]; red.global.min.u32 [%a+20], %r;\n"
		"ret;\n}\n";
	uint32_t *sums = device_alloc(dev, 64), n = 40 * 200, i, mix = 0;
	uint32_t *old = device_alloc(dev, n * 4);
	char *seen = calloc(1, n);
	struct dims dims = { .grid = { 40 }, .block = { 200 } };
	struct ptx_module *module;
	double d;
	float f;

	memset(sums, 0, 64);
	sums[5] = ~0u;
	for (i = 0; i < n; i++)
		mix ^= i;
	module = device_load_text(dev, text);
	assert_int_equal(RUN(dev, module, "k", &dims, &sums, &old), PTX_SUCCESS);
	assert_int_equal(sums[0], n);
	assert_int_equal(sums[1], n - 1);
	assert_int_equal(sums[2], mix);
	assert_int_equal(sums[3], n % 100);
	memcpy(&f, &sums[4], 4);
	assert_true(f == (float)n);
	assert_int_equal(sums[5], 200);
	memcpy(&d, &sums[6], 8);
	assert_true(d == n);
	for (i = 0; i < n; i++) {
		assert_true(old[i] < n && !seen[old[i]]);
		seen[old[i]] = 1;
	}
	free(seen);
	ptx_module_unload(module);
}

/* Variables: initialised, addressed by another, in constant memory, in another text. */
static void variables(void **state)
{
	static const char one[] =
		".version 7.0\n.target sm_80\n.address_size 64\n"
		".visible .global .align 4 .u32 numbers[4] = { 1, -2, 0x30 };\n.visible .const .f32 third = 0f3EAAAAAB;\n"
		".global .align 1 .b8 word[6] = { 104, 101, 108, 108, 111, 0 };\n.visible .global .align 8 .u64 where = numbers+8;\n"
		".global .align 8 .u64 far[2] = { generic(word), word+1 };\n"
		".extern .func (.param .b32 r) twice(.param .b32 x);\n.extern .global .u32 elsewhere;\n"
		".visible .entry k(.param .u64 p) {\n.reg .b64 %a, %t; .reg .b32 %r; .reg .f32 %f;\nld.param.u64 %a, [p];\n"
		"ld.global.u32 %r, [numbers+4]; st.global.u32 [%a], %r;\nld.global.u64 %t, [where]; ld.global.u32 %r, [%t]; st.global.u32 [%a+4], %r;\n"
		"ld.const.f32 %f, [third]; st.global.f32 [%a+8], %f;\nld.global.u64 %t, [far+8]; ld.u8 %r, [%t]; st.global.u32 [%a+12], %r;\n"
		"{ .param .b32 x; .param .b32 y; st.param.b32 [x], %r; call.uni (y), twice, (x); ld.param.b32 %r, [y]; }\nst.global.u32 [%a+16], %r;\n"
		"ld.global.u32 %r, [elsewhere]; st.global.u32 [%a+20], %r;\nret;\n}\n";
	static const char two[] =
		".version 6.3\n.target sm_70\n.address_size 64\n.visible .global .u32 elsewhere = 4711;\n"
		".visible .func (.param .b32 r) twice(.param .b32 x) {\n.reg .b32 %v; ld.param.b32 %v, [x]; add.u32 %v, %v, %v; st.param.b32 [r], %v; ret;\n}\n";
	struct ptx_input inputs[] = { { "one", one, sizeof(one) - 1 }, { "two", two, sizeof(two) - 1 } };
	char log[1024] = "";
	struct ptx_log messages = { log, sizeof(log), 0 };
	uint32_t *out = device_alloc(dev, 32), third = 0x3eaaaaab;
	struct dims dims = { .block = { 1 } };
	uint64_t address, size;
	struct ptx_module *module;

	if (ptx_module_load(&module, dev->mem, &dev->va, inputs, 2, &messages))
		fail_msg("%s", log);
	assert_int_equal(ptx_module_global(module, "numbers", &address, &size), PTX_SUCCESS);
	assert_int_equal(size, 16);
	assert_int_equal(((uint32_t *)(uintptr_t)address)[2], 0x30);
	assert_int_equal(((uint32_t *)(uintptr_t)address)[3], 0);
	assert_int_equal(ptx_module_global(module, "nothing", &address, &size), PTX_ERROR_NOT_FOUND);
	assert_int_equal(RUN(dev, module, "k", &dims, &out), PTX_SUCCESS);
	assert_int_equal(out[0], (uint32_t)-2);
	assert_int_equal(out[1], 0x30);
	assert_int_equal(out[2], third);
	assert_int_equal(out[3], 'e');
	assert_int_equal(out[4], 2 * 'e');
	assert_int_equal(out[5], 4711);
	ptx_module_unload(module);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_space),
		cmocka_unit_test(contended),
		cmocka_unit_test(variables),
	};
	int failed;

	dev = device_open(2);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	device_close(dev);
	return failed;
}
