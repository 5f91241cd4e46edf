// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "../../tests/loopback/loopback.h"
#include "log.h"
#include "port.h"

struct loopback_port {
	struct port port;
	pthread_mutex_t lock; /* one request on the socket at a time */
	int sock;
	int aperture;
	int doorbell;
	int interrupt;
	void *queue;
	size_t queue_size;
};

static struct loopback_port *loopback_port(struct port *port)
{
	return (struct loopback_port *)port;
}

/* Sends msg and receives its answer into it, with up to count descriptors. */
static int loopback_call(struct loopback_port *lb, struct lb_msg *msg, int *fds, int count)
{
	char control[CMSG_SPACE(4 * sizeof(int))]
		__attribute__((aligned(__alignof__(struct cmsghdr))));
	struct iovec iov = { .iov_base = msg, .iov_len = sizeof(*msg) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	uint32_t op = msg->op;
	struct cmsghdr *cmsg;
	int got = 0;
	ssize_t n;

	pthread_mutex_lock(&lb->lock);
	do
		n = send(lb->sock, msg, sizeof(*msg), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0) {
		hdr.msg_control = control;
		hdr.msg_controllen = sizeof(control);
		do
			n = recvmsg(lb->sock, &hdr, MSG_CMSG_CLOEXEC);
		while (n < 0 && errno == EINTR);
	}
	pthread_mutex_unlock(&lb->lock);
	if (n <= 0)
		return -ENODEV;
	for (cmsg = CMSG_FIRSTHDR(&hdr); cmsg; cmsg = CMSG_NXTHDR(&hdr, cmsg)) {
		int received = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (int i = 0; i < received; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
			if (got < count)
				fds[got++] = fd;
			else
				close(fd);
		}
	}
	if (msg->op != op || n != sizeof(*msg) || (!msg->error && got != count)) {
		log_line("loopback: operation %u was answered by %zd bytes of operation %u with %d descriptors",
			 op, n, msg->op, got);
		for (int i = 0; i < got; i++)
			close(fds[i]);
		return -EPROTO;
	}
	if (msg->error)
		for (int i = 0; i < got; i++)
			close(fds[i]);
	return msg->error;
}

static int loopback_info(struct port *port, struct vgpu_guest_info *info)
{
	struct lb_msg msg = { .op = LB_GUEST_INFO };
	int err = loopback_call(loopback_port(port), &msg, NULL, 0);

	*info = msg.info;
	return err;
}

static int loopback_session(struct port *port, uint32_t sq_entries, uint32_t cq_entries,
			    struct port_session *session)
{
	struct loopback_port *lb = loopback_port(port);
	struct lb_msg msg = { .op = LB_GUEST_SESSION };
	int fds[3], err;

	msg.session.session.sq_entries = sq_entries;
	msg.session.session.cq_entries = cq_entries;
	err = loopback_call(lb, &msg, fds, 3);
	if (err)
		return err;
	lb->aperture = fds[0];
	lb->doorbell = fds[1];
	lb->interrupt = fds[2];
	lb->queue_size = msg.session.session.queue_size;
	lb->queue = mmap(NULL, lb->queue_size, PROT_READ | PROT_WRITE, MAP_SHARED, lb->aperture,
			 msg.session.queue_offset);
	if (lb->queue == MAP_FAILED) {
		lb->queue = NULL;
		return -errno;
	}
	session->queue = lb->queue;
	session->sq_offset = msg.session.session.sq_offset;
	session->cq_offset = msg.session.session.cq_offset;
	return 0;
}

static int loopback_range(struct port *port, uint64_t len, uint64_t *offset)
{
	struct lb_msg msg = { .op = LB_GUEST_RANGE };
	int err;

	msg.range.len = len;
	err = loopback_call(loopback_port(port), &msg, NULL, 0);
	*offset = msg.range.offset;
	return err;
}

static void *loopback_map(struct port *port, uint64_t offset, uint64_t len, void *at)
{
	void *map = mmap(at, len, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0),
			 loopback_port(port)->aperture, offset);

	if (map != MAP_FAILED)
		madvise(map, len, MADV_DONTFORK);
	return map;
}

static void loopback_ring(struct port *port)
{
	uint64_t one = 1;

	while (write(loopback_port(port)->doorbell, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static int loopback_wait(struct port *port, int64_t timeout_ns)
{
	struct loopback_port *lb = loopback_port(port);
	struct timespec timeout = { .tv_sec = timeout_ns / 1000000000,
				    .tv_nsec = timeout_ns % 1000000000 };
	struct pollfd fds[2] = {
		{ .fd = lb->interrupt, .events = POLLIN },
		{ .fd = lb->sock,
		  .events = 0 }, /* its hang-up only: answers are for loopback_call() */
	};
	uint64_t count;
	int n;

	n = ppoll(fds, 2, timeout_ns < 0 ? NULL : &timeout, NULL);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (!n)
		return -ETIMEDOUT;
	if (fds[0].revents & POLLIN && read(lb->interrupt, &count, sizeof(count)) < 0 &&
	    errno != EAGAIN)
		return -errno;
	return 0;
}

static int loopback_state(struct port *port)
{
	struct lb_msg msg = { .op = LB_GUEST_STATE };
	int err = loopback_call(loopback_port(port), &msg, NULL, 0);

	return err ? err : (int)msg.state;
}

static void loopback_close(struct port *port)
{
	struct loopback_port *lb = loopback_port(port);

	if (lb->queue)
		munmap(lb->queue, lb->queue_size);
	if (lb->aperture >= 0)
		close(lb->aperture);
	if (lb->doorbell >= 0)
		close(lb->doorbell);
	if (lb->interrupt >= 0)
		close(lb->interrupt);
	close(lb->sock);
	pthread_mutex_destroy(&lb->lock);
	free(lb);
}

static const struct port_ops loopback_ops = {
	.info = loopback_info,
	.session = loopback_session,
	.range = loopback_range,
	.map = loopback_map,
	.ring = loopback_ring,
	.wait = loopback_wait,
	.state = loopback_state,
	.close = loopback_close,
};

/* Copies entry number ordinal of a list separated by commas. */
static int list_entry(const char *list, unsigned int ordinal, char *entry, size_t size)
{
	size_t len;

	for (;;) {
		len = strcspn(list, ",");
		if (!ordinal)
			break;
		if (!list[len])
			return -ENODEV;
		list += len + 1;
		ordinal--;
	}
	if (!len || len >= size) {
		log_line("%s: a name of %zu bytes; 1 to %zu are allowed", LB_ENV_VM, len, size - 1);
		return -EINVAL;
	}
	memcpy(entry, list, len);
	entry[len] = 0;
	return 0;
}

int port_loopback_open(unsigned int ordinal, struct port **port)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = getenv(LB_ENV_SOCKET);
	const char *names = getenv(LB_ENV_VM);
	struct lb_msg msg = { .op = LB_GUEST_HELLO };
	struct loopback_port *lb;
	int err;

	err = list_entry(names && *names ? names : "vm0", ordinal, msg.hello.vm,
			 sizeof(msg.hello.vm));
	if (err)
		return err;
	if (strlen(path) >= sizeof(addr.sun_path)) {
		log_line("%s: the path is longer than %zu bytes", LB_ENV_SOCKET,
			 sizeof(addr.sun_path) - 1);
		return -EINVAL;
	}
	strcpy(addr.sun_path, path);
	lb = calloc(1, sizeof(*lb));
	if (!lb)
		return -ENOMEM;
	lb->port.ops = &loopback_ops;
	lb->aperture = -1;
	lb->doorbell = -1;
	lb->interrupt = -1;
	pthread_mutex_init(&lb->lock, NULL);
	lb->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (lb->sock < 0 || connect(lb->sock, (struct sockaddr *)&addr, sizeof(addr))) {
		err = -errno;
		log_line("%s: cannot connect: %s; is vgpu-loopback running?", path, strerror(-err));
		if (lb->sock >= 0)
			close(lb->sock);
		free(lb);
		return err;
	}
	err = loopback_call(lb, &msg, NULL, 0);
	if (err) {
		loopback_close(&lb->port);
		return err;
	}
	*port = &lb->port;
	return 0;
}
