// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "number.h"
#include "workload.h"

/* The PTX text, ended by a NUL. */
__asm__(".section .rodata\nkernels_ptx:\n.incbin \"tests/inference/kernels.ptx\"\n.byte 0\n.previous\n");
extern const char kernels_ptx[];

struct options {
	long requests;
	double rate;
	uint64_t seed;
	long size;
	bool json, verify, quiet;
};

static CUmodule module;
static double answered;

void workload_check(CUresult result, const char *what)
{
	const char *name = "an unknown error";

	if (result == CUDA_SUCCESS)
		return;
	cuGetErrorName(result, &name);
	fprintf(stderr, "%s: %s (%d)\n", what, name, (int)result);
	exit(3);
}

CUdeviceptr workload_upload(const void *from, size_t size)
{
	CUdeviceptr there;

	CHECK(cuMemAlloc(&there, size));
	if (from)
		CHECK(cuMemcpyHtoD(there, from, size));
	return there;
}

void workload_launch(const char *name, int grid, int x, int y, void **args)
{
	static struct {
		const char *name;
		CUfunction function;
	} known[16];
	int i;

	for (i = 0; known[i].name && strcmp(known[i].name, name); i++)
		;
	if (!known[i].name) {
		CHECK(cuModuleGetFunction(&known[i].function, module, name));
		known[i].name = name;
	}
	workload_check(cuLaunchKernel(known[i].function, (unsigned int)grid, 1, 1, (unsigned int)x, (unsigned int)y, 1, 0, NULL, args, NULL),
		       name);
}

void workload_dense(CUdeviceptr x, CUdeviceptr w, CUdeviceptr more, CUdeviceptr y, int in, int out, int rows, int cut)
{
	CUdeviceptr bias = w + sizeof(float) * (size_t)in * (size_t)out;

	workload_launch("dense", (rows * out + 63) / 64, 64, 1, ARGS(&x, &w, &bias, &more, &y, &in, &out, &rows, &cut));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void workload_answer(void)
{
	answered = now();
}

static void sleep_until(double when)
{
	struct timespec t = { (time_t)when, (long)((when - floor(when)) * 1e9) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(const double *sorted, long count, double p)
{
	long at = (long)ceil(p * (double)count) - 1;

	return sorted[at < 0 ? 0 : at];
}

static __attribute__((noreturn)) void usage(const struct workload *w, int status)
{
	fprintf(status ? stderr : stdout,
		"usage: %s [OPTION]...\n"
		"%s\n\n"
		"  --requests N   how many (8)\n"
		"  --rate R       requests a second, coming at random (exponential gaps) whether or not earlier ones are done;\n"
		"                 without it the next one follows the answer of the last\n"
		"  --seed S       of what is asked and when (1)\n"
		"  --%s N   of each request (%d; up to %d)\n"
		"  --verify       compares every answer with the CPU's\n"
		"  --json         one object: counts, percentiles and every latency in ms, from when a request came to its answer;\n"
		"                 with --verify what the CPU took for an answer, too\n"
		"  --quiet        shows no answers\n"
		"\nStatus: 0, 1 where an answer was wrong, 2 for wrong usage, 3 where a CUDA call failed.\n",
		w->name, w->what, w->size_option, w->size, w->size_max);
	exit(status);
}

static double number(const struct workload *w, const char *option, const char *text, double low, double high)
{
	char *end;
	double value = text ? strtod(text, &end) : 0;

	if (!text || end == text || *end || !(value >= low && value <= high)) {
		fprintf(stderr, "%s: %s needs a number from %g to %g, not '%s'\n", w->name, option, low, high, text ? text : "");
		exit(2);
	}
	return value;
}

static void parse(int argc, char **argv, const struct workload *w, struct options *o)
{
	int i;

	*o = (struct options){ .requests = 8, .seed = 1, .size = w->size };
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--requests"))
			o->requests = (long)number(w, argv[i], argv[i + 1], 1, 1e7), i++;
		else if (!strcmp(argv[i], "--rate"))
			o->rate = number(w, argv[i], argv[i + 1], 1e-3, 1e6), i++;
		else if (!strcmp(argv[i], "--seed"))
			o->seed = (uint64_t)number(w, argv[i], argv[i + 1], 0, 9e15), i++;
		else if (!strncmp(argv[i], "--", 2) && !strcmp(argv[i] + 2, w->size_option))
			o->size = (long)number(w, argv[i], argv[i + 1], 1, w->size_max), i++;
		else if (!strcmp(argv[i], "--verify"))
			o->verify = true;
		else if (!strcmp(argv[i], "--json"))
			o->json = true;
		else if (!strcmp(argv[i], "--quiet"))
			o->quiet = true;
		else
			usage(w, strcmp(argv[i], "--help") ? 2 : 0);
	}
}

static void report(const struct workload *w, const struct options *o, const double *latency, double seconds, double on_cpu, long wrong)
{
	double *sorted = malloc((size_t)o->requests * sizeof(*sorted)), sum = 0;
	double p50, p95, p99;
	long i;

	if (!sorted)
		exit(3);
	memcpy(sorted, latency, (size_t)o->requests * sizeof(*sorted));
	qsort(sorted, (size_t)o->requests, sizeof(*sorted), compare);
	for (i = 0; i < o->requests; i++)
		sum += sorted[i];
	p50 = percentile(sorted, o->requests, 0.5);
	p95 = percentile(sorted, o->requests, 0.95);
	p99 = percentile(sorted, o->requests, 0.99);
	if (o->json) {
		printf("{\"name\": \"%s\", \"requests\": %ld, \"%s\": %ld, \"seed\": %llu, \"rate\": %g, \"verified\": %s, \"wrong\": %ld, "
		       "\"seconds\": %.6f, \"cpu_ms\": %.3f, \"mean_ms\": %.3f, \"p50_ms\": %.3f, \"p95_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, "
		       "\"latency_ms\": [",
		       w->name, o->requests, w->size_option, o->size, (unsigned long long)o->seed, o->rate, o->verify ? "true" : "false",
		       wrong, seconds, on_cpu * 1e3 / (double)o->requests, sum * 1e3 / (double)o->requests, p50 * 1e3, p95 * 1e3, p99 * 1e3, sorted[o->requests - 1] * 1e3);
		for (i = 0; i < o->requests; i++)
			printf("%s%.3f", i ? ", " : "", latency[i] * 1e3);
		puts("]}");
	} else {
		printf("%s: %ld requests, seed %llu, %.2f s; latency p50 %.1f ms, p95 %.1f ms, p99 %.1f ms", w->name, o->requests,
		       (unsigned long long)o->seed, seconds, p50 * 1e3, p95 * 1e3, p99 * 1e3);
		if (o->verify)
			printf("; %ld of %ld the same as the CPU's: %s", o->requests - wrong, o->requests, wrong ? "WRONG" : "right");
		putchar('\n');
	}
	free(sorted);
}

int workload_main(int argc, char **argv, const struct workload *w)
{
	struct options o;
	struct rng gaps;
	double *latency, begin, came, on_cpu = 0;
	CUcontext context;
	CUdevice device;
	long i, wrong = 0;

	parse(argc, argv, w, &o);
	latency = calloc((size_t)o.requests, sizeof(*latency));
	if (!latency)
		return 3;
	CHECK(cuInit(0));
	CHECK(cuDeviceGet(&device, 0));
	CHECK(cuDevicePrimaryCtxRetain(&context, device));
	CHECK(cuCtxSetCurrent(context));
	CHECK(cuModuleLoadData(&module, kernels_ptx));
	w->set_up((int)o.size);
	gaps.state = ~o.seed;
	begin = came = now();
	for (i = 0; i < o.requests; i++) {
		if (o.rate > 0) {
			came += -log(1 - (double)(rng_next(&gaps) >> 11) * 0x1p-53) / o.rate;
			sleep_until(came);
		} else {
			came = now();
		}
		/* Verifying on the CPU is no part of the latency; workload_answer() was called before. */
		if (!w->request(o.seed * 1000003 + (uint64_t)i, o.verify, !o.quiet && !o.json))
			wrong++;
		latency[i] = answered - came;
		if (o.verify)
			on_cpu += now() - answered;
	}
	report(w, &o, latency, now() - begin, on_cpu, wrong);
	CHECK(cuModuleUnload(module));
	CHECK(cuDevicePrimaryCtxRelease(device));
	free(latency);
	return wrong ? 1 : 0;
}
