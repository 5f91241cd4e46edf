// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */

#include <stdlib.h>
#include <string.h>

#include "extent.h"

/* Parts that can be free at once: giving back never allocates, so that it never fails. */
#define EXTENTS_MAX	65536

/**
 * extents_init() - all of a range is free
 * @extents: to be set up
 * @len: bytes from 0
 *
 * Return: false if there is no memory.
 */
bool extents_init(struct extents *extents, uint64_t len)
{
	extents->free = malloc(EXTENTS_MAX * sizeof(*extents->free));
	if (!extents->free)
		return false;
	extents->max = EXTENTS_MAX;
	extents->num = 1;
	extents->free[0].offset = 0;
	extents->free[0].len = len;
	return true;
}

/**
 * extents_take() - take bytes
 * @extents: to take from
 * @len: bytes, not zero
 * @offset: set to the first
 *
 * Return: false if no free part is large enough.
 */
bool extents_take(struct extents *extents, uint64_t len, uint64_t *offset)
{
	struct extent *extent;
	size_t i;

	for (i = 0; i < extents->num; i++) {
		extent = &extents->free[i];
		if (extent->len < len)
			continue;
		*offset = extent->offset;
		extent->offset += len;
		extent->len -= len;
		if (!extent->len) {
			extents->num--;
			memmove(extent, extent + 1, (extents->num - i) * sizeof(*extent));
		}
		return true;
	}
	return false;
}

/**
 * extents_give() - give bytes back
 * @extents: from which they were taken
 * @offset: the first
 * @len: bytes
 */
void extents_give(struct extents *extents, uint64_t offset, uint64_t len)
{
	struct extent *free = extents->free;
	bool joins_left, joins_right;
	size_t i = 0;

	while (i < extents->num && free[i].offset < offset)
		i++;
	joins_left = i > 0 && free[i - 1].offset + free[i - 1].len == offset;
	joins_right = i < extents->num && offset + len == free[i].offset;
	if (joins_left && joins_right) {
		free[i - 1].len += len + free[i].len;
		extents->num--;
		memmove(&free[i], &free[i + 1], (extents->num - i) * sizeof(*free));
	} else if (joins_left) {
		free[i - 1].len += len;
	} else if (joins_right) {
		free[i].offset = offset;
		free[i].len += len;
	} else if (extents->num < extents->max) {
		memmove(&free[i + 1], &free[i], (extents->num - i) * sizeof(*free));
		free[i].offset = offset;
		free[i].len = len;
		extents->num++;
	}
}

/**
 * extents_destroy() - free the list
 * @extents: set up, or zeroed
 */
void extents_destroy(struct extents *extents)
{
	free(extents->free);
	extents->free = NULL;
	extents->num = 0;
}
