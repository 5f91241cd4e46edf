/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * The path on one machine, without PCI
 * ====================================
 *
 * vgpu-loopback is a process that runs kmod/core and listens on a Unix socket (SOCK_SEQPACKET). Guest libraries
 * connect in the guest driver's stead, supervisors and workers in that of /dev/vgpu-executor. One connection is one
 * open file: each request is one struct lb_msg with the op and the structure of the ioctl that it stands for, each
 * answer one struct lb_msg with error (0 or a negative errno) and the structure filled in.
 *
 * LB_GUEST_HELLO names the virtual GPU (made on first use) to which the connection belongs. The answer to
 * LB_GUEST_SESSION carries three descriptors (SCM_RIGHTS): the aperture (memfd), the doorbell (eventfd, write 1 to
 * ring) and the interrupt (eventfd, readable when raised). The queue area lies in the aperture at queue_offset. The
 * answer to LB_EXEC_BIND carries four: rings (memfd), aperture (memfd), dispatch (eventfd that the worker waits on)
 * and completion (eventfd that the worker writes to, for VGPU_EXEC_KICK and before it waits). A worker waits by
 * polling dispatch and the socket: hang-up of the socket stands for ENODEV. Supervisors receive LB_EXEC_EVENT
 * messages that answer nothing, and send LB_EXEC_SPAWN_FAILED messages that nothing answers.
 *
 * LB_WORKER, LB_SET_LIMITS and LB_SET_POLICY are for tests: the process that serves the connection's session, what an
 * administrator allows the connection's virtual GPU, and how its GPU is shared. LB_SET_METRICS is for benchmarks, of anybody:
 * whether the core measures, changed while no command is under way.
 *
 * LB_STATS reads the counters of the connection's virtual GPU, or, without LB_GUEST_HELLO, the sums of all. Any
 * connection may ask.
 */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include "../../uapi/vgpu_device.h"
#include "../../uapi/vgpu_executor.h"
#include "../../uapi/vgpu_guest.h"

/* Socket path for libcuda and the executor; set by tests/loopback/run. */
#define LB_ENV_SOCKET	"VGPU_LOOPBACK"
/* Name of the virtual GPU that libcuda asks for; "vm0" by default. Names separated by commas are several devices. */
#define LB_ENV_VM	"VGPU_LOOPBACK_VM"

enum lb_op {
	LB_GUEST_HELLO = 1,
	LB_GUEST_INFO,
	LB_GUEST_SESSION,
	LB_GUEST_RANGE,
	LB_GUEST_STATE,
	LB_EXEC_ATTACH = 16,
	LB_EXEC_BIND,
	LB_EXEC_READY,
	LB_EXEC_EVENT,
	LB_EXEC_SPAWN_FAILED,
	LB_STATS = 32,
	LB_WORKER,
	LB_SET_LIMITS,
	LB_SET_POLICY,
	LB_SET_METRICS,
};

struct lb_hello {
	char vm[64];
};

struct lb_session {
	struct vgpu_guest_session session;
	__u64 queue_offset;
};

struct lb_stats {
	__u64 submitted;
	__u64 completed;
	__u64 failed;
	__u64 waiting;
	__u64 rejected;
	__u64 launches;
	__u64 hangs;
	__u64 bad_completions;
	__u64 sessions_lost;
	__u64 memory_used;
	__u64 sessions;
	__u64 workers;
};

/* Fields that are 0 stay as they are, but for the rates, for which that is no limit. */
struct lb_limits {
	__u64 deadline_ns;
	__u64 memory;
	__u64 copy_rate;
	__u64 quarantine_ns;	/* of the first quarantine, and at most */
	__u32 depth;
	__u32 sessions;
	__u32 tier;		/* enum vgpu_tier */
	__u32 gpu_share;
	__u32 cmd_rate;
	__u32 strikes;		/* threshold of every kind in a second; 0: none leads to quarantine */
};

/* As struct vgpu_policy; every field counts. */
struct lb_policy {
	__u64 aging_ns;
	__u64 slice_ns;
	__u32 weight[3];
	__u32 aging_cap;
	__u32 kind;
	__u32 order;
	__u32 charge;
	__u32 window;
};

struct lb_msg {
	__u32 op;
	__s32 error;
	union {
		struct lb_hello hello;
		struct vgpu_guest_info info;
		struct lb_session session;
		struct vgpu_guest_range range;
		__u32 state;
		struct vgpu_exec_attach attach;
		struct vgpu_exec_bind bind;
		struct vgpu_exec_ready ready;
		struct vgpu_exec_event event;
		struct vgpu_exec_spawn_failed spawn_failed;
		struct lb_stats stats;
		struct lb_limits limits;
		struct lb_policy policy;
		__u32 metrics;		/* 0: off */
		__s32 worker;		/* 0: none has bound */
	};
};

#endif
