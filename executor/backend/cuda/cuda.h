/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * The CUDA backend's own. A worker is one session: its state is the process's.
 *
 *	submit thread ── copies, memsets, launches ──> CUDA streams ──> completion thread: polls events
 *	            └─── all that CUDA answers at once ──> control thread
 */
#ifndef EXECUTOR_CUDA_H
#define EXECUTOR_CUDA_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "../backend.h"
#include "driver.h"

/**
 * struct cuda_stream - a stream of the session
 * @stream: CUDA's; NULL until it is used
 * @last_end: event at the end of the newest command that has not completed; NULL if there is none
 */
struct cuda_stream {
	CUstream stream;
	CUevent last_end;
};

/**
 * struct cuda_module - a module of the session
 * @module: CUDA's, NULL where the number is free
 * @ctx: number of its context
 */
struct cuda_module {
	CUmodule module;
	uint32_t ctx;
};

/**
 * struct cuda_function - a kernel of the session
 * @function: CUDA's, NULL where the number is free
 * @module: number of its module
 * @num_params: parameters
 * @offsets: of the parameters in their buffer
 */
struct cuda_function {
	CUfunction function;
	uint32_t module;
	uint32_t num_params;
	uint32_t *offsets;
};

/**
 * struct cuda - the state of a worker
 * @session: the one it serves
 * @device: its GPU
 * @base: context that is made before the process is sealed; the session's first context is this one
 * @base_used: number of the session's context that has it, 0 for none
 * @contexts: by number; [0] is @base
 * @lock: guards @modules, @functions and @streams against lookups by other threads than the one that changes them
 * @modules: by number
 * @functions: by number
 * @streams: by number
 * @fault: result that ended everything, 0 while nothing did
 */
struct cuda {
	struct backend_session *session;
	CUdevice device;
	CUcontext base;
	uint32_t base_used;
	CUcontext contexts[VGPU_MAX_CONTEXTS];
	pthread_mutex_t lock;
	struct cuda_module modules[VGPU_MAX_MODULES];
	struct cuda_function functions[VGPU_MAX_FUNCTIONS];
	struct cuda_stream streams[VGPU_MAX_STREAMS];
	_Atomic uint32_t fault;
};

extern struct cuda cuda;

CUresult cuda_enter(uint32_t ctx);
bool cuda_is_fatal(CUresult result);
void cuda_poison(CUresult result);

/* memory.c */
CUresult cuda_memory_start(void);
CUresult cuda_chunk_map(const struct vgpu_op_chunk *chunk);
CUresult cuda_chunk_unmap(const struct vgpu_op_chunk *chunk);
void cuda_add_range(uint64_t offset, uint64_t len);

/* objects.c */
CUresult cuda_session_init(const struct vgpu_op_init *init);
CUresult cuda_ctx_create(uint32_t ctx, uint32_t flags);
CUresult cuda_ctx_destroy(uint32_t ctx);
CUresult cuda_ctx_limit(uint32_t ctx, const struct vgpu_op_limit *limit);
CUresult cuda_stream_create(uint32_t ctx, uint32_t number, int32_t priority);
CUresult cuda_stream_destroy(uint32_t ctx, uint32_t number);
CUresult cuda_func_get(uint32_t ctx, const struct vgpu_op_get *get);
CUresult cuda_func_set(uint32_t ctx, const struct vgpu_op_attr *attr);
CUresult cuda_global_get(uint32_t ctx, const struct vgpu_op_get *get);
void cuda_forget_functions(uint32_t module);

/* modules.c */
CUresult cuda_module_load(uint32_t ctx, const struct vgpu_op_module *op, uint64_t *value);
CUresult cuda_module_unload(uint32_t ctx, uint32_t number);
void cuda_modules_of(uint32_t ctx);

/* execute.c */
CUresult cuda_issue(const struct vgpu_cmd *cmd, CUstream stream);

/* printf.c */
bool cuda_printf_start(void);
CUresult cuda_printf_read(const struct vgpu_op_buffer *buffer, uint64_t *value);

/* completion.c */
bool cuda_completion_start(void);
void cuda_run(const struct vgpu_dispatch *dispatch);

#endif /* EXECUTOR_CUDA_H */
