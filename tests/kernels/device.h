/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* What CUDA C offers without being included, for clang without a CUDA toolkit; under nvcc, only the wrappers. */
#ifndef TESTS_KERNELS_DEVICE_H
#define TESTS_KERNELS_DEVICE_H

#ifdef __clang__
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))

struct vgpu_index_tid {
	__declspec(property(get = get_x)) unsigned int x;
	__declspec(property(get = get_y)) unsigned int y;
	__declspec(property(get = get_z)) unsigned int z;
	static __device__ unsigned int get_x() { return __nvvm_read_ptx_sreg_tid_x(); }
	static __device__ unsigned int get_y() { return __nvvm_read_ptx_sreg_tid_y(); }
	static __device__ unsigned int get_z() { return __nvvm_read_ptx_sreg_tid_z(); }
};

struct vgpu_index_ntid {
	__declspec(property(get = get_x)) unsigned int x;
	__declspec(property(get = get_y)) unsigned int y;
	__declspec(property(get = get_z)) unsigned int z;
	static __device__ unsigned int get_x() { return __nvvm_read_ptx_sreg_ntid_x(); }
	static __device__ unsigned int get_y() { return __nvvm_read_ptx_sreg_ntid_y(); }
	static __device__ unsigned int get_z() { return __nvvm_read_ptx_sreg_ntid_z(); }
};

struct vgpu_index_ctaid {
	__declspec(property(get = get_x)) unsigned int x;
	__declspec(property(get = get_y)) unsigned int y;
	__declspec(property(get = get_z)) unsigned int z;
	static __device__ unsigned int get_x() { return __nvvm_read_ptx_sreg_ctaid_x(); }
	static __device__ unsigned int get_y() { return __nvvm_read_ptx_sreg_ctaid_y(); }
	static __device__ unsigned int get_z() { return __nvvm_read_ptx_sreg_ctaid_z(); }
};

struct vgpu_index_nctaid {
	__declspec(property(get = get_x)) unsigned int x;
	__declspec(property(get = get_y)) unsigned int y;
	__declspec(property(get = get_z)) unsigned int z;
	static __device__ unsigned int get_x() { return __nvvm_read_ptx_sreg_nctaid_x(); }
	static __device__ unsigned int get_y() { return __nvvm_read_ptx_sreg_nctaid_y(); }
	static __device__ unsigned int get_z() { return __nvvm_read_ptx_sreg_nctaid_z(); }
};

extern const __device__ __attribute__((weak)) vgpu_index_tid threadIdx;
extern const __device__ __attribute__((weak)) vgpu_index_ntid blockDim;
extern const __device__ __attribute__((weak)) vgpu_index_ctaid blockIdx;
extern const __device__ __attribute__((weak)) vgpu_index_nctaid gridDim;

#define __syncthreads() __nvvm_bar_sync(0)
#else
#include <cuda_runtime.h>
#endif

static __device__ __forceinline__ float shfl_down(float v, int d)
{
#ifdef __clang__
	return __nvvm_shfl_sync_down_f32(0xffffffff, v, d, 31);
#else
	return __shfl_down_sync(0xffffffff, v, d);
#endif
}

static __device__ __forceinline__ float shfl_xor(float v, int d)
{
#ifdef __clang__
	return __nvvm_shfl_sync_bfly_f32(0xffffffff, v, d, 31);
#else
	return __shfl_xor_sync(0xffffffff, v, d);
#endif
}

static __device__ __forceinline__ float exp2_approx(float v)
{
	float r;

	asm("ex2.approx.f32 %0, %1;" : "=f"(r) : "f"(v));
	return r;
}

static __device__ __forceinline__ void atomic_add(float *p, float v)
{
#ifdef __clang__
	__nvvm_atom_add_gen_f(p, v);
#else
	atomicAdd(p, v);
#endif
}

static __device__ __forceinline__ unsigned int atomic_add(unsigned int *p, unsigned int v)
{
#ifdef __clang__
	return (unsigned int)__nvvm_atom_add_gen_i((int *)p, (int)v);
#else
	return atomicAdd(p, v);
#endif
}

static __device__ __forceinline__ int shfl_up(int v, int d)
{
#ifdef __clang__
	return __nvvm_shfl_sync_up_i32(0xffffffff, v, d, 0);
#else
	return __shfl_up_sync(0xffffffff, v, d);
#endif
}

static __device__ __forceinline__ unsigned int lanes_where(int p)
{
#ifdef __clang__
	return __nvvm_vote_ballot_sync(0xffffffff, p);
#else
	return __ballot_sync(0xffffffff, p);
#endif
}

static __device__ __forceinline__ unsigned long long atomic_cas(unsigned long long *p, unsigned long long old,
								unsigned long long v)
{
#ifdef __clang__
	return (unsigned long long)__nvvm_atom_cas_gen_ll((long long *)p, (long long)old, (long long)v);
#else
	return atomicCAS(p, old, v);
#endif
}

static __device__ __forceinline__ int atomic_cas(int *p, int old, int v)
{
#ifdef __clang__
	return __nvvm_atom_cas_gen_i(p, old, v);
#else
	return atomicCAS(p, old, v);
#endif
}

static __device__ __forceinline__ int atomic_exchange(int *p, int v)
{
#ifdef __clang__
	return __nvvm_atom_xchg_gen_i(p, v);
#else
	return atomicExch(p, v);
#endif
}

static __device__ __forceinline__ int atomic_max(int *p, int v)
{
#ifdef __clang__
	return __nvvm_atom_max_gen_i(p, v);
#else
	return atomicMax(p, v);
#endif
}

static __device__ __forceinline__ void fence()
{
#ifdef __clang__
	__nvvm_membar_gl();
#else
	__threadfence();
#endif
}

/* binary16 as its bits; both compilers pass these through. */
static __device__ __forceinline__ unsigned short half_fma(unsigned short a, unsigned short b, unsigned short c)
{
	unsigned short r;

	asm("fma.rn.f16 %0, %1, %2, %3;" : "=h"(r) : "h"(a), "h"(b), "h"(c));
	return r;
}

static __device__ __forceinline__ float half_to_float(unsigned short a)
{
	float r;

	asm("cvt.f32.f16 %0, %1;" : "=f"(r) : "h"(a));
	return r;
}

static __device__ __forceinline__ unsigned short float_to_half(float a)
{
	unsigned short r;

	asm("cvt.rn.f16.f32 %0, %1;" : "=h"(r) : "f"(a));
	return r;
}

#ifdef __clang__
extern "C" __device__ int printf(const char *format, ...);
extern "C" __device__ void *malloc(unsigned long size);
extern "C" __device__ void free(void *p);
#else
#include <stdio.h>
#endif

#endif
