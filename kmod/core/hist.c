// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include "hist.h"

/**
 * vgpu_hist_grow() - memory for a block
 * @hist: that lacks it
 * @spares: where to take it from
 * @block: which
 *
 * Return: the block, or NULL if there is no memory. Context: the lock that guards both is held.
 */
struct vgpu_hist_block *vgpu_hist_grow(struct vgpu_hist *hist, struct vgpu_hist_spares *spares,
				       u32 block)
{
	struct vgpu_hist_block *new = spares->first;

	if (new) {
		spares->first = new->next;
		memset(new, 0, sizeof(*new));
	} else {
		new = kzalloc(sizeof(*new), GFP_NOWAIT | __GFP_NOWARN);
		if (!new)
			return NULL;
		spares->allocated++;
	}
	hist->block[block] = new;
	return new;
}

/**
 * vgpu_hist_merge() - add all values of another histogram
 * @to: grows
 * @spares: where to take memory from
 * @from: stays as it is
 *
 * Context: the lock that guards all of them is held.
 */
void vgpu_hist_merge(struct vgpu_hist *to, struct vgpu_hist_spares *spares,
		     const struct vgpu_hist *from)
{
	const struct vgpu_hist_block *source;
	struct vgpu_hist_block *block;
	u32 i, j;

	if (!from->count)
		return;
	to->count += from->count;
	to->sum += from->sum;
	to->max = max(to->max, from->max);
	to->unplaced += from->unplaced;
	for (i = 0; i < VGPU_HIST_BLOCKS; i++) {
		source = from->block[i];
		if (!source)
			continue;
		block = to->block[i] ?: vgpu_hist_grow(to, spares, i);
		for (j = 0; j < VGPU_HIST_SUB; j++) {
			if (block)
				block->count[j] += source->count[j];
			else
				to->unplaced += source->count[j];
		}
	}
}

/**
 * vgpu_hist_clear() - forget all values
 * @hist: any
 * @spares: takes the memory
 *
 * Context: the lock that guards both is held.
 */
void vgpu_hist_clear(struct vgpu_hist *hist, struct vgpu_hist_spares *spares)
{
	u32 i;

	for (i = 0; i < VGPU_HIST_BLOCKS; i++) {
		if (!hist->block[i])
			continue;
		hist->block[i]->next = spares->first;
		spares->first = hist->block[i];
	}
	memset(hist, 0, sizeof(*hist));
}

/**
 * vgpu_hist_trim() - give back memory that is not in use
 * @spares: any
 *
 * Context: the lock that guards it is held.
 */
void vgpu_hist_trim(struct vgpu_hist_spares *spares)
{
	struct vgpu_hist_block *block;

	while (spares->first) {
		block = spares->first;
		spares->first = block->next;
		spares->allocated--;
		kfree(block);
	}
}

static u64 lowest(u32 block, u32 sub)
{
	return block ? ((u64)VGPU_HIST_SUB + sub) << (block - 1) : sub;
}

static u64 width(u32 block)
{
	return block ? 1ULL << (block - 1) : 1;
}

/**
 * vgpu_hist_quantile() - the value that a part of all values do not exceed
 * @hist: any
 * @ppm: the part, in millionths, 1..1000000
 *
 * Nearest rank: the value of rank ⌈part × count⌉. Not further than 0.8 % from the exact one.
 *
 * Return: the value, 0 if there are none. Context: the lock that guards it is held.
 */
u64 vgpu_hist_quantile(const struct vgpu_hist *hist, u32 ppm)
{
	u64 placed = hist->count - hist->unplaced;
	u64 rank, seen = 0;
	u32 i, j;

	if (!placed || ppm == 1000000)
		return hist->max;
	/* In two parts, so that the product fits. */
	rank = div_u64(placed, 1000000) * ppm;
	rank += div_u64((placed - div_u64(placed, 1000000) * 1000000) * ppm + 999999, 1000000);
	for (i = 0; i < VGPU_HIST_BLOCKS; i++) {
		if (!hist->block[i])
			continue;
		for (j = 0; j < VGPU_HIST_SUB; j++) {
			seen += hist->block[i]->count[j];
			if (seen >= rank)
				return min(lowest(i, j) + (width(i) - 1) / 2, hist->max);
		}
	}
	return hist->max;
}

/**
 * vgpu_hist_summarise() - count, sum, greatest value and usual quantiles
 * @hist: any
 * @summary: filled in
 *
 * Context: the lock that guards it is held.
 */
void vgpu_hist_summarise(const struct vgpu_hist *hist, struct vgpu_hist_summary *summary)
{
	summary->count = hist->count;
	summary->sum = hist->sum;
	summary->max = hist->max;
	summary->p50 = vgpu_hist_quantile(hist, 500000);
	summary->p95 = vgpu_hist_quantile(hist, 950000);
	summary->p99 = vgpu_hist_quantile(hist, 990000);
}

/**
 * vgpu_hist_next() - walk over the buckets that are not empty, ascending
 * @hist: any
 * @at: where the walk stands, 0 at first
 * @top: set to the bucket's greatest value
 * @count: set to the values in it
 *
 * Return: false at the end. Context: the lock that guards it is held.
 */
bool vgpu_hist_next(const struct vgpu_hist *hist, u32 *at, u64 *top, u64 *count)
{
	const struct vgpu_hist_block *block;
	u32 sub;

	while (*at < VGPU_HIST_BLOCKS * VGPU_HIST_SUB) {
		block = hist->block[*at / VGPU_HIST_SUB];
		if (!block) {
			*at = (*at / VGPU_HIST_SUB + 1) * VGPU_HIST_SUB;
			continue;
		}
		sub = *at % VGPU_HIST_SUB;
		*count = block->count[sub];
		*top = lowest(*at / VGPU_HIST_SUB, sub) + width(*at / VGPU_HIST_SUB) - 1;
		++*at;
		if (*count)
			return true;
	}
	return false;
}
