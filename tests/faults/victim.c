// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Victims: in every round a session, some work, and a fault. Whatever happens, every command that was submitted has one
 * completion, and what completes without error is right.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/faults/faults.h"
#include "tests/faults/session.h"

#define BURST		24
#define LOOPS		16
#define PACE_NS		60000000ULL
#define CU_OUT_OF_MEMORY 2
#define CU_ILLEGAL_ADDRESS 700
#define CU_LAUNCH_TIMEOUT 702
#define CU_MISALIGNED 716
/* Of rounds, one in so many kills the supervisor: it takes longest to be whole again. */
#define SUPERVISOR_ONE_IN 150

const char *const fault_names[FAULT_COUNT] = {
	[FAULT_NONE] = "none", [FAULT_WORKER] = "worker killed", [FAULT_SPAWN] = "spawn killed",
	[FAULT_GUEST] = "guest killed", [FAULT_HANG] = "hang", [FAULT_ADDRESS] = "illegal address",
	[FAULT_MALFORMED] = "malformed", [FAULT_QUOTA] = "quota", [FAULT_QUEUE] = "queue nonsense",
	[FAULT_DOORBELL] = "doorbells", [FAULT_DESTROY] = "destroyed", [FAULT_POLICY] = "policy",
	[FAULT_SUPERVISOR] = "supervisor killed",
};

static const struct timespec between_looks = { .tv_nsec = 500000 };
static struct session session;
static uint64_t state;
static unsigned int vm_number;

static uint32_t below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 11) % n);
}

/* Statuses that say that the session, or the virtual GPU, is not to be used now: whose fault it was is another matter. */
static bool is_lost(uint16_t status)
{
	return status == VGPU_ST_SESSION_LOST || status == VGPU_ST_NO_EXECUTOR || status == VGPU_ST_QUARANTINED ||
	       status == VGPU_ST_CANCELLED;
}

static void wrong(const char *what, uint16_t status)
{
	complain("a victim's %s ended with status %#x", what, status);
	shared->corrupt++;
}

static void begin_window(uint32_t *at)
{
	*at = atomic_fetch_add(&shared->num_windows, 1) % MAX_WINDOWS;
	shared->windows[*at].end_ns = 0;
	shared->windows[*at].begin_ns = now_ns();
}

static void end_window(uint32_t at)
{
	shared->windows[at].end_ns = now_ns();
}

static void burst(uint32_t count)
{
	struct vgpu_cmd cmd;

	while (count--) {
		if (below(3))
			cmd = session_launch(&session, FUNC_MIX, 1 + below(4), session.info.device_base, LOOPS);
		else
			cmd = session_copy(&session, below(2), AT_DATA, 0x10000, 4096u << below(4));
		cmd.stream = 1 + below(3);
		session_submit(&session, &cmd);
	}
}

/* One piece of work; nobody harms it but who harms the session. */
static void compute(void)
{
	uint32_t *words = (void *)(session.place.aperture + session.place.range + AT_DATA);
	struct vgpu_cmd cmd;
	uint32_t i, first, seed = below(~0U);
	uint16_t status = VGPU_ST_OK, last = VGPU_ST_OK;
	struct vgpu_cqe cqe;

	for (i = 0; i < 64; i++)
		words[i] = seed + i;
	cmd = session_copy(&session, true, AT_DATA, 0, 256);
	first = session_submit(&session, &cmd);
	cmd = session_launch(&session, FUNC_MIX, 1, session.info.device_base, LOOPS);
	session_submit(&session, &cmd);
	cmd = session_copy(&session, false, AT_DATA + 256, 0, 256);
	session_submit(&session, &cmd);
	while (session.head != session.tail) {
		if (!session_take(&session, &cqe))
			return;
		if (cqe.seq - first < 3 && cqe.status)
			status = cqe.status;
		last = cqe.status;
	}
	if (status || last) {
		/* A victim's deadline is so short that a machine at work may exceed it. */
		if (!is_lost(status) && status != CU_LAUNCH_TIMEOUT)
			wrong("work", status);
		return;
	}
	for (i = 0; i < 64; i++)
		if (words[64 + i] != mix(seed + i, LOOPS)) {
			complain("a victim's word %u is %#x, not %#x", i, words[64 + i], mix(seed + i, LOOPS));
			shared->corrupt++;
			return;
		}
}

static void kill_worker(void)
{
	uint32_t at = below(BURST);
	pid_t pid;

	burst(at);
	pid = port->worker();
	if (pid > 0)
		kill(pid, SIGKILL);
	burst(BURST - at);
}

/* A process that has the executor's name and the supervisor's parenthood, but not yet a session's name. */
static void kill_starting(void)
{
	char path[96], comm[32];
	pid_t supervisor = shared->supervisor;
	int pid, chosen = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", supervisor, supervisor);
	file = supervisor > 0 ? fopen(path, "re") : NULL;
	while (file && fscanf(file, "%d", &pid) == 1)
		chosen = pid;
	if (file)
		fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/comm", chosen);
	file = chosen ? fopen(path, "re") : NULL;
	if (!file)
		return;
	/* It may be a neighbour's: of those that began since, no process was seen above. */
	if (fscanf(file, "%31s", comm) == 1 && !strcmp(comm, "vgpu-executor") && !shared->beginning)
		kill(chosen, SIGKILL);
	fclose(file);
}

/* In a session that has not begun: the first command asks for a worker, which dies while it starts. */
static bool spawn_round(void)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_SESSION_INIT };
	uint32_t i, tries = 1 + below(4);
	uint16_t status;
	int err;

	memset(&session, 0, sizeof(session));
	err = port->begin(&session.place);
	if (err)
		return false;
	cmd.init.out = session.place.range;
	session_submit(&session, &cmd);
	for (i = 0; i < tries * 50 && !port->worker(); i++)
		kill_starting();
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_CTX_CREATE, .ctx = 1 };
	if (session_run(&session, &cmd, &status) && status && !is_lost(status) && status != CU_LAUNCH_TIMEOUT)
		wrong("start", status);
	return true;
}

static void hang(void)
{
	struct vgpu_cmd cmd = session_launch(&session, FUNC_SPIN, 1, 0, 0);
	uint16_t status;

	if (session_run(&session, &cmd, &status) && status != CU_LAUNCH_TIMEOUT && !is_lost(status))
		wrong("hang", status);
}

static void bad_address(void)
{
	static const uint64_t places[] = { 0x10, 1ULL << 40, ~0ULL - 7 };
	uint64_t where = below(2) ? places[below(3)] : session.info.device_base + (8ULL << 20);
	struct vgpu_cmd cmd = session_launch(&session, FUNC_POKE, 1, where, 0);
	uint16_t status;

	if (session_run(&session, &cmd, &status) && status != CU_ILLEGAL_ADDRESS && status != CU_MISALIGNED &&
	    status != CU_LAUNCH_TIMEOUT && !is_lost(status))
		wrong("illegal address", status);
	burst(4);
}

static void malformed(void)
{
	struct vgpu_cmd cmd;
	uint32_t i, j;

	for (i = 0; i < BURST; i++) {
		cmd = session_launch(&session, FUNC_MIX, 1, session.info.device_base, LOOPS);
		for (j = 1 + below(8); j; j--)
			((uint8_t *)&cmd)[below(sizeof(cmd))] ^= (uint8_t)(1u << below(8));
		/* A bit may have made it a kernel that never ends or a wait for ever; both end by the deadline. */
		session_submit(&session, &cmd);
	}
}

static void over_quota(void)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_CHUNK_MAP };
	uint16_t status;
	uint32_t i;

	for (i = 1; i < 200; i++) {
		cmd.chunk.addr = session.info.device_base + i * 8 * session.info.granule;
		cmd.chunk.len = 8 * session.info.granule;
		if (!session_run(&session, &cmd, &status))
			return;
		if (status == VGPU_ST_QUOTA || status == VGPU_ST_BAD_ADDRESS || status == CU_OUT_OF_MEMORY)
			return;
		if (status) {
			if (!is_lost(status) && status != CU_LAUNCH_TIMEOUT)
				wrong("mapping", status);
			return;
		}
	}
	wrong("mapping beyond the quota", VGPU_ST_OK);
}

static void nonsense(void)
{
	burst(below(8));
	session.lied = true;
	switch (below(3)) {
	case 0:
		__atomic_store_n(&session.place.header->sq_tail, below(~0U), __ATOMIC_RELEASE);
		break;
	case 1:
		__atomic_store_n(&session.place.header->cq_head, below(~0U), __ATOMIC_RELEASE);
		break;
	default:
		memset(session.place.header, (int)below(256), sizeof(*session.place.header));
	}
	port->ring();
}

static void storm(void)
{
	uint32_t i;

	for (i = 0; i < 200; i++)
		port->ring();
	burst(4);
}

static void change_policy(void)
{
	struct lb_limits limits = {
		.deadline_ns = shared->deadline_ns,
		.quarantine_ns = 1000000ULL << below(5),
		.depth = 1u << below(9),
		.sessions = 1 + below(8),
		.tier = below(3),
		.gpu_share = below(2) ? 100000 + below(900000) : 0,
		.cmd_rate = below(2) ? 2000 + below(100000) : 0,
		.strikes = below(2) ? 1 + below(64) : 0,
	};
	struct lb_policy policy = {
		.aging_ns = 10000000ULL << below(4),
		.slice_ns = 250000ULL << below(3),
		.weight = { 1 + below(32), 1 + below(8), 1 + below(4) },
		.aging_cap = 5 + below(20),
		.kind = below(2),
		.order = below(2),
		.charge = below(3),
		.window = 1 + below(2),
	};
	int err;

	burst(BURST / 2);
	err = port->limits(&limits);
	if (err) {
		complain("limits of a victim were refused: %s", strerror(-err));
		shared->corrupt++;
	}
	burst(BURST / 2);
	/* A window of one run holds up who waits for a hang: left to those whose turn it is next. */
	policy.window = 2;
	err = port->policy(&policy);
	if (err) {
		complain("a policy was refused: %s", strerror(-err));
		shared->corrupt++;
	}
}

static void inject(enum fault fault)
{
	switch (fault) {
	case FAULT_WORKER:
		kill_worker();
		break;
	case FAULT_HANG:
		hang();
		break;
	case FAULT_ADDRESS:
		bad_address();
		break;
	case FAULT_MALFORMED:
		malformed();
		break;
	case FAULT_QUOTA:
		over_quota();
		break;
	case FAULT_QUEUE:
		nonsense();
		break;
	case FAULT_DOORBELL:
		storm();
		break;
	case FAULT_DESTROY:
		burst(BURST);
		break;
	case FAULT_POLICY:
		change_policy();
		break;
	case FAULT_SUPERVISOR:
		shared->deaths++;
		burst(BURST);
		break;
	default:
		burst(BURST);
	}
}

/* Until the virtual GPU has no worker any more. */
static void end_session(void)
{
	uint64_t end = now_ns() + PATIENCE_MS * 1000000ULL;
	struct lb_stats stats;

	session_end(&session);
	while (!port->stats(vm_number, &stats) && stats.workers && now_ns() < end)
		nanosleep(&between_looks, NULL);
}

/* A guest of its own, killed after a number of steps that it tells of. */
static void guest_round(void)
{
	uint32_t steps = 1 + below(4), i;
	uint64_t end = now_ns() + PATIENCE_MS * 1000000ULL;
	struct lb_stats stats = { 0 };
	uint16_t status;
	int told[2];
	pid_t pid;
	char byte;

	if (pipe2(told, 0))
		return;
	port->detach();
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(told[0]);
		if (port->attach(vm_number) || session_begin(&session, &status))
			_exit(0);
		for (i = 0; i < steps; i++) {
			burst(12);
			if (write(told[1], "s", 1) != 1)
				_exit(0);
		}
		for (;;)
			pause();
	}
	close(told[1]);
	for (i = 0; i < steps && read(told[0], &byte, 1) == 1; i++)
		;
	close(told[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	shared->commands += 12 * i;
	do {
		nanosleep(&between_looks, NULL);
		if (port->stats(vm_number, &stats))
			break;
	} while ((stats.waiting || stats.sessions) && now_ns() < end);
	if (stats.waiting || stats.submitted != stats.completed + stats.failed) {
		complain("of a killed guest, %llu commands are left, %llu submitted, %llu completed, %llu failed",
			 (unsigned long long)stats.waiting, (unsigned long long)stats.submitted,
			 (unsigned long long)stats.completed, (unsigned long long)stats.failed);
		shared->lost += stats.waiting ? stats.waiting : 1;
	}
	if (port->attach(vm_number)) {
		complain("virtual GPU %u cannot be opened after its guest was killed", vm_number);
		shared->corrupt++;
	}
}

static enum fault draw(void)
{
	enum fault fault;

	if (!below(SUPERVISOR_ONE_IN))
		return FAULT_SUPERVISOR;
	fault = FAULT_WORKER + below(FAULT_SUPERVISOR - FAULT_WORKER);
	return fault;
}

static void finish(enum fault fault)
{
	bool drain = fault != FAULT_DESTROY && !session.lied;

	if (drain)
		session_drain(&session);
	shared->commands += session.tail;
	if (drain) {
		if (session_lost(&session))
			complain("%u commands have no completion after: %s", session_lost(&session),
				 fault_names[fault]);
		shared->lost += session_lost(&session);
	}
	if (session.doubled)
		complain("%u completions too many after: %s", session.doubled, fault_names[fault]);
	shared->doubled += session.doubled;
}

static void one_round(enum fault fault)
{
	const struct lb_limits usual = { .deadline_ns = shared->deadline_ns, .depth = 1024, .sessions = 8, .tier = 1,
					 .quarantine_ns = 4000000, .strikes = 0 };
	uint32_t window;
	uint16_t status;
	int err;

	port->limits(&usual);
	if (fault == FAULT_GUEST) {
		begin_window(&window);
		guest_round();
		end_window(window);
		return;
	}
	if (fault == FAULT_SPAWN) {
		begin_window(&window);
		if (spawn_round()) {
			finish(fault);
			end_session();
		}
		end_window(window);
		return;
	}
	err = session_begin(&session, &status);
	if (err == -EAGAIN)
		return;
	if (err) {
		complain("a victim's session did not begin: %s", strerror(-err));
		shared->corrupt++;
		return;
	}
	if (!status) {
		compute();
		if (fault != FAULT_NONE)
			begin_window(&window);
		inject(fault);
		finish(fault);
		end_session();
		if (fault != FAULT_NONE)
			end_window(window);
		return;
	}
	if (!is_lost(status) && status != CU_LAUNCH_TIMEOUT)
		wrong("start", status);
	finish(fault);
	end_session();
}

static void rounds(void)
{
	enum fault fault;
	uint64_t round;

	while ((round = shared->next++) < shared->total && shared->mode == MODE_ROUNDS) {
		state = (shared->seed + round) * 0x9e3779b97f4a7c15ULL + 1;
		below(2);
		fault = draw();
		one_round(fault);
		shared->count[fault]++;
		shared->done++;
	}
}

static void measured(void)
{
	struct timespec ts;
	uint64_t next = now_ns();
	enum fault fault;

	while (shared->mode == MODE_QUIET || shared->mode == MODE_FAULTS) {
		next += PACE_NS;
		ts.tv_sec = (time_t)(next / 1000000000);
		ts.tv_nsec = (long)(next % 1000000000);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		do {
			fault = shared->mode == MODE_QUIET ? FAULT_NONE : draw();
		} while (fault == FAULT_SUPERVISOR || fault == FAULT_POLICY);
		one_round(fault);
	}
}

/**
 * victim_main() - be a victim until there are no more rounds
 * @vm: number of its virtual GPU
 */
void victim_main(unsigned int vm)
{
	int err = port->attach(vm);

	vm_number = vm;
	if (err) {
		complain("virtual GPU %u: %s", vm, strerror(-err));
		shared->corrupt++;
		return;
	}
	if (shared->mode == MODE_ROUNDS) {
		rounds();
	} else {
		state = shared->seed * 0x2545f4914f6cdd1dULL + 1;
		measured();
	}
	port->detach();
}
