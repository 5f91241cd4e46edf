// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <stdio.h>
#include <string.h>
#include "change.h"
#include "mdev.h"
#include "print.h"

static const struct print_column gpu_columns[] = {
	{ "name", NULL, "NAME" },
	{ "pool", "pool", "POOL" },
	{ "pci", "PCI address", "PCI" },
	{ "model", "model", "MODEL" },
	{ "state", "state", "STATE" },
	{ "memory", "memory", "MEMORY", PRINT_SIZE },
	{ "memory_given", "memory given", "GIVEN", PRINT_SIZE },
	{ "granule", "granule", NULL, PRINT_SIZE },
	{ "session_overhead", "overhead of a session", NULL, PRINT_SIZE },
	{ "compute_capability", "compute capability", NULL },
	{ "cuda_version", "CUDA version", NULL },
	{ "vms", "virtual GPUs", "VMS" },
	{ "runs", "runs", "RUNS" },
	{ "switches", "context switches", "SWITCHES" },
	{ "promotions", "runs brought forward", NULL },
	{ "engines.compute.busy_ns", "compute busy", NULL, PRINT_DURATION },
	{ "engines.copy_in.busy_ns", "copy in busy", NULL, PRINT_DURATION },
	{ "engines.copy_out.busy_ns", "copy out busy", NULL, PRINT_DURATION },
	{ "engines.control.busy_ns", "control busy", NULL, PRINT_DURATION },
	{ NULL },
};

static const struct print_column type_columns[] = {
	{ "gpu", NULL, "GPU" },
	{ "type", "type", "TYPE" },
	{ "available", "available", "AVAILABLE" },
	{ NULL },
};

enum { SHOW_POOL };

static const struct admin_option show_options[] = {
	[SHOW_POOL] = { "pool", "POOL", "only those in this pool", ADMIN_POOL },
	{ NULL },
};

enum { SET_POOL };

static const struct admin_option set_options[] = {
	[SET_POOL] = { "pool", "POOL", "the pool to be in", ADMIN_POOL },
	{ NULL },
};

static json_int_t take(json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	json_object_del(object, key);
	return value;
}

/* Writes versions as CUDA's documentation does: "8.0" for compute capability 8 and 0, "12.4" for CUDA 12040. */
static void join_versions(json_t *gpu)
{
	char capability[48], cuda[48];
	json_int_t major, minor;

	if (!json_object_get(gpu, "compute_major"))
		return;
	major = take(gpu, "compute_major");
	minor = take(gpu, "compute_minor");
	snprintf(capability, sizeof(capability), "%lld.%lld", major, minor);
	major = take(gpu, "cuda_version");
	snprintf(cuda, sizeof(cuda), "%lld.%lld", major / 1000, major % 1000 / 10);
	json_object_set_new(gpu, "compute_capability", json_string(capability));
	json_object_set_new(gpu, "cuda_version", json_string(cuda));
}

static enum admin_exit gpu_show(const struct admin_args *args)
{
	const char *only = NULL, *pool = NULL, *name;
	json_t *gpus = json_array(), *gpu;
	enum admin_exit status;
	struct change change;

	status = change_open(&change, args, DB_READ);
	if (status == ADMIN_OK && args->num_names)
		status = change_find_gpu(&change, args->names[0], &only);
	if (status == ADMIN_OK && args->value[SHOW_POOL])
		status = change_find_pool(&change, args->value[SHOW_POOL], &pool);
	if (status == ADMIN_OK) {
		json_object_foreach(json_object_get(change.kernel, "gpus"), name, gpu) {
			if ((only && strcmp(only, name)) ||
			    (pool && strcmp(json_string_value(json_object_get(gpu, "pool")), pool)))
				continue;
			join_versions(gpu);
			json_array_append(gpus, gpu);
		}
		if (only)
			print_details(gpus, gpu_columns, args);
		else
			print_table(gpus, gpu_columns, "no GPU: no executor has attached one", args);
	}
	json_decref(gpus);
	return change_close(&change, status);
}

static enum admin_exit gpu_types(const struct admin_args *args)
{
	json_t *list = json_array(), *gpu, *types, *count;
	const char *only = NULL, *name, *type;
	enum admin_exit status;
	struct change change;

	status = change_open(&change, args, DB_READ);
	if (status == ADMIN_OK && args->num_names)
		status = change_find_gpu(&change, args->names[0], &only);
	if (status == ADMIN_OK) {
		json_object_foreach(json_object_get(change.kernel, "gpus"), name, gpu) {
			if (only && strcmp(only, name))
				continue;
			types = json_object();
			mdev_types(gpu, types);
			json_object_foreach(types, type, count)
				json_array_append_new(list, json_pack("{s:s, s:s, s:O}", "gpu", name, "type", type,
								      "available", count));
			json_decref(types);
		}
		print_table(list, type_columns, "no type: no executor is attached", args);
	}
	json_decref(list);
	return change_close(&change, status);
}

static enum admin_exit gpu_set(const struct admin_args *args)
{
	const char *name, *pool;
	enum admin_exit status;
	struct change change;

	if (!args->value[SET_POOL]) {
		admin_error("gpu set: nothing to set: give --pool");
		return ADMIN_USAGE;
	}
	status = change_open(&change, args, DB_WRITE);
	if (status == ADMIN_OK)
		status = change_find_gpu(&change, args->names[0], &name);
	if (status == ADMIN_OK)
		status = change_find_pool(&change, args->value[SET_POOL], &pool);
	if (status == ADMIN_OK) {
		json_object_set_new(state_add(change.wanted, "gpus", name), "pool", json_string(pool));
		status = change_commit(&change);
	}
	return change_close(&change, status);
}

static const struct admin_verb gpu_verbs[] = {
	{ "show", "[GPU]", "the GPUs, or everything about one", 0, 1, show_options, gpu_show, ADMIN_GPU },
	{ "types", "[GPU]", "the types of virtual GPUs that they offer", 0, 1, NULL, gpu_types, ADMIN_GPU },
	{ "set", "GPU", "put one into a pool", 1, 1, set_options, gpu_set, ADMIN_GPU, true },
	{ NULL },
};

const struct admin_object admin_gpu = {
	"gpu", "physical GPUs, by the name that the executor gave them or their PCI address", gpu_verbs,
};
