// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Changed limits are in force when the call that changes them returns: the clock stands still from before it to what is looked at, and
 * nothing but the guest's next command, or none, comes between. Each limit is tightened and widened.
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
	rig_guest_init(&guest, &rig->dev[0], 0);
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
	const char *why = NULL;
	u64 now = rig_now;

	assert_int_equal(vgpu_dev_set_limits(&rig->dev[0].dev, limits, &why), 0);
	assert_int_equal(rig_now, now);
}

static u32 submit(struct vgpu_cmd cmd, u32 count)
{
	u32 seq = 0;

	while (count--)
		seq = rig_submit(&guest, cmd);
	return seq;
}

static u64 submitted(struct rig *rig)
{
	return rig_stats(&rig->dev[0]).counters.submitted;
}

/* Everything that waits is executed and answered. */
static void finish(struct rig *rig)
{
	struct vgpu_cqe cqe;
	u32 rounds = 0;

	while (rig_stats(&rig->dev[0]).waiting) {
		rig_finish_all(rig_worker_of(&guest));
		rig_advance(rig, NSEC_PER_MSEC);
		while (rig_consume(&guest, &cqe))
			assert_int_equal(cqe.status, VGPU_ST_OK);
		assert_true(++rounds < 100000);
	}
	rig_check_invariants(rig);
}

static void depth(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();

	limits.depth = 4;
	set_limits(rig, &limits);
	submit(rig_launch(1), 10);
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 4);
	limits.depth = 7;
	set_limits(rig, &limits);
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 7);
	/* Less than wait: those stay, and none comes to them. */
	limits.depth = 2;
	set_limits(rig, &limits);
	rig_take(rig_worker_of(&guest));
	rig_finish(rig_worker_of(&guest), 0, 0, 0);
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 6);
	finish(rig);
}

/* Without a limit, commands begin; with one, as many as use up the burst; the next one as soon as there is none again, and not before. */
static void one_bucket(struct rig *rig, struct vgpu_cmd cmd, const struct vgpu_limits *tight, u32 count, u64 each_ns)
{
	struct rig_worker *worker = rig_worker_of(&guest);
	struct vgpu_limits limits = rig_limits();
	u32 i;

	for (i = 0; i < 20 + count; i++) {
		if (i == 20)
			set_limits(rig, tight);
		submit(cmd, 1);
		assert_int_equal(rig_take(worker), 1);
		rig_now += each_ns;
		rig_finish(worker, 0, 0, 0);
		finish(rig);
	}
	submit(cmd, 1);
	assert_int_equal(rig_take(worker), 0);
	assert_true(rig_stats(&rig->dev[0]).throttled);
	set_limits(rig, &limits);
	assert_int_equal(rig_take(worker), 1);
	assert_false(rig_stats(&rig->dev[0]).throttled);
	finish(rig);
}

static void compute_time(void **state)
{
	struct vgpu_limits limits = rig_limits();

	limits.gpu_share = VGPU_GPU_SHARE_MIN;
	limits.gpu_burst_ns = VGPU_GPU_BURST_MIN;
	one_bucket(*state, rig_launch(1), &limits, 1, 20 * NSEC_PER_MSEC);
}

static void copied_bytes(void **state)
{
	struct vgpu_limits limits = rig_limits();
	struct vgpu_cmd cmd = rig_copy_in(0, 1);

	limits.copy_rate = VGPU_COPY_RATE_MIN;
	limits.copy_burst = VGPU_COPY_BURST_MIN;
	cmd.copy.width = VGPU_COPY_BURST_MIN / 4;
	one_bucket(*state, cmd, &limits, 4, 0);
}

static void commands_a_second(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	u64 before = submitted(rig);

	limits.cmd_rate = 1;
	limits.cmd_burst = 1;
	set_limits(rig, &limits);
	submit(rig_launch(1), 5);
	assert_int_equal(submitted(rig) - before, 1);
	limits.cmd_rate = 0;
	set_limits(rig, &limits);
	assert_int_equal(submitted(rig) - before, 5);
	finish(rig);
}

static void memory(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 seq;

	limits.memory = RIG_GRANULE;
	set_limits(rig, &limits);
	seq = rig_submit(&guest, rig_chunk(VGPU_OP_CHUNK_MAP, 0, 2));
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_QUOTA);
	limits.memory = 2 * RIG_GRANULE;
	set_limits(rig, &limits);
	seq = rig_submit(&guest, rig_chunk(VGPU_OP_CHUNK_MAP, 0, 2));
	rig_finish_all(worker);
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_OK);
}

static void sessions(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	struct rig_guest second;

	limits.sessions = 1;
	set_limits(rig, &limits);
	assert_int_equal(rig_guest_create(&second, &rig->dev[0], 1, 0x100000, 16, 16), VGPU_ST_LIMIT);
	limits.sessions = 2;
	set_limits(rig, &limits);
	assert_int_equal(rig_guest_create(&second, &rig->dev[0], 1, 0x100000, 16, 16), VGPU_ST_OK);
	assert_int_equal(vgpu_dev_read(&rig->dev[0].dev, VGPU_REG_NUM_SESSIONS, 4), 2);
}

/* It is what the guest maps: it can be another one when the virtual GPU is made anew, and the refusal says so. */
static void aperture(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	const char *why = NULL;

	limits.aperture *= 2;
	limits.depth = 1;
	assert_int_equal(vgpu_dev_set_limits(&rig->dev[0].dev, &limits, &why), -EBUSY);
	assert_string_equal(why, "the aperture is fixed: remove and create the virtual GPU");
	submit(rig_launch(1), 2);
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 2);
	finish(rig);
}

/* Of the next run, and of the one that runs: an operator who sees it hang need not wait for what was allowed before. */
static void deadline(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 seq;

	limits.deadline_ns = 1000 * NSEC_PER_SEC;
	set_limits(rig, &limits);
	seq = submit(rig_launch(1), 1);
	assert_int_equal(rig_take(worker), 1);
	rig_advance(rig, 100 * NSEC_PER_SEC);
	limits.deadline_ns = 101 * NSEC_PER_SEC;
	set_limits(rig, &limits);
	rig_settle(rig);
	assert_false(worker->killed);
	limits.deadline_ns = 500 * NSEC_PER_SEC;
	set_limits(rig, &limits);
	rig_advance(rig, 2 * NSEC_PER_SEC);
	assert_false(worker->killed);
	limits.deadline_ns = NSEC_PER_SEC;
	set_limits(rig, &limits);
	/* The tick that was asked for is due. */
	rig_settle(rig);
	assert_true(worker->killed);
	rig_release(worker);
	assert_int_equal(rig_expect(&guest, seq).status, 702);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.hangs, 1);
}

static bool quarantined(struct rig *rig)
{
	struct vgpu_quarantine_info info;

	vgpu_dev_read_quarantine(&rig->dev[0].dev, &info);
	return info.active;
}

static void quarantine_thresholds(void **state)
{
	struct rig *rig = *state;
	struct vgpu_limits limits = rig_limits();
	struct vgpu_cmd bad = rig_launch(1), over = rig_chunk(VGPU_OP_CHUNK_MAP, 0, RIG_MEMORY / RIG_GRANULE + 1);
	const struct {
		enum vgpu_strike kind;
		struct vgpu_cmd cmd;
		u16 status;
	} cases[] = { { VGPU_STRIKE_MALFORMED, bad, VGPU_ST_BAD_RESERVED }, { VGPU_STRIKE_QUOTA, over, VGPU_ST_QUOTA } };
	struct vgpu_cmd cmd;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		cmd = cases[i].cmd;
		cmd.reserved1 = cases[i].kind == VGPU_STRIKE_MALFORMED;
		limits = rig_limits();
		limits.strike[cases[i].kind].threshold = 1000;
		set_limits(rig, &limits);
		assert_int_equal(rig_expect(&guest, submit(cmd, 1)).status, cases[i].status);
		assert_false(quarantined(rig));
		/* One is forgiven, one is too many. */
		limits.strike[cases[i].kind].threshold = 1;
		set_limits(rig, &limits);
		submit(cmd, 1);
		submit(cmd, 1);
		assert_true(quarantined(rig));
		assert_int_equal(vgpu_dev_release(&rig->dev[0].dev), 0);
		rig_release(rig_worker_of(&guest));
		rig_control(&rig->dev[0], VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0, 0);
		rig_settle(rig);
		rig_guest_init(&guest, &rig->dev[0], 0);
	}
	/* None that is not counted any more. */
	limits = rig_limits();
	set_limits(rig, &limits);
	for (i = 0; i < 10; i++)
		assert_int_equal(rig_expect(&guest, submit(over, 1)).status, VGPU_ST_QUOTA);
	assert_false(quarantined(rig));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(depth),
		TEST(compute_time),
		TEST(copied_bytes),
		TEST(commands_a_second),
		TEST(memory),
		TEST(sessions),
		TEST(aperture),
		TEST(deadline),
		TEST(quarantine_thresholds),
	};

	return cmocka_run_group_tests_name("core limits, changed", tests, NULL, NULL);
}
