# SPDX-License-Identifier: MIT
# Copyright (c) vgpu authors
#
# Programs in the manner of a vendor's samples: tests/samples/*.c, one program each, which run over loopback in make check.
SAMPLES_DIR := tests/samples
SAMPLES_SRC := $(filter-out $(SAMPLES_DIR)/sample.c,$(wildcard $(SAMPLES_DIR)/*.c))
SAMPLES := $(SAMPLES_SRC:%.c=$(B)/%)
$(foreach name,$(SAMPLES_SRC) $(SAMPLES_DIR)/sample.c,$(eval CFLAGS_$(name:.c=) := -Iguest/libcuda))

$(B)/obj/$(SAMPLES_DIR)/sample.o: $(SAMPLES_DIR)/samples.nvcc.ptx

$(SAMPLES): $(B)/%: $(B)/obj/%.o $(B)/obj/$(SAMPLES_DIR)/sample.o $(B)/lib/guest/libcuda.so.1
	@mkdir -p $(@D)
	$(CC) -o $@ $(filter %.o,$^) -L$(B)/lib/guest -l:libcuda.so.1 -lm -pthread

ALL += $(SAMPLES)
LOOPBACK_CHECKS += $(SAMPLES)
