// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <pthread.h>

#include "chaos.h"

#define SESSIONS	4
#define SLOTS		(RIG_DEVS * SESSIONS)
#define HISTORY		8192

/**
 * struct chaos_guest - a session number of a device, whoever has it
 * @guest: the session that is there or was there last
 * @open: VGPU_CTL_SESSION_CREATE succeeded and the session did not become free
 * @lied: the guest has written nonsense to its header: what it sees proves nothing any more
 * @seen: completions by sequence number since it was opened
 */
struct chaos_guest {
	struct rig_guest guest;
	bool open;
	bool lied;
	u8 seen[HISTORY];
};

/**
 * struct chaos - a run
 * @source: of decisions
 * @rig: what is put to the test
 * @race: state of the sequence that says how apertures change, 0 where they do not
 * @scribbling: the second thread goes on
 * @guests: who may be there
 * @result: what happened
 */
struct chaos {
	struct chaos_source *source;
	struct rig *rig;
	u64 race;
	bool scribbling;
	struct chaos_guest guests[SLOTS];
	struct chaos_result result;
};

static u32 pick(struct chaos *chaos, u32 bound)
{
	struct chaos_source *source = chaos->source;
	u32 value = 0;

	if (source->data) {
		if (source->at < source->len)
			value = source->data[source->at++];
		if (bound > 256 && source->at < source->len)
			value = value << 8 | source->data[source->at++];
	} else {
		source->state ^= source->state << 13;
		source->state ^= source->state >> 7;
		source->state ^= source->state << 17;
		value = source->state >> 24;
	}
	return bound ? value % bound : value;
}

static bool more(struct chaos *chaos)
{
	struct chaos_source *source = chaos->source;

	if (source->data)
		return source->at < source->len;
	if (!source->steps)
		return false;
	source->steps--;
	return true;
}

static u64 next_of(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 16;
}

/* What another processor of the guest may write to a place in its aperture. */
static void write_something(u8 *aperture, u64 offset, u64 *state)
{
	u64 what = next_of(state), value = next_of(state);
	u32 *word = (u32 *)(aperture + offset / 4 * 4);

	switch (what % 8) {
	case 0:
		value = 1ULL << value % 64;
		break;
	case 1:
		value = -(value % 8192);
		break;
	case 2:
		value = *word ^ 1u << value % 32;
		break;
	case 3:
	case 4:
		value = *word + value % 8;
		break;
	case 5:
		memset(aperture + offset / 64 * 64, value % 4 ? 0 : (int)value, 64);
		return;
	default:
		value %= 64;
	}
	__atomic_store_n(word, (u32)value, __ATOMIC_RELAXED);
}

#ifdef VGPU_WATCH_READS
static _Thread_local struct chaos *watched;

void vgpu_watch_read(const volatile void *addr, size_t len)
{
	struct chaos *chaos = watched;
	const u8 *at = (const u8 *)addr;
	u8 *aperture;
	u32 i;

	if (!chaos || !chaos->race || next_of(&chaos->race) % 8)
		return;
	for (i = 0; i < RIG_DEVS; i++) {
		aperture = chaos->rig->dev[i].aperture;
		if (at >= aperture && at < aperture + RIG_APERTURE)
			write_something(aperture, at - aperture, &chaos->race);
	}
}

static void watch(struct chaos *chaos)
{
	watched = chaos;
}
#else
static void watch(struct chaos *chaos)
{
}
#endif

static void *scribble(void *arg)
{
	struct chaos *chaos = arg;
	u64 state = chaos->race ^ 0x5851f42d4c957f2dULL, place;

	while (READ_ONCE(chaos->scribbling)) {
		place = next_of(&state);
		/* Headers, submission queues, payload; headers most of all. */
		write_something(chaos->rig->dev[place % RIG_DEVS].aperture,
				place / 8 % SESSIONS * 0x8000 + next_of(&state) % (place & 4 ? 64 : 0x4000), &state);
	}
	return NULL;
}

static u64 wide(struct chaos *chaos)
{
	u64 value = 0;
	u32 i;

	for (i = 0; i < 8; i++)
		value = value << 8 | pick(chaos, 256);
	return value;
}

static struct chaos_guest *any_guest(struct chaos *chaos)
{
	return &chaos->guests[pick(chaos, SLOTS)];
}

static struct rig_dev *dev_of(struct chaos *chaos, const struct chaos_guest *cg)
{
	return &chaos->rig->dev[(cg - chaos->guests) / SESSIONS];
}

static u32 id_of(struct chaos *chaos, const struct chaos_guest *cg)
{
	return (cg - chaos->guests) % SESSIONS;
}

/* Looks which sessions are there still, as a driver does by reading their state. */
static void notice_ends(struct chaos *chaos)
{
	u32 i;

	for (i = 0; i < SLOTS; i++) {
		struct chaos_guest *cg = &chaos->guests[i];

		if (cg->open && !dev_of(chaos, cg)->dev.sessions[id_of(chaos, cg)])
			cg->open = false;
	}
}

static void consume(struct chaos *chaos, struct chaos_guest *cg, u32 most)
{
	struct vgpu_cqe cqe;

	/* What it reads proves nothing, but its queues go on. */
	if (chaos->race && cg->open) {
		cg->guest.header->cq_head = cg->guest.header->cq_tail;
		cg->guest.cq_head = cg->guest.header->cq_tail;
		return;
	}
	while (cg->open && !cg->lied && most-- && rig_consume(&cg->guest, &cqe)) {
		RIG_CHECK(cqe.seq < HISTORY);
		RIG_CHECK((s32)(cg->guest.tail - cqe.seq) > 0);
		RIG_CHECK(!cg->seen[cqe.seq]);
		cg->seen[cqe.seq] = 1;
	}
}

static void open_session(struct chaos *chaos, struct chaos_guest *cg)
{
	struct rig_dev *dev = dev_of(chaos, cg);
	u32 id = id_of(chaos, cg), entries = 16u << pick(chaos, 4);

	if (cg->open) {
		if (rig_state(&cg->guest) == VGPU_SESSION_LOST)
			rig_control(dev, VGPU_CTL_SESSION_DESTROY, id, 0, 0, 0, 0);
		return;
	}
	if (rig_guest_create(&cg->guest, dev, id, id * 0x8000ULL, entries, 16u << pick(chaos, 4)) != VGPU_ST_OK)
		return;
	cg->open = true;
	cg->lied = false;
	memset(cg->seen, 0, sizeof(cg->seen));
	rig_control(dev, VGPU_CTL_RANGE_ADD, id, rig_range(id), 0x4000, 0, 0);
}

static struct vgpu_cmd make_cmd(struct chaos *chaos, struct chaos_guest *cg)
{
	u32 id = id_of(chaos, cg), stream = pick(chaos, 5), kind;
	struct vgpu_cmd cmd;

	switch (pick(chaos, 15)) {
	case 14:
		cmd = rig_cmd(VGPU_OP_RESERVE, 0);
		cmd.reserve.bytes = pick(chaos, 40) * RIG_GRANULE;
		break;
	case 0:
		cmd = rig_cmd(VGPU_OP_SESSION_INIT, 0);
		cmd.init.out = rig_range(id);
		break;
	case 1:
		cmd = rig_copy_in(id, stream);
		break;
	case 2:
		cmd = rig_copy_out(id, stream);
		break;
	case 3:
		cmd = rig_cmd(VGPU_OP_FENCE, stream);
		cmd.flags = pick(chaos, 2) ? VGPU_CMD_F_ALL : 0;
		break;
	case 4:
		cmd = rig_cmd(VGPU_OP_EVENT_RECORD, stream);
		cmd.flags = pick(chaos, 2) ? VGPU_CMD_F_ALL : 0;
		break;
	case 5:
	case 6:
		cmd = rig_wait_for(stream, cg->guest.tail - 1 - pick(chaos, 24));
		break;
	case 7:
	case 8:
		kind = pick(chaos, 8);
		cmd = rig_chunk(kind % 2 ? VGPU_OP_CHUNK_MAP : VGPU_OP_CHUNK_UNMAP, pick(chaos, 40), 1 + pick(chaos, 8));
		if (kind >= 4) {
			cmd.chunk.flags = VGPU_CHUNK_ALIAS;
			/* Across the middle, where the other half of what is mapped lies. */
			if (kind % 2)
				cmd.chunk.source = (cmd.chunk.addr - RIG_DEVICE_BASE + 20 * RIG_GRANULE) % (40 * RIG_GRANULE) +
						   RIG_DEVICE_BASE;
		}
		break;
	case 9:
		cmd = rig_cmd(VGPU_OP_CTX_DESTROY, 0);
		break;
	default:
		cmd = rig_launch(stream);
	}
	if (!pick(chaos, 12))
		((u8 *)&cmd)[pick(chaos, sizeof(cmd))] ^= 1u << pick(chaos, 8);
	if (!pick(chaos, 60))
		cmd.raw[pick(chaos, 6)] = wide(chaos);
	return cmd;
}

static void submit(struct chaos *chaos, struct chaos_guest *cg)
{
	u32 count = 1 + pick(chaos, 8);

	if (!cg->open || cg->lied)
		return;
	while (count--) {
		struct vgpu_cmd cmd;

		if ((!chaos->race && cg->guest.tail - cg->guest.cq_head >= cg->guest.cq_entries) ||
		    cg->guest.tail - cg->guest.header->sq_head >= cg->guest.sq_entries || cg->guest.tail == HISTORY - 1)
			break;
		cmd = make_cmd(chaos, cg);
		if (!cg->guest.tail) {
			cmd = rig_cmd(VGPU_OP_SESSION_INIT, 0);
			cmd.init.out = rig_range(id_of(chaos, cg));
		}
		rig_write(&cg->guest, &cmd);
	}
	rig_publish(&cg->guest);
}

static void hostile_guest(struct chaos *chaos, struct chaos_guest *cg)
{
	struct rig_dev *dev = dev_of(chaos, cg);

	switch (pick(chaos, 6)) {
	case 0:
		vgpu_dev_write(&dev->dev, pick(chaos, VGPU_BAR0_SIZE / 8) * 4, pick(chaos, 2) ? 4 : 8, wide(chaos));
		break;
	case 1:
		vgpu_dev_read(&dev->dev, pick(chaos, 65536) * 8, 1u << pick(chaos, 4));
		break;
	case 2:
		rig_control(dev, pick(chaos, 5), pick(chaos, 70), pick(chaos, 1024) * 0x1000ULL, 16u << pick(chaos, 5),
			    16u << pick(chaos, 5), pick(chaos, 70));
		break;
	case 3:
		if (cg->open && !pick(chaos, 4)) {
			((u32 *)cg->guest.header)[pick(chaos, 3)] = wide(chaos);
			cg->lied = true;
			rig_ring(&cg->guest);
		}
		break;
	case 4:
		if (cg->open)
			cg->guest.header->cq_event = wide(chaos);
		break;
	case 5:
		if (cg->open && !cg->lied)
			memset(&cg->guest.sq[pick(chaos, cg->guest.sq_entries)], pick(chaos, 256),
			       sizeof(struct vgpu_cmd));
		break;
	}
	/* A random register write may have opened a session with any number, or reset the device. */
	notice_ends(chaos);
}

static struct rig_worker *any_worker(struct chaos *chaos)
{
	u32 first = pick(chaos, SLOTS), i;

	for (i = 0; i < SLOTS; i++) {
		struct rig_worker *worker = &chaos->rig->workers[(first + i) % SLOTS];

		if (worker->session)
			return worker;
	}
	return NULL;
}

static void spawn(struct chaos *chaos)
{
	struct vgpu_exec_spawn_failed failed = { 0 };
	struct vgpu_exec_event event;
	struct rig_worker *worker;

	if (!chaos->rig->gpu.attached || !vgpu_gpu_next_event(&chaos->rig->gpu, &event))
		return;
	RIG_CHECK(!rig_bind(chaos->rig, event.token ^ 1));
	if (!pick(chaos, 16)) {
		vgpu_gpu_unread_event(&chaos->rig->gpu, &event);
		return;
	}
	if (!pick(chaos, 16)) {
		failed.token = event.token;
		failed.status = pick(chaos, 1100);
		vgpu_gpu_spawn_failed(&chaos->rig->gpu, &failed);
		return;
	}
	worker = rig_bind(chaos->rig, event.token);
	if (worker && pick(chaos, 8))
		rig_ready(worker, RIG_DEVICE_BASE, RIG_APERTURE_BASE, pick(chaos, 10) ? 0 : 2);
}

static void work(struct chaos *chaos)
{
	struct rig_worker *worker = any_worker(chaos);
	u32 count = 1 + pick(chaos, 8);

	if (!worker)
		return;
	if (worker->killed) {
		rig_release(worker);
		return;
	}
	if (!worker->ready) {
		rig_ready(worker, RIG_DEVICE_BASE, RIG_APERTURE_BASE, 0);
		return;
	}
	rig_take(worker);
	while (count-- && worker->num_todo && worker->session && !worker->killed) {
		u32 index = pick(chaos, 4) ? 0 : pick(chaos, worker->num_todo);

		rig_finish(worker, index, pick(chaos, 6) ? 0 : 700, 0);
	}
}

static void hostile_worker(struct chaos *chaos)
{
	struct rig_worker *worker = any_worker(chaos);
	u32 consumed, tail;

	if (!worker)
		return;
	switch (pick(chaos, 8)) {
	case 0:
		rig_put(worker, wide(chaos), worker->generation, 0, 0);
		rig_kick(worker);
		break;
	case 1:
		rig_put(worker, pick(chaos, 128) | (u64)pick(chaos, 256) << 32, worker->generation,
			pick(chaos, 3000), 0);
		rig_kick(worker);
		break;
	case 2:
		if (worker->num_todo) {
			rig_put(worker, worker->todo[0].tag, worker->generation - 1, 0, 0);
			rig_put(worker, worker->todo[0].tag, worker->generation, 0, 0);
			rig_put(worker, worker->todo[0].tag, worker->generation, 0, 0);
			rig_finish(worker, 0, 0, 0);
		}
		break;
	case 3:
		if (!pick(chaos, 4)) {
			worker->rings->completion_tail = wide(chaos);
			rig_kick(worker);
			worker->completion_tail = worker->rings->completion_tail;
		}
		break;
	case 4:
		worker->rings->dispatch_head = wide(chaos);
		rig_kick(worker);
		break;
	case 5:
		consumed = pick(chaos, 2) ? worker->dispatch_head : (u32)wide(chaos);
		vgpu_worker_take(worker->session, &consumed, &tail);
		break;
	case 6:
		rig_ready(worker, wide(chaos), wide(chaos), pick(chaos, 2000));
		break;
	case 7:
		if (!pick(chaos, 3))
			rig_release(worker);
		break;
	}
}

static void supervise(struct chaos *chaos)
{
	struct rig *rig = chaos->rig;
	const char *why;

	if (!rig->gpu.attached) {
		vgpu_gpu_attach(&rig->gpu, &rig->attach, &why);
	} else if (!pick(chaos, 4)) {
		vgpu_gpu_detach(&rig->gpu);
	}
}

static void change_policy(struct chaos *chaos)
{
	struct vgpu_policy policy = vgpu_policy_default;
	const char *why;
	u32 i;

	for (i = 0; i < VGPU_TIER_COUNT; i++)
		policy.weight[i] = 1 + pick(chaos, VGPU_WEIGHT_MAX);
	policy.aging_ns = VGPU_AGING_MIN << pick(chaos, 8);
	policy.slice_ns = VGPU_SLICE_MIN << pick(chaos, 8);
	policy.aging_cap = pick(chaos, VGPU_AGING_CAP_MAX + 1);
	policy.kind = pick(chaos, VGPU_POLICY_COUNT);
	policy.order = pick(chaos, VGPU_ORDER_COUNT);
	policy.charge = pick(chaos, VGPU_CHARGE_COUNT);
	policy.window = 1 + pick(chaos, VGPU_WINDOW);
	RIG_CHECK(!vgpu_policy_check(&policy, &why));
	vgpu_gpu_set_policy(&chaos->rig->gpu, &policy);
}

static u64 between(struct chaos *chaos, u64 least, u64 most)
{
	return least + pick(chaos, min(most - least + 1, (u64)UINT_MAX));
}

static void change_rates(struct chaos *chaos, struct vgpu_limits *limits)
{
	limits->gpu_share = pick(chaos, 3) ? between(chaos, VGPU_GPU_SHARE_MIN, VGPU_GPU_SHARE_UNIT) : 0;
	limits->gpu_burst_ns = VGPU_GPU_BURST_MIN << pick(chaos, 8);
	limits->copy_rate = pick(chaos, 3) ? VGPU_COPY_RATE_MIN << pick(chaos, 12) : 0;
	limits->copy_burst = VGPU_COPY_BURST_MIN << pick(chaos, 8);
	limits->cmd_rate = pick(chaos, 3) ? 1 << pick(chaos, 20) : 0;
	limits->cmd_burst = 1 + pick(chaos, 100);
}

static void change_strikes(struct chaos *chaos, struct vgpu_limits *limits)
{
	u32 i;

	for (i = 0; i < VGPU_STRIKE_COUNT; i++) {
		limits->strike[i].threshold = pick(chaos, 20);
		limits->strike[i].window_ns = VGPU_STRIKE_WINDOW_MIN << pick(chaos, 8);
	}
	limits->quarantine_ns = pick(chaos, 3) ? VGPU_QUARANTINE_MIN << pick(chaos, 8) : 0;
	limits->quarantine_max_ns = limits->quarantine_ns ?: VGPU_QUARANTINE_MIN;
}

static void administer(struct chaos *chaos)
{
	struct rig_dev *dev = &chaos->rig->dev[pick(chaos, RIG_DEVS)];
	struct vgpu_limits limits = dev->dev.limits;
	const char *why;

	switch (pick(chaos, 8)) {
	case 4:
		change_policy(chaos);
		return;
	case 0:
		limits.depth = 1 + pick(chaos, 64);
		break;
	case 1:
		limits.sessions = 1 + pick(chaos, SESSIONS);
		break;
	case 2:
		limits.tier = pick(chaos, VGPU_TIER_COUNT);
		limits.weight = between(chaos, VGPU_VM_WEIGHT_MIN, VGPU_VM_WEIGHT_MAX);
		break;
	case 3:
		if (pick(chaos, 4))
			vgpu_dev_release(&dev->dev);
		else
			vgpu_dev_quarantine(&dev->dev);
		return;
	case 5:
		change_rates(chaos, &limits);
		break;
	case 6:
		change_strikes(chaos, &limits);
		break;
	case 7:
		limits.memory = max(RIG_GRANULE, dev->dev.memory_used) + pick(chaos, 4) * RIG_GRANULE;
		if (limits.memory > RIG_MEMORY)
			return;
		break;
	}
	RIG_CHECK(!vgpu_dev_set_limits(&dev->dev, &limits, &why));
}

static void step(struct chaos *chaos)
{
	struct rig *rig = chaos->rig;
	u32 what = pick(chaos, 64);
	struct chaos_guest *cg = any_guest(chaos);

	snprintf(rig_note, sizeof(rig_note), "step of kind %u", what);
	vgpu_alloc_fail_after = pick(chaos, 50) ? -1 : (long)pick(chaos, 8);
	if (what < 22) {
		submit(chaos, cg);
	} else if (what < 40) {
		work(chaos);
	} else if (what < 47) {
		consume(chaos, cg, 1 + pick(chaos, 64));
	} else if (what < 50) {
		spawn(chaos);
	} else if (what < 53) {
		open_session(chaos, cg);
	} else if (what < 56) {
		rig_now += pick(chaos, 16) ? (u64)pick(chaos, 4096) * 1000 : (u64)pick(chaos, 64) * NSEC_PER_SEC;
		rig_settle(rig);
	} else if (what == 56) {
		if (!pick(chaos, 4))
			rig_control(dev_of(chaos, cg), VGPU_CTL_SESSION_DESTROY, id_of(chaos, cg), 0, 0, 0, 0);
	} else if (what == 57) {
		if (!pick(chaos, 30))
			vgpu_dev_write(&dev_of(chaos, cg)->dev, VGPU_REG_STATUS, 4, 0);
	} else if (what == 58) {
		vgpu_dev_write(&dev_of(chaos, cg)->dev, VGPU_REG_STATUS, 4, VGPU_STATUS_DRIVER_OK);
	} else if (what == 59) {
		supervise(chaos);
	} else if (what == 60) {
		administer(chaos);
	} else if (what == 61) {
		hostile_guest(chaos, cg);
	} else if (what == 62) {
		hostile_worker(chaos);
	} else {
		rig_settle(rig);
	}
	vgpu_alloc_fail_after = -1;
	notice_ends(chaos);
}

/* Everybody behaves until nothing moves any more: then nothing may be left waiting. */
static void drain(struct chaos *chaos)
{
	struct rig *rig = chaos->rig;
	u32 round, i;

	snprintf(rig_note, sizeof(rig_note), "the drain");
	if (!rig->gpu.attached)
		rig_attach(rig);
	for (i = 0; i < RIG_DEVS; i++) {
		struct vgpu_limits limits = rig_limits();
		const char *why;

		limits.depth = rig->dev[i].dev.limits.depth;
		RIG_CHECK(!vgpu_dev_set_limits(&rig->dev[i].dev, &limits, &why));
		vgpu_dev_release(&rig->dev[i].dev);
	}
	for (round = 0; round < 16; round++) {
		for (i = 0; i < RIG_WORKERS; i++) {
			struct rig_worker *worker = &rig->workers[i];

			if (worker->session && !worker->killed && !worker->ready)
				rig_ready(worker, RIG_DEVICE_BASE, RIG_APERTURE_BASE, 0);
			if (worker->session &&
			    worker->rings->dispatch_tail - worker->dispatch_head > VGPU_EXEC_RING_ENTRIES)
				rig_release(worker);
		}
		rig_work(rig);
		notice_ends(chaos);
		for (i = 0; i < SLOTS; i++)
			consume(chaos, &chaos->guests[i], ~0u);
		rig_advance(rig, VGPU_DEADLINE_DEFAULT);
		rig_check_invariants(rig);
	}
}

static void check_end(struct chaos *chaos)
{
	struct rig *rig = chaos->rig;
	u32 i, seq;

	for (i = 0; i < RIG_DEVS; i++) {
		struct vgpu_stats stats = rig_stats(&rig->dev[i]);

		RIG_CHECK(!stats.waiting);
		chaos->result.accepted += stats.counters.submitted;
		chaos->result.completed += stats.counters.completed;
		chaos->result.failed += stats.counters.failed;
		chaos->result.lost += stats.counters.sessions_lost;
	}
	for (i = 0; i < SLOTS; i++) {
		struct chaos_guest *cg = &chaos->guests[i];

		if (!cg->open || cg->lied || chaos->source->race)
			continue;
		/* An honest guest has one completion for each command that it submitted, and none for others. */
		RIG_CHECK(cg->guest.header->sq_head == cg->guest.tail);
		for (seq = 0; seq < HISTORY; seq++)
			RIG_CHECK(cg->seen[seq] == (seq < cg->guest.tail));
	}
}

static void write_event(struct vgpu_sched *sched, const struct vgpu_sched_event *event)
{
	RIG_CHECK(fwrite(event, sizeof(*event), 1, sched->log_host) == 1);
}

struct chaos_result chaos_run(struct chaos_source *source)
{
	struct vgpu_limits limits = rig_limits();
	struct chaos *chaos = calloc(1, sizeof(*chaos));
	struct chaos_result result;
	pthread_t thread;
	u32 i;

	RIG_CHECK(chaos);
	chaos->source = source;
	chaos->race = source->race;
	chaos->rig = rig_new();
	rig_attach(chaos->rig);
	limits.depth = 48;
	for (i = 0; i < RIG_DEVS; i++)
		rig_dev_open(chaos->rig, i, &limits);
	chaos->scribbling = source->race && source->thread && !pthread_create(&thread, NULL, scribble, chaos);
	watch(chaos);
	for (i = 0; more(chaos); i++) {
		/* The log begins in the middle of things. */
		if (i == 500 && source->log)
			RIG_CHECK(!vgpu_gpu_record(&chaos->rig->gpu, write_event, source->log));
		step(chaos);
		rig_check_invariants(chaos->rig);
	}
	watch(NULL);
	if (chaos->scribbling) {
		WRITE_ONCE(chaos->scribbling, false);
		pthread_join(thread, NULL);
	}
	drain(chaos);
	check_end(chaos);
	if (source->log)
		RIG_CHECK(vgpu_gpu_record_end(&chaos->rig->gpu) == source->log);
	rig_free(chaos->rig);
	result = chaos->result;
	free(chaos);
	return result;
}
