// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/faults/faults.h"
#include "tests/faults/port.h"
#include "tests/faults/service.h"

#define GPU		"soft0"
#define VM_MEMORY	"64M"
/* What does not start in this time does not start; a machine at work may be slow. */
#define START_MS	60000
#define LOG_LINES	5

static char bin[PATH_MAX];
static char dir[64];
static char socket_path[96];
static pid_t daemon_pid;
static bool by_vfio;

static void find_programs(void)
{
	ssize_t n = readlink("/proc/self/exe", bin, sizeof(bin) - 1);
	char *slash;

	bin[n < 0 ? 0 : n] = '\0';
	slash = strrchr(bin, '/');
	if (slash)
		*slash = '\0';
}

/* Reads to the end of the first line; false where none comes in START_MS. */
static bool hear_line(int fd)
{
	const uint64_t end = now_ns() + START_MS * 1000000ULL;
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	uint64_t now;
	char byte;

	while ((now = now_ns()) < end) {
		if (poll(&wait, 1, (int)((end - now) / 1000000) + 1) != 1)
			continue;
		if (read(fd, &byte, 1) != 1)
			return false;
		if (byte == '\n')
			return true;
	}
	return false;
}

/* The log's last lines, which say why. */
static void tell_log(const char *path)
{
	char lines[LOG_LINES][256];
	unsigned int num = 0, i;
	FILE *log = fopen(path, "re");

	fprintf(stderr, "its log is %s, and ends in:\n", path);
	while (log && fgets(lines[num % LOG_LINES], sizeof(lines[0]), log))
		num++;
	for (i = num > LOG_LINES ? num - LOG_LINES : 0; i < num; i++)
		fprintf(stderr, "    %s", lines[i % LOG_LINES]);
	if (log)
		fclose(log);
}

/* Starts a program whose first line of output says that it is ready. */
static pid_t start(char *const argv[])
{
	char path[PATH_MAX + 32], log[128];
	int out[2], fd, status = 0;
	bool ready;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", bin, argv[0]);
	snprintf(log, sizeof(log), "%s/log", dir);
	if (pipe2(out, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		dup2(fd, STDERR_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execv(path, argv);
		_exit(127);
	}
	close(out[1]);
	ready = pid > 0 && hear_line(out[0]);
	close(out[0]);
	if (ready)
		return pid;
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	fprintf(stderr, "%s did not say in %d s that it serves, and ended with status %#x; ", path, START_MS / 1000,
		status);
	tell_log(log);
	return -1;
}

/**
 * service_start_supervisor() - start a supervisor
 *
 * Return: true when its GPU is attached.
 */
bool service_start_supervisor(void)
{
	char *const loopback[] = { "vgpu-executor", "--backend", "soft", "--memory", "1G", "--name", GPU,
				   "--loopback", socket_path, NULL };
	char *const vfio[] = { "vgpu-executor", "--backend", "soft", "--memory", "16G", "--name", GPU, NULL };

	shared->supervisor = start(by_vfio ? vfio : loopback);
	return shared->supervisor > 0;
}

/**
 * service_kill_supervisor() - kill the supervisor and wait for its end
 */
void service_kill_supervisor(void)
{
	pid_t pid = shared->supervisor;

	shared->supervisor = 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/**
 * service_start() - start what serves
 * @vfio: by the module, which is loaded; or over loopback
 * @seed: names what is made
 *
 * Return: true if all of it came up.
 */
bool service_start(bool vfio, uint64_t seed)
{
	char *const argv[] = { "vgpu-loopback", "--socket", socket_path, "--vms", "16", "--memory", VM_MEMORY,
			       "--aperture", "16M", NULL };

	by_vfio = vfio;
	find_programs();
	snprintf(dir, sizeof(dir), "/tmp/vgpu-faults.XXXXXX");
	if (!mkdtemp(dir)) {
		perror(dir);
		return false;
	}
	snprintf(socket_path, sizeof(socket_path), "%s/socket", dir);
	if (!vfio) {
		setenv(LB_ENV_SOCKET, socket_path, 1);
		daemon_pid = start(argv);
		if (daemon_pid < 0)
			return false;
	}
	return service_start_supervisor();
}

/**
 * service_stop() - end what serves
 *
 * Return: false where something ended with an error or is left over; the log is then left, too.
 */
bool service_stop(void)
{
	char path[128];
	int status = 0;
	bool well = true;

	if (shared->supervisor > 0) {
		kill(shared->supervisor, SIGTERM);
		waitpid(shared->supervisor, &status, 0);
		well = !status;
	}
	if (daemon_pid > 0) {
		kill(daemon_pid, SIGTERM);
		waitpid(daemon_pid, &status, 0);
		if (status) {
			fprintf(stderr, "the daemon ended with status %#x; its log is %s/log\n", status, dir);
			return false;
		}
	}
	if (shared->supervisor < 0)
		return false;
	snprintf(path, sizeof(path), "%s/log", dir);
	unlink(path);
	unlink(socket_path);
	rmdir(dir);
	return well;
}
