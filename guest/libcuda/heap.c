// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "heap.h"

#define SMALLEST 64ULL
#define LARGEST_SMALL (SMALLEST << (HEAP_CLASSES - 1))
#define SLAB 65536ULL
#define FIRST_RANGE (1ULL << 20)
#define LARGEST_RANGE (32ULL << 20) /* of growth beyond what a block needs */
#define GRAIN 256ULL /* of blocks outside of the classes */

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

/* A block has to lie inside one range: free space of two ranges is not joined, even where they are neighbours. */
static void give_back(struct heap *heap, uint64_t offset, uint64_t len)
{
	const struct extent *range = extent_find(&heap->ranges, offset);

	extent_merge_within(&heap->free, offset, len, range->start, range->start + range->len);
}

static int add_range(struct heap *heap, uint64_t len)
{
	uint64_t offset;
	int err;

	err = extent_reserve(&heap->ranges, 1);
	if (!err)
		err = extent_reserve(&heap->free, 1);
	if (!err)
		err = heap->port->ops->range(heap->port, len, &offset);
	if (err)
		return err;
	if (offset > heap->limit || len > heap->limit - offset)
		return -EPROTO;
	if (heap->base) {
		if (heap->port->ops->map(heap->port, offset, len, (void *)(heap->base + offset)) ==
		    MAP_FAILED)
			return -errno;
	} else {
		heap->first = heap->port->ops->map(heap->port, offset, len, NULL);
		if (heap->first == MAP_FAILED) {
			heap->first = NULL;
			return -errno;
		}
	}
	extent_insert(&heap->ranges, offset, len, NULL);
	give_back(heap, offset, len);
	heap->taken += len;
	return 0;
}

int heap_init(struct heap *heap, struct port *port, uint64_t aperture_size)
{
	heap->port = port;
	heap->limit = aperture_size;
	return add_range(heap, FIRST_RANGE);
}

int heap_rebase(struct heap *heap, uint64_t base)
{
	struct extent *range = &heap->ranges.v[0];

	if (heap->port->ops->map(heap->port, range->start, range->len,
				 (void *)(base + range->start)) == MAP_FAILED)
		return -errno;
	munmap(heap->first, range->len);
	heap->first = NULL;
	heap->base = base;
	return 0;
}

/* Takes another range, so large that a block of len fits; growth doubles, and is modest where the aperture runs out. */
static int grow(struct heap *heap, uint64_t len)
{
	uint64_t need = round_up(len, SLAB);
	uint64_t want = heap->taken < LARGEST_RANGE ? heap->taken : LARGEST_RANGE;
	int err = -ENOMEM;

	if (!heap->base)
		return -ENOMEM;
	for (; want > need; want = want / 2 & ~(SLAB - 1)) {
		err = add_range(heap, want);
		if (!err)
			return 0;
	}
	return add_range(heap, need) ? -ENOMEM : 0;
}

static int take(struct heap *heap, uint64_t len, uint64_t align, uint64_t *offset)
{
	if (extent_take(&heap->free, len, align, offset))
		return 0;
	if (grow(heap, len) || !extent_take(&heap->free, len, align, offset))
		return -ENOMEM;
	return 0;
}

static int class_of(uint64_t len)
{
	int class = 0;

	while (SMALLEST << class < len)
		class ++;
	return class;
}

static int class_reserve(struct heap *heap, int class, size_t need)
{
	uint64_t *stack;

	if (need <= heap->class_capacity[class])
		return 0;
	need *= 2;
	stack = realloc(heap->class_free[class], need * sizeof(*stack));
	if (!stack)
		return -ENOMEM;
	heap->class_free[class] = stack;
	heap->class_capacity[class] = need;
	return 0;
}

/*
 * A class keeps room on its stack for every block that it ever cut, so that heap_free() cannot
 * fail: slabs are never given back.
 */
static int refill(struct heap *heap, int class)
{
	uint64_t size = SMALLEST << class;
	uint64_t slab;

	if (class_reserve(heap, class, heap->class_total[class] + SLAB / size) ||
	    take(heap, SLAB, VGPU_PAGE_SIZE, &slab))
		return -ENOMEM;
	heap->class_total[class] += SLAB / size;
	for (uint64_t at = SLAB; at; at -= size)
		heap->class_free[class][heap->class_count[class]++] = slab + at - size;
	return 0;
}

int heap_alloc(struct heap *heap, uint64_t len, uint64_t align, struct heap_block *block)
{
	if (len <= LARGEST_SMALL && align <= SMALLEST) {
		int class = class_of(len);

		if (!heap->class_count[class] && refill(heap, class))
			return -ENOMEM;
		block->offset = heap->class_free[class][--heap->class_count[class]];
		block->len = SMALLEST << class;
	} else {
		/* One grain more than the largest class tells heap_free() where it came from. */
		if (len <= LARGEST_SMALL)
			len = LARGEST_SMALL + 1;
		len = round_up(len, GRAIN);
		/* Room for every block to come back beside the others: heap_free() cannot fail. */
		if (extent_reserve(&heap->free, heap->blocks + 2) ||
		    take(heap, len, align > GRAIN ? align : GRAIN, &block->offset))
			return -ENOMEM;
		block->len = len;
		heap->blocks++;
	}
	heap->used += block->len;
	return 0;
}

void heap_free(struct heap *heap, struct heap_block *block)
{
	heap->used -= block->len;
	if (block->len <= LARGEST_SMALL) {
		int class = class_of(block->len);

		heap->class_free[class][heap->class_count[class]++] = block->offset;
	} else {
		heap->blocks--;
		give_back(heap, block->offset, block->len);
	}
	*block = (struct heap_block){ 0 };
}

void *heap_address(struct heap *heap, const struct heap_block *block)
{
	if (!heap->base)
		return (char *)heap->first + (block->offset - heap->ranges.v[0].start);
	return (void *)(heap->base + block->offset);
}

void heap_destroy(struct heap *heap)
{
	if (heap->first)
		munmap(heap->first, heap->ranges.v[0].len);
	extent_destroy(&heap->ranges);
	extent_destroy(&heap->free);
	for (int i = 0; i < HEAP_CLASSES; i++)
		free(heap->class_free[i]);
}
