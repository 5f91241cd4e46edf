// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Stream-ordered allocation and virtual memory management. */
#include "conform.h"

static void fill(CUdeviceptr p, unsigned int n, unsigned int v, CUstream stream)
{
	void *args[] = { &p, &n, &v };

	CU(cuLaunchKernel(conform_kernel("fill"), (n + 255) / 256, 1, 1, 256, 1, 1, 0, stream, args,
			  NULL));
}

static void async(void)
{
	unsigned int value[1000];
	CUstream stream;
	CUdeviceptr p;

	CU(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	for (unsigned int i = 0; i < 200; i++) {
		CU(cuMemAllocAsync(&p, sizeof(value), stream));
		fill(p, 1000, i, stream);
		CU(cuMemcpyDtoHAsync(value, p, sizeof(value), stream));
		CU(cuMemFreeAsync(p, stream));
		EQUAL(value[0], i);
		EQUAL(value[999], i);
	}
	CU(cuStreamSynchronize(stream));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemAllocAsync(&p, 0, stream));
	CU(cuMemAllocAsync(&p, 64, stream));
	CU(cuMemFree(p));
	CU(cuMemAlloc(&p, 64));
	CU(cuMemFreeAsync(p, stream));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemFreeAsync(p, stream));
	CU(cuStreamSynchronize(stream));
	CU(cuStreamDestroy(stream));
}

/* What was freed in a stream is not given to another one before it came there. */
static void not_too_early(void)
{
	CUstream first, second;
	CUdeviceptr p, q;
	unsigned int a = 0, b = 0;

	CU(cuStreamCreate(&first, CU_STREAM_NON_BLOCKING));
	CU(cuStreamCreate(&second, CU_STREAM_NON_BLOCKING));
	CU(cuMemAllocAsync(&p, 1 << 20, first));
	fill(p, 1 << 18, 1, first);
	CU(cuMemcpyDtoHAsync(&a, p + (1 << 20) - 4, 4, first));
	CU(cuMemFreeAsync(p, first));
	CU(cuMemAllocAsync(&q, 1 << 20, second));
	fill(q, 1 << 18, 2, second);
	CU(cuMemcpyDtoHAsync(&b, q, 4, second));
	CU(cuMemFreeAsync(q, second));
	CU(cuCtxSynchronize());
	EQUAL(a, 1);
	EQUAL(b, 2);
	CU(cuStreamDestroy(first));
	CU(cuStreamDestroy(second));
}

static void pools(void)
{
	CUmemoryPool standard, pool, current;
	CUmemPoolProps props;
	cuuint64_t threshold = 64 << 20, used = 1, got = 0;
	CUstream stream;
	CUdeviceptr p;

	CU(cuDeviceGetDefaultMemPool(&standard, conform_device()));
	CU(cuDeviceGetMemPool(&current, conform_device()));
	CHECK(standard == current);
	memset(&props, 0, sizeof(props));
	props.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
	props.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
	props.location.id = conform_device();
	CU(cuMemPoolCreate(&pool, &props));
	CU(cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &threshold));
	CU(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &got));
	EQUAL(got, threshold);
	CU(cuStreamCreate(&stream, 0));
	CU(cuMemAllocFromPoolAsync(&p, 1 << 20, pool, stream));
	fill(p, 1000, 7, stream);
	CU(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
	CHECK(used >= 1 << 20);
	CU(cuMemFreeAsync(p, stream));
	CU(cuStreamSynchronize(stream));
	CU(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
	EQUAL(used, 0);
	CU(cuMemPoolTrimTo(pool, 0));
	CU(cuMemPoolDestroy(pool));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemPoolDestroy(pool));
	CU(cuStreamDestroy(stream));
}

static void virtual_memory(void)
{
	CUmemGenericAllocationHandle first, second;
	CUmemAllocationProp prop;
	CUmemAccessDesc access;
	unsigned int value = 0;
	unsigned long long flags = 0;
	CUdeviceptr p;
	size_t g;

	memset(&prop, 0, sizeof(prop));
	prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
	prop.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
	prop.location.id = conform_device();
	access.location = prop.location;
	access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
	CU(cuMemGetAllocationGranularity(&g, &prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM));
	CHECK(g >= 4096 && !(g & (g - 1)));
	CU(cuMemAddressReserve(&p, 4 * g, 0, 0, 0));
	CU(cuMemCreate(&first, g, &prop, 0));
	CU(cuMemCreate(&second, 2 * g, &prop, 0));
	CU(cuMemMap(p, g, 0, first, 0));
	CU(cuMemMap(p + g, 2 * g, 0, second, 0));
	CU(cuMemSetAccess(p, 3 * g, &access, 1));
	CU(cuMemGetAccess(&flags, &access.location, p));
	EQUAL(flags, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
	/* One buffer across both. */
	fill(p, 3 * g / 4, 9, NULL);
	CU(cuMemcpyDtoH(&value, p + 3 * g - 4, 4));
	EQUAL(value, 9);
	CU(cuMemsetD32(p + g - 8, 3, 4));
	CU(cuMemcpyDtoH(&value, p + g + 4, 4));
	EQUAL(value, 3);
	/* Unmapped, what is in it stays with the handle. */
	CU(cuMemUnmap(p, g));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoH(&value, p, 4));
	CU(cuMemMap(p + 3 * g, g, 0, first, 0));
	CU(cuMemSetAccess(p + 3 * g, g, &access, 1));
	CU(cuMemcpyDtoH(&value, p + 3 * g, 4));
	EQUAL(value, 9);
	CU(cuMemUnmap(p + g, 3 * g));
	CU(cuMemRelease(first));
	CU(cuMemRelease(second));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemRelease(second));
	CU(cuMemAddressFree(p, 4 * g));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemAddressReserve(&p, g + 1, 0, 0, 0));
}

/* Where memory is short, what is in it is not given up. */
static void scarce(void)
{
	CUmemAllocationProp prop = { .type = CU_MEM_ALLOCATION_TYPE_PINNED,
				     .location = { .type = CU_MEM_LOCATION_TYPE_DEVICE,
						   .id = conform_device() } };
	CUmemAccessDesc access = { .location = prop.location,
				   .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE };
	CUmemGenericAllocationHandle handle;
	size_t g, size, free_before, total;
	unsigned int word = 0;
	CUdeviceptr p;

	CU(cuMemGetAllocationGranularity(&g, &prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM));
	CU(cuMemGetInfo(&free_before, &total));
	size = free_before / g * 3 / 4 * g;
	CU(cuMemAddressReserve(&p, size, 0, 0, 0));
	CU(cuMemCreate(&handle, size, &prop, 0));
	CU(cuMemMap(p, size, 0, handle, 0));
	CU(cuMemSetAccess(p, size, &access, 1));
	CU(cuMemsetD32(p + size - 4, 0x5eed, 1));
	CU(cuMemUnmap(p, size));
	CU(cuMemMap(p, size, 0, handle, 0));
	CU(cuMemSetAccess(p, size, &access, 1));
	CU(cuMemcpyDtoH(&word, p + size - 4, 4));
	CHECK(word == 0x5eed);
	CU(cuMemUnmap(p, size));
	CU(cuMemRelease(handle));
	CU(cuMemAddressFree(p, size));
	CU(cuMemGetInfo(&size, &total));
	CHECK(size == free_before);
}

/* One handle's memory at several addresses: a ring that never wraps, as the two mappings of it lie one behind the other. */
static void aliases(void)
{
	CUmemAllocationProp prop = { .type = CU_MEM_ALLOCATION_TYPE_PINNED,
				     .location = { .type = CU_MEM_LOCATION_TYPE_DEVICE,
						   .id = conform_device() } };
	CUmemAccessDesc access = { .location = prop.location,
				   .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE };
	size_t g, free_before, free_mapped, free_now, total;
	CUmemGenericAllocationHandle handle, again;
	unsigned int words[4];
	CUdeviceptr p, third;

	CU(cuMemGetAllocationGranularity(&g, &prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM));
	CHECK(conform_kernel("fill") != NULL); /* its module takes memory, too */
	CU(cuMemGetInfo(&free_before, &total));
	CU(cuMemAddressReserve(&p, 3 * g, 0, 0, 0));
	CU(cuMemCreate(&handle, g, &prop, 0));
	CU(cuMemMap(p, g, 0, handle, 0));
	CU(cuMemGetInfo(&free_mapped, &total));
	CU(cuMemMap(p + g, g, 0, handle, 0));
	CU(cuMemSetAccess(p, 2 * g, &access, 1));
	RESULT(CUDA_ERROR_ALREADY_MAPPED, cuMemMap(p + g, g, 0, handle, 0));
	/* It counts once. */
	CU(cuMemGetInfo(&free_now, &total));
	EQUAL(free_now, free_mapped);
	/* What is written over the end is at the beginning; a kernel, a memset and a copy see the same. */
	CU(cuMemsetD32(p + g - 8, 5, 4));
	CU(cuMemcpyDtoH(words, p, 8));
	EQUAL(words[0], 5);
	EQUAL(words[1], 5);
	fill(p + g, g / 4, 6, NULL);
	CU(cuMemcpyDtoH(words, p + g - 8, 16));
	for (int i = 0; i < 4; i++)
		EQUAL(words[i], 6);
	/* Each goes by itself, and neither takes the other along. */
	CU(cuMemUnmap(p, g));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoH(words, p, 4));
	CU(cuMemcpyDtoH(words, p + g, 4));
	EQUAL(words[0], 6);
	/* A mapping keeps the memory without the handle, and gives the handle out again. */
	CU(cuMemRelease(handle));
	CU(cuMemsetD32(p + g, 7, 1));
	CU(cuMemRetainAllocationHandle(&again, (void *)(uintptr_t)(p + g)));
	third = p + 2 * g;
	CU(cuMemMap(third, g, 0, again, 0));
	CU(cuMemSetAccess(third, g, &access, 1));
	CU(cuMemUnmap(p + g, g));
	CU(cuMemcpyDtoH(words, third, 8));
	EQUAL(words[0], 7);
	EQUAL(words[1], 6);
	CU(cuMemRelease(again));
	CU(cuMemGetInfo(&free_now, &total));
	EQUAL(free_now, free_mapped);
	CU(cuMemUnmap(third, g));
	CU(cuMemAddressFree(p, 3 * g));
	CU(cuMemGetInfo(&free_now, &total));
	EQUAL(free_now, free_before);
}

/* As allocators do that grow one buffer in place. */
static void growing(void)
{
	CUmemGenericAllocationHandle handle;
	CUmemAllocationProp prop;
	CUmemAccessDesc access;
	unsigned int value = 0;
	CUdeviceptr p;
	size_t g;

	memset(&prop, 0, sizeof(prop));
	prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
	prop.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
	prop.location.id = conform_device();
	access.location = prop.location;
	access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
	CU(cuMemGetAllocationGranularity(&g, &prop, CU_MEM_ALLOC_GRANULARITY_RECOMMENDED));
	CU(cuMemAddressReserve(&p, 16 * g, 0, 0, 0));
	for (int i = 0; i < 16; i++) {
		CU(cuMemCreate(&handle, g, &prop, 0));
		CU(cuMemMap(p + i * g, g, 0, handle, 0));
		CU(cuMemSetAccess(p + i * g, g, &access, 1));
		CU(cuMemRelease(handle));
		fill(p + i * g, g / 4, i, NULL);
	}
	for (int i = 0; i < 16; i++) {
		CU(cuMemcpyDtoH(&value, p + i * g + 4, 4));
		EQUAL(value, i);
	}
	CU(cuMemUnmap(p, 16 * g));
	CU(cuMemAddressFree(p, 16 * g));
}

/* Memory that leaves no room for a second copy of itself keeps what is in it. */
static void crowded(void)
{
	CUmemGenericAllocationHandle handle, rest[64];
	unsigned int value = 0, num_rest = 0;
	CUmemAllocationProp prop;
	CUmemAccessDesc access;
	size_t g, size, free_now, free_before, total, words;
	CUdeviceptr p, q;

	memset(&prop, 0, sizeof(prop));
	prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
	prop.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
	prop.location.id = conform_device();
	access.location = prop.location;
	access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
	CU(cuMemGetAllocationGranularity(&g, &prop, CU_MEM_ALLOC_GRANULARITY_RECOMMENDED));
	size = 3 * g;
	words = size / 4;
	CHECK(conform_kernel("fill") != NULL); /* its module takes memory, too */
	CU(cuMemGetInfo(&free_before, &total));
	CU(cuMemAddressReserve(&p, 3 * size, 0, 0, 0));
	CU(cuMemCreate(&handle, size, &prop, 0));
	CU(cuMemMap(p, size, 0, handle, 0));
	CU(cuMemSetAccess(p, size, &access, 1));
	fill(p, words, 77, NULL);
	CU(cuMemsetD32(p + size - 4, 78, 1));
	/* All that is left is taken, by halves, down to less than the handle has. */
	CU(cuMemGetInfo(&free_now, &total));
	for (size_t want = free_now / g * g; want >= g && num_rest < 64;) {
		if (cuMemCreate(&rest[num_rest], want, &prop, 0) == CUDA_SUCCESS)
			num_rest++;
		else
			want = want / 2 / g * g;
	}
	CHECK(num_rest > 0);
	CHECK(num_rest < 64);
	RESULT(CUDA_ERROR_OUT_OF_MEMORY, cuMemCreate(&rest[63], size, &prop, 0));
	for (int i = 0; i < 3; i++) {
		CU(cuMemUnmap(p + i % 2 * size, size));
		RESULT(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoH(&value, p + i % 2 * size, 4));
		q = p + (i + 1) % 2 * size;
		CU(cuMemMap(q, size, 0, handle, 0));
		CU(cuMemSetAccess(q, size, &access, 1));
		CU(cuMemcpyDtoH(&value, q, 4));
		EQUAL(value, 77);
		CU(cuMemcpyDtoH(&value, q + size - 8, 4));
		EQUAL(value, 77);
		CU(cuMemcpyDtoH(&value, q + size - 4, 4));
		EQUAL(value, 78);
	}
	for (unsigned int i = 0; i < num_rest; i++)
		CU(cuMemRelease(rest[i]));
	CU(cuMemRelease(handle));
	CU(cuMemUnmap(p + size, size));
	CU(cuMemAddressFree(p, 3 * size));
	CU(cuMemGetInfo(&free_now, &total));
	CHECK(free_now >= free_before);
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST(async),	      TEST(not_too_early), TEST(pools),
		TEST(virtual_memory), TEST(scarce),	   TEST(growing),
		TEST(crowded),		TEST(aliases),
		{ NULL },
	};

	return conform_main(tests);
}
