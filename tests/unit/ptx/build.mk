# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# Tests of the PTX interpreter by itself, under ASan and UBSan.
PTX_TESTS := integer float fault memory warp
PTX_HARNESS := $(B)/san/tests/unit/ptx/harness.o $(B)/lib/libsoft-san.a
CFLAGS_tests/unit/ptx/driver := -Iguest/libcuda -Itests/unit/ptx -fvisibility=default
# Rows use each operand at its own width; not all use all.
$(foreach name,$(PTX_TESTS),$(eval CFLAGS_tests/unit/ptx/$(name) := -Wno-sign-compare -Wno-type-limits -Wno-unused-value -frounding-math))

$(PTX_TESTS:%=$(B)/tests/ptx-%): $(B)/tests/ptx-%: $(B)/san/tests/unit/ptx/%.o $(B)/san/tests/unit/ptx/ops.o $(PTX_HARNESS)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $^ -lcmocka -lm -lpthread

$(B)/tests/ptx-kernels: $(patsubst %,$(B)/san/%.o,$(filter-out %/texture,$(KERNEL_TESTS))) $(B)/san/tests/unit/ptx/driver.o $(PTX_HARNESS)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $^ -lm -lpthread

CHECKS += $(PTX_TESTS:%=$(B)/tests/ptx-%) $(B)/tests/ptx-kernels

# Conversions and half precision by definition, state spaces and atomics, control flow and what ends a kernel.
PTX_MORE := conversions spaces flow mma
CFLAGS_tests/unit/ptx/conversions := -Wno-sign-compare

$(PTX_MORE:%=$(B)/tests/ptx-%): $(B)/tests/ptx-%: $(B)/san/tests/unit/ptx/%.o $(B)/san/tests/unit/ptx/optest.o $(PTX_HARNESS)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $^ -lcmocka -lm -lpthread

CHECKS += $(PTX_MORE:%=$(B)/tests/ptx-%)
