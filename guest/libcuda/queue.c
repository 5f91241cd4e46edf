// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include "log.h"
#include "queue.h"

#define SPIN_MIN_NS 2000
#define SPIN_MAX_NS 50000
#define SPIN_GAP_NS 20000 /* a look that took longer was interrupted: somebody else wants the processor */
#define SPIN_LOOK_NS 1000000000LL /* how often a sleeper asks for the session's state by itself */

int queue_init(struct queue *queue, struct port *port, const struct port_session *area,
	       struct heap *heap, pthread_mutex_t *lock, queue_failure_fn failure, void *data)
{
	char *base = area->queue;

	queue->port = port;
	queue->heap = heap;
	queue->lock = lock;
	queue->failure = failure;
	queue->failure_data = data;
	queue->hdr = area->queue;
	queue->sq = (struct vgpu_cmd *)(base + area->sq_offset);
	queue->cq = (struct vgpu_cqe *)(base + area->cq_offset);
	queue->spin_ns = SPIN_MAX_NS;
	pthread_cond_init(&queue->progress, NULL);
	queue->slots = calloc(QUEUE_WINDOW, sizeof(*queue->slots));
	queue->in_flight = calloc(VGPU_MAX_STREAMS, sizeof(*queue->in_flight));
	if (!queue->slots || !queue->in_flight) {
		queue_destroy(queue);
		return -ENOMEM;
	}
	return 0;
}

void queue_destroy(struct queue *queue)
{
	free(queue->slots);
	free(queue->in_flight);
	pthread_cond_destroy(&queue->progress);
}

struct record *record_new(void)
{
	struct record *record = calloc(1, sizeof(*record));

	if (record)
		record->refs = 1;
	return record;
}

void record_put(struct record *record)
{
	if (record && !--record->refs)
		free(record);
}

static struct queue_slot *slot_of(struct queue *queue, uint64_t seq)
{
	return &queue->slots[seq % QUEUE_WINDOW];
}

static void complete(struct queue *queue, uint64_t seq, uint16_t status, uint64_t value)
{
	struct queue_slot *slot = slot_of(queue, seq);
	struct record *record = slot->record;
	bool claimed = false;

	slot->pending = false;
	queue->in_flight[slot->stream]--;
	if (slot->payload.len)
		heap_free(queue->heap, &slot->payload);
	if (record) {
		record->status = status;
		record->value = value;
		record->done = true;
		claimed = record->claimed;
		slot->record = NULL;
		record_put(record);
	}
	if (status && !claimed)
		queue->failure(queue->failure_data, slot->ctx, status);
}

/* The device will not answer any more: everything outstanding ends here. */
static void abandon(struct queue *queue)
{
	queue->gone = true;
	for (uint64_t seq = queue->oldest; seq != queue->tail; seq++)
		if (slot_of(queue, seq)->pending)
			complete(queue, seq, VGPU_ST_SESSION_LOST, 0);
	queue->oldest = queue->tail;
	queue->failure(queue->failure_data, 0, VGPU_ST_SESSION_LOST);
	pthread_cond_broadcast(&queue->progress);
}

static bool completion_ready(struct queue *queue)
{
	const struct vgpu_cqe *cqe = &queue->cq[queue->head % QUEUE_ENTRIES];
	uint16_t phase = __atomic_load_n(&cqe->phase, __ATOMIC_ACQUIRE);

	return (phase & 1) == (queue->head / QUEUE_ENTRIES % 2 ? 0 : 1);
}

bool queue_poll(struct queue *queue)
{
	bool any = false;

	if (queue->gone)
		return false;
	while (completion_ready(queue)) {
		struct vgpu_cqe cqe = queue->cq[queue->head % QUEUE_ENTRIES];
		uint64_t seq = queue->oldest + (uint32_t)(cqe.seq - (uint32_t)queue->oldest);

		if (seq >= queue->tail || !slot_of(queue, seq)->pending) {
			log_line("the device completed command %u, which is not outstanding: it is given up",
				 cqe.seq);
			abandon(queue);
			return true;
		}
		queue->head++;
		any = true;
		complete(queue, seq, cqe.status, cqe.value);
	}
	if (!any)
		return false;
	__atomic_store_n(&queue->hdr->cq_head, (uint32_t)queue->head, __ATOMIC_RELEASE);
	while (queue->oldest != queue->tail && !slot_of(queue, queue->oldest)->pending)
		queue->oldest++;
	if (queue->followers)
		pthread_cond_broadcast(&queue->progress);
	return true;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* Whether a completion came while spinning, which ends where the machine is busy; the lock is let go of. */
static bool spin(struct queue *queue, uint64_t start)
{
	uint64_t last, now = now_ns();
	bool ready = false;

	pthread_mutex_unlock(queue->lock);
	do {
		last = now;
		for (int i = 0; i < 64 && !ready; i++) {
			ready = completion_ready(queue);
			relax();
		}
		now = now_ns();
	} while (!ready && now - start < queue->spin_ns && now - last < SPIN_GAP_NS);
	pthread_mutex_lock(queue->lock);
	if (!ready && now - last >= SPIN_GAP_NS)
		queue->spin_ns = SPIN_MIN_NS;
	return ready;
}

static void sleep_for_interrupt(struct queue *queue, uint32_t completions)
{
	int err, state;

	/* The device raises the vector when its tail passes cq_event. */
	__atomic_store_n(&queue->hdr->cq_event, (uint32_t)queue->head + completions - 1,
			 __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if ((uint32_t)(__atomic_load_n(&queue->hdr->cq_tail, __ATOMIC_ACQUIRE) -
		       (uint32_t)queue->head) >= completions)
		return;
	queue->stats.waits++;
	pthread_mutex_unlock(queue->lock);
	err = queue->port->ops->wait(queue->port, SPIN_LOOK_NS);
	pthread_mutex_lock(queue->lock);
	if (completion_ready(queue) || (err == -EINTR && !queue->gone))
		return;
	state = queue->port->ops->state(queue->port);
	if (completion_ready(queue) || queue->gone)
		return;
	/* A lost session still completes everything; a device that is gone does not. */
	if (state < 0 || state == VGPU_SESSION_FREE) {
		log_line("the virtual GPU is gone (%d)", state);
		abandon(queue);
	}
}

/*
 * Waits for progress towards what the caller waits for, which needs at least so many more
 * completions. The caller looks again, whatever the reason of the return.
 */
static void wait_progress(struct queue *queue, uint32_t completions, bool blocking)
{
	uint64_t head, start;

	if (queue_poll(queue) || queue->gone)
		return;
	head = queue->head;
	if (queue->has_leader) {
		queue->followers++;
		/* The leader may sleep for more completions than this thread needs. */
		__atomic_store_n(&queue->hdr->cq_event, (uint32_t)queue->head, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!completion_ready(queue))
			pthread_cond_wait(&queue->progress, queue->lock);
		queue->followers--;
		queue_poll(queue);
		return;
	}
	queue->has_leader = true;
	start = now_ns();
	if (!blocking && spin(queue, start))
		queue->stats.spins++;
	else if (!queue->gone && queue->head == head)
		sleep_for_interrupt(queue, queue->followers ? 1 : completions);
	/* Spinning pays where waits end soon, however they ended this time. */
	if (now_ns() - start < SPIN_MAX_NS)
		queue->spin_ns = queue->spin_ns * 2 < SPIN_MAX_NS ? queue->spin_ns * 2 : SPIN_MAX_NS;
	else if (queue->spin_ns > SPIN_MIN_NS)
		queue->spin_ns /= 2;
	queue->has_leader = false;
	queue_poll(queue);
	/* Somebody else has to lead now. */
	if (queue->followers)
		pthread_cond_broadcast(&queue->progress);
}

static bool has_room(struct queue *queue, unsigned int count)
{
	uint32_t fetched = __atomic_load_n(&queue->hdr->sq_head, __ATOMIC_ACQUIRE);

	return queue->tail + count - queue->head <= QUEUE_ENTRIES &&
	       queue->tail + count - queue->oldest <= QUEUE_WINDOW &&
	       (uint32_t)((uint32_t)queue->tail + count - fetched) <= QUEUE_ENTRIES;
}

void queue_reserve(struct queue *queue, unsigned int count)
{
	queue_poll(queue);
	while (!queue->gone && !has_room(queue, count)) {
		if (queue->tail == queue->head)
			sched_yield(); /* all completed, the device has yet to say that it has fetched */
		else
			wait_progress(queue, 1, false);
	}
}

static void ring(struct queue *queue, uint32_t old_tail, uint32_t new_tail)
{
	uint32_t event;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	event = __atomic_load_n(&queue->hdr->sq_event, __ATOMIC_RELAXED);
	if ((uint32_t)(new_tail - event - 1) < (uint32_t)(new_tail - old_tail)) {
		queue->stats.doorbells++;
		queue->port->ops->ring(queue->port);
	}
}

uint64_t queue_submit(struct queue *queue, const struct vgpu_cmd *cmd,
		      const struct heap_block *payload, struct record *record)
{
	uint64_t seq = queue->tail;
	struct queue_slot *slot = slot_of(queue, seq);

	if (record) {
		record->submitted = true;
		record->stream = cmd->stream;
		record->seq = seq;
	}
	if (queue->gone) {
		if (payload && payload->len) {
			struct heap_block block = *payload;

			heap_free(queue->heap, &block);
		}
		if (record) {
			record->done = true;
			record->status = VGPU_ST_SESSION_LOST;
		}
		return 0;
	}
	slot->pending = true;
	slot->ctx = cmd->ctx;
	slot->stream = cmd->stream;
	slot->payload = payload ? *payload : (struct heap_block){ 0 };
	slot->record = record;
	if (record)
		record->refs++;
	queue->in_flight[cmd->stream]++;
	queue->sq[seq % QUEUE_ENTRIES] = *cmd;
	queue->tail++;
	queue->stats.commands++;
	__atomic_store_n(&queue->hdr->sq_tail, (uint32_t)queue->tail, __ATOMIC_RELEASE);
	ring(queue, (uint32_t)seq, (uint32_t)queue->tail);
	return queue->tail;
}

bool queue_done(struct queue *queue, uint64_t mark)
{
	return mark <= queue->oldest || !slot_of(queue, mark - 1)->pending;
}

void queue_wait(struct queue *queue, uint64_t mark, bool blocking)
{
	queue_poll(queue);
	while (!queue_done(queue, mark)) {
		uint32_t stream = slot_of(queue, mark - 1)->stream;
		uint32_t ahead = queue->in_flight[stream];
		uint64_t behind = queue->tail - mark;

		/* Of the stream's commands, at most those submitted after the mark need not complete before it. */
		wait_progress(queue, ahead > behind ? ahead - behind : 1, blocking);
	}
}

bool queue_wait_any(struct queue *queue)
{
	uint64_t head = queue->head;

	if (queue_poll(queue))
		return true;
	if (queue->gone || queue->tail == queue->head)
		return false;
	wait_progress(queue, 1, false);
	return queue->head != head;
}
