// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* spec 0f8d6628d80b0906fe1258a6d0abdde47c7492902c6255f949d629b02825b6c2 text 1975b3d581bb3d4d7237cdecc8866506d15f2f0624df8e9a24bd8191331da2cc */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vgpu.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "nl_gen.h"

#include <uapi/vgpu_netlink.h>

/* Integer value ranges */
static struct netlink_range_validation vgpu_a_vm_deadline_ns_range = {
	.min	= 1ULL,
	.max	= VGPU_LIMIT_DEADLINE_MAX,
};

/* VGPU_CMD_VERSION_GET - do */
const struct nla_policy vgpu_version_get_nl_policy[VGPU_A_VERSION_PAD + 1] = {
};

/* VGPU_CMD_GPU_GET - do */
const struct nla_policy vgpu_gpu_get_nl_policy[VGPU_A_GPU_NAME + 1] = {
	[VGPU_A_GPU_NAME] = { .type = NLA_NUL_STRING, .len = VGPU_GPU_NAME_MAX, },
};

/* VGPU_CMD_VM_GET - do */
const struct nla_policy vgpu_vm_get_nl_policy[VGPU_A_VM_UUID + 1] = {
	[VGPU_A_VM_UUID] = NLA_POLICY_EXACT_LEN(VGPU_UUID_LEN),
};

/* VGPU_CMD_VM_SET - do */
const struct nla_policy vgpu_vm_set_nl_policy[VGPU_A_VM_DEADLINE_NS + 1] = {
	[VGPU_A_VM_UUID] = NLA_POLICY_EXACT_LEN(VGPU_UUID_LEN),
	[VGPU_A_VM_TIER] = NLA_POLICY_MAX(NLA_U32, 2),
	[VGPU_A_VM_DEPTH] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_LIMIT_DEPTH_MAX),
	[VGPU_A_VM_SESSIONS] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_LIMIT_SESSIONS_MAX),
	[VGPU_A_VM_DEADLINE_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_deadline_ns_range),
};

/* Ops table for vgpu */
const struct genl_ops vgpu_nl_ops[4] = {
	{
		.cmd		= VGPU_CMD_VERSION_GET,
		.doit		= vgpu_nl_version_get_doit,
		.policy		= vgpu_version_get_nl_policy,
		.maxattr	= VGPU_A_VERSION_PAD,
	},
	{
		.cmd		= VGPU_CMD_GPU_GET,
		.doit		= vgpu_nl_gpu_get_doit,
		.dumpit		= vgpu_nl_gpu_get_dumpit,
		.policy		= vgpu_gpu_get_nl_policy,
		.maxattr	= VGPU_A_GPU_NAME,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VGPU_CMD_VM_GET,
		.doit		= vgpu_nl_vm_get_doit,
		.dumpit		= vgpu_nl_vm_get_dumpit,
		.policy		= vgpu_vm_get_nl_policy,
		.maxattr	= VGPU_A_VM_UUID,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VGPU_CMD_VM_SET,
		.doit		= vgpu_nl_vm_set_doit,
		.policy		= vgpu_vm_set_nl_policy,
		.maxattr	= VGPU_A_VM_DEADLINE_NS,
		.flags		= GENL_ADMIN_PERM,
	},
};
