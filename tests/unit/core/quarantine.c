// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Strikes and quarantine: what counts, when it is too much, what follows, and how it ends.
 */

#include "rig.h"

#include <setjmp.h>
#include <cmocka.h>

static struct rig_guest guest, other;

static int setup(void **state)
{
	struct vgpu_limits limits = rig_limits();
	struct rig *rig = rig_new();
	u32 i;

	rig_attach(rig);
	for (i = 0; i < VGPU_STRIKE_COUNT; i++) {
		limits.strike[i].threshold = 3;
		limits.strike[i].window_ns = NSEC_PER_SEC;
	}
	limits.quarantine_ns = NSEC_PER_SEC;
	limits.quarantine_max_ns = 5 * NSEC_PER_SEC;
	rig_dev_open(rig, 0, &limits);
	rig_dev_open(rig, 1, &limits);
	rig_guest_init(&guest, &rig->dev[0], 0);
	rig_guest_init(&other, &rig->dev[1], 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static struct vgpu_quarantine_info info(struct rig *rig)
{
	struct vgpu_quarantine_info info;

	vgpu_dev_read_quarantine(&rig->dev[0].dev, &info);
	return info;
}

static void malformed(void)
{
	struct vgpu_cmd cmd = rig_launch(1);
	u32 seq;

	cmd.reserved1 = 1;
	seq = rig_submit(&guest, cmd);
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_BAD_RESERVED);
}

/* The guest's driver makes a session anew, as a process that starts does. */
static void start_anew(struct rig *rig)
{
	if (rig_worker_of(&guest))
		rig_release(rig_worker_of(&guest));
	rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0);
	rig_settle(rig);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_FREE);
	rig_guest_init(&guest, &rig->dev[0], 0);
}

static void quarantine(struct rig *rig)
{
	while (!info(rig).active)
		malformed();
}

static void what_is_forgiven_and_what_is_not(void **state)
{
	struct rig *rig = *state;
	u32 i;

	for (i = 0; i < 3; i++)
		malformed();
	assert_false(info(rig).active);
	assert_int_equal(info(rig).strikes[VGPU_STRIKE_MALFORMED], 3);
	/* One is forgiven each third of a second. */
	rig_advance(rig, NSEC_PER_SEC / 3 + 1);
	malformed();
	assert_false(info(rig).active);
	malformed();
	assert_true(info(rig).active);
	assert_int_equal(info(rig).cause, VGPU_STRIKE_MALFORMED);
	assert_int_equal(info(rig).total[VGPU_STRIKE_MALFORMED], 5);
	assert_int_equal(info(rig).until_ns, rig_now + NSEC_PER_SEC);
}

static void the_queue_is_drained_and_others_feel_nothing(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 seq[8], theirs, has, i, config = rig->dev[0].signals[VGPU_VECTOR_CONFIG];

	has = rig_submit(&guest, rig_launch(1));
	assert_int_equal(rig_take(worker), 1);
	for (i = 0; i < 8; i++)
		seq[i] = rig_submit(&guest, rig_wait_for(2 + i, has));
	theirs = rig_submit(&other, rig_launch(1));
	assert_int_equal(vgpu_dev_quarantine(&rig->dev[0].dev), 0);
	assert_int_equal(vgpu_dev_quarantine(&rig->dev[0].dev), -EALREADY);
	for (i = 0; i < 8; i++)
		assert_int_equal(rig_expect(&guest, seq[i]).status, VGPU_ST_QUARANTINED);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_LOST);
	assert_true(worker->killed);
	assert_true(rig->dev[0].signals[VGPU_VECTOR_CONFIG] > config);
	assert_true(vgpu_dev_read(&rig->dev[0].dev, VGPU_REG_STATUS, 4) & VGPU_STATUS_QUARANTINED);
	assert_int_equal(rig_expect(&guest, rig_submit(&guest, rig_launch(1))).status, VGPU_ST_QUARANTINED);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_SESSION_CREATE, 5, 0x100000, 16, 16, 1),
			 VGPU_ST_QUARANTINED);
	rig_release(worker);
	assert_int_equal(rig_expect(&guest, has).status, VGPU_ST_QUARANTINED);
	rig_finish_all(rig_worker_of(&other));
	assert_int_equal(rig_expect(&other, theirs).status, VGPU_ST_OK);
	assert_int_equal(rig_state(&other), VGPU_SESSION_ACTIVE);
	rig_check_invariants(rig);
	/* By hand it began, by hand it ends. */
	rig_advance(rig, 3600 * NSEC_PER_SEC);
	assert_true(info(rig).active);
	assert_int_equal(info(rig).cause, VGPU_STRIKE_COUNT);
	assert_int_equal(vgpu_dev_release(&rig->dev[0].dev), 0);
	assert_int_equal(vgpu_dev_release(&rig->dev[0].dev), -EALREADY);
	assert_false(vgpu_dev_read(&rig->dev[0].dev, VGPU_REG_STATUS, 4) & VGPU_STATUS_QUARANTINED);
	start_anew(rig);
}

static void the_back_off_doubles_up_to_its_end(void **state)
{
	static const u32 seconds[] = { 1, 2, 4, 5, 5 };
	struct rig *rig = *state;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(seconds); i++) {
		quarantine(rig);
		assert_int_equal(info(rig).count, i + 1);
		rig_advance(rig, seconds[i] * NSEC_PER_SEC - 1);
		assert_true(info(rig).active);
		rig_advance(rig, 1);
		assert_false(info(rig).active);
		start_anew(rig);
	}
	quarantine(rig);
	assert_int_equal(vgpu_dev_release(&rig->dev[0].dev), 0);
	start_anew(rig);
	quarantine(rig);
	assert_int_equal(info(rig).until_ns, rig_now + NSEC_PER_SEC);
	/* Long quiet is as good as a word. */
	rig_advance(rig, NSEC_PER_SEC);
	start_anew(rig);
	rig_advance(rig, 11 * NSEC_PER_SEC);
	quarantine(rig);
	assert_int_equal(info(rig).count, 1);
}

static void an_administrator_makes_it_last(void **state)
{
	struct rig *rig = *state;

	quarantine(rig);
	assert_int_equal(vgpu_dev_quarantine(&rig->dev[0].dev), 0);
	assert_int_equal(vgpu_dev_quarantine(&rig->dev[0].dev), -EALREADY);
	rig_advance(rig, 3600 * NSEC_PER_SEC);
	assert_true(info(rig).active);
	assert_int_equal(info(rig).cause, VGPU_STRIKE_COUNT);
	assert_int_equal(vgpu_dev_release(&rig->dev[0].dev), 0);
}

static void no_threshold_no_quarantine(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig->dev[0].dev.limits;
	const char *why;
	u32 i;

	limits.strike[VGPU_STRIKE_MALFORMED].threshold = 0;
	assert_int_equal(vgpu_dev_set_limits(&rig->dev[0].dev, &limits, &why), 0);
	for (i = 0; i < 100; i++)
		malformed();
	assert_false(info(rig).active);
	assert_int_equal(info(rig).total[VGPU_STRIKE_MALFORMED], 100);
}

static void each_kind_counts(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker;
	u32 i, seq;

	/* Doorbells with nothing behind. */
	for (i = 0; i < 3; i++)
		rig_ring(&guest);
	assert_int_equal(info(rig).strikes[VGPU_STRIKE_DOORBELL], 3);
	assert_false(info(rig).active);
	/* A register that is none. */
	vgpu_dev_write(&rig->dev[0].dev, 0x800, 4, 1);
	assert_int_equal(info(rig).strikes[VGPU_STRIKE_MALFORMED], 1);
	/* Beyond the quota. */
	seq = rig_submit(&guest, rig_chunk(VGPU_OP_CHUNK_MAP, 0, RIG_MEMORY / RIG_GRANULE + 1));
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_QUOTA);
	assert_int_equal(info(rig).strikes[VGPU_STRIKE_QUOTA], 1);
	/* A fault, once however many commands it takes with it. */
	worker = rig_worker_of(&guest);
	for (i = 0; i < 3; i++) {
		seq = rig_submit(&guest, rig_launch(1));
		rig_take(worker);
		rig_finish(worker, 0, 700, 0);
		assert_int_equal(rig_expect(&guest, seq).status, 700);
	}
	assert_int_equal(info(rig).strikes[VGPU_STRIKE_FAULT], 1);
	/* A worker that dies by itself. */
	seq = rig_submit(&guest, rig_launch(1));
	rig_release(worker);
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_SESSION_LOST);
	assert_int_equal(info(rig).strikes[VGPU_STRIKE_FAULT], 2);
	/* A hang. */
	start_anew(rig);
	rig_submit(&guest, rig_launch(1));
	rig_advance(rig, VGPU_DEADLINE_DEFAULT);
	assert_int_equal(info(rig).strikes[VGPU_STRIKE_HANG], 1);
	/* Nonsense in the queue. */
	start_anew(rig);
	guest.header->sq_tail += 1000000;
	rig_ring(&guest);
	assert_int_equal(info(rig).total[VGPU_STRIKE_MALFORMED], 2);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_LOST);
	assert_false(info(rig).active);
}

/* When the executor goes, it is the host that failed. */
static void a_worker_that_dies_with_its_supervisor_is_no_strike(void **state)
{
	struct rig *rig = *state;

	rig_submit(&guest, rig_launch(1));
	vgpu_gpu_detach(&rig->gpu);
	rig_release(rig_worker_of(&guest));
	assert_int_equal(info(rig).strikes[VGPU_STRIKE_FAULT], 0);
}

/* Every session of a virtual GPU, whatever its worker is doing; what is awaited of workers stays in order. */
static void quarantine_from_within_the_watchdog(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig->dev[0].dev.limits;
	struct rig_guest more[6];
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_SESSION_INIT, 0);
	const char *why;
	u32 i;

	limits.strike[VGPU_STRIKE_HANG].threshold = 1;
	limits.deadline_ns = NSEC_PER_SEC;
	assert_int_equal(vgpu_dev_set_limits(&rig->dev[0].dev, &limits, &why), 0);
	for (i = 0; i < 6; i++) {
		if (i < 3) {
			rig_guest_init(&more[i], &rig->dev[0], 1 + i);
			rig_submit(&more[i], rig_launch(1));
		} else {
			rig_guest_open(&more[i], &rig->dev[0], 1 + i);
			cmd.init.out = rig_range(1 + i);
			rig_submit(&more[i], cmd);
		}
	}
	for (i = 0; i < 10 && !info(rig).active; i++) {
		rig_advance(rig, NSEC_PER_SEC);
		rig_work(rig);
	}
	rig_check_invariants(rig);
	assert_true(info(rig).total[VGPU_STRIKE_HANG] <= 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_forgiven_and_what_is_not),
		TEST(the_queue_is_drained_and_others_feel_nothing),
		TEST(the_back_off_doubles_up_to_its_end),
		TEST(an_administrator_makes_it_last),
		TEST(no_threshold_no_quarantine),
		TEST(each_kind_counts),
		TEST(a_worker_that_dies_with_its_supervisor_is_no_strike),
		TEST(quarantine_from_within_the_watchdog),
	};

	return cmocka_run_group_tests_name("core quarantine", tests, NULL, NULL);
}
