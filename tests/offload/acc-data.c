// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* OpenACC: data regions, present data, updates, device pointers, structures, memory of acc_malloc, globals. */
#include "offload.h"

#define N 700

struct series {
	int n;
	float *data;
};

int table[16];
#pragma acc declare create(table)

int main(void)
{
	static float x[N], y[N], want[N];
	struct series s = { N, x };
	float *there;
	int i, step;

	offload_needs_device();
	for (i = 0; i < N; i++)
		x[i] = (float)i;
#pragma acc data copy(x) create(y)
	{
		for (step = 0; step < 4; step++) {
#pragma acc parallel loop present(x, y)
			for (i = 0; i < N; i++)
				y[i] = x[i] + x[(i + 1) % N];
#pragma acc parallel loop present(x, y)
			for (i = 0; i < N; i++)
				x[i] = y[i] * 0.5f;
		}
#pragma acc update host(y[0:3])
		must("the host's copy waits", x[10] == 10 && acc_is_present(x, sizeof(x)));
	}
	for (i = 0; i < N; i++)
		want[i] = (float)i;
	for (step = 0; step < 4; step++) {
		static float z[N];

		for (i = 0; i < N; i++)
			z[i] = want[i] + want[(i + 1) % N];
		for (i = 0; i < N; i++)
			want[i] = z[i] * 0.5f;
		same_floats("fetched part", step == 3 ? y : z, z, 3, 0);
	}
	same_floats("steps in a data region", x, want, N, 0);

#pragma acc enter data copyin(s) copyin(s.data[0:N])
#pragma acc parallel loop present(s)
	for (i = 0; i < N; i++)
		s.data[i] += (float)s.n;
#pragma acc exit data copyout(s.data[0:N])
#pragma acc exit data delete(s)
	for (i = 0; i < N; i++)
		want[i] += N;
	same_floats("data behind a member", x, want, N, 0);

	there = acc_malloc(sizeof(x));
	acc_memcpy_to_device(there, x, sizeof(x));
#pragma acc parallel loop deviceptr(there)
	for (i = 0; i < N; i++)
		there[i] = -there[i];
	acc_memcpy_from_device(y, there, sizeof(y));
	acc_free(there);
	for (i = 0; i < N; i++)
		want[i] = -want[i];
	same_floats("acc_malloc", y, want, N, 0);

	for (i = 0; i < 16; i++)
		table[i] = i * i;
	/* GCC 12 drops the variable of "acc update device(table)". */
	acc_update_device(table, sizeof(table));
#pragma acc parallel loop copyout(y)
	for (i = 0; i < N; i++)
		y[i] = (float)table[i % 16];
	for (i = 0; i < N; i++)
		want[i] = (float)table[i % 16];
	same_floats("a global", y, want, N, 0);
	return offload_end();
}
