// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * A worker: binds one session, gives up its privileges, and passes the session's commands to the backend until it is
 * told to end.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "address.h"
#include "backend/backend.h"
#include "boot.h"
#include "cgroup.h"
#include "log.h"
#include "ring.h"
#include "sandbox.h"

#define CU_OUT_OF_MEMORY	2
/* Longest sleep between looks at the dispatch ring. */
#define WAIT_NS			10000000000ULL
/* Of the aperture in the address space: huge pages, where the kernel has them for it. */
#define APERTURE_ALIGN		(2ULL << 20)
/* Bytes that a worker may take beside its session's device memory and aperture: code, tables, modules and their compiling. */
#define WORKER_MEMORY		(1ULL << 30)
/* Lines a second that a guest can cause. */
#define LOG_PER_SECOND		50

/**
 * struct range - a part of the aperture that is mapped
 * @offset: in the aperture
 * @len: bytes
 */
struct range {
	uint64_t offset;
	uint64_t len;
};

/* A process serves one session: its state is the process's. Ranges are added by the main thread and never changed. */
static struct {
	struct ring ring;
	struct port *port;
	struct backend_session session;
	const struct backend *backend;
	struct range ranges[VGPU_MAX_RANGES];
	uint32_t num_ranges;
} worker;

static void *aperture_at(uint64_t offset, uint64_t len)
{
	uint32_t num = __atomic_load_n(&worker.num_ranges, __ATOMIC_ACQUIRE);
	const struct range *range;
	uint32_t i;

	for (i = 0; i < num; i++) {
		range = &worker.ranges[i];
		if (offset >= range->offset && len <= range->len && offset - range->offset <= range->len - len)
			return (void *)(uintptr_t)(worker.session.aperture_base + offset);
	}
	return NULL;
}

static void complete(const struct vgpu_dispatch *dispatch, uint32_t status, uint64_t value, uint64_t gpu_ns)
{
	const struct vgpu_completion completion = {
		.tag = dispatch->tag,
		.generation = dispatch->generation,
		.status = status,
		.value = value,
		.gpu_ns = gpu_ns,
	};
	int ret = ring_complete(&worker.ring, &completion);

	/* Told to end: the main thread hears it too. */
	if (ret && ret != -ENODEV)
		log_error("completion of command %llx was not taken: %s", dispatch->tag, strerror(-ret));
}

static int add_range(const struct vgpu_dispatch *dispatch)
{
	uint64_t offset = dispatch->cmd.raw[0];
	uint64_t len = dispatch->cmd.raw[1];
	int ret;

	if (!len || (offset | len) % VGPU_PAGE_SIZE || len > worker.session.aperture_size ||
	    offset > worker.session.aperture_size - len || worker.num_ranges == VGPU_MAX_RANGES) {
		log_error("aperture range of %" PRIu64 " bytes at %" PRIu64 " does not fit an aperture of %" PRIu64,
			  len, offset, worker.session.aperture_size);
		return -EPROTO;
	}
	ret = worker.port->ops->map_aperture(worker.port, (void *)(uintptr_t)(worker.session.aperture_base + offset),
					     offset, len);
	if (ret) {
		log_error("mapping %" PRIu64 " bytes of the aperture at %" PRIu64 " failed: %s", len, offset,
			  strerror(-ret));
		return ret;
	}
	worker.ranges[worker.num_ranges].offset = offset;
	worker.ranges[worker.num_ranges].len = len;
	__atomic_store_n(&worker.num_ranges, worker.num_ranges + 1, __ATOMIC_RELEASE);
	if (worker.backend->add_range)
		worker.backend->add_range(offset, len);
	return 0;
}

static int take_entries(void)
{
	struct vgpu_dispatch dispatch;
	int ret;

	while ((ret = ring_next(&worker.ring, &dispatch)) > 0) {
		if (dispatch.kind == VGPU_DISPATCH_RANGE) {
			ret = add_range(&dispatch);
			if (ret)
				return ret;
		} else {
			worker.backend->submit(&dispatch);
		}
	}
	return ret;
}

static enum worker_exit serve(void)
{
	int ret;

	for (;;) {
		ret = take_entries();
		if (!ret)
			ret = ring_wait(&worker.ring, WAIT_NS);
		if (ret == -ENODEV)
			return WORKER_EXIT_DONE;
		if (ret && ret != -ETIMEDOUT) {
			log_error("dispatch ring: %s", strerror(-ret));
			return WORKER_EXIT_PROTOCOL;
		}
	}
}

static bool read_boot(struct boot *boot)
{
	ssize_t n = read(BOOT_FD, boot, sizeof(*boot));

	close(BOOT_FD);
	return n == sizeof(*boot) && boot->magic == BOOT_MAGIC;
}

static int bind_session(const struct boot *boot, struct vgpu_exec_bind *bind)
{
	struct vgpu_exec_rings *rings;
	char name[16];
	int ret;

	ret = port_open(&boot->address, &worker.port);
	if (ret) {
		log_error("%s: %s", boot->address.path, strerror(-ret));
		return ret;
	}
	bind->token = boot->token;
	bind->version = VGPU_EXEC_VERSION;
	ret = worker.port->ops->bind(worker.port, bind);
	if (ret) {
		log_warning("session not bound: %s", strerror(-ret));
		return ret;
	}
	log_set_session(bind->uuid, bind->session);
	snprintf(name, sizeof(name), "vgpu/%u", bind->session);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	rings = worker.port->ops->map_rings(worker.port);
	if (!rings) {
		ret = -errno;
		log_error("rings not mapped: %s", strerror(errno));
		return ret;
	}
	ring_init(&worker.ring, worker.port, rings, bind->generation);
	worker.session.device_size = bind->device_size;
	worker.session.chunk_size = bind->chunk_size;
	worker.session.aperture_size = bind->aperture_size;
	worker.session.granule = bind->granule;
	worker.session.memory = bind->memory;
	worker.session.tier = bind->tier;
	worker.session.aperture = aperture_at;
	worker.session.complete = complete;
	return 0;
}

static uint32_t start_backend(const struct boot *boot)
{
	void *aperture;
	uint32_t result;

	aperture = address_reserve(worker.session.aperture_size, APERTURE_ALIGN);
	if (!aperture) {
		log_error("no room for an aperture of %" PRIu64 " bytes in the address space: %s",
			  worker.session.aperture_size, strerror(errno));
		return CU_OUT_OF_MEMORY;
	}
	worker.session.aperture_base = (uintptr_t)aperture;
	result = worker.backend->start(&boot->options, &worker.session);
	if (result)
		log_error("backend %s did not start: CUDA error %u", boot->backend, result);
	return result;
}

static enum worker_exit say_ready(uint32_t status)
{
	const struct vgpu_exec_ready ready = {
		.device_base = worker.session.device_base,
		.aperture_base = worker.session.aperture_base,
		.status = status,
	};
	int ret = worker.port->ops->ready(worker.port, &ready);

	if (status)
		return WORKER_EXIT_START;
	if (ret == -ENODEV)
		return WORKER_EXIT_DONE;
	if (ret) {
		log_error("the kernel did not take the session's addresses: %s", strerror(-ret));
		return WORKER_EXIT_PROTOCOL;
	}
	return serve();
}

/**
 * worker_main() - serve a session until told to end
 *
 * Return: enum worker_exit. The caller ends the process at once: threads of the backend may run.
 */
int worker_main(void)
{
	struct vgpu_exec_bind bind = { 0 };
	const char *what = "";
	struct boot boot;
	uint32_t status;
	int ret;

	if (!read_boot(&boot)) {
		fprintf(stderr, "vgpu-executor: --worker is for the supervisor's own use\n");
		return WORKER_EXIT_BOOT;
	}
	log_setup(boot.options.name, boot.log_json, boot.log_level);
	log_set_pid((pid_t)boot.number);
	log_limit(LOG_PER_SECOND);
	if (bind_session(&boot, &bind))
		return WORKER_EXIT_BIND;
	worker.backend = backend_by_name(boot.backend);
	if (!worker.backend) {
		log_error("this build has no backend \"%s\"", boot.backend);
		return WORKER_EXIT_BOOT;
	}
	if (boot.cgroup[0]) {
		ret = cgroup_limit(boot.cgroup, (pid_t)boot.number,
				   bind.memory + bind.aperture_size + WORKER_MEMORY);
		if (ret)
			log_warning("no limit of memory: cgroup %s/%u: %s", boot.cgroup, boot.number, strerror(-ret));
	}
	if (boot.sandbox) {
		ret = sandbox_drop_privileges(boot.number, worker.backend->gpu_device, &what);
		if (ret) {
			log_error("sandbox: cannot %s: %s", what, strerror(-ret));
			return WORKER_EXIT_SANDBOX;
		}
	}
	status = start_backend(&boot);
	if (boot.sandbox && !status) {
		ret = sandbox_seal(boot.address.loopback, worker.backend->gpu_device, &what);
		if (ret) {
			log_error("sandbox: cannot %s: %s", what, strerror(-ret));
			return WORKER_EXIT_SANDBOX;
		}
	}
	return say_ready(status);
}
