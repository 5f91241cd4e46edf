# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
include kmod/kbuild.mk

GUEST_DRIVER_FILES := guest/driver/Kbuild $(wildcard guest/driver/*.[ch]) \
	uapi/vgpu_device.h uapi/vgpu_guest.h uapi/vgpu_release.h
$(call kernel_module,vgpu_guest,guest/driver,$(GUEST_DRIVER_FILES))

GUEST_SELFTEST := $(patsubst %.c,$(B)/obj/%.o,$(wildcard guest/driver/selftest/*.c))
$(B)/bin/guest-selftest: $(GUEST_SELFTEST)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lpthread
ALL += $(B)/bin/guest-selftest
