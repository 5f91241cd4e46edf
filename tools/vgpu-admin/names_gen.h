/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* spec 0f8d6628d80b0906fe1258a6d0abdde47c7492902c6255f949d629b02825b6c2 text 10246c61610b22f8bc84e6ec81d1fd052ccf79c72ecc0e8b8949a145ac9eb40a */
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
};

#endif /* VGPU_NAMES_GEN_H */
