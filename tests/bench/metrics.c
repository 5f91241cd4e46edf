// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Rows of metrics: what measuring costs a completion, and the throughput of the core with and without it, in turns in
 * one run; what histograms take of memory.
 */

#include "bench.h"
#include "tests/unit/core/rig.h"
#include "tools/vgpu-exporter/render.h"

#define COMPLETIONS	2000000u
#define ROUNDS		2001u
#define BATCH		64u

static struct rig_guest guest;
static u64 (*real_clock)(void);

/* Accepts and completes one command after another, with times of a busy GPU; nothing else. */
static double completion_ns(struct vgpu_dev *dev)
{
	struct vgpu_item item = { .state = VGPU_ITEM_DISPATCHED, .cmd.opcode = VGPU_OP_LAUNCH };
	u64 best = ~0ULL, start, now = bench_ns(), seed = 88172645463325252ULL;
	u32 pass, i;

	for (pass = 0; pass < 5; pass++) {
		start = bench_ns();
		for (i = 0; i < COMPLETIONS; i++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			now += 2000;
			item.arrival_ns = now - (seed >> 42);
			item.dispatch_ns = item.arrival_ns + ((seed >> 43) & 0xfffff) / 4;
			item.start_ns = item.dispatch_ns + 1000;
			item.gpu_ns = 5000 + (seed >> 56);
			vgpu_metrics_accept(dev, &item);
			vgpu_metrics_complete(dev, &item, VGPU_ST_OK, now);
		}
		start = bench_ns() - start;
		if (start < best)
			best = start;
	}
	return (double)best / COMPLETIONS;
}

/* Commands through queue, scheduler, worker's rings and back; nanoseconds of a batch. */
static u64 batch_ns(void)
{
	struct rig_worker *worker = rig_worker_of(&guest);
	struct vgpu_cmd cmd = rig_copy_in(0, 1);
	u64 start = bench_ns();
	struct vgpu_cqe cqe;
	u32 i, done = 0;

	for (i = 0; i < BATCH; i++)
		rig_write(&guest, &cmd);
	rig_publish(&guest);
	while (done < BATCH) {
		rig_take(worker);
		for (i = 0; i < worker->num_todo; i++)
			rig_put(worker, worker->todo[i].tag, worker->generation, VGPU_ST_OK, 0);
		worker->num_todo = 0;
		rig_kick(worker);
		while (rig_consume(&guest, &cqe))
			done++;
	}
	return bench_ns() - start;
}

static void throughput(void)
{
	static u64 samples[2][ROUNDS];
	double on, off;
	u32 i, j;

	for (i = 0; i < ROUNDS; i++)
		for (j = 0; j < 2; j++) {
			vgpu_metrics_on = (i + j) & 1;
			samples[vgpu_metrics_on][i] = batch_ns();
		}
	vgpu_metrics_on = true;
	on = bench_median(samples[1], ROUNDS);
	off = bench_median(samples[0], ROUNDS);
	ROW(.name = "metrics/core-alone", .value = BATCH * 1e3 / on, .unit = "million/s", .beside = "the core without them",
	    .beside_value = BATCH * 1e3 / off);
}

/* The exporter's text for as many virtual GPUs as a large hypervisor has, each with some of everything. */
static void rendering(void)
{
	static const u32 vms = 1024;
	struct sample sample = { .num_vms = vms, .vms = calloc(vms, sizeof(*sample.vms)) };
	u64 best = ~0ULL, start;
	u32 i, j;

	for (i = 0; i < vms; i++) {
		struct sample_vm *vm = &sample.vms[i];

		memcpy(vm->uuid, &i, sizeof(i));
		strcpy(vm->gpu, "soft0");
		strcpy(vm->pool, "default");
		for (j = 0; j <= VGPU_A_STATS_MAX; j++)
			vm->stat[j] = 1234567890123ULL * (j + i);
		for (j = 0; j < 10; j++)
			vm->commands[j + 10] = 1000000 + i;
		vm->buckets = calloc(20, sizeof(*vm->buckets));
		for (j = 0; j < 20; j++)
			vm->buckets[j] = (struct sample_bucket){ (1024ULL << j) - 1, 1000 + j };
		vm->num_buckets = 20;
	}
	for (i = 0; i < 7; i++) {
		struct text text = { 0 };

		start = bench_ns();
		render(&text, &sample, true, 0);
		start = bench_ns() - start;
		best = start < best ? start : best;
		free(text.data);
	}
	ROW(.name = "metrics/render-1024", .value = (double)best / 1e6, .unit = "ms", .beside = "nothing", .beside_value = 0,
	    .goal = GOAL_AT_MOST, .limit = 200, .on_value = true);
	for (i = 0; i < vms; i++)
		free(sample.vms[i].buckets);
	free(sample.vms);
}

int main(int argc, char **argv)
{
	struct vgpu_limits limits = rig_limits();
	struct vgpu_metrics_reading busy;
	struct vgpu_dev *dev;
	struct rig *rig;

	real_clock = vgpu_clock;
	rig = rig_new();
	rig_attach(rig);
	limits.depth = 1024;
	rig_dev_open(rig, 0, &limits);
	rig_dev_open(rig, 1, &limits);
	rig_guest_init(&guest, &rig->dev[0], 0);
	dev = &rig->dev[1].dev;
	if (bench_wanted(argc, argv, "metrics/completion")) {
		double ns = completion_ns(dev);

		ROW(.name = "metrics/completion", .value = ns, .unit = "ns", .beside = "nothing", .beside_value = 0,
		    .goal = GOAL_AT_MOST, .limit = 50, .on_value = true);
	}
	vgpu_clock = real_clock;
	if (bench_wanted(argc, argv, "metrics/core-alone"))
		throughput();
	if (bench_wanted(argc, argv, "metrics/memory")) {
		vgpu_dev_read_metrics(&guest.dev->dev, &busy);
		ROW(.name = "metrics/memory", .value = (double)busy.memory, .unit = "bytes", .beside = "a virtual GPU before its first command",
		    .beside_value = (double)sizeof(struct vgpu_metrics), .goal = GOAL_AT_MOST, .limit = 262144, .on_value = true);
	}
	if (bench_wanted(argc, argv, "metrics/render"))
		rendering();
	return 0;
}
