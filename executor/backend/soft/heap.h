/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* malloc() of kernels. What is known about the memory lies apart from it, where kernels cannot spoil it. */
#ifndef EXECUTOR_SOFT_HEAP_H
#define EXECUTOR_SOFT_HEAP_H

#include "ptx.h"

struct heap;

/**
 * heap_create - makes an empty heap
 * @va: where its memory comes from, when it is first used
 * @size: bytes
 *
 * Return: heap, or NULL.
 */
struct heap *heap_create(const struct soft_va_ops *va, uint64_t size);

/**
 * heap_resize - sets the size of a heap that was not used
 * @heap: heap
 * @size: bytes
 *
 * Return: PTX_SUCCESS or PTX_ERROR_INVALID_VALUE.
 */
int heap_resize(struct heap *heap, uint64_t size);

/**
 * heap_begin - gives the heap its memory, which it takes at the first allocation otherwise
 * @heap: heap
 *
 * Return: PTX_SUCCESS or PTX_ERROR_OUT_OF_MEMORY.
 */
int heap_begin(struct heap *heap);

/**
 * heap_alloc - takes memory, aligned to 16 bytes
 * @heap: heap
 * @size: bytes
 *
 * Return: device address, or 0.
 */
uint64_t heap_alloc(struct heap *heap, uint64_t size);

/**
 * heap_free - gives memory back
 * @heap: heap
 * @addr: as heap_alloc() returned it, or 0
 *
 * Return: false where it was not.
 */
bool heap_free(struct heap *heap, uint64_t addr);

/**
 * heap_destroy - frees a heap
 * @heap: heap, or NULL
 */
void heap_destroy(struct heap *heap);

#endif
