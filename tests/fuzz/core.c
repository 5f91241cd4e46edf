// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * libFuzzer over the core: the input decides what guests, workers, supervisor, host and clock do
 * (tests/unit/core/chaos.c).
 */

#include "tests/unit/core/chaos.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct chaos_source source = { .data = data, .len = size };

	rig_now = NSEC_PER_SEC;
	chaos_run(&source);
	return 0;
}
