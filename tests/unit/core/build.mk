# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# Unit tests of the core, under ASan and UBSan: one program for each area, all over the same rig.
CORE_TESTS := registers vet queue stream worker completion admit limits quarantine hist memory group

define core_test_rule
$(B)/tests/core-$(1): $(B)/san/tests/unit/core/$(1).o $(B)/san/tests/unit/core/rig.o $(2) $(B)/san/lib/libcore.a
	@mkdir -p $$(@D)
	$$(CC) $$(SANITIZE) -o $$@ $$^ -lcmocka -lpthread -lm
CHECKS += $(B)/tests/core-$(1)
endef
$(foreach test,$(CORE_TESTS),$(eval $(call core_test_rule,$(test))))
CORE_REPLAY := $(B)/san/tools/vgpu-sim/replay.o $(B)/san/tools/vgpu-sim/load.o
$(eval $(call core_test_rule,random,$(B)/san/tests/unit/core/chaos.o $(CORE_REPLAY)))
$(eval $(call core_test_rule,sched,$(CORE_REPLAY)))
$(eval $(call core_test_rule,bucket,$(CORE_REPLAY)))
