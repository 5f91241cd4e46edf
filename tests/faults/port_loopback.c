// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/faults/port.h"

static char name[64];
static int sock = -1, doorbell = -1;
static uint64_t aperture_size;

static int call(int fd, struct lb_msg *msg, int *fds, int num_fds)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = msg, .iov_len = sizeof(*msg) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg;

	if (send(fd, msg, sizeof(*msg), MSG_NOSIGNAL) != sizeof(*msg))
		return -EPIPE;
	if (recvmsg(fd, &header, MSG_CMSG_CLOEXEC) != sizeof(*msg))
		return -EPIPE;
	if (msg->error)
		return msg->error;
	if (!num_fds)
		return 0;
	cmsg = CMSG_FIRSTHDR(&header);
	if (!cmsg || cmsg->cmsg_len != CMSG_LEN(sizeof(int) * (size_t)num_fds))
		return -EPROTO;
	memcpy(fds, CMSG_DATA(cmsg), sizeof(int) * (size_t)num_fds);
	return 0;
}

static int connect_as(const char *vm)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct lb_msg msg = { .op = LB_GUEST_HELLO };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", getenv(LB_ENV_SOCKET));
	snprintf(msg.hello.vm, sizeof(msg.hello.vm), "%s", vm);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err = -errno;
	else
		err = call(fd, &msg, NULL, 0);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

static int loopback_attach(unsigned int vm)
{
	struct lb_msg msg = { .op = LB_GUEST_INFO };
	int fd, err;

	snprintf(name, sizeof(name), "vm%u", vm);
	fd = connect_as(name);
	if (fd < 0)
		return fd;
	err = call(fd, &msg, NULL, 0);
	aperture_size = msg.info.aperture_size;
	close(fd);
	return err;
}

static void loopback_detach(void)
{
}

static int loopback_begin(struct place *place)
{
	struct lb_msg msg = { .op = LB_GUEST_SESSION };
	int fds[3], err;
	char *queue;
	void *map;

	sock = connect_as(name);
	if (sock < 0)
		return sock;
	msg.session.session.sq_entries = QUEUE_ENTRIES;
	msg.session.session.cq_entries = QUEUE_ENTRIES;
	err = call(sock, &msg, fds, 3);
	if (err) {
		close(sock);
		return err == -EPERM ? -EAGAIN : err;
	}
	map = mmap(NULL, aperture_size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	err = map == MAP_FAILED ? -errno : 0;
	close(fds[0]);
	doorbell = fds[1];
	place->interrupt = fds[2];
	place->aperture = map;
	queue = (char *)map + msg.session.queue_offset;
	place->header = (void *)queue;
	place->sq = (void *)(queue + msg.session.session.sq_offset);
	place->cq = (void *)(queue + msg.session.session.cq_offset);
	msg = (struct lb_msg){ .op = LB_GUEST_RANGE, .range.len = RANGE_BYTES };
	if (!err)
		err = call(sock, &msg, NULL, 0);
	place->range = msg.range.offset;
	if (err) {
		if (map != MAP_FAILED)
			munmap(map, aperture_size);
		close(place->interrupt);
		close(doorbell);
		close(sock);
	}
	return err;
}

static void loopback_end(struct place *place)
{
	munmap(place->aperture, aperture_size);
	close(place->interrupt);
	close(doorbell);
	close(sock);
}

static void loopback_ring(void)
{
	uint64_t one = 1;

	if (write(doorbell, &one, sizeof(one)) < 0)
		perror("doorbell");
}

static pid_t loopback_worker(void)
{
	struct lb_msg msg = { .op = LB_WORKER };

	return call(sock, &msg, NULL, 0) ? 0 : msg.worker;
}

static int administer(struct lb_msg *msg)
{
	int fd = connect_as(name), err;

	if (fd < 0)
		return fd;
	err = call(fd, msg, NULL, 0);
	close(fd);
	return err;
}

static int loopback_limits(const struct lb_limits *limits)
{
	struct lb_msg msg = { .op = LB_SET_LIMITS, .limits = *limits };

	return administer(&msg);
}

static int loopback_policy(const struct lb_policy *policy)
{
	struct lb_msg msg = { .op = LB_SET_POLICY, .policy = *policy };

	return administer(&msg);
}

static int loopback_stats(unsigned int vm, struct lb_stats *stats)
{
	struct lb_msg msg = { .op = LB_STATS };
	char other[64];
	int fd, err;

	snprintf(other, sizeof(other), "vm%u", vm);
	fd = connect_as(other);
	if (fd < 0)
		return fd;
	err = call(fd, &msg, NULL, 0);
	*stats = msg.stats;
	close(fd);
	return err;
}

const struct port_ops loopback_port = {
	.attach = loopback_attach,
	.detach = loopback_detach,
	.begin = loopback_begin,
	.end = loopback_end,
	.ring = loopback_ring,
	.worker = loopback_worker,
	.limits = loopback_limits,
	.policy = loopback_policy,
	.stats = loopback_stats,
};
