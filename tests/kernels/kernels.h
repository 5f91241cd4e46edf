/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* What the tests of compiled kernels share: buffers that live as long as a test, launches, comparisons that end it. */
#ifndef TESTS_KERNELS_H
#define TESTS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "cuda_api.h"

/**
 * struct kernel_test - one kernel against its reference
 * @name: shown
 * @run: ends by kernel_fail() where the kernel is wrong
 */
struct kernel_test {
	const char *name;
	void (*run)(void);
};

/* Tests of one .cu file; the last has no name. */
extern const struct kernel_test basic_tests[], compute_tests[], control_tests[], math_tests[], tensor_tests[], texture_tests[];

/**
 * kernel_fail - ends the running test
 * @fmt: why, as printf() takes it
 */
void kernel_fail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/**
 * kernel_must - ends the running test where a call has failed
 * @result: what it returned
 * @what: the call
 */
void kernel_must(CUresult result, const char *what);

#define MUST(call) kernel_must(call, #call)

/**
 * device_zeros - device memory of zeros until the test ends
 * @size: bytes
 */
CUdeviceptr device_zeros(size_t size);

/**
 * device_copy - device memory with a copy of an array until the test ends
 * @from: array
 * @size: bytes
 */
CUdeviceptr device_copy(const void *from, size_t size);

/**
 * host_copy - an array with a copy of device memory until the test ends
 * @from: device memory
 * @size: bytes
 */
void *host_copy(CUdeviceptr from, size_t size);

/**
 * host_alloc - an array of zeros until the test ends
 * @size: bytes
 */
void *host_alloc(size_t size);

/**
 * device_global - address of a variable of the module
 * @name: variable
 * @size: bytes it must have
 */
CUdeviceptr device_global(const char *name, size_t size);

/**
 * struct shape - grid, block and dynamic shared memory of a launch; zero dimensions stand for 1
 */
struct shape {
	unsigned int grid[3];
	unsigned int block[3];
	unsigned int shared;
};

/**
 * launch - runs a kernel of the module and waits for its end
 * @name: kernel
 * @shape: dimensions
 * @args: as cuLaunchKernel() takes them
 */
void launch(const char *name, struct shape shape, void **args);

#define ARGS(...) ((void *[]){ __VA_ARGS__ })
#define SHAPE(...) ((struct shape){ __VA_ARGS__ })

/**
 * random_u64 - next pseudo-random number; each test starts from the same
 */
uint64_t random_u64(void);

/**
 * random_floats - array of numbers in [-2, 2), until the test ends
 * @n: how many
 */
float *random_floats(size_t n);

/**
 * same_floats - ends the test where an element is farther than @tolerance * (1 + |want|) from what it should be
 * @got: array
 * @want: array
 * @n: elements of both
 * @tolerance: relative error allowed
 */
void same_floats(const float *got, const double *want, size_t n, double tolerance);

/**
 * same_ints - ends the test where an element differs
 * @got: array
 * @want: array
 * @n: elements of both
 */
void same_ints(const int *got, const int *want, size_t n);

#endif
