/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Tracepoints of the path of a command, with names that stay the same from run to run: the virtual
 * GPU by its UUID, the session by its number, the command by its sequence number in the session,
 * the run by its number on the GPU. Times are CLOCK_MONOTONIC. Documentation/observability says
 * what to ask of them.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vgpu

#if !defined(VGPU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VGPU_TRACE_H

#include <linux/tracepoint.h>
#include <linux/types.h>

/* A command was fetched. */
TRACE_EVENT(vgpu_submit,
	TP_PROTO(const u8 *uuid, u32 session, u32 seq, u32 opcode),
	TP_ARGS(uuid, session, seq, opcode),
	TP_STRUCT__entry(
		__array(u8, uuid, 16)
		__field(u32, session)
		__field(u32, seq)
		__field(u32, opcode)
	),
	TP_fast_assign(
		memcpy(__entry->uuid, uuid, sizeof(__entry->uuid));
		__entry->session = session;
		__entry->seq = seq;
		__entry->opcode = opcode;
	),
	TP_printk("vgpu=%pU session=%u seq=%u opcode=%u", __entry->uuid, __entry->session,
		  __entry->seq, __entry->opcode)
);

/* It was vetted: status 0 if it was accepted, at time ns; else it is completed with the status. */
TRACE_EVENT(vgpu_vet,
	TP_PROTO(const u8 *uuid, u32 session, u32 seq, u32 opcode, u32 status, u64 ns),
	TP_ARGS(uuid, session, seq, opcode, status, ns),
	TP_STRUCT__entry(
		__array(u8, uuid, 16)
		__field(u32, session)
		__field(u32, seq)
		__field(u32, opcode)
		__field(u32, status)
		__field(u64, ns)
	),
	TP_fast_assign(
		memcpy(__entry->uuid, uuid, sizeof(__entry->uuid));
		__entry->session = session;
		__entry->seq = seq;
		__entry->opcode = opcode;
		__entry->status = status;
		__entry->ns = ns;
	),
	TP_printk("vgpu=%pU session=%u seq=%u opcode=%u status=%u ns=%llu", __entry->uuid,
		  __entry->session, __entry->seq, __entry->opcode, __entry->status, __entry->ns)
);

/* It waits for nothing any more, and is the next of its stream in the engine's run queue. */
TRACE_EVENT(vgpu_enqueue,
	TP_PROTO(const u8 *uuid, u32 session, u32 seq, u32 engine),
	TP_ARGS(uuid, session, seq, engine),
	TP_STRUCT__entry(
		__array(u8, uuid, 16)
		__field(u32, session)
		__field(u32, seq)
		__field(u32, engine)
	),
	TP_fast_assign(
		memcpy(__entry->uuid, uuid, sizeof(__entry->uuid));
		__entry->session = session;
		__entry->seq = seq;
		__entry->engine = engine;
	),
	TP_printk("vgpu=%pU session=%u seq=%u engine=%u", __entry->uuid, __entry->session,
		  __entry->seq, __entry->engine)
);

/* It was given to its worker, as part of a run. */
TRACE_EVENT(vgpu_dispatch,
	TP_PROTO(const u8 *uuid, u32 session, u32 seq, u32 opcode, u32 engine, u64 run, u64 ns),
	TP_ARGS(uuid, session, seq, opcode, engine, run, ns),
	TP_STRUCT__entry(
		__array(u8, uuid, 16)
		__field(u32, session)
		__field(u32, seq)
		__field(u32, opcode)
		__field(u32, engine)
		__field(u64, run)
		__field(u64, ns)
	),
	TP_fast_assign(
		memcpy(__entry->uuid, uuid, sizeof(__entry->uuid));
		__entry->session = session;
		__entry->seq = seq;
		__entry->opcode = opcode;
		__entry->engine = engine;
		__entry->run = run;
		__entry->ns = ns;
	),
	TP_printk("vgpu=%pU session=%u seq=%u opcode=%u engine=%u run=%llu ns=%llu", __entry->uuid,
		  __entry->session, __entry->seq, __entry->opcode, __entry->engine, __entry->run,
		  __entry->ns)
);

/* An accepted command completes; bytes are those copied between host and device. */
TRACE_EVENT(vgpu_complete,
	TP_PROTO(const u8 *uuid, u32 session, u32 seq, u32 opcode, u32 status, u64 bytes, u64 ns),
	TP_ARGS(uuid, session, seq, opcode, status, bytes, ns),
	TP_STRUCT__entry(
		__array(u8, uuid, 16)
		__field(u32, session)
		__field(u32, seq)
		__field(u32, opcode)
		__field(u32, status)
		__field(u64, bytes)
		__field(u64, ns)
	),
	TP_fast_assign(
		memcpy(__entry->uuid, uuid, sizeof(__entry->uuid));
		__entry->session = session;
		__entry->seq = seq;
		__entry->opcode = opcode;
		__entry->status = status;
		__entry->bytes = bytes;
		__entry->ns = ns;
	),
	TP_printk("vgpu=%pU session=%u seq=%u opcode=%u status=%u bytes=%llu ns=%llu",
		  __entry->uuid, __entry->session, __entry->seq, __entry->opcode, __entry->status,
		  __entry->bytes, __entry->ns)
);

/* A session's worker is killed; status is what its commands complete with. */
TRACE_EVENT(vgpu_kill,
	TP_PROTO(const u8 *uuid, u32 session, u32 generation, u32 status),
	TP_ARGS(uuid, session, generation, status),
	TP_STRUCT__entry(
		__array(u8, uuid, 16)
		__field(u32, session)
		__field(u32, generation)
		__field(u32, status)
	),
	TP_fast_assign(
		memcpy(__entry->uuid, uuid, sizeof(__entry->uuid));
		__entry->session = session;
		__entry->generation = generation;
		__entry->status = status;
	),
	TP_printk("vgpu=%pU session=%u generation=%u status=%u", __entry->uuid, __entry->session,
		  __entry->generation, __entry->status)
);

/* A quarantine begins (active 1) or ends (0); cause is enum vgpu_strike; until 0 is by hand. */
TRACE_EVENT(vgpu_quarantine,
	TP_PROTO(const u8 *uuid, u32 active, u32 cause, u64 until),
	TP_ARGS(uuid, active, cause, until),
	TP_STRUCT__entry(
		__array(u8, uuid, 16)
		__field(u32, active)
		__field(u32, cause)
		__field(u64, until)
	),
	TP_fast_assign(
		memcpy(__entry->uuid, uuid, sizeof(__entry->uuid));
		__entry->active = active;
		__entry->cause = cause;
		__entry->until = until;
	),
	TP_printk("vgpu=%pU active=%u cause=%u until=%llu", __entry->uuid, __entry->active,
		  __entry->cause, __entry->until)
);

#endif /* VGPU_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
