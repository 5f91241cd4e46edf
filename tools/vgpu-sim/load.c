// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Randomness, distributions, histograms and traces.
 */

#include <math.h>

#include "sim.h"

#define SUB	32u	/* buckets an octave */

/**
 * sim_random() - the next of a pseudo-random sequence
 * @state: of the sequence; any value starts one
 *
 * Return: 64 bits (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
 * Context: any.
 */
u64 sim_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static double uniform(u64 *state)
{
	return ((sim_random(state) >> 11) + 1) * 0x1p-53;
}

/**
 * sim_draw() - a time from a distribution
 * @state: of the pseudo-random sequence
 * @dist: from which
 *
 * Return: nanoseconds. Context: any.
 */
u64 sim_draw(u64 *state, const struct sim_dist *dist)
{
	switch (dist->kind) {
	case SIM_UNIFORM:
		return dist->a + (u64)(uniform(state) * (dist->b - dist->a));
	case SIM_EXP:
		return (u64)(-log(uniform(state)) * dist->a) + 1;
	case SIM_MIX:
		return uniform(state) <= dist->p ? dist->a : dist->b;
	case SIM_DRAWN:
		return dist->from.cost_ns[sim_random(state) % dist->from.len];
	default:
		return dist->a;
	}
}

static u32 bucket(u64 ns)
{
	u32 octave;

	if (ns < SUB)
		return ns;
	octave = ilog2(ns) - ilog2(SUB);
	return min((octave + 1) * SUB + (u32)(ns >> octave) - SUB, SIM_BUCKETS - 1);
}

static u64 bucket_end(u32 number)
{
	u32 octave;

	if (number < SUB)
		return number;
	octave = number / SUB - 1;
	return ((u64)(number % SUB + SUB + 1) << octave) - 1;
}

/**
 * sim_histogram_add() - count a time
 * @histogram: to count it in
 * @ns: nanoseconds
 *
 * Context: any.
 */
void sim_histogram_add(struct sim_histogram *histogram, u64 ns)
{
	histogram->count[bucket(ns)]++;
	histogram->total++;
	histogram->sum += ns;
	histogram->max = max(histogram->max, ns);
}

/**
 * sim_histogram_merge() - count what another counted
 * @into: to count it in
 * @from: the other
 *
 * Context: any.
 */
void sim_histogram_merge(struct sim_histogram *into, const struct sim_histogram *from)
{
	u32 i;

	for (i = 0; i < SIM_BUCKETS; i++)
		into->count[i] += from->count[i];
	into->total += from->total;
	into->sum += from->sum;
	into->max = max(into->max, from->max);
}

/**
 * sim_histogram_quantile() - the time below which a part of all lie
 * @histogram: any
 * @q: part, 0 to 1
 *
 * Return: nanoseconds, at most 3 % above the exact value; 0 if nothing was counted. Context: any.
 */
u64 sim_histogram_quantile(const struct sim_histogram *histogram, double q)
{
	u64 rank = (u64)ceil(q * histogram->total), seen = 0;
	u32 i;

	for (i = 0; i < SIM_BUCKETS; i++) {
		seen += histogram->count[i];
		if (seen && seen >= rank)
			return min(bucket_end(i), histogram->max);
	}
	return histogram->max;
}

/**
 * sim_trace_read() - read a trace: lines of time and cost in microseconds
 * @trace: filled in
 * @path: file
 *
 * Return: 0, or -1 with a message printed. Context: any.
 */
int sim_trace_read(struct sim_trace *trace, const char *path)
{
	FILE *in = fopen(path, "r");
	double at, cost;
	char line[256];
	u32 number = 0;

	if (!in) {
		fprintf(stderr, "vgpu-sim: cannot read trace %s: %s\n", path, strerror(errno));
		return -1;
	}
	while (fgets(line, sizeof(line), in)) {
		number++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (sscanf(line, "%lf %lf", &at, &cost) != 2 || at < 0 || cost <= 0) {
			fprintf(stderr, "vgpu-sim: %s:%u: expected 'TIME COST' in microseconds\n", path, number);
			fclose(in);
			return -1;
		}
		trace->at_ns = realloc(trace->at_ns, (trace->len + 1) * sizeof(u64));
		trace->cost_ns = realloc(trace->cost_ns, (trace->len + 1) * sizeof(u64));
		if (!trace->at_ns || !trace->cost_ns)
			abort();
		trace->at_ns[trace->len] = (u64)(at * 1000);
		trace->cost_ns[trace->len++] = (u64)(cost * 1000);
	}
	fclose(in);
	return 0;
}

/**
 * sim_trace_free() - give back a trace's memory
 * @trace: read, or all zero
 *
 * Context: any.
 */
void sim_trace_free(struct sim_trace *trace)
{
	free(trace->at_ns);
	free(trace->cost_ns);
}
