// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* What a warp may access, when it is not where it last was. */
#include <stdio.h>

#include "machine.h"
#include "mem.h"

static bool inside(uint64_t addr, uint32_t bytes, uint64_t start, uint64_t len)
{
	return addr - start < len && bytes <= len - (addr - start);
}

/* Shared, local and parameter memory seen through a generic address, and the workspace of a cooperative launch. */
static bool in_window(const struct warp *w, unsigned int lane, uint64_t addr, uint32_t bytes)
{
	uint64_t local = (uint64_t)(uintptr_t)w->local + lane * w->local_stride;
	const struct grid *grid = w->grid;

	return inside(addr, bytes, (uint64_t)(uintptr_t)w->shared, w->shared_size) ||
	       inside(addr, bytes, local, w->local_size) ||
	       inside(addr, bytes, (uint64_t)(uintptr_t)w->params, w->params_len) ||
	       (grid->cooperative && inside(addr, bytes, (uint64_t)(uintptr_t)grid->workspace, sizeof(grid->workspace)));
}

bool access_check(struct warp *w, const struct insn *i, uint32_t m, const uint64_t *addr, uint32_t bytes)
{
	uint64_t start, len;
	uint32_t left;

	for (left = m; left; left &= left - 1) {
		unsigned int l = (unsigned int)__builtin_ctz(left);

		if (inside(addr[l], bytes, w->extent, w->extent_len) || in_window(w, l, addr[l], bytes)) {
			/* Nothing to look up. */
		} else if (soft_mem_extent(w->grid->env->mem, addr[l], &start, &len) &&
			   inside(addr[l], bytes, start, len)) {
			w->extent = start;
			w->extent_len = len;
		} else {
			warp_fault(w, i, 1u << l, PTX_ERROR_ILLEGAL_ADDRESS, addr[l],
				   "access outside mapped memory");
			return false;
		}
		if (addr[l] & (bytes - 1)) {
			warp_fault(w, i, 1u << l, PTX_ERROR_MISALIGNED_ADDRESS, addr[l], "misaligned access");
			return false;
		}
	}
	return true;
}

bool access_fault(struct warp *w, const struct insn *i, uint32_t m, const uint64_t *addr, uint32_t bytes,
		  uint64_t base, uint64_t limit, const char *space)
{
	char what[80];
	uint32_t left;

	for (left = m; left; left &= left - 1) {
		unsigned int l = (unsigned int)__builtin_ctz(left);
		uint64_t a = addr[l] - base;

		if (!inside(a, bytes, 0, limit)) {
			snprintf(what, sizeof(what), "access outside the %llu bytes of %s memory",
				 (unsigned long long)limit, space);
			warp_fault(w, i, 1u << l, PTX_ERROR_ILLEGAL_ADDRESS, a, what);
			return false;
		}
		if (a & (bytes - 1)) {
			snprintf(what, sizeof(what), "misaligned access to %s memory", space);
			warp_fault(w, i, 1u << l, PTX_ERROR_MISALIGNED_ADDRESS, a, what);
			return false;
		}
	}
	warp_fault(w, i, m, PTX_ERROR_ILLEGAL_ADDRESS, addr[__builtin_ctz(m)] - base, "access outside a window");
	return false;
}

bool access_readable(struct warp *w, unsigned int lane, uint64_t addr, uint32_t bytes)
{
	uint64_t start, len;

	if (inside(addr, bytes, w->extent, w->extent_len) || in_window(w, lane, addr, bytes))
		return true;
	return soft_mem_extent(w->grid->env->mem, addr, &start, &len) && inside(addr, bytes, start, len);
}
