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

# crash         1,000 operations of vgpu-admin, killed at random instants, in the hypervisor VM
crash: all
	tests/vm/run --kernel 6.12 --timeout 7200 hypervisor -- tests/admin/crash.sh 1000

# admin-scale   vgpu-admin with 1,024 virtual GPUs registered, in the hypervisor VM
admin-scale: all
	tests/vm/run --kernel 6.12 --timeout 1800 hypervisor -- tests/admin/scale

.PHONY: crash admin-scale
