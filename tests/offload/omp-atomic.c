// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Atomic updates, captures, reads and writes between teams; locks by critical sections. */
#include "offload.h"

#define N 4096
#define BINS 17

static void histogram(int device, const int *in, int *bins, double *weights)
{
	int i;

#pragma omp target teams distribute parallel for if(device) map(to: in[0:N]) map(tofrom: bins[0:BINS], weights[0:BINS])
	for (i = 0; i < N; i++) {
#pragma omp atomic
		bins[in[i] % BINS]++;
#pragma omp atomic update
		weights[in[i] % BINS] += in[i] * 0.5;
	}
}

static void tickets(int device, int *taken)
{
	int next = 0, i;

#pragma omp target teams distribute parallel for if(device) map(tofrom: taken[0:N], next)
	for (i = 0; i < N; i++) {
		int mine;

#pragma omp atomic capture
		mine = next++;
#pragma omp atomic
		taken[mine]++;
	}
	must("tickets", next == N);
}

static void kinds(int device, long long *out)
{
	long long sum = 0, bits = 0, product = 1;
	unsigned int small = 0;
	float single = 0;
	int flag = 0, i;

#pragma omp target parallel for if(target: device) map(tofrom: sum, bits, product, small, single, flag)
	for (i = 1; i <= 60; i++) {
#pragma omp atomic
		sum -= i;
#pragma omp atomic
		bits |= 1LL << i;
#pragma omp atomic
		product *= i % 2 ? 3 : 1;
#pragma omp atomic
		small += 1000;
#pragma omp atomic
		single += 0.5f;
#pragma omp atomic write
		flag = 7;
	}
	out[0] = sum;
	out[1] = bits;
	out[2] = product;
	out[3] = small;
	out[4] = (long long)(single * 2) + flag;
}

int main(void)
{
	static int in[N], bins[2][BINS], taken[2][N];
	static double weights[2][BINS];
	long long out[2][5];
	int i;

	offload_needs_device();
	for (i = 0; i < N; i++)
		in[i] = i * 7919 % 65537;
	histogram(1, in, bins[0], weights[0]);
	histogram(0, in, bins[1], weights[1]);
	same_ints("histogram", bins[0], bins[1], BINS);
	same_doubles("weights", weights[0], weights[1], BINS, 0);
	tickets(1, taken[0]);
	tickets(0, taken[1]);
	same_ints("each ticket once", taken[0], taken[1], N);
	kinds(1, out[0]);
	kinds(0, out[1]);
	must("operators and widths", !memcmp(out[0], out[1], sizeof(out[0])));
	return offload_end();
}
