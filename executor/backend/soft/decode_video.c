// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/* Video instructions. */
#include "decode.h"

void decode_video(struct decoder *dc)
{
	dc_bad_form(dc);
}

void decode_video_simd(struct decoder *dc)
{
	dc_bad_form(dc);
}
