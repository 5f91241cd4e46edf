// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Output of printf() in kernels. The driver writes it to standard output when the device is synchronised: that is a
 * file in memory here, from which the guest takes it.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../log.h"
#include "cuda.h"

/* Bytes of output that the guest has taken. */
static off_t taken;

/**
 * cuda_printf_start() - put a file in memory in place of standard output
 *
 * Return: true if that worked. Context: before the process is sealed.
 */
bool cuda_printf_start(void)
{
	int fd = memfd_create("vgpu-printf", MFD_CLOEXEC);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0) {
		log_error("no place for kernels' output: %s", strerror(errno));
		return false;
	}
	close(fd);
	setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
	return true;
}

/**
 * cuda_printf_read() - VGPU_OP_PRINTF_READ
 * @buffer: where to
 * @value: set to the bytes moved
 *
 * Return: CUresult. Context: the control thread; a context is current.
 */
CUresult cuda_printf_read(const struct vgpu_op_buffer *buffer, uint64_t *value)
{
	char *out = cuda.session->aperture(buffer->out, buffer->len);
	ssize_t n;

	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	/* The driver empties the device's buffer into stdout; after a fault what is there can still be read. */
	cu.cuCtxSynchronize();
	fflush(stdout);
	n = pread(STDOUT_FILENO, out, buffer->len, taken);
	if (n <= 0) {
		if (taken && !ftruncate(STDOUT_FILENO, 0)) {
			lseek(STDOUT_FILENO, 0, SEEK_SET);
			taken = 0;
		}
		n = 0;
	}
	taken += n;
	*value = (uint64_t)n;
	return CUDA_SUCCESS;
}
