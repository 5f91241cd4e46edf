// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * Loads and stores. i->imm is added to the address; y is the alignment in bytes, the whole vector's; x its elements, whose rows
 * are in ext[] where there are several. Names end in the width in memory and the file of the register.
 */
#include "access.h"

/* Whether all lanes access one address, or neighbouring ones in order. */
enum pattern { PATTERN_ANY, PATTERN_SAME, PATTERN_ROW };

static inline enum pattern pattern_of(const uint64_t *addr, unsigned int size)
{
	uint64_t same = 0, row = 0, first = addr[0];

	if (addr[1] == first) {
		FOR_LANES
			same |= addr[l] ^ first;
		return same ? PATTERN_ANY : PATTERN_SAME;
	}
	if (addr[1] == first + size) {
		FOR_LANES
			row |= addr[l] ^ (first + l * size);
		return row ? PATTERN_ANY : PATTERN_ROW;
	}
	return PATTERN_ANY;
}

#define READ(T, a)	(*(const T *)(uintptr_t)(a))

#if defined(__AVX512F__)
static inline void gather_u32(uint32_t *d, const uint64_t *addr, uint32_t m)
{
	unsigned int l;

	for (l = 0; l < LANES; l += 8) {
		__m256i v = _mm512_i64gather_epi32(_mm512_load_si512(addr + l), NULL, 1);

		_mm512_mask_storeu_epi32(d + l, (__mmask16)(m >> l & 0xff), _mm512_castsi256_si512(v));
	}
}

static inline void gather_u64(uint64_t *d, const uint64_t *addr, uint32_t m)
{
	unsigned int l;

	for (l = 0; l < LANES; l += 8) {
		__m512i v = _mm512_i64gather_epi64(_mm512_load_si512(addr + l), NULL, 1);

		_mm512_mask_storeu_epi64(d + l, (__mmask8)(m >> l), v);
	}
}
#else
static inline void gather_u32(uint32_t *d, const uint64_t *addr, uint32_t m)
{
	unsigned int l;

	for (l = 0; l < LANES; l++) {
		uint32_t r = READ(uint32_t, addr[l]);

		d[l] = ON(m, l) ? r : d[l];
	}
}

static inline void gather_u64(uint64_t *d, const uint64_t *addr, uint32_t m)
{
	unsigned int l;

	for (l = 0; l < LANES; l++) {
		uint64_t r = READ(uint64_t, addr[l]);

		d[l] = ON(m, l) ? r : d[l];
	}
}
#endif

static inline void fill_u32(uint32_t *d, uint32_t value, uint32_t m)
{
	if (likely(m == FULL_MASK))
		FOR_LANES
			d[l] = value;
	else
		FOR_LANES
			d[l] = ON(m, l) ? value : d[l];
}

static inline void fill_u64(uint64_t *d, uint64_t value, uint32_t m)
{
	FOR_LANES
		d[l] = ON(m, l) ? value : d[l];
}

static inline void load_b32_w(uint32_t *d, const uint64_t *addr, uint32_t m)
{
	switch (pattern_of(addr, 4)) {
	case PATTERN_ROW:
		memcpy(d, (const void *)(uintptr_t)addr[0], W_ROW);
		break;
	case PATTERN_SAME:
		fill_u32(d, READ(uint32_t, addr[0]), m);
		break;
	default:
		gather_u32(d, addr, m);
	}
}

static inline void load_b64_d(uint64_t *d, const uint64_t *addr, uint32_t m)
{
	switch (pattern_of(addr, 8)) {
	case PATTERN_ROW:
		memcpy(d, (const void *)(uintptr_t)addr[0], D_ROW);
		break;
	case PATTERN_SAME:
		fill_u64(d, READ(uint64_t, addr[0]), m);
		break;
	default:
		gather_u64(d, addr, m);
	}
}

#define LOAD_NARROW(name, T, ROW)							\
static inline void load_##name(ROW *d, const uint64_t *addr, uint32_t m)		\
{											\
	for (unsigned int l = 0; l < LANES; l++) {					\
		ROW r = (ROW)READ(T, addr[l]);						\
											\
		d[l] = ON(m, l) ? r : d[l];						\
	}										\
}

LOAD_NARROW(u8_w, uint8_t, uint32_t)
LOAD_NARROW(s8_w, int8_t, uint32_t)
LOAD_NARROW(u16_w, uint16_t, uint32_t)
LOAD_NARROW(s16_w, int16_t, uint32_t)
LOAD_NARROW(u8_d, uint8_t, uint64_t)
LOAD_NARROW(s8_d, int8_t, uint64_t)
LOAD_NARROW(u16_d, uint16_t, uint64_t)
LOAD_NARROW(s16_d, int16_t, uint64_t)
LOAD_NARROW(u32_d, uint32_t, uint64_t)
LOAD_NARROW(s32_d, int32_t, uint64_t)

static inline void step_addresses(uint64_t *addr, unsigned int bytes)
{
	FOR_LANES
		addr[l] += bytes;
}

#define EXEC_LD(space, name, size, row)							\
EXEC(ld_##space##_##name)								\
{											\
	ADDR_ARRAY(addr);								\
											\
	if (unlikely(!space##_addr(w, i, m, addr, i->y)))				\
		return NULL;								\
	load_##name(row(w, i->o[0]), addr, m);						\
	return i + 1;									\
}											\
EXEC(ldv_##space##_##name)								\
{											\
	ADDR_ARRAY(addr);								\
	unsigned int k;									\
											\
	if (unlikely(!space##_addr(w, i, m, addr, i->y)))				\
		return NULL;								\
	for (k = 0; k < i->x; k++) {							\
		if (k)									\
			step_addresses(addr, size);					\
		load_##name(row(w, i->ext[k]), addr, m);				\
	}										\
	return i + 1;									\
}

#define EXEC_LDS(space)									\
EXEC_LD(space, u8_w, 1, w_row)								\
EXEC_LD(space, s8_w, 1, w_row)								\
EXEC_LD(space, u16_w, 2, w_row)								\
EXEC_LD(space, s16_w, 2, w_row)								\
EXEC_LD(space, b32_w, 4, w_row)								\
EXEC_LD(space, u8_d, 1, d_row)								\
EXEC_LD(space, s8_d, 1, d_row)								\
EXEC_LD(space, u16_d, 2, d_row)								\
EXEC_LD(space, s16_d, 2, d_row)								\
EXEC_LD(space, u32_d, 4, d_row)								\
EXEC_LD(space, s32_d, 4, d_row)								\
EXEC_LD(space, b64_d, 8, d_row)

EXEC_LDS(global)
EXEC_LDS(sharedw)
EXEC_LDS(sharedd)
EXEC_LDS(localw)
EXEC_LDS(locald)
EXEC_LDS(frame)

#define STORE(name, T, ROW)								\
static inline void store_##name(const ROW *s, const uint64_t *addr, uint32_t m)	\
{											\
	if (likely(m == FULL_MASK)) {							\
		if (sizeof(T) == sizeof(ROW) && pattern_of(addr, sizeof(T)) == PATTERN_ROW) { \
			memcpy((void *)(uintptr_t)addr[0], s, sizeof(ROW) * LANES);	\
			return;								\
		}									\
		for (unsigned int l = 0; l < LANES; l++)				\
			*(T *)(uintptr_t)addr[l] = (T)s[l];				\
		return;									\
	}										\
	for (; m; m &= m - 1) {								\
		unsigned int l = (unsigned int)__builtin_ctz(m);			\
											\
		*(T *)(uintptr_t)addr[l] = (T)s[l];					\
	}										\
}

STORE(b8_w, uint8_t, uint32_t)
STORE(b16_w, uint16_t, uint32_t)
STORE(b32_w, uint32_t, uint32_t)
STORE(b8_d, uint8_t, uint64_t)
STORE(b16_d, uint16_t, uint64_t)
STORE(b32_d, uint32_t, uint64_t)
STORE(b64_d, uint64_t, uint64_t)

#define EXEC_ST(space, name, size, row)							\
EXEC(st_##space##_##name)								\
{											\
	ADDR_ARRAY(addr);								\
											\
	if (unlikely(!space##_addr(w, i, m, addr, i->y)))				\
		return NULL;								\
	store_##name(row(w, i->o[0]), addr, m);						\
	return i + 1;									\
}											\
EXEC(stv_##space##_##name)								\
{											\
	ADDR_ARRAY(addr);								\
	unsigned int k;									\
											\
	if (unlikely(!space##_addr(w, i, m, addr, i->y)))				\
		return NULL;								\
	for (k = 0; k < i->x; k++) {							\
		if (k)									\
			step_addresses(addr, size);					\
		store_##name(row(w, i->ext[k]), addr, m);				\
	}										\
	return i + 1;									\
}

#define EXEC_STS(space)									\
EXEC_ST(space, b8_w, 1, w_row)								\
EXEC_ST(space, b16_w, 2, w_row)								\
EXEC_ST(space, b32_w, 4, w_row)								\
EXEC_ST(space, b8_d, 1, d_row)								\
EXEC_ST(space, b16_d, 2, d_row)								\
EXEC_ST(space, b32_d, 4, d_row)								\
EXEC_ST(space, b64_d, 8, d_row)

EXEC_STS(global)
EXEC_STS(sharedw)
EXEC_STS(sharedd)
EXEC_STS(localw)
EXEC_STS(locald)
EXEC_STS(frame)

/* Kernel parameters at imm, which the decoder has checked: one value for all lanes. */
#define EXEC_LDP(name, T, fill, row)							\
EXEC(ldp_##name)									\
{											\
	T v;										\
											\
	memcpy(&v, w->params + i->imm, sizeof(v));					\
	fill(row(w, i->o[0]), v, m);							\
	return i + 1;									\
}

EXEC_LDP(u8_w, uint8_t, fill_u32, w_row)
EXEC_LDP(s8_w, int8_t, fill_u32, w_row)
EXEC_LDP(u16_w, uint16_t, fill_u32, w_row)
EXEC_LDP(s16_w, int16_t, fill_u32, w_row)
EXEC_LDP(b32_w, uint32_t, fill_u32, w_row)
EXEC_LDP(u8_d, uint8_t, fill_u64, d_row)
EXEC_LDP(s8_d, int8_t, fill_u64, d_row)
EXEC_LDP(u16_d, uint16_t, fill_u64, d_row)
EXEC_LDP(s16_d, int16_t, fill_u64, d_row)
EXEC_LDP(u32_d, uint32_t, fill_u64, d_row)
EXEC_LDP(s32_d, int32_t, fill_u64, d_row)
EXEC_LDP(b64_d, uint64_t, fill_u64, d_row)

/* Address of a parameter of the kernel, of something in the local frame; imm: offset. */
EXEC(addr_param)
{
	fill_u64(d_row(w, i->o[0]), (uint64_t)(uintptr_t)w->params + i->imm, m);
	return i + 1;
}

EXEC(addr_frame_d)
{
	fill_u64(d_row(w, i->o[0]), w->frame_local + i->imm, m);
	return i + 1;
}

EXEC(addr_frame_w)
{
	fill_u32(w_row(w, i->o[0]), w->frame_local + (uint32_t)i->imm, m);
	return i + 1;
}

EXEC(addr_dynamic)
{
	fill_u64(d_row(w, i->o[0]), w->shared_size - w->grid->dynamic_shared + i->imm, m);
	return i + 1;
}

/* Between a space and generic addresses. */
EXEC(cvta_shared)
{
	uint64_t *d = d_row(w, i->o[0]), base = (uint64_t)(uintptr_t)w->shared;
	const uint64_t *a = d_row(w, i->o[1]);

	FOR_LANES {
		uint64_t r = a[l] + base;

		d[l] = ON(m, l) ? r : d[l];
	}
	return i + 1;
}

EXEC(cvta_to_shared)
{
	uint64_t *d = d_row(w, i->o[0]), base = (uint64_t)(uintptr_t)w->shared;
	const uint64_t *a = d_row(w, i->o[1]);

	FOR_LANES {
		uint64_t r = a[l] - base;

		d[l] = ON(m, l) ? r : d[l];
	}
	return i + 1;
}

EXEC(cvta_local)
{
	uint64_t *d = d_row(w, i->o[0]), base = (uint64_t)(uintptr_t)w->local;
	const uint64_t *a = d_row(w, i->o[1]);

	FOR_LANES {
		uint64_t r = a[l] + base + l * w->local_stride;

		d[l] = ON(m, l) ? r : d[l];
	}
	return i + 1;
}

EXEC(cvta_to_local)
{
	uint64_t *d = d_row(w, i->o[0]), base = (uint64_t)(uintptr_t)w->local;
	const uint64_t *a = d_row(w, i->o[1]);

	FOR_LANES {
		uint64_t r = a[l] - base - l * w->local_stride;

		d[l] = ON(m, l) ? r : d[l];
	}
	return i + 1;
}

/* isspacep; aux: 0 global, 1 shared, 2 local, 3 param, 4 const. */
EXEC(isspacep)
{
	const uint64_t *a = d_row(w, i->o[1]);
	uint32_t r = 0;
	unsigned int l;

	for (l = 0; l < LANES; l++) {
		bool shared = a[l] - (uint64_t)(uintptr_t)w->shared < w->shared_size;
		bool local = a[l] - (uint64_t)(uintptr_t)w->local < LANES * w->local_stride;
		bool param = a[l] - (uint64_t)(uintptr_t)w->params < w->params_len;
		bool in;

		switch (i->aux) {
		case 0:
			in = !shared && !local && !param;
			break;
		case 1:
			in = shared;
			break;
		case 2:
			in = local;
			break;
		case 3:
			in = param;
			break;
		default:
			in = false;
		}
		r |= (uint32_t)in << l;
	}
	p_write(w, i->o[0], m, r);
	return i + 1;
}
