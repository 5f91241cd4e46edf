// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Workers and supervisors: death in every state, deadlines, tokens, and all that a hostile worker can say.
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

/* The first command, which asks for a worker. */
static u32 begin(void)
{
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_SESSION_INIT, 0);

	cmd.init.out = rig_range(0);
	return rig_submit(&guest, cmd);
}

static struct rig_worker *begin_ready(struct rig *rig)
{
	struct rig_worker *worker;

	begin();
	worker = rig_spawn(rig);
	assert_int_equal(rig_finish_all(worker), 1);
	return worker;
}

static u64 bad(struct rig *rig)
{
	return rig_stats(&rig->dev[0]).counters.bad_completions;
}

static void a_worker_is_asked_for_once(void **state)
{
	struct rig *rig = *state;
	struct vgpu_exec_event event;
	u32 seq;

	assert_false(vgpu_gpu_has_event(&rig->gpu));
	seq = begin();
	rig_submit(&guest, rig_launch(0));
	assert_int_equal(rig->supervisor_wakes, 1);
	assert_true(vgpu_gpu_has_event(&rig->gpu));
	assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
	assert_int_equal(event.session, 0);
	assert_int_equal(event.uuid[15], 1);
	assert_int_equal(event.deadline_ns, rig_now + VGPU_SPAWN_TIMEOUT);
	assert_true(event.token);
	assert_false(vgpu_gpu_has_event(&rig->gpu));
	assert_false(vgpu_gpu_next_event(&rig->gpu, &event));
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 2);
	assert_int_equal(rig_stats(&rig->dev[0]).workers, 0);
	rig_bind(rig, event.token);
	assert_int_equal(rig_stats(&rig->dev[0]).workers, 1);
	assert_int_equal(rig_ready(rig_worker_of(&guest), RIG_DEVICE_BASE, RIG_APERTURE_BASE, 0), 0);
	assert_int_equal(rig_take(rig_worker_of(&guest)), 1);
	rig_finish_all(rig_worker_of(&guest));
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_OK);
	assert_int_equal(rig_expect(&guest, seq + 1).status, VGPU_ST_OK);
}

static void tokens_are_good_once_and_in_time(void **state)
{
	struct rig *rig = *state;
	struct vgpu_exec_event event;
	struct rig_worker *worker;

	begin();
	assert_null(rig_bind(rig, 0));
	assert_null(rig_bind(rig, rig->dev[0].dev.sessions[0]->worker.token));	/* nobody was told of it yet */
	assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
	assert_null(rig_bind(rig, event.token + 1));
	rig_now = event.deadline_ns;
	assert_null(rig_bind(rig, event.token));
	rig_now--;
	worker = rig_bind(rig, event.token);
	assert_non_null(worker);
	assert_null(rig_bind(rig, event.token));
	assert_null(rig_bind(rig, 0));
	rig_release(worker);
}

static void nobody_comes(void **state)
{
	struct rig *rig = *state;
	struct vgpu_exec_event event;
	u32 seq = begin();

	assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
	rig_advance(rig, VGPU_SPAWN_TIMEOUT - 1);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_ACTIVE);
	rig_advance(rig, 1);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_LOST);
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_NO_EXECUTOR);
	assert_int_equal(rig_expect(&guest, rig_submit(&guest, rig_launch(1))).status, VGPU_ST_SESSION_LOST);
	assert_false(vgpu_gpu_has_event(&rig->gpu));
	rig_check_invariants(rig);
}

static int spawn_failed(struct rig *rig, u64 token, u32 status)
{
	const struct vgpu_exec_spawn_failed failed = { .token = token, .status = status };

	return vgpu_gpu_spawn_failed(&rig->gpu, &failed);
}

/* What dies before it binds costs no deadline: another is asked for, some times, then the session is lost. */
static void workers_that_die_before_they_bind(void **state)
{
	const struct vgpu_exec_spawn_failed bad = { .token = 1, .reserved = 1 };
	struct rig *rig = *state;
	struct vgpu_exec_event event;
	u64 token = 0;
	u32 try, seq = begin();

	assert_int_equal(vgpu_gpu_spawn_failed(&rig->gpu, &bad), -EINVAL);
	assert_int_equal(spawn_failed(rig, 1, 1000), -EINVAL);
	/* Nobody was told of it yet. */
	assert_int_equal(spawn_failed(rig, rig->dev[0].dev.sessions[0]->worker.token, 0), -ENOENT);
	for (try = 0; try < VGPU_SPAWN_TRIES; try++) {
		assert_int_equal(rig_state(&guest), VGPU_SESSION_ACTIVE);
		assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
		assert_int_not_equal(event.token, token);
		assert_int_equal(event.deadline_ns, rig_now + VGPU_SPAWN_TIMEOUT);
		token = event.token;
		assert_int_equal(spawn_failed(rig, token ^ 1, 0), -ENOENT);
		assert_int_equal(spawn_failed(rig, token, 100), 0);
		assert_int_equal(spawn_failed(rig, token, 100), -ENOENT);
		assert_null(rig_bind(rig, token));
	}
	assert_int_equal(rig_state(&guest), VGPU_SESSION_LOST);
	assert_int_equal(rig_expect(&guest, seq).status, 100);
	assert_false(vgpu_gpu_has_event(&rig->gpu));
	rig_check_invariants(rig);
}

static void one_that_bound_is_not_retried(void **state)
{
	struct rig *rig = *state;
	struct vgpu_exec_event event;
	struct rig_worker *worker;

	begin();
	assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
	assert_int_equal(spawn_failed(rig, event.token, 0), 0);
	assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
	worker = rig_bind(rig, event.token);
	assert_non_null(worker);
	assert_int_equal(spawn_failed(rig, event.token, 0), -ENOENT);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_ACTIVE);
	rig_release(worker);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_LOST);
	assert_int_equal(spawn_failed(rig, event.token, 0), -ENOENT);
}

/* An event that did not reach its reader is read again; one that came to nothing since is not. */
static void an_event_can_be_unread(void **state)
{
	struct rig *rig = *state;
	struct vgpu_exec_event event, again;

	begin();
	assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
	assert_false(vgpu_gpu_has_event(&rig->gpu));
	vgpu_gpu_unread_event(&rig->gpu, &event);
	assert_null(rig_bind(rig, event.token));
	assert_true(vgpu_gpu_next_event(&rig->gpu, &again));
	assert_memory_equal(&event, &again, sizeof(event));
	assert_int_equal(spawn_failed(rig, event.token, 0), 0);
	assert_true(vgpu_gpu_next_event(&rig->gpu, &again));
	vgpu_gpu_unread_event(&rig->gpu, &event);
	assert_false(vgpu_gpu_has_event(&rig->gpu));
}

/* One that reads nothing is killed; the session waits for the next, which is given its time. */
static void a_supervisor_that_hangs_is_killed(void **state)
{
	struct rig *rig = *state;
	struct vgpu_exec_event event;

	begin();
	rig_advance(rig, VGPU_EVENT_TIMEOUT - 1);
	assert_int_equal(rig->supervisor_kills, 0);
	rig_advance(rig, 1);
	assert_int_equal(rig->supervisor_kills, 1);
	vgpu_gpu_detach(&rig->gpu);
	rig_advance(rig, VGPU_EVENT_TIMEOUT);
	assert_int_equal(rig->supervisor_kills, 1);
	rig_attach(rig);
	rig_advance(rig, VGPU_EVENT_TIMEOUT - 1);
	assert_int_equal(rig->supervisor_kills, 1);
	assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
	assert_non_null(rig_bind(rig, event.token));
	rig_advance(rig, VGPU_EVENT_TIMEOUT);
	assert_int_equal(rig->supervisor_kills, 1);
}

/* What came to nothing before it was read is not counted against who had no need to read it. */
static void a_supervisor_is_not_late_with_what_has_gone(void **state)
{
	struct rig *rig = *state;
	struct vgpu_exec_event event;

	begin();
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0), VGPU_ST_OK);
	assert_false(vgpu_gpu_has_event(&rig->gpu));
	rig_advance(rig, VGPU_EVENT_TIMEOUT - 1);
	rig_guest_open(&guest, &rig->dev[0], 0);
	begin();
	rig_advance(rig, 1);
	assert_int_equal(rig->supervisor_kills, 0);
	rig_advance(rig, VGPU_EVENT_TIMEOUT - 2);
	assert_int_equal(rig->supervisor_kills, 0);
	rig_advance(rig, 1);
	assert_int_equal(rig->supervisor_kills, 1);
	assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
}

static void a_bound_worker_that_is_never_ready(void **state)
{
	struct rig *rig = *state;
	struct vgpu_exec_event event;
	struct rig_worker *worker;
	u32 seq = begin();

	vgpu_gpu_next_event(&rig->gpu, &event);
	worker = rig_bind(rig, event.token);
	rig_advance(rig, VGPU_SPAWN_TIMEOUT);
	assert_true(worker->killed);
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_NO_EXECUTOR);
	assert_int_equal(rig_ready(worker, RIG_DEVICE_BASE, RIG_APERTURE_BASE, 0), -ENODEV);
	assert_int_equal(rig_kick(worker), -ENODEV);
	rig_release(worker);
	rig_check_invariants(rig);
}

#define CROWD (VGPU_STARTS + 3)

/* Sessions of the first virtual GPU, each of which asks for a worker; numbers of their commands are 0. */
static void crowd_begins(struct rig *rig, struct rig_guest *crowd)
{
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_SESSION_INIT, 0);
	u32 i;

	for (i = 0; i < CROWD; i++) {
		rig_guest_open(&crowd[i], &rig->dev[0], 1 + i);
		cmd.init.out = rig_range(1 + i);
		assert_int_equal(rig_submit(&crowd[i], cmd), 0);
	}
}

static void workers_start_a_few_at_a_time(void **state)
{
	struct vgpu_exec_event event, first[VGPU_STARTS];
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_SESSION_INIT, 0);
	struct rig_guest crowd[CROWD], other;
	struct rig *rig = *state;
	struct rig_worker *worker;
	u32 i;

	crowd_begins(rig, crowd);
	for (i = 0; i < VGPU_STARTS; i++) {
		assert_true(vgpu_gpu_next_event(&rig->gpu, &first[i]));
		assert_int_equal(first[i].session, 1 + i);
	}
	assert_false(vgpu_gpu_has_event(&rig->gpu));
	assert_false(vgpu_gpu_next_event(&rig->gpu, &event));
	/* Whose virtual GPU has fewer that start goes first, however late it asked. */
	rig_guest_open(&other, &rig->dev[1], 0);
	cmd.init.out = rig_range(0);
	rig_submit(&other, cmd);
	assert_false(vgpu_gpu_has_event(&rig->gpu));
	/* A place is left by who is ready, and not by who has bound. */
	worker = rig_bind(rig, first[0].token);
	assert_false(vgpu_gpu_has_event(&rig->gpu));
	rig->supervisor_wakes = 0;
	assert_int_equal(rig_ready(worker, RIG_DEVICE_BASE, RIG_APERTURE_BASE, 0), 0);
	assert_int_equal(rig->supervisor_wakes, 1);
	assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
	assert_int_equal(event.uuid[15], 2);
	assert_false(vgpu_gpu_has_event(&rig->gpu));
	/* By whose process has died before it bound: it is asked for again, where it stood. */
	assert_int_equal(spawn_failed(rig, first[1].token, 0), 0);
	assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
	assert_int_equal(event.session, 2);
	assert_false(vgpu_gpu_has_event(&rig->gpu));
	/* By whose session has ended, bound or not. */
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 3, 0, 0, 0, 0), VGPU_ST_OK);
	assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
	assert_int_equal(event.session, 1 + VGPU_STARTS);
	worker = rig_bind(rig, event.token);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, event.session, 0, 0, 0, 0), VGPU_ST_OK);
	assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
	assert_int_equal(event.session, 2 + VGPU_STARTS);
	rig_release(worker);
	/* By all that a supervisor was told of, when it goes. */
	vgpu_gpu_detach(&rig->gpu);
	rig_attach(rig);
	for (i = 0; i < VGPU_STARTS; i++)
		assert_non_null(rig_spawn(rig));
	rig_settle(rig);
	rig_check_invariants(rig);
}

/* Who waits for a turn is not late, and who starts behind others that were late is given more time. */
static void slow_starts_are_no_storm(void **state)
{
	struct rig *rig = *state;
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_SESSION_INIT, 0);
	struct rig_guest crowd[CROWD], again;
	struct vgpu_exec_event event;
	struct rig_worker *worker;
	u64 time = VGPU_SPAWN_TIMEOUT;
	u32 i;

	crowd_begins(rig, crowd);
	for (i = 0; i < VGPU_STARTS; i++)
		assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
	worker = rig_bind(rig, event.token);
	rig_advance(rig, VGPU_SPAWN_TIMEOUT);
	for (i = 0; i < CROWD; i++)
		assert_int_equal(rig_state(&crowd[i]), i < VGPU_STARTS ? VGPU_SESSION_LOST : VGPU_SESSION_ACTIVE);
	rig_release(worker);
	while (vgpu_gpu_next_event(&rig->gpu, &event))
		assert_int_equal(event.deadline_ns, rig_now + 2 * VGPU_SPAWN_TIMEOUT);
	rig_advance(rig, 2 * VGPU_SPAWN_TIMEOUT - 1);
	for (i = VGPU_STARTS; i < CROWD; i++)
		assert_int_equal(rig_state(&crowd[i]), VGPU_SESSION_ACTIVE);
	worker = rig_bind(rig, event.token);
	assert_int_equal(rig_ready(worker, RIG_DEVICE_BASE, RIG_APERTURE_BASE, 0), 0);
	assert_int_equal(rig_finish_all(worker), 1);
	assert_int_equal(rig_expect(&crowd[CROWD - 1], 0).status, VGPU_ST_OK);
	rig_advance(rig, 1);
	assert_int_equal(rig_expect(&crowd[VGPU_STARTS], 0).status, VGPU_ST_NO_EXECUTOR);
	/* Twice as long each time, within a bound; soon ready, and it is half as long. */
	for (i = 0; i < 8; i++) {
		rig_guest_open(&again, &rig->dev[1], i);
		cmd.init.out = rig_range(again.id);
		rig_submit(&again, cmd);
		assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
		assert_int_equal(event.deadline_ns, rig_now + min(time << (i + 2), VGPU_SPAWN_TIMEOUT_MAX));
		rig_advance(rig, event.deadline_ns - rig_now);
		assert_int_equal(rig_state(&again), VGPU_SESSION_LOST);
	}
	for (i = 0; i < 8; i++) {
		rig_guest_open(&again, &rig->dev[1], 8 + i);
		cmd.init.out = rig_range(again.id);
		rig_submit(&again, cmd);
		assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
		assert_int_equal(event.deadline_ns, rig_now + max(VGPU_SPAWN_TIMEOUT_MAX >> i, time));
		worker = rig_bind(rig, event.token);
		assert_int_equal(rig_ready(worker, RIG_DEVICE_BASE, RIG_APERTURE_BASE, 0), 0);
	}
}

/* Nobody takes turns: nobody waits for ever. */
static void without_a_supervisor_no_turn_comes(void **state)
{
	struct rig *rig = *state;
	struct rig_guest crowd[CROWD];
	struct vgpu_exec_event event;
	u32 i;

	crowd_begins(rig, crowd);
	for (i = 0; i < VGPU_STARTS; i++)
		assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
	rig_advance(rig, 1);
	vgpu_gpu_detach(&rig->gpu);
	rig_advance(rig, VGPU_SPAWN_TIMEOUT - 1);
	for (i = 0; i < CROWD; i++)
		assert_int_equal(rig_state(&crowd[i]), i < VGPU_STARTS ? VGPU_SESSION_LOST : VGPU_SESSION_ACTIVE);
	rig_advance(rig, 1);
	for (i = 0; i < CROWD; i++)
		assert_int_equal(rig_expect(&crowd[i], 0).status, VGPU_ST_NO_EXECUTOR);
	rig_check_invariants(rig);
}

static void ready_is_checked(void **state)
{
	static const struct {
		u64 device, aperture;
	} insane[] = {
		{ 0, RIG_APERTURE_BASE },
		{ RIG_DEVICE_BASE, 0 },
		{ RIG_DEVICE_BASE + 4096, RIG_APERTURE_BASE },
		{ RIG_DEVICE_BASE, RIG_APERTURE_BASE + 1 },
		{ 1ULL << 47, RIG_APERTURE_BASE },
		{ -RIG_GRANULE, RIG_APERTURE_BASE },
		{ RIG_DEVICE_BASE, -4096ULL },
		{ (1ULL << 47) - (1ULL << 30), RIG_APERTURE_BASE },
		{ RIG_DEVICE_BASE, (1ULL << 47) - 4096 },
		{ RIG_DEVICE_BASE, RIG_DEVICE_BASE },
		{ RIG_DEVICE_BASE, RIG_DEVICE_BASE - 4096 },
		{ RIG_DEVICE_BASE, RIG_DEVICE_BASE + (1ULL << 30) },
	};
	struct rig *rig = *state;
	struct vgpu_exec_ready ready = { .device_base = RIG_DEVICE_BASE, .aperture_base = RIG_APERTURE_BASE };
	struct vgpu_exec_event event;
	struct rig_worker *worker;
	u32 i;

	begin();
	vgpu_gpu_next_event(&rig->gpu, &event);
	worker = rig_bind(rig, event.token);
	for (i = 0; i < ARRAY_SIZE(insane); i++)
		assert_int_equal(rig_ready(worker, insane[i].device, insane[i].aperture, 0), -EINVAL);
	assert_int_equal(rig_ready(worker, RIG_DEVICE_BASE, RIG_APERTURE_BASE, 1000), -EINVAL);
	ready.reserved[2] = 1;
	assert_int_equal(vgpu_worker_ready(worker->session, &ready), -EINVAL);
	assert_false(vgpu_worker_may_map(worker->session, rig_range(0), 4096));
	assert_int_equal(rig_take(worker), 0);
	assert_int_equal(rig_ready(worker, RIG_DEVICE_BASE, RIG_DEVICE_BASE - RIG_APERTURE, 0), 0);
	assert_int_equal(rig_ready(worker, RIG_DEVICE_BASE, RIG_APERTURE_BASE, 0), -EBUSY);
	assert_int_equal(rig_take(worker), 1);
	assert_int_equal(worker->ranges, 1);
	assert_true(vgpu_worker_may_map(worker->session, rig_range(0), 0x4000));
	assert_false(vgpu_worker_may_map(worker->session, rig_range(0), 0x4001));
	assert_false(vgpu_worker_may_map(worker->session, 0, 4096));
	rig_finish_all(worker);
}

static void a_worker_that_cannot_start_says_why(void **state)
{
	struct rig *rig = *state;
	struct vgpu_exec_event event;
	struct rig_worker *worker;
	u32 seq = begin();

	vgpu_gpu_next_event(&rig->gpu, &event);
	worker = rig_bind(rig, event.token);
	assert_int_equal(rig_ready(worker, 0, 0, 2), 0);
	assert_int_equal(rig_expect(&guest, seq).status, 2);
	assert_true(worker->killed);
	rig_release(worker);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_LOST);
}

static void death_in_every_state(void **state)
{
	struct rig *rig = *state;
	u32 stage, seq[3];

	for (stage = 0; stage < 5; stage++) {
		struct vgpu_exec_event event;
		struct rig_worker *worker;
		u32 i;

		seq[0] = begin();
		seq[1] = rig_submit(&guest, rig_launch(1));
		seq[2] = rig_submit(&guest, rig_wait_for(2, seq[1]));
		assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
		worker = rig_bind(rig, event.token);
		if (stage >= 1)
			assert_int_equal(rig_ready(worker, RIG_DEVICE_BASE, RIG_APERTURE_BASE, 0), 0);
		if (stage >= 2)
			assert_int_equal(rig_take(worker), 2);
		if (stage >= 3)	/* its last words count */
			rig_put(worker, worker->todo[worker->todo[0].tag >> 32 != seq[0]].tag, worker->generation, 0,
				0);
		if (stage >= 4)
			rig_kick(worker);
		rig_release(worker);
		rig_check_invariants(rig);
		assert_int_equal(rig_state(&guest), VGPU_SESSION_LOST);
		assert_int_equal(rig_stats(&rig->dev[0]).waiting, 0);
		for (i = 0; i < 3; i++) {
			struct vgpu_cqe cqe;

			assert_true(rig_consume(&guest, &cqe));
			assert_int_equal(cqe.status,
					 stage >= 3 && cqe.seq == seq[0] ? VGPU_ST_OK : VGPU_ST_SESSION_LOST);
		}
		assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0), VGPU_ST_OK);
		rig_settle(rig);
		rig_guest_open(&guest, &rig->dev[0], 0);
	}
}

/* A killed worker may still write to the aperture: what it has is completed at its release, what it has not at once. */
static void what_a_killed_worker_has_waits_for_its_end(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = begin_ready(rig);
	u32 has, waits;
	struct vgpu_cqe cqe;

	rig_expect(&guest, 0);
	has = rig_submit(&guest, rig_launch(1));
	waits = rig_submit(&guest, rig_wait_for(2, has));
	assert_int_equal(rig_take(worker), 1);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0), VGPU_ST_OK);
	rig_settle(rig);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_CLOSING);
	assert_int_equal(rig_expect(&guest, waits).status, VGPU_ST_CANCELLED);
	assert_false(rig_consume(&guest, &cqe));
	/* A completion now comes too late to be believed. */
	rig_put(worker, worker->todo[0].tag, worker->generation, 0, 0);
	assert_int_equal(rig_kick(worker), -ENODEV);
	assert_false(rig_consume(&guest, &cqe));
	rig_check_invariants(rig);
	/* Another session cannot have the number or the memory yet. */
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_CREATE, 0, 0x100000, 16, 16, 1), VGPU_ST_BAD_STATE);
	rig_release(worker);
	assert_int_equal(rig_expect(&guest, has).status, VGPU_ST_CANCELLED);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_CLOSING);
	rig_settle(rig);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_FREE);
}

static void reset_in_every_state(void **state)
{
	struct rig *rig = *state;
	u32 stage;

	for (stage = 0; stage < 5; stage++) {
		struct rig_worker *worker = NULL;
		struct vgpu_exec_event event;

		if (stage >= 1)
			begin();
		if (stage >= 2) {
			assert_true(vgpu_gpu_next_event(&rig->gpu, &event));
			worker = rig_bind(rig, event.token);
		}
		if (stage >= 3)
			rig_ready(worker, RIG_DEVICE_BASE, RIG_APERTURE_BASE, 0);
		if (stage >= 4)
			rig_take(worker);
		vgpu_dev_write(&rig->dev[0].dev, VGPU_REG_STATUS, 4, 0);
		rig_settle(rig);
		assert_int_equal(vgpu_dev_idle(&rig->dev[0].dev), !worker);
		rig_check_invariants(rig);
		if (worker) {
			assert_true(worker->killed);
			rig_release(worker);
			rig_settle(rig);
		}
		assert_true(vgpu_dev_idle(&rig->dev[0].dev));
		assert_int_equal(rig_stats(&rig->dev[0]).waiting, 0);
		vgpu_dev_write(&rig->dev[0].dev, VGPU_REG_STATUS, 4, VGPU_STATUS_DRIVER_OK);
		rig_guest_open(&guest, &rig->dev[0], 0);
	}
}

static void a_new_supervisor_gets_new_tokens(void **state)
{
	struct rig *rig = *state;
	struct vgpu_exec_event first, second;
	struct rig_worker *worker;

	begin();
	vgpu_gpu_next_event(&rig->gpu, &first);
	vgpu_gpu_detach(&rig->gpu);
	assert_null(rig_bind(rig, first.token));
	rig_attach(rig);
	assert_true(vgpu_gpu_next_event(&rig->gpu, &second));
	assert_true(second.token != first.token);
	assert_int_equal(second.deadline_ns, first.deadline_ns);
	assert_null(rig_bind(rig, first.token));
	worker = rig_bind(rig, second.token);
	assert_non_null(worker);
	/* A bound worker outlives its supervisor. */
	vgpu_gpu_detach(&rig->gpu);
	assert_int_equal(rig_ready(worker, RIG_DEVICE_BASE, RIG_APERTURE_BASE, 0), 0);
	assert_int_equal(rig_finish_all(worker), 1);
	assert_int_equal(rig_expect(&guest, 0).status, VGPU_ST_OK);
}

static void a_supervisor_that_comes_later_is_asked(void **state)
{
	struct rig *rig = *state;
	u32 wakes;

	vgpu_gpu_detach(&rig->gpu);
	begin();
	wakes = rig->supervisor_wakes;
	rig_attach(rig);
	assert_int_equal(rig->supervisor_wakes, wakes + 1);
	assert_non_null(rig_spawn(rig));
}

static void hostile_completions_are_dropped(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = begin_ready(rig);
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
	struct rig_worker *worker = begin_ready(rig), *other;
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
	struct rig_worker *worker = begin_ready(rig);
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
	struct rig_worker *worker = begin_ready(rig);
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
	first = begin();
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
	seq = begin();
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
	struct rig_worker *worker = begin_ready(rig), *innocent;
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
	struct rig_worker *worker = begin_ready(rig), *innocent;
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
	struct rig_worker *worker = begin_ready(rig);
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
	struct rig_worker *worker = begin_ready(rig);
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
	struct rig_worker *worker = begin_ready(rig);
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
	struct rig_worker *worker = begin_ready(rig);
	u32 generation = worker->generation;

	rig_release(worker);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0), VGPU_ST_OK);
	rig_settle(rig);
	rig_guest_open(&guest, &rig->dev[0], 0);
	worker = begin_ready(rig);
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
		TEST(a_worker_is_asked_for_once),
		TEST(tokens_are_good_once_and_in_time),
		TEST(nobody_comes),
		TEST(workers_that_die_before_they_bind),
		TEST(one_that_bound_is_not_retried),
		TEST(an_event_can_be_unread),
		TEST(a_supervisor_that_hangs_is_killed),
		TEST(a_supervisor_is_not_late_with_what_has_gone),
		TEST(a_bound_worker_that_is_never_ready),
		TEST(workers_start_a_few_at_a_time),
		TEST(slow_starts_are_no_storm),
		TEST(without_a_supervisor_no_turn_comes),
		TEST(ready_is_checked),
		TEST(a_worker_that_cannot_start_says_why),
		TEST(death_in_every_state),
		TEST(what_a_killed_worker_has_waits_for_its_end),
		TEST(reset_in_every_state),
		TEST(a_new_supervisor_gets_new_tokens),
		TEST(a_supervisor_that_comes_later_is_asked),
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

	return cmocka_run_group_tests_name("core workers", tests, NULL, NULL);
}
