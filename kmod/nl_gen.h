/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* spec 0f8d6628d80b0906fe1258a6d0abdde47c7492902c6255f949d629b02825b6c2 text c0f72e255bf14cb789f93ea091d8cef552bd867064248c7973872b00b2839abb */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vgpu.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_VGPU_GEN_H
#define _LINUX_VGPU_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/vgpu_netlink.h>

extern const struct nla_policy vgpu_version_get_nl_policy[VGPU_A_VERSION_PAD + 1];

extern const struct nla_policy vgpu_gpu_get_nl_policy[VGPU_A_GPU_NAME + 1];

extern const struct nla_policy vgpu_vm_get_nl_policy[VGPU_A_VM_UUID + 1];

extern const struct nla_policy vgpu_vm_set_nl_policy[VGPU_A_VM_DEADLINE_NS + 1];

/* Ops table for vgpu */
extern const struct genl_ops vgpu_nl_ops[4];

int vgpu_nl_version_get_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_gpu_get_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_gpu_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vgpu_nl_vm_get_doit(struct sk_buff *skb, struct genl_info *info);
int vgpu_nl_vm_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vgpu_nl_vm_set_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	VGPU_NLGRP_MONITOR,
};

#endif /* _LINUX_VGPU_GEN_H */
