/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* Rows of make bench: one JSON object a line, see README.md here. */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What a row is measured against: @beside in the same run, or nothing but a limit. */
enum bench_goal { GOAL_NONE, GOAL_AT_MOST, GOAL_AT_LEAST };

/**
 * struct bench_row - a row
 * @name: "group/what"
 * @value: measured
 * @unit: of @value and @beside_value
 * @beside: what was measured beside it, or what the limit is
 * @beside_value: its figure
 * @goal: whether @limit bounds @of from above or below
 * @limit: bound
 * @on_value: @limit bounds @value, not the ratio of @value to @beside_value
 */
struct bench_row {
	const char *name;
	double value;
	const char *unit;
	const char *beside;
	double beside_value;
	enum bench_goal goal;
	double limit;
	bool on_value;
};

/**
 * bench_ns - monotonic time in nanoseconds
 */
static inline uint64_t bench_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/**
 * bench_print - prints a row at once
 * @row: row
 */
static inline void bench_print(const struct bench_row *row)
{
	static const char *const signs[] = { "", "<=", ">=" };
	double ratio = row->beside_value ? row->value / row->beside_value : 0;
	double judged = row->on_value ? row->value : ratio;
	const char *reached = "null";
	char goal[64] = "";

	if (row->goal != GOAL_NONE) {
		reached = (row->goal == GOAL_AT_MOST ? judged <= row->limit : judged >= row->limit) ? "true" : "false";
		snprintf(goal, sizeof(goal), "%s %.4g%s%s", signs[row->goal], row->limit, row->on_value ? " " : "",
			 row->on_value ? row->unit : "");
	}
	printf("{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", \"beside\": \"%s\", \"beside_value\": %.4g, \"ratio\": %.4g, "
	       "\"goal\": \"%s\", \"reached\": %s}\n",
	       row->name, row->value, row->unit, row->beside, row->beside_value, ratio, goal, reached);
	fflush(stdout);
}

#define ROW(...) bench_print(&(struct bench_row){ __VA_ARGS__ })

/**
 * bench_wanted - tells whether a row is among the prefixes of the command line; all are where there are none
 * @argc: of main()
 * @argv: of main()
 * @name: row, or the start of several
 */
static inline bool bench_wanted(int argc, char **argv, const char *name)
{
	int i;

	for (i = 1; i < argc; i++) {
		size_t len = strlen(argv[i]) < strlen(name) ? strlen(argv[i]) : strlen(name);

		if (!strncmp(argv[i], name, len))
			return true;
	}
	return argc < 2;
}

static inline int bench_by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/**
 * bench_median - median of samples, which it sorts
 * @samples: array
 * @n: elements
 */
static inline double bench_median(uint64_t *samples, size_t n)
{
	qsort(samples, n, sizeof(*samples), bench_by_value);
	return (double)samples[n / 2];
}

#endif
