// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/**
 * DOC: The soft backend
 *
 * A GPU of the CPU's making: PTX runs in the interpreter (ptx.h), device memory is memory of the worker. One thread
 * for each engine class takes commands in their order, so that copies go on while kernels compute; the interpreter
 * spreads the blocks of a kernel over threads of its own. Commands of one stream are kept in order across the engines
 * by tickets.
 */

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../address.h"
#include "../../log.h"
#include "soft.h"

#define MEMORY_DEFAULT_MAX	(8ULL << 30)
#define CUDA_VERSION		13000
#define ENGINE_STACK		(1u << 20)
#define KHZ_DEFAULT		1000000
/* Bytes of a copy that takes less time than waking a thread. */
#define BRIEF_BYTES		65536

/**
 * struct job - a command with its place in its stream
 * @dispatch: the command
 * @ticket: number of commands submitted to the stream before
 * @next: in its engine
 */
struct job {
	struct vgpu_dispatch dispatch;
	uint64_t ticket;
	struct job *next;
};

/**
 * struct engine - thread and queue of an engine class
 * @head: next job
 * @tail: where the next is linked
 * @wake: there is a job
 */
struct engine {
	struct job *head;
	struct job **tail;
	pthread_cond_t wake;
};

/**
 * struct order - of a stream
 * @submitted: commands so far
 * @done: of them
 */
struct order {
	uint64_t submitted;
	uint64_t done;
};

struct soft soft;

static struct {
	pthread_mutex_t lock;
	pthread_cond_t advanced;
	struct engine engines[VGPU_ENGINE_COUNT];
	struct order streams[VGPU_MAX_STREAMS];
	uint32_t pending;
	struct job *spare;
} queues = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.advanced = PTHREAD_COND_INITIALIZER,
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Takes something away that other engines may use: waits for what they execute. */
static uint32_t take_away(const struct vgpu_cmd *cmd)
{
	uint32_t result;

	pthread_rwlock_wrlock(&soft.use);
	switch (cmd->opcode) {
	case VGPU_OP_CHUNK_UNMAP:
		result = (uint32_t)soft_mem_unmap(soft.mem, cmd->chunk.addr, cmd->chunk.len);
		break;
	case VGPU_OP_MODULE_UNLOAD:
		result = soft_module_unload(cmd->module.module);
		break;
	case VGPU_OP_TEXTURE_DESTROY:
		result = soft_texture_destroy(cmd->texture.texture);
		break;
	default:
		result = soft_ctx_destroy(cmd->ctx);
	}
	pthread_rwlock_unlock(&soft.use);
	return result;
}

static uint32_t map_chunk(const struct vgpu_op_chunk *chunk)
{
	const struct backend_session *session = soft.session;
	uint64_t offset = chunk->addr - session->device_base;

	if (chunk->addr < session->device_base || chunk->len > session->chunk_size ||
	    offset > session->chunk_size - chunk->len)
		return PTX_ERROR_INVALID_VALUE;
	if (chunk->flags & VGPU_CHUNK_ALIAS)
		return (uint32_t)soft_mem_alias(soft.mem, chunk->addr, chunk->len, chunk->source);
	if (chunk->flags & VGPU_CHUNK_SHARED)
		return (uint32_t)soft_mem_map_shared(soft.mem, chunk->addr, chunk->len);
	return (uint32_t)soft_mem_map(soft.mem, chunk->addr, chunk->len);
}

/* Where memory was refused because the reserve is too small, the guest is told what it lacks. */
static uint32_t tell_lacking(uint32_t result, uint64_t *value)
{
	uint64_t lacking = soft_heap_lacking(soft.heap);

	if (result == PTX_ERROR_OUT_OF_MEMORY)
		*value |= lacking << VGPU_LACKING_SHIFT;
	return result;
}

static uint32_t use(const struct vgpu_cmd *cmd, uint64_t *value)
{
	switch (cmd->opcode) {
	case VGPU_OP_SESSION_INIT:
		return soft_session_init(&cmd->init);
	case VGPU_OP_CTX_CREATE:
		return soft_ctx_create(cmd->ctx);
	case VGPU_OP_CTX_LIMIT:
		return tell_lacking(soft_ctx_limit(&cmd->limit), value);
	case VGPU_OP_RESERVE:
		return tell_lacking(soft_heap_reserve(soft.heap, cmd->reserve.bytes) ? PTX_SUCCESS :
				    PTX_ERROR_OUT_OF_MEMORY, value);
	case VGPU_OP_STREAM_CREATE:
	case VGPU_OP_STREAM_DESTROY:
		/* Order and engines are all that a stream is here. */
		return PTX_SUCCESS;
	case VGPU_OP_CHUNK_MAP:
		return map_chunk(&cmd->chunk);
	case VGPU_OP_COPY_IN:
	case VGPU_OP_COPY_OUT:
	case VGPU_OP_COPY_DEVICE:
		return soft_copy(cmd);
	case VGPU_OP_MEMSET:
		return soft_memset(&cmd->memset);
	case VGPU_OP_MODULE_LOAD:
		return tell_lacking(soft_module_load(cmd->ctx, &cmd->module, value), value);
	case VGPU_OP_FUNC_GET:
		return soft_func_get(&cmd->get);
	case VGPU_OP_GLOBAL_GET:
		return soft_global_get(&cmd->get);
	case VGPU_OP_TEXTURE_CREATE:
		return soft_texture_create(&cmd->texture, value);
	case VGPU_OP_FUNC_SET:
		return soft_func_set(&cmd->attr);
	case VGPU_OP_LAUNCH:
		return soft_launch(cmd);
	case VGPU_OP_PRINTF_READ:
		return soft_print_read(&cmd->buffer, value);
	default:
		log_error("opcode %u is none that an executor gets", cmd->opcode);
		return SOFT_ERROR_NOT_SUPPORTED;
	}
}

static uint32_t execute(const struct vgpu_cmd *cmd, uint64_t *value)
{
	uint32_t result = atomic_load(&soft.fault);

	/* What the kernel printed before it faulted can still be read. */
	if (result && cmd->opcode != VGPU_OP_PRINTF_READ)
		return result;
	switch (cmd->opcode) {
	case VGPU_OP_CHUNK_UNMAP:
	case VGPU_OP_MODULE_UNLOAD:
	case VGPU_OP_TEXTURE_DESTROY:
	case VGPU_OP_CTX_DESTROY:
		return take_away(cmd);
	}
	pthread_rwlock_rdlock(&soft.use);
	result = use(cmd, value);
	pthread_rwlock_unlock(&soft.use);
	return result;
}

static void execute_and_complete(const struct vgpu_dispatch *dispatch)
{
	uint64_t start = now_ns();
	uint64_t value = 0;
	uint32_t status;

	status = execute(&dispatch->cmd, &value);
	soft.session->complete(dispatch, status, value, now_ns() - start);
}

static struct job *next_job(struct engine *engine)
{
	struct job *job;

	while (!engine->head)
		pthread_cond_wait(&engine->wake, &queues.lock);
	job = engine->head;
	/* Jobs of this stream on other engines came before: their engines do not wait for this one. */
	while (queues.streams[job->dispatch.cmd.stream].done != job->ticket)
		pthread_cond_wait(&queues.advanced, &queues.lock);
	engine->head = job->next;
	if (!engine->head)
		engine->tail = &engine->head;
	return job;
}

static void *engine_main(void *arg)
{
	struct engine *engine = arg;
	struct vgpu_dispatch dispatch;
	struct job *job;

	pthread_mutex_lock(&queues.lock);
	for (;;) {
		job = next_job(engine);
		dispatch = job->dispatch;
		job->next = queues.spare;
		queues.spare = job;
		pthread_mutex_unlock(&queues.lock);

		execute_and_complete(&dispatch);

		pthread_mutex_lock(&queues.lock);
		queues.pending--;
		queues.streams[dispatch.cmd.stream].done++;
		pthread_cond_broadcast(&queues.advanced);
	}
	return NULL;
}

/* Whether a command surely ends soon. */
static bool is_brief(const struct vgpu_cmd *cmd)
{
	switch (cmd->opcode) {
	case VGPU_OP_COPY_IN:
	case VGPU_OP_COPY_OUT:
	case VGPU_OP_COPY_DEVICE:
		return cmd->copy.width <= BRIEF_BYTES && cmd->copy.height == 1;
	case VGPU_OP_MEMSET:
		return cmd->memset.width <= BRIEF_BYTES / sizeof(uint32_t) && cmd->memset.height == 1;
	case VGPU_OP_MODULE_LOAD:
	case VGPU_OP_MODULE_UNLOAD:
	case VGPU_OP_CTX_DESTROY:
	case VGPU_OP_LAUNCH:
		return false;
	default:
		return true;
	}
}

static void soft_submit(const struct vgpu_dispatch *dispatch)
{
	uint32_t number = dispatch->engine < VGPU_ENGINE_COUNT ? dispatch->engine : VGPU_ENGINE_CONTROL;
	struct engine *engine = &queues.engines[number];
	struct job *job;

	if (dispatch->cmd.stream >= VGPU_MAX_STREAMS || dispatch->cmd.ctx >= VGPU_MAX_CONTEXTS) {
		soft.session->complete(dispatch, PTX_ERROR_INVALID_VALUE, 0, 0);
		return;
	}
	pthread_mutex_lock(&queues.lock);
	if (!queues.pending && is_brief(&dispatch->cmd)) {
		pthread_mutex_unlock(&queues.lock);
		execute_and_complete(dispatch);
		return;
	}
	job = queues.spare;
	if (job) {
		queues.spare = job->next;
	} else {
		job = malloc(sizeof(*job));
		if (!job) {
			pthread_mutex_unlock(&queues.lock);
			soft.session->complete(dispatch, PTX_ERROR_OUT_OF_MEMORY, 0, 0);
			return;
		}
	}
	job->dispatch = *dispatch;
	job->next = NULL;
	job->ticket = queues.streams[dispatch->cmd.stream].submitted++;
	queues.pending++;
	*engine->tail = job;
	engine->tail = &job->next;
	pthread_cond_signal(&engine->wake);
	pthread_mutex_unlock(&queues.lock);
}

static void soft_add_range(uint64_t offset, uint64_t len)
{
	/* Pinned memory has the same address on both sides: kernels reach it there. */
	if (soft_mem_add_host(soft.mem, soft.session->aperture_base + offset, len))
		log_warning("kernels will not reach %llu bytes of pinned memory at offset %llu",
			    (unsigned long long)len, (unsigned long long)offset);
}

static bool start_engines(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int i, ret = 0;

	/* To shrink a thread's heap the C library reads /proc, which ends a sealed process. */
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, ENGINE_STACK);
	for (i = 0; i < VGPU_ENGINE_COUNT && !ret; i++) {
		queues.engines[i].tail = &queues.engines[i].head;
		pthread_cond_init(&queues.engines[i].wake, NULL);
		ret = pthread_create(&thread, &attr, engine_main, &queues.engines[i]);
	}
	pthread_attr_destroy(&attr);
	return !ret;
}

static void init_locks(void)
{
	pthread_rwlockattr_t attr;

	/* Who takes away does not wait for ever behind a stream of launches. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&soft.use, &attr);
	pthread_rwlockattr_destroy(&attr);
	pthread_mutex_init(&soft.tables, NULL);
	pthread_mutex_init(&soft.print_lock, NULL);
}

static uint32_t start_interpreter(const struct backend_options *options, struct backend_session *session)
{
	struct ptx_env_config config = {
		.va = { .alloc = soft_heap_alloc, .free = soft_heap_free },
		.threads = options->threads,
		.print = soft_print,
	};
	int result;

	result = soft_mem_create(&soft.mem, (void *)(uintptr_t)session->device_base, session->device_size);
	if (result)
		return (uint32_t)result;
	soft.heap = soft_heap_create(soft.mem, session->device_base + session->chunk_size,
				     session->device_size - session->chunk_size);
	if (!soft.heap)
		return PTX_ERROR_OUT_OF_MEMORY;
	config.mem = soft.mem;
	config.va.ctx = soft.heap;
	return (uint32_t)ptx_env_create(&soft.env, &config);
}

static uint32_t soft_start(const struct backend_options *options, struct backend_session *session)
{
	uint32_t result;
	void *base;

	if (session->granule % SOFT_MEM_GRANULE || session->device_size % SOFT_MEM_GRANULE ||
	    session->chunk_size % SOFT_MEM_GRANULE || session->chunk_size >= session->device_size) {
		log_error("device range of %llu bytes in granules of %llu does not fit granules of %llu",
			  (unsigned long long)session->device_size, (unsigned long long)session->granule,
			  (unsigned long long)SOFT_MEM_GRANULE);
		return PTX_ERROR_INVALID_VALUE;
	}
	base = address_reserve(session->device_size, session->granule);
	if (!base) {
		log_error("no room for a device range of %llu bytes in the address space: %s",
			  (unsigned long long)session->device_size, strerror(errno));
		return PTX_ERROR_OUT_OF_MEMORY;
	}
	session->device_base = (uintptr_t)base;
	soft.session = session;
	init_locks();
	result = soft_print_resize(SOFT_PRINTF_DEFAULT);
	if (!result)
		result = start_interpreter(options, session);
	if (!result && !start_engines())
		result = PTX_ERROR_OUT_OF_MEMORY;
	return result;
}

static uint64_t default_memory(void)
{
	uint64_t half = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;

	return half < MEMORY_DEFAULT_MAX ? half : MEMORY_DEFAULT_MAX;
}

/* CPUs that this process may run on. */
static uint32_t num_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (uint32_t)CPU_COUNT(&set);
}

static int cpu_khz(void)
{
	unsigned int khz = 0;
	FILE *file = fopen("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "re");

	if (file) {
		if (fscanf(file, "%u", &khz) != 1)
			khz = 0;
		fclose(file);
	}
	return khz ? (int)khz : KHZ_DEFAULT;
}

/**
 * struct attribute - a device attribute that does not depend on the machine
 * @number: CUdevice_attribute
 * @value: what a program reads
 */
struct attribute {
	uint8_t number;
	int32_t value;
};

/* What is not listed is 0: not supported, or nothing of it. */
static const struct attribute attributes[] = {
	{ 1, PTX_MAX_BLOCK_THREADS },		/* MAX_THREADS_PER_BLOCK */
	{ 2, VGPU_MAX_BLOCK_XY },		/* MAX_BLOCK_DIM_X */
	{ 3, VGPU_MAX_BLOCK_XY },		/* MAX_BLOCK_DIM_Y */
	{ 4, VGPU_MAX_BLOCK_Z },		/* MAX_BLOCK_DIM_Z */
	{ 5, (int32_t)VGPU_MAX_GRID_X },	/* MAX_GRID_DIM_X */
	{ 6, VGPU_MAX_GRID_YZ },		/* MAX_GRID_DIM_Y */
	{ 7, VGPU_MAX_GRID_YZ },		/* MAX_GRID_DIM_Z */
	{ 8, SOFT_SHARED_DEFAULT },		/* MAX_SHARED_MEMORY_PER_BLOCK */
	{ 9, 65536 },				/* TOTAL_CONSTANT_MEMORY */
	{ 10, PTX_WARP_SIZE },			/* WARP_SIZE */
	{ 11, INT32_MAX },			/* MAX_PITCH */
	{ 12, 65536 },				/* MAX_REGISTERS_PER_BLOCK */
	{ 14, 512 },				/* TEXTURE_ALIGNMENT */
	{ 15, 1 },				/* GPU_OVERLAP */
	{ 16, PTX_NUM_SMS },			/* MULTIPROCESSOR_COUNT */
	{ 19, 1 },				/* CAN_MAP_HOST_MEMORY */
	{ 21, VGPU_MAX_TEXTURE },		/* MAXIMUM_TEXTURE1D_WIDTH */
	{ 22, VGPU_MAX_TEXTURE },		/* MAXIMUM_TEXTURE2D_WIDTH */
	{ 23, VGPU_MAX_TEXTURE },		/* MAXIMUM_TEXTURE2D_HEIGHT */
	{ 24, VGPU_MAX_TEXTURE_DEPTH },		/* MAXIMUM_TEXTURE3D_WIDTH */
	{ 25, VGPU_MAX_TEXTURE_DEPTH },		/* MAXIMUM_TEXTURE3D_HEIGHT */
	{ 26, VGPU_MAX_TEXTURE_DEPTH },		/* MAXIMUM_TEXTURE3D_DEPTH */
	{ 27, VGPU_MAX_TEXTURE },		/* MAXIMUM_TEXTURE2D_LAYERED_WIDTH */
	{ 28, VGPU_MAX_TEXTURE },		/* MAXIMUM_TEXTURE2D_LAYERED_HEIGHT */
	{ 29, VGPU_MAX_TEXTURE_DEPTH },		/* MAXIMUM_TEXTURE2D_LAYERED_LAYERS */
	{ 30, 512 },				/* SURFACE_ALIGNMENT */
	{ 31, 1 },				/* CONCURRENT_KERNELS */
	{ 37, 64 },				/* GLOBAL_MEMORY_BUS_WIDTH */
	{ 38, 4 << 20 },			/* L2_CACHE_SIZE */
	{ 39, 2048 },				/* MAX_THREADS_PER_MULTIPROCESSOR */
	{ 40, 2 },				/* ASYNC_ENGINE_COUNT */
	{ 41, 1 },				/* UNIFIED_ADDRESSING */
	{ 42, VGPU_MAX_TEXTURE },		/* MAXIMUM_TEXTURE1D_LAYERED_WIDTH */
	{ 43, VGPU_MAX_TEXTURE_DEPTH },		/* MAXIMUM_TEXTURE1D_LAYERED_LAYERS */
	{ 51, 32 },				/* TEXTURE_PITCH_ALIGNMENT */
	{ 69, VGPU_MAX_TEXELS },		/* MAXIMUM_TEXTURE1D_LINEAR_WIDTH */
	{ 70, VGPU_MAX_TEXTURE },		/* MAXIMUM_TEXTURE2D_LINEAR_WIDTH */
	{ 71, VGPU_MAX_TEXTURE },		/* MAXIMUM_TEXTURE2D_LINEAR_HEIGHT */
	{ 72, INT32_MAX },			/* MAXIMUM_TEXTURE2D_LINEAR_PITCH */
	{ 75, PTX_CC_MAJOR },			/* COMPUTE_CAPABILITY_MAJOR */
	{ 76, PTX_CC_MINOR },			/* COMPUTE_CAPABILITY_MINOR */
	{ 78, 1 },				/* STREAM_PRIORITIES_SUPPORTED */
	{ 79, 1 },				/* GLOBAL_L1_CACHE_SUPPORTED */
	{ 80, 1 },				/* LOCAL_L1_CACHE_SUPPORTED */
	{ 81, PTX_MAX_SHARED + 1024 },		/* MAX_SHARED_MEMORY_PER_MULTIPROCESSOR */
	{ 82, 65536 },				/* MAX_REGISTERS_PER_MULTIPROCESSOR */
	{ 87, 2 },				/* SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO */
	{ 90, 1 },				/* COMPUTE_PREEMPTION_SUPPORTED */
	{ 91, 1 },				/* CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM */
	{ 95, 1 },				/* COOPERATIVE_LAUNCH */
	{ 97, PTX_MAX_SHARED },			/* MAX_SHARED_MEMORY_PER_BLOCK_OPTIN */
	{ 106, PTX_BLOCKS_PER_SM },		/* MAX_BLOCKS_PER_MULTIPROCESSOR */
	{ 111, 1024 },				/* RESERVED_SHARED_MEMORY_PER_BLOCK */
};

static void describe_gpu(struct vgpu_gpu_info *info)
{
	size_t i;

	memset(info, 0, sizeof(*info));
	info->version = VGPU_GPU_INFO_VERSION;
	info->size = sizeof(*info);
	snprintf(info->name, sizeof(info->name), "vgpu soft GPU");
	info->cc_major = PTX_CC_MAJOR;
	info->cc_minor = PTX_CC_MINOR;
	info->driver_version = CUDA_VERSION;
	info->num_attrs = VGPU_NUM_ATTRS;
	for (i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		info->attrs[attributes[i].number] = attributes[i].value;
	info->attrs[13] = cpu_khz();		/* CLOCK_RATE */
	info->attrs[36] = cpu_khz();		/* MEMORY_CLOCK_RATE */
}

static bool soft_probe(const struct backend_options *options, struct vgpu_exec_attach *attach, char *why,
		       size_t why_len)
{
	uint64_t memory = options->memory ? options->memory : default_memory();

	memory -= memory % SOFT_MEM_GRANULE;
	if (!memory) {
		snprintf(why, why_len, "--memory is less than %llu MiB", SOFT_MEM_GRANULE >> 20);
		return false;
	}
	/* A PCI device that stands in for a GPU: what manages virtual GPUs looks for them there. */
	snprintf(attach->pci, sizeof(attach->pci), "%s", options->pci);
	attach->memory = memory;
	attach->granule = SOFT_MEM_GRANULE;
	attach->session_overhead = 0;
	describe_gpu(&attach->info);
	log_debug("soft GPU of %u CPUs", options->threads ? options->threads : num_cpus());
	return true;
}

const struct backend soft_backend = {
	.name = "soft",
	.describe = "a PTX interpreter on the CPU",
	.probe = soft_probe,
	.start = soft_start,
	.submit = soft_submit,
	.add_range = soft_add_range,
};
