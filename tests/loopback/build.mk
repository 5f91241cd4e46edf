# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# The mediator on one machine: tests/loopback/run.
LOOPBACK_SRC := $(wildcard tests/loopback/*.c)

$(B)/bin/vgpu-loopback: $(LOOPBACK_SRC:%.c=$(B)/obj/%.o) $(B)/lib/libcore.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lpthread

$(B)/san/bin/vgpu-loopback: $(LOOPBACK_SRC:%.c=$(B)/san/%.o) $(B)/san/lib/libcore.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(SANITIZE) -o $@ $^ -lpthread

ALL += $(B)/bin/vgpu-loopback

# Programs that tests/loopback/suite runs: LOOPBACK_CHECKS of every directory.
loopback-checks: all
	@$(MAKE) --no-print-directory -s $(LOOPBACK_CHECKS)

print-loopback-checks:
	@echo $(LOOPBACK_CHECKS)

.PHONY: loopback-checks print-loopback-checks
