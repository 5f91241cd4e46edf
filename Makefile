# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# Every directory adds to ALL (what `make` builds) and CHECKS (test programs, run by `make check`) in its build.mk.
B := build
CC ?= gcc
AR ?= ar
WARN := -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wstrict-prototypes -Wmissing-prototypes
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(WARN) -I. -Iuapi -D_GNU_SOURCE -MMD -MP -fPIC -fvisibility=hidden
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1

.DEFAULT_GOAL := all
.SUFFIXES:
ALL :=
CHECKS :=

include $(wildcard */build.mk */*/build.mk */*/*/build.mk)

all: $(ALL)

# The two commands of the README; both set up the machine first.
demo:
	@tests/setup build vm
	@$(MAKE) --no-print-directory -s -j2 all
	@demo/run

check:
	@tests/setup build vm debug
	@tests/setup offload || echo "the tests of OpenMP and OpenACC are skipped"
	@tests/vm/kernel debug --build-dir >/dev/null
	@$(MAKE) --no-print-directory -s -j2 all $(CHECKS)
	@tests/check

print-checks:
	@echo $(CHECKS)

print-kernels:
	@echo $(KERNELS)

# One rule for objects: build/obj/ for what is shipped, build/san/ for what tests run under ASan and UBSan.
$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CFLAGS_$(basename $<)) -c -o $@ $<

$(B)/san/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CFLAGS_$(basename $<)) $(SANITIZE) -c -o $@ $<

clean:
	rm -rf $(B)

.PHONY: all check clean demo print-checks print-kernels
-include $(shell find $(B)/obj $(B)/san -name '*.d' 2>/dev/null)
