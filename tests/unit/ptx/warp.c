// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* What lanes of a warp and threads of a block do together: shuffles, votes, matches, reductions, barriers; special registers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

typedef uint32_t u32;
typedef int32_t s32;

static struct device *dev;

#define LANES 32
/* What lanes that take no part must keep. */
#define UNTOUCHED 0x5a5a5a5au

/**
 * struct lanes - what an expectation is made from
 * @a: first operand of each lane
 * @b: second
 * @on: lanes that take part
 * @any: out: the result is undefined
 */
struct lanes {
	u32 a[LANES];
	u32 b[LANES];
	u32 on;
	bool any;
};

/**
 * struct warp_op - a row
 * @text: instruction with %d, %a, %b, %m (lanes that take part), %p (a predicate that starts as the low bit of %a)
 * @want: result of a lane
 */
struct warp_op {
	const char *text;
	u32 (*want)(struct lanes *l, int lane);
};

static u32 from_lane(struct lanes *l, int lane, int source, bool in_range)
{
	if (!in_range)
		return l->a[lane];
	l->any = !(l->on >> source & 1);
	return l->a[source];
}

/* The definition of shfl: c holds the clamp in bits 0 to 4 and the segment mask in bits 8 to 12. */
static int bound(int lane, u32 c)
{
	int segment = c >> 8 & 31;

	return (lane & segment) | ((int)c & 31 & ~segment);
}

static u32 up(struct lanes *l, int lane, u32 b, u32 c)
{
	int j = lane - (int)(b & 31);

	return from_lane(l, lane, j, j >= bound(lane, c));
}

static u32 down(struct lanes *l, int lane, u32 b, u32 c)
{
	int j = lane + (int)(b & 31);

	return from_lane(l, lane, j, j <= bound(lane, c));
}

static u32 butterfly(struct lanes *l, int lane, u32 b, u32 c)
{
	int j = lane ^ (int)(b & 31);

	return from_lane(l, lane, j, j <= bound(lane, c));
}

static u32 indexed(struct lanes *l, int lane, u32 b, u32 c)
{
	int segment = c >> 8 & 31, j = (lane & segment) | ((int)(b & 31) & ~segment);

	return from_lane(l, lane, j, j <= bound(lane, c));
}

static u32 ballot(const struct lanes *l)
{
	u32 r = 0;
	int i;

	for (i = 0; i < LANES; i++)
		r |= (l->a[i] & l->on >> i & 1) << i;
	return r;
}

static u32 same(const struct lanes *l, int lane)
{
	u32 r = 0;
	int i;

	for (i = 0; i < LANES; i++)
		r |= (u32)((l->on >> i & 1) && (l->a[i] & 7) == (l->a[lane] & 7)) << i;
	return r;
}

static u32 reduce(const struct lanes *l, u32 (*step)(u32 x, u32 y))
{
	u32 r = 0;
	int i;
	bool first = true;

	for (i = 0; i < LANES; i++) {
		if (l->on >> i & 1) {
			r = first ? l->a[i] : step(r, l->a[i]);
			first = false;
		}
	}
	return r;
}

#define STEP(name, expr) static u32 name(u32 x, u32 y) { return expr; }
STEP(sum, x + y)
STEP(least_u, x < y ? x : y)
STEP(most_u, x > y ? x : y)
STEP(least_s, (s32)x < (s32)y ? x : y)
STEP(most_s, (s32)x > (s32)y ? x : y)
STEP(all_bits, x & y)
STEP(any_bits, x | y)
STEP(odd_bits, x ^ y)

#define OPS(X)										\
	X(up1, "shfl.sync.up.b32 %d, %a, 1, 0, %m;", up(l, lane, 1, 0))				\
	X(up_b, "shfl.sync.up.b32 %d, %a, %b, 0, %m;", up(l, lane, l->b[lane], 0))		\
	X(up_seg, "shfl.sync.up.b32 %d|%p, %a, 3, 0x1800, %m;", up(l, lane, 3, 0x1800))		\
	X(down1, "shfl.sync.down.b32 %d, %a, 1, 31, %m;", down(l, lane, 1, 31))			\
	X(down_b, "shfl.sync.down.b32 %d, %a, %b, 0x101f, %m;", down(l, lane, l->b[lane], 0x101f))	\
	X(down_clamp, "shfl.sync.down.b32 %d, %a, 2, 0x1c03, %m;", down(l, lane, 2, 0x1c03))	\
	X(bfly16, "shfl.sync.bfly.b32 %d, %a, 16, 31, %m;", butterfly(l, lane, 16, 31))		\
	X(bfly_b, "shfl.sync.bfly.b32 %d, %a, %b, 31, %m;", butterfly(l, lane, l->b[lane], 31))	\
	X(bfly_seg, "shfl.sync.bfly.b32 %d, %a, 9, 0x1807, %m;", butterfly(l, lane, 9, 0x1807))	\
	X(idx0, "shfl.sync.idx.b32 %d, %a, 0, 31, %m;", indexed(l, lane, 0, 31))		\
	X(idx_b, "shfl.sync.idx.b32 %d, %a, %b, 31, %m;", indexed(l, lane, l->b[lane], 31))	\
	X(idx_seg, "shfl.sync.idx.b32 %d, %a, %b, 0x181f, %m;", indexed(l, lane, l->b[lane], 0x181f))	\
	X(idx_p, "shfl.sync.idx.b32 %d|%p, %a, %b, 0x1805, %m; selp.u32 %d, 1, 0, %p;",	\
	  (indexed(l, lane, l->b[lane], 0x1805), l->any = false,				\
	   (int)((lane & 24) | ((int)(l->b[lane] & 31) & ~24)) <= bound(lane, 0x1805)))		\
	X(up_p, "shfl.sync.up.b32 %d|%p, %a, 5, 0, %m; selp.u32 %d, 1, 0, %p;", lane >= 5)	\
	X(down_p, "shfl.sync.down.b32 %d|%p, %a, 5, 31, %m; selp.u32 %d, 1, 0, %p;", lane + 5 <= 31)	\
	X(ballot, "vote.sync.ballot.b32 %d, %p, %m;", ballot(l))				\
	X(ballot_not, "vote.sync.ballot.b32 %d, !%p, %m;", ~ballot(l) & l->on)			\
	X(all, "vote.sync.all.pred %p, %p, %m; selp.u32 %d, 1, 0, %p;", ballot(l) == l->on)	\
	X(any, "vote.sync.any.pred %p, %p, %m; selp.u32 %d, 1, 0, %p;", ballot(l) != 0)		\
	X(uni, "vote.sync.uni.pred %p, %p, %m; selp.u32 %d, 1, 0, %p;", ballot(l) == l->on || !ballot(l))	\
	X(all_true, "setp.eq.u32 %p, 0, 0; vote.sync.all.pred %p, %p, %m; selp.u32 %d, 1, 0, %p;", 1)	\
	X(activemask, "activemask.b32 %d;", l->on)						\
	X(match_any, "and.b32 %d, %a, 7; match.any.sync.b32 %d, %d, %m;", same(l, lane))	\
	X(match_any64, "{.reg .b64 %x; and.b32 %d, %a, 7; mov.b64 %x, {%m, %d}; match.any.sync.b64 %d, %x, %m;}", same(l, lane))	\
	X(match_all, "and.b32 %d, %a, 7; match.all.sync.b32 %d|%p, %d, %m;", same(l, lane) == l->on ? l->on : 0)	\
	X(match_all_same, "mov.u32 %d, 5; match.all.sync.b32 %d|%p, %d, %m; selp.u32 %d, %d, 0, %p;", l->on)	\
	X(redux_add, "redux.sync.add.u32 %d, %a, %m;", reduce(l, sum))				\
	X(redux_add_s, "redux.sync.add.s32 %d, %a, %m;", reduce(l, sum))			\
	X(redux_min, "redux.sync.min.u32 %d, %a, %m;", reduce(l, least_u))			\
	X(redux_max, "redux.sync.max.u32 %d, %a, %m;", reduce(l, most_u))			\
	X(redux_min_s, "redux.sync.min.s32 %d, %a, %m;", reduce(l, least_s))			\
	X(redux_max_s, "redux.sync.max.s32 %d, %a, %m;", reduce(l, most_s))			\
	X(redux_and, "redux.sync.and.b32 %d, %a, %m;", reduce(l, all_bits))			\
	X(redux_or, "redux.sync.or.b32 %d, %a, %m;", reduce(l, any_bits))			\
	X(redux_xor, "redux.sync.xor.b32 %d, %a, %m;", reduce(l, odd_bits))			\
	X(warp_barrier, "bar.warp.sync %m; mov.u32 %d, %b;", l->b[lane])			\
	X(laneid, "mov.u32 %d, %laneid;", (u32)lane)						\
	X(lt, "mov.u32 %d, %lanemask_lt;", (1u << lane) - 1)					\
	X(le, "mov.u32 %d, %lanemask_le;", (2u << lane) - 1)					\
	X(gt, "mov.u32 %d, %lanemask_gt;", ~((2u << lane) - 1))					\
	X(ge, "mov.u32 %d, %lanemask_ge;", ~((1u << lane) - 1))					\
	X(eq, "mov.u32 %d, %lanemask_eq;", 1u << lane)

#define DEFINE(name, text, ...) static u32 want_##name(struct lanes *l, int lane) { return (u32)(__VA_ARGS__); }
#define ROW(name, text, ...) { text, want_##name },
OPS(DEFINE)
static const struct warp_op ops[] = { OPS(ROW) };

static const u32 masks[] = { ~0u, 1, 0x80000000, 0x55555555, 0x0000ffff, 0xfffefffe, 0x00f00f30 };

static bool run_op(const struct warp_op *op, uint64_t *seed)
{
	char text[2048];
	struct lanes l;
	u32 *a = device_alloc(dev, 128), *b = device_alloc(dev, 128), *d = device_alloc(dev, 128), on, want;
	struct ptx_module *module;
	struct dims dims = { .block = { 32 } };
	bool good = true;
	size_t m;
	int i;

	snprintf(text, sizeof(text),
		 ".version 7.0\n.target sm_80\n.address_size 64\n"
		 ".visible .entry k(.param .u64 pa, .param .u64 pb, .param .u64 pd, .param .u32 on) {\n"
		 ".reg .b64 %%o, %%t; .reg .b32 %%a, %%b, %%d, %%m, %%l; .reg .pred %%p, %%q;\n"
		 "mov.u32 %%l, %%tid.x; mul.wide.u32 %%o, %%l, 4; ld.param.u32 %%m, [on];\n"
		 "ld.param.u64 %%t, [pa]; add.u64 %%t, %%t, %%o; ld.global.u32 %%a, [%%t];\n"
		 "ld.param.u64 %%t, [pb]; add.u64 %%t, %%t, %%o; ld.global.u32 %%b, [%%t];\n"
		 "ld.param.u64 %%t, [pd]; add.u64 %%t, %%t, %%o; ld.global.u32 %%d, [%%t];\n"
		 "and.b32 %%l, %%a, 1; setp.ne.u32 %%p, %%l, 0; mov.u32 %%l, %%tid.x; shr.u32 %%l, %%m, %%l; and.b32 %%l, %%l, 1;\n"
		 "setp.eq.u32 %%q, %%l, 0; @%%q bra OFF;\n%s\nOFF: st.global.u32 [%%t], %%d;\nret;\n}\n", op->text);
	module = device_load_text(dev, text);
	for (m = 0; m < sizeof(masks) / sizeof(masks[0]) && good; m++) {
		on = masks[m];
		for (i = 0; i < LANES; i++) {
			a[i] = l.a[i] = (u32)(next_random(seed) >> 9);
			b[i] = l.b[i] = (u32)(next_random(seed) >> 13);
			d[i] = UNTOUCHED;
		}
		l.on = on;
		if (RUN(dev, module, "k", &dims, &a, &b, &d, &on)) {
			print_error("%s\n\t%s\n", op->text, dev->fault.message);
			good = false;
			break;
		}
		for (i = 0; i < LANES && good; i++) {
			l.any = false;
			want = on >> i & 1 ? op->want(&l, i) : UNTOUCHED;
			good = d[i] == want || (l.any && (on >> i & 1));
			if (!good)
				print_error("%s\n\tlanes 0x%08x: lane %d has 0x%08x, should have 0x%08x\n", op->text, on, i, d[i], want);
		}
	}
	ptx_module_unload(module);
	return good;
}

static void together(void **state)
{
	uint64_t seed = 0x2545f4914f6cdd1dull;
	size_t i, bad = 0;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		bad += !run_op(&ops[i], &seed);
	if (bad)
		fail_msg("%zu instructions", bad);
}

#define KERNEL(body)						\
	".version 7.0\n.target sm_80\n.address_size 64\n"	\
	".visible .entry k(.param .u64 p) {\n"			\
	".reg .b64 %a, %o; .reg .b32 %r<6>; .reg .pred %p, %q; .shared .align 8 .b32 sh[1024]; .reg .b32 %s, %t;\n"	\
	"ld.param.u64 %a, [p]; mov.u32 %t, %tid.x; mul.wide.u32 %o, %t, 4; add.u64 %o, %a, %o; mov.u32 %s, sh;\n"	\
	body "\nret;\n}\n"

static u32 *run(const char *text, u32 blocks, u32 threads)
{
	u32 *out = device_alloc(dev, 4096 * 4);
	struct ptx_module *module = device_load_text(dev, text);
	struct dims dims = { .grid = { blocks }, .block = { threads } };

	memset(out, 0, 4096 * 4);
	dev->budget = 1ull << 26;
	if (RUN(dev, module, "k", &dims, &out))
		fail_msg("%s", dev->fault.message);
	ptx_module_unload(module);
	return out;
}

/* Every thread reads what its neighbour across a barrier wrote, many times over. */
static void barrier(void **state)
{
	u32 *out = run(KERNEL("mov.u32 %r0, 0; mov.u32 %r1, %t;\n"
			      "L: shl.b32 %r2, %t, 2; add.u32 %r2, %r2, %s; st.shared.u32 [%r2], %r1; bar.sync 0;\n"
			      "add.u32 %r3, %t, 1; rem.u32 %r3, %r3, 200; shl.b32 %r3, %r3, 2; add.u32 %r3, %r3, %s; ld.shared.u32 %r1, [%r3];\n"
			      "barrier.sync 3; add.u32 %r0, %r0, 1; setp.lt.u32 %p, %r0, 50; @%p bra L;\nst.global.u32 [%o], %r1;"), 1, 200);
	u32 i;

	for (i = 0; i < 200; i++)
		assert_int_equal(out[i], (i + 50) % 200);
}

/* Reductions over the block, and barriers that count fewer threads than the block has. */
static void barrier_forms(void **state)
{
	u32 *out = run(KERNEL("and.b32 %r0, %t, 3; setp.eq.u32 %p, %r0, 0; bar.red.popc.u32 %r1, 0, %p; setp.lt.u32 %q, %t, 999;\n"
			      "bar.red.and.pred %q, 1, %q; selp.u32 %r2, 100, 0, %q; add.u32 %r1, %r1, %r2; bar.red.or.pred %q, 2, !%p;\n"
			      "selp.u32 %r2, 1000, 0, %q; add.u32 %r1, %r1, %r2; st.global.u32 [%o], %r1;"), 1, 96);
	u32 i;

	for (i = 0; i < 96; i++)
		assert_int_equal(out[i], 24 + 100 + 1000);
	/* Warp 0 makes, warp 1 uses; warp 2 takes no part. */
	out = run(KERNEL("setp.ge.u32 %p, %t, 64; @%p bra END; setp.ge.u32 %q, %t, 32; @%q bra USE;\n"
			 "shl.b32 %r2, %t, 2; add.u32 %r2, %r2, %s; mul.lo.u32 %r1, %t, 7; st.shared.u32 [%r2], %r1; bar.arrive 1, 64; bra END;\n"
			 "USE: bar.sync 1, 64; sub.u32 %r2, %t, 32; shl.b32 %r2, %r2, 2; add.u32 %r2, %r2, %s; ld.shared.u32 %r1, [%r2];\n"
			 "st.global.u32 [%o], %r1;\nEND:"), 1, 96);
	for (i = 0; i < 96; i++)
		assert_int_equal(out[i], i >= 32 && i < 64 ? (i - 32) * 7 : 0);
}

/* Threads that have left do not hold a barrier up. */
static void barrier_after_exit(void **state)
{
	u32 *out = run(KERNEL("rem.u32 %r0, %t, 3; setp.eq.u32 %p, %r0, 0; @%p exit; bar.sync 0; st.global.u32 [%o], 5;"), 1, 128), i;

	for (i = 0; i < 128; i++)
		assert_int_equal(out[i], i % 3 ? 5 : 0);
}

/* Lanes that part meet again, through nested branches and a loop left at different times. */
static void divergence(void **state)
{
	u32 *out = run(KERNEL("mov.u32 %r0, 0; mov.u32 %r1, 0;\n"
			      "L: setp.ge.u32 %p, %r1, %t; @%p bra OUT; add.u32 %r1, %r1, 1; and.b32 %r2, %r1, 1; setp.eq.u32 %q, %r2, 0; @%q bra EVEN;\n"
			      "add.u32 %r0, %r0, 3; bra L;\nEVEN: and.b32 %r2, %r1, 2; setp.eq.u32 %q, %r2, 0; @%q bra FOUR; add.u32 %r0, %r0, 10; bra L;\n"
			      "FOUR: add.u32 %r0, %r0, 100; bra L;\nOUT: bar.warp.sync 0xffffffff; st.global.u32 [%o], %r0;"), 1, 64);
	u32 i, k, want;

	for (i = 0; i < 64; i++) {
		for (want = 0, k = 1; k <= i; k++)
			want += k & 1 ? 3 : k & 2 ? 10 : 100;
		assert_int_equal(out[i], want);
	}
}

static void special_registers(void **state)
{
	static const char text[] =
		".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 p) {\n"
		".reg .b64 %a, %o, %c<4>; .reg .b32 %r<8>; .reg .pred %p;\nld.param.u64 %a, [p];\n"
		/* ((ctaid.z * nctaid.y + ctaid.y) * nctaid.x + ctaid.x) * threads + (tid.z * ntid.y + tid.y) * ntid.x + tid.x */
		"mov.u32 %r0, %ctaid.z; mov.u32 %r1, %nctaid.y; mov.u32 %r2, %ctaid.y; mad.lo.u32 %r0, %r0, %r1, %r2;\n"
		"mov.u32 %r1, %nctaid.x; mov.u32 %r2, %ctaid.x; mad.lo.u32 %r0, %r0, %r1, %r2;\n"
		"mov.u32 %r1, %ntid.z; mul.lo.u32 %r0, %r0, %r1; mov.u32 %r2, %tid.z; add.u32 %r0, %r0, %r2;\n"
		"mov.u32 %r1, %ntid.y; mov.u32 %r2, %tid.y; mad.lo.u32 %r0, %r0, %r1, %r2;\n"
		"mov.u32 %r1, %ntid.x; mov.u32 %r2, %tid.x; mad.lo.u32 %r0, %r0, %r1, %r2;\n"
		"mul.wide.u32 %o, %r0, 4; add.u64 %o, %a, %o; add.u32 %r0, %r0, 1;\n"
		"mov.u64 %c0, %clock64; mov.u64 %c1, %globaltimer; nanosleep.u32 20; mov.u64 %c2, %clock64; mov.u64 %c3, %globaltimer;\n"
		"setp.lt.u64 %p, %c2, %c0; @%p mov.u32 %r0, 0; setp.lt.u64 %p, %c3, %c1; @%p mov.u32 %r0, 0;\n"
		"mov.u32 %r1, WARP_SZ; setp.ne.u32 %p, %r1, 32; @%p mov.u32 %r0, 0; mov.u32 %r1, %smid; mov.u32 %r2, %nsmid;\n"
		"setp.ge.u32 %p, %r1, %r2; @%p mov.u32 %r0, 0; st.global.u32 [%o], %r0;\nret;\n}\n";
	u32 *out = device_alloc(dev, 2 * 3 * 4 * 5 * 6 * 7 * 4), i;
	struct ptx_module *module = device_load_text(dev, text);
	struct dims dims = { .grid = { 2, 3, 4 }, .block = { 5, 6, 7 } };

	if (RUN(dev, module, "k", &dims, &out))
		fail_msg("%s", dev->fault.message);
	for (i = 0; i < 2 * 3 * 4 * 5 * 6 * 7; i++)
		assert_int_equal(out[i], i + 1);
	ptx_module_unload(module);
}

/* A copy that a thread waits for, in groups and by a barrier object in shared memory. */
static void asynchronous_copies(void **state)
{
	u32 *out, i;

	out = run(KERNEL("mul.wide.u32 %o, %t, 16; add.u64 %a, %a, %o; add.u64 %a, %a, 8192; mul.lo.u32 %r1, %t, 17; st.global.u32 [%a+8], %r1;\n"
			 "shl.b32 %r0, %t, 4; add.u32 %r0, %r0, %s; cp.async.cg.shared.global [%r0], [%a], 16; cp.async.commit_group;\n"
			 "cp.async.wait_group 0; bar.sync 0; xor.b32 %r1, %t, 5; shl.b32 %r1, %r1, 4; add.u32 %r1, %r1, %s;\n"
			 "ld.shared.u32 %r2, [%r1+8]; ld.param.u64 %a, [p]; mul.wide.u32 %o, %t, 4; add.u64 %o, %a, %o; st.global.u32 [%o], %r2;"),
		  1, 64);
	for (i = 0; i < 64; i++)
		assert_int_equal(out[i], (i ^ 5) * 17);
	out = run(KERNEL(".shared .align 8 .b64 bar; .reg .b64 %w;\n"
			 "setp.eq.u32 %p, %t, 0; @%p mbarrier.init.shared.b64 [bar], 64; bar.sync 0;\n"
			 "shl.b32 %r0, %t, 2; add.u32 %r0, %r0, %s; st.shared.u32 [%r0], %t; mbarrier.arrive.shared.b64 %w, [bar];\n"
			 "W: mbarrier.test_wait.shared.b64 %q, [bar], %w; @!%q bra W;\n"
			 "xor.b32 %r1, %t, 33; shl.b32 %r1, %r1, 2; add.u32 %r1, %r1, %s; ld.shared.u32 %r2, [%r1]; st.global.u32 [%o], %r2;"), 1, 64);
	for (i = 0; i < 64; i++)
		assert_int_equal(out[i], i ^ 33);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(together),	      cmocka_unit_test(barrier),	   cmocka_unit_test(barrier_forms),
		cmocka_unit_test(barrier_after_exit), cmocka_unit_test(divergence),	   cmocka_unit_test(special_registers),
		cmocka_unit_test(asynchronous_copies),
	};
	int failed;

	dev = device_open(2);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	device_close(dev);
	return failed;
}
