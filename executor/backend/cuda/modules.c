// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Modules: images from guests, for the driver to compile and link.
 */

#include <stdlib.h>
#include <string.h>

#include "../../log.h"
#include "../image.h"
#include "cuda.h"

/**
 * struct jit - a driver's compilation, with its log
 * @options: for the driver
 * @values: of @options
 * @num: of them
 * @log: text, errors and what else there is to say; NULL where the guest wants none
 * @size: bytes of @log
 */
struct jit {
	CUjit_option options[4];
	void *values[4];
	unsigned int num;
	char *log;
	size_t size;
};

static void *as_value(size_t number)
{
	return (void *)(uintptr_t)number;
}

/* The first half of the log is for errors, the second for information; close_log() puts them together. */
static void open_log(struct jit *jit)
{
	size_t half = jit->size / 2;

	if (half < 2)
		return;
	jit->options[0] = CU_JIT_ERROR_LOG_BUFFER;
	jit->values[0] = jit->log;
	jit->options[1] = CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES;
	jit->values[1] = as_value(half);
	jit->options[2] = CU_JIT_INFO_LOG_BUFFER;
	jit->values[2] = jit->log + half;
	jit->options[3] = CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES;
	jit->values[3] = as_value(jit->size - half);
	jit->num = 4;
}

static size_t close_log(struct jit *jit)
{
	size_t half = jit->size / 2, errors, info;

	if (!jit->num)
		return 0;
	errors = strnlen(jit->log, half);
	info = strnlen(jit->log + half, jit->size - half);
	memmove(jit->log + errors, jit->log + half, info);
	if (errors + info < jit->size)
		jit->log[errors + info] = '\0';
	return errors + info;
}

/* A driver that does not tell parameters of kernels has them read from machine code, which is kept with the module. */
static bool wants_cubin(void)
{
	return !cu.cuFuncGetParamInfo;
}

static CUresult keep_cubin(struct cuda_module *module, const void *cubin, size_t len)
{
	if (!wants_cubin())
		return CUDA_SUCCESS;
	module->cubin = malloc(len);
	if (!module->cubin)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memcpy(module->cubin, cubin, len);
	module->cubin_len = len;
	return CUDA_SUCCESS;
}

/* Loads what a linker has been given. */
static CUresult load_linked(CUlinkState state, struct cuda_module *module)
{
	CUresult result;
	void *cubin;
	size_t size;

	result = cu.cuLinkComplete(state, &cubin, &size);
	if (!result)
		result = keep_cubin(module, cubin, size);
	if (!result)
		result = cu.cuModuleLoadDataEx(&module->module, cubin, 0, NULL, NULL);
	return result;
}

static CUresult link_inputs(const void *image, size_t len, struct jit *jit, struct cuda_module *module)
{
	struct link_input input;
	CUlinkState state;
	size_t pos = 0;
	CUresult result;
	int more;

	result = cu.cuLinkCreate_v2(jit->num, jit->options, jit->values, &state);
	if (result)
		return result;
	while (!result && (more = link_next(image, len, &pos, &input)) > 0)
		result = cu.cuLinkAddData_v2(state, (CUjitInputType)input.type, (void *)input.data, input.len,
					     input.name, 0, NULL, NULL);
	if (!result && more < 0)
		result = CUDA_ERROR_INVALID_IMAGE;
	if (!result)
		result = load_linked(state, module);
	cu.cuLinkDestroy(state);
	return result;
}

static CUresult compile_text(const void *text, size_t len, struct jit *jit, struct cuda_module *module)
{
	CUlinkState state;
	CUresult result;

	result = cu.cuLinkCreate_v2(jit->num, jit->options, jit->values, &state);
	if (result)
		return result;
	/* With the NUL behind it. */
	result = cu.cuLinkAddData_v2(state, CU_JIT_INPUT_PTX, (void *)text, strnlen(text, len) + 1, "module", 0, NULL, NULL);
	if (!result)
		result = load_linked(state, module);
	cu.cuLinkDestroy(state);
	return result;
}

/*
 * Whether kernels may print. Packed images hide it: those may. A kernel that prints calls vprintf, by that name
 * in PTX and in the symbol table of a cubin.
 */
static bool may_print(const void *image, size_t len)
{
	enum image_type type = image_type(image, len);

	return type == IMAGE_FATBIN || memmem(image, len, "vprintf", strlen("vprintf"));
}

static CUresult load_one(const void *image, size_t len, struct jit *jit, struct cuda_module *module)
{
	CUresult result;

	if (wants_cubin() && image_type(image, len) == IMAGE_TEXT)
		return compile_text(image, len, jit, module);
	result = cu.cuModuleLoadDataEx(&module->module, image, jit->num, jit->options, jit->values);
	if (!result)
		result = keep_cubin(module, image, len);
	return result;
}

/* The driver would choose by itself, but then nothing would be known of the kernels' parameters. */
static CUresult load_chosen(const void *fatbin, size_t len, struct jit *jit, struct cuda_module *module)
{
	size_t chosen_len;
	CUresult result;
	void *chosen;

	result = cuda_choose_image(fatbin, len, &chosen, &chosen_len);
	if (result)
		return result;
	result = load_one(chosen, chosen_len, jit, module);
	free(chosen);
	return result;
}

static CUresult load(const void *image, const struct vgpu_op_module *op, struct jit *jit, struct cuda_module *module)
{
	if (op->kind == VGPU_IMAGE_LINK)
		return link_inputs(image, op->image_len, jit, module);
	/* The driver reads as far as headers say: they are checked first, they are the guest's. */
	switch (image_type(image, op->image_len)) {
	case IMAGE_FATBIN:
		if (wants_cubin())
			return load_chosen(image, op->image_len, jit, module);
		/* fallthrough */
	case IMAGE_TEXT:
	case IMAGE_CUBIN:
		return load_one(image, op->image_len, jit, module);
	default:
		return CUDA_ERROR_INVALID_IMAGE;
	}
}

static void drop(struct cuda_module *module)
{
	free(module->cubin);
	memset(module, 0, sizeof(*module));
}

static CUresult load_private(uint32_t ctx, const void *image, const struct vgpu_op_module *op, struct jit *jit,
			     uint64_t *value)
{
	struct cuda_module *module = &cuda.modules[op->module];
	CUresult result;

	if (module->module)
		return CUDA_ERROR_INVALID_VALUE;
	open_log(jit);
	result = load(image, op, jit, module);
	*value = close_log(jit);
	if (result) {
		if (module->module)
			cu.cuModuleUnload(module->module);
		drop(module);
		return result;
	}
	if (may_print(image, op->image_len))
		*value |= VGPU_MODULE_USES_PRINTF;
	module->ctx = ctx;
	return CUDA_SUCCESS;
}

/**
 * cuda_module_load() - VGPU_OP_MODULE_LOAD
 * @ctx: number of the context, which is current
 * @op: image, log and number
 * @value: set to the length of the log, and VGPU_MODULE_USES_PRINTF
 *
 * Return: CUresult. Context: the control thread.
 */
CUresult cuda_module_load(uint32_t ctx, const struct vgpu_op_module *op, uint64_t *value)
{
	const void *from = cuda.session->aperture(op->image, op->image_len);
	CUresult result = CUDA_ERROR_OUT_OF_MEMORY;
	struct jit jit = { 0 };
	void *out = NULL;
	char *image;

	if (!from || op->module >= VGPU_MAX_MODULES || op->image_len > VGPU_MAX_IMAGE || op->log_len > VGPU_MAX_LOG)
		return CUDA_ERROR_INVALID_VALUE;
	if (op->log_len) {
		out = cuda.session->aperture(op->log, op->log_len);
		if (!out)
			return CUDA_ERROR_INVALID_VALUE;
		jit.log = calloc(1, op->log_len + 1);
		jit.size = op->log_len;
	}
	/* Zeroes behind, because text ends at a NUL and the driver has no other length. */
	image = calloc(1, op->image_len + sizeof(uint64_t));
	if (image && (jit.log || !out)) {
		memcpy(image, from, op->image_len);
		result = load_private(ctx, image, op, &jit, value);
		if (jit.log)
			memcpy(out, jit.log, op->log_len);
	}
	if (result)
		log_warning("module not loaded: %s%s%.500s", cuda_error_name(result), jit.log ? ": " : "",
			    jit.log ? jit.log : "");
	free(image);
	free(jit.log);
	return result;
}

/**
 * cuda_module_unload() - VGPU_OP_MODULE_UNLOAD
 * @number: of the module
 *
 * Return: CUresult. Context: the control thread; the module's context is made current.
 */
CUresult cuda_module_unload(uint32_t number)
{
	struct cuda_module *module;
	CUresult result;

	if (number >= VGPU_MAX_MODULES || !cuda.modules[number].module)
		return CUDA_ERROR_INVALID_HANDLE;
	module = &cuda.modules[number];
	cuda_forget_functions(number);
	result = cuda_enter(module->ctx);
	if (!result)
		result = cu.cuModuleUnload(module->module);
	drop(module);
	return result;
}

/**
 * cuda_modules_of() - unload the modules of a context that ends
 * @ctx: its number
 *
 * Context: the control thread.
 */
void cuda_modules_of(uint32_t ctx)
{
	uint32_t i;

	for (i = 0; i < VGPU_MAX_MODULES; i++)
		if (cuda.modules[i].module && cuda.modules[i].ctx == ctx)
			cuda_module_unload(i);
}
