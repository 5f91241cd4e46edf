// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include <pthread.h>
#include <stdlib.h>

#include "heap.h"

#define UNIT		32	/* bytes */
#define HEAP_ALIGN	4096

/*
 * spans[u] is, for the first unit of a span, its length in units, with SPAN_USED set where it is taken. Free spans are joined
 * when the search for memory passes them.
 */
#define SPAN_USED	(1u << 31)

struct heap {
	struct soft_va_ops va;
	pthread_mutex_t lock;
	uint64_t size;
	uint64_t base;
	uint32_t units;
	uint32_t next;
	uint32_t *spans;
	bool used; /* by a launch */
};

struct heap *heap_create(const struct soft_va_ops *va, uint64_t size)
{
	struct heap *heap = calloc(1, sizeof(*heap));

	if (!heap)
		return NULL;
	heap->va = *va;
	heap->size = size;
	pthread_mutex_init(&heap->lock, NULL);
	return heap;
}

static bool heap_start(struct heap *heap)
{
	uint64_t units = heap->size / UNIT;

	if (heap->spans)
		return true;
	if (!units || units >= SPAN_USED || !heap->va.alloc ||
	    heap->va.alloc(heap->va.ctx, heap->size, HEAP_ALIGN, &heap->base))
		return false;
	heap->spans = calloc(units, sizeof(*heap->spans));
	if (!heap->spans) {
		heap->va.free(heap->va.ctx, heap->base, heap->size);
		return false;
	}
	heap->units = (uint32_t)units;
	heap->spans[0] = heap->units;
	return true;
}

static void heap_stop(struct heap *heap)
{
	if (!heap->spans)
		return;
	free(heap->spans);
	heap->spans = NULL;
	heap->va.free(heap->va.ctx, heap->base, heap->size);
}

int heap_begin(struct heap *heap)
{
	bool started;

	pthread_mutex_lock(&heap->lock);
	started = heap_start(heap);
	pthread_mutex_unlock(&heap->lock);
	return started ? PTX_SUCCESS : PTX_ERROR_OUT_OF_MEMORY;
}

int heap_resize(struct heap *heap, uint64_t size)
{
	int result = PTX_ERROR_INVALID_VALUE;
	uint64_t old = heap->size;

	pthread_mutex_lock(&heap->lock);
	if (!heap->used && size) {
		bool started = heap->spans;

		heap_stop(heap);
		heap->size = size;
		result = PTX_SUCCESS;
		if (started && !heap_start(heap)) {
			heap->size = old;
			result = PTX_ERROR_OUT_OF_MEMORY;
			/* What it gave back just now is there. */
			heap_start(heap);
		}
	}
	pthread_mutex_unlock(&heap->lock);
	return result;
}

/* First fit from a unit that begins a span, up to end. */
static uint32_t search(struct heap *heap, uint32_t from, uint32_t end, uint32_t want)
{
	uint32_t u = from, len, next;

	while (u < end) {
		len = heap->spans[u];
		if (len & SPAN_USED) {
			u += len & ~SPAN_USED;
			continue;
		}
		for (next = u + len; next < heap->units && !(heap->spans[next] & SPAN_USED); next = u + len) {
			len += heap->spans[next];
			heap->spans[next] = 0;
		}
		heap->spans[u] = len;
		if (len >= want)
			return u;
		u += len;
	}
	return UINT32_MAX;
}

uint64_t heap_alloc(struct heap *heap, uint64_t size)
{
	uint64_t addr = 0, units = (size + UNIT - 1) / UNIT;
	uint32_t u, left;

	if (!size || size > heap->size)
		return 0;
	pthread_mutex_lock(&heap->lock);
	if (!heap_start(heap))
		goto out;
	u = search(heap, heap->next, heap->units, (uint32_t)units);
	if (u == UINT32_MAX)
		u = search(heap, 0, heap->units, (uint32_t)units);
	if (u == UINT32_MAX) {
		heap->next = 0;
		goto out;
	}
	left = heap->spans[u] - (uint32_t)units;
	heap->spans[u] = (uint32_t)units | SPAN_USED;
	if (left)
		heap->spans[u + units] = left;
	heap->next = left ? u + (uint32_t)units : 0;
	addr = heap->base + (uint64_t)u * UNIT;
	heap->used = true;
out:
	pthread_mutex_unlock(&heap->lock);
	return addr;
}

bool heap_free(struct heap *heap, uint64_t addr)
{
	uint64_t u = (addr - heap->base) / UNIT;
	bool ok = true;

	if (!addr)
		return true;
	pthread_mutex_lock(&heap->lock);
	if (!heap->spans || (addr - heap->base) % UNIT || u >= heap->units || !(heap->spans[u] & SPAN_USED)) {
		ok = false;
	} else {
		heap->spans[u] &= ~SPAN_USED;
		/* The next search may have begun inside what is joined now. */
		heap->next = 0;
	}
	pthread_mutex_unlock(&heap->lock);
	return ok;
}

void heap_destroy(struct heap *heap)
{
	if (!heap)
		return;
	heap_stop(heap);
	pthread_mutex_destroy(&heap->lock);
	free(heap);
}
