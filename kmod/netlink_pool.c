// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Pools over netlink.
 */

#include "netlink.h"
#include "nl_gen.h"

static_assert(sizeof_field(struct vgpu_pool, name) == VGPU_POOL_NAME_MAX + 1);
static_assert(VGPU_SCHED_WEIGHT_MAX == VGPU_WEIGHT_MAX);
static_assert(VGPU_SCHED_AGING_MIN == VGPU_AGING_MIN);
static_assert(VGPU_SCHED_AGING_MAX == VGPU_AGING_MAX);
static_assert(VGPU_SCHED_SLICE_MIN == VGPU_SLICE_MIN);
static_assert(VGPU_SCHED_SLICE_MAX == VGPU_SLICE_MAX);
static_assert(VGPU_SCHED_AGING_CAP_MAX == VGPU_AGING_CAP_MAX);
static_assert(VGPU_SCHED_WINDOW_MAX == VGPU_WINDOW);
static_assert((int)VGPU_POOL_POLICY_STRICT == (int)VGPU_POLICY_STRICT);
static_assert((int)VGPU_POOL_ORDER_FAIR == (int)VGPU_ORDER_FAIR);
static_assert((int)VGPU_POOL_CHARGE_EQUAL == (int)VGPU_CHARGE_EQUAL);

static bool put_pool(struct sk_buff *skb, struct vgpu_host_pool *pool)
{
	struct vgpu_policy policy;
	struct nlattr *nest;

	vgpu_pool_read_policy(&pool->core, &policy);
	if (nla_put_string(skb, VGPU_A_POOL_NAME, pool->core.name) ||
	    nla_put_u32(skb, VGPU_A_POOL_GPUS, vgpu_pools_count_gpus(pool)) ||
	    nla_put_u32(skb, VGPU_A_POOL_VMS, pool->declared) ||
	    nla_put_u32(skb, VGPU_A_POOL_POLICY, policy.kind) ||
	    nla_put_u32(skb, VGPU_A_POOL_ORDER, policy.order) ||
	    nla_put_u32(skb, VGPU_A_POOL_CHARGE, policy.charge) ||
	    nla_put_u32(skb, VGPU_A_POOL_WINDOW, policy.window) ||
	    nla_put_u32(skb, VGPU_A_POOL_WEIGHT_HIGH, policy.weight[VGPU_TIER_HIGH]) ||
	    nla_put_u32(skb, VGPU_A_POOL_WEIGHT_MEDIUM, policy.weight[VGPU_TIER_MEDIUM]) ||
	    nla_put_u32(skb, VGPU_A_POOL_WEIGHT_LOW, policy.weight[VGPU_TIER_LOW]) ||
	    nla_put_u64_64bit(skb, VGPU_A_POOL_AGING_NS, policy.aging_ns, VGPU_A_POOL_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_POOL_SLICE_NS, policy.slice_ns, VGPU_A_POOL_PAD) ||
	    nla_put_u32(skb, VGPU_A_POOL_AGING_CAP, policy.aging_cap))
		return false;
	nest = nla_nest_start(skb, VGPU_A_POOL_LIMITS);
	if (!nest || vgpu_nl_put_settings(skb, &pool->defaults))
		return false;
	nla_nest_end(skb, nest);
	return true;
}

static int fill_pool(const struct vgpu_nl_to *to, void *object)
{
	void *header = vgpu_nl_begin(to);

	return header ? vgpu_nl_end(to, header, put_pool(to->skb, object)) : -EMSGSIZE;
}

static const char *name_in(struct genl_info *info)
{
	if (!GENL_REQ_ATTR_CHECK(info, VGPU_A_POOL_NAME))
		return nla_data(info->attrs[VGPU_A_POOL_NAME]);
	GENL_SET_ERR_MSG(info, "attribute name is missing: it says which pool is meant");
	return NULL;
}

static struct vgpu_host_pool *pool_in(struct genl_info *info)
{
	const char *name = name_in(info);
	struct vgpu_host_pool *pool;

	if (!name)
		return ERR_PTR(-EINVAL);
	pool = vgpu_pools_find(name);
	if (pool)
		return pool;
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VGPU_A_POOL_NAME],
			    "no pool has this name: make it first (pool-new)");
	return ERR_PTR(-ENOENT);
}

/**
 * vgpu_nl_pool_get_doit() - VGPU_CMD_POOL_GET of one pool
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
 */
int vgpu_nl_pool_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vgpu_host_pool *pool;
	int err;

	mutex_lock(&vgpu_gpus_lock);
	pool = pool_in(info);
	if (IS_ERR(pool))
		err = PTR_ERR(pool);
	else
		err = vgpu_nl_answer(info, VGPU_CMD_POOL_GET, GENLMSG_DEFAULT_SIZE, fill_pool,
				     pool);
	mutex_unlock(&vgpu_gpus_lock);
	return err;
}

/**
 * vgpu_nl_pool_get_dumpit() - VGPU_CMD_POOL_GET of all pools
 * @skb: to be filled
 * @cb: where the dump stands: args[0] is the serial of the pool that was told last
 *
 * Return: bytes filled in, 0 at the end. Context: any process.
 */
int vgpu_nl_pool_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vgpu_host_pool *pool;
	struct vgpu_nl_to to;
	bool whole = true;

	mutex_lock(&vgpu_gpus_lock);
	to = vgpu_nl_dump_to(skb, cb, VGPU_CMD_POOL_GET);
	list_for_each_entry(pool, &vgpu_pools, node) {
		if (pool->serial <= (u64)cb->args[0])
			continue;
		whole = !fill_pool(&to, pool);
		if (!whole)
			break;
		cb->args[0] = pool->serial;
	}
	mutex_unlock(&vgpu_gpus_lock);
	return vgpu_nl_dump_end(skb, whole);
}

static void get_u8(struct genl_info *info, int attr, u8 *value)
{
	if (info->attrs[attr])
		*value = nla_get_u32(info->attrs[attr]);
}

static void get_u32(struct genl_info *info, int attr, u32 *value)
{
	if (info->attrs[attr])
		*value = nla_get_u32(info->attrs[attr]);
}

static void get_u64(struct genl_info *info, int attr, u64 *value)
{
	if (info->attrs[attr])
		*value = nla_get_u64(info->attrs[attr]);
}

static void policy_in(struct genl_info *info, struct vgpu_policy *policy)
{
	get_u8(info, VGPU_A_POOL_POLICY, &policy->kind);
	get_u8(info, VGPU_A_POOL_ORDER, &policy->order);
	get_u8(info, VGPU_A_POOL_CHARGE, &policy->charge);
	get_u8(info, VGPU_A_POOL_WINDOW, &policy->window);
	get_u32(info, VGPU_A_POOL_WEIGHT_HIGH, &policy->weight[VGPU_TIER_HIGH]);
	get_u32(info, VGPU_A_POOL_WEIGHT_MEDIUM, &policy->weight[VGPU_TIER_MEDIUM]);
	get_u32(info, VGPU_A_POOL_WEIGHT_LOW, &policy->weight[VGPU_TIER_LOW]);
	get_u64(info, VGPU_A_POOL_AGING_NS, &policy->aging_ns);
	get_u64(info, VGPU_A_POOL_SLICE_NS, &policy->slice_ns);
	get_u32(info, VGPU_A_POOL_AGING_CAP, &policy->aging_cap);
}

static int defaults_in(struct genl_info *info, struct vgpu_settings *defaults)
{
	struct nlattr *attrs[ARRAY_SIZE(vgpu_default_limits_nl_policy)];
	struct nlattr *nest = info->attrs[VGPU_A_POOL_LIMITS];
	struct vgpu_settings named;
	int err;

	if (!nest)
		return 0;
	err = nla_parse_nested(attrs, ARRAY_SIZE(attrs) - 1, nest,
			       vgpu_default_limits_nl_policy, info->extack);
	if (err)
		return err;
	err = vgpu_nl_get_settings(attrs, nla_data(nest), nla_len(nest), &named, info->extack);
	if (!err)
		vgpu_settings_merge(defaults, &named);
	return err;
}

/**
 * vgpu_nl_pool_new_doit() - VGPU_CMD_POOL_NEW
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
 */
int vgpu_nl_pool_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vgpu_policy policy = vgpu_policy_default;
	struct vgpu_settings defaults = {};
	const char *name = name_in(info);
	const char *why = NULL;
	int err;

	if (!name)
		return -EINVAL;
	err = defaults_in(info, &defaults);
	if (err)
		return err;
	policy_in(info, &policy);
	mutex_lock(&vgpu_gpus_lock);
	err = vgpu_pools_new(name, &policy, &defaults, &why);
	mutex_unlock(&vgpu_gpus_lock);
	if (err)
		info->extack->_msg = why;
	return err;
}

static int set_pool(struct genl_info *info)
{
	struct vgpu_policy policy = vgpu_policy_default;
	struct vgpu_host_pool *pool = pool_in(info);
	struct vgpu_settings defaults = {};
	const char *why = NULL;
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	if (!info->attrs[VGPU_A_POOL_REPLACE]) {
		vgpu_pool_read_policy(&pool->core, &policy);
		defaults = pool->defaults;
	}
	err = defaults_in(info, &defaults);
	if (err)
		return err;
	policy_in(info, &policy);
	err = vgpu_pools_set(pool, &policy, &defaults, &why);
	if (err)
		info->extack->_msg = why;
	return err;
}

/**
 * vgpu_nl_pool_set_doit() - VGPU_CMD_POOL_SET
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
 */
int vgpu_nl_pool_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err;

	mutex_lock(&vgpu_gpus_lock);
	err = set_pool(info);
	mutex_unlock(&vgpu_gpus_lock);
	return err;
}

/**
 * vgpu_nl_pool_del_doit() - VGPU_CMD_POOL_DEL
 * @skb: request
 * @info: likewise
 *
 * Return: 0 or a negative errno. Context: any process.
 */
int vgpu_nl_pool_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vgpu_host_pool *pool;
	const char *why = NULL;
	int err;

	mutex_lock(&vgpu_gpus_lock);
	pool = pool_in(info);
	err = IS_ERR(pool) ? PTR_ERR(pool) : vgpu_pools_delete(pool, &why);
	mutex_unlock(&vgpu_gpus_lock);
	if (why) {
		info->extack->_msg = why;
		NL_SET_BAD_ATTR(info->extack, info->attrs[VGPU_A_POOL_NAME]);
	}
	return err;
}

/**
 * vgpu_netlink_pool() - tell the monitor group of a pool
 * @cmd: VGPU_CMD_POOL_ADD_NTF, VGPU_CMD_POOL_DEL_NTF or VGPU_CMD_POOL_CHANGE_NTF
 * @pool: on the list
 *
 * Context: may sleep, vgpu_gpus_lock held.
 */
void vgpu_netlink_pool(u8 cmd, struct vgpu_host_pool *pool)
{
	vgpu_nl_changed();
	vgpu_nl_tell(cmd, fill_pool, pool);
}
