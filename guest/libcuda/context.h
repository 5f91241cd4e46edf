/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Contexts, and which of them is current
 *
 * A context's memory is kept when it is destroyed and used again for the next one, under another
 * handle, so that a thread that still has the old handle on its stack finds out by comparing
 * handles.
 */
#ifndef VGPU_LIBCUDA_CONTEXT_H
#define VGPU_LIBCUDA_CONTEXT_H

#include "session.h"

struct context {
	CUcontext handle; /* NULL once destroyed */
	struct session *session;
	uint32_t number; /* in the session, from 1 on */
	unsigned int flags;
	unsigned int api_version;
	bool primary;
	uint64_t id;
	CUresult pending; /* asynchronous error that does not stick, to be told once */
	struct stream *legacy; /* made when first used */
	bool blocking_busy; /* a blocking stream was given work since the legacy stream last joined them */
	CUfunc_cache cache_config;
	CUsharedconfig shared_config;
	size_t limits[CU_LIMIT_MAX];
	bool limit_set[CU_LIMIT_MAX];
	unsigned int captures; /* streams of this context that capture in global mode */
};

/**
 * context_enter() - what almost every call begins with
 * @ctx: out: the current context
 *
 * Return: CUDA_SUCCESS; CUDA_ERROR_NOT_INITIALIZED (before cuInit, or after fork),
 * CUDA_ERROR_NOT_PERMITTED in a callback,
 * CUDA_ERROR_INVALID_CONTEXT where none is current, CUDA_ERROR_CONTEXT_IS_DESTROYED, or the error
 * that stuck to its session. Takes no lock.
 */
CUresult context_enter(struct context **ctx);

/**
 * context_forbid() - whether the calling thread is in a program's callback or host function
 *
 * There, context_enter() answers CUDA_ERROR_NOT_PERMITTED: programs (libgomp) find out in this way.
 */
void context_forbid(bool forbid);

/**
 * context_may_wait() - for calls that need no current context and wait for work
 *
 * In a callback such a call would wait for what comes behind the callback: for itself. A program that
 * calls exit() there runs its own handlers in it, which end contexts.
 *
 * Return: CUDA_SUCCESS; CUDA_ERROR_NOT_INITIALIZED; CUDA_ERROR_NOT_PERMITTED in a callback. Takes no lock.
 */
CUresult context_may_wait(void);

/**
 * context_get() - looks up a context that the program named
 * Return: it, or NULL
 */
struct context *context_get(CUcontext handle);

/**
 * context_error() - takes the error that a synchronising call has to tell
 *
 * With the session's lock held.
 */
CUresult context_error(struct context *ctx);

/**
 * context_synchronize() - waits for everything that was given to a context
 *
 * Return: as cuCtxSynchronize. With the session's lock held, which is let go of.
 */
CUresult context_synchronize(struct context *ctx);

/**
 * context_blocking() - whether waits in this context are to sleep without spinning
 */
static inline bool context_blocking(const struct context *ctx)
{
	return (ctx->flags & CU_CTX_SCHED_MASK) == CU_CTX_SCHED_BLOCKING_SYNC;
}

/**
 * context_release_thread() - forgets the calling thread's stack of contexts
 */
void context_release_thread(void);

#endif
