// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Rows of metrics: what measuring costs a completion, and the throughput of the core with and without it, in turns in
 * one run; what histograms take of memory.
 */

#include "bench.h"
#include "tests/unit/core/rig.h"
#include "tools/vgpu-exporter/render.h"

#define COMPLETIONS	20000u
#define PASSES		301u
#define ROUNDS		2001u
#define BATCH		64u

static struct rig_guest guest;
static u64 (*real_clock)(void);

/* Accepts and completes one command after another, with times of a busy GPU; nothing else. */
static double completion_ns(struct vgpu_dev *dev)
{
	struct vgpu_item item = { .state = VGPU_ITEM_DISPATCHED, .cmd.opcode = VGPU_OP_LAUNCH };
	u64 start, now = bench_ns(), seed = 88172645463325252ULL;
	static u64 samples[PASSES];
	u32 pass, i;

	for (pass = 0; pass < PASSES; pass++) {
		start = bench_ns();
		for (i = 0; i < COMPLETIONS; i++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			now += 2000;
			item.arrival_ns = now - (seed >> 42);
			item.dispatch_ns = item.arrival_ns + ((seed >> 43) & 0xfffff) / 4;
			item.start_ns = item.dispatch_ns + 1000;
			item.gpu_ns = 5000 + (seed >> 56);
			vgpu_metrics_arrive(dev, item.arrival_ns);
			vgpu_metrics_accept(dev);
			vgpu_metrics_complete(dev, &item, VGPU_ST_OK, now);
		}
		samples[pass] = bench_ns() - start;
	}
	return bench_median(samples, PASSES) / COMPLETIONS;
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

#define VMS	1024u

static double best_ms(u64 *samples, u32 count)
{
	u64 best = ~0ULL;
	u32 i;

	for (i = 0; i < count; i++)
		best = samples[i] < best ? samples[i] : best;
	return (double)best / 1e6;
}

/* The exporter's text for as many virtual GPUs as a GPU takes, each with some of everything, and its groups. */
static double rendering_ms(void)
{
	struct sample sample = { .num_vms = VMS, .vms = calloc(VMS, sizeof(*sample.vms)), .num_groups = 5,
				 .groups = calloc(5, sizeof(*sample.groups)) };
	u64 samples[7], lines = 0;
	u32 i, j, window;

	for (i = 0; i < VMS + sample.num_groups; i++) {
		struct sample_vm *vm = i < VMS ? &sample.vms[i] : &sample.groups[i - VMS].sum;

		memcpy(vm->uuid, &i, sizeof(i));
		strcpy(vm->gpu, "soft0");
		strcpy(vm->pool, "default");
		for (j = 0; j <= VGPU_A_STATS_MAX; j++)
			vm->stat[j] = 1234567890123ULL * (j + i);
		for (j = 0; j < 10; j++)
			vm->commands[j + 10] = 1000000 + i;
		for (window = 0; window < SAMPLE_WINDOWS; window++)
			for (j = 0; j < SAMPLE_PARTS; j++)
				vm->latency[window][j] = (struct sample_latency){ 1000, 1234567, 99999, 1111, 8888, 9999 };
		vm->buckets = calloc(20, sizeof(*vm->buckets));
		for (j = 0; j < 20; j++)
			vm->buckets[j] = (struct sample_bucket){ (1024ULL << j) - 1, 1000 + j };
		vm->num_buckets = 20;
	}
	strcpy(sample.groups[0].gpu, "soft0");
	for (i = 2; i < sample.num_groups; i++) {
		sample.groups[i].has_tier = true;
		sample.groups[i].sum.tier = i - 2;
	}
	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		struct text text = { 0 };

		samples[i] = bench_ns();
		render(&text, &sample, true, 0);
		samples[i] = bench_ns() - samples[i];
		for (lines = 0, j = 0; j < text.len; j++)
			lines += text.data[j] == '\n';
		free(text.data);
	}
	ROW(.name = "metrics/series", .value = (double)lines / VMS, .unit = "of a virtual GPU", .beside = "nothing", .beside_value = 0,
	    .goal = GOAL_AT_MOST, .limit = 80, .on_value = true);
	sample_free(&sample);
	return best_ms(samples, ARRAY_SIZE(samples));
}

/* A minute's work of a virtual GPU, up to now. */
static void fill(struct vgpu_dev *dev, u64 now, u64 *seed)
{
	struct vgpu_item item = { .state = VGPU_ITEM_DISPATCHED, .cmd.opcode = VGPU_OP_LAUNCH };
	u64 at;

	for (at = now - 60 * NSEC_PER_SEC; at < now; at += 60 * NSEC_PER_SEC / 1000) {
		*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
		item.arrival_ns = at - (*seed >> (40 + at % 8));
		item.dispatch_ns = item.arrival_ns + (at - item.arrival_ns) / 2;
		item.gpu_ns = (at - item.dispatch_ns) / 3;
		vgpu_metrics_arrive(dev, item.arrival_ns);
		vgpu_metrics_accept(dev);
		vgpu_metrics_complete(dev, &item, VGPU_ST_OK, at);
	}
}

static void summarise(const struct vgpu_latency_reading *reading)
{
	struct vgpu_hist_summary summary;
	u32 part;

	for (part = 0; part < VGPU_PART_COUNT; part++)
		vgpu_hist_summarise(&reading->part[part], &summary);
}

static void read_group(struct vgpu_group_reading *group)
{
	summarise(&group->latency[VGPU_WINDOW_ALL]);
	vgpu_group_free(group);
}

/* What a scrape reads of the core: every virtual GPU, its GPU, its pool and the tiers. All of them worked a minute. */
static double reading_ms(struct rig *rig)
{
	struct vgpu_dev *devs = calloc(VMS, sizeof(*devs));
	struct vgpu_group_reading *group = malloc(sizeof(*group));
	struct vgpu_gpu *gpu = calloc(1, sizeof(*gpu));
	struct vgpu_exec_attach attach = rig->attach;
	struct vgpu_limits limits = rig_limits();
	struct vgpu_latency_reading latency;
	struct vgpu_metrics_reading metrics;
	u64 samples[5], seed = 1;
	struct vgpu_stats stats;
	struct vgpu_pool pool;
	u32 i, j;

	attach.memory = 1ULL << 40;
	vgpu_pool_init(&pool, "bench");
	vgpu_gpu_init(gpu, &attach, rig->gpu.ops, rig);
	vgpu_pool_add(&pool, gpu);
	for (i = 0; i < VMS; i++) {
		u8 uuid[16] = { 1, [14] = (u8)(i >> 8), [15] = (u8)i };

		limits.tier = i % VGPU_TIER_COUNT;
		vgpu_dev_init(&devs[i], gpu, uuid, &limits, NULL);
		fill(&devs[i], vgpu_now_ns(), &seed);
	}
	for (j = 0; j < ARRAY_SIZE(samples); j++) {
		samples[j] = bench_ns();
		for (i = 0; i < VMS; i++) {
			vgpu_dev_read_stats(&devs[i], &stats);
			vgpu_dev_read_metrics(&devs[i], &metrics);
			vgpu_dev_read_latency(&devs[i], VGPU_WINDOW_ALL, &latency);
			summarise(&latency);
			vgpu_latency_free(&latency);
		}
		vgpu_gpu_read_group(gpu, 1, group);
		read_group(group);
		for (i = 0; i <= VGPU_TIER_COUNT; i++) {
			vgpu_pool_read_group(&pool, i, 1, group);
			read_group(group);
		}
		samples[j] = bench_ns() - samples[j];
	}
	for (i = 0; i < VMS; i++)
		vgpu_dev_destroy(&devs[i]);
	vgpu_pool_remove(&pool, gpu);
	vgpu_pool_destroy(&pool);
	vgpu_gpu_destroy(gpu);
	free(gpu);
	free(group);
	free(devs);
	return best_ms(samples, ARRAY_SIZE(samples));
}

static void scrape(struct rig *rig)
{
	double render = rendering_ms(), read = reading_ms(rig);

	ROW(.name = "metrics/read-1024", .value = read, .unit = "ms", .beside = "writing their text", .beside_value = render);
	ROW(.name = "metrics/scrape-1024", .value = read + render, .unit = "ms", .beside = "nothing", .beside_value = 0,
	    .goal = GOAL_AT_MOST, .limit = 200, .on_value = true);
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
	if (bench_wanted(argc, argv, "metrics/scrape"))
		scrape(rig);
	return 0;
}
