// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/*
 * DOC: occupancy
 *
 * How many blocks of a kernel one multiprocessor holds follows from its limits on blocks, threads
 * (in whole warps), registers (given to warps in units) and shared memory (in units, with a part
 * kept by the system for each block), by the rules of NVIDIA's CUDA programming guide and occupancy
 * calculator for compute capability 7.0 on.
 */
#include "device.h"
#include "func.h"

#define REGISTER_UNIT 256 /* registers given to a warp at a time */
#define WARP_UNIT 4 /* warps over whose schedulers the registers are divided */

static unsigned int round_up(unsigned int value, unsigned int unit)
{
	return (value + unit - 1) / unit * unit;
}

static int at_least_one(int value, int otherwise)
{
	return value > 0 ? value : otherwise;
}

int occupancy_blocks(const struct function *func, unsigned int threads, size_t dynamic)
{
	struct device *device;
	unsigned int warp, warps, blocks, most, shared, unit;

	if (device_get(func->session->ordinal, &device) || !threads)
		return 0;
	warp = at_least_one(device_attribute(device, CU_DEVICE_ATTRIBUTE_WARP_SIZE), 32);
	warps = round_up(threads, warp) / warp;
	if (threads > (unsigned int)at_least_one(func->info->max_threads, VGPU_MAX_BLOCK_THREADS))
		return 0;
	blocks = at_least_one(
		device_attribute(device, CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR), 16);
	most = at_least_one(device_attribute(device,
					     CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR),
			    1024) /
	       warp / warps;
	blocks = most < blocks ? most : blocks;
	if (func->info->num_regs) {
		unsigned int per_warp = round_up(func->info->num_regs * warp, REGISTER_UNIT);
		unsigned int registers = at_least_one(
			device_attribute(device, CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR),
			65536);

		most = registers / WARP_UNIT / per_warp * WARP_UNIT / warps;
		blocks = most < blocks ? most : blocks;
	}
	unit = device->info.gpu.cc_major >= 8 ? 128 : 256;
	shared = round_up(
		func->info->shared_size + dynamic +
			device_attribute(device, CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK),
		unit);
	if (shared) {
		unsigned int room = at_least_one(
			device_attribute(device,
					 CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR),
			device_attribute(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK));

		most = room / shared;
		blocks = most < blocks ? most : blocks;
	}
	return blocks;
}

static CUresult enter(CUfunction handle, struct function **func)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	pthread_mutex_lock(&ctx->session->lock);
	result = func_get(ctx, handle, func);
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction handle,
								     int threads, size_t dynamic,
								     unsigned int flags)
{
	struct function *func;
	CUresult result = enter(handle, &func);

	if (result)
		return result;
	if (!blocks || threads <= 0 || flags & ~CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE)
		return CUDA_ERROR_INVALID_VALUE;
	*blocks = occupancy_blocks(func, threads, dynamic);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction func,
							    int threads, size_t dynamic)
{
	return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, func, threads, dynamic,
								    0);
}

EXPORT CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int *min_grid, int *block,
							  CUfunction handle,
							  CUoccupancyB2DSize dynamic_of,
							  size_t dynamic, int limit,
							  unsigned int flags)
{
	struct function *func;
	struct device *device;
	CUresult result = enter(handle, &func);
	int warp, most, best_threads = 0, best_block = 0, best_blocks = 0;

	if (result)
		return result;
	if (!min_grid || !block || limit < 0 || flags & ~CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE)
		return CUDA_ERROR_INVALID_VALUE;
	device_get(func->session->ordinal, &device);
	warp = at_least_one(device_attribute(device, CU_DEVICE_ATTRIBUTE_WARP_SIZE), 32);
	most = at_least_one(func->info->max_threads, VGPU_MAX_BLOCK_THREADS);
	if (limit && limit < most)
		most = limit;
	/* The largest block of those that keep the most threads resident. */
	for (int size = round_up(most, warp); size > 0; size -= warp) {
		int threads = size < most ? size : most;
		int blocks =
			occupancy_blocks(func, threads, dynamic_of ? dynamic_of(threads) : dynamic);

		if (blocks * threads > best_threads) {
			best_threads = blocks * threads;
			best_block = threads;
			best_blocks = blocks;
		}
	}
	*block = best_block;
	*min_grid = best_blocks * device_attribute(device, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuOccupancyMaxPotentialBlockSize(int *min_grid, int *block, CUfunction func,
						 CUoccupancyB2DSize dynamic_of, size_t dynamic,
						 int limit)
{
	return cuOccupancyMaxPotentialBlockSizeWithFlags(min_grid, block, func, dynamic_of, dynamic,
							 limit, 0);
}

EXPORT CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t *dynamic, CUfunction handle,
							int blocks, int threads)
{
	struct function *func;
	struct device *device;
	CUresult result = enter(handle, &func);
	size_t room, kept;

	if (result)
		return result;
	if (!dynamic || blocks <= 0 || threads <= 0)
		return CUDA_ERROR_INVALID_VALUE;
	if (occupancy_blocks(func, threads, 0) < blocks) {
		*dynamic = 0;
		return CUDA_ERROR_INVALID_VALUE;
	}
	device_get(func->session->ordinal, &device);
	room = device_attribute(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR) /
	       blocks;
	kept = func->info->shared_size +
	       device_attribute(device, CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK);
	room = room / 128 * 128;
	room = room > kept ? room - kept : 0;
	*dynamic = room < func->max_dynamic ? room : func->max_dynamic;
	return CUDA_SUCCESS;
}
