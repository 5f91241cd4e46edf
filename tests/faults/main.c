// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * vgpu-faults: rounds of faults among virtual GPUs, over loopback or, in a hypervisor, over VFIO. See README.md.
 */

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/faults/cleared.h"
#include "tests/faults/faults.h"
#include "tests/faults/port.h"
#include "tests/faults/service.h"
#include "tests/faults/timing.h"

#define MAX_RESTARTS	4096
#define WHOLE_GOAL_MS	500

struct shared *shared;

static struct {
	uint64_t rounds;
	uint64_t seed;
	unsigned int pairs;
	unsigned int seconds;
	unsigned int deadline_ms;
	bool vfio;
	bool cleared;
} options = { .rounds = 10000, .pairs = 5, .seconds = 3, .deadline_ms = 20 };

static pid_t neighbours[NEIGHBOURS];
static double whole_ms[MAX_RESTARTS];
static unsigned int restarts;
static bool served = true;	/* as far as is known */

static const struct argp_option arguments[] = {
	{ "rounds", 'r', "N", 0, "rounds, one fault each (default: 10000)", 0 },
	{ "seed", 's', "N", 0, "what the rounds follow from (default: drawn, printed)", 0 },
	{ "pairs", 'p', "N", 0, "of measurements without and with faults (default: 5)", 0 },
	{ "seconds", 't', "N", 0, "of each measurement (default: 3)", 0 },
	{ "deadline", 'd', "MS", 0, "of a victim's runs (default: 20)", 0 },
	{ "vfio", 'v', NULL, 0, "by vgpu.ko, which is loaded, instead of loopback", 0 },
	{ "cleared", 'c', NULL, 0, "instead of rounds: tenants one after the other, who look for what the one before left", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	char *end = NULL;
	uint64_t value = arg ? strtoull(arg, &end, 0) : 0;

	if (arg && (*end || end == arg))
		argp_error(state, "\"%s\" is not a number", arg);
	switch (key) {
	case 'r':
		options.rounds = value;
		break;
	case 's':
		options.seed = value;
		break;
	case 'p':
		options.pairs = (unsigned int)value;
		break;
	case 't':
		options.seconds = (unsigned int)value;
		break;
	case 'd':
		options.deadline_ms = (unsigned int)value;
		break;
	case 'v':
		options.vfio = true;
		break;
	case 'c':
		options.cleared = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/**
 * complain() - say what is wrong; the first are kept
 * @format: as printf()
 */
void complain(const char *format, ...)
{
	unsigned int at = shared->complaints++;
	va_list args;

	if (at >= MAX_COMPLAINTS)
		return;
	va_start(args, format);
	vsnprintf(shared->why[at], sizeof(shared->why[at]), format, args);
	va_end(args);
}

static pid_t start(void (*what)(unsigned int), unsigned int vm)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		what(vm);
		_exit(0);
	}
	return pid;
}

/* Without a supervisor every command would be waited for, until its deadline, for nothing. */
static void give_up(const char *why)
{
	fprintf(stderr, "giving up after %llu rounds: %s\n", (unsigned long long)shared->done, why);
	complain("%s", why);
	shared->wrong++;
	served = false;
}

/* Kills the supervisor, starts another, and has a new session compute. */
static void restart(void)
{
	uint64_t begin;

	service_kill_supervisor();
	begin = now_ns();
	if (!service_start_supervisor()) {
		give_up("no supervisor came back after one was killed");
		return;
	}
	if (!probe(PROBE_VM)) {
		give_up("a supervisor came back after one was killed, but no new session computes");
		return;
	}
	if (restarts < MAX_RESTARTS)
		whole_ms[restarts++] = (double)(now_ns() - begin) / 1e6;
}

static unsigned int running(const pid_t *pids, unsigned int num)
{
	unsigned int i, count = 0;

	for (i = 0; i < num; i++)
		count += pids[i] > 0;
	return count;
}

static void forget(pid_t *pids, unsigned int num, pid_t pid, int status)
{
	unsigned int i;

	for (i = 0; i < num; i++)
		if (pids[i] == pid) {
			pids[i] = 0;
			if (status) {
				complain("a process of the test ended with status %#x", status);
				shared->wrong++;
			}
		}
}

/* Waits for the end of processes, restarts the supervisor where that is asked for, for a time at most, while there is service. */
static void watch(pid_t *pids, unsigned int num, uint64_t until_ns)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	sigset_t child;
	int status;
	pid_t pid;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	while (served && now_ns() < until_ns && (!num || running(pids, num))) {
		if (shared->deaths) {
			shared->deaths--;
			restart();
		}
		/* Workers whose supervisor died are this process's too. */
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			forget(pids, num, pid, status);
			forget(neighbours, NEIGHBOURS, pid, status);
		}
		sigtimedwait(&child, NULL, &tick);
	}
}

static void stop(pid_t *pids, unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++)
		if (pids[i] > 0) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
			pids[i] = 0;
		}
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool in_window(const struct sample *sample, unsigned int first)
{
	unsigned int i, last = shared->num_windows;

	for (i = first; i < last; i++) {
		const struct window *window = &shared->windows[i % MAX_WINDOWS];

		if (sample->begin_ns + sample->ns >= window->begin_ns &&
		    (!window->end_ns || sample->begin_ns <= window->end_ns))
			return true;
	}
	return false;
}

/* The 99th percentile of what neighbours' operations took in a time, in milliseconds, but for those beside a fault. */
static double percentile(uint64_t begin, uint64_t end, unsigned int first_window, unsigned int *used)
{
	static double values[NEIGHBOURS * MAX_SAMPLES];
	unsigned int i, j, last, count = 0;

	for (i = 0; i < NEIGHBOURS; i++) {
		last = shared->num_samples[i];
		for (j = last > MAX_SAMPLES ? last - MAX_SAMPLES : 0; j < last; j++) {
			const struct sample *sample = &shared->samples[i][j % MAX_SAMPLES];

			if (sample->begin_ns >= begin && sample->begin_ns < end && !in_window(sample, first_window))
				values[count++] = (double)sample->ns / 1e6;
		}
	}
	*used = count;
	if (!count)
		return 0;
	qsort(values, count, sizeof(*values), compare);
	return values[(size_t)((double)(count - 1) * 0.99)];
}

static double phase(enum mode mode, unsigned int *used)
{
	unsigned int first = shared->num_windows;
	uint64_t begin = now_ns();

	shared->mode = mode;
	watch(NULL, 0, begin + options.seconds * 1000000000ULL);
	return percentile(begin, now_ns(), first, used);
}

static void measure(void)
{
	static double ratios[1024];
	unsigned int i, used[2];
	double quiet, faults;
	pid_t victim;

	shared->mode = MODE_QUIET;
	victim = start(victim_main, 0);
	for (i = 0; i < options.pairs && i < 1024 && served; i++) {
		/* Now this first, now that. */
		if (i & 1)
			faults = phase(MODE_FAULTS, &used[1]);
		quiet = phase(MODE_QUIET, &used[0]);
		if (!(i & 1))
			faults = phase(MODE_FAULTS, &used[1]);
		ratios[i] = quiet > 0 ? faults / quiet : 0;
		printf("pair %u: neighbours' p99 %.2f ms without faults (%u operations), %.2f ms with faults "
		       "(%u outside recovery): ratio %.2f\n", i + 1, quiet, used[0], faults, used[1], ratios[i]);
		fflush(stdout);
	}
	shared->mode = MODE_END;
	watch(&victim, 1, now_ns() + 120000000000ULL);
	if (!served) {
		stop(&victim, 1);
		return;
	}
	qsort(ratios, i, sizeof(*ratios), compare);
	printf("neighbours' p99 with faults, outside recovery, to without: median %.2f, %.2f to %.2f (goal 1.05)\n",
	       ratios[i / 2], ratios[0], ratios[i - 1]);
}

static void tell_restarts(void)
{
	if (!restarts)
		return;
	qsort(whole_ms, restarts, sizeof(*whole_ms), compare);
	printf("service whole again after the executor's restart: median %.0f ms, worst %.0f ms of %u (goal %d ms)\n",
	       whole_ms[restarts / 2], whole_ms[restarts - 1], restarts, WHOLE_GOAL_MS);
}

static void tell_rounds(void)
{
	unsigned int i;

	printf("rounds:");
	for (i = 0; i < FAULT_COUNT; i++)
		if (shared->count[i])
			printf(" %s %llu;", fault_names[i], (unsigned long long)shared->count[i]);
	printf("\n");
}

/* Everything accepted is complete, and nothing is left over. */
static void check_left(void)
{
	struct lb_stats stats;
	uint64_t end = now_ns() + 30000000000ULL;
	unsigned int vm;

	for (vm = 0; vm <= TIMING_VM; vm++) {
		do {
			if (port->stats(vm, &stats)) {
				complain("counters of virtual GPU %u cannot be read", vm);
				shared->lost++;
				break;
			}
		} while ((stats.waiting || stats.sessions || stats.workers) && now_ns() < end);
		if (stats.waiting || stats.sessions || stats.workers ||
		    stats.submitted != stats.completed + stats.failed) {
			complain("virtual GPU %u: %llu commands, %llu sessions, %llu workers are left", vm,
				 (unsigned long long)stats.waiting, (unsigned long long)stats.sessions,
				 (unsigned long long)stats.workers);
			shared->lost += stats.waiting ? stats.waiting : 1;
		}
	}
}

static bool run(void)
{
	pid_t victims[VICTIMS];
	unsigned int i;
	sigset_t child;
	pid_t timing;
	bool well;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!service_start(options.vfio, options.seed))
		return false;
	for (i = 0; i < NEIGHBOURS; i++)
		neighbours[i] = start(neighbour_main, VICTIMS + i);
	shared->mode = MODE_ROUNDS;
	for (i = 0; i < VICTIMS; i++)
		victims[i] = start(victim_main, i);
	watch(victims, VICTIMS, ~0ULL);
	for (; served && shared->deaths; shared->deaths--)
		restart();
	tell_rounds();
	tell_restarts();
	if (options.pairs && served)
		measure();
	shared->mode = MODE_END;
	if (!served) {
		stop(victims, VICTIMS);
		stop(neighbours, NEIGHBOURS);
		service_stop();
		return false;
	}
	watch(neighbours, NEIGHBOURS, now_ns() + 120000000000ULL);
	/* Over VFIO each change of a limit is a process, and strikes are not among those that it changes. */
	if (!options.vfio) {
		timing = start(timing_main, TIMING_VM);
		watch(&timing, 1, now_ns() + 120000000000ULL);
	}
	check_left();
	well = service_stop();
	if (!well)
		complain("what serves did not end well");
	return well;
}

static bool run_cleared(void)
{
	bool well;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!service_start(options.vfio, options.seed))
		return false;
	well = cleared();
	return service_stop() && well;
}

static void tell_complaints(void)
{
	unsigned int i;

	for (i = 0; i < shared->complaints && i < MAX_COMPLAINTS; i++)
		printf("complaint: %s\n", shared->why[i]);
}

int main(int argc, char **argv)
{
	static const struct argp argp = { arguments, parse, NULL, "Rounds of faults among virtual GPUs.", NULL, NULL,
					  NULL };
	bool well;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (!options.seed)
		options.seed = now_ns() % 1000000000;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("mmap");
		return EXIT_FAILURE;
	}
	shared->seed = options.seed;
	shared->total = options.rounds;
	shared->deadline_ns = options.deadline_ms * 1000000ULL;
	port = options.vfio ? &vfio_port : &loopback_port;
	if (options.cleared) {
		well = run_cleared();
		tell_complaints();
		return well ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	printf("seed %llu\n", (unsigned long long)options.seed);
	fflush(stdout);
	well = run();
	tell_complaints();
	well = well && !shared->lost && !shared->doubled && !shared->wrong && !shared->corrupt &&
	       shared->done == options.rounds;
	printf("%s faults: seed %llu, %llu rounds, %llu commands, %llu lost, %llu doubled, %llu neighbours wrong, %llu victims wrong\n",
	       well ? "ok" : "FAIL", (unsigned long long)options.seed, (unsigned long long)shared->done,
	       (unsigned long long)shared->commands, (unsigned long long)shared->lost,
	       (unsigned long long)shared->doubled, (unsigned long long)shared->wrong,
	       (unsigned long long)shared->corrupt);
	return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
