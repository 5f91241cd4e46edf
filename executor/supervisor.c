// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "log.h"
#include "pause.h"
#include "sandbox.h"
#include "supervisor.h"

/* Pause before another try to start a process where the machine had no room for one. */
#define RETRY_MS	50
/* How long a GPU may still be served by a supervisor that was killed. */
#define PREDECESSOR_MS	2000
/* Events read before signals are looked at again. */
#define EVENT_BATCH	32

/**
 * struct worker - a process started
 * @pid: of it
 * @token: of the event that it was started for
 * @session: number
 * @uuid: of the virtual GPU
 */
struct worker {
	pid_t pid;
	uint64_t token;
	uint32_t session;
	uint8_t uuid[16];
};

/**
 * struct supervisor - the process
 * @boot: what every worker is told
 * @port: to the mediator
 * @signals: signalfd
 * @workers: that run
 * @own_pids: each has a PID namespace of its own
 * @num_workers: of @workers
 * @max_workers: that @workers has room for
 * @waiting: event for which no process could be started yet
 * @has_waiting: @waiting is set
 * @watchdog_ms: between signs of life, -1 for none
 * @sign_ns: when the next one is due
 */
struct supervisor {
	struct boot boot;
	struct port *port;
	int signals;
	struct worker *workers;
	bool own_pids;
	size_t num_workers;
	size_t max_workers;
	struct vgpu_exec_event waiting;
	bool has_waiting;
	int watchdog_ms;
	uint64_t sign_ns;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Tells systemd, where it started this process; its protocol is one datagram. */
static void notify(const char *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	socklen_t len;
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	strcpy(address.sun_path, path);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, len) < 0)
		log_warning("systemd was not told \"%s\": %s", state, strerror(errno));
	close(fd);
}

/*
 * Milliseconds between signs of life that systemd waits for, half of what it allows (sd_watchdog_enabled(3)); -1 where it
 * waits for none.
 */
static int watchdog_interval(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	unsigned long long value;
	char *end;

	if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid()))
		return -1;
	errno = 0;
	value = strtoull(usec, &end, 10);
	if (errno || *end || end == usec || !value) {
		log_warning("WATCHDOG_USEC=%s is no number of microseconds: no sign of life is given", usec);
		return -1;
	}
	value /= 2000;
	return value > INT_MAX ? INT_MAX : value ? (int)value : 1;
}

/* Milliseconds that may be waited before the next sign of life, which is given where it is due. */
static int watch(struct supervisor *sup)
{
	uint64_t now, interval;

	if (sup->watchdog_ms < 0)
		return -1;
	now = now_ns();
	interval = (uint64_t)sup->watchdog_ms * 1000000;
	if (now >= sup->sign_ns) {
		notify("WATCHDOG=1");
		sup->sign_ns = now + interval;
	}
	return (int)((sup->sign_ns - now) / 1000000) + 1;
}

static bool remember(struct supervisor *sup, pid_t pid, const struct vgpu_exec_event *event)
{
	struct worker *worker;

	if (sup->num_workers == sup->max_workers) {
		size_t max = sup->max_workers ? sup->max_workers * 2 : 64;
		struct worker *workers = realloc(sup->workers, max * sizeof(*workers));

		if (!workers)
			return false;
		sup->workers = workers;
		sup->max_workers = max;
	}
	worker = &sup->workers[sup->num_workers++];
	worker->pid = pid;
	worker->token = event->token;
	worker->session = event->session;
	memcpy(worker->uuid, event->uuid, sizeof(worker->uuid));
	return true;
}

/* In the child: nothing but async-signal-safe calls. */
static void become_worker(int pipe_fd)
{
	static char *const argv[] = { "vgpu-executor", "--worker", NULL };
	sigset_t none;
	int null_fd;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* dup2() of a descriptor to itself would leave it to be closed by execv(). */
	if (pipe_fd == BOOT_FD ? fcntl(pipe_fd, F_SETFD, 0) < 0 : dup2(pipe_fd, BOOT_FD) < 0)
		_exit(WORKER_EXIT_BOOT);
	null_fd = open("/dev/null", O_RDWR);
	if (null_fd >= 0) {
		dup2(null_fd, STDIN_FILENO);
		dup2(null_fd, STDOUT_FILENO);
	}
	if (syscall(SYS_close_range, BOOT_FD + 1, ~0U, 0) < 0)
		_exit(WORKER_EXIT_BOOT);
	execv("/proc/self/exe", argv);
	_exit(WORKER_EXIT_BOOT);
}

/* A worker is the first process of a PID namespace, and sees no other, where the machine permits that. */
static pid_t fork_worker(const struct supervisor *sup)
{
	if (sup->own_pids)
		return (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_NEWPID, NULL, NULL, NULL, NULL);
	return fork();
}

static int start_worker(struct supervisor *sup, const struct vgpu_exec_event *event)
{
	char uuid[37];
	int fds[2];
	int error;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork_worker(sup);
	if (pid == 0)
		become_worker(fds[0]);
	error = errno;
	close(fds[0]);
	if (pid < 0) {
		close(fds[1]);
		return -error;
	}
	cgroup_add(sup->boot.cgroup, pid);
	sup->boot.token = event->token;
	sup->boot.number = (uint32_t)pid;
	/* Smaller than a pipe holds: this does not wait. A worker that reads less ends, which is noticed. */
	if (write(fds[1], &sup->boot, sizeof(sup->boot)) != sizeof(sup->boot))
		log_error("worker %d was not told what to do: %s", (int)pid, strerror(errno));
	close(fds[1]);
	uuid_format(event->uuid, uuid);
	if (!remember(sup, pid, event))
		log_warning("worker %d of %s/%u runs, but its end will not be told: out of memory", (int)pid, uuid,
			    event->session);
	log_debug("worker %d started for %s/%u", (int)pid, uuid, event->session);
	return 0;
}

/* The mediator knows best whether the session still waits: of most that end it does not. */
static void tell_failed(struct supervisor *sup, uint64_t token)
{
	int ret = sup->port->ops->spawn_failed(sup->port, token, 0);

	if (ret && ret != -ENOENT && ret != -ENODEV)
		log_warning("the mediator was not told that a worker did not start: %s", strerror(-ret));
}

/* Starts a worker for the event in hand; false where that has to be tried again. */
static bool serve(struct supervisor *sup)
{
	const struct vgpu_exec_event *event = &sup->waiting;
	char uuid[37];
	int ret;

	uuid_format(event->uuid, uuid);
	if (event->type != VGPU_EVENT_SPAWN) {
		log_warning("event of unknown type %u left alone: the module is newer than this program", event->type);
		return true;
	}
	if (event->deadline_ns && now_ns() >= event->deadline_ns) {
		log_error("no worker for %s/%u: its deadline has passed", uuid, event->session);
		return true;
	}
	ret = start_worker(sup, event);
	if (!ret)
		return true;
	if (ret == -EAGAIN || ret == -ENOMEM || ret == -EMFILE || ret == -ENFILE) {
		log_warning("no worker for %s/%u yet, trying again: %s", uuid, event->session, strerror(-ret));
		return false;
	}
	log_error("no worker for %s/%u: %s", uuid, event->session, strerror(-ret));
	tell_failed(sup, event->token);
	return true;
}

static int read_events(struct supervisor *sup)
{
	int i, ret;

	for (i = 0; i < EVENT_BATCH; i++) {
		if (!sup->has_waiting) {
			ret = sup->port->ops->read_event(sup->port, &sup->waiting);
			if (ret)
				return ret == -EAGAIN ? 0 : ret;
			sup->has_waiting = true;
		}
		if (!serve(sup))
			return 0;
		sup->has_waiting = false;
	}
	return 0;
}

static const char *exit_reason(int status)
{
	switch (status) {
	case WORKER_EXIT_BOOT:
		return "it could not be executed, or read nothing from its supervisor";
	case WORKER_EXIT_BIND:
		return "it could not bind its session";
	case WORKER_EXIT_START:
		return "the backend did not start";
	case WORKER_EXIT_SANDBOX:
		return "it could not give up its privileges";
	case WORKER_EXIT_PROTOCOL:
		return "it did not understand the kernel, or a call failed";
	default:
		return "unknown reason";
	}
}

static void tell_end(const struct worker *worker, pid_t pid, int status)
{
	char name[64] = "unknown session";
	char uuid[37];

	if (worker) {
		uuid_format(worker->uuid, uuid);
		snprintf(name, sizeof(name), "%s/%u", uuid, worker->session);
	}
	if (WIFSIGNALED(status)) {
		int sig = WTERMSIG(status);

		if (sig == SIGKILL)
			log_debug("worker %d of %s was killed: its session ended or was lost", (int)pid, name);
		else if (sig == SIGSYS)
			log_error("worker %d of %s was killed by its sandbox: it made a forbidden system call",
				  (int)pid, name);
		else
			log_error("worker %d of %s died of signal %d (%s)%s", (int)pid, name, sig, strsignal(sig),
				  WCOREDUMP(status) ? ", core dumped" : "");
		return;
	}
	if (WEXITSTATUS(status) == WORKER_EXIT_DONE)
		log_debug("worker %d of %s ended", (int)pid, name);
	else
		log_error("worker %d of %s ended with status %d: %s", (int)pid, name, WEXITSTATUS(status),
			  exit_reason(WEXITSTATUS(status)));
}

static void reap(struct supervisor *sup)
{
	struct worker *worker;
	int status;
	pid_t pid;
	size_t i;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		worker = NULL;
		for (i = 0; i < sup->num_workers && !worker; i++) {
			if (sup->workers[i].pid == pid)
				worker = &sup->workers[i];
		}
		tell_end(worker, pid, status);
		cgroup_remove(sup->boot.cgroup, pid);
		if (worker) {
			tell_failed(sup, worker->token);
			*worker = sup->workers[--sup->num_workers];
		}
	}
}

/* Signal that asks for the end, 0 where none came. */
static int read_signals(struct supervisor *sup)
{
	struct signalfd_siginfo info;
	int sig = 0;

	while (read(sup->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			sig = (int)info.ssi_signo;
	}
	reap(sup);
	return sig;
}

static int serve_until_told(struct supervisor *sup)
{
	struct pollfd fds[2] = {
		{ .fd = sup->signals, .events = POLLIN },
		{ .fd = sup->port->fd, .events = POLLIN },
	};
	int ret, sig, wait_ms;

	for (;;) {
		wait_ms = watch(sup);
		/* With an event in hand there is no use in being told of others. */
		fds[1].fd = sup->has_waiting ? -1 : sup->port->fd;
		if (sup->has_waiting && (wait_ms < 0 || wait_ms > RETRY_MS))
			wait_ms = RETRY_MS;
		ret = poll(fds, 2, wait_ms);
		if (ret < 0 && errno != EINTR) {
			log_error("poll: %s", strerror(errno));
			return EXIT_FAILURE;
		}
		sig = read_signals(sup);
		if (sig) {
			notify("STOPPING=1");
			log_info("%s: detaching; %zu workers go on", strsignal(sig), sup->num_workers);
			return EXIT_SUCCESS;
		}
		if (!sup->has_waiting && !fds[1].revents)
			continue;
		ret = read_events(sup);
		if (ret) {
			log_error("the mediator is gone: %s", strerror(-ret));
			return EXIT_FAILURE;
		}
	}
}

static const char *attach_hint(int error)
{
	switch (error) {
	case EBUSY:
		return ": another supervisor serves a GPU of this name; choose another with --name, or stop that one";
	case EINVAL:
		return ": see the mediator's log; module and executor may differ in version";
	case EPERM:
	case EACCES:
		return ": run it as root, or with CAP_SYS_ADMIN";
	default:
		return "";
	}
}

/* A supervisor that was killed serves until the child that it was about to make a worker has ended, too. */
static int attach_when_free(struct supervisor *sup, const struct vgpu_exec_attach *attach)
{
	uint64_t end = pause_now_ns() + PREDECESSOR_MS * 1000000ULL;
	int ret;

	for (;;) {
		ret = sup->port->ops->attach(sup->port, attach);
		if (ret != -EBUSY || pause_now_ns() >= end)
			return ret;
		poll(NULL, 0, 10);
	}
}

static bool attach_gpu(struct supervisor *sup, const struct vgpu_exec_attach *attach)
{
	const struct port_address *address = &sup->boot.address;
	int ret = port_open(address, &sup->port);

	if (ret) {
		log_error("%s: %s%s", address->path, strerror(-ret),
			  ret == -ENOENT && !address->loopback ? ": load the module (modprobe vgpu)" : "");
		return false;
	}
	ret = attach_when_free(sup, attach);
	if (ret) {
		log_error("attaching GPU %s failed: %s%s", attach->name, strerror(-ret), attach_hint(-ret));
		return false;
	}
	return true;
}

/* Whether a process could be confined so: asked of one that then ends. The errno where not. */
static int try_in_child(bool pids)
{
	int status = 0;
	pid_t pid;

	pid = pids ? (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_NEWPID, NULL, NULL, NULL, NULL) : fork();
	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(pids ? 0 : -sandbox_try_namespaces());
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return ECHILD;
	return WEXITSTATUS(status);
}

/* What of a worker's confinement this machine permits is said once, here. */
static void prepare_confinement(struct supervisor *sup)
{
	int error;

	if (!sup->boot.sandbox) {
		log_warning("--sandbox off: workers are not confined");
		return;
	}
	error = try_in_child(true);
	sup->own_pids = !error;
	if (error)
		log_warning("workers have no PID namespaces of their own: %s", strerror(error));
	error = try_in_child(false);
	if (error)
		log_warning("workers have no namespaces of their own for files, IPC and network: %s", strerror(error));
	if (!sup->boot.cgroup[0]) {
		log_info("workers have no limit of memory of their own: no --worker-cgroup");
		return;
	}
	error = cgroup_prepare(sup->boot.cgroup);
	if (!error)
		return;
	log_warning("workers have no limit of memory of their own: cgroup %s: %s", sup->boot.cgroup, strerror(-error));
	sup->boot.cgroup[0] = '\0';
}

/**
 * supervisor_main() - serve a GPU until told to stop
 * @boot: what workers are told, but for the token
 * @attach: the GPU
 *
 * Writes the line "ready" to standard output when the GPU is attached. On SIGTERM or SIGINT it detaches; workers go on.
 *
 * Return: exit status.
 */
int supervisor_main(const struct boot *boot, const struct vgpu_exec_attach *attach)
{
	struct supervisor sup = { .boot = *boot };
	sigset_t signals;
	int status;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	sup.signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sup.signals < 0) {
		log_error("signalfd: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	prepare_confinement(&sup);
	if (!attach_gpu(&sup, attach))
		return EXIT_FAILURE;
	unsetenv("LISTEN_FDS");
	log_info("%s: %llu MiB, compute capability %u.%u, backend %s, attached at %s", attach->info.name,
		 (unsigned long long)(attach->memory >> 20), attach->info.cc_major, attach->info.cc_minor,
		 boot->backend, boot->address.path);
	puts("ready");
	fflush(stdout);
	notify("READY=1");
	sup.watchdog_ms = watchdog_interval();
	status = serve_until_told(&sup);
	sup.port->ops->close(sup.port);
	free(sup.workers);
	return status;
}
