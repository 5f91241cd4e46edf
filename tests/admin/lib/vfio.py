# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
"""Opening a virtual GPU as QEMU does, and no more than that."""
import contextlib
import fcntl
import os

VFIO_SET_IOMMU, VFIO_GROUP_SET_CONTAINER, VFIO_GROUP_GET_DEVICE_FD = 0x3B66, 0x3B68, 0x3B6A
VFIO_TYPE1_IOMMU = 1


@contextlib.contextmanager
def opened(vm):
    """The virtual GPU is open inside."""
    group = os.path.basename(os.readlink(f"/sys/bus/mdev/devices/{vm}/iommu_group"))
    files = []
    try:
        for path in ("/dev/vfio/vfio", f"/dev/vfio/{group}"):
            files.insert(0, os.open(path, os.O_RDWR))
        fcntl.ioctl(files[0], VFIO_GROUP_SET_CONTAINER, files[1].to_bytes(4, "little"))
        fcntl.ioctl(files[1], VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU)
        files.insert(0, fcntl.ioctl(files[0], VFIO_GROUP_GET_DEVICE_FD, bytearray(vm.encode() + b"\0")))
        yield
    finally:
        for file in files:
            os.close(file)
