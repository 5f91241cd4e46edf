// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Settings as attributes, of a virtual GPU and of a pool alike.
 */

#include "netlink.h"
#include "nl_gen.h"

static_assert(VGPU_LIMIT_DEPTH_MAX == VGPU_DEPTH_MAX);
static_assert(VGPU_DEPTH_MIN == 1);
static_assert(VGPU_LIMIT_DEADLINE_MAX == VGPU_DEADLINE_MAX);
static_assert(VGPU_LIMIT_SESSIONS_MAX == VGPU_MAX_SESSIONS);
static_assert(VGPU_LIMIT_GPU_SHARE_MIN == VGPU_GPU_SHARE_MIN);
static_assert(VGPU_LIMIT_GPU_SHARE_MAX == VGPU_GPU_SHARE_UNIT);
static_assert(VGPU_LIMIT_GPU_BURST_MIN == VGPU_GPU_BURST_MIN);
static_assert(VGPU_LIMIT_GPU_BURST_MAX == VGPU_GPU_BURST_MAX);
static_assert(VGPU_LIMIT_COPY_RATE_MIN == VGPU_COPY_RATE_MIN);
static_assert(VGPU_LIMIT_COPY_RATE_MAX == VGPU_COPY_RATE_MAX);
static_assert(VGPU_LIMIT_COPY_BURST_MIN == VGPU_COPY_BURST_MIN);
static_assert(VGPU_LIMIT_COPY_BURST_MAX == VGPU_COPY_BURST_MAX);
static_assert(VGPU_LIMIT_CMD_RATE_MAX == VGPU_CMD_RATE_MAX);
static_assert(VGPU_CMD_RATE_MIN == 1 && VGPU_CMD_BURST_MIN == 1);
static_assert(VGPU_LIMIT_CMD_BURST_MAX == VGPU_CMD_BURST_MAX);
static_assert(VGPU_LIMIT_WEIGHT_MIN == VGPU_VM_WEIGHT_MIN);
static_assert(VGPU_LIMIT_WEIGHT_MAX == VGPU_VM_WEIGHT_MAX);
static_assert(VGPU_LIMIT_STRIKES_MAX == VGPU_STRIKES_MAX);
static_assert(VGPU_LIMIT_WINDOW_MIN == VGPU_STRIKE_WINDOW_MIN);
static_assert(VGPU_LIMIT_WINDOW_MAX == VGPU_STRIKE_WINDOW_MAX);
static_assert(VGPU_LIMIT_QUARANTINE_MIN == VGPU_QUARANTINE_MIN);
static_assert(VGPU_LIMIT_QUARANTINE_MAX == VGPU_QUARANTINE_MAX);
static_assert((int)VGPU_VM_TIER_HIGH == (int)VGPU_TIER_HIGH &&
	      (int)VGPU_VM_TIER_LOW == (int)VGPU_TIER_LOW);
static_assert((int)VGPU_VM_STRIKE_DOORBELL == (int)VGPU_STRIKE_DOORBELL &&
	      (int)VGPU_VM_STRIKE_ADMINISTRATOR == (int)VGPU_STRIKE_COUNT);

static const u16 attribute_of[VGPU_SETTING_STRIKE] = {
	[VGPU_SETTING_TIER] = VGPU_A_VM_TIER,
	[VGPU_SETTING_MEMORY] = VGPU_A_VM_MEMORY,
	[VGPU_SETTING_DEPTH] = VGPU_A_VM_DEPTH,
	[VGPU_SETTING_SESSIONS] = VGPU_A_VM_SESSIONS,
	[VGPU_SETTING_DEADLINE] = VGPU_A_VM_DEADLINE_NS,
	[VGPU_SETTING_GPU_SHARE] = VGPU_A_VM_GPU_SHARE,
	[VGPU_SETTING_GPU_BURST] = VGPU_A_VM_GPU_BURST_NS,
	[VGPU_SETTING_COPY_RATE] = VGPU_A_VM_COPY_RATE,
	[VGPU_SETTING_COPY_BURST] = VGPU_A_VM_COPY_BURST,
	[VGPU_SETTING_CMD_RATE] = VGPU_A_VM_CMD_RATE,
	[VGPU_SETTING_CMD_BURST] = VGPU_A_VM_CMD_BURST,
	[VGPU_SETTING_QUARANTINE] = VGPU_A_VM_QUARANTINE_NS,
	[VGPU_SETTING_QUARANTINE_MAX] = VGPU_A_VM_QUARANTINE_MAX_NS,
	[VGPU_SETTING_WEIGHT] = VGPU_A_VM_WEIGHT,
};

static int put_strike(struct sk_buff *skb, u32 kind, const struct vgpu_strike_limit *limit)
{
	struct nlattr *nest = nla_nest_start(skb, VGPU_A_VM_STRIKE);

	if (!nest ||
	    nla_put_u32(skb, VGPU_A_STRIKE_LIMIT_KIND, kind) ||
	    nla_put_u32(skb, VGPU_A_STRIKE_LIMIT_THRESHOLD, limit->threshold) ||
	    nla_put_u64_64bit(skb, VGPU_A_STRIKE_LIMIT_WINDOW_NS, limit->window_ns,
			      VGPU_A_STRIKE_LIMIT_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * vgpu_nl_put_settings() - append settings as attributes
 * @skb: to which
 * @settings: which
 *
 * Return: 0 or -EMSGSIZE. Context: any.
 */
int vgpu_nl_put_settings(struct sk_buff *skb, const struct vgpu_settings *settings)
{
	struct vgpu_limits limits = settings->value;
	const void *value;
	size_t size;
	int err = 0;
	u32 i;

	for (i = 0; i < VGPU_SETTING_STRIKE && !err; i++) {
		if (!(settings->has & BIT(i)))
			continue;
		value = vgpu_setting_in(&limits, i, &size);
		if (size == sizeof(u64))
			err = nla_put_64bit(skb, attribute_of[i], size, value, VGPU_A_VM_PAD);
		else
			err = nla_put(skb, attribute_of[i], size, value);
	}
	for (i = 0; i < VGPU_STRIKE_COUNT && !err; i++)
		if (settings->has & BIT(VGPU_SETTING_STRIKE + i))
			err = put_strike(skb, i, &limits.strike[i]);
	return err;
}

static int get_strike(struct nlattr *attr, struct vgpu_settings *settings,
		      struct netlink_ext_ack *extack)
{
	struct nlattr *attrs[ARRAY_SIZE(vgpu_strike_limit_nl_policy)];
	struct vgpu_strike_limit *limit;
	u32 kind;
	int err;

	err = nla_parse_nested(attrs, ARRAY_SIZE(attrs) - 1, attr,
			       vgpu_strike_limit_nl_policy, extack);
	if (err)
		return err;
	if (!attrs[VGPU_A_STRIKE_LIMIT_KIND] || !attrs[VGPU_A_STRIKE_LIMIT_THRESHOLD] ||
	    !attrs[VGPU_A_STRIKE_LIMIT_WINDOW_NS]) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "a nest strike takes kind, threshold and window-ns, and one of them is missing");
		return -EINVAL;
	}
	kind = nla_get_u32(attrs[VGPU_A_STRIKE_LIMIT_KIND]);
	limit = &settings->value.strike[kind];
	limit->threshold = nla_get_u32(attrs[VGPU_A_STRIKE_LIMIT_THRESHOLD]);
	limit->window_ns = nla_get_u64(attrs[VGPU_A_STRIKE_LIMIT_WINDOW_NS]);
	settings->has |= BIT(VGPU_SETTING_STRIKE + kind);
	return 0;
}

/* What a range with a hole in it lets through. */
static int check_holes(struct nlattr **attrs, struct netlink_ext_ack *extack)
{
	struct nlattr *attr;

	attr = attrs[VGPU_A_VM_GPU_SHARE];
	if (attr && nla_get_u32(attr) && nla_get_u32(attr) < VGPU_GPU_SHARE_MIN) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "gpu-share is 0 for no limit, or 1000 to 1000000 millionths");
		return -ERANGE;
	}
	attr = attrs[VGPU_A_VM_COPY_RATE];
	if (attr && nla_get_u64(attr) && nla_get_u64(attr) < VGPU_COPY_RATE_MIN) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "copy-rate is 0 for no limit, or 1 MiB/s to 1 TiB/s");
		return -ERANGE;
	}
	attr = attrs[VGPU_A_VM_QUARANTINE_NS];
	if (attr && nla_get_u64(attr) && nla_get_u64(attr) < VGPU_QUARANTINE_MIN) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "quarantine-ns is 0 for until released, or 1 ms to 7 days");
		return -ERANGE;
	}
	return 0;
}

/**
 * vgpu_nl_get_settings() - settings that a request names
 * @attrs: parsed attributes, by number
 * @first: the same as they came, for those that may come several times
 * @len: bytes from @first on
 * @settings: filled in
 * @extack: gets the reason
 *
 * Return: 0; -EINVAL; -ERANGE. Context: any.
 */
int vgpu_nl_get_settings(struct nlattr **attrs, struct nlattr *first, int len,
			 struct vgpu_settings *settings, struct netlink_ext_ack *extack)
{
	struct nlattr *attr;
	size_t size;
	void *value;
	int err, left;
	u32 i;

	memset(settings, 0, sizeof(*settings));
	for (i = 0; i < VGPU_SETTING_STRIKE; i++) {
		attr = attrs[attribute_of[i]];
		if (!attr)
			continue;
		value = vgpu_setting_in(&settings->value, i, &size);
		memcpy(value, nla_data(attr), size);
		settings->has |= BIT(i);
	}
	nla_for_each_attr(attr, first, len, left) {
		if (nla_type(attr) != VGPU_A_VM_STRIKE)
			continue;
		err = get_strike(attr, settings, extack);
		if (err)
			return err;
	}
	return check_holes(attrs, extack);
}
