// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * How soon the mediator acts, as a guest sees it: from the deadline of a kernel that never ends until its completion says so,
 * from the submission of the malformed command that is one too many until the next command is refused, and from an
 * administrator's request for a greater depth until a command that the smaller one held back is complete. The way to the
 * worker or the daemon and back, and the guest's own waking up, are in these figures.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/faults/faults.h"
#include "tests/faults/session.h"
#include "tests/faults/timing.h"

#define SAMPLES			20
#define DEADLINE_NS		20000000ULL
#define QUARANTINE_NS		2000000ULL
#define WATCHDOG_GOAL_MS	5.0
#define QUARANTINE_GOAL_MS	1.0
#define LIMIT_GOAL_MS		1.0
#define CU_LAUNCH_TIMEOUT	702

static struct session session;

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void tell(const char *what, double *values, unsigned int count, double goal_ms)
{
	if (!count) {
		complain("%s: could not be measured", what);
		return;
	}
	qsort(values, count, sizeof(*values), compare);
	printf("%s: median %.3f ms, worst %.3f ms of %u (goal %.0f ms)\n", what, values[count / 2], values[count - 1], count, goal_ms);
	fflush(stdout);
}

/* While the virtual GPU is quarantined there is no session to be had. */
static bool begin(void)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	uint64_t end = now_ns() + PATIENCE_MS * 1000000ULL;
	uint16_t status = 1;
	int err;

	do {
		err = session_begin(&session, &status);
		if (err && err != -EAGAIN)
			return false;
		if (!err && !status)
			return true;
		if (!err)
			session_end(&session);
		nanosleep(&tick, NULL);
	} while (now_ns() < end);
	return false;
}

static bool time_hang(double *ms)
{
	struct vgpu_cmd cmd;
	uint64_t from;
	uint16_t status;
	bool well;

	if (!begin())
		return false;
	cmd = session_launch(&session, FUNC_SPIN, 1, 0, 0);
	from = now_ns();
	well = session_run(&session, &cmd, &status) && status == CU_LAUNCH_TIMEOUT;
	*ms = ((double)(now_ns() - from) - DEADLINE_NS) / 1e6;
	session_end(&session);
	return well;
}

/* Two commands of no known kind, of which one is forgiven; behind them one that is sound, as soon as these are answered. */
static bool time_quarantine(double *ms)
{
	const struct vgpu_cmd bad = { .opcode = 0xff }, sound = { .opcode = VGPU_OP_FENCE };
	uint16_t status = VGPU_ST_OK;
	uint64_t from;
	bool well;

	if (!begin())
		return false;
	from = now_ns();
	session_submit(&session, &bad);
	session_submit(&session, &bad);
	well = session_drain(&session) && session_run(&session, &sound, &status);
	*ms = (double)(now_ns() - from) / 1e6;
	session_end(&session);
	return well && status == VGPU_ST_QUARANTINED;
}

static bool change_depth(struct lb_limits *limits, uint32_t depth)
{
	limits->depth = depth;
	return !port->limits(limits);
}

/*
 * One command may wait, a kernel that never ends; the one behind it on another stream may, too, from some time on: the time to its being
 * fetched, which is the decision. That the worker gets to it beside the endless kernel is another matter.
 */
static bool time_limit(struct lb_limits *limits, double *ms)
{
	struct vgpu_cmd cmd;
	struct vgpu_cqe cqe = { 0 };
	uint32_t fence;
	uint64_t from;
	bool well;

	if (!change_depth(limits, 1) || !begin())
		return false;
	cmd = session_launch(&session, FUNC_SPIN, 1, 0, 0);
	session_submit(&session, &cmd);
	while (__atomic_load_n(&session.place.header->sq_head, __ATOMIC_ACQUIRE) != session.tail)
		;
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_FENCE, .stream = 2 };
	fence = session_submit(&session, &cmd);
	from = now_ns();
	well = change_depth(limits, 2);
	while (well && __atomic_load_n(&session.place.header->sq_head, __ATOMIC_ACQUIRE) != session.tail)
		;
	*ms = (double)(now_ns() - from) / 1e6;
	well = well && session_take(&session, &cqe);
	session_end(&session);
	return well && cqe.seq == fence && cqe.status == VGPU_ST_OK;
}

/**
 * timing_main() - measure and print
 * @vm: number of a virtual GPU that nobody uses
 */
void timing_main(unsigned int vm)
{
	struct lb_limits limits = { .deadline_ns = DEADLINE_NS, .quarantine_ns = QUARANTINE_NS, .tier = 1 };
	double values[SAMPLES];
	unsigned int i, count;

	int err = port->attach(vm);

	if (!err)
		err = port->limits(&limits);
	if (err) {
		complain("how soon the mediator acts was not measured: %s", strerror(-err));
		return;
	}
	for (i = count = 0; i < SAMPLES; i++)
		count += time_hang(&values[count]);
	tell("a hang is completed after its deadline", values, count, WATCHDOG_GOAL_MS);
	/* Preparing a session takes longer than so short a deadline on a busy machine. */
	limits.deadline_ns = 1000000000;
	err = port->limits(&limits);
	if (err)
		complain("limits were refused: %s", strerror(-err));
	for (i = count = 0; i < SAMPLES; i++)
		count += time_limit(&limits, &values[count]);
	tell("a changed limit is in force", values, count, LIMIT_GOAL_MS);
	limits.strikes = 1;
	err = port->limits(&limits);
	if (err)
		complain("limits were refused: %s", strerror(-err));
	for (i = count = 0; i < SAMPLES; i++)
		count += time_quarantine(&values[count]);
	tell("work is refused after the strike that was one too many", values, count, QUARANTINE_GOAL_MS);
	port->detach();
}
