# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# Instructions against their definitions (ops.h): a fixed part in make check, the long part in make fuzz.
FUZZ_OPS := $(patsubst %,tests/fuzz/%,ops ops_program ops_number ops_int ops_float ops_warp ops_video)
$(foreach name,$(FUZZ_OPS),$(eval CFLAGS_$(name) := -Wno-sign-compare -Wno-type-limits))

$(B)/tests/ptx-ops: $(FUZZ_OPS:%=$(B)/obj/%.o) $(B)/obj/tests/unit/ptx/harness.o $(B)/lib/libsoft.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lcmocka -lm -lpthread

CHECKS += $(B)/tests/ptx-ops
FUZZ_PROGRAMS += $(B)/tests/ptx-ops
