// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "netlink.h"
#include "settings.h"

const struct setting vm_settings[] = {
	{ "tier", "tier", "TIER", "scheduling tier", UNIT_WORD, 0, 2, nl_tier_names, NULL, VGPU_A_VM_TIER },
	{ "depth", "depth", "N", "commands that may be outstanding", UNIT_COUNT, 1, VGPU_LIMIT_DEPTH_MAX, NULL, NULL,
	  VGPU_A_VM_DEPTH },
	{ "sessions", "sessions", "N", "guest processes at once", UNIT_COUNT, 1, VGPU_LIMIT_SESSIONS_MAX, NULL, NULL,
	  VGPU_A_VM_SESSIONS },
	{ "deadline_ns", "deadline", "TIME", "longest time of a run", UNIT_DURATION, 1, VGPU_LIMIT_DEADLINE_MAX, NULL,
	  NULL, VGPU_A_VM_DEADLINE_NS, true },
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
 * @len: of @text, 128 suffice
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
		[UNIT_WEIGHTS] = { "three weights", "16:4:1" },
	};
	char min[UNITS_MAX], max[UNITS_MAX];
	int at;

	if (setting->unit == UNIT_WORD) {
		list_words(setting->words, text, len);
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
 * setting_parse() - a value as people write it
 * @setting: of what
 * @text: value
 * @why: set to what it has to be where it is refused
 * @len: of @why, 160 suffice
 *
 * Return: a new JSON value: a word or a number in the unit's smallest; NULL where it is refused.
 */
json_t *setting_parse(const struct setting *setting, const char *text, char *why, size_t len)
{
	char range[128];
	uint64_t value;
	int i;

	if (setting->unit == UNIT_WORD) {
		for (i = 0; setting->words[i]; i++)
			if (!strcmp(setting->words[i], text))
				return json_string(text);
	} else if (setting->none && !strcmp(setting->none, text)) {
		return json_integer(0);
	} else if (!units_parse(setting->unit, text, &value) && in_range(setting, value)) {
		return json_integer((json_int_t)value);
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
	char why[160];

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
