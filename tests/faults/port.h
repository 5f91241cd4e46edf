/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * The way to virtual GPUs: the loopback daemon's socket, or VFIO. One process has at most one of them open.
 */
#ifndef TESTS_FAULTS_PORT_H
#define TESTS_FAULTS_PORT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/loopback/loopback.h"
#include "uapi/vgpu_device.h"

#define QUEUE_ENTRIES	64
#define RANGE_BYTES	(1u << 20)

/**
 * struct place - where a session is
 * @header: of its queue area
 * @sq: submission queue, QUEUE_ENTRIES
 * @cq: completion queue, QUEUE_ENTRIES
 * @aperture: all of it, mapped
 * @range: offset of RANGE_BYTES bytes of payload
 * @interrupt: eventfd
 */
struct place {
	struct vgpu_queue_header *header;
	struct vgpu_cmd *sq;
	struct vgpu_cqe *cq;
	uint8_t *aperture;
	uint64_t range;
	int interrupt;
};

/**
 * struct port_ops - one kind of way; functions return 0 or a negative errno
 * @attach: open the virtual GPU of this number
 * @detach: close it
 * @begin: make a session; -EAGAIN while the virtual GPU is quarantined
 * @end: destroy it, whatever is in flight; its number may be used again when this returns
 * @ring: its doorbell
 * @worker: the process that serves it, 0 where there is none yet
 * @limits: what an administrator allows the virtual GPU
 * @policy: how the GPU is shared
 * @stats: its counters
 */
struct port_ops {
	int (*attach)(unsigned int vm);
	void (*detach)(void);
	int (*begin)(struct place *place);
	void (*end)(struct place *place);
	void (*ring)(void);
	pid_t (*worker)(void);
	int (*limits)(const struct lb_limits *limits);
	int (*policy)(const struct lb_policy *policy);
	int (*stats)(unsigned int vm, struct lb_stats *stats);
};

extern const struct port_ops loopback_port, vfio_port;

/* The one in use. */
extern const struct port_ops *port;

#endif /* TESTS_FAULTS_PORT_H */
