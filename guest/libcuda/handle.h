/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Handles that programs hold
 *
 * A handle is a number in pointer's clothes: type, generation and index of a slot. It is looked up,
 * never followed, so that a wild, stale or foreign handle is found out for the price of two loads.
 */
#ifndef VGPU_LIBCUDA_HANDLE_H
#define VGPU_LIBCUDA_HANDLE_H

#include <stdbool.h>

enum handle_type {
	HANDLE_CONTEXT = 1,
	HANDLE_STREAM,
	HANDLE_EVENT,
	HANDLE_MODULE,
	HANDLE_FUNCTION,
	HANDLE_LINK,
	HANDLE_LIBRARY,
	HANDLE_KERNEL,
	HANDLE_GRAPH,
	HANDLE_GRAPH_NODE,
	HANDLE_GRAPH_EXEC,
	HANDLE_POOL,
	HANDLE_ALLOCATION,
	HANDLE_USER_OBJECT,
	HANDLE_ARRAY,
};

/**
 * handle_new() - gives an object a handle
 * @type: of the object
 * @object: not NULL
 *
 * Return: the handle, or NULL where memory or slots are exhausted. Any thread.
 */
void *handle_new(enum handle_type type, void *object);

/**
 * handle_get() - looks a handle up
 * @type: expected
 * @handle: as the program gave it, any value
 *
 * Return: the object, or NULL where this is no live handle of that type. Any thread, takes no lock.
 */
void *handle_get(enum handle_type type, const void *handle);

/**
 * handle_free() - ends a handle
 * @type: expected
 * @handle: any value
 *
 * Return: the object that it named, for exactly one of several callers; NULL otherwise.
 */
void *handle_free(enum handle_type type, const void *handle);

#endif
