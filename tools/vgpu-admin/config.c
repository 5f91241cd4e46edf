// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "change.h"
#include "print.h"
#include "site.h"

#define LOG_DEFAULT	50

static const struct print_column log_columns[] = {
	{ "id", NULL, "ID" },
	{ "time_ns", NULL, "TIME", PRINT_TIME },
	{ "who", NULL, "WHO" },
	{ "object", NULL, "OBJECT" },
	{ "called", NULL, "NAME" },
	{ "what", NULL, "CHANGE" },
	{ "command", NULL, "COMMAND" },
	{ NULL },
};

enum { INIT_IF_MISSING };

static const struct admin_option init_options[] = {
	[INIT_IF_MISSING] = { "if-missing", NULL, "do nothing where there is a database" },
	{ NULL },
};

enum { APPLY_YES };

static const struct admin_option apply_options[] = {
	[APPLY_YES] = { "yes", NULL, "do not ask, even where a person is there to answer" },
	{ NULL },
};

enum { LOG_COUNT };

static const struct admin_option log_options[] = {
	[LOG_COUNT] = { "last", "N", "so many changes instead of 50; 0 for all" },
	{ NULL },
};

enum { REPAIR_KEEP };

static const struct admin_option repair_options[] = {
	[REPAIR_KEEP] = { "keep", NULL, "leave the kernel as a command left it that died half-way, and forget about that" },
	{ NULL },
};

static enum admin_exit config_init(const struct admin_args *args)
{
	enum admin_exit status;
	struct db *db;

	if (!access(change_database(), F_OK)) {
		if (args->value[INIT_IF_MISSING])
			return ADMIN_OK;
		admin_error("%s is there already; move it away to begin anew", change_database());
		return ADMIN_EXISTS;
	}
	if (args->dry_run) {
		printf("would make %s\n", change_database());
		return ADMIN_OK;
	}
	status = db_open(&db, change_database(), DB_CREATE);
	db_close(db);
	return status;
}

static bool write_state(const json_t *state, const struct admin_args *args, FILE *file)
{
	if (args->json)
		print_json_to(file, state, args);
	else
		site_write(state, file);
	return !fflush(file) && !ferror(file);
}

static enum admin_exit export_to(const char *path, const json_t *state, const struct admin_args *args)
{
	FILE *file = path ? fopen(path, "we") : stdout;
	bool written = file && write_state(state, args, file);

	if (path && file && fclose(file))
		written = false;
	if (written)
		return ADMIN_OK;
	admin_error("%s: %s", path ? path : "cannot write the answer", strerror(errno));
	return ADMIN_FAILED;
}

static enum admin_exit config_export(const struct admin_args *args)
{
	enum admin_exit status;
	json_t *state = NULL;
	struct db *db;

	status = db_open(&db, change_database(), DB_READ);
	if (status == ADMIN_OK && access(change_database(), F_OK)) {
		admin_error("%s is not there: nothing is declared; begin with: vgpu-admin config init", change_database());
		status = ADMIN_DATABASE;
	}
	if (status == ADMIN_OK)
		status = db_state(db, &state);
	if (status == ADMIN_OK)
		status = export_to(args->num_names ? args->names[0] : NULL, state, args);
	json_decref(state);
	db_close(db);
	return status;
}

/* What the file leaves open stays as it is: the GPU on which one was made. */
static void keep_places(const json_t *declared, json_t *wanted)
{
	const json_t *before;
	const char *uuid;
	json_t *vm;

	json_object_foreach(json_object_get(wanted, "vms"), uuid, vm) {
		before = state_get(declared, "vms", uuid);
		if (json_object_get(vm, "type") && !json_object_get(vm, "gpu") && json_object_get(before, "gpu"))
			json_object_set(vm, "gpu", json_object_get(before, "gpu"));
	}
}

/* Virtual GPUs that vgpu-admin made and that the file does not have go. */
static void drop_places(const json_t *declared, json_t *wanted)
{
	json_t *places = json_object(), *vm;
	const char *uuid;

	json_object_foreach(json_object_get(declared, "vms"), uuid, vm)
		if (json_object_get(vm, "type") && !state_get(wanted, "vms", uuid))
			json_object_set_new(places, uuid, json_null());
	json_object_set_new(wanted, "places", places);
}

static bool has_to_ask(const struct admin_args *args)
{
	return !args->value[APPLY_YES] && !args->dry_run && isatty(STDIN_FILENO) && strcmp(args->names[0], "-");
}

static bool confirmed(void)
{
	char answer[16];

	fputs("Make it so? [y/N] ", stdout);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

/* Opens, and finds what the file changes. @change is to be closed whatever is returned. */
static enum admin_exit compare(struct change *change, const struct admin_args *args, const json_t *document,
			       json_t **differences)
{
	enum admin_exit status = change_open(change, args, DB_WRITE);
	json_t *wanted;

	*differences = NULL;
	if (status == ADMIN_OK)
		status = site_parse(site_name(args->names[0]), document, json_object_get(change->kernel, "gpus"), &wanted);
	if (status != ADMIN_OK)
		return status;
	json_decref(change->wanted);
	change->wanted = wanted;
	keep_places(change->declared, wanted);
	drop_places(change->declared, wanted);
	*differences = plan_diff(change->declared, wanted);
	return ADMIN_OK;
}

/* Other commands need not wait until a person has answered; but then the answer may be to another question. */
static enum admin_exit ask(struct change *change, const struct admin_args *args, const json_t *document,
			   const json_t *differences)
{
	enum admin_exit status = change_close(change, ADMIN_OK);
	json_t *again;

	*change = (struct change){ .args = args };
	if (!confirmed()) {
		admin_error("nothing was changed");
		return ADMIN_FAILED;
	}
	if (status == ADMIN_OK)
		status = compare(change, args, document, &again);
	if (status != ADMIN_OK)
		return status;
	if (!json_equal(again, differences)) {
		admin_error("what is declared was changed meanwhile, so that nothing was changed; look at it again: vgpu-admin "
			    "config diff %s", args->names[0]);
		status = ADMIN_FAILED;
	}
	json_decref(again);
	return status;
}

static enum admin_exit config_apply(const struct admin_args *args)
{
	json_t *document, *differences;
	enum admin_exit status;
	struct change change;

	status = site_load(args->names[0], &document);
	if (status != ADMIN_OK)
		return status;
	status = compare(&change, args, document, &differences);
	if (status == ADMIN_OK && !args->dry_run) {
		if (args->json)
			print_json(differences, args);
		else
			change_print_differences(&change, differences);
		if (has_to_ask(args))
			status = ask(&change, args, document, differences);
	}
	if (status == ADMIN_OK)
		status = change_commit_all(&change);
	json_decref(differences);
	json_decref(document);
	return change_close(&change, status);
}

static enum admin_exit config_diff(const struct admin_args *args)
{
	json_t *differences = NULL, *document = NULL, *file = NULL;
	enum admin_exit status = ADMIN_OK;
	struct change change;

	if (args->num_names)
		status = site_load(args->names[0], &document);
	if (status != ADMIN_OK)
		return status;
	status = change_open(&change, args, DB_WRITE);
	if (status == ADMIN_OK && args->num_names) {
		status = site_parse(site_name(args->names[0]), document, json_object_get(change.kernel, "gpus"), &file);
		if (status == ADMIN_OK) {
			keep_places(change.declared, file);
			differences = plan_diff(change.declared, file);
		}
	} else if (status == ADMIN_OK) {
		differences = plan_drift(change.kernel, change.declared);
	}
	if (status == ADMIN_OK) {
		if (args->json)
			print_json(differences, args);
		else
			change_print_differences(&change, differences);
		if (json_array_size(differences))
			status = ADMIN_DIFFERS;
	}
	json_decref(differences);
	json_decref(document);
	json_decref(file);
	return change_close(&change, status);
}

static enum admin_exit config_restore(const struct admin_args *args)
{
	enum admin_exit status;
	struct change change;

	status = change_open(&change, args, DB_WRITE);
	if (status == ADMIN_OK)
		status = db_check(change.db);
	if (status == ADMIN_OK)
		status = change_restore(&change);
	return change_close(&change, status);
}

static enum admin_exit config_repair(const struct admin_args *args)
{
	enum admin_exit status;
	struct change change;

	if (args->value[REPAIR_KEEP])
		return change_forget_intents(args);
	if (args->dry_run)
		return change_list_intents();
	status = change_open(&change, args, DB_WRITE);
	return change_close(&change, status);
}

static void describe(json_t *entry)
{
	const json_t *before = json_object_get(entry, "before"), *after = json_object_get(entry, "after");
	const json_t *one = after ? after : before;
	const char *name = json_string_value(json_object_get(one, "name")), *key;
	char text[1024] = "", value[PRINT_TEXT_MAX];
	json_t *now;
	size_t at = 0;

	json_object_set_new(entry, "called", json_string(name ? name : json_string_value(json_object_get(entry, "name"))));
	if (!after || !before) {
		json_object_set_new(entry, "what", json_string(after ? "added" : "removed"));
		return;
	}
	json_object_foreach((json_t *)after, key, now) {
		if (at >= sizeof(text) || json_equal(now, json_object_get(before, key)) || json_is_object(now))
			continue;
		print_setting(key, now, value);
		at += snprintf(text + at, sizeof(text) - at, "%s%s=%s", at ? " " : "", key, value);
	}
	json_object_set_new(entry, "what", json_string(at ? text : "changed"));
}

static enum admin_exit config_log(const struct admin_args *args)
{
	json_t *entries = NULL, *entry;
	uint64_t count = LOG_DEFAULT;
	enum admin_exit status;
	struct db *db;
	size_t i;

	if (args->value[LOG_COUNT] && (units_parse_count(args->value[LOG_COUNT], &count) || count > UINT32_MAX)) {
		admin_error("--last %s: must be a whole number", args->value[LOG_COUNT]);
		return ADMIN_USAGE;
	}
	status = db_open(&db, change_database(), DB_READ);
	if (status == ADMIN_OK)
		status = db_history(db, count ? count : UINT32_MAX, &entries);
	if (status == ADMIN_OK && !args->json)
		json_array_foreach(entries, i, entry)
			describe(entry);
	if (status == ADMIN_OK)
		print_table(entries, log_columns, "no change was made", args);
	json_decref(entries);
	db_close(db);
	return status;
}

static const struct admin_verb config_verbs[] = {
	{ "show", "", "what is declared, as a configuration file", 0, 0, NULL, config_export },
	{ "init", "", "make the database, in which nothing is declared", 0, 0, init_options, config_init, ADMIN_ANY, true },
	{ "export", "[FILE]", "what is declared, as a configuration file", 0, 1, NULL, config_export, ADMIN_FILE },
	{ "apply", "FILE", "declare what a configuration file says, and nothing else; - for standard input", 1, 1,
	  apply_options, config_apply, ADMIN_FILE, true },
	{ "diff", "[FILE]", "how the kernel, or a file, differs from what is declared; status 7 if it does", 0, 1, NULL,
	  config_diff, ADMIN_FILE },
	{ "restore", "", "make the kernel as it is declared to be", 0, 0, NULL, config_restore, ADMIN_ANY, true },
	{ "log", "", "who changed what, when", 0, 0, log_options, config_log },
	{ "repair", "", "undo what a command did that died half-way, as every command does first", 0, 0, repair_options,
	  config_repair, ADMIN_ANY, true },
	{ NULL },
};

const struct admin_object admin_config = { "config", "what is declared, as a whole", config_verbs };
