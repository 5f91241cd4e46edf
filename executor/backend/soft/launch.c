// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * DOC: Launches
 *
 * Blocks start in order of their index and run to their end on one thread each. A block that has run for long is parked, and another one
 * goes on, so that blocks which wait for each other make progress: as many are resident at once as the multiprocessors that the
 * device claims to have would hold. The thread that launches a grid works on it, and so do those of the environment.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heap.h"
#include "machine.h"
#include "module.h"

#define DEFAULT_STACK	1024
#define MAX_STACK	(512u << 10)
#define DEFAULT_HEAP	(8ull << 20)
#define MAX_THREADS	256
#define MAX_THREADS_PER_SM	2048
/* A frame of ours holds in memory what a GPU keeps in registers. */
#define STACK_SCALE	4

unsigned int ptx_max_resident_blocks(const struct ptx_function *func, uint32_t threads, uint32_t dynamic_shared)
{
	uint64_t shared = (uint64_t)func->info.shared_size + dynamic_shared;
	uint32_t n;

	if (!threads || threads > func->info.max_threads || shared > PTX_MAX_SHARED)
		return 0;
	threads = (threads + LANES - 1) / LANES * LANES;
	n = MAX_THREADS_PER_SM / threads;
	if (n > PTX_BLOCKS_PER_SM)
		n = PTX_BLOCKS_PER_SM;
	if (shared && PTX_MAX_SHARED / shared < n)
		n = (uint32_t)(PTX_MAX_SHARED / shared);
	return n;
}

/* The next block for a thread, or NULL where there is none now. The grid's lock is held. */
static struct block *next_block(struct grid *grid, bool *start, uint64_t *index)
{
	struct block *block = NULL;

	*start = false;
	if (grid->next_block < grid->num_blocks && grid->resident < grid->max_resident) {
		block = grid->free_blocks;
		if (block)
			grid->free_blocks = block->next;
		else
			block = block_create(grid);
		if (block) {
			*start = true;
			*index = grid->next_block++;
			grid->resident++;
			return block;
		}
		if (!grid->resident)
			return NULL;
	}
	block = grid->parked;
	if (block) {
		grid->parked = block->next;
		if (!grid->parked)
			grid->parked_last = &grid->parked;
	}
	return block;
}

static void out_of_memory(struct grid *grid)
{
	grid_stop(grid, PTX_ERROR_LAUNCH_OUT_OF_RESOURCES, "no memory for a block");
}

/* Runs one block for a while. */
static void work_on(struct grid *grid, struct block *block, bool start, uint64_t index)
{
	int result = BLOCK_STOP;

	if (start && !block_start(block, index))
		out_of_memory(grid);
	else
		result = block_run(block);
	pthread_mutex_lock(&grid->lock);
	if (result == BLOCK_YIELD) {
		block->next = NULL;
		*grid->parked_last = block;
		grid->parked_last = &block->next;
	} else {
		grid->resident--;
		grid->done++;
		block->next = grid->free_blocks;
		grid->free_blocks = block;
	}
	pthread_cond_broadcast(&grid->changed);
	pthread_mutex_unlock(&grid->lock);
	if (result == BLOCK_YIELD && grid->queued) {
		pthread_mutex_lock(&grid->env->lock);
		pthread_cond_broadcast(&grid->env->work);
		pthread_mutex_unlock(&grid->env->lock);
	}
}

static bool has_work(const struct grid *grid)
{
	return !atomic_load(&grid->stop) &&
	       ((grid->next_block < grid->num_blocks && grid->resident < grid->max_resident) || grid->parked);
}

/* Works on a grid until there is nothing for this thread, or, where it is the launching one, until the grid has ended. */
static void grid_work(struct grid *grid, bool owner)
{
	struct block *block;
	uint64_t index;
	bool start;

	pthread_mutex_lock(&grid->lock);
	for (;;) {
		if (has_work(grid)) {
			block = next_block(grid, &start, &index);
			pthread_mutex_unlock(&grid->lock);
			if (block)
				work_on(grid, block, start, index);
			else
				out_of_memory(grid);
			pthread_mutex_lock(&grid->lock);
			continue;
		}
		if (!owner || !grid->resident || (atomic_load(&grid->stop) && !grid->workers))
			break;
		pthread_cond_wait(&grid->changed, &grid->lock);
	}
	pthread_mutex_unlock(&grid->lock);
}

static struct grid *wanting(struct ptx_env *env)
{
	struct grid *grid;
	bool work;

	for (grid = env->grids; grid; grid = grid->next) {
		pthread_mutex_lock(&grid->lock);
		work = has_work(grid);
		if (work)
			grid->workers++;
		pthread_mutex_unlock(&grid->lock);
		if (work)
			return grid;
	}
	return NULL;
}

static void *env_thread(void *arg)
{
	struct ptx_env *env = arg;
	struct grid *grid;

	pthread_mutex_lock(&env->lock);
	while (!env->ending) {
		grid = wanting(env);
		if (!grid) {
			pthread_cond_wait(&env->work, &env->lock);
			continue;
		}
		pthread_mutex_unlock(&env->lock);
		grid_work(grid, false);
		pthread_mutex_lock(&env->lock);
		pthread_mutex_lock(&grid->lock);
		grid->workers--;
		pthread_cond_broadcast(&grid->changed);
		pthread_mutex_unlock(&grid->lock);
	}
	pthread_mutex_unlock(&env->lock);
	return NULL;
}

static unsigned int cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

int ptx_env_create(struct ptx_env **out, const struct ptx_env_config *config)
{
	unsigned int threads = config->threads ? config->threads : cpus();
	struct ptx_env *env;

	if (!config->mem || threads > MAX_THREADS)
		return PTX_ERROR_INVALID_VALUE;
	env = calloc(1, sizeof(*env));
	if (!env)
		return PTX_ERROR_OUT_OF_MEMORY;
	env->config = *config;
	env->mem = config->mem;
	env->stack_size = DEFAULT_STACK;
	pthread_mutex_init(&env->lock, NULL);
	pthread_mutex_init(&env->print_lock, NULL);
	pthread_cond_init(&env->work, NULL);
	env->heap = heap_create(&config->va, config->heap_size ? config->heap_size : DEFAULT_HEAP);
	env->threads = calloc(threads, sizeof(*env->threads));
	if (!env->heap || !env->threads) {
		ptx_env_destroy(env);
		return PTX_ERROR_OUT_OF_MEMORY;
	}
	for (; env->num_threads + 1 < threads; env->num_threads++)
		if (pthread_create(&env->threads[env->num_threads], NULL, env_thread, env))
			break;
	*out = env;
	return PTX_SUCCESS;
}

void ptx_env_destroy(struct ptx_env *env)
{
	unsigned int i;

	if (!env)
		return;
	pthread_mutex_lock(&env->lock);
	env->ending = true;
	pthread_cond_broadcast(&env->work);
	pthread_mutex_unlock(&env->lock);
	for (i = 0; i < env->num_threads; i++)
		pthread_join(env->threads[i], NULL);
	free(env->threads);
	heap_destroy(env->heap);
	ptx_env_free_textures(env);
	pthread_cond_destroy(&env->work);
	pthread_mutex_destroy(&env->print_lock);
	pthread_mutex_destroy(&env->lock);
	free(env);
}

int ptx_env_set_heap(struct ptx_env *env, uint64_t size)
{
	return heap_resize(env->heap, size);
}

int ptx_env_start_heap(struct ptx_env *env)
{
	return heap_begin(env->heap);
}

int ptx_env_set_stack(struct ptx_env *env, uint64_t size)
{
	if (!size || size > MAX_STACK)
		return PTX_ERROR_INVALID_VALUE;
	env->stack_size = size;
	return PTX_SUCCESS;
}

static int refuse(struct ptx_fault *fault, const struct ptx_launch *launch, int result, const char *what)
{
	if (fault) {
		memset(fault, 0, sizeof(*fault));
		fault->result = result;
		fault->kernel = launch->func->info.name;
		snprintf(fault->message, sizeof(fault->message), "%s: %s, kernel '%.80s'", ptx_result_name(result), what,
			 fault->kernel);
	}
	return result;
}

static int check(const struct ptx_launch *launch, struct ptx_fault *fault, uint64_t *threads)
{
	const struct ptx_function_info *info = &launch->func->info;
	char what[160];
	unsigned int k;

	*threads = 1;
	for (k = 0; k < 3; k++) {
		if (!launch->grid[k] || !launch->block[k])
			return refuse(fault, launch, PTX_ERROR_INVALID_VALUE, "a dimension of the launch is zero");
		*threads *= launch->block[k];
		if (*threads > PTX_MAX_BLOCK_THREADS)
			break;
	}
	if (*threads > PTX_MAX_BLOCK_THREADS || launch->block[2] > 64)
		return refuse(fault, launch, PTX_ERROR_INVALID_VALUE,
			      "a block has more than 1024 threads or more than 64 in z");
	if (launch->grid[0] > 0x7fffffff || launch->grid[1] > 65535 || launch->grid[2] > 65535)
		return refuse(fault, launch, PTX_ERROR_INVALID_VALUE, "grid larger than 2147483647 x 65535 x 65535");
	if (launch->params_len < info->params_size) {
		snprintf(what, sizeof(what), "%u bytes of parameters given, %u needed", launch->params_len,
			 info->params_size);
		return refuse(fault, launch, PTX_ERROR_INVALID_VALUE, what);
	}
	if (*threads > info->max_threads) {
		snprintf(what, sizeof(what), "%llu threads per block, at most %u allowed",
			 (unsigned long long)*threads, info->max_threads);
		return refuse(fault, launch, PTX_ERROR_LAUNCH_OUT_OF_RESOURCES, what);
	}
	for (k = 0; info->required_block[0] && k < 3; k++)
		if (launch->block[k] != info->required_block[k])
			return refuse(fault, launch, PTX_ERROR_INVALID_VALUE, "block is not the one that .reqntid demands");
	if ((uint64_t)info->shared_size + launch->dynamic_shared > PTX_MAX_SHARED) {
		snprintf(what, sizeof(what), "%llu bytes of shared memory, at most %u allowed",
			 (unsigned long long)info->shared_size + launch->dynamic_shared, PTX_MAX_SHARED);
		return refuse(fault, launch, PTX_ERROR_INVALID_VALUE, what);
	}
	return PTX_SUCCESS;
}

static void grid_free(struct grid *grid)
{
	struct block *block, *next;

	for (block = grid->free_blocks; block; block = next) {
		next = block->next;
		block_free(block);
	}
	for (block = grid->parked; block; block = next) {
		next = block->next;
		block_free(block);
	}
	pthread_cond_destroy(&grid->changed);
	pthread_mutex_destroy(&grid->lock);
	free(grid->params);
	free(grid);
}

static struct grid *grid_create(struct ptx_env *env, const struct ptx_launch *launch, uint32_t threads)
{
	const struct ptx_function *func = launch->func;
	uint64_t local = func->info.local_size, stack = env->stack_size * STACK_SCALE;
	struct grid *grid = calloc(1, sizeof(*grid));

	if (!grid)
		return NULL;
	pthread_mutex_init(&grid->lock, NULL);
	pthread_cond_init(&grid->changed, NULL);
	grid->params_len = launch->params_len;
	grid->params = aligned_alloc(64, ((size_t)launch->params_len + 127) / 64 * 64);
	if (!grid->params) {
		grid_free(grid);
		return NULL;
	}
	if (launch->params_len)
		memcpy(grid->params, launch->params, launch->params_len);
	grid->env = env;
	grid->func = func;
	grid->code = func->code;
	memcpy(grid->dim, launch->grid, sizeof(grid->dim));
	memcpy(grid->block_dim, launch->block, sizeof(grid->block_dim));
	grid->block_threads = threads;
	grid->block_warps = (threads + LANES - 1) / LANES;
	grid->num_blocks = (uint64_t)launch->grid[0] * launch->grid[1] * launch->grid[2];
	/* Dynamic shared memory begins aligned. */
	grid->dynamic_shared = launch->dynamic_shared;
	grid->shared_size = (func->info.shared_size + 127) / 128 * 128 + launch->dynamic_shared;
	if (!launch->dynamic_shared)
		grid->shared_size = func->info.shared_size;
	grid->local_size = (uint32_t)(func->recursive ? local + stack : local);
	grid->cooperative = launch->flags & PTX_LAUNCH_COOPERATIVE;
	grid->workspace[0] = sizeof(grid->workspace);
	grid->id = atomic_fetch_add(&env->launches, 1) + 1;
	grid->external_stop = launch->stop;
	grid->has_budget = launch->budget;
	atomic_init(&grid->budget, launch->budget > INT64_MAX ? INT64_MAX : (int64_t)launch->budget);
	grid->max_resident = (uint64_t)PTX_NUM_SMS * ptx_max_resident_blocks(func, threads, launch->dynamic_shared);
	if (!grid->max_resident)
		grid->max_resident = PTX_NUM_SMS;
	grid->parked_last = &grid->parked;
	return grid;
}

int ptx_launch(struct ptx_env *env, const struct ptx_launch *launch, struct ptx_fault *fault)
{
	struct grid *grid, **at;
	uint64_t threads;
	int result;

	if (fault)
		memset(fault, 0, sizeof(*fault));
	result = check(launch, fault, &threads);
	if (result)
		return result;
	grid = grid_create(env, launch, (uint32_t)threads);
	if (!grid)
		return refuse(fault, launch, PTX_ERROR_OUT_OF_MEMORY, "no memory for the launch");
	if (grid->cooperative && grid->num_blocks > grid->max_resident) {
		grid_free(grid);
		return refuse(fault, launch, PTX_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE,
			      "more blocks than can be resident at once");
	}
	if (grid->num_blocks > 1 && env->num_threads) {
		pthread_mutex_lock(&env->lock);
		grid->next = env->grids;
		env->grids = grid;
		grid->queued = true;
		pthread_cond_broadcast(&env->work);
		pthread_mutex_unlock(&env->lock);
	}
	grid_work(grid, true);
	if (grid->queued) {
		pthread_mutex_lock(&env->lock);
		for (at = &env->grids; *at != grid; at = &(*at)->next)
			;
		*at = grid->next;
		pthread_mutex_unlock(&env->lock);
		pthread_mutex_lock(&grid->lock);
		while (grid->workers)
			pthread_cond_wait(&grid->changed, &grid->lock);
		pthread_mutex_unlock(&grid->lock);
	}
	result = grid->fault.result;
	if (fault)
		*fault = grid->fault;
	grid_free(grid);
	return result;
}
