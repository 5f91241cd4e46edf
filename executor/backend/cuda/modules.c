// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Modules: images from guests, for the driver to compile and link. What they take of device memory comes out of the
 * session's reserve, before it is taken.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../log.h"
#include "../cubin.h"
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

/**
 * struct code - machine code that is to be loaded
 * @bytes: of it
 * @len: of @bytes
 * @own: @bytes is to be freed
 * @logged: the linker has written the log
 */
struct code {
	const void *bytes;
	size_t len;
	bool own;
	bool logged;
};

/* What was compiled when the session's reserve had no room for it. */
static struct {
	char *image;
	size_t image_len;
	uint32_t kind;
	struct code code;
	char *log;
	size_t log_len;
} waiting;

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

static void drop_code(struct code *code)
{
	if (code->own)
		free((void *)code->bytes);
	memset(code, 0, sizeof(*code));
}

/* The driver's own copy goes with the linker. */
static CUresult finish_link(CUlinkState state, struct code *code)
{
	CUresult result;
	void *cubin, *copy;
	size_t len;

	result = cu.cuLinkComplete(state, &cubin, &len);
	if (result)
		return result;
	copy = malloc(len);
	if (!copy)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memcpy(copy, cubin, len);
	*code = (struct code) { .bytes = copy, .len = len, .own = true, .logged = true };
	return CUDA_SUCCESS;
}

static CUresult link_inputs(const void *image, size_t len, struct jit *jit, struct code *code)
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
		result = finish_link(state, code);
	cu.cuLinkDestroy(state);
	return result;
}

static CUresult compile_text(const void *text, size_t len, struct jit *jit, struct code *code)
{
	CUlinkState state;
	CUresult result;

	result = cu.cuLinkCreate_v2(jit->num, jit->options, jit->values, &state);
	if (result)
		return result;
	/* With the NUL behind it. */
	result = cu.cuLinkAddData_v2(state, CU_JIT_INPUT_PTX, (void *)text, strnlen(text, len) + 1, "module", 0, NULL, NULL);
	if (!result)
		result = finish_link(state, code);
	cu.cuLinkDestroy(state);
	return result;
}

static CUresult choose(const void *fatbin, size_t len, struct jit *jit, struct code *code)
{
	size_t chosen_len;
	CUresult result;
	void *chosen;

	result = cuda_choose_image(fatbin, len, &chosen, &chosen_len);
	if (result)
		return result;
	if (image_type(chosen, chosen_len) == IMAGE_CUBIN) {
		*code = (struct code) { .bytes = chosen, .len = chosen_len, .own = true };
		return CUDA_SUCCESS;
	}
	result = compile_text(chosen, chosen_len, jit, code);
	free(chosen);
	return result;
}

/* Whatever it was, it is machine code before it is loaded: only of that it is known what it takes. */
static CUresult compile(const void *image, const struct vgpu_op_module *op, struct jit *jit, struct code *code)
{
	if (op->kind == VGPU_IMAGE_LINK)
		return link_inputs(image, op->image_len, jit, code);
	switch (image_type(image, op->image_len)) {
	case IMAGE_FATBIN:
		return choose(image, op->image_len, jit, code);
	case IMAGE_TEXT:
		return compile_text(image, op->image_len, jit, code);
	case IMAGE_CUBIN:
		*code = (struct code) { .bytes = image, .len = op->image_len };
		return CUDA_SUCCESS;
	default:
		return CUDA_ERROR_INVALID_IMAGE;
	}
}

/* A kernel calls vprintf() or malloc() by that name, in the symbol table of its machine code. */
static bool mentions(const struct code *code, const char *name)
{
	return memmem(code->bytes, code->len, name, strlen(name));
}

/* What is no ELF file comes from a library in the driver's place, which counts by itself. */
static CUresult memory_of(const struct code *code, uint64_t *memory)
{
	*memory = code->len;
	if (image_type(code->bytes, code->len) == IMAGE_CUBIN && cubin_memory(code->bytes, code->len, memory))
		return CUDA_ERROR_INVALID_IMAGE;
	*memory = cuda_module_share(*memory);
	return CUDA_SUCCESS;
}

/* A driver that does not tell parameters of kernels has them read from machine code, which is kept with the module. */
static CUresult keep_cubin(struct cuda_module *module, const struct code *code)
{
	if (cu.cuFuncGetParamInfo)
		return CUDA_SUCCESS;
	module->cubin = malloc(code->len);
	if (!module->cubin)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memcpy(module->cubin, code->bytes, code->len);
	module->cubin_len = code->len;
	return CUDA_SUCCESS;
}

static void drop(struct cuda_module *module)
{
	uint64_t *all = &cuda.contexts[module->ctx].beside[BESIDE_MODULES];

	cuda_take(module->ctx, BESIDE_MODULES, *all - module->memory);
	free(module->cubin);
	memset(module, 0, sizeof(*module));
}

static CUresult load(const struct code *code, struct jit *jit, uint32_t ctx, struct cuda_module *module)
{
	uint64_t memory;
	CUresult result;

	result = memory_of(code, &memory);
	if (result)
		return result;
	if (!cuda_take_used(ctx, mentions(code, "malloc")) ||
	    !cuda_take(ctx, BESIDE_MODULES, cuda.contexts[ctx].beside[BESIDE_MODULES] + memory))
		return CUDA_ERROR_OUT_OF_MEMORY;
	*module = (struct cuda_module) { .ctx = ctx, .memory = memory };
	result = keep_cubin(module, code);
	if (!result && code->logged)
		result = cu.cuModuleLoadDataEx(&module->module, code->bytes, 0, NULL, NULL);
	else if (!result)
		result = cu.cuModuleLoadDataEx(&module->module, code->bytes, jit->num, jit->options, jit->values);
	if (result)
		drop(module);
	return result;
}

static void forget_waiting(void)
{
	free(waiting.image);
	free(waiting.log);
	drop_code(&waiting.code);
	memset(&waiting, 0, sizeof(waiting));
}

/*
 * The guest comes again with the same image when it has made its reserve larger: it is not compiled twice. Where it can make
 * none, what it has for a log is why.
 */
static size_t keep_waiting(const char *image, const struct vgpu_op_module *op, struct jit *jit, size_t log_len,
			   struct code *code)
{
	uint64_t memory = 0;
	int len;

	if (code->own) {
		waiting.image = malloc(op->image_len);
		waiting.log = malloc(log_len + 1);
	}
	if (waiting.image && waiting.log) {
		memcpy(waiting.image, image, op->image_len);
		if (log_len)
			memcpy(waiting.log, jit->log, log_len);
		waiting.image_len = op->image_len;
		waiting.kind = op->kind;
		waiting.log_len = log_len;
		waiting.code = *code;
	} else {
		forget_waiting();
	}
	memory_of(code, &memory);
	if (waiting.image)
		memset(code, 0, sizeof(*code));
	if (!jit->size)
		return log_len;
	len = snprintf(jit->log, jit->size,
		       "error   : the module takes %llu KiB of device memory, which the virtual GPU has not left\n",
		       (unsigned long long)(memory >> 10) + 1);
	return (size_t)len < jit->size ? (size_t)len : jit->size - 1;
}

static bool take_waiting(const char *image, const struct vgpu_op_module *op, struct jit *jit, size_t *log_len,
			 struct code *code)
{
	bool same = waiting.image && waiting.kind == op->kind && waiting.image_len == op->image_len &&
		    !memcmp(waiting.image, image, op->image_len);

	if (same) {
		*log_len = waiting.log_len < jit->size ? waiting.log_len : jit->size;
		if (*log_len)
			memcpy(jit->log, waiting.log, *log_len);
		*code = waiting.code;
		memset(&waiting.code, 0, sizeof(waiting.code));
	}
	forget_waiting();
	return same;
}

static CUresult load_private(uint32_t ctx, const char *image, const struct vgpu_op_module *op, struct jit *jit,
			     uint64_t *value)
{
	struct cuda_module *module = &cuda.modules[op->module];
	CUresult result = CUDA_SUCCESS;
	struct code code = { 0 };
	size_t log_len = 0;

	if (module->module)
		return CUDA_ERROR_INVALID_VALUE;
	if (!take_waiting(image, op, jit, &log_len, &code)) {
		open_log(jit);
		result = compile(image, op, jit, &code);
	}
	if (!result)
		result = load(&code, jit, ctx, module);
	if (jit->num)
		log_len = close_log(jit);
	*value = log_len;
	if (!result && mentions(&code, "vprintf"))
		*value |= VGPU_MODULE_USES_PRINTF;
	if (result == CUDA_ERROR_OUT_OF_MEMORY && cuda_is_lacking())
		*value = keep_waiting(image, op, jit, log_len, &code);
	drop_code(&code);
	return result;
}

/**
 * cuda_module_load() - VGPU_OP_MODULE_LOAD
 * @ctx: number of the context, which is current
 * @op: image, log and number
 * @value: set to the length of the log, and VGPU_MODULE_USES_PRINTF
 *
 * Return: CUresult; CUDA_ERROR_OUT_OF_MEMORY where the reserve has no room. Context: the control thread.
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
	/* One that lacks reserve comes again. */
	if (result && !cuda_is_lacking())
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
