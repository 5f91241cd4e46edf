// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * Virtual GPUs and their guest driver: sessions and ranges of the aperture are given out here, by the device's
 * registers, as vgpu_guest.ko does it.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server.h"

/* An answer that has to wait. */
#define WAIT	1

static u32 read32(struct vm *vm, u64 offset)
{
	return (u32)vgpu_dev_read(&vm->dev, offset, 4);
}

static u32 session_state(struct vm *vm, int slot)
{
	return read32(vm, VGPU_REG_SESSION_STATE((u64)slot));
}

/* Makes a control operation; its status as a negative errno. */
static int control(struct vm *vm, int slot, u32 op, const u64 *args, unsigned int num_args)
{
	unsigned int i;

	vgpu_dev_write(&vm->dev, VGPU_REG_CTL_SESSION, 4, (u64)slot);
	for (i = 0; i < num_args; i++)
		vgpu_dev_write(&vm->dev, VGPU_REG_CTL_ARG(i), 8, args[i]);
	vgpu_dev_write(&vm->dev, VGPU_REG_CTL_OP, 4, op);
	switch (read32(vm, VGPU_REG_CTL_RESULT)) {
	case VGPU_ST_OK:
		return 0;
	case VGPU_ST_BAD_QUEUE:
		return -EINVAL;
	case VGPU_ST_LIMIT:
		return -EBUSY;
	case VGPU_ST_NO_MEMORY:
		return -ENOMEM;
	case VGPU_ST_QUARANTINED:
		return -EPERM;
	case VGPU_ST_BAD_STATE:
		return -ENODEV;
	default:
		return -EIO;
	}
}

static u64 queue_area_size(const struct vgpu_guest_session *session, u64 *cq_offset)
{
	u64 sq = ALIGN((u64)session->sq_entries * sizeof(struct vgpu_cmd), (u64)VGPU_PAGE_SIZE);
	u64 cq = ALIGN((u64)session->cq_entries * sizeof(struct vgpu_cqe), (u64)VGPU_PAGE_SIZE);

	*cq_offset = VGPU_PAGE_SIZE + sq;
	return VGPU_PAGE_SIZE + sq + cq;
}

static struct gpu *roomiest_gpu(struct server *server)
{
	struct gpu *gpu, *best = NULL;
	u64 most = 0, room;

	list_for_each_entry(gpu, &server->gpus, node) {
		room = gpu->core.attach.memory - gpu->core.memory_given;
		if (gpu->core.attached && room > most) {
			most = room;
			best = gpu;
		}
	}
	return best;
}

/* The same name has the same UUID in every run. */
static void name_uuid(const char *name, u8 uuid[16])
{
	u64 hash[2] = { 0xcbf29ce484222325ULL, 0x9ae16a3b2f90404fULL };
	unsigned int i;

	for (; *name; name++) {
		for (i = 0; i < 2; i++)
			hash[i] = (hash[i] ^ (u8)*name) * 0x100000001b3ULL;
	}
	memcpy(uuid, hash, 16);
	uuid[6] = (uuid[6] & 0x0f) | 0x80;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

static int make_aperture(struct vm *vm, u64 size)
{
	void *at;

	vm->aperture_fd = memfd_create("vgpu-aperture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (vm->aperture_fd < 0 || ftruncate(vm->aperture_fd, (off_t)size) < 0 ||
	    fcntl(vm->aperture_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, vm->aperture_fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	vm->aperture = at;
	return extents_init(&vm->extents, size) ? 0 : -ENOMEM;
}

static void free_aperture(struct vm *vm, u64 size)
{
	extents_destroy(&vm->extents);
	if (vm->aperture)
		munmap(vm->aperture, size);
	if (vm->aperture_fd >= 0)
		close(vm->aperture_fd);
}

static int make_vm(struct server *server, const char *name, struct vm **out)
{
	const struct server_options *options = &server->options;
	struct gpu *gpu = roomiest_gpu(server);
	struct vgpu_limits limits = vgpu_limits_default;
	struct vm *vm;
	u8 uuid[16];
	u64 granule;
	int err;

	if (!gpu)
		return -ENODEV;
	granule = gpu->core.attach.granule;
	limits.aperture = options->aperture;
	limits.deadline_ns = options->deadline_ns;
	limits.sessions = VGPU_MAX_SESSIONS;
	policy_tier(options, name, &limits);
	limits.memory = options->memory ? options->memory : gpu->core.attach.memory / options->vms;
	limits.memory -= limits.memory % granule;
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	vm->gpu = gpu;
	vm->index = server->num_vms;
	snprintf(vm->name, sizeof(vm->name), "%s", name);
	name_uuid(name, uuid);
	err = make_aperture(vm, limits.aperture);
	if (!err)
		err = vgpu_dev_init(&vm->dev, &gpu->core, uuid, &limits, vm);
	if (err) {
		free_aperture(vm, limits.aperture);
		free(vm);
		return err;
	}
	vgpu_dev_write(&vm->dev, VGPU_REG_DRIVER_FEATURES, 8, 0);
	vgpu_dev_write(&vm->dev, VGPU_REG_STATUS, 4, VGPU_STATUS_DRIVER_OK);
	list_add_tail(&vm->node, &server->vms);
	server->num_vms++;
	*out = vm;
	return 0;
}

static struct vm *find_vm(struct server *server, const char *name)
{
	struct vm *vm;

	list_for_each_entry(vm, &server->vms, node) {
		if (!strcmp(vm->name, name))
			return vm;
	}
	return NULL;
}

/**
 * vm_hello() - LB_GUEST_HELLO
 * @server: the daemon
 * @conn: new
 * @msg: the request; answered
 */
void vm_hello(struct server *server, struct conn *conn, struct lb_msg *msg)
{
	const char *name = msg->hello.vm;
	int err = 0;

	if (conn->role != CONN_NEW || !name[0] || strnlen(name, sizeof(msg->hello.vm)) == sizeof(msg->hello.vm)) {
		server_reply(conn, msg, -EINVAL, NULL, 0);
		return;
	}
	conn->vm = find_vm(server, name);
	if (!conn->vm)
		err = make_vm(server, name, &conn->vm);
	if (err)
		fprintf(stderr, "vgpu-loopback: no virtual GPU \"%s\": %s\n", name,
			err == -ENODEV ? "no GPU is attached" :
			err == -ENOSPC ? "the GPU's memory is given out; see --vms and --memory" : strerror(-err));
	else
		conn->role = CONN_GUEST;
	server_reply(conn, msg, err, NULL, 0);
}

/**
 * vm_info() - LB_GUEST_INFO
 * @server: the daemon
 * @conn: a guest's
 * @msg: the request; answered
 */
void vm_info(struct server *server, struct conn *conn, struct lb_msg *msg)
{
	struct vgpu_guest_info *info = &msg->info;
	struct vm *vm = conn->vm;
	u64 word;
	size_t i;

	if (conn->role != CONN_GUEST) {
		server_reply(conn, msg, -EINVAL, NULL, 0);
		return;
	}
	memset(info, 0, sizeof(*info));
	info->version = VGPU_GUEST_VERSION;
	info->device_version = read32(vm, VGPU_REG_VERSION);
	info->features = vgpu_dev_read(&vm->dev, VGPU_REG_DRIVER_FEATURES, 8);
	info->aperture_size = vgpu_dev_read(&vm->dev, VGPU_REG_APERTURE_SIZE, 8);
	info->memory_size = vgpu_dev_read(&vm->dev, VGPU_REG_MEMORY_SIZE, 8);
	info->memory_used = vgpu_dev_read(&vm->dev, VGPU_REG_MEMORY_USED, 8);
	info->granule = vgpu_dev_read(&vm->dev, VGPU_REG_GRANULE, 8);
	info->status = read32(vm, VGPU_REG_STATUS);
	info->num_sessions = read32(vm, VGPU_REG_NUM_SESSIONS);
	info->queue_depth = read32(vm, VGPU_REG_QUEUE_DEPTH);
	info->pci_bus = 1 + vm->index / 32;
	info->pci_device = vm->index % 32 << 3;
	for (i = 0; i < sizeof(info->gpu); i += sizeof(word)) {
		word = vgpu_dev_read(&vm->dev, VGPU_BAR0_GPU_INFO + i, 8);
		memcpy((char *)&info->gpu + i, &word, sizeof(word));
	}
	server_reply(conn, msg, 0, NULL, 0);
}

static void doorbell_handle(struct server *server, struct source *source, uint32_t events)
{
	struct slot *slot = container_of(source, struct slot, doorbell);
	uint64_t count;

	if (read(source->fd, &count, sizeof(count)) == sizeof(count))
		vgpu_dev_write(&slot->vm->dev, VGPU_BAR0_DOORBELL((u64)(slot - slot->vm->slots)), 4, 1);
}

static void free_slot(struct server *server, struct slot *slot)
{
	struct vm *vm = slot->vm;
	unsigned int i;

	if (slot->doorbell.fd >= 0) {
		server_remove(server, &slot->doorbell);
		close(slot->doorbell.fd);
	}
	if (slot->interrupt_fd >= 0)
		close(slot->interrupt_fd);
	extents_give(&vm->extents, slot->queue.offset, slot->queue.len);
	for (i = 0; i < slot->num_ranges; i++)
		extents_give(&vm->extents, slot->ranges[i].offset, slot->ranges[i].len);
	if (slot->conn)
		slot->conn->slot = -1;
	memset(slot, 0, sizeof(*slot));
}

/* Whether a session is on its way out, so that waiting for its number or memory has an end. */
static bool any_closing(const struct vm *vm)
{
	int i;

	for (i = 0; i < VGPU_MAX_SESSIONS; i++) {
		if (vm->slots[i].used && !vm->slots[i].conn)
			return true;
	}
	return false;
}

static int open_slot(struct server *server, struct conn *conn, int n, const struct lb_session *request, u64 len)
{
	struct vm *vm = conn->vm;
	struct slot *slot = &vm->slots[n];
	u64 args[4];
	int err;

	if (!extents_take(&vm->extents, len, &slot->queue.offset))
		return any_closing(vm) ? WAIT : -ENOSPC;
	slot->queue.len = len;
	slot->vm = vm;
	slot->used = true;
	slot->doorbell.handle = doorbell_handle;
	slot->doorbell.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	slot->interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (slot->doorbell.fd < 0 || slot->interrupt_fd < 0)
		err = -errno;
	else
		err = server_add(server, &slot->doorbell);
	args[0] = slot->queue.offset;
	args[1] = request->session.sq_entries;
	args[2] = request->session.cq_entries;
	args[3] = 1 + (u64)n;
	if (!err)
		err = control(vm, n, VGPU_CTL_SESSION_CREATE, args, 4);
	if (err) {
		free_slot(server, slot);
		return err;
	}
	slot->conn = conn;
	conn->slot = n;
	return 0;
}

static int open_session(struct server *server, struct conn *conn, struct lb_session *request)
{
	struct vgpu_guest_session *session = &request->session;
	struct vm *vm = conn->vm;
	u64 cq_offset, len;
	u32 n, limit;
	int err;

	if (conn->role != CONN_GUEST || session->flags)
		return -EINVAL;
	if (session->sq_entries > VGPU_QUEUE_MAX || session->cq_entries > VGPU_QUEUE_MAX)
		return -EINVAL;
	if (conn->slot >= 0)
		return -EBUSY;
	limit = read32(vm, VGPU_REG_NUM_SESSIONS);
	for (n = 0; n < limit && vm->slots[n].used; n++)
		;
	if (n == limit)
		return any_closing(vm) ? WAIT : -EBUSY;
	len = queue_area_size(session, &cq_offset);
	err = open_slot(server, conn, (int)n, request, len);
	if (err)
		return err;
	session->session = n;
	session->queue_size = len;
	session->sq_offset = VGPU_PAGE_SIZE;
	session->cq_offset = cq_offset;
	request->queue_offset = vm->slots[n].queue.offset;
	return 0;
}

static void wait_for_room(struct conn *conn, const struct lb_msg *msg)
{
	conn->request = *msg;
	conn->waiting = true;
}

/**
 * vm_session() - LB_GUEST_SESSION
 * @server: the daemon
 * @conn: a guest's
 * @msg: the request; answered, at once or when there is room
 */
void vm_session(struct server *server, struct conn *conn, struct lb_msg *msg)
{
	int err = open_session(server, conn, &msg->session);
	struct slot *slot;
	int fds[3];

	if (err == WAIT) {
		wait_for_room(conn, msg);
		return;
	}
	if (err) {
		server_reply(conn, msg, err, NULL, 0);
		return;
	}
	slot = &conn->vm->slots[conn->slot];
	fds[0] = conn->vm->aperture_fd;
	fds[1] = slot->doorbell.fd;
	fds[2] = slot->interrupt_fd;
	server_reply(conn, msg, 0, fds, 3);
}

static int add_range(struct conn *conn, struct vgpu_guest_range *range)
{
	struct vm *vm = conn->vm;
	struct slot *slot;
	u64 offset, len, args[2];
	int err;

	if (conn->role != CONN_GUEST || conn->slot < 0 || !range->len || range->len > vm->dev.limits.aperture)
		return -EINVAL;
	slot = &vm->slots[conn->slot];
	if (slot->num_ranges == VGPU_MAX_RANGES)
		return -ENOSPC;
	len = ALIGN(range->len, (u64)VGPU_PAGE_SIZE);
	if (!extents_take(&vm->extents, len, &offset))
		return any_closing(vm) ? WAIT : -ENOSPC;
	args[0] = offset;
	args[1] = len;
	err = control(vm, conn->slot, VGPU_CTL_RANGE_ADD, args, 2);
	if (err) {
		extents_give(&vm->extents, offset, len);
		return err;
	}
	slot->ranges[slot->num_ranges].offset = offset;
	slot->ranges[slot->num_ranges].len = len;
	slot->num_ranges++;
	range->offset = offset;
	range->len = len;
	return 0;
}

/**
 * vm_range() - LB_GUEST_RANGE
 * @server: the daemon
 * @conn: a guest's
 * @msg: the request; answered, at once or when there is room
 */
void vm_range(struct server *server, struct conn *conn, struct lb_msg *msg)
{
	int err = add_range(conn, &msg->range);

	if (err == WAIT)
		wait_for_room(conn, msg);
	else
		server_reply(conn, msg, err, NULL, 0);
}

/**
 * vm_state() - LB_GUEST_STATE
 * @server: the daemon
 * @conn: a guest's
 * @msg: the request; answered
 */
void vm_state(struct server *server, struct conn *conn, struct lb_msg *msg)
{
	if (conn->role != CONN_GUEST) {
		server_reply(conn, msg, -EINVAL, NULL, 0);
		return;
	}
	msg->state = conn->slot < 0 ? VGPU_SESSION_FREE : session_state(conn->vm, conn->slot);
	server_reply(conn, msg, 0, NULL, 0);
}

/**
 * vm_interrupt() - a vector is raised
 * @vm: whose
 * @vector: number
 *
 * Context: vgpu_gpu.lock held.
 */
void vm_interrupt(struct vm *vm, uint32_t vector)
{
	struct slot *slot;
	uint64_t one = 1;

	if (vector == VGPU_VECTOR_CONFIG) {
		vm->config_raised = true;
		vm->gpu->server->vms_noted = true;
		return;
	}
	slot = &vm->slots[vector - 1];
	if (slot->used && write(slot->interrupt_fd, &one, sizeof(one)) < 0)
		return;
}

static void retry_waiting(struct server *server, const struct vm *vm)
{
	struct conn *conn;

	list_for_each_entry(conn, &server->conns, node) {
		if (!conn->waiting || conn->vm != vm)
			continue;
		conn->waiting = false;
		if (conn->request.op == LB_GUEST_SESSION)
			vm_session(server, conn, &conn->request);
		else
			vm_range(server, conn, &conn->request);
	}
}

/**
 * vm_collect() - act on what the core asked for: reap, and take back what ended sessions had
 * @server: the daemon
 * @vm: whose
 */
void vm_collect(struct server *server, struct vm *vm)
{
	int i;

	if (vm->reap) {
		vm->reap = false;
		vgpu_dev_reap(&vm->dev);
	}
	vm->config_raised = false;
	for (i = 0; i < VGPU_MAX_SESSIONS; i++) {
		if (vm->slots[i].used && session_state(vm, i) == VGPU_SESSION_FREE)
			free_slot(server, &vm->slots[i]);
	}
	retry_waiting(server, vm);
}

/**
 * vm_close() - a guest process has closed its device
 * @server: the daemon
 * @conn: its connection
 */
void vm_close(struct server *server, struct conn *conn)
{
	struct slot *slot;

	if (conn->slot < 0)
		return;
	slot = &conn->vm->slots[conn->slot];
	slot->conn = NULL;
	/* Nobody reads the interrupt any more, and nobody's doorbell counts. */
	server_remove(server, &slot->doorbell);
	close(slot->doorbell.fd);
	slot->doorbell.fd = -1;
	control(conn->vm, conn->slot, VGPU_CTL_SESSION_DESTROY, NULL, 0);
	conn->slot = -1;
}

/**
 * vm_sum() - add up counters
 * @server: the daemon
 * @only: of this virtual GPU, NULL for all
 * @stats: filled in
 */
void vm_sum(struct server *server, const struct vm *only, struct lb_stats *stats)
{
	struct vgpu_stats one;
	struct vm *vm;

	memset(stats, 0, sizeof(*stats));
	list_for_each_entry(vm, &server->vms, node) {
		if (only && vm != only)
			continue;
		vgpu_dev_read_stats(&vm->dev, &one);
		stats->submitted += one.counters.submitted;
		stats->completed += one.counters.completed;
		stats->failed += one.counters.failed;
		stats->waiting += one.waiting;
		stats->rejected += one.counters.rejected;
		stats->launches += one.counters.launches;
		stats->hangs += one.counters.hangs;
		stats->bad_completions += one.counters.bad_completions;
		stats->sessions_lost += one.counters.sessions_lost;
		stats->memory_used += one.memory_used;
		stats->sessions += one.sessions;
		stats->workers += one.workers;
	}
}

/**
 * vm_stats() - LB_STATS
 * @server: the daemon
 * @conn: any
 * @msg: the request; answered
 */
void vm_stats(struct server *server, struct conn *conn, struct lb_msg *msg)
{
	vm_sum(server, conn->vm, &msg->stats);
	server_reply(conn, msg, 0, NULL, 0);
}

static bool all_idle(struct server *server)
{
	struct vm *vm;

	list_for_each_entry(vm, &server->vms, node) {
		if (!vgpu_dev_idle(&vm->dev))
			return false;
	}
	return true;
}

/**
 * vm_reset_all() - reset every virtual GPU and serve until that is done
 * @server: the daemon
 * @timeout_ms: longest time
 *
 * Return: false if it took longer.
 */
bool vm_reset_all(struct server *server, int timeout_ms)
{
	u64 end = vgpu_now_ns() + (u64)timeout_ms * NSEC_PER_MSEC;
	struct vm *vm;
	u64 now;

	list_for_each_entry(vm, &server->vms, node)
		vgpu_dev_write(&vm->dev, VGPU_REG_STATUS, 4, 0);
	/* Notes of the core are acted on before the first wait. */
	server_step(server, 0);
	while (!all_idle(server)) {
		now = vgpu_now_ns();
		if (now >= end)
			return false;
		server_step(server, (int)((end - now) / NSEC_PER_MSEC) + 1);
	}
	return true;
}

/**
 * vm_check() - whether the counters of every virtual GPU agree and nothing is left over
 * @server: the daemon, its virtual GPUs idle
 * @why: filled with what is wrong
 * @why_len: bytes at @why
 *
 * Return: false if something is wrong.
 */
bool vm_check(struct server *server, char *why, size_t why_len)
{
	struct vgpu_stats stats;
	struct vm *vm;
	char problem[256];

	list_for_each_entry(vm, &server->vms, node) {
		vgpu_dev_read_stats(&vm->dev, &stats);
		problem[0] = '\0';
		if (stats.counters.submitted != stats.counters.completed + stats.counters.failed + stats.waiting)
			snprintf(problem, sizeof(problem),
				 "submitted %llu is not completed %llu + failed %llu + waiting %llu",
				 (unsigned long long)stats.counters.submitted,
				 (unsigned long long)stats.counters.completed,
				 (unsigned long long)stats.counters.failed, (unsigned long long)stats.waiting);
		else if (stats.waiting || stats.memory_used || stats.sessions || stats.workers)
			snprintf(problem, sizeof(problem),
				 "left over: %llu commands, %llu bytes of device memory, %u sessions, %u workers",
				 (unsigned long long)stats.waiting, (unsigned long long)stats.memory_used,
				 stats.sessions, stats.workers);
		else if (vm->extents.num != 1 || vm->extents.free[0].len != vm->dev.limits.aperture)
			snprintf(problem, sizeof(problem), "the aperture is in %zu free parts, not in one whole",
				 vm->extents.num);
		else if (stats.counters.bad_completions)
			snprintf(problem, sizeof(problem), "%llu completions of workers were refused",
				 (unsigned long long)stats.counters.bad_completions);
		if (problem[0]) {
			snprintf(why, why_len, "%s: %s", vm->name, problem);
			return false;
		}
	}
	return true;
}

/**
 * vm_free() - end of a virtual GPU
 * @server: the daemon
 * @vm: idle, its connections closed
 */
void vm_free(struct server *server, struct vm *vm)
{
	u64 aperture = vm->dev.limits.aperture;
	int i;

	for (i = 0; i < VGPU_MAX_SESSIONS; i++) {
		if (vm->slots[i].used)
			free_slot(server, &vm->slots[i]);
	}
	list_del(&vm->node);
	vgpu_dev_destroy(&vm->dev);
	free_aperture(vm, aperture);
	free(vm);
}
