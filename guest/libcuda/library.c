// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include <string.h>
#include "device.h"
#include "handle.h"
#include "library.h"

/* A library in a context. */
struct instance {
	struct context *ctx;
	CUcontext ctx_handle;
	CUmodule module;
	struct instance *next;
};

struct kernel {
	CUkernel handle;
	struct library *library;
	char *name;
	struct kernel *next;
};

struct library {
	CUlibrary handle;
	struct image image; /* its own copy */
	struct instance *instances;
	struct kernel *kernels;
};

/* Guards the lists of every library; taken after a session's lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The library's module in a context; loaded where it is not. With the session's lock held. */
static CUresult instantiate(struct library *library, struct context *ctx, struct jit *jit,
			    struct module **module)
{
	struct instance *instance;
	struct jit none = { 0 };
	CUresult result;

	pthread_mutex_lock(&lock);
	for (instance = library->instances; instance; instance = instance->next)
		if (instance->ctx == ctx && instance->ctx_handle == ctx->handle)
			break;
	pthread_mutex_unlock(&lock);
	if (instance) {
		*module = handle_get(HANDLE_MODULE, instance->module);
		return *module ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
	}
	instance = calloc(1, sizeof(*instance));
	if (!instance)
		return CUDA_ERROR_OUT_OF_MEMORY;
	result = module_load(ctx, &library->image, jit ? jit : &none, module);
	if (result) {
		free(instance);
		return result;
	}
	instance->ctx = ctx;
	instance->ctx_handle = ctx->handle;
	instance->module = (*module)->handle;
	pthread_mutex_lock(&lock);
	instance->next = library->instances;
	library->instances = instance;
	pthread_mutex_unlock(&lock);
	return CUDA_SUCCESS;
}

CUresult library_function(struct context *ctx, CUkernel handle, struct function **func)
{
	struct kernel *kernel = handle_get(HANDLE_KERNEL, handle);
	struct module *module;
	CUresult result;

	if (!kernel)
		return CUDA_ERROR_INVALID_HANDLE;
	result = instantiate(kernel->library, ctx, NULL, &module);
	return result ? result : module_function(module, kernel->name, func);
}

static CUresult load(CUlibrary *handle, const void *data, const size_t *limit,
		     CUjit_option *options, void **values, unsigned int count,
		     CUlibraryOption *library_options, unsigned int library_count)
{
	struct library *library;
	struct context *ctx;
	struct module *module;
	struct image image;
	struct jit jit;
	char *own;
	CUresult result = CUDA_SUCCESS;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!handle || !data || jit_parse(&jit, count, options, values) ||
	    (library_count && !library_options))
		return CUDA_ERROR_INVALID_VALUE;
	if (image_detect(data, &image) || (limit && image.len > *limit))
		return CUDA_ERROR_INVALID_IMAGE;
	library = calloc(1, sizeof(*library));
	own = malloc(image.len + 1);
	if (!library || !own) {
		free(library);
		free(own);
		return CUDA_ERROR_OUT_OF_MEMORY;
	}
	memcpy(own, image.data, image.len);
	own[image.len] = 0;
	library->image = image;
	library->image.data = own;
	library->handle = handle_new(HANDLE_LIBRARY, library);
	if (!library->handle)
		result = CUDA_ERROR_OUT_OF_MEMORY;
	/* Where there is a context, errors show now. */
	if (!result && !context_enter(&ctx)) {
		pthread_mutex_lock(&ctx->session->lock);
		result = instantiate(library, ctx, &jit, &module);
		pthread_mutex_unlock(&ctx->session->lock);
	}
	if (result) {
		handle_free(HANDLE_LIBRARY, library->handle);
		free(own);
		free(library);
		return result;
	}
	*handle = library->handle;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuLibraryLoadData(CUlibrary *library, const void *code, CUjit_option *options,
				  void **values, unsigned int count, CUlibraryOption *library_options,
				  void **library_values, unsigned int library_count)
{
	return load(library, code, NULL, options, values, count, library_options, library_count);
}

EXPORT CUresult cuLibraryLoadFromFile(CUlibrary *library, const char *path, CUjit_option *options,
				      void **values, unsigned int count,
				      CUlibraryOption *library_options, void **library_values,
				      unsigned int library_count)
{
	CUresult result;
	char *data;
	size_t len;

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!path)
		return CUDA_ERROR_INVALID_VALUE;
	result = module_read_file(path, &data, &len);
	if (result)
		return result;
	result = load(library, data, &len, options, values, count, library_options, library_count);
	free(data);
	return result;
}

EXPORT CUresult cuLibraryUnload(CUlibrary handle)
{
	struct library *library;
	struct instance *instance;
	struct kernel *kernel;
	CUresult result = context_may_wait();

	if (result)
		return result;
	library = handle_free(HANDLE_LIBRARY, handle);
	if (!library)
		return CUDA_ERROR_INVALID_HANDLE;
	while ((instance = library->instances)) {
		library->instances = instance->next;
		if (__atomic_load_n(&instance->ctx->handle, __ATOMIC_ACQUIRE) ==
		    instance->ctx_handle) {
			struct session *session = instance->ctx->session;
			struct module *module;

			pthread_mutex_lock(&session->lock);
			module = handle_free(HANDLE_MODULE, instance->module);
			if (module) {
				context_synchronize(instance->ctx);
				module_unload(module);
			}
			pthread_mutex_unlock(&session->lock);
		}
		free(instance);
	}
	while ((kernel = library->kernels)) {
		library->kernels = kernel->next;
		handle_free(HANDLE_KERNEL, kernel->handle);
		free(kernel->name);
		free(kernel);
	}
	free((void *)library->image.data);
	free(library);
	return CUDA_SUCCESS;
}

/* The library's module in the current context, with the session's lock held at success. */
static CUresult enter(CUlibrary handle, struct context **ctx, struct library **library,
		      struct module **module)
{
	CUresult result = context_enter(ctx);

	if (result)
		return result;
	*library = handle_get(HANDLE_LIBRARY, handle);
	if (!*library)
		return CUDA_ERROR_INVALID_HANDLE;
	pthread_mutex_lock(&(*ctx)->session->lock);
	result = instantiate(*library, *ctx, NULL, module);
	if (result)
		pthread_mutex_unlock(&(*ctx)->session->lock);
	return result;
}

static CUresult new_kernel(struct library *library, const char *name, struct kernel **out)
{
	struct kernel *kernel;

	for (kernel = library->kernels; kernel; kernel = kernel->next)
		if (!strcmp(kernel->name, name))
			break;
	if (!kernel) {
		kernel = calloc(1, sizeof(*kernel));
		if (!kernel)
			return CUDA_ERROR_OUT_OF_MEMORY;
		kernel->name = strdup(name);
		kernel->library = library;
		kernel->handle = kernel->name ? handle_new(HANDLE_KERNEL, kernel) : NULL;
		if (!kernel->handle) {
			free(kernel->name);
			free(kernel);
			return CUDA_ERROR_OUT_OF_MEMORY;
		}
		kernel->next = library->kernels;
		library->kernels = kernel;
	}
	*out = kernel;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuLibraryGetKernel(CUkernel *out, CUlibrary handle, const char *name)
{
	struct context *ctx;
	struct library *library;
	struct module *module;
	struct function *func;
	struct kernel *kernel;
	CUresult result;

	if (!out || !name)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter(handle, &ctx, &library, &module);
	if (result)
		return result;
	result = module_function(module, name, &func);
	pthread_mutex_lock(&lock);
	if (!result)
		result = new_kernel(library, name, &kernel);
	if (!result)
		*out = kernel->handle;
	pthread_mutex_unlock(&lock);
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuLibraryGetModule(CUmodule *out, CUlibrary handle)
{
	struct context *ctx;
	struct library *library;
	struct module *module;
	CUresult result;

	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter(handle, &ctx, &library, &module);
	if (result)
		return result;
	*out = module->handle;
	pthread_mutex_unlock(&ctx->session->lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuLibraryGetGlobal(CUdeviceptr *addr, size_t *size, CUlibrary handle, const char *name)
{
	struct context *ctx;
	struct library *library;
	struct module *module;
	CUresult result;

	if (!name || (!addr && !size))
		return CUDA_ERROR_INVALID_VALUE;
	result = enter(handle, &ctx, &library, &module);
	if (result)
		return result;
	result = module_global(module, name, addr, size);
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

/* A kernel in the current context, with the session's lock held at success. */
static CUresult enter_kernel(CUkernel handle, struct context **ctx, struct function **func)
{
	CUresult result = context_enter(ctx);

	if (result)
		return result;
	pthread_mutex_lock(&(*ctx)->session->lock);
	result = library_function(*ctx, handle, func);
	if (result)
		pthread_mutex_unlock(&(*ctx)->session->lock);
	return result;
}

EXPORT CUresult cuKernelGetFunction(CUfunction *out, CUkernel handle)
{
	struct context *ctx;
	struct function *func;
	CUresult result;

	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter_kernel(handle, &ctx, &func);
	if (result)
		return result;
	*out = func->handle;
	pthread_mutex_unlock(&ctx->session->lock);
	return CUDA_SUCCESS;
}

EXPORT CUresult cuKernelGetLibrary(CUlibrary *out, CUkernel handle)
{
	struct kernel *kernel = handle_get(HANDLE_KERNEL, handle);

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	if (!kernel)
		return CUDA_ERROR_INVALID_HANDLE;
	*out = kernel->library->handle;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuKernelGetName(const char **name, CUkernel handle)
{
	struct kernel *kernel = handle_get(HANDLE_KERNEL, handle);

	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!name)
		return CUDA_ERROR_INVALID_VALUE;
	if (!kernel)
		return CUDA_ERROR_INVALID_HANDLE;
	*name = kernel->name;
	return CUDA_SUCCESS;
}

EXPORT CUresult cuKernelGetAttribute(int *value, CUfunction_attribute attribute, CUkernel handle,
				     CUdevice dev)
{
	struct context *ctx;
	struct function *func;
	CUresult result;

	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	result = enter_kernel(handle, &ctx, &func);
	if (result)
		return result;
	result = dev == ctx->session->ordinal ? func_attribute(func, attribute, value)
					      : CUDA_ERROR_INVALID_DEVICE;
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuKernelSetAttribute(CUfunction_attribute attribute, int value, CUkernel handle,
				     CUdevice dev)
{
	struct context *ctx;
	struct function *func;
	CUresult result = enter_kernel(handle, &ctx, &func);

	if (result)
		return result;
	result = dev == ctx->session->ordinal ? func_set_attribute(func, attribute, value)
					      : CUDA_ERROR_INVALID_DEVICE;
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuKernelSetCacheConfig(CUkernel handle, CUfunc_cache config, CUdevice dev)
{
	if (device_init_check())
		return CUDA_ERROR_NOT_INITIALIZED;
	if (!handle_get(HANDLE_KERNEL, handle))
		return CUDA_ERROR_INVALID_HANDLE;
	return (unsigned int)config > CU_FUNC_CACHE_PREFER_EQUAL ? CUDA_ERROR_INVALID_VALUE
								 : CUDA_SUCCESS;
}

EXPORT CUresult cuKernelGetParamInfo(CUkernel handle, size_t index, size_t *offset, size_t *size)
{
	struct context *ctx;
	struct function *func;
	CUresult result = enter_kernel(handle, &ctx, &func);

	if (result)
		return result;
	pthread_mutex_unlock(&ctx->session->lock);
	return cuFuncGetParamInfo(func->handle, index, offset, size);
}
