/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* The kernels that every part of the system is tried with. Compiled by nvcc and by clang; see build.mk. */
#include "device.h"

extern "C" __global__ void vector_add(const float *a, const float *b, float *c, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		c[i] = a[i] + b[i];
}

#define TILE 16

/* C = A B, row-major; n is a multiple of TILE. */
extern "C" __global__ void sgemm_tiled(const float *a, const float *b, float *c, int n)
{
	__shared__ float as[TILE][TILE];
	__shared__ float bs[TILE][TILE];
	int tx = threadIdx.x, ty = threadIdx.y;
	int row = blockIdx.y * TILE + ty, col = blockIdx.x * TILE + tx;
	float sum = 0.0f;

	for (int t = 0; t < n / TILE; t++) {
		as[ty][tx] = a[row * n + t * TILE + tx];
		bs[ty][tx] = b[(t * TILE + ty) * n + col];
		__syncthreads();
#pragma unroll
		for (int k = 0; k < TILE; k++)
			sum += as[ty][k] * bs[k][tx];
		__syncthreads();
	}
	c[row * n + col] = sum;
}

/* Adds up x into *sum, which is zero before. */
extern "C" __global__ void reduce_sum(const float *x, float *sum, int n)
{
	__shared__ float partial[32];
	int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
	float v = 0.0f;

	for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
		v += x[i];
	for (int d = 16; d; d >>= 1)
		v += shfl_down(v, d);
	if (!lane)
		partial[warp] = v;
	__syncthreads();
	if (!warp) {
		v = lane < (int)(blockDim.x + 31) / 32 ? partial[lane] : 0.0f;
		for (int d = 16; d; d >>= 1)
			v += shfl_down(v, d);
		if (!lane)
			atomic_add(sum, v);
	}
}

/* One block a row. */
extern "C" __global__ void softmax_rows(const float *x, float *y, int cols)
{
	__shared__ float cell[32];
	const float *row = x + (long)blockIdx.x * cols;
	float *out = y + (long)blockIdx.x * cols;
	int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = (blockDim.x + 31) >> 5;
	float top = -3.4e38f, sum = 0.0f;

	for (int i = threadIdx.x; i < cols; i += blockDim.x)
		top = row[i] > top ? row[i] : top;
	for (int d = 16; d; d >>= 1) {
		float o = shfl_xor(top, d);

		top = o > top ? o : top;
	}
	if (!lane)
		cell[warp] = top;
	__syncthreads();
	top = cell[0];
	for (int i = 1; i < warps; i++)
		top = cell[i] > top ? cell[i] : top;
	__syncthreads();
	for (int i = threadIdx.x; i < cols; i += blockDim.x) {
		float e = exp2_approx((row[i] - top) * 1.4426950408889634f);

		out[i] = e;
		sum += e;
	}
	for (int d = 16; d; d >>= 1)
		sum += shfl_xor(sum, d);
	if (!lane)
		cell[warp] = sum;
	__syncthreads();
	sum = 0.0f;
	for (int i = 0; i < warps; i++)
		sum += cell[i];
	for (int i = threadIdx.x; i < cols; i += blockDim.x)
		out[i] = out[i] / sum;
}

/* 256 bins, first in shared memory. */
extern "C" __global__ void histogram256(const unsigned char *data, unsigned int *bins, int n)
{
	__shared__ unsigned int local[256];

	for (int i = threadIdx.x; i < 256; i += blockDim.x)
		local[i] = 0;
	__syncthreads();
	for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
		atomic_add(&local[data[i]], 1u);
	__syncthreads();
	for (int i = threadIdx.x; i < 256; i += blockDim.x)
		if (local[i])
			atomic_add(&bins[i], local[i]);
}

extern "C" __global__ void transpose(const float *in, float *out, int width, int height)
{
	__shared__ float tile[32][33];
	int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;

	for (int j = 0; j < 32; j += blockDim.y)
		if (x < width && y + j < height)
			tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * width + x];
	__syncthreads();
	x = blockIdx.y * 32 + threadIdx.x;
	y = blockIdx.x * 32 + threadIdx.y;
	for (int j = 0; j < 32; j += blockDim.y)
		if (x < height && y + j < width)
			out[(y + j) * height + x] = tile[threadIdx.x][threadIdx.y + j];
}

extern "C" __global__ void stencil5(const float *in, float *out, int width, int height)
{
	int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;

	if (x >= width || y >= height)
		return;
	if (!x || !y || x == width - 1 || y == height - 1) {
		out[y * width + x] = in[y * width + x];
		return;
	}
	out[y * width + x] = 0.25f * (in[y * width + x - 1] + in[y * width + x + 1] + in[(y - 1) * width + x] +
				      in[(y + 1) * width + x]);
}

/* Inclusive scan of each block's part. */
extern "C" __global__ void scan_block(const int *in, int *out, int *sums, int n)
{
	extern __shared__ int buf[];
	int i = blockIdx.x * blockDim.x + threadIdx.x, t = threadIdx.x;

	buf[t] = i < n ? in[i] : 0;
	__syncthreads();
	for (int d = 1; d < (int)blockDim.x; d <<= 1) {
		int v = t >= d ? buf[t - d] : 0;

		__syncthreads();
		buf[t] += v;
		__syncthreads();
	}
	if (i < n)
		out[i] = buf[t];
	if (t == (int)blockDim.x - 1)
		sums[blockIdx.x] = buf[t];
}
