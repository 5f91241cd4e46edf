#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# A hostile guest, executor and administrator, blindly, on a kernel that looks for errors; afterwards a sound guest computes.
#
#   tests/vm/run --kernel debug --smp 2 hypervisor -- tests/fuzz/run-in-vm.sh [SECONDS-EACH [SEED [MODE]...]]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=tests/lib/hypervisor.sh
. tests/lib/hypervisor.sh

seconds=${1:-15} seed=${2:-0} status=0
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- guest executor netlink
# Strikes are forgiven: who is quarantined gets to little of the code.
load_module && tests/admin/lib/forgive.py && start_executor soft0 --memory 16G || exit 1
for mode; do
	build/bin/vfio-fuzz "$mode" "$seconds" "$seed" || status=1
done
stop_executor soft0 || status=1
unload_module || status=1
# The module is sound: what it did last does not matter to what it does now.
load_module && build/bin/vgpu-faults --vfio --rounds 2 --pairs 0 --deadline 2000 | grep -E "^(complaint|ok|FAIL)" || status=1
for device in /sys/bus/mdev/devices/*/remove; do
	[ ! -e "$device" ] || echo 1 >"$device"
done
unload_module || status=1
if dmesg | grep 'vgpu: leak'; then
	echo "FAIL nothing left"
	status=1
fi
exit $status
