// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <string.h>
#include "digits.h"

struct point {
	signed char x, y; /* of a grid of 5 by 9; below 0 the stroke ends */
};

#define UP { -1, -1 }

static const struct point strokes[DIGITS_CLASSES][16] = {
	{ { 1, 0 }, { 3, 0 }, { 4, 2 }, { 4, 6 }, { 3, 8 }, { 1, 8 }, { 0, 6 }, { 0, 2 }, { 1, 0 }, UP, UP },
	{ { 1, 2 }, { 2, 0 }, { 2, 8 }, UP, { 1, 8 }, { 3, 8 }, UP, UP },
	{ { 0, 2 }, { 1, 0 }, { 3, 0 }, { 4, 2 }, { 3, 4 }, { 0, 8 }, { 4, 8 }, UP, UP },
	{ { 0, 1 }, { 1, 0 }, { 3, 0 }, { 4, 2 }, { 2, 4 }, { 4, 6 }, { 3, 8 }, { 1, 8 }, { 0, 7 }, UP, UP },
	{ { 3, 8 }, { 3, 0 }, { 0, 6 }, { 4, 6 }, UP, UP },
	{ { 4, 0 }, { 0, 0 }, { 0, 4 }, { 3, 3 }, { 4, 6 }, { 3, 8 }, { 0, 8 }, UP, UP },
	{ { 3, 0 }, { 1, 1 }, { 0, 5 }, { 1, 8 }, { 3, 8 }, { 4, 6 }, { 3, 4 }, { 0, 5 }, UP, UP },
	{ { 0, 0 }, { 4, 0 }, { 1, 8 }, UP, UP },
	{ { 2, 4 }, { 0, 2 }, { 1, 0 }, { 3, 0 }, { 4, 2 }, { 2, 4 }, { 0, 6 }, { 1, 8 }, { 3, 8 }, { 4, 6 }, { 2, 4 }, UP, UP },
	{ { 4, 3 }, { 2, 4 }, { 0, 2 }, { 1, 0 }, { 3, 0 }, { 4, 3 }, { 3, 8 }, { 1, 8 }, UP, UP },
};

/* Square of the distance of a point from a line between two. */
static float distance2(float px, float py, float ax, float ay, float bx, float by)
{
	float dx = bx - ax, dy = by - ay, length = dx * dx + dy * dy;
	float t = ((px - ax) * dx + (py - ay) * dy) / length;

	t = t < 0 ? 0 : t > 1 ? 1 : t;
	px -= ax + t * dx;
	py -= ay + t * dy;
	return px * px + py * py;
}

int digits_draw(struct rng *rng, float image[DIGITS_SIZE][DIGITS_SIZE])
{
	int digit = rng_below(rng, DIGITS_CLASSES), x, y;
	float wide = rng_between(rng, 1.5f, 2.4f), high = rng_between(rng, 1.1f, 1.55f), slant = rng_between(rng, -0.35f, 0.35f);
	float left = rng_between(rng, 5.5f, 9.5f), top = rng_between(rng, 6.5f, 8.5f), width = rng_between(rng, 0.5f, 1.1f);
	float noise = rng_between(rng, 0.05f, 0.45f);
	const struct point *p;

	for (y = 0; y < DIGITS_SIZE; y++) {
		for (x = 0; x < DIGITS_SIZE; x++) {
			float nearest = 100, ink;

			for (p = strokes[digit]; p[0].x >= 0; p++) {
				for (; p[1].x >= 0; p++) {
					float ay = (p[0].y - 4) * high, by = (p[1].y - 4) * high;
					float ax = left + (p[0].x - 2) * wide - ay * slant, bx = left + (p[1].x - 2) * wide - by * slant;
					float d = distance2((float)x, (float)y, ax, top + ay, bx, top + by);

					nearest = d < nearest ? d : nearest;
				}
				p++;
			}
			ink = 1.5f + width * width - nearest;
			ink = ink < 0 ? 0 : ink > 1 ? 1 : ink;
			ink += noise * rng_between(rng, -1, 1);
			image[y][x] = ink < 0 ? 0 : ink > 1 ? 1 : ink;
		}
	}
	return digit;
}

static void convolve(const float *in, int size, int from, const float *weights, const float *bias, float *out, int to)
{
	int x, y, i, j, c, o;

	for (y = 0; y < size; y++) {
		for (x = 0; x < size; x++) {
			float *sum = out + (y * size + x) * to;

			memcpy(sum, bias, (size_t)to * sizeof(*sum));
			for (j = 0; j < 3; j++) {
				for (i = 0; i < 3; i++) {
					const float *at = in + ((y + j - 1) * size + x + i - 1) * from;
					const float *tap = weights + (j * 3 + i) * from * to;

					if (x + i < 1 || x + i > size || y + j < 1 || y + j > size)
						continue;
					for (c = 0; c < from; c++)
						for (o = 0; o < to; o++)
							sum[o] += at[c] * tap[c * to + o];
				}
			}
			for (o = 0; o < to; o++)
				sum[o] = sum[o] > 0 ? sum[o] : 0;
		}
	}
}

static void pool(const float *in, int size, int channels, float *out)
{
	int x, y, c;

	for (y = 0; y < size; y += 2) {
		for (x = 0; x < size; x += 2) {
			for (c = 0; c < channels; c++) {
				const float *p = in + (y * size + x) * channels + c, *q = p + size * channels;
				float a = p[0] > p[channels] ? p[0] : p[channels], b = q[0] > q[channels] ? q[0] : q[channels];

				*out++ = a > b ? a : b;
			}
		}
	}
}

void digits_forward(const struct digits_weights *weights, const float image[DIGITS_SIZE][DIGITS_SIZE], struct digits_layers *layers)
{
	float top, sum = 0;
	int i, k;

	convolve(&image[0][0], DIGITS_SIZE, 1, &weights->conv1[0][0][0], weights->bias1, &layers->full1[0][0][0], DIGITS_C1);
	pool(&layers->full1[0][0][0], DIGITS_SIZE, DIGITS_C1, &layers->pooled1[0][0][0]);
	convolve(&layers->pooled1[0][0][0], DIGITS_SIZE / 2, DIGITS_C1, &weights->conv2[0][0][0], weights->bias2,
		 &layers->full2[0][0][0], DIGITS_C2);
	pool(&layers->full2[0][0][0], DIGITS_SIZE / 2, DIGITS_C2, layers->pooled2);
	memcpy(layers->logits, weights->bias3, sizeof(layers->logits));
	for (i = 0; i < DIGITS_FLAT; i++)
		for (k = 0; k < DIGITS_CLASSES; k++)
			layers->logits[k] += layers->pooled2[i] * weights->full[i][k];
	for (top = layers->logits[0], k = 1; k < DIGITS_CLASSES; k++)
		top = layers->logits[k] > top ? layers->logits[k] : top;
	for (k = 0; k < DIGITS_CLASSES; k++)
		sum += layers->probability[k] = number_exp(layers->logits[k] - top);
	for (k = 0; k < DIGITS_CLASSES; k++)
		layers->probability[k] /= sum;
}
