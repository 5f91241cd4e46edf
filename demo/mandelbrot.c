// SPDX-License-Identifier: MIT
/* Copyright (c) vgpu authors */
/*
 * The demo: an ordinary CUDA Driver API program. It multiplies two matrices and draws the Mandelbrot set on the GPU and checks both
 * against the CPU. It knows nothing of virtual GPUs: built against cuda.h it runs on any.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "cuda_api.h"

#define TILE	16
#define N	256
#define WIDTH	72
#define HEIGHT	24
#define LIMIT	200

static void check(CUresult result, const char *what)
{
	const char *name = "unknown error";

	if (result == CUDA_SUCCESS)
		return;
	cuGetErrorName(result, &name);
	fprintf(stderr, "%s: %s (%d)\n", what, name, (int)result);
	exit(1);
}

#define CHECK(call) check(call, #call)

static float *random_matrix(unsigned int seed)
{
	float *m = malloc(N * N * sizeof(*m));
	int i;

	if (!m)
		exit(1);
	for (i = 0; i < N * N; i++) {
		seed = seed * 1664525u + 1013904223u;
		m[i] = (float)(seed >> 16) / 65536 - 0.5f;
	}
	return m;
}

/* Largest difference of an element from a reference in double precision. */
static double worst_error(const float *a, const float *b, const float *c)
{
	double sum, worst = 0;
	int i, j, k;

	for (i = 0; i < N; i++) {
		for (j = 0; j < N; j++) {
			for (sum = 0, k = 0; k < N; k++)
				sum += (double)a[i * N + k] * b[k * N + j];
			worst = fmax(worst, fabs(sum - c[i * N + j]));
		}
	}
	return worst;
}

static int multiply(CUmodule module)
{
	size_t bytes = N * N * sizeof(float);
	float *a = random_matrix(1), *b = random_matrix(2), *c = malloc(bytes);
	CUdeviceptr da, db, dc;
	CUevent start, stop;
	CUfunction function;
	float ms;
	int n = N;
	void *args[] = { &da, &db, &dc, &n };
	double error;

	if (!c)
		exit(1);
	CHECK(cuModuleGetFunction(&function, module, "matmul"));
	CHECK(cuMemAlloc(&da, bytes));
	CHECK(cuMemAlloc(&db, bytes));
	CHECK(cuMemAlloc(&dc, bytes));
	CHECK(cuEventCreate(&start, CU_EVENT_DEFAULT));
	CHECK(cuEventCreate(&stop, CU_EVENT_DEFAULT));
	CHECK(cuMemcpyHtoD(da, a, bytes));
	CHECK(cuMemcpyHtoD(db, b, bytes));
	CHECK(cuEventRecord(start, NULL));
	CHECK(cuLaunchKernel(function, N / TILE, N / TILE, 1, TILE, TILE, 1, 0, NULL, args, NULL));
	CHECK(cuEventRecord(stop, NULL));
	CHECK(cuMemcpyDtoH(c, dc, bytes));
	CHECK(cuEventElapsedTime(&ms, start, stop));
	error = worst_error(a, b, c);
	printf("matrix product of %d x %d: %.1f ms on the GPU, largest error against the CPU %.1e: %s\n", N, N, ms, error,
	       error < 1e-4 ? "right" : "WRONG");
	CHECK(cuEventDestroy(start));
	CHECK(cuEventDestroy(stop));
	CHECK(cuMemFree(da));
	CHECK(cuMemFree(db));
	CHECK(cuMemFree(dc));
	free(a);
	free(b);
	free(c);
	return error < 1e-4 ? 0 : 1;
}

static int cpu_steps(int x, int y)
{
	float cr = -2.2f + 3.2f * x / WIDTH, ci = -1.2f + 2.4f * y / HEIGHT;
	float zr = 0, zi = 0, t;
	int n = 0;

	while (n < LIMIT && zr * zr + zi * zi < 4) {
		t = zr * zr - zi * zi + cr;
		zi = 2 * zr * zi + ci;
		zr = t;
		n++;
	}
	return n;
}

static int draw(CUmodule module)
{
	static const char shades[] = " .:-=+*#%@";
	static int steps[WIDTH * HEIGHT];
	int width = WIDTH, height = HEIGHT, limit = LIMIT, wrong = 0;
	CUdeviceptr dsteps;
	void *args[] = { &dsteps, &width, &height, &limit };
	CUfunction function;
	int x, y, n;

	CHECK(cuModuleGetFunction(&function, module, "mandelbrot"));
	CHECK(cuMemAlloc(&dsteps, sizeof(steps)));
	CHECK(cuLaunchKernel(function, (WIDTH + TILE - 1) / TILE, (HEIGHT + TILE - 1) / TILE, 1, TILE, TILE, 1, 0, NULL,
			     args, NULL));
	CHECK(cuMemcpyDtoH(steps, dsteps, sizeof(steps)));
	CHECK(cuMemFree(dsteps));
	for (y = 0; y < HEIGHT; y++) {
		for (x = 0; x < WIDTH; x++) {
			n = steps[y * WIDTH + x];
			putchar(n >= LIMIT ? '@' : shades[(int)(log2(n + 1) * 9 / log2(LIMIT + 1))]);
			/* Fused and separate rounding may part ways at the edge of the set. */
			wrong += abs(n - cpu_steps(x, y)) > 1 && n < LIMIT / 4;
		}
		putchar('\n');
	}
	printf("Mandelbrot set of %d x %d points: %d differ from the CPU's: %s\n", WIDTH, HEIGHT, wrong,
	       wrong ? "WRONG" : "right");
	return wrong ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *image = argc > 1 ? argv[1] : "kernels.ptx";
	CUcontext context;
	CUdevice device;
	CUmodule module;
	char name[128];
	size_t memory;
	int failed, major, minor;

	CHECK(cuInit(0));
	CHECK(cuDeviceGet(&device, 0));
	CHECK(cuDeviceGetName(name, sizeof(name), device));
	CHECK(cuDeviceTotalMem(&memory, device));
	CHECK(cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device));
	CHECK(cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device));
	printf("GPU 0: %s, %zu MiB, compute capability %d.%d\n", name, memory >> 20, major, minor);
	CHECK(cuDevicePrimaryCtxRetain(&context, device));
	CHECK(cuCtxSetCurrent(context));
	CHECK(cuModuleLoad(&module, image));
	failed = multiply(module);
	failed |= draw(module);
	CHECK(cuModuleUnload(module));
	CHECK(cuDevicePrimaryCtxRelease(device));
	return failed;
}
