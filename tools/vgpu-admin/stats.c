// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "change.h"
#include "print.h"
#include "stats.h"

enum stats_option {
	STATS_WATCH,
	STATS_POOL,
};

static const struct admin_option stats_options[] = {
	[STATS_WATCH] = { "watch", "SECONDS", "again every so many seconds, until interrupted" },
	[STATS_POOL] = { "pool", "POOL", "virtual GPUs on GPUs of this pool alone", ADMIN_POOL },
	{ NULL },
};

static const struct print_column stats_columns[] = {
	{ "label", NULL, "VM" },
	{ "uuid", "UUID", NULL },
	{ "gpu", "GPU", "GPU" },
	{ "pool", "pool", NULL },
	{ "tier", "tier", "TIER" },
	{ "quarantined", "quarantined", NULL, PRINT_YES_NO },
	{ "compute_percent", "compute time, percent since creation", "COMPUTE%" },
	{ "waiting", "queue depth", "DEPTH" },
	{ "depth_max", "greatest queue depth", NULL },
	{ "depth_mean", "mean queue depth", NULL },
	{ "completed", "completed commands", "COMPLETED" },
	{ "failed", "failed commands", "FAILED" },
	{ "latency.all.total.p50_ns", "latency, median", "P50", PRINT_DURATION },
	{ "latency.all.total.p95_ns", "latency, 95th percentile", NULL, PRINT_DURATION },
	{ "latency.all.total.p99_ns", "latency, 99th percentile", "P99", PRINT_DURATION },
	{ "latency.all.total.max_ns", "latency, greatest", NULL, PRINT_DURATION },
	{ "latency.all.queued.mean_ns", "queued, mean", NULL, PRINT_DURATION },
	{ "latency.all.dispatched.mean_ns", "dispatched, mean", NULL, PRINT_DURATION },
	{ "latency.all.executing.mean_ns", "executing, mean", NULL, PRINT_DURATION },
	{ "latency.all.completing.mean_ns", "completing, mean", NULL, PRINT_DURATION },
	{ "latency.1s.total.p99_ns", "latency, 99th percentile of 1 s", NULL, PRINT_DURATION },
	{ "latency.10s.total.p99_ns", "latency, 99th percentile of 10 s", NULL, PRINT_DURATION },
	{ "latency.60s.total.p99_ns", "latency, 99th percentile of 60 s", NULL, PRINT_DURATION },
	{ "throttled_ns", "throttled", "THROTTLED", PRINT_DURATION },
	{ "switches", "context switches", "SWITCHES" },
	{ "promotions", "promotions by aging", NULL },
	{ "memory_used", "memory used", "MEMORY", PRINT_SIZE },
	{ "memory_peak", "memory, greatest", NULL, PRINT_SIZE },
	{ "bytes_in", "copied in", NULL, PRINT_SIZE },
	{ "bytes_out", "copied out", NULL, PRINT_SIZE },
	{ "hangs", "hangs", NULL },
	{ "sessions_lost", "sessions lost", NULL },
	{ NULL },
};

static const struct print_column group_columns[] = {
	{ "label", "group", "GROUP" },
	{ "vms", "virtual GPUs", "VMS" },
	{ "quarantined", "in quarantine", "QUAR" },
	{ "compute_percent", "compute time, percent since creation", "COMPUTE%" },
	{ "waiting", "queue depth", "DEPTH" },
	{ "completed", "completed commands", "COMPLETED" },
	{ "failed", "failed commands", "FAILED" },
	{ "latency.all.total.p50_ns", "latency, median", "P50", PRINT_DURATION },
	{ "latency.all.total.p99_ns", "latency, 99th percentile", "P99", PRINT_DURATION },
	{ "latency.10s.total.p99_ns", "latency, 99th percentile of 10 s", "P99/10s", PRINT_DURATION },
	{ "switches", "context switches", "SWITCHES" },
	{ "memory_used", "memory used", "MEMORY", PRINT_SIZE },
	{ NULL },
};

static const struct {
	int attr;
	const char *key;
} numbers[] = {
	{ VGPU_A_STATS_SUBMITTED, "submitted" }, { VGPU_A_STATS_COMPLETED, "completed" },
	{ VGPU_A_STATS_FAILED, "failed" }, { VGPU_A_STATS_REJECTED, "rejected" },
	{ VGPU_A_STATS_WAITING, "waiting" }, { VGPU_A_STATS_DEPTH_MAX, "depth_max" },
	{ VGPU_A_STATS_DEPTH_NS, "depth_ns" }, { VGPU_A_STATS_AGE_NS, "age_ns" },
	{ VGPU_A_STATS_LAUNCHES, "launches" }, { VGPU_A_STATS_BYTES_IN, "bytes_in" },
	{ VGPU_A_STATS_BYTES_OUT, "bytes_out" }, { VGPU_A_STATS_DOORBELLS, "doorbells" },
	{ VGPU_A_STATS_SESSIONS, "sessions" }, { VGPU_A_STATS_WORKERS, "workers" },
	{ VGPU_A_STATS_SESSIONS_LOST, "sessions_lost" }, { VGPU_A_STATS_HANGS, "hangs" },
	{ VGPU_A_STATS_MEMORY_USED, "memory_used" }, { VGPU_A_STATS_MEMORY_PEAK, "memory_peak" },
	{ VGPU_A_STATS_THROTTLED_NS, "throttled_ns" }, { VGPU_A_STATS_PROMOTIONS, "promotions" },
	{ VGPU_A_STATS_SWITCHES, "switches" }, { VGPU_A_STATS_METRICS_MEMORY, "metrics_memory" },
};

/**
 * stats_open() - reach the module
 * @link: to be closed by sample_close()
 *
 * Return: the status to exit with; what failed is said on stderr.
 */
enum admin_exit stats_open(struct sample_link **link)
{
	int err = sample_open(link);

	if (!err)
		return ADMIN_OK;
	admin_error("netlink family \"%s\" not found: the module is not loaded; run: modprobe vgpu", VGPU_GENL_NAME);
	return ADMIN_NO_MODULE;
}

/**
 * stats_failed() - say why statistics were not read
 * @err: of sample_read()
 *
 * Return: the status to exit with.
 */
enum admin_exit stats_failed(int err)
{
	if (err == -EPERM) {
		admin_error("stats: not permitted: this takes CAP_NET_ADMIN; run it as root");
		return ADMIN_DENIED;
	}
	admin_error("stats: the kernel does not answer: %s", strerror(-err));
	return ADMIN_FAILED;
}

/**
 * stats_names() - what people call the virtual GPUs
 * @args: the command's
 *
 * Return: names by UUID of those that have one; empty where there is no database. To be freed with json_decref().
 */
json_t *stats_names(const struct admin_args *args)
{
	json_t *names = json_object(), *vm, *name;
	struct change change;
	const char *uuid;

	if (change_open(&change, args, DB_READ) == ADMIN_OK)
		json_object_foreach(json_object_get(change.declared, "vms"), uuid, vm) {
			name = json_object_get(vm, "name");
			if (name)
				json_object_set(names, uuid, name);
		}
	change_close(&change, ADMIN_OK);
	return names;
}

/**
 * stats_name() - what people call a virtual GPU
 * @names: of stats_names()
 * @uuid: of it
 * @text: the UUID is written there
 *
 * Return: its name, or @text where it has none.
 */
const char *stats_name(const json_t *names, const uint8_t uuid[16], char text[37])
{
	const char *name;

	sample_uuid(uuid, text);
	name = json_string_value(json_object_get(names, text));
	return name ? name : text;
}

/**
 * stats_find() - a virtual GPU by its name or UUID, or the beginning of one
 * @link: to the module
 * @names: of stats_names()
 * @word: as given
 * @uuid: filled in
 *
 * Return: the status to exit with; what failed is said on stderr.
 */
enum admin_exit stats_find(struct sample_link *link, const json_t *names, const char *word, uint8_t uuid[16])
{
	struct sample sample;
	int err = sample_read(link, &sample), found = 0;
	bool exact = false;
	const char *name;
	char text[37];
	size_t i;

	for (i = 0; !err && *word && !exact && i < sample.num_vms; i++) {
		name = stats_name(names, sample.vms[i].uuid, text);
		if (strncasecmp(text, word, strlen(word)) && strncasecmp(name, word, strlen(word)))
			continue;
		exact = !strcasecmp(name, word);
		found = exact ? 1 : found + 1;
		memcpy(uuid, sample.vms[i].uuid, 16);
	}
	sample_free(&sample);
	if (err)
		return stats_failed(err);
	if (found == 1)
		return ADMIN_OK;
	if (found)
		admin_error("'%s' begins the names or UUIDs of %d virtual GPUs: write more of it", word, found);
	else
		admin_error("no virtual GPU that exists has a name or UUID that begins with '%s'; list them: vgpu-admin stats",
			    word);
	return ADMIN_NOT_FOUND;
}

/**
 * stats_pause() - wait between two readings
 * @seconds: how long
 *
 * Return: false if the reader of the output is gone.
 */
bool stats_pause(double seconds)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, (int)(seconds * 1000)) <= 0;
}

static json_t *latency_json(const struct sample_latency *latency)
{
	return json_pack("{sI sI sI sI sI sI}", "count", (json_int_t)latency->count, "mean_ns",
			 (json_int_t)(latency->count ? latency->sum / latency->count : 0), "p50_ns", (json_int_t)latency->p50,
			 "p95_ns", (json_int_t)latency->p95, "p99_ns", (json_int_t)latency->p99, "max_ns",
			 (json_int_t)latency->max);
}

static json_t *array_json(const uint64_t *values, unsigned int count, const char * const *names)
{
	json_t *object = json_object();
	unsigned int i;

	for (i = 0; i < count; i++)
		if (values[i])
			json_object_set_new(object, names ? names[i] : sample_opcode(i), json_integer((json_int_t)values[i]));
	return object;
}

/* What is told of a virtual GPU and of a group alike. */
static void add_numbers(json_t *object, const struct sample_vm *vm, unsigned int windows)
{
	static const char *const window_names[] = { "all", "1s", "10s", "60s" };
	uint64_t age = vm->stat[VGPU_A_STATS_AGE_NS];
	json_t *latency = json_object();
	unsigned int window, part;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		json_object_set_new(object, numbers[i].key, json_integer((json_int_t)vm->stat[numbers[i].attr]));
	json_object_set_new(object, "compute_percent", json_integer((json_int_t)(age ? vm->busy[0] * 100 / age : 0)));
	json_object_set_new(object, "depth_mean",
			    json_real(age ? (double)(vm->stat[VGPU_A_STATS_DEPTH_NS] * 1000 / age) / 1000 : 0));
	for (window = 0; window < windows; window++) {
		json_t *parts = json_object();

		for (part = 0; part < SAMPLE_PARTS; part++)
			json_object_set_new(parts, sample_parts[part], latency_json(&vm->latency[window][part]));
		json_object_set_new(latency, window_names[window], parts);
	}
	json_object_set_new(object, "latency", latency);
	json_object_set_new(object, "busy_ns", array_json(vm->busy, SAMPLE_ENGINES, sample_engines));
	json_object_set_new(object, "commands", array_json(vm->commands, SAMPLE_KINDS, NULL));
	json_object_set_new(object, "bytes", array_json(vm->bytes, SAMPLE_KINDS, NULL));
	json_object_set_new(object, "errors", array_json(vm->errors, SAMPLE_ERRORS, sample_errors));
	json_object_set_new(object, "strikes", array_json(vm->strikes, SAMPLE_STRIKES, sample_strikes));
}

static json_t *vm_json(const struct sample_vm *vm, const json_t *names, unsigned int windows)
{
	json_t *object = json_object();
	char uuid[37];

	json_object_set_new(object, "label", json_string(stats_name(names, vm->uuid, uuid)));
	json_object_set_new(object, "uuid", json_string(uuid));
	json_object_set_new(object, "gpu", json_string(vm->gpu));
	json_object_set_new(object, "pool", json_string(vm->pool));
	json_object_set_new(object, "tier", json_string(sample_tiers[vm->tier]));
	json_object_set_new(object, "quarantined", json_boolean(vm->quarantined));
	add_numbers(object, vm, windows);
	return object;
}

static json_t *group_json(const struct sample_group *group)
{
	const char *kind = *group->gpu ? "gpu" : group->has_tier ? "tier" : "pool";
	json_t *object = json_object();

	json_object_set_new(object, "group", json_string(kind));
	json_object_set_new(object, "label", json_sprintf("%s %s%s%s", kind, *group->gpu ? group->gpu : group->pool,
							  group->has_tier ? "/" : "",
							  group->has_tier ? sample_tiers[group->sum.tier] : ""));
	if (*group->gpu)
		json_object_set_new(object, "gpu", json_string(group->gpu));
	json_object_set_new(object, "pool", json_string(group->pool));
	if (group->has_tier)
		json_object_set_new(object, "tier", json_string(sample_tiers[group->sum.tier]));
	json_object_set_new(object, "vms", json_integer(group->vms));
	json_object_set_new(object, "quarantined", json_integer(group->quarantined));
	json_object_set_new(object, "throttled", json_integer(group->throttled));
	add_numbers(object, &group->sum, SAMPLE_WINDOWS);
	return object;
}

static enum admin_exit show_once(struct sample_link *link, const json_t *names, const uint8_t *uuid,
				 const struct admin_args *args)
{
	struct sample sample;
	json_t *vms;
	size_t i;
	int err;

	err = uuid ? sample_read_vm(link, uuid, &sample) : sample_read(link, &sample);
	if (err) {
		sample_free(&sample);
		return stats_failed(err);
	}
	vms = json_array();
	for (i = 0; i < sample.num_vms; i++)
		if (!args->value[STATS_POOL] || !strcmp(args->value[STATS_POOL], sample.vms[i].pool))
			json_array_append_new(vms, vm_json(&sample.vms[i], names, uuid ? SAMPLE_WINDOWS : 1));
	if (uuid)
		print_details(vms, stats_columns, args);
	else
		print_table(vms, stats_columns, "no virtual GPU", args);
	json_decref(vms);
	sample_free(&sample);
	fflush(stdout);
	return ADMIN_OK;
}

static enum admin_exit show_groups(struct sample_link *link, const struct admin_args *args)
{
	struct sample sample = { 0 };
	json_t *groups;
	size_t i;
	int err;

	err = sample_read_groups(link, &sample);
	if (!err)
		err = sample_read_group_windows(link, &sample);
	if (err) {
		sample_free(&sample);
		return stats_failed(err);
	}
	groups = json_array();
	for (i = 0; i < sample.num_groups; i++)
		if (!args->value[STATS_POOL] || !strcmp(args->value[STATS_POOL], sample.groups[i].pool))
			json_array_append_new(groups, group_json(&sample.groups[i]));
	print_table(groups, group_columns, "no GPU and no pool", args);
	json_decref(groups);
	sample_free(&sample);
	fflush(stdout);
	return ADMIN_OK;
}

/* Sets how long to wait between readings, 0 for one alone. */
static enum admin_exit take_watch(const struct admin_args *args, double *seconds)
{
	const char *watch = args->value[STATS_WATCH];
	char *end;

	*seconds = 0;
	if (!watch)
		return ADMIN_OK;
	*seconds = strtod(watch, &end);
	if (!*end && *seconds >= 0.1 && *seconds <= 3600)
		return ADMIN_OK;
	admin_error("--watch %s: not a number of seconds from 0.1 to 3600", watch);
	return ADMIN_USAGE;
}

static enum admin_exit stats_groups(const struct admin_args *args)
{
	struct sample_link *link = NULL;
	enum admin_exit status;
	double seconds;

	status = take_watch(args, &seconds);
	if (status == ADMIN_OK)
		status = stats_open(&link);
	do {
		if (status == ADMIN_OK)
			status = show_groups(link, args);
	} while (status == ADMIN_OK && seconds > 0 && stats_pause(seconds));
	sample_close(link);
	return status;
}

static enum admin_exit stats_show(const struct admin_args *args)
{
	struct sample_link *link;
	enum admin_exit status;
	uint8_t uuid[16];
	double seconds;
	json_t *names;

	status = take_watch(args, &seconds);
	if (status != ADMIN_OK)
		return status;
	status = stats_open(&link);
	names = status == ADMIN_OK ? stats_names(args) : NULL;
	if (status == ADMIN_OK && args->num_names)
		status = stats_find(link, names, args->names[0], uuid);
	do {
		if (status == ADMIN_OK)
			status = show_once(link, names, args->num_names ? uuid : NULL, args);
	} while (status == ADMIN_OK && seconds > 0 && stats_pause(seconds));
	json_decref(names);
	sample_close(link);
	return status;
}

static const struct admin_verb stats_verbs[] = {
	{ "show", "[VM]", "statistics of the virtual GPUs, or everything about one", 0, 1, stats_options, stats_show, ADMIN_VM },
	{ "groups", NULL, "statistics of GPUs, pools, and the tiers of pools", 0, 0, stats_options, stats_groups, ADMIN_ANY },
	{ NULL },
};

const struct admin_object admin_stats = { "stats", "what virtual GPUs do and what it takes", stats_verbs };
