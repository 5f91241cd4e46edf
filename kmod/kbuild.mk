# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# How kernel modules are built, for every kernel release in KERNELS.
#
# A kernel's build writes beside the sources that it is given, so each module gets a tree of links for each release, and nothing is
# written beside the sources themselves. KERNELS holds the releases whose headers are installed and, once it was built, the debug kernel
# of tests/vm.
DEBUG_KERNEL := $(shell tests/vm/kernel debug --cached --release 2>/dev/null)
DEBUG_KERNEL_DIR := $(if $(DEBUG_KERNEL),$(shell tests/vm/kernel debug --cached --build-dir 2>/dev/null))
KERNELS ?= $(patsubst /usr/src/linux-headers-%/Module.symvers,%,$(wildcard /usr/src/linux-headers-*/Module.symvers)) \
	$(DEBUG_KERNEL)

# $(call kernel_dir,RELEASE)
kernel_dir = $(firstword $(if $(filter $(1),$(DEBUG_KERNEL)),$(DEBUG_KERNEL_DIR)) \
	$(wildcard /usr/src/linux-headers-$(1)) /lib/modules/$(1)/build)

# $(call kernel_tree,TREE,FILES): shell commands that make TREE a tree of links to FILES
define kernel_tree
	@mkdir -p $(sort $(addprefix $(1)/,$(dir $(2))))
	@find $(1) -type l -delete
	@for file in $(2); do ln -s $(CURDIR)/$$$$file $(1)/$$$$file; done
endef

# $(call kernel_module_rule,NAME,DIRECTORY,FILES,RELEASE)
define kernel_module_rule
$(B)/kmod/$(4)/$(1).ko: $(3)
$(call kernel_tree,$(B)/kmod/$(4)/$(1),$(3))
	$$(MAKE) -C $(call kernel_dir,$(4)) M=$(CURDIR)/$(B)/kmod/$(4)/$(1)/$(2) modules
	@cp $(B)/kmod/$(4)/$(1)/$(2)/$(1).ko $$@

check-$(1)-$(4):
$(call kernel_tree,$(B)/kmod/$(4)/check-$(1),$(3))
	@find $(B)/kmod/$(4)/check-$(1) -name '*.o' -delete
	$$(MAKE) -C $(call kernel_dir,$(4)) M=$(CURDIR)/$(B)/kmod/$(4)/check-$(1)/$(2) W=1 C=2 modules

ALL += $(B)/kmod/$(4)/$(1).ko
modules: $(B)/kmod/$(4)/$(1).ko
modules-check: check-$(1)-$(4)
.PHONY: check-$(1)-$(4)
endef

# $(call kernel_module,NAME,DIRECTORY,FILES): NAME.ko from DIRECTORY/Kbuild, which sees FILES and nothing else of the sources.
kernel_module = $(foreach release,$(KERNELS),$(eval $(call kernel_module_rule,$(1),$(2),$(3),$(release))))

.PHONY: modules modules-check
