# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# vgpu-executor: supervisor and workers. The interpreter is executor/backend/soft/build.mk's library.
EXECUTOR_SOFT := soft soft_exec soft_heap soft_image soft_objects soft_print
EXECUTOR_SRC := $(wildcard executor/*.c executor/backend/*.c executor/backend/cuda/*.c) $(EXECUTOR_SOFT:%=executor/backend/soft/%.c)

# Fat binaries packed with zstd are unpacked where libzstd is installed.
ifeq ($(shell pkg-config --exists libzstd 2>/dev/null && echo yes),yes)
EXECUTOR_LIBS := $(shell pkg-config --libs libzstd)
CFLAGS_executor/backend/fatbin := -DHAVE_ZSTD $(shell pkg-config --cflags libzstd)
endif

$(B)/bin/vgpu-executor: $(EXECUTOR_SRC:%.c=$(B)/obj/%.o) $(B)/lib/libsoft.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(EXECUTOR_LIBS) -lm -lpthread

$(B)/san/bin/vgpu-executor: $(EXECUTOR_SRC:%.c=$(B)/san/%.o) $(B)/lib/libsoft-san.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(SANITIZE) -o $@ $^ $(EXECUTOR_LIBS) -lm -lpthread

ALL += $(B)/bin/vgpu-executor
