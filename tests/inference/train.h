/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* Training: Adam over one flat array of weights. */
#ifndef TESTS_INFERENCE_TRAIN_H
#define TESTS_INFERENCE_TRAIN_H

#include <stddef.h>

/**
 * struct adam - moving averages of the gradient of each weight
 */
struct adam {
	size_t count;
	float *weights, *gradient, *mean, *square;
	float mean_power, square_power;
};

/**
 * adam_init - begins
 * @adam: to fill; its gradient is zero
 * @weights: what is trained
 * @bytes: of the weights, all floats
 */
void adam_init(struct adam *adam, void *weights, size_t bytes);

/**
 * adam_step - one step along the gradient, which it then zeroes
 * @adam: from adam_init()
 * @rate: of this step
 * @scale: the gradient is multiplied by it first
 */
void adam_step(struct adam *adam, float rate, float scale);

/**
 * train_digits - trains the classifier
 * @size: out: bytes
 * Return: the weights; progress goes to the standard error
 */
void *train_digits(size_t *size);

/**
 * train_language - trains the language model
 * @size: out: bytes
 * Return: the weights; progress goes to the standard error
 */
void *train_language(size_t *size);

#endif
