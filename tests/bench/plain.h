/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
#ifndef TESTS_BENCH_PLAIN_H
#define TESTS_BENCH_PLAIN_H

/**
 * plain_sgemm - c = a b, square and row-major, by plain loops in i, j, k order; gcc -O2
 * @a: n * n
 * @b: n * n
 * @c: n * n
 * @n: rows
 */
void plain_sgemm(const float *a, const float *b, float *c, int n);

#endif
