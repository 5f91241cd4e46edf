// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "language.h"
#include "train.h"

#define W	LANGUAGE_WIDTH
#define T	LANGUAGE_LENGTH
#define STEPS	700
#define BATCH	6

static void norm_back(const struct language_norm *n, struct language_norm *g, const float *x, const float *dy, float *dx)
{
	float mean = 0, square = 0, scale, sum = 0, along = 0;
	int i;

	for (i = 0; i < W; i++)
		mean += x[i];
	mean /= W;
	for (i = 0; i < W; i++)
		square += (x[i] - mean) * (x[i] - mean);
	scale = 1 / sqrtf(square / W + 1e-5f);
	for (i = 0; i < W; i++) {
		float z = (x[i] - mean) * scale, d = dy[i] * n->gain[i];

		g->gain[i] += dy[i] * z;
		g->bias[i] += dy[i];
		sum += d;
		along += d * z;
	}
	for (i = 0; i < W; i++)
		dx[i] += scale * (dy[i] * n->gain[i] - sum / W - (x[i] - mean) * scale * along / W);
}

/* All rows of y = x w + b; dx is added to. */
static void multiply_back(const float *x, int in, const float *w, const float *dy, int out, float *dw, float *db, float *dx)
{
	static float turned[LANGUAGE_INNER * LANGUAGE_INNER];
	int row, i, o;

	for (i = 0; i < in; i++)
		for (o = 0; o < out; o++)
			turned[o * in + i] = w[i * out + o];
	for (row = 0; row < T; row++, x += in, dx += in, dy += out) {
		for (o = 0; o < out; o++)
			db[o] += dy[o];
		for (i = 0; i < in; i++)
			for (o = 0; o < out; o++)
				dw[i * out + o] += x[i] * dy[o];
		for (o = 0; o < out; o++)
			for (i = 0; i < in; i++)
				dx[i] += dy[o] * turned[o * in + i];
	}
}

static void attend_back(const struct language_layer_values *v, struct language_layer_values *d)
{
	int head, row, i, c;

	for (head = 0; head < LANGUAGE_HEADS; head++) {
		for (row = 0; row < T; row++) {
			const float *q = v->qkv[row] + head * LANGUAGE_HEAD, *weight = v->weight[head][row];
			const float *dmixed = d->mixed[row] + head * LANGUAGE_HEAD;
			float *dq = d->qkv[row] + head * LANGUAGE_HEAD, dweight[T], sum = 0;

			for (i = 0; i <= row; i++) {
				const float *value = v->qkv[i] + 2 * W + head * LANGUAGE_HEAD;
				float *dvalue = d->qkv[i] + 2 * W + head * LANGUAGE_HEAD;

				dweight[i] = 0;
				for (c = 0; c < LANGUAGE_HEAD; c++) {
					dweight[i] += dmixed[c] * value[c];
					dvalue[c] += weight[i] * dmixed[c];
				}
				sum += dweight[i] * weight[i];
			}
			for (i = 0; i <= row; i++) {
				const float *k = v->qkv[i] + W + head * LANGUAGE_HEAD;
				float *dk = d->qkv[i] + W + head * LANGUAGE_HEAD;
				float dscore = weight[i] * (dweight[i] - sum) * 0.25f;

				for (c = 0; c < LANGUAGE_HEAD; c++) {
					dq[c] += dscore * k[c];
					dk[c] += dscore * q[c];
				}
			}
		}
	}
}

static void layer_back(const struct language_layer *w, struct language_layer *g, const struct language_layer_values *v,
		       struct language_layer_values *d, float dout[T][W])
{
	int row, i;

	multiply_back(v->up[0], LANGUAGE_INNER, &w->down[0][0], dout[0], W, &g->down[0][0], g->down_bias, d->up[0]);
	for (row = 0; row < T; row++) {
		for (i = 0; i < W; i++)
			d->middle[row][i] = dout[row][i];
		for (i = 0; i < LANGUAGE_INNER; i++)
			d->up[row][i] = v->up[row][i] > 0 ? d->up[row][i] : 0;
	}
	multiply_back(v->norm2[0], W, &w->up[0][0], d->up[0], LANGUAGE_INNER, &g->up[0][0], g->up_bias, d->norm2[0]);
	for (row = 0; row < T; row++)
		norm_back(&w->norm2, &g->norm2, v->middle[row], d->norm2[row], d->middle[row]);
	multiply_back(v->mixed[0], W, &w->join[0][0], d->middle[0], W, &g->join[0][0], g->join_bias, d->mixed[0]);
	attend_back(v, d);
	multiply_back(v->norm1[0], W, &w->qkv[0][0], d->qkv[0], 3 * W, &g->qkv[0][0], g->qkv_bias, d->norm1[0]);
	for (row = 0; row < T; row++) {
		for (i = 0; i < W; i++)
			d->in[row][i] = d->middle[row][i];
		norm_back(&w->norm1, &g->norm1, v->in[row], d->norm1[row], d->in[row]);
	}
}

/* Adds the gradient of one text; returns the sum of the probabilities that its letters were given. */
static float learn(const struct language_weights *w, struct language_weights *g, const int *letters)
{
	static struct language_values values, d;
	float right = 0;
	int row, i, l;

	memset(&d, 0, sizeof(d));
	language_forward(w, letters, T, &values);
	for (row = 0; row < T; row++) {
		float *logits = values.logits[row], top = logits[0], sum = 0;

		for (i = 1; i < LANGUAGE_LETTERS; i++)
			top = logits[i] > top ? logits[i] : top;
		for (i = 0; i < LANGUAGE_LETTERS; i++)
			sum += d.logits[row][i] = number_exp(logits[i] - top);
		for (i = 0; i < LANGUAGE_LETTERS; i++)
			d.logits[row][i] /= sum;
		right += d.logits[row][letters[row + 1]];
		d.logits[row][letters[row + 1]] -= 1;
	}
	multiply_back(values.norm[0], W, &w->out[0][0], d.logits[0], LANGUAGE_LETTERS, &g->out[0][0], g->out_bias, d.norm[0]);
	for (row = 0; row < T; row++)
		norm_back(&w->norm, &g->norm, values.last[row], d.norm[row], d.last[row]);
	for (l = LANGUAGE_LAYERS - 1; l >= 0; l--)
		layer_back(&w->layer[l], &g->layer[l], &values.layer[l], &d.layer[l],
			   l + 1 < LANGUAGE_LAYERS ? d.layer[l + 1].in : d.last);
	for (row = 0; row < T; row++) {
		for (i = 0; i < W; i++) {
			g->letter[letters[row]][i] += d.layer[0].in[row][i];
			g->place[row][i] += d.layer[0].in[row][i];
		}
	}
	return right;
}

static void start(struct rng *rng, float *weights, size_t count, float spread)
{
	while (count--)
		*weights++ = spread * rng_normal(rng);
}

static void start_norm(struct language_norm *norm)
{
	int i;

	for (i = 0; i < W; i++)
		norm->gain[i] = 1;
}

void *train_language(size_t *size)
{
	struct language_weights *w = calloc(1, sizeof(*w));
	struct rng rng = { 2 };
	struct adam adam;
	int letters[T + 1], step, k, l;
	float rate, right = 0;

	if (!w)
		exit(1);
	adam_init(&adam, w, sizeof(*w));
	start(&rng, &w->letter[0][0], LANGUAGE_LETTERS * W, 0.3f);
	start(&rng, &w->place[0][0], T * W, 0.1f);
	for (l = 0; l < LANGUAGE_LAYERS; l++) {
		start(&rng, &w->layer[l].qkv[0][0], W * 3 * W, 0.15f);
		start(&rng, &w->layer[l].join[0][0], W * W, 0.1f);
		start(&rng, &w->layer[l].up[0][0], W * LANGUAGE_INNER, 0.15f);
		start(&rng, &w->layer[l].down[0][0], LANGUAGE_INNER * W, 0.06f);
		start_norm(&w->layer[l].norm1);
		start_norm(&w->layer[l].norm2);
	}
	start_norm(&w->norm);
	start(&rng, &w->out[0][0], W * LANGUAGE_LETTERS, 0.15f);
	for (step = 0; step < STEPS; step++) {
		for (k = 0; k < BATCH; k++) {
			language_text(&rng, letters, T + 1);
			right += learn(w, (struct language_weights *)adam.gradient, letters);
		}
		rate = step < 20 ? (float)(step + 1) / 20 : (float)(STEPS - step) / (STEPS - 20);
		adam_step(&adam, 0.006f * rate, 1.0f / (BATCH * T));
		if (step % 50 == 49) {
			fprintf(stderr, "step %d: %.1f %% of the letter that comes\n", step + 1, (double)right * 100 / (50 * BATCH * T));
			right = 0;
		}
	}
	*size = sizeof(*w);
	return w;
}
