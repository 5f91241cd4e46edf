// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "soft_heap.h"

/* Blocks are taken in units of this: accesses just behind a variable are found at its unit's end at the latest. */
#define UNIT	256ULL

/**
 * struct block - addresses in use
 * @addr: first
 * @len: bytes, a multiple of UNIT
 */
struct block {
	uint64_t addr;
	uint64_t len;
};

/**
 * struct soft_heap - the heap
 * @mem: device memory, mapped in granules as blocks come to lie in them
 * @lock: guards all below
 * @base: first address
 * @size: bytes of addresses
 * @limit: bytes that may be mapped: the session's reserve
 * @lacking: granules that it lacked when memory was last refused for its sake
 * @mapped: bytes that are
 * @blocks: in use, in order
 * @num: of @blocks
 * @max: that @blocks has room for
 * @users: by granule: blocks that touch it
 */
struct soft_heap {
	struct soft_mem *mem;
	pthread_mutex_t lock;
	uint64_t base;
	uint64_t size;
	uint64_t limit;
	uint64_t lacking;
	uint64_t mapped;
	struct block *blocks;
	size_t num;
	size_t max;
	uint32_t *users;
};

/**
 * soft_heap_create() - a heap with nothing mapped
 * @mem: in which
 * @base: first address, a multiple of SOFT_MEM_GRANULE
 * @size: bytes, a multiple of SOFT_MEM_GRANULE
 *
 * Nothing may be mapped before soft_heap_reserve().
 *
 * Return: the heap, for the life of the process, or NULL.
 */
struct soft_heap *soft_heap_create(struct soft_mem *mem, uint64_t base, uint64_t size)
{
	struct soft_heap *heap = calloc(1, sizeof(*heap));

	if (!heap)
		return NULL;
	heap->users = calloc(size / SOFT_MEM_GRANULE, sizeof(*heap->users));
	if (!heap->users) {
		free(heap);
		return NULL;
	}
	pthread_mutex_init(&heap->lock, NULL);
	heap->mem = mem;
	heap->base = base;
	heap->size = size;
	return heap;
}

/**
 * soft_heap_reserve() - set how much may be mapped
 * @heap: any
 * @bytes: a multiple of SOFT_MEM_GRANULE
 *
 * Return: true; false where more is in use, which soft_heap_lacking() tells. Context: any thread.
 */
bool soft_heap_reserve(struct soft_heap *heap, uint64_t bytes)
{
	bool fits;

	pthread_mutex_lock(&heap->lock);
	fits = heap->mapped <= bytes;
	if (fits)
		heap->limit = bytes;
	else
		heap->lacking = (heap->mapped - bytes) / SOFT_MEM_GRANULE;
	pthread_mutex_unlock(&heap->lock);
	return fits;
}

/**
 * soft_heap_lacking() - why memory was refused
 * @heap: any
 *
 * Return: granules that the reserve lacked, 0 where it was not for its sake; 0 when asked again. Context: any thread.
 */
uint64_t soft_heap_lacking(struct soft_heap *heap)
{
	uint64_t lacking;

	pthread_mutex_lock(&heap->lock);
	lacking = heap->lacking;
	heap->lacking = 0;
	pthread_mutex_unlock(&heap->lock);
	return lacking;
}

static void unmap_granules(struct soft_heap *heap, uint64_t first, uint64_t end)
{
	uint64_t i;

	for (i = first; i < end; i++) {
		if (--heap->users[i])
			continue;
		soft_mem_unmap(heap->mem, heap->base + i * SOFT_MEM_GRANULE, SOFT_MEM_GRANULE);
		heap->mapped -= SOFT_MEM_GRANULE;
	}
}

static void granules(const struct soft_heap *heap, uint64_t addr, uint64_t len, uint64_t *first, uint64_t *end)
{
	*first = (addr - heap->base) / SOFT_MEM_GRANULE;
	*end = (addr - heap->base + len + SOFT_MEM_GRANULE - 1) / SOFT_MEM_GRANULE;
}

static int map_granules(struct soft_heap *heap, uint64_t addr, uint64_t len)
{
	uint64_t first, end, i, wanted = heap->mapped;
	int ret = PTX_SUCCESS;

	granules(heap, addr, len, &first, &end);
	for (i = first; i < end; i++)
		wanted += heap->users[i] ? 0 : SOFT_MEM_GRANULE;
	if (wanted > heap->limit) {
		heap->lacking = (wanted - heap->limit) / SOFT_MEM_GRANULE;
		return PTX_ERROR_OUT_OF_MEMORY;
	}
	for (i = first; i < end; i++) {
		if (!heap->users[i]) {
			ret = soft_mem_map(heap->mem, heap->base + i * SOFT_MEM_GRANULE, SOFT_MEM_GRANULE);
			if (ret)
				break;
			heap->mapped += SOFT_MEM_GRANULE;
		}
		heap->users[i]++;
	}
	if (ret)
		unmap_granules(heap, first, i);
	return ret;
}

/* Finds addresses between blocks, first fit: index of the block before which they lie. */
static bool find_gap(const struct soft_heap *heap, uint64_t len, uint64_t align, size_t *index, uint64_t *addr)
{
	uint64_t at = heap->base;
	uint64_t end;
	size_t i;

	for (i = 0; i <= heap->num; i++) {
		at = (at + align - 1) & ~(align - 1);
		end = i < heap->num ? heap->blocks[i].addr : heap->base + heap->size;
		if (at <= end && len <= end - at) {
			*index = i;
			*addr = at;
			return true;
		}
		if (i < heap->num)
			at = heap->blocks[i].addr + heap->blocks[i].len;
	}
	return false;
}

static bool make_room(struct soft_heap *heap)
{
	struct block *blocks;
	size_t max;

	if (heap->num < heap->max)
		return true;
	max = heap->max ? heap->max * 2 : 64;
	blocks = realloc(heap->blocks, max * sizeof(*blocks));
	if (!blocks)
		return false;
	heap->blocks = blocks;
	heap->max = max;
	return true;
}

/**
 * soft_heap_alloc() - take mapped device memory
 * @opaque: the heap
 * @size: bytes, not zero
 * @align: of the address, a power of two
 * @addr: set to the address
 *
 * Return: PTX_SUCCESS or PTX_ERROR_OUT_OF_MEMORY. Context: any thread.
 */
int soft_heap_alloc(void *opaque, uint64_t size, uint64_t align, uint64_t *addr)
{
	struct soft_heap *heap = opaque;
	int ret = PTX_ERROR_OUT_OF_MEMORY;
	uint64_t len;
	size_t i;

	if (!size || size > heap->size || !align || align & (align - 1) || align > heap->size)
		return PTX_ERROR_OUT_OF_MEMORY;
	len = (size + UNIT - 1) & ~(UNIT - 1);
	if (align < UNIT)
		align = UNIT;
	pthread_mutex_lock(&heap->lock);
	if (find_gap(heap, len, align, &i, addr) && make_room(heap))
		ret = map_granules(heap, *addr, len);
	if (!ret) {
		memmove(&heap->blocks[i + 1], &heap->blocks[i], (heap->num - i) * sizeof(heap->blocks[0]));
		heap->blocks[i].addr = *addr;
		heap->blocks[i].len = len;
		heap->num++;
	}
	pthread_mutex_unlock(&heap->lock);
	return ret;
}

/**
 * soft_heap_free() - give memory back
 * @opaque: the heap
 * @addr: as soft_heap_alloc() gave it
 * @size: bytes
 *
 * Context: any thread.
 */
void soft_heap_free(void *opaque, uint64_t addr, uint64_t size)
{
	struct soft_heap *heap = opaque;
	uint64_t first, end;
	size_t low = 0, high, middle;

	pthread_mutex_lock(&heap->lock);
	high = heap->num;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (heap->blocks[middle].addr < addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < heap->num && heap->blocks[low].addr == addr) {
		granules(heap, addr, heap->blocks[low].len, &first, &end);
		unmap_granules(heap, first, end);
		heap->num--;
		memmove(&heap->blocks[low], &heap->blocks[low + 1], (heap->num - low) * sizeof(heap->blocks[0]));
	}
	pthread_mutex_unlock(&heap->lock);
}
