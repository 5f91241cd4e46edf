// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Statistics over netlink.
 */

#include "netlink.h"
#include "nl_gen.h"

static_assert((int)VGPU_ENGINE_CLASS_CONTROL == (int)VGPU_ENGINE_CONTROL);
static_assert((int)VGPU_LATENCY_PART_COMPLETING == (int)VGPU_PART_COMPLETING);
static_assert((int)VGPU_VM_ERROR_CUDA == (int)VGPU_ERROR_CUDA);

/* Of an answer with all buckets of one histogram, of which there may be 42 times 64. */
#define STATS_SIZE (8192 + VGPU_HIST_BLOCKS * VGPU_HIST_SUB * 2 * sizeof(u64))

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

static int put_kinds(struct sk_buff *skb, const struct vgpu_metrics_reading *reading)
{
	struct nlattr *nest;
	u32 i;

	for (i = 0; i < VGPU_KINDS; i++) {
		if (!reading->commands[i])
			continue;
		nest = nla_nest_start(skb, VGPU_A_STATS_COMMAND);
		if (!nest || nla_put_u32(skb, VGPU_A_KIND_OPCODE, i) ||
		    nla_put_u64_64bit(skb, VGPU_A_KIND_COMMANDS, reading->commands[i],
				      VGPU_A_KIND_PAD) ||
		    (reading->bytes[i] && nla_put_u64_64bit(skb, VGPU_A_KIND_BYTES,
							    reading->bytes[i], VGPU_A_KIND_PAD)))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	for (i = 0; i < VGPU_ERROR_COUNT; i++) {
		if (!reading->errors[i])
			continue;
		nest = nla_nest_start(skb, VGPU_A_STATS_ERROR);
		if (!nest || nla_put_u32(skb, VGPU_A_ERROR_KIND, i) ||
		    nla_put_u64_64bit(skb, VGPU_A_ERROR_COMMANDS, reading->errors[i],
				      VGPU_A_ERROR_PAD))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int put_metrics(struct sk_buff *skb, const struct vgpu_metrics_reading *reading)
{
	int err;

	err = nla_put_u64_64bit(skb, VGPU_A_STATS_SWITCHES, reading->switches, VGPU_A_STATS_PAD) ||
	      nla_put_u64_64bit(skb, VGPU_A_STATS_DEPTH_MAX, reading->depth_max,
				VGPU_A_STATS_PAD) ||
	      nla_put_u64_64bit(skb, VGPU_A_STATS_DEPTH_NS, reading->depth_ns, VGPU_A_STATS_PAD) ||
	      nla_put_u64_64bit(skb, VGPU_A_STATS_AGE_NS, reading->age_ns, VGPU_A_STATS_PAD) ||
	      nla_put_u64_64bit(skb, VGPU_A_STATS_METRICS_MEMORY, reading->memory,
				VGPU_A_STATS_PAD) ||
	      put_kinds(skb, reading);
	return err ? -EMSGSIZE : 0;
}

/**
 * vgpu_nl_put_numbers() - append a nest of statistics
 * @skb: to which
 * @type: attribute of the nest
 * @stats: of a virtual GPU or a group of them
 * @metrics: likewise
 *
 * Return: 0 or -EMSGSIZE. Context: any.
 */
int vgpu_nl_put_numbers(struct sk_buff *skb, int type, const struct vgpu_stats *stats,
			const struct vgpu_metrics_reading *metrics)
{
	const struct {
		int type;
		const u64 *value;
	} numbers[] = {
		{ VGPU_A_STATS_SUBMITTED, &stats->counters.submitted },
		{ VGPU_A_STATS_COMPLETED, &stats->counters.completed },
		{ VGPU_A_STATS_FAILED, &stats->counters.failed },
		{ VGPU_A_STATS_WAITING, &stats->waiting },
		{ VGPU_A_STATS_REJECTED, &stats->counters.rejected },
		{ VGPU_A_STATS_LAUNCHES, &stats->counters.launches },
		{ VGPU_A_STATS_BYTES_IN, &stats->counters.bytes_in },
		{ VGPU_A_STATS_BYTES_OUT, &stats->counters.bytes_out },
		{ VGPU_A_STATS_DOORBELLS, &stats->counters.doorbells },
		{ VGPU_A_STATS_BAD_REGISTERS, &stats->counters.bad_registers },
		{ VGPU_A_STATS_SESSIONS_LOST, &stats->counters.sessions_lost },
		{ VGPU_A_STATS_HANGS, &stats->counters.hangs },
		{ VGPU_A_STATS_BAD_COMPLETIONS, &stats->counters.bad_completions },
		{ VGPU_A_STATS_MEMORY_USED, &stats->memory_used },
		{ VGPU_A_STATS_THROTTLED_NS, &stats->counters.throttled_ns },
		{ VGPU_A_STATS_PROMOTIONS, &stats->counters.promotions },
		{ VGPU_A_STATS_MEMORY_PEAK, &stats->counters.memory_peak },
	};
	struct nlattr *nest;
	u32 i;

	nest = nla_nest_start(skb, type);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (nla_put_u64_64bit(skb, numbers[i].type, *numbers[i].value, VGPU_A_STATS_PAD))
			return -EMSGSIZE;
	if (nla_put_u32(skb, VGPU_A_STATS_SESSIONS, stats->sessions) ||
	    nla_put_u32(skb, VGPU_A_STATS_WORKERS, stats->workers) ||
	    vgpu_nl_put_engines(skb, VGPU_A_STATS_ENGINE, stats->counters.busy_ns) ||
	    put_strikes(skb, VGPU_A_STATS_STRIKES, NULL, stats->counters.strikes) ||
	    put_metrics(skb, metrics))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * vgpu_nl_put_stats() - append the nest "stats" of a virtual GPU
 * @skb: to which
 * @dev: whose
 *
 * Return: 0, -ENOMEM or -EMSGSIZE. Context: any process.
 */
int vgpu_nl_put_stats(struct sk_buff *skb, struct vgpu_dev *dev)
{
	struct vgpu_metrics_reading *metrics = kmalloc(sizeof(*metrics), GFP_KERNEL);
	struct vgpu_stats stats;
	int err;

	if (!metrics)
		return -ENOMEM;
	vgpu_dev_read_stats(dev, &stats);
	vgpu_dev_read_metrics(dev, metrics);
	err = vgpu_nl_put_numbers(skb, VGPU_A_VM_STATS, &stats, metrics);
	kfree(metrics);
	return err;
}

/* All buckets, or only one for each power of two. */
static int put_buckets(struct sk_buff *skb, const struct vgpu_hist *hist, bool all)
{
	u64 top, count, pair[2] = { 0 };
	struct nlattr *attr;
	u32 at = 0;

	attr = nla_reserve(skb, VGPU_A_HISTOGRAM_BUCKETS, 0);
	if (!attr)
		return -EMSGSIZE;
	while (vgpu_hist_next(hist, &at, &top, &count)) {
		if (!all)
			top = roundup_pow_of_two(top + 1) - 1;
		if (pair[1] && top != pair[0]) {
			if (nla_append(skb, sizeof(pair), pair))
				return -EMSGSIZE;
			pair[1] = 0;
		}
		pair[0] = top;
		pair[1] += count;
	}
	if (pair[1] && nla_append(skb, sizeof(pair), pair))
		return -EMSGSIZE;
	attr->nla_len = skb_tail_pointer(skb) - (unsigned char *)attr;
	return 0;
}

static int put_histogram(struct sk_buff *skb, int type, const struct vgpu_hist *hist,
			 enum vgpu_part part, u64 window_ns, bool buckets, bool all)
{
	struct vgpu_hist_summary summary;
	struct nlattr *nest;

	vgpu_hist_summarise(hist, &summary);
	nest = nla_nest_start(skb, type);
	if (!nest || nla_put_u32(skb, VGPU_A_HISTOGRAM_LATENCY, part) ||
	    nla_put_u64_64bit(skb, VGPU_A_HISTOGRAM_WINDOW_NS, window_ns, VGPU_A_HISTOGRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_HISTOGRAM_COUNT, summary.count, VGPU_A_HISTOGRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_HISTOGRAM_SUM_NS, summary.sum, VGPU_A_HISTOGRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_HISTOGRAM_MAX_NS, summary.max, VGPU_A_HISTOGRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_HISTOGRAM_P50_NS, summary.p50, VGPU_A_HISTOGRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_HISTOGRAM_P95_NS, summary.p95, VGPU_A_HISTOGRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_HISTOGRAM_P99_NS, summary.p99, VGPU_A_HISTOGRAM_PAD) ||
	    (buckets && put_buckets(skb, hist, all)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * vgpu_nl_put_window() - append the latencies of a window, a nest for each part of commands' lives
 * @skb: to which
 * @type: attribute of the nests
 * @reading: the histograms
 * @window: which; that of all time has the buckets of the total
 * @all: all buckets, else one for each power of two
 *
 * Return: 0 or -EMSGSIZE. Context: any.
 */
int vgpu_nl_put_window(struct sk_buff *skb, int type, const struct vgpu_latency_reading *reading,
		       enum vgpu_window window, bool all)
{
	static const u64 windows[VGPU_WINDOW_COUNT] = {
		[VGPU_WINDOW_1S] = 1 * NSEC_PER_SEC,
		[VGPU_WINDOW_10S] = 10 * NSEC_PER_SEC,
		[VGPU_WINDOW_60S] = 60 * NSEC_PER_SEC,
	};
	u32 part;

	for (part = 0; part < VGPU_PART_COUNT; part++)
		if (put_histogram(skb, type, &reading->part[part], part, windows[window],
				  !window && !part, all))
			return -EMSGSIZE;
	return 0;
}

static int put_latencies(struct sk_buff *skb, struct vgpu_dev *dev, bool whole)
{
	struct vgpu_latency_reading *reading = kmalloc(sizeof(*reading), GFP_KERNEL);
	u32 window;
	int err = 0;

	if (!reading)
		return -ENOMEM;
	for (window = 0; !err && window < (whole ? VGPU_WINDOW_COUNT : 1); window++) {
		vgpu_dev_read_latency(dev, window, reading);
		err = vgpu_nl_put_window(skb, VGPU_A_VM_HISTOGRAM, reading, window, whole);
		vgpu_latency_free(reading);
	}
	kfree(reading);
	return err;
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
			   !vgpu_nl_put_quarantine(to->skb, &vm->core) &&
			   !put_latencies(to->skb, &vm->core, !to->cb));
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
		err = vgpu_nl_answer(info, VGPU_CMD_STATS_GET, STATS_SIZE, fill_stats, vm);
	mutex_unlock(&vgpu_gpus_lock);
	return err;
}

/**
 * vgpu_nl_stats_get_dumpit() - VGPU_CMD_STATS_GET of all virtual GPUs
 * @skb: to be filled
 * @cb: where the dump stands
 *
 * Return: bytes filled in, 0 at the end. Context: any process.
 */
int vgpu_nl_stats_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	bool whole;

	mutex_lock(&vgpu_gpus_lock);
	whole = vgpu_nl_dump_vms(skb, cb, VGPU_CMD_STATS_GET, fill_stats);
	mutex_unlock(&vgpu_gpus_lock);
	return vgpu_nl_dump_end(skb, whole);
}
