// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * What each group, tier and VM had in each of the short windows: parts of the engine time that all had there.
 */

#include "sim.h"

static double used_in_window(const struct sim_vm *vm)
{
	return vm->used_ns - vm->mark_used[0];
}

static struct sim_window *next_window(struct sim *sim)
{
	struct sim_window *windows = sim->windows;

	if (sim->num_windows == sim->room_windows) {
		sim->room_windows = sim->room_windows ? sim->room_windows * 2 : 64;
		windows = realloc(windows, sim->room_windows * sizeof(*windows));
		if (!windows)
			abort();
		sim->windows = windows;
	}
	return &windows[sim->num_windows++];
}

/**
 * sim_window_add() - a short window ends
 * @sim: that runs, its engines' execution accounted up to now, marks still those of the window's beginning
 *
 * Runs for a number of decisions keep no windows: there is no end to them.
 *
 * Context: any.
 */
void sim_window_add(struct sim *sim)
{
	double engine[VGPU_ENGINE_COUNT] = { 0 }, total = 0;
	struct sim_scenario *scenario = &sim->scenario;
	struct sim_window *window;
	u32 i, j;

	if (sim->decisions_wanted)
		return;
	window = next_window(sim);
	memset(window, 0, sizeof(*window));
	window->end_ns = sim->now;
	window->group = calloc(scenario->num_groups, sizeof(*window->group));
	if (!window->group)
		abort();
	for (i = 0; i < scenario->num_groups; i++)
		for (j = 0; j < scenario->groups[i].count; j++)
			engine[scenario->groups[i].engine] += used_in_window(&scenario->groups[i].vms[j]);
	for (i = 0; i < VGPU_ENGINE_COUNT; i++)
		total += engine[i];
	for (i = 0; i < scenario->num_groups; i++) {
		struct sim_group *group = &scenario->groups[i];
		double of = engine[group->engine];

		for (j = 0; j < group->count && of > 0; j++) {
			struct sim_vm *vm = &group->vms[j];
			double share = used_in_window(vm) / of;

			window->group[i] += share;
			window->tier[vm->sched.tier] += used_in_window(vm) / total;
			vm->most_share = max(vm->most_share, share);
			vm->least_share = vm->windows++ ? min(vm->least_share, share) : share;
		}
	}
}

/**
 * sim_windows_free() - give back what windows took
 * @sim: that ran
 *
 * Context: any.
 */
void sim_windows_free(struct sim *sim)
{
	u32 i;

	for (i = 0; i < sim->num_windows; i++)
		free(sim->windows[i].group);
	free(sim->windows);
}
