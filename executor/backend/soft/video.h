/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Video instructions, as the decoder describes them to their handler. */
#ifndef EXECUTOR_SOFT_VIDEO_H
#define EXECUTOR_SOFT_VIDEO_H

#include <stdbool.h>
#include <stdint.h>

enum video_op {
	VIDEO_ADD, VIDEO_SUB, VIDEO_ABSDIFF, VIDEO_MIN, VIDEO_MAX, VIDEO_SHL, VIDEO_SHR, VIDEO_MAD, VIDEO_SET, VIDEO_AVRG,
};

enum video_second {
	SECOND_NONE, SECOND_ADD, SECOND_MIN, SECOND_MAX, SECOND_MERGE,
};

/**
 * struct video - one instruction
 * @op: enum video_op
 * @second: enum video_second
 * @parts: 1, or 2 or 4: each part of the words for itself, their sum with c where @second is SECOND_ADD
 * @a_signed: type of a
 * @b_signed: type of b
 * @d_signed: type of the result
 * @a_sel: part of a: 0 all, 16 to 19 bytes, 24 and 25 halves
 * @b_sel: of b
 * @d_sel: part of c that the result replaces
 * @saturate: .sat
 * @wrap: .wrap of a shift; otherwise .clamp
 * @a_negate: -a
 * @b_negate: -b
 * @c_negate: -c
 * @plus_one: .po
 * @scale: bits by which the sum of vmad is shifted right
 * @cmp: enum ptx_modifier of VIDEO_SET, from 0 for eq: eq ne lt le gt ge
 */
struct video {
	uint8_t op;
	uint8_t second;
	uint8_t parts;
	bool a_signed, b_signed, d_signed;
	uint8_t a_sel, b_sel, d_sel;
	bool saturate;
	bool wrap;
	bool a_negate, b_negate, c_negate;
	bool plus_one;
	uint8_t scale;
	uint8_t cmp;
};

#endif
