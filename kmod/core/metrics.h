/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: What a virtual GPU's commands took
 *
 * The life of an accepted command in parts, whose sum is its whole:
 *
 *	fetch -queued-> dispatch -dispatched-> start -executing-> end -completing-> done
 *
 * All but `executing` is on the kernel's clock. A command starts when it was dispatched and the
 * command before it on its engine has completed. `executing` is what the worker says, cut to the
 * time that there was (where it says nothing, all of it); `completing` is what remains: the way to
 * the worker, if it slept, and back. Commands that were never with a worker have `queued` alone.
 * Commands that were refused have no life and are in no histogram.
 *
 * A completion is entered in one histogram for each part: that of the current 200 ms. When that
 * time is over it is added to those of the current 2 s, the current 10 s, and all time. So a
 * completion costs the same however many windows there are. The windows 1 s, 10 s and 60 s are sums
 * of complete pieces and the one that has begun: they reach back up to a piece longer.
 *
 * What happens to many commands at once is entered at once: those that were fetched together, and
 * those of one opcode that the kernel completes itself one after the other, are counted in struct
 * vgpu_batch, and entered before whoever did this lets go of the lock.
 *
 * A virtual GPU has no histograms before its first command, and one that rests gives back the
 * memory of its windows when it is read.
 */
#ifndef VGPU_CORE_METRICS_H
#define VGPU_CORE_METRICS_H

#include "hist.h"
#include "../../uapi/vgpu_device.h"
#include "../../uapi/vgpu_executor.h"

struct vgpu_dev;
struct vgpu_item;

/**
 * enum vgpu_part - part of a command's life
 */
enum vgpu_part {
	VGPU_PART_TOTAL,
	VGPU_PART_QUEUED,
	VGPU_PART_DISPATCHED,
	VGPU_PART_EXECUTING,
	VGPU_PART_COMPLETING,
	VGPU_PART_COUNT
};

/**
 * enum vgpu_window - time over which latencies are told
 */
enum vgpu_window {
	VGPU_WINDOW_ALL,
	VGPU_WINDOW_1S,
	VGPU_WINDOW_10S,
	VGPU_WINDOW_60S,
	VGPU_WINDOW_COUNT
};

/**
 * enum vgpu_error - why a command failed
 * @VGPU_ERROR_REJECTED: vetting refused it
 * @VGPU_ERROR_QUARANTINED: the virtual GPU was in quarantine
 * @VGPU_ERROR_MEMORY: out of device memory, or over its quota
 * @VGPU_ERROR_TIMEOUT: its run outlived its deadline
 * @VGPU_ERROR_LOST: its session was lost, or no worker came
 * @VGPU_ERROR_CANCELLED: its session was closed
 * @VGPU_ERROR_CUDA: any other CUDA error
 */
enum vgpu_error {
	VGPU_ERROR_REJECTED,
	VGPU_ERROR_QUARANTINED,
	VGPU_ERROR_MEMORY,
	VGPU_ERROR_TIMEOUT,
	VGPU_ERROR_LOST,
	VGPU_ERROR_CANCELLED,
	VGPU_ERROR_CUDA,
	VGPU_ERROR_COUNT
};

#define VGPU_KINDS	32u	/* opcodes are less */

#define VGPU_WINDOW_LEVELS	3u
#define VGPU_WINDOW_PIECES	7u
#define VGPU_WINDOW_PIECE_NS	(200ULL * NSEC_PER_MSEC)

/**
 * struct vgpu_piece - histograms of a piece of time
 * @epoch: which piece, counted in its length
 * @part: by enum vgpu_part
 */
struct vgpu_piece {
	u64 epoch;
	struct vgpu_hist part[VGPU_PART_COUNT];
};

/**
 * struct vgpu_latency - histograms of a virtual GPU
 * @all: since it was made or credited to a tier (see group.h), but for the current 200 ms
 * @before: before that
 * @early: of the current piece at the last credit, for the window of 1 s; elsewhere it is counted
 * @early_epoch: of that piece
 * @piece: by length of 200 ms, 2 s, 10 s
 * @now: piece of 200 ms that has begun, NULL if there was no memory
 * @epoch: its number
 * @spares: memory
 * @pieces: struct vgpu_piece that exist
 */
struct vgpu_latency {
	struct vgpu_hist all[VGPU_PART_COUNT];
	struct vgpu_hist before[VGPU_PART_COUNT];
	struct vgpu_hist early[VGPU_PART_COUNT];
	u64 early_epoch;
	struct vgpu_piece *piece[VGPU_WINDOW_LEVELS][VGPU_WINDOW_PIECES];
	struct vgpu_piece *now;
	u64 epoch;
	struct vgpu_hist_spares spares;
	u32 pieces;
};

/**
 * struct vgpu_batch - commands to which the same happened, not entered yet
 * @accepted: commands accepted
 * @accepted_ns: at this time
 * @completed: commands that the kernel completed itself, with success
 * @kind: their opcode
 * @arrival_ns: when they were accepted
 * @now: when they completed
 */
struct vgpu_batch {
	u32 accepted;
	u64 accepted_ns;
	u32 completed;
	u32 kind;
	u64 arrival_ns;
	u64 now;
};

/**
 * struct vgpu_metrics - what a virtual GPU's commands took
 * @latency: histograms, NULL before the first command
 * @until_ns: end of the current piece
 * @arrival_sum: of the times at which the commands that wait were fetched
 * @accepted: commands accepted and not completed
 * @accepted_max: most of them
 * @since_ns: creation
 * @switches: runs that another worker's run came before on the engine
 * @commands: of each opcode, completed with success
 * @bytes: copied by each opcode that copies
 * @errors: commands that failed, by enum vgpu_error
 * @unseen: completions for which there were no histograms, for want of memory
 * @batch: not entered in any of these yet; empty whenever vgpu_gpu.lock is free
 */
struct vgpu_metrics {
	struct vgpu_latency *latency;
	u64 until_ns;
	u64 arrival_sum;
	u64 accepted;
	u64 accepted_max;
	u64 since_ns;
	u64 switches;
	u64 commands[VGPU_KINDS];
	u64 bytes[VGPU_KINDS];
	u64 errors[VGPU_ERROR_COUNT];
	u64 unseen;
	struct vgpu_batch batch;
};

/**
 * struct vgpu_latency_reading - the histograms of one window
 * @part: by enum vgpu_part
 * @spares: their memory
 */
struct vgpu_latency_reading {
	struct vgpu_hist part[VGPU_PART_COUNT];
	struct vgpu_hist_spares spares;
};

/**
 * struct vgpu_metrics_reading - a consistent reading, but for histograms
 * @commands: as in struct vgpu_metrics
 * @bytes: likewise
 * @errors: likewise
 * @switches: likewise
 * @depth: commands accepted and not completed
 * @depth_max: most of them
 * @depth_ns: integral of their number over time: divided by a time, its mean over this time
 * @age_ns: since creation
 * @unseen: completions in no histogram, for want of memory
 * @memory: bytes that the histograms take
 */
struct vgpu_metrics_reading {
	u64 commands[VGPU_KINDS];
	u64 bytes[VGPU_KINDS];
	u64 errors[VGPU_ERROR_COUNT];
	u64 switches;
	u64 depth;
	u64 depth_max;
	u64 depth_ns;
	u64 age_ns;
	u64 unseen;
	u64 memory;
};

extern bool vgpu_metrics_on;

/* Called by the host. */
void vgpu_dev_read_metrics(struct vgpu_dev *dev, struct vgpu_metrics_reading *reading);
void vgpu_dev_read_latency(struct vgpu_dev *dev, enum vgpu_window window,
			   struct vgpu_latency_reading *reading);
void vgpu_latency_merge(struct vgpu_latency_reading *reading,
			const struct vgpu_hist part[VGPU_PART_COUNT]);
void vgpu_latency_free(struct vgpu_latency_reading *reading);

/* Inside the core, vgpu_gpu.lock held but for init and destroy. */
void vgpu_metrics_init(struct vgpu_dev *dev);
void vgpu_metrics_destroy(struct vgpu_dev *dev);
void vgpu_metrics_arrive(struct vgpu_dev *dev, u64 now);
void vgpu_metrics_flush(struct vgpu_dev *dev);
void vgpu_metrics_refuse(struct vgpu_dev *dev, u16 status);
void vgpu_metrics_complete_first(struct vgpu_dev *dev, const struct vgpu_item *item, u16 status,
				 u64 now);
u64 vgpu_metrics_depth_ns(const struct vgpu_metrics *metrics, u64 now);
u64 vgpu_metrics_memory(const struct vgpu_dev *dev);
void vgpu_metrics_merge(struct vgpu_dev *dev, enum vgpu_window window, bool uncredited,
			struct vgpu_latency_reading *reading, u64 now);
void vgpu_metrics_credit(struct vgpu_dev *dev, struct vgpu_latency_reading *to, u64 now);

#endif /* VGPU_CORE_METRICS_H */
