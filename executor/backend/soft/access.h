/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Addresses of a warp's accesses. Each *_addr function fills addr[] with the host addresses that the lanes of m access and checks
 * them; lanes that are not in m get the address of one that is, so that loads need no mask. False means a fault.
 */
#ifndef EXECUTOR_SOFT_ACCESS_H
#define EXECUTOR_SOFT_ACCESS_H

#include "exec.h"

#define ADDR_ARRAY(name)	uint64_t name[LANES] __attribute__((aligned(64)))

static inline bool global_addr(struct warp *w, const struct insn *i, uint32_t m, uint64_t *addr, uint32_t bytes)
{
	const uint64_t *a = d_row(w, i->o[1]);
	uint64_t lo = w->extent, lim = w->extent_len - bytes, bad = w->extent_len < bytes, off = i->imm, low = 0;

	if (likely(m == FULL_MASK)) {
		FOR_LANES {
			addr[l] = a[l] + off;
			bad |= addr[l] - lo > lim;
			low |= addr[l];
		}
	} else {
		uint64_t first = a[__builtin_ctz(m)];

		FOR_LANES {
			addr[l] = (ON(m, l) ? a[l] : first) + off;
			bad |= addr[l] - lo > lim;
			low |= addr[l];
		}
	}
	if (likely(!(bad | (low & (bytes - 1)))))
		return true;
	return access_check(w, i, m, addr, bytes);
}

#define SHARED_ADDR(name, T, row)								\
static inline bool name(struct warp *w, const struct insn *i, uint32_t m, uint64_t *addr, uint32_t bytes) \
{												\
	const T *a = row(w, i->o[1]);								\
	uint64_t base = (uint64_t)(uintptr_t)w->shared, lim = (uint64_t)w->shared_size - bytes;	\
	uint64_t bad = w->shared_size < bytes, off = i->imm, low = 0;				\
												\
	if (likely(m == FULL_MASK)) {								\
		FOR_LANES {									\
			uint64_t t = (T)(a[l] + off);						\
												\
			bad |= t > lim;								\
			low |= t;								\
			addr[l] = t + base;							\
		}										\
	} else {										\
		T first = a[__builtin_ctz(m)];							\
												\
		FOR_LANES {									\
			uint64_t t = (T)((ON(m, l) ? a[l] : first) + off);			\
												\
			bad |= t > lim;								\
			low |= t;								\
			addr[l] = t + base;							\
		}										\
	}											\
	if (likely(!(bad | (low & (bytes - 1)))))						\
		return true;									\
	return access_fault(w, i, m, addr, bytes, base, w->shared_size, "shared");		\
}

SHARED_ADDR(sharedw_addr, uint32_t, w_row)
SHARED_ADDR(sharedd_addr, uint64_t, d_row)

static inline bool local_place(struct warp *w, const struct insn *i, uint32_t m, uint64_t *addr, uint32_t bytes,
			       uint64_t bad, uint64_t low)
{
	uint64_t base = (uint64_t)(uintptr_t)w->local;

	if (unlikely(bad | (low & (bytes - 1))))
		return access_fault(w, i, m, addr, bytes, 0, w->local_size, "local");
	FOR_LANES
		addr[l] += base + l * w->local_stride;
	return true;
}

#define LOCAL_ADDR(name, T, row)								\
static inline bool name(struct warp *w, const struct insn *i, uint32_t m, uint64_t *addr, uint32_t bytes) \
{												\
	const T *a = row(w, i->o[1]);								\
	uint64_t lim = (uint64_t)w->local_size - bytes, bad = w->local_size < bytes, off = i->imm, low = 0; \
	T first = a[__builtin_ctz(m)];								\
												\
	FOR_LANES {										\
		uint64_t t = (T)((ON(m, l) ? a[l] : first) + off);				\
												\
		bad |= t > lim;									\
		low |= t;									\
		addr[l] = t;									\
	}											\
	return local_place(w, i, m, addr, bytes, bad, low);					\
}

LOCAL_ADDR(localw_addr, uint32_t, w_row)
LOCAL_ADDR(locald_addr, uint64_t, d_row)

/* At imm in the current local frame. */
static inline bool frame_addr(struct warp *w, const struct insn *i, uint32_t m, uint64_t *addr, uint32_t bytes)
{
	uint64_t t = w->frame_local + i->imm, bad = t > (uint64_t)w->local_size - bytes || w->local_size < bytes;

	FOR_LANES
		addr[l] = t;
	return local_place(w, i, m, addr, bytes, bad, t);
}

#endif
