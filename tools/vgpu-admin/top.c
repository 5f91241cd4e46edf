// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * A live view of all virtual GPUs. A page is made as lines of text, which go to the screen by ncurses, or, where there
 * is no terminal, to the output as they are.
 */

#include <errno.h>
#include <locale.h>
#include <ncurses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "stats.h"
#include "units.h"

#define HISTORY		10
#define MAX_LINES	256
#define LINE_SIZE	512
#define HEADER_LINES	6	/* that do not show virtual GPUs, at most */

enum top_option {
	TOP_ONCE,
	TOP_INTERVAL,
	TOP_COUNT,
	TOP_SORT,
	TOP_POOL,
};

static const char * const sort_words[] = { "compute", "latency", "depth", "memory", "uuid", NULL };

static const struct admin_option top_options[] = {
	[TOP_ONCE] = { "once", NULL, "one page, as lines of text" },
	[TOP_INTERVAL] = { "interval", "SECONDS", "between pages (default: 1)" },
	[TOP_COUNT] = { "count", "N", "end after so many pages" },
	[TOP_SORT] = { "sort", "KEY", "compute, latency, depth, memory or uuid (default: compute)", ADMIN_WORD, sort_words },
	[TOP_POOL] = { "pool", "POOL", "virtual GPUs on GPUs of this pool alone", ADMIN_POOL },
	{ NULL },
};

/**
 * struct row - what is remembered of a virtual GPU from page to page
 * @busy: nanoseconds of compute time at the last reading
 * @completed: commands
 * @share: of the time since the reading before
 * @rate: commands per second, likewise
 * @p99: of the last second, nanoseconds
 * @vm: in the current reading, NULL once it is gone
 * @shares: the latest last, thousandths
 * @latencies: likewise, nanoseconds
 */
struct row {
	uint8_t uuid[16];
	uint64_t busy, completed;
	double share, rate;
	uint64_t p99;
	const struct sample_vm *vm;
	unsigned int shares[HISTORY];
	uint64_t latencies[HISTORY];
};

/**
 * struct top - the view
 */
struct top {
	struct sample_link *link;
	json_t *names;
	struct sample sample;
	uint64_t last_ns;
	uint64_t gpu_busy[64];
	double gpu_share[64];
	struct row *rows;
	size_t num_rows;
	unsigned int sort;
	const char *pool;
	size_t selected;
	bool detail;
	bool only;
	uint8_t uuid[16];
	char lines[MAX_LINES][LINE_SIZE];
	int num_lines;
	int height;
};

__attribute__((format(printf, 2, 3)))
static void line(struct top *top, const char *format, ...)
{
	va_list args;

	if (top->num_lines == MAX_LINES)
		return;
	va_start(args, format);
	vsnprintf(top->lines[top->num_lines++], LINE_SIZE, format, args);
	va_end(args);
}

static const char * const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };

static void bar(char *to, double share, int width)
{
	double filled = (share > 1 ? 1 : share) * width;
	int i;

	*to = '\0';
	for (i = 0; i < width; i++)
		strcat(to, filled >= i + 1 ? "█" : filled >= i + 0.5 ? "▌" : "·");
}

static void sparkline(char *to, const uint64_t *values, uint64_t full)
{
	int i;

	*to = '\0';
	for (i = 0; i < HISTORY; i++)
		strcat(to, blocks[full ? (values[i] * 8 + full - 1) / full > 8 ? 8 : (values[i] * 8 + full - 1) / full : 0]);
}

static void duration(char *to, uint64_t ns)
{
	if (ns < 10000)
		snprintf(to, UNITS_MAX, "%lluns", (unsigned long long)ns);
	else if (ns < 10000000)
		snprintf(to, UNITS_MAX, "%lluus", (unsigned long long)ns / 1000);
	else if (ns < 10000000000)
		snprintf(to, UNITS_MAX, "%llums", (unsigned long long)ns / 1000000);
	else
		snprintf(to, UNITS_MAX, "%llus", (unsigned long long)ns / 1000000000);
}

static struct row *row_of(struct top *top, const uint8_t uuid[16])
{
	struct row *row;
	size_t i;

	for (i = 0; i < top->num_rows; i++)
		if (!memcmp(top->rows[i].uuid, uuid, 16))
			return &top->rows[i];
	top->rows = realloc(top->rows, (top->num_rows + 1) * sizeof(*row));
	row = &top->rows[top->num_rows++];
	memset(row, 0, sizeof(*row));
	memcpy(row->uuid, uuid, 16);
	return row;
}

static unsigned int sort_by;

static int by_key(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	double p = 0, q = 0;

	if (!x->vm || !y->vm)
		return (!x->vm) - (!y->vm);
	switch (sort_by) {
	case 0:
		p = x->share, q = y->share;
		break;
	case 1:
		p = (double)x->p99, q = (double)y->p99;
		break;
	case 2:
		p = (double)x->vm->stat[VGPU_A_STATS_WAITING], q = (double)y->vm->stat[VGPU_A_STATS_WAITING];
		break;
	case 3:
		p = (double)x->vm->stat[VGPU_A_STATS_MEMORY_USED], q = (double)y->vm->stat[VGPU_A_STATS_MEMORY_USED];
		break;
	}
	return p != q ? (p < q) - (p > q) : memcmp(x->uuid, y->uuid, 16);
}

/* The latency of the last second takes a reading of its own: done for those on the page. */
static void read_latency(struct top *top, struct row *row)
{
	struct sample one;

	memmove(row->latencies, row->latencies + 1, sizeof(row->latencies) - sizeof(row->latencies[0]));
	if (!sample_read_vm(top->link, row->uuid, &one))
		row->p99 = one.vms[0].latency[1][0].p99;
	row->latencies[HISTORY - 1] = row->p99;
	sample_free(&one);
}

static int refresh_sample(struct top *top)
{
	double elapsed;
	size_t i;
	int err;

	sample_free(&top->sample);
	err = sample_read(top->link, &top->sample);
	if (err)
		return err;
	elapsed = top->last_ns ? (double)(top->sample.time_ns - top->last_ns) : 0;
	for (i = 0; i < top->num_rows; i++)
		top->rows[i].vm = NULL;
	for (i = 0; i < top->sample.num_vms; i++) {
		const struct sample_vm *vm = &top->sample.vms[i];
		struct row *row = row_of(top, vm->uuid);
		double since = elapsed && row->completed ? elapsed : (double)vm->stat[VGPU_A_STATS_AGE_NS] + 1;

		row->share = (double)(vm->busy[0] - row->busy) / since;
		row->rate = (double)(vm->stat[VGPU_A_STATS_COMPLETED] - row->completed) * 1e9 / since;
		row->busy = vm->busy[0];
		row->completed = vm->stat[VGPU_A_STATS_COMPLETED];
		memmove(row->shares, row->shares + 1, sizeof(row->shares) - sizeof(row->shares[0]));
		row->shares[HISTORY - 1] = (unsigned int)(row->share * 1000);
		if (!top->pool || !strcmp(top->pool, vm->pool))
			row->vm = vm;
	}
	for (i = 0; i < top->sample.num_gpus && i < ARRAY_SIZE(top->gpu_busy); i++) {
		uint64_t busy = top->sample.gpus[i].busy[0];

		top->gpu_share[i] = elapsed ? (double)(busy - top->gpu_busy[i]) / elapsed : 0;
		top->gpu_busy[i] = busy;
	}
	top->last_ns = top->sample.time_ns;
	for (i = 0; i < top->num_rows && i < (size_t)top->height; i++)
		if (top->rows[i].vm)
			read_latency(top, &top->rows[i]);
	sort_by = top->sort;
	qsort(top->rows, top->num_rows, sizeof(*top->rows), by_key);
	return 0;
}

static size_t shown(const struct top *top)
{
	size_t n = 0;

	while (n < top->num_rows && top->rows[n].vm)
		n++;
	return n;
}

static void page_list(struct top *top)
{
	char graph[2][HISTORY * 4 + 64], p99[UNITS_MAX], used[UNITS_MAX], given[UNITS_MAX], memory[UNITS_MAX], uuid[37];
	size_t i, j, count = shown(top), room, first = 0;

	line(top, "vgpu-admin top   %zu GPUs, %zu virtual GPUs, by %s%s%s", top->sample.num_gpus, count, sort_words[top->sort],
	     top->pool ? ", pool " : "", top->pool ? top->pool : "");
	for (i = 0; i < top->sample.num_gpus && i < 3; i++) {
		const struct sample_gpu *gpu = &top->sample.gpus[i];

		bar(graph[0], top->gpu_share[i], 20);
		units_format_size(gpu->stat[VGPU_A_GPU_MEMORY_GIVEN], given);
		units_format_size(gpu->stat[VGPU_A_GPU_MEMORY], memory);
		line(top, "%-10.10s %s %3.0f%%  %s of %s given  %llu switches", gpu->name, graph[0], top->gpu_share[i] * 100, given,
		     memory, (unsigned long long)gpu->stat[VGPU_A_GPU_SWITCHES]);
	}
	line(top, "%-13s %-6s %4s %-*s %5s %7s %6s %-*s %8s", "VM", "TIER", "GPU%", HISTORY, "", "DEPTH", "CMDS/S", "P99", HISTORY, "",
	     "MEM");
	room = top->height > HEADER_LINES ? (size_t)(top->height - HEADER_LINES) : 1;
	if (top->selected >= count)
		top->selected = count ? count - 1 : 0;
	if (top->selected >= room)
		first = top->selected - room + 1;
	for (i = first; i < count && i < first + room; i++) {
		const struct row *row = &top->rows[i];
		uint64_t shares[HISTORY], greatest = 1;

		for (j = 0; j < HISTORY; j++) {
			shares[j] = row->shares[j];
			greatest = row->latencies[j] > greatest ? row->latencies[j] : greatest;
		}
		sparkline(graph[0], shares, 1000);
		sparkline(graph[1], row->latencies, greatest);
		duration(p99, row->p99);
		units_format_size(row->vm->stat[VGPU_A_STATS_MEMORY_USED], used);
		line(top, "%-13.13s %-6s %3.0f%% %s %5llu %7.0f %6s %s %8s%s", stats_name(top->names, row->uuid, uuid), sample_tiers[row->vm->tier], row->share * 100,
		     graph[0], (unsigned long long)row->vm->stat[VGPU_A_STATS_WAITING], row->rate, p99, graph[1], used,
		     row->vm->quarantined ? " Q" : "");
	}
}

/* Its latencies as bars, a line for each power of two. */
static void page_histogram(struct top *top, const struct sample_vm *vm)
{
	uint64_t counts[48] = { 0 }, greatest = 1;
	char graph[256], low[UNITS_MAX];
	int first = 48, last = 0, i;
	size_t at;

	for (at = 0; at < vm->num_buckets; at++) {
		i = vm->buckets[at].top ? 63 - __builtin_clzll(vm->buckets[at].top) : 0;
		counts[i < 47 ? i : 47] += vm->buckets[at].count;
	}
	for (i = 0; i < 48; i++) {
		if (!counts[i])
			continue;
		first = i < first ? i : first;
		last = i;
		greatest = counts[i] > greatest ? counts[i] : greatest;
	}
	for (i = first; i <= last; i++) {
		bar(graph, (double)counts[i] / (double)greatest, 40);
		duration(low, 1ULL << i);
		line(top, "  from %8s %s %llu", low, graph, (unsigned long long)counts[i]);
	}
}

static void page_detail(struct top *top)
{
	static const char *const windows[] = { "all", "1 s", "10 s", "60 s" };
	char uuid[37], text[4][UNITS_MAX];
	const struct sample_vm *vm;
	struct sample one;
	unsigned int i, j;

	if (!top->only && top->selected < shown(top))
		memcpy(top->uuid, top->rows[top->selected].uuid, sizeof(top->uuid));
	if (sample_read_vm(top->link, top->uuid, &one)) {
		sample_free(&one);
		line(top, "it is gone");
		return;
	}
	vm = &one.vms[0];
	line(top, "%s  on %s, pool %s, tier %s%s", stats_name(top->names, vm->uuid, uuid), vm->gpu, vm->pool, sample_tiers[vm->tier],
	     vm->quarantined ? ", IN QUARANTINE" : "");
	line(top, "completed %llu  failed %llu  waiting %llu (most %llu)  switches %llu  promotions %llu",
	     (unsigned long long)vm->stat[VGPU_A_STATS_COMPLETED], (unsigned long long)vm->stat[VGPU_A_STATS_FAILED],
	     (unsigned long long)vm->stat[VGPU_A_STATS_WAITING], (unsigned long long)vm->stat[VGPU_A_STATS_DEPTH_MAX],
	     (unsigned long long)vm->stat[VGPU_A_STATS_SWITCHES], (unsigned long long)vm->stat[VGPU_A_STATS_PROMOTIONS]);
	line(top, "%-12s %9s %9s %9s %9s %9s", "mean of", windows[0], windows[1], windows[2], windows[3], "p99, all");
	for (i = 0; i < SAMPLE_PARTS; i++) {
		for (j = 0; j < SAMPLE_WINDOWS; j++)
			duration(text[j], vm->latency[j][i].count ? vm->latency[j][i].sum / vm->latency[j][i].count : 0);
		line(top, "%-12s %9s %9s %9s %9s", sample_parts[i], text[0], text[1], text[2], text[3]);
		duration(text[0], vm->latency[0][i].p99);
		snprintf(top->lines[top->num_lines - 1] + strlen(top->lines[top->num_lines - 1]), UNITS_MAX + 16, " %9s", text[0]);
	}
	line(top, "latency of %llu commands", (unsigned long long)vm->latency[0][0].count);
	page_histogram(top, vm);
	sample_free(&one);
}

static int make_page(struct top *top)
{
	int err = refresh_sample(top);

	if (err)
		return err;
	top->num_lines = 0;
	if (top->detail)
		page_detail(top);
	else
		page_list(top);
	return 0;
}

static void paint(struct top *top)
{
	int i, heading = 1 + (int)(top->sample.num_gpus < 3 ? top->sample.num_gpus : 3);

	erase();
	for (i = 0; i < top->num_lines && i < LINES - 1; i++) {
		bool chosen = !top->detail && i == heading + 1 + (int)top->selected;

		if (i == 0 || (!top->detail && i == heading))
			attron(A_BOLD);
		if (chosen)
			attron(A_REVERSE);
		mvaddnstr(i, 0, top->lines[i], -1);
		attroff(A_BOLD | A_REVERSE);
	}
	mvaddnstr(LINES - 1, 0, top->detail ? "Esc back  q quit" : "arrows choose  Enter detail  c l d m u sort  p pool  q quit", COLS - 1);
	refresh();
}

static void next_pool(struct top *top)
{
	static char name[sizeof(top->sample.gpus[0].pool)];
	size_t i, found = 0;

	for (i = 0; top->pool && i < top->sample.num_gpus; i++)
		if (!strcmp(top->sample.gpus[i].pool, top->pool))
			found = i + 1;
	if (found == top->sample.num_gpus) {
		top->pool = NULL;
		return;
	}
	snprintf(name, sizeof(name), "%s", top->sample.gpus[found].pool);
	top->pool = name;
}

/* Whether to go on. */
static bool take_key(struct top *top, int key)
{
	const char *sort = "cldmu", *found = key > 0 && key < 128 ? strchr(sort, key) : NULL;

	if (key == 'q')
		return false;
	if (key == 27)
		top->detail = false;
	else if (key == '\n' || key == KEY_ENTER)
		top->detail = true;
	else if (key == KEY_DOWN)
		top->selected++;
	else if (key == KEY_UP && top->selected)
		top->selected--;
	else if (key == 'p')
		next_pool(top);
	else if (found)
		top->sort = (unsigned int)(found - sort);
	return true;
}

static int run_screen(struct top *top, double seconds, long pages)
{
	bool go_on = true;
	int err = 0;

	initscr();
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	set_escdelay(25);
	timeout((int)(seconds * 1000));
	while (go_on && !err && pages) {
		top->height = LINES;
		err = make_page(top);
		if (!err) {
			paint(top);
			go_on = take_key(top, getch());
		}
		pages -= pages > 0;
	}
	endwin();
	return err;
}

static int run_plain(struct top *top, double seconds, long pages)
{
	int err, i;

	top->height = MAX_LINES;
	for (;;) {
		err = make_page(top);
		if (err)
			return err;
		for (i = 0; i < top->num_lines; i++)
			puts(top->lines[i]);
		fflush(stdout);
		if (pages == 1 || !stats_pause(seconds))
			return 0;
		pages -= pages > 0;
		putchar('\n');
	}
}

static enum admin_exit top_show(const struct admin_args *args)
{
	static struct top top;
	enum admin_exit status;
	double seconds = 1;
	long pages = args->value[TOP_ONCE] ? 1 : -1;
	char *end;
	int err;

	setlocale(LC_ALL, "");
	if (args->value[TOP_INTERVAL]) {
		seconds = strtod(args->value[TOP_INTERVAL], &end);
		if (*end || !(seconds >= 0.1 && seconds <= 3600)) {
			admin_error("--interval %s: not a number of seconds from 0.1 to 3600", args->value[TOP_INTERVAL]);
			return ADMIN_USAGE;
		}
	}
	if (args->value[TOP_COUNT]) {
		pages = strtol(args->value[TOP_COUNT], &end, 10);
		if (*end || pages < 1) {
			admin_error("--count %s: not a number from 1 on", args->value[TOP_COUNT]);
			return ADMIN_USAGE;
		}
	}
	if (args->value[TOP_SORT]) {
		while (sort_words[top.sort] && strcmp(sort_words[top.sort], args->value[TOP_SORT]))
			top.sort++;
		if (!sort_words[top.sort]) {
			admin_error("--sort %s: not compute, latency, depth, memory or uuid", args->value[TOP_SORT]);
			return ADMIN_USAGE;
		}
	}
	top.pool = args->value[TOP_POOL];
	status = stats_open(&top.link);
	top.names = status == ADMIN_OK ? stats_names(args) : NULL;
	if (status == ADMIN_OK && args->num_names) {
		status = stats_find(top.link, top.names, args->names[0], top.uuid);
		top.detail = true;
		top.only = true;
	}
	if (status == ADMIN_OK) {
		if (isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) && !args->value[TOP_ONCE])
			err = run_screen(&top, seconds, pages);
		else
			err = run_plain(&top, seconds, pages);
		if (err)
			status = stats_failed(err);
	}
	sample_free(&top.sample);
	sample_close(top.link);
	json_decref(top.names);
	free(top.rows);
	return status;
}

static const struct admin_verb top_verbs[] = {
	{ "show", "[VM]", "a live view of all virtual GPUs, or of one", 0, 1, top_options, top_show, ADMIN_VM },
	{ NULL },
};

const struct admin_object admin_top = { "top", "a live view, with bars and history", top_verbs };
