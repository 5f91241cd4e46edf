# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
#
# make bench: every program of BENCHES, one table, build/bench.json. A directory adds its own with BENCHES += in its build.mk;
# tests/bench/README.md says what such a program prints.
BENCH_DIR := tests/bench
BENCHES += $(B)/bin/bench-soft $(BENCH_DIR)/path $(BENCH_DIR)/libcuda $(BENCH_DIR)/inference
BENCH_PROGRAMS := $(B)/bin/bench-soft $(B)/bin/bench-queue $(B)/bin/bench-copy $(B)/bin/bench-calls \
	$(B)/bin/bench-many $(B)/bin/bench-client

# What stands beside the interpreter is compiled as issue and table say, whatever CFLAGS are.
CFLAGS_$(BENCH_DIR)/plain := -O2

$(B)/bin/bench-soft: $(BENCH_DIR:%=$(B)/obj/%/soft.o) $(B)/obj/$(BENCH_DIR)/plain.o $(B)/obj/tests/unit/ptx/harness.o \
		$(B)/lib/libsoft.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lcmocka -lm -lpthread

$(B)/bin/bench-queue $(B)/bin/bench-many: $(B)/bin/bench-%: $(B)/obj/$(BENCH_DIR)/%.o $(B)/obj/tests/unit/loopback/guest.o
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lcmocka -lpthread

$(B)/bin/bench-client: $(B)/obj/$(BENCH_DIR)/client.o $(patsubst %,$(B)/obj/tests/vfio/%.o,queue standin vfio_client)
	@mkdir -p $(@D)
	$(CC) -o $@ $^

$(foreach name,copy calls,$(eval CFLAGS_$(BENCH_DIR)/$(name) := -Iguest/libcuda))
$(B)/bin/bench-copy $(B)/bin/bench-calls: $(B)/bin/bench-%: $(B)/obj/$(BENCH_DIR)/%.o $(B)/lib/guest/libcuda.so.1
	@mkdir -p $(@D)
	$(CC) -o $@ $(filter %.o,$^) -L$(B)/lib/guest -l:libcuda.so.1 -lpthread

ALL += $(BENCH_PROGRAMS)

bench: all
	@$(MAKE) --no-print-directory -s $$($(MAKE) -s print-benches)
	@tests/bench/run

print-benches:
	@echo $(BENCHES)

.PHONY: bench print-benches

# Rows metrics/*: the core alone, over the rig of its unit tests.
ALL += $(B)/bin/bench-metrics
BENCHES += $(B)/bin/bench-metrics $(BENCH_DIR)/metrics
$(B)/bin/bench-metrics: $(B)/obj/$(BENCH_DIR)/metrics.o $(B)/obj/tests/unit/core/rig.o $(B)/obj/tools/vgpu-exporter/render.o \
		$(B)/obj/tools/vgpu-admin/sample.o $(B)/lib/libcore.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lcmocka -lpthread -lm $(shell pkg-config --libs libnl-genl-3.0)

# Rows limits/*: likewise.
ALL += $(B)/bin/bench-limits
BENCHES += $(B)/bin/bench-limits
$(B)/bin/bench-limits: $(B)/obj/$(BENCH_DIR)/limits.o $(B)/obj/tests/unit/core/rig.o $(B)/lib/libcore.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lcmocka -lpthread -lm
