// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "extent.h"

/* Index of the first extent that begins after addr. */
static size_t upper_bound(const struct extent_set *set, uint64_t addr)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (set->v[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int extent_reserve(struct extent_set *set, size_t more)
{
	size_t capacity = set->capacity ? set->capacity : 16;
	struct extent *v;

	if (set->count + more <= set->capacity)
		return 0;
	while (capacity < set->count + more)
		capacity *= 2;
	v = realloc(set->v, capacity * sizeof(*v));
	if (!v)
		return -ENOMEM;
	set->v = v;
	set->capacity = capacity;
	return 0;
}

static int insert_at(struct extent_set *set, size_t i, uint64_t start, uint64_t len, void *data)
{
	int err = extent_reserve(set, 1);

	if (err)
		return err;
	memmove(&set->v[i + 1], &set->v[i], (set->count - i) * sizeof(*set->v));
	set->v[i] = (struct extent){ .start = start, .len = len, .data = data };
	set->count++;
	return 0;
}

static void remove_at(struct extent_set *set, size_t i)
{
	set->count--;
	memmove(&set->v[i], &set->v[i + 1], (set->count - i) * sizeof(*set->v));
}

int extent_insert(struct extent_set *set, uint64_t start, uint64_t len, void *data)
{
	return insert_at(set, upper_bound(set, start), start, len, data);
}

static int merge(struct extent_set *set, uint64_t start, uint64_t len, uint64_t low, uint64_t high,
		 struct extent *merged)
{
	size_t i = upper_bound(set, start);
	struct extent *before = i ? &set->v[i - 1] : NULL;
	struct extent *after = i < set->count ? &set->v[i] : NULL;
	bool joins_before = before && before->start >= low && before->start + before->len == start;
	bool joins_after = after && after->start < high && start + len == after->start;

	if (joins_before) {
		before->len += len;
		if (joins_after) {
			before->len += after->len;
			remove_at(set, i);
		}
		i--;
	} else if (joins_after) {
		after->start = start;
		after->len += len;
	} else if (insert_at(set, i, start, len, NULL)) {
		return -ENOMEM;
	}
	if (merged)
		*merged = set->v[i];
	return 0;
}

int extent_merge(struct extent_set *set, uint64_t start, uint64_t len, struct extent *merged)
{
	return merge(set, start, len, 0, UINT64_MAX, merged);
}

int extent_merge_within(struct extent_set *set, uint64_t start, uint64_t len, uint64_t low,
			uint64_t high)
{
	return merge(set, start, len, low, high, NULL);
}

struct extent *extent_find(const struct extent_set *set, uint64_t addr)
{
	size_t i = upper_bound(set, addr);

	if (!i || addr - set->v[i - 1].start >= set->v[i - 1].len)
		return NULL;
	return &set->v[i - 1];
}

bool extent_covers(const struct extent_set *set, uint64_t start, uint64_t len)
{
	struct extent *extent = extent_find(set, start);

	return extent && len <= extent->len - (start - extent->start);
}

bool extent_remove(struct extent_set *set, uint64_t start, struct extent *removed)
{
	size_t i = upper_bound(set, start);

	if (!i || set->v[i - 1].start != start)
		return false;
	if (removed)
		*removed = set->v[i - 1];
	remove_at(set, i - 1);
	return true;
}

/* Takes [start, start + len) out of extent i, which covers it. */
static bool carve(struct extent_set *set, size_t i, uint64_t start, uint64_t len)
{
	struct extent *extent = &set->v[i];
	uint64_t head = start - extent->start;
	uint64_t tail = extent->len - head - len;

	if (head && tail) {
		if (insert_at(set, i + 1, start + len, tail, NULL))
			return false;
		set->v[i].len = head;
	} else if (head) {
		extent->len = head;
	} else if (tail) {
		extent->start = start + len;
		extent->len = tail;
	} else {
		remove_at(set, i);
	}
	return true;
}

bool extent_take(struct extent_set *set, uint64_t len, uint64_t align, uint64_t *start)
{
	size_t best = set->count;
	uint64_t best_start = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct extent *extent = &set->v[i];
		uint64_t at = (extent->start + align - 1) & ~(align - 1);

		if (at - extent->start > extent->len || extent->len - (at - extent->start) < len)
			continue;
		if (best == set->count || extent->len < set->v[best].len) {
			best = i;
			best_start = at;
			if (extent->len == len)
				break;
		}
	}
	if (best == set->count || !carve(set, best, best_start, len))
		return false;
	*start = best_start;
	return true;
}

bool extent_take_at(struct extent_set *set, uint64_t start, uint64_t len)
{
	struct extent *extent = extent_find(set, start);

	if (!extent || !extent_covers(set, start, len))
		return false;
	return carve(set, extent - set->v, start, len);
}

void extent_destroy(struct extent_set *set)
{
	free(set->v);
	*set = (struct extent_set){ 0 };
}
