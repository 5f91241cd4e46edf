// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Streams, events, host functions; what waits for what. */
#include <pthread.h>
#include <stdatomic.h>
#include "conform.h"

enum {
	ROUNDS = 300000
}; /* of the kernel "spin": long beside everything else */

/* One thread that works for a while, then stores a value. */
static void spin(CUdeviceptr p, unsigned long long rounds, unsigned int value, CUstream stream)
{
	void *args[] = { &p, &rounds, &value };

	CU(cuLaunchKernel(conform_kernel("spin"), 1, 1, 1, 1, 1, 1, 0, stream, args, NULL));
}

/* p[0] += value */
static void add(CUdeviceptr p, unsigned int value, CUstream stream)
{
	unsigned int n = 1;
	void *args[] = { &p, &n, &value };

	CU(cuLaunchKernel(conform_kernel("add"), 1, 1, 1, 1, 1, 1, 0, stream, args, NULL));
}

static unsigned int fetch(CUdeviceptr p, CUstream stream)
{
	unsigned int value = 0;

	CU(cuMemcpyDtoHAsync(&value, p, 4, stream));
	CU(cuStreamSynchronize(stream));
	return value;
}

static CUdeviceptr word(void)
{
	CUdeviceptr p;

	CU(cuMemAlloc(&p, 4));
	CU(cuMemsetD32(p, 0, 1));
	CU(cuCtxSynchronize());
	return p;
}

static void life(void)
{
	CUstream stream;
	unsigned int flags = 7;
	int priority = 7, least, greatest;
	CUcontext ctx;
	unsigned long long id, other;

	CU(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	CU(cuStreamQuery(stream));
	CU(cuStreamSynchronize(stream));
	CU(cuStreamGetFlags(stream, &flags));
	EQUAL(flags, CU_STREAM_NON_BLOCKING);
	CU(cuStreamGetCtx(stream, &ctx));
	CHECK(ctx == conform_context());
	CU(cuStreamGetId(stream, &id));
	CU(cuStreamGetId(NULL, &other));
	CHECK(id != other);
	CU(cuStreamDestroy(stream));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuStreamCreate(&stream, 0x10));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuStreamCreate(NULL, 0));
	CU(cuCtxGetStreamPriorityRange(&least, &greatest));
	CHECK(greatest <= least);
	CU(cuStreamCreateWithPriority(&stream, 0, greatest));
	CU(cuStreamGetPriority(stream, &priority));
	EQUAL(priority, greatest);
	CU(cuStreamDestroy(stream));
}

static void order(void)
{
	CUdeviceptr p = word();
	CUstream stream;

	CU(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	spin(p, ROUNDS, 5, stream);
	for (int i = 0; i < 100; i++)
		add(p, 1, stream);
	EQUAL(fetch(p, stream), 105);
	CU(cuStreamDestroy(stream));
	CU(cuMemFree(p));
}

static void query(void)
{
	CUdeviceptr p = word();
	CUstream stream;
	CUresult result;

	CU(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	spin(p, ROUNDS, 1, stream);
	do {
		result = cuStreamQuery(stream);
		CHECK(result == CUDA_SUCCESS || result == CUDA_ERROR_NOT_READY);
	} while (result);
	EQUAL(fetch(p, stream), 1);
	CU(cuStreamDestroy(stream));
	CU(cuMemFree(p));
}

/* Work left in a destroyed stream is done all the same. */
static void destroy_with_work(void)
{
	CUdeviceptr p = word();

	for (int i = 0; i < 20; i++) {
		CUstream stream;

		CU(cuStreamCreate(&stream, CU_STREAM_DEFAULT));
		spin(p, ROUNDS / 20, i + 1, stream);
		CU(cuStreamDestroy(stream));
	}
	CU(cuCtxSynchronize());
	CHECK(fetch(p, NULL) > 0);
	CU(cuMemFree(p));
}

/* The legacy default stream waits for blocking streams, and they for it. */
static void legacy_default(void)
{
	CUdeviceptr p = word();
	CUstream blocking, other;

	CU(cuStreamCreate(&blocking, CU_STREAM_DEFAULT));
	CU(cuStreamCreate(&other, CU_STREAM_DEFAULT));
	for (int i = 0; i < 5; i++) {
		spin(p, ROUNDS / 5, 10 * i, blocking);
		add(p, 1, NULL);
		add(p, 2, other);
		CU(cuStreamSynchronize(other));
		EQUAL(fetch(p, other), 10 * i + 3);
	}
	CU(cuStreamDestroy(blocking));
	CU(cuStreamDestroy(other));
	CU(cuMemFree(p));
}

static void wait_event(void)
{
	CUdeviceptr p = word();
	CUstream first, second;
	CUevent event;

	CU(cuStreamCreate(&first, CU_STREAM_NON_BLOCKING));
	CU(cuStreamCreate(&second, CU_STREAM_NON_BLOCKING));
	CU(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
	for (int i = 0; i < 5; i++) {
		spin(p, ROUNDS / 5, 100 * i, first);
		CU(cuEventRecord(event, first));
		CU(cuStreamWaitEvent(second, event, 0));
		add(p, 1, second);
		EQUAL(fetch(p, second), 100 * i + 1);
	}
	/* An event that was never recorded holds nobody up. */
	CU(cuEventDestroy(event));
	CU(cuEventCreate(&event, 0));
	CU(cuStreamWaitEvent(second, event, 0));
	CU(cuStreamSynchronize(second));
	CU(cuEventDestroy(event));
	CU(cuStreamDestroy(first));
	CU(cuStreamDestroy(second));
	CU(cuMemFree(p));
}

static void events(void)
{
	CUdeviceptr p = word();
	CUevent start, end, plain;
	float ms = -1;
	CUresult result;

	CU(cuEventCreate(&start, CU_EVENT_DEFAULT));
	CU(cuEventCreate(&end, CU_EVENT_BLOCKING_SYNC));
	CU(cuEventCreate(&plain, CU_EVENT_DISABLE_TIMING));
	CU(cuEventQuery(start));
	RESULT(CUDA_ERROR_INVALID_HANDLE, cuEventElapsedTime(&ms, start, end));
	CU(cuEventRecord(start, NULL));
	spin(p, ROUNDS, 1, NULL);
	CU(cuEventRecord(end, NULL));
	do {
		result = cuEventQuery(end);
		CHECK(result == CUDA_SUCCESS || result == CUDA_ERROR_NOT_READY);
	} while (result);
	CU(cuEventSynchronize(end));
	CU(cuEventElapsedTime(&ms, start, end));
	CHECK(ms > 0);
	CU(cuEventRecord(plain, NULL));
	CU(cuEventSynchronize(plain));
	RESULT(CUDA_ERROR_INVALID_HANDLE, cuEventElapsedTime(&ms, start, plain));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuEventCreate(&plain, 0x100));
	CU(cuEventDestroy(start));
	CU(cuEventDestroy(end));
	CU(cuMemFree(p));
}

struct calls {
	CUdeviceptr p;
	atomic_int count;
	int order[16];
	CUcontext other;
	CUresult inside[3]; /* what calls answer inside a callback and inside a host function */
};

static void note_callback(CUstream stream, CUresult status, void *data)
{
	struct calls *calls = data;
	int n = atomic_fetch_add(&calls->count, 1);
	size_t size;

	if (n < 16)
		calls->order[n] = status ? -1 : 1;
	calls->inside[0] = cuMemGetAddressRange(NULL, &size, calls->p);
}

static void note_host(void *data)
{
	struct calls *calls = data;
	int n = atomic_fetch_add(&calls->count, 1);

	if (n < 16)
		calls->order[n] = 2;
	calls->inside[1] = cuMemFree(calls->p);
	calls->inside[2] = cuCtxDestroy(calls->other);
}

static void callbacks(void)
{
	struct calls calls = { .p = word() };
	CUcontext popped;
	CUstream stream;

	CU(cuCtxCreate(&calls.other, NULL, 0, conform_device()));
	CU(cuCtxPopCurrent(&popped));
	CU(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	spin(calls.p, ROUNDS, 3, stream);
	CU(cuStreamAddCallback(stream, note_callback, &calls, 0));
	add(calls.p, 1, stream);
	CU(cuLaunchHostFunc(stream, note_host, &calls));
	add(calls.p, 1, stream);
	CU(cuLaunchHostFunc(stream, note_host, &calls));
	CU(cuStreamSynchronize(stream));
	EQUAL(atomic_load(&calls.count), 3);
	EQUAL(calls.order[0], 1);
	EQUAL(calls.order[1], 2);
	EQUAL(calls.order[2], 2);
	EQUAL(calls.inside[0], CUDA_ERROR_NOT_PERMITTED);
	EQUAL(calls.inside[1], CUDA_ERROR_NOT_PERMITTED);
	EQUAL(calls.inside[2], CUDA_ERROR_NOT_PERMITTED);
	CU(cuCtxDestroy(calls.other));
	EQUAL(fetch(calls.p, stream), 5);
	RESULT(CUDA_ERROR_INVALID_VALUE, cuStreamAddCallback(stream, note_callback, NULL, 1));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuLaunchHostFunc(stream, NULL, NULL));
	CU(cuStreamDestroy(stream));
	CU(cuMemFree(calls.p));
}

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool open;
};

static void wait_at(void *data)
{
	struct gate *gate = data;

	pthread_mutex_lock(&gate->lock);
	while (!gate->open)
		pthread_cond_wait(&gate->cond, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

static void open_gate(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->open = true;
	pthread_cond_broadcast(&gate->cond);
	pthread_mutex_unlock(&gate->lock);
}

/* What is behind a host function waits for it, in its stream and in those that wait for it; others go on. */
static void host_function_holds(void)
{
	struct gate gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
	CUstream held, waiting, free_stream;
	CUdeviceptr p = word(), q = word();
	unsigned int data[4] = { 10, 20, 30, 40 }, copied = 0;
	CUevent event;

	CU(cuStreamCreate(&held, CU_STREAM_NON_BLOCKING));
	CU(cuStreamCreate(&waiting, CU_STREAM_NON_BLOCKING));
	CU(cuStreamCreate(&free_stream, CU_STREAM_NON_BLOCKING));
	CU(cuEventCreate(&event, 0));
	CU(cuLaunchHostFunc(held, wait_at, &gate));
	add(p, 1, held);
	CU(cuMemcpyHtoDAsync(p, &data[1], 4, held));
	data[1] = 0; /* it was read already */
	add(p, 1, held);
	CU(cuEventRecord(event, held));
	CU(cuStreamWaitEvent(waiting, event, 0));
	add(p, 100, waiting);
	add(q, 5, free_stream);
	CU(cuStreamSynchronize(free_stream));
	EQUAL(fetch(q, free_stream), 5);
	RESULT(CUDA_ERROR_NOT_READY, cuStreamQuery(held));
	RESULT(CUDA_ERROR_NOT_READY, cuStreamQuery(waiting));
	RESULT(CUDA_ERROR_NOT_READY, cuEventQuery(event));
	CU(cuMemcpyDtoHAsync(&copied, p, 4, free_stream));
	EQUAL(copied, 0);
	open_gate(&gate);
	CU(cuEventSynchronize(event));
	CU(cuStreamSynchronize(waiting));
	EQUAL(fetch(p, waiting), 121);
	CU(cuStreamSynchronize(held));
	CU(cuEventDestroy(event));
	CU(cuStreamDestroy(held));
	CU(cuStreamDestroy(waiting));
	CU(cuStreamDestroy(free_stream));
	CU(cuMemFree(p));
	CU(cuMemFree(q));
}

/* The legacy stream and a blocking stream that is held back. */
static void host_function_legacy(void)
{
	struct gate gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
	CUdeviceptr p = word();
	CUstream blocking;

	CU(cuStreamCreate(&blocking, CU_STREAM_DEFAULT));
	CU(cuLaunchHostFunc(blocking, wait_at, &gate));
	add(p, 3, blocking);
	add(p, 1, NULL);
	RESULT(CUDA_ERROR_NOT_READY, cuStreamQuery(NULL));
	open_gate(&gate);
	EQUAL(fetch(p, NULL), 4);
	CU(cuStreamDestroy(blocking));
	CU(cuMemFree(p));
}

static void *per_thread(void *data)
{
	CUdeviceptr p = *(CUdeviceptr *)data;
	unsigned int n = 1, v = 1, got = 0;
	void *args[] = { &p, &n, &v };
	CUfunction func;

	if (cuCtxSetCurrent(conform_context()) || cuModuleGetFunction(&func, conform_module(), "add"))
		return "setup";
	for (int i = 0; i < 200; i++)
		if (cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, CU_STREAM_PER_THREAD, args, NULL))
			return "launch";
	if (cuMemcpyDtoHAsync(&got, p, 4, CU_STREAM_PER_THREAD) ||
	    cuStreamSynchronize(CU_STREAM_PER_THREAD))
		return "copy";
	return got == 200 ? NULL : "value";
}

static void thread_default(void)
{
	CUdeviceptr p[4];
	pthread_t threads[4];

	conform_module();
	for (int i = 0; i < 4; i++) {
		p[i] = word();
		CHECK(!pthread_create(&threads[i], NULL, per_thread, &p[i]));
	}
	for (int i = 0; i < 4; i++) {
		void *bad;

		pthread_join(threads[i], &bad);
		if (bad)
			FAIL("thread %d: %s", i, (char *)bad);
		CU(cuMemFree(p[i]));
	}
}

/* Threads that share everything. */
static void *worker(void *data)
{
	unsigned int n = 256, v = 7, back[256];
	CUdeviceptr p;
	void *args[] = { &p, &n, &v };
	CUfunction func;
	CUstream stream;
	CUevent event;

	if (cuCtxSetCurrent(conform_context()) ||
	    cuModuleGetFunction(&func, conform_module(), "fill"))
		return "setup";
	for (int i = 0; i < 50; i++) {
		v = i * 1000 + (unsigned int)(size_t)data;
		if (cuStreamCreate(&stream, i % 2) || cuEventCreate(&event, 0))
			return "create";
		if (cuMemAlloc(&p, sizeof(back)))
			return "alloc";
		if (cuLaunchKernel(func, 1, 1, 1, 256, 1, 1, 0, stream, args, NULL))
			return "launch";
		if (cuEventRecord(event, stream) || cuEventSynchronize(event))
			return "event";
		if (cuMemcpyDtoHAsync(back, p, sizeof(back), stream) || cuStreamSynchronize(stream))
			return "copy";
		for (int j = 0; j < 256; j++)
			if (back[j] != v)
				return "value";
		if (cuMemFree(p) || cuEventDestroy(event) || cuStreamDestroy(stream))
			return "destroy";
	}
	return NULL;
}

static void many_threads(void)
{
	pthread_t threads[8];

	conform_module();
	for (size_t i = 0; i < 8; i++)
		CHECK(!pthread_create(&threads[i], NULL, worker, (void *)i));
	for (int i = 0; i < 8; i++) {
		void *bad;

		pthread_join(threads[i], &bad);
		if (bad)
			FAIL("thread %d: %s", i, (char *)bad);
	}
}

static void bad_handles(void)
{
	CUstream stream;
	CUevent event;

	CU(cuEventCreate(&event, 0));
	CU(cuStreamCreate(&stream, 0));
	CU(cuStreamDestroy(stream));
	CU(cuEventDestroy(event));
	RESULT(CUDA_ERROR_INVALID_HANDLE, cuEventRecord(NULL, NULL));
	RESULT(CUDA_ERROR_INVALID_HANDLE, cuEventSynchronize(NULL));
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST(life),
		TEST(order),
		TEST(query),
		TEST(destroy_with_work),
		TEST(legacy_default),
		TEST(wait_event),
		TEST(events),
		TEST(callbacks),
		TEST(host_function_holds),
		TEST(host_function_legacy),
		TEST(thread_default),
		TEST(many_threads),
		TEST(bad_handles),
		{ NULL },
	};

	return conform_main(tests);
}
