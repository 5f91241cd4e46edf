// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* The simplest region: one loop over teams and threads, arrays in and out. */
#include "offload.h"

#define N 5000

static void saxpy(int device, float a, const float *x, float *y)
{
	int i;

#pragma omp target teams distribute parallel for if(device) map(to: x[0:N]) map(tofrom: y[0:N])
	for (i = 0; i < N; i++)
		y[i] += a * x[i];
}

int main(void)
{
	static float x[N], y[2][N];
	int i;

	offload_needs_device();
	for (i = 0; i < N; i++) {
		x[i] = (float)(i % 97) * 0.25f;
		y[0][i] = y[1][i] = (float)(i % 31) - 7;
	}
	saxpy(1, 1.5f, x, y[0]);
	saxpy(0, 1.5f, x, y[1]);
	same_floats("a x + y", y[0], y[1], N, 0);
	return offload_end();
}
