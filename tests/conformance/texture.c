// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Arrays and texture objects: what they may be, what they are told to be, and their ends. What is read through them: tests/kernels. */
#include "conform.h"

static const char peek_ptx[] =
	".version 6.0\n.target sm_50\n.address_size 64\n"
	".visible .entry peek(.param .u64 out, .param .u64 texture, .param .u32 at)\n{\n"
	"\t.reg .b64 %o, %t;\n\t.reg .b32 %x, %a, %b, %c, %d;\n"
	"\tld.param.u64 %o, [out];\n\tld.param.u64 %t, [texture];\n\tld.param.u32 %x, [at];\n"
	"\ttex.1d.v4.u32.s32 {%a, %b, %c, %d}, [%t, {%x}];\n"
	"\tcvta.to.global.u64 %o, %o;\n\tst.global.u32 [%o], %a;\n\tret;\n}\n";

static CUDA_RESOURCE_DESC words(CUdeviceptr p, size_t size)
{
	CUDA_RESOURCE_DESC resource = { .resType = CU_RESOURCE_TYPE_LINEAR };

	resource.res.linear.devPtr = p;
	resource.res.linear.format = CU_AD_FORMAT_UNSIGNED_INT32;
	resource.res.linear.numChannels = 1;
	resource.res.linear.sizeInBytes = size;
	return resource;
}

static void peek(CUdeviceptr out, CUtexObject texture, unsigned int at)
{
	void *args[] = { &out, &texture, &at };
	CUfunction kernel;
	CUmodule module;

	CU(cuModuleLoadData(&module, peek_ptx));
	CU(cuModuleGetFunction(&kernel, module, "peek"));
	CU(cuLaunchKernel(kernel, 1, 1, 1, 1, 1, 1, 0, NULL, args, NULL));
}

static void linear(void)
{
	CUDA_TEXTURE_DESC desc = { .flags = CU_TRSF_READ_AS_INTEGER }, told;
	CUDA_RESOURCE_DESC resource, back;
	CUtexObject texture, another;
	unsigned int value;
	CUdeviceptr p;

	CU(cuMemAlloc(&p, 4096));
	for (unsigned int i = 0; i < 64; i++)
		CU(cuMemsetD32(p + 4 * i, 100 + i, 1));
	resource = words(p, 256);
	CU(cuTexObjectCreate(&texture, &resource, &desc, NULL));
	CU(cuTexObjectCreate(&another, &resource, &desc, NULL));
	if (texture == another || !texture || !another)
		FAIL("two texture objects have the handles %#llx and %#llx", texture, another);
	CU(cuTexObjectGetResourceDesc(&back, texture));
	EQUAL(back.res.linear.devPtr, p);
	EQUAL(back.res.linear.sizeInBytes, 256);
	CU(cuTexObjectGetTextureDesc(&told, texture));
	EQUAL(told.flags, CU_TRSF_READ_AS_INTEGER);
	peek(p + 1024, texture, 17);
	CU(cuMemcpyDtoH(&value, p + 1024, 4));
	EQUAL(value, 117);
	/* It is a view: what is written later is read. */
	CU(cuMemsetD32(p + 4 * 17, 5, 1));
	peek(p + 1024, another, 17);
	CU(cuTexObjectDestroy(another));
	CU(cuMemcpyDtoH(&value, p + 1024, 4));
	EQUAL(value, 5);
	RESULT(CUDA_ERROR_INVALID_VALUE, cuTexObjectDestroy(another));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuTexObjectGetResourceDesc(&back, another));
	CU(cuTexObjectDestroy(texture));
	CU(cuMemFree(p));
}

static void refused(void)
{
	CUDA_TEXTURE_DESC desc = { 0 };
	CUDA_RESOURCE_DESC resource;
	CUtexObject texture;
	CUdeviceptr p;

	CU(cuMemAlloc(&p, 1 << 16));
	resource = words(p, 1 << 16);
	RESULT(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(NULL, &resource, &desc, NULL));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&texture, NULL, &desc, NULL));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&texture, &resource, NULL, NULL));
	resource = words(p + 4, 256);
	RESULT(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&texture, &resource, &desc, NULL));
	resource = words(p, 3);
	RESULT(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&texture, &resource, &desc, NULL));
	resource = words(p, 256);
	resource.res.linear.numChannels = 3;
	RESULT(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&texture, &resource, &desc, NULL));
	resource = words(p, 256);
	resource.res.linear.format = 0x77;
	RESULT(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&texture, &resource, &desc, NULL));
	memset(&resource, 0, sizeof(resource));
	resource.resType = CU_RESOURCE_TYPE_PITCH2D;
	resource.res.pitch2D.devPtr = p;
	resource.res.pitch2D.format = CU_AD_FORMAT_UNSIGNED_INT32;
	resource.res.pitch2D.numChannels = 1;
	resource.res.pitch2D.width = 64;
	resource.res.pitch2D.height = 64;
	resource.res.pitch2D.pitchInBytes = 128;
	RESULT(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&texture, &resource, &desc, NULL));
	resource.res.pitch2D.pitchInBytes = 260;
	RESULT(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&texture, &resource, &desc, NULL));
	resource.res.pitch2D.pitchInBytes = 256;
	CU(cuTexObjectCreate(&texture, &resource, &desc, NULL));
	CU(cuTexObjectDestroy(texture));
	/* There is nothing between two integers. */
	desc.filterMode = CU_TR_FILTER_MODE_LINEAR;
	RESULT(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(&texture, &resource, &desc, NULL));
	CU(cuMemFree(p));
}

static void arrays(void)
{
	CUDA_ARRAY_DESCRIPTOR desc = { .Width = 100, .Height = 7, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 2 }, told;
	CUDA_MEMCPY2D copy = { .srcMemoryType = CU_MEMORYTYPE_HOST, .dstMemoryType = CU_MEMORYTYPE_ARRAY, .WidthInBytes = 80, .Height = 3 };
	float in[3 * 20], out[100 * 2], *at;
	CUarray array, second;

	CU(cuArrayCreate(&array, &desc));
	CU(cuArrayCreate(&second, &desc));
	CU(cuArrayGetDescriptor(&told, array));
	EQUAL(told.Width, 100);
	EQUAL(told.Height, 7);
	EQUAL(told.NumChannels, 2);
	for (int i = 0; i < 60; i++)
		in[i] = (float)i;
	/* A box in the middle of one, from there to the other, and a row of it out. */
	copy.srcHost = in;
	copy.srcPitch = 80;
	copy.dstArray = array;
	copy.dstXInBytes = 16;
	copy.dstY = 4;
	CU(cuMemcpy2D(&copy));
	memset(&copy, 0, sizeof(copy));
	copy.srcMemoryType = CU_MEMORYTYPE_ARRAY;
	copy.srcArray = array;
	copy.srcXInBytes = 16;
	copy.srcY = 4;
	copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
	copy.dstArray = second;
	copy.WidthInBytes = 80;
	copy.Height = 3;
	CU(cuMemcpy2D(&copy));
	CU(cuMemcpyAtoH(out, second, 800, 800));
	at = out;
	for (int i = 0; i < 20; i++)
		EQUAL(at[i], 20 + i);
	/* Beyond its edges, and after its end. */
	copy.srcY = 5;
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemcpy2D(&copy));
	copy.srcY = 4;
	copy.dstXInBytes = 728;
	RESULT(CUDA_ERROR_INVALID_VALUE, cuMemcpy2D(&copy));
	CU(cuArrayDestroy(second));
	copy.dstXInBytes = 0;
	RESULT(CUDA_ERROR_INVALID_HANDLE, cuMemcpy2D(&copy));
	RESULT(CUDA_ERROR_INVALID_HANDLE, cuArrayDestroy(second));
	CU(cuArrayDestroy(array));
	desc.NumChannels = 3;
	RESULT(CUDA_ERROR_INVALID_VALUE, cuArrayCreate(&array, &desc));
	desc.NumChannels = 1;
	desc.Width = 0;
	RESULT(CUDA_ERROR_INVALID_VALUE, cuArrayCreate(&array, &desc));
}

/* Contexts take their textures and arrays with them; numbers are used again. */
static void end_with_context(void)
{
	CUDA_ARRAY_DESCRIPTOR shape = { .Width = 64, .Height = 64, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 4 };
	CUDA_TEXTURE_DESC desc = { 0 };
	CUDA_RESOURCE_DESC resource;
	CUtexObject texture;
	CUcontext context;
	CUarray array;
	size_t before, after, total;

	CU(cuMemGetInfo(&before, &total));
	for (int i = 0; i < 20; i++) {
		CU(cuCtxCreate(&context, NULL, 0, conform_device()));
		memset(&resource, 0, sizeof(resource));
		for (int k = 0; k < 20; k++) {
			CU(cuArrayCreate(&array, &shape));
			resource.resType = CU_RESOURCE_TYPE_ARRAY;
			resource.res.array.hArray = array;
			CU(cuTexObjectCreate(&texture, &resource, &desc, NULL));
		}
		CU(cuCtxDestroy(context));
		CU(cuCtxSetCurrent(conform_context()));
		RESULT(CUDA_ERROR_INVALID_HANDLE, cuArrayDestroy(array));
		RESULT(CUDA_ERROR_INVALID_VALUE, cuTexObjectDestroy(texture));
	}
	CU(cuMemGetInfo(&after, &total));
	if (after < before)
		FAIL("%zu bytes are free, before it were %zu", after, before);
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST(linear), TEST(refused), TEST(arrays), TEST(end_with_context), { NULL },
	};

	return conform_main(tests);
}
