# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# Unit tests of the executor's parts, under ASan and UBSan.
$(B)/tests/executor-ring: $(addprefix $(B)/san/,tests/unit/executor/ring.o executor/ring.o)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $^ -lcmocka -lpthread

$(B)/tests/executor-image: $(addprefix $(B)/san/,tests/unit/executor/image.o executor/backend/image.o \
		executor/backend/fatbin.o executor/backend/soft/soft_image.o)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $^ $(EXECUTOR_LIBS) -lcmocka

$(B)/tests/executor-cubin: $(addprefix $(B)/san/,tests/unit/executor/cubin.o executor/backend/cubin.o)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $^ -lcmocka

# Not under sanitizers: they make system calls of their own.
$(B)/tests/executor-sandbox: $(addprefix $(B)/obj/,tests/unit/executor/sandbox.o executor/sandbox.o \
		executor/landlock.o executor/log.o)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lcmocka

CHECKS += $(B)/tests/executor-ring $(B)/tests/executor-image $(B)/tests/executor-cubin \
	$(B)/tests/executor-sandbox
