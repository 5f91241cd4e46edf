/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* The toolkit's mathematical functions, of both precisions: nvcc only. */
#include <cuda_runtime.h>
#include <cuda_fp16.h>
#include <cuda_bf16.h>

#define FUNCTIONS(F) F(sin) F(cos) F(tan) F(exp) F(exp2) F(expm1) F(log) F(log2) F(log1p) F(sqrt) F(cbrt) F(tanh) F(sinh) \
	F(atan) F(asinh) F(erf) F(erfc) F(tgamma) F(lgamma) F(floor) F(ceil) F(rint) F(trunc) F(round)

/* out[f * n + i] = f(x[i]), in the order of FUNCTIONS. */
extern "C" __global__ void math_f32(const float *x, float *out, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x, f = 0;

	if (i >= n)
		return;
#define F(name) out[f++ * n + i] = name##f(x[i]);
	FUNCTIONS(F)
#undef F
}

extern "C" __global__ void math_f64(const double *x, double *out, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x, f = 0;

	if (i >= n)
		return;
#define F(name) out[f++ * n + i] = name(x[i]);
	FUNCTIONS(F)
#undef F
}

/* Functions of two: pow, atan2, fmod, hypot, fdim, copysign, remainder, nextafter. */
extern "C" __global__ void math_two(const double *x, const double *y, double *out, float *outf, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x, f = 0;

	if (i >= n)
		return;
#define F(name) out[f * n + i] = name(x[i], y[i]); outf[f++ * n + i] = name##f((float)x[i], (float)y[i]);
	F(pow) F(atan2) F(fmod) F(hypot) F(fdim) F(copysign) F(remainder) F(nextafter)
#undef F
}

/* Pairs of binary16 and of bfloat16. */
extern "C" __global__ void half_pairs(const __half2 *a, const __half2 *b, __half2 *out, const __nv_bfloat162 *c,
				      const __nv_bfloat162 *d, __nv_bfloat162 *bout)
{
	int i = threadIdx.x;

	out[i] = __hfma2(a[i], b[i], __hmax2(a[i], b[i]));
	bout[i] = __hfma2(c[i], d[i], __hmin2(c[i], d[i]));
}

/* Integer intrinsics: bits of each. */
extern "C" __global__ void integer_intrinsics(const unsigned int *x, unsigned int *out, int n)
{
	int i = threadIdx.x;
	unsigned int v = x[i], w = x[(i + 1) % n];

	out[i] = __popc(v);
	out[n + i] = __clz(v);
	out[2 * n + i] = __brev(v);
	out[3 * n + i] = __ffs(v);
	out[4 * n + i] = __byte_perm(v, w, 0x5140);
	out[5 * n + i] = __umulhi(v, w);
	out[6 * n + i] = __funnelshift_l(v, w, i);
	out[7 * n + i] = __usad(v, w, 5);
	out[8 * n + i] = __dp4a((int)v, (int)w, 1000);
	out[9 * n + i] = __vadd4(v, w);
	out[10 * n + i] = __vmaxs2(v, w);
	out[11 * n + i] = __reduce_add_sync(0xffffffff, v);
	out[12 * n + i] = __match_any_sync(0xffffffff, v & 3);
}
