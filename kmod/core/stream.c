// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Streams: the order of a session's commands and what they wait for. A stream whose next command
 * may run is handed to the scheduler; one that waits holds up nobody else.
 *
 * Nothing here recurses: what a completion sets free is put on the GPU's list of kicked streams,
 * which vgpu_gpu_pump() works off.
 */

#include "core.h"
#include "trace.h"

/* Multiply-shift hashing: M. Dietzfelbinger, Universal hashing and k-wise independence, 1996. */
static struct hlist_head *seq_bucket(struct vgpu_session *session, u32 seq)
{
	return &session->by_seq[(session->hash[0] * seq + session->hash[1]) >> session->seq_shift];
}

/**
 * vgpu_item_by_seq() - find a command that has not completed
 * @session: whose
 * @seq: sequence number
 *
 * Return: the command, NULL if it has completed or was never submitted. Context: vgpu_gpu.lock
 * held.
 */
struct vgpu_item *vgpu_item_by_seq(struct vgpu_session *session, u32 seq)
{
	struct vgpu_item *item;

	hlist_for_each_entry(item, seq_bucket(session, seq), seq_node)
		if (item->seq == seq)
			return item;
	return NULL;
}

/**
 * vgpu_stream_kick() - have a stream looked at
 * @stream: any
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_stream_kick(struct vgpu_stream *stream)
{
	if (list_empty(&stream->kick_node))
		list_add_tail(&stream->kick_node, &stream->session->dev->gpu->kicks);
}

/**
 * vgpu_stream_append() - put an accepted command behind the others of its stream
 * @stream: its stream
 * @item: filled in but for what this function sets
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_stream_append(struct vgpu_stream *stream, struct vgpu_item *item)
{
	struct vgpu_session *session = stream->session;

	item->stream = stream;
	item->run = NULL;
	item->state = VGPU_ITEM_QUEUED;
	INIT_LIST_HEAD(&item->waiters);
	list_add_tail(&item->stream_node, &stream->items);
	list_add_tail(&item->age_node, &session->by_age);
	hlist_add_head(&item->seq_node, seq_bucket(session, item->seq));
	if (!stream->next)
		stream->next = item;
	vgpu_stream_kick(stream);
}

static bool is_oldest(const struct vgpu_item *item)
{
	return item->stream->session->by_age.next == &item->age_node;
}

static bool waits_for_all(const struct vgpu_item *item)
{
	return item->engine == VGPU_ENGINE_NONE && (item->cmd.flags & VGPU_CMD_F_ALL);
}

/**
 * vgpu_item_complete() - complete a command, exactly once
 * @item: queued or dispatched
 * @status: enum vgpu_status
 * @value: as the opcode defines
 * @now: time
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_item_complete(struct vgpu_item *item, u16 status, u64 value, u64 now)
{
	struct vgpu_stream *stream = item->stream;
	struct vgpu_session *session = stream->session;
	struct vgpu_counters *counters = &session->dev->counters;
	struct vgpu_stream *waiter, *next;
	struct vgpu_item *oldest;
	bool was_oldest = is_oldest(item);

	if (item->state == VGPU_ITEM_DISPATCHED) {
		struct vgpu_engine_queue *queue = &session->dev->gpu->engine[item->engine];

		stream->dispatched--;
		item->start_ns = queue->last_done_ns;
		queue->last_done_ns = now;
		if (item->run)
			vgpu_run_item_done(session->dev->gpu, item->run, &item->cmd, now);
	}
	vgpu_metrics_complete(session->dev, item, status, now);
	trace_vgpu_complete(session->dev->uuid, session->id, item->seq, item->cmd.opcode, status,
			    vgpu_cmd_bytes(&item->cmd), now);
	if (stream->next == item)
		stream->next = list_is_last(&item->stream_node, &stream->items)
				       ? NULL
				       : list_next_entry(item, stream_node);
	list_del(&item->stream_node);
	list_del(&item->age_node);
	hlist_del(&item->seq_node);
	list_for_each_entry_safe(waiter, next, &item->waiters, wait_node) {
		list_del_init(&waiter->wait_node);
		vgpu_stream_kick(waiter);
	}

	if (status == VGPU_ST_OK) {
		if (item->cmd.opcode == VGPU_OP_LAUNCH)
			counters->launches++;
		else if (item->cmd.opcode == VGPU_OP_COPY_IN)
			counters->bytes_in += vgpu_cmd_bytes(&item->cmd);
		else if (item->cmd.opcode == VGPU_OP_COPY_OUT)
			counters->bytes_out += vgpu_cmd_bytes(&item->cmd);
	}
	vgpu_vet_settle(session, &item->cmd, status);
	vgpu_queue_complete(session, item->seq, status, value);

	item->state = VGPU_ITEM_FREE;
	item->stream = NULL;
	list_add(&item->stream_node, &session->free);

	vgpu_stream_kick(stream);
	if (was_oldest && !list_empty(&session->by_age)) {
		oldest = list_first_entry(&session->by_age, struct vgpu_item, age_node);
		if (waits_for_all(oldest))
			vgpu_stream_kick(oldest->stream);
	}
}

/*
 * Completes the next command if it is one of the kernel's own and nothing is in its way; true if it
 * did.
 */
static bool complete_own(struct vgpu_stream *stream, struct vgpu_item *item, u64 now)
{
	struct vgpu_session *session = stream->session;
	struct vgpu_item *target;
	u64 value = 0;

	if (stream->dispatched)
		return false;
	switch (item->cmd.opcode) {
	case VGPU_OP_STREAM_WAIT:
		target = vgpu_item_by_seq(session, item->cmd.wait.seq);
		if (target) {
			list_add_tail(&stream->wait_node, &target->waiters);
			return false;
		}
		break;
	case VGPU_OP_EVENT_RECORD:
		now = vgpu_now_ns();
		value = now - session->dev->epoch_ns;
		fallthrough;
	default:
		if (waits_for_all(item) && !is_oldest(item))
			return false;
	}
	vgpu_item_complete(item, VGPU_ST_OK, value, now);
	return true;
}

/* As many as can be; false if one of them waits. */
static bool complete_all_own(struct vgpu_stream *stream, u64 now)
{
	bool done = true;

	while (done && stream->next && stream->next->engine == VGPU_ENGINE_NONE)
		done = complete_own(stream, stream->next, now);
	vgpu_metrics_flush(stream->session->dev);
	return done;
}

/* Whether the session's worker takes a command now; asks for a worker where there is none. */
static bool worker_takes(struct vgpu_session *session)
{
	if (session->state != VGPU_SESSION_ACTIVE)
		return false;
	if (session->worker.state == VGPU_WORKER_NONE)
		vgpu_worker_want(session);
	if (session->worker.state != VGPU_WORKER_READY)
		return false;
	if (!vgpu_worker_space(session)) {
		vgpu_worker_ring_full(session);
		return false;
	}
	return true;
}

/**
 * vgpu_stream_advance() - do what can be done for a stream's next command
 * @stream: any
 *
 * Commands of the kernel's own are completed; a stream whose next command may run on an engine is
 * given to the scheduler. Commands of one engine follow each other to the worker without a wait
 * between, those of another engine wait for the ones before.
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_stream_advance(struct vgpu_stream *stream)
{
	struct vgpu_session *session = stream->session;
	struct vgpu_sched_entity *entity = &stream->entity;
	struct vgpu_item *item;
	u64 now;

	if (entity->queued || !list_empty(&stream->wait_node))
		return;
	now = vgpu_now_ns();
	if (!complete_all_own(stream, now))
		return;
	item = stream->next;
	if (!item || (stream->dispatched && stream->engine != item->engine))
		return;
	if (!worker_takes(session))
		return;
	trace_vgpu_enqueue(session->dev->uuid, session->id, item->seq, item->engine);
	entity->engine = item->engine;
	entity->arrival = item->arrival;
	entity->arrival_ns = item->arrival_ns;
	vgpu_sched_enqueue(&session->dev->gpu->sched, entity, now);
}

/**
 * vgpu_session_kick_all() - have all streams of a session looked at
 * @session: whose worker takes commands now
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_session_kick_all(struct vgpu_session *session)
{
	struct vgpu_item *item;

	list_for_each_entry(item, &session->by_age, age_node)
		vgpu_stream_kick(item->stream);
}

static void cancel(struct vgpu_session *session, enum vgpu_item_state state, u16 status)
{
	struct vgpu_item *item, *next;

	list_for_each_entry_safe(item, next, &session->by_age, age_node) {
		if (item->state != state)
			continue;
		if (item->stream->entity.queued)
			vgpu_sched_dequeue(&session->dev->gpu->sched, &item->stream->entity,
					   vgpu_now_ns());
		vgpu_item_complete(item, status, 0, vgpu_now_ns());
	}
}

/**
 * vgpu_session_cancel() - complete the commands that are not with the worker
 * @session: not active any more
 * @status: with which
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_session_cancel(struct vgpu_session *session, u16 status)
{
	cancel(session, VGPU_ITEM_QUEUED, status);
}

/**
 * vgpu_session_cancel_dispatched() - complete the commands that a dead worker had
 * @session: whose worker's file is released: nothing of it can write to the aperture any more
 * @status: with which
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_session_cancel_dispatched(struct vgpu_session *session, u16 status)
{
	cancel(session, VGPU_ITEM_DISPATCHED, status);
}
