// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Workers and supervisors: starts and their deadlines, tokens, death in every state.
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

static void a_worker_is_asked_for_once(void **state)
{
	struct rig *rig = *state;
	struct vgpu_exec_event event;
	u32 seq;

	assert_false(vgpu_gpu_has_event(&rig->gpu));
	seq = rig_begin(&guest);
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

	rig_begin(&guest);
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
	u32 seq = rig_begin(&guest);

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
	u32 try, seq = rig_begin(&guest);

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

	rig_begin(&guest);
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

	rig_begin(&guest);
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

	rig_begin(&guest);
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

	rig_begin(&guest);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0), VGPU_ST_OK);
	assert_false(vgpu_gpu_has_event(&rig->gpu));
	rig_advance(rig, VGPU_EVENT_TIMEOUT - 1);
	rig_guest_open(&guest, &rig->dev[0], 0);
	rig_begin(&guest);
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
	u32 seq = rig_begin(&guest);

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

	rig_begin(&guest);
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
	u32 seq = rig_begin(&guest);

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

		seq[0] = rig_begin(&guest);
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
	struct rig_worker *worker = rig_begin_ready(rig, &guest);
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
			rig_begin(&guest);
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

	rig_begin(&guest);
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
	rig_begin(&guest);
	wakes = rig->supervisor_wakes;
	rig_attach(rig);
	assert_int_equal(rig->supervisor_wakes, wakes + 1);
	assert_non_null(rig_spawn(rig));
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
	};

	return cmocka_run_group_tests_name("core workers", tests, NULL, NULL);
}
