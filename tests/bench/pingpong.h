/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * What the two wake-ups of a round trip cost when nothing else is done: two processes, two eventfds, each process on a processor of its own
 * where there are two, as guest and mediator are. Left to itself, the kernel at times keeps the two on one processor, where a
 * wake-up wakes no processor and costs a sixth; a ratio to that would be a ratio to luck.
 */
#ifndef TESTS_BENCH_PINGPONG_H
#define TESTS_BENCH_PINGPONG_H

#include <sched.h>
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
 * @mediator: process that shares the second one's processor, or 0
 * @before: processors that this one and the mediator may use otherwise
 */
struct pingpong {
	int to;
	int from;
	pid_t pid;
	pid_t mediator;
	cpu_set_t before;
};

static inline void pingpong_pin(pid_t pid, const cpu_set_t *allowed, bool last)
{
	cpu_set_t one;
	int cpu = last ? CPU_SETSIZE - 1 : 0;

	while (cpu >= 0 && cpu < CPU_SETSIZE && !CPU_ISSET(cpu, allowed))
		cpu += last ? -1 : 1;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(pid, sizeof(one), &one);
}

/**
 * pingpong_start - starts the second process; this one stays on its processor until pingpong_end()
 * @pong: set up
 * @mediator: process that what is measured beside wakes, put where the second one is until then; 0 for none
 */
static inline bool pingpong_start(struct pingpong *pong, pid_t mediator)
{
	uint64_t value;

	pong->to = eventfd(0, 0);
	pong->from = eventfd(0, 0);
	CPU_ZERO(&pong->before);
	sched_getaffinity(0, sizeof(pong->before), &pong->before);
	pong->mediator = mediator;
	pong->pid = fork();
	pingpong_pin(0, &pong->before, !pong->pid);
	if (pong->pid > 0 && mediator)
		pingpong_pin(mediator, &pong->before, true);
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

	sched_setaffinity(0, sizeof(pong->before), &pong->before);
	if (pong->mediator)
		sched_setaffinity(pong->mediator, sizeof(pong->before), &pong->before);
	if (write(pong->to, &quit, sizeof(quit)) == sizeof(quit))
		waitpid(pong->pid, NULL, 0);
	close(pong->to);
	close(pong->from);
}

#endif
