// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Faults of kernels: what they are called, that they stick, and that they cost nobody else anything. */
#include <sys/wait.h>
#include "conform.h"

static void fill(CUdeviceptr p, unsigned int n)
{
	unsigned int v = 1;
	void *args[] = { &p, &n, &v };

	CU(cuLaunchKernel(conform_kernel("fill"), (n + 31) / 32, 1, 1, 32, 1, 1, 0, NULL, args, NULL));
}

static void illegal_address(void)
{
	unsigned int value;
	CUdeviceptr p;
	CUstream stream;
	CUevent event;

	CU(cuMemAlloc(&p, 64));
	CU(cuStreamCreate(&stream, 0));
	CU(cuEventCreate(&event, 0));
	fill(0x10, 1);
	RESULT(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize());
	/* From now on every call says so. */
	RESULT(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize());
	RESULT(CUDA_ERROR_ILLEGAL_ADDRESS, cuMemAlloc(&p, 64));
	RESULT(CUDA_ERROR_ILLEGAL_ADDRESS, cuMemcpyDtoH(&value, p, 4));
	RESULT(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(stream));
	RESULT(CUDA_ERROR_ILLEGAL_ADDRESS, cuEventRecord(event, stream));
	RESULT(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamQuery(NULL));
}

/* The fault shows at the next synchronising call, whatever it is. */
static void shows_at_copy(void)
{
	unsigned int value;
	CUdeviceptr p;

	CU(cuMemAlloc(&p, 64));
	fill(0x10, 1);
	RESULT(CUDA_ERROR_ILLEGAL_ADDRESS, cuMemcpyDtoH(&value, p, 4));
}

static void shows_at_event(void)
{
	CUevent event;

	CU(cuEventCreate(&event, 0));
	fill(0x10, 1);
	CU(cuEventRecord(event, NULL));
	RESULT(CUDA_ERROR_ILLEGAL_ADDRESS, cuEventSynchronize(event));
}

static void misaligned_address(void)
{
	CUdeviceptr p;

	CU(cuMemAlloc(&p, 64));
	fill(p + 2, 1);
	RESULT(CUDA_ERROR_MISALIGNED_ADDRESS, cuCtxSynchronize());
}

static void trap(void)
{
	CUresult result;

	CU(cuLaunchKernel(conform_kernel("stop"), 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
	result = cuCtxSynchronize();
	CHECK(result == CUDA_ERROR_ILLEGAL_INSTRUCTION || result == CUDA_ERROR_LAUNCH_FAILED);
	CHECK(cuCtxSynchronize() == result);
}

static void beyond_the_end(void)
{
	size_t free_bytes, total;
	CUdeviceptr p;

	CU(cuMemAlloc(&p, 4096));
	CU(cuMemGetInfo(&free_bytes, &total));
	fill(p + (4ULL << 40), 1);
	RESULT(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize());
}

/* A process that faults, and one that then works. */
static void next_process(void)
{
	unsigned int value = 0;
	CUdeviceptr p;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CU(cuCtxSetCurrent(conform_context()));
		fill(0x10, 1);
		_exit(cuCtxSynchronize() == CUDA_ERROR_ILLEGAL_ADDRESS ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	CU(cuCtxSetCurrent(conform_context()));
	CU(cuMemAlloc(&p, 64));
	fill(p, 1);
	CU(cuMemcpyDtoH(&value, p, 4));
	EQUAL(value, 1);
}

/* Errors of arguments leave no trace. */
static void arguments_do_not_stick(void)
{
	CUdeviceptr p;

	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemAlloc(&p, 0));
	CU(cuCtxSynchronize());
	RESULT(CUDA_ERROR_INVALID_HANDLE,
	       cuLaunchKernel(NULL, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
	CU(cuCtxSynchronize());
	CU(cuMemAlloc(&p, 64));
	fill(p, 16);
	CU(cuCtxSynchronize());
	CU(cuMemFree(p));
}

/* A child of a process that used CUDA cannot use it. */
static void forked(void)
{
	int status;
	pid_t pid;

	CU(cuCtxSynchronize());
	fflush(NULL);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CUdeviceptr p;
		int count;
		bool bad = cuMemAlloc(&p, 64) != CUDA_ERROR_NOT_INITIALIZED;

		bad |= cuDeviceGetCount(&count) != CUDA_ERROR_NOT_INITIALIZED;
		bad |= cuInit(0) != CUDA_ERROR_NOT_INITIALIZED;
		_exit(bad);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	CU(cuCtxSynchronize());
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST_ALONE(illegal_address),
		TEST_ALONE(shows_at_copy),
		TEST_ALONE(shows_at_event),
		TEST_ALONE(misaligned_address),
		TEST_ALONE(trap),
		TEST_ALONE(beyond_the_end),
		TEST_BARE(next_process),
		TEST(arguments_do_not_stick),
		TEST(forked),
		{ NULL },
	};

	return conform_main(tests);
}
