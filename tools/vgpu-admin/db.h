/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: What the operator declared
 *
 * The database holds what virtual GPUs should be; the kernel holds what they are. A command that changes both takes the
 * lock, which one command has at a time and which its death lets go, and then
 *
 *	1. repairs what a command that died left: every intent that is there, see 2
 *	2. records in an intent how to undo in the kernel what it is about to do
 *	3. changes the kernel
 *	4. in one transaction, changes what is declared, adds to the history and removes the intent
 *
 * A command that dies before 4 has changed neither, once its intent is undone; one that dies after it, both.
 */
#ifndef VGPU_ADMIN_DB_H
#define VGPU_ADMIN_DB_H

#include "plan.h"

#define DB_PATH		"/var/lib/vgpu/vgpu.db"
#define DB_LOCK_MS	10000	/* how long a command waits for another */

struct db;

/**
 * enum db_mode - what a command is going to do
 * @DB_READ: only look; a database that is not there is an empty one
 * @DB_WRITE: change something: takes the lock, migrates an older one
 * @DB_CREATE: likewise, and makes the database where there is none
 */
enum db_mode {
	DB_READ,
	DB_WRITE,
	DB_CREATE,
};

enum admin_exit db_open(struct db **db, const char *path, enum db_mode mode);
enum admin_exit db_check(struct db *db);
void db_close(struct db *db);
enum admin_exit db_begin(struct db *db);
enum admin_exit db_commit(struct db *db);
void db_rollback(struct db *db);

enum admin_exit db_state(struct db *db, json_t **state);
enum admin_exit db_store(struct db *db, const json_t *before, const json_t *after);

json_t *db_who(void);
enum admin_exit db_history_add(struct db *db, const char *command, const json_t *differences, const json_t *before,
			       const json_t *after);
enum admin_exit db_history(struct db *db, unsigned int count, json_t **entries);

enum admin_exit db_intent_add(struct db *db, const char *boot, const char *command, const json_t *undo,
			      json_int_t *id);
enum admin_exit db_intents(struct db *db, json_t **intents);
enum admin_exit db_intent_remove(struct db *db, json_int_t id);

enum admin_exit db_quarantine_note(struct db *db, const json_t *entry);
enum admin_exit db_quarantines(struct db *db, json_t **entries);

#endif /* VGPU_ADMIN_DB_H */
