// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Commands that engines execute: copies, memsets, launches.
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../log.h"
#include "soft.h"

/* Bytes from the first to the last of a pitched area; false where it is none. */
static bool span_of(uint64_t width, uint64_t pitch, uint32_t height, uint64_t *span)
{
	uint64_t bytes;

	if (!width || !height || (height > 1 && pitch < width))
		return false;
	if (__builtin_mul_overflow(height > 1 ? pitch : 0, (uint64_t)height - 1, &bytes))
		return false;
	return !__builtin_add_overflow(bytes, width, span);
}

/* Memory of a pitched area of the device, NULL where not all of it is mapped. */
static char *device_area(uint64_t addr, uint64_t width, uint64_t pitch, uint32_t height)
{
	uint64_t span;
	uint32_t row;

	if (!span_of(width, pitch, height, &span) || span > UINT64_MAX - addr)
		return NULL;
	/* Between the rows there may be a hole: then each is looked at. */
	if (!soft_mem_valid(soft.mem, addr, span)) {
		if (height == 1)
			return NULL;
		for (row = 0; row < height; row++) {
			if (!soft_mem_valid(soft.mem, addr + row * pitch, width))
				return NULL;
		}
	}
	return (char *)(uintptr_t)addr;
}

static char *host_area(uint64_t offset, uint64_t width, uint64_t pitch, uint32_t height)
{
	uint64_t span;

	if (!span_of(width, pitch, height, &span))
		return NULL;
	return soft.session->aperture(offset, span);
}

/**
 * soft_copy() - VGPU_OP_COPY_IN, VGPU_OP_COPY_OUT, VGPU_OP_COPY_DEVICE
 * @cmd: as vetted
 *
 * Return: CUresult.
 */
uint32_t soft_copy(const struct vgpu_cmd *cmd)
{
	const struct vgpu_op_copy *copy = &cmd->copy;
	char *dst, *src;
	uint32_t row;

	if (cmd->opcode == VGPU_OP_COPY_OUT)
		dst = host_area(copy->dst, copy->width, copy->dst_pitch, copy->height);
	else
		dst = device_area(copy->dst, copy->width, copy->dst_pitch, copy->height);
	if (cmd->opcode == VGPU_OP_COPY_IN)
		src = host_area(copy->src, copy->width, copy->src_pitch, copy->height);
	else
		src = device_area(copy->src, copy->width, copy->src_pitch, copy->height);
	if (!dst || !src) {
		log_error("copy of %llu x %u bytes from %llx to %llx: memory not mapped", copy->width, copy->height,
			  copy->src, copy->dst);
		return PTX_ERROR_INVALID_VALUE;
	}
	for (row = 0; row < copy->height; row++)
		memmove(dst + row * copy->dst_pitch, src + row * copy->src_pitch, copy->width);
	return PTX_SUCCESS;
}

static void fill16(uint16_t *to, uint64_t num, uint16_t value)
{
	uint64_t i;

	for (i = 0; i < num; i++)
		to[i] = value;
}

static void fill32(uint32_t *to, uint64_t num, uint32_t value)
{
	uint64_t i;

	for (i = 0; i < num; i++)
		to[i] = value;
}

/**
 * soft_memset() - VGPU_OP_MEMSET
 * @set: as vetted
 *
 * Return: CUresult.
 */
uint32_t soft_memset(const struct vgpu_op_memset *set)
{
	uint64_t width;
	uint32_t row;
	char *dst;

	if ((set->elem != 1 && set->elem != 2 && set->elem != 4) || (set->dst | set->pitch) % set->elem ||
	    __builtin_mul_overflow(set->width, (uint64_t)set->elem, &width))
		return PTX_ERROR_INVALID_VALUE;
	dst = device_area(set->dst, width, set->pitch, set->height);
	if (!dst) {
		log_error("memset of %" PRIu64 " x %u bytes at %llx: memory not mapped", width, set->height, set->dst);
		return PTX_ERROR_INVALID_VALUE;
	}
	for (row = 0; row < set->height; row++, dst += set->pitch) {
		switch (set->elem) {
		case 1:
			memset(dst, (int)set->value, set->width);
			break;
		case 2:
			fill16((uint16_t *)dst, set->width, (uint16_t)set->value);
			break;
		case 4:
			fill32((uint32_t *)dst, set->width, set->value);
			break;
		}
	}
	return PTX_SUCCESS;
}

static uint32_t check_launch(const struct vgpu_op_launch *op, const struct soft_func *func)
{
	const struct ptx_function_info *info = ptx_function_info(func->func);
	uint64_t threads = (uint64_t)op->block[0] * op->block[1] * op->block[2];
	const uint32_t *required = info->required_block;

	if (op->params_len < info->params_size) {
		log_error("launch of %s: %u bytes of parameters, it takes %u", info->name, op->params_len,
			  info->params_size);
		return PTX_ERROR_INVALID_VALUE;
	}
	if (required[0] && memcmp(op->block, required, sizeof(op->block))) {
		log_error("launch of %s: block %u x %u x %u, it requires %u x %u x %u", info->name, op->block[0],
			  op->block[1], op->block[2], required[0], required[1], required[2]);
		return PTX_ERROR_INVALID_VALUE;
	}
	if (threads > info->max_threads) {
		log_error("launch of %s: %" PRIu64 " threads in a block, it can have %u", info->name, threads,
			  info->max_threads);
		return threads > PTX_MAX_BLOCK_THREADS ? PTX_ERROR_INVALID_VALUE : PTX_ERROR_LAUNCH_OUT_OF_RESOURCES;
	}
	if (op->shared > func->max_dynamic) {
		log_error("launch of %s: %u bytes of dynamic shared memory, it may have %u", info->name, op->shared,
			  func->max_dynamic);
		return PTX_ERROR_INVALID_VALUE;
	}
	return PTX_SUCCESS;
}

/* Whether a result leaves the CUDA process usable. */
static bool is_harmless(int result)
{
	switch (result) {
	case PTX_SUCCESS:
	case PTX_ERROR_INVALID_VALUE:
	case PTX_ERROR_OUT_OF_MEMORY:
	case PTX_ERROR_LAUNCH_OUT_OF_RESOURCES:
	case PTX_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE:
		return true;
	default:
		return false;
	}
}

/**
 * soft_launch() - VGPU_OP_LAUNCH
 * @cmd: as vetted
 *
 * Return: CUresult. A fault of the kernel is the result of every later command too.
 */
uint32_t soft_launch(const struct vgpu_cmd *cmd)
{
	const struct vgpu_op_launch *op = &cmd->launch;
	/* One thread launches: the parameters need not be on its stack. */
	static _Thread_local uint64_t params[(VGPU_MAX_PARAMS + 7) / 8];
	struct ptx_fault fault = { .result = PTX_SUCCESS };
	struct ptx_launch launch;
	struct soft_func func;
	const void *from;
	uint32_t result;

	if (op->func >= VGPU_MAX_FUNCTIONS || op->params_len > VGPU_MAX_PARAMS)
		return PTX_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&soft.tables);
	func = soft.funcs[op->func];
	pthread_mutex_unlock(&soft.tables);
	if (!func.func) {
		log_error("launch of function %u: no kernel has this number", op->func);
		return SOFT_ERROR_INVALID_HANDLE;
	}
	result = check_launch(op, &func);
	if (result)
		return result;
	if (op->params_len) {
		from = soft.session->aperture(op->params, op->params_len);
		if (!from)
			return PTX_ERROR_INVALID_VALUE;
		memcpy(params, from, op->params_len);
	}
	launch = (struct ptx_launch){
		.func = func.func,
		.grid = { op->grid[0], op->grid[1], op->grid[2] },
		.block = { op->block[0], op->block[1], op->block[2] },
		.dynamic_shared = op->shared,
		.flags = cmd->flags & VGPU_CMD_F_COOPERATIVE ? PTX_LAUNCH_COOPERATIVE : 0,
		.params = params,
		.params_len = op->params_len,
	};
	result = (uint32_t)ptx_launch(soft.env, &launch, &fault);
	if (!is_harmless((int)result)) {
		atomic_store(&soft.fault, result);
		log_error("%s", fault.message);
	} else if (result) {
		log_error("launch of %s: %s", ptx_function_info(func.func)->name, ptx_result_name((int)result));
	}
	return result;
}
