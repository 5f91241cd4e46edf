# SPDX-License-Identifier: GPL-2.0
# vgpu.ko for each kernel release whose headers are installed (KERNELS, in the root Makefile). The kernel's build writes beside the
# sources it is given, so each release gets a tree of links of its own.
KMOD_FILES := $(wildcard kmod/*.[ch] kmod/core/*.[ch]) kmod/Kbuild
KMOD_UAPI := $(wildcard uapi/*.h)

define kmod_rule
$(B)/kmod/$(1)/vgpu.ko: $(KMOD_FILES) $(KMOD_UAPI)
	@mkdir -p $(B)/kmod/$(1)/vgpu
	@find $(B)/kmod/$(1)/vgpu -type l -delete
	@for file in $(KMOD_FILES) $(KMOD_UAPI); do \
		mkdir -p $(B)/kmod/$(1)/vgpu/$$$${file%/*} && ln -sf $$(CURDIR)/$$$$file $(B)/kmod/$(1)/vgpu/$$$$file || exit; \
	done
	$$(MAKE) -C $$(call kernel_build_dir,$(1)) M=$$(CURDIR)/$(B)/kmod/$(1)/vgpu/kmod $$(KBUILD_FLAGS) modules
	@cp $(B)/kmod/$(1)/vgpu/kmod/vgpu.ko $$@
ALL += $(B)/kmod/$(1)/vgpu.ko
endef
$(foreach release,$(KERNELS),$(eval $(call kmod_rule,$(release))))
