// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* References for control.cu. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels.h"

static int by_value(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static void bitonic_sort(void)
{
	int keys[1536], i;
	CUdeviceptr dkeys;

	for (i = 0; i < 1536; i++)
		keys[i] = (int)random_u64();
	dkeys = device_copy(keys, sizeof(keys));
	launch("bitonic_sort", SHAPE({ 3 }, { 512 }), ARGS(&dkeys));
	for (i = 0; i < 3; i++)
		qsort(keys + (size_t)i * 512, 512, sizeof(int), by_value);
	same_ints(host_copy(dkeys, sizeof(keys)), keys, 1536);
}

static void top_k(void)
{
	int rows = 64, cols = 50, *where, i, j, k;
	float *x = random_floats((size_t)rows * cols), *values;
	CUdeviceptr dx = device_copy(x, (size_t)rows * cols * 4), dv = device_zeros((size_t)rows * 32);
	CUdeviceptr dw = device_zeros((size_t)rows * 32);

	launch("top_k", SHAPE({ 2 }, { 32 }), ARGS(&dx, &dv, &dw, &cols));
	values = host_copy(dv, (size_t)rows * 32);
	where = host_copy(dw, (size_t)rows * 32);
	for (i = 0; i < rows; i++) {
		for (k = 0; k < 8; k++) {
			int at = where[i * 8 + k], greater = 0;

			if (at < 0 || at >= cols || x[i * cols + at] != values[i * 8 + k])
				kernel_fail("row %d: number %d is not at %d", i, k, at);
			for (j = 0; j < cols; j++)
				greater += x[i * cols + j] > values[i * 8 + k];
			if (greater > k || (k && values[i * 8 + k] > values[i * 8 + k - 1]))
				kernel_fail("row %d: number %d has %d greater", i, k, greater);
		}
	}
}

static int ackermann(int m, int n)
{
	return !m ? n + 1 : ackermann(m - 1, n ? ackermann(m, n - 1) : 1);
}

static void recursion(void)
{
	CUdeviceptr out = device_zeros(256);
	int want[64], i;

	for (i = 0; i < 64; i++)
		want[i] = ackermann(i % 3, i / 3 % 5);
	launch("recursion", SHAPE({ 1 }, { 64 }), ARGS(&out));
	same_ints(host_copy(out, 256), want, 64);
}

static unsigned int gcd(unsigned int a, unsigned int b)
{
	return b ? gcd(b, a % b) : a;
}

static void indirect_call(void)
{
	unsigned int a[100], b[100];
	int which[100], want[100], n = 100, i;
	CUdeviceptr da, db, dw, out = device_zeros(400);

	for (i = 0; i < n; i++) {
		a[i] = (unsigned int)random_u64() >> 8;
		b[i] = (unsigned int)random_u64() >> 12;
		which[i] = (int)(random_u64() >> 30) & 3;
		want[i] = (int)(which[i] == 0 ? a[i] + b[i] : which[i] == 1 ? a[i] * b[i] : which[i] == 2 ? a[i] ^ b[i] :
				gcd(a[i], b[i]));
	}
	da = device_copy(a, sizeof(a));
	db = device_copy(b, sizeof(b));
	dw = device_copy(which, sizeof(which));
	launch("indirect_call", SHAPE({ 2 }, { 64 }), ARGS(&da, &db, &dw, &out, &n));
	same_ints(host_copy(out, 400), want, 100);
}

static void virtual_call(void)
{
	CUdeviceptr out = device_zeros(256);
	int want[64], i;

	for (i = 0; i < 64; i++)
		want[i] = i % 3 ? i * 4 : 1000 + i;
	launch("virtual_call", SHAPE({ 1 }, { 64 }), ARGS(&out));
	same_ints(host_copy(out, 256), want, 64);
}

static int run_bytes(const unsigned char *code, int len, int acc)
{
	int stack[16] = { 0 }, sp = 0, pc, steps;

	for (pc = 0, steps = 0; pc < len && steps < 1000; pc++, steps++) {
		switch (code[pc]) {
		case 0:
			stack[sp++ & 15] = acc;
			break;
		case 1:
			acc = (int)((unsigned int)acc + (unsigned int)stack[--sp & 15]);
			break;
		case 2:
			acc = (int)((unsigned int)acc * 3);
			break;
		case 3:
			acc ^= acc >> 3;
			break;
		case 4:
			acc = (int)-(unsigned int)acc;
			break;
		case 5:
			pc += acc & 1;
			break;
		case 6:
			acc = acc > 100 ? acc - 100 : acc + 7;
			break;
		case 7:
			if (acc % 5)
				pc = pc > 3 ? pc - 3 : -1;
			break;
		case 8:
			acc = (int)((unsigned int)acc << 5 | (unsigned int)acc >> 27);
			break;
		case 9:
			acc = acc / 7 + acc % 11;
			break;
		default:
			acc++;
		}
	}
	return acc;
}

static void byte_machine(void)
{
	static const unsigned char program[] = { 0, 2, 5, 3, 0, 6, 8, 1, 4, 5, 6, 9, 10, 0, 3, 1, 2, 7, 8, 1, 9, 6, 5, 4, 6, 10, 7 };
	int len = sizeof(program), in[128], want[128], i;
	CUdeviceptr code = device_copy(program, sizeof(program)), din, out = device_zeros(512);

	for (i = 0; i < 128; i++) {
		in[i] = (int)random_u64();
		want[i] = run_bytes(program, len, in[i]);
	}
	din = device_copy(in, sizeof(in));
	launch("byte_machine", SHAPE({ 2 }, { 64 }), ARGS(&code, &len, &din, &out));
	same_ints(host_copy(out, 512), want, 128);
}

/* Lines of threads may come in any order. */
static void hello(void)
{
	char got[4096], want[128];
	int n = 6, saved, i, len;
	FILE *file = tmpfile();

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	if (!file || saved < 0 || dup2(fileno(file), STDOUT_FILENO) < 0)
		kernel_fail("cannot redirect standard output");
	launch("hello", SHAPE({ 1 }, { 32 }), ARGS(&n));
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	len = (int)pread(fileno(file), got, sizeof(got) - 1, 0);
	fclose(file);
	got[len > 0 ? len : 0] = '\0';
	for (i = 0; i < n; i++) {
		snprintf(want, sizeof(want), "thread %d of %s: %5.2f %c %llx %%\n", i, "block", i * 0.5, 'a' + i, 0x123456789abcull + i);
		if (!strstr(got, want))
			kernel_fail("no line '%.*s' in '%s'", (int)strlen(want) - 1, want, got);
		len -= (int)strlen(want);
	}
	if (len)
		kernel_fail("printed %d bytes more than it should: '%s'", len, got);
}

static void collatz(void)
{
	int n = 1000, want[1000], i;
	CUdeviceptr steps = device_zeros(sizeof(want));

	for (i = 0; i < n; i++) {
		uint64_t v = (uint64_t)i + 1;

		for (want[i] = 0; v != 1; want[i]++)
			v = v & 1 ? 3 * v + 1 : v / 2;
	}
	launch("collatz", SHAPE({ 8 }, { 128 }), ARGS(&steps, &n));
	same_ints(host_copy(steps, sizeof(want)), want, 1000);
}

static void spin_lock(void)
{
	CUdeviceptr lock = device_zeros(4), counter = device_zeros(4);
	int want = 4 * 64;

	launch("spin_lock", SHAPE({ 4 }, { 64 }), ARGS(&lock, &counter));
	same_ints(host_copy(counter, 4), &want, 1);
}

static void atomics(void)
{
	int n = 3000, x[3000], top = -1000, i;
	double sum = 0, *got;
	CUdeviceptr dx, dtop = device_copy(&top, 4), dsum = device_zeros(8);

	for (i = 0; i < n; i++) {
		x[i] = (int)(random_u64() % 100000) - 50000;
		top = x[i] > top ? x[i] : top;
		sum += x[i];
	}
	dx = device_copy(x, sizeof(x));
	launch("atomics", SHAPE({ 5 }, { 96 }), ARGS(&dx, &n, &dtop, &dsum));
	same_ints(host_copy(dtop, 4), &top, 1);
	got = host_copy(dsum, 8);
	if (*got != sum)
		kernel_fail("sum is %.17g, should be %.17g", *got, sum);
}

static void compact(void)
{
	int n = 500, in[500], want[500], count = 0, i;
	CUdeviceptr din, out = device_zeros(sizeof(in)), dcount = device_zeros(4);

	for (i = 0; i < n; i++) {
		in[i] = (int)(random_u64() % 201) - 100;
		if (in[i] > 0)
			want[count++] = in[i];
	}
	din = device_copy(in, sizeof(in));
	launch("compact", SHAPE({ 1 }, { 32 }), ARGS(&din, &out, &dcount, &n));
	same_ints(host_copy(dcount, 4), &count, 1);
	same_ints(host_copy(out, sizeof(in)), want, (size_t)count);
}

static void scan_warp(void)
{
	int in[96], want[96], i;
	CUdeviceptr din, out = device_zeros(sizeof(in));

	for (i = 0; i < 96; i++) {
		in[i] = (int)(random_u64() % 1000);
		want[i] = i % 32 ? want[i - 1] + in[i] : in[i];
	}
	din = device_copy(in, sizeof(in));
	launch("scan_warp", SHAPE({ 3 }, { 32 }), ARGS(&din, &out));
	same_ints(host_copy(out, sizeof(in)), want, 96);
}

static void struct_param(void)
{
	struct {
		char tag;
		short scale;
		int table[7];
		double bias;
		struct {
			unsigned char r, g, b;
		} colour[2];
	} p = { 3, -7, { 1, -2, 30, 400, -5000, 6, 7 }, 0.125, { { 1, 2, 3 }, { 4, 200, 6 } } };
	char pad = -9;
	CUdeviceptr out = device_zeros(256);
	double *got;
	int i;

	launch("struct_param", SHAPE({ 1 }, { 32 }), ARGS(&p, &pad, &out));
	got = host_copy(out, 256);
	for (i = 0; i < 32; i++) {
		double want = p.table[i % 7] * p.scale + p.bias + p.colour[i & 1].g + p.tag + pad;

		if (got[i] != want)
			kernel_fail("element %d is %g, should be %g", i, got[i], want);
	}
}

static void heap_list(void)
{
	CUdeviceptr out = device_zeros(512);
	int want[128], i, j;

	for (i = 0; i < 128; i++)
		for (want[i] = 0, j = 0; j <= i; j++)
			want[i] += 3 * j + 1;
	launch("heap_list", SHAPE({ 1 }, { 128 }), ARGS(&out));
	same_ints(host_copy(out, 512), want, 128);
}

static void block_chain(void)
{
	CUdeviceptr turn = device_zeros(4), order = device_zeros(32);
	int want[8], i;

	for (i = 0; i < 8; i++)
		want[i] = 2 * i + 1;
	launch("block_chain", SHAPE({ 8 }, { 32 }), ARGS(&turn, &order));
	same_ints(host_copy(order, 32), want, 8);
}

const struct kernel_test control_tests[] = {
	{ "bitonic_sort", bitonic_sort }, { "top_k", top_k },		{ "recursion", recursion },
	{ "indirect_call", indirect_call }, { "virtual_call", virtual_call }, { "byte_machine", byte_machine },
	{ "hello", hello },		  { "collatz", collatz },	{ "spin_lock", spin_lock },
	{ "atomics", atomics },		  { "compact", compact },	{ "scan_warp", scan_warp },
	{ "struct_param", struct_param }, { "heap_list", heap_list },	{ "block_chain", block_chain },
	{ NULL },
};
