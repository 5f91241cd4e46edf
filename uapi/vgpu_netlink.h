/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* spec 0f8d6628d80b0906fe1258a6d0abdde47c7492902c6255f949d629b02825b6c2 text ee0e7e3fb7a9ce7d59ffcee5683f6f4c5ce3523f3b00cb639fae6ed1d66a1311 */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vgpu.yaml */
/* YNL-GEN uapi header */

/*
 * Administration of virtual GPUs
 * ==============================
 *
 * The generic netlink family "vgpu" tells what the mediator in the hypervisor's kernel has: physical GPUs,
 * by the name that their supervisor gave them ("soft0"), and virtual GPUs (here "vm"), by their UUID. It
 * changes the policy of virtual GPUs that exist, and tells of changes as they happen.
 *
 * The family is there in the initial network namespace. version-get may be called by anybody; everything else,
 * and joining the multicast group "monitor", takes CAP_NET_ADMIN in the initial user namespace. Requests are
 * validated strictly: an attribute that an operation does not take, a value out of range, a wrong length or
 * trailing bytes are refused with an extended acknowledgement that says which attribute it was and why.
 *
 * A dump is consistent when no GPU or virtual GPU came or went while it was read: otherwise its messages
 * carry NLM_F_DUMP_INTR, and the reader starts again. The numbers of one GPU or virtual GPU are always of one
 * instant: in every reading, submitted = completed + failed + waiting.
 *
 * Sizes are in bytes, times in nanoseconds, counters run from the creation of what they count for and never go
 * back. Unknown attributes in an answer are to be ignored: later versions add some.
 */
#ifndef _UAPI_LINUX_VGPU_H
#define _UAPI_LINUX_VGPU_H

#define VGPU_GENL_NAME		"vgpu"
#define VGPU_GENL_VERSION	1

#define VGPU_GPU_NAME_MAX	31
#define VGPU_UUID_LEN		16
#define VGPU_LIMIT_DEPTH_MAX	4096
#define VGPU_LIMIT_DEADLINE_MAX	86400000000000
#define VGPU_LIMIT_SESSIONS_MAX	64

/**
 * enum vgpu_genl_gpu_state - Whether a GPU can work.
 * @VGPU_GPU_STATE_DETACHED: Its supervisor has gone; virtual GPUs remain and
 *   their work waits or fails.
 * @VGPU_GPU_STATE_ATTACHED: A supervisor serves it.
 */
enum vgpu_genl_gpu_state {
	VGPU_GPU_STATE_DETACHED,
	VGPU_GPU_STATE_ATTACHED,
};

/**
 * enum vgpu_genl_vm_state - How far a virtual GPU is in use.
 * @VGPU_VM_STATE_CLOSED: No virtual machine has it open.
 * @VGPU_VM_STATE_OPEN: A virtual machine has it open; no guest driver drives
 *   it.
 * @VGPU_VM_STATE_READY: A guest driver drives it.
 */
enum vgpu_genl_vm_state {
	VGPU_VM_STATE_CLOSED,
	VGPU_VM_STATE_OPEN,
	VGPU_VM_STATE_READY,
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

	__VGPU_A_GPU_MAX,
	VGPU_A_GPU_MAX = (__VGPU_A_GPU_MAX - 1)
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

	__VGPU_A_VM_MAX,
	VGPU_A_VM_MAX = (__VGPU_A_VM_MAX - 1)
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

	__VGPU_CMD_MAX,
	VGPU_CMD_MAX = (__VGPU_CMD_MAX - 1)
};

#define VGPU_MCGRP_MONITOR	"monitor"

#endif /* _UAPI_LINUX_VGPU_H */
