/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
#ifndef VGPU_LIBCUDA_ERROR_H
#define VGPU_LIBCUDA_ERROR_H

#include <stdbool.h>
#include <stdint.h>
#include "cuda_api.h"

/**
 * error_of_status() - what CUDA calls a completion's status
 * @status: enum vgpu_status
 */
CUresult error_of_status(uint16_t status);

/**
 * error_of_errno() - what CUDA calls a failure of a port
 * @err: negative errno
 */
CUresult error_of_errno(int err);

/**
 * error_is_sticky() - whether CUDA documents that the process is left inconsistent and has to be restarted
 */
bool error_is_sticky(CUresult result);

/**
 * error_name() - name of a result, or NULL where there is no such result
 */
const char *error_name(CUresult result);

#endif
