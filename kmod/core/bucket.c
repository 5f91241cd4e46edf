// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include "bucket.h"

#define LEVEL_MAX	((s64)(~0ULL >> 1))

/**
 * vgpu_bucket_set() - set or change what a bucket gains and holds
 * @bucket: zeroed, or set before
 * @rate: parts of a token gained each nanosecond, 0 for no limit
 * @unit: parts of a token, not 0
 * @burst: tokens that it can hold; @burst × @unit fits in 63 bits
 * @now: time
 *
 * A bucket that had no limit starts full; another keeps its tokens, as many as it can now hold, and
 * what it owes.
 *
 * Context: any.
 */
void vgpu_bucket_set(struct vgpu_bucket *bucket, u64 rate, u64 unit, u64 burst, u64 now)
{
	s64 full = burst * unit;
	s64 tokens, rest;

	if (bucket->rate && rate) {
		vgpu_bucket_refill(bucket, now);
		if (bucket->unit != unit) {
			tokens = div64_s64(bucket->level, bucket->unit);
			if (check_mul_overflow(tokens, (s64)unit, &rest))
				rest = tokens < 0 ? -LEVEL_MAX : LEVEL_MAX;
			bucket->level = rest;
		}
		bucket->level = min(bucket->level, full);
	} else {
		bucket->level = full;
	}
	bucket->rate = rate;
	bucket->unit = unit;
	bucket->full = full;
	bucket->since_ns = now;
}

/**
 * vgpu_bucket_refill() - let a bucket gain what the time that passed gives it
 * @bucket: any
 * @now: time
 *
 * Context: any.
 */
void vgpu_bucket_refill(struct vgpu_bucket *bucket, u64 now)
{
	u64 room = (u64)bucket->full - (u64)bucket->level;
	u64 gain;

	if (!bucket->rate || (s64)(now - bucket->since_ns) <= 0)
		return;
	if (check_mul_overflow(now - bucket->since_ns, bucket->rate, &gain) || gain > room)
		gain = room;
	bucket->level += gain;
	bucket->since_ns = now;
}

/**
 * vgpu_bucket_spend() - take tokens out of a bucket, more than there are if need be
 * @bucket: refilled
 * @tokens: how many
 *
 * Context: any.
 */
void vgpu_bucket_spend(struct vgpu_bucket *bucket, u64 tokens)
{
	s64 parts;

	if (!bucket->rate)
		return;
	if (check_mul_overflow(tokens, bucket->unit, &parts) ||
	    check_sub_overflow(bucket->level, parts, &bucket->level))
		bucket->level = -LEVEL_MAX;
}

/**
 * vgpu_bucket_give_back() - put tokens back that were spent and not used
 * @bucket: any
 * @tokens: how many
 *
 * Context: any.
 */
void vgpu_bucket_give_back(struct vgpu_bucket *bucket, u64 tokens)
{
	s64 parts;

	if (!bucket->rate)
		return;
	if (check_mul_overflow(tokens, bucket->unit, &parts) ||
	    check_add_overflow(bucket->level, parts, &bucket->level))
		bucket->level = bucket->full;
	bucket->level = min(bucket->level, bucket->full);
}

/**
 * vgpu_bucket_when() - how long until a bucket holds some tokens
 * @bucket: refilled, with a limit
 * @tokens: how many; 0 asks for more than none
 *
 * Return: nanoseconds, 0 if it does. Context: any.
 */
u64 vgpu_bucket_when(const struct vgpu_bucket *bucket, u64 tokens)
{
	s64 wanted = tokens ? (s64)(tokens * bucket->unit) : 1;

	if (bucket->level >= wanted)
		return 0;
	return div64_u64((u64)wanted - (u64)bucket->level + bucket->rate - 1, bucket->rate);
}
