// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * Rows of path below the library: null commands through session, core and worker. VGPU_OP_FENCE completes when what came before it has;
 * nothing is left to do for it but the way there and back. Run by tests/loopback/run.
 */

#include <pthread.h>
#include <unistd.h>

#include "bench.h"
#include "pingpong.h"
#include "turns.h"
#include "tests/unit/loopback/guest.h"

#define STREAM		1
#define ROUND_TRIPS	20000
#define BATCHED		(1u << 20)
#define PASSES		5
#define TURN		(1u << 16)
#define PAIRS		400
/* As the library's queues. */
#define DEPTH		1024

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "bench-queue: %s failed\n", what);
		exit(1);
	}
}

static void round_trips(struct guest *guest)
{
	static uint64_t samples[2][ROUND_TRIPS];
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_FENCE, .ctx = 1, .stream = STREAM };
	struct pingpong pong;
	uint64_t start;

	must(pingpong_start(&pong, getppid()), "start of a second process");
	for (int i = 0; i < ROUND_TRIPS; i++) {
		start = bench_ns();
		must(run(guest, &cmd, NULL) == VGPU_ST_OK, "fence");
		samples[0][i] = bench_ns() - start;
		start = bench_ns();
		must(pingpong_once(&pong), "eventfd");
		samples[1][i] = bench_ns() - start;
	}
	pingpong_end(&pong);
	ROW(.name = "path/round-trip", .value = bench_median(samples[0], ROUND_TRIPS) / 1e3, .unit = "us",
	    .beside = PINGPONG, .beside_value = bench_median(samples[1], ROUND_TRIPS) / 1e3,
	    .goal = GOAL_AT_MOST, .limit = 1.5);
}

/* As many commands in flight as the queue holds; one doorbell and one look at the completions for half of it. */
static double batched_ns(struct guest *guest, uint32_t count)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_FENCE, .ctx = 1, .stream = STREAM };
	uint64_t start = bench_ns(), one = 1;
	uint32_t sent = 0, done = 0, base = guest->tail;

	while (done < count) {
		uint32_t old = guest->tail, room = DEPTH - (sent - done);

		if (room > count - sent)
			room = count - sent;
		for (uint32_t i = 0; i < room; i++)
			guest->sq[guest->tail++ % DEPTH] = cmd;
		sent += room;
		__atomic_store_n(&guest->queue->sq_tail, guest->tail, __ATOMIC_RELEASE);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (guest->tail - __atomic_load_n(&guest->queue->sq_event, __ATOMIC_RELAXED) - 1 < guest->tail - old)
			must(write(guest->doorbell, &one, sizeof(one)) == sizeof(one), "doorbell");
		for (uint32_t i = 0; i < DEPTH / 2 && done < sent; i++, done++) {
			struct vgpu_cqe cqe = wait_completion(guest);

			must(cqe.status == VGPU_ST_OK && cqe.seq == base + done, "fence");
		}
	}
	return (double)(bench_ns() - start);
}

static double copied_ns(void)
{
	struct vgpu_cmd *queue = calloc(DEPTH, sizeof(*queue)), cmd = { .opcode = VGPU_OP_FENCE, .ctx = 1, .stream = STREAM };
	uint64_t start = bench_ns();

	for (uint32_t i = 0; i < BATCHED; i++) {
		memcpy(&queue[i % DEPTH], &cmd, sizeof(cmd));
		__asm__ volatile("" : : "r"(queue) : "memory");
	}
	start = bench_ns() - start;
	free(queue);
	return (double)start;
}

static void batches(struct guest *guest)
{
	double own = 1e18, beside = 1e18;

	for (int i = 0; i < PASSES; i++) {
		double time = batched_ns(guest, BATCHED);

		own = time < own ? time : own;
		time = copied_ns();
		beside = time < beside ? time : beside;
	}
	ROW(.name = "path/null-commands", .value = BATCHED * 1e3 / own, .unit = "million/s", .beside = "memcpy of the 64-byte commands",
	    .beside_value = BATCHED * 1e3 / beside, .goal = GOAL_AT_LEAST, .limit = 2, .on_value = true);
}

static uint64_t turn(void *guest)
{
	batched_ns(guest, TURN);
	return TURN;
}

int main(int argc, char **argv)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_STREAM_CREATE, .ctx = 1, .stream = STREAM };
	struct guest guest;

	guest_entries = DEPTH;
	open_session(&guest);
	init_session(&guest);
	must(run(&guest, &cmd, NULL) == VGPU_ST_OK, "stream");
	if (bench_wanted(argc, argv, "path/round-trip"))
		round_trips(&guest);
	if (bench_wanted(argc, argv, "path/null-commands"))
		batches(&guest);
	if (bench_wanted(argc, argv, "metrics/throughput"))
		turns_row("metrics/throughput", turn, &guest, PAIRS);
	close_session(&guest);
	return 0;
}
