// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Loops of uneven length, by every schedule, with private, firstprivate and lastprivate data, and simd. */
#include "offload.h"

#define W 48
#define H 32

static void mandelbrot(int device, int *out)
{
	int i;

#pragma omp target teams distribute parallel for schedule(dynamic, 3) if(device) map(from: out[0:W * H])
	for (i = 0; i < W * H; i++) {
		double cr = -2.2 + 3.2 * (i % W) / W, ci = -1.2 + 2.4 * (i / W) / H, zr = 0, zi = 0;
		int n = 0;

		while (n < 100 && zr * zr + zi * zi < 4) {
			double t = zr * zr - zi * zi + cr;

			zi = 2 * zr * zi + ci;
			zr = t;
			n++;
		}
		/* The edge of the set depends on rounding. */
		out[i] = n < 40 ? n : 40;
	}
}

static void clauses(int device, int *out)
{
	int base = 17, last = -1, i, scratch = 0;

#pragma omp target parallel for schedule(guided) if(target: device) map(from: out[0:W]) firstprivate(base) private(scratch) \
	lastprivate(last) map(tofrom: last)
	for (i = 0; i < W; i++) {
		scratch = i * base;
		out[i] = scratch % 13;
		last = scratch;
	}
	out[W] = last;
#pragma omp target parallel for simd schedule(static, 5) if(target: device) map(tofrom: out[0:W])
	for (i = 0; i < W; i++)
		out[i] = out[i] * 100 + i;
#pragma omp target simd if(target: device) map(tofrom: out[0:W]) safelen(8)
	for (i = 8; i < W; i++)
		out[i] += 1;
}

static void triangle(int device, double *out)
{
	int i, j;

#pragma omp target teams distribute if(device) map(from: out[0:H])
	for (i = 0; i < H; i++) {
		double sum = 0;

#pragma omp parallel for reduction(+: sum) schedule(runtime)
		for (j = 0; j <= i; j++)
			sum += 1.0 / (1 + j);
		out[i] = sum;
	}
}

int main(void)
{
	static int steps[2][W * H], out[2][W + 1];
	static double sums[2][H];

	offload_needs_device();
	mandelbrot(1, steps[0]);
	mandelbrot(0, steps[1]);
	same_ints("uneven loops", steps[0], steps[1], W * H);
	clauses(1, out[0]);
	clauses(0, out[1]);
	same_ints("clauses", out[0], out[1], W + 1);
	triangle(1, sums[0]);
	triangle(0, sums[1]);
	same_doubles("triangle", sums[0], sums[1], H, 1e-14);
	return offload_end();
}
