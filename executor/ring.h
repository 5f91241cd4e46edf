/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * A worker's end of the dispatch and completion rings, struct vgpu_exec_rings.
 */
#ifndef EXECUTOR_RING_H
#define EXECUTOR_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "port.h"

/**
 * struct ring - both rings
 * @rings: shared with the kernel
 * @port: over which the kernel is told
 * @generation: of this worker; entries of another are not looked at
 * @consumed: dispatch entries taken; the reading thread's
 * @lock: guards the writing of completions
 * @completion_tail: completions written; under @lock
 */
struct ring {
	struct vgpu_exec_rings *rings;
	struct port *port;
	uint32_t generation;
	uint32_t consumed;
	pthread_mutex_t lock;
	uint32_t completion_tail;
};

void ring_init(struct ring *ring, struct port *port, struct vgpu_exec_rings *rings, uint32_t generation);
int ring_next(struct ring *ring, struct vgpu_dispatch *dispatch);
int ring_wait(struct ring *ring, uint64_t timeout_ns);
int ring_complete(struct ring *ring, const struct vgpu_completion *completion);

#endif /* EXECUTOR_RING_H */
