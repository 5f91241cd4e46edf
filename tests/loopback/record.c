// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * --trace FILE: everything that the core's tracepoints say, one line each, and --metrics FILE: what the core's own
 * metrics say at the end. tests/loopback/exact counts the one and compares it with the other.
 */

#include <inttypes.h>
#include <stdio.h>

#include "../../kmod/core/trace.h"
#include "server.h"

static FILE *trace;

static const char *const names[] = { "submit", "vet", "enqueue", "dispatch", "complete", "kill", "quarantine" };
static const char *const parts[] = { "total", "queued", "dispatched", "executing", "completing" };

static void write_event(const struct vgpu_trace_event *event)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		fprintf(trace, "%02x", event->uuid[i]);
	fprintf(trace, " %s %u %u %u %u %u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", names[event->type], event->session, event->seq,
		event->opcode, event->status, event->engine, event->run, event->ns, event->value);
}

/**
 * record_begin() - write what the tracepoints say
 * @path: of the file
 *
 * Return: false if the file cannot be written, said on stderr.
 */
bool record_begin(const char *path)
{
	trace = fopen(path, "we");
	if (!trace) {
		perror(path);
		return false;
	}
	vgpu_trace_hook = write_event;
	return true;
}

static void write_vm(FILE *file, struct vm *vm)
{
	struct vgpu_metrics_reading metrics;
	struct vgpu_latency_reading latency;
	struct vgpu_hist_summary summary;
	struct vgpu_stats stats;
	unsigned int i;

	vgpu_dev_read_stats(&vm->dev, &stats);
	vgpu_dev_read_metrics(&vm->dev, &metrics);
	vgpu_dev_read_latency(&vm->dev, VGPU_WINDOW_ALL, &latency);
	fprintf(file, "{\"uuid\": \"");
	for (i = 0; i < 16; i++)
		fprintf(file, "%02x", vm->dev.uuid[i]);
	fprintf(file, "\", \"submitted\": %" PRIu64 ", \"completed\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"rejected\": %" PRIu64
		", \"launches\": %" PRIu64 ", \"bytes_in\": %" PRIu64 ", \"bytes_out\": %" PRIu64 ", \"switches\": %" PRIu64
		", \"depth_max\": %" PRIu64 ", \"depth_ns\": %" PRIu64 ", \"unseen\": %" PRIu64, stats.counters.submitted,
		stats.counters.completed, stats.counters.failed, stats.counters.rejected, stats.counters.launches,
		stats.counters.bytes_in, stats.counters.bytes_out, metrics.switches, metrics.depth_max, metrics.depth_ns,
		metrics.unseen);
	fprintf(file, ", \"commands\": [");
	for (i = 0; i < VGPU_KINDS; i++)
		fprintf(file, "%s%" PRIu64, i ? ", " : "", metrics.commands[i]);
	fprintf(file, "], \"bytes\": [");
	for (i = 0; i < VGPU_KINDS; i++)
		fprintf(file, "%s%" PRIu64, i ? ", " : "", metrics.bytes[i]);
	fprintf(file, "], \"errors\": [");
	for (i = 0; i < VGPU_ERROR_COUNT; i++)
		fprintf(file, "%s%" PRIu64, i ? ", " : "", metrics.errors[i]);
	fprintf(file, "], \"latency\": {");
	for (i = 0; i < VGPU_PART_COUNT; i++) {
		vgpu_hist_summarise(&latency.part[i], &summary);
		fprintf(file, "%s\"%s\": {\"count\": %" PRIu64 ", \"sum\": %" PRIu64 ", \"max\": %" PRIu64 ", \"p50\": %" PRIu64
			", \"p95\": %" PRIu64 ", \"p99\": %" PRIu64 "}", i ? ", " : "", parts[i], summary.count, summary.sum,
			summary.max, summary.p50, summary.p95, summary.p99);
	}
	fprintf(file, "}}\n");
	vgpu_latency_free(&latency);
}

/**
 * record_end() - close the trace, write the metrics
 * @server: the daemon, whose virtual GPUs do nothing any more
 * @path: of the metrics, or NULL
 *
 * Return: false if a file cannot be written, said on stderr.
 */
bool record_end(struct server *server, const char *path)
{
	struct vm *vm;
	FILE *file;

	vgpu_trace_hook = NULL;
	if (trace && fclose(trace)) {
		perror("trace");
		return false;
	}
	if (!path)
		return true;
	file = fopen(path, "we");
	if (!file) {
		perror(path);
		return false;
	}
	list_for_each_entry(vm, &server->vms, node)
		write_vm(file, vm);
	return !fclose(file);
}
