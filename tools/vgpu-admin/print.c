// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "print.h"
#include "settings.h"

#define INDENT		2
#define MAX_COLUMNS	64

static const json_t *look_up(const json_t *object, const char *path)
{
	const char *dot;

	while (object && (dot = strchr(path, '.'))) {
		object = json_object_getn(object, path, dot - path);
		path = dot + 1;
	}
	return json_object_get(object, path);
}

/**
 * print_setting() - a setting as people write it
 * @key: of the setting; one that is none is written as it is
 * @value: its value, NULL or null where it is not set
 * @text: filled in
 */
void print_setting(const char *key, const json_t *value, char text[PRINT_TEXT_MAX])
{
	const struct setting *setting = setting_find(vm_settings, key);
	char formatted[UNITS_MAX];

	if (!setting)
		setting = setting_find(pool_settings, key);
	if (!value || json_is_null(value)) {
		snprintf(text, PRINT_TEXT_MAX, "-");
	} else if (setting) {
		setting_format(setting, value, formatted);
		snprintf(text, PRINT_TEXT_MAX, "%s", formatted);
	} else {
		snprintf(text, PRINT_TEXT_MAX, "%s", json_string_value(value));
	}
}

static void format_time(uint64_t ns, char *text, size_t len)
{
	time_t seconds = ns / 1000000000;
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(text, len, "%F %T", &tm);
}

/* The value as text; a value that is not there is "-". The caller frees it. */
static char *format(const json_t *object, const struct print_column *column)
{
	const json_t *value = look_up(object, column->path);
	const char *dot = strrchr(column->path, '.');
	char text[PRINT_TEXT_MAX] = "-";

	if (column->unit == PRINT_SETTING) {
		print_setting(dot ? dot + 1 : column->path, value, text);
		return strdup(text);
	}
	if (json_is_string(value))
		return strdup(json_string_value(value));
	if (json_is_boolean(value)) {
		snprintf(text, sizeof(text), json_is_true(value) ? "yes" : "no");
	} else if (json_is_integer(value)) {
		uint64_t number = json_integer_value(value);

		switch (column->unit) {
		case PRINT_SIZE:
			units_format_size(number, text);
			break;
		case PRINT_DURATION:
			units_format_duration(number, text);
			break;
		case PRINT_TIME:
			format_time(number, text, sizeof(text));
			break;
		default:
			snprintf(text, sizeof(text), "%" PRIu64, number);
		}
	}
	return strdup(text);
}

static bool is_number(const json_t *objects, const struct print_column *column)
{
	const json_t *value = look_up(json_array_get(objects, 0), column->path);

	return json_is_integer(value);
}

/**
 * print_json_to() - a value as JSON, with a newline
 * @file: where to
 * @value: any
 * @args: whether to indent
 */
void print_json_to(FILE *file, const json_t *value, const struct admin_args *args)
{
	json_dumpf(value, file, JSON_PRESERVE_ORDER | JSON_ENCODE_ANY | (args->pretty ? JSON_INDENT(INDENT) : 0));
	fputc('\n', file);
}

/**
 * print_json() - a value as JSON on stdout, with a newline
 * @value: any
 * @args: whether to indent
 */
void print_json(const json_t *value, const struct admin_args *args)
{
	print_json_to(stdout, value, args);
}

/**
 * print_table() - objects as JSON, or one on each line under headers
 * @objects: array
 * @columns: those with a header are shown; ends with a path that is NULL
 * @none: what is said instead where there are none
 * @args: what was asked for
 */
void print_table(const json_t *objects, const struct print_column *columns, const char *none,
		 const struct admin_args *args)
{
	const struct print_column *shown[MAX_COLUMNS];
	size_t rows = json_array_size(objects), row, width[MAX_COLUMNS];
	int count = 0, i;
	char **cells;

	if (args->json) {
		print_json(objects, args);
		return;
	}
	if (!rows) {
		puts(none);
		return;
	}
	for (; columns->path && count < MAX_COLUMNS; columns++)
		if (columns->header)
			shown[count++] = columns;
	cells = calloc((rows + 1) * count, sizeof(*cells));
	for (i = 0; i < count; i++) {
		cells[i] = strdup(shown[i]->header);
		for (row = 0; row < rows; row++)
			cells[(row + 1) * count + i] = format(json_array_get(objects, row), shown[i]);
		width[i] = 0;
		for (row = 0; row <= rows; row++)
			if (strlen(cells[row * count + i]) > width[i])
				width[i] = strlen(cells[row * count + i]);
	}
	for (row = 0; row <= rows; row++) {
		for (i = 0; i < count; i++) {
			bool last = i == count - 1;
			int columns_wide = (int)width[i];

			if (!is_number(objects, shown[i]))
				columns_wide = last ? 0 : -columns_wide;
			printf("%*s%s", columns_wide, cells[row * count + i], last ? "\n" : "  ");
			free(cells[row * count + i]);
		}
	}
	free(cells);
}

/**
 * print_details() - objects as JSON, or one value on each line
 * @objects: array
 * @columns: all are shown, but those whose value is not there; ends with a path that is NULL
 * @args: what was asked for
 */
void print_details(const json_t *objects, const struct print_column *columns, const struct admin_args *args)
{
	int indent = columns->label ? 0 : INDENT;
	const struct print_column *column;
	size_t row, width = 0;
	json_t *object;
	char *text;

	if (args->json) {
		print_json(objects, args);
		return;
	}
	for (column = columns; column->path; column++)
		if (column->label && strlen(column->label) > width)
			width = strlen(column->label);
	json_array_foreach(objects, row, object) {
		for (column = columns; column->path; column++) {
			if (!look_up(object, column->path))
				continue;
			text = format(object, column);
			if (column->label)
				printf("%*s%-*s  %s\n", indent, "", (int)width, column->label, text);
			else
				printf("%s\n", text);
			free(text);
		}
	}
}
