// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * The scheduler against a reference model: the same definitions, written as plainly as possible over arrays
 * that are searched from end to end. Random histories; every decision and all virtual times are compared after
 * each step.
 */

#include <stdio.h>
#include <unistd.h>

#include "rig.h"
#include "tools/vgpu-sim/sim.h"

#define VMS	12
#define STREAMS	48
#define RUNS	8
#define ENGINES	2
#define START	BIT_ULL(58)	/* of virtual run times */

/* The reference model */

struct ref_vm {
	bool exists;
	u32 tier;
	u32 weight;
	bool held[ENGINES];
	u64 vruntime[ENGINES];
	u64 epoch[ENGINES];
	u32 slot;
	u64 busy[ENGINES];
};

struct ref_stream {
	bool queued;
	u32 vm;
	u32 engine;
	u64 arrival;
	u64 arrival_ns;
};

struct ref_run {
	u64 order;		/* of dispatch; 0 while it is not in flight */
	u32 vm;
	u32 engine;
	u32 tier;
	u64 rate;
	u32 weight;
	u64 charged;
	u64 used;
	bool aged;
};

struct ref_tier {
	__uint128_t vtime;	/* in 2^-32 */
	u64 epoch;
	s64 allowance;
};

static struct {
	struct vgpu_policy policy;
	struct ref_vm vm[VMS];
	struct ref_stream stream[STREAMS];
	struct ref_run run[RUNS];
	struct ref_tier tier[ENGINES][VGPU_TIER_COUNT];
	u64 vtime[ENGINES];
	u64 since[ENGINES];
	u32 overlap[ENGINES];
	u64 orders;
	bool aged;
} ref;

static bool later(u64 a, u64 b)
{
	return (s64)(a - b) > 0;
}

static u32 ref_queued(u32 vm, u32 engine)
{
	u32 i, count = 0;

	for (i = 0; i < STREAMS; i++)
		count += ref.stream[i].queued && ref.stream[i].vm == vm && ref.stream[i].engine == engine;
	return count;
}

static u32 ref_inflight(u32 vm, u32 engine)
{
	u32 i, count = 0;

	for (i = 0; i < RUNS; i++)
		count += ref.run[i].order && ref.run[i].engine == engine && (vm == VMS || ref.run[i].vm == vm);
	return count;
}

static bool ref_active(u32 vm, u32 engine)
{
	return (ref_queued(vm, engine) && !ref.vm[vm].held[engine]) || ref_inflight(vm, engine);
}

/* Weights of the VMs of a tier that are backlogged. */
static u32 ref_backlogged(u32 tier, u32 engine)
{
	u32 i, sum = 0;

	for (i = 0; i < VMS; i++)
		if (ref.vm[i].exists && ref.vm[i].tier == tier && ref_active(i, engine))
			sum += ref.vm[i].weight;
	return sum;
}

/* The stream of a VM that arrived first, STREAMS if none is queued. */
static u32 ref_head(u32 vm, u32 engine)
{
	u32 i, head = STREAMS;

	for (i = 0; i < STREAMS; i++)
		if (ref.stream[i].queued && ref.stream[i].vm == vm && ref.stream[i].engine == engine &&
		    (head == STREAMS || ref.stream[i].arrival < ref.stream[head].arrival))
			head = i;
	return head;
}

/* The VM but one that is next in a tier, VMS if none has anything queued; of equals that of the lower slot. */
static u32 ref_next_but(u32 but, u32 tier, u32 engine)
{
	u32 i, head, next = VMS;
	u64 key, least = 0;

	for (i = 0; i < VMS; i++) {
		const struct ref_vm *v = &ref.vm[i];

		head = ref_head(i, engine);
		if (i == but || !v->exists || v->tier != tier || v->held[engine] || head == STREAMS)
			continue;
		key = ref.policy.order == VGPU_ORDER_FAIR ? v->vruntime[engine] / 64 : ref.stream[head].arrival;
		if (next == VMS || key < least || (least == key && v->slot < ref.vm[next].slot)) {
			next = i;
			least = key;
		}
	}
	return next;
}

static u32 ref_next(u32 tier, u32 engine)
{
	return ref_next_but(VMS, tier, engine);
}

static u64 units(__uint128_t vtime)
{
	return vtime >> 32;
}

/* What time is in virtual time of a tier, and in virtual run time. */
static __uint128_t ref_vtime(const struct ref_run *run, u64 ns)
{
	return ((__uint128_t)ns * 1024 * 100 << 32) / run->rate;
}

static u64 ref_vruntime(const struct ref_run *run, u64 ns)
{
	return (__uint128_t)ns * 100 / run->weight;
}

static void ref_charge(struct ref_run *run, s64 ns)
{
	struct ref_tier *tier = &ref.tier[run->engine][run->tier];

	tier->vtime += ns >= 0 ? ref_vtime(run, ns) : -ref_vtime(run, -ns);
	if (run->aged)
		tier->allowance -= ns;
	run->charged += ns;
	ref.vm[run->vm].vruntime[run->engine] += ns >= 0 ? ref_vruntime(run, ns) : -ref_vruntime(run, -ns);
}

static struct ref_run *ref_oldest(u32 engine, u64 than)
{
	struct ref_run *oldest = NULL;
	u32 i;

	for (i = 0; i < RUNS; i++)
		if (ref.run[i].order > than && ref.run[i].engine == engine &&
		    (!oldest || ref.run[i].order < oldest->order))
			oldest = &ref.run[i];
	return oldest;
}

static void ref_account(u32 engine, u64 now)
{
	u64 busy = now - ref.since[engine];
	u32 i, inflight = ref_inflight(VMS, engine);
	struct ref_run *run;
	bool equal;

	if (!later(now, ref.since[engine]))
		return;
	ref.since[engine] = now;
	if (!inflight)
		return;
	for (i = 0; i < VGPU_TIER_COUNT && ref.policy.kind == VGPU_POLICY_STRICT; i++) {
		struct ref_tier *tier = &ref.tier[engine][i];

		if (!ref_backlogged(i, engine))
			continue;
		tier->allowance += busy * ref.policy.aging_cap / 1000;
		if (tier->allowance > (s64)ref.policy.slice_ns)
			tier->allowance = ref.policy.slice_ns;
	}
	equal = inflight > 1 && busy >= inflight && (ref.policy.charge == VGPU_CHARGE_EQUAL ||
		(ref.policy.charge == VGPU_CHARGE_AUTO && ref.overlap[engine]));
	for (run = ref_oldest(engine, 0), i = 0; run; run = ref_oldest(engine, run->order), i++) {
		u64 part = equal ? busy / inflight : 0;

		if (!i)
			part = busy - part * (inflight - 1);
		run->used += part;
		ref.vm[run->vm].busy[engine] += part;
		if (run->used > run->charged)
			ref_charge(run, run->used - run->charged);
	}
}

/* A VM's virtual run time, less what its runs in flight were charged and have not used. */
static u64 ref_served(u32 vm, u32 engine)
{
	u64 value = ref.vm[vm].vruntime[engine];
	u32 j;

	for (j = 0; j < RUNS; j++)
		if (ref.run[j].order && ref.run[j].vm == vm && ref.run[j].engine == engine)
			value -= ref_vruntime(&ref.run[j], ref.run[j].charged - ref.run[j].used);
	return value;
}

/* The least of the other VMs of a tier that are backlogged, @otherwise if none is. */
static u64 ref_floor(u32 but, u32 engine, u64 otherwise)
{
	u32 i, tier = ref.vm[but].tier, next = ref_next_but(but, tier, engine);
	u64 least = otherwise, value;
	bool any = false;

	/* Who is next is who has least, under fair. */
	if (next < VMS) {
		least = ref.vm[next].vruntime[engine] / 64 * 64;
		any = true;
	}
	for (i = 0; i < VMS; i++) {
		if (i == but || !ref.vm[i].exists || ref.vm[i].tier != tier || !ref_inflight(i, engine))
			continue;
		value = ref_served(i, engine);
		if (!any || later(least, value))
			least = value;
		any = true;
	}
	return least;
}

/* Before a VM becomes backlogged. */
static void ref_join(u32 vm, u32 engine)
{
	struct ref_vm *v = &ref.vm[vm];
	struct ref_tier *own = &ref.tier[engine][v->tier];
	u64 least = ref.vtime[engine], value;
	bool any = false;
	u32 i, j;

	if (!ref_backlogged(v->tier, engine)) {
		for (i = 0; i < VGPU_TIER_COUNT; i++) {
			if (!ref_backlogged(i, engine))
				continue;
			value = units(ref.tier[engine][i].vtime);
			for (j = 0; j < RUNS; j++)
				if (ref.run[j].order && ref.run[j].engine == engine && ref.run[j].tier == i)
					value -= units(ref_vtime(&ref.run[j], ref.run[j].charged - ref.run[j].used));
			if (!any || later(least, value))
				least = value;
			any = true;
		}
		if (later(least, units(own->vtime)))
			own->vtime = (__uint128_t)least << 32;
		if (own->allowance > 0)
			own->allowance = 0;
	}
	if (ref.policy.order == VGPU_ORDER_FAIR) {
		value = ref_floor(vm, engine, START);
		if (v->epoch[engine] != own->epoch || later(value, v->vruntime[engine]))
			v->vruntime[engine] = value;
		v->epoch[engine] = own->epoch;
	}
}

/* After a VM ceased to be backlogged. */
static void ref_leave(u32 vm, u32 engine)
{
	struct ref_tier *own = &ref.tier[engine][ref.vm[vm].tier];
	u32 i;

	if (ref_backlogged(ref.vm[vm].tier, engine))
		return;
	own->epoch++;
	for (i = 0; i < VGPU_TIER_COUNT; i++)
		if (ref_backlogged(i, engine))
			return;
	for (i = 0; i < VGPU_TIER_COUNT; i++)
		if (later(units(ref.tier[engine][i].vtime), ref.vtime[engine]))
			ref.vtime[engine] = units(ref.tier[engine][i].vtime);
}

/* The stream that is next, STREAMS if none is queued. */
static u32 ref_pick(u32 engine, u64 now)
{
	u32 i, turn = VGPU_TIER_COUNT, stream, head;
	struct ref_tier *tiers = ref.tier[engine];
	bool any = false;

	for (i = 0; i < VGPU_TIER_COUNT; i++)
		any |= ref_next(i, engine) < VMS;
	if (!any)
		return STREAMS;
	ref_account(engine, now);
	for (i = 0; i < VGPU_TIER_COUNT; i++)
		if (ref_next(i, engine) < VMS &&
		    (turn == VGPU_TIER_COUNT ||
		     (ref.policy.kind == VGPU_POLICY_WEIGHTED && later(units(tiers[turn].vtime), units(tiers[i].vtime)))))
			turn = i;
	stream = ref_head(ref_next(turn, engine), engine);
	ref.aged = false;
	for (i = turn + 1; i < VGPU_TIER_COUNT; i++) {
		__uint128_t ahead;

		if (ref_next(i, engine) == VMS)
			continue;
		head = ref_head(ref_next(i, engine), engine);
		if (!later(now, ref.stream[head].arrival_ns + (i - turn) * ref.policy.aging_ns))
			continue;
		if (ref.policy.kind == VGPU_POLICY_STRICT) {
			if (tiers[i].allowance <= 0 ||
			    (ref.aged && ref.stream[head].arrival > ref.stream[stream].arrival))
				continue;
		} else {
			/* By a slice, divided by what the tier's time is divided by. */
			ahead = (__uint128_t)(units(tiers[i].vtime) - units(tiers[turn].vtime)) * ref.policy.weight[i] *
				ref_backlogged(i, engine);
			if (ahead > ref.policy.slice_ns * 1024 * 100 ||
			    ref.stream[head].arrival > ref.stream[stream].arrival)
				continue;
		}
		stream = head;
		ref.aged = true;
	}
	return stream;
}

/* Both at once */

static struct vgpu_sched sched;
static struct vgpu_sched_vm vms[VMS];
static struct vgpu_sched_entity streams[STREAMS];
static struct vgpu_sched_run runs[RUNS];
static u64 random_state, arrivals, run_ids, now;
static u64 decisions, aged, throttled;

static u32 dice(u32 sides)
{
	return sim_random(&random_state) % sides;
}

static void compare(void)
{
	u32 i, e;

	for (e = 0; e < ENGINES; e++) {
		for (i = 0; i < VGPU_TIER_COUNT; i++) {
			RIG_CHECK(sched.engine[e].tier[i].vtime == units(ref.tier[e][i].vtime));
			RIG_CHECK(sched.engine[e].tier[i].vtime_parts == (u32)ref.tier[e][i].vtime);
			RIG_CHECK(sched.engine[e].tier[i].allowance_ns == ref.tier[e][i].allowance);
			RIG_CHECK(sched.engine[e].tier[i].backlogged == ref_backlogged(i, e));
		}
		for (i = 0; i < VMS; i++) {
			const struct vgpu_sched_share *share = vgpu_sched_share_of(&sched, &vms[i], e);

			RIG_CHECK(!ref.vm[i].exists || share->vruntime == ref.vm[i].vruntime[e]);
			RIG_CHECK(!ref.vm[i].exists || share->busy_ns == ref.vm[i].busy[e]);
		}
	}
}

static u32 dice_weight(void)
{
	return dice(2) ? VGPU_VM_WEIGHT_DEFAULT : VGPU_VM_WEIGHT_MIN + dice(VGPU_VM_WEIGHT_MAX - VGPU_VM_WEIGHT_MIN + 1);
}

static void add_vm(u32 i)
{
	u32 e, j, tier = dice(VGPU_TIER_COUNT), weight = dice_weight(), slot = 0;

	for (j = 0; j < VMS; j++) {
		if (ref.vm[j].exists && ref.vm[j].slot == slot) {
			slot++;
			j = -1;
		}
	}
	memset(&vms[i], 0, sizeof(vms[i]));
	RIG_CHECK(!vgpu_sched_add_vm(&sched, &vms[i], i, tier, weight, VGPU_SCHED_ANY_SLOT));
	memset(&ref.vm[i], 0, sizeof(ref.vm[i]));
	ref.vm[i].slot = slot;
	ref.vm[i].exists = true;
	ref.vm[i].tier = tier;
	ref.vm[i].weight = weight;
	for (e = 0; e < ENGINES; e++) {
		ref.vm[i].vruntime[e] = START;
		ref.vm[i].epoch[e] = ref.tier[e][tier].epoch;
	}
}

static void change_tier(u32 i)
{
	u32 e, tier = dice(VGPU_TIER_COUNT), old = ref.vm[i].tier;
	bool was[ENGINES];

	vgpu_sched_set_tier(&sched, &vms[i], tier, now);
	if (tier == old)
		return;
	for (e = 0; e < ENGINES; e++) {
		ref_account(e, now);
		was[e] = ref_active(i, e);
		if (was[e]) {
			ref.vm[i].exists = false;	/* for its old tier */
			ref_leave(i, e);
			ref.vm[i].exists = true;
		}
	}
	for (e = 0; e < ENGINES; e++) {
		ref.vm[i].exists = false;	/* among the others of its new tier */
		ref.vm[i].tier = tier;
		ref.vm[i].epoch[e] = ref.tier[e][tier].epoch - 1;
		if (was[e])
			ref_join(i, e);
		ref.vm[i].exists = true;
	}
}

/* A debt stays the same service: it is told by the new weight, and so is what is in flight. */
static void change_weight(u32 i)
{
	u32 e, j, weight = dice_weight();
	struct ref_vm *v = &ref.vm[i];
	u64 served, floor;

	vgpu_sched_set_weight(&sched, &vms[i], weight, now);
	for (e = 0; e < ENGINES && weight != v->weight; e++) {
		ref_account(e, now);
		served = ref_served(i, e);
		floor = ref_floor(i, e, served);
		if (ref.policy.order == VGPU_ORDER_FAIR && v->epoch[e] == ref.tier[e][v->tier].epoch)
			served = floor + (__int128)(s64)(served - floor) * v->weight / weight;
		for (j = 0; j < RUNS; j++) {
			if (!ref.run[j].order || ref.run[j].vm != i || ref.run[j].engine != e)
				continue;
			ref.run[j].weight = weight;
			served += ref_vruntime(&ref.run[j], ref.run[j].charged - ref.run[j].used);
		}
		v->vruntime[e] = served;
	}
	v->weight = weight;
}

static void enqueue(u32 i)
{
	u32 vm = dice(VMS), engine = dice(ENGINES);

	if (streams[i].queued || !ref.vm[vm].exists)
		return;
	streams[i] = (struct vgpu_sched_entity) {
		.engine = engine,
		.arrival = dice(3) ? arrivals : arrivals - min((u64)dice(64), arrivals),
		.arrival_ns = now - min((u64)dice(1000) * dice(1000) * dice(1000), now),
	};
	vgpu_sched_entity_init(&streams[i], &vms[vm], i);
	streams[i].arrival = streams[i].arrival * STREAMS + i;	/* unique */
	arrivals++;
	if (!ref_active(vm, engine) && !ref.vm[vm].held[engine]) {
		ref_account(engine, now);
		ref_join(vm, engine);
	}
	ref.stream[i] = (struct ref_stream) { true, vm, engine, streams[i].arrival, streams[i].arrival_ns };
	vgpu_sched_enqueue(&sched, &streams[i], now);
}

static void dequeue(u32 i)
{
	u32 vm = ref.stream[i].vm, engine = ref.stream[i].engine;
	bool was;

	if (!streams[i].queued)
		return;
	vgpu_sched_dequeue(&sched, &streams[i], now);
	was = ref_active(vm, engine);
	ref.stream[i].queued = false;
	if (was && !ref_active(vm, engine))
		ref_leave(vm, engine);
}

static void throttle(u32 vm, u32 engine)
{
	bool was = ref_active(vm, engine), held = dice(2);

	if (!ref.vm[vm].exists)
		return;
	vgpu_sched_throttle(&sched, &vms[vm], engine, held, now);
	if (held == ref.vm[vm].held[engine])
		return;
	ref_account(engine, now);
	if (!was && !held && ref_queued(vm, engine))
		ref_join(vm, engine);
	ref.vm[vm].held[engine] = held;
	if (was && !ref_active(vm, engine))
		ref_leave(vm, engine);
	throttled += held;
}

static void decide(u32 engine)
{
	struct vgpu_sched_entity *entity;
	u32 i, stream, vm;
	u64 predicted = dice(4) ? dice(1000000) : dice(10000000);

	if (ref_inflight(VMS, engine) >= sched.policy.window)
		return;
	entity = vgpu_sched_pick(&sched, engine, now);
	stream = ref_pick(engine, now);
	RIG_CHECK(entity == (stream == STREAMS ? NULL : &streams[stream]));
	if (!entity)
		return;
	RIG_CHECK(entity->aged == ref.aged);
	decisions++;
	aged += ref.aged;
	if (!dice(20)) {
		dequeue(stream);
		return;
	}
	for (i = 0; ref.run[i].order; i++)
		;
	vm = ref.stream[stream].vm;
	vgpu_sched_start(&sched, entity, &runs[i], run_ids++, predicted, now);
	ref_account(engine, now);
	ref.run[i] = (struct ref_run) {
		.order = ++ref.orders,
		.vm = vm,
		.engine = engine,
		.tier = ref.vm[vm].tier,
		.weight = ref.vm[vm].weight,
		.rate = ref.policy.weight[ref.vm[vm].tier] * ref_backlogged(ref.vm[vm].tier, engine),
		.aged = ref.aged,
	};
	ref.stream[stream].queued = false;
	ref_charge(&ref.run[i], predicted);
}

static void end(u32 i)
{
	struct ref_run *run = &ref.run[i];
	u32 vm = run->vm, engine = run->engine;

	if (!run->order)
		return;
	vgpu_sched_done(&sched, &runs[i], now);
	ref_account(engine, now);
	if (ref_inflight(VMS, engine) > 1) {
		if (ref_oldest(engine, 0) != run)
			ref.overlap[engine] = 64;
		else if (ref.overlap[engine])
			ref.overlap[engine]--;
	}
	if (run->used < run->charged)
		ref_charge(run, -(s64)(run->charged - run->used));
	run->order = 0;
	if (!ref_active(vm, engine))
		ref_leave(vm, engine);
}

static void change_policy(void)
{
	struct vgpu_policy policy = vgpu_policy_default;
	const char *why;
	u32 i, e;

	for (i = 0; i < VGPU_TIER_COUNT; i++)
		policy.weight[i] = 1 + dice(dice(2) ? 20 : VGPU_WEIGHT_MAX);
	policy.aging_ns = VGPU_AGING_MIN << dice(8);
	policy.slice_ns = VGPU_SLICE_MIN << dice(8);
	policy.aging_cap = dice(VGPU_AGING_CAP_MAX + 1);
	policy.kind = dice(VGPU_POLICY_COUNT);
	policy.order = dice(VGPU_ORDER_COUNT);
	policy.charge = dice(VGPU_CHARGE_COUNT);
	policy.window = 1 + dice(VGPU_WINDOW);
	RIG_CHECK(!vgpu_policy_check(&policy, &why));
	vgpu_sched_set_policy(&sched, &policy, now);
	for (e = 0; e < ENGINES; e++)
		ref_account(e, now);
	if (policy.order != ref.policy.order) {
		ref.policy = policy;
		for (i = VMS; i-- > 0;) {
			for (e = 0; e < ENGINES; e++) {
				ref.vm[i].vruntime[e] = START;
				ref.vm[i].epoch[e] = ref.tier[e][ref.vm[i].tier].epoch;
			}
		}
	}
	ref.policy = policy;
}

static void step(void)
{
	u32 what = dice(100), i;

	now += dice(4) ? dice(300000) : 0;
	if (!dice(30))
		throttle(dice(VMS), dice(ENGINES));
	if (what < 35) {
		enqueue(dice(STREAMS));
	} else if (what < 65) {
		decide(dice(ENGINES));
	} else if (what < 85) {
		end(dice(RUNS));
	} else if (what < 90) {
		dequeue(dice(STREAMS));
	} else if (what < 95) {
		i = dice(ENGINES);
		vgpu_sched_sync(&sched, i, now);
		ref_account(i, now);
	} else if (what < 97) {
		i = dice(VMS);
		if (!ref.vm[i].exists) {
			add_vm(i);
		} else if (!dice(10)) {
			u32 e, busy = 0;

			for (e = 0; e < ENGINES; e++)
				busy += ref_queued(i, e) + ref_inflight(i, e);
			if (!busy) {
				vgpu_sched_remove_vm(&sched, &vms[i]);
				ref.vm[i].exists = false;
			}
		}
	} else if (what < 98) {
		i = dice(VMS);
		if (ref.vm[i].exists && dice(2))
			change_tier(i);
		else if (ref.vm[i].exists)
			change_weight(i);
	} else if (!dice(20)) {
		change_policy();
	}
}

static void write_event(struct vgpu_sched *from, const struct vgpu_sched_event *event)
{
	RIG_CHECK(fwrite(event, sizeof(*event), 1, from->log_host) == 1);
}

/* One history; its second half goes to a log, which is then replayed. */
static void history(u64 seed, u32 steps, const char *log)
{
	FILE *out = fopen(log, "wb"), *null = fopen("/dev/null", "w");
	u32 i;

	RIG_CHECK(out && null);
	memset(&ref, 0, sizeof(ref));
	memset(streams, 0, sizeof(streams));
	rig_seed = seed;
	random_state = seed;
	now = NSEC_PER_SEC;
	arrivals = 1;
	RIG_CHECK(!vgpu_sched_init(&sched, VMS));
	ref.policy = sched.policy;
	for (i = 0; i < VMS; i++)
		add_vm(i);
	change_policy();
	for (i = 0; i < steps; i++) {
		if (i == steps / 2)
			vgpu_sched_log_begin(&sched, write_event, out, now);
		snprintf(rig_note, sizeof(rig_note), "step %u", i);
		step();
		compare();
	}
	vgpu_sched_log_end(&sched);
	vgpu_sched_destroy(&sched);
	RIG_CHECK(!fclose(out));
	snprintf(rig_note, sizeof(rig_note), "replay");
	RIG_CHECK(!sim_replay(log, null, false, NULL));
	fclose(null);
}

int main(int argc, char **argv)
{
	u64 seed = argc > 1 ? strtoull(argv[1], NULL, 0) : get_random_u64() >> 16;
	u32 rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 60;
	u32 steps = argc > 3 ? strtoul(argv[3], NULL, 0) : 5000;
	char log[] = "/tmp/core-sched-XXXXXX";
	u32 i;

	RIG_CHECK(mkstemp(log) >= 0);
	printf("# %u histories of %u steps from seed %llu\n", rounds, steps, (unsigned long long)seed);
	fflush(stdout);
	for (i = 0; i < rounds; i++)
		history(seed + i, steps, log);
	unlink(log);
	printf("# %llu decisions, %llu of them by aging; %llu times a virtual GPU was held back\n",
	       (unsigned long long)decisions, (unsigned long long)aged, (unsigned long long)throttled);
	if (!decisions || !aged || !throttled) {
		printf("not ok 1 - scheduler against the reference model: nothing of the kind happened\n");
		return 1;
	}
	printf("ok 1 - scheduler against the reference model\n");
	return 0;
}
