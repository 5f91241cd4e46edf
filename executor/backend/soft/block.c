// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Blocks: their warps take turns on one thread, and meet at barriers. */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define PASSES_COOPERATIVE	2	/* rounds in which a warp used up its turn, until another block's */
#define PASSES			48

static uint64_t local_stride(const struct grid *grid)
{
	/* Not a power of two, so that lanes do not share the sets of a cache. */
	return grid->local_size ? ((uint64_t)grid->local_size + 15) / 16 * 16 + 64 : 0;
}

struct block *block_create(struct grid *grid)
{
	struct block *block = calloc(1, sizeof(*block));
	uint64_t stride = local_stride(grid);
	uint32_t k;

	if (!block)
		return NULL;
	block->grid = grid;
	block->threads = grid->block_threads;
	block->num_warps = grid->block_warps;
	block->warps = calloc(block->num_warps, sizeof(*block->warps));
	block->shared = aligned_alloc(256, ((size_t)grid->shared_size + 511) / 256 * 256);
	if (stride)
		block->local = aligned_alloc(64, stride * LANES * block->num_warps);
	if (!block->warps || !block->shared || (stride && !block->local))
		goto fail;
	if (stride)
		memset(block->local, 0, stride * LANES * block->num_warps);
	for (k = 0; k < block->num_warps; k++) {
		struct warp *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);

		if (!w)
			goto fail;
		memset(w, 0, sizeof(*w));
		block->warps[k] = w;
		w->block = block;
		w->grid = grid;
		w->index = k;
		w->first_tid = k * LANES;
		w->shared = block->shared;
		w->shared_size = grid->shared_size;
		w->local = stride ? block->local + k * LANES * stride : NULL;
		w->local_stride = stride;
		w->local_size = grid->local_size;
	}
	return block;
fail:
	block_free(block);
	return NULL;
}

bool block_start(struct block *block, uint64_t index)
{
	const struct grid *grid = block->grid;
	uint32_t k;

	block->ctaid[0] = (uint32_t)(index % grid->dim[0]);
	block->ctaid[1] = (uint32_t)(index / grid->dim[0] % grid->dim[1]);
	block->ctaid[2] = (uint32_t)(index / grid->dim[0] / grid->dim[1]);
	block->smid = (uint32_t)(index % PTX_NUM_SMS);
	block->live_threads = block->threads;
	block->next_warp = 0;
	memset(block->barriers, 0, sizeof(block->barriers));
	memset(block->shared, 0, grid->shared_size);
	for (k = 0; k < block->num_warps; k++)
		if (!warp_init(block->warps[k]))
			return false;
	return true;
}

void block_free(struct block *block)
{
	uint32_t k;

	for (k = 0; block->warps && k < block->num_warps; k++)
		if (block->warps[k])
			warp_free(block->warps[k]);
	free(block->warps);
	free(block->shared);
	free(block->local);
	free(block);
}

static bool complete(struct block *block, uint32_t number)
{
	struct barrier *bar = &block->barriers[number];
	uint32_t expected = bar->expected ? bar->expected : block->live_threads, k;

	if (!bar->arrived || bar->arrived < expected)
		return false;
	bar->pred_count = bar->yes;
	bar->pred_and = bar->yes == bar->arrived_lanes;
	bar->pred_or = bar->yes != 0;
	bar->arrived = 0;
	bar->arrived_lanes = 0;
	bar->expected = 0;
	bar->yes = 0;
	memset(bar->warp_arrived, 0, block->num_warps * sizeof(bar->warp_arrived[0]));
	for (k = 0; k < block->num_warps; k++)
		warp_release(block->warps[k], number);
	return true;
}

bool block_arrive(struct warp *w, uint32_t m, uint32_t barrier, uint32_t count, uint32_t preds)
{
	struct block *block = w->block;
	struct barrier *bar = &block->barriers[barrier];
	uint32_t lanes = (uint32_t)__builtin_popcount(m);

	bar->expected = count;
	bar->arrived += lanes;
	bar->arrived_lanes += lanes;
	bar->yes += (uint32_t)__builtin_popcount(preds & m);
	bar->warp_arrived[w->index] |= m;
	/* Barriers with a count take whole warps: lanes that do not exist or have exited come with the last of theirs. */
	if (count && bar->warp_arrived[w->index] == w->live) {
		bar->arrived += LANES - (uint32_t)__builtin_popcount(w->live);
		bar->warp_arrived[w->index] = 0;
	}
	return complete(block, barrier);
}

void block_exit(struct warp *w, uint32_t m)
{
	struct block *block = w->block;
	uint32_t k;

	block->live_threads -= (uint32_t)__builtin_popcount(m);
	for (k = 0; block->live_threads && k < NUM_BARRIERS; k++)
		if (block->barriers[k].arrived && !block->barriers[k].expected)
			complete(block, k);
}

/* Nothing can run: lets lanes go on that wait for lanes of their warp, or gives up. */
static bool untie(struct block *block)
{
	bool forced = false;
	uint32_t k;

	for (k = 0; k < block->num_warps; k++)
		if (block->warps[k]->state == WARP_BLOCKED)
			forced |= warp_force(block->warps[k]);
	if (!forced)
		grid_stop(block->grid, PTX_ERROR_LAUNCH_TIMEOUT,
			  "deadlock: all threads of a block wait at barriers that the others do not reach");
	return forced;
}

int block_run(struct block *block)
{
	uint32_t passes = 0, limit = block->grid->cooperative ? PASSES_COOPERATIVE : PASSES, k;
	bool ran, turned, done;

	for (;;) {
		ran = false;
		turned = false;
		done = true;
		for (k = 0; k < block->num_warps; k++) {
			struct warp *w = block->warps[k];

			if (w->state == WARP_READY) {
				ran = true;
				switch (warp_run(w)) {
				case STOP_FAULT:
					return BLOCK_STOP;
				case STOP_TURN:
					turned = true;
				}
			}
			done = done && w->state == WARP_DONE;
		}
		if (done)
			return BLOCK_DONE;
		if (!ran && !untie(block))
			return BLOCK_STOP;
		if (turned && ++passes == limit)
			return BLOCK_YIELD;
	}
}
