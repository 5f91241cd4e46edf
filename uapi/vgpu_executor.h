/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* Copyright (c) vgpu authors */
/*
 * Kernel and executor
 * ===================
 *
 * /dev/vgpu-executor hands vetted work to userspace. It is opened by two kinds of process.
 *
 * A *supervisor* opens it once per physical GPU and attaches (VGPU_EXEC_ATTACH): it says which GPU it
 * serves and what that GPU is. The kernel makes the GPU known (mdev parent, types, netlink) or, where
 * the GPU's former supervisor died, gives it the GPU back. read() then returns struct vgpu_exec_event: a session that
 * needs a worker. poll() says when there is one. Workers start a few at a time: of another session it is told when one of those has said
 * VGPU_EXEC_READY, or will not. Where a process that it started dies before it has bound, it says so with
 * VGPU_EXEC_SPAWN_FAILED and is asked again, a few times, with other tokens; tokens that have bound are unknown by then, so
 * that it may say it of every process that dies. A supervisor that leaves an event unread for seconds is
 * taken to hang, and killed. Closing the file detaches; workers that run go on.
 *
 * A *worker* serves one session. Started by the supervisor with the token of a VGPU_EVENT_SPAWN, it
 * opens the device itself, binds (VGPU_EXEC_BIND), maps the rings at VGPU_EXEC_MMAP_RINGS, reserves the addresses, gives up its
 * privileges and says VGPU_EXEC_READY. A token is good for one bind, until the deadline of the event. The
 * file is bound to the process that bound it: calls from any other fail with EPERM. When the file is released the
 * worker is dead for the kernel, which then completes whatever it had not: exactly once, as lost.
 *
 * Rings. struct vgpu_exec_rings is shared memory: a dispatch ring that the kernel writes and a completion ring that the
 * worker writes, with free-running indices. The kernel keeps its own indices and believes nothing in the
 * rings but the entries of completions, which it copies once and checks: tag and generation must be
 * of a command that was dispatched to this worker and not completed. A completion that fails the check is
 * counted and dropped.
 *
 * A worker waits with VGPU_EXEC_WAIT: the kernel takes new completions, then sleeps until the dispatch ring has an entry that
 * the worker has not consumed, or the timeout; EBUSY while another thread does. VGPU_EXEC_KICK only takes completions and may be called by any thread
 * of the worker.
 *
 * Order. Entries are to be executed in ring order per stream. What a command waits for on other streams
 * has completed before it is dispatched. Entries of kind VGPU_DISPATCH_RANGE tell the worker of an aperture
 * range, to be mapped at aperture_base + offset from VGPU_EXEC_MMAP_APERTURE + offset before the entries behind it are looked at;
 * they are not completed.
 *
 * A worker is told to end by ENODEV from VGPU_EXEC_WAIT: it then exits. The kernel kills it (SIGKILL) where it does not, or
 * when the session is lost.
 */
#ifndef _UAPI_VGPU_EXECUTOR_H
#define _UAPI_VGPU_EXECUTOR_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include "vgpu_device.h"

#define VGPU_EXEC_DEVICE	"/dev/vgpu-executor"
#define VGPU_EXEC_VERSION	1

#define VGPU_EXEC_RING_ENTRIES	256	/* of each ring */

/* mmap offsets of a worker's file. */
#define VGPU_EXEC_MMAP_RINGS	0ULL
#define VGPU_EXEC_MMAP_APERTURE	(1ULL << 40)	/* plus the offset in the aperture */

/**
 * enum vgpu_engine - engine class of a command
 * @VGPU_ENGINE_COMPUTE: launches, memsets, copies within the device
 * @VGPU_ENGINE_COPY_IN: host to device
 * @VGPU_ENGINE_COPY_OUT: device to host
 * @VGPU_ENGINE_CONTROL: what uses no GPU time: modules, chunks, contexts
 * @VGPU_ENGINE_NONE: completed by the kernel: fences, waits, event records
 */
enum vgpu_engine {
	VGPU_ENGINE_COMPUTE = 0,
	VGPU_ENGINE_COPY_IN = 1,
	VGPU_ENGINE_COPY_OUT = 2,
	VGPU_ENGINE_CONTROL = 3,
	VGPU_ENGINE_COUNT = 4,
	VGPU_ENGINE_NONE = 4,
};

/*
 * Module globals lie where the GPU's driver puts them, not in the device address range: the kernel then lets copies and
 * memsets name device addresses outside of it, which the worker's own driver checks.
 */
#define VGPU_ATTACH_GLOBALS_ANYWHERE	(1u << 0)
#define VGPU_ATTACH_FLAGS_ALL		VGPU_ATTACH_GLOBALS_ANYWHERE

/**
 * struct vgpu_exec_attach - VGPU_EXEC_ATTACH
 * @version: VGPU_EXEC_VERSION
 * @flags: VGPU_ATTACH_*
 * @name: name of the GPU for people and in sysfs: [a-z0-9._-], NUL-terminated, e.g. "soft0"
 * @pci: PCI address of the GPU ("0000:65:00.0") or empty where it has none
 * @memory: device memory in bytes that may be given to virtual GPUs
 * @granule: chunk granularity in bytes, a power of two, 64 KiB to 1 GiB
 * @session_overhead: device memory in bytes that a worker takes beside chunks; charged to each session's quota
 * @reserved: zero
 * @info: the GPU; memory and uuid are filled by the kernel for each virtual GPU
 */
struct vgpu_exec_attach {
	__u32 version;
	__u32 flags;
	char name[32];
	char pci[16];
	__u64 memory;
	__u64 granule;
	__u64 session_overhead;
	__u64 reserved[4];
	struct vgpu_gpu_info info;
};

/**
 * enum vgpu_exec_event_type - what a supervisor reads
 * @VGPU_EVENT_SPAWN: start a worker that binds with @token within @deadline_ns
 */
enum vgpu_exec_event_type {
	VGPU_EVENT_SPAWN = 1,
};

/**
 * struct vgpu_exec_event - one event; read() returns whole events only
 * @type: enum vgpu_exec_event_type
 * @session: number of the session in its virtual GPU
 * @token: secret that VGPU_EXEC_BIND takes
 * @deadline_ns: CLOCK_MONOTONIC time after which the token is void
 * @uuid: UUID of the virtual GPU
 */
struct vgpu_exec_event {
	__u32 type;
	__u32 session;
	__u64 token;
	__u64 deadline_ns;
	__u8 uuid[16];
};

/**
 * struct vgpu_exec_bind - VGPU_EXEC_BIND
 * @token: from the event
 * @version: VGPU_EXEC_VERSION
 * @flags: zero
 * @generation: out: of this worker; every dispatch carries it and every completion must
 * @session: out: number of the session in its virtual GPU
 * @uuid: out: UUID of the virtual GPU
 * @device_size: out: bytes of device address range to reserve
 * @chunk_size: out: bytes of it, from its start, for the guest's chunks; the rest is for module globals
 * @aperture_size: out: bytes of aperture to reserve addresses for
 * @granule: out: chunk granularity in bytes
 * @memory: out: device memory quota in bytes
 * @tier: zero; out: enum vgpu_tier of the virtual GPU, which may change while the worker runs
 * @reserved: zero
 */
struct vgpu_exec_bind {
	__u64 token;
	__u32 version;
	__u32 flags;
	__u32 generation;
	__u32 session;
	__u8 uuid[16];
	__u64 device_size;
	__u64 chunk_size;
	__u64 aperture_size;
	__u64 granule;
	__u64 memory;
	__u32 tier;
	__u32 reserved;
};

/**
 * struct vgpu_exec_ready - VGPU_EXEC_READY
 * @device_base: first device address, a multiple of the granule; base + size is at most 2^47
 * @aperture_base: address of aperture offset 0, page-aligned, disjoint from the device range
 * @status: 0, or the CUresult for which the worker could not start; the session is then lost
 * @reserved: zero
 */
struct vgpu_exec_ready {
	__u64 device_base;
	__u64 aperture_base;
	__u32 status;
	__u32 reserved[3];
};

/**
 * struct vgpu_exec_wait - VGPU_EXEC_WAIT
 * @timeout_ns: longest sleep; 0 does not sleep
 * @consumed: index after the last dispatch entry that the worker has consumed
 * @tail: out: index after the last dispatch entry written
 */
struct vgpu_exec_wait {
	__u64 timeout_ns;
	__u32 consumed;
	__u32 tail;
};

/**
 * struct vgpu_exec_spawn_failed - VGPU_EXEC_SPAWN_FAILED
 * @token: of the event
 * @status: the CUresult with which the session is lost where this was the last try; 0 for none in particular
 * @reserved: zero
 *
 * ENOENT: no session waits for a worker with this token any more.
 */
struct vgpu_exec_spawn_failed {
	__u64 token;
	__u32 status;
	__u32 reserved;
};

#define VGPU_EXEC_MAGIC		0xB7
#define VGPU_EXEC_ATTACH	_IOW(VGPU_EXEC_MAGIC, 0x00, struct vgpu_exec_attach)
#define VGPU_EXEC_BIND		_IOWR(VGPU_EXEC_MAGIC, 0x01, struct vgpu_exec_bind)
#define VGPU_EXEC_READY		_IOW(VGPU_EXEC_MAGIC, 0x02, struct vgpu_exec_ready)
#define VGPU_EXEC_WAIT		_IOWR(VGPU_EXEC_MAGIC, 0x03, struct vgpu_exec_wait)
#define VGPU_EXEC_KICK		_IO(VGPU_EXEC_MAGIC, 0x04)
#define VGPU_EXEC_SPAWN_FAILED	_IOW(VGPU_EXEC_MAGIC, 0x05, struct vgpu_exec_spawn_failed)

/**
 * enum vgpu_dispatch_kind - what a dispatch entry is
 * @VGPU_DISPATCH_CMD: a command
 * @VGPU_DISPATCH_RANGE: an aperture range: cmd.raw[0] offset, cmd.raw[1] length
 */
enum vgpu_dispatch_kind {
	VGPU_DISPATCH_CMD = 0,
	VGPU_DISPATCH_RANGE = 1,
};

/**
 * struct vgpu_dispatch - entry of the dispatch ring, 96 bytes
 * @tag: names the command in its completion
 * @generation: of the worker
 * @kind: enum vgpu_dispatch_kind
 * @engine: enum vgpu_engine
 * @run: number of the run on its GPU; commands of one run are consecutive
 * @reserved: zero
 * @cmd: the command as vetted
 */
struct vgpu_dispatch {
	__u64 tag;
	__u32 generation;
	__u16 kind;
	__u16 engine;
	__u64 run;
	__u64 reserved;
	struct vgpu_cmd cmd;
};

/**
 * struct vgpu_completion - entry of the completion ring, 32 bytes
 * @tag: of the dispatch
 * @generation: of the dispatch
 * @status: CUresult
 * @value: as the opcode defines
 * @gpu_ns: time on the GPU, a metric only
 */
struct vgpu_completion {
	__u64 tag;
	__u32 generation;
	__u32 status;
	__u64 value;
	__u64 gpu_ns;
};

/**
 * struct vgpu_exec_rings - the mapping at VGPU_EXEC_MMAP_RINGS
 * @dispatch_tail: written by the kernel
 * @completion_head: written by the kernel: entries before it may be overwritten
 * @dispatch_head: written by the worker: entries before it may be overwritten
 * @completion_tail: written by the worker
 * @dispatch: index i is at i % VGPU_EXEC_RING_ENTRIES
 * @completion: likewise
 */
struct vgpu_exec_rings {
	__u32 dispatch_tail;
	__u32 completion_head;
	__u32 reserved0[14];
	__u32 dispatch_head;
	__u32 completion_tail;
	__u32 reserved1[14];
	struct vgpu_dispatch dispatch[VGPU_EXEC_RING_ENTRIES];
	struct vgpu_completion completion[VGPU_EXEC_RING_ENTRIES];
};

#endif /* _UAPI_VGPU_EXECUTOR_H */
