// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Objects of a session: contexts, modules, functions.
 */

#include <stdlib.h>
#include <string.h>

#include "../../log.h"
#include "soft.h"
#include "soft_image.h"

/* CUlimit */
#define LIMIT_STACK_SIZE	0
#define LIMIT_PRINTF_FIFO_SIZE	1
#define LIMIT_MALLOC_HEAP_SIZE	2
#define LIMIT_L2_GRANULARITY	5

/* CUfunction_attribute */
#define FUNC_MAX_DYNAMIC_SHARED	8
#define FUNC_SHARED_CARVEOUT	9

/**
 * soft_session_init() - VGPU_OP_SESSION_INIT
 * @init: where to write
 *
 * Return: CUresult.
 */
uint32_t soft_session_init(const struct vgpu_op_init *init)
{
	const struct backend_session *session = soft.session;
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
		return PTX_ERROR_INVALID_VALUE;
	memcpy(out, &info, sizeof(info));
	return PTX_SUCCESS;
}

/**
 * soft_ctx_create() - VGPU_OP_CTX_CREATE
 * @ctx: number
 *
 * Return: CUresult.
 */
uint32_t soft_ctx_create(uint32_t ctx)
{
	uint32_t result = PTX_ERROR_INVALID_VALUE;

	pthread_mutex_lock(&soft.tables);
	if (ctx < VGPU_MAX_CONTEXTS && !soft.contexts[ctx]) {
		soft.contexts[ctx] = true;
		result = PTX_SUCCESS;
	}
	pthread_mutex_unlock(&soft.tables);
	return result;
}

/* Takes a module out of the tables, with its functions. */
static struct ptx_module *forget_module(uint32_t number)
{
	struct ptx_module *module = soft.modules[number].module;
	uint32_t i;

	soft.modules[number].module = NULL;
	for (i = 0; module && i < VGPU_MAX_FUNCTIONS; i++) {
		if (soft.funcs[i].func && soft.funcs[i].module == number)
			memset(&soft.funcs[i], 0, sizeof(soft.funcs[i]));
	}
	return module;
}

/**
 * soft_ctx_destroy() - VGPU_OP_CTX_DESTROY: the context's modules end with it
 * @ctx: number
 *
 * Return: CUresult. Context: nothing is executed.
 */
uint32_t soft_ctx_destroy(uint32_t ctx)
{
	struct ptx_module *module;
	uint32_t i;

	if (ctx >= VGPU_MAX_CONTEXTS || !soft.contexts[ctx])
		return SOFT_ERROR_INVALID_CONTEXT;
	for (i = 0; i < VGPU_MAX_MODULES; i++) {
		if (!soft.modules[i].module || soft.modules[i].ctx != ctx)
			continue;
		pthread_mutex_lock(&soft.tables);
		module = forget_module(i);
		pthread_mutex_unlock(&soft.tables);
		ptx_module_unload(module);
	}
	soft.contexts[ctx] = false;
	return PTX_SUCCESS;
}

/**
 * soft_ctx_limit() - VGPU_OP_CTX_LIMIT
 * @limit: which, and to what
 *
 * Return: CUresult.
 */
uint32_t soft_ctx_limit(const struct vgpu_op_limit *limit)
{
	switch (limit->limit) {
	case LIMIT_STACK_SIZE:
		return (uint32_t)ptx_env_set_stack(soft.env, limit->value);
	case LIMIT_PRINTF_FIFO_SIZE:
		return soft_print_resize(limit->value);
	case LIMIT_MALLOC_HEAP_SIZE:
		if (limit->value > soft.session->memory)
			return PTX_ERROR_INVALID_VALUE;
		return (uint32_t)ptx_env_set_heap(soft.env, limit->value);
	case LIMIT_L2_GRANULARITY:
		/* A hint: nothing follows from it here. */
		return limit->value <= 128 ? PTX_SUCCESS : PTX_ERROR_INVALID_VALUE;
	default:
		return SOFT_ERROR_UNSUPPORTED_LIMIT;
	}
}

static uint32_t load(const void *image, const struct vgpu_op_module *op, struct soft_log *log,
		     struct ptx_module **module)
{
	const struct soft_va_ops va = {
		.alloc = soft_heap_alloc,
		.free = soft_heap_free,
		.ctx = soft.heap,
	};
	struct soft_inputs inputs = { 0 };
	struct ptx_log ptx_log = { 0 };
	uint32_t result;

	result = (uint32_t)soft_image_inputs(image, op->image_len, op->kind, &inputs, log);
	if (!result) {
		if (log->size > log->used) {
			ptx_log.buf = log->text + log->used;
			ptx_log.size = log->size - log->used;
		}
		result = (uint32_t)ptx_module_load(module, soft.mem, &va, inputs.inputs, inputs.num, &ptx_log);
		log->used += ptx_log.used;
	}
	soft_inputs_free(&inputs);
	return result;
}

static uint32_t load_private(uint32_t ctx, const void *image, const struct vgpu_op_module *op, struct soft_log *log,
			     uint64_t *value)
{
	struct ptx_module *module = NULL;
	uint32_t result;

	pthread_mutex_lock(&soft.tables);
	result = soft.modules[op->module].module ? PTX_ERROR_INVALID_VALUE : PTX_SUCCESS;
	pthread_mutex_unlock(&soft.tables);
	if (result) {
		soft_log_add(log, "error   : module number %u is in use\n", op->module);
		return result;
	}
	result = load(image, op, log, &module);
	if (!result && ptx_module_uses_malloc(module)) {
		result = (uint32_t)ptx_env_start_heap(soft.env);
		if (result) {
			soft_log_add(log, "error   : no device memory for the heap of malloc\n");
			ptx_module_unload(module);
		}
	}
	if (result)
		return result;
	pthread_mutex_lock(&soft.tables);
	soft.modules[op->module].module = module;
	soft.modules[op->module].ctx = ctx;
	pthread_mutex_unlock(&soft.tables);
	if (ptx_module_uses_printf(module))
		*value |= VGPU_MODULE_USES_PRINTF;
	return PTX_SUCCESS;
}

/**
 * soft_module_load() - VGPU_OP_MODULE_LOAD
 * @ctx: CUDA context to which the module will belong
 * @op: image, log and number
 * @value: set to the length of the log, and VGPU_MODULE_USES_PRINTF
 *
 * Return: CUresult.
 */
uint32_t soft_module_load(uint32_t ctx, const struct vgpu_op_module *op, uint64_t *value)
{
	const void *from = soft.session->aperture(op->image, op->image_len);
	struct soft_log log = { 0 };
	char *image = NULL;
	uint32_t result;
	void *out = NULL;

	if (!from || op->module >= VGPU_MAX_MODULES || op->image_len > VGPU_MAX_IMAGE || op->log_len > VGPU_MAX_LOG)
		return PTX_ERROR_INVALID_VALUE;
	if (op->log_len) {
		out = soft.session->aperture(op->log, op->log_len);
		if (!out)
			return PTX_ERROR_INVALID_VALUE;
		log.text = calloc(1, op->log_len);
		log.size = op->log_len;
	}
	image = malloc(op->image_len + 1);
	if (!image || (out && !log.text)) {
		result = PTX_ERROR_OUT_OF_MEMORY;
	} else {
		memcpy(image, from, op->image_len);
		image[op->image_len] = '\0';
		result = load_private(ctx, image, op, &log, value);
	}
	free(image);
	if (log.text) {
		if (log.used > log.size)
			log.used = log.size;
		memcpy(out, log.text, log.used);
		if (log.used < log.size)
			((char *)out)[log.used] = '\0';
		*value |= log.used;
		/* For want of memory: the guest may just not have reserved it yet. */
		if (result == PTX_ERROR_OUT_OF_MEMORY)
			log_debug("module not loaded: %s", log.text);
		else if (result)
			log_warning("module not loaded: %s", log.text);
		free(log.text);
	} else if (result) {
		log_warning("module not loaded: %s", ptx_result_name((int)result));
	}
	return result;
}

/**
 * soft_module_unload() - VGPU_OP_MODULE_UNLOAD
 * @number: of the module
 *
 * Return: CUresult. Context: nothing is executed.
 */
uint32_t soft_module_unload(uint32_t number)
{
	struct ptx_module *module;

	if (number >= VGPU_MAX_MODULES)
		return PTX_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&soft.tables);
	module = forget_module(number);
	pthread_mutex_unlock(&soft.tables);
	if (!module)
		return SOFT_ERROR_INVALID_HANDLE;
	ptx_module_unload(module);
	return PTX_SUCCESS;
}

/* Private copy of a name, and the module; the module is the control thread's to unload, which is the caller. */
static uint32_t find_named(const struct vgpu_op_get *get, char name[VGPU_MAX_NAME + 1], struct ptx_module **module)
{
	const void *from;

	if (get->module >= VGPU_MAX_MODULES || get->id >= VGPU_MAX_FUNCTIONS || get->name_len > VGPU_MAX_NAME)
		return PTX_ERROR_INVALID_VALUE;
	from = soft.session->aperture(get->name, get->name_len);
	if (!from)
		return PTX_ERROR_INVALID_VALUE;
	memcpy(name, from, get->name_len);
	name[get->name_len] = '\0';
	pthread_mutex_lock(&soft.tables);
	*module = soft.modules[get->module].module;
	pthread_mutex_unlock(&soft.tables);
	return *module ? PTX_SUCCESS : SOFT_ERROR_INVALID_HANDLE;
}

static void describe(const struct ptx_function_info *info, uint32_t max_dynamic, char *out, uint32_t out_len)
{
	struct vgpu_func_info head = {
		.max_threads = info->max_threads,
		.shared_size = info->shared_size,
		.const_size = info->const_size,
		.local_size = info->local_size,
		.num_regs = info->num_regs,
		.ptx_version = info->ptx_version,
		.binary_version = info->binary_version,
		.max_dynamic_shared = max_dynamic,
		.params_size = info->params_size,
		.num_params = info->num_params,
		.required_block = { info->required_block[0], info->required_block[1], info->required_block[2] },
	};
	uint32_t fits = (out_len - (uint32_t)sizeof(head)) / (uint32_t)sizeof(head.params[0]);
	uint32_t num = info->num_params < fits ? info->num_params : fits;
	uint32_t i, pair[2];

	memcpy(out, &head, sizeof(head));
	out += sizeof(head);
	for (i = 0; i < num; i++, out += sizeof(pair)) {
		pair[0] = info->params[i].offset;
		pair[1] = info->params[i].size;
		memcpy(out, pair, sizeof(pair));
	}
}

/**
 * soft_func_get() - VGPU_OP_FUNC_GET
 * @get: names the kernel and gives it a number
 *
 * Return: CUresult. Context: the control thread.
 */
uint32_t soft_func_get(const struct vgpu_op_get *get)
{
	const struct ptx_function_info *info;
	const struct ptx_function *func;
	char name[VGPU_MAX_NAME + 1];
	struct ptx_module *module;
	uint32_t result, max_dynamic;
	void *out;

	out = soft.session->aperture(get->out, get->out_len);
	if (!out || get->out_len < sizeof(struct vgpu_func_info))
		return PTX_ERROR_INVALID_VALUE;
	result = find_named(get, name, &module);
	if (result)
		return result;
	func = ptx_module_function(module, name);
	if (!func)
		return PTX_ERROR_NOT_FOUND;
	info = ptx_function_info(func);
	max_dynamic = info->shared_size < SOFT_SHARED_DEFAULT ? SOFT_SHARED_DEFAULT - info->shared_size : 0;
	pthread_mutex_lock(&soft.tables);
	soft.funcs[get->id].func = func;
	soft.funcs[get->id].module = get->module;
	soft.funcs[get->id].max_dynamic = max_dynamic;
	pthread_mutex_unlock(&soft.tables);
	describe(info, max_dynamic, out, get->out_len);
	return PTX_SUCCESS;
}

/**
 * soft_global_get() - VGPU_OP_GLOBAL_GET
 * @get: names the variable
 *
 * Return: CUresult. Context: the control thread.
 */
uint32_t soft_global_get(const struct vgpu_op_get *get)
{
	char name[VGPU_MAX_NAME + 1];
	struct vgpu_global_info info;
	struct ptx_module *module;
	uint64_t addr, size;
	uint32_t result;
	void *out;

	out = soft.session->aperture(get->out, get->out_len);
	if (!out || get->out_len < sizeof(info))
		return PTX_ERROR_INVALID_VALUE;
	result = find_named(get, name, &module);
	if (result)
		return result;
	result = (uint32_t)ptx_module_global(module, name, &addr, &size);
	if (result)
		return result;
	info.addr = addr;
	info.size = size;
	memcpy(out, &info, sizeof(info));
	return PTX_SUCCESS;
}

/**
 * soft_func_set() - VGPU_OP_FUNC_SET
 * @attr: function, attribute, value
 *
 * Return: CUresult.
 */
uint32_t soft_func_set(const struct vgpu_op_attr *attr)
{
	uint32_t result = PTX_ERROR_INVALID_VALUE;
	struct soft_func *func;
	uint32_t most;

	if (attr->func >= VGPU_MAX_FUNCTIONS)
		return PTX_ERROR_INVALID_VALUE;
	pthread_mutex_lock(&soft.tables);
	func = &soft.funcs[attr->func];
	if (!func->func) {
		result = SOFT_ERROR_INVALID_HANDLE;
	} else if (attr->attr == FUNC_MAX_DYNAMIC_SHARED) {
		most = PTX_MAX_SHARED - ptx_function_info(func->func)->shared_size;
		if (attr->value >= 0 && (uint32_t)attr->value <= most) {
			func->max_dynamic = (uint32_t)attr->value;
			result = PTX_SUCCESS;
		}
	} else if (attr->attr == FUNC_SHARED_CARVEOUT) {
		/* A hint: shared memory and cache are not one here. */
		result = attr->value >= -1 && attr->value <= 100 ? PTX_SUCCESS : PTX_ERROR_INVALID_VALUE;
	}
	pthread_mutex_unlock(&soft.tables);
	return result;
}

/**
 * soft_texture_create() - VGPU_OP_TEXTURE_CREATE
 * @op: as vetted
 * @value: set to the handle
 *
 * Return: CUresult. Context: the control thread.
 */
uint32_t soft_texture_create(const struct vgpu_op_texture *op, uint64_t *value)
{
	struct ptx_texture texture = {
		.addr = op->addr,
		.width = op->width,
		.height = op->height,
		.depth = op->depth,
		.pitch = op->pitch,
		.kind = op->kind,
		.format = op->format,
		.channels = op->channels,
		.address = { op->address & 3, op->address >> 2 & 3, op->address >> 4 & 3 },
		.filter = op->flags & VGPU_TEXTURE_F_LINEAR,
		.normalized = op->flags & VGPU_TEXTURE_F_NORMALIZED,
		.integer = op->flags & VGPU_TEXTURE_F_INTEGER,
	};

	if (!op->width || (op->kind != VGPU_TEXTURE_LINEAR && (!op->height || !op->depth)) || !op->channels || op->channels > 4)
		return PTX_ERROR_INVALID_VALUE;
	memcpy(texture.border, op->border, sizeof(texture.border));
	return (uint32_t)ptx_env_set_texture(soft.env, op->texture, &texture, value);
}

/**
 * soft_texture_destroy() - VGPU_OP_TEXTURE_DESTROY
 * @number: of the texture
 *
 * Return: CUresult. Context: nothing is executed.
 */
uint32_t soft_texture_destroy(uint32_t number)
{
	return ptx_env_set_texture(soft.env, number, NULL, NULL) ? SOFT_ERROR_INVALID_HANDLE : PTX_SUCCESS;
}
