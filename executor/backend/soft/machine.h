/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Warps, blocks and grids while they run. */
#ifndef EXECUTOR_SOFT_MACHINE_H
#define EXECUTOR_SOFT_MACHINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "insn.h"
#include "ptx.h"

struct block;
struct grid;

/**
 * struct frame - an activation of a function, shared by the lanes that are in it together
 * @parent: caller's frame, or NULL
 * @code: function
 * @ret: where the caller goes on
 * @site: call that made it
 * @w: start of its rows in the W file, bytes
 * @d: likewise
 * @p: likewise
 * @local: start of its local frame, bytes
 * @depth: frames below it
 * @refs: fragments in it and frames above it
 */
struct frame {
	struct frame *parent;
	const struct code *code;
	const struct insn *ret;
	const struct call_site *site;
	uint32_t w;
	uint32_t d;
	uint32_t p;
	uint32_t local;
	uint32_t depth;
	uint32_t refs;
};

enum frag_state {
	FRAG_READY,	/* can run */
	FRAG_BARRIER,	/* waits at a barrier of the block */
	FRAG_SYNC,	/* waits for lanes of its warp */
};

/**
 * struct frag - lanes of a warp that go together
 * @mask: lanes
 * @state: enum frag_state
 * @barrier: FRAG_BARRIER: which
 * @pc: next instruction
 * @frame: activation
 * @stamp: turn in which it last ran
 */
struct frag {
	uint32_t mask;
	uint8_t state;
	uint8_t barrier;
	const struct insn *pc;
	struct frame *frame;
	uint64_t stamp;
};

enum warp_state {
	WARP_READY,	/* has a fragment that can run */
	WARP_BLOCKED,	/* all wait at barriers */
	WARP_DONE,	/* all lanes have exited */
};

/* Why a warp stopped running. */
enum warp_stop {
	STOP_BLOCKED,	/* nothing can run, or done */
	STOP_TURN,	/* its turn is over */
	STOP_FAULT,	/* the grid has faulted or been stopped */
};

/**
 * struct warp - 32 lanes
 * @wb: bases of the W file: frame, constants
 * @db: of the D file
 * @pb: of the P file
 * @active: lanes of the running fragment
 * @fuel: instructions until warp_refuel()
 * @num_frags: fragments; the running one is frags[current]
 * @current: index of the running fragment
 * @extent: start of a mapped range of memory that was used last
 * @extent_len: bytes of it
 * @shared: shared memory of the block
 * @shared_size: bytes of it
 * @local: local memory of lane 0
 * @local_stride: bytes from lane to lane
 * @local_size: bytes of a lane
 * @frame_local: start of the current local frame
 * @params: kernel parameters
 * @params_len: bytes of them
 * @block: block
 * @grid: grid
 * @frags: fragments
 * @live: lanes that have not exited
 * @rotating: the running fragment has its slice because it waited longest, and does not give way
 * @forced: instruction that goes on although lanes that it names have not come
 * @given: fuel at the last charge
 * @slices: slices of this turn
 * @turns: counts turns
 * @index: of the warp in its block
 * @first_tid: linear thread number of lane 0
 * @stop: enum warp_stop
 * @state: enum warp_state
 * @w_file: registers
 * @d_file: registers
 * @p_file: registers
 * @w_cap: bytes allocated
 * @d_cap: bytes allocated
 * @p_cap: bytes allocated
 * @tid: thread index of each lane
 * @dyn_local: end of free local memory of each lane, from which alloca takes
 * @spare: unused frames
 */
struct warp {
	char *wb[2];
	char *db[2];
	char *pb[2];
	uint32_t active;
	int32_t fuel;
	uint32_t num_frags;
	uint32_t current;
	uint64_t extent;
	uint64_t extent_len;
	char *shared;
	uint32_t shared_size;
	uint32_t local_size;
	char *local;
	uint64_t local_stride;
	uint32_t frame_local;
	uint32_t params_len;
	const char *params;
	struct block *block;
	struct grid *grid;
	uint32_t live;
	bool rotating;
	uint8_t state;
	uint8_t stop;
	const struct insn *forced;
	int32_t given;
	uint32_t slices;
	uint64_t turns;
	uint32_t index;
	uint32_t first_tid;
	char *w_file;
	char *d_file;
	char *p_file;
	uint32_t w_cap;
	uint32_t d_cap;
	uint32_t p_cap;
	struct frame *spare;
	struct frag frags[LANES];
	uint32_t tid[3][LANES] __attribute__((aligned(64)));
	uint32_t dyn_local[LANES];
};

#define NUM_BARRIERS	16

/**
 * struct barrier - a barrier of a block
 * @arrived: threads that have arrived
 * @expected: threads that it waits for; 0 means all that have not exited
 * @yes: threads whose predicate was true
 * @arrived_lanes: threads that have arrived, without those that only exist in a count
 * @pred_and: of the last completion: AND over the predicates of barrier.red
 * @pred_or: OR over them
 * @pred_count: number of threads whose predicate was true
 * @warp_arrived: lanes of each warp that have arrived
 */
struct barrier {
	uint32_t arrived;
	uint32_t expected;
	uint32_t yes;
	uint32_t arrived_lanes;
	bool pred_and;
	bool pred_or;
	uint32_t pred_count;
	uint32_t warp_arrived[PTX_MAX_BLOCK_THREADS / LANES];
};

/**
 * struct block - a block of threads that runs, or may run again
 * @next: next parked block
 * @grid: grid
 * @ctaid: its index
 * @smid: multiprocessor that it claims to be on
 * @num_warps: warps
 * @threads: threads
 * @live_threads: that have not exited
 * @shared: shared memory
 * @local: local memory of all threads
 * @warps: warps
 * @next_warp: whose turn it is
 * @barriers: named barriers
 */
struct block {
	struct block *next;
	struct grid *grid;
	uint32_t ctaid[3];
	uint32_t smid;
	uint32_t num_warps;
	uint32_t threads;
	uint32_t live_threads;
	char *shared;
	char *local;
	struct warp **warps;
	uint32_t next_warp;
	struct barrier barriers[NUM_BARRIERS];
};

enum block_result {
	BLOCK_DONE,
	BLOCK_YIELD,	/* has run for its slice and has more to do */
	BLOCK_STOP,	/* the grid has faulted or been stopped */
};

/**
 * struct grid - a launch under way
 * @env: environment
 * @code: kernel
 * @func: kernel
 * @dim: blocks
 * @block_dim: threads of a block
 * @block_threads: threads of a block
 * @block_warps: warps of a block
 * @num_blocks: blocks in all
 * @shared_size: bytes of shared memory of a block
 * @dynamic_shared: bytes of it that are dynamic
 * @local_size: bytes of local memory of a thread
 * @cooperative: all blocks are resident at once
 * @workspace: of a cooperative launch, where %envreg1 and %envreg2 point: bytes, then the barrier of grid.sync()
 * @params: parameter buffer
 * @params_len: bytes of it
 * @id: number of the launch
 * @external_stop: flag of the caller, or NULL
 * @stop: the grid is to end: it has faulted or been stopped
 * @budget: warp instructions left
 * @has_budget: @budget counts
 * @lock: guards what follows
 * @fault: first fault
 * @next_block: index of the first block not started
 * @resident: blocks started and not done
 * @max_resident: bound of @resident
 * @done: blocks done
 * @parked: blocks that have yielded, oldest first
 * @parked_last: where the next goes
 * @free_blocks: finished blocks whose memory can be used again
 * @workers: threads of the environment in the grid
 * @queued: in the environment's list
 * @changed: a block was parked or done, or the last worker left
 * @next: next grid of the environment
 */
struct grid {
	struct ptx_env *env;
	const struct code *code;
	const struct ptx_function *func;
	uint32_t dim[3];
	uint32_t workspace[2];
	uint32_t block_dim[3];
	uint32_t block_threads;
	uint32_t block_warps;
	uint64_t num_blocks;
	uint32_t shared_size;
	uint32_t dynamic_shared;
	uint32_t local_size;
	bool cooperative;
	char *params;
	uint32_t params_len;
	uint64_t id;
	const _Atomic int *external_stop;
	_Atomic int stop;
	_Atomic int64_t budget;
	bool has_budget;
	pthread_mutex_t lock;
	struct ptx_fault fault;
	uint64_t next_block;
	uint64_t resident;
	uint64_t max_resident;
	uint64_t done;
	struct block *parked;
	struct block **parked_last;
	struct block *free_blocks;
	uint32_t workers;
	bool queued;
	pthread_cond_t changed;
	struct grid *next;
};

/**
 * struct ptx_env - see ptx.h
 * @config: as given
 * @mem: device memory
 * @stack_size: CU_LIMIT_STACK_SIZE
 * @lock: guards the list of grids
 * @work: a grid was added or the environment ends
 * @grids: grids that want threads
 * @ending: threads are to end
 * @threads: threads
 * @num_threads: their number
 * @launches: counts launches
 * @print_lock: one output of printf at a time
 * @heap: heap of malloc()
 * @textures: texture objects by number; NULL before the first
 */
struct ptx_env {
	struct ptx_env_config config;
	struct soft_mem *mem;
	uint64_t stack_size;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct grid *grids;
	bool ending;
	pthread_t *threads;
	unsigned int num_threads;
	_Atomic uint64_t launches;
	pthread_mutex_t print_lock;
	struct heap *heap;
	struct ptx_texture *_Atomic *_Atomic textures;
};

/* warp.c */

/**
 * warp_run - runs a warp until it blocks, ends, has had its turn, or its grid stops
 * @w: warp in state WARP_READY
 *
 * Return: enum warp_stop.
 */
int warp_run(struct warp *w);

/**
 * warp_branch - some lanes of the running fragment go elsewhere
 * @w: warp
 * @m: lanes that go to @target; the others go on at @next
 * @target: there
 * @next: here
 *
 * Return: next instruction, or NULL.
 */
const struct insn *warp_branch(struct warp *w, uint32_t m, const struct insn *target, const struct insn *next);

/**
 * warp_join - a point where fragments can meet
 * @w: warp with more than one fragment
 * @pc: the instruction; the running fragment goes on there or behind it
 * @next: instruction behind it
 *
 * Return: next instruction, or NULL.
 */
const struct insn *warp_join(struct warp *w, const struct insn *pc, const struct insn *next);

/**
 * warp_sync - waits until lanes have come to an instruction
 * @w: warp
 * @i: the instruction
 * @m: lanes for which it is executed
 * @members: for each lane of @m, the lanes that it names
 * @next: out: where to go if false
 *
 * Return: true where the instruction can be executed for @m: all lanes named that have not exited are in it.
 */
bool warp_sync(struct warp *w, const struct insn *i, uint32_t m, const uint32_t *members, const struct insn **next);

/**
 * warp_exit - lanes end
 * @w: warp
 * @m: lanes
 * @next: where the others go on
 *
 * Return: next instruction, or NULL.
 */
const struct insn *warp_exit(struct warp *w, uint32_t m, const struct insn *next);

/**
 * warp_wait - the running fragment waits at a barrier
 * @w: warp
 * @barrier: which
 * @next: where it goes on
 *
 * Return: next instruction, or NULL.
 */
const struct insn *warp_wait(struct warp *w, uint32_t barrier, const struct insn *next);

/**
 * warp_release - a barrier is complete: fragments that wait at it go on
 * @w: warp
 * @barrier: which
 */
void warp_release(struct warp *w, uint32_t barrier);

/**
 * warp_force - lets a fragment go on that waits for lanes of its warp that cannot come
 * @w: warp
 *
 * Return: whether there was one.
 */
bool warp_force(struct warp *w);

/**
 * warp_call - lanes of the running fragment enter a function
 * @w: warp
 * @m: lanes; all of the fragment
 * @i: the call
 * @code: function
 *
 * Return: its first instruction, or NULL after a fault.
 */
const struct insn *warp_call(struct warp *w, uint32_t m, const struct insn *i, const struct code *code);

/**
 * warp_return - lanes of the running fragment leave a function
 * @w: warp
 * @m: lanes
 * @i: the instruction
 *
 * Return: next instruction, or NULL.
 */
const struct insn *warp_return(struct warp *w, uint32_t m, const struct insn *i);

/**
 * warp_init - prepares a warp for its first instruction
 * @w: warp, with its block, index and memories set
 *
 * Return: false where there is no memory.
 */
bool warp_init(struct warp *w);

/**
 * warp_free - frees a warp's registers and frames
 * @w: warp
 */
void warp_free(struct warp *w);

/**
 * warp_passed - the running fragment has completed a barrier; those that waited with it join it
 * @w: warp
 * @next: where they go on
 *
 * Return: @next.
 */
const struct insn *warp_passed(struct warp *w, const struct insn *next);

/* texture.c */

/**
 * ptx_env_free_textures - frees what texture objects are left
 * @env: environment
 */
void ptx_env_free_textures(struct ptx_env *env);

/* fault.c */

/**
 * warp_fault - ends the grid
 * @w: warp
 * @i: instruction
 * @m: lanes that are at fault
 * @result: enum ptx_result
 * @address: address, for faults of an access
 * @what: what went wrong, a few words
 *
 * Return: NULL.
 */
const struct insn *warp_fault(struct warp *w, const struct insn *i, uint32_t m, int result, uint64_t address,
			      const char *what);

/**
 * grid_stop - ends the grid for a reason that is no thread's
 * @grid: grid
 * @result: enum ptx_result
 * @what: reason
 */
void grid_stop(struct grid *grid, int result, const char *what);

/* access.c: see access.h */

/**
 * access_check - checks addresses one by one and remembers the range they are in
 * @w: warp
 * @i: instruction
 * @m: lanes
 * @addr: host addresses
 * @bytes: of an access, a power of two
 *
 * Return: false after a fault.
 */
bool access_check(struct warp *w, const struct insn *i, uint32_t m, const uint64_t *addr, uint32_t bytes);

/**
 * access_fault - reports an access outside a space
 * @w: warp
 * @i: instruction
 * @m: lanes
 * @addr: addresses to report
 * @bytes: of an access
 * @limit: addresses that are allowed lie in [@base, @base + @limit)
 * @base: see @limit
 * @space: its name
 *
 * Return: false.
 */
bool access_fault(struct warp *w, const struct insn *i, uint32_t m, const uint64_t *addr, uint32_t bytes,
		  uint64_t base, uint64_t limit, const char *space);

/**
 * access_readable - tells whether a lane may read at a generic address
 * @w: warp
 * @lane: lane
 * @addr: address
 * @bytes: bytes
 */
bool access_readable(struct warp *w, unsigned int lane, uint64_t addr, uint32_t bytes);

/* block.c */

/**
 * block_create - makes the memory of a block
 * @grid: grid
 *
 * Return: block, or NULL.
 */
struct block *block_create(struct grid *grid);

/**
 * block_start - prepares a block for its first instruction
 * @block: new or finished block
 * @index: its linear index in the grid
 *
 * Return: false where there is no memory.
 */
bool block_start(struct block *block, uint64_t index);

/**
 * block_run - runs a block until it ends, its grid stops, or it has run for a while
 * @block: block
 *
 * Return: enum block_result.
 */
int block_run(struct block *block);

/**
 * block_free - frees a block
 * @block: block
 */
void block_free(struct block *block);

/**
 * block_arrive - lanes of the running fragment arrive at a barrier
 * @w: warp
 * @m: lanes
 * @barrier: which
 * @count: threads that it takes, or 0 for all
 * @preds: predicate of each lane, for barrier.red
 *
 * Return: true where the barrier is complete; what waits at it was released.
 */
bool block_arrive(struct warp *w, uint32_t m, uint32_t barrier, uint32_t count, uint32_t preds);

/**
 * block_exit - lanes of a warp have exited
 * @w: warp
 * @m: lanes
 */
void block_exit(struct warp *w, uint32_t m);

#endif
