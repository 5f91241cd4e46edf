// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include "approx.h"

float approx_sin_far(float x)
{
	return (float)sin(x);
}

float approx_cos_far(float x)
{
	return (float)cos(x);
}
