// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Workers: the process behind a session and the rings shared with it. Nothing that it says is
 * believed unchecked.
 *
 *	NONE --first command--> SPAWNING --bind--> BOUND --ready--> READY
 *	BOUND, READY --kill--> DYING --file released--> NONE
 *	SPAWNING --process died before it bound--> SPAWNING
 *	SPAWNING --deadline, VGPU_SPAWN_TRIES processes died, session closed--> NONE
 *
 * Workers start a few at a time (vgpu_gpu.max_starting), in the order in which they were asked
 * for, but that a virtual GPU with fewer of them starting goes first. The deadline of one counts
 * from when the supervisor has read of it: who waits for a turn waits for others, each of whom has
 * a deadline. One that is missed makes the next ones longer: where starting takes long, to give
 * up a worker and have its guest ask for another would only have the machine start more.
 *
 * vgpu_worker.spawn_node is linked while the kernel waits for the worker with a deadline: in
 * SPAWNING and BOUND, in READY while its ring is full, and in DYING.
 *
 * A process that was killed may take its time to die, in a driver for instance. After
 * VGPU_RELEASE_GRACE its runs hold up nobody else's any more; after VGPU_RELEASE_TIMEOUT its
 * commands are completed too, the pages that it may still write to having been replaced.
 */

#include "core.h"
#include "trace.h"

#define CU_UNKNOWN	999

static_assert((VGPU_EXEC_RING_ENTRIES & (VGPU_EXEC_RING_ENTRIES - 1)) == 0);
static_assert(sizeof(struct vgpu_dispatch) == 96);
static_assert(sizeof(struct vgpu_completion) == 32);

/* A worker takes a place to start in, or leaves it: then it is the turn of another. */
static void set_starting(struct vgpu_session *session, bool starting)
{
	struct vgpu_gpu *gpu = session->dev->gpu;

	if (session->worker.starting == starting)
		return;
	session->worker.starting = starting;
	if (starting) {
		gpu->starting++;
		session->dev->starting++;
		return;
	}
	if (gpu->starting == gpu->max_starting)
		gpu->turn_ns = vgpu_now_ns();
	gpu->starting--;
	session->dev->starting--;
	vgpu_gpu_turn(gpu);
}

/* A worker became ready: where that was soon, the next ones have no need of a long time. */
static void started(struct vgpu_session *session)
{
	struct vgpu_gpu *gpu = session->dev->gpu;

	if (vgpu_now_ns() - session->worker.start_ns < gpu->start_timeout_ns / 4)
		gpu->start_timeout_ns = max(gpu->start_timeout_ns / 2, VGPU_SPAWN_TIMEOUT);
}

static void vgpu_worker_set_state(struct vgpu_session *session, enum vgpu_worker_state state)
{
	struct vgpu_worker *worker = &session->worker;
	struct vgpu_gpu *gpu = session->dev->gpu;

	WRITE_ONCE(worker->state, state);
	switch (state) {
	case VGPU_WORKER_SPAWNING:
		list_add_tail(&worker->spawn_node, &gpu->spawning);
		break;
	case VGPU_WORKER_BOUND:
		break;
	case VGPU_WORKER_READY:
		list_del_init(&worker->spawn_node);
		started(session);
		set_starting(session, false);
		break;
	case VGPU_WORKER_DYING:
		worker->deadline_ns = vgpu_now_ns() + VGPU_RELEASE_GRACE;
		worker->stuck = false;
		list_move_tail(&worker->spawn_node, &gpu->spawning);
		vgpu_gpu_need_tick(gpu, worker->deadline_ns);
		set_starting(session, false);
		break;
	case VGPU_WORKER_NONE:
		list_del_init(&worker->spawn_node);
		set_starting(session, false);
		vgpu_gpu_turn(gpu);
		worker->host = NULL;
		worker->rings = NULL;
		worker->replace = false;
		break;
	}
}

/**
 * vgpu_worker_overdue() - a worker that was killed has not been released in time
 * @session: whose
 * @now: time
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_worker_overdue(struct vgpu_session *session, u64 now)
{
	struct vgpu_worker *worker = &session->worker;
	struct vgpu_gpu *gpu = session->dev->gpu;

	if (!worker->stuck) {
		worker->stuck = true;
		vgpu_event(session->dev, VGPU_EV_WORKER_STUCK, session->id, 0, 0, now);
		worker->deadline_ns = now + VGPU_RELEASE_TIMEOUT - VGPU_RELEASE_GRACE;
		vgpu_gpu_need_tick(gpu, worker->deadline_ns);
		vgpu_gpu_abandon(gpu, session, now);
		return;
	}
	list_del_init(&worker->spawn_node);
	worker->replace = true;
	gpu->ops->schedule_reap(session->dev);
}

static void new_token(struct vgpu_session *session)
{
	do {
		session->worker.token = get_random_u64();
	} while (!session->worker.token);
	vgpu_worker_unbegin(session);
}

/**
 * vgpu_worker_begin() - the supervisor has read that a session needs a worker
 * @session: whose turn it is
 *
 * The deadline that it has stands even where the supervisor dies, or the worker does.
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_worker_begin(struct vgpu_session *session)
{
	struct vgpu_worker *worker = &session->worker;

	if (!worker->start_ns) {
		worker->start_ns = vgpu_now_ns();
		worker->deadline_ns = worker->start_ns + session->dev->gpu->start_timeout_ns;
	}
	worker->reported = true;
	set_starting(session, true);
}

/**
 * vgpu_worker_unbegin() - the supervisor is to read once more that a session needs a worker
 * @session: whose worker is awaited
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_worker_unbegin(struct vgpu_session *session)
{
	session->worker.reported = false;
	set_starting(session, false);
}

/**
 * vgpu_worker_late() - a worker was not ready in time
 * @session: whose worker is awaited
 * @now: time, not before the deadline
 *
 * Who has waited for a turn alone goes on waiting, as long as turns are taken. The others are lost;
 * once for all that started together the next ones are given twice the time.
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_worker_late(struct vgpu_session *session, u64 now)
{
	struct vgpu_worker *worker = &session->worker;
	struct vgpu_gpu *gpu = session->dev->gpu;

	if (!worker->start_ns) {
		if (gpu->starting == gpu->max_starting)
			gpu->turn_ns = now;
		worker->deadline_ns = gpu->turn_ns + VGPU_SPAWN_TIMEOUT;
		if (now < worker->deadline_ns) {
			vgpu_gpu_need_tick(gpu, worker->deadline_ns);
			return;
		}
	} else if (worker->starting && worker->start_ns >= gpu->slowed_ns) {
		gpu->slowed_ns = now;
		gpu->start_timeout_ns = min(gpu->start_timeout_ns * 2, VGPU_SPAWN_TIMEOUT_MAX);
	}
	vgpu_session_lose(session, VGPU_ST_NO_EXECUTOR);
}

/**
 * vgpu_worker_want() - ask the supervisor for a worker
 * @session: active, without worker
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_worker_want(struct vgpu_session *session)
{
	struct vgpu_worker *worker = &session->worker;
	struct vgpu_gpu *gpu = session->dev->gpu;

	new_token(session);
	worker->tries = 0;
	worker->start_ns = 0;
	worker->generation = ++gpu->generations;
	worker->deadline_ns = vgpu_now_ns() + VGPU_SPAWN_TIMEOUT;
	worker->dispatch_tail = 0;
	worker->consumed = 0;
	worker->completion_head = 0;
	worker->ranges_sent = 0;
	vgpu_worker_set_state(session, VGPU_WORKER_SPAWNING);
	vgpu_gpu_need_tick(gpu, worker->deadline_ns);
	vgpu_gpu_turn(gpu);
}

/**
 * vgpu_worker_retry() - a worker has died before it bound
 * @session: whose worker is awaited
 * @status: with which the session is lost where too many did
 *
 * The supervisor is asked for another, with another token; the deadline stays.
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_worker_retry(struct vgpu_session *session, u16 status)
{
	if (++session->worker.tries == VGPU_SPAWN_TRIES) {
		vgpu_session_lose(session, status);
		return;
	}
	new_token(session);
	vgpu_gpu_turn(session->dev->gpu);
}

/**
 * vgpu_worker_ring_full() - commands wait for the worker to consume dispatch entries
 * @session: whose worker is ready
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_worker_ring_full(struct vgpu_session *session)
{
	struct vgpu_worker *worker = &session->worker;
	struct vgpu_gpu *gpu = session->dev->gpu;

	if (session->ring_full)
		return;
	session->ring_full = true;
	worker->deadline_ns = vgpu_now_ns() + session->dev->limits.deadline_ns;
	list_add_tail(&worker->spawn_node, &gpu->spawning);
	vgpu_gpu_need_tick(gpu, worker->deadline_ns);
}

/**
 * vgpu_worker_void_tokens() - forget what a supervisor that is gone was asked for
 * @gpu: whose
 *
 * The next supervisor is asked again, with other tokens.
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_worker_void_tokens(struct vgpu_gpu *gpu)
{
	struct vgpu_session *session;

	list_for_each_entry(session, &gpu->spawning, worker.spawn_node)
		if (session->worker.state == VGPU_WORKER_SPAWNING)
			new_token(session);
}

/**
 * vgpu_worker_kill() - make a session's worker go away
 * @session: with or without worker
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_worker_kill(struct vgpu_session *session)
{
	const struct vgpu_host_ops *ops = session->dev->gpu->ops;

	switch (session->worker.state) {
	case VGPU_WORKER_SPAWNING:
		vgpu_worker_set_state(session, VGPU_WORKER_NONE);
		break;
	case VGPU_WORKER_BOUND:
	case VGPU_WORKER_READY:
		vgpu_worker_set_state(session, VGPU_WORKER_DYING);
		trace_vgpu_kill(session->dev->uuid, session->id, session->worker.generation,
				session->lost_status);
		ops->kill_worker(&session->worker);
		ops->wake_worker(&session->worker);
		break;
	}
}

/**
 * vgpu_worker_bind() - VGPU_EXEC_BIND
 * @gpu: to look in
 * @bind: as the process gave it; filled in
 * @rings: zeroed; the worker's until vgpu_worker_release()
 * @host: the host's own
 *
 * Return: the session, NULL if the token is of none of this GPU's. Context: any process.
 */
struct vgpu_session *vgpu_worker_bind(struct vgpu_gpu *gpu, struct vgpu_exec_bind *bind,
				      struct vgpu_exec_rings *rings, void *host)
{
	struct vgpu_session *session, *found = NULL;
	struct vgpu_worker *worker;
	u64 now = vgpu_now_ns();

	spin_lock(&gpu->lock);
	list_for_each_entry(session, &gpu->spawning, worker.spawn_node) {
		worker = &session->worker;
		if (worker->state == VGPU_WORKER_SPAWNING && worker->reported &&
		    worker->token == bind->token && now < worker->deadline_ns) {
			found = session;
			break;
		}
	}
	if (found) {
		worker = &found->worker;
		worker->rings = rings;
		worker->host = host;
		worker->token = 0;
		vgpu_worker_set_state(found, VGPU_WORKER_BOUND);
		bind->generation = worker->generation;
		bind->session = found->id;
		memcpy(bind->uuid, found->dev->uuid, sizeof(bind->uuid));
		bind->device_size = vgpu_device_area(found);
		bind->chunk_size = found->chunk_area;
		bind->aperture_size = found->dev->limits.aperture;
		bind->granule = gpu->attach.granule;
		bind->memory = found->dev->limits.memory;
		bind->tier = found->dev->limits.tier;
	}
	spin_unlock(&gpu->lock);
	return found;
}

static bool addresses_sane(const struct vgpu_session *session, const struct vgpu_exec_ready *ready)
{
	u64 granule = session->dev->gpu->attach.granule;
	u64 device_size = vgpu_device_area(session);
	u64 aperture_size = session->dev->limits.aperture;

	if (!ready->device_base || !IS_ALIGNED(ready->device_base, granule) ||
	    ready->device_base > VGPU_ADDRESS_MAX ||
	    device_size > VGPU_ADDRESS_MAX - ready->device_base)
		return false;
	if (!ready->aperture_base || !IS_ALIGNED(ready->aperture_base, VGPU_PAGE_SIZE) ||
	    ready->aperture_base > VGPU_ADDRESS_MAX ||
	    aperture_size > VGPU_ADDRESS_MAX - ready->aperture_base)
		return false;
	return ready->device_base + device_size <= ready->aperture_base ||
	       ready->aperture_base + aperture_size <= ready->device_base;
}

/**
 * vgpu_worker_ready() - VGPU_EXEC_READY
 * @session: as bound
 * @ready: as the process gave it
 *
 * Return: 0; -EINVAL for addresses that do not fit; -EBUSY if it said so before; -ENODEV if it has
 * to end.
 * Context: any process.
 */
int vgpu_worker_ready(struct vgpu_session *session, const struct vgpu_exec_ready *ready)
{
	struct vgpu_gpu *gpu = session->dev->gpu;
	struct vgpu_worker *worker = &session->worker;
	int err = 0;

	spin_lock(&gpu->lock);
	if (worker->state == VGPU_WORKER_READY) {
		err = -EBUSY;
	} else if (worker->state != VGPU_WORKER_BOUND) {
		err = -ENODEV;
	} else if (ready->reserved[0] || ready->reserved[1] || ready->reserved[2] ||
		   ready->status > CU_UNKNOWN) {
		err = -EINVAL;
	} else if (ready->status) {
		vgpu_session_lose(session, ready->status);
	} else if (!addresses_sane(session, ready)) {
		err = -EINVAL;
	} else {
		worker->device_base = ready->device_base;
		worker->aperture_base = ready->aperture_base;
		vgpu_worker_set_state(session, VGPU_WORKER_READY);
		vgpu_session_kick_all(session);
	}
	vgpu_gpu_pump(gpu);
	spin_unlock(&gpu->lock);
	return err;
}

static struct vgpu_dispatch *next_dispatch(struct vgpu_session *session,
					   enum vgpu_dispatch_kind kind)
{
	struct vgpu_worker *worker = &session->worker;
	struct vgpu_dispatch *entry =
		&worker->rings->dispatch[worker->dispatch_tail % VGPU_EXEC_RING_ENTRIES];

	memset(entry, 0, sizeof(*entry));
	entry->generation = worker->generation;
	entry->kind = kind;
	return entry;
}

static void publish_dispatch(struct vgpu_worker *worker)
{
	worker->dispatch_tail++;
	/* The worker reads the tail, then the entries before it. */
	smp_store_release(&worker->rings->dispatch_tail, worker->dispatch_tail);
}

static u32 free_entries(struct vgpu_worker *worker)
{
	u32 used;

	used = worker->dispatch_tail - READ_ONCE(worker->rings->dispatch_head);
	return used <= VGPU_EXEC_RING_ENTRIES ? VGPU_EXEC_RING_ENTRIES - used : 0;
}

/**
 * vgpu_worker_space() - commands that may be dispatched now
 * @session: whose worker is ready
 *
 * Tells the worker first of ranges that it does not know.
 *
 * Return: entries free in the dispatch ring. Context: vgpu_gpu.lock held.
 */
u32 vgpu_worker_space(struct vgpu_session *session)
{
	struct vgpu_worker *worker = &session->worker;
	struct vgpu_dispatch *entry;
	u32 space = free_entries(worker);

	if (worker->ranges_sent == session->num_ranges || !space)
		return space;
	while (worker->ranges_sent < session->num_ranges && space) {
		entry = next_dispatch(session, VGPU_DISPATCH_RANGE);
		entry->cmd.raw[0] = session->ranges[worker->ranges_sent].offset;
		entry->cmd.raw[1] = session->ranges[worker->ranges_sent].len;
		publish_dispatch(worker);
		worker->ranges_sent++;
		space--;
	}
	session->dev->gpu->ops->wake_worker(worker);
	return worker->ranges_sent == session->num_ranges ? space : 0;
}

/**
 * vgpu_worker_dispatch() - hand a command to the worker
 * @session: whose; vgpu_worker_space() was not 0
 * @item: queued, its run set
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_worker_dispatch(struct vgpu_session *session, struct vgpu_item *item)
{
	struct vgpu_dispatch *entry = next_dispatch(session, VGPU_DISPATCH_CMD);

	entry->tag = (u64)item->seq << 32 | (u32)(item - session->pool);
	entry->engine = item->engine;
	entry->run = item->run->id;
	entry->cmd = item->cmd;
	item->state = VGPU_ITEM_DISPATCHED;
	publish_dispatch(&session->worker);
}

/*
 * CUresults that mean that a kernel faulted: from CUDA_ERROR_ILLEGAL_ADDRESS to
 * CUDA_ERROR_LAUNCH_FAILED, as cuda.h numbers them. They are the worker's word: they cost the
 * virtual GPU a strike, which its own kernels can earn it anyway.
 */
static bool is_fault(u32 status)
{
	return status == 700 || status == 710 || (status >= 714 && status <= 719);
}

static void take_completion(struct vgpu_session *session, const struct vgpu_completion *completion)
{
	u32 index = (u32)completion->tag;
	struct vgpu_item *item;

	if (index >= session->pool_size || completion->generation != session->worker.generation) {
		session->dev->counters.bad_completions++;
		return;
	}
	item = &session->pool[array_index_nospec(index, session->pool_size)];
	if (item->state != VGPU_ITEM_DISPATCHED || item->seq != completion->tag >> 32) {
		session->dev->counters.bad_completions++;
		return;
	}
	if (is_fault(completion->status) && !session->faulted) {
		session->faulted = true;
		vgpu_strike(session->dev, VGPU_STRIKE_FAULT, session->id, completion->status,
			    vgpu_now_ns());
	}
	item->gpu_ns = completion->gpu_ns;
	vgpu_item_complete(item, completion->status <= CU_UNKNOWN ? completion->status : CU_UNKNOWN,
			   completion->value, vgpu_now_ns());
}

static void read_completion(const struct vgpu_completion *slot, struct vgpu_completion *completion)
{
	completion->tag = READ_ONCE(slot->tag);
	completion->generation = READ_ONCE(slot->generation);
	completion->status = READ_ONCE(slot->status);
	completion->value = READ_ONCE(slot->value);
	completion->gpu_ns = READ_ONCE(slot->gpu_ns);
}

static void take_completions(struct vgpu_session *session)
{
	struct vgpu_worker *worker = &session->worker;
	struct vgpu_exec_rings *rings = worker->rings;
	const struct vgpu_completion *slot;
	struct vgpu_completion completion;
	u32 tail;

	/* Pairs with the worker, which writes entries, then the tail. */
	tail = smp_load_acquire(&rings->completion_tail);

	if (tail - worker->completion_head > VGPU_EXEC_RING_ENTRIES) {
		session->dev->counters.bad_completions++;
		vgpu_session_lose(session, VGPU_ST_SESSION_LOST);
		return;
	}
	while (worker->completion_head != tail) {
		slot = &rings->completion[worker->completion_head++ % VGPU_EXEC_RING_ENTRIES];
		read_completion(slot, &completion);
		take_completion(session, &completion);
	}
	/* The worker overwrites what is before the head. */
	smp_store_release(&rings->completion_head, worker->completion_head);
}

/**
 * vgpu_worker_take() - take a worker's completions: VGPU_EXEC_KICK and the first half of
 * VGPU_EXEC_WAIT
 * @session: as bound
 * @consumed: dispatch entries that the worker has consumed, NULL if it did not say
 * @tail: set to the index after the last dispatch entry, unless NULL
 *
 * Return: 0; -EINVAL if it has consumed more than there was; -ENODEV if it has to end. Context: any
 * process.
 */
int vgpu_worker_take(struct vgpu_session *session, const u32 *consumed, u32 *tail)
{
	struct vgpu_gpu *gpu = session->dev->gpu;
	struct vgpu_worker *worker = &session->worker;
	int err = 0;

	spin_lock(&gpu->lock);
	if (worker->state == VGPU_WORKER_READY)
		take_completions(session);
	/* Who calls and makes no room goes on having the time that it had. */
	if (session->ring_full && worker->state == VGPU_WORKER_READY && free_entries(worker)) {
		session->ring_full = false;
		list_del_init(&worker->spawn_node);
		vgpu_session_kick_all(session);
	}
	vgpu_gpu_pump(gpu);
	if (worker->state != VGPU_WORKER_READY && worker->state != VGPU_WORKER_BOUND)
		err = -ENODEV;
	else if (consumed && worker->dispatch_tail - *consumed > VGPU_EXEC_RING_ENTRIES)
		err = -EINVAL;
	else if (consumed)
		worker->consumed = *consumed;
	if (tail)
		*tail = worker->dispatch_tail;
	spin_unlock(&gpu->lock);
	return err;
}

/**
 * vgpu_worker_release() - a worker's file was released: its process can do nothing any more
 * @session: as bound; may be gone when this returns
 *
 * Commands that it had are completed, as lost unless the session said otherwise.
 *
 * Context: any process.
 */
void vgpu_worker_release(struct vgpu_session *session)
{
	struct vgpu_dev *dev = session->dev;
	struct vgpu_gpu *gpu = dev->gpu;

	spin_lock(&gpu->lock);
	if (session->worker.state == VGPU_WORKER_READY) {
		take_completions(session);
		/* Without a supervisor it was the host that went. */
		if (gpu->attached && !list_empty(&session->by_age))
			vgpu_strike(dev, VGPU_STRIKE_FAULT, session->id, 0, vgpu_now_ns());
	}
	vgpu_session_lose(session, VGPU_ST_SESSION_LOST);
	vgpu_worker_set_state(session, VGPU_WORKER_NONE);
	vgpu_session_cancel_dispatched(session, session->lost_status);
	vgpu_gpu_pump(gpu);
	if (session->state == VGPU_SESSION_CLOSING)
		gpu->ops->schedule_reap(dev);
	spin_unlock(&gpu->lock);
}

/**
 * vgpu_worker_may_fault() - whether a worker may still get pages of what it has mapped
 * @session: as bound; a mapping holds its worker's file
 *
 * A worker that was killed may go on for a while in a driver; the pages of its session are replaced
 * then, and the new ones are not for it.
 *
 * Return: true if it may. Context: any.
 */
bool vgpu_worker_may_fault(const struct vgpu_session *session)
{
	return READ_ONCE(session->worker.state) == VGPU_WORKER_READY;
}

/**
 * vgpu_worker_may_map() - whether a worker may map pages of the aperture
 * @session: as bound
 * @offset: in the aperture
 * @len: bytes
 *
 * Return: true if they lie in one of the session's payload ranges. Context: any process.
 */
bool vgpu_worker_may_map(struct vgpu_session *session, u64 offset, u64 len)
{
	struct vgpu_gpu *gpu = session->dev->gpu;
	bool may;

	spin_lock(&gpu->lock);
	may = session->state == VGPU_SESSION_ACTIVE && session->worker.state == VGPU_WORKER_READY &&
	      vgpu_session_in_range(session, offset, len);
	spin_unlock(&gpu->lock);
	return may;
}
