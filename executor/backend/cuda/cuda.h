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
 * enum cuda_beside - what a context takes of device memory beside chunks
 * @BESIDE_CONTEXT: itself; none for the base context, which the kernel has charged
 * @BESIDE_STACK: stacks of CU_LIMIT_STACK_SIZE for the threads that the GPU holds at once, above those of the start
 * @BESIDE_LOCAL: the same for local memory of kernels: the driver has one pool for both
 * @BESIDE_HEAP: heap of kernels
 * @BESIDE_FIFO: for what kernels print
 * @BESIDE_LAUNCHES: for launches by kernels that wait
 * @BESIDE_DEPTH: for kernels that wait for those that they have launched
 * @BESIDE_MODULES: code and variables
 * @BESIDE_KINDS: number of these
 */
enum cuda_beside {
	BESIDE_CONTEXT,
	BESIDE_STACK,
	BESIDE_LOCAL,
	BESIDE_HEAP,
	BESIDE_FIFO,
	BESIDE_LAUNCHES,
	BESIDE_DEPTH,
	BESIDE_MODULES,
	BESIDE_KINDS
};

/**
 * struct cuda_context - a CUDA context of the session
 * @context: CUDA's, NULL where the number is free
 * @closing: it ends: nothing new is put into its streams
 * @flights: commands in its streams, and one for each thread that is putting one there
 * @events: that no flight has, all of this context: CUDA records none in a stream of another
 * @num_events: of @events
 * @room: for events
 * @beside: bytes of device memory that it takes beside chunks
 *
 * All but @beside, which is the control thread's, under cuda.lock.
 */
struct cuda_context {
	CUcontext context;
	bool closing;
	uint32_t flights;
	CUevent *events;
	uint32_t num_events;
	uint32_t room;
	uint64_t beside[BESIDE_KINDS];
};

/**
 * struct cuda_stream - a stream of the session
 * @stream: CUDA's; NULL until it is used
 * @ctx: number of its context
 * @last_end: event at the end of the newest command that has not completed; NULL if there is none
 */
struct cuda_stream {
	CUstream stream;
	uint32_t ctx;
	CUevent last_end;
};

/**
 * struct cuda_module - a module of the session
 * @module: CUDA's, NULL where the number is free
 * @ctx: number of its context
 * @cubin: its machine code, where the driver does not tell kernels' parameters; else NULL
 * @cubin_len: bytes of it
 * @memory: bytes of device memory that it is counted for
 */
struct cuda_module {
	CUmodule module;
	uint32_t ctx;
	void *cubin;
	size_t cubin_len;
	uint64_t memory;
};

/**
 * struct cuda_function - a kernel of the session
 * @function: CUDA's, NULL where the number is free
 * @module: number of its module
 */
struct cuda_function {
	CUfunction function;
	uint32_t module;
};

/**
 * struct cuda - the state of a worker
 * @session: the one it serves
 * @device: its GPU
 * @base: context that is made before the process is sealed; the session's first context is this one
 * @base_used: number of the session's context that has it, 0 for none
 * @clearing: stream of the base context in which new chunks are cleared
 * @lock: guards @contexts, @functions and @streams
 * @idle: a context has no flights any more
 * @contexts: by number; [0] is @base
 * @modules: by number; the control thread's
 * @functions: by number
 * @streams: by number
 * @overhead: bytes of device memory that a further context is counted for
 * @reserved: bytes that the session may take beside chunks; the control thread's
 * @fault: result that ended everything, 0 while nothing did
 */
struct cuda {
	struct backend_session *session;
	CUdevice device;
	CUcontext base;
	uint32_t base_used;
	CUstream clearing;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct cuda_context contexts[VGPU_MAX_CONTEXTS];
	struct cuda_module modules[VGPU_MAX_MODULES];
	struct cuda_function functions[VGPU_MAX_FUNCTIONS];
	struct cuda_stream streams[VGPU_MAX_STREAMS];
	uint64_t overhead;
	uint64_t reserved;
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

/* context.c */
CUresult cuda_ctx_create(uint32_t ctx, uint32_t flags);
CUresult cuda_ctx_destroy(uint32_t ctx);
CUresult cuda_ctx_limit(uint32_t ctx, const struct vgpu_op_limit *limit);
CUresult cuda_ctx_use(uint32_t ctx);
void cuda_ctx_unuse(uint32_t ctx);
CUevent cuda_event_take(uint32_t ctx);
void cuda_event_put(uint32_t ctx, CUevent event);

/* reserve.c */
void cuda_beside_start(void);
bool cuda_reserve(uint64_t bytes);
bool cuda_take(uint32_t ctx, enum cuda_beside kind, uint64_t bytes);
CUresult cuda_take_limit(uint32_t ctx, const struct vgpu_op_limit *limit);
bool cuda_take_local(uint32_t ctx, uint64_t bytes);
bool cuda_take_used(uint32_t ctx, bool mallocs);
uint64_t cuda_module_share(uint64_t bytes);
void cuda_reset_limits(uint32_t ctx);
uint64_t cuda_lacking(void);
bool cuda_is_lacking(void);

/* stream.c */
CUresult cuda_streams_start(void);
CUresult cuda_stream_create(uint32_t ctx, uint32_t number, int32_t priority);
CUresult cuda_stream_destroy(uint32_t number);
void cuda_streams_of(uint32_t ctx);

/* objects.c */
CUresult cuda_session_init(const struct vgpu_op_init *init);
CUresult cuda_func_get(const struct vgpu_op_get *get);
CUresult cuda_func_set(const struct vgpu_op_attr *attr);
CUresult cuda_global_get(const struct vgpu_op_get *get);
void cuda_forget_functions(uint32_t module);

/* modules.c */
CUresult cuda_module_load(uint32_t ctx, const struct vgpu_op_module *op, uint64_t *value);
CUresult cuda_module_unload(uint32_t number);
void cuda_modules_of(uint32_t ctx);

/* texture.c */
CUresult cuda_texture_create(uint32_t ctx, const struct vgpu_op_texture *op, uint64_t *value);
CUresult cuda_texture_destroy(uint16_t number);
void cuda_textures_of(uint32_t ctx);

/* choose.c */
CUresult cuda_choose_image(const void *image, size_t len, void **chosen, size_t *chosen_len);

/* execute.c */
CUresult cuda_issue(const struct vgpu_cmd *cmd, CUstream stream);

/* printf.c */
bool cuda_printf_start(void);
CUresult cuda_printf_read(const struct vgpu_op_buffer *buffer, uint64_t *value);

/* completion.c */
bool cuda_completion_start(void);
void cuda_run(const struct vgpu_dispatch *dispatch);

#endif /* EXECUTOR_CUDA_H */
