/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: Token buckets
 *
 * A bucket gains rate / unit tokens each nanosecond, up to what it holds when full. Its level is
 * counted in parts of a token, one @unit-th each, so that refilling is a product of integers and
 * loses nothing however often it is done: over time t, at most full + rate × t / unit tokens are
 * spent, and what one spending takes beyond that is owed and paid back first.
 *
 * No function reads a clock or takes a lock: the caller gives the time and guards the bucket.
 */
#ifndef VGPU_CORE_BUCKET_H
#define VGPU_CORE_BUCKET_H

#include "os.h"

/**
 * struct vgpu_bucket - a token bucket
 * @rate: parts of a token gained each nanosecond, 0 for no limit
 * @unit: parts of a token
 * @full: parts that it can hold
 * @level: parts in it; negative where more was spent than there was
 * @since_ns: time of the last refill
 */
struct vgpu_bucket {
	u64 rate;
	u64 unit;
	s64 full;
	s64 level;
	u64 since_ns;
};

void vgpu_bucket_set(struct vgpu_bucket *bucket, u64 rate, u64 unit, u64 burst, u64 now);
void vgpu_bucket_refill(struct vgpu_bucket *bucket, u64 now);
void vgpu_bucket_spend(struct vgpu_bucket *bucket, u64 tokens);
void vgpu_bucket_give_back(struct vgpu_bucket *bucket, u64 tokens);
u64 vgpu_bucket_when(const struct vgpu_bucket *bucket, u64 tokens);

/**
 * vgpu_bucket_has() - whether a bucket holds some tokens
 * @bucket: refilled
 * @tokens: how many; 0 asks for more than none
 *
 * Return: true if so, or if there is no limit. Context: any.
 */
static inline bool vgpu_bucket_has(const struct vgpu_bucket *bucket, u64 tokens)
{
	if (!bucket->rate)
		return true;
	return tokens ? bucket->level >= (s64)(tokens * bucket->unit) : bucket->level > 0;
}

#endif /* VGPU_CORE_BUCKET_H */
