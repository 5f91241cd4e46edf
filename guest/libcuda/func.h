/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Kernels
 */
#ifndef VGPU_LIBCUDA_FUNC_H
#define VGPU_LIBCUDA_FUNC_H

#include "context.h"

struct module;
struct op_kernel;

/**
 * struct function - a kernel of a loaded module
 * @refs: its module and operations that were put off
 * @number: in the session
 * @max_dynamic: bytes of dynamic shared memory that a launch may ask for, as set by cuFuncSetAttribute
 * @info: what the executor told, with the layout of the parameters
 */
struct function {
	int refs;
	CUfunction handle;
	struct module *module; /* NULL once unloaded */
	struct context *ctx;
	struct session *session;
	uint32_t number;
	char *name;
	struct function *next; /* of its module */
	unsigned int max_dynamic;
	int carveout;
	struct vgpu_func_info *info;
};

/**
 * func_get() - the kernel that a handle names, a CUfunction or a CUkernel in its place
 * @ctx: current context, for which a CUkernel is loaded
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_HANDLE, or why it could not be loaded. With the session's lock held.
 */
CUresult func_get(struct context *ctx, CUfunction handle, struct function **func);

/**
 * func_hold() - takes a reference
 */
void func_hold(struct function *func);

/**
 * func_put() - gives a reference back
 */
void func_put(struct function *func);

/**
 * func_attribute() - value of an attribute
 * Return: CUDA_SUCCESS or CUDA_ERROR_INVALID_VALUE
 */
CUresult func_attribute(const struct function *func, CUfunction_attribute attribute, int *value);

/**
 * func_set_attribute() - sets an attribute
 * Return: as cuFuncSetAttribute. With the session's lock held, which is let go of.
 */
CUresult func_set_attribute(struct function *func, CUfunction_attribute attribute, int value);

/**
 * struct launch - a launch as the program asks for it
 */
struct launch {
	unsigned int grid[3];
	unsigned int block[3];
	unsigned int shared;
	bool cooperative;
	void **params;
	void **extra;
};

/**
 * launch_prepare() - checks a launch and lays out its parameters
 * @func: the kernel
 * @launch: what is asked for
 * @buffer: VGPU_MAX_PARAMS bytes for the parameters
 * @kernel: out; its params are @buffer
 *
 * Return: as cuLaunchKernel. With the session's lock held.
 */
CUresult launch_prepare(struct function *func, const struct launch *launch, void *buffer,
			struct op_kernel *kernel);

/**
 * occupancy_blocks() - blocks of a kernel that one multiprocessor can hold
 * @func: the kernel
 * @threads: of a block
 * @dynamic: bytes of dynamic shared memory of a block
 */
int occupancy_blocks(const struct function *func, unsigned int threads, size_t dynamic);

#endif
