// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Counters and settings in sysfs, one value a file, documented in Documentation/ABI.
 */

#include <linux/device.h>
#include <linux/sysfs.h>
#include "policy.h"

#define VM_ATTR(name, expression) \
static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *buf) \
{ \
	struct vgpu_vm *vm = dev_get_drvdata(dev); \
	struct vgpu_stats stats; \
	\
	vgpu_dev_read_stats(&vm->core, &stats); \
	return sysfs_emit(buf, "%llu\n", (u64)(expression)); \
} \
static DEVICE_ATTR_RO(name)

VM_ATTR(submitted, stats.counters.submitted);
VM_ATTR(completed, stats.counters.completed);
VM_ATTR(failed, stats.counters.failed);
VM_ATTR(rejected, stats.counters.rejected);
VM_ATTR(waiting, stats.waiting);
VM_ATTR(launches, stats.counters.launches);
VM_ATTR(bytes_in, stats.counters.bytes_in);
VM_ATTR(bytes_out, stats.counters.bytes_out);
VM_ATTR(doorbells, stats.counters.doorbells);
VM_ATTR(bad_registers, stats.counters.bad_registers);
VM_ATTR(bad_completions, stats.counters.bad_completions);
VM_ATTR(sessions_lost, stats.counters.sessions_lost);
VM_ATTR(hangs, stats.counters.hangs);
VM_ATTR(busy_compute_ns, stats.counters.busy_ns[VGPU_ENGINE_COMPUTE]);
VM_ATTR(busy_copy_in_ns, stats.counters.busy_ns[VGPU_ENGINE_COPY_IN]);
VM_ATTR(busy_copy_out_ns, stats.counters.busy_ns[VGPU_ENGINE_COPY_OUT]);
VM_ATTR(sessions, stats.sessions);
VM_ATTR(workers, stats.workers);
VM_ATTR(memory_used, stats.memory_used);
VM_ATTR(throttled_ns, stats.counters.throttled_ns);
VM_ATTR(promotions, stats.counters.promotions);
VM_ATTR(memory_peak, stats.counters.memory_peak);
VM_ATTR(memory_quota, vm->core.limits.memory);
VM_ATTR(aperture_size, vm->core.limits.aperture);
VM_ATTR(aperture_used, vgpu_aperture_used(vm));

#define METRICS_ATTR(name, expression) \
static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *buf) \
{ \
	struct vgpu_metrics_reading *reading = kmalloc(sizeof(*reading), GFP_KERNEL); \
	struct vgpu_vm *vm = dev_get_drvdata(dev); \
	ssize_t ret; \
	\
	if (!reading) \
		return -ENOMEM; \
	vgpu_dev_read_metrics(&vm->core, reading); \
	ret = sysfs_emit(buf, "%llu\n", (u64)(expression)); \
	kfree(reading); \
	return ret; \
} \
static DEVICE_ATTR_RO(name)

METRICS_ATTR(context_switches, reading->switches);
METRICS_ATTR(queue_depth_max, reading->depth_max);
METRICS_ATTR(queue_depth_ns, reading->depth_ns);

static ssize_t show_latency(struct device *dev, char *buf, u32 ppm)
{
	struct vgpu_latency_reading *reading = kmalloc(sizeof(*reading), GFP_KERNEL);
	struct vgpu_vm *vm = dev_get_drvdata(dev);
	ssize_t ret;

	if (!reading)
		return -ENOMEM;
	vgpu_dev_read_latency(&vm->core, VGPU_WINDOW_ALL, reading);
	ret = sysfs_emit(buf, "%llu\n", vgpu_hist_quantile(&reading->part[VGPU_PART_TOTAL], ppm));
	vgpu_latency_free(reading);
	kfree(reading);
	return ret;
}

#define LATENCY_ATTR(name, ppm) \
static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *buf) \
{ \
	return show_latency(dev, buf, ppm); \
} \
static DEVICE_ATTR_RO(name)

LATENCY_ATTR(latency_p50_ns, 500000);
LATENCY_ATTR(latency_p95_ns, 950000);
LATENCY_ATTR(latency_p99_ns, 990000);
LATENCY_ATTR(latency_max_ns, 1000000);

static struct attribute *vm_attrs[] = {
	&dev_attr_submitted.attr,
	&dev_attr_completed.attr,
	&dev_attr_failed.attr,
	&dev_attr_rejected.attr,
	&dev_attr_waiting.attr,
	&dev_attr_launches.attr,
	&dev_attr_bytes_in.attr,
	&dev_attr_bytes_out.attr,
	&dev_attr_doorbells.attr,
	&dev_attr_bad_registers.attr,
	&dev_attr_bad_completions.attr,
	&dev_attr_sessions_lost.attr,
	&dev_attr_hangs.attr,
	&dev_attr_busy_compute_ns.attr,
	&dev_attr_busy_copy_in_ns.attr,
	&dev_attr_busy_copy_out_ns.attr,
	&dev_attr_sessions.attr,
	&dev_attr_workers.attr,
	&dev_attr_memory_used.attr,
	&dev_attr_memory_quota.attr,
	&dev_attr_aperture_size.attr,
	&dev_attr_aperture_used.attr,
	&dev_attr_throttled_ns.attr,
	&dev_attr_promotions.attr,
	&dev_attr_memory_peak.attr,
	&dev_attr_context_switches.attr,
	&dev_attr_queue_depth_max.attr,
	&dev_attr_queue_depth_ns.attr,
	&dev_attr_latency_p50_ns.attr,
	&dev_attr_latency_p95_ns.attr,
	&dev_attr_latency_p99_ns.attr,
	&dev_attr_latency_max_ns.attr,
	NULL
};

static const struct attribute_group vm_group = {
	.attrs = vm_attrs,
};

/**
 * struct setting_attribute - a setting as a file
 * @attr: the file
 * @setting: enum vgpu_setting
 */
struct setting_attribute {
	struct device_attribute attr;
	u32 setting;
};

static const char * const tier_names[VGPU_TIER_COUNT] = { "high", "medium", "low" };

static u64 read_setting(struct vgpu_limits *limits, u32 setting)
{
	size_t size;
	void *value = vgpu_setting_in(limits, setting, &size);

	return size == sizeof(u32) ? *(u32 *)value : *(u64 *)value;
}

static ssize_t setting_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u32 setting = container_of(attr, struct setting_attribute, attr)->setting;
	struct vgpu_vm *vm = dev_get_drvdata(dev);
	struct vgpu_limits limits;

	vgpu_dev_read_limits(&vm->core, &limits);
	if (setting == VGPU_SETTING_TIER)
		return sysfs_emit(buf, "%s\n", tier_names[limits.tier]);
	return sysfs_emit(buf, "%llu\n", read_setting(&limits, setting));
}

static int parse_setting(const char *buf, u32 setting, struct vgpu_settings *settings)
{
	size_t size;
	void *place = vgpu_setting_in(&settings->value, setting, &size);
	u64 value;
	int err;

	if (setting == VGPU_SETTING_TIER) {
		err = sysfs_match_string(tier_names, buf);
		value = err;
	} else {
		err = kstrtou64(buf, 0, &value);
	}
	if (err < 0)
		return err;
	if (size == sizeof(u32) && value > U32_MAX)
		return -ERANGE;
	if (size == sizeof(u32))
		*(u32 *)place = value;
	else
		*(u64 *)place = value;
	settings->has = BIT(setting);
	return 0;
}

/* As vm-set over netlink, but forgotten with the virtual GPU: mdevctl writes it anew. */
static ssize_t setting_store(struct device *dev, struct device_attribute *attr, const char *buf,
			     size_t count)
{
	u32 setting = container_of(attr, struct setting_attribute, attr)->setting;
	struct vgpu_vm *vm = dev_get_drvdata(dev);
	struct vgpu_settings settings = {}, written = {};
	struct vgpu_policy_entry *entry;
	const char *why = "this is no value for it";
	int err;

	err = parse_setting(buf, setting, &written);
	if (!err) {
		mutex_lock(&vgpu_gpus_lock);
		entry = vgpu_policy_find(vm->core.uuid);
		if (entry)
			settings = entry->settings;
		vgpu_settings_merge(&settings, &written);
		err = vgpu_policy_declare(vm->core.uuid, &settings, entry ? entry->pool : NULL,
					  true, &why);
		mutex_unlock(&vgpu_gpus_lock);
	}
	if (!err)
		return count;
	dev_notice_ratelimited(dev, "%s cannot be changed: %s\n", attr->attr.name, why);
	return err;
}

#define SETTING(name, number) \
static struct setting_attribute setting_##name = { \
	.attr = __ATTR(name, 0644, setting_show, setting_store), \
	.setting = number, \
}

SETTING(tier, VGPU_SETTING_TIER);
SETTING(weight, VGPU_SETTING_WEIGHT);
SETTING(memory, VGPU_SETTING_MEMORY);
SETTING(depth, VGPU_SETTING_DEPTH);
SETTING(sessions, VGPU_SETTING_SESSIONS);
SETTING(deadline_ns, VGPU_SETTING_DEADLINE);
SETTING(gpu_share, VGPU_SETTING_GPU_SHARE);
SETTING(gpu_burst_ns, VGPU_SETTING_GPU_BURST);
SETTING(copy_rate, VGPU_SETTING_COPY_RATE);
SETTING(copy_burst, VGPU_SETTING_COPY_BURST);
SETTING(cmd_rate, VGPU_SETTING_CMD_RATE);
SETTING(cmd_burst, VGPU_SETTING_CMD_BURST);
SETTING(quarantine_ns, VGPU_SETTING_QUARANTINE);
SETTING(quarantine_max_ns, VGPU_SETTING_QUARANTINE_MAX);

static struct attribute *setting_attrs[] = {
	&setting_tier.attr.attr,
	&setting_weight.attr.attr,
	&setting_memory.attr.attr,
	&setting_depth.attr.attr,
	&setting_sessions.attr.attr,
	&setting_deadline_ns.attr.attr,
	&setting_gpu_share.attr.attr,
	&setting_gpu_burst_ns.attr.attr,
	&setting_copy_rate.attr.attr,
	&setting_copy_burst.attr.attr,
	&setting_cmd_rate.attr.attr,
	&setting_cmd_burst.attr.attr,
	&setting_quarantine_ns.attr.attr,
	&setting_quarantine_max_ns.attr.attr,
	NULL
};

static const struct attribute_group setting_group = {
	.name = "vgpu",
	.attrs = setting_attrs,
};

const struct attribute_group *vgpu_vm_groups[] = {
	&vm_group,
	&setting_group,
	NULL
};

#define GPU_ATTR(name, expression) \
static ssize_t gpu_##name##_show(struct device *dev, struct device_attribute *attr, char *buf) \
{ \
	struct vgpu_host_gpu *gpu = container_of(dev, struct vgpu_host_gpu, dev); \
	struct vgpu_gpu_stats stats; \
	\
	vgpu_gpu_read_stats(&gpu->core, &stats); \
	return sysfs_emit(buf, "%llu\n", (u64)(expression)); \
} \
static struct device_attribute gpu_attr_##name = __ATTR(name, 0444, gpu_##name##_show, NULL)

GPU_ATTR(attached, stats.attached);
GPU_ATTR(memory_total, stats.memory_total);
GPU_ATTR(memory_given, stats.memory_given);
GPU_ATTR(virtual_gpus, stats.devs);
GPU_ATTR(runs, stats.runs);
GPU_ATTR(context_switches, stats.switches);
GPU_ATTR(promotions, stats.promotions);
GPU_ATTR(busy_compute_ns, stats.busy_ns[VGPU_ENGINE_COMPUTE]);
GPU_ATTR(busy_copy_in_ns, stats.busy_ns[VGPU_ENGINE_COPY_IN]);
GPU_ATTR(busy_copy_out_ns, stats.busy_ns[VGPU_ENGINE_COPY_OUT]);

#define GROUP_ATTR(name, expression) \
static ssize_t gpu_##name##_show(struct device *dev, struct device_attribute *attr, char *buf) \
{ \
	struct vgpu_host_gpu *gpu = container_of(dev, struct vgpu_host_gpu, dev); \
	struct vgpu_group_reading *reading = kmalloc(sizeof(*reading), GFP_KERNEL); \
	ssize_t ret; \
	\
	if (!reading) \
		return -ENOMEM; \
	vgpu_gpu_read_group(&gpu->core, 1, reading); \
	ret = sysfs_emit(buf, "%llu\n", (u64)(expression)); \
	vgpu_group_free(reading); \
	kfree(reading); \
	return ret; \
} \
static struct device_attribute gpu_attr_##name = __ATTR(name, 0444, gpu_##name##_show, NULL)

#define GPU_LATENCY(reading, ppm) \
	vgpu_hist_quantile(&(reading)->latency[VGPU_WINDOW_ALL].part[VGPU_PART_TOTAL], ppm)

GROUP_ATTR(submitted, reading->sums.counters.submitted);
GROUP_ATTR(completed, reading->sums.counters.completed);
GROUP_ATTR(failed, reading->sums.counters.failed);
GROUP_ATTR(waiting, reading->waiting);
GROUP_ATTR(bytes_in, reading->sums.counters.bytes_in);
GROUP_ATTR(bytes_out, reading->sums.counters.bytes_out);
GROUP_ATTR(hangs, reading->sums.counters.hangs);
GROUP_ATTR(sessions_lost, reading->sums.counters.sessions_lost);
GROUP_ATTR(throttled_ns, reading->sums.counters.throttled_ns);
GROUP_ATTR(memory_used, reading->memory_used);
GROUP_ATTR(memory_peak, reading->memory_peak);
GROUP_ATTR(quarantined, reading->quarantined);
GROUP_ATTR(queue_depth_max, reading->depth_max);
GROUP_ATTR(queue_depth_ns, reading->sums.depth_ns);
GROUP_ATTR(latency_p50_ns, GPU_LATENCY(reading, 500000));
GROUP_ATTR(latency_p95_ns, GPU_LATENCY(reading, 950000));
GROUP_ATTR(latency_p99_ns, GPU_LATENCY(reading, 990000));
GROUP_ATTR(latency_max_ns, GPU_LATENCY(reading, 1000000));

static struct attribute *gpu_attrs[] = {
	&gpu_attr_attached.attr,
	&gpu_attr_memory_total.attr,
	&gpu_attr_memory_given.attr,
	&gpu_attr_virtual_gpus.attr,
	&gpu_attr_runs.attr,
	&gpu_attr_context_switches.attr,
	&gpu_attr_promotions.attr,
	&gpu_attr_busy_compute_ns.attr,
	&gpu_attr_busy_copy_in_ns.attr,
	&gpu_attr_busy_copy_out_ns.attr,
	&gpu_attr_submitted.attr,
	&gpu_attr_completed.attr,
	&gpu_attr_failed.attr,
	&gpu_attr_waiting.attr,
	&gpu_attr_bytes_in.attr,
	&gpu_attr_bytes_out.attr,
	&gpu_attr_hangs.attr,
	&gpu_attr_sessions_lost.attr,
	&gpu_attr_throttled_ns.attr,
	&gpu_attr_memory_used.attr,
	&gpu_attr_memory_peak.attr,
	&gpu_attr_quarantined.attr,
	&gpu_attr_queue_depth_max.attr,
	&gpu_attr_queue_depth_ns.attr,
	&gpu_attr_latency_p50_ns.attr,
	&gpu_attr_latency_p95_ns.attr,
	&gpu_attr_latency_p99_ns.attr,
	&gpu_attr_latency_max_ns.attr,
	NULL
};

static const struct attribute_group gpu_group = {
	.attrs = gpu_attrs,
};

const struct attribute_group *vgpu_gpu_groups[] = {
	&gpu_group,
	NULL
};
