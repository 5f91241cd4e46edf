#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
#
# What a NIC that is passed through to the same virtual machine does to the memory of a virtual GPU's aperture. In a hypervisor that
# has an IOMMU:
#
#   tests/vm/run --iommu hypervisor -- tests/vfio/pass-through.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=tests/lib/hypervisor.sh
. tests/lib/hypervisor.sh

fail()
{
	echo "FAIL pass-through: $*"
	exit 1
}

load_module || fail "no module"
modprobe vfio-pci || fail "no vfio-pci"
for nic in /sys/bus/pci/devices/*; do
	[ "$(cat "$nic/class")" != 0x020000 ] || break
done
[ -e "$nic/iommu_group" ] || fail "${nic##*/} is behind no IOMMU"
[ ! -e "$nic/driver" ] || echo "${nic##*/}" >"$nic/driver/unbind"
echo vfio-pci >"$nic/driver_override" && echo "${nic##*/}" >/sys/bus/pci/drivers_probe
group=$(readlink "$nic/iommu_group")
export VFIO_TEST_NIC_GROUP=${group##*/}
wait_for test -e "/dev/vfio/$VFIO_TEST_NIC_GROUP" || fail "vfio-pci took not ${nic##*/}"
build/bin/vfio-test pinned-by-pass-through
status=$?
unload_module || fail "the module stays"
exit $status
