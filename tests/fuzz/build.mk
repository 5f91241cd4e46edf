# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# make fuzz SECONDS=n SEED=s: every fuzzer for n seconds, ends in a line that says what ran for how long (tests/fuzz/run). A NAME.mk here adds
# to FUZZERS what is linked with libFuzzer (clang and its fuzzer runtime; skipped aloud where they are missing; corpora grow in
# build/fuzz/corpus, seeds are in tests/fuzz/corpus and build/fuzz/seeds), to FUZZ_PROGRAMS what runs by itself: PROGRAM --seconds N
# --seed S, with a status that is not zero on a finding.
SECONDS ?= 60
CLANG ?= clang
FUZZ_RUNTIME := $(wildcard $(shell $(CLANG) -print-file-name=libclang_rt.fuzzer-x86_64.a 2>/dev/null))
FUZZERS :=
FUZZ_PROGRAMS :=

include $(filter-out %/build.mk,$(wildcard tests/fuzz/*.mk))

fuzz: all $(if $(FUZZ_RUNTIME),$(FUZZERS)) $(FUZZ_PROGRAMS)
	@tests/fuzz/run $(SECONDS) $(or $(SEED),0) $(FUZZ_PROGRAMS) -- $(if $(FUZZ_RUNTIME),$(FUZZERS))

print-fuzz-runtime:
	@echo $(FUZZ_RUNTIME)

# Of these, what runs in a virtual machine: the module, as its guests, executors and administrators may be, on a kernel that looks for errors.
fuzz-vm: all
	@tests/vm/run --kernel debug --smp 2 --timeout $$(($(SECONDS) * 4 + 300)) hypervisor -- \
		tests/fuzz/run-in-vm.sh $(SECONDS) $(or $(SEED),0)

.PHONY: fuzz fuzz-vm print-fuzz-runtime
