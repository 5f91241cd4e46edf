# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
ADMIN_SRC := $(wildcard tools/vgpu-admin/*.c)
ADMIN_LIBS := $(shell pkg-config --libs libnl-genl-3.0 jansson sqlite3 tomlplusplus ncursesw libsystemd)
ADMIN_CFLAGS := $(shell pkg-config --cflags libnl-genl-3.0 jansson sqlite3)
ADMIN_CXXFLAGS := $(shell pkg-config --cflags tomlplusplus jansson)
CXX ?= g++
$(foreach source,$(ADMIN_SRC),$(eval CFLAGS_$(basename $(source)) := $(ADMIN_CFLAGS)))
ALL += $(B)/bin/vgpu-admin

$(B)/bin/vgpu-admin: $(ADMIN_SRC:%.c=$(B)/obj/%.o) $(B)/obj/tools/vgpu-admin/toml.o
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) -o $@ $^ $(ADMIN_LIBS)

# The library is C++, behind a function of C.
$(B)/obj/tools/vgpu-admin/toml.o: tools/vgpu-admin/toml.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CFLAGS) -Wall -Wextra $(ADMIN_CXXFLAGS) -MMD -MP -c -o $@ $<

$(B)/san/tools/vgpu-admin/toml.o: tools/vgpu-admin/toml.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CFLAGS) -Wall -Wextra $(ADMIN_CXXFLAGS) $(SANITIZE) -MMD -MP -c -o $@ $<
