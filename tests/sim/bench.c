// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * What a scheduling decision costs: enqueue, pick, start and end of a run, beside a plain fair scheduler over a
 * red-black tree under the same load. Prints rows for build/bench.json.
 */

#include <malloc.h>
#include <stdio.h>
#include <time.h>

#include "kmod/core/core.h"

#define MOST		1024u
#define BATCH		128u
#define BATCHES		8000u
#define SINGLES		(1500u * BATCH)
#define WARM		50000u
#define RUN_NS		500000u
#define IDLE		64u	/* virtual GPUs whose memory is measured */


/* The plain one: least virtual run time first; no tiers, no aging, no prediction, no limits. */
struct plain_entity {
	struct rb_node node;
	u64 vruntime;
};

struct plain {
	struct rb_root root;
	struct rb_node *first;
};

static void plain_enqueue(struct plain *plain, struct plain_entity *entity)
{
	struct rb_node **link = &plain->root.rb_node, *parent = NULL;
	bool first = true;

	while (*link) {
		parent = *link;
		if ((s64)(entity->vruntime - rb_entry(parent, struct plain_entity, node)->vruntime) < 0) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			first = false;
		}
	}
	if (first)
		plain->first = &entity->node;
	rb_link_node(&entity->node, parent, link);
	rb_insert_color(&entity->node, &plain->root);
}

static struct plain_entity *plain_pick(struct plain *plain)
{
	struct rb_node *node = plain->first;

	plain->first = rb_next(node);
	rb_erase(node, &plain->root);
	return rb_entry(node, struct plain_entity, node);
}

/* Both with so many virtual GPUs, each of which always has a command: it submits the next when one completes. */
struct load {
	struct vgpu_sched sched;
	struct vgpu_sched_vm vms[MOST];
	struct vgpu_sched_entity entities[MOST];
	struct vgpu_sched_run run;
	u64 arrivals;
	u64 now;
	u32 round;
	struct plain plain;
	struct plain_entity plain_entities[MOST];
	u32 plain_round;
};

static const u32 counts[] = { 8, 64, 1024 };
#define SIZES	ARRAY_SIZE(counts)

static struct load loads[SIZES];

static u64 wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static u64 cost_of(u32 round)
{
	return RUN_NS / 2 + round * 2654435761u % RUN_NS;
}

static int by_value(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return (x > y) - (x < y);
}

static u64 clock_overhead(void)
{
	static u32 times[10001];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(times); i++) {
		u64 start = wall_ns();

		times[i] = wall_ns() - start;
	}
	qsort(times, ARRAY_SIZE(times), sizeof(*times), by_value);
	return times[ARRAY_SIZE(times) / 2];
}

static void set_up(struct load *load, u32 count, u8 order)
{
	struct vgpu_policy policy = vgpu_policy_default;
	u32 i;

	vgpu_sched_destroy(&load->sched);
	memset(load, 0, sizeof(*load));
	policy.order = order;
	if (vgpu_sched_init(&load->sched, VGPU_SCHED_VMS))
		abort();
	vgpu_sched_set_policy(&load->sched, &policy, 0);
	load->arrivals = count;
	load->now = NSEC_PER_SEC;
	for (i = 0; i < count; i++) {
		struct vgpu_sched_entity *entity = &load->entities[i];

		vgpu_sched_add_vm(&load->sched, &load->vms[i], i, i % VGPU_TIER_COUNT, VGPU_VM_WEIGHT_DEFAULT,
				  VGPU_SCHED_ANY_SLOT);
		vgpu_sched_entity_init(entity, &load->vms[i], i);
		entity->arrival = i;
		vgpu_sched_enqueue(&load->sched, entity, 0);
		load->plain_entities[i].vruntime = i;
		plain_enqueue(&load->plain, &load->plain_entities[i]);
	}
}

static void own_cycle(struct load *load)
{
	struct vgpu_sched_entity *entity = vgpu_sched_pick(&load->sched, 0, load->now);

	vgpu_sched_start(&load->sched, entity, &load->run, load->round, RUN_NS, load->now);
	load->now += cost_of(load->round++);
	vgpu_sched_done(&load->sched, &load->run, load->now);
	entity->arrival = load->arrivals++;
	entity->arrival_ns = load->now;
	vgpu_sched_enqueue(&load->sched, entity, load->now);
}

static void plain_cycle(struct load *load)
{
	struct plain_entity *entity = plain_pick(&load->plain);

	entity->vruntime += cost_of(load->plain_round++);
	plain_enqueue(&load->plain, entity);
}

static void (*const cycles[])(struct load *load) = { own_cycle, plain_cycle };

static u64 timed(void (*cycle)(struct load *load), struct load *load, u32 count)
{
	u64 start = wall_ns();
	u32 i;

	for (i = 0; i < count; i++)
		cycle(load);
	return wall_ns() - start;
}

struct result {
	double median;
	double p99;
};

static u32 samples[SIZES][2][SINGLES];

static double quantile(u32 *times, u32 number, double q, u64 overhead)
{
	u32 value;

	qsort(times, number, sizeof(*times), by_value);
	value = times[(u32)(number * q)];
	return value > overhead ? value - overhead : 0;
}

/*
 * All sizes and both schedulers turn by turn, so that whatever disturbs the machine disturbs all. The median is of
 * batches, as the clock is too coarse for one cycle; the 99th percentile of single cycles.
 */
static void measure(u8 order, struct result results[SIZES][2])
{
	u64 overhead = clock_overhead();
	u32 i, j, size, which;

	for (size = 0; size < SIZES; size++) {
		set_up(&loads[size], counts[size], order);
		timed(own_cycle, &loads[size], WARM);
		timed(plain_cycle, &loads[size], WARM);
	}
	for (i = 0; i < BATCHES; i++)
		for (size = 0; size < SIZES; size++)
			for (which = 0; which < 2; which++)
				samples[size][which][i] = timed(cycles[which], &loads[size], BATCH);
	for (size = 0; size < SIZES; size++)
		for (which = 0; which < 2; which++)
			results[size][which].median =
				quantile(samples[size][which], BATCHES, 0.5, overhead) / BATCH;
	for (i = 0; i < SINGLES; i += BATCH)
		for (size = 0; size < SIZES; size++)
			for (which = 0; which < 2; which++)
				for (j = i; j < i + BATCH; j++)
					samples[size][which][j] = timed(cycles[which], &loads[size], 1);
	for (size = 0; size < SIZES; size++)
		for (which = 0; which < 2; which++)
			results[size][which].p99 = quantile(samples[size][which], SINGLES, 0.99, overhead);
}

/* One row for build/bench.json; a row without a goal is there to be seen. */
static void row(const char *name, double value, const char *unit, const char *beside, double beside_value,
		double most_ratio, const char *goal)
{
	double ratio = value / beside_value;

	printf("{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", \"beside\": \"%s\", "
	       "\"beside_value\": %.4g, \"ratio\": %.3g, \"goal\": \"%s\", \"reached\": %s}\n", name, value, unit,
	       beside, beside_value, ratio, goal ? goal : "", !goal ? "null" : ratio <= most_ratio ? "true" : "false");
}

/*
 * A change of what is dearest to change, the order inside tiers, with work of all virtual GPUs queued; and what of that work is
 * not dispatched after fifty of them.
 */
static double policy_change_ns(u32 *lost)
{
	struct vgpu_policy policy = vgpu_policy_default;
	struct vgpu_sched_entity *entity;
	struct load *load = &loads[0];
	u64 start, best = ~0ULL;
	u32 i;

	set_up(load, MOST, VGPU_ORDER_FIFO);
	for (i = 0; i < 50; i++) {
		policy.order = i % 2 ? VGPU_ORDER_FIFO : VGPU_ORDER_FAIR;
		start = wall_ns();
		vgpu_sched_set_policy(&load->sched, &policy, load->now);
		best = min(best, wall_ns() - start);
	}
	for (*lost = MOST; (entity = vgpu_sched_pick(&load->sched, 0, load->now)); --*lost)
		vgpu_sched_dequeue(&load->sched, entity, load->now);
	return best;
}

/* What making a virtual GPU takes from the heap, and its part of what its GPU's scheduler has for each. */
static double memory_of_vm(void)
{
	static const struct vgpu_host_ops ops;
	struct vgpu_exec_attach attach = { .memory = 1ULL << 40, .granule = 2ULL << 20 };
	struct vgpu_limits limits = vgpu_limits_default;
	struct vgpu_dev *devs[IDLE];
	struct vgpu_gpu *gpu = calloc(1, sizeof(*gpu));
	u8 uuid[16] = { 0 };
	size_t before, after, arrays;
	u32 i;

	limits.memory = 1ULL << 30;
	limits.aperture = 256ULL << 20;
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	if (!gpu || vgpu_gpu_init(gpu, &attach, &ops, NULL))
		abort();
	arrays = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (i = 0; i < IDLE; i++) {
		devs[i] = calloc(1, sizeof(*devs[i]));
		uuid[0] = i;
		if (!devs[i] || vgpu_dev_init(devs[i], gpu, uuid, &limits, NULL))
			abort();
	}
	after = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (i = 0; i < IDLE; i++) {
		vgpu_dev_destroy(devs[i]);
		free(devs[i]);
	}
	vgpu_gpu_destroy(gpu);
	free(gpu);
	return (double)(after - before) / IDLE + (double)arrays / VGPU_SCHED_VMS;
}

int main(void)
{
	static const char *const orders[] = { "fifo", "fair" };
	struct result results[SIZES][2];
	double growth, beside, change;
	u32 order, lost, i;
	char name[64];

	for (order = 0; order < 2; order++) {
		measure(order, results);
		for (i = 0; i < SIZES; i++) {
			const struct result *a = &results[i][0], *b = &results[i][1];

			snprintf(name, sizeof(name), "sched/cycle-%s-%u", orders[order], counts[i]);
			row(name, a->median, "ns", "plain rbtree fair scheduler, median", b->median, 1.0,
			    counts[i] == MOST ? "no slower than the plain one" : NULL);
			snprintf(name, sizeof(name), "sched/cycle-p99-%s-%u", orders[order], counts[i]);
			row(name, a->p99, "ns", "plain rbtree fair scheduler, p99", b->p99, 1.0, NULL);
		}
		growth = results[SIZES - 1][0].median / results[0][0].median;
		beside = results[SIZES - 1][1].median / results[0][1].median;
		snprintf(name, sizeof(name), "sched/growth-%s", orders[order]);
		row(name, growth, "times", "plain rbtree fair scheduler, 8 to 1024 VMs", beside, 1.2 / beside,
		    "at most 1.2-fold from 8 to 1024 VMs");
	}
	row("sched/memory-vm", memory_of_vm(), "bytes", "limit for an idle virtual GPU", 16384, 1.0, "at most 16 KiB");
	change = policy_change_ns(&lost) / 1e6;
	row("sched/policy-change-1024", change, "ms", "limit", 10, 1.0, "in force for 1024 VMs within 10 ms");
	row("sched/policy-change-lost", lost, "commands", "queued while 50 changes came", MOST, 0, "none lost");
	return 0;
}
