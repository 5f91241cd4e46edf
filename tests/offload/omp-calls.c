// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Functions on the device: recursion, pointers to functions, structures by value, arguments of every width. */
#include "offload.h"

#define N 200

struct pair {
	double sum;
	int count;
};

#pragma omp declare target
static int __attribute__((noinline)) fibonacci(int n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

/* GCC 12 ends in an internal error where the offload compiler returns a structure by value. */
static void __attribute__((noinline)) join(struct pair a, struct pair b, struct pair *sum)
{
	sum->sum = a.sum + b.sum;
	sum->count = a.count + b.count;
}

static long long __attribute__((noinline)) widths(signed char a, unsigned short b, int c, long long d, float e, double f)
{
	return a + b * 3 + c * 5LL + d * 7 + (long long)(e * 9) + (long long)(f * 11);
}

static int __attribute__((noinline)) twice(int n)
{
	return 2 * n;
}

static int __attribute__((noinline)) squared(int n)
{
	return n * n;
}

static int __attribute__((noinline)) gcd(int a, int b)
{
	return b ? gcd(b, a % b) : a;
}
#pragma omp end declare target

static void call(int device, int *ints, double *doubles)
{
	int i;

#pragma omp target teams distribute parallel for if(device) map(from: ints[0:N], doubles[0:N])
	for (i = 0; i < N; i++) {
		int (*function)(int) = i % 3 ? twice : squared;
		struct pair p;

		join((struct pair){ i * 0.5, i }, (struct pair){ 0.25, 2 }, &p);
		ints[i] = fibonacci(i % 12) + function(i) + gcd(1000 + i, 360) + p.count +
			  (int)widths((signed char)-i, (unsigned short)(i * 500), i, -i, i * 0.5f, i * 0.25);
		doubles[i] = p.sum;
	}
}

int main(void)
{
	static int ints[2][N];
	static double doubles[2][N];

	offload_needs_device();
	call(1, ints[0], doubles[0]);
	call(0, ints[1], doubles[1]);
	same_ints("calls", ints[0], ints[1], N);
	same_doubles("structures by value", doubles[0], doubles[1], N, 0);
	return offload_end();
}
