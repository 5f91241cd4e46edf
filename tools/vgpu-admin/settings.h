/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: Settings
 *
 * What an operator can set has one row in a table here (settings.c): its name on the command line and in the
 * configuration file, its key in JSON and in the database, its unit, its range and its netlink attribute. Parsing,
 * messages, help, completion, printing, export and requests to the kernel all read that row.
 */
#ifndef VGPU_ADMIN_SETTINGS_H
#define VGPU_ADMIN_SETTINGS_H

#include "admin.h"
#include "units.h"

/**
 * struct setting - something that can be set
 * @key: in JSON and in the database
 * @option: on the command line, without the dashes, and in the configuration file
 * @what: placeholder of the value in help
 * @help: one line, without the range
 * @unit: as which it is written; UNIT_WORD for one of @words
 * @min: least value, in the unit's smallest
 * @max: greatest
 * @words: of UNIT_WORD, ends with NULL; the value in the kernel is the index
 * @none: word that stands for 0, where 0 is allowed beside @min..@max; or NULL
 * @attribute: of netlink; of UNIT_WEIGHTS the first of three; of UNIT_STRIKES the kind of strike
 * @wide: the attribute is a u64, not a u32
 * @standard: as people write it, where nothing is declared; NULL where that is another's to say
 */
struct setting {
	const char *key;
	const char *option;
	const char *what;
	const char *help;
	enum unit unit;
	uint64_t min;
	uint64_t max;
	const char * const *words;
	const char *none;
	int attribute;
	bool wide;
	const char *standard;
};

extern const struct setting pool_settings[];
extern const struct setting vm_settings[];
#define limit_settings	(vm_settings + 1)	/* what a pool can have standards of: all but memory */

struct nl_msg;
struct nlattr;

const struct setting *setting_find(const struct setting *table, const char *key);
const struct setting *setting_find_option(const struct setting *table, const char *option);
json_t *setting_parse(const struct setting *setting, const char *text, char *why, size_t len);
json_t *settings_parse(const struct setting *table, const struct admin_args *args);
bool setting_strikes(const struct setting *setting, const char *text, uint64_t *threshold, uint64_t *window_ns);
json_t *setting_strikes_text(const struct setting *setting, uint64_t threshold, uint64_t window_ns);
void settings_put(struct nl_msg *msg, const struct setting *table, const json_t *values);
void settings_take(json_t *object, const struct setting *table, struct nlattr *attrs, int len);
void setting_format(const struct setting *setting, const json_t *value, char text[UNITS_MAX]);
void setting_range(const struct setting *setting, char *text, size_t len);

#endif /* VGPU_ADMIN_SETTINGS_H */
