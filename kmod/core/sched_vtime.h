/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Virtual time of tiers, and virtual run time of virtual GPUs: the arithmetic
 *
 * A tier's is kept in units, to be compared, and in 2^-32 of them, so that no run is free and no
 * service is lost or added at any rate. It wraps: only differences mean anything. Both are within
 * sched.c's lock. Documentation/scheduler/bounds.md has the ranges.
 */
#ifndef VGPU_CORE_SCHED_VTIME_H
#define VGPU_CORE_SCHED_VTIME_H

#include "sched.h"

/* What a nanosecond moves a tier with a rate of 1 on by: much, as it is divided by the rate. */
#define VTIME_UNIT	(1024ULL * VGPU_VM_WEIGHT_DEFAULT)

/* Time at a rate, in whole units. */
static inline u64 vtime_of(u64 ns, u32 rate)
{
	return div_u64(ns * VTIME_UNIT, rate);
}

static inline void vtime_move_on(struct vgpu_sched_tier *tier, u64 ns, u32 rate)
{
	u64 parts;
	u32 rest;

	tier->vtime += div_u64_rem(ns * VTIME_UNIT, rate, &rest);
	parts = tier->vtime_parts + div_u64((u64)rest << 32, rate);
	tier->vtime += parts >> 32;
	tier->vtime_parts = parts;
}

static inline void vtime_move_back(struct vgpu_sched_tier *tier, u64 ns, u32 rate)
{
	u64 parts;
	u32 rest;

	tier->vtime -= div_u64_rem(ns * VTIME_UNIT, rate, &rest);
	parts = tier->vtime_parts - div_u64((u64)rest << 32, rate);
	tier->vtime -= parts >> 63;
	tier->vtime_parts = parts;
}

/* Time of a virtual GPU of a weight. */
static inline u64 vruntime_of(u64 ns, u32 weight)
{
	if (weight == VGPU_VM_WEIGHT_DEFAULT)
		return ns;
	return div_u64(ns * VGPU_VM_WEIGHT_DEFAULT, weight);
}

#endif /* VGPU_CORE_SCHED_VTIME_H */
