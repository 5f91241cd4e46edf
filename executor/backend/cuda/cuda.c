// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/**
 * DOC: The CUDA backend
 *
 * Executes a session's commands on a real GPU through the CUDA Driver API. Device memory is backed in chunks at addresses
 * reserved at the start (memory.c); what goes to a stream is not waited for (execute.c, completion.c); what CUDA answers at
 * once is done by one thread in the order of arrival (context.c, stream.c, objects.c, modules.c).
 *
 * All that the driver opens, maps or starts lazily is made to happen in cuda_start(), before the process is sealed: a
 * context, the compiler of PTX, the linker, a launch.
 */

#include <ctype.h>
#include <fcntl.h>
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
#define OVERHEAD_TRIES	2

static const char warm_up[] =
	".version 7.0\n.target sm_52\n.address_size 64\n"
	".visible .entry vgpu_warm_up(.param .u64 p)\n{\n\tret;\n}\n";

struct cuda cuda = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.idle = PTHREAD_COND_INITIALIZER,
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
 * @ctx: number, 0 for the base context
 *
 * Return: CUresult. Context: the control thread; any for the base context. Others use cuda_ctx_use().
 */
CUresult cuda_enter(uint32_t ctx)
{
	CUcontext context = ctx ? cuda.contexts[ctx].context : cuda.base;

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
	case VGPU_OP_RESERVE:
		return cuda_reserve(cmd->reserve.bytes) ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
	case VGPU_OP_STREAM_CREATE:
		return cuda_stream_create(cmd->ctx, cmd->stream, cmd->object.priority);
	case VGPU_OP_STREAM_DESTROY:
		return cuda_stream_destroy(cmd->stream);
	case VGPU_OP_CHUNK_MAP:
		return cuda_chunk_map(&cmd->chunk);
	case VGPU_OP_CHUNK_UNMAP:
		return cuda_chunk_unmap(&cmd->chunk);
	case VGPU_OP_MODULE_LOAD:
		return cuda_module_load(cmd->ctx, &cmd->module, value);
	case VGPU_OP_MODULE_UNLOAD:
		return cuda_module_unload(cmd->module.module);
	case VGPU_OP_FUNC_GET:
		return cuda_func_get(&cmd->get);
	case VGPU_OP_GLOBAL_GET:
		return cuda_global_get(&cmd->get);
	case VGPU_OP_FUNC_SET:
		return cuda_func_set(&cmd->attr);
	case VGPU_OP_TEXTURE_CREATE:
		return cuda_texture_create(cmd->ctx, &cmd->texture, value);
	case VGPU_OP_TEXTURE_DESTROY:
		return cuda_texture_destroy(cmd->texture.texture);
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
	uint64_t value, lacking;
	CUresult result;

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
		/* Where memory was refused because the reserve is too small, the guest is told what it lacks. */
		lacking = cuda_lacking();
		if (result == CUDA_ERROR_OUT_OF_MEMORY)
			value |= lacking << VGPU_LACKING_SHIFT;
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

/* The linker is a library of its own, which the driver loads when it is first used. */
static CUresult warm_linker(CUmodule *module)
{
	CUlinkState state;
	CUresult result;
	void *cubin;
	size_t size;

	result = cu.cuLinkCreate_v2(0, NULL, NULL, &state);
	if (result)
		return result;
	result = cu.cuLinkAddData_v2(state, CU_JIT_INPUT_PTX, (void *)warm_up, sizeof(warm_up), "warm up", 0, NULL, NULL);
	if (!result)
		result = cu.cuLinkComplete(state, &cubin, &size);
	if (!result)
		result = cu.cuModuleLoadDataEx(module, cubin, 0, NULL, NULL);
	cu.cuLinkDestroy(state);
	return result;
}

static CUresult launch_once(CUmodule module)
{
	CUfunction function;
	CUresult result;
	uint64_t p = 0;
	size_t len = sizeof(p);
	void *extra[] = {
		CU_LAUNCH_PARAM_BUFFER_POINTER, &p, CU_LAUNCH_PARAM_BUFFER_SIZE, &len, CU_LAUNCH_PARAM_END,
	};

	result = cu.cuModuleGetFunction(&function, module, "vgpu_warm_up");
	if (!result)
		result = cu.cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, extra);
	if (!result)
		result = cu.cuCtxSynchronize();
	return result;
}

/* Has the driver open, map and start what it else would when a guest's command first needs it. */
static CUresult warm(void)
{
	CUmodule module;
	CUresult result;

	result = cu.cuModuleLoadDataEx(&module, warm_up, 0, NULL, NULL);
	if (result)
		return result;
	result = launch_once(module);
	cu.cuModuleUnload(module);
	if (!result)
		result = warm_linker(&module);
	if (result)
		return result;
	result = launch_once(module);
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
	if (!result)
		result = cuda_streams_start();
	if (result) {
		log_error("the CUDA driver does not start: %s", cuda_error_name(result));
		return (uint32_t)result;
	}
	cuda.contexts[0].context = cuda.base;
	cuda.overhead = options->overhead;
	cuda_beside_start();
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
 * @free: of it, while this process has a context
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

/**
 * struct asked - a process that has been made to use the GPU as a worker does
 * @pid: of it
 * @answers: from it
 * @orders: to it: a byte for the free memory, nothing more for its end
 */
struct asked {
	pid_t pid;
	int answers;
	int orders;
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
		finding->result = warm();
	if (!finding->result)
		finding->result = cu.cuMemGetAllocationGranularity(&finding->granule, &prop,
								   CU_MEM_ALLOC_GRANULARITY_MINIMUM);
}

/* The other end of struct asked. */
static void answer(const struct backend_options *options, int answers, int orders)
{
	struct finding finding;
	char order;

	memset(&finding, 0, sizeof(finding));
	set_environment();
	look_at_gpu(options, &finding);
	do {
		if (!finding.result)
			finding.result = cu.cuMemGetInfo_v2(&finding.free, &finding.total);
		if (write(answers, &finding, sizeof(finding)) != sizeof(finding))
			_exit(1);
	} while (read(orders, &order, 1) == 1);
	_exit(0);
}

static bool start_asked(const struct backend_options *options, struct asked *asked)
{
	int answers[2], orders[2];

	if (pipe2(answers, O_CLOEXEC))
		return false;
	if (pipe2(orders, O_CLOEXEC)) {
		close(answers[0]);
		close(answers[1]);
		return false;
	}
	asked->pid = fork();
	if (!asked->pid) {
		close(orders[1]);
		answer(options, answers[1], orders[0]);
	}
	close(answers[1]);
	close(orders[0]);
	asked->answers = answers[0];
	asked->orders = orders[1];
	return asked->pid > 0;
}

static bool hear(const struct asked *asked, struct finding *finding)
{
	return read(asked->answers, finding, sizeof(*finding)) == sizeof(*finding);
}

static bool ask_again(const struct asked *asked, struct finding *finding)
{
	return write(asked->orders, "", 1) == 1 && hear(asked, finding);
}

static void end_asked(struct asked *asked)
{
	close(asked->orders);
	close(asked->answers);
	if (asked->pid > 0)
		waitpid(asked->pid, NULL, 0);
}

/*
 * In processes of their own: the supervisor, which starts others, has no context and holds no device open. What a worker
 * takes beside chunks is what the first sees go when the second comes; others may use the GPU meanwhile, so the smallest
 * of some tries counts.
 */
static bool ask_children(const struct backend_options *options, struct finding *finding, uint64_t *overhead)
{
	struct asked first, second;
	struct finding now, other;
	uint64_t taken;
	bool heard;
	int i;

	if (!start_asked(options, &first))
		return false;
	heard = hear(&first, finding);
	*overhead = UINT64_MAX;
	for (i = 0; heard && !finding->result && i < OVERHEAD_TRIES; i++) {
		heard = ask_again(&first, finding) && start_asked(options, &second);
		if (!heard)
			break;
		heard = hear(&second, &other) && ask_again(&first, &now);
		end_asked(&second);
		if (!heard || now.result || other.result)
			break;
		taken = finding->free > now.free ? finding->free - now.free : 0;
		if (taken < *overhead)
			*overhead = taken;
	}
	end_asked(&first);
	return heard;
}

static bool cuda_probe(const struct backend_options *options, struct vgpu_exec_attach *attach, char *why,
		       size_t why_len)
{
	struct finding finding;
	uint64_t memory, overhead;

	if (!cuda_driver_load(why, why_len))
		return false;
	if (!ask_children(options, &finding, &overhead)) {
		snprintf(why, why_len, "the process that was to ask the CUDA driver ended");
		return false;
	}
	if (finding.result) {
		snprintf(why, why_len, "%s%s%s", cuda_error_name(finding.result),
			 options->pci[0] ? " for the GPU at " : "", options->pci);
		return false;
	}
	attach->granule = finding.granule > GRANULE_MIN ? finding.granule : GRANULE_MIN;
	/* No second context was to be had: then what there is counts, whoever has it. */
	if (overhead == UINT64_MAX)
		overhead = finding.total - finding.free;
	attach->session_overhead = (overhead + attach->granule - 1) / attach->granule * attach->granule;
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
