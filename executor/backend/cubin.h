/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Machine code for a GPU, as far as it has to be understood outside of a driver.
 */
#ifndef EXECUTOR_CUBIN_H
#define EXECUTOR_CUBIN_H

#include <stddef.h>
#include <stdint.h>

#include "../../uapi/vgpu_device.h"

/* More device memory than any GPU has. */
#define CUBIN_MEMORY_MAX	(1ULL << 48)

int cubin_memory(const void *cubin, size_t len, uint64_t *bytes);
uint32_t cubin_params(const void *cubin, size_t len, const char *kernel, uint32_t pairs[][2], uint32_t most);

#endif /* EXECUTOR_CUBIN_H */
