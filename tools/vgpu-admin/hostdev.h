/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef VGPU_ADMIN_HOSTDEV_H
#define VGPU_ADMIN_HOSTDEV_H

#include "admin.h"

extern const struct admin_option hostdev_qemu_options[];

enum admin_exit hostdev_qemu_args(const struct admin_args *args);
enum admin_exit hostdev_libvirt_xml(const struct admin_args *args);

#endif /* VGPU_ADMIN_HOSTDEV_H */
