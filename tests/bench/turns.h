/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Rows of metrics over loopback: the same work with the core's metrics and without, in turns of some milliseconds within one run. What
 * the machine does meanwhile meets both alike; the ratio is the median of the ratios of neighbouring turns.
 */
#ifndef TESTS_BENCH_TURNS_H
#define TESTS_BENCH_TURNS_H

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"
#include "tests/loopback/loopback.h"

/**
 * turns_open - a connection that may ask for metrics on and off
 *
 * Return: socket; exits where the program was not started by tests/loopback/run.
 */
static inline int turns_open(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv(LB_ENV_SOCKET);
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path ? path : "");
	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address))) {
		fprintf(stderr, "metrics/* wants tests/loopback/run: no connection to '%s': %m\n", address.sun_path);
		exit(1);
	}
	return sock;
}

static inline void turns_switch(int sock, bool on)
{
	struct lb_msg msg = { .op = LB_SET_METRICS, .metrics = on };

	if (send(sock, &msg, sizeof(msg), MSG_NOSIGNAL) != sizeof(msg) || recv(sock, &msg, sizeof(msg), 0) != sizeof(msg) || msg.error) {
		fprintf(stderr, "metrics/*: not switched: %s\n", strerror(-msg.error));
		exit(1);
	}
}

static inline int turns_by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/**
 * turns_row - measures and prints a row
 * @name: of it
 * @work: does a turn, leaves no command under way; returns how many were done
 * @data: for @work
 * @pairs: of turns
 */
static inline void turns_row(const char *name, uint64_t (*work)(void *data), void *data, unsigned int pairs)
{
	double *ratios = calloc(pairs, sizeof(*ratios)), *off = calloc(pairs, sizeof(*off)), rate[2];
	int sock = turns_open();
	unsigned int i, turn;

	if (!ratios || !off)
		exit(1);
	for (i = 0; i < pairs; i++) {
		for (turn = 0; turn < 2; turn++) {
			/* Who goes first takes turns, too. */
			bool on = (i + turn) & 1;
			uint64_t start, count;

			turns_switch(sock, on);
			start = bench_ns();
			count = work(data);
			rate[on] = (double)count * 1e3 / (double)(bench_ns() - start);
		}
		ratios[i] = rate[1] / rate[0];
		off[i] = rate[0];
	}
	turns_switch(sock, true);
	close(sock);
	qsort(ratios, pairs, sizeof(*ratios), turns_by_value);
	qsort(off, pairs, sizeof(*off), turns_by_value);
	fprintf(stderr, "%s: %u pairs of turns, quartiles of their ratios %.3f %.3f %.3f\n", name, pairs, ratios[pairs / 4],
		ratios[pairs / 2], ratios[pairs * 3 / 4]);
	ROW(.name = name, .value = off[pairs / 2] * ratios[pairs / 2], .unit = "million/s", .beside = "the same without metrics",
	    .beside_value = off[pairs / 2], .goal = GOAL_AT_LEAST, .limit = 0.98);
	free(ratios);
	free(off);
}

#endif
