/* SPDX-License-Identifier: ((GPL-2.0-only WITH Linux-syscall-note) OR BSD-3-Clause) */
/* spec a88ddbbec6ce4f6b0db17a9abac45a4ad117286342eb81a8ed18807925eabc2a text 39046f1f84b7f2b2e5ef5756d248f9a14eccbaea6152f51f88f65b994656ac67 */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vgpu.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_VGPU_GEN_H
#define _LINUX_VGPU_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/vgpu_netlink.h>

/* Common nested types */
extern const struct nla_policy vgpu_default_limits_nl_policy[VGPU_A_VM_WEIGHT + 1];
extern const struct nla_policy vgpu_strike_limit_nl_policy[VGPU_A_STRIKE_LIMIT_WINDOW_NS + 1];

extern const struct nla_policy vgpu_version_get_nl_policy[VGPU_A_VERSION_PAD + 1];

extern const struct nla_policy vgpu_gpu_get_nl_policy[VGPU_A_GPU_NAME + 1];

extern const struct nla_policy vgpu_vm_get_nl_policy[VGPU_A_VM_UUID + 1];

extern const struct nla_policy vgpu_vm_set_nl_policy[VGPU_A_VM_WEIGHT + 1];

extern const struct nla_policy vgpu_gpu_set_nl_policy[VGPU_A_GPU_POOL + 1];

extern const struct nla_policy vgpu_pool_get_nl_policy[VGPU_A_POOL_NAME + 1];

extern const struct nla_policy vgpu_pool_new_nl_policy[VGPU_A_POOL_LIMITS + 1];

extern const struct nla_policy vgpu_pool_set_nl_policy[VGPU_A_POOL_REPLACE + 1];

extern const struct nla_policy vgpu_pool_del_nl_policy[VGPU_A_POOL_NAME + 1];

extern const struct nla_policy vgpu_vm_forget_nl_policy[VGPU_A_VM_UUID + 1];

extern const struct nla_policy vgpu_quarantine_set_nl_policy[VGPU_A_VM_UUID + 1];

extern const struct nla_policy vgpu_quarantine_release_nl_policy[VGPU_A_VM_UUID + 1];

extern const struct nla_policy vgpu_stats_get_nl_policy[VGPU_A_VM_UUID + 1];

extern const struct nla_policy vgpu_group_get_nl_policy[VGPU_A_GROUP_TIER + 1];

/* Ops table for vgpu */
extern const struct genl_ops vgpu_nl_ops[14];

int vgpu_nl_version_get_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_gpu_get_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_gpu_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vgpu_nl_vm_get_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_vm_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vgpu_nl_vm_set_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_gpu_set_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_pool_get_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_pool_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vgpu_nl_pool_new_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_pool_set_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_pool_del_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_vm_forget_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_quarantine_set_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_quarantine_release_doit(struct sk_buff *skb,
				    struct genl_info *info);
int vgpu_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_stats_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vgpu_nl_group_get_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_group_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);

enum {
	VGPU_NLGRP_MONITOR,
};

#endif /* _LINUX_VGPU_GEN_H */
