// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Limits of a virtual GPU: their bounds, their defaults, and changing them while it runs.
 */

#include "core.h"

#define APERTURE_MIN	BIT_ULL(20)

/* All but memory and aperture, which come from the type. */
const struct vgpu_limits vgpu_limits_default = {
	.deadline_ns = VGPU_DEADLINE_DEFAULT,
	.depth = VGPU_DEPTH_DEFAULT,
	.sessions = 16,
	.tier = VGPU_TIER_MEDIUM,
	.weight = VGPU_VM_WEIGHT_DEFAULT,
	.gpu_burst_ns = VGPU_GPU_BURST_DEFAULT,
	.copy_burst = VGPU_COPY_BURST_DEFAULT,
	.cmd_burst = VGPU_CMD_BURST_DEFAULT,
	.strike = {
		[VGPU_STRIKE_HANG] = { 3, 600 * NSEC_PER_SEC },
		[VGPU_STRIKE_FAULT] = { 64, 600 * NSEC_PER_SEC },
		[VGPU_STRIKE_MALFORMED] = { 256, 60 * NSEC_PER_SEC },
		[VGPU_STRIKE_QUOTA] = { 0, 60 * NSEC_PER_SEC },
		[VGPU_STRIKE_DOORBELL] = { 1000000, 10 * NSEC_PER_SEC },
	},
	.quarantine_ns = 30 * NSEC_PER_SEC,
	.quarantine_max_ns = 3600 * NSEC_PER_SEC,
};

static int check_rates(const struct vgpu_limits *limits, const char **why)
{
	if (limits->gpu_share && (limits->gpu_share < VGPU_GPU_SHARE_MIN ||
				  limits->gpu_share > VGPU_GPU_SHARE_UNIT))
		*why = "GPU share is not 0 or between 0.1 % and 100 %";
	else if (limits->gpu_burst_ns < VGPU_GPU_BURST_MIN ||
		 limits->gpu_burst_ns > VGPU_GPU_BURST_MAX)
		*why = "GPU burst is not between 1 ms and 10 s";
	else if (limits->copy_rate && (limits->copy_rate < VGPU_COPY_RATE_MIN ||
				       limits->copy_rate > VGPU_COPY_RATE_MAX))
		*why = "copy rate is not 0 or between 1 MiB/s and 1 TiB/s";
	else if (limits->copy_burst < VGPU_COPY_BURST_MIN ||
		 limits->copy_burst > VGPU_COPY_BURST_MAX)
		*why = "copy burst is not between 64 KiB and 4 GiB";
	else if (limits->cmd_rate > VGPU_CMD_RATE_MAX)
		*why = "command rate is not between 0 and 100000000/s";
	else if (limits->cmd_burst < VGPU_CMD_BURST_MIN || limits->cmd_burst > VGPU_CMD_BURST_MAX)
		*why = "command burst is not between 1 and 1000000";
	else
		return 0;
	return -EINVAL;
}

static int check_quarantine(const struct vgpu_limits *limits, const char **why)
{
	const struct vgpu_strike_limit *strike;

	for (strike = limits->strike; strike < limits->strike + VGPU_STRIKE_COUNT; strike++) {
		if (strike->threshold > VGPU_STRIKES_MAX) {
			*why = "strikes are not between 0 and 10000000";
			return -EINVAL;
		}
		if (strike->window_ns < VGPU_STRIKE_WINDOW_MIN ||
		    strike->window_ns > VGPU_STRIKE_WINDOW_MAX) {
			*why = "window of strikes is not between 1 ms and 15 min";
			return -EINVAL;
		}
	}
	if (limits->quarantine_ns && (limits->quarantine_ns < VGPU_QUARANTINE_MIN ||
				      limits->quarantine_ns > VGPU_QUARANTINE_MAX))
		*why = "quarantine is not 0 or between 1 ms and 7 days";
	else if (limits->quarantine_max_ns < limits->quarantine_ns ||
		 limits->quarantine_max_ns > VGPU_QUARANTINE_MAX)
		*why = "longest quarantine is not between the first one and 7 days";
	else
		return 0;
	return -EINVAL;
}

/**
 * vgpu_limits_check() - whether limits are within their bounds
 * @limits: to be checked
 * @granule: of the GPU; 0 where memory and aperture are not to be looked at, as in defaults
 * @why: set to the reason where they are not
 *
 * Return: 0 or -EINVAL. Context: any.
 */
int vgpu_limits_check(const struct vgpu_limits *limits, u64 granule, const char **why)
{
	int err;

	if (granule && (!limits->memory || !IS_ALIGNED(limits->memory, granule)))
		*why = "memory is not a multiple of the GPU's granule";
	else if (granule && (!is_power_of_2(limits->aperture) || limits->aperture < APERTURE_MIN))
		*why = "aperture is not a power of two of at least 1 MiB";
	else if (limits->depth < VGPU_DEPTH_MIN || limits->depth > VGPU_DEPTH_MAX)
		*why = "depth is not between 1 and 4096";
	else if (!limits->sessions || limits->sessions > VGPU_MAX_SESSIONS)
		*why = "sessions is not between 1 and 64";
	else if (limits->tier >= VGPU_TIER_COUNT)
		*why = "tier is not high, medium or low";
	else if (limits->weight < VGPU_VM_WEIGHT_MIN || limits->weight > VGPU_VM_WEIGHT_MAX)
		*why = "weight is not between 10 and 1000";
	else if (!limits->deadline_ns || limits->deadline_ns > VGPU_DEADLINE_MAX)
		*why = "deadline is not between 1 ns and 24 hours";
	else
		goto rates;
	return -EINVAL;
rates:
	err = check_rates(limits, why);
	return err ?: check_quarantine(limits, why);
}

static int change_memory(struct vgpu_dev *dev, u64 memory, const char **why)
{
	struct vgpu_gpu *gpu = dev->gpu;

	if (memory < dev->memory_used) {
		*why = "memory is below what is in use: stop programs of the guest first";
		return -EBUSY;
	}
	if (memory > dev->limits.memory &&
	    memory - dev->limits.memory > gpu->attach.memory - gpu->memory_given) {
		*why = "the GPU has not so much memory left";
		return -ENOSPC;
	}
	gpu->memory_given += memory - dev->limits.memory;
	dev->info.memory = memory;
	return 0;
}

/**
 * vgpu_dev_set_limits() - change a virtual GPU's policy while it runs
 * @dev: any
 * @limits: new; aperture as it is
 * @why: set to the reason where it is refused
 *
 * In force for the next decision, and for what waits or runs: what was held back and is allowed now
 * goes on before this returns, and a run that the new deadline is over for ends at once. A guest
 * that runs sees another memory size when it starts programs anew.
 *
 * Return: 0; -EINVAL for limits out of range; -EBUSY for an aperture that differs, or for memory
 * below what is in use; -ENOSPC if the GPU has not so much memory left. Context: any process.
 */
int vgpu_dev_set_limits(struct vgpu_dev *dev, const struct vgpu_limits *limits, const char **why)
{
	struct vgpu_gpu *gpu = dev->gpu;
	u64 now;
	int err;

	spin_lock(&gpu->lock);
	now = vgpu_now_ns();
	err = vgpu_limits_check(limits, gpu->attach.granule, why);
	if (!err && limits->aperture != dev->limits.aperture) {
		*why = "the aperture is fixed: remove and create the virtual GPU";
		err = -EBUSY;
	}
	if (!err)
		err = change_memory(dev, limits->memory, why);
	if (!err) {
		vgpu_group_change_tier(dev, limits->tier, now);
		dev->limits = *limits;
		vgpu_sched_set_tier(&gpu->sched, &dev->sched, limits->tier, now);
		vgpu_sched_set_weight(&gpu->sched, &dev->sched, limits->weight, now);
		vgpu_admit_set(dev, now);
		vgpu_quarantine_set(dev, now);
		list_splice_tail_init(&dev->stalled, &gpu->fetching);
		/* The watchdog looks at what runs. */
		vgpu_gpu_need_tick(gpu, now);
		vgpu_gpu_pump(gpu);
	}
	spin_unlock(&gpu->lock);
	return err;
}

/**
 * vgpu_dev_read_limits() - a virtual GPU's policy
 * @dev: any
 * @limits: filled in
 *
 * Context: any process.
 */
void vgpu_dev_read_limits(struct vgpu_dev *dev, struct vgpu_limits *limits)
{
	spin_lock(&dev->gpu->lock);
	*limits = dev->limits;
	spin_unlock(&dev->gpu->lock);
}
