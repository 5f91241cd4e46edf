# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
# On a machine with a GPU and no module: conformance on both backends, and the path beside the driver itself.
check-gpu: all
	@tests/gpu/check

.PHONY: check-gpu
