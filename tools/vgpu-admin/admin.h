/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: vgpu-admin
 *
 * vgpu-admin OBJECT VERB: each object is a file with a table of verbs (gpu.c, vm.c, version.c); main.c finds the verb
 * and parses its options. A verb reads the kernel through netlink.c, which turns messages into JSON values by tables of
 * fields, and hands those to print.c, which prints them as they are or as text by tables of columns. So text and JSON
 * cannot tell different stories.
 *
 * Options are parsed by getopt_long(), on which argp is built too. argp would want its own tables beside these, from which
 * help, completion, messages and the test of wrong words are made, and says in its own words what is wrong; and it has no
 * notion of verbs.
 *
 * A new object is a file with a struct admin_object, named here and in main.c's list. A verb whose code is in a file of
 * its own is a row in its object's table and a prototype under "verbs of other files" here. Help and completion follow
 * from the tables.
 */
#ifndef VGPU_ADMIN_H
#define VGPU_ADMIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * enum admin_exit - exit statuses, as vgpu-admin(8) documents them
 * @ADMIN_OK: done
 * @ADMIN_FAILED: refused by the kernel, or a system call failed
 * @ADMIN_USAGE: wrong arguments; nothing was tried
 * @ADMIN_NO_MODULE: the module is not loaded
 * @ADMIN_DENIED: not privileged
 * @ADMIN_NOT_FOUND: no such object, or a prefix that fits several
 * @ADMIN_DATABASE: the database cannot be used; the kernel is as it was
 * @ADMIN_DIFFERS: what was compared differs
 * @ADMIN_BUSY: refused because it is in use
 * @ADMIN_EXISTS: refused because there is one already
 */
enum admin_exit {
	ADMIN_OK = 0,
	ADMIN_FAILED = 1,
	ADMIN_USAGE = 2,
	ADMIN_NO_MODULE = 3,
	ADMIN_DENIED = 4,
	ADMIN_NOT_FOUND = 5,
	ADMIN_DATABASE = 6,
	ADMIN_DIFFERS = 7,
	ADMIN_BUSY = 8,
	ADMIN_EXISTS = 9,
};

#define ADMIN_MAX_OPTIONS	48
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/**
 * enum admin_kind - what a word of the command line names, for completion
 * @ADMIN_ANY: nothing that could be listed
 * @ADMIN_WORD: one of a few words
 * @ADMIN_GPU: a GPU, by name or PCI address
 * @ADMIN_POOL: a pool, by name
 * @ADMIN_VM: a virtual GPU, by name or UUID
 * @ADMIN_TYPE: a type of virtual GPU
 * @ADMIN_FILE: a file
 */
enum admin_kind {
	ADMIN_ANY,
	ADMIN_WORD,
	ADMIN_GPU,
	ADMIN_POOL,
	ADMIN_VM,
	ADMIN_TYPE,
	ADMIN_FILE,
};

/**
 * struct admin_args - the words behind OBJECT VERB
 * @json: print JSON
 * @pretty: indent it
 * @dry_run: say what would be changed and change nothing; only where the verb changes something
 * @command: the whole command line, for the history; NULL for completion, which is no command
 * @names: words that are not options
 * @num_names: of @names
 * @value: of the verb's options by their index in the verb's table, NULL where not given; "" of one that takes none
 * @setting: of the verb's settings by their index in their table, NULL where not given
 */
struct admin_args {
	bool json;
	bool pretty;
	bool dry_run;
	const char *command;
	char **names;
	int num_names;
	const char *value[ADMIN_MAX_OPTIONS];
	const char *setting[ADMIN_MAX_OPTIONS];
};

/**
 * struct admin_option - an option of a verb
 * @name: without the dashes
 * @what: placeholder of the value in help; NULL for an option that takes none
 * @help: one line
 * @kind: of the value
 * @words: of ADMIN_WORD, ends with NULL
 */
struct admin_option {
	const char *name;
	const char *what;
	const char *help;
	enum admin_kind kind;
	const char * const *words;
};

struct setting;

/**
 * struct admin_verb - what can be done with an object
 * @name: the word
 * @names: placeholders of its arguments in help; NULL where it takes none
 * @help: one line
 * @min_names: arguments needed
 * @max_names: arguments allowed
 * @options: ends with a name that is NULL; NULL where there are none
 * @run: does it
 * @kind: of its arguments
 * @changes: changes something, hence takes --dry-run
 * @settings: options for each of these too (settings.h), ends with a key that is NULL; NULL where there are none
 */
struct admin_verb {
	const char *name;
	const char *names;
	const char *help;
	int min_names;
	int max_names;
	const struct admin_option *options;
	enum admin_exit (*run)(const struct admin_args *args);
	enum admin_kind kind;
	bool changes;
	const struct setting *settings;
};

/**
 * struct admin_object - a noun of the command line
 * @name: the word
 * @help: one line
 * @verbs: the first is meant where none is given; ends with a name that is NULL
 */
struct admin_object {
	const char *name;
	const char *help;
	const struct admin_verb *verbs;
};

extern const struct admin_object admin_config;
extern const struct admin_object admin_doctor;
extern const struct admin_object admin_gpu;
extern const struct admin_object admin_limit;
extern const struct admin_object admin_pool;
extern const struct admin_object admin_quarantine;
extern const struct admin_object admin_sched;
extern const struct admin_object admin_vm;
extern const struct admin_object admin_stats;
extern const struct admin_object admin_top;
extern const struct admin_object admin_events;
extern const struct admin_object admin_version;
extern const struct admin_object * const admin_objects[];

/* Verbs of other files than their object's table */

enum admin_exit sched_record(const struct admin_args *args);
enum admin_exit complete(char **words, int count);

__attribute__((format(printf, 1, 2)))
void admin_error(const char *format, ...);

#endif /* VGPU_ADMIN_H */
