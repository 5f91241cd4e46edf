# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
"""Changes the kernel behind vgpu-admin's back, as any program may.

    drift.py UUID depth N       a virtual GPU's depth
    drift.py UUID pool NAME     the pool that a UUID is declared for
    drift.py pool NAME          a pool is made
"""
import os
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from genl import Socket, attr
from netlink import C


def main():
    if sys.argv[1] == "pool":
        Socket().call(C["VGPU_CMD_POOL_NEW"], attr(C["VGPU_A_POOL_NAME"], sys.argv[2]))
    elif sys.argv[2] == "pool":
        Socket().call(C["VGPU_CMD_VM_SET"], attr(C["VGPU_A_VM_UUID"], uuid.UUID(sys.argv[1]).bytes) +
                      attr(C["VGPU_A_VM_POOL"], sys.argv[3]))
    else:
        Socket().call(C["VGPU_CMD_VM_SET"], attr(C["VGPU_A_VM_UUID"], uuid.UUID(sys.argv[1]).bytes) +
                      attr(C["VGPU_A_VM_DEPTH"], (4, int(sys.argv[3]))))


main()
