// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * An executor that is late. Its workers do not start until they are told to. Or its worker takes a copy to the aperture and is killed, but what stands for its hardware,
 * a process of its own that holds the worker's connection, lives on and writes when it is told to. Run by
 * tests/loopback/run, beside the soft GPU.
 *
 *	guest ── daemon ──┬── supervisor (the test)
 *	                  └── worker ── hardware
 */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest.h"

#define GRANULE		(2ULL << 20)
#define DEVICE_BASE	(1ULL << 45)
#define APERTURE_BASE	(1ULL << 44)
#define LATE		0x5a5a5a5a5a5a5a5aULL
/* Workers that start at once: VGPU_STARTS of kmod/core/core.h. */
#define STARTS		4

/**
 * struct late - an executor
 * @supervisor: its connection
 * @orders: socket by which the worker, then the hardware, is told what to do, and says what it did
 * @worker: process
 */
struct late {
	int supervisor;
	int orders;
	pid_t worker;
};

static int connect_daemon(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", getenv(LB_ENV_SOCKET));
	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)))
		abort();
	return sock;
}

/* The roomiest GPU, so that the virtual GPU is made on it. */
static int attach(void)
{
	struct guest conn = { .sock = connect_daemon() };
	struct lb_msg msg = { .op = LB_EXEC_ATTACH };
	struct vgpu_exec_attach *attach = &msg.attach;

	attach->version = VGPU_EXEC_VERSION;
	strcpy(attach->name, "late0");
	attach->memory = 1ULL << 44;
	attach->granule = GRANULE;
	attach->info.version = VGPU_GPU_INFO_VERSION;
	attach->info.size = sizeof(attach->info);
	strcpy(attach->info.name, "late");
	call(&conn, &msg, NULL, 0);
	assert_int_equal(msg.error, 0);
	return conn.sock;
}

static void complete(struct vgpu_exec_rings *rings, int kick, const struct vgpu_dispatch *dispatch)
{
	uint32_t tail = rings->completion_tail;
	struct vgpu_completion *slot = &rings->completion[tail % VGPU_EXEC_RING_ENTRIES];
	uint64_t one = 1;

	slot->tag = dispatch->tag;
	slot->generation = dispatch->generation;
	slot->status = 0;
	slot->value = 0;
	__atomic_store_n(&rings->completion_tail, tail + 1, __ATOMIC_RELEASE);
	if (write(kick, &one, sizeof(one)) != sizeof(one))
		abort();
}

/* What the worker's end does not end: writes late when told 'w', goes when told 'x'. */
static void be_hardware(int orders, uint64_t *where)
{
	char order;

	while (read(orders, &order, 1) == 1 && order == 'w') {
		__atomic_store_n(where, LATE, __ATOMIC_SEQ_CST);
		if (write(orders, "d", 1) != 1)
			break;
	}
	_exit(0);
}

static void be_worker(int orders, uint64_t token, uint64_t aperture_size)
{
	struct guest conn = { .sock = connect_daemon() };
	struct lb_msg msg = { .op = LB_EXEC_BIND, .bind = { .token = token, .version = VGPU_EXEC_VERSION } };
	struct vgpu_exec_rings *rings;
	struct pollfd wait = { .events = POLLIN };
	uint32_t head = 0;
	uint64_t count;
	char *aperture;
	int fds[4];

	call(&conn, &msg, fds, 4);
	rings = mmap(NULL, sizeof(*rings), PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	aperture = mmap(NULL, aperture_size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[1], 0);
	msg = (struct lb_msg){ .op = LB_EXEC_READY,
			       .ready = { .device_base = DEVICE_BASE, .aperture_base = APERTURE_BASE } };
	call(&conn, &msg, NULL, 0);
	wait.fd = fds[2];
	for (;;) {
		struct vgpu_dispatch dispatch;

		if (__atomic_load_n(&rings->dispatch_tail, __ATOMIC_ACQUIRE) == head) {
			poll(&wait, 1, -1);
			if (read(wait.fd, &count, sizeof(count)) < 0)
				continue;
			continue;
		}
		dispatch = rings->dispatch[head++ % VGPU_EXEC_RING_ENTRIES];
		__atomic_store_n(&rings->dispatch_head, head, __ATOMIC_RELEASE);
		if (dispatch.kind == VGPU_DISPATCH_RANGE)
			continue;
		if (dispatch.cmd.opcode != VGPU_OP_COPY_OUT) {
			complete(rings, fds[3], &dispatch);
			continue;
		}
		if (!fork())
			be_hardware(orders, (void *)(aperture + dispatch.cmd.copy.dst));
		if (write(orders, "t", 1) != 1)
			abort();
		for (;;)
			pause();
	}
}

static void tell(struct late *late, char order)
{
	assert_int_equal(write(late->orders, &order, 1), 1);
}

static void hear(struct late *late, char expected)
{
	char said = 0;

	assert_int_equal(read(late->orders, &said, 1), 1);
	assert_int_equal(said, expected);
}

static int set_up(void **state)
{
	struct late *late = calloc(1, sizeof(*late));

	late->supervisor = attach();
	*state = late;
	return 0;
}

static int tear_down(void **state)
{
	struct late *late = *state;

	close(late->supervisor);
	free(late);
	return 0;
}

/* A session whose worker has taken a copy to the aperture. */
static void begin(struct late *late, struct guest *guest, uint64_t **payload)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_SESSION_INIT };
	struct lb_msg msg;
	int orders[2];

	guest_vm = "late";
	open_session(guest);
	cmd.init.out = guest->range;
	submit(guest, &cmd);
	assert_int_equal(recv(late->supervisor, &msg, sizeof(msg), 0), sizeof(msg));
	assert_int_equal(msg.op, LB_EXEC_EVENT);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, orders), 0);
	fflush(NULL);
	late->worker = fork();
	if (!late->worker) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(orders[0]);
		close(late->supervisor);
		close(guest->sock);
		be_worker(orders[1], msg.event.token, guest->aperture_size);
	}
	close(orders[1]);
	late->orders = orders[0];
	assert_int_equal(wait_completion(guest).status, VGPU_ST_OK);
	*payload = (void *)(guest->aperture + guest->range);
	**payload = 1;
	cmd = (struct vgpu_cmd){ .opcode = VGPU_OP_COPY_OUT, .stream = 1 };
	cmd.copy.dst = guest->range;
	cmd.copy.src = DEVICE_BASE;
	cmd.copy.width = 64;
	cmd.copy.height = 1;
	submit(guest, &cmd);
	hear(late, 't');
}

static bool is_complete(struct guest *guest)
{
	uint16_t phase = guest->head & ENTRIES ? 0 : 1;

	return __atomic_load_n(&guest->cq[guest->head % ENTRIES].phase, __ATOMIC_ACQUIRE) == phase;
}

/* The session is lost by nonsense in its queue; the kernel of the test kills the worker, which its hardware outlives. */
static void lose(struct late *late, struct guest *guest)
{
	struct lb_msg msg = { .op = LB_GUEST_STATE };
	uint64_t one = 1;
	int status;

	__atomic_store_n(&guest->queue->sq_tail, guest->tail + 1000, __ATOMIC_RELEASE);
	assert_int_equal(write(guest->doorbell, &one, sizeof(one)), sizeof(one));
	assert_int_equal(waitpid(late->worker, &status, 0), late->worker);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	call(guest, &msg, NULL, 0);
	assert_int_equal(msg.state, VGPU_SESSION_LOST);
	assert_false(is_complete(guest));
}

static void a_late_write_comes_before_its_completion(void **state)
{
	struct late *late = *state;
	struct guest guest;
	uint64_t *payload;

	begin(late, &guest, &payload);
	lose(late, &guest);
	tell(late, 'w');
	hear(late, 'd');
	assert_int_equal(*payload, LATE);
	assert_false(is_complete(&guest));
	tell(late, 'x');
	assert_int_equal(wait_completion(&guest).status, VGPU_ST_SESSION_LOST);
	assert_int_equal(*payload, LATE);
	close(late->orders);
	close_session(&guest);
}

/* It completes in the end, with other pages; what it wrote is not in them. */
static void a_worker_that_is_never_released(void **state)
{
	struct late *late = *state;
	struct guest guest;
	uint64_t *payload;

	begin(late, &guest, &payload);
	lose(late, &guest);
	tell(late, 'w');
	hear(late, 'd');
	assert_int_equal(wait_completion(&guest).status, VGPU_ST_SESSION_LOST);
	assert_int_equal(*payload, 0);
	tell(late, 'x');
	close(late->orders);
	close_session(&guest);
}

/* Reads what the daemon has told the supervisor so far: events, all of which it sends before it answers a request. */
static uint32_t count_events(struct late *late, uint64_t *tokens, uint32_t max)
{
	struct lb_msg msg = { .op = LB_EXEC_ATTACH };
	uint32_t num = 0;

	assert_int_equal(send(late->supervisor, &msg, sizeof(msg), 0), sizeof(msg));
	for (;;) {
		assert_int_equal(recv(late->supervisor, &msg, sizeof(msg), 0), sizeof(msg));
		if (msg.op != LB_EXEC_EVENT) {
			assert_int_equal(msg.error, -EBUSY);
			return num;
		}
		assert_true(num < max);
		tokens[num++] = msg.event.token;
	}
}

static pid_t start_worker(uint64_t token, uint64_t aperture_size)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Among them the guests': a session goes on as long as anybody has its connection. */
		if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0))
			abort();
		be_worker(-1, token, aperture_size);
	}
	return pid;
}

#define CROWD	(STARTS + 2)

static const char *const names[CROWD] = { "crowd0", "crowd1", "crowd2", "crowd3", "crowd4", "crowd5" };

/* Many sessions ask at once, and no worker starts soon: no more of them are begun, nobody is given up, all come to be. */
static void slow_workers_start_a_few_at_a_time(void **state)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_SESSION_INIT };
	struct late *late = *state;
	struct guest guests[CROWD];
	uint64_t tokens[CROWD];
	uint32_t i, told = 0;
	pid_t pids[CROWD];

	for (i = 0; i < CROWD; i++) {
		guest_vm = names[i];
		open_session(&guests[i]);
		cmd.init.out = guests[i].range;
		submit(&guests[i], &cmd);
		while (__atomic_load_n(&guests[i].queue->sq_head, __ATOMIC_ACQUIRE) != 1)
			;
	}
	for (i = 0; i < CROWD; i++) {
		told += count_events(late, tokens + told, CROWD - told);
		assert_int_equal(told, i + STARTS < CROWD ? i + STARTS : CROWD);
		assert_false(is_complete(&guests[i]));
		pids[i] = start_worker(tokens[i], guests[i].aperture_size);
		assert_int_equal(wait_completion(&guests[i]).status, VGPU_ST_OK);
	}
	for (i = 0; i < CROWD; i++) {
		close_session(&guests[i]);
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_workers_start_a_few_at_a_time),
		cmocka_unit_test(a_late_write_comes_before_its_completion),
		cmocka_unit_test(a_worker_that_is_never_released),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
