// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Virtual GPUs over netlink, and what is declared for their UUIDs.
 */

#include <linux/mdev.h>
#include "netlink.h"
#include "nl_gen.h"

static u32 vm_state(const struct vgpu_vm *vm)
{
	if (!READ_ONCE(vm->aperture))
		return VGPU_VM_STATE_CLOSED;
	return READ_ONCE(vm->core.driver_ok) ? VGPU_VM_STATE_READY : VGPU_VM_STATE_OPEN;
}

/* The nest "declared", if anything was. */
static int put_declared(struct sk_buff *skb, const u8 uuid[16])
{
	struct vgpu_policy_entry *entry = vgpu_policy_find(uuid);
	struct nlattr *nest;

	if (!entry)
		return 0;
	nest = nla_nest_start(skb, VGPU_A_VM_DECLARED);
	if (!nest || vgpu_nl_put_settings(skb, &entry->settings) ||
	    (entry->pool && nla_put_string(skb, VGPU_A_VM_POOL, entry->pool->core.name)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static bool put_vm(struct sk_buff *skb, struct vgpu_vm *vm)
{
	struct mdev_device *mdev = to_mdev_device(vm->vdev.dev);
	struct vgpu_settings settings = { .has = GENMASK(VGPU_SETTING_COUNT - 1, 0) };

	vgpu_dev_read_limits(&vm->core, &settings.value);
	return !(nla_put(skb, VGPU_A_VM_UUID, VGPU_UUID_LEN, vm->core.uuid) ||
		 nla_put_string(skb, VGPU_A_VM_GPU, vm->gpu->core.attach.name) ||
		 nla_put_string(skb, VGPU_A_VM_TYPE, kobject_name(&mdev->type->kobj)) ||
		 nla_put_u32(skb, VGPU_A_VM_STATE, vm_state(vm)) ||
		 nla_put_u8(skb, VGPU_A_VM_QUARANTINED, READ_ONCE(vm->core.quarantined)) ||
		 nla_put_u64_64bit(skb, VGPU_A_VM_APERTURE, settings.value.aperture,
				   VGPU_A_VM_PAD) ||
		 vgpu_nl_put_settings(skb, &settings) ||
		 vgpu_nl_put_stats(skb, &vm->core) ||
		 nla_put_u8(skb, VGPU_A_VM_PRESENT, 1) ||
		 nla_put_string(skb, VGPU_A_VM_POOL, vm->gpu->pool->core.name) ||
		 put_declared(skb, vm->core.uuid) ||
		 vgpu_nl_put_quarantine(skb, &vm->core));
}

static int fill_vm(const struct vgpu_nl_to *to, void *object)
{
	void *header = vgpu_nl_begin(to);

	return header ? vgpu_nl_end(to, header, put_vm(to->skb, object)) : -EMSGSIZE;
}

/* A UUID that no virtual GPU has. */
static int fill_absent(const struct vgpu_nl_to *to, void *object)
{
	const u8 *uuid = object;
	void *header = vgpu_nl_begin(to);

	return header ? vgpu_nl_end(to, header,
				    !nla_put(to->skb, VGPU_A_VM_UUID, VGPU_UUID_LEN, uuid) &&
				    !nla_put_u32(to->skb, VGPU_A_VM_STATE,
						 VGPU_VM_STATE_DECLARED) &&
				    !nla_put_u8(to->skb, VGPU_A_VM_PRESENT, 0) &&
				    !put_declared(to->skb, uuid)) :
			-EMSGSIZE;
}

/* The UUID that a request names, or NULL, and the reason in its answer. */
static const u8 *uuid_in(struct genl_info *info)
{
	if (!GENL_REQ_ATTR_CHECK(info, VGPU_A_VM_UUID))
		return nla_data(info->attrs[VGPU_A_VM_UUID]);
	GENL_SET_ERR_MSG(info, "attribute uuid is missing: it says which virtual GPU is meant");
	return NULL;
}

/**
 * vgpu_nl_vm() - the virtual GPU that a request names
 * @info: the request; gets the reason where there is none
 *
 * Return: that, or an ERR_PTR(): -EINVAL or -ENOENT. Context: vgpu_gpus_lock held.
 */
struct vgpu_vm *vgpu_nl_vm(struct genl_info *info)
{
	const u8 *uuid = uuid_in(info);
	struct vgpu_vm *vm;

	if (!uuid)
		return ERR_PTR(-EINVAL);
	vm = vgpu_vm_find(uuid);
	if (vm)
		return vm;
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VGPU_A_VM_UUID],
			    "no virtual GPU has this uuid");
	return ERR_PTR(-ENOENT);
}

/**
 * vgpu_nl_dump_vms() - a dump of all virtual GPUs, or as many as fit
 * @skb: to be filled
 * @cb: where the dump stands: args[0] and args[1] are the serials of the GPU and of the virtual GPU
 *	that were told last
 * @cmd: of the messages
 * @fill: makes the message of one
 *
 * Return: true if all fit. Context: vgpu_gpus_lock held.
 */
bool vgpu_nl_dump_vms(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd,
		      int (*fill)(const struct vgpu_nl_to *to, void *object))
{
	struct vgpu_nl_to to = vgpu_nl_dump_to(skb, cb, cmd);
	struct vgpu_host_gpu *gpu;
	struct vgpu_vm *vm;
	u64 told_gpu = cb->args[0];

	list_for_each_entry(gpu, &vgpu_gpus, node) {
		if (gpu->serial < told_gpu)
			continue;
		list_for_each_entry(vm, &gpu->vms, node) {
			if (gpu->serial == told_gpu && vm->serial <= (u64)cb->args[1])
				continue;
			if (fill(&to, vm))
				return false;
			told_gpu = gpu->serial;
			cb->args[0] = told_gpu;
			cb->args[1] = vm->serial;
		}
	}
	return true;
}

static bool dump_absent(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vgpu_nl_to to = vgpu_nl_dump_to(skb, cb, VGPU_CMD_VM_GET);
	struct vgpu_policy_entry *entry;

	list_for_each_entry(entry, &vgpu_policies, node) {
		if (entry->vm || entry->serial <= (u64)cb->args[2])
			continue;
		if (fill_absent(&to, entry->uuid))
			return false;
		cb->args[2] = entry->serial;
	}
	return true;
}

/**
 * vgpu_nl_vm_get_doit() - VGPU_CMD_VM_GET of one virtual GPU, or of what is declared for one
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
 */
int vgpu_nl_vm_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vgpu_policy_entry *entry = NULL;
	struct vgpu_vm *vm;
	int err;

	mutex_lock(&vgpu_gpus_lock);
	vm = vgpu_nl_vm(info);
	if (PTR_ERR_OR_ZERO(vm) == -ENOENT)
		entry = vgpu_policy_find(nla_data(info->attrs[VGPU_A_VM_UUID]));
	if (!IS_ERR(vm))
		err = vgpu_nl_answer(info, VGPU_CMD_VM_GET, GENLMSG_DEFAULT_SIZE, fill_vm, vm);
	else if (entry)
		err = vgpu_nl_answer(info, VGPU_CMD_VM_GET, GENLMSG_DEFAULT_SIZE, fill_absent,
				     entry->uuid);
	else
		err = PTR_ERR(vm);
	mutex_unlock(&vgpu_gpus_lock);
	return err;
}

/**
 * vgpu_nl_vm_get_dumpit() - VGPU_CMD_VM_GET of all virtual GPUs, then of what else is declared
 * @skb: to be filled
 * @cb: where the dump stands: args[2] is the serial of the declaration that was told last
 *
 * Return: bytes filled in, 0 at the end. Context: any process.
 */
int vgpu_nl_vm_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	bool whole;

	mutex_lock(&vgpu_gpus_lock);
	whole = vgpu_nl_dump_vms(skb, cb, VGPU_CMD_VM_GET, fill_vm) && dump_absent(skb, cb);
	mutex_unlock(&vgpu_gpus_lock);
	return vgpu_nl_dump_end(skb, whole);
}

/* The pool that is declared, which is as before where a request names none. */
static int pool_in(struct genl_info *info, struct vgpu_host_pool **pool)
{
	struct nlattr *attr = info->attrs[VGPU_A_VM_POOL];
	const char *name;

	if (!attr)
		return 0;
	name = nla_data(attr);
	*pool = name[0] ? vgpu_pools_find(name) : NULL;
	if (*pool || !name[0])
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, attr,
			    "no pool has this name: make it first (pool-new)");
	return -ENOENT;
}

static int declare(struct genl_info *info, const u8 *uuid, const struct vgpu_settings *named)
{
	struct vgpu_policy_entry *entry = vgpu_policy_find(uuid);
	struct vgpu_settings settings = {};
	struct vgpu_host_pool *pool = NULL;
	const char *why = NULL;
	int err;

	if (entry && !info->attrs[VGPU_A_VM_REPLACE]) {
		settings = entry->settings;
		pool = entry->pool;
	}
	vgpu_settings_merge(&settings, named);
	err = pool_in(info, &pool);
	if (err)
		return err;
	err = vgpu_policy_declare(uuid, &settings, pool, false, &why);
	if (err)
		info->extack->_msg = why;
	return err;
}

/**
 * vgpu_nl_vm_set_doit() - VGPU_CMD_VM_SET
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
 */
int vgpu_nl_vm_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	const u8 *uuid = uuid_in(info);
	struct vgpu_settings named;
	int err;

	if (!uuid)
		return -EINVAL;
	err = vgpu_nl_get_settings(info->attrs, genlmsg_data(info->genlhdr),
				   genlmsg_len(info->genlhdr), &named, info->extack);
	if (err)
		return err;
	mutex_lock(&vgpu_gpus_lock);
	err = declare(info, uuid, &named);
	mutex_unlock(&vgpu_gpus_lock);
	return err;
}

/**
 * vgpu_nl_vm_forget_doit() - VGPU_CMD_VM_FORGET
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
 */
int vgpu_nl_vm_forget_doit(struct sk_buff *skb, struct genl_info *info)
{
	const u8 *uuid = uuid_in(info);
	const char *why = NULL;
	int err;

	if (!uuid)
		return -EINVAL;
	mutex_lock(&vgpu_gpus_lock);
	err = vgpu_policy_forget(uuid, &why);
	mutex_unlock(&vgpu_gpus_lock);
	if (err) {
		info->extack->_msg = why;
		NL_SET_BAD_ATTR(info->extack, info->attrs[VGPU_A_VM_UUID]);
	}
	return err;
}

static int quarantine(struct genl_info *info, bool begin)
{
	struct vgpu_vm *vm = vgpu_nl_vm(info);
	int err;

	if (IS_ERR(vm))
		return PTR_ERR(vm);
	err = begin ? vgpu_dev_quarantine(&vm->core) : vgpu_dev_release(&vm->core);
	if (err == -EALREADY) {
		NL_SET_BAD_ATTR(info->extack, info->attrs[VGPU_A_VM_UUID]);
		info->extack->_msg = begin ? "the virtual GPU is quarantined already" :
					     "the virtual GPU is not quarantined";
	}
	if (!err)
		vgpu_netlink_vm(VGPU_CMD_VM_CHANGE_NTF, vm);
	return err;
}

/**
 * vgpu_nl_quarantine_set_doit() - VGPU_CMD_QUARANTINE_SET
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
 */
int vgpu_nl_quarantine_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err;

	mutex_lock(&vgpu_gpus_lock);
	err = quarantine(info, true);
	mutex_unlock(&vgpu_gpus_lock);
	return err;
}

/**
 * vgpu_nl_quarantine_release_doit() - VGPU_CMD_QUARANTINE_RELEASE
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
 */
int vgpu_nl_quarantine_release_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err;

	mutex_lock(&vgpu_gpus_lock);
	err = quarantine(info, false);
	mutex_unlock(&vgpu_gpus_lock);
	return err;
}

/**
 * vgpu_netlink_vm() - tell the monitor group of a virtual GPU
 * @cmd: VGPU_CMD_VM_ADD_NTF, VGPU_CMD_VM_DEL_NTF or VGPU_CMD_VM_CHANGE_NTF
 * @vm: on the list or just taken off it
 *
 * Context: may sleep, vgpu_gpus_lock held.
 */
void vgpu_netlink_vm(u8 cmd, struct vgpu_vm *vm)
{
	if (cmd != VGPU_CMD_VM_CHANGE_NTF)
		vgpu_nl_changed();
	vgpu_nl_tell(cmd, fill_vm, vm);
}

/**
 * vgpu_netlink_policy() - tell the monitor group of what is declared for a UUID, and was not so
 * @uuid: of a virtual GPU, or of none
 *
 * Context: may sleep, vgpu_gpus_lock held.
 */
void vgpu_netlink_policy(const u8 uuid[16])
{
	struct vgpu_vm *vm = vgpu_vm_find(uuid);

	vgpu_nl_changed();
	if (vm)
		vgpu_nl_tell(VGPU_CMD_VM_CHANGE_NTF, fill_vm, vm);
	else
		vgpu_nl_tell(VGPU_CMD_VM_CHANGE_NTF, fill_absent, (void *)uuid);
}
