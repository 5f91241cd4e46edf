// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "pause.h"

/* Between offers of the processor to others. */
#define TURNS_PER_YIELD	32
/* An offer that was taken lasts longer than this. */
#define TAKEN_NS	10000ULL
/* After that, how long others are left alone. */
#define BUSY_NS		5000000ULL

/**
 * pause_now_ns() - monotonic time
 *
 * Return: nanoseconds. Context: any.
 */
uint64_t pause_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static bool is_alone(void)
{
	static _Atomic int known = -1;
	int alone = known;

	if (alone < 0) {
		alone = sysconf(_SC_NPROCESSORS_ONLN) < 2;
		known = alone;
	}
	return alone;
}

/**
 * pause_spin() - one turn of a thread that waits for what another processor does
 * @pause: the thread's
 *
 * Now and then it offers its processor to others. Where one takes it, or there is but one, waiting is to be by sleeping.
 *
 * Return: true to look again; false where the caller has to sleep. Context: any thread; first before the process is sealed.
 */
bool pause_spin(struct pause *pause)
{
	uint64_t before, after;

	if (is_alone() || (pause->busy_until_ns && pause_now_ns() < pause->busy_until_ns))
		return false;
	pause->busy_until_ns = 0;
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
	if (++pause->turns % TURNS_PER_YIELD)
		return true;
	before = pause_now_ns();
	sched_yield();
	after = pause_now_ns();
	if (after - before < TAKEN_NS)
		return true;
	pause->busy_until_ns = after + BUSY_NS;
	return false;
}
