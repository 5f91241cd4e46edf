/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Requests to the module's netlink family, without a library that would allocate memory of its own.
 */
#ifndef VGPU_VFIO_FAIL_ADMINISTER_H
#define VGPU_VFIO_FAIL_ADMINISTER_H

#include <stdint.h>

int administer_open(void);
void administer_close(void);
void administer_begin(uint8_t command, uint16_t flags);
void administer_string(uint16_t type, const char *value);
void administer_u32(uint16_t type, uint32_t value);
void administer_uuid(uint16_t type, const char *text);
int administer_call(void);

#endif /* VGPU_VFIO_FAIL_ADMINISTER_H */
