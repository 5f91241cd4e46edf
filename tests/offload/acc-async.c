// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* OpenACC: queues that run beside one another, waiting of one for another, of the host for one and for all. */
#include "offload.h"

#define N 600
#define QUEUES 3

int main(void)
{
	static int a[QUEUES][N], sum[N], want[QUEUES][N], wanted[N];
	int q, i, step;

	offload_needs_device();
	for (q = 0; q < QUEUES; q++)
		for (i = 0; i < N; i++)
			a[q][i] = want[q][i] = q + i;
#pragma acc enter data create(a, sum)
	for (q = 0; q < QUEUES; q++) {
#pragma acc update device(a[q:1]) async(q)
		for (step = 0; step < 4; step++) {
#pragma acc parallel loop present(a) async(q) firstprivate(q, step)
			for (i = 0; i < N; i++)
				a[q][i] = a[q][i] * 5 % 3001 + step;
		}
	}
#pragma acc wait(1, 2) async(0)
#pragma acc parallel loop present(a, sum) async(0)
	for (i = 0; i < N; i++)
		sum[i] = a[0][i] + a[1][i] + a[2][i];
#pragma acc update host(sum) async(0)
#pragma acc wait(0)
	must("the queue is empty", acc_async_test(0));
#pragma acc update host(a) async(1)
#pragma acc wait
	must("all are empty", acc_async_test_all());
#pragma acc exit data delete(a, sum)
	for (i = 0; i < N; i++) {
		for (q = 0; q < QUEUES; q++) {
			for (step = 0; step < 4; step++)
				want[q][i] = want[q][i] * 5 % 3001 + step;
			wanted[i] += want[q][i];
		}
	}
	same_ints("queues", a[0], want[0], QUEUES * N);
	same_ints("sum over queues", sum, wanted, N);
	return offload_end();
}
