/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef EXECUTOR_SOFT_HASH_H
#define EXECUTOR_SOFT_HASH_H

#include <stddef.h>
#include <stdint.h>

/**
 * hash_bytes - FNV-1a hash, folded
 * @p: bytes
 * @len: their number
 */
static inline uint32_t hash_bytes(const void *p, size_t len)
{
	const unsigned char *s = p;
	uint32_t h = 2166136261u;

	while (len--)
		h = (h ^ *s++) * 16777619u;
	return h ^ h >> 15;
}

#endif
