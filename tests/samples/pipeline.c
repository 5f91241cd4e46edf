// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Copies that run beside the kernel's work, barriers that split arrival from waiting, constants, objects with virtual functions, printf. */
#include <unistd.h>

#include "sample.h"

static void tiles(void)
{
	enum { TILES = 9 };
	float x[TILES * 128], out[128], want;
	CUdeviceptr dx, dout = sample_upload(NULL, sizeof(out));
	int n = TILES;

	for (int i = 0; i < TILES * 128; i++)
		x[i] = (float)(sample_random() % 256);
	dx = sample_upload(x, sizeof(x));
	sample_run(sample_kernel("pipeline"), 1, 128, ARGS(&dx, &dout, &n));
	CU(cuMemcpyDtoH(out, dout, sizeof(out)));
	for (int i = 0; i < 128; i++) {
		want = 0;
		for (int t = 0; t < TILES; t++)
			want += x[t * 128 + ((i + t) & 127)];
		CHECK(out[i] == want);
	}
}

static void barriers(void)
{
	int out[1280];
	CUdeviceptr d = sample_upload(NULL, sizeof(out));

	sample_run(sample_kernel("barriers"), 1, 128, ARGS(&d));
	CU(cuMemcpyDtoH(out, d, sizeof(out)));
	for (int r = 0; r < 10; r++)
		for (int i = 0; i < 128; i++)
			CHECK(out[r * 128 + i] == r * (127 - i));
}

static void convolve(void)
{
	enum { W = 50, H = 30 };
	float weights[9], in[H][W], out[H][W];
	CUdeviceptr symbol, din, dout = sample_upload(NULL, sizeof(out));
	int w = W, h = H;
	size_t size;

	for (int k = 0; k < 9; k++)
		weights[k] = (float)k - 3;
	for (int i = 0; i < W * H; i++)
		(&in[0][0])[i] = (float)(sample_random() % 32);
	CU(cuModuleGetGlobal(&symbol, &size, sample_module(), "weights"));
	CHECK(size == sizeof(weights));
	CU(cuMemcpyHtoD(symbol, weights, sizeof(weights)));
	din = sample_upload(in, sizeof(in));
	CU(cuLaunchKernel(sample_kernel("convolve"), 4, 4, 1, 16, 8, 1, 0, NULL, ARGS(&din, &dout, &w, &h), NULL));
	CU(cuMemcpyDtoH(out, dout, sizeof(out)));
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++) {
			float sum = 0;

			for (int k = 0; k < 9; k++) {
				int v = y + k / 3 - 1, u = x + k % 3 - 1;

				v = v < 0 ? 0 : v >= H ? H - 1 : v;
				u = u < 0 ? 0 : u >= W ? W - 1 : u;
				sum += weights[k] * in[v][u];
			}
			CHECK(out[y][x] == sum);
		}
}

static void shapes(void)
{
	enum { N = 300 };
	double out[N];
	CUdeviceptr d = sample_upload(NULL, sizeof(out));
	int n = N;

	CU(cuCtxSetLimit(CU_LIMIT_STACK_SIZE, 4096));
	sample_run(sample_kernel("shapes"), 3, 128, ARGS(&d, &n));
	CU(cuMemcpyDtoH(out, d, sizeof(out)));
	for (int i = 0; i < N; i++)
		CHECK(out[i] == (i & 1 ? 3.0 * i * i : 2.0 * i));
}

static void say(void)
{
	char line[256], *got;
	FILE *kept = tmpfile();
	int n = 64, saved = dup(1);

	CHECK(kept && saved >= 0 && dup2(fileno(kept), 1) == 1);
	sample_run(sample_kernel("say"), 2, 32, ARGS(&n));
	fflush(stdout);
	CHECK(dup2(saved, 1) == 1);
	rewind(kept);
	got = fgets(line, sizeof(line), kept);
	if (!got || strcmp(line, "64 threads, a text 1.50 x 123456789abc\n"))
		FAIL("the kernel said '%s'", got ? got : "nothing");
	fclose(kept);
	close(saved);
}

int main(void)
{
	sample_begin();
	tiles();
	barriers();
	convolve();
	shapes();
	say();
	return 0;
}
