/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Sorted sets of disjoint address extents
 *
 * Used for what is free, what is allocated and what is mapped. Lookups are binary searches;
 * insertions move the tail of an array, which for the thousands of allocations of a program is
 * cheaper than following a tree's pointers. The caller locks.
 */
#ifndef VGPU_LIBCUDA_EXTENT_H
#define VGPU_LIBCUDA_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct extent {
	uint64_t start;
	uint64_t len;
	void *data;
};

struct extent_set {
	struct extent *v;
	size_t count;
	size_t capacity;
};

/**
 * extent_reserve() - makes room for @more insertions, which then cannot fail
 * Return: 0, or -ENOMEM
 */
int extent_reserve(struct extent_set *set, size_t more);

/**
 * extent_insert() - adds an extent that overlaps none
 * Return: 0, or -ENOMEM
 */
int extent_insert(struct extent_set *set, uint64_t start, uint64_t len, void *data);

/**
 * extent_merge() - adds an extent of free space, joined with its neighbours
 * @start: of what is added
 * @len: of what is added
 * @merged: if not NULL, the extent that results
 *
 * Return: 0, or -ENOMEM
 */
int extent_merge(struct extent_set *set, uint64_t start, uint64_t len, struct extent *merged);

/**
 * extent_merge_within() - like extent_merge(), but joined only with neighbours inside [low, high)
 *
 * Return: 0, or -ENOMEM
 */
int extent_merge_within(struct extent_set *set, uint64_t start, uint64_t len, uint64_t low,
			uint64_t high);

/**
 * extent_find() - the extent that holds an address
 * Return: it, until the set is next changed; or NULL
 */
struct extent *extent_find(const struct extent_set *set, uint64_t addr);

/**
 * extent_covers() - whether [start, start + len) lies inside one extent
 */
bool extent_covers(const struct extent_set *set, uint64_t start, uint64_t len);

/**
 * extent_remove() - takes out the extent that begins at @start
 * @removed: if not NULL, what it was
 *
 * Return: whether there was one
 */
bool extent_remove(struct extent_set *set, uint64_t start, struct extent *removed);

/**
 * extent_take() - takes space out of a set of free space, from the smallest extent that fits
 * @len: bytes, not zero
 * @align: a power of two
 * @start: out
 *
 * Return: whether it was found; false too where memory for the remainder is lacking
 */
bool extent_take(struct extent_set *set, uint64_t len, uint64_t align, uint64_t *start);

/**
 * extent_take_at() - takes [start, start + len) out of a set of free space
 * Return: whether all of it was free
 */
bool extent_take_at(struct extent_set *set, uint64_t start, uint64_t len);

/**
 * extent_destroy() - frees the set's memory
 */
void extent_destroy(struct extent_set *set);

#endif
