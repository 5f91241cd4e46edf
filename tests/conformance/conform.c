// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include "conform.h"

__asm__(".pushsection .rodata\n"
	".globl conform_ptx\n"
	"conform_ptx:\n"
	".incbin \"tests/conformance/kernels.ptx\"\n"
	".byte 0\n"
	".popsection\n");

static jmp_buf failed;
static char why[1024];
static CUdevice device;
static CUcontext context;
static CUmodule module;

const char *conform_result(CUresult result)
{
	const char *name;

	return cuGetErrorName(result, &name) ? "an unknown CUresult" : name;
}

void conform_fail(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	va_list args;
	int n;

	n = snprintf(why, sizeof(why), "%s:%d: ", base ? base + 1 : file, line);
	va_start(args, fmt);
	vsnprintf(why + n, sizeof(why) - n, fmt, args);
	va_end(args);
	longjmp(failed, 1);
}

CUdevice conform_device(void)
{
	return device;
}

CUcontext conform_context(void)
{
	if (!context) {
		CU(cuInit(0));
		CU(cuDeviceGet(&device, 0));
		CU(cuCtxCreate(&context, NULL, 0, device));
	}
	return context;
}

CUmodule conform_module(void)
{
	if (!module)
		CU(cuModuleLoadData(&module, conform_ptx));
	return module;
}

CUfunction conform_kernel(const char *name)
{
	CUfunction func;

	CU(cuModuleGetFunction(&func, conform_module(), name));
	return func;
}

static bool run_here(const struct conform_test *test)
{
	if (setjmp(failed)) {
		printf("FAIL %s: %s\n", test->name, why);
		fflush(stdout);
		return false;
	}
	if (!test->bare)
		CU(cuCtxSetCurrent(conform_context()));
	test->run();
	printf("ok %s\n", test->name);
	fflush(stdout);
	return true;
}

static bool run_alone(const struct conform_test *test)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		return false;
	}
	if (!pid)
		exit(run_here(test) ? 0 : 1);
	if (waitpid(pid, &status, 0) != pid)
		return false;
	if (WIFSIGNALED(status))
		printf("FAIL %s: killed by signal %d\n", test->name, WTERMSIG(status));
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

int conform_main(const struct conform_test *tests)
{
	int bad = 0;

	/* Those with a process of their own come first: a child of a process that used CUDA cannot. */
	for (int alone = 1; alone >= 0; alone--)
		for (const struct conform_test *test = tests; test->name; test++)
			if (test->alone == alone)
				bad += !(alone ? run_alone(test) : run_here(test));
	if (context && cuCtxDestroy(context) != CUDA_SUCCESS) {
		printf("FAIL destroy the context of the tests\n");
		bad++;
	}
	return bad ? 1 : 0;
}
