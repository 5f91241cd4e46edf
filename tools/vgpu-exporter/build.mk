# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
EXPORTER_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tools/vgpu-exporter/*.c)) $(B)/obj/tools/vgpu-admin/sample.o
$(foreach source,$(wildcard tools/vgpu-exporter/*.c),$(eval CFLAGS_$(basename $(source)) := $(shell pkg-config --cflags libmicrohttpd libsystemd)))
ALL += $(B)/bin/vgpu-exporter

$(B)/bin/vgpu-exporter: $(EXPORTER_OBJ)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs libnl-genl-3.0 libmicrohttpd libsystemd)
