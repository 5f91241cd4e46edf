#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# Loads the module and goes over the virtual GPU with the userspace VFIO client, by group and, where the kernel has it, by the
# device's own file. To be run in a hypervisor that has nothing to lose:
#
#   tests/vm/run hypervisor -- tests/vfio/run-in-vm.sh [TEST]...
#
#   vfio-test ──┬── /dev/vfio/N, /dev/vfio/devices/vfioN     as QEMU
#               └── /dev/vgpu-executor                       as supervisor and workers
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=tests/lib/hypervisor.sh
. tests/lib/hypervisor.sh

# A PCI device that the machine can do without, if possible one with a driver.
spare_device()
{
	local device class driver

	unset VFIO_TEST_PCI VFIO_TEST_PCI_DRIVER
	for device in /sys/bus/pci/devices/*; do
		class=$(<"$device/class")
		case $class in
		0x1000* | 0x0106* | 0x00ff00) ;;
		*) continue ;;
		esac
		export VFIO_TEST_PCI=${device##*/}
		if driver=$(readlink "$device/driver"); then
			export VFIO_TEST_PCI_DRIVER=${driver##*/}
			return
		fi
	done
}

status=0
load_module && tests/admin/lib/forgive.py || exit 1
modprobe -q ahci
spare_device
build/bin/vfio-test "$@" || status=1
if [ -e /dev/iommu ]; then
	echo 1 >/sys/bus/pci/rescan
	spare_device
	build/bin/vfio-test --cdev "$@" || status=1
fi
if unload_module && [ ! -e /dev/vgpu-executor ] && [ ! -e /sys/class/vgpu ]; then
	echo "ok unload"
else
	echo "FAIL unload: $(grep -w ^vgpu /proc/modules)"
	status=1
fi
if dmesg | grep -q 'vgpu: leak'; then
	echo "FAIL nothing left: $(dmesg | grep 'vgpu: leak')"
	status=1
fi
exit $status
