# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# Unit tests of vgpu-admin's parts, under ASan and UBSan: all of it that needs no kernel, but main.c.
ADMIN_TESTS := units print netlink plan db site find event_log
ADMIN_TESTED := $(addprefix $(B)/san/tools/vgpu-admin/,units.o print.o netlink.o settings.o plan.o db.o site.o toml.o name.o find.o event_log.o)

define admin_test_rule
CFLAGS_tests/unit/admin/$(1) := $$(ADMIN_CFLAGS)
$(B)/tests/admin-$(1): $(B)/san/tests/unit/admin/$(1).o $$(ADMIN_TESTED)
	@mkdir -p $$(@D)
	$$(CXX) $$(SANITIZE) -o $$@ $$^ $$(ADMIN_LIBS) -lcmocka
CHECKS += $(B)/tests/admin-$(1)
endef
$(foreach test,$(ADMIN_TESTS),$(eval $(call admin_test_rule,$(test))))
# The command line itself, without a kernel.
CHECKS += tests/unit/admin/wrong

# Rows admin/* of make bench.
CFLAGS_tests/unit/admin/bench := $(ADMIN_CFLAGS)
$(B)/bin/bench-admin: $(B)/obj/tests/unit/admin/bench.o $(patsubst $(B)/san/%,$(B)/obj/%,$(ADMIN_TESTED))
	@mkdir -p $(@D)
	$(CXX) -o $@ $^ $(ADMIN_LIBS)
BENCHES += $(B)/bin/bench-admin
BENCH_PROGRAMS += $(B)/bin/bench-admin
ALL += $(B)/bin/bench-admin
