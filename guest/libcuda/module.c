// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "capture.h"
#include "error.h"
#include "handle.h"
#include "link.h"
#include "log.h"
#include "module.h"

#define LOG_SIZE 8192 /* asked for where the program gives no buffer */

static struct module *modules; /* of all sessions; guarded by modules_lock, which is taken last */
static pthread_mutex_t modules_lock = PTHREAD_MUTEX_INITIALIZER;

CUresult jit_parse(struct jit *jit, unsigned int count, CUjit_option *options, void **values)
{
	memset(jit, 0, sizeof(*jit));
	if (count && (!options || !values))
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned int i = 0; i < count; i++) {
		switch (options[i]) {
		case CU_JIT_INFO_LOG_BUFFER:
			jit->info_log = values[i];
			break;
		case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
			jit->info_size = (unsigned int)(uintptr_t)values[i];
			jit->info_written = &values[i];
			break;
		case CU_JIT_ERROR_LOG_BUFFER:
			jit->error_log = values[i];
			break;
		case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
			jit->error_size = (unsigned int)(uintptr_t)values[i];
			jit->error_written = &values[i];
			break;
		case CU_JIT_WALL_TIME:
			jit->wall_time = &values[i];
			break;
		default:
			/* The others tune a compiler that is the executor's. */
			if ((unsigned int)options[i] >= CU_JIT_NUM_OPTIONS)
				return CUDA_ERROR_INVALID_VALUE;
		}
	}
	if (!jit->info_log)
		jit->info_size = 0;
	if (!jit->error_log)
		jit->error_size = 0;
	return CUDA_SUCCESS;
}

/* Copies a log as far as it fits, with a NUL, and says how much was written. */
static void write_log(char *buffer, size_t size, void **written, const char *log, size_t len)
{
	if (size) {
		if (len > size - 1)
			len = size - 1;
		memcpy(buffer, log, len);
		buffer[len] = 0;
		len += len > 0;
	} else {
		len = 0;
	}
	if (written)
		*written = (void *)(uintptr_t)len;
}

static void report(struct jit *jit, CUresult result, const char *log, size_t len)
{
	while (len && (log[len - 1] == '\n' || !log[len - 1]))
		len--;
	write_log(jit->info_log, jit->info_size, jit->info_written, log, result ? 0 : len);
	write_log(jit->error_log, jit->error_size, jit->error_written, log, result ? len : 0);
	if (result && !jit->error_size && len)
		log_line("module: %s: %.*s", error_name(result), (int)len, log);
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static CUresult send(struct context *ctx, const struct image *image, struct jit *jit, uint32_t number)
{
	struct session *session = ctx->session;
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_MODULE_LOAD, .ctx = ctx->number };
	size_t skip = image->type == IMAGE_LINK ? sizeof(struct image_link_header) : 0;
	size_t len = image->len - skip;
	size_t log_len = LOG_SIZE;
	struct heap_block block, log;
	double start = now_ms();
	uint64_t value = 0;
	CUresult result;
	char *at;

	if (!len || len > VGPU_MAX_IMAGE)
		return CUDA_ERROR_INVALID_IMAGE;
	if (log_len < jit->info_size)
		log_len = jit->info_size;
	if (log_len < jit->error_size)
		log_len = jit->error_size;
	if (log_len > VGPU_MAX_LOG)
		log_len = VGPU_MAX_LOG;
	at = session_payload(session, len, &block);
	if (!at)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memcpy(at, (const char *)image->data + skip, len);
	at = session_payload(session, log_len, &log);
	if (!at) {
		heap_free(&session->heap, &block);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	cmd.module.image = block.offset;
	cmd.module.image_len = len;
	cmd.module.log = log.offset;
	cmd.module.log_len = log_len;
	cmd.module.module = number;
	cmd.module.kind = image->type == IMAGE_LINK ? VGPU_IMAGE_LINK : VGPU_IMAGE_AUTO;
	do {
		result = session_call(session, &cmd, &value);
	} while (session_reserve_more(session, result, value));
	if (value & VGPU_MODULE_USES_PRINTF)
		session->uses_printf = true;
	value &= UINT32_MAX;
	report(jit, result, at, value < log_len ? value : log_len);
	if (jit->wall_time) {
		float ms = now_ms() - start;

		memcpy(jit->wall_time, &ms, sizeof(ms));
	}
	heap_free(&session->heap, &block);
	heap_free(&session->heap, &log);
	return result;
}

static void unload_number(struct context *ctx, uint32_t number)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_MODULE_UNLOAD, .ctx = ctx->number };

	cmd.module.module = number;
	queue_reserve(&ctx->session->queue, 1);
	queue_submit(&ctx->session->queue, &cmd, NULL, NULL);
	/* The control stream keeps the order: the number can be used again at once. */
	session_number_free(ctx->session->module_numbers, number);
}

CUresult module_load(struct context *ctx, const struct image *image, struct jit *jit,
		     struct module **out)
{
	struct session *session = ctx->session;
	struct module *module;
	CUresult result = CUDA_SUCCESS;
	int number;

	if (image->type == IMAGE_LINK) {
		number = link_adopt(ctx, image);
		if (number >= 0)
			goto loaded;
	}
	number = session_number(session->module_numbers, VGPU_MAX_MODULES);
	if (number < 0)
		return CUDA_ERROR_OUT_OF_MEMORY;
	result = send(ctx, image, jit, number);
	if (result) {
		session_number_free(session->module_numbers, number);
		return result;
	}
loaded:
	module = calloc(1, sizeof(*module));
	if (module) {
		module->ctx = ctx;
		module->number = number;
		module->handle = handle_new(HANDLE_MODULE, module);
	}
	if (!module || !module->handle) {
		free(module);
		unload_number(ctx, number);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	pthread_mutex_lock(&modules_lock);
	module->next = modules;
	if (modules)
		modules->prev = module;
	modules = module;
	pthread_mutex_unlock(&modules_lock);
	*out = module;
	return CUDA_SUCCESS;
}

static void forget(struct module *module)
{
	pthread_mutex_lock(&modules_lock);
	if (module->next)
		module->next->prev = module->prev;
	if (module->prev)
		module->prev->next = module->next;
	else
		modules = module->next;
	pthread_mutex_unlock(&modules_lock);
}

void module_abandon(struct module *module)
{
	forget(module);
	free(module);
}

void module_unload(struct module *module)
{
	struct function *func;

	forget(module);
	while ((func = module->functions)) {
		module->functions = func->next;
		handle_free(HANDLE_FUNCTION, func->handle);
		func->module = NULL;
		session_number_free(func->session->function_numbers, func->number);
		func_put(func);
	}
	unload_number(module->ctx, module->number);
	free(module);
}

void module_unload_all(struct context *ctx)
{
	for (;;) {
		struct module *module;

		pthread_mutex_lock(&modules_lock);
		for (module = modules; module && module->ctx != ctx; module = module->next)
			;
		pthread_mutex_unlock(&modules_lock);
		if (!module)
			return;
		handle_free(HANDLE_MODULE, module->handle);
		module_unload(module);
	}
}

/* Asks the executor for a name; the answer is written to out. */
static CUresult ask(struct module *module, uint8_t opcode, const char *name, int id, void *out,
		    size_t out_len)
{
	struct session *session = module->ctx->session;
	struct vgpu_cmd cmd = { .opcode = opcode, .ctx = module->ctx->number };
	size_t len = strlen(name);
	struct heap_block block;
	uint64_t lacking = 0;
	CUresult result;
	char *at;

	if (!len || len > VGPU_MAX_NAME)
		return CUDA_ERROR_NOT_FOUND;
	at = session_payload(session, out_len + len, &block);
	if (!at)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memset(at, 0, out_len);
	memcpy(at + out_len, name, len);
	cmd.get.out = block.offset;
	cmd.get.out_len = out_len;
	cmd.get.name = block.offset + out_len;
	cmd.get.name_len = len;
	cmd.get.module = module->number;
	cmd.get.id = id;
	do {
		result = session_call(session, &cmd, &lacking);
	} while (session_reserve_more(session, result, lacking));
	if (!result)
		memcpy(out, at, out_len);
	heap_free(&session->heap, &block);
	return result;
}

static bool info_valid(const struct vgpu_func_info *info)
{
	if (info->num_params > VGPU_MAX_ARGS || info->params_size > VGPU_MAX_PARAMS)
		return false;
	for (uint32_t i = 0; i < info->num_params; i++)
		if (info->params[i].offset > info->params_size ||
		    info->params[i].size > info->params_size - info->params[i].offset)
			return false;
	return true;
}

CUresult module_function(struct module *module, const char *name, struct function **out)
{
	const size_t most = sizeof(struct vgpu_func_info) +
			    VGPU_MAX_ARGS * sizeof(((struct vgpu_func_info *)0)->params[0]);
	struct session *session = module->ctx->session;
	struct function *func;
	CUresult result;
	int number;

	for (func = module->functions; func; func = func->next) {
		if (!strcmp(func->name, name)) {
			*out = func;
			return CUDA_SUCCESS;
		}
	}
	func = calloc(1, sizeof(*func));
	if (!func)
		return CUDA_ERROR_OUT_OF_MEMORY;
	func->refs = 1;
	func->name = strdup(name);
	func->info = malloc(most);
	number = session_number(session->function_numbers, VGPU_MAX_FUNCTIONS);
	if (!func->name || !func->info || number < 0) {
		result = CUDA_ERROR_OUT_OF_MEMORY;
		goto fail;
	}
	result = ask(module, VGPU_OP_FUNC_GET, name, number, func->info, most);
	if (result)
		goto fail;
	if (!info_valid(func->info)) {
		log_line("kernel %s: the executor told an impossible parameter layout", name);
		result = CUDA_ERROR_UNKNOWN;
		goto fail;
	}
	func->handle = handle_new(HANDLE_FUNCTION, func);
	if (!func->handle) {
		result = CUDA_ERROR_OUT_OF_MEMORY;
		goto fail;
	}
	func->info = realloc(func->info, sizeof(*func->info) + func->info->num_params *
								       sizeof(func->info->params[0]))
			     ?: func->info;
	func->module = module;
	func->ctx = module->ctx;
	func->session = session;
	func->number = number;
	func->max_dynamic = func->info->max_dynamic_shared;
	func->carveout = -1;
	func->next = module->functions;
	module->functions = func;
	*out = func;
	return CUDA_SUCCESS;
fail:
	if (number >= 0)
		session_number_free(session->function_numbers, number);
	free(func->info);
	free(func->name);
	free(func);
	return result;
}

CUresult module_global(struct module *module, const char *name, CUdeviceptr *addr, size_t *size)
{
	struct vgpu_global_info info;
	CUresult result = ask(module, VGPU_OP_GLOBAL_GET, name, 0, &info, sizeof(info));

	if (result)
		return result;
	devmem_name_global(module->ctx->session, module->ctx->handle, info.addr, info.size);
	if (addr)
		*addr = info.addr;
	if (size)
		*size = info.size;
	return CUDA_SUCCESS;
}

CUresult module_read_file(const char *path, char **data, size_t *len)
{
	FILE *file = fopen(path, "rbe");
	struct stat st;
	CUresult result = CUDA_ERROR_FILE_NOT_FOUND;

	if (!file)
		return result;
	*data = NULL;
	if (fstat(fileno(file), &st) || !S_ISREG(st.st_mode))
		goto out;
	result = CUDA_ERROR_OUT_OF_MEMORY;
	*data = malloc(st.st_size + 64);
	if (!*data)
		goto out;
	*len = fread(*data, 1, st.st_size, file);
	memset(*data + *len, 0, 64);
	result = CUDA_SUCCESS;
out:
	fclose(file);
	return result;
}

static CUresult load(CUmodule *handle, const void *data, const size_t *limit, unsigned int count,
		     CUjit_option *options, void **values)
{
	struct context *ctx;
	struct module *module;
	struct image image;
	struct jit jit;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!handle || !data || jit_parse(&jit, count, options, values))
		return CUDA_ERROR_INVALID_VALUE;
	if (image_detect(data, &image) || (limit && image.len > *limit))
		return CUDA_ERROR_INVALID_IMAGE;
	pthread_mutex_lock(&ctx->session->lock);
	result = module_load(ctx, &image, &jit, &module);
	if (!result)
		*handle = module->handle;
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned int count,
				   CUjit_option *options, void **values)
{
	return load(module, image, NULL, count, options, values);
}

EXPORT CUresult cuModuleLoadData(CUmodule *module, const void *image)
{
	return load(module, image, NULL, 0, NULL, NULL);
}

EXPORT CUresult cuModuleLoadFatBinary(CUmodule *module, const void *fatbin)
{
	return load(module, fatbin, NULL, 0, NULL, NULL);
}

EXPORT CUresult cuModuleLoad(CUmodule *module, const char *path)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);
	char *data;
	size_t len;

	if (result)
		return result;
	if (!module || !path)
		return CUDA_ERROR_INVALID_VALUE;
	result = module_read_file(path, &data, &len);
	if (result)
		return result;
	result = load(module, data, &len, 0, NULL, NULL);
	free(data);
	return result;
}

EXPORT CUresult cuModuleUnload(CUmodule handle)
{
	struct context *ctx;
	struct session *session;
	struct module *module;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	module = handle_get(HANDLE_MODULE, handle);
	if (!module)
		return CUDA_ERROR_INVALID_HANDLE;
	session = module->ctx->session;
	pthread_mutex_lock(&session->lock);
	if (handle_free(HANDLE_MODULE, handle)) {
		result = context_synchronize(module->ctx);
		module_unload(module);
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}

EXPORT CUresult cuModuleGetFunction(CUfunction *out, CUmodule handle, const char *name)
{
	struct context *ctx;
	struct module *module;
	struct function *func;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!out || !name)
		return CUDA_ERROR_INVALID_VALUE;
	module = handle_get(HANDLE_MODULE, handle);
	if (!module)
		return CUDA_ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&module->ctx->session->lock);
	result = module_function(module, name, &func);
	if (!result)
		*out = func->handle;
	pthread_mutex_unlock(&module->ctx->session->lock);
	return result;
}

EXPORT CUresult cuModuleGetGlobal_v2(CUdeviceptr *addr, size_t *size, CUmodule handle,
				     const char *name)
{
	struct context *ctx;
	struct module *module;
	CUresult result = context_enter(&ctx);

	if (result)
		return result;
	if (!name || (!addr && !size))
		return CUDA_ERROR_INVALID_VALUE;
	module = handle_get(HANDLE_MODULE, handle);
	if (!module)
		return CUDA_ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&module->ctx->session->lock);
	result = module_global(module, name, addr, size);
	pthread_mutex_unlock(&module->ctx->session->lock);
	return result;
}

EXPORT CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode *mode)
{
	if (!mode)
		return CUDA_ERROR_INVALID_VALUE;
	*mode = CU_MODULE_EAGER_LOADING;
	return CUDA_SUCCESS;
}
