// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Output of printf() in kernels. The driver writes it to standard output when a context or stream is synchronised: that is
 * a file in memory here, from which the guest takes it. The file cannot grow; what does not fit is lost, as it is in the
 * device's own buffer.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../log.h"
#include "cuda.h"

#define OUTPUT_MAX	(16 << 20)

/* Bytes of output that the guest has taken. */
static off_t taken;

/**
 * cuda_printf_start() - put a file in memory in place of standard output
 *
 * Return: true if that worked. Context: before the process is sealed.
 */
bool cuda_printf_start(void)
{
	int fd = memfd_create("vgpu-printf", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, OUTPUT_MAX) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0 || dup2(fd, STDOUT_FILENO) < 0) {
		log_error("no place for kernels' output: %s", strerror(errno));
		return false;
	}
	close(fd);
	setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
	return true;
}

/* An idle stream of a context; NULL where it has none. */
static CUstream idle_stream(uint32_t ctx)
{
	CUstream stream = NULL;
	uint32_t i;

	pthread_mutex_lock(&cuda.lock);
	for (i = 0; i < VGPU_MAX_STREAMS && !stream; i++)
		if (cuda.streams[i].stream && cuda.streams[i].ctx == ctx && !cuda.streams[i].last_end)
			stream = cuda.streams[i].stream;
	pthread_mutex_unlock(&cuda.lock);
	return stream;
}

/*
 * The driver empties a context's buffer when it is synchronised, or one of its streams. Kernels that run are not waited
 * for: what they print comes with a later call. After a fault what is there can still be read.
 */
static void flush_contexts(void)
{
	CUstream stream;
	bool busy;
	uint32_t i;

	for (i = 0; i < VGPU_MAX_CONTEXTS; i++) {
		if (cuda_enter(i))
			continue;
		pthread_mutex_lock(&cuda.lock);
		busy = cuda.contexts[i].flights;
		pthread_mutex_unlock(&cuda.lock);
		stream = busy ? idle_stream(i) : NULL;
		if (stream)
			cu.cuStreamSynchronize(stream);
		else if (!busy)
			cu.cuCtxSynchronize();
	}
	fflush(stdout);
}

/* All taken: begins anew, and gives the memory back. */
static void rewind_output(void)
{
	if (!taken || lseek(STDOUT_FILENO, 0, SEEK_SET) < 0)
		return;
	fallocate(STDOUT_FILENO, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, OUTPUT_MAX);
	taken = 0;
}

/**
 * cuda_printf_read() - VGPU_OP_PRINTF_READ
 * @buffer: where to
 * @value: set to the bytes moved
 *
 * Return: CUresult. Context: the control thread.
 */
CUresult cuda_printf_read(const struct vgpu_op_buffer *buffer, uint64_t *value)
{
	char *out = cuda.session->aperture(buffer->out, buffer->len);
	off_t written;
	ssize_t n = 0;

	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	flush_contexts();
	/* The driver's place in the file is this one: there is one open file. */
	written = lseek(STDOUT_FILENO, 0, SEEK_CUR);
	if (written > taken)
		n = pread(STDOUT_FILENO, out, written - taken < (off_t)buffer->len ? (size_t)(written - taken) : buffer->len,
			  taken);
	if (n <= 0) {
		rewind_output();
		n = 0;
	}
	taken += n;
	*value = (uint64_t)n;
	return CUDA_SUCCESS;
}
