/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: A command's view of kernel and database, and changes to both
 *
 * A verb opens one, reads @kernel and @declared, and, if it changes something, edits @wanted and commits: the kernel is
 * brought from what it is to what is wanted, and the database declares it; or neither (db.h tells how). The same
 * functions print what would be changed under --dry-run.
 */
#ifndef VGPU_ADMIN_CHANGE_H
#define VGPU_ADMIN_CHANGE_H

#include "db.h"
#include "kernel.h"

/**
 * struct change - a command's view
 * @args: the command's
 * @link: to the kernel
 * @db: open, NULL where it cannot be read
 * @kernel: what is; of virtual GPUs only one where change_open_vm() could tell which one is meant
 * @declared: what the database has
 * @wanted: what it is to have, a copy of @declared at first
 * @trouble: what is wrong with the database, ADMIN_OK if nothing is; a command that only shows goes on without
 */
struct change {
	const struct admin_args *args;
	struct nl_link *link;
	struct db *db;
	json_t *kernel;
	json_t *declared;
	json_t *wanted;
	enum admin_exit trouble;
};

const char *change_database(void);
enum admin_exit change_open(struct change *change, const struct admin_args *args, enum db_mode mode);
enum admin_exit change_open_vm(struct change *change, const struct admin_args *args, enum db_mode mode, const char *word);
enum admin_exit change_commit(struct change *change);
enum admin_exit change_commit_all(struct change *change);
enum admin_exit change_list_intents(void);
enum admin_exit change_forget_intents(const struct admin_args *args);
enum admin_exit change_restore(struct change *change);
enum admin_exit change_close(struct change *change, enum admin_exit status);

enum admin_exit change_find_vm(const struct change *change, const char *word, const char **uuid);
enum admin_exit change_find_gpu(const struct change *change, const char *word, const char **name);
enum admin_exit change_find_pool(const struct change *change, const char *word, const char **name);
enum admin_exit change_check_name(const char *object, const char *name, size_t max);
const char *change_vm_name(const struct change *change, const char *uuid);

json_t *pool_list(const struct change *change, const char *only);

void change_print_differences(const struct change *change, const json_t *differences);

#endif /* VGPU_ADMIN_CHANGE_H */
