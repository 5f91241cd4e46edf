// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "change.h"
#include "event_log.h"
#include "print.h"

/**
 * change_database() - where the database is
 *
 * Return: path; VGPU_DATABASE in the environment says another.
 */
const char *change_database(void)
{
	const char *path = getenv("VGPU_DATABASE");

	return path && *path ? path : DB_PATH;
}

/* Applies what it can. With @stop, only up to the first that fails. */
static enum admin_exit apply(struct nl_link *link, const json_t *ops, json_t *placed, bool stop)
{
	enum admin_exit status = ADMIN_OK, one;
	json_t *op;
	size_t i;

	json_array_foreach(ops, i, op) {
		one = kernel_apply(link, op, placed);
		if (status == ADMIN_OK)
			status = one;
		if (one != ADMIN_OK && stop)
			break;
	}
	return status;
}

static const char *name_in(const json_t *declared, const char *uuid)
{
	const char *name = json_string_value(json_object_get(state_get(declared, "vms", uuid), "name"));

	return name ? name : uuid;
}

/* Says why an operation that takes a virtual GPU away cannot be tried: it would wait until that is closed. */
static enum admin_exit refuse_open(const json_t *kernel, const json_t *declared, const json_t *ops)
{
	const char *uuid, *state;
	json_t *op;
	size_t i;

	json_array_foreach(ops, i, op) {
		if (strcmp(json_string_value(json_object_get(op, "op")), "mdev-remove"))
			continue;
		uuid = json_string_value(json_object_get(op, "uuid"));
		state = json_string_value(json_object_get(state_get(kernel, "mdevs", uuid), "state"));
		if (!strcmp(state, "closed"))
			continue;
		admin_error("vm %s: a virtual machine has it open (%s), so that it cannot be taken away: shut that down, "
			    "then try again", name_in(declared, uuid), state);
		return ADMIN_BUSY;
	}
	return ADMIN_OK;
}

/* Makes what was touched as it was. */
static enum admin_exit undo(struct nl_link *link, const json_t *undo)
{
	enum admin_exit status;
	json_t *kernel, *ops;

	status = kernel_read(link, NULL, &kernel);
	if (status != ADMIN_OK)
		return status;
	ops = plan_make(kernel, json_object_get(undo, "snapshot"), json_object_get(undo, "touched"));
	status = refuse_open(kernel, NULL, ops);
	if (status == ADMIN_OK)
		status = apply(link, ops, NULL, false);
	json_decref(ops);
	json_decref(kernel);
	return status;
}

/*
 * A command that died between kernel and database left an intent. Whoever sees it while holding the lock undoes it,
 * unless the kernel that it changed is gone.
 */
static enum admin_exit repair(struct change *change)
{
	enum admin_exit status;
	char boot[KERNEL_BOOT_MAX];
	json_t *intents, *intent;
	size_t i;

	status = db_intents(change->db, &intents);
	if (status != ADMIN_OK)
		return status;
	kernel_boot(boot);
	if (json_array_size(intents) && boot[0] == ':') {
		admin_error("a command died half-way, and /proc/sys/kernel/random/boot_id, which would tell whether the kernel has "
			    "its change, cannot be read");
		status = ADMIN_FAILED;
	}
	json_array_foreach(intents, i, intent) {
		const char *command = json_string_value(json_object_get(intent, "command"));

		if (status != ADMIN_OK)
			break;
		if (!strcmp(json_string_value(json_object_get(intent, "boot")), boot)) {
			status = undo(change->link, json_object_get(intent, "undo"));
			if (status != ADMIN_OK) {
				admin_error("'%s' died half-way and cannot be undone now; to keep the kernel as it is: "
					    "vgpu-admin config repair --keep", command);
				break;
			}
			admin_error("undone: '%s', which died half-way", command);
		}
		status = db_intent_remove(change->db, json_integer_value(json_object_get(intent, "id")));
		if (status != ADMIN_OK)
			break;
	}
	json_decref(intents);
	return status;
}

static bool has_intents(struct db *db)
{
	json_t *intents;
	bool any;

	if (db_intents(db, &intents) != ADMIN_OK)
		return false;
	any = json_array_size(intents) > 0;
	json_decref(intents);
	return any;
}

static enum admin_exit open_database(struct change *change, enum db_mode mode)
{
	enum admin_exit status = db_open(&change->db, change_database(), mode);

	/* What is seen here may be the work of a command that lives: the lock tells. Completion neither waits nor repairs. */
	if (status == ADMIN_OK && mode == DB_READ && change->args->command && has_intents(change->db)) {
		db_close(change->db);
		mode = DB_WRITE;
		status = db_open(&change->db, change_database(), mode);
	}
	if (status == ADMIN_OK && mode != DB_READ)
		status = repair(change);
	if (status == ADMIN_OK)
		status = db_state(change->db, &change->declared);
	return status;
}

/**
 * change_open() - look at kernel and database
 * @change: filled in; to be closed whatever is returned
 * @args: the command's
 * @mode: DB_READ to show: trouble with the database is said and kept in @change, and nothing is declared then
 *
 * What fails is said on stderr. Return: the status to exit with.
 */
enum admin_exit change_open(struct change *change, const struct admin_args *args, enum db_mode mode)
{
	return change_open_vm(change, args, mode, NULL);
}

/* The UUID of the virtual GPU that is called exactly so, in the same case; NULL where none is. */
static const char *called_so(const json_t *declared, const char *word)
{
	const char *uuid, *name;
	json_t *vm;

	json_object_foreach(json_object_get(declared, "vms"), uuid, vm) {
		name = json_string_value(json_object_get(vm, "name"));
		if (!strcmp(uuid, word) || (name && !strcmp(name, word)))
			return uuid;
	}
	return NULL;
}

/**
 * change_open_vm() - change_open() for a command that is about one virtual GPU
 * @change: filled in; to be closed whatever is returned
 * @args: the command's
 * @mode: as in change_open()
 * @word: what change_find_vm() is going to be asked for; NULL for all of them. Where it is not just the beginning of a
 *	name, the kernel is not asked for hundreds of others.
 *
 * What fails is said on stderr. Return: the status to exit with.
 */
enum admin_exit change_open_vm(struct change *change, const struct admin_args *args, enum db_mode mode, const char *word)
{
	enum admin_exit status;

	*change = (struct change){ .args = args };
	status = nl_link_open(&change->link);
	if (status == ADMIN_OK)
		status = kernel_probe(change->link);
	if (status != ADMIN_OK)
		return status;
	status = open_database(change, mode);
	if (status != ADMIN_OK && mode == DB_READ && status != ADMIN_DENIED) {
		change->trouble = status;
		change->declared = state_new();
		status = ADMIN_OK;
	}
	if (status == ADMIN_OK)
		nl_link_name_vms(change->link, json_object_get(change->declared, "vms"));
	if (status == ADMIN_OK)
		status = kernel_read(change->link, word ? called_so(change->declared, word) : NULL, &change->kernel);
	if (status == ADMIN_OK)
		change->wanted = state_copy(change->declared);
	return status;
}

/**
 * change_close() - let go of what change_open() took
 * @change: opened, or not
 * @status: of the command so far
 *
 * Return: the status to exit with.
 */
enum admin_exit change_close(struct change *change, enum admin_exit status)
{
	json_decref(change->wanted);
	json_decref(change->declared);
	json_decref(change->kernel);
	db_close(change->db);
	nl_link_close(change->link);
	return status == ADMIN_OK ? change->trouble : status;
}

static bool about(const json_t *ops, const char *uuid)
{
	const char *its;
	json_t *op;
	size_t i;

	json_array_foreach(ops, i, op) {
		its = json_string_value(json_object_get(op, "uuid"));
		if (its && !strcmp(its, uuid))
			return true;
	}
	return false;
}

/* Says who on a GPU keeps it from changing its pool. */
static enum admin_exit refuse_tenants(const struct change *change, const json_t *ops, const char *gpu, const char *pool)
{
	const char *uuid, *state, *bound;
	json_t *mdev;

	json_object_foreach(json_object_get(change->kernel, "mdevs"), uuid, mdev) {
		if (strcmp(json_string_value(json_object_get(mdev, "gpu")), gpu) || about(ops, uuid))
			continue;
		state = json_string_value(json_object_get(mdev, "state"));
		bound = json_string_value(json_object_get(state_get(change->kernel, "vms", uuid), "pool"));
		if (strcmp(state, "closed"))
			admin_error("gpu %s: a virtual machine has vm %s on it open (%s), so that it cannot change its pool: shut "
				    "that down, then try again", gpu, change_vm_name(change, uuid), state);
		else if (bound && strcmp(bound, pool))
			admin_error("gpu %s: vm %s on it is declared for pool %s: move it first: vgpu-admin vm move %s --pool POOL",
				    gpu, change_vm_name(change, uuid), bound, change_vm_name(change, uuid));
		else
			continue;
		return ADMIN_BUSY;
	}
	return ADMIN_OK;
}

/* Says what memory a virtual GPU can be given that is there, where the kernel would refuse @bytes of it. */
static enum admin_exit check_memory(const struct change *change, const char *uuid, json_int_t bytes, bool alone)
{
	const json_t *mdev = state_get(change->kernel, "mdevs", uuid);
	const char *name = change_vm_name(change, uuid), *on = json_string_value(json_object_get(mdev, "gpu"));
	const json_t *gpu = on ? state_get(change->kernel, "gpus", on) : NULL;
	json_int_t granule = json_integer_value(json_object_get(gpu, "granule")), used, most;
	char wants[UNITS_MAX], has[UNITS_MAX], fits[UNITS_MAX], step[UNITS_MAX];

	if (!granule)
		return ADMIN_OK;
	units_format(UNIT_SIZE, bytes, wants);
	units_format(UNIT_SIZE, granule, step);
	used = json_integer_value(json_object_get(json_object_get(mdev, "stats"), "memory_used"));
	if (bytes < used) {
		units_format(UNIT_SIZE, used, has);
		units_format(UNIT_SIZE, (used + granule - 1) / granule * granule, fits);
		admin_error("vm %s: %s of its memory are in use, more than %s: stop programs of its guest, or leave it that "
			    "much: vgpu-admin vm set %s --memory %s", name, has, wants, name, fits);
		return ADMIN_BUSY;
	}
	if (bytes % granule) {
		units_format(UNIT_SIZE, (bytes / granule + 1) * granule, fits);
		admin_error("vm %s: GPU %s gives memory in granules of %s, and %s is no whole number of them; the next that is: "
			    "vgpu-admin vm set %s --memory %s", name, on, step, wants, name, fits);
		return ADMIN_USAGE;
	}
	most = json_integer_value(json_object_get(mdev, "memory")) + json_integer_value(json_object_get(gpu, "memory")) -
	       json_integer_value(json_object_get(gpu, "memory_given"));
	most = most / granule * granule;
	/* Of several at once, one may give up what another one gets. */
	if (!alone || bytes <= most)
		return ADMIN_OK;
	units_format(UNIT_SIZE, most, fits);
	admin_error("vm %s: GPU %s has not so much memory left; the most that %s can have there: vgpu-admin vm set %s --memory %s",
		    name, on, name, name, fits);
	return ADMIN_FAILED;
}

static enum admin_exit refuse_memory(const struct change *change, const json_t *ops)
{
	enum admin_exit status = ADMIN_OK;
	const json_t *memory;
	const char *uuid;
	json_t *op;
	size_t i;

	json_array_foreach(ops, i, op) {
		uuid = json_string_value(json_object_get(op, "uuid"));
		memory = json_object_get(json_object_get(op, "set"), "memory");
		if (status == ADMIN_OK && uuid && memory)
			status = check_memory(change, uuid, json_integer_value(memory), json_array_size(ops) == 1);
	}
	return status;
}

static enum admin_exit refuse_gpu_moves(const struct change *change, const json_t *ops)
{
	enum admin_exit status = ADMIN_OK;
	json_t *op;
	size_t i;

	json_array_foreach(ops, i, op)
		if (status == ADMIN_OK && !strcmp(json_string_value(json_object_get(op, "op")), "gpu-set"))
			status = refuse_tenants(change, ops, json_string_value(json_object_get(op, "name")),
						json_string_value(json_object_get(op, "pool")));
	return status;
}

/* Virtual GPUs are declared to be where they were made. */
static void note_places(json_t *wanted, const json_t *placed)
{
	const char *uuid;
	json_t *place;

	json_object_foreach((json_t *)placed, uuid, place)
		if (json_object_get(state_get(wanted, "vms", uuid), "type"))
			json_object_update(state_add(wanted, "vms", uuid), place);
}

/* The change is made, whether or not it can be told. */
static void tell_journal(struct change *change, unsigned int count)
{
	json_t *entries;

	if (!count || access(EVENT_LOG_JOURNAL, F_OK) || db_history(change->db, count, &entries) != ADMIN_OK)
		return;
	event_log_declared(entries, EVENT_LOG_JOURNAL);
	json_decref(entries);
}

static enum admin_exit declare(struct change *change, json_int_t intent)
{
	json_t *differences = plan_diff(change->declared, change->wanted);
	enum admin_exit status = db_begin(change->db);

	if (status == ADMIN_OK)
		status = db_store(change->db, change->declared, change->wanted);
	if (status == ADMIN_OK)
		status = db_history_add(change->db, change->args->command, differences, change->declared,
					change->wanted);
	if (status == ADMIN_OK && intent)
		status = db_intent_remove(change->db, intent);
	if (status == ADMIN_OK)
		status = db_commit(change->db);
	else
		db_rollback(change->db);
	if (status == ADMIN_OK)
		tell_journal(change, json_array_size(differences));
	json_decref(differences);
	return status;
}

/* The steps of db.h. */
static enum admin_exit carry_out(struct change *change, const json_t *touched, const json_t *ops)
{
	json_t *record = NULL, *placed = json_object();
	enum admin_exit status = ADMIN_OK;
	char boot[KERNEL_BOOT_MAX];
	json_int_t intent = 0;

	if (json_array_size(ops)) {
		record = json_pack("{s:O, s:o}", "touched", touched, "snapshot",
				   plan_snapshot(change->kernel, touched, ops));
		kernel_boot(boot);
		status = db_intent_add(change->db, boot, change->args->command, record, &intent);
		if (status == ADMIN_OK)
			status = apply(change->link, ops, placed, true);
		else
			intent = 0;
	}
	note_places(change->wanted, placed);
	if (status == ADMIN_OK)
		status = declare(change, intent);
	if (status != ADMIN_OK && intent) {
		if (undo(change->link, record) == ADMIN_OK)
			db_intent_remove(change->db, intent);
		else
			admin_error("what was changed before that could not be undone; the next command tries it again");
	}
	json_decref(placed);
	json_decref(record);
	return status;
}

static void print_dry_run(const struct change *change, const json_t *ops)
{
	json_t *differences = plan_diff(change->declared, change->wanted), *both;

	if (change->args->json) {
		both = json_pack("{s:O, s:O}", "declared", differences, "kernel", ops);
		print_json(both, change->args);
		json_decref(both);
	} else {
		change_print_differences(change, differences);
	}
	json_decref(differences);
}

/* A GPU or virtual GPU that is declared to be in a pool that is not. */
static enum admin_exit check_pools(const struct change *change)
{
	static const char * const kinds[] = { "gpus", "vms" };
	const char *name, *pool;
	json_t *object;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		json_object_foreach(json_object_get(change->wanted, kinds[i]), name, object) {
			pool = json_string_value(json_object_get(object, "pool"));
			if (!pool || state_get(change->wanted, "pools", pool))
				continue;
			admin_error("%.*s %s: there is no pool '%s'; make it: vgpu-admin pool add %s",
				    (int)strlen(kinds[i]) - 1, kinds[i], change_vm_name(change, name), pool, pool);
			return ADMIN_NOT_FOUND;
		}
	}
	return ADMIN_OK;
}

static enum admin_exit commit(struct change *change, const json_t *touched)
{
	json_t *ops = plan_make(change->kernel, change->wanted, touched);
	enum admin_exit status;

	status = check_pools(change);
	if (status == ADMIN_OK)
		status = refuse_open(change->kernel, change->declared, ops);
	if (status == ADMIN_OK)
		status = refuse_gpu_moves(change, ops);
	if (status == ADMIN_OK)
		status = refuse_memory(change, ops);
	if (status == ADMIN_OK && change->args->dry_run)
		print_dry_run(change, ops);
	else if (status == ADMIN_OK)
		status = carry_out(change, touched, ops);
	json_decref(ops);
	return status;
}

/**
 * change_commit() - make what differs in @wanted true in kernel and database, or neither
 * @change: opened with DB_WRITE
 *
 * Under --dry-run it is printed instead. What fails is said on stderr. Return: the status to exit with.
 */
enum admin_exit change_commit(struct change *change)
{
	json_t *touched = plan_touched(change->declared, change->wanted);
	enum admin_exit status = commit(change, touched);

	json_decref(touched);
	return status;
}

/* Everything that is declared, or is to be. */
static json_t *all_of(const struct change *change)
{
	json_t *nothing = state_new(), *all = plan_touched(nothing, change->wanted), *before, *objects;
	const char *kind;

	before = plan_touched(nothing, change->declared);
	json_object_foreach(before, kind, objects)
		json_object_update(json_object_get(all, kind), objects);
	json_decref(before);
	json_decref(nothing);
	return all;
}

/**
 * change_commit_all() - make all of @wanted true in kernel and database, or neither
 * @change: opened with DB_WRITE
 *
 * As change_commit(), and what the kernel has otherwise than it is declared becomes so, too.
 */
enum admin_exit change_commit_all(struct change *change)
{
	json_t *touched = all_of(change);
	enum admin_exit status = commit(change, touched);

	json_decref(touched);
	return status;
}

static bool waits(const struct change *change, const json_t *op)
{
	const char *kind = json_string_value(json_object_get(op, "op")), *name, *pool, *state;
	json_t *gpu;

	if (strcmp(kind, "mdev-create"))
		return false;
	json_object_foreach(json_object_get(change->kernel, "gpus"), name, gpu) {
		state = json_string_value(json_object_get(gpu, "state"));
		pool = json_string_value(json_object_get(op, "pool"));
		if (!strcmp(state, "attached") &&
		    (!pool || !strcmp(pool, json_string_value(json_object_get(gpu, "pool")))))
			return false;
	}
	return true;
}

/* Of operations that bring back what is declared, those that can be tried now. */
static json_t *possible(const struct change *change, const json_t *ops, enum admin_exit *status)
{
	json_t *tried = json_array(), *busy = json_object(), *op;
	const char *uuid, *state;
	size_t i;

	json_array_foreach(ops, i, op) {
		uuid = json_string_value(json_object_get(op, "uuid"));
		state = uuid ? json_string_value(json_object_get(state_get(change->kernel, "mdevs", uuid), "state")) : NULL;
		if (!strcmp(json_string_value(json_object_get(op, "op")), "mdev-remove") && strcmp(state, "closed")) {
			admin_error("vm %s: it is not in its pool, and a virtual machine has it open: shut that down, then "
				    "try again", change_vm_name(change, uuid));
			json_object_set_new(busy, uuid, json_true());
			*status = ADMIN_BUSY;
		} else if (uuid && json_object_get(busy, uuid)) {
			continue;
		} else if (waits(change, op)) {
			admin_error("vm %s: it is made when a GPU for it is there and vgpu-admin config restore is run again",
				    change_vm_name(change, uuid));
		} else {
			json_array_append(tried, op);
		}
	}
	json_decref(busy);
	return tried;
}

/**
 * change_restore() - make the kernel as it is declared to be
 * @change: opened with DB_WRITE
 *
 * What cannot be made so is said on stderr, and the rest is. What the kernel has beside it stays. Return: the status to
 * exit with.
 */
enum admin_exit change_restore(struct change *change)
{
	enum admin_exit status = ADMIN_OK, applied = ADMIN_OK;
	json_t *touched = all_of(change), *ops, *tried;

	ops = plan_make(change->kernel, change->declared, touched);
	tried = possible(change, ops, &status);
	if (change->args->dry_run)
		print_json(tried, change->args);
	else
		applied = apply(change->link, tried, NULL, false);
	json_decref(tried);
	json_decref(ops);
	json_decref(touched);
	return status == ADMIN_OK ? applied : status;
}

/**
 * change_list_intents() - say what died half-way and would be undone
 *
 * What fails is said on stderr. Return: the status to exit with.
 */
enum admin_exit change_list_intents(void)
{
	json_t *intents = NULL, *intent;
	enum admin_exit status;
	struct db *db;
	size_t i;

	status = db_open(&db, change_database(), DB_READ);
	if (status == ADMIN_OK)
		status = db_intents(db, &intents);
	json_array_foreach(intents, i, intent)
		printf("to be undone: %s\n", json_string_value(json_object_get(intent, "command")));
	json_decref(intents);
	db_close(db);
	return status;
}

/**
 * change_forget_intents() - what died half-way is neither undone nor brought to its end
 * @args: the command's
 *
 * What fails is said on stderr. Return: the status to exit with.
 */
enum admin_exit change_forget_intents(const struct admin_args *args)
{
	json_t *intents = NULL, *intent;
	enum admin_exit status;
	struct db *db;
	size_t i;

	status = db_open(&db, change_database(), DB_WRITE);
	if (status == ADMIN_OK)
		status = db_intents(db, &intents);
	json_array_foreach(intents, i, intent) {
		if (status == ADMIN_OK && !args->dry_run)
			status = db_intent_remove(db, json_integer_value(json_object_get(intent, "id")));
		if (status == ADMIN_OK)
			printf("forgotten: %s\n", json_string_value(json_object_get(intent, "command")));
	}
	json_decref(intents);
	db_close(db);
	return status;
}
