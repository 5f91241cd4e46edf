// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "db.h"

#define APPLICATION_ID	0x76677075	/* "vgpu": says whose a file is */
#define LOCK_POLL_MS	10

/**
 * struct db - an open database
 * @sqlite: the connection, NULL for a database that is not there
 * @path: of the file
 * @lock: descriptor of the lock file, -1 where it is not held
 */
struct db {
	sqlite3 *sqlite;
	char *path;
	int lock;
};

/*
 * Step N brings a database of version N to version N + 1. Steps that a release has shipped are never changed.
 *
 * What is NULL in vm is not declared: it is as the virtual GPU's type has it.
 */
static const char * const migrations[] = {
	"CREATE TABLE vm ("
	" uuid TEXT PRIMARY KEY CHECK (length(uuid) = 36 AND uuid = lower(uuid)),"
	" name TEXT UNIQUE CHECK (length(name) BETWEEN 1 AND 63),"
	" tier TEXT CHECK (tier IN ('high', 'medium', 'low')),"
	" depth INTEGER CHECK (depth BETWEEN 1 AND 4096),"
	" sessions INTEGER CHECK (sessions BETWEEN 1 AND 64),"
	" deadline_ns INTEGER CHECK (deadline_ns BETWEEN 1 AND 86400000000000)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE history ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" time_ns INTEGER NOT NULL,"
	" who TEXT NOT NULL,"
	" command TEXT NOT NULL,"
	" uuid TEXT NOT NULL,"
	" before TEXT CHECK (before IS NULL OR json_valid(before)),"
	" after TEXT CHECK (after IS NULL OR json_valid(after))"
	") STRICT;"
	"CREATE INDEX history_uuid ON history (uuid, id);"
	"CREATE TABLE intent ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" uuid TEXT NOT NULL,"
	" undo TEXT NOT NULL CHECK (json_valid(undo))"
	") STRICT;",
};

#define SCHEMA_VERSION	((int)ARRAY_SIZE(migrations))

/* What SQLite's result means to the operator. */
static enum admin_exit fail(struct db *db, const char *what)
{
	int code = sqlite3_errcode(db->sqlite);

	switch (code & 0xff) {
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		admin_error("%s is damaged (%s): put back a copy, or move it away to begin anew", db->path,
			    sqlite3_errmsg(db->sqlite));
		break;
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		admin_error("%s: %s: this takes write permission to the file and its directory", db->path,
			    sqlite3_errmsg(db->sqlite));
		break;
	case SQLITE_FULL:
		admin_error("%s: no space left on its file system; nothing was changed", db->path);
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		admin_error("%s is locked by another program", db->path);
		break;
	default:
		admin_error("%s: %s: %s", db->path, what, sqlite3_errmsg(db->sqlite));
	}
	return ADMIN_DATABASE;
}

static enum admin_exit execute(struct db *db, const char *sql)
{
	if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK)
		return ADMIN_OK;
	return fail(db, sql);
}

static bool number_of(struct db *db, const char *sql, int *value)
{
	sqlite3_stmt *query;
	bool found = false;

	if (sqlite3_prepare_v2(db->sqlite, sql, -1, &query, NULL) == SQLITE_OK &&
	    sqlite3_step(query) == SQLITE_ROW) {
		*value = sqlite3_column_int(query, 0);
		found = true;
	}
	sqlite3_finalize(query);
	return found;
}

static enum admin_exit check_integrity(struct db *db)
{
	enum admin_exit status = ADMIN_OK;
	const char *verdict;
	sqlite3_stmt *query;

	if (sqlite3_prepare_v2(db->sqlite, "PRAGMA quick_check(1)", -1, &query, NULL) != SQLITE_OK ||
	    sqlite3_step(query) != SQLITE_ROW) {
		status = fail(db, "checking");
	} else {
		verdict = (const char *)sqlite3_column_text(query, 0);
		if (strcmp(verdict, "ok")) {
			admin_error("%s is damaged (%s): put back a copy, or move it away to begin anew", db->path,
				    verdict);
			status = ADMIN_DATABASE;
		}
	}
	sqlite3_finalize(query);
	return status;
}

static enum admin_exit migrate(struct db *db, int version)
{
	enum admin_exit status = execute(db, "BEGIN IMMEDIATE");
	char pragma[96];

	for (; status == ADMIN_OK && version < SCHEMA_VERSION; version++)
		status = execute(db, migrations[version]);
	snprintf(pragma, sizeof(pragma), "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID,
		 SCHEMA_VERSION);
	if (status == ADMIN_OK)
		status = execute(db, pragma);
	if (status == ADMIN_OK)
		status = execute(db, "COMMIT");
	if (status != ADMIN_OK)
		db_rollback(db);
	return status;
}

static enum admin_exit check_schema(struct db *db, enum db_mode mode)
{
	int id = 0, version = 0, tables = 0;

	if (!number_of(db, "PRAGMA application_id", &id) || !number_of(db, "PRAGMA user_version", &version) ||
	    !number_of(db, "SELECT count(*) FROM sqlite_master", &tables))
		return fail(db, "reading");
	if (id != APPLICATION_ID && tables) {
		admin_error("%s is a database of another program", db->path);
		return ADMIN_DATABASE;
	}
	if (version > SCHEMA_VERSION) {
		admin_error("%s is of version %d, made by a newer vgpu-admin; this one knows up to %d", db->path,
			    version, SCHEMA_VERSION);
		return ADMIN_DATABASE;
	}
	if (version == SCHEMA_VERSION)
		return check_integrity(db);
	if (mode == DB_WRITE)
		return migrate(db, version);
	admin_error("%s is of version %d, this vgpu-admin's is %d: any command that changes something brings it up",
		    db->path, version, SCHEMA_VERSION);
	return ADMIN_DATABASE;
}

/* The lock is not the database's own: it is held over several transactions and over changes to the kernel. */
static enum admin_exit take_lock(struct db *db)
{
	char path[PATH_MAX];
	int waited;

	if (snprintf(path, sizeof(path), "%s.lock", db->path) >= (int)sizeof(path)) {
		admin_error("%s: the path is too long", db->path);
		return ADMIN_DATABASE;
	}
	db->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (db->lock < 0) {
		admin_error("%s: %s", path, strerror(errno));
		return errno == EACCES || errno == EPERM ? ADMIN_DENIED : ADMIN_DATABASE;
	}
	for (waited = 0; flock(db->lock, LOCK_EX | LOCK_NB); waited += LOCK_POLL_MS) {
		if (waited >= DB_LOCK_MS) {
			admin_error("%s: another vgpu-admin has it, for more than %d s", path, DB_LOCK_MS / 1000);
			return ADMIN_DATABASE;
		}
		poll(NULL, 0, LOCK_POLL_MS);
	}
	return ADMIN_OK;
}

static enum admin_exit make_directory(const char *path)
{
	char copy[PATH_MAX];
	const char *dir;

	snprintf(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	if (!mkdir(dir, 0700) || errno == EEXIST)
		return ADMIN_OK;
	admin_error("%s: %s", dir, strerror(errno));
	return errno == EACCES || errno == EPERM ? ADMIN_DENIED : ADMIN_DATABASE;
}

static enum admin_exit connect(struct db *db, enum db_mode mode)
{
	int flags = mode == DB_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	mode_t mask = umask(077);
	int code;

	code = sqlite3_open_v2(db->path, &db->sqlite, flags, NULL);
	umask(mask);
	if (code != SQLITE_OK)
		return fail(db, "opening");
	sqlite3_extended_result_codes(db->sqlite, 1);
	sqlite3_busy_timeout(db->sqlite, DB_LOCK_MS);
	if (mode == DB_READ)
		return ADMIN_OK;
	/* A change that was reported as made is there after a power cut. */
	return execute(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
}

/**
 * db_open() - open the database
 * @out: to be closed, or NULL where it fails
 * @path: of the file; its directory is made where the last part of it is missing
 * @mode: what for
 *
 * What fails is said on stderr. Return: ADMIN_OK, ADMIN_DENIED or ADMIN_DATABASE.
 */
enum admin_exit db_open(struct db **out, const char *path, enum db_mode mode)
{
	struct db *db = calloc(1, sizeof(*db));
	enum admin_exit status = ADMIN_OK;

	*out = NULL;
	db->path = strdup(path);
	db->lock = -1;
	if (mode == DB_READ && access(path, F_OK) && errno == ENOENT) {
		*out = db;
		return ADMIN_OK;
	}
	if (mode == DB_WRITE)
		status = make_directory(path);
	if (status == ADMIN_OK && mode == DB_WRITE)
		status = take_lock(db);
	if (status == ADMIN_OK)
		status = connect(db, mode);
	if (status == ADMIN_OK)
		status = check_schema(db, mode);
	if (status != ADMIN_OK) {
		db_close(db);
		return status;
	}
	*out = db;
	return ADMIN_OK;
}

/**
 * db_close() - let go of the database and of the lock
 * @db: may be NULL; what was not committed is undone
 */
void db_close(struct db *db)
{
	if (!db)
		return;
	sqlite3_close_v2(db->sqlite);
	if (db->lock >= 0)
		close(db->lock);
	free(db->path);
	free(db);
}

/**
 * db_begin() - begin a transaction
 * @db: opened with DB_WRITE
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_begin(struct db *db)
{
	return execute(db, "BEGIN IMMEDIATE");
}

/**
 * db_commit() - make the transaction's changes last
 * @db: in a transaction
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr, with the changes undone.
 */
enum admin_exit db_commit(struct db *db)
{
	enum admin_exit status = execute(db, "COMMIT");

	if (status != ADMIN_OK)
		db_rollback(db);
	return status;
}

/**
 * db_rollback() - undo the transaction's changes
 * @db: any
 */
void db_rollback(struct db *db)
{
	if (!sqlite3_get_autocommit(db->sqlite))
		sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

/* A row as an object with its columns' names as keys; columns that are NULL are left out. */
static json_t *row_object(sqlite3_stmt *query)
{
	json_t *row = json_object();
	const char *name;
	int i;

	for (i = 0; i < sqlite3_column_count(query); i++) {
		name = sqlite3_column_name(query, i);
		switch (sqlite3_column_type(query, i)) {
		case SQLITE_INTEGER:
			json_object_set_new(row, name, json_integer(sqlite3_column_int64(query, i)));
			break;
		case SQLITE_TEXT:
			json_object_set_new(row, name, json_string((const char *)sqlite3_column_text(query, i)));
			break;
		}
	}
	return row;
}

static enum admin_exit read_rows(struct db *db, const char *sql, json_t **rows)
{
	sqlite3_stmt *query;
	int code = SQLITE_DONE;

	*rows = json_array();
	if (!db->sqlite)
		return ADMIN_OK;
	if (sqlite3_prepare_v2(db->sqlite, sql, -1, &query, NULL) == SQLITE_OK) {
		while ((code = sqlite3_step(query)) == SQLITE_ROW)
			json_array_append_new(*rows, row_object(query));
		sqlite3_finalize(query);
	} else {
		code = SQLITE_ERROR;
	}
	if (code == SQLITE_DONE)
		return ADMIN_OK;
	json_decref(*rows);
	*rows = NULL;
	return fail(db, "reading");
}

/* Executes a statement with values of an object bound to its parameters by their names; what is not there is NULL. */
static enum admin_exit execute_with(struct db *db, const char *sql, const json_t *values)
{
	enum admin_exit status = ADMIN_OK;
	sqlite3_stmt *statement;
	const json_t *value;
	int i;

	if (sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL) != SQLITE_OK)
		return fail(db, "preparing");
	for (i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
		value = json_object_get(values, sqlite3_bind_parameter_name(statement, i) + 1);
		if (json_is_integer(value))
			sqlite3_bind_int64(statement, i, json_integer_value(value));
		else if (json_is_string(value))
			sqlite3_bind_text(statement, i, json_string_value(value), -1, SQLITE_STATIC);
	}
	if (sqlite3_step(statement) != SQLITE_DONE)
		status = fail(db, "writing");
	sqlite3_finalize(statement);
	return status;
}

/**
 * db_vms() - the virtual GPUs that are declared
 * @db: open
 * @vms: array of objects with uuid and what is declared of name, tier, depth, sessions and deadline_ns; new
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_vms(struct db *db, json_t **vms)
{
	return read_rows(db, "SELECT uuid, name, tier, depth, sessions, deadline_ns FROM vm ORDER BY uuid", vms);
}

/**
 * db_vm_declare() - declare a virtual GPU, in place of what was declared of it
 * @db: in a transaction
 * @vm: as db_vms() gives it
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_vm_declare(struct db *db, const json_t *vm)
{
	return execute_with(db, "INSERT INTO vm (uuid, name, tier, depth, sessions, deadline_ns)"
			    " VALUES (:uuid, :name, :tier, :depth, :sessions, :deadline_ns)"
			    " ON CONFLICT (uuid) DO UPDATE SET name = :name, tier = :tier, depth = :depth,"
			    " sessions = :sessions, deadline_ns = :deadline_ns", vm);
}

/**
 * db_vm_forget() - declare a virtual GPU no more
 * @db: in a transaction
 * @uuid: its UUID; nothing happens where it is not declared
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_vm_forget(struct db *db, const char *uuid)
{
	json_t *values = json_pack("{s:s}", "uuid", uuid);
	enum admin_exit status = execute_with(db, "DELETE FROM vm WHERE uuid = :uuid", values);

	json_decref(values);
	return status;
}

/* Who logged in, whatever they became since; the user of the process where nobody did. */
static json_t *who(void)
{
	FILE *file = fopen("/proc/self/loginuid", "re");
	const struct passwd *user;
	unsigned int uid = -1;
	char number[24];

	if (file) {
		if (fscanf(file, "%u", &uid) != 1)
			uid = -1;
		fclose(file);
	}
	if (uid == (unsigned int)-1)
		uid = getuid();
	user = getpwuid(uid);
	if (user)
		return json_string(user->pw_name);
	snprintf(number, sizeof(number), "%u", uid);
	return json_string(number);
}

static void set_text(json_t *values, const char *key, const json_t *value)
{
	char *text;

	if (!value)
		return;
	text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	json_object_set_new(values, key, json_string(text));
	free(text);
}

/**
 * db_history_add() - record a change
 * @db: in the transaction that makes it
 * @command: what was asked for
 * @uuid: of the virtual GPU that it was about
 * @before: what was declared of it, NULL for nothing
 * @after: what is, NULL for nothing
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_history_add(struct db *db, const char *command, const char *uuid, const json_t *before,
			       const json_t *after)
{
	enum admin_exit status;
	struct timespec now;
	json_t *values;

	clock_gettime(CLOCK_REALTIME, &now);
	values = json_pack("{s:I, s:o, s:s, s:s}", "time_ns", (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec,
			   "who", who(), "command", command, "uuid", uuid);
	set_text(values, "before", before);
	set_text(values, "after", after);
	status = execute_with(db, "INSERT INTO history (time_ns, who, command, uuid, before, after)"
			      " VALUES (:time_ns, :who, :command, :uuid, :before, :after)", values);
	json_decref(values);
	return status;
}

/* Text columns that hold JSON become what they hold. */
static void load_texts(json_t *rows, const char *key)
{
	json_t *row, *text;
	size_t i;

	json_array_foreach(rows, i, row) {
		text = json_object_get(row, key);
		if (json_is_string(text))
			json_object_set_new(row, key, json_loads(json_string_value(text), JSON_DECODE_ANY, NULL));
	}
}

/**
 * db_history() - every change, oldest first
 * @db: open
 * @entries: array of objects with id, time_ns (of CLOCK_REALTIME), who, command, uuid, before and after; new
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_history(struct db *db, json_t **entries)
{
	enum admin_exit status;

	status = read_rows(db, "SELECT id, time_ns, who, command, uuid, before, after FROM history ORDER BY id",
			   entries);
	if (status == ADMIN_OK) {
		load_texts(*entries, "before");
		load_texts(*entries, "after");
	}
	return status;
}

/**
 * db_intent_add() - record how to undo a change of the kernel that is about to be made
 * @db: opened with DB_WRITE, in no transaction: the intent is safe when this returns
 * @uuid: of the virtual GPU that is going to be changed
 * @undo: what it is in the kernel now
 * @id: of the intent
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_intent_add(struct db *db, const char *uuid, const json_t *undo, json_int_t *id)
{
	json_t *values = json_pack("{s:s}", "uuid", uuid);
	enum admin_exit status;

	set_text(values, "undo", undo);
	status = execute_with(db, "INSERT INTO intent (uuid, undo) VALUES (:uuid, :undo)", values);
	*id = sqlite3_last_insert_rowid(db->sqlite);
	json_decref(values);
	return status;
}

/**
 * db_intents() - what commands that died were about to do, newest first, in which order it is to be undone
 * @db: open
 * @intents: array of objects with id, uuid and undo; new
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_intents(struct db *db, json_t **intents)
{
	enum admin_exit status = read_rows(db, "SELECT id, uuid, undo FROM intent ORDER BY id DESC", intents);

	if (status == ADMIN_OK)
		load_texts(*intents, "undo");
	return status;
}

/**
 * db_intent_remove() - an intent has become true, or was undone
 * @db: opened with DB_WRITE; in the transaction that declares what has become true
 * @id: of the intent
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_intent_remove(struct db *db, json_int_t id)
{
	json_t *values = json_pack("{s:I}", "id", id);
	enum admin_exit status = execute_with(db, "DELETE FROM intent WHERE id = :id", values);

	json_decref(values);
	return status;
}
