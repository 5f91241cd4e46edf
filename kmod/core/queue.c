// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * A session's submission and completion queue. Both lie in memory that the guest writes at any
 * time: every value is read once, into a private copy, and the device's own indices are never read
 * back.
 */

#include "core.h"
#include "trace.h"

#define CU_OUT_OF_MEMORY	2

/* As far ahead of the queue as an index can be: no tail passes it. */
#define NEVER		BIT(31)

/**
 * vgpu_queue_look() - have a session's submission queue looked at
 * @session: any state
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_queue_look(struct vgpu_session *session)
{
	lockdep_assert_held(&session->dev->gpu->lock);
	list_move_tail(&session->fetch_node, &session->dev->gpu->fetching);
}

static void read_cmd(const struct vgpu_cmd *slot, struct vgpu_cmd *cmd)
{
	const u64 *from = (const u64 *)slot;
	u64 *to = (u64 *)cmd;
	size_t i;

	for (i = 0; i < sizeof(*cmd) / sizeof(*to); i++)
		to[i] = READ_ONCE(from[i]);
}

/* Why a command is refused whatever it is, VGPU_ST_OK if it is not. */
static u16 session_status(const struct vgpu_session *session)
{
	if (session->state == VGPU_SESSION_CLOSING)
		return VGPU_ST_CANCELLED;
	if (session->dev->quarantined)
		return VGPU_ST_QUARANTINED;
	if (session->state == VGPU_SESSION_LOST)
		return VGPU_ST_SESSION_LOST;
	return VGPU_ST_OK;
}

static void refuse(struct vgpu_session *session, const struct vgpu_cmd *cmd, u32 seq, u16 status)
{
	trace_vgpu_vet(session->dev->uuid, session->id, seq, cmd->opcode, status, 0);
	vgpu_metrics_refuse(session->dev, status);
	vgpu_queue_complete(session, seq, status, 0);
}

static void accept_cmd(struct vgpu_session *session, const struct vgpu_cmd *cmd, u32 seq, u64 now)
{
	struct vgpu_gpu *gpu = session->dev->gpu;
	struct vgpu_stream *stream;
	struct vgpu_item *item;
	u16 status;

	trace_vgpu_submit(session->dev->uuid, session->id, seq, cmd->opcode);
	status = session_status(session);
	if (status == VGPU_ST_OK) {
		status = vgpu_vet(session, cmd, seq);
		if (status != VGPU_ST_OK) {
			session->dev->counters.rejected++;
			vgpu_strike(session->dev,
				    status == VGPU_ST_QUOTA ? VGPU_STRIKE_QUOTA :
							      VGPU_STRIKE_MALFORMED,
				    session->id, status, now);
		}
	}
	if (status != VGPU_ST_OK) {
		refuse(session, cmd, seq, status);
		return;
	}
	stream = vgpu_session_stream(session, cmd->stream);
	if (!stream) {
		refuse(session, cmd, seq, CU_OUT_OF_MEMORY);
		return;
	}
	vgpu_vet_charge(session, cmd);

	item = list_first_entry(&session->free, struct vgpu_item, stream_node);
	list_del(&item->stream_node);
	item->cmd = *cmd;
	item->seq = seq;
	item->engine = vgpu_op_engine(cmd->opcode);
	item->arrival = gpu->arrivals++;
	item->arrival_ns = now;
	item->gpu_ns = 0;
	trace_vgpu_vet(session->dev->uuid, session->id, seq, cmd->opcode, status, item->arrival_ns);
	vgpu_metrics_accept(session->dev);
	vgpu_stream_append(stream, item);
}

/*
 * Whether a virtual GPU may have one more command refused unread: who is lost or quarantined gets
 * no more of the lock by asking for more.
 */
static bool may_refuse(struct vgpu_dev *dev, u64 now)
{
	if (now - dev->refused_ns >= VGPU_REFUSE_INTERVAL) {
		dev->refused_ns = now;
		dev->refused = 0;
	}
	return dev->refused < VGPU_REFUSE_BATCH;
}

static u64 refuses_again_ns(const struct vgpu_dev *dev)
{
	return dev->refused_ns + VGPU_REFUSE_INTERVAL;
}

/**
 * vgpu_queue_tick() - look again at queues whose commands are refused
 * @gpu: any
 * @now: time
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_queue_tick(struct vgpu_gpu *gpu, u64 now)
{
	struct vgpu_session *session, *next;

	list_for_each_entry_safe(session, next, &gpu->refusing, fetch_node) {
		if (may_refuse(session->dev, now))
			vgpu_queue_look(session);
		else
			vgpu_gpu_need_tick(gpu, refuses_again_ns(session->dev));
	}
}

/* Whether the guest's indices agree with what was fetched and completed. */
static bool indices_sane(const struct vgpu_session *session, u32 tail, u32 cq_head)
{
	return tail - session->sq_head <= session->sq_entries &&
	       tail - cq_head <= session->cq_entries &&
	       session->cq_tail - cq_head <= session->cq_entries;
}

/*
 * Says from which tail on the guest is to ring: from the next, or from none while the queue is
 * polled. The queue is to be looked at once more behind this.
 */
static void ask_for_doorbell(struct vgpu_session *session)
{
	WRITE_ONCE(session->header->sq_event, session->sq_head + (session->polled ? NEVER : 0));
	/* Pairs with the guest's barrier between its store of sq_tail and its load of sq_event. */
	smp_mb();
}

static u32 fetch(struct vgpu_session *session, u32 budget)
{
	struct vgpu_queue_header *header = session->header;
	struct vgpu_dev *dev = session->dev;
	struct vgpu_cmd cmd;
	u32 fetched = 0;
	u32 tail, cq_head;
	u64 now;

	for (;; session->late_ring = true) {
		/* Pairs with the guest, which writes commands, then the tail. */
		tail = smp_load_acquire(&header->sq_tail);
		cq_head = READ_ONCE(header->cq_head);
		/* What is published together arrives together; a clock costs as much as vetting. */
		now = vgpu_now_ns();
		vgpu_metrics_arrive(dev, now);
		if (!indices_sane(session, tail, cq_head)) {
			if (session->state == VGPU_SESSION_ACTIVE) {
				vgpu_strike(dev, VGPU_STRIKE_MALFORMED, session->id, 0, now);
				vgpu_session_lose(session, VGPU_ST_SESSION_LOST);
			}
			return fetched;
		}
		while (session->sq_head != tail) {
			if (dev->waiting >= dev->limits.depth) {
				list_move_tail(&session->fetch_node, &dev->stalled);
				goto out;
			}
			if (vgpu_admit_held(dev, VGPU_BUCKET_COMMAND)) {
				list_move_tail(&session->fetch_node, &dev->paced);
				goto out;
			}
			if (fetched == budget) {
				vgpu_queue_look(session);
				goto out;
			}
			if (session_status(session) != VGPU_ST_OK) {
				if (!may_refuse(dev, now)) {
					list_move_tail(&session->fetch_node, &dev->gpu->refusing);
					vgpu_gpu_need_tick(dev->gpu, refuses_again_ns(dev));
					goto out;
				}
				dev->refused++;
			}
			read_cmd(&session->sq[session->sq_head & (session->sq_entries - 1)], &cmd);
			dev->counters.submitted++;
			dev->waiting++;
			vgpu_admit_spend(dev, VGPU_BUCKET_COMMAND, 1, now);
			accept_cmd(session, &cmd, session->sq_head++, now);
			fetched++;
		}
		WRITE_ONCE(header->sq_head, session->sq_head);
		ask_for_doorbell(session);
		if (READ_ONCE(header->sq_tail) == session->sq_head)
			return fetched;
	}
out:
	/* The guest overwrites what is before the head. */
	smp_store_release(&header->sq_head, session->sq_head);
	return fetched;
}

/**
 * vgpu_queue_fetch() - fetch, vet and accept commands
 * @session: whose queue
 * @budget: commands to fetch at most
 *
 * Where the queue depth stops the fetching, the session is put on its virtual GPU's stalled list;
 * where the bucket of commands does, on the paced list; where the budget does, on the GPU's
 * fetching list; where its commands are refused and others were just now, on the refusing list.
 *
 * Return: commands fetched. Context: vgpu_gpu.lock held.
 */
u32 vgpu_queue_fetch(struct vgpu_session *session, u32 budget)
{
	u32 fetched = fetch(session, budget);

	vgpu_metrics_flush(session->dev);
	return fetched;
}

/* Commands are there, and nothing else has the queue looked at. */
static bool has_news(const struct vgpu_session *session)
{
	return READ_ONCE(session->header->sq_tail) != session->sq_head &&
	       list_empty(&session->fetch_node);
}

static bool is_polled_for(const struct vgpu_session *session)
{
	return session->state == VGPU_SESSION_ACTIVE &&
	       session->worker.state == VGPU_WORKER_READY && list_empty(&session->fetch_node);
}

/**
 * vgpu_queue_poll_begin() - tell the guest that its submissions are seen without a doorbell
 * @session: whose worker asks
 *
 * Return: true if so: vgpu_queue_poll() is called again and again, and vgpu_queue_poll_end() soon;
 * false where looking would be of no use. Context: any process; one at a time for a session.
 */
bool vgpu_queue_poll_begin(struct vgpu_session *session)
{
	struct vgpu_gpu *gpu = session->dev->gpu;
	bool begun;

	spin_lock(&gpu->lock);
	begun = is_polled_for(session) && !session->polled;
	if (begun) {
		session->polled = true;
		/* A submission from before is found by the first vgpu_queue_poll(). */
		ask_for_doorbell(session);
	}
	spin_unlock(&gpu->lock);
	return begun;
}

/**
 * vgpu_queue_poll() - look at a queue that is polled
 * @session: begun
 *
 * Without a lock where there is nothing, so that it costs nobody anything.
 *
 * Return: true if commands were fetched. Context: as vgpu_queue_poll_begin().
 */
bool vgpu_queue_poll(struct vgpu_session *session)
{
	struct vgpu_gpu *gpu = session->dev->gpu;
	bool news;

	/* Read again, under the lock, by who acts on it. */
	if (READ_ONCE(session->header->sq_tail) == READ_ONCE(session->sq_head))
		return false;
	spin_lock(&gpu->lock);
	news = has_news(session);
	if (news) {
		session->late_ring = true;
		vgpu_queue_look(session);
		vgpu_gpu_pump(gpu);
	}
	spin_unlock(&gpu->lock);
	return news;
}

/**
 * vgpu_queue_poll_end() - from now on the guest has to ring
 * @session: begun
 *
 * The guest stores sq_tail, then loads sq_event; here sq_event is stored, then sq_tail loaded, with
 * a full barrier between on both sides. So either the guest sees that it has to ring, or what it
 * submitted is seen here: no submission is lost.
 *
 * Context: as vgpu_queue_poll_begin().
 */
void vgpu_queue_poll_end(struct vgpu_session *session)
{
	struct vgpu_gpu *gpu = session->dev->gpu;

	spin_lock(&gpu->lock);
	session->polled = false;
	ask_for_doorbell(session);
	if (has_news(session)) {
		session->late_ring = true;
		vgpu_queue_look(session);
		vgpu_gpu_pump(gpu);
	}
	spin_unlock(&gpu->lock);
}

/**
 * vgpu_queue_complete() - write a command's completion
 * @session: whose
 * @seq: sequence number
 * @status: enum vgpu_status
 * @value: as the opcode defines
 *
 * There is room: vgpu_queue_fetch() sees to it.
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows and raises the vector.
 */
void vgpu_queue_complete(struct vgpu_session *session, u32 seq, u16 status, u64 value)
{
	struct vgpu_cqe *cqe = &session->cq[session->cq_tail & (session->cq_entries - 1)];
	struct vgpu_dev *dev = session->dev;

	WRITE_ONCE(cqe->value, value);
	WRITE_ONCE(cqe->seq, seq);
	WRITE_ONCE(cqe->status, status);
	/* The guest reads the phase, then the rest; it reads the tail, then entries before it. */
	smp_store_release(&cqe->phase, (u16)(session->cq_tail & session->cq_entries ? 0 : 1));
	session->cq_tail++;
	/* Likewise. */
	smp_store_release(&session->header->cq_tail, session->cq_tail);

	if (status == VGPU_ST_OK)
		dev->counters.completed++;
	else
		dev->counters.failed++;
	dev->waiting--;
	if (!list_empty(&dev->stalled))
		list_splice_tail_init(&dev->stalled, &dev->gpu->fetching);
	if (list_empty(&session->signal_node))
		list_add_tail(&session->signal_node, &dev->gpu->signals);
}

/**
 * vgpu_queue_signal() - raise the vector if the guest asked to be told of a completion since last
 * time
 * @session: whose
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_queue_signal(struct vgpu_session *session)
{
	u32 new = session->cq_tail;
	u32 old = session->cq_signalled;
	u32 event;

	/*
	 * Pairs with the guest's barrier between its store of cq_event and its last look at the
	 * queue.
	 */
	smp_mb();
	event = READ_ONCE(session->header->cq_event);
	session->cq_signalled = new;
	if ((u32)(new - event - 1) < (u32)(new - old))
		session->dev->gpu->ops->signal(session->dev, session->vector);
}
