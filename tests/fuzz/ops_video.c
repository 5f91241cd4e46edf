// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Video instructions, in the order in which the ISA describes them: select, compute, saturate, second operation, merge. */
#include "ops.h"

enum { VIDEO_ADD, VIDEO_SUB, VIDEO_ABSDIFF, VIDEO_MIN, VIDEO_MAX, VIDEO_SHL, VIDEO_SHR, VIDEO_SET, VIDEO_MAD };
enum { SECOND_NONE, SECOND_ADD, SECOND_MIN, SECOND_MAX, SECOND_MERGE };
enum { PLAIN, MINUS_A, MINUS_B, MINUS_C, PLUS_ONE };

static const char *const selectors[] = { "", ".b0", ".b1", ".b2", ".b3", ".h0", ".h1" };
static const char *const seconds[] = { "", ".add", ".min", ".max", "" };

/* What form.mode2 holds: selectors of a, b and d, the second operation or the sign of vmad, the comparison or the scale. */
#define PACK(a, b, d, how, more)	((a) | (b) << 4 | (d) << 8 | (how) << 12 | (more) << 16)
#define A_SEL(f)	((unsigned int)(f)->mode2 & 15)
#define B_SEL(f)	((unsigned int)(f)->mode2 >> 4 & 15)
#define D_SEL(f)	((unsigned int)(f)->mode2 >> 8 & 15)
#define HOW(f)		((unsigned int)(f)->mode2 >> 12 & 15)
#define MORE(f)		((unsigned int)(f)->mode2 >> 16)

static unsigned int width(unsigned int sel)
{
	return !sel ? 32 : sel < 5 ? 8 : 16;
}

static unsigned int position(unsigned int sel)
{
	return !sel ? 0 : sel < 5 ? 8 * (sel - 1) : 16 * (sel - 5);
}

static s128 part(u64 v, unsigned int sel, bool is_signed)
{
	v = v >> position(sel) & mask_of(width(sel));
	return is_signed ? (s128)sign_of(v, width(sel)) : (s128)v;
}

static s128 limit(s128 v, unsigned int bits, bool is_signed)
{
	s128 high = (s128)mask_of(is_signed ? bits - 1 : bits), low = is_signed ? -high - 1 : 0;

	return v < low ? low : v > high ? high : v;
}

static s128 compare(unsigned int how, s128 a, s128 b)
{
	return how == 0 ? a == b : how == 1 ? a != b : how == 2 ? a < b : how == 3 ? a <= b : how == 4 ? a > b : a >= b;
}

static s128 shift(const struct form *f, s128 a, u64 count)
{
	if (MORE(f))
		count &= 31;
	else if (count > 32)
		count = 32;
	return f->mode == VIDEO_SHL ? a * ((s128)1 << count) : a >> count;
}

/* form.type is that of d, type2 of a, round tells that b is signed. */
static u64 video(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	bool d_signed = f->type == 's';
	s128 a = part(v[0][lane], A_SEL(f), f->type2 == 's'), b = part(v[1][lane], B_SEL(f), f->round), r, c;
	u64 mask;

	switch (f->mode) {
	case VIDEO_ADD:
		r = a + b;
		break;
	case VIDEO_SUB:
		r = a - b;
		break;
	case VIDEO_ABSDIFF:
		r = a < b ? b - a : a - b;
		break;
	case VIDEO_MIN:
		r = a < b ? a : b;
		break;
	case VIDEO_MAX:
		r = a > b ? a : b;
		break;
	case VIDEO_SET:
		r = compare(MORE(f), a, b);
		break;
	default:
		r = shift(f, a, (u64)b);
	}
	if (f->flags & F_SAT)
		r = limit(r, width(D_SEL(f)), d_signed);
	c = part(v[2][lane], 0, d_signed);
	switch (HOW(f)) {
	case SECOND_ADD:
		return (u64)(r + c);
	case SECOND_MIN:
	case SECOND_MAX:
		/* A result that no word holds has no order among words; and vset does not say how c is signed. */
		if (r != limit(r, 32, d_signed) || (f->mode == VIDEO_SET && c > (s128)mask_of(31)))
			return got;
		return (u64)((r < c) == (HOW(f) == SECOND_MIN) ? r : c);
	case SECOND_MERGE:
		mask = mask_of(width(D_SEL(f))) << position(D_SEL(f));
		return (v[2][lane] & ~mask) | ((u64)r << position(D_SEL(f)) & mask);
	}
	return (u64)r;
}

/* Whether the result is signed follows from the sources; what the type of d says does not matter. */
static u64 multiply(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	bool is_signed = f->type2 == 's' || f->round || (HOW(f) != PLAIN && HOW(f) != PLUS_ONE);
	s128 r = part(v[0][lane], A_SEL(f), f->type2 == 's') * part(v[1][lane], B_SEL(f), f->round);
	s128 c = part(v[2][lane], 0, is_signed);

	if (HOW(f) == MINUS_A || HOW(f) == MINUS_B)
		r = -r;
	r += HOW(f) == MINUS_C ? -c : c;
	r += HOW(f) == PLUS_ONE;
	r >>= MORE(f);
	return (u64)(f->flags & F_SAT ? limit(r, 32, is_signed) : r);
}

/* Halves or bytes side by side: form.round holds how many, bit 7 that b is signed; HOW() is none or add. */
static u64 side_by_side(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	unsigned int parts = f->round & 7, bits = 32 / parts, k;
	u64 r = 0, sum = v[2][lane];
	s128 a, b, t;

	for (k = 0; k < parts; k++) {
		a = int_value(T(f->type2, bits), v[0][lane] >> (bits * k));
		b = int_value(T(f->round & 128 ? 's' : 'u', bits), v[1][lane] >> (bits * k));
		switch (f->mode) {
		case VIDEO_ADD:
			t = a + b;
			break;
		case VIDEO_SUB:
			t = a - b;
			break;
		case VIDEO_ABSDIFF:
			t = a < b ? b - a : a - b;
			break;
		case VIDEO_MIN:
			t = a < b ? a : b;
			break;
		case VIDEO_MAX:
			t = a > b ? a : b;
			break;
		case VIDEO_SET:
			t = compare(MORE(f), a, b);
			break;
		default:
			/* The average, a half away from zero. */
			t = a + b >= 0 ? (a + b + 1) / 2 : -((1 - a - b) / 2);
		}
		if (f->flags & F_SAT)
			t = limit(t, bits, f->type == 's');
		sum += (u64)t;
		r |= ((u64)t & mask_of(bits)) << (bits * k);
	}
	return HOW(f) ? sum : r;
}

static void parts(void)
{
	static const char *const names[] = { "vadd", "vsub", "vabsdiff", "vmin", "vmax", "vavrg" };
	static const char *const comparisons[] = { "eq", "ne", "lt", "le", "gt", "ge" };
	unsigned int n, i, types, sat, add;

	for (n = 2; n <= 4; n += 2)
		for (types = 0; types < 8; types++)
			for (add = 0; add < 2; add++)
				for (i = 0; i < 6; i++) {
					struct form f = { .eval = side_by_side, .type = "us"[types & 1], .type2 = "us"[types >> 1 & 1],
							  .round = (u8)(n | (types & 4 ? 128 : 0)), .d = R_W, .s = { R_W, R_W, R_W },
							  .no_imm = true, .mode = i < 5 ? (int)i : VIDEO_MAD };

					for (sat = 0; sat < 2; sat++) {
						f.flags = sat ? F_SAT : 0;
						f.mode2 = PACK(0, 0, 0, add, 0);
						form_add(f, "%s%u.%c32.%c32.%c32%s%s %%d, %%a, %%b, %%c;", names[i], n, f.type, f.type2,
							 types & 4 ? 's' : 'u', sat ? ".sat" : "", add ? ".add" : "");
					}
					if (types & 1)
						continue;
					f.flags = 0;
					f.mode = VIDEO_SET;
					f.mode2 = (int)PACK(0, 0, 0, add, i);
					form_add(f, "vset%u.%c32.%c32.%s%s %%d, %%a, %%b, %%c;", n, f.type2, types & 4 ? 's' : 'u', comparisons[i],
						 add ? ".add" : "");
				}
}

static void two_sources(unsigned int mode, const char *name, unsigned int *turn)
{
	unsigned int types, sat, how, a, b, d;

	for (types = 0; types < 8; types++)
		for (sat = 0; sat < 2; sat++)
			for (how = SECOND_NONE; how <= SECOND_MERGE; how++, ++*turn) {
				struct form f = { .eval = video, .type = "us"[types & 1], .type2 = "us"[types >> 1 & 1], .round = types >> 2,
						  .flags = sat ? F_SAT : 0, .mode = (int)mode, .d = R_W, .s = { R_W, R_W, how ? R_W : R_NONE },
						  .no_imm = true };

				a = *turn % 7;
				b = *turn / 7 % 7;
				d = how == SECOND_MERGE ? 1 + *turn % 6 : 0;
				f.mode2 = (int)PACK(a, b, d, how, 0);
				form_add(f, "%s.%c32.%c32.%c32%s%s %%d%s, %%a%s, %%b%s%s;", name, f.type, f.type2, f.round ? 's' : 'u',
					 sat ? ".sat" : "", seconds[how], selectors[d], selectors[a], selectors[b], how ? ", %c" : "");
			}
}

static void shifts(unsigned int mode, const char *name, unsigned int *turn)
{
	unsigned int types, sat, how, wrap, a, b, d;

	for (types = 0; types < 4; types++)
		for (sat = 0; sat < 2; sat++)
			for (how = SECOND_NONE; how <= SECOND_MERGE; how++)
				for (wrap = 0; wrap < 2; wrap++, ++*turn) {
					struct form f = { .eval = video, .type = "us"[types & 1], .type2 = "us"[types >> 1],
							  .flags = sat ? F_SAT : 0, .mode = (int)mode, .d = R_W,
							  .s = { R_W, R_W, how ? R_W : R_NONE }, .flavour = { V_INT, V_SHIFT },
							  .no_imm = true };

					a = *turn % 7;
					b = *turn / 7 % 7;
					d = how == SECOND_MERGE ? 1 + *turn % 6 : 0;
					f.mode2 = (int)PACK(a, b, d, how, wrap);
					form_add(f, "%s.%c32.%c32.u32%s%s%s %%d%s, %%a%s, %%b%s%s;", name, f.type, f.type2,
						 sat ? ".sat" : "", wrap ? ".wrap" : ".clamp", seconds[how], selectors[d], selectors[a],
						 selectors[b], how ? ", %c" : "");
				}
}

static void comparisons(unsigned int *turn)
{
	static const char *const names[] = { "eq", "ne", "lt", "le", "gt", "ge" };
	unsigned int types, cmp, how, a, b, d;

	for (types = 0; types < 4; types++)
		for (cmp = 0; cmp < 6; cmp++)
			for (how = SECOND_NONE; how <= SECOND_MERGE; how++, ++*turn) {
				struct form f = { .eval = video, .type = 'u', .type2 = "us"[types & 1], .round = types >> 1,
						  .mode = VIDEO_SET, .d = R_W, .s = { R_W, R_W, how ? R_W : R_NONE }, .no_imm = true };

				a = *turn % 7;
				b = *turn / 7 % 7;
				d = how == SECOND_MERGE ? 1 + *turn % 6 : 0;
				f.mode2 = (int)PACK(a, b, d, how, cmp);
				form_add(f, "vset.%c32.%c32.%s%s %%d%s, %%a%s, %%b%s%s;", f.type2, f.round ? 's' : 'u', names[cmp], seconds[how],
					 selectors[d], selectors[a], selectors[b], how ? ", %c" : "");
			}
}

static void products(unsigned int whole, unsigned int *turn)
{
	static const char *const scales[] = { "", ".shr7", ".shr15" };
	unsigned int types, how, scale, sat, a, b;

	for (types = 0; types < 8; types++)
		for (how = PLAIN; how <= PLUS_ONE; how++)
			for (scale = 0; scale < 3; scale++)
				for (sat = 0; sat < 2; sat++, ++*turn) {
					struct form f = { .eval = multiply, .type = "us"[types >> 2], .type2 = "us"[types & 1],
							  .round = types >> 1 & 1, .flags = sat ? F_SAT : 0, .d = R_W,
							  .s = { R_W, R_W, R_W }, .no_imm = true };

					a = whole ? 0 : *turn % 7;
					b = whole ? 0 : *turn / 7 % 7;
					f.mode2 = (int)PACK(a, b, 0, how, scale == 1 ? 7 : scale ? 15 : 0);
					form_add(f, "vmad.%c32.%c32.%c32%s%s%s %%d, %s%%a%s, %s%%b%s, %s%%c;", f.type, f.type2,
						 f.round ? 's' : 'u', how == PLUS_ONE ? ".po" : "", sat ? ".sat" : "", scales[scale],
						 how == MINUS_A ? "-" : "", selectors[a], how == MINUS_B ? "-" : "", selectors[b],
						 how == MINUS_C ? "-" : "");
				}
}

void forms_video(void)
{
	static const char *const names[] = { "vadd", "vsub", "vabsdiff", "vmin", "vmax" };
	unsigned int i, turn = 0;

	for (i = 0; i < 5; i++)
		two_sources(i, names[i], &turn);
	shifts(VIDEO_SHL, "vshl", &turn);
	shifts(VIDEO_SHR, "vshr", &turn);
	comparisons(&turn);
	products(0, &turn);
	products(1, &turn);
	parts();
}
