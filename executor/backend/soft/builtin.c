// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "heap.h"
#include "module.h"
#include "printf.h"

static const struct {
	const char *name;
	int builtin;
	unsigned int num_params;
	unsigned int num_rets;
} builtins[] = {
	{ "vprintf", BUILTIN_VPRINTF, 2, 1 },
	{ "malloc", BUILTIN_MALLOC, 1, 1 },
	{ "free", BUILTIN_FREE, 1, 0 },
	{ "__assertfail", BUILTIN_ASSERTFAIL, 5, 0 },
};

int builtin_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (!strcmp(builtins[i].name, name))
			return builtins[i].builtin;
	return BUILTIN_NONE;
}

/* An argument of a call, in the running frame. */
static uint64_t get(struct warp *w, unsigned int lane, const struct formal *arg)
{
	uint32_t at = arg->at & ~1u;
	uint64_t v = 0;

	switch (arg->kind) {
	case FORMAL_MEM:
		memcpy(&v, w->local + lane * w->local_stride + w->frame_local + arg->at,
		       arg->size < 8 ? arg->size : 8);
		return v;
	case FORMAL_W:
		return ((const uint32_t *)(w->wb[arg->at & 1] + at))[lane];
	case FORMAL_D:
		return ((const uint64_t *)(w->db[arg->at & 1] + at))[lane];
	}
	return *(const uint32_t *)(w->pb[arg->at & 1] + at) >> lane & 1;
}

static void put(struct warp *w, unsigned int lane, const struct formal *arg, uint64_t v)
{
	switch (arg->kind) {
	case FORMAL_MEM:
		memcpy(w->local + lane * w->local_stride + w->frame_local + arg->at, &v,
		       arg->size < 8 ? arg->size : 8);
		break;
	case FORMAL_W:
		((uint32_t *)(w->wb[0] + arg->at))[lane] = (uint32_t)v;
		break;
	case FORMAL_D:
		((uint64_t *)(w->db[0] + arg->at))[lane] = v;
		break;
	}
}

static const struct insn *assert_fail(struct warp *w, const struct insn *i, unsigned int lane,
				      const struct call_site *site)
{
	char message[512] = "", file[512] = "", function[512] = "", text[2048];
	int len;

	printf_string(w, lane, get(w, lane, &site->args[0]), message, sizeof(message));
	printf_string(w, lane, get(w, lane, &site->args[1]), file, sizeof(file));
	printf_string(w, lane, get(w, lane, &site->args[3]), function, sizeof(function));
	len = snprintf(text, sizeof(text),
		       "%s:%u: %s: block: [%u,%u,%u], thread: [%u,%u,%u] Assertion `%s` failed.\n", file,
		       (uint32_t)get(w, lane, &site->args[2]), function, w->block->ctaid[0], w->block->ctaid[1],
		       w->block->ctaid[2], w->tid[0][lane], w->tid[1][lane], w->tid[2][lane], message);
	printf_text(w->grid->env, text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
	return warp_fault(w, i, 1u << lane, PTX_ERROR_ASSERT, 0, "assertion failed");
}

static bool shape_matches(const struct call_site *site)
{
	unsigned int k;

	for (k = 0; k < sizeof(builtins) / sizeof(builtins[0]); k++)
		if (builtins[k].builtin == (int)site->builtin)
			return site->num_params == builtins[k].num_params &&
			       site->num_args - site->num_params == builtins[k].num_rets;
	return false;
}

const struct insn *builtin_call(struct warp *w, const struct insn *i, uint32_t m, const struct call_site *site)
{
	struct heap *heap = w->grid->env->heap;
	uint64_t fault = 0;
	int n;

	if (!shape_matches(site))
		return warp_fault(w, i, m, PTX_ERROR_ILLEGAL_INSTRUCTION, 0,
				  "function of the runtime called with the wrong number of parameters");
	for (; m; m &= m - 1) {
		unsigned int lane = (unsigned int)__builtin_ctz(m);

		switch (site->builtin) {
		case BUILTIN_VPRINTF:
			n = printf_lane(w, lane, get(w, lane, &site->args[0]), get(w, lane, &site->args[1]), &fault);
			if (n == -2)
				return warp_fault(w, i, 1u << lane, PTX_ERROR_ILLEGAL_ADDRESS, fault,
						  "argument of printf outside mapped memory");
			put(w, lane, &site->args[2], (uint32_t)n);
			break;
		case BUILTIN_MALLOC:
			put(w, lane, &site->args[1], heap_alloc(heap, get(w, lane, &site->args[0])));
			break;
		case BUILTIN_FREE:
			if (!heap_free(heap, get(w, lane, &site->args[0])))
				return warp_fault(w, i, 1u << lane, PTX_ERROR_ILLEGAL_ADDRESS,
						  get(w, lane, &site->args[0]), "free of what malloc did not return");
			break;
		default:
			return assert_fail(w, i, lane, site);
		}
	}
	return i + 1;
}

const struct code *builtin_code_of(struct warp *w, uint64_t handle)
{
	const struct ptx_module *module = w->grid->func->module;
	uint64_t index = (handle - HANDLE_BASE) / HANDLE_STEP;

	if (handle < HANDLE_BASE || (handle - HANDLE_BASE) % HANDLE_STEP || index >= module->num_codes ||
	    module->codes[index]->is_entry)
		return NULL;
	return module->codes[index];
}

bool builtin_matches(const struct call_site *site, const struct code *code)
{
	uint32_t k;

	if (site->num_params != code->num_params || site->num_args != code->num_formals)
		return false;
	for (k = 0; k < site->num_args; k++)
		if (site->args[k].size != code->formals[k].size)
			return false;
	return true;
}
