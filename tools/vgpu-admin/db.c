// SPDX-License-Identifier: GPL-2.0-only
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
#include <sys/statvfs.h>
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
 * @statement: that execute_with() executed last, NULL for none: it is often the next one, too
 */
struct db {
	sqlite3 *sqlite;
	char *path;
	int lock;
	sqlite3_stmt *statement;
};

/*
 * Step N brings a database of version N to version N + 1. Steps that a release has shipped are never changed.
 *
 * What is NULL is not declared: it is as the virtual GPU's type has it, or as the standard of pools is.
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
	"CREATE TABLE pool ("
	" name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 31),"
	" policy TEXT CHECK (policy IN ('weighted', 'strict')),"
	" \"order\" TEXT CHECK (\"order\" IN ('fifo', 'fair')),"
	" weights TEXT CHECK (length(weights) BETWEEN 5 AND 14),"
	" aging_ns INTEGER CHECK (aging_ns BETWEEN 1000000 AND 3600000000000),"
	" slice_ns INTEGER CHECK (slice_ns BETWEEN 10000 AND 100000000),"
	" aging_cap INTEGER CHECK (aging_cap BETWEEN 0 AND 500),"
	" charge TEXT CHECK (charge IN ('auto', 'oldest', 'equal')),"
	" window INTEGER CHECK (window BETWEEN 1 AND 2),"
	" limits TEXT CHECK (json_type(limits) = 'object')"
	") STRICT, WITHOUT ROWID;"
	"INSERT INTO pool (name) VALUES ('default');"
	"CREATE TABLE gpu ("
	" name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 31),"
	" pool TEXT NOT NULL REFERENCES pool (name)"
	") STRICT, WITHOUT ROWID;"
	"ALTER TABLE vm ADD COLUMN pool TEXT REFERENCES pool (name);"
	"ALTER TABLE vm ADD COLUMN type TEXT CHECK (length(type) BETWEEN 1 AND 63);"
	"ALTER TABLE vm ADD COLUMN gpu TEXT CHECK (length(gpu) BETWEEN 1 AND 31);"
	"ALTER TABLE vm ADD COLUMN memory INTEGER CHECK (memory BETWEEN 1048576 AND 1125899906842624);"
	"ALTER TABLE vm ADD COLUMN gpu_share INTEGER CHECK (gpu_share = 0 OR gpu_share BETWEEN 1000 AND 1000000);"
	"ALTER TABLE vm ADD COLUMN gpu_burst_ns INTEGER CHECK (gpu_burst_ns BETWEEN 1000000 AND 10000000000);"
	"ALTER TABLE vm ADD COLUMN cmd_rate INTEGER CHECK (cmd_rate BETWEEN 0 AND 100000000);"
	"ALTER TABLE vm ADD COLUMN cmd_burst INTEGER CHECK (cmd_burst BETWEEN 1 AND 1000000);"
	"ALTER TABLE vm ADD COLUMN copy_rate INTEGER CHECK (copy_rate = 0 OR copy_rate BETWEEN 1048576 AND 1099511627776);"
	"ALTER TABLE vm ADD COLUMN copy_burst INTEGER CHECK (copy_burst >= 65536);"
	"ALTER TABLE vm ADD COLUMN hangs TEXT CHECK (length(hangs) BETWEEN 4 AND 40);"
	"ALTER TABLE vm ADD COLUMN faults TEXT CHECK (length(faults) BETWEEN 4 AND 40);"
	"ALTER TABLE vm ADD COLUMN malformed TEXT CHECK (length(malformed) BETWEEN 4 AND 40);"
	"ALTER TABLE vm ADD COLUMN over_quota TEXT CHECK (length(over_quota) BETWEEN 4 AND 40);"
	"ALTER TABLE vm ADD COLUMN doorbells TEXT CHECK (length(doorbells) BETWEEN 4 AND 40);"
	"ALTER TABLE vm ADD COLUMN quarantine_ns INTEGER"
	" CHECK (quarantine_ns = 0 OR quarantine_ns BETWEEN 1000000 AND 604800000000000);"
	"ALTER TABLE vm ADD COLUMN quarantine_max_ns INTEGER CHECK (quarantine_max_ns BETWEEN 1000000 AND 604800000000000);"
	"CREATE TABLE changes ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" time_ns INTEGER NOT NULL,"
	" who TEXT NOT NULL,"
	" command TEXT NOT NULL,"
	" object TEXT NOT NULL CHECK (object IN ('pool', 'gpu', 'vm')),"
	" name TEXT NOT NULL,"
	" before TEXT CHECK (before IS NULL OR json_valid(before)),"
	" after TEXT CHECK (after IS NULL OR json_valid(after))"
	") STRICT;"
	"INSERT INTO changes SELECT id, time_ns, who, command, 'vm', uuid, before, after FROM history;"
	"DROP TABLE history;"
	"ALTER TABLE changes RENAME TO history;"
	"DROP TABLE intent;"
	"CREATE TABLE intent ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" boot TEXT NOT NULL,"
	" command TEXT NOT NULL,"
	" undo TEXT NOT NULL CHECK (json_valid(undo))"
	") STRICT;"
	"CREATE TABLE quarantine ("
	" boot TEXT NOT NULL,"
	" uuid TEXT NOT NULL,"
	" clock_ns INTEGER NOT NULL,"
	" since_ns INTEGER NOT NULL,"
	" cause TEXT NOT NULL,"
	" until_ns INTEGER,"
	" ended_ns INTEGER,"
	" ended_by TEXT,"
	" PRIMARY KEY (boot, uuid, clock_ns)"
	") STRICT, WITHOUT ROWID;",
	"ALTER TABLE vm ADD COLUMN weight INTEGER CHECK (weight BETWEEN 10 AND 1000);",
};

#define SCHEMA_VERSION	((int)ARRAY_SIZE(migrations))

static bool is_full(const struct db *db)
{
	struct statvfs fs;

	return !statvfs(db->path, &fs) && !fs.f_bavail;
}

/* What SQLite's result means to the operator. */
static enum admin_exit fail(struct db *db, const char *what)
{
	int code = sqlite3_errcode(db->sqlite) & 0xff;

	/* Of files in memory that cannot grow it says no more than this. */
	if (code == SQLITE_IOERR && is_full(db))
		code = SQLITE_FULL;
	switch (code) {
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
	return fail(db, "writing");
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

static enum admin_exit check_with(struct db *db, const char *pragma)
{
	enum admin_exit status = ADMIN_OK;
	const char *verdict;
	sqlite3_stmt *query;

	if (sqlite3_prepare_v2(db->sqlite, pragma, -1, &query, NULL) != SQLITE_OK || sqlite3_step(query) != SQLITE_ROW) {
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

/*
 * Histories grow for ever, so that each command looks at what is declared alone, and at that as pages and rows, which are what
 * is damaged by disks. Those that restore look at all of it.
 */
static enum admin_exit check_declared(struct db *db)
{
	static const char * const tables[] = { "pool", "gpu", "vm", "intent" };
	enum admin_exit status = execute(db, "PRAGMA ignore_check_constraints = ON");
	char pragma[64];
	size_t i;

	for (i = 0; status == ADMIN_OK && i < ARRAY_SIZE(tables); i++) {
		snprintf(pragma, sizeof(pragma), "PRAGMA quick_check(%s)", tables[i]);
		status = check_with(db, pragma);
	}
	return status == ADMIN_OK ? execute(db, "PRAGMA ignore_check_constraints = OFF") : status;
}

/**
 * db_check() - whether all of the database is whole
 * @db: open; one that is not there is
 *
 * Takes time in proportion to its histories. Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_check(struct db *db)
{
	return db->sqlite ? check_with(db, "PRAGMA integrity_check(1)") : ADMIN_OK;
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
		return check_declared(db);
	if (mode != DB_READ)
		return db_check(db) == ADMIN_OK ? migrate(db, version) : ADMIN_DATABASE;
	admin_error("%s is of version %d, this vgpu-admin's is %d: any command that changes something brings it up",
		    db->path, version, SCHEMA_VERSION);
	return ADMIN_DATABASE;
}

/* Says what errno has against a path. */
static enum admin_exit cannot(const char *path)
{
	enum admin_exit status = errno == EACCES || errno == EPERM ? ADMIN_DENIED : ADMIN_DATABASE;

	admin_error("%s: %s", path, strerror(errno));
	return status;
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
	if (db->lock < 0)
		return cannot(path);
	for (waited = 0; flock(db->lock, LOCK_EX | LOCK_NB); waited += LOCK_POLL_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return cannot(path);
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
	return cannot(dir);
}

static enum admin_exit connect(struct db *db, enum db_mode mode)
{
	static const int flags[] = {
		[DB_READ] = SQLITE_OPEN_READONLY,
		[DB_WRITE] = SQLITE_OPEN_READWRITE,
		[DB_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
	};
	mode_t mask = umask(077);
	int code;

	/* A command has one thread and is short. */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	code = sqlite3_open_v2(db->path, &db->sqlite, flags[mode] | SQLITE_OPEN_NOMUTEX, NULL);
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
	if (mode != DB_CREATE && access(path, F_OK) && errno == ENOENT) {
		if (mode == DB_READ) {
			*out = db;
			return ADMIN_OK;
		}
		admin_error("%s is not there: put back a copy, or begin with nothing declared: vgpu-admin config init",
			    path);
		status = ADMIN_DATABASE;
	}
	if (mode != DB_CREATE && access(path, R_OK) && errno == EACCES) {
		admin_error("%s: %s: run it as root", path, strerror(EACCES));
		status = ADMIN_DENIED;
	}
	if (mode == DB_CREATE)
		status = make_directory(path);
	if (status == ADMIN_OK && mode != DB_READ)
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
	sqlite3_finalize(db->statement);
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
	json_t *row = json_object(), *value;
	int i, type;

	for (i = 0; i < sqlite3_column_count(query); i++) {
		type = sqlite3_column_type(query, i);
		if (type == SQLITE_INTEGER)
			value = json_integer(sqlite3_column_int64(query, i));
		else if (type == SQLITE_TEXT)
			value = json_string((const char *)sqlite3_column_text(query, i));
		else
			continue;
		json_object_set_new_nocheck(row, sqlite3_column_name(query, i), value);
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
	sqlite3_stmt *statement = db->statement;
	const json_t *value;
	int i;

	if (!statement || strcmp(sqlite3_sql(statement), sql)) {
		sqlite3_finalize(statement);
		db->statement = NULL;
		if (sqlite3_prepare_v2(db->sqlite, sql, -1, &db->statement, NULL) != SQLITE_OK)
			return fail(db, "preparing");
		statement = db->statement;
	}
	for (i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
		value = json_object_get(values, sqlite3_bind_parameter_name(statement, i) + 1);
		if (json_is_integer(value))
			sqlite3_bind_int64(statement, i, json_integer_value(value));
		else if (json_is_string(value))
			sqlite3_bind_text(statement, i, json_string_value(value), -1, SQLITE_STATIC);
	}
	if (sqlite3_step(statement) != SQLITE_DONE)
		status = fail(db, "writing");
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return status;
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
 * struct table - a kind of objects
 * @kind: in a state
 * @name: of the table
 * @key: column that names an object
 * @columns: others that are no settings, ends with NULL
 * @settings: the columns that are
 */
struct table {
	const char *kind;
	const char *name;
	const char *key;
	const char * const *columns;
	const struct setting *settings;
};

static const char * const pool_columns[] = { "limits", NULL };
static const char * const gpu_columns[] = { "pool", NULL };
static const char * const vm_columns[] = { "name", "pool", "type", "gpu", NULL };

static const struct table tables[] = {
	{ "pools", "pool", "name", pool_columns, pool_settings },
	{ "gpus", "gpu", "name", gpu_columns, NULL },
	{ "vms", "vm", "uuid", vm_columns, vm_settings },
};

static enum admin_exit read_table(struct db *db, const struct table *table, json_t *state)
{
	json_t *rows, *row, *objects = json_object_get(state, table->kind);
	enum admin_exit status;
	const char *name;
	char sql[64];
	size_t i;

	snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY %s", table->name, table->key);
	status = read_rows(db, sql, &rows);
	if (status != ADMIN_OK)
		return status;
	load_texts(rows, "limits");
	json_array_foreach(rows, i, row) {
		name = json_string_value(json_object_get(row, table->key));
		json_object_set(objects, name, row);
		json_object_del(row, table->key);
	}
	json_decref(rows);
	return ADMIN_OK;
}

/**
 * db_state() - what is declared
 * @db: open; one that is not there declares nothing but the default pool
 * @state: as plan.h has it; new
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_state(struct db *db, json_t **state)
{
	bool begun = db->sqlite && sqlite3_get_autocommit(db->sqlite);
	enum admin_exit status = ADMIN_OK;
	size_t i;

	*state = state_new();
	if (!db->sqlite)
		state_add(*state, "pools", POOL_DEFAULT);
	if (begun)
		status = execute(db, "BEGIN");
	for (i = 0; status == ADMIN_OK && i < ARRAY_SIZE(tables); i++)
		status = read_table(db, &tables[i], *state);
	if (begun)
		db_rollback(db);
	if (status != ADMIN_OK) {
		json_decref(*state);
		*state = NULL;
	}
	return status;
}

static enum admin_exit remove_object(struct db *db, const struct table *table, const char *name)
{
	json_t *values = json_pack("{s:s}", "name", name);
	enum admin_exit status;
	char sql[64];

	snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE %s = :name", table->name, table->key);
	status = execute_with(db, sql, values);
	json_decref(values);
	return status;
}

static enum admin_exit insert_object(struct db *db, const struct table *table, const char *name, const json_t *object)
{
	char columns[1024], values[1024], sql[2200];
	json_t *row = json_copy((json_t *)object);
	const struct setting *setting;
	enum admin_exit status;
	size_t c, v;
	int i;

	json_object_set_new(row, table->key, json_string(name));
	if (json_is_object(json_object_get(row, "limits")))
		set_text(row, "limits", json_object_get(object, "limits"));
	c = snprintf(columns, sizeof(columns), "%s", table->key);
	v = snprintf(values, sizeof(values), ":%s", table->key);
	for (i = 0; table->columns[i]; i++) {
		c += snprintf(columns + c, sizeof(columns) - c, ", %s", table->columns[i]);
		v += snprintf(values + v, sizeof(values) - v, ", :%s", table->columns[i]);
	}
	for (setting = table->settings; setting && setting->key; setting++) {
		c += snprintf(columns + c, sizeof(columns) - c, ", \"%s\"", setting->key);
		v += snprintf(values + v, sizeof(values) - v, ", :%s", setting->key);
	}
	snprintf(sql, sizeof(sql), "INSERT INTO %s (%s) VALUES (%s)", table->name, columns, values);
	status = execute_with(db, sql, row);
	json_decref(row);
	return status;
}

/**
 * db_store() - declare something else
 * @db: in a transaction
 * @before: state that is declared
 * @after: state that is to be
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_store(struct db *db, const json_t *before, const json_t *after)
{
	enum admin_exit status = execute(db, "PRAGMA defer_foreign_keys = ON");
	json_t *touched = plan_touched(before, after), *flag;
	const char *name;
	size_t i;

	/* All that changes goes before any of it comes: names may be exchanged. */
	for (i = 0; i < ARRAY_SIZE(tables); i++)
		json_object_foreach(json_object_get(touched, tables[i].kind), name, flag)
			if (status == ADMIN_OK && state_get(before, tables[i].kind, name))
				status = remove_object(db, &tables[i], name);
	for (i = 0; i < ARRAY_SIZE(tables); i++)
		json_object_foreach(json_object_get(touched, tables[i].kind), name, flag)
			if (status == ADMIN_OK && state_get(after, tables[i].kind, name))
				status = insert_object(db, &tables[i], name, state_get(after, tables[i].kind, name));
	json_decref(touched);
	return status;
}

/**
 * db_who() - whose command this is
 *
 * Return: a new string: who logged in, whatever they became since; the user of the process where nobody did.
 */
json_t *db_who(void)
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

/**
 * db_history_add() - record changes
 * @db: in the transaction that makes them
 * @command: what was asked for
 * @differences: as plan_diff() makes them
 * @before: state that was declared
 * @after: state that is declared
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_history_add(struct db *db, const char *command, const json_t *differences, const json_t *before,
			       const json_t *after)
{
	enum admin_exit status = ADMIN_OK;
	const char *object, *name;
	json_t *difference, *values, *who = db_who();
	struct timespec now;
	char kind[16];
	size_t i;

	clock_gettime(CLOCK_REALTIME, &now);
	json_array_foreach(differences, i, difference) {
		object = json_string_value(json_object_get(difference, "object"));
		name = json_string_value(json_object_get(difference, "name"));
		snprintf(kind, sizeof(kind), "%ss", object);
		values = json_pack("{s:I, s:O, s:s, s:s, s:s}", "time_ns",
				   (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec, "who", who,
				   "command", command, "object", object, "name", name);
		set_text(values, "before", state_get(before, kind, name));
		set_text(values, "after", state_get(after, kind, name));
		if (status == ADMIN_OK)
			status = execute_with(db, "INSERT INTO history (time_ns, who, command, object, name, before,"
					      " after) VALUES (:time_ns, :who, :command, :object, :name, :before,"
					      " :after)", values);
		json_decref(values);
	}
	json_decref(who);
	return status;
}

/**
 * db_history() - the last changes, oldest first
 * @db: open
 * @count: how many at most
 * @entries: array of objects with id, time_ns (of CLOCK_REALTIME), who, command, object, name, before and after; new
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_history(struct db *db, unsigned int count, json_t **entries)
{
	enum admin_exit status;
	char sql[160];

	snprintf(sql, sizeof(sql), "SELECT * FROM (SELECT id, time_ns, who, command, object, name, before, after"
		 " FROM history ORDER BY id DESC LIMIT %u) ORDER BY id", count);
	status = read_rows(db, sql, entries);
	if (status == ADMIN_OK) {
		load_texts(*entries, "before");
		load_texts(*entries, "after");
	}
	return status;
}

/**
 * db_intent_add() - record how to undo a change of the kernel that is about to be made
 * @db: opened with DB_WRITE, in no transaction: the intent outlives this process when this returns. It need not outlive a
 *	power cut, which undoes the change with the kernel that has it, so that it is not waited for until the disk has it.
 * @boot: names the kernel that is going to be changed; another one has nothing to be undone in it
 * @command: that is at it
 * @undo: how, any JSON
 * @id: of the intent
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_intent_add(struct db *db, const char *boot, const char *command, const json_t *undo, json_int_t *id)
{
	json_t *values = json_pack("{s:s, s:s}", "boot", boot, "command", command);
	enum admin_exit status;

	set_text(values, "undo", undo);
	status = execute(db, "PRAGMA synchronous = NORMAL");
	if (status == ADMIN_OK)
		status = execute_with(db, "INSERT INTO intent (boot, command, undo) VALUES (:boot, :command, :undo)",
				      values);
	*id = sqlite3_last_insert_rowid(db->sqlite);
	if (status == ADMIN_OK)
		status = execute(db, "PRAGMA synchronous = FULL");
	json_decref(values);
	return status;
}

/**
 * db_intents() - what commands that died were about to do, newest first, in which order it is to be undone
 * @db: open
 * @intents: array of objects with id, boot, command and undo; new
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_intents(struct db *db, json_t **intents)
{
	enum admin_exit status = read_rows(db, "SELECT id, boot, command, undo FROM intent ORDER BY id DESC", intents);

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

/**
 * db_quarantine_note() - record a quarantine, or what has become of it
 * @db: opened with DB_WRITE
 * @entry: object of boot, uuid and clock_ns (when it began, of CLOCK_MONOTONIC), which name it; since_ns (of
 *	CLOCK_REALTIME), cause, and until_ns, ended_ns and ended_by where they are known
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_quarantine_note(struct db *db, const json_t *entry)
{
	return execute_with(db, "INSERT INTO quarantine (boot, uuid, clock_ns, since_ns, cause, until_ns, ended_ns, ended_by)"
			    " VALUES (:boot, :uuid, :clock_ns, :since_ns, :cause, :until_ns, :ended_ns, :ended_by)"
			    " ON CONFLICT (boot, uuid, clock_ns) DO UPDATE SET ended_ns = coalesce(ended_ns, :ended_ns),"
			    " ended_by = coalesce(ended_by, :ended_by)", entry);
}

/**
 * db_quarantines() - every quarantine that was noted, oldest first
 * @db: open
 * @entries: array of objects as db_quarantine_note() takes them; new
 *
 * Return: ADMIN_OK, or ADMIN_DATABASE, said on stderr.
 */
enum admin_exit db_quarantines(struct db *db, json_t **entries)
{
	return read_rows(db, "SELECT * FROM quarantine ORDER BY since_ns, uuid", entries);
}
