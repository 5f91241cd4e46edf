// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Replay: tells a fresh scheduler what a decision log says it was told, and compares its decisions with those
 * of the log.
 */

#include "sim.h"

#define TABLE	65536u

/* Things by number: virtual GPUs, streams, runs. Lists hang off a table; nothing is ever moved. */
struct thing {
	struct thing *next;
	u64 id;
	u32 kind;
	struct sim_histogram *waits;	/* of a virtual GPU's runs on the compute engine, from arrival to dispatch */
	u64 busy_ns;			/* what it had used of that when the log began */
	u64 started_ns;			/* a run, 0 if that was before the log began */
	union {
		struct vgpu_sched_vm vm;
		struct vgpu_sched_entity entity;
		struct vgpu_sched_run run;
	};
};

enum {
	VM,
	STREAM,
	RUN,
};

struct replay {
	struct vgpu_sched sched;
	struct thing *table[TABLE];
	u64 events;
	u64 picks;
	u64 lost;
	u64 busy_ns;			/* of the compute engine when the log began */
	u64 began_ns;
	struct vgpu_sched_entity *picked;
	FILE *out;
	FILE *trace;
};

static struct thing **find(struct replay *replay, u32 kind, u64 id)
{
	struct thing **link = &replay->table[(id * 0x9e3779b97f4a7c15ULL >> 40 ^ kind) % TABLE];

	while (*link && ((*link)->id != id || (*link)->kind != kind))
		link = &(*link)->next;
	return link;
}

static struct thing *get(struct replay *replay, u32 kind, u64 id, bool make)
{
	struct thing **link = find(replay, kind, id);

	if (!*link && make) {
		*link = calloc(1, sizeof(**link));
		if (!*link)
			abort();
		(*link)->id = id;
		(*link)->kind = kind;
	}
	return *link;
}

static int fail(const struct replay *replay, const char *what)
{
	fprintf(stderr, "vgpu-sim: event %llu of the log: %s\n", (unsigned long long)replay->events, what);
	return -1;
}

static void forget(struct replay *replay, u32 kind, u64 id)
{
	struct thing **link = find(replay, kind, id), *thing = *link;

	*link = thing->next;
	free(thing->waits);
	free(thing);
}

static bool is_busy(const struct replay *replay, const struct vgpu_sched_vm *vm)
{
	const struct vgpu_sched_share *share;
	u32 i;

	for (i = 0; i < VGPU_ENGINE_COUNT; i++) {
		share = vgpu_sched_share_of(&replay->sched, vm, i);
		if (share->first || share->inflight)
			return true;
	}
	return false;
}

static bool is_weight(u64 value)
{
	return value >= VGPU_VM_WEIGHT_MIN && value <= VGPU_VM_WEIGHT_MAX;
}

static int on_vm(struct replay *replay, const struct vgpu_sched_event *event)
{
	struct thing *thing = get(replay, VM, event->id, false);

	if (event->arg >= VGPU_TIER_COUNT)
		return fail(replay, "no such tier");
	if (!is_weight(event->a[1]))
		return fail(replay, "a virtual GPU's weight is not between 10 and 1000");
	if (thing) {
		vgpu_sched_set_tier(&replay->sched, &thing->vm, event->arg, event->now_ns);
		vgpu_sched_set_weight(&replay->sched, &thing->vm, event->a[1], event->now_ns);
	} else if (vgpu_sched_add_vm(&replay->sched, &get(replay, VM, event->id, true)->vm, event->id, event->arg,
				     event->a[1], event->a[0])) {
		return fail(replay, "a virtual GPU has a slot that is not free");
	}
	return 0;
}

static int on_stream(struct replay *replay, const struct vgpu_sched_event *event)
{
	struct thing *vm = get(replay, VM, event->a[2], false);
	struct vgpu_sched_entity *entity = &get(replay, STREAM, event->id, true)->entity;

	if (!vm)
		return fail(replay, "no such virtual GPU");
	if (entity->queued)
		return fail(replay, "the stream is queued already");
	vgpu_sched_entity_init(entity, &vm->vm, event->id);
	entity->engine = event->engine;
	entity->arrival = event->a[0];
	entity->arrival_ns = event->a[1];
	if (event->op == VGPU_SCHED_QUEUED)
		vgpu_sched_link(&replay->sched, entity);
	else
		vgpu_sched_enqueue(&replay->sched, entity, event->now_ns);
	return 0;
}

static int on_run_state(struct replay *replay, const struct vgpu_sched_event *event)
{
	struct thing *vm = get(replay, VM, event->a[0], false);
	struct vgpu_sched_run *run;

	if (!vm || get(replay, RUN, event->id, false) || !event->a[3] || !is_weight(event->a[4]) ||
	    (event->arg & 0xff) >= VGPU_TIER_COUNT)
		return fail(replay, "a run that cannot be");
	run = &get(replay, RUN, event->id, true)->run;
	run->id = event->id;
	run->engine = event->engine;
	run->charged_ns = event->a[1];
	run->used_ns = event->a[2];
	run->rate = event->a[3];
	run->weight = event->a[4];
	run->tier = event->arg;
	run->aged = event->arg & VGPU_SCHED_AGED;
	vgpu_sched_resume(&replay->sched, &vm->vm, run);
	return 0;
}

static int on_pick(struct replay *replay, const struct vgpu_sched_event *event)
{
	struct vgpu_sched_entity *entity = vgpu_sched_pick(&replay->sched, event->engine, event->now_ns);
	u32 arg;

	replay->picks++;
	replay->picked = entity;
	if (!entity)
		return fail(replay, "nothing is queued here, but the log has a decision");
	arg = entity->vm->tier | (entity->aged ? VGPU_SCHED_AGED : 0);
	if (entity->id != event->id || arg != event->arg) {
		fprintf(replay->out,
			"decision %llu differs: stream %#llx (tier %u%s) here, stream %#llx (tier %u%s) in the log\n",
			(unsigned long long)replay->picks, (unsigned long long)entity->id, entity->vm->tier,
			entity->aged ? ", aged" : "", (unsigned long long)event->id, event->arg & 0xff,
			event->arg & VGPU_SCHED_AGED ? ", aged" : "");
		return -1;
	}
	return 0;
}

static void clear(struct replay *replay)
{
	struct thing *thing;
	u32 i;

	for (i = 0; i < TABLE; i++) {
		while ((thing = replay->table[i])) {
			replay->table[i] = thing->next;
			free(thing->waits);
			free(thing);
		}
	}
	vgpu_sched_destroy(&replay->sched);
}

/* A log begins, or begins anew where events are missing. */
static int on_begin(struct replay *replay, const struct vgpu_sched_event *event)
{
	if (event->a[0] != VGPU_SCHED_LOG_MAGIC || event->a[1] != VGPU_SCHED_LOG_VERSION)
		return fail(replay, "no decision log of this version begins here");
	clear(replay);
	replay->picked = NULL;
	if (vgpu_sched_init(&replay->sched, VGPU_SCHED_VMS))
		abort();
	return 0;
}

static void on_live(struct replay *replay)
{
	struct thing *thing;
	u32 i;

	replay->busy_ns = replay->sched.engine[VGPU_ENGINE_COMPUTE].busy_ns;
	for (i = 0; i < TABLE; i++)
		for (thing = replay->table[i]; thing; thing = thing->next)
			if (thing->kind == VM)
				thing->busy_ns = vgpu_sched_share_of(&replay->sched, &thing->vm,
								     VGPU_ENGINE_COMPUTE)->busy_ns;
}

static void note_wait(struct replay *replay, const struct vgpu_sched_entity *entity, u64 now)
{
	struct thing *thing = get(replay, VM, entity->vm->id, false);

	if (entity->engine != VGPU_ENGINE_COMPUTE)
		return;
	if (!thing->waits)
		thing->waits = calloc(1, sizeof(*thing->waits));
	if (!thing->waits)
		abort();
	sim_histogram_add(thing->waits, now - entity->arrival_ns);
}

static int on_event(struct replay *replay, const struct vgpu_sched_event *event)
{
	struct vgpu_sched *sched = &replay->sched;
	struct vgpu_policy policy;
	struct thing *thing;
	const char *why;

	if (event->engine >= VGPU_ENGINE_COUNT)
		return fail(replay, "no such engine");
	switch (event->op) {
	case VGPU_SCHED_BEGIN:
		return on_begin(replay, event);
	case VGPU_SCHED_LOST:
		replay->lost += event->a[0];
		return 0;
	case VGPU_SCHED_LIVE:
		on_live(replay);
		return 0;
	case VGPU_SCHED_POLICY:
		vgpu_policy_unpack(&policy, event);
		if (vgpu_policy_check(&policy, &why))
			return fail(replay, why);
		vgpu_sched_set_policy(sched, &policy, event->now_ns);
		return 0;
	case VGPU_SCHED_VM:
		return on_vm(replay, event);
	case VGPU_SCHED_VM_GONE:
	case VGPU_SCHED_VM_STATE:
	case VGPU_SCHED_THROTTLE:
		thing = get(replay, VM, event->id, false);
		if (!thing)
			return fail(replay, "no such virtual GPU");
		if (event->op == VGPU_SCHED_VM_STATE)
			return vgpu_sched_restore(sched, &thing->vm, event);
		if (event->op == VGPU_SCHED_THROTTLE) {
			vgpu_sched_throttle(sched, &thing->vm, event->engine, event->arg, event->now_ns);
			return 0;
		}
		if (is_busy(replay, &thing->vm))
			return fail(replay, "a virtual GPU goes that has work");
		vgpu_sched_remove_vm(sched, &thing->vm);
		forget(replay, VM, event->id);
		return 0;
	case VGPU_SCHED_ENGINE_STATE:
	case VGPU_SCHED_TIER_STATE:
		return vgpu_sched_restore(sched, NULL, event);
	case VGPU_SCHED_RUN_STATE:
		return on_run_state(replay, event);
	case VGPU_SCHED_QUEUED:
	case VGPU_SCHED_ENQUEUE:
		return on_stream(replay, event);
	case VGPU_SCHED_DEQUEUE:
		thing = get(replay, STREAM, event->id, false);
		if (!thing || !thing->entity.queued)
			return fail(replay, "the stream is not queued");
		if (replay->picked == &thing->entity)
			replay->picked = NULL;
		vgpu_sched_dequeue(sched, &thing->entity, event->now_ns);
		return 0;
	case VGPU_SCHED_PICK:
		return on_pick(replay, event);
	case VGPU_SCHED_START:
		if (!replay->picked || replay->picked->id != event->id)
			return fail(replay, "a run begins of a stream that was not picked");
		if (get(replay, RUN, event->a[0], false))
			return fail(replay, "a run begins twice");
		note_wait(replay, replay->picked, event->now_ns);
		thing = get(replay, RUN, event->a[0], true);
		thing->started_ns = event->now_ns;
		vgpu_sched_start(sched, replay->picked, &thing->run, event->a[0], event->a[1], event->now_ns);
		replay->picked = NULL;
		return 0;
	case VGPU_SCHED_SYNC:
		vgpu_sched_sync(sched, event->engine, event->now_ns);
		return 0;
	case VGPU_SCHED_DONE:
		thing = get(replay, RUN, event->id, false);
		if (!thing)
			return fail(replay, "no such run");
		if (replay->trace && event->engine == VGPU_ENGINE_COMPUTE && thing->started_ns)
			fprintf(replay->trace, "%.3f %.3f\n", (thing->started_ns - replay->began_ns) / 1e3,
				(event->now_ns - thing->started_ns) / 1e3);
		vgpu_sched_done(sched, &thing->run, event->now_ns);
		forget(replay, RUN, event->id);
		return 0;
	}
	return fail(replay, "no such event");
}

/* What each virtual GPU had of the compute engine since the log began, last, by slot. */
static void report(struct replay *replay)
{
	static const char *const tiers[] = { "high", "medium", "low" };
	const struct vgpu_sched *sched = &replay->sched;
	double all = sched->engine[VGPU_ENGINE_COMPUTE].busy_ns - replay->busy_ns;
	const struct sim_histogram *waits;
	const struct thing *thing;
	struct vgpu_sched_vm *vm;
	double busy;

	list_for_each_entry(vm, &sched->vms, node) {
		thing = get(replay, VM, vm->id, false);
		waits = thing->waits;
		if (!waits)
			continue;
		busy = vgpu_sched_share_of(sched, vm, VGPU_ENGINE_COMPUTE)->busy_ns - thing->busy_ns;
		fprintf(replay->out, "{\"vm\": %llu, \"tier\": \"%s\", \"share\": %.5f, \"busy_ns\": %.0f, "
			"\"runs\": %llu, \"wait_mean_ns\": %.0f, \"wait_p50_ns\": %llu, \"wait_p99_ns\": %llu, "
			"\"wait_max_ns\": %llu}\n", (unsigned long long)vm->id, tiers[vm->tier], all > 0 ? busy / all : 0,
			busy, (unsigned long long)waits->total, (double)waits->sum / waits->total,
			(unsigned long long)sim_histogram_quantile(waits, 0.5),
			(unsigned long long)sim_histogram_quantile(waits, 0.99), (unsigned long long)waits->max);
	}
}

/**
 * sim_replay() - make the decisions of a log again
 * @path: of the log
 * @out: where to say what differs, or that nothing does
 * @json: say there what each virtual GPU had instead, a JSON object a line
 * @trace: where to write when each run began and how long it took on the compute engine, as traces have it; or NULL
 *
 * Return: 0 if all decisions are the same, 1 if not, 2 for trouble. Context: any.
 */
int sim_replay(const char *path, FILE *out, bool json, FILE *trace)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	struct vgpu_sched_event event;
	FILE *in = fopen(path, "rb");
	int err = 0;

	if (!in || !replay) {
		fprintf(stderr, "vgpu-sim: cannot read %s: %s\n", path, strerror(errno));
		free(replay);
		return 2;
	}
	replay->out = out;
	replay->trace = trace;
	if (fread(&event, sizeof(event), 1, in) != 1 || event.op != VGPU_SCHED_BEGIN ||
	    event.a[0] != VGPU_SCHED_LOG_MAGIC || event.a[1] != VGPU_SCHED_LOG_VERSION) {
		fprintf(stderr, "vgpu-sim: %s is no decision log of version %u\n", path, VGPU_SCHED_LOG_VERSION);
		err = 2;
	}
	replay->began_ns = event.now_ns;
	rewind(in);
	while (!err && fread(&event, sizeof(event), 1, in) == 1) {
		replay->events++;
		if (on_event(replay, &event))
			err = 1;
	}
	if (!err && json) {
		report(replay);
	} else if (!err) {
		fprintf(out, "%llu events, %llu decisions: all the same\n", (unsigned long long)replay->events,
			(unsigned long long)replay->picks);
		if (replay->lost)
			fprintf(out, "%llu events are missing where the log begins anew: its reader was too slow\n",
				(unsigned long long)replay->lost);
	}
	fclose(in);
	clear(replay);
	free(replay);
	return err;
}
