// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Quarantine: the kernel decides about it; the database keeps its history, as far as a command looked while it was the last
 * one of its virtual GPU.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "change.h"
#include "print.h"

static const struct print_column show_columns[] = {
	{ "label", NULL, "VM" },
	{ "active", "quarantined", "QUARANTINED", PRINT_YES_NO },
	{ "cause", "cause", "CAUSE" },
	{ "since_ns", "since", "SINCE", PRINT_TIME },
	{ "until_ns", "until", "UNTIL", PRINT_TIME },
	{ "count", "that count for the next one's time", "COUNT" },
	{ NULL },
};

static const struct print_column log_columns[] = {
	{ "label", NULL, "VM" },
	{ "since_ns", "since", "SINCE", PRINT_TIME },
	{ "cause", "cause", "CAUSE" },
	{ "until_ns", "until", "UNTIL", PRINT_TIME },
	{ "ended_ns", "ended", "ENDED", PRINT_TIME },
	{ "ended_by", "ended by", "BY" },
	{ NULL },
};

static json_int_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What is added to CLOCK_MONOTONIC for CLOCK_REALTIME. */
static json_int_t clock_offset(void)
{
	return read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* Records what the kernel tells of one. @by is who has ended it just now, NULL where nobody did. */
static enum admin_exit note(struct change *change, const char *uuid, const json_t *quarantine, const char *by)
{
	bool active = json_is_true(json_object_get(quarantine, "active"));
	json_int_t offset = clock_offset(), until = number(quarantine, "until_ns"), now = read_clock(CLOCK_MONOTONIC);
	enum admin_exit status;
	char boot[KERNEL_BOOT_MAX];
	json_t *entry;

	if (!number(quarantine, "since_ns"))
		return ADMIN_OK;
	kernel_boot(boot);
	entry = json_pack("{s:s, s:s, s:I, s:I, s:O}", "boot", boot, "uuid", uuid, "clock_ns",
			  number(quarantine, "since_ns"), "since_ns", number(quarantine, "since_ns") + offset, "cause",
			  json_object_get(quarantine, "cause"));
	if (until)
		json_object_set_new(entry, "until_ns", json_integer(until + offset));
	if (!active) {
		bool over = !by && until && until <= now;

		json_object_set_new(entry, "ended_ns", json_integer((over ? until : now) + offset));
		json_object_set_new(entry, "ended_by", json_string(by ? by : over ? "time" : "unknown"));
	}
	status = db_quarantine_note(change->db, entry);
	json_decref(entry);
	return status;
}

static enum admin_exit note_all(struct change *change)
{
	enum admin_exit status = ADMIN_OK;
	const char *uuid;
	json_t *vm;

	json_object_foreach(json_object_get(change->kernel, "mdevs"), uuid, vm)
		if (status == ADMIN_OK)
			status = note(change, uuid, json_object_get(vm, "quarantine"), NULL);
	return status;
}

static enum admin_exit quarantine_show(const struct admin_args *args)
{
	json_t *list = json_array(), *vm, *one;
	json_int_t offset = clock_offset();
	const char *only = NULL, *uuid;
	enum admin_exit status;
	struct change change;

	status = change_open(&change, args, DB_READ);
	if (status == ADMIN_OK && args->num_names)
		status = change_find_vm(&change, args->names[0], &only);
	if (status == ADMIN_OK) {
		json_object_foreach(json_object_get(change.kernel, "mdevs"), uuid, vm) {
			one = json_deep_copy(json_object_get(vm, "quarantine"));
			if ((only && strcmp(only, uuid)) || (!only && !number(one, "since_ns"))) {
				json_decref(one);
				continue;
			}
			json_object_set_new(one, "uuid", json_string(uuid));
			json_object_set_new(one, "label", json_string(change_vm_name(&change, uuid)));
			if (number(one, "since_ns")) {
				json_object_set_new(one, "since_ns", json_integer(number(one, "since_ns") + offset));
			} else {
				json_object_del(one, "since_ns");
				json_object_del(one, "cause");
			}
			if (number(one, "until_ns"))
				json_object_set_new(one, "until_ns", json_integer(number(one, "until_ns") + offset));
			else
				json_object_del(one, "until_ns");
			json_array_append_new(list, one);
		}
		if (only)
			print_details(list, show_columns, args);
		else
			print_table(list, show_columns, "no virtual GPU was ever in quarantine", args);
	}
	json_decref(list);
	return change_close(&change, status);
}

static enum admin_exit quarantine_log(const struct admin_args *args)
{
	json_t *entries = NULL, *kept = json_array(), *entry;
	const char *only = NULL, *uuid;
	enum admin_exit status;
	struct change change;
	size_t i;

	status = change_open(&change, args, DB_WRITE);
	if (status == ADMIN_OK)
		status = note_all(&change);
	if (status == ADMIN_OK && args->num_names)
		status = change_find_vm(&change, args->names[0], &only);
	if (status == ADMIN_OK)
		status = db_quarantines(change.db, &entries);
	json_array_foreach(entries, i, entry) {
		uuid = json_string_value(json_object_get(entry, "uuid"));
		if (only && strcmp(only, uuid))
			continue;
		json_object_set_new(entry, "label", json_string(change_vm_name(&change, uuid)));
		json_array_append(kept, entry);
	}
	if (status == ADMIN_OK)
		print_table(kept, log_columns, "no quarantine was noted", args);
	json_decref(kept);
	json_decref(entries);
	return change_close(&change, status);
}

static enum admin_exit turn(const struct admin_args *args, bool release)
{
	enum admin_exit status;
	struct change change;
	const char *uuid;
	char about[96];
	json_t *who, *kernel;

	status = change_open(&change, args, DB_WRITE);
	if (status == ADMIN_OK && !args->dry_run)
		status = note_all(&change);
	if (status == ADMIN_OK)
		status = change_find_vm(&change, args->names[0], &uuid);
	if (status == ADMIN_OK && !state_get(change.kernel, "mdevs", uuid)) {
		admin_error("vm %s: there is no virtual GPU of it now", args->names[0]);
		status = ADMIN_NOT_FOUND;
	}
	if (status == ADMIN_OK && args->dry_run) {
		printf("vm %s: %s\n", change_vm_name(&change, uuid), release ? "released" : "quarantined until released");
		return change_close(&change, status);
	}
	if (status == ADMIN_OK) {
		snprintf(about, sizeof(about), "vm %s", change_vm_name(&change, uuid));
		status = kernel_quarantine(change.link, uuid, release, about);
	}
	if (status == ADMIN_OK)
		status = kernel_read(change.link, uuid, &kernel);
	if (status == ADMIN_OK) {
		who = db_who();
		status = note(&change, uuid, json_object_get(state_get(kernel, "mdevs", uuid), "quarantine"),
			      release ? json_string_value(who) : NULL);
		json_decref(who);
		json_decref(kernel);
	}
	return change_close(&change, status);
}

static enum admin_exit quarantine_add(const struct admin_args *args)
{
	return turn(args, false);
}

static enum admin_exit quarantine_release(const struct admin_args *args)
{
	return turn(args, true);
}

static const struct admin_verb quarantine_verbs[] = {
	{ "show", "[VM]", "who is in quarantine or was, or one's state", 0, 1, NULL, quarantine_show, ADMIN_VM },
	{ "add", "VM", "refuse what one submits, until it is released", 1, 1, NULL, quarantine_add, ADMIN_VM, true },
	{ "release", "VM", "end a quarantine", 1, 1, NULL, quarantine_release, ADMIN_VM, true },
	{ "log", "[VM]", "what quarantines there were", 0, 1, NULL, quarantine_log, ADMIN_VM },
	{ NULL },
};

const struct admin_object admin_quarantine = {
	"quarantine", "virtual GPUs whose submissions are refused", quarantine_verbs,
};
