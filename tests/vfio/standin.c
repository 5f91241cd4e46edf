// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vfio/standin.h"

struct request {
	uint64_t op;
	uint64_t a[4];
};

struct reply {
	int64_t result;
	uint64_t out[4];
	struct vgpu_dispatch dispatch;
};

/**
 * standin_describe() - a GPU as a supervisor tells of it
 * @attach: filled in
 * @name: of the GPU
 * @memory: bytes
 */
void standin_describe(struct vgpu_exec_attach *attach, const char *name, uint64_t memory)
{
	memset(attach, 0, sizeof(*attach));
	attach->version = VGPU_EXEC_VERSION;
	snprintf(attach->name, sizeof(attach->name), "%s", name);
	attach->memory = memory;
	attach->granule = STANDIN_GRANULE;
	attach->info.version = VGPU_GPU_INFO_VERSION;
	attach->info.size = sizeof(attach->info);
	snprintf(attach->info.name, sizeof(attach->info.name), "stand-in");
	attach->info.cc_major = 8;
	attach->info.cc_minor = 6;
	attach->info.driver_version = 12020;
	attach->info.num_attrs = 3;
	attach->info.attrs[1] = 1024;
	attach->info.attrs[2] = -5;
}

/**
 * standin_attach() - become a GPU's supervisor
 * @attach: what to say
 *
 * Return: the supervisor's file, or a negative errno.
 */
int standin_attach(const struct vgpu_exec_attach *attach)
{
	int fd = open(VGPU_EXEC_DEVICE, O_RDWR | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	if (!ioctl(fd, VGPU_EXEC_ATTACH, attach))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/**
 * standin_event() - wait for an event
 * @supervisor: file
 * @event: filled in
 *
 * Return: 0 or a negative errno, -ETIMEDOUT where none comes.
 */
int standin_event(int supervisor, struct vgpu_exec_event *event)
{
	struct pollfd p = { .fd = supervisor, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, STANDIN_PATIENCE_NS / 1000000) != 1)
		return -ETIMEDOUT;
	n = read(supervisor, event, sizeof(*event));
	if (n < 0)
		return -errno;
	return n == sizeof(*event) ? 0 : -EIO;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/**
 * mdev_create() - make a virtual GPU
 * @parent: name of the GPU's device
 * @type: e.g. "vgpu-1g"
 * @uuid: of the mdev
 *
 * Return: 0 or a negative errno.
 */
int mdev_create(const char *parent, const char *type, const char *uuid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/class/mdev_bus/%s/mdev_supported_types/%s/create", parent, type);
	return write_text(path, uuid);
}

/**
 * mdev_remove() - remove a virtual GPU
 * @uuid: of the mdev
 *
 * Return: 0 or a negative errno, when nobody uses it any more.
 */
int mdev_remove(const char *uuid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/remove", uuid);
	return write_text(path, "1");
}

bool mdev_exists(const char *uuid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s", uuid);
	return !access(path, F_OK);
}

/**
 * read_number() - the number in a file
 * @path: of the file
 *
 * Return: the number, or a negative errno.
 */
int64_t read_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? strtoll(text, NULL, 10) : -EIO;
}

uint64_t mdev_counter(const char *uuid, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/%s", uuid, name);
	return (uint64_t)read_number(path);
}

uint64_t gpu_counter(const char *gpu, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/class/vgpu/%s/%s", gpu, name);
	return (uint64_t)read_number(path);
}

/* What follows, up to puppet_main(), runs in the puppet's process. */

static int executor = -1;
static struct vgpu_exec_rings *rings;
static sigjmp_buf fault_jump;
static int ring_fd = -1;
static int fail_nth = -1;
static unsigned int allocations_left;	/* until one fails; 0 for never */
static struct {
	struct io_uring_params params;
	uint8_t *sq, *cq;
	struct io_uring_sqe *sqes;
} ring;

static void faulted(int signal)
{
	siglongjmp(fault_jump, 1);
}

static int64_t access_memory(uint64_t addr, uint64_t *value, bool write)
{
	volatile uint64_t *p = (volatile uint64_t *)(uintptr_t)addr;

	if (sigsetjmp(fault_jump, 1))
		return -EFAULT;
	if (write)
		*p = *value;
	else
		*value = *p;
	return 0;
}

static int64_t or_errno(long result)
{
	return result < 0 ? -errno : result;
}

static int64_t do_bind(const uint64_t *a, uint64_t *out)
{
	struct vgpu_exec_bind bind = { .token = a[0], .version = a[1], .flags = a[2] };

	if (ioctl(executor, VGPU_EXEC_BIND, &bind))
		return -errno;
	out[0] = bind.generation;
	out[1] = bind.session;
	out[2] = bind.aperture_size;
	out[3] = bind.memory;
	return 0;
}

static int64_t do_ready(const uint64_t *a)
{
	struct vgpu_exec_ready ready = { .device_base = a[0], .aperture_base = a[1], .status = a[2] };

	ready.reserved[1] = a[3];
	return or_errno(ioctl(executor, VGPU_EXEC_READY, &ready));
}

static int64_t do_wait(const uint64_t *a, uint64_t *out)
{
	struct vgpu_exec_wait wait = { .timeout_ns = a[0], .consumed = a[1] };

	if (ioctl(executor, VGPU_EXEC_WAIT, &wait))
		return -errno;
	out[0] = wait.tail;
	return 0;
}

static void *wait_long(void *consumed)
{
	struct vgpu_exec_wait wait;
	int err;

	do {
		wait.timeout_ns = STANDIN_PATIENCE_NS;
		wait.consumed = *(uint32_t *)consumed;
		err = ioctl(executor, VGPU_EXEC_WAIT, &wait);
	} while (err && errno == EBUSY);
	__atomic_store_n((uint32_t *)consumed, ~0U, __ATOMIC_RELEASE);
	return NULL;
}

/* Until the other thread is in its call, or had enough of it. */
static int64_t do_wait_beside(const uint64_t *a)
{
	struct vgpu_exec_wait wait;
	static uint32_t consumed;
	pthread_t thread;

	consumed = (uint32_t)a[0];
	if (pthread_create(&thread, NULL, wait_long, &consumed))
		return -EAGAIN;
	pthread_detach(thread);
	do {
		wait.timeout_ns = 0;
		wait.consumed = (uint32_t)a[0];
		if (ioctl(executor, VGPU_EXEC_WAIT, &wait))
			return -errno;
	} while (__atomic_load_n(&consumed, __ATOMIC_ACQUIRE) != ~0U);
	return 0;
}

static int64_t do_map(const uint64_t *a, uint64_t *out)
{
	void *addr = mmap(NULL, a[1], (int)a[2], (int)a[3], executor, (off_t)a[0]);

	if (addr == MAP_FAILED)
		return -errno;
	out[0] = (uintptr_t)addr;
	return 0;
}

static int64_t do_complete(const uint64_t *a)
{
	uint32_t tail = rings->completion_tail;
	struct vgpu_completion *c = &rings->completion[tail % VGPU_EXEC_RING_ENTRIES];

	c->tag = a[0];
	c->generation = a[1];
	c->status = a[2];
	c->value = a[3];
	__atomic_store_n(&rings->completion_tail, tail + 1, __ATOMIC_RELEASE);
	return 0;
}

static int64_t in_child(int64_t (*what)(uint64_t), uint64_t argument)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(-(int)what(argument));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

static int64_t kick(uint64_t unused)
{
	return or_errno(ioctl(executor, VGPU_EXEC_KICK));
}

static int64_t peek(uint64_t addr)
{
	uint64_t value;

	return access_memory(addr, &value, false);
}

static int64_t do_pin(const uint64_t *a)
{
	struct iovec buffer = { (void *)(uintptr_t)a[0], a[1] };
	struct io_uring_params *params = &ring.params;

	memset(params, 0, sizeof(*params));
	ring_fd = (int)syscall(__NR_io_uring_setup, 1, params);
	if (ring_fd < 0)
		return -errno;
	ring.sq = mmap(NULL, params->sq_off.array + params->sq_entries * sizeof(uint32_t),
		       PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, IORING_OFF_SQ_RING);
	ring.cq = mmap(NULL, params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe),
		       PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, IORING_OFF_CQ_RING);
	ring.sqes = mmap(NULL, params->sq_entries * sizeof(struct io_uring_sqe),
			 PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, IORING_OFF_SQES);
	if (ring.sq == MAP_FAILED || ring.cq == MAP_FAILED || ring.sqes == MAP_FAILED)
		return -errno;
	return or_errno(syscall(__NR_io_uring_register, ring_fd, IORING_REGISTER_BUFFERS, &buffer, 1));
}

/* A pipe is read into the pinned pages, wherever the page table points by now. */
static int64_t do_dma(const uint64_t *a)
{
	uint32_t *tail = (uint32_t *)(ring.sq + ring.params.sq_off.tail);
	uint32_t mask = *(uint32_t *)(ring.sq + ring.params.sq_off.ring_mask);
	uint32_t *array = (uint32_t *)(ring.sq + ring.params.sq_off.array);
	uint32_t *head = (uint32_t *)(ring.cq + ring.params.cq_off.head);
	struct io_uring_cqe *cqes = (struct io_uring_cqe *)(ring.cq + ring.params.cq_off.cqes);
	struct io_uring_sqe *sqe = &ring.sqes[*tail & mask];
	int64_t result;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) || write(fds[1], &a[1], sizeof(a[1])) != sizeof(a[1]))
		return -errno;
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_READ_FIXED;
	sqe->fd = fds[0];
	sqe->addr = a[0];
	sqe->len = sizeof(a[1]);
	array[*tail & mask] = *tail & mask;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(__NR_io_uring_enter, ring_fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	result = cqes[*head & (ring.params.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	close(fds[0]);
	close(fds[1]);
	return result == sizeof(a[1]) ? 0 : result;
}

/* Has the allocation that is asked for fail, among those that follow. */
static void arm(void)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", allocations_left);

	if (allocations_left && pwrite(fail_nth, text, (size_t)n, 0) != n)
		_exit(1);
}

/* No allocation fails until arm() is called again: talking to the parent takes some. */
static void disarm(void)
{
	char text[16] = "";

	if (!allocations_left)
		return;
	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 1 || pwrite(fail_nth, "0", 1, 0) != 1)
		_exit(1);
	allocations_left = (unsigned int)atoi(text);
}

static int64_t has_failed(void)
{
	int64_t failed = !allocations_left;

	allocations_left = 0;
	return failed;
}

/* Goes on in a child. */
static void leave(void)
{
	if (fork())
		for (;;)
			pause();
}

static int64_t execute(const struct request *request, struct reply *reply)
{
	const uint64_t *a = request->a;
	void *addr = (void *)(uintptr_t)a[0];
	uint64_t value = a[1];

	switch ((enum puppet_op)request->op) {
	case PUPPET_OPEN:
		executor = open(VGPU_EXEC_DEVICE, O_RDWR | O_CLOEXEC);
		return executor < 0 ? -errno : 0;
	case PUPPET_CLOSE:
		if (rings)
			munmap(rings, sizeof(*rings));
		rings = NULL;
		return or_errno(close(executor));
	case PUPPET_BIND:
		return do_bind(a, reply->out);
	case PUPPET_READY:
		return do_ready(a);
	case PUPPET_WAIT:
		return do_wait(a, reply->out);
	case PUPPET_WAIT_BESIDE:
		return do_wait_beside(a);
	case PUPPET_KICK:
		return kick(0);
	case PUPPET_RINGS:
		rings = mmap(NULL, sizeof(*rings), PROT_READ | PROT_WRITE, MAP_SHARED, executor,
			     VGPU_EXEC_MMAP_RINGS);
		if (rings != MAP_FAILED)
			return 0;
		rings = NULL;
		return -errno;
	case PUPPET_FETCH:
		reply->dispatch = rings->dispatch[a[0] % VGPU_EXEC_RING_ENTRIES];
		return 0;
	case PUPPET_CONSUME:
		__atomic_store_n(&rings->dispatch_head, (uint32_t)a[0], __ATOMIC_RELEASE);
		return 0;
	case PUPPET_COMPLETE:
		return do_complete(a);
	case PUPPET_SET_TAIL:
		__atomic_store_n(&rings->completion_tail, (uint32_t)a[0], __ATOMIC_RELEASE);
		return 0;
	case PUPPET_MAP:
		return do_map(a, reply->out);
	case PUPPET_UNMAP:
		return or_errno(munmap(addr, a[1]));
	case PUPPET_PEEK:
		return access_memory(a[0], &reply->out[0], false);
	case PUPPET_POKE:
		return access_memory(a[0], &value, true);
	case PUPPET_REMAP_FILE_PAGES:
		return or_errno(syscall(__NR_remap_file_pages, addr, a[1], 0, a[2], 0));
	case PUPPET_MREMAP:
		addr = mremap(addr, a[1], a[2], MREMAP_MAYMOVE);
		return addr == MAP_FAILED ? -errno : 0;
	case PUPPET_MPROTECT:
		return or_errno(mprotect(addr, a[1], (int)a[2]));
	case PUPPET_MADVISE:
		return or_errno(madvise(addr, a[1], (int)a[2]));
	case PUPPET_CHILD_KICK:
		return in_child(kick, 0);
	case PUPPET_CHILD_PEEK:
		return in_child(peek, a[0]);
	case PUPPET_PIN:
		return do_pin(a);
	case PUPPET_DMA:
		return do_dma(a);
	case PUPPET_UNPIN:
		return or_errno(close(ring_fd));
	case PUPPET_FAIL_NTH:
		if (fail_nth < 0)
			fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
		allocations_left = (unsigned int)a[0];
		return fail_nth < 0 ? -errno : 0;
	case PUPPET_HAS_FAILED:
		return has_failed();
	case PUPPET_LEAVE_FILE:
		leave();
		return 0;
	case PUPPET_LEAVE_PIN:
		leave();
		munmap(rings, sizeof(*rings));
		return or_errno(close(executor));
	}
	return -ENOSYS;
}

static void puppet_main(int sock)
{
	struct sigaction action = { .sa_handler = faulted };
	struct request request;
	struct reply reply;
	bool armed;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	while (read(sock, &request, sizeof(request)) == sizeof(request)) {
		memset(&reply, 0, sizeof(reply));
		armed = request.op != PUPPET_HAS_FAILED;
		if (armed)
			arm();
		reply.result = execute(&request, &reply);
		if (armed && request.op != PUPPET_FAIL_NTH)
			disarm();
		if (write(sock, &reply, sizeof(reply)) != sizeof(reply))
			break;
	}
	_exit(0);
}

/**
 * puppet_start() - make a puppet
 * @puppet: that is not running
 */
void puppet_start(struct puppet *puppet)
{
	int socks[2];

	memset(puppet, 0, sizeof(*puppet));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks))
		abort();
	fflush(NULL);
	puppet->pid = fork();
	if (!puppet->pid) {
		close(socks[0]);
		/* A copy of the supervisor's or the client's file would keep it open. */
		syscall(__NR_close_range, 3, socks[1] - 1, 0);
		syscall(__NR_close_range, socks[1] + 1, ~0U, 0);
		puppet_main(socks[1]);
	}
	close(socks[1]);
	puppet->sock = socks[0];
}

/**
 * puppet_call() - have a puppet do something
 * @puppet: that is running
 * @op: what
 * @a0: first argument
 * @a1: second
 * @a2: third
 * @a3: fourth
 *
 * Return: as @op defines; -EPIPE if the puppet is dead.
 */
int64_t puppet_call(struct puppet *puppet, enum puppet_op op, uint64_t a0, uint64_t a1, uint64_t a2,
		    uint64_t a3)
{
	struct request request = { op, { a0, a1, a2, a3 } };
	struct reply reply;

	if (send(puppet->sock, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request) ||
	    read(puppet->sock, &reply, sizeof(reply)) != sizeof(reply))
		return -EPIPE;
	memcpy(puppet->out, reply.out, sizeof(puppet->out));
	puppet->dispatch = reply.dispatch;
	return reply.result;
}

/**
 * puppet_kill() - end a puppet, if it runs
 * @puppet: any
 */
void puppet_kill(struct puppet *puppet)
{
	if (!puppet->pid)
		return;
	kill(puppet->pid, SIGKILL);
	close(puppet->sock);
	/* It may have left a child, which ends when the socket does and is then the caller's. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	puppet->pid = 0;
}

/**
 * puppet_wait_killed() - wait for the kernel to kill a puppet
 * @puppet: that is running
 *
 * Return: false if it ended otherwise, or not at all.
 */
bool puppet_wait_killed(struct puppet *puppet)
{
	struct pollfd p = { .fd = puppet->sock, .events = POLLIN };
	int status;

	/* The socket hangs up when the process ends. */
	if (poll(&p, 1, STANDIN_PATIENCE_NS / 1000000) != 1)
		return false;
	waitpid(puppet->pid, &status, 0);
	close(puppet->sock);
	puppet->pid = 0;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/**
 * puppet_serve() - become the worker of the session that the supervisor is told of next
 * @puppet: not running
 * @supervisor: file
 *
 * Return: 0 or a negative errno.
 */
int puppet_serve(struct puppet *puppet, int supervisor)
{
	struct vgpu_exec_event event;
	int64_t err;

	err = standin_event(supervisor, &event);
	if (err)
		return (int)err;
	puppet_start(puppet);
	err = puppet_call(puppet, PUPPET_OPEN, 0, 0, 0, 0);
	if (!err)
		err = puppet_call(puppet, PUPPET_BIND, event.token, VGPU_EXEC_VERSION, 0, 0);
	puppet->generation = puppet->out[0];
	if (!err)
		err = puppet_call(puppet, PUPPET_RINGS, 0, 0, 0, 0);
	if (!err)
		err = puppet_call(puppet, PUPPET_READY, STANDIN_DEVICE_BASE, STANDIN_APERTURE_BASE, 0, 0);
	return (int)err;
}

/**
 * puppet_next() - wait for the next dispatch entry and consume it
 * @puppet: a worker
 * @dispatch: filled in
 *
 * Return: 0 or a negative errno, -ETIMEDOUT where none comes.
 */
int puppet_next(struct puppet *puppet, struct vgpu_dispatch *dispatch)
{
	int64_t err = puppet_call(puppet, PUPPET_WAIT, STANDIN_PATIENCE_NS, puppet->consumed, 0, 0);

	if (err)
		return (int)err;
	if (puppet->out[0] == puppet->consumed)
		return -ETIMEDOUT;
	puppet_call(puppet, PUPPET_FETCH, puppet->consumed, 0, 0, 0);
	*dispatch = puppet->dispatch;
	puppet->consumed++;
	return (int)puppet_call(puppet, PUPPET_CONSUME, puppet->consumed, 0, 0, 0);
}

/**
 * puppet_complete() - complete a dispatched command and say so
 * @puppet: a worker
 * @dispatch: the command
 * @status: CUresult
 * @value: as the opcode defines
 *
 * Return: 0 or a negative errno.
 */
int puppet_complete(struct puppet *puppet, const struct vgpu_dispatch *dispatch, uint32_t status,
		    uint64_t value)
{
	puppet_call(puppet, PUPPET_COMPLETE, dispatch->tag, dispatch->generation, status, value);
	return (int)puppet_call(puppet, PUPPET_KICK, 0, 0, 0, 0);
}
