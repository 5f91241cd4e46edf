/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* What the inference programs share: options, a context, requests in a row or as they come, latencies. */
#ifndef TESTS_INFERENCE_WORKLOAD_H
#define TESTS_INFERENCE_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "cuda_api.h"

/**
 * struct workload - what a program does with a request
 * @name: of the program
 * @what: one line for --help
 * @size_option: option that sets the size of a request, and what it counts
 * @size: its default
 * @size_max: and its bound
 * @set_up: is called once, the module is loaded
 * @request: serves one request; returns whether the answer is right (true where it is not verified)
 */
struct workload {
	const char *name, *what, *size_option;
	int size, size_max;
	void (*set_up)(int size);
	bool (*request)(uint64_t seed, bool verify, bool show);
};

/**
 * workload_main - a program's main()
 * @argc: of main()
 * @argv: of main()
 * @workload: what it does
 * Return: exit status: 0, or 1 where an answer was wrong
 */
int workload_main(int argc, char **argv, const struct workload *workload);

/**
 * workload_check - ends the program where a call has failed
 * @result: what it returned
 * @what: the call
 */
void workload_check(CUresult result, const char *what);

#define CHECK(call) workload_check(call, #call)

/**
 * workload_upload - device memory with a copy of an array
 * @from: array, or NULL for memory without content
 * @size: bytes
 */
CUdeviceptr workload_upload(const void *from, size_t size);

/**
 * workload_launch - gives a kernel to the default stream
 * @name: kernel
 * @grid: blocks
 * @x: threads of a block
 * @y: times this
 * @args: as cuLaunchKernel() takes them
 */
void workload_launch(const char *name, int grid, int x, int y, void **args);

/**
 * workload_answer - says that the answer to the request has arrived; what follows is no part of its latency
 */
void workload_answer(void);

/**
 * workload_dense - one full layer of rows
 * @x: in
 * @w: weights, then biases, as the files hold them
 * @more: is added, or 0
 * @y: out
 * @in: columns of @x
 * @out: columns of @y
 * @rows: of both
 * @cut: whether negative results become 0
 */
void workload_dense(CUdeviceptr x, CUdeviceptr w, CUdeviceptr more, CUdeviceptr y, int in, int out, int rows, int cut);

#define ARGS(...) ((void *[]){ __VA_ARGS__ })

#endif
