// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * A physical GPU: its supervisor, its dispatch windows, its watchdog, and the pump that moves
 * everything on.
 */

#include "core.h"
#include "trace.h"

#define CU_LAUNCH_TIMEOUT	702
#define CU_UNKNOWN		999
#define GRANULE_MIN		(64ULL << 10)
#define GRANULE_MAX		BIT_ULL(30)

static bool name_is_sane(const char *name, size_t size)
{
	size_t len = strnlen(name, size);
	size_t i;

	if (!len || len == size || name[0] == '.' || name[0] == '-')
		return false;
	for (i = 0; i < len; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') &&
		    !strchr("._-", name[i]))
			return false;
	return true;
}

/**
 * vgpu_attach_check() - whether a supervisor's description of its GPU makes sense
 * @attach: as the process gave it
 * @why: set to the reason where it does not
 *
 * Return: 0 or -EINVAL. Context: any.
 */
int vgpu_attach_check(const struct vgpu_exec_attach *attach, const char **why)
{
	const struct vgpu_gpu_info *info = &attach->info;

	if (attach->version != VGPU_EXEC_VERSION)
		*why = "executor and module speak different versions: install the same of both";
	else if (attach->flags & ~VGPU_ATTACH_FLAGS_ALL || attach->reserved[0] ||
		 attach->reserved[1] || attach->reserved[2] || attach->reserved[3])
		*why = "flags are unknown or reserved fields are not zero";
	else if (!name_is_sane(attach->name, sizeof(attach->name)))
		*why = "name is not of 1 to 31 characters a-z 0-9 . _ -";
	else if (strnlen(attach->pci, sizeof(attach->pci)) == sizeof(attach->pci))
		*why = "PCI address is not terminated";
	else if (!is_power_of_2(attach->granule) || attach->granule < GRANULE_MIN ||
		 attach->granule > GRANULE_MAX)
		*why = "granule is not a power of two from 64 KiB to 1 GiB";
	else if (attach->memory < attach->granule || attach->memory > 1ULL << 44)
		*why = "memory is not between one granule and 16 TiB";
	else if (attach->session_overhead >= attach->memory)
		*why = "session overhead is not less than the memory";
	else if (info->version != VGPU_GPU_INFO_VERSION || info->size != sizeof(*info))
		*why = "GPU information is of another version";
	else if (info->num_attrs > VGPU_NUM_ATTRS ||
		 strnlen(info->name, sizeof(info->name)) == sizeof(info->name))
		*why = "GPU information is malformed";
	else
		return 0;
	return -EINVAL;
}

/**
 * vgpu_gpu_init() - a GPU without supervisor
 * @gpu: to be set up
 * @attach: checked by vgpu_attach_check()
 * @ops: of the host
 * @host: the host's own
 *
 * Return: 0 or -ENOMEM. Context: may sleep.
 */
int vgpu_gpu_init(struct vgpu_gpu *gpu, const struct vgpu_exec_attach *attach,
		  const struct vgpu_host_ops *ops, void *host)
{
	size_t i;

	memset(gpu, 0, sizeof(*gpu));
	spin_lock_init(&gpu->lock);
	vgpu_tally_init(&gpu->past);
	gpu->ops = ops;
	gpu->host = host;
	gpu->attach = *attach;
	gpu->max_starting = VGPU_STARTS;
	gpu->start_timeout_ns = VGPU_SPAWN_TIMEOUT;
	INIT_LIST_HEAD(&gpu->devs);
	INIT_LIST_HEAD(&gpu->pool_node);
	INIT_LIST_HEAD(&gpu->free_runs);
	INIT_LIST_HEAD(&gpu->spawning);
	INIT_LIST_HEAD(&gpu->fetching);
	INIT_LIST_HEAD(&gpu->refusing);
	INIT_LIST_HEAD(&gpu->kicks);
	INIT_LIST_HEAD(&gpu->signals);
	INIT_LIST_HEAD(&gpu->held);
	INIT_LIST_HEAD(&gpu->condemned);
	INIT_LIST_HEAD(&gpu->quarantined);
	for (i = 0; i < VGPU_ENGINE_COUNT; i++)
		INIT_LIST_HEAD(&gpu->engine[i].runs);
	for (i = 0; i < ARRAY_SIZE(gpu->run_pool); i++)
		list_add_tail(&gpu->run_pool[i].node, &gpu->free_runs);
	return vgpu_sched_init(&gpu->sched, VGPU_SCHED_VMS);
}

static void gpu_event(struct vgpu_gpu *gpu, enum vgpu_event_type type)
{
	const struct vgpu_event event = {
		.type = type,
		.session = VGPU_NO_SESSION,
		.time_ns = vgpu_now_ns(),
	};

	if (gpu->ops->event)
		gpu->ops->event(gpu, NULL, &event);
}

/**
 * vgpu_gpu_attach() - a supervisor serves the GPU
 * @gpu: set up
 * @attach: checked by vgpu_attach_check()
 * @why: set to the reason where it may not
 *
 * Return: 0; -EBUSY if another does; -EINVAL if this is not the GPU that it was. Context: any
 * process.
 */
int vgpu_gpu_attach(struct vgpu_gpu *gpu, const struct vgpu_exec_attach *attach, const char **why)
{
	int err = 0;

	spin_lock(&gpu->lock);
	if (gpu->attached) {
		*why = "another supervisor serves this GPU";
		err = -EBUSY;
	} else if (strcmp(gpu->attach.pci, attach->pci)) {
		*why = "a GPU of this name has another PCI address";
		err = -EINVAL;
	} else if (gpu->num_devs &&
		   (gpu->attach.granule != attach->granule || attach->memory < gpu->memory_given)) {
		*why = "granule or memory do not fit the existing virtual GPUs: remove them";
		err = -EINVAL;
	} else {
		gpu->attach = *attach;
		gpu->attached = true;
		gpu_event(gpu, VGPU_EV_SUPERVISOR_ATTACHED);
		gpu->asked_ns = 0;
		vgpu_gpu_turn(gpu);
	}
	spin_unlock(&gpu->lock);
	return err;
}

/**
 * vgpu_gpu_detach() - the GPU's supervisor is gone
 * @gpu: attached
 *
 * Workers that run go on.
 *
 * Context: any process.
 */
void vgpu_gpu_detach(struct vgpu_gpu *gpu)
{
	spin_lock(&gpu->lock);
	gpu->attached = false;
	gpu_event(gpu, VGPU_EV_SUPERVISOR_LOST);
	vgpu_worker_void_tokens(gpu);
	spin_unlock(&gpu->lock);
}

/**
 * vgpu_gpu_lose() - the GPU cannot be used any more, until a supervisor attaches again
 * @gpu: without supervisor
 *
 * Sessions that have a worker are lost; the others wait, as they do without a supervisor.
 *
 * Context: any process.
 */
void vgpu_gpu_lose(struct vgpu_gpu *gpu)
{
	struct vgpu_dev *dev;
	u32 i;

	spin_lock(&gpu->lock);
	list_for_each_entry(dev, &gpu->devs, gpu_node)
		for (i = 0; i < VGPU_MAX_SESSIONS; i++)
			if (dev->sessions[i] && dev->sessions[i]->worker.state >= VGPU_WORKER_BOUND)
				vgpu_session_lose(dev->sessions[i], VGPU_ST_SESSION_LOST);
	vgpu_gpu_pump(gpu);
	spin_unlock(&gpu->lock);
}

/**
 * vgpu_gpu_destroy() - end of a GPU
 * @gpu: without supervisor and virtual GPUs, in no pool; no tick is under way
 *
 * Context: any.
 */
void vgpu_gpu_destroy(struct vgpu_gpu *gpu)
{
	vgpu_sched_destroy(&gpu->sched);
	vgpu_tally_clear(&gpu->past);
	gpu->ops = NULL;
}

/*
 * The session whose worker is to start next: of the virtual GPUs with the fewest that start, the
 * one that has waited longest. NULL while there is none, or no place to start in.
 */
static struct vgpu_session *unreported(struct vgpu_gpu *gpu)
{
	struct vgpu_session *session, *next = NULL;

	if (gpu->starting >= gpu->max_starting)
		return NULL;
	list_for_each_entry(session, &gpu->spawning, worker.spawn_node) {
		if (session->worker.state != VGPU_WORKER_SPAWNING || session->worker.reported)
			continue;
		if (!next || session->dev->starting < next->dev->starting)
			next = session;
		if (!next->dev->starting)
			break;
	}
	return next;
}

/**
 * vgpu_gpu_has_event() - whether the supervisor has something to read
 * @gpu: attached
 *
 * Return: true if vgpu_gpu_next_event() would find something. Context: any process.
 */
bool vgpu_gpu_has_event(struct vgpu_gpu *gpu)
{
	bool has;

	spin_lock(&gpu->lock);
	has = unreported(gpu);
	spin_unlock(&gpu->lock);
	return has;
}

/**
 * vgpu_gpu_next_event() - what the supervisor has to do next
 * @gpu: attached
 * @event: filled in
 *
 * Return: false if there is nothing. Context: any process.
 */
bool vgpu_gpu_next_event(struct vgpu_gpu *gpu, struct vgpu_exec_event *event)
{
	struct vgpu_session *session;

	spin_lock(&gpu->lock);
	session = unreported(gpu);
	if (session) {
		vgpu_worker_begin(session);
		memset(event, 0, sizeof(*event));
		event->type = VGPU_EVENT_SPAWN;
		event->session = session->id;
		event->token = session->worker.token;
		event->deadline_ns = session->worker.deadline_ns;
		memcpy(event->uuid, session->dev->uuid, sizeof(event->uuid));
		gpu->asked_ns = 0;
		vgpu_gpu_turn(gpu);
	}
	spin_unlock(&gpu->lock);
	return session;
}

static struct vgpu_session *reported(struct vgpu_gpu *gpu, u64 token)
{
	struct vgpu_session *session;

	list_for_each_entry(session, &gpu->spawning, worker.spawn_node)
		if (session->worker.state == VGPU_WORKER_SPAWNING && session->worker.reported &&
		    session->worker.token == token)
			return session;
	return NULL;
}

/**
 * vgpu_gpu_unread_event() - an event did not reach the supervisor: it is still to be read
 * @gpu: any
 * @event: from vgpu_gpu_next_event(); nothing happens if it has come to nothing since
 *
 * Context: any process.
 */
void vgpu_gpu_unread_event(struct vgpu_gpu *gpu, const struct vgpu_exec_event *event)
{
	struct vgpu_session *session;

	spin_lock(&gpu->lock);
	session = reported(gpu, event->token);
	if (session)
		vgpu_worker_unbegin(session);
	spin_unlock(&gpu->lock);
}

/**
 * vgpu_gpu_spawn_failed() - VGPU_EXEC_SPAWN_FAILED
 * @gpu: attached
 * @failed: as the supervisor gave it
 *
 * Return: 0; -EINVAL for a status that is no CUresult; -ENOENT if nobody waits for a worker with
 * this token any more. Context: any process.
 */
int vgpu_gpu_spawn_failed(struct vgpu_gpu *gpu, const struct vgpu_exec_spawn_failed *failed)
{
	struct vgpu_session *session;
	int err = -ENOENT;

	if (failed->status > CU_UNKNOWN || failed->reserved)
		return -EINVAL;
	spin_lock(&gpu->lock);
	session = reported(gpu, failed->token);
	if (session) {
		err = 0;
		vgpu_worker_retry(session, failed->status ?: VGPU_ST_NO_EXECUTOR);
		vgpu_gpu_pump(gpu);
	}
	spin_unlock(&gpu->lock);
	return err;
}

/**
 * vgpu_gpu_ask() - there is something for the supervisor to read
 * @gpu: with or without supervisor
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_gpu_ask(struct vgpu_gpu *gpu)
{
	if (gpu->attached && !gpu->asked_ns) {
		gpu->asked_ns = vgpu_now_ns();
		vgpu_gpu_need_tick(gpu, gpu->asked_ns + VGPU_EVENT_TIMEOUT);
	}
	gpu->ops->wake_supervisor(gpu);
}

/**
 * vgpu_gpu_turn() - have the supervisor read of the session whose turn it is, if there is one
 * @gpu: with or without supervisor
 *
 * Where there is none any more, nothing is left that it could be late with.
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_gpu_turn(struct vgpu_gpu *gpu)
{
	if (unreported(gpu))
		vgpu_gpu_ask(gpu);
	else
		gpu->asked_ns = 0;
}

/**
 * vgpu_gpu_need_tick() - have vgpu_gpu_tick() called
 * @gpu: any
 * @when_ns: at this time or before
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_gpu_need_tick(struct vgpu_gpu *gpu, u64 when_ns)
{
	if (gpu->tick_ns && gpu->tick_ns <= when_ns)
		return;
	gpu->tick_ns = when_ns;
	gpu->ops->schedule_tick(gpu, when_ns);
}

static u64 deadline_of(const struct vgpu_run *run)
{
	return run->watched_ns + run->session->dev->limits.deadline_ns;
}

static void begin(struct vgpu_gpu *gpu, struct vgpu_run *run, u64 now)
{
	run->watched_ns = now;
	vgpu_gpu_need_tick(gpu, deadline_of(run));
}

static void end_run(struct vgpu_gpu *gpu, struct vgpu_run *run, u64 now)
{
	struct vgpu_engine_queue *queue = &gpu->engine[run->engine];
	bool was_oldest = queue->runs.next == &run->node;

	vgpu_sched_done(&gpu->sched, &run->sched, now);
	if (run->engine == VGPU_ENGINE_COMPUTE)
		vgpu_admit_correct(run->session->dev, run->admitted_ns, run->sched.used_ns, now);
	queue->inflight--;
	list_move_tail(&run->node, &gpu->free_runs);
	if (was_oldest && queue->inflight)
		begin(gpu, list_first_entry(&queue->runs, struct vgpu_run, node), now);
}

/**
 * vgpu_run_item_done() - a dispatched command has completed
 * @gpu: on which
 * @run: of which it was part
 * @cmd: the command
 * @now: time
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_run_item_done(struct vgpu_gpu *gpu, struct vgpu_run *run, const struct vgpu_cmd *cmd,
			u64 now)
{
	run->watched_ns = now;
	vgpu_sched_sync(&gpu->sched, run->engine, now);
	vgpu_cost_learn(run->session, cmd, run->sched.used_ns - run->learned_ns);
	run->learned_ns = run->sched.used_ns;
	if (!--run->pending) {
		end_run(gpu, run, now);
	} else if (run->engine == VGPU_ENGINE_COMPUTE && run->sched.used_ns > run->admitted_ns) {
		vgpu_admit_correct(run->session->dev, run->admitted_ns, run->sched.used_ns, now);
		run->admitted_ns = run->sched.used_ns;
	}
}

/**
 * vgpu_gpu_abandon() - take a session's runs out of the dispatch windows
 * @gpu: on which
 * @session: whose worker was killed and lingers
 * @now: time
 *
 * Their commands stay with the worker until its release: it may still write to the aperture.
 *
 * Context: vgpu_gpu.lock held; vgpu_gpu_pump() follows.
 */
void vgpu_gpu_abandon(struct vgpu_gpu *gpu, struct vgpu_session *session, u64 now)
{
	struct vgpu_run *run, *next;
	struct vgpu_item *item;
	u32 engine;

	list_for_each_entry(item, &session->by_age, age_node)
		item->run = NULL;
	for (engine = 0; engine < VGPU_ENGINE_COUNT; engine++)
		list_for_each_entry_safe(run, next, &gpu->engine[engine].runs, node)
			if (run->session == session)
				end_run(gpu, run, now);
}

static void switched(struct vgpu_gpu *gpu, struct vgpu_dev *dev)
{
	gpu->switches++;
	dev->metrics.switches++;
}

/*
 * Dispatches a run; space is what vgpu_worker_space() said, which the worker can change at any
 * time.
 */
static void start_run(struct vgpu_gpu *gpu, struct vgpu_stream *stream, u32 engine, u32 space,
		      u64 now)
{
	struct vgpu_engine_queue *queue = &gpu->engine[engine];
	struct vgpu_session *session = stream->session;
	u64 slice = gpu->sched.policy.slice_ns;
	u64 predicted = 0, bytes = 0, cost;
	struct vgpu_run *run;

	run = list_first_entry(&gpu->free_runs, struct vgpu_run, node);
	run->session = session;
	run->engine = engine;
	run->learned_ns = 0;
	run->id = gpu->runs++;
	run->count = 0;
	list_move_tail(&run->node, &queue->runs);
	queue->inflight++;
	if (queue->last_generation != session->worker.generation)
		switched(gpu, session->dev);
	queue->last_generation = session->worker.generation;

	stream->engine = engine;
	while (stream->next && stream->next->engine == engine &&
	       run->count < min(space, VGPU_RUN_MAX)) {
		struct vgpu_item *item = stream->next;

		/* What was never seen is taken to fill a slice. */
		cost = vgpu_cost_predict(session, &item->cmd) ?: slice;
		if (run->count && predicted + cost > slice)
			break;
		predicted += cost;
		item->run = run;
		item->dispatch_ns = now;
		trace_vgpu_dispatch(session->dev->uuid, session->id, item->seq, item->cmd.opcode,
				    engine, run->id, now);
		bytes += vgpu_cmd_bytes(&item->cmd);
		vgpu_worker_dispatch(session, item);
		stream->dispatched++;
		run->count++;
		stream->next = list_is_last(&item->stream_node, &stream->items) ?
			NULL : list_next_entry(item, stream_node);
		if (bytes && !vgpu_admit_left(session->dev, VGPU_BUCKET_COPY, bytes, now))
			break;
	}
	run->pending = run->count;
	vgpu_sched_start(&gpu->sched, &stream->entity, &run->sched, run->id, predicted, now);
	if (run->sched.aged)
		session->dev->counters.promotions++;
	run->admitted_ns = engine == VGPU_ENGINE_COMPUTE ? predicted : 0;
	vgpu_admit_spend(session->dev, VGPU_BUCKET_GPU, run->admitted_ns, now);
	if (bytes)
		vgpu_admit_spend(session->dev, VGPU_BUCKET_COPY, bytes, now);
	if (queue->inflight == 1)
		begin(gpu, run, now);
	gpu->ops->wake_worker(&session->worker);
}

static void fill_engine(struct vgpu_gpu *gpu, u32 engine)
{
	struct vgpu_sched_entity *entity;
	struct vgpu_stream *stream;
	u32 space;
	u64 now;

	while (gpu->engine[engine].inflight < gpu->sched.policy.window) {
		now = vgpu_now_ns();
		entity = vgpu_sched_pick(&gpu->sched, engine, now);
		if (!entity)
			return;
		stream = container_of(entity, struct vgpu_stream, entity);
		space = vgpu_worker_space(stream->session);
		if (!space) {
			vgpu_sched_dequeue(&gpu->sched, entity, now);
			vgpu_worker_ring_full(stream->session);
			continue;
		}
		start_run(gpu, stream, engine, space, now);
		/* At once: what follows in the stream competes for the next place in the window. */
		vgpu_stream_advance(stream);
	}
}

static void fetch(struct vgpu_gpu *gpu, u32 *budget)
{
	struct vgpu_session *session;

	while (*budget && !list_empty(&gpu->fetching)) {
		session = list_first_entry(&gpu->fetching, struct vgpu_session, fetch_node);
		list_del_init(&session->fetch_node);
		*budget -= vgpu_queue_fetch(session, min(*budget, VGPU_FETCH_BATCH));
	}
}

static void advance_streams(struct vgpu_gpu *gpu)
{
	struct vgpu_stream *stream;

	while (!list_empty(&gpu->kicks)) {
		stream = list_first_entry(&gpu->kicks, struct vgpu_stream, kick_node);
		list_del_init(&stream->kick_node);
		vgpu_stream_advance(stream);
	}
}

static void signal_guests(struct vgpu_gpu *gpu)
{
	struct vgpu_session *session;

	while (!list_empty(&gpu->signals)) {
		session = list_first_entry(&gpu->signals, struct vgpu_session, signal_node);
		list_del_init(&session->signal_node);
		vgpu_queue_signal(session);
	}
}

/**
 * vgpu_gpu_pump() - move everything on as far as it goes
 * @gpu: any
 *
 * Fetches from the queues that are to be looked at, advances kicked streams, fills the dispatch
 * windows and raises vectors. What a flood of submissions leaves over is done by a tick, after the
 * lock has been given up.
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_gpu_pump(struct vgpu_gpu *gpu)
{
	u32 budget = VGPU_PUMP_BUDGET;
	u32 engine;

	lockdep_assert_held(&gpu->lock);
	do {
		vgpu_quarantine_begin(gpu);
		fetch(gpu, &budget);
		advance_streams(gpu);
		for (engine = 0; engine < VGPU_ENGINE_COUNT; engine++)
			fill_engine(gpu, engine);
	} while (!list_empty(&gpu->condemned) || !list_empty(&gpu->kicks) ||
		 (budget && !list_empty(&gpu->fetching)));
	if (!list_empty(&gpu->fetching))
		vgpu_gpu_need_tick(gpu, vgpu_now_ns());
	signal_guests(gpu);
}

static bool has_dispatched(const struct vgpu_session *session)
{
	const struct vgpu_item *item;

	list_for_each_entry(item, &session->by_age, age_node)
		if (item->state == VGPU_ITEM_DISPATCHED)
			return true;
	return false;
}

static void hang(struct vgpu_session *session, u64 now)
{
	session->dev->counters.hangs++;
	vgpu_strike(session->dev, VGPU_STRIKE_HANG, session->id, CU_LAUNCH_TIMEOUT, now);
	vgpu_session_lose(session, CU_LAUNCH_TIMEOUT);
}

/*
 * Workers that are awaited. One that has commands is the watchdog's over runs, however full its
 * ring is.
 */
static void check_workers(struct vgpu_gpu *gpu, u64 now)
{
	struct vgpu_session *session, *next;

	list_for_each_entry_safe(session, next, &gpu->spawning, worker.spawn_node) {
		if (now < session->worker.deadline_ns) {
			vgpu_gpu_need_tick(gpu, session->worker.deadline_ns);
		} else if (session->worker.state == VGPU_WORKER_DYING) {
			vgpu_worker_overdue(session, now);
		} else if (session->worker.state != VGPU_WORKER_READY) {
			vgpu_worker_late(session, now);
		} else if (has_dispatched(session)) {
			session->worker.deadline_ns = now + session->dev->limits.deadline_ns;
			vgpu_gpu_need_tick(gpu, session->worker.deadline_ns);
		} else {
			hang(session, now);
		}
	}
}

/* A supervisor that reads nothing hangs: the next one does what it left undone. */
static void check_supervisor(struct vgpu_gpu *gpu, u64 now)
{
	if (!gpu->attached || !gpu->asked_ns)
		return;
	if (!unreported(gpu)) {
		gpu->asked_ns = 0;
	} else if (now < gpu->asked_ns + VGPU_EVENT_TIMEOUT) {
		vgpu_gpu_need_tick(gpu, gpu->asked_ns + VGPU_EVENT_TIMEOUT);
	} else {
		gpu->asked_ns = now;
		vgpu_gpu_need_tick(gpu, now + VGPU_EVENT_TIMEOUT);
		if (gpu->ops->kill_supervisor)
			gpu->ops->kill_supervisor(gpu);
	}
}

static void check_deadlines(struct vgpu_gpu *gpu, u64 now)
{
	struct vgpu_engine_queue *queue;
	struct vgpu_run *run;
	u32 engine;

	for (engine = 0; engine < VGPU_ENGINE_COUNT; engine++) {
		queue = &gpu->engine[engine];
		if (!queue->inflight)
			continue;
		run = list_first_entry(&queue->runs, struct vgpu_run, node);
		if (now < deadline_of(run))
			vgpu_gpu_need_tick(gpu, deadline_of(run));
		else if (run->session->worker.state == VGPU_WORKER_READY)
			hang(run->session, now);
	}
}

/**
 * vgpu_gpu_tick() - enforce deadlines and work off what a pump left over
 * @gpu: any
 *
 * Context: any process.
 */
void vgpu_gpu_tick(struct vgpu_gpu *gpu)
{
	u64 now;

	spin_lock(&gpu->lock);
	now = vgpu_now_ns();
	gpu->tick_ns = 0;
	check_workers(gpu, now);
	check_supervisor(gpu, now);
	check_deadlines(gpu, now);
	vgpu_queue_tick(gpu, now);
	vgpu_admit_tick(gpu, now);
	vgpu_quarantine_tick(gpu, now);
	vgpu_gpu_pump(gpu);
	spin_unlock(&gpu->lock);
}

/**
 * vgpu_gpu_read_stats() - a consistent reading
 * @gpu: any
 * @stats: filled in
 *
 * Context: any process.
 */
void vgpu_gpu_read_stats(struct vgpu_gpu *gpu, struct vgpu_gpu_stats *stats)
{
	u32 i;

	spin_lock(&gpu->lock);
	for (i = 0; i < VGPU_ENGINE_COUNT; i++) {
		vgpu_sched_sync(&gpu->sched, i, vgpu_now_ns());
		stats->busy_ns[i] = gpu->sched.engine[i].busy_ns;
	}
	stats->attached = gpu->attached;
	stats->memory_total = gpu->attach.memory;
	stats->memory_given = gpu->memory_given;
	stats->devs = gpu->num_devs;
	stats->runs = gpu->runs;
	stats->switches = gpu->switches;
	stats->promotions = gpu->sched.promotions;
	spin_unlock(&gpu->lock);
}

/**
 * vgpu_gpu_available() - virtual GPUs of a size that can still be made
 * @gpu: any
 * @memory: bytes of one, not 0
 *
 * Return: how many. Context: any process.
 */
u32 vgpu_gpu_available(struct vgpu_gpu *gpu, u64 memory)
{
	u64 count;

	spin_lock(&gpu->lock);
	count = div64_u64(gpu->attach.memory - gpu->memory_given, memory);
	count = min(count, (u64)VGPU_SCHED_VMS - gpu->num_devs);
	spin_unlock(&gpu->lock);
	return count;
}

/**
 * vgpu_gpu_set_policy() - change a GPU's scheduling policy; in force for the next decision
 * @gpu: any
 * @policy: checked by vgpu_policy_check()
 *
 * Context: any process.
 */
void vgpu_gpu_set_policy(struct vgpu_gpu *gpu, const struct vgpu_policy *policy)
{
	spin_lock(&gpu->lock);
	vgpu_sched_set_policy(&gpu->sched, policy, vgpu_now_ns());
	vgpu_gpu_pump(gpu);
	spin_unlock(&gpu->lock);
}

/**
 * vgpu_gpu_record() - keep a log of a GPU's scheduling decisions
 * @gpu: any
 * @log: is called with each event, with vgpu_gpu.lock held; may not sleep
 * @log_host: found in vgpu_sched.log_host
 *
 * Return: 0, or -EBUSY if one is kept. Context: any process.
 */
int vgpu_gpu_record(struct vgpu_gpu *gpu,
		    void (*log)(struct vgpu_sched *sched, const struct vgpu_sched_event *event),
		    void *log_host)
{
	int err = 0;

	spin_lock(&gpu->lock);
	if (gpu->sched.log)
		err = -EBUSY;
	else
		vgpu_sched_log_begin(&gpu->sched, log, log_host, vgpu_now_ns());
	spin_unlock(&gpu->lock);
	return err;
}

/**
 * vgpu_gpu_record_anew() - have the log that is kept begin once more, with the state as it is
 * @gpu: of which a log is kept
 * @before: is called with the log's host before, with vgpu_gpu.lock held; may not sleep
 *
 * Nobody else's log can come between. Context: any process.
 */
void vgpu_gpu_record_anew(struct vgpu_gpu *gpu, void (*before)(void *log_host))
{
	struct vgpu_sched *sched = &gpu->sched;

	spin_lock(&gpu->lock);
	before(sched->log_host);
	vgpu_sched_log_begin(sched, sched->log, sched->log_host, vgpu_now_ns());
	spin_unlock(&gpu->lock);
}

/**
 * vgpu_gpu_record_end() - keep no log any more
 * @gpu: any
 *
 * Return: what vgpu_gpu_record() was given as log_host, NULL if no log was kept. Context: any
 * process.
 */
void *vgpu_gpu_record_end(struct vgpu_gpu *gpu)
{
	void *log_host;

	spin_lock(&gpu->lock);
	log_host = gpu->sched.log_host;
	vgpu_sched_log_end(&gpu->sched);
	spin_unlock(&gpu->lock);
	return log_host;
}
