// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Statistics of GPUs, pools and tiers over netlink.
 */

#include "netlink.h"
#include "nl_gen.h"

/* Of an answer with all buckets of one histogram. */
#define GROUP_SIZE (16384 + VGPU_HIST_BLOCKS * VGPU_HIST_SUB * 2 * sizeof(u64))

/**
 * struct group - of which statistics are told
 * @gpu: a GPU, or NULL
 * @pool: its pool, or that which is told of
 * @tier: of the pool, VGPU_TIER_COUNT for all
 */
struct group {
	struct vgpu_host_gpu *gpu;
	struct vgpu_host_pool *pool;
	u32 tier;
};

/* For what is too large for a stack. */
struct room {
	struct vgpu_group_reading reading;
	struct vgpu_metrics_reading metrics;
	struct vgpu_stats stats;
};

static void arrange(struct room *room)
{
	const struct vgpu_group_reading *reading = &room->reading;
	const struct vgpu_sums *sums = &reading->sums;

	room->stats = (struct vgpu_stats){
		.counters = sums->counters,
		.waiting = reading->waiting,
		.memory_used = reading->memory_used,
		.sessions = reading->sessions,
		.workers = reading->workers,
	};
	room->stats.counters.memory_peak = reading->memory_peak;
	memcpy(room->metrics.commands, sums->commands, sizeof(sums->commands));
	memcpy(room->metrics.bytes, sums->bytes, sizeof(sums->bytes));
	memcpy(room->metrics.errors, sums->errors, sizeof(sums->errors));
	room->metrics.switches = sums->switches;
	room->metrics.depth_max = reading->depth_max;
	room->metrics.depth_ns = sums->depth_ns;
	room->metrics.age_ns = reading->age_ns;
	room->metrics.memory = reading->metrics_memory;
}

static bool put_group(struct sk_buff *skb, const struct group *group, const struct room *room,
		      bool all)
{
	u32 window;

	if ((group->gpu && nla_put_string(skb, VGPU_A_GROUP_GPU, group->gpu->core.attach.name)) ||
	    nla_put_string(skb, VGPU_A_GROUP_POOL, group->pool->core.name) ||
	    (group->tier < VGPU_TIER_COUNT && nla_put_u32(skb, VGPU_A_GROUP_TIER, group->tier)) ||
	    nla_put_u32(skb, VGPU_A_GROUP_VMS, room->reading.devs) ||
	    nla_put_u32(skb, VGPU_A_GROUP_QUARANTINED, room->reading.quarantined) ||
	    nla_put_u32(skb, VGPU_A_GROUP_THROTTLED, room->reading.throttled) ||
	    vgpu_nl_put_numbers(skb, VGPU_A_GROUP_STATS, &room->stats, &room->metrics))
		return false;
	for (window = 0; window < room->reading.windows; window++)
		if (vgpu_nl_put_window(skb, VGPU_A_GROUP_HISTOGRAM, &room->reading.latency[window],
				       window, all))
			return false;
	return true;
}

static int fill_group(const struct vgpu_nl_to *to, void *object)
{
	const struct group *group = object;
	struct room *room = kmalloc(sizeof(*room), GFP_KERNEL);
	u32 windows = to->cb ? 1 : VGPU_WINDOW_COUNT;
	void *header;
	int err;

	if (!room)
		return -ENOMEM;
	if (group->gpu)
		vgpu_gpu_read_group(&group->gpu->core, windows, &room->reading);
	else
		vgpu_pool_read_group(&group->pool->core, group->tier, windows, &room->reading);
	arrange(room);
	header = vgpu_nl_begin(to);
	err = header ? vgpu_nl_end(to, header, put_group(to->skb, group, room, !to->cb)) :
		       -EMSGSIZE;
	vgpu_group_free(&room->reading);
	kfree(room);
	return err;
}

static int dump_gpus(const struct vgpu_nl_to *to, struct netlink_callback *cb)
{
	struct vgpu_host_gpu *gpu;
	int err;

	list_for_each_entry(gpu, &vgpu_gpus, node) {
		struct group group = { gpu, gpu->pool, VGPU_TIER_COUNT };

		if (gpu->state == VGPU_GPU_NEW || gpu->serial <= (u64)cb->args[0])
			continue;
		err = fill_group(to, &group);
		if (err)
			return err;
		cb->args[0] = gpu->serial;
	}
	return 0;
}

/* Each pool, and then its tiers. */
static int dump_pools(const struct vgpu_nl_to *to, struct netlink_callback *cb)
{
	struct group group = {};
	u32 i;
	int err;

	list_for_each_entry(group.pool, &vgpu_pools, node) {
		if (group.pool->serial < (u64)cb->args[1])
			continue;
		i = group.pool->serial == (u64)cb->args[1] ? cb->args[2] : 0;
		for (; i <= VGPU_TIER_COUNT; i++) {
			group.tier = i ? i - 1 : VGPU_TIER_COUNT;
			err = fill_group(to, &group);
			if (err)
				return err;
			cb->args[1] = group.pool->serial;
			cb->args[2] = i + 1;
		}
	}
	return 0;
}

static int find_group(struct genl_info *info, struct group *group)
{
	struct nlattr *gpu = info->attrs[VGPU_A_GROUP_GPU];
	struct nlattr *pool = info->attrs[VGPU_A_GROUP_POOL];
	struct nlattr *tier = info->attrs[VGPU_A_GROUP_TIER];

	if (!gpu == !pool || (gpu && tier)) {
		GENL_SET_ERR_MSG(info, "a group is a gpu, a pool, or a pool and its tier");
		return -EINVAL;
	}
	group->tier = tier ? nla_get_u32(tier) : VGPU_TIER_COUNT;
	if (gpu) {
		group->gpu = vgpu_nl_gpu(nla_data(gpu));
		group->pool = group->gpu ? group->gpu->pool : NULL;
	} else {
		group->pool = vgpu_pools_find(nla_data(pool));
	}
	if (group->pool)
		return 0;
	if (gpu)
		NL_SET_ERR_MSG_ATTR(info->extack, gpu, "no GPU has this name");
	else
		NL_SET_ERR_MSG_ATTR(info->extack, pool, "no pool has this name");
	return -ENOENT;
}

/**
 * vgpu_nl_group_get_doit() - VGPU_CMD_GROUP_GET of one GPU, pool or tier
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
 */
int vgpu_nl_group_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct group group = {};
	int err;

	mutex_lock(&vgpu_gpus_lock);
	err = find_group(info, &group);
	if (!err)
		err = vgpu_nl_answer(info, VGPU_CMD_GROUP_GET, GROUP_SIZE, fill_group, &group);
	mutex_unlock(&vgpu_gpus_lock);
	return err;
}

/**
 * vgpu_nl_group_get_dumpit() - VGPU_CMD_GROUP_GET of all GPUs, pools and tiers
 * @skb: to be filled
 * @cb: where the dump stands: args[0] and args[1] are the serials of the GPU and of the pool that
 *	were told last, args[2] how many groups of that pool were
 *
 * Return: bytes filled in, 0 at the end, -EMSGSIZE where a message has no room for one group, or
 * -ENOMEM. Context: any process.
 */
int vgpu_nl_group_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vgpu_nl_to to;
	int err;

	mutex_lock(&vgpu_gpus_lock);
	to = vgpu_nl_dump_to(skb, cb, VGPU_CMD_GROUP_GET);
	err = dump_gpus(&to, cb) ?: dump_pools(&to, cb);
	mutex_unlock(&vgpu_gpus_lock);
	return skb->len ?: err;
}
