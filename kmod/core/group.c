// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* What happened on a GPU, in a pool, in a tier: see group.h. */

#include "core.h"

/* Virtual GPUs that are read before others have the GPU's lock. */
#define READ_BATCH	16u

static_assert(sizeof(struct vgpu_sums) % sizeof(u64) == 0);

static void add_sums(struct vgpu_sums *to, const struct vgpu_sums *from)
{
	const u64 *source = (const u64 *)from;
	u64 *target = (u64 *)to;
	u32 i;

	for (i = 0; i < sizeof(*to) / sizeof(u64); i++)
		target[i] += source[i];
}

static void subtract_sums(struct vgpu_sums *to, const struct vgpu_sums *from)
{
	const u64 *source = (const u64 *)from;
	u64 *target = (u64 *)to;
	u32 i;

	for (i = 0; i < sizeof(*to) / sizeof(u64); i++)
		target[i] -= source[i];
}

/* All that happened to a virtual GPU. */
static void read_sums(struct vgpu_dev *dev, struct vgpu_sums *sums, u64 now)
{
	const struct vgpu_metrics *metrics = &dev->metrics;
	u32 i;

	sums->counters = dev->counters;
	sums->counters.memory_peak = 0;
	sums->counters.throttled_ns = vgpu_admit_throttled_ns(dev, now);
	for (i = 0; i < VGPU_ENGINE_COUNT; i++) {
		vgpu_sched_sync(&dev->gpu->sched, i, now);
		sums->counters.busy_ns[i] =
			vgpu_sched_share_of(&dev->gpu->sched, &dev->sched, i)->busy_ns;
	}
	memcpy(sums->commands, metrics->commands, sizeof(sums->commands));
	memcpy(sums->bytes, metrics->bytes, sizeof(sums->bytes));
	memcpy(sums->errors, metrics->errors, sizeof(sums->errors));
	sums->switches = metrics->switches;
	sums->unseen = metrics->unseen;
	sums->depth_ns = vgpu_metrics_depth_ns(metrics, now);
}

/**
 * vgpu_group_memory() - a virtual GPU's use of device memory changes
 * @dev: which
 * @bytes: by how much
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_group_memory(struct vgpu_dev *dev, s64 bytes)
{
	dev->memory_used += bytes;
	dev->counters.memory_peak = max(dev->counters.memory_peak, dev->memory_used);
	vgpu_level_add(&dev->gpu->memory[dev->limits.tier], bytes);
	vgpu_level_add(&dev->gpu->memory[VGPU_TIER_COUNT], bytes);
}

static void credit(struct vgpu_dev *dev, struct vgpu_tally *past, u64 now)
{
	if (past)
		subtract_sums(&past->sums, &dev->credited);
	read_sums(dev, &dev->credited, now);
	dev->credited.counters.submitted -= dev->waiting;
	if (past)
		add_sums(&past->sums, &dev->credited);
	vgpu_metrics_credit(dev, past ? &past->latency : NULL, now);
}

/**
 * vgpu_group_credit() - what happened to a virtual GPU is its pool's and tier's for good
 * @dev: about to change either
 * @now: time
 *
 * Commands that wait are not: they will be of the tier in which they complete.
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_group_credit(struct vgpu_dev *dev, u64 now)
{
	struct vgpu_pool *pool = dev->gpu->pool;

	if (!pool) {
		credit(dev, NULL, now);
		return;
	}
	spin_lock(&pool->past_lock);
	credit(dev, &pool->past[dev->limits.tier], now);
	spin_unlock(&pool->past_lock);
}

/**
 * vgpu_group_change_tier() - a virtual GPU goes from one tier to another
 * @dev: in the tier that its limits say
 * @tier: the other
 * @now: time
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_group_change_tier(struct vgpu_dev *dev, u32 tier, u64 now)
{
	struct vgpu_gpu *gpu = dev->gpu;
	u32 old = dev->limits.tier;

	if (tier == old)
		return;
	vgpu_group_credit(dev, now);
	vgpu_level_add(&gpu->depth[old], -(s64)dev->metrics.accepted);
	vgpu_level_add(&gpu->depth[tier], dev->metrics.accepted);
	vgpu_level_add(&gpu->memory[old], -(s64)dev->memory_used);
	vgpu_level_add(&gpu->memory[tier], dev->memory_used);
}

/**
 * vgpu_group_retire() - a virtual GPU goes
 * @dev: idle
 * @now: time
 *
 * Context: vgpu_gpu.lock held; the scheduler still knows it.
 */
void vgpu_group_retire(struct vgpu_dev *dev, u64 now)
{
	vgpu_group_credit(dev, now);
	add_sums(&dev->gpu->past.sums, &dev->credited);
	vgpu_metrics_merge(dev, VGPU_WINDOW_ALL, false, &dev->gpu->past.latency, now);
}

/**
 * vgpu_tally_init() - nothing has happened yet
 * @tally: zeroed
 *
 * Context: any.
 */
void vgpu_tally_init(struct vgpu_tally *tally)
{
	tally->since_ns = vgpu_now_ns();
}

/**
 * vgpu_tally_clear() - give back memory
 * @tally: at its end
 *
 * Context: nobody else uses it.
 */
void vgpu_tally_clear(struct vgpu_tally *tally)
{
	vgpu_latency_free(&tally->latency);
}

static u32 count_workers(const struct vgpu_dev *dev, u32 *sessions)
{
	u32 i, workers = 0;

	for (i = 0; i < VGPU_MAX_SESSIONS; i++) {
		if (!dev->sessions[i])
			continue;
		++*sessions;
		workers += dev->sessions[i]->worker.state >= VGPU_WORKER_BOUND;
	}
	return workers;
}

/* Adds a virtual GPU; of what was credited already nothing where @uncredited is set. */
static void add_dev(struct vgpu_group_reading *reading, struct vgpu_dev *dev, bool uncredited,
		    u64 now)
{
	u32 window;

	read_sums(dev, &reading->scratch, now);
	add_sums(&reading->sums, &reading->scratch);
	if (uncredited)
		subtract_sums(&reading->sums, &dev->credited);
	reading->waiting += dev->waiting;
	reading->devs++;
	reading->quarantined += dev->quarantined;
	reading->throttled += !!dev->held;
	reading->workers += count_workers(dev, &reading->sessions);
	reading->metrics_memory += vgpu_metrics_memory(dev);
	for (window = 0; window < reading->windows; window++)
		vgpu_metrics_merge(dev, window, uncredited, &reading->latency[window], now);
}

static void add_tally(struct vgpu_group_reading *reading, const struct vgpu_tally *past)
{
	reading->age_ns = max(reading->age_ns, vgpu_now_ns() - past->since_ns);
	add_sums(&reading->sums, &past->sums);
	vgpu_latency_merge(&reading->latency[VGPU_WINDOW_ALL], past->latency.part);
}

/*
 * Adds up to READ_BATCH virtual GPUs of a tier, or of any if it is VGPU_TIER_COUNT, whose numbers
 * are not below @from. Returns the number to go on from, 0 if these were all.
 */
static u64 add_some(struct vgpu_group_reading *reading, struct vgpu_gpu *gpu, u32 tier,
		    bool uncredited, u64 from)
{
	struct vgpu_dev *dev;
	u32 count = 0;

	/* They are in the order of their numbers. */
	list_for_each_entry(dev, &gpu->devs, gpu_node) {
		if (dev->sched.id < from || (tier < VGPU_TIER_COUNT && dev->limits.tier != tier))
			continue;
		if (count++ == READ_BATCH)
			return dev->sched.id;
		add_dev(reading, dev, uncredited, vgpu_now_ns());
	}
	return 0;
}

static void add_levels(struct vgpu_group_reading *reading, const struct vgpu_gpu *gpu, u32 tier)
{
	reading->depth_max = max(reading->depth_max, gpu->depth[tier].max);
	reading->memory_used += gpu->memory[tier].now;
	reading->memory_peak += gpu->memory[tier].max;
}

/**
 * vgpu_gpu_read_group() - what happened on a GPU
 * @gpu: any
 * @windows: of latency: 1 for all time alone, which is cheaper, or VGPU_WINDOW_COUNT
 * @reading: filled in; vgpu_group_free() gives back its memory
 *
 * What one virtual GPU adds is consistent. One that comes or goes meanwhile may be missing or
 * not; none counts twice.
 *
 * Context: any process.
 */
void vgpu_gpu_read_group(struct vgpu_gpu *gpu, u32 windows, struct vgpu_group_reading *reading)
{
	u64 from = 0;

	memset(reading, 0, sizeof(*reading));
	reading->windows = windows;
	spin_lock(&gpu->lock);
	/* First: one that goes afterwards was counted, or will be missing and not counted twice. */
	add_tally(reading, &gpu->past);
	add_levels(reading, gpu, VGPU_TIER_COUNT);
	for (;;) {
		from = add_some(reading, gpu, VGPU_TIER_COUNT, false, from);
		if (!from)
			break;
		spin_unlock(&gpu->lock);
		spin_lock(&gpu->lock);
	}
	spin_unlock(&gpu->lock);
}

/**
 * vgpu_pool_read_group() - what happened in a pool
 * @pool: any
 * @tier: of virtual GPUs in this tier, VGPU_TIER_COUNT for all
 * @windows: as for vgpu_gpu_read_group()
 * @reading: likewise
 *
 * Context: may sleep.
 */
void vgpu_pool_read_group(struct vgpu_pool *pool, u32 tier, u32 windows,
			  struct vgpu_group_reading *reading)
{
	struct vgpu_gpu *gpu;
	u64 from;
	u32 i;

	memset(reading, 0, sizeof(*reading));
	reading->windows = windows;
	mutex_lock(&pool->lock);
	spin_lock(&pool->past_lock);
	for (i = 0; i < VGPU_TIER_COUNT; i++)
		if (tier == VGPU_TIER_COUNT || tier == i)
			add_tally(reading, &pool->past[i]);
	spin_unlock(&pool->past_lock);
	list_for_each_entry(gpu, &pool->gpus, pool_node) {
		from = 0;
		do {
			spin_lock(&gpu->lock);
			if (!from)
				add_levels(reading, gpu, tier);
			from = add_some(reading, gpu, tier, true, from);
			spin_unlock(&gpu->lock);
		} while (from);
	}
	mutex_unlock(&pool->lock);
}

/**
 * vgpu_group_free() - give back the memory of a reading
 * @reading: from vgpu_gpu_read_group() or vgpu_pool_read_group()
 *
 * Context: any.
 */
void vgpu_group_free(struct vgpu_group_reading *reading)
{
	u32 window;

	for (window = 0; window < VGPU_WINDOW_COUNT; window++)
		vgpu_latency_free(&reading->latency[window]);
}
