// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * A virtual machine without a machine: has a virtual GPU open by VFIO as QEMU would, copies in, computes, copies out, and compares
 * every word.
 *
 *	validate-client UUID SECONDS PERIOD_US LOOPS [FILE]
 *
 * An operation comes every PERIOD_US, whether or not the one before was late; 0: one after the other. LOOPS is how long it computes.
 * Prints "ready" after the first, and one JSON object in the end, which comes after SECONDS or with SIGTERM. FILE gets a line for each
 * operation: seconds of CLOCK_MONOTONIC at which it came, milliseconds that it took.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/faults/session.h"
#include "tests/vfio/queue.h"

#define SESSION		1
#define QUEUE_AT	0x100000ULL
#define RANGE_AT	0x10000000ULL
#define WORDS		1024
#define MOST		200000

static struct vfio_client client;
static struct queue queue;
static bool broken;
static double took_ms[MOST];
static unsigned int operations, wrong;

static int begin(struct place *place)
{
	uint32_t status = queue_create(&queue, &client, SESSION, QUEUE_AT, QUEUE_ENTRIES, QUEUE_ENTRIES);

	if (status == VGPU_ST_OK)
		status = control(&client, SESSION, VGPU_CTL_RANGE_ADD, RANGE_AT, RANGE_BYTES, 0, 0);
	if (status != VGPU_ST_OK) {
		fprintf(stderr, "validate-client: no session: status %#x\n", status);
		return -EIO;
	}
	*place = (struct place){ .header = queue.header, .sq = queue.sq, .cq = queue.cq, .aperture = client.aperture, .range = RANGE_AT,
				 .interrupt = queue.eventfd };
	return 0;
}

static void end(struct place *place)
{
	(void)place;
	control(&client, SESSION, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0);
	session_wait_state(&client, SESSION, VGPU_SESSION_FREE);
	queue_free(&queue);
}

static void ring(void)
{
	queue_ring(&queue);
}

static const struct port_ops by_vfio = { .begin = begin, .end = end, .ring = ring };

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* In one stream commands complete in their order, each once. */
static bool expect(struct session *session, uint32_t seq)
{
	struct vgpu_cqe cqe;

	if (!session_take(session, &cqe)) {
		fprintf(stderr, "validate-client: command %u has no completion\n", seq);
		broken = true;
		return false;
	}
	if (cqe.seq != seq || cqe.status) {
		fprintf(stderr, "validate-client: completion of command %u with status %#x, where that of %u was due\n", cqe.seq, cqe.status,
			seq);
		broken = true;
		return false;
	}
	return true;
}

static bool operate(struct session *session, uint32_t seed, uint32_t loops)
{
	uint32_t *words = (void *)(session->place.aperture + session->place.range + AT_DATA);
	uint32_t *results = words + WORDS;
	struct vgpu_cmd cmd;
	uint32_t first, i;

	for (i = 0; i < WORDS; i++)
		words[i] = seed + i;
	memset(results, 0, WORDS * sizeof(*results));
	cmd = session_copy(session, true, AT_DATA, 0, WORDS * sizeof(*words));
	first = session_submit(session, &cmd);
	cmd = session_launch(session, FUNC_MIX, WORDS / 64, session->info.device_base, loops);
	session_submit(session, &cmd);
	cmd = session_copy(session, false, AT_DATA + WORDS * sizeof(*words), 0, WORDS * sizeof(*words));
	session_submit(session, &cmd);
	for (i = 0; i < 3; i++)
		if (!expect(session, first + i))
			return false;
	for (i = 0; i < WORDS; i++)
		if (results[i] != mix(words[i], loops)) {
			fprintf(stderr, "validate-client: word %u is %#x, not %#x\n", i, results[i], mix(words[i], loops));
			return false;
		}
	return true;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(double q)
{
	size_t n = operations < MOST ? operations : MOST;

	return n ? took_ms[(size_t)(q * (double)(n - 1))] : 0;
}

/* Until that moment; true where SIGTERM, which is blocked, came before it. */
static bool ended_until(double moment)
{
	double left = moment - now();
	struct timespec time = { 0 };
	sigset_t term;

	if (left > 0) {
		time.tv_sec = (time_t)left;
		time.tv_nsec = (long)((left - (double)time.tv_sec) * 1e9);
	}
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	return sigtimedwait(&term, NULL, &time) == SIGTERM;
}

static void work(struct session *session, double seconds, double period, uint32_t loops, FILE *file)
{
	double start = now(), due = start, came;

	while (!broken && now() < start + seconds) {
		if (operations)
			due += period;
		if (ended_until(due))
			break;
		came = period > 0 ? due : now();
		wrong += !operate(session, operations * 7919, loops);
		took_ms[operations % MOST] = (now() - came) * 1e3;
		if (file)
			fprintf(file, "%.3f %.3f\n", came, took_ms[operations % MOST]);
		if (!operations++) {
			puts("ready");
			fflush(stdout);
		}
	}
	seconds = now() - start;
	qsort(took_ms, operations < MOST ? operations : MOST, sizeof(*took_ms), compare);
	printf("{\"operations\": %u, \"wrong\": %u, \"seconds\": %.3f, \"p50_ms\": %.3f, \"p95_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}\n",
	       operations, wrong, seconds, quantile(0.5), quantile(0.95), quantile(0.99), quantile(1));
}

int main(int argc, char **argv)
{
	static struct session session;
	sigset_t term;
	uint16_t status;
	FILE *file = NULL;
	int err;

	if (argc < 5 || argc > 6) {
		fputs("usage: validate-client UUID SECONDS PERIOD_US LOOPS [FILE]\n", stderr);
		return 2;
	}
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	err = vfio_client_open(&client, argv[1], VFIO_PATH_GROUP);
	if (!err) {
		vfio_enable_memory(&client);
		reg_write32(&client, VGPU_REG_STATUS, VGPU_STATUS_DRIVER_OK);
		err = vfio_client_map(&client);
	}
	if (err) {
		fprintf(stderr, "validate-client: virtual GPU %s cannot be opened: %s\n", argv[1], strerror(-err));
		return 1;
	}
	if (argc == 6) {
		file = fopen(argv[5], "we");
		if (!file) {
			perror(argv[5]);
			return 1;
		}
	}
	port = &by_vfio;
	if (session_begin(&session, &status) || status) {
		fprintf(stderr, "validate-client: the session of %s did not begin: status %#x\n", argv[1], status);
		return 1;
	}
	/* The session's account is of its first commands only; expect() looks at each. */
	session.lied = true;
	work(&session, atof(argv[2]), atof(argv[3]) / 1e6, (uint32_t)atoi(argv[4]), file);
	if (file)
		fclose(file);
	session_end(&session);
	vfio_client_close(&client);
	return wrong > 0;
}
