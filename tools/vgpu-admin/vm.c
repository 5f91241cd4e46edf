// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */

#include <stdio.h>
#include <string.h>
#include "hostdev.h"
#include "netlink.h"
#include "print.h"
#include "settings.h"

static const char * const state_names[] = { "closed", "open", "ready", NULL };

static const struct nl_field stats_fields[] = {
	{ VGPU_A_STATS_SUBMITTED, NL_U64, "submitted" },
	{ VGPU_A_STATS_COMPLETED, NL_U64, "completed" },
	{ VGPU_A_STATS_FAILED, NL_U64, "failed" },
	{ VGPU_A_STATS_WAITING, NL_U64, "waiting" },
	{ VGPU_A_STATS_REJECTED, NL_U64, "rejected" },
	{ VGPU_A_STATS_LAUNCHES, NL_U64, "launches" },
	{ VGPU_A_STATS_BYTES_IN, NL_U64, "bytes_in" },
	{ VGPU_A_STATS_BYTES_OUT, NL_U64, "bytes_out" },
	{ VGPU_A_STATS_DOORBELLS, NL_U64, "doorbells" },
	{ VGPU_A_STATS_BAD_REGISTERS, NL_U64, "bad_registers" },
	{ VGPU_A_STATS_SESSIONS_LOST, NL_U64, "sessions_lost" },
	{ VGPU_A_STATS_HANGS, NL_U64, "hangs" },
	{ VGPU_A_STATS_BAD_COMPLETIONS, NL_U64, "bad_completions" },
	{ VGPU_A_STATS_MEMORY_USED, NL_U64, "memory_used" },
	{ VGPU_A_STATS_SESSIONS, NL_U32, "sessions" },
	{ VGPU_A_STATS_WORKERS, NL_U32, "workers" },
	{ VGPU_A_STATS_ENGINE, NL_ENGINES, "engines" },
	{ 0 },
};

static const struct nl_field vm_fields[] = {
	{ VGPU_A_VM_UUID, NL_UUID, "uuid" },
	{ VGPU_A_VM_GPU, NL_STRING, "gpu" },
	{ VGPU_A_VM_TYPE, NL_STRING, "type" },
	{ VGPU_A_VM_STATE, NL_NAMES, "state", state_names },
	{ VGPU_A_VM_QUARANTINED, NL_U8_BOOL, "quarantined" },
	{ VGPU_A_VM_TIER, NL_NAMES, "tier", nl_tier_names },
	{ VGPU_A_VM_MEMORY, NL_U64, "memory" },
	{ VGPU_A_VM_APERTURE, NL_U64, "aperture" },
	{ VGPU_A_VM_DEPTH, NL_U32, "depth" },
	{ VGPU_A_VM_SESSIONS, NL_U32, "sessions" },
	{ VGPU_A_VM_DEADLINE_NS, NL_U64, "deadline_ns" },
	{ VGPU_A_VM_STATS, NL_NEST, "stats", NULL, stats_fields },
	{ 0 },
};

static const struct print_column vm_columns[] = {
	{ "uuid", NULL, "UUID" },
	{ "gpu", "GPU", "GPU" },
	{ "type", "type", "TYPE" },
	{ "state", "state", "STATE" },
	{ "quarantined", "quarantined", NULL, PRINT_YES_NO },
	{ "tier", "tier", "TIER" },
	{ "memory", "memory", "MEMORY", PRINT_SIZE },
	{ "stats.memory_used", "memory used", "USED", PRINT_SIZE },
	{ "aperture", "aperture", NULL, PRINT_SIZE },
	{ "depth", "queue depth", NULL },
	{ "sessions", "sessions allowed", NULL },
	{ "stats.sessions", "sessions", "SESSIONS" },
	{ "stats.workers", "workers", NULL },
	{ "deadline_ns", "deadline", NULL, PRINT_DURATION },
	{ "stats.submitted", "commands submitted", "SUBMITTED" },
	{ "stats.completed", "commands completed", "COMPLETED" },
	{ "stats.failed", "commands failed", "FAILED" },
	{ "stats.waiting", "commands waiting", "WAITING" },
	{ "stats.rejected", "commands rejected", NULL },
	{ "stats.launches", "launches", NULL },
	{ "stats.bytes_in", "copied in", NULL, PRINT_SIZE },
	{ "stats.bytes_out", "copied out", NULL, PRINT_SIZE },
	{ "stats.doorbells", "doorbells", NULL },
	{ "stats.bad_registers", "bad register writes", NULL },
	{ "stats.sessions_lost", "sessions lost", NULL },
	{ "stats.hangs", "hangs", NULL },
	{ "stats.bad_completions", "bad completions", NULL },
	{ "stats.engines.compute.busy_ns", "compute busy", NULL, PRINT_DURATION },
	{ "stats.engines.copy_in.busy_ns", "copy in busy", NULL, PRINT_DURATION },
	{ "stats.engines.copy_out.busy_ns", "copy out busy", NULL, PRINT_DURATION },
	{ "stats.engines.control.busy_ns", "control busy", NULL, PRINT_DURATION },
	{ NULL },
};

enum show_option {
	SHOW_GPU,
};

static const struct admin_option show_options[] = {
	[SHOW_GPU] = { "gpu", "GPU", "only those on this GPU", ADMIN_GPU },
	{ NULL },
};

static enum admin_exit read_vms(struct nl_link *link, json_t **vms)
{
	struct nl_msg *msg = nl_link_message(link, VGPU_CMD_VM_GET, NLM_F_DUMP);

	return nl_link_call(link, msg, "vm", &nl_vm_names, vm_fields, vms);
}

static void keep_if(json_t *vms, const char *key, const char *value, size_t len)
{
	size_t i = json_array_size(vms);

	while (i--)
		if (strncasecmp(json_string_value(json_object_get(json_array_get(vms, i), key)), value, len))
			json_array_remove(vms, i);
}

/* Leaves in @vms the one whose UUID begins so. */
static enum admin_exit choose_vm(json_t *vms, const char *prefix)
{
	keep_if(vms, "uuid", prefix, strlen(prefix));
	switch (json_array_size(vms)) {
	case 0:
		admin_error("no virtual GPU has a UUID that begins with '%s'; list them: vgpu-admin vm show", prefix);
		return ADMIN_NOT_FOUND;
	case 1:
		return ADMIN_OK;
	default:
		admin_error("'%s' begins the UUIDs of %zu virtual GPUs; write more of it", prefix,
			    json_array_size(vms));
		return ADMIN_NOT_FOUND;
	}
}

static enum admin_exit vm_show(const struct admin_args *args)
{
	const char *gpu = args->value[SHOW_GPU];
	enum admin_exit status;
	struct nl_link *link;
	json_t *vms;

	status = nl_link_open(&link);
	if (status != ADMIN_OK)
		return status;
	status = read_vms(link, &vms);
	if (status == ADMIN_OK && gpu)
		keep_if(vms, "gpu", gpu, strlen(gpu) + 1);
	if (status == ADMIN_OK && args->num_names)
		status = choose_vm(vms, args->names[0]);
	if (status == ADMIN_OK && args->num_names)
		print_details(vms, vm_columns, args);
	else if (status == ADMIN_OK)
		print_table(vms, vm_columns, "no virtual GPU", args);
	json_decref(vms);
	nl_link_close(link);
	return status;
}

static void put_settings(struct nl_msg *msg, const struct setting *table, const json_t *values)
{
	const struct setting *setting;
	const json_t *value;
	uint32_t word;

	for (setting = table; setting->key; setting++) {
		value = json_object_get(values, setting->key);
		if (json_is_string(value)) {
			for (word = 0; strcmp(setting->words[word], json_string_value(value)); word++)
				;
			nla_put_u32(msg, setting->attribute, word);
		} else if (value && setting->wide) {
			nla_put_u64(msg, setting->attribute, json_integer_value(value));
		} else if (value) {
			nla_put_u32(msg, setting->attribute, json_integer_value(value));
		}
	}
}

static enum admin_exit vm_set(const struct admin_args *args)
{
	json_t *vms = NULL, *answers = NULL, *values;
	enum admin_exit status;
	struct nl_link *link;
	struct nl_msg *msg;
	const char *name;
	uint8_t uuid[16];
	char about[64];

	values = settings_parse(vm_settings, args);
	if (!values)
		return ADMIN_USAGE;
	if (!json_object_size(values)) {
		admin_error("vm set: nothing to set: give --tier, --depth, --sessions or --deadline");
		json_decref(values);
		return ADMIN_USAGE;
	}
	status = nl_link_open(&link);
	if (status == ADMIN_OK)
		status = read_vms(link, &vms);
	if (status == ADMIN_OK)
		status = choose_vm(vms, args->names[0]);
	if (status == ADMIN_OK && !args->dry_run) {
		name = json_string_value(json_object_get(json_array_get(vms, 0), "uuid"));
		units_parse_uuid(name, uuid);
		snprintf(about, sizeof(about), "vm %s", name);
		msg = nl_link_message(link, VGPU_CMD_VM_SET, 0);
		nla_put(msg, VGPU_A_VM_UUID, sizeof(uuid), uuid);
		put_settings(msg, vm_settings, values);
		status = nl_link_call(link, msg, about, &nl_vm_names, vm_fields, &answers);
	}
	json_decref(values);
	json_decref(answers);
	json_decref(vms);
	nl_link_close(link);
	return status;
}

static const struct admin_verb vm_verbs[] = {
	{ "show", "[VM]", "the virtual GPUs, or everything about one", 0, 1, show_options, vm_show, ADMIN_VM },
	{ "set", "VM", "change the policy of one, until it is removed", 1, 1, NULL, vm_set, ADMIN_VM, true,
	  vm_settings },
	{ "qemu-args", "VM", "QEMU's options for one", 1, 1, hostdev_qemu_options, hostdev_qemu_args, ADMIN_VM },
	{ "libvirt-xml", "VM", "the element of a libvirt domain for one", 1, 1, NULL, hostdev_libvirt_xml, ADMIN_VM },
	{ NULL },
};

const struct admin_object admin_vm = { "vm", "virtual GPUs, by UUID or an unambiguous beginning of one", vm_verbs };
