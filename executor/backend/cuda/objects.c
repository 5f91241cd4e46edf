// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Contexts, streams, functions and variables of the session.
 */

#include <stdlib.h>
#include <string.h>

#include "cuda.h"

#define PRINTF_FIFO_MAX	(64ULL << 20)

/**
 * cuda_session_init() - VGPU_OP_SESSION_INIT
 * @init: where to write
 *
 * Return: CUresult.
 */
CUresult cuda_session_init(const struct vgpu_op_init *init)
{
	const struct backend_session *session = cuda.session;
	const struct vgpu_session_info info = {
		.device_base = session->device_base,
		.device_size = session->device_size,
		.chunk_size = session->chunk_size,
		.aperture_base = session->aperture_base,
		.aperture_size = session->aperture_size,
		.granule = session->granule,
	};
	void *out = session->aperture(init->out, sizeof(info));

	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(out, &info, sizeof(info));
	return CUDA_SUCCESS;
}

/**
 * cuda_ctx_create() - VGPU_OP_CTX_CREATE
 * @ctx: number
 * @flags: CUctx_flags
 *
 * The first one is the context that is there already: each costs much device memory.
 *
 * Return: CUresult. Context: the control thread.
 */
CUresult cuda_ctx_create(uint32_t ctx, uint32_t flags)
{
	if (!ctx || cuda.contexts[ctx])
		return CUDA_ERROR_INVALID_VALUE;
	if (!cuda.base_used) {
		cuda.base_used = ctx;
		cuda.contexts[ctx] = cuda.base;
		return CUDA_SUCCESS;
	}
	return cu.cuCtxCreate_v2(&cuda.contexts[ctx],
				 flags & (CU_CTX_SCHED_MASK | CU_CTX_MAP_HOST | CU_CTX_LMEM_RESIZE_TO_MAX),
				 cuda.device);
}

/**
 * cuda_ctx_destroy() - VGPU_OP_CTX_DESTROY: its modules end with it
 * @ctx: number
 *
 * Return: CUresult. Context: the control thread.
 */
CUresult cuda_ctx_destroy(uint32_t ctx)
{
	CUcontext context = cuda.contexts[ctx];

	if (!ctx || !context)
		return CUDA_ERROR_INVALID_CONTEXT;
	cuda_modules_of(ctx);
	cuda.contexts[ctx] = NULL;
	if (context != cuda.base)
		return cu.cuCtxDestroy_v2(context);
	cuda.base_used = 0;
	return CUDA_SUCCESS;
}

/**
 * cuda_ctx_limit() - VGPU_OP_CTX_LIMIT
 * @ctx: number of the context, which is current
 * @limit: which, and to what
 *
 * Return: CUresult.
 */
CUresult cuda_ctx_limit(uint32_t ctx, const struct vgpu_op_limit *limit)
{
	/* The heap comes out of the quota as all device memory does. */
	if (limit->limit == CU_LIMIT_MALLOC_HEAP_SIZE && limit->value > cuda.session->memory)
		return CUDA_ERROR_INVALID_VALUE;
	if (limit->limit == CU_LIMIT_PRINTF_FIFO_SIZE && limit->value > PRINTF_FIFO_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	return cu.cuCtxSetLimit((CUlimit)limit->limit, limit->value);
}

/**
 * cuda_stream_create() - VGPU_OP_STREAM_CREATE, or the first use of a stream
 * @ctx: number of the context, which is current
 * @number: of the stream
 * @priority: as the guest gave it
 *
 * What default streams wait for is the guest library's business: no stream here waits for another by itself.
 *
 * Return: CUresult. Context: any thread.
 */
CUresult cuda_stream_create(uint32_t ctx, uint32_t number, int32_t priority)
{
	CUresult result = CUDA_SUCCESS;

	pthread_mutex_lock(&cuda.lock);
	if (!cuda.streams[number].stream)
		result = cu.cuStreamCreateWithPriority(&cuda.streams[number].stream, CU_STREAM_NON_BLOCKING,
						       priority);
	pthread_mutex_unlock(&cuda.lock);
	return result;
}

/**
 * cuda_stream_destroy() - VGPU_OP_STREAM_DESTROY
 * @ctx: number of the context, which is current
 * @number: of the stream; its commands have completed
 *
 * Return: CUresult. Context: the control thread.
 */
CUresult cuda_stream_destroy(uint32_t ctx, uint32_t number)
{
	CUstream stream;

	pthread_mutex_lock(&cuda.lock);
	stream = cuda.streams[number].stream;
	cuda.streams[number].stream = NULL;
	pthread_mutex_unlock(&cuda.lock);
	return stream ? cu.cuStreamDestroy_v2(stream) : CUDA_SUCCESS;
}

/* Private copy of a name, and the module. */
static CUresult find_named(const struct vgpu_op_get *get, char name[VGPU_MAX_NAME + 1], CUmodule *module)
{
	const void *from;

	if (get->module >= VGPU_MAX_MODULES || get->id >= VGPU_MAX_FUNCTIONS || get->name_len > VGPU_MAX_NAME)
		return CUDA_ERROR_INVALID_VALUE;
	from = cuda.session->aperture(get->name, get->name_len);
	if (!from)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(name, from, get->name_len);
	name[get->name_len] = '\0';
	*module = cuda.modules[get->module].module;
	return *module ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

static uint32_t attribute(CUfunction function, CUfunction_attribute which)
{
	int value = 0;

	if (cu.cuFuncGetAttribute(&value, which, function) || value < 0)
		return 0;
	return (uint32_t)value;
}

/* Parameters of a kernel, one after the other, until the driver knows no more. */
static uint32_t read_params(CUfunction function, struct vgpu_func_info *info, uint32_t pairs[][2], uint32_t most)
{
	size_t offset, size;
	uint32_t num = 0;

	while (cu.cuFuncGetParamInfo && num < most && !cu.cuFuncGetParamInfo(function, num, &offset, &size)) {
		pairs[num][0] = (uint32_t)offset;
		pairs[num][1] = (uint32_t)size;
		if (offset + size > info->params_size)
			info->params_size = (uint32_t)(offset + size);
		num++;
	}
	return num;
}

static CUresult remember(const struct vgpu_op_get *get, CUfunction function, uint32_t pairs[][2], uint32_t num)
{
	struct cuda_function *slot = &cuda.functions[get->id];
	uint32_t *offsets = NULL, *old;
	uint32_t i;

	if (num) {
		offsets = calloc(num, sizeof(*offsets));
		if (!offsets)
			return CUDA_ERROR_OUT_OF_MEMORY;
	}
	for (i = 0; i < num; i++)
		offsets[i] = pairs[i][0];
	pthread_mutex_lock(&cuda.lock);
	old = slot->offsets;
	*slot = (struct cuda_function) {
		.function = function,
		.module = get->module,
		.num_params = num,
		.offsets = offsets,
	};
	pthread_mutex_unlock(&cuda.lock);
	free(old);
	return CUDA_SUCCESS;
}

/**
 * cuda_func_get() - VGPU_OP_FUNC_GET
 * @ctx: number of the context, which is current
 * @get: names the kernel and gives it a number
 *
 * Return: CUresult. Context: the control thread.
 */
CUresult cuda_func_get(uint32_t ctx, const struct vgpu_op_get *get)
{
	static uint32_t pairs[VGPU_MAX_ARGS][2];
	char *out = cuda.session->aperture(get->out, get->out_len);
	struct vgpu_func_info info = { 0 };
	char name[VGPU_MAX_NAME + 1];
	CUfunction function;
	CUmodule module;
	CUresult result;
	uint32_t fits;

	if (!out || get->out_len < sizeof(info))
		return CUDA_ERROR_INVALID_VALUE;
	result = find_named(get, name, &module);
	if (!result)
		result = cu.cuModuleGetFunction(&function, module, name);
	if (result)
		return result;
	info.max_threads = attribute(function, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
	info.shared_size = attribute(function, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
	info.const_size = attribute(function, CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES);
	info.local_size = attribute(function, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
	info.num_regs = attribute(function, CU_FUNC_ATTRIBUTE_NUM_REGS);
	info.ptx_version = attribute(function, CU_FUNC_ATTRIBUTE_PTX_VERSION);
	info.binary_version = attribute(function, CU_FUNC_ATTRIBUTE_BINARY_VERSION);
	info.max_dynamic_shared = attribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
	info.num_params = read_params(function, &info, pairs, VGPU_MAX_ARGS);
	result = remember(get, function, pairs, info.num_params);
	if (result)
		return result;
	fits = (get->out_len - (uint32_t)sizeof(info)) / (uint32_t)sizeof(pairs[0]);
	memcpy(out, &info, sizeof(info));
	memcpy(out + sizeof(info), pairs, sizeof(pairs[0]) * (info.num_params < fits ? info.num_params : fits));
	return CUDA_SUCCESS;
}

/**
 * cuda_func_set() - VGPU_OP_FUNC_SET
 * @ctx: number of the context, which is current
 * @attr: function, attribute, value
 *
 * Return: CUresult. Context: the control thread.
 */
CUresult cuda_func_set(uint32_t ctx, const struct vgpu_op_attr *attr)
{
	CUfunction function = cuda.functions[attr->func].function;

	if (!function)
		return CUDA_ERROR_INVALID_HANDLE;
	return cu.cuFuncSetAttribute(function, (CUfunction_attribute)attr->attr, attr->value);
}

/**
 * cuda_global_get() - VGPU_OP_GLOBAL_GET
 * @ctx: number of the context, which is current
 * @get: names the variable
 *
 * Return: CUresult. Context: the control thread.
 */
CUresult cuda_global_get(uint32_t ctx, const struct vgpu_op_get *get)
{
	void *out = cuda.session->aperture(get->out, get->out_len);
	char name[VGPU_MAX_NAME + 1];
	struct vgpu_global_info info;
	CUdeviceptr addr;
	CUmodule module;
	CUresult result;
	size_t size;

	if (!out || get->out_len < sizeof(info))
		return CUDA_ERROR_INVALID_VALUE;
	result = find_named(get, name, &module);
	if (!result)
		result = cu.cuModuleGetGlobal_v2(&addr, &size, module, name);
	if (result)
		return result;
	info.addr = addr;
	info.size = size;
	memcpy(out, &info, sizeof(info));
	return CUDA_SUCCESS;
}

/**
 * cuda_forget_functions() - forget the kernels of a module that goes
 * @module: its number
 *
 * Context: the control thread.
 */
void cuda_forget_functions(uint32_t module)
{
	struct cuda_function *function;

	pthread_mutex_lock(&cuda.lock);
	for (function = cuda.functions; function < cuda.functions + VGPU_MAX_FUNCTIONS; function++) {
		if (!function->function || function->module != module)
			continue;
		free(function->offsets);
		memset(function, 0, sizeof(*function));
	}
	pthread_mutex_unlock(&cuda.lock);
}
