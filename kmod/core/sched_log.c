// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * The scheduler's decision log: its beginning, which is the state at that time, and the way back
 * from a log to that state.
 */

#include "core.h"

static void emit(struct vgpu_sched *sched, struct vgpu_sched_event *event, u16 op, u32 engine,
		 u64 id, u32 arg)
{
	event->op = op;
	event->engine = engine;
	event->id = id;
	event->arg = arg;
	sched->log(sched, event);
	memset(event->a, 0, sizeof(event->a));
}

/**
 * vgpu_sched_log_policy() - write the policy to the log
 * @sched: with a log
 * @now: time
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_log_policy(struct vgpu_sched *sched, u64 now)
{
	const struct vgpu_policy *policy = &sched->policy;
	struct vgpu_sched_event event = { .now_ns = now };
	u32 i;

	for (i = 0; i < VGPU_TIER_COUNT; i++)
		event.a[0] |= (u64)policy->weight[i] << (16 * i);
	event.a[1] = policy->aging_ns;
	event.a[2] = policy->slice_ns;
	event.a[3] = policy->aging_cap;
	event.a[4] = policy->kind | (u64)policy->order << 8 | (u64)policy->charge << 16 |
		     (u64)policy->window << 24;
	emit(sched, &event, VGPU_SCHED_POLICY, 0, 0, 0);
}

/**
 * vgpu_policy_unpack() - a policy as VGPU_SCHED_POLICY has it
 * @policy: filled in; unchecked
 * @event: VGPU_SCHED_POLICY
 *
 * Context: any.
 */
void vgpu_policy_unpack(struct vgpu_policy *policy, const struct vgpu_sched_event *event)
{
	u32 i;

	for (i = 0; i < VGPU_TIER_COUNT; i++)
		policy->weight[i] = (u16)(event->a[0] >> (16 * i));
	policy->aging_ns = event->a[1];
	policy->slice_ns = event->a[2];
	policy->aging_cap = event->a[3];
	policy->kind = event->a[4];
	policy->order = event->a[4] >> 8;
	policy->charge = event->a[4] >> 16;
	policy->window = event->a[4] >> 24;
}

static void log_stream(struct vgpu_sched *sched, struct vgpu_sched_event *event,
		       const struct vgpu_sched_entity *entity)
{
	event->a[0] = entity->arrival;
	event->a[1] = entity->arrival_ns;
	event->a[2] = entity->vm->id;
	emit(sched, event, VGPU_SCHED_QUEUED, entity->engine, entity->id, 0);
}

static void log_queued(struct vgpu_sched *sched, struct vgpu_sched_event *event,
		       const struct vgpu_sched_share *share)
{
	struct rb_node *node;

	if (share->first)
		log_stream(sched, event, share->first);
	for (node = share->second ? &share->second->node : NULL; node; node = rb_next(node))
		log_stream(sched, event, rb_entry(node, struct vgpu_sched_entity, node));
}

static void log_engine(struct vgpu_sched *sched, struct vgpu_sched_event *event, u32 engine)
{
	const struct vgpu_sched_engine *eng = &sched->engine[engine];
	const struct vgpu_sched_share *share;
	const struct vgpu_sched_run *run;
	const struct vgpu_sched_vm *vm;
	u32 i;

	event->a[0] = eng->vtime;
	event->a[1] = eng->since_ns;
	event->a[2] = eng->overlap;
	event->a[3] = eng->busy_ns;
	emit(sched, event, VGPU_SCHED_ENGINE_STATE, engine, 0, 0);
	for (i = 0; i < VGPU_TIER_COUNT; i++) {
		event->a[0] = eng->tier[i].vtime;
		event->a[1] = eng->tier[i].epoch;
		event->a[2] = eng->tier[i].allowance_ns;
		event->a[3] = eng->tier[i].vtime_parts;
		emit(sched, event, VGPU_SCHED_TIER_STATE, engine, 0, i);
	}
	list_for_each_entry(vm, &sched->vms, node) {
		share = vgpu_sched_share_of(sched, vm, engine);
		event->a[0] = share->vruntime;
		event->a[1] = share->epoch;
		event->a[2] = share->busy_ns;
		emit(sched, event, VGPU_SCHED_VM_STATE, engine, vm->id, share->throttled);
	}
	list_for_each_entry(run, &eng->runs, node) {
		event->a[0] = run->share->vm->id;
		event->a[1] = run->charged_ns;
		event->a[2] = run->used_ns;
		event->a[3] = run->rate;
		event->a[4] = run->weight;
		emit(sched, event, VGPU_SCHED_RUN_STATE, engine, run->id,
		     run->tier | (run->aged ? VGPU_SCHED_AGED : 0));
	}
	list_for_each_entry(vm, &sched->vms, node)
		log_queued(sched, event, vgpu_sched_share_of(sched, vm, engine));
}

/**
 * vgpu_sched_log_begin() - keep a log from now on
 * @sched: without a log
 * @log: is called with each event, with the scheduler's lock held; may not sleep
 * @host: put into vgpu_sched.log_host
 * @now: time
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_log_begin(struct vgpu_sched *sched,
			  void (*log)(struct vgpu_sched *sched,
				      const struct vgpu_sched_event *event),
			  void *host, u64 now)
{
	struct vgpu_sched_event event = { .now_ns = now };
	const struct vgpu_sched_vm *vm;
	u32 i;

	sched->log = log;
	sched->log_host = host;
	event.a[0] = VGPU_SCHED_LOG_MAGIC;
	event.a[1] = VGPU_SCHED_LOG_VERSION;
	emit(sched, &event, VGPU_SCHED_BEGIN, 0, 0, 0);
	vgpu_sched_log_policy(sched, now);
	list_for_each_entry(vm, &sched->vms, node) {
		event.a[0] = vm->slot;
		event.a[1] = vm->weight;
		emit(sched, &event, VGPU_SCHED_VM, 0, vm->id, vm->tier);
	}
	for (i = 0; i < VGPU_ENGINE_COUNT; i++)
		log_engine(sched, &event, i);
	emit(sched, &event, VGPU_SCHED_LIVE, 0, 0, 0);
}

/**
 * vgpu_sched_log_end() - keep no log any more
 * @sched: any
 *
 * Context: the scheduler's lock held.
 */
void vgpu_sched_log_end(struct vgpu_sched *sched)
{
	sched->log = NULL;
	sched->log_host = NULL;
}

/**
 * vgpu_sched_restore() - take over state from the beginning of a log
 * @sched: fresh, without a log
 * @vm: named by a VGPU_SCHED_VM_STATE, NULL for other events
 * @event: VGPU_SCHED_POLICY, VGPU_SCHED_ENGINE_STATE, VGPU_SCHED_TIER_STATE or VGPU_SCHED_VM_STATE
 *
 * Return: 0, or -EINVAL if there is no such state. Context: the scheduler's lock held.
 */
int vgpu_sched_restore(struct vgpu_sched *sched, struct vgpu_sched_vm *vm,
		       const struct vgpu_sched_event *event)
{
	struct vgpu_sched_share *share;
	struct vgpu_sched_engine *eng;
	struct vgpu_sched_tier *tier;
	const char *why;

	if (event->engine >= VGPU_ENGINE_COUNT)
		return -EINVAL;
	eng = &sched->engine[event->engine];
	switch (event->op) {
	case VGPU_SCHED_POLICY:
		vgpu_policy_unpack(&sched->policy, event);
		return vgpu_policy_check(&sched->policy, &why);
	case VGPU_SCHED_ENGINE_STATE:
		eng->vtime = event->a[0];
		eng->since_ns = event->a[1];
		eng->overlap = event->a[2];
		eng->busy_ns = event->a[3];
		return 0;
	case VGPU_SCHED_TIER_STATE:
		if (event->arg >= VGPU_TIER_COUNT)
			return -EINVAL;
		tier = &eng->tier[event->arg];
		tier->vtime = event->a[0];
		tier->epoch = event->a[1];
		tier->allowance_ns = event->a[2];
		tier->vtime_parts = event->a[3];
		return 0;
	case VGPU_SCHED_VM_STATE:
		if (!vm || event->a[0] >= VGPU_SCHED_VRUNTIME_END)
			return -EINVAL;
		share = vgpu_sched_share_of(sched, vm, event->engine);
		share->vruntime = event->a[0];
		share->epoch = event->a[1];
		share->busy_ns = event->a[2];
		share->throttled = event->arg & 1;
		return 0;
	}
	return -EINVAL;
}
