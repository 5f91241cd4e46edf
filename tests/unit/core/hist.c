// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Histograms against sorted samples, windows against what came in them, and the parts of commands' lives against the
 * clock of the rig.
 */

#include "rig.h"

#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#define SAMPLES	200000u

static u64 state;

static u64 next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static double uniform(void)
{
	return (double)(next_random() >> 11) / (double)(1ULL << 53);
}

static u64 draw(u32 shape)
{
	switch (shape) {
	case 0: /* exponential, 50 us */
		return (u64)(-log(1 - uniform()) * 50000);
	case 1: /* log-uniform over nine magnitudes */
		return (u64)exp(uniform() * 25);
	case 2: /* two narrow humps */
		return (uniform() < 0.9 ? 20000 : 3000000) + next_random() % 100;
	case 3: /* small */
		return next_random() % 100;
	}
	return 4242; /* constant */
}

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

static void assert_within_one_percent(u64 value, u64 exact)
{
	u64 off = value > exact ? value - exact : exact - value;

	if (off * 100 > exact)
		fail_msg("%llu is not within 1 %% of %llu (seed %llu)", (unsigned long long)value,
			 (unsigned long long)exact, (unsigned long long)rig_seed);
}

static void quantiles_are_within_one_percent(void **unused)
{
	static const u32 ppms[] = { 1, 1000, 250000, 500000, 950000, 990000, 999000, 1000000 };
	u64 *samples = malloc(SAMPLES * sizeof(*samples));
	u32 shape, i;

	for (shape = 0; shape < 5; shape++) {
		struct vgpu_hist_spares spares = { 0 };
		struct vgpu_hist hist = { 0 };
		u64 sum = 0;

		for (i = 0; i < SAMPLES; i++) {
			samples[i] = draw(shape);
			sum += samples[i];
			vgpu_hist_add(&hist, &spares, samples[i], 1);
		}
		qsort(samples, SAMPLES, sizeof(*samples), by_value);
		assert_int_equal(hist.count, SAMPLES);
		assert_int_equal(hist.sum, sum);
		assert_int_equal(hist.max, samples[SAMPLES - 1]);
		assert_int_equal(hist.unplaced, 0);
		for (i = 0; i < ARRAY_SIZE(ppms); i++)
			assert_within_one_percent(vgpu_hist_quantile(&hist, ppms[i]),
						  samples[((u64)SAMPLES * ppms[i] + 999999) / 1000000 - 1]);
		vgpu_hist_clear(&hist, &spares);
		vgpu_hist_trim(&spares);
		assert_int_equal(spares.allocated, 0);
	}
	free(samples);
}

static void buckets_cover_all_values_once(void **unused)
{
	struct vgpu_hist_spares spares = { 0 };
	struct vgpu_hist hist = { 0 };
	u64 top, count, last = 0, seen = 0;
	u32 at = 0, shift;

	for (shift = 0; shift < 64; shift++) {
		vgpu_hist_add(&hist, &spares, 1ULL << shift, 1);
		vgpu_hist_add(&hist, &spares, (1ULL << shift) - 1, 1);
	}
	while (vgpu_hist_next(&hist, &at, &top, &count)) {
		assert_true(!seen || top > last);
		last = top;
		seen += count;
	}
	assert_int_equal(seen, 128);
	assert_int_equal(last, (1ULL << 47) - 1);
	assert_int_equal(hist.max, 1ULL << 63);
	vgpu_hist_clear(&hist, &spares);
	vgpu_hist_trim(&spares);
}

static void want_of_memory_loses_no_count(void **unused)
{
	struct vgpu_hist_spares spares = { 0 };
	struct vgpu_hist hist = { 0 };
	u32 i;

	for (i = 0; i < 100; i++)
		vgpu_hist_add(&hist, &spares, 100, 1);
	vgpu_alloc_fail_after = 0;
	for (i = 0; i < 100; i++)
		vgpu_hist_add(&hist, &spares, 1000000, 1);
	vgpu_alloc_fail_after = -1;
	assert_int_equal(hist.count, 200);
	assert_int_equal(hist.sum, 100010000);
	assert_int_equal(hist.unplaced, 100);
	assert_int_equal(vgpu_hist_quantile(&hist, 990000), 100);
	vgpu_hist_clear(&hist, &spares);
	vgpu_hist_trim(&spares);
}

static struct rig_guest guest;

static int setup(void **rig_state)
{
	struct vgpu_limits limits = rig_limits();
	struct rig *rig = rig_new();

	rig_attach(rig);
	rig_dev_open(rig, 0, &limits);
	rig_guest_init(&guest, &rig->dev[0], 0);
	*rig_state = rig;
	return 0;
}

static int teardown(void **rig_state)
{
	rig_free(*rig_state);
	return 0;
}

static struct vgpu_hist_summary latency_of(enum vgpu_window window, enum vgpu_part part)
{
	struct vgpu_latency_reading reading;
	struct vgpu_hist_summary summary;

	vgpu_dev_read_latency(&guest.dev->dev, window, &reading);
	vgpu_hist_summarise(&reading.part[part], &summary);
	vgpu_latency_free(&reading);
	return summary;
}

/* A command that waits 3 ms at the worker behind another, and executes 2 ms. */
static void parts_are_what_the_clock_says(void **rig_state)
{
	struct rig *rig = *rig_state;
	struct rig_worker *worker = rig_worker_of(&guest);
	struct vgpu_metrics_reading before, after;
	u32 first, second;

	vgpu_dev_read_metrics(&guest.dev->dev, &before);
	first = rig_submit(&guest, rig_copy_in(0, 1));
	second = rig_submit(&guest, rig_copy_in(0, 1));
	rig_take(worker);
	rig_advance(rig, 3 * NSEC_PER_MSEC);
	rig_finish(worker, 0, VGPU_ST_OK, 0);
	rig_take(worker);
	rig_advance(rig, 2 * NSEC_PER_MSEC);
	rig_finish(worker, 0, VGPU_ST_OK, 0);
	rig_expect(&guest, first);
	rig_expect(&guest, second);
	vgpu_dev_read_metrics(&guest.dev->dev, &after);
	assert_int_equal(after.commands[VGPU_OP_COPY_IN] - before.commands[VGPU_OP_COPY_IN], 2);
	assert_int_equal(after.bytes[VGPU_OP_COPY_IN] - before.bytes[VGPU_OP_COPY_IN], 512);
	assert_int_equal(after.depth_ns - before.depth_ns, 8 * NSEC_PER_MSEC);
	assert_int_equal(after.depth, 0);
	assert_int_equal(after.depth_max, 2);
	assert_within_one_percent(latency_of(VGPU_WINDOW_ALL, VGPU_PART_TOTAL).max, 5 * NSEC_PER_MSEC);
	assert_int_equal(latency_of(VGPU_WINDOW_ALL, VGPU_PART_EXECUTING).sum +
			 latency_of(VGPU_WINDOW_ALL, VGPU_PART_DISPATCHED).sum +
			 latency_of(VGPU_WINDOW_ALL, VGPU_PART_QUEUED).sum +
			 latency_of(VGPU_WINDOW_ALL, VGPU_PART_COMPLETING).sum,
			 latency_of(VGPU_WINDOW_ALL, VGPU_PART_TOTAL).sum);
	assert_int_equal(latency_of(VGPU_WINDOW_ALL, VGPU_PART_EXECUTING).max, 3 * NSEC_PER_MSEC);
}

/* Fences fetched in two batches complete together, behind a copy: they are counted one for one, at once. */
static void batches_are_measured_one_by_one(void **rig_state)
{
	struct vgpu_metrics_reading before, waiting, after;
	struct vgpu_cmd copy = rig_copy_in(0, 1), fence = rig_cmd(VGPU_OP_FENCE, 1);
	struct vgpu_hist_summary total = latency_of(VGPU_WINDOW_ALL, VGPU_PART_TOTAL), queued;
	struct rig *rig = *rig_state;
	struct vgpu_cqe cqe;
	u32 i;

	vgpu_dev_read_metrics(&guest.dev->dev, &before);
	rig_write(&guest, &copy);
	for (i = 0; i < 5; i++)
		rig_write(&guest, &fence);
	rig_publish(&guest);
	rig_ring(&guest);
	vgpu_dev_read_metrics(&guest.dev->dev, &waiting);
	assert_int_equal(waiting.depth - before.depth, 6);
	rig_advance(rig, NSEC_PER_MSEC);
	for (i = 0; i < 2; i++)
		rig_write(&guest, &fence);
	rig_publish(&guest);
	rig_ring(&guest);
	rig_take(rig_worker_of(&guest));
	rig_advance(rig, 2 * NSEC_PER_MSEC);
	rig_finish(rig_worker_of(&guest), 0, VGPU_ST_OK, 0);
	for (i = 0; i < 8; i++)
		assert_true(rig_consume(&guest, &cqe));

	vgpu_dev_read_metrics(&guest.dev->dev, &after);
	assert_int_equal(after.commands[VGPU_OP_FENCE] - before.commands[VGPU_OP_FENCE], 7);
	assert_int_equal(after.depth, before.depth);
	assert_int_equal(after.depth_max, before.depth + 8);
	assert_int_equal(after.depth_ns - before.depth_ns, (6 * 3 + 2 * 2) * NSEC_PER_MSEC);
	assert_int_equal(guest.dev->dev.gpu->depth[VGPU_TIER_COUNT].now, before.depth);
	queued = latency_of(VGPU_WINDOW_ALL, VGPU_PART_QUEUED);
	assert_int_equal(latency_of(VGPU_WINDOW_ALL, VGPU_PART_TOTAL).count - total.count, 8);
	assert_int_equal(latency_of(VGPU_WINDOW_ALL, VGPU_PART_TOTAL).sum - total.sum, (6 * 3 + 2 * 2) * NSEC_PER_MSEC);
	assert_int_equal(queued.max, 3 * NSEC_PER_MSEC);
}

static void one_command(struct rig *rig, u64 ns)
{
	u32 seq = rig_submit(&guest, rig_copy_in(0, 1));

	rig_take(rig_worker_of(&guest));
	rig_advance(rig, ns);
	rig_finish(rig_worker_of(&guest), 0, VGPU_ST_OK, 0);
	rig_expect(&guest, seq);
}

static void windows_slide(void **rig_state)
{
	struct rig *rig = *rig_state;
	u64 base = latency_of(VGPU_WINDOW_ALL, VGPU_PART_TOTAL).count;
	u32 i;

	rig_advance(rig, 120 * NSEC_PER_SEC);
	assert_int_equal(latency_of(VGPU_WINDOW_60S, VGPU_PART_TOTAL).count, 0);
	/* One a tenth of a second for 100 s: as many as fit in each window, and up to a piece more. */
	for (i = 0; i < 1000; i++)
		one_command(rig, 100 * NSEC_PER_MSEC);
	assert_in_range(latency_of(VGPU_WINDOW_1S, VGPU_PART_TOTAL).count, 10, 12);
	assert_in_range(latency_of(VGPU_WINDOW_10S, VGPU_PART_TOTAL).count, 100, 120);
	assert_in_range(latency_of(VGPU_WINDOW_60S, VGPU_PART_TOTAL).count, 600, 700);
	assert_int_equal(latency_of(VGPU_WINDOW_ALL, VGPU_PART_TOTAL).count, base + 1000);
	assert_within_one_percent(latency_of(VGPU_WINDOW_60S, VGPU_PART_TOTAL).p50, 100 * NSEC_PER_MSEC);
	rig_advance(rig, 2 * NSEC_PER_SEC);
	assert_int_equal(latency_of(VGPU_WINDOW_1S, VGPU_PART_TOTAL).count, 0);
	assert_in_range(latency_of(VGPU_WINDOW_10S, VGPU_PART_TOTAL).count, 80, 100);
	rig_advance(rig, 120 * NSEC_PER_SEC);
	assert_int_equal(latency_of(VGPU_WINDOW_60S, VGPU_PART_TOTAL).count, 0);
	assert_int_equal(latency_of(VGPU_WINDOW_ALL, VGPU_PART_TOTAL).count, base + 1000);
}

/* Who rests takes no memory for windows. */
static void rest_gives_back_memory(void **rig_state)
{
	struct rig *rig = *rig_state;
	struct vgpu_metrics_reading busy, idle;
	u32 i;

	for (i = 0; i < 500; i++)
		one_command(rig, 1000 + next_random() % (20 * NSEC_PER_MSEC));
	vgpu_dev_read_metrics(&guest.dev->dev, &busy);
	rig_advance(rig, 200 * NSEC_PER_SEC);
	vgpu_dev_read_metrics(&guest.dev->dev, &idle);
	assert_true(idle.memory < busy.memory);
	assert_in_range(idle.memory, 1, 64 << 10);
}

static void errors_are_counted_by_kind(void **rig_state)
{
	struct vgpu_cmd bad = rig_copy_in(0, 1);
	struct vgpu_metrics_reading reading;
	u32 seq;

	bad.opcode = 255;
	seq = rig_submit(&guest, bad);
	assert_int_equal(rig_expect(&guest, seq).status, VGPU_ST_BAD_OPCODE);
	seq = rig_submit(&guest, rig_copy_in(0, 1));
	rig_take(rig_worker_of(&guest));
	rig_finish(rig_worker_of(&guest), 0, 700, 0);
	assert_int_equal(rig_expect(&guest, seq).status, 700);
	vgpu_dev_read_metrics(&guest.dev->dev, &reading);
	assert_int_equal(reading.errors[VGPU_ERROR_REJECTED], 1);
	assert_int_equal(reading.errors[VGPU_ERROR_CUDA], 1);
	assert_int_equal(reading.errors[VGPU_ERROR_LOST], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_within_one_percent),
		cmocka_unit_test(buckets_cover_all_values_once),
		cmocka_unit_test(want_of_memory_loses_no_count),
		cmocka_unit_test_setup_teardown(parts_are_what_the_clock_says, setup, teardown),
		cmocka_unit_test_setup_teardown(batches_are_measured_one_by_one, setup, teardown),
		cmocka_unit_test_setup_teardown(windows_slide, setup, teardown),
		cmocka_unit_test_setup_teardown(rest_gives_back_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(errors_are_counted_by_kind, setup, teardown),
	};

	rig_seed = get_random_u64() | 1;
	state = rig_seed;
	printf("# seed %llu\n", (unsigned long long)rig_seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
