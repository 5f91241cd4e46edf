// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Data that stays: data regions, enter and exit, updates of parts, device pointers, memory of omp_target_alloc. */
#include "offload.h"

#define N 1000

static void regions(void)
{
	static int a[N], b[N], want[N];
	int i, step;

	for (i = 0; i < N; i++)
		a[i] = want[i] = i;
#pragma omp target data map(tofrom: a) map(alloc: b)
	{
		for (step = 0; step < 5; step++) {
#pragma omp target teams distribute parallel for
			for (i = 0; i < N; i++)
				b[i] = a[(i + 1) % N] + step;
#pragma omp target teams distribute parallel for
			for (i = 0; i < N; i++)
				a[i] = b[i] * 2 % 10007;
		}
		must("the host's copy waits", a[5] == 5);
	}
	for (step = 0; step < 5; step++) {
		for (i = 0; i < N; i++)
			b[i] = want[(i + 1) % N] + step;
		for (i = 0; i < N; i++)
			want[i] = b[i] * 2 % 10007;
	}
	same_ints("steps in a data region", a, want, N);
}

static void updates(void)
{
	int *p = malloc(N * sizeof(*p)), i, wrong = 0;

	for (i = 0; i < N; i++)
		p[i] = -1;
#pragma omp target enter data map(to: p[0:N])
	for (i = 100; i < 200; i++)
		p[i] = i;
#pragma omp target update to(p[100:100])
#pragma omp target teams distribute parallel for
	for (i = 0; i < N; i++)
		p[i] *= 2;
#pragma omp target update from(p[150:10])
	for (i = 0; i < N; i++)
		wrong += p[i] != (i >= 150 && i < 160 ? 2 * i : i >= 100 && i < 200 ? i : -1);
	must("a part is fetched", !wrong);
	must("is present", omp_target_is_present(p, omp_get_default_device()));
#pragma omp target exit data map(from: p[0:N])
	for (i = 0; i < N; i++)
		wrong += p[i] != (i >= 100 && i < 200 ? 2 * i : -2);
	must("the whole is fetched", !wrong);
	must("is not present", !omp_target_is_present(p, omp_get_default_device()));
	free(p);
}

static void pointers(void)
{
	int device = omp_get_default_device(), host = omp_get_initial_device(), i, got[N], want[N];
	int *d = omp_target_alloc(sizeof(got), device), *e = omp_target_alloc(sizeof(got), device);

	must("omp_target_alloc", d && e);
	for (i = 0; i < N; i++) {
		got[i] = i;
		want[i] = i * i;
	}
	must("copy in", !omp_target_memcpy(d, got, sizeof(got), 0, 0, device, host));
#pragma omp target teams distribute parallel for is_device_ptr(d, e)
	for (i = 0; i < N; i++)
		e[i] = d[i] * d[i];
	must("copy out", !omp_target_memcpy(got, e, sizeof(got), 0, 0, host, device));
	same_ints("squares", got, want, N);
	omp_target_free(d, device);
	omp_target_free(e, device);
}

static void pieces(void)
{
	static int got[N];
	int i, device_side = 0;

#pragma omp target data map(tofrom: got)
	{
#pragma omp target data use_device_addr(got)
		{
			int *there = &got[0];

#pragma omp target is_device_ptr(there) map(from: device_side)
			{
				for (i = 0; i < N; i++)
					there[i] = N - i;
				device_side = there[N - 1];
			}
		}
	}
	must("through its address on the device", device_side == 1 && got[0] == N && got[N - 1] == 1);
}

int main(void)
{
	offload_needs_device();
	regions();
	updates();
	pointers();
	pieces();
	return offload_end();
}
