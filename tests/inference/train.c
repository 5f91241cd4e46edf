// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/*
 * train digits|language [FILE]: trains a model from nothing and writes its weights to FILE, or, where FILE is there already, says whether
 * they are the same, bit for bit. Everything random is from seeds in the code, all arithmetic is IEEE without contraction, and no
 * function of libm decides a bit.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "train.h"

void adam_init(struct adam *adam, void *weights, size_t bytes)
{
	adam->count = bytes / sizeof(float);
	adam->weights = weights;
	adam->gradient = calloc(3 * adam->count, sizeof(float));
	if (!adam->gradient)
		exit(1);
	adam->mean = adam->gradient + adam->count;
	adam->square = adam->mean + adam->count;
	adam->mean_power = adam->square_power = 1;
}

void adam_step(struct adam *adam, float rate, float scale)
{
	float mean_scale, square_scale, *w = adam->weights, *g = adam->gradient, *m = adam->mean, *s = adam->square;
	size_t i;

	adam->mean_power *= 0.9f;
	adam->square_power *= 0.99f;
	mean_scale = rate / (1 - adam->mean_power);
	square_scale = 1 / (1 - adam->square_power);
	for (i = 0; i < adam->count; i++) {
		float d = g[i] * scale;

		m[i] = 0.9f * m[i] + 0.1f * d;
		s[i] = 0.99f * s[i] + 0.01f * d * d;
		w[i] -= mean_scale * m[i] / (sqrtf(square_scale * s[i]) + 1e-8f);
		g[i] = 0;
	}
}

int main(int argc, char **argv)
{
	size_t size, had;
	void *weights, *old;
	FILE *file;

	if (argc != 3 || (strcmp(argv[1], "digits") && strcmp(argv[1], "language"))) {
		fprintf(stderr, "usage: train digits|language FILE\n");
		return 2;
	}
	weights = argv[1][0] == 'd' ? train_digits(&size) : train_language(&size);
	file = fopen(argv[2], "rb");
	if (file) {
		old = malloc(size + 1);
		had = old ? fread(old, 1, size + 1, file) : 0;
		if (had != size || memcmp(old, weights, size)) {
			printf("FAIL train %s: %s holds other weights (remove it to have it written anew)\n", argv[1], argv[2]);
			return 1;
		}
		printf("ok train %s: the %zu bytes of %s, bit for bit\n", argv[1], size, argv[2]);
		return 0;
	}
	file = fopen(argv[2], "wb");
	if (!file || fwrite(weights, size, 1, file) != 1 || fclose(file)) {
		perror(argv[2]);
		return 1;
	}
	printf("%s: %zu bytes\n", argv[2], size);
	return 0;
}
