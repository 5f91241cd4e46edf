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
 * address_hint() - where a range may lie that a driver is to reserve
 * @len: bytes
 * @align: of the first address, a power of two
 *
 * Return: first address, at random; 0 where no range is so long. Context: any.
 */
uint64_t address_hint(uint64_t len, uint64_t align)
{
	if (!len || align > AREA_END - AREA_START || len > AREA_END - AREA_START - align)
		return 0;
	return AREA_START + random_below((AREA_END - AREA_START - len) / align) * align;
}

/**
 * address_is_far() - whether a range lies where neither the worker's nor a guest program's memory does
 * @base: first address
 * @len: bytes
 *
 * Return: true if so. Context: any.
 */
bool address_is_far(uint64_t base, uint64_t len)
{
	return base >= AREA_START && len <= AREA_END - AREA_START && base <= AREA_END - len;
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
	uint64_t base;
	void *at;
	int i;

	for (i = 0; i < TRIES; i++) {
		base = address_hint(len, align);
		if (!base) {
			errno = EINVAL;
			return NULL;
		}
		at = mmap((void *)(uintptr_t)base, len, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
		if (at != MAP_FAILED)
			return at;
		if (errno != EEXIST)
			return NULL;
	}
	return NULL;
}
