# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# The core's fuzzer, built by clang in one step.
FUZZ_CORE_SRC := tests/fuzz/core.c tests/unit/core/chaos.c tests/unit/core/rig.c $(wildcard kmod/core/*.c)

$(B)/fuzz/core: $(FUZZ_CORE_SRC) $(wildcard kmod/core/*.h tests/unit/core/*.h uapi/*.h)
	@mkdir -p $(@D)
	$(CLANG) -std=gnu11 -g -O1 -D_GNU_SOURCE -I. -Iuapi -DVGPU_WATCH_READS -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $(FUZZ_CORE_SRC) -lpthread

FUZZERS += $(B)/fuzz/core
