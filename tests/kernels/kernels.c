// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/*
 * Kernels that compilers made from CUDA C, each against a reference on the CPU, through nothing but the CUDA Driver API:
 *
 *   kernels [-d DIRECTORY] [WORD]...
 *
 * DIRECTORY holds the PTX; without -d it is tests/kernels of the tree that the program was built in (two directories above the
 * program's own), then that of the working directory. With words, only tests whose COMPILER.FILE.KERNEL contains one of them run.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels.h"

#define SEED 0x9e3779b97f4a7c15ull

struct holding {
	struct holding *next;
	void *host;
	CUdeviceptr device;
};

static jmp_buf failed;
static char why[1024];
static struct holding *holdings;
static CUmodule module;
static uint64_t random_state;

void kernel_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	longjmp(failed, 1);
}

static const char *result_name(CUresult result)
{
	const char *name;

	return cuGetErrorName(result, &name) ? "an unknown CUresult" : name;
}

void kernel_must(CUresult result, const char *what)
{
	if (result != CUDA_SUCCESS)
		kernel_fail("%s: %s (%d)", what, result_name(result), (int)result);
}

static struct holding *hold(void)
{
	struct holding *h = calloc(1, sizeof(*h));

	if (!h)
		kernel_fail("out of memory");
	h->next = holdings;
	holdings = h;
	return h;
}

static void drop_all(void)
{
	struct holding *h;

	while ((h = holdings)) {
		holdings = h->next;
		if (h->device)
			cuMemFree(h->device);
		free(h->host);
		free(h);
	}
}

CUdeviceptr device_zeros(size_t size)
{
	struct holding *h = hold();

	MUST(cuMemAlloc(&h->device, size));
	MUST(cuMemsetD8(h->device, 0, size));
	return h->device;
}

CUdeviceptr device_copy(const void *from, size_t size)
{
	struct holding *h = hold();

	MUST(cuMemAlloc(&h->device, size));
	MUST(cuMemcpyHtoD(h->device, from, size));
	return h->device;
}

void *host_alloc(size_t size)
{
	struct holding *h = hold();

	h->host = calloc(1, size);
	if (!h->host)
		kernel_fail("out of memory");
	return h->host;
}

void *host_copy(CUdeviceptr from, size_t size)
{
	void *to = host_alloc(size);

	MUST(cuMemcpyDtoH(to, from, size));
	return to;
}

CUdeviceptr device_global(const char *name, size_t size)
{
	CUdeviceptr address;
	size_t bytes;

	MUST(cuModuleGetGlobal(&address, &bytes, module, name));
	if (bytes != size)
		kernel_fail("%s has %zu bytes, not %zu", name, bytes, size);
	return address;
}

void launch(const char *name, struct shape s, void **args)
{
	CUfunction function;
	int i;

	for (i = 0; i < 3; i++) {
		s.grid[i] += !s.grid[i];
		s.block[i] += !s.block[i];
	}
	MUST(cuModuleGetFunction(&function, module, name));
	MUST(cuLaunchKernel(function, s.grid[0], s.grid[1], s.grid[2], s.block[0], s.block[1], s.block[2], s.shared, NULL, args,
			    NULL));
	MUST(cuCtxSynchronize());
}

uint64_t random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

float *random_floats(size_t n)
{
	float *x = host_alloc(n * sizeof(*x));
	size_t i;

	for (i = 0; i < n; i++)
		x[i] = (float)(random_u64() >> 40) / (1 << 22) - 2.0f;
	return x;
}

void same_floats(const float *got, const double *want, size_t n, double tolerance)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!(fabs((double)got[i] - want[i]) <= tolerance * (1 + fabs(want[i]))))
			kernel_fail("element %zu of %zu is %.9g, should be %.9g", i, n, (double)got[i], want[i]);
}

void same_ints(const int *got, const int *want, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (got[i] != want[i])
			kernel_fail("element %zu of %zu is %d (0x%x), should be %d (0x%x)", i, n, got[i], got[i], want[i], want[i]);
}

static bool wanted(const char *name, char **words)
{
	if (!*words)
		return true;
	for (; *words; words++)
		if (strstr(name, *words))
			return true;
	return false;
}

static int run_test(const struct kernel_test *test, const char *name)
{
	int bad = setjmp(failed);

	if (!bad) {
		random_state = SEED;
		test->run();
	}
	drop_all();
	printf(bad ? "FAIL %s: %s\n" : "ok %s\n", name, why);
	fflush(stdout);
	return bad;
}

/* Runs all tests of a file that are wanted; loads it for each anew only where a kernel has failed. */
static int run_file(const char *directory, const char *file, const char *compiler, const struct kernel_test *test, char **words)
{
	char path[4096], name[256];
	CUresult result;
	int bad = 0;

	snprintf(path, sizeof(path), "%s/%s.%s.ptx", directory, file, compiler);
	for (; test->name; test++) {
		snprintf(name, sizeof(name), "%s.%s.%s", compiler, file, test->name);
		if (!wanted(name, words))
			continue;
		if (!module) {
			result = cuModuleLoad(&module, path);
			if (result != CUDA_SUCCESS) {
				printf("FAIL %s: cannot load %s: %s (%d)\n", name, path, result_name(result), (int)result);
				return bad + 1;
			}
		}
		bad += run_test(test, name);
	}
	if (module && cuModuleUnload(module) != CUDA_SUCCESS) {
		printf("FAIL %s.%s: cannot unload\n", compiler, file);
		bad++;
	}
	module = NULL;
	return bad;
}

static bool find_ptx(char *directory, size_t size, const char *self)
{
	char probe[4200];
	const char *slash = strrchr(self, '/');

	if (slash) {
		snprintf(directory, size, "%.*s/../../tests/kernels", (int)(slash - self), self);
		snprintf(probe, sizeof(probe), "%s/basic.nvcc.ptx", directory);
		if (!access(probe, R_OK))
			return true;
	}
	snprintf(directory, size, "tests/kernels");
	return !access("tests/kernels/basic.nvcc.ptx", R_OK);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		const struct kernel_test *tests;
		bool clang;
	} files[] = {
		{ "basic", basic_tests, true },
		{ "compute", compute_tests, true },
		{ "control", control_tests, true },
		{ "math", math_tests, false },
		{ "tensor", tensor_tests, false },
		{ "texture", texture_tests, false },
	};
	char directory[4096];
	CUcontext context;
	CUdevice device;
	volatile int bad = 0;
	int option;
	size_t i;

	directory[0] = '\0';
	while ((option = getopt(argc, argv, "d:")) != -1) {
		if (option != 'd') {
			fprintf(stderr, "usage: %s [-d DIRECTORY] [WORD]...\n", argv[0]);
			return 2;
		}
		snprintf(directory, sizeof(directory), "%s", optarg);
	}
	if (!directory[0] && !find_ptx(directory, sizeof(directory), argv[0])) {
		fprintf(stderr, "%s: no PTX in tests/kernels; say where it is with -d DIRECTORY\n", argv[0]);
		return 2;
	}
	if (setjmp(failed)) {
		printf("FAIL start: %s\n", why);
		return 1;
	}
	MUST(cuInit(0));
	MUST(cuDeviceGet(&device, 0));
	MUST(cuDevicePrimaryCtxRetain(&context, device));
	MUST(cuCtxSetCurrent(context));
	printf("# seed 0x%llx\n", SEED);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		bad += run_file(directory, files[i].name, "nvcc", files[i].tests, argv + optind);
		if (files[i].clang)
			bad += run_file(directory, files[i].name, "clang", files[i].tests, argv + optind);
	}
	if (cuDevicePrimaryCtxRelease(device) != CUDA_SUCCESS) {
		printf("FAIL release of the context\n");
		bad++;
	}
	return bad ? 1 : 0;
}
