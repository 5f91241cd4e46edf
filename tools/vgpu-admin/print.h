/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef VGPU_ADMIN_PRINT_H
#define VGPU_ADMIN_PRINT_H

#include <stdio.h>
#include "admin.h"

/**
 * enum print_unit - how a value is shown to people; JSON has it as it is
 * @PRINT_PLAIN: words, counts
 * @PRINT_SIZE: bytes
 * @PRINT_DURATION: nanoseconds
 * @PRINT_YES_NO: true or false
 * @PRINT_SETTING: as people write the setting that the last key names (settings.h)
 * @PRINT_TIME: nanoseconds of CLOCK_REALTIME, as local date and time
 */
enum print_unit {
	PRINT_PLAIN,
	PRINT_SIZE,
	PRINT_DURATION,
	PRINT_YES_NO,
	PRINT_SETTING,
	PRINT_TIME,
};

/**
 * struct print_column - a value in text
 * @path: keys to it in the JSON object, with dots between
 * @label: in front of it where one object is shown; NULL for what is the title of the lines that follow
 * @header: above it where several are shown, NULL to leave it out there
 * @unit: of the value
 */
struct print_column {
	const char *path;
	const char *label;
	const char *header;
	enum print_unit unit;
};

#define PRINT_TEXT_MAX	96	/* bytes of a setting or time as text */

void print_setting(const char *key, const json_t *value, char text[PRINT_TEXT_MAX]);
void print_json_to(FILE *file, const json_t *value, const struct admin_args *args);
void print_json(const json_t *value, const struct admin_args *args);
void print_table(const json_t *objects, const struct print_column *columns, const char *none,
		 const struct admin_args *args);
void print_details(const json_t *objects, const struct print_column *columns, const struct admin_args *args);

#endif /* VGPU_ADMIN_PRINT_H */
