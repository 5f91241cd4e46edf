// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Sessions: life, memory and streams.
 *
 *	FREE --create--> ACTIVE --worker dies, hang, nonsense in the queue--> LOST
 *	ACTIVE, LOST --destroy, reset--> CLOSING --worker's file released, pages punched--> FREE
 */

#include "core.h"

static_assert(sizeof(struct vgpu_queue_header) <= VGPU_PAGE_SIZE);
static_assert(sizeof(struct vgpu_cmd) == 64);
static_assert(sizeof(struct vgpu_cqe) == 16);
/* Numbers of ranges fit into vgpu_session.range_order. */
static_assert(VGPU_MAX_RANGES <= 256);

#define CHUNK_AREA_MIN	BIT_ULL(30)
#define CHUNK_AREA_MAX	BIT_ULL(41)

/*
 * Bytes of device addresses in which a new session maps chunks, a power of two: four times the
 * quota, so that a fragmented address range is no reason for running out of memory.
 */
static u64 chunk_area(const struct vgpu_dev *dev)
{
	u64 area = roundup_pow_of_two(dev->limits.memory) * 4;

	return max(CHUNK_AREA_MIN, min(area, CHUNK_AREA_MAX));
}

/**
 * vgpu_device_area() - bytes of device addresses that a worker reserves
 * @session: of which
 *
 * Return: the chunk area and a quarter more, for module globals. Context: any.
 */
u64 vgpu_device_area(const struct vgpu_session *session)
{
	return session->chunk_area + session->chunk_area / 4;
}

/**
 * vgpu_queue_area_size() - bytes of a queue area
 * @sq_entries: of the SQ
 * @cq_entries: of the CQ
 *
 * Return: bytes, page-aligned. Context: any.
 */
u64 vgpu_queue_area_size(u32 sq_entries, u32 cq_entries)
{
	return VGPU_PAGE_SIZE + ALIGN((u64)sq_entries * sizeof(struct vgpu_cmd), VGPU_PAGE_SIZE) +
	       ALIGN((u64)cq_entries * sizeof(struct vgpu_cqe), VGPU_PAGE_SIZE);
}

static bool overlap(const struct vgpu_range *a, u64 offset, u64 len)
{
	return offset < a->offset + a->len && a->offset < offset + len;
}

/* Whether pages of the aperture belong to no queue area and no range yet. */
static bool is_unused(const struct vgpu_dev *dev, u64 offset, u64 len)
{
	const struct vgpu_session *session;
	u32 i, j;

	for (i = 0; i < VGPU_MAX_SESSIONS; i++) {
		session = dev->sessions[i];
		if (!session)
			continue;
		if (overlap(&session->queue, offset, len))
			return false;
		for (j = 0; j < session->num_ranges; j++)
			if (overlap(&session->ranges[j], offset, len))
				return false;
	}
	return true;
}

static bool is_in_aperture(const struct vgpu_dev *dev, u64 offset, u64 len)
{
	return len && len <= dev->limits.aperture && offset <= dev->limits.aperture - len &&
	       IS_ALIGNED(offset | len, VGPU_PAGE_SIZE);
}

static bool is_queue_size(u64 entries)
{
	return entries >= VGPU_QUEUE_MIN && entries <= VGPU_QUEUE_MAX && is_power_of_2(entries);
}

/**
 * vgpu_session_free() - give back the memory of a session that nobody can find any more
 * @session: in no list, without worker, its queue area unmapped; or NULL
 *
 * Context: may sleep.
 */
void vgpu_session_free(struct vgpu_session *session)
{
	u32 i;

	if (!session)
		return;
	for (i = 0; session->streams && i < VGPU_MAX_STREAMS; i++)
		kfree(session->streams[i]);
	kvfree(session->streams);
	kvfree(session->chunks);
	kvfree(session->mapping);
	kvfree(session->aliases);
	kvfree(session->by_seq);
	kvfree(session->pool);
	kvfree(session->ranges);
	kfree(session);
}

static struct vgpu_session *session_alloc(struct vgpu_dev *dev, u32 sq_entries, u32 cq_entries)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT;
	struct vgpu_session *session = kzalloc(sizeof(*session), gfp);
	u32 i;

	if (!session)
		return NULL;
	session->chunk_area = chunk_area(dev);
	session->num_chunks = div64_u64(session->chunk_area, dev->gpu->attach.granule);
	session->ranges = kvcalloc(VGPU_MAX_RANGES, sizeof(*session->ranges), gfp);
	session->pool = kvcalloc(cq_entries, sizeof(*session->pool), gfp);
	session->by_seq = kvcalloc(cq_entries, sizeof(*session->by_seq), gfp);
	session->streams = kvcalloc(VGPU_MAX_STREAMS, sizeof(*session->streams), gfp);
	session->chunks = kvcalloc(BITS_TO_LONGS(session->num_chunks), sizeof(long), gfp);
	session->mapping = kvcalloc(BITS_TO_LONGS(session->num_chunks), sizeof(long), gfp);
	session->aliases = kvcalloc(BITS_TO_LONGS(session->num_chunks), sizeof(long), gfp);
	if (!session->ranges || !session->pool || !session->by_seq || !session->streams ||
	    !session->chunks || !session->mapping || !session->aliases) {
		vgpu_session_free(session);
		return NULL;
	}
	session->dev = dev;
	session->sq_entries = sq_entries;
	session->cq_entries = cq_entries;
	session->hash[0] = get_random_u64();
	session->hash[1] = get_random_u64();
	session->seq_shift = 64 - ilog2(cq_entries);
	session->pool_size = cq_entries;
	INIT_LIST_HEAD(&session->free);
	INIT_LIST_HEAD(&session->by_age);
	INIT_LIST_HEAD(&session->fetch_node);
	INIT_LIST_HEAD(&session->signal_node);
	INIT_LIST_HEAD(&session->worker.spawn_node);
	for (i = 0; i < cq_entries; i++)
		list_add_tail(&session->pool[i].stream_node, &session->free);
	return session;
}

/**
 * vgpu_session_set_state() - the one place where a session's state changes
 * @session: any
 * @state: new
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_session_set_state(struct vgpu_session *session, enum vgpu_session_state state)
{
	session->state = state;
	if (state == VGPU_SESSION_ACTIVE)
		return;
	session->dev->gpu->ops->signal(session->dev, session->vector);
	session->dev->gpu->ops->signal(session->dev, VGPU_VECTOR_CONFIG);
}

/**
 * vgpu_session_create() - VGPU_CTL_SESSION_CREATE
 * @dev: for which
 * @id: session number
 * @offset: of the queue area in the aperture
 * @sq_entries: of the SQ
 * @cq_entries: of the CQ
 * @vector: of its completions
 *
 * Return: VGPU_ST_OK, or what is wrong with the arguments. Context: vgpu_dev.ctl held; may sleep.
 */
enum vgpu_status vgpu_session_create(struct vgpu_dev *dev, u32 id, u64 offset, u64 sq_entries,
				     u64 cq_entries, u64 vector)
{
	struct vgpu_session *session;
	u64 len;
	void *area;

	if (id >= VGPU_MAX_SESSIONS)
		return VGPU_ST_BAD_SESSION;
	id = array_index_nospec(id, VGPU_MAX_SESSIONS);
	if (dev->quarantined)
		return VGPU_ST_QUARANTINED;
	if (id >= dev->limits.sessions)
		return VGPU_ST_LIMIT;
	if (!dev->driver_ok || dev->resetting || dev->sessions[id])
		return VGPU_ST_BAD_STATE;
	if (!is_queue_size(sq_entries) || !is_queue_size(cq_entries) || !vector ||
	    vector >= VGPU_NUM_VECTORS)
		return VGPU_ST_BAD_QUEUE;
	len = vgpu_queue_area_size(sq_entries, cq_entries);
	if (!is_in_aperture(dev, offset, len))
		return VGPU_ST_BAD_APERTURE;
	if (!is_unused(dev, offset, len))
		return VGPU_ST_OVERLAP;

	session = session_alloc(dev, sq_entries, cq_entries);
	if (!session)
		return VGPU_ST_NO_MEMORY;
	area = dev->gpu->ops->map_queue(dev, offset, len);
	if (!area) {
		vgpu_session_free(session);
		return VGPU_ST_NO_MEMORY;
	}
	memset(area, 0, len);
	session->id = id;
	session->vector = vector;
	session->queue.offset = offset;
	session->queue.len = len;
	session->header = area;
	session->sq = area + VGPU_PAGE_SIZE;
	session->cq =
		area + VGPU_PAGE_SIZE + ALIGN(sq_entries * sizeof(struct vgpu_cmd), VGPU_PAGE_SIZE);

	/* A reset does not take vgpu_dev.ctl: it may have begun since. */
	spin_lock(&dev->gpu->lock);
	if (dev->driver_ok && !dev->resetting && !dev->quarantined) {
		dev->sessions[id] = session;
		vgpu_session_set_state(session, VGPU_SESSION_ACTIVE);
		session = NULL;
	}
	spin_unlock(&dev->gpu->lock);
	if (!session)
		return VGPU_ST_OK;
	dev->gpu->ops->unmap_queue(dev, area, offset, len);
	vgpu_session_free(session);
	return VGPU_ST_BAD_STATE;
}

/* How many ranges begin at an offset or before. */
static u32 ranges_up_to(const struct vgpu_session *session, u64 offset)
{
	u32 low = 0, high = session->num_ranges, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (session->ranges[session->range_order[middle]].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void insert_range(struct vgpu_session *session, u64 offset, u64 len)
{
	u32 place = ranges_up_to(session, offset);
	u8 *order = session->range_order;

	memmove(order + place + 1, order + place, session->num_ranges - place);
	order[place] = session->num_ranges;
	session->ranges[session->num_ranges].offset = offset;
	session->ranges[session->num_ranges].len = len;
	session->num_ranges++;
}

/**
 * vgpu_session_add_range() - VGPU_CTL_RANGE_ADD
 * @dev: for which
 * @id: session number
 * @offset: in the aperture
 * @len: bytes
 *
 * Return: VGPU_ST_OK, or what is wrong with the arguments. Context: vgpu_dev.ctl held.
 */
enum vgpu_status vgpu_session_add_range(struct vgpu_dev *dev, u32 id, u64 offset, u64 len)
{
	struct vgpu_session *session;
	enum vgpu_status status = VGPU_ST_OK;

	if (id >= VGPU_MAX_SESSIONS)
		return VGPU_ST_BAD_SESSION;
	id = array_index_nospec(id, VGPU_MAX_SESSIONS);
	if (!is_in_aperture(dev, offset, len))
		return VGPU_ST_BAD_APERTURE;
	if (!is_unused(dev, offset, len))
		return VGPU_ST_OVERLAP;
	spin_lock(&dev->gpu->lock);
	session = dev->sessions[id];
	if (!session || session->state != VGPU_SESSION_ACTIVE)
		status = VGPU_ST_BAD_STATE;
	else if (session->num_ranges == VGPU_MAX_RANGES)
		status = VGPU_ST_LIMIT;
	else
		insert_range(session, offset, len);
	spin_unlock(&dev->gpu->lock);
	return status;
}

/**
 * vgpu_session_in_range() - whether bytes of the aperture lie in one payload range
 * @session: whose ranges
 * @offset: in the aperture
 * @len: bytes
 *
 * Return: true if they do. Context: vgpu_gpu.lock held.
 */
bool vgpu_session_in_range(const struct vgpu_session *session, u64 offset, u64 len)
{
	u32 place = ranges_up_to(session, offset);
	const struct vgpu_range *range;

	/* Ranges do not overlap: the last one that begins before is the one that may hold it. */
	if (!place)
		return false;
	range = &session->ranges[session->range_order[place - 1]];
	return len <= range->len && offset - range->offset <= range->len - len;
}

/**
 * vgpu_session_stream() - a stream by its number
 * @session: whose
 * @number: below VGPU_MAX_STREAMS
 *
 * Return: the stream, made if it is new; NULL if there is no memory. Context: vgpu_gpu.lock held.
 */
struct vgpu_stream *vgpu_session_stream(struct vgpu_session *session, u32 number)
{
	struct vgpu_stream *stream;

	number = array_index_nospec(number, VGPU_MAX_STREAMS);
	stream = session->streams[number];
	if (stream)
		return stream;
	stream = kzalloc(sizeof(*stream), GFP_NOWAIT | __GFP_NOWARN);
	if (!stream)
		return NULL;
	stream->session = session;
	vgpu_sched_entity_init(&stream->entity, &session->dev->sched,
			       session->dev->sched.id << 16 | session->id << 10 | number);
	INIT_LIST_HEAD(&stream->items);
	INIT_LIST_HEAD(&stream->wait_node);
	INIT_LIST_HEAD(&stream->kick_node);
	session->streams[number] = stream;
	return stream;
}

/**
 * vgpu_session_lose() - the session's CUDA process is gone, or has to go
 * @session: nothing happens unless it is active
 * @status: with which the commands complete that it has accepted
 *
 * Commands that the worker has are completed when its file is released: until then it may write to
 * the aperture.
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_session_lose(struct vgpu_session *session, u16 status)
{
	if (session->state != VGPU_SESSION_ACTIVE)
		return;
	session->lost_status = status;
	session->dev->counters.sessions_lost++;
	vgpu_event(session->dev, VGPU_EV_SESSION_LOST, session->id, status, 0, vgpu_now_ns());
	vgpu_session_set_state(session, VGPU_SESSION_LOST);
	vgpu_worker_kill(session);
	vgpu_session_cancel(session, status);
}

/**
 * vgpu_session_close() - begin the end of a session
 * @session: nothing happens if it is closing
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_session_close(struct vgpu_session *session)
{
	struct vgpu_dev *dev = session->dev;

	if (session->state == VGPU_SESSION_CLOSING)
		return;
	if (session->state == VGPU_SESSION_ACTIVE)
		session->lost_status = VGPU_ST_CANCELLED;
	vgpu_session_set_state(session, VGPU_SESSION_CLOSING);
	vgpu_worker_kill(session);
	vgpu_session_cancel(session, VGPU_ST_CANCELLED);
	if (session->worker.state == VGPU_WORKER_NONE)
		dev->gpu->ops->schedule_reap(dev);
}
