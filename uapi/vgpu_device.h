/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* Copyright (c) vgpu authors */
/*
 * The virtual GPU as a guest sees it
 * ==================================
 *
 * A virtual GPU is a PCI device, class 0x120000 (processing accelerator), with MSI-X and two memory BARs.
 * BAR0 holds registers and is trapped. BAR2, 64-bit and prefetchable, is the *aperture*: ordinary memory
 * that guest and executor share. The device never does DMA into guest memory: everything that the two
 * sides exchange lies in the aperture. All values are little-endian.
 *
 * Start. The driver reads VGPU_REG_MAGIC and VGPU_REG_VERSION, refuses a major version that it does not
 * know, reads VGPU_REG_FEATURES, writes the subset that it uses to VGPU_REG_DRIVER_FEATURES, and writes
 * VGPU_STATUS_DRIVER_OK to VGPU_REG_STATUS. Writing zero to VGPU_REG_STATUS resets the device: all
 * sessions end; when VGPU_STATUS_RESETTING is gone, the aperture reads as zeros.
 *
 * Control. A control operation is made by writing VGPU_REG_CTL_SESSION and the VGPU_REG_CTL_ARG registers
 * that the operation takes, then the operation to VGPU_REG_CTL_OP; VGPU_REG_CTL_RESULT then holds its
 * status (enum vgpu_status). The driver serialises control operations.
 *
 * Sessions. A session is one guest process's open device: a submission queue (SQ), a completion queue (CQ)
 * and ranges of the aperture for payload. VGPU_CTL_SESSION_CREATE names a page-aligned queue area in the
 * aperture, laid out as
 *
 *	struct vgpu_queue_header		one page
 *	struct vgpu_cmd sq[sq_entries]		page-aligned
 *	struct vgpu_cqe cq[cq_entries]		page-aligned
 *
 * and the MSI-X vector of its completions. VGPU_CTL_RANGE_ADD gives a session a payload range. Queue areas
 * and ranges of all sessions are disjoint. Ranges stay with a session until it ends.
 * VGPU_CTL_SESSION_DESTROY begins the end of a session; the session's state register, at
 * VGPU_REG_SESSION_STATE(n), reads VGPU_SESSION_FREE when the executor has let go of its memory, and vector
 * VGPU_VECTOR_CONFIG is raised. Only then may the driver reuse the memory or the session's number.
 *
 * Submission. Indices are free-running 32-bit counters; the slot of index i is i & (entries - 1). The guest
 * writes commands, then (with release ordering) sq_tail in the header, then, if the new tail passes
 * sq_event, any value to the session's doorbell. The device stores in sq_event the tail that it has seen
 * before it stops looking, so that a submission to an awake device costs no exit:
 * ring if (u32)(new_tail - sq_event - 1) < (u32)(new_tail - old_tail), with a full barrier between the
 * store of sq_tail and the load of sq_event. A slot may be written again once sq_head has passed it.
 *
 * The index at which a command stood is its *sequence number*. Its completion carries it.
 *
 * Completion. Every command fetched gets exactly one struct vgpu_cqe; completions of different streams come
 * in any order. The phase bit of an entry is 1 in the first pass over the CQ, 0 in the second, and so on.
 * The guest consumes entries and stores cq_head (release). It keeps sq_tail - cq_head at most cq_entries and
 * sq_tail - sq_head at most sq_entries; a session whose indices say otherwise is lost. A vector is raised when the CQ's tail passes cq_event:
 * (u32)(new - cq_event - 1) < (u32)(new - old); the guest stores in cq_event the last tail it has consumed before it
 * sleeps, then looks once more.
 *
 * Streams. Commands of one stream execute in order; commands of different streams in any order, except
 * through VGPU_OP_STREAM_WAIT and VGPU_OP_FENCE. Stream 0 is the session's control stream. A command
 * that fails does not stop its stream; the guest library implements CUDA's sticky errors, and the session
 * is *lost* where CUDA's process would be: VGPU_SESSION_LOST, and every later command completes with
 * VGPU_ST_SESSION_LOST.
 *
 * Addresses. VGPU_OP_SESSION_INIT, the first command of a session, returns struct vgpu_session_info: the
 * device address range that the executor reserved (the guest library reserves the same virtual range in
 * its process, so that device pointers are unique), and the address at which the executor sees the aperture (the
 * library maps its ranges at the same address, so that pinned memory has one address on both sides).
 * Device memory appears in the range by VGPU_OP_CHUNK_MAP in multiples of the granule: this is what the
 * memory quota counts.
 */
#ifndef _UAPI_VGPU_DEVICE_H
#define _UAPI_VGPU_DEVICE_H

#include <linux/types.h>

#define VGPU_PCI_VENDOR_ID	0x1af4
#define VGPU_PCI_DEVICE_ID	0x10f0
#define VGPU_PCI_CLASS		0x120000
#define VGPU_PCI_REVISION	0x01

#define VGPU_BAR_REGISTERS	0
#define VGPU_BAR_APERTURE	2

#define VGPU_MAX_SESSIONS	64
#define VGPU_PAGE_SIZE		4096

/* BAR0 */
#define VGPU_BAR0_SIZE		0x80000
#define VGPU_BAR0_GPU_INFO	0x01000	/* struct vgpu_gpu_info, read-only */
#define VGPU_BAR0_MSIX_TABLE	0x02000
#define VGPU_BAR0_MSIX_PBA	0x03000
#define VGPU_BAR0_DOORBELL(n)	(0x10000 + (n) * VGPU_PAGE_SIZE)

/* MSI-X vectors: 0 for the device, the others are given to sessions by the driver. */
#define VGPU_VECTOR_CONFIG	0
#define VGPU_NUM_VECTORS	(1 + VGPU_MAX_SESSIONS)

/*
 * Registers. Accesses are naturally aligned and 4 bytes wide; 64-bit registers may also be accessed with
 * 8 bytes. Reading an undefined register gives zero, writing one is ignored and counted.
 */
#define VGPU_REG_MAGIC			0x000	/* ro, VGPU_MAGIC */
#define VGPU_REG_VERSION		0x004	/* ro, major << 16 | minor */
#define VGPU_REG_FEATURES		0x008	/* ro, 64 bits, VGPU_F_* */
#define VGPU_REG_DRIVER_FEATURES	0x010	/* rw, 64 bits */
#define VGPU_REG_STATUS			0x018	/* rw, VGPU_STATUS_*; writing 0 resets */
#define VGPU_REG_NUM_SESSIONS		0x01c	/* ro, sessions that policy allows */
#define VGPU_REG_APERTURE_SIZE		0x020	/* ro, 64 bits, bytes */
#define VGPU_REG_MEMORY_SIZE		0x028	/* ro, 64 bits, device memory quota in bytes */
#define VGPU_REG_GRANULE		0x030	/* ro, 64 bits, chunk granularity in bytes */
#define VGPU_REG_QUEUE_DEPTH		0x038	/* ro, commands outstanding that admission allows */
#define VGPU_REG_MEMORY_USED		0x040	/* ro, 64 bits, bytes of the quota that all sessions have in use */
#define VGPU_REG_CTL_SESSION		0x100	/* rw, session number */
#define VGPU_REG_CTL_OP			0x104	/* wo, enum vgpu_ctl_op; executes the operation */
#define VGPU_REG_CTL_RESULT		0x108	/* ro, enum vgpu_status */
#define VGPU_REG_CTL_ARG(i)		(0x110 + (i) * 8)	/* rw, 64 bits, i in 0..3 */
#define VGPU_REG_SESSION_STATE(n)	(0x200 + (n) * 4)	/* ro, enum vgpu_session_state */

#define VGPU_MAGIC		0x55504776	/* "vGPU" */
#define VGPU_VERSION_MAJOR	1
#define VGPU_VERSION_MINOR	0
#define VGPU_VERSION		(VGPU_VERSION_MAJOR << 16 | VGPU_VERSION_MINOR)

/* Features; bits above VGPU_F_ALL are zero. None is defined in version 1.0. */
#define VGPU_F_ALL		0ULL

#define VGPU_STATUS_DRIVER_OK	(1u << 0)	/* written by the driver */
#define VGPU_STATUS_GPU_READY	(1u << 1)	/* ro: an executor is attached */
#define VGPU_STATUS_QUARANTINED	(1u << 2)	/* ro: submissions are refused by the host's policy */
#define VGPU_STATUS_RESETTING	(1u << 3)	/* ro: a reset is under way; nothing may be written until it reads 0 */

/**
 * enum vgpu_ctl_op - control operations
 * @VGPU_CTL_SESSION_CREATE: ARG0 queue area offset in the aperture (page-aligned), ARG1 SQ entries,
 *	ARG2 CQ entries (powers of two, VGPU_QUEUE_MIN..VGPU_QUEUE_MAX), ARG3 MSI-X vector
 * @VGPU_CTL_SESSION_DESTROY: no arguments
 * @VGPU_CTL_RANGE_ADD: ARG0 offset, ARG1 length, both page-aligned, length not zero
 */
enum vgpu_ctl_op {
	VGPU_CTL_SESSION_CREATE = 1,
	VGPU_CTL_SESSION_DESTROY = 2,
	VGPU_CTL_RANGE_ADD = 3,
};

#define VGPU_QUEUE_MIN		16
#define VGPU_QUEUE_MAX		4096
#define VGPU_MAX_RANGES		256	/* payload ranges of one session */

/**
 * enum vgpu_session_state - life of a session, as VGPU_REG_SESSION_STATE tells it
 * @VGPU_SESSION_FREE: the number may be used by VGPU_CTL_SESSION_CREATE
 * @VGPU_SESSION_ACTIVE: accepts commands
 * @VGPU_SESSION_LOST: its executor process is dead or being killed; every command completes with
 *	VGPU_ST_SESSION_LOST; destroy it
 * @VGPU_SESSION_CLOSING: destroyed, but the executor has not let go of its memory
 */
enum vgpu_session_state {
	VGPU_SESSION_FREE = 0,
	VGPU_SESSION_ACTIVE = 1,
	VGPU_SESSION_LOST = 2,
	VGPU_SESSION_CLOSING = 3,
};

/**
 * struct vgpu_queue_header - first page of a session's queue area
 * @sq_tail: written by the guest: index after the last command submitted
 * @cq_head: written by the guest: index of the first completion not consumed
 * @cq_event: written by the guest: raise the vector when the CQ's tail passes this
 * @sq_head: written by the device: commands before this index have been fetched
 * @sq_event: written by the device: ring the doorbell when sq_tail passes this
 * @cq_tail: written by the device: index after the last completion (the phase bit says the same)
 *
 * What each side writes is on cache lines of its own. Everything else in the page is reserved, zero.
 */
struct vgpu_queue_header {
	__u32 sq_tail;
	__u32 cq_head;
	__u32 cq_event;
	__u32 reserved0[13];
	__u32 sq_head;
	__u32 sq_event;
	__u32 cq_tail;
	__u32 reserved1[13];
};

/**
 * enum vgpu_op - opcodes of struct vgpu_cmd
 *
 * "waits": the guest library waits for the completion before it returns to the program. Addresses named
 * aperture are offsets in the aperture, inside one range of the session.
 *
 * @VGPU_OP_SESSION_INIT: (stream 0) first command of a session; @init; waits
 * @VGPU_OP_FENCE: completes when everything submitted before it on its stream (with VGPU_CMD_F_ALL, on every
 *	stream of the session) has completed; commands behind it on its stream wait for it
 * @VGPU_OP_STREAM_WAIT: @wait; commands behind it on its stream start after command @wait.seq, submitted
 *	earlier on any stream of the session, has completed
 * @VGPU_OP_EVENT_RECORD: completes as VGPU_OP_FENCE does; the completion's value is a time in nanoseconds
 * @VGPU_OP_CTX_CREATE: (stream 0) makes CUDA context ctx; @object.flags are CUctx_flags; waits
 * @VGPU_OP_CTX_DESTROY: (stream 0) ends CUDA context ctx
 * @VGPU_OP_CTX_LIMIT: (stream 0) sets a CUlimit; @limit; waits
 * @VGPU_OP_STREAM_CREATE: makes the stream named in the header; @object; fire and forget
 * @VGPU_OP_STREAM_DESTROY: ends it after the work before
 * @VGPU_OP_CHUNK_MAP: (stream 0) backs @chunk with zeroed device memory, or, with VGPU_CHUNK_ALIAS, with that of the chunk
 *	at @chunk.source, mapped with VGPU_CHUNK_SHARED and as long, which then is at both addresses and counts once; waits
 * @VGPU_OP_CHUNK_UNMAP: (stream 0) takes the backing away: of aliases, with VGPU_CHUNK_ALIAS, each whole, or of what is none and has
 *	none any more. The library has fenced its use
 * @VGPU_OP_COPY_IN: host to device: @copy.src aperture, @copy.dst device address
 * @VGPU_OP_COPY_OUT: device to host: @copy.src device address, @copy.dst aperture
 * @VGPU_OP_COPY_DEVICE: within the device
 * @VGPU_OP_MEMSET: @memset
 * @VGPU_OP_MODULE_LOAD: (stream 0) @module; waits; the completion's value is the length of the log
 *	written, with VGPU_MODULE_USES_PRINTF set in it where kernels of the module may print
 * @VGPU_OP_MODULE_UNLOAD: (stream 0) @module.module
 * @VGPU_OP_FUNC_GET: (stream 0) binds function number @get.id to the kernel of that name; writes struct
 *	vgpu_func_info to @get.out; waits
 * @VGPU_OP_GLOBAL_GET: (stream 0) writes struct vgpu_global_info of the named variable to @get.out; waits
 * @VGPU_OP_FUNC_SET: (stream 0) sets a CUfunction_attribute; @attr; waits
 * @VGPU_OP_LAUNCH: @launch
 * @VGPU_OP_PRINTF_READ: (stream 0) moves pending kernel printf output to @buffer; the completion's value is
 *	the number of bytes; waits
 * @VGPU_OP_RESERVE: (stream 0) @reserve: device memory that the executor may take beside chunks, for modules, further
 *	contexts, stacks, local memory and the heap of kernels; it counts in the quota; one at a time; waits
 * @VGPU_OP_TEXTURE_CREATE: (stream 0) makes texture object @texture.texture over device memory that the guest keeps
 *	allocated; the completion's value is the handle that kernels take; waits
 * @VGPU_OP_TEXTURE_DESTROY: (stream 0) ends @texture.texture. The library has fenced its use
 *
 * Where VGPU_OP_MODULE_LOAD, VGPU_OP_CTX_LIMIT, VGPU_OP_CTX_CREATE, VGPU_OP_FUNC_GET or VGPU_OP_RESERVE fail with CUDA_ERROR_OUT_OF_MEMORY because the
 * reserve is too small, the completion's value shifted right by VGPU_LACKING_SHIFT is the number of granules that it
 * lacks; the library makes it larger and tries again.
 */
enum vgpu_op {
	VGPU_OP_SESSION_INIT = 1,
	VGPU_OP_FENCE = 2,
	VGPU_OP_STREAM_WAIT = 3,
	VGPU_OP_EVENT_RECORD = 4,
	VGPU_OP_CTX_CREATE = 5,
	VGPU_OP_CTX_DESTROY = 6,
	VGPU_OP_CTX_LIMIT = 7,
	VGPU_OP_STREAM_CREATE = 8,
	VGPU_OP_STREAM_DESTROY = 9,
	VGPU_OP_CHUNK_MAP = 10,
	VGPU_OP_CHUNK_UNMAP = 11,
	VGPU_OP_COPY_IN = 12,
	VGPU_OP_COPY_OUT = 13,
	VGPU_OP_COPY_DEVICE = 14,
	VGPU_OP_MEMSET = 15,
	VGPU_OP_MODULE_LOAD = 16,
	VGPU_OP_MODULE_UNLOAD = 17,
	VGPU_OP_FUNC_GET = 18,
	VGPU_OP_GLOBAL_GET = 19,
	VGPU_OP_FUNC_SET = 20,
	VGPU_OP_LAUNCH = 21,
	VGPU_OP_PRINTF_READ = 22,
	VGPU_OP_RESERVE = 23,
	VGPU_OP_TEXTURE_CREATE = 24,
	VGPU_OP_TEXTURE_DESTROY = 25,
	VGPU_OP_COUNT
};

/* Flags of struct vgpu_cmd. */
#define VGPU_CMD_F_ALL		(1u << 0)	/* VGPU_OP_FENCE, VGPU_OP_EVENT_RECORD: of every stream */
#define VGPU_CMD_F_COOPERATIVE	(1u << 1)	/* VGPU_OP_LAUNCH: all blocks resident at once */

/* Bounds of the numbers that the guest library gives to objects inside its session. */
#define VGPU_MAX_CONTEXTS	64
#define VGPU_MAX_STREAMS	1024
#define VGPU_MAX_MODULES	65536
#define VGPU_MAX_FUNCTIONS	65536
#define VGPU_MAX_TEXTURES	65536

/* Bounds of commands. */
#define VGPU_MAX_COPY		(64ULL << 20)	/* bytes of one copy or memset, height × width */
#define VGPU_MAX_IMAGE		(1ULL << 30)	/* bytes of a module image */
#define VGPU_MAX_LOG		(1u << 20)
#define VGPU_MAX_PARAMS		32764		/* bytes of launch parameters (CUDA 12.1 on) */
#define VGPU_MAX_NAME		4096
#define VGPU_MAX_BLOCK_THREADS	1024
#define VGPU_MAX_GRID_X		2147483647u
#define VGPU_MAX_GRID_YZ	65535u
#define VGPU_MAX_BLOCK_XY	1024u
#define VGPU_MAX_BLOCK_Z	64u
#define VGPU_MAX_SHARED		(228u << 10)
#define VGPU_MAX_TEXELS		(1u << 28)	/* of a texture in linear memory */
#define VGPU_MAX_TEXTURE	(1u << 17)	/* width and height of another, in texels */
#define VGPU_MAX_TEXTURE_DEPTH	(1u << 14)	/* slices or layers */

#define VGPU_MODULE_USES_PRINTF	(1ULL << 32)
#define VGPU_LACKING_SHIFT	40

/**
 * enum vgpu_image_kind - what VGPU_OP_MODULE_LOAD is given
 * @VGPU_IMAGE_AUTO: PTX text, cubin (ELF) or fatbin, told apart by the executor
 * @VGPU_IMAGE_LINK: a sequence of inputs to be linked: struct vgpu_link_input and its bytes, each padded to 8
 */
enum vgpu_image_kind {
	VGPU_IMAGE_AUTO = 0,
	VGPU_IMAGE_LINK = 1,
};

/**
 * struct vgpu_link_input - header of one input in an image of kind VGPU_IMAGE_LINK
 * @len: bytes that follow
 * @type: CUjitInputType
 * @name_len: length of the name, with its NUL, that stands before the bytes
 */
struct vgpu_link_input {
	__u64 len;
	__u32 type;
	__u32 name_len;
};

struct vgpu_op_init {
	__u64 out;		/* aperture: struct vgpu_session_info */
	__u64 reserved[5];
};

struct vgpu_op_wait {
	__u32 seq;		/* sequence number, before this command's own */
	__u32 reserved[11];
};

struct vgpu_op_object {
	__u32 flags;
	__s32 priority;		/* VGPU_OP_STREAM_CREATE */
	__u32 reserved[10];
};

struct vgpu_op_limit {
	__u64 value;
	__u32 limit;		/* CUlimit */
	__u32 reserved[9];
};

struct vgpu_op_reserve {
	__u64 bytes;		/* in all, multiple of the granule; 0 for none */
	__u64 reserved[5];
};

struct vgpu_op_chunk {
	__u64 addr;		/* device address, multiple of the granule */
	__u64 len;		/* bytes, multiple of the granule, not zero */
	__u64 source;		/* device address for VGPU_CHUNK_ALIAS, else 0 */
	__u64 flags;
	__u64 reserved[2];
};

#define VGPU_CHUNK_SHARED	(1ULL << 0)	/* of CHUNK_MAP: it may have aliases */
#define VGPU_CHUNK_ALIAS	(1ULL << 1)	/* no memory of its own */

/* Rows of @width bytes; height 1 for a plain copy, whose pitches are zero. Pitches are at least the width. */
struct vgpu_op_copy {
	__u64 dst;
	__u64 src;
	__u64 width;		/* bytes of a row, not zero */
	__u64 dst_pitch;	/* bytes from row to row */
	__u64 src_pitch;
	__u32 height;		/* rows, at least 1 */
	__u32 reserved;
};

struct vgpu_op_memset {
	__u64 dst;		/* device address, multiple of elem */
	__u64 width;		/* elements of a row, not zero */
	__u64 pitch;		/* bytes from row to row; 0 if height is 1 */
	__u32 value;
	__u32 elem;		/* bytes of an element: 1, 2 or 4 */
	__u32 height;		/* rows, at least 1 */
	__u32 reserved[3];
};

struct vgpu_op_module {
	__u64 image;		/* aperture */
	__u64 image_len;	/* bytes, 1..VGPU_MAX_IMAGE */
	__u64 log;		/* aperture; ignored if log_len is 0 */
	__u32 log_len;		/* bytes, up to VGPU_MAX_LOG */
	__u32 module;		/* number, below VGPU_MAX_MODULES */
	__u32 kind;		/* enum vgpu_image_kind */
	__u32 reserved[3];
};

struct vgpu_op_get {
	__u64 name;		/* aperture: the name, no NUL needed */
	__u64 out;		/* aperture */
	__u32 name_len;		/* bytes, 1..VGPU_MAX_NAME */
	__u32 out_len;		/* bytes at out */
	__u32 module;
	__u32 id;		/* VGPU_OP_FUNC_GET: number, below VGPU_MAX_FUNCTIONS */
	__u32 reserved[4];
};

struct vgpu_op_attr {
	__u32 func;
	__u32 attr;		/* CUfunction_attribute */
	__s32 value;
	__u32 reserved[9];
};

struct vgpu_op_launch {
	__u64 params;		/* aperture: parameters as laid out by the kernel; ignored if params_len is 0 */
	__u32 params_len;	/* bytes, up to VGPU_MAX_PARAMS */
	__u32 func;
	__u32 grid[3];		/* blocks */
	__u32 block[3];		/* threads */
	__u32 shared;		/* bytes of dynamic shared memory */
	__u32 reserved;
};

/**
 * enum vgpu_texture_kind - shape of a texture
 * @VGPU_TEXTURE_LINEAR: @width texels one behind the other, read by their number
 * @VGPU_TEXTURE_1D: one row
 * @VGPU_TEXTURE_2D: rows, @pitch bytes apart
 * @VGPU_TEXTURE_3D: @depth slices of @height rows each
 * @VGPU_TEXTURE_1D_LAYERED: @depth layers of one row
 * @VGPU_TEXTURE_2D_LAYERED: @depth layers of @height rows
 */
enum vgpu_texture_kind {
	VGPU_TEXTURE_LINEAR = 0,
	VGPU_TEXTURE_1D = 1,
	VGPU_TEXTURE_2D = 2,
	VGPU_TEXTURE_3D = 3,
	VGPU_TEXTURE_1D_LAYERED = 4,
	VGPU_TEXTURE_2D_LAYERED = 5,
};

/* Flags of struct vgpu_op_texture. */
#define VGPU_TEXTURE_F_LINEAR		(1u << 0)	/* filter; otherwise the nearest texel */
#define VGPU_TEXTURE_F_NORMALIZED	(1u << 1)	/* coordinates */
#define VGPU_TEXTURE_F_INTEGER		(1u << 2)	/* integers are read as such, not as numbers up to 1 */

/* @address: CUaddress_mode of each dimension, two bits, x in the lowest. */
struct vgpu_op_texture {
	__u16 texture;		/* number, below VGPU_MAX_TEXTURES */
	__u16 flags;		/* VGPU_TEXTURE_F_* */
	__u8 kind;		/* enum vgpu_texture_kind */
	__u8 format;		/* CUarray_format: integers of 8, 16 and 32 bits, half, float */
	__u8 channels;		/* 1, 2 or 4 */
	__u8 address;
	__u64 addr;		/* device address of the first texel */
	__u32 width;		/* texels of a row */
	__u32 height;		/* rows, 1 where there is one; 0 for VGPU_TEXTURE_LINEAR, as what follows */
	__u32 depth;		/* slices or layers, at least 1 */
	__u32 pitch;		/* bytes from row to row; slices and layers follow each other */
	__u32 border[4];	/* float: colour outside, by channel */
};

struct vgpu_op_buffer {
	__u64 out;		/* aperture */
	__u64 len;		/* bytes, not zero */
	__u64 reserved[4];
};

/**
 * struct vgpu_cmd - one command, 64 bytes
 * @opcode: enum vgpu_op
 * @flags: VGPU_CMD_F_*, those that the opcode defines
 * @reserved0: zero
 * @stream: stream number, below VGPU_MAX_STREAMS; 0 is the control stream
 * @ctx: CUDA context number, below VGPU_MAX_CONTEXTS; 0 where none is meant
 * @reserved1: zero
 *
 * Bytes that the opcode does not define are zero.
 */
struct vgpu_cmd {
	__u8 opcode;
	__u8 flags;
	__u16 reserved0;
	__u32 stream;
	__u32 ctx;
	__u32 reserved1;
	union {
		struct vgpu_op_init init;
		struct vgpu_op_wait wait;
		struct vgpu_op_object object;
		struct vgpu_op_limit limit;
		struct vgpu_op_chunk chunk;
		struct vgpu_op_reserve reserve;
		struct vgpu_op_copy copy;
		struct vgpu_op_memset memset;
		struct vgpu_op_module module;
		struct vgpu_op_get get;
		struct vgpu_op_attr attr;
		struct vgpu_op_launch launch;
		struct vgpu_op_texture texture;
		struct vgpu_op_buffer buffer;
		__u64 raw[6];
	};
};

/**
 * struct vgpu_cqe - one completion, 16 bytes
 * @value: result, by opcode; 0 where none is defined
 * @seq: sequence number of the command
 * @status: enum vgpu_status; below VGPU_ST_BASE it is a CUresult
 * @phase: bit 0 is the phase bit, the others are zero; written last
 */
struct vgpu_cqe {
	__u64 value;
	__u32 seq;
	__u16 status;
	__u16 phase;
};

/**
 * enum vgpu_status - status of completions and control operations
 *
 * Values below VGPU_ST_BASE are CUresults, as the executor's backend gave them.
 *
 * @VGPU_ST_OK: done (CUDA_SUCCESS)
 * @VGPU_ST_BAD_OPCODE: no such opcode, or not allowed in this state of the session
 * @VGPU_ST_BAD_FLAGS: a flag that the opcode does not define
 * @VGPU_ST_BAD_RESERVED: reserved bytes are not zero
 * @VGPU_ST_BAD_STREAM: stream number out of range, or not stream 0 where it must be
 * @VGPU_ST_BAD_CONTEXT: context number out of range
 * @VGPU_ST_BAD_OBJECT: module or function number out of range
 * @VGPU_ST_BAD_LENGTH: a length is zero, too large or not aligned
 * @VGPU_ST_BAD_APERTURE: not inside one range of the session
 * @VGPU_ST_BAD_ADDRESS: not inside the session's device address range
 * @VGPU_ST_NOT_MAPPED: CHUNK_UNMAP of what is not mapped, or of aliases without the flag, or with it of what is none; CHUNK_MAP of what
 *	is mapped, or of an alias of what is not, or is an alias itself
 * @VGPU_ST_BAD_DIMENSIONS: grid or block is zero or too large
 * @VGPU_ST_BAD_SEQUENCE: STREAM_WAIT for a command that was not submitted before
 * @VGPU_ST_QUOTA: device memory quota exhausted
 * @VGPU_ST_SESSION_LOST: the session's executor process is gone
 * @VGPU_ST_CANCELLED: the session was destroyed or the device reset before the command ran
 * @VGPU_ST_NO_EXECUTOR: no executor is attached to the GPU, or it could not start a process in time
 * @VGPU_ST_QUARANTINED: the host refuses this virtual GPU's submissions
 * @VGPU_ST_BAD_STATE: control: the session is not in a state for this, or the driver is not ready
 * @VGPU_ST_BAD_SESSION: control: session number out of range
 * @VGPU_ST_BAD_OP: control: no such operation
 * @VGPU_ST_BAD_QUEUE: control: entries or vector out of range
 * @VGPU_ST_OVERLAP: control: memory that another queue area or range has
 * @VGPU_ST_LIMIT: control: no more sessions or ranges allowed
 * @VGPU_ST_NO_MEMORY: control: the host is out of memory
 */
enum vgpu_status {
	VGPU_ST_OK = 0,
	VGPU_ST_BASE = 0x4000,
	VGPU_ST_BAD_OPCODE = 0x4001,
	VGPU_ST_BAD_FLAGS = 0x4002,
	VGPU_ST_BAD_RESERVED = 0x4003,
	VGPU_ST_BAD_STREAM = 0x4004,
	VGPU_ST_BAD_CONTEXT = 0x4005,
	VGPU_ST_BAD_OBJECT = 0x4006,
	VGPU_ST_BAD_LENGTH = 0x4007,
	VGPU_ST_BAD_APERTURE = 0x4008,
	VGPU_ST_BAD_ADDRESS = 0x4009,
	VGPU_ST_NOT_MAPPED = 0x400a,
	VGPU_ST_BAD_DIMENSIONS = 0x400b,
	VGPU_ST_BAD_SEQUENCE = 0x400c,
	VGPU_ST_QUOTA = 0x400d,
	VGPU_ST_SESSION_LOST = 0x4010,
	VGPU_ST_CANCELLED = 0x4011,
	VGPU_ST_NO_EXECUTOR = 0x4012,
	VGPU_ST_QUARANTINED = 0x4013,
	VGPU_ST_BAD_STATE = 0x4020,
	VGPU_ST_BAD_SESSION = 0x4021,
	VGPU_ST_BAD_OP = 0x4022,
	VGPU_ST_BAD_QUEUE = 0x4023,
	VGPU_ST_OVERLAP = 0x4024,
	VGPU_ST_LIMIT = 0x4025,
	VGPU_ST_NO_MEMORY = 0x4026,
	VGPU_ST_MAX = 0x7fff,
};

/**
 * struct vgpu_session_info - written by VGPU_OP_SESSION_INIT
 * @device_base: first address of the device address range
 * @device_size: its length in bytes
 * @chunk_size: bytes from device_base in which the guest maps chunks; the rest is the executor's own, for
 *	module globals
 * @aperture_base: address at which aperture offset 0 is seen by the executor
 * @aperture_size: bytes
 * @granule: chunk granularity in bytes
 * @reserved: zero
 */
struct vgpu_session_info {
	__u64 device_base;
	__u64 device_size;
	__u64 chunk_size;
	__u64 aperture_base;
	__u64 aperture_size;
	__u64 granule;
	__u64 reserved[2];
};

#define VGPU_MAX_ARGS	1024	/* parameters described by one struct vgpu_func_info */

/**
 * struct vgpu_func_info - written by VGPU_OP_FUNC_GET
 * @max_threads: CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK
 * @shared_size: static shared memory, bytes
 * @const_size: constant memory, bytes
 * @local_size: local memory per thread, bytes
 * @num_regs: registers per thread
 * @ptx_version: 10 × major + minor
 * @binary_version: 10 × major + minor
 * @max_dynamic_shared: bytes a launch may ask for
 * @params_size: bytes of the parameter buffer
 * @num_params: parameters; those that did not fit into out_len are counted but not described
 * @required_block: block dimensions that .reqntid demands, 0 where it demands none
 * @reserved: zero
 * @params: offset and size in bytes of each parameter in the buffer
 */
struct vgpu_func_info {
	__u32 max_threads;
	__u32 shared_size;
	__u32 const_size;
	__u32 local_size;
	__u32 num_regs;
	__u32 ptx_version;
	__u32 binary_version;
	__u32 max_dynamic_shared;
	__u32 params_size;
	__u32 num_params;
	__u32 required_block[3];
	__u32 reserved[3];
	struct {
		__u32 offset;
		__u32 size;
	} params[];
};

/**
 * struct vgpu_global_info - written by VGPU_OP_GLOBAL_GET
 * @addr: device address, in the device address range behind the chunks
 * @size: bytes
 */
struct vgpu_global_info {
	__u64 addr;
	__u64 size;
};

#define VGPU_GPU_INFO_VERSION	1
#define VGPU_NUM_ATTRS		192

/**
 * struct vgpu_gpu_info - the GPU behind the device, at VGPU_BAR0_GPU_INFO
 * @version: VGPU_GPU_INFO_VERSION
 * @size: bytes of this structure
 * @name: GPU name, NUL-terminated
 * @uuid: UUID of the virtual GPU
 * @memory: CUDA's total memory in bytes: the quota of the virtual GPU
 * @cc_major: compute capability
 * @cc_minor: compute capability
 * @driver_version: CUDA version of the executor's driver, as cuDriverGetVersion gives it
 * @num_attrs: entries of @attrs that are set
 * @attrs: values by CUdevice_attribute
 */
struct vgpu_gpu_info {
	__u32 version;
	__u32 size;
	char name[128];
	__u8 uuid[16];
	__u64 memory;
	__u32 cc_major;
	__u32 cc_minor;
	__u32 driver_version;
	__u32 num_attrs;
	__s32 attrs[VGPU_NUM_ATTRS];
};

#endif /* _UAPI_VGPU_DEVICE_H */
