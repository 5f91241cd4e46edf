/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* What the sample programs share: ends where something is wrong, a context, the kernels of samples.cu. */
#ifndef TESTS_SAMPLES_SAMPLE_H
#define TESTS_SAMPLES_SAMPLE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cuda_api.h"

/**
 * sample_fail - ends the program
 * @file: where it was found
 * @line: likewise
 * @fmt: what, as printf() takes it
 */
void sample_fail(const char *file, int line, const char *fmt, ...) __attribute__((noreturn, format(printf, 3, 4)));

/**
 * sample_name - name of a CUresult
 * @result: any
 */
const char *sample_name(CUresult result);

/**
 * sample_begin - the first device, with a context of its own
 */
CUdevice sample_begin(void);

/**
 * sample_kernel - a kernel of samples.cu, loaded when the first is asked for
 * @name: as the PTX has it
 */
CUfunction sample_kernel(const char *name);

/**
 * sample_module - the module of sample_kernel()
 */
CUmodule sample_module(void);

/**
 * sample_run - launches in the default stream and waits
 * @kernel: kernel
 * @grid: blocks
 * @block: threads
 * @args: as cuLaunchKernel() takes them
 */
void sample_run(CUfunction kernel, unsigned int grid, unsigned int block, void **args);

/**
 * sample_upload - device memory with a copy of an array
 * @from: array; NULL for zeros
 * @size: bytes
 */
CUdeviceptr sample_upload(const void *from, size_t size);

/**
 * sample_random - the next pseudo-random word
 */
uint32_t sample_random(void);

extern const char samples_ptx[];

#define FAIL(...) sample_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(condition) \
	do { \
		if (!(condition)) \
			FAIL("%s is not so", #condition); \
	} while (0)
#define RESULT(want, call) \
	do { \
		CUresult result_ = (call); \
\
		if (result_ != (want)) \
			FAIL("%s: %s, not %s", #call, sample_name(result_), sample_name(want)); \
	} while (0)
#define CU(call) RESULT(CUDA_SUCCESS, call)
#define ARGS(...) ((void *[]){ __VA_ARGS__ })

#endif
