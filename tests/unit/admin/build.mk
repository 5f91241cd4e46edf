# SPDX-License-Identifier: GPL-2.0
# Unit tests of vgpu-admin's parts, under ASan and UBSan.
ADMIN_TESTS := units print netlink

define admin_test_rule
CFLAGS_tests/unit/admin/$(1) := $$(ADMIN_CFLAGS)
$(B)/tests/admin-$(1): $(B)/san/tests/unit/admin/$(1).o $(addprefix $(B)/san/tools/vgpu-admin/,units.o print.o netlink.o settings.o)
	@mkdir -p $$(@D)
	$$(CC) $$(SANITIZE) -o $$@ $$^ $$(ADMIN_LIBS) -lcmocka
CHECKS += $(B)/tests/admin-$(1)
endef
$(foreach test,$(ADMIN_TESTS),$(eval $(call admin_test_rule,$(test))))

$(B)/tests/admin-db: $(addprefix $(B)/san/,tests/unit/admin/db.o tools/vgpu-admin/db.o)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $^ $(ADMIN_LIBS) -lsqlite3 -lcmocka
CHECKS += $(B)/tests/admin-db
