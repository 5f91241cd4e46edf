// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * What a worker cannot do. Each test is a process that gives up its privileges as a worker does and then tries.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "executor/sandbox.h"

#define REFUSED	77	/* exit status of what could not be done without being killed for it */

static pid_t tester;

static void drop(void)
{
	const char *what;

	if (sandbox_drop_privileges((uint32_t)getpid(), false, &what)) {
		fprintf(stderr, "cannot %s\n", what);
		_exit(1);
	}
}

static void seal(void)
{
	const char *what;

	drop();
	if (sandbox_seal(false, false, &what)) {
		fprintf(stderr, "cannot %s\n", what);
		_exit(1);
	}
}

/* As a worker with a GPU's driver in it. */
static void seal_driver(void)
{
	const char *what;

	if (sandbox_drop_privileges((uint32_t)getpid(), true, &what) || sandbox_seal(false, true, &what)) {
		fprintf(stderr, "cannot %s\n", what);
		_exit(1);
	}
}

static void leave(int status)
{
	syscall(SYS_exit_group, status);
}

static void opens(void)
{
	open("/etc/passwd", O_RDONLY);
}

static void makes_a_socket(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}

static void makes_a_pipe(void)
{
	int fds[2];

	if (pipe(fds))
		leave(REFUSED);
}

static void traces(void)
{
	ptrace(PTRACE_ATTACH, tester, NULL, NULL);
}

static void forks(void)
{
	syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static void executes(void)
{
	execl("/bin/true", "true", NULL);
}

static void kills(void)
{
	kill(tester, 0);
}

static void signals_a_thread(void)
{
	syscall(SYS_tgkill, tester, tester, 0);
}

static void becomes_root(void)
{
	syscall(SYS_setresuid, 0, 0, 0);
}

static void mounts(void)
{
	syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL);
}

static void unshares(void)
{
	syscall(SYS_unshare, 0x10000000);
}

static void loads_a_filter(void)
{
	syscall(SYS_bpf, 0, NULL, 0);
}

static void starts_a_ring(void)
{
	syscall(425, 1, NULL);
}

static void makes_a_memfd(void)
{
	memfd_create("x", 0);
}

static void asks_the_terminal(void)
{
	ioctl(2, 0x5401, NULL);
}

static void limits_itself(void)
{
	struct rlimit r;

	syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &r);
}


static void reads_another(void)
{
	char byte;
	struct iovec local = { &byte, 1 }, remote = { &tester, 1 };

	process_vm_readv(tester, &local, 1, &remote, 1, 0);
}

static void maps_code(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void makes_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int status_of(void (*prepare)(void), void (*what)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		prepare();
		what();
		leave(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void forbidden_calls_kill(void **state)
{
	static const struct {
		const char *name;
		void (*what)(void);
	} tries[] = {
		{ "open", opens }, { "socket", makes_a_socket }, { "pipe", makes_a_pipe }, { "ptrace", traces },
		{ "fork", forks }, { "execve", executes }, { "kill", kills }, { "tgkill of another", signals_a_thread },
		{ "setresuid", becomes_root }, { "mount", mounts }, { "unshare", unshares }, { "bpf", loads_a_filter },
		{ "io_uring_setup", starts_a_ring }, { "memfd_create", makes_a_memfd },
		{ "ioctl of another device", asks_the_terminal }, { "prlimit", limits_itself },
		{ "process_vm_readv", reads_another }, { "mmap of code", maps_code }, { "mprotect to code", makes_code },
	};
	size_t i;
	int status;

	tester = getpid();
	for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		status = status_of(seal, tries[i].what);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: ended with status %#x, not by SIGSYS", tries[i].name, status);
	}
}

static void works(void)
{
	char *page = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	page[0] = 1;
	madvise(page, 1 << 20, MADV_DONTNEED);
	munmap(page, 1 << 20);
	if (write(2, "", 0) || getpid() < 1)
		leave(1);
}

static void what_work_takes_is_allowed(void **state)
{
	assert_int_equal(status_of(seal, works), 0);
}

static char own_file[] = "/tmp/vgpu-sandbox.XXXXXX";

/* What a driver tries is refused, with the error that it knows; what it does besides is done. */
static void driver_is_kept_to_its_devices(void)
{
	int fd;

	if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
		leave(10);
	if (open("/etc", O_PATH) >= 0 || errno != EACCES)
		leave(11);
	/* Anybody's by its mode, but no device of the driver's. */
	if (open(own_file, O_RDWR) >= 0 || errno != EACCES)
		leave(12);
	if (open("/tmp/vgpu-sandbox-new", O_RDWR | O_CREAT, 0600) >= 0 || errno != EACCES)
		leave(13);
	fd = open("/dev/null", O_RDWR);
	if (fd < 0)
		leave(14);
	/* Requests of the driver's kinds reach the device, which knows none of them; others do not. */
	if (ioctl(fd, _IOWR('F', 0x2a, uint64_t)) != -1 || errno != ENOTTY)
		leave(15);
	if (ioctl(fd, 0x30000001) != -1 || errno != ENOTTY || ioctl(fd, 75) != -1 || errno != ENOTTY)
		leave(16);
	if (ioctl(fd, 0x5401) != -1 || errno != EPERM || ioctl(fd, 0x30000003) != -1 || errno != EPERM)
		leave(17);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) || fcntl(fd, F_SETOWN, getpid()) != -1 || errno != EPERM)
		leave(18);
	if (close(fd))
		leave(19);
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED || errno != EPERM)
		leave(20);
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM || memfd_create("x", 0) >= 0)
		leave(21);
	if (prctl(PR_SET_NAME, "driver", 0, 0, 0) || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != -1 || errno != EPERM)
		leave(22);
	execl("/bin/true", "true", NULL);
	if (errno != EPERM)
		leave(23);
}

static void a_driver_opens_its_devices_only(void **state)
{
	int status, fd;

	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 1) {
		print_message("this kernel has no Landlock\n");
		skip();
	}
	fd = mkstemp(own_file);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0666), 0);
	status = status_of(seal_driver, driver_is_kept_to_its_devices);
	close(fd);
	unlink(own_file);
	assert_int_equal(status, 0);
	status = status_of(seal_driver, forks);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void is_nobody(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	uid_t r, e, s;

	if (syscall(SYS_capget, &header, data) || data[0].effective || data[0].permitted || data[0].inheritable ||
	    data[1].effective || data[1].permitted)
		leave(2);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
		leave(3);
	if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) && tester)
		leave(4);
	if (getresuid(&r, &e, &s) || (tester && (!r || r != e || r != s || getgroups(0, NULL))))
		leave(5);
	if (tester && !setresuid(0, 0, 0))
		leave(6);
}

static void privileges_are_given_up(void **state)
{
	tester = geteuid() ? 0 : 1;
	assert_int_equal(status_of(drop, is_nobody), 0);
}

static char before[6][64];
static const char *const spaces[] = { "net", "ipc", "mnt", "uts", "cgroup" };

static void read_spaces(char links[][64])
{
	char path[64];
	size_t i;

	for (i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		snprintf(path, sizeof(path), "/proc/thread-self/ns/%s", spaces[i]);
		memset(links[i], 0, sizeof(links[i]));
		if (readlink(path, links[i], sizeof(links[i]) - 1) < 0)
			links[i][0] = '\0';
	}
}

/* Where a container forbids namespaces, the filter forbids all that they would hide. */
static void is_apart(void)
{
	char links[6][64];
	size_t i;

	/* Not dumpable, it may not look at itself; as itself it may be made to. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	read_spaces(links);
	for (i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
		if (before[i][0] && links[i][0] && !strcmp(before[i], links[i]))
			leave(10 + (int)i);
}

static void has_namespaces_of_its_own(void **state)
{
	int status;

	if (geteuid() || unshare(0x40000000) < 0) {
		print_message("not root, or namespaces are forbidden here\n");
		skip();
	}
	read_spaces(before);
	status = status_of(drop, is_apart);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_calls_kill),
		cmocka_unit_test(what_work_takes_is_allowed),
		cmocka_unit_test(a_driver_opens_its_devices_only),
		cmocka_unit_test(privileges_are_given_up),
		cmocka_unit_test(has_namespaces_of_its_own),
	};

	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
