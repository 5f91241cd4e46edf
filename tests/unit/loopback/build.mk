# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# The device's protocol over loopback, without libcuda; run by tests/loopback/suite.
$(B)/tests/loopback/%: $(B)/obj/tests/unit/loopback/%.o $(B)/obj/tests/unit/loopback/guest.o
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lcmocka

LOOPBACK_CHECKS += $(B)/tests/loopback/session $(B)/tests/loopback/kernels $(B)/tests/loopback/late
