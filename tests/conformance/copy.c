// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Copies in every direction, of every shape, and fills. */
#include "conform.h"

/* Bytes that depend on their place. */
static void pattern(unsigned char *p, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (i * 2654435761u + seed * 40503u) >> 13;
}

static void same(const unsigned char *a, const unsigned char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i])
			FAIL("byte %zu of %zu is %#x, not %#x", i, len, a[i], b[i]);
}

static void pageable(void)
{
	static const size_t sizes[] = { 1,	 3,	  64,	   4095,
					4096,	 65537,	  1 << 20, (1 << 20) + 1,
					5000001, 40 << 20 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *from = malloc(sizes[i]), *to = calloc(1, sizes[i]);
		CUdeviceptr p;

		pattern(from, sizes[i], i);
		CU(cuMemAlloc(&p, sizes[i]));
		CU(cuMemcpyHtoD(p, from, sizes[i]));
		CU(cuMemcpyDtoH(to, p, sizes[i]));
		same(to, from, sizes[i]);
		CU(cuMemFree(p));
		free(from);
		free(to);
	}
}

static void pinned(void)
{
	const size_t len = 3 << 20;
	unsigned char *from, *to;
	CUdeviceptr p, q;

	CU(cuMemHostAlloc((void **)&from, len, 0));
	CU(cuMemHostAlloc((void **)&to, len, 0));
	CU(cuMemAlloc(&p, len));
	CU(cuMemAlloc(&q, len));
	pattern(from, len, 1);
	memset(to, 0, len);
	CU(cuMemcpyHtoDAsync(p, from, len, NULL));
	CU(cuMemcpyDtoDAsync(q, p, len, NULL));
	CU(cuMemcpyDtoHAsync(to, q, len, NULL));
	CU(cuStreamSynchronize(NULL));
	same(to, from, len);
	/* The source may be changed as soon as a synchronous copy has returned. */
	pattern(from, len, 2);
	CU(cuMemcpyHtoD(p, from, len));
	memset(from, 0, len);
	CU(cuMemcpyDtoH(to, p, len));
	pattern(from, len, 2);
	same(to, from, len);
	CU(cuMemFreeHost(from));
	CU(cuMemFreeHost(to));
	CU(cuMemFree(p));
	CU(cuMemFree(q));
}

/* The source of an asynchronous copy of pageable memory may be changed at once. */
static void pageable_async(void)
{
	unsigned int values[1024], back[1024];
	CUdeviceptr p;
	CUstream stream;

	CU(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
	CU(cuMemAlloc(&p, 100 * sizeof(values)));
	for (unsigned int i = 0; i < 100; i++) {
		for (int j = 0; j < 1024; j++)
			values[j] = i * 1024 + j;
		CU(cuMemcpyHtoDAsync(p + i * sizeof(values), values, sizeof(values), stream));
	}
	for (unsigned int i = 0; i < 100; i++) {
		CU(cuMemcpyDtoHAsync(back, p + i * sizeof(back), sizeof(back), stream));
		CU(cuStreamSynchronize(stream));
		EQUAL(back[0], i * 1024);
		EQUAL(back[1023], i * 1024 + 1023);
	}
	CU(cuStreamDestroy(stream));
	CU(cuMemFree(p));
}

static void unified(void)
{
	unsigned char from[5000], to[5000], *host;
	CUdeviceptr p;

	CU(cuMemAlloc(&p, sizeof(from)));
	CU(cuMemHostAlloc((void **)&host, sizeof(from), 0));
	pattern(from, sizeof(from), 9);
	CU(cuMemcpy(p, (CUdeviceptr)from, sizeof(from)));
	CU(cuMemcpy((CUdeviceptr)host, p, sizeof(from)));
	CU(cuMemcpyAsync((CUdeviceptr)to, (CUdeviceptr)host, sizeof(from), NULL));
	CU(cuCtxSynchronize());
	same(to, from, sizeof(from));
	CU(cuMemFreeHost(host));
	CU(cuMemFree(p));
}

static void ranges(void)
{
	unsigned char buffer[4096];
	CUdeviceptr p;

	CU(cuMemAlloc(&p, 4096));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(p, buffer, 1ULL << 40));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoH(buffer, 0x10, 16));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(p, NULL, 16));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemsetD8(0x10, 0, 16));
	CU(cuMemcpyHtoD(p, buffer, 0));
	CU(cuMemcpyHtoD(p, buffer, 4096));
	CU(cuMemFree(p));
}

static void fills(void)
{
	unsigned char buffer[4096];
	unsigned short *shorts = (unsigned short *)buffer;
	unsigned int *words = (unsigned int *)buffer;
	CUdeviceptr p;

	CU(cuMemAlloc(&p, sizeof(buffer)));
	CU(cuMemsetD8(p, 0xab, sizeof(buffer)));
	CU(cuMemsetD16(p + 16, 0x1234, 8));
	CU(cuMemsetD32(p + 64, 0xdeadbeef, 4));
	CU(cuMemsetD32Async(p + 128, 0x01020304, 2, NULL));
	CU(cuMemsetD8Async(p + 4095, 0x11, 1, NULL));
	CU(cuMemcpyDtoH(buffer, p, sizeof(buffer)));
	EQUAL(buffer[15], 0xab);
	EQUAL(shorts[8], 0x1234);
	EQUAL(shorts[15], 0x1234);
	EQUAL(buffer[32], 0xab);
	EQUAL(words[16], 0xdeadbeef);
	EQUAL(words[19], 0xdeadbeef);
	EQUAL(buffer[80], 0xab);
	EQUAL(words[33], 0x01020304);
	EQUAL(buffer[4094], 0xab);
	EQUAL(buffer[4095], 0x11);
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemsetD32(p + 2, 0, 1));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemsetD16(p + 1, 0, 1));
	CU(cuMemFree(p));
}

static void large_fill(void)
{
	const size_t len = 150 << 20;
	unsigned int last = 0;
	CUdeviceptr p;

	CU(cuMemAlloc(&p, len));
	CU(cuMemsetD32(p, 0x600df00d, len / 4));
	CU(cuMemcpyDtoH(&last, p + len - 4, 4));
	EQUAL(last, 0x600df00d);
	CU(cuMemcpyDtoH(&last, p + (70 << 20), 4));
	EQUAL(last, 0x600df00d);
	CU(cuMemFree(p));
}

static void fill_2d(void)
{
	unsigned char buffer[64 * 16];
	CUdeviceptr p;

	CU(cuMemAlloc(&p, sizeof(buffer)));
	CU(cuMemsetD8(p, 0, sizeof(buffer)));
	CU(cuMemsetD2D8(p, 64, 7, 10, 16));
	CU(cuMemsetD2D32(p + 32, 64, 0x05050505, 2, 3));
	CU(cuMemcpyDtoH(buffer, p, sizeof(buffer)));
	for (int y = 0; y < 16; y++) {
		for (int x = 0; x < 64; x++) {
			int expected = x < 10 ? 7 : x >= 32 && x < 40 && y < 3 ? 5 : 0;

			EQUAL(buffer[y * 64 + x], expected);
		}
	}
	CU(cuMemFree(p));
}

/* A box of width by height out of the middle of a plane, to the middle of another. */
static void copy_2d(void)
{
	enum {
		W = 1500,
		H = 700,
		X = 33,
		Y = 17,
		PITCH = 2048
	};
	unsigned char *from = malloc(PITCH * 1024), *to = calloc(PITCH, 1024);
	CUDA_MEMCPY2D c;
	CUdeviceptr p;
	size_t pitch;

	pattern(from, PITCH * 1024, 3);
	CU(cuMemAllocPitch(&p, &pitch, 2000, 1000, 4));
	memset(&c, 0, sizeof(c));
	c.srcMemoryType = CU_MEMORYTYPE_HOST;
	c.srcHost = from;
	c.srcPitch = PITCH;
	c.srcXInBytes = X;
	c.srcY = Y;
	c.dstMemoryType = CU_MEMORYTYPE_DEVICE;
	c.dstDevice = p;
	c.dstPitch = pitch;
	c.dstXInBytes = 100;
	c.dstY = 50;
	c.WidthInBytes = W;
	c.Height = H;
	CU(cuMemcpy2D(&c));
	memset(&c, 0, sizeof(c));
	c.srcMemoryType = CU_MEMORYTYPE_DEVICE;
	c.srcDevice = p;
	c.srcPitch = pitch;
	c.srcXInBytes = 100;
	c.srcY = 50;
	c.dstMemoryType = CU_MEMORYTYPE_HOST;
	c.dstHost = to;
	c.dstPitch = PITCH;
	c.dstXInBytes = X;
	c.dstY = Y;
	c.WidthInBytes = W;
	c.Height = H;
	CU(cuMemcpy2DAsync(&c, NULL));
	CU(cuCtxSynchronize());
	for (int y = 0; y < H; y++)
		same(to + (y + Y) * PITCH + X, from + (y + Y) * PITCH + X, W);
	EQUAL(to[Y * PITCH + X - 1], 0);
	EQUAL(to[(Y + H) * PITCH + X], 0);
	c.srcPitch = 10;
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemcpy2D(&c));
	CU(cuMemFree(p));
	free(from);
	free(to);
}

static void copy_3d(void)
{
	enum {
		W = 40,
		H = 12,
		D = 5
	};
	unsigned char from[W * H * D], to[W * H * D];
	CUDA_MEMCPY3D c;
	CUdeviceptr p;

	pattern(from, sizeof(from), 4);
	memset(to, 0, sizeof(to));
	CU(cuMemAlloc(&p, 64 * 16 * 8));
	memset(&c, 0, sizeof(c));
	c.srcMemoryType = CU_MEMORYTYPE_HOST;
	c.srcHost = from;
	c.srcPitch = W;
	c.srcHeight = H;
	c.dstMemoryType = CU_MEMORYTYPE_DEVICE;
	c.dstDevice = p;
	c.dstPitch = 64;
	c.dstHeight = 16;
	c.dstXInBytes = 8;
	c.dstY = 2;
	c.dstZ = 1;
	c.WidthInBytes = W;
	c.Height = H;
	c.Depth = D;
	CU(cuMemcpy3D(&c));
	memset(&c, 0, sizeof(c));
	c.srcMemoryType = CU_MEMORYTYPE_UNIFIED;
	c.srcDevice = p;
	c.srcPitch = 64;
	c.srcHeight = 16;
	c.srcXInBytes = 8;
	c.srcY = 2;
	c.srcZ = 1;
	c.dstMemoryType = CU_MEMORYTYPE_HOST;
	c.dstHost = to;
	c.dstPitch = W;
	c.dstHeight = H;
	c.WidthInBytes = W;
	c.Height = H;
	c.Depth = D;
	CU(cuMemcpy3D(&c));
	same(to, from, sizeof(from));
	CU(cuMemFree(p));
}

/* Within the device, with pitches. */
static void device_2d(void)
{
	unsigned char from[32 * 32], to[32 * 32];
	CUDA_MEMCPY2D c;
	CUdeviceptr p, q;

	pattern(from, sizeof(from), 5);
	CU(cuMemAlloc(&p, sizeof(from)));
	CU(cuMemAlloc(&q, sizeof(from)));
	CU(cuMemcpyHtoD(p, from, sizeof(from)));
	CU(cuMemsetD8(q, 0, sizeof(to)));
	memset(&c, 0, sizeof(c));
	c.srcMemoryType = CU_MEMORYTYPE_DEVICE;
	c.srcDevice = p;
	c.srcPitch = 32;
	c.dstMemoryType = CU_MEMORYTYPE_DEVICE;
	c.dstDevice = q;
	c.dstPitch = 32;
	c.dstXInBytes = 4;
	c.WidthInBytes = 20;
	c.Height = 31;
	CU(cuMemcpy2DUnaligned(&c));
	CU(cuMemcpyDtoH(to, q, sizeof(to)));
	for (int y = 0; y < 31; y++)
		same(to + y * 32 + 4, from + y * 32, 20);
	EQUAL(to[3], 0);
	EQUAL(to[31 * 32 + 4], 0);
	CU(cuMemFree(p));
	CU(cuMemFree(q));
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST(pageable), TEST(pinned),  TEST(pageable_async), TEST(unified),
		TEST(ranges),	TEST(fills),   TEST(large_fill),     TEST(fill_2d),
		TEST(copy_2d),	TEST(copy_3d), TEST(device_2d),	     { NULL },
	};

	return conform_main(tests);
}
