/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef VGPU_ADMIN_STATS_H
#define VGPU_ADMIN_STATS_H

#include <jansson.h>
#include "admin.h"
#include "sample.h"

enum admin_exit stats_open(struct sample_link **link);
enum admin_exit stats_failed(int err);
json_t *stats_names(const struct admin_args *args);
const char *stats_name(const json_t *names, const uint8_t uuid[16], char text[37]);
enum admin_exit stats_find(struct sample_link *link, const json_t *names, const char *word, uint8_t uuid[16]);
bool stats_pause(double seconds);

#endif /* VGPU_ADMIN_STATS_H */
