// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/**
 * DOC: Administration over generic netlink
 *
 * The protocol is described in uapi/vgpu_netlink.h, made from
 * Documentation/netlink/specs/vgpu.yaml. The tables of operations and their policies (nl_gen.c)
 * come from there too: what a policy can refuse never gets here.
 *
 * Every operation holds vgpu_gpus_lock while it looks, so that no GPU, pool or virtual GPU comes or
 * goes under it. A dump that takes several messages goes on behind the object that it told last,
 * whatever came or went meanwhile: what is there from its beginning to its end is told once.
 * The numbers of one object are read by one call of the core, which makes them consistent among
 * themselves.
 *
 * This file has the family and GPUs; virtual GPUs are in netlink_vm.c, pools in netlink_pool.c,
 * settings in netlink_settings.c, statistics in netlink_stats.c.
 */

#include <linux/module.h>
#include "netlink.h"
#include "nl_gen.h"
#include "../uapi/vgpu_release.h"

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

/* What dumps tell changes with it; never 0. Guarded by vgpu_gpus_lock. */
static u32 generation = 1;

/**
 * vgpu_nl_changed() - something came or went; dumps under way are interrupted
 *
 * Context: vgpu_gpus_lock held.
 */
void vgpu_nl_changed(void)
{
	lockdep_assert_held(&vgpu_gpus_lock);
	if (!++generation)
		generation = 1;
}

/**
 * vgpu_nl_begin() - begin a message
 * @to: where it goes
 *
 * Return: its header, or NULL if there is no room. Context: any.
 */
void *vgpu_nl_begin(const struct vgpu_nl_to *to)
{
	void *header = genlmsg_put(to->skb, to->portid, to->seq, &netlink_family, to->flags,
				   to->cmd);

	if (header && to->cb)
		genl_dump_check_consistent(to->cb, header);
	return header;
}

/**
 * vgpu_nl_end() - end a message
 * @to: where it goes
 * @header: from vgpu_nl_begin()
 * @whole: all that belongs to it was put; else it is taken away
 *
 * Return: 0, or -EMSGSIZE. Context: any.
 */
int vgpu_nl_end(const struct vgpu_nl_to *to, void *header, bool whole)
{
	if (whole) {
		genlmsg_end(to->skb, header);
		return 0;
	}
	genlmsg_cancel(to->skb, header);
	return -EMSGSIZE;
}

/**
 * vgpu_nl_dump_to() - for the messages of a dump
 * @skb: to be filled
 * @cb: where the dump stands
 * @cmd: of the messages
 *
 * Return: where they go. Context: vgpu_gpus_lock held until they are filled in.
 */
struct vgpu_nl_to vgpu_nl_dump_to(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	lockdep_assert_held(&vgpu_gpus_lock);
	/* The end of the dump is checked against it too. */
	cb->seq = generation;
	return (struct vgpu_nl_to){
		.skb = skb,
		.cb = cb,
		.portid = NETLINK_CB(cb->skb).portid,
		.seq = cb->nlh->nlmsg_seq,
		.flags = NLM_F_MULTI,
		.cmd = cmd,
	};
}

/**
 * vgpu_nl_dump_end() - what a dump's callback returns
 * @skb: that was filled
 * @whole: all that was left fitted
 *
 * Return: bytes filled in, 0 at the end; -EMSGSIZE where not even one object fitted, which would be
 * taken for the end. Context: any.
 */
int vgpu_nl_dump_end(const struct sk_buff *skb, bool whole)
{
	return skb->len || whole ? skb->len : -EMSGSIZE;
}

/**
 * vgpu_nl_answer() - answer a request with one message
 * @info: the request
 * @cmd: of the answer
 * @size: bytes that it may take
 * @fill: makes the message
 * @object: for @fill
 *
 * Return: 0 or a negative errno. Context: may sleep, vgpu_gpus_lock held.
 */
int vgpu_nl_answer(struct genl_info *info, u8 cmd, size_t size,
		   int (*fill)(const struct vgpu_nl_to *to, void *object), void *object)
{
	struct vgpu_nl_to to = { .portid = info->snd_portid, .seq = info->snd_seq, .cmd = cmd };
	int err;

	to.skb = genlmsg_new(size, GFP_KERNEL);
	if (!to.skb)
		return -ENOMEM;
	err = fill(&to, object);
	if (err) {
		nlmsg_free(to.skb);
		return err;
	}
	return genlmsg_reply(to.skb, info);
}

/**
 * vgpu_nl_heard() - whether anybody listens to the monitor group
 *
 * Return: false if a message to it would reach nobody. Context: any.
 */
bool vgpu_nl_heard(void)
{
	return genl_has_listeners(&netlink_family, &init_net, VGPU_NLGRP_MONITOR);
}

/**
 * vgpu_nl_cast() - send a message to the monitor group
 * @skb: the message, which is used up
 * @gfp: how to find memory
 *
 * Return: 0 or a negative errno. Context: as @gfp says.
 */
int vgpu_nl_cast(struct sk_buff *skb, gfp_t gfp)
{
	return genlmsg_multicast(&netlink_family, skb, 0, VGPU_NLGRP_MONITOR, gfp);
}

/**
 * vgpu_nl_tell() - tell the monitor group of something
 * @cmd: of the message
 * @fill: makes the message
 * @object: for @fill
 *
 * What cannot be told for want of memory is not told. Context: may sleep.
 */
void vgpu_nl_tell(u8 cmd, int (*fill)(const struct vgpu_nl_to *to, void *object), void *object)
{
	struct vgpu_nl_to to = { .cmd = cmd };

	if (!genl_has_listeners(&netlink_family, &init_net, VGPU_NLGRP_MONITOR))
		return;
	to.skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!to.skb)
		return;
	if (fill(&to, object))
		nlmsg_free(to.skb);
	else
		genlmsg_multicast(&netlink_family, to.skb, 0, VGPU_NLGRP_MONITOR, GFP_KERNEL);
}

static bool put_gpu(struct sk_buff *skb, struct vgpu_host_gpu *gpu)
{
	const struct vgpu_exec_attach *attach = &gpu->core.attach;
	struct vgpu_gpu_stats stats;

	vgpu_gpu_read_stats(&gpu->core, &stats);
	return !(nla_put_string(skb, VGPU_A_GPU_NAME, attach->name) ||
		 (attach->pci[0] && nla_put_string(skb, VGPU_A_GPU_PCI, attach->pci)) ||
		 nla_put_string(skb, VGPU_A_GPU_MODEL, attach->info.name) ||
		 nla_put_u32(skb, VGPU_A_GPU_STATE,
			     stats.attached ? VGPU_GPU_STATE_ATTACHED : VGPU_GPU_STATE_DETACHED) ||
		 nla_put_u64_64bit(skb, VGPU_A_GPU_MEMORY, stats.memory_total, VGPU_A_GPU_PAD) ||
		 nla_put_u64_64bit(skb, VGPU_A_GPU_MEMORY_GIVEN, stats.memory_given,
				   VGPU_A_GPU_PAD) ||
		 nla_put_u64_64bit(skb, VGPU_A_GPU_GRANULE, attach->granule, VGPU_A_GPU_PAD) ||
		 nla_put_u64_64bit(skb, VGPU_A_GPU_SESSION_OVERHEAD, attach->session_overhead,
				   VGPU_A_GPU_PAD) ||
		 nla_put_u32(skb, VGPU_A_GPU_COMPUTE_MAJOR, attach->info.cc_major) ||
		 nla_put_u32(skb, VGPU_A_GPU_COMPUTE_MINOR, attach->info.cc_minor) ||
		 nla_put_u32(skb, VGPU_A_GPU_CUDA_VERSION, attach->info.driver_version) ||
		 nla_put_u32(skb, VGPU_A_GPU_VMS, stats.devs) ||
		 nla_put_u64_64bit(skb, VGPU_A_GPU_RUNS, stats.runs, VGPU_A_GPU_PAD) ||
		 nla_put_u64_64bit(skb, VGPU_A_GPU_SWITCHES, stats.switches, VGPU_A_GPU_PAD) ||
		 vgpu_nl_put_engines(skb, VGPU_A_GPU_ENGINE, stats.busy_ns) ||
		 nla_put_string(skb, VGPU_A_GPU_POOL, gpu->pool->core.name) ||
		 nla_put_u64_64bit(skb, VGPU_A_GPU_PROMOTIONS, stats.promotions, VGPU_A_GPU_PAD));
}

static int fill_gpu(const struct vgpu_nl_to *to, void *object)
{
	void *header = vgpu_nl_begin(to);

	return header ? vgpu_nl_end(to, header, put_gpu(to->skb, object)) : -EMSGSIZE;
}

/* struct absent_gpu - a name whose GPU is not there. */
struct absent_gpu {
	const char *name;
	const char *pool;
};

static int fill_absent(const struct vgpu_nl_to *to, void *object)
{
	const struct absent_gpu *absent = object;
	void *header = vgpu_nl_begin(to);

	return header ? vgpu_nl_end(to, header,
				    !nla_put_string(to->skb, VGPU_A_GPU_NAME, absent->name) &&
				    !nla_put_u32(to->skb, VGPU_A_GPU_STATE,
						 VGPU_GPU_STATE_ABSENT) &&
				    !nla_put_string(to->skb, VGPU_A_GPU_POOL, absent->pool)) :
			-EMSGSIZE;
}

/**
 * vgpu_nl_gpu() - a GPU that is there
 * @name: its name
 *
 * Return: the GPU, or NULL. Context: vgpu_gpus_lock held.
 */
struct vgpu_host_gpu *vgpu_nl_gpu(const char *name)
{
	struct vgpu_host_gpu *gpu;

	lockdep_assert_held(&vgpu_gpus_lock);
	list_for_each_entry(gpu, &vgpu_gpus, node)
		if (gpu->state != VGPU_GPU_NEW && !strcmp(name, gpu->core.attach.name))
			return gpu;
	return NULL;
}

/**
 * vgpu_nl_version_get_doit() - VGPU_CMD_VERSION_GET
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
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

static int get_gpu(struct genl_info *info, struct nlattr *name)
{
	struct vgpu_host_gpu *gpu = vgpu_nl_gpu(nla_data(name));
	struct vgpu_place *place = vgpu_place_find(nla_data(name));
	struct absent_gpu absent;

	if (gpu)
		return vgpu_nl_answer(info, VGPU_CMD_GPU_GET, GENLMSG_DEFAULT_SIZE, fill_gpu, gpu);
	if (place) {
		absent = (struct absent_gpu){ place->name, place->pool->core.name };
		return vgpu_nl_answer(info, VGPU_CMD_GPU_GET, GENLMSG_DEFAULT_SIZE, fill_absent,
				      &absent);
	}
	NL_SET_ERR_MSG_ATTR(info->extack, name, "no GPU has this name");
	return -ENOENT;
}

/**
 * vgpu_nl_gpu_get_doit() - VGPU_CMD_GPU_GET of one GPU
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
 */
int vgpu_nl_gpu_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VGPU_A_GPU_NAME)) {
		GENL_SET_ERR_MSG(info, "attribute name is missing: it says which GPU is meant");
		return -EINVAL;
	}
	mutex_lock(&vgpu_gpus_lock);
	err = get_gpu(info, info->attrs[VGPU_A_GPU_NAME]);
	mutex_unlock(&vgpu_gpus_lock);
	return err;
}

/**
 * vgpu_nl_gpu_get_dumpit() - VGPU_CMD_GPU_GET of all GPUs, then of names that only pools know
 * @skb: to be filled
 * @cb: where the dump stands: args[0] and args[1] are the serials of the GPU and of the name that
 *	were told last
 *
 * Return: bytes filled in, 0 at the end. Context: any process.
 */
int vgpu_nl_gpu_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vgpu_host_gpu *gpu;
	struct vgpu_place *place;
	struct absent_gpu absent;
	struct vgpu_nl_to to;
	bool whole = false;

	mutex_lock(&vgpu_gpus_lock);
	to = vgpu_nl_dump_to(skb, cb, VGPU_CMD_GPU_GET);
	list_for_each_entry(gpu, &vgpu_gpus, node) {
		if (gpu->state == VGPU_GPU_NEW || gpu->serial <= (u64)cb->args[0])
			continue;
		if (fill_gpu(&to, gpu))
			goto full;
		cb->args[0] = gpu->serial;
	}
	list_for_each_entry(place, &vgpu_places, node) {
		if (vgpu_nl_gpu(place->name) || place->serial <= (u64)cb->args[1])
			continue;
		absent = (struct absent_gpu){ place->name, place->pool->core.name };
		if (fill_absent(&to, &absent))
			goto full;
		cb->args[1] = place->serial;
	}
	whole = true;
full:
	mutex_unlock(&vgpu_gpus_lock);
	return vgpu_nl_dump_end(skb, whole);
}

static int put_gpu_into_pool(struct genl_info *info)
{
	struct nlattr *name = info->attrs[VGPU_A_GPU_NAME];
	struct nlattr *attr = info->attrs[VGPU_A_GPU_POOL];
	struct vgpu_host_pool *pool = vgpu_pools_find(nla_data(attr));
	const char *why = NULL;
	int err;

	if (!pool) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "no pool has this name: make it first (pool-new)");
		return -ENOENT;
	}
	err = vgpu_pools_put(nla_data(name), pool, &why);
	if (err) {
		info->extack->_msg = why;
		NL_SET_BAD_ATTR(info->extack, name);
	}
	return err;
}

/**
 * vgpu_nl_gpu_set_doit() - VGPU_CMD_GPU_SET
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
 */
int vgpu_nl_gpu_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VGPU_A_GPU_NAME)) {
		GENL_SET_ERR_MSG(info, "attribute name is missing: it says which GPU is meant");
		return -EINVAL;
	}
	if (GENL_REQ_ATTR_CHECK(info, VGPU_A_GPU_POOL)) {
		GENL_SET_ERR_MSG(info, "attribute pool is missing: it says where the GPU goes");
		return -EINVAL;
	}
	mutex_lock(&vgpu_gpus_lock);
	err = put_gpu_into_pool(info);
	mutex_unlock(&vgpu_gpus_lock);
	return err;
}

/**
 * vgpu_netlink_gpu() - tell the monitor group of a GPU
 * @cmd: VGPU_CMD_GPU_ADD_NTF, VGPU_CMD_GPU_DEL_NTF or VGPU_CMD_GPU_CHANGE_NTF
 * @gpu: on the list or just taken off it
 *
 * Context: may sleep, vgpu_gpus_lock held.
 */
void vgpu_netlink_gpu(u8 cmd, struct vgpu_host_gpu *gpu)
{
	if (cmd != VGPU_CMD_GPU_CHANGE_NTF)
		vgpu_nl_changed();
	vgpu_nl_tell(cmd, fill_gpu, gpu);
}

/**
 * vgpu_netlink_place() - tell the monitor group that a GPU was put into a pool
 * @name: of the GPU
 * @gpu: that has the name, or NULL
 *
 * Context: may sleep, vgpu_gpus_lock held.
 */
void vgpu_netlink_place(const char *name, struct vgpu_host_gpu *gpu)
{
	struct vgpu_place *place = vgpu_place_find(name);
	struct absent_gpu absent = {
		name, place ? place->pool->core.name : vgpu_pools_default()->core.name
	};

	vgpu_nl_changed();
	if (gpu)
		vgpu_nl_tell(VGPU_CMD_GPU_CHANGE_NTF, fill_gpu, gpu);
	else
		vgpu_nl_tell(VGPU_CMD_GPU_CHANGE_NTF, fill_absent, &absent);
}

/**
 * vgpu_netlink_init() - register the family
 *
 * Return: 0 or a negative errno. Context: module init, after the list of GPUs is there.
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
