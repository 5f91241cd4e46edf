// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/*
 * vgpu-generate: continues sentences with a small transformer through the CUDA Driver API, and compares with the same model on the CPU.
 * The letters chosen stay on the GPU: a whole answer is one chain of launches. Built against cuda.h it runs on any GPU.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "language.h"
#include "workload.h"

#define TOLERANCE	1e-3 /* of a logit */
#define ROW(columns)	(sizeof(float) * (columns))

__asm__(".section .rodata\n.balign 16\nlanguage_weights:\n.incbin \"tests/inference/language.weights\"\nlanguage_end:\n.previous\n");
extern const struct language_weights language_weights;
extern const char language_end[];

static int new_letters;
static CUdeviceptr weights, letters, in, normed, mixed, middle, up, last, qkv[LANGUAGE_LAYERS], logits;

#define AT(member) (weights + offsetof(struct language_weights, member))

static void set_up(int size)
{
	int l;

	if (language_end - (const char *)&language_weights != sizeof(language_weights))
		exit(3);
	new_letters = size;
	weights = workload_upload(&language_weights, sizeof(language_weights));
	letters = workload_upload(NULL, (LANGUAGE_LENGTH + 1) * sizeof(int));
	in = workload_upload(NULL, LANGUAGE_LENGTH * ROW(LANGUAGE_WIDTH));
	normed = workload_upload(NULL, LANGUAGE_LENGTH * ROW(LANGUAGE_WIDTH));
	mixed = workload_upload(NULL, LANGUAGE_LENGTH * ROW(LANGUAGE_WIDTH));
	middle = workload_upload(NULL, LANGUAGE_LENGTH * ROW(LANGUAGE_WIDTH));
	last = workload_upload(NULL, LANGUAGE_LENGTH * ROW(LANGUAGE_WIDTH));
	up = workload_upload(NULL, LANGUAGE_LENGTH * ROW(LANGUAGE_INNER));
	logits = workload_upload(NULL, LANGUAGE_LENGTH * ROW(LANGUAGE_LETTERS));
	for (l = 0; l < LANGUAGE_LAYERS; l++)
		qkv[l] = workload_upload(NULL, LANGUAGE_LENGTH * ROW(3 * LANGUAGE_WIDTH));
}

static void normalise(CUdeviceptr x, CUdeviceptr norm, CUdeviceptr y, int rows)
{
	CUdeviceptr bias = norm + offsetof(struct language_norm, bias);

	workload_launch("layer_norm", rows, LANGUAGE_WIDTH, 1, ARGS(&x, &norm, &bias, &y));
}

/* Looks at letters from `first` on, of which keys and values are not yet known, and chooses the one after them. */
static void step(int first, int rows)
{
	CUdeviceptr letter = AT(letter), place = AT(place), x = in, y = last, t, out = logits + (CUdeviceptr)first * ROW(LANGUAGE_LETTERS);
	int l, next = first + rows;

	workload_launch("embed", rows, LANGUAGE_WIDTH, 1, ARGS(&letters, &letter, &place, &x, &first));
	for (l = 0; l < LANGUAGE_LAYERS; l++) {
		CUdeviceptr layer = AT(layer) + (CUdeviceptr)l * sizeof(struct language_layer);

#define IN_LAYER(member) (layer + offsetof(struct language_layer, member))
		normalise(x, IN_LAYER(norm1), normed, rows);
		workload_dense(normed, IN_LAYER(qkv), 0, qkv[l] + (CUdeviceptr)first * ROW(3 * LANGUAGE_WIDTH), LANGUAGE_WIDTH, 3 * LANGUAGE_WIDTH,
			       rows, 0);
		workload_launch("attention", rows, 32, LANGUAGE_HEADS, ARGS(&qkv[l], &mixed, &first));
		workload_dense(mixed, IN_LAYER(join), x, middle, LANGUAGE_WIDTH, LANGUAGE_WIDTH, rows, 0);
		normalise(middle, IN_LAYER(norm2), normed, rows);
		workload_dense(normed, IN_LAYER(up), 0, up, LANGUAGE_WIDTH, LANGUAGE_INNER, rows, 1);
		workload_dense(up, IN_LAYER(down), middle, y, LANGUAGE_INNER, LANGUAGE_WIDTH, rows, 0);
		t = x;
		x = y;
		y = t;
	}
	normalise(x, AT(norm), normed, rows);
	workload_dense(normed, AT(out), 0, out, LANGUAGE_WIDTH, LANGUAGE_LETTERS, rows, 0);
	workload_launch("choose", 1, 32, 1, ARGS(&out, &letters, &rows, &next));
}

/* The CPU looks at the same letters, and would have chosen each of the new ones too. */
static bool same(const int *text, int asked, int count)
{
	static struct language_values values;
	static float got[LANGUAGE_LENGTH][LANGUAGE_LETTERS];
	int row, k, top;

	CHECK(cuMemcpyDtoH(got, logits, (size_t)count * ROW(LANGUAGE_LETTERS)));
	language_forward(&language_weights, text, count, &values);
	for (row = 0; row < count; row++) {
		for (top = 0, k = 0; k < LANGUAGE_LETTERS; k++) {
			if (!(fabs((double)got[row][k] - (double)values.logits[row][k]) <= TOLERANCE)) {
				fprintf(stderr, "letter %d: logit %d is %g, on the CPU %g\n", row, k, (double)got[row][k],
					(double)values.logits[row][k]);
				return false;
			}
			top = values.logits[row][k] > values.logits[row][top] ? k : top;
		}
		if (row >= asked - 1 && text[row + 1] != top) {
			fprintf(stderr, "letter %d: '%c' was chosen, on the CPU '%c'\n", row + 1, language_char(text[row + 1]),
				language_char(top));
			return false;
		}
	}
	return true;
}

static bool request(uint64_t seed, bool verify, bool show)
{
	struct rng rng = { seed };
	int text[LANGUAGE_LENGTH + 1] = { 0 }, asked = 5 + rng_below(&rng, 8), i;

	language_text(&rng, text, asked);
	CHECK(cuMemcpyHtoD(letters, text, (size_t)asked * sizeof(int)));
	step(0, asked);
	for (i = 1; i < new_letters; i++)
		step(asked + i - 1, 1);
	CHECK(cuMemcpyDtoH(text, letters, (size_t)(asked + new_letters) * sizeof(int)));
	workload_answer();
	if (show) {
		for (i = 1; i < asked + new_letters; i++)
			printf("%s%c", i == asked ? "|" : "", language_char(text[i]));
		putchar('\n');
	}
	return !verify || same(text, asked, asked + new_letters - 1);
}

int main(int argc, char **argv)
{
	static const struct workload workload = {
		"vgpu-generate", "Continues sentences, letter by letter, with a transformer; | is where the model goes on.", "letters", 24,
		LANGUAGE_LENGTH - 12, set_up, request,
	};

	return workload_main(argc, argv, &workload);
}
