// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* The device's own libm and libc: elementary functions of both floating types, complex numbers, 64 and 128 bit integers, strings. */
#include <complex.h>
#include "offload.h"

#define N 120
#define KINDS 14

static void functions(int device, double *out, float *single)
{
	int i;

#pragma omp target teams distribute parallel for if(device) map(from: out[0:N * KINDS], single[0:N * 6])
	for (i = 0; i < N; i++) {
		double x = 0.0625 + i * 0.109375, *p = out + i * KINDS;
		float f = (float)x, *s = single + i * 6;
		double complex z = (x + 2 * I) * (1 - x * I) / (3 + x * I);

		p[0] = sin(x);
		p[1] = cos(x);
		p[2] = tan(x / 20);
		p[3] = exp(x / 4);
		p[4] = log(x);
		p[5] = pow(x, 1.7);
		p[6] = sqrt(x);
		p[7] = cbrt(x);
		p[8] = atan2(x, 3);
		p[9] = fmod(x, 0.7);
		p[10] = floor(x * 3) + ceil(x * 5) + round(x * 7) + trunc(x * 9);
		p[11] = erf(x / 5) + tgamma(1 + x / 5);
		p[12] = creal(z);
		p[13] = cimag(z);
		s[0] = sinf(f);
		s[1] = expf(f / 4);
		s[2] = logf(f);
		s[3] = powf(f, 1.3f);
		s[4] = tanhf(f / 4);
		s[5] = fmaf(f, f, hypotf(f, 2));
	}
}

static void integers(int device, int *out)
{
	int i;

#pragma omp target teams distribute parallel for if(device) map(from: out[0:N])
	for (i = 0; i < N; i++) {
		unsigned long long a = 0x123456789abcdefull * (unsigned long long)(i + 1), b = 1000003ull * (unsigned long long)(i + 7);
		long long c = (long long)a - (long long)b * 977;
		char text[16], other[16];

		memset(text, 'a' + i % 26, sizeof(text));
		text[i % 15] = 0;
		strcpy(other, text);
		out[i] = (int)(a / b % 1009) + (int)(c % 997) + __builtin_popcountll(a) + __builtin_clzll(a) + __builtin_ctzll(b | 256) +
			 (int)(((unsigned __int128)a * b) >> 100) + (int)strlen(other) + (strcmp(text, other) == 0 ? 1000000 : 0) +
			 (int)(__builtin_bswap32((unsigned int)a) >> 20);
	}
}

int main(void)
{
	static double out[2][N * KINDS];
	static float single[2][N * 6];
	static int ints[2][N];

	offload_needs_device();
	functions(1, out[0], single[0]);
	functions(0, out[1], single[1]);
	same_doubles("functions of doubles", out[0], out[1], N * KINDS, 1e-13);
	same_floats("functions of floats", single[0], single[1], N * 6, 1e-6);
	integers(1, ints[0]);
	integers(0, ints[1]);
	same_ints("integers and strings", ints[0], ints[1], N);
	return offload_end();
}
