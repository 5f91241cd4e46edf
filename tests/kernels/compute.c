// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* References for compute.cu. */
#include <math.h>
#include <string.h>

#include "kernels.h"

static void layer_norm(void)
{
	int rows = 9, cols = 300, i, j;
	size_t count = (size_t)rows * cols;
	float *x = random_floats(count), *gain = random_floats((size_t)cols), *bias = random_floats((size_t)cols);
	double *want = host_alloc(count * sizeof(*want));
	CUdeviceptr dx = device_copy(x, count * 4), dg = device_copy(gain, (size_t)cols * 4);
	CUdeviceptr db = device_copy(bias, (size_t)cols * 4), dy = device_zeros(count * 4);

	launch("layer_norm", SHAPE({ (unsigned int)rows }, { 128 }), ARGS(&dx, &dg, &db, &dy, &cols));
	for (i = 0; i < rows; i++) {
		double sum = 0, sq = 0, mean, scale;

		for (j = 0; j < cols; j++) {
			sum += (double)x[i * cols + j];
			sq += (double)x[i * cols + j] * x[i * cols + j];
		}
		mean = sum / cols;
		scale = 1 / sqrt(sq / cols - mean * mean + 1e-5);
		for (j = 0; j < cols; j++)
			want[i * cols + j] = ((double)x[i * cols + j] - mean) * scale * gain[j] + bias[j];
	}
	same_floats(host_copy(dy, count * 4), want, count, 1e-5);
}

static void attention(void)
{
	int queries = 24, keys = 37, i, j, c;
	float *q = random_floats((size_t)queries * 32), *k = random_floats((size_t)keys * 32);
	float *v = random_floats((size_t)keys * 32);
	double *want = host_alloc((size_t)queries * 32 * sizeof(*want)), weight[37], norm;
	CUdeviceptr dq = device_copy(q, (size_t)queries * 128), dk = device_copy(k, (size_t)keys * 128);
	CUdeviceptr dv = device_copy(v, (size_t)keys * 128), out = device_zeros((size_t)queries * 128);

	launch("attention", SHAPE({ 6 }, { 32, 4 }), ARGS(&dq, &dk, &dv, &out, &keys));
	for (i = 0; i < queries; i++) {
		for (norm = 0, j = 0; j < keys; j++) {
			for (weight[j] = 0, c = 0; c < 32; c++)
				weight[j] += (double)q[i * 32 + c] * k[j * 32 + c];
			weight[j] = exp(weight[j] / sqrt(32));
			norm += weight[j];
		}
		for (c = 0; c < 32; c++)
			for (j = 0; j < keys; j++)
				want[i * 32 + c] += weight[j] / norm * v[j * 32 + c];
	}
	same_floats(host_copy(out, (size_t)queries * 128), want, (size_t)queries * 32, 1e-4);
}

static void embedding_gather(void)
{
	int width = 20, rows = 50, i;
	float *table = random_floats(50 * 80), *got;
	long long ids[33];
	CUdeviceptr dt = device_copy(table, 50 * 80 * 4), di, out = device_zeros(33 * 80 * 4);

	for (i = 0; i < 33; i++)
		ids[i] = (long long)(random_u64() % (uint64_t)rows);
	di = device_copy(ids, sizeof(ids));
	launch("embedding_gather", SHAPE({ 33 }, { 16 }), ARGS(&dt, &di, &out, &width));
	got = host_copy(out, 33 * 80 * 4);
	for (i = 0; i < 33; i++)
		if (memcmp(got + (size_t)i * 80, table + ids[i] * 80, 320))
			kernel_fail("row %d is not row %lld of the table", i, ids[i]);
}

static void spmv_csr(void)
{
	int rows = 101, start[102], *col = host_alloc(101 * 60 * 4), n = 0, i, j;
	float *value = random_floats(101 * 60), *x = random_floats(200);
	double want[101] = { 0 };
	CUdeviceptr ds, dc, dv, dx = device_copy(x, 800), dy = device_zeros(404);

	for (i = 0; i < rows; i++) {
		start[i] = n;
		for (j = (int)(random_u64() % 60); j; j--) {
			col[n] = (int)(random_u64() % 200);
			want[i] += (double)value[n] * x[col[n]];
			n++;
		}
	}
	start[rows] = n;
	ds = device_copy(start, sizeof(start));
	dc = device_copy(col, (size_t)n * 4);
	dv = device_copy(value, (size_t)n * 4);
	launch("spmv_csr", SHAPE({ 26 }, { 128 }), ARGS(&ds, &dc, &dv, &dx, &dy, &rows));
	same_floats(host_copy(dy, 404), want, 101, 1e-5);
}

static void conv2d(void)
{
	int w = 61, h = 43, x, y, i, j;
	size_t count = (size_t)w * h;
	float *in = random_floats(count), *weights = random_floats(25);
	double *want = host_alloc(count * sizeof(*want));
	CUdeviceptr din = device_copy(in, count * 4), out = device_zeros(count * 4);

	MUST(cuMemcpyHtoD(device_global("conv_weights", 100), weights, 100));
	launch("conv2d", SHAPE({ 4, 6 }, { 16, 8 }), ARGS(&din, &out, &w, &h));
	for (y = 0; y < h; y++)
		for (x = 0; x < w; x++)
			for (j = -2; j <= 2; j++)
				for (i = -2; i <= 2; i++)
					if (x + i >= 0 && x + i < w && y + j >= 0 && y + j < h)
						want[y * w + x] += (double)in[(y + j) * w + x + i] * weights[(j + 2) * 5 + i + 2];
	same_floats(host_copy(out, count * 4), want, count, 1e-5);
}

static uint16_t half_bits(_Float16 h)
{
	uint16_t bits;

	memcpy(&bits, &h, 2);
	return bits;
}

static void hgemm(void)
{
	int n = 32, i, j, k;
	_Float16 a[32 * 32], b[32 * 32], sum;
	uint16_t *got;
	CUdeviceptr da, db, dc = device_zeros(sizeof(a));
	float *x = random_floats(2 * 32 * 32);

	for (i = 0; i < n * n; i++) {
		a[i] = (_Float16)x[2 * i];
		b[i] = (_Float16)x[2 * i + 1];
	}
	da = device_copy(a, sizeof(a));
	db = device_copy(b, sizeof(b));
	launch("hgemm", SHAPE({ 2, 2 }, { 16, 16 }), ARGS(&da, &db, &dc, &n));
	got = host_copy(dc, sizeof(a));
	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++) {
			/* Products and sums of numbers this near to one another are exact in binary64. */
			for (sum = 0, k = 0; k < n; k++)
				sum = (_Float16)((double)a[i * n + k] * (double)b[k * n + j] + (double)sum);
			if (got[i * n + j] != half_bits(sum))
				kernel_fail("row %d, column %d is 0x%04x, should be 0x%04x", i, j, got[i * n + j], half_bits(sum));
		}
	}
}

static void half_round_trip(void)
{
	int n = 4096, i;
	float *x = host_alloc((size_t)n * 4), *y;
	CUdeviceptr dx, dh = device_zeros((size_t)n * 2), dy = device_zeros((size_t)n * 4);
	uint16_t *h;

	for (i = 0; i < n; i++)
		x[i] = ldexpf((float)(int32_t)random_u64(), (int)(random_u64() % 52) - 62);
	dx = device_copy(x, (size_t)n * 4);
	launch("half_round_trip", SHAPE({ 32 }, { 128 }), ARGS(&dx, &dh, &dy, &n));
	h = host_copy(dh, (size_t)n * 2);
	y = host_copy(dy, (size_t)n * 4);
	for (i = 0; i < n; i++)
		if (h[i] != half_bits((_Float16)x[i]) || y[i] != (float)(_Float16)x[i])
			kernel_fail("%a became 0x%04x and %a, should be 0x%04x", (double)x[i], h[i], (double)y[i],
				    half_bits((_Float16)x[i]));
}

static void dgemm(void)
{
	int n = 37, i, j, k;
	double a[37 * 37], b[37 * 37], c[37 * 37], alpha = 1.5, beta = -0.25, *got;
	CUdeviceptr da, db, dc;

	for (i = 0; i < n * n; i++) {
		a[i] = (double)(int64_t)random_u64() / 0x1p60;
		b[i] = (double)(int64_t)random_u64() / 0x1p60;
		c[i] = (double)(int64_t)random_u64() / 0x1p60;
	}
	da = device_copy(a, sizeof(a));
	db = device_copy(b, sizeof(b));
	dc = device_copy(c, sizeof(c));
	launch("dgemm", SHAPE({ 3, 5 }, { 16, 8 }), ARGS(&da, &db, &dc, &n, &alpha, &beta));
	got = host_copy(dc, sizeof(c));
	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++) {
			double sum = 0;

			for (k = 0; k < n; k++)
				sum += a[i * n + k] * b[k * n + j];
			sum = alpha * sum + beta * c[i * n + j];
			if (!(fabs(got[i * n + j] - sum) < 1e-10))
				kernel_fail("row %d, column %d is %.17g, should be %.17g", i, j, got[i * n + j], sum);
		}
	}
}

static void normalize3(void)
{
	int n = 333, i, c;
	double in[999], *out, *len;
	CUdeviceptr din, dout = device_zeros(sizeof(in)), dlen = device_zeros(333 * 8);

	for (i = 0; i < 999; i++)
		in[i] = (double)(int64_t)random_u64() / 0x1p40;
	din = device_copy(in, sizeof(in));
	launch("normalize3", SHAPE({ 6 }, { 64 }), ARGS(&din, &dout, &dlen, &n));
	out = host_copy(dout, sizeof(in));
	len = host_copy(dlen, 333 * 8);
	for (i = 0; i < n; i++) {
		double l = sqrt(in[3 * i] * in[3 * i] + in[3 * i + 1] * in[3 * i + 1] + in[3 * i + 2] * in[3 * i + 2]);

		if (!(fabs(len[i] - l) <= l * 1e-15))
			kernel_fail("length %d is %.17g, should be %.17g", i, len[i], l);
		for (c = 0; c < 3; c++)
			if (out[3 * i + c] != in[3 * i + c] / len[i])
				kernel_fail("component %d is %.17g, should be %.17g", 3 * i + c, out[3 * i + c],
					    in[3 * i + c] / len[i]);
	}
}

static void fft(void)
{
	int n = 256, bits = 8, half, i, k;
	float *x = random_floats(256), wr[128], wi[128], *re, *im;
	CUdeviceptr dx = device_copy(x, 1024), dre = device_zeros(1024), dim = device_zeros(1024), dwr, dwi;
	double want_re[256] = { 0 }, want_im[256] = { 0 };

	for (i = 0; i < n / 2; i++) {
		wr[i] = (float)cos(-2 * M_PI * i / n);
		wi[i] = (float)sin(-2 * M_PI * i / n);
	}
	dwr = device_copy(wr, sizeof(wr));
	dwi = device_copy(wi, sizeof(wi));
	launch("bit_reverse", SHAPE({ 2 }, { 128 }), ARGS(&dx, &dre, &bits));
	for (half = 1; half < n; half *= 2)
		launch("fft_step", SHAPE({ 2 }, { 64 }), ARGS(&dre, &dim, &dwr, &dwi, &half, &n));
	re = host_copy(dre, 1024);
	im = host_copy(dim, 1024);
	for (k = 0; k < n; k++) {
		for (i = 0; i < n; i++) {
			want_re[k] += (double)x[i] * cos(-2 * M_PI * i * k / n);
			want_im[k] += (double)x[i] * sin(-2 * M_PI * i * k / n);
		}
	}
	same_floats(re, want_re, 256, 1e-4);
	same_floats(im, want_im, 256, 1e-4);
}

static void xorshift_pi(void)
{
	int draws = 200, i, d, want[96] = { 0 };
	uint64_t seeds[96], state[96], r, *got;
	CUdeviceptr ds, dstates = device_zeros(sizeof(seeds)), dcounts = device_zeros(sizeof(want));

	for (i = 0; i < 96; i++) {
		seeds[i] = random_u64();
		state[i] = seeds[i];
		for (d = 0; d < draws; d++) {
			double x, y;

			state[i] ^= state[i] >> 12;
			state[i] ^= state[i] << 25;
			state[i] ^= state[i] >> 27;
			r = state[i] * 0x2545F4914F6CDD1Dull;
			x = (double)(r >> 40) / 0x1p24;
			y = (double)(r & 0xffffff) / 0x1p24;
			/* A point this close to the circle would depend on rounding. */
			if (fabs(x * x + y * y - 1) < 1e-6)
				kernel_fail("bad seed: a point on the circle");
			want[i] += x * x + y * y < 1;
		}
	}
	ds = device_copy(seeds, sizeof(seeds));
	launch("xorshift_pi", SHAPE({ 2 }, { 48 }), ARGS(&ds, &dstates, &dcounts, &draws));
	got = host_copy(dstates, sizeof(seeds));
	for (i = 0; i < 96; i++)
		if (got[i] != state[i])
			kernel_fail("state %d is 0x%llx, should be 0x%llx", i, (unsigned long long)got[i],
				    (unsigned long long)state[i]);
	same_ints(host_copy(dcounts, sizeof(want)), want, 96);
}

static void dot_i8(void)
{
	int k = 37, i, j;
	signed char a[64 * 37], b[64 * 37];
	short *got;
	CUdeviceptr da, db, out = device_zeros(128);

	for (i = 0; i < 64 * 37; i++) {
		a[i] = (signed char)random_u64();
		b[i] = (signed char)random_u64();
	}
	da = device_copy(a, sizeof(a));
	db = device_copy(b, sizeof(b));
	launch("dot_i8", SHAPE({ 2 }, { 32 }), ARGS(&da, &db, &out, &k));
	got = host_copy(out, 128);
	for (i = 0; i < 64; i++) {
		int sum = 0;

		for (j = 0; j < k; j++)
			sum += a[i * k + j] * b[i * k + j];
		sum = sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum;
		if (got[i] != sum)
			kernel_fail("element %d is %d, should be %d", i, got[i], sum);
	}
}

static void divide(void)
{
	int n = 500, i;
	int64_t a[500], b[500], *q, *r;
	uint32_t *uq;
	uint64_t *high;
	CUdeviceptr da, db, dq = device_zeros(4000), dr = device_zeros(4000), du = device_zeros(2000), dh = device_zeros(4000);

	for (i = 0; i < n; i++) {
		a[i] = (int64_t)random_u64() >> (random_u64() % 63);
		b[i] = (int64_t)random_u64() >> (random_u64() % 63);
		b[i] += !b[i];
	}
	da = device_copy(a, sizeof(a));
	db = device_copy(b, sizeof(b));
	launch("divide", SHAPE({ 8 }, { 64 }), ARGS(&da, &db, &dq, &dr, &du, &dh, &n));
	q = host_copy(dq, 4000);
	r = host_copy(dr, 4000);
	uq = host_copy(du, 2000);
	high = host_copy(dh, 4000);
	for (i = 0; i < n; i++) {
		uint32_t u = (uint32_t)a[i] / ((uint32_t)b[i] | 1) + (uint32_t)a[i] % 10u;
		uint64_t h = (uint64_t)(((unsigned __int128)(uint64_t)a[i] * (uint64_t)b[i]) >> 64);

		if (q[i] != a[i] / b[i] || r[i] != a[i] % b[i] || uq[i] != u || high[i] != h)
			kernel_fail("%lld by %lld: %lld rest %lld, %u, 0x%llx; should be %lld rest %lld, %u, 0x%llx", (long long)a[i],
				    (long long)b[i], (long long)q[i], (long long)r[i], uq[i], (unsigned long long)high[i],
				    (long long)(a[i] / b[i]), (long long)(a[i] % b[i]), u, (unsigned long long)h);
	}
}

const struct kernel_test compute_tests[] = {
	{ "layer_norm", layer_norm },
	{ "attention", attention },
	{ "embedding_gather", embedding_gather },
	{ "spmv_csr", spmv_csr },
	{ "conv2d", conv2d },
	{ "hgemm", hgemm },
	{ "half_round_trip", half_round_trip },
	{ "dgemm", dgemm },
	{ "normalize3", normalize3 },
	{ "fft_step", fft },
	{ "xorshift_pi", xorshift_pi },
	{ "dot_i8", dot_i8 },
	{ "divide", divide },
	{ NULL },
};
