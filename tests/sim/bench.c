// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/*
 * What a scheduling decision costs: enqueue, pick, start and end of a run, beside a plain fair scheduler over a
 * red-black tree under the same load. Prints rows for build/bench.json.
 */

#include <stdio.h>
#include <time.h>

#include "kmod/core/core.h"

#define MOST		1024u
#define ROUNDS		400000u
#define WARM		50000u
#define RUN_NS		500000u

static u32 samples[2][ROUNDS];

/* The plain one: least virtual run time first; no tiers, no aging, no prediction, no limits. */
struct plain_entity {
	struct rb_node node;
	u64 vruntime;
};

static struct {
	struct rb_root root;
	struct rb_node *first;
} plain;

static struct plain_entity plain_entities[MOST];

static void plain_enqueue(struct plain_entity *entity)
{
	struct rb_node **link = &plain.root.rb_node, *parent = NULL;
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
		plain.first = &entity->node;
	rb_link_node(&entity->node, parent, link);
	rb_insert_color(&entity->node, &plain.root);
}

static struct plain_entity *plain_pick(void)
{
	struct rb_node *node = plain.first;

	plain.first = rb_next(node);
	rb_erase(node, &plain.root);
	return rb_entry(node, struct plain_entity, node);
}

static struct vgpu_sched sched;
static struct vgpu_sched_vm vms[MOST];
static struct vgpu_sched_entity entities[MOST];

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

struct result {
	double median;
	double p99;
	double mean;
};

static struct result summarise(u32 *times, u64 overhead)
{
	struct result result = { 0 };
	u32 i;

	for (i = 0; i < ROUNDS; i++) {
		times[i] = times[i] > overhead ? times[i] - overhead : 0;
		result.mean += times[i];
	}
	qsort(times, ROUNDS, sizeof(*times), by_value);
	result.median = times[ROUNDS / 2];
	result.p99 = times[ROUNDS - ROUNDS / 100];
	result.mean /= ROUNDS;
	return result;
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

static void set_up(u32 count, u8 order)
{
	struct vgpu_policy policy = vgpu_policy_default;
	u32 i;

	policy.order = order;
	vgpu_sched_init(&sched);
	vgpu_sched_set_policy(&sched, &policy, 0);
	memset(vms, 0, sizeof(vms));
	memset(entities, 0, sizeof(entities));
	memset(&plain, 0, sizeof(plain));
	for (i = 0; i < count; i++) {
		vgpu_sched_add_vm(&sched, &vms[i], i, i % VGPU_TIER_COUNT);
		entities[i].vm = &vms[i];
		entities[i].id = i;
		entities[i].arrival = i;
		vgpu_sched_enqueue(&sched, &entities[i], 0);
		plain_entities[i].vruntime = i;
		plain_enqueue(&plain_entities[i]);
	}
}

/* Both turn by turn over the same load, so that whatever disturbs the machine disturbs both. */
static void measure(u32 count, u8 order, struct result *own, struct result *beside)
{
	u64 overhead = clock_overhead(), arrivals = count, now = NSEC_PER_SEC, start;
	struct vgpu_sched_entity *entity;
	struct plain_entity *other;
	struct vgpu_sched_run run;
	u32 i;

	set_up(count, order);
	for (i = 0; i < ROUNDS + WARM; i++) {
		u64 cost = cost_of(i);

		start = wall_ns();
		entity = vgpu_sched_pick(&sched, 0, now);
		vgpu_sched_start(&sched, entity, &run, i, RUN_NS, now);
		now += cost;
		vgpu_sched_done(&sched, &run, now);
		entity->arrival = arrivals++;
		entity->arrival_ns = now;
		vgpu_sched_enqueue(&sched, entity, now);
		samples[0][i % ROUNDS] = wall_ns() - start;

		start = wall_ns();
		other = plain_pick();
		other->vruntime += cost;
		plain_enqueue(other);
		samples[1][i % ROUNDS] = wall_ns() - start;
	}
	*own = summarise(samples[0], overhead);
	*beside = summarise(samples[1], overhead);
}

static void row(bool first, const char *name, double value, const char *unit, const char *beside, double beside_value,
		double ratio, const char *goal, bool reached)
{
	printf("%s\n  {\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", "
	       "\"beside\": \"%s\", \"beside_value\": %.4g, \"ratio\": %.4g, "
	       "\"goal\": \"%s\", \"reached\": %s}",
	       first ? "[" : ",", name, value, unit, beside, beside_value, ratio, goal, reached ? "true" : "false");
}

/* A change of what is dearest to change, the order inside tiers, with work of all virtual GPUs queued. */
static double policy_change_ns(void)
{
	struct vgpu_policy policy = vgpu_policy_default;
	u64 start, best = ~0ULL;
	u32 i;

	set_up(MOST, VGPU_ORDER_FIFO);
	for (i = 0; i < 50; i++) {
		policy.order = i % 2 ? VGPU_ORDER_FIFO : VGPU_ORDER_FAIR;
		start = wall_ns();
		vgpu_sched_set_policy(&sched, &policy, i);
		best = min(best, wall_ns() - start);
	}
	return best;
}

int main(void)
{
	static const u32 counts[] = { 8, 64, 1024 };
	static const char *const orders[] = { "fifo", "fair" };
	struct result own[2][ARRAY_SIZE(counts)], beside[2][ARRAY_SIZE(counts)];
	char name[64];
	u32 order, i;
	bool first = true;

	for (order = 0; order < 2; order++) {
		for (i = 0; i < ARRAY_SIZE(counts); i++) {
			const struct result *a = &own[order][i], *b = &beside[order][i];

			measure(counts[i], order, &own[order][i], &beside[order][i]);
			snprintf(name, sizeof(name), "sched/cycle-%s-%u", orders[order], counts[i]);
			row(first, name, a->median, "ns", "rbtree fair scheduler, median", b->median,
			    a->median / b->median, "<= 1.0", a->median <= b->median);
			first = false;
			snprintf(name, sizeof(name), "sched/cycle-p99-%s-%u", orders[order], counts[i]);
			row(first, name, a->p99, "ns", "rbtree fair scheduler, p99", b->p99, a->p99 / b->p99, "<= 1.0",
			    a->p99 <= b->p99);
		}
		snprintf(name, sizeof(name), "sched/growth-%s", orders[order]);
		row(first, name, own[order][2].median / own[order][0].median, "times",
		    "rbtree fair scheduler, 8 to 1024",
		    beside[order][2].median / beside[order][0].median,
		    own[order][2].median / own[order][0].median / (beside[order][2].median / beside[order][0].median),
		    "<= 1.2", own[order][2].median <= 1.2 * own[order][0].median);
	}
	row(first, "sched/memory-vm", sizeof(struct vgpu_dev), "bytes", "limit for an idle virtual GPU", 16384,
	    sizeof(struct vgpu_dev) / 16384.0, "<= 16384", sizeof(struct vgpu_dev) <= 16384);
	row(first, "sched/policy-change-1024", policy_change_ns() / 1e6, "ms", "limit", 10, policy_change_ns() / 1e7,
	    "<= 10 ms", policy_change_ns() <= 1e7);
	printf("\n]\n");
	return 0;
}
