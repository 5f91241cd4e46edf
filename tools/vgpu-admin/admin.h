/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (c) vgpu authors */
/**
 * DOC: vgpu-admin
 *
 * vgpu-admin OBJECT VERB: each object is a file with a table of verbs (gpu.c, vm.c, version.c); main.c finds the verb
 * and parses its options. A verb reads the kernel through netlink.c, which turns messages into JSON values by tables of
 * fields, and hands those to print.c, which prints them as they are or as text by tables of columns. So text and JSON
 * cannot tell different stories.
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
 * @ADMIN_DATABASE: the database cannot be used; the kernel is as it was. Of db.c, which no verb uses yet
 */
enum admin_exit {
	ADMIN_OK = 0,
	ADMIN_FAILED = 1,
	ADMIN_USAGE = 2,
	ADMIN_NO_MODULE = 3,
	ADMIN_DENIED = 4,
	ADMIN_NOT_FOUND = 5,
	ADMIN_DATABASE = 6,
};

#define ADMIN_MAX_OPTIONS	16
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/**
 * struct admin_args - the words behind OBJECT VERB
 * @json: print JSON
 * @pretty: indent it
 * @names: words that are not options
 * @num_names: of @names
 * @value: of the verb's options by their index in the verb's table, NULL where not given
 */
struct admin_args {
	bool json;
	bool pretty;
	char **names;
	int num_names;
	const char *value[ADMIN_MAX_OPTIONS];
};

/**
 * struct admin_option - an option of a verb; each takes a value
 * @name: without the dashes
 * @what: placeholder of the value in help
 * @help: one line
 */
struct admin_option {
	const char *name;
	const char *what;
	const char *help;
};

/**
 * struct admin_verb - what can be done with an object
 * @name: the word
 * @names: placeholders of its arguments in help
 * @help: one line
 * @min_names: arguments needed
 * @max_names: arguments allowed
 * @options: ends with a name that is NULL; NULL where there are none
 * @run: does it
 */
struct admin_verb {
	const char *name;
	const char *names;
	const char *help;
	int min_names;
	int max_names;
	const struct admin_option *options;
	enum admin_exit (*run)(const struct admin_args *args);
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

extern const struct admin_object admin_gpu;
extern const struct admin_object admin_vm;
extern const struct admin_object admin_version;

__attribute__((format(printf, 1, 2)))
void admin_error(const char *format, ...);

#endif /* VGPU_ADMIN_H */
