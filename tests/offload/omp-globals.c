// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Variables that live on the device: declare target, tables of constants, updates in both directions. */
#include "offload.h"

#define N 256

#pragma omp declare target
static int table[N];
static double scale = 2.5;
static const unsigned int powers[8] = { 1, 5, 25, 125, 625, 3125, 15625, 78125 };
static int calls;
static struct {
	int low, high;
} range = { 10, 200 };

static int __attribute__((noinline)) inside(int i)
{
#pragma omp atomic
	calls++;
	return i >= range.low && i < range.high;
}
#pragma omp end declare target

int main(void)
{
	static int got[N], want[N];
	double scaled = 0;
	int i, seen = -1;

	offload_needs_device();
	for (i = 0; i < N; i++)
		table[i] = i * 3;
	range.high = 150;
#pragma omp target update to(table, range)
	scale = 100; /* not told to the device */
#pragma omp target map(from: scaled)
	{
		scaled = scale;
		scale += 1;
	}
	must("the device's initial value", scaled == 2.5);
#pragma omp target update from(scale)
	must("the device's new value", scale == 3.5);
#pragma omp target teams distribute parallel for map(from: got[0:N])
	for (i = 0; i < N; i++)
		got[i] = inside(i) ? table[i] + (int)powers[i % 8] : -1;
	for (i = 0; i < N; i++)
		want[i] = i >= 10 && i < 150 ? i * 3 + (int)powers[i % 8] : -1;
	same_ints("tables", got, want, N);
#pragma omp target map(from: seen)
	seen = calls;
	must("calls counted on the device", seen == N && calls == 0);
#pragma omp target update from(calls)
	must("calls fetched", calls == N);
	return offload_end();
}
