/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Memory that lives as long as the module it was taken for. */
#ifndef EXECUTOR_SOFT_ARENA_H
#define EXECUTOR_SOFT_ARENA_H

#include <stddef.h>

struct arena_chunk;

/**
 * struct arena - memory freed all at once; all zero is an empty one
 * @chunks: what was taken from the heap, newest first
 * @free: first unused byte of the newest chunk
 * @left: unused bytes of it
 */
struct arena {
	struct arena_chunk *chunks;
	char *free;
	size_t left;
};

/**
 * arena_alloc - takes zeroed memory, aligned to 16 bytes
 * @arena: arena
 * @size: bytes
 *
 * Return: the memory, or NULL.
 */
void *arena_alloc(struct arena *arena, size_t size);

/**
 * arena_reset - frees everything
 * @arena: arena, empty afterwards
 */
void arena_reset(struct arena *arena);

#endif
