// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * vgpu-admin sched record: a GPU's decision log from debugfs into a file, for vgpu-sim --replay.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../../uapi/vgpu_sched.h"
#include "print.h"

#define DECISIONS	"/sys/kernel/debug/vgpu/%s/decisions"
#define MOST_SECONDS	86400
#define BATCH		4096
#define POLL_MS		100

struct recording {
	int from;
	FILE *to;
	unsigned long long events;
	unsigned long long decisions;
	unsigned long long lost;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static bool parse_seconds(const char *text, unsigned long *seconds)
{
	char *end;

	*seconds = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *seconds >= 1 && *seconds <= MOST_SECONDS;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static enum admin_exit open_log(const char *gpu, int *fd)
{
	char path[128];

	if (strchr(gpu, '/') || snprintf(path, sizeof(path), DECISIONS, gpu) >= (int)sizeof(path)) {
		admin_error("gpu %s: no GPU has this name", gpu);
		return ADMIN_NOT_FOUND;
	}
	*fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (*fd >= 0)
		return ADMIN_OK;
	if (errno == EBUSY) {
		admin_error("gpu %s: somebody records its decisions already", gpu);
	} else if (errno == ENOENT && access("/sys/kernel/debug", X_OK)) {
		admin_error("/sys/kernel/debug: %m: run it as root");
	} else if (errno == ENOENT && access("/sys/kernel/debug/vgpu", F_OK)) {
		admin_error("/sys/kernel/debug/vgpu is not there: load vgpu.ko, and mount debugfs at /sys/kernel/debug");
		return ADMIN_NO_MODULE;
	} else if (errno == ENOENT) {
		admin_error("gpu %s: no GPU has this name; see: vgpu-admin gpu", gpu);
		return ADMIN_NOT_FOUND;
	} else if (errno == EACCES || errno == EPERM) {
		admin_error("%s: %m: run it as root", path);
		return ADMIN_DENIED;
	} else {
		admin_error("%s: %m", path);
	}
	return ADMIN_FAILED;
}

/* What there is at the moment, so that the file is never far behind. */
static bool drain(struct recording *recording)
{
	static struct vgpu_sched_event events[BATCH];
	ssize_t n, i;

	while ((n = read(recording->from, events, sizeof(events))) > 0) {
		n /= sizeof(*events);
		for (i = 0; i < n; i++) {
			recording->decisions += events[i].op == VGPU_SCHED_PICK;
			recording->lost += events[i].op == VGPU_SCHED_LOST ? events[i].a[0] : 0;
		}
		recording->events += n;
		if (fwrite(events, sizeof(*events), n, recording->to) != (size_t)n)
			return false;
	}
	return (n == 0 || errno == EAGAIN || errno == EINTR) && !fflush(recording->to);
}

static bool record(struct recording *recording, unsigned long seconds)
{
	struct pollfd ready = { .fd = recording->from, .events = POLLIN };
	double end = now() + seconds;

	catch_signals();
	while (!interrupted && (!seconds || now() < end)) {
		if (poll(&ready, 1, POLL_MS) > 0 && !drain(recording))
			return false;
	}
	return drain(recording);
}

static void tell(const struct recording *recording, const char *gpu, const char *file, const struct admin_args *args)
{
	static const struct print_column columns[] = {
		{ "gpu", "GPU", NULL }, { "file", "file", NULL }, { "events", "events", NULL },
		{ "decisions", "decisions", NULL }, { "lost", "events lost", NULL }, { NULL },
	};
	json_t *all = json_pack("[{s:s, s:s, s:I, s:I, s:I}]", "gpu", gpu, "file", file, "events",
				(json_int_t)recording->events, "decisions", (json_int_t)recording->decisions, "lost",
				(json_int_t)recording->lost);

	print_details(all, columns, args);
	json_decref(all);
}

/**
 * sched_record() - write the decision log of a live GPU
 * @args: GPU and file; value[0] the seconds that it lasts, else until interrupted
 *
 * Return: enum admin_exit.
 */
enum admin_exit sched_record(const struct admin_args *args)
{
	const char *gpu = args->names[0], *file = args->names[1];
	struct recording recording = { 0 };
	unsigned long seconds = 0;
	enum admin_exit status;
	bool written;

	if (args->value[0] && !parse_seconds(args->value[0], &seconds)) {
		admin_error("--seconds %s: must be a whole number from 1 to %d", args->value[0], MOST_SECONDS);
		return ADMIN_USAGE;
	}
	status = open_log(gpu, &recording.from);
	if (status != ADMIN_OK)
		return status;
	recording.to = fopen(file, "wbe");
	if (!recording.to) {
		admin_error("%s: %m", file);
		close(recording.from);
		return ADMIN_FAILED;
	}
	written = record(&recording, seconds);
	if (!written)
		admin_error("%s: the log could not be read or written: %m", file);
	if (fclose(recording.to) && written) {
		admin_error("%s: %m", file);
		written = false;
	}
	close(recording.from);
	if (!written)
		return ADMIN_FAILED;
	tell(&recording, gpu, file, args);
	if (recording.lost)
		admin_error("%llu events were lost, this program was too slow: the log begins anew there", recording.lost);
	return ADMIN_OK;
}
