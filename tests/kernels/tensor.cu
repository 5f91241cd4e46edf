/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* Matrix instructions, by the toolkit's wmma and by hand: nvcc only. */
#include <cuda_runtime.h>
#include <cuda_fp16.h>
#include <mma.h>

using namespace nvcuda;

/* C = A B of 16 x 16 tiles by wmma: A row-major, B column-major, C of floats; one warp a tile, k a multiple of 16. */
extern "C" __global__ void wmma_f16(const half *a, const half *b, float *c, int n, int k)
{
	wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> fa;
	wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::col_major> fb;
	wmma::fragment<wmma::accumulator, 16, 16, 16, float> fc;
	int row = blockIdx.y * 16, col = blockIdx.x * 16;

	wmma::fill_fragment(fc, 0.0f);
	for (int i = 0; i < k; i += 16) {
		wmma::load_matrix_sync(fa, a + row * k + i, k);
		wmma::load_matrix_sync(fb, b + col * k + i, k);
		wmma::mma_sync(fc, fa, fb, fc);
	}
	wmma::store_matrix_sync(c + row * n + col, fc, n, wmma::mem_row_major);
}

/* D = A B + 0 of one 16 x 8 x 16 step: fragments of A by ldmatrix, of B by ldmatrix with a transposition. */
extern "C" __global__ void mma_ldmatrix(const half *a, const half *b, float *d)
{
	__shared__ __align__(16) half sa[16 * 16], sb[16 * 8];
	int lane = threadIdx.x;
	unsigned int ra[4], rb[2];
	float r[4] = { 0, 0, 0, 0 };

	for (int i = lane; i < 256; i += 32)
		sa[i] = a[i];
	for (int i = lane; i < 128; i += 32)
		sb[i] = b[i];
	__syncwarp();

	unsigned int at = (unsigned int)__cvta_generic_to_shared(&sa[(lane & 15) * 16 + (lane >> 4) * 8]);

	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
		     : "=r"(ra[0]), "=r"(ra[1]), "=r"(ra[2]), "=r"(ra[3]) : "r"(at));
	at = (unsigned int)__cvta_generic_to_shared(&sb[(lane & 15) * 8]);
	asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];" : "=r"(rb[0]), "=r"(rb[1]) : "r"(at));
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
		     : "+f"(r[0]), "+f"(r[1]), "+f"(r[2]), "+f"(r[3])
		     : "r"(ra[0]), "r"(ra[1]), "r"(ra[2]), "r"(ra[3]), "r"(rb[0]), "r"(rb[1]));
	for (int i = 0; i < 4; i++)
		d[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + (i & 1)] = r[i];
}

/* D = A B of one 16 x 8 x 32 step of signed bytes; A row-major, B column-major. */
extern "C" __global__ void mma_s8(const signed char *a, const signed char *b, int *d)
{
	int lane = threadIdx.x, group = lane / 4, part = lane % 4;
	const unsigned int *wa = (const unsigned int *)a, *wb = (const unsigned int *)b;
	int r[4] = { 0, 0, 0, 0 };

	asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
		     : "+r"(r[0]), "+r"(r[1]), "+r"(r[2]), "+r"(r[3])
		     : "r"(wa[group * 8 + part]), "r"(wa[(group + 8) * 8 + part]), "r"(wa[group * 8 + part + 4]),
		       "r"(wa[(group + 8) * 8 + part + 4]), "r"(wb[group * 8 + part]), "r"(wb[group * 8 + part + 4]));
	for (int i = 0; i < 4; i++)
		d[(group + i / 2 * 8) * 8 + part * 2 + (i & 1)] = r[i];
}
