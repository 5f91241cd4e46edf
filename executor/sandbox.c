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
 *
 * A GPU's driver in the process needs more. NVIDIA's opens its device nodes anew for what it maps, so files can still
 * be opened, but for reading and writing at once, which Landlock leaves to those nodes; without Landlock none can. Of
 * requests to devices it is the driver's kinds that pass, whatever the descriptor. What a driver tries and can do
 * without is refused, not punished.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../uapi/vgpu_executor.h"
#include "landlock.h"
#include "log.h"
#include "sandbox.h"

/*
 * User and group numbers of workers: this plus the process number, so that no two living workers share one. The range
 * is not used by systemd, by containers or by people.
 */
#define UID_BASE	0x70000000u

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
	static const int kinds[] = { CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWNET, CLONE_NEWCGROUP };
	unsigned int i;
	int ret = 0;

	if (geteuid() != 0 && unshare(CLONE_NEWUSER) < 0)
		return -errno;
	/* One by one: a kernel that was built without one kind (EINVAL) has the others. */
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (unshare(kinds[i]) < 0 && errno != EINVAL)
			ret = -errno;
	return ret;
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

/* Device nodes of a GPU's driver, and what it may take for one. */
static const char *const driver_nodes[] = { "/dev/nvidia*", "/dev/null", NULL };

/* Landlock holds: what can be opened for writing is the driver's. */
static bool files_bound;

static int bind_files(const char **what)
{
	int ret = landlock_keep_devices(driver_nodes);

	*what = "bind files to the driver's";
	if (ret == -EOPNOTSUPP) {
		log_warning("this kernel has no Landlock, or has it off (lsm=landlock,...): the GPU's driver can open nothing "
			    "once the worker is sealed, for which mappings of it may fail");
		return 0;
	}
	files_bound = !ret;
	return ret;
}

/**
 * sandbox_drop_privileges() - first step: namespaces, identity, capabilities, limits
 * @number: that no other worker has: its user's
 * @driver: a GPU's driver is to be started in the process: it looks at its own entries in /proc while it starts, and
 *	opens device nodes later
 * @what: set to what failed
 *
 * A process that is not root keeps its user. Return: 0 or a negative errno. Context: before any thread is started.
 */
int sandbox_drop_privileges(uint32_t number, bool driver, const char **what)
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
	/* A process that is not dumpable owns nothing of its /proc; nobody else has its user, and no guest is heard yet. */
	if (prctl(PR_SET_DUMPABLE, driver, 0, 0, 0) < 0)
		return -errno;
	return driver ? bind_files(what) : 0;
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
			   unsigned char num, uint32_t otherwise)
{
	unsigned char i;

	/* Not this call: over the load, @num pairs and the refusal. */
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 2 + 2 * num));
	emit_load(filter, argument(index));
	for (i = 0; i < num; i++) {
		emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, values[i], 0, 1));
		emit_return(filter, SECCOMP_RET_ALLOW);
	}
	emit_return(filter, otherwise);
}

static void allow_unless_set(struct filter *filter, uint32_t nr, unsigned int index, uint32_t bits, uint32_t otherwise)
{
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4));
	emit_load(filter, argument(index));
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
	emit_return(filter, otherwise);
	emit_return(filter, SECCOMP_RET_ALLOW);
}

static void allow_if_masked(struct filter *filter, uint32_t nr, unsigned int index, uint32_t mask, uint32_t value,
			    uint32_t otherwise)
{
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 5));
	emit_load(filter, argument(index));
	emit(filter, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
	emit_return(filter, SECCOMP_RET_ALLOW);
	emit_return(filter, otherwise);
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

/* What a GPU's driver does besides, in the process: it maps memory of its devices, starts threads and binds memory. */
static const uint32_t driver_calls[] = {
	SYS_close, SYS_fstat, SYS_newfstatat, SYS_lseek, SYS_pread64, SYS_fallocate, SYS_eventfd2, SYS_pipe2, SYS_dup,
	SYS_msync, SYS_mlock, SYS_munlock, SYS_mincore, SYS_mbind, SYS_get_mempolicy, SYS_membarrier,
	SYS_pselect6, SYS_epoll_create1, SYS_epoll_pwait, SYS_epoll_ctl,
	SYS_sched_setaffinity, SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_get_priority_max,
	SYS_sched_get_priority_min, SYS_setpriority, SYS_getpriority, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
	SYS_sysinfo, SYS_uname, SYS_times, SYS_getrusage, SYS_set_tid_address,
};

/*
 * Requests of NVIDIA's driver: _IOC_TYPE 'F' to its control and device nodes, and to nvidia-uvm plain numbers, of which
 * two are not small.
 */
#define RM_TYPE		'F'
#define UVM_LAST	0xffu
#define UVM_INITIALIZE	0x30000001u
#define UVM_DEINITIALIZE 0x30000002u

/* The mediator's own requests are looked at behind this. */
static void allow_driver_ioctls(struct filter *filter)
{
	const uint32_t numbers[] = { UVM_INITIALIZE, UVM_DEINITIALIZE };
	unsigned int i;

	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 11));
	emit_load(filter, argument(1));
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, UVM_LAST, 1, 0));
	emit_return(filter, SECCOMP_RET_ALLOW);
	for (i = 0; i < 2; i++) {
		emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[i], 0, 1));
		emit_return(filter, SECCOMP_RET_ALLOW);
	}
	emit(filter, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff00));
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RM_TYPE << 8, 0, 1));
	emit_return(filter, SECCOMP_RET_ALLOW);
	emit_load(filter, offsetof(struct seccomp_data, nr));
}

/* How an open() has to ask, for Landlock to have a say in it: O_PATH goes past it, O_CREAT has no business here. */
#define OPEN_FLAGS_SEEN	(O_ACCMODE | O_PATH | O_CREAT | (O_TMPFILE & ~O_DIRECTORY) | O_TRUNC)

static void build_driver(struct filter *filter)
{
	const uint32_t fcntls[] = { F_GETFD, F_SETFD, F_GETFL, F_DUPFD, F_DUPFD_CLOEXEC };
	const uint32_t prctls[] = { PR_SET_NAME };
	const uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
	size_t i;

	for (i = 0; i < sizeof(driver_calls) / sizeof(driver_calls[0]); i++)
		allow(filter, driver_calls[i]);
	/* Threads, no processes: clone3() hides its flags, and the C library goes without. */
	emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1));
	emit_return(filter, SECCOMP_RET_ERRNO | ENOSYS);
	allow_if_masked(filter, SYS_clone, 0, CLONE_THREAD, CLONE_THREAD, SECCOMP_RET_KILL_PROCESS);
	if (files_bound)
		allow_if_masked(filter, SYS_openat, 2, OPEN_FLAGS_SEEN, O_RDWR, SECCOMP_RET_ERRNO | EACCES);
	allow_if_equal(filter, SYS_fcntl, 1, fcntls, sizeof(fcntls) / sizeof(fcntls[0]), refuse);
	allow_if_equal(filter, SYS_prctl, 0, prctls, 1, refuse);
	allow_driver_ioctls(filter);
}

static void build(struct filter *filter, bool socket_calls, bool driver)
{
	const uint32_t requests[] = { VGPU_EXEC_WAIT, VGPU_EXEC_KICK, VGPU_EXEC_READY };
	const uint32_t self[] = { (uint32_t)getpid() };
	/* A driver tries what it can do without, files and code made at run time for the most part: it is told no. */
	const uint32_t otherwise = driver ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_KILL_PROCESS;
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
	allow_unless_set(filter, SYS_mmap, 2, PROT_EXEC, otherwise);
	allow_unless_set(filter, SYS_mprotect, 2, PROT_EXEC, otherwise);
	allow_if_equal(filter, SYS_ioctl, 1, requests, 3, otherwise);
	allow_if_equal(filter, SYS_tgkill, 0, self, 1, SECCOMP_RET_KILL_PROCESS);
	emit_return(filter, otherwise);
}

/**
 * sandbox_seal() - second step: only the system calls that executing commands takes, in every thread
 * @socket_calls: the way to the mediator is a socket
 * @driver: as sandbox_drop_privileges() was told
 * @what: set to what failed
 *
 * Another system call ends the process with SIGSYS; with a driver in it, the call fails. Return: 0 or a negative errno. Context: after
 * sandbox_drop_privileges(), all threads started.
 */
int sandbox_seal(bool socket_calls, bool driver, const char **what)
{
	/* Standard descriptors stand; ppoll() refuses more entries than this. */
	const struct rlimit files = { STDERR_FILENO + 1, STDERR_FILENO + 1 };
	const struct rlimit none = { 0, 0 };
	struct filter filter;
	struct sock_fprog program;

	*what = "forbid tracing";
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	/* A driver opens files and starts threads when it needs them; which, the filter says. */
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
