// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "change.h"
#include "print.h"

static const struct print_column pool_columns[] = {
	{ "name", NULL, "NAME" },
	{ "state", "state", "STATE" },
	{ "gpus", "GPUs", "GPUS" },
	{ "vms", "virtual GPUs declared for it", "VMS" },
	{ "policy", "policy", "POLICY", PRINT_SETTING },
	{ "order", "order", "ORDER", PRINT_SETTING },
	{ "weights", "weights", "WEIGHTS", PRINT_SETTING },
	{ "aging_ns", "aging", "AGING", PRINT_SETTING },
	{ "slice_ns", "slice", "SLICE", PRINT_SETTING },
	{ "aging_cap", "aging-cap", NULL, PRINT_SETTING },
	{ "charge", "charge", NULL, PRINT_SETTING },
	{ "window", "window", NULL, PRINT_SETTING },
	{ NULL },
};

enum { ADD_GPU };

static const struct admin_option add_options[] = {
	[ADD_GPU] = { "gpu", "GPU[,GPU]...", "put these into it", ADMIN_GPU },
	{ NULL },
};

/**
 * pool_list() - the pools of kernel and database as objects for printing
 * @change: open
 * @only: name of one, or NULL for all
 *
 * Return: a new array. "state" is "active", "undeclared" where the database has it not, or "missing" where the kernel has
 * it not.
 */
json_t *pool_list(const struct change *change, const char *only)
{
	json_t *pools = json_array(), *pool, *one;
	const char *name;

	json_object_foreach(json_object_get(change->kernel, "pools"), name, pool) {
		if (only && strcmp(only, name))
			continue;
		one = json_pack("{s:s, s:s}", "name", name, "state",
				state_get(change->declared, "pools", name) ? "active" : "undeclared");
		json_object_update_missing(one, pool);
		json_array_append_new(pools, one);
	}
	json_object_foreach(json_object_get(change->declared, "pools"), name, pool)
		if (!state_get(change->kernel, "pools", name) && (!only || !strcmp(only, name))) {
			one = json_pack("{s:s, s:s}", "name", name, "state", "missing");
			json_object_update_missing(one, pool);
			json_array_append_new(pools, one);
		}
	return pools;
}

static enum admin_exit pool_show(const struct admin_args *args)
{
	const char *only = NULL;
	enum admin_exit status;
	struct change change;
	json_t *pools;

	status = change_open(&change, args, DB_READ);
	if (status == ADMIN_OK && args->num_names)
		status = change_find_pool(&change, args->names[0], &only);
	if (status == ADMIN_OK) {
		pools = pool_list(&change, only);
		if (only)
			print_details(pools, pool_columns, args);
		else
			print_table(pools, pool_columns, "no pool", args);
		json_decref(pools);
	}
	return change_close(&change, status);
}

static enum admin_exit give_gpus(struct change *change, const char *list, const char *pool)
{
	char *words = strdup(list), *word, *rest = words;
	enum admin_exit status = ADMIN_OK;
	const char *name;

	while (status == ADMIN_OK && (word = strsep(&rest, ","))) {
		status = change_find_gpu(change, word, &name);
		if (status == ADMIN_OK)
			json_object_set_new(state_add(change->wanted, "gpus", name), "pool", json_string(pool));
	}
	free(words);
	return status;
}

static enum admin_exit pool_add(const struct admin_args *args)
{
	const char *name = args->names[0];
	enum admin_exit status;
	struct change change;
	json_t *settings;

	settings = settings_parse(pool_settings, args);
	if (!settings || change_check_name("pool", name, VGPU_POOL_NAME_MAX) != ADMIN_OK) {
		json_decref(settings);
		return ADMIN_USAGE;
	}
	status = change_open(&change, args, DB_WRITE);
	if (status == ADMIN_OK && state_get(change.declared, "pools", name)) {
		admin_error("pool %s is there already; to change it: vgpu-admin sched set --pool %s", name, name);
		status = ADMIN_EXISTS;
	}
	if (status == ADMIN_OK) {
		json_object_update(state_add(change.wanted, "pools", name), settings);
		if (args->value[ADD_GPU])
			status = give_gpus(&change, args->value[ADD_GPU], name);
	}
	if (status == ADMIN_OK)
		status = change_commit(&change);
	json_decref(settings);
	return change_close(&change, status);
}

/* Says who is in a pool that is to be removed. */
static enum admin_exit refuse_in_use(const struct change *change, const char *pool)
{
	const char *name, *its_pool;
	json_t *object;

	json_object_foreach(json_object_get(change->kernel, "gpus"), name, object) {
		its_pool = json_string_value(json_object_get(object, "pool"));
		if (strcmp(its_pool, pool))
			continue;
		admin_error("pool %s: GPU %s is in it; put it into another first: vgpu-admin gpu set %s --pool " POOL_DEFAULT,
			    pool, name, name);
		return ADMIN_BUSY;
	}
	json_object_foreach(json_object_get(change->declared, "gpus"), name, object) {
		if (strcmp(json_string_value(json_object_get(object, "pool")), pool))
			continue;
		admin_error("pool %s: GPU %s is declared for it; put it into another first: vgpu-admin gpu set %s --pool "
			    POOL_DEFAULT, pool, name, name);
		return ADMIN_BUSY;
	}
	json_object_foreach(json_object_get(change->declared, "vms"), name, object) {
		its_pool = json_string_value(json_object_get(object, "pool"));
		if (!its_pool || strcmp(its_pool, pool))
			continue;
		admin_error("pool %s: vm %s is declared for it; move it first: vgpu-admin vm move %s --pool " POOL_DEFAULT,
			    pool, change_vm_name(change, name), change_vm_name(change, name));
		return ADMIN_BUSY;
	}
	return ADMIN_OK;
}

static enum admin_exit pool_del(const struct admin_args *args)
{
	enum admin_exit status;
	struct change change;
	const char *name;

	status = change_open(&change, args, DB_WRITE);
	if (status == ADMIN_OK)
		status = change_find_pool(&change, args->names[0], &name);
	if (status == ADMIN_OK && !strcmp(name, POOL_DEFAULT)) {
		admin_error("pool " POOL_DEFAULT ": it is there always: GPUs are in it that are in no other");
		status = ADMIN_USAGE;
	}
	if (status == ADMIN_OK)
		status = refuse_in_use(&change, name);
	if (status == ADMIN_OK) {
		/* One that the kernel has and the database has not is removed all the same. */
		if (!state_get(change.declared, "pools", name))
			state_add(change.declared, "pools", name);
		json_object_del(json_object_get(change.wanted, "pools"), name);
		status = change_commit(&change);
	}
	return change_close(&change, status);
}

static const struct admin_verb pool_verbs[] = {
	{ "show", "[POOL]", "the pools, or everything about one", 0, 1, NULL, pool_show, ADMIN_POOL },
	{ "add", "POOL", "make one", 1, 1, add_options, pool_add, ADMIN_ANY, true, pool_settings },
	{ "del", "POOL", "remove one that nothing is in", 1, 1, NULL, pool_del, ADMIN_POOL, true },
	{ NULL },
};

const struct admin_object admin_pool = { "pool", "GPUs under one scheduling policy", pool_verbs };
