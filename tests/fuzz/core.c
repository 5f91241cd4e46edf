// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * libFuzzer over the core: the input decides what guests, workers, supervisor, host and clock do
 * (tests/unit/core/chaos.c), and, for every other input, from which seed the queues and all else in the apertures change
 * between any two reads of the kernel; for a few of these a second thread writes there too.
 */

#include "tests/unit/core/chaos.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct chaos_source source = { .data = data, .len = size };

	if (size && data[0] & 1) {
		for (source.at = 0; source.at < size && source.at < 4; source.at++)
			source.race = source.race << 8 | data[source.at];
		source.thread = data[0] % 32 == 1;
	}
	rig_now = NSEC_PER_SEC;
	chaos_run(&source);
	return 0;
}
