// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * /dev/vgpu-executor, made by vgpu.ko.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "port.h"

static int chardev_ioctl(struct port *port, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(port->fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

static int chardev_attach(struct port *port, const struct vgpu_exec_attach *attach)
{
	/* A supervisor has more to do than to wait for events. */
	if (fcntl(port->fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return chardev_ioctl(port, VGPU_EXEC_ATTACH, (void *)attach);
}

static int chardev_read_event(struct port *port, struct vgpu_exec_event *event)
{
	ssize_t n = read(port->fd, event, sizeof(*event));

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return n == sizeof(*event) ? 0 : -EPROTO;
}

static int chardev_spawn_failed(struct port *port, uint64_t token, uint32_t status)
{
	struct vgpu_exec_spawn_failed failed = { .token = token, .status = status };

	return chardev_ioctl(port, VGPU_EXEC_SPAWN_FAILED, &failed);
}

static int chardev_bind(struct port *port, struct vgpu_exec_bind *bind)
{
	return chardev_ioctl(port, VGPU_EXEC_BIND, bind);
}

static struct vgpu_exec_rings *chardev_map_rings(struct port *port)
{
	void *rings = mmap(NULL, sizeof(struct vgpu_exec_rings), PROT_READ | PROT_WRITE, MAP_SHARED, port->fd,
			   VGPU_EXEC_MMAP_RINGS);

	return rings == MAP_FAILED ? NULL : rings;
}

static int chardev_map_aperture(struct port *port, void *addr, uint64_t offset, uint64_t len)
{
	void *at = mmap(addr, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, port->fd,
			(off_t)(VGPU_EXEC_MMAP_APERTURE + offset));

	return at == MAP_FAILED ? -errno : 0;
}

static int chardev_ready(struct port *port, const struct vgpu_exec_ready *ready)
{
	return chardev_ioctl(port, VGPU_EXEC_READY, (void *)ready);
}

static int chardev_wait(struct port *port, uint32_t consumed, uint64_t timeout_ns, uint32_t *tail)
{
	struct vgpu_exec_wait wait = {
		.timeout_ns = timeout_ns,
		.consumed = consumed,
	};
	int ret = chardev_ioctl(port, VGPU_EXEC_WAIT, &wait);

	*tail = ret ? consumed : wait.tail;
	return ret;
}

static int chardev_kick(struct port *port)
{
	return chardev_ioctl(port, VGPU_EXEC_KICK, NULL);
}

static void chardev_close(struct port *port)
{
	close(port->fd);
	free(port);
}

static const struct port_ops chardev_ops = {
	.attach = chardev_attach,
	.read_event = chardev_read_event,
	.spawn_failed = chardev_spawn_failed,
	.bind = chardev_bind,
	.map_rings = chardev_map_rings,
	.map_aperture = chardev_map_aperture,
	.ready = chardev_ready,
	.wait = chardev_wait,
	.kick = chardev_kick,
	.close = chardev_close,
};

/**
 * port_chardev_open() - open the executor's character device
 * @path: VGPU_EXEC_DEVICE, or where the administrator has it
 * @port: set on success
 *
 * Return: 0 or a negative errno.
 */
int port_chardev_open(const char *path, struct port **port)
{
	struct port *chardev = calloc(1, sizeof(*chardev));

	if (!chardev)
		return -ENOMEM;
	chardev->fd = open(path, O_RDWR | O_CLOEXEC);
	if (chardev->fd < 0) {
		int error = errno;

		free(chardev);
		return -error;
	}
	chardev->ops = &chardev_ops;
	*port = chardev;
	return 0;
}
