// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */

#include <stdio.h>
#include <string.h>
#include "netlink.h"
#include "print.h"

static const char * const state_names[] = { "detached", "attached", NULL };

static const struct nl_field gpu_fields[] = {
	{ VGPU_A_GPU_NAME, NL_STRING, "name" },
	{ VGPU_A_GPU_PCI, NL_STRING, "pci" },
	{ VGPU_A_GPU_MODEL, NL_STRING, "model" },
	{ VGPU_A_GPU_STATE, NL_NAMES, "state", state_names },
	{ VGPU_A_GPU_MEMORY, NL_U64, "memory" },
	{ VGPU_A_GPU_MEMORY_GIVEN, NL_U64, "memory_given" },
	{ VGPU_A_GPU_GRANULE, NL_U64, "granule" },
	{ VGPU_A_GPU_SESSION_OVERHEAD, NL_U64, "session_overhead" },
	{ VGPU_A_GPU_COMPUTE_MAJOR, NL_U32, "compute_major" },
	{ VGPU_A_GPU_COMPUTE_MINOR, NL_U32, "compute_minor" },
	{ VGPU_A_GPU_CUDA_VERSION, NL_U32, "cuda_version" },
	{ VGPU_A_GPU_VMS, NL_U32, "vms" },
	{ VGPU_A_GPU_RUNS, NL_U64, "runs" },
	{ VGPU_A_GPU_SWITCHES, NL_U64, "switches" },
	{ VGPU_A_GPU_ENGINE, NL_ENGINES, "engines" },
	{ 0 },
};

static const struct print_column gpu_columns[] = {
	{ "name", NULL, "NAME" },
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
	{ "engines.compute.busy_ns", "compute busy", NULL, PRINT_DURATION },
	{ "engines.copy_in.busy_ns", "copy in busy", NULL, PRINT_DURATION },
	{ "engines.copy_out.busy_ns", "copy out busy", NULL, PRINT_DURATION },
	{ "engines.control.busy_ns", "control busy", NULL, PRINT_DURATION },
	{ NULL },
};

static json_int_t take(json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	json_object_del(object, key);
	return value;
}

/* Writes versions as CUDA's documentation does: "8.0" for compute capability 8 and 0, "12.4" for CUDA 12040. */
static void join_versions(json_t *gpus)
{
	char capability[48], cuda[48];
	json_int_t major, minor;
	json_t *gpu;
	size_t i;

	json_array_foreach(gpus, i, gpu) {
		major = take(gpu, "compute_major");
		minor = take(gpu, "compute_minor");
		snprintf(capability, sizeof(capability), "%lld.%lld", major, minor);
		major = take(gpu, "cuda_version");
		snprintf(cuda, sizeof(cuda), "%lld.%lld", major / 1000, major % 1000 / 10);
		json_object_set_new(gpu, "compute_capability", json_string(capability));
		json_object_set_new(gpu, "cuda_version", json_string(cuda));
	}
}

static enum admin_exit gpu_show(const struct admin_args *args)
{
	const char *name = args->num_names ? args->names[0] : NULL;
	enum admin_exit status;
	struct nl_link *link;
	struct nl_msg *msg;
	char about[64];
	json_t *gpus;

	status = nl_link_open(&link);
	if (status != ADMIN_OK)
		return status;
	if (name && strlen(name) > VGPU_GPU_NAME_MAX) {
		admin_error("gpu %s: no GPU has this name: names have at most %d characters", name, VGPU_GPU_NAME_MAX);
		nl_link_close(link);
		return ADMIN_NOT_FOUND;
	}
	msg = nl_link_message(link, VGPU_CMD_GPU_GET, name ? 0 : NLM_F_DUMP);
	if (name)
		nla_put_string(msg, VGPU_A_GPU_NAME, name);
	snprintf(about, sizeof(about), name ? "gpu %s" : "gpu", name);
	status = nl_link_call(link, msg, about, &nl_gpu_names, gpu_fields, &gpus);
	join_versions(gpus);
	if (status == ADMIN_OK && name)
		print_details(gpus, gpu_columns, args);
	else if (status == ADMIN_OK)
		print_table(gpus, gpu_columns, "no GPU: no executor has attached one", args);
	json_decref(gpus);
	nl_link_close(link);
	return status;
}

static const struct admin_verb gpu_verbs[] = {
	{ "show", "[GPU]", "the GPUs, or everything about one", 0, 1, NULL, gpu_show, ADMIN_GPU },
	{ NULL },
};

const struct admin_object admin_gpu = { "gpu", "physical GPUs, by the name that the executor gave them", gpu_verbs };
