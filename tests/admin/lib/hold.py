# SPDX-License-Identifier: GPL-2.0
# Copyright (C) vgpu authors
"""Keeps a virtual GPU open, as a virtual machine does, until its standard input ends.

    hold.py UUID        prints "open" when it has it
"""
import fcntl
import os
import struct
import sys

VFIO = ord(";") << 8 | 100
SET_IOMMU, GROUP_SET_CONTAINER, GROUP_GET_DEVICE_FD = VFIO + 2, VFIO + 4, VFIO + 6
TYPE1_IOMMU = 1


def main():
    uuid = sys.argv[1]
    group = os.path.basename(os.readlink(f"/sys/bus/mdev/devices/{uuid}/iommu_group"))
    container_fd = os.open("/dev/vfio/vfio", os.O_RDWR)
    group_fd = os.open(f"/dev/vfio/{group}", os.O_RDWR)
    fcntl.ioctl(group_fd, GROUP_SET_CONTAINER, struct.pack("i", container_fd))
    fcntl.ioctl(container_fd, SET_IOMMU, TYPE1_IOMMU)
    device_fd = fcntl.ioctl(group_fd, GROUP_GET_DEVICE_FD, uuid.encode() + b"\0")
    assert device_fd >= 0
    print("open", flush=True)
    sys.stdin.read()


main()
