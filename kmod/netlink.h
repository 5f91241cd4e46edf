/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef VGPU_KMOD_NETLINK_H
#define VGPU_KMOD_NETLINK_H

#include <net/genetlink.h>
#include "policy.h"
#include "vgpu.h"
#include "../uapi/vgpu_netlink.h"

/* Told by those who change things; vgpu_gpus_lock held. */
void vgpu_netlink_gpu(u8 cmd, struct vgpu_host_gpu *gpu);
void vgpu_netlink_place(const char *name, struct vgpu_host_gpu *gpu);
void vgpu_netlink_vm(u8 cmd, struct vgpu_vm *vm);
void vgpu_netlink_policy(const u8 uuid[16]);
void vgpu_netlink_pool(u8 cmd, struct vgpu_host_pool *pool);

/**
 * struct vgpu_nl_to - where a message goes
 * @skb: to which it is appended
 * @cb: of the dump that it is part of, or NULL
 * @portid: of the receiver, 0 for the monitor group
 * @seq: of the request
 * @flags: of the message
 * @cmd: of the message
 */
struct vgpu_nl_to {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	u32 portid;
	u32 seq;
	int flags;
	u8 cmd;
};

/* netlink.c: among the family's files */
struct vgpu_host_gpu *vgpu_nl_gpu(const char *name);
void *vgpu_nl_begin(const struct vgpu_nl_to *to);
int vgpu_nl_end(const struct vgpu_nl_to *to, void *header, bool whole);
struct vgpu_nl_to vgpu_nl_dump_to(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);
int vgpu_nl_dump_end(const struct sk_buff *skb, bool whole);
int vgpu_nl_answer(struct genl_info *info, u8 cmd, size_t size,
		   int (*fill)(const struct vgpu_nl_to *to, void *object), void *object);
void vgpu_nl_tell(u8 cmd, int (*fill)(const struct vgpu_nl_to *to, void *object), void *object);
void vgpu_nl_changed(void);
bool vgpu_nl_heard(void);
int vgpu_nl_cast(struct sk_buff *skb, gfp_t gfp);

/* netlink_event.c */
void vgpu_netlink_event(struct vgpu_host_gpu *gpu, struct vgpu_dev *dev,
			const struct vgpu_event *event);

/* netlink_vm.c: among the family's files */
struct vgpu_vm *vgpu_nl_vm(struct genl_info *info);
bool vgpu_nl_dump_vms(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd,
		      int (*fill)(const struct vgpu_nl_to *to, void *object));

/* netlink_settings.c: among the family's files */
int vgpu_nl_put_settings(struct sk_buff *skb, const struct vgpu_settings *settings);
int vgpu_nl_get_settings(struct nlattr **attrs, struct nlattr *first, int len,
			 struct vgpu_settings *settings, struct netlink_ext_ack *extack);

/* netlink_stats.c: among the family's files */
int vgpu_nl_put_engines(struct sk_buff *skb, int type, const u64 busy_ns[VGPU_ENGINE_COUNT]);
int vgpu_nl_put_numbers(struct sk_buff *skb, int type, const struct vgpu_stats *stats,
			const struct vgpu_metrics_reading *metrics);
int vgpu_nl_put_window(struct sk_buff *skb, int type, const struct vgpu_latency_reading *reading,
		       enum vgpu_window window, bool all);
int vgpu_nl_put_stats(struct sk_buff *skb, struct vgpu_dev *dev);
int vgpu_nl_put_quarantine(struct sk_buff *skb, struct vgpu_dev *dev);

#endif /* VGPU_KMOD_NETLINK_H */
