# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# make validate MINUTES=n: the validation plan; README.md says what its parts are.
MINUTES ?= 60
PARTS ?=

validate: all
	@tests/setup
	tests/validate/run --minutes $(MINUTES) $(PARTS)

VALIDATE := $(addprefix $(B)/bin/validate-,administer misbehave garbage client)
ALL += $(VALIDATE)
CFLAGS_tests/validate/misbehave := -Iguest/libcuda

$(B)/bin/validate-administer: $(B)/obj/tests/validate/administer.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^

$(B)/bin/validate-misbehave: $(B)/obj/tests/validate/misbehave.o $(B)/lib/guest/libcuda.so.1
	@mkdir -p $(@D)
	$(CC) -o $@ $< -L$(B)/lib/guest -l:libcuda.so.1

$(B)/bin/validate-garbage: $(B)/obj/tests/validate/garbage.o $(B)/obj/tests/unit/loopback/guest.o
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lcmocka

$(B)/bin/validate-client: $(B)/obj/tests/validate/client.o $(B)/obj/tests/faults/session.o \
		$(patsubst %,$(B)/obj/tests/vfio/%.o,queue standin vfio_client)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^

.PHONY: validate
