# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# make sim: every scenario, and 10^9 decisions in all (SIM_DECISIONS=n for another number).
SIM_DECISIONS ?= 1000000000

CHECKS += tests/sim/check

sim: $(B)/bin/vgpu-sim
	tests/sim/check $(SIM_DECISIONS)

# Rows sched/* of make bench.
ALL += $(B)/bin/bench-sched
BENCHES += $(B)/bin/bench-sched tests/sim/sched
$(B)/bin/bench-sched: $(B)/obj/tests/sim/bench.o $(B)/lib/libcore.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lpthread

# A virtual machine's load, for the comparison of live and simulated mixes.
ALL += $(B)/bin/mix
CFLAGS_tests/sim/mix := -Iguest/libcuda
$(B)/bin/mix: $(B)/obj/tests/sim/mix.o $(B)/lib/guest/libcuda.so.1
	@mkdir -p $(@D)
	$(CC) -o $@ $< -L$(B)/lib/guest -l:libcuda.so.1 -lpthread

# Mixes on the soft GPU over loopback beside the same mixes simulated.
sched-live: all
	tests/sim/live

# The same in guests inside the hypervisor VM.
sched-live-vm: all
	tests/sim/live --vm

.PHONY: sim sched-live sched-live-vm
