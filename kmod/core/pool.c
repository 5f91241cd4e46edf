// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Pools: GPUs under one scheduling policy. Run queues are per GPU; a pool's GPUs share nothing but
 * the policy, and GPUs of different pools not even that.
 */

#include "core.h"

const struct vgpu_policy vgpu_policy_default = {
	.weight = { 16, 4, 1 },
	.aging_ns = VGPU_AGING_DEFAULT,
	.slice_ns = VGPU_SLICE_DEFAULT,
	.aging_cap = VGPU_AGING_CAP_DEFAULT,
	.kind = VGPU_POLICY_WEIGHTED,
	.order = VGPU_ORDER_FIFO,
	.charge = VGPU_CHARGE_AUTO,
	.window = VGPU_WINDOW,
};

/**
 * vgpu_policy_check() - whether a policy is within its bounds
 * @policy: to be checked
 * @why: set to the reason where it is not
 *
 * Return: 0 or -EINVAL. Context: any.
 */
int vgpu_policy_check(const struct vgpu_policy *policy, const char **why)
{
	u32 tier;

	for (tier = 0; tier < VGPU_TIER_COUNT; tier++) {
		if (!policy->weight[tier] || policy->weight[tier] > VGPU_WEIGHT_MAX) {
			*why = "weight is not between 1 and 1000";
			return -EINVAL;
		}
	}
	if (policy->aging_ns < VGPU_AGING_MIN || policy->aging_ns > VGPU_AGING_MAX)
		*why = "aging is not between 1 ms and 1 h";
	else if (policy->slice_ns < VGPU_SLICE_MIN || policy->slice_ns > VGPU_SLICE_MAX)
		*why = "slice is not between 10 us and 100 ms";
	else if (policy->aging_cap > VGPU_AGING_CAP_MAX)
		*why = "aging cap is not between 0 and 500 thousandths";
	else if (policy->kind >= VGPU_POLICY_COUNT)
		*why = "policy is not weighted or strict";
	else if (policy->order >= VGPU_ORDER_COUNT)
		*why = "order is not fifo or fair";
	else if (policy->charge >= VGPU_CHARGE_COUNT)
		*why = "charge is not auto, oldest or equal";
	else if (!policy->window || policy->window > VGPU_WINDOW)
		*why = "window is not 1 or 2";
	else
		return 0;
	return -EINVAL;
}

/**
 * vgpu_pool_init() - a pool without GPUs, with the default policy
 * @pool: to be set up
 * @name: for people, cut to fit
 *
 * Context: any.
 */
void vgpu_pool_init(struct vgpu_pool *pool, const char *name)
{
	size_t len = strnlen(name, sizeof(pool->name) - 1);
	u32 i;

	memset(pool, 0, sizeof(*pool));
	mutex_init(&pool->lock);
	spin_lock_init(&pool->past_lock);
	for (i = 0; i < VGPU_TIER_COUNT; i++)
		vgpu_tally_init(&pool->past[i]);
	memcpy(pool->name, name, len);
	pool->policy = vgpu_policy_default;
	INIT_LIST_HEAD(&pool->gpus);
}

/**
 * vgpu_pool_destroy() - end of a pool
 * @pool: without GPUs
 *
 * Context: any.
 */
void vgpu_pool_destroy(struct vgpu_pool *pool)
{
	u32 i;

	for (i = 0; i < VGPU_TIER_COUNT; i++)
		vgpu_tally_clear(&pool->past[i]);
	mutex_destroy(&pool->lock);
}

/**
 * vgpu_pool_add() - a GPU comes under a pool's policy
 * @pool: any
 * @gpu: in no pool
 *
 * Context: may sleep.
 */
void vgpu_pool_add(struct vgpu_pool *pool, struct vgpu_gpu *gpu)
{
	mutex_lock(&pool->lock);
	spin_lock(&gpu->lock);
	gpu->pool = pool;
	spin_unlock(&gpu->lock);
	list_add_tail(&gpu->pool_node, &pool->gpus);
	vgpu_gpu_set_policy(gpu, &pool->policy);
	mutex_unlock(&pool->lock);
}

/**
 * vgpu_pool_remove() - a GPU leaves a pool; it keeps the policy that it has, the pool what happened
 * @pool: in which it is
 * @gpu: any of its GPUs
 *
 * Context: may sleep.
 */
void vgpu_pool_remove(struct vgpu_pool *pool, struct vgpu_gpu *gpu)
{
	struct vgpu_dev *dev;

	mutex_lock(&pool->lock);
	list_del_init(&gpu->pool_node);
	spin_lock(&gpu->lock);
	list_for_each_entry(dev, &gpu->devs, gpu_node)
		vgpu_group_credit(dev, vgpu_now_ns());
	gpu->pool = NULL;
	spin_unlock(&gpu->lock);
	mutex_unlock(&pool->lock);
}

/**
 * vgpu_pool_set_policy() - change the policy of all GPUs of a pool, live
 * @pool: any
 * @policy: new
 * @why: set to the reason where it is refused
 *
 * Return: 0, or -EINVAL if the policy is out of bounds. Context: may sleep.
 */
int vgpu_pool_set_policy(struct vgpu_pool *pool, const struct vgpu_policy *policy, const char **why)
{
	struct vgpu_gpu *gpu;
	int err = vgpu_policy_check(policy, why);

	if (err)
		return err;
	mutex_lock(&pool->lock);
	pool->policy = *policy;
	list_for_each_entry(gpu, &pool->gpus, pool_node)
		vgpu_gpu_set_policy(gpu, policy);
	mutex_unlock(&pool->lock);
	return 0;
}

/**
 * vgpu_pool_read_policy() - the policy in force
 * @pool: any
 * @policy: filled in
 *
 * Context: may sleep.
 */
void vgpu_pool_read_policy(struct vgpu_pool *pool, struct vgpu_policy *policy)
{
	mutex_lock(&pool->lock);
	*policy = pool->policy;
	mutex_unlock(&pool->lock);
}
