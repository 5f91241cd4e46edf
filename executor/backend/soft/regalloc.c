// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * DOC: Register allocation
 *
 * Virtual registers get rows of the three files by linear scan, so that a warp's registers fit into the cache. A value that lives inside
 * one basic block lives from its definition to its last use. For the others, liveness is computed over the flow graph,
 * and a value occupies its row from the first to the last instruction at which it is live. A definition under a guard does not end the life
 * of the value before it. Since lanes only touch their own columns, divergence needs no thought here.
 */
#include <string.h>

#include "decode.h"

#define NO_BLOCK	UINT32_MAX
#define MANY_BLOCKS	(UINT32_MAX - 1)
#define MAX_BITS	(1ull << 31)

struct regalloc {
	struct decoder *dc;
	uint32_t *block_of;	/* by instruction */
	uint32_t *starts;	/* first instruction of each block, and the end */
	uint32_t num_blocks;
	uint32_t *home;		/* by value: its block, or MANY_BLOCKS */
	uint32_t *global;	/* by value: index among the values of many blocks */
	uint32_t num_globals;
	uint32_t *first;	/* by value: interval */
	uint32_t *last;
	uint32_t *row;		/* by value */
	uint64_t *live;		/* by block: live at its end */
	size_t words;
};

static bool ends_block(const struct insn *insn)
{
	switch (insn->op) {
	case XO_bra:
	case XO_brx:
	case XO_exit:
	case XO_ret:
	case XO_trap:
	case XO_fell_off:
		return true;
	}
	return false;
}

static void find_blocks(struct regalloc *ra)
{
	struct decoder *dc = ra->dc;
	uint32_t n = dc->num_insns, i, block = 0;
	bool *leader = build_alloc(dc->b, n + 1);

	leader[0] = true;
	for (i = 0; i < dc->num_fixups; i++)
		leader[dc->labels[dc->fixups[i].stmt]] = true;
	for (i = 0; i < n; i++)
		if (ends_block(&dc->insns[i]))
			leader[i + 1] = true;
	ra->block_of = build_alloc(dc->b, (n + 1) * sizeof(*ra->block_of));
	ra->starts = build_alloc(dc->b, (n + 2) * sizeof(*ra->starts));
	for (i = 0; i < n; i++) {
		if (leader[i])
			ra->starts[block++] = i;
		ra->block_of[i] = block - 1;
	}
	ra->num_blocks = block;
	ra->starts[block] = n;
}

static void touch(struct regalloc *ra, val_t v, uint32_t i)
{
	if (ra->first[v] > i)
		ra->first[v] = i;
	if (ra->last[v] < i || ra->last[v] == UINT32_MAX)
		ra->last[v] = i;
}

/* Which values stay inside one block, and the bounds of their lives there. */
static void find_homes(struct regalloc *ra)
{
	struct decoder *dc = ra->dc;
	uint32_t r, end, k, pass;

	memset(ra->home, 0xff, dc->num_vals * sizeof(*ra->home));
	memset(ra->first, 0xff, dc->num_vals * sizeof(*ra->first));
	memset(ra->last, 0xff, dc->num_vals * sizeof(*ra->last));
	for (r = 0; r < dc->num_refs; r = end) {
		uint32_t insn = dc->refs[r].insn, block = ra->block_of[insn];

		for (end = r; end < dc->num_refs && dc->refs[end].insn == insn; end++)
			;
		/* What an instruction reads it reads before it writes. */
		for (pass = 0; pass < 2; pass++) {
			for (k = r; k < end; k++) {
				const struct ref *ref = &dc->refs[k];
				bool kills = ref->def && !ref->partial;

				if (ref->val & VAL_CONST || ref->def != pass)
					continue;
				if (ra->home[ref->val] == NO_BLOCK)
					ra->home[ref->val] = kills ? block : MANY_BLOCKS;
				else if (ra->home[ref->val] != block)
					ra->home[ref->val] = MANY_BLOCKS;
				touch(ra, ref->val, insn);
			}
		}
	}
}

static inline uint64_t *live_set(struct regalloc *ra, uint32_t block)
{
	return ra->live + block * ra->words;
}

/* in = use | (out & ~def), by a walk over the block backwards. */
static void block_transfer(struct regalloc *ra, uint32_t r_begin, uint32_t r_end, uint64_t *set)
{
	struct decoder *dc = ra->dc;
	uint32_t end = r_end, begin, k, pass;

	while (end > r_begin) {
		for (begin = end; begin > r_begin && dc->refs[begin - 1].insn == dc->refs[end - 1].insn; begin--)
			;
		for (pass = 0; pass < 2; pass++) {
			for (k = begin; k < end; k++) {
				const struct ref *ref = &dc->refs[k];
				uint32_t g;

				if (ref->val & VAL_CONST || ra->home[ref->val] != MANY_BLOCKS)
					continue;
				g = ra->global[ref->val];
				if (!pass && ref->def && !ref->partial)
					set[g / 64] &= ~(1ull << (g % 64));
				else if (pass && (!ref->def || ref->partial))
					set[g / 64] |= 1ull << (g % 64);
			}
		}
		end = begin;
	}
}

struct edges {
	uint32_t *head;		/* by block */
	uint32_t *next;
	uint32_t *from;
	uint32_t num;
	uint32_t cap_next;
	uint32_t cap_from;
};

static void add_edge(struct regalloc *ra, struct edges *e, uint32_t from, uint32_t to)
{
	struct build *b = ra->dc->b;

	e->next = build_grow(b, e->next, &e->cap_next, e->num + 2, sizeof(*e->next));
	e->from = build_grow(b, e->from, &e->cap_from, e->num + 2, sizeof(*e->from));
	e->num++;
	e->next[e->num] = e->head[to];
	e->from[e->num] = from;
	e->head[to] = e->num;
}

/* Edges by their target, so that a change goes on to predecessors. */
static void find_edges(struct regalloc *ra, struct edges *e)
{
	struct decoder *dc = ra->dc;
	uint32_t i;

	e->head = build_alloc(dc->b, (ra->num_blocks + 1) * sizeof(*e->head));
	for (i = 0; i < dc->num_fixups; i++) {
		uint32_t target = dc->labels[dc->fixups[i].stmt];

		if (target < dc->num_insns)
			add_edge(ra, e, ra->block_of[dc->fixups[i].insn], ra->block_of[target]);
	}
	for (i = 0; i + 1 < ra->num_blocks; i++) {
		const struct insn *end = &dc->insns[ra->starts[i + 1] - 1];

		if (!ends_block(end) || end->guard != NO_GUARD)
			add_edge(ra, e, i, i + 1);
	}
}

static void solve(struct regalloc *ra, const uint32_t *ref_start)
{
	struct build *b = ra->dc->b;
	uint64_t *set = build_alloc(b, ra->words * sizeof(*set) + 8);
	bool *queued = build_alloc(b, ra->num_blocks + 1);
	uint32_t *queue, head = 0, count = 0, i, block;
	struct edges e = { 0 };
	size_t k;

	find_edges(ra, &e);
	queue = build_alloc(b, (ra->num_blocks + 1) * sizeof(*queue));
	for (i = ra->num_blocks; i-- > 0;) {
		queue[count++] = i;
		queued[i] = true;
	}
	while (count) {
		block = queue[head];
		head = head + 1 == ra->num_blocks ? 0 : head + 1;
		count--;
		queued[block] = false;
		memcpy(set, live_set(ra, block), ra->words * sizeof(*set));
		block_transfer(ra, ref_start[block], ref_start[block + 1], set);
		for (i = e.head[block]; i; i = e.next[i]) {
			uint64_t *out = live_set(ra, e.from[i]), changed = 0;

			for (k = 0; k < ra->words; k++) {
				changed |= set[k] & ~out[k];
				out[k] |= set[k];
			}
			if (changed && !queued[e.from[i]]) {
				queued[e.from[i]] = true;
				queue[(head + count++) % ra->num_blocks] = e.from[i];
			}
		}
	}
	build_release(b, e.next);
	build_release(b, e.from);
}

static void find_global_lives(struct regalloc *ra)
{
	struct decoder *dc = ra->dc;
	uint32_t *ref_start, *values, v, r, block, k;
	uint64_t bits;
	size_t word;

	values = build_alloc(dc->b, (dc->num_vals + 1) * sizeof(*values));
	for (v = 0; v < dc->num_vals; v++) {
		if (ra->home[v] == MANY_BLOCKS) {
			values[ra->num_globals] = v;
			ra->global[v] = ra->num_globals++;
		}
	}
	ra->words = (ra->num_globals + 63) / 64;
	if ((uint64_t)ra->words * 64 * ra->num_blocks > MAX_BITS) {
		for (k = 0; k < ra->num_globals; k++) {
			ra->first[values[k]] = 0;
			ra->last[values[k]] = dc->num_insns;
		}
		return;
	}
	ref_start = build_alloc(dc->b, (ra->num_blocks + 2) * sizeof(*ref_start));
	for (r = 0, block = 0; block < ra->num_blocks; block++) {
		ref_start[block] = r;
		while (r < dc->num_refs && dc->refs[r].insn < ra->starts[block + 1])
			r++;
	}
	ref_start[block] = r;
	ra->live = build_alloc(dc->b, ra->words * ra->num_blocks * sizeof(*ra->live) + 8);
	solve(ra, ref_start);
	for (block = 0; block < ra->num_blocks; block++) {
		uint64_t *set = live_set(ra, block);
		uint32_t end = ra->starts[block + 1];

		for (word = 0; word < ra->words; word++) {
			for (bits = set[word]; bits; bits &= bits - 1) {
				v = values[word * 64 + (unsigned int)__builtin_ctzll(bits)];
				touch(ra, v, end - 1);
			}
		}
		block_transfer(ra, ref_start[block], ref_start[block + 1], set);
		for (word = 0; word < ra->words; word++)
			for (bits = set[word]; bits; bits &= bits - 1)
				touch(ra, values[word * 64 + (unsigned int)__builtin_ctzll(bits)], ra->starts[block]);
	}
}

static void pin(struct regalloc *ra, val_t v)
{
	ra->first[v] = 0;
	ra->last[v] = ra->dc->num_insns;
}

struct free_rows {
	uint32_t *rows;
	uint32_t num;
	uint32_t cap;
	uint32_t top;
};

static void scan(struct regalloc *ra)
{
	struct decoder *dc = ra->dc;
	uint32_t n = dc->num_insns, *start_head, *end_head, *start_next, *end_next, i, v;
	struct free_rows files[NUM_FILES] = { 0 }, *f;

	start_head = build_alloc(dc->b, (n + 2) * sizeof(*start_head));
	end_head = build_alloc(dc->b, (n + 2) * sizeof(*end_head));
	start_next = build_alloc(dc->b, (dc->num_vals + 1) * sizeof(*start_next));
	end_next = build_alloc(dc->b, (dc->num_vals + 1) * sizeof(*end_next));
	for (v = dc->num_vals; v-- > 0;) {
		if (ra->first[v] == UINT32_MAX)
			continue;
		start_next[v] = start_head[ra->first[v]];
		start_head[ra->first[v]] = v + 1;
		end_next[v] = end_head[ra->last[v]];
		end_head[ra->last[v]] = v + 1;
	}
	for (i = 0; i <= n; i++) {
		for (v = i ? end_head[i - 1] : 0; v; v = end_next[v - 1]) {
			f = &files[dc->files[v - 1]];
			f->rows = build_grow(dc->b, f->rows, &f->cap, f->num + 1, sizeof(*f->rows));
			f->rows[f->num++] = ra->row[v - 1];
		}
		for (v = start_head[i]; v; v = start_next[v - 1]) {
			f = &files[dc->files[v - 1]];
			ra->row[v - 1] = f->num ? f->rows[--f->num] : f->top++;
		}
	}
	dc->code->w_rows = files[FILE_W].top;
	dc->code->d_rows = files[FILE_D].top;
	dc->code->p_rows = files[FILE_P].top;
	for (i = 0; i < NUM_FILES; i++)
		build_release(dc->b, files[i].rows);
}

static uint32_t encode(struct regalloc *ra, const uint32_t *const_rows, val_t v)
{
	static const uint32_t sizes[NUM_FILES] = { W_ROW, D_ROW, P_ROW };
	struct decoder *dc = ra->dc;

	if (v & VAL_CONST) {
		v &= ~VAL_CONST;
		return const_rows[v] * sizes[dc->const_files[v]] | 1;
	}
	return ra->row[v] * sizes[dc->files[v]];
}

static void write_operands(struct regalloc *ra)
{
	struct decoder *dc = ra->dc;
	uint32_t counts[NUM_FILES] = { 0 }, *const_rows, i, at;

	const_rows = build_alloc(dc->b, (dc->num_consts + 1) * sizeof(*const_rows));
	for (i = 0; i < dc->num_consts; i++)
		const_rows[i] = counts[dc->const_files[i]]++;
	for (i = 0; i < dc->num_refs; i++) {
		const struct ref *ref = &dc->refs[i];

		at = encode(ra, const_rows, ref->val);
		if (ref->slot >= REF_FORMAL)
			dc->slots[ref->slot - REF_FORMAL]->at = at;
		else if (ref->slot >= REF_EXT)
			dc->ext[ref->slot - REF_EXT] = at;
		else if (ref->slot == REF_GUARD)
			dc->insns[ref->insn].guard = at;
		else
			dc->insns[ref->insn].o[ref->slot] = at;
	}
	for (i = 0; !dc->func->entry && i < dc->code->num_formals; i++)
		if (dc->code->formals[i].kind != FORMAL_MEM)
			dc->code->formals[i].at = encode(ra, const_rows, dc->code->formals[i].at);
}

void regalloc_run(struct decoder *dc)
{
	struct regalloc ra = { .dc = dc };
	size_t size = (dc->num_vals + 1) * sizeof(uint32_t);
	uint32_t i, regs;

	ra.home = build_alloc(dc->b, size);
	ra.global = build_alloc(dc->b, size);
	ra.first = build_alloc(dc->b, size);
	ra.last = build_alloc(dc->b, size);
	ra.row = build_alloc(dc->b, size);
	find_blocks(&ra);
	find_homes(&ra);
	find_global_lives(&ra);
	for (i = 0; !dc->func->entry && i < dc->code->num_formals; i++)
		if (dc->code->formals[i].kind != FORMAL_MEM)
			pin(&ra, dc->code->formals[i].at);
	scan(&ra);
	write_operands(&ra);
	regs = dc->code->w_rows + 2 * dc->code->d_rows + 8;
	dc->code->num_regs = regs > PTX_MAX_REGS ? PTX_MAX_REGS : regs;
}
