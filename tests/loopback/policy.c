// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * Scheduling policy and tiers as the command line gives them, and the decision log.
 */

#include <stdio.h>
#include <stdlib.h>

#include "server.h"

static bool choose(const char *text, const char *const *words, u8 count, u8 *value)
{
	u8 i;

	for (i = 0; i < count; i++) {
		if (!strcmp(text, words[i])) {
			*value = i;
			return true;
		}
	}
	return false;
}

static bool microseconds(const char *text, u64 *ns)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	*ns = value * NSEC_PER_USEC;
	return *text && !*end && value < 1ULL << 40;
}

static bool set_one(struct vgpu_policy *policy, const char *key, const char *value)
{
	static const char *const kinds[] = { "weighted", "strict" };
	static const char *const orders[] = { "fifo", "fair" };
	static const char *const charges[] = { "auto", "oldest", "equal" };
	char *end;

	if (!strcmp(key, "kind"))
		return choose(value, kinds, VGPU_POLICY_COUNT, &policy->kind);
	if (!strcmp(key, "order"))
		return choose(value, orders, VGPU_ORDER_COUNT, &policy->order);
	if (!strcmp(key, "charge"))
		return choose(value, charges, VGPU_CHARGE_COUNT, &policy->charge);
	if (!strcmp(key, "slice"))
		return microseconds(value, &policy->slice_ns);
	if (!strcmp(key, "aging"))
		return microseconds(value, &policy->aging_ns);
	if (!strcmp(key, "weights"))
		return sscanf(value, "%u:%u:%u", &policy->weight[0], &policy->weight[1], &policy->weight[2]) == 3;
	if (!strcmp(key, "window")) {
		policy->window = (u8)strtoul(value, &end, 10);
		return *value && !*end;
	}
	return false;
}

/**
 * policy_parse() - a policy from text
 * @policy: what is not named stays as it is
 * @text: KEY=VALUE separated by commas: kind, order, charge, weights (16:4:1), slice and aging (microseconds), window
 * @why: set to the reason where it cannot be
 *
 * Return: whether it can.
 */
bool policy_parse(struct vgpu_policy *policy, const char *text, const char **why)
{
	char *copy = strdup(text), *at = copy, *pair, *value;
	bool ok = copy;

	*why = "not a KEY=VALUE of a policy";
	while (ok && (pair = strsep(&at, ","))) {
		value = strchr(pair, '=');
		if (value)
			*value++ = '\0';
		ok = value && set_one(policy, pair, value);
	}
	free(copy);
	return ok && !vgpu_policy_check(policy, why);
}

/**
 * policy_tier_parse() - a --tier
 * @text: NAME=TIER or NAME=TIER:WEIGHT; referred to
 * @tier: out
 *
 * Return: whether it is one.
 */
bool policy_tier_parse(const char *text, struct named_tier *tier)
{
	static const char *const tiers[] = { "high", "medium", "low" };
	const char *equals = strchr(text, '=');
	char word[8] = "", colon = ':';
	int read = 0;
	u8 number;

	if (!equals || equals == text)
		return false;
	*tier = (struct named_tier){ .name = text, .len = equals - text, .weight = VGPU_VM_WEIGHT_DEFAULT };
	if (sscanf(equals + 1, "%7[a-z]%n%c%u%n", word, &read, &colon, &tier->weight, &read) < 1 ||
	    !choose(word, tiers, VGPU_TIER_COUNT, &number))
		return false;
	tier->tier = number;
	return colon == ':' && !equals[1 + read] && tier->weight >= VGPU_VM_WEIGHT_MIN && tier->weight <= VGPU_VM_WEIGHT_MAX;
}

/**
 * policy_tier() - puts the tier and weight that a virtual GPU was given by --tier into its limits
 * @options: with --tier, the latest of a name is meant
 * @name: of the virtual GPU
 * @limits: theirs
 */
void policy_tier(const struct server_options *options, const char *name, struct vgpu_limits *limits)
{
	const struct named_tier *tier;

	for (tier = options->tiers; tier < options->tiers + options->num_tiers; tier++) {
		if (strlen(name) == tier->len && !strncmp(name, tier->name, tier->len)) {
			limits->tier = tier->tier;
			limits->weight = tier->weight;
		}
	}
}

static void write_event(struct vgpu_sched *sched, const struct vgpu_sched_event *event)
{
	fwrite(event, sizeof(*event), 1, sched->log_host);
}

/**
 * policy_record() - keep the decision log of a GPU from now on
 * @server: with the file in its options; another GPU's log is kept already where there are several
 * @gpu: new
 *
 * Return: 0 or a negative errno.
 */
int policy_record(struct server *server, struct gpu *gpu)
{
	if (!server->options.record || server->record)
		return 0;
	server->record = fopen(server->options.record, "wb");
	if (!server->record)
		return -errno;
	return vgpu_gpu_record(&gpu->core, write_event, server->record);
}

/**
 * policy_record_end() - close the log
 * @server: whose GPUs are still there
 *
 * Return: whether all of it was written.
 */
bool policy_record_end(struct server *server)
{
	FILE *file = server->record;
	struct gpu *gpu;
	bool failed;

	if (!file)
		return true;
	list_for_each_entry(gpu, &server->gpus, node)
		vgpu_gpu_record_end(&gpu->core);
	server->record = NULL;
	failed = ferror(file);
	return !fclose(file) && !failed;
}
