// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Address ranges that a guest process has to reserve too: they are taken where neither the worker's nor a guest
 * program's memory lies (executables and heaps are above, libraries far above, what sanitizers use below), and at
 * random, so that the sessions of one guest program on several virtual GPUs do not meet.
 */

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "address.h"

#define AREA_START	0x200000000000ULL
#define AREA_END	0x500000000000ULL
#define TRIES		64

static uint64_t random_below(uint64_t limit)
{
	uint64_t value = 0;

	if (getrandom(&value, sizeof(value), 0) != sizeof(value))
		return 0;
	return value % limit;
}

/**
 * address_reserve() - reserve addresses without memory behind them
 * @len: bytes
 * @align: of the first address, a power of two
 *
 * Return: first address, or NULL with errno set.
 */
void *address_reserve(uint64_t len, uint64_t align)
{
	uint64_t slots, base;
	void *at;
	int i;

	if (!len || len > AREA_END - AREA_START - align) {
		errno = EINVAL;
		return NULL;
	}
	slots = (AREA_END - AREA_START - len) / align;
	for (i = 0; i < TRIES; i++) {
		base = AREA_START + random_below(slots) * align;
		at = mmap((void *)(uintptr_t)base, len, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
		if (at != MAP_FAILED)
			return at;
		if (errno != EEXIST)
			return NULL;
	}
	return NULL;
}
