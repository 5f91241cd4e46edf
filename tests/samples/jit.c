// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Texts that are compiled and linked while the program runs, with their logs, good ones and bad ones. */
#include "sample.h"

#define HEAD ".version 7.0\n.target sm_70\n.address_size 64\n"

static const char caller[] = HEAD
	".extern .func (.param .b32 r) square(.param .b32 x);\n.extern .global .u32 offset;\n"
	".visible .entry apply(.param .u64 p)\n{\n\t.reg .b64 %p;\n\t.reg .b32 %x, %i, %o;\n\t.param .b32 in, out;\n"
	"\tld.param.u64 %p, [p];\n\tmov.u32 %i, %tid.x;\n\tmad.wide.u32 %p, %i, 4, %p;\n\tld.global.u32 %x, [%p];\n"
	"\tst.param.b32 [in], %x;\n\tcall (out), square, (in);\n\tld.param.b32 %x, [out];\n\tld.global.u32 %o, [offset];\n"
	"\tadd.u32 %x, %x, %o;\n\tst.global.u32 [%p], %x;\n\tret;\n}\n";

static const char callee[] = HEAD
	".visible .global .u32 offset = 5;\n"
	".visible .func (.param .b32 r) square(.param .b32 x)\n{\n\t.reg .b32 %x;\n\tld.param.u32 %x, [x];\n\tmul.lo.u32 %x, %x, %x;\n"
	"\tst.param.b32 [r], %x;\n\tret;\n}\n";

static void run(CUmodule module)
{
	unsigned int x[32];
	CUdeviceptr p;
	CUfunction f;

	for (unsigned int i = 0; i < 32; i++)
		x[i] = i;
	p = sample_upload(x, sizeof(x));
	CU(cuModuleGetFunction(&f, module, "apply"));
	sample_run(f, 1, 32, ARGS(&p));
	CU(cuMemcpyDtoH(x, p, sizeof(x)));
	for (unsigned int i = 0; i < 32; i++)
		CHECK(x[i] == i * i + 5);
	CU(cuMemFree(p));
}

static void link(void)
{
	char info[4096] = "", error[4096] = "";
	CUjit_option options[] = {
		CU_JIT_WALL_TIME, CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, CU_JIT_ERROR_LOG_BUFFER,
		CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, CU_JIT_LOG_VERBOSE, CU_JIT_OPTIMIZATION_LEVEL,
	};
	float ms = -1;
	void *values[] = {
		&ms, info, (void *)sizeof(info), error, (void *)sizeof(error), (void *)1, (void *)4,
	};
	const char *parts[] = { caller, callee };
	CUlinkState state;
	CUmodule module;
	void *image;
	size_t size;

	CU(cuLinkCreate(7, options, values, &state));
	for (int i = 0; i < 2; i++)
		CU(cuLinkAddData(state, CU_JIT_INPUT_PTX, (void *)parts[i], strlen(parts[i]) + 1, i ? "callee" : "caller", 0, NULL, NULL));
	CU(cuLinkComplete(state, &image, &size));
	CHECK(image && size);
	CU(cuModuleLoadData(&module, image));
	CU(cuLinkDestroy(state));
	run(module);
	CU(cuModuleUnload(module));
	CHECK(!error[0]);
}

static void missing(void)
{
	char error[4096] = "";
	CUjit_option options[] = { CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES };
	void *values[] = { error, (void *)sizeof(error) };
	CUlinkState state;
	CUresult result;
	void *image;
	size_t size;

	CU(cuLinkCreate(2, options, values, &state));
	result = cuLinkAddData(state, CU_JIT_INPUT_PTX, (void *)caller, sizeof(caller), "caller", 0, NULL, NULL);
	if (!result)
		result = cuLinkComplete(state, &image, &size);
	CHECK(result != CUDA_SUCCESS);
	if (!strstr(error, "square"))
		FAIL("the log does not name what is missing: %s", error);
	CU(cuLinkDestroy(state));
}

static void wrong(void)
{
	char error[4096] = "";
	CUjit_option options[] = { CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES };
	void *values[] = { error, (void *)sizeof(error) };
	CUmodule module;

	RESULT(CUDA_ERROR_INVALID_PTX,
	       cuModuleLoadDataEx(&module, HEAD ".visible .entry k() {\n\tfrobnicate.u32 %r1;\n}\n", 2, options, values));
	if (!strstr(error, "frobnicate") || !strstr(error, "line 5"))
		FAIL("the log does not name the instruction and its line: %s", error);
	CHECK(cuModuleLoadData(&module, "\x7f" "ELF and nothing more that would be of any machine") != CUDA_SUCCESS);
	/* The program goes on. */
	sample_kernel("increment");
}

int main(void)
{
	sample_begin();
	link();
	missing();
	wrong();
	return 0;
}
