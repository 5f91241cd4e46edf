/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Ports: how this process reaches a virtual GPU
 *
 * In a guest a port is an open /dev/vgpuN (port_device.c); on one machine, without PCI, it is a
 * connection to vgpu-loopback (port_loopback.c). Both carry one session at most. Functions return 0
 * or a negative errno.
 */
#ifndef VGPU_LIBCUDA_PORT_H
#define VGPU_LIBCUDA_PORT_H

#include <stddef.h>
#include <stdint.h>
#include "../../uapi/vgpu_guest.h"

struct port;

/**
 * struct port_session - the queue area of a session, mapped
 * @queue: struct vgpu_queue_header and what follows it
 * @sq_offset: bytes from @queue
 * @cq_offset: bytes from @queue
 */
struct port_session {
	void *queue;
	uint64_t sq_offset;
	uint64_t cq_offset;
};

/**
 * struct port_ops - what a kind of port does
 * @info: fills in VGPU_GUEST_INFO's structure; needs no session
 * @session: opens the session with that many queue entries and maps its queue area
 * @range: takes a payload range; the offset in the aperture is given back
 * @map: maps a range, at @at (which is replaced) or, where that is NULL, anywhere; MAP_FAILED with
 *errno
 * @ring: rings the session's doorbell
 * @wait: sleeps until the session's interrupt is raised, at most so many nanoseconds (-1: no
 *limit). One thread at a time. -ETIMEDOUT after that time
 * @state: enum vgpu_session_state of the session now, or a negative errno where the device is gone
 * @close: ends the session and the port
 */
struct port_ops {
	int (*info)(struct port *port, struct vgpu_guest_info *info);
	int (*session)(struct port *port, uint32_t sq_entries, uint32_t cq_entries,
		       struct port_session *session);
	int (*range)(struct port *port, uint64_t len, uint64_t *offset);
	void *(*map)(struct port *port, uint64_t offset, uint64_t len, void *at);
	void (*ring)(struct port *port);
	int (*wait)(struct port *port, int64_t timeout_ns);
	int (*state)(struct port *port);
	void (*close)(struct port *port);
};

struct port {
	const struct port_ops *ops;
};

/**
 * port_open() - opens a port to the virtual GPU number @ordinal, counting from 0
 * @port: out
 *
 * Return: 0, -ENODEV where there are no more, or another negative errno
 */
int port_open(unsigned int ordinal, struct port **port);

int port_device_open(unsigned int ordinal, struct port **port);
int port_loopback_open(unsigned int ordinal, struct port **port);

#endif
