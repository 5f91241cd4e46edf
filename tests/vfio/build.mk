# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
VFIO_TEST := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/vfio/*.c))
$(B)/bin/vfio-test: $(VFIO_TEST)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lpthread
ALL += $(B)/bin/vfio-test

VFIO_STRESS := $(patsubst %,$(B)/obj/tests/vfio/%.o,stress/stress queue standin vfio_client)
$(B)/bin/vfio-stress: $(VFIO_STRESS)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^
ALL += $(B)/bin/vfio-stress

VFIO_FAIL := $(patsubst %,$(B)/obj/tests/vfio/%.o,fail/fail fail/administer queue standin vfio_client)
$(B)/bin/vfio-fail: $(VFIO_FAIL)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^
ALL += $(B)/bin/vfio-fail
