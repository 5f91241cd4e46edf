// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * What goes to a CUDA stream and is not waited for: copies, memsets, launches.
 */

#include <string.h>

#include "../../log.h"
#include "cuda.h"

static CUresult copy_rows(const struct vgpu_cmd *cmd, const void *from, void *to, CUstream stream)
{
	const struct vgpu_op_copy *copy = &cmd->copy;
	const CUDA_MEMCPY2D rows = {
		.srcMemoryType = from ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE,
		.srcHost = from,
		.srcDevice = from ? 0 : copy->src,
		.srcPitch = copy->src_pitch,
		.dstMemoryType = to ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE,
		.dstHost = to,
		.dstDevice = to ? 0 : copy->dst,
		.dstPitch = copy->dst_pitch,
		.WidthInBytes = copy->width,
		.Height = copy->height,
	};

	return cu.cuMemcpy2DAsync_v2(&rows, stream);
}

static uint64_t span(uint64_t width, uint64_t pitch, uint32_t height)
{
	return pitch * (height - 1) + width;
}

static CUresult issue_copy(const struct vgpu_cmd *cmd, CUstream stream)
{
	const struct vgpu_op_copy *copy = &cmd->copy;
	void *from = NULL, *to = NULL;

	if (cmd->opcode == VGPU_OP_COPY_IN) {
		from = cuda.session->aperture(copy->src, span(copy->width, copy->src_pitch, copy->height));
		if (!from)
			return CUDA_ERROR_INVALID_VALUE;
	} else if (cmd->opcode == VGPU_OP_COPY_OUT) {
		to = cuda.session->aperture(copy->dst, span(copy->width, copy->dst_pitch, copy->height));
		if (!to)
			return CUDA_ERROR_INVALID_VALUE;
	} else if (cmd->opcode != VGPU_OP_COPY_DEVICE) {
		return CUDA_ERROR_NOT_SUPPORTED;
	}
	if (copy->height > 1)
		return copy_rows(cmd, from, to, stream);
	if (from)
		return cu.cuMemcpyHtoDAsync_v2(copy->dst, from, copy->width, stream);
	if (to)
		return cu.cuMemcpyDtoHAsync_v2(to, copy->src, copy->width, stream);
	return cu.cuMemcpyDtoDAsync_v2(copy->dst, copy->src, copy->width, stream);
}

static CUresult issue_memset(const struct vgpu_op_memset *set, CUstream stream)
{
	if (set->height > 1) {
		switch (set->elem) {
		case 1:
			return cu.cuMemsetD2D8Async(set->dst, set->pitch, (unsigned char)set->value, set->width,
						    set->height, stream);
		case 2:
			return cu.cuMemsetD2D16Async(set->dst, set->pitch, (unsigned short)set->value, set->width,
						     set->height, stream);
		default:
			return cu.cuMemsetD2D32Async(set->dst, set->pitch, set->value, set->width, set->height,
						     stream);
		}
	}
	switch (set->elem) {
	case 1:
		return cu.cuMemsetD8Async(set->dst, (unsigned char)set->value, set->width, stream);
	case 2:
		return cu.cuMemsetD16Async(set->dst, (unsigned short)set->value, set->width, stream);
	default:
		return cu.cuMemsetD32Async(set->dst, set->value, set->width, stream);
	}
}

static CUresult issue_launch(const struct vgpu_cmd *cmd, CUstream stream)
{
	static _Thread_local char params[VGPU_MAX_PARAMS];
	const struct vgpu_op_launch *op = &cmd->launch;
	CUlaunchAttribute cooperative = { .id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE, .value.cooperative = 1 };
	const CUlaunchConfig config = {
		.gridDimX = op->grid[0],
		.gridDimY = op->grid[1],
		.gridDimZ = op->grid[2],
		.blockDimX = op->block[0],
		.blockDimY = op->block[1],
		.blockDimZ = op->block[2],
		.sharedMemBytes = op->shared,
		.hStream = stream,
		.attrs = &cooperative,
		.numAttrs = 1,
	};
	size_t len = op->params_len;
	void *extra[] = {
		CU_LAUNCH_PARAM_BUFFER_POINTER, params,
		CU_LAUNCH_PARAM_BUFFER_SIZE, &len,
		CU_LAUNCH_PARAM_END,
	};
	CUfunction function;
	const void *from;

	if (op->func >= VGPU_MAX_FUNCTIONS || len > sizeof(params))
		return CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&cuda.lock);
	function = cuda.functions[op->func].function;
	pthread_mutex_unlock(&cuda.lock);
	if (!function)
		return CUDA_ERROR_INVALID_HANDLE;
	if (len) {
		from = cuda.session->aperture(op->params, len);
		if (!from)
			return CUDA_ERROR_INVALID_VALUE;
		memcpy(params, from, len);
	}
	/* Both take parameters as a buffer, so that their places need not be known here. */
	if (cmd->flags & VGPU_CMD_F_COOPERATIVE)
		return cu.cuLaunchKernelEx(&config, function, NULL, len ? extra : NULL);
	return cu.cuLaunchKernel(function, op->grid[0], op->grid[1], op->grid[2], op->block[0], op->block[1],
				 op->block[2], op->shared, stream, NULL, len ? extra : NULL);
}

/**
 * cuda_issue() - put a command into a CUDA stream
 * @cmd: vetted
 * @stream: of the current context
 *
 * Return: CUresult of the call; what becomes of the command is the stream's to tell. Context: the submit thread.
 */
CUresult cuda_issue(const struct vgpu_cmd *cmd, CUstream stream)
{
	switch (cmd->opcode) {
	case VGPU_OP_MEMSET:
		return issue_memset(&cmd->memset, stream);
	case VGPU_OP_LAUNCH:
		return issue_launch(cmd, stream);
	default:
		return issue_copy(cmd, stream);
	}
}
