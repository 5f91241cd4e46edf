/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* Copyright (c) vgpu authors */
/*
 * The scheduler's decision log
 * ============================
 *
 * A log is a sequence of struct vgpu_sched_event, little-endian: everything that a GPU's scheduler was told, in
 * order, and every decision that it made. The scheduler reads no clock and nothing else that is not in the log,
 * so that feeding the same events to the same scheduler gives the same decisions, bit for bit.
 *
 * A log opens with VGPU_SCHED_BEGIN, then the state at that time: one VGPU_SCHED_POLICY, a VGPU_SCHED_VM for
 * each virtual GPU, then for each engine one VGPU_SCHED_ENGINE_STATE, three VGPU_SCHED_TIER_STATE, a
 * VGPU_SCHED_VM_STATE for each virtual GPU, and what is in flight (VGPU_SCHED_RUN_STATE, in order of dispatch)
 * and queued (VGPU_SCHED_QUEUED), then VGPU_SCHED_LIVE. What follows happened one after the other.
 *
 * A log of a live GPU whose reader was too slow has VGPU_SCHED_LOST where events are missing, and begins anew there.
 */
#ifndef _UAPI_VGPU_SCHED_H
#define _UAPI_VGPU_SCHED_H

#include <linux/types.h>

#define VGPU_SCHED_LOG_MAGIC	0x474f4c5355504776ULL	/* "vGPUSLOG" */
#define VGPU_SCHED_LOG_VERSION	3

/**
 * enum vgpu_sched_op - what an event is
 * @VGPU_SCHED_BEGIN: a[0] VGPU_SCHED_LOG_MAGIC, a[1] VGPU_SCHED_LOG_VERSION
 * @VGPU_SCHED_POLICY: a[0] weights, 16 bits each from the highest tier; a[1] aging, a[2] slice in nanoseconds;
 *	a[3] aging cap; a[4] kind, order, charge, window, 8 bits each
 * @VGPU_SCHED_VM: virtual GPU @id is of tier @arg, when it is made and when its tier or weight changes; a[0] its
 *	slot, which decides between equals; a[1] its weight
 * @VGPU_SCHED_VM_GONE: virtual GPU @id is gone
 * @VGPU_SCHED_ENGINE_STATE: of @engine: a[0] virtual time, a[1] time of the last account, a[2] overlap, a[3]
 *	busy time
 * @VGPU_SCHED_TIER_STATE: of tier @arg: a[0] virtual time, a[1] epoch, a[2] allowance (signed), a[3] 2^-32
 *	of virtual time
 * @VGPU_SCHED_VM_STATE: of virtual GPU @id: a[0] virtual run time, a[1] epoch, a[2] busy time; @arg 1 if it is
 *	held back on @engine
 * @VGPU_SCHED_RUN_STATE: run @id: a[0] virtual GPU, a[1] charged, a[2] used, a[3] rate, a[4] the weight that it is
 *	charged by; @arg tier and VGPU_SCHED_AGED
 * @VGPU_SCHED_QUEUED: as VGPU_SCHED_ENQUEUE, but for what was queued before the log began
 * @VGPU_SCHED_LIVE: the state is complete
 * @VGPU_SCHED_ENQUEUE: stream @id of virtual GPU a[2] may run: a[0] order of arrival, a[1] time of arrival
 * @VGPU_SCHED_DEQUEUE: stream @id may not run any more
 * @VGPU_SCHED_PICK: decision: stream @id is next; @arg its tier and VGPU_SCHED_AGED
 * @VGPU_SCHED_START: run a[0] of stream @id begins: a[1] nanoseconds predicted
 * @VGPU_SCHED_SYNC: busy time was accounted
 * @VGPU_SCHED_DONE: run @id ended
 * @VGPU_SCHED_THROTTLE: virtual GPU @id is held back on @engine where @arg is 1, and no more where it is 0
 * @VGPU_SCHED_LOST: a[0] events were lost here; VGPU_SCHED_BEGIN follows
 */
enum vgpu_sched_op {
	VGPU_SCHED_BEGIN = 1,
	VGPU_SCHED_POLICY = 2,
	VGPU_SCHED_VM = 3,
	VGPU_SCHED_VM_GONE = 4,
	VGPU_SCHED_ENGINE_STATE = 5,
	VGPU_SCHED_TIER_STATE = 6,
	VGPU_SCHED_VM_STATE = 7,
	VGPU_SCHED_RUN_STATE = 8,
	VGPU_SCHED_QUEUED = 9,
	VGPU_SCHED_LIVE = 10,
	VGPU_SCHED_ENQUEUE = 11,
	VGPU_SCHED_DEQUEUE = 12,
	VGPU_SCHED_PICK = 13,
	VGPU_SCHED_START = 14,
	VGPU_SCHED_SYNC = 15,
	VGPU_SCHED_DONE = 16,
	VGPU_SCHED_THROTTLE = 17,
	VGPU_SCHED_LOST = 18,
};

/* In arg: aging brought it forward. */
#define VGPU_SCHED_AGED	0x100u

/**
 * struct vgpu_sched_event - one event, 64 bytes
 * @now_ns: CLOCK_MONOTONIC time
 * @id: what @op says
 * @op: enum vgpu_sched_op
 * @engine: enum vgpu_engine
 * @arg: what @op says
 * @a: what @op says
 */
struct vgpu_sched_event {
	__u64 now_ns;
	__u64 id;
	__u16 op;
	__u16 engine;
	__u32 arg;
	__u64 a[5];
};

#endif /* _UAPI_VGPU_SCHED_H */
