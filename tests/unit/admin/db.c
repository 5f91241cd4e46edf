// SPDX-License-Identifier: GPL-2.0
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

static json_t *vm(const char *uuid, const char *tier, int depth)
{
	return json_pack("{s:s, s:s, s:i}", "uuid", uuid, "tier", tier, "depth", depth);
}

static void declare(struct db *db, const char *uuid, const char *tier, int depth)
{
	json_t *object = vm(uuid, tier, depth);

	assert_int_equal(db_begin(db), ADMIN_OK);
	assert_int_equal(db_vm_declare(db, object), ADMIN_OK);
	assert_int_equal(db_history_add(db, "test", uuid, NULL, object), ADMIN_OK);
	assert_int_equal(db_commit(db), ADMIN_OK);
	json_decref(object);
}

static void none_is_empty(void **state)
{
	struct db *db = opened(DB_READ);
	json_t *rows;

	assert_int_equal(db_vms(db, &rows), ADMIN_OK);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	db_close(db);
	assert_int_equal(access(path, F_OK), -1);
}

static void what_is_declared_is_read(void **state)
{
	json_t *rows, *expected, *history;
	struct db *db = opened(DB_WRITE);

	declare(db, UUID, "high", 5);
	declare(db, UUID, "low", 6);
	db_close(db);
	db = opened(DB_READ);
	assert_int_equal(db_vms(db, &rows), ADMIN_OK);
	expected = json_pack("[o]", vm(UUID, "low", 6));
	assert_true(json_equal(rows, expected));
	assert_int_equal(db_history(db, &history), ADMIN_OK);
	assert_int_equal(json_array_size(history), 2);
	assert_true(json_equal(json_object_get(json_array_get(history, 1), "after"), json_array_get(rows, 0)));
	assert_null(json_object_get(json_array_get(history, 1), "before"));
	json_decref(history);
	json_decref(expected);
	json_decref(rows);
	db_close(db);
	db = opened(DB_WRITE);
	assert_int_equal(db_vm_forget(db, UUID), ADMIN_OK);
	assert_int_equal(db_vms(db, &rows), ADMIN_OK);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	db_close(db);
}

static void only_the_owner_reads_it(void **state)
{
	struct db *db = opened(DB_WRITE);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	db_close(db);
}

static void bounds_hold(void **state)
{
	static const char * const wrong[] = {
		"{\"uuid\": \"short\"}", "{\"uuid\": \"01234567-89AB-4def-8123-456789abcde0\"}",
		"{\"uuid\": \"" UUID "\", \"depth\": 0}", "{\"uuid\": \"" UUID "\", \"depth\": 4097}",
		"{\"uuid\": \"" UUID "\", \"sessions\": 65}", "{\"uuid\": \"" UUID "\", \"deadline_ns\": 0}",
		"{\"uuid\": \"" UUID "\", \"tier\": \"highest\"}", "{\"uuid\": \"" UUID "\", \"depth\": \"many\"}",
		"{\"uuid\": \"" UUID "\", \"name\": \"\"}", "{}",
	};
	struct db *db = opened(DB_WRITE);
	json_t *object, *rows;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		object = json_loads(wrong[i], 0, NULL);
		if (db_vm_declare(db, object) != ADMIN_DATABASE)
			fail_msg("%s was taken", wrong[i]);
		json_decref(object);
	}
	assert_int_equal(db_vms(db, &rows), ADMIN_OK);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	db_close(db);
}

static void rollback_undoes(void **state)
{
	struct db *db = opened(DB_WRITE);
	json_t *object = vm(UUID, "high", 1), *rows;

	assert_int_equal(db_begin(db), ADMIN_OK);
	assert_int_equal(db_vm_declare(db, object), ADMIN_OK);
	db_rollback(db);
	assert_int_equal(db_vms(db, &rows), ADMIN_OK);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	json_decref(object);
	db_close(db);
}

static void a_newer_one_is_refused(void **state)
{
	db_close(opened(DB_WRITE));
	sql("PRAGMA user_version = 99");
	refused(DB_READ, "is of version 99, made by a newer vgpu-admin");
	refused(DB_WRITE, "is of version 99, made by a newer vgpu-admin");
}

static void another_programs_is_refused(void **state)
{
	db_close(opened(DB_WRITE));
	unlink(path);
	sql("CREATE TABLE cookies (name TEXT)");
	refused(DB_WRITE, "is a database of another program");
}

static void damage_is_seen(void **state)
{
	struct db *db = opened(DB_WRITE);
	json_t *object;
	char uuid[37];
	FILE *file;
	int i;

	assert_int_equal(db_begin(db), ADMIN_OK);
	for (i = 0; i < 500; i++) {
		snprintf(uuid, sizeof(uuid), "01234567-89ab-4def-8123-%012x", i);
		object = vm(uuid, "low", 1);
		assert_int_equal(db_vm_declare(db, object), ADMIN_OK);
		json_decref(object);
	}
	assert_int_equal(db_commit(db), ADMIN_OK);
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

static void an_empty_file_is_an_old_database(void **state)
{
	db_close(opened(DB_WRITE));
	assert_int_equal(truncate(path, 0), 0);
	refused(DB_READ, "any command that changes something brings it up");
	db_close(opened(DB_WRITE));
	db_close(opened(DB_READ));
}

/* A command that has the lock is waited for; one that died has it no more. */
static void commands_take_turns(void **state)
{
	pid_t pids[WRITERS];
	json_t *rows;
	struct db *db;
	int i, n, status;
	char uuid[37];

	for (i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (n = 0; n < 25; n++) {
			if (db_open(&db, path, DB_WRITE) != ADMIN_OK)
				_exit(1);
			snprintf(uuid, sizeof(uuid), "01234567-89ab-4def-8123-%06x%06x", i, n);
			if (db_vm_declare(db, json_pack("{s:s}", "uuid", uuid)) != ADMIN_OK)
				_exit(2);
			db_close(db);
		}
		_exit(0);
	}
	for (i = 0; i < WRITERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	db = opened(DB_READ);
	assert_int_equal(db_vms(db, &rows), ADMIN_OK);
	assert_int_equal(json_array_size(rows), WRITERS * 25);
	json_decref(rows);
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
	json_t *intents, *intent;
	size_t i;

	assert_int_equal(db_intents(db, &intents), ADMIN_OK);
	json_array_foreach(intents, i, intent) {
		const char *uuid = json_string_value(json_object_get(intent, "uuid"));
		json_t *depth = json_object_get(json_object_get(intent, "undo"), "depth");

		kernel->depth[strtol(uuid + 24, NULL, 16)] = json_integer_value(depth);
		assert_int_equal(db_intent_remove(db, json_integer_value(json_object_get(intent, "id"))), ADMIN_OK);
	}
	json_decref(intents);
}

/* A command's four steps, as db.h has them. */
static void command(struct kernel *kernel, int which, int depth)
{
	struct db *db = opened(DB_WRITE);
	json_t *undo, *after;
	json_int_t intent;
	char uuid[37];

	name_vm(which, uuid);
	repair(db, kernel);
	undo = vm(uuid, "low", kernel->depth[which]);
	assert_int_equal(db_intent_add(db, uuid, undo, &intent), ADMIN_OK);
	kernel->depth[which] = depth;
	after = vm(uuid, "low", depth);
	assert_int_equal(db_begin(db), ADMIN_OK);
	assert_int_equal(db_vm_declare(db, after), ADMIN_OK);
	assert_int_equal(db_history_add(db, "set", uuid, undo, after), ADMIN_OK);
	assert_int_equal(db_intent_remove(db, intent), ADMIN_OK);
	assert_int_equal(db_commit(db), ADMIN_OK);
	kernel->rounds++;
	json_decref(after);
	json_decref(undo);
	db_close(db);
}

static void expect_agreement(struct kernel *kernel)
{
	int told[VMS] = { 0 }, declared = 0, i;
	json_t *vms, *history, *row;
	struct db *db;
	size_t at;

	db = opened(DB_WRITE);
	repair(db, kernel);
	assert_int_equal(db_vms(db, &vms), ADMIN_OK);
	assert_int_equal(db_history(db, &history), ADMIN_OK);
	json_array_foreach(history, at, row) {
		i = strtol(json_string_value(json_object_get(row, "uuid")) + 24, NULL, 16);
		assert_int_equal(json_integer_value(json_object_get(json_object_get(row, "before"), "depth")),
				 told[i] ? told[i] : 1);
		told[i] = json_integer_value(json_object_get(json_object_get(row, "after"), "depth"));
	}
	json_array_foreach(vms, at, row) {
		i = strtol(json_string_value(json_object_get(row, "uuid")) + 24, NULL, 16);
		assert_int_equal(json_integer_value(json_object_get(row, "depth")), kernel->depth[i]);
		assert_int_equal(told[i], kernel->depth[i]);
		declared++;
	}
	for (i = 0; i < VMS; i++)
		declared -= !!told[i];
	assert_int_equal(declared, 0);
	json_decref(history);
	json_decref(vms);
	db_close(db);
}

/* Commands killed at any instant: after the next one, database, history and kernel agree. */
static void killed_commands_are_repaired(void **state)
{
	const char *given = getenv("SEED");
	unsigned int seed = given ? strtoul(given, NULL, 0) : (unsigned int)time(NULL);
	struct timespec pause = { 0 };
	struct kernel *kernel;
	int i, status;
	pid_t pid;

	print_message("SEED=%u\n", seed);
	srandom(seed);
	kernel = mmap(NULL, sizeof(*kernel), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(kernel, MAP_FAILED);
	for (i = 0; i < VMS; i++)
		kernel->depth[i] = 1;
	for (i = 0; i < KILLS; i++) {
		pid = fork();
		if (!pid) {
			srandom(seed + i);
			for (;;)
				command(kernel, random() % VMS, 2 + random() % 4000);
		}
		pause.tv_nsec = random() % 20000000;
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
		cmocka_unit_test_setup(only_the_owner_reads_it, setup),
		cmocka_unit_test_setup(bounds_hold, setup),
		cmocka_unit_test_setup(rollback_undoes, setup),
		cmocka_unit_test_setup(a_newer_one_is_refused, setup),
		cmocka_unit_test_setup(another_programs_is_refused, setup),
		cmocka_unit_test_setup(damage_is_seen, setup),
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
