// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* OpenACC: reductions over gangs, workers and vectors, nested, of several operators and types; atomic updates. */
#include "offload.h"

#define N 60
#define BINS 11

static void run(const int *a, double *rows, double *all, int *bins, int device)
{
	double sum = 0, top = -1e9;
	long long product = 1;
	int or = 0, low = 1 << 30, i, j, last = 0;

#pragma acc parallel loop gang vector reduction(+: sum) reduction(max: top) reduction(|: or) reduction(min: low) \
	copyin(a[0:N * N]) copy(sum, top, or, low) if(device)
	for (i = 0; i < N * N; i++) {
		sum += a[i] * 0.5;
		top = a[i] > top ? a[i] : top;
		or |= a[i];
		low = a[i] < low ? a[i] : low;
	}
#pragma acc parallel copyin(a[0:N * N]) copyout(rows[0:N]) if(device)
	{
#pragma acc loop gang
		for (i = 0; i < N; i++) {
			double row = 0;

#pragma acc loop worker vector reduction(+: row)
			for (j = 0; j < N; j++)
				row += a[i * N + j];
			rows[i] = row;
		}
	}
#pragma acc parallel loop gang worker vector reduction(*: product) copy(product) if(device)
	for (i = 0; i < 39; i++)
		product *= 3;
#pragma acc parallel loop copyin(a[0:N * N]) copy(bins[0:BINS], last) if(device)
	for (i = 0; i < N * N; i++) {
#pragma acc atomic update
		bins[a[i] % BINS]++;
#pragma acc atomic
		last += 2;
	}
	all[0] = sum;
	all[1] = top;
	all[2] = or;
	all[3] = low;
	all[4] = (double)(product % 1000003);
	all[5] = last;
}

int main(void)
{
	static int a[N * N], bins[2][BINS];
	static double rows[2][N], all[2][6];
	int i;

	offload_needs_device();
	for (i = 0; i < N * N; i++)
		a[i] = i * 7919 % 5003;
	run(a, rows[0], all[0], bins[0], 1);
	run(a, rows[1], all[1], bins[1], 0);
	same_doubles("rows", rows[0], rows[1], N, 0);
	same_doubles("over everything", all[0], all[1], 6, 1e-13);
	same_ints("bins", bins[0], bins[1], BINS);
	return offload_end();
}
