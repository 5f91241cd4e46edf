// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "kernel.h"
#include "mdev.h"

static const char * const gpu_states[] = { "detached", "attached", "absent", NULL };
static const char * const vm_states[] = { "closed", "open", "ready", "declared", NULL };
static const char * const strike_names[] = { "hang", "fault", "malformed", "quota", "doorbell", "administrator", NULL };

static const struct nl_field gpu_fields[] = {
	{ VGPU_A_GPU_NAME, NL_STRING, "name" },
	{ VGPU_A_GPU_POOL, NL_STRING, "pool" },
	{ VGPU_A_GPU_PCI, NL_STRING, "pci" },
	{ VGPU_A_GPU_MODEL, NL_STRING, "model" },
	{ VGPU_A_GPU_STATE, NL_NAMES, "state", gpu_states },
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
	{ VGPU_A_GPU_PROMOTIONS, NL_U64, "promotions" },
	{ VGPU_A_GPU_ENGINE, NL_ENGINES, "engines" },
	{ 0 },
};

static const struct nl_field limits_fields[] = {
	{ 0, NL_SETTINGS, "limits", .settings = limit_settings },
	{ 0 },
};

static const struct nl_field pool_fields[] = {
	{ VGPU_A_POOL_NAME, NL_STRING, "name" },
	{ VGPU_A_POOL_GPUS, NL_U32, "gpus" },
	{ VGPU_A_POOL_VMS, NL_U32, "vms" },
	{ 0, NL_SETTINGS, "scheduling", .settings = pool_settings },
	{ VGPU_A_POOL_LIMITS, NL_NEST, "limits", NULL, limits_fields },
	{ 0 },
};

static const struct nl_field declared_fields[] = {
	{ VGPU_A_VM_POOL, NL_STRING, "pool" },
	{ 0, NL_SETTINGS, "limits", .settings = vm_settings },
	{ 0 },
};

static const struct nl_field quarantine_fields[] = {
	{ VGPU_A_QUARANTINE_ACTIVE, NL_U8_BOOL, "active" },
	{ VGPU_A_QUARANTINE_CAUSE, NL_NAMES, "cause", strike_names },
	{ VGPU_A_QUARANTINE_COUNT, NL_U32, "count" },
	{ VGPU_A_QUARANTINE_SINCE_NS, NL_U64, "since_ns" },
	{ VGPU_A_QUARANTINE_UNTIL_NS, NL_U64, "until_ns" },
	{ 0 },
};

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
	{ VGPU_A_STATS_MEMORY_PEAK, NL_U64, "memory_peak" },
	{ VGPU_A_STATS_THROTTLED_NS, NL_U64, "throttled_ns" },
	{ VGPU_A_STATS_PROMOTIONS, NL_U64, "promotions" },
	{ VGPU_A_STATS_SESSIONS, NL_U32, "sessions" },
	{ VGPU_A_STATS_WORKERS, NL_U32, "workers" },
	{ VGPU_A_STATS_ENGINE, NL_ENGINES, "engines" },
	{ 0 },
};

static const struct nl_field vm_fields[] = {
	{ VGPU_A_VM_UUID, NL_UUID, "uuid" },
	{ VGPU_A_VM_PRESENT, NL_U8_BOOL, "present" },
	{ VGPU_A_VM_GPU, NL_STRING, "gpu" },
	{ VGPU_A_VM_POOL, NL_STRING, "pool" },
	{ VGPU_A_VM_TYPE, NL_STRING, "type" },
	{ VGPU_A_VM_STATE, NL_NAMES, "state", vm_states },
	{ VGPU_A_VM_QUARANTINED, NL_U8_BOOL, "quarantined" },
	{ VGPU_A_VM_APERTURE, NL_U64, "aperture" },
	{ 0, NL_SETTINGS, "limits", .settings = vm_settings },
	{ VGPU_A_VM_DECLARED, NL_NEST, "declared", NULL, declared_fields },
	{ VGPU_A_VM_QUARANTINE, NL_NEST, "quarantine", NULL, quarantine_fields },
	{ VGPU_A_VM_STATS, NL_NEST, "stats", NULL, stats_fields },
	{ 0 },
};

/**
 * kernel_boot() - a name for what the kernel has now
 * @boot: set to a text that is another one after the machine or the module was started anew
 */
void kernel_boot(char boot[KERNEL_BOOT_MAX])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	char id[40] = "";
	struct stat st;

	if (file) {
		if (fscanf(file, "%39s", id) != 1)
			id[0] = '\0';
		fclose(file);
	}
	if (stat("/sys/module/vgpu", &st))
		st.st_ino = 0;
	snprintf(boot, KERNEL_BOOT_MAX, "%s:%llu", id, (unsigned long long)st.st_ino);
}

static enum admin_exit dump(struct nl_link *link, int command, const char *about, const struct nl_names *names,
			    const struct nl_field *fields, json_t **answers)
{
	return nl_link_call(link, nl_link_message(link, command, NLM_F_DUMP), about, names, fields, answers);
}

/**
 * kernel_probe() - whether this process may ask the kernel and change it
 * @link: to it
 *
 * What is in the way is said on stderr. Return: the status to exit with.
 */
enum admin_exit kernel_probe(struct nl_link *link)
{
	enum admin_exit status;
	json_t *gpus;

	status = dump(link, VGPU_CMD_GPU_GET, "netlink family \"" VGPU_GENL_NAME "\"", &nl_gpu_names, gpu_fields, &gpus);
	json_decref(gpus);
	return status;
}

static void put_uuid(struct nl_msg *msg, const char *text)
{
	uint8_t uuid[VGPU_UUID_LEN];

	if (!units_parse_uuid(text, uuid))
		nla_put(msg, VGPU_A_VM_UUID, sizeof(uuid), uuid);
}

static const char *string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void index_by(json_t *state, const char *kind, const json_t *list, const char *key)
{
	json_t *objects = json_object(), *object;
	size_t i;

	json_array_foreach(list, i, object)
		json_object_set(objects, string(object, key), object);
	json_object_set_new(state, kind, objects);
}

/* What is declared of virtual GPUs, and those that are there. */
static void index_vms(json_t *state, const json_t *list)
{
	json_t *mdevs = json_object(), *vms = json_object(), *vm, *declared;
	const char *uuid;
	size_t i;

	json_array_foreach(list, i, vm) {
		uuid = string(vm, "uuid");
		declared = json_object_get(vm, "declared");
		if (declared && json_object_get(declared, "pool") && !*string(declared, "pool"))
			json_object_del(declared, "pool");
		if (declared)
			json_object_set(vms, uuid, declared);
		if (json_is_true(json_object_get(vm, "present")))
			json_object_set(mdevs, uuid, vm);
	}
	json_object_set_new(state, "vms", vms);
	json_object_set_new(state, "mdevs", mdevs);
}

/* What a pool does not limit is not in the state either, as in the database. */
static void drop_empty_limits(const json_t *pools)
{
	json_t *pool;
	size_t i;

	json_array_foreach(pools, i, pool)
		if (!json_object_size(json_object_get(pool, "limits")))
			json_object_del(pool, "limits");
}

/* What there is of one UUID: nothing, too. */
static enum admin_exit get_vm(struct nl_link *link, const char *uuid, json_t **answers)
{
	struct nl_msg *msg = nl_link_message(link, VGPU_CMD_VM_GET, 0);
	enum admin_exit status;

	put_uuid(msg, uuid);
	status = nl_link_call(link, msg, NULL, &nl_vm_names, vm_fields, answers);
	if (status != ADMIN_NOT_FOUND)
		return status;
	*answers = json_array();
	return ADMIN_OK;
}

/**
 * kernel_read() - what the kernel has
 * @link: to it
 * @only: UUID of the one virtual GPU that is of interest, NULL for all
 * @state: as plan.h has it, each object with all that netlink tells of it; new
 *
 * What fails is said on stderr. Return: the status to exit with.
 */
enum admin_exit kernel_read(struct nl_link *link, const char *only, json_t **state)
{
	json_t *gpus = NULL, *pools = NULL, *vms = NULL;
	enum admin_exit status;

	*state = NULL;
	status = dump(link, VGPU_CMD_GPU_GET, "gpu", &nl_gpu_names, gpu_fields, &gpus);
	if (status == ADMIN_OK)
		status = dump(link, VGPU_CMD_POOL_GET, "pool", &nl_pool_names, pool_fields, &pools);
	if (status == ADMIN_OK && only)
		status = get_vm(link, only, &vms);
	else if (status == ADMIN_OK)
		status = dump(link, VGPU_CMD_VM_GET, "vm", &nl_vm_names, vm_fields, &vms);
	if (status == ADMIN_OK) {
		*state = json_object();
		index_by(*state, "gpus", gpus, "name");
		drop_empty_limits(pools);
		index_by(*state, "pools", pools, "name");
		index_vms(*state, vms);
	}
	json_decref(gpus);
	json_decref(pools);
	json_decref(vms);
	return status;
}

static enum admin_exit call(struct nl_link *link, struct nl_msg *msg, const char *about, const struct nl_names *names)
{
	static const struct nl_field none[] = { { 0 } };
	enum admin_exit status;
	json_t *answers;

	status = nl_link_call(link, msg, about, names, none, &answers);
	json_decref(answers);
	return status;
}

static enum admin_exit apply_pool(struct nl_link *link, const char *kind, const json_t *op, const char *about)
{
	bool new = !strcmp(kind, "pool-new");
	const json_t *set = json_object_get(op, "set"), *limits = json_object_get(set, "limits");
	struct nlattr *nest;
	struct nl_msg *msg;

	if (!strcmp(kind, "pool-del"))
		msg = nl_link_message(link, VGPU_CMD_POOL_DEL, 0);
	else
		msg = nl_link_message(link, new ? VGPU_CMD_POOL_NEW : VGPU_CMD_POOL_SET, 0);
	nla_put_string(msg, VGPU_A_POOL_NAME, string(op, "name"));
	if (!strcmp(kind, "pool-set"))
		nla_put_flag(msg, VGPU_A_POOL_REPLACE);
	settings_put(msg, pool_settings, set);
	if (json_object_size(limits)) {
		nest = nla_nest_start(msg, VGPU_A_POOL_LIMITS);
		settings_put(msg, limit_settings, limits);
		nla_nest_end(msg, nest);
	}
	return call(link, msg, about, &nl_pool_names);
}

static enum admin_exit apply_gpu(struct nl_link *link, const json_t *op, const char *about)
{
	struct nl_msg *msg = nl_link_message(link, VGPU_CMD_GPU_SET, 0);

	nla_put_string(msg, VGPU_A_GPU_NAME, string(op, "name"));
	nla_put_string(msg, VGPU_A_GPU_POOL, string(op, "pool"));
	return call(link, msg, about, &nl_gpu_names);
}

static enum admin_exit apply_vm(struct nl_link *link, bool forget, const json_t *op, const char *about)
{
	const json_t *set = json_object_get(op, "set");
	struct nl_msg *msg;

	msg = nl_link_message(link, forget ? VGPU_CMD_VM_FORGET : VGPU_CMD_VM_SET, 0);
	put_uuid(msg, string(op, "uuid"));
	if (!forget)
		nla_put_flag(msg, VGPU_A_VM_REPLACE);
	settings_put(msg, vm_settings, set);
	/* That nothing in particular is declared is a declaration, too. */
	if (!forget)
		nla_put_string(msg, VGPU_A_VM_POOL, string(set, "pool") ? string(set, "pool") : "");
	return call(link, msg, about, &nl_vm_names);
}

/* GPUs on which a virtual GPU may be made: the one that it has to be on, or those of its pool, the preferred one first. */
static enum admin_exit candidates(struct nl_link *link, const json_t *op, json_t **chosen)
{
	const char *gpu = string(op, "gpu"), *prefer = string(op, "prefer"), *pool = string(op, "pool");
	enum admin_exit status;
	json_t *gpus, *one;
	size_t i;

	status = dump(link, VGPU_CMD_GPU_GET, "gpu", &nl_gpu_names, gpu_fields, &gpus);
	if (status != ADMIN_OK)
		return status;
	*chosen = json_array();
	json_array_foreach(gpus, i, one) {
		if (strcmp(string(one, "state"), "attached") || (gpu && strcmp(string(one, "name"), gpu)) ||
		    (pool && strcmp(string(one, "pool"), pool)))
			continue;
		if (prefer && !strcmp(string(one, "name"), prefer))
			json_array_insert(*chosen, 0, one);
		else
			json_array_append(*chosen, one);
	}
	json_decref(gpus);
	return ADMIN_OK;
}

static enum admin_exit apply_mdev(struct nl_link *link, bool create, const json_t *op, const char *about, json_t *placed)
{
	const char *uuid = string(op, "uuid");
	json_t *gpus, *place = NULL;
	enum admin_exit status;

	if (!create)
		return mdev_remove(uuid, about);
	status = candidates(link, op, &gpus);
	if (status != ADMIN_OK)
		return status;
	status = mdev_create(uuid, string(op, "type"), gpus, about, &place);
	if (status == ADMIN_OK && placed)
		json_object_set(placed, uuid, place);
	json_decref(place);
	json_decref(gpus);
	return status;
}

/**
 * kernel_apply() - carry out an operation
 * @link: to the kernel
 * @op: as plan.h has it
 * @placed: object to which the "gpu" and "type" of a virtual GPU that is made are added by its UUID; may be NULL
 *
 * What fails is said on stderr. Return: the status to exit with.
 */
enum admin_exit kernel_apply(struct nl_link *link, const json_t *op, json_t *placed)
{
	const char *kind = string(op, "op"), *about = string(op, "about");
	char text[96];

	if (!about) {
		snprintf(text, sizeof(text), "%.*s %s", (int)strcspn(kind, "-"), kind,
			 string(op, "uuid") ? string(op, "uuid") : string(op, "name"));
		if (!strncmp(kind, "mdev", 4))
			snprintf(text, sizeof(text), "vm %s", string(op, "uuid"));
		about = text;
	}
	if (!strncmp(kind, "pool-", 5))
		return apply_pool(link, kind, op, about);
	if (!strcmp(kind, "gpu-set"))
		return apply_gpu(link, op, about);
	if (!strncmp(kind, "vm-", 3))
		return apply_vm(link, !strcmp(kind, "vm-forget"), op, about);
	return apply_mdev(link, !strcmp(kind, "mdev-create"), op, about, placed);
}

/**
 * kernel_quarantine() - quarantine a virtual GPU, or release it
 * @link: to the kernel
 * @uuid: of it
 * @release: release it
 * @about: what it is, to begin messages with
 *
 * What fails is said on stderr. Return: the status to exit with.
 */
enum admin_exit kernel_quarantine(struct nl_link *link, const char *uuid, bool release, const char *about)
{
	struct nl_msg *msg;

	msg = nl_link_message(link, release ? VGPU_CMD_QUARANTINE_RELEASE : VGPU_CMD_QUARANTINE_SET, 0);
	put_uuid(msg, uuid);
	return call(link, msg, about, &nl_vm_names);
}
