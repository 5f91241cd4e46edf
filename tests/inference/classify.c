// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/*
 * vgpu-classify: recognises drawn digits with a small convolutional network through the CUDA Driver API, and compares with the same
 * network on the CPU. Built against cuda.h it runs on any GPU.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "digits.h"
#include "workload.h"

#define TOLERANCE	1e-4 /* of a probability */
#define IMAGES_MAX	256

__asm__(".section .rodata\n.balign 16\ndigits_weights:\n.incbin \"tests/inference/digits.weights\"\ndigits_end:\n.previous\n");
extern const struct digits_weights digits_weights;
extern const char digits_end[];

static float images[IMAGES_MAX][DIGITS_SIZE][DIGITS_SIZE], probability[IMAGES_MAX][DIGITS_CLASSES];
static int labels[IMAGES_MAX], count;
static CUdeviceptr weights, input, layer1, layer2, logits, output;

#define AT(member) (weights + offsetof(struct digits_weights, member))

static void set_up(int size)
{
	if (digits_end - (const char *)&digits_weights != sizeof(digits_weights))
		exit(3);
	count = size;
	weights = workload_upload(&digits_weights, sizeof(digits_weights));
	input = workload_upload(NULL, sizeof(images[0]) * (size_t)count);
	layer1 = workload_upload(NULL, sizeof(((struct digits_layers *)0)->pooled1) * (size_t)count);
	layer2 = workload_upload(NULL, sizeof(((struct digits_layers *)0)->pooled2) * (size_t)count);
	logits = workload_upload(NULL, sizeof(probability[0]) * (size_t)count);
	output = workload_upload(NULL, sizeof(probability[0]) * (size_t)count);
}

static void convolve(CUdeviceptr in, CUdeviceptr w, CUdeviceptr bias, CUdeviceptr out, int size, int from, int to)
{
	int outputs = count * (size / 2) * (size / 2) * to;

	workload_launch("conv_pool", (outputs + 63) / 64, 64, 1, ARGS(&in, &w, &bias, &out, &size, &from, &to, &outputs));
}

static int best(const float *p)
{
	int k, top = 0;

	for (k = 1; k < DIGITS_CLASSES; k++)
		top = p[k] > p[top] ? k : top;
	return top;
}

static bool same(int i)
{
	static struct digits_layers layers;
	int k;

	digits_forward(&digits_weights, images[i], &layers);
	for (k = 0; k < DIGITS_CLASSES; k++) {
		if (!(fabs((double)probability[i][k] - (double)layers.probability[k]) <= TOLERANCE)) {
			fprintf(stderr, "image %d: probability of %d is %g, on the CPU %g\n", i, k, (double)probability[i][k],
				(double)layers.probability[k]);
			return false;
		}
	}
	if (best(probability[i]) != best(layers.probability)) {
		fprintf(stderr, "image %d: taken for %d, on the CPU for %d\n", i, best(probability[i]), best(layers.probability));
		return false;
	}
	return true;
}

static void draw(void)
{
	int shown = count < 4 ? count : 4, right = 0, x, y, i;

	for (y = 1; y < DIGITS_SIZE; y += 2) {
		for (i = 0; i < shown; i++) {
			for (x = 0; x < DIGITS_SIZE; x++)
				putchar(" .:*#"[(int)((images[i][y][x] + images[i][y - 1][x]) * 2.49f)]);
			fputs("  ", stdout);
		}
		putchar('\n');
	}
	for (i = 0; i < shown; i++)
		printf("taken for %d (%2.0f %%) ", best(probability[i]), (double)(probability[i][best(probability[i])] * 100));
	for (i = 0; i < count; i++)
		right += best(probability[i]) == labels[i];
	printf(" %d of %d are what was drawn\n", right, count);
}

static bool request(uint64_t seed, bool verify, bool show)
{
	struct rng rng = { seed };
	bool right = true;
	int i;

	for (i = 0; i < count; i++)
		labels[i] = digits_draw(&rng, images[i]);
	CHECK(cuMemcpyHtoD(input, images, sizeof(images[0]) * (size_t)count));
	convolve(input, AT(conv1), AT(bias1), layer1, DIGITS_SIZE, 1, DIGITS_C1);
	convolve(layer1, AT(conv2), AT(bias2), layer2, DIGITS_SIZE / 2, DIGITS_C1, DIGITS_C2);
	workload_dense(layer2, AT(full), 0, logits, DIGITS_FLAT, DIGITS_CLASSES, count, 0);
	workload_launch("softmax", count, 32, 1, ARGS(&logits, &output, &(int){ DIGITS_CLASSES }));
	CHECK(cuMemcpyDtoH(probability, output, sizeof(probability[0]) * (size_t)count));
	workload_answer();
	for (i = 0; verify && i < count; i++)
		right = same(i) && right;
	if (show)
		draw();
	return right;
}

int main(int argc, char **argv)
{
	static const struct workload workload = {
		"vgpu-classify", "Recognises drawn digits with a convolutional network.", "images", 4, IMAGES_MAX, set_up, request,
	};

	return workload_main(argc, argv, &workload);
}
