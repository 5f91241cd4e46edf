#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""Has no virtual GPU of the default pool quarantined, for tests that misbehave more than any limit allows."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from genl import Socket, attr, constants, nest

C = constants()


def strike(kind):
    return nest(C["VGPU_A_VM_STRIKE"], attr(C["VGPU_A_STRIKE_LIMIT_KIND"], (4, kind)),
                attr(C["VGPU_A_STRIKE_LIMIT_THRESHOLD"], (4, 0)), attr(C["VGPU_A_STRIKE_LIMIT_WINDOW_NS"], (8, 10**9)))


Socket().call(C["VGPU_CMD_POOL_SET"], attr(C["VGPU_A_POOL_NAME"], "default") +
              nest(C["VGPU_A_POOL_LIMITS"], *(strike(kind) for kind in range(C["VGPU_VM_STRIKE_ADMINISTRATOR"]))))
