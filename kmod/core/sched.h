/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/**
 * DOC: The scheduler
 *
 * It decides which stream's next run an engine gets. Pure policy: it is told of streams that may
 * run, of runs that begin and end, and of the time; it dispatches nothing, reads no clock and takes
 * no lock.
 *
 * Each engine has three tiers. A tier has a virtual time, which its service moves on by time ÷
 * (its weight × those of the virtual GPUs backlogged in it, together): the tier whose virtual
 * time is least is served next (or, under `strict`, the highest that has work). In a tier the
 * virtual GPU is next whose oldest command arrived first (`fifo`), or that has had least service
 * for its weight (`fair`); of a virtual GPU, the stream whose next command arrived first.
 *
 * A run is charged what it is predicted to take when it begins, and more as soon as it takes
 * longer; what it did not take is given back when it ends. Who was idle starts from the virtual
 * time of those who were not: nothing is saved up.
 *
 * Documentation/scheduler/ has the derivations: shares, worst-case wait, and what a guest can gain
 * by anything it does.
 */
#ifndef VGPU_CORE_SCHED_H
#define VGPU_CORE_SCHED_H

#include "os.h"
#include "../../uapi/vgpu_executor.h"
#include "../../uapi/vgpu_sched.h"

/**
 * enum vgpu_tier - scheduling tier of a virtual GPU
 */
enum vgpu_tier {
	VGPU_TIER_HIGH,
	VGPU_TIER_MEDIUM,
	VGPU_TIER_LOW,
	VGPU_TIER_COUNT
};

/**
 * enum vgpu_policy_kind - how tiers share an engine
 * @VGPU_POLICY_WEIGHTED: by weight × weights of the backlogged virtual GPUs
 * @VGPU_POLICY_STRICT: the highest tier with work, but for what aging guarantees the lower ones
 */
enum vgpu_policy_kind {
	VGPU_POLICY_WEIGHTED,
	VGPU_POLICY_STRICT,
	VGPU_POLICY_COUNT
};

/**
 * enum vgpu_policy_order - who is next inside a tier
 * @VGPU_ORDER_FIFO: the oldest command
 * @VGPU_ORDER_FAIR: the virtual GPU that has had least service for its weight
 */
enum vgpu_policy_order {
	VGPU_ORDER_FIFO,
	VGPU_ORDER_FAIR,
	VGPU_ORDER_COUNT
};

/**
 * enum vgpu_policy_charge - whose an engine's busy time is while several runs are in flight
 * @VGPU_CHARGE_AUTO: as VGPU_CHARGE_OLDEST, but as VGPU_CHARGE_EQUAL while runs are seen to
 *	overtake each other
 * @VGPU_CHARGE_OLDEST: of the run that was dispatched first: exact where runs execute one after the
 *	other
 * @VGPU_CHARGE_EQUAL: of all in equal parts: exact where they execute at the same time
 */
enum vgpu_policy_charge {
	VGPU_CHARGE_AUTO,
	VGPU_CHARGE_OLDEST,
	VGPU_CHARGE_EQUAL,
	VGPU_CHARGE_COUNT
};

#define VGPU_SCHED_VMS		1024u	/* virtual GPUs on a GPU, at most */
#define VGPU_SCHED_ANY_SLOT	~0u
#define VGPU_WINDOW		2u	/* runs in flight on an engine, at most */
#define VGPU_RUN_MAX		64u	/* commands in a run */
#define VGPU_WEIGHT_MAX		1000u
#define VGPU_VM_WEIGHT_MIN	10u
#define VGPU_VM_WEIGHT_DEFAULT	100u
#define VGPU_VM_WEIGHT_MAX	1000u
#define VGPU_SLICE_DEFAULT	(500ULL * NSEC_PER_USEC)
#define VGPU_SLICE_MIN		(10ULL * NSEC_PER_USEC)
#define VGPU_SLICE_MAX		(100ULL * NSEC_PER_MSEC)
#define VGPU_AGING_DEFAULT	(100ULL * NSEC_PER_MSEC)
#define VGPU_AGING_MIN		(1ULL * NSEC_PER_MSEC)
#define VGPU_AGING_MAX		(3600ULL * NSEC_PER_SEC)
#define VGPU_AGING_CAP_DEFAULT	50u	/* thousandths */
#define VGPU_AGING_CAP_MAX	500u

/**
 * struct vgpu_policy - scheduling policy of a pool, live-tunable
 * @weight: of each tier, 1..VGPU_WEIGHT_MAX
 * @aging_ns: after waiting so long a command rises a tier, after twice as long two;
 *	VGPU_AGING_MIN..VGPU_AGING_MAX
 * @slice_ns: predicted time of a run, VGPU_SLICE_MIN..VGPU_SLICE_MAX
 * @aging_cap: thousandths of an engine's time that each lower tier is guaranteed under `strict`,
 *	0..VGPU_AGING_CAP_MAX
 * @kind: enum vgpu_policy_kind
 * @order: enum vgpu_policy_order
 * @charge: enum vgpu_policy_charge
 * @window: runs in flight on an engine, 1..VGPU_WINDOW
 */
struct vgpu_policy {
	u32 weight[VGPU_TIER_COUNT];
	u64 aging_ns;
	u64 slice_ns;
	u32 aging_cap;
	u8 kind;
	u8 order;
	u8 charge;
	u8 window;
};

struct vgpu_sched_vm;

/**
 * struct vgpu_sched_entity - a stream in the scheduler's eyes
 * @arrival: of the stream's next command, order of arrival at the GPU
 * @arrival_ns: the same as a time
 * @vm: whose
 * @engine: of the next command
 * @slot: of its virtual GPU
 * @queued: in a run queue
 * @aged: the last pick of it was by aging
 * @id: names it in the decision log, unique on its GPU
 * @node: in the streams of its virtual GPU that wait for its engine behind the first
 *
 * What it waits for is settled before: only streams whose next command may run are queued.
 */
struct vgpu_sched_entity {
	u64 arrival;
	u64 arrival_ns;
	struct vgpu_sched_vm *vm;
	u16 engine;
	u16 slot;
	bool queued;
	bool aged;
	u64 id;
	struct rb_node node;
};

#define VGPU_SCHED_NO_KEY	(~0ULL)
#define VGPU_SCHED_VRUNTIME_END	BIT_ULL(60)

/**
 * struct vgpu_sched_share - a virtual GPU on one engine: a cache line
 * @vruntime: service received, nanoseconds × VGPU_VM_WEIGHT_DEFAULT ÷ weight, from a start that
 *	means nothing; kept under `fair`
 * @first: of its streams queued, by arrival; NULL if none is
 * @second: of the others, likewise
 * @rest: the others
 * @vm: whose
 * @epoch: of the tier for which @vruntime holds
 * @busy_ns: engine time used
 * @inflight: runs
 * @slot: as in its virtual GPU
 * @weight: likewise
 * @tier: likewise
 * @throttled: held back by a limit: its streams stay queued and are not picked
 */
struct vgpu_sched_share {
	u64 vruntime;
	struct vgpu_sched_entity *first;
	struct vgpu_sched_entity *second;
	struct rb_root rest;
	struct vgpu_sched_vm *vm;
	u64 epoch;
	u64 busy_ns;
	u16 inflight;
	u16 slot;
	u16 weight;
	u8 tier;
	bool throttled;
} VGPU_CACHE_LINE;

/**
 * struct vgpu_sched_vm - a virtual GPU in the scheduler's eyes
 * @node: in the scheduler's virtual GPUs
 * @id: names it in the decision log, unique on its GPU
 * @tier: enum vgpu_tier
 * @weight: beside the others of its tier, VGPU_VM_WEIGHT_MIN..VGPU_VM_WEIGHT_MAX
 * @slot: its number in vgpu_sched_engine.shares and in the tournaments
 */
struct vgpu_sched_vm {
	struct list_head node;
	u64 id;
	u32 tier;
	u32 weight;
	u32 slot;
};

/**
 * struct vgpu_sched_run - a run in flight
 * @node: in its engine's runs, by dispatch
 * @share: whose
 * @id: names it in the decision log, unique on its GPU
 * @charged_ns: charged to the tier and the virtual GPU
 * @used_ns: of the engine's busy time
 * @rate: weight × weights of the backlogged virtual GPUs at which the tier is charged
 * @weight: of its virtual GPU, at which that is charged; changes with it
 * @engine: enum vgpu_engine
 * @tier: that is charged
 * @aged: brought forward by aging
 */
struct vgpu_sched_run {
	struct list_head node;
	struct vgpu_sched_share *share;
	u64 id;
	u64 charged_ns;
	u64 used_ns;
	u32 rate;
	u16 weight;
	u8 engine;
	u8 tier;
	bool aged;
};

/**
 * struct vgpu_sched_tier - a tier of one engine
 * @keys: tournament of the virtual GPUs with streams queued, by service (fair) or arrival (fifo):
 *	the lesser of 2n and 2n + 1 is at n, so that the least of all is at 1; a virtual GPU's own
 *	is at vgpu_sched.capacity + slot; VGPU_SCHED_NO_KEY where there is none
 * @vtime: virtual time
 * @vtime_parts: 2^-32 of its units
 * @epoch: grows when nobody is backlogged any more: what was owed between virtual GPUs is forgotten
 * @allowance_ns: time that aging may take under `strict`
 * @backlogged: weights of the virtual GPUs with streams queued or runs in flight, together
 */
struct vgpu_sched_tier {
	u64 *keys;
	u64 vtime;
	u64 epoch;
	s64 allowance_ns;
	u32 vtime_parts;
	u32 backlogged;
};

/**
 * struct vgpu_sched_engine - run queues of one engine
 * @tier: tiers
 * @shares: of virtual GPUs, by slot: close together, so that a decision touches few pages
 * @vtime: greatest virtual time of a tier when the engine became idle
 * @runs: in flight, in order of dispatch
 * @since_ns: when busy time was last accounted
 * @busy_ns: time with a run in flight
 * @inflight: number of @runs
 * @overlap: greater than zero while runs are taken to execute at the same time
 */
struct vgpu_sched_engine {
	struct vgpu_sched_tier tier[VGPU_TIER_COUNT];
	struct vgpu_sched_share *shares;
	u64 vtime;
	struct list_head runs;
	u64 since_ns;
	u64 busy_ns;
	u32 inflight;
	u32 overlap;
};

/**
 * struct vgpu_sched - the scheduler of one GPU
 * @policy: of its pool
 * @engine: by enum vgpu_engine
 * @vms: virtual GPUs, by slot
 * @keys: of all tiers
 * @shares: of all engines
 * @capacity: virtual GPUs that there may be, a power of two
 * @promotions: runs brought forward by aging
 * @log: is called with each event; NULL where no log is kept
 * @log_host: of the one that keeps it
 */
struct vgpu_sched {
	struct vgpu_policy policy;
	struct vgpu_sched_engine engine[VGPU_ENGINE_COUNT];
	struct list_head vms;
	u64 *keys;
	struct vgpu_sched_share *shares;
	u32 capacity;
	u64 promotions;
	void (*log)(struct vgpu_sched *sched, const struct vgpu_sched_event *event);
	void *log_host;
};

/**
 * vgpu_sched_share_of() - a virtual GPU on an engine
 * @sched: of its GPU
 * @vm: any
 * @engine: enum vgpu_engine
 *
 * Return: its share. Context: the scheduler's lock held.
 */
static inline struct vgpu_sched_share *vgpu_sched_share_of(const struct vgpu_sched *sched,
							   const struct vgpu_sched_vm *vm,
							   u32 engine)
{
	return &sched->engine[engine].shares[vm->slot];
}

/**
 * vgpu_sched_entity_init() - a stream that is not queued
 * @entity: zeroed
 * @vm: whose
 * @id: unique on the GPU
 *
 * Context: any.
 */
static inline void vgpu_sched_entity_init(struct vgpu_sched_entity *entity,
					  struct vgpu_sched_vm *vm, u64 id)
{
	entity->vm = vm;
	entity->slot = vm->slot;
	entity->id = id;
}

/* pool.c */
extern const struct vgpu_policy vgpu_policy_default;
int vgpu_policy_check(const struct vgpu_policy *policy, const char **why);

/* sched.c: the caller holds the lock that guards the scheduler */
int vgpu_sched_init(struct vgpu_sched *sched, u32 capacity);
void vgpu_sched_destroy(struct vgpu_sched *sched);
void vgpu_sched_set_policy(struct vgpu_sched *sched, const struct vgpu_policy *policy, u64 now);
int vgpu_sched_add_vm(struct vgpu_sched *sched, struct vgpu_sched_vm *vm, u64 id, u32 tier,
		      u32 weight, u32 slot);
void vgpu_sched_remove_vm(struct vgpu_sched *sched, struct vgpu_sched_vm *vm);
void vgpu_sched_set_tier(struct vgpu_sched *sched, struct vgpu_sched_vm *vm, u32 tier, u64 now);
void vgpu_sched_set_weight(struct vgpu_sched *sched, struct vgpu_sched_vm *vm, u32 weight, u64 now);
void vgpu_sched_throttle(struct vgpu_sched *sched, struct vgpu_sched_vm *vm, u32 engine,
			 bool throttled, u64 now);
void vgpu_sched_enqueue(struct vgpu_sched *sched, struct vgpu_sched_entity *entity, u64 now);
void vgpu_sched_dequeue(struct vgpu_sched *sched, struct vgpu_sched_entity *entity, u64 now);
struct vgpu_sched_entity *vgpu_sched_pick(struct vgpu_sched *sched, u32 engine, u64 now);
void vgpu_sched_start(struct vgpu_sched *sched, struct vgpu_sched_entity *entity,
		      struct vgpu_sched_run *run, u64 id, u64 predicted_ns, u64 now);
void vgpu_sched_sync(struct vgpu_sched *sched, u32 engine, u64 now);
void vgpu_sched_done(struct vgpu_sched *sched, struct vgpu_sched_run *run, u64 now);
void vgpu_sched_link(struct vgpu_sched *sched, struct vgpu_sched_entity *entity);
void vgpu_sched_resume(struct vgpu_sched *sched, struct vgpu_sched_vm *vm,
		       struct vgpu_sched_run *run);

/* sched_log.c: likewise */
void vgpu_sched_log_begin(struct vgpu_sched *sched,
			  void (*log)(struct vgpu_sched *sched,
				      const struct vgpu_sched_event *event),
			  void *host, u64 now);
void vgpu_sched_log_end(struct vgpu_sched *sched);
void vgpu_sched_log_policy(struct vgpu_sched *sched, u64 now);
int vgpu_sched_restore(struct vgpu_sched *sched, struct vgpu_sched_vm *vm,
		       const struct vgpu_sched_event *event);
void vgpu_policy_unpack(struct vgpu_policy *policy, const struct vgpu_sched_event *event);

#endif /* VGPU_CORE_SCHED_H */
