/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Faults among virtual GPUs: victims, each a virtual GPU to which things happen, and neighbours, to which nothing may.
 * A round is one session of a victim with one fault in it; what it does follows from the seed and its number. Every
 * victim and neighbour is a process; what they find is in memory that they share.
 */
#ifndef TESTS_FAULTS_FAULTS_H
#define TESTS_FAULTS_FAULTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define VICTIMS		4
#define NEIGHBOURS	4
#define PROBE_VM	(VICTIMS + NEIGHBOURS)	/* the one that asks whether the service is whole */
#define TIMING_VM	(PROBE_VM + 1)		/* the one that measures how soon the mediator acts */
#define MAX_SAMPLES	65536
#define MAX_WINDOWS	16384
#define MAX_COMPLAINTS	8

/**
 * enum fault - what happens in a round
 * @FAULT_NONE: nothing
 * @FAULT_WORKER: the worker is killed while it has commands
 * @FAULT_SPAWN: a process that is to become a worker is killed
 * @FAULT_GUEST: the guest process is killed, where the port is VFIO the client of the whole virtual GPU
 * @FAULT_HANG: a kernel that never ends
 * @FAULT_ADDRESS: a kernel stores where nothing is
 * @FAULT_MALFORMED: commands of which bits are flipped
 * @FAULT_QUOTA: more device memory than is allowed
 * @FAULT_QUEUE: nonsense in the queue's header
 * @FAULT_DOORBELL: doorbells with nothing behind them
 * @FAULT_DESTROY: the session is destroyed with commands in flight
 * @FAULT_POLICY: limits and policy change while commands are in flight
 * @FAULT_SUPERVISOR: the supervisor is killed, and another started
 */
enum fault {
	FAULT_NONE,
	FAULT_WORKER,
	FAULT_SPAWN,
	FAULT_GUEST,
	FAULT_HANG,
	FAULT_ADDRESS,
	FAULT_MALFORMED,
	FAULT_QUOTA,
	FAULT_QUEUE,
	FAULT_DOORBELL,
	FAULT_DESTROY,
	FAULT_POLICY,
	FAULT_SUPERVISOR,
	FAULT_COUNT
};

extern const char *const fault_names[FAULT_COUNT];

/**
 * enum mode - what victims do
 * @MODE_ROUNDS: rounds, as fast as they go, until there are no more
 * @MODE_QUIET: (the first victim) rounds without fault, at a measured pace
 * @MODE_FAULTS: (the first victim) rounds with faults, at the same pace
 * @MODE_END: nothing more
 */
enum mode {
	MODE_ROUNDS,
	MODE_QUIET,
	MODE_FAULTS,
	MODE_END,
};

/**
 * struct window - time in which a fault and its consequences took place
 * @begin_ns: CLOCK_MONOTONIC
 * @end_ns: likewise
 */
struct window {
	uint64_t begin_ns;
	uint64_t end_ns;
};

/**
 * struct sample - a neighbour's operation
 * @begin_ns: CLOCK_MONOTONIC
 * @ns: it took
 */
struct sample {
	uint64_t begin_ns;
	uint64_t ns;
};

/**
 * struct shared - what the processes tell each other
 * @seed: of everything
 * @total: rounds to do
 * @deadline_ns: of victims' runs
 * @mode: enum mode
 * @next: round to be taken next
 * @done: rounds
 * @commands: submitted, by all
 * @lost: without completion
 * @doubled: completed more than once
 * @wrong: neighbours' operations that failed or gave wrong results
 * @corrupt: likewise victims', where nothing had happened to them
 * @count: rounds by fault
 * @deaths: supervisors that are to be killed
 * @supervisor: its process
 * @num_windows: of @windows
 * @windows: of faults
 * @num_samples: of @samples
 * @samples: by neighbour
 * @beginning: neighbours and probes whose worker may be starting just now
 * @complaints: what was found wrong
 * @why: the first of them
 */
struct shared {
	uint64_t seed;
	uint64_t total;
	uint64_t deadline_ns;
	atomic_int mode;
	atomic_ullong next;
	atomic_ullong done;
	atomic_ullong commands;
	atomic_ullong lost;
	atomic_ullong doubled;
	atomic_ullong wrong;
	atomic_ullong corrupt;
	atomic_ullong count[FAULT_COUNT];
	atomic_uint deaths;
	atomic_int supervisor;
	atomic_uint num_windows;
	struct window windows[MAX_WINDOWS];
	atomic_uint num_samples[NEIGHBOURS];
	struct sample samples[NEIGHBOURS][MAX_SAMPLES];
	atomic_int beginning;
	atomic_uint complaints;
	char why[MAX_COMPLAINTS][256];
};

extern struct shared *shared;

uint64_t now_ns(void);
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* victim.c, neighbour.c: what the processes do */
void victim_main(unsigned int vm);
void neighbour_main(unsigned int vm);
bool probe(unsigned int vm);

#endif /* TESTS_FAULTS_FAULTS_H */
