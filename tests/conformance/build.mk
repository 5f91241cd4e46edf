# SPDX-License-Identifier: MIT
# Copyright (c) vgpu authors
#
# Conformance programs: one for each group of calls, linked with nothing but libcuda.
CONFORM_DIR := tests/conformance
CONFORM_SRC := $(filter-out $(CONFORM_DIR)/conform.c,$(wildcard $(CONFORM_DIR)/*.c))
CONFORM := $(CONFORM_SRC:%.c=$(B)/%)

$(B)/obj/$(CONFORM_DIR)/conform.o: $(CONFORM_DIR)/kernels.ptx

$(CONFORM): $(B)/%: $(B)/obj/%.o $(B)/obj/$(CONFORM_DIR)/conform.o $(B)/lib/guest/libcuda.so.1
	@mkdir -p $(@D)
	$(CC) -rdynamic -o $@ $(filter %.o,$^) -L$(B)/lib/guest -lcuda -lm -pthread

ALL += $(CONFORM)
LOOPBACK_CHECKS += $(CONFORM)
