// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "ring.h"

/* Pause between looks at a full completion ring. */
#define FULL_PAUSE_NS	20000

/**
 * ring_init() - begin at the rings' start
 * @ring: to initialise
 * @port: the worker's
 * @rings: mapped, as the kernel made them at the bind
 * @generation: of the worker
 */
void ring_init(struct ring *ring, struct port *port, struct vgpu_exec_rings *rings, uint32_t generation)
{
	memset(ring, 0, sizeof(*ring));
	ring->rings = rings;
	ring->port = port;
	ring->generation = generation;
	pthread_mutex_init(&ring->lock, NULL);
}

/**
 * ring_next() - take the next dispatch entry
 * @ring: both rings
 * @dispatch: the entry, copied once
 *
 * Return: 1 with an entry, 0 where there is none, -EPROTO where the ring holds what no kernel of this version
 * writes. Context: one thread.
 */
int ring_next(struct ring *ring, struct vgpu_dispatch *dispatch)
{
	uint32_t tail = __atomic_load_n(&ring->rings->dispatch_tail, __ATOMIC_ACQUIRE);

	if (tail == ring->consumed)
		return 0;
	if (tail - ring->consumed > VGPU_EXEC_RING_ENTRIES)
		return -EPROTO;
	*dispatch = ring->rings->dispatch[ring->consumed % VGPU_EXEC_RING_ENTRIES];
	ring->consumed++;
	__atomic_store_n(&ring->rings->dispatch_head, ring->consumed, __ATOMIC_RELEASE);
	if (dispatch->generation != ring->generation || dispatch->kind > VGPU_DISPATCH_RANGE ||
	    dispatch->engine > VGPU_ENGINE_COUNT)
		return -EPROTO;
	return 1;
}

/**
 * ring_wait() - sleep until there is an entry
 * @ring: both rings
 * @timeout_ns: longest sleep
 *
 * Return: 0, -ETIMEDOUT, -ENODEV where the worker has to end, or another negative errno. Context: the thread of
 * ring_next().
 */
int ring_wait(struct ring *ring, uint64_t timeout_ns)
{
	uint32_t tail;

	return ring->port->ops->wait(ring->port, ring->consumed, timeout_ns, &tail);
}

static int wait_for_room(struct ring *ring)
{
	const struct timespec pause = { .tv_nsec = FULL_PAUSE_NS };
	int ret;

	for (;;) {
		uint32_t head = __atomic_load_n(&ring->rings->completion_head, __ATOMIC_ACQUIRE);

		if (ring->completion_tail - head < VGPU_EXEC_RING_ENTRIES)
			return 0;
		ret = ring->port->ops->kick(ring->port);
		if (ret)
			return ret;
		head = __atomic_load_n(&ring->rings->completion_head, __ATOMIC_ACQUIRE);
		if (ring->completion_tail - head < VGPU_EXEC_RING_ENTRIES)
			return 0;
		nanosleep(&pause, NULL);
	}
}

/**
 * ring_complete() - write a completion and tell the kernel
 * @ring: both rings
 * @completion: tag, generation and result
 *
 * Waits where the ring is full. Return: 0 or a negative errno. Context: any thread, may sleep.
 */
int ring_complete(struct ring *ring, const struct vgpu_completion *completion)
{
	int ret;

	pthread_mutex_lock(&ring->lock);
	ret = wait_for_room(ring);
	if (!ret) {
		ring->rings->completion[ring->completion_tail % VGPU_EXEC_RING_ENTRIES] = *completion;
		ring->completion_tail++;
		__atomic_store_n(&ring->rings->completion_tail, ring->completion_tail, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&ring->lock);
	return ret ? ret : ring->port->ops->kick(ring->port);
}
