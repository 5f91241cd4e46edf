// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Integers and bits. */
#include "ops.h"

static const u16 int_types[] = { T('u', 16), T('s', 16), T('u', 32), T('s', 32), T('u', 64), T('s', 64) };

enum {
	I_ADD, I_SUB, I_MUL_LO, I_MUL_HI, I_MUL_WIDE, I_MAD_LO, I_MAD_HI, I_MAD_WIDE, I_DIV, I_REM, I_ABS, I_NEG, I_MIN, I_MAX, I_SAD,
	I_MUL24_LO, I_MUL24_HI, I_MAD24_LO, I_MAD24_HI,
};

static s128 saturate(s128 x, u16 type)
{
	s128 high = T_KIND(type) == 's' ? (s128)mask_of(T_BITS(type) - 1) : (s128)mask_of(T_BITS(type));
	s128 low = T_KIND(type) == 's' ? -high - 1 : 0;

	return x < low ? low : x > high ? high : x;
}

static u64 arithmetic(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	unsigned int bits = T_BITS(f->type);
	s128 a = int_value(f->type, v[0][lane]), b = int_value(f->type, v[1][lane]);
	/* The last source of a wide sum is wide. */
	s128 c = f->mode == I_MAD_WIDE ? int_value(T(T_KIND(f->type), 2 * bits), v[2][lane]) : int_value(f->type, v[2][lane]);
	s128 a24 = T_KIND(f->type) == 's' ? sign_of((u64)a, 24) : a & 0xffffff, r;
	s128 b24 = T_KIND(f->type) == 's' ? sign_of((u64)b, 24) : b & 0xffffff;
	/* Of 64 bits times 64 bits only the unsigned product needs all 128. */
	s128 high = (s128)((u128)a * (u128)b) >> bits;

	if (T_KIND(f->type) == 'u')
		high = (s128)((u128)a * (u128)b >> bits);
	switch (f->mode) {
	case I_ADD:
		r = a + b;
		break;
	case I_SUB:
		r = a - b;
		break;
	case I_MUL_LO:
	case I_MUL_WIDE:
		r = (s128)((u128)a * (u128)b);
		break;
	case I_MUL_HI:
		r = high;
		break;
	case I_MAD_LO:
	case I_MAD_WIDE:
		r = (s128)((u128)a * (u128)b + (u128)c);
		break;
	case I_MAD_HI:
		r = high + c;
		break;
	case I_DIV:
		if (!b)
			return got;
		r = a / b;
		break;
	case I_REM:
		if (!b)
			return got;
		r = a % b;
		break;
	case I_ABS:
		r = a < 0 ? -a : a;
		break;
	case I_NEG:
		r = -a;
		break;
	case I_MIN:
		r = a < b ? a : b;
		break;
	case I_MAX:
		r = a > b ? a : b;
		break;
	case I_SAD:
		r = c + (a < b ? b - a : a - b);
		break;
	case I_MUL24_LO:
		r = a24 * b24;
		break;
	case I_MUL24_HI:
		r = a24 * b24 >> 16;
		break;
	case I_MAD24_LO:
		r = a24 * b24 + c;
		break;
	default:
		/* Of the product's 48 bits the upper 32, as a number of the type. */
		r = int_value(f->type, (u64)(a24 * b24 >> 16)) + c;
	}
	return (u64)(f->flags & F_SAT ? saturate(r, f->type) : r);
}

static void arithmetic_forms(u16 type)
{
	static const struct {
		const char *name;
		int mode;
		unsigned int sources;
	} ops[] = {
		{ "add", I_ADD, 2 }, { "sub", I_SUB, 2 }, { "mul.lo", I_MUL_LO, 2 }, { "mul.hi", I_MUL_HI, 2 }, { "mad.lo", I_MAD_LO, 3 },
		{ "mad.hi", I_MAD_HI, 3 }, { "div", I_DIV, 2 }, { "rem", I_REM, 2 }, { "min", I_MIN, 2 }, { "max", I_MAX, 2 },
		{ "sad", I_SAD, 3 }, { "mul.wide", I_MUL_WIDE, 2 }, { "mad.wide", I_MAD_WIDE, 3 }, { "abs", I_ABS, 1 },
		{ "neg", I_NEG, 1 }, { "mul24.lo", I_MUL24_LO, 2 }, { "mul24.hi", I_MUL24_HI, 2 }, { "mad24.lo", I_MAD24_LO, 3 },
		{ "mad24.hi", I_MAD24_HI, 3 },
	};
	unsigned int bits = T_BITS(type), i;
	enum reg reg = class_of(bits), wide = class_of(2 * bits);

	for (i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		bool widens = ops[i].mode == I_MUL_WIDE || ops[i].mode == I_MAD_WIDE;
		struct form f = { .eval = arithmetic, .type = type, .mode = ops[i].mode, .d = widens ? wide : reg, .s = { reg } };

		if ((widens && bits == 64) || (ops[i].sources == 1 && T_KIND(type) == 'u') || (ops[i].mode >= I_MUL24_LO && bits != 32))
			continue;
		if (ops[i].sources > 1)
			f.s[1] = reg;
		if (ops[i].sources > 2)
			f.s[2] = ops[i].mode == I_MAD_WIDE ? wide : reg;
		form_add(f, "%s.%c%u %%d, %%a%s%s;", ops[i].name, T_KIND(type), bits, ops[i].sources > 1 ? ", %b" : "",
			 ops[i].sources > 2 ? ", %c" : "");
		f.flags = F_SAT;
		if (type == T('s', 32) && (ops[i].mode == I_ADD || ops[i].mode == I_SUB))
			form_add(f, "%s.sat.s32 %%d, %%a, %%b;", ops[i].name);
		if (type == T('s', 32) && (ops[i].mode == I_MAD_HI || ops[i].mode == I_MAD24_HI))
			form_add(f, "%s.sat.s32 %%d, %%a, %%b, %%c;", ops[i].name);
	}
}

/* Carry and borrow: mode 0 add, 1 sub, 2 mad.lo, 3 mad.hi; d is what the second instruction makes of the first's carry. */
static u64 carry(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	unsigned int bits = T_BITS(f->type);
	u128 a = v[0][lane], b = v[1][lane], c = v[2][lane], e = v[3][lane], product = a * b;
	u128 low = f->mode == 3 ? product >> bits : product & mask_of(bits);
	bool out;

	switch (f->mode) {
	case 0:
		out = (a + b) >> bits & 1;
		break;
	case 1:
		return (u64)(c - e - (a < b));
	default:
		out = (low + c) >> bits & 1;
		return (u64)(e + out);
	}
	return (u64)(c + e + out);
}

static void carry_forms(unsigned int bits)
{
	enum reg r = class_of(bits);
	struct form f = { .eval = carry, .type = T('u', bits), .d = r, .s = { r, r, r, r }, .no_imm = true };
	char t = bits == 64 ? 'd' : 'w';

	form_add(f, "add.cc.u%u %%t%c, %%a, %%b; addc.u%u %%d, %%c, %%e;", bits, t, bits);
	form_add(f, "add.cc.s%u %%t%c, %%a, %%b; addc.cc.s%u %%d, %%c, %%e;", bits, t, bits);
	f.mode = 1;
	form_add(f, "sub.cc.u%u %%t%c, %%a, %%b; subc.u%u %%d, %%c, %%e;", bits, t, bits);
	form_add(f, "sub.cc.s%u %%t%c, %%a, %%b; subc.cc.s%u %%d, %%c, %%e;", bits, t, bits);
	f.mode = 2;
	form_add(f, "mad.lo.cc.u%u %%t%c, %%a, %%b, %%c; addc.u%u %%d, %%e, 0;", bits, t, bits);
	f.mode = 3;
	form_add(f, "mad.hi.cc.u%u %%t%c, %%a, %%b, %%c; addc.u%u %%d, %%e, 0;", bits, t, bits);
}

/* dp4a and dp2a; type and type2 are those of a's and b's parts, mode: 4, or 2 with mode2 the half. */
static u64 dot(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	unsigned int parts = (unsigned int)f->mode, width = 32 / parts, i;
	s64 sum = (s64)v[2][lane];

	for (i = 0; i < parts; i++) {
		u64 a = v[0][lane] >> (i * width) & mask_of(width);
		u64 b = v[1][lane] >> ((parts == 2 ? i + 2 * (unsigned int)f->mode2 : i) * 8) & 0xff;

		sum += (s64)(int_value(T(T_KIND(f->type), width), a) * int_value(T(T_KIND(f->type2), 8), b));
	}
	return (u64)sum;
}

void forms_int(void)
{
	static const char kinds[] = "us";
	unsigned int i, j;

	for (i = 0; i < sizeof(int_types) / sizeof(*int_types); i++)
		arithmetic_forms(int_types[i]);
	carry_forms(32);
	carry_forms(64);
	for (i = 0; i < 2; i++)
		for (j = 0; j < 2; j++) {
			struct form f = { .eval = dot, .d = R_W, .s = { R_W, R_W, R_W }, .mode = 4,
					  .type = T((unsigned char)kinds[i], 32), .type2 = T((unsigned char)kinds[j], 32) };

			form_add(f, "dp4a.%c32.%c32 %%d, %%a, %%b, %%c;", kinds[i], kinds[j]);
			f.mode = 2;
			form_add(f, "dp2a.lo.%c32.%c32 %%d, %%a, %%b, %%c;", kinds[i], kinds[j]);
			f.mode2 = 1;
			form_add(f, "dp2a.hi.%c32.%c32 %%d, %%a, %%b, %%c;", kinds[i], kinds[j]);
		}
}

enum {
	B_AND, B_OR, B_XOR, B_NOT, B_CNOT, B_SHL, B_SHR, B_CLZ, B_POPC, B_BREV, B_BFIND, B_BFIND_SHIFT, B_BFE, B_BFI, B_SHF_L, B_SHF_R,
	B_LOP3, B_PRMT, B_BMSK, B_SZEXT, B_FNS, B_MOV, B_SELP, B_SLCT,
};

static u64 reverse(u64 a, unsigned int bits)
{
	u64 r = 0;
	unsigned int i;

	for (i = 0; i < bits; i++)
		r |= (a >> i & 1) << (bits - 1 - i);
	return r;
}

static u64 find(const struct form *f, u64 a)
{
	int bits = T_BITS(f->type), i;

	if (T_KIND(f->type) == 's' && a >> (bits - 1) & 1)
		a = ~a;
	for (i = bits - 1; i >= 0; i--)
		if (a >> i & 1)
			return (u64)(f->mode == B_BFIND ? i : bits - 1 - i);
	return 0xffffffff;
}

static u64 extract(const struct form *f, u64 a, u64 pos, u64 len)
{
	u64 msb = T_BITS(f->type) - 1u, i, last, fill, r = 0;

	pos &= 0xff;
	len &= 0xff;
	last = pos + len - 1 < msb ? pos + len - 1 : msb;
	fill = T_KIND(f->type) == 'u' || !len ? 0 : a >> last & 1;
	for (i = 0; i <= msb; i++)
		r |= (i < len && pos + i <= msb ? a >> (pos + i) & 1 : fill) << i;
	return r;
}

static u64 permute(u64 a, u64 b, u64 c, int mode)
{
	u64 bytes = b << 32 | (a & 0xffffffff), r = 0;
	unsigned int i, n = c & 3, byte;
	bool sign;

	for (i = 0; i < 4; i++) {
		sign = false;
		switch (mode) {
		case 0:
			byte = c >> (4 * i) & 7;
			sign = c >> (4 * i) & 8;
			break;
		case 1: /* f4e */
			byte = n + i;
			break;
		case 2: /* b4e */
			byte = (n - i) & 7;
			break;
		case 3: /* rc8 */
			byte = n;
			break;
		case 4: /* ecl */
			byte = i < n ? n : i;
			break;
		case 5: /* ecr */
			byte = i > n ? n : i;
			break;
		default: /* rc16 */
			byte = (n & 1) * 2 + (i & 1);
		}
		byte = bytes >> (8 * byte) & 0xff;
		r |= (u64)(sign ? (byte & 0x80 ? 0xff : 0) : byte) << (8 * i);
	}
	return r;
}

/* Clear of bits [0, pos), set of len from there; clamp or wrap says what becomes of numbers above 31. */
static u64 bit_mask(u64 pos, u64 len, bool clamp)
{
	u64 r = 0, i;

	if (clamp && pos >= 32)
		return 0;
	len = clamp && len >= 32 ? 32 : len & 31;
	pos &= 31;
	for (i = pos; i < 32 && i < pos + len; i++)
		r |= 1ull << i;
	return r;
}

static u64 extend(u64 a, u64 n, bool is_signed, bool clamp)
{
	if (clamp && n >= 32)
		return a;
	n &= 31;
	if (!n)
		return 0;
	return is_signed ? (u64)sign_of(a, (unsigned int)n) : a & mask_of((unsigned int)n);
}

static u64 nth_set(u64 mask, u64 base, s64 offset)
{
	s64 pos = (s64)base, count = (offset < 0 ? -offset : offset) - 1;

	if (base > 31)
		return 0xffffffff;
	if (!offset)
		return mask >> base & 1 ? base : 0xffffffff;
	for (; pos >= 0 && pos < 32; pos += offset > 0 ? 1 : -1)
		if (mask >> pos & 1 && !count--)
			return (u64)pos;
	return 0xffffffff;
}

static u64 bits(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	unsigned int width = T_BITS(f->type), i;
	u64 a = v[0][lane], b = v[1][lane], c = v[2][lane], n, r = 0;

	switch (f->mode) {
	case B_AND:
		return a & b;
	case B_OR:
		return a | b;
	case B_XOR:
		return a ^ b;
	case B_NOT:
		return ~a;
	case B_CNOT:
		return !a;
	case B_SHL:
		return b >= width ? 0 : a << b;
	case B_SHR:
		n = b > width ? width : b;
		return (u64)(int_value(f->type, a) >> n);
	case B_CLZ:
		for (n = 0; n < width && !(a >> (width - 1 - n) & 1); n++)
			;
		return n;
	case B_POPC:
		for (n = 0, i = 0; i < width; i++)
			n += a >> i & 1;
		return n;
	case B_BREV:
		return reverse(a, width);
	case B_BFIND:
	case B_BFIND_SHIFT:
		return find(f, a);
	case B_BFE:
		return extract(f, a, b, c);
	case B_BFI:
		/* d, a, b, pos, len */
		for (r = b, n = 0; n < (v[3][lane] & 0xff) && (c & 0xff) + n < width; n++)
			r = (r & ~(1ull << ((c & 0xff) + n))) | (a >> n & 1) << ((c & 0xff) + n);
		return r;
	case B_SHF_L:
		n = f->mode2 ? c & 31 : c > 32 ? 32 : c;
		return (u64)((((u128)b << 32 | a) << n) >> 32);
	case B_SHF_R:
		n = f->mode2 ? c & 31 : c > 32 ? 32 : c;
		return (u64)(((u128)b << 32 | a) >> n);
	case B_LOP3:
		for (i = 0; i < 32; i++)
			r |= (u64)((unsigned int)f->mode2 >> ((a >> i & 1) << 2 | (b >> i & 1) << 1 | (c >> i & 1)) & 1) << i;
		return r;
	case B_PRMT:
		return permute(a, b, c, f->mode2);
	case B_BMSK:
		return bit_mask(a, b, f->mode2);
	case B_SZEXT:
		return extend(a, b, T_KIND(f->type) == 's', f->mode2);
	case B_FNS:
		return nth_set(a, b, sign_of(c, 32));
	case B_SELP:
		return c ? a : b;
	case B_SLCT:
		if (T_KIND(f->type2) == 's')
			return sign_of(c, 32) >= 0 ? a : b;
		return quad_of(&single_format, f->flags & F_FTZ ? flush(&single_format, c) : c) >= 0 ? a : b;
	default:
		return a;
	}
}

/* Comparisons. mode: index in comparisons[]; mode2: 0 plain, 1 and, 2 or, 3 xor with c; type2: of the result, 0 for a predicate. */
static const char *const comparisons[] = {
	"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan",
};

static bool compares(const struct form *f, u64 a, u64 b, bool negate)
{
	bool lt, eq, unordered = false, r;

	if (T_KIND(f->type) == 'f' || T_KIND(f->type) == 'B') {
		const struct format *format = format_of(f->type);
		f128 x = quad_of(format, f->flags & F_FTZ ? flush(format, a) : a);
		f128 y = quad_of(format, f->flags & F_FTZ ? flush(format, b) : b);

		lt = x < y;
		eq = x == y;
		unordered = x != x || y != y;
	} else {
		lt = int_value(f->type, a) < int_value(f->type, b);
		eq = a == b;
	}
	switch (f->mode) {
	case 0:
		r = eq;
		break;
	case 1:
		r = !eq && !unordered;
		break;
	case 2:
	case 6:
		r = lt;
		break;
	case 3:
	case 7:
		r = lt || eq;
		break;
	case 4:
	case 8:
		r = !lt && !eq && !unordered;
		break;
	case 5:
	case 9:
		r = !lt && !unordered;
		break;
	case 10:
		r = eq || unordered;
		break;
	case 11:
		r = !eq;
		break;
	case 12:
		r = lt || unordered;
		break;
	case 13:
		r = lt || eq || unordered;
		break;
	case 14:
		r = !lt && !eq;
		break;
	case 15:
		r = !lt;
		break;
	case 16:
		r = !unordered;
		break;
	default:
		r = unordered;
	}
	return r != negate;
}

static u64 comparison(const struct form *f, u64 (*v)[LANES], unsigned int lane, u64 got)
{
	/* The second predicate is the comparison's opposite, joined with c in the same way. */
	bool r = compares(f, v[0][lane], v[1][lane], f->round), c = v[2][lane];

	switch (f->mode2) {
	case 1:
		r = r && c;
		break;
	case 2:
		r = r || c;
		break;
	case 3:
		r = r != c;
	}
	if (f->type2 == T('f', 32))
		return r ? 0x3f800000 : 0;
	return f->type2 ? (r ? 0xffffffff : 0) : r;
}

static void comparison_forms(u16 type, unsigned int first, unsigned int last)
{
	static const char *const joins[] = { "", ".and", ".or", ".xor" };
	static const u16 results[] = { T('u', 32), T('s', 32), T('f', 32) };
	unsigned int i, join, k, ftz;
	enum reg r = class_of(T_BITS(type));
	u8 flavour = T_KIND(type) == 'f' ? (T_BITS(type) == 16 ? V_F16 : T_BITS(type) == 32 ? V_F32 : V_F64) :
		     T_KIND(type) == 'B' ? V_BF16 : V_INT;
	char name[8];

	snprintf(name, sizeof(name), T_KIND(type) == 'B' ? "bf%u" : "%c%u", T_KIND(type) == 'B' ? T_BITS(type) : T_KIND(type), T_BITS(type));
	for (i = first; i <= last; i++)
		for (join = 0; join < 4; join++)
			for (ftz = 0; ftz < 1 + (type == T('f', 32)); ftz++) {
				struct form f = { .eval = comparison, .type = type, .d = R_P, .s = { r, r, join ? R_P : R_NONE },
						  .flavour = { flavour, flavour }, .mode = (int)i, .mode2 = (int)join,
						  .flags = ftz ? F_FTZ : 0, .no_imm = T_BITS(type) == 16 && flavour != V_INT };

				form_add(f, "setp.%s%s%s.%s %%d, %%a, %%b%s;", comparisons[i], joins[join], ftz ? ".ftz" : "", name,
					 join ? ", %c" : "");
				f.round = 1;
				form_add(f, "setp.%s%s%s.%s %%tp|%%d, %%a, %%b%s;", comparisons[i], joins[join], ftz ? ".ftz" : "",
					 name, join ? ", %c" : "");
				f.round = 0;
				f.d = R_W;
				for (k = 0; k < 3 && T_BITS(type) >= 16 && flavour != V_F16 && flavour != V_BF16; k++) {
					f.type2 = results[k];
					form_add(f, "set.%s%s%s.%c32.%s %%d, %%a, %%b%s;", comparisons[i], joins[join],
						 ftz ? ".ftz" : "", T_KIND(results[k]), name, join ? ", %c" : "");
				}
			}
}

static void one_width(unsigned int width)
{
	static const struct {
		const char *name;
		int mode;
		unsigned int sources;
	} ops[] = { { "and", B_AND, 2 }, { "or", B_OR, 2 }, { "xor", B_XOR, 2 }, { "not", B_NOT, 1 }, { "cnot", B_CNOT, 1 } };
	enum reg r = class_of(width);
	unsigned int i, k;

	for (i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		struct form f = { .eval = bits, .type = T('b', width), .d = r, .s = { r, ops[i].sources > 1 ? r : R_NONE },
				  .mode = ops[i].mode, .no_imm = width == 1 };

		if (width == 1 && ops[i].mode == B_CNOT)
			continue;
		if (width == 1)
			form_add(f, "%s.pred %%d, %%a%s;", ops[i].name, ops[i].sources > 1 ? ", %b" : "");
		else
			form_add(f, "%s.b%u %%d, %%a%s;", ops[i].name, width, ops[i].sources > 1 ? ", %b" : "");
	}
	if (width == 1)
		return;
	for (i = 0; i < 3; i++) {
		static const char kinds[] = "bus";
		struct form f = { .eval = bits, .type = T((unsigned char)kinds[i], width), .d = r, .s = { r, R_W },
				  .flavour = { V_INT, V_SHIFT }, .mode = B_SHR };

		form_add(f, "shr.%c%u %%d, %%a, %%b;", kinds[i], width);
		f.mode = B_MOV;
		f.s[1] = R_NONE;
		form_add(f, "mov.%c%u %%d, %%a;", kinds[i], width);
		f.mode = B_SELP;
		f.s[1] = r;
		f.s[2] = R_P;
		f.flavour[1] = V_INT;
		form_add(f, "selp.%c%u %%d, %%a, %%b, %%c;", kinds[i], width);
		f.mode = B_SLCT;
		f.s[2] = R_W;
		f.type2 = T('s', 32);
		form_add(f, "slct.%c%u.s32 %%d, %%a, %%b, %%c;", kinds[i], width);
		f.type2 = T('f', 32);
		f.flavour[2] = V_F32;
		form_add(f, "slct.%c%u.f32 %%d, %%a, %%b, %%c;", kinds[i], width);
		f.flags = F_FTZ;
		form_add(f, "slct.ftz.%c%u.f32 %%d, %%a, %%b, %%c;", kinds[i], width);
	}
	form_add((struct form){ .eval = bits, .type = T('b', width), .d = r, .s = { r, R_W }, .flavour = { V_INT, V_SHIFT },
				.mode = B_SHL }, "shl.b%u %%d, %%a, %%b;", width);
	if (width == 16)
		return;
	form_add((struct form){ .eval = bits, .type = T('b', width), .d = R_W, .s = { r }, .mode = B_CLZ }, "clz.b%u %%d, %%a;", width);
	form_add((struct form){ .eval = bits, .type = T('b', width), .d = R_W, .s = { r }, .mode = B_POPC }, "popc.b%u %%d, %%a;", width);
	form_add((struct form){ .eval = bits, .type = T('b', width), .d = r, .s = { r }, .mode = B_BREV }, "brev.b%u %%d, %%a;", width);
	form_add((struct form){ .eval = bits, .type = T('b', width), .d = r, .s = { r, r, R_W, R_W },
				.flavour = { V_INT, V_INT, V_SHIFT, V_SHIFT }, .mode = B_BFI }, "bfi.b%u %%d, %%a, %%b, %%c, %%e;", width);
	for (k = 0; k < 2; k++) {
		char kind = "us"[k];
		struct form f = { .eval = bits, .type = T((unsigned char)kind, width), .d = R_W, .s = { r }, .mode = B_BFIND };

		form_add(f, "bfind.%c%u %%d, %%a;", kind, width);
		f.mode = B_BFIND_SHIFT;
		form_add(f, "bfind.shiftamt.%c%u %%d, %%a;", kind, width);
		f = (struct form){ .eval = bits, .type = T((unsigned char)kind, width), .d = r, .s = { r, R_W, R_W },
				   .flavour = { V_INT, V_SHIFT, V_SHIFT }, .mode = B_BFE };
		form_add(f, "bfe.%c%u %%d, %%a, %%b, %%c;", kind, width);
	}
}

void forms_bits(void)
{
	static const char *const permutations[] = { "", ".f4e", ".b4e", ".rc8", ".ecl", ".ecr", ".rc16" };
	static const char *const ends[] = { ".clamp", ".wrap" };
	static const u8 tables[] = { 0x00, 0x17, 0x1e, 0x2a, 0x6a, 0x80, 0x96, 0xca, 0xe8, 0xfe, 0xff };
	struct form f = { .eval = bits, .type = T('b', 32), .d = R_W, .s = { R_W, R_W, R_W } };
	unsigned int i;

	one_width(1);
	one_width(16);
	one_width(32);
	one_width(64);
	for (i = 0; i < 2; i++) {
		f.mode2 = (int)i;
		f.flavour[2] = V_SHIFT;
		f.mode = B_SHF_L;
		form_add(f, "shf.l%s.b32 %%d, %%a, %%b, %%c;", ends[i]);
		f.mode = B_SHF_R;
		form_add(f, "shf.r%s.b32 %%d, %%a, %%b, %%c;", ends[i]);
	}
	f.flavour[2] = V_INT;
	f.mode = B_LOP3;
	for (i = 0; i < sizeof(tables); i++) {
		f.mode2 = tables[i];
		form_add(f, "lop3.b32 %%d, %%a, %%b, %%c, 0x%x;", tables[i]);
	}
	f.mode = B_PRMT;
	for (i = 0; i < 7; i++) {
		f.mode2 = (int)i;
		form_add(f, "prmt.b32%s %%d, %%a, %%b, %%c;", permutations[i]);
	}
	f.mode = B_FNS;
	f.flavour[1] = V_SHIFT;
	f.flavour[2] = V_SMALL;
	form_add(f, "fns.b32 %%d, %%a, %%b, %%c;");
	f.s[2] = R_NONE;
	for (i = 0; i < 2; i++) {
		f.mode2 = !i;
		f.mode = B_BMSK;
		f.flavour[0] = V_SHIFT;
		form_add(f, "bmsk%s.b32 %%d, %%a, %%b;", ends[i]);
		f.mode = B_SZEXT;
		f.flavour[0] = V_INT;
		f.type = T('u', 32);
		form_add(f, "szext%s.u32 %%d, %%a, %%b;", ends[i]);
		f.type = T('s', 32);
		form_add(f, "szext%s.s32 %%d, %%a, %%b;", ends[i]);
	}
	for (i = 0; i < sizeof(int_types) / sizeof(*int_types); i++) {
		comparison_forms(int_types[i], 0, 5);
		if (T_KIND(int_types[i]) == 'u') {
			comparison_forms(int_types[i], 6, 9);
			comparison_forms(T('b', T_BITS(int_types[i])), 0, 1);
		}
	}
	for (i = 0; i < 2; i++) {
		u16 type = i ? T('f', 64) : T('f', 32);

		comparison_forms(type, 0, 5);
		comparison_forms(type, 10, 17);
	}
	comparison_forms(T('f', 16), 0, 5);
	comparison_forms(T('f', 16), 10, 17);
	comparison_forms(T('B', 16), 0, 5);
	comparison_forms(T('B', 16), 10, 17);
}
