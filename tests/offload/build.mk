# SPDX-License-Identifier: MIT
# Copyright (c) vgpu authors
#
# Programs whose OpenMP and OpenACC regions GCC's libgomp runs through libcuda.so.1, which it loads by itself. Not part of `make`:
# they need gcc-12-offload-nvptx and libgomp-plugin-nvptx1, and nothing of ours. The test of the assembler's output that GCC makes
# where it finds a ptxas refuses its own target, so none is left on the PATH.
OFFLOAD_MKOFFLOAD := $(wildcard /usr/lib/gcc/x86_64-linux-gnu/12/accel/nvptx-none/mkoffload)
OFFLOAD_PLUGIN := $(wildcard /usr/lib/x86_64-linux-gnu/libgomp-plugin-nvptx.so.1)
OFFLOAD_CC := env PATH=/usr/bin:/bin gcc-12
OFFLOAD_CFLAGS := -O2 -Wall -Wextra -Wno-unknown-pragmas -fno-pie -no-pie -foffload=nvptx-none \
	-foffload-options=nvptx-none="-lm -latomic"
OFFLOAD := $(patsubst %.c,$(B)/%,$(wildcard tests/offload/*.c))

$(B)/tests/offload/omp-%: tests/offload/omp-%.c tests/offload/offload.h
	@mkdir -p $(@D)
	$(OFFLOAD_CC) $(OFFLOAD_CFLAGS) -fopenmp -o $@ $< -lm

$(B)/tests/offload/acc-%: tests/offload/acc-%.c tests/offload/offload.h
	@mkdir -p $(@D)
	$(OFFLOAD_CC) $(OFFLOAD_CFLAGS) -fopenacc -o $@ $< -lm

offload: $(OFFLOAD)
.PHONY: offload

ifneq ($(and $(OFFLOAD_MKOFFLOAD),$(OFFLOAD_PLUGIN)),)
LOOPBACK_CHECKS += $(OFFLOAD)
endif
