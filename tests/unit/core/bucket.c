// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Token buckets, against the same in exact arithmetic over 128 bits and against their bound: what is spent never
 * exceeds rate × time + burst + one spending.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kmod/core/bucket.h"
#include "tools/vgpu-sim/sim.h"

static u64 seed;

static void no_limit_is_none(void **state)
{
	struct vgpu_bucket bucket = { 0 };

	vgpu_bucket_set(&bucket, 0, 1000, 5, 0);
	vgpu_bucket_spend(&bucket, ~0ULL);
	assert_true(vgpu_bucket_has(&bucket, 1000000));
}

static void starts_full_and_gains_at_its_rate(void **state)
{
	struct vgpu_bucket bucket = { 0 };

	/* 3 tokens in 1000 ns, 5 at most. */
	vgpu_bucket_set(&bucket, 3, 1000, 5, 100);
	assert_true(vgpu_bucket_has(&bucket, 5));
	assert_false(vgpu_bucket_has(&bucket, 6));
	vgpu_bucket_spend(&bucket, 5);
	assert_false(vgpu_bucket_has(&bucket, 0));
	assert_int_equal(vgpu_bucket_when(&bucket, 0), 1);
	assert_int_equal(vgpu_bucket_when(&bucket, 1), 334);
	vgpu_bucket_refill(&bucket, 100 + 333);
	assert_false(vgpu_bucket_has(&bucket, 1));
	vgpu_bucket_refill(&bucket, 100 + 334);
	assert_true(vgpu_bucket_has(&bucket, 1));
	vgpu_bucket_refill(&bucket, 1000000);
	assert_true(vgpu_bucket_has(&bucket, 5));
	assert_false(vgpu_bucket_has(&bucket, 6));
	/* Time that goes back gives nothing. */
	vgpu_bucket_spend(&bucket, 5);
	vgpu_bucket_refill(&bucket, 5);
	assert_false(vgpu_bucket_has(&bucket, 0));
}

static void what_is_owed_is_paid_back_first(void **state)
{
	struct vgpu_bucket bucket = { 0 };

	vgpu_bucket_set(&bucket, 1, 1, 10, 0);
	vgpu_bucket_spend(&bucket, 110);
	assert_int_equal(vgpu_bucket_when(&bucket, 0), 101);
	vgpu_bucket_give_back(&bucket, 50);
	assert_int_equal(vgpu_bucket_when(&bucket, 0), 51);
	vgpu_bucket_give_back(&bucket, 1000);
	assert_true(vgpu_bucket_has(&bucket, 10));
	assert_false(vgpu_bucket_has(&bucket, 11));
}

static void a_change_keeps_what_is_there(void **state)
{
	struct vgpu_bucket bucket = { 0 };

	vgpu_bucket_set(&bucket, 1, 1, 10, 0);
	vgpu_bucket_spend(&bucket, 4);
	vgpu_bucket_set(&bucket, 7, 1000, 100, 0);
	assert_true(vgpu_bucket_has(&bucket, 6));
	assert_false(vgpu_bucket_has(&bucket, 7));
	vgpu_bucket_set(&bucket, 7, 1000, 3, 0);
	assert_false(vgpu_bucket_has(&bucket, 4));
	vgpu_bucket_spend(&bucket, 10);
	vgpu_bucket_set(&bucket, 1, 1, 3, 0);
	assert_int_equal(vgpu_bucket_when(&bucket, 0), 8);
}

static void nothing_overflows(void **state)
{
	struct vgpu_bucket bucket = { 0 };

	vgpu_bucket_set(&bucket, 1ULL << 40, NSEC_PER_SEC, 4ULL << 30, 0);
	vgpu_bucket_spend(&bucket, ~0ULL);
	vgpu_bucket_spend(&bucket, ~0ULL);
	assert_false(vgpu_bucket_has(&bucket, 0));
	vgpu_bucket_refill(&bucket, ~0ULL >> 1);
	assert_true(vgpu_bucket_has(&bucket, 4ULL << 30));
	vgpu_bucket_give_back(&bucket, ~0ULL);
	assert_true(vgpu_bucket_has(&bucket, 4ULL << 30));
}

/* Spends as much as it may, in pieces of random size at random times. */
static void nobody_gets_more_than_his_rate(void **state)
{
	u64 random = seed;
	u32 round;

	for (round = 0; round < 200; round++) {
		u64 unit = 1 + sim_random(&random) % 1000000000, rate = 1 + sim_random(&random) % 1000000;
		u64 burst = 1 + sim_random(&random) % 1000000, piece = 1 + sim_random(&random) % 10000;
		u64 now = 0, spent = 0, last = 0;
		struct vgpu_bucket bucket = { 0 };
		unsigned __int128 most;
		u32 i;

		vgpu_bucket_set(&bucket, rate, unit, burst, 0);
		for (i = 0; i < 2000; i++) {
			now += !i ? 0 : sim_random(&random) % (1 + unit / rate * 3);
			vgpu_bucket_refill(&bucket, now);
			while (vgpu_bucket_has(&bucket, 0)) {
				last = 1 + sim_random(&random) % piece;
				vgpu_bucket_spend(&bucket, last);
				spent += last;
			}
			/* Greedy, so that it gets all: between burst + rate × time and one piece more. */
			most = (unsigned __int128)burst * unit + (unsigned __int128)rate * now;
			if ((unsigned __int128)spent * unit >= most + (unsigned __int128)last * unit ||
			    (unsigned __int128)spent * unit < most)
				fail_msg("seed %#llx: %llu spent by %llu ns of rate %llu/%llu, burst %llu",
					 (unsigned long long)seed, (unsigned long long)spent,
					 (unsigned long long)now, (unsigned long long)rate,
					 (unsigned long long)unit, (unsigned long long)burst);
		}
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_limit_is_none),
		cmocka_unit_test(starts_full_and_gains_at_its_rate),
		cmocka_unit_test(what_is_owed_is_paid_back_first),
		cmocka_unit_test(a_change_keeps_what_is_there),
		cmocka_unit_test(nothing_overflows),
		cmocka_unit_test(nobody_gets_more_than_his_rate),
	};

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : get_random_u64() >> 16;
	printf("# seed %#llx\n", (unsigned long long)seed);
	return cmocka_run_group_tests_name("core buckets", tests, NULL, NULL);
}
