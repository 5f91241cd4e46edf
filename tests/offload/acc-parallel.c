// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* OpenACC: gangs, workers and vectors, tiles, collapsed loops, private data, the kernels construct. */
#include "offload.h"

#define N 48

static void run(const float *a, const float *b, float *c, int *d, int *e, int device)
{
	int i, j, k;

#pragma acc parallel loop gang vector_length(32) copyin(a[0:N * N], b[0:N * N]) copyout(c[0:N * N]) if(device)
	for (i = 0; i < N; i++) {
#pragma acc loop vector
		for (j = 0; j < N; j++) {
			float sum = 0;

#pragma acc loop seq
			for (k = 0; k < N; k++)
				sum += a[i * N + k] * b[k * N + j];
			c[i * N + j] = sum;
		}
	}
#pragma acc parallel num_gangs(5) num_workers(3) vector_length(32) copyout(d[0:N * N]) if(device)
	{
#pragma acc loop gang
		for (i = 0; i < N / 4; i++) {
			int row[4];

#pragma acc loop worker private(row)
			for (j = 0; j < 4; j++) {
				row[j] = 4 * i + j;
#pragma acc loop vector
				for (k = 0; k < N; k++)
					d[(4 * i + j) * N + k] = row[j] * 100 + k;
			}
		}
	}
#pragma acc kernels copyout(e[0:N * N]) if(device)
	{
#pragma acc loop independent collapse(2)
		for (i = 0; i < N; i++)
			for (j = 0; j < N; j++)
				e[i * N + j] = i ^ j;
#pragma acc loop independent tile(8, 8)
		for (i = 0; i < N; i++)
			for (j = 0; j < N; j++)
				e[i * N + j] += i * j;
	}
}

int main(void)
{
	static float a[N * N], b[N * N], c[2][N * N];
	static int d[2][N * N], e[2][N * N];
	int i;

	offload_needs_device();
	for (i = 0; i < N * N; i++) {
		a[i] = (float)(i % 13) - 6;
		b[i] = (float)(i % 7) * 0.5f;
	}
	run(a, b, c[0], d[0], e[0], 1);
	run(a, b, c[1], d[1], e[1], 0);
	same_floats("matrix product", c[0], c[1], N * N, 1e-6);
	same_ints("gangs, workers, vectors", d[0], d[1], N * N);
	same_ints("kernels", e[0], e[1], N * N);
	return offload_end();
}
