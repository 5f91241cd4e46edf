# SPDX-License-Identifier: GPL-2.0
# make fuzz SECONDS=n: every fuzzer for n seconds, stops on a finding. A fuzzer is a NAME.mk here that adds to FUZZERS. Fuzzers need clang
# and its fuzzer runtime; corpora are kept in build/fuzz/corpus.
SECONDS ?= 60
CLANG ?= clang
FUZZ_RUNTIME := $(wildcard $(shell $(CLANG) -print-file-name=libclang_rt.fuzzer-x86_64.a 2>/dev/null))
FUZZERS :=

include $(filter-out %/build.mk,$(wildcard tests/fuzz/*.mk))

fuzz: $(if $(FUZZ_RUNTIME),$(FUZZERS))
	@$(if $(FUZZ_RUNTIME),,echo "make fuzz: $(CLANG) has no fuzzer runtime: apt install clang libclang-rt-dev" >&2; exit 1)
	@for fuzzer in $(FUZZERS); do \
		echo "fuzzing $$fuzzer for $(SECONDS) s"; \
		mkdir -p $(B)/fuzz/corpus/$${fuzzer##*/}; \
		$$fuzzer -max_total_time=$(SECONDS) -max_len=16384 -timeout=20 -print_final_stats=1 \
			-artifact_prefix=$(B)/fuzz/$${fuzzer##*/}- $(B)/fuzz/corpus/$${fuzzer##*/} || exit; \
	done

.PHONY: fuzz
