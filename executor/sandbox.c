// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/**
 * DOC: A worker's sandbox
 *
 * A worker runs a tenant's code, in the cuda backend through a closed compiler, and is assumed to be taken over. In
 * two steps it gives up what it could hurt others with. First, with one thread: identity (a user of its own, that no
 * other process has), namespaces (it is the first process of a PID namespace from its start, where the machine permits
 * that), groups, capabilities, the right to gain any, core dumps, new files and processes. Then, with
 * all threads started: every system call but those that executing commands takes. What is left is its own memory, its
 * own session's file and standard error.
 */

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/major.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../uapi/vgpu_executor.h"
#include "sandbox.h"

/*
 * User and group numbers of workers: this plus the process number, so that no two living workers share one. The range
 * is not used by systemd, by containers or by people.
 */
#define UID_BASE	0x70000000u

#define NAMESPACES	(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP)

#if defined(__x86_64__)
#define SECCOMP_ARCH	AUDIT_ARCH_X86_64
#define FOREIGN_ABI_BIT	0x40000000u
#elif defined(__aarch64__)
#define SECCOMP_ARCH	AUDIT_ARCH_AARCH64
#define FOREIGN_ABI_BIT	0x80000000u
#else
#error "the sandbox does not know this architecture"
#endif

/* What could be gained by executing files; takes a capability itself, and so comes before the change of the user. */
static int drop_bounding_set(void)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EPERM)
			return -errno;
	}
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/**
 * sandbox_try_namespaces() - have namespaces of its own, for files, IPC, host name, network and cgroups
 *
 * Who is not root may have them only together with one for users.
 *
 * Return: 0, or a negative errno where the machine does not permit it. Context: one thread.
 */
int sandbox_try_namespaces(void)
{
	return unshare(geteuid() == 0 ? NAMESPACES : NAMESPACES | CLONE_NEWUSER) < 0 ? -errno : 0;
}

static int become_nobody_else(uint32_t number, const char **what)
{
	uid_t id = UID_BASE + number;

	*what = "give up groups";
	if (setgroups(0, NULL) < 0)
		return -errno;
	*what = "change the group";
	if (setresgid(id, id, id) < 0)
		return -errno;
	*what = "change the user";
	if (setresuid(id, id, id) < 0)
		return -errno;
	return 0;
}

/**
 * sandbox_drop_privileges() - first step: namespaces, identity, capabilities, limits
 * @number: that no other worker has: its user's
 * @what: set to what failed
 *
 * A process that is not root keeps its user. Return: 0 or a negative errno. Context: before any thread is started.
 */
int sandbox_drop_privileges(uint32_t number, const char **what)
{
	const struct rlimit none = { 0, 0 };
	const bool root = geteuid() == 0;
	int ret;

	/* Best effort: a container may forbid it, and the filter forbids all that namespaces would hide. */
	sandbox_try_namespaces();
	*what = "forbid core dumps";
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	*what = "bound capabilities";
	ret = drop_bounding_set();
	if (ret)
		return ret;
	if (root) {
		ret = become_nobody_else(number, what);
		if (ret)
			return ret;
	}
	*what = "drop capabilities";
	ret = drop_capabilities();
	if (ret)
		return ret;
	*what = "forbid new privileges";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	*what = "forbid tracing";
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

#define FILTER_MAX	512

struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short len;
};

static void emit(struct filter *filter, struct sock_filter insn)
{
	filter->code[filter->len++] = insn;
}

static void emit_return(struct filter *filter, uint32_t action)
{
	emit(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void emit_load(struct filter *filter, size_t offset)
{
	emit(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void allow(struct filter *filter, uint32_t nr)
{
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1));
	emit_return(filter, SECCOMP_RET_ALLOW);
}

/* Low words suffice: the kernel looks at no more of these arguments, or high bits make the call fail. */
static size_t argument(unsigned int index)
{
	return offsetof(struct seccomp_data, args) + index * sizeof(uint64_t);
}

static void allow_if_equal(struct filter *filter, uint32_t nr, unsigned int index, const uint32_t *values,
			   unsigned char num)
{
	unsigned char i;

	/* Not this call: over the load, @num pairs and the refusal. */
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 2 + 2 * num));
	emit_load(filter, argument(index));
	for (i = 0; i < num; i++) {
		emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, values[i], 0, 1));
		emit_return(filter, SECCOMP_RET_ALLOW);
	}
	emit_return(filter, SECCOMP_RET_KILL_PROCESS);
}

static void allow_unless_set(struct filter *filter, uint32_t nr, unsigned int index, uint32_t bits)
{
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4));
	emit_load(filter, argument(index));
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
	emit_return(filter, SECCOMP_RET_KILL_PROCESS);
	emit_return(filter, SECCOMP_RET_ALLOW);
}

/* Memory, waiting, the clock, what an abort takes, and the ways to the mediator. */
static const uint32_t plain_calls[] = {
	SYS_futex, SYS_read, SYS_write, SYS_ppoll, SYS_munmap, SYS_madvise, SYS_brk, SYS_mremap,
	SYS_clock_gettime, SYS_clock_nanosleep, SYS_nanosleep, SYS_sched_yield, SYS_restart_syscall, SYS_getrandom,
	SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_sigaltstack, SYS_getpid, SYS_gettid,
	SYS_exit, SYS_exit_group, SYS_getcpu, SYS_sched_getaffinity,
	/* The C library's, in threads that have been made but did not run yet. */
	SYS_rseq, SYS_set_robust_list,
#ifdef SYS_poll
	SYS_poll,
#endif
};

/* What a GPU's driver does besides, in the process: it maps memory of its devices and starts threads. */
static const uint32_t driver_calls[] = {
	SYS_close, SYS_fstat, SYS_lseek, SYS_pread64, SYS_ftruncate, SYS_eventfd2, SYS_msync, SYS_mlock, SYS_munlock,
	SYS_mincore, SYS_pselect6, SYS_sched_setaffinity, SYS_sched_getparam, SYS_sched_getscheduler,
	SYS_setpriority, SYS_getpriority, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_sysinfo,
	SYS_uname, SYS_times, SYS_getrusage, SYS_set_tid_address, SYS_epoll_pwait, SYS_epoll_ctl,
};

/* The mediator's own file is a misc device, and has its own rule; terminals and /dev/null are nobody's driver. */
static bool is_of_driver(dev_t dev)
{
	const unsigned int others[] = { MEM_MAJOR, TTY_MAJOR, TTYAUX_MAJOR, MISC_MAJOR, UNIX98_PTY_SLAVE_MAJOR };
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (major(dev) == others[i])
			return false;
	return true;
}

/* Requests to the device files that the driver has open now, whatever they are; to others none. */
static void allow_driver_ioctls(struct filter *filter)
{
	const unsigned int last = 64;
	struct stat st;
	uint32_t fd;

	for (fd = STDERR_FILENO + 1; fd < last; fd++) {
		if (fstat((int)fd, &st) < 0 || !S_ISCHR(st.st_mode) || !is_of_driver(st.st_rdev))
			continue;
		if (filter->len > FILTER_MAX - 16)
			return;
		emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 4));
		emit_load(filter, argument(0));
		emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, fd, 0, 1));
		emit_return(filter, SECCOMP_RET_ALLOW);
		emit_load(filter, offsetof(struct seccomp_data, nr));
	}
}

static void build_driver(struct filter *filter)
{
	size_t i;

	for (i = 0; i < sizeof(driver_calls) / sizeof(driver_calls[0]); i++)
		allow(filter, driver_calls[i]);
	/* Threads, no processes: clone3() hides its flags, and the C library goes without. */
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1));
	emit_return(filter, SECCOMP_RET_ERRNO | ENOSYS);
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4));
	emit_load(filter, argument(0));
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1));
	emit_return(filter, SECCOMP_RET_ALLOW);
	emit_return(filter, SECCOMP_RET_KILL_PROCESS);
	allow_driver_ioctls(filter);
}

static void build(struct filter *filter, bool socket_calls, bool driver)
{
	const uint32_t requests[] = { VGPU_EXEC_WAIT, VGPU_EXEC_KICK, VGPU_EXEC_READY };
	const uint32_t self[] = { (uint32_t)getpid() };
	size_t i;

	filter->len = 0;
	emit_load(filter, offsetof(struct seccomp_data, arch));
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SECCOMP_ARCH, 1, 0));
	emit_return(filter, SECCOMP_RET_KILL_PROCESS);
	emit_load(filter, offsetof(struct seccomp_data, nr));
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FOREIGN_ABI_BIT, 0, 1));
	emit_return(filter, SECCOMP_RET_KILL_PROCESS);
	for (i = 0; i < sizeof(plain_calls) / sizeof(plain_calls[0]); i++)
		allow(filter, plain_calls[i]);
	if (socket_calls) {
		allow(filter, SYS_sendto);
		allow(filter, SYS_recvmsg);
	}
	if (driver)
		build_driver(filter);
	allow_unless_set(filter, SYS_mmap, 2, PROT_EXEC);
	allow_unless_set(filter, SYS_mprotect, 2, PROT_EXEC);
	allow_if_equal(filter, SYS_ioctl, 1, requests, 3);
	allow_if_equal(filter, SYS_tgkill, 0, self, 1);
	/* A driver tries what it can do without, files for the most part: it is told no. */
	emit_return(filter, driver ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_KILL_PROCESS);
}

/**
 * sandbox_seal() - second step: only the system calls that executing commands takes, in every thread
 * @socket_calls: the way to the mediator is a socket
 * @driver: a GPU's driver works in the process, through device files that it has open
 * @what: set to what failed
 *
 * Another system call ends the process with SIGSYS. Return: 0 or a negative errno. Context: after
 * sandbox_drop_privileges(), all threads started.
 */
int sandbox_seal(bool socket_calls, bool driver, const char **what)
{
	/* Standard descriptors stand; ppoll() refuses more entries than this. */
	const struct rlimit files = { STDERR_FILENO + 1, STDERR_FILENO + 1 };
	const struct rlimit none = { 0, 0 };
	struct filter filter;
	struct sock_fprog program;

	/* A driver makes event files and threads when it needs them; opening and forking the filter forbids. */
	*what = "forbid new files";
	if (!driver && setrlimit(RLIMIT_NOFILE, &files) < 0)
		return -errno;
	*what = "forbid new processes";
	if (!driver && setrlimit(RLIMIT_NPROC, &none) < 0)
		return -errno;
	build(&filter, socket_calls, driver);
	program.len = filter.len;
	program.filter = filter.code;
	*what = "filter system calls";
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program))
		return errno ? -errno : -EBUSY;
	return 0;
}
