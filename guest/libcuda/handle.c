// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include "handle.h"

#define CHUNK_SLOTS 1024
#define MAX_CHUNKS 16384 /* CHUNK_SLOTS * MAX_CHUNKS is the range of the index field */

/* Bits of a handle: 4 zero, 24 index, 24 generation, 8 type, 4 mark. */
#define INDEX_SHIFT 4
#define GENERATION_SHIFT 28
#define TYPE_SHIFT 52
#define FIELD_24 0xffffffu
#define MARK (0x6ULL << 60)

struct slot {
	uint64_t handle; /* 0 where the slot is free */
	void *object;
	uint32_t generation;
	uint32_t next_free; /* index + 1 */
};

static struct slot *chunks[MAX_CHUNKS];
static pthread_mutex_t lock =
	PTHREAD_MUTEX_INITIALIZER; /* guards the two below and writes to slots */
static uint32_t used, first_free;

static struct slot *slot_at(uint32_t index)
{
	struct slot *chunk = __atomic_load_n(&chunks[index / CHUNK_SLOTS], __ATOMIC_ACQUIRE);

	return chunk ? &chunk[index % CHUNK_SLOTS] : NULL;
}

static struct slot *slot_of(enum handle_type type, uint64_t handle)
{
	if ((handle & (0xfULL << 60)) != MARK || (handle & 0xf) ||
	    ((handle >> TYPE_SHIFT) & 0xff) != type)
		return NULL;
	return slot_at(handle >> INDEX_SHIFT & FIELD_24);
}

void *handle_new(enum handle_type type, void *object)
{
	struct slot *slot = NULL;
	uint32_t index;
	uint64_t handle = 0;

	pthread_mutex_lock(&lock);
	if (first_free) {
		index = first_free - 1;
		slot = slot_at(index);
		first_free = slot->next_free;
	} else if (used < CHUNK_SLOTS * MAX_CHUNKS) {
		index = used;
		if (!chunks[index / CHUNK_SLOTS]) {
			struct slot *chunk = calloc(CHUNK_SLOTS, sizeof(*chunk));

			if (!chunk)
				goto out;
			__atomic_store_n(&chunks[index / CHUNK_SLOTS], chunk, __ATOMIC_RELEASE);
		}
		slot = slot_at(index);
		used++;
	} else {
		goto out;
	}
	slot->generation = (slot->generation + 1) & FIELD_24;
	slot->object = object;
	handle = MARK | (uint64_t)type << TYPE_SHIFT |
		 (uint64_t)slot->generation << GENERATION_SHIFT | (uint64_t)index << INDEX_SHIFT;
	__atomic_store_n(&slot->handle, handle, __ATOMIC_RELEASE);
out:
	pthread_mutex_unlock(&lock);
	return (void *)(uintptr_t)handle;
}

void *handle_get(enum handle_type type, const void *handle)
{
	uint64_t value = (uintptr_t)handle;
	struct slot *slot = slot_of(type, value);

	if (!slot || __atomic_load_n(&slot->handle, __ATOMIC_ACQUIRE) != value)
		return NULL;
	return __atomic_load_n(&slot->object, __ATOMIC_RELAXED);
}

void *handle_free(enum handle_type type, const void *handle)
{
	uint64_t value = (uintptr_t)handle;
	struct slot *slot = slot_of(type, value);
	void *object = NULL;

	if (!slot)
		return NULL;
	pthread_mutex_lock(&lock);
	if (slot->handle == value) {
		object = slot->object;
		__atomic_store_n(&slot->handle, 0, __ATOMIC_RELEASE);
		slot->next_free = first_free;
		first_free = (value >> INDEX_SHIFT & FIELD_24) + 1;
	}
	pthread_mutex_unlock(&lock);
	return object;
}
