/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: What happened on a GPU, in a pool, in a tier
 *
 * Everything is counted for each virtual GPU; what happened to a group of them is added up when it
 * is read, histograms bucket by bucket, so that quantiles of a group are as exact as those of one.
 *
 * No counter of a group ever falls while the group is there. What happened to a virtual GPU that
 * goes is added to its GPU's past. What happened to it in a tier of a pool is added to that tier's
 * past when it goes, when it changes its tier, and when its GPU changes its pool: it is credited.
 * A command belongs to the tier that its virtual GPU is in when it completes. Windows have the
 * commands of virtual GPUs that are in the group now.
 *
 * Levels (queue depth, memory) are followed for each GPU and for each tier on it, for their
 * greatest value.
 */
#ifndef VGPU_CORE_GROUP_H
#define VGPU_CORE_GROUP_H

#include "limits.h"
#include "metrics.h"
#include "sched.h"

struct vgpu_dev;
struct vgpu_gpu;
struct vgpu_pool;

/**
 * struct vgpu_counters - what happened to the commands of one virtual GPU
 * @submitted: commands fetched
 * @completed: completed with VGPU_ST_OK
 * @failed: completed with another status
 * @rejected: of @failed, those that vetting refused
 * @launches: of @completed, kernel launches
 * @bytes_in: copied to the device by completed commands
 * @bytes_out: copied from the device
 * @doorbells: doorbell writes
 * @bad_registers: writes to undefined registers
 * @sessions_lost: sessions whose worker died or was killed
 * @hangs: runs that outlived their deadline
 * @bad_completions: completions of workers that failed the check
 * @promotions: runs that aging brought forward
 * @throttled_ns: time in which at least one bucket was empty
 * @memory_peak: most device memory mapped at once, bytes
 * @strikes: by enum vgpu_strike
 * @busy_ns: time that engines were occupied, by engine, on the kernel's clock
 *
 * submitted = completed + failed + waiting holds at every read.
 */
struct vgpu_counters {
	u64 submitted;
	u64 completed;
	u64 failed;
	u64 rejected;
	u64 launches;
	u64 bytes_in;
	u64 bytes_out;
	u64 doorbells;
	u64 bad_registers;
	u64 sessions_lost;
	u64 hangs;
	u64 bad_completions;
	u64 promotions;
	u64 throttled_ns;
	u64 memory_peak;
	u64 strikes[VGPU_STRIKE_COUNT];
	u64 busy_ns[VGPU_ENGINE_COUNT];
};

/**
 * struct vgpu_sums - all of a virtual GPU or a group that only grows; members are u64 alone
 * @counters: see there; but memory_peak, which is no sum
 * @commands: as in struct vgpu_metrics
 * @bytes: likewise
 * @errors: likewise
 * @switches: likewise
 * @unseen: likewise
 * @depth_ns: as in struct vgpu_metrics_reading
 */
struct vgpu_sums {
	struct vgpu_counters counters;
	u64 commands[VGPU_KINDS];
	u64 bytes[VGPU_KINDS];
	u64 errors[VGPU_ERROR_COUNT];
	u64 switches;
	u64 unseen;
	u64 depth_ns;
};

/**
 * struct vgpu_level - something that rises and falls
 * @now: its value
 * @max: its greatest value
 */
struct vgpu_level {
	u64 now;
	u64 max;
};

/**
 * struct vgpu_tally - what is left of virtual GPUs
 * @sums: of what happened to them
 * @latency: of their commands
 * @since_ns: since when
 */
struct vgpu_tally {
	struct vgpu_sums sums;
	struct vgpu_latency_reading latency;
	u64 since_ns;
};

/**
 * struct vgpu_group_reading - what happened to a group of virtual GPUs, past ones among them
 * @sums: of them
 * @scratch: used while reading
 * @waiting: commands accepted and not completed
 * @depth_max: most of them on one GPU
 * @memory_used: device memory mapped, bytes
 * @memory_peak: most that was mapped at once on a GPU, summed over GPUs
 * @age_ns: since the group was made
 * @metrics_memory: bytes that histograms take
 * @devs: virtual GPUs that are there
 * @quarantined: of them, those in quarantine
 * @throttled: of them, those that a limit holds back now
 * @sessions: of them
 * @workers: of them
 * @windows: read, of enum vgpu_window: 1 for all time alone, or VGPU_WINDOW_COUNT
 * @latency: by enum vgpu_window
 */
struct vgpu_group_reading {
	struct vgpu_sums sums;
	struct vgpu_sums scratch;
	u64 waiting;
	u64 depth_max;
	u64 memory_used;
	u64 memory_peak;
	u64 age_ns;
	u64 metrics_memory;
	u32 devs;
	u32 quarantined;
	u32 throttled;
	u32 sessions;
	u32 workers;
	u32 windows;
	struct vgpu_latency_reading latency[VGPU_WINDOW_COUNT];
};

/**
 * vgpu_level_add() - a level rises or falls
 * @level: any
 * @by: by how much
 *
 * Context: the lock that guards it is held.
 */
static inline void vgpu_level_add(struct vgpu_level *level, s64 by)
{
	level->now += by;
	if (level->now > level->max)
		level->max = level->now;
}

/* Called by the host. */
void vgpu_gpu_read_group(struct vgpu_gpu *gpu, u32 windows, struct vgpu_group_reading *reading);
void vgpu_pool_read_group(struct vgpu_pool *pool, u32 tier, u32 windows,
			  struct vgpu_group_reading *reading);
void vgpu_group_free(struct vgpu_group_reading *reading);

/* Inside the core, vgpu_gpu.lock held but for init and clear. */
void vgpu_group_memory(struct vgpu_dev *dev, s64 bytes);
void vgpu_group_credit(struct vgpu_dev *dev, u64 now);
void vgpu_group_change_tier(struct vgpu_dev *dev, u32 tier, u64 now);
void vgpu_group_retire(struct vgpu_dev *dev, u64 now);
void vgpu_tally_init(struct vgpu_tally *tally);
void vgpu_tally_clear(struct vgpu_tally *tally);

#endif /* VGPU_CORE_GROUP_H */
