// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Launches: arguments, dimensions, shared memory, occupancy. */
#include "conform.h"

static void add_vector(void)
{
	enum {
		N = 100000
	};
	unsigned int *h = malloc(N * sizeof(*h)), n = N, v = 3;
	CUdeviceptr p;
	void *args[] = { &p, &n, &v };

	CU(cuMemAlloc(&p, N * sizeof(*h)));
	for (unsigned int i = 0; i < N; i++)
		h[i] = i * 7;
	CU(cuMemcpyHtoD(p, h, N * sizeof(*h)));
	for (int i = 0; i < 10; i++)
		CU(cuLaunchKernel(conform_kernel("add"), (N + 255) / 256, 1, 1, 256, 1, 1, 0, NULL,
				  args, NULL));
	memset(h, 0, N * sizeof(*h));
	CU(cuMemcpyDtoH(h, p, N * sizeof(*h)));
	for (unsigned int i = 0; i < N; i++)
		EQUAL(h[i], i * 7 + 30);
	CU(cuMemFree(p));
	free(h);
}

struct triple {
	unsigned int x, y, z;
};

static void check_args(CUdeviceptr out)
{
	unsigned long long got[8];
	double e;

	CU(cuMemcpyDtoH(got, out, sizeof(got)));
	EQUAL(got[0], 0x81);
	EQUAL(got[1], 0x9234);
	EQUAL(got[2], 0xfedcba98);
	EQUAL(got[3], 0x7f);
	memcpy(&e, &got[4], 8);
	CHECK(e == 3.25);
	EQUAL(got[5], 11);
	EQUAL(got[6], 22);
	EQUAL(got[7], 33);
	CU(cuMemsetD8(out, 0, sizeof(got)));
}

static void arguments(void)
{
	unsigned char a = 0x81, d = 0x7f;
	unsigned short b = 0x9234;
	unsigned int c = 0xfedcba98;
	double e = 3.25;
	struct triple f = { 11, 22, 33 };
	CUdeviceptr out;
	void *args[] = { &out, &a, &b, &c, &d, &e, &f };
	CUfunction func = conform_kernel("args");
	struct {
		CUdeviceptr out;
		unsigned char a;
		unsigned short b;
		unsigned int c;
		unsigned char d;
		double e;
		struct triple f;
	} packed = { 0, a, b, c, d, e, f };
	size_t size = sizeof(packed);
	void *extra[] = { CU_LAUNCH_PARAM_BUFFER_POINTER, &packed, CU_LAUNCH_PARAM_BUFFER_SIZE,
			  &size, CU_LAUNCH_PARAM_END };

	CU(cuMemAlloc(&out, 64));
	CU(cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, args, NULL));
	check_args(out);
	packed.out = out;
	CU(cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, extra));
	check_args(out);
	/* Arguments are the launch's own: changing them behind it changes nothing. */
	CU(cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, args, NULL));
	a = 0;
	c = 0;
	memset(&f, 0, sizeof(f));
	check_args(out);
	RESULT(CUDA_ERROR_INVALID_VALUE,
	       cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, args, extra));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
	CU(cuMemFree(out));
}

static void dimensions(void)
{
	static const unsigned int good[][6] = {
		{ 1, 1, 1, 1, 1, 1 },	 { 7, 5, 3, 4, 2, 2 },	 { 1, 1, 1, 1024, 1, 1 },
		{ 1, 1, 1, 1, 1024, 1 }, { 1, 1, 1, 1, 1, 64 },	 { 100, 1, 1, 32, 1, 1 },
		{ 1, 300, 1, 1, 1, 1 },	 { 1, 1, 300, 1, 1, 1 },
	};
	static const unsigned int bad[][6] = {
		{ 0, 1, 1, 1, 1, 1 },	  { 1, 1, 1, 0, 1, 1 },		  { 1, 1, 1, 1025, 1, 1 },
		{ 1, 1, 1, 1, 1, 65 },	  { 1, 1, 1, 64, 64, 1 },	  { 1, 65536, 1, 1, 1, 1 },
		{ 1, 1, 65536, 1, 1, 1 }, { 2147483648u, 1, 1, 1, 1, 1 },
	};
	CUfunction func = conform_kernel("where");
	unsigned int got[6];
	CUdeviceptr p;
	void *args[] = { &p };

	CU(cuMemAlloc(&p, sizeof(got)));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const unsigned int *g = good[i];

		CU(cuLaunchKernel(func, g[0], g[1], g[2], g[3], g[4], g[5], 0, NULL, args, NULL));
		CU(cuMemcpyDtoH(got, p, sizeof(got)));
		for (int j = 0; j < 6; j++)
			EQUAL(got[j], g[j]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const unsigned int *b = bad[i];

		RESULT(CUDA_ERROR_INVALID_VALUE, cuLaunchKernel(func, b[0], b[1], b[2], b[3], b[4],
								b[5], 0, NULL, args, NULL));
	}
	/* It goes on. */
	CU(cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, args, NULL));
	CU(cuCtxSynchronize());
	RESULT(CUDA_ERROR_INVALID_HANDLE,
	       cuLaunchKernel(NULL, 1, 1, 1, 1, 1, 1, 0, NULL, args, NULL));
	CU(cuMemFree(p));
}

static void launch_bounds(void)
{
	CUfunction func = conform_kernel("limited");
	CUdeviceptr p = 0;
	void *args[] = { &p };
	CUresult result;

	CU(cuLaunchKernel(func, 1, 1, 1, 64, 1, 1, 0, NULL, args, NULL));
	result = cuLaunchKernel(func, 1, 1, 1, 65, 1, 1, 0, NULL, args, NULL);
	CHECK(result == CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES || result == CUDA_ERROR_INVALID_VALUE);
	CU(cuCtxSynchronize());
}

static void shared_memory(void)
{
	CUfunction func = conform_kernel("reverse");
	unsigned int h[512];
	CUdeviceptr p;
	void *args[] = { &p };
	int most, value;

	for (int i = 0; i < 512; i++)
		h[i] = i;
	CU(cuMemAlloc(&p, sizeof(h)));
	CU(cuMemcpyHtoD(p, h, sizeof(h)));
	CU(cuLaunchKernel(func, 1, 1, 1, 512, 1, 1, sizeof(h), NULL, args, NULL));
	CU(cuMemcpyDtoH(h, p, sizeof(h)));
	for (int i = 0; i < 512; i++)
		EQUAL(h[i], 511 - i);
	RESULT(CUDA_ERROR_INVALID_VALUE,
	       cuLaunchKernel(func, 1, 1, 1, 32, 1, 1, 1 << 20, NULL, args, NULL));
	/* More than 48 KiB has to be asked for first. */
	CU(cuDeviceGetAttribute(&most, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
				conform_device()));
	if (most > 48 << 10) {
		RESULT(CUDA_ERROR_INVALID_VALUE,
		       cuLaunchKernel(func, 1, 1, 1, 32, 1, 1, most, NULL, args, NULL));
		CU(cuFuncSetAttribute(func, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, most));
		CU(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, func));
		EQUAL(value, most);
		CU(cuLaunchKernel(func, 1, 1, 1, 32, 1, 1, most, NULL, args, NULL));
		CU(cuCtxSynchronize());
	}
	RESULT(CUDA_ERROR_INVALID_VALUE,
	       cuFuncSetAttribute(func, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 1 << 20));
	CU(cuMemFree(p));
}

static void launch_ex(void)
{
	unsigned int n = 64, v = 9, h[64];
	CUdeviceptr p;
	void *args[] = { &p, &n, &v };
	CUlaunchAttribute attrs[2];
	CUlaunchConfig config;

	memset(&config, 0, sizeof(config));
	memset(attrs, 0, sizeof(attrs));
	attrs[0].id = CU_LAUNCH_ATTRIBUTE_PRIORITY;
	attrs[1].id = CU_LAUNCH_ATTRIBUTE_IGNORE;
	config.gridDimX = 2;
	config.gridDimY = 1;
	config.gridDimZ = 1;
	config.blockDimX = 32;
	config.blockDimY = 1;
	config.blockDimZ = 1;
	config.attrs = attrs;
	config.numAttrs = 2;
	CU(cuMemAlloc(&p, sizeof(h)));
	CU(cuLaunchKernelEx(&config, conform_kernel("fill"), args, NULL));
	CU(cuMemcpyDtoH(h, p, sizeof(h)));
	EQUAL(h[0], 9);
	EQUAL(h[63], 9);
	CU(cuMemFree(p));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuLaunchKernelEx(NULL, conform_kernel("fill"), args, NULL));
}

static void cooperative(void)
{
	unsigned int n = 32, v = 4, h[32];
	CUdeviceptr p;
	void *args[] = { &p, &n, &v };
	int able;

	CU(cuDeviceGetAttribute(&able, CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH, conform_device()));
	if (!able)
		return;
	CU(cuMemAlloc(&p, sizeof(h)));
	CU(cuLaunchCooperativeKernel(conform_kernel("fill"), 1, 1, 1, 32, 1, 1, 0, NULL, args));
	CU(cuMemcpyDtoH(h, p, sizeof(h)));
	EQUAL(h[31], 4);
	RESULT(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE,
	       cuLaunchCooperativeKernel(conform_kernel("fill"), 1000000, 1, 1, 1024, 1, 1, 0, NULL,
					 args));
	CU(cuMemFree(p));
}

static size_t four_each(int threads)
{
	return threads * 4;
}

static void occupancy(void)
{
	CUfunction func = conform_kernel("fill");
	int blocks = 0, grid = 0, block = 0, most;

	CU(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, func, 256, 0));
	CHECK(blocks >= 1);
	CU(cuDeviceGetAttribute(&most, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR,
				conform_device()));
	CHECK(blocks * 256 <= most);
	CU(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, func, 32, 40 << 10));
	CHECK(blocks >= 1 && blocks <= 6);
	CU(cuOccupancyMaxPotentialBlockSize(&grid, &block, func, NULL, 0, 0));
	CHECK(grid >= 1 && block >= 32 && block <= 1024 && block % 32 == 0);
	CU(cuOccupancyMaxPotentialBlockSize(&grid, &block, func, four_each, 0, 128));
	CHECK(block <= 128);
	RESULT(CUDA_ERROR_INVALID_VALUE,
	       cuOccupancyMaxActiveBlocksPerMultiprocessor(NULL, func, 32, 0));
}

/* More launches than any queue holds. */
static void many(void)
{
	CUfunction func = conform_kernel("add");
	unsigned int n = 1, v = 1, h = 0;
	CUdeviceptr p;
	void *args[] = { &p, &n, &v };

	CU(cuMemAlloc(&p, 4));
	CU(cuMemsetD32(p, 0, 1));
	for (int i = 0; i < 10000; i++)
		CU(cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, args, NULL));
	CU(cuMemcpyDtoH(&h, p, 4));
	EQUAL(h, 10000);
	CU(cuMemFree(p));
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST(add_vector),    TEST(arguments), TEST(dimensions),	 TEST(launch_bounds),
		TEST(shared_memory), TEST(launch_ex), TEST(cooperative), TEST(occupancy),
		TEST(many),	     { NULL },
	};

	return conform_main(tests);
}
