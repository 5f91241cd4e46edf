/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef EXECUTOR_SOFT_MEM_H
#define EXECUTOR_SOFT_MEM_H

#include "ptx.h"

/**
 * soft_mem_extent - finds what is mapped around an address
 * @mem: memory
 * @addr: address
 * @start: out: first address of the range of mapped memory that holds @addr
 * @len: out: bytes of it
 *
 * Return: false where @addr is not mapped.
 */
bool soft_mem_extent(struct soft_mem *mem, uint64_t addr, uint64_t *start, uint64_t *len);

#endif
