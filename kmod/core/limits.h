/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: Limits of a virtual GPU
 *
 * What an operator allows a virtual GPU: how much it may hold (memory, aperture, sessions, commands
 * outstanding), how fast it may go (token buckets), how long a run may take, and how often it may
 * misbehave until it is quarantined. All but the aperture change while it runs.
 */
#ifndef VGPU_CORE_LIMITS_H
#define VGPU_CORE_LIMITS_H

#include "os.h"

#define VGPU_DEADLINE_DEFAULT	(30ULL * NSEC_PER_SEC)
#define VGPU_DEADLINE_MAX	(24ULL * 3600 * NSEC_PER_SEC)

#define VGPU_DEPTH_MIN		1u
#define VGPU_DEPTH_DEFAULT	1024u
#define VGPU_DEPTH_MAX		4096u

#define VGPU_GPU_SHARE_UNIT	1000000u	/* the whole engine */
#define VGPU_GPU_SHARE_MIN	1000u
#define VGPU_GPU_BURST_MIN	(1ULL * NSEC_PER_MSEC)
#define VGPU_GPU_BURST_DEFAULT	(50ULL * NSEC_PER_MSEC)
#define VGPU_GPU_BURST_MAX	(10ULL * NSEC_PER_SEC)
#define VGPU_COPY_RATE_MIN	BIT_ULL(20)
#define VGPU_COPY_RATE_MAX	BIT_ULL(40)
#define VGPU_COPY_BURST_MIN	(64ULL << 10)
#define VGPU_COPY_BURST_DEFAULT	(64ULL << 20)
#define VGPU_COPY_BURST_MAX	(4ULL << 30)
#define VGPU_CMD_RATE_MIN	1u
#define VGPU_CMD_RATE_MAX	100000000u
#define VGPU_CMD_BURST_MIN	1u
#define VGPU_CMD_BURST_DEFAULT	256u
#define VGPU_CMD_BURST_MAX	1000000u

#define VGPU_STRIKES_MAX	10000000u
#define VGPU_STRIKE_WINDOW_MIN	(1ULL * NSEC_PER_MSEC)
#define VGPU_STRIKE_WINDOW_MAX	(900ULL * NSEC_PER_SEC)
#define VGPU_QUARANTINE_MIN	(1ULL * NSEC_PER_MSEC)
#define VGPU_QUARANTINE_MAX	(7ULL * 24 * 3600 * NSEC_PER_SEC)

/**
 * enum vgpu_strike - what counts towards quarantine
 * @VGPU_STRIKE_HANG: a run outlived its deadline
 * @VGPU_STRIKE_FAULT: a kernel faulted, or a worker died by itself
 * @VGPU_STRIKE_MALFORMED: a command that vetting refused, nonsense in a queue, a write to an
 *	undefined register
 * @VGPU_STRIKE_QUOTA: a mapping refused for the memory quota
 * @VGPU_STRIKE_DOORBELL: a doorbell with no new command behind it
 */
enum vgpu_strike {
	VGPU_STRIKE_HANG,
	VGPU_STRIKE_FAULT,
	VGPU_STRIKE_MALFORMED,
	VGPU_STRIKE_QUOTA,
	VGPU_STRIKE_DOORBELL,
	VGPU_STRIKE_COUNT
};

/**
 * struct vgpu_strike_limit - how often something may happen
 * @threshold: strikes that are forgiven, 0..VGPU_STRIKES_MAX; 0 where none leads to quarantine
 * @window_ns: time in which that many are forgiven again, evenly;
 *	VGPU_STRIKE_WINDOW_MIN..VGPU_STRIKE_WINDOW_MAX
 *
 * More than @threshold strikes within any @window_ns after a time of none lead to quarantine; so
 * does any rate above @threshold / @window_ns in the end.
 */
struct vgpu_strike_limit {
	u32 threshold;
	u64 window_ns;
};

/**
 * struct vgpu_limits - policy of one virtual GPU
 * @memory: device memory quota, bytes, multiple of the GPU's granule
 * @aperture: size of BAR2, bytes, a power of two, at least 1 MiB
 * @deadline_ns: longest time a run may take, 1..VGPU_DEADLINE_MAX
 * @depth: commands outstanding over all sessions, VGPU_DEPTH_MIN..VGPU_DEPTH_MAX
 * @sessions: 1..VGPU_MAX_SESSIONS
 * @tier: enum vgpu_tier
 * @weight: beside the others of its tier, VGPU_VM_WEIGHT_MIN..VGPU_VM_WEIGHT_MAX
 * @gpu_share: millionths of the compute engine's time, VGPU_GPU_SHARE_MIN..VGPU_GPU_SHARE_UNIT; 0
 *	for no limit
 * @gpu_burst_ns: engine time that can be saved up, VGPU_GPU_BURST_MIN..VGPU_GPU_BURST_MAX
 * @copy_rate: bytes a second over both copy engines, VGPU_COPY_RATE_MIN..VGPU_COPY_RATE_MAX; 0 for
 *	no limit
 * @copy_burst: bytes that can be saved up, VGPU_COPY_BURST_MIN..VGPU_COPY_BURST_MAX
 * @cmd_rate: commands a second, VGPU_CMD_RATE_MIN..VGPU_CMD_RATE_MAX; 0 for no limit
 * @cmd_burst: commands that can be saved up, VGPU_CMD_BURST_MIN..VGPU_CMD_BURST_MAX
 * @strike: by enum vgpu_strike
 * @quarantine_ns: of the first quarantine; each one doubles it; 0 where an administrator has to
 *	release it
 * @quarantine_max_ns: longest, at least @quarantine_ns
 */
struct vgpu_limits {
	u64 memory;
	u64 aperture;
	u64 deadline_ns;
	u32 depth;
	u32 sessions;
	u32 tier;
	u32 weight;
	u32 gpu_share;
	u64 gpu_burst_ns;
	u64 copy_rate;
	u64 copy_burst;
	u32 cmd_rate;
	u32 cmd_burst;
	struct vgpu_strike_limit strike[VGPU_STRIKE_COUNT];
	u64 quarantine_ns;
	u64 quarantine_max_ns;
};

struct vgpu_gpu;

/* limits.c */
extern const struct vgpu_limits vgpu_limits_default;
int vgpu_limits_check(const struct vgpu_limits *limits, u64 granule, const char **why);

#endif /* VGPU_CORE_LIMITS_H */
