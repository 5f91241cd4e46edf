# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
ADMIN_SRC := $(wildcard tools/vgpu-admin/*.c)
ADMIN_LIBS := $(shell pkg-config --libs libnl-genl-3.0 jansson sqlite3 ncursesw)
ADMIN_CFLAGS := $(shell pkg-config --cflags libnl-genl-3.0 jansson sqlite3)
# Half of what a short command takes is the loading of libraries: TOML and C++'s own are in the program.
ADMIN_CXXFLAGS := $(shell pkg-config --cflags jansson) -DTOML_HEADER_ONLY=1
CXX ?= g++
$(foreach source,$(ADMIN_SRC),$(eval CFLAGS_$(basename $(source)) := $(ADMIN_CFLAGS)))
ALL += $(B)/bin/vgpu-admin

$(B)/bin/vgpu-admin: $(ADMIN_SRC:%.c=$(B)/obj/%.o) $(B)/obj/tools/vgpu-admin/toml.o
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) -static-libstdc++ -static-libgcc -o $@ $^ $(ADMIN_LIBS)

# The library is C++, behind a function of C.
$(B)/obj/tools/vgpu-admin/toml.o: tools/vgpu-admin/toml.cc tools/vgpu-admin/build.mk
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CFLAGS) -Wall -Wextra $(ADMIN_CXXFLAGS) -MMD -MP -c -o $@ $<

$(B)/san/tools/vgpu-admin/toml.o: tools/vgpu-admin/toml.cc tools/vgpu-admin/build.mk
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CFLAGS) -Wall -Wextra $(ADMIN_CXXFLAGS) $(SANITIZE) -MMD -MP -c -o $@ $<
