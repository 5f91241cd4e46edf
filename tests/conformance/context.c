// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Contexts: the stack of each thread, primary contexts, flags, limits. */
#include <pthread.h>
#include "conform.h"

static void stack(void)
{
	CUcontext first, second, current, popped;

	CU(cuCtxCreate(&first, NULL, CU_CTX_SCHED_BLOCKING_SYNC, conform_device()));
	CU(cuCtxGetCurrent(&current));
	CHECK(current == first);
	CU(cuCtxCreate(&second, NULL, 0, conform_device()));
	CU(cuCtxGetCurrent(&current));
	CHECK(current == second);
	CU(cuCtxPopCurrent(&popped));
	CHECK(popped == second);
	CU(cuCtxGetCurrent(&current));
	CHECK(current == first);
	CU(cuCtxPushCurrent(second));
	CU(cuCtxDestroy(second));
	CU(cuCtxGetCurrent(&current));
	CHECK(current == first);
	CU(cuCtxDestroy(first));
	CU(cuCtxGetCurrent(&current));
	CHECK(current == conform_context());
	RESULT(CUDA_ERROR_INVALID_CONTEXT, cuCtxPushCurrent(NULL));
}

static void none_current(void)
{
	CUcontext current, popped;
	CUdeviceptr p;
	CUdevice dev;

	CU(cuCtxPopCurrent(&popped));
	CHECK(popped == conform_context());
	CU(cuCtxGetCurrent(&current));
	CHECK(!current);
	RESULT(CUDA_ERROR_INVALID_CONTEXT, cuMemAlloc(&p, 64));
	RESULT(CUDA_ERROR_INVALID_CONTEXT, cuCtxSynchronize());
	RESULT(CUDA_ERROR_INVALID_CONTEXT, cuCtxGetDevice(&dev));
	RESULT(CUDA_ERROR_INVALID_CONTEXT, cuCtxPopCurrent(NULL));
	CU(cuCtxSetCurrent(popped));
	CU(cuCtxGetDevice(&dev));
	EQUAL(dev, conform_device());
}

static void set_current(void)
{
	CUcontext other, current;

	CU(cuCtxCreate(&other, NULL, 0, conform_device()));
	CU(cuCtxSetCurrent(conform_context()));
	CU(cuCtxGetCurrent(&current));
	CHECK(current == conform_context());
	CU(cuCtxDestroy(other));
	CU(cuCtxSetCurrent(NULL));
	CU(cuCtxSetCurrent(conform_context()));
}

static void versions_and_flags(void)
{
	unsigned int version = 0, flags = 0;
	CUcontext ctx;

	CU(cuCtxCreate(&ctx, NULL, CU_CTX_SCHED_YIELD, conform_device()));
	CU(cuCtxGetApiVersion(ctx, &version));
	CHECK(version >= 3020);
	CU(cuCtxGetFlags(&flags));
	EQUAL(flags & CU_CTX_SCHED_MASK, CU_CTX_SCHED_YIELD);
	CU(cuCtxDestroy(ctx));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuCtxCreate(&ctx, NULL, 0x1000, conform_device()));
	RESULT(CUDA_ERROR_INVALID_VALUE,
	       cuCtxCreate(&ctx, NULL, CU_CTX_SCHED_SPIN | CU_CTX_SCHED_YIELD, conform_device()));
	RESULT(CUDA_ERROR_INVALID_DEVICE, cuCtxCreate(&ctx, NULL, 0, 99));
}

static void *other_thread(void *data)
{
	CUcontext current = (CUcontext)1;
	CUdeviceptr p;
	long bad = 0;

	bad |= cuCtxGetCurrent(&current) || current;
	bad |= cuMemAlloc(&p, 64) != CUDA_ERROR_INVALID_CONTEXT;
	bad |= cuCtxSetCurrent(data) != CUDA_SUCCESS;
	bad |= cuMemAlloc(&p, 64) != CUDA_SUCCESS;
	bad |= cuMemFree(p) != CUDA_SUCCESS;
	return (void *)bad;
}

static void threads(void)
{
	CUcontext current;
	pthread_t thread;
	void *bad;

	CHECK(!pthread_create(&thread, NULL, other_thread, conform_context()));
	pthread_join(thread, &bad);
	CHECK(!bad);
	CU(cuCtxGetCurrent(&current));
	CHECK(current == conform_context());
}

static void primary(void)
{
	CUdevice dev = conform_device();
	CUcontext first, second;
	unsigned int flags;
	int active = 7;

	CU(cuDevicePrimaryCtxGetState(dev, &flags, &active));
	EQUAL(active, 0);
	CU(cuDevicePrimaryCtxSetFlags(dev, CU_CTX_SCHED_BLOCKING_SYNC));
	CU(cuDevicePrimaryCtxRetain(&first, dev));
	CU(cuDevicePrimaryCtxRetain(&second, dev));
	CHECK(first == second);
	CU(cuDevicePrimaryCtxGetState(dev, &flags, &active));
	EQUAL(active, 1);
	EQUAL(flags & CU_CTX_SCHED_MASK, CU_CTX_SCHED_BLOCKING_SYNC);
	RESULT(CUDA_ERROR_INVALID_CONTEXT, cuCtxDestroy(first));
	CU(cuDevicePrimaryCtxRelease(dev));
	CU(cuDevicePrimaryCtxGetState(dev, &flags, &active));
	EQUAL(active, 1);
	CU(cuDevicePrimaryCtxRelease(dev));
	CU(cuDevicePrimaryCtxGetState(dev, &flags, &active));
	EQUAL(active, 0);
	RESULT(CUDA_ERROR_INVALID_CONTEXT, cuDevicePrimaryCtxRelease(dev));
}

static void primary_reset(void)
{
	CUdevice dev = conform_device();
	unsigned int flags;
	CUcontext ctx;
	CUdeviceptr p;
	int active;

	CU(cuDevicePrimaryCtxRetain(&ctx, dev));
	CU(cuCtxPushCurrent(ctx));
	CU(cuMemAlloc(&p, 1 << 20));
	CU(cuCtxPopCurrent(NULL));
	CU(cuDevicePrimaryCtxReset(dev));
	CU(cuDevicePrimaryCtxGetState(dev, &flags, &active));
	EQUAL(active, 0);
	CU(cuDevicePrimaryCtxRelease(dev));
}

static void destroyed(void)
{
	CUcontext ctx;
	CUdeviceptr p;

	CU(cuCtxCreate(&ctx, NULL, 0, conform_device()));
	CU(cuCtxPushCurrent(conform_context()));
	CU(cuCtxDestroy(ctx));
	CU(cuCtxPopCurrent(NULL));
	/* What is on top of the stack now is gone. */
	RESULT(CUDA_ERROR_CONTEXT_IS_DESTROYED, cuMemAlloc(&p, 64));
	CU(cuCtxPopCurrent(NULL));
	CU(cuMemAlloc(&p, 64));
	CU(cuMemFree(p));
}

static void limits(void)
{
	size_t value = 0;

	CU(cuCtxGetLimit(&value, CU_LIMIT_STACK_SIZE));
	CHECK(value >= 256);
	CU(cuCtxSetLimit(CU_LIMIT_STACK_SIZE, 4096));
	CU(cuCtxGetLimit(&value, CU_LIMIT_STACK_SIZE));
	CHECK(value >= 4096);
	CU(cuCtxGetLimit(&value, CU_LIMIT_PRINTF_FIFO_SIZE));
	CHECK(value >= 4096);
	CU(cuCtxGetLimit(&value, CU_LIMIT_MALLOC_HEAP_SIZE));
	CHECK(value >= 1 << 20);
	RESULT(CUDA_ERROR_INVALID_VALUE, cuCtxGetLimit(NULL, CU_LIMIT_STACK_SIZE));
}

static void cache_config(void)
{
	CUfunc_cache config;
	CUsharedconfig shared;

	CU(cuCtxSetCacheConfig(CU_FUNC_CACHE_PREFER_L1));
	CU(cuCtxGetCacheConfig(&config));
	CHECK(config == CU_FUNC_CACHE_PREFER_L1 || config == CU_FUNC_CACHE_PREFER_NONE);
	CU(cuCtxGetSharedMemConfig(&shared));
	CU(cuCtxSetSharedMemConfig(CU_SHARED_MEM_CONFIG_DEFAULT_BANK_SIZE));
}

/* A context's memory ends with it. */
static void memory_ends(void)
{
	size_t before, during, after, total;
	CUcontext ctx;
	CUdeviceptr p;

	/* Memory of processes that have just ended may come back meanwhile. */
	for (int i = 0; i < 100; i++) {
		CU(cuMemGetInfo(&before, &total));
		CU(cuCtxCreate(&ctx, NULL, 0, conform_device()));
		CU(cuMemAlloc(&p, 8 << 20));
		CU(cuMemGetInfo(&during, &total));
		CU(cuCtxDestroy(ctx));
		CU(cuMemGetInfo(&after, &total));
		if (during < before && after > during)
			return;
	}
	CHECK(during < before);
	CHECK(after > during);
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST(stack),   TEST(none_current), TEST(set_current),	TEST(versions_and_flags),
		TEST(threads), TEST(primary),	   TEST(primary_reset), TEST(destroyed),
		TEST(limits),  TEST(cache_config), TEST(memory_ends),	{ NULL },
	};

	return conform_main(tests);
}
