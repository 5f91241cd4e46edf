// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * The text format of Prometheus, version 0.0.4. A virtual GPU is named by the label uuid alone; what else is known of
 * it is in vgpu_info, to be joined: so a change of tier or pool makes no new series of everything else.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../uapi/vgpu_release.h"
#include "render.h"

__attribute__((format(printf, 2, 3)))
static void put(struct text *text, const char *format, ...)
{
	va_list args;
	int n;

	for (;;) {
		va_start(args, format);
		n = vsnprintf(text->data + text->len, text->size - text->len, format, args);
		va_end(args);
		if ((size_t)n < text->size - text->len)
			break;
		text->size = text->size ? text->size * 2 + (size_t)n : 65536;
		text->data = realloc(text->data, text->size);
	}
	text->len += (size_t)n;
}

static void head(struct text *text, const char *name, const char *type, const char *help)
{
	put(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value, with what the format wants escaped. */
static const char *escape(const char *value, char *to, size_t size)
{
	size_t at = 0;

	for (; *value && at + 3 < size; value++) {
		if (*value == '\\' || *value == '"')
			to[at++] = '\\';
		to[at++] = *value == '\n' ? ' ' : *value;
	}
	to[at] = '\0';
	return to;
}

/* Numbers of a virtual GPU, by attribute of the set "stats". */
static const struct {
	int attr;
	double scale;
	const char *name, *type, *help;
} vm_numbers[] = {
	{ VGPU_A_STATS_SUBMITTED, 1, "vgpu_commands_submitted_total", "counter",
	  "Commands that the virtual GPU's guest submitted." },
	{ VGPU_A_STATS_COMPLETED, 1, "vgpu_commands_completed_total", "counter", "Commands completed with success." },
	{ VGPU_A_STATS_FAILED, 1, "vgpu_commands_failed_total", "counter",
	  "Commands completed with an error; vgpu_command_errors_total has them by reason." },
	{ VGPU_A_STATS_WAITING, 1, "vgpu_queue_depth", "gauge", "Commands submitted and not completed." },
	{ VGPU_A_STATS_DEPTH_MAX, 1, "vgpu_queue_depth_max", "gauge",
	  "Most commands that were submitted and not completed at once, since the virtual GPU was made." },
	{ VGPU_A_STATS_DEPTH_NS, 1e-9, "vgpu_queue_depth_seconds_total", "counter",
	  "Integral of the queue depth over time; its rate is the time-weighted mean depth." },
	{ VGPU_A_STATS_AGE_NS, 1e-9, "vgpu_age_seconds", "gauge", "Time since the virtual GPU was made." },
	{ VGPU_A_STATS_SWITCHES, 1, "vgpu_context_switches_total", "counter",
	  "Runs of the virtual GPU that came behind a run of another worker on their engine." },
	{ VGPU_A_STATS_PROMOTIONS, 1, "vgpu_aged_promotions_total", "counter", "Runs that aging brought forward." },
	{ VGPU_A_STATS_THROTTLED_NS, 1e-9, "vgpu_throttled_seconds_total", "counter",
	  "Time in which a limit of GPU time, copied bytes or commands held the virtual GPU back." },
	{ VGPU_A_STATS_MEMORY_USED, 1, "vgpu_memory_used_bytes", "gauge", "Device memory that is mapped." },
	{ VGPU_A_STATS_MEMORY_PEAK, 1, "vgpu_memory_peak_bytes", "gauge", "Most device memory that was mapped at once." },
	{ VGPU_A_STATS_DOORBELLS, 1, "vgpu_doorbells_total", "counter", "Doorbell writes, each of which left the guest." },
	{ VGPU_A_STATS_SESSIONS, 1, "vgpu_sessions", "gauge", "Sessions: processes of the guest that use the virtual GPU." },
	{ VGPU_A_STATS_WORKERS, 1, "vgpu_workers", "gauge", "Worker processes on the hypervisor." },
	{ VGPU_A_STATS_SESSIONS_LOST, 1, "vgpu_sessions_lost_total", "counter", "Sessions whose worker died or was killed." },
	{ VGPU_A_STATS_HANGS, 1, "vgpu_hangs_total", "counter", "Runs that outlived their deadline and were ended by the watchdog." },
	{ VGPU_A_STATS_BAD_COMPLETIONS, 1, "vgpu_bad_completions_total", "counter",
	  "Completions that a worker sent and the kernel did not believe." },
};

static const struct {
	int attr;
	const char *name, *type, *help;
} gpu_numbers[] = {
	{ VGPU_A_GPU_MEMORY, "vgpu_gpu_memory_bytes", "gauge", "Device memory that may be given to virtual GPUs." },
	{ VGPU_A_GPU_MEMORY_GIVEN, "vgpu_gpu_memory_given_bytes", "gauge", "Device memory that is given: quotas of virtual GPUs." },
	{ VGPU_A_GPU_VMS, "vgpu_gpu_virtual_gpus", "gauge", "Virtual GPUs on the GPU." },
	{ VGPU_A_GPU_RUNS, "vgpu_gpu_runs_total", "counter", "Runs dispatched: consecutive commands of one stream." },
	{ VGPU_A_GPU_SWITCHES, "vgpu_gpu_context_switches_total", "counter",
	  "Consecutive runs of different workers on an engine." },
	{ VGPU_A_GPU_PROMOTIONS, "vgpu_gpu_aged_promotions_total", "counter", "Runs that aging brought forward." },
};

/* Bounds of the histogram's buckets: powers of two, so that no bucket of the kernel's is cut; 2^10 to 2^36 ns. */
#define FIRST_SHIFT	10
#define LAST_SHIFT	36
#define SHIFT_STEP	2

static void render_histogram(struct text *text, const struct sample *sample, char (*uuids)[37])
{
	size_t i, at;
	int shift;

	head(text, "vgpu_command_latency_seconds", "histogram", "Time from submission to completion of accepted commands.");
	for (i = 0; i < sample->num_vms; i++) {
		const struct sample_vm *vm = &sample->vms[i];
		uint64_t below = 0;

		for (at = 0, shift = FIRST_SHIFT; shift <= LAST_SHIFT; shift += SHIFT_STEP) {
			for (; at < vm->num_buckets && vm->buckets[at].top < 1ULL << shift; at++)
				below += vm->buckets[at].count;
			put(text, "vgpu_command_latency_seconds_bucket{uuid=\"%s\",le=\"%.9g\"} %" PRIu64 "\n", uuids[i],
			    (double)(1ULL << shift) * 1e-9, below);
		}
		put(text, "vgpu_command_latency_seconds_bucket{uuid=\"%s\",le=\"+Inf\"} %" PRIu64 "\n"
		    "vgpu_command_latency_seconds_sum{uuid=\"%s\"} %.9f\nvgpu_command_latency_seconds_count{uuid=\"%s\"} %" PRIu64
		    "\n", uuids[i], vm->latency[0][0].count, uuids[i], (double)vm->latency[0][0].sum * 1e-9, uuids[i],
		    vm->latency[0][0].count);
	}
}

/* An array of a virtual GPU: one line for each entry that has a name; those of zero are left out where there are many. */
static void render_array(struct text *text, const struct sample *sample, char (*uuids)[37], const char *name,
			 const char *help, const char *label, size_t offset, unsigned int count, double scale,
			 const char *(*name_of)(unsigned int index), bool sparse)
{
	unsigned int j;
	size_t i;

	head(text, name, "counter", help);
	for (i = 0; i < sample->num_vms; i++) {
		const uint64_t *values = (const uint64_t *)((const char *)&sample->vms[i] + offset);

		for (j = 0; j < count; j++) {
			if (sparse && !values[j])
				continue;
			if (scale == 1)
				put(text, "%s{uuid=\"%s\",%s=\"%s\"} %" PRIu64 "\n", name, uuids[i], label, name_of(j), values[j]);
			else
				put(text, "%s{uuid=\"%s\",%s=\"%s\"} %.9f\n", name, uuids[i], label, name_of(j),
				    (double)values[j] * scale);
		}
	}
}

static const char *engine_name(unsigned int index)
{
	return sample_engines[index];
}

static const char *error_name(unsigned int index)
{
	return sample_errors[index];
}

static const char *strike_name(unsigned int index)
{
	return sample_strikes[index];
}

static void render_parts(struct text *text, const struct sample *sample, char (*uuids)[37])
{
	unsigned int part;
	size_t i;

	head(text, "vgpu_command_part_seconds_total", "counter",
	     "Time that accepted commands spent queued, dispatched behind others, executing, and completing.");
	for (i = 0; i < sample->num_vms; i++)
		for (part = 1; part < SAMPLE_PARTS; part++)
			put(text, "vgpu_command_part_seconds_total{uuid=\"%s\",part=\"%s\"} %.9f\n", uuids[i], sample_parts[part],
			    (double)sample->vms[i].latency[0][part].sum * 1e-9);
}

static void render_vms(struct text *text, const struct sample *sample)
{
	char (*uuids)[37] = calloc(sample->num_vms + 1, sizeof(*uuids));
	char gpu[64], pool[64];
	size_t i, j;

	for (i = 0; i < sample->num_vms; i++)
		sample_uuid(sample->vms[i].uuid, uuids[i]);
	head(text, "vgpu_info", "gauge", "What is known of a virtual GPU; always 1. To be joined by uuid.");
	for (i = 0; i < sample->num_vms; i++)
		put(text, "vgpu_info{uuid=\"%s\",gpu=\"%s\",pool=\"%s\",tier=\"%s\"} 1\n", uuids[i],
		    escape(sample->vms[i].gpu, gpu, sizeof(gpu)), escape(sample->vms[i].pool, pool, sizeof(pool)),
		    sample_tiers[sample->vms[i].tier]);
	head(text, "vgpu_quarantined", "gauge", "1 while the virtual GPU's submissions are refused.");
	for (i = 0; i < sample->num_vms; i++)
		put(text, "vgpu_quarantined{uuid=\"%s\"} %d\n", uuids[i], sample->vms[i].quarantined);
	for (j = 0; j < sizeof(vm_numbers) / sizeof(vm_numbers[0]); j++) {
		head(text, vm_numbers[j].name, vm_numbers[j].type, vm_numbers[j].help);
		for (i = 0; i < sample->num_vms; i++) {
			uint64_t value = sample->vms[i].stat[vm_numbers[j].attr];

			if (vm_numbers[j].scale == 1)
				put(text, "%s{uuid=\"%s\"} %" PRIu64 "\n", vm_numbers[j].name, uuids[i], value);
			else
				put(text, "%s{uuid=\"%s\"} %.9f\n", vm_numbers[j].name, uuids[i],
				    (double)value * vm_numbers[j].scale);
		}
	}
	render_histogram(text, sample, uuids);
	render_parts(text, sample, uuids);
	render_array(text, sample, uuids, "vgpu_engine_busy_seconds_total",
		     "Time that the virtual GPU occupied an engine, on the kernel's clock.", "engine",
		     offsetof(struct sample_vm, busy), SAMPLE_ENGINES, 1e-9, engine_name, false);
	render_array(text, sample, uuids, "vgpu_commands_by_kind_total", "Commands completed with success, by kind.", "kind",
		     offsetof(struct sample_vm, commands), SAMPLE_KINDS, 1, sample_opcode, true);
	render_array(text, sample, uuids, "vgpu_copied_bytes_total", "Bytes copied between host and device.", "kind",
		     offsetof(struct sample_vm, bytes), SAMPLE_KINDS, 1, sample_opcode, true);
	render_array(text, sample, uuids, "vgpu_command_errors_total", "Commands that failed, by reason.", "reason",
		     offsetof(struct sample_vm, errors), SAMPLE_ERRORS, 1, error_name, true);
	render_array(text, sample, uuids, "vgpu_strikes_total", "What counts towards a quarantine, by kind.", "kind",
		     offsetof(struct sample_vm, strikes), SAMPLE_STRIKES, 1, strike_name, true);
	free(uuids);
}

static void render_gpus(struct text *text, const struct sample *sample)
{
	char name[64], pool[64], model[512];
	size_t i, j;

	head(text, "vgpu_gpu_info", "gauge", "What is known of a GPU; always 1. To be joined by gpu.");
	for (i = 0; i < sample->num_gpus; i++)
		put(text, "vgpu_gpu_info{gpu=\"%s\",pool=\"%s\",model=\"%s\"} 1\n",
		    escape(sample->gpus[i].name, name, sizeof(name)), escape(sample->gpus[i].pool, pool, sizeof(pool)),
		    escape(sample->gpus[i].model, model, sizeof(model)));
	head(text, "vgpu_gpu_up", "gauge", "1 while a supervisor serves the GPU.");
	for (i = 0; i < sample->num_gpus; i++)
		put(text, "vgpu_gpu_up{gpu=\"%s\"} %d\n", escape(sample->gpus[i].name, name, sizeof(name)),
		    sample->gpus[i].stat[VGPU_A_GPU_STATE] == VGPU_GPU_STATE_ATTACHED);
	for (j = 0; j < sizeof(gpu_numbers) / sizeof(gpu_numbers[0]); j++) {
		head(text, gpu_numbers[j].name, gpu_numbers[j].type, gpu_numbers[j].help);
		for (i = 0; i < sample->num_gpus; i++)
			put(text, "%s{gpu=\"%s\"} %" PRIu64 "\n", gpu_numbers[j].name,
			    escape(sample->gpus[i].name, name, sizeof(name)), sample->gpus[i].stat[gpu_numbers[j].attr]);
	}
	head(text, "vgpu_gpu_engine_busy_seconds_total", "counter", "Time that an engine of the GPU had work; its rate is the utilisation.");
	for (i = 0; i < sample->num_gpus; i++)
		for (j = 0; j < SAMPLE_ENGINES; j++)
			put(text, "vgpu_gpu_engine_busy_seconds_total{gpu=\"%s\",engine=\"%s\"} %.9f\n",
			    escape(sample->gpus[i].name, name, sizeof(name)), sample_engines[j],
			    (double)sample->gpus[i].busy[j] * 1e-9);
}

/* A kind of group has labels of its own, so it has metrics of its own. */
enum group_kind {
	GROUP_GPU,
	GROUP_POOL,
	GROUP_TIER,
	GROUP_KINDS
};

static const struct {
	const char *prefix, *of;
} group_kinds[GROUP_KINDS] = {
	[GROUP_GPU] = { "vgpu_gpu_", "of all virtual GPUs that are or were on the GPU" },
	[GROUP_POOL] = { "vgpu_pool_", "of all virtual GPUs that are or were in the pool" },
	[GROUP_TIER] = { "vgpu_tier_", "of virtual GPUs while they were in the tier of the pool" },
};

static const struct {
	int attr;
	double scale;
	const char *name, *type, *help;
} group_numbers[] = {
	{ VGPU_A_STATS_SUBMITTED, 1, "commands_submitted_total", "counter", "Commands submitted" },
	{ VGPU_A_STATS_COMPLETED, 1, "commands_completed_total", "counter", "Commands completed with success" },
	{ VGPU_A_STATS_FAILED, 1, "commands_failed_total", "counter", "Commands completed with an error" },
	{ VGPU_A_STATS_WAITING, 1, "queue_depth", "gauge", "Commands submitted and not completed" },
	{ VGPU_A_STATS_DEPTH_MAX, 1, "queue_depth_max", "gauge", "Most commands not completed at once on one GPU" },
	{ VGPU_A_STATS_DEPTH_NS, 1e-9, "queue_depth_seconds_total", "counter", "Integral of the queue depth over time" },
	{ VGPU_A_STATS_SWITCHES, 1, "runs_switched_to_total", "counter", "Runs behind a run of another worker on their engine" },
	{ VGPU_A_STATS_PROMOTIONS, 1, "runs_promoted_total", "counter", "Runs that aging brought forward" },
	{ VGPU_A_STATS_THROTTLED_NS, 1e-9, "throttled_seconds_total", "counter", "Time in which a limit held back, summed" },
	{ VGPU_A_STATS_MEMORY_USED, 1, "memory_used_bytes", "gauge", "Device memory that is mapped" },
	{ VGPU_A_STATS_MEMORY_PEAK, 1, "memory_peak_bytes", "gauge", "Most device memory that was mapped at once" },
	{ VGPU_A_STATS_SESSIONS_LOST, 1, "sessions_lost_total", "counter", "Sessions whose worker died or was killed" },
	{ VGPU_A_STATS_HANGS, 1, "hangs_total", "counter", "Runs that the watchdog ended" },
};

static bool is_kind(const struct sample_group *group, enum group_kind kind)
{
	return kind == (*group->gpu ? GROUP_GPU : group->has_tier ? GROUP_TIER : GROUP_POOL);
}

/* A group's labels, without braces. */
static const char *group_labels(const struct sample_group *group, char *to, size_t size)
{
	char name[64];

	if (*group->gpu)
		snprintf(to, size, "gpu=\"%s\"", escape(group->gpu, name, sizeof(name)));
	else if (group->has_tier)
		snprintf(to, size, "pool=\"%s\",tier=\"%s\"", escape(group->pool, name, sizeof(name)),
			 sample_tiers[group->sum.tier]);
	else
		snprintf(to, size, "pool=\"%s\"", escape(group->pool, name, sizeof(name)));
	return to;
}

static void group_head(struct text *text, enum group_kind kind, const char *name, const char *type, const char *help)
{
	char full[96], line[256];

	snprintf(full, sizeof(full), "%s%s", group_kinds[kind].prefix, name);
	snprintf(line, sizeof(line), "%s, %s.", help, group_kinds[kind].of);
	head(text, full, type, line);
}

/* Quantiles that the kernel made of whole histograms, and means, of all time: of shorter ones Prometheus has rates. */
static void put_latencies(struct text *text, const char *prefix, const char *labels, const struct sample_vm *sum)
{
	unsigned int part, i;

	for (part = 0; part < SAMPLE_PARTS; part++) {
		const struct sample_latency *latency = &sum->latency[0][part];
		const struct {
			const char *stat;
			double ns;
		} values[] = {
			{ "mean", latency->count ? (double)latency->sum / (double)latency->count : 0 },
			{ "p50", (double)latency->p50 }, { "p95", (double)latency->p95 }, { "p99", (double)latency->p99 },
			{ "max", (double)latency->max },
		};

		for (i = 0; latency->count && i < sizeof(values) / sizeof(values[0]); i++)
			put(text, "%slatency_seconds{%s,part=\"%s\",stat=\"%s\"} %.9f\n", prefix, labels, sample_parts[part],
			    values[i].stat, values[i].ns * 1e-9);
	}
}

static void put_by_name(struct text *text, const char *prefix, const char *labels, const char *name, const char *label,
			const uint64_t *values, unsigned int count, const char *(*name_of)(unsigned int index), double scale)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (values[i])
			put(text, "%s%s{%s,%s=\"%s\"} %.15g\n", prefix, name, labels, label, name_of(i), (double)values[i] * scale);
}

static void render_group_kind(struct text *text, const struct sample *sample, enum group_kind kind)
{
	const char *prefix = group_kinds[kind].prefix;
	const struct sample_group *group;
	char labels[192];
	size_t i, j;

#define EACH_GROUP(line) \
	for (i = 0; i < sample->num_groups; i++) { \
		group = &sample->groups[i]; \
		if (!is_kind(group, kind)) \
			continue; \
		group_labels(group, labels, sizeof(labels)); \
		line; \
	}
	if (kind != GROUP_GPU) {
		group_head(text, kind, "virtual_gpus", "gauge", "Number now");
		EACH_GROUP(put(text, "%svirtual_gpus{%s} %u\n", prefix, labels, group->vms));
	}
	group_head(text, kind, "quarantined", "gauge", "Number in quarantine");
	EACH_GROUP(put(text, "%squarantined{%s} %u\n", prefix, labels, group->quarantined));
	for (j = 0; j < sizeof(group_numbers) / sizeof(group_numbers[0]); j++) {
		group_head(text, kind, group_numbers[j].name, group_numbers[j].type, group_numbers[j].help);
		EACH_GROUP(put(text, "%s%s{%s} %.15g\n", prefix, group_numbers[j].name, labels,
			       (double)group->sum.stat[group_numbers[j].attr] * group_numbers[j].scale));
	}
	group_head(text, kind, "engine_occupied_seconds_total", "counter", "Time that engines were occupied on the kernel's clock");
	EACH_GROUP(put_by_name(text, prefix, labels, "engine_occupied_seconds_total", "engine", group->sum.busy, SAMPLE_ENGINES,
			       engine_name, 1e-9));
	group_head(text, kind, "commands_by_kind_total", "counter", "Commands completed with success by kind");
	EACH_GROUP(put_by_name(text, prefix, labels, "commands_by_kind_total", "kind", group->sum.commands, SAMPLE_KINDS,
			       sample_opcode, 1));
	group_head(text, kind, "copied_bytes_total", "counter", "Bytes copied between host and device");
	EACH_GROUP(put_by_name(text, prefix, labels, "copied_bytes_total", "kind", group->sum.bytes, SAMPLE_KINDS, sample_opcode, 1));
	group_head(text, kind, "command_errors_total", "counter", "Commands that failed by reason");
	EACH_GROUP(put_by_name(text, prefix, labels, "command_errors_total", "reason", group->sum.errors, SAMPLE_ERRORS, error_name, 1));
	group_head(text, kind, "strikes_total", "counter", "What counts towards a quarantine by kind");
	EACH_GROUP(put_by_name(text, prefix, labels, "strikes_total", "kind", group->sum.strikes, SAMPLE_STRIKES, strike_name, 1));
	group_head(text, kind, "latency_seconds", "gauge",
		   "Time from submission to completion, and its parts: mean, quantiles and greatest since the group is there");
	EACH_GROUP(put_latencies(text, prefix, labels, &group->sum));
#undef EACH_GROUP
}

/**
 * render() - a reading in the format of Prometheus
 * @text: is appended to
 * @sample: the reading
 * @up: it could be read
 * @seconds: what reading it took
 */
void render(struct text *text, const struct sample *sample, bool up, double seconds)
{
	unsigned int kind;

	head(text, "vgpu_exporter_info", "gauge", "Version of the exporter; always 1.");
	put(text, "vgpu_exporter_info{version=\"%s\"} 1\n", VGPU_RELEASE);
	head(text, "vgpu_up", "gauge", "1 if the kernel module answered.");
	put(text, "vgpu_up %d\n", up);
	head(text, "vgpu_exporter_read_duration_seconds", "gauge", "Time that reading the kernel module took.");
	put(text, "vgpu_exporter_read_duration_seconds %.6f\n", seconds);
	if (!up)
		return;
	render_gpus(text, sample);
	render_vms(text, sample);
	for (kind = 0; kind < GROUP_KINDS; kind++)
		render_group_kind(text, sample, kind);
}
