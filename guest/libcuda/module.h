/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
#ifndef VGPU_LIBCUDA_MODULE_H
#define VGPU_LIBCUDA_MODULE_H

#include "context.h"
#include "func.h"
#include "image.h"

/**
 * struct module - a loaded module
 * @functions: those that were asked for
 */
struct module {
	CUmodule handle;
	struct context *ctx;
	uint32_t number;
	struct function *functions;
	struct module *next; /* in modules of all contexts */
	struct module *prev;
};

/**
 * struct jit - JIT options as cuModuleLoadDataEx and cuLinkCreate take them
 */
struct jit {
	char *info_log;
	size_t info_size;
	char *error_log;
	size_t error_size;
	/* Where to say how much was written; may be NULL. */
	void **info_written;
	void **error_written;
	void **wall_time;
};

/**
 * jit_parse() - reads options
 * Return: CUDA_SUCCESS or CUDA_ERROR_INVALID_VALUE
 */
CUresult jit_parse(struct jit *jit, unsigned int count, CUjit_option *options, void **values);

/**
 * module_load() - loads an image into a context
 * @image: detected
 * @jit: for the logs
 * @module: out
 *
 * Return: as cuModuleLoadDataEx. With the session's lock held, which is let go of.
 */
CUresult module_load(struct context *ctx, const struct image *image, struct jit *jit,
		     struct module **module);

/**
 * module_unload() - unloads a module that no work uses any more; its handle was freed
 *
 * With the session's lock held, which is let go of.
 */
void module_unload(struct module *module);

/**
 * module_abandon() - forgets a module without functions, whose number lives on in another one
 */
void module_abandon(struct module *module);

/**
 * module_unload_all() - unloads what a context has loaded
 */
void module_unload_all(struct context *ctx);

/**
 * module_function() - finds a kernel, asking the executor the first time
 * Return: as cuModuleGetFunction. With the session's lock held, which is let go of.
 */
CUresult module_function(struct module *module, const char *name, struct function **func);

/**
 * module_global() - finds a variable
 * Return: as cuModuleGetGlobal. With the session's lock held, which is let go of.
 */
CUresult module_global(struct module *module, const char *name, CUdeviceptr *addr, size_t *size);

/**
 * module_read_file() - reads a file, with a NUL behind it
 * Return: CUDA_SUCCESS, CUDA_ERROR_FILE_NOT_FOUND or CUDA_ERROR_OUT_OF_MEMORY
 */
CUresult module_read_file(const char *path, char **data, size_t *len);

#endif
