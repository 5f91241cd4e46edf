// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "netlink.h"
#include "settings.h"

#define QUARANTINE_MIN	1000000	/* 1 ms, as kmod/core/limits.h has it */

static const char * const policy_words[] = { "weighted", "strict", NULL };
static const char * const order_words[] = { "fifo", "fair", NULL };
static const char * const charge_words[] = { "auto", "oldest", "equal", NULL };

const struct setting pool_settings[] = {
	{ "policy", "policy", "POLICY", "how tiers share an engine", UNIT_WORD, 0, 1, policy_words, NULL,
	  VGPU_A_POOL_POLICY, false, "weighted" },
	{ "order", "order", "ORDER", "who is next inside a tier", UNIT_WORD, 0, 1, order_words, NULL,
	  VGPU_A_POOL_ORDER, false, "fifo" },
	{ "weights", "weights", "H:M:L", "of the tiers high, medium and low", UNIT_WEIGHTS, 1, VGPU_SCHED_WEIGHT_MAX,
	  NULL, NULL, VGPU_A_POOL_WEIGHT_HIGH, false, "16:4:1" },
	{ "aging_ns", "aging", "TIME", "wait after which a command rises a tier", UNIT_DURATION, VGPU_SCHED_AGING_MIN,
	  VGPU_SCHED_AGING_MAX, NULL, NULL, VGPU_A_POOL_AGING_NS, true, "100ms" },
	{ "slice_ns", "slice", "TIME", "predicted time of a run", UNIT_DURATION, VGPU_SCHED_SLICE_MIN,
	  VGPU_SCHED_SLICE_MAX, NULL, NULL, VGPU_A_POOL_SLICE_NS, true, "500us" },
	{ "aging_cap", "aging-cap", "SHARE", "of an engine that strict leaves to each lower tier", UNIT_PERMILLE, 0,
	  VGPU_SCHED_AGING_CAP_MAX, NULL, NULL, VGPU_A_POOL_AGING_CAP, false, "5%" },
	{ "charge", "charge", "WHOM", "whose the time is while several runs are on an engine", UNIT_WORD, 0, 2,
	  charge_words, NULL, VGPU_A_POOL_CHARGE, false, "auto" },
	{ "window", "window", "N", "runs on an engine at once", UNIT_COUNT, 1, VGPU_SCHED_WINDOW_MAX, NULL, NULL,
	  VGPU_A_POOL_WINDOW, false, "2" },
	{ NULL },
};

#define STRIKES(kind, key, option, what) \
	{ key, option, "N/TIME", what " that are forgiven within a time", UNIT_STRIKES, VGPU_LIMIT_WINDOW_MIN, \
	  VGPU_LIMIT_WINDOW_MAX, NULL, "never", kind }

/* Memory is first: limit_settings are the others. */
const struct setting vm_settings[] = {
	{ "memory", "memory", "SIZE", "quota of device memory", UNIT_SIZE, 1 << 20, VGPU_LIMIT_MEMORY_MAX, NULL, NULL,
	  VGPU_A_VM_MEMORY, true },
	{ "tier", "tier", "TIER", "scheduling tier", UNIT_WORD, 0, 2, nl_tier_names, NULL, VGPU_A_VM_TIER },
	{ "weight", "weight", "N", "beside others of its tier, which have 100; under the order fair", UNIT_COUNT,
	  VGPU_LIMIT_WEIGHT_MIN, VGPU_LIMIT_WEIGHT_MAX, NULL, NULL, VGPU_A_VM_WEIGHT },
	{ "depth", "depth", "N", "commands that may be outstanding", UNIT_COUNT, 1, VGPU_LIMIT_DEPTH_MAX, NULL, NULL,
	  VGPU_A_VM_DEPTH },
	{ "sessions", "sessions", "N", "guest processes at once", UNIT_COUNT, 1, VGPU_LIMIT_SESSIONS_MAX, NULL, NULL,
	  VGPU_A_VM_SESSIONS },
	{ "deadline_ns", "deadline", "TIME", "longest time of a run", UNIT_DURATION, 1, VGPU_LIMIT_DEADLINE_MAX, NULL,
	  NULL, VGPU_A_VM_DEADLINE_NS, true },
	{ "gpu_share", "gpu-share", "SHARE", "of the compute engine's time", UNIT_SHARE, VGPU_LIMIT_GPU_SHARE_MIN,
	  VGPU_LIMIT_GPU_SHARE_MAX, NULL, "unlimited", VGPU_A_VM_GPU_SHARE },
	{ "gpu_burst_ns", "burst", "TIME", "compute time that can be saved up", UNIT_DURATION, VGPU_LIMIT_GPU_BURST_MIN,
	  VGPU_LIMIT_GPU_BURST_MAX, NULL, NULL, VGPU_A_VM_GPU_BURST_NS, true },
	{ "cmd_rate", "rate", "RATE", "commands a second", UNIT_RATE, 1, VGPU_LIMIT_CMD_RATE_MAX, NULL, "unlimited",
	  VGPU_A_VM_CMD_RATE },
	{ "cmd_burst", "rate-burst", "N", "commands that can be saved up", UNIT_COUNT, 1, VGPU_LIMIT_CMD_BURST_MAX, NULL,
	  NULL, VGPU_A_VM_CMD_BURST },
	{ "copy_rate", "copy-rate", "RATE", "bytes copied a second", UNIT_BYTE_RATE, VGPU_LIMIT_COPY_RATE_MIN,
	  VGPU_LIMIT_COPY_RATE_MAX, NULL, "unlimited", VGPU_A_VM_COPY_RATE, true },
	{ "copy_burst", "copy-burst", "SIZE", "bytes that can be saved up", UNIT_SIZE, VGPU_LIMIT_COPY_BURST_MIN,
	  VGPU_LIMIT_COPY_BURST_MAX, NULL, NULL, VGPU_A_VM_COPY_BURST, true },
	STRIKES(VGPU_VM_STRIKE_HANG, "hangs", "hangs", "hangs"),
	STRIKES(VGPU_VM_STRIKE_FAULT, "faults", "faults", "faults"),
	STRIKES(VGPU_VM_STRIKE_MALFORMED, "malformed", "malformed", "malformed commands"),
	STRIKES(VGPU_VM_STRIKE_QUOTA, "over_quota", "over-quota", "mappings over the quota"),
	STRIKES(VGPU_VM_STRIKE_DOORBELL, "doorbells", "doorbells", "empty doorbells"),
	{ "quarantine_ns", "quarantine", "TIME", "of the first quarantine; each one doubles it", UNIT_DURATION,
	  QUARANTINE_MIN, VGPU_LIMIT_QUARANTINE_MAX, NULL, "by-hand", VGPU_A_VM_QUARANTINE_NS, true },
	{ "quarantine_max_ns", "quarantine-max", "TIME", "longest quarantine", UNIT_DURATION, QUARANTINE_MIN,
	  VGPU_LIMIT_QUARANTINE_MAX, NULL, NULL, VGPU_A_VM_QUARANTINE_MAX_NS, true },
	{ NULL },
};

/**
 * setting_find() - a setting by its key
 * @table: where
 * @key: in JSON
 *
 * Return: the setting or NULL.
 */
const struct setting *setting_find(const struct setting *table, const char *key)
{
	for (; table->key; table++)
		if (!strcmp(table->key, key))
			return table;
	return NULL;
}

/**
 * setting_find_option() - a setting by the name of its option
 * @table: where
 * @option: without the dashes
 *
 * Return: the setting or NULL.
 */
const struct setting *setting_find_option(const struct setting *table, const char *option)
{
	for (; table->key; table++)
		if (!strcmp(table->option, option))
			return table;
	return NULL;
}

/* "a, b or c" */
static void list_words(const char * const *words, char *text, size_t len)
{
	size_t at = 0;
	int i;

	for (i = 0; words[i] && at < len; i++)
		at += snprintf(text + at, len - at, "%s%s", i ? words[i + 1] ? ", " : " or " : "", words[i]);
}

/**
 * setting_range() - what a setting may be, for messages and help
 * @setting: any
 * @text: such as "a whole number from 1 to 4096"
 * @len: of @text, 160 suffice
 */
void setting_range(const struct setting *setting, char *text, size_t len)
{
	static const struct {
		const char *noun;
		const char *example;
	} kinds[] = {
		[UNIT_COUNT] = { "a whole number", NULL },
		[UNIT_SIZE] = { "a size", "2G or 512M" },
		[UNIT_DURATION] = { "a time", "500ms or 30s" },
		[UNIT_SHARE] = { "a share", "25%" },
		[UNIT_PERMILLE] = { "a share", "5%" },
		[UNIT_RATE] = { "a rate", "2000/s" },
		[UNIT_BYTE_RATE] = { "a rate", "1G/s" },
		[UNIT_WEIGHTS] = { "three weights, each", "16:4:1" },
	};
	char min[UNITS_MAX], max[UNITS_MAX];
	int at;

	if (setting->unit == UNIT_WORD) {
		list_words(setting->words, text, len);
		return;
	}
	if (setting->unit == UNIT_STRIKES) {
		units_format(UNIT_DURATION, setting->min, min);
		units_format(UNIT_DURATION, setting->max, max);
		snprintf(text, len, "a number from 1 to %u in a time from %s to %s, such as 3/10min, or %s",
			 VGPU_LIMIT_STRIKES_MAX, min, max, setting->none);
		return;
	}
	if (setting->unit == UNIT_WEIGHTS) {
		snprintf(min, sizeof(min), "%u", (unsigned int)setting->min);
		snprintf(max, sizeof(max), "%u", (unsigned int)setting->max);
	} else {
		units_format(setting->unit, setting->min, min);
		units_format(setting->unit, setting->max, max);
	}
	at = snprintf(text, len, "%s from %s to %s", kinds[setting->unit].noun, min, max);
	if (kinds[setting->unit].example && at < (int)len)
		at += snprintf(text + at, len - at, ", such as %s", kinds[setting->unit].example);
	if (setting->none && at < (int)len)
		snprintf(text + at, len - at, ", or %s", setting->none);
}

static bool in_range(const struct setting *setting, uint64_t value)
{
	int shift;

	if (setting->unit != UNIT_WEIGHTS)
		return value >= setting->min && value <= setting->max;
	for (shift = 0; shift <= 32; shift += 16)
		if ((value >> shift & UINT16_MAX) < setting->min || (value >> shift & UINT16_MAX) > setting->max)
			return false;
	return true;
}

/**
 * setting_strikes() - how many in which time
 * @setting: of UNIT_STRIKES
 * @text: such as "3/10min"
 * @threshold: how many; 0 for what never counts
 * @window_ns: in which time
 *
 * Return: whether that is what @text says, in range.
 */
bool setting_strikes(const struct setting *setting, const char *text, uint64_t *threshold, uint64_t *window_ns)
{
	const char *slash = strchr(text, '/');
	char count[UNITS_MAX];

	if (!strcmp(text, setting->none)) {
		*threshold = 0;
		*window_ns = setting->min;
		return true;
	}
	if (!slash || slash - text >= (long)sizeof(count))
		return false;
	snprintf(count, sizeof(count), "%.*s", (int)(slash - text), text);
	return !units_parse_count(count, threshold) && *threshold && *threshold <= VGPU_LIMIT_STRIKES_MAX &&
	       !units_parse_duration(slash + 1, window_ns) && *window_ns >= setting->min && *window_ns <= setting->max;
}

/**
 * setting_strikes_text() - the reverse of setting_strikes()
 * @setting: of UNIT_STRIKES
 * @threshold: how many
 * @window_ns: in which time
 *
 * Return: a new string.
 */
json_t *setting_strikes_text(const struct setting *setting, uint64_t threshold, uint64_t window_ns)
{
	char text[2 * UNITS_MAX], window[UNITS_MAX];

	if (!threshold)
		return json_string(setting->none);
	units_format(UNIT_DURATION, window_ns, window);
	snprintf(text, sizeof(text), "%" PRIu64 "/%s", threshold, window);
	return json_string(text);
}

/**
 * setting_parse() - a value as people write it
 * @setting: of what
 * @text: value
 * @why: set to what it has to be where it is refused
 * @len: of @why, 192 suffice
 *
 * Return: a new JSON value: a number in the unit's smallest, or text in one form for words, weights and strikes; NULL
 * where it is refused.
 */
json_t *setting_parse(const struct setting *setting, const char *text, char *why, size_t len)
{
	uint64_t value, window_ns;
	char range[160];
	int i;

	if (setting->unit == UNIT_STRIKES) {
		if (setting_strikes(setting, text, &value, &window_ns))
			return setting_strikes_text(setting, value, window_ns);
	} else if (setting->unit == UNIT_WORD) {
		for (i = 0; setting->words[i]; i++)
			if (!strcmp(setting->words[i], text))
				return json_string(text);
	} else if (setting->none && (!strcmp(setting->none, text) || !strcmp(text, "0"))) {
		return json_integer(0);
	} else if (!units_parse(setting->unit, text, &value) && in_range(setting, value)) {
		if (setting->unit != UNIT_WEIGHTS)
			return json_integer((json_int_t)value);
		units_format(UNIT_WEIGHTS, value, range);
		return json_string(range);
	}
	setting_range(setting, range, sizeof(range));
	snprintf(why, len, "must be %s", range);
	return NULL;
}

/**
 * settings_parse() - the settings that a command line has
 * @table: of the verb
 * @args: its words
 *
 * What is wrong is said on stderr. Return: a new object by their keys, or NULL.
 */
json_t *settings_parse(const struct setting *table, const struct admin_args *args)
{
	json_t *object = json_object(), *value;
	const struct setting *setting;
	char why[192];

	for (setting = table; setting->key; setting++) {
		const char *text = args->setting[setting - table];

		if (!text)
			continue;
		value = setting_parse(setting, text, why, sizeof(why));
		if (!value) {
			admin_error("--%s %s: %s", setting->option, text, why);
			json_decref(object);
			return NULL;
		}
		json_object_set_new(object, setting->key, value);
	}
	return object;
}

/**
 * setting_format() - a value as people write it, exactly
 * @setting: of what
 * @value: as setting_parse() makes it
 * @text: filled in
 */
void setting_format(const struct setting *setting, const json_t *value, char text[UNITS_MAX])
{
	uint64_t number = json_integer_value(value);

	if (json_is_string(value))
		snprintf(text, UNITS_MAX, "%s", json_string_value(value));
	else if (setting->none && !number)
		snprintf(text, UNITS_MAX, "%s", setting->none);
	else
		units_format(setting->unit, number, text);
}

static void put_strikes(struct nl_msg *msg, const struct setting *setting, const json_t *value)
{
	uint64_t threshold, window_ns;
	struct nlattr *nest;

	if (!setting_strikes(setting, json_string_value(value), &threshold, &window_ns))
		return;
	nest = nla_nest_start(msg, VGPU_A_VM_STRIKE);
	nla_put_u32(msg, VGPU_A_STRIKE_LIMIT_KIND, setting->attribute);
	nla_put_u32(msg, VGPU_A_STRIKE_LIMIT_THRESHOLD, threshold);
	nla_put_u64(msg, VGPU_A_STRIKE_LIMIT_WINDOW_NS, window_ns);
	nla_nest_end(msg, nest);
}

static void put_weights(struct nl_msg *msg, const struct setting *setting, const json_t *value)
{
	uint64_t weights;
	int i;

	if (units_parse(UNIT_WEIGHTS, json_string_value(value), &weights))
		return;
	for (i = 0; i < 3; i++)
		nla_put_u32(msg, setting->attribute + i, weights >> (32 - 16 * i) & UINT16_MAX);
}

/**
 * settings_put() - settings as attributes of a request
 * @msg: request
 * @table: their settings
 * @values: object by their keys; what is not in it is not put
 */
void settings_put(struct nl_msg *msg, const struct setting *table, const json_t *values)
{
	const struct setting *setting;
	const json_t *value;
	uint32_t word;

	for (setting = table; setting->key; setting++) {
		value = json_object_get(values, setting->key);
		if (!value)
			continue;
		if (setting->unit == UNIT_STRIKES) {
			put_strikes(msg, setting, value);
		} else if (setting->unit == UNIT_WEIGHTS) {
			put_weights(msg, setting, value);
		} else if (setting->unit == UNIT_WORD) {
			for (word = 0; strcmp(setting->words[word], json_string_value(value)); word++)
				;
			nla_put_u32(msg, setting->attribute, word);
		} else if (setting->wide) {
			nla_put_u64(msg, setting->attribute, json_integer_value(value));
		} else {
			nla_put_u32(msg, setting->attribute, json_integer_value(value));
		}
	}
}

static json_t *take_strikes(const struct setting *setting, struct nlattr *attrs, int len)
{
	struct nlattr *attr, *in[VGPU_A_STRIKE_LIMIT_MAX + 1];
	int left;

	nla_for_each_attr(attr, attrs, len, left) {
		if (nla_type(attr) != VGPU_A_VM_STRIKE || nla_parse_nested(in, VGPU_A_STRIKE_LIMIT_MAX, attr, NULL) < 0 ||
		    !in[VGPU_A_STRIKE_LIMIT_KIND] || !in[VGPU_A_STRIKE_LIMIT_THRESHOLD] ||
		    !in[VGPU_A_STRIKE_LIMIT_WINDOW_NS] ||
		    (int)nla_get_u32(in[VGPU_A_STRIKE_LIMIT_KIND]) != setting->attribute)
			continue;
		return setting_strikes_text(setting, nla_get_u32(in[VGPU_A_STRIKE_LIMIT_THRESHOLD]),
					    nla_get_u64(in[VGPU_A_STRIKE_LIMIT_WINDOW_NS]));
	}
	return NULL;
}

static json_t *take_weights(const struct setting *setting, struct nlattr *attrs, int len)
{
	char text[UNITS_MAX];
	uint64_t value = 0;
	struct nlattr *attr;
	int i;

	for (i = 0; i < 3; i++) {
		attr = nla_find(attrs, len, setting->attribute + i);
		if (!attr || nla_len(attr) < 4)
			return NULL;
		value = value << 16 | (nla_get_u32(attr) & UINT16_MAX);
	}
	units_format(UNIT_WEIGHTS, value, text);
	return json_string(text);
}

static json_t *take_one(const struct setting *setting, struct nlattr *attrs, int len)
{
	struct nlattr *attr = nla_find(attrs, len, setting->attribute);
	uint32_t word, at;

	if (!attr || nla_len(attr) < (setting->wide ? 8 : 4))
		return NULL;
	if (setting->unit != UNIT_WORD)
		return json_integer(setting->wide ? (json_int_t)nla_get_u64(attr) : nla_get_u32(attr));
	word = nla_get_u32(attr);
	for (at = 0; setting->words[at]; at++)
		if (at == word)
			return json_string(setting->words[at]);
	return json_string("unknown");
}

/**
 * settings_take() - the reverse of settings_put()
 * @object: to which they are added by their keys
 * @table: settings to look for
 * @attrs: the first attribute
 * @len: bytes of all
 */
void settings_take(json_t *object, const struct setting *table, struct nlattr *attrs, int len)
{
	const struct setting *setting;
	json_t *value;

	for (setting = table; setting->key; setting++) {
		if (setting->unit == UNIT_STRIKES)
			value = take_strikes(setting, attrs, len);
		else if (setting->unit == UNIT_WEIGHTS)
			value = take_weights(setting, attrs, len);
		else
			value = take_one(setting, attrs, len);
		if (value)
			json_object_set_new(object, setting->key, value);
	}
}
