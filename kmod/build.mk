# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
include kmod/kbuild.mk

VGPU_FILES := kmod/Kbuild $(wildcard kmod/*.[ch] kmod/core/*.[ch] uapi/*.h)
$(call kernel_module,vgpu,kmod,$(VGPU_FILES))
