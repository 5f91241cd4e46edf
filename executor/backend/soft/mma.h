/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/* Matrix instructions, as the decoder describes them to their handlers. */
#ifndef EXECUTOR_SOFT_MMA_H
#define EXECUTOR_SOFT_MMA_H

#include <stdbool.h>
#include <stdint.h>

enum mma_kind {
	MMA_F16, MMA_BF16, MMA_TF32, MMA_F64, MMA_INT, MMA_BITS,
};

enum mma_accumulator {
	ACC_F16, ACC_F32, ACC_F64, ACC_S32,
};

/**
 * struct mma - one matrix instruction: D = A B + C
 * @m: rows of A, C and D
 * @n: columns of B, C and D
 * @k: columns of A, rows of B
 * @kind: enum mma_kind
 * @a_bits: width of an element of A and B
 * @a_signed: elements of A are signed
 * @b_signed: elements of B are signed
 * @d_acc: enum mma_accumulator of D
 * @c_acc: of C
 * @saturate: .satfinite
 * @use_and: .and.popc in place of .xor.popc
 * @num: registers of D, A, B and C, in this order in the instruction's ext[]
 * @opaque: fragments of wmma, whose layout is ours
 * @sparse: A holds half of its columns, ext[] goes on with the register that tells which
 * @quads: mma.m8n8k4 on halves, done by groups of eight lanes
 * @a_col: A is stored by columns (quads)
 * @b_row: B is stored by rows (quads)
 * @selector: of @sparse: which lanes hold the metadata
 */
struct mma {
	uint16_t m, n, k;
	uint8_t kind;
	uint8_t a_bits;
	bool a_signed;
	bool b_signed;
	uint8_t d_acc;
	uint8_t c_acc;
	bool saturate;
	bool use_and;
	uint8_t num[4];
	bool opaque;
	bool sparse;
	bool quads;
	bool a_col;
	bool b_row;
	uint8_t selector;
};

/**
 * struct fragment_access - wmma.load or wmma.store
 * @rows: of the matrix
 * @cols: of the matrix
 * @bits: of an element
 * @num: registers, in ext[]
 * @by_columns: memory holds it by columns
 * @has_stride: there is a stride operand; otherwise the matrix is dense
 */
struct fragment_access {
	uint16_t rows;
	uint16_t cols;
	uint8_t bits;
	uint8_t num;
	bool by_columns;
	bool has_stride;
};

#endif
