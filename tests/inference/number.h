/* SPDX-License-Identifier: MIT */
/* Copyright (c) vgpu authors */
/* Random numbers and an exponential whose every bit is the same on any machine: plain integer and IEEE operations, no libm. */
#ifndef TESTS_INFERENCE_NUMBER_H
#define TESTS_INFERENCE_NUMBER_H

#include <stdint.h>
#include <string.h>

struct rng {
	uint64_t state;
};

/* splitmix64 */
static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* From 0 to n - 1. */
static inline int rng_below(struct rng *rng, int n)
{
	return (int)((rng_next(rng) >> 32) * (uint64_t)n >> 32);
}

/* In [low, high). */
static inline float rng_between(struct rng *rng, float low, float high)
{
	return low + (high - low) * ((float)(rng_next(rng) >> 40) * 0x1p-24f);
}

/* About normal, variance 1: the sum of twelve uniform ones. */
static inline float rng_normal(struct rng *rng)
{
	float sum = -6;
	int i;

	for (i = 0; i < 12; i++)
		sum += rng_between(rng, 0, 1);
	return sum;
}

/* e to the x, for x <= 0, to about 3 units in the last place. */
static inline float number_exp(float x)
{
	float n, r, p, scale;
	int32_t whole, bits;

	if (x < -80)
		return 0;
	whole = (int32_t)(x * 1.44269504f - 0.5f);
	n = (float)whole;
	r = x - n * 0.693145752f - n * 1.42860677e-6f;
	p = 1 + r * (1 + r * (0.5f + r * (0.166666667f + r * (0.0416666667f + r * (0.00833333333f + r * 0.00138888889f)))));
	bits = (whole + 127) << 23;
	memcpy(&scale, &bits, sizeof(scale));
	return p * scale;
}

#endif
