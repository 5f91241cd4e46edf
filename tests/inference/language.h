/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* The language model: sentences of a small grammar, letter by letter, and a transformer of two layers. */
#ifndef TESTS_INFERENCE_LANGUAGE_H
#define TESTS_INFERENCE_LANGUAGE_H

#include "number.h"

#define LANGUAGE_LETTERS	32 /* of which the first begins every text */
#define LANGUAGE_LENGTH		48 /* letters that are looked at */
#define LANGUAGE_WIDTH		32
#define LANGUAGE_HEADS		2
#define LANGUAGE_HEAD		(LANGUAGE_WIDTH / LANGUAGE_HEADS)
#define LANGUAGE_INNER		(4 * LANGUAGE_WIDTH)
#define LANGUAGE_LAYERS		2

struct language_norm {
	float gain[LANGUAGE_WIDTH], bias[LANGUAGE_WIDTH];
};

struct language_layer {
	struct language_norm norm1;
	float qkv[LANGUAGE_WIDTH][3 * LANGUAGE_WIDTH], qkv_bias[3 * LANGUAGE_WIDTH];
	float join[LANGUAGE_WIDTH][LANGUAGE_WIDTH], join_bias[LANGUAGE_WIDTH];
	struct language_norm norm2;
	float up[LANGUAGE_WIDTH][LANGUAGE_INNER], up_bias[LANGUAGE_INNER];
	float down[LANGUAGE_INNER][LANGUAGE_WIDTH], down_bias[LANGUAGE_WIDTH];
};

/* As the file language.weights holds them: 32-bit floats, little-endian. */
struct language_weights {
	float letter[LANGUAGE_LETTERS][LANGUAGE_WIDTH], place[LANGUAGE_LENGTH][LANGUAGE_WIDTH];
	struct language_layer layer[LANGUAGE_LAYERS];
	struct language_norm norm;
	float out[LANGUAGE_WIDTH][LANGUAGE_LETTERS], out_bias[LANGUAGE_LETTERS];
};

/* What a layer computes, kept for the gradient; one row a letter. */
struct language_layer_values {
	float in[LANGUAGE_LENGTH][LANGUAGE_WIDTH];
	float norm1[LANGUAGE_LENGTH][LANGUAGE_WIDTH];
	float qkv[LANGUAGE_LENGTH][3 * LANGUAGE_WIDTH];
	float weight[LANGUAGE_HEADS][LANGUAGE_LENGTH][LANGUAGE_LENGTH];
	float mixed[LANGUAGE_LENGTH][LANGUAGE_WIDTH];
	float middle[LANGUAGE_LENGTH][LANGUAGE_WIDTH];
	float norm2[LANGUAGE_LENGTH][LANGUAGE_WIDTH];
	float up[LANGUAGE_LENGTH][LANGUAGE_INNER];
};

struct language_values {
	struct language_layer_values layer[LANGUAGE_LAYERS];
	float last[LANGUAGE_LENGTH][LANGUAGE_WIDTH];
	float norm[LANGUAGE_LENGTH][LANGUAGE_WIDTH];
	float logits[LANGUAGE_LENGTH][LANGUAGE_LETTERS];
};

/**
 * language_text - writes sentences of the grammar
 * @rng: decides them
 * @letters: out: numbers of letters, the first of them 0
 * @count: how many
 */
void language_text(struct rng *rng, int *letters, int count);

/**
 * language_char - the character that a letter's number stands for
 * @letter: from 0 to LANGUAGE_LETTERS - 1
 */
char language_char(int letter);

/**
 * language_forward - what the model expects after each letter, on the CPU
 * @weights: of the model
 * @letters: numbers of letters
 * @count: how many, up to LANGUAGE_LENGTH
 * @values: out: all that was computed, the first @count rows
 */
void language_forward(const struct language_weights *weights, const int *letters, int count, struct language_values *values);

#endif
