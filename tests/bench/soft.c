// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Rows of soft: the PTX interpreter by itself. The matrix product beside plain loops in C, over 1 and over all CPUs, the time to decode
 * a module, and what an empty launch costs.
 */

#include <math.h>
#include <sched.h>
#include <unistd.h>

#include "bench.h"
#include "plain.h"
#include "tests/unit/ptx/harness.h"

#define N		512
#define ROUNDS		5
#define MODULE_BYTES	(1u << 20)
#define LAUNCHES	20000

static uint64_t min_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct product {
	struct device *dev;
	struct ptx_module *module;
	float *a;
	float *b;
	float *c;
};

static void product_open(struct product *p, unsigned int threads)
{
	uint64_t seed = 1;

	p->dev = device_open(threads);
	p->module = device_load_file(p->dev, "tests/kernels/basic.nvcc.ptx");
	p->a = device_alloc(p->dev, N * N * sizeof(float));
	p->b = device_alloc(p->dev, N * N * sizeof(float));
	p->c = device_alloc(p->dev, N * N * sizeof(float));
	for (int i = 0; i < N * N; i++) {
		p->a[i] = (float)(next_random(&seed) % 1000) / 500.0f - 1.0f;
		p->b[i] = (float)(next_random(&seed) % 1000) / 500.0f - 1.0f;
	}
}

static void product_close(struct product *p)
{
	ptx_module_unload(p->module);
	device_close(p->dev);
}

static uint64_t product_ns(struct product *p)
{
	struct dims dims = { .grid = { N / 16, N / 16 }, .block = { 16, 16 } };
	uint64_t start = bench_ns();
	int n = N;

	if (RUN(p->dev, p->module, "sgemm_tiled", &dims, &p->a, &p->b, &p->c, &n)) {
		fprintf(stderr, "bench-soft: sgemm_tiled: %s\n", p->dev->fault.message);
		exit(1);
	}
	return bench_ns() - start;
}

static void check_product(const struct product *p, const float *want)
{
	for (int i = 0; i < N * N; i++)
		if (fabsf(p->c[i] - want[i]) > 1e-3f) {
			fprintf(stderr, "bench-soft: element %d of the product is %g, should be %g\n", i, p->c[i], want[i]);
			exit(1);
		}
}

/* Turn by turn, so that whatever disturbs the machine disturbs all; the best of each counts. */
static void products(void)
{
	unsigned int cores = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t one = UINT64_MAX, all = UINT64_MAX, plain = UINT64_MAX, one_cpu = UINT64_MAX, all_cpu = UINT64_MAX, start;
	float *want = malloc(N * N * sizeof(*want));
	struct product alone, wide;
	char beside[64];

	product_open(&alone, 1);
	product_open(&wide, cores);
	for (int round = 0; round < ROUNDS; round++) {
		start = bench_ns();
		plain_sgemm(alone.a, alone.b, want, N);
		plain = min_of(plain, bench_ns() - start);
		start = cpu_ns();
		one = min_of(one, product_ns(&alone));
		one_cpu = min_of(one_cpu, cpu_ns() - start);
		start = cpu_ns();
		all = min_of(all, product_ns(&wide));
		all_cpu = min_of(all_cpu, cpu_ns() - start);
	}
	check_product(&alone, want);
	check_product(&wide, want);
	ROW(.name = "soft/sgemm-512", .value = (double)one / 1e6, .unit = "ms", .beside = "C loops i, j, k, gcc -O2, one core",
	    .beside_value = (double)plain / 1e6, .goal = GOAL_AT_MOST, .limit = 4);
	snprintf(beside, sizeof(beside), "one core, of %u", cores);
	ROW(.name = "soft/sgemm-512-cores", .value = 2.0 * N * N * N / (double)all, .unit = "Gflop/s", .beside = beside,
	    .beside_value = 2.0 * N * N * N / (double)one, .goal = GOAL_AT_LEAST, .limit = 0.85 * cores);
	/* What holds on a machine that has no core to spare: work that more threads make is the only thing that keeps it from scaling. */
	ROW(.name = "soft/sgemm-512-cores-cpu", .value = (double)all_cpu / 1e6, .unit = "ms", .beside = "CPU time on one core",
	    .beside_value = (double)one_cpu / 1e6, .goal = GOAL_AT_MOST, .limit = 1.15);
	product_close(&alone);
	product_close(&wide);
	free(want);
}

/* Kernels as nvcc wrote them, again and again under other names, until there is so much. */
static char *long_text(size_t *len)
{
	size_t size, used;
	char *text = read_file("tests/kernels/basic.nvcc.ptx", &size), *body = strstr(text, ".visible .entry "), *at, *next, *out;
	FILE *f = open_memstream(&out, &used);

	fwrite(text, 1, (size_t)(body - text), f);
	for (unsigned int copy = 0; fflush(f), used < MODULE_BYTES; copy++)
		for (at = body; at && used < MODULE_BYTES; at = next) {
			next = strstr(at + 1, ".visible .entry ");
			size = strcspn(at, "(");
			fprintf(f, "%.*s_%u", (int)size, at, copy);
			fwrite(at + size, 1, next ? (size_t)(next - at) - size : strlen(at) - size, f);
			fflush(f);
		}
	fclose(f);
	free(text);
	*len = used;
	return out;
}

static void decoding(void)
{
	struct device *dev = device_open(1);
	uint64_t best = UINT64_MAX, start;
	size_t len;
	char *text = long_text(&len);

	for (int round = 0; round < ROUNDS; round++) {
		struct ptx_module *module;

		start = bench_ns();
		module = device_load_text(dev, text);
		best = min_of(best, bench_ns() - start);
		ptx_module_unload(module);
	}
	ROW(.name = "soft/decode-1mb", .value = (double)best / 1e6 * MODULE_BYTES / (double)len, .unit = "ms", .beside = "limit",
	    .beside_value = 100, .goal = GOAL_AT_MOST, .limit = 100, .on_value = true);
	free(text);
	device_close(dev);
}

static void empty_launch(void)
{
	struct device *dev = device_open(1);
	struct ptx_module *module = device_load_text(dev, ".version 7.0\n.target sm_70\n.address_size 64\n"
						     ".visible .entry nothing()\n{\n\tret;\n}\n");
	const struct ptx_function *func = ptx_module_function(module, "nothing");
	struct dims dims = { .block = { 32 } };
	static uint64_t samples[2][LAUNCHES];
	uint64_t start;

	for (int i = 0; i < LAUNCHES; i++) {
		start = bench_ns();
		device_launch(dev, func, &dims, NULL);
		samples[0][i] = bench_ns() - start;
		start = bench_ns();
		sched_yield();
		samples[1][i] = bench_ns() - start;
	}
	ROW(.name = "soft/launch-empty", .value = bench_median(samples[0], LAUNCHES), .unit = "ns", .beside = "a system call (sched_yield)",
	    .beside_value = bench_median(samples[1], LAUNCHES));
	ptx_module_unload(module);
	device_close(dev);
}

int main(int argc, char **argv)
{
	if (bench_wanted(argc, argv, "soft/sgemm-512"))
		products();
	if (bench_wanted(argc, argv, "soft/decode-1mb"))
		decoding();
	if (bench_wanted(argc, argv, "soft/launch-empty"))
		empty_launch();
	return 0;
}
