// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/*
 * Statistics over netlink.
 */

#include "netlink.h"
#include "nl_gen.h"

static_assert((int)VGPU_ENGINE_CLASS_CONTROL == (int)VGPU_ENGINE_CONTROL);

/**
 * vgpu_nl_put_engines() - append the busy time of each engine
 * @skb: to which
 * @type: attribute of the nests
 * @busy_ns: by enum vgpu_engine
 *
 * Return: 0 or -EMSGSIZE. Context: any.
 */
int vgpu_nl_put_engines(struct sk_buff *skb, int type, const u64 busy_ns[VGPU_ENGINE_COUNT])
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

/* @recent is NULL where strikes of the window are not told. */
static int put_strikes(struct sk_buff *skb, int type, const u32 *recent, const u64 *total)
{
	struct nlattr *nest;
	u32 i;

	for (i = 0; i < VGPU_STRIKE_COUNT; i++) {
		nest = nla_nest_start(skb, type);
		if (!nest ||
		    nla_put_u32(skb, VGPU_A_STRIKES_KIND, i) ||
		    (recent && nla_put_u32(skb, VGPU_A_STRIKES_RECENT, recent[i])) ||
		    nla_put_u64_64bit(skb, VGPU_A_STRIKES_TOTAL, total[i], VGPU_A_STRIKES_PAD))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

/**
 * vgpu_nl_put_stats() - append the nest "stats" of a virtual GPU
 * @skb: to which
 * @dev: whose
 *
 * Return: 0 or -EMSGSIZE. Context: any process.
 */
int vgpu_nl_put_stats(struct sk_buff *skb, struct vgpu_dev *dev)
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
		{ VGPU_A_STATS_THROTTLED_NS, &stats.counters.throttled_ns },
		{ VGPU_A_STATS_PROMOTIONS, &stats.counters.promotions },
		{ VGPU_A_STATS_MEMORY_PEAK, &stats.counters.memory_peak },
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
	    vgpu_nl_put_engines(skb, VGPU_A_STATS_ENGINE, stats.counters.busy_ns) ||
	    put_strikes(skb, VGPU_A_STATS_STRIKES, NULL, stats.counters.strikes))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * vgpu_nl_put_quarantine() - append the nest "quarantine" of a virtual GPU
 * @skb: to which
 * @dev: whose
 *
 * Return: 0 or -EMSGSIZE. Context: any process.
 */
int vgpu_nl_put_quarantine(struct sk_buff *skb, struct vgpu_dev *dev)
{
	struct vgpu_quarantine_info info;
	struct nlattr *nest;

	nest = nla_nest_start(skb, VGPU_A_VM_QUARANTINE);
	if (!nest)
		return -EMSGSIZE;
	vgpu_dev_read_quarantine(dev, &info);
	if (nla_put_u8(skb, VGPU_A_QUARANTINE_ACTIVE, info.active) ||
	    nla_put_u32(skb, VGPU_A_QUARANTINE_COUNT, info.count))
		return -EMSGSIZE;
	if ((info.active || info.since_ns) &&
	    (nla_put_u32(skb, VGPU_A_QUARANTINE_CAUSE, info.cause) ||
	     nla_put_u64_64bit(skb, VGPU_A_QUARANTINE_SINCE_NS, info.since_ns,
			       VGPU_A_QUARANTINE_PAD) ||
	     nla_put_u64_64bit(skb, VGPU_A_QUARANTINE_UNTIL_NS, info.until_ns,
			       VGPU_A_QUARANTINE_PAD)))
		return -EMSGSIZE;
	if (put_strikes(skb, VGPU_A_QUARANTINE_STRIKES, info.strikes, info.total))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_stats(const struct vgpu_nl_to *to, void *object)
{
	struct vgpu_vm *vm = object;
	struct vgpu_limits limits;
	void *header;

	header = vgpu_nl_begin(to);
	if (!header)
		return -EMSGSIZE;
	vgpu_dev_read_limits(&vm->core, &limits);
	return vgpu_nl_end(to, header,
			   !nla_put(to->skb, VGPU_A_VM_UUID, VGPU_UUID_LEN, vm->core.uuid) &&
			   !nla_put_string(to->skb, VGPU_A_VM_GPU, vm->gpu->core.attach.name) &&
			   !nla_put_string(to->skb, VGPU_A_VM_POOL, vm->gpu->pool->core.name) &&
			   !nla_put_u32(to->skb, VGPU_A_VM_TIER, limits.tier) &&
			   !vgpu_nl_put_stats(to->skb, &vm->core) &&
			   !vgpu_nl_put_quarantine(to->skb, &vm->core));
}

/**
 * vgpu_nl_stats_get_doit() - VGPU_CMD_STATS_GET of one virtual GPU
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
 */
int vgpu_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vgpu_vm *vm;
	int err;

	mutex_lock(&vgpu_gpus_lock);
	vm = vgpu_nl_vm(info);
	if (IS_ERR(vm))
		err = PTR_ERR(vm);
	else
		err = vgpu_nl_answer(info, VGPU_CMD_STATS_GET, NLMSG_DEFAULT_SIZE, fill_stats, vm);
	mutex_unlock(&vgpu_gpus_lock);
	return err;
}

/**
 * vgpu_nl_stats_get_dumpit() - VGPU_CMD_STATS_GET of all virtual GPUs
 * @skb: to be filled
 * @cb: where the dump stands: args[0] is the number of those told
 *
 * Return: bytes filled in, 0 at the end. Context: any process.
 */
int vgpu_nl_stats_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	mutex_lock(&vgpu_gpus_lock);
	vgpu_nl_dump_vms(skb, cb, VGPU_CMD_STATS_GET, fill_stats);
	mutex_unlock(&vgpu_gpus_lock);
	return skb->len;
}
