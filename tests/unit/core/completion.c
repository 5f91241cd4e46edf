// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * A worker's ring: what a hostile one can say in it, rings that are full, runs that outlive their deadline.
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
	rig_guest_open(&guest, &rig->dev[0], 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static u64 bad(struct rig *rig)
{
	return rig_stats(&rig->dev[0]).counters.bad_completions;
}

static void hostile_completions_are_dropped(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_begin_ready(rig, &guest);
	struct vgpu_cqe cqe;
	u64 tag, n;
	u32 seq;

	rig_expect(&guest, 0);
	seq = rig_submit(&guest, rig_launch(1));
	rig_submit(&guest, rig_wait_for(2, seq));
	rig_take(worker);
	tag = worker->todo[0].tag;
	n = bad(rig);
	rig_put(worker, tag, worker->generation + 1, 0, 0);
	rig_put(worker, tag, worker->generation - 1, 0, 0);
	rig_put(worker, tag ^ (1ULL << 32), worker->generation, 0, 0);
	rig_put(worker, tag ^ 1, worker->generation, 0, 0);
	rig_put(worker, tag | 0xffffffff, worker->generation, 0, 0);
	rig_put(worker, tag + 128, worker->generation, 0, 0);
	rig_put(worker, 0, worker->generation, 0, 0);		/* completed before */
	rig_put(worker, (u64)(seq + 1) << 32 | ((u32)tag ^ 1), worker->generation, 0, 0);	/* never dispatched */
	rig_kick(worker);
	assert_int_equal(bad(rig), n + 8);
	assert_false(rig_consume(&guest, &cqe));
	/* Statuses that are no CUresult become one. */
	rig_put(worker, tag, worker->generation, VGPU_ST_QUOTA, 5);
	rig_put(worker, tag, worker->generation, 0, 0);
	rig_kick(worker);
	assert_int_equal(rig_expect(&guest, seq).status, 999);
	assert_int_equal(bad(rig), n + 9);
	rig_check_invariants(rig);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_ACTIVE);
}

static void completions_of_another_session_are_dropped(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_begin_ready(rig, &guest), *other;
	struct rig_guest second;
	u32 mine, theirs;

	rig_guest_init(&second, &rig->dev[1], 0);
	other = rig_worker_of(&second);
	mine = rig_submit(&guest, rig_launch(1));
	theirs = rig_submit(&second, rig_launch(1));
	rig_take(worker);
	rig_take(other);
	rig_put(worker, other->todo[0].tag, other->generation, 0, 0);
	rig_kick(worker);
	assert_int_equal(bad(rig), 1);
	assert_int_equal(rig_stats(&rig->dev[1]).waiting, 1);
	rig_finish(other, 0, 0, 0);
	rig_finish(worker, 0, 0, 0);
	rig_expect(&guest, 0);
	assert_int_equal(rig_expect(&guest, mine).status, VGPU_ST_OK);
	assert_int_equal(rig_expect(&second, theirs).status, VGPU_ST_OK);
}

static void an_overrun_ring_loses_the_session(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_begin_ready(rig, &guest);
	u32 seq = rig_submit(&guest, rig_launch(1));

	rig_expect(&guest, 0);
	worker->rings->completion_tail = worker->completion_tail + VGPU_EXEC_RING_ENTRIES + 1;
	assert_int_equal(rig_kick(worker), -ENODEV);
	assert_true(worker->killed);
	rig_release(worker);
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_SESSION_LOST);
	rig_check_invariants(rig);
}

/* A head that makes no sense, or changes while the kernel looks, never makes it write over what was not consumed. */
static void a_lying_dispatch_head_hurts_nobody_else(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_begin_ready(rig, &guest);
	struct rig_guest other;
	u32 i, seq;

	rig_guest_init(&other, &rig->dev[1], 0);
	worker->rings->dispatch_head = worker->rings->dispatch_tail + 1;
	for (i = 0; i < 20; i++)
		rig_submit(&guest, rig_launch(i));
	rig_check_invariants(rig);
	for (i = 0; i < 10; i++) {
		seq = rig_submit(&other, rig_launch(1));
		rig_finish_all(rig_worker_of(&other));
		rig_expect(&other, seq);
	}
	assert_int_equal(rig->gpu.engine[VGPU_ENGINE_COMPUTE].inflight, 0);
	/* Its own session is lost in the end: the ring is full, and nothing is with it that a watchdog would see. */
	rig_advance(rig, VGPU_DEADLINE_DEFAULT - 1);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_ACTIVE);
	rig_advance(rig, 1);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_LOST);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.hangs, 1);
	rig_release(worker);
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 0);
}

static void a_full_ring_is_used_again_when_there_is_room(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker;
	u32 i, consumed, tail, first;

	for (i = 1; i < VGPU_MAX_RANGES; i++)
		assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_RANGE_ADD, 0, 0x100000 + i * 0x1000, 0x1000, 0, 0),
				 VGPU_ST_OK);
	first = rig_begin(&guest);
	worker = rig_spawn(rig);
	assert_int_equal(worker->rings->dispatch_tail, VGPU_EXEC_RING_ENTRIES);
	assert_int_equal(rig_take(worker), 0);
	assert_int_equal(worker->ranges, VGPU_MAX_RANGES);
	consumed = worker->dispatch_head;
	assert_int_equal(vgpu_worker_take(worker->session, &consumed, &tail), 0);
	assert_int_equal(tail, VGPU_EXEC_RING_ENTRIES + 1);
	assert_int_equal(rig_finish_all(worker), 1);
	rig_expect(&guest, first);
	consumed = tail + 1;
	assert_int_equal(vgpu_worker_take(worker->session, &consumed, &tail), -EINVAL);
	rig_advance(rig, VGPU_DEADLINE_DEFAULT * 2);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_ACTIVE);
	assert_true(list_empty(&rig->gpu.spawning));
}

/* Calls of a worker that makes no room in its ring are no progress. */
static void a_full_ring_has_a_deadline(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker;
	u32 i, seq;

	for (i = 1; i < VGPU_MAX_RANGES; i++)
		assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_RANGE_ADD, 0, 0x100000 + i * 0x1000, 0x1000, 0, 0),
				 VGPU_ST_OK);
	seq = rig_begin(&guest);
	worker = rig_spawn(rig);
	assert_int_equal(worker->rings->dispatch_tail, VGPU_EXEC_RING_ENTRIES);
	for (i = 0; i < 4; i++) {
		rig_advance(rig, VGPU_DEADLINE_DEFAULT / 4 - 1);
		assert_int_equal(rig_kick(worker), 0);
	}
	assert_int_equal(rig_state(&guest), VGPU_SESSION_ACTIVE);
	rig_advance(rig, 4);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_LOST);
	assert_true(worker->killed);
	assert_int_equal(rig_expect(&guest, seq).status, 702);
	rig_release(worker);
	rig_check_invariants(rig);
}

static void a_hang_costs_its_session_alone(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_begin_ready(rig, &guest), *innocent;
	struct rig_guest other;
	u32 hung, behind;

	rig_expect(&guest, 0);
	rig_guest_init(&other, &rig->dev[1], 0);
	innocent = rig_worker_of(&other);
	hung = rig_submit(&guest, rig_launch(1));
	behind = rig_submit(&other, rig_launch(1));
	rig_take(worker);
	rig_take(innocent);
	rig_advance(rig, VGPU_DEADLINE_DEFAULT - 1);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_ACTIVE);
	rig_advance(rig, 1);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_LOST);
	assert_int_equal(rig_state(&other), VGPU_SESSION_ACTIVE);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.hangs, 1);
	assert_true(worker->killed);
	/* The one behind gets its whole time from when it is the oldest. */
	rig_release(worker);
	assert_int_equal(rig_expect(&guest, hung).status, 702);
	rig_advance(rig, VGPU_DEADLINE_DEFAULT - 1);
	assert_int_equal(rig_state(&other), VGPU_SESSION_ACTIVE);
	rig_finish(innocent, 0, 0, 0);
	assert_int_equal(rig_expect(&other, behind).status, VGPU_ST_OK);
	assert_int_equal(rig_stats(&rig->dev[1]).counters.hangs, 0);
}

static void a_killed_worker_that_lingers_holds_up_nobody(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_begin_ready(rig, &guest), *innocent;
	struct rig_guest other;
	struct vgpu_cqe cqe;
	u32 hung[2], seq, i;

	rig_expect(&guest, 0);
	rig_guest_init(&other, &rig->dev[1], 0);
	innocent = rig_worker_of(&other);
	for (i = 0; i < 2; i++)
		hung[i] = rig_submit(&guest, rig_launch(1 + i));
	assert_int_equal(rig_take(worker), 2);
	seq = rig_submit(&other, rig_launch(1));
	assert_int_equal(rig_take(innocent), 0);
	rig_advance(rig, VGPU_DEADLINE_DEFAULT);
	assert_true(worker->killed);
	rig_advance(rig, VGPU_RELEASE_GRACE - 1);
	assert_int_equal(rig_take(innocent), 0);
	rig_advance(rig, 1);
	assert_int_equal(rig_finish_all(innocent), 1);
	assert_int_equal(rig_expect(&other, seq).status, VGPU_ST_OK);
	/* It may still write to the aperture: its own commands wait. */
	assert_false(rig_consume(&guest, &cqe));
	rig_check_invariants(rig);
	rig_release(worker);
	for (i = 0; i < 2; i++)
		assert_int_equal(rig_expect(&guest, hung[i]).status, 702);
	rig_check_invariants(rig);
}

static void a_killed_worker_that_stays_loses_its_pages(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_begin_ready(rig, &guest);
	u8 *payload = guest.dev->aperture + rig_range(0);
	struct vgpu_cqe cqe;
	u32 hung;

	rig_expect(&guest, 0);
	hung = rig_submit(&guest, rig_copy_out(0, 1));
	assert_int_equal(rig_take(worker), 1);
	payload[0] = 0x5a;
	rig_advance(rig, VGPU_DEADLINE_DEFAULT);
	rig_advance(rig, VGPU_RELEASE_GRACE);
	rig_advance(rig, VGPU_RELEASE_TIMEOUT - VGPU_RELEASE_GRACE - 1);
	assert_false(rig_consume(&guest, &cqe));
	assert_int_equal(payload[0], 0x5a);
	rig_advance(rig, 1);
	assert_int_equal(rig_expect(&guest, hung).status, 702);
	assert_int_equal(payload[0], 0);
	/* The number stays taken until the process is gone. */
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0), VGPU_ST_OK);
	rig_settle(rig);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_CLOSING);
	rig_release(worker);
	rig_settle(rig);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_FREE);
	rig_check_invariants(rig);
}

/* Where its pages cannot be replaced, its commands complete no sooner than it is gone. */
static void a_killed_worker_that_stays_and_keeps_its_pages(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_begin_ready(rig, &guest);
	struct vgpu_cqe cqe;
	u32 hung;

	rig_expect(&guest, 0);
	hung = rig_submit(&guest, rig_copy_out(0, 1));
	assert_int_equal(rig_take(worker), 1);
	guest.dev->fail_punch = true;
	rig_advance(rig, VGPU_DEADLINE_DEFAULT);
	rig_advance(rig, VGPU_RELEASE_GRACE);
	rig_advance(rig, VGPU_RELEASE_TIMEOUT);
	rig_advance(rig, VGPU_RELEASE_TIMEOUT);
	assert_false(rig_consume(&guest, &cqe));
	rig_release(worker);
	assert_int_equal(rig_expect(&guest, hung).status, 702);
	rig_check_invariants(rig);
}

static void progress_puts_the_deadline_off(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_begin_ready(rig, &guest);
	struct vgpu_cmd cmd = rig_launch(1);
	u32 i;

	rig_finish_all(worker);
	for (i = 0; i < 4; i++) {
		rig_submit(&guest, cmd);
		rig_finish_all(worker);
	}
	for (i = 0; i < 40; i++)
		rig_write(&guest, &cmd);
	rig_publish(&guest);
	assert_int_equal(rig_take(worker), 40);
	while (rig_take(worker)) {
		rig_advance(rig, VGPU_DEADLINE_DEFAULT - 1);
		assert_int_equal(rig_state(&guest), VGPU_SESSION_ACTIVE);
		rig_finish(worker, 0, 0, 0);
	}
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 0);
}

static void workers_outlive_nothing(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_begin_ready(rig, &guest);
	u32 generation = worker->generation;

	rig_release(worker);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0), VGPU_ST_OK);
	rig_settle(rig);
	rig_guest_open(&guest, &rig->dev[0], 0);
	worker = rig_begin_ready(rig, &guest);
	assert_true(worker->generation != generation);
	rig_submit(&guest, rig_launch(1));
	rig_take(worker);
	rig_put(worker, worker->todo[0].tag, generation, 0, 0);
	rig_kick(worker);
	assert_int_equal(bad(rig), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(hostile_completions_are_dropped),
		TEST(completions_of_another_session_are_dropped),
		TEST(an_overrun_ring_loses_the_session),
		TEST(a_lying_dispatch_head_hurts_nobody_else),
		TEST(a_full_ring_is_used_again_when_there_is_room),
		TEST(a_full_ring_has_a_deadline),
		TEST(a_hang_costs_its_session_alone),
		TEST(a_killed_worker_that_lingers_holds_up_nobody),
		TEST(a_killed_worker_that_stays_loses_its_pages),
		TEST(a_killed_worker_that_stays_and_keeps_its_pages),
		TEST(progress_puts_the_deadline_off),
		TEST(workers_outlive_nothing),
	};

	return cmocka_run_group_tests_name("core completions", tests, NULL, NULL);
}
