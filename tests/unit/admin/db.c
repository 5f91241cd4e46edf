// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "tools/vgpu-admin/db.h"

#define UUID		"01234567-89ab-4def-8123-456789abcde0"
#define OTHER		"01234567-89ab-4def-8123-456789abcde1"
#define KILLS		100
#define WRITERS		4
#define VMS		8

static char dir[] = "/tmp/vgpu-db.XXXXXX";
static char path[64];
static char said[512];

void admin_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
}

static int setup(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s/state", dir);
	snprintf(path, sizeof(path), "%s/state/vgpu.db", dir);
	said[0] = '\0';
	return system(command);
}

static struct db *opened(enum db_mode mode)
{
	struct db *db;

	if (db_open(&db, path, mode) != ADMIN_OK)
		fail_msg("%s", said);
	return db;
}

static void refused(enum db_mode mode, const char *expected)
{
	struct db *db;

	assert_int_equal(db_open(&db, path, mode), ADMIN_DATABASE);
	assert_null(db);
	if (!strstr(said, expected) || !strstr(said, path))
		fail_msg("'%s' does not say '%s' and the path", said, expected);
}

static void sql(const char *statement)
{
	sqlite3 *sqlite;

	assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
	if (sqlite3_exec(sqlite, statement, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(sqlite));
	sqlite3_close(sqlite);
}

/* The declared state with a virtual GPU as it is said to be. */
static json_t *with_vm(const json_t *state, const char *uuid, const char *tier, int depth)
{
	json_t *after = json_deep_copy(state);

	json_object_set_new(json_object_get(after, "vms"), uuid, json_pack("{s:s, s:i}", "tier", tier, "depth", depth));
	return after;
}

static json_t *declared(struct db *db)
{
	json_t *state;

	assert_int_equal(db_state(db, &state), ADMIN_OK);
	return state;
}

/* One transaction, with its history. */
static void store(struct db *db, const json_t *before, const json_t *after)
{
	json_t *differences = plan_diff(before, after);

	assert_int_equal(db_begin(db), ADMIN_OK);
	assert_int_equal(db_store(db, before, after), ADMIN_OK);
	assert_int_equal(db_history_add(db, "test", differences, before, after), ADMIN_OK);
	assert_int_equal(db_commit(db), ADMIN_OK);
	json_decref(differences);
}

static void declare(struct db *db, const char *uuid, const char *tier, int depth)
{
	json_t *before = declared(db), *after = with_vm(before, uuid, tier, depth);

	store(db, before, after);
	json_decref(after);
	json_decref(before);
}

static size_t count_vms(struct db *db)
{
	json_t *state = declared(db);
	size_t count = json_object_size(json_object_get(state, "vms"));

	json_decref(state);
	return count;
}

static void none_is_empty(void **state)
{
	struct db *db = opened(DB_READ);
	json_t *rows = declared(db);

	assert_int_equal(json_object_size(json_object_get(rows, "vms")), 0);
	assert_non_null(state_get(rows, "pools", POOL_DEFAULT));
	json_decref(rows);
	db_close(db);
	assert_int_equal(access(path, F_OK), -1);
	refused(DB_WRITE, "is not there: put back a copy, or begin with nothing declared");
	assert_int_equal(access(path, F_OK), -1);
}

/* Of every kind with every column. */
static void what_is_declared_is_read(void **state)
{
	json_t *rows, *history, *before, *whole, *limits = json_object();
	struct db *db = opened(DB_CREATE);
	const struct setting *setting;
	char word[UNITS_MAX];

	before = declared(db);
	whole = json_pack("{s:{s:{}, s:{}}, s:{s:{s:s}}, s:{s:{s:s, s:s, s:s, s:s}}}", "pools", POOL_DEFAULT, "A", "gpus",
			  "0000:65:00.0", "pool", "A", "vms", UUID, "name", "web1", "pool", "A", "type", "vgpu-2g",
			  "gpu", "0000:65:00.0");
	for (setting = vm_settings; setting->key; setting++) {
		if (setting->unit == UNIT_WORD)
			snprintf(word, sizeof(word), "%s", setting->words[1]);
		else if (setting->unit == UNIT_STRIKES)
			snprintf(word, sizeof(word), "3/10min");
		else
			units_format(setting->unit, setting->max, word);
		json_object_set_new(state_get(whole, "vms", UUID), setting->key, setting_parse(setting, word, said,
											       sizeof(said)));
		if (setting != vm_settings)
			json_object_set(limits, setting->key, json_object_get(state_get(whole, "vms", UUID),
									      setting->key));
	}
	json_object_set_new(state_get(whole, "pools", "A"), "limits", limits);
	for (setting = pool_settings; setting->key; setting++)
		json_object_set_new(state_get(whole, "pools", "A"), setting->key,
				    setting_parse(setting, setting->standard, said, sizeof(said)));
	store(db, before, whole);
	db_close(db);
	db = opened(DB_READ);
	rows = declared(db);
	assert_true(json_equal(rows, whole));
	assert_int_equal(db_history(db, 100, &history), ADMIN_OK);
	assert_int_equal(json_array_size(history), 3);
	assert_null(json_object_get(json_array_get(history, 1), "before"));
	assert_true(json_equal(json_object_get(json_array_get(history, 2), "after"), state_get(whole, "vms", UUID)));
	json_decref(history);
	db_close(db);
	db = opened(DB_WRITE);
	store(db, whole, before);
	json_decref(rows);
	rows = declared(db);
	assert_true(json_equal(rows, before));
	json_decref(rows);
	json_decref(before);
	json_decref(whole);
	db_close(db);
}

/* Names are exchanged in one step. */
static void names_are_exchanged(void **state)
{
	struct db *db = opened(DB_CREATE);
	json_t *before = declared(db), *after = json_deep_copy(before), *swapped, *rows;

	json_object_set_new(state_add(after, "vms", UUID), "name", json_string("a"));
	json_object_set_new(state_add(after, "vms", OTHER), "name", json_string("b"));
	store(db, before, after);
	swapped = json_deep_copy(after);
	json_object_set_new(state_add(swapped, "vms", UUID), "name", json_string("b"));
	json_object_set_new(state_add(swapped, "vms", OTHER), "name", json_string("a"));
	store(db, after, swapped);
	rows = declared(db);
	assert_true(json_equal(rows, swapped));
	json_decref(rows);
	json_decref(swapped);
	json_decref(after);
	json_decref(before);
	db_close(db);
}

/* A database of the first version, which had no pools, comes up to this one with what it holds. */
static void an_older_one_is_migrated(void **state)
{
	json_t *rows, *history;
	struct db *db;

	db_close(opened(DB_CREATE));
	unlink(path);
	sql("CREATE TABLE vm (uuid TEXT PRIMARY KEY CHECK (length(uuid) = 36 AND uuid = lower(uuid)),"
	    " name TEXT UNIQUE CHECK (length(name) BETWEEN 1 AND 63), tier TEXT CHECK (tier IN ('high', 'medium', 'low')),"
	    " depth INTEGER CHECK (depth BETWEEN 1 AND 4096), sessions INTEGER CHECK (sessions BETWEEN 1 AND 64),"
	    " deadline_ns INTEGER CHECK (deadline_ns BETWEEN 1 AND 86400000000000)) STRICT, WITHOUT ROWID;"
	    "CREATE TABLE history (id INTEGER PRIMARY KEY AUTOINCREMENT, time_ns INTEGER NOT NULL, who TEXT NOT NULL,"
	    " command TEXT NOT NULL, uuid TEXT NOT NULL, before TEXT, after TEXT) STRICT;"
	    "CREATE INDEX history_uuid ON history (uuid, id);"
	    "CREATE TABLE intent (id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, undo TEXT NOT NULL) STRICT;"
	    "INSERT INTO vm (uuid, name, depth) VALUES ('" UUID "', 'old', 7);"
	    "INSERT INTO history (time_ns, who, command, uuid, after) VALUES (5, 'me', 'vm set', '" UUID "', '{\"depth\":7}');"
	    "PRAGMA application_id = 0x76677075; PRAGMA user_version = 1");
	refused(DB_READ, "is of version 1, this vgpu-admin's is 3");
	db_close(opened(DB_WRITE));
	sql("UPDATE vm SET weight = 1000");
	db = opened(DB_READ);
	rows = declared(db);
	assert_int_equal(json_integer_value(json_object_get(state_get(rows, "vms", UUID), "weight")), 1000);
	assert_int_equal(json_integer_value(json_object_get(state_get(rows, "vms", UUID), "depth")), 7);
	assert_non_null(state_get(rows, "pools", POOL_DEFAULT));
	assert_int_equal(db_history(db, 9, &history), ADMIN_OK);
	assert_string_equal(json_string_value(json_object_get(json_array_get(history, 0), "object")), "vm");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(history, 0), "time_ns")), 5);
	json_decref(history);
	json_decref(rows);
	db_close(db);
}

static void quarantines_are_kept(void **state)
{
	struct db *db = opened(DB_CREATE);
	json_t *entry = json_pack("{s:s, s:s, s:i, s:i, s:s, s:i}", "boot", "b", "uuid", UUID, "clock_ns", 10, "since_ns",
				  1000, "cause", "hang", "until_ns", 2000);
	json_t *rows;

	assert_int_equal(db_quarantine_note(db, entry), ADMIN_OK);
	assert_int_equal(db_quarantine_note(db, entry), ADMIN_OK);
	json_object_set_new(entry, "ended_ns", json_integer(1500));
	json_object_set_new(entry, "ended_by", json_string("me"));
	assert_int_equal(db_quarantine_note(db, entry), ADMIN_OK);
	/* The end that was noted first stays. */
	json_object_set_new(entry, "ended_ns", json_integer(1700));
	assert_int_equal(db_quarantine_note(db, entry), ADMIN_OK);
	assert_int_equal(db_quarantines(db, &rows), ADMIN_OK);
	assert_int_equal(json_array_size(rows), 1);
	json_object_set_new(entry, "ended_ns", json_integer(1500));
	assert_true(json_equal(json_array_get(rows, 0), entry));
	json_decref(rows);
	json_decref(entry);
	db_close(db);
}

static void only_the_owner_reads_it(void **state)
{
	struct db *db = opened(DB_CREATE);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	db_close(db);
}

static void bounds_hold(void **state)
{
	static const char * const wrong[] = {
		"{\"vms\": {\"short\": {}}}", "{\"vms\": {\"01234567-89AB-4def-8123-456789abcde0\": {}}}",
		"{\"vms\": {\"" UUID "\": {\"depth\": 0}}}", "{\"vms\": {\"" UUID "\": {\"depth\": 4097}}}",
		"{\"vms\": {\"" UUID "\": {\"sessions\": 65}}}", "{\"vms\": {\"" UUID "\": {\"deadline_ns\": 0}}}",
		"{\"vms\": {\"" UUID "\": {\"tier\": \"highest\"}}}",
		"{\"vms\": {\"" UUID "\": {\"depth\": \"many\"}}}", "{\"vms\": {\"" UUID "\": {\"name\": \"\"}}}",
		"{\"vms\": {\"" UUID "\": {\"gpu_share\": 999}}}", "{\"vms\": {\"" UUID "\": {\"pool\": \"none\"}}}",
		"{\"gpus\": {\"soft0\": {}}}", "{\"gpus\": {\"soft0\": {\"pool\": \"none\"}}}",
		"{\"pools\": {\"A\": {\"window\": 3}}}", "{\"pools\": {\"\": {}}}",
	};
	struct db *db = opened(DB_CREATE);
	json_t *before = declared(db), *after, *rows;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		after = json_loads(wrong[i], 0, NULL);
		if (!json_object_get(after, "pools"))
			json_object_set(after, "pools", json_object_get(before, "pools"));
		assert_int_equal(db_begin(db), ADMIN_OK);
		if (db_store(db, before, after) == ADMIN_OK && db_commit(db) == ADMIN_OK)
			fail_msg("%s was taken", wrong[i]);
		db_rollback(db);
		json_decref(after);
	}
	rows = declared(db);
	assert_true(json_equal(rows, before));
	json_decref(rows);
	json_decref(before);
	db_close(db);
}

static void rollback_undoes(void **state)
{
	struct db *db = opened(DB_CREATE);
	json_t *before = declared(db), *after = with_vm(before, UUID, "high", 1);

	assert_int_equal(db_begin(db), ADMIN_OK);
	assert_int_equal(db_store(db, before, after), ADMIN_OK);
	db_rollback(db);
	assert_int_equal(count_vms(db), 0);
	json_decref(after);
	json_decref(before);
	db_close(db);
}

static void a_newer_one_is_refused(void **state)
{
	db_close(opened(DB_CREATE));
	sql("PRAGMA user_version = 99");
	refused(DB_READ, "is of version 99, made by a newer vgpu-admin");
	refused(DB_WRITE, "is of version 99, made by a newer vgpu-admin");
}

static void another_programs_is_refused(void **state)
{
	db_close(opened(DB_CREATE));
	unlink(path);
	sql("CREATE TABLE cookies (name TEXT)");
	refused(DB_WRITE, "is a database of another program");
}

static void damage_is_seen(void **state)
{
	struct db *db = opened(DB_CREATE);
	json_t *before = declared(db), *after = json_deep_copy(before);
	char uuid[37];
	FILE *file;
	int i;

	for (i = 0; i < 500; i++) {
		snprintf(uuid, sizeof(uuid), "01234567-89ab-4def-8123-%012x", i);
		json_object_set_new(state_add(after, "vms", uuid), "depth", json_integer(1));
	}
	store(db, before, after);
	json_decref(after);
	json_decref(before);
	db_close(db);
	file = fopen(path, "r+");
	fseek(file, 8192, SEEK_SET);
	for (i = 0; i < 20000; i++)
		fputc('x', file);
	fclose(file);
	refused(DB_READ, "is damaged");
	refused(DB_WRITE, "is damaged");
	file = fopen(path, "w");
	fputs("This is no database, though it is long enough for one. It is text, and text alone, without a header.",
	      file);
	fclose(file);
	refused(DB_READ, "is damaged");
}

/* Histories are looked at by those who restore: they may be long. */
static void damage_of_a_history_is_seen(void **state)
{
	struct db *db = opened(DB_CREATE);
	json_t *before = declared(db), *after = json_deep_copy(before);
	unsigned char page[4096];
	sqlite3 *sqlite;
	sqlite3_stmt *query;
	FILE *file;
	long at;
	int i;

	json_object_set_new(state_add(after, "vms", UUID), "depth", json_integer(1));
	for (i = 0; i < 4; i++) {
		store(db, before, after);
		store(db, after, before);
	}
	assert_int_equal(db_check(db), ADMIN_OK);
	json_decref(after);
	json_decref(before);
	db_close(db);
	assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(sqlite, "SELECT rootpage FROM sqlite_master WHERE name = 'history'", -1, &query, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(query), SQLITE_ROW);
	at = (sqlite3_column_int(query, 0) - 1) * (long)sizeof(page);
	sqlite3_finalize(query);
	sqlite3_close(sqlite);
	memset(page, 'x', sizeof(page));
	file = fopen(path, "r+");
	fseek(file, at, SEEK_SET);
	assert_int_equal(fwrite(page, sizeof(page), 1, file), 1);
	fclose(file);
	db = opened(DB_WRITE);
	assert_int_equal(db_check(db), ADMIN_DATABASE);
	assert_non_null(strstr(said, "is damaged"));
	db_close(db);
}

static void an_empty_file_is_an_old_database(void **state)
{
	db_close(opened(DB_CREATE));
	assert_int_equal(truncate(path, 0), 0);
	refused(DB_READ, "any command that changes something brings it up");
	db_close(opened(DB_WRITE));
	db_close(opened(DB_READ));
}

/* A command that has the lock is waited for; one that died has it no more. */
static void commands_take_turns(void **state)
{
	pid_t pids[WRITERS];
	struct db *db;
	int i, n, status;
	char uuid[37];

	db_close(opened(DB_CREATE));
	for (i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (n = 0; n < 25; n++) {
			if (db_open(&db, path, DB_WRITE) != ADMIN_OK)
				_exit(1);
			snprintf(uuid, sizeof(uuid), "01234567-89ab-4def-8123-%06x%06x", i, n);
			declare(db, uuid, "low", 1);
			db_close(db);
		}
		_exit(0);
	}
	for (i = 0; i < WRITERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	db = opened(DB_READ);
	assert_int_equal(count_vms(db), WRITERS * 25);
	db_close(db);
}

/**
 * struct kernel - stands where the kernel does in a command: it changes at once, and keeps what it was told
 * @depth: of each virtual GPU
 * @rounds: commands that went through
 */
struct kernel {
	volatile int depth[VMS];
	volatile int rounds;
};

static void name_vm(int i, char uuid[37])
{
	snprintf(uuid, 37, "01234567-89ab-4def-8123-%012x", i);
}

static void repair(struct db *db, struct kernel *kernel)
{
	json_t *intents, *intent, *undo;
	size_t i;

	assert_int_equal(db_intents(db, &intents), ADMIN_OK);
	json_array_foreach(intents, i, intent) {
		undo = json_object_get(intent, "undo");
		kernel->depth[json_integer_value(json_object_get(undo, "which"))] =
			json_integer_value(json_object_get(undo, "depth"));
		assert_int_equal(db_intent_remove(db, json_integer_value(json_object_get(intent, "id"))), ADMIN_OK);
	}
	json_decref(intents);
}

/* A command's four steps, as db.h has them. */
static void command(struct kernel *kernel, int which, int depth)
{
	json_t *undo, *before, *after, *differences;
	struct db *db = opened(DB_WRITE);
	json_int_t intent;
	char uuid[37];

	name_vm(which, uuid);
	repair(db, kernel);
	undo = json_pack("{s:i, s:i}", "which", which, "depth", kernel->depth[which]);
	assert_int_equal(db_intent_add(db, "boot", "test", undo, &intent), ADMIN_OK);
	kernel->depth[which] = depth;
	before = declared(db);
	after = with_vm(before, uuid, "low", depth);
	differences = plan_diff(before, after);
	assert_int_equal(db_begin(db), ADMIN_OK);
	assert_int_equal(db_store(db, before, after), ADMIN_OK);
	assert_int_equal(db_history_add(db, "set", differences, before, after), ADMIN_OK);
	assert_int_equal(db_intent_remove(db, intent), ADMIN_OK);
	assert_int_equal(db_commit(db), ADMIN_OK);
	kernel->rounds++;
	json_decref(differences);
	json_decref(after);
	json_decref(before);
	json_decref(undo);
	db_close(db);
}

static int depth_of(const json_t *vm)
{
	return vm ? json_integer_value(json_object_get(vm, "depth")) : 1;
}

static void expect_agreement(struct kernel *kernel)
{
	json_t *state, *history, *row;
	int told[VMS], i;
	const char *name;
	struct db *db;
	char uuid[37];
	size_t at;

	db = opened(DB_WRITE);
	repair(db, kernel);
	state = declared(db);
	assert_int_equal(db_history(db, UINT32_MAX, &history), ADMIN_OK);
	for (i = 0; i < VMS; i++)
		told[i] = 1;
	json_array_foreach(history, at, row) {
		name = json_string_value(json_object_get(row, "name"));
		i = strtol(name + 24, NULL, 16);
		assert_int_equal(depth_of(json_object_get(row, "before")), told[i]);
		told[i] = depth_of(json_object_get(row, "after"));
	}
	for (i = 0; i < VMS; i++) {
		name_vm(i, uuid);
		assert_int_equal(depth_of(state_get(state, "vms", uuid)), kernel->depth[i]);
		assert_int_equal(told[i], kernel->depth[i]);
	}
	json_decref(history);
	json_decref(state);
	db_close(db);
}

/* Commands killed at any instant: after the next one, database, history and kernel agree. */
static void killed_commands_are_repaired(void **state)
{
	const char *given = getenv("SEED");
	unsigned int seed = given ? strtoul(given, NULL, 0) : (unsigned int)time(NULL);
	struct timespec pause = { 0 }, start, end;
	struct kernel *kernel;
	int i, status;
	pid_t pid;

	print_message("SEED=%u\n", seed);
	srandom(seed);
	kernel = mmap(NULL, sizeof(*kernel), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(kernel, MAP_FAILED);
	for (i = 0; i < VMS; i++)
		kernel->depth[i] = 1;
	db_close(opened(DB_CREATE));
	clock_gettime(CLOCK_MONOTONIC, &start);
	command(kernel, 0, 2);
	clock_gettime(CLOCK_MONOTONIC, &end);
	kernel->rounds = 0;
	for (i = 0; i < KILLS; i++) {
		pid = fork();
		if (!pid) {
			srandom(seed + i);
			for (;;)
				command(kernel, random() % VMS, 2 + random() % 4000);
		}
		/* Up to some of them. */
		pause.tv_nsec = random() % 1000 * (end.tv_nsec - start.tv_nsec + (end.tv_sec - start.tv_sec) * 1000000000) / 250;
		pause.tv_sec = pause.tv_nsec / 1000000000;
		pause.tv_nsec %= 1000000000;
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		expect_agreement(kernel);
	}
	assert_true(kernel->rounds > 0);
	munmap(kernel, sizeof(*kernel));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(none_is_empty, setup),
		cmocka_unit_test_setup(what_is_declared_is_read, setup),
		cmocka_unit_test_setup(names_are_exchanged, setup),
		cmocka_unit_test_setup(an_older_one_is_migrated, setup),
		cmocka_unit_test_setup(quarantines_are_kept, setup),
		cmocka_unit_test_setup(only_the_owner_reads_it, setup),
		cmocka_unit_test_setup(bounds_hold, setup),
		cmocka_unit_test_setup(rollback_undoes, setup),
		cmocka_unit_test_setup(a_newer_one_is_refused, setup),
		cmocka_unit_test_setup(another_programs_is_refused, setup),
		cmocka_unit_test_setup(damage_is_seen, setup),
		cmocka_unit_test_setup(damage_of_a_history_is_seen, setup),
		cmocka_unit_test_setup(an_empty_file_is_an_old_database, setup),
		cmocka_unit_test_setup(commands_take_turns, setup),
		cmocka_unit_test_setup(killed_commands_are_repaired, setup),
	};
	char command[64];
	int failed;

	if (!mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests_name("admin database", tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) || failed;
}
