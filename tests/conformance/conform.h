/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Conformance programs
 *
 * Programs for the CUDA Driver API and nothing else. They run over loopback, in a guest, and on a
 * GPU's own libcuda alike, and say "ok NAME" or "FAIL NAME: why" for each test. A test is a
 * function that returns when it has found what it expects, and leaves by one of the macros when
 * not.
 */
#ifndef CONFORM_H
#define CONFORM_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "guest/libcuda/cuda_api.h"

/**
 * struct conform_test - one test
 * @name: what is said of it
 * @run: does it; with a current context on device 0 unless @bare
 * @bare: no context, and a process of its own: cuInit was not called
 * @alone: a process of its own: what it does ends the use of CUDA in it
 */
struct conform_test {
	const char *name;
	void (*run)(void);
	bool bare;
	bool alone;
};

#define TEST(fn) \
	{ \
#fn, fn, false, false \
	}
#define TEST_BARE(fn) \
	{ \
#fn, fn, true, true \
	}
#define TEST_ALONE(fn) \
	{ \
#fn, fn, false, true \
	}

/**
 * conform_main() - runs tests
 * @tests: ended by one without name
 *
 * Return: exit status of the program
 */
int conform_main(const struct conform_test *tests);

/**
 * conform_fail() - the running test has failed; does not return
 */
void conform_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));

/**
 * conform_result() - name of a CUresult
 */
const char *conform_result(CUresult result);

/**
 * conform_device() - the device of the tests
 */
CUdevice conform_device(void);

/**
 * conform_context() - the context of the tests
 */
CUcontext conform_context(void);

/**
 * conform_module() - kernels.ptx, loaded in the context of the tests
 */
CUmodule conform_module(void);

/**
 * conform_kernel() - a kernel of it
 */
CUfunction conform_kernel(const char *name);

/* kernels.ptx as text. */
extern const char conform_ptx[];

#define FAIL(...) conform_fail(__FILE__, __LINE__, __VA_ARGS__)

#define CHECK(condition) \
	do { \
		if (!(condition)) \
			FAIL("%s", #condition); \
	} while (0)

#define EQUAL(a, b) \
	do { \
		long long a_ = (long long)(a), b_ = (long long)(b); \
\
		if (a_ != b_) \
			FAIL("%s is %lld, not %lld (%s)", #a, a_, b_, #b); \
	} while (0)

#define CU(call) RESULT(CUDA_SUCCESS, call)

#define RESULT(expected, call) \
	do { \
		CUresult result_ = (call); \
\
		if (result_ != (expected)) \
			FAIL("%s: %s, not %s", #call, conform_result(result_), \
			     conform_result(expected)); \
	} while (0)

#endif
