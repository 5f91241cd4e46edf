# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
SIM_SRC := $(wildcard tools/vgpu-sim/*.c)

ALL += $(B)/bin/vgpu-sim
$(B)/bin/vgpu-sim: $(SIM_SRC:%.c=$(B)/obj/%.o) $(B)/lib/libcore.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lm -lpthread

# The same under ASan and UBSan, for tests.
$(B)/san/bin/vgpu-sim: $(SIM_SRC:%.c=$(B)/san/%.o) $(B)/san/lib/libcore.a
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $^ -lm -lpthread
