/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * One supervisor serves one physical GPU: it attaches and starts a worker for each session that needs one.
 */
#ifndef EXECUTOR_SUPERVISOR_H
#define EXECUTOR_SUPERVISOR_H

#include "boot.h"

int supervisor_main(const struct boot *boot, const struct vgpu_exec_attach *attach);

#endif /* EXECUTOR_SUPERVISOR_H */
