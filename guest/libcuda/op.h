/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Operations: what programs give to streams and what the nodes of graphs do
 */
#ifndef VGPU_LIBCUDA_OP_H
#define VGPU_LIBCUDA_OP_H

#include "copy.h"
#include "session.h"

struct event;
struct function;
struct graph_exec;

enum op_kind {
	OP_EMPTY,
	OP_KERNEL,
	OP_COPY,
	OP_MEMSET,
	OP_HOST,
	OP_RECORD, /* an event */
	OP_WAIT, /* for an event's record */
	OP_JOIN, /* for another stream */
	OP_ALLOC, /* memory node of a graph */
	OP_FREE, /* stream-ordered free */
	OP_MEMOPS, /* waits for words of memory, writes of them */
	OP_GRAPH, /* child graph, in graphs only */
};

struct op_kernel {
	struct function *func;
	unsigned int grid[3];
	unsigned int block[3];
	unsigned int shared;
	bool cooperative;
	uint32_t params_len;
	const void *params; /* as laid out by the kernel */
};

struct op_memset {
	uint64_t dst;
	uint64_t pitch;
	uint64_t width; /* elements */
	uint64_t height;
	uint32_t value;
	uint32_t elem;
};

struct op_host {
	CUhostFn fn; /* this one */
	CUstreamCallback callback; /* or this one */
	CUstream stream;
	void *data;
};

struct op_memops {
	CUcontext ctx; /* of graph nodes, as the program said */
	CUstreamBatchMemOpParams *ops;
	unsigned int count;
	unsigned int done; /* of them, where the processor does them */
};

/**
 * struct op - one operation
 * @kind: which of the others is meant
 * @next: in a deferred stream
 */
struct op {
	enum op_kind kind;
	struct op *next;
	union {
		struct op_kernel kernel;
		struct copy copy;
		struct op_memset memset;
		struct op_host host;
		struct op_memops memops;
		struct {
			struct event *event;
			struct record *record; /* made by stream_run() */
		} record;
		struct {
			struct event *event; /* of graph nodes, whose record is taken at launch */
			struct record *record;
		} wait;
		struct {
			struct stream *stream; /* has issued so many, */
			uint64_t count;
			uint64_t mark; /* or, without a stream, this command */
		} join;
		struct {
			uint64_t addr;
			uint64_t size;
			struct pool *pool;
		} mem;
		struct {
			struct graph *graph;
		} graph;
	};
};

/**
 * op_clone() - a copy that owns what it points to
 * Return: it, or NULL where memory is exhausted. With the session's lock held.
 */
struct op *op_clone(const struct op *op);

/**
 * op_destroy() - frees a copy and gives back what it holds; NULL is allowed. With the session's lock held.
 */
void op_destroy(struct op *op);

/**
 * op_clear() - gives back what an operation made by op_clone() holds, and makes it empty
 */
void op_clear(struct op *op);

/**
 * op_issue() - does an operation in a stream, now
 *
 * OP_HOST and OP_WAIT for what is not submitted are not for this function but for defer_append().
 * Return: CUDA_SUCCESS or why it failed. With the session's lock held, which is let go of.
 */
CUresult op_issue(struct stream *stream, const struct op *op);

/**
 * op_on_host() - whether an operation is done by the CPU, in the stream's order
 */
bool op_on_host(struct stream *stream, const struct op *op);

/**
 * op_do_on_host() - does such an operation, when everything before it is done
 *
 * Return: whether it is done; false where it waits for a word of memory, to be called again. With the session's lock held, which is
 * let go of.
 */
bool op_do_on_host(struct stream *stream, struct op *op);

/**
 * op_ready() - whether an operation can be issued: what it waits for was submitted
 */
bool op_ready(const struct op *op);

/**
 * memset_describe() - describes a fill
 * Return: CUDA_SUCCESS or CUDA_ERROR_INVALID_VALUE
 */
CUresult memset_describe(uint64_t dst, uint64_t pitch, uint32_t value, uint32_t elem,
			 uint64_t width, uint64_t height, struct op_memset *set);

/**
 * memset_check() - whether a fill lies inside memory that is allocated
 * Return: CUDA_SUCCESS or CUDA_ERROR_INVALID_VALUE. With the session's lock held.
 */
CUresult memset_check(struct session *session, const struct op_memset *set);

#endif
