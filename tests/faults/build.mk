# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# make faults ROUNDS=n SEED=s: faults among virtual GPUs over loopback; README.md says what they are.
ROUNDS ?= 10000
SEED ?= 0
FAULTS_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/faults/*.c)) \
	$(patsubst %,$(B)/obj/tests/vfio/%.o,queue standin vfio_client)

$(B)/bin/vgpu-faults: $(FAULTS_OBJ)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^
ALL += $(B)/bin/vgpu-faults
CHECKS += tests/faults/gone

faults: all
	@$(B)/bin/vgpu-faults --rounds $(ROUNDS) --seed $(SEED)

.PHONY: faults
