// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
//
// The demo's kernels. kernels.ptx is made from this file by `make -C demo ptx` (clang; nvcc -ptx works as well).

#ifdef __clang__
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define THREAD_X __nvvm_read_ptx_sreg_tid_x()
#define THREAD_Y __nvvm_read_ptx_sreg_tid_y()
#define BLOCK_X __nvvm_read_ptx_sreg_ctaid_x()
#define BLOCK_Y __nvvm_read_ptx_sreg_ctaid_y()
#else
#define THREAD_X threadIdx.x
#define THREAD_Y threadIdx.y
#define BLOCK_X blockIdx.x
#define BLOCK_Y blockIdx.y
#endif

#define TILE 16

// c = a * b for square matrices of n rows, n a multiple of TILE: one block a tile of c, tiles of a and b in shared memory.
extern "C" __global__ void matmul(const float *a, const float *b, float *c, int n)
{
	__shared__ float ta[TILE][TILE], tb[TILE][TILE];
	int row = BLOCK_Y * TILE + THREAD_Y;
	int col = BLOCK_X * TILE + THREAD_X;
	float sum = 0;

	for (int t = 0; t < n; t += TILE) {
		ta[THREAD_Y][THREAD_X] = a[row * n + t + THREAD_X];
		tb[THREAD_Y][THREAD_X] = b[(t + THREAD_Y) * n + col];
		__syncthreads();
#pragma unroll
		for (int k = 0; k < TILE; k++)
			sum += ta[THREAD_Y][k] * tb[k][THREAD_X];
		__syncthreads();
	}
	c[row * n + col] = sum;
}

// Steps until the orbit of each point of the complex plane leaves the circle of radius 2.
extern "C" __global__ void mandelbrot(int *steps, int width, int height, int limit)
{
	int x = BLOCK_X * TILE + THREAD_X;
	int y = BLOCK_Y * TILE + THREAD_Y;

	if (x >= width || y >= height)
		return;
	float cr = -2.2f + 3.2f * x / width;
	float ci = -1.2f + 2.4f * y / height;
	float zr = 0, zi = 0;
	int n = 0;

	while (n < limit && zr * zr + zi * zi < 4) {
		float t = zr * zr - zi * zi + cr;

		zi = 2 * zr * zi + ci;
		zr = t;
		n++;
	}
	steps[y * width + x] = n;
}
