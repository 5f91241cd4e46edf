/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * A reading of all statistics, for what shows them: vgpu-admin stats and top, vgpu-exporter.
 */
#ifndef VGPU_SAMPLE_H
#define VGPU_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../uapi/vgpu_netlink.h"

#define SAMPLE_ENGINES	4
#define SAMPLE_PARTS	5
#define SAMPLE_WINDOWS	4	/* since creation, 1 s, 10 s, 60 s */
#define SAMPLE_KINDS	32
#define SAMPLE_ERRORS	7
#define SAMPLE_STRIKES	5

/**
 * struct sample_latency - one part of commands' lives in one window
 */
struct sample_latency {
	uint64_t count, sum, max, p50, p95, p99;
};

/**
 * struct sample_bucket - commands that took up to @top nanoseconds, and longer than the bucket before says
 */
struct sample_bucket {
	uint64_t top, count;
};

/**
 * struct sample_vm - a virtual GPU
 * @uuid: its name
 * @gpu: on which
 * @pool: of the GPU
 * @tier: enum vgpu_genl_vm_tier
 * @quarantined: submissions are refused
 * @quarantines: how often they were
 * @stat: by number of the attribute in the set "stats", where it is a number
 * @busy: nanoseconds by engine class
 * @commands: completed, by opcode
 * @bytes: copied by them
 * @errors: failed, by enum vgpu_genl_vm_error
 * @strikes: by enum vgpu_genl_vm_strike
 * @latency: by window and part; windows only where one virtual GPU was asked for
 * @buckets: of the total since creation
 * @num_buckets: of @buckets
 */
struct sample_vm {
	uint8_t uuid[16];
	char gpu[VGPU_GPU_NAME_MAX + 1];
	char pool[VGPU_POOL_NAME_MAX + 1];
	uint32_t tier;
	bool quarantined;
	uint32_t quarantines;
	uint64_t stat[VGPU_A_STATS_MAX + 1];
	uint64_t busy[SAMPLE_ENGINES];
	uint64_t commands[SAMPLE_KINDS];
	uint64_t bytes[SAMPLE_KINDS];
	uint64_t errors[SAMPLE_ERRORS];
	uint64_t strikes[SAMPLE_STRIKES];
	struct sample_latency latency[SAMPLE_WINDOWS][SAMPLE_PARTS];
	struct sample_bucket *buckets;
	size_t num_buckets;
};

/**
 * struct sample_gpu - a GPU
 * @stat: by number of the attribute in the set "gpu", where it is a number
 */
struct sample_gpu {
	char name[VGPU_GPU_NAME_MAX + 1];
	char pool[VGPU_POOL_NAME_MAX + 1];
	char model[256];
	uint64_t stat[VGPU_A_GPU_MAX + 1];
	uint64_t busy[SAMPLE_ENGINES];
};

/**
 * struct sample_group - a GPU, a pool, or a tier of a pool
 * @gpu: its name, "" where it is none
 * @pool: of the GPU, or which
 * @has_tier: it is a tier
 * @vms: virtual GPUs in it
 * @quarantined: of them
 * @throttled: of them, held back by a limit now
 * @sum: of all that were ever in it; as in a virtual GPU
 */
struct sample_group {
	char gpu[VGPU_GPU_NAME_MAX + 1];
	char pool[VGPU_POOL_NAME_MAX + 1];
	bool has_tier;
	uint32_t vms, quarantined, throttled;
	struct sample_vm sum;
};

/**
 * struct sample - a reading
 * @time_ns: CLOCK_MONOTONIC time of it
 */
struct sample {
	uint64_t time_ns;
	struct sample_vm *vms;
	size_t num_vms;
	struct sample_gpu *gpus;
	size_t num_gpus;
	struct sample_group *groups;
	size_t num_groups;
};

struct sample_link;

extern const char * const sample_tiers[];
extern const char * const sample_engines[];
extern const char * const sample_parts[];
extern const char * const sample_errors[];
extern const char * const sample_strikes[];
extern const uint64_t sample_windows[SAMPLE_WINDOWS];

int sample_open(struct sample_link **link);
void sample_close(struct sample_link *link);
int sample_read(struct sample_link *link, struct sample *sample);
int sample_read_groups(struct sample_link *link, struct sample *sample);
int sample_read_group_windows(struct sample_link *link, struct sample *sample);
int sample_read_vm(struct sample_link *link, const uint8_t uuid[16], struct sample *sample);
void sample_free(struct sample *sample);
const char *sample_opcode(unsigned int opcode);
void sample_uuid(const uint8_t uuid[16], char text[37]);

#endif /* VGPU_SAMPLE_H */
