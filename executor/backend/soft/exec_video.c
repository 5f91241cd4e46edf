// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Video instructions: parts of words, wider arithmetic, saturation, and a second operation. */
#include "exec.h"
#include "video.h"

static inline int64_t part(uint32_t v, unsigned int sel, bool is_signed)
{
	if (sel >= 24) {
		v >>= 16 * (sel - 24);
		return is_signed ? (int64_t)(int16_t)v : (int64_t)(uint16_t)v;
	}
	if (sel >= 16) {
		v >>= 8 * (sel - 16);
		return is_signed ? (int64_t)(int8_t)v : (int64_t)(uint8_t)v;
	}
	return is_signed ? (int64_t)(int32_t)v : (int64_t)v;
}

static inline unsigned int part_bits(unsigned int sel)
{
	return sel >= 24 ? 16 : sel >= 16 ? 8 : 32;
}

static __int128 saturate(__int128 v, unsigned int bits, bool is_signed)
{
	int64_t hi = is_signed ? (1ll << (bits - 1)) - 1 : (1ll << bits) - 1, lo = is_signed ? -(1ll << (bits - 1)) : 0;

	return v < lo ? lo : v > hi ? hi : v;
}

static bool compare(unsigned int cmp, int64_t a, int64_t b)
{
	switch (cmp) {
	case 0:
		return a == b;
	case 1:
		return a != b;
	case 2:
		return a < b;
	case 3:
		return a <= b;
	case 4:
		return a > b;
	}
	return a >= b;
}

/* Whether the sum of vmad is signed: what its sources are decides, not the type of d. */
static inline bool sum_is_signed(const struct video *v)
{
	return v->a_signed || v->b_signed || v->a_negate != v->b_negate || v->c_negate;
}

/* Sums of products, and what .clamp shifts out of a word, need more than 64 bits. */
static __int128 first(const struct video *v, int64_t a, int64_t b, uint32_t c)
{
	unsigned int shift;
	__int128 t;

	switch (v->op) {
	case VIDEO_ADD:
		return a + b;
	case VIDEO_SUB:
		return a - b;
	case VIDEO_ABSDIFF:
		return a > b ? a - b : b - a;
	case VIDEO_AVRG:
		return (a + b + (a + b >= 0)) >> 1;
	case VIDEO_MIN:
		return a < b ? a : b;
	case VIDEO_MAX:
		return a > b ? a : b;
	case VIDEO_SHL:
	case VIDEO_SHR:
		shift = v->wrap ? (unsigned int)b & 31 : b > 32 || b < 0 ? 32 : (unsigned int)b;
		return v->op == VIDEO_SHL ? (__int128)a * ((int64_t)1 << shift) : a >> shift;
	case VIDEO_MAD:
		t = (__int128)a * b;
		if (v->a_negate != v->b_negate)
			t = -t;
		a = sum_is_signed(v) ? (int64_t)(int32_t)c : (int64_t)c;
		return (t + (v->c_negate ? -a : a) + v->plus_one) >> v->scale;
	}
	return compare(v->cmp, a, b);
}

static uint32_t merge(uint32_t c, uint32_t t, unsigned int sel)
{
	unsigned int shift = sel >= 24 ? 16 * (sel - 24) : 8 * (sel - 16);
	uint32_t mask = (sel >= 24 ? 0xffffu : 0xffu) << shift;

	return (c & ~mask) | (t << shift & mask);
}

static uint32_t video(const struct video *v, uint32_t a, uint32_t b, uint32_t c)
{
	__int128 t = first(v, part(a, v->a_sel, v->a_signed), part(b, v->b_sel, v->b_signed), c);
	uint32_t r;

	if (v->saturate)
		t = saturate(t, part_bits(v->d_sel), v->op == VIDEO_MAD ? sum_is_signed(v) : v->d_signed);
	r = (uint32_t)t;
	switch (v->second) {
	case SECOND_ADD:
		return r + c;
	case SECOND_MIN:
		if (v->d_signed)
			return (int32_t)r < (int32_t)c ? r : c;
		return r < c ? r : c;
	case SECOND_MAX:
		if (v->d_signed)
			return (int32_t)r > (int32_t)c ? r : c;
		return r > c ? r : c;
	case SECOND_MERGE:
		return merge(c, r, v->d_sel);
	}
	return r;
}

/* vadd2, vadd4 and so on: halves or bytes side by side. */
static uint32_t video_parts(const struct video *v, uint32_t a, uint32_t b, uint32_t c)
{
	unsigned int bits = 32 / v->parts, sel = v->parts == 2 ? 24 : 16, k;
	uint32_t mask = (1u << bits) - 1, r = 0;
	__int128 t;

	for (k = 0; k < v->parts; k++) {
		t = first(v, part(a, sel + k, v->a_signed), part(b, sel + k, v->b_signed), 0);
		if (v->saturate)
			t = saturate(t, bits, v->d_signed);
		if (v->second == SECOND_ADD)
			c += (uint32_t)t;
		else
			r |= ((uint32_t)t & mask) << (bits * k);
	}
	return v->second == SECOND_ADD ? c : r;
}

EXEC(video)
{
	const struct video *v = i->ptr;
	uint32_t *d = w_row(w, i->o[0]);
	const uint32_t *a = w_row(w, i->o[1]), *b = w_row(w, i->o[2]), *c = w_row(w, i->o[3]);

	for (unsigned int l = 0; l < LANES; l++)
		if (ON(m, l))
			d[l] = v->parts > 1 ? video_parts(v, a[l], b[l], c[l]) : video(v, a[l], b[l], c[l]);
	return i + 1;
}
