/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef VGPU_ADMIN_MDEV_H
#define VGPU_ADMIN_MDEV_H

#include "admin.h"

enum admin_exit mdev_create(const char *uuid, const char *type, const json_t *gpus, const char *about, json_t **place);
enum admin_exit mdev_remove(const char *uuid, const char *about);
int mdev_available(const json_t *gpu, const char *type, char *directory, int len);
void mdev_types(const json_t *gpu, json_t *types);

#endif /* VGPU_ADMIN_MDEV_H */
