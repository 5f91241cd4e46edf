/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Copies
 *
 * A copy is a box of width bytes by height rows by depth slices between two sides. What lies in
 * device memory or in the aperture (pinned memory) is moved by the device. Pageable memory is
 * staged through blocks of the aperture, several in flight. Host memory on both sides is copied by
 * the CPU, in the stream's order.
 */
#ifndef VGPU_LIBCUDA_COPY_H
#define VGPU_LIBCUDA_COPY_H

#include "session.h"

enum side_kind {
	SIDE_PAGEABLE,
	SIDE_APERTURE,
	SIDE_DEVICE,
};

/**
 * struct copy_side - source or destination
 * @kind: what memory it is
 * @session: to which device or aperture it belongs; NULL for pageable memory
 * @addr: of the first byte
 * @pitch: bytes from row to row
 * @slice: bytes from slice to slice
 */
struct copy_side {
	enum side_kind kind;
	struct session *session;
	uint64_t addr;
	uint64_t pitch;
	uint64_t slice;
};

struct copy {
	struct copy_side dst;
	struct copy_side src;
	uint64_t width; /* bytes of a row */
	uint64_t height; /* rows of a slice */
	uint64_t depth; /* slices */
	struct heap_block staged; /* to be freed when the copy is done */
};

struct stream;

/**
 * copy_classify() - finds out what memory an address is
 * @addr: of the first byte
 * @device_only: the program says that it is a device pointer (which pinned memory has too)
 * @side: out: kind, session and addr
 *
 * Return: CUDA_SUCCESS, or CUDA_ERROR_INVALID_VALUE where it is none
 */
CUresult copy_classify(uint64_t addr, bool device_only, struct copy_side *side);

/**
 * copy_linear() - describes a copy of @len consecutive bytes between two classified sides
 */
void copy_linear(struct copy *copy, const struct copy_side *dst, const struct copy_side *src,
		 uint64_t len);

/**
 * copy_check() - whether both sides lie inside memory that is allocated
 * Return: CUDA_SUCCESS or CUDA_ERROR_INVALID_VALUE. With the lock of the sides' session held.
 */
CUresult copy_check(const struct copy *copy);

/**
 * copy_blocks() - whether CUDA's copy returns only when it is done: pageable memory is written
 */
static inline bool copy_blocks(const struct copy *copy)
{
	return copy->dst.kind == SIDE_PAGEABLE;
}

/**
 * copy_is_host() - whether both sides are host memory
 */
static inline bool copy_is_host(const struct copy *copy)
{
	return copy->dst.kind != SIDE_DEVICE && copy->src.kind != SIDE_DEVICE;
}

/**
 * copy_issue() - does a copy in a stream that is not deferred
 *
 * Pageable source memory has been read at the return. Where the destination is pageable or both
 * sides are host memory, the copy is done at the return.
 *
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY. With the session's lock held, which is let go
 * of.
 */
CUresult copy_issue(struct stream *stream, const struct copy *copy);

/**
 * copy_on_host() - copies between host memory, now
 */
void copy_on_host(const struct copy *copy);

/**
 * copy_stage_source() - reads pageable source memory into a block, so that the copy can be done later
 * @copy: changed to copy from the block
 * @block: out: to be freed with the copy
 *
 * Return: CUDA_SUCCESS or CUDA_ERROR_OUT_OF_MEMORY
 */
CUresult copy_stage_source(struct session *session, struct copy *copy, struct heap_block *block);

/**
 * copy_describe() - reads the structure of a 3D copy
 * @c: out; a width, height or depth of 0 says that there is nothing to copy
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_VALUE, or CUDA_ERROR_INVALID_HANDLE for an array that is none
 */
CUresult copy_describe(const CUDA_MEMCPY3D *p, struct copy *c);

#endif
