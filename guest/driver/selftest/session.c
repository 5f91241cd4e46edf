// SPDX-License-Identifier: GPL-2.0-only
// Copyright (c) vgpu authors
/* Checks of the description of the device, of sessions and of waiting. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "client.h"

static int errno_of(int ret)
{
	return ret < 0 ? errno : 0;
}

static struct vgpu_guest_info get_info(void)
{
	struct vgpu_guest_info info;
	int fd = client_open();

	EXPECT_TRUE(fd >= 0);
	EXPECT(errno_of(ioctl(fd, VGPU_GUEST_INFO, &info)), 0);
	close(fd);
	return info;
}

static void check_info(void)
{
	struct vgpu_guest_info info = get_info();
	struct stat st;

	EXPECT(info.version, VGPU_GUEST_VERSION);
	EXPECT(info.device_version >> 16, VGPU_VERSION_MAJOR);
	EXPECT(info.features & ~VGPU_F_ALL, 0);
	EXPECT(info.aperture_size % VGPU_PAGE_SIZE, 0);
	EXPECT(info.aperture_size, check_number("aperture_size"));
	EXPECT_TRUE(info.aperture_size > 0);
	EXPECT_TRUE(info.granule > 0 && !(info.granule & (info.granule - 1)));
	EXPECT_TRUE(info.memory_size > 0);
	EXPECT(info.memory_size % info.granule, 0);
	EXPECT(info.memory_size, info.gpu.memory);
	EXPECT_TRUE(info.status & VGPU_STATUS_DRIVER_OK);
	EXPECT_TRUE(info.status & VGPU_STATUS_GPU_READY);
	EXPECT(info.status & VGPU_STATUS_RESETTING, 0);
	EXPECT_TRUE(info.num_sessions >= 1 && info.num_sessions <= VGPU_MAX_SESSIONS);
	EXPECT_TRUE(info.queue_depth >= 1);
	EXPECT(info.gpu.version, VGPU_GPU_INFO_VERSION);
	EXPECT_TRUE(info.gpu.name[0]);
	EXPECT_TRUE(info.gpu.cc_major > 0);
	EXPECT_TRUE(info.gpu.num_attrs <= VGPU_NUM_ATTRS);
	check_note("%s, %llu MiB, aperture of %llu MiB, %u sessions", info.gpu.name,
		   (unsigned long long)info.memory_size >> 20,
		   (unsigned long long)info.aperture_size >> 20, info.num_sessions);

	EXPECT(stat(check_device, &st), 0);
	EXPECT(st.st_mode & 0777, 0660);
}

static void check_arguments(void)
{
	const __u32 wrong[] = { 0, 1, VGPU_QUEUE_MIN / 2, VGPU_QUEUE_MIN + 1,
				   VGPU_QUEUE_MAX * 2, UINT32_MAX };
	struct vgpu_guest_session session = { };
	struct vgpu_guest_wait wait = { };
	unsigned int i;
	__u64 offset;
	int fd = client_open();

	EXPECT_TRUE(fd >= 0);
	EXPECT(errno_of(ioctl(fd, _IO(VGPU_GUEST_MAGIC, 0x7f))), ENOTTY);
	EXPECT(errno_of(ioctl(fd, VGPU_GUEST_INFO, NULL)), EFAULT);
	EXPECT(errno_of(ioctl(fd, VGPU_GUEST_WAIT, &wait)), ENOTCONN);
	EXPECT(client_range(fd, VGPU_PAGE_SIZE, &offset), -ENOTCONN);
	EXPECT_TRUE(!client_map(fd, VGPU_GUEST_MMAP_QUEUE, VGPU_PAGE_SIZE));
	EXPECT(errno, ENOTCONN);

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		session.sq_entries = wrong[i];
		session.cq_entries = VGPU_QUEUE_MIN;
		EXPECT(errno_of(ioctl(fd, VGPU_GUEST_SESSION, &session)), EINVAL);
		session.sq_entries = VGPU_QUEUE_MIN;
		session.cq_entries = wrong[i];
		EXPECT(errno_of(ioctl(fd, VGPU_GUEST_SESSION, &session)), EINVAL);
	}
	session.cq_entries = VGPU_QUEUE_MIN;
	session.flags = 1;
	EXPECT(errno_of(ioctl(fd, VGPU_GUEST_SESSION, &session)), EINVAL);
	session.flags = 0;
	session.reserved[1] = 1;
	EXPECT(errno_of(ioctl(fd, VGPU_GUEST_SESSION, &session)), EINVAL);
	session.reserved[1] = 0;
	EXPECT(errno_of(ioctl(fd, VGPU_GUEST_SESSION, &session)), 0);
	EXPECT(errno_of(ioctl(fd, VGPU_GUEST_SESSION, &session)), EBUSY);

	wait.reserved = 1;
	EXPECT(errno_of(ioctl(fd, VGPU_GUEST_WAIT, &wait)), EINVAL);
	wait.reserved = 0;
	wait.timeout_ns = -2;
	EXPECT(errno_of(ioctl(fd, VGPU_GUEST_WAIT, &wait)), EINVAL);
	EXPECT(client_range(fd, 0, &offset), -EINVAL);
	EXPECT(client_range(fd, check_number("aperture_size") + 1, &offset), -ENOSPC);
	EXPECT(client_range(fd, UINT64_MAX, &offset), -ENOSPC);
	close(fd);
}

static void check_queue_sizes(void)
{
	struct vgpu_guest_session session;
	__u32 sq, cq;
	int fd;

	for (sq = VGPU_QUEUE_MIN; sq <= VGPU_QUEUE_MAX; sq *= 4) {
		for (cq = VGPU_QUEUE_MIN; cq <= VGPU_QUEUE_MAX; cq *= 16) {
			memset(&session, 0, sizeof(session));
			session.sq_entries = sq;
			session.cq_entries = cq;
			fd = client_open();
			EXPECT_TRUE(fd >= 0);
			EXPECT(errno_of(ioctl(fd, VGPU_GUEST_SESSION, &session)), 0);
			EXPECT(session.sq_offset, VGPU_PAGE_SIZE);
			EXPECT(session.cq_offset % VGPU_PAGE_SIZE, 0);
			EXPECT_TRUE(session.cq_offset >=
				    session.sq_offset + sq * sizeof(struct vgpu_cmd));
			EXPECT(session.queue_size % VGPU_PAGE_SIZE, 0);
			EXPECT_TRUE(session.queue_size >=
				    session.cq_offset + cq * sizeof(struct vgpu_cqe));
			close(fd);
		}
	}
}

static void initialise(struct client *client, struct vgpu_session_info **info)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_SESSION_INIT };
	struct vgpu_cqe cqe;
	__u64 offset;

	EXPECT(client_start(client), 0);
	EXPECT(client_range(client->fd, VGPU_PAGE_SIZE, &offset), 0);
	*info = client_map(client->fd, VGPU_GUEST_MMAP_APERTURE + offset, VGPU_PAGE_SIZE);
	EXPECT_TRUE(*info);
	cmd.init.out = offset;
	EXPECT(client_submit(client, &cmd), 0);
	EXPECT(client_wait(client, &cqe), 0);
	EXPECT(cqe.seq, 0);
	EXPECT(cqe.status, VGPU_ST_OK);
}

static void check_commands(void)
{
	struct vgpu_cmd fence = { .opcode = VGPU_OP_FENCE };
	struct vgpu_guest_info device = get_info();
	struct vgpu_session_info *info;
	struct client client;
	struct vgpu_cqe cqe;
	__u32 i;

	initialise(&client, &info);
	EXPECT_TRUE(info->device_base && info->device_size >= info->chunk_size);
	EXPECT(info->aperture_size, device.aperture_size);
	EXPECT(info->granule, device.granule);
	EXPECT_TRUE(info->aperture_base && !(info->aperture_base % VGPU_PAGE_SIZE));

	/* Three times round the queues, so that the phase bit changes. */
	for (i = 1; i < 3 * CLIENT_ENTRIES; i++) {
		EXPECT(client_submit(&client, &fence), i);
		EXPECT(client_wait(&client, &cqe), 0);
		EXPECT(cqe.seq, i);
		EXPECT(cqe.status, VGPU_ST_OK);
	}
	client_stop(&client);
}

static void check_bad_command(void)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_COUNT };
	struct vgpu_session_info *info;
	struct client client;
	struct vgpu_cqe cqe;

	initialise(&client, &info);
	EXPECT(client_submit(&client, &cmd), 1);
	EXPECT(client_wait(&client, &cqe), 0);
	EXPECT(cqe.status, VGPU_ST_BAD_OPCODE);
	cmd.opcode = VGPU_OP_FENCE;
	cmd.reserved1 = 1;
	client_submit(&client, &cmd);
	EXPECT(client_wait(&client, &cqe), 0);
	EXPECT(cqe.status, VGPU_ST_BAD_RESERVED);
	client_stop(&client);
}

static void check_poll(void)
{
	struct vgpu_cmd fence = { .opcode = VGPU_OP_FENCE };
	struct vgpu_session_info *info;
	struct client client;
	struct pollfd pollfd;
	struct vgpu_cqe cqe;

	initialise(&client, &info);
	pollfd.fd = client.fd;
	pollfd.events = POLLIN;
	/* All that came with the first command is taken note of. */
	while (!client_wait_interrupt(&client, 0))
		;
	EXPECT(poll(&pollfd, 1, 0), 0);

	__atomic_store_n(&client.header->cq_event, client.head, __ATOMIC_SEQ_CST);
	client_submit(&client, &fence);
	EXPECT(poll(&pollfd, 1, 60000), 1);
	EXPECT(pollfd.revents, POLLIN);
	EXPECT(client_wait_interrupt(&client, 0), 0);
	EXPECT(client_poll(&client, &cqe), 1);
	EXPECT(client_wait_interrupt(&client, 0), -ETIMEDOUT);
	EXPECT(poll(&pollfd, 1, 0), 0);
	client_stop(&client);
}

static void check_wait(void)
{
	struct client client;
	struct timespec before, after;

	EXPECT(client_start(&client), 0);
	EXPECT(client_wait_interrupt(&client, 0), -ETIMEDOUT);
	EXPECT(client.state, VGPU_SESSION_ACTIVE);
	EXPECT(client.count, 0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	EXPECT(client_wait_interrupt(&client, 20000000), -ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &after);
	EXPECT_TRUE((after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec -
		    before.tv_nsec >= 20000000);
	/* A count that was never reached is news at once. */
	client.count = 5;
	EXPECT(client_wait_interrupt(&client, -1), 0);
	EXPECT(client.count, 0);
	client_stop(&client);
}

static void ignore_signal(int signal)
{
	(void)signal;
}

static void check_wait_signal(void)
{
	struct sigaction action = { .sa_handler = ignore_signal };
	struct itimerspec often = { .it_value = { .tv_nsec = 10000000 },
				    .it_interval = { .tv_nsec = 10000000 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct client client;
	timer_t timer;

	EXPECT(client_start(&client), 0);
	EXPECT(sigaction(SIGUSR1, &action, NULL), 0);
	EXPECT(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	EXPECT(timer_settime(timer, 0, &often, NULL), 0);
	EXPECT(client_wait_interrupt(&client, CLIENT_TIMEOUT_NS), -EINTR);
	EXPECT(client_wait_interrupt(&client, -1), -EINTR);
	timer_delete(timer);
	client_stop(&client);
}

static void *wait_in_thread(void *data)
{
	struct client own = *(struct client *)data;

	return (void *)(intptr_t)client_wait_interrupt(&own, CLIENT_TIMEOUT_NS);
}

static void check_wait_threads(void)
{
	struct vgpu_cmd fence = { .opcode = VGPU_OP_FENCE };
	struct vgpu_session_info *info;
	struct client client;
	pthread_t threads[4];
	unsigned int i;
	void *ret;

	initialise(&client, &info);
	while (!client_wait_interrupt(&client, 0))
		;
	__atomic_store_n(&client.header->cq_event, client.head, __ATOMIC_SEQ_CST);
	for (i = 0; i < 4; i++)
		EXPECT(pthread_create(&threads[i], NULL, wait_in_thread, &client), 0);
	client_submit(&client, &fence);
	for (i = 0; i < 4; i++) {
		EXPECT(pthread_join(threads[i], &ret), 0);
		EXPECT((intptr_t)ret, 0);
	}
	client_stop(&client);
}

/* As many as the device allows; each round waits for the sessions of the last to be let go. */
static void check_all_sessions(void)
{
	struct vgpu_guest_session session;
	__u32 allowed = get_info().num_sessions, count, round;
	int fds[VGPU_MAX_SESSIONS], extra, ret;

	for (round = 0; round < 3; round++) {
		for (count = 0; count < allowed; count++) {
			fds[count] = client_open();
			EXPECT_TRUE(fds[count] >= 0);
			ret = client_session(fds[count], &session);
			if (ret == -ENOSPC && count)
				break;
			EXPECT(ret, 0);
			EXPECT_TRUE(session.session < allowed);
		}
		if (count == allowed) {
			extra = client_open();
			EXPECT_TRUE(extra >= 0);
			EXPECT(client_session(extra, &session), -EUSERS);
			close(extra);
		}
		while (count--)
			close(fds[count]);
	}
	check_until("sessions", 0);
}

static void check_killed(void)
{
	struct vgpu_session_info *info;
	struct client client;
	int ready[2], status;
	char byte;
	pid_t pid;

	EXPECT(pipe(ready), 0);
	pid = fork();
	EXPECT_TRUE(pid >= 0);
	if (!pid) {
		initialise(&client, &info);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			client_wait_interrupt(&client, -1);
	}
	close(ready[1]);
	EXPECT(read(ready[0], &byte, 1), 1);
	EXPECT(check_number("sessions"), 1);
	EXPECT(kill(pid, SIGKILL), 0);
	EXPECT(waitpid(pid, &status, 0), pid);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* Who waited for a process need not wait for what it had. */
	EXPECT(check_number("sessions"), 0);
	EXPECT(check_number("aperture_used"), 0);
}

const struct check session_checks[] = {
	{ "info", check_info },
	{ "arguments", check_arguments },
	{ "queue-sizes", check_queue_sizes },
	{ "commands", check_commands },
	{ "bad-command", check_bad_command },
	{ "poll", check_poll },
	{ "wait", check_wait },
	{ "wait-signal", check_wait_signal },
	{ "wait-threads", check_wait_threads },
	{ "all-sessions", check_all_sessions },
	{ "killed", check_killed },
	{ }
};
