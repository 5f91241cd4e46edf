// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include <string.h>
#include "device.h"
#include "func.h"
#include "handle.h"
#include "library.h"
#include "module.h"

CUresult func_get(struct context *ctx, CUfunction handle, struct function **func)
{
	*func = handle_get(HANDLE_FUNCTION, handle);
	if (*func)
		return CUDA_SUCCESS;
	return library_function(ctx, (CUkernel)handle, func);
}

void func_hold(struct function *func)
{
	func->refs++;
}

void func_put(struct function *func)
{
	if (--func->refs)
		return;
	free(func->info);
	free(func->name);
	free(func);
}

CUresult func_attribute(const struct function *func, CUfunction_attribute attribute, int *value)
{
	const struct vgpu_func_info *info = func->info;

	switch (attribute) {
	case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
		*value = info->max_threads;
		break;
	case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
		*value = info->shared_size;
		break;
	case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
		*value = info->const_size;
		break;
	case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
		*value = info->local_size;
		break;
	case CU_FUNC_ATTRIBUTE_NUM_REGS:
		*value = info->num_regs;
		break;
	case CU_FUNC_ATTRIBUTE_PTX_VERSION:
		*value = info->ptx_version;
		break;
	case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
		*value = info->binary_version;
		break;
	case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
		*value = func->max_dynamic;
		break;
	case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
		*value = func->carveout;
		break;
	default:
		if ((unsigned int)attribute >= CU_FUNC_ATTRIBUTE_MAX)
			return CUDA_ERROR_INVALID_VALUE;
		*value = 0;
	}
	return CUDA_SUCCESS;
}

CUresult func_set_attribute(struct function *func, CUfunction_attribute attribute, int value)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_FUNC_SET, .ctx = func->ctx->number };
	struct device *device;
	CUresult result;
	int most;

	switch (attribute) {
	case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
		device_get(func->session->ordinal, &device);
		most = device_attribute(device,
					CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
		if (!most)
			most = device_attribute(device,
						CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
		if (value < 0 || value > most - (int)func->info->shared_size)
			return CUDA_ERROR_INVALID_VALUE;
		break;
	case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
		if (value < -1 || value > 100)
			return CUDA_ERROR_INVALID_VALUE;
		break;
	case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
	case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
	case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
	case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
	case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH:
		return CUDA_ERROR_NOT_SUPPORTED;
	default:
		return CUDA_ERROR_INVALID_VALUE;
	}
	cmd.attr.func = func->number;
	cmd.attr.attr = attribute;
	cmd.attr.value = value;
	result = session_call(func->session, &cmd, NULL);
	if (result)
		return result;
	if (attribute == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
		func->max_dynamic = value;
	else
		func->carveout = value;
	return CUDA_SUCCESS;
}

/* Begins a call about a kernel: its session's lock is held at success. */
static CUresult enter(CUfunction handle, struct function **func)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	pthread_mutex_lock(&ctx->session->lock);
	result = func_get(ctx, handle, func);
	if (result) {
		pthread_mutex_unlock(&ctx->session->lock);
		return result;
	}
	if ((*func)->session != ctx->session) {
		pthread_mutex_unlock(&ctx->session->lock);
		pthread_mutex_lock(&(*func)->session->lock);
	}
	return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction handle)
{
	struct function *func;
	CUresult result;

	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter(handle, &func);
	if (result)
		return result;
	result = func_attribute(func, attribute, value);
	pthread_mutex_unlock(&func->session->lock);
	return result;
}

EXPORT CUresult cuFuncSetAttribute(CUfunction handle, CUfunction_attribute attribute, int value)
{
	struct function *func;
	CUresult result = enter(handle, &func);

	if (result)
		return result;
	result = func_set_attribute(func, attribute, value);
	pthread_mutex_unlock(&func->session->lock);
	return result;
}

EXPORT CUresult cuFuncSetCacheConfig(CUfunction handle, CUfunc_cache config)
{
	struct function *func;
	CUresult result = enter(handle, &func);

	if (result)
		return result;
	pthread_mutex_unlock(&func->session->lock);
	return (unsigned int)config > CU_FUNC_CACHE_PREFER_EQUAL ? CUDA_ERROR_INVALID_VALUE
								 : CUDA_SUCCESS;
}

EXPORT CUresult cuFuncSetSharedMemConfig(CUfunction handle, CUsharedconfig config)
{
	struct function *func;
	CUresult result = enter(handle, &func);

	if (result)
		return result;
	pthread_mutex_unlock(&func->session->lock);
	return (unsigned int)config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE
		       ? CUDA_ERROR_INVALID_VALUE
		       : CUDA_SUCCESS;
}

EXPORT CUresult cuFuncGetModule(CUmodule *module, CUfunction handle)
{
	struct function *func;
	CUresult result;

	if (!module)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter(handle, &func);
	if (result)
		return result;
	*module = func->module->handle;
	pthread_mutex_unlock(&func->session->lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncGetName(const char **name, CUfunction handle)
{
	struct function *func;
	CUresult result;

	if (!name)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter(handle, &func);
	if (result)
		return result;
	*name = func->name;
	pthread_mutex_unlock(&func->session->lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncGetParamInfo(CUfunction handle, size_t index, size_t *offset, size_t *size)
{
	struct function *func;
	CUresult result;

	if (!offset)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter(handle, &func);
	if (result)
		return result;
	if (index < func->info->num_params) {
		*offset = func->info->params[index].offset;
		if (size)
			*size = func->info->params[index].size;
	} else {
		result = CUDA_ERROR_INVALID_VALUE;
	}
	pthread_mutex_unlock(&func->session->lock);
	return result;
}

EXPORT CUresult cuFuncIsLoaded(CUfunctionLoadingState *state, CUfunction handle)
{
	struct function *func;
	CUresult result;

	if (!state)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter(handle, &func);
	if (result)
		return result;
	*state = CU_FUNCTION_LOADING_STATE_LOADED;
	pthread_mutex_unlock(&func->session->lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncLoad(CUfunction handle)
{
	struct function *func;
	CUresult result = enter(handle, &func);

	if (!result)
		pthread_mutex_unlock(&func->session->lock);
	return result;
}
