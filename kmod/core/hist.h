/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: Log-linear histograms
 *
 * A power of two of values is divided into 64 buckets of equal width, as HdrHistogram (G. Tene) and
 * DDSketch's linear variant do: a bucket's middle is within 1/128 (0.8 %) of all that is in it,
 * whatever the magnitude. Values below 128 have a bucket each. Memory is taken a power of two at a
 * time, when the first value of it comes.
 */
#ifndef VGPU_CORE_HIST_H
#define VGPU_CORE_HIST_H

#include "os.h"

#define VGPU_HIST_SUB_BITS	6u
#define VGPU_HIST_SUB		64u
/* Values up to 39 hours in nanoseconds; greater ones are taken for that. */
#define VGPU_HIST_BLOCKS	42u

/**
 * struct vgpu_hist_block - the buckets of one power of two
 * @next: in a struct vgpu_hist_spares
 * @count: values by bucket
 */
struct vgpu_hist_block {
	union {
		struct vgpu_hist_block *next;
		u64 count[VGPU_HIST_SUB];
	};
};

/**
 * struct vgpu_hist_spares - blocks that are not in use
 * @first: list of them
 * @allocated: blocks that exist, in use or not
 */
struct vgpu_hist_spares {
	struct vgpu_hist_block *first;
	u32 allocated;
};

/**
 * struct vgpu_hist - how often values came
 * @count: values
 * @sum: of them
 * @max: greatest
 * @unplaced: of @count, those for whose bucket there was no memory
 * @block: by power of two, NULL where no value came
 */
struct vgpu_hist {
	u64 count;
	u64 sum;
	u64 max;
	u64 unplaced;
	struct vgpu_hist_block *block[VGPU_HIST_BLOCKS];
};

/**
 * struct vgpu_hist_summary - what people ask of a histogram
 * @count: values
 * @sum: of them
 * @max: greatest
 * @p50: median
 * @p95: 95th percentile
 * @p99: 99th percentile
 */
struct vgpu_hist_summary {
	u64 count;
	u64 sum;
	u64 max;
	u64 p50;
	u64 p95;
	u64 p99;
};

static_assert(VGPU_HIST_SUB == 1 << VGPU_HIST_SUB_BITS);

struct vgpu_hist_block *vgpu_hist_grow(struct vgpu_hist *hist, struct vgpu_hist_spares *spares,
				       u32 block);
void vgpu_hist_merge(struct vgpu_hist *to, struct vgpu_hist_spares *spares,
		     const struct vgpu_hist *from);
void vgpu_hist_clear(struct vgpu_hist *hist, struct vgpu_hist_spares *spares);
void vgpu_hist_trim(struct vgpu_hist_spares *spares);
u64 vgpu_hist_quantile(const struct vgpu_hist *hist, u32 ppm);
void vgpu_hist_summarise(const struct vgpu_hist *hist, struct vgpu_hist_summary *summary);
bool vgpu_hist_next(const struct vgpu_hist *hist, u32 *at, u64 *top, u64 *count);

/**
 * vgpu_hist_place() - where a value belongs
 * @value: any
 * @sub: set to the bucket in the block
 *
 * Return: the block. Context: any.
 */
static inline u32 vgpu_hist_place(u64 value, u32 *sub)
{
	u32 log;

	if (value < VGPU_HIST_SUB) {
		*sub = value;
		return 0;
	}
	log = ilog2(value);
	if (log - VGPU_HIST_SUB_BITS + 1 >= VGPU_HIST_BLOCKS) {
		*sub = VGPU_HIST_SUB - 1;
		return VGPU_HIST_BLOCKS - 1;
	}
	*sub = (value >> (log - VGPU_HIST_SUB_BITS)) & (VGPU_HIST_SUB - 1);
	return log - VGPU_HIST_SUB_BITS + 1;
}

/**
 * vgpu_hist_add() - a value came
 * @hist: any
 * @spares: where to take memory from
 * @value: the value
 * @times: how often
 *
 * Context: the lock that guards both is held.
 */
static inline void vgpu_hist_add(struct vgpu_hist *hist, struct vgpu_hist_spares *spares, u64 value,
				 u32 times)
{
	struct vgpu_hist_block *block;
	u32 place, sub;

	hist->count += times;
	hist->sum += value * times;
	if (value > hist->max)
		hist->max = value;
	place = vgpu_hist_place(value, &sub);
	block = hist->block[place] ?: vgpu_hist_grow(hist, spares, place);
	if (block)
		block->count[sub] += times;
	else
		hist->unplaced += times;
}

#endif /* VGPU_CORE_HIST_H */
