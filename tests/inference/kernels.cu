/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* Layers of the two networks. kernels.ptx is made from this file by `make -C tests/inference` (clang; nvcc -ptx works as well). */
#include "../kernels/device.h"

static __device__ __forceinline__ float warp_sum(float v)
{
	for (int d = 16; d; d >>= 1)
		v += shfl_xor(v, d);
	return v;
}

static __device__ __forceinline__ float warp_top(float v)
{
	for (int d = 16; d; d >>= 1) {
		float other = shfl_xor(v, d);

		v = other > v ? other : v;
	}
	return v;
}

static __device__ __forceinline__ float exponential(float v)
{
	return exp2_approx(v * 1.4426950408889634f);
}

/* 3 x 3 convolution, cut at 0, the largest of each 2 x 2: images of size x size, channels last; one thread an output. */
extern "C" __global__ void conv_pool(const float *in, const float *weights, const float *bias, float *out, int size, int from, int to,
				     int count)
{
	int index = blockIdx.x * blockDim.x + threadIdx.x, half = size / 2;

	if (index >= count)
		return;
	int o = index % to, x = index / to % half * 2, y = index / to / half % half * 2;
	const float *image = in + (long)(index / to / half / half) * size * size * from;
	float best = 0.0f;

	for (int corner = 0; corner < 4; corner++) {
		int cx = x + corner % 2, cy = y + corner / 2;
		float sum = bias[o];

		for (int j = 0; j < 3; j++) {
			for (int i = 0; i < 3; i++) {
				if (cx + i < 1 || cx + i > size || cy + j < 1 || cy + j > size)
					continue;
				const float *at = image + ((cy + j - 1) * size + cx + i - 1) * from;
				const float *tap = weights + (j * 3 + i) * from * to + o;

				for (int c = 0; c < from; c++)
					sum += at[c] * tap[c * to];
			}
		}
		best = sum > best ? sum : best;
	}
	out[index] = best;
}

/* y = x w + bias (+ more), cut at 0 if told; one thread an output. */
extern "C" __global__ void dense(const float *x, const float *w, const float *bias, const float *more, float *y, int in, int out, int rows,
				 int cut)
{
	int index = blockIdx.x * blockDim.x + threadIdx.x;

	if (index >= rows * out)
		return;
	int row = index / out, o = index % out;
	float sum = bias[o];

	for (int i = 0; i < in; i++)
		sum += x[row * in + i] * w[i * out + o];
	if (more)
		sum += more[index];
	y[index] = cut && sum < 0.0f ? 0.0f : sum;
}

/* One warp a row of at most 32. */
extern "C" __global__ void softmax(const float *in, float *out, int cols)
{
	int lane = threadIdx.x;
	float v = lane < cols ? in[blockIdx.x * cols + lane] : -1e30f;
	float top = warp_top(v);
	float e = lane < cols ? exponential(v - top) : 0.0f;
	float sum = warp_sum(e);

	if (lane < cols)
		out[blockIdx.x * cols + lane] = e / sum;
}

/* Rows from `first` on of what the letters and their places mean; one warp a row of 32. */
extern "C" __global__ void embed(const int *letters, const float *letter, const float *place, float *out, int first)
{
	int row = first + blockIdx.x, lane = threadIdx.x;

	out[blockIdx.x * 32 + lane] = letter[letters[row] * 32 + lane] + place[row * 32 + lane];
}

/* One warp a row of 32. */
extern "C" __global__ void layer_norm(const float *x, const float *gain, const float *bias, float *y)
{
	int lane = threadIdx.x, at = blockIdx.x * 32 + lane;
	float v = x[at], d = v - warp_sum(v) * (1.0f / 32.0f);
	float scale = 1.0f / __builtin_sqrtf(warp_sum(d * d) * (1.0f / 32.0f) + 1e-5f);

	y[at] = d * scale * gain[lane] + bias[lane];
}

/*
 * Attention of rows from `first` on over all rows up to themselves, 2 heads of 16: one block a row, one warp a head. qkv holds queries,
 * keys and values, 96 a row, of all rows; scores of a row lie in shared memory.
 */
extern "C" __global__ void attention(const float *qkv, float *out, int first)
{
	__shared__ float score[2][64];
	int head = threadIdx.y, lane = threadIdx.x, row = first + blockIdx.x, c = lane & 15;
	const float *q = qkv + row * 96 + head * 16;
	float top = -1e30f, sum = 0.0f, acc = 0.0f;

	for (int i = lane; i <= row; i += 32) {
		const float *k = qkv + i * 96 + 32 + head * 16;
		float s = 0.0f;

		for (int j = 0; j < 16; j++)
			s += q[j] * k[j];
		score[head][i] = s * 0.25f;
		top = s * 0.25f > top ? s * 0.25f : top;
	}
	top = warp_top(top);
	for (int i = lane; i <= row; i += 32) {
		score[head][i] = exponential(score[head][i] - top);
		sum += score[head][i];
	}
	sum = warp_sum(sum);
	__syncthreads();
	for (int i = lane >> 4; i <= row; i += 2)
		acc += score[head][i] * qkv[i * 96 + 64 + head * 16 + c];
	acc += shfl_xor(acc, 16);
	if (lane < 16)
		out[blockIdx.x * 32 + head * 16 + c] = acc / sum;
}

/* The likeliest letter after the last of `rows` rows of 32 becomes letter number `at`; one warp. */
extern "C" __global__ void choose(const float *logits, int *letters, int rows, int at)
{
	int lane = threadIdx.x;
	float v = logits[(rows - 1) * 32 + lane], top = warp_top(v);
	float first = -warp_top(v == top ? -lane : -32.0f);

	if (!lane)
		letters[at] = (int)first;
}
