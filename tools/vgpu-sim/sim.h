/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * The scheduler of kmod/core under a virtual clock: virtual machines that submit, engines that execute, and
 * what came of it.
 *
 *	scenario.c (text file) -> load.c (arrivals, costs) -> simulate.c (events, engines, the scheduler) -> report.c
 */
#ifndef VGPU_SIM_H
#define VGPU_SIM_H

#include <stdio.h>

#include "kmod/core/core.h"

#define SIM_BUCKETS	1536u
#define SIM_NAME	32

/**
 * struct sim_histogram - times in nanoseconds, with 32 buckets an octave
 * @count: by bucket
 * @total: number of times
 * @sum: of all
 * @max: greatest
 */
struct sim_histogram {
	u32 count[SIM_BUCKETS];
	u64 total;
	u64 sum;
	u64 max;
};

/**
 * struct sim_trace - times and costs from a file
 * @at_ns: times from the start
 * @cost_ns: command times
 * @len: number
 */
struct sim_trace {
	u64 *at_ns;
	u64 *cost_ns;
	u32 len;
};

/**
 * enum sim_dist_kind - how a time is drawn
 * @SIM_CONST: always @a
 * @SIM_UNIFORM: between @a and @b
 * @SIM_EXP: exponential, mean @a
 * @SIM_MIX: @a with probability @p, else @b
 * @SIM_DRAWN: any of the costs in @from, each as likely
 */
enum sim_dist_kind {
	SIM_CONST,
	SIM_UNIFORM,
	SIM_EXP,
	SIM_MIX,
	SIM_DRAWN,
};

struct sim_dist {
	enum sim_dist_kind kind;
	u64 a;
	u64 b;
	double p;
	struct sim_trace from;
};

/**
 * enum sim_load_kind - when a stream submits
 * @SIM_CLOSED: keeps @depth commands submitted, each follows a completion after the think time
 * @SIM_OPEN: at intervals drawn from @interval
 * @SIM_BURST: @depth at once at intervals drawn from @interval
 * @SIM_TRACE: at the times and with the costs of a file
 */
enum sim_load_kind {
	SIM_CLOSED,
	SIM_OPEN,
	SIM_BURST,
	SIM_TRACE,
};

struct sim_load {
	enum sim_load_kind kind;
	u32 depth;
	struct sim_dist think;
	struct sim_dist interval;
	struct sim_trace trace;
};

/**
 * struct sim_cmd - a command
 * @arrival: order of arrival at its GPU
 * @arrival_ns: time
 * @cost_ns: time that it executes
 * @fluid: service that its tier (fair: its VM) would have had under an ideal fluid server when it arrived
 * @ahead_ns: work of its tier (fair: of its VM) that was before it
 */
struct sim_cmd {
	u64 arrival;
	u64 arrival_ns;
	u64 cost_ns;
	double fluid;
	double ahead_ns;
};

struct sim_vm;

/**
 * struct sim_stream - a stream
 * @vm: whose
 * @entity: in the scheduler
 * @queue: commands not dispatched, a ring
 * @head: first of @queue
 * @len: number in @queue
 * @room: of @queue, a power of two
 * @traced: entries of the trace submitted
 */
struct sim_stream {
	struct sim_vm *vm;
	struct vgpu_sched_entity entity;
	struct sim_cmd *queue;
	u32 head;
	u32 len;
	u32 room;
	u32 traced;
};

/**
 * struct sim_vm - a virtual machine on one GPU, using one engine
 * @group: of the scenario
 * @gpu: its GPU
 * @sched: in the scheduler
 * @streams: its streams
 * @outstanding: commands submitted and not completed
 * @held: submissions that wait for room in the queue depth, by stream
 * @running: between start and stop
 * @used_ns: engine time, as the engine knows it
 * @arrived_ns: work submitted
 * @served_ns: work that has been started
 * @cost_ns: moving average of command time, 0 if none has completed
 * @fluid: service under an ideal fluid server, of intervals that have ended
 * @fluid_joined: virtual service per weight of its tier when the interval that has not ended began
 * @backlogged: such an interval is under way
 * @mark_used: @used_ns at the beginning of the window, short and long
 * @mark_fluid: fluid service likewise
 * @completed: commands
 * @promoted: runs brought forward by aging
 * @switches: runs of its own behind one of another VM
 * @windows: short windows that it was seen in
 * @least_share: least part of the engine time of a short window
 * @most_share: greatest part
 * @waits: from arrival to dispatch
 * @latency: from arrival to completion
 */
struct sim_vm {
	struct sim_group *group;
	struct sim_gpu *gpu;
	struct vgpu_sched_vm sched;
	struct sim_stream *streams;
	u32 outstanding;
	u32 *held;
	bool running;
	double used_ns;
	double arrived_ns;
	double served_ns;
	u64 cost_ns;
	double fluid;
	double fluid_joined;
	bool backlogged;
	double mark_used[2];
	double mark_fluid[2];
	u64 completed;
	u64 promoted;
	u64 switches;
	u32 windows;
	double least_share;
	double most_share;
	struct sim_histogram *waits;
	struct sim_histogram *latency;
};

/**
 * struct sim_group - VMs that a line of the scenario describes
 * @name: for people
 * @count: of VMs
 * @vms: the VMs
 * @gpu: number of their GPU, -1 to spread them over all of @pool
 * @pool: number of their pool, -1 for all GPUs
 * @tier: enum vgpu_tier
 * @weight: in the tier
 * @engine: enum vgpu_engine
 * @num_streams: of each
 * @depth: commands outstanding, of each
 * @start_ns: when they begin
 * @load: of each stream
 * @cost: of commands
 * @waits: of all, from arrival to dispatch
 * @latency: of all, from arrival to completion
 */
struct sim_group {
	char name[SIM_NAME];
	u32 count;
	struct sim_vm *vms;
	int gpu;
	int pool;
	u32 tier;
	u32 weight;
	u32 engine;
	u32 num_streams;
	u32 depth;
	u64 start_ns;
	struct sim_load load;
	struct sim_dist cost;
	struct sim_histogram waits;
	struct sim_histogram latency;
};

/**
 * struct sim_run - a run in flight
 * @sched: in the scheduler
 * @stream: of which
 * @cmds: its commands
 * @count: number of @cmds
 * @next: the one that executes
 * @left_ns: of that one
 * @used_ns: of the whole run so far
 * @learned_ns: as the scheduler had it when a command ended last
 */
struct sim_run {
	struct vgpu_sched_run sched;
	struct sim_stream *stream;
	struct sim_cmd cmds[VGPU_RUN_MAX];
	u32 count;
	u32 next;
	double left_ns;
	double used_ns;
	u64 learned_ns;
};

/**
 * struct sim_engine - an engine of a GPU
 * @runs: in flight, in order of dispatch
 * @inflight: number of @runs
 * @version: of its next event; older ones are void
 * @since_ns: up to which execution is accounted
 * @queued: streams in run queues
 * @fluid: ideal service of tiers
 * @fluid_weight: ideal service of a weight of 1 of a tier
 * @fluid_ns: up to which they are accounted
 * @used_ns: service of tiers
 * @arrived_ns: work submitted by tier
 * @served_ns: work started, by tier
 * @mark_used: @used_ns at the beginning of the window, short and long
 * @mark_fluid: @fluid likewise
 * @churned: VMs became backlogged, or ceased to be, in the window, short and long
 * @longest_ns: longest run that there was
 * @switches: consecutive runs of different VMs
 * @last_vm: of the last run
 * @idle: times that less than the window was in flight while streams were queued
 * @idle_ns: for how long in all
 * @idle_since_ns: since when it is so now, 0 if it is not
 */
struct sim_engine {
	struct sim_run *runs[VGPU_WINDOW];
	struct sim_run pool[VGPU_WINDOW];
	u32 inflight;
	u64 version;
	u64 since_ns;
	u32 queued;
	double fluid[VGPU_TIER_COUNT];
	double fluid_weight[VGPU_TIER_COUNT];
	u64 fluid_ns;
	double used_ns[VGPU_TIER_COUNT];
	double arrived_ns[VGPU_TIER_COUNT];
	double served_ns[VGPU_TIER_COUNT];
	double mark_used[2][VGPU_TIER_COUNT];
	double mark_fluid[2][VGPU_TIER_COUNT];
	bool churned[2];
	double longest_ns;
	u64 switches;
	struct sim_vm *last_vm;
	u64 idle;
	u64 idle_ns;
	u64 idle_since_ns;
};

struct sim_gpu {
	struct vgpu_sched sched;
	struct sim_engine engine[VGPU_ENGINE_COUNT];
	u64 arrivals;
	u64 runs;
	u64 vms;
	u64 streams[VGPU_TIER_COUNT];
	u32 least_weight;
};

/**
 * struct sim_action - something that happens at a time
 * @at_ns: time
 * @gpu: number of the GPU whose policy changes, -1 for all of @pool
 * @pool: number of the pool whose policy changes, -1 for all GPUs
 * @policy: the new policy
 * @change_policy: it is that
 * @group: number of the group whose VMs change
 * @tier: their new tier
 * @change_tier: it is that
 * @weight: their new weight, 0 where it is not that
 * @start: they begin, or end
 */
struct sim_action {
	u64 at_ns;
	int gpu;
	int pool;
	struct vgpu_policy policy;
	bool change_policy;
	u32 group;
	u32 tier;
	bool change_tier;
	u32 weight;
	bool start;
};

/**
 * struct sim_expect - what has to hold in the end
 * @metric: name
 * @of: group or tier, empty for the whole
 * @value: bound
 * @least: it is a lower bound
 * @line: of the scenario
 */
struct sim_expect {
	char metric[SIM_NAME];
	char of[SIM_NAME];
	double value;
	bool least;
	u32 line;
};

/**
 * struct sim_pool - GPUs with a policy of their own
 * @name: for people
 * @first: number of its first GPU
 * @count: of its GPUs
 * @policy: in force when the scenario begins
 * @latest: in force after the changes that were read so far
 * @spread: VMs that were spread over it
 */
struct sim_pool {
	char name[SIM_NAME];
	u32 first;
	u32 count;
	struct vgpu_policy policy;
	struct vgpu_policy latest;
	u32 spread;
};

struct sim_scenario {
	const char *path;
	u64 seed;
	u64 time_ns;
	u64 warmup_ns;
	u64 window_ns[2];
	bool shared;		/* runs in flight execute at the same time */
	u32 num_gpus;
	struct vgpu_policy policy;
	struct sim_pool *pools;
	u32 num_pools;
	struct sim_group *groups;
	u32 num_groups;
	struct sim_action *actions;
	u32 num_actions;
	struct sim_expect *expects;
	u32 num_expects;
};

/**
 * struct sim_totals - of all GPUs
 * @decisions: runs started
 * @commands: completed
 * @promotions: by aging
 * @switches: of context
 * @bound_violations: waits beyond the derived bound
 * @bound_tightest: greatest part of its bound that a wait took
 * @share_error: greatest error of a tier's share over a window, short and long
 * @vm_share_error: of a VM's
 * @idle: times that an engine had room while work was queued
 * @idle_ns: for how long in all, over engines
 */
struct sim_totals {
	u64 decisions;
	u64 commands;
	u64 promotions;
	u64 switches;
	u64 bound_violations;
	double bound_tightest;
	double share_error[2];
	double vm_share_error[2];
	u64 idle;
	u64 idle_ns;
};

/**
 * struct sim_window - a short window
 * @end_ns: when it ended
 * @tier: parts of all engine time that tiers had
 * @group: parts of their engines' time that groups had
 */
struct sim_window {
	u64 end_ns;
	double tier[VGPU_TIER_COUNT];
	double *group;
};

struct sim {
	struct sim_scenario scenario;
	struct sim_gpu *gpus;
	u64 now;
	u64 rng;
	u64 changed_ns;		/* policy or tiers changed last */
	u64 decisions_wanted;	/* go on until so many, 0 for the scenario's time */
	FILE *record;		/* decision log of GPU 0 */
	struct sim_totals totals;
	struct sim_window *windows;
	u32 num_windows;
	u32 room_windows;
};

/* load.c */
u64 sim_random(u64 *state);
u64 sim_draw(u64 *state, const struct sim_dist *dist);
void sim_histogram_add(struct sim_histogram *histogram, u64 ns);
void sim_histogram_merge(struct sim_histogram *into, const struct sim_histogram *from);
u64 sim_histogram_quantile(const struct sim_histogram *histogram, double q);
int sim_trace_read(struct sim_trace *trace, const char *path);
void sim_trace_free(struct sim_trace *trace);

/* scenario.c */
int sim_scenario_read(struct sim_scenario *scenario, const char *path);
void sim_scenario_free(struct sim_scenario *scenario);

/* simulate.c */
int sim_run(struct sim *sim);
void sim_free(struct sim *sim);

/* window.c */
void sim_window_add(struct sim *sim);
void sim_windows_free(struct sim *sim);

/* report.c */
void sim_report_text(const struct sim *sim, FILE *out, bool all);
void sim_report_json(const struct sim *sim, FILE *out);
int sim_check_expects(const struct sim *sim, FILE *out);

/* replay.c */
int sim_replay(const char *path, FILE *out, bool json, FILE *trace);

#endif /* VGPU_SIM_H */
