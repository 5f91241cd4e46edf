# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
ALL += $(B)/bin/endure
CFLAGS_tests/vm/endure := -Iguest/libcuda

$(B)/bin/endure: $(B)/obj/tests/vm/endure.o $(B)/lib/guest/libcuda.so.1
	@mkdir -p $(@D)
	$(CC) -o $@ $< -L$(B)/lib/guest -l:libcuda.so.1
