# SPDX-License-Identifier: MIT
# Copyright (c) vgpu authors
#
# Unit tests of libcuda's parts, linked with the library's objects under ASan and UBSan.
$(B)/tests/libcuda-pieces: $(B)/san/tests/unit/libcuda/pieces.o $(LIBCUDA_SAN) $(B)/san/gen/libcuda/exports.o
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $^ -lcmocka -pthread

CHECKS += $(B)/tests/libcuda-pieces
