// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Streams: order, waits, fences, events, and the dispatch window.
 */

#include "rig.h"

#include <setjmp.h>
#include <cmocka.h>

static struct rig_guest guest;

static int setup(void **state)
{
	struct vgpu_limits limits = rig_limits();
	struct rig *rig = rig_new();

	rig_attach(rig);
	rig_dev_open(rig, 0, &limits);
	rig_dev_open(rig, 1, &limits);
	rig_guest_init(&guest, &rig->dev[0], 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static bool completed(u32 seq)
{
	u32 i;

	for (i = 0; i < guest.header->cq_tail; i++)
		if (guest.cq[i & (guest.cq_entries - 1)].seq == seq)
			return true;
	return false;
}

static u32 taken_seq(struct rig_worker *worker, u32 index)
{
	return worker->todo[index].tag >> 32;
}

/* Finishes the command with this sequence number, which the worker must have. */
static void finish_seq(struct rig_worker *worker, u32 seq)
{
	u32 i;

	rig_take(worker);
	for (i = 0; i < worker->num_todo; i++) {
		if (taken_seq(worker, i) == seq) {
			rig_finish(worker, i, 0, 0);
			return;
		}
	}
	fail_msg("the worker does not have command %u", seq);
}

static bool has_seq(struct rig_worker *worker, u32 seq)
{
	u32 i;

	rig_take(worker);
	for (i = 0; i < worker->num_todo; i++)
		if (taken_seq(worker, i) == seq)
			return true;
	return false;
}

static void a_stream_keeps_its_order(void **state)
{
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 i, first = guest.tail, next = first;

	for (i = 0; i < 60; i++)
		rig_submit(&guest, i % 4 == 1 ? rig_copy_in(0, 1) : i % 4 == 3 ? rig_copy_out(0, 1) : rig_launch(1));
	while (rig_take(worker)) {
		for (i = 0; i < worker->num_todo; i++)
			assert_int_equal(taken_seq(worker, i), next + i);
		/* Commands of different engines are never in flight together. */
		for (i = 1; i < worker->num_todo; i++)
			assert_int_equal(worker->todo[i].engine, worker->todo[0].engine);
		rig_finish(worker, 0, 0, 0);
		next++;
	}
	assert_int_equal(next - first, 60);
}

static void a_waiting_stream_blocks_nobody(void **state)
{
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 slow, wait, behind, other, third;

	slow = rig_submit(&guest, rig_launch(1));
	wait = rig_submit(&guest, rig_wait_for(2, slow));
	behind = rig_submit(&guest, rig_launch(2));
	other = rig_submit(&guest, rig_launch(3));
	third = rig_submit(&guest, rig_copy_in(0, 4));
	finish_seq(worker, other);
	finish_seq(worker, third);
	assert_true(completed(other) && completed(third));
	assert_false(completed(wait) || has_seq(worker, behind));
	finish_seq(worker, slow);
	assert_true(completed(wait));
	assert_true(has_seq(worker, behind));
}

static void waits_chain(void **state)
{
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 first, i, seq[20];

	first = rig_submit(&guest, rig_launch(1));
	for (i = 0; i < ARRAY_SIZE(seq); i++)
		seq[i] = rig_submit(&guest, rig_wait_for(i + 2, i ? seq[i - 1] : first));
	for (i = 0; i < ARRAY_SIZE(seq); i++)
		assert_false(completed(seq[i]));
	finish_seq(worker, first);
	for (i = 0; i < ARRAY_SIZE(seq); i++)
		assert_true(completed(seq[i]));
	/* A wait for what has completed, and for what never was, is over at once. */
	assert_true(completed(rig_submit(&guest, rig_wait_for(2, first))));
	assert_true(completed(rig_submit(&guest, rig_wait_for(2, first - 1000))));
}

static void fence_waits_for_its_stream(void **state)
{
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 a = rig_submit(&guest, rig_launch(1));
	u32 b = rig_submit(&guest, rig_launch(2));
	u32 fence = rig_submit(&guest, rig_cmd(VGPU_OP_FENCE, 1));
	u32 behind = rig_submit(&guest, rig_launch(1));

	assert_false(completed(fence) || has_seq(worker, behind));
	finish_seq(worker, a);
	assert_true(completed(fence));
	assert_true(has_seq(worker, behind));
	assert_false(completed(b));
}

static void fence_of_all_waits_for_all_before_it(void **state)
{
	struct rig_worker *worker = rig_worker_of(&guest);
	struct vgpu_cmd all = rig_cmd(VGPU_OP_FENCE, 3);
	u32 a = rig_submit(&guest, rig_launch(1));
	u32 b = rig_submit(&guest, rig_copy_in(0, 2));
	u32 fence, later, behind;

	all.flags = VGPU_CMD_F_ALL;
	fence = rig_submit(&guest, all);
	later = rig_submit(&guest, rig_launch(4));
	behind = rig_submit(&guest, rig_launch(3));
	finish_seq(worker, b);
	finish_seq(worker, later);
	assert_false(completed(fence) || has_seq(worker, behind));
	finish_seq(worker, a);
	assert_true(completed(fence));
	assert_true(has_seq(worker, behind));
}

static void fences_of_all_follow_each_other(void **state)
{
	struct rig_worker *worker = rig_worker_of(&guest);
	struct vgpu_cmd all = rig_cmd(VGPU_OP_FENCE, 0);
	u32 a = rig_submit(&guest, rig_launch(1)), fences[10], i;

	all.flags = VGPU_CMD_F_ALL;
	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		all.stream = i % 3;
		all.opcode = i % 2 ? VGPU_OP_EVENT_RECORD : VGPU_OP_FENCE;
		fences[i] = rig_submit(&guest, all);
	}
	assert_false(completed(fences[0]));
	finish_seq(worker, a);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		assert_true(completed(fences[i]));
}

static u64 value_of(u32 seq)
{
	u32 i;

	for (i = 0; i < guest.header->cq_tail; i++)
		if (guest.cq[i & (guest.cq_entries - 1)].seq == seq)
			return guest.cq[i & (guest.cq_entries - 1)].value;
	fail_msg("command %u has not completed", seq);
	return 0;
}

static void events_tell_the_time_of_what_is_before_them(void **state)
{
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 start, work, end;

	start = rig_submit(&guest, rig_cmd(VGPU_OP_EVENT_RECORD, 1));
	work = rig_submit(&guest, rig_launch(1));
	end = rig_submit(&guest, rig_cmd(VGPU_OP_EVENT_RECORD, 1));
	rig_now += 12345;
	assert_false(completed(end));
	finish_seq(worker, work);
	assert_int_equal(value_of(end) - value_of(start), 12345);
	assert_true(value_of(start) < NSEC_PER_SEC);
}

static void a_failed_command_does_not_stop_its_stream(void **state)
{
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 bad = rig_submit(&guest, rig_launch(1)), wait, fence;

	wait = rig_submit(&guest, rig_wait_for(2, bad));
	fence = rig_submit(&guest, rig_cmd(VGPU_OP_FENCE, 1));
	rig_take(worker);
	rig_finish(worker, 0, 719, 99);
	assert_int_equal(rig_expect(&guest, bad).status, 719);
	assert_true(completed(wait) && completed(fence));
	assert_int_equal(rig_stats(guest.dev).counters.failed, 1);
}

/* Two runs an engine, one command each before anything is known of its cost. */
static void the_window_is_two_runs_an_engine(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 i, engine, inflight[VGPU_ENGINE_COUNT] = { 0 };

	for (i = 0; i < 8; i++) {
		rig_submit(&guest, rig_launch(10 + i));
		rig_submit(&guest, rig_copy_in(0, 20 + i));
		rig_submit(&guest, rig_copy_out(0, 30 + i));
	}
	rig_take(worker);
	for (i = 0; i < worker->num_todo; i++)
		inflight[worker->todo[i].engine]++;
	for (engine = VGPU_ENGINE_COMPUTE; engine <= VGPU_ENGINE_COPY_OUT; engine++) {
		assert_int_equal(inflight[engine], VGPU_WINDOW);
		assert_int_equal(rig->gpu.engine[engine].inflight, VGPU_WINDOW);
	}
	rig_check_invariants(rig);
	assert_int_equal(rig_finish_all(worker), 24);
}

/* Commands of one stream fill a run up to a slice of what they are predicted to take. */
static void runs_grow_to_a_slice(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 i;

	for (i = 0; i < 8; i++) {
		rig_submit(&guest, rig_launch(1));
		rig_now += VGPU_SLICE_DEFAULT / 10 - 1;
		rig_finish_all(worker);
	}
	for (i = 0; i < 100; i++)
		rig_submit(&guest, rig_launch(1));
	rig_take(worker);
	/* The first run began with the one command that there was; those behind it are full. */
	rig_finish(worker, 0, 0, 0);
	rig_take(worker);
	for (i = 0; i < VGPU_WINDOW; i++)
		assert_in_range(rig->gpu.run_pool[i].count, 1, 10);
	assert_in_range(worker->num_todo, 10, 20);
	rig_finish_all(worker);
	rig_check_invariants(rig);
}

/* Between virtual GPUs of a tier, the oldest head of a run is next. */
static void first_come_first_served_over_heads(void **state)
{
	struct rig *rig = *state;
	struct rig_guest other;
	struct rig_worker *mine = rig_worker_of(&guest), *theirs;
	struct rig_worker *owner[14];
	u32 i, n;
	u64 first_run;

	rig_guest_init(&other, &rig->dev[1], 0);
	theirs = rig_worker_of(&other);
	rig_submit(&guest, rig_launch(1));
	rig_submit(&guest, rig_launch(2));	/* the window is full */
	for (i = 0; i < 6; i++) {
		rig_submit(&other, rig_launch(10 + i));
		rig_submit(&guest, rig_launch(10 + i));
	}
	rig_take(mine);
	first_run = mine->todo[0].run;
	for (n = 0; n < ARRAY_SIZE(owner); n++) {
		struct rig_worker *worker = rig_take(mine) ? mine : theirs;

		rig_take(theirs);
		if (worker == mine && theirs->num_todo && theirs->todo[0].run < mine->todo[0].run)
			worker = theirs;
		assert_true(worker->num_todo);
		assert_true(worker->todo[0].run - first_run < ARRAY_SIZE(owner));
		owner[worker->todo[0].run - first_run] = worker;
		rig_finish(worker, 0, 0, 0);
	}
	for (i = 2; i < ARRAY_SIZE(owner); i++)
		assert_ptr_equal(owner[i], i % 2 ? mine : theirs);
}

/* When two places in the window become free at once, a stream's second run competes for the second. */
static void a_stream_may_have_the_whole_window(void **state)
{
	struct rig *rig = *state;
	struct rig_guest low;
	struct rig_worker *mine = rig_worker_of(&guest), *theirs;
	struct vgpu_limits limits = rig_limits();
	const char *why;
	u32 i;

	limits.tier = VGPU_TIER_HIGH;
	assert_int_equal(vgpu_dev_set_limits(&rig->dev[0].dev, &limits, &why), 0);
	limits.tier = VGPU_TIER_LOW;
	assert_int_equal(vgpu_dev_set_limits(&rig->dev[1].dev, &limits, &why), 0);
	rig_guest_init(&low, &rig->dev[1], 0);
	theirs = rig_worker_of(&low);
	for (i = 0; i < 4; i++)
		rig_submit(&low, rig_launch(i));
	for (i = 0; i < 4; i++)
		rig_submit(&guest, rig_launch(1));
	assert_int_equal(rig_take(theirs), VGPU_WINDOW);
	rig_now += 10 * NSEC_PER_MSEC;
	for (i = 0; i < VGPU_WINDOW; i++)
		rig_put(theirs, theirs->todo[i].tag, theirs->generation, 0, 0);
	theirs->num_todo = 0;
	rig_kick(theirs);
	assert_int_equal(rig_take(theirs), 0);
	assert_int_equal(rig_take(mine), VGPU_WINDOW);
}

/* Streams of one session run on different engines at once; a stream waits between engines. */
static void engines_work_at_once(void **state)
{
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 launch = rig_submit(&guest, rig_launch(1));
	u32 in = rig_submit(&guest, rig_copy_in(0, 2));
	u32 out = rig_submit(&guest, rig_copy_out(0, 3));
	u32 behind = rig_submit(&guest, rig_copy_out(0, 1));

	assert_true(has_seq(worker, launch) && has_seq(worker, in) && has_seq(worker, out));
	assert_false(has_seq(worker, behind));
	finish_seq(worker, launch);
	assert_true(has_seq(worker, behind));
}

/* Two runs in flight for 500 ns of 1800: the time is the older one's, or both have half of it. */
static void busy_time_is_somebodys(void **state)
{
	struct rig *rig = *state;
	struct rig_guest other;
	struct vgpu_gpu_stats stats;
	struct vgpu_policy policy = vgpu_policy_default;
	u64 before[2];
	u32 i;

	rig_guest_init(&other, &rig->dev[1], 0);
	rig_submit(&guest, rig_launch(1));
	rig_now += 1000;
	rig_submit(&other, rig_launch(1));
	rig_now += 500;
	rig_finish_all(rig_worker_of(&guest));
	rig_now += 300;
	rig_finish_all(rig_worker_of(&other));
	assert_int_equal(rig_stats(&rig->dev[0]).counters.busy_ns[VGPU_ENGINE_COMPUTE], 1500);
	assert_int_equal(rig_stats(&rig->dev[1]).counters.busy_ns[VGPU_ENGINE_COMPUTE], 300);
	vgpu_gpu_read_stats(&rig->gpu, &stats);
	assert_int_equal(stats.busy_ns[VGPU_ENGINE_COMPUTE], 1800);
	assert_int_equal(stats.busy_ns[VGPU_ENGINE_COPY_IN], 0);

	policy.charge = VGPU_CHARGE_EQUAL;
	vgpu_gpu_set_policy(&rig->gpu, &policy);
	for (i = 0; i < 2; i++)
		before[i] = rig_stats(&rig->dev[i]).counters.busy_ns[VGPU_ENGINE_COMPUTE];
	rig_submit(&guest, rig_launch(1));
	rig_now += 1000;
	rig_submit(&other, rig_launch(1));
	rig_now += 500;
	rig_finish_all(rig_worker_of(&guest));
	rig_now += 300;
	rig_finish_all(rig_worker_of(&other));
	assert_int_equal(rig_stats(&rig->dev[0]).counters.busy_ns[VGPU_ENGINE_COMPUTE] - before[0], 1250);
	assert_int_equal(rig_stats(&rig->dev[1]).counters.busy_ns[VGPU_ENGINE_COMPUTE] - before[1], 550);
}

static void switches_are_runs_of_other_workers(void **state)
{
	struct rig *rig = *state;
	struct rig_guest other;
	struct vgpu_gpu_stats before, after;
	u32 i;

	rig_guest_init(&other, &rig->dev[1], 0);
	rig_submit(&guest, rig_launch(1));
	rig_finish_all(rig_worker_of(&guest));
	vgpu_gpu_read_stats(&rig->gpu, &before);
	for (i = 0; i < 5; i++) {
		rig_submit(&guest, rig_launch(i));
		rig_finish_all(rig_worker_of(&guest));
	}
	vgpu_gpu_read_stats(&rig->gpu, &after);
	assert_int_equal(after.switches, before.switches);
	assert_int_equal(after.runs, before.runs + 5);
	for (i = 0; i < 5; i++) {
		struct rig_guest *who = i % 2 ? &guest : &other;

		rig_submit(who, rig_launch(1));
		rig_finish_all(rig_worker_of(who));
	}
	vgpu_gpu_read_stats(&rig->gpu, &after);
	assert_int_equal(after.switches, before.switches + 5);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_stream_keeps_its_order),
		TEST(a_waiting_stream_blocks_nobody),
		TEST(waits_chain),
		TEST(fence_waits_for_its_stream),
		TEST(fence_of_all_waits_for_all_before_it),
		TEST(fences_of_all_follow_each_other),
		TEST(events_tell_the_time_of_what_is_before_them),
		TEST(a_failed_command_does_not_stop_its_stream),
		TEST(the_window_is_two_runs_an_engine),
		TEST(runs_grow_to_a_slice),
		TEST(first_come_first_served_over_heads),
		TEST(a_stream_may_have_the_whole_window),
		TEST(engines_work_at_once),
		TEST(busy_time_is_somebodys),
		TEST(switches_are_runs_of_other_workers),
	};

	return cmocka_run_group_tests_name("core streams", tests, NULL, NULL);
}
