/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* Kernels that compute: networks, sparse and dense algebra, transforms. Compiled by nvcc and by clang; see Makefile. */
#include "device.h"

static __device__ __forceinline__ float warp_sum(float v)
{
	for (int d = 16; d; d >>= 1)
		v += shfl_xor(v, d);
	return v;
}

/* One block of 128 threads a row. */
extern "C" __global__ void layer_norm(const float *x, const float *gain, const float *bias, float *y, int cols)
{
	__shared__ float part[2][4];
	const float *row = x + (long)blockIdx.x * cols;
	int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
	float sum = 0.0f, sq = 0.0f;

	for (int i = threadIdx.x; i < cols; i += 128) {
		sum += row[i];
		sq += row[i] * row[i];
	}
	sum = warp_sum(sum);
	sq = warp_sum(sq);
	if (!lane) {
		part[0][warp] = sum;
		part[1][warp] = sq;
	}
	__syncthreads();
	sum = part[0][0] + part[0][1] + part[0][2] + part[0][3];
	sq = part[1][0] + part[1][1] + part[1][2] + part[1][3];

	float mean = sum / cols, var = sq / cols - mean * mean;
	float scale = 1.0f / __builtin_sqrtf(var + 1e-5f);

	for (int i = threadIdx.x; i < cols; i += 128)
		y[(long)blockIdx.x * cols + i] = (row[i] - mean) * scale * gain[i] + bias[i];
}

#define HEAD 32

/* One warp a query, one lane a component of the head; keys are taken one at a time with a running maximum. */
extern "C" __global__ void attention(const float *q, const float *k, const float *v, float *out, int keys)
{
	int row = blockIdx.x * blockDim.y + threadIdx.y, lane = threadIdx.x;
	float query = q[row * HEAD + lane] * 0.17677669529f;
	float top = -1e30f, norm = 0.0f, acc = 0.0f;

	for (int j = 0; j < keys; j++) {
		float score = warp_sum(query * k[j * HEAD + lane]);
		float next = score > top ? score : top;
		float old = exp2_approx((top - next) * 1.4426950408889634f);
		float now = exp2_approx((score - next) * 1.4426950408889634f);

		norm = norm * old + now;
		acc = acc * old + now * v[j * HEAD + lane];
		top = next;
	}
	out[row * HEAD + lane] = acc / norm;
}

struct alignas(16) quad {
	float x, y, z, w;
};

/* Rows of 4 * width floats. */
extern "C" __global__ void embedding_gather(const quad *table, const long long *ids, quad *out, int width)
{
	const quad *row = table + ids[blockIdx.x] * width;

	for (int i = threadIdx.x; i < width; i += blockDim.x)
		out[(long)blockIdx.x * width + i] = row[i];
}

/* One warp a row. */
extern "C" __global__ void spmv_csr(const int *start, const int *col, const float *value, const float *x, float *y, int rows)
{
	int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x & 31;
	float sum = 0.0f;

	if (row >= rows)
		return;
	for (int i = start[row] + lane; i < start[row + 1]; i += 32)
		sum += value[i] * x[col[i]];
	sum = warp_sum(sum);
	if (!lane)
		y[row] = sum;
}

__constant__ float conv_weights[25];

/* 5 x 5 taps from constant memory, zero outside. */
extern "C" __global__ void conv2d(const float *in, float *out, int width, int height)
{
	int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
	float sum = 0.0f;

	if (x >= width || y >= height)
		return;
	for (int j = -2; j <= 2; j++)
		for (int i = -2; i <= 2; i++)
			if (x + i >= 0 && x + i < width && y + j >= 0 && y + j < height)
				sum += in[(y + j) * width + x + i] * conv_weights[(j + 2) * 5 + i + 2];
	out[y * width + x] = sum;
}

/* C = A B in binary16 with fused steps in order of k, n a multiple of 16. */
extern "C" __global__ void hgemm(const unsigned short *a, const unsigned short *b, unsigned short *c, int n)
{
	__shared__ unsigned short as[16][16], bs[16][16];
	int tx = threadIdx.x, ty = threadIdx.y, row = blockIdx.y * 16 + ty, col = blockIdx.x * 16 + tx;
	unsigned short sum = 0;

	for (int t = 0; t < n; t += 16) {
		as[ty][tx] = a[row * n + t + tx];
		bs[ty][tx] = b[(t + ty) * n + col];
		__syncthreads();
		for (int k = 0; k < 16; k++)
			sum = half_fma(as[ty][k], bs[k][tx], sum);
		__syncthreads();
	}
	c[row * n + col] = sum;
}

extern "C" __global__ void half_round_trip(const float *x, unsigned short *h, float *y, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n) {
		h[i] = float_to_half(x[i]);
		y[i] = half_to_float(h[i]);
	}
}

extern "C" __global__ void dgemm(const double *a, const double *b, double *c, int n, double alpha, double beta)
{
	int row = blockIdx.y * blockDim.y + threadIdx.y, col = blockIdx.x * blockDim.x + threadIdx.x;
	double sum = 0.0;

	if (row >= n || col >= n)
		return;
	for (int k = 0; k < n; k++)
		sum += a[row * n + k] * b[k * n + col];
	c[row * n + col] = alpha * sum + beta * c[row * n + col];
}

/* Euclidean length and direction of n vectors of 3: division and square root of doubles. */
extern "C" __global__ void normalize3(const double *in, double *out, double *len, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i >= n)
		return;
	double x = in[3 * i], y = in[3 * i + 1], z = in[3 * i + 2];
	double l = __builtin_sqrt(x * x + y * y + z * z);

	len[i] = l;
	out[3 * i] = x / l;
	out[3 * i + 1] = y / l;
	out[3 * i + 2] = z / l;
}

/* One radix-2 step over n complex numbers in bit-reversed order; half is the distance of a butterfly's ends. */
extern "C" __global__ void fft_step(float *re, float *im, const float *wr, const float *wi, int half, int n)
{
	int t = blockIdx.x * blockDim.x + threadIdx.x;

	if (t >= n / 2)
		return;
	int k = t & (half - 1), i = 2 * (t - k) + k, j = i + half, w = k * (n / 2 / half);
	float tr = re[j] * wr[w] - im[j] * wi[w], ti = re[j] * wi[w] + im[j] * wr[w];

	re[j] = re[i] - tr;
	im[j] = im[i] - ti;
	re[i] += tr;
	im[i] += ti;
}

extern "C" __global__ void bit_reverse(const float *in, float *out, int bits)
{
	unsigned int i = blockIdx.x * blockDim.x + threadIdx.x, r;

	asm("brev.b32 %0, %1;" : "=r"(r) : "r"(i));
	out[r >> (32 - bits)] = in[i];
}

/* State of xorshift64*, one stream a thread; counts is how many of `draws` numbers fall into the unit circle. */
extern "C" __global__ void xorshift_pi(const unsigned long long *seeds, unsigned long long *states, unsigned int *counts, int draws)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;
	unsigned long long s = seeds[i];
	unsigned int hits = 0;

	for (int d = 0; d < draws; d++) {
		s ^= s >> 12;
		s ^= s << 25;
		s ^= s >> 27;
		unsigned long long r = s * 0x2545F4914F6CDD1Dull;
		float x = (unsigned int)(r >> 40) * (1.0f / 16777216.0f), y = (unsigned int)(r & 0xffffff) * (1.0f / 16777216.0f);

		hits += x * x + y * y < 1.0f;
	}
	states[i] = s;
	counts[i] = hits;
}

/* Signed 8-bit dot products by plain code: bytes, sign extension, saturation to 16 bits. */
extern "C" __global__ void dot_i8(const signed char *a, const signed char *b, short *out, int k)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x, sum = 0;

	for (int j = 0; j < k; j++)
		sum += a[i * k + j] * b[i * k + j];
	out[i] = (short)(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
}

/* Quotients and remainders of every width, and 64 x 64 bit products' high halves. */
extern "C" __global__ void divide(const long long *a, const long long *b, long long *q, long long *r, unsigned int *uq,
				  unsigned long long *high, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i >= n)
		return;
	q[i] = a[i] / b[i];
	r[i] = a[i] % b[i];
	uq[i] = (unsigned int)a[i] / ((unsigned int)b[i] | 1) + (unsigned int)a[i] % 10u;
	high[i] = (unsigned long long)(((unsigned __int128)(unsigned long long)a[i] * (unsigned long long)b[i]) >> 64);
}
