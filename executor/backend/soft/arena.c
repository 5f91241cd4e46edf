// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include <stdint.h>
#include <stdlib.h>

#include "arena.h"

#define ARENA_CHUNK	(64u << 10)

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
};

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk;
	size_t want;
	char *p;

	if (size > SIZE_MAX / 4)
		return NULL;
	size = (size + 15) & ~(size_t)15;
	if (size > arena->left) {
		want = sizeof(*chunk) + size;
		if (want < ARENA_CHUNK)
			want = ARENA_CHUNK;
		chunk = calloc(1, want);
		if (!chunk)
			return NULL;
		chunk->next = arena->chunks;
		chunk->size = want;
		arena->chunks = chunk;
		p = (char *)(chunk + 1);
		if (want - sizeof(*chunk) - size > arena->left) {
			arena->free = p + size;
			arena->left = want - sizeof(*chunk) - size;
		}
		return p;
	}
	p = arena->free;
	arena->free += size;
	arena->left -= size;
	return p;
}

void arena_reset(struct arena *arena)
{
	struct arena_chunk *chunk, *next;

	for (chunk = arena->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	arena->chunks = NULL;
	arena->free = NULL;
	arena->left = 0;
}
