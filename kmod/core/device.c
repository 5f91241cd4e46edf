// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * A virtual GPU: its registers, control operations, reset, limits and counters.
 */

#include "core.h"

/**
 * vgpu_dev_init() - a new virtual GPU
 * @dev: to be set up
 * @gpu: on which
 * @uuid: its name
 * @limits: its policy
 * @host: the host's own
 *
 * Return: 0; -EINVAL for limits out of range; -ENOSPC if the GPU has not so much memory left, or
 * VGPU_SCHED_VMS virtual GPUs.
 * Context: may sleep.
 */
int vgpu_dev_init(struct vgpu_dev *dev, struct vgpu_gpu *gpu, const u8 uuid[16],
		  const struct vgpu_limits *limits, void *host)
{
	const char *why;
	int err;

	memset(dev, 0, sizeof(*dev));
	mutex_init(&dev->ctl);
	INIT_LIST_HEAD(&dev->stalled);
	INIT_LIST_HEAD(&dev->paced);
	INIT_LIST_HEAD(&dev->held_node);
	INIT_LIST_HEAD(&dev->quarantine_node);
	dev->gpu = gpu;
	dev->host = host;
	dev->limits = *limits;
	dev->epoch_ns = vgpu_now_ns();
	memcpy(dev->uuid, uuid, sizeof(dev->uuid));
	vgpu_metrics_init(dev);

	spin_lock(&gpu->lock);
	dev->info = gpu->attach.info;
	dev->info.memory = limits->memory;
	memcpy(dev->info.uuid, uuid, sizeof(dev->info.uuid));
	err = vgpu_limits_check(limits, gpu->attach.granule, &why);
	if (!err && limits->memory > gpu->attach.memory - gpu->memory_given)
		err = -ENOSPC;
	if (!err)
		err = vgpu_sched_add_vm(&gpu->sched, &dev->sched, gpu->dev_ids++, limits->tier,
					limits->weight, VGPU_SCHED_ANY_SLOT);
	if (!err) {
		gpu->memory_given += limits->memory;
		gpu->num_devs++;
		list_add_tail(&dev->gpu_node, &gpu->devs);
		vgpu_admit_set(dev, dev->epoch_ns);
		vgpu_quarantine_set(dev, dev->epoch_ns);
	}
	spin_unlock(&gpu->lock);
	if (err)
		mutex_destroy(&dev->ctl);
	return err;
}

/**
 * vgpu_dev_destroy() - end of a virtual GPU
 * @dev: idle, as vgpu_dev_idle() says; nothing of it is called any more
 *
 * Context: may sleep.
 */
void vgpu_dev_destroy(struct vgpu_dev *dev)
{
	struct vgpu_gpu *gpu = dev->gpu;

	spin_lock(&gpu->lock);
	vgpu_group_retire(dev, vgpu_now_ns());
	list_del(&dev->gpu_node);
	list_del_init(&dev->held_node);
	list_del_init(&dev->quarantine_node);
	vgpu_sched_remove_vm(&gpu->sched, &dev->sched);
	gpu->num_devs--;
	gpu->memory_given -= dev->limits.memory;
	spin_unlock(&gpu->lock);
	vgpu_metrics_destroy(dev);
	mutex_destroy(&dev->ctl);
}

static u32 read_status(const struct vgpu_dev *dev)
{
	return dev->driver_ok | (dev->gpu->attached ? VGPU_STATUS_GPU_READY : 0) |
	       (dev->quarantined ? VGPU_STATUS_QUARANTINED : 0) |
	       (dev->resetting ? VGPU_STATUS_RESETTING : 0);
}

/* The aligned 8 bytes of the register file at an offset. */
static u64 read_registers(const struct vgpu_dev *dev, u64 offset)
{
	const struct vgpu_session *session;
	u64 value = 0;
	u32 i, n;

	switch (offset) {
	case VGPU_REG_MAGIC:
		return VGPU_MAGIC | (u64)VGPU_VERSION << 32;
	case VGPU_REG_FEATURES:
		return VGPU_F_ALL;
	case VGPU_REG_DRIVER_FEATURES:
		return dev->driver_features;
	case VGPU_REG_STATUS:
		return read_status(dev) | (u64)dev->limits.sessions << 32;
	case VGPU_REG_APERTURE_SIZE:
		return dev->limits.aperture;
	case VGPU_REG_MEMORY_SIZE:
		return dev->limits.memory;
	case VGPU_REG_GRANULE:
		return dev->gpu->attach.granule;
	case VGPU_REG_QUEUE_DEPTH:
		return dev->limits.depth;
	case VGPU_REG_MEMORY_USED:
		return dev->memory_used;
	case VGPU_REG_CTL_SESSION:
		return dev->ctl_session;
	case VGPU_REG_CTL_RESULT:
		return dev->ctl_result;
	case VGPU_REG_CTL_ARG(0):
	case VGPU_REG_CTL_ARG(1):
	case VGPU_REG_CTL_ARG(2):
	case VGPU_REG_CTL_ARG(3):
		return dev->ctl_arg[(offset - VGPU_REG_CTL_ARG(0)) / 8];
	}
	if (offset >= VGPU_REG_SESSION_STATE(0) &&
	    offset < VGPU_REG_SESSION_STATE(VGPU_MAX_SESSIONS)) {
		n = array_index_nospec((offset - VGPU_REG_SESSION_STATE(0)) / 4,
				       VGPU_MAX_SESSIONS);
		for (i = 0; i < 2; i++) {
			session = dev->sessions[n + i];
			if (session)
				value |= (u64)session->state << (32 * i);
		}
		return value;
	}
	if (offset >= VGPU_BAR0_GPU_INFO &&
	    offset - VGPU_BAR0_GPU_INFO <= sizeof(dev->info) - sizeof(value))
		memcpy(&value, (const u8 *)&dev->info + (offset - VGPU_BAR0_GPU_INFO),
		       sizeof(value));
	return value;
}

static_assert(sizeof(struct vgpu_gpu_info) % sizeof(u64) == 0);
static_assert(sizeof(struct vgpu_gpu_info) <= VGPU_PAGE_SIZE);

static bool access_is_sane(u64 offset, u32 len)
{
	return (len == 1 || len == 2 || len == 4 || len == 8) && IS_ALIGNED(offset, len) &&
	       offset < VGPU_BAR0_SIZE;
}

/**
 * vgpu_dev_read() - the guest reads BAR0
 * @dev: whose
 * @offset: in BAR0
 * @len: 1, 2, 4 or 8 bytes, naturally aligned; anything else reads all ones, as an aborted PCI read
 *	does
 *
 * Return: the value. Context: any process.
 */
u64 vgpu_dev_read(struct vgpu_dev *dev, u64 offset, u32 len)
{
	u64 value;

	if (!access_is_sane(offset, len))
		return ~0ULL;
	spin_lock(&dev->gpu->lock);
	value = read_registers(dev, offset & ~7ULL);
	spin_unlock(&dev->gpu->lock);
	value >>= (offset & 7) * 8;
	return len == 8 ? value : value & ((1ULL << (len * 8)) - 1);
}

static enum vgpu_status destroy_session(struct vgpu_dev *dev, u32 id)
{
	enum vgpu_status status = VGPU_ST_BAD_STATE;

	if (id >= VGPU_MAX_SESSIONS)
		return VGPU_ST_BAD_SESSION;
	id = array_index_nospec(id, VGPU_MAX_SESSIONS);
	spin_lock(&dev->gpu->lock);
	if (dev->sessions[id] && dev->sessions[id]->state != VGPU_SESSION_CLOSING) {
		vgpu_session_close(dev->sessions[id]);
		vgpu_gpu_pump(dev->gpu);
		status = VGPU_ST_OK;
	}
	spin_unlock(&dev->gpu->lock);
	return status;
}

static void control(struct vgpu_dev *dev, u32 op)
{
	enum vgpu_status status;
	u64 arg[4];
	u32 id;

	mutex_lock(&dev->ctl);
	spin_lock(&dev->gpu->lock);
	memcpy(arg, dev->ctl_arg, sizeof(arg));
	id = dev->ctl_session;
	spin_unlock(&dev->gpu->lock);
	switch (op) {
	case VGPU_CTL_SESSION_CREATE:
		status = vgpu_session_create(dev, id, arg[0], arg[1], arg[2], arg[3]);
		break;
	case VGPU_CTL_SESSION_DESTROY:
		status = destroy_session(dev, id);
		break;
	case VGPU_CTL_RANGE_ADD:
		status = vgpu_session_add_range(dev, id, arg[0], arg[1]);
		break;
	default:
		status = VGPU_ST_BAD_OP;
	}
	spin_lock(&dev->gpu->lock);
	dev->ctl_result = status;
	spin_unlock(&dev->gpu->lock);
	mutex_unlock(&dev->ctl);
}

static void ring_doorbell(struct vgpu_dev *dev, u32 id)
{
	struct vgpu_session *session = dev->sessions[array_index_nospec(id, VGPU_MAX_SESSIONS)];

	dev->counters.doorbells++;
	if (!session || session->state == VGPU_SESSION_CLOSING) {
		vgpu_strike(dev, VGPU_STRIKE_DOORBELL, id, 0, vgpu_now_ns());
		return;
	}
	/* What it rings for may have been fetched since it looked at sq_event. */
	if (READ_ONCE(session->header->sq_tail) != session->sq_head || session->late_ring)
		session->late_ring = false;
	else
		vgpu_strike(dev, VGPU_STRIKE_DOORBELL, id, 0, vgpu_now_ns());
	vgpu_queue_look(session);
	vgpu_gpu_pump(dev->gpu);
}

static void bad_register(struct vgpu_dev *dev)
{
	dev->counters.bad_registers++;
	vgpu_strike(dev, VGPU_STRIKE_MALFORMED, VGPU_NO_SESSION, 0, vgpu_now_ns());
}

static void set_half(u64 *reg, u64 offset, u32 len, u64 value)
{
	u32 shift = (offset & 4) * 8;

	if (len == 8)
		*reg = value;
	else
		*reg = (*reg & ~(0xffffffffULL << shift)) | (value & 0xffffffff) << shift;
}

/**
 * vgpu_dev_write() - the guest writes BAR0
 * @dev: whose
 * @offset: in BAR0
 * @len: 4 or 8 bytes, naturally aligned; anything else is ignored and counted
 * @value: to be written
 *
 * Context: any process; may sleep.
 */
void vgpu_dev_write(struct vgpu_dev *dev, u64 offset, u32 len, u64 value)
{
	struct vgpu_gpu *gpu = dev->gpu;

	if (len == 4)
		value &= 0xffffffff;
	if (access_is_sane(offset, len) && len >= 4) {
		if (offset == VGPU_REG_STATUS && len == 4 && !value) {
			vgpu_dev_reset(dev);
			return;
		}
		if (offset == VGPU_REG_CTL_OP && len == 4) {
			control(dev, value);
			return;
		}
	} else {
		offset = ~0ULL;
	}

	spin_lock(&gpu->lock);
	switch (offset) {
	case VGPU_REG_STATUS:
		if (value & VGPU_STATUS_DRIVER_OK && !dev->resetting)
			dev->driver_ok = VGPU_STATUS_DRIVER_OK;
		break;
	case VGPU_REG_CTL_SESSION:
		dev->ctl_session = value;
		break;
	case VGPU_REG_DRIVER_FEATURES:
	case VGPU_REG_DRIVER_FEATURES + 4:
		set_half(&dev->driver_features, offset, len, value);
		dev->driver_features &= VGPU_F_ALL;
		break;
	default:
		if (offset >= VGPU_REG_CTL_ARG(0) && offset < VGPU_REG_CTL_ARG(4))
			set_half(&dev->ctl_arg[(offset - VGPU_REG_CTL_ARG(0)) / 8], offset, len,
				 value);
		else if (offset >= VGPU_BAR0_DOORBELL(0) &&
			 offset < VGPU_BAR0_DOORBELL(VGPU_MAX_SESSIONS))
			ring_doorbell(dev, (offset - VGPU_BAR0_DOORBELL(0)) / VGPU_PAGE_SIZE);
		else
			bad_register(dev);
	}
	if (!list_empty(&gpu->condemned))
		vgpu_gpu_pump(gpu);
	spin_unlock(&gpu->lock);
}

/**
 * vgpu_dev_reset() - begin a reset
 * @dev: any
 *
 * All sessions end. The reset is over when vgpu_dev_idle() says so, which takes the death of all
 * workers.
 *
 * Context: any process.
 */
void vgpu_dev_reset(struct vgpu_dev *dev)
{
	struct vgpu_gpu *gpu = dev->gpu;
	u32 i;

	spin_lock(&gpu->lock);
	dev->driver_ok = 0;
	dev->driver_features = 0;
	dev->ctl_session = 0;
	dev->ctl_result = 0;
	memset(dev->ctl_arg, 0, sizeof(dev->ctl_arg));
	dev->resetting = true;
	for (i = 0; i < VGPU_MAX_SESSIONS; i++)
		if (dev->sessions[i])
			vgpu_session_close(dev->sessions[i]);
	vgpu_gpu_pump(gpu);
	gpu->ops->schedule_reap(dev);
	spin_unlock(&gpu->lock);
}

static u32 count_sessions(const struct vgpu_dev *dev)
{
	u32 i, count = 0;

	for (i = 0; i < VGPU_MAX_SESSIONS; i++)
		count += !!dev->sessions[i];
	return count;
}

/**
 * vgpu_dev_idle() - whether a virtual GPU has no session and no reset under way
 * @dev: any
 *
 * Return: true if so. Context: any process.
 */
bool vgpu_dev_idle(struct vgpu_dev *dev)
{
	bool idle;

	spin_lock(&dev->gpu->lock);
	idle = !dev->resetting && !count_sessions(dev);
	spin_unlock(&dev->gpu->lock);
	return idle;
}

/*
 * A session that is closing and whose worker is gone, taken off every list but its device's; NULL
 * if there is none.
 */
static struct vgpu_session *next_closed(struct vgpu_dev *dev)
{
	struct vgpu_session *session;
	u32 i, j;

	for (i = 0; i < VGPU_MAX_SESSIONS; i++) {
		session = dev->sessions[i];
		if (!session || session->state != VGPU_SESSION_CLOSING ||
		    session->worker.state != VGPU_WORKER_NONE)
			continue;
		list_del_init(&session->fetch_node);
		list_del_init(&session->signal_node);
		for (j = 0; j < VGPU_MAX_STREAMS; j++)
			if (session->streams[j])
				list_del_init(&session->streams[j]->kick_node);
		return session;
	}
	return NULL;
}

static void reap_session(struct vgpu_dev *dev, struct vgpu_session *session)
{
	const struct vgpu_host_ops *ops = dev->gpu->ops;
	u32 i;

	ops->unmap_queue(dev, session->header, session->queue.offset, session->queue.len);
	ops->punch(dev, session->queue.offset, session->queue.len);
	for (i = 0; i < session->num_ranges; i++)
		ops->punch(dev, session->ranges[i].offset, session->ranges[i].len);

	spin_lock(&dev->gpu->lock);
	dev->sessions[session->id] = NULL;
	vgpu_group_memory(dev, -(s64)session->memory_used);
	ops->signal(dev, VGPU_VECTOR_CONFIG);
	spin_unlock(&dev->gpu->lock);
	vgpu_session_free(session);
}

/* A session whose killed worker was not released in time; NULL if there is none. */
static struct vgpu_session *next_overdue(struct vgpu_dev *dev)
{
	u32 i;

	for (i = 0; i < VGPU_MAX_SESSIONS; i++)
		if (dev->sessions[i] && dev->sessions[i]->worker.replace)
			return dev->sessions[i];
	return NULL;
}

/*
 * Gives a session other pages, and completes what its worker had. It cannot be freed meanwhile:
 * that takes vgpu_dev.ctl.
 */
static void replace_pages(struct vgpu_dev *dev, struct vgpu_session *session)
{
	struct vgpu_gpu *gpu = dev->gpu;
	bool replaced = true;
	u32 i;

	for (i = 0; i < session->num_ranges; i++)
		if (gpu->ops->punch(dev, session->ranges[i].offset, session->ranges[i].len))
			replaced = false;
	spin_lock(&gpu->lock);
	session->worker.replace = false;
	/* Where pages could not be replaced, commands wait for the worker's release after all. */
	if (replaced)
		vgpu_session_cancel_dispatched(session, session->lost_status);
	vgpu_gpu_pump(gpu);
	spin_unlock(&gpu->lock);
}

/**
 * vgpu_dev_reap() - free the sessions that nobody uses any more, and end a reset
 * @dev: any
 *
 * Called after schedule_reap, and any other time. The memory of a session is punched out of the
 * aperture before its number is free. Where a killed worker lingers past VGPU_RELEASE_TIMEOUT, the
 * pages of its session are replaced, so that its commands can be completed: what it still writes
 * goes to the old pages, which live as long as it holds them.
 *
 * Context: any process; may sleep.
 */
void vgpu_dev_reap(struct vgpu_dev *dev)
{
	struct vgpu_gpu *gpu = dev->gpu;
	struct vgpu_session *session;
	bool clear;

	mutex_lock(&dev->ctl);
	for (;;) {
		spin_lock(&gpu->lock);
		session = next_overdue(dev);
		spin_unlock(&gpu->lock);
		if (!session)
			break;
		replace_pages(dev, session);
	}
	for (;;) {
		spin_lock(&gpu->lock);
		session = next_closed(dev);
		clear = !session && dev->resetting && !count_sessions(dev);
		spin_unlock(&gpu->lock);
		if (!session)
			break;
		reap_session(dev, session);
	}
	if (clear) {
		gpu->ops->punch(dev, 0, dev->limits.aperture);
		spin_lock(&gpu->lock);
		dev->resetting = false;
		spin_unlock(&gpu->lock);
	}
	mutex_unlock(&dev->ctl);
}

/**
 * vgpu_dev_read_stats() - a consistent reading
 * @dev: any
 * @stats: filled in
 *
 * Context: any process.
 */
void vgpu_dev_read_stats(struct vgpu_dev *dev, struct vgpu_stats *stats)
{
	u64 now;
	u32 i;

	spin_lock(&dev->gpu->lock);
	now = vgpu_now_ns();
	stats->counters = dev->counters;
	stats->counters.throttled_ns = vgpu_admit_throttled_ns(dev, now);
	stats->quarantined = dev->quarantined;
	stats->throttled = dev->held;
	for (i = 0; i < VGPU_ENGINE_COUNT; i++) {
		vgpu_sched_sync(&dev->gpu->sched, i, vgpu_now_ns());
		stats->counters.busy_ns[i] =
			vgpu_sched_share_of(&dev->gpu->sched, &dev->sched, i)->busy_ns;
	}
	stats->waiting = dev->waiting;
	stats->memory_used = dev->memory_used;
	stats->sessions = count_sessions(dev);
	stats->workers = 0;
	for (i = 0; i < VGPU_MAX_SESSIONS; i++)
		if (dev->sessions[i] && dev->sessions[i]->worker.state >= VGPU_WORKER_BOUND)
			stats->workers++;
	spin_unlock(&dev->gpu->lock);
}
