# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# Blind fuzzers of the module; tests/fuzz/run-in-vm.sh runs them in a hypervisor.
VFIO_FUZZ := $(patsubst %,$(B)/obj/tests/vfio/%.o,queue standin vfio_client) $(B)/obj/tests/fuzz/vm/fuzz.o

$(B)/bin/vfio-fuzz: $(VFIO_FUZZ)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lpthread
ALL += $(B)/bin/vfio-fuzz
