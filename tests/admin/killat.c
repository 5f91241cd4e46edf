// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Kills a program at one of its steps: the system calls by which it can change anything outside of itself. What comes
 * between two of them is seen by nobody else, so that death at each step is death at any instant.
 *
 *	killat [-k] N PROGRAM [ARGUMENT]...	N counts from 1; 0 lets it end by itself
 *
 * With -k, steps are what it tells the kernel (netlink, sysfs), each of them twice: before it and after it. The program's standard output is discarded. Prints how many steps it began. Ends with the program's status, with
 * 128 + 9 where it was killed.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAILED	125	/* status for what killat itself cannot do */

#define STEP(call)								\
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1),			\
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE)

#define LOAD_CALL BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))

static struct sock_filter told_kernel[] = {
	LOAD_CALL,
	STEP(write),
	STEP(sendto),
	STEP(sendmsg),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static struct sock_filter any_step[] = {
	LOAD_CALL,
	STEP(write),
	STEP(pwrite64),
	STEP(pwritev),
	STEP(sendto),
	STEP(sendmsg),
	STEP(fsync),
	STEP(fdatasync),
	STEP(ftruncate),
	STEP(fallocate),
	STEP(flock),
	STEP(fcntl),	/* SQLite's locks */
	STEP(mkdirat),
	STEP(unlinkat),
	STEP(renameat2),
#ifdef __NR_mkdir
	STEP(mkdir),
	STEP(unlink),
	STEP(rename),
#endif
	STEP(exit_group),
	/* A file that is made. */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 3),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static void die(const char *what)
{
	perror(what);
	_exit(FAILED);
}

static void become(bool kernel, char **command)
{
	const struct sock_fprog program = {
		.len = kernel ? sizeof(told_kernel) / sizeof(told_kernel[0]) : sizeof(any_step) / sizeof(any_step[0]),
		.filter = kernel ? told_kernel : any_step,
	};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		die("/dev/null");
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		die("ptrace");
	raise(SIGSTOP);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		die("seccomp");
	execvp(command[0], command);
	die(command[0]);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	return status;
}

int main(int argc, char **argv)
{
	bool executed = false, kernel = argc > 1 && !strcmp(argv[1], "-k");
	int status, stop, pass, go_on = PTRACE_CONT;
	long steps = 0, last;
	pid_t pid;

	if (argc < 3 + kernel) {
		fprintf(stderr, "usage: killat [-k] N PROGRAM [ARGUMENT]...\n");
		return FAILED;
	}
	argv += kernel;
	last = strtol(argv[1], NULL, 10);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		become(kernel, argv + 2);
	status = wait_for(pid);
	if (!WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC |
		   PTRACE_O_EXITKILL))
		die("ptrace");
	for (pass = 0;;) {
		if (ptrace(go_on, pid, NULL, pass) && errno != ESRCH)
			die("ptrace");
		status = wait_for(pid);
		if (!WIFSTOPPED(status))
			break;
		stop = status >> 8;
		pass = 0;
		go_on = PTRACE_CONT;
		if (stop == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
			executed = true;
		} else if (stop == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8) || stop == (SIGTRAP | 0x80)) {
			if (executed && ++steps == last)
				kill(pid, SIGKILL);
			/* It stops behind the call, too. */
			else if (kernel && stop != (SIGTRAP | 0x80))
				go_on = PTRACE_SYSCALL;
		} else {
			pass = WSTOPSIG(status);
		}
	}
	printf("%ld\n", steps);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
