/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: The mediator's core
 *
 * kmod/core decides; it knows nothing of VFIO, sysfs, netlink or sockets. The same files build into
 * vgpu.ko and into userspace programs (tests, fuzzers, the loopback daemon). What it needs from
 * where it runs comes through struct vgpu_host_ops.
 *
 * Path of a command::
 *
 *	doorbell -> queue.c (fetch once) -> vet.c -> stream.c (order, waits) -> sched.c (who is
 *	next)
 *	         -> gpu.c (dispatch window) -> worker.c (rings) -> stream.c (completion) -> queue.c
 *	         (CQ)
 *
 * Beside it: limits.c (what a virtual GPU may), admit.c (its token buckets), quarantine.c (strikes,
 * and what follows from them), pool.c (GPUs under one policy).
 *
 * Locks, in order of nesting:
 *
 *	0. vgpu_pool.lock (mutex): a pool's policy and its GPUs
 *	1. vgpu_dev.ctl (mutex): register writes that sleep: control operations, reset
 *	2. vgpu_gpu.lock (spinlock): everything else of a GPU, its virtual GPUs, sessions and
 *	workers
 *	3. vgpu_pool.past_lock (spinlock): what is left of virtual GPUs that were in a pool
 *
 * Functions that say "context: any process" take vgpu_gpu.lock themselves and may not be called
 * with it held. The core has no interrupt context. Host operations marked "locked" are called with
 * vgpu_gpu.lock held and may not sleep or call back.
 */
#ifndef VGPU_CORE_H
#define VGPU_CORE_H

#include "os.h"
#include "bucket.h"
#include "group.h"
#include "limits.h"
#include "metrics.h"
#include "sched.h"
#include "../../uapi/vgpu_device.h"
#include "../../uapi/vgpu_executor.h"

struct vgpu_gpu;
struct vgpu_dev;
struct vgpu_session;
struct vgpu_stream;
struct vgpu_item;
struct vgpu_worker;

#define VGPU_NO_SESSION	(~0u)

/**
 * enum vgpu_event_type - what an operator may want to be told of
 * @VGPU_EV_HANG: a run outlived its deadline; detail: status given to its commands; value: hangs so
 *	far
 * @VGPU_EV_FAULT: a kernel faulted or a worker died; detail: CUresult, 0 for a death; value: faults
 *	so far
 * @VGPU_EV_SESSION_LOST: detail: status given to its commands
 * @VGPU_EV_MALFORMED: detail: status of the command, 0 for registers and queues; value: of these so
 *	far; told at most once a second
 * @VGPU_EV_OVER_QUOTA: a mapping was refused; likewise
 * @VGPU_EV_DOORBELL_STORM: value: empty doorbells so far
 * @VGPU_EV_QUARANTINED: detail: enum vgpu_strike, VGPU_STRIKE_COUNT for an administrator; value:
 *	nanoseconds until it is released, 0 where that is done by hand
 * @VGPU_EV_RELEASED: detail: 1 by an administrator, else 0; value: nanoseconds in quarantine
 * @VGPU_EV_THROTTLED: a bucket ran empty; detail: enum vgpu_bucket_kind; told again only after
 *	VGPU_EV_UNTHROTTLED
 * @VGPU_EV_UNTHROTTLED: no bucket was empty for a second; value: nanoseconds throttled so far
 * @VGPU_EV_WORKER_STUCK: a killed worker was not released in time
 * @VGPU_EV_SUPERVISOR_ATTACHED: of the GPU
 * @VGPU_EV_SUPERVISOR_LOST: of the GPU
 */
enum vgpu_event_type {
	VGPU_EV_HANG,
	VGPU_EV_FAULT,
	VGPU_EV_SESSION_LOST,
	VGPU_EV_MALFORMED,
	VGPU_EV_OVER_QUOTA,
	VGPU_EV_DOORBELL_STORM,
	VGPU_EV_QUARANTINED,
	VGPU_EV_RELEASED,
	VGPU_EV_THROTTLED,
	VGPU_EV_UNTHROTTLED,
	VGPU_EV_WORKER_STUCK,
	VGPU_EV_SUPERVISOR_ATTACHED,
	VGPU_EV_SUPERVISOR_LOST,
	VGPU_EV_COUNT
};

/**
 * struct vgpu_event - something that an operator may want to be told of
 * @type: enum vgpu_event_type
 * @session: its number, VGPU_NO_SESSION for none
 * @detail: as the type says
 * @time_ns: CLOCK_MONOTONIC
 * @value: as the type says
 */
struct vgpu_event {
	u32 type;
	u32 session;
	u32 detail;
	u64 time_ns;
	u64 value;
};

/**
 * struct vgpu_host_ops - what the core needs from the kernel module or the loopback daemon
 * @event: (locked) something happened to a virtual GPU, or to the GPU where @dev is NULL; may be
 *	NULL
 * @signal: (locked) raise an MSI-X vector of a virtual GPU
 * @wake_supervisor: (locked) vgpu_gpu_next_event() has something
 * @wake_worker: (locked) the dispatch ring has new entries, or the worker has to end
 * @kill_worker: (locked) make the worker process die; its release follows
 * @kill_supervisor: (locked) make the supervisor that is attached die: it hangs; its detaching
 *	follows; NULL where that cannot be done
 * @schedule_reap: (locked) call vgpu_dev_reap() soon, from a context that may sleep
 * @schedule_tick: (locked) call vgpu_gpu_tick() at this CLOCK_MONOTONIC time; replaces an earlier
 *	request
 * @map_queue: pages of the aperture as contiguous memory, zeroed by having been punched; may sleep;
 *	NULL if there is no memory
 * @unmap_queue: undoes @map_queue; may sleep
 * @punch: replace pages of the aperture by zeros; whoever holds the old pages keeps those; may
 *	sleep; -EBUSY where they are zeros but not all are others
 */
struct vgpu_host_ops {
	void (*event)(struct vgpu_gpu *gpu, struct vgpu_dev *dev, const struct vgpu_event *event);
	void (*signal)(struct vgpu_dev *dev, u32 vector);
	void (*wake_supervisor)(struct vgpu_gpu *gpu);
	void (*wake_worker)(struct vgpu_worker *worker);
	void (*kill_worker)(struct vgpu_worker *worker);
	void (*kill_supervisor)(struct vgpu_gpu *gpu);
	void (*schedule_reap)(struct vgpu_dev *dev);
	void (*schedule_tick)(struct vgpu_gpu *gpu, u64 when_ns);
	void *(*map_queue)(struct vgpu_dev *dev, u64 offset, u64 len);
	void (*unmap_queue)(struct vgpu_dev *dev, void *addr, u64 offset, u64 len);
	int (*punch)(struct vgpu_dev *dev, u64 offset, u64 len);
};

/* Times in nanoseconds. */
#define VGPU_SPAWN_TIMEOUT	(20ULL * NSEC_PER_SEC)
#define VGPU_SPAWN_TIMEOUT_MAX	(80ULL * NSEC_PER_SEC)	/* where workers start slowly */
#define VGPU_EVENT_TIMEOUT	(3ULL * NSEC_PER_SEC)
#define VGPU_RELEASE_GRACE	(100ULL * NSEC_PER_MSEC)
#define VGPU_RELEASE_TIMEOUT	(10ULL * NSEC_PER_SEC)
#define VGPU_SPAWN_TRIES	3u	/* workers that may die before one binds */
#define VGPU_STARTS		4u	/* workers that start at once, unless the host says more */
#define VGPU_ADDRESS_MAX	BIT_ULL(47)	/* of user space */
#define VGPU_FETCH_BATCH 64u /* commands fetched from a session before others have a turn */
#define VGPU_PUMP_BUDGET	1024u	/* commands fetched before the lock is given up */
#define VGPU_REFUSE_INTERVAL	(1ULL * NSEC_PER_MSEC)
#define VGPU_REFUSE_BATCH	256u	/* commands of a device's lost sessions in that time */

/**
 * enum vgpu_bucket_kind - what a virtual GPU has a rate for
 * @VGPU_BUCKET_GPU: nanoseconds of compute time
 * @VGPU_BUCKET_COPY: bytes between host and device
 * @VGPU_BUCKET_COMMAND: commands
 */
enum vgpu_bucket_kind {
	VGPU_BUCKET_GPU,
	VGPU_BUCKET_COPY,
	VGPU_BUCKET_COMMAND,
	VGPU_BUCKET_COUNT
};

/**
 * struct vgpu_quarantine - a virtual GPU's record
 * @cause: enum vgpu_strike of the last one, VGPU_STRIKE_COUNT for an administrator
 * @count: quarantines without a long time of quiet between
 * @since_ns: when the last one began
 * @until_ns: when it ends by itself, 0 if it does not
 * @released_ns: when the last one ended
 */
struct vgpu_quarantine {
	u8 cause;
	u32 count;
	u64 since_ns;
	u64 until_ns;
	u64 released_ns;
};

/**
 * struct vgpu_quarantine_info - how a virtual GPU stands
 * @active: it is quarantined
 * @cause: of the last one: enum vgpu_strike, VGPU_STRIKE_COUNT for an administrator
 * @count: quarantines, each of them twice as long as the one before
 * @since_ns: CLOCK_MONOTONIC time at which the last one began
 * @until_ns: at which it ends, 0 if an administrator has to release it
 * @strikes: that are not forgiven yet
 * @total: strikes since creation
 */
struct vgpu_quarantine_info {
	bool active;
	u8 cause;
	u32 count;
	u64 since_ns;
	u64 until_ns;
	u32 strikes[VGPU_STRIKE_COUNT];
	u64 total[VGPU_STRIKE_COUNT];
};

/**
 * struct vgpu_stats - a consistent reading of one virtual GPU
 * @counters: since creation
 * @waiting: commands accepted and not completed
 * @memory_used: device memory mapped, bytes
 * @sessions: sessions that are not free
 * @workers: worker processes bound
 * @quarantined: submissions are refused
 * @throttled: a bucket is empty
 */
struct vgpu_stats {
	struct vgpu_counters counters;
	u64 waiting;
	u64 memory_used;
	u32 sessions;
	u32 workers;
	bool quarantined;
	bool throttled;
};

/**
 * struct vgpu_gpu_stats - a consistent reading of one GPU
 * @attached: a supervisor is attached
 * @memory_total: bytes that may be given to virtual GPUs
 * @memory_given: bytes given: quotas of all virtual GPUs
 * @devs: virtual GPUs
 * @runs: runs dispatched
 * @switches: consecutive runs of different workers on an engine
 * @promotions: runs that aging brought forward
 * @busy_ns: time an engine had a run in flight, by engine
 */
struct vgpu_gpu_stats {
	bool attached;
	u64 memory_total;
	u64 memory_given;
	u32 devs;
	u64 runs;
	u64 switches;
	u64 promotions;
	u64 busy_ns[VGPU_ENGINE_COUNT];
};

/**
 * enum vgpu_item_state - life of a command between fetch and completion
 * @VGPU_ITEM_FREE: in the session's pool
 * @VGPU_ITEM_QUEUED: in its stream
 * @VGPU_ITEM_DISPATCHED: with the worker
 */
enum vgpu_item_state {
	VGPU_ITEM_FREE,
	VGPU_ITEM_QUEUED,
	VGPU_ITEM_DISPATCHED,
};

/**
 * struct vgpu_item - one accepted command
 * @stream_node: in its stream's items, or in the session's free list
 * @age_node: in the session's items by sequence number
 * @seq_node: in the session's table by sequence number
 * @waiters: streams whose next command waits for this one
 * @stream: its stream
 * @run: its run, while dispatched; NULL when the run was given up
 * @cmd: the vetted copy
 * @arrival: order of arrival at the GPU
 * @arrival_ns: time of its fetch
 * @dispatch_ns: time of its dispatch
 * @start_ns: when the command before it on its engine completed, if that was later
 * @gpu_ns: time that it took, as the worker says; a metric only
 * @seq: sequence number
 * @engine: enum vgpu_engine
 * @state: enum vgpu_item_state
 */
struct vgpu_item {
	struct list_head stream_node;
	struct list_head age_node;
	struct hlist_node seq_node;
	struct list_head waiters;
	struct vgpu_stream *stream;
	struct vgpu_run *run;
	struct vgpu_cmd cmd;
	u64 arrival;
	u64 arrival_ns;
	u64 dispatch_ns;
	u64 start_ns;
	u64 gpu_ns;
	u32 seq;
	u8 engine;
	u8 state;
};

/**
 * struct vgpu_stream - commands that execute in order
 * @session: whose
 * @items: not completed, in order; dispatched ones first
 * @next: first of @items that is not dispatched, NULL if there is none
 * @wait_node: in the waiters of the command that the next one waits for
 * @kick_node: in the GPU's streams to be looked at
 * @entity: what the scheduler sees
 * @dispatched: items of @items that are with the worker
 * @engine: of the dispatched ones
 */
struct vgpu_stream {
	struct vgpu_session *session;
	struct list_head items;
	struct vgpu_item *next;
	struct list_head wait_node;
	struct list_head kick_node;
	struct vgpu_sched_entity entity;
	u32 dispatched;
	u32 engine;
};

/**
 * struct vgpu_run - consecutive commands of one stream on an engine
 * @node: in the engine's runs in flight, or the GPU's free list
 * @session: whose
 * @sched: what the scheduler sees
 * @admitted_ns: charged to the virtual GPU's bucket of compute time
 * @learned_ns: of its time used, what the cost of commands was learned from
 * @watched_ns: since when the watchdog counts its deadline, if it is the engine's oldest run; moves
 *	on as commands complete
 * @id: number on its GPU
 * @count: commands in it
 * @pending: commands not completed
 * @engine: enum vgpu_engine
 */
struct vgpu_run {
	struct list_head node;
	struct vgpu_session *session;
	struct vgpu_sched_run sched;
	u64 admitted_ns;
	u64 learned_ns;
	u64 watched_ns;
	u64 id;
	u32 count;
	u32 pending;
	u32 engine;
};

/**
 * struct vgpu_engine_queue - dispatch window of one engine
 * @runs: in flight, in order of dispatch
 * @inflight: number of @runs
 * @last_generation: worker of the last run dispatched
 * @last_done_ns: when a command last completed
 */
struct vgpu_engine_queue {
	struct list_head runs;
	u32 inflight;
	u32 last_generation;
	u64 last_done_ns;
};

/**
 * enum vgpu_worker_state - life of a session's worker
 * @VGPU_WORKER_NONE: no process, none asked for
 * @VGPU_WORKER_SPAWNING: asked of the supervisor
 * @VGPU_WORKER_BOUND: a process has bound its file
 * @VGPU_WORKER_READY: takes commands
 * @VGPU_WORKER_DYING: killed, its file not released yet
 */
enum vgpu_worker_state {
	VGPU_WORKER_NONE,
	VGPU_WORKER_SPAWNING,
	VGPU_WORKER_BOUND,
	VGPU_WORKER_READY,
	VGPU_WORKER_DYING,
};

/**
 * struct vgpu_worker - the process that executes a session's commands
 * @state: enum vgpu_worker_state, changed by vgpu_worker_set_state() alone
 * @host: the host's own (its file); set by vgpu_worker_bind(), NULL after release
 * @rings: shared with the process
 * @spawn_node: in the GPU's list of sessions that wait for a worker to bind, to be ready, to empty
 *	its ring, or to be released
 * @reported: the supervisor has read the event
 * @starting: it takes one of the GPU's places to start in
 * @tries: workers that were started for the session and died before they bound
 * @stuck: killed, and not released in VGPU_RELEASE_GRACE
 * @replace: killed, and not released in VGPU_RELEASE_TIMEOUT: its pages are to be replaced
 * @token: secret of the event
 * @deadline_ns: by which it must have done so
 * @start_ns: when the supervisor first read the event, 0 if it has not; from then on @deadline_ns
 *	stands
 * @device_base: first device address
 * @aperture_base: address of aperture offset 0
 * @generation: of this worker, unique on its GPU
 * @dispatch_tail: the kernel's own index
 * @consumed: dispatch entries consumed, as the worker last said
 * @completion_head: the kernel's own index
 * @ranges_sent: ranges of the session that it has been told of
 */
struct vgpu_worker {
	u8 state;
	bool reported;
	bool starting;
	u8 tries;
	bool stuck;
	bool replace;
	void *host;
	struct vgpu_exec_rings *rings;
	struct list_head spawn_node;
	u64 token;
	u64 deadline_ns;
	u64 start_ns;
	u64 device_base;
	u64 aperture_base;
	u32 generation;
	u32 dispatch_tail;
	u32 consumed;
	u32 completion_head;
	u32 ranges_sent;
};

/**
 * struct vgpu_range - bytes of the aperture
 * @offset: page-aligned
 * @len: page-aligned
 */
struct vgpu_range {
	u64 offset;
	u64 len;
};

#define VGPU_COST_ENTRIES	64u

/**
 * struct vgpu_cost - what commands of a kind were seen to take
 * @key: kind, as vgpu_cost_key() makes it; 0 for an empty entry
 * @ns: moving average
 */
struct vgpu_cost {
	u32 key;
	u64 ns;
};

/**
 * struct vgpu_session - a guest process's open device
 * @dev: whose
 * @id: number in @dev
 * @state: enum vgpu_session_state, changed by vgpu_session_set_state() alone
 * @lost_status: what the commands complete with that were accepted when the session was lost
 * @worker: its process
 * @queue: its queue area
 * @header: queue area in memory
 * @sq: submission queue
 * @cq: completion queue
 * @sq_entries: of the SQ
 * @cq_entries: of the CQ
 * @vector: of its completions
 * @sq_head: the device's own index
 * @cq_tail: likewise
 * @cq_signalled: CQ tail at which cq_event was last looked at
 * @ranges: payload, in the order in which the guest added it
 * @range_order: numbers of @ranges, by offset
 * @num_ranges: of @ranges
 * @pool: all items
 * @pool_size: of @pool
 * @free: items not in use
 * @by_age: items not completed, by sequence number
 * @by_seq: table of items not completed
 * @hash: secret of the hash, so that a guest cannot make all its commands fall into one place
 * @seq_shift: bits of the hash that are not used
 * @streams: by number, made on first use
 * @fetch_node: in the GPU's sessions whose SQ is to be looked at, or in the virtual GPU's that wait
 *	for room
 * @signal_node: in the GPU's sessions with completions that the guest may have to be told of
 * @chunks: granules of device memory mapped or being mapped, one bit each
 * @mapping: those whose mapping has not completed
 * @aliases: those that are aliases
 * @num_chunks: bits of each
 * @chunk_area: bytes of device addresses in which it maps chunks
 * @memory_used: bytes mapped or being mapped, and those below
 * @reserved: bytes that the executor may take beside chunks
 * @reserving: a command that changes @reserved has not completed
 * @cost: what commands were seen to take
 * @initialised: VGPU_OP_SESSION_INIT was accepted
 * @ring_full: streams wait for the worker to consume dispatch entries
 * @faulted: a fault of it was counted
 * @polled: somebody looks at its submission queue all the time, so the guest need not ring
 * @late_ring: commands were fetched for which the guest may still be about to ring
 */
struct vgpu_session {
	struct vgpu_dev *dev;
	u32 id;
	u8 state;
	bool initialised;
	bool ring_full;
	bool faulted;
	bool polled;
	bool late_ring;
	u16 lost_status;
	struct vgpu_worker worker;
	struct vgpu_range queue;
	struct vgpu_queue_header *header;
	struct vgpu_cmd *sq;
	struct vgpu_cqe *cq;
	u32 sq_entries;
	u32 cq_entries;
	u32 vector;
	u32 sq_head;
	u32 cq_tail;
	u32 cq_signalled;
	struct vgpu_range *ranges;
	u8 range_order[VGPU_MAX_RANGES];
	u32 num_ranges;
	struct vgpu_item *pool;
	u32 pool_size;
	struct list_head free;
	struct list_head by_age;
	struct hlist_head *by_seq;
	u64 hash[2];
	u32 seq_shift;
	struct vgpu_stream **streams;
	struct list_head fetch_node;
	struct list_head signal_node;
	unsigned long *chunks;
	unsigned long *mapping;
	unsigned long *aliases;
	u32 num_chunks;
	u64 chunk_area;
	u64 memory_used;
	u64 reserved;
	bool reserving;
	struct vgpu_cost cost[VGPU_COST_ENTRIES];
};

/**
 * struct vgpu_dev - a virtual GPU
 * @gpu: on which
 * @gpu_node: in its list
 * @ctl: serialises control operations and reset
 * @host: the host's own
 * @uuid: its name
 * @limits: policy
 * @sched: what the scheduler sees
 * @counters: what happened
 * @metrics: what its commands took
 * @credited: of what happened, that which its pool and tier have been given; see group.h
 * @waiting: commands accepted and not completed
 * @memory_used: device memory mapped by all sessions
 * @sessions: by number, NULL where free
 * @stalled: sessions with commands that wait for room in the queue depth
 * @paced: sessions with commands that wait for the bucket of commands
 * @refused: commands refused unread since @refused_ns
 * @refused_ns: when their counting began
 * @held_node: in the GPU's virtual GPUs that are held back, or were a moment ago
 * @held: buckets that are empty, one bit each of enum vgpu_bucket_kind
 * @held_since_ns: when the first of them ran empty, or when the last one was filled
 * @bucket: by enum vgpu_bucket_kind
 * @strike: strikes that are forgiven, by enum vgpu_strike
 * @told_ns: when they were last told of
 * @quarantine_node: in the GPU's virtual GPUs that are condemned or quarantined
 * @quarantine: its record
 * @info: what the guest is told of the GPU
 * @epoch_ns: host time that is zero for the guest
 * @driver_features: as written by the guest
 * @ctl_arg: as written by the guest
 * @driver_ok: as written by the guest
 * @ctl_session: as written by the guest
 * @ctl_result: of the last control operation
 * @quarantined: submissions are refused
 * @resetting: a reset is under way
 * @starting: workers of its sessions that start
 */
struct vgpu_dev {
	struct vgpu_gpu *gpu;
	struct list_head gpu_node;
	/* Serialises control operations and reset. */
	struct mutex ctl;
	void *host;
	u8 uuid[16];
	struct vgpu_limits limits;
	struct vgpu_sched_vm sched;
	struct vgpu_counters counters;
	struct vgpu_metrics metrics;
	struct vgpu_sums credited;
	u64 waiting;
	u64 memory_used;
	struct vgpu_session *sessions[VGPU_MAX_SESSIONS];
	struct list_head stalled;
	struct list_head paced;
	u32 refused;
	u64 refused_ns;
	struct list_head held_node;
	u32 held;
	u64 held_since_ns;
	struct vgpu_bucket bucket[VGPU_BUCKET_COUNT];
	struct vgpu_bucket strike[VGPU_STRIKE_COUNT];
	u64 told_ns[VGPU_STRIKE_COUNT];
	struct list_head quarantine_node;
	struct vgpu_quarantine quarantine;
	struct vgpu_gpu_info info;
	u64 epoch_ns;
	u64 driver_features;
	u64 ctl_arg[4];
	u32 driver_ok;
	u32 ctl_session;
	u32 ctl_result;
	bool quarantined;
	bool resetting;
	u32 starting;
};

/**
 * struct vgpu_gpu - a physical GPU
 * @lock: guards everything of the GPU, its virtual GPUs, sessions and workers, but what
 *	vgpu_dev.ctl guards
 * @ops: of the host
 * @host: the host's own
 * @attach: what the supervisor said; kept when it is gone
 * @attached: a supervisor is attached
 * @devs: virtual GPUs
 * @num_devs: of @devs
 * @memory_given: quotas of @devs
 * @pool: that it belongs to, NULL for none; changed with both vgpu_pool.lock and @lock held
 * @pool_node: in its list
 * @sched: run queues
 * @engine: dispatch windows
 * @run_pool: all runs
 * @free_runs: those not in flight
 * @spawning: sessions that wait for something of their worker, each with a deadline
 * @fetching: sessions whose SQ is to be looked at
 * @refusing: sessions whose SQ is to be looked at later, as all that is in it is refused
 * @kicks: streams to be looked at
 * @signals: sessions with completions that the guest may have to be told of
 * @held: virtual GPUs that a bucket holds back, or did a moment ago
 * @condemned: virtual GPUs to be quarantined by the next pump
 * @quarantined: virtual GPUs that are
 * @arrivals: counter
 * @runs: counter
 * @switches: counter
 * @generations: counter
 * @dev_ids: counter
 * @tick_ns: time for which a tick is asked, 0 if none
 * @depth: commands accepted and not completed, by tier, and of all tiers
 * @memory: device memory mapped, by tier, and of all tiers
 * @past: what happened to virtual GPUs that are gone
 * @asked_ns: since when the supervisor has had something to read and has read nothing, 0 if it has
 *	nothing to read
 * @starting: workers that start: their event was read, and they are not ready yet
 * @max_starting: how many may; the host may set more before the first supervisor attaches
 * @start_timeout_ns: that a worker has for it, from VGPU_SPAWN_TIMEOUT to VGPU_SPAWN_TIMEOUT_MAX
 * @slowed_ns: when @start_timeout_ns was last made longer
 * @turn_ns: when the last of all places to start in became free
 */
struct vgpu_gpu {
	/* Guards all but what vgpu_dev.ctl guards. */
	spinlock_t lock;
	const struct vgpu_host_ops *ops;
	void *host;
	struct vgpu_exec_attach attach;
	bool attached;
	struct list_head devs;
	u32 num_devs;
	u64 memory_given;
	struct vgpu_pool *pool;
	struct list_head pool_node;
	struct vgpu_sched sched;
	struct vgpu_engine_queue engine[VGPU_ENGINE_COUNT];
	struct vgpu_run run_pool[VGPU_ENGINE_COUNT * VGPU_WINDOW];
	struct list_head free_runs;
	struct list_head spawning;
	struct list_head fetching;
	struct list_head refusing;
	struct list_head kicks;
	struct list_head signals;
	struct list_head held;
	struct list_head condemned;
	struct list_head quarantined;
	u64 arrivals;
	u64 runs;
	u64 switches;
	u32 generations;
	u64 dev_ids;
	u64 tick_ns;
	u64 asked_ns;
	u32 starting;
	u32 max_starting;
	u64 start_timeout_ns;
	u64 slowed_ns;
	u64 turn_ns;
	struct vgpu_level depth[VGPU_TIER_COUNT + 1];
	struct vgpu_level memory[VGPU_TIER_COUNT + 1];
	struct vgpu_tally past;
};

/**
 * struct vgpu_pool - GPUs under one policy
 * @lock: guards all of it
 * @name: for people
 * @policy: in force on all its GPUs
 * @gpus: its GPUs
 * @past_lock: guards @past
 * @past: by tier, what happened to virtual GPUs that are gone, or not in it any more
 */
struct vgpu_pool {
	/* Guards all of it but the past. */
	struct mutex lock;
	char name[32];
	struct vgpu_policy policy;
	struct list_head gpus;
	/* Guards the past. */
	spinlock_t past_lock;
	struct vgpu_tally past[VGPU_TIER_COUNT];
};

/* pool.c: called by the host */
void vgpu_pool_init(struct vgpu_pool *pool, const char *name);
void vgpu_pool_destroy(struct vgpu_pool *pool);
void vgpu_pool_add(struct vgpu_pool *pool, struct vgpu_gpu *gpu);
void vgpu_pool_remove(struct vgpu_pool *pool, struct vgpu_gpu *gpu);
int vgpu_pool_set_policy(struct vgpu_pool *pool, const struct vgpu_policy *policy,
			 const char **why);
void vgpu_pool_read_policy(struct vgpu_pool *pool, struct vgpu_policy *policy);

/* gpu.c: called by the host */
int vgpu_gpu_init(struct vgpu_gpu *gpu, const struct vgpu_exec_attach *attach,
		  const struct vgpu_host_ops *ops, void *host);
void vgpu_gpu_destroy(struct vgpu_gpu *gpu);
int vgpu_attach_check(const struct vgpu_exec_attach *attach, const char **why);
int vgpu_gpu_attach(struct vgpu_gpu *gpu, const struct vgpu_exec_attach *attach, const char **why);
void vgpu_gpu_detach(struct vgpu_gpu *gpu);
void vgpu_gpu_lose(struct vgpu_gpu *gpu);
bool vgpu_gpu_next_event(struct vgpu_gpu *gpu, struct vgpu_exec_event *event);
bool vgpu_gpu_has_event(struct vgpu_gpu *gpu);
void vgpu_gpu_unread_event(struct vgpu_gpu *gpu, const struct vgpu_exec_event *event);
int vgpu_gpu_spawn_failed(struct vgpu_gpu *gpu, const struct vgpu_exec_spawn_failed *failed);
void vgpu_gpu_tick(struct vgpu_gpu *gpu);
void vgpu_gpu_read_stats(struct vgpu_gpu *gpu, struct vgpu_gpu_stats *stats);
u32 vgpu_gpu_available(struct vgpu_gpu *gpu, u64 memory);
void vgpu_gpu_set_policy(struct vgpu_gpu *gpu, const struct vgpu_policy *policy);
int vgpu_gpu_record(struct vgpu_gpu *gpu,
		    void (*log)(struct vgpu_sched *sched, const struct vgpu_sched_event *event),
		    void *log_host);
void vgpu_gpu_record_anew(struct vgpu_gpu *gpu, void (*before)(void *log_host));
void *vgpu_gpu_record_end(struct vgpu_gpu *gpu);

/* gpu.c: inside the core, locked */
void vgpu_gpu_pump(struct vgpu_gpu *gpu);
void vgpu_run_item_done(struct vgpu_gpu *gpu, struct vgpu_run *run, const struct vgpu_cmd *cmd,
			u64 now);
void vgpu_gpu_need_tick(struct vgpu_gpu *gpu, u64 when_ns);
void vgpu_gpu_ask(struct vgpu_gpu *gpu);
void vgpu_gpu_turn(struct vgpu_gpu *gpu);
void vgpu_gpu_abandon(struct vgpu_gpu *gpu, struct vgpu_session *session, u64 now);

/* device.c: called by the host */
int vgpu_dev_init(struct vgpu_dev *dev, struct vgpu_gpu *gpu, const u8 uuid[16],
		  const struct vgpu_limits *limits, void *host);
void vgpu_dev_destroy(struct vgpu_dev *dev);
u64 vgpu_dev_read(struct vgpu_dev *dev, u64 offset, u32 len);
void vgpu_dev_write(struct vgpu_dev *dev, u64 offset, u32 len, u64 value);
void vgpu_dev_reset(struct vgpu_dev *dev);
bool vgpu_dev_idle(struct vgpu_dev *dev);
void vgpu_dev_reap(struct vgpu_dev *dev);
void vgpu_dev_read_stats(struct vgpu_dev *dev, struct vgpu_stats *stats);

/* limits.c: called by the host */
int vgpu_dev_set_limits(struct vgpu_dev *dev, const struct vgpu_limits *limits, const char **why);

void vgpu_dev_read_limits(struct vgpu_dev *dev, struct vgpu_limits *limits);

/* quarantine.c: called by the host */
int vgpu_dev_quarantine(struct vgpu_dev *dev);
int vgpu_dev_release(struct vgpu_dev *dev);
void vgpu_dev_read_quarantine(struct vgpu_dev *dev, struct vgpu_quarantine_info *info);

/* quarantine.c: inside the core, locked */
void vgpu_event(struct vgpu_dev *dev, enum vgpu_event_type type, u32 session, u32 detail, u64 value,
		u64 now);
void vgpu_strike(struct vgpu_dev *dev, enum vgpu_strike kind, u32 session, u32 detail, u64 now);
void vgpu_quarantine_set(struct vgpu_dev *dev, u64 now);
void vgpu_quarantine_begin(struct vgpu_gpu *gpu);
void vgpu_quarantine_tick(struct vgpu_gpu *gpu, u64 now);

/* admit.c: inside the core, locked */
void vgpu_admit_set(struct vgpu_dev *dev, u64 now);
void vgpu_admit_spend(struct vgpu_dev *dev, enum vgpu_bucket_kind kind, u64 tokens, u64 now);
void vgpu_admit_correct(struct vgpu_dev *dev, u64 charged, u64 used, u64 now);
bool vgpu_admit_left(struct vgpu_dev *dev, enum vgpu_bucket_kind kind, u64 tokens, u64 now);
bool vgpu_admit_held(const struct vgpu_dev *dev, enum vgpu_bucket_kind kind);
u64 vgpu_admit_throttled_ns(const struct vgpu_dev *dev, u64 now);
void vgpu_admit_tick(struct vgpu_gpu *gpu, u64 now);

/* session.c: inside the core */
enum vgpu_status vgpu_session_create(struct vgpu_dev *dev, u32 id, u64 offset, u64 sq_entries,
				     u64 cq_entries, u64 vector);
enum vgpu_status vgpu_session_add_range(struct vgpu_dev *dev, u32 id, u64 offset, u64 len);
void vgpu_session_set_state(struct vgpu_session *session, enum vgpu_session_state state);
void vgpu_session_lose(struct vgpu_session *session, u16 status);
void vgpu_session_close(struct vgpu_session *session);
void vgpu_session_free(struct vgpu_session *session);
u64 vgpu_device_area(const struct vgpu_session *session);
struct vgpu_stream *vgpu_session_stream(struct vgpu_session *session, u32 number);
bool vgpu_session_in_range(const struct vgpu_session *session, u64 offset, u64 len);
u64 vgpu_queue_area_size(u32 sq_entries, u32 cq_entries);

/* queue.c: inside the core, locked */
u32 vgpu_queue_fetch(struct vgpu_session *session, u32 budget);
void vgpu_queue_look(struct vgpu_session *session);
bool vgpu_queue_poll_begin(struct vgpu_session *session);
bool vgpu_queue_poll(struct vgpu_session *session);
void vgpu_queue_poll_end(struct vgpu_session *session);
void vgpu_queue_tick(struct vgpu_gpu *gpu, u64 now);
void vgpu_queue_complete(struct vgpu_session *session, u32 seq, u16 status, u64 value);
void vgpu_queue_signal(struct vgpu_session *session);

/* vet.c */
u16 vgpu_vet(const struct vgpu_session *session, const struct vgpu_cmd *cmd, u32 seq);
void vgpu_vet_charge(struct vgpu_session *session, const struct vgpu_cmd *cmd);
void vgpu_vet_settle(struct vgpu_session *session, const struct vgpu_cmd *cmd, u16 status);
enum vgpu_engine vgpu_op_engine(u8 opcode);
u64 vgpu_cmd_bytes(const struct vgpu_cmd *cmd);

/* cost.c: inside the core, locked */
u64 vgpu_cost_predict(const struct vgpu_session *session, const struct vgpu_cmd *cmd);
void vgpu_cost_learn(struct vgpu_session *session, const struct vgpu_cmd *cmd, u64 ns);

/* stream.c: inside the core, locked */
void vgpu_stream_append(struct vgpu_stream *stream, struct vgpu_item *item);
void vgpu_stream_kick(struct vgpu_stream *stream);
void vgpu_stream_advance(struct vgpu_stream *stream);
void vgpu_item_complete(struct vgpu_item *item, u16 status, u64 value, u64 now);
struct vgpu_item *vgpu_item_by_seq(struct vgpu_session *session, u32 seq);
void vgpu_session_cancel(struct vgpu_session *session, u16 status);
void vgpu_session_cancel_dispatched(struct vgpu_session *session, u16 status);
void vgpu_session_kick_all(struct vgpu_session *session);

/* worker.c: called by the host */
struct vgpu_session *vgpu_worker_bind(struct vgpu_gpu *gpu, struct vgpu_exec_bind *bind,
				      struct vgpu_exec_rings *rings, void *host);
int vgpu_worker_ready(struct vgpu_session *session, const struct vgpu_exec_ready *ready);
int vgpu_worker_take(struct vgpu_session *session, const u32 *consumed, u32 *tail);
void vgpu_worker_release(struct vgpu_session *session);
bool vgpu_worker_may_fault(const struct vgpu_session *session);
bool vgpu_worker_may_map(struct vgpu_session *session, u64 offset, u64 len);

/* worker.c: inside the core, locked */
void vgpu_worker_want(struct vgpu_session *session);
void vgpu_worker_begin(struct vgpu_session *session);
void vgpu_worker_unbegin(struct vgpu_session *session);
void vgpu_worker_late(struct vgpu_session *session, u64 now);
void vgpu_worker_ring_full(struct vgpu_session *session);
void vgpu_worker_kill(struct vgpu_session *session);
u32 vgpu_worker_space(struct vgpu_session *session);
void vgpu_worker_dispatch(struct vgpu_session *session, struct vgpu_item *item);
void vgpu_worker_overdue(struct vgpu_session *session, u64 now);
void vgpu_worker_void_tokens(struct vgpu_gpu *gpu);
void vgpu_worker_retry(struct vgpu_session *session, u16 status);

/**
 * vgpu_metrics_accept() - a command was accepted
 * @dev: of which
 *
 * Here for its cost: commands arrive many at a time.
 *
 * Context: vgpu_gpu.lock held; follows vgpu_metrics_arrive(); vgpu_metrics_flush() follows.
 */
static inline void vgpu_metrics_accept(struct vgpu_dev *dev)
{
	dev->metrics.batch.accepted++;
}

/**
 * vgpu_metrics_complete() - an accepted command completes
 * @dev: of which
 * @item: the command, still in the state that it was in
 * @status: enum vgpu_status
 * @now: time
 *
 * Here for its cost, as vgpu_metrics_accept(). Context: vgpu_gpu.lock held; vgpu_metrics_flush()
 * follows.
 */
static inline void vgpu_metrics_complete(struct vgpu_dev *dev, const struct vgpu_item *item,
					 u16 status, u64 now)
{
	struct vgpu_batch *batch = &dev->metrics.batch;

	if (!vgpu_metrics_on)
		return;
	/* Of one kind, so of the kernel's own both or neither. */
	if (batch->now == now && batch->arrival_ns == item->arrival_ns &&
	    batch->kind == item->cmd.opcode && status == VGPU_ST_OK)
		batch->completed++;
	else
		vgpu_metrics_complete_first(dev, item, status, now);
}

#endif /* VGPU_CORE_H */
