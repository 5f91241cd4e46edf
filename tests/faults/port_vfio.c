// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Virtual GPUs over VFIO, as QEMU has them; their names are UUIDs that end in their number. A session has the number of
 * its virtual GPU, so that its worker's name tells it from others.
 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/faults/faults.h"
#include "tests/faults/port.h"
#include "tests/vfio/queue.h"
#include "tests/vfio/standin.h"

#define QUEUE_AT	0x100000ULL
#define RANGE_AT	0x10000000ULL

static struct vfio_client client;
static struct queue queue;
static unsigned int number;

static void name_of(unsigned int vm, char uuid[40])
{
	snprintf(uuid, 40, "fa017500-0000-4000-8000-%012x", vm);
}

static int vfio_attach(unsigned int vm)
{
	char uuid[40];
	int err;

	number = vm;
	name_of(vm, uuid);
	if (!mdev_exists(uuid)) {
		err = mdev_create("soft0", "vgpu-1g", uuid);
		if (err)
			return err;
	}
	err = vfio_client_open(&client, uuid, VFIO_PATH_GROUP);
	if (err)
		return err;
	vfio_enable_memory(&client);
	reg_write32(&client, VGPU_REG_STATUS, VGPU_STATUS_DRIVER_OK);
	return vfio_client_map(&client);
}

static void vfio_detach(void)
{
	vfio_client_close(&client);
}

static int vfio_begin(struct place *place)
{
	uint32_t status = queue_create(&queue, &client, number, QUEUE_AT, QUEUE_ENTRIES, QUEUE_ENTRIES);

	if (status == VGPU_ST_OK)
		status = control(&client, number, VGPU_CTL_RANGE_ADD, RANGE_AT, RANGE_BYTES, 0, 0);
	if (status == VGPU_ST_QUARANTINED)
		return -EAGAIN;
	if (status != VGPU_ST_OK) {
		complain("virtual GPU %u has no session %u: status %#x", number, number, status);
		return -EIO;
	}
	place->header = queue.header;
	place->sq = queue.sq;
	place->cq = queue.cq;
	place->aperture = client.aperture;
	place->range = RANGE_AT;
	place->interrupt = queue.eventfd;
	return 0;
}

static void vfio_end(struct place *place)
{
	control(&client, number, VGPU_CTL_SESSION_DESTROY, 0, 0, 0, 0);
	session_wait_state(&client, number, VGPU_SESSION_FREE);
	queue_free(&queue);
}

static void vfio_ring(void)
{
	queue_ring(&queue);
}

static pid_t vfio_worker(void)
{
	char path[300], name[32], comm[32];
	struct dirent *entry;
	pid_t found = 0;
	FILE *file;
	DIR *proc = opendir("/proc");

	snprintf(name, sizeof(name), "vgpu/%u", number);
	while (proc && !found && (entry = readdir(proc))) {
		if (atoi(entry->d_name) < 1)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fscanf(file, "%31s", comm) == 1 && !strcmp(comm, name))
			found = atoi(entry->d_name);
		fclose(file);
	}
	if (proc)
		closedir(proc);
	return found;
}

static int admin(char *const argv[])
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return status ? -EIO : 0;
}

/* Of the limits, those that a test over VFIO changes: a process for each change costs more than rounds do. */
static int vfio_limits(const struct lb_limits *limits)
{
	static struct lb_limits last;
	static const char *const tiers[] = { "high", "medium", "low" };
	char uuid[40], deadline[32], depth[16];
	char *const argv[] = { "vgpu-admin", "vm", "set", uuid, "--tier", (char *)tiers[limits->tier],
			       "--deadline", deadline, "--depth", depth, NULL };

	if (last.deadline_ns == limits->deadline_ns && last.tier == limits->tier && last.depth == limits->depth)
		return 0;
	last = *limits;
	name_of(number, uuid);
	snprintf(deadline, sizeof(deadline), "%lluns", (unsigned long long)limits->deadline_ns);
	snprintf(depth, sizeof(depth), "%u", limits->depth);
	return admin(argv);
}

static int vfio_policy(const struct lb_policy *policy)
{
	return 0;
}

static int vfio_stats(unsigned int vm, struct lb_stats *stats)
{
	char uuid[40];

	name_of(vm, uuid);
	memset(stats, 0, sizeof(*stats));
	if (!mdev_exists(uuid))
		return 0;
	stats->submitted = mdev_counter(uuid, "submitted");
	stats->completed = mdev_counter(uuid, "completed");
	stats->failed = mdev_counter(uuid, "failed");
	stats->waiting = mdev_counter(uuid, "waiting");
	stats->sessions = mdev_counter(uuid, "sessions");
	stats->workers = mdev_counter(uuid, "workers");
	return 0;
}

const struct port_ops vfio_port = {
	.attach = vfio_attach,
	.detach = vfio_detach,
	.begin = vfio_begin,
	.end = vfio_end,
	.ring = vfio_ring,
	.worker = vfio_worker,
	.limits = vfio_limits,
	.policy = vfio_policy,
	.stats = vfio_stats,
};
