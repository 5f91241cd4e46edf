// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* What lanes of a warp do together: shuffles, votes, matches, reductions, barriers. */
#include "exec.h"

/* Returns where the lanes have to wait. */
#define SYNC_LANES(k)	SYNC_OPERAND(i->o[k])
#define SYNC_OPERAND(operand)								\
	const uint32_t *members = w_row(w, operand);					\
	const struct insn *elsewhere;							\
											\
	if (unlikely(!warp_sync(w, i, m, members, &elsewhere)))				\
		return elsewhere

enum { SHFL_UP, SHFL_DOWN, SHFL_BFLY, SHFL_IDX };

/* o[0] result, o[1] predicate result, o[2] value, o[3] lane or distance, o[4] clamp and mask; ext[0] members; aux: mode; x: has predicate */
static inline const struct insn *shuffle(struct warp *w, const struct insn *i, uint32_t m)
{
	uint32_t *d = w_row(w, i->o[0]), old[LANES] __attribute__((aligned(64))), ok = 0;
	const uint32_t *a = w_row(w, i->o[2]), *b = w_row(w, i->o[3]), *c = w_row(w, i->o[4]);
	unsigned int l;

	memcpy(old, a, sizeof(old));
	for (l = 0; l < LANES; l++) {
		uint32_t bval = b[l] & 31, cval = c[l] & 31, seg = c[l] >> 8 & 31, j;
		uint32_t max = (l & seg) | (cval & ~seg), min = l & seg;
		bool p;

		switch (i->aux) {
		case SHFL_UP:
			j = l - bval;
			p = (int32_t)j >= (int32_t)max;
			break;
		case SHFL_DOWN:
			j = l + bval;
			p = j <= max;
			break;
		case SHFL_BFLY:
			j = l ^ bval;
			p = j <= max;
			break;
		default:
			j = min | (bval & ~seg);
			p = j <= max;
		}
		if (!p)
			j = l;
		ok |= (uint32_t)p << l;
		if (ON(m, l))
			d[l] = old[j & 31];
	}
	if (i->x)
		p_write(w, i->o[1], m, ok);
	return i + 1;
}

EXEC(shfl_sync)
{
	SYNC_OPERAND(i->ext[0]);
	return shuffle(w, i, m);
}

EXEC(shfl)
{
	return shuffle(w, i, m);
}

/* o[0] result, o[1] predicate, o[2] members; without .sync all that are here take part. */
static inline uint32_t voters(uint32_t m, const uint32_t *members, unsigned int l)
{
	return members ? m & members[l] : m;
}

enum { VOTE_ALL, VOTE_ANY, VOTE_UNI };

static inline const struct insn *vote(struct warp *w, const struct insn *i, uint32_t m, const uint32_t *members)
{
	uint32_t p = *p_word(w, i->o[1]), r = 0;
	unsigned int l;

	for (l = 0; l < LANES; l++) {
		uint32_t who = voters(m, members, l), yes = p & who;
		bool v;

		switch (i->aux) {
		case VOTE_ALL:
			v = yes == who;
			break;
		case VOTE_ANY:
			v = yes != 0;
			break;
		default:
			v = yes == who || !yes;
		}
		r |= (uint32_t)v << l;
	}
	p_write(w, i->o[0], m, r);
	return i + 1;
}

static inline const struct insn *ballot(struct warp *w, const struct insn *i, uint32_t m, const uint32_t *members)
{
	uint32_t *d = w_row(w, i->o[0]), p = *p_word(w, i->o[1]);

	for (unsigned int l = 0; l < LANES; l++)
		if (ON(m, l))
			d[l] = p & voters(m, members, l);
	return i + 1;
}

EXEC(vote)
{
	return vote(w, i, m, NULL);
}

EXEC(ballot)
{
	return ballot(w, i, m, NULL);
}

EXEC(vote_sync)
{
	SYNC_LANES(2);
	return vote(w, i, m, members);
}

EXEC(ballot_sync)
{
	SYNC_LANES(2);
	return ballot(w, i, m, members);
}

/* o[0] mask, o[1] predicate (x), o[2] value, o[3] members */
#define EXEC_MATCH(name, T, row)							\
EXEC(match_any_##name)									\
{											\
	uint32_t *d = w_row(w, i->o[0]), r[LANES];					\
	const T *a = row(w, i->o[2]);							\
	unsigned int l, k;								\
											\
	SYNC_LANES(3);									\
	for (l = 0; l < LANES; l++) {							\
		r[l] = 0;								\
		for (k = 0; k < LANES; k++)						\
			r[l] |= (uint32_t)(a[k] == a[l]) << k;				\
		r[l] &= voters(m, members, l);						\
	}										\
	for (l = 0; l < LANES; l++)							\
		if (ON(m, l))								\
			d[l] = r[l];							\
	return i + 1;									\
}											\
EXEC(match_all_##name)									\
{											\
	uint32_t *d = w_row(w, i->o[0]), r[LANES], all = 0;				\
	const T *a = row(w, i->o[2]);							\
	unsigned int l, k;								\
											\
	SYNC_LANES(3);									\
	for (l = 0; l < LANES; l++) {							\
		uint32_t who = voters(m, members, l);					\
		bool same = true;							\
											\
		for (k = 0; k < LANES; k++)						\
			same = same && (!ON(who, k) || a[k] == a[l]);			\
		r[l] = same ? who : 0;							\
		all |= (uint32_t)same << l;						\
	}										\
	for (l = 0; l < LANES; l++)							\
		if (ON(m, l))								\
			d[l] = r[l];							\
	if (i->x)									\
		p_write(w, i->o[1], m, all);						\
	return i + 1;									\
}

EXEC_MATCH(w, uint32_t, w_row)
EXEC_MATCH(d, uint64_t, d_row)

/* o[0] result, o[1] value, o[2] members */
#define EXEC_REDUX(name, T, combine)							\
EXEC(redux_##name)									\
{											\
	uint32_t *d = w_row(w, i->o[0]), r[LANES];					\
	const uint32_t *a = w_row(w, i->o[1]);						\
	unsigned int l, k;								\
											\
	SYNC_LANES(2);									\
	for (l = 0; l < LANES; l++) {							\
		uint32_t who = voters(m, members, l);					\
		T x = (T)a[l];								\
											\
		if (!ON(m, l))								\
			continue;							\
		if (l && ON(m, l - 1) && ON(who, l - 1) && members[l] == members[l - 1]) {	\
			r[l] = r[l - 1];						\
			continue;							\
		}									\
		for (k = 0; k < LANES; k++) {						\
			T y = (T)a[k];							\
											\
			if (k != l && ON(who, k))					\
				x = (T)(combine);					\
		}									\
		r[l] = (uint32_t)x;							\
	}										\
	for (l = 0; l < LANES; l++)							\
		if (ON(m, l))								\
			d[l] = r[l];							\
	return i + 1;									\
}

EXEC_REDUX(add, uint32_t, x + y)
EXEC_REDUX(min_u32, uint32_t, x < y ? x : y)
EXEC_REDUX(max_u32, uint32_t, x > y ? x : y)
EXEC_REDUX(min_s32, int32_t, x < y ? x : y)
EXEC_REDUX(max_s32, int32_t, x > y ? x : y)
EXEC_REDUX(and, uint32_t, x & y)
EXEC_REDUX(or, uint32_t, x | y)
EXEC_REDUX(xor, uint32_t, x ^ y)

EXEC(activemask)
{
	uint32_t *d = w_row(w, i->o[0]);

	for (unsigned int l = 0; l < LANES; l++)
		if (ON(m, l))
			d[l] = m;
	return i + 1;
}

/* o[0] leader, o[1] predicate, o[2] members */
EXEC(elect)
{
	uint32_t *d = w_row(w, i->o[0]), r = 0;
	unsigned int l;

	SYNC_LANES(2);
	for (l = 0; l < LANES; l++) {
		uint32_t who = voters(m, members, l);
		unsigned int leader = who ? (unsigned int)__builtin_ctz(who) : 0;

		if (ON(m, l))
			d[l] = leader;
		r |= (uint32_t)(leader == l) << l;
	}
	p_write(w, i->o[1], m, r);
	return i + 1;
}

/* bar.warp.sync: o[0] members */
EXEC(bar_warp)
{
	SYNC_LANES(0);
	return i + 1;
}

/* o[0] barrier, o[1] threads (x: given), o[2] predicate; aux: enum below; o[3] result; ext[0]: P result */
enum { BAR_SYNC, BAR_ARRIVE, BAR_RED_POPC, BAR_RED_AND, BAR_RED_OR };

static inline const struct insn *barrier_number(struct warp *w, const struct insn *i, uint32_t m, uint32_t *number,
						uint32_t *count)
{
	unsigned int first = (unsigned int)__builtin_ctz(m);
	const uint32_t *a = w_row(w, i->o[0]), *n = w_row(w, i->o[1]);

	*number = a[first];
	*count = i->x ? n[first] : 0;
	if (*number >= NUM_BARRIERS)
		return warp_fault(w, i, m, PTX_ERROR_ILLEGAL_INSTRUCTION, 0, "barrier number above 15");
	if (i->x && (!*count || *count % LANES))
		return warp_fault(w, i, m, PTX_ERROR_ILLEGAL_INSTRUCTION, 0,
				  "thread count of a barrier is not a multiple of the warp size");
	return i;
}

EXEC(bar_sync)
{
	uint32_t number, count;

	if (!barrier_number(w, i, m, &number, &count))
		return NULL;
	if (unlikely(m != w->active))
		return warp_branch(w, m, i, i + 1);
	if (block_arrive(w, m, number, count, 0))
		return warp_passed(w, i + 1);
	return warp_wait(w, number, i + 1);
}

EXEC(bar_arrive)
{
	uint32_t number, count;

	if (!barrier_number(w, i, m, &number, &count))
		return NULL;
	block_arrive(w, m, number, count, 0);
	return i + 1;
}

/* The instruction behind fetches the result when the barrier is complete. */
EXEC(bar_red)
{
	uint32_t number, count;

	if (!barrier_number(w, i, m, &number, &count))
		return NULL;
	if (unlikely(m != w->active))
		return warp_branch(w, m, i, i + 1);
	if (block_arrive(w, m, number, count, *p_word(w, i->o[2])))
		return warp_passed(w, i + 1);
	return warp_wait(w, number, i + 1);
}

EXEC(bar_result_w)
{
	uint32_t *d = w_row(w, i->o[3]), number;

	number = ((uint32_t *)w_row(w, i->o[0]))[__builtin_ctz(m)] % NUM_BARRIERS;
	for (unsigned int l = 0; l < LANES; l++)
		if (ON(m, l))
			d[l] = w->block->barriers[number].pred_count;
	return i + 1;
}

EXEC(bar_result_p)
{
	uint32_t number = ((uint32_t *)w_row(w, i->o[0]))[__builtin_ctz(m)] % NUM_BARRIERS;
	const struct barrier *bar = &w->block->barriers[number];

	p_write(w, i->o[3], m, (i->aux == BAR_RED_AND ? bar->pred_and : bar->pred_or) ? FULL_MASK : 0);
	return i + 1;
}
