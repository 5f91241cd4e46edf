# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
$(B)/bin/killat: $(B)/obj/tests/admin/killat.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^
ALL += $(B)/bin/killat

$(B)/bin/netlink-echo: $(B)/obj/tests/admin/echo.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^
ALL += $(B)/bin/netlink-echo

# The kernel's own tools for netlink, for a test of the specification. Unpacking takes seconds here, minutes where the test runs.
KERNEL_SOURCE := $(wildcard /usr/src/linux-source-6.12.tar.xz)
$(B)/ynl/linux-source-6.12: $(KERNEL_SOURCE)
	@rm -rf $(@D) && mkdir -p $(@D)/new
	tar -C $(@D)/new -xf $< --wildcards '*/tools/net/ynl' '*/Documentation/netlink'
	@mv $(@D)/new/* $(@D)/ && touch $@
ifneq ($(KERNEL_SOURCE),)
ALL += $(B)/ynl/linux-source-6.12
endif

# crash         1,000 operations of vgpu-admin, killed at random instants, in the hypervisor VM
crash: all
	tests/vm/run --kernel 6.12 --timeout 7200 hypervisor -- tests/admin/crash.sh 1000

# admin-scale   vgpu-admin with 1,024 virtual GPUs registered, in the hypervisor VM
admin-scale: all
	tests/vm/run --kernel 6.12 --timeout 1800 hypervisor -- tests/admin/scale

.PHONY: crash admin-scale
