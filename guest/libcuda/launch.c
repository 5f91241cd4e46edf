// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <string.h>
#include "device.h"
#include "event.h"
#include "func.h"
#include "stream.h"

static CUresult packed(const struct vgpu_func_info *info, void **extra, void *buffer)
{
	const void *data = NULL;
	size_t size = 0;

	for (; *extra != CU_LAUNCH_PARAM_END; extra += 2) {
		if (extra[0] == CU_LAUNCH_PARAM_BUFFER_POINTER)
			data = extra[1];
		else if (extra[0] == CU_LAUNCH_PARAM_BUFFER_SIZE && extra[1])
			size = *(size_t *)extra[1];
		else
			return CUDA_ERROR_INVALID_VALUE;
	}
	if (size < info->params_size || (info->params_size && !data))
		return CUDA_ERROR_INVALID_VALUE;
	if (info->params_size)
		memcpy(buffer, data, info->params_size);
	return CUDA_SUCCESS;
}

static CUresult gathered(const struct vgpu_func_info *info, void **params, void *buffer)
{
	uint32_t end = 0;

	if (!params)
		return info->num_params ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
	for (uint32_t i = 0; i < info->num_params; i++) {
		uint32_t offset = info->params[i].offset, size = info->params[i].size;

		if (!params[i] && size)
			return CUDA_ERROR_INVALID_VALUE;
		/* The gaps are zero. */
		if (offset > end)
			memset((char *)buffer + end, 0, offset - end);
		memcpy((char *)buffer + offset, params[i], size);
		end = offset + size;
	}
	if (info->params_size > end)
		memset((char *)buffer + end, 0, info->params_size - end);
	return CUDA_SUCCESS;
}

static CUresult check_dimensions(const struct function *func, const struct launch *launch)
{
	static const unsigned int most_block[3] = { VGPU_MAX_BLOCK_XY, VGPU_MAX_BLOCK_XY,
						    VGPU_MAX_BLOCK_Z };
	static const unsigned int most_grid[3] = { VGPU_MAX_GRID_X, VGPU_MAX_GRID_YZ,
						   VGPU_MAX_GRID_YZ };
	const struct vgpu_func_info *info = func->info;
	uint64_t threads = 1;

	for (int i = 0; i < 3; i++) {
		if (!launch->grid[i] || launch->grid[i] > most_grid[i] || !launch->block[i] ||
		    launch->block[i] > most_block[i])
			return CUDA_ERROR_INVALID_VALUE;
		if (info->required_block[i] && info->required_block[i] != launch->block[i])
			return CUDA_ERROR_INVALID_VALUE;
		threads *= launch->block[i];
	}
	if (threads > VGPU_MAX_BLOCK_THREADS || launch->shared > func->max_dynamic)
		return CUDA_ERROR_INVALID_VALUE;
	if (info->max_threads && threads > info->max_threads)
		return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
	return CUDA_SUCCESS;
}

static CUresult check_cooperative(const struct function *func, const struct launch *launch)
{
	uint64_t blocks = (uint64_t)launch->grid[0] * launch->grid[1] * launch->grid[2];
	struct device *device;
	uint64_t room;

	device_get(func->session->ordinal, &device);
	if (!device_attribute(device, CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH))
		return CUDA_ERROR_NOT_SUPPORTED;
	room = (uint64_t)occupancy_blocks(func,
					  launch->block[0] * launch->block[1] * launch->block[2],
					  launch->shared) *
	       device_attribute(device, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
	return blocks > room ? CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE : CUDA_SUCCESS;
}

CUresult launch_prepare(struct function *func, const struct launch *launch, void *buffer,
			struct op_kernel *kernel)
{
	CUresult result;

	if (launch->params && launch->extra)
		return CUDA_ERROR_INVALID_VALUE;
	result = check_dimensions(func, launch);
	if (!result && launch->cooperative)
		result = check_cooperative(func, launch);
	if (!result && launch->extra)
		result = packed(func->info, launch->extra, buffer);
	else if (!result)
		result = gathered(func->info, launch->params, buffer);
	if (result)
		return result;
	kernel->func = func;
	memcpy(kernel->grid, launch->grid, sizeof(kernel->grid));
	memcpy(kernel->block, launch->block, sizeof(kernel->block));
	kernel->shared = launch->shared;
	kernel->cooperative = launch->cooperative;
	kernel->params = buffer;
	kernel->params_len = func->info->params_size;
	return CUDA_SUCCESS;
}

static CUresult launch(CUfunction handle, const struct launch *launch, CUstream stream_handle,
		       bool thread_default)
{
	char buffer[VGPU_MAX_PARAMS];
	struct op op = { .kind = OP_KERNEL };
	struct context *ctx;
	struct stream *stream;
	struct function *func;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	pthread_mutex_lock(&ctx->session->lock);
	result = stream_resolve(ctx, stream_handle, thread_default, &stream);
	if (!result)
		result = func_get(stream->ctx, handle, &func);
	if (!result && (func->ctx != stream->ctx || stream->session != ctx->session))
		result = CUDA_ERROR_INVALID_HANDLE;
	if (!result)
		result = launch_prepare(func, launch, buffer, &op.kernel);
	if (!result)
		result = stream_run(stream, &op);
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuLaunchKernel(CUfunction func, unsigned int gx, unsigned int gy, unsigned int gz,
			       unsigned int bx, unsigned int by, unsigned int bz,
			       unsigned int shared, CUstream stream, void **params, void **extra)
{
	struct launch l = { { gx, gy, gz }, { bx, by, bz }, shared, false, params, extra };

	return launch(func, &l, stream, false);
}

EXPORT CUresult cuLaunchKernel_ptsz(CUfunction func, unsigned int gx, unsigned int gy,
				    unsigned int gz, unsigned int bx, unsigned int by,
				    unsigned int bz, unsigned int shared, CUstream stream,
				    void **params, void **extra)
{
	struct launch l = { { gx, gy, gz }, { bx, by, bz }, shared, false, params, extra };

	return launch(func, &l, stream, true);
}

EXPORT CUresult cuLaunchCooperativeKernel(CUfunction func, unsigned int gx, unsigned int gy,
					  unsigned int gz, unsigned int bx, unsigned int by,
					  unsigned int bz, unsigned int shared, CUstream stream,
					  void **params)
{
	struct launch l = { { gx, gy, gz }, { bx, by, bz }, shared, true, params, NULL };

	return launch(func, &l, stream, false);
}

EXPORT CUresult cuLaunchCooperativeKernel_ptsz(CUfunction func, unsigned int gx, unsigned int gy,
					       unsigned int gz, unsigned int bx, unsigned int by,
					       unsigned int bz, unsigned int shared,
					       CUstream stream, void **params)
{
	struct launch l = { { gx, gy, gz }, { bx, by, bz }, shared, true, params, NULL };

	return launch(func, &l, stream, true);
}

static CUresult launch_ex(const CUlaunchConfig *config, CUfunction func, void **params,
			  void **extra, bool thread_default)
{
	struct launch l = { .params = params, .extra = extra };
	CUevent completion = NULL;
	CUresult result;

	if (!config || (config->numAttrs && !config->attrs))
		return CUDA_ERROR_INVALID_VALUE;
	l.grid[0] = config->gridDimX;
	l.grid[1] = config->gridDimY;
	l.grid[2] = config->gridDimZ;
	l.block[0] = config->blockDimX;
	l.block[1] = config->blockDimY;
	l.block[2] = config->blockDimZ;
	l.shared = config->sharedMemBytes;
	for (unsigned int i = 0; i < config->numAttrs; i++) {
		const CUlaunchAttribute *attr = &config->attrs[i];

		switch (attr->id) {
		case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
			l.cooperative = attr->value.cooperative;
			break;
		case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
			if (attr->value.clusterDim.x != 1 || attr->value.clusterDim.y != 1 ||
			    attr->value.clusterDim.z != 1)
				return CUDA_ERROR_INVALID_CLUSTER_SIZE;
			break;
		case CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT:
			/* When every block has begun: at the latest when the kernel has ended. */
			completion = attr->value.launchCompletionEvent.event;
			break;
		case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT:
			completion = attr->value.programmaticEvent.event;
			break;
		default:
			/* Hints. */
			if ((unsigned int)attr->id >= CU_LAUNCH_ATTRIBUTE_MAX)
				return CUDA_ERROR_INVALID_VALUE;
		}
	}
	result = launch(func, &l, config->hStream, thread_default);
	if (!result && completion)
		result = cuEventRecord(completion, config->hStream || !thread_default
							   ? config->hStream
							   : CU_STREAM_PER_THREAD);
	return result;
}

EXPORT CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction func, void **params,
				 void **extra)
{
	return launch_ex(config, func, params, extra, false);
}

EXPORT CUresult cuLaunchKernelEx_ptsz(const CUlaunchConfig *config, CUfunction func, void **params,
				      void **extra)
{
	return launch_ex(config, func, params, extra, true);
}
