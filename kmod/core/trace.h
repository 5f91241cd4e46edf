/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Where the core says what it does: tracepoints in the kernel (../trace.h documents them), a hook
 * in userspace. Both are given the same values.
 */
#ifndef VGPU_CORE_TRACE_H
#define VGPU_CORE_TRACE_H

#ifdef __KERNEL__
#include "../trace.h"
#else
#include "os.h"

/**
 * enum vgpu_trace_type - tracepoints; see ../trace.h
 */
enum vgpu_trace_type {
	VGPU_TRACE_SUBMIT,
	VGPU_TRACE_VET,
	VGPU_TRACE_ENQUEUE,
	VGPU_TRACE_DISPATCH,
	VGPU_TRACE_COMPLETE,
	VGPU_TRACE_KILL,
	VGPU_TRACE_QUARANTINE,
};

/**
 * struct vgpu_trace_event - what a tracepoint says; fields that it has not are 0
 * @type: enum vgpu_trace_type
 * @uuid: virtual GPU
 * @session: its number
 * @seq: of the command
 * @opcode: of the command
 * @status: of the vetting or the completion; of a kill, what its commands get
 * @engine: enum vgpu_engine
 * @run: number of the run
 * @ns: CLOCK_MONOTONIC
 * @value: bytes copied; generation of a killed worker; cause of a quarantine
 */
struct vgpu_trace_event {
	u32 type;
	const u8 *uuid;
	u32 session;
	u32 seq;
	u32 opcode;
	u32 status;
	u32 engine;
	u64 run;
	u64 ns;
	u64 value;
};

/* Called with vgpu_gpu.lock held; NULL for none. */
extern void (*vgpu_trace_hook)(const struct vgpu_trace_event *event);

#define vgpu_trace(...) \
	do { \
		if (vgpu_trace_hook) \
			vgpu_trace_hook(&(struct vgpu_trace_event){ __VA_ARGS__ }); \
	} while (0)

#define trace_vgpu_submit(uuid_, session_, seq_, opcode_) \
	vgpu_trace(.type = VGPU_TRACE_SUBMIT, .uuid = (uuid_), .session = (session_), \
		   .seq = (seq_), .opcode = (opcode_))
#define trace_vgpu_vet(uuid_, session_, seq_, opcode_, status_, ns_) \
	vgpu_trace(.type = VGPU_TRACE_VET, .uuid = (uuid_), .session = (session_), .seq = (seq_), \
		   .opcode = (opcode_), .status = (status_), .ns = (ns_))
#define trace_vgpu_enqueue(uuid_, session_, seq_, engine_) \
	vgpu_trace(.type = VGPU_TRACE_ENQUEUE, .uuid = (uuid_), .session = (session_), \
		   .seq = (seq_), .engine = (engine_))
#define trace_vgpu_dispatch(uuid_, session_, seq_, opcode_, engine_, run_, ns_) \
	vgpu_trace(.type = VGPU_TRACE_DISPATCH, .uuid = (uuid_), .session = (session_), \
		   .seq = (seq_), .opcode = (opcode_), .engine = (engine_), .run = (run_), \
		   .ns = (ns_))
#define trace_vgpu_complete(uuid_, session_, seq_, opcode_, status_, bytes_, ns_) \
	vgpu_trace(.type = VGPU_TRACE_COMPLETE, .uuid = (uuid_), .session = (session_), \
		   .seq = (seq_), .opcode = (opcode_), .status = (status_), .value = (bytes_), \
		   .ns = (ns_))
#define trace_vgpu_kill(uuid_, session_, generation_, status_) \
	vgpu_trace(.type = VGPU_TRACE_KILL, .uuid = (uuid_), .session = (session_), \
		   .value = (generation_), .status = (status_))
#define trace_vgpu_quarantine(uuid_, active_, cause_, until_) \
	vgpu_trace(.type = VGPU_TRACE_QUARANTINE, .uuid = (uuid_), .status = (active_), \
		   .value = (cause_), .ns = (until_))
#endif

#endif /* VGPU_CORE_TRACE_H */
