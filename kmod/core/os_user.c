// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */

#include "os_user.h"

long vgpu_alloc_fail_after = -1;

/**
 * vgpu_user_calloc() - zeroed memory, or a failure where a test asked for one
 * @n: elements
 * @size: bytes of one
 *
 * Return: memory for free(), or NULL. Context: any.
 */
void *vgpu_user_calloc(size_t n, size_t size)
{
	if (vgpu_alloc_fail_after == 0)
		return NULL;
	if (vgpu_alloc_fail_after > 0)
		vgpu_alloc_fail_after--;
	return calloc(n, size);
}

/**
 * get_random_u64() - unpredictable bits
 *
 * Return: 64 of them. Context: any.
 */
u64 get_random_u64(void)
{
	u64 value;

	while (getrandom(&value, sizeof(value), 0) != sizeof(value))
		;
	return value;
}

static u64 monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

u64 (*vgpu_clock)(void) = monotonic_ns;
