// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * Rows path/create and path/1024: what making a virtual GPU costs, and what 1,023 idle ones cost, in memory and in the round
 * trips of the one that is at work. Run by tests/loopback/run, whose daemon is this program's parent.
 */

#include <unistd.h>

#include "bench.h"
#include "tests/unit/loopback/guest.h"

#define IDLE		1023
#define ROUND_TRIPS	4000
#define STREAM		1

static uint64_t samples[ROUND_TRIPS];

/* Memory of the daemon's own: what it shares with sessions is charged to guests. */
static double daemon_kib(void)
{
	char path[64], line[256];
	double kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)getppid());
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %lf", &kib) == 1)
			break;
	if (file)
		fclose(file);
	if (kib <= 0) {
		fprintf(stderr, "bench-many: no RssAnon in %s\n", path);
		exit(1);
	}
	return kib;
}

static double round_trip_us(struct guest *guest)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_FENCE, .ctx = 1, .stream = STREAM };

	for (int i = 0; i < ROUND_TRIPS; i++) {
		uint64_t start = bench_ns();

		if (run(guest, &cmd, NULL) != VGPU_ST_OK) {
			fprintf(stderr, "bench-many: fence failed\n");
			exit(1);
		}
		samples[i] = bench_ns() - start;
	}
	return bench_median(samples, ROUND_TRIPS) / 1e3;
}

int main(int argc, char **argv)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_STREAM_CREATE, .ctx = 1, .stream = STREAM };
	static uint64_t made[IDLE];
	struct guest active, idle;
	double before, after, memory;
	char name[32];

	open_session(&active);
	init_session(&active);
	if (run(&active, &cmd, NULL) != VGPU_ST_OK)
		return 1;
	before = round_trip_us(&active);
	memory = daemon_kib();
	for (int i = 0; i < IDLE; i++) {
		uint64_t start = bench_ns();

		snprintf(name, sizeof(name), "idle%d", i);
		guest_vm = name;
		open_guest(&idle);
		made[i] = bench_ns() - start;
		close(idle.sock);
	}
	memory = (daemon_kib() - memory) / IDLE;
	after = round_trip_us(&active);
	close_session(&active);
	if (bench_wanted(argc, argv, "path/create"))
		ROW(.name = "path/create", .value = bench_median(made, IDLE) / 1e6, .unit = "ms", .beside = "a virtual GPU and its first connection",
		    .goal = GOAL_AT_MOST, .limit = 1, .on_value = true);
	if (bench_wanted(argc, argv, "path/1024-memory"))
		ROW(.name = "path/1024-memory", .value = memory, .unit = "KiB", .beside = "for each of 1,023 idle ones", .goal = GOAL_AT_MOST,
		    .limit = 64, .on_value = true);
	if (bench_wanted(argc, argv, "path/1024-round-trip"))
		ROW(.name = "path/1024-round-trip", .value = after, .unit = "us", .beside = "before there were 1,023 idle ones",
		    .beside_value = before, .goal = GOAL_AT_MOST, .limit = 1.1);
	return 0;
}
