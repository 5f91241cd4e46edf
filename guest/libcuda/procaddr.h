/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * The table of exported symbols; generated from names.txt when the library is built
 */
#ifndef VGPU_LIBCUDA_PROCADDR_H
#define VGPU_LIBCUDA_PROCADDR_H

#include <stdbool.h>

struct procaddr_entry {
	const char *symbol;
	int version; /* of CUDA, that brought it */
	void *fn;
};

extern const struct procaddr_entry procaddr_table[];
extern const unsigned int procaddr_count;

/**
 * procaddr_find() - finds a call
 * @name: without version and variant
 * @version: newest CUDA version whose semantics are wanted
 * @thread_default: prefer the variant whose default stream is the thread's
 * @fn: out
 *
 * Return: CUdriverProcAddressQueryResult
 */
int procaddr_find(const char *name, int version, bool thread_default, void **fn);

#endif
