/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * DOC: Handlers
 *
 * The exec_*.c files are compiled once for each instruction set (SOFT_ISA is its name) and hold one handler for
 * each enum exec_op. EXEC(name) begins a handler. EXEC_1, EXEC_2, EXEC_3 make one of an expression of x, y and z over all
 * lanes: without a mask where all are active, otherwise keeping the lanes that are not.
 *
 * Value types are named by u8 … f64: row_T is how a value lies in its row, val_T what the expression sees.
 */
#ifndef EXECUTOR_SOFT_EXEC_H
#define EXECUTOR_SOFT_EXEC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "float.h"
#include "insn.h"
#include "machine.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define PASTE2(a, b)	a##_##b
#define PASTE(a, b)	PASTE2(a, b)

#define EXEC(name)	const struct insn *PASTE(PASTE(exec, name), SOFT_ISA)(struct warp *w, const struct insn *i, uint32_t m)
#define EXEC_NAME(name)	PASTE(PASTE(exec, name), SOFT_ISA)

#define X(name) EXEC(name);
#include "ops.def"
#undef X

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

static inline void *w_row(const struct warp *w, uint32_t o)
{
	return __builtin_assume_aligned(w->wb[o & 1] + (o & ~1u), 64);
}

static inline void *d_row(const struct warp *w, uint32_t o)
{
	return __builtin_assume_aligned(w->db[o & 1] + (o & ~1u), 64);
}

static inline uint32_t *p_word(const struct warp *w, uint32_t o)
{
	return (uint32_t *)(w->pb[o & 1] + (o & ~1u));
}

static inline void p_write(const struct warp *w, uint32_t o, uint32_t m, uint32_t value)
{
	uint32_t *p = p_word(w, o);

	*p = (*p & ~m) | (value & m);
}

typedef uint32_t row_u8, row_s8, row_u16, row_s16, row_u32, row_b16;
typedef int32_t row_s32;
typedef uint64_t row_u64;
typedef int64_t row_s64;
typedef float row_f32;
typedef double row_f64;
typedef uint8_t val_u8;
typedef int8_t val_s8;
typedef uint16_t val_u16, val_b16;
typedef int16_t val_s16;
typedef uint32_t val_u32;
typedef int32_t val_s32;
typedef uint64_t val_u64;
typedef int64_t val_s64;
typedef float val_f32;
typedef double val_f64;

#define row_of_u8	w_row
#define row_of_s8	w_row
#define row_of_u16	w_row
#define row_of_b16	w_row
#define row_of_s16	w_row
#define row_of_u32	w_row
#define row_of_s32	w_row
#define row_of_f32	w_row
#define row_of_u64	d_row
#define row_of_s64	d_row
#define row_of_f64	d_row

#define FOR_LANES	_Pragma("GCC ivdep") for (unsigned int l = 0; l < LANES; l++)
#define ON(m, l)	((m) >> (l) & 1)

/* Results of the narrow signed types are stored sign-extended, the others zero-extended. */
#define EXEC_1(name, D, A, expr)							\
EXEC(name)										\
{											\
	row_##D *d = row_of_##D(w, i->o[0]);						\
	const row_##A *a = row_of_##A(w, i->o[1]);					\
											\
	if (likely(m == FULL_MASK)) {							\
		FOR_LANES {								\
			val_##A x = (val_##A)a[l];					\
			d[l] = (row_##D)(val_##D)(expr);				\
		}									\
	} else {									\
		FOR_LANES {								\
			val_##A x = (val_##A)a[l];					\
			row_##D r = (row_##D)(val_##D)(expr);				\
			d[l] = ON(m, l) ? r : d[l];					\
		}									\
	}										\
	return i + 1;									\
}

#define EXEC_2(name, D, A, B, expr)							\
EXEC(name)										\
{											\
	row_##D *d = row_of_##D(w, i->o[0]);						\
	const row_##A *a = row_of_##A(w, i->o[1]);					\
	const row_##B *b = row_of_##B(w, i->o[2]);					\
											\
	if (likely(m == FULL_MASK)) {							\
		FOR_LANES {								\
			val_##A x = (val_##A)a[l];					\
			val_##B y = (val_##B)b[l];					\
			d[l] = (row_##D)(val_##D)(expr);				\
		}									\
	} else {									\
		FOR_LANES {								\
			val_##A x = (val_##A)a[l];					\
			val_##B y = (val_##B)b[l];					\
			row_##D r = (row_##D)(val_##D)(expr);				\
			d[l] = ON(m, l) ? r : d[l];					\
		}									\
	}										\
	return i + 1;									\
}

#define EXEC_3(name, D, A, B, C, expr)							\
EXEC(name)										\
{											\
	row_##D *d = row_of_##D(w, i->o[0]);						\
	const row_##A *a = row_of_##A(w, i->o[1]);					\
	const row_##B *b = row_of_##B(w, i->o[2]);					\
	const row_##C *c = row_of_##C(w, i->o[3]);					\
											\
	if (likely(m == FULL_MASK)) {							\
		FOR_LANES {								\
			val_##A x = (val_##A)a[l];					\
			val_##B y = (val_##B)b[l];					\
			val_##C z = (val_##C)c[l];					\
			d[l] = (row_##D)(val_##D)(expr);				\
		}									\
	} else {									\
		FOR_LANES {								\
			val_##A x = (val_##A)a[l];					\
			val_##B y = (val_##B)b[l];					\
			val_##C z = (val_##C)c[l];					\
			row_##D r = (row_##D)(val_##D)(expr);				\
			d[l] = ON(m, l) ? r : d[l];					\
		}									\
	}										\
	return i + 1;									\
}

/* One bit a lane from values that are zero or not. */
static inline uint32_t mask_of(const int32_t *t)
{
	uint32_t r = 0;
	unsigned int l;

#if defined(__AVX512F__)
	for (l = 0; l < LANES; l += 16)
		r |= (uint32_t)_mm512_test_epi32_mask(_mm512_load_si512(t + l), _mm512_load_si512(t + l)) << l;
#elif defined(__SSE2__)
	for (l = 0; l < LANES; l += 4) {
		__m128i v = _mm_cmpeq_epi32(_mm_load_si128((const __m128i *)(t + l)), _mm_setzero_si128());

		r |= (uint32_t)(~_mm_movemask_ps(_mm_castsi128_ps(v)) & 15) << l;
	}
#else
	for (l = 0; l < LANES; l++)
		r |= (uint32_t)(t[l] != 0) << l;
#endif
	return r;
}

/* Predicate from a comparison. */
#define EXEC_P(name, A, B, expr)							\
EXEC(name)										\
{											\
	const row_##A *a = row_of_##A(w, i->o[1]);					\
	const row_##B *b = row_of_##B(w, i->o[2]);					\
	int32_t t[LANES] __attribute__((aligned(64)));					\
											\
	FOR_LANES {									\
		val_##A x = (val_##A)a[l];						\
		val_##B y = (val_##B)b[l];						\
											\
		(void)y;								\
		t[l] = (expr) ? -1 : 0;							\
	}										\
	p_write(w, i->o[0], m, mask_of(t));						\
	return i + 1;									\
}

#endif
