/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* What the two wake-ups of a round trip cost when nothing else is done: two processes, two eventfds. */
#ifndef TESTS_BENCH_PINGPONG_H
#define TESTS_BENCH_PINGPONG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define PINGPONG	"eventfd ping-pong of two processes"

/**
 * struct pingpong - the second process
 * @to: eventfd that wakes it
 * @from: eventfd that it wakes us by
 * @pid: its number
 */
struct pingpong {
	int to;
	int from;
	pid_t pid;
};

/**
 * pingpong_start - starts the second process
 * @pong: set up
 */
static inline bool pingpong_start(struct pingpong *pong)
{
	uint64_t value;

	pong->to = eventfd(0, 0);
	pong->from = eventfd(0, 0);
	pong->pid = fork();
	if (pong->pid)
		return pong->pid > 0;
	while (read(pong->to, &value, sizeof(value)) == sizeof(value) && value == 1)
		if (write(pong->from, &value, sizeof(value)) != sizeof(value))
			break;
	_exit(0);
}

/**
 * pingpong_once - there and back
 * @pong: started
 */
static inline bool pingpong_once(struct pingpong *pong)
{
	uint64_t one = 1;

	return write(pong->to, &one, sizeof(one)) == sizeof(one) && read(pong->from, &one, sizeof(one)) == sizeof(one);
}

/**
 * pingpong_end - ends the second process
 * @pong: started
 */
static inline void pingpong_end(struct pingpong *pong)
{
	uint64_t quit = 2;

	if (write(pong->to, &quit, sizeof(quit)) == sizeof(quit))
		waitpid(pong->pid, NULL, 0);
	close(pong->to);
	close(pong->from);
}

#endif
