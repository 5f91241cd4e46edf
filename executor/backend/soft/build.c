// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"

struct build_block {
	struct build_block *next;
	struct build_block *prev;
} __attribute__((aligned(16)));

static void build_oom(struct build *b) __attribute__((noreturn));

static void build_oom(struct build *b)
{
	b->result = PTX_ERROR_OUT_OF_MEMORY;
	longjmp(b->fail, 1);
}

void *build_alloc(struct build *b, size_t size)
{
	void *p = arena_alloc(&b->arena, size);

	if (!p)
		build_oom(b);
	return p;
}

void *build_keep(struct build *b, size_t size)
{
	void *p = arena_alloc(b->keep, size);

	if (!p)
		build_oom(b);
	return p;
}

static void block_unlink(struct build *b, struct build_block *block)
{
	if (block->prev)
		block->prev->next = block->next;
	else
		b->blocks = block->next;
	if (block->next)
		block->next->prev = block->prev;
}

void *build_grow(struct build *b, void *array, uint32_t *cap, uint32_t need, size_t size)
{
	struct build_block *block = array ? (struct build_block *)array - 1 : NULL, *new;
	uint64_t n = *cap ? *cap : 16;

	if (need <= *cap)
		return array;
	while (n < need)
		n *= 2;
	if (n > UINT32_MAX / 2 || n * size > SIZE_MAX / 4)
		build_oom(b);
	new = malloc(sizeof(*new) + n * size);
	if (!new)
		build_oom(b);
	if (block) {
		memcpy(new + 1, array, *cap * size);
		block_unlink(b, block);
		free(block);
	}
	memset((char *)(new + 1) + *cap * size, 0, (n - *cap) * size);
	new->prev = NULL;
	new->next = b->blocks;
	if (b->blocks)
		b->blocks->prev = new;
	b->blocks = new;
	*cap = n;
	return new + 1;
}

void build_release(struct build *b, void *array)
{
	struct build_block *block = array ? (struct build_block *)array - 1 : NULL;

	if (block) {
		block_unlink(b, block);
		free(block);
	}
}

static void log_text(struct ptx_log *log, const char *text)
{
	size_t len = strlen(text), room;

	if (!log || !log->buf || !log->size)
		return;
	room = log->size - 1 - log->used;
	if (len > room)
		len = room;
	memcpy(log->buf + log->used, text, len);
	log->used += len;
	log->buf[log->used] = '\0';
}

static void log_message(struct build *b, uint32_t line, const char *severity, const char *fmt, va_list ap)
{
	char text[512], head[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (line)
		snprintf(head, sizeof(head), "ptxas %.200s, line %u; %s: ", b->input, line, severity);
	else
		snprintf(head, sizeof(head), "ptxas %s: ", severity);
	log_text(b->log, head);
	log_text(b->log, text);
	log_text(b->log, "\n");
}

void build_error(struct build *b, uint32_t line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_message(b, line, "error   ", fmt, ap);
	va_end(ap);
	log_text(b->log, "ptxas fatal   : Ptx assembly aborted due to errors\n");
	b->result = PTX_ERROR_INVALID_PTX;
	longjmp(b->fail, 1);
}

void build_fail(struct build *b, int result, uint32_t line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_message(b, line, "fatal   ", fmt, ap);
	va_end(ap);
	b->result = result;
	longjmp(b->fail, 1);
}

void build_warn(struct build *b, uint32_t line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_message(b, line, "warning ", fmt, ap);
	va_end(ap);
}

void build_end(struct build *b)
{
	struct build_block *block, *next;

	for (block = b->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	b->blocks = NULL;
	arena_reset(&b->arena);
}
