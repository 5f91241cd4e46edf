// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include "float.h"

uint32_t float_narrow(double d, bool sticky, unsigned int man_bits, unsigned int exp_bits, int round)
{
	uint64_t u = bits_f64(d), man = u & 0xfffffffffffffull, rest, half;
	int bias = (1 << (exp_bits - 1)) - 1, max_exp = (1 << exp_bits) - 1;
	bool neg = u >> 63, up;
	int exp = (int)(u >> 52 & 0x7ff) - 1023 + bias;
	uint32_t sign = (uint32_t)neg << (man_bits + exp_bits), r;
	unsigned int drop = 52 - man_bits;

	if (d != d)
		return (1u << (man_bits + exp_bits)) - 1;
	if (isinf(d))
		return sign | (uint32_t)max_exp << man_bits;
	if (d == 0 && !sticky)
		return sign;
	if (u << 1 >> 53)
		man |= 1ull << 52;
	else
		exp = 1 - 1023 + bias;
	if (exp <= 0) {
		/* Subnormal in the narrow format. */
		unsigned int shift = 1 - exp;

		if (shift > 63 - drop)
			shift = 63 - drop;
		drop += shift;
		exp = 0;
	}
	if (drop > 62) {
		rest = man || sticky;
		half = 2;
		r = 0;
	} else {
		rest = man & ((1ull << drop) - 1);
		half = 1ull << (drop - 1);
		r = (uint32_t)(man >> drop);
	}
	switch (round) {
	case FR_NEAREST:
		up = rest > half || (rest == half && (sticky || (r & 1)));
		break;
	case FR_AWAY:
		up = rest >= half;
		break;
	case FR_DOWN:
		up = neg && (rest || sticky);
		break;
	case FR_UP:
		up = !neg && (rest || sticky);
		break;
	default:
		up = false;
	}
	/* The mantissa's hidden bit adds one to the exponent, and so does a carry out of it. */
	r += (exp ? (uint32_t)(exp - 1) << man_bits : 0) + up;
	if (r >= (uint32_t)max_exp << man_bits) {
		bool to_inf = round == FR_NEAREST || round == FR_AWAY || (round == FR_UP && !neg) ||
			      (round == FR_DOWN && neg);

		r = ((uint32_t)max_exp << man_bits) - !to_inf;
	}
	return sign | r;
}
