/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* What the tests of the interpreter share: a device, memory on it, modules from files or text. */
#ifndef TESTS_UNIT_PTX_HARNESS_H
#define TESTS_UNIT_PTX_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "executor/backend/soft/ptx.h"

/**
 * struct device - a soft GPU
 * @mem: memory
 * @env: environment
 * @va: allocator of device memory
 * @base: reserved range
 * @top: offset of the first free byte in it
 * @mapped: bytes of it that are mapped
 * @printed: output of kernels
 * @printed_len: bytes of it
 * @fault: of the last launch
 * @budget: of launches
 * @stop: of launches, or NULL
 */
struct device {
	struct soft_mem *mem;
	struct ptx_env *env;
	struct soft_va_ops va;
	uint64_t base;
	uint64_t top;
	uint64_t mapped;
	char printed[65536];
	size_t printed_len;
	struct ptx_fault fault;
	uint64_t budget;
	const _Atomic int *stop;
};

/**
 * device_open - makes a soft GPU; ends the program where it cannot
 * @threads: as in struct ptx_env_config
 */
struct device *device_open(unsigned int threads);

/**
 * device_open_print - as device_open(), with a sink for the output of kernels
 * @threads: as in struct ptx_env_config
 * @print_to: as in struct ptx_env_config; its context is the device
 */
struct device *device_open_print(unsigned int threads, void (*print_to)(void *ctx, const char *text, size_t len));

/**
 * device_close - frees it
 * @dev: soft GPU
 */
void device_close(struct device *dev);

/**
 * device_alloc - takes device memory, which the host can access; never given back
 * @dev: soft GPU
 * @size: bytes
 */
void *device_alloc(struct device *dev, uint64_t size);

/**
 * device_load_text - loads a module; prints the log and ends the program where it does not load
 * @dev: soft GPU
 * @text: PTX
 */
struct ptx_module *device_load_text(struct device *dev, const char *text);

/**
 * device_load_file - loads a module from a file
 * @dev: soft GPU
 * @path: PTX file
 */
struct ptx_module *device_load_file(struct device *dev, const char *path);

/**
 * struct dims - grid, block and dynamic shared memory of a launch
 */
struct dims {
	uint32_t grid[3];
	uint32_t block[3];
	uint32_t shared;
};

/**
 * device_run - launches a kernel with pointers and numbers as its parameters
 * @dev: soft GPU
 * @module: module
 * @name: kernel
 * @dims: dimensions
 * @args: pointers to the values, as cuLaunchKernel takes them
 *
 * Return: result of ptx_launch().
 */
int device_run(struct device *dev, const struct ptx_module *module, const char *name, const struct dims *dims,
	       void **args);

/**
 * device_launch - as device_run(), with the kernel looked up
 * @dev: soft GPU
 * @func: kernel
 * @dims: dimensions
 * @args: pointers to the values, as cuLaunchKernel takes them
 *
 * Return: result of ptx_launch().
 */
int device_launch(struct device *dev, const struct ptx_function *func, const struct dims *dims, void **args);

#define RUN(dev, module, name, dims, ...)	device_run(dev, module, name, dims, (void *[]){ __VA_ARGS__, NULL })

/**
 * read_file - reads a file; ends the program where it cannot
 * @path: file
 * @len: out: bytes, without the NUL that ends them
 */
char *read_file(const char *path, size_t *len);

/**
 * next_random - pseudo-random number (xorshift)
 * @state: seed, not zero; updated
 */
uint64_t next_random(uint64_t *state);

#endif
