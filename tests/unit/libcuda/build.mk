# SPDX-License-Identifier: MIT
# Copyright (c) vgpu authors
#
# Unit tests of libcuda's parts, linked with the library's objects under ASan and UBSan; the library
# against cuda.h where one is installed; and whether its page of coverage is true.
$(B)/tests/libcuda-pieces: $(B)/san/tests/unit/libcuda/pieces.o $(LIBCUDA_SAN) $(B)/san/gen/libcuda/exports.o
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $^ -lcmocka -pthread

CHECKS += $(B)/tests/libcuda-pieces tests/unit/libcuda/header tests/unit/libcuda/coverage
