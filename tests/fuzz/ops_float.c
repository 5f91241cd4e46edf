// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Floating point of all widths, and conversions. */
#include <math.h>

#include "ops.h"

enum { A_ADD, A_SUB, A_MUL, A_FMA, A_DIV, A_RCP, A_SQRT };

/* The sum and the sign of what is missing from it; exact for terms of 113 bits. */
static f128 sum_of(f128 a, f128 b, int *rest)
{
	f128 s = a + b, t = s - a, missing = (a - (s - t)) + (b - t);

	*rest = missing > 0 ? 1 : missing < 0 ? -1 : 0;
	return s;
}

/* The leading 56 bits of a number: their square, and their product with one of 53 bits, is exact. */
static f128 leading(f128 v)
{
	union {
		f128 f;
		u64 half[2];
	} u = { .f = v };

	u.half[0] &= ~mask_of(57);
	return u.f;
}

static f128 quotient_of(f128 a, f128 b, int *rest)
{
	f128 q = leading(a / b), missing = a - q * b;

	*rest = missing == 0 ? 0 : (missing > 0) == (b > 0) ? 1 : -1;
	return q;
}

/* By Newton's rule from the host's; the residue tells the rest. */
static f128 root_of(f128 a, int *rest)
{
	int scale = 0;
	f128 s, missing;

	for (; a >= 0x1p512; scale++)
		a *= 0x1p-512;
	for (; a < 0x1p-512; scale--)
		a *= 0x1p512;
	s = sqrt((double)a);
	s = (s + a / s) / 2;
	s = leading((s + a / s) / 2);
	missing = a - s * s;
	*rest = missing > 0 ? 1 : missing < 0 ? -1 : 0;
	for (; scale > 0; scale--)
		s *= 0x1p256;
	for (; scale < 0; scale++)
		s *= 0x1p-256;
	return s;
}

/* Zeros, infinities and NaN as IEEE 754 has them are what quad precision itself makes of them. */
static u64 compute(const struct form *form, const struct format *f, u64 a_bits, u64 b_bits, u64 c_bits)
{
	f128 a, b, c, r;
	int rest = 0;

	if (form->flags & F_FTZ) {
		a_bits = flush(f, a_bits);
		b_bits = flush(f, b_bits);
		c_bits = flush(f, c_bits);
	}
	a = quad_of(f, a_bits);
	b = quad_of(f, b_bits);
	c = quad_of(f, c_bits);
	if (form->mode == A_SUB)
		b = -b;
	switch (form->mode) {
	case A_ADD:
	case A_SUB:
		r = a + b;
		break;
	case A_MUL:
		r = a * b;
		break;
	case A_FMA:
		b = a * b;
		a = b;
		b = c;
		r = a + b;
		break;
	case A_RCP:
		b = a;
		a = 1;
		r = a / b;
		break;
	case A_DIV:
		r = a / b;
		break;
	default:
		r = a < 0 ? __builtin_nanf("") : a == 0 || a != a || a - a != 0 ? a : root_of(a, &rest);
	}
	if (r - r == 0 && r != 0 && a - a == 0 && b - b == 0) {
		if (form->mode == A_ADD || form->mode == A_SUB || form->mode == A_FMA)
			r = sum_of(a, b, &rest);
		else if ((form->mode == A_DIV || form->mode == A_RCP) && b != 0)
			r = quotient_of(a, b, &rest);
	}
	/* A sum that is exactly zero is -0 only when rounding down, or of two of them. */
	if (r == 0 && (form->mode == A_ADD || form->mode == A_SUB || form->mode == A_FMA) && (a != 0 || b != 0))
		return finish(f, form->round == TO_MINUS ? 1ull << (f->bits - 1) : 0, form->flags);
	if (r == 0 && (form->mode == A_ADD || form->mode == A_SUB || form->mode == A_FMA) && __builtin_signbit((double)a) !=
	    __builtin_signbit((double)b))
		return finish(f, form->round == TO_MINUS ? 1ull << (f->bits - 1) : 0, form->flags);
	return finish(f, round_quad(f, r, rest, form->round), form->flags);
}

static u64 arithmetic(const struct form *form, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	const struct format *f = format_of(form->type);

	return same_number(f, compute(form, f, v[0][lane], v[1][lane], v[2][lane]), got);
}

/* Two numbers in a register. */
static u64 pair(const struct form *form, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	struct form one = *form;
	u64 half[SOURCES][LANES], r = 0;
	unsigned int i, k;

	one.type = T(T_KIND(form->type), 16);
	for (i = 0; i < 2; i++) {
		for (k = 0; k < SOURCES; k++)
			half[k][0] = v[k][lane] >> (16 * i) & 0xffff;
		r |= arithmetic(&one, half, 0, got >> (16 * i) & 0xffff) << (16 * i);
	}
	return r;
}

enum { M_MIN, M_MAX, M_NEG, M_ABS, M_COPYSIGN };

static u64 choice(const struct form *form, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	const struct format *f = format_of(form->type);
	u64 a = v[0][lane], b = v[1][lane], sign = 1ull << (f->bits - 1), r, nan = mask_of(f->bits - 1);
	f128 x, y;
	bool first;

	if (form->flags & F_FTZ) {
		a = flush(f, a);
		b = flush(f, b);
	}
	switch (form->mode) {
	case M_NEG:
		return is_nan(f, a) ? (is_nan(f, got) ? got : nan) : a ^ sign;
	case M_ABS:
		return is_nan(f, a) ? (is_nan(f, got) ? got : nan) : a & ~sign;
	case M_COPYSIGN:
		return (a & sign) | (b & ~sign);
	}
	sign &= form->flags & F_XORSIGN ? a ^ b : 0;
	if (form->flags & F_XORSIGN) {
		a &= nan;
		b &= nan;
	}
	x = quad_of(f, a);
	y = quad_of(f, b);
	if (x != x || y != y) {
		r = (x != x && y != y) || form->flags & F_NAN ? nan : x != x ? b : a;
		if (r == nan)
			return is_nan(f, got) && (f == &double_format || form->flags & F_XORSIGN) ? got : nan;
		return r | sign;
	}
	/* -0 is less than +0. */
	first = x == y ? a > b : x < y;
	r = first == (form->mode == M_MIN) ? a : b;
	return r | sign;
}

static u64 choice_pair(const struct form *form, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	struct form one = *form;
	u64 half[SOURCES][LANES], r = 0;
	unsigned int i, k;

	one.type = T(T_KIND(form->type), 16);
	for (i = 0; i < 2; i++) {
		for (k = 0; k < SOURCES; k++)
			half[k][0] = v[k][lane] >> (16 * i) & 0xffff;
		r |= choice(&one, half, 0, got >> (16 * i) & 0xffff) << (16 * i);
	}
	return r;
}

static const char *const names[] = { "add", "sub", "mul", "fma", "div", "rcp", "sqrt" };
static const unsigned int sources[] = { 2, 2, 2, 3, 2, 1, 1 };

static void scalar_forms(u16 type)
{
	unsigned int mode, round, flags, k, wide = T_BITS(type) == 64;
	enum reg r = class_of(T_BITS(type));

	for (mode = 0; mode < 7; mode++)
		for (round = 0; round < 4; round++)
			for (flags = 0; flags < (wide ? 1 : 4); flags++) {
				struct form f = { .eval = arithmetic, .type = type, .d = r, .mode = (int)mode, .round = (u8)round,
						  .flags = (u8)flags };

				if (mode >= A_DIV && flags & F_SAT)
					continue;
				for (k = 0; k < sources[mode]; k++) {
					f.s[k] = r;
					f.flavour[k] = wide ? V_F64 : V_F32;
				}
				form_add(f, "%s%s%s%s.f%u %%d, %%a%s%s;", names[mode], round_names[round], flags & F_FTZ ? ".ftz" : "",
					 flags & F_SAT ? ".sat" : "", T_BITS(type), sources[mode] > 1 ? ", %b" : "",
					 sources[mode] > 2 ? ", %c" : "");
				if (!round && mode < A_FMA)
					form_add(f, "%s%s%s.f%u %%d, %%a, %%b;", names[mode], flags & F_FTZ ? ".ftz" : "",
						 flags & F_SAT ? ".sat" : "", T_BITS(type));
				if (mode == A_FMA)
					form_add(f, "mad%s%s%s.f%u %%d, %%a, %%b, %%c;", round_names[round],
						 flags & F_FTZ ? ".ftz" : "", flags & F_SAT ? ".sat" : "", T_BITS(type));
			}
}

static u64 test(const struct form *form, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	const struct format *f = format_of(form->type);
	u64 a = v[0][lane] & mask_of(f->bits - 1), top = mask_of(f->bits - 1) >> f->man << f->man;

	switch (form->mode) {
	case 0:
		return a < top;
	case 1:
		return a == top;
	case 2:
		return a <= top;
	case 3:
		return a > top;
	case 4:
		return a < top && a >> f->man;
	default:
		return a && !(a >> f->man);
	}
}

static void choice_forms(u16 type)
{
	const char *const kinds[] = { "min", "max", "neg", "abs", "copysign" };
	bool half = T_BITS(type) == 16;
	u8 flavour = half ? (T_KIND(type) == 'B' ? V_BF16 : V_F16) : T_BITS(type) == 32 ? V_F32 : V_F64;
	enum reg r = class_of(T_BITS(type));
	unsigned int mode, flags;

	for (mode = 0; mode < 5; mode++)
		for (flags = 0; flags < 32; flags++) {
			struct form f = { .eval = choice, .type = type, .d = r, .s = { r, mode == M_NEG || mode == M_ABS ? R_NONE : r },
					  .flavour = { flavour, flavour }, .mode = (int)mode, .flags = (u8)flags, .no_imm = half };
			const char *binary = f.s[1] ? ", %b" : "", *name = T_KIND(type) == 'B' ? "bf" : "f";

			if (flags & (F_SAT | F_RELU) || (flags && (T_BITS(type) == 64 || mode == M_COPYSIGN)) ||
			    (flags & ~F_FTZ && mode > M_MAX) || (half && mode == M_COPYSIGN) || (flags & F_FTZ && T_KIND(type) == 'B'))
				continue;
			form_add(f, "%s%s%s%s.%s%u %%d, %%a%s;", kinds[mode], flags & F_FTZ ? ".ftz" : "", flags & F_NAN ? ".NaN" : "",
				 flags & F_XORSIGN ? ".xorsign.abs" : "", name, T_BITS(type), binary);
			if (!half)
				continue;
			f.eval = choice_pair;
			f.d = R_W;
			f.s[0] = R_W;
			f.s[1] = f.s[1] ? R_W : R_NONE;
			form_add(f, "%s%s%s%s.%s16x2 %%d, %%a%s;", kinds[mode], flags & F_FTZ ? ".ftz" : "", flags & F_NAN ? ".NaN" : "",
				 flags & F_XORSIGN ? ".xorsign.abs" : "", name, binary);
		}
}

/* Approximations: the ISA gives a bound of the error, for some within a range. */
enum { X_DIV, X_DIV_FULL, X_RCP, X_SQRT, X_RSQRT, X_SIN, X_COS, X_LG2, X_EX2, X_TANH };

static u64 approximation(const struct form *form, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	const struct format *f = &single_format;
	double a = (double)quad_of(f, form->flags & F_FTZ ? flush(f, v[0][lane]) : v[0][lane]), g = (double)quad_of(f, got);
	double b = (double)quad_of(f, form->flags & F_FTZ ? flush(f, v[1][lane]) : v[1][lane]), r, bound = 0, relative = 0;
	u64 want;

	switch (form->mode) {
	case X_DIV:
	case X_DIV_FULL:
		if (fabs(b) > 0x1p126 || (b != 0 && fabs(b) < 0x1p-126))
			return got;
		r = a / b;
		relative = 0x1p-22;
		break;
	case X_RCP:
		r = 1 / a;
		relative = 0x1p-22;
		break;
	case X_SQRT:
		r = sqrt(a);
		relative = 0x1p-22;
		break;
	case X_RSQRT:
		r = 1 / sqrt(a);
		relative = 0x1p-22;
		break;
	case X_SIN:
	case X_COS:
		if (fabs(a) > 6.28 && isfinite(a))
			return got;
		r = form->mode == X_SIN ? sin(a) : cos(a);
		bound = 0x1p-20;
		break;
	case X_LG2:
		r = log2(a);
		bound = 0x1p-22;
		relative = 0x1p-22;
		break;
	case X_EX2:
		r = exp2(a);
		relative = 0x1p-21;
		break;
	default:
		r = tanh(a);
		relative = 0x1p-10;
	}
	want = finish(f, round_quad(f, r, 0, TO_NEAREST), form->flags);
	if (want == got || (is_nan(f, want) && is_nan(f, got)))
		return got;
	/* Where subnormal results are supported is told by .ftz alone, but not how exact they are. */
	if (fabs(r) < 0x1p-125 && fabs(g) <= 0x1p-125)
		return got;
	return isfinite(g) && fabs(g - r) <= bound + relative * fabs(r) ? got : want;
}

static void approximation_forms(void)
{
	static const char *const kinds[] = {
		"div.approx", "div.full", "rcp.approx", "sqrt.approx", "rsqrt.approx", "sin.approx", "cos.approx", "lg2.approx",
		"ex2.approx", "tanh.approx",
	};
	unsigned int mode, ftz;

	for (mode = 0; mode < 10; mode++)
		for (ftz = 0; ftz < 2 - (mode == X_TANH); ftz++)
			form_add((struct form){ .eval = approximation, .d = R_W, .s = { R_W, mode < X_RCP ? R_W : R_NONE },
						.flavour = { V_F32, V_F32 }, .mode = (int)mode, .flags = ftz ? F_FTZ : 0 },
				 "%s%s.f32 %%d, %%a%s;", kinds[mode], ftz ? ".ftz" : "", mode < X_RCP ? ", %b" : "");
}

void forms_float(void)
{
	static const char *const tests[] = { "finite", "infinite", "number", "notanumber", "normal", "subnormal" };
	unsigned int i;

	scalar_forms(T('f', 32));
	scalar_forms(T('f', 64));
	choice_forms(T('f', 32));
	choice_forms(T('f', 64));
	approximation_forms();
	for (i = 0; i < 6; i++) {
		form_add((struct form){ .eval = test, .type = T('f', 32), .d = R_P, .s = { R_W }, .flavour = { V_F32 }, .mode = (int)i },
			 "testp.%s.f32 %%d, %%a;", tests[i]);
		form_add((struct form){ .eval = test, .type = T('f', 64), .d = R_P, .s = { R_D }, .flavour = { V_F64 }, .mode = (int)i },
			 "testp.%s.f64 %%d, %%a;", tests[i]);
	}
}

void forms_half(void)
{
	unsigned int bf16, mode, flags, k;

	for (bf16 = 0; bf16 < 2; bf16++)
		for (mode = A_ADD; mode <= A_FMA; mode++)
			for (flags = 0; flags < 8; flags++) {
				struct form f = { .eval = arithmetic, .type = T(bf16 ? 'B' : 'f', 16), .d = R_H, .mode = (int)mode,
						  .flags = (u8)flags, .no_imm = true };
				const char *name = bf16 ? "bf16" : "f16", *rn = mode == A_FMA ? ".rn" : flags & 1 ? ".rn" : "";
				const char *options;

				/* Either .sat or .relu, .relu with fma alone; bf16 has neither .ftz nor .sat. */
				if ((flags & F_RELU && (mode != A_FMA || flags & F_SAT)) || (bf16 && flags & ~F_RELU))
					continue;
				options = flags & F_SAT ? ".sat" : flags & F_RELU ? ".relu" : "";
				for (k = 0; k < sources[mode]; k++) {
					f.s[k] = R_H;
					f.flavour[k] = bf16 ? V_BF16 : V_F16;
				}
				form_add(f, "%s%s%s%s.%s %%d, %%a, %%b%s;", names[mode], rn, flags & F_FTZ ? ".ftz" : "", options, name,
					 mode == A_FMA ? ", %c" : "");
				f.eval = pair;
				f.d = R_W;
				for (k = 0; k < sources[mode]; k++)
					f.s[k] = R_W;
				form_add(f, "%s%s%s%s.%sx2 %%d, %%a, %%b%s;", names[mode], rn, flags & F_FTZ ? ".ftz" : "", options,
					 name, mode == A_FMA ? ", %c" : "");
			}
	choice_forms(T('f', 16));
	choice_forms(T('B', 16));
}

/* Conversions: mode is the rounding to an integral value (0 none, 1 .rni, 2 .rzi, 3 .rmi, 4 .rpi). */
static f128 integral(f128 v, int mode)
{
	s128 below;
	f128 frac;

	if (v != v || v >= 0x1p100 || v <= -0x1p100)
		return v;
	below = (s128)v;
	if ((f128)below > v)
		below--;
	frac = v - (f128)below;
	switch (mode) {
	case 1:
		if (frac > 0.5 || (frac == 0.5 && (below & 1)))
			below++;
		break;
	case 2:
		if (v < 0 && frac != 0)
			below++;
		break;
	case 4:
		if (frac != 0)
			below++;
	}
	return below ? (f128)below : v < 0 || __builtin_signbit((double)v) ? -(f128)0 : 0;
}

static bool is_float(u16 type)
{
	return T_KIND(type) == 'f' || T_KIND(type) == 'B';
}

static u64 convert(const struct form *form, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	u16 to = form->type, from = form->type2;
	const struct format *f = format_of(from), *t = T_KIND(to) == 't' ? &tf32_format : format_of(to);
	u64 a = v[0][lane] & mask_of(T_BITS(from)), r;
	s128 low, high, n;
	f128 x;

	if (!is_float(from) && T_KIND(to) != 'f' && T_KIND(to) != 'B') {
		n = int_value(from, a);
		high = T_KIND(to) == 's' ? (s128)mask_of(T_BITS(to) - 1) : (s128)mask_of(T_BITS(to));
		low = T_KIND(to) == 's' ? -high - 1 : 0;
		if (form->flags & F_SAT)
			n = n < low ? low : n > high ? high : n;
		/* In a wider register it is extended as its type says. */
		return (u64)int_value(to, (u64)n);
	}
	if (!is_float(from))
		return finish(t, round_quad(t, (f128)int_value(from, a), 0, form->round), form->flags & ~F_FTZ);
	if (form->flags & F_FTZ && T_BITS(from) == 32)
		a = flush(f, a);
	x = quad_of(f, a);
	if (T_KIND(to) == 's' || T_KIND(to) == 'u') {
		/* NaN gives the lowest number of a signed type, and its bits, where one side has 64 bits; otherwise zero. */
		if (x != x)
			return T_BITS(from) == 64 || T_BITS(to) == 64 ? (u64)int_value(to, 1ull << (T_BITS(to) - 1)) : 0;
		x = integral(x, form->mode);
		high = T_KIND(to) == 's' ? (s128)mask_of(T_BITS(to) - 1) : (s128)mask_of(T_BITS(to));
		low = T_KIND(to) == 's' ? -high - 1 : 0;
		return (u64)(x < (f128)low ? low : x > (f128)high ? high : (s128)x);
	}
	if (form->mode)
		x = integral(x, form->mode);
	r = round_quad(t, x, 0, form->round);
	if (t == &tf32_format)
		r = x != x ? 0x7fffffff : r << 13;
	if (t == &tf32_format && form->flags & F_RELU)
		return x != x ? r : x > 0 ? r : 0;
	r = finish(t, r, T_BITS(to) == 32 ? form->flags : form->flags & ~F_FTZ);
	if (is_nan(t, r) && is_nan(t, got) && (t == &double_format || form->mode || from == to))
		return got;
	return r;
}

static const char *type_name(u16 type)
{
	static char name[4][8];
	static unsigned int next;
	char *p = name[next++ % 4];

	snprintf(p, 8, T_KIND(type) == 'B' ? "bf%u" : T_KIND(type) == 't' ? "tf%u" : "%c%u",
		 T_KIND(type) == 'B' || T_KIND(type) == 't' ? T_BITS(type) : T_KIND(type), T_BITS(type));
	return p;
}

static void conversion(u16 to, u16 from, const char *round, enum rounding rounding, int mode, unsigned int flags)
{
	struct form f = { .eval = convert, .type = to, .type2 = from, .round = rounding, .mode = mode, .flags = (u8)flags,
			  .d = class_of(T_BITS(to)), .s = { class_of(T_BITS(from)) }, .no_imm = true };

	f.flavour[0] = !is_float(from) ? V_INT : T_BITS(from) == 64 ? V_F64 : T_BITS(from) == 32 ? V_F32 :
		       T_KIND(from) == 'B' ? V_BF16 : V_F16;
	form_add(f, "cvt%s%s%s%s.%s.%s %%d, %%a;", round, flags & F_FTZ ? ".ftz" : "", flags & F_RELU ? ".relu" : "",
		 flags & F_SAT ? ".sat" : "", type_name(to), type_name(from));
}

/* cvt.rn.f16x2.f32 d, a, b: a is the upper half. */
static u64 convert_pair(const struct form *form, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	const struct format *f = format_of(form->type);
	u64 high = finish(f, round_quad(f, quad_of(&single_format, v[0][lane]), 0, form->round), form->flags);
	u64 low = finish(f, round_quad(f, quad_of(&single_format, v[1][lane]), 0, form->round), form->flags);

	return high << 16 | low;
}

void forms_convert(void)
{
	static const u16 ints[] = { T('u', 8), T('s', 8), T('u', 16), T('s', 16), T('u', 32), T('s', 32), T('u', 64), T('s', 64) };
	static const u16 floats[] = { T('f', 16), T('f', 32), T('f', 64) };
	static const char *const integrals[] = { "", ".rni", ".rzi", ".rmi", ".rpi" };
	unsigned int i, j, k, relu;

	for (i = 0; i < 8; i++)
		for (j = 0; j < 8; j++) {
			conversion(ints[i], ints[j], "", 0, 0, 0);
			conversion(ints[i], ints[j], "", 0, 0, F_SAT);
		}
	for (i = 0; i < 8; i++)
		for (j = 0; j < 3; j++) {
			for (k = 1; k < 5; k++) {
				conversion(ints[i], floats[j], integrals[k], 0, (int)k, 0);
				conversion(ints[i], floats[j], integrals[k], 0, (int)k, F_SAT);
				if (j == 1)
					conversion(ints[i], floats[j], integrals[k], 0, (int)k, F_FTZ);
			}
			for (k = 0; k < 4; k++) {
				conversion(floats[j], ints[i], round_names[k], k, 0, 0);
				conversion(floats[j], ints[i], round_names[k], k, 0, F_SAT);
			}
		}
	for (i = 0; i < 3; i++)
		for (j = 0; j < 3; j++) {
			for (k = 0; k < 4 && i < j; k++) {
				conversion(floats[i], floats[j], round_names[k], k, 0, 0);
				conversion(floats[i], floats[j], round_names[k], k, 0, F_SAT);
				if (floats[i] == T('f', 32) || floats[j] == T('f', 32))
					conversion(floats[i], floats[j], round_names[k], k, 0, F_FTZ);
			}
			for (k = 1; k < 5 && i == j; k++) {
				conversion(floats[i], floats[j], integrals[k], 0, (int)k, 0);
				conversion(floats[i], floats[j], integrals[k], 0, (int)k, F_SAT);
				if (i == 1)
					conversion(floats[i], floats[j], integrals[k], 0, (int)k, F_FTZ);
			}
			if (i > j) {
				conversion(floats[i], floats[j], "", 0, 0, 0);
				conversion(floats[i], floats[j], "", 0, 0, F_SAT);
				if (floats[i] == T('f', 32) || floats[j] == T('f', 32))
					conversion(floats[i], floats[j], "", 0, 0, F_FTZ);
			}
		}
	for (relu = 0; relu < 2; relu++) {
		for (k = 0; k < 2; k++) {
			conversion(T('B', 16), T('f', 32), round_names[k], k, 0, relu ? F_RELU : 0);
			conversion(T('f', 16), T('f', 32), round_names[k], k, 0, relu ? F_RELU : 0);
			for (i = 0; i < 2; i++)
				form_add((struct form){ .eval = convert_pair, .type = T(i ? 'B' : 'f', 16), .round = (u8)k,
							.flags = relu ? F_RELU : 0, .d = R_W, .s = { R_W, R_W },
							.flavour = { V_F32, V_F32 }, .no_imm = true },
					 "cvt%s%s.%s16x2.f32 %%d, %%a, %%b;", round_names[k], relu ? ".relu" : "", i ? "bf" : "f");
			conversion(T('t', 32), T('f', 32), round_names[k], k, 0, relu ? F_RELU : 0);
		}
	}
	conversion(T('t', 32), T('f', 32), ".rna", TO_AWAY, 0, 0);
	conversion(T('f', 32), T('B', 16), "", 0, 0, 0);
}
