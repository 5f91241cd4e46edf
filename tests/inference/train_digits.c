// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdio.h>
#include <stdlib.h>
#include "digits.h"
#include "train.h"

#define STEPS	220
#define BATCH	24

/* Gradient through a convolution whose output was cut at 0. */
static void convolve_back(const float *in, int size, int from, const float *weights, const float *out, float *dout, int to, float *dweights,
			  float *dbias, float *din)
{
	int x, y, i, j, c, o;

	for (i = 0; i < size * size * to; i++)
		dout[i] = out[i] > 0 ? dout[i] : 0;
	for (y = 0; y < size; y++) {
		for (x = 0; x < size; x++) {
			const float *d = dout + (y * size + x) * to;

			for (o = 0; o < to; o++)
				dbias[o] += d[o];
			for (j = 0; j < 3; j++) {
				for (i = 0; i < 3; i++) {
					int at = ((y + j - 1) * size + x + i - 1) * from, tap = (j * 3 + i) * from * to;

					if (x + i < 1 || x + i > size || y + j < 1 || y + j > size)
						continue;
					for (c = 0; c < from; c++) {
						float sum = 0;

						for (o = 0; o < to; o++)
							dweights[tap + c * to + o] += in[at + c] * d[o];
						for (o = 0; din && o < to; o++)
							sum += weights[tap + c * to + o] * d[o];
						if (din)
							din[at + c] += sum;
					}
				}
			}
		}
	}
}

/* To the first of the largest. */
static void pool_back(const float *in, int size, int channels, const float *out, const float *dout, float *din)
{
	int x, y, c, i;

	for (y = 0; y < size; y += 2) {
		for (x = 0; x < size; x += 2) {
			for (c = 0; c < channels; c++, out++, dout++) {
				for (i = 0; i < 4; i++) {
					int at = ((y + i / 2) * size + x + i % 2) * channels + c;

					if (in[at] >= *out) {
						din[at] = *dout;
						break;
					}
				}
			}
		}
	}
}

static void back(const struct digits_weights *w, struct digits_weights *g, const float image[DIGITS_SIZE][DIGITS_SIZE],
		 const struct digits_layers *l, int digit)
{
	struct digits_layers d = { 0 };
	int i, k;

	for (k = 0; k < DIGITS_CLASSES; k++) {
		d.logits[k] = l->probability[k] - (k == digit ? 1 : 0);
		g->bias3[k] += d.logits[k];
	}
	for (i = 0; i < DIGITS_FLAT; i++) {
		for (k = 0; k < DIGITS_CLASSES; k++) {
			g->full[i][k] += l->pooled2[i] * d.logits[k];
			d.pooled2[i] += w->full[i][k] * d.logits[k];
		}
	}
	pool_back(&l->full2[0][0][0], DIGITS_SIZE / 2, DIGITS_C2, l->pooled2, d.pooled2, &d.full2[0][0][0]);
	convolve_back(&l->pooled1[0][0][0], DIGITS_SIZE / 2, DIGITS_C1, &w->conv2[0][0][0], &l->full2[0][0][0], &d.full2[0][0][0], DIGITS_C2,
		      &g->conv2[0][0][0], g->bias2, &d.pooled1[0][0][0]);
	pool_back(&l->full1[0][0][0], DIGITS_SIZE, DIGITS_C1, &l->pooled1[0][0][0], &d.pooled1[0][0][0], &d.full1[0][0][0]);
	convolve_back(&image[0][0], DIGITS_SIZE, 1, &w->conv1[0][0][0], &l->full1[0][0][0], &d.full1[0][0][0], DIGITS_C1, &g->conv1[0][0][0],
		      g->bias1, NULL);
}

static int best(const float *p)
{
	int k, top = 0;

	for (k = 1; k < DIGITS_CLASSES; k++)
		top = p[k] > p[top] ? k : top;
	return top;
}

void *train_digits(size_t *size)
{
	struct digits_weights *w = calloc(1, sizeof(*w));
	static struct digits_layers layers;
	float image[DIGITS_SIZE][DIGITS_SIZE];
	struct rng rng = { 1 };
	struct adam adam;
	int step, i, k, digit, right = 0;

	if (!w)
		exit(1);
	adam_init(&adam, w, sizeof(*w));
	for (i = 0; i < 9 * DIGITS_C1; i++)
		(&w->conv1[0][0][0])[i] = 0.3f * rng_normal(&rng);
	for (i = 0; i < 9 * DIGITS_C1 * DIGITS_C2; i++)
		(&w->conv2[0][0][0])[i] = 0.15f * rng_normal(&rng);
	for (i = 0; i < DIGITS_FLAT * DIGITS_CLASSES; i++)
		(&w->full[0][0])[i] = 0.06f * rng_normal(&rng);
	for (step = 0; step < STEPS; step++) {
		for (k = 0; k < BATCH; k++) {
			digit = digits_draw(&rng, image);
			digits_forward(w, image, &layers);
			right += best(layers.probability) == digit;
			back(w, (struct digits_weights *)adam.gradient, image, &layers, digit);
		}
		adam_step(&adam, 0.008f * (float)(STEPS - step) / STEPS + 0.0005f, 1.0f / BATCH);
		if (step % 20 == 19) {
			fprintf(stderr, "step %d: %.1f %% right\n", step + 1, right * 100.0 / (20 * BATCH));
			right = 0;
		}
	}
	*size = sizeof(*w);
	return w;
}
