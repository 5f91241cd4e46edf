/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * A stand-in for the executor: a supervisor without a GPU, and puppets, worker processes that do one
 * thing after another as they are told, sound or hostile.
 */
#ifndef VGPU_TEST_STANDIN_H
#define VGPU_TEST_STANDIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "uapi/vgpu_executor.h"

#define STANDIN_GRANULE		(2ULL << 20)
#define STANDIN_DEVICE_BASE	(1ULL << 45)
#define STANDIN_APERTURE_BASE	(1ULL << 44)
#define STANDIN_PATIENCE_NS	60000000000ULL	/* for what comes at once on a machine that is not emulated */

void standin_describe(struct vgpu_exec_attach *attach, const char *name, uint64_t memory);
int standin_attach(const struct vgpu_exec_attach *attach);
int standin_event(int supervisor, struct vgpu_exec_event *event);

int mdev_create(const char *parent, const char *type, const char *uuid);
int mdev_remove(const char *uuid);
bool mdev_exists(const char *uuid);
uint64_t mdev_counter(const char *uuid, const char *name);
uint64_t gpu_counter(const char *gpu, const char *name);
int64_t read_number(const char *path);

/**
 * enum puppet_op - what a puppet can be told
 *
 * a[] are the arguments; the call returns the result or a negative errno and fills in out[].
 *
 * @PUPPET_OPEN: opens the executor device
 * @PUPPET_CLOSE: closes it
 * @PUPPET_BIND: token, version, flags; out: generation, session, aperture size, memory quota
 * @PUPPET_READY: device base, aperture base, status, reserved
 * @PUPPET_WAIT: timeout, consumed; out: tail
 * @PUPPET_WAIT_BESIDE: consumed: has another thread wait, and waits itself until that fails: its errno
 * @PUPPET_KICK: takes completions
 * @PUPPET_RINGS: maps the rings
 * @PUPPET_FETCH: dispatch index; copies the entry to the reply
 * @PUPPET_CONSUME: index, stored in dispatch_head
 * @PUPPET_COMPLETE: tag, generation, status, value: writes a completion and moves the tail
 * @PUPPET_SET_TAIL: completion_tail
 * @PUPPET_MAP: offset in the device file, length, PROT_*, MAP_*; out: address
 * @PUPPET_UNMAP: address, length
 * @PUPPET_PEEK: address; out: 64 bits there; -EFAULT where the access faults
 * @PUPPET_POKE: address, value
 * @PUPPET_REMAP_FILE_PAGES: address, length, page offset
 * @PUPPET_MREMAP: address, old length, new length
 * @PUPPET_MPROTECT: address, length, PROT_*
 * @PUPPET_MADVISE: address, length, MADV_*
 * @PUPPET_CHILD_KICK: a child that inherited the file kicks
 * @PUPPET_CHILD_PEEK: address: as PUPPET_PEEK, in a child
 * @PUPPET_PIN: address, length: pins the pages for long, as a driver that does DMA does
 * @PUPPET_DMA: address, value: writes 64 bits through the pin
 * @PUPPET_UNPIN: lets go of the pin
 * @PUPPET_FAIL_NTH: which of the following allocations of the kernel fails, of those that what it is told to do next takes
 * @PUPPET_HAS_FAILED: 1 if it has; no more will
 * @PUPPET_LEAVE_FILE: from now on a child obeys, which has the pin and holds the file; the parent sleeps
 * @PUPPET_LEAVE_PIN: from now on a child obeys, which has the pin, but not the file; the parent sleeps
 */
enum puppet_op {
	PUPPET_OPEN,
	PUPPET_CLOSE,
	PUPPET_BIND,
	PUPPET_READY,
	PUPPET_WAIT,
	PUPPET_WAIT_BESIDE,
	PUPPET_KICK,
	PUPPET_RINGS,
	PUPPET_FETCH,
	PUPPET_CONSUME,
	PUPPET_COMPLETE,
	PUPPET_SET_TAIL,
	PUPPET_MAP,
	PUPPET_UNMAP,
	PUPPET_PEEK,
	PUPPET_POKE,
	PUPPET_REMAP_FILE_PAGES,
	PUPPET_MREMAP,
	PUPPET_MPROTECT,
	PUPPET_MADVISE,
	PUPPET_CHILD_KICK,
	PUPPET_CHILD_PEEK,
	PUPPET_PIN,
	PUPPET_DMA,
	PUPPET_UNPIN,
	PUPPET_FAIL_NTH,
	PUPPET_HAS_FAILED,
	PUPPET_LEAVE_FILE,
	PUPPET_LEAVE_PIN,
};

/**
 * struct puppet - a worker process
 * @pid: its process, 0 if there is none
 * @sock: by which it is told
 * @out: of the last call
 * @dispatch: of the last PUPPET_FETCH
 * @generation: as PUPPET_BIND told
 * @consumed: dispatch entries taken by puppet_next()
 */
struct puppet {
	pid_t pid;
	int sock;
	uint64_t out[4];
	struct vgpu_dispatch dispatch;
	uint32_t generation;
	uint32_t consumed;
};

void puppet_start(struct puppet *puppet);
int64_t puppet_call(struct puppet *puppet, enum puppet_op op, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);
void puppet_kill(struct puppet *puppet);
bool puppet_wait_killed(struct puppet *puppet);

int puppet_serve(struct puppet *puppet, int supervisor);
int puppet_next(struct puppet *puppet, struct vgpu_dispatch *dispatch);
int puppet_complete(struct puppet *puppet, const struct vgpu_dispatch *dispatch, uint32_t status, uint64_t value);

#endif /* VGPU_TEST_STANDIN_H */
