/* SPDX-License-Identifier: ((GPL-2.0-only WITH Linux-syscall-note) OR BSD-3-Clause) */
/* spec a88ddbbec6ce4f6b0db17a9abac45a4ad117286342eb81a8ed18807925eabc2a text 5a259d52ea59a14c4d964ab0f2495d558591928ad42a73a12138cecf7d49bc34 */
/* Names of attributes that requests take, by number. */
#ifndef VGPU_NAMES_GEN_H
#define VGPU_NAMES_GEN_H

#include "../../uapi/vgpu_netlink.h"

static const char * const version_attribute_names[] = {
	[VGPU_A_VERSION_PAD] = "pad",
	[VGPU_A_VERSION_MODULE] = "module",
	[VGPU_A_VERSION_FAMILY] = "family",
	[VGPU_A_VERSION_DEVICE] = "device",
	[VGPU_A_VERSION_EXECUTOR] = "executor",
};

static const char * const gpu_attribute_names[] = {
	[VGPU_A_GPU_PAD] = "pad",
	[VGPU_A_GPU_NAME] = "name",
	[VGPU_A_GPU_PCI] = "pci",
	[VGPU_A_GPU_MODEL] = "model",
	[VGPU_A_GPU_STATE] = "state",
	[VGPU_A_GPU_MEMORY] = "memory",
	[VGPU_A_GPU_MEMORY_GIVEN] = "memory-given",
	[VGPU_A_GPU_GRANULE] = "granule",
	[VGPU_A_GPU_SESSION_OVERHEAD] = "session-overhead",
	[VGPU_A_GPU_COMPUTE_MAJOR] = "compute-major",
	[VGPU_A_GPU_COMPUTE_MINOR] = "compute-minor",
	[VGPU_A_GPU_CUDA_VERSION] = "cuda-version",
	[VGPU_A_GPU_VMS] = "vms",
	[VGPU_A_GPU_RUNS] = "runs",
	[VGPU_A_GPU_SWITCHES] = "switches",
	[VGPU_A_GPU_ENGINE] = "engine",
	[VGPU_A_GPU_POOL] = "pool",
	[VGPU_A_GPU_PROMOTIONS] = "promotions",
};

static const char * const vm_attribute_names[] = {
	[VGPU_A_VM_PAD] = "pad",
	[VGPU_A_VM_UUID] = "uuid",
	[VGPU_A_VM_GPU] = "gpu",
	[VGPU_A_VM_TYPE] = "type",
	[VGPU_A_VM_STATE] = "state",
	[VGPU_A_VM_QUARANTINED] = "quarantined",
	[VGPU_A_VM_TIER] = "tier",
	[VGPU_A_VM_MEMORY] = "memory",
	[VGPU_A_VM_APERTURE] = "aperture",
	[VGPU_A_VM_DEPTH] = "depth",
	[VGPU_A_VM_SESSIONS] = "sessions",
	[VGPU_A_VM_DEADLINE_NS] = "deadline-ns",
	[VGPU_A_VM_STATS] = "stats",
	[VGPU_A_VM_PRESENT] = "present",
	[VGPU_A_VM_POOL] = "pool",
	[VGPU_A_VM_GPU_SHARE] = "gpu-share",
	[VGPU_A_VM_GPU_BURST_NS] = "gpu-burst-ns",
	[VGPU_A_VM_COPY_RATE] = "copy-rate",
	[VGPU_A_VM_COPY_BURST] = "copy-burst",
	[VGPU_A_VM_CMD_RATE] = "cmd-rate",
	[VGPU_A_VM_CMD_BURST] = "cmd-burst",
	[VGPU_A_VM_STRIKE] = "strike",
	[VGPU_A_VM_QUARANTINE_NS] = "quarantine-ns",
	[VGPU_A_VM_QUARANTINE_MAX_NS] = "quarantine-max-ns",
	[VGPU_A_VM_DECLARED] = "declared",
	[VGPU_A_VM_QUARANTINE] = "quarantine",
	[VGPU_A_VM_HISTOGRAM] = "histogram",
	[VGPU_A_VM_REPLACE] = "replace",
	[VGPU_A_VM_WEIGHT] = "weight",
};

static const char * const pool_attribute_names[] = {
	[VGPU_A_POOL_PAD] = "pad",
	[VGPU_A_POOL_NAME] = "name",
	[VGPU_A_POOL_GPUS] = "gpus",
	[VGPU_A_POOL_VMS] = "vms",
	[VGPU_A_POOL_POLICY] = "policy",
	[VGPU_A_POOL_ORDER] = "order",
	[VGPU_A_POOL_CHARGE] = "charge",
	[VGPU_A_POOL_WINDOW] = "window",
	[VGPU_A_POOL_WEIGHT_HIGH] = "weight-high",
	[VGPU_A_POOL_WEIGHT_MEDIUM] = "weight-medium",
	[VGPU_A_POOL_WEIGHT_LOW] = "weight-low",
	[VGPU_A_POOL_AGING_NS] = "aging-ns",
	[VGPU_A_POOL_SLICE_NS] = "slice-ns",
	[VGPU_A_POOL_AGING_CAP] = "aging-cap",
	[VGPU_A_POOL_LIMITS] = "limits",
	[VGPU_A_POOL_REPLACE] = "replace",
};

static const char * const group_attribute_names[] = {
	[VGPU_A_GROUP_PAD] = "pad",
	[VGPU_A_GROUP_GPU] = "gpu",
	[VGPU_A_GROUP_POOL] = "pool",
	[VGPU_A_GROUP_TIER] = "tier",
	[VGPU_A_GROUP_VMS] = "vms",
	[VGPU_A_GROUP_QUARANTINED] = "quarantined",
	[VGPU_A_GROUP_THROTTLED] = "throttled",
	[VGPU_A_GROUP_STATS] = "stats",
	[VGPU_A_GROUP_HISTOGRAM] = "histogram",
};

#endif /* VGPU_NAMES_GEN_H */
