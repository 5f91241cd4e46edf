// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Strikes and quarantine.
 *
 * Each kind of misbehaviour has a bucket of strikes that are forgiven. A virtual GPU that has used
 * one up is condemned where that is seen, and quarantined by the next pump, which holds the same
 * lock: its sessions are lost, and what it submits is refused, until it is released.
 */

#include "core.h"
#include "trace.h"

/* Strikes that a guest can make at will are told of at most this often. */
#define TELL_INTERVAL	(1ULL * NSEC_PER_SEC)
#define DOUBLINGS_MAX	32u

static const u8 event_of[VGPU_STRIKE_COUNT] = {
	[VGPU_STRIKE_HANG] = VGPU_EV_HANG,
	[VGPU_STRIKE_FAULT] = VGPU_EV_FAULT,
	[VGPU_STRIKE_MALFORMED] = VGPU_EV_MALFORMED,
	[VGPU_STRIKE_QUOTA] = VGPU_EV_OVER_QUOTA,
	[VGPU_STRIKE_DOORBELL] = VGPU_EV_DOORBELL_STORM,
};

/**
 * vgpu_event() - tell the host of something
 * @dev: of which virtual GPU
 * @type: enum vgpu_event_type
 * @session: number of the session, VGPU_NO_SESSION for none
 * @detail: as the type says
 * @value: as the type says
 * @now: time
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_event(struct vgpu_dev *dev, enum vgpu_event_type type, u32 session, u32 detail, u64 value,
		u64 now)
{
	const struct vgpu_event event = {
		.type = type,
		.session = session,
		.detail = detail,
		.time_ns = now,
		.value = value,
	};

	if (dev->gpu->ops->event)
		dev->gpu->ops->event(dev->gpu, dev, &event);
}

static void condemn(struct vgpu_dev *dev, u8 cause)
{
	dev->quarantine.cause = cause;
	if (list_empty(&dev->quarantine_node))
		list_add_tail(&dev->quarantine_node, &dev->gpu->condemned);
}

/* Whether an event of this kind is due; hangs and faults cost the guest too much to be many. */
static bool tell(struct vgpu_dev *dev, enum vgpu_strike kind, u64 now)
{
	if (kind == VGPU_STRIKE_HANG || kind == VGPU_STRIKE_FAULT)
		return true;
	if (kind == VGPU_STRIKE_DOORBELL)
		return false;
	if (dev->told_ns[kind] && now - dev->told_ns[kind] < TELL_INTERVAL)
		return false;
	dev->told_ns[kind] = now;
	return true;
}

/**
 * vgpu_strike() - a virtual GPU misbehaved
 * @dev: which
 * @kind: how
 * @session: number of the session, VGPU_NO_SESSION for none
 * @detail: status of the command, or 0
 * @now: time
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_strike(struct vgpu_dev *dev, enum vgpu_strike kind, u32 session, u32 detail, u64 now)
{
	struct vgpu_bucket *bucket = &dev->strike[kind];

	dev->counters.strikes[kind]++;
	if (tell(dev, kind, now))
		vgpu_event(dev, event_of[kind], session, detail, dev->counters.strikes[kind], now);
	if (!bucket->rate || dev->quarantined || !list_empty(&dev->quarantine_node))
		return;
	vgpu_bucket_refill(bucket, now);
	if (!vgpu_bucket_has(bucket, 1)) {
		if (kind == VGPU_STRIKE_DOORBELL)
			vgpu_event(dev, VGPU_EV_DOORBELL_STORM, session, 0,
				   dev->counters.strikes[kind], now);
		condemn(dev, kind);
		return;
	}
	vgpu_bucket_spend(bucket, 1);
}

static void refill_strikes(struct vgpu_dev *dev, u64 now)
{
	u32 kind;

	for (kind = 0; kind < VGPU_STRIKE_COUNT; kind++) {
		dev->strike[kind].level = dev->strike[kind].full;
		dev->strike[kind].since_ns = now;
	}
}

static u64 back_off(const struct vgpu_dev *dev)
{
	u32 doublings = min(dev->quarantine.count - 1, DOUBLINGS_MAX);
	u64 most = dev->limits.quarantine_max_ns;

	if (dev->limits.quarantine_ns > most >> doublings)
		return most;
	return dev->limits.quarantine_ns << doublings;
}

static void begin(struct vgpu_dev *dev, u64 now)
{
	struct vgpu_quarantine *quarantine = &dev->quarantine;
	struct vgpu_gpu *gpu = dev->gpu;
	u32 i;

	/* Who kept quiet for long starts from the shortest again. */
	if (quarantine->count && now - quarantine->released_ns > 2 * dev->limits.quarantine_max_ns)
		quarantine->count = 0;
	quarantine->count++;
	quarantine->since_ns = now;
	quarantine->until_ns = 0;
	if (dev->limits.quarantine_ns && quarantine->cause < VGPU_STRIKE_COUNT) {
		quarantine->until_ns = now + back_off(dev);
		vgpu_gpu_need_tick(gpu, quarantine->until_ns);
	}
	dev->quarantined = true;
	list_move_tail(&dev->quarantine_node, &gpu->quarantined);
	trace_vgpu_quarantine(dev->uuid, 1, quarantine->cause, quarantine->until_ns);
	vgpu_event(dev, VGPU_EV_QUARANTINED, VGPU_NO_SESSION, quarantine->cause,
		   quarantine->until_ns ? quarantine->until_ns - now : 0, now);
	for (i = 0; i < VGPU_MAX_SESSIONS; i++)
		if (dev->sessions[i])
			vgpu_session_lose(dev->sessions[i], VGPU_ST_QUARANTINED);
	gpu->ops->signal(dev, VGPU_VECTOR_CONFIG);
}

static void end(struct vgpu_dev *dev, bool by_hand, u64 now)
{
	trace_vgpu_quarantine(dev->uuid, 0, dev->quarantine.cause, 0);
	list_del_init(&dev->quarantine_node);
	dev->quarantined = false;
	dev->quarantine.until_ns = 0;
	dev->quarantine.released_ns = now;
	if (by_hand)
		dev->quarantine.count = 0;
	refill_strikes(dev, now);
	vgpu_event(dev, VGPU_EV_RELEASED, VGPU_NO_SESSION, by_hand,
		   now - dev->quarantine.since_ns, now);
	dev->gpu->ops->signal(dev, VGPU_VECTOR_CONFIG);
}

/**
 * vgpu_quarantine_begin() - quarantine who was condemned
 * @gpu: any
 *
 * Context: vgpu_gpu.lock held; by vgpu_gpu_pump() alone.
 */
void vgpu_quarantine_begin(struct vgpu_gpu *gpu)
{
	struct vgpu_dev *dev;

	while (!list_empty(&gpu->condemned)) {
		dev = list_first_entry(&gpu->condemned, struct vgpu_dev, quarantine_node);
		begin(dev, vgpu_now_ns());
	}
}

/**
 * vgpu_quarantine_tick() - release those whose time is over
 * @gpu: any
 * @now: time
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_quarantine_tick(struct vgpu_gpu *gpu, u64 now)
{
	struct vgpu_dev *dev, *next;

	list_for_each_entry_safe(dev, next, &gpu->quarantined, quarantine_node) {
		if (!dev->quarantine.until_ns)
			continue;
		if (now >= dev->quarantine.until_ns)
			end(dev, false, now);
		else
			vgpu_gpu_need_tick(gpu, dev->quarantine.until_ns);
	}
}

/**
 * vgpu_quarantine_set() - have a virtual GPU's strikes follow its limits
 * @dev: its limits changed, or it is new
 * @now: time
 *
 * A quarantine that is under way keeps its end.
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_quarantine_set(struct vgpu_dev *dev, u64 now)
{
	const struct vgpu_strike_limit *limit;
	u32 kind;

	for (kind = 0; kind < VGPU_STRIKE_COUNT; kind++) {
		limit = &dev->limits.strike[kind];
		vgpu_bucket_set(&dev->strike[kind], limit->threshold, limit->window_ns,
				limit->threshold, now);
	}
}

/**
 * vgpu_dev_quarantine() - quarantine a virtual GPU at an administrator's word
 * @dev: any
 *
 * It stays so until vgpu_dev_release().
 *
 * Return: 0, or -EALREADY if it is quarantined until then. Context: any process.
 */
int vgpu_dev_quarantine(struct vgpu_dev *dev)
{
	int err = -EALREADY;

	spin_lock(&dev->gpu->lock);
	if (!dev->quarantined) {
		condemn(dev, VGPU_STRIKE_COUNT);
		vgpu_gpu_pump(dev->gpu);
		err = 0;
	} else if (dev->quarantine.until_ns) {
		/* It had an end of its own: now it has none. */
		dev->quarantine.cause = VGPU_STRIKE_COUNT;
		dev->quarantine.until_ns = 0;
		err = 0;
	}
	spin_unlock(&dev->gpu->lock);
	return err;
}

/**
 * vgpu_dev_release() - end a virtual GPU's quarantine; the next one is the shortest again
 * @dev: any
 *
 * Return: 0, or -EALREADY if it is not quarantined. Context: any process.
 */
int vgpu_dev_release(struct vgpu_dev *dev)
{
	int err = -EALREADY;

	spin_lock(&dev->gpu->lock);
	if (dev->quarantined) {
		end(dev, true, vgpu_now_ns());
		vgpu_gpu_pump(dev->gpu);
		err = 0;
	}
	spin_unlock(&dev->gpu->lock);
	return err;
}

/**
 * vgpu_dev_read_quarantine() - how a virtual GPU stands
 * @dev: any
 * @info: filled in
 *
 * Context: any process.
 */
void vgpu_dev_read_quarantine(struct vgpu_dev *dev, struct vgpu_quarantine_info *info)
{
	u64 now = vgpu_now_ns();
	u32 kind;

	spin_lock(&dev->gpu->lock);
	info->active = dev->quarantined;
	info->cause = dev->quarantine.cause;
	info->count = dev->quarantine.count;
	info->since_ns = dev->quarantine.since_ns;
	info->until_ns = dev->quarantine.until_ns;
	for (kind = 0; kind < VGPU_STRIKE_COUNT; kind++) {
		struct vgpu_bucket *bucket = &dev->strike[kind];

		vgpu_bucket_refill(bucket, now);
		info->strikes[kind] = 0;
		if (bucket->rate)
			info->strikes[kind] = div64_u64(bucket->full - bucket->level +
							bucket->unit - 1, bucket->unit);
		info->total[kind] = dev->counters.strikes[kind];
	}
	spin_unlock(&dev->gpu->lock);
}
