/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (c) vgpu authors */
#ifndef VGPU_KMOD_NETLINK_H
#define VGPU_KMOD_NETLINK_H

#include "vgpu.h"
#include "../uapi/vgpu_netlink.h"

void vgpu_netlink_gpu(u8 cmd, struct vgpu_host_gpu *gpu);
void vgpu_netlink_vm(u8 cmd, struct vgpu_vm *vm);

#endif /* VGPU_KMOD_NETLINK_H */
