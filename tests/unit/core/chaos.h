/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Chaos: guests, workers, supervisor, host and clock do what a stream of bytes says, hostile things among it,
 * and after each step everything that must hold is checked. The seeded random test and the fuzzer share it.
 */
#ifndef TEST_CHAOS_H
#define TEST_CHAOS_H

#include "rig.h"

/**
 * struct chaos_source - where decisions come from
 * @data: bytes, or NULL for a pseudo-random sequence
 * @len: of @data
 * @at: bytes used
 * @state: of the pseudo-random sequence
 * @steps: steps of it that are left
 * @log: where the scheduler's decisions are logged, NULL for nowhere
 * @race: not 0: apertures change under the kernel's eyes, as a sequence from this seed says: between any two reads of
 *	the core, where it is built with VGPU_WATCH_READS
 * @thread: a second thread writes into them too
 */
struct chaos_source {
	const u8 *data;
	size_t len;
	size_t at;
	u64 state;
	u32 steps;
	FILE *log;
	u64 race;
	bool thread;
};

/**
 * struct chaos_result - what happened
 * @accepted: commands fetched
 * @completed: with VGPU_ST_OK
 * @failed: with another status
 * @lost: sessions lost
 */
struct chaos_result {
	u64 accepted;
	u64 completed;
	u64 failed;
	u64 lost;
};

struct chaos_result chaos_run(struct chaos_source *source);

#endif /* TEST_CHAOS_H */
