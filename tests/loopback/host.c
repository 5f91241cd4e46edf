// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * What the core needs from its host. Operations called with the GPU's lock held only write descriptors or take a note,
 * which server_step() acts on.
 */

#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "server.h"

static void write_eventfd(int fd)
{
	uint64_t one = 1;

	/* Fails only where the counter is full: then it is readable anyway. */
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return;
}

static void host_signal(struct vgpu_dev *dev, u32 vector)
{
	vm_interrupt(dev->host, vector);
}

static void host_wake_supervisor(struct vgpu_gpu *core)
{
	struct gpu *gpu = core->host;

	gpu->has_event = true;
}

static void host_wake_worker(struct vgpu_worker *worker)
{
	struct conn *conn = worker->host;

	if (conn)
		write_eventfd(conn->dispatch_fd);
}

static void host_kill_worker(struct vgpu_worker *worker)
{
	struct conn *conn = worker->host;

	if (conn && conn->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, conn->pidfd, SIGKILL, NULL, 0);
}

static void host_schedule_reap(struct vgpu_dev *dev)
{
	struct vm *vm = dev->host;

	vm->reap = true;
	vm->gpu->server->vms_noted = true;
}

static void host_schedule_tick(struct vgpu_gpu *core, u64 when_ns)
{
	struct gpu *gpu = core->host;
	/* All zero would switch the timer off. */
	const struct itimerspec when = {
		.it_value = {
			.tv_sec = (time_t)(when_ns / NSEC_PER_SEC),
			.tv_nsec = (long)(when_ns % NSEC_PER_SEC) | 1,
		},
	};

	timerfd_settime(gpu->tick.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void *host_map_queue(struct vgpu_dev *dev, u64 offset, u64 len)
{
	struct vm *vm = dev->host;

	return vm->aperture + offset;
}

static void host_unmap_queue(struct vgpu_dev *dev, void *addr, u64 offset, u64 len)
{
}

static int host_punch(struct vgpu_dev *dev, u64 offset, u64 len)
{
	struct vm *vm = dev->host;

	if (fallocate(vm->aperture_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len) < 0) {
		perror("vgpu-loopback: clearing the aperture");
		return -errno;
	}
	return 0;
}

const struct vgpu_host_ops host_ops = {
	.signal = host_signal,
	.wake_supervisor = host_wake_supervisor,
	.wake_worker = host_wake_worker,
	.kill_worker = host_kill_worker,
	.schedule_reap = host_schedule_reap,
	.schedule_tick = host_schedule_tick,
	.map_queue = host_map_queue,
	.unmap_queue = host_unmap_queue,
	.punch = host_punch,
};

/**
 * host_tick_handle() - the time has come for which the core asked
 * @server: the daemon
 * @source: the GPU's timer
 * @events: of epoll
 */
void host_tick_handle(struct server *server, struct source *source, uint32_t events)
{
	struct gpu *gpu = container_of(source, struct gpu, tick);
	uint64_t count;

	if (read(source->fd, &count, sizeof(count)) == sizeof(count))
		vgpu_gpu_tick(&gpu->core);
}
