// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Neighbours: copy in, compute, copy out, look, at a steady pace; everything has to be right.
 */

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/faults/faults.h"
#include "tests/faults/session.h"

#define PERIOD_NS	5000000ULL
#define WORDS		1024
#define LOOPS		32
/* Operations of one session: it is renewed before its account is full. */
#define OPERATIONS	1000

static bool operation(struct session *session, uint32_t seed)
{
	uint32_t *words = (void *)(session->place.aperture + session->place.range + AT_DATA);
	uint32_t *results = words + WORDS;
	struct vgpu_cmd cmd;
	struct vgpu_cqe cqe;
	uint32_t i;

	for (i = 0; i < WORDS; i++)
		words[i] = seed + i;
	memset(results, 0, WORDS * sizeof(*results));
	cmd = session_copy(session, true, AT_DATA, 0, WORDS * sizeof(*words));
	session_submit(session, &cmd);
	cmd = session_launch(session, FUNC_MIX, WORDS / 64, session->info.device_base, LOOPS);
	session_submit(session, &cmd);
	cmd = session_copy(session, false, AT_DATA + WORDS * sizeof(*words), 0, WORDS * sizeof(*words));
	session_submit(session, &cmd);
	for (i = 0; i < 3; i++) {
		if (!session_take(session, &cqe)) {
			complain("a neighbour's command has no completion");
			return false;
		}
		if (cqe.status) {
			complain("a neighbour's command %u ended with status %#x", cqe.seq, cqe.status);
			return false;
		}
	}
	for (i = 0; i < WORDS; i++)
		if (results[i] != mix(words[i], LOOPS)) {
			complain("a neighbour's word %u is %#x, not %#x", i, results[i], mix(words[i], LOOPS));
			return false;
		}
	return true;
}

static void pace(uint64_t *next)
{
	struct timespec ts;
	uint64_t now = now_ns();

	*next = *next + PERIOD_NS < now ? now : *next + PERIOD_NS;
	ts.tv_sec = (time_t)(*next / 1000000000);
	ts.tv_nsec = (long)(*next % 1000000000);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void account(struct session *session)
{
	session_drain(session);
	shared->commands += session->tail;
	shared->lost += session_lost(session);
	shared->doubled += session->doubled;
}

static void one_session(unsigned int number, uint64_t *next)
{
	static struct session session;
	uint32_t i, at;
	uint16_t status;
	uint64_t begin;
	int err;

	shared->beginning++;
	err = session_begin(&session, &status);
	shared->beginning--;
	if (err || status) {
		complain("a neighbour's session did not begin: error %d, status %#x", err, status);
		shared->wrong++;
		if (err)
			return;
	}
	for (i = 0; i < OPERATIONS && !status && shared->mode != MODE_END; i++) {
		pace(next);
		begin = now_ns();
		if (!operation(&session, (uint32_t)begin)) {
			shared->wrong++;
			break;
		}
		at = atomic_fetch_add(&shared->num_samples[number], 1) % MAX_SAMPLES;
		shared->samples[number][at] = (struct sample){ begin, now_ns() - begin };
	}
	account(&session);
	session_end(&session);
}

/**
 * neighbour_main() - be a neighbour until the end
 * @vm: number of its virtual GPU
 */
void neighbour_main(unsigned int vm)
{
	uint64_t next = now_ns();
	int err = port->attach(vm);

	if (err) {
		complain("virtual GPU %u: %s", vm, strerror(-err));
		shared->wrong++;
		return;
	}
	while (shared->mode != MODE_END)
		one_session(vm - VICTIMS, &next);
	port->detach();
}

/**
 * probe() - whether a new session computes
 * @vm: number of a virtual GPU that nobody uses
 *
 * Return: true if so.
 */
bool probe(unsigned int vm)
{
	static struct session session;
	uint16_t status;
	bool right;
	int err;

	if (port->attach(vm))
		return false;
	shared->beginning++;
	err = session_begin(&session, &status);
	shared->beginning--;
	if (err) {
		port->detach();
		return false;
	}
	right = !status && operation(&session, (uint32_t)vm);
	account(&session);
	session_end(&session);
	port->detach();
	return right;
}
