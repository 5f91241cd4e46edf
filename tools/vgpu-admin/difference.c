// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Differences of states for people.
 */

#include <stdio.h>
#include <string.h>
#include "change.h"

static void format_value(const char *object, const char *key, const json_t *value, char text[UNITS_MAX])
{
	const struct setting *setting = NULL;

	if (!value || json_is_null(value)) {
		snprintf(text, UNITS_MAX, "not set");
		return;
	}
	if (!strcmp(object, "pool"))
		setting = setting_find(pool_settings, key);
	else if (!strcmp(object, "vm"))
		setting = setting_find(vm_settings, key);
	if (setting)
		setting_format(setting, value, text);
	else
		snprintf(text, UNITS_MAX, "%.47s", json_string_value(value));
}

static const char *label_of(const char *object, const char *key)
{
	const struct setting *setting = NULL;

	if (!strcmp(object, "pool"))
		setting = setting_find(pool_settings, key);
	else if (!strcmp(object, "vm"))
		setting = setting_find(vm_settings, key);
	return setting ? setting->option : key;
}

/**
 * change_print_differences() - differences as text, one object and its changes after the other
 * @change: for names
 * @differences: of plan_diff() or plan_drift()
 */
void change_print_differences(const struct change *change, const json_t *differences)
{
	const char *object, *name, *called, *what, *key;
	char before[UNITS_MAX], after[UNITS_MAX];
	json_t *difference, *pair;
	size_t i;

	json_array_foreach(differences, i, difference) {
		object = json_string_value(json_object_get(difference, "object"));
		name = json_string_value(json_object_get(difference, "name"));
		what = json_string_value(json_object_get(difference, "what"));
		called = change_vm_name(change, name);
		if (strcmp(called, name))
			printf("%s %s (%s): %s\n", object, called, name, what);
		else
			printf("%s %s: %s\n", object, name, what);
		json_object_foreach(json_object_get(difference, "changes"), key, pair) {
			format_value(object, key, json_array_get(pair, 0), before);
			format_value(object, key, json_array_get(pair, 1), after);
			printf("  %-18s %s -> %s\n", label_of(object, key), before, after);
		}
	}
}
