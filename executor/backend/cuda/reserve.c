// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Device memory that the driver takes beside chunks: further contexts, stacks and local memory, the heap of kernels, what
 * they print, modules. The kernel charges the session for a reserve, VGPU_OP_RESERVE; here it is seen to that nothing is
 * taken that the reserve has no room for. Where it is too small, the guest's library is told what it lacks, makes it larger
 * and tries again.
 *
 * The driver does not say what it takes, and what a GPU has free changes with what others do: what is counted follows from
 * what is asked for. Each part is rounded up to granules, as the driver takes memory. The control thread's, all of it.
 */

#include "../../log.h"
#include "cuda.h"

/* More than any GPU has; sums of it do not overflow. */
#define BESIDE_MAX		(1ULL << 48)
#define LACKING_MAX		((1ULL << (64 - VGPU_LACKING_SHIFT)) - 1)
/* For one launch by a kernel that waits: its parameters, at most 4 KiB, what describes it, and as much again. */
#define LAUNCH_BYTES		(16ULL << 10)
/* For one more level of kernels that wait for others: the most that CUDA's programming guide tells, and some. */
#define DEPTH_BYTES		(160ULL << 20)

/**
 * struct limit_cost - what a CUlimit sets aside
 * @kind: as what it is counted
 * @bytes: for each of its units
 * @each_thread: for every thread that the GPU holds at once
 * @at_start: the driver has set aside what it has at the start, and the context is counted for that
 */
struct limit_cost {
	enum cuda_beside kind;
	uint64_t bytes;
	bool each_thread;
	bool at_start;
};

static const struct limit_cost costs[] = {
	[CU_LIMIT_STACK_SIZE] = { BESIDE_STACK, 1, true, true },
	[CU_LIMIT_PRINTF_FIFO_SIZE] = { BESIDE_FIFO, 1, false, false },
	[CU_LIMIT_MALLOC_HEAP_SIZE] = { BESIDE_HEAP, 1, false, false },
	[CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH] = { BESIDE_DEPTH, DEPTH_BYTES, false, true },
	[CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT] = { BESIDE_LAUNCHES, LAUNCH_BYTES, false, true },
};

#define NUM_COSTS	(sizeof(costs) / sizeof(costs[0]))

/* Limits as a context has them at the start; threads that the GPU holds at once; what the reserve lacked last. */
static uint64_t at_start[NUM_COSTS];
static uint64_t threads;
static uint64_t lacking;

static uint64_t times(uint64_t a, uint64_t b)
{
	return b && a > BESIDE_MAX / b ? BESIDE_MAX : a * b;
}

static uint64_t granules(uint64_t bytes)
{
	uint64_t granule = cuda.session->granule;

	return bytes / granule + (bytes % granule > 0);
}

static uint64_t granules_of(const uint64_t beside[BESIDE_KINDS])
{
	uint64_t sum = 0;
	uint32_t kind;

	for (kind = 0; kind < BESIDE_KINDS; kind++)
		if (kind != BESIDE_STACK && kind != BESIDE_LOCAL)
			sum += granules(beside[kind]);
	return sum + granules(beside[BESIDE_STACK] > beside[BESIDE_LOCAL] ? beside[BESIDE_STACK] : beside[BESIDE_LOCAL]);
}

static uint64_t granules_taken(void)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < VGPU_MAX_CONTEXTS; i++)
		sum += granules_of(cuda.contexts[i].beside);
	return sum;
}

static bool fits(uint64_t reserved)
{
	uint64_t taken = granules_taken(), room = reserved / cuda.session->granule;

	if (taken <= room)
		return true;
	lacking = taken - room < LACKING_MAX ? taken - room : LACKING_MAX;
	return false;
}

/**
 * cuda_beside_start() - find what contexts have at the start
 *
 * Context: the base context is current, and has what it was made with.
 */
void cuda_beside_start(void)
{
	int processors = 0, each = 0;
	size_t value;
	uint32_t i;

	cu.cuDeviceGetAttribute(&processors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, cuda.device);
	cu.cuDeviceGetAttribute(&each, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, cuda.device);
	if (processors > 0 && each > 0)
		threads = (uint64_t)processors * (uint64_t)each;
	for (i = 0; i < NUM_COSTS; i++)
		if (!cu.cuCtxGetLimit(&value, (CUlimit)i))
			at_start[i] = value;
}

/**
 * cuda_reserve() - VGPU_OP_RESERVE: set what the session may take beside chunks
 * @bytes: in all
 *
 * Return: true; false where more is taken, which cuda_lacking() tells. Context: the control thread.
 */
bool cuda_reserve(uint64_t bytes)
{
	if (!fits(bytes))
		return false;
	cuda.reserved = bytes;
	return true;
}

/**
 * cuda_lacking() - why memory was refused
 *
 * Return: granules that the reserve lacked, 0 where it was not for its sake; 0 when asked again. Context: the control
 * thread.
 */
uint64_t cuda_lacking(void)
{
	uint64_t last = lacking;

	lacking = 0;
	return last;
}

/**
 * cuda_is_lacking() - whether the command under way was refused for the reserve's sake
 *
 * The guest tries it again. Return: true if so. Context: the control thread.
 */
bool cuda_is_lacking(void)
{
	return lacking;
}

/**
 * cuda_take() - count what a context takes, before it does
 * @ctx: number
 * @kind: as what
 * @bytes: of this kind, all that it has; less than before always fits
 *
 * Return: true; false, with nothing changed, where the reserve has no room. Context: the control thread.
 */
bool cuda_take(uint32_t ctx, enum cuda_beside kind, uint64_t bytes)
{
	uint64_t *part = &cuda.contexts[ctx].beside[kind], before = *part;

	*part = bytes < BESIDE_MAX ? bytes : BESIDE_MAX;
	if (bytes <= before || fits(cuda.reserved))
		return true;
	*part = before;
	return false;
}

static uint64_t cost_of(const struct limit_cost *cost, uint64_t value, uint64_t start)
{
	if (cost->at_start)
		value = value > start ? value - start : 0;
	value = times(value, cost->bytes);
	return cost->each_thread ? times(value, threads) : value;
}

/**
 * cuda_take_limit() - set a limit, and count what it sets aside
 * @ctx: number of the context, which is current
 * @limit: which, and to what
 *
 * Return: CUresult; CUDA_ERROR_OUT_OF_MEMORY where the reserve has no room. Context: the control thread.
 */
CUresult cuda_take_limit(uint32_t ctx, const struct vgpu_op_limit *limit)
{
	uint64_t *beside = cuda.contexts[ctx].beside, before;
	const struct limit_cost *cost;
	CUresult result;

	if (limit->limit >= NUM_COSTS)
		return cu.cuCtxSetLimit((CUlimit)limit->limit, limit->value);
	cost = &costs[limit->limit];
	before = beside[cost->kind];
	if (!cuda_take(ctx, cost->kind, cost_of(cost, limit->value, at_start[limit->limit])))
		return CUDA_ERROR_OUT_OF_MEMORY;
	result = cu.cuCtxSetLimit((CUlimit)limit->limit, limit->value);
	if (result)
		beside[cost->kind] = before;
	return result;
}

/**
 * cuda_take_local() - count the local memory of a kernel, which the driver has for every thread that the GPU holds at once
 * @ctx: number of its context
 * @bytes: for a thread
 *
 * There is one pool, for the kernel that wants most. Return: as cuda_take(). Context: the control thread.
 */
bool cuda_take_local(uint32_t ctx, uint64_t bytes)
{
	uint64_t all = cost_of(&costs[CU_LIMIT_STACK_SIZE], bytes, at_start[CU_LIMIT_STACK_SIZE]);

	return all <= cuda.contexts[ctx].beside[BESIDE_LOCAL] || cuda_take(ctx, BESIDE_LOCAL, all);
}

/**
 * cuda_take_used() - count the heap of kernels as it is at the start, when the first module comes that uses it
 * @ctx: number of its context
 * @mallocs: whether a module does
 *
 * Return: as cuda_take(). Context: the control thread.
 */
bool cuda_take_used(uint32_t ctx, bool mallocs)
{
	return !mallocs || cuda.contexts[ctx].beside[BESIDE_HEAP] ||
	       cuda_take(ctx, BESIDE_HEAP, at_start[CU_LIMIT_MALLOC_HEAP_SIZE]);
}

/**
 * cuda_module_share() - what a module is counted for
 * @bytes: device memory that it takes
 *
 * Modules lie together in granules. Those so large that two have no room in one have their own.
 *
 * Return: bytes. Context: any.
 */
uint64_t cuda_module_share(uint64_t bytes)
{
	return bytes > cuda.session->granule / 2 ? times(granules(bytes), cuda.session->granule) : bytes;
}

/**
 * cuda_reset_limits() - set the limits of the base context back, when the session's context that had it ends
 * @ctx: its number; it is current
 *
 * Where the driver does not set a limit back, as the heap once a module uses it, what it has set aside stays counted: for
 * number 0, until the base context has one again. Context: the control thread.
 */
void cuda_reset_limits(uint32_t ctx)
{
	uint64_t *from = cuda.contexts[ctx].beside, *to = cuda.contexts[0].beside;
	enum cuda_beside kind;
	uint32_t i;

	for (i = 0; i < NUM_COSTS; i++) {
		kind = costs[i].kind;
		if (cu.cuCtxSetLimit((CUlimit)i, at_start[i]))
			to[kind] = from[kind] > to[kind] ? from[kind] : to[kind];
	}
	if (from[BESIDE_LOCAL] > to[BESIDE_LOCAL])
		to[BESIDE_LOCAL] = from[BESIDE_LOCAL];
}
