# SPDX-License-Identifier: GPL-2.0
# db.c is what the verbs that declare something will stand on; no verb of this release does.
ADMIN_SRC := $(filter-out tools/vgpu-admin/db.c,$(wildcard tools/vgpu-admin/*.c))
ADMIN_LIBS := $(shell pkg-config --libs libnl-genl-3.0 jansson)
ADMIN_CFLAGS := $(shell pkg-config --cflags libnl-genl-3.0 jansson)
$(foreach source,$(ADMIN_SRC),$(eval CFLAGS_$(basename $(source)) := $(ADMIN_CFLAGS)))
ALL += $(B)/bin/vgpu-admin

$(B)/bin/vgpu-admin: $(ADMIN_SRC:%.c=$(B)/obj/%.o)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(ADMIN_LIBS)
