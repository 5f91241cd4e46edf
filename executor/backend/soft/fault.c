// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* How a grid ends before its time. */
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "module.h"

const char *ptx_result_name(int result)
{
	static const struct {
		int result;
		const char *name;
	} names[] = {
		{ PTX_SUCCESS, "CUDA_SUCCESS" },
		{ PTX_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE" },
		{ PTX_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY" },
		{ PTX_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE" },
		{ PTX_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU" },
		{ PTX_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX" },
		{ PTX_ERROR_UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION" },
		{ PTX_ERROR_SYMBOL_NOT_FOUND, "CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND" },
		{ PTX_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND" },
		{ PTX_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS" },
		{ PTX_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES" },
		{ PTX_ERROR_LAUNCH_TIMEOUT, "CUDA_ERROR_LAUNCH_TIMEOUT" },
		{ PTX_ERROR_ASSERT, "CUDA_ERROR_ASSERT" },
		{ PTX_ERROR_HARDWARE_STACK_ERROR, "CUDA_ERROR_HARDWARE_STACK_ERROR" },
		{ PTX_ERROR_ILLEGAL_INSTRUCTION, "CUDA_ERROR_ILLEGAL_INSTRUCTION" },
		{ PTX_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS" },
		{ PTX_ERROR_INVALID_ADDRESS_SPACE, "CUDA_ERROR_INVALID_ADDRESS_SPACE" },
		{ PTX_ERROR_INVALID_PC, "CUDA_ERROR_INVALID_PC" },
		{ PTX_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED" },
		{ PTX_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE, "CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].result == result)
			return names[i].name;
	return "CUDA_ERROR_UNKNOWN";
}

static bool has_address(int result)
{
	return result == PTX_ERROR_ILLEGAL_ADDRESS || result == PTX_ERROR_MISALIGNED_ADDRESS ||
	       result == PTX_ERROR_INVALID_PC || result == PTX_ERROR_INVALID_ADDRESS_SPACE;
}

const struct insn *warp_fault(struct warp *w, const struct insn *i, uint32_t m, int result, uint64_t address,
			      const char *what)
{
	unsigned int lane = (unsigned int)__builtin_ctz(m), k;
	struct grid *grid = w->grid;
	struct ptx_fault *f = &grid->fault;
	char at[64] = "";

	pthread_mutex_lock(&grid->lock);
	if (!f->result) {
		f->result = result;
		f->kernel = grid->func->info.name;
		f->function = w->frags[w->current].frame->code->name;
		f->line = i->line;
		f->address = address;
		for (k = 0; k < 3; k++) {
			f->ctaid[k] = w->block->ctaid[k];
			f->tid[k] = w->tid[k][lane];
		}
		if (has_address(result))
			snprintf(at, sizeof(at), " at address 0x%llx", (unsigned long long)address);
		snprintf(f->message, sizeof(f->message),
			 "%s: %s%s, in '%.80s' called by kernel '%.80s', PTX line %u, block (%u,%u,%u), thread (%u,%u,%u)",
			 ptx_result_name(result), what, at, f->function, f->kernel, f->line, f->ctaid[0], f->ctaid[1],
			 f->ctaid[2], f->tid[0], f->tid[1], f->tid[2]);
	}
	pthread_mutex_unlock(&grid->lock);
	atomic_store(&grid->stop, 1);
	w->stop = STOP_FAULT;
	return NULL;
}

void grid_stop(struct grid *grid, int result, const char *what)
{
	pthread_mutex_lock(&grid->lock);
	if (!grid->fault.result) {
		grid->fault.result = result;
		grid->fault.kernel = grid->func->info.name;
		snprintf(grid->fault.message, sizeof(grid->fault.message), "%s: %s, kernel '%.80s'",
			 ptx_result_name(result), what, grid->fault.kernel);
	}
	pthread_mutex_unlock(&grid->lock);
	atomic_store(&grid->stop, 1);
}
