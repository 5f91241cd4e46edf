// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "log.h"

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* Of workers that outlived their supervisor. */
static void sweep(const char *dir)
{
	struct dirent *entry;
	DIR *stream = opendir(dir);

	if (!stream)
		return;
	while ((entry = readdir(stream)))
		if (!strncmp(entry->d_name, "worker-", 7))
			unlinkat(dirfd(stream), entry->d_name, AT_REMOVEDIR);
	closedir(stream);
}

/**
 * cgroup_prepare() - have a directory's cgroups count memory
 * @dir: in it no process is itself
 *
 * It is made where it is missing; cgroups in it that workers left behind go.
 *
 * Return: 0 or a negative errno.
 */
int cgroup_prepare(const char *dir)
{
	char path[PATH_MAX];

	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	sweep(dir);
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir);
	return write_file(path, "+memory");
}

/**
 * cgroup_add() - put a worker into a cgroup of its own
 * @dir: from cgroup_prepare(); nothing happens where it is empty
 * @pid: worker
 *
 * What goes wrong is logged: a worker works without.
 */
void cgroup_add(const char *dir, pid_t pid)
{
	char path[PATH_MAX], number[16];
	int ret = 0;

	if (!dir[0])
		return;
	snprintf(path, sizeof(path), "%s/worker-%d", dir, (int)pid);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		ret = -errno;
	if (!ret) {
		snprintf(path, sizeof(path), "%s/worker-%d/cgroup.procs", dir, (int)pid);
		snprintf(number, sizeof(number), "%d", (int)pid);
		ret = write_file(path, number);
	}
	if (ret)
		log_warning("worker %d has no cgroup of its own: %s", (int)pid, strerror(-ret));
}

/**
 * cgroup_limit() - bound the memory of a worker, whose cgroup that bound ends it in
 * @dir: from cgroup_prepare()
 * @pid: worker, as the supervisor sees it
 * @bytes: at most
 *
 * Return: 0 or a negative errno. Context: before privileges are given up.
 */
int cgroup_limit(const char *dir, pid_t pid, uint64_t bytes)
{
	char path[PATH_MAX], number[24];

	snprintf(path, sizeof(path), "%s/worker-%d/memory.max", dir, (int)pid);
	snprintf(number, sizeof(number), "%" PRIu64, bytes);
	return write_file(path, number);
}

/**
 * cgroup_remove() - take away a worker's cgroup
 * @dir: from cgroup_prepare(); nothing happens where it is empty
 * @pid: worker that has ended
 */
void cgroup_remove(const char *dir, pid_t pid)
{
	char path[PATH_MAX];

	if (!dir[0])
		return;
	snprintf(path, sizeof(path), "%s/worker-%d", dir, (int)pid);
	if (rmdir(path) < 0 && errno != ENOENT)
		log_warning("cgroup %s stays: %s", path, strerror(errno));
}
