// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/**
 * DOC: The CUDA backend
 *
 * Executes a session's commands on a real GPU through the CUDA Driver API. Device memory is backed in chunks at addresses
 * reserved at the start (memory.c); what goes to a stream is not waited for (execute.c, completion.c); what CUDA answers at
 * once is done by one thread in the order of arrival (objects.c, modules.c).
 *
 * All that the driver opens, maps or starts lazily is made to happen in cuda_start(), before the process is sealed: a
 * context, the compiler of PTX, a launch.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../log.h"
#include "cuda.h"

/* Kept back beside what a context takes: the driver's own growth. */
#define MEMORY_MARGIN	(256ULL << 20)
#define GRANULE_MIN	(64ULL << 10)

static const char warm_up[] =
	".version 7.0\n.target sm_52\n.address_size 64\n"
	".visible .entry vgpu_warm_up(.param .u64 p)\n{\n\tret;\n}\n";

struct cuda cuda = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
};

/**
 * struct task - a command for the control thread
 * @dispatch: the command
 * @next: in order of arrival
 */
struct task {
	struct vgpu_dispatch dispatch;
	struct task *next;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct task *head;
	struct task **tail;
} tasks = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.work = PTHREAD_COND_INITIALIZER,
	.tail = &tasks.head,
};

/**
 * cuda_enter() - make a context of the session current in this thread
 * @ctx: number, 0 for any
 *
 * Return: CUresult. Context: any thread.
 */
CUresult cuda_enter(uint32_t ctx)
{
	CUcontext context = ctx ? cuda.contexts[ctx] : cuda.base;

	return context ? cu.cuCtxSetCurrent(context) : CUDA_ERROR_INVALID_CONTEXT;
}

/**
 * cuda_is_fatal() - whether a result ends the CUDA process
 * @result: of any call
 *
 * Those of which the driver's documentation says that the process has to be started anew. Return: true if so.
 */
bool cuda_is_fatal(CUresult result)
{
	switch (result) {
	case CUDA_ERROR_ECC_UNCORRECTABLE:
	case CUDA_ERROR_NVLINK_UNCORRECTABLE:
	case CUDA_ERROR_CONTAINED:
	case CUDA_ERROR_TENSOR_MEMORY_LEAK:
	case CUDA_ERROR_ILLEGAL_ADDRESS:
	case CUDA_ERROR_LAUNCH_TIMEOUT:
	case CUDA_ERROR_ASSERT:
	case CUDA_ERROR_HARDWARE_STACK_ERROR:
	case CUDA_ERROR_ILLEGAL_INSTRUCTION:
	case CUDA_ERROR_MISALIGNED_ADDRESS:
	case CUDA_ERROR_INVALID_ADDRESS_SPACE:
	case CUDA_ERROR_INVALID_PC:
	case CUDA_ERROR_LAUNCH_FAILED:
		return true;
	default:
		return false;
	}
}

/**
 * cuda_poison() - every command from now on completes with this result
 * @result: a fatal one
 *
 * Context: any thread.
 */
void cuda_poison(CUresult result)
{
	uint32_t none = 0;

	if (atomic_compare_exchange_strong(&cuda.fault, &none, (uint32_t)result))
		log_error("the CUDA process is lost: %s", cuda_error_name(result));
}

static CUresult control(const struct vgpu_cmd *cmd, uint64_t *value)
{
	CUresult result;

	if (cmd->opcode == VGPU_OP_SESSION_INIT)
		return cuda_session_init(&cmd->init);
	if (cmd->opcode == VGPU_OP_CTX_CREATE)
		return cuda_ctx_create(cmd->ctx, cmd->object.flags);
	result = cuda_enter(cmd->opcode == VGPU_OP_CTX_DESTROY ? 0 : cmd->ctx);
	if (result)
		return result;
	switch (cmd->opcode) {
	case VGPU_OP_CTX_DESTROY:
		return cuda_ctx_destroy(cmd->ctx);
	case VGPU_OP_CTX_LIMIT:
		return cuda_ctx_limit(cmd->ctx, &cmd->limit);
	case VGPU_OP_STREAM_CREATE:
		return cuda_stream_create(cmd->ctx, cmd->stream, cmd->object.priority);
	case VGPU_OP_STREAM_DESTROY:
		return cuda_stream_destroy(cmd->ctx, cmd->stream);
	case VGPU_OP_CHUNK_MAP:
		return cuda_chunk_map(&cmd->chunk);
	case VGPU_OP_CHUNK_UNMAP:
		return cuda_chunk_unmap(&cmd->chunk);
	case VGPU_OP_MODULE_LOAD:
		return cuda_module_load(cmd->ctx, &cmd->module, value);
	case VGPU_OP_MODULE_UNLOAD:
		return cuda_module_unload(cmd->ctx, cmd->module.module);
	case VGPU_OP_FUNC_GET:
		return cuda_func_get(cmd->ctx, &cmd->get);
	case VGPU_OP_GLOBAL_GET:
		return cuda_global_get(cmd->ctx, &cmd->get);
	case VGPU_OP_FUNC_SET:
		return cuda_func_set(cmd->ctx, &cmd->attr);
	case VGPU_OP_PRINTF_READ:
		return cuda_printf_read(&cmd->buffer, value);
	default:
		log_error("opcode %u is none that an executor gets", cmd->opcode);
		return CUDA_ERROR_NOT_SUPPORTED;
	}
}

static void *control_main(void *arg)
{
	struct vgpu_dispatch dispatch;
	struct task *task;
	CUresult result;
	uint64_t value;

	for (;;) {
		pthread_mutex_lock(&tasks.lock);
		while (!tasks.head)
			pthread_cond_wait(&tasks.work, &tasks.lock);
		task = tasks.head;
		tasks.head = task->next;
		if (!tasks.head)
			tasks.tail = &tasks.head;
		pthread_mutex_unlock(&tasks.lock);
		dispatch = task->dispatch;
		free(task);

		value = 0;
		result = (CUresult)atomic_load(&cuda.fault);
		/* What a kernel printed before it faulted can still be read. */
		if (!result || dispatch.cmd.opcode == VGPU_OP_PRINTF_READ)
			result = control(&dispatch.cmd, &value);
		if (cuda_is_fatal(result))
			cuda_poison(result);
		cuda.session->complete(&dispatch, (uint32_t)result, value, 0);
	}
	return NULL;
}

static void cuda_submit(const struct vgpu_dispatch *dispatch)
{
	uint32_t fault = atomic_load(&cuda.fault);
	struct task *task;

	if (dispatch->cmd.stream >= VGPU_MAX_STREAMS || dispatch->cmd.ctx >= VGPU_MAX_CONTEXTS) {
		cuda.session->complete(dispatch, CUDA_ERROR_INVALID_VALUE, 0, 0);
		return;
	}
	if (dispatch->engine != VGPU_ENGINE_CONTROL) {
		if (fault)
			cuda.session->complete(dispatch, fault, 0, 0);
		else
			cuda_run(dispatch);
		return;
	}
	task = malloc(sizeof(*task));
	if (!task) {
		cuda.session->complete(dispatch, CUDA_ERROR_OUT_OF_MEMORY, 0, 0);
		return;
	}
	task->dispatch = *dispatch;
	task->next = NULL;
	pthread_mutex_lock(&tasks.lock);
	*tasks.tail = task;
	tasks.tail = &task->next;
	pthread_cond_signal(&tasks.work);
	pthread_mutex_unlock(&tasks.lock);
}

static CUresult find_device(const struct backend_options *options, CUdevice *device)
{
	if (options->pci[0])
		return cu.cuDeviceGetByPCIBusId(device, options->pci);
	return cu.cuDeviceGet(device, 0);
}

static void set_environment(void)
{
	/* No files of one tenant's kernels for another to find. */
	setenv("CUDA_CACHE_DISABLE", "1", 1);
	setenv("CUDA_MODULE_LOADING", "EAGER", 1);
}

/* Has the driver open, map and start what it else would when a guest's command first needs it. */
static CUresult warm(void)
{
	CUfunction function;
	CUmodule module;
	CUresult result;
	uint64_t p = 0;
	size_t len = sizeof(p);
	void *extra[] = {
		CU_LAUNCH_PARAM_BUFFER_POINTER, &p, CU_LAUNCH_PARAM_BUFFER_SIZE, &len, CU_LAUNCH_PARAM_END,
	};

	result = cu.cuModuleLoadDataEx(&module, warm_up, 0, NULL, NULL);
	if (result)
		return result;
	result = cu.cuModuleGetFunction(&function, module, "vgpu_warm_up");
	if (!result)
		result = cu.cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, extra);
	if (!result)
		result = cu.cuCtxSynchronize();
	cu.cuModuleUnload(module);
	return result;
}

static bool start_threads(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, control_main, NULL))
		return false;
	pthread_detach(thread);
	return cuda_completion_start();
}

static uint32_t cuda_start(const struct backend_options *options, struct backend_session *session)
{
	CUresult result;
	char why[256];

	set_environment();
	if (!cuda_driver_load(why, sizeof(why))) {
		log_error("%s", why);
		return CUDA_ERROR_NO_DEVICE;
	}
	cuda.session = session;
	result = cu.cuInit(0);
	if (!result)
		result = find_device(options, &cuda.device);
	if (!result)
		result = cu.cuDevicePrimaryCtxRetain(&cuda.base, cuda.device);
	if (!result)
		result = cu.cuCtxSetCurrent(cuda.base);
	if (!result)
		result = warm();
	if (!result)
		result = cuda_memory_start();
	if (result) {
		log_error("the CUDA driver does not start: %s", cuda_error_name(result));
		return (uint32_t)result;
	}
	return cuda_printf_start() && start_threads() ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

static void describe_gpu(CUdevice device, struct vgpu_gpu_info *info)
{
	int version = 0, value;
	uint32_t i;

	memset(info, 0, sizeof(*info));
	info->version = VGPU_GPU_INFO_VERSION;
	info->size = sizeof(*info);
	cu.cuDeviceGetName(info->name, sizeof(info->name), device);
	cu.cuDriverGetVersion(&version);
	info->driver_version = (uint32_t)version;
	info->num_attrs = VGPU_NUM_ATTRS;
	for (i = 1; i < VGPU_NUM_ATTRS; i++)
		if (!cu.cuDeviceGetAttribute(&value, (CUdevice_attribute)i, device))
			info->attrs[i] = value;
	info->cc_major = (uint32_t)info->attrs[CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR];
	info->cc_minor = (uint32_t)info->attrs[CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR];
}

/**
 * struct finding - what a process that has used the GPU says of it
 * @result: CUresult of what failed, 0 if nothing did
 * @granule: chunk granularity
 * @total: device memory
 * @free: of it, while one context exists
 * @pci: PCI address, in lower case
 * @info: the GPU
 */
struct finding {
	CUresult result;
	size_t granule;
	size_t total;
	size_t free;
	char pci[16];
	struct vgpu_gpu_info info;
};

static void look_at_gpu(const struct backend_options *options, struct finding *finding)
{
	CUmemAllocationProp prop = {
		.type = CU_MEM_ALLOCATION_TYPE_PINNED,
		.location = { .type = CU_MEM_LOCATION_TYPE_DEVICE },
	};
	CUcontext context;
	CUdevice device;
	char *letter;

	finding->result = cu.cuInit(0);
	if (!finding->result)
		finding->result = find_device(options, &device);
	if (finding->result)
		return;
	describe_gpu(device, &finding->info);
	if (!cu.cuDeviceGetPCIBusId(finding->pci, sizeof(finding->pci), device))
		for (letter = finding->pci; *letter; letter++)
			*letter = (char)tolower(*letter);
	prop.location.id = device;
	finding->result = cu.cuDevicePrimaryCtxRetain(&context, device);
	if (!finding->result)
		finding->result = cu.cuCtxSetCurrent(context);
	if (!finding->result)
		finding->result = cu.cuMemGetInfo_v2(&finding->free, &finding->total);
	if (!finding->result)
		finding->result = cu.cuMemGetAllocationGranularity(&finding->granule, &prop,
								   CU_MEM_ALLOC_GRANULARITY_MINIMUM);
}

/* In a process of its own: the supervisor, which starts others, has no context and holds no device open. */
static bool ask_child(const struct backend_options *options, struct finding *finding)
{
	int pipe_ends[2];
	ssize_t n;
	pid_t pid;

	if (pipe(pipe_ends))
		return false;
	pid = fork();
	if (!pid) {
		memset(finding, 0, sizeof(*finding));
		look_at_gpu(options, finding);
		n = write(pipe_ends[1], finding, sizeof(*finding));
		_exit(n != sizeof(*finding));
	}
	close(pipe_ends[1]);
	n = pid < 0 ? -1 : read(pipe_ends[0], finding, sizeof(*finding));
	close(pipe_ends[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return n == sizeof(*finding);
}

static bool cuda_probe(const struct backend_options *options, struct vgpu_exec_attach *attach, char *why,
		       size_t why_len)
{
	struct finding finding;
	uint64_t memory;

	if (!cuda_driver_load(why, why_len))
		return false;
	if (!ask_child(options, &finding)) {
		snprintf(why, why_len, "the process that was to ask the CUDA driver ended");
		return false;
	}
	if (finding.result) {
		snprintf(why, why_len, "%s%s%s", cuda_error_name(finding.result),
			 options->pci[0] ? " for the GPU at " : "", options->pci);
		return false;
	}
	attach->granule = finding.granule > GRANULE_MIN ? finding.granule : GRANULE_MIN;
	attach->session_overhead = (finding.total - finding.free + attach->granule - 1) / attach->granule *
				   attach->granule;
	memory = options->memory ? options->memory : finding.total > MEMORY_MARGIN ? finding.total - MEMORY_MARGIN : 0;
	if (memory > finding.total) {
		snprintf(why, why_len, "--memory is more than the %zu MiB that the GPU has", finding.total >> 20);
		return false;
	}
	attach->memory = memory - memory % attach->granule;
	if (!attach->memory) {
		snprintf(why, why_len, "--memory is less than %llu MiB", (unsigned long long)attach->granule >> 20);
		return false;
	}
	attach->flags |= VGPU_ATTACH_GLOBALS_ANYWHERE;
	attach->info = finding.info;
	snprintf(attach->pci, sizeof(attach->pci), "%s", finding.pci);
	return true;
}

const struct backend cuda_backend = {
	.name = "cuda",
	.describe = "an NVIDIA GPU, through libcuda.so.1",
	.gpu_device = true,
	.probe = cuda_probe,
	.start = cuda_start,
	.submit = cuda_submit,
	.add_range = cuda_add_range,
};
