// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Settings that were declared for UUIDs, and what follows from them for virtual GPUs.
 */

#include <linux/bitops.h>
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/mdev.h>
#include "netlink.h"
#include "policy.h"

#define ENTRIES_BITS 12
#define WHYS 64
#define WHY_LEN 256

/* See policy.h. */
LIST_HEAD(vgpu_policies);

static DEFINE_HASHTABLE(entries, ENTRIES_BITS);
static u32 num_entries;

/**
 * vgpu_serial() - a number greater than all before it
 *
 * Return: that; never 0. Context: any; vgpu_gpus_lock held where a list is to grow in their order.
 */
u64 vgpu_serial(void)
{
	static atomic64_t last;

	return atomic64_inc_return(&last);
}

/**
 * vgpu_why() - a reason that outlives the call which gives it
 * @format: as for printf()
 *
 * Netlink sends the reason when the operation has returned and holds no lock, so it is in one of
 * some buffers that take turns. Were as many reasons as there are buffers made meanwhile, another
 * text would be read, but never past its end: the last byte of each buffer is always 0.
 *
 * Return: the text. Context: any.
 */
const char *vgpu_why(const char *format, ...)
{
	static char whys[WHYS][WHY_LEN];
	static atomic_t turn;
	char *why = whys[(u32)atomic_inc_return(&turn) % WHYS];
	va_list args;

	va_start(args, format);
	vsnprintf(why, WHY_LEN, format, args);
	va_end(args);
	return why;
}

#define PLACE(...) \
	{ offsetof(struct vgpu_limits, __VA_ARGS__), sizeof_field(struct vgpu_limits, __VA_ARGS__) }

/**
 * vgpu_setting_in() - where a setting is among limits
 * @limits: any
 * @setting: enum vgpu_setting
 * @size: set to its bytes
 *
 * Return: its place. Context: any.
 */
void *vgpu_setting_in(struct vgpu_limits *limits, u32 setting, size_t *size)
{
	static const struct {
		size_t offset;
		size_t size;
	} places[VGPU_SETTING_COUNT] = {
		[VGPU_SETTING_TIER] = PLACE(tier),
		[VGPU_SETTING_MEMORY] = PLACE(memory),
		[VGPU_SETTING_DEPTH] = PLACE(depth),
		[VGPU_SETTING_SESSIONS] = PLACE(sessions),
		[VGPU_SETTING_DEADLINE] = PLACE(deadline_ns),
		[VGPU_SETTING_GPU_SHARE] = PLACE(gpu_share),
		[VGPU_SETTING_GPU_BURST] = PLACE(gpu_burst_ns),
		[VGPU_SETTING_COPY_RATE] = PLACE(copy_rate),
		[VGPU_SETTING_COPY_BURST] = PLACE(copy_burst),
		[VGPU_SETTING_CMD_RATE] = PLACE(cmd_rate),
		[VGPU_SETTING_CMD_BURST] = PLACE(cmd_burst),
		[VGPU_SETTING_QUARANTINE] = PLACE(quarantine_ns),
		[VGPU_SETTING_QUARANTINE_MAX] = PLACE(quarantine_max_ns),
		[VGPU_SETTING_WEIGHT] = PLACE(weight),
		[VGPU_SETTING_STRIKE + VGPU_STRIKE_HANG] = PLACE(strike[VGPU_STRIKE_HANG]),
		[VGPU_SETTING_STRIKE + VGPU_STRIKE_FAULT] = PLACE(strike[VGPU_STRIKE_FAULT]),
		[VGPU_SETTING_STRIKE + VGPU_STRIKE_MALFORMED] =
			PLACE(strike[VGPU_STRIKE_MALFORMED]),
		[VGPU_SETTING_STRIKE + VGPU_STRIKE_QUOTA] = PLACE(strike[VGPU_STRIKE_QUOTA]),
		[VGPU_SETTING_STRIKE + VGPU_STRIKE_DOORBELL] = PLACE(strike[VGPU_STRIKE_DOORBELL]),
	};

	*size = places[setting].size;
	return (void *)limits + places[setting].offset;
}

static void overlay(struct vgpu_limits *limits, const struct vgpu_settings *settings)
{
	struct vgpu_settings *from = (struct vgpu_settings *)settings;
	size_t size;
	void *to;
	u32 i;

	for (i = 0; i < VGPU_SETTING_COUNT; i++) {
		if (!(settings->has & BIT(i)))
			continue;
		to = vgpu_setting_in(limits, i, &size);
		memcpy(to, vgpu_setting_in(&from->value, i, &size), size);
	}
	/* Of two that have to be in order, what is said here counts more than what was before. */
	if (limits->quarantine_max_ns >= limits->quarantine_ns)
		return;
	if (!(settings->has & BIT(VGPU_SETTING_QUARANTINE_MAX)))
		limits->quarantine_max_ns = limits->quarantine_ns;
	else if (!(settings->has & BIT(VGPU_SETTING_QUARANTINE)))
		limits->quarantine_ns = limits->quarantine_max_ns;
}

/**
 * vgpu_settings_merge() - add settings to settings
 * @into: to be changed
 * @from: what is in both is as here
 *
 * Context: any.
 */
void vgpu_settings_merge(struct vgpu_settings *into, const struct vgpu_settings *from)
{
	struct vgpu_settings add = *from;
	size_t size;
	void *to;
	u32 i;

	for (i = 0; i < VGPU_SETTING_COUNT; i++) {
		if (!(add.has & BIT(i)))
			continue;
		to = vgpu_setting_in(&into->value, i, &size);
		memcpy(to, vgpu_setting_in(&add.value, i, &size), size);
	}
	into->has |= add.has;
}

/**
 * vgpu_settings_check() - whether settings are within their bounds
 * @settings: to be checked
 * @why: set to the reason where they are not
 *
 * Return: 0 or -EINVAL. Context: any.
 */
int vgpu_settings_check(const struct vgpu_settings *settings, const char **why)
{
	struct vgpu_limits limits = vgpu_limits_default;

	if (settings->has & BIT(VGPU_SETTING_QUARANTINE_MAX) &&
	    settings->value.quarantine_max_ns < VGPU_QUARANTINE_MIN) {
		*why = "longest quarantine is not between 1 ms and 7 days";
		return -EINVAL;
	}
	overlay(&limits, settings);
	return vgpu_limits_check(&limits, 0, why);
}

static u32 hash_of(const u8 uuid[16])
{
	return jhash(uuid, 16, 0);
}

/**
 * vgpu_policy_find() - what was declared for a UUID
 * @uuid: any
 *
 * Return: that, or NULL. Context: vgpu_gpus_lock held.
 */
struct vgpu_policy_entry *vgpu_policy_find(const u8 uuid[16])
{
	struct vgpu_policy_entry *entry;

	lockdep_assert_held(&vgpu_gpus_lock);
	hash_for_each_possible(entries, entry, hash, hash_of(uuid))
		if (!memcmp(entry->uuid, uuid, sizeof(entry->uuid)))
			return entry;
	return NULL;
}

/**
 * vgpu_vm_find() - the virtual GPU that has a UUID
 * @uuid: any
 *
 * Return: that, or NULL. Context: vgpu_gpus_lock held.
 */
struct vgpu_vm *vgpu_vm_find(const u8 uuid[16])
{
	struct vgpu_policy_entry *entry = vgpu_policy_find(uuid);
	struct vgpu_host_gpu *gpu;
	struct vgpu_vm *vm;

	if (entry)
		return entry->vm;
	list_for_each_entry(gpu, &vgpu_gpus, node)
		list_for_each_entry(vm, &gpu->vms, node)
			if (!memcmp(uuid, vm->core.uuid, sizeof(vm->core.uuid)))
				return vm;
	return NULL;
}

static void limits_with(const struct vgpu_host_gpu *gpu, const struct vgpu_type *type,
			const struct vgpu_settings *settings, struct vgpu_limits *limits)
{
	*limits = type->limits;
	overlay(limits, &gpu->pool->defaults);
	if (settings)
		overlay(limits, settings);
}

static int apply(struct vgpu_vm *vm, const struct vgpu_settings *settings, const char **why)
{
	struct vgpu_type *type = vgpu_type_of(to_mdev_device(vm->vdev.dev)->type);
	struct vgpu_limits limits, old;

	limits_with(vm->gpu, type, settings, &limits);
	vgpu_dev_read_limits(&vm->core, &old);
	if (!memcmp(&limits, &old, sizeof(limits)))
		return 0;
	return vgpu_dev_set_limits(&vm->core, &limits, why);
}

static void set_pool(struct vgpu_policy_entry *entry, struct vgpu_host_pool *pool)
{
	if (entry->pool)
		entry->pool->declared--;
	entry->pool = pool;
	if (pool)
		pool->declared++;
}

static struct vgpu_policy_entry *make_entry(const u8 uuid[16], const char **why)
{
	struct vgpu_policy_entry *entry;

	if (num_entries == VGPU_DECLARED_MAX) {
		*why = vgpu_why("%u UUIDs have declared settings already: forget some (vm-forget)",
				VGPU_DECLARED_MAX);
		return ERR_PTR(-ENOSPC);
	}
	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	memcpy(entry->uuid, uuid, sizeof(entry->uuid));
	entry->serial = vgpu_serial();
	list_add_tail(&entry->node, &vgpu_policies);
	hash_add(entries, &entry->hash, hash_of(uuid));
	num_entries++;
	return entry;
}

static void drop_entry(struct vgpu_policy_entry *entry)
{
	set_pool(entry, NULL);
	hash_del(&entry->hash);
	list_del(&entry->node);
	num_entries--;
	kfree(entry);
}

/**
 * vgpu_policy_declare() - declare settings for a UUID
 * @uuid: any
 * @settings: all that are declared for it from now on
 * @pool: on whose GPUs alone its virtual GPU may be, NULL for any
 * @transient: it is forgotten with its virtual GPU, unless it was declared for longer before
 * @why: set to the reason where it is refused
 *
 * They are in force at once where a virtual GPU has the UUID. What is refused changes nothing.
 *
 * Return: 0; -EINVAL for a value out of range; -EBUSY if the virtual GPU is on a GPU of another
 * pool, or uses more memory than it would have; -ENOSPC if there are too many declarations, or the
 * GPU has not so much memory left; -ENOMEM. Context: may sleep, vgpu_gpus_lock held.
 */
int vgpu_policy_declare(const u8 uuid[16], const struct vgpu_settings *settings,
			struct vgpu_host_pool *pool, bool transient, const char **why)
{
	struct vgpu_policy_entry *entry = vgpu_policy_find(uuid);
	struct vgpu_vm *vm = vgpu_vm_find(uuid);
	bool fresh = !entry;
	int err;

	err = vgpu_settings_check(settings, why);
	if (err)
		return err;
	if (vm && pool && vm->gpu->pool != pool) {
		*why = vgpu_why("%s is on GPU %s of pool %s: remove it, declare %s, make it there",
				vm->name, vm->gpu->core.attach.name, vm->gpu->pool->core.name,
				pool->core.name);
		return -EBUSY;
	}
	if (fresh) {
		entry = make_entry(uuid, why);
		if (IS_ERR(entry))
			return PTR_ERR(entry);
		entry->vm = vm;
		entry->transient = transient;
	}
	err = vm ? apply(vm, settings, why) : 0;
	if (err) {
		if (fresh)
			drop_entry(entry);
		return err;
	}
	entry->settings = *settings;
	entry->transient &= transient;
	set_pool(entry, pool);
	vgpu_netlink_policy(uuid);
	return 0;
}

/**
 * vgpu_policy_forget() - undo vgpu_policy_declare()
 * @uuid: any
 * @why: set to the reason where it is refused
 *
 * Return: 0; -ENOENT if nothing was declared for it; -EBUSY if its virtual GPU uses more memory
 * than it would have; -ENOSPC if the GPU has not so much memory left. Context: may sleep,
 * vgpu_gpus_lock held.
 */
int vgpu_policy_forget(const u8 uuid[16], const char **why)
{
	struct vgpu_policy_entry *entry = vgpu_policy_find(uuid);
	int err;

	if (!entry) {
		*why = "nothing was declared for this uuid";
		return -ENOENT;
	}
	err = entry->vm ? apply(entry->vm, NULL, why) : 0;
	if (err)
		return err;
	drop_entry(entry);
	vgpu_netlink_policy(uuid);
	return 0;
}

/* Whether a virtual GPU may be on a GPU. */
static int check_pool(const struct vgpu_host_gpu *gpu, const struct vgpu_policy_entry *entry,
		      const char **why)
{
	if (!entry || !entry->pool || entry->pool == gpu->pool)
		return 0;
	*why = vgpu_why("it was declared for pool %s: make it there, not on GPU %s of pool %s",
			entry->pool->core.name, gpu->core.attach.name, gpu->pool->core.name);
	return -EPERM;
}

/**
 * vgpu_policy_limits() - what a virtual GPU that is being made may do
 * @gpu: under which
 * @type: as which
 * @uuid: of it
 * @limits: filled in
 * @why: set to the reason where it may not be made there
 *
 * Return: 0, or -EPERM if its UUID was declared for another pool. Context: may sleep.
 */
int vgpu_policy_limits(struct vgpu_host_gpu *gpu, const struct vgpu_type *type, const u8 uuid[16],
		       struct vgpu_limits *limits, const char **why)
{
	struct vgpu_policy_entry *entry;
	int err;

	mutex_lock(&vgpu_gpus_lock);
	entry = vgpu_policy_find(uuid);
	err = check_pool(gpu, entry, why);
	if (!err)
		limits_with(gpu, type, entry ? &entry->settings : NULL, limits);
	mutex_unlock(&vgpu_gpus_lock);
	return err;
}

/**
 * vgpu_policy_join() - a virtual GPU is there; it goes on its GPU's list
 * @vm: made with what vgpu_policy_limits() said
 * @why: set to the reason where it may not be there after all
 *
 * Return: as vgpu_policy_limits() and vgpu_dev_set_limits(), for what was declared meanwhile.
 * Context: may sleep, vgpu_gpus_lock held.
 */
int vgpu_policy_join(struct vgpu_vm *vm, const char **why)
{
	struct vgpu_policy_entry *entry = vgpu_policy_find(vm->core.uuid);
	int err;

	err = check_pool(vm->gpu, entry, why);
	if (!err)
		err = apply(vm, entry ? &entry->settings : NULL, why);
	if (err)
		return err;
	vm->serial = vgpu_serial();
	list_add_tail(&vm->node, &vm->gpu->vms);
	if (entry)
		entry->vm = vm;
	return 0;
}

/**
 * vgpu_policy_leave() - a virtual GPU goes; it comes off its GPU's list
 * @vm: that vgpu_policy_join() took
 *
 * Context: may sleep, vgpu_gpus_lock held.
 */
void vgpu_policy_leave(struct vgpu_vm *vm)
{
	struct vgpu_policy_entry *entry = vgpu_policy_find(vm->core.uuid);

	list_del(&vm->node);
	if (!entry)
		return;
	entry->vm = NULL;
	if (entry->transient)
		drop_entry(entry);
}

/**
 * vgpu_policy_apply() - bring into force for a virtual GPU what was declared for it and its pool
 * @vm: on its GPU's list
 * @why: set to the reason where that fails
 *
 * Return: as vgpu_dev_set_limits(). Context: may sleep, vgpu_gpus_lock held.
 */
int vgpu_policy_apply(struct vgpu_vm *vm, const char **why)
{
	struct vgpu_policy_entry *entry = vgpu_policy_find(vm->core.uuid);
	int err;

	err = apply(vm, entry ? &entry->settings : NULL, why);
	if (!err)
		vgpu_netlink_vm(VGPU_CMD_VM_CHANGE_NTF, vm);
	return err;
}

/**
 * vgpu_policy_exit() - forget everything
 *
 * Context: module exit, when no virtual GPU is left.
 */
void vgpu_policy_exit(void)
{
	struct vgpu_policy_entry *entry, *next;

	list_for_each_entry_safe(entry, next, &vgpu_policies, node)
		drop_entry(entry);
}
