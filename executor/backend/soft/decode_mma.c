// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/* Matrix instructions. */
#include "decode.h"

void decode_mma(struct decoder *dc)
{
	dc_bad_form(dc);
}

void decode_wmma(struct decoder *dc)
{
	dc_bad_form(dc);
}

void decode_ldmatrix(struct decoder *dc)
{
	dc_bad_form(dc);
}

void decode_movmatrix(struct decoder *dc)
{
	dc_bad_form(dc);
}

void decode_video(struct decoder *dc)
{
	dc_bad_form(dc);
}

void decode_video_simd(struct decoder *dc)
{
	dc_bad_form(dc);
}
