// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Integer and bit instructions, comparisons, selection. */
#include "ops.h"

static struct device *dev;

#define MIN(x, y) ((x) < (y) ? (x) : (y))
#define MAX(x, y) ((x) > (y) ? (x) : (y))
#define CLAMP32(x) ((x) > INT32_MAX ? INT32_MAX : (x) < INT32_MIN ? INT32_MIN : (x))
typedef __int128 s128;
typedef unsigned __int128 u128;

/* Rows of one type; w is its unsigned counterpart. */
#define EVERY_INT(X, t, w, wide, bits)							\
	X(add_##t, "add." #t " %d, %a, %b;", t, t, t, none, (w)((w)a + (w)b))		\
	X(sub_##t, "sub." #t " %d, %a, %b;", t, t, t, none, (w)((w)a - (w)b))		\
	X(mul_lo_##t, "mul.lo." #t " %d, %a, %b;", t, t, t, none, (w)((u64)a * (u64)b))	\
	X(mul_hi_##t, "mul.hi." #t " %d, %a, %b;", t, t, t, none, (wide)a * b >> bits)	\
	X(mad_lo_##t, "mad.lo." #t " %d, %a, %b, %c;", t, t, t, t, (w)((u64)a * (u64)b + (u64)c))	\
	X(mad_hi_##t, "mad.hi." #t " %d, %a, %b, %c;", t, t, t, t, (w)((u64)((wide)a * b >> bits) + (u64)c))	\
	X(min_##t, "min." #t " %d, %a, %b;", t, t, t, none, MIN(a, b))			\
	X(max_##t, "max." #t " %d, %a, %b;", t, t, t, none, MAX(a, b))			\
	X(sad_##t, "sad." #t " %d, %a, %b, %c;", t, t, t, t, (w)((u64)c + (u64)(a > b ? (u64)a - (u64)b : (u64)b - (u64)a)))	\
	X(div_##t, "or.b" #bits " %b, %b, 1; div." #t " %d, %a, %b;", t, t, t, none, (t)((wide)a / (t)(b | 1)))	\
	X(rem_##t, "or.b" #bits " %b, %b, 1; rem." #t " %d, %a, %b;", t, t, t, none, (t)((wide)a % (t)(b | 1)))	\
	X(shr_##t, "shr." #t " %d, %a, %b;", t, t, u32, none, b < bits ? a >> b : a < 0 ? -1 : 0)	\
	X(eq_##t, "setp.eq." #t " %d, %a, %b;", pred, t, t, none, a == b)		\
	X(ne_##t, "setp.ne." #t " %d, %a, %b;", pred, t, t, none, a != b)		\
	X(lt_##t, "setp.lt." #t " %d, %a, %b;", pred, t, t, none, a < b)		\
	X(le_##t, "setp.le." #t " %d, %a, %b;", pred, t, t, none, a <= b)		\
	X(gt_##t, "setp.gt." #t " %d, %a, %b;", pred, t, t, none, a > b)		\
	X(ge_##t, "setp.ge." #t " %d, %a, %b;", pred, t, t, none, a >= b)		\
	X(lt_and_##t, "setp.lt.and." #t " %d, %a, %b, %c;", pred, t, t, pred, a < b && c)	\
	X(ge_or_##t, "setp.ge.or." #t " %d, %a, %b, !%c;", pred, t, t, pred, a >= b || !c)	\
	X(eq_xor_##t, "setp.eq.xor." #t " %d, %a, %b, %c;", pred, t, t, pred, (a == b) != c)	\
	X(set_u32_##t, "set.gt.u32." #t " %d, %a, %b;", u32, t, t, none, a > b ? ~0u : 0)	\
	X(set_f32_##t, "set.gt.f32." #t " %d, %a, %b;", f32, t, t, none, a > b ? 1 : 0)	\
	X(selp_##t, "selp." #t " %d, %a, %b, %c;", t, t, t, pred, c ? a : b)		\
	X(slct_s_##t, "slct." #t ".s32 %d, %a, %b, %c;", t, t, t, s32, c >= 0 ? a : b)	\
	X(mov_##t, "mov." #t " %d, %a;", t, t, none, none, a)

#define EVERY_SIGNED(X, t, w)								\
	X(neg_##t, "neg." #t " %d, %a;", t, t, none, none, (w)(0 - (w)a))		\
	X(abs_##t, "abs." #t " %d, %a;", t, t, none, none, a < 0 ? (w)(0 - (w)a) : (w)a)

#define EVERY_UNSIGNED(X, t)								\
	X(lo_##t, "setp.lo." #t " %d, %a, %b;", pred, t, t, none, a < b)		\
	X(ls_##t, "setp.ls." #t " %d, %a, %b;", pred, t, t, none, a <= b)		\
	X(hi_##t, "setp.hi." #t " %d, %a, %b;", pred, t, t, none, a > b)		\
	X(hs_##t, "setp.hs." #t " %d, %a, %b;", pred, t, t, none, a >= b)

#define EVERY_BITS(X, w, bits)								\
	X(and_##w, "and.b" #bits " %d, %a, %b;", w, w, w, none, a & b)			\
	X(or_##w, "or.b" #bits " %d, %a, %b;", w, w, w, none, a | b)			\
	X(xor_##w, "xor.b" #bits " %d, %a, %b;", w, w, w, none, a ^ b)			\
	X(not_##w, "not.b" #bits " %d, %a;", w, w, none, none, ~a)			\
	X(cnot_##w, "cnot.b" #bits " %d, %a;", w, w, none, none, !a)			\
	X(shl_##w, "shl.b" #bits " %d, %a, %b;", w, w, u32, none, b < bits ? (w)((u64)a << b) : 0)	\
	X(beq_##w, "setp.eq.b" #bits " %d, %a, %b;", pred, w, w, none, a == b)

#define INTS(X)										\
	EVERY_INT(X, u16, u16, u32, 16) EVERY_INT(X, s16, u16, s32, 16) EVERY_INT(X, u32, u32, u64, 32)	\
	EVERY_INT(X, s32, u32, s64, 32) EVERY_INT(X, u64, u64, u128, 64) EVERY_INT(X, s64, u64, s128, 64)	\
	EVERY_SIGNED(X, s16, u16) EVERY_SIGNED(X, s32, u32) EVERY_SIGNED(X, s64, u64)		\
	EVERY_UNSIGNED(X, u16) EVERY_UNSIGNED(X, u32) EVERY_UNSIGNED(X, u64)			\
	EVERY_BITS(X, u16, 16) EVERY_BITS(X, u32, 32) EVERY_BITS(X, u64, 64)

INTS(DEFINE)
static const struct op ints[] = { INTS(ROW) };

static u32 reverse(u32 x)
{
	u32 r = 0;
	int i;

	for (i = 0; i < 32; i++)
		r |= (x >> i & 1) << (31 - i);
	return r;
}

static u64 extract(u64 a, u32 pos, u32 len, int bits, bool sign)
{
	u64 r = 0;
	int i;
	bool top;

	pos &= 0xff;
	len &= 0xff;
	top = sign && len && (a >> MIN(pos + len - 1, (u32)bits - 1) & 1);
	for (i = 0; i < bits; i++) {
		bool bit = (u32)i < len && pos + (u32)i < (u32)bits ? a >> (pos + (u32)i) & 1 : top;

		r |= (u64)bit << i;
	}
	return r;
}

static u64 insert(u64 a, u64 b, u32 pos, u32 len, int bits)
{
	u32 i;

	pos &= 0xff;
	len &= 0xff;
	for (i = 0; i < len && pos + i < (u32)bits; i++)
		b = (b & ~(1ull << (pos + i))) | (a >> i & 1) << (pos + i);
	return b;
}

static u32 permute(u32 a, u32 b, u32 selector)
{
	u64 bytes = (u64)b << 32 | a;
	u32 r = 0;
	int i;

	for (i = 0; i < 4; i++) {
		u32 s = selector >> (4 * i) & 0xf, byte = bytes >> (8 * (s & 7)) & 0xff;

		if (s & 8)
			byte = byte & 0x80 ? 0xff : 0;
		r |= byte << (8 * i);
	}
	return r;
}

/* mode: 0 f4e, 1 b4e, 2 rc8, 3 ecl, 4 ecr, 5 rc16 */
static u32 permute_mode(u32 a, u32 b, u32 c, int mode)
{
	static const u16 selectors[6][4] = {
		{ 0x3210, 0x4321, 0x5432, 0x6543 }, { 0x5670, 0x6701, 0x7012, 0x0123 }, { 0x0000, 0x1111, 0x2222, 0x3333 },
		{ 0x3210, 0x3211, 0x3222, 0x3333 }, { 0x0000, 0x1110, 0x2210, 0x3210 }, { 0x1010, 0x3232, 0x1010, 0x3232 },
	};

	return permute(a, b, selectors[mode][c & 3]);
}

static u32 lookup(u32 a, u32 b, u32 c, u32 table)
{
	u32 r = 0;
	int i;

	for (i = 0; i < 32; i++)
		r |= (table >> ((a >> i & 1) << 2 | (b >> i & 1) << 1 | (c >> i & 1)) & 1) << i;
	return r;
}

static int find(u64 a, int bits, bool sign)
{
	int i;

	if (sign && a >> (bits - 1) & 1)
		a = ~a;
	for (i = bits - 1; i >= 0; i--)
		if (a >> i & 1)
			return i;
	return -1;
}

static u32 dot4(u32 a, u32 b, u32 c, bool sa, bool sb)
{
	int i;

	for (i = 0; i < 32; i += 8)
		c += (u32)((sa ? (s8)(a >> i) : (int)(u8)(a >> i)) * (sb ? (s8)(b >> i) : (int)(u8)(b >> i)));
	return c;
}

static u32 dot2(u32 a, u32 b, u32 c, bool sa, bool sb, int shift)
{
	int i;

	for (i = 0; i < 2; i++)
		c += (u32)((sa ? (s16)(a >> 16 * i) : (int)(u16)(a >> 16 * i)) *
			   (sb ? (s8)(b >> (shift + 8 * i)) : (int)(u8)(b >> (shift + 8 * i))));
	return c;
}

static s32 low24(s32 x)
{
	return (s32)((u32)x << 8) >> 8;
}

#define BITS(X)											\
	X(popc32, "popc.b32 %d, %a;", u32, u32, none, none, __builtin_popcount(a))		\
	X(popc64, "popc.b64 %d, %a;", u32, u64, none, none, __builtin_popcountll(a))		\
	X(clz32, "clz.b32 %d, %a;", u32, u32, none, none, a ? __builtin_clz(a) : 32)		\
	X(clz64, "clz.b64 %d, %a;", u32, u64, none, none, a ? __builtin_clzll(a) : 64)		\
	X(brev32, "brev.b32 %d, %a;", u32, u32, none, none, reverse(a))				\
	X(brev64, "brev.b64 %d, %a;", u64, u64, none, none, (u64)reverse((u32)a) << 32 | reverse((u32)(a >> 32)))	\
	X(bfind_u32, "bfind.u32 %d, %a;", u32, u32, none, none, find(a, 32, false))		\
	X(bfind_s32, "bfind.s32 %d, %a;", u32, s32, none, none, find((u32)a, 32, true))		\
	X(bfind_u64, "bfind.u64 %d, %a;", u32, u64, none, none, find(a, 64, false))		\
	X(bfind_s64, "bfind.s64 %d, %a;", u32, s64, none, none, find((u64)a, 64, true))		\
	X(bfind_shift_u32, "bfind.shiftamt.u32 %d, %a;", u32, u32, none, none, a ? 31 - find(a, 32, false) : -1)	\
	X(bfind_shift_s64, "bfind.shiftamt.s64 %d, %a;", u32, s64, none, none,			\
	  find((u64)a, 64, true) < 0 ? -1 : 63 - find((u64)a, 64, true))			\
	X(bfe_u32, "bfe.u32 %d, %a, %b, %c;", u32, u32, u32, u32, extract(a, b, c, 32, false))	\
	X(bfe_s32, "bfe.s32 %d, %a, %b, %c;", u32, u32, u32, u32, extract(a, b, c, 32, true))	\
	X(bfe_u64, "bfe.u64 %d, %a, %b, %c;", u64, u64, u32, u32, extract(a, b, c, 64, false))	\
	X(bfe_s64, "bfe.s64 %d, %a, %b, %c;", u64, u64, u32, u32, extract(a, b, c, 64, true))	\
	X(bfi_32, "bfi.b32 %d, %a, %b, %c, 5;", u32, u32, u32, u32, insert(a, b, c, 5, 32))	\
	X(bfi_len_32, "bfi.b32 %d, %a, %b, 3, %c;", u32, u32, u32, u32, insert(a, b, 3, c, 32))	\
	X(bfi_64, "bfi.b64 %d, %a, %b, %c, 33;", u64, u64, u64, u32, insert(a, b, c, 33, 64))	\
	X(bfi_len_64, "bfi.b64 %d, %a, %b, 9, %c;", u64, u64, u64, u32, insert(a, b, 9, c, 64))	\
	X(prmt, "prmt.b32 %d, %a, %b, %c;", u32, u32, u32, u32, permute(a, b, c))		\
	X(prmt_imm, "prmt.b32 %d, %a, %b, 0x9c27;", u32, u32, u32, none, permute(a, b, 0x9c27))	\
	X(prmt_f4e, "prmt.b32.f4e %d, %a, %b, %c;", u32, u32, u32, u32, permute_mode(a, b, c, 0))	\
	X(prmt_b4e, "prmt.b32.b4e %d, %a, %b, %c;", u32, u32, u32, u32, permute_mode(a, b, c, 1))	\
	X(prmt_rc8, "prmt.b32.rc8 %d, %a, %b, %c;", u32, u32, u32, u32, permute_mode(a, b, c, 2))	\
	X(prmt_ecl, "prmt.b32.ecl %d, %a, %b, %c;", u32, u32, u32, u32, permute_mode(a, b, c, 3))	\
	X(prmt_ecr, "prmt.b32.ecr %d, %a, %b, %c;", u32, u32, u32, u32, permute_mode(a, b, c, 4))	\
	X(prmt_rc16, "prmt.b32.rc16 %d, %a, %b, %c;", u32, u32, u32, u32, permute_mode(a, b, c, 5))	\
	X(lop3_e8, "lop3.b32 %d, %a, %b, %c, 0xe8;", u32, u32, u32, u32, lookup(a, b, c, 0xe8))	\
	X(lop3_1b, "lop3.b32 %d, %a, %b, %c, 0x1b;", u32, u32, u32, u32, lookup(a, b, c, 0x1b))	\
	X(shf_l_wrap, "shf.l.wrap.b32 %d, %a, %b, %c;", u32, u32, u32, u32, (((u64)b << 32 | a) << (c & 31)) >> 32)	\
	X(shf_r_wrap, "shf.r.wrap.b32 %d, %a, %b, %c;", u32, u32, u32, u32, ((u64)b << 32 | a) >> (c & 31))	\
	X(shf_l_clamp, "shf.l.clamp.b32 %d, %a, %b, %c;", u32, u32, u32, u32, (((u64)b << 32 | a) << MIN(c, 32)) >> 32)	\
	X(shf_r_clamp, "shf.r.clamp.b32 %d, %a, %b, %c;", u32, u32, u32, u32, ((u64)b << 32 | a) >> MIN(c, 32))	\
	X(mul24_lo_u, "mul24.lo.u32 %d, %a, %b;", u32, u32, u32, none, (u64)(a & 0xffffff) * (b & 0xffffff))	\
	X(mul24_hi_u, "mul24.hi.u32 %d, %a, %b;", u32, u32, u32, none, (u64)(a & 0xffffff) * (b & 0xffffff) >> 16)	\
	X(mul24_lo_s, "mul24.lo.s32 %d, %a, %b;", s32, s32, s32, none, (s64)low24(a) * low24(b))	\
	X(mul24_hi_s, "mul24.hi.s32 %d, %a, %b;", s32, s32, s32, none, (s64)low24(a) * low24(b) >> 16)	\
	X(mad24_lo_u, "mad24.lo.u32 %d, %a, %b, %c;", u32, u32, u32, u32, (u64)(a & 0xffffff) * (b & 0xffffff) + c)	\
	X(mad24_lo_s, "mad24.lo.s32 %d, %a, %b, %c;", s32, s32, s32, s32, (s64)low24(a) * low24(b) + c)	\
	X(mul_wide_u16, "mul.wide.u16 %d, %a, %b;", u32, u16, u16, none, (u32)a * b)		\
	X(mul_wide_s16, "mul.wide.s16 %d, %a, %b;", s32, s16, s16, none, a * b)			\
	X(mul_wide_u32, "mul.wide.u32 %d, %a, %b;", u64, u32, u32, none, (u64)a * b)		\
	X(mul_wide_s32, "mul.wide.s32 %d, %a, %b;", s64, s32, s32, none, (s64)a * b)		\
	X(mad_wide_u16, "mad.wide.u16 %d, %a, %b, %c;", u32, u16, u16, u32, (u32)a * b + c)	\
	X(mad_wide_s16, "mad.wide.s16 %d, %a, %b, %c;", s32, s16, s16, s32, (u32)(a * b) + (u32)c)	\
	X(mad_wide_u32, "mad.wide.u32 %d, %a, %b, %c;", u64, u32, u32, u64, (u64)a * b + c)	\
	X(mad_wide_s32, "mad.wide.s32 %d, %a, %b, %c;", s64, s32, s32, s64, (u64)((s64)a * b) + (u64)c)	\
	X(add_sat, "add.sat.s32 %d, %a, %b;", s32, s32, s32, none, CLAMP32((s64)a + b))		\
	X(sub_sat, "sub.sat.s32 %d, %a, %b;", s32, s32, s32, none, CLAMP32((s64)a - b))		\
	X(mad_hi_sat, "mad.hi.sat.s32 %d, %a, %b, %c;", s32, s32, s32, s32, CLAMP32(((s64)a * b >> 32) + c))	\
	X(dp4a_uu, "dp4a.u32.u32 %d, %a, %b, %c;", u32, u32, u32, u32, dot4(a, b, c, false, false))	\
	X(dp4a_us, "dp4a.u32.s32 %d, %a, %b, %c;", u32, u32, u32, u32, dot4(a, b, c, false, true))	\
	X(dp4a_su, "dp4a.s32.u32 %d, %a, %b, %c;", u32, u32, u32, u32, dot4(a, b, c, true, false))	\
	X(dp4a_ss, "dp4a.s32.s32 %d, %a, %b, %c;", u32, u32, u32, u32, dot4(a, b, c, true, true))	\
	X(dp2a_lo_ss, "dp2a.lo.s32.s32 %d, %a, %b, %c;", u32, u32, u32, u32, dot2(a, b, c, true, true, 0))	\
	X(dp2a_hi_us, "dp2a.hi.u32.s32 %d, %a, %b, %c;", u32, u32, u32, u32, dot2(a, b, c, false, true, 16))	\
	X(dp2a_lo_su, "dp2a.lo.s32.u32 %d, %a, %b, %c;", u32, u32, u32, u32, dot2(a, b, c, true, false, 0))	\
	X(dp2a_hi_uu, "dp2a.hi.u32.u32 %d, %a, %b, %c;", u32, u32, u32, u32, dot2(a, b, c, false, false, 16))	\
	X(slct_f, "slct.u32.f32 %d, %a, %b, %c;", u32, u32, u32, f32, c >= 0 ? a : b)		\
	X(slct_f64, "slct.f64.f32 %d, %a, %b, %c;", f64, f64, f64, f32, c >= 0 ? a : b)		\
	X(and_pred, "and.pred %d, %a, %b;", pred, pred, pred, none, a && b)			\
	X(or_pred, "or.pred %d, %a, %b;", pred, pred, pred, none, a || b)			\
	X(xor_pred, "xor.pred %d, %a, %b;", pred, pred, pred, none, a != b)			\
	X(not_pred, "not.pred %d, %a;", pred, pred, none, none, !a)				\
	X(mov_pred, "mov.pred %d, %a;", pred, pred, none, none, a)				\
	X(pack2, "{.reg .b16 %x, %y; mov.b32 {%x, %y}, %a; mov.b32 %d, {%y, %x};}", u32, u32, none, none, a << 16 | a >> 16)	\
	X(pack4, "{.reg .b16 %x<4>; mov.b64 {%x0, %x1, %x2, %x3}, %a; mov.b64 %d, {%x3, %x0, %x1, %x2};}", u64, u64, none, none,	\
	  a << 16 | a >> 48)									\
	X(pack64, "{.reg .b32 %x, %y; mov.b64 {%x, %y}, %a; mov.b64 %d, {%y, %x};}", u64, u64, none, none, a << 32 | a >> 32)	\
	X(carry, "{.reg .b32 %x, %y; add.cc.u32 %x, %a, %b; addc.u32 %d, %c, 0;}", u32, u32, u32, u32,	\
	  c + (u32)(((u64)a + b) >> 32))							\
	X(carry_out, "{.reg .b32 %x; add.cc.u32 %x, %a, %b; addc.cc.u32 %x, %c, %a; addc.u32 %d, 0, 0;}", u32, u32, u32, u32,	\
	  ((u64)a + c + (((u64)a + b) >> 32)) >> 32)						\
	X(borrow, "{.reg .b32 %x; sub.cc.u32 %x, %a, %b; subc.u32 %d, %c, 0;}", u32, u32, u32, u32, c - (a < b))	\
	X(borrow_out, "{.reg .b32 %x; sub.cc.u32 %x, %a, %b; subc.cc.u32 %x, %c, %a; subc.u32 %d, 7, 0;}", u32, u32, u32, u32,	\
	  7 - ((u64)c < (u64)a + (a < b)))							\
	X(carry64, "{.reg .b64 %x; add.cc.u64 %x, %a, %b; addc.u64 %d, %a, 5;}", u64, u64, u64, none, a + 5 + (a + b < a))	\
	X(mad_carry, "{.reg .b32 %x; mad.lo.cc.u32 %x, %a, %b, %c; madc.hi.u32 %d, %a, %b, 0;}", u32, u32, u32, u32,	\
	  ((u64)a * b + c) >> 32)								\
	X(madc_lo, "{.reg .b32 %x; add.cc.u32 %x, %a, %b; madc.lo.u32 %d, %a, %c, 1;}", u32, u32, u32, u32,	\
	  a * c + 1 + (u32)(((u64)a + b) >> 32))						\
	X(setp_pair, "{.reg .pred %x; setp.lt.s32 %d|%x, %a, %b; and.pred %d, %d, !%x;}", pred, s32, s32, none, a < b)	\
	X(bmsk_clamp, "bmsk.clamp.b32 %d, %a, %b;", u32, u32, u32, none,			\
	  a >= 32 ? 0 : b >= 32 ? ~0u << a : ((1u << b) - 1) << a)				\
	X(bmsk_wrap, "bmsk.wrap.b32 %d, %a, %b;", u32, u32, u32, none, ((1u << (b & 31)) - 1) << (a & 31))	\
	X(szext_s_wrap, "szext.wrap.s32 %d, %a, %b;", s32, s32, u32, none,			\
	  b & 31 ? (s32)((u32)a << (32 - (b & 31))) >> (32 - (b & 31)) : 0)			\
	X(szext_u_clamp, "szext.clamp.u32 %d, %a, %b;", u32, u32, u32, none, b >= 32 ? a : a & ((1u << b) - 1))	\
	X(imm_add, "add.s32 %d, %a, -7;", s32, s32, none, none, (u32)a - 7)			\
	X(imm_first, "sub.u64 %d, 100, %a;", u64, u64, none, none, 100 - a)			\
	X(imm_shift, "shl.b64 %d, %a, 63;", u64, u64, none, none, a << 63)			\
	X(imm_expr, "and.b32 %d, %a, (0xff << 8) | 3;", u32, u32, none, none, a & 0xff03)	\
	X(by_zero_u32, "div.u32 %d, %a, 0;", u32, u32, none, none, ~0u)				\
	X(predicated, "@%b add.u32 %d, %a, 1; @!%b mov.u32 %d, 9;", u32, u32, pred, none, b ? a + 1 : 9)

BITS(DEFINE)
static const struct op bits[] = { BITS(ROW) };

static void integer_types(void **state)
{
	ops_run(dev, ints, sizeof(ints) / sizeof(*ints));
}

static void bit_fields(void **state)
{
	ops_run(dev, bits, sizeof(bits) / sizeof(*bits));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integer_types),
		cmocka_unit_test(bit_fields),
	};
	int failed;

	dev = device_open(1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	device_close(dev);
	return failed;
}
