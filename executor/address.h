/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef EXECUTOR_ADDRESS_H
#define EXECUTOR_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

void *address_reserve(uint64_t len, uint64_t align);
uint64_t address_hint(uint64_t len, uint64_t align);
bool address_is_far(uint64_t base, uint64_t len);

#endif /* EXECUTOR_ADDRESS_H */
