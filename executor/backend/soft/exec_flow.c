// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Control flow, calls, special registers. */
#include <time.h>

#include "builtin.h"
#include "exec.h"
#include "sreg.h"

EXEC(nop)
{
	return i + 1;
}

/* A point where diverged lanes may meet again. */
EXEC(join)
{
	if (likely(w->num_frags == 1))
		return i + 1;
	return warp_join(w, i, i + 1);
}

EXEC(bra)
{
	if (likely(m == w->active))
		return i->target;
	return warp_branch(w, m, i->target, i + 1);
}

/* o[1] index, x targets: ext[] are numbers of instructions relative to this one, as they came out of the decoder. */
EXEC(brx)
{
	const uint32_t *a = w_row(w, i->o[1]);
	uint32_t left = m, first, same;
	unsigned int l;

	if (unlikely(m != w->active))
		return warp_branch(w, m, i, i + 1);
	first = a[__builtin_ctz(m)];
	for (same = 0; left; left &= left - 1) {
		l = (unsigned int)__builtin_ctz(left);
		if (a[l] >= i->x)
			return warp_fault(w, i, 1u << l, PTX_ERROR_ILLEGAL_INSTRUCTION, 0,
					  "index beyond the targets of brx.idx");
		same |= (uint32_t)(a[l] == first) << l;
	}
	if (same != m)
		return warp_branch(w, same, i + (int32_t)i->ext[first], i);
	return i + (int32_t)i->ext[first];
}

EXEC(exit)
{
	return warp_exit(w, m, i + 1);
}

EXEC(ret)
{
	return warp_return(w, m, i);
}

EXEC(trap)
{
	return warp_fault(w, i, m, PTX_ERROR_LAUNCH_FAILED, 0, "trap");
}

/* What a body may end in after a call that does not return. */
EXEC(fell_off)
{
	return warp_fault(w, i, m, PTX_ERROR_ILLEGAL_INSTRUCTION, 0, "end of the function without ret or exit");
}

/* ptr: struct call_site */
EXEC(call)
{
	const struct call_site *site = i->ptr;

	if (unlikely(m != w->active))
		return warp_branch(w, m, i, i + 1);
	if (site->builtin)
		return builtin_call(w, i, m, site);
	return warp_call(w, m, i, site->target);
}

/* o[1]: handle of the function */
EXEC(call_indirect)
{
	const uint64_t *a = d_row(w, i->o[1]);
	uint64_t handle = a[__builtin_ctz(m)];
	const struct code *code;
	uint32_t same = 0;

	if (unlikely(m != w->active))
		return warp_branch(w, m, i, i + 1);
	for (unsigned int l = 0; l < LANES; l++)
		same |= (uint32_t)(a[l] == handle) << l;
	if ((same & m) != m)
		return warp_branch(w, same & m, i, i);
	code = builtin_code_of(w, handle);
	if (!code)
		return warp_fault(w, i, m, PTX_ERROR_INVALID_PC, handle, "call of what is not a function");
	if (!builtin_matches(i->ptr, code))
		return warp_fault(w, i, m, PTX_ERROR_INVALID_PC, handle,
				  "call of a function whose parameters are not those of the prototype");
	return warp_call(w, m, i, code);
}

static void fill_w(struct warp *w, const struct insn *i, uint32_t m, uint32_t value)
{
	uint32_t *d = w_row(w, i->o[0]);

	FOR_LANES
		d[l] = ON(m, l) ? value : d[l];
}

static void fill_d(struct warp *w, const struct insn *i, uint32_t m, uint64_t value)
{
	uint64_t *d = d_row(w, i->o[0]);

	FOR_LANES
		d[l] = ON(m, l) ? value : d[l];
}

static uint64_t time_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

EXEC(sreg_tid)
{
	uint32_t *d = w_row(w, i->o[0]);
	const uint32_t *a = w->tid[i->x];

	FOR_LANES
		d[l] = ON(m, l) ? a[l] : d[l];
	return i + 1;
}

EXEC(sreg_ntid)
{
	fill_w(w, i, m, w->grid->block_dim[i->x]);
	return i + 1;
}

EXEC(sreg_ctaid)
{
	fill_w(w, i, m, w->block->ctaid[i->x]);
	return i + 1;
}

EXEC(sreg_nctaid)
{
	fill_w(w, i, m, w->grid->dim[i->x]);
	return i + 1;
}

/* The others; x: enum sreg, aux: component. A cluster is one block. */
EXEC(sreg_w)
{
	uint32_t *d = w_row(w, i->o[0]), value = 0;
	struct grid *grid = w->grid;
	unsigned int l;

	switch (i->x) {
	case SR_LANEID:
	case SR_LANEMASK_EQ:
	case SR_LANEMASK_LE:
	case SR_LANEMASK_LT:
	case SR_LANEMASK_GE:
	case SR_LANEMASK_GT:
		for (l = 0; l < LANES; l++) {
			uint32_t eq = 1u << l, lt = eq - 1, v;

			switch (i->x) {
			case SR_LANEID:
				v = l;
				break;
			case SR_LANEMASK_EQ:
				v = eq;
				break;
			case SR_LANEMASK_LE:
				v = lt | eq;
				break;
			case SR_LANEMASK_LT:
				v = lt;
				break;
			case SR_LANEMASK_GE:
				v = ~lt;
				break;
			default:
				v = ~(lt | eq);
			}
			if (ON(m, l))
				d[l] = v;
		}
		return i + 1;
	case SR_ENVREG1:
		value = grid->cooperative ? (uint32_t)((uint64_t)(uintptr_t)grid->workspace >> 32) : 0;
		break;
	case SR_ENVREG2:
		value = grid->cooperative ? (uint32_t)(uintptr_t)grid->workspace : 0;
		break;
	case SR_WARPID:
		value = w->index;
		break;
	case SR_NWARPID:
		value = PTX_MAX_BLOCK_THREADS * 2 / LANES;
		break;
	case SR_SMID:
		value = w->block->smid;
		break;
	case SR_NSMID:
		value = PTX_NUM_SMS;
		break;
	case SR_CLUSTERID:
		value = w->block->ctaid[i->aux];
		break;
	case SR_NCLUSTERID:
		value = grid->dim[i->aux];
		break;
	case SR_CLUSTER_NCTAID:
	case SR_CLUSTER_NCTARANK:
		value = 1;
		break;
	case SR_CLOCK:
		value = (uint32_t)time_ns(CLOCK_MONOTONIC);
		break;
	case SR_CLOCK_HI:
		value = (uint32_t)(time_ns(CLOCK_MONOTONIC) >> 32);
		break;
	case SR_GLOBALTIMER_LO:
		value = (uint32_t)time_ns(CLOCK_REALTIME);
		break;
	case SR_GLOBALTIMER_HI:
		value = (uint32_t)(time_ns(CLOCK_REALTIME) >> 32);
		break;
	case SR_TOTAL_SMEM_SIZE:
	case SR_AGGR_SMEM_SIZE:
		value = grid->shared_size;
		break;
	case SR_DYNAMIC_SMEM_SIZE:
		value = grid->dynamic_shared;
		break;
	}
	fill_w(w, i, m, value);
	return i + 1;
}

EXEC(sreg_d)
{
	uint64_t value = 0;

	switch (i->x) {
	case SR_CLOCK64:
		value = time_ns(CLOCK_MONOTONIC);
		break;
	case SR_GLOBALTIMER:
		value = time_ns(CLOCK_REALTIME);
		break;
	case SR_GRIDID:
		value = w->grid->id;
		break;
	}
	fill_d(w, i, m, value);
	return i + 1;
}

/* Waiting of any kind ends the turn, so that others get on. */
static void end_slice(struct warp *w)
{
	w->given -= w->fuel;
	w->fuel = 0;
}

EXEC(nanosleep)
{
	end_slice(w);
	return i + 1;
}

/* Gives way where the predicate o[0] is false: behind a test of something that another thread does. */
EXEC(give_way)
{
	if (~*p_word(w, i->o[0]) & m)
		end_slice(w);
	return i + 1;
}

/* o[0] address in local space, o[1] bytes; imm: alignment */
EXEC(alloca)
{
	uint64_t *d = d_row(w, i->o[0]);
	const uint64_t *a = d_row(w, i->o[1]);
	unsigned int l;

	for (l = 0; l < LANES; l++) {
		uint64_t top;

		if (!ON(m, l))
			continue;
		top = w->dyn_local[l];
		if (a[l] > top)
			return warp_fault(w, i, 1u << l, PTX_ERROR_HARDWARE_STACK_ERROR, 0,
					  "alloca beyond the stack: raise the stack limit");
		top = (top - a[l]) & ~(i->imm - 1);
		if (top < w->frame_local + i->x * 16ull)
			return warp_fault(w, i, 1u << l, PTX_ERROR_HARDWARE_STACK_ERROR, 0,
					  "alloca beyond the stack: raise the stack limit");
		w->dyn_local[l] = (uint32_t)top;
		d[l] = top;
	}
	return i + 1;
}

EXEC(stacksave)
{
	uint64_t *d = d_row(w, i->o[0]);

	for (unsigned int l = 0; l < LANES; l++)
		if (ON(m, l))
			d[l] = w->dyn_local[l];
	return i + 1;
}

EXEC(stackrestore)
{
	const uint64_t *a = d_row(w, i->o[1]);

	for (unsigned int l = 0; l < LANES; l++)
		if (ON(m, l) && a[l] <= w->local_size)
			w->dyn_local[l] = (uint32_t)a[l];
	return i + 1;
}
