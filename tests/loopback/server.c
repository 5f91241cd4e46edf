// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server.h"

#define BATCH	32

/**
 * server_add() - have a descriptor served
 * @server: the daemon
 * @source: it
 *
 * Return: 0 or a negative errno.
 */
int server_add(struct server *server, struct source *source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, source->fd, &event) < 0 ? -errno : 0;
}

/**
 * server_remove() - serve a descriptor no longer
 * @server: the daemon
 * @source: it; may not have been added
 */
void server_remove(struct server *server, struct source *source)
{
	epoll_ctl(server->epoll, EPOLL_CTL_DEL, source->fd, NULL);
}

static void send_with_fds(struct conn *conn, const struct lb_msg *msg, const int *fds, int num_fds)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * MAX_FDS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = (void *)msg, .iov_len = sizeof(*msg) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (num_fds) {
		memset(&control, 0, sizeof(control));
		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)num_fds);
		cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)num_fds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * (size_t)num_fds);
	}
	/* A peer that does not read its answers loses them, and its connection with them. */
	if (sendmsg(conn->source.fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		shutdown(conn->source.fd, SHUT_RDWR);
}

/**
 * server_reply() - answer a request
 * @conn: that made it
 * @msg: the request, with what the answer fills in
 * @error: 0 or a negative errno
 * @fds: descriptors that go with it
 * @num_fds: of @fds
 */
void server_reply(struct conn *conn, struct lb_msg *msg, int error, const int *fds, int num_fds)
{
	msg->error = error;
	send_with_fds(conn, msg, fds, num_fds);
}

/**
 * server_send() - send what answers nothing
 * @conn: to whom
 * @msg: it
 */
void server_send(struct conn *conn, const struct lb_msg *msg)
{
	send_with_fds(conn, msg, NULL, 0);
}

static void close_conn(struct server *server, struct conn *conn)
{
	server_remove(server, &conn->source);
	list_del(&conn->node);
	if (conn->role == CONN_GUEST)
		vm_close(server, conn);
	exec_close(server, conn);
	close(conn->source.fd);
	free(conn);
}

static void serve_request(struct server *server, struct conn *conn, struct lb_msg *msg)
{
	switch (msg->op) {
	case LB_GUEST_HELLO:
		vm_hello(server, conn, msg);
		break;
	case LB_GUEST_INFO:
		vm_info(server, conn, msg);
		break;
	case LB_GUEST_SESSION:
		vm_session(server, conn, msg);
		break;
	case LB_GUEST_RANGE:
		vm_range(server, conn, msg);
		break;
	case LB_GUEST_STATE:
		vm_state(server, conn, msg);
		break;
	case LB_EXEC_ATTACH:
		exec_attach(server, conn, msg);
		break;
	case LB_EXEC_BIND:
		exec_bind(server, conn, msg);
		break;
	case LB_EXEC_READY:
		exec_ready(server, conn, msg);
		break;
	case LB_EXEC_SPAWN_FAILED:
		exec_spawn_failed(conn, msg);
		break;
	case LB_WORKER:
		admin_worker(conn, msg);
		break;
	case LB_SET_LIMITS:
		admin_limits(conn, msg);
		break;
	case LB_SET_POLICY:
		admin_policy(conn, msg);
		break;
	case LB_SET_METRICS:
		admin_metrics(server, conn, msg);
		break;
	case LB_STATS:
		vm_stats(server, conn, msg);
		break;
	default:
		server_reply(conn, msg, -ENOTTY, NULL, 0);
	}
}

static void conn_handle(struct server *server, struct source *source, uint32_t events)
{
	struct conn *conn = container_of(source, struct conn, source);
	struct lb_msg msg;
	ssize_t n;

	n = recv(source->fd, &msg, sizeof(msg), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !(events & (EPOLLHUP | EPOLLERR)))
		return;
	if (n != sizeof(msg) || conn->waiting)
		close_conn(server, conn);
	else
		serve_request(server, conn, &msg);
}

static void accept_handle(struct server *server, struct source *source, uint32_t events)
{
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct conn *conn;

	if (fd < 0)
		return;
	conn = calloc(1, sizeof(*conn));
	if (!conn) {
		close(fd);
		return;
	}
	conn->source.fd = fd;
	conn->source.handle = conn_handle;
	conn->slot = -1;
	conn->rings_fd = -1;
	conn->dispatch_fd = -1;
	conn->completion.fd = -1;
	conn->pidfd = -1;
	if (server_add(server, &conn->source)) {
		close(fd);
		free(conn);
		return;
	}
	list_add_tail(&conn->node, &server->conns);
}

/* What host operations took note of, until nothing is left. */
static void do_deferred(struct server *server)
{
	struct gpu *gpu;
	struct vm *vm;
	bool again;

	do {
		again = server->vms_noted;
		server->vms_noted = false;
		if (again)
			list_for_each_entry(vm, &server->vms, node)
				if (vm->reap || vm->config_raised)
					vm_collect(server, vm);
		list_for_each_entry(gpu, &server->gpus, node) {
			if (!gpu->has_event)
				continue;
			again = true;
			exec_send_events(gpu);
		}
	} while (again);
}

/**
 * server_step() - wait for something to happen and deal with it
 * @server: the daemon
 * @timeout_ms: longest wait, -1 for none
 */
void server_step(struct server *server, int timeout_ms)
{
	struct epoll_event events[BATCH];
	struct source *source;
	int n;

	do_deferred(server);
	/* One at a time: a handler may close others that are ready too. Level-triggered, they come again. */
	n = epoll_wait(server->epoll, events, 1, timeout_ms);
	if (n > 0) {
		source = events[0].data.ptr;
		source->handle(server, source, events[0].events);
	}
	do_deferred(server);
}

/**
 * server_init() - begin to listen
 * @server: to be set up
 * @options: policy
 * @path: of the socket
 *
 * Return: 0 or a negative errno.
 */
int server_init(struct server *server, const struct server_options *options, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memset(server, 0, sizeof(*server));
	server->options = *options;
	INIT_LIST_HEAD(&server->conns);
	INIT_LIST_HEAD(&server->gpus);
	INIT_LIST_HEAD(&server->vms);
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll < 0)
		return -errno;
	server->listener.handle = accept_handle;
	server->listener.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listener.fd < 0)
		return -errno;
	unlink(path);
	if (bind(server->listener.fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(server->listener.fd, SOMAXCONN) < 0)
		return -errno;
	return server_add(server, &server->listener);
}

/**
 * server_destroy() - end, whatever is connected
 * @server: set up
 */
void server_destroy(struct server *server)
{
	struct conn *conn, *next_conn;
	struct gpu *gpu, *next_gpu;
	struct vm *vm, *next_vm;

	list_for_each_entry_safe(conn, next_conn, &server->conns, node)
		close_conn(server, conn);
	do_deferred(server);
	if (!policy_record_end(server))
		fprintf(stderr, "vgpu-loopback: %s could not be written\n", server->options.record);
	list_for_each_entry_safe(vm, next_vm, &server->vms, node)
		vm_free(server, vm);
	list_for_each_entry_safe(gpu, next_gpu, &server->gpus, node)
		exec_free_gpu(server, gpu);
	close(server->listener.fd);
	close(server->epoll);
}
