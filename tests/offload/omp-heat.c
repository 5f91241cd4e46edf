// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* A small application: heat spreads over a plate until it is steady; the residual is fetched at every step. */
#include "offload.h"

#define N 32
#define STEPS 12

static int spread(int device, double *plate, double *scratch, double *residuals)
{
	double residual = 1;
	int step = 0, i, j;

#pragma omp target data if(device) map(tofrom: plate[0:N * N]) map(to: scratch[0:N * N])
	while (residual > 1e-2 && step < STEPS) {
		residual = 0;
#pragma omp target teams distribute parallel for collapse(2) reduction(max: residual) map(tofrom: residual) if(device)
		for (i = 1; i < N - 1; i++) {
			for (j = 1; j < N - 1; j++) {
				double t = 0.25 * (plate[(i - 1) * N + j] + plate[(i + 1) * N + j] + plate[i * N + j - 1] +
						   plate[i * N + j + 1]);

				residual = fmax(residual, fabs(t - plate[i * N + j]));
				scratch[i * N + j] = t;
			}
		}
#pragma omp target teams distribute parallel for collapse(2) if(device)
		for (i = 1; i < N - 1; i++)
			for (j = 1; j < N - 1; j++)
				plate[i * N + j] = scratch[i * N + j];
		residuals[step++] = residual;
	}
	return step;
}

int main(void)
{
	static double plate[2][N * N], scratch[2][N * N], residuals[2][STEPS];
	int steps[2], i, k;

	offload_needs_device();
	for (k = 0; k < 2; k++)
		for (i = 0; i < N; i++)
			plate[k][i] = scratch[k][i] = i;
	steps[0] = spread(1, plate[0], scratch[0], residuals[0]);
	steps[1] = spread(0, plate[1], scratch[1], residuals[1]);
	same_ints("steps", &steps[0], &steps[1], 1);
	same_doubles("residuals", residuals[0], residuals[1], STEPS, 1e-13);
	same_doubles("plate", plate[0], plate[1], N * N, 1e-13);
	return offload_end();
}
