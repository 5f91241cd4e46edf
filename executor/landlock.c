// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Landlock, for workers whose GPU driver opens its device nodes anew as it works. Reading stays as it is: what a driver
 * reads while it starts differs from one to the next. Writing, making, removing and executing are left for the nodes
 * alone, so that the filter of system calls, which sees the flags of an open() but not its path, need only insist on
 * O_RDWR to leave nothing else to be opened.
 */

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "landlock.h"

/* What headers of older kernels lack, by the version of the interface that brought it. */
#define ACCESS_V1	((1ULL << 13) - 1)	/* all from EXECUTE to MAKE_SYM */
#define ACCESS_REFER	(1ULL << 13)		/* 2 */
#define ACCESS_TRUNCATE	(1ULL << 14)		/* 3 */
#define ACCESS_NET	3ULL			/* 4: bind and connect of TCP */
#define ACCESS_IOCTL	(1ULL << 15)		/* 5: of devices */
#define SCOPES		3ULL			/* 6: abstract sockets, signals */

#define ACCESS_READ	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* struct landlock_ruleset_attr as of version 6; older kernels take its beginning. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

static size_t ruleset_size(long version)
{
	return version < 4 ? sizeof(uint64_t) : version < 6 ? 2 * sizeof(uint64_t) : sizeof(struct ruleset);
}

static struct ruleset everything_but_reading(long version)
{
	struct ruleset ruleset = { .fs = ACCESS_V1 & ~ACCESS_READ };

	if (version >= 2)
		ruleset.fs |= ACCESS_REFER;
	if (version >= 3)
		ruleset.fs |= ACCESS_TRUNCATE;
	if (version >= 4)
		ruleset.net = ACCESS_NET;
	if (version >= 5)
		ruleset.fs |= ACCESS_IOCTL;
	if (version >= 6)
		ruleset.scoped = SCOPES;
	return ruleset;
}

static int allow_path(int ruleset_fd, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access };
	int ret = 0;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return -errno;
	if (syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		ret = -errno;
	close(rule.parent_fd);
	return ret;
}

static int allow_all(int ruleset_fd, const char *const *patterns, uint64_t access)
{
	glob_t found;
	size_t i;
	int ret = 0;

	for (; *patterns && !ret; patterns++) {
		if (glob(*patterns, 0, NULL, &found))
			continue;
		for (i = 0; i < found.gl_pathc && !ret; i++) {
			ret = allow_path(ruleset_fd, found.gl_pathv[i], access);
			/* A node may go at any time. */
			if (ret == -ENOENT)
				ret = 0;
		}
		globfree(&found);
	}
	return ret;
}

/**
 * landlock_keep_devices() - from now on only these can be opened for writing, and nothing be made, removed or executed
 * @patterns: of glob(7), for device nodes and directories of them; NULL ends
 *
 * Descriptors that are open stay as they are. Return: 0; -EOPNOTSUPP where the kernel has no Landlock, or has it switched
 * off; another negative errno. Context: one thread, whose later threads are bound too; no new privileges are to be had.
 */
int landlock_keep_devices(const char *const *patterns)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset ruleset;
	int fd, ret;

	if (version < 1)
		return -EOPNOTSUPP;
	ruleset = everything_but_reading(version);
	fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, ruleset_size(version), 0);
	if (fd < 0)
		return -errno;
	ret = allow_all(fd, patterns, ruleset.fs & (LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_IOCTL | ACCESS_TRUNCATE));
	if (!ret && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		ret = -errno;
	close(fd);
	return ret;
}
