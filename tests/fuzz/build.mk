# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# make fuzz SECONDS=n: every fuzzer for n seconds, stops on a finding. A NAME.mk here adds to FUZZERS what is linked with libFuzzer
# (clang and its fuzzer runtime; skipped aloud where they are missing; corpora grow in build/fuzz/corpus, seeds are in tests/fuzz/corpus
# and build/fuzz/seeds), to FUZZ_PROGRAMS what runs by itself: PROGRAM --seconds N, with a status that is not zero on a finding.
SECONDS ?= 60
CLANG ?= clang
FUZZ_RUNTIME := $(wildcard $(shell $(CLANG) -print-file-name=libclang_rt.fuzzer-x86_64.a 2>/dev/null))
FUZZERS :=
FUZZ_PROGRAMS :=

include $(filter-out %/build.mk,$(wildcard tests/fuzz/*.mk))

fuzz: $(if $(FUZZ_RUNTIME),$(FUZZERS)) $(FUZZ_PROGRAMS)
	@for program in $(FUZZ_PROGRAMS); do \
		echo "fuzzing $$program for $(SECONDS) s"; \
		$$program --seconds $(SECONDS) || exit; \
	done
	@$(if $(FUZZ_RUNTIME),,echo "skip $(FUZZERS): $(CLANG) has no fuzzer runtime: apt install clang libclang-rt-dev"; exit 0;) \
	for fuzzer in $(FUZZERS); do \
		echo "fuzzing $$fuzzer for $(SECONDS) s"; \
		mkdir -p $(B)/fuzz/corpus/$${fuzzer##*/}; \
		$$fuzzer -max_total_time=$(SECONDS) -max_len=16384 -timeout=20 -print_final_stats=1 \
			-artifact_prefix=$(B)/fuzz/$${fuzzer##*/}- $(B)/fuzz/corpus/$${fuzzer##*/} \
			$$(ls -d tests/fuzz/corpus/$${fuzzer##*/} $(B)/fuzz/seeds/$${fuzzer##*/} 2>/dev/null) || exit; \
	done
	@$(MAKE) --no-print-directory -s fuzz-vm

print-fuzz-runtime:
	@echo $(FUZZ_RUNTIME)

# The module, as its guests, executors and administrators may be: on a kernel that looks for errors.
fuzz-vm: all
	@tests/vm/run --kernel debug --smp 2 --timeout $$(($(SECONDS) * 4 + 300)) hypervisor -- \
		tests/fuzz/run-in-vm.sh $(SECONDS) $(or $(SEED),0)

.PHONY: fuzz fuzz-vm print-fuzz-runtime
