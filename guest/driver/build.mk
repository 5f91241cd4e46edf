# SPDX-License-Identifier: GPL-2.0
# Copyright (c) vgpu authors
# The guest's driver for each kernel release whose headers are installed. The kernel's build writes beside the sources it is
# given, so each release gets a tree of links of its own.
#
#   KERNELS                 releases to build for
#   kernel_dir              function: where a release's build tree is; /lib/modules/<release>/build without it
#   GUEST_DRIVER_FLAGS      for the kernel's make, such as W=1 C=2
KERNELS ?= $(patsubst /lib/modules/%/build,%,$(wildcard /lib/modules/*/build))

GUEST_DRIVER_FILES := $(wildcard guest/driver/*.c guest/driver/*.h) guest/driver/Kbuild
GUEST_DRIVER_UAPI := uapi/vgpu_device.h uapi/vgpu_guest.h

$(B)/kmod/%/vgpu_guest.ko: $(GUEST_DRIVER_FILES) $(GUEST_DRIVER_UAPI)
	@mkdir -p $(@D)/vgpu_guest/guest/driver $(@D)/vgpu_guest/uapi
	@find $(@D)/vgpu_guest -type l -delete
	@ln -s $(abspath $(GUEST_DRIVER_FILES)) $(@D)/vgpu_guest/guest/driver/
	@ln -s $(abspath $(GUEST_DRIVER_UAPI)) $(@D)/vgpu_guest/uapi/
	+$(MAKE) -C $(or $(call kernel_dir,$*),/lib/modules/$*/build) M=$(abspath $(@D))/vgpu_guest/guest/driver \
		$(GUEST_DRIVER_FLAGS) modules
	@cp $(@D)/vgpu_guest/guest/driver/vgpu_guest.ko $@
ALL += $(foreach release,$(KERNELS),$(B)/kmod/$(release)/vgpu_guest.ko)

GUEST_SELFTEST := $(patsubst %.c,$(B)/obj/%.o,$(wildcard guest/driver/selftest/*.c))
$(B)/bin/guest-selftest: $(GUEST_SELFTEST)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lpthread
ALL += $(B)/bin/guest-selftest
