// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * What came of a simulation: text, JSON, and whether what the scenario expects holds.
 */

#include <math.h>

#include "sim.h"

#define MOST_LINES	40u

static const char *const tier_names[] = { "high", "medium", "low" };

/* Engine time that was used, of one kind of engine over all GPUs. */
static double used_total(const struct sim *sim, u32 engine)
{
	double sum = 0;
	u32 i, j;

	for (i = 0; i < sim->scenario.num_groups; i++)
		for (j = 0; j < sim->scenario.groups[i].count && sim->scenario.groups[i].engine == engine; j++)
			sum += sim->scenario.groups[i].vms[j].used_ns;
	return sum;
}

static double used_by(const struct sim_group *group)
{
	double sum = 0;
	u32 i;

	for (i = 0; i < group->count; i++)
		sum += group->vms[i].used_ns;
	return sum;
}

static double jain(const struct sim_group *group)
{
	double sum = 0, squares = 0;
	u32 i;

	for (i = 0; i < group->count; i++) {
		sum += group->vms[i].used_ns;
		squares += group->vms[i].used_ns * group->vms[i].used_ns;
	}
	return squares > 0 ? sum * sum / (group->count * squares) : 1;
}

static u64 completed_by(const struct sim_group *group)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < group->count; i++)
		sum += group->vms[i].completed;
	return sum;
}

static u64 promoted_by(const struct sim_group *group)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < group->count; i++)
		sum += group->vms[i].promoted;
	return sum;
}

static u64 switches_by(const struct sim_group *group)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < group->count; i++)
		sum += group->vms[i].switches;
	return sum;
}

/* What all VMs of a tier had, whichever line of the scenario they are of. */
struct tier_sum {
	u32 count;
	double share;
	u64 promoted;
	u64 switches;
	double least;
	double most;
	struct sim_histogram waits;
	struct sim_histogram latency;
};

static void sum_tier(const struct sim *sim, u32 tier, struct tier_sum *sum)
{
	double total = 0;
	u32 i, j;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < sim->scenario.num_groups; i++) {
		const struct sim_group *group = &sim->scenario.groups[i];

		for (j = 0; j < group->count; j++) {
			const struct sim_vm *vm = &group->vms[j];

			total += vm->used_ns;
			if (vm->sched.tier != tier)
				continue;
			sum->count++;
			sum->share += vm->used_ns;
			sum->promoted += vm->promoted;
			sum->switches += vm->switches;
			sim_histogram_merge(&sum->waits, vm->waits);
			sim_histogram_merge(&sum->latency, vm->latency);
		}
	}
	sum->share = total > 0 ? sum->share / total : 0;
	for (i = 0; i < sim->num_windows; i++) {
		sum->most = fmax(sum->most, sim->windows[i].tier[tier]);
		sum->least = i ? fmin(sum->least, sim->windows[i].tier[tier]) : sim->windows[i].tier[tier];
	}
}

static void group_extremes(const struct sim *sim, u32 group, double *least, double *most)
{
	u32 i;

	*least = 0;
	*most = 0;
	for (i = 0; i < sim->num_windows; i++) {
		*most = fmax(*most, sim->windows[i].group[group]);
		*least = i ? fmin(*least, sim->windows[i].group[group]) : sim->windows[i].group[group];
	}
}

static double mean(const struct sim_histogram *waits)
{
	return waits->total ? (double)waits->sum / waits->total : 0;
}

struct text_line {
	const char *name;
	u32 count;
	const char *tier;
	double share;
	double least;
	double most;
	u64 promoted;
	u64 switches;
	const struct sim_histogram *waits;
	const struct sim_histogram *latency;
};

static void print_line(FILE *out, const struct text_line *line)
{
	fprintf(out, "%-16s %5u  %-6s %8.3f %7.3f %7.3f  %9.1f %9.1f %9.1f %9.1f %9.1f  %9.1f %8llu %8llu\n", line->name,
		line->count, line->tier, line->share * 100, line->least * 100, line->most * 100, mean(line->waits) / 1e3,
		sim_histogram_quantile(line->waits, 0.5) / 1e3, sim_histogram_quantile(line->waits, 0.95) / 1e3,
		sim_histogram_quantile(line->waits, 0.99) / 1e3, line->waits->max / 1e3,
		sim_histogram_quantile(line->latency, 0.99) / 1e3, (unsigned long long)line->promoted,
		(unsigned long long)line->switches);
}

static void print_tiers(const struct sim *sim, FILE *out)
{
	struct tier_sum sum;
	u32 i;

	for (i = 0; i < VGPU_TIER_COUNT; i++) {
		sum_tier(sim, i, &sum);
		if (sum.count)
			print_line(out, &(struct text_line) { "all of a tier", sum.count, tier_names[i], sum.share, sum.least,
							      sum.most, sum.promoted, sum.switches, &sum.waits,
							      &sum.latency });
	}
}

/**
 * sim_report_text() - for people
 * @sim: that ran
 * @out: where to
 * @all: a line for each VM
 *
 * Context: any.
 */
void sim_report_text(const struct sim *sim, FILE *out, bool all)
{
	const struct sim_totals *totals = &sim->totals;
	u32 i, j, lines = 0;

	fprintf(out, "%-16s %5s  %-6s %8s %7s %7s  %9s %9s %9s %9s %9s  %9s %8s %8s\n", "vm", "count", "tier", "share/%",
		"least", "most", "wait/us", "p50", "p95", "p99", "max", "done p99", "promoted", "switches");
	for (i = 0; i < sim->scenario.num_groups; i++) {
		const struct sim_group *group = &sim->scenario.groups[i];
		double total = used_total(sim, group->engine);
		double least, most;

		group_extremes(sim, i, &least, &most);
		print_line(out, &(struct text_line) { group->name, group->count, tier_names[group->vms[0].sched.tier],
						      total > 0 ? used_by(group) / total : 0, least, most,
						      promoted_by(group), switches_by(group), &group->waits,
						      &group->latency });
		for (j = 0; all && group->count > 1 && j < group->count && lines++ < MOST_LINES; j++) {
			const struct sim_vm *vm = &group->vms[j];

			print_line(out, &(struct text_line) { "", j, tier_names[vm->sched.tier],
							      total > 0 ? vm->used_ns / total : 0, vm->least_share,
							      vm->most_share, vm->promoted, vm->switches, vm->waits,
							      vm->latency });
		}
	}
	print_tiers(sim, out);
	fprintf(out, "least, most: share in windows of %g s\n", sim->scenario.window_ns[0] / 1e9);
	fprintf(out, "decisions %llu, commands %llu, context switches %llu, promotions %llu, idle with work %llu (%g us)\n",
		(unsigned long long)totals->decisions, (unsigned long long)totals->commands,
		(unsigned long long)totals->switches, (unsigned long long)totals->promotions,
		(unsigned long long)totals->idle, totals->idle_ns / 1e3);
	fprintf(out, "share error of tiers: %.4f points over %g s, %.4f over %g s; of VMs (fair): %.4f, %.4f\n",
		totals->share_error[0] * 100, sim->scenario.window_ns[0] / 1e9, totals->share_error[1] * 100,
		sim->scenario.window_ns[1] / 1e9, totals->vm_share_error[0] * 100, totals->vm_share_error[1] * 100);
	fprintf(out, "waits beyond the bound: %llu (longest: %.1f %% of its bound)\n",
		(unsigned long long)totals->bound_violations, totals->bound_tightest * 100);
}

static void json_times(FILE *out, const char *name, const struct sim_histogram *waits)
{
	fprintf(out, "\"%s\": {\"count\": %llu, \"mean\": %.0f, \"p50\": %llu, "
		"\"p95\": %llu, \"p99\": %llu, \"max\": %llu}",
		name, (unsigned long long)waits->total, mean(waits),
		(unsigned long long)sim_histogram_quantile(waits, 0.5),
		(unsigned long long)sim_histogram_quantile(waits, 0.95),
		(unsigned long long)sim_histogram_quantile(waits, 0.99), (unsigned long long)waits->max);
}

static void json_tiers(const struct sim *sim, FILE *out)
{
	const char *comma = "";
	struct tier_sum sum;
	u32 i;

	fprintf(out, " \"tiers\": [");
	for (i = 0; i < VGPU_TIER_COUNT; i++) {
		sum_tier(sim, i, &sum);
		if (!sum.count)
			continue;
		fprintf(out, "%s\n  {\"tier\": \"%s\", \"count\": %u, \"share\": %.9f, \"promoted\": %llu, \"switches\": %llu, ",
			comma, tier_names[i], sum.count, sum.share, (unsigned long long)sum.promoted,
			(unsigned long long)sum.switches);
		json_times(out, "waits_ns", &sum.waits);
		fprintf(out, ", ");
		json_times(out, "latency_ns", &sum.latency);
		fprintf(out, "}");
		comma = ",";
	}
	fprintf(out, "],\n");
}

static void json_windows(const struct sim *sim, FILE *out)
{
	u32 i, j;

	fprintf(out, " \"windows\": [");
	for (i = 0; i < sim->num_windows; i++) {
		const struct sim_window *window = &sim->windows[i];

		fprintf(out, "%s\n  {\"end_ns\": %llu, \"tiers\": [%.6f, %.6f, %.6f], \"groups\": [", i ? "," : "",
			(unsigned long long)window->end_ns, window->tier[0], window->tier[1], window->tier[2]);
		for (j = 0; j < sim->scenario.num_groups; j++)
			fprintf(out, "%s%.6f", j ? ", " : "", window->group[j]);
		fprintf(out, "]}");
	}
	fprintf(out, "],\n");
}

/**
 * sim_report_json() - for programs
 * @sim: that ran
 * @out: where to
 *
 * Context: any.
 */
void sim_report_json(const struct sim *sim, FILE *out)
{
	const struct sim_totals *totals = &sim->totals;
	u32 i, j;

	fprintf(out, "{\"scenario\": \"%s\", \"seed\": %llu, \"time_ns\": %llu, \"groups\": [", sim->scenario.path,
		(unsigned long long)sim->scenario.seed, (unsigned long long)sim->now);
	for (i = 0; i < sim->scenario.num_groups; i++) {
		const struct sim_group *group = &sim->scenario.groups[i];
		double total = used_total(sim, group->engine);

		fprintf(out,
			"%s\n  {\"name\": \"%s\", \"count\": %u, \"tier\": \"%s\", \"share\": %.9f, \"jain\": %.9f, ",
			i ? "," : "", group->name, group->count, tier_names[group->vms[0].sched.tier],
			total > 0 ? used_by(group) / total : 0, jain(group));
		fprintf(out, "\"completed\": %llu, \"promoted\": %llu, \"switches\": %llu, ",
			(unsigned long long)completed_by(group), (unsigned long long)promoted_by(group),
			(unsigned long long)switches_by(group));
		json_times(out, "waits_ns", &group->waits);
		fprintf(out, ", ");
		json_times(out, "latency_ns", &group->latency);
		fprintf(out, ", \"vms\": [");
		for (j = 0; j < group->count; j++) {
			const struct sim_vm *vm = &group->vms[j];

			fprintf(out,
				"%s\n    {\"gpu\": %ld, \"share\": %.9f, \"window_share\": [%.6f, %.6f], "
				"\"completed\": %llu, \"promoted\": %llu, \"switches\": %llu, ", j ? "," : "",
				(long)(vm->gpu - sim->gpus), total > 0 ? vm->used_ns / total : 0, vm->least_share,
				vm->most_share, (unsigned long long)vm->completed, (unsigned long long)vm->promoted,
				(unsigned long long)vm->switches);
			json_times(out, "waits_ns", vm->waits);
			fprintf(out, "}");
		}
		fprintf(out, "]}");
	}
	fprintf(out, "],\n");
	json_tiers(sim, out);
	json_windows(sim, out);
	fprintf(out, " \"decisions\": %llu, \"commands\": %llu, \"switches\": %llu, "
		"\"promotions\": %llu, \"idle\": %llu, \"idle_ns\": %llu,\n",
		(unsigned long long)totals->decisions, (unsigned long long)totals->commands,
		(unsigned long long)totals->switches, (unsigned long long)totals->promotions,
		(unsigned long long)totals->idle, (unsigned long long)totals->idle_ns);
	fprintf(out, " \"share_error\": [%.9f, %.9f], \"vm_share_error\": [%.9f, %.9f],\n", totals->share_error[0],
		totals->share_error[1], totals->vm_share_error[0], totals->vm_share_error[1]);
	fprintf(out, " \"bound_violations\": %llu, \"bound_tightest\": %.6f}\n",
		(unsigned long long)totals->bound_violations, totals->bound_tightest);
}

static const struct sim_group *group_of(const struct sim *sim, const char *name)
{
	u32 i;

	for (i = 0; i < sim->scenario.num_groups; i++)
		if (!strcmp(sim->scenario.groups[i].name, name))
			return &sim->scenario.groups[i];
	return NULL;
}

/* The value of a metric; NaN if there is none of that name. */
static double metric(const struct sim *sim, const struct sim_expect *expect)
{
	const struct sim_totals *totals = &sim->totals;
	const struct sim_group *group = group_of(sim, expect->of);
	const char *name = expect->metric;

	if (!expect->of[0]) {
		if (!strcmp(name, "share_error"))
			return totals->share_error[0];
		if (!strcmp(name, "share_error_long"))
			return totals->share_error[1];
		if (!strcmp(name, "vm_share_error"))
			return totals->vm_share_error[0];
		if (!strcmp(name, "vm_share_error_long"))
			return totals->vm_share_error[1];
		if (!strcmp(name, "promotions"))
			return totals->promotions;
		if (!strcmp(name, "decisions"))
			return totals->decisions;
		if (!strcmp(name, "switches"))
			return totals->switches;
	} else if (group) {
		if (!strcmp(name, "share"))
			return used_total(sim, group->engine) > 0 ? used_by(group) / used_total(sim, group->engine) : 0;
		if (!strcmp(name, "jain"))
			return jain(group);
		if (!strcmp(name, "wait_mean"))
			return mean(&group->waits);
		if (!strcmp(name, "wait_p50"))
			return sim_histogram_quantile(&group->waits, 0.5);
		if (!strcmp(name, "wait_p95"))
			return sim_histogram_quantile(&group->waits, 0.95);
		if (!strcmp(name, "wait_p99"))
			return sim_histogram_quantile(&group->waits, 0.99);
		if (!strcmp(name, "wait_max"))
			return group->waits.max;
		if (!strcmp(name, "latency_p50"))
			return sim_histogram_quantile(&group->latency, 0.5);
		if (!strcmp(name, "latency_p99"))
			return sim_histogram_quantile(&group->latency, 0.99);
		if (!strcmp(name, "latency_max"))
			return group->latency.max;
		if (!strcmp(name, "completed"))
			return completed_by(group);
		if (!strcmp(name, "promoted"))
			return promoted_by(group);
	}
	return NAN;
}

/**
 * sim_check_expects() - whether what the scenario expects holds, and what has to hold of every schedule
 * @sim: that ran
 * @out: where to say what does not
 *
 * Return: number of expectations that do not hold. Context: any.
 */
int sim_check_expects(const struct sim *sim, FILE *out)
{
	int failed = 0;
	u32 i;

	if (sim->totals.bound_violations) {
		fprintf(out, "%s: %llu waits beyond the bound\n", sim->scenario.path,
			(unsigned long long)sim->totals.bound_violations);
		failed++;
	}
	if (sim->totals.idle) {
		fprintf(out, "%s: engines had room while work was queued %llu times\n", sim->scenario.path,
			(unsigned long long)sim->totals.idle);
		failed++;
	}
	/* What a scenario expects holds at its end; with a number of decisions in its place, what always has to. */
	for (i = 0; i < sim->scenario.num_expects && !sim->decisions_wanted; i++) {
		const struct sim_expect *expect = &sim->scenario.expects[i];
		double value = metric(sim, expect);

		if (expect->least ? value >= expect->value : value <= expect->value)
			continue;
		fprintf(out, "%s:%u: %s%s%s is %.9g, expected %s %.9g\n", sim->scenario.path, expect->line,
			expect->metric, expect->of[0] ? " of " : "", expect->of, value, expect->least ? ">=" : "<=",
			expect->value);
		failed++;
	}
	return failed;
}
