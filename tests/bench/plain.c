// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include "plain.h"

void plain_sgemm(const float *a, const float *b, float *c, int n)
{
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++) {
			float sum = 0.0f;

			for (int k = 0; k < n; k++)
				sum += a[i * n + k] * b[k * n + j];
			c[i * n + j] = sum;
		}
}
