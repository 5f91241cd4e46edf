/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* Textures: each kernel reads one texture object at the places that it is given. Compiled by nvcc; see Makefile. */

#define AT (blockIdx.x * blockDim.x + threadIdx.x)

extern "C" __global__ void fetch_float(float4 *out, cudaTextureObject_t texture, const int *x, int n)
{
	if (AT < n)
		out[AT] = tex1Dfetch<float4>(texture, x[AT]);
}

extern "C" __global__ void fetch_int(int4 *out, cudaTextureObject_t texture, const int *x, int n)
{
	if (AT < n)
		out[AT] = tex1Dfetch<int4>(texture, x[AT]);
}

extern "C" __global__ void sample_1d(float4 *out, cudaTextureObject_t texture, const float4 *at, int n)
{
	if (AT < n)
		out[AT] = tex1D<float4>(texture, at[AT].x);
}

extern "C" __global__ void sample_2d(float4 *out, cudaTextureObject_t texture, const float4 *at, int n)
{
	if (AT < n)
		out[AT] = tex2D<float4>(texture, at[AT].x, at[AT].y);
}

extern "C" __global__ void sample_2d_int(int4 *out, cudaTextureObject_t texture, const float4 *at, int n)
{
	if (AT < n)
		out[AT] = tex2D<int4>(texture, at[AT].x, at[AT].y);
}

extern "C" __global__ void sample_2d_unsigned(uint4 *out, cudaTextureObject_t texture, const float4 *at, int n)
{
	if (AT < n)
		out[AT] = tex2D<uint4>(texture, at[AT].x, at[AT].y);
}

extern "C" __global__ void sample_2d_level(float4 *out, cudaTextureObject_t texture, const float4 *at, int n)
{
	if (AT < n)
		out[AT] = tex2DLod<float4>(texture, at[AT].x, at[AT].y, 0.0f);
}

extern "C" __global__ void sample_2d_gradient(float4 *out, cudaTextureObject_t texture, const float4 *at, int n)
{
	if (AT < n)
		out[AT] = tex2DGrad<float4>(texture, at[AT].x, at[AT].y, make_float2(0.25f, 0), make_float2(0, 0.25f));
}

extern "C" __global__ void sample_3d(float4 *out, cudaTextureObject_t texture, const float4 *at, int n)
{
	if (AT < n)
		out[AT] = tex3D<float4>(texture, at[AT].x, at[AT].y, at[AT].z);
}

extern "C" __global__ void sample_1d_layer(float4 *out, cudaTextureObject_t texture, const float4 *at, int n)
{
	if (AT < n)
		out[AT] = tex1DLayered<float4>(texture, at[AT].x, (int)at[AT].z);
}

extern "C" __global__ void sample_2d_layer(float4 *out, cudaTextureObject_t texture, const float4 *at, int n)
{
	if (AT < n)
		out[AT] = tex2DLayered<float4>(texture, at[AT].x, at[AT].y, (int)at[AT].z);
}

/* Each thread has a texture of its own, and some take a turn more. */
extern "C" __global__ void several(float *out, const cudaTextureObject_t *textures, int num, int n)
{
	float sum = 0;

	if (AT >= n)
		return;
	for (int k = 0; k <= AT % 3; k++)
		sum += tex1Dfetch<float>(textures[(AT + k) % num], AT);
	out[AT] = sum;
}

/* What images are turned with. */
extern "C" __global__ void rotate(float *out, cudaTextureObject_t texture, int width, int height, float angle)
{
	int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
	float u = (float)x - (float)width / 2, v = (float)y - (float)height / 2;

	if (x >= width || y >= height)
		return;
	out[y * width + x] = tex2D<float>(texture, (u * cosf(angle) - v * sinf(angle)) / width + 0.5f,
					  (v * cosf(angle) + u * sinf(angle)) / height + 0.5f);
}
