// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * What vgpu-admin costs beside the kernel with 1,024 virtual GPUs registered: the database, deciding what is to be done,
 * printing. The kernel's part is in the hypervisor VM: tests/admin/scale.sh.
 */

#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <unistd.h>
#include "tests/bench/bench.h"
#include "tools/vgpu-admin/db.h"
#include "tools/vgpu-admin/print.h"
#include "tools/vgpu-admin/site.h"
#include "tools/vgpu-admin/toml.h"

#define VMS	1024
#define REPEATS	15

static char dir[] = "/var/tmp/vgpu-bench.XXXXXX";
static char path[64];

static const struct print_column columns[] = {
	{ "name", NULL, "NAME" },
	{ "uuid", "UUID", "UUID" },
	{ "pool", "pool", "POOL" },
	{ "tier", "tier", "TIER", PRINT_SETTING },
	{ "memory", "memory", "MEMORY", PRINT_SETTING },
	{ "depth", "depth", "DEPTH", PRINT_SETTING },
	{ "cmd_rate", "rate", "RATE", PRINT_SETTING },
	{ NULL },
};

void admin_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static void name_vm(int i, char uuid[37])
{
	snprintf(uuid, 37, "01234567-89ab-4def-8123-%012x", i);
}

static json_t *site(void)
{
	json_t *state = state_new(), *vm;
	char uuid[37], name[16];
	int i;

	state_add(state, "pools", POOL_DEFAULT);
	for (i = 0; i < VMS; i++) {
		name_vm(i, uuid);
		snprintf(name, sizeof(name), "vm%04d", i);
		vm = json_pack("{s:s, s:s, s:s, s:i, s:i, s:I}", "name", name, "pool", POOL_DEFAULT, "tier",
			       i % 2 ? "high" : "low", "depth", 1 + i, "cmd_rate", 1000 + i, "memory", (json_int_t)1 << 30);
		json_object_set_new(json_object_get(state, "vms"), uuid, vm);
	}
	return state;
}

/* What the kernel would tell of it. */
static json_t *kernel_of(const json_t *state)
{
	json_t *kernel = json_deep_copy(state);

	json_object_set_new(kernel, "mdevs", json_object());
	return kernel;
}

static void store(struct db *db, const char *command, const json_t *before, const json_t *after, json_int_t intent)
{
	json_t *differences = plan_diff(before, after);

	if (db_begin(db) != ADMIN_OK || db_store(db, before, after) != ADMIN_OK ||
	    db_history_add(db, command, differences, before, after) != ADMIN_OK ||
	    (intent && db_intent_remove(db, intent) != ADMIN_OK) || db_commit(db) != ADMIN_OK)
		exit(1);
	json_decref(differences);
}

/* As a command goes: repair's look, what is declared, what is to be done, the intent, what is declared then. */
static void change(const json_t *kernel, json_t *(*edit)(json_t *state))
{
	json_t *before, *after, *touched, *ops, *undo, *intents;
	json_int_t intent;
	struct db *db;

	if (db_open(&db, path, DB_WRITE) != ADMIN_OK || db_intents(db, &intents) != ADMIN_OK ||
	    db_state(db, &before) != ADMIN_OK)
		exit(1);
	after = edit(state_copy(before));
	touched = plan_touched(before, after);
	ops = plan_make(kernel, after, touched);
	undo = json_pack("{s:O, s:o}", "touched", touched, "snapshot", plan_snapshot(kernel, touched, ops));
	if (db_intent_add(db, "boot", "bench", undo, &intent) != ADMIN_OK)
		exit(1);
	store(db, "bench", before, after, intent);
	json_decref(undo);
	json_decref(ops);
	json_decref(touched);
	json_decref(after);
	json_decref(before);
	json_decref(intents);
	db_close(db);
}

static json_t *set_one(json_t *state)
{
	static int depth;
	char uuid[37];

	name_vm(VMS / 2, uuid);
	json_object_set_new(state_add(state, "vms", uuid), "depth", json_integer(1 + depth++ % 4096));
	return state;
}

static char *document;

/* A file in which all of them are another way than they are declared. */
static json_t *apply_file(json_t *state)
{
	json_t *parsed, *wanted;
	const char *uuid;
	char why[256];
	json_t *vm;

	parsed = toml_read(document, why, sizeof(why));
	if (!parsed || site_parse("bench", parsed, NULL, &wanted) != ADMIN_OK)
		exit(1);
	json_object_foreach(json_object_get(wanted, "vms"), uuid, vm)
		json_object_set_new(vm, "depth", json_integer(1 + json_integer_value(json_object_get(state_get(state, "vms",
			uuid), "depth")) % 4096));
	json_decref(parsed);
	json_decref(state);
	return wanted;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Median, in milliseconds. */
static double median(double *ms)
{
	qsort(ms, REPEATS, sizeof(*ms), by_value);
	return ms[REPEATS / 2];
}

static double time_of(void (*what)(void))
{
	double ms[REPEATS];
	uint64_t start;
	int i;

	for (i = 0; i < REPEATS; i++) {
		start = bench_ns();
		what();
		ms[i] = (bench_ns() - start) / 1e6;
	}
	return median(ms);
}

static json_t *kernel;

static void run_show(void)
{
	const struct admin_args args = { 0 };
	json_t *state, *list = json_array(), *vm, *one;
	const char *uuid;
	struct db *db;

	if (db_open(&db, path, DB_READ) != ADMIN_OK || db_state(db, &state) != ADMIN_OK)
		exit(1);
	json_object_foreach(json_object_get(kernel, "vms"), uuid, vm) {
		one = json_pack("{s:s}", "uuid", uuid);
		json_object_update(one, state_get(state, "vms", uuid));
		json_object_update_missing(one, vm);
		json_array_append_new(list, one);
	}
	print_table(list, columns, "none", &args);
	fflush(stdout);
	json_decref(list);
	json_decref(state);
	db_close(db);
}

static void run_set(void)
{
	change(kernel, set_one);
}

static void run_apply(void)
{
	change(kernel, apply_file);
}

/* The floor of what only looks: SQLite reading the table. */
static void run_select(void)
{
	sqlite3_stmt *query;
	sqlite3 *sqlite;
	volatile int sum = 0;
	int i;

	if (sqlite3_open_v2(path, &sqlite, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(sqlite, "SELECT * FROM vm", -1, &query, NULL) != SQLITE_OK)
		exit(1);
	while (sqlite3_step(query) == SQLITE_ROW)
		for (i = 0; i < sqlite3_column_count(query); i++)
			sum += sqlite3_column_bytes(query, i);
	sqlite3_finalize(query);
	sqlite3_close(sqlite);
}

/* The floor of what lasts: intent and change are each on the disk before the command goes on. */
static void run_sync(void)
{
	char file[80], page[8192] = "";
	int fd, i;

	snprintf(file, sizeof(file), "%s/floor", dir);
	fd = open(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
	for (i = 0; i < 2; i++)
		if (write(fd, page, sizeof(page)) != sizeof(page) || fdatasync(fd))
			exit(1);
	close(fd);
}

int main(int argc, char **argv)
{
	int out = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY);
	double show = 0, set = 0, apply = 0, select, sync;
	json_t *nothing, *state = site();
	char command[64];
	struct db *db;
	FILE *file;
	size_t len;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/vgpu.db", dir);
	if (db_open(&db, path, DB_CREATE) != ADMIN_OK || db_state(db, &nothing) != ADMIN_OK)
		return 1;
	store(db, "bench", nothing, state, 0);
	db_close(db);
	json_decref(nothing);
	kernel = kernel_of(state);
	file = open_memstream(&document, &len);
	site_write(state, file);
	fclose(file);
	fflush(stdout);
	dup2(null, STDOUT_FILENO);
	select = time_of(run_select);
	if (bench_wanted(argc, argv, "admin/vm-show-1024"))
		show = time_of(run_show);
	sync = time_of(run_sync);
	if (bench_wanted(argc, argv, "admin/vm-set-of-1024"))
		set = time_of(run_set);
	if (bench_wanted(argc, argv, "admin/config-apply-1024"))
		apply = time_of(run_apply);
	dup2(out, STDOUT_FILENO);
	if (show)
		ROW(.name = "admin/vm-show-1024", .value = show, .unit = "ms", .beside = "SQLite reading the table",
		    .beside_value = select, .goal = GOAL_AT_MOST, .limit = 100, .on_value = true);
	if (set)
		ROW(.name = "admin/vm-set-of-1024", .value = set, .unit = "ms", .beside = "two writes synced",
		    .beside_value = sync, .goal = GOAL_AT_MOST, .limit = 10, .on_value = true);
	if (apply)
		ROW(.name = "admin/config-apply-1024", .value = apply, .unit = "ms", .beside = "two writes synced",
		    .beside_value = sync, .goal = GOAL_AT_MOST, .limit = 2000, .on_value = true);
	json_decref(kernel);
	json_decref(state);
	free(document);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) != 0;
}
