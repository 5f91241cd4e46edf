// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Pools by name, and which GPU is in which.
 */

#include <linux/ctype.h>
#include "netlink.h"
#include "policy.h"

#define DEFAULT_POOL "default"
#define PLACES_MAX 4096

/* See policy.h. */
LIST_HEAD(vgpu_pools);
LIST_HEAD(vgpu_places);

static u32 num_pools, num_places;

static int check_name(const char *name, const char *what, const char **why)
{
	const char *c;

	for (c = name; isalnum(*c) || *c == '.' || *c == '_' || *c == '-'; c++)
		;
	if (c != name && !*c)
		return 0;
	*why = vgpu_why("a %s's name is made of letters, digits, \".\", \"_\" and \"-\"", what);
	return -EINVAL;
}

static struct vgpu_host_pool *make_pool(const char *name)
{
	struct vgpu_host_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	vgpu_pool_init(&pool->core, name);
	pool->serial = vgpu_serial();
	list_add_tail(&pool->node, &vgpu_pools);
	num_pools++;
	return pool;
}

static void drop_pool(struct vgpu_host_pool *pool)
{
	list_del(&pool->node);
	num_pools--;
	vgpu_pool_destroy(&pool->core);
	kfree(pool);
}

static void drop_place(struct vgpu_place *place)
{
	list_del(&place->node);
	num_places--;
	kfree(place);
}

/**
 * vgpu_pools_init() - make the default pool
 *
 * Return: 0 or -ENOMEM. Context: module init.
 */
int vgpu_pools_init(void)
{
	return make_pool(DEFAULT_POOL) ? 0 : -ENOMEM;
}

/**
 * vgpu_pools_exit() - undo vgpu_pools_init(), and forget all pools
 *
 * Context: module exit, when no GPU is left and nothing is declared.
 */
void vgpu_pools_exit(void)
{
	struct vgpu_host_pool *pool, *next_pool;
	struct vgpu_place *place, *next;

	list_for_each_entry_safe(place, next, &vgpu_places, node)
		drop_place(place);
	list_for_each_entry_safe(pool, next_pool, &vgpu_pools, node)
		drop_pool(pool);
}

/**
 * vgpu_pools_default() - the pool of GPUs of which nothing was said
 *
 * Return: that. Context: any.
 */
struct vgpu_host_pool *vgpu_pools_default(void)
{
	return list_first_entry(&vgpu_pools, struct vgpu_host_pool, node);
}

/**
 * vgpu_pools_find() - the pool of a name
 * @name: any
 *
 * Return: that, or NULL. Context: vgpu_gpus_lock held.
 */
struct vgpu_host_pool *vgpu_pools_find(const char *name)
{
	struct vgpu_host_pool *pool;

	lockdep_assert_held(&vgpu_gpus_lock);
	list_for_each_entry(pool, &vgpu_pools, node)
		if (!strcmp(pool->core.name, name))
			return pool;
	return NULL;
}

/**
 * vgpu_place_find() - in which pool GPUs of a name are to be
 * @name: any
 *
 * Return: that, or NULL for the default pool. Context: vgpu_gpus_lock held.
 */
struct vgpu_place *vgpu_place_find(const char *name)
{
	struct vgpu_place *place;

	lockdep_assert_held(&vgpu_gpus_lock);
	list_for_each_entry(place, &vgpu_places, node)
		if (!strcmp(place->name, name))
			return place;
	return NULL;
}

static struct vgpu_host_gpu *find_gpu(const char *name)
{
	struct vgpu_host_gpu *gpu;

	list_for_each_entry(gpu, &vgpu_gpus, node)
		if (!strcmp(gpu->core.attach.name, name))
			return gpu;
	return NULL;
}

/* The name of a GPU in a pool, there or not; NULL if there is none. */
static const char *gpu_in(const struct vgpu_host_pool *pool, u32 *count)
{
	const char *name = NULL;
	struct vgpu_host_gpu *gpu;
	struct vgpu_place *place;

	*count = 0;
	list_for_each_entry(place, &vgpu_places, node) {
		if (place->pool == pool && !find_gpu(place->name)) {
			name = place->name;
			++*count;
		}
	}
	list_for_each_entry(gpu, &vgpu_gpus, node) {
		if (gpu->pool == pool) {
			name = gpu->core.attach.name;
			++*count;
		}
	}
	return name;
}

/**
 * vgpu_pools_count_gpus() - GPUs in a pool, those that are not there yet among them
 * @pool: any
 *
 * Return: how many. Context: vgpu_gpus_lock held.
 */
u32 vgpu_pools_count_gpus(const struct vgpu_host_pool *pool)
{
	u32 count;

	gpu_in(pool, &count);
	return count;
}

/**
 * vgpu_pools_new() - make a pool
 * @name: its name
 * @policy: its scheduling
 * @defaults: limits of virtual GPUs on its GPUs
 * @why: set to the reason where it is refused
 *
 * Return: 0; -EINVAL; -EEXIST; -ENOSPC if there are too many; -ENOMEM. Context: may sleep,
 * vgpu_gpus_lock held.
 */
int vgpu_pools_new(const char *name, const struct vgpu_policy *policy,
		   const struct vgpu_settings *defaults, const char **why)
{
	struct vgpu_host_pool *pool;
	int err;

	err = check_name(name, "pool", why);
	if (!err)
		err = vgpu_policy_check(policy, why);
	if (!err)
		err = vgpu_settings_check(defaults, why);
	if (err)
		return err;
	if (vgpu_pools_find(name)) {
		*why = vgpu_why("there is a pool %s already: change it (pool-set)", name);
		return -EEXIST;
	}
	if (num_pools == VGPU_POOLS_MAX) {
		*why = vgpu_why("there are %u pools already: remove some (pool-del)", num_pools);
		return -ENOSPC;
	}
	pool = make_pool(name);
	if (!pool)
		return -ENOMEM;
	vgpu_pool_set_policy(&pool->core, policy, why);
	pool->defaults = *defaults;
	vgpu_netlink_pool(VGPU_CMD_POOL_ADD_NTF, pool);
	return 0;
}

/* Brings a pool's default limits into force; where that fails, some have it and some not. */
static int apply_defaults(struct vgpu_host_pool *pool, const char **why)
{
	struct vgpu_host_gpu *gpu;
	struct vgpu_vm *vm;
	int err;

	list_for_each_entry(gpu, &vgpu_gpus, node) {
		if (gpu->pool != pool)
			continue;
		list_for_each_entry(vm, &gpu->vms, node) {
			err = vgpu_policy_apply(vm, why);
			if (err)
				return err;
		}
	}
	return 0;
}

/**
 * vgpu_pools_set() - change a pool, live
 * @pool: any
 * @policy: new scheduling
 * @defaults: new limits of virtual GPUs on its GPUs
 * @why: set to the reason where it is refused
 *
 * What is refused changes nothing.
 *
 * Return: 0; -EINVAL; or as vgpu_dev_set_limits(). Context: may sleep, vgpu_gpus_lock held.
 */
int vgpu_pools_set(struct vgpu_host_pool *pool, const struct vgpu_policy *policy,
		   const struct vgpu_settings *defaults, const char **why)
{
	struct vgpu_settings old = pool->defaults;
	const char *ignored;
	int err;

	err = vgpu_policy_check(policy, why);
	if (!err)
		err = vgpu_settings_check(defaults, why);
	if (err)
		return err;
	pool->defaults = *defaults;
	err = apply_defaults(pool, why);
	if (err) {
		pool->defaults = old;
		apply_defaults(pool, &ignored);
		return err;
	}
	vgpu_pool_set_policy(&pool->core, policy, why);
	vgpu_netlink_pool(VGPU_CMD_POOL_CHANGE_NTF, pool);
	return 0;
}

static struct vgpu_policy_entry *declared_for(const struct vgpu_host_pool *pool)
{
	struct vgpu_policy_entry *entry;

	list_for_each_entry(entry, &vgpu_policies, node)
		if (entry->pool == pool)
			return entry;
	return NULL;
}

/**
 * vgpu_pools_delete() - remove a pool
 * @pool: any
 * @why: set to the reason where it is refused
 *
 * Return: 0; -EBUSY while a GPU is in it or a UUID is declared for it; -EINVAL for the default one.
 * Context: may sleep, vgpu_gpus_lock held.
 */
int vgpu_pools_delete(struct vgpu_host_pool *pool, const char **why)
{
	struct vgpu_policy_entry *entry;
	const char *gpu;
	u32 count;

	if (pool == vgpu_pools_default()) {
		*why = "the default pool stays: GPUs of which nothing is said are in it";
		return -EINVAL;
	}
	gpu = gpu_in(pool, &count);
	if (gpu) {
		*why = vgpu_why("pool %s has %u GPUs, as %s: put them into another first (gpu-set)",
				pool->core.name, count, gpu);
		return -EBUSY;
	}
	entry = declared_for(pool);
	if (entry) {
		*why = vgpu_why("%u UUIDs are declared for it, as %pUb: vm-forget them first",
				pool->declared, entry->uuid);
		return -EBUSY;
	}
	vgpu_netlink_pool(VGPU_CMD_POOL_DEL_NTF, pool);
	drop_pool(pool);
	return 0;
}

/*
 * Whether the virtual GPUs of a GPU let it change to another pool. One that is opened at this very
 * moment may be missed: opening takes no lock of the pools. It then runs under the policy of the
 * other pool, as it would had it been opened a moment later; what must not happen, that it runs
 * under two, cannot, since move_gpu() changes policy and limits under vgpu_gpu.lock.
 */
static int check_move(struct vgpu_host_gpu *gpu, const struct vgpu_host_pool *pool,
		      const char **why)
{
	struct vgpu_policy_entry *entry;
	struct vgpu_vm *vm;

	list_for_each_entry(vm, &gpu->vms, node) {
		entry = vgpu_policy_find(vm->core.uuid);
		if (entry && entry->pool && entry->pool != pool) {
			*why = vgpu_why("%s was declared for pool %s: vm-set it to no pool first",
					vm->name, entry->pool->core.name);
			return -EBUSY;
		}
		if (READ_ONCE(vm->aperture)) {
			*why = vgpu_why("%s is open: shut its virtual machine down first",
					vm->name);
			return -EBUSY;
		}
	}
	return 0;
}

static int move_gpu(struct vgpu_host_gpu *gpu, struct vgpu_host_pool *pool, const char **why)
{
	struct vgpu_host_pool *old = gpu->pool;
	const char *ignored;
	struct vgpu_vm *vm;
	int err = 0;

	vgpu_pools_leave(gpu);
	gpu->pool = pool;
	list_for_each_entry(vm, &gpu->vms, node) {
		err = vgpu_policy_apply(vm, why);
		if (err)
			break;
	}
	if (err) {
		gpu->pool = old;
		list_for_each_entry(vm, &gpu->vms, node)
			vgpu_policy_apply(vm, &ignored);
	}
	vgpu_pool_add(&gpu->pool->core, &gpu->core);
	return err;
}

static int set_place(const char *name, struct vgpu_host_pool *pool, const char **why)
{
	struct vgpu_place *place = vgpu_place_find(name);

	if (pool == vgpu_pools_default()) {
		if (place)
			drop_place(place);
		return 0;
	}
	if (!place) {
		if (num_places == PLACES_MAX) {
			*why = vgpu_why("%u GPUs have a pool of their own: take some out",
					num_places);
			return -ENOSPC;
		}
		place = kzalloc(sizeof(*place), GFP_KERNEL);
		if (!place)
			return -ENOMEM;
		strscpy(place->name, name, sizeof(place->name));
		place->serial = vgpu_serial();
		list_add_tail(&place->node, &vgpu_places);
		num_places++;
	}
	place->pool = pool;
	return 0;
}

/**
 * vgpu_pools_put() - put the GPU of a name into a pool, now or when it comes
 * @name: of the GPU
 * @pool: any
 * @why: set to the reason where it is refused
 *
 * What is refused changes nothing.
 *
 * Return: 0; -EINVAL for a name that no GPU can have; -EBUSY while a virtual GPU on it is open or
 * was declared for another pool; -ENOSPC if there are too many names; -ENOMEM. Context: may sleep,
 * vgpu_gpus_lock held.
 */
int vgpu_pools_put(const char *name, struct vgpu_host_pool *pool, const char **why)
{
	struct vgpu_host_gpu *gpu = find_gpu(name);
	struct vgpu_host_pool *old = gpu ? gpu->pool : NULL;
	int err;

	err = check_name(name, "GPU", why);
	if (!err && gpu && old != pool)
		err = check_move(gpu, pool, why);
	if (!err && gpu && old != pool)
		err = move_gpu(gpu, pool, why);
	if (err)
		return err;
	err = set_place(name, pool, why);
	if (err) {
		if (gpu && old != pool)
			move_gpu(gpu, old, why);
		return err;
	}
	vgpu_netlink_place(name, gpu);
	return 0;
}

/**
 * vgpu_pools_enter() - a GPU comes into the pool that was declared for its name
 * @gpu: in none
 *
 * Context: may sleep, vgpu_gpus_lock held.
 */
void vgpu_pools_enter(struct vgpu_host_gpu *gpu)
{
	struct vgpu_place *place = vgpu_place_find(gpu->core.attach.name);

	gpu->pool = place ? place->pool : vgpu_pools_default();
	vgpu_pool_add(&gpu->pool->core, &gpu->core);
}

/**
 * vgpu_pools_leave() - a GPU leaves its pool; it keeps the scheduling that it has
 * @gpu: in one
 *
 * Context: may sleep, vgpu_gpus_lock held.
 */
void vgpu_pools_leave(struct vgpu_host_gpu *gpu)
{
	vgpu_pool_remove(&gpu->pool->core, &gpu->core);
}
