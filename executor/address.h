/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef EXECUTOR_ADDRESS_H
#define EXECUTOR_ADDRESS_H

#include <stdint.h>

void *address_reserve(uint64_t len, uint64_t align);

#endif /* EXECUTOR_ADDRESS_H */
