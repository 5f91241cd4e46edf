// SPDX-License-Identifier: GPL-2.0
/* Copyright (c) vgpu authors */
/* Integer instructions, each against its definition in the PTX ISA. */
#include <stdlib.h>

#include "optest.h"

typedef uint64_t u64;
typedef int64_t s64;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint16_t u16;
typedef int16_t s16;
typedef int8_t s8;
typedef uint8_t u8;

static struct device *dev;

REF(add, a + b)
REF(sub, a - b)
REF(mul_lo, a * b)
REF(mad_lo, a * b + c)
REF(add_sat, (s64)(s32)a + (s32)b > INT32_MAX ? INT32_MAX : (s64)(s32)a + (s32)b < INT32_MIN ? INT32_MIN : (s32)a + (s32)b)
REF(sub_sat, (s64)(s32)a - (s32)b > INT32_MAX ? INT32_MAX : (s64)(s32)a - (s32)b < INT32_MIN ? INT32_MIN : (s32)a - (s32)b)
REF(mul_hi_u16, (u32)(u16)a * (u16)b >> 16)
REF(mul_hi_s16, (s32)(s16)a * (s16)b >> 16)
REF(mul_hi_u32, (u64)(u32)a * (u32)b >> 32)
REF(mul_hi_s32, (s64)(s32)a * (s32)b >> 32)
REF(mul_hi_u64, (unsigned __int128)a * b >> 64)
REF(mul_hi_s64, (__int128)(s64)a * (s64)b >> 64)
REF(mul_wide_u16, (u32)(u16)a * (u16)b)
REF(mul_wide_s16, (s32)(s16)a * (s16)b)
REF(mul_wide_u32, (u64)(u32)a * (u32)b)
REF(mul_wide_s32, (s64)(s32)a * (s32)b)
REF(mad_hi_u32, mul_hi_u32(a, b, 0) + c)
REF(mad_hi_s32, mul_hi_s32(a, b, 0) + c)
REF(mad_hi_u64, mul_hi_u64(a, b, 0) + c)
REF(mad_hi_s64, mul_hi_s64(a, b, 0) + c)
REF(mad_hi_u16, mul_hi_u16(a, b, 0) + c)
REF(mad_hi_s16, mul_hi_s16(a, b, 0) + c)
REF(mad_hi_sat, add_sat(mul_hi_s32(a, b, 0), c, 0))
REF(mad_wide_u16, mul_wide_u16(a, b, 0) + c)
REF(mad_wide_s16, mul_wide_s16(a, b, 0) + c)
REF(mad_wide_u32, mul_wide_u32(a, b, 0) + c)
REF(mad_wide_s32, mul_wide_s32(a, b, 0) + c)

static s64 sext24(u64 x)
{
	return (s64)((s32)(u32)(x << 8) >> 8);
}

REF(mul24_lo_u, (a & 0xffffff) * (b & 0xffffff))
REF(mul24_lo_s, sext24(a) * sext24(b))
REF(mul24_hi_u, (a & 0xffffff) * (b & 0xffffff) >> 16)
REF(mul24_hi_s, sext24(a) * sext24(b) >> 16)
REF(mad24_lo_u, mul24_lo_u(a, b, 0) + c)
REF(mad24_lo_s, mul24_lo_s(a, b, 0) + c)
REF(mad24_hi_u, mul24_hi_u(a, b, 0) + c)
REF(mad24_hi_s, mul24_hi_s(a, b, 0) + c)
REF(mad24_hi_sat, add_sat(mul24_hi_s(a, b, 0), c, 0))
REF(div_u16, (u16)b ? (u16)a / (u16)b : ~0u)
REF(div_s16, (s16)b ? (s16)a / (s16)b : -1)
REF(div_u32, (u32)b ? (u32)a / (u32)b : ~0u)
REF(div_s32, (s32)b ? (s64)(s32)a / (s32)b : -1)
REF(div_u64, b ? a / b : ~0ull)
REF(div_s64, !b ? ~0ull : (s64)b == -1 ? -a : (u64)((s64)a / (s64)b))
REF(rem_u16, (u16)b ? (u16)a % (u16)b : (u16)a)
REF(rem_s16, (s16)b ? (s16)a % (s16)b : (s16)a)
REF(rem_u32, (u32)b ? (u32)a % (u32)b : (u32)a)
REF(rem_s32, (s32)b ? (s64)(s32)a % (s32)b : (s32)a)
REF(rem_u64, b ? a % b : a)
REF(rem_s64, !b ? a : (s64)b == -1 ? 0 : (u64)((s64)a % (s64)b))
REF(neg, -a)
REF(abs_s16, abs((s16)a))
REF(abs_s32, (s32)a < 0 ? -(u32)a : (u32)a)
REF(abs_s64, (s64)a < 0 ? -a : a)
REF(min_u16, (u16)a < (u16)b ? (u16)a : (u16)b)
REF(min_s16, (s16)a < (s16)b ? (s16)a : (s16)b)
REF(min_u32, (u32)a < (u32)b ? (u32)a : (u32)b)
REF(min_s32, (s32)a < (s32)b ? (s32)a : (s32)b)
REF(min_u64, a < b ? a : b)
REF(min_s64, (s64)a < (s64)b ? a : b)
REF(max_u16, (u16)a > (u16)b ? (u16)a : (u16)b)
REF(max_s16, (s16)a > (s16)b ? (s16)a : (s16)b)
REF(max_u32, (u32)a > (u32)b ? (u32)a : (u32)b)
REF(max_s32, (s32)a > (s32)b ? (s32)a : (s32)b)
REF(max_u64, a > b ? a : b)
REF(max_s64, (s64)a > (s64)b ? a : b)
REF(sad_u16, c + ((u16)a > (u16)b ? (u16)a - (u16)b : (u16)b - (u16)a))
REF(sad_s16, c + ((s16)a > (s16)b ? (s16)a - (s16)b : (s16)b - (s16)a))
REF(sad_u32, c + ((u32)a > (u32)b ? (u32)a - (u32)b : (u32)b - (u32)a))
REF(sad_s32, c + ((s32)a > (s32)b ? (u32)a - (u32)b : (u32)b - (u32)a))
REF(sad_u64, c + (a > b ? a - b : b - a))
REF(sad_s64, c + ((s64)a > (s64)b ? a - b : b - a))

static u64 dot(u64 a, u64 b, bool sa, bool sb)
{
	s64 sum = 0;
	int k;

	for (k = 0; k < 4; k++) {
		s64 x = sa ? (s64)(s8)(a >> 8 * k) : (s64)(u8)(a >> 8 * k);
		s64 y = sb ? (s64)(s8)(b >> 8 * k) : (s64)(u8)(b >> 8 * k);

		sum += x * y;
	}
	return (u64)sum;
}

static u64 dot2(u64 a, u64 b, bool sa, bool sb)
{
	s64 sum = 0;
	int k;

	for (k = 0; k < 2; k++) {
		s64 x = sa ? (s64)(s16)(a >> 16 * k) : (s64)(u16)(a >> 16 * k);
		s64 y = sb ? (s64)(s8)(b >> 8 * k) : (s64)(u8)(b >> 8 * k);

		sum += x * y;
	}
	return (u64)sum;
}

REF(dp4a_uu, dot(a, b, false, false) + c)
REF(dp4a_us, dot(a, b, false, true) + c)
REF(dp4a_su, dot(a, b, true, false) + c)
REF(dp4a_ss, dot(a, b, true, true) + c)
REF(dp2a_lo_uu, dot2(a, b, false, false) + c)
REF(dp2a_lo_su, dot2(a, b, true, false) + c)
REF(dp2a_hi_us, dot2(a, b >> 16, false, true) + c)
REF(dp2a_hi_ss, dot2(a, b >> 16, true, true) + c)
/* Carry chains: the upper word of a 64-bit operation on pairs made of the operands. */
REF(carry_hi, ((a | b << 32) + (b | c << 32)) >> 32)
REF(borrow_hi, ((a | b << 32) - (b | c << 32)) >> 32)
REF(madc_hi, ((unsigned __int128)(u64)(u32)a * (u32)b + ((u64)(u32)c << 32 | (u32)a)) >> 32)
REF(carry_hi64, (((unsigned __int128)b << 64 | a) + ((unsigned __int128)c << 64 | b)) >> 64)
REF(popc32, __builtin_popcount((u32)a))
REF(popc64, __builtin_popcountll(a))
REF(clz32, (u32)a ? __builtin_clz((u32)a) : 32)
REF(clz64, a ? __builtin_clzll(a) : 64)

static u64 reverse(u64 x, int bits)
{
	u64 r = 0;
	int k;

	for (k = 0; k < bits; k++)
		r |= (x >> k & 1) << (bits - 1 - k);
	return r;
}

REF(brev32, reverse(a, 32))
REF(brev64, reverse(a, 64))

static u64 find(u64 a, int bits, bool is_signed, bool amount)
{
	u64 x = bits == 64 ? a : a & 0xffffffff;
	int k;

	if (is_signed && x >> (bits - 1) & 1)
		x = ~x & (bits == 64 ? ~0ull : 0xffffffff);
	for (k = bits - 1; k >= 0; k--)
		if (x >> k & 1)
			return (u64)(amount ? bits - 1 - k : k);
	return 0xffffffff;
}

REF(bfind_u32, find(a, 32, false, false))
REF(bfind_s32, find(a, 32, true, false))
REF(bfind_u64, find(a, 64, false, false))
REF(bfind_s64, find(a, 64, true, false))
REF(bfindsh_u32, find(a, 32, false, true))
REF(bfindsh_s64, find(a, 64, true, true))

/* As the ISA's pseudo-code has it, bit by bit. */
static u64 bfe(u64 a, u64 b, u64 c, int bits, bool is_signed)
{
	unsigned int pos = b & 255, len = c & 255, msb = (unsigned int)bits - 1, i;
	u64 sbit, d = 0;

	if (!is_signed || !len)
		sbit = 0;
	else
		sbit = a >> (pos + len - 1 < msb ? pos + len - 1 : msb) & 1;
	for (i = 0; i <= msb; i++)
		d |= (i < len && pos + i <= msb ? a >> (pos + i) & 1 : sbit) << i;
	return d;
}

REF(bfe_u32, bfe(a, b, c, 32, false))
REF(bfe_s32, bfe(a, b, c, 32, true))
REF(bfe_u64, bfe(a, b, c, 64, false))
REF(bfe_s64, bfe(a, b, c, 64, true))

static u64 bfi(u64 a, u64 b, u64 c, unsigned int len, int bits)
{
	unsigned int pos = c & 255, i;
	u64 f = b;

	for (i = 0; i < len && pos + i < (unsigned int)bits; i++)
		f = (f & ~(1ull << (pos + i))) | (a >> i & 1) << (pos + i);
	return f;
}

REF(bfi_32_7, bfi(a, b, c, 7, 32))
REF(bfi_32_40, bfi(a, b, c, 40, 32))
REF(bfi_64_13, bfi(a, b, c, 13, 64))
REF(bfi_64_0, b)
REF(shl16, (u32)b > 15 ? 0 : a << (u32)b)
REF(shl32, (u32)b > 31 ? 0 : a << (u32)b)
REF(shl64, (u32)b > 63 ? 0 : a << (u32)b)
REF(shr_u16, (u32)b > 15 ? 0 : (u16)a >> (u32)b)
REF(shr_s16, (s16)a >> ((u32)b > 15 ? 15 : (u32)b))
REF(shr_u32, (u32)b > 31 ? 0 : (u32)a >> (u32)b)
REF(shr_s32, (s32)a >> ((u32)b > 31 ? 31 : (u32)b))
REF(shr_u64, (u32)b > 63 ? 0 : a >> (u32)b)
REF(shr_s64, (s64)a >> ((u32)b > 63 ? 63 : (u32)b))

static u64 funnel(u64 a, u64 b, u32 n, bool left)
{
	unsigned __int128 x = (unsigned __int128)((u64)(u32)b << 32 | (u32)a);

	return left ? (u64)((x << n) >> 32) : (u64)(x >> n);
}

REF(shf_l_wrap, funnel(a, b, c & 31, true))
REF(shf_r_wrap, funnel(a, b, c & 31, false))
REF(shf_l_clamp, funnel(a, b, (u32)c > 32 ? 32 : (u32)c, true))
REF(shf_r_clamp, funnel(a, b, (u32)c > 32 ? 32 : (u32)c, false))
REF(and_, a & b)
REF(or_, a | b)
REF(xor_, a ^ b)
REF(not_, ~a)
REF(not_pred, !(a & 1))
REF(cnot16, !(u16)a)
REF(cnot32, !(u32)a)
REF(cnot64, !a)
REF(lop3_e8, (a & b) | (a & c) | (b & c))
REF(lop3_96, a ^ b ^ c)

static u64 prmt(u64 a, u64 b, const int sel[4])
{
	u64 bytes = (u64)(u32)b << 32 | (u32)a, d = 0;
	int k;

	for (k = 0; k < 4; k++) {
		u64 byte = bytes >> 8 * (sel[k] & 7) & 255;

		if (sel[k] & 8)
			byte = byte & 0x80 ? 255 : 0;
		d |= byte << 8 * k;
	}
	return d;
}

static u64 prmt_c(u64 a, u64 b, u64 c)
{
	const int sel[4] = { c & 15, c >> 4 & 15, c >> 8 & 15, c >> 12 & 15 };

	return prmt(a, b, sel);
}

/* The tables of the ISA, d.b3 first. */
#define PRMT_MODE(name, ...)					\
static u64 prmt_##name(u64 a, u64 b, u64 c)			\
{								\
	static const int table[4][4] = { __VA_ARGS__ };		\
	const int *t = table[c & 3];				\
	const int sel[4] = { t[3], t[2], t[1], t[0] };		\
								\
	return prmt(a, b, sel);					\
}

PRMT_MODE(f4e, { 3, 2, 1, 0 }, { 4, 3, 2, 1 }, { 5, 4, 3, 2 }, { 6, 5, 4, 3 })
PRMT_MODE(b4e, { 5, 6, 7, 0 }, { 6, 7, 0, 1 }, { 7, 0, 1, 2 }, { 0, 1, 2, 3 })
PRMT_MODE(rc8, { 0, 0, 0, 0 }, { 1, 1, 1, 1 }, { 2, 2, 2, 2 }, { 3, 3, 3, 3 })
PRMT_MODE(ecl, { 3, 2, 1, 0 }, { 3, 2, 1, 1 }, { 3, 2, 2, 2 }, { 3, 3, 3, 3 })
PRMT_MODE(ecr, { 0, 0, 0, 0 }, { 1, 1, 1, 0 }, { 2, 2, 1, 0 }, { 3, 2, 1, 0 })
PRMT_MODE(rc16, { 1, 0, 1, 0 }, { 3, 2, 3, 2 }, { 1, 0, 1, 0 }, { 3, 2, 3, 2 })

REF(mov, a)
REF(selp, c & 1 ? a : b)
REF(selp_const, a & 1 ? 77 : 99)
REF(slct_s32, (s32)c >= 0 ? a : b)
REF(slct_f32, as_f32(c) >= 0 ? a : b)
REF(slct_f32_ftz, as_f32((c & 0x7f800000) ? c : c & 0x80000000) >= 0 ? a : b)
REF(bmsk_clamp, (u32)a > 31 ? 0 : ((u32)b > 31 ? 0xffffffff : (1u << (u32)b) - 1) << (u32)a)
REF(bmsk_wrap, ((1u << (b & 31)) - 1) << (a & 31))
REF(szext_u, (u32)b > 31 ? a : a & ((1u << (u32)b) - 1))
REF(szext_s, (u32)b > 31 ? a : (u32)b ? (u32)((s32)((u32)a << (32 - (u32)b)) >> (32 - (u32)b)) : 0)
REF(pack16, (u32)(u16)a | (u32)(u16)b << 16)
REF(pack32, (u32)a | b << 32)
REF(high32, a >> 32)
REF(low16, a)
REF(swap_halves, (u32)a >> 16 | a << 16)
REF(byte2, a >> 16 & 255)

#define OPS2(op, W, ref) { op " %d, %a, %b;", { W, W, W, NONE }, { INTS, INTS }, ref }
#define OPS1(op, W, ref) { op " %d, %a;", { W, W, NONE, NONE }, { INTS }, ref }
#define OPS3(op, W, ref) { op " %d, %a, %b, %c;", { W, W, W, W }, { INTS, INTS, INTS }, ref }

static const struct op_test arithmetic_tests[] = {
	OPS2("add.u16", B16, add), OPS2("add.s16", B16, add), OPS2("add.u32", B32, add), OPS2("add.s32", B32, add),
	OPS2("add.u64", B64, add), OPS2("add.s64", B64, add), OPS2("add.sat.s32", B32, add_sat),
	OPS2("sub.u16", B16, sub), OPS2("sub.s32", B32, sub), OPS2("sub.u64", B64, sub), OPS2("sub.sat.s32", B32, sub_sat),
	OPS2("mul.lo.u16", B16, mul_lo), OPS2("mul.lo.s32", B32, mul_lo), OPS2("mul.lo.u64", B64, mul_lo),
	OPS2("mul.hi.u16", B16, mul_hi_u16), OPS2("mul.hi.s16", B16, mul_hi_s16), OPS2("mul.hi.u32", B32, mul_hi_u32),
	OPS2("mul.hi.s32", B32, mul_hi_s32), OPS2("mul.hi.u64", B64, mul_hi_u64), OPS2("mul.hi.s64", B64, mul_hi_s64),
	{ "mul.wide.u16 %d, %a, %b;", { B32, B16, B16 }, { INTS, INTS }, mul_wide_u16 },
	{ "mul.wide.s16 %d, %a, %b;", { B32, B16, B16 }, { INTS, INTS }, mul_wide_s16 },
	{ "mul.wide.u32 %d, %a, %b;", { B64, B32, B32 }, { INTS, INTS }, mul_wide_u32 },
	{ "mul.wide.s32 %d, %a, %b;", { B64, B32, B32 }, { INTS, INTS }, mul_wide_s32 },
	OPS3("mad.lo.u16", B16, mad_lo), OPS3("mad.lo.s32", B32, mad_lo), OPS3("mad.lo.u64", B64, mad_lo),
	OPS3("mad.hi.u16", B16, mad_hi_u16), OPS3("mad.hi.s16", B16, mad_hi_s16), OPS3("mad.hi.u32", B32, mad_hi_u32),
	OPS3("mad.hi.s32", B32, mad_hi_s32), OPS3("mad.hi.u64", B64, mad_hi_u64), OPS3("mad.hi.s64", B64, mad_hi_s64),
	OPS3("mad.hi.sat.s32", B32, mad_hi_sat),
	{ "mad.wide.u16 %d, %a, %b, %c;", { B32, B16, B16, B32 }, { INTS, INTS, INTS }, mad_wide_u16 },
	{ "mad.wide.s16 %d, %a, %b, %c;", { B32, B16, B16, B32 }, { INTS, INTS, INTS }, mad_wide_s16 },
	{ "mad.wide.u32 %d, %a, %b, %c;", { B64, B32, B32, B64 }, { INTS, INTS, INTS }, mad_wide_u32 },
	{ "mad.wide.s32 %d, %a, %b, %c;", { B64, B32, B32, B64 }, { INTS, INTS, INTS }, mad_wide_s32 },
	OPS2("mul24.lo.u32", B32, mul24_lo_u), OPS2("mul24.lo.s32", B32, mul24_lo_s), OPS2("mul24.hi.u32", B32, mul24_hi_u),
	OPS2("mul24.hi.s32", B32, mul24_hi_s), OPS3("mad24.lo.u32", B32, mad24_lo_u), OPS3("mad24.lo.s32", B32, mad24_lo_s),
	OPS3("mad24.hi.u32", B32, mad24_hi_u), OPS3("mad24.hi.s32", B32, mad24_hi_s),
	OPS3("mad24.hi.sat.s32", B32, mad24_hi_sat),
	OPS2("div.u16", B16, div_u16), OPS2("div.s16", B16, div_s16), OPS2("div.u32", B32, div_u32),
	OPS2("div.s32", B32, div_s32), OPS2("div.u64", B64, div_u64), OPS2("div.s64", B64, div_s64),
	OPS2("rem.u16", B16, rem_u16), OPS2("rem.s16", B16, rem_s16), OPS2("rem.u32", B32, rem_u32),
	OPS2("rem.s32", B32, rem_s32), OPS2("rem.u64", B64, rem_u64), OPS2("rem.s64", B64, rem_s64),
	OPS1("neg.s16", B16, neg), OPS1("neg.s32", B32, neg), OPS1("neg.s64", B64, neg),
	OPS1("abs.s16", B16, abs_s16), OPS1("abs.s32", B32, abs_s32), OPS1("abs.s64", B64, abs_s64),
	OPS2("min.u16", B16, min_u16), OPS2("min.s16", B16, min_s16), OPS2("min.u32", B32, min_u32),
	OPS2("min.s32", B32, min_s32), OPS2("min.u64", B64, min_u64), OPS2("min.s64", B64, min_s64),
	OPS2("max.u16", B16, max_u16), OPS2("max.s16", B16, max_s16), OPS2("max.u32", B32, max_u32),
	OPS2("max.s32", B32, max_s32), OPS2("max.u64", B64, max_u64), OPS2("max.s64", B64, max_s64),
	OPS3("sad.u16", B16, sad_u16), OPS3("sad.s16", B16, sad_s16), OPS3("sad.u32", B32, sad_u32),
	OPS3("sad.s32", B32, sad_s32), OPS3("sad.u64", B64, sad_u64), OPS3("sad.s64", B64, sad_s64),
	OPS3("dp4a.u32.u32", B32, dp4a_uu), OPS3("dp4a.u32.s32", B32, dp4a_us), OPS3("dp4a.s32.u32", B32, dp4a_su),
	OPS3("dp4a.s32.s32", B32, dp4a_ss), OPS3("dp2a.lo.u32.u32", B32, dp2a_lo_uu), OPS3("dp2a.lo.s32.u32", B32, dp2a_lo_su),
	OPS3("dp2a.hi.u32.s32", B32, dp2a_hi_us), OPS3("dp2a.hi.s32.s32", B32, dp2a_hi_ss),
};

static const struct op_test carry_tests[] = {
	{ "{ .reg .u32 t; add.cc.u32 t, %a, %b; addc.u32 %d, %b, %c; }", { B32, B32, B32, B32 }, { INTS, INTS, INTS }, carry_hi },
	{ "{ .reg .u32 t; sub.cc.u32 t, %a, %b; subc.u32 %d, %b, %c; }", { B32, B32, B32, B32 }, { INTS, INTS, INTS }, borrow_hi },
	{ "{ .reg .u64 t; add.cc.u64 t, %a, %b; addc.cc.u64 %d, %b, %c; }", { B64, B64, B64, B64 }, { INTS, INTS, INTS },
	  carry_hi64 },
	{ "{ .reg .u32 t; mad.lo.cc.u32 t, %a, %b, %a; madc.hi.u32 %d, %a, %b, %c; }", { B32, B32, B32, B32 },
	  { INTS, INTS, INTS }, madc_hi },
};

static const struct op_test bit_tests[] = {
	OPS2("and.b16", B16, and_), OPS2("and.b32", B32, and_), OPS2("and.b64", B64, and_), OPS2("and.pred", PRED, and_),
	OPS2("or.b16", B16, or_), OPS2("or.b32", B32, or_), OPS2("or.b64", B64, or_), OPS2("or.pred", PRED, or_),
	OPS2("xor.b16", B16, xor_), OPS2("xor.b32", B32, xor_), OPS2("xor.b64", B64, xor_), OPS2("xor.pred", PRED, xor_),
	OPS1("not.b16", B16, not_), OPS1("not.b32", B32, not_), OPS1("not.b64", B64, not_), OPS1("not.pred", PRED, not_pred),
	OPS1("cnot.b16", B16, cnot16), OPS1("cnot.b32", B32, cnot32), OPS1("cnot.b64", B64, cnot64),
	OPS1("popc.b32", B32, popc32), { "popc.b64 %d, %a;", { B32, B64 }, { INTS }, popc64 },
	OPS1("clz.b32", B32, clz32), { "clz.b64 %d, %a;", { B32, B64 }, { INTS }, clz64 },
	OPS1("brev.b32", B32, brev32), OPS1("brev.b64", B64, brev64),
	OPS1("bfind.u32", B32, bfind_u32), OPS1("bfind.s32", B32, bfind_s32),
	{ "bfind.u64 %d, %a;", { B32, B64 }, { INTS }, bfind_u64 }, { "bfind.s64 %d, %a;", { B32, B64 }, { INTS }, bfind_s64 },
	OPS1("bfind.shiftamt.u32", B32, bfindsh_u32), { "bfind.shiftamt.s64 %d, %a;", { B32, B64 }, { INTS }, bfindsh_s64 },
	{ "bfe.u32 %d, %a, %b, %c;", { B32, B32, B32, B32 }, { INTS, SHIFTS, SHIFTS }, bfe_u32 },
	{ "bfe.s32 %d, %a, %b, %c;", { B32, B32, B32, B32 }, { INTS, SHIFTS, SHIFTS }, bfe_s32 },
	{ "bfe.u64 %d, %a, %b, %c;", { B64, B64, B32, B32 }, { INTS, SHIFTS, SHIFTS }, bfe_u64 },
	{ "bfe.s64 %d, %a, %b, %c;", { B64, B64, B32, B32 }, { INTS, SHIFTS, SHIFTS }, bfe_s64 },
	{ "bfi.b32 %d, %a, %b, %c, 7;", { B32, B32, B32, B32 }, { INTS, INTS, SHIFTS }, bfi_32_7 },
	{ "bfi.b32 %d, %a, %b, %c, 40;", { B32, B32, B32, B32 }, { INTS, INTS, SHIFTS }, bfi_32_40 },
	{ "bfi.b64 %d, %a, %b, %c, 13;", { B64, B64, B64, B32 }, { INTS, INTS, SHIFTS }, bfi_64_13 },
	{ "bfi.b64 %d, %a, %b, %c, 0;", { B64, B64, B64, B32 }, { INTS, INTS, SHIFTS }, bfi_64_0 },
	{ "shl.b16 %d, %a, %b;", { B16, B16, B32 }, { INTS, SHIFTS }, shl16 },
	{ "shl.b32 %d, %a, %b;", { B32, B32, B32 }, { INTS, SHIFTS }, shl32 },
	{ "shl.b64 %d, %a, %b;", { B64, B64, B32 }, { INTS, SHIFTS }, shl64 },
	{ "shr.u16 %d, %a, %b;", { B16, B16, B32 }, { INTS, SHIFTS }, shr_u16 },
	{ "shr.s16 %d, %a, %b;", { B16, B16, B32 }, { INTS, SHIFTS }, shr_s16 },
	{ "shr.u32 %d, %a, %b;", { B32, B32, B32 }, { INTS, SHIFTS }, shr_u32 },
	{ "shr.b32 %d, %a, %b;", { B32, B32, B32 }, { INTS, SHIFTS }, shr_u32 },
	{ "shr.s32 %d, %a, %b;", { B32, B32, B32 }, { INTS, SHIFTS }, shr_s32 },
	{ "shr.u64 %d, %a, %b;", { B64, B64, B32 }, { INTS, SHIFTS }, shr_u64 },
	{ "shr.s64 %d, %a, %b;", { B64, B64, B32 }, { INTS, SHIFTS }, shr_s64 },
	{ "shf.l.wrap.b32 %d, %a, %b, %c;", { B32, B32, B32, B32 }, { INTS, INTS, SHIFTS }, shf_l_wrap },
	{ "shf.r.wrap.b32 %d, %a, %b, %c;", { B32, B32, B32, B32 }, { INTS, INTS, SHIFTS }, shf_r_wrap },
	{ "shf.l.clamp.b32 %d, %a, %b, %c;", { B32, B32, B32, B32 }, { INTS, INTS, SHIFTS }, shf_l_clamp },
	{ "shf.r.clamp.b32 %d, %a, %b, %c;", { B32, B32, B32, B32 }, { INTS, INTS, SHIFTS }, shf_r_clamp },
	{ "lop3.b32 %d, %a, %b, %c, 0xe8;", { B32, B32, B32, B32 }, { INTS, INTS, INTS }, lop3_e8 },
	{ "lop3.b32 %d, %a, %b, %c, 0x96;", { B32, B32, B32, B32 }, { INTS, INTS, INTS }, lop3_96 },
	OPS3("prmt.b32", B32, prmt_c), OPS3("prmt.b32.f4e", B32, prmt_f4e), OPS3("prmt.b32.b4e", B32, prmt_b4e),
	OPS3("prmt.b32.rc8", B32, prmt_rc8), OPS3("prmt.b32.ecl", B32, prmt_ecl), OPS3("prmt.b32.ecr", B32, prmt_ecr),
	OPS3("prmt.b32.rc16", B32, prmt_rc16),
	OPS2("bmsk.clamp.b32", B32, bmsk_clamp), OPS2("bmsk.wrap.b32", B32, bmsk_wrap),
	{ "szext.clamp.u32 %d, %a, %b;", { B32, B32, B32 }, { INTS, SHIFTS }, szext_u },
	{ "szext.clamp.s32 %d, %a, %b;", { B32, B32, B32 }, { INTS, SHIFTS }, szext_s },
};

static const struct op_test move_tests[] = {
	OPS1("mov.b16", B16, mov), OPS1("mov.u32", B32, mov), OPS1("mov.b64", B64, mov), OPS1("mov.pred", PRED, mov),
	{ "selp.b16 %d, %a, %b, %c;", { B16, B16, B16, PRED }, { INTS, INTS, INTS }, selp },
	{ "selp.b32 %d, %a, %b, %c;", { B32, B32, B32, PRED }, { INTS, INTS, INTS }, selp },
	{ "selp.b64 %d, %a, %b, %c;", { B64, B64, B64, PRED }, { INTS, INTS, INTS }, selp },
	{ "selp.u32 %d, 77, 99, %a;", { B32, PRED }, { INTS }, selp_const },
	{ "slct.b32.s32 %d, %a, %b, %c;", { B32, B32, B32, B32 }, { INTS, INTS, INTS }, slct_s32 },
	{ "slct.b64.s32 %d, %a, %b, %c;", { B64, B64, B64, B32 }, { INTS, INTS, INTS }, slct_s32 },
	{ "slct.u32.f32 %d, %a, %b, %c;", { B32, B32, B32, B32 }, { INTS, INTS, F32S }, slct_f32 },
	{ "slct.ftz.u32.f32 %d, %a, %b, %c;", { B32, B32, B32, B32 }, { INTS, INTS, F32S }, slct_f32_ftz },
	{ "mov.b32 %d, {%a, %b};", { B32, B16, B16 }, { INTS, INTS }, pack16 },
	{ "mov.b64 %d, {%a, %b};", { B64, B32, B32 }, { INTS, INTS }, pack32 },
	{ "mov.b64 {_, %d}, %a;", { B32, B64 }, { INTS }, high32 },
	{ "mov.b32 {%d, _}, %a;", { B16, B32 }, { INTS }, low16 },
	{ "{ .reg .b16 l, h; mov.b32 {l, h}, %a; mov.b32 %d, {h, l}; }", { B32, B32 }, { INTS }, swap_halves },
	{ "{ .reg .b16 h<4>; mov.b64 {h0, h1, h2, h3}, %a; mov.b64 %d, {h0, h1, h2, h3}; }", { B64, B64 }, { INTS }, mov },
	{ "{ .reg .b8 h<4>; .reg .b32 t; mov.b32 {h0, h1, h2, h3}, %a; cvt.u32.u8 %d, h2; }", { B32, B32 }, { INTS }, byte2 },
	{ "{ .reg .b8 h<4>; mov.b32 {h0, h1, h2, h3}, %a; mov.b32 %d, {h0, h1, h2, h3}; }", { B32, B32 }, { INTS }, mov },
	{ "{ .reg .b128 q; .reg .b64 t; mov.b128 q, {%a, %b}; mov.b128 {t, %d}, q; xor.b64 %d, %d, t; }",
	  { B64, B64, B64 }, { INTS, INTS }, xor_ },
};

/* Comparisons: the same conditions for every integer type. */
#define CMP(T, W, cast)								\
REF(eq_##T, (cast)a == (cast)b)							\
REF(ne_##T, (cast)a != (cast)b)							\
REF(lt_##T, (cast)a < (cast)b)							\
REF(le_##T, (cast)a <= (cast)b)							\
REF(gt_##T, (cast)a > (cast)b)							\
REF(ge_##T, (cast)a >= (cast)b)							\
static const struct op_test cmp_##T##_tests[] = {				\
	{ "setp.eq." #T " %d, %a, %b;", { PRED, W, W }, { INTS, INTS }, eq_##T },	\
	{ "setp.ne." #T " %d, %a, %b;", { PRED, W, W }, { INTS, INTS }, ne_##T },	\
	{ "setp.lt." #T " %d, %a, %b;", { PRED, W, W }, { INTS, INTS }, lt_##T },	\
	{ "setp.le." #T " %d, %a, %b;", { PRED, W, W }, { INTS, INTS }, le_##T },	\
	{ "setp.gt." #T " %d, %a, %b;", { PRED, W, W }, { INTS, INTS }, gt_##T },	\
	{ "setp.ge." #T " %d, %a, %b;", { PRED, W, W }, { INTS, INTS }, ge_##T },	\
};

CMP(u16, B16, u16)
CMP(s16, B16, s16)
CMP(u32, B32, u32)
CMP(s32, B32, s32)
CMP(u64, B64, u64)
CMP(s64, B64, s64)

REF(lt_and, ((s32)a < (s32)b) && (c & 1))
REF(lt_or_not, ((s32)a < (s32)b) || !(c & 1))
REF(nlt_xor, (!((s32)a < (s32)b)) ^ (c & 1))
REF(set_lt_u32, (u32)a < (u32)b ? 0xffffffff : 0)
REF(set_lt_f32, (s32)a < (s32)b ? 0x3f800000 : 0)
REF(set_lt_and, (u32)a < (u32)b && (c & 1) ? 0xffffffff : 0)

static const struct op_test setp_tests[] = {
	{ "setp.lo.u32 %d, %a, %b;", { PRED, B32, B32 }, { INTS, INTS }, lt_u32 },
	{ "setp.ls.u32 %d, %a, %b;", { PRED, B32, B32 }, { INTS, INTS }, le_u32 },
	{ "setp.hi.u32 %d, %a, %b;", { PRED, B32, B32 }, { INTS, INTS }, gt_u32 },
	{ "setp.hs.u64 %d, %a, %b;", { PRED, B64, B64 }, { INTS, INTS }, ge_u64 },
	{ "setp.eq.b16 %d, %a, %b;", { PRED, B16, B16 }, { INTS, INTS }, eq_u16 },
	{ "setp.ne.b32 %d, %a, %b;", { PRED, B32, B32 }, { INTS, INTS }, ne_u32 },
	{ "setp.eq.b64 %d, %a, %b;", { PRED, B64, B64 }, { INTS, INTS }, eq_u64 },
	{ "setp.lt.and.s32 %d, %a, %b, %c;", { PRED, B32, B32, PRED }, { INTS, INTS, INTS }, lt_and },
	{ "setp.lt.or.s32 %d, %a, %b, !%c;", { PRED, B32, B32, PRED }, { INTS, INTS, INTS }, lt_or_not },
	{ "setp.lt.xor.s32 _|%d, %a, %b, %c;", { PRED, B32, B32, PRED }, { INTS, INTS, INTS }, nlt_xor },
	{ "{ .reg .pred q; setp.ge.s32 q|%d, %a, %b; }", { PRED, B32, B32 }, { INTS, INTS }, lt_s32 },
	{ "set.lt.u32.u32 %d, %a, %b;", { B32, B32, B32 }, { INTS, INTS }, set_lt_u32 },
	{ "set.lt.f32.s32 %d, %a, %b;", { B32, B32, B32 }, { INTS, INTS }, set_lt_f32 },
	{ "set.lt.and.u32.u32 %d, %a, %b, %c;", { B32, B32, B32, PRED }, { INTS, INTS, INTS }, set_lt_and },
};

static u64 halves(u64 a, u64 b, s32 (*f)(s32, s32), bool is_signed)
{
	u64 r = 0;
	int k;

	for (k = 0; k < 2; k++) {
		s32 x = is_signed ? (s32)(s16)(a >> 16 * k) : (s32)(u16)(a >> 16 * k);
		s32 y = is_signed ? (s32)(s16)(b >> 16 * k) : (s32)(u16)(b >> 16 * k);

		r |= (u64)(u16)f(x, y) << 16 * k;
	}
	return r;
}

static s32 f_add(s32 x, s32 y)
{
	return x + y;
}

static s32 f_min(s32 x, s32 y)
{
	return x < y ? x : y;
}

static s32 f_max(s32 x, s32 y)
{
	return x > y ? x : y;
}

static s32 f_max_relu(s32 x, s32 y)
{
	return f_max(f_max(x, y), 0);
}

REF(add_x2, halves(a, b, f_add, false))
REF(min_u16x2, halves(a, b, f_min, false))
REF(max_s16x2, halves(a, b, f_max, true))
REF(max_relu_s16x2, halves(a, b, f_max_relu, true))
REF(max_relu_s32, f_max_relu((s32)a, (s32)b))

static const struct op_test x2_tests[] = {
	OPS2("add.u16x2", B32, add_x2), OPS2("add.s16x2", B32, add_x2), OPS2("min.u16x2", B32, min_u16x2),
	OPS2("max.s16x2", B32, max_s16x2), OPS2("max.relu.s16x2", B32, max_relu_s16x2), OPS2("max.relu.s32", B32, max_relu_s32),
};

#define TEST(name)								\
static void test_##name(void **state)						\
{										\
	op_tests_run(dev, name, sizeof(name) / sizeof((name)[0]));		\
}

TEST(arithmetic_tests)
TEST(carry_tests)
TEST(bit_tests)
TEST(move_tests)
TEST(cmp_u16_tests)
TEST(cmp_s16_tests)
TEST(cmp_u32_tests)
TEST(cmp_s32_tests)
TEST(cmp_u64_tests)
TEST(cmp_s64_tests)
TEST(setp_tests)
TEST(x2_tests)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arithmetic_tests), cmocka_unit_test(test_carry_tests),
		cmocka_unit_test(test_bit_tests), cmocka_unit_test(test_move_tests),
		cmocka_unit_test(test_cmp_u16_tests), cmocka_unit_test(test_cmp_s16_tests),
		cmocka_unit_test(test_cmp_u32_tests), cmocka_unit_test(test_cmp_s32_tests),
		cmocka_unit_test(test_cmp_u64_tests), cmocka_unit_test(test_cmp_s64_tests),
		cmocka_unit_test(test_setp_tests), cmocka_unit_test(test_x2_tests),
	};
	int failed;

	dev = device_open(2);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	device_close(dev);
	return failed;
}
