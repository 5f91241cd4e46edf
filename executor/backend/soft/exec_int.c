// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Integer arithmetic. */
#include "exec.h"

EXEC_2(add_w, u32, u32, u32, x + y)
EXEC_2(add_d, u64, u64, u64, x + y)
EXEC_2(sub_w, u32, u32, u32, x - y)
EXEC_2(sub_d, u64, u64, u64, x - y)
EXEC_2(mul_w, u32, u32, u32, x * y)
EXEC_2(mul_d, u64, u64, u64, x * y)
EXEC_3(mad_w, u32, u32, u32, u32, x * y + z)
EXEC_3(mad_d, u64, u64, u64, u64, x * y + z)

static inline int32_t add_sat(int32_t x, int32_t y)
{
	int64_t r = (int64_t)x + y;

	return r > INT32_MAX ? INT32_MAX : r < INT32_MIN ? INT32_MIN : (int32_t)r;
}

static inline int32_t sub_sat(int32_t x, int32_t y)
{
	int64_t r = (int64_t)x - y;

	return r > INT32_MAX ? INT32_MAX : r < INT32_MIN ? INT32_MIN : (int32_t)r;
}

EXEC_2(addsat_s32, s32, s32, s32, add_sat(x, y))
EXEC_2(subsat_s32, s32, s32, s32, sub_sat(x, y))
/* mad.hi.sat */
EXEC_3(madhisat_s32, s32, s32, s32, s32, add_sat((int32_t)((int64_t)x * y >> 32), z))

static inline uint64_t mulhi_u64(uint64_t x, uint64_t y)
{
	return (uint64_t)((unsigned __int128)x * y >> 64);
}

static inline int64_t mulhi_s64(int64_t x, int64_t y)
{
	return (int64_t)((__int128)x * y >> 64);
}

EXEC_2(mulhi_u16, u16, u16, u16, (uint32_t)x * y >> 16)
EXEC_2(mulhi_s16, s16, s16, s16, (int32_t)x * y >> 16)
EXEC_2(mulhi_u32, u32, u32, u32, (uint64_t)x * y >> 32)
EXEC_2(mulhi_s32, s32, s32, s32, (int64_t)x * y >> 32)
EXEC_2(mulhi_u64, u64, u64, u64, mulhi_u64(x, y))
EXEC_2(mulhi_s64, s64, s64, s64, mulhi_s64(x, y))
EXEC_2(mulwide_u16, u32, u16, u16, (uint32_t)x * y)
EXEC_2(mulwide_s16, u32, s16, s16, (uint32_t)((int32_t)x * y))
EXEC_2(mulwide_u32, u64, u32, u32, (uint64_t)x * y)
EXEC_2(mulwide_s32, u64, s32, s32, (uint64_t)((int64_t)x * y))
EXEC_3(madhi_u16, u16, u16, u16, u16, ((uint32_t)x * y >> 16) + z)
EXEC_3(madhi_s16, s16, s16, s16, s16, ((int32_t)x * y >> 16) + z)
EXEC_3(madhi_u32, u32, u32, u32, u32, (uint32_t)((uint64_t)x * y >> 32) + z)
EXEC_3(madhi_s32, u32, s32, s32, u32, (uint32_t)((int64_t)x * y >> 32) + z)
EXEC_3(madhi_u64, u64, u64, u64, u64, mulhi_u64(x, y) + z)
EXEC_3(madhi_s64, u64, s64, s64, u64, (uint64_t)mulhi_s64(x, y) + z)
EXEC_3(madwide_u16, u32, u16, u16, u32, (uint32_t)x * y + z)
EXEC_3(madwide_s16, u32, s16, s16, u32, (uint32_t)((int32_t)x * y) + z)
EXEC_3(madwide_u32, u64, u32, u32, u64, (uint64_t)x * y + z)
EXEC_3(madwide_s32, u64, s32, s32, u64, (uint64_t)((int64_t)x * y) + z)

static inline int32_t sext24(uint32_t x)
{
	return (int32_t)(x << 8) >> 8;
}

EXEC_2(mul24lo_u32, u32, u32, u32, (uint32_t)((uint64_t)(x & 0xffffff) * (y & 0xffffff)))
EXEC_2(mul24lo_s32, u32, u32, u32, (uint32_t)((int64_t)sext24(x) * sext24(y)))
EXEC_2(mul24hi_u32, u32, u32, u32, (uint32_t)((uint64_t)(x & 0xffffff) * (y & 0xffffff) >> 16))
EXEC_2(mul24hi_s32, u32, u32, u32, (uint32_t)((int64_t)sext24(x) * sext24(y) >> 16))

/* Division by zero gives all ones, the remainder is then the dividend; the most negative by -1 wraps around. */
EXEC_2(div_u16, u16, u16, u16, y ? x / y : 0xffff)
EXEC_2(div_s16, s16, s16, s16, y ? (int32_t)x / y : -1)
EXEC_2(div_u32, u32, u32, u32, y ? x / y : UINT32_MAX)
EXEC_2(div_s32, s32, s32, s32, y ? (int32_t)((int64_t)x / y) : -1)
EXEC_2(div_u64, u64, u64, u64, y ? x / y : UINT64_MAX)
EXEC_2(div_s64, u64, s64, s64, y == -1 ? -(uint64_t)x : y ? (uint64_t)(x / y) : UINT64_MAX)
EXEC_2(rem_u16, u16, u16, u16, y ? x % y : x)
EXEC_2(rem_s16, s16, s16, s16, y ? (int32_t)x % y : x)
EXEC_2(rem_u32, u32, u32, u32, y ? x % y : x)
EXEC_2(rem_s32, s32, s32, s32, y ? (int32_t)((int64_t)x % y) : x)
EXEC_2(rem_u64, u64, u64, u64, y ? x % y : x)
EXEC_2(rem_s64, s64, s64, s64, y == -1 ? 0 : y ? x % y : x)

EXEC_1(neg_w, u32, u32, -x)
EXEC_1(neg_d, u64, u64, -x)
EXEC_1(abs_s16, u16, s16, x < 0 ? -(int32_t)x : x)
EXEC_1(abs_s32, u32, s32, x < 0 ? -(uint32_t)x : (uint32_t)x)
EXEC_1(abs_s64, u64, s64, x < 0 ? -(uint64_t)x : (uint64_t)x)

EXEC_2(min_u16, u16, u16, u16, x < y ? x : y)
EXEC_2(min_s16, s16, s16, s16, x < y ? x : y)
EXEC_2(min_u32, u32, u32, u32, x < y ? x : y)
EXEC_2(min_s32, s32, s32, s32, x < y ? x : y)
EXEC_2(min_u64, u64, u64, u64, x < y ? x : y)
EXEC_2(min_s64, s64, s64, s64, x < y ? x : y)
EXEC_2(max_u16, u16, u16, u16, x > y ? x : y)
EXEC_2(max_s16, s16, s16, s16, x > y ? x : y)
EXEC_2(max_u32, u32, u32, u32, x > y ? x : y)
EXEC_2(max_s32, s32, s32, s32, x > y ? x : y)
EXEC_2(max_u64, u64, u64, u64, x > y ? x : y)
EXEC_2(max_s64, s64, s64, s64, x > y ? x : y)

EXEC_3(sad_u16, u16, u16, u16, u16, z + (x > y ? x - y : y - x))
EXEC_3(sad_s16, u16, s16, s16, u16, z + (x > y ? x - y : y - x))
EXEC_3(sad_u32, u32, u32, u32, u32, z + (x > y ? x - y : y - x))
EXEC_3(sad_s32, u32, s32, s32, u32, z + (x > y ? (uint32_t)x - (uint32_t)y : (uint32_t)y - (uint32_t)x))
EXEC_3(sad_u64, u64, u64, u64, u64, z + (x > y ? x - y : y - x))
EXEC_3(sad_s64, u64, s64, s64, u64, z + (x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x))

/* Halves of a word: x is the result of the operation on one half. */
#define EXEC_2X2(name, T, expr)								\
static inline uint32_t half_##name(T x, T y)						\
{											\
	return (uint16_t)(expr);							\
}											\
EXEC_2(name, u32, u32, u32, half_##name((T)x, (T)y) | half_##name((T)(x >> 16), (T)(y >> 16)) << 16)

EXEC_2X2(add_x2, uint16_t, x + y)
EXEC_2X2(sub_x2, uint16_t, x - y)
EXEC_2X2(min_u16x2, uint16_t, x < y ? x : y)
EXEC_2X2(max_u16x2, uint16_t, x > y ? x : y)
EXEC_2X2(min_s16x2, int16_t, x < y ? x : y)
EXEC_2X2(max_s16x2, int16_t, x > y ? x : y)
EXEC_2X2(addsat_s16x2, int16_t, x + y > 32767 ? 32767 : x + y < -32768 ? -32768 : x + y)
EXEC_2X2(subsat_s16x2, int16_t, x - y > 32767 ? 32767 : x - y < -32768 ? -32768 : x - y)

static inline uint32_t relu_half(uint32_t x)
{
	return x & 0x8000 ? 0 : x & 0xffff;
}

EXEC_1(relu_s16x2, u32, u32, relu_half(x) | relu_half(x >> 16) << 16)
EXEC_1(relu_s32, s32, s32, x < 0 ? 0 : x)

/* Extended precision: the carry is a word of the P file. x: whether there is one to read and to write. */
enum { CARRY_IN = 1, CARRY_OUT = 2 };

#define EXEC_CARRY(name, T, WIDE, expr)							\
EXEC(name)										\
{											\
	row_##T *d = row_of_##T(w, i->o[0]);						\
	const row_##T *a = row_of_##T(w, i->o[1]), *b = row_of_##T(w, i->o[2]);		\
	uint32_t in = i->x & CARRY_IN ? *p_word(w, i->o[3]) : 0, out = 0;		\
											\
	for (unsigned int l = 0; l < LANES; l++) {					\
		WIDE x = a[l], y = b[l], c = ON(in, l), r = (expr);			\
											\
		out |= (uint32_t)(r >> (sizeof(row_##T) * 8) & 1) << l;			\
		if (ON(m, l))								\
			d[l] = (row_##T)r;						\
	}										\
	if (i->x & CARRY_OUT)								\
		p_write(w, i->o[4], m, out);						\
	return i + 1;									\
}

EXEC_CARRY(addc_w, u32, uint64_t, x + y + c)
EXEC_CARRY(addc_d, u64, unsigned __int128, x + y + c)
/* The flag of subtraction is the borrow. */
EXEC_CARRY(subc_w, u32, uint64_t, x - y - c)
EXEC_CARRY(subc_d, u64, unsigned __int128, x - y - c)

EXEC_3(dp4a_uu, u32, u32, u32, u32,
       z + (x & 255) * (y & 255) + (x >> 8 & 255) * (y >> 8 & 255) + (x >> 16 & 255) * (y >> 16 & 255) +
       (x >> 24) * (y >> 24))
EXEC_3(dp4a_us, u32, u32, u32, u32,
       z + (x & 255) * (int8_t)y + (x >> 8 & 255) * (int8_t)(y >> 8) + (x >> 16 & 255) * (int8_t)(y >> 16) +
       (x >> 24) * (int8_t)(y >> 24))
EXEC_3(dp4a_ss, u32, u32, u32, u32,
       z + (int8_t)x * (int8_t)y + (int8_t)(x >> 8) * (int8_t)(y >> 8) +
       (int8_t)(x >> 16) * (int8_t)(y >> 16) + (int8_t)(x >> 24) * (int8_t)(y >> 24))
EXEC_3(dp2alo_uu, u32, u32, u32, u32, z + (x & 0xffff) * (y & 255) + (x >> 16) * (y >> 8 & 255))
EXEC_3(dp2alo_us, u32, u32, u32, u32, z + (x & 0xffff) * (int8_t)y + (x >> 16) * (int8_t)(y >> 8))
EXEC_3(dp2alo_su, u32, u32, u32, u32,
       z + (int16_t)x * (int32_t)(y & 255) + (int16_t)(x >> 16) * (int32_t)(y >> 8 & 255))
EXEC_3(dp2alo_ss, u32, u32, u32, u32, z + (int16_t)x * (int8_t)y + (int16_t)(x >> 16) * (int8_t)(y >> 8))
