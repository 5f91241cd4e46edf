/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef EXECUTOR_SOFT_PRINTF_H
#define EXECUTOR_SOFT_PRINTF_H

#include "machine.h"

/**
 * printf_lane - does one thread's vprintf
 * @w: warp
 * @lane: thread
 * @format: generic address of the format
 * @args: generic address of the arguments, as vprintf takes them
 * @fault: out: address that could not be read
 *
 * Return: number of arguments, -1 for a null format, -2 where memory could not be read.
 */
int printf_lane(struct warp *w, unsigned int lane, uint64_t format, uint64_t args, uint64_t *fault);

/**
 * printf_string - copies a string of a kernel
 * @w: warp
 * @lane: thread
 * @addr: generic address
 * @buf: copy, always terminated
 * @size: bytes of it
 *
 * Return: false where memory could not be read.
 */
bool printf_string(struct warp *w, unsigned int lane, uint64_t addr, char *buf, size_t size);

/**
 * printf_text - hands text to the sink of the environment
 * @env: environment
 * @text: text
 * @len: bytes
 */
void printf_text(struct ptx_env *env, const char *text, size_t len);

#endif
