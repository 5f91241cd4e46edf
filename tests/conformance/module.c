// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Modules, functions, variables, linking, libraries. */
#include "conform.h"

static void load_and_unload(void)
{
	CUmodule module;
	CUfunction func, again;

	CU(cuModuleLoadData(&module, conform_ptx));
	CU(cuModuleGetFunction(&func, module, "add"));
	CU(cuModuleGetFunction(&again, module, "add"));
	CHECK(func == again);
	RESULT(CUDA_ERROR_NOT_FOUND, cuModuleGetFunction(&func, module, "missing"));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuModuleGetFunction(&func, module, NULL));
	CU(cuModuleUnload(module));
	RESULT(CUDA_ERROR_INVALID_HANDLE, cuModuleUnload(module));
	RESULT(CUDA_ERROR_INVALID_HANDLE, cuModuleGetFunction(&func, module, "add"));
}

static void bad_ptx(void)
{
	static const char bad[] = ".version 6.0\n.target sm_50\n.address_size 64\n"
				  ".visible .entry f()\n{\n\tnonsense.u32 %r1;\n\tret;\n}\n";
	char info[1024] = "", error[1024] = "";
	CUjit_option options[] = { CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES,
				   CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES };
	void *values[] = { info, (void *)sizeof(info), error, (void *)sizeof(error) };
	CUmodule module;

	RESULT(CUDA_ERROR_INVALID_PTX, cuModuleLoadDataEx(&module, bad, 4, options, values));
	CHECK(strlen(error) > 0);
	CHECK(strstr(error, "line"));
	EQUAL((size_t)values[3], strlen(error) + 1);
	EQUAL((size_t)values[1], 0);
	/* A good one after it. */
	error[0] = 'x';
	values[1] = (void *)sizeof(info);
	values[3] = (void *)sizeof(error);
	CU(cuModuleLoadDataEx(&module, conform_ptx, 4, options, values));
	EQUAL((size_t)values[3], 0);
	CU(cuModuleUnload(module));
}

static void bad_image(void)
{
	static const unsigned char junk[64] = { 1, 2, 3, 4, 0xff, 0xfe };
	CUmodule module;

	RESULT(CUDA_ERROR_INVALID_IMAGE, cuModuleLoadData(&module, junk));
	RESULT(CUDA_ERROR_INVALID_VALUE, cuModuleLoadData(&module, NULL));
	RESULT(CUDA_ERROR_FILE_NOT_FOUND, cuModuleLoad(&module, "/nonexistent/module.ptx"));
}

static void file(void)
{
	char path[] = "/tmp/conform-XXXXXX";
	int fd = mkstemp(path);
	CUmodule module;
	CUfunction func;

	CHECK(fd >= 0);
	CHECK(write(fd, conform_ptx, strlen(conform_ptx)) == (ssize_t)strlen(conform_ptx));
	close(fd);
	CU(cuModuleLoad(&module, path));
	unlink(path);
	CU(cuModuleGetFunction(&func, module, "empty"));
	CU(cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
	CU(cuModuleUnload(module));
}

static void globals(void)
{
	CUmodule module;
	CUfunction bump;
	CUdeviceptr p;
	unsigned int value = 0, n = 5;
	unsigned long long table[4];
	void *args[] = { &n };
	size_t size;

	CU(cuModuleLoadData(&module, conform_ptx));
	CU(cuModuleGetGlobal(&p, &size, module, "counter"));
	EQUAL(size, 4);
	CU(cuMemcpyDtoH(&value, p, 4));
	EQUAL(value, 41);
	CU(cuModuleGetFunction(&bump, module, "bump"));
	CU(cuLaunchKernel(bump, 1, 1, 1, 1, 1, 1, 0, NULL, args, NULL));
	CU(cuMemcpyDtoH(&value, p, 4));
	EQUAL(value, 41 + 5 * 3);
	value = 1000;
	CU(cuMemcpyHtoD(p, &value, 4));
	CU(cuLaunchKernel(bump, 1, 1, 1, 1, 1, 1, 0, NULL, args, NULL));
	CU(cuMemcpyDtoH(&value, p, 4));
	EQUAL(value, 1015);
	CU(cuModuleGetGlobal(&p, &size, module, "table"));
	EQUAL(size, 32);
	CU(cuMemcpyDtoH(table, p, 32));
	EQUAL(table[0], 1);
	EQUAL(table[3], 4);
	/* Constants can be changed by the host. */
	CU(cuModuleGetGlobal(&p, &size, module, "factor"));
	EQUAL(size, 4);
	value = 10;
	CU(cuMemcpyHtoD(p, &value, 4));
	CU(cuModuleGetGlobal(&p, NULL, module, "counter"));
	CU(cuLaunchKernel(bump, 1, 1, 1, 1, 1, 1, 0, NULL, args, NULL));
	CU(cuMemcpyDtoH(&value, p, 4));
	EQUAL(value, 1065);
	RESULT(CUDA_ERROR_NOT_FOUND, cuModuleGetGlobal(&p, &size, module, "missing"));
	CU(cuModuleUnload(module));
}

/* Two modules of the same image have variables of their own. */
static void two_modules(void)
{
	CUmodule first, second;
	CUdeviceptr p, q;
	unsigned int value = 7, other = 0;

	CU(cuModuleLoadData(&first, conform_ptx));
	CU(cuModuleLoadData(&second, conform_ptx));
	CU(cuModuleGetGlobal(&p, NULL, first, "counter"));
	CU(cuModuleGetGlobal(&q, NULL, second, "counter"));
	CHECK(p != q);
	CU(cuMemcpyHtoD(p, &value, 4));
	CU(cuMemcpyDtoH(&other, q, 4));
	EQUAL(other, 41);
	CU(cuModuleUnload(first));
	CU(cuMemcpyDtoH(&other, q, 4));
	EQUAL(other, 41);
	CU(cuModuleUnload(second));
}

static void many_modules(void)
{
	for (int i = 0; i < 30; i++) {
		CUmodule module;
		CUfunction func;

		CU(cuModuleLoadData(&module, conform_ptx));
		CU(cuModuleGetFunction(&func, module, "empty"));
		CU(cuLaunchKernel(func, 1, 1, 1, 32, 1, 1, 0, NULL, NULL, NULL));
		CU(cuModuleUnload(module));
	}
}

static void function_attributes(void)
{
	CUfunction func = conform_kernel("limited");
	CUmodule module;
	const char *name;
	size_t offset, size;
	int value;

	CU(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, func));
	EQUAL(value, 64);
	func = conform_kernel("args");
	CU(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, func));
	EQUAL(value, 1024);
	CU(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, func));
	EQUAL(value, 0);
	CU(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_PTX_VERSION, func));
	CHECK(value >= 50);
	CU(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_NUM_REGS, func));
	CHECK(value > 0 && value <= 255);
	CU(cuFuncGetModule(&module, func));
	CHECK(module == conform_module());
	CU(cuFuncGetName(&name, func));
	CHECK(!strcmp(name, "args"));
	CU(cuFuncGetParamInfo(func, 0, &offset, &size));
	EQUAL(offset, 0);
	EQUAL(size, 8);
	CU(cuFuncGetParamInfo(func, 2, &offset, &size));
	EQUAL(offset, 10);
	EQUAL(size, 2);
	CU(cuFuncGetParamInfo(func, 6, &offset, &size));
	EQUAL(offset, 32);
	EQUAL(size, 12);
	RESULT(CUDA_ERROR_INVALID_VALUE, cuFuncGetParamInfo(func, 7, &offset, &size));
	CU(cuFuncSetCacheConfig(func, CU_FUNC_CACHE_PREFER_L1));
	RESULT(CUDA_ERROR_INVALID_HANDLE,
	       cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_NUM_REGS, NULL));
}

static const char caller_ptx[] =
	".version 6.0\n.target sm_50\n.address_size 64\n"
	".extern .func (.param .b32 r) triple(.param .b32 x);\n"
	".visible .entry linked(.param .u64 p)\n{\n"
	"\t.reg .b32 %r<4>;\n\t.reg .b64 %rd<3>;\n"
	"\tld.param.u64 %rd1, [p];\n\tcvta.to.global.u64 %rd2, %rd1;\n\tld.global.u32 %r1, [%rd2];\n"
	"\t{\n\t.param .b32 a;\n\t.param .b32 b;\n\tst.param.b32 [a], %r1;\n\tcall.uni (b), triple, (a);\n"
	"\tld.param.b32 %r2, [b];\n\t}\n"
	"\tst.global.u32 [%rd2], %r2;\n\tret;\n}\n";

static const char callee_ptx[] =
	".version 6.0\n.target sm_50\n.address_size 64\n"
	".visible .func (.param .b32 r) triple(.param .b32 x)\n{\n"
	"\t.reg .b32 %r<3>;\n\tld.param.u32 %r1, [x];\n\tmul.lo.u32 %r2, %r1, 3;\n\tst.param.b32 [r], %r2;\n\tret;\n}\n";

static void run_linked(const void *cubin)
{
	unsigned int value = 14;
	CUmodule module;
	CUfunction func;
	CUdeviceptr p;
	void *args[] = { &p };

	CU(cuModuleLoadData(&module, cubin));
	CU(cuModuleGetFunction(&func, module, "linked"));
	CU(cuMemAlloc(&p, 4));
	CU(cuMemcpyHtoD(p, &value, 4));
	CU(cuLaunchKernel(func, 1, 1, 1, 1, 1, 1, 0, NULL, args, NULL));
	CU(cuMemcpyDtoH(&value, p, 4));
	EQUAL(value, 42);
	CU(cuMemFree(p));
	CU(cuModuleUnload(module));
}

static void linking(void)
{
	char error[1024] = "";
	CUjit_option options[] = { CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES };
	void *values[] = { error, (void *)sizeof(error) };
	CUlinkState state;
	void *cubin, *copy;
	size_t size;

	CU(cuLinkCreate(2, options, values, &state));
	CU(cuLinkAddData(state, CU_JIT_INPUT_PTX, (void *)caller_ptx, sizeof(caller_ptx),
			 "caller.ptx", 0, NULL, NULL));
	CU(cuLinkAddData(state, CU_JIT_INPUT_PTX, (void *)callee_ptx, sizeof(callee_ptx),
			 "callee.ptx", 0, NULL, NULL));
	CU(cuLinkComplete(state, &cubin, &size));
	CHECK(size > 0);
	run_linked(cubin);
	run_linked(cubin);
	/* The image outlives the link where it was copied. */
	copy = malloc(size);
	memcpy(copy, cubin, size);
	CU(cuLinkDestroy(state));
	run_linked(copy);
	free(copy);
}

static void linking_unresolved(void)
{
	char error[1024] = "";
	CUjit_option options[] = { CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES };
	void *values[] = { error, (void *)sizeof(error) };
	CUlinkState state;
	void *cubin;
	size_t size;

	CU(cuLinkCreate(2, options, values, &state));
	CU(cuLinkAddData(state, CU_JIT_INPUT_PTX, (void *)caller_ptx, sizeof(caller_ptx),
			 "caller.ptx", 0, NULL, NULL));
	CHECK(cuLinkComplete(state, &cubin, &size) != CUDA_SUCCESS);
	CHECK(strstr(error, "triple"));
	CU(cuLinkDestroy(state));
	RESULT(CUDA_ERROR_INVALID_HANDLE, cuLinkDestroy(state));
}

static void library(void)
{
	unsigned int n = 100, v = 5, value[100];
	CUlibrary lib;
	CUkernel kernel;
	CUfunction func;
	CUmodule module;
	CUdeviceptr p, counter;
	void *args[] = { &p, &n, &v };
	const char *name;
	size_t size;

	CU(cuLibraryLoadData(&lib, conform_ptx, NULL, NULL, 0, NULL, NULL, 0));
	CU(cuLibraryGetKernel(&kernel, lib, "fill"));
	CU(cuKernelGetFunction(&func, kernel));
	CU(cuKernelGetName(&name, kernel));
	CHECK(!strcmp(name, "fill"));
	CU(cuLibraryGetModule(&module, lib));
	CU(cuLibraryGetGlobal(&counter, &size, lib, "counter"));
	EQUAL(size, 4);
	CU(cuMemAlloc(&p, sizeof(value)));
	/* A kernel can be launched in a function's place. */
	CU(cuLaunchKernel((CUfunction)kernel, 1, 1, 1, 128, 1, 1, 0, NULL, args, NULL));
	CU(cuMemcpyDtoH(value, p, sizeof(value)));
	EQUAL(value[99], 5);
	v = 6;
	CU(cuLaunchKernel(func, 1, 1, 1, 128, 1, 1, 0, NULL, args, NULL));
	CU(cuMemcpyDtoH(value, p, sizeof(value)));
	EQUAL(value[0], 6);
	CU(cuMemFree(p));
	RESULT(CUDA_ERROR_NOT_FOUND, cuLibraryGetKernel(&kernel, lib, "missing"));
	CU(cuLibraryUnload(lib));
	RESULT(CUDA_ERROR_INVALID_HANDLE, cuLibraryUnload(lib));
}

static const char allocating[] =
	".version 6.0\n.target sm_52\n.address_size 64\n"
	".extern .func (.param .b64 r) malloc(.param .b64 size);\n"
	".visible .entry take(.param .u64 out)\n{\n\t.reg .b64 %rd<4>;\n"
	"\tld.param.u64 %rd1, [out];\n\tmov.u64 %rd2, 64;\n\t{\n"
	"\t.param .b64 p0;\n\tst.param.b64 [p0], %rd2;\n\t.param .b64 r0;\n"
	"\tcall.uni (r0), malloc, (p0);\n\tld.param.b64 %rd3, [r0];\n\t}\n"
	"\tst.global.u64 [%rd1], %rd3;\n\tret;\n}\n";

/* A heap for kernels is device memory, whenever it is set aside: at the limit, or with the first module that uses it. */
static void heap_is_device_memory(void)
{
	size_t total, before, after, rest, old;
	CUmodule module;
	CUdeviceptr p;
	CUresult result;

	CU(cuCtxGetLimit(&old, CU_LIMIT_MALLOC_HEAP_SIZE));
	CU(cuMemGetInfo(&before, &total));
	CU(cuMemAlloc(&p, before / 2));
	CU(cuMemGetInfo(&rest, &total));
	result = cuCtxSetLimit(CU_LIMIT_MALLOC_HEAP_SIZE, rest + rest / 2);
	if (!result)
		result = cuModuleLoadData(&module, allocating);
	EQUAL(result, CUDA_ERROR_OUT_OF_MEMORY);
	/* What was refused has taken next to nothing. */
	CU(cuMemGetInfo(&after, &total));
	CHECK(after + (64 << 20) >= rest);
	CU(cuMemFree(p));
	CU(cuCtxSetLimit(CU_LIMIT_MALLOC_HEAP_SIZE, old));
	CU(cuModuleLoadData(&module, allocating));
	CU(cuMemGetInfo(&after, &total));
	CHECK(after <= before - old);
	CU(cuModuleUnload(module));
}

int main(void)
{
	static const struct conform_test tests[] = {
		TEST(load_and_unload), TEST(bad_ptx),
		TEST(bad_image),       TEST(file),
		TEST(globals),	       TEST(two_modules),
		TEST(many_modules),    TEST(function_attributes),
		TEST(linking),	       TEST(linking_unresolved),
		TEST(library),	       TEST(heap_is_device_memory),
		{ NULL },
	};

	return conform_main(tests);
}
