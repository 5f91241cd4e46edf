// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * Supervisors and workers, in place of /dev/vgpu-executor.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "server.h"

static struct gpu *find_gpu(struct server *server, const char *name)
{
	struct gpu *gpu;

	list_for_each_entry(gpu, &server->gpus, node) {
		if (!strcmp(gpu->core.attach.name, name))
			return gpu;
	}
	return NULL;
}

static struct gpu *make_gpu(struct server *server, const struct vgpu_exec_attach *attach)
{
	struct gpu *gpu = calloc(1, sizeof(*gpu));

	if (!gpu)
		return NULL;
	gpu->server = server;
	gpu->tick.handle = host_tick_handle;
	gpu->tick.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (gpu->tick.fd < 0 || server_add(server, &gpu->tick) ||
	    vgpu_gpu_init(&gpu->core, attach, &host_ops, gpu)) {
		if (gpu->tick.fd >= 0)
			close(gpu->tick.fd);
		free(gpu);
		return NULL;
	}
	list_add_tail(&gpu->node, &server->gpus);
	vgpu_gpu_set_policy(&gpu->core, &server->options.policy);
	if (policy_record(server, gpu))
		fprintf(stderr, "vgpu-loopback: %s: %s\n", server->options.record, strerror(errno));
	return gpu;
}

/**
 * exec_free_gpu() - end of a GPU without virtual GPUs
 * @server: the daemon
 * @gpu: its supervisor has gone
 */
void exec_free_gpu(struct server *server, struct gpu *gpu)
{
	list_del(&gpu->node);
	server_remove(server, &gpu->tick);
	close(gpu->tick.fd);
	vgpu_gpu_destroy(&gpu->core);
	free(gpu);
}

/**
 * exec_attach() - LB_EXEC_ATTACH
 * @server: the daemon
 * @conn: new
 * @msg: the request; answered
 */
void exec_attach(struct server *server, struct conn *conn, struct lb_msg *msg)
{
	const char *why = "out of memory";
	struct gpu *gpu;
	int err;

	if (conn->role != CONN_NEW) {
		server_reply(conn, msg, -EBUSY, NULL, 0);
		return;
	}
	err = vgpu_attach_check(&msg->attach, &why);
	if (!err) {
		gpu = find_gpu(server, msg->attach.name);
		if (!gpu)
			gpu = make_gpu(server, &msg->attach);
		err = gpu ? vgpu_gpu_attach(&gpu->core, &msg->attach, &why) : -ENOMEM;
	}
	if (err) {
		fprintf(stderr, "vgpu-loopback: GPU \"%.32s\" not attached: %s\n", msg->attach.name, why);
	} else {
		conn->role = CONN_SUPERVISOR;
		conn->gpu = gpu;
		gpu->supervisor = conn;
		gpu->has_event = true;
		server->attached++;
	}
	server_reply(conn, msg, err, NULL, 0);
}

/**
 * exec_send_events() - tell a supervisor what it has to do
 * @gpu: any
 */
void exec_send_events(struct gpu *gpu)
{
	struct lb_msg msg = { .op = LB_EXEC_EVENT };

	gpu->has_event = false;
	while (gpu->supervisor && vgpu_gpu_next_event(&gpu->core, &msg.event))
		server_send(gpu->supervisor, &msg);
}

/**
 * exec_spawn_failed() - LB_EXEC_SPAWN_FAILED
 * @conn: a supervisor's, or ignored
 * @msg: the request; not answered
 */
void exec_spawn_failed(struct conn *conn, const struct lb_msg *msg)
{
	if (conn->role == CONN_SUPERVISOR && conn->gpu)
		vgpu_gpu_spawn_failed(&conn->gpu->core, &msg->spawn_failed);
}

static void completion_handle(struct server *server, struct source *source, uint32_t events)
{
	struct conn *conn = container_of(source, struct conn, completion);
	uint64_t count;
	u32 consumed, tail;

	if (read(source->fd, &count, sizeof(count)) != sizeof(count) || !conn->session)
		return;
	consumed = smp_load_acquire(&conn->rings->dispatch_head);
	vgpu_worker_take(conn->session, &consumed, &tail);
}

static int make_memory(struct conn *conn)
{
	void *rings;

	conn->rings_fd = memfd_create("vgpu-rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (conn->rings_fd < 0 || ftruncate(conn->rings_fd, sizeof(*conn->rings)) < 0 ||
	    fcntl(conn->rings_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	rings = mmap(NULL, sizeof(*conn->rings), PROT_READ | PROT_WRITE, MAP_SHARED, conn->rings_fd, 0);
	if (rings == MAP_FAILED)
		return -errno;
	conn->rings = rings;
	conn->dispatch_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	conn->completion.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	conn->completion.handle = completion_handle;
	return conn->dispatch_fd < 0 || conn->completion.fd < 0 ? -errno : 0;
}

static int open_process(struct conn *conn)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(conn->source.fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	conn->pid = peer.pid;
	conn->pidfd = (int)syscall(SYS_pidfd_open, peer.pid, 0);
	return conn->pidfd < 0 ? -errno : 0;
}

static struct vgpu_session *bind_any(struct server *server, struct conn *conn, struct vgpu_exec_bind *bind)
{
	struct vgpu_session *session;
	struct gpu *gpu;

	list_for_each_entry(gpu, &server->gpus, node) {
		session = vgpu_worker_bind(&gpu->core, bind, conn->rings, conn);
		if (session)
			return session;
	}
	return NULL;
}

/**
 * exec_bind() - LB_EXEC_BIND
 * @server: the daemon
 * @conn: new
 * @msg: the request; answered
 */
void exec_bind(struct server *server, struct conn *conn, struct lb_msg *msg)
{
	int fds[MAX_FDS];
	struct vm *vm;
	int err;

	/* A connection binds or fails to, once. */
	if (conn->role != CONN_NEW || conn->pidfd >= 0)
		err = -EBUSY;
	else if (msg->bind.version != VGPU_EXEC_VERSION || msg->bind.flags || msg->bind.tier || msg->bind.reserved)
		err = -EINVAL;
	else
		err = open_process(conn);
	if (!err)
		err = make_memory(conn);
	if (!err)
		err = server_add(server, &conn->completion);
	if (!err) {
		conn->session = bind_any(server, conn, &msg->bind);
		if (!conn->session)
			err = -ENOENT;
	}
	if (err) {
		server_reply(conn, msg, err, NULL, 0);
		return;
	}
	conn->role = CONN_WORKER;
	vm = conn->session->dev->host;
	fds[0] = conn->rings_fd;
	fds[1] = vm->aperture_fd;
	fds[2] = conn->dispatch_fd;
	fds[3] = conn->completion.fd;
	server_reply(conn, msg, 0, fds, MAX_FDS);
}

/**
 * exec_ready() - LB_EXEC_READY
 * @server: the daemon
 * @conn: a worker's
 * @msg: the request; answered
 */
void exec_ready(struct server *server, struct conn *conn, struct lb_msg *msg)
{
	int err = -EINVAL;

	if (conn->role == CONN_WORKER && conn->session)
		err = vgpu_worker_ready(conn->session, &msg->ready);
	server_reply(conn, msg, err, NULL, 0);
}

/**
 * exec_close() - a supervisor's or worker's connection has closed
 * @server: the daemon
 * @conn: not served any more
 *
 * A process lets go of its memory before its descriptors: a worker whose socket is closed writes nothing any more.
 */
void exec_close(struct server *server, struct conn *conn)
{
	if (conn->gpu) {
		conn->gpu->supervisor = NULL;
		vgpu_gpu_detach(&conn->gpu->core);
		conn->gpu = NULL;
	}
	if (conn->session) {
		vgpu_worker_release(conn->session);
		conn->session = NULL;
	}
	if (conn->completion.fd >= 0) {
		server_remove(server, &conn->completion);
		close(conn->completion.fd);
	}
	if (conn->dispatch_fd >= 0)
		close(conn->dispatch_fd);
	if (conn->rings)
		munmap(conn->rings, sizeof(*conn->rings));
	if (conn->rings_fd >= 0)
		close(conn->rings_fd);
	if (conn->pidfd >= 0)
		close(conn->pidfd);
}
