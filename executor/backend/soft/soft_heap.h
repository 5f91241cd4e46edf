/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Device memory that the executor itself hands out: module variables and the heap of kernels, from the part of the
 * device range that lies behind the guest's chunks.
 */
#ifndef EXECUTOR_SOFT_HEAP_H
#define EXECUTOR_SOFT_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "ptx.h"

struct soft_heap;

struct soft_heap *soft_heap_create(struct soft_mem *mem, uint64_t base, uint64_t size);
bool soft_heap_reserve(struct soft_heap *heap, uint64_t bytes);
uint64_t soft_heap_lacking(struct soft_heap *heap);
int soft_heap_alloc(void *heap, uint64_t size, uint64_t align, uint64_t *addr);
void soft_heap_free(void *heap, uint64_t addr, uint64_t size);

#endif /* EXECUTOR_SOFT_HEAP_H */
