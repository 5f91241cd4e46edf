// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Nested loops made one: a matrix product over two, a box filter over three. */
#include "offload.h"

#define N 40
#define D 14

static void product(int device, const double *a, const double *b, double *c)
{
	int i, j, k;

#pragma omp target teams distribute parallel for collapse(2) if(device) map(to: a[0:N * N], b[0:N * N]) map(from: c[0:N * N])
	for (i = 0; i < N; i++) {
		for (j = 0; j < N; j++) {
			double sum = 0;

			for (k = 0; k < N; k++)
				sum += a[i * N + k] * b[k * N + j];
			c[i * N + j] = sum;
		}
	}
}

static void box(int device, int in[D][D][D], int out[D][D][D])
{
	int x, y, z, d;

#pragma omp target teams distribute parallel for collapse(3) if(device) map(to: in[0:D]) map(from: out[0:D]) private(d)
	for (z = 0; z < D; z++) {
		for (y = 0; y < D; y++) {
			for (x = 0; x < D; x++) {
				out[z][y][x] = 0;
				for (d = -1; d <= 1; d++) {
					out[z][y][x] += in[(z + d + D) % D][y][x];
					out[z][y][x] += in[z][(y + d + D) % D][x];
					out[z][y][x] += in[z][y][(x + d + D) % D];
				}
			}
		}
	}
}

int main(void)
{
	static double a[N * N], b[N * N], c[2][N * N];
	static int in[D][D][D], out[2][D][D][D];
	int i;

	offload_needs_device();
	for (i = 0; i < N * N; i++) {
		a[i] = i % 17 - 8.5;
		b[i] = 1.0 / (1 + i % 23);
	}
	for (i = 0; i < D * D * D; i++)
		(&in[0][0][0])[i] = i * 7919 % 1009;
	product(1, a, b, c[0]);
	product(0, a, b, c[1]);
	same_doubles("matrix product", c[0], c[1], N * N, 1e-14);
	box(1, in, out[0]);
	box(0, in, out[1]);
	same_ints("box filter", &out[0][0][0][0], &out[1][0][0][0], D * D * D);
	return offload_end();
}
