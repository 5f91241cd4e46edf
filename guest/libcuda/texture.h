/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
#ifndef VGPU_LIBCUDA_TEXTURE_H
#define VGPU_LIBCUDA_TEXTURE_H

#include "context.h"

/**
 * texture_free_ctx() - ends the texture objects of a context
 *
 * With the session's lock held; no work uses them any more.
 */
void texture_free_ctx(struct context *ctx);

#endif
