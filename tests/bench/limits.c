// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Rows of limits: from the request for another limit until what it held back is handed to the worker, in the core alone, 100 commands
 * waiting. unit/core/limits asserts that this is so when the request returns; how long the way from a guest and back takes beside it is
 * what make faults prints.
 */

#include "bench.h"
#include "tests/unit/core/rig.h"

#define ROUNDS		2001u
#define WAITING		100u

static struct rig_guest guest;
static u64 samples[ROUNDS];

static u64 set(struct rig *rig, const struct vgpu_limits *limits)
{
	u64 start = bench_ns();
	const char *why;

	if (vgpu_dev_set_limits(&rig->dev[0].dev, limits, &why)) {
		fprintf(stderr, "limits were refused: %s\n", why);
		exit(1);
	}
	return bench_ns() - start;
}

static void drain(struct rig *rig)
{
	struct vgpu_cqe cqe;

	while (rig_stats(&rig->dev[0]).waiting) {
		rig_advance(rig, NSEC_PER_MSEC);
		rig_finish_all(rig_worker_of(&guest));
		while (rig_consume(&guest, &cqe))
			;
	}
}

/* Median time of a change between two limits, after the tighter of which commands wait; from and to that. */
static void row(struct rig *rig, const char *name, const struct vgpu_limits *tight)
{
	struct vgpu_limits wide = rig_limits(), read;
	static u64 beside[ROUNDS];
	u64 start;
	u32 round, i;

	for (round = 0; round < ROUNDS; round++) {
		set(rig, tight);
		for (i = 0; i < WAITING; i++)
			rig_submit(&guest, rig_launch(1 + i % 8));
		samples[round] = set(rig, &wide);
		drain(rig);
		start = bench_ns();
		vgpu_dev_read_limits(&rig->dev[0].dev, &read);
		beside[round] = bench_ns() - start;
	}
	ROW(.name = name, .value = bench_median(samples, ROUNDS) / 1e3, .unit = "us", .beside = "reading the limits",
	    .beside_value = bench_median(beside, ROUNDS) / 1e3, .goal = GOAL_AT_MOST, .limit = 1000, .on_value = true);
}

int main(int argc, char **argv)
{
	struct vgpu_limits limits = rig_limits(), wide = rig_limits();
	struct rig *rig = rig_new();

	rig_attach(rig);
	rig_dev_open(rig, 0, &wide);
	rig_guest_init(&guest, &rig->dev[0], 0);
	limits.depth = 1;
	if (bench_wanted(argc, argv, "limits/depth"))
		row(rig, "limits/depth", &limits);
	limits = wide;
	limits.cmd_rate = 1;
	limits.cmd_burst = 1;
	if (bench_wanted(argc, argv, "limits/commands"))
		row(rig, "limits/commands", &limits);
	return 0;
}
