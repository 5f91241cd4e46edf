// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * The loopback daemon's socket, tests/loopback/loopback.h.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../tests/loopback/loopback.h"
#include "port.h"

/* Consumed entries that the daemon is not told of at once; less than the ring's free part in all of its states. */
#define UNTOLD_MAX	(VGPU_EXEC_RING_ENTRIES / 4)

enum bind_fd {
	BIND_FD_RINGS,
	BIND_FD_APERTURE,
	BIND_FD_DISPATCH,
	BIND_FD_COMPLETION,
	BIND_FD_COUNT
};

/**
 * struct loopback - a connection
 * @port: its public part
 * @rings: mapped
 * @told: dispatch entries consumed, as the daemon was last told
 * @fds: of the answer to LB_EXEC_BIND
 */
struct loopback {
	struct port port;
	struct vgpu_exec_rings *rings;
	uint32_t told;
	int fds[BIND_FD_COUNT];
};

static struct loopback *to_loopback(struct port *port)
{
	return (struct loopback *)((char *)port - offsetof(struct loopback, port));
}

static int send_request(int fd, const struct lb_msg *msg)
{
	ssize_t n;

	do {
		n = send(fd, msg, sizeof(*msg), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EPIPE || errno == ECONNRESET ? -ENODEV : -errno;
	return 0;
}

static int receive(int fd, struct lb_msg *msg, int *fds, int num_fds, int flags)
{
	char control[CMSG_SPACE(sizeof(int) * BIND_FD_COUNT)];
	struct iovec iov = { .iov_base = msg, .iov_len = sizeof(*msg) };
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = num_fds ? control : NULL,
		.msg_controllen = num_fds ? sizeof(control) : 0,
	};
	struct cmsghdr *cmsg;
	ssize_t n;
	int got;

	do {
		n = recvmsg(fd, &header, MSG_CMSG_CLOEXEC | flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -ENODEV : -errno;
	if (n == 0)
		return -ENODEV;
	if (n != sizeof(*msg))
		return -EPROTO;
	cmsg = num_fds ? CMSG_FIRSTHDR(&header) : NULL;
	if (!cmsg)
		return 0;
	if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	got = (int)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(cmsg), sizeof(int) * (size_t)got);
	return got == num_fds ? 0 : -EPROTO;
}

static int transact(struct port *port, struct lb_msg *msg, int *fds, int num_fds)
{
	uint32_t op = msg->op;
	int ret = send_request(port->fd, msg);

	if (!ret)
		ret = receive(port->fd, msg, fds, num_fds, 0);
	if (ret)
		return ret;
	return msg->op == op ? msg->error : -EPROTO;
}

static int loopback_attach(struct port *port, const struct vgpu_exec_attach *attach)
{
	struct lb_msg msg = { .op = LB_EXEC_ATTACH, .attach = *attach };

	return transact(port, &msg, NULL, 0);
}

static int loopback_read_event(struct port *port, struct vgpu_exec_event *event)
{
	struct lb_msg msg;
	int ret = receive(port->fd, &msg, NULL, 0, MSG_DONTWAIT);

	if (ret)
		return ret;
	if (msg.op != LB_EXEC_EVENT)
		return -EPROTO;
	*event = msg.event;
	return 0;
}

static int loopback_spawn_failed(struct port *port, uint64_t token, uint32_t status)
{
	struct lb_msg msg = { .op = LB_EXEC_SPAWN_FAILED, .spawn_failed = { .token = token, .status = status } };

	return send_request(port->fd, &msg);
}

static int loopback_bind(struct port *port, struct vgpu_exec_bind *bind)
{
	struct loopback *loopback = to_loopback(port);
	struct lb_msg msg = { .op = LB_EXEC_BIND, .bind = *bind };
	int ret = transact(port, &msg, loopback->fds, BIND_FD_COUNT);

	if (ret)
		return ret;
	if (loopback->fds[BIND_FD_COUNT - 1] < 0)
		return -EPROTO;
	*bind = msg.bind;
	return 0;
}

static struct vgpu_exec_rings *loopback_map_rings(struct port *port)
{
	struct loopback *loopback = to_loopback(port);
	void *rings = mmap(NULL, sizeof(struct vgpu_exec_rings), PROT_READ | PROT_WRITE, MAP_SHARED,
			   loopback->fds[BIND_FD_RINGS], 0);

	if (rings == MAP_FAILED)
		return NULL;
	loopback->rings = rings;
	return rings;
}

static int loopback_map_aperture(struct port *port, void *addr, uint64_t offset, uint64_t len)
{
	void *at = mmap(addr, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			to_loopback(port)->fds[BIND_FD_APERTURE], (off_t)offset);

	return at == MAP_FAILED ? -errno : 0;
}

static int loopback_ready(struct port *port, const struct vgpu_exec_ready *ready)
{
	struct lb_msg msg = { .op = LB_EXEC_READY, .ready = *ready };

	return transact(port, &msg, NULL, 0);
}

static int loopback_kick(struct port *port)
{
	uint64_t one = 1;
	ssize_t n;

	do {
		n = write(to_loopback(port)->fds[BIND_FD_COMPLETION], &one, sizeof(one));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int loopback_wait(struct port *port, uint32_t consumed, uint64_t timeout_ns, uint32_t *tail)
{
	struct loopback *loopback = to_loopback(port);
	struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / 1000000000),
		.tv_nsec = (long)(timeout_ns % 1000000000),
	};
	struct pollfd fds[2] = {
		{ .fd = loopback->fds[BIND_FD_DISPATCH], .events = POLLIN },
		{ .fd = port->fd, .events = POLLIN },
	};
	uint64_t count;
	int ret;

	if (consumed - loopback->told >= UNTOLD_MAX) {
		loopback->told = consumed;
		ret = loopback_kick(port);
		if (ret)
			return ret;
	}
	for (;;) {
		*tail = __atomic_load_n(&loopback->rings->dispatch_tail, __ATOMIC_ACQUIRE);
		if (*tail != consumed)
			return 0;
		ret = ppoll(fds, 2, &timeout, NULL);
		if (ret < 0 && errno != EINTR)
			return -errno;
		if (ret == 0)
			return -ETIMEDOUT;
		if (ret < 0)
			continue;
		/* The daemon sends a worker nothing that it did not ask for: readable is the end. */
		if (fds[1].revents)
			return -ENODEV;
		if (read(fds[0].fd, &count, sizeof(count)) < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

static void loopback_close(struct port *port)
{
	struct loopback *loopback = to_loopback(port);
	int i;

	for (i = 0; i < BIND_FD_COUNT; i++) {
		if (loopback->fds[i] >= 0)
			close(loopback->fds[i]);
	}
	if (loopback->rings)
		munmap(loopback->rings, sizeof(*loopback->rings));
	close(port->fd);
	free(loopback);
}

static const struct port_ops loopback_ops = {
	.attach = loopback_attach,
	.read_event = loopback_read_event,
	.spawn_failed = loopback_spawn_failed,
	.bind = loopback_bind,
	.map_rings = loopback_map_rings,
	.map_aperture = loopback_map_aperture,
	.ready = loopback_ready,
	.wait = loopback_wait,
	.kick = loopback_kick,
	.close = loopback_close,
};

/**
 * port_loopback_open() - connect to a loopback daemon
 * @path: of its socket
 * @port: set on success
 *
 * Return: 0 or a negative errno.
 */
int port_loopback_open(const char *path, struct port **port)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct loopback *loopback;
	int error, i;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	loopback = calloc(1, sizeof(*loopback));
	if (!loopback)
		return -ENOMEM;
	loopback->port.ops = &loopback_ops;
	for (i = 0; i < BIND_FD_COUNT; i++)
		loopback->fds[i] = -1;
	loopback->port.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (loopback->port.fd < 0) {
		error = errno;
		free(loopback);
		return -error;
	}
	if (connect(loopback->port.fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		error = errno;
		loopback_close(&loopback->port);
		return -error;
	}
	*port = &loopback->port;
	return 0;
}
