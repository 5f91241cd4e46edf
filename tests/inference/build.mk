# SPDX-License-Identifier: MIT
# Copyright (c) vgpu authors
#
# vgpu-classify and vgpu-generate, and the program that trained their weights. Kernels and weights are inside the programs.
INFERENCE := tests/inference
INFERENCE_EXACT := -O3 -ffp-contract=off
$(foreach name,digits language train train_digits train_language,$(eval CFLAGS_$(INFERENCE)/$(name) := $(INFERENCE_EXACT)))
$(foreach name,workload classify generate,$(eval CFLAGS_$(INFERENCE)/$(name) := -Iguest/libcuda))

$(B)/obj/$(INFERENCE)/workload.o: $(INFERENCE)/kernels.ptx
$(B)/obj/$(INFERENCE)/classify.o: $(INFERENCE)/digits.weights
$(B)/obj/$(INFERENCE)/generate.o: $(INFERENCE)/language.weights

$(B)/bin/vgpu-classify: $(patsubst %,$(B)/obj/$(INFERENCE)/%.o,classify workload digits)
$(B)/bin/vgpu-generate: $(patsubst %,$(B)/obj/$(INFERENCE)/%.o,generate workload language)
$(B)/bin/vgpu-classify $(B)/bin/vgpu-generate: $(B)/lib/guest/libcuda.so.1
	@mkdir -p $(@D)
	$(CC) -o $@ $(filter %.o,$^) -L$(B)/lib/guest -l:libcuda.so.1 -lm

$(B)/tests/inference/train: $(patsubst %,$(B)/obj/$(INFERENCE)/%.o,train train_digits train_language digits language)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lm

ALL += $(B)/bin/vgpu-classify $(B)/bin/vgpu-generate $(B)/tests/inference/train

# weights                 trains both networks anew; says whether the weights in the tree are the same, writes those that were removed
weights: $(B)/tests/inference/train
	@$< digits $(INFERENCE)/digits.weights
	@$< language $(INFERENCE)/language.weights
.PHONY: weights
