// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Atomic operations. o[0] result, o[1] address, o[2] and o[3] operands; x: space; y: bytes. Lanes are served in order. Blocks run on
 * different threads, so memory that they share is accessed by atomic operations of the host; shared memory belongs to the
 * thread that runs its block.
 */
#include "access.h"

/* The shared spaces also tell apart which file the address is in. */
enum { ATOM_GENERIC, ATOM_SHARED_W, ATOM_SHARED_D };

static inline bool atom_addr(struct warp *w, const struct insn *i, uint32_t m, uint64_t *addr)
{
	switch (i->x) {
	case ATOM_SHARED_W:
		return sharedw_addr(w, i, m, addr, i->y);
	case ATOM_SHARED_D:
		return sharedd_addr(w, i, m, addr, i->y);
	default:
		return global_addr(w, i, m, addr, i->y);
	}
}

/* T: type in memory, an integer; update: new value, from old and the operands y and z. */
#define EXEC_ATOM(name, T, ROW, row, update)							\
EXEC(atom_##name)										\
{												\
	ADDR_ARRAY(addr);									\
	ROW *d = row(w, i->o[0]);								\
	const ROW *b = row(w, i->o[2]), *c = row(w, i->o[3]);					\
	uint32_t left;										\
												\
	if (unlikely(!atom_addr(w, i, m, addr)))						\
		return NULL;									\
	for (left = m; left; left &= left - 1) {						\
		unsigned int l = (unsigned int)__builtin_ctz(left);				\
		T *p = (T *)(uintptr_t)addr[l], y = (T)b[l], z = (T)c[l], old, next;		\
												\
		(void)y;									\
		(void)z;									\
		if (i->x) {									\
			old = *p;								\
			*p = (T)(update);							\
		} else {									\
			old = __atomic_load_n(p, __ATOMIC_RELAXED);				\
			do {									\
				next = (T)(update);						\
			} while (!__atomic_compare_exchange_n(p, &old, next, true,		\
							      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)); \
		}										\
		d[l] = old;									\
	}											\
	return i + 1;										\
}

#define EXEC_ATOM_NATIVE(name, T, ROW, row, op, plain)						\
EXEC(atom_##name)										\
{												\
	ADDR_ARRAY(addr);									\
	ROW *d = row(w, i->o[0]);								\
	const ROW *b = row(w, i->o[2]);								\
	uint32_t left;										\
												\
	if (unlikely(!atom_addr(w, i, m, addr)))						\
		return NULL;									\
	for (left = m; left; left &= left - 1) {						\
		unsigned int l = (unsigned int)__builtin_ctz(left);				\
		T *p = (T *)(uintptr_t)addr[l], y = (T)b[l], old;				\
												\
		if (i->x) {									\
			old = *p;								\
			*p = plain;								\
		} else {									\
			old = op(p, y, __ATOMIC_SEQ_CST);					\
		}										\
		d[l] = old;									\
	}											\
	return i + 1;										\
}

EXEC_ATOM_NATIVE(add_w, uint32_t, uint32_t, w_row, __atomic_fetch_add, old + y)
EXEC_ATOM_NATIVE(add_d, uint64_t, uint64_t, d_row, __atomic_fetch_add, old + y)
EXEC_ATOM_NATIVE(and_w, uint32_t, uint32_t, w_row, __atomic_fetch_and, old & y)
EXEC_ATOM_NATIVE(and_d, uint64_t, uint64_t, d_row, __atomic_fetch_and, old & y)
EXEC_ATOM_NATIVE(or_w, uint32_t, uint32_t, w_row, __atomic_fetch_or, old | y)
EXEC_ATOM_NATIVE(or_d, uint64_t, uint64_t, d_row, __atomic_fetch_or, old | y)
EXEC_ATOM_NATIVE(xor_w, uint32_t, uint32_t, w_row, __atomic_fetch_xor, old ^ y)
EXEC_ATOM_NATIVE(xor_d, uint64_t, uint64_t, d_row, __atomic_fetch_xor, old ^ y)
EXEC_ATOM_NATIVE(exch_w, uint32_t, uint32_t, w_row, __atomic_exchange_n, y)
EXEC_ATOM_NATIVE(exch_d, uint64_t, uint64_t, d_row, __atomic_exchange_n, y)
EXEC_ATOM(exch_b16, uint16_t, uint32_t, w_row, y)
EXEC_ATOM(cas_b16, uint16_t, uint32_t, w_row, old == y ? z : old)
EXEC_ATOM(cas_w, uint32_t, uint32_t, w_row, old == y ? z : old)
EXEC_ATOM(cas_d, uint64_t, uint64_t, d_row, old == y ? z : old)
EXEC_ATOM(inc_u32, uint32_t, uint32_t, w_row, old >= y ? 0 : old + 1)
EXEC_ATOM(dec_u32, uint32_t, uint32_t, w_row, old == 0 || old > y ? y : old - 1)
EXEC_ATOM(min_u32, uint32_t, uint32_t, w_row, old < y ? old : y)
EXEC_ATOM(max_u32, uint32_t, uint32_t, w_row, old > y ? old : y)
EXEC_ATOM(min_s32, int32_t, uint32_t, w_row, old < y ? old : y)
EXEC_ATOM(max_s32, int32_t, uint32_t, w_row, old > y ? old : y)
EXEC_ATOM(min_u64, uint64_t, uint64_t, d_row, old < y ? old : y)
EXEC_ATOM(max_u64, uint64_t, uint64_t, d_row, old > y ? old : y)
EXEC_ATOM(min_s64, int64_t, uint64_t, d_row, old < y ? old : y)
EXEC_ATOM(max_s64, int64_t, uint64_t, d_row, old > y ? old : y)
/* f32 atomics flush subnormals only in global memory of old GPUs; here they never do. */
EXEC_ATOM(add_f32, uint32_t, uint32_t, w_row, bits_f32(canon_f32(f32_of(old) + f32_of(y))))
EXEC_ATOM(add_f64, uint64_t, uint64_t, d_row, bits_f64(f64_of(old) + f64_of(y)))

static inline uint16_t sum_f16(uint32_t x, uint32_t y)
{
	return f16_of_f32(f32_of_f16((uint16_t)x) + f32_of_f16((uint16_t)y));
}

static inline uint16_t sum_bf16(uint32_t x, uint32_t y)
{
	return bf16_of_f32(f32_of_bf16((uint16_t)x) + f32_of_bf16((uint16_t)y));
}

EXEC_ATOM(add_f16, uint16_t, uint32_t, w_row, sum_f16(old, y))
EXEC_ATOM(add_bf16, uint16_t, uint32_t, w_row, sum_bf16(old, y))
EXEC_ATOM(add_f16x2, uint32_t, uint32_t, w_row, sum_f16(old, y) | (uint32_t)sum_f16(old >> 16, y >> 16) << 16)
EXEC_ATOM(add_bf16x2, uint32_t, uint32_t, w_row, sum_bf16(old, y) | (uint32_t)sum_bf16(old >> 16, y >> 16) << 16)

EXEC(fence)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return i + 1;
}

/*
 * cp.async: done at once. o[0] destination in shared memory, o[1] source in global memory, o[2] bytes to read; x: ATOM_SHARED_W or
 * _D for the destination; y: bytes to write; imm: offset of the destination; that of the source is in its row already.
 */
EXEC(cp_async)
{
	ADDR_ARRAY(src);
	ADDR_ARRAY(dst);
	struct insn to = *i;
	const uint32_t *size = w_row(w, i->o[2]);
	uint32_t left, none = 0, some;

	to.o[1] = i->o[0];
	if (unlikely(!atom_addr(w, &to, m, dst)))
		return NULL;
	for (left = m; left; left &= left - 1) {
		unsigned int l = (unsigned int)__builtin_ctz(left);

		none |= size[l] ? 0 : 1u << l;
	}
	some = m & ~none;
	to = *i;
	to.imm = 0;
	if (some && unlikely(!global_addr(w, &to, some, src, i->y))) {
		/* Report the instruction itself, not the copy. */
		return NULL;
	}
	for (left = m; left; left &= left - 1) {
		unsigned int l = (unsigned int)__builtin_ctz(left);
		uint32_t n = size[l] < i->y ? size[l] : i->y;
		char *p = (char *)(uintptr_t)dst[l];

		if (n)
			memcpy(p, (const char *)(uintptr_t)src[l], n);
		memset(p + n, 0, i->y - n);
	}
	return i + 1;
}

/*
 * mbarrier: an opaque 64-bit word in shared memory: bits 0-19 arrivals still pending in the phase, 20-39 expected arrivals,
 * bit 63 the phase. x: space as above; y: 8.
 */
#define MBAR_MASK	0xfffffull
#define MBAR_PHASE	(1ull << 63)

static inline uint64_t mbar_arrive(uint64_t state, uint32_t count, bool drop)
{
	uint64_t pending = state & MBAR_MASK, expected = state >> 20 & MBAR_MASK, phase = state & MBAR_PHASE;

	if (drop)
		expected = expected > count ? expected - count : 0;
	pending = pending > count ? pending - count : 0;
	if (!pending) {
		pending = expected;
		phase ^= MBAR_PHASE;
	}
	return phase | expected << 20 | pending;
}

/* o[1] address, o[2] count */
EXEC(mbar_init)
{
	ADDR_ARRAY(addr);
	const uint32_t *n = w_row(w, i->o[2]);
	uint32_t left;

	if (unlikely(!atom_addr(w, i, m, addr)))
		return NULL;
	for (left = m; left; left &= left - 1) {
		unsigned int l = (unsigned int)__builtin_ctz(left);
		uint64_t count = n[l] & MBAR_MASK;

		*(uint64_t *)(uintptr_t)addr[l] = count << 20 | count;
	}
	return i + 1;
}

/* o[0] state before, o[1] address, o[2] count; aux: 1 drop, 2 does not complete the phase */
EXEC(mbar_arrive)
{
	ADDR_ARRAY(addr);
	uint64_t *d = d_row(w, i->o[0]);
	const uint32_t *n = w_row(w, i->o[2]);
	uint32_t left;

	if (unlikely(!atom_addr(w, i, m, addr)))
		return NULL;
	for (left = m; left; left &= left - 1) {
		unsigned int l = (unsigned int)__builtin_ctz(left);
		uint64_t *p = (uint64_t *)(uintptr_t)addr[l];

		d[l] = *p;
		*p = mbar_arrive(*p, n[l], i->aux & 1);
	}
	return i + 1;
}

/* cp.async.mbarrier.arrive: the copies are done already. aux: 1 noinc */
EXEC(mbar_cp_arrive)
{
	ADDR_ARRAY(addr);
	uint32_t left;

	if (unlikely(!atom_addr(w, i, m, addr)))
		return NULL;
	for (left = m; left && i->aux; left &= left - 1) {
		uint64_t *p = (uint64_t *)(uintptr_t)addr[__builtin_ctz(left)];

		*p = mbar_arrive(*p, 1, false);
	}
	return i + 1;
}

/* o[0] predicate, o[1] address, o[2] state: whether the phase of the state is over */
EXEC(mbar_test)
{
	ADDR_ARRAY(addr);
	const uint64_t *s = d_row(w, i->o[2]);
	uint32_t left, r = 0;

	if (unlikely(!atom_addr(w, i, m, addr)))
		return NULL;
	for (left = m; left; left &= left - 1) {
		unsigned int l = (unsigned int)__builtin_ctz(left);

		r |= (uint32_t)(((*(uint64_t *)(uintptr_t)addr[l] ^ s[l]) & MBAR_PHASE) != 0) << l;
	}
	p_write(w, i->o[0], m, r);
	return i + 1;
}

/* o[2] parity of the phase */
EXEC(mbar_test_parity)
{
	ADDR_ARRAY(addr);
	const uint32_t *s = w_row(w, i->o[2]);
	uint32_t left, r = 0;

	if (unlikely(!atom_addr(w, i, m, addr)))
		return NULL;
	for (left = m; left; left &= left - 1) {
		unsigned int l = (unsigned int)__builtin_ctz(left);
		uint32_t phase = *(uint64_t *)(uintptr_t)addr[l] >> 63;

		r |= (uint32_t)(phase != (s[l] & 1)) << l;
	}
	p_write(w, i->o[0], m, r);
	return i + 1;
}

EXEC(mbar_pending)
{
	uint32_t *d = w_row(w, i->o[0]);
	const uint64_t *a = d_row(w, i->o[1]);

	for (unsigned int l = 0; l < LANES; l++)
		if (ON(m, l))
			d[l] = (uint32_t)(a[l] & MBAR_MASK);
	return i + 1;
}
