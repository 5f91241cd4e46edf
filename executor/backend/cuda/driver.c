// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "driver.h"

/* Where another library than the dynamic linker's is to be taken, as in tests. */
#define LIBRARY_VARIABLE	"VGPU_EXECUTOR_LIBCUDA"
#define LIBRARY			"libcuda.so.1"

struct cuda_driver cu;

/**
 * cuda_driver_load() - find the driver and its calls
 * @why: set to a sentence where that fails
 * @why_len: bytes of it
 *
 * Return: true if all that is needed is there. Context: before any other call of this backend; again is harmless.
 */
bool cuda_driver_load(char *why, size_t why_len)
{
	const char *path = getenv(LIBRARY_VARIABLE);
	void *library;

	if (cu.cuInit)
		return true;
	library = dlopen(path && *path ? path : LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		snprintf(why, why_len, "no CUDA driver: %s", dlerror());
		return false;
	}
#define NEED(name) \
	do { \
		*(void **)&cu.name = dlsym(library, #name); \
		if (!cu.name) { \
			snprintf(why, why_len, "the CUDA driver has no %s: 12.0 or newer is needed", #name); \
			dlclose(library); \
			cu.cuInit = NULL; \
			return false; \
		} \
	} while (0);
#define TAKE(name) *(void **)&cu.name = dlsym(library, #name);
	CUDA_DRIVER_CALLS(NEED, TAKE)
#undef NEED
#undef TAKE
	return true;
}

/**
 * cuda_error_name() - a result for people
 * @result: any
 *
 * Return: its name, as the driver knows it.
 */
const char *cuda_error_name(CUresult result)
{
	const char *name = NULL;

	if (!cu.cuGetErrorName || cu.cuGetErrorName(result, &name) || !name)
		return "unknown CUDA error";
	return name;
}
