// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * DOC: Warps
 *
 * The lanes of a warp that have diverged are *fragments*: sets of lanes with a program counter and an activation of their own. One
 * fragment runs at a time. The deepest call goes first, then the lowest program counter, which brings fragments together at
 * the places where compilers let control flow join (every branch target begins with the join instruction, where fragments
 * at the same place merge). So that lanes make progress independently, a fragment that has run for its slice gives way to
 * the one that has waited longest: a lane that spins on a lock held by another lane of its warp lets that other go on.
 *
 * Instructions that name lanes (shfl.sync and so on) wait until these lanes are in one fragment with them.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define TURN		16384	/* instructions of a warp until another's turn */
#define SLICE		512	/* instructions of a fragment until another's */
#define SLICES		16	/* slices of a turn */

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

static inline struct frag *running(struct warp *w)
{
	return &w->frags[w->current];
}

static void set_frame(struct warp *w, const struct frame *frame)
{
	const struct code *code = frame->code;

	w->wb[0] = w->w_file + frame->w;
	w->wb[1] = code->w_const;
	w->db[0] = w->d_file + frame->d;
	w->db[1] = code->d_const;
	w->pb[0] = w->p_file + frame->p;
	w->pb[1] = code->p_const;
	w->frame_local = frame->local;
}

static struct frame *frame_new(struct warp *w)
{
	struct frame *frame = w->spare;

	if (frame)
		w->spare = frame->parent;
	else
		frame = malloc(sizeof(*frame));
	return frame;
}

static void frame_put(struct warp *w, struct frame *frame)
{
	struct frame *parent;

	while (frame && !--frame->refs) {
		parent = frame->parent;
		frame->parent = w->spare;
		w->spare = frame;
		frame = parent;
	}
}

static bool same_frame(const struct frame *a, const struct frame *b)
{
	for (; a != b; a = a->parent, b = b->parent)
		if (!a || !b || a->code != b->code || a->ret != b->ret || a->depth != b->depth)
			return false;
	return true;
}

static void frag_remove(struct warp *w, uint32_t k)
{
	frame_put(w, w->frags[k].frame);
	w->num_frags--;
	if (k != w->num_frags) {
		w->frags[k] = w->frags[w->num_frags];
		if (w->current == w->num_frags)
			w->current = k;
	}
}

/* Makes fragment k the running one. */
static const struct insn *switch_to(struct warp *w, uint32_t k)
{
	struct frag *f = &w->frags[k];

	w->current = k;
	w->active = f->mask;
	f->state = FRAG_READY;
	f->stamp = ++w->turns;
	set_frame(w, f->frame);
	return f->pc;
}

static bool before(const struct frag *a, const struct frag *b)
{
	if (a->frame->depth != b->frame->depth)
		return a->frame->depth > b->frame->depth;
	return a->pc < b->pc;
}

/* Takes fragments that are where the running one is into it. */
static void merge(struct warp *w)
{
	struct frag *cur = running(w);
	uint32_t k;

	for (k = 0; k < w->num_frags;) {
		struct frag *f = &w->frags[k];

		if (k == w->current || f->state != FRAG_READY || f->pc != cur->pc || !same_frame(f->frame, cur->frame)) {
			k++;
			continue;
		}
		cur->mask |= f->mask;
		frag_remove(w, k);
		cur = running(w);
	}
	w->active = cur->mask;
}

/* The fragment to run next; NULL where all wait. */
static const struct insn *pick(struct warp *w)
{
	uint32_t k, best = UINT32_MAX, sync = UINT32_MAX;
	bool barrier = false;

	for (k = 0; k < w->num_frags; k++) {
		const struct frag *f = &w->frags[k];

		if (f->state == FRAG_READY && (best == UINT32_MAX || before(f, &w->frags[best])))
			best = k;
		else if (f->state == FRAG_SYNC && (sync == UINT32_MAX || before(f, &w->frags[sync])))
			sync = k;
		else if (f->state == FRAG_BARRIER)
			barrier = true;
	}
	if (best == UINT32_MAX && sync != UINT32_MAX && !barrier) {
		/* The lanes that it waits for wait themselves: it goes on without them. */
		w->forced = w->frags[sync].pc;
		best = sync;
	}
	if (best == UINT32_MAX) {
		w->state = w->num_frags ? WARP_BLOCKED : WARP_DONE;
		w->stop = STOP_BLOCKED;
		w->current = UINT32_MAX;
		return NULL;
	}
	return switch_to(w, best);
}

bool warp_force(struct warp *w)
{
	uint32_t k, sync = UINT32_MAX;

	for (k = 0; k < w->num_frags; k++)
		if (w->frags[k].state == FRAG_SYNC && (sync == UINT32_MAX || before(&w->frags[k], &w->frags[sync])))
			sync = k;
	if (sync == UINT32_MAX)
		return false;
	w->forced = w->frags[sync].pc;
	w->frags[sync].state = FRAG_READY;
	w->state = WARP_READY;
	return true;
}

const struct insn *warp_join(struct warp *w, const struct insn *pc, const struct insn *next)
{
	struct frag *cur = running(w);
	uint32_t k;

	cur->pc = pc;
	merge(w);
	if (w->rotating)
		return next;
	cur = running(w);
	for (k = 0; k < w->num_frags; k++)
		if (k != w->current && w->frags[k].state == FRAG_READY && before(&w->frags[k], cur))
			return pick(w);
	return next;
}

/* Splits lanes m off the running fragment; they go on at pc. The running fragment keeps the others. */
static void split(struct warp *w, uint32_t m, const struct insn *pc, int state)
{
	struct frag *cur = running(w), *f = &w->frags[w->num_frags++];

	*f = *cur;
	f->mask = m;
	f->pc = pc;
	f->state = (uint8_t)state;
	f->frame->refs++;
	cur->mask &= ~m;
	w->active = cur->mask;
}

const struct insn *warp_branch(struct warp *w, uint32_t m, const struct insn *target, const struct insn *next)
{
	if (target < next || w->rotating) {
		split(w, w->active & ~m, next, FRAG_READY);
		return target;
	}
	split(w, m, target, FRAG_READY);
	return next;
}

static bool is_warp_barrier(const struct frag *f)
{
	return f->state == FRAG_SYNC && f->pc->op == XO_bar_warp;
}

/* bar.warp.sync may stand at several places: lanes that wait at any of them have arrived. */
static bool warp_barrier_complete(struct warp *w, uint32_t wanted, uint32_t m)
{
	uint32_t k, there = m;

	for (k = 0; k < w->num_frags; k++)
		if (k != w->current && is_warp_barrier(&w->frags[k]))
			there |= w->frags[k].mask;
	if (wanted & ~there)
		return false;
	for (k = 0; k < w->num_frags; k++) {
		if (k != w->current && is_warp_barrier(&w->frags[k]) && w->frags[k].mask & wanted) {
			w->frags[k].state = FRAG_READY;
			w->frags[k].pc++;
		}
	}
	return true;
}

bool warp_sync(struct warp *w, const struct insn *i, uint32_t m, const uint32_t *members, const struct insn **next)
{
	uint32_t missing = 0, ready = 0, wanted = 0, k;
	struct frag *cur;

	if (m == FULL_MASK)
		return true;
	for (k = 0; k < LANES; k++) {
		uint32_t want = m >> k & 1 ? members[k] & w->live & ~m : 0;

		missing |= want;
		ready |= (uint32_t)(!want) << k;
	}
	if (likely(!missing))
		return true;
	if (w->forced == i) {
		w->forced = NULL;
		return true;
	}
	if (m != w->active) {
		/* Lanes whose guard is false go on. */
		split(w, w->active & ~m, i + 1, FRAG_READY);
		*next = i;
		return false;
	}
	cur = running(w);
	cur->pc = i;
	for (k = 0; k < w->num_frags; k++)
		if (w->frags[k].state == FRAG_SYNC && w->frags[k].pc == i && same_frame(w->frags[k].frame, cur->frame))
			w->frags[k].state = FRAG_READY;
	merge(w);
	if (w->active != m) {
		*next = i;
		return false;
	}
	ready &= m;
	if (ready) {
		split(w, m & ~ready, i, FRAG_SYNC);
		*next = i;
		return false;
	}
	for (k = 0; k < LANES; k++)
		if (m >> k & 1)
			wanted |= members[k] & w->live;
	if (i->op == XO_bar_warp && warp_barrier_complete(w, wanted, m))
		return true;
	running(w)->state = FRAG_SYNC;
	*next = pick(w);
	return false;
}

const struct insn *warp_exit(struct warp *w, uint32_t m, const struct insn *next)
{
	struct frag *cur = running(w);
	uint32_t k;

	w->live &= ~m;
	cur->mask &= ~m;
	w->active = cur->mask;
	cur->pc = next;
	for (k = 0; k < w->num_frags; k++)
		if (w->frags[k].state == FRAG_SYNC)
			w->frags[k].state = FRAG_READY;
	block_exit(w, m);
	if (running(w)->mask)
		return next;
	frag_remove(w, w->current);
	return pick(w);
}

const struct insn *warp_wait(struct warp *w, uint32_t barrier, const struct insn *next)
{
	struct frag *cur = running(w);

	cur->pc = next;
	cur->state = FRAG_BARRIER;
	cur->barrier = (uint8_t)barrier;
	return pick(w);
}

void warp_release(struct warp *w, uint32_t barrier)
{
	uint32_t k, other;

	for (k = 0; k < w->num_frags; k++) {
		struct frag *f = &w->frags[k];

		if (f->state != FRAG_BARRIER || f->barrier != barrier)
			continue;
		f->state = FRAG_READY;
		if (w->state == WARP_BLOCKED)
			w->state = WARP_READY;
	}
	/* What waited at one place goes on together. */
	for (k = 0; k < w->num_frags; k++) {
		for (other = k + 1; other < w->num_frags;) {
			struct frag *a = &w->frags[k], *b = &w->frags[other];

			if (a->state == FRAG_READY && b->state == FRAG_READY && a->pc == b->pc && k != w->current &&
			    other != w->current && same_frame(a->frame, b->frame)) {
				a->mask |= b->mask;
				frag_remove(w, other);
			} else {
				other++;
			}
		}
	}
}

const struct insn *warp_passed(struct warp *w, const struct insn *next)
{
	if (w->num_frags > 1) {
		running(w)->pc = next;
		merge(w);
	}
	return next;
}

static bool grow_file(char **file, uint32_t *cap, uint64_t need)
{
	uint64_t size = *cap ? *cap : 1024;
	char *p;

	if (need <= *cap)
		return true;
	while (size < need)
		size *= 2;
	if (size > (1u << 30))
		return false;
	p = aligned_alloc(64, size);
	if (!p)
		return false;
	if (*cap)
		memcpy(p, *file, *cap);
	memset(p + *cap, 0, size - *cap);
	free(*file);
	*file = p;
	*cap = (uint32_t)size;
	return true;
}

static bool grow_files(struct warp *w, const struct frame *frame)
{
	const struct code *code = frame->code;

	return grow_file(&w->w_file, &w->w_cap, (uint64_t)frame->w + (uint64_t)code->w_rows * W_ROW) &&
	       grow_file(&w->d_file, &w->d_cap, (uint64_t)frame->d + (uint64_t)code->d_rows * D_ROW) &&
	       grow_file(&w->p_file, &w->p_cap, (uint64_t)frame->p + (uint64_t)code->p_rows * P_ROW);
}

static char *lane_local(struct warp *w, uint32_t lane, uint32_t at)
{
	return w->local + lane * w->local_stride + at;
}

/* One value from a place in one frame to a place in another. */
static void copy_value(struct warp *w, uint32_t m, const struct formal *from, const struct frame *from_frame,
		       const struct formal *to, const struct frame *to_frame)
{
	uint32_t size = from->size < to->size ? from->size : to->size, l;
	const char *wc = from_frame->code->w_const, *dc = from_frame->code->d_const, *pc = from_frame->code->p_const;

	for (; m; m &= m - 1) {
		uint64_t v = 0;
		uint32_t at = from->at & ~1u;

		l = (uint32_t)__builtin_ctz(m);
		if (from->kind == FORMAL_MEM && to->kind == FORMAL_MEM) {
			memcpy(lane_local(w, l, to_frame->local + to->at),
			       lane_local(w, l, from_frame->local + from->at), size);
			continue;
		}
		switch (from->kind) {
		case FORMAL_MEM:
			memcpy(&v, lane_local(w, l, from_frame->local + from->at), size < 8 ? size : 8);
			break;
		case FORMAL_W:
			v = ((const uint32_t *)((from->at & 1 ? wc : w->w_file + from_frame->w) + at))[l];
			break;
		case FORMAL_D:
			v = ((const uint64_t *)((from->at & 1 ? dc : w->d_file + from_frame->d) + at))[l];
			break;
		default:
			v = *(const uint32_t *)((from->at & 1 ? pc : w->p_file + from_frame->p) + at) >> l & 1;
		}
		switch (to->kind) {
		case FORMAL_MEM:
			memcpy(lane_local(w, l, to_frame->local + to->at), &v, size < 8 ? size : 8);
			break;
		case FORMAL_W:
			((uint32_t *)(w->w_file + to_frame->w + to->at))[l] = (uint32_t)v;
			break;
		case FORMAL_D:
			((uint64_t *)(w->d_file + to_frame->d + to->at))[l] = v;
			break;
		default: {
			uint32_t *p = (uint32_t *)(w->p_file + to_frame->p + to->at);

			*p = (*p & ~(1u << l)) | (uint32_t)(v & 1) << l;
		}
		}
	}
}

const struct insn *warp_call(struct warp *w, uint32_t m, const struct insn *i, const struct code *code)
{
	struct frag *cur = running(w);
	struct frame *old = cur->frame, *frame;
	const struct call_site *site = i->ptr;
	uint32_t k, lowest = w->local_size;

	for (k = 0; k < LANES; k++)
		if (m >> k & 1 && w->dyn_local[k] < lowest)
			lowest = w->dyn_local[k];
	/* A frame takes 16 bytes more than its variables, which bounds recursion without any. */
	if ((uint64_t)old->local + old->code->local_size + 16 + code->local_size > lowest)
		return warp_fault(w, i, m, PTX_ERROR_HARDWARE_STACK_ERROR, 0, "stack overflow: raise the stack limit");
	frame = frame_new(w);
	if (!frame)
		return warp_fault(w, i, m, PTX_ERROR_LAUNCH_OUT_OF_RESOURCES, 0, "no memory for a call");
	*frame = (struct frame){
		.parent = old, .code = code, .ret = i + 1, .site = site, .depth = old->depth + 1, .refs = 1,
		.w = old->w + old->code->w_rows * W_ROW, .d = old->d + old->code->d_rows * D_ROW,
		.p = old->p + old->code->p_rows * P_ROW, .local = old->local + old->code->local_size + 16,
	};
	if (!grow_files(w, frame)) {
		frame->parent = w->spare;
		w->spare = frame;
		return warp_fault(w, i, m, PTX_ERROR_HARDWARE_STACK_ERROR, 0, "no memory for the registers of a call");
	}
	for (k = 0; k < site->num_params; k++)
		copy_value(w, m, &site->args[k], old, &code->formals[k], frame);
	cur->frame = frame;
	set_frame(w, frame);
	return code->insns;
}

const struct insn *warp_return(struct warp *w, uint32_t m, const struct insn *i)
{
	struct frag *cur = running(w);
	struct frame *frame = cur->frame, *parent = frame->parent;
	const struct call_site *site = frame->site;
	uint32_t k, n = frame->code->num_params;

	if (!parent)
		return warp_exit(w, m, i + 1);
	if (m != w->active)
		split(w, w->active & ~m, i + 1, FRAG_READY);
	cur = running(w);
	for (k = n; k < frame->code->num_formals; k++)
		copy_value(w, m, &frame->code->formals[k], frame, &site->args[k - n + site->num_params], parent);
	parent->refs++;
	cur->frame = parent;
	cur->pc = frame->ret;
	frame_put(w, frame);
	set_frame(w, parent);
	if (w->num_frags == 1)
		return cur->pc;
	merge(w);
	if (w->rotating)
		return running(w)->pc;
	return pick(w);
}

bool warp_init(struct warp *w)
{
	struct grid *grid = w->grid;
	struct frame *frame;
	uint32_t l, x, y, z, t;

	while (w->num_frags)
		frag_remove(w, w->num_frags - 1);
	frame = frame_new(w);
	if (!frame)
		return false;
	*frame = (struct frame){ .code = grid->code, .refs = 1 };
	if (!grow_files(w, frame)) {
		frame->parent = w->spare;
		w->spare = frame;
		return false;
	}
	t = grid->block_threads - w->first_tid;
	w->live = t >= LANES ? FULL_MASK : (1u << t) - 1;
	x = w->first_tid % grid->block_dim[0];
	y = w->first_tid / grid->block_dim[0] % grid->block_dim[1];
	z = w->first_tid / grid->block_dim[0] / grid->block_dim[1];
	for (l = 0; l < LANES; l++) {
		w->tid[0][l] = x;
		w->tid[1][l] = y;
		w->tid[2][l] = z;
		w->dyn_local[l] = w->local_size;
		if (++x == grid->block_dim[0]) {
			x = 0;
			if (++y == grid->block_dim[1]) {
				y = 0;
				z++;
			}
		}
	}
	w->frags[0] = (struct frag){ .mask = w->live, .state = FRAG_READY, .pc = grid->code->insns, .frame = frame };
	w->num_frags = 1;
	w->current = 0;
	w->state = WARP_READY;
	w->rotating = false;
	w->forced = NULL;
	w->extent_len = 0;
	w->params = grid->params;
	w->params_len = grid->params_len;
	return true;
}

void warp_free(struct warp *w)
{
	struct frame *frame;

	while (w->num_frags)
		frag_remove(w, w->num_frags - 1);
	while ((frame = w->spare)) {
		w->spare = frame->parent;
		free(frame);
	}
	free(w->w_file);
	free(w->d_file);
	free(w->p_file);
	free(w);
}

/* Takes what was executed off the budget; false where the grid is to stop. */
static bool charge(struct warp *w, int32_t used)
{
	struct grid *grid = w->grid;
	int64_t left;

	if (grid->has_budget) {
		left = atomic_fetch_sub_explicit(&grid->budget, used, memory_order_relaxed);
		/* To have used nothing means that there was nothing to use. */
		if (left < used || (!used && left <= 0))
			grid_stop(grid, PTX_ERROR_LAUNCH_TIMEOUT, "instruction budget exhausted");
	}
	if (grid->external_stop && atomic_load_explicit(grid->external_stop, memory_order_relaxed))
		grid_stop(grid, PTX_ERROR_LAUNCH_TIMEOUT, "stopped by request");
	return !atomic_load_explicit(&grid->stop, memory_order_relaxed);
}

static void give_fuel(struct warp *w, int32_t fuel)
{
	if (w->grid->has_budget) {
		int64_t left = atomic_load_explicit(&w->grid->budget, memory_order_relaxed);

		if (left < fuel)
			fuel = left < 0 ? 0 : (int32_t)left;
	}
	w->fuel = fuel;
	w->given = fuel;
}

/* The slice is over at instruction i. */
static const struct insn *refuel(struct warp *w, const struct insn *i)
{
	uint32_t k, oldest = UINT32_MAX;

	running(w)->pc = i;
	if (!charge(w, w->given - w->fuel)) {
		w->given = w->fuel;
		w->stop = STOP_FAULT;
		return NULL;
	}
	w->given = w->fuel;
	if (++w->slices >= SLICES || w->num_frags == 1) {
		w->stop = STOP_TURN;
		return NULL;
	}
	give_fuel(w, SLICE);
	w->rotating = !w->rotating;
	if (!w->rotating)
		return pick(w);
	for (k = 0; k < w->num_frags; k++)
		if (w->frags[k].state == FRAG_READY &&
		    (oldest == UINT32_MAX || w->frags[k].stamp < w->frags[oldest].stamp))
			oldest = k;
	return switch_to(w, oldest);
}

static const struct insn *resume(struct warp *w)
{
	uint32_t k, oldest = UINT32_MAX;

	if (!w->rotating)
		return pick(w);
	for (k = 0; k < w->num_frags; k++)
		if (w->frags[k].state == FRAG_READY &&
		    (oldest == UINT32_MAX || w->frags[k].stamp < w->frags[oldest].stamp))
			oldest = k;
	return oldest == UINT32_MAX ? pick(w) : switch_to(w, oldest);
}

int warp_run(struct warp *w)
{
	const struct insn *i;
	uint32_t m;

	w->slices = 0;
	if (w->num_frags > 1)
		w->rotating = !w->rotating;
	give_fuel(w, w->num_frags > 1 ? SLICE : TURN);
	for (i = resume(w); i;) {
		if (unlikely(w->fuel <= 0)) {
			i = refuel(w, i);
			continue;
		}
		w->fuel--;
		m = w->active;
		if (i->guard != NO_GUARD) {
			m &= *(const uint32_t *)(w->pb[i->guard & 1] + (i->guard & ~1u)) ^ i->guard_negate;
			if (!m) {
				i++;
				continue;
			}
		}
		i = i->fn(w, i, m);
	}
	if (w->given != w->fuel && !charge(w, w->given - w->fuel))
		w->stop = STOP_FAULT;
	return w->stop;
}
