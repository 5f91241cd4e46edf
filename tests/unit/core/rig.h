/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * A host for the core in one thread: apertures are malloc'ed, host operations are recorded, time is what the
 * test says. On one side a guest writes raw queues and registers, on the other a supervisor and workers read
 * and write raw rings.
 *
 *	rig_guest -- aperture, registers -- vgpu_dev -- vgpu_gpu -- rings -- rig_worker
 */
#ifndef TEST_RIG_H
#define TEST_RIG_H

#include <stdarg.h>
#include <stdio.h>

#include "kmod/core/core.h"

#define RIG_DEVS	3
#define RIG_WORKERS	(RIG_DEVS * VGPU_MAX_SESSIONS)
#define RIG_APERTURE	(4ULL << 20)
#define RIG_GRANULE	(2ULL << 20)
#define RIG_MEMORY	(64ULL << 20)
#define RIG_GPU_MEMORY	(RIG_MEMORY * RIG_DEVS)
#define RIG_DEVICE_BASE	0x700000000000ULL
#define RIG_APERTURE_BASE 0x600000000000ULL

/* Ends the program, with the seed where there is one: what a rig finds wrong is never a matter of opinion. */
#define RIG_CHECK(cond)	do { if (!(cond)) rig_fail(#cond, __FILE__, __LINE__); } while (0)

struct rig;

/**
 * struct rig_dev - a virtual GPU and its host
 * @rig: whose
 * @dev: the core's
 * @aperture: RIG_APERTURE bytes
 * @signals: vectors raised, by number
 * @reap: vgpu_dev_reap() was asked for
 * @mapped: queue areas mapped
 * @fail_punch: punch zeroes in place
 * @fail_map: map_queue finds no memory
 * @exists: vgpu_dev_init() succeeded and vgpu_dev_destroy() was not called
 */
struct rig_dev {
	struct rig *rig;
	struct vgpu_dev dev;
	u8 *aperture;
	u32 signals[VGPU_NUM_VECTORS];
	bool reap;
	int mapped;
	bool fail_map;
	bool fail_punch;
	bool exists;
};

/**
 * struct rig_worker - a worker process
 * @rig: whose
 * @session: as bound, NULL where there is no process
 * @rings: shared with the core
 * @generation: of this worker
 * @dispatch_head: entries taken
 * @completion_tail: entries written
 * @wakes: wake_worker calls
 * @killed: kill_worker was called
 * @ready: said VGPU_EXEC_READY
 * @ranges: aperture ranges it was told of
 * @todo: commands taken and not completed, in order
 * @num_todo: of @todo
 */
struct rig_worker {
	struct rig *rig;
	struct vgpu_session *session;
	struct vgpu_exec_rings *rings;
	u32 generation;
	u32 dispatch_head;
	u32 completion_tail;
	u32 wakes;
	bool killed;
	bool ready;
	u32 ranges;
	struct vgpu_dispatch todo[640];
	u32 num_todo;
};

/**
 * struct rig - a GPU with all that is around it
 * @gpu: the core's
 * @attach: what its supervisor says
 * @dev: virtual GPUs
 * @workers: processes
 * @tick_ns: time for which a tick was asked, 0 if none
 * @supervisor_wakes: wake_supervisor calls
 * @supervisor_kills: kill_supervisor calls
 */
struct rig {
	struct vgpu_gpu gpu;
	struct vgpu_exec_attach attach;
	struct rig_dev dev[RIG_DEVS];
	struct rig_worker workers[RIG_WORKERS];
	u64 tick_ns;
	u32 supervisor_wakes;
	u32 supervisor_kills;
};

/**
 * struct rig_guest - a session as the guest process sees it
 * @dev: of which device
 * @id: number
 * @vector: of its completions
 * @sq_entries: of the SQ
 * @cq_entries: of the CQ
 * @header: in the aperture
 * @sq: in the aperture
 * @cq: in the aperture
 * @tail: commands written
 * @cq_head: completions consumed
 */
struct rig_guest {
	struct rig_dev *dev;
	u32 id;
	u32 vector;
	u32 sq_entries;
	u32 cq_entries;
	struct vgpu_queue_header *header;
	struct vgpu_cmd *sq;
	struct vgpu_cqe *cq;
	u32 tail;
	u32 cq_head;
};

extern u64 rig_now;		/* the clock */
extern u64 rig_seed;		/* printed with what is found wrong */
extern char rig_note[256];	/* likewise: what was being done */

_Noreturn void rig_fail(const char *what, const char *file, int line);

struct rig *rig_new(void);
void rig_free(struct rig *rig);
struct vgpu_limits rig_limits(void);
void rig_attach(struct rig *rig);
void rig_dev_open(struct rig *rig, u32 number, const struct vgpu_limits *limits);
void rig_dev_close(struct rig_dev *dev);
void rig_settle(struct rig *rig);
void rig_advance(struct rig *rig, u64 ns);
void rig_check_invariants(struct rig *rig);
struct vgpu_stats rig_stats(struct rig_dev *dev);

u32 rig_control(struct rig_dev *dev, u32 op, u32 session, u64 a0, u64 a1, u64 a2, u64 a3);
u32 rig_guest_create(struct rig_guest *guest, struct rig_dev *dev, u32 id, u64 offset, u32 sq_entries, u32 cq_entries);
void rig_guest_open(struct rig_guest *guest, struct rig_dev *dev, u32 id);
u32 rig_begin(struct rig_guest *guest);
struct rig_worker *rig_begin_ready(struct rig *rig, struct rig_guest *guest);
void rig_guest_init(struct rig_guest *guest, struct rig_dev *dev, u32 id);
u64 rig_range(u32 id);
u32 rig_write(struct rig_guest *guest, const struct vgpu_cmd *cmd);
void rig_publish(struct rig_guest *guest);
void rig_ring(struct rig_guest *guest);
u32 rig_submit(struct rig_guest *guest, struct vgpu_cmd cmd);
bool rig_consume(struct rig_guest *guest, struct vgpu_cqe *cqe);
struct vgpu_cqe rig_expect(struct rig_guest *guest, u32 seq);
u32 rig_state(struct rig_guest *guest);

struct rig_worker *rig_bind(struct rig *rig, u64 token);
struct rig_worker *rig_spawn(struct rig *rig);
int rig_ready(struct rig_worker *worker, u64 device_base, u64 aperture_base, u32 status);
struct rig_worker *rig_worker_of(struct rig_guest *guest);
u32 rig_take(struct rig_worker *worker);
void rig_put(struct rig_worker *worker, u64 tag, u32 generation, u32 status, u64 value);
int rig_kick(struct rig_worker *worker);
void rig_finish(struct rig_worker *worker, u32 index, u32 status, u64 value);
u32 rig_finish_all(struct rig_worker *worker);
void rig_release(struct rig_worker *worker);
void rig_work(struct rig *rig);

struct vgpu_cmd rig_cmd(u8 opcode, u32 stream);
struct vgpu_cmd rig_launch(u32 stream);
struct vgpu_cmd rig_copy_in(u32 id, u32 stream);
struct vgpu_cmd rig_copy_out(u32 id, u32 stream);
struct vgpu_cmd rig_wait_for(u32 stream, u32 seq);
struct vgpu_cmd rig_chunk(u8 opcode, u64 granule, u64 count);

#endif /* TEST_RIG_H */
