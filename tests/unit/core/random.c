// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Random histories of hostile guests, workers, supervisor and clock.
 *
 *	core-random [SEED [ROUNDS [STEPS]]]
 *
 * The scheduler's decisions are logged and made again from the log. Each round has a seed of its own, printed
 * with whatever is found wrong: `core-random SEED 1` does that round again.
 */

#include <unistd.h>

#include "chaos.h"
#include "tools/vgpu-sim/sim.h"

int main(int argc, char **argv)
{
	u64 seed = argc > 1 ? strtoull(argv[1], NULL, 0) : get_random_u64() >> 16;
	u32 rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 40;
	u32 steps = argc > 3 ? strtoul(argv[3], NULL, 0) : 4000;
	struct chaos_result total = { 0 };
	char log[] = "/tmp/core-random-XXXXXX";
	FILE *null = fopen("/dev/null", "w");
	u32 i;

	RIG_CHECK(null && mkstemp(log) >= 0);

	printf("# %u rounds of %u steps from seed %llu\n", rounds, steps, (unsigned long long)seed);
	fflush(stdout);
	for (i = 0; i < rounds; i++) {
		struct chaos_source source = { .state = (seed + i) * 0x9e3779b97f4a7c15ULL | 1, .steps = steps };
		struct chaos_result result;

		rig_seed = seed + i;
		rig_now = NSEC_PER_SEC;
		source.log = fopen(log, "wb");
		RIG_CHECK(source.log);
		result = chaos_run(&source);
		RIG_CHECK(!fclose(source.log));
		if (sim_replay(log, null, false, NULL))
			rig_fail("the log's decisions are made again", __FILE__, __LINE__);
		total.accepted += result.accepted;
		total.completed += result.completed;
		total.failed += result.failed;
		total.lost += result.lost;
	}
	unlink(log);
	fclose(null);
	printf("# %llu commands accepted, %llu completed, %llu failed, %llu sessions lost\n",
	       (unsigned long long)total.accepted, (unsigned long long)total.completed,
	       (unsigned long long)total.failed, (unsigned long long)total.lost);
	if (total.accepted != total.completed + total.failed || !total.completed || !total.failed || !total.lost) {
		printf("not ok 1 - random histories: nothing of the kind happened\n");
		return 1;
	}
	printf("ok 1 - random histories\n");
	return 0;
}
