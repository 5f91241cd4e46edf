// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Regions that do not wait: nowait, dependences between device and host tasks, several at once. */
#include "offload.h"

#define N 800
#define CHAINS 4

int main(void)
{
	static int a[CHAINS][N], want[CHAINS][N], host[N];
	int i, c, step, sum = 0, expected = 0;

	offload_needs_device();
	for (c = 0; c < CHAINS; c++)
		for (i = 0; i < N; i++)
			a[c][i] = want[c][i] = c * 1000 + i;
#pragma omp parallel
#pragma omp single
	{
		for (c = 0; c < CHAINS; c++) {
			int *p = a[c];

#pragma omp target enter data map(to: p[0:N]) depend(out: p[0]) nowait
			for (step = 1; step <= 3; step++) {
#pragma omp target teams distribute parallel for depend(inout: p[0]) nowait firstprivate(step)
				for (i = 0; i < N; i++)
					p[i] = p[i] * 3 % 4099 + step;
			}
#pragma omp target exit data map(from: p[0:N]) depend(inout: p[0]) nowait
		}
#pragma omp task shared(host)
		for (int k = 0; k < N; k++)
			host[k] = k;
#pragma omp taskwait
	}
	for (c = 0; c < CHAINS; c++)
		for (step = 1; step <= 3; step++)
			for (i = 0; i < N; i++)
				want[c][i] = want[c][i] * 3 % 4099 + step;
	same_ints("chains of regions", a[0], want[0], CHAINS * N);
	must("the host's task", host[N - 1] == N - 1);

#pragma omp target map(tofrom: sum) nowait depend(out: sum)
	for (int k = 0; k < 100; k++)
		sum += k;
#pragma omp task shared(sum, expected) depend(in: sum)
	expected = sum;
#pragma omp taskwait
	must("a host task after the device's", expected == 4950);
	return offload_end();
}
