// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Functions and variables of the session.
 */

#include <stdlib.h>
#include <string.h>

#include "../cubin.h"
#include "cuda.h"

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

/*
 * Parameters of a kernel: of the driver one after the other, until it knows no more; of drivers before 12.4 from the
 * machine code.
 */
static uint32_t read_params(const struct cuda_module *module, CUfunction function, const char *name,
			    uint32_t pairs[][2], uint32_t most)
{
	size_t offset, size;
	uint32_t num = 0;

	if (!cu.cuFuncGetParamInfo)
		return cubin_params(module->cubin, module->cubin_len, name, pairs, most);
	while (num < most && !cu.cuFuncGetParamInfo(function, num, &offset, &size)) {
		pairs[num][0] = (uint32_t)offset;
		pairs[num][1] = (uint32_t)size;
		num++;
	}
	return num;
}

/**
 * cuda_func_get() - VGPU_OP_FUNC_GET
 * @get: names the kernel and gives it a number
 *
 * Its local memory comes out of the session's reserve: it is taken when it is launched, which waits for no answer.
 *
 * Return: CUresult; CUDA_ERROR_OUT_OF_MEMORY where the reserve has no room. Context: the control thread; the module's
 * context is current.
 */
CUresult cuda_func_get(const struct vgpu_op_get *get)
{
	static uint32_t pairs[VGPU_MAX_ARGS][2];
	char *out = cuda.session->aperture(get->out, get->out_len);
	struct vgpu_func_info info = { 0 };
	char name[VGPU_MAX_NAME + 1];
	CUfunction function;
	CUmodule module;
	CUresult result;
	uint32_t fits, i;

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
	if (!cuda_take_local(cuda.modules[get->module].ctx, info.local_size))
		return CUDA_ERROR_OUT_OF_MEMORY;
	info.num_regs = attribute(function, CU_FUNC_ATTRIBUTE_NUM_REGS);
	info.ptx_version = attribute(function, CU_FUNC_ATTRIBUTE_PTX_VERSION);
	info.binary_version = attribute(function, CU_FUNC_ATTRIBUTE_BINARY_VERSION);
	info.max_dynamic_shared = attribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
	info.num_params = read_params(&cuda.modules[get->module], function, name, pairs, VGPU_MAX_ARGS);
	for (i = 0; i < info.num_params; i++)
		if (pairs[i][0] + pairs[i][1] > info.params_size)
			info.params_size = pairs[i][0] + pairs[i][1];
	pthread_mutex_lock(&cuda.lock);
	cuda.functions[get->id] = (struct cuda_function) { .function = function, .module = get->module };
	pthread_mutex_unlock(&cuda.lock);
	fits = (get->out_len - (uint32_t)sizeof(info)) / (uint32_t)sizeof(pairs[0]);
	memcpy(out, &info, sizeof(info));
	memcpy(out + sizeof(info), pairs, sizeof(pairs[0]) * (info.num_params < fits ? info.num_params : fits));
	return CUDA_SUCCESS;
}

/**
 * cuda_func_set() - VGPU_OP_FUNC_SET
 * @attr: function, attribute, value
 *
 * Return: CUresult. Context: the control thread.
 */
CUresult cuda_func_set(const struct vgpu_op_attr *attr)
{
	CUfunction function;

	if (attr->func >= VGPU_MAX_FUNCTIONS)
		return CUDA_ERROR_INVALID_VALUE;
	function = cuda.functions[attr->func].function;
	if (!function)
		return CUDA_ERROR_INVALID_HANDLE;
	return cu.cuFuncSetAttribute(function, (CUfunction_attribute)attr->attr, attr->value);
}

/**
 * cuda_global_get() - VGPU_OP_GLOBAL_GET
 * @get: names the variable
 *
 * Return: CUresult. Context: the control thread.
 */
CUresult cuda_global_get(const struct vgpu_op_get *get)
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
		memset(function, 0, sizeof(*function));
	}
	pthread_mutex_unlock(&cuda.lock);
}
