# SPDX-License-Identifier: MIT
# Copyright (c) vgpu authors
#
# build/bin/kernels: compiled kernels against references through libcuda. build/tests/ptx-kernels: the same program on the
# interpreter alone, under ASan and UBSan (tests/unit/ptx/driver.c answers the calls).
KERNEL_TESTS := $(patsubst %,tests/kernels/%,kernels basic compute control math tensor texture)
$(foreach name,$(KERNEL_TESTS),$(eval CFLAGS_$(name) := -Iguest/libcuda))

$(B)/bin/kernels: $(KERNEL_TESTS:%=$(B)/obj/%.o) $(B)/lib/guest/libcuda.so.1
	@mkdir -p $(@D)
	$(CC) -o $@ $(filter %.o,$^) -L$(B)/lib/guest -l:libcuda.so.1 -lm

ALL += $(B)/bin/kernels
LOOPBACK_CHECKS += $(B)/bin/kernels
