/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * The way to the mediator: /dev/vgpu-executor, or the socket of the loopback daemon. Both speak uapi/vgpu_executor.h;
 * a port is one open file of it, a supervisor's or a worker's. Functions return 0 or a negative errno.
 */
#ifndef EXECUTOR_PORT_H
#define EXECUTOR_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../uapi/vgpu_executor.h"

/**
 * struct port_address - where the mediator is
 * @loopback: @path is the loopback daemon's socket, not a character device
 * @path: NUL-terminated
 */
struct port_address {
	bool loopback;
	char path[104];
};

struct port;

/**
 * struct port_ops - one kind of transport
 * @attach: VGPU_EXEC_ATTACH
 * @read_event: next event of a supervisor; -EAGAIN where there is none
 * @spawn_failed: VGPU_EXEC_SPAWN_FAILED; -ENOENT, where it is known, for a token that nobody waits for
 * @bind: VGPU_EXEC_BIND
 * @map_rings: struct vgpu_exec_rings, or NULL with errno set
 * @map_aperture: map a range of the aperture, readable and writable, over what is at @addr
 * @ready: VGPU_EXEC_READY
 * @wait: VGPU_EXEC_WAIT; -ETIMEDOUT, or -ENODEV where the worker has to end
 * @kick: VGPU_EXEC_KICK; any thread
 * @close: give the file back
 */
struct port_ops {
	int (*attach)(struct port *port, const struct vgpu_exec_attach *attach);
	int (*read_event)(struct port *port, struct vgpu_exec_event *event);
	int (*spawn_failed)(struct port *port, uint64_t token, uint32_t status);
	int (*bind)(struct port *port, struct vgpu_exec_bind *bind);
	struct vgpu_exec_rings *(*map_rings)(struct port *port);
	int (*map_aperture)(struct port *port, void *addr, uint64_t offset, uint64_t len);
	int (*ready)(struct port *port, const struct vgpu_exec_ready *ready);
	int (*wait)(struct port *port, uint32_t consumed, uint64_t timeout_ns, uint32_t *tail);
	int (*kick)(struct port *port);
	void (*close)(struct port *port);
};

/**
 * struct port - an open file
 * @ops: of its transport
 * @fd: readable when a supervisor has an event; a worker's only descriptor that names the device
 */
struct port {
	const struct port_ops *ops;
	int fd;
};

int port_open(const struct port_address *address, struct port **port);

/* The transports. */
int port_chardev_open(const char *path, struct port **port);
int port_loopback_open(const char *path, struct port **port);

#endif /* EXECUTOR_PORT_H */
