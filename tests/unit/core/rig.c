// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * The host that tests give the core: see rig.h.
 */

#include "rig.h"

#include <sys/mman.h>

/* Punching is cheaper than writing zeros from here on. */
#define PUNCH_LARGE	(64ULL << 10)

u64 rig_now = NSEC_PER_SEC;
u64 rig_seed;
char rig_note[256];

void rig_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not true: %s (seed %#llx%s%s)\n", file, line, what, (unsigned long long)rig_seed,
		rig_note[0] ? ", " : "", rig_note);
	abort();
}

static u64 read_clock(void)
{
	return rig_now;
}

static void check_locked(struct vgpu_gpu *gpu)
{
	RIG_CHECK(pthread_mutex_trylock(&gpu->lock.mutex) == EBUSY);
}

static void check_unlocked(struct vgpu_gpu *gpu)
{
	RIG_CHECK(!pthread_mutex_trylock(&gpu->lock.mutex));
	pthread_mutex_unlock(&gpu->lock.mutex);
}

static void op_signal(struct vgpu_dev *dev, u32 vector)
{
	struct rig_dev *rdev = dev->host;

	check_locked(dev->gpu);
	RIG_CHECK(vector < VGPU_NUM_VECTORS);
	rdev->signals[vector]++;
}

static void op_wake_supervisor(struct vgpu_gpu *gpu)
{
	struct rig *rig = gpu->host;

	check_locked(gpu);
	rig->supervisor_wakes++;
}

static void op_kill_supervisor(struct vgpu_gpu *gpu)
{
	struct rig *rig = gpu->host;

	check_locked(gpu);
	RIG_CHECK(gpu->attached);
	rig->supervisor_kills++;
}

static void op_wake_worker(struct vgpu_worker *worker)
{
	struct rig_worker *process = worker->host;

	RIG_CHECK(process);
	check_locked(&process->rig->gpu);
	process->wakes++;
}

static void op_kill_worker(struct vgpu_worker *worker)
{
	struct rig_worker *process = worker->host;

	RIG_CHECK(process);
	check_locked(&process->rig->gpu);
	process->killed = true;
}

static void op_schedule_reap(struct vgpu_dev *dev)
{
	struct rig_dev *rdev = dev->host;

	check_locked(dev->gpu);
	rdev->reap = true;
}

static void op_schedule_tick(struct vgpu_gpu *gpu, u64 when_ns)
{
	struct rig *rig = gpu->host;

	check_locked(gpu);
	RIG_CHECK(when_ns);
	rig->tick_ns = when_ns;
}

static void *op_map_queue(struct vgpu_dev *dev, u64 offset, u64 len)
{
	struct rig_dev *rdev = dev->host;

	check_unlocked(dev->gpu);
	RIG_CHECK(len <= dev->limits.aperture && offset <= dev->limits.aperture - len);
	if (rdev->fail_map)
		return NULL;
	rdev->mapped++;
	return rdev->aperture + offset;
}

static void op_unmap_queue(struct vgpu_dev *dev, void *addr, u64 offset, u64 len)
{
	struct rig_dev *rdev = dev->host;

	check_unlocked(dev->gpu);
	RIG_CHECK(addr == rdev->aperture + offset);
	RIG_CHECK(rdev->mapped > 0);
	rdev->mapped--;
}

static int op_punch(struct vgpu_dev *dev, u64 offset, u64 len)
{
	struct rig_dev *rdev = dev->host;

	check_unlocked(dev->gpu);
	RIG_CHECK(len <= dev->limits.aperture && offset <= dev->limits.aperture - len);
	if (len >= PUNCH_LARGE)
		RIG_CHECK(!madvise(rdev->aperture + offset, len, MADV_DONTNEED));
	else
		memset(rdev->aperture + offset, 0, len);
	return rdev->fail_punch ? -EBUSY : 0;
}

static const struct vgpu_host_ops rig_ops = {
	.signal = op_signal,
	.wake_supervisor = op_wake_supervisor,
	.kill_supervisor = op_kill_supervisor,
	.wake_worker = op_wake_worker,
	.kill_worker = op_kill_worker,
	.schedule_reap = op_schedule_reap,
	.schedule_tick = op_schedule_tick,
	.map_queue = op_map_queue,
	.unmap_queue = op_unmap_queue,
	.punch = op_punch,
};

struct rig *rig_new(void)
{
	/* It is large and mostly left alone: pages that are zero until they are touched. */
	struct rig *rig = mmap(NULL, sizeof(*rig), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u32 i;

	RIG_CHECK(rig != MAP_FAILED);
	vgpu_clock = read_clock;
	rig->attach.version = VGPU_EXEC_VERSION;
	strcpy(rig->attach.name, "rig0");
	rig->attach.memory = RIG_GPU_MEMORY;
	rig->attach.granule = RIG_GRANULE;
	rig->attach.info.version = VGPU_GPU_INFO_VERSION;
	rig->attach.info.size = sizeof(rig->attach.info);
	strcpy(rig->attach.info.name, "Rig GPU");
	RIG_CHECK(!vgpu_gpu_init(&rig->gpu, &rig->attach, &rig_ops, rig));
	for (i = 0; i < RIG_DEVS; i++)
		rig->dev[i].rig = rig;
	for (i = 0; i < RIG_WORKERS; i++)
		rig->workers[i].rig = rig;
	return rig;
}

/* Ends everything in the right order and looks whether something is left. */
void rig_free(struct rig *rig)
{
	u32 i;

	for (i = 0; i < RIG_DEVS; i++)
		rig_dev_close(&rig->dev[i]);
	if (rig->gpu.attached)
		vgpu_gpu_detach(&rig->gpu);
	for (i = 0; i < RIG_WORKERS; i++)
		RIG_CHECK(!rig->workers[i].session);
	RIG_CHECK(list_empty(&rig->gpu.devs) && !rig->gpu.num_devs && !rig->gpu.memory_given);
	RIG_CHECK(list_empty(&rig->gpu.spawning) && list_empty(&rig->gpu.fetching) && list_empty(&rig->gpu.kicks) &&
		  list_empty(&rig->gpu.signals));
	vgpu_gpu_destroy(&rig->gpu);
	munmap(rig, sizeof(*rig));
}

struct vgpu_limits rig_limits(void)
{
	struct vgpu_limits limits = vgpu_limits_default;
	u32 i;

	limits.memory = RIG_MEMORY;
	limits.aperture = RIG_APERTURE;
	limits.sessions = VGPU_MAX_SESSIONS;
	for (i = 0; i < VGPU_STRIKE_COUNT; i++)
		limits.strike[i].threshold = 0;
	return limits;
}

void rig_attach(struct rig *rig)
{
	const char *why;

	RIG_CHECK(!vgpu_attach_check(&rig->attach, &why));
	RIG_CHECK(!vgpu_gpu_attach(&rig->gpu, &rig->attach, &why));
}

void rig_dev_open(struct rig *rig, u32 number, const struct vgpu_limits *limits)
{
	struct rig_dev *dev = &rig->dev[number];
	u8 uuid[16] = { [15] = (u8)(number + 1) };

	/* The page behind it is nobody's. */
	dev->aperture = mmap(NULL, limits->aperture + VGPU_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	RIG_CHECK(dev->aperture != MAP_FAILED);
	RIG_CHECK(!mprotect(dev->aperture, limits->aperture, PROT_READ | PROT_WRITE));
	RIG_CHECK(!vgpu_dev_init(&dev->dev, &rig->gpu, uuid, limits, dev));
	dev->exists = true;
	vgpu_dev_write(&dev->dev, VGPU_REG_STATUS, 4, VGPU_STATUS_DRIVER_OK);
}

/* Reset, wait until idle (killed workers die), destroy: as the host does when a device is closed. */
void rig_dev_close(struct rig_dev *dev)
{
	struct rig *rig = dev->rig;
	u32 i;

	if (!dev->exists)
		return;
	vgpu_dev_reset(&dev->dev);
	for (i = 0; i < RIG_WORKERS; i++)
		if (rig->workers[i].session && rig->workers[i].session->dev == &dev->dev)
			RIG_CHECK(rig->workers[i].killed);
	for (i = 0; i < RIG_WORKERS; i++)
		if (rig->workers[i].session && rig->workers[i].session->dev == &dev->dev)
			rig_release(&rig->workers[i]);
	rig_settle(rig);
	RIG_CHECK(vgpu_dev_idle(&dev->dev));
	RIG_CHECK(!dev->mapped);
	RIG_CHECK(!dev->dev.waiting && !dev->dev.memory_used);
	vgpu_dev_destroy(&dev->dev);
	dev->exists = false;
	munmap(dev->aperture, dev->dev.limits.aperture + VGPU_PAGE_SIZE);
	dev->aperture = NULL;
}

/* Does what host operations asked for, as far as it is due. */
void rig_settle(struct rig *rig)
{
	bool again;
	u32 i, rounds = 0;

	do {
		again = false;
		if (rig->tick_ns && rig->tick_ns <= rig_now) {
			rig->tick_ns = 0;
			vgpu_gpu_tick(&rig->gpu);
			again = true;
		}
		for (i = 0; i < RIG_DEVS; i++) {
			if (rig->dev[i].exists && rig->dev[i].reap) {
				rig->dev[i].reap = false;
				vgpu_dev_reap(&rig->dev[i].dev);
				again = true;
			}
		}
		RIG_CHECK(++rounds < 100000);
	} while (again);
}

void rig_advance(struct rig *rig, u64 ns)
{
	rig_now += ns;
	rig_settle(rig);
}

struct vgpu_stats rig_stats(struct rig_dev *dev)
{
	struct vgpu_stats stats;

	vgpu_dev_read_stats(&dev->dev, &stats);
	return stats;
}

static void check_session(const struct vgpu_session *session, u64 *waiting, u64 *memory)
{
	const struct vgpu_gpu *gpu = session->dev->gpu;
	const struct vgpu_item *item;
	u32 queued = 0, dispatched = 0, i, bits = 0;
	u32 last_seq = 0;
	bool first = true;

	list_for_each_entry(item, &session->by_age, age_node) {
		RIG_CHECK(item->stream && item->stream->session == session);
		RIG_CHECK(first || (s32)(item->seq - last_seq) > 0);
		RIG_CHECK((s32)(session->sq_head - item->seq) > 0);
		first = false;
		last_seq = item->seq;
		if (item->state == VGPU_ITEM_DISPATCHED) {
			dispatched++;
			if (!item->run) {
				RIG_CHECK(session->worker.state == VGPU_WORKER_DYING && session->worker.stuck);
				continue;
			}
			RIG_CHECK(item->run >= gpu->run_pool && item->run < gpu->run_pool + ARRAY_SIZE(gpu->run_pool));
			RIG_CHECK(item->run->session == session && item->run->engine == item->engine);
		} else {
			RIG_CHECK(item->state == VGPU_ITEM_QUEUED);
			queued++;
		}
	}
	RIG_CHECK(queued + dispatched == session->sq_head - session->cq_tail);
	RIG_CHECK(queued + dispatched <= session->pool_size);
	if (dispatched)
		RIG_CHECK(session->worker.state == VGPU_WORKER_READY || session->worker.state == VGPU_WORKER_DYING);
	if (session->state != VGPU_SESSION_ACTIVE)
		RIG_CHECK(!queued && session->worker.state != VGPU_WORKER_READY &&
			  session->worker.state != VGPU_WORKER_BOUND &&
			  session->worker.state != VGPU_WORKER_SPAWNING);
	*waiting += queued + dispatched;
	for (i = 0; i < session->num_chunks; i++)
		bits += test_bit(i, session->chunks) && !test_bit(i, session->aliases);
	RIG_CHECK(session->memory_used >= bits * gpu->attach.granule);
	*memory += session->memory_used;
	for (i = 0; i < VGPU_MAX_STREAMS; i++) {
		const struct vgpu_stream *stream = session->streams[i];

		if (!stream)
			continue;
		RIG_CHECK(list_empty(&stream->kick_node));
		if (stream->entity.queued) {
			RIG_CHECK(stream->next && stream->next->engine == stream->entity.engine);
			/* Work conservation: what may run waits for a full window alone, or for a bucket. */
			RIG_CHECK(gpu->engine[stream->entity.engine].inflight >= gpu->sched.policy.window ||
				  vgpu_sched_share_of(&gpu->sched, stream->entity.vm,
						      stream->entity.engine)->throttled);
		}
	}
}

/* What holds whenever no call into the core is under way. */
void rig_check_invariants(struct rig *rig)
{
	struct vgpu_gpu *gpu = &rig->gpu;
	u32 i, j, runs, pending[ARRAY_SIZE(gpu->run_pool)] = { 0 };
	const struct vgpu_run *run;

	for (i = 0; i < RIG_DEVS; i++) {
		struct rig_dev *dev = &rig->dev[i];
		u64 waiting = 0, memory = 0;
		struct vgpu_stats stats;

		if (!dev->exists)
			continue;
		stats = rig_stats(dev);
		RIG_CHECK(stats.counters.submitted == stats.counters.completed + stats.counters.failed + stats.waiting);
		RIG_CHECK(stats.counters.rejected <= stats.counters.failed);
		for (j = 0; j < VGPU_MAX_SESSIONS; j++) {
			struct vgpu_session *session = dev->dev.sessions[j];
			struct vgpu_item *item;

			if (!session)
				continue;
			check_session(session, &waiting, &memory);
			list_for_each_entry(item, &session->by_age, age_node)
				if (item->state == VGPU_ITEM_DISPATCHED && item->run)
					pending[item->run - gpu->run_pool]++;
		}
		RIG_CHECK(waiting == stats.waiting);
		RIG_CHECK(memory == stats.memory_used);
		RIG_CHECK(memory <= dev->dev.limits.memory);
	}
	for (i = 0; i < VGPU_ENGINE_COUNT; i++) {
		runs = 0;
		list_for_each_entry(run, &gpu->engine[i].runs, node) {
			runs++;
			RIG_CHECK(run->engine == i && run->pending && run->pending <= run->count);
			RIG_CHECK(run->pending == pending[run - gpu->run_pool]);
			pending[run - gpu->run_pool] = 0;
		}
		RIG_CHECK(runs == gpu->engine[i].inflight && runs <= VGPU_WINDOW);
	}
	for (i = 0; i < ARRAY_SIZE(pending); i++)
		RIG_CHECK(!pending[i]);
	RIG_CHECK(list_empty(&gpu->kicks) && list_empty(&gpu->signals));
	RIG_CHECK(list_empty(&gpu->fetching) || rig->tick_ns);
}

/* guest */

u32 rig_control(struct rig_dev *dev, u32 op, u32 session, u64 a0, u64 a1, u64 a2, u64 a3)
{
	vgpu_dev_write(&dev->dev, VGPU_REG_CTL_SESSION, 4, session);
	vgpu_dev_write(&dev->dev, VGPU_REG_CTL_ARG(0), 8, a0);
	vgpu_dev_write(&dev->dev, VGPU_REG_CTL_ARG(1), 8, a1);
	vgpu_dev_write(&dev->dev, VGPU_REG_CTL_ARG(2), 8, a2);
	vgpu_dev_write(&dev->dev, VGPU_REG_CTL_ARG(3), 8, a3);
	vgpu_dev_write(&dev->dev, VGPU_REG_CTL_OP, 4, op);
	return vgpu_dev_read(&dev->dev, VGPU_REG_CTL_RESULT, 4);
}

u32 rig_guest_create(struct rig_guest *guest, struct rig_dev *dev, u32 id, u64 offset, u32 sq_entries, u32 cq_entries)
{
	u32 vector = 1 + id % VGPU_MAX_SESSIONS;
	u32 status = rig_control(dev, VGPU_CTL_SESSION_CREATE, id, offset, sq_entries, cq_entries, vector);

	if (status != VGPU_ST_OK)
		return status;
	memset(guest, 0, sizeof(*guest));
	guest->dev = dev;
	guest->id = id;
	guest->vector = vector;
	guest->sq_entries = sq_entries;
	guest->cq_entries = cq_entries;
	guest->header = (void *)(dev->aperture + offset);
	guest->sq = (void *)(dev->aperture + offset + VGPU_PAGE_SIZE);
	guest->cq = (void *)((u8 *)guest->sq + ALIGN(sq_entries * sizeof(struct vgpu_cmd), VGPU_PAGE_SIZE));
	return status;
}

/* Each session has 32 KiB of the first half for its queues, and 32 KiB of the second half for payload. */
u64 rig_range(u32 id)
{
	return RIG_APERTURE / 2 + id * 0x8000ULL;
}

/* A session with queues of 128 entries and one payload range. */
void rig_guest_open(struct rig_guest *guest, struct rig_dev *dev, u32 id)
{
	RIG_CHECK(rig_guest_create(guest, dev, id, id * 0x8000ULL, 128, 128) == VGPU_ST_OK);
	RIG_CHECK(rig_control(dev, VGPU_CTL_RANGE_ADD, id, rig_range(id), 0x4000, 0, 0) == VGPU_ST_OK);
}

/* The first command, which asks for a worker. */
u32 rig_begin(struct rig_guest *guest)
{
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_SESSION_INIT, 0);

	cmd.init.out = rig_range(guest->id);
	return rig_submit(guest, cmd);
}

/* A session with its worker ready and VGPU_OP_SESSION_INIT completed. */
void rig_guest_init(struct rig_guest *guest, struct rig_dev *dev, u32 id)
{
	struct rig_worker *worker;
	u32 seq;

	rig_guest_open(guest, dev, id);
	seq = rig_begin(guest);
	worker = rig_spawn(dev->rig);
	RIG_CHECK(worker && worker->session == dev->dev.sessions[id]);
	RIG_CHECK(rig_finish_all(worker) == 1);
	RIG_CHECK(rig_expect(guest, seq).status == VGPU_ST_OK);
}

/* Writes a slot; nobody is told. */
u32 rig_write(struct rig_guest *guest, const struct vgpu_cmd *cmd)
{
	guest->sq[guest->tail & (guest->sq_entries - 1)] = *cmd;
	return guest->tail++;
}

/* Tells the device of what was written, with a doorbell where it asked for one. */
void rig_publish(struct rig_guest *guest)
{
	u32 old = guest->header->sq_tail;

	guest->header->sq_tail = guest->tail;
	if ((u32)(guest->tail - guest->header->sq_event - 1) < (u32)(guest->tail - old))
		rig_ring(guest);
}

void rig_ring(struct rig_guest *guest)
{
	vgpu_dev_write(&guest->dev->dev, VGPU_BAR0_DOORBELL(guest->id), 4, 1);
}

u32 rig_submit(struct rig_guest *guest, struct vgpu_cmd cmd)
{
	u32 seq = rig_write(guest, &cmd);

	rig_publish(guest);
	return seq;
}

bool rig_consume(struct rig_guest *guest, struct vgpu_cqe *cqe)
{
	u16 phase = guest->cq_head & guest->cq_entries ? 0 : 1;

	*cqe = guest->cq[guest->cq_head & (guest->cq_entries - 1)];
	if (cqe->phase != phase)
		return false;
	guest->cq_head++;
	guest->header->cq_head = guest->cq_head;
	return true;
}

/* The next completion, which is that of a command. */
struct vgpu_cqe rig_expect(struct rig_guest *guest, u32 seq)
{
	struct vgpu_cqe cqe;

	RIG_CHECK(rig_consume(guest, &cqe));
	RIG_CHECK(cqe.seq == seq);
	return cqe;
}

u32 rig_state(struct rig_guest *guest)
{
	return vgpu_dev_read(&guest->dev->dev, VGPU_REG_SESSION_STATE(guest->id), 4);
}

/* executor */

struct rig_worker *rig_bind(struct rig *rig, u64 token)
{
	struct vgpu_exec_bind bind = { .token = token, .version = VGPU_EXEC_VERSION };
	struct rig_worker *worker = NULL;
	struct vgpu_exec_rings *rings;
	u32 i;

	for (i = 0; i < RIG_WORKERS && !worker; i++)
		if (!rig->workers[i].session)
			worker = &rig->workers[i];
	RIG_CHECK(worker);
	rings = aligned_alloc(64, ALIGN(sizeof(*rings), 64));
	RIG_CHECK(rings);
	memset(rings, 0, sizeof(*rings));
	memset(worker, 0, offsetof(struct rig_worker, todo));
	worker->num_todo = 0;
	worker->rig = rig;
	worker->rings = rings;
	worker->session = vgpu_worker_bind(&rig->gpu, &bind, rings, worker);
	if (!worker->session) {
		free(rings);
		worker->rings = NULL;
		return NULL;
	}
	worker->generation = bind.generation;
	return worker;
}

int rig_ready(struct rig_worker *worker, u64 device_base, u64 aperture_base, u32 status)
{
	struct vgpu_exec_ready ready = {
		.device_base = device_base,
		.aperture_base = aperture_base,
		.status = status,
	};
	int err = vgpu_worker_ready(worker->session, &ready);

	if (!err && !status)
		worker->ready = true;
	return err;
}

/* The supervisor's part: reads one event and starts a worker that becomes ready; NULL if nothing was to be read. */
struct rig_worker *rig_spawn(struct rig *rig)
{
	struct vgpu_exec_event event;
	struct rig_worker *worker;

	if (!vgpu_gpu_next_event(&rig->gpu, &event))
		return NULL;
	RIG_CHECK(event.type == VGPU_EVENT_SPAWN);
	worker = rig_bind(rig, event.token);
	RIG_CHECK(worker);
	RIG_CHECK(!rig_ready(worker, RIG_DEVICE_BASE, RIG_APERTURE_BASE, 0));
	return worker;
}

struct rig_worker *rig_begin_ready(struct rig *rig, struct rig_guest *guest)
{
	struct rig_worker *worker;

	rig_begin(guest);
	worker = rig_spawn(rig);
	RIG_CHECK(rig_finish_all(worker) == 1);
	return worker;
}

struct rig_worker *rig_worker_of(struct rig_guest *guest)
{
	struct vgpu_session *session = guest->dev->dev.sessions[guest->id];

	RIG_CHECK(session);
	return session->worker.host;
}

/* Takes what is in the dispatch ring; the number of commands it has then. */
u32 rig_take(struct rig_worker *worker)
{
	u32 tail = worker->rings->dispatch_tail;

	RIG_CHECK(tail - worker->dispatch_head <= VGPU_EXEC_RING_ENTRIES);
	while (worker->dispatch_head != tail) {
		const struct vgpu_dispatch *entry =
			&worker->rings->dispatch[worker->dispatch_head++ % VGPU_EXEC_RING_ENTRIES];

		RIG_CHECK(entry->generation == worker->generation);
		if (entry->kind == VGPU_DISPATCH_RANGE) {
			RIG_CHECK(entry->cmd.raw[0] == worker->session->ranges[worker->ranges].offset);
			RIG_CHECK(entry->cmd.raw[1] == worker->session->ranges[worker->ranges].len);
			worker->ranges++;
			continue;
		}
		RIG_CHECK(entry->kind == VGPU_DISPATCH_CMD);
		RIG_CHECK(worker->num_todo < ARRAY_SIZE(worker->todo));
		worker->todo[worker->num_todo++] = *entry;
	}
	worker->rings->dispatch_head = worker->dispatch_head;
	return worker->num_todo;
}

/* Writes any completion at all. */
void rig_put(struct rig_worker *worker, u64 tag, u32 generation, u32 status, u64 value)
{
	worker->rings->completion[worker->completion_tail++ % VGPU_EXEC_RING_ENTRIES] = (struct vgpu_completion) {
		.tag = tag,
		.generation = generation,
		.status = status,
		.value = value,
	};
	worker->rings->completion_tail = worker->completion_tail;
}

int rig_kick(struct rig_worker *worker)
{
	return vgpu_worker_take(worker->session, NULL, NULL);
}

/* Completes a command that it has taken. */
void rig_finish(struct rig_worker *worker, u32 index, u32 status, u64 value)
{
	RIG_CHECK(index < worker->num_todo);
	rig_put(worker, worker->todo[index].tag, worker->generation, status, value);
	memmove(&worker->todo[index], &worker->todo[index + 1],
		(--worker->num_todo - index) * sizeof(worker->todo[0]));
	rig_kick(worker);
}

/* Completes with success what it has and what comes of it; how many. */
u32 rig_finish_all(struct rig_worker *worker)
{
	u32 count = 0;

	for (rig_take(worker); worker->num_todo; rig_take(worker)) {
		rig_finish(worker, 0, VGPU_ST_OK, 0);
		count++;
	}
	return count;
}

/* The process is dead: its file is released. */
void rig_release(struct rig_worker *worker)
{
	struct vgpu_session *session = worker->session;
	struct vgpu_exec_rings *rings = worker->rings;

	worker->session = NULL;
	worker->rings = NULL;
	vgpu_worker_release(session);
	free(rings);
}

/* Everybody in the executor does what it should until nothing is left to do. */
void rig_work(struct rig *rig)
{
	bool again;
	u32 i;

	do {
		again = rig->gpu.attached && rig_spawn(rig);
		for (i = 0; i < RIG_WORKERS; i++) {
			struct rig_worker *worker = &rig->workers[i];

			if (!worker->session)
				continue;
			if (worker->killed) {
				rig_release(worker);
				again = true;
			} else if (worker->ready && rig_finish_all(worker)) {
				again = true;
			}
		}
		rig_settle(rig);
	} while (again);
}

/* commands */

struct vgpu_cmd rig_cmd(u8 opcode, u32 stream)
{
	return (struct vgpu_cmd) { .opcode = opcode, .stream = stream };
}

struct vgpu_cmd rig_launch(u32 stream)
{
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_LAUNCH, stream);

	cmd.launch.grid[0] = cmd.launch.grid[1] = cmd.launch.grid[2] = 1;
	cmd.launch.block[0] = 32;
	cmd.launch.block[1] = cmd.launch.block[2] = 1;
	return cmd;
}

struct vgpu_cmd rig_copy_in(u32 id, u32 stream)
{
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_COPY_IN, stream);

	cmd.copy.dst = RIG_DEVICE_BASE;
	cmd.copy.src = rig_range(id);
	cmd.copy.width = 256;
	cmd.copy.height = 1;
	return cmd;
}

struct vgpu_cmd rig_copy_out(u32 id, u32 stream)
{
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_COPY_OUT, stream);

	cmd.copy.src = RIG_DEVICE_BASE;
	cmd.copy.dst = rig_range(id);
	cmd.copy.width = 512;
	cmd.copy.height = 1;
	return cmd;
}

struct vgpu_cmd rig_wait_for(u32 stream, u32 seq)
{
	struct vgpu_cmd cmd = rig_cmd(VGPU_OP_STREAM_WAIT, stream);

	cmd.wait.seq = seq;
	return cmd;
}

struct vgpu_cmd rig_chunk(u8 opcode, u64 granule, u64 count)
{
	struct vgpu_cmd cmd = rig_cmd(opcode, 0);

	cmd.chunk.addr = RIG_DEVICE_BASE + granule * RIG_GRANULE;
	cmd.chunk.len = count * RIG_GRANULE;
	return cmd;
}
