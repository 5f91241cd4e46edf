// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Admission by rate: a virtual GPU's token buckets, and holding back what is over them.
 *
 * Compute time is spent as predicted when a run begins and corrected by the kernel's clock when it
 * ends; bytes are spent when a copy is dispatched, commands when they are fetched. A bucket that
 * still holds something lets one run, copy or command begin: what it takes more is owed. So a
 * virtual GPU never gets more than its rate, one burst and what was in flight when the burst ended.
 *
 * Who is held back waits: nothing is refused or lost.
 */

#include "core.h"

/* Buckets are not looked at more often, however fast they gain. */
#define HOLD_MIN	(100ULL * NSEC_PER_USEC)
/* An end of being held back is told of when it lasts this long. */
#define CALM		(1ULL * NSEC_PER_SEC)

static const u8 engines_of[VGPU_BUCKET_COUNT] = {
	[VGPU_BUCKET_GPU] = BIT(VGPU_ENGINE_COMPUTE),
	[VGPU_BUCKET_COPY] = BIT(VGPU_ENGINE_COPY_IN) | BIT(VGPU_ENGINE_COPY_OUT),
};

static void throttle(struct vgpu_dev *dev, u32 kind, bool on, u64 now)
{
	u32 engine;

	for (engine = 0; engine < VGPU_ENGINE_COUNT; engine++)
		if (engines_of[kind] & BIT(engine))
			vgpu_sched_throttle(&dev->gpu->sched, &dev->sched, engine, on, now);
}

/* What a bucket has to hold before its virtual GPU goes on. */
static u64 wanted(u32 kind)
{
	return kind == VGPU_BUCKET_COMMAND;
}

static void hold(struct vgpu_dev *dev, u32 kind, u64 now)
{
	u64 when = now + max(vgpu_bucket_when(&dev->bucket[kind], wanted(kind)), HOLD_MIN);

	if (dev->held & BIT(kind))
		return;
	if (!dev->held)
		dev->held_since_ns = now;
	dev->held |= BIT(kind);
	throttle(dev, kind, true, now);
	if (list_empty(&dev->held_node)) {
		list_add_tail(&dev->held_node, &dev->gpu->held);
		vgpu_event(dev, VGPU_EV_THROTTLED, VGPU_NO_SESSION, kind, 0, now);
	}
	vgpu_gpu_need_tick(dev->gpu, when);
}

static void let_go(struct vgpu_dev *dev, u32 kind, u64 now)
{
	dev->held &= ~BIT(kind);
	if (!dev->held) {
		dev->counters.throttled_ns += now - dev->held_since_ns;
		dev->held_since_ns = now;
	}
	throttle(dev, kind, false, now);
	if (kind == VGPU_BUCKET_COMMAND)
		list_splice_tail_init(&dev->paced, &dev->gpu->fetching);
}

static void look(struct vgpu_dev *dev, u32 kind, u64 now)
{
	struct vgpu_bucket *bucket = &dev->bucket[kind];

	vgpu_bucket_refill(bucket, now);
	if (vgpu_bucket_has(bucket, wanted(kind)))
		let_go(dev, kind, now);
	else
		vgpu_gpu_need_tick(dev->gpu,
				   now + max(vgpu_bucket_when(bucket, wanted(kind)), HOLD_MIN));
}

/**
 * vgpu_admit_set() - have a virtual GPU's buckets follow its limits
 * @dev: its limits changed, or it is new
 * @now: time
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_admit_set(struct vgpu_dev *dev, u64 now)
{
	const struct vgpu_limits *limits = &dev->limits;
	u32 kind;

	vgpu_bucket_set(&dev->bucket[VGPU_BUCKET_GPU], limits->gpu_share, VGPU_GPU_SHARE_UNIT,
			limits->gpu_burst_ns, now);
	vgpu_bucket_set(&dev->bucket[VGPU_BUCKET_COPY], limits->copy_rate, NSEC_PER_SEC,
			min(limits->copy_burst, VGPU_COPY_BURST_MAX), now);
	vgpu_bucket_set(&dev->bucket[VGPU_BUCKET_COMMAND], limits->cmd_rate, NSEC_PER_SEC,
			limits->cmd_burst, now);
	for (kind = 0; kind < VGPU_BUCKET_COUNT; kind++)
		if (dev->held & BIT(kind))
			look(dev, kind, now);
}

/**
 * vgpu_admit_spend() - charge a virtual GPU's bucket
 * @dev: whose
 * @kind: enum vgpu_bucket_kind
 * @tokens: nanoseconds of compute time, bytes or commands
 * @now: time
 *
 * Where nothing is left, it is held back from now on.
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_admit_spend(struct vgpu_dev *dev, enum vgpu_bucket_kind kind, u64 tokens, u64 now)
{
	struct vgpu_bucket *bucket = &dev->bucket[kind];

	if (!bucket->rate)
		return;
	vgpu_bucket_refill(bucket, now);
	vgpu_bucket_spend(bucket, tokens);
	if (!vgpu_bucket_has(bucket, wanted(kind)))
		hold(dev, kind, now);
}

/**
 * vgpu_admit_correct() - a run took another time than it was charged
 * @dev: whose
 * @charged: charged so far, nanoseconds
 * @used: by the kernel's clock
 * @now: time
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_admit_correct(struct vgpu_dev *dev, u64 charged, u64 used, u64 now)
{
	struct vgpu_bucket *bucket = &dev->bucket[VGPU_BUCKET_GPU];

	if (used > charged) {
		/* Before the refill: what was gained while it ran is not lost to a full bucket. */
		vgpu_bucket_spend(bucket, used - charged);
		vgpu_admit_spend(dev, VGPU_BUCKET_GPU, 0, now);
	} else {
		vgpu_bucket_give_back(bucket, charged - used);
	}
}

/**
 * vgpu_admit_left() - whether a bucket would still hold something
 * @dev: whose
 * @kind: enum vgpu_bucket_kind
 * @tokens: were spent
 * @now: time
 *
 * Return: true if so, or if there is no limit. Context: vgpu_gpu.lock held.
 */
bool vgpu_admit_left(struct vgpu_dev *dev, enum vgpu_bucket_kind kind, u64 tokens, u64 now)
{
	struct vgpu_bucket *bucket = &dev->bucket[kind];
	s64 parts;

	vgpu_bucket_refill(bucket, now);
	if (!bucket->rate)
		return true;
	return !check_mul_overflow(tokens, bucket->unit, &parts) && bucket->level > parts;
}

/**
 * vgpu_admit_held() - whether a virtual GPU is held back by a bucket
 * @dev: any
 * @kind: enum vgpu_bucket_kind
 *
 * Return: true if so. Context: vgpu_gpu.lock held.
 */
bool vgpu_admit_held(const struct vgpu_dev *dev, enum vgpu_bucket_kind kind)
{
	return dev->held & BIT(kind);
}

/**
 * vgpu_admit_throttled_ns() - time that a virtual GPU was held back
 * @dev: any
 * @now: time
 *
 * Return: nanoseconds in which at least one bucket was empty. Context: vgpu_gpu.lock held.
 */
u64 vgpu_admit_throttled_ns(const struct vgpu_dev *dev, u64 now)
{
	return dev->counters.throttled_ns + (dev->held ? now - dev->held_since_ns : 0);
}

/**
 * vgpu_admit_tick() - let go on who may
 * @gpu: any
 * @now: time
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_admit_tick(struct vgpu_gpu *gpu, u64 now)
{
	struct vgpu_dev *dev, *next;
	u32 kind;

	list_for_each_entry_safe(dev, next, &gpu->held, held_node) {
		for (kind = 0; kind < VGPU_BUCKET_COUNT; kind++)
			if (dev->held & BIT(kind))
				look(dev, kind, now);
		if (dev->held)
			continue;
		if (now - dev->held_since_ns < CALM) {
			vgpu_gpu_need_tick(gpu, dev->held_since_ns + CALM);
			continue;
		}
		list_del_init(&dev->held_node);
		vgpu_event(dev, VGPU_EV_UNTHROTTLED, VGPU_NO_SESSION, 0,
			   dev->counters.throttled_ns, now);
	}
}
