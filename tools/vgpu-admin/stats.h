/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef VGPU_ADMIN_STATS_H
#define VGPU_ADMIN_STATS_H

#include "admin.h"
#include "sample.h"

enum admin_exit stats_open(struct sample_link **link);
enum admin_exit stats_failed(int err);
enum admin_exit stats_find(struct sample_link *link, const char *name, uint8_t uuid[16]);
bool stats_pause(double seconds);

#endif /* VGPU_ADMIN_STATS_H */
