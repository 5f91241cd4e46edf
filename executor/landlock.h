/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Files that a worker with a GPU's driver in it may still open for writing: the driver's device nodes.
 */
#ifndef EXECUTOR_LANDLOCK_H
#define EXECUTOR_LANDLOCK_H

int landlock_keep_devices(const char *const *patterns);

#endif /* EXECUTOR_LANDLOCK_H */
