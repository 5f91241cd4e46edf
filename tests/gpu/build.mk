# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# On a machine with a GPU and no module: conformance on both backends, and the path beside the driver itself.
check-gpu: all
	@tests/gpu/check

$(B)/bin/gpu-measure: $(B)/obj/tests/gpu/measure.o $(B)/lib/guest/libcuda.so.1
	@mkdir -p $(@D)
	$(CC) -o $@ $(filter %.o,$^) -L$(B)/lib/guest -l:libcuda.so.1

ALL += $(B)/bin/gpu-measure

bench-gpu: all
	@tests/gpu/bench

.PHONY: check-gpu bench-gpu
