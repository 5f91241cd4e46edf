// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "log.h"
#include "port.h"

struct device_port {
	struct port port;
	int fd;
	uint32_t seen; /* interrupt count of the last wait */
	volatile uint32_t *doorbell;
	void *queue;
	size_t queue_size;
};

static struct device_port *device_port(struct port *port)
{
	return (struct device_port *)port;
}

static int device_info(struct port *port, struct vgpu_guest_info *info)
{
	if (ioctl(device_port(port)->fd, VGPU_GUEST_INFO, info))
		return -errno;
	if (info->version != VGPU_GUEST_VERSION) {
		log_line("the driver speaks version %u of vgpu_guest.h, this library version %u: install matching ones",
			 info->version, VGPU_GUEST_VERSION);
		return -EPROTO;
	}
	return 0;
}

static int device_session(struct port *port, uint32_t sq_entries, uint32_t cq_entries,
			  struct port_session *session)
{
	struct device_port *dev = device_port(port);
	struct vgpu_guest_session arg = { .sq_entries = sq_entries, .cq_entries = cq_entries };
	void *doorbell;

	if (ioctl(dev->fd, VGPU_GUEST_SESSION, &arg))
		return -errno;
	dev->queue_size = arg.queue_size;
	dev->queue = mmap(NULL, dev->queue_size, PROT_READ | PROT_WRITE, MAP_SHARED, dev->fd,
			  VGPU_GUEST_MMAP_QUEUE);
	if (dev->queue == MAP_FAILED) {
		dev->queue = NULL;
		return -errno;
	}
	doorbell = mmap(NULL, VGPU_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dev->fd,
			VGPU_GUEST_MMAP_DOORBELL);
	if (doorbell == MAP_FAILED)
		return -errno;
	dev->doorbell = doorbell;
	session->queue = dev->queue;
	session->sq_offset = arg.sq_offset;
	session->cq_offset = arg.cq_offset;
	return 0;
}

static int device_range(struct port *port, uint64_t len, uint64_t *offset)
{
	struct vgpu_guest_range arg = { .len = len };

	if (ioctl(device_port(port)->fd, VGPU_GUEST_RANGE, &arg))
		return -errno;
	*offset = arg.offset;
	return 0;
}

static void *device_map(struct port *port, uint64_t offset, uint64_t len, void *at)
{
	return mmap(at, len, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0),
		    device_port(port)->fd, VGPU_GUEST_MMAP_APERTURE + offset);
}

static void device_ring(struct port *port)
{
	*device_port(port)->doorbell = 1;
}

static int device_wait(struct port *port, int64_t timeout_ns)
{
	struct device_port *dev = device_port(port);
	struct vgpu_guest_wait arg = { .timeout_ns = timeout_ns, .seen = dev->seen };

	if (ioctl(dev->fd, VGPU_GUEST_WAIT, &arg))
		return -errno;
	dev->seen = arg.count;
	return 0;
}

static int device_state(struct port *port)
{
	struct device_port *dev = device_port(port);
	/* A count that it cannot have, so that it does not sleep. */
	struct vgpu_guest_wait arg = { .timeout_ns = 0, .seen = dev->seen - 1 };

	if (ioctl(dev->fd, VGPU_GUEST_WAIT, &arg) && errno != ETIMEDOUT)
		return -errno;
	return arg.state;
}

static void device_close(struct port *port)
{
	struct device_port *dev = device_port(port);

	if (dev->doorbell)
		munmap((void *)dev->doorbell, VGPU_PAGE_SIZE);
	if (dev->queue)
		munmap(dev->queue, dev->queue_size);
	close(dev->fd);
	free(dev);
}

static const struct port_ops device_ops = {
	.info = device_info,
	.session = device_session,
	.range = device_range,
	.map = device_map,
	.ring = device_ring,
	.wait = device_wait,
	.state = device_state,
	.close = device_close,
};

int port_device_open(unsigned int ordinal, struct port **port)
{
	struct device_port *dev;
	char path[32];

	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/dev/vgpu%u", ordinal);
	dev->fd = open(path, O_RDWR | O_CLOEXEC);
	if (dev->fd < 0) {
		int err = errno;

		free(dev);
		if (err == EACCES || err == EPERM)
			log_line("%s: %s; join the group \"vgpu\"", path,
				 err == EACCES ? "permission denied" : "refused");
		return err == ENOENT || err == ENXIO ? -ENODEV : -err;
	}
	dev->port.ops = &device_ops;
	*port = &dev->port;
	return 0;
}
