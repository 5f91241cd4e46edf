// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) vgpu authors
/*
 * guest-selftest [--device PATH] [--seed N] [NAME]...
 *
 * Tries the guest's driver on a virtual GPU of the machine it runs on. Wants to be alone with the
 * device. As root it also takes the device away from its driver and brings it back.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define CHECK_SKIPPED	77
#define CHECK_LIMIT_S	240	/* longest time of one check */
#define CHECK_UNTIL_S	60	/* longest wait for an attribute */

const char *check_device = "/dev/vgpu0";
unsigned int check_seed;

/**
 * check_fail() - end the check as failed
 * @file: source file of the expectation
 * @line: in it
 * @format: what was found and what was wanted
 */
void check_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	printf("    %s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

/**
 * check_skip() - end the check as not possible here
 * @why: reason
 */
void check_skip(const char *why)
{
	printf("    %s\n", why);
	fflush(stdout);
	_exit(CHECK_SKIPPED);
}

/**
 * check_note() - print something that is worth knowing
 * @format: as for printf()
 */
void check_note(const char *format, ...)
{
	va_list args;

	printf("    ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

/**
 * check_attribute() - read an attribute of the device under test
 * @name: its file below /sys/class/vgpu-guest/vgpuN
 *
 * Return: its first line, valid until the next call.
 */
const char *check_attribute(const char *name)
{
	static char value[256];
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/vgpu-guest/%s/%s", strrchr(check_device, '/') + 1, name);
	file = fopen(path, "r");
	if (!file)
		check_fail(__FILE__, __LINE__, "%s: %s", path, strerror(errno));
	if (!fgets(value, sizeof(value), file))
		value[0] = '\0';
	fclose(file);
	value[strcspn(value, "\n")] = '\0';
	return value;
}

/**
 * check_number() - read a numeric attribute of the device under test
 * @name: as for check_attribute()
 *
 * Return: the number.
 */
__u64 check_number(const char *name)
{
	return strtoull(check_attribute(name), NULL, 10);
}

/**
 * check_until() - wait until an attribute has a value
 * @name: as for check_attribute()
 * @value: to wait for; the check fails if it does not come
 */
void check_until(const char *name, __u64 value)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	time_t end = time(NULL) + CHECK_UNTIL_S;

	while (check_number(name) != value) {
		if (time(NULL) > end)
			check_fail(__FILE__, __LINE__, "%s is still %llu, not %llu", name,
				   (unsigned long long)check_number(name),
				   (unsigned long long)value);
		nanosleep(&pause, NULL);
	}
}

static int run_check(const struct check *check)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		return 1;
	}
	if (!pid) {
		alarm(CHECK_LIMIT_S);
		/* What the last check left behind is on its way out. */
		check_until("sessions", 0);
		check->run();
		fflush(stdout);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		printf("    ended by signal %d (%s)\n", WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
		return 1;
	}
	return WEXITSTATUS(status);
}

static bool wanted(const struct check *check, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(check->name, *names))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "seed", required_argument, NULL, 's' },
		{ }
	};
	const struct check *const groups[] = { session_checks, memory_checks, removal_checks };
	unsigned int passed = 0, failed = 0, skipped = 0, i;
	const struct check *check;
	int option;

	check_seed = time(NULL);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			check_device = optarg;
			break;
		case 's':
			check_seed = strtoul(optarg, NULL, 0);
			break;
		default:
			fprintf(stderr, "usage: %s [--device PATH] [--seed N] [CHECK]...\n",
				argv[0]);
			return 2;
		}
	}
	if (!strchr(check_device, '/')) {
		fprintf(stderr, "--device takes a path such as /dev/vgpu0, not %s\n", check_device);
		return 2;
	}
	printf("device %s, seed %u\n", check_device, check_seed);
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		for (check = groups[i]; check->name; check++) {
			if (!wanted(check, argv + optind))
				continue;
			switch (run_check(check)) {
			case 0:
				printf("ok %s\n", check->name);
				passed++;
				break;
			case CHECK_SKIPPED:
				printf("skip %s\n", check->name);
				skipped++;
				break;
			default:
				printf("not ok %s\n", check->name);
				failed++;
			}
		}
	}
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed ? 1 : 0;
}
