# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# Malformed PTX and malformed images, both with seeds in tests/fuzz/corpus and, for PTX, every kernel of the committed PTX.
# Bases of empty register files are null, and an offset of zero is added to them, which gcc defines.
FUZZ_CC := $(CLANG) -std=gnu11 -g -O1 -D_GNU_SOURCE -I. -Iuapi -ffp-contract=off -fno-strict-aliasing -fno-math-errno -fno-trapping-math \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-sanitize=pointer-overflow -Wno-unknown-warning-option
FUZZ_SOFT := executor/backend/soft
FUZZ_PTX_SRC := tests/fuzz/ptx.c $(filter-out $(FUZZ_SOFT)/exec_select.c $(FUZZ_SOFT)/soft%.c,$(wildcard $(FUZZ_SOFT)/*.c))
FUZZ_IMAGE_SRC := tests/fuzz/image.c executor/backend/image.c executor/backend/fatbin.c $(FUZZ_SOFT)/soft_image.c
FUZZ_SEEDS := $(B)/fuzz/seeds

$(B)/fuzz/obj/%.o: %.c $(wildcard $(FUZZ_SOFT)/*.h $(FUZZ_SOFT)/*.def executor/backend/*.h uapi/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) -DSOFT_ISA=base $(CFLAGS_$(basename $<)) -c -o $@ $<

$(B)/fuzz/ptx: $(FUZZ_PTX_SRC:%.c=$(B)/fuzz/obj/%.o) $(FUZZ_SEEDS)/ptx
	$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $(filter %.o,$^) -lm -lpthread

$(B)/fuzz/image: $(FUZZ_IMAGE_SRC:%.c=$(B)/fuzz/obj/%.o)
	$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $^ $(EXECUTOR_LIBS)

# Each kernel with the head of its file; what it calls is missing from some, which is as good a seed.
$(FUZZ_SEEDS)/ptx: tests/fuzz/seeds $(wildcard tests/kernels/*.ptx tests/conformance/*.ptx tests/samples/*.ptx)
	rm -rf $@
	@mkdir -p $@
	tests/fuzz/seeds $@ $(filter %.ptx,$^)

FUZZERS += $(B)/fuzz/ptx $(B)/fuzz/image
