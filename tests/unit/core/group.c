// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * What happened on a GPU, in a pool, in a tier: against a list of every command with the tier that it completed in,
 * while virtual GPUs change tier, come and go, and their GPU changes pools.
 */

#include "rig.h"

#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#define COMMANDS	6000u

static struct rig_guest guests[RIG_DEVS];
static struct vgpu_pool pools[2];
static u64 state;

/* Latencies of all commands, by pool and tier; and of all on the GPU. */
static struct {
	u64 *ns;
	u32 count;
} lists[2][VGPU_TIER_COUNT], everything;

static u64 next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

static void open_dev(struct rig *rig, u32 i, u32 tier)
{
	struct vgpu_limits limits = rig_limits();

	limits.tier = tier;
	rig_dev_open(rig, i, &limits);
	rig_guest_init(&guests[i], &rig->dev[i], 0);
}

static void read_pool(u32 pool, u32 tier, struct vgpu_group_reading *reading)
{
	vgpu_pool_read_group(&pools[pool], tier, VGPU_WINDOW_COUNT, reading);
	assert_int_equal(reading->sums.counters.submitted,
			 reading->sums.counters.completed + reading->sums.counters.failed + reading->waiting);
}

/* Commands that setting up a session took, which no list has: they took no time. */
static void check_histogram(const struct vgpu_hist *hist, u64 *ns, u32 count)
{
	static const u32 ppms[] = { 500000, 950000, 990000, 1000000 };
	u64 sum = 0, exact, got, setup = hist->count - count;
	u32 i;

	assert_true(hist->count >= count);
	for (i = 0; i < count; i++)
		sum += ns[i];
	assert_int_equal(hist->sum, sum);
	if (!count)
		return;
	qsort(ns, count, sizeof(*ns), by_value);
	assert_int_equal(hist->max, ns[count - 1]);
	for (i = 0; i < ARRAY_SIZE(ppms); i++) {
		u64 rank = (hist->count * ppms[i] + 999999) / 1000000;

		exact = rank > setup ? ns[rank - setup - 1] : 0;
		got = vgpu_hist_quantile(hist, ppms[i]);
		if ((got > exact ? got - exact : exact - got) * 100 > exact)
			fail_msg("quantile %u is %llu, exactly it is %llu (seed %llu)", ppms[i], (unsigned long long)got,
				 (unsigned long long)exact, (unsigned long long)rig_seed);
	}
}

static void check_all(struct rig *rig, u64 *launches)
{
	struct vgpu_group_reading reading;
	u64 submitted = 0;
	u32 pool, tier;

	for (pool = 0; pool < 2; pool++)
		for (tier = 0; tier < VGPU_TIER_COUNT; tier++) {
			read_pool(pool, tier, &reading);
			check_histogram(&reading.latency[VGPU_WINDOW_ALL].part[VGPU_PART_TOTAL], lists[pool][tier].ns,
					lists[pool][tier].count);
			assert_int_equal(reading.sums.commands[VGPU_OP_COPY_IN], lists[pool][tier].count);
			submitted += reading.sums.counters.submitted;
			vgpu_group_free(&reading);
		}
	vgpu_gpu_read_group(&rig->gpu, VGPU_WINDOW_COUNT, &reading);
	check_histogram(&reading.latency[VGPU_WINDOW_ALL].part[VGPU_PART_TOTAL], everything.ns, everything.count);
	assert_int_equal(reading.sums.counters.submitted, submitted);
	assert_int_equal(reading.sums.bytes[VGPU_OP_COPY_IN], 256ULL * everything.count);
	*launches = reading.sums.counters.submitted;
	vgpu_group_free(&reading);
}

static void one_command(struct rig *rig, u32 i, u32 pool)
{
	u64 ns = 1000 + next_random() % (1ULL << (10 + next_random() % 16));
	u32 tier = guests[i].dev->dev.limits.tier;
	u32 seq = rig_submit(&guests[i], rig_copy_in(0, 1));

	rig_take(rig_worker_of(&guests[i]));
	rig_advance(rig, ns);
	/* It belongs to the tier in which it completes. */
	if (!(next_random() % 8)) {
		struct vgpu_limits limits = guests[i].dev->dev.limits;
		const char *why;

		tier = limits.tier = next_random() % VGPU_TIER_COUNT;
		assert_int_equal(vgpu_dev_set_limits(&guests[i].dev->dev, &limits, &why), 0);
	}
	rig_finish(rig_worker_of(&guests[i]), 0, VGPU_ST_OK, 0);
	rig_expect(&guests[i], seq);
	lists[pool][tier].ns[lists[pool][tier].count++] = ns;
	everything.ns[everything.count++] = ns;
}

static void groups_are_sums_of_what_was_in_them(void **rig_state)
{
	struct rig *rig = *rig_state;
	u64 launches, last = 0;
	u32 i, vm, pool = 0;

	for (i = 0; i < COMMANDS; i++) {
		vm = next_random() % RIG_DEVS;
		if (!(next_random() % 200)) {
			rig_dev_close(&rig->dev[vm]);
			open_dev(rig, vm, next_random() % VGPU_TIER_COUNT);
		}
		if (!(next_random() % 500)) {
			vgpu_pool_remove(&pools[pool], &rig->gpu);
			pool = !pool;
			vgpu_pool_add(&pools[pool], &rig->gpu);
		}
		one_command(rig, vm, pool);
		if (!(i % 500)) {
			check_all(rig, &launches);
			assert_true(launches >= last);
			last = launches;
		}
	}
	check_all(rig, &launches);
	for (i = 0; i < RIG_DEVS; i++)
		rig_dev_close(&rig->dev[i]);
	check_all(rig, &launches);
}

/* Changing tier loses nothing of a window, and counts nothing twice. */
static void windows_survive_a_change_of_tier(void **rig_state)
{
	struct rig *rig = *rig_state;
	struct vgpu_group_reading reading;
	struct vgpu_limits limits;
	const char *why;
	u32 i, window;

	rig_advance(rig, 100 * NSEC_PER_SEC);
	for (i = 0; i < 100; i++) {
		u32 seq = rig_submit(&guests[0], rig_copy_in(0, 1));

		rig_take(rig_worker_of(&guests[0]));
		rig_advance(rig, 5 * NSEC_PER_MSEC);
		rig_finish(rig_worker_of(&guests[0]), 0, VGPU_ST_OK, 0);
		rig_expect(&guests[0], seq);
		limits = guests[0].dev->dev.limits;
		limits.tier = i % VGPU_TIER_COUNT;
		assert_int_equal(vgpu_dev_set_limits(&guests[0].dev->dev, &limits, &why), 0);
	}
	vgpu_gpu_read_group(&rig->gpu, VGPU_WINDOW_COUNT, &reading);
	for (window = VGPU_WINDOW_1S; window < VGPU_WINDOW_COUNT; window++)
		assert_int_equal(reading.latency[window].part[VGPU_PART_TOTAL].count, 100);
	vgpu_group_free(&reading);
	rig_advance(rig, 2 * NSEC_PER_SEC);
	vgpu_gpu_read_group(&rig->gpu, VGPU_WINDOW_COUNT, &reading);
	assert_int_equal(reading.latency[VGPU_WINDOW_1S].part[VGPU_PART_TOTAL].count, 0);
	assert_int_equal(reading.latency[VGPU_WINDOW_10S].part[VGPU_PART_TOTAL].count, 100);
	assert_int_equal(reading.depth_max, 1);
	vgpu_group_free(&reading);
}

/* The most on a GPU is of all its virtual GPUs at once; a tier's is of those in it. */
static void levels_are_of_all_at_once(void **rig_state)
{
	struct rig *rig = *rig_state;
	struct vgpu_group_reading reading;
	u32 i, j;

	for (j = 0; j < 4; j++)
		for (i = 0; i < RIG_DEVS; i++)
			rig_submit(&guests[i], rig_copy_in(0, 1));
	vgpu_gpu_read_group(&rig->gpu, VGPU_WINDOW_COUNT, &reading);
	assert_int_equal(reading.depth_max, 4 * RIG_DEVS);
	assert_int_equal(reading.waiting, 4 * RIG_DEVS);
	assert_int_equal(reading.devs, RIG_DEVS);
	vgpu_group_free(&reading);
	read_pool(0, VGPU_TIER_HIGH, &reading);
	assert_int_equal(reading.depth_max, 4);
	assert_int_equal(reading.devs, 1);
	vgpu_group_free(&reading);
}

static int setup(void **rig_state)
{
	struct rig *rig = rig_new();
	u32 i, j;

	vgpu_pool_init(&pools[0], "one");
	vgpu_pool_init(&pools[1], "two");
	vgpu_pool_add(&pools[0], &rig->gpu);
	rig_attach(rig);
	for (i = 0; i < RIG_DEVS; i++)
		open_dev(rig, i, i % VGPU_TIER_COUNT);
	for (i = 0; i < 2; i++)
		for (j = 0; j < VGPU_TIER_COUNT; j++) {
			lists[i][j].ns = calloc(COMMANDS, sizeof(u64));
			lists[i][j].count = 0;
		}
	everything.ns = calloc(COMMANDS, sizeof(u64));
	everything.count = 0;
	*rig_state = rig;
	return 0;
}

static int teardown(void **rig_state)
{
	struct rig *rig = *rig_state;
	u32 i, j;

	for (i = 0; i < RIG_DEVS; i++)
		rig_dev_close(&rig->dev[i]);
	vgpu_pool_remove(rig->gpu.pool, &rig->gpu);
	rig_free(rig);
	for (i = 0; i < 2; i++) {
		vgpu_pool_destroy(&pools[i]);
		for (j = 0; j < VGPU_TIER_COUNT; j++)
			free(lists[i][j].ns);
	}
	free(everything.ns);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(groups_are_sums_of_what_was_in_them, setup, teardown),
		cmocka_unit_test_setup_teardown(windows_survive_a_change_of_tier, setup, teardown),
		cmocka_unit_test_setup_teardown(levels_are_of_all_at_once, setup, teardown),
	};

	rig_seed = get_random_u64() | 1;
	state = rig_seed;
	printf("# seed %llu\n", (unsigned long long)rig_seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
