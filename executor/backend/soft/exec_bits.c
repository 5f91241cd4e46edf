// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Logic, shifts, bit fields, moves and selection. */
#include "exec.h"

EXEC_1(mov_w, u32, u32, x)
EXEC_1(mov_d, u64, u64, x)
EXEC_2(and_w, u32, u32, u32, x & y)
EXEC_2(or_w, u32, u32, u32, x | y)
EXEC_2(xor_w, u32, u32, u32, x ^ y)
EXEC_1(not_w, u32, u32, ~x)
EXEC_2(and_d, u64, u64, u64, x & y)
EXEC_2(or_d, u64, u64, u64, x | y)
EXEC_2(xor_d, u64, u64, u64, x ^ y)
EXEC_1(not_d, u64, u64, ~x)
EXEC_1(cnot_b16, u16, u16, x == 0)
EXEC_1(cnot_w, u32, u32, x == 0)
EXEC_1(cnot_d, u64, u64, x == 0)

/* Shifts by more than the width clamp to it. */
EXEC_2(shl_b16, u16, u16, u32, y > 15 ? 0 : (uint32_t)x << y)
EXEC_2(shl_w, u32, u32, u32, y > 31 ? 0 : x << (y & 31))
EXEC_2(shl_d, u64, u64, u32, y > 63 ? 0 : x << (y & 63))
EXEC_2(shr_u16, u16, u16, u32, y > 15 ? 0 : x >> y)
EXEC_2(shr_s16, s16, s16, u32, x >> (y > 15 ? 15 : y))
EXEC_2(shr_u32, u32, u32, u32, y > 31 ? 0 : x >> (y & 31))
EXEC_2(shr_s32, s32, s32, u32, x >> (y > 31 ? 31 : y))
EXEC_2(shr_u64, u64, u64, u32, y > 63 ? 0 : x >> (y & 63))
EXEC_2(shr_s64, s64, s64, u32, x >> (y > 63 ? 63 : y))

static inline uint32_t funnel_left(uint32_t lo, uint32_t hi, uint32_t n)
{
	return (uint32_t)(((uint64_t)hi << 32 | lo) << n >> 32);
}

static inline uint32_t funnel_right(uint32_t lo, uint32_t hi, uint32_t n)
{
	return (uint32_t)(((uint64_t)hi << 32 | lo) >> n);
}

EXEC_3(shf_l_wrap, u32, u32, u32, u32, funnel_left(x, y, z & 31))
EXEC_3(shf_l_clamp, u32, u32, u32, u32, funnel_left(x, y, z > 32 ? 32 : z))
EXEC_3(shf_r_wrap, u32, u32, u32, u32, funnel_right(x, y, z & 31))
EXEC_3(shf_r_clamp, u32, u32, u32, u32, funnel_right(x, y, z > 32 ? 32 : z))

EXEC_1(popc_w, u32, u32, __builtin_popcount(x))
EXEC_1(popc_d, u32, u64, __builtin_popcountll(x))
EXEC_1(clz_w, u32, u32, x ? __builtin_clz(x) : 32)
EXEC_1(clz_d, u32, u64, x ? __builtin_clzll(x) : 64)

static inline uint32_t reverse32(uint32_t x)
{
	x = (x >> 1 & 0x55555555) | (x & 0x55555555) << 1;
	x = (x >> 2 & 0x33333333) | (x & 0x33333333) << 2;
	x = (x >> 4 & 0x0f0f0f0f) | (x & 0x0f0f0f0f) << 4;
	return __builtin_bswap32(x);
}

EXEC_1(brev_w, u32, u32, reverse32(x))
EXEC_1(brev_d, u64, u64, (uint64_t)reverse32((uint32_t)x) << 32 | reverse32((uint32_t)(x >> 32)))

/* Position of the most significant bit that is not a copy of the sign; all ones where there is none. */
static inline uint32_t find32(uint32_t x)
{
	return x ? 31u - (uint32_t)__builtin_clz(x) : UINT32_MAX;
}

static inline uint32_t find64(uint64_t x)
{
	return x ? 63u - (uint32_t)__builtin_clzll(x) : UINT32_MAX;
}

static inline uint32_t shiftamt(uint32_t pos, uint32_t top)
{
	return pos == UINT32_MAX ? pos : top - pos;
}

EXEC_1(bfind_u32, u32, u32, find32(x))
EXEC_1(bfind_s32, u32, s32, find32((uint32_t)(x ^ x >> 31)))
EXEC_1(bfind_u64, u32, u64, find64(x))
EXEC_1(bfind_s64, u32, s64, find64((uint64_t)(x ^ x >> 63)))
EXEC_1(bfindsh_u32, u32, u32, shiftamt(find32(x), 31))
EXEC_1(bfindsh_s32, u32, s32, shiftamt(find32((uint32_t)(x ^ x >> 31)), 31))
EXEC_1(bfindsh_u64, u32, u64, shiftamt(find64(x), 63))
EXEC_1(bfindsh_s64, u32, s64, shiftamt(find64((uint64_t)(x ^ x >> 63)), 63))

static inline uint64_t field(uint64_t a, uint32_t pos, uint32_t len, unsigned int bits, bool is_signed)
{
	uint64_t r, sign;
	uint32_t top;

	pos &= 255;
	len &= 255;
	top = pos + len - 1 < bits - 1 ? pos + len - 1 : bits - 1;
	sign = is_signed && len ? a >> top & 1 : 0;
	r = pos > 63 ? 0 : a >> pos;
	if (!len)
		return 0;
	/* Bits past the end of the value are copies of the sign. */
	if (pos >= bits)
		return sign ? UINT64_MAX : 0;
	top -= pos;
	if (top < 63)
		r = (r & ((2ull << top) - 1)) | (sign ? ~0ull << top : 0);
	return r;
}

EXEC_3(bfe_u32, u32, u32, u32, u32, (uint32_t)field(x, y, z, 32, false))
EXEC_3(bfe_s32, u32, u32, u32, u32, (uint32_t)field(x, y, z, 32, true))
EXEC_3(bfe_u64, u64, u64, u32, u32, field(x, y, z, 64, false))
EXEC_3(bfe_s64, u64, u64, u32, u32, field(x, y, z, 64, true))

static inline uint64_t insert(uint64_t a, uint64_t b, uint32_t pos, uint32_t len, unsigned int bits)
{
	uint64_t mask;

	pos &= 255;
	len &= 255;
	if (!len || pos >= bits)
		return b;
	mask = (len > 63 ? ~0ull : (1ull << len) - 1) << pos;
	return (b & ~mask) | (a << pos & mask);
}

/* bfi d, a, b, pos, len */
EXEC(bfi_w)
{
	uint32_t *d = w_row(w, i->o[0]);
	const uint32_t *a = w_row(w, i->o[1]), *b = w_row(w, i->o[2]), *p = w_row(w, i->o[3]), *n = w_row(w, i->o[4]);

	FOR_LANES {
		uint32_t r = (uint32_t)insert(a[l], b[l], p[l], n[l], 32);

		d[l] = ON(m, l) ? r : d[l];
	}
	return i + 1;
}

EXEC(bfi_d)
{
	uint64_t *d = d_row(w, i->o[0]);
	const uint64_t *a = d_row(w, i->o[1]), *b = d_row(w, i->o[2]);
	const uint32_t *p = w_row(w, i->o[3]), *n = w_row(w, i->o[4]);

	FOR_LANES {
		uint64_t r = insert(a[l], b[l], p[l], n[l], 64);

		d[l] = ON(m, l) ? r : d[l];
	}
	return i + 1;
}

static inline uint32_t mask_clamp(uint32_t a, uint32_t b)
{
	return a > 31 ? 0 : (b > 31 ? ~0u : (1u << b) - 1) << a;
}

EXEC_2(bmsk_clamp, u32, u32, u32, mask_clamp(x, y))
EXEC_2(bmsk_wrap, u32, u32, u32, mask_clamp(x & 31, y & 31))

static inline uint32_t sign_extend(uint32_t a, uint32_t n)
{
	return n > 31 ? a : !n ? 0 : (uint32_t)((int32_t)(a << (32 - n)) >> (32 - n));
}

static inline uint32_t zero_extend(uint32_t a, uint32_t n)
{
	return n > 31 ? a : a & ((1u << n) - 1);
}

EXEC_2(szext_clamp_s, u32, u32, u32, sign_extend(x, y))
EXEC_2(szext_clamp_u, u32, u32, u32, zero_extend(x, y))
EXEC_2(szext_wrap_s, u32, u32, u32, sign_extend(x, y & 31))
EXEC_2(szext_wrap_u, u32, u32, u32, zero_extend(x, y & 31))

/* fns d, mask, base, offset: the offset-th set bit of mask from base on, upwards or downwards. */
static inline uint32_t nth_set(uint32_t mask, uint32_t base, int32_t offset)
{
	int32_t pos = (int32_t)base, step = offset < 0 ? -1 : 1;
	int64_t count = offset < 0 ? -(int64_t)offset : offset;

	if (base > 31)
		return UINT32_MAX;
	if (!offset)
		return mask >> base & 1 ? base : UINT32_MAX;
	for (; pos >= 0 && pos < 32; pos += step)
		if (mask >> pos & 1 && !--count)
			return (uint32_t)pos;
	return UINT32_MAX;
}

EXEC_3(fns, u32, u32, u32, s32, nth_set(x, y, z))

/* lop3: imm is the truth table. */
EXEC(lop3)
{
	uint32_t *d = w_row(w, i->o[0]);
	const uint32_t *a = w_row(w, i->o[1]), *b = w_row(w, i->o[2]), *c = w_row(w, i->o[3]);
	uint32_t t[8], k;

	for (k = 0; k < 8; k++)
		t[k] = i->imm >> k & 1 ? ~0u : 0;
	FOR_LANES {
		uint32_t x = a[l], y = b[l], z = c[l], r;

		r = (t[0] & ~x & ~y & ~z) | (t[1] & ~x & ~y & z) | (t[2] & ~x & y & ~z) | (t[3] & ~x & y & z) |
		    (t[4] & x & ~y & ~z) | (t[5] & x & ~y & z) | (t[6] & x & y & ~z) | (t[7] & x & y & z);
		d[l] = ON(m, l) ? r : d[l];
	}
	return i + 1;
}

static inline uint32_t permute(uint32_t a, uint32_t b, uint32_t sel)
{
	uint64_t bytes = (uint64_t)b << 32 | a;
	uint32_t r = 0, k;

	for (k = 0; k < 4; k++) {
		uint32_t s = sel >> (4 * k), byte = (uint32_t)(bytes >> (8 * (s & 7))) & 255;

		if (s & 8)
			byte = byte & 0x80 ? 255 : 0;
		r |= byte << (8 * k);
	}
	return r;
}

enum { PRMT_INDEX, PRMT_F4E, PRMT_B4E, PRMT_RC8, PRMT_ECL, PRMT_ECR, PRMT_RC16 };

static inline uint32_t permute_mode(uint32_t sel, int mode)
{
	uint32_t n = sel & 3;

	switch (mode) {
	case PRMT_F4E:
		return 0x3210 + 0x1111 * n;
	case PRMT_B4E:
		return (n & 7) | ((n + 7) & 7) << 4 | ((n + 6) & 7) << 8 | ((n + 5) & 7) << 12;
	case PRMT_RC8:
		return 0x1111 * n;
	case PRMT_ECL:
		return (n > 0 ? n : 0) | (n > 1 ? n : 1) << 4 | (n > 2 ? n : 2) << 8 | 3 << 12;
	case PRMT_ECR:
		return (n < 1 ? n : 0) | (n < 1 ? n : 1) << 4 | (n < 2 ? n : 2) << 8 | (n < 3 ? n : 3) << 12;
	case PRMT_RC16:
		return n & 1 ? 0x3232 : 0x1010;
	}
	return sel & 0xffff;
}

EXEC_3(prmt, u32, u32, u32, u32, permute(x, y, z))

/* x: mode */
EXEC(prmt_mode)
{
	uint32_t *d = w_row(w, i->o[0]);
	const uint32_t *a = w_row(w, i->o[1]), *b = w_row(w, i->o[2]), *c = w_row(w, i->o[3]);

	for (unsigned int l = 0; l < LANES; l++)
		if (ON(m, l))
			d[l] = permute(a[l], b[l], permute_mode(c[l], i->x));
	return i + 1;
}

/* Packing and unpacking of vectors by mov. */
EXEC_2(pack_w, u32, u16, u16, (uint32_t)x | (uint32_t)y << 16)
EXEC_2(pack_d, u64, u32, u32, (uint64_t)x | (uint64_t)y << 32)
EXEC_1(low_b16, u16, u32, x)
EXEC_1(high_b16, u16, u32, x >> 16)
EXEC_1(low_b32, u32, u64, x)
EXEC_1(high_b32, u32, u64, x >> 32)
EXEC_2(insert_b8, u32, u32, u8, x << 8 | y)
/* imm: shift */
EXEC(byte_w)
{
	uint32_t *d = w_row(w, i->o[0]);
	const uint32_t *a = w_row(w, i->o[1]);

	FOR_LANES {
		uint32_t r = a[l] >> i->imm & 255;

		d[l] = ON(m, l) ? r : d[l];
	}
	return i + 1;
}

/* selp d, a, b, p */
EXEC(selp_w)
{
	uint32_t *d = w_row(w, i->o[0]), p = *p_word(w, i->o[3]);
	const uint32_t *a = w_row(w, i->o[1]), *b = w_row(w, i->o[2]);

	if (likely(m == FULL_MASK)) {
		FOR_LANES
			d[l] = ON(p, l) ? a[l] : b[l];
	} else {
		FOR_LANES {
			uint32_t r = ON(p, l) ? a[l] : b[l];

			d[l] = ON(m, l) ? r : d[l];
		}
	}
	return i + 1;
}

EXEC(selp_d)
{
	uint64_t *d = d_row(w, i->o[0]);
	const uint64_t *a = d_row(w, i->o[1]), *b = d_row(w, i->o[2]);
	uint32_t p = *p_word(w, i->o[3]);

	FOR_LANES {
		uint64_t r = ON(p, l) ? a[l] : b[l];

		d[l] = ON(m, l) ? r : d[l];
	}
	return i + 1;
}

EXEC_3(slct_w_s32, u32, u32, u32, s32, z >= 0 ? x : y)
EXEC_3(slct_d_s32, u64, u64, u64, s32, z >= 0 ? x : y)
EXEC_3(slct_w_f32, u32, u32, u32, f32, z >= 0 ? x : y)
EXEC_3(slct_d_f32, u64, u64, u64, f32, z >= 0 ? x : y)

/* Predicates. */
EXEC(mov_p)
{
	p_write(w, i->o[0], m, *p_word(w, i->o[1]));
	return i + 1;
}

EXEC(not_p)
{
	p_write(w, i->o[0], m, ~*p_word(w, i->o[1]));
	return i + 1;
}

EXEC(and_p)
{
	p_write(w, i->o[0], m, *p_word(w, i->o[1]) & *p_word(w, i->o[2]));
	return i + 1;
}

EXEC(or_p)
{
	p_write(w, i->o[0], m, *p_word(w, i->o[1]) | *p_word(w, i->o[2]));
	return i + 1;
}

EXEC(xor_p)
{
	p_write(w, i->o[0], m, *p_word(w, i->o[1]) ^ *p_word(w, i->o[2]));
	return i + 1;
}

EXEC(selp_p)
{
	uint32_t p = *p_word(w, i->o[3]);

	p_write(w, i->o[0], m, (*p_word(w, i->o[1]) & p) | (*p_word(w, i->o[2]) & ~p));
	return i + 1;
}

#define COMPARE(T)				\
EXEC_P(eq_##T, T, T, x == y)			\
EXEC_P(ne_##T, T, T, x != y)			\
EXEC_P(lt_##T, T, T, x < y)			\
EXEC_P(le_##T, T, T, x <= y)			\
EXEC_P(gt_##T, T, T, x > y)			\
EXEC_P(ge_##T, T, T, x >= y)

COMPARE(u16)
COMPARE(s16)
COMPARE(u32)
COMPARE(s32)
COMPARE(u64)
COMPARE(s64)

#define COMPARE_FLOAT(T)			\
EXEC_P(eq_##T, T, T, x == y)			\
EXEC_P(ne_##T, T, T, x < y || x > y)		\
EXEC_P(lt_##T, T, T, x < y)			\
EXEC_P(le_##T, T, T, x <= y)			\
EXEC_P(gt_##T, T, T, x > y)			\
EXEC_P(ge_##T, T, T, x >= y)			\
EXEC_P(equ_##T, T, T, !(x < y || x > y))	\
EXEC_P(neu_##T, T, T, x != y)			\
EXEC_P(ltu_##T, T, T, !(x >= y))		\
EXEC_P(leu_##T, T, T, !(x > y))			\
EXEC_P(gtu_##T, T, T, !(x <= y))		\
EXEC_P(geu_##T, T, T, !(x < y))			\
EXEC_P(num_##T, T, T, x == x && y == y)		\
EXEC_P(nan_##T, T, T, x != x || y != y)

COMPARE_FLOAT(f32)
COMPARE_FLOAT(f64)
