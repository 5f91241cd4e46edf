/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Libraries: module images independent of contexts, loaded into each context when something of
 * theirs is used in it
 */
#ifndef VGPU_LIBCUDA_LIBRARY_H
#define VGPU_LIBCUDA_LIBRARY_H

#include "module.h"

/**
 * library_function() - the function of a kernel in a context
 * @kernel: handle, any value
 *
 * Return: CUDA_SUCCESS, CUDA_ERROR_INVALID_HANDLE, or why it could not be loaded. With the session's lock held.
 */
CUresult library_function(struct context *ctx, CUkernel kernel, struct function **func);

#endif
