/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* The image classifier: digits drawn by a program, and a network of two convolutions and one full layer. */
#ifndef TESTS_INFERENCE_DIGITS_H
#define TESTS_INFERENCE_DIGITS_H

#include "number.h"

#define DIGITS_SIZE	16 /* pixels a side */
#define DIGITS_CLASSES	10
#define DIGITS_C1	8 /* channels after the first convolution, */
#define DIGITS_C2	16 /* and after the second */
#define DIGITS_FLAT	(DIGITS_SIZE / 4 * (DIGITS_SIZE / 4) * DIGITS_C2)

/* As the file digits.weights holds them: 32-bit floats, little-endian. */
struct digits_weights {
	float conv1[9][1][DIGITS_C1], bias1[DIGITS_C1];
	float conv2[9][DIGITS_C1][DIGITS_C2], bias2[DIGITS_C2];
	float full[DIGITS_FLAT][DIGITS_CLASSES], bias3[DIGITS_CLASSES];
};

/* What the layers give for one image, channels last. */
struct digits_layers {
	float full1[DIGITS_SIZE][DIGITS_SIZE][DIGITS_C1];
	float pooled1[DIGITS_SIZE / 2][DIGITS_SIZE / 2][DIGITS_C1];
	float full2[DIGITS_SIZE / 2][DIGITS_SIZE / 2][DIGITS_C2];
	float pooled2[DIGITS_FLAT];
	float logits[DIGITS_CLASSES];
	float probability[DIGITS_CLASSES];
};

/**
 * digits_draw - draws a digit in strokes: moved, scaled, slanted, of random width, with noise
 * @rng: decides all of it
 * @image: out: brightness from 0 to 1
 * Return: which digit
 */
int digits_draw(struct rng *rng, float image[DIGITS_SIZE][DIGITS_SIZE]);

/**
 * digits_forward - classifies an image on the CPU
 * @weights: of the network
 * @image: as from digits_draw()
 * @layers: out: all that was computed
 */
void digits_forward(const struct digits_weights *weights, const float image[DIGITS_SIZE][DIGITS_SIZE], struct digits_layers *layers);

#endif
