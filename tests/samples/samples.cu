/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* Kernels as programs of CUDA C++ have them, with what the toolkit's headers bring. Compiled by nvcc; see Makefile. */
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_reduce.cuh>
#include <cub/block/block_scan.cuh>
#include <cub/warp/warp_merge_sort.cuh>
#include <cuda/atomic>
#include <cuda/barrier>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_pipeline.h>
#include <stdio.h>

namespace cg = cooperative_groups;

#define AT (blockIdx.x * blockDim.x + threadIdx.x)

extern "C" __global__ void vector_add(const float *a, const float *b, float *c, int n)
{
	if (AT < n)
		c[AT] = a[AT] + b[AT];
}

extern "C" __global__ void increment(int *x, int by, int n)
{
	if (AT < n)
		x[AT] += by;
}

/* Found by its mangled name; tiles as large as the launch says. */
template <typename T> __global__ void matrix_mul(const T *a, const T *b, T *c, int n, int tile)
{
	extern __shared__ char raw[];
	T *sa = (T *)raw, *sb = sa + tile * tile, sum = 0;
	int x = blockIdx.x * tile + threadIdx.x, y = blockIdx.y * tile + threadIdx.y;

	for (int t = 0; t < n; t += tile) {
		for (int k = threadIdx.y; k < tile; k += blockDim.y) {
			sa[k * tile + threadIdx.x] = a[(blockIdx.y * tile + k) * n + t + threadIdx.x];
			sb[k * tile + threadIdx.x] = b[(t + k) * n + x];
		}
		__syncthreads();
		for (int k = 0; k < tile; k++)
			sum += sa[threadIdx.y * tile + k] * sb[k * tile + threadIdx.x];
		__syncthreads();
	}
	c[y * n + x] = sum;
}

template __global__ void matrix_mul<float>(const float *, const float *, float *, int, int);
template __global__ void matrix_mul<double>(const double *, const double *, double *, int, int);

/* The last block to come adds up what the others have left. */
__device__ unsigned int blocks_done;

extern "C" __global__ void reduce_once(const float *in, volatile float *partial, float *out, int n)
{
	__shared__ float s[256];
	__shared__ bool last;
	float sum = 0;

	for (int i = AT; i < n; i += gridDim.x * blockDim.x)
		sum += in[i];
	s[threadIdx.x] = sum;
	__syncthreads();
	for (int k = 128; k; k >>= 1) {
		if (threadIdx.x < k)
			s[threadIdx.x] += s[threadIdx.x + k];
		__syncthreads();
	}
	if (!threadIdx.x) {
		partial[blockIdx.x] = s[0];
		__threadfence();
		last = atomicInc(&blocks_done, gridDim.x - 1) == gridDim.x - 1;
	}
	__syncthreads();
	if (!last)
		return;
	sum = 0;
	for (int i = threadIdx.x; i < gridDim.x; i += blockDim.x)
		sum += partial[i];
	sum = cub::BlockReduce<float, 256>(*reinterpret_cast<cub::BlockReduce<float, 256>::TempStorage *>(s)).Sum(sum);
	if (!threadIdx.x)
		*out = sum;
}

/* Relaxation on a line, all blocks in step. */
extern "C" __global__ void relax(double *from, double *to, int n, int rounds)
{
	cg::grid_group grid = cg::this_grid();

	for (int r = 0; r < rounds; r++) {
		for (unsigned long long i = grid.thread_rank(); i < n; i += grid.size())
			to[i] = i && i < n - 1 ? 0.5 * from[i] + 0.25 * (from[i - 1] + from[i + 1]) : from[i];
		grid.sync();
		double *swap = from;

		from = to;
		to = swap;
	}
}

extern "C" __global__ void groups(const int *in, int *out, int n)
{
	cg::thread_block block = cg::this_thread_block();
	cg::thread_block_tile<8> tile = cg::tiled_partition<8>(block);
	int v = AT < n ? in[AT] : 0, r;

	r = cg::reduce(tile, v, cg::plus<int>());
	r += 3 * cg::inclusive_scan(tile, v);
	r += 5 * cg::exclusive_scan(tile, v, cg::bit_xor<int>());
	r += 7 * tile.shfl_xor(v, 3) + 11 * (tile.any(v < 0) ? 1 : 0);
	if (v & 1) {
		cg::coalesced_group odd = cg::coalesced_threads();

		r += 13 * cg::reduce(odd, v, cg::greater<int>()) + (int)odd.thread_rank();
	}
	auto same = cg::labeled_partition(cg::coalesced_threads(), v & 3);

	r += 17 * (int)same.size();
	block.sync();
	if (AT < n)
		out[AT] = r;
}

extern "C" __global__ void sort_and_scan(unsigned int *keys, int *values, int *prefix)
{
	typedef cub::BlockRadixSort<unsigned int, 128, 4, int> Sort;
	typedef cub::BlockScan<int, 128> Scan;
	__shared__ union {
		typename Sort::TempStorage sort;
		typename Scan::TempStorage scan;
	} temp;
	unsigned int k[4];
	int v[4], base = blockIdx.x * 512 + threadIdx.x * 4, total;

	for (int i = 0; i < 4; i++) {
		k[i] = keys[base + i];
		v[i] = values[base + i];
	}
	Sort(temp.sort).Sort(k, v);
	__syncthreads();
	for (int i = 0; i < 4; i++) {
		keys[base + i] = k[i];
		values[base + i] = v[i];
	}
	Scan(temp.scan).ExclusiveSum(v, v, total);
	for (int i = 0; i < 4; i++)
		prefix[base + i] = v[i] + total;
}

struct less {
	__device__ bool operator()(float a, float b) const
	{
		return a < b;
	}
};

extern "C" __global__ void merge_sort(float *x)
{
	typedef cub::WarpMergeSort<float, 4, 32> Sort;
	__shared__ typename Sort::TempStorage temp[2];
	float v[4];

	for (int i = 0; i < 4; i++)
		v[i] = x[AT * 4 + i];
	Sort(temp[threadIdx.x / 32]).Sort(v, less());
	for (int i = 0; i < 4; i++)
		x[AT * 4 + i] = v[i];
}

/* What has no name in C++. */
extern "C" __global__ void intrinsics(const unsigned int *a, const unsigned int *b, unsigned int *out, int n)
{
	unsigned int x = a[AT % n], y = b[AT % n], lane, *o = out + AT * 24;

	asm volatile("mov.u32 %0, %%laneid;" : "=r"(lane));
	o[0] = lane;
	o[1] = __vadd4(x, y);
	o[2] = __vabsdiffu4(x, y);
	o[3] = __vavgu4(x, y);
	o[4] = __vmaxs4(x, y);
	o[5] = __vminu2(x, y);
	o[6] = __vsub2(x, y);
	o[7] = __vsadu4(x, y);
	o[8] = __vcmpgtu4(x, y);
	o[9] = __dp4a((int)x, (int)y, 5);
	o[10] = __byte_perm(x, y, 0x6420);
	o[11] = __funnelshift_l(x, y, lane);
	o[12] = __brev(x);
	o[13] = __ffs(x) + 100 * __clz(y) + 10000 * __popc(x ^ y);
	o[14] = __umulhi(x, y);
	o[15] = __usad(x, y, 7);
	o[16] = __mulhi((int)x, (int)y);
	o[17] = __uhadd(x, y);
	o[18] = __vaddss4(x, y);
	o[19] = __vaddus2(x, y);
	asm("{\n\t.reg .pred p;\n\tsetp.lt.s32 p, %1, %2;\n\tselp.b32 %0, %1, %2, p;\n\t}" : "=r"(o[20]) : "r"(x), "r"(y));
	asm("vadd.s32.s32.s32.sat %0, %1.h0, %2.h1;" : "=r"(o[21]) : "r"(x), "r"(y));
	asm("bfe.u32 %0, %1, 5, 11;" : "=r"(o[22]) : "r"(x));
	o[23] = __reduce_add_sync(~0u, x & 0xff);
}

extern "C" __global__ void simd_asm(const unsigned int *a, const unsigned int *b, const unsigned int *c, unsigned int *out, int n)
{
	unsigned int x = a[AT % n], y = b[AT % n], z = c[AT % n], *o = out + AT * 8;

	asm("vadd4.u32.u32.u32.sat %0, %1, %2, %3;" : "=r"(o[0]) : "r"(x), "r"(y), "r"(z));
	asm("vsub4.s32.s32.s32 %0, %1, %2, %3;" : "=r"(o[1]) : "r"(x), "r"(y), "r"(z));
	asm("vabsdiff4.u32.u32.u32.add %0, %1, %2, %3;" : "=r"(o[2]) : "r"(x), "r"(y), "r"(z));
	asm("vmin4.s32.s32.s32 %0, %1, %2, %3;" : "=r"(o[3]) : "r"(x), "r"(y), "r"(z));
	asm("vmax2.u32.u32.u32 %0, %1, %2, %3;" : "=r"(o[4]) : "r"(x), "r"(y), "r"(z));
	asm("vavrg4.u32.u32.u32 %0, %1, %2, %3;" : "=r"(o[5]) : "r"(x), "r"(y), "r"(z));
	asm("vset4.u32.u32.gt %0, %1, %2, %3;" : "=r"(o[6]) : "r"(x), "r"(y), "r"(z));
	asm("vadd2.s32.s32.s32.sat %0, %1, %2, %3;" : "=r"(o[7]) : "r"(x), "r"(y), "r"(z));
}

/* cells: 24 of 64 bits. */
extern "C" __global__ void atomics(unsigned long long *cells)
{
	int *i = (int *)cells;
	unsigned int *u = (unsigned int *)(cells + 8);
	float *f = (float *)(cells + 16);
	double *d = (double *)(cells + 18);

	atomicAdd(&i[0], 10);
	atomicSub(&i[1], 10);
	atomicMax(&i[2], (int)AT);
	atomicMin(&i[3], -(int)AT);
	atomicAnd(&i[4], 2 * (int)AT + 8);
	atomicOr(&i[5], 1 << (AT % 31));
	atomicXor(&i[6], (int)AT);
	atomicExch_system(&i[7], 7);
	atomicInc(&u[0], 17);
	atomicDec(&u[1], 137);
	for (unsigned int old = u[2], seen; (seen = atomicCAS(&u[2], old, old + 3)) != old; old = seen)
		;
	atomicAdd_system(&u[3], 2);
	atomicMax(&cells[12], (unsigned long long)AT << 32);
	atomicAdd(&cells[13], 1ull << 33);
	atomicCAS(&cells[14], 0ull, 5ull);
	atomicAdd(&f[0], 0.5f);
	atomicAdd(&d[0], 0.25);
	atomicAdd((__half2 *)(cells + 19), __floats2half2_rn(1, 0.5f));
	cuda::atomic_ref<int, cuda::thread_scope_device>(i[14]).fetch_add(3, cuda::memory_order_relaxed);
	cuda::atomic_ref<unsigned long long, cuda::thread_scope_device>(cells[20]).fetch_max(AT, cuda::memory_order_acq_rel);
}

extern "C" __global__ void halves(const float *x, float *out, int n)
{
	if (AT >= n)
		return;
	__half h = __float2half(x[AT]), k = __hfma(h, h, __float2half(0.5f));
	__half2 p = __hmul2(__halves2half2(h, k), __float2half2_rn(1.5f));
	__nv_bfloat16 b = __hadd(__float2bfloat16(x[AT]), __float2bfloat16(1.0f));

	out[AT * 6] = __half2float(k);
	out[AT * 6 + 1] = __low2float(p) + __high2float(p);
	out[AT * 6 + 2] = __bfloat162float(b);
	out[AT * 6 + 3] = __half2float(hexp(h)) + __half2float(hsqrt(__habs(h)));
	out[AT * 6 + 4] = (float)__nv_fp8_e4m3(x[AT]);
	out[AT * 6 + 5] = (float)__nv_fp8_e5m2(x[AT]);
}

/* Two stages of tiles that come while the last ones are worked on. */
extern "C" __global__ void pipeline(const float *in, float *out, int tiles)
{
	__shared__ float s[2][128];
	float sum = 0;

	__pipeline_memcpy_async(&s[0][threadIdx.x], &in[threadIdx.x], 4);
	__pipeline_commit();
	for (int t = 0; t < tiles; t++) {
		if (t + 1 < tiles)
			__pipeline_memcpy_async(&s[(t + 1) & 1][threadIdx.x], &in[(t + 1) * 128 + threadIdx.x], 4);
		__pipeline_commit();
		__pipeline_wait_prior(1);
		__syncthreads();
		sum += s[t & 1][(threadIdx.x + t) & 127];
		__syncthreads();
	}
	out[threadIdx.x] = sum;
}

extern "C" __global__ void barriers(int *out)
{
	__shared__ cuda::barrier<cuda::thread_scope_block> barrier;
	__shared__ int s[128];

	if (!threadIdx.x)
		init(&barrier, blockDim.x);
	__syncthreads();
	for (int r = 0; r < 10; r++) {
		s[threadIdx.x] = r * (int)threadIdx.x;
		auto token = barrier.arrive();

		barrier.wait(std::move(token));
		out[r * 128 + threadIdx.x] = s[127 - threadIdx.x];
		barrier.arrive_and_wait();
	}
}

/* Objects with virtual functions, made and ended on the device. */
struct shape {
	__device__ virtual double area() const = 0;
	__device__ virtual ~shape()
	{
	}
};

struct circle : shape {
	double r;
	__device__ circle(double r) : r(r)
	{
	}
	__device__ double area() const override
	{
		return 3.0 * r * r;
	}
};

struct box : shape {
	double a, b;
	__device__ box(double a, double b) : a(a), b(b)
	{
	}
	__device__ double area() const override
	{
		return a * b;
	}
};

extern "C" __global__ void shapes(double *out, int n)
{
	shape *s;

	if (AT >= n)
		return;
	if (AT & 1)
		s = new circle(AT);
	else
		s = new box(AT, 2);
	out[AT] = s->area();
	delete s;
}

extern "C" __global__ void say(int n)
{
	if (!AT)
		printf("%d threads, %s %.2f %c %llx\n", n, "a text", 1.5, 'x', 0x123456789abcull);
}

extern "C" __global__ void timers(long long *out)
{
	unsigned long long before, after;
	long long clock = clock64();

	asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(before));
	for (int i = 0; i < 100; i++)
		__nanosleep(100);
	asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(after));
	out[AT * 2] = clock64() - clock;
	out[AT * 2 + 1] = (long long)(after - before);
}

__constant__ float weights[9];

extern "C" __global__ void convolve(const float *in, float *out, int w, int h)
{
	int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
	float sum = 0;

	if (x >= w || y >= h)
		return;
	for (int k = 0; k < 9; k++)
		sum += weights[k] * in[min(max(y + k / 3 - 1, 0), h - 1) * w + min(max(x + k % 3 - 1, 0), w - 1)];
	out[y * w + x] = sum;
}

/* A lock that lanes of one warp fight for. */
extern "C" __global__ void spin(int *lock, int *count)
{
	bool done = false;

	while (!done) {
		if (!atomicCAS(lock, 0, 1)) {
			*(volatile int *)count += 1;
			__threadfence();
			atomicExch(lock, 0);
			done = true;
		}
	}
}

extern "C" __global__ void wait_for(volatile int *flag)
{
	while (!*flag)
		;
}
