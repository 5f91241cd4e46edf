// SPDX-License-Identifier: ((GPL-2.0-only WITH Linux-syscall-note) OR BSD-3-Clause)
/* spec a88ddbbec6ce4f6b0db17a9abac45a4ad117286342eb81a8ed18807925eabc2a text 26500254f9e19493eb80fa5db70420fbd45fc11544ef4b6dea73e89ebee5cb33 */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vgpu.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "nl_gen.h"

#include <uapi/vgpu_netlink.h>

/* Integer value ranges */
static struct netlink_range_validation vgpu_a_strike_limit_threshold_range = {
	.max	= VGPU_LIMIT_STRIKES_MAX,
};

static struct netlink_range_validation vgpu_a_strike_limit_window_ns_range = {
	.min	= VGPU_LIMIT_WINDOW_MIN,
	.max	= VGPU_LIMIT_WINDOW_MAX,
};

static struct netlink_range_validation vgpu_a_vm_memory_range = {
	.min	= 1ULL,
	.max	= VGPU_LIMIT_MEMORY_MAX,
};

static struct netlink_range_validation vgpu_a_vm_deadline_ns_range = {
	.min	= 1ULL,
	.max	= VGPU_LIMIT_DEADLINE_MAX,
};

static struct netlink_range_validation vgpu_a_vm_gpu_share_range = {
	.max	= VGPU_LIMIT_GPU_SHARE_MAX,
};

static struct netlink_range_validation vgpu_a_vm_gpu_burst_ns_range = {
	.min	= VGPU_LIMIT_GPU_BURST_MIN,
	.max	= VGPU_LIMIT_GPU_BURST_MAX,
};

static struct netlink_range_validation vgpu_a_vm_copy_rate_range = {
	.max	= VGPU_LIMIT_COPY_RATE_MAX,
};

static struct netlink_range_validation vgpu_a_vm_copy_burst_range = {
	.min	= VGPU_LIMIT_COPY_BURST_MIN,
	.max	= VGPU_LIMIT_COPY_BURST_MAX,
};

static struct netlink_range_validation vgpu_a_vm_cmd_rate_range = {
	.max	= VGPU_LIMIT_CMD_RATE_MAX,
};

static struct netlink_range_validation vgpu_a_vm_cmd_burst_range = {
	.min	= 1ULL,
	.max	= VGPU_LIMIT_CMD_BURST_MAX,
};

static struct netlink_range_validation vgpu_a_vm_quarantine_ns_range = {
	.max	= VGPU_LIMIT_QUARANTINE_MAX,
};

static struct netlink_range_validation vgpu_a_vm_quarantine_max_ns_range = {
	.min	= VGPU_LIMIT_QUARANTINE_MIN,
	.max	= VGPU_LIMIT_QUARANTINE_MAX,
};

static struct netlink_range_validation vgpu_a_pool_aging_ns_range = {
	.min	= VGPU_SCHED_AGING_MIN,
	.max	= VGPU_SCHED_AGING_MAX,
};

static struct netlink_range_validation vgpu_a_pool_slice_ns_range = {
	.min	= VGPU_SCHED_SLICE_MIN,
	.max	= VGPU_SCHED_SLICE_MAX,
};

/* Common nested types */
const struct nla_policy vgpu_default_limits_nl_policy[VGPU_A_VM_WEIGHT + 1] = {
	[VGPU_A_VM_TIER] = NLA_POLICY_MAX(NLA_U32, 2),
	[VGPU_A_VM_DEPTH] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_LIMIT_DEPTH_MAX),
	[VGPU_A_VM_SESSIONS] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_LIMIT_SESSIONS_MAX),
	[VGPU_A_VM_DEADLINE_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_deadline_ns_range),
	[VGPU_A_VM_GPU_SHARE] = NLA_POLICY_FULL_RANGE(NLA_U32, &vgpu_a_vm_gpu_share_range),
	[VGPU_A_VM_GPU_BURST_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_gpu_burst_ns_range),
	[VGPU_A_VM_COPY_RATE] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_copy_rate_range),
	[VGPU_A_VM_COPY_BURST] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_copy_burst_range),
	[VGPU_A_VM_CMD_RATE] = NLA_POLICY_FULL_RANGE(NLA_U32, &vgpu_a_vm_cmd_rate_range),
	[VGPU_A_VM_CMD_BURST] = NLA_POLICY_FULL_RANGE(NLA_U32, &vgpu_a_vm_cmd_burst_range),
	[VGPU_A_VM_STRIKE] = NLA_POLICY_NESTED(vgpu_strike_limit_nl_policy),
	[VGPU_A_VM_QUARANTINE_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_quarantine_ns_range),
	[VGPU_A_VM_QUARANTINE_MAX_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_quarantine_max_ns_range),
	[VGPU_A_VM_WEIGHT] = NLA_POLICY_RANGE(NLA_U32, VGPU_LIMIT_WEIGHT_MIN, VGPU_LIMIT_WEIGHT_MAX),
};

const struct nla_policy vgpu_strike_limit_nl_policy[VGPU_A_STRIKE_LIMIT_WINDOW_NS + 1] = {
	[VGPU_A_STRIKE_LIMIT_KIND] = NLA_POLICY_MAX(NLA_U32, 4),
	[VGPU_A_STRIKE_LIMIT_THRESHOLD] = NLA_POLICY_FULL_RANGE(NLA_U32, &vgpu_a_strike_limit_threshold_range),
	[VGPU_A_STRIKE_LIMIT_WINDOW_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_strike_limit_window_ns_range),
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
const struct nla_policy vgpu_vm_set_nl_policy[VGPU_A_VM_WEIGHT + 1] = {
	[VGPU_A_VM_UUID] = NLA_POLICY_EXACT_LEN(VGPU_UUID_LEN),
	[VGPU_A_VM_TIER] = NLA_POLICY_MAX(NLA_U32, 2),
	[VGPU_A_VM_MEMORY] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_memory_range),
	[VGPU_A_VM_DEPTH] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_LIMIT_DEPTH_MAX),
	[VGPU_A_VM_SESSIONS] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_LIMIT_SESSIONS_MAX),
	[VGPU_A_VM_DEADLINE_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_deadline_ns_range),
	[VGPU_A_VM_POOL] = { .type = NLA_NUL_STRING, .len = VGPU_POOL_NAME_MAX, },
	[VGPU_A_VM_GPU_SHARE] = NLA_POLICY_FULL_RANGE(NLA_U32, &vgpu_a_vm_gpu_share_range),
	[VGPU_A_VM_GPU_BURST_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_gpu_burst_ns_range),
	[VGPU_A_VM_COPY_RATE] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_copy_rate_range),
	[VGPU_A_VM_COPY_BURST] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_copy_burst_range),
	[VGPU_A_VM_CMD_RATE] = NLA_POLICY_FULL_RANGE(NLA_U32, &vgpu_a_vm_cmd_rate_range),
	[VGPU_A_VM_CMD_BURST] = NLA_POLICY_FULL_RANGE(NLA_U32, &vgpu_a_vm_cmd_burst_range),
	[VGPU_A_VM_STRIKE] = NLA_POLICY_NESTED(vgpu_strike_limit_nl_policy),
	[VGPU_A_VM_QUARANTINE_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_quarantine_ns_range),
	[VGPU_A_VM_QUARANTINE_MAX_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_vm_quarantine_max_ns_range),
	[VGPU_A_VM_REPLACE] = { .type = NLA_FLAG, },
	[VGPU_A_VM_WEIGHT] = NLA_POLICY_RANGE(NLA_U32, VGPU_LIMIT_WEIGHT_MIN, VGPU_LIMIT_WEIGHT_MAX),
};

/* VGPU_CMD_GPU_SET - do */
const struct nla_policy vgpu_gpu_set_nl_policy[VGPU_A_GPU_POOL + 1] = {
	[VGPU_A_GPU_NAME] = { .type = NLA_NUL_STRING, .len = VGPU_GPU_NAME_MAX, },
	[VGPU_A_GPU_POOL] = { .type = NLA_NUL_STRING, .len = VGPU_POOL_NAME_MAX, },
};

/* VGPU_CMD_POOL_GET - do */
const struct nla_policy vgpu_pool_get_nl_policy[VGPU_A_POOL_NAME + 1] = {
	[VGPU_A_POOL_NAME] = { .type = NLA_NUL_STRING, .len = VGPU_POOL_NAME_MAX, },
};

/* VGPU_CMD_POOL_NEW - do */
const struct nla_policy vgpu_pool_new_nl_policy[VGPU_A_POOL_LIMITS + 1] = {
	[VGPU_A_POOL_NAME] = { .type = NLA_NUL_STRING, .len = VGPU_POOL_NAME_MAX, },
	[VGPU_A_POOL_POLICY] = NLA_POLICY_MAX(NLA_U32, 1),
	[VGPU_A_POOL_ORDER] = NLA_POLICY_MAX(NLA_U32, 1),
	[VGPU_A_POOL_CHARGE] = NLA_POLICY_MAX(NLA_U32, 2),
	[VGPU_A_POOL_WINDOW] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_SCHED_WINDOW_MAX),
	[VGPU_A_POOL_WEIGHT_HIGH] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_SCHED_WEIGHT_MAX),
	[VGPU_A_POOL_WEIGHT_MEDIUM] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_SCHED_WEIGHT_MAX),
	[VGPU_A_POOL_WEIGHT_LOW] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_SCHED_WEIGHT_MAX),
	[VGPU_A_POOL_AGING_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_pool_aging_ns_range),
	[VGPU_A_POOL_SLICE_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_pool_slice_ns_range),
	[VGPU_A_POOL_AGING_CAP] = NLA_POLICY_MAX(NLA_U32, VGPU_SCHED_AGING_CAP_MAX),
	[VGPU_A_POOL_LIMITS] = NLA_POLICY_NESTED(vgpu_default_limits_nl_policy),
};

/* VGPU_CMD_POOL_SET - do */
const struct nla_policy vgpu_pool_set_nl_policy[VGPU_A_POOL_REPLACE + 1] = {
	[VGPU_A_POOL_NAME] = { .type = NLA_NUL_STRING, .len = VGPU_POOL_NAME_MAX, },
	[VGPU_A_POOL_POLICY] = NLA_POLICY_MAX(NLA_U32, 1),
	[VGPU_A_POOL_ORDER] = NLA_POLICY_MAX(NLA_U32, 1),
	[VGPU_A_POOL_CHARGE] = NLA_POLICY_MAX(NLA_U32, 2),
	[VGPU_A_POOL_WINDOW] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_SCHED_WINDOW_MAX),
	[VGPU_A_POOL_WEIGHT_HIGH] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_SCHED_WEIGHT_MAX),
	[VGPU_A_POOL_WEIGHT_MEDIUM] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_SCHED_WEIGHT_MAX),
	[VGPU_A_POOL_WEIGHT_LOW] = NLA_POLICY_RANGE(NLA_U32, 1, VGPU_SCHED_WEIGHT_MAX),
	[VGPU_A_POOL_AGING_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_pool_aging_ns_range),
	[VGPU_A_POOL_SLICE_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &vgpu_a_pool_slice_ns_range),
	[VGPU_A_POOL_AGING_CAP] = NLA_POLICY_MAX(NLA_U32, VGPU_SCHED_AGING_CAP_MAX),
	[VGPU_A_POOL_LIMITS] = NLA_POLICY_NESTED(vgpu_default_limits_nl_policy),
	[VGPU_A_POOL_REPLACE] = { .type = NLA_FLAG, },
};

/* VGPU_CMD_POOL_DEL - do */
const struct nla_policy vgpu_pool_del_nl_policy[VGPU_A_POOL_NAME + 1] = {
	[VGPU_A_POOL_NAME] = { .type = NLA_NUL_STRING, .len = VGPU_POOL_NAME_MAX, },
};

/* VGPU_CMD_VM_FORGET - do */
const struct nla_policy vgpu_vm_forget_nl_policy[VGPU_A_VM_UUID + 1] = {
	[VGPU_A_VM_UUID] = NLA_POLICY_EXACT_LEN(VGPU_UUID_LEN),
};

/* VGPU_CMD_QUARANTINE_SET - do */
const struct nla_policy vgpu_quarantine_set_nl_policy[VGPU_A_VM_UUID + 1] = {
	[VGPU_A_VM_UUID] = NLA_POLICY_EXACT_LEN(VGPU_UUID_LEN),
};

/* VGPU_CMD_QUARANTINE_RELEASE - do */
const struct nla_policy vgpu_quarantine_release_nl_policy[VGPU_A_VM_UUID + 1] = {
	[VGPU_A_VM_UUID] = NLA_POLICY_EXACT_LEN(VGPU_UUID_LEN),
};

/* VGPU_CMD_STATS_GET - do */
const struct nla_policy vgpu_stats_get_nl_policy[VGPU_A_VM_UUID + 1] = {
	[VGPU_A_VM_UUID] = NLA_POLICY_EXACT_LEN(VGPU_UUID_LEN),
};

/* VGPU_CMD_GROUP_GET - do */
const struct nla_policy vgpu_group_get_nl_policy[VGPU_A_GROUP_TIER + 1] = {
	[VGPU_A_GROUP_GPU] = { .type = NLA_NUL_STRING, .len = VGPU_GPU_NAME_MAX, },
	[VGPU_A_GROUP_POOL] = { .type = NLA_NUL_STRING, .len = VGPU_POOL_NAME_MAX, },
	[VGPU_A_GROUP_TIER] = NLA_POLICY_MAX(NLA_U32, 2),
};

/* Ops table for vgpu */
const struct genl_ops vgpu_nl_ops[14] = {
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
		.maxattr	= VGPU_A_VM_WEIGHT,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VGPU_CMD_GPU_SET,
		.doit		= vgpu_nl_gpu_set_doit,
		.policy		= vgpu_gpu_set_nl_policy,
		.maxattr	= VGPU_A_GPU_POOL,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VGPU_CMD_POOL_GET,
		.doit		= vgpu_nl_pool_get_doit,
		.dumpit		= vgpu_nl_pool_get_dumpit,
		.policy		= vgpu_pool_get_nl_policy,
		.maxattr	= VGPU_A_POOL_NAME,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VGPU_CMD_POOL_NEW,
		.doit		= vgpu_nl_pool_new_doit,
		.policy		= vgpu_pool_new_nl_policy,
		.maxattr	= VGPU_A_POOL_LIMITS,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VGPU_CMD_POOL_SET,
		.doit		= vgpu_nl_pool_set_doit,
		.policy		= vgpu_pool_set_nl_policy,
		.maxattr	= VGPU_A_POOL_REPLACE,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VGPU_CMD_POOL_DEL,
		.doit		= vgpu_nl_pool_del_doit,
		.policy		= vgpu_pool_del_nl_policy,
		.maxattr	= VGPU_A_POOL_NAME,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VGPU_CMD_VM_FORGET,
		.doit		= vgpu_nl_vm_forget_doit,
		.policy		= vgpu_vm_forget_nl_policy,
		.maxattr	= VGPU_A_VM_UUID,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VGPU_CMD_QUARANTINE_SET,
		.doit		= vgpu_nl_quarantine_set_doit,
		.policy		= vgpu_quarantine_set_nl_policy,
		.maxattr	= VGPU_A_VM_UUID,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VGPU_CMD_QUARANTINE_RELEASE,
		.doit		= vgpu_nl_quarantine_release_doit,
		.policy		= vgpu_quarantine_release_nl_policy,
		.maxattr	= VGPU_A_VM_UUID,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VGPU_CMD_STATS_GET,
		.doit		= vgpu_nl_stats_get_doit,
		.dumpit		= vgpu_nl_stats_get_dumpit,
		.policy		= vgpu_stats_get_nl_policy,
		.maxattr	= VGPU_A_VM_UUID,
		.flags		= GENL_ADMIN_PERM,
	},
	{
		.cmd		= VGPU_CMD_GROUP_GET,
		.doit		= vgpu_nl_group_get_doit,
		.dumpit		= vgpu_nl_group_get_dumpit,
		.policy		= vgpu_group_get_nl_policy,
		.maxattr	= VGPU_A_GROUP_TIER,
		.flags		= GENL_ADMIN_PERM,
	},
};
