/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Payload memory of a session in the aperture
 *
 * Ranges of the aperture are taken as they are needed, mapped at the address at which the executor
 * sees them, and kept until the session ends. Small blocks (launch parameters, names, answers) come
 * from power-of-two classes, the others from a set of free extents. What describes the memory lies
 * outside of it. The session's lock guards a heap.
 */
#ifndef VGPU_LIBCUDA_HEAP_H
#define VGPU_LIBCUDA_HEAP_H

#include "extent.h"
#include "port.h"

#define HEAP_CLASSES 7 /* 64 .. 4096 bytes */

/**
 * struct heap_block - a block of payload memory
 * @offset: in the aperture
 * @len: bytes, rounded up to what was taken; 0 stands for no block
 */
struct heap_block {
	uint64_t offset;
	uint64_t len;
};

struct heap {
	struct port *port;
	uint64_t base; /* address of aperture offset 0; 0 until the executor has told it */
	uint64_t limit; /* bytes of aperture */
	void *first; /* the first range, before base is known */
	struct extent_set ranges;
	struct extent_set free;
	uint64_t *class_free[HEAP_CLASSES]; /* stacks of offsets */
	size_t class_count[HEAP_CLASSES];
	size_t class_total[HEAP_CLASSES]; /* blocks ever cut */
	size_t class_capacity[HEAP_CLASSES];
	size_t blocks; /* in use, outside of the classes */
	uint64_t taken; /* bytes of ranges */
	uint64_t used; /* bytes of blocks */
};

/**
 * heap_init() - takes the first range
 * @heap: zeroed
 * @port: with an open session
 * @aperture_size: bytes
 *
 * Return: 0 or a negative errno
 */
int heap_init(struct heap *heap, struct port *port, uint64_t aperture_size);

/**
 * heap_rebase() - maps what was taken at the address at which the executor sees it; heap_address() changes
 * @base: address of aperture offset 0; [base, base + aperture size) is the caller's to map over
 *
 * Return: 0 or a negative errno
 */
int heap_rebase(struct heap *heap, uint64_t base);

/**
 * heap_alloc() - takes a block
 * @len: bytes, not zero
 * @align: power of two, at most a page
 * @block: out
 *
 * Return: 0, or -ENOMEM where neither the heap nor the aperture has room. Contents are undefined.
 */
int heap_alloc(struct heap *heap, uint64_t len, uint64_t align, struct heap_block *block);

/**
 * heap_free() - gives a block back and clears @block
 */
void heap_free(struct heap *heap, struct heap_block *block);

/**
 * heap_address() - where a block lies in this process
 */
void *heap_address(struct heap *heap, const struct heap_block *block);

/**
 * heap_destroy() - frees the heap's own memory and unmaps the first range where it was not rebased
 */
void heap_destroy(struct heap *heap);

#endif
