# SPDX-License-Identifier: GPL-2.0
# make sim: every scenario, and 10^9 decisions in all (SIM_DECISIONS=n for another number).
SIM_DECISIONS ?= 1000000000

CHECKS += tests/sim/check

sim: $(B)/bin/vgpu-sim
	tests/sim/check $(SIM_DECISIONS)

.PHONY: sim
