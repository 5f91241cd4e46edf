// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "log.h"

static int log_enabled(void)
{
	static int enabled = -1;

	if (enabled < 0) {
		const char *value = getenv("VGPU_LOG");

		enabled = !value || strcmp(value, "0");
	}
	return enabled;
}

void log_line(const char *fmt, ...)
{
	char line[1024] = "libcuda (vgpu): ";
	size_t len = strlen(line);
	va_list args;
	int n;

	if (!log_enabled())
		return;
	va_start(args, fmt);
	n = vsnprintf(line + len, sizeof(line) - len - 1, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	len += (size_t)n < sizeof(line) - len - 1 ? (size_t)n : sizeof(line) - len - 2;
	line[len++] = '\n';
	/* One write, so that lines of several threads do not mix. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

void log_unsupported(const char *name, unsigned char *said)
{
	if (!__atomic_exchange_n(said, 1, __ATOMIC_RELAXED))
		log_line("%s is not implemented: it answers CUDA_ERROR_NOT_SUPPORTED; set VGPU_LOG=0 to silence this",
			 name);
}
