// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Reductions of every operator, of integers and of both floating types, over teams and inside one team. */
#include "offload.h"

#define N 3000

struct sums {
	double ints[9];
	double floats[5];
};

static void reduce(int device, const int *a, const double *x, struct sums *out)
{
	int sum = 0, top = -1000000, low = 1000000, or = 0, and = -1, xor = 0, all = 1, any = 0, i;
	unsigned long long product = 1;
	double dsum = 0, dtop = -1e300, dlow = 1e300;
	float fsum = 0, fproduct = 1;

#pragma omp target teams distribute parallel for if(device) map(to: a[0:N]) \
	reduction(+: sum) reduction(max: top) reduction(min: low) reduction(|: or) reduction(&: and) reduction(^: xor)
	for (i = 0; i < N; i++) {
		sum += a[i];
		top = a[i] > top ? a[i] : top;
		low = a[i] < low ? a[i] : low;
		or |= a[i];
		and &= a[i] | 0x10;
		xor ^= a[i];
	}
#pragma omp target teams distribute parallel for if(device) map(to: x[0:N]) reduction(+: dsum) reduction(max: dtop) \
	reduction(min: dlow)
	for (i = 0; i < N; i++) {
		dsum += x[i];
		dtop = x[i] > dtop ? x[i] : dtop;
		dlow = x[i] < dlow ? x[i] : dlow;
	}
#pragma omp target parallel for if(target: device) map(to: a[0:N], x[0:N]) map(tofrom: product, fsum, fproduct, all, any) \
	reduction(*: product, fproduct) reduction(+: fsum) reduction(&&: all) reduction(||: any)
	for (i = 0; i < N; i++) {
		product *= (unsigned long long)(2 * a[i] + 1);
		fsum += (float)x[i];
		fproduct *= 1 + (float)x[i] * 1e-6f;
		all = all && a[i] != 123456;
		any = any || a[i] == a[N / 2];
	}
	*out = (struct sums){ { sum, top, low, or, and, xor, all, any, (double)(product % 1000003) },
		{ dsum, dtop, dlow, (double)fsum, (double)fproduct } };
}

int main(void)
{
	static int a[N];
	static double x[N];
	struct sums sums[2];
	unsigned int seed = 1;
	int i;

	offload_needs_device();
	for (i = 0; i < N; i++) {
		seed = seed * 1664525u + 1013904223u;
		a[i] = (int)(seed >> 12) - 500000;
		x[i] = a[i] / 1024.0;
	}
	reduce(1, a, x, &sums[0]);
	reduce(0, a, x, &sums[1]);
	same_doubles("integer reductions", sums[0].ints, sums[1].ints, 9, 0);
	same_doubles("floating reductions", sums[0].floats, sums[1].floats, 5, 1e-4);
	return offload_end();
}
