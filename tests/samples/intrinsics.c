// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* What programs write in assembler or by intrinsics: bytes side by side, halves and 8-bit numbers, atomics of every kind, clocks, locks. */
#include "sample.h"

#define N 64

static int s8(uint32_t v, int k)
{
	return (int8_t)(v >> (8 * k));
}

static int u8(uint32_t v, int k)
{
	return (uint8_t)(v >> (8 * k));
}

static int clamp(int v, int low, int high)
{
	return v < low ? low : v > high ? high : v;
}

static void expect(const char *what, int i, uint32_t got, uint32_t want)
{
	if (got != want)
		FAIL("%s of thread %d is %#x, not %#x", what, i, got, want);
}

static void intrinsics(void)
{
	uint32_t a[N], b[N], out[N][24];
	CUdeviceptr da, db, dout = sample_upload(NULL, sizeof(out));
	int n = N, i, k;

	for (i = 0; i < N; i++) {
		a[i] = sample_random();
		b[i] = i & 1 ? sample_random() : a[i] ^ 0x00ff8001;
	}
	da = sample_upload(a, sizeof(a));
	db = sample_upload(b, sizeof(b));
	sample_run(sample_kernel("intrinsics"), 2, 32, ARGS(&da, &db, &dout, &n));
	CU(cuMemcpyDtoH(out, dout, sizeof(out)));
	for (i = 0; i < N; i++) {
		uint32_t x = a[i], y = b[i], add = 0, abs = 0, avg = 0, max = 0, sad = 0, gt = 0, adds = 0, addu = 0, sum = 0;
		int dot = 5, lane = i & 31;

		for (k = 0; k < 4; k++) {
			uint32_t d = (uint32_t)(u8(x, k) > u8(y, k) ? u8(x, k) - u8(y, k) : u8(y, k) - u8(x, k));

			add |= (uint32_t)((u8(x, k) + u8(y, k)) & 0xff) << (8 * k);
			abs |= d << (8 * k);
			avg |= (uint32_t)((u8(x, k) + u8(y, k) + 1) / 2) << (8 * k);
			max |= (uint32_t)((s8(x, k) > s8(y, k) ? s8(x, k) : s8(y, k)) & 0xff) << (8 * k);
			sad += d;
			gt |= (u8(x, k) > u8(y, k) ? 0xffu : 0) << (8 * k);
			adds |= (uint32_t)(clamp(s8(x, k) + s8(y, k), -128, 127) & 0xff) << (8 * k);
			dot += s8(x, k) * s8(y, k);
		}
		for (k = 0; k < 2; k++)
			addu |= (uint32_t)clamp((int)(x >> (16 * k) & 0xffff) + (int)(y >> (16 * k) & 0xffff), 0, 65535) << (16 * k);
		for (k = i & ~31; k < (i & ~31) + 32; k++)
			sum += a[k] & 0xff;
		expect("laneid", i, out[i][0], (uint32_t)lane);
		expect("vadd4", i, out[i][1], add);
		expect("vabsdiffu4", i, out[i][2], abs);
		expect("vavgu4", i, out[i][3], avg);
		expect("vmaxs4", i, out[i][4], max);
		expect("vsub2", i, out[i][6], ((x - y) & 0xffff) | ((x >> 16) - (y >> 16)) << 16);
		expect("vsadu4", i, out[i][7], sad);
		expect("vcmpgtu4", i, out[i][8], gt);
		expect("dp4a", i, out[i][9], (uint32_t)dot);
		expect("byte_perm", i, out[i][10], (uint32_t)(u8(x, 0) | u8(x, 2) << 8 | u8(y, 0) << 16) | (uint32_t)u8(y, 2) << 24);
		expect("funnelshift", i, out[i][11], lane ? y << lane | x >> (32 - lane) : y);
		expect("ffs, clz, popc", i, out[i][13], (uint32_t)(__builtin_ffs((int)x) + 100 * (y ? __builtin_clz(y) : 32) +
								   10000 * __builtin_popcount(x ^ y)));
		expect("umulhi", i, out[i][14], (uint32_t)((uint64_t)x * y >> 32));
		expect("usad", i, out[i][15], (x > y ? x - y : y - x) + 7);
		expect("mulhi", i, out[i][16], (uint32_t)((int64_t)(int)x * (int)y >> 32));
		expect("uhadd", i, out[i][17], (uint32_t)(((uint64_t)x + y) / 2));
		expect("vaddss4", i, out[i][18], adds);
		expect("vaddus2", i, out[i][19], addu);
		expect("selp", i, out[i][20], (int)x < (int)y ? x : y);
		expect("vadd", i, out[i][21], (uint32_t)((int16_t)x + (int16_t)(y >> 16)));
		expect("bfe", i, out[i][22], x >> 5 & 0x7ff);
		expect("reduce", i, out[i][23], sum);
	}
}

static void side_by_side(void)
{
	uint32_t a[N], b[N], c[N], out[N][8];
	CUdeviceptr da, db, dc, dout = sample_upload(NULL, sizeof(out));
	int n = N, i, k;

	for (i = 0; i < N; i++) {
		a[i] = sample_random();
		b[i] = sample_random();
		c[i] = sample_random();
	}
	da = sample_upload(a, sizeof(a));
	db = sample_upload(b, sizeof(b));
	dc = sample_upload(c, sizeof(c));
	sample_run(sample_kernel("simd_asm"), 1, N, ARGS(&da, &db, &dc, &dout, &n));
	CU(cuMemcpyDtoH(out, dout, sizeof(out)));
	for (i = 0; i < N; i++) {
		uint32_t x = a[i], y = b[i], want[8] = { 0, 0, c[i] };

		for (k = 0; k < 4; k++) {
			want[0] |= (uint32_t)clamp(u8(x, k) + u8(y, k), 0, 255) << (8 * k);
			want[1] |= (uint32_t)((s8(x, k) - s8(y, k)) & 0xff) << (8 * k);
			want[2] += (uint32_t)(u8(x, k) > u8(y, k) ? u8(x, k) - u8(y, k) : u8(y, k) - u8(x, k));
			want[3] |= (uint32_t)((s8(x, k) < s8(y, k) ? s8(x, k) : s8(y, k)) & 0xff) << (8 * k);
			want[5] |= (uint32_t)((u8(x, k) + u8(y, k) + 1) / 2) << (8 * k);
			want[6] |= (uint32_t)(u8(x, k) > u8(y, k)) << (8 * k);
		}
		for (k = 0; k < 2; k++) {
			uint32_t p = x >> (16 * k) & 0xffff, q = y >> (16 * k) & 0xffff;

			want[4] |= (p > q ? p : q) << (16 * k);
			want[7] |= (uint32_t)(clamp((int16_t)p + (int16_t)q, -32768, 32767) & 0xffff) << (16 * k);
		}
		for (k = 0; k < 8; k++)
			expect("an operation on parts", 10 * i + k, out[i][k], want[k]);
	}
}

static void atomics(void)
{
	enum { THREADS = 512 };
	uint64_t cells[24] = { 0 };
	int *i = (int *)cells, xor = 0, and = -1, or = 0, k;
	uint32_t *u = (uint32_t *)(cells + 8), dec = 0;
	uint16_t half[2];
	float f;
	double d;
	CUdeviceptr p;

	i[4] = -1;
	for (k = 0; k < THREADS; k++) {
		xor ^= k;
		and &= 2 * k + 8;
		or |= 1 << (k % 31);
		dec = !dec || dec > 137 ? 137 : dec - 1;
	}
	p = sample_upload(cells, sizeof(cells));
	sample_run(sample_kernel("atomics"), 4, 128, ARGS(&p));
	CU(cuMemcpyDtoH(cells, p, sizeof(cells)));
	CHECK(i[0] == 10 * THREADS && i[1] == -10 * THREADS && i[2] == THREADS - 1 && i[3] == 1 - THREADS);
	CHECK(i[4] == and && i[5] == or && i[6] == xor && i[7] == 7 && i[14] == 3 * THREADS);
	CHECK(u[0] == THREADS % 18 && u[1] == dec && u[2] == 3 * THREADS && u[3] == 2 * THREADS);
	CHECK(cells[12] == (uint64_t)(THREADS - 1) << 32 && cells[13] == (uint64_t)THREADS << 33 && cells[14] == 5);
	CHECK(cells[20] == THREADS - 1);
	memcpy(&f, cells + 16, 4);
	memcpy(&d, cells + 18, 8);
	memcpy(half, cells + 19, 4);
	CHECK(f == THREADS / 2 && d == THREADS / 4);
	/* 512 and 256 as halves. */
	CHECK(half[0] == 0x6000 && half[1] == 0x5c00);
}

static void halves(void)
{
	enum { COUNT = 100 };
	float x[COUNT], out[COUNT][6];
	CUdeviceptr dx, dout = sample_upload(NULL, sizeof(out));
	int n = COUNT, i;

	for (i = 0; i < COUNT; i++)
		x[i] = (float)(i - 50) / 16;
	dx = sample_upload(x, sizeof(x));
	sample_run(sample_kernel("halves"), 1, 128, ARGS(&dx, &dout, &n));
	CU(cuMemcpyDtoH(out, dout, sizeof(out)));
	for (i = 0; i < COUNT; i++) {
		double v = x[i], k = v * v + 0.5;

		CHECK(fabs(out[i][0] - k) <= k / 1000);
		CHECK(fabs(out[i][1] - 1.5 * (v + k)) <= (fabs(v) + k) / 300);
		CHECK(fabs(out[i][2] - (v + 1)) <= 0.02);
		CHECK(fabs(out[i][3] - exp(v) - sqrt(fabs(v))) <= (exp(v) + 2) / 300);
		CHECK(fabs(out[i][4] - v) <= fabs(v) / 15 + 0.001);
		CHECK(fabs(out[i][5] - v) <= fabs(v) / 7 + 0.001);
	}
}

static void time_and_locks(void)
{
	CUdeviceptr times = sample_upload(NULL, 32 * 16), lock = sample_upload(NULL, 8), count = lock + 4;
	int64_t t[64];
	int counted;

	sample_run(sample_kernel("timers"), 1, 32, ARGS(&times));
	CU(cuMemcpyDtoH(t, times, sizeof(t)));
	for (int i = 0; i < 32; i++)
		CHECK(t[2 * i] > 0 && t[2 * i + 1] > 0);
	sample_run(sample_kernel("spin"), 4, 64, ARGS(&lock, &count));
	CU(cuMemcpyDtoH(&counted, count, 4));
	CHECK(counted == 256);
}

int main(void)
{
	sample_begin();
	intrinsics();
	side_by_side();
	atomics();
	halves();
	time_and_locks();
	return 0;
}
