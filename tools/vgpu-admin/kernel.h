/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: The kernel, as states and operations of plan.h
 *
 * All that changes the kernel goes through kernel_apply(), and all that decides about it reads kernel_read().
 */
#ifndef VGPU_ADMIN_KERNEL_H
#define VGPU_ADMIN_KERNEL_H

#include "netlink.h"
#include "plan.h"

#define KERNEL_BOOT_MAX	80

void kernel_boot(char boot[KERNEL_BOOT_MAX]);
enum admin_exit kernel_probe(struct nl_link *link);
enum admin_exit kernel_read(struct nl_link *link, const char *only, json_t **state);
enum admin_exit kernel_apply(struct nl_link *link, const json_t *op, json_t *placed);
enum admin_exit kernel_quarantine(struct nl_link *link, const char *uuid, bool release, const char *about);

#endif /* VGPU_ADMIN_KERNEL_H */
