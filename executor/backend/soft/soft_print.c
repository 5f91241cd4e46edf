// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Output of printf() in kernels: a ring that keeps the newest, as CUDA's does.
 */

#include <stdlib.h>
#include <string.h>

#include "soft.h"

static void drop_oldest(size_t len)
{
	soft.print_start = (soft.print_start + len) % soft.print_size;
	soft.print_used -= len;
}

static void put(const char *text, size_t len)
{
	size_t end = (soft.print_start + soft.print_used) % soft.print_size;
	size_t first = soft.print_size - end;

	if (first > len)
		first = len;
	memcpy(soft.print + end, text, first);
	memcpy(soft.print, text + first, len - first);
	soft.print_used += len;
}

/**
 * soft_print() - take output of a kernel
 * @ctx: not used
 * @text: of one call
 * @len: bytes
 *
 * Context: any thread.
 */
void soft_print(void *ctx, const char *text, size_t len)
{
	pthread_mutex_lock(&soft.print_lock);
	if (len > soft.print_size) {
		text += len - soft.print_size;
		len = soft.print_size;
	}
	if (soft.print_used + len > soft.print_size)
		drop_oldest(soft.print_used + len - soft.print_size);
	put(text, len);
	pthread_mutex_unlock(&soft.print_lock);
}

/**
 * soft_print_read() - VGPU_OP_PRINTF_READ
 * @buffer: where to
 * @value: set to the bytes moved
 *
 * Return: CUresult.
 */
uint32_t soft_print_read(const struct vgpu_op_buffer *buffer, uint64_t *value)
{
	char *out = soft.session->aperture(buffer->out, buffer->len);
	size_t len, first;

	if (!out)
		return PTX_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&soft.print_lock);
	len = soft.print_used < buffer->len ? soft.print_used : buffer->len;
	first = soft.print_size - soft.print_start;
	if (first > len)
		first = len;
	memcpy(out, soft.print + soft.print_start, first);
	memcpy(out + first, soft.print, len - first);
	drop_oldest(len);
	pthread_mutex_unlock(&soft.print_lock);
	*value = len;
	return PTX_SUCCESS;
}

/**
 * soft_print_resize() - set the size of the buffer, CU_LIMIT_PRINTF_FIFO_SIZE
 * @size: bytes
 *
 * What is in it is kept as far as it fits. Return: CUresult.
 */
uint32_t soft_print_resize(uint64_t size)
{
	char *ring, *old;
	size_t len, i;

	if (!size || size > SOFT_PRINTF_MAX)
		return PTX_ERROR_INVALID_VALUE;
	ring = malloc(size);
	if (!ring)
		return PTX_ERROR_OUT_OF_MEMORY;
	pthread_mutex_lock(&soft.print_lock);
	if (soft.print_used > size)
		drop_oldest(soft.print_used - size);
	len = soft.print_used;
	for (i = 0; i < len; i++)
		ring[i] = soft.print[(soft.print_start + i) % soft.print_size];
	old = soft.print;
	soft.print = ring;
	soft.print_size = size;
	soft.print_start = 0;
	pthread_mutex_unlock(&soft.print_lock);
	free(old);
	return PTX_SUCCESS;
}
