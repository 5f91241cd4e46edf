// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Events, engines and VMs around the scheduler. What gpu.c does with the scheduler is done here in the same
 * order: a stream's next commands become a run of up to a slice, a completed command accounts time, a run that
 * ended frees a place in the window.
 *
 * Beside the scheduler goes an ideal fluid server, which gives each tier its share of every instant: shares and
 * waits are measured against it. It knows the real cost of commands; the scheduler does not.
 */

#include <math.h>

#include "sim.h"

enum event_kind {
	EVENT_SUBMIT,
	EVENT_COMPLETE,
	EVENT_ACTION,
	EVENT_WINDOW,
	EVENT_WARM,
	EVENT_START,
};

struct event {
	u64 at_ns;
	u64 order;
	enum event_kind kind;
	u32 number;
	u32 engine;
	u64 version;
	struct sim_stream *stream;
};

static struct {
	struct event *heap;
	size_t len;
	size_t room;
	u64 order;
} events;

static bool event_before(const struct event *a, const struct event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void push_event(struct event event)
{
	size_t at, parent;

	if (events.len == events.room) {
		events.room = events.room ? events.room * 2 : 1024;
		events.heap = realloc(events.heap, events.room * sizeof(event));
		if (!events.heap)
			abort();
	}
	event.order = events.order++;
	for (at = events.len++; at; at = parent) {
		parent = (at - 1) / 2;
		if (!event_before(&event, &events.heap[parent]))
			break;
		events.heap[at] = events.heap[parent];
	}
	events.heap[at] = event;
}

static struct event pop_event(void)
{
	struct event first = events.heap[0], last = events.heap[--events.len];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < events.len) {
		if (child + 1 < events.len && event_before(&events.heap[child + 1], &events.heap[child]))
			child++;
		if (!event_before(&events.heap[child], &last))
			break;
		events.heap[at] = events.heap[child];
		at = child;
	}
	events.heap[at] = last;
	return first;
}

static struct sim_engine *engine_of(const struct sim_vm *vm)
{
	return &vm->gpu->engine[vm->group->engine];
}

/* The part of an engine that an ideal server gives to each tier now. */
static void fluid_rates(const struct vgpu_sched *sched, u32 engine, double rate[VGPU_TIER_COUNT])
{
	const struct vgpu_sched_tier *tier = sched->engine[engine].tier;
	double sum = 0, cap = sched->policy.aging_cap / 1000.0;
	u32 i;

	if (sched->policy.kind == VGPU_POLICY_STRICT) {
		/* The highest has all but what the others are guaranteed. */
		for (i = VGPU_TIER_COUNT, sum = 1; i-- > 0;)
			rate[i] = tier[i].backlogged ? cap : 0;
		for (i = 0; i < VGPU_TIER_COUNT && !rate[i]; i++)
			;
		if (i < VGPU_TIER_COUNT)
			rate[i] = 1 - rate[1] * (i < 1) - rate[2] * (i < 2);
		return;
	}
	for (i = 0; i < VGPU_TIER_COUNT; i++) {
		rate[i] = sched->policy.weight[i] * tier[i].backlogged;
		sum += rate[i];
	}
	for (i = 0; i < VGPU_TIER_COUNT; i++)
		rate[i] = sum > 0 ? rate[i] / sum : 0;
}

static void update_fluid(struct sim *sim, struct sim_gpu *gpu, u32 number)
{
	struct sim_engine *engine = &gpu->engine[number];
	double rate[VGPU_TIER_COUNT], elapsed = sim->now - engine->fluid_ns;
	u32 i;

	engine->fluid_ns = sim->now;
	if (!engine->inflight || elapsed <= 0)
		return;
	fluid_rates(&gpu->sched, number, rate);
	for (i = 0; i < VGPU_TIER_COUNT; i++) {
		if (!gpu->sched.engine[number].tier[i].backlogged)
			continue;
		engine->fluid[i] += elapsed * rate[i];
		engine->fluid_weight[i] += elapsed * rate[i] / gpu->sched.engine[number].tier[i].backlogged;
	}
}

static double vm_fluid(const struct sim_vm *vm)
{
	double gained = engine_of(vm)->fluid_weight[vm->sched.tier] - vm->fluid_joined;

	return vm->fluid + (vm->backlogged ? gained * vm->sched.weight : 0);
}

/* After anything that may have made a VM backlogged, or ended that. */
static void track_vm(struct sim_vm *vm)
{
	const struct vgpu_sched_share *share = vgpu_sched_share_of(&vm->gpu->sched, &vm->sched, vm->group->engine);
	bool backlogged = share->first || share->inflight;

	if (backlogged == vm->backlogged)
		return;
	if (!backlogged)
		vm->fluid = vm_fluid(vm);
	vm->backlogged = backlogged;
	engine_of(vm)->churned[0] = true;
	engine_of(vm)->churned[1] = true;
	vm->fluid_joined = engine_of(vm)->fluid_weight[vm->sched.tier];
}

/* Execution since the last event: of the first run, or of all at the same time. */
static void execute(struct sim *sim, struct sim_engine *engine)
{
	double elapsed = sim->now - engine->since_ns;
	u32 i, active = sim->scenario.shared ? engine->inflight : !!engine->inflight;

	engine->since_ns = sim->now;
	for (i = 0; i < active; i++) {
		struct sim_run *run = engine->runs[i];
		double part = elapsed / active;

		run->left_ns -= part;
		run->used_ns += part;
		run->stream->vm->used_ns += part;
		engine->used_ns[run->sched.tier] += part;
	}
}

static void schedule_completion(struct sim *sim, struct sim_gpu *gpu, u32 number)
{
	struct sim_engine *engine = &gpu->engine[number];
	u32 i, active = sim->scenario.shared ? engine->inflight : !!engine->inflight;
	double least = INFINITY;

	engine->version++;
	for (i = 0; i < active; i++)
		least = fmin(least, engine->runs[i]->left_ns);
	if (active)
		push_event((struct event) {
			.at_ns = sim->now + (u64)ceil(fmax(least, 0) * active),
			.kind = EVENT_COMPLETE,
			.number = gpu - sim->gpus,
			.engine = number,
			.version = engine->version,
		});
}

static void enqueue(struct sim *sim, struct sim_stream *stream)
{
	struct sim_vm *vm = stream->vm;
	const struct sim_cmd *cmd = &stream->queue[stream->head];

	stream->entity.engine = vm->group->engine;
	stream->entity.arrival = cmd->arrival;
	stream->entity.arrival_ns = cmd->arrival_ns;
	update_fluid(sim, vm->gpu, vm->group->engine);
	vgpu_sched_enqueue(&vm->gpu->sched, &stream->entity, sim->now);
	engine_of(vm)->queued++;
	track_vm(vm);
}

static void admit(struct sim *sim, struct sim_stream *stream, u64 cost)
{
	struct sim_vm *vm = stream->vm;
	struct sim_engine *engine = engine_of(vm);
	struct sim_cmd *queue, *cmd;
	u32 i, tier = vm->sched.tier;

	if (stream->len == stream->room) {
		queue = calloc(stream->room ? stream->room * 2 : 4, sizeof(*queue));
		if (!queue)
			abort();
		for (i = 0; i < stream->len; i++)
			queue[i] = stream->queue[(stream->head + i) & (stream->room - 1)];
		free(stream->queue);
		stream->queue = queue;
		stream->head = 0;
		stream->room = stream->room ? stream->room * 2 : 4;
	}
	update_fluid(sim, vm->gpu, vm->group->engine);
	vm->outstanding++;
	cmd = &stream->queue[(stream->head + stream->len++) & (stream->room - 1)];
	cmd->arrival = vm->gpu->arrivals++;
	cmd->arrival_ns = sim->now;
	cmd->cost_ns = max(cost, 1ULL);
	if (vm->gpu->sched.policy.order == VGPU_ORDER_FAIR) {
		cmd->fluid = vm_fluid(vm);
		cmd->ahead_ns = vm->arrived_ns - vm->served_ns;
	} else {
		cmd->fluid = engine->fluid[tier];
		cmd->ahead_ns = engine->arrived_ns[tier] - engine->served_ns[tier];
	}
	vm->arrived_ns += cmd->cost_ns;
	engine->arrived_ns[tier] += cmd->cost_ns;
	if (!stream->entity.queued)
		enqueue(sim, stream);
}

static void submit(struct sim *sim, struct sim_stream *stream, u64 cost)
{
	struct sim_vm *vm = stream->vm;

	if (vm->outstanding >= vm->group->depth)
		vm->held[stream - vm->streams]++;
	else
		admit(sim, stream, cost);
}

static void submit_later(struct sim_stream *stream, u64 at_ns)
{
	push_event((struct event) { .at_ns = at_ns, .kind = EVENT_SUBMIT, .stream = stream });
}

/*
 * Whether a command waited longer than it may: the ideal server would have done what was ahead of it, and the
 * margin, before. In the margin are a run for each stream of the tier (runs may carry commands that arrived
 * later), and what tiers may be ahead of each other: see Documentation/scheduler/bounds.md.
 */
static void check_wait(struct sim *sim, struct sim_vm *vm, const struct sim_cmd *cmd)
{
	const struct vgpu_policy *policy = &vm->gpu->sched.policy;
	struct sim_engine *engine = engine_of(vm);
	double waited, bound, run = fmax(engine->longest_ns, policy->slice_ns);

	if (cmd->arrival_ns < sim->changed_ns)
		return;
	if (policy->order == VGPU_ORDER_FAIR) {
		waited = vm_fluid(vm) - cmd->fluid;
		bound = cmd->ahead_ns + (vm->group->num_streams + 10 +
					 2.0 * vm->sched.weight / vm->gpu->least_weight) * run;
	} else {
		waited = engine->fluid[vm->sched.tier] - cmd->fluid;
		bound = cmd->ahead_ns + (vm->gpu->streams[vm->sched.tier] + 12) * run;
	}
	if (policy->kind == VGPU_POLICY_STRICT)
		bound += policy->aging_ns * vm->sched.tier;
	if (waited > bound)
		sim->totals.bound_violations++;
	if (bound > 0)
		sim->totals.bound_tightest = fmax(sim->totals.bound_tightest, waited / bound);
}

static void take_cmd(struct sim *sim, struct sim_run *run)
{
	struct sim_stream *stream = run->stream;
	struct sim_vm *vm = stream->vm;
	struct sim_cmd *cmd = &run->cmds[run->count++];

	*cmd = stream->queue[stream->head];
	stream->head = (stream->head + 1) & (stream->room - 1);
	stream->len--;
	sim_histogram_add(vm->waits, sim->now - cmd->arrival_ns);
	check_wait(sim, vm, cmd);
	vm->served_ns += cmd->cost_ns;
	engine_of(vm)->served_ns[vm->sched.tier] += cmd->cost_ns;
}

static void start_run(struct sim *sim, struct sim_stream *stream)
{
	struct sim_vm *vm = stream->vm;
	struct sim_gpu *gpu = vm->gpu;
	struct sim_engine *engine = engine_of(vm);
	u64 slice = gpu->sched.policy.slice_ns, cost = vm->cost_ns ? vm->cost_ns : slice, predicted = 0;
	struct sim_run *run = engine->pool;

	while (run->count)
		run++;
	run->stream = stream;
	run->next = 0;
	run->used_ns = 0;
	run->learned_ns = 0;
	while (stream->len && run->count < VGPU_RUN_MAX && (!run->count || predicted + cost <= slice)) {
		predicted += cost;
		take_cmd(sim, run);
	}
	run->left_ns = run->cmds[0].cost_ns;
	engine->runs[engine->inflight++] = run;
	vm->promoted += stream->entity.aged;
	vgpu_sched_start(&gpu->sched, &stream->entity, &run->sched, gpu->runs++, predicted, sim->now);
	engine->queued--;
	track_vm(vm);
	sim->totals.decisions++;
	if (engine->last_vm != vm) {
		engine->switches++;
		vm->switches++;
	}
	engine->last_vm = vm;
	if (stream->len)
		enqueue(sim, stream);
}

static void fill(struct sim *sim, struct sim_gpu *gpu, u32 number)
{
	struct sim_engine *engine = &gpu->engine[number];
	struct vgpu_sched_entity *entity;

	execute(sim, engine);
	update_fluid(sim, gpu, number);
	if (engine->idle_since_ns)
		engine->idle_ns += sim->now - engine->idle_since_ns;
	engine->idle_since_ns = 0;
	while (engine->inflight < gpu->sched.policy.window) {
		entity = vgpu_sched_pick(&gpu->sched, number, sim->now);
		if (!entity)
			break;
		start_run(sim, container_of(entity, struct sim_stream, entity));
	}
	if (engine->queued && engine->inflight < gpu->sched.policy.window) {
		engine->idle++;
		engine->idle_since_ns = sim->now;
	}
	schedule_completion(sim, gpu, number);
}

static void end_run(struct sim *sim, struct sim_gpu *gpu, u32 number, u32 index)
{
	struct sim_engine *engine = &gpu->engine[number];
	struct sim_run *run = engine->runs[index];

	engine->longest_ns = fmax(engine->longest_ns, run->used_ns);
	vgpu_sched_done(&gpu->sched, &run->sched, sim->now);
	run->count = 0;
	engine->inflight--;
	memmove(&engine->runs[index], &engine->runs[index + 1], (engine->inflight - index) * sizeof(run));
	track_vm(run->stream->vm);
}

static void end_cmd(struct sim *sim, struct sim_gpu *gpu, u32 number, u32 index)
{
	struct sim_run *run = gpu->engine[number].runs[index];
	struct sim_stream *stream = run->stream;
	struct sim_vm *vm = stream->vm;
	u64 sample;
	u32 i;

	update_fluid(sim, gpu, number);
	vgpu_sched_sync(&gpu->sched, number, sim->now);
	sample = run->sched.used_ns - run->learned_ns;
	run->learned_ns = run->sched.used_ns;
	vm->cost_ns = vm->cost_ns ? (vm->cost_ns * 7 + sample) / 8 + 1 : sample + 1;
	vm->completed++;
	sim_histogram_add(vm->latency, sim->now - run->cmds[run->next].arrival_ns);
	vm->outstanding--;
	sim->totals.commands++;
	if (++run->next == run->count)
		end_run(sim, gpu, number, index);
	else
		run->left_ns = run->cmds[run->next].cost_ns;
	for (i = 0; i < vm->group->num_streams; i++) {
		if (vm->held[i] && vm->outstanding < vm->group->depth) {
			vm->held[i]--;
			admit(sim, &vm->streams[i], sim_draw(&sim->rng, &vm->group->cost));
		}
	}
	if (vm->group->load.kind == SIM_CLOSED && vm->running) {
		if (vm->group->load.think.a)
			submit_later(stream, sim->now + sim_draw(&sim->rng, &vm->group->load.think));
		else
			submit(sim, stream, sim_draw(&sim->rng, &vm->group->cost));
	}
}

static void complete(struct sim *sim, struct sim_gpu *gpu, u32 number)
{
	struct sim_engine *engine = &gpu->engine[number];
	u32 i;

	execute(sim, engine);
	for (i = 0; i < engine->inflight;) {
		if (engine->runs[i]->left_ns > 1e-3) {
			i++;
			continue;
		}
		end_cmd(sim, gpu, number, i);
		i = 0;
		/* Behind a run that ended, the next one only begins now. */
		if (!sim->scenario.shared)
			break;
	}
	fill(sim, gpu, number);
}

static void on_submit(struct sim *sim, struct sim_stream *stream)
{
	struct sim_vm *vm = stream->vm;
	const struct sim_load *load = &vm->group->load;
	u64 start = vm->group->start_ns, next;
	u32 i;

	if (!vm->running)
		return;
	switch (load->kind) {
	case SIM_CLOSED:
		submit(sim, stream, sim_draw(&sim->rng, &vm->group->cost));
		break;
	case SIM_OPEN:
	case SIM_BURST:
		for (i = 0; i < (load->kind == SIM_BURST ? load->depth : 1); i++)
			submit(sim, stream, sim_draw(&sim->rng, &vm->group->cost));
		next = sim_draw(&sim->rng, &load->interval);
		submit_later(stream, sim->now + max(next, 1ULL));
		break;
	case SIM_TRACE:
		submit(sim, stream, load->trace.cost_ns[stream->traced++]);
		if (stream->traced < load->trace.len)
			submit_later(stream, max(sim->now, start + load->trace.at_ns[stream->traced]));
		break;
	}
	fill(sim, vm->gpu, vm->group->engine);
}

static void start_vm(struct sim *sim, struct sim_vm *vm)
{
	const struct sim_load *load = &vm->group->load;
	u32 i, j;

	if (vm->running)
		return;
	vm->running = true;
	for (i = 0; i < vm->group->num_streams; i++) {
		switch (load->kind) {
		case SIM_CLOSED:
			for (j = 0; j < load->depth; j++)
				submit(sim, &vm->streams[i], sim_draw(&sim->rng, &vm->group->cost));
			break;
		case SIM_OPEN:
		case SIM_BURST:
			/* Spread over the first interval. */
			submit_later(&vm->streams[i], sim->now + sim_random(&sim->rng) % (load->interval.a + 1));
			break;
		case SIM_TRACE:
			if (load->trace.len)
				submit_later(&vm->streams[i], sim->now + load->trace.at_ns[0]);
			break;
		}
	}
	fill(sim, vm->gpu, vm->group->engine);
}

static void change_tier(struct sim *sim, struct sim_vm *vm, u32 tier)
{
	struct sim_engine *engine = engine_of(vm);
	double waiting = vm->arrived_ns - vm->served_ns;
	u32 old = vm->sched.tier;

	execute(sim, engine);
	update_fluid(sim, vm->gpu, vm->group->engine);
	vm->fluid = vm_fluid(vm);
	vgpu_sched_set_tier(&vm->gpu->sched, &vm->sched, tier, sim->now);
	vm->fluid_joined = engine->fluid_weight[tier];
	engine->arrived_ns[old] -= waiting;
	engine->arrived_ns[tier] += waiting;
	vm->gpu->streams[old] -= vm->group->num_streams;
	vm->gpu->streams[tier] += vm->group->num_streams;
	engine->churned[0] = true;
	engine->churned[1] = true;
	fill(sim, vm->gpu, vm->group->engine);
}

static void change_weight(struct sim *sim, struct sim_vm *vm, u32 weight)
{
	struct sim_engine *engine = engine_of(vm);

	execute(sim, engine);
	update_fluid(sim, vm->gpu, vm->group->engine);
	vm->fluid = vm_fluid(vm);
	vgpu_sched_set_weight(&vm->gpu->sched, &vm->sched, weight, sim->now);
	vm->gpu->least_weight = min(vm->gpu->least_weight, weight);
	vm->fluid_joined = engine->fluid_weight[vm->sched.tier];
	engine->churned[0] = true;
	engine->churned[1] = true;
	fill(sim, vm->gpu, vm->group->engine);
}

static bool is_meant(const struct sim_scenario *scenario, const struct sim_action *action, u32 gpu)
{
	const struct sim_pool *pool;

	if (action->gpu >= 0)
		return (u32)action->gpu == gpu;
	if (action->pool < 0)
		return true;
	pool = &scenario->pools[action->pool];
	return gpu >= pool->first && gpu < pool->first + pool->count;
}

static void act(struct sim *sim, const struct sim_action *action)
{
	struct sim_group *group = &sim->scenario.groups[action->group];
	u32 i, j;

	sim->changed_ns = sim->now;
	if (action->change_policy) {
		for (i = 0; i < sim->scenario.num_gpus; i++) {
			if (!is_meant(&sim->scenario, action, i))
				continue;
			for (j = 0; j < VGPU_ENGINE_COUNT; j++)
				update_fluid(sim, &sim->gpus[i], j);
			vgpu_sched_set_policy(&sim->gpus[i].sched, &action->policy, sim->now);
			for (j = 0; j < VGPU_ENGINE_COUNT; j++)
				fill(sim, &sim->gpus[i], j);
		}
		return;
	}
	for (i = 0; i < group->count; i++) {
		if (action->change_tier)
			change_tier(sim, &group->vms[i], action->tier);
		else if (action->weight)
			change_weight(sim, &group->vms[i], action->weight);
		else if (action->start)
			start_vm(sim, &group->vms[i]);
		else
			group->vms[i].running = false;
	}
}

/*
 * Compares what each tier and VM had in a window with the ideal server, unless the window is only to begin. An
 * engine on which somebody came or went in the window is left out: there, a tier's share is not a number.
 */
static void mark_window(struct sim *sim, u32 which, bool begin)
{
	double length = sim->scenario.window_ns[which];
	u32 i, j, k;

	for (i = 0; i < sim->scenario.num_gpus; i++) {
		struct sim_gpu *gpu = &sim->gpus[i];

		for (j = 0; j < VGPU_ENGINE_COUNT; j++) {
			struct sim_engine *engine = &gpu->engine[j];

			execute(sim, engine);
			update_fluid(sim, gpu, j);
			schedule_completion(sim, gpu, j);
			for (k = 0; k < VGPU_TIER_COUNT; k++) {
				double error = fabs(engine->used_ns[k] - engine->mark_used[which][k] -
						    engine->fluid[k] + engine->mark_fluid[which][k]) / length;

				if (!begin && !engine->churned[which] && gpu->sched.policy.kind == VGPU_POLICY_WEIGHTED)
					sim->totals.share_error[which] = fmax(sim->totals.share_error[which], error);
				engine->mark_used[which][k] = engine->used_ns[k];
				engine->mark_fluid[which][k] = engine->fluid[k];
			}
		}
	}
	if (!begin && which == 0)
		sim_window_add(sim);
	for (i = 0; i < sim->scenario.num_groups; i++) {
		struct sim_group *group = &sim->scenario.groups[i];

		for (j = 0; j < group->count; j++) {
			struct sim_vm *vm = &group->vms[j];
			double error = fabs(vm->used_ns - vm->mark_used[which] - vm_fluid(vm) +
					    vm->mark_fluid[which]) / length;

			if (!begin && !engine_of(vm)->churned[which] &&
			    vm->gpu->sched.policy.kind == VGPU_POLICY_WEIGHTED &&
			    vm->gpu->sched.policy.order == VGPU_ORDER_FAIR)
				sim->totals.vm_share_error[which] = fmax(sim->totals.vm_share_error[which], error);
			vm->mark_used[which] = vm->used_ns;
			vm->mark_fluid[which] = vm_fluid(vm);
		}
	}
	for (i = 0; i < sim->scenario.num_gpus; i++)
		for (j = 0; j < VGPU_ENGINE_COUNT; j++)
			sim->gpus[i].engine[j].churned[which] = false;
}

/* What is reported begins now. */
static void warm(struct sim *sim)
{
	u32 i, j;

	for (i = 0; i < sim->scenario.num_groups; i++) {
		for (j = 0; j < sim->scenario.groups[i].count; j++) {
			struct sim_vm *vm = &sim->scenario.groups[i].vms[j];

			memset(vm->waits, 0, sizeof(*vm->waits));
			memset(vm->latency, 0, sizeof(*vm->latency));
			execute(sim, engine_of(vm));
			vm->used_ns = 0;
			vm->completed = 0;
			vm->promoted = 0;
			vm->switches = 0;
		}
	}
	for (i = 0; i < 2; i++) {
		mark_window(sim, i, true);
		push_event((struct event) {
			.at_ns = sim->now + sim->scenario.window_ns[i], .kind = EVENT_WINDOW, .number = i });
	}
}

static void record_event(struct vgpu_sched *sched, const struct vgpu_sched_event *event)
{
	if (fwrite(event, sizeof(*event), 1, sched->log_host) != 1) {
		perror("vgpu-sim: cannot write the decision log");
		exit(2);
	}
}

/* At most so many VMs are on one GPU. */
static u32 most_vms(const struct sim_scenario *scenario)
{
	u32 i, most = 1;

	for (i = 0; i < scenario->num_groups; i++) {
		const struct sim_group *group = &scenario->groups[i];
		u32 over = group->gpu >= 0 ? 1 : group->pool >= 0 ? scenario->pools[group->pool].count : scenario->num_gpus;

		most += group->count / over + 1;
	}
	return min(most, VGPU_SCHED_VMS);
}

/* Those that are spread go to the GPUs of their pool, or of all, in turns. */
static struct sim_gpu *next_gpu(struct sim *sim, const struct sim_group *group, u32 *spread)
{
	struct sim_pool *pool;

	if (group->gpu >= 0)
		return &sim->gpus[group->gpu];
	if (group->pool < 0)
		return &sim->gpus[(*spread)++ % sim->scenario.num_gpus];
	pool = &sim->scenario.pools[group->pool];
	return &sim->gpus[pool->first + pool->spread++ % pool->count];
}

static void make_vms(struct sim *sim)
{
	u32 i, j, k, spread = 0;

	for (i = 0; i < sim->scenario.num_groups; i++) {
		struct sim_group *group = &sim->scenario.groups[i];

		group->vms = calloc(group->count, sizeof(*group->vms));
		if (!group->vms)
			abort();
		for (j = 0; j < group->count; j++) {
			struct sim_vm *vm = &group->vms[j];

			vm->group = group;
			vm->gpu = next_gpu(sim, group, &spread);
			vm->waits = calloc(1, sizeof(*vm->waits));
			vm->latency = calloc(1, sizeof(*vm->latency));
			vm->streams = calloc(group->num_streams, sizeof(*vm->streams));
			vm->held = calloc(group->num_streams, sizeof(*vm->held));
			if (!vm->waits || !vm->latency || !vm->streams || !vm->held)
				abort();
			if (vgpu_sched_add_vm(&vm->gpu->sched, &vm->sched, vm->gpu->vms++, group->tier,
					      group->weight, VGPU_SCHED_ANY_SLOT)) {
				fprintf(stderr, "vgpu-sim: more than %u virtual machines on a GPU\n", VGPU_SCHED_VMS);
				exit(2);
			}
			vm->gpu->streams[group->tier] += group->num_streams;
			vm->gpu->least_weight = min(vm->gpu->least_weight ?: group->weight, group->weight);
			for (k = 0; k < group->num_streams; k++) {
				vm->streams[k].vm = vm;
				vgpu_sched_entity_init(&vm->streams[k].entity, &vm->sched, vm->sched.id << 16 | k);
			}
		}
	}
}

static void collect(struct sim *sim)
{
	u32 i, j;

	for (i = 0; i < sim->scenario.num_gpus; i++) {
		sim->totals.promotions += sim->gpus[i].sched.promotions;
		for (j = 0; j < VGPU_ENGINE_COUNT; j++) {
			execute(sim, &sim->gpus[i].engine[j]);
			sim->totals.switches += sim->gpus[i].engine[j].switches;
			sim->totals.idle += sim->gpus[i].engine[j].idle;
			sim->totals.idle_ns += sim->gpus[i].engine[j].idle_ns;
		}
	}
	for (i = 0; i < sim->scenario.num_groups; i++)
		for (j = 0; j < sim->scenario.groups[i].count; j++) {
			struct sim_group *group = &sim->scenario.groups[i];

			sim_histogram_merge(&group->waits, group->vms[j].waits);
			sim_histogram_merge(&group->latency, group->vms[j].latency);
		}
}

static bool is_over(const struct sim *sim)
{
	if (sim->decisions_wanted)
		return sim->totals.decisions >= sim->decisions_wanted;
	return sim->now >= sim->scenario.time_ns;
}

static void handle(struct sim *sim, const struct event *event)
{
	struct sim_gpu *gpu;

	switch (event->kind) {
	case EVENT_SUBMIT:
		on_submit(sim, event->stream);
		break;
	case EVENT_COMPLETE:
		gpu = &sim->gpus[event->number];
		if (event->version == gpu->engine[event->engine].version)
			complete(sim, gpu, event->engine);
		break;
	case EVENT_ACTION:
		act(sim, &sim->scenario.actions[event->number]);
		break;
	case EVENT_WINDOW:
		mark_window(sim, event->number, false);
		push_event((struct event) { .at_ns = sim->now + sim->scenario.window_ns[event->number],
					    .kind = EVENT_WINDOW, .number = event->number });
		break;
	case EVENT_WARM:
		warm(sim);
		break;
	case EVENT_START:
		start_vm(sim, &sim->scenario.groups[event->number].vms[event->engine]);
		break;
	}
}

/**
 * sim_run() - run a scenario
 * @sim: its scenario read, the rest zero but for decisions_wanted and record
 *
 * One at a time in a process.
 *
 * Return: 0. Context: any.
 */
int sim_run(struct sim *sim)
{
	struct sim_scenario *scenario = &sim->scenario;
	u32 i, j;

	events.len = 0;
	sim->rng = scenario->seed;
	sim->gpus = calloc(scenario->num_gpus, sizeof(*sim->gpus));
	if (!sim->gpus)
		abort();
	for (i = 0; i < scenario->num_gpus; i++) {
		if (vgpu_sched_init(&sim->gpus[i].sched, most_vms(scenario)))
			abort();
		vgpu_sched_set_policy(&sim->gpus[i].sched, &scenario->policy, 0);
	}
	for (i = 0; i < scenario->num_pools; i++)
		for (j = 0; j < scenario->pools[i].count; j++)
			vgpu_sched_set_policy(&sim->gpus[scenario->pools[i].first + j].sched, &scenario->pools[i].policy, 0);
	if (sim->record)
		vgpu_sched_log_begin(&sim->gpus[0].sched, record_event, sim->record, 0);
	make_vms(sim);
	push_event((struct event) { .at_ns = scenario->warmup_ns, .kind = EVENT_WARM });
	for (i = 0; i < scenario->num_actions; i++)
		push_event((struct event) { .at_ns = scenario->actions[i].at_ns, .kind = EVENT_ACTION, .number = i });
	for (i = 0; i < scenario->num_groups; i++)
		for (j = 0; j < scenario->groups[i].count; j++)
			push_event((struct event) { .at_ns = scenario->groups[i].start_ns, .kind = EVENT_START,
						    .number = i, .engine = j });
	while (events.len && !is_over(sim)) {
		struct event event = pop_event();

		if (!sim->decisions_wanted && event.at_ns > scenario->time_ns) {
			sim->now = scenario->time_ns;
			break;
		}
		sim->now = event.at_ns;
		handle(sim, &event);
	}
	collect(sim);
	free(events.heap);
	memset(&events, 0, sizeof(events));
	return 0;
}

/**
 * sim_free() - give back what a run took
 * @sim: that ran
 *
 * Context: any.
 */
void sim_free(struct sim *sim)
{
	u32 i, j, k;

	for (i = 0; i < sim->scenario.num_groups; i++) {
		struct sim_group *group = &sim->scenario.groups[i];

		for (j = 0; j < group->count; j++) {
			for (k = 0; k < group->num_streams; k++)
				free(group->vms[j].streams[k].queue);
			free(group->vms[j].streams);
			free(group->vms[j].held);
			free(group->vms[j].waits);
			free(group->vms[j].latency);
		}
		free(group->vms);
	}
	for (i = 0; i < sim->scenario.num_gpus; i++)
		vgpu_sched_destroy(&sim->gpus[i].sched);
	free(sim->gpus);
	sim_windows_free(sim);
	sim_scenario_free(&sim->scenario);
}
