/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
#ifndef VGPU_LIBCUDA_LOG_H
#define VGPU_LIBCUDA_LOG_H

#include <stdarg.h>

/**
 * log_line() - writes one line to stderr, with the library's name before it
 * @fmt: as for printf(), without a newline
 *
 * VGPU_LOG=0 in the environment silences it. Any thread, any lock.
 */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * log_unsupported() - says that a call is not implemented, once for each call
 * @name: of the call
 * @said: one byte for each call, zero at first
 */
void log_unsupported(const char *name, unsigned char *said);

#endif
