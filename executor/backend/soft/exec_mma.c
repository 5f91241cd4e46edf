// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Matrix instructions: fragments are gathered into whole matrices, multiplied, and scattered. In mma, with g = lane / 4, t = lane % 4 and E
 * elements in a register, register r of A holds row g + 8 (r % 2), columns t E + 4 E (r / 2) on; register r of B holds column g, rows t E + 4 E r on;
 * accumulators r hold row g + 8 (r / 2), column 2 t + r % 2. Element i of a wmma fragment in lane l is element l n + i of the
 * matrix by rows, n being the elements that a lane holds; where lanes hold more than there is, they begin again.
 */
#include "access.h"
#include "mma.h"

#define MAX_M	32
#define MAX_N	32
#define MAX_K	256

static const uint32_t all_lanes[LANES] __attribute__((aligned(64))) = { [0 ... LANES - 1] = FULL_MASK };

#define SYNC_ALL									\
	const struct insn *elsewhere;							\
											\
	if (unlikely(!warp_sync(w, i, m, all_lanes, &elsewhere)))			\
		return elsewhere

struct matrices {
	union {
		float af[MAX_M * 64];
		int32_t ai[MAX_M * MAX_K];
		double ad[MAX_M * 16];
	};
	union {
		float bf[64 * MAX_N];
		int32_t bi[MAX_K * MAX_N];
		double bd[16 * MAX_N];
	};
	union {
		float cf[MAX_M * MAX_N];
		int32_t ci[MAX_M * MAX_N];
		double cd[MAX_M * MAX_N];
	};
};

static inline int32_t element_int(uint32_t word, unsigned int e, unsigned int bits, bool is_signed)
{
	uint32_t v = word >> (e * bits);

	if (bits == 1)
		return (int32_t)(v & 1);
	if (is_signed)
		return (int32_t)(v << (32 - bits)) >> (32 - bits);
	return (int32_t)(v & ((1u << bits) - 1));
}

static inline float element_float(uint32_t word, unsigned int e, unsigned int kind)
{
	switch (kind) {
	case MMA_F16:
		return f32_of_f16((uint16_t)(word >> (16 * e)));
	case MMA_BF16:
		return f32_of_bf16((uint16_t)(word >> (16 * e)));
	default:
		return f32_of(word & ~0x1fffu);
	}
}

/* Puts element e of register r of lane l where it belongs. */
static void place(struct matrices *x, const struct mma *mma, bool is_b, unsigned int row, unsigned int col, uint64_t word,
		  unsigned int e)
{
	unsigned int at = is_b ? row * mma->n + col : row * mma->k + col;
	bool is_signed = is_b ? mma->b_signed : mma->a_signed;

	switch (mma->kind) {
	case MMA_F64:
		(is_b ? x->bd : x->ad)[at] = f64_of(word);
		break;
	case MMA_INT:
	case MMA_BITS:
		(is_b ? x->bi : x->ai)[at] = element_int((uint32_t)word, e, mma->a_bits, is_signed);
		break;
	default:
		(is_b ? x->bf : x->af)[at] = element_float((uint32_t)word, e, mma->kind);
	}
}

static inline uint64_t lane_value(struct warp *w, const struct mma *mma, uint32_t o, unsigned int l)
{
	if (mma->kind == MMA_F64)
		return ((const uint64_t *)d_row(w, o))[l];
	return ((const uint32_t *)w_row(w, o))[l];
}

/* Column of A that the stored element s of a row stands at, by the metadata: two bits for each of two elements out of four. */
static unsigned int sparse_column(struct warp *w, const struct mma *mma, const uint32_t *meta, unsigned int row,
				  unsigned int s)
{
	unsigned int group, bits, lane, shift, index, lanes_per_row, per_lane;
	(void)w;

	if (mma->kind == MMA_TF32) {
		/* One of two: 4 bits a group, 0b1110 or 0b0100. */
		group = s;
		bits = group * 4;
		lane = (row % 8) * 4 + mma->selector * 2 + (mma->k == 16 ? row / 8 : 0);
		shift = mma->k == 16 ? bits : (row / 8) * 16 + bits;
		index = meta[lane & 31] >> (shift & 31) & 15;
		return group * 2 + (index == 14);
	}
	group = s / 2;
	bits = s * 2;
	if (mma->a_bits == 4) {
		/* Pairs of nibbles: two of four pairs. */
		group = s / 4;
		bits = s / 2 * 2;
		per_lane = mma->k == 64 ? 1 : 2;
		lane = (row % 8) * 4 + (per_lane == 1 ? mma->selector * 2 + row / 8 : 2 * (row / 8) + bits / 32);
		index = meta[lane & 31] >> (bits & 31) & 3;
		return group * 8 + index * 2 + s % 2;
	}
	/* Rows of the lower and the upper half are in different lanes or half-words, as many as the metadata needs. */
	lanes_per_row = mma->k * 2 / 2 / 16;
	switch (lanes_per_row) {
	case 1:
		/* 16 bits a row: lane 4 g + selector, lower half for row g, upper for row g + 8. */
		lane = (row % 8) * 4 + mma->selector;
		shift = (row / 8) * 16 + bits;
		break;
	case 2:
		/* 32 bits a row: lane 4 g + 2 selector for row g, the next for row g + 8. */
		lane = (row % 8) * 4 + mma->selector * 2 + row / 8;
		shift = bits;
		break;
	default:
		lane = (row % 8) * 4 + 2 * (row / 8) + bits / 32;
		shift = bits & 31;
	}
	index = meta[lane & 31] >> shift & 3;
	return group * 4 + index;
}

static void gather_ab(struct warp *w, const struct mma *mma, const uint32_t *ext, struct matrices *x)
{
	const uint32_t *a = ext + mma->num[0], *b = a + mma->num[1];
	unsigned int per = mma->kind == MMA_F64 ? 1 : 32 / mma->a_bits, l, r, e, s;
	const uint32_t *meta = NULL;

	if (mma->sparse) {
		meta = w_row(w, b[mma->num[2] + mma->num[3]]);
		memset(x->ai, 0, sizeof(x->ai));
	}
	for (l = 0; l < LANES; l++) {
		unsigned int g = l / 4, t = l % 4;

		for (r = 0; r < mma->num[1]; r++) {
			uint64_t word = lane_value(w, mma, a[r], l);

			for (e = 0; e < per; e++) {
				unsigned int index = (l * mma->num[1] + r) * per + e, row, col;

				if (mma->opaque) {
					index %= mma->m * mma->k;
					row = index / mma->k;
					col = index % mma->k;
				} else {
					row = g + (mma->m == 16 ? 8 * (r & 1) : 0);
					s = t * per + e + 4 * per * (mma->m == 16 ? r / 2 : r);
					col = mma->sparse ? sparse_column(w, mma, meta, row, s) : s;
				}
				place(x, mma, false, row, col % mma->k, word, e);
			}
		}
		for (r = 0; r < mma->num[2]; r++) {
			uint64_t word = lane_value(w, mma, b[r], l);

			for (e = 0; e < per; e++) {
				unsigned int index = (l * mma->num[2] + r) * per + e, row, col;

				if (mma->opaque) {
					index %= mma->k * mma->n;
					row = index / mma->n;
					col = index % mma->n;
				} else {
					row = t * per + e + 4 * per * r;
					col = g;
				}
				place(x, mma, true, row, col, word, e);
			}
		}
	}
}

/* Where an accumulator is. */
static inline unsigned int acc_at(const struct mma *mma, unsigned int l, unsigned int num, unsigned int per,
				  unsigned int r, unsigned int e)
{
	unsigned int k = r * per + e;

	if (mma->opaque)
		return (l * num * per + k) % (mma->m * mma->n);
	return (l / 4 + 8 * (k / 2)) * mma->n + l % 4 * 2 + k % 2;
}

static void gather_c(struct warp *w, const struct mma *mma, const uint32_t *c, struct matrices *x)
{
	unsigned int per = mma->c_acc == ACC_F16 ? 2 : 1, l, r, e;

	for (l = 0; l < LANES; l++) {
		for (r = 0; r < mma->num[3]; r++) {
			for (e = 0; e < per; e++) {
				unsigned int at = acc_at(mma, l, mma->num[3], per, r, e);

				switch (mma->c_acc) {
				case ACC_F64:
					x->cd[at] = ((const double *)d_row(w, c[r]))[l];
					break;
				case ACC_S32:
					x->ci[at] = ((const int32_t *)w_row(w, c[r]))[l];
					break;
				case ACC_F32:
					x->cf[at] = ((const float *)w_row(w, c[r]))[l];
					break;
				default:
					x->cf[at] = f32_of_f16((uint16_t)(((const uint32_t *)w_row(w, c[r]))[l] >> (16 * e)));
				}
			}
		}
	}
}

static void multiply(const struct mma *mma, struct matrices *x)
{
	unsigned int row, col, k, n = mma->n;

	for (row = 0; row < mma->m; row++) {
		for (k = 0; k < mma->k; k++) {
			switch (mma->kind) {
			case MMA_F64:
				for (col = 0; col < n; col++)
					x->cd[row * n + col] = fma(x->ad[row * mma->k + k], x->bd[k * n + col],
								   x->cd[row * n + col]);
				break;
			case MMA_INT:
				if (mma->saturate)
					break;
				for (col = 0; col < n; col++)
					x->ci[row * n + col] = (int32_t)((uint32_t)x->ci[row * n + col] +
						(uint32_t)(x->ai[row * mma->k + k] * x->bi[k * n + col]));
				break;
			case MMA_BITS:
				for (col = 0; col < n; col++) {
					int32_t a = x->ai[row * mma->k + k], b = x->bi[k * n + col];

					x->ci[row * n + col] = (int32_t)((uint32_t)x->ci[row * n + col] +
						(uint32_t)(mma->use_and ? a & b : a ^ b));
				}
				break;
			default:
				for (col = 0; col < n; col++)
					x->cf[row * n + col] = fmaf(x->af[row * mma->k + k], x->bf[k * n + col],
								    x->cf[row * n + col]);
			}
		}
	}
	if (mma->kind != MMA_INT || !mma->saturate)
		return;
	for (row = 0; row < mma->m; row++) {
		for (col = 0; col < n; col++) {
			int64_t sum = x->ci[row * n + col];

			for (k = 0; k < mma->k; k++)
				sum += (int64_t)x->ai[row * mma->k + k] * x->bi[k * n + col];
			x->ci[row * n + col] = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : (int32_t)sum;
		}
	}
}

static void scatter_d(struct warp *w, const struct mma *mma, const uint32_t *d, const struct matrices *x, uint32_t m)
{
	unsigned int l, r, at;

	for (l = 0; l < LANES; l++) {
		for (r = 0; ON(m, l) && r < mma->num[0]; r++) {
			switch (mma->d_acc) {
			case ACC_F64:
				((double *)d_row(w, d[r]))[l] = x->cd[acc_at(mma, l, mma->num[0], 1, r, 0)];
				break;
			case ACC_S32:
				((int32_t *)w_row(w, d[r]))[l] = x->ci[acc_at(mma, l, mma->num[0], 1, r, 0)];
				break;
			case ACC_F32:
				((float *)w_row(w, d[r]))[l] = canon_f32(x->cf[acc_at(mma, l, mma->num[0], 1, r, 0)]);
				break;
			default:
				at = acc_at(mma, l, mma->num[0], 2, r, 1);
				((uint32_t *)w_row(w, d[r]))[l] =
					f16_of_f32(x->cf[acc_at(mma, l, mma->num[0], 2, r, 0)]) |
					(uint32_t)f16_of_f32(x->cf[at]) << 16;
			}
		}
	}
}

/*
 * mma.m8n8k4 on halves: lanes 4 q to 4 q + 3 and 16 + 4 q to 16 + 4 q + 3 compute a product of their own, for q of 0 to 3.
 * Lane p of the eight holds row p of A (or of its transpose, column p % 4 of four rows), likewise B.
 */
static void quad_products(struct warp *w, const struct mma *mma, const uint32_t *ext, uint32_t m)
{
	const uint32_t *d = ext, *a = ext + mma->num[0], *b = a + mma->num[1], *c = b + mma->num[2];
	float af[8][4], bf[4][8], cf[8][8];
	unsigned int q, p, e, row, col, k;

	for (q = 0; q < 4; q++) {
		for (p = 0; p < 8; p++) {
			unsigned int l = p % 4 + q * 4 + (p / 4) * 16;

			for (e = 0; e < 4; e++) {
				uint32_t va = ((const uint32_t *)w_row(w, a[e / 2]))[l];
				uint32_t vb = ((const uint32_t *)w_row(w, b[e / 2]))[l];
				float x = f32_of_f16((uint16_t)(va >> (16 * (e % 2))));
				float y = f32_of_f16((uint16_t)(vb >> (16 * (e % 2))));

				if (mma->a_col)
					af[e + 4 * (p / 4)][p % 4] = x;
				else
					af[p][e] = x;
				if (mma->b_row)
					bf[p % 4][e + 4 * (p / 4)] = y;
				else
					bf[e][p] = y;
			}
			for (e = 0; e < 8; e++) {
				if (mma->c_acc == ACC_F16) {
					uint32_t v = ((const uint32_t *)w_row(w, c[e / 2]))[l];

					cf[p][e] = f32_of_f16((uint16_t)(v >> (16 * (e % 2))));
				} else {
					row = (p & 1) + (e & 2) + (p / 4) * 4;
					col = (e & 4) + (p & 2) + (e & 1);
					cf[row][col] = ((const float *)w_row(w, c[e]))[l];
				}
			}
		}
		for (row = 0; row < 8; row++)
			for (k = 0; k < 4; k++)
				for (col = 0; col < 8; col++)
					cf[row][col] = fmaf(af[row][k], bf[k][col], cf[row][col]);
		for (p = 0; p < 8; p++) {
			unsigned int l = p % 4 + q * 4 + (p / 4) * 16;

			for (e = 0; ON(m, l) && e < 8; e++) {
				row = (p & 1) + (e & 2) + (p / 4) * 4;
				col = (e & 4) + (p & 2) + (e & 1);
				if (mma->d_acc == ACC_F32)
					((float *)w_row(w, d[e]))[l] = canon_f32(cf[row][col]);
				else if (e % 2)
					((uint32_t *)w_row(w, d[e / 2]))[l] = f16_of_f32(cf[p][e - 1]) |
						(uint32_t)f16_of_f32(cf[p][e]) << 16;
			}
		}
	}
}

EXEC(mma)
{
	const struct mma *mma = i->ptr;
	struct matrices x;

	SYNC_ALL;
	if (mma->quads) {
		quad_products(w, mma, i->ext, m);
		return i + 1;
	}
	gather_ab(w, mma, i->ext, &x);
	gather_c(w, mma, i->ext + mma->num[0] + mma->num[1] + mma->num[2], &x);
	multiply(mma, &x);
	scatter_d(w, mma, i->ext, &x, m);
	return i + 1;
}

/* Address of element index of a matrix, in bits from the first. */
static inline uint64_t element_bit(const struct fragment_access *f, unsigned int index, uint64_t stride)
{
	unsigned int row = index / f->cols, col = index % f->cols;

	return (f->by_columns ? col * stride + row : row * stride + col) * f->bits;
}

static inline uint64_t matrix_stride(struct warp *w, const struct insn *i, const struct fragment_access *f, uint32_t m)
{
	if (f->has_stride)
		return ((const uint32_t *)w_row(w, i->o[2]))[__builtin_ctz(m)];
	return f->by_columns ? f->rows : f->cols;
}

/* The bytes of one element for each lane. o[1] address (generic), o[2] stride */
static bool fragment_addresses(struct warp *w, const struct insn *i, uint32_t m, const struct fragment_access *f,
			       unsigned int element, unsigned int per_lane, uint64_t *addr)
{
	uint64_t base = ((const uint64_t *)d_row(w, i->o[1]))[__builtin_ctz(m)], stride = matrix_stride(w, i, f, m);
	unsigned int l, bytes = f->bits < 8 ? 1 : f->bits / 8;

	for (l = 0; l < LANES; l++)
		addr[l] = base + element_bit(f, (l * per_lane + element) % (f->rows * f->cols), stride) / 8;
	return access_check(w, i, m, addr, bytes);
}

EXEC(wmma_load)
{
	const struct fragment_access *f = i->ptr;
	unsigned int per = f->bits == 64 ? 1 : 32 / f->bits, r, e, l;
	uint64_t stride;
	ADDR_ARRAY(addr);

	SYNC_ALL;
	stride = matrix_stride(w, i, f, m);
	for (r = 0; r < f->num; r++) {
		uint32_t word[LANES] = { 0 };

		for (e = 0; e < per; e++) {
			if (!fragment_addresses(w, i, m, f, r * per + e, f->num * per, addr))
				return NULL;
			for (l = 0; l < LANES; l++) {
				uint64_t bit = element_bit(f, (l * f->num * per + r * per + e) % (f->rows * f->cols), stride);
				uint64_t v = 0;

				if (!ON(m, l))
					continue;
				memcpy(&v, (const void *)(uintptr_t)addr[l], f->bits < 8 ? 1 : f->bits / 8);
				if (f->bits == 64) {
					((uint64_t *)d_row(w, i->ext[r]))[l] = v;
					continue;
				}
				if (f->bits < 8)
					v = v >> (bit & 7) & ((1u << f->bits) - 1);
				word[l] |= (uint32_t)v << (e * f->bits % 32);
			}
		}
		for (l = 0; f->bits != 64 && l < LANES; l++)
			if (ON(m, l))
				((uint32_t *)w_row(w, i->ext[r]))[l] = word[l];
	}
	return i + 1;
}

EXEC(wmma_store)
{
	const struct fragment_access *f = i->ptr;
	unsigned int per = f->bits == 64 ? 1 : 32 / f->bits, r, e, l;
	ADDR_ARRAY(addr);

	SYNC_ALL;
	for (r = 0; r < f->num; r++) {
		for (e = 0; e < per; e++) {
			if (!fragment_addresses(w, i, m, f, r * per + e, f->num * per, addr))
				return NULL;
			for (l = 0; l < LANES; l++) {
				uint64_t v;

				if (!ON(m, l))
					continue;
				if (f->bits == 64)
					v = ((const uint64_t *)d_row(w, i->ext[r]))[l];
				else
					v = ((const uint32_t *)w_row(w, i->ext[r]))[l] >> (e * f->bits % 32);
				memcpy((void *)(uintptr_t)addr[l], &v, f->bits / 8);
			}
		}
	}
	return i + 1;
}

/* x: matrices; aux: 1 transposed; o[1] generic address of a row, imm offset; ext[] results */
EXEC(ldmatrix)
{
	unsigned int k, l, lanes = i->x * 8;
	uint32_t rows = lanes == 32 ? FULL_MASK : (1u << lanes) - 1;
	const uint64_t *a = d_row(w, i->o[1]);
	ADDR_ARRAY(addr);

	SYNC_ALL;
	for (l = 0; l < LANES; l++)
		addr[l] = a[l] + i->imm;
	if ((rows & m) && !access_check(w, i, rows & m, addr, 16))
		return NULL;
	for (k = 0; k < i->x; k++) {
		uint16_t matrix[8][8] = { { 0 } };
		uint32_t *d = w_row(w, i->ext[k]);

		for (l = 0; l < 8; l++)
			if (ON(m, k * 8 + l))
				memcpy(matrix[l], (const void *)(uintptr_t)addr[k * 8 + l], 16);
		for (l = 0; l < LANES; l++) {
			unsigned int g = l / 4, t = l % 4 * 2;

			if (!ON(m, l))
				continue;
			if (i->aux)
				d[l] = matrix[t][g] | (uint32_t)matrix[t + 1][g] << 16;
			else
				d[l] = matrix[g][t] | (uint32_t)matrix[g][t + 1] << 16;
		}
	}
	return i + 1;
}

EXEC(movmatrix)
{
	uint32_t *d = w_row(w, i->o[0]);
	const uint32_t *a = w_row(w, i->o[1]);
	uint16_t matrix[8][8];
	unsigned int l;

	SYNC_ALL;
	for (l = 0; l < LANES; l++) {
		matrix[l / 4][l % 4 * 2] = (uint16_t)a[l];
		matrix[l / 4][l % 4 * 2 + 1] = (uint16_t)(a[l] >> 16);
	}
	for (l = 0; l < LANES; l++)
		if (ON(m, l))
			d[l] = matrix[l % 4 * 2][l / 4] | (uint32_t)matrix[l % 4 * 2 + 1][l / 4] << 16;
	return i + 1;
}
