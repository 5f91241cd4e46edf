# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# The core in userspace: a library for the loopback daemon, and one under sanitizers for tests.
CORE_SRC := $(wildcard kmod/core/*.c)

$(B)/lib/libcore.a: $(CORE_SRC:%.c=$(B)/obj/%.o)
	@mkdir -p $(@D)
	rm -f $@; $(AR) rcs $@ $^

$(B)/san/lib/libcore.a: $(CORE_SRC:%.c=$(B)/san/%.o)
	@mkdir -p $(@D)
	rm -f $@; $(AR) rcs $@ $^
