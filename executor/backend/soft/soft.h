/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * The soft backend inside: what the engine threads share.
 */
#ifndef EXECUTOR_SOFT_H
#define EXECUTOR_SOFT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "../backend.h"
#include "ptx.h"
#include "soft_heap.h"

#define SOFT_SHARED_DEFAULT	(48u << 10)	/* bytes of a block without opting in to more */
#define SOFT_PRINTF_DEFAULT	(1u << 20)
#define SOFT_PRINTF_MAX		(64u << 20)

/* Further CUresults. */
#define SOFT_ERROR_INVALID_CONTEXT	201
#define SOFT_ERROR_UNSUPPORTED_LIMIT	215
#define SOFT_ERROR_INVALID_HANDLE	400
#define SOFT_ERROR_NOT_SUPPORTED	801
#define SOFT_ERROR_UNKNOWN		999

/**
 * struct soft_module - a module number
 * @module: NULL where there is none
 * @ctx: CUDA context to which it belongs
 */
struct soft_module {
	struct ptx_module *module;
	uint32_t ctx;
};

/**
 * struct soft_func - a function number
 * @func: NULL where there is none
 * @module: number of its module
 * @max_dynamic: bytes of dynamic shared memory that a launch may ask for
 */
struct soft_func {
	const struct ptx_function *func;
	uint32_t module;
	uint32_t max_dynamic;
};

/**
 * struct soft - the one session of the process
 * @session: as the worker has it
 * @mem: device memory
 * @heap: for module variables
 * @env: runs launches
 * @use: read by a command that uses memory or modules, written by one that takes them away
 * @tables: guards @modules, @funcs, @contexts
 * @modules: by number
 * @funcs: by number
 * @contexts: by number: exists
 * @fault: result of every command since a fault, 0 before
 * @print_lock: guards the printf buffer
 * @print: the buffer, a ring
 * @print_size: bytes of it
 * @print_start: of the oldest byte
 * @print_used: bytes in it
 */
struct soft {
	const struct backend_session *session;
	struct soft_mem *mem;
	struct soft_heap *heap;
	struct ptx_env *env;
	pthread_rwlock_t use;
	pthread_mutex_t tables;
	struct soft_module modules[VGPU_MAX_MODULES];
	struct soft_func funcs[VGPU_MAX_FUNCTIONS];
	_Bool contexts[VGPU_MAX_CONTEXTS];
	_Atomic uint32_t fault;
	pthread_mutex_t print_lock;
	char *print;
	size_t print_size;
	size_t print_start;
	size_t print_used;
};

extern struct soft soft;

/* soft_exec.c */
uint32_t soft_copy(const struct vgpu_cmd *cmd);
uint32_t soft_memset(const struct vgpu_op_memset *set);
uint32_t soft_launch(const struct vgpu_cmd *cmd);

/* soft_objects.c */
uint32_t soft_session_init(const struct vgpu_op_init *init);
uint32_t soft_ctx_create(uint32_t ctx);
uint32_t soft_ctx_destroy(uint32_t ctx);
uint32_t soft_ctx_limit(const struct vgpu_op_limit *limit);
uint32_t soft_module_load(uint32_t ctx, const struct vgpu_op_module *op, uint64_t *value);
uint32_t soft_module_unload(uint32_t number);
uint32_t soft_func_get(const struct vgpu_op_get *get);
uint32_t soft_global_get(const struct vgpu_op_get *get);
uint32_t soft_func_set(const struct vgpu_op_attr *attr);
uint32_t soft_texture_create(const struct vgpu_op_texture *op, uint64_t *value);
uint32_t soft_texture_destroy(uint32_t number);

/* soft_print.c */
void soft_print(void *ctx, const char *text, size_t len);
uint32_t soft_print_read(const struct vgpu_op_buffer *buffer, uint64_t *value);
uint32_t soft_print_resize(uint64_t size);

#endif /* EXECUTOR_SOFT_H */
