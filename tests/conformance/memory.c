// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Device memory, pinned host memory, what pointers are. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "conform.h"

static void alloc_and_free(void)
{
	CUdeviceptr p[64];

	for (int i = 0; i < 64; i++) {
		CU(cuMemAlloc(&p[i], 1 + i * 997));
		EQUAL(p[i] % 256, 0);
		for (int j = 0; j < i; j++)
			CHECK(p[j] + 1 + j * 997 <= p[i] || p[i] + 1 + i * 997 <= p[j]);
	}
	for (int i = 0; i < 64; i += 2)
		CU(cuMemFree(p[i]));
	for (int i = 1; i < 64; i += 2)
		CU(cuMemFree(p[i]));
}

static void bad_arguments(void)
{
	CUdeviceptr p;

	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemAlloc(&p, 0));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemAlloc(NULL, 16));
	CU(cuMemFree(0));
	CU(cuMemAlloc(&p, 4096));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemFree(p + 16));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemFree(0x1000));
	CU(cuMemFree(p));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemFree(p));
}

static void out_of_memory(void)
{
	size_t free_bytes, total;
	CUdeviceptr p, q;

	CU(cuMemGetInfo(&free_bytes, &total));
	CHECK(free_bytes <= total && total > 0);
	RESULT(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(&p, total + (1 << 30)));
	RESULT(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(&p, (size_t)1 << 60));
	/* It goes on. */
	CU(cuMemAlloc(&q, 1 << 20));
	CU(cuMemFree(q));
}

/* What is freed can be allocated again: the whole of the memory, many times. */
static void reuse(void)
{
	size_t free_bytes, total;
	CUdeviceptr p;

	CU(cuMemGetInfo(&free_bytes, &total));
	for (int i = 0; i < 20; i++) {
		CU(cuMemAlloc(&p, total / 2));
		CU(cuMemFree(p));
	}
}

static void info_counts(void)
{
	size_t before, during, after, total;
	CUdeviceptr p;

	/* Memory of processes that have just ended may come back meanwhile. */
	for (int i = 0; i < 10000; i++) {
		CU(cuMemGetInfo(&before, &total));
		CU(cuMemAlloc(&p, 32 << 20));
		CU(cuMemGetInfo(&during, &total));
		CU(cuMemFree(p));
		CU(cuMemGetInfo(&after, &total));
		if (after == before && before - during >= 32 << 20)
			return;
	}
	CHECK(before - during >= 32 << 20);
	EQUAL(after, before);
}

#define HELD (192 << 20)

/* Holds memory until nobody wants it any more: what another process of the machine does. */
static void holds_memory(void)
{
	CUdeviceptr p;
	char c;

	CU(cuMemAlloc(&p, HELD));
	CHECK(write(STDOUT_FILENO, "h", 1) == 1);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	CU(cuMemFree(p));
}

/* Free memory is that of the device, not of the process. */
static void others_count(void)
{
	int to[2], from[2], status;
	size_t during, total;
	pid_t pid;
	char c;

	CHECK(!pipe(to) && !pipe(from));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		close(to[1]);
		close(from[0]);
		setenv("CONFORM_HOLD", "1", 1);
		execl("/proc/self/exe", "memory", NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	CHECK(read(from[0], &c, 1) == 1 && c == 'h');
	CU(cuMemGetInfo(&during, &total));
	close(to[1]);
	while (read(from[0], &c, 1) > 0)
		;
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status));
	CHECK(total - during >= HELD);
}

static void address_range(void)
{
	CUdeviceptr p, base;
	size_t size;

	CU(cuMemAlloc(&p, 100000));
	CU(cuMemGetAddressRange(&base, &size, p + 77777));
	CHECK(base == p);
	CHECK(size >= 100000);
	CU(cuMemGetAddressRange(NULL, &size, p));
	CU(cuMemFree(p));
	RESULT(CUDA_ERROR_NOT_FOUND, cuMemGetAddressRange(&base, &size, 0x1234));
}

static void pitch(void)
{
	CUdeviceptr p;
	size_t row;

	CU(cuMemAllocPitch(&p, &row, 1000, 10, 4));
	CHECK(row >= 1000 && row % 32 == 0);
	CU(cuMemFree(p));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemAllocPitch(&p, &row, 1000, 10, 3));
}

static void host_alloc(void)
{
	CUdeviceptr dev;
	unsigned int flags;
	void *p, *q;

	CU(cuMemHostAlloc(&p, 100000, CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_PORTABLE));
	memset(p, 0x5a, 100000);
	CU(cuMemHostGetFlags(&flags, p));
	CHECK(flags & CU_MEMHOSTALLOC_DEVICEMAP);
	CU(cuMemHostGetDevicePointer(&dev, p, 0));
	CHECK(dev == (CUdeviceptr)p);
	CU(cuMemAllocHost(&q, 1 << 20));
	memset(q, 1, 1 << 20);
	CHECK((char *)q + (1 << 20) <= (char *)p || (char *)p + 100000 <= (char *)q);
	CU(cuMemFreeHost(q));
	CU(cuMemFreeHost(p));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemFreeHost(&dev));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemHostAlloc(&p, 0, 0));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemHostAlloc(&p, 64, 0x80));
}

/* Kernels reach pinned memory by its address. */
static void host_memory_in_kernel(void)
{
	unsigned int *p, n = 1000, value = 77;
	void *args[] = { &p, &n, &value };

	CU(cuMemHostAlloc((void **)&p, n * sizeof(*p), CU_MEMHOSTALLOC_DEVICEMAP));
	memset(p, 0, n * sizeof(*p));
	CU(cuLaunchKernel(conform_kernel("fill"), 4, 1, 1, 256, 1, 1, 0, NULL, args, NULL));
	CU(cuCtxSynchronize());
	for (unsigned int i = 0; i < n; i++)
		EQUAL(p[i], 77);
	CU(cuMemFreeHost(p));
}

static void host_register(void)
{
	static char buffer[65536] __attribute__((aligned(4096)));
	unsigned int flags;
	CUdeviceptr p;
	CUresult result;

	CU(cuMemHostRegister(buffer, sizeof(buffer), CU_MEMHOSTREGISTER_PORTABLE));
	RESULT(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED,
	       cuMemHostRegister(buffer, sizeof(buffer), 0));
	CU(cuMemHostGetFlags(&flags, buffer));
	/* Where kernels do not reach it, that is said. */
	result = cuMemHostGetDevicePointer(&p, buffer, 0);
	CHECK(result == CUDA_SUCCESS || result == CUDA_ERROR_INVALID_VALUE);
	CU(cuMemAlloc(&p, sizeof(buffer)));
	memset(buffer, 3, sizeof(buffer));
	CU(cuMemcpyHtoDAsync(p, buffer, sizeof(buffer), NULL));
	CU(cuCtxSynchronize());
	memset(buffer, 0, sizeof(buffer));
	CU(cuMemcpyDtoH(buffer, p, sizeof(buffer)));
	EQUAL(buffer[65535], 3);
	CU(cuMemFree(p));
	CU(cuMemHostUnregister(buffer));
	RESULT(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, cuMemHostUnregister(buffer));
}

static void pointer_attributes(void)
{
	CUpointer_attribute wanted[] = { CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
					 CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
					 CU_POINTER_ATTRIBUTE_CONTEXT };
	unsigned int type = 0;
	int ordinal = -1, managed = 7, local;
	CUcontext ctx = NULL;
	void *data[] = { &type, &ordinal, &ctx }, *host;
	CUdeviceptr p, start = 0, other;
	size_t size = 0;
	unsigned long long id, other_id;

	CU(cuMemAlloc(&p, 12345));
	CU(cuMemAlloc(&other, 12345));
	CU(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, p + 100));
	EQUAL(type, CU_MEMORYTYPE_DEVICE);
	CU(cuPointerGetAttribute(&ctx, CU_POINTER_ATTRIBUTE_CONTEXT, p));
	CHECK(ctx == conform_context());
	CU(cuPointerGetAttribute(&start, CU_POINTER_ATTRIBUTE_RANGE_START_ADDR, p + 100));
	CHECK(start == p);
	CU(cuPointerGetAttribute(&size, CU_POINTER_ATTRIBUTE_RANGE_SIZE, p));
	EQUAL(size, 12345);
	CU(cuPointerGetAttribute(&managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, p));
	EQUAL(managed, 0);
	CU(cuPointerGetAttribute(&id, CU_POINTER_ATTRIBUTE_BUFFER_ID, p));
	CU(cuPointerGetAttribute(&other_id, CU_POINTER_ATTRIBUTE_BUFFER_ID, other));
	CHECK(id != other_id);
	RESULT(CUDA_ERROR_INVALID_VALUE,
	       cuPointerGetAttribute(&host, CU_POINTER_ATTRIBUTE_HOST_POINTER, p));
	type = 0;
	ctx = NULL;
	CU(cuPointerGetAttributes(3, wanted, data, p));
	EQUAL(type, CU_MEMORYTYPE_DEVICE);
	EQUAL(ordinal, conform_device());
	CHECK(ctx == conform_context());
	CU(cuMemFree(p));
	CU(cuMemFree(other));

	CU(cuMemHostAlloc(&host, 5000, CU_MEMHOSTALLOC_DEVICEMAP));
	CU(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, (CUdeviceptr)host));
	EQUAL(type, CU_MEMORYTYPE_HOST);
	CU(cuPointerGetAttribute(&start, CU_POINTER_ATTRIBUTE_DEVICE_POINTER, (CUdeviceptr)host));
	CHECK(start == (CUdeviceptr)host);
	CU(cuMemFreeHost(host));

	RESULT(CUDA_ERROR_INVALID_VALUE,
	       cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, (CUdeviceptr)&local));
	ctx = (CUcontext)1;
	CU(cuPointerGetAttributes(3, wanted, data, (CUdeviceptr)&local));
	EQUAL(type, 0);
	CHECK(!ctx);
}

/* Managed memory is the host's and the kernels' at one address. */
static void managed(void)
{
	unsigned int *p, n = 5000, value = 3;
	unsigned int type = 0;
	int is_managed = 0, able;
	void *args[] = { &p, &n, &value };

	CU(cuDeviceGetAttribute(&able, CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY, conform_device()));
	if (!able)
		return;
	CU(cuMemAllocManaged((CUdeviceptr *)&p, n * sizeof(*p), CU_MEM_ATTACH_GLOBAL));
	CU(cuPointerGetAttribute(&is_managed, CU_POINTER_ATTRIBUTE_IS_MANAGED, (CUdeviceptr)p));
	EQUAL(is_managed, 1);
	CU(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, (CUdeviceptr)p));
	EQUAL(type, CU_MEMORYTYPE_DEVICE);
	for (unsigned int i = 0; i < n; i++)
		p[i] = i;
	CU(cuLaunchKernel(conform_kernel("add"), 20, 1, 1, 256, 1, 1, 0, NULL, args, NULL));
	CU(cuCtxSynchronize());
	for (unsigned int i = 0; i < n; i++)
		EQUAL(p[i], i + 3);
	CU(cuMemsetD32((CUdeviceptr)p, 7, n));
	CU(cuCtxSynchronize());
	EQUAL(p[n - 1], 7);
	CU(cuMemFree((CUdeviceptr)p));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemAllocManaged((CUdeviceptr *)&p, 64, 0));
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST(alloc_and_free),
		TEST(bad_arguments),
		TEST(out_of_memory),
		TEST(reuse),
		TEST(info_counts),
		TEST(others_count),
		TEST(address_range),
		TEST(pitch),
		TEST(host_alloc),
		TEST(host_memory_in_kernel),
		TEST(host_register),
		TEST(managed),
		TEST(pointer_attributes),
		{ NULL },
	};

	static const struct conform_test other[] = { TEST(holds_memory), { NULL } };

	return conform_main(getenv("CONFORM_HOLD") ? other : tests);
}
