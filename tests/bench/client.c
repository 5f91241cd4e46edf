// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Rows path/client/...: a process on the hypervisor that has a virtual GPU through VFIO, as QEMU has, and speaks the device's
 * protocol itself. Copies of 64 MiB beside memcpy() between two buffers of the same process; the time there and back of a
 * command that does nothing. Run by tests/bench/path-in-vm.
 *
 *	bench-client UUID [PREFIX]...
 */

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "pingpong.h"
#include "tests/vfio/queue.h"

#define SIZE		(64u << 20)
#define ROUNDS		15
#define ROUND_TRIPS	5000
#define ENTRIES		256
#define STREAM		1
#define QUEUE_OFFSET	0
/* In the aperture: pinned memory of the client, and what pageable memory goes through. */
#define PINNED		(1u << 20)
#define STAGED		(PINNED + SIZE)
#define PIECE		(1u << 20)
#define PIECES		8

static struct vfio_client client;
static struct queue queue;
static struct vgpu_session_info info;
static uint32_t done;

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "bench-client: %s failed: %s\n", what, strerror(errno));
		exit(1);
	}
}

/* Without an exit where the device looks at the queue anyway. */
static uint32_t submit(const struct vgpu_cmd *cmd)
{
	uint32_t seq = queue_put(&queue, cmd);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (queue.tail - __atomic_load_n(&queue.header->sq_event, __ATOMIC_RELAXED) - 1 < 1)
		queue_ring(&queue);
	return seq;
}

/* Commands of one stream complete in order. */
static void wait_until(uint32_t seq)
{
	struct vgpu_cqe cqe;

	while ((int32_t)(seq - done) >= 0) {
		must(!queue_wait(&queue, &cqe), "waiting for a completion");
		if (cqe.status != VGPU_ST_OK) {
			fprintf(stderr, "bench-client: a command completed with status %#x\n", cqe.status);
			exit(1);
		}
		done++;
	}
}

static void run(const struct vgpu_cmd *cmd)
{
	wait_until(submit(cmd));
}

static void open_device(const char *uuid)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_SESSION_INIT, .init.out = PINNED };

	errno = -vfio_client_open(&client, uuid, VFIO_PATH_GROUP);
	must(!errno, "opening the virtual GPU");
	errno = -vfio_client_map(&client);
	must(!errno, "mapping its aperture");
	vfio_enable_memory(&client);
	reg_write32(&client, VGPU_REG_STATUS, VGPU_STATUS_DRIVER_OK);
	must(queue_create(&queue, &client, 0, QUEUE_OFFSET, ENTRIES, ENTRIES) == VGPU_ST_OK, "making a session");
	must(control(&client, 0, VGPU_CTL_RANGE_ADD, PINNED, SIZE + PIECES * PIECE, 0, 0) == VGPU_ST_OK, "adding a range");
	run(&cmd);
	memcpy(&info, client.aperture + PINNED, sizeof(info));
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_CTX_CREATE, .ctx = 1 };
	run(&cmd);
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_STREAM_CREATE, .ctx = 1, .stream = STREAM };
	run(&cmd);
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_CHUNK_MAP, .chunk = { .addr = info.device_base, .len = SIZE } };
	run(&cmd);
}

static void close_device(void)
{
	control(&client, 0, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0);
	must(session_wait_state(&client, 0, VGPU_SESSION_FREE), "ending the session");
	queue_free(&queue);
	vfio_client_close(&client);
}

/* A part of the device's memory, to or from a place in the aperture. */
static uint32_t copy(uint8_t opcode, uint64_t device, uint64_t aperture, uint64_t len)
{
	bool in = opcode == VGPU_OP_COPY_IN;
	const struct vgpu_cmd cmd = {
		.opcode = opcode,
		.ctx = 1,
		.stream = STREAM,
		.copy = {
			.dst = in ? info.device_base + device : aperture,
			.src = in ? aperture : info.device_base + device,
			.width = len,
			.height = 1,
		},
	};

	return submit(&cmd);
}

static void pageable_in(const uint8_t *from)
{
	uint32_t seq[PIECES];
	uint64_t at;
	uint32_t n;

	for (at = 0, n = 0; at < SIZE; at += PIECE, n++) {
		if (n >= PIECES)
			wait_until(seq[n % PIECES]);
		memcpy(client.aperture + STAGED + n % PIECES * PIECE, from + at, PIECE);
		seq[n % PIECES] = copy(VGPU_OP_COPY_IN, at, STAGED + n % PIECES * PIECE, PIECE);
	}
	wait_until(seq[(n - 1) % PIECES]);
}

static void pageable_out(uint8_t *to)
{
	const uint32_t pieces = SIZE / PIECE;
	uint32_t seq[PIECES], asked = 0, n;

	for (n = 0; n < pieces; n++) {
		for (; asked < pieces && asked < n + PIECES; asked++)
			seq[asked % PIECES] = copy(VGPU_OP_COPY_OUT, (uint64_t)asked * PIECE,
						   STAGED + asked % PIECES * PIECE, PIECE);
		wait_until(seq[n % PIECES]);
		memcpy(to + (uint64_t)n * PIECE, client.aperture + STAGED + n % PIECES * PIECE, PIECE);
	}
}

static uint8_t *pages(void)
{
	void *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	must(p != MAP_FAILED, "mmap");
	memset(p, 1, SIZE);
	return p;
}

enum { PINNED_IN, PINNED_OUT, PAGEABLE_IN, PAGEABLE_OUT, MEMCPY, NUM_WAYS };

static uint64_t one_way(int way, uint8_t *buffers[2])
{
	uint64_t start = bench_ns();

	switch (way) {
	case PINNED_IN:
		wait_until(copy(VGPU_OP_COPY_IN, 0, PINNED, SIZE));
		break;
	case PINNED_OUT:
		wait_until(copy(VGPU_OP_COPY_OUT, 0, PINNED, SIZE));
		break;
	case PAGEABLE_IN:
		pageable_in(buffers[0]);
		break;
	case PAGEABLE_OUT:
		pageable_out(buffers[0]);
		break;
	default:
		memcpy(buffers[0], buffers[1], SIZE);
	}
	return bench_ns() - start;
}

static void copies(void)
{
	static const struct {
		const char *name;
		double goal;
	} ways[] = {
		{ "path/client/copy-pinned-in", 0.95 }, { "path/client/copy-pinned-out", 0.95 },
		{ "path/client/copy-pageable-in", 0.45 }, { "path/client/copy-pageable-out", 0.45 },
	};
	uint8_t *buffers[2] = { pages(), pages() };
	uint64_t best[NUM_WAYS], time;

	memset(client.aperture + PINNED, 2, SIZE);
	memset(best, 0xff, sizeof(best));
	for (int round = 0; round < ROUNDS; round++)
		for (int way = 0; way < NUM_WAYS; way++) {
			time = one_way(way, buffers);
			best[way] = time < best[way] ? time : best[way];
		}
	for (int way = 0; way < MEMCPY; way++)
		ROW(.name = ways[way].name, .value = (double)SIZE / (double)best[way], .unit = "GB/s", .beside = "memcpy",
		    .beside_value = (double)SIZE / (double)best[MEMCPY], .goal = GOAL_AT_LEAST, .limit = ways[way].goal);
}

static void round_trips(void)
{
	static uint64_t samples[2][ROUND_TRIPS];
	const struct vgpu_cmd cmd = { .opcode = VGPU_OP_FENCE, .ctx = 1, .stream = STREAM };
	struct pingpong pong;
	uint64_t start;

	must(pingpong_start(&pong, 0), "starting a second process");
	for (int i = 0; i < ROUND_TRIPS; i++) {
		start = bench_ns();
		run(&cmd);
		samples[0][i] = bench_ns() - start;
		start = bench_ns();
		must(pingpong_once(&pong), "eventfd");
		samples[1][i] = bench_ns() - start;
	}
	pingpong_end(&pong);
	ROW(.name = "path/client/round-trip", .value = bench_median(samples[0], ROUND_TRIPS) / 1e3, .unit = "us",
	    .beside = PINGPONG, .beside_value = bench_median(samples[1], ROUND_TRIPS) / 1e3);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: bench-client UUID [PREFIX]...\n");
		return 2;
	}
	open_device(argv[1]);
	if (bench_wanted(argc - 1, argv + 1, "path/client/copy"))
		copies();
	if (bench_wanted(argc - 1, argv + 1, "path/client/round-trip"))
		round_trips();
	close_device();
	return 0;
}
