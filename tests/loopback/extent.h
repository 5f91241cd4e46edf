/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Free parts of a range of bytes, first fit.
 */
#ifndef LOOPBACK_EXTENT_H
#define LOOPBACK_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct extent {
	uint64_t offset;
	uint64_t len;
};

/**
 * struct extents - free parts, in order
 * @free: disjoint, none next to another
 * @num: of @free
 * @max: that @free has room for
 */
struct extents {
	struct extent *free;
	size_t num;
	size_t max;
};

bool extents_init(struct extents *extents, uint64_t len);
bool extents_take(struct extents *extents, uint64_t len, uint64_t *offset);
void extents_give(struct extents *extents, uint64_t offset, uint64_t len);
void extents_destroy(struct extents *extents);

#endif /* LOOPBACK_EXTENT_H */
