// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Submission and completion queues: fetched once, backpressure, phase, event indices, indices that make no sense.
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

static void set_depth(struct rig *rig, u32 depth)
{
	struct vgpu_limits limits = rig->dev[0].dev.limits;
	const char *why;

	limits.depth = depth;
	assert_int_equal(vgpu_dev_set_limits(&rig->dev[0].dev, &limits, &why), 0);
}

/* What the guest writes to a slot after it was fetched changes nothing. */
static void fetched_once(void **state)
{
	struct vgpu_cmd cmd = rig_copy_in(0, 1), *slot;
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 seq = rig_submit(&guest, cmd);

	slot = &guest.sq[seq & (guest.sq_entries - 1)];
	memset(slot, 0xff, sizeof(*slot));
	assert_int_equal(rig_take(worker), 1);
	assert_memory_equal(&worker->todo[0].cmd, &cmd, sizeof(cmd));
	rig_finish(worker, 0, 0, 0);
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_OK);
	assert_int_equal(rig_stats(guest.dev).counters.bytes_in, 256);
}

static bool flipping;

static void *flip_widths(void *slots)
{
	struct vgpu_cmd *sq = slots;
	u64 width = 0;
	u32 i;

	while (READ_ONCE(flipping)) {
		width ^= 256 ^ (VGPU_MAX_COPY + 1);
		for (i = 0; i < 128; i++)
			WRITE_ONCE(sq[i].copy.width, width ^ 256);
	}
	return NULL;
}

/* A guest that changes commands while they are looked at: what was vetted is what goes on. */
static void fetched_once_while_it_changes(void **state)
{
	struct rig_worker *worker = rig_worker_of(&guest);
	struct vgpu_cmd cmd = rig_copy_in(0, 1);
	u32 i, passed = 0, refused = 0;
	struct vgpu_cqe cqe;
	pthread_t thread;

	for (i = 0; i < guest.sq_entries; i++)
		guest.sq[i] = cmd;
	WRITE_ONCE(flipping, true);
	assert_int_equal(pthread_create(&thread, NULL, flip_widths, guest.sq), 0);
	for (i = 0; i < 100000 && (i < 20000 || !passed || !refused); i++) {
		guest.tail++;
		rig_publish(&guest);
		while (rig_take(worker)) {
			if (worker->todo[0].cmd.copy.width != 256)
				fail_msg("a width of %llu went on", (unsigned long long)worker->todo[0].cmd.copy.width);
			rig_finish(worker, 0, 0, 0);
		}
		assert_true(rig_consume(&guest, &cqe));
		if (cqe.status == VGPU_ST_OK)
			passed++;
		else
			refused++;
	}
	WRITE_ONCE(flipping, false);
	pthread_join(thread, NULL);
	assert_true(passed && refused);
	assert_int_equal(rig_stats(guest.dev).counters.bytes_in, passed * 256ULL);
}

/* The worker may write what it likes to the dispatch ring: the kernel does not read it back. */
static void dispatch_ring_is_not_read_back(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 seq = rig_submit(&guest, rig_chunk(VGPU_OP_CHUNK_MAP, 0, 3));
	u64 tag;

	rig_take(worker);
	tag = worker->todo[0].tag;
	memset(worker->rings->dispatch, 0xff, sizeof(worker->rings->dispatch));
	worker->rings->dispatch_tail = 77777;
	worker->rings->completion_head = 77777;
	rig_put(worker, tag, worker->generation, 2, 0);
	worker->num_todo = 0;
	rig_kick(worker);
	assert_int_equal(rig_expect(&guest, seq).status, 2);
	assert_int_equal(rig_stats(&rig->dev[0]).memory_used, 0);
	rig_check_invariants(rig);
}

static void depth_holds_back_and_lets_go(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 i, first = guest.tail;

	set_depth(rig, 5);
	for (i = 0; i < 12; i++)
		rig_submit(&guest, rig_launch(1));
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 5);
	assert_int_equal(guest.header->sq_head - first, 5);
	rig_take(worker);
	rig_finish(worker, 0, 0, 0);
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 5);
	assert_int_equal(guest.header->sq_head - first, 6);
	set_depth(rig, 7);
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 7);
	set_depth(rig, 1);
	rig_take(worker);
	rig_finish(worker, 0, 0, 0);
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 6);
	rig_finish_all(worker);
	for (i = 0; i < 12; i++)
		assert_int_equal(rig_expect(&guest, first + i).status, VGPU_ST_OK);
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 0);
	rig_check_invariants(rig);
}

/* Depth is the device's: sessions that it holds back take turns. */
static void depth_is_shared_in_turns(void **state)
{
	struct rig *rig = *state;
	struct rig_guest other;
	u32 i;

	rig_guest_init(&other, &rig->dev[0], 1);
	set_depth(rig, 1);
	for (i = 0; i < 10; i++) {
		rig_submit(&guest, rig_launch(1));
		rig_submit(&other, rig_launch(1));
	}
	for (i = 0; i < 20; i++) {
		u32 mine = rig_take(rig_worker_of(&guest)), theirs = rig_take(rig_worker_of(&other));

		assert_int_equal(mine + theirs, 1);
		rig_finish(rig_worker_of(mine ? &guest : &other), 0, 0, 0);
	}
	assert_int_equal(guest.header->cq_tail, 11);
	assert_int_equal(other.header->cq_tail, 11);
}

static void phase_turns_with_every_pass(void **state)
{
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 i, seq;

	for (i = 0; i < guest.cq_entries * 5; i++) {
		seq = rig_submit(&guest, rig_launch(1));
		rig_finish_all(worker);
		assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_OK);
		assert_int_equal(guest.cq[(guest.cq_head - 1) & (guest.cq_entries - 1)].phase,
				 (seq / guest.cq_entries) % 2 ? 0 : 1);
		assert_int_equal(guest.header->cq_tail, seq + 1);
	}
}

static void indices_wrap(void **state)
{
	struct rig *rig = *state;
	struct vgpu_session *session = rig->dev[0].dev.sessions[0];
	u32 i, seq;

	/* Nothing is in flight: move all indices to shortly before the wrap, in step with the phase. */
	session->sq_head = session->cq_tail = session->cq_signalled = -64u;
	guest.tail = guest.cq_head = -64u;
	guest.header->sq_tail = guest.header->cq_head = guest.header->sq_head = -64u;
	guest.header->sq_event = guest.header->cq_event = -64u;
	for (i = 0; i < guest.cq_entries; i++)
		guest.cq[i].phase = (-64u & guest.cq_entries ? 0 : 1) ^ (i >= (-64u & (guest.cq_entries - 1)));
	for (i = 0; i < 300; i++) {
		seq = rig_submit(&guest, i % 3 ? rig_launch(1) : rig_wait_for(2, guest.tail - 1));
		rig_finish_all(rig_worker_of(&guest));
		assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_OK);
	}
	assert_int_equal(guest.tail, 300 - 64);
	assert_int_equal(rig_submit(&guest, rig_wait_for(2, guest.tail)), 300 - 64);
	assert_int_equal(rig_expect(&guest, 300 - 64).status, VGPU_ST_BAD_SEQUENCE);
}

static void vector_is_raised_when_asked_for(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 *raised = &rig->dev[0].signals[guest.vector];
	u32 before, i;

	/* Asked for the third from here: the first two say nothing, the third does, the fourth does not. */
	guest.header->cq_event = guest.header->cq_tail + 2;
	before = *raised;
	for (i = 0; i < 4; i++) {
		rig_submit(&guest, rig_launch(1));
		rig_finish_all(worker);
		assert_int_equal(*raised, before + (i >= 2));
	}
	/* Several at once that pass it: one signal. */
	guest.header->cq_event = guest.header->cq_tail;
	before = *raised;
	for (i = 0; i < 4; i++)
		rig_submit(&guest, rig_launch(i));
	rig_take(worker);
	assert_int_equal(worker->num_todo, 2);
	for (i = 0; i < 2; i++)
		rig_put(worker, worker->todo[i].tag, worker->generation, 0, 0);
	worker->num_todo = 0;
	rig_kick(worker);
	assert_int_equal(*raised, before + 1);
	rig_finish_all(worker);
	assert_int_equal(*raised, before + 1);
}

static void doorbell_is_needed_when_asked_for(void **state)
{
	struct rig *rig = *state;
	u64 before = rig_stats(&rig->dev[0]).counters.doorbells;
	struct vgpu_cmd cmd = rig_launch(1);

	/* Idle: the device asks for a doorbell at the next command. */
	assert_int_equal(guest.header->sq_event, guest.tail);
	rig_submit(&guest, cmd);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.doorbells, before + 1);
	/* Held back by the depth: it looks by itself when there is room, and asks for none. */
	set_depth(rig, 1);
	rig_submit(&guest, cmd);
	rig_submit(&guest, cmd);
	rig_submit(&guest, cmd);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.doorbells, before + 2);
	rig_finish_all(rig_worker_of(&guest));
	assert_int_equal(guest.header->cq_tail, guest.tail);
	/* A doorbell without a command does nothing. */
	rig_ring(&guest);
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 0);
}

/* While a worker polls nothing is rung, and nothing is lost at either end of it. */
static void a_polled_queue_needs_no_doorbell(void **state)
{
	struct rig *rig = *state;
	struct vgpu_session *session = rig->dev[0].dev.sessions[guest.id];
	u64 before = rig_stats(&rig->dev[0]).counters.doorbells;
	struct vgpu_cmd cmd = rig_launch(1);

	/* Written before, and not rung for yet. */
	rig_write(&guest, &cmd);
	guest.header->sq_tail = guest.tail;
	assert_true(vgpu_queue_poll_begin(session));
	assert_false(vgpu_queue_poll_begin(session));
	assert_true(vgpu_queue_poll(session));
	assert_int_equal(guest.header->sq_head, guest.tail);
	assert_false(vgpu_queue_poll(session));
	/* rig_submit() rings where sq_event says so. */
	rig_submit(&guest, cmd);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.doorbells, before);
	assert_int_equal(guest.header->sq_head, guest.tail - 1);
	assert_true(vgpu_queue_poll(session));
	assert_int_equal(guest.header->sq_head, guest.tail);
	/* Between the last look and the end: the guest did not ring, so the end has to see it. */
	rig_submit(&guest, cmd);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.doorbells, before);
	vgpu_queue_poll_end(session);
	assert_int_equal(guest.header->sq_head, guest.tail);
	assert_int_equal(guest.header->sq_event, guest.tail);
	rig_submit(&guest, cmd);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.doorbells, before + 1);
	rig_finish_all(rig_worker_of(&guest));
	assert_int_equal(guest.header->cq_tail, guest.tail);
}

/* A guest that looked at sq_event before the poller fetched rings once in vain: that is no offence. */
static void a_late_doorbell_is_no_offence(void **state)
{
	struct rig *rig = *state;
	struct vgpu_session *session = rig->dev[0].dev.sessions[guest.id];
	struct vgpu_cmd cmd = rig_launch(1);
	u64 before;

	rig_write(&guest, &cmd);
	guest.header->sq_tail = guest.tail;
	assert_true(vgpu_queue_poll_begin(session));
	assert_true(vgpu_queue_poll(session));
	vgpu_queue_poll_end(session);
	before = rig_stats(&rig->dev[0]).counters.strikes[VGPU_STRIKE_DOORBELL];
	rig_ring(&guest);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.strikes[VGPU_STRIKE_DOORBELL], before);
	rig_ring(&guest);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.strikes[VGPU_STRIKE_DOORBELL], before + 1);
	rig_finish_all(rig_worker_of(&guest));
}

static void a_flood_is_cut_in_pieces(void **state)
{
	struct rig *rig = *state;
	struct rig_guest flood;
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_SESSION_INIT, 0);
	u32 i, first;

	set_depth(rig, VGPU_DEPTH_MAX);
	assert_int_equal(rig_guest_create(&flood, &rig->dev[0], 1, 0x100000, 4096, 4096), VGPU_ST_OK);
	assert_int_equal(rig_control(&rig->dev[0], VGPU_CTL_RANGE_ADD, 1, rig_range(1), 0x1000, 0, 0), VGPU_ST_OK);
	cmd.init.out = rig_range(1);
	rig_submit(&flood, cmd);
	rig_finish_all(rig_spawn(rig));
	first = flood.tail;
	cmd = rig_cmd(VGPU_OP_FENCE, 1);
	cmd.raw[0] = 1;
	flood.header->cq_head = first;
	for (i = 0; i < 4095; i++)
		rig_write(&flood, &cmd);
	rig_publish(&flood);
	assert_int_equal(flood.header->cq_tail - first, VGPU_PUMP_BUDGET);
	assert_true(rig->tick_ns && rig->tick_ns <= rig_now);
	rig_settle(rig);
	assert_int_equal(flood.header->cq_tail - first, 4095);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.rejected, 4095);
}

static void check_lost(struct rig *rig)
{
	assert_int_equal(rig_state(&guest), VGPU_SESSION_LOST);
	assert_true(rig_worker_of(&guest)->killed);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.sessions_lost, 1);
	rig_check_invariants(rig);
	rig_release(rig_worker_of(&guest));
	assert_int_equal(rig_stats(&rig->dev[0]).waiting, 0);
	rig_check_invariants(rig);
}

static void more_than_the_queue_holds_is_nonsense(void **state)
{
	guest.header->sq_tail = guest.tail + guest.sq_entries + 1;
	rig_ring(&guest);
	check_lost(*state);
}

static void more_than_a_small_queue_holds_is_nonsense(void **state)
{
	struct rig *rig = *state;
	struct rig_guest small;

	assert_int_equal(rig_guest_create(&small, &rig->dev[0], 1, 0x100000, 16, 128), VGPU_ST_OK);
	small.header->sq_tail = 17;
	rig_ring(&small);
	assert_int_equal(rig_state(&small), VGPU_SESSION_LOST);
	assert_int_equal(small.header->cq_tail, 0);
}

static void a_tail_that_goes_back_is_nonsense(void **state)
{
	guest.header->sq_tail = guest.tail - 1;
	rig_ring(&guest);
	check_lost(*state);
}

static void completions_consumed_before_they_are_there_are_nonsense(void **state)
{
	rig_submit(&guest, rig_launch(1));
	guest.header->cq_head = guest.cq_head + 1;
	rig_ring(&guest);
	check_lost(*state);
}

static void a_full_completion_queue_is_never_overrun(void **state)
{
	struct rig *rig = *state;
	struct rig_worker *worker = rig_worker_of(&guest);
	u32 i, first = guest.tail;

	/* Nothing is consumed: as many as fit are taken, one more is nonsense. */
	for (i = 0; i < guest.cq_entries; i++)
		rig_submit(&guest, rig_launch(i % 3));
	rig_finish_all(worker);
	assert_int_equal(guest.header->cq_tail - first, guest.cq_entries);
	assert_int_equal(rig_state(&guest), VGPU_SESSION_ACTIVE);
	rig_submit(&guest, rig_launch(0));
	check_lost(rig);
	for (i = 0; i < guest.cq_entries; i++)
		assert_int_equal(guest.cq[(first + i) & (guest.cq_entries - 1)].status, VGPU_ST_OK);
}

static void lost_sessions_answer(void **state)
{
	struct rig *rig = *state;
	u32 seq;

	rig_release(rig_worker_of(&guest));
	assert_int_equal(rig_state(&guest), VGPU_SESSION_LOST);
	seq = rig_submit(&guest, rig_launch(1));
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_SESSION_LOST);
	assert_int_equal(rig_stats(&rig->dev[0]).counters.rejected, 0);
	seq = rig_submit(&guest, rig_cmd(255, 1));
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_SESSION_LOST);
}

static void quarantine_refuses(void **state)
{
	struct rig *rig = *state;
	u32 seq;

	rig->dev[0].dev.quarantined = true;
	assert_true(vgpu_dev_read(&rig->dev[0].dev, VGPU_REG_STATUS, 4) & VGPU_STATUS_QUARANTINED);
	seq = rig_submit(&guest, rig_launch(1));
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_QUARANTINED);
	rig->dev[0].dev.quarantined = false;
	seq = rig_submit(&guest, rig_launch(1));
	rig_finish_all(rig_worker_of(&guest));
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_OK);
}

/* Who is lost and submits on gets the errors, and no more of the kernel's time than that of a batch each millisecond. */
static void refusals_take_their_time(void **state)
{
	const u32 most = VGPU_REFUSE_BATCH, many = 2 * most + 8;
	struct rig_dev *dev = guest.dev;
	struct vgpu_cmd cmd = rig_launch(1);
	struct rig_guest other;
	u64 before;
	u32 i;

	assert_int_equal(rig_guest_create(&other, dev, 1, 0x40000, 1024, 1024), VGPU_ST_OK);
	assert_int_equal(vgpu_dev_quarantine(&dev->dev), 0);
	rig_advance(*state, VGPU_REFUSE_INTERVAL);
	before = rig_stats(dev).counters.failed;
	for (i = 0; i < many; i++)
		rig_write(&other, &cmd);
	rig_publish(&other);
	for (i = 0; i < 10; i++)
		rig_ring(&other);
	assert_int_equal(rig_stats(dev).counters.failed - before, most);
	rig_advance(*state, VGPU_REFUSE_INTERVAL);
	assert_int_equal(rig_stats(dev).counters.failed - before, 2 * most);
	rig_advance(*state, VGPU_REFUSE_INTERVAL);
	assert_int_equal(rig_stats(dev).counters.failed - before, many);
	for (i = 0; i < many; i++)
		assert_int_equal(rig_expect(&other, i).status, VGPU_ST_QUARANTINED);
	rig_check_invariants(*state);
}

static void no_memory_for_a_stream_is_an_ordinary_error(void **state)
{
	u32 seq;

	vgpu_alloc_fail_after = 0;
	seq = rig_submit(&guest, rig_launch(5));
	vgpu_alloc_fail_after = -1;
	assert_int_equal(rig_expect(&guest, seq).status, 2);
	seq = rig_submit(&guest, rig_launch(5));
	rig_finish_all(rig_worker_of(&guest));
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_OK);
	rig_check_invariants(*state);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(fetched_once),
		TEST(fetched_once_while_it_changes),
		TEST(dispatch_ring_is_not_read_back),
		TEST(depth_holds_back_and_lets_go),
		TEST(depth_is_shared_in_turns),
		TEST(phase_turns_with_every_pass),
		TEST(indices_wrap),
		TEST(vector_is_raised_when_asked_for),
		TEST(doorbell_is_needed_when_asked_for),
		TEST(a_polled_queue_needs_no_doorbell),
		TEST(a_late_doorbell_is_no_offence),
		TEST(a_flood_is_cut_in_pieces),
		TEST(more_than_the_queue_holds_is_nonsense),
		TEST(more_than_a_small_queue_holds_is_nonsense),
		TEST(a_tail_that_goes_back_is_nonsense),
		TEST(completions_consumed_before_they_are_there_are_nonsense),
		TEST(a_full_completion_queue_is_never_overrun),
		TEST(lost_sessions_answer),
		TEST(quarantine_refuses),
		TEST(refusals_take_their_time),
		TEST(no_memory_for_a_stream_is_an_ordinary_error),
	};

	return cmocka_run_group_tests_name("core queues", tests, NULL, NULL);
}
