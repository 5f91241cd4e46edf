// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Admission by rate: how much a virtual GPU gets of an engine, of the bus and of the queues when it asks for all, and
 * that nothing is lost and nobody else is held up.
 */

#include "rig.h"

#include <setjmp.h>
#include <cmocka.h>

static struct rig_guest greedy, other;

static int setup(void **state)
{
	struct vgpu_limits limits = rig_limits();
	struct rig *rig = rig_new();

	rig_attach(rig);
	rig_dev_open(rig, 0, &limits);
	rig_dev_open(rig, 1, &limits);
	rig_guest_init(&greedy, &rig->dev[0], 0);
	rig_guest_init(&other, &rig->dev[1], 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static void set_limits(struct rig *rig, const struct vgpu_limits *limits)
{
	const char *why;

	assert_int_equal(vgpu_dev_set_limits(&rig->dev[0].dev, limits, &why), 0);
}

static void drain(struct rig_guest *guest)
{
	struct vgpu_cqe cqe;

	while (rig_consume(guest, &cqe))
		assert_int_equal(cqe.status, VGPU_ST_OK);
}

/*
 * Executes what is dispatched for a time, one command after the other, each taking so long; keeps so many waiting.
 * Returns how many were executed.
 */
static u32 run_for(struct rig *rig, struct rig_guest *guest, struct vgpu_cmd cmd, u64 each_ns, u64 time_ns, u32 waiting)
{
	struct rig_worker *worker = rig_worker_of(guest);
	u64 end = rig_now + time_ns;
	u32 done = 0;

	while (rig_now < end) {
		while (rig_stats(guest->dev).waiting < waiting && guest->tail - guest->cq_head < guest->cq_entries)
			rig_submit(guest, cmd);
		rig_take(worker);
		if (worker->num_todo) {
			rig_now += each_ns;
			rig_finish(worker, 0, 0, 0);
			done++;
			drain(guest);
		} else if (rig->tick_ns > rig_now) {
			rig_now = rig->tick_ns < end ? rig->tick_ns : end;
		}
		rig_settle(rig);
	}
	return done;
}

static void finish(struct rig *rig, struct rig_guest *guest)
{
	u32 rounds = 0;

	while (rig_stats(guest->dev).waiting) {
		rig_advance(rig, NSEC_PER_MSEC);
		rig_finish_all(rig_worker_of(guest));
		rig_settle(rig);
		drain(guest);
		assert_true(++rounds < 100000);
	}
	rig_check_invariants(rig);
}

/* Long-run error at most 0.1 %; never more than the share, one burst and what was in flight. */
static void compute_time_is_shared_out_exactly(void **state)
{
	static const u32 shares[] = { 1000, 10000, 250000, 333333, 900000 };
	const u64 each = 200 * NSEC_PER_USEC, time = 100 * NSEC_PER_SEC;
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	u64 used, exact;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(shares); i++) {
		limits.gpu_share = 0;
		set_limits(rig, &limits);
		limits.gpu_share = shares[i];
		set_limits(rig, &limits);
		used = run_for(rig, &greedy, rig_launch(1), each, time, 8) * each;
		exact = time / 1000000 * shares[i] + limits.gpu_burst_ns;
		if (used > exact + VGPU_WINDOW * VGPU_SLICE_DEFAULT + each || used + each < exact - exact / 1000)
			fail_msg("%u ppm: %llu ns used in %llu, %llu allowed", shares[i], (unsigned long long)used,
				 (unsigned long long)time, (unsigned long long)exact);
	}
	assert_true(rig_stats(&rig->dev[0]).counters.throttled_ns > time);
	finish(rig, &greedy);
}

static void a_burst_is_what_was_saved_up(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	const u64 each = 100 * NSEC_PER_USEC;
	u64 used;

	limits.gpu_share = 100000;
	limits.gpu_burst_ns = 20 * NSEC_PER_MSEC;
	set_limits(rig, &limits);
	run_for(rig, &greedy, rig_launch(1), each, NSEC_PER_SEC, 8);
	finish(rig, &greedy);
	rig_advance(rig, 10 * NSEC_PER_SEC);
	used = run_for(rig, &greedy, rig_launch(1), each, 25 * NSEC_PER_MSEC, 8) * each;
	/* 20 ms saved up, a tenth of 25 ms gained. */
	assert_in_range(used, 22 * NSEC_PER_MSEC, 22 * NSEC_PER_MSEC + VGPU_WINDOW * VGPU_SLICE_DEFAULT + each);
	finish(rig, &greedy);
}

/* A run that takes far longer than predicted is paid for, however long that takes. */
static void an_overrun_is_owed(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	struct rig_worker *worker = rig_worker_of(&greedy);
	u32 i;

	limits.gpu_share = 500000;
	limits.gpu_burst_ns = 10 * NSEC_PER_MSEC;
	set_limits(rig, &limits);
	rig_submit(&greedy, rig_launch(1));
	rig_take(worker);
	rig_advance(rig, NSEC_PER_SEC);
	rig_finish(worker, 0, 0, 0);
	drain(&greedy);
	for (i = 0; i < 4; i++)
		rig_submit(&greedy, rig_launch(1));
	/* While it ran, half its time was gained: 490 ms are owed, which takes 980 ms. */
	rig_advance(rig, 900 * NSEC_PER_MSEC);
	assert_int_equal(rig_take(worker), 0);
	rig_advance(rig, 100 * NSEC_PER_MSEC);
	assert_true(rig_take(worker));
	finish(rig, &greedy);
}

static void others_use_what_is_held_back(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	u32 i, mine;

	limits.gpu_share = 1000;
	limits.gpu_burst_ns = VGPU_GPU_BURST_MIN;
	limits.tier = VGPU_TIER_HIGH;
	set_limits(rig, &limits);
	run_for(rig, &greedy, rig_launch(1), NSEC_PER_MSEC, 10 * NSEC_PER_MSEC, 8);
	for (i = 0; i < 100; i++)
		rig_submit(&greedy, rig_launch(2 + i));
	mine = rig_stats(&rig->dev[0]).waiting;
	assert_true(mine >= 100);
	assert_int_equal(run_for(rig, &other, rig_launch(1), NSEC_PER_MSEC, 50 * NSEC_PER_MSEC, 8), 50);
	finish(rig, &other);
	/* The limit goes, and so does the waiting. */
	limits.gpu_share = 0;
	set_limits(rig, &limits);
	assert_int_equal(rig_stats(&rig->dev[0]).throttled, false);
	finish(rig, &greedy);
}

static void copies_are_paid_for_in_bytes(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	struct vgpu_cmd cmd = rig_copy_in(0, 1);
	u64 bytes, each, exact;

	each = vgpu_cmd_bytes(&cmd);
	limits.copy_rate = 1 << 20;
	limits.copy_burst = 64 << 10;
	set_limits(rig, &limits);
	bytes = run_for(rig, &greedy, cmd, NSEC_PER_USEC, NSEC_PER_SEC, 16) * each;
	exact = limits.copy_rate + limits.copy_burst;
	assert_in_range(bytes, exact - exact / 1000 - each, exact + VGPU_WINDOW * VGPU_RUN_MAX * each);
	assert_true(bytes <= exact + VGPU_WINDOW * each);
	/* Launches are not copies. */
	assert_int_equal(run_for(rig, &greedy, rig_launch(2), NSEC_PER_MSEC, 10 * NSEC_PER_MSEC, 20) > 8, true);
	finish(rig, &greedy);
}

static void commands_are_fetched_at_their_rate(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	u64 before = rig_stats(&rig->dev[0]).counters.submitted;
	u32 submitted, i, rounds = 0;

	limits.cmd_rate = 1000;
	limits.cmd_burst = 10;
	set_limits(rig, &limits);
	for (i = 0; i < 100; i++)
		rig_submit(&greedy, rig_cmd(VGPU_OP_FENCE, 1));
	assert_int_equal(rig_stats(&rig->dev[0]).counters.submitted - before, 10);
	rig_advance(rig, 20 * NSEC_PER_MSEC);
	drain(&greedy);
	submitted = rig_stats(&rig->dev[0]).counters.submitted - before;
	/* In one leap: the bucket holds no more than ten. */
	assert_int_equal(submitted, 20);
	while (rig_stats(&rig->dev[0]).counters.submitted - before < 100) {
		rig_advance(rig, NSEC_PER_MSEC);
		drain(&greedy);
		assert_true(++rounds <= 100);
	}
	assert_in_range(rounds, 79, 81);
	rig_check_invariants(rig);
}

static void a_session_ends_while_it_is_held_back(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	u32 i;

	limits.gpu_share = 1000;
	limits.cmd_rate = 1;
	limits.cmd_burst = 20;
	set_limits(rig, &limits);
	for (i = 0; i < 50; i++)
		rig_submit(&greedy, rig_launch(1 + i % 8));
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0), VGPU_ST_OK);
	rig_release(rig_worker_of(&greedy));
	rig_settle(rig);
	assert_int_equal(rig_state(&greedy), VGPU_SESSION_FREE);
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 0);
	rig_check_invariants(rig);
}

static void memory_changes_while_it_is_used(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	struct rig_worker *worker = rig_worker_of(&greedy);
	const char *why = NULL;
	u32 seq;

	seq = rig_submit(&greedy, rig_chunk(VGPU_OP_CHUNK_MAP, 0, 4));
	rig_finish_all(worker);
	assert_int_equal(rig_expect(&greedy, seq).status, VGPU_ST_OK);
	limits.memory = 3 * RIG_GRANULE;
	assert_int_equal(vgpu_dev_set_limits(&rig->dev[0].dev, &limits, &why), -EBUSY);
	assert_non_null(why);
	limits.memory = 4 * RIG_GRANULE;
	set_limits(rig, &limits);
	assert_int_equal(vgpu_gpu_available(&rig->gpu, RIG_GRANULE),
			 (RIG_GPU_MEMORY - RIG_MEMORY) / RIG_GRANULE - 4);
	seq = rig_submit(&greedy, rig_chunk(VGPU_OP_CHUNK_MAP, 4, 1));
	assert_int_equal(rig_expect(&greedy, seq).status, VGPU_ST_QUOTA);
	limits.memory = 5 * RIG_GRANULE;
	set_limits(rig, &limits);
	seq = rig_submit(&greedy, rig_chunk(VGPU_OP_CHUNK_MAP, 4, 1));
	rig_finish_all(worker);
	assert_int_equal(rig_expect(&greedy, seq).status, VGPU_ST_OK);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.memory_peak, 5 * RIG_GRANULE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(compute_time_is_shared_out_exactly),
		TEST(a_burst_is_what_was_saved_up),
		TEST(an_overrun_is_owed),
		TEST(others_use_what_is_held_back),
		TEST(copies_are_paid_for_in_bytes),
		TEST(commands_are_fetched_at_their_rate),
		TEST(a_session_ends_while_it_is_held_back),
		TEST(memory_changes_while_it_is_used),
	};

	return cmocka_run_group_tests_name("core admission", tests, NULL, NULL);
}
