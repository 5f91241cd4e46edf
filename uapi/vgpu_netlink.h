/* SPDX-License-Identifier: ((GPL-2.0-only WITH Linux-syscall-note) OR BSD-3-Clause) */
/* spec a88ddbbec6ce4f6b0db17a9abac45a4ad117286342eb81a8ed18807925eabc2a text 715faad7ce77ea3ab4948c91d0852d303e48b77ddc6bcbee9cff7ee87479463f */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vgpu.yaml */
/* YNL-GEN uapi header */

/*
 * Administration of virtual GPUs
 * ==============================
 *
 * The generic netlink family "vgpu" is how the mediator in the hypervisor's kernel is told what to do and tells
 * what it does: physical GPUs, by the name that their supervisor gave them ("soft0"); pools, which are GPUs under
 * one scheduling policy, by a name that the operator chose; virtual GPUs (here "vm"), by their UUID.
 *
 * The family is there in the initial network namespace. version-get may be called by anybody; everything else,
 * and joining the multicast group "monitor", takes CAP_NET_ADMIN in the initial user namespace. Requests are
 * validated strictly: an attribute that an operation does not take, a value out of range, a wrong length or
 * trailing bytes are refused with an extended acknowledgement that says which attribute it was and why. A request
 * that is refused has changed nothing.
 *
 * What is declared and what is
 * ----------------------------
 *
 * vm-set declares settings for a UUID, whether a virtual GPU has it or not. They are kept until vm-forget, or until
 * the module is unloaded, and are in force whenever a virtual GPU has the UUID: one that is made later comes with
 * them. What is not declared for the UUID is as its pool's default limits have it, or else as its type has it. A
 * request with the attribute replace declares exactly what it names; without, what it does not name stays as it
 * was declared. Likewise pool-set. A nest "declared" tells exactly what was declared.
 *
 * A GPU is in one pool, which is "default" if nothing else was said. gpu-set says it, for GPUs that are not there
 * yet too. A virtual GPU whose UUID was declared for a pool can be made on GPUs of this pool alone.
 *
 * Errors are EINVAL and ERANGE for values, ENOENT for a name or UUID that is not known, EEXIST for one that is,
 * EBUSY for what is in use (the message says by what, and what would make it safe), ENOSPC where a number or the
 * GPU's memory is used up, EALREADY where nothing would change.
 *
 * A dump is consistent when no GPU, pool or virtual GPU came, went or was declared while it was read: otherwise its
 * messages carry NLM_F_DUMP_INTR, and the reader starts again. The numbers of one GPU or virtual GPU are always of
 * one instant: in every reading, submitted = completed + failed + waiting.
 *
 * Sizes are in bytes, times in nanoseconds, counters run from the creation of what they count for and never go
 * back. Unknown attributes in an answer are to be ignored: later versions add some.
 */
#ifndef _UAPI_LINUX_VGPU_H
#define _UAPI_LINUX_VGPU_H

#define VGPU_GENL_NAME		"vgpu"
#define VGPU_GENL_VERSION	1

#define VGPU_GPU_NAME_MAX		31
#define VGPU_UUID_LEN			16
#define VGPU_LIMIT_DEPTH_MAX		4096
#define VGPU_LIMIT_DEADLINE_MAX		86400000000000
#define VGPU_LIMIT_SESSIONS_MAX		64
#define VGPU_POOL_NAME_MAX		31
#define VGPU_DECLARED_MAX		65536
#define VGPU_POOLS_MAX			1024
#define VGPU_LIMIT_MEMORY_MAX		1125899906842624
#define VGPU_LIMIT_GPU_SHARE_MIN	1000
#define VGPU_LIMIT_GPU_SHARE_MAX	1000000
#define VGPU_LIMIT_GPU_BURST_MIN	1000000
#define VGPU_LIMIT_GPU_BURST_MAX	10000000000
#define VGPU_LIMIT_COPY_RATE_MIN	1048576
#define VGPU_LIMIT_COPY_RATE_MAX	1099511627776
#define VGPU_LIMIT_COPY_BURST_MIN	65536
#define VGPU_LIMIT_COPY_BURST_MAX	4294967296
#define VGPU_LIMIT_CMD_RATE_MAX		100000000
#define VGPU_LIMIT_CMD_BURST_MAX	1000000
#define VGPU_LIMIT_WEIGHT_MIN		10
#define VGPU_LIMIT_WEIGHT_MAX		1000
#define VGPU_LIMIT_STRIKES_MAX		10000000
#define VGPU_LIMIT_WINDOW_MIN		1000000
#define VGPU_LIMIT_WINDOW_MAX		900000000000
#define VGPU_LIMIT_QUARANTINE_MIN	1000000
#define VGPU_LIMIT_QUARANTINE_MAX	604800000000000
#define VGPU_SCHED_WEIGHT_MAX		1000
#define VGPU_SCHED_AGING_MIN		1000000
#define VGPU_SCHED_AGING_MAX		3600000000000
#define VGPU_SCHED_SLICE_MIN		10000
#define VGPU_SCHED_SLICE_MAX		100000000
#define VGPU_SCHED_AGING_CAP_MAX	500
#define VGPU_SCHED_WINDOW_MAX		2

/**
 * enum vgpu_genl_gpu_state - Whether a GPU can work.
 * @VGPU_GPU_STATE_DETACHED: Its supervisor has gone; virtual GPUs remain and
 *   their work waits or fails.
 * @VGPU_GPU_STATE_ATTACHED: A supervisor serves it.
 * @VGPU_GPU_STATE_ABSENT: No supervisor attached it since the module was
 *   loaded; its pool was declared.
 */
enum vgpu_genl_gpu_state {
	VGPU_GPU_STATE_DETACHED,
	VGPU_GPU_STATE_ATTACHED,
	VGPU_GPU_STATE_ABSENT,
};

/**
 * enum vgpu_genl_vm_state - How far a virtual GPU is in use.
 * @VGPU_VM_STATE_CLOSED: No virtual machine has it open.
 * @VGPU_VM_STATE_OPEN: A virtual machine has it open; no guest driver drives
 *   it.
 * @VGPU_VM_STATE_READY: A guest driver drives it.
 * @VGPU_VM_STATE_DECLARED: No virtual GPU has this UUID; settings for it were
 *   declared.
 */
enum vgpu_genl_vm_state {
	VGPU_VM_STATE_CLOSED,
	VGPU_VM_STATE_OPEN,
	VGPU_VM_STATE_READY,
	VGPU_VM_STATE_DECLARED,
};

/**
 * enum vgpu_genl_vm_tier - Scheduling tier.
 */
enum vgpu_genl_vm_tier {
	VGPU_VM_TIER_HIGH,
	VGPU_VM_TIER_MEDIUM,
	VGPU_VM_TIER_LOW,
};

/**
 * enum vgpu_genl_engine_class - What a command occupies.
 * @VGPU_ENGINE_CLASS_COMPUTE: Launches, memsets, copies within the device.
 * @VGPU_ENGINE_CLASS_COPY_IN: Copies from host to device.
 * @VGPU_ENGINE_CLASS_COPY_OUT: Copies from device to host.
 * @VGPU_ENGINE_CLASS_CONTROL: What uses no GPU time, such as loading modules
 *   and mapping memory.
 */
enum vgpu_genl_engine_class {
	VGPU_ENGINE_CLASS_COMPUTE,
	VGPU_ENGINE_CLASS_COPY_IN,
	VGPU_ENGINE_CLASS_COPY_OUT,
	VGPU_ENGINE_CLASS_CONTROL,
};

/**
 * enum vgpu_genl_pool_policy - How tiers share an engine.
 * @VGPU_POOL_POLICY_WEIGHTED: By weight times the weights of the backlogged
 *   virtual GPUs.
 * @VGPU_POOL_POLICY_STRICT: The highest tier with work, but for what the aging
 *   cap guarantees the lower ones.
 */
enum vgpu_genl_pool_policy {
	VGPU_POOL_POLICY_WEIGHTED,
	VGPU_POOL_POLICY_STRICT,
};

/**
 * enum vgpu_genl_pool_order - Who is next inside a tier.
 * @VGPU_POOL_ORDER_FIFO: The oldest command.
 * @VGPU_POOL_ORDER_FAIR: The virtual GPU that has had least service for its
 *   weight.
 */
enum vgpu_genl_pool_order {
	VGPU_POOL_ORDER_FIFO,
	VGPU_POOL_ORDER_FAIR,
};

/**
 * enum vgpu_genl_pool_charge - Whose an engine's busy time is while several
 *   runs are in flight.
 * @VGPU_POOL_CHARGE_AUTO: The oldest run's, but in equal parts while runs are
 *   seen to overtake each other.
 * @VGPU_POOL_CHARGE_OLDEST: The run's that was dispatched first.
 * @VGPU_POOL_CHARGE_EQUAL: All runs' in equal parts.
 */
enum vgpu_genl_pool_charge {
	VGPU_POOL_CHARGE_AUTO,
	VGPU_POOL_CHARGE_OLDEST,
	VGPU_POOL_CHARGE_EQUAL,
};

/**
 * enum vgpu_genl_vm_strike - What counts against a virtual GPU.
 * @VGPU_VM_STRIKE_HANG: A run outlived its deadline.
 * @VGPU_VM_STRIKE_FAULT: A kernel faulted, or a worker died by itself.
 * @VGPU_VM_STRIKE_MALFORMED: Vetting refused a command, or registers and
 *   queues held nonsense.
 * @VGPU_VM_STRIKE_QUOTA: A mapping was over the memory quota.
 * @VGPU_VM_STRIKE_DOORBELL: A doorbell had no new command behind it.
 * @VGPU_VM_STRIKE_ADMINISTRATOR: No strike; an administrator quarantined it.
 */
enum vgpu_genl_vm_strike {
	VGPU_VM_STRIKE_HANG,
	VGPU_VM_STRIKE_FAULT,
	VGPU_VM_STRIKE_MALFORMED,
	VGPU_VM_STRIKE_QUOTA,
	VGPU_VM_STRIKE_DOORBELL,
	VGPU_VM_STRIKE_ADMINISTRATOR,
};

/**
 * enum vgpu_genl_event_type - What happened.
 * @VGPU_EVENT_TYPE_HANG: A run outlived its deadline; its worker is killed.
 *   "detail" is its commands' status, "value" the hangs so far.
 * @VGPU_EVENT_TYPE_FAULT: A kernel faulted or a worker died. "detail" is the
 *   CUresult, 0 for a death; "value" the faults so far.
 * @VGPU_EVENT_TYPE_SESSION_LOST: A session was lost with its worker. "detail"
 *   is the status of its commands.
 * @VGPU_EVENT_TYPE_MALFORMED: Vetting refused a command, or registers and
 *   queues held nonsense. "detail" is the command's status or 0, "value" the
 *   number of these so far. Told at most once a second.
 * @VGPU_EVENT_TYPE_OVER_QUOTA: A mapping was over the memory quota. "value" is
 *   the number of these so far. Told at most once a second.
 * @VGPU_EVENT_TYPE_DOORBELL_STORM: Doorbells came without commands. "value" is
 *   the number of these so far.
 * @VGPU_EVENT_TYPE_QUARANTINED: Submissions are refused from now on. "detail"
 *   is the strike, "value" the time for which, 0 for until released.
 * @VGPU_EVENT_TYPE_RELEASED: A quarantine ended. "detail" is 1 where an
 *   administrator ended it, "value" the time that it took.
 * @VGPU_EVENT_TYPE_THROTTLED: A virtual GPU is held back by a limit. "detail"
 *   is 0 for GPU time, 1 for copying, 2 for commands.
 * @VGPU_EVENT_TYPE_UNTHROTTLED: No limit held it back for a second. "value" is
 *   the time for which any did since it was made.
 * @VGPU_EVENT_TYPE_WORKER_STUCK: A killed worker was not released in time.
 * @VGPU_EVENT_TYPE_SUPERVISOR_ATTACHED: A supervisor serves the GPU.
 * @VGPU_EVENT_TYPE_SUPERVISOR_LOST: The GPU's supervisor went.
 */
enum vgpu_genl_event_type {
	VGPU_EVENT_TYPE_HANG,
	VGPU_EVENT_TYPE_FAULT,
	VGPU_EVENT_TYPE_SESSION_LOST,
	VGPU_EVENT_TYPE_MALFORMED,
	VGPU_EVENT_TYPE_OVER_QUOTA,
	VGPU_EVENT_TYPE_DOORBELL_STORM,
	VGPU_EVENT_TYPE_QUARANTINED,
	VGPU_EVENT_TYPE_RELEASED,
	VGPU_EVENT_TYPE_THROTTLED,
	VGPU_EVENT_TYPE_UNTHROTTLED,
	VGPU_EVENT_TYPE_WORKER_STUCK,
	VGPU_EVENT_TYPE_SUPERVISOR_ATTACHED,
	VGPU_EVENT_TYPE_SUPERVISOR_LOST,
};

/**
 * enum vgpu_genl_latency_part - Parts of a command's life.
 * @VGPU_LATENCY_PART_TOTAL: From submission to completion.
 * @VGPU_LATENCY_PART_QUEUED: From submission to dispatch.
 * @VGPU_LATENCY_PART_DISPATCHED: From dispatch until the command before it on
 *   its engine completed; 0 if it had.
 * @VGPU_LATENCY_PART_EXECUTING: On the GPU, as the worker says, and never
 *   longer than the kernel saw it there.
 * @VGPU_LATENCY_PART_COMPLETING: The rest until the guest's completion, which
 *   is the way to the worker, where it slept, and back.
 */
enum vgpu_genl_latency_part {
	VGPU_LATENCY_PART_TOTAL,
	VGPU_LATENCY_PART_QUEUED,
	VGPU_LATENCY_PART_DISPATCHED,
	VGPU_LATENCY_PART_EXECUTING,
	VGPU_LATENCY_PART_COMPLETING,
};

/**
 * enum vgpu_genl_vm_error - Why a command failed.
 * @VGPU_VM_ERROR_REJECTED: Vetting refused it.
 * @VGPU_VM_ERROR_QUARANTINED: The virtual GPU was in quarantine.
 * @VGPU_VM_ERROR_MEMORY: Out of device memory, or over its quota.
 * @VGPU_VM_ERROR_TIMEOUT: Its run outlived its deadline.
 * @VGPU_VM_ERROR_LOST: Its session was lost, or no worker came.
 * @VGPU_VM_ERROR_CANCELLED: Its session was closed.
 * @VGPU_VM_ERROR_CUDA: Any other CUDA error.
 */
enum vgpu_genl_vm_error {
	VGPU_VM_ERROR_REJECTED,
	VGPU_VM_ERROR_QUARANTINED,
	VGPU_VM_ERROR_MEMORY,
	VGPU_VM_ERROR_TIMEOUT,
	VGPU_VM_ERROR_LOST,
	VGPU_VM_ERROR_CANCELLED,
	VGPU_VM_ERROR_CUDA,
};

enum {
	VGPU_A_VERSION_PAD = 1,
	VGPU_A_VERSION_MODULE,
	VGPU_A_VERSION_FAMILY,
	VGPU_A_VERSION_DEVICE,
	VGPU_A_VERSION_EXECUTOR,

	__VGPU_A_VERSION_MAX,
	VGPU_A_VERSION_MAX = (__VGPU_A_VERSION_MAX - 1)
};

enum {
	VGPU_A_ENGINE_PAD = 1,
	VGPU_A_ENGINE_CLASS,
	VGPU_A_ENGINE_BUSY_NS,

	__VGPU_A_ENGINE_MAX,
	VGPU_A_ENGINE_MAX = (__VGPU_A_ENGINE_MAX - 1)
};

enum {
	VGPU_A_GPU_PAD = 1,
	VGPU_A_GPU_NAME,
	VGPU_A_GPU_PCI,
	VGPU_A_GPU_MODEL,
	VGPU_A_GPU_STATE,
	VGPU_A_GPU_MEMORY,
	VGPU_A_GPU_MEMORY_GIVEN,
	VGPU_A_GPU_GRANULE,
	VGPU_A_GPU_SESSION_OVERHEAD,
	VGPU_A_GPU_COMPUTE_MAJOR,
	VGPU_A_GPU_COMPUTE_MINOR,
	VGPU_A_GPU_CUDA_VERSION,
	VGPU_A_GPU_VMS,
	VGPU_A_GPU_RUNS,
	VGPU_A_GPU_SWITCHES,
	VGPU_A_GPU_ENGINE,
	VGPU_A_GPU_POOL,
	VGPU_A_GPU_PROMOTIONS,

	__VGPU_A_GPU_MAX,
	VGPU_A_GPU_MAX = (__VGPU_A_GPU_MAX - 1)
};

enum {
	VGPU_A_STRIKE_LIMIT_PAD = 1,
	VGPU_A_STRIKE_LIMIT_KIND,
	VGPU_A_STRIKE_LIMIT_THRESHOLD,
	VGPU_A_STRIKE_LIMIT_WINDOW_NS,

	__VGPU_A_STRIKE_LIMIT_MAX,
	VGPU_A_STRIKE_LIMIT_MAX = (__VGPU_A_STRIKE_LIMIT_MAX - 1)
};

enum {
	VGPU_A_STRIKES_PAD = 1,
	VGPU_A_STRIKES_KIND,
	VGPU_A_STRIKES_RECENT,
	VGPU_A_STRIKES_TOTAL,

	__VGPU_A_STRIKES_MAX,
	VGPU_A_STRIKES_MAX = (__VGPU_A_STRIKES_MAX - 1)
};

enum {
	VGPU_A_QUARANTINE_PAD = 1,
	VGPU_A_QUARANTINE_ACTIVE,
	VGPU_A_QUARANTINE_CAUSE,
	VGPU_A_QUARANTINE_COUNT,
	VGPU_A_QUARANTINE_SINCE_NS,
	VGPU_A_QUARANTINE_UNTIL_NS,
	VGPU_A_QUARANTINE_STRIKES,

	__VGPU_A_QUARANTINE_MAX,
	VGPU_A_QUARANTINE_MAX = (__VGPU_A_QUARANTINE_MAX - 1)
};

enum {
	VGPU_A_HISTOGRAM_PAD = 1,
	VGPU_A_HISTOGRAM_LATENCY,
	VGPU_A_HISTOGRAM_CLASS,
	VGPU_A_HISTOGRAM_WINDOW_NS,
	VGPU_A_HISTOGRAM_COUNT,
	VGPU_A_HISTOGRAM_SUM_NS,
	VGPU_A_HISTOGRAM_MAX_NS,
	VGPU_A_HISTOGRAM_P50_NS,
	VGPU_A_HISTOGRAM_P95_NS,
	VGPU_A_HISTOGRAM_P99_NS,
	VGPU_A_HISTOGRAM_BUCKETS,

	__VGPU_A_HISTOGRAM_MAX,
	VGPU_A_HISTOGRAM_MAX = (__VGPU_A_HISTOGRAM_MAX - 1)
};

enum {
	VGPU_A_KIND_PAD = 1,
	VGPU_A_KIND_OPCODE,
	VGPU_A_KIND_COMMANDS,
	VGPU_A_KIND_BYTES,

	__VGPU_A_KIND_MAX,
	VGPU_A_KIND_MAX = (__VGPU_A_KIND_MAX - 1)
};

enum {
	VGPU_A_ERROR_PAD = 1,
	VGPU_A_ERROR_KIND,
	VGPU_A_ERROR_COMMANDS,

	__VGPU_A_ERROR_MAX,
	VGPU_A_ERROR_MAX = (__VGPU_A_ERROR_MAX - 1)
};

enum {
	VGPU_A_STATS_PAD = 1,
	VGPU_A_STATS_SUBMITTED,
	VGPU_A_STATS_COMPLETED,
	VGPU_A_STATS_FAILED,
	VGPU_A_STATS_WAITING,
	VGPU_A_STATS_REJECTED,
	VGPU_A_STATS_LAUNCHES,
	VGPU_A_STATS_BYTES_IN,
	VGPU_A_STATS_BYTES_OUT,
	VGPU_A_STATS_DOORBELLS,
	VGPU_A_STATS_BAD_REGISTERS,
	VGPU_A_STATS_SESSIONS_LOST,
	VGPU_A_STATS_HANGS,
	VGPU_A_STATS_BAD_COMPLETIONS,
	VGPU_A_STATS_MEMORY_USED,
	VGPU_A_STATS_SESSIONS,
	VGPU_A_STATS_WORKERS,
	VGPU_A_STATS_ENGINE,
	VGPU_A_STATS_THROTTLED_NS,
	VGPU_A_STATS_PROMOTIONS,
	VGPU_A_STATS_MEMORY_PEAK,
	VGPU_A_STATS_STRIKES,
	VGPU_A_STATS_SWITCHES,
	VGPU_A_STATS_DEPTH_MAX,
	VGPU_A_STATS_DEPTH_NS,
	VGPU_A_STATS_AGE_NS,
	VGPU_A_STATS_COMMAND,
	VGPU_A_STATS_ERROR,
	VGPU_A_STATS_METRICS_MEMORY,

	__VGPU_A_STATS_MAX,
	VGPU_A_STATS_MAX = (__VGPU_A_STATS_MAX - 1)
};

enum {
	VGPU_A_VM_PAD = 1,
	VGPU_A_VM_UUID,
	VGPU_A_VM_GPU,
	VGPU_A_VM_TYPE,
	VGPU_A_VM_STATE,
	VGPU_A_VM_QUARANTINED,
	VGPU_A_VM_TIER,
	VGPU_A_VM_MEMORY,
	VGPU_A_VM_APERTURE,
	VGPU_A_VM_DEPTH,
	VGPU_A_VM_SESSIONS,
	VGPU_A_VM_DEADLINE_NS,
	VGPU_A_VM_STATS,
	VGPU_A_VM_PRESENT,
	VGPU_A_VM_POOL,
	VGPU_A_VM_GPU_SHARE,
	VGPU_A_VM_GPU_BURST_NS,
	VGPU_A_VM_COPY_RATE,
	VGPU_A_VM_COPY_BURST,
	VGPU_A_VM_CMD_RATE,
	VGPU_A_VM_CMD_BURST,
	VGPU_A_VM_STRIKE,
	VGPU_A_VM_QUARANTINE_NS,
	VGPU_A_VM_QUARANTINE_MAX_NS,
	VGPU_A_VM_DECLARED,
	VGPU_A_VM_QUARANTINE,
	VGPU_A_VM_HISTOGRAM,
	VGPU_A_VM_REPLACE,
	VGPU_A_VM_WEIGHT,

	__VGPU_A_VM_MAX,
	VGPU_A_VM_MAX = (__VGPU_A_VM_MAX - 1)
};

enum {
	VGPU_A_POOL_PAD = 1,
	VGPU_A_POOL_NAME,
	VGPU_A_POOL_GPUS,
	VGPU_A_POOL_VMS,
	VGPU_A_POOL_POLICY,
	VGPU_A_POOL_ORDER,
	VGPU_A_POOL_CHARGE,
	VGPU_A_POOL_WINDOW,
	VGPU_A_POOL_WEIGHT_HIGH,
	VGPU_A_POOL_WEIGHT_MEDIUM,
	VGPU_A_POOL_WEIGHT_LOW,
	VGPU_A_POOL_AGING_NS,
	VGPU_A_POOL_SLICE_NS,
	VGPU_A_POOL_AGING_CAP,
	VGPU_A_POOL_LIMITS,
	VGPU_A_POOL_REPLACE,

	__VGPU_A_POOL_MAX,
	VGPU_A_POOL_MAX = (__VGPU_A_POOL_MAX - 1)
};

enum {
	VGPU_A_GROUP_PAD = 1,
	VGPU_A_GROUP_GPU,
	VGPU_A_GROUP_POOL,
	VGPU_A_GROUP_TIER,
	VGPU_A_GROUP_VMS,
	VGPU_A_GROUP_QUARANTINED,
	VGPU_A_GROUP_THROTTLED,
	VGPU_A_GROUP_STATS,
	VGPU_A_GROUP_HISTOGRAM,

	__VGPU_A_GROUP_MAX,
	VGPU_A_GROUP_MAX = (__VGPU_A_GROUP_MAX - 1)
};

enum {
	VGPU_A_EVENT_PAD = 1,
	VGPU_A_EVENT_TYPE,
	VGPU_A_EVENT_TIME_NS,
	VGPU_A_EVENT_GPU,
	VGPU_A_EVENT_UUID,
	VGPU_A_EVENT_SESSION,
	VGPU_A_EVENT_DETAIL,
	VGPU_A_EVENT_VALUE,
	VGPU_A_EVENT_SUPPRESSED,

	__VGPU_A_EVENT_MAX,
	VGPU_A_EVENT_MAX = (__VGPU_A_EVENT_MAX - 1)
};

enum {
	VGPU_CMD_VERSION_GET = 1,
	VGPU_CMD_GPU_GET,
	VGPU_CMD_VM_GET,
	VGPU_CMD_VM_SET,
	VGPU_CMD_GPU_ADD_NTF,
	VGPU_CMD_GPU_DEL_NTF,
	VGPU_CMD_GPU_CHANGE_NTF,
	VGPU_CMD_VM_ADD_NTF,
	VGPU_CMD_VM_DEL_NTF,
	VGPU_CMD_VM_CHANGE_NTF,
	VGPU_CMD_GPU_SET,
	VGPU_CMD_POOL_GET,
	VGPU_CMD_POOL_NEW,
	VGPU_CMD_POOL_SET,
	VGPU_CMD_POOL_DEL,
	VGPU_CMD_POOL_ADD_NTF,
	VGPU_CMD_POOL_DEL_NTF,
	VGPU_CMD_POOL_CHANGE_NTF,
	VGPU_CMD_VM_FORGET,
	VGPU_CMD_QUARANTINE_SET,
	VGPU_CMD_QUARANTINE_RELEASE,
	VGPU_CMD_STATS_GET,
	VGPU_CMD_EVENT_NTF,
	VGPU_CMD_GROUP_GET,

	__VGPU_CMD_MAX,
	VGPU_CMD_MAX = (__VGPU_CMD_MAX - 1)
};

#define VGPU_MCGRP_MONITOR	"monitor"

#endif /* _UAPI_LINUX_VGPU_H */
