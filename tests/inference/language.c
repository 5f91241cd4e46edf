// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <math.h>
#include <string.h>
#include "language.h"

#define W LANGUAGE_WIDTH

static const char alphabet[LANGUAGE_LETTERS + 1] = "\nabcdefghijklmnopqrstuvwxyz .,;?";
static const char *const nouns[] = { "guest", "queue", "worker", "kernel", "device", "session", "driver", "doorbell" };
static const char *const adjectives[] = { "small", "quick", "quiet", "new", "busy", "patient" };
static const char *const verbs[] = { "wait", "ask", "send", "look" };
static const char *const after[] = { "for", "for", "to", "at" };

char language_char(int letter)
{
	return alphabet[letter];
}

static char *add(char *at, const char *word)
{
	while (*word)
		*at++ = *word++;
	return at;
}

/* One sentence; verbs agree with their subjects. */
static char *sentence(struct rng *rng, char *at)
{
	int many = rng_below(rng, 2), verb = rng_below(rng, 4), clause = rng_below(rng, 4);

	if (!clause)
		at = add(at, "when it is ");
	if (!clause)
		at = add(at, adjectives[rng_below(rng, 6)]);
	if (!clause)
		at = add(at, ", ");
	at = add(at, many ? "all " : "the ");
	if (rng_below(rng, 2)) {
		at = add(at, adjectives[rng_below(rng, 6)]);
		*at++ = ' ';
	}
	at = add(at, nouns[rng_below(rng, 8)]);
	at = add(at, many ? "s " : " ");
	at = add(at, verbs[verb]);
	at = add(at, many ? " " : "s ");
	at = add(at, after[verb]);
	at = add(at, " the ");
	at = add(at, nouns[rng_below(rng, 8)]);
	return add(at, ". ");
}

void language_text(struct rng *rng, int *letters, int count)
{
	char text[160], *end = text;
	int i;

	while (end < text + count)
		end = sentence(rng, end);
	letters[0] = 0;
	for (i = 1; i < count; i++)
		letters[i] = (int)(strchr(alphabet, text[i - 1]) - alphabet);
}

static void norm(const struct language_norm *n, const float *x, float *y)
{
	float mean = 0, square = 0, scale;
	int i;

	for (i = 0; i < W; i++)
		mean += x[i];
	mean /= W;
	for (i = 0; i < W; i++)
		square += (x[i] - mean) * (x[i] - mean);
	scale = 1 / sqrtf(square / W + 1e-5f);
	for (i = 0; i < W; i++)
		y[i] = (x[i] - mean) * scale * n->gain[i] + n->bias[i];
}

/* y = x w + b, or, with more, y = more + x w + b */
static void multiply(const float *x, int in, const float *w, const float *b, const float *more, float *y, int out)
{
	int i, o;

	for (o = 0; o < out; o++)
		y[o] = b[o];
	for (i = 0; i < in; i++)
		for (o = 0; o < out; o++)
			y[o] += x[i] * w[i * out + o];
	for (o = 0; more && o < out; o++)
		y[o] += more[o];
}

static void attend(struct language_layer_values *v, int row)
{
	int head, i, c;

	memset(v->mixed[row], 0, sizeof(v->mixed[row]));
	for (head = 0; head < LANGUAGE_HEADS; head++) {
		const float *q = v->qkv[row] + head * LANGUAGE_HEAD;
		float *weight = v->weight[head][row], top = -1e30f, sum = 0;

		for (i = 0; i <= row; i++) {
			const float *k = v->qkv[i] + W + head * LANGUAGE_HEAD;

			weight[i] = 0;
			for (c = 0; c < LANGUAGE_HEAD; c++)
				weight[i] += q[c] * k[c];
			weight[i] *= 0.25f;
			top = weight[i] > top ? weight[i] : top;
		}
		for (i = 0; i <= row; i++)
			sum += weight[i] = number_exp(weight[i] - top);
		for (i = 0; i <= row; i++) {
			weight[i] /= sum;
			for (c = 0; c < LANGUAGE_HEAD; c++)
				v->mixed[row][head * LANGUAGE_HEAD + c] += weight[i] * v->qkv[i][2 * W + head * LANGUAGE_HEAD + c];
		}
	}
}

void language_forward(const struct language_weights *weights, const int *letters, int count, struct language_values *values)
{
	int row, i, l;

	for (row = 0; row < count; row++)
		for (i = 0; i < W; i++)
			values->layer[0].in[row][i] = weights->letter[letters[row]][i] + weights->place[row][i];
	for (l = 0; l < LANGUAGE_LAYERS; l++) {
		const struct language_layer *layer = &weights->layer[l];
		struct language_layer_values *v = &values->layer[l];
		float (*next)[W] = l + 1 < LANGUAGE_LAYERS ? values->layer[l + 1].in : values->last;

		for (row = 0; row < count; row++) {
			norm(&layer->norm1, v->in[row], v->norm1[row]);
			multiply(v->norm1[row], W, &layer->qkv[0][0], layer->qkv_bias, NULL, v->qkv[row], 3 * W);
		}
		for (row = 0; row < count; row++) {
			attend(v, row);
			multiply(v->mixed[row], W, &layer->join[0][0], layer->join_bias, v->in[row], v->middle[row], W);
			norm(&layer->norm2, v->middle[row], v->norm2[row]);
			multiply(v->norm2[row], W, &layer->up[0][0], layer->up_bias, NULL, v->up[row], LANGUAGE_INNER);
			for (i = 0; i < LANGUAGE_INNER; i++)
				v->up[row][i] = v->up[row][i] > 0 ? v->up[row][i] : 0;
			multiply(v->up[row], LANGUAGE_INNER, &layer->down[0][0], layer->down_bias, v->middle[row], next[row], W);
		}
	}
	for (row = 0; row < count; row++) {
		norm(&weights->norm, values->last[row], values->norm[row]);
		multiply(values->norm[row], W, &weights->out[0][0], weights->out_bias, NULL, values->logits[row], LANGUAGE_LETTERS);
	}
}
