# SPDX-License-Identifier: MIT
# Copyright (c) vgpu authors
#
# Conformance programs: one for each group of calls, linked with nothing but libcuda. Those under build/san/ run under
# ASan and UBSan, with a library that does.
CONFORM_DIR := tests/conformance
CONFORM_SRC := $(filter-out $(CONFORM_DIR)/conform.c,$(wildcard $(CONFORM_DIR)/*.c))
CONFORM := $(CONFORM_SRC:%.c=$(B)/%)
CONFORM_SAN := $(CONFORM_SRC:%.c=$(B)/san/%)

$(B)/obj/$(CONFORM_DIR)/conform.o $(B)/san/$(CONFORM_DIR)/conform.o: $(CONFORM_DIR)/kernels.ptx

$(CONFORM): $(B)/%: $(B)/obj/%.o $(B)/obj/$(CONFORM_DIR)/conform.o $(B)/lib/guest/libcuda.so.1
	@mkdir -p $(@D)
	$(CC) -rdynamic -o $@ $(filter %.o,$^) -L$(B)/lib/guest -lcuda -lm -pthread

$(CONFORM_SAN): $(B)/san/%: $(B)/san/%.o $(B)/san/$(CONFORM_DIR)/conform.o $(B)/san/lib/guest/libcuda.so.1
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -rdynamic -o $@ $(filter %.o,$^) -L$(B)/san/lib/guest -lcuda -lm -pthread \
		-Wl,--disable-new-dtags,-rpath,'$$ORIGIN/../../lib/guest'

conformance-san: $(CONFORM_SAN)
.PHONY: conformance-san

ALL += $(CONFORM)
LOOPBACK_CHECKS += $(CONFORM)
