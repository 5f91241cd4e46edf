// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * vgpu-loopback: serves the loopback protocol, alone or together with a supervisor around one command.
 */

#include <argp.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../uapi/vgpu_release.h"
#include "server.h"

#define EXIT_LEAK	98	/* counters do not agree, or something is left over */
#define EXIT_SETUP	97	/* there was nothing to run the command on */
#define EXIT_NO_EXEC	126
#define EXIT_NOT_FOUND	127
#define ATTACH_MS	30000
#define RESET_MS	30000
#define MAX_EXECUTOR_ARGS 32

const char *argp_program_version = "vgpu-loopback " VGPU_RELEASE;

static const char summary[] =
	"Run the mediator without a virtual machine: a process with kmod/core and the guest driver's part, a "
	"supervisor, and workers."
	"\vWith a command: starts a supervisor with the soft backend, waits until its GPU is attached, runs the "
	"command with VGPU_LOOPBACK and LD_LIBRARY_PATH set so that it finds libcuda.so.1, and cleans up. Exit status "
	"and output are the command's; 97 if the GPU did not come up; 98 if, afterwards, submitted is not completed + "
	"failed, or anything is left over.\n\n"
	"Without: serves SOCKET until SIGTERM; supervisors and guests are started by others.\n\n"
	"A program chooses its virtual GPUs by VGPU_LOOPBACK_VM, names separated by commas (default: vm0).";

/**
 * struct run - what the command line says, and what runs
 * @server: the daemon
 * @options: of virtual GPUs
 * @command: NULL to serve only
 * @executor: path of vgpu-executor
 * @executor_args: for it
 * @num_executor_args: of @executor_args
 * @socket: path
 * @dir: temporary directory
 * @trace: file for what the tracepoints say, or NULL
 * @metrics: file for what the metrics say, or NULL
 * @keep: keep @dir
 * @verbose: show logs of what failed, and counters
 * @signals: in the epoll
 * @supervisor: process, 0 if none runs
 * @child: process of @command, 0 if none runs
 * @status: of @command, as wait() gave it
 * @stop: signal that asks for the end
 * @supervisor_status: as wait() gave it
 */
struct run {
	struct server server;
	struct server_options options;
	char **command;
	char *executor;
	char *executor_args[MAX_EXECUTOR_ARGS];
	unsigned int num_executor_args;
	char *socket;
	char dir[PATH_MAX];
	char root[PATH_MAX];
	char *trace;
	char *metrics;
	bool keep;
	bool verbose;
	struct source signals;
	sigset_t old_mask;
	pid_t supervisor;
	pid_t child;
	int status;
	int stop;
	int supervisor_status;
};

enum option_key {
	KEY_VMS = 'n',
	KEY_MEMORY = 'm',
	KEY_VERBOSE = 'v',
	KEY_SOCKET = 's',
	KEY_EXECUTOR_ARG = 'x',
	KEY_KEEP = 'k',
	KEY_APERTURE = 256,
	KEY_DEADLINE,
	KEY_EXECUTOR,
	KEY_THREADS,
	KEY_TRACE,
	KEY_METRICS,
	KEY_NO_METRICS,
	KEY_POLICY,
	KEY_TIER,
	KEY_RECORD,
};

static const struct argp_option arguments[] = {
	{ "vms", KEY_VMS, "N", 0, "virtual GPUs for which there is room, made when first named (default: 16)", 0 },
	{ "memory", KEY_MEMORY, "SIZE", 0, "device memory of each, with suffix K, M, G or T (default: 2G)", 0 },
	{ "aperture", KEY_APERTURE, "SIZE", 0, "aperture of each, a power of two (default: 256M)", 0 },
	{ "deadline", KEY_DEADLINE, "MS", 0, "longest time of a run in milliseconds (default: 30000)", 0 },
	{ "policy", KEY_POLICY, "KEY=VALUE,...", 0,
	  "scheduling policy: kind, order, charge, weights=16:4:1, slice and aging in microseconds, window", 0 },
	{ "tier", KEY_TIER, "NAME=TIER[:WEIGHT]", 0,
	  "tier of a virtual GPU: high, medium (default) or low, and its weight (100); may be repeated", 0 },
	{ "record", KEY_RECORD, "FILE", 0, "write the GPU's decision log, for vgpu-sim --replay", 2 },
	{ "threads", KEY_THREADS, "N", 0, "CPUs that the soft GPU computes with (default: all)", 1 },
	{ "executor", KEY_EXECUTOR, "PATH", 0, "vgpu-executor to start (default: beside this program)", 1 },
	{ "executor-arg", KEY_EXECUTOR_ARG, "ARG", 0, "one more argument for it; may be repeated", 1 },
	{ "socket", KEY_SOCKET, "PATH", 0, "listen there (default: in a temporary directory)", 2 },
	{ "keep", KEY_KEEP, NULL, 0, "keep the temporary directory with the log, and say where it is", 2 },
	{ "trace", KEY_TRACE, "FILE", 0, "write what the core's tracepoints say", 2 },
	{ "metrics", KEY_METRICS, "FILE", 0, "write the core's metrics at the end, a JSON object for each virtual GPU", 2 },
	{ "no-metrics", KEY_NO_METRICS, NULL, 0, "measure nothing, for comparison", 2 },
	{ "verbose", KEY_VERBOSE, NULL, 0, "show the counters, and the executor's log if anything failed", 2 },
	{ 0 }
};

static uint64_t parse_number(const char *text, bool suffixes, const char *option, struct argp_state *state)
{
	static const char units[] = "KMGT";
	unsigned long long value;
	const char *unit;
	unsigned int shift = 0;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end && suffixes) {
		unit = strchr(units, *end);
		if (unit && !end[1]) {
			shift = 10 * (unsigned int)(unit - units + 1);
			end++;
		}
	}
	if (errno || *end || text[0] == '-' || !value || value > ~0ULL >> shift)
		argp_error(state, "%s: \"%s\" is not a positive number%s", option, text,
			   suffixes ? " with suffix K, M, G or T" : "");
	return value << shift;
}

static void add_executor_arg(struct run *run, char *arg, struct argp_state *state)
{
	if (run->num_executor_args == MAX_EXECUTOR_ARGS)
		argp_error(state, "--executor-arg: more than %d", MAX_EXECUTOR_ARGS);
	run->executor_args[run->num_executor_args++] = arg;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct run *run = state->input;
	const char *why;

	switch (key) {
	case KEY_VMS:
		run->options.vms = (unsigned int)parse_number(arg, false, "--vms", state);
		break;
	case KEY_MEMORY:
		run->options.memory = parse_number(arg, true, "--memory", state);
		break;
	case KEY_APERTURE:
		run->options.aperture = parse_number(arg, true, "--aperture", state);
		break;
	case KEY_DEADLINE:
		run->options.deadline_ns = parse_number(arg, false, "--deadline", state) * NSEC_PER_MSEC;
		break;
	case KEY_POLICY:
		if (!policy_parse(&run->options.policy, arg, &why))
			argp_error(state, "--policy %s: %s", arg, why);
		break;
	case KEY_TIER:
		if (run->options.num_tiers == MAX_TIERS ||
		    !policy_tier_parse(arg, &run->options.tiers[run->options.num_tiers++]))
			argp_error(state, "--tier %s: expected NAME=high, medium or low, with :10 to :1000 behind it for a weight, %d times at most",
				   arg, MAX_TIERS);
		break;
	case KEY_RECORD:
		run->options.record = arg;
		break;
	case KEY_THREADS:
		add_executor_arg(run, "--threads", state);
		add_executor_arg(run, arg, state);
		break;
	case KEY_EXECUTOR:
		run->executor = arg;
		break;
	case KEY_EXECUTOR_ARG:
		add_executor_arg(run, arg, state);
		break;
	case KEY_SOCKET:
		run->socket = arg;
		break;
	case KEY_KEEP:
		run->keep = true;
		break;
	case KEY_TRACE:
		run->trace = arg;
		break;
	case KEY_METRICS:
		run->metrics = arg;
		break;
	case KEY_NO_METRICS:
		vgpu_metrics_on = false;
		break;
	case KEY_VERBOSE:
		run->verbose = true;
		break;
	case ARGP_KEY_ARGS:
		run->command = state->argv + state->next;
		state->next = state->argc;
		break;
	case ARGP_KEY_END:
		if (!run->command && !run->socket)
			argp_error(state, "name a command to run, or a --socket to serve");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void reap_children(struct run *run)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == run->child) {
			run->child = 0;
			run->status = status;
		} else if (pid == run->supervisor) {
			run->supervisor = 0;
			run->supervisor_status = status;
		}
	}
}

static void signals_handle(struct server *server, struct source *source, uint32_t events)
{
	struct run *run = container_of(source, struct run, signals);
	struct signalfd_siginfo info;

	while (read(source->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap_children(run);
		else
			run->stop = (int)info.ssi_signo;
	}
}

static int watch_signals(struct run *run)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, &run->old_mask);
	run->signals.handle = signals_handle;
	run->signals.fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return run->signals.fd < 0 ? -errno : server_add(&run->server, &run->signals);
}

/* In a child: dies with the daemon, and takes signals as the daemon was started with. */
static void prepare_child(struct run *run, pid_t parent, int death_signal)
{
	prctl(PR_SET_PDEATHSIG, death_signal);
	if (getppid() != parent)
		_exit(EXIT_SETUP);
	sigprocmask(SIG_SETMASK, &run->old_mask, NULL);
	signal(SIGPIPE, SIG_DFL);
}

static void exec_supervisor(struct run *run)
{
	char *argv[MAX_EXECUTOR_ARGS + 10];
	char memory[32], log[PATH_MAX + 16];
	unsigned int n = 0, i;
	int fd;

	/* Keys of a terminal are for the command; the supervisor is told when that has ended. */
	setsid();
	snprintf(log, sizeof(log), "%s/executor.log", run->dir);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(EXIT_SETUP);
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	if (fd >= 0)
		dup2(fd, STDIN_FILENO);
	snprintf(memory, sizeof(memory), "%llu",
		 (unsigned long long)(run->options.memory * run->options.vms));
	argv[n++] = run->executor;
	argv[n++] = "--backend";
	argv[n++] = "soft";
	argv[n++] = "--memory";
	argv[n++] = memory;
	argv[n++] = "--loopback";
	argv[n++] = run->socket;
	for (i = 0; i < run->num_executor_args; i++)
		argv[n++] = run->executor_args[i];
	argv[n] = NULL;
	execv(run->executor, argv);
	dprintf(STDERR_FILENO, "%s: %s\n", run->executor, strerror(errno));
	_exit(EXIT_NOT_FOUND);
}

static bool start_supervisor(struct run *run)
{
	pid_t self = getpid();
	u64 end = vgpu_now_ns() + ATTACH_MS * NSEC_PER_MSEC;

	run->supervisor = fork();
	if (run->supervisor < 0) {
		perror("vgpu-loopback: fork");
		return false;
	}
	if (!run->supervisor) {
		prepare_child(run, self, SIGTERM);
		exec_supervisor(run);
	}
	while (!run->server.attached && run->supervisor && !run->stop && vgpu_now_ns() < end)
		server_step(&run->server, ATTACH_MS);
	if (!run->server.attached)
		fprintf(stderr, "vgpu-loopback: no GPU was attached: %s\n",
			run->stop ? "interrupted" : run->supervisor ? "vgpu-executor did not answer in 30 seconds" :
			"its log follows");
	return run->server.attached;
}

static void exec_command(struct run *run)
{
	char path[PATH_MAX + 64], *old;
	int error;

	setenv(LB_ENV_SOCKET, run->socket, 1);
	old = getenv("LD_LIBRARY_PATH");
	if (old && *old) {
		char *both;

		if (asprintf(&both, "%s/lib/guest:%s", run->root, old) > 0)
			setenv("LD_LIBRARY_PATH", both, 1);
	} else {
		snprintf(path, sizeof(path), "%s/lib/guest", run->root);
		setenv("LD_LIBRARY_PATH", path, 1);
	}
	execvp(run->command[0], run->command);
	error = errno;
	fprintf(stderr, "vgpu-loopback: %s: %s\n", run->command[0], strerror(error));
	_exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_NO_EXEC);
}

static int run_command(struct run *run)
{
	pid_t self = getpid();

	run->child = fork();
	if (run->child < 0) {
		perror("vgpu-loopback: fork");
		run->child = 0;
		return EXIT_SETUP;
	}
	if (!run->child) {
		prepare_child(run, self, SIGTERM);
		exec_command(run);
	}
	while (run->child) {
		server_step(&run->server, -1);
		if (run->stop && run->child) {
			kill(run->child, run->stop);
			run->stop = 0;
		}
	}
	return WIFSIGNALED(run->status) ? 128 + WTERMSIG(run->status) : WEXITSTATUS(run->status);
}

static bool stop_supervisor(struct run *run)
{
	int status;

	if (run->supervisor)
		kill(run->supervisor, SIGTERM);
	while (run->supervisor)
		server_step(&run->server, -1);
	status = run->supervisor_status;
	if (WIFSIGNALED(status))
		fprintf(stderr, "vgpu-loopback: vgpu-executor died of signal %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		fprintf(stderr, "vgpu-loopback: vgpu-executor ended with status %d\n", WEXITSTATUS(status));
	return !status;
}

static void show_log(const struct run *run)
{
	char path[PATH_MAX + 16], line[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/executor.log", run->dir);
	file = fopen(path, "re");
	if (!file)
		return;
	fprintf(stderr, "--- %s\n", path);
	while (fgets(line, sizeof(line), file))
		fputs(line, stderr);
	fprintf(stderr, "---\n");
	fclose(file);
}

static void show_counters(struct run *run)
{
	struct lb_stats stats;

	vm_sum(&run->server, NULL, &stats);
	fprintf(stderr,
		"vgpu-loopback: %llu commands submitted, %llu completed, %llu failed (%llu refused by vetting), "
		"%llu launches, %llu hangs, %llu sessions lost\n", (unsigned long long)stats.submitted,
		(unsigned long long)stats.completed, (unsigned long long)stats.failed,
		(unsigned long long)stats.rejected, (unsigned long long)stats.launches,
		(unsigned long long)stats.hangs, (unsigned long long)stats.sessions_lost);
}

static int run_all(struct run *run)
{
	int status = EXIT_SETUP;
	char why[512];
	bool started;

	started = start_supervisor(run);
	if (started)
		status = run_command(run);
	if (run->verbose)
		show_counters(run);
	if (!vm_reset_all(&run->server, RESET_MS)) {
		fprintf(stderr, "vgpu-loopback: sessions did not end in 30 seconds\n");
		status = EXIT_LEAK;
	} else if (!vm_check(&run->server, why, sizeof(why))) {
		fprintf(stderr, "vgpu-loopback: %s\n", why);
		status = EXIT_LEAK;
	}
	if (!stop_supervisor(run) && started && status != EXIT_LEAK)
		status = EXIT_SETUP;
	if (!started || (status && run->verbose))
		show_log(run);
	return status;
}

static int serve(struct run *run)
{
	printf("ready %s\n", run->socket);
	fflush(stdout);
	while (!run->stop)
		server_step(&run->server, -1);
	return vm_reset_all(&run->server, RESET_MS) ? EXIT_SUCCESS : EXIT_LEAK;
}

/* Directories of this program: build/bin lies in build. */
static void find_root(struct run *run)
{
	ssize_t n = readlink("/proc/self/exe", run->root, sizeof(run->root) - 1);
	int i;

	run->root[n < 0 ? 0 : n] = '\0';
	for (i = 0; i < 2; i++) {
		char *slash = strrchr(run->root, '/');

		if (slash)
			*slash = '\0';
	}
}

static bool prepare(struct run *run, char *socket_path, size_t len)
{
	const char *tmp = getenv("TMPDIR");
	char *executor;

	find_root(run);
	if (!run->executor) {
		if (asprintf(&executor, "%s/bin/vgpu-executor", run->root) < 0)
			return false;
		run->executor = executor;
	}
	snprintf(run->dir, sizeof(run->dir), "%s/vgpu-loopback.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(run->dir)) {
		fprintf(stderr, "vgpu-loopback: %s: %s\n", run->dir, strerror(errno));
		return false;
	}
	if (!run->socket) {
		snprintf(socket_path, len, "%s/socket", run->dir);
		run->socket = socket_path;
	}
	return true;
}

static void clean_up(struct run *run)
{
	char path[PATH_MAX + 16];

	unlink(run->socket);
	if (run->keep) {
		fprintf(stderr, "vgpu-loopback: kept %s\n", run->dir);
		return;
	}
	snprintf(path, sizeof(path), "%s/executor.log", run->dir);
	unlink(path);
	rmdir(run->dir);
}

int main(int argc, char **argv)
{
	static const struct argp argp = { arguments, parse_option, "[-- COMMAND…]", summary, NULL, NULL, NULL };
	static struct run run = {
		.options = {
			.memory = 2ULL << 30,
			.vms = 16,
			.aperture = 256ULL << 20,
			.deadline_ns = VGPU_DEADLINE_DEFAULT,
		},
	};
	char socket_path[PATH_MAX + 16];
	int err, status;

	run.options.policy = vgpu_policy_default;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &run);
	signal(SIGPIPE, SIG_IGN);
	if (!prepare(&run, socket_path, sizeof(socket_path)))
		return EXIT_SETUP;
	err = server_init(&run.server, &run.options, run.socket);
	if (!err)
		err = watch_signals(&run);
	if (err) {
		fprintf(stderr, "vgpu-loopback: %s: %s\n", run.socket, strerror(-err));
		clean_up(&run);
		return EXIT_SETUP;
	}
	if (run.trace && !record_begin(run.trace))
		return EXIT_SETUP;
	status = run.command ? run_all(&run) : serve(&run);
	if (!record_end(&run.server, run.metrics))
		status = EXIT_LEAK;
	server_destroy(&run.server);
	close(run.signals.fd);
	clean_up(&run);
	return status;
}
