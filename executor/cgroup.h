/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * A memory cgroup for each worker, in a directory of the cgroup tree (version 2) that was delegated to the supervisor.
 */
#ifndef EXECUTOR_CGROUP_H
#define EXECUTOR_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

int cgroup_prepare(const char *dir);
void cgroup_add(const char *dir, pid_t pid);
int cgroup_limit(const char *dir, pid_t pid, uint64_t bytes);
void cgroup_remove(const char *dir, pid_t pid);

#endif /* EXECUTOR_CGROUP_H */
