// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Limits: of virtual GPUs, and the standards of a pool that those have for which nothing is declared.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "change.h"
#include "print.h"

static const struct print_column limit_columns[] = {
	{ "label", NULL, "VM" },
	{ "pool", "pool", "POOL" },
	{ "tier", "tier", "TIER", PRINT_SETTING },
	{ "weight", "weight", "WEIGHT", PRINT_SETTING },
	{ "memory", "memory", "MEMORY", PRINT_SETTING },
	{ "stats.memory_used", "memory used", "USED", PRINT_SIZE },
	{ "depth", "depth", "DEPTH", PRINT_SETTING },
	{ "sessions", "sessions", "SESSIONS", PRINT_SETTING },
	{ "deadline_ns", "deadline", "DEADLINE", PRINT_SETTING },
	{ "gpu_share", "gpu-share", "GPU-SHARE", PRINT_SETTING },
	{ "gpu_burst_ns", "burst", NULL, PRINT_SETTING },
	{ "cmd_rate", "rate", "RATE", PRINT_SETTING },
	{ "cmd_burst", "rate-burst", NULL, PRINT_SETTING },
	{ "copy_rate", "copy-rate", "COPY-RATE", PRINT_SETTING },
	{ "copy_burst", "copy-burst", NULL, PRINT_SETTING },
	{ "hangs", "hangs", NULL, PRINT_SETTING },
	{ "faults", "faults", NULL, PRINT_SETTING },
	{ "malformed", "malformed", NULL, PRINT_SETTING },
	{ "over_quota", "over-quota", NULL, PRINT_SETTING },
	{ "doorbells", "doorbells", NULL, PRINT_SETTING },
	{ "quarantine_ns", "quarantine", NULL, PRINT_SETTING },
	{ "quarantine_max_ns", "quarantine-max", NULL, PRINT_SETTING },
	{ "set", "of these, set", NULL },
	{ NULL },
};

enum { POOL, ONLY };

static const struct admin_option show_options[] = {
	[POOL] = { "pool", "POOL", "the standards of this pool", ADMIN_POOL },
	{ NULL },
};

static const struct admin_option set_options[] = {
	[POOL] = { "pool", "POOL", "the standards of this pool, instead of a virtual GPU's", ADMIN_POOL },
	{ NULL },
};

static const struct admin_option reset_options[] = {
	[POOL] = { "pool", "POOL", "the standards of this pool, instead of a virtual GPU's", ADMIN_POOL },
	[ONLY] = { "only", "LIMIT[,LIMIT]...", "these alone, by the names of their options" },
	{ NULL },
};

/* The names of the options of what is declared, for people. */
static json_t *names_of(const json_t *declared)
{
	const struct setting *setting;
	char text[512] = "";
	size_t at = 0;

	for (setting = vm_settings; setting->key && at < sizeof(text); setting++)
		if (json_object_get(declared, setting->key))
			at += snprintf(text + at, sizeof(text) - at, "%s%s", at ? " " : "", setting->option);
	return json_string(at ? text : "none");
}

static json_t *limits_of(const struct change *change, const char *uuid, const json_t *vm)
{
	const json_t *declared = state_get(change->declared, "vms", uuid), *value;
	const struct setting *setting;
	json_t *limits;

	limits = json_pack("{s:s, s:s, s:s*}", "uuid", uuid, "label", change_vm_name(change, uuid), "pool",
			   json_string_value(json_object_get(vm ? vm : declared, "pool")));
	for (setting = vm_settings; setting->key; setting++) {
		value = json_object_get(vm ? vm : declared, setting->key);
		if (value)
			json_object_set(limits, setting->key, (json_t *)value);
	}
	if (json_object_get(vm, "stats"))
		json_object_set(limits, "stats", json_object_get(vm, "stats"));
	json_object_set_new(limits, "set", names_of(declared));
	return limits;
}

static void collect(const struct change *change, const char *only, json_t *list)
{
	const char *uuid;
	json_t *vm;

	json_object_foreach(json_object_get(change->kernel, "mdevs"), uuid, vm)
		if (!only || !strcmp(only, uuid))
			json_array_append_new(list, limits_of(change, uuid, vm));
	json_object_foreach(json_object_get(change->declared, "vms"), uuid, vm)
		if ((!only || !strcmp(only, uuid)) && !state_get(change->kernel, "mdevs", uuid))
			json_array_append_new(list, limits_of(change, uuid, NULL));
}

static void collect_pool(const struct change *change, const char *pool, json_t *list)
{
	json_t *limits = json_object_get(state_get(change->kernel, "pools", pool), "limits"), *one;

	one = json_pack("{s:s}", "label", pool);
	if (limits)
		json_object_update(one, limits);
	json_object_set_new(one, "set", names_of(limits));
	json_array_append_new(list, one);
}

static enum admin_exit limit_show(const struct admin_args *args)
{
	const char *uuid = NULL, *pool = NULL;
	json_t *list = json_array();
	enum admin_exit status;
	struct change change;

	status = change_open_vm(&change, args, DB_READ, args->num_names ? args->names[0] : NULL);
	if (status == ADMIN_OK && args->num_names)
		status = change_find_vm(&change, args->names[0], &uuid);
	if (status == ADMIN_OK && args->value[POOL])
		status = change_find_pool(&change, args->value[POOL], &pool);
	if (status == ADMIN_OK) {
		if (pool)
			collect_pool(&change, pool, list);
		else
			collect(&change, uuid, list);
		if (pool || uuid)
			print_details(list, limit_columns, args);
		else
			print_table(list, limit_columns, "no virtual GPU", args);
	}
	json_decref(list);
	return change_close(&change, status);
}

/* The object of @change->wanted whose limits are meant; NULL where it cannot be told, said on stderr. */
static json_t *target(struct change *change, const struct admin_args *args, enum admin_exit *status)
{
	const char *name;
	json_t *pool, *limits;

	if (args->value[POOL]) {
		*status = change_find_pool(change, args->value[POOL], &name);
		if (*status != ADMIN_OK)
			return NULL;
		pool = state_add(change->wanted, "pools", name);
		limits = json_object_get(pool, "limits");
		if (!limits) {
			limits = json_object();
			json_object_set_new(pool, "limits", limits);
		}
		return limits;
	}
	*status = change_find_vm(change, args->names[0], &name);
	return *status == ADMIN_OK ? state_add(change->wanted, "vms", name) : NULL;
}

/* A pool without limits is as it was before it had any. */
static void drop_empty(json_t *state)
{
	const char *name;
	json_t *pool;

	json_object_foreach(json_object_get(state, "pools"), name, pool)
		if (json_object_get(pool, "limits") && !json_object_size(json_object_get(pool, "limits")))
			json_object_del(pool, "limits");
}

static bool one_target(const struct admin_args *args, const char *verb)
{
	if (!args->num_names == !!args->value[POOL])
		return true;
	admin_error("limit %s: whose? give either VM or --pool", verb);
	return false;
}

static enum admin_exit limit_set(const struct admin_args *args)
{
	enum admin_exit status = ADMIN_OK;
	struct change change;
	json_t *values, *limits;

	values = one_target(args, "set") ? settings_parse(vm_settings, args) : NULL;
	if (!values)
		return ADMIN_USAGE;
	if (!json_object_size(values)) {
		admin_error("limit set: nothing to set; see: vgpu-admin limit --help");
		status = ADMIN_USAGE;
	} else if (args->value[POOL] && json_object_get(values, "memory")) {
		admin_error("limit set: a pool has no standard of memory: it is as a virtual GPU's type has it");
		status = ADMIN_USAGE;
	}
	if (status != ADMIN_OK) {
		json_decref(values);
		return status;
	}
	status = change_open_vm(&change, args, DB_WRITE, args->num_names ? args->names[0] : NULL);
	limits = status == ADMIN_OK ? target(&change, args, &status) : NULL;
	if (limits) {
		json_object_update(limits, values);
		status = change_commit(&change);
	}
	json_decref(values);
	return change_close(&change, status);
}

static enum admin_exit reset_only(json_t *limits, const char *list)
{
	char *words = strdup(list), *word, *rest = words;
	enum admin_exit status = ADMIN_OK;
	const struct setting *setting;

	while ((word = strsep(&rest, ","))) {
		setting = setting_find_option(vm_settings, word);
		if (!setting) {
			admin_error("--only %s: there is no limit '%s'; see: vgpu-admin limit --help", list, word);
			status = ADMIN_USAGE;
			break;
		}
		json_object_del(limits, setting->key);
	}
	free(words);
	return status;
}

static enum admin_exit limit_reset(const struct admin_args *args)
{
	const struct setting *setting;
	enum admin_exit status;
	struct change change;
	json_t *limits;

	if (!one_target(args, "reset"))
		return ADMIN_USAGE;
	status = change_open_vm(&change, args, DB_WRITE, args->num_names ? args->names[0] : NULL);
	limits = status == ADMIN_OK ? target(&change, args, &status) : NULL;
	if (limits && args->value[ONLY])
		status = reset_only(limits, args->value[ONLY]);
	for (setting = vm_settings; limits && !args->value[ONLY] && setting->key; setting++)
		json_object_del(limits, setting->key);
	if (status == ADMIN_OK) {
		drop_empty(change.wanted);
		status = change_commit(&change);
	}
	return change_close(&change, status);
}

static const struct admin_verb limit_verbs[] = {
	{ "show", "[VM]", "limits in force, or everything about one's", 0, 1, show_options, limit_show, ADMIN_VM },
	{ "set", "[VM]", "change limits, live", 0, 1, set_options, limit_set, ADMIN_VM, true, vm_settings },
	{ "reset", "[VM]", "set limits no more: they are as pool and type have them", 0, 1, reset_options, limit_reset,
	  ADMIN_VM, true },
	{ NULL },
};

const struct admin_object admin_limit = { "limit", "limits of virtual GPUs, and standards of pools", limit_verbs };
