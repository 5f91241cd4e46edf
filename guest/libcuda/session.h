/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/*
 * Session: this process's open virtual GPU
 *
 * One for each device, opened when the first context is made and kept until the process ends. It
 * holds the queue pair, the payload heap, the device memory and the numbers of streams, modules and
 * functions. One lock guards all of it and every object that lives in it (contexts, streams,
 * events, modules, graphs).
 *
 * Lock order: device.c's locks (primary contexts, then sessions), session lock, handle.c's lock.
 *
 * Errors. A command that fails without anybody waiting for it is an asynchronous error: what
 * corrupts a process in CUDA sticks to the session, with the first cause, and every later call
 * answers it; anything else is told once, by the next call that synchronises.
 */
#ifndef VGPU_LIBCUDA_SESSION_H
#define VGPU_LIBCUDA_SESSION_H

#include <pthread.h>
#include <stdbool.h>
#include "cuda_api.h"
#include "devmem.h"
#include "heap.h"
#include "queue.h"

#define EXPORT __attribute__((visibility("default")))

struct context;
struct stream;

/**
 * struct foreign - pages outside of the device address range that the GPU's driver has put module globals on
 * @start: first address
 * @len: bytes
 * @next: found before
 */
struct foreign {
	uint64_t start;
	uint64_t len;
	struct foreign *next;
};

struct session {
	pthread_mutex_t lock;
	uint64_t reserved; /* device memory beside chunks: modules, contexts, what kernels have of their own */
	int ordinal; /* of the device */
	struct port *port;
	struct vgpu_session_info info;
	struct queue queue;
	struct heap heap;
	struct devmem mem;
	struct foreign *foreign; /* grows only, is read without the lock */
	struct extent_set pinned; /* host memory in the aperture; data is struct host_memory */
	struct extent_set registered; /* host memory of cuMemHostRegister; likewise */
	CUresult error; /* sticky, from the first asynchronous fault on */
	struct context *contexts[VGPU_MAX_CONTEXTS];
	struct stream *streams[VGPU_MAX_STREAMS];
	uint64_t *module_numbers; /* bit sets: taken */
	uint64_t *function_numbers;
	uint64_t *texture_numbers;
	bool uses_printf;
	uint64_t pinned_bytes; /* of the heap, held by cuMemHostAlloc */
	/* Deferred streams (defer.c). */
	struct stream *deferred; /* list */
	bool defer_running; /* its thread exists */
	bool defer_waiting; /* and sleeps */
	pthread_cond_t defer_work;
};

/**
 * session_open() - opens the device's session
 * @ordinal: of the device
 * @session: out
 *
 * Return: CUDA_SUCCESS or what went wrong. Called under device.c's lock, once for each device at a time.
 */
CUresult session_open(int ordinal, struct session **session);

/**
 * session_call() - submits a command and waits for it
 * @cmd: complete
 * @value: out, or NULL
 *
 * Return: its status as a CUresult. A failure is the caller's alone unless it is one that sticks.
 * Called with the lock held, which is let go of.
 */
CUresult session_call(struct session *session, const struct vgpu_cmd *cmd, uint64_t *value);

/**
 * session_reserve_more() - whether a command that failed is worth another try, with more memory beside chunks
 * @session: lock held
 * @result: of the command, VGPU_OP_MODULE_LOAD or VGPU_OP_CTX_LIMIT
 * @value: of its completion
 */
bool session_reserve_more(struct session *session, CUresult result, uint64_t value);

/**
 * session_reserve_less() - give back what modules that were unloaded had; whether that was anything
 * @session: lock held
 */
bool session_reserve_less(struct session *session);

/**
 * session_number() - takes the lowest free number
 * @numbers: session->module_numbers, session->function_numbers or session->texture_numbers
 * @count: numbers there are
 *
 * Return: it, or -1
 */
int session_number(uint64_t *numbers, unsigned int count);

/**
 * session_number_free() - gives a number back
 */
void session_number_free(uint64_t *numbers, int number);

/**
 * session_payload() - takes payload memory, waiting for commands in flight to give theirs back
 * where there is none
 * @len: bytes, not zero
 * @block: out
 *
 * Return: where it lies in this process, or NULL. The lock may be let go of.
 */
void *session_payload(struct session *session, uint64_t len, struct heap_block *block);

/**
 * session_printf() - moves what kernels printed to stdout
 *
 * At synchronising calls, where a module that prints was loaded. The lock is let go of.
 */
void session_printf(struct session *session);

/**
 * session_of() - the session whose device address range or aperture holds an address
 * Return: it, or NULL. Any thread, takes no lock.
 */
struct session *session_of(uint64_t addr);

/**
 * session_is_aperture() - whether an address lies in the session's aperture
 */
static inline bool session_is_aperture(const struct session *session, uint64_t addr)
{
	return addr - session->info.aperture_base < session->info.aperture_size;
}

/**
 * session_is_foreign() - whether an address lies on pages that session_add_foreign() was told of
 */
bool session_is_foreign(const struct session *session, uint64_t addr);

/**
 * session_add_foreign() - device memory lies outside of the device address range
 * @addr: first address
 * @size: bytes
 *
 * Its pages are reserved in this process, so that no host memory comes to have their addresses. Called with the lock
 * held.
 */
void session_add_foreign(struct session *session, uint64_t addr, uint64_t size);

/**
 * session_has() - whether [addr, addr + len) is allocated, of the device or pinned. With the session's lock held.
 */
bool session_has(struct session *session, uint64_t addr, uint64_t len);

/**
 * session_is_device() - whether an address is one of the session's device memory
 */
static inline bool session_is_device(const struct session *session, uint64_t addr)
{
	return addr - session->info.device_base < session->info.device_size ||
	       session_is_foreign(session, addr);
}

/**
 * session_aperture_offset() - offset in the aperture of an address in it
 */
static inline uint64_t session_aperture_offset(const struct session *session, uint64_t addr)
{
	return addr - session->info.aperture_base;
}

#endif
