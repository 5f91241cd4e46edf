// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include "core.h"
#include "sched_vtime.h"

/*
 * Runs that have to end in order of dispatch until they are taken to execute one after the other
 * again.
 */
#define OVERLAP_MEMORY	64
/*
 * Virtual run times are told apart where they differ by 2^6 ns, and are compared as they are: what
 * is given back, of a run that began under another order or tier, never brings them below 0, and
 * no virtual GPU reaches VGPU_SCHED_VRUNTIME_END in less than 2.7 years of the engine's time.
 */
#define KEY_RESOLUTION	6
#define VRUNTIME_START	BIT_ULL(58)

static struct vgpu_sched_entity *entity_of(struct rb_node *node)
{
	return rb_entry(node, struct vgpu_sched_entity, node);
}

static bool after(u64 a, u64 b)
{
	return (s64)(a - b) > 0;
}

/* Streams of a virtual GPU that wait behind its first. */

static void insert_behind(struct vgpu_sched_share *share, struct vgpu_sched_entity *entity)
{
	struct rb_node **link = &share->rest.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = entity->arrival < entity_of(parent)->arrival ? &parent->rb_left :
								      &parent->rb_right;
	}
	rb_link_node(&entity->node, parent, link);
	rb_insert_color(&entity->node, &share->rest);
	if (!share->second || entity->arrival < share->second->arrival)
		share->second = entity;
}

static void remove_behind(struct vgpu_sched_share *share, struct vgpu_sched_entity *entity)
{
	struct rb_node *next;

	if (share->second == entity) {
		next = rb_next(&entity->node);
		share->second = next ? entity_of(next) : NULL;
	}
	rb_erase(&entity->node, &share->rest);
}

/*
 * The tournament of a tier. A key has the virtual GPU's slot in its low bits: no two are equal, the
 * least says whose it is, and who wins follows from the keys alone and not from the history. Who
 * plays whom is fixed, so that a change is carried up one path, with loads that do not depend on
 * each other and no branch on who wins; it ends where the winner stays the same.
 */
static void set_key(u64 *keys, u32 n, u64 key)
{
	keys[n] = key;
	for (; n > 1; n >>= 1) {
		key = min(key, keys[n ^ 1]);
		if (keys[n >> 1] == key)
			break;
		keys[n >> 1] = key;
	}
}

static bool is_empty(const struct vgpu_sched_tier *tier)
{
	return tier->keys[1] == VGPU_SCHED_NO_KEY;
}

/* The stream that is next in a tier that is not empty. */
static struct vgpu_sched_entity *tier_head(const struct vgpu_sched_engine *eng, u32 tier)
{
	return eng->shares[eng->tier[tier].keys[1] & (VGPU_SCHED_VMS - 1)].first;
}

static struct vgpu_sched_share *share_of(const struct vgpu_sched *sched,
					 const struct vgpu_sched_entity *entity)
{
	return &sched->engine[entity->engine].shares[entity->slot];
}

static bool is_fair(const struct vgpu_sched *sched)
{
	return sched->policy.order == VGPU_ORDER_FAIR;
}

static bool is_backlogged(const struct vgpu_sched_share *share)
{
	return (share->first && !share->throttled) || share->inflight;
}

static void log_event(struct vgpu_sched *sched, u16 op, u32 engine, u64 id, u32 arg, u64 now,
		      u64 a0, u64 a1, u64 a2)
{
	struct vgpu_sched_event event = {
		.now_ns = now,
		.id = id,
		.op = op,
		.engine = engine,
		.arg = arg,
		.a = { a0, a1, a2 },
	};

	sched->log(sched, &event);
}

/* Puts a share where it belongs in its tier's order, or takes it out if it has nothing to run. */
static void place(struct vgpu_sched *sched, u32 engine, struct vgpu_sched_share *share)
{
	struct vgpu_sched_engine *eng = &sched->engine[engine];
	u64 *keys = eng->tier[share->tier].keys;
	u32 slot = share->slot;
	u64 key;

	if (share->first && !share->throttled) {
		key = is_fair(sched) ? share->vruntime >> KEY_RESOLUTION : share->first->arrival;
		set_key(keys, sched->capacity + slot, key * VGPU_SCHED_VMS + slot);
	} else if (keys[sched->capacity + slot] != VGPU_SCHED_NO_KEY) {
		set_key(keys, sched->capacity + slot, VGPU_SCHED_NO_KEY);
	}
}

/* After a run's share was charged, or given back: where it stands under fair. */
static void replace(struct vgpu_sched *sched, struct vgpu_sched_run *run)
{
	if (run->share->first && is_fair(sched))
		place(sched, run->engine, run->share);
}

/* Charges a run's tier and virtual GPU. */
static void charge(struct vgpu_sched *sched, struct vgpu_sched_run *run, u64 ns)
{
	struct vgpu_sched_tier *tier = &sched->engine[run->engine].tier[run->tier];

	vtime_move_on(tier, ns, run->rate);
	if (run->aged)
		tier->allowance_ns -= ns;
	run->charged_ns += ns;
	run->share->vruntime += vruntime_of(ns, run->weight);
}

/* Gives back what a run was charged and did not use. */
static void give_back(struct vgpu_sched *sched, struct vgpu_sched_run *run)
{
	struct vgpu_sched_tier *tier = &sched->engine[run->engine].tier[run->tier];
	u64 ns = run->charged_ns - run->used_ns;

	vtime_move_back(tier, ns, run->rate);
	if (run->aged)
		tier->allowance_ns += ns;
	run->charged_ns = run->used_ns;
	run->share->vruntime -= vruntime_of(ns, run->weight);
	replace(sched, run);
}

static void use(struct vgpu_sched *sched, struct vgpu_sched_run *run, u64 ns)
{
	run->used_ns += ns;
	run->share->busy_ns += ns;
	if (run->used_ns <= run->charged_ns)
		return;
	charge(sched, run, run->used_ns - run->charged_ns);
	replace(sched, run);
}

static void grant_allowances(struct vgpu_sched *sched, struct vgpu_sched_engine *eng, u64 busy)
{
	s64 most = sched->policy.slice_ns;
	struct vgpu_sched_tier *tier;

	for (tier = eng->tier; tier < eng->tier + VGPU_TIER_COUNT; tier++) {
		if (!tier->backlogged)
			continue;
		tier->allowance_ns += div_u64(busy * sched->policy.aging_cap, 1000);
		tier->allowance_ns = min(tier->allowance_ns, most);
	}
}

static void account_busy(struct vgpu_sched *sched, struct vgpu_sched_engine *eng, u64 now)
{
	u64 busy = now - eng->since_ns, part = 0;
	struct vgpu_sched_run *run;

	eng->since_ns = now;
	eng->busy_ns += busy;
	if (sched->policy.kind == VGPU_POLICY_STRICT)
		grant_allowances(sched, eng, busy);
	if (eng->inflight > 1 && (sched->policy.charge == VGPU_CHARGE_EQUAL ||
				  (sched->policy.charge == VGPU_CHARGE_AUTO && eng->overlap)))
		part = div_u64(busy, eng->inflight);
	list_for_each_entry(run, &eng->runs, node) {
		if (run->node.prev == &eng->runs)
			use(sched, run, part ? busy - part * (eng->inflight - 1) : busy);
		else if (part)
			use(sched, run, part);
	}
}

static void account(struct vgpu_sched *sched, struct vgpu_sched_engine *eng, u64 now)
{
	if (!after(now, eng->since_ns))
		return;
	if (eng->inflight)
		account_busy(sched, eng, now);
	else
		eng->since_ns = now;
}

/* A tier's virtual time without what runs in flight were charged and have not used. */
static u64 served_vtime(const struct vgpu_sched_engine *eng, u32 number)
{
	u64 vtime = eng->tier[number].vtime;
	const struct vgpu_sched_run *run;

	list_for_each_entry(run, &eng->runs, node)
		if (run->tier == number)
			vtime -= vtime_of(run->charged_ns - run->used_ns, run->rate);
	return vtime;
}

/*
 * The least virtual time of the tiers that are backlogged; that of the engine's last end of work if
 * none is.
 */
static u64 current_vtime(const struct vgpu_sched_engine *eng)
{
	u64 vtime, least = eng->vtime;
	bool any = false;
	u32 i;

	for (i = 0; i < VGPU_TIER_COUNT; i++) {
		if (!eng->tier[i].backlogged)
			continue;
		vtime = served_vtime(eng, i);
		if (!any || after(least, vtime))
			least = vtime;
		any = true;
	}
	return least;
}

/* A share's virtual run time without what its runs in flight were charged and have not used. */
static u64 served_vruntime(const struct vgpu_sched_engine *eng,
			   const struct vgpu_sched_share *share)
{
	u64 vruntime = share->vruntime;
	const struct vgpu_sched_run *run;

	list_for_each_entry(run, &eng->runs, node)
		if (run->share == share)
			vruntime -= vruntime_of(run->charged_ns - run->used_ns, run->weight);
	return vruntime;
}

/*
 * The least virtual run time of a tier's other shares that are backlogged, of those that are queued
 * as their keys tell it; @otherwise if none is.
 */
static u64 current_floor(const struct vgpu_sched_engine *eng, u32 number,
			 const struct vgpu_sched_share *but, u64 otherwise)
{
	const struct vgpu_sched_tier *tier = &eng->tier[number];
	const struct vgpu_sched_run *run;
	u64 vruntime, least = otherwise;
	bool any = false;

	if (!is_empty(tier)) {
		least = (tier->keys[1] / VGPU_SCHED_VMS) << KEY_RESOLUTION;
		any = true;
	}
	list_for_each_entry(run, &eng->runs, node) {
		if (run->share->tier != number || run->share == but)
			continue;
		vruntime = served_vruntime(eng, run->share);
		if (!any || after(least, vruntime))
			least = vruntime;
		any = true;
	}
	return least;
}

/*
 * A share becomes backlogged: it and its tier start from where the others are, or stay ahead of
 * them where they owe.
 */
static void join(struct vgpu_sched *sched, u32 engine, struct vgpu_sched_share *share)
{
	struct vgpu_sched_engine *eng = &sched->engine[engine];
	struct vgpu_sched_tier *tier = &eng->tier[share->tier];
	u64 reference;

	if (!tier->backlogged) {
		reference = current_vtime(eng);
		if (after(reference, tier->vtime)) {
			tier->vtime = reference;
			tier->vtime_parts = 0;
		}
		if (tier->allowance_ns > 0)
			tier->allowance_ns = 0;
	}
	if (is_fair(sched)) {
		reference = current_floor(eng, share->tier, share, VRUNTIME_START);
		if (share->epoch != tier->epoch || after(reference, share->vruntime))
			share->vruntime = reference;
		share->epoch = tier->epoch;
	}
	tier->backlogged += share->weight;
}

/*
 * A share is backlogged no more. Where it was the last, what was owed is forgotten: nobody waited
 * for it.
 */
static void leave(struct vgpu_sched *sched, u32 engine, struct vgpu_sched_share *share)
{
	struct vgpu_sched_engine *eng = &sched->engine[engine];
	struct vgpu_sched_tier *tier = &eng->tier[share->tier];
	u32 i, backlogged = 0;

	tier->backlogged -= share->weight;
	if (tier->backlogged)
		return;
	tier->epoch++;
	for (i = 0; i < VGPU_TIER_COUNT; i++)
		backlogged += eng->tier[i].backlogged;
	for (i = 0; i < VGPU_TIER_COUNT && !backlogged; i++)
		if (after(eng->tier[i].vtime, eng->vtime))
			eng->vtime = eng->tier[i].vtime;
}

/**
 * vgpu_sched_init() - a scheduler with nothing to do
 * @sched: of a GPU
 * @capacity: virtual GPUs that there may be, 1..VGPU_SCHED_VMS
 *
 * Return: 0 or -ENOMEM. Context: may sleep.
 */
int vgpu_sched_init(struct vgpu_sched *sched, u32 capacity)
{
	u32 engine, tier, tiers = VGPU_ENGINE_COUNT * VGPU_TIER_COUNT;
	u64 *keys;

	memset(sched, 0, sizeof(*sched));
	capacity = roundup_pow_of_two(capacity);
	sched->keys = kvcalloc(tiers, 2 * capacity * sizeof(*sched->keys), GFP_KERNEL);
	sched->shares = kvcalloc(VGPU_ENGINE_COUNT, capacity * sizeof(*sched->shares), GFP_KERNEL);
	if (!sched->keys || !sched->shares) {
		vgpu_sched_destroy(sched);
		return -ENOMEM;
	}
	for (keys = sched->keys; keys < sched->keys + tiers * 2 * capacity; keys++)
		*keys = VGPU_SCHED_NO_KEY;
	sched->policy = vgpu_policy_default;
	sched->capacity = capacity;
	INIT_LIST_HEAD(&sched->vms);
	keys = sched->keys;
	for (engine = 0; engine < VGPU_ENGINE_COUNT; engine++) {
		INIT_LIST_HEAD(&sched->engine[engine].runs);
		sched->engine[engine].shares = sched->shares + engine * capacity;
		for (tier = 0; tier < VGPU_TIER_COUNT; tier++) {
			sched->engine[engine].tier[tier].keys = keys;
			keys += 2 * capacity;
		}
	}
	return 0;
}

/**
 * vgpu_sched_destroy() - end of a scheduler
 * @sched: with nothing queued and nothing in flight
 *
 * Context: any.
 */
void vgpu_sched_destroy(struct vgpu_sched *sched)
{
	kvfree(sched->keys);
	kvfree(sched->shares);
	sched->keys = NULL;
	sched->shares = NULL;
}

/**
 * vgpu_sched_set_policy() - change the policy; in force for the next decision
 * @sched: of a GPU
 * @policy: checked by vgpu_policy_check()
 * @now: time
 *
 * O(virtual GPUs × log) where the order inside tiers changes, else O(1).
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_set_policy(struct vgpu_sched *sched, const struct vgpu_policy *policy, u64 now)
{
	bool reorder = policy->order != sched->policy.order;
	struct vgpu_sched_share *share;
	struct vgpu_sched_vm *vm;
	u32 i;

	for (i = 0; i < VGPU_ENGINE_COUNT; i++)
		account(sched, &sched->engine[i], now);
	sched->policy = *policy;
	if (reorder) {
		list_for_each_entry(vm, &sched->vms, node) {
			for (i = 0; i < VGPU_ENGINE_COUNT; i++) {
				share = vgpu_sched_share_of(sched, vm, i);
				share->vruntime = VRUNTIME_START;
				share->epoch = sched->engine[i].tier[vm->tier].epoch;
				place(sched, i, share);
			}
		}
	}
	if (sched->log)
		vgpu_sched_log_policy(sched, now);
}

/**
 * vgpu_sched_add_vm() - a virtual GPU comes
 * @sched: of its GPU
 * @vm: zeroed
 * @id: unique on the GPU
 * @tier: enum vgpu_tier
 * @weight: VGPU_VM_WEIGHT_MIN..VGPU_VM_WEIGHT_MAX
 * @slot: below the scheduler's capacity, or VGPU_SCHED_ANY_SLOT for the lowest that is free
 *
 * Return: 0, or -ENOSPC if there is no such slot free. Context: the scheduler's lock held.
 */
int vgpu_sched_add_vm(struct vgpu_sched *sched, struct vgpu_sched_vm *vm, u64 id, u32 tier,
		      u32 weight, u32 slot)
{
	struct vgpu_sched_vm *behind;
	u32 i, lowest = 0;

	list_for_each_entry(behind, &sched->vms, node) {
		if (slot == VGPU_SCHED_ANY_SLOT ? behind->slot > lowest : behind->slot >= slot)
			break;
		lowest = behind->slot + 1;
	}
	if (slot == VGPU_SCHED_ANY_SLOT)
		slot = lowest;
	else if (!list_entry_is_head(behind, &sched->vms, node) && behind->slot == slot)
		return -ENOSPC;
	if (slot >= sched->capacity)
		return -ENOSPC;
	vm->id = id;
	vm->tier = tier;
	vm->weight = weight;
	vm->slot = slot;
	for (i = 0; i < VGPU_ENGINE_COUNT; i++)
		*vgpu_sched_share_of(sched, vm, i) = (struct vgpu_sched_share) {
			.vm = vm,
			.slot = slot,
			.weight = weight,
			.tier = tier,
			.vruntime = VRUNTIME_START,
			.epoch = sched->engine[i].tier[tier].epoch,
		};
	list_add_tail(&vm->node, &behind->node);
	if (sched->log)
		log_event(sched, VGPU_SCHED_VM, 0, id, tier, 0, slot, weight, 0);
	return 0;
}

/**
 * vgpu_sched_remove_vm() - a virtual GPU goes
 * @sched: of its GPU
 * @vm: with nothing queued and nothing in flight
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_remove_vm(struct vgpu_sched *sched, struct vgpu_sched_vm *vm)
{
	list_del_init(&vm->node);
	if (sched->log)
		log_event(sched, VGPU_SCHED_VM_GONE, 0, vm->id, 0, 0, 0, 0, 0);
}

/**
 * vgpu_sched_set_tier() - move a virtual GPU to another tier; in force for the next decision
 * @sched: of its GPU
 * @vm: any
 * @tier: enum vgpu_tier
 * @now: time
 *
 * Runs in flight stay charged to the tier that they were dispatched from.
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_set_tier(struct vgpu_sched *sched, struct vgpu_sched_vm *vm, u32 tier, u64 now)
{
	struct vgpu_sched_share *share;
	u32 i;

	if (vm->tier == tier)
		return;
	for (i = 0; i < VGPU_ENGINE_COUNT; i++) {
		share = vgpu_sched_share_of(sched, vm, i);
		account(sched, &sched->engine[i], now);
		set_key(sched->engine[i].tier[vm->tier].keys, sched->capacity + vm->slot,
			VGPU_SCHED_NO_KEY);
		if (is_backlogged(share))
			leave(sched, i, share);
	}
	vm->tier = tier;
	for (i = 0; i < VGPU_ENGINE_COUNT; i++) {
		share = vgpu_sched_share_of(sched, vm, i);
		share->tier = tier;
		/* Its virtual run time means nothing there: it starts from where the others are. */
		share->epoch = sched->engine[i].tier[tier].epoch - 1;
		if (is_backlogged(share))
			join(sched, i, share);
		place(sched, i, share);
	}
	if (sched->log)
		log_event(sched, VGPU_SCHED_VM, 0, vm->id, tier, now, vm->slot, vm->weight, 0);
}

/*
 * What a share owes the others of its tier, or they owe it, stays the same service: it is counted
 * by the new weight, as are its runs in flight.
 */
static void reweigh(struct vgpu_sched *sched, struct vgpu_sched_engine *eng,
		    struct vgpu_sched_share *share, u32 weight)
{
	u64 vruntime = served_vruntime(eng, share);
	u64 floor = current_floor(eng, share->tier, share, vruntime);
	struct vgpu_sched_run *run;

	if (is_fair(sched) && share->epoch == eng->tier[share->tier].epoch)
		vruntime = floor + div64_s64((s64)(vruntime - floor) * share->weight, weight);
	list_for_each_entry(run, &eng->runs, node) {
		if (run->share != share)
			continue;
		run->weight = weight;
		vruntime += vruntime_of(run->charged_ns - run->used_ns, weight);
	}
	share->vruntime = vruntime;
	share->weight = weight;
}

/**
 * vgpu_sched_set_weight() - change a virtual GPU's weight; in force for the next decision
 * @sched: of its GPU
 * @vm: any
 * @weight: VGPU_VM_WEIGHT_MIN..VGPU_VM_WEIGHT_MAX
 * @now: time
 *
 * Runs in flight stay charged to the tier at the rate that they were dispatched with.
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_set_weight(struct vgpu_sched *sched, struct vgpu_sched_vm *vm, u32 weight, u64 now)
{
	struct vgpu_sched_share *share;
	u32 i;

	if (vm->weight == weight)
		return;
	for (i = 0; i < VGPU_ENGINE_COUNT; i++) {
		share = vgpu_sched_share_of(sched, vm, i);
		account(sched, &sched->engine[i], now);
		if (is_backlogged(share))
			sched->engine[i].tier[vm->tier].backlogged += weight - vm->weight;
		set_key(sched->engine[i].tier[vm->tier].keys, sched->capacity + vm->slot,
			VGPU_SCHED_NO_KEY);
		reweigh(sched, &sched->engine[i], share, weight);
		place(sched, i, share);
	}
	vm->weight = weight;
	if (sched->log)
		log_event(sched, VGPU_SCHED_VM, 0, vm->id, vm->tier, now, vm->slot, weight, 0);
}

/**
 * vgpu_sched_throttle() - hold a virtual GPU back on an engine, or let it go on
 * @sched: of its GPU
 * @vm: any
 * @engine: enum vgpu_engine
 * @throttled: its streams are not picked
 * @now: time
 *
 * While it is held back and has nothing in flight it does not count as backlogged; it comes back as
 * one that was idle does, with nothing saved up.
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_throttle(struct vgpu_sched *sched, struct vgpu_sched_vm *vm, u32 engine,
			 bool throttled, u64 now)
{
	struct vgpu_sched_share *share = vgpu_sched_share_of(sched, vm, engine);
	bool was = is_backlogged(share);

	if (share->throttled == throttled)
		return;
	if (sched->log)
		log_event(sched, VGPU_SCHED_THROTTLE, engine, vm->id, throttled, now, 0, 0, 0);
	account(sched, &sched->engine[engine], now);
	share->throttled = throttled;
	if (!was && is_backlogged(share))
		join(sched, engine, share);
	place(sched, engine, share);
	if (was && !is_backlogged(share))
		leave(sched, engine, share);
}

static void link_stream(struct vgpu_sched *sched, struct vgpu_sched_entity *entity)
{
	struct vgpu_sched_share *share = share_of(sched, entity);
	struct vgpu_sched_entity *behind = entity;

	entity->queued = true;
	if (!share->first || entity->arrival < share->first->arrival) {
		behind = share->first;
		share->first = entity;
		place(sched, entity->engine, share);
	}
	if (behind)
		insert_behind(share, behind);
}

/* place() follows. */
static void unlink_stream(struct vgpu_sched_share *share, struct vgpu_sched_entity *entity)
{
	struct vgpu_sched_entity *behind = share->first == entity ? share->second : entity;

	entity->queued = false;
	if (behind)
		remove_behind(share, behind);
	if (share->first == entity)
		share->first = behind;
}

/**
 * vgpu_sched_enqueue() - a stream's next command may run
 * @sched: of its GPU
 * @entity: not queued; vm, id, engine, arrival and arrival_ns are set
 * @now: time
 *
 * O(log of the virtual GPUs), and of the virtual GPU's streams that wait.
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_enqueue(struct vgpu_sched *sched, struct vgpu_sched_entity *entity, u64 now)
{
	struct vgpu_sched_share *share = share_of(sched, entity);

	if (sched->log)
		log_event(sched, VGPU_SCHED_ENQUEUE, entity->engine, entity->id, 0, now,
			  entity->arrival, entity->arrival_ns, entity->vm->id);
	if (!is_backlogged(share) && !share->throttled) {
		account(sched, &sched->engine[entity->engine], now);
		join(sched, entity->engine, share);
	}
	link_stream(sched, entity);
}

/**
 * vgpu_sched_dequeue() - a stream may not run any more
 * @sched: of its GPU
 * @entity: queued
 * @now: time
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_dequeue(struct vgpu_sched *sched, struct vgpu_sched_entity *entity, u64 now)
{
	struct vgpu_sched_share *share = share_of(sched, entity);
	bool was = is_backlogged(share);

	if (sched->log)
		log_event(sched, VGPU_SCHED_DEQUEUE, entity->engine, entity->id, 0, now, 0, 0, 0);
	unlink_stream(share, entity);
	place(sched, entity->engine, share);
	if (was && !is_backlogged(share))
		leave(sched, entity->engine, share);
}

/* Whether a command has waited long enough to have risen so many tiers. */
static bool has_risen(const struct vgpu_sched *sched, const struct vgpu_sched_entity *entity,
		      u32 levels, u64 now)
{
	return after(now, entity->arrival_ns + sched->policy.aging_ns * levels);
}

/* Whether aging may serve a tier out of turn now: never further ahead of its share than a slice. */
static bool may_rise(const struct vgpu_sched *sched, const struct vgpu_sched_tier *tier, u32 number,
		     u64 turn_vtime)
{
	if (sched->policy.kind == VGPU_POLICY_STRICT)
		return tier->allowance_ns > 0;
	return tier->vtime - turn_vtime <=
	       vtime_of(sched->policy.slice_ns, sched->policy.weight[number] * tier->backlogged);
}

/* The tier whose turn it is, VGPU_TIER_COUNT if nothing is queued. */
static u32 tier_in_turn(const struct vgpu_sched *sched, const struct vgpu_sched_engine *eng)
{
	bool weighted = sched->policy.kind == VGPU_POLICY_WEIGHTED;
	u32 i, turn = VGPU_TIER_COUNT;
	u64 least = 0;

	for (i = 0; i < VGPU_TIER_COUNT; i++) {
		if (is_empty(&eng->tier[i]))
			continue;
		if (turn == VGPU_TIER_COUNT || (weighted && after(least, eng->tier[i].vtime))) {
			turn = i;
			least = eng->tier[i].vtime;
		}
	}
	return turn;
}

/**
 * vgpu_sched_pick() - the stream whose run an engine is to execute next
 * @sched: of the GPU
 * @engine: enum vgpu_engine, with room in its dispatch window
 * @now: time
 *
 * The stream stays queued: vgpu_sched_start() follows, or vgpu_sched_dequeue() if it cannot run
 * after all. O(1).
 *
 * Return: the stream, or NULL if none may run. Context: the scheduler's lock held.
 */
struct vgpu_sched_entity *vgpu_sched_pick(struct vgpu_sched *sched, u32 engine, u64 now)
{
	struct vgpu_sched_engine *eng = &sched->engine[engine];
	struct vgpu_sched_entity *entity, *head;
	u32 i, turn;

	if (tier_in_turn(sched, eng) == VGPU_TIER_COUNT)
		return NULL;
	account(sched, eng, now);
	turn = tier_in_turn(sched, eng);
	entity = tier_head(eng, turn);
	entity->aged = false;
	for (i = turn + 1; i < VGPU_TIER_COUNT; i++) {
		if (is_empty(&eng->tier[i]))
			continue;
		head = tier_head(eng, i);
		/*
		 * What has risen keeps its place by arrival; under strict it is owed its turn
		 * whatever waits above.
		 */
		if (head->arrival >= entity->arrival &&
		    (sched->policy.kind != VGPU_POLICY_STRICT || entity->aged))
			continue;
		if (!has_risen(sched, head, i - turn, now) ||
		    !may_rise(sched, &eng->tier[i], i, eng->tier[turn].vtime))
			continue;
		entity = head;
		entity->aged = true;
	}
	if (sched->log)
		log_event(sched, VGPU_SCHED_PICK, engine, entity->id,
			  entity->vm->tier | (entity->aged ? VGPU_SCHED_AGED : 0), now, 0, 0, 0);
	return entity;
}

static void add_run(struct vgpu_sched *sched, struct vgpu_sched_run *run)
{
	struct vgpu_sched_engine *eng = &sched->engine[run->engine];

	list_add_tail(&run->node, &eng->runs);
	eng->inflight++;
	run->share->inflight++;
}

/**
 * vgpu_sched_start() - a run begins
 * @sched: of the GPU
 * @entity: picked; no longer queued when this returns
 * @run: filled in
 * @id: of the run, unique on the GPU
 * @predicted_ns: time that it is expected to take
 * @now: time
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_start(struct vgpu_sched *sched, struct vgpu_sched_entity *entity,
		      struct vgpu_sched_run *run, u64 id, u64 predicted_ns, u64 now)
{
	u32 engine = entity->engine;
	struct vgpu_sched_engine *eng = &sched->engine[engine];
	struct vgpu_sched_share *share = share_of(sched, entity);

	if (sched->log)
		log_event(sched, VGPU_SCHED_START, engine, entity->id, 0, now, id, predicted_ns, 0);
	account(sched, eng, now);
	run->share = share;
	run->id = id;
	run->charged_ns = 0;
	run->used_ns = 0;
	run->engine = engine;
	run->tier = share->tier;
	run->weight = share->weight;
	run->rate = sched->policy.weight[run->tier] * eng->tier[run->tier].backlogged;
	run->aged = entity->aged;
	if (run->aged)
		sched->promotions++;
	add_run(sched, run);
	unlink_stream(share, entity);
	charge(sched, run, predicted_ns);
	place(sched, engine, share);
}

/**
 * vgpu_sched_link() - put a stream into its run queue and do nothing else: VGPU_SCHED_QUEUED
 * @sched: of its GPU
 * @entity: not queued
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_link(struct vgpu_sched *sched, struct vgpu_sched_entity *entity)
{
	struct vgpu_sched_share *share = share_of(sched, entity);

	if (!is_backlogged(share) && !share->throttled)
		sched->engine[entity->engine].tier[share->tier].backlogged += share->weight;
	link_stream(sched, entity);
}

/**
 * vgpu_sched_resume() - put a run among those in flight and do nothing else: VGPU_SCHED_RUN_STATE
 * @sched: of the GPU
 * @vm: whose
 * @run: filled in but for its share
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_resume(struct vgpu_sched *sched, struct vgpu_sched_vm *vm,
		       struct vgpu_sched_run *run)
{
	run->share = vgpu_sched_share_of(sched, vm, run->engine);
	if (!is_backlogged(run->share))
		sched->engine[run->engine].tier[vm->tier].backlogged += vm->weight;
	add_run(sched, run);
}

/**
 * vgpu_sched_sync() - account an engine's busy time up to now
 * @sched: of the GPU
 * @engine: enum vgpu_engine
 * @now: time
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_sync(struct vgpu_sched *sched, u32 engine, u64 now)
{
	if (sched->log)
		log_event(sched, VGPU_SCHED_SYNC, engine, 0, 0, now, 0, 0, 0);
	account(sched, &sched->engine[engine], now);
}

/**
 * vgpu_sched_done() - a run ended
 * @sched: of the GPU
 * @run: in flight
 * @now: time
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_done(struct vgpu_sched *sched, struct vgpu_sched_run *run, u64 now)
{
	struct vgpu_sched_engine *eng = &sched->engine[run->engine];
	struct vgpu_sched_share *share = run->share;

	if (sched->log)
		log_event(sched, VGPU_SCHED_DONE, run->engine, run->id, 0, now, 0, 0, 0);
	account(sched, eng, now);
	if (eng->inflight > 1) {
		if (run->node.prev != &eng->runs)
			eng->overlap = OVERLAP_MEMORY;
		else if (eng->overlap)
			eng->overlap--;
	}
	give_back(sched, run);
	list_del_init(&run->node);
	eng->inflight--;
	share->inflight--;
	if (!is_backlogged(share))
		leave(sched, run->engine, share);
}
