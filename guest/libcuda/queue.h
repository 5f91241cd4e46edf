/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * The queue pair of a session: submission, flow control, completions
 *
 * Sequence numbers are widened to 64 bits. Every command has a slot in a window from its submission
 * until all commands before it have completed; what it holds on to (payload, result) is let go when
 * its completion is consumed. Completions are consumed by whoever submits or waits: there is no
 * thread for it.
 *
 * Waiting. One waiter at a time looks at the completion queue: it spins for as long as waits have
 * lately been short and nobody takes the processor from it (a gap between two looks tells, whether it
 * was another thread or another virtual machine), then sleeps on the interrupt, with cq_event set so far ahead that the device
 * does not interrupt before the awaited command can have completed. The others sleep on a condition
 * variable.
 *
 * All functions are called with the session's lock held; those that say so let go of it while they
 * sleep.
 */
#ifndef VGPU_LIBCUDA_QUEUE_H
#define VGPU_LIBCUDA_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include "heap.h"
#include "port.h"

#define QUEUE_ENTRIES 1024
#define QUEUE_WINDOW 8192 /* commands between the oldest that has not completed and the newest */

/**
 * struct record - outcome of one command, for who wants it after the completion
 * @refs: holders; changed under the session's lock
 * @submitted: false while the command waits in a deferred stream
 * @claimed: its holder deals with a failure, which is then not reported as an asynchronous error
 * @done: has completed
 * @status: enum vgpu_status
 * @stream: stream number of the command
 * @seq: sequence number
 * @value: of the completion
 */
struct record {
	int refs;
	bool submitted;
	bool claimed;
	bool done;
	uint16_t status;
	uint32_t stream;
	uint64_t seq;
	uint64_t value;
};

struct queue_slot {
	bool pending;
	uint16_t ctx;
	uint32_t stream;
	struct heap_block payload;
	struct record *record;
};

/**
 * struct queue_stats - counters for VGPU_STATS
 * @commands: submitted
 * @doorbells: rung
 * @waits: times that a thread slept for an interrupt
 * @spins: waits that ended before sleeping
 */
struct queue_stats {
	uint64_t commands;
	uint64_t doorbells;
	uint64_t waits;
	uint64_t spins;
};

/**
 * queue_failure_fn - told of a command that failed and whose record nobody claimed
 * @ctx: context number
 * @status: enum vgpu_status
 */
typedef void (*queue_failure_fn)(void *data, uint32_t ctx, uint16_t status);

struct queue {
	struct port *port;
	struct heap *heap;
	pthread_mutex_t *lock;
	pthread_cond_t progress;
	queue_failure_fn failure;
	void *failure_data;
	struct vgpu_queue_header *hdr;
	struct vgpu_cmd *sq;
	struct vgpu_cqe *cq;
	struct queue_slot *slots; /* [QUEUE_WINDOW] */
	uint32_t *in_flight; /* [VGPU_MAX_STREAMS] commands of each stream without completion */
	uint64_t tail;
	uint64_t head; /* completions consumed */
	uint64_t oldest; /* everything before has completed */
	bool has_leader;
	bool gone; /* the device answers no more */
	unsigned int followers;
	unsigned int spin_ns;
	struct queue_stats stats;
};

/**
 * queue_init() - takes over a session's queue area
 * @queue: zeroed
 * @port: of the session
 * @area: mapped
 * @heap: to which payloads go back
 * @lock: the session's
 * @failure: see queue_failure_fn; called with the lock held
 * @data: for @failure
 *
 * Return: 0 or -ENOMEM
 */
int queue_init(struct queue *queue, struct port *port, const struct port_session *area,
	       struct heap *heap, pthread_mutex_t *lock, queue_failure_fn failure, void *data);

/**
 * queue_destroy() - frees the queue's memory; nobody may be waiting
 */
void queue_destroy(struct queue *queue);

/**
 * queue_reserve() - waits until @count commands can be submitted without waiting
 * @count: at most 64
 *
 * Lets go of the lock while it waits. What it made sure of holds until the lock is next let go of.
 */
void queue_reserve(struct queue *queue, unsigned int count);

/**
 * queue_submit() - submits a command for which there is room (queue_reserve())
 * @cmd: complete
 * @payload: aperture memory to be freed when it has completed, or NULL
 * @record: for its outcome, a reference is taken; or NULL
 *
 * Return: its sequence number plus one, so that 0 can stand for none
 */
uint64_t queue_submit(struct queue *queue, const struct vgpu_cmd *cmd,
		      const struct heap_block *payload, struct record *record);

/**
 * queue_poll() - consumes the completions that are there
 * Return: whether there were any
 */
bool queue_poll(struct queue *queue);

/**
 * queue_done() - whether a command has completed
 * @mark: as queue_submit() returned it; 0 is always done
 */
bool queue_done(struct queue *queue, uint64_t mark);

/**
 * queue_wait() - waits until a command has completed, or the device is gone
 * @mark: as queue_submit() returned it
 * @blocking: sleep without spinning first
 *
 * Lets go of the lock while it waits.
 */
void queue_wait(struct queue *queue, uint64_t mark, bool blocking);

/**
 * queue_wait_any() - waits until some command has completed
 * Return: false where none is outstanding, or the device is gone
 *
 * Lets go of the lock while it waits.
 */
bool queue_wait_any(struct queue *queue);

/**
 * record_new() - a record with one reference
 * Return: it, or NULL where memory is exhausted
 */
struct record *record_new(void);

/**
 * record_put() - gives a reference back; NULL is allowed
 */
void record_put(struct record *record);

#endif
