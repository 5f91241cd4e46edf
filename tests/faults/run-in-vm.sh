#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# Rounds of faults among eight virtual GPUs of the module, each used through VFIO by a process in place of QEMU; before them, tenants one
# after the other who look for what the one before left.
#
#   tests/vm/run --kernel debug hypervisor -- tests/faults/run-in-vm.sh [ROUNDS [SEED]]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=tests/lib/hypervisor.sh
. tests/lib/hypervisor.sh

status=0
load_module || exit 1
build/bin/vgpu-faults --vfio --cleared || status=1
build/bin/vgpu-faults --vfio --rounds "${1:-60}" --seed "${2:-0}" --pairs 0 --deadline 1000 || status=1
for device in /sys/bus/mdev/devices/*/remove; do
	[ ! -e "$device" ] || echo 1 >"$device"
done
unload_module || status=1
if dmesg | grep 'vgpu: leak'; then
	echo "FAIL nothing left"
	status=1
fi
exit $status
