// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "change.h"
#include "hostdev.h"
#include "print.h"

#define VM_NAME_MAX	63

static const struct print_column vm_columns[] = {
	{ "name", NULL, "NAME" },
	{ "uuid", "UUID", "UUID" },
	{ "pool", "pool", "POOL" },
	{ "gpu", "GPU", "GPU" },
	{ "type", "type", "TYPE" },
	{ "state", "state", "STATE" },
	{ "registered", "registered", NULL, PRINT_YES_NO },
	{ "quarantined", "quarantined", NULL, PRINT_YES_NO },
	{ "tier", "tier", "TIER", PRINT_SETTING },
	{ "weight", "weight", NULL, PRINT_SETTING },
	{ "memory", "memory", "MEMORY", PRINT_SETTING },
	{ "stats.memory_used", "memory used", "USED", PRINT_SIZE },
	{ "stats.memory_peak", "memory used at most", NULL, PRINT_SIZE },
	{ "aperture", "aperture", NULL, PRINT_SIZE },
	{ "depth", "depth", NULL, PRINT_SETTING },
	{ "sessions", "sessions allowed", NULL, PRINT_SETTING },
	{ "stats.sessions", "sessions", "SESSIONS" },
	{ "stats.workers", "workers", NULL },
	{ "deadline_ns", "deadline", NULL, PRINT_SETTING },
	{ "gpu_share", "gpu-share", NULL, PRINT_SETTING },
	{ "gpu_burst_ns", "burst", NULL, PRINT_SETTING },
	{ "cmd_rate", "rate", NULL, PRINT_SETTING },
	{ "cmd_burst", "rate-burst", NULL, PRINT_SETTING },
	{ "copy_rate", "copy-rate", NULL, PRINT_SETTING },
	{ "copy_burst", "copy-burst", NULL, PRINT_SETTING },
	{ "stats.submitted", "commands submitted", "SUBMITTED" },
	{ "stats.completed", "commands completed", "COMPLETED" },
	{ "stats.failed", "commands failed", "FAILED" },
	{ "stats.waiting", "commands waiting", "WAITING" },
	{ "stats.rejected", "commands rejected", NULL },
	{ "stats.launches", "launches", NULL },
	{ "stats.bytes_in", "copied in", NULL, PRINT_SIZE },
	{ "stats.bytes_out", "copied out", NULL, PRINT_SIZE },
	{ "stats.throttled_ns", "throttled", NULL, PRINT_DURATION },
	{ "stats.promotions", "runs brought forward", NULL },
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

enum { SHOW_GPU, SHOW_POOL };

static const struct admin_option show_options[] = {
	[SHOW_GPU] = { "gpu", "GPU", "only those on this GPU", ADMIN_GPU },
	[SHOW_POOL] = { "pool", "POOL", "only those in this pool, or declared for it", ADMIN_POOL },
	{ NULL },
};

enum { NEW_UUID, NEW_POOL, NEW_TYPE, NEW_GPU };

static const struct admin_option register_options[] = {
	[NEW_UUID] = { "uuid", "UUID", "of its mediated device" },
	[NEW_POOL] = { "pool", "POOL", "the only one in which it may be; any where none is named", ADMIN_POOL },
	{ NULL },
};

static const struct admin_option create_options[] = {
	[NEW_UUID] = { "uuid", "UUID", "of its mediated device; drawn by chance where none is given" },
	[NEW_POOL] = { "pool", "POOL", "the only one in which it may be; that of --gpu, or default", ADMIN_POOL },
	[NEW_TYPE] = { "type", "TYPE", "of the virtual GPU; see: vgpu-admin gpu types", ADMIN_TYPE },
	[NEW_GPU] = { "gpu", "GPU", "on which; one of the pool with room for it where none is named", ADMIN_GPU },
	{ NULL },
};

enum { SET_NAME };

static const struct admin_option set_options[] = {
	[SET_NAME] = { "name", "NAME", "a new name" },
	{ NULL },
};

enum { MOVE_POOL };

static const struct admin_option move_options[] = {
	[MOVE_POOL] = { "pool", "POOL", "the pool to be in", ADMIN_POOL },
	{ NULL },
};

static const char *string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* Everything about one: what the database calls it, and what the kernel has of it or else what is declared. */
static json_t *describe(const struct change *change, const char *uuid)
{
	const json_t *declared = state_get(change->declared, "vms", uuid), *vm = state_get(change->kernel, "mdevs", uuid);
	json_t *one = json_pack("{s:s*, s:s, s:b}", "name", string(declared, "name"), "uuid", uuid, "registered",
				declared != NULL);

	if (vm) {
		json_object_update_missing(one, (json_t *)vm);
		return one;
	}
	json_object_set_new(one, "state", json_string(state_get(change->kernel, "vms", uuid) ? "declared" : "missing"));
	json_object_update_missing(one, declared ? (json_t *)declared : state_get(change->kernel, "vms", uuid));
	return one;
}

static void collect(const struct change *change, const char *gpu, const char *pool, json_t *list)
{
	static const char * const kinds[] = { "mdevs", "vms" };
	json_t *seen = json_object(), *object, *one;
	const char *uuid;
	size_t i;

	for (i = 0; i < 3; i++) {
		object = i < 2 ? json_object_get(change->kernel, kinds[i]) : json_object_get(change->declared, "vms");
		json_object_foreach(object, uuid, one) {
			if (json_object_get(seen, uuid))
				continue;
			json_object_set_new(seen, uuid, json_true());
			one = describe(change, uuid);
			if ((gpu && (!string(one, "gpu") || strcmp(string(one, "gpu"), gpu))) ||
			    (pool && (!string(one, "pool") || strcmp(string(one, "pool"), pool))))
				json_decref(one);
			else
				json_array_append_new(list, one);
		}
	}
	json_decref(seen);
}

static enum admin_exit vm_show(const struct admin_args *args)
{
	const char *uuid = NULL, *gpu = NULL, *pool = NULL;
	json_t *list = json_array();
	enum admin_exit status;
	struct change change;

	status = change_open_vm(&change, args, DB_READ, args->num_names ? args->names[0] : NULL);
	if (status == ADMIN_OK && args->value[SHOW_GPU])
		status = change_find_gpu(&change, args->value[SHOW_GPU], &gpu);
	if (status == ADMIN_OK && args->value[SHOW_POOL])
		status = change_find_pool(&change, args->value[SHOW_POOL], &pool);
	if (status == ADMIN_OK && args->num_names)
		status = change_find_vm(&change, args->names[0], &uuid);
	if (status == ADMIN_OK && uuid) {
		json_array_append_new(list, describe(&change, uuid));
		/* In text, its UUID is the title of one that has no name. */
		if (!args->json && !string(json_array_get(list, 0), "name"))
			json_object_set_new(json_array_get(list, 0), "name", json_string(uuid));
		print_details(list, vm_columns, args);
	} else if (status == ADMIN_OK) {
		collect(&change, gpu, pool, list);
		print_table(list, vm_columns, "no virtual GPU", args);
	}
	json_decref(list);
	return change_close(&change, status);
}

/* The name is free, and is one. */
static enum admin_exit check_new_name(const struct change *change, const char *name, const char *but)
{
	const char *uuid;
	json_t *vm;

	if (change_check_name("vm", name, VM_NAME_MAX) != ADMIN_OK)
		return ADMIN_USAGE;
	json_object_foreach(json_object_get(change->declared, "vms"), uuid, vm) {
		if (!string(vm, "name") || strcasecmp(string(vm, "name"), name) || (but && !strcmp(but, uuid)))
			continue;
		admin_error("vm %s: %s is called so", name, uuid);
		return ADMIN_EXISTS;
	}
	return ADMIN_OK;
}

static enum admin_exit check_uuid(const char *text, char uuid[37])
{
	uint8_t bytes[VGPU_UUID_LEN];
	int i, at = 0;

	if (units_parse_uuid(text, bytes)) {
		admin_error("--uuid %s: must be a UUID, such as 01234567-89ab-4def-8123-456789abcdef; uuidgen makes one",
			    text);
		return ADMIN_USAGE;
	}
	for (i = 0; i < VGPU_UUID_LEN; i++)
		at += sprintf(uuid + at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", bytes[i]);
	return ADMIN_OK;
}

static enum admin_exit draw_uuid(char uuid[37])
{
	uint8_t b[VGPU_UUID_LEN];

	if (getrandom(b, sizeof(b), 0) != sizeof(b)) {
		admin_error("no random numbers for a UUID: give --uuid");
		return ADMIN_FAILED;
	}
	b[6] = 0x40 | (b[6] & 0xf);
	b[8] = 0x80 | (b[8] & 0x3f);
	snprintf(uuid, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
		 b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	return ADMIN_OK;
}

static enum admin_exit not_registered(const struct change *change, const char *uuid)
{
	const json_t *vm = state_get(change->declared, "vms", uuid);

	if (!vm || !string(vm, "name"))
		return ADMIN_OK;
	admin_error("vm %s: registered already, as %s; to change it: vgpu-admin vm set %s", uuid, string(vm, "name"),
		    string(vm, "name"));
	return ADMIN_EXISTS;
}

static enum admin_exit vm_register(const struct admin_args *args)
{
	const char *name = args->names[0], *pool = NULL;
	enum admin_exit status;
	struct change change;
	json_t *values, *vm;
	char uuid[37];

	if (!args->value[NEW_UUID]) {
		admin_error("vm register: --uuid is missing; vm create draws one and makes the virtual GPU, too");
		return ADMIN_USAGE;
	}
	values = settings_parse(vm_settings, args);
	if (!values || check_uuid(args->value[NEW_UUID], uuid) != ADMIN_OK) {
		json_decref(values);
		return ADMIN_USAGE;
	}
	status = change_open(&change, args, DB_WRITE);
	if (status == ADMIN_OK)
		status = check_new_name(&change, name, NULL);
	if (status == ADMIN_OK)
		status = not_registered(&change, uuid);
	if (status == ADMIN_OK && args->value[NEW_POOL])
		status = change_find_pool(&change, args->value[NEW_POOL], &pool);
	if (status == ADMIN_OK) {
		vm = state_add(change.wanted, "vms", uuid);
		json_object_set_new(vm, "name", json_string(name));
		if (pool)
			json_object_set_new(vm, "pool", json_string(pool));
		json_object_update(vm, values);
		status = change_commit(&change);
	}
	json_decref(values);
	return change_close(&change, status);
}

static enum admin_exit vm_set(const struct admin_args *args)
{
	const char *uuid, *name = args->value[SET_NAME];
	enum admin_exit status;
	struct change change;
	json_t *values, *vm;

	values = settings_parse(vm_settings, args);
	if (!values)
		return ADMIN_USAGE;
	if (!json_object_size(values) && !name) {
		admin_error("vm set: nothing to set; see: vgpu-admin vm --help");
		json_decref(values);
		return ADMIN_USAGE;
	}
	status = change_open_vm(&change, args, DB_WRITE, args->names[0]);
	if (status == ADMIN_OK)
		status = change_find_vm(&change, args->names[0], &uuid);
	if (status == ADMIN_OK && name)
		status = check_new_name(&change, name, uuid);
	if (status == ADMIN_OK) {
		vm = state_add(change.wanted, "vms", uuid);
		if (name)
			json_object_set_new(vm, "name", json_string(name));
		json_object_update(vm, values);
		status = change_commit(&change);
	}
	json_decref(values);
	return change_close(&change, status);
}

static enum admin_exit vm_move(const struct admin_args *args)
{
	enum admin_exit status;
	const char *uuid, *pool;
	struct change change;
	json_t *vm;

	if (!args->value[MOVE_POOL]) {
		admin_error("vm move: --pool is missing: it says where to");
		return ADMIN_USAGE;
	}
	status = change_open_vm(&change, args, DB_WRITE, args->names[0]);
	if (status == ADMIN_OK)
		status = change_find_vm(&change, args->names[0], &uuid);
	if (status == ADMIN_OK)
		status = change_find_pool(&change, args->value[MOVE_POOL], &pool);
	if (status == ADMIN_OK) {
		vm = state_add(change.wanted, "vms", uuid);
		json_object_set_new(vm, "pool", json_string(pool));
		status = change_commit(&change);
	}
	return change_close(&change, status);
}

static enum admin_exit vm_unregister(const struct admin_args *args)
{
	enum admin_exit status;
	struct change change;
	const char *uuid;

	status = change_open_vm(&change, args, DB_WRITE, args->names[0]);
	if (status == ADMIN_OK)
		status = change_find_vm(&change, args->names[0], &uuid);
	if (status == ADMIN_OK && string(state_get(change.declared, "vms", uuid), "type")) {
		admin_error("vm %s was made by vm create; to remove it: vgpu-admin vm delete %s", args->names[0],
			    args->names[0]);
		status = ADMIN_FAILED;
	}
	if (status == ADMIN_OK && !state_get(change.declared, "vms", uuid) && !state_get(change.kernel, "vms", uuid)) {
		admin_error("vm %s is not registered", args->names[0]);
		status = ADMIN_NOT_FOUND;
	}
	if (status == ADMIN_OK) {
		/* What the kernel has and the database has not is forgotten all the same. */
		state_add(change.declared, "vms", uuid);
		json_object_del(json_object_get(change.wanted, "vms"), uuid);
		status = change_commit(&change);
	}
	return change_close(&change, status);
}

/* The UUID that is to be made: of the one that is registered so, or of --uuid, or a new one. */
static enum admin_exit choose_uuid(const struct change *change, const struct admin_args *args, char uuid[37])
{
	const char *given = args->value[NEW_UUID], *name = args->names[0], *id;
	enum admin_exit status;
	json_t *vm;

	json_object_foreach(json_object_get(change->declared, "vms"), id, vm) {
		if (!string(vm, "name") || strcmp(string(vm, "name"), name))
			continue;
		if (given && strcasecmp(given, id)) {
			admin_error("vm %s: registered already, with UUID %s", name, id);
			return ADMIN_EXISTS;
		}
		snprintf(uuid, 37, "%s", id);
		return ADMIN_OK;
	}
	status = check_new_name(change, name, NULL);
	if (status == ADMIN_OK)
		status = given ? check_uuid(given, uuid) : draw_uuid(uuid);
	return status == ADMIN_OK ? not_registered(change, uuid) : status;
}

static enum admin_exit choose_pool(const struct change *change, const struct admin_args *args, json_t *vm)
{
	const char *pool = string(vm, "pool"), *gpu = NULL, *its_pool = NULL;
	enum admin_exit status = ADMIN_OK;

	if (args->value[NEW_GPU])
		status = change_find_gpu(change, args->value[NEW_GPU], &gpu);
	if (status == ADMIN_OK && args->value[NEW_POOL])
		status = change_find_pool(change, args->value[NEW_POOL], &pool);
	if (status != ADMIN_OK)
		return status;
	if (gpu)
		its_pool = string(state_get(change->kernel, "gpus", gpu), "pool");
	if (gpu && pool && its_pool && strcmp(pool, its_pool)) {
		admin_error("vm %s: GPU %s is in pool %s, not in %s", args->names[0], gpu, its_pool, pool);
		return ADMIN_FAILED;
	}
	if (!pool)
		pool = its_pool ? its_pool : POOL_DEFAULT;
	json_object_set_new(vm, "pool", json_string(pool));
	if (gpu)
		json_object_set_new(vm, "gpu", json_string(gpu));
	return ADMIN_OK;
}

static void tell_uuid(const struct admin_args *args, const char *uuid)
{
	json_t *answer;

	if (args->dry_run)
		return;
	if (!args->json) {
		puts(uuid);
		return;
	}
	answer = json_pack("{s:s, s:s}", "name", args->names[0], "uuid", uuid);
	print_json(answer, args);
	json_decref(answer);
}

static enum admin_exit create(struct change *change, const struct admin_args *args, const json_t *values)
{
	enum admin_exit status;
	json_t *vm, *places;
	char uuid[37];

	status = choose_uuid(change, args, uuid);
	if (status != ADMIN_OK)
		return status;
	if (state_get(change->kernel, "mdevs", uuid)) {
		admin_error("vm %s: there is a virtual GPU %s already", args->names[0], uuid);
		return ADMIN_EXISTS;
	}
	vm = state_add(change->wanted, "vms", uuid);
	status = choose_pool(change, args, vm);
	if (status != ADMIN_OK)
		return status;
	json_object_set_new(vm, "name", json_string(args->names[0]));
	json_object_set_new(vm, "type", json_string(args->value[NEW_TYPE]));
	json_object_update(vm, (json_t *)values);
	if (args->value[NEW_GPU]) {
		places = json_pack("{s:{s:O, s:O}}", uuid, "type", json_object_get(vm, "type"), "gpu",
				   json_object_get(vm, "gpu"));
		json_object_set_new(change->wanted, "places", places);
	}
	status = change_commit(change);
	if (status == ADMIN_OK)
		tell_uuid(args, uuid);
	return status;
}

static enum admin_exit vm_create(const struct admin_args *args)
{
	enum admin_exit status;
	struct change change;
	json_t *values;

	if (!args->value[NEW_TYPE]) {
		admin_error("vm create: --type is missing; see: vgpu-admin gpu types");
		return ADMIN_USAGE;
	}
	values = settings_parse(vm_settings, args);
	if (!values)
		return ADMIN_USAGE;
	status = change_open(&change, args, DB_WRITE);
	if (status == ADMIN_OK)
		status = create(&change, args, values);
	json_decref(values);
	return change_close(&change, status);
}

static enum admin_exit vm_delete(const struct admin_args *args)
{
	enum admin_exit status;
	struct change change;
	const char *uuid;

	status = change_open_vm(&change, args, DB_WRITE, args->names[0]);
	if (status == ADMIN_OK)
		status = change_find_vm(&change, args->names[0], &uuid);
	if (status == ADMIN_OK) {
		state_add(change.declared, "vms", uuid);
		json_object_set_new(change.wanted, "places", json_pack("{s:n}", uuid));
		json_object_del(json_object_get(change.wanted, "vms"), uuid);
		status = change_commit(&change);
	}
	return change_close(&change, status);
}

static const struct admin_verb vm_verbs[] = {
	{ "show", "[VM]", "the virtual GPUs, or everything about one", 0, 1, show_options, vm_show, ADMIN_VM },
	{ "register", "NAME", "name one and declare how it is to be, there or not yet", 1, 1, register_options,
	  vm_register, ADMIN_ANY, true, vm_settings },
	{ "create", "NAME", "make one, and again after the machine was started anew", 1, 1, create_options, vm_create,
	  ADMIN_VM, true, vm_settings },
	{ "set", "VM", "change how one is to be, live", 1, 1, set_options, vm_set, ADMIN_VM, true, vm_settings },
	{ "move", "VM", "put one that is closed into another pool", 1, 1, move_options, vm_move, ADMIN_VM, true },
	{ "unregister", "VM", "declare nothing of one any more", 1, 1, NULL, vm_unregister, ADMIN_VM, true },
	{ "qemu-args", "VM", "QEMU's options for one", 1, 1, hostdev_qemu_options, hostdev_qemu_args, ADMIN_VM },
	{ "libvirt-xml", "VM", "the element of a libvirt domain for one", 1, 1, NULL, hostdev_libvirt_xml, ADMIN_VM },
	{ "delete", "VM", "take one away that is closed, and unregister it", 1, 1, NULL, vm_delete, ADMIN_VM, true },
	{ NULL },
};

const struct admin_object admin_vm = {
	"vm", "virtual GPUs, by name or UUID or an unambiguous beginning of one", vm_verbs,
};
