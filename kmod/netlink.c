// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/**
 * DOC: Administration over generic netlink
 *
 * The protocol is described in uapi/vgpu_netlink.h, made from
 * Documentation/netlink/specs/vgpu.yaml. The tables of operations and their policies (nl_gen.c)
 * come from there too: what a policy can refuse never gets here.
 *
 * Every operation holds vgpu_gpus_lock while it looks, so that no GPU or virtual GPU comes or goes
 * under it. The numbers of one object are read by one call of the core, which makes them consistent
 * among themselves.
 */

#include <linux/mdev.h>
#include <linux/module.h>
#include <net/genetlink.h>
#include "netlink.h"
#include "nl_gen.h"
#include "../uapi/vgpu_release.h"

static_assert(VGPU_LIMIT_DEPTH_MAX == VGPU_DEPTH_MAX);
static_assert(VGPU_DEPTH_MIN == 1);
static_assert(VGPU_LIMIT_DEADLINE_MAX == VGPU_DEADLINE_MAX);
static_assert(VGPU_LIMIT_SESSIONS_MAX == VGPU_MAX_SESSIONS);
static_assert((int)VGPU_VM_TIER_HIGH == (int)VGPU_TIER_HIGH &&
	      (int)VGPU_VM_TIER_LOW == (int)VGPU_TIER_LOW);
static_assert((int)VGPU_ENGINE_CLASS_CONTROL == (int)VGPU_ENGINE_CONTROL);

static const struct genl_multicast_group netlink_groups[] = {
	[VGPU_NLGRP_MONITOR] = { .name = VGPU_MCGRP_MONITOR, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

static struct genl_family netlink_family __ro_after_init = {
	.name = VGPU_GENL_NAME,
	.version = VGPU_GENL_VERSION,
	.module = THIS_MODULE,
	.parallel_ops = true,
	.ops = vgpu_nl_ops,
	.n_ops = ARRAY_SIZE(vgpu_nl_ops),
	.mcgrps = netlink_groups,
	.n_mcgrps = ARRAY_SIZE(netlink_groups),
};

/* Changes whenever a GPU or virtual GPU comes or goes; never 0. Guarded by vgpu_gpus_lock. */
static u32 generation = 1;

static int put_engines(struct sk_buff *skb, int type, const u64 busy_ns[VGPU_ENGINE_COUNT])
{
	struct nlattr *nest;
	u32 i;

	for (i = 0; i < VGPU_ENGINE_COUNT; i++) {
		nest = nla_nest_start(skb, type);
		if (!nest ||
		    nla_put_u32(skb, VGPU_A_ENGINE_CLASS, i) ||
		    nla_put_u64_64bit(skb, VGPU_A_ENGINE_BUSY_NS, busy_ns[i], VGPU_A_ENGINE_PAD))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

/* Appends one message about @gpu, or nothing and -EMSGSIZE. */
static int fill_gpu(struct sk_buff *skb, struct vgpu_host_gpu *gpu, struct netlink_callback *cb,
		    u32 portid, u32 seq, int flags, u8 cmd)
{
	const struct vgpu_exec_attach *attach = &gpu->core.attach;
	struct vgpu_gpu_stats stats;
	void *header;

	header = genlmsg_put(skb, portid, seq, &netlink_family, flags, cmd);
	if (!header)
		return -EMSGSIZE;
	if (cb)
		genl_dump_check_consistent(cb, header);
	vgpu_gpu_read_stats(&gpu->core, &stats);
	if (nla_put_string(skb, VGPU_A_GPU_NAME, attach->name) ||
	    (attach->pci[0] && nla_put_string(skb, VGPU_A_GPU_PCI, attach->pci)) ||
	    nla_put_string(skb, VGPU_A_GPU_MODEL, attach->info.name) ||
	    nla_put_u32(skb, VGPU_A_GPU_STATE,
			stats.attached ? VGPU_GPU_STATE_ATTACHED : VGPU_GPU_STATE_DETACHED) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_MEMORY, stats.memory_total, VGPU_A_GPU_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_MEMORY_GIVEN, stats.memory_given, VGPU_A_GPU_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_GRANULE, attach->granule, VGPU_A_GPU_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_SESSION_OVERHEAD, attach->session_overhead,
			      VGPU_A_GPU_PAD) ||
	    nla_put_u32(skb, VGPU_A_GPU_COMPUTE_MAJOR, attach->info.cc_major) ||
	    nla_put_u32(skb, VGPU_A_GPU_COMPUTE_MINOR, attach->info.cc_minor) ||
	    nla_put_u32(skb, VGPU_A_GPU_CUDA_VERSION, attach->info.driver_version) ||
	    nla_put_u32(skb, VGPU_A_GPU_VMS, stats.devs) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_RUNS, stats.runs, VGPU_A_GPU_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_SWITCHES, stats.switches, VGPU_A_GPU_PAD) ||
	    put_engines(skb, VGPU_A_GPU_ENGINE, stats.busy_ns)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

static int put_stats(struct sk_buff *skb, struct vgpu_dev *dev)
{
	struct vgpu_stats stats;
	const struct {
		int type;
		const u64 *value;
	} numbers[] = {
		{ VGPU_A_STATS_SUBMITTED, &stats.counters.submitted },
		{ VGPU_A_STATS_COMPLETED, &stats.counters.completed },
		{ VGPU_A_STATS_FAILED, &stats.counters.failed },
		{ VGPU_A_STATS_WAITING, &stats.waiting },
		{ VGPU_A_STATS_REJECTED, &stats.counters.rejected },
		{ VGPU_A_STATS_LAUNCHES, &stats.counters.launches },
		{ VGPU_A_STATS_BYTES_IN, &stats.counters.bytes_in },
		{ VGPU_A_STATS_BYTES_OUT, &stats.counters.bytes_out },
		{ VGPU_A_STATS_DOORBELLS, &stats.counters.doorbells },
		{ VGPU_A_STATS_BAD_REGISTERS, &stats.counters.bad_registers },
		{ VGPU_A_STATS_SESSIONS_LOST, &stats.counters.sessions_lost },
		{ VGPU_A_STATS_HANGS, &stats.counters.hangs },
		{ VGPU_A_STATS_BAD_COMPLETIONS, &stats.counters.bad_completions },
		{ VGPU_A_STATS_MEMORY_USED, &stats.memory_used },
	};
	struct nlattr *nest;
	u32 i;

	nest = nla_nest_start(skb, VGPU_A_VM_STATS);
	if (!nest)
		return -EMSGSIZE;
	vgpu_dev_read_stats(dev, &stats);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (nla_put_u64_64bit(skb, numbers[i].type, *numbers[i].value, VGPU_A_STATS_PAD))
			return -EMSGSIZE;
	if (nla_put_u32(skb, VGPU_A_STATS_SESSIONS, stats.sessions) ||
	    nla_put_u32(skb, VGPU_A_STATS_WORKERS, stats.workers) ||
	    put_engines(skb, VGPU_A_STATS_ENGINE, stats.counters.busy_ns))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static u32 vm_state(const struct vgpu_vm *vm)
{
	if (!READ_ONCE(vm->aperture))
		return VGPU_VM_STATE_CLOSED;
	return READ_ONCE(vm->core.driver_ok) ? VGPU_VM_STATE_READY : VGPU_VM_STATE_OPEN;
}

static void read_limits(struct vgpu_vm *vm, struct vgpu_limits *limits)
{
	spin_lock(&vm->gpu->core.lock);
	*limits = vm->core.limits;
	spin_unlock(&vm->gpu->core.lock);
}

/* Appends one message about @vm, or nothing and -EMSGSIZE. */
static int fill_vm(struct sk_buff *skb, struct vgpu_vm *vm, struct netlink_callback *cb, u32 portid,
		   u32 seq, int flags, u8 cmd)
{
	struct mdev_device *mdev = to_mdev_device(vm->vdev.dev);
	struct vgpu_limits limits;
	void *header;

	header = genlmsg_put(skb, portid, seq, &netlink_family, flags, cmd);
	if (!header)
		return -EMSGSIZE;
	if (cb)
		genl_dump_check_consistent(cb, header);
	read_limits(vm, &limits);
	if (nla_put(skb, VGPU_A_VM_UUID, VGPU_UUID_LEN, vm->core.uuid) ||
	    nla_put_string(skb, VGPU_A_VM_GPU, vm->gpu->core.attach.name) ||
	    nla_put_string(skb, VGPU_A_VM_TYPE, kobject_name(&mdev->type->kobj)) ||
	    nla_put_u32(skb, VGPU_A_VM_STATE, vm_state(vm)) ||
	    nla_put_u8(skb, VGPU_A_VM_QUARANTINED, READ_ONCE(vm->core.quarantined)) ||
	    nla_put_u32(skb, VGPU_A_VM_TIER, limits.tier) ||
	    nla_put_u64_64bit(skb, VGPU_A_VM_MEMORY, limits.memory, VGPU_A_VM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VM_APERTURE, limits.aperture, VGPU_A_VM_PAD) ||
	    nla_put_u32(skb, VGPU_A_VM_DEPTH, limits.depth) ||
	    nla_put_u32(skb, VGPU_A_VM_SESSIONS, limits.sessions) ||
	    nla_put_u64_64bit(skb, VGPU_A_VM_DEADLINE_NS, limits.deadline_ns, VGPU_A_VM_PAD) ||
	    put_stats(skb, &vm->core)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

/* vgpu_gpus_lock is held. */
static struct vgpu_host_gpu *find_gpu(const struct nlattr *name)
{
	struct vgpu_host_gpu *gpu;

	list_for_each_entry(gpu, &vgpu_gpus, node)
		if (gpu->state != VGPU_GPU_NEW && !nla_strcmp(name, gpu->core.attach.name))
			return gpu;
	return NULL;
}

/* vgpu_gpus_lock is held. Sets the message where there is none. */
static struct vgpu_vm *find_vm(struct genl_info *info)
{
	struct vgpu_host_gpu *gpu;
	struct vgpu_vm *vm;

	if (GENL_REQ_ATTR_CHECK(info, VGPU_A_VM_UUID)) {
		GENL_SET_ERR_MSG(info,
				 "attribute uuid is missing: it says which virtual GPU is meant");
		return ERR_PTR(-EINVAL);
	}
	list_for_each_entry(gpu, &vgpu_gpus, node)
		list_for_each_entry(vm, &gpu->vms, node)
			if (!memcmp(nla_data(info->attrs[VGPU_A_VM_UUID]), vm->core.uuid,
				    VGPU_UUID_LEN))
				return vm;
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VGPU_A_VM_UUID],
			    "no virtual GPU has this uuid");
	return ERR_PTR(-ENOENT);
}

/**
 * vgpu_nl_version_get_doit() - VGPU_CMD_VERSION_GET
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative error. Context: any process.
 */
int vgpu_nl_version_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	void *header;

	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	header = genlmsg_put_reply(reply, info, &netlink_family, 0, VGPU_CMD_VERSION_GET);
	if (!header ||
	    nla_put_string(reply, VGPU_A_VERSION_MODULE, VGPU_RELEASE) ||
	    nla_put_u32(reply, VGPU_A_VERSION_FAMILY, VGPU_GENL_VERSION) ||
	    nla_put_u32(reply, VGPU_A_VERSION_DEVICE, VGPU_VERSION) ||
	    nla_put_u32(reply, VGPU_A_VERSION_EXECUTOR, VGPU_EXEC_VERSION)) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

/**
 * vgpu_nl_gpu_get_doit() - VGPU_CMD_GPU_GET of one GPU
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative error. Context: any process.
 */
int vgpu_nl_gpu_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vgpu_host_gpu *gpu;
	struct sk_buff *reply;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VGPU_A_GPU_NAME)) {
		GENL_SET_ERR_MSG(info, "attribute name is missing: it says which GPU is meant");
		return -EINVAL;
	}
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&vgpu_gpus_lock);
	gpu = find_gpu(info->attrs[VGPU_A_GPU_NAME]);
	if (gpu) {
		err = fill_gpu(reply, gpu, NULL, info->snd_portid, info->snd_seq, 0,
			       VGPU_CMD_GPU_GET);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VGPU_A_GPU_NAME],
				    "no GPU has this name");
		err = -ENOENT;
	}
	mutex_unlock(&vgpu_gpus_lock);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	return genlmsg_reply(reply, info);
}

/**
 * vgpu_nl_gpu_get_dumpit() - VGPU_CMD_GPU_GET of all GPUs
 * @skb: to be filled
 * @cb: where the dump stands: args[0] is the number of GPUs told
 *
 * Return: bytes filled in, 0 at the end. Context: any process.
 */
int vgpu_nl_gpu_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vgpu_host_gpu *gpu;
	long skip = cb->args[0];

	mutex_lock(&vgpu_gpus_lock);
	cb->seq = generation;
	list_for_each_entry(gpu, &vgpu_gpus, node) {
		if (gpu->state == VGPU_GPU_NEW || skip-- > 0)
			continue;
		if (fill_gpu(skb, gpu, cb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			     NLM_F_MULTI, VGPU_CMD_GPU_GET))
			break;
		cb->args[0]++;
	}
	mutex_unlock(&vgpu_gpus_lock);
	return skb->len;
}

/**
 * vgpu_nl_vm_get_doit() - VGPU_CMD_VM_GET of one virtual GPU
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative error. Context: any process.
 */
int vgpu_nl_vm_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	struct vgpu_vm *vm;
	int err;

	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&vgpu_gpus_lock);
	vm = find_vm(info);
	if (IS_ERR(vm))
		err = PTR_ERR(vm);
	else
		err = fill_vm(reply, vm, NULL, info->snd_portid, info->snd_seq, 0, VGPU_CMD_VM_GET);
	mutex_unlock(&vgpu_gpus_lock);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	return genlmsg_reply(reply, info);
}

/**
 * vgpu_nl_vm_get_dumpit() - VGPU_CMD_VM_GET of all virtual GPUs
 * @skb: to be filled
 * @cb: where the dump stands: args[0] is the number of virtual GPUs told
 *
 * Return: bytes filled in, 0 at the end. Context: any process.
 */
int vgpu_nl_vm_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vgpu_host_gpu *gpu;
	struct vgpu_vm *vm;
	long skip = cb->args[0];

	mutex_lock(&vgpu_gpus_lock);
	cb->seq = generation;
	list_for_each_entry(gpu, &vgpu_gpus, node) {
		list_for_each_entry(vm, &gpu->vms, node) {
			if (skip-- > 0)
				continue;
			if (fill_vm(skb, vm, cb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				    NLM_F_MULTI, VGPU_CMD_VM_GET))
				goto full;
			cb->args[0]++;
		}
	}
full:
	mutex_unlock(&vgpu_gpus_lock);
	return skb->len;
}

/**
 * vgpu_nl_vm_set_doit() - VGPU_CMD_VM_SET
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative error. Context: any process.
 */
int vgpu_nl_vm_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct vgpu_limits limits;
	const char *why = NULL;
	struct vgpu_vm *vm;
	int err;
	u32 i;

	for (i = VGPU_A_VM_PRESENT; i <= VGPU_A_VM_QUARANTINE_MAX_NS; i++)
		if (attrs[i] || attrs[VGPU_A_VM_MEMORY])
			return -EOPNOTSUPP;
	mutex_lock(&vgpu_gpus_lock);
	vm = find_vm(info);
	if (IS_ERR(vm)) {
		err = PTR_ERR(vm);
		goto out;
	}
	read_limits(vm, &limits);
	if (attrs[VGPU_A_VM_TIER])
		limits.tier = nla_get_u32(attrs[VGPU_A_VM_TIER]);
	if (attrs[VGPU_A_VM_DEPTH])
		limits.depth = nla_get_u32(attrs[VGPU_A_VM_DEPTH]);
	if (attrs[VGPU_A_VM_SESSIONS])
		limits.sessions = nla_get_u32(attrs[VGPU_A_VM_SESSIONS]);
	if (attrs[VGPU_A_VM_DEADLINE_NS])
		limits.deadline_ns = nla_get_u64(attrs[VGPU_A_VM_DEADLINE_NS]);
	err = vgpu_dev_set_limits(&vm->core, &limits, &why);
	if (err)
		info->extack->_msg = why;
	else
		vgpu_netlink_vm(VGPU_CMD_VM_CHANGE_NTF, vm);
out:
	mutex_unlock(&vgpu_gpus_lock);
	return err;
}

/**
 * vgpu_netlink_gpu() - tell the monitor group of a GPU
 * @cmd: VGPU_CMD_GPU_ADD_NTF, VGPU_CMD_GPU_DEL_NTF or VGPU_CMD_GPU_CHANGE_NTF
 * @gpu: on the list or just taken off it
 *
 * What cannot be told for want of memory is not told. Context: may sleep, vgpu_gpus_lock held.
 */
void vgpu_netlink_gpu(u8 cmd, struct vgpu_host_gpu *gpu)
{
	struct sk_buff *skb;

	lockdep_assert_held(&vgpu_gpus_lock);
	if (cmd != VGPU_CMD_GPU_CHANGE_NTF && !++generation)
		generation = 1;
	if (!genl_has_listeners(&netlink_family, &init_net, VGPU_NLGRP_MONITOR))
		return;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return;
	if (fill_gpu(skb, gpu, NULL, 0, 0, 0, cmd))
		nlmsg_free(skb);
	else
		genlmsg_multicast(&netlink_family, skb, 0, VGPU_NLGRP_MONITOR, GFP_KERNEL);
}

/**
 * vgpu_netlink_vm() - tell the monitor group of a virtual GPU
 * @cmd: VGPU_CMD_VM_ADD_NTF, VGPU_CMD_VM_DEL_NTF or VGPU_CMD_VM_CHANGE_NTF
 * @vm: on the list or just taken off it
 *
 * What cannot be told for want of memory is not told. Context: may sleep, vgpu_gpus_lock held.
 */
void vgpu_netlink_vm(u8 cmd, struct vgpu_vm *vm)
{
	struct sk_buff *skb;

	lockdep_assert_held(&vgpu_gpus_lock);
	if (cmd != VGPU_CMD_VM_CHANGE_NTF && !++generation)
		generation = 1;
	if (!genl_has_listeners(&netlink_family, &init_net, VGPU_NLGRP_MONITOR))
		return;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return;
	if (fill_vm(skb, vm, NULL, 0, 0, 0, cmd))
		nlmsg_free(skb);
	else
		genlmsg_multicast(&netlink_family, skb, 0, VGPU_NLGRP_MONITOR, GFP_KERNEL);
}

/**
 * vgpu_netlink_init() - register the family
 *
 * Return: 0 or a negative error. Context: module init, after the list of GPUs is there.
 */
int vgpu_netlink_init(void)
{
	return genl_register_family(&netlink_family);
}

/**
 * vgpu_netlink_exit() - unregister the family; operations under way have ended when it returns
 *
 * Context: module exit, before the list of GPUs goes.
 */
void vgpu_netlink_exit(void)
{
	genl_unregister_family(&netlink_family);
}

#define NOT_YET(name) \
int vgpu_nl_##name##_doit(struct sk_buff *skb, struct genl_info *info) \
{ \
	return -EOPNOTSUPP; \
}

NOT_YET(gpu_set)
NOT_YET(pool_get)
NOT_YET(pool_new)
NOT_YET(pool_set)
NOT_YET(pool_del)
NOT_YET(vm_forget)
NOT_YET(quarantine_set)
NOT_YET(quarantine_release)
NOT_YET(stats_get)

int vgpu_nl_pool_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return -EOPNOTSUPP;
}

int vgpu_nl_stats_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return -EOPNOTSUPP;
}
