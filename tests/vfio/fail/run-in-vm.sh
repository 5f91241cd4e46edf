#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# Allocations that fail, one after the other, on every path of set-up and submission:
#
#   tests/vm/run --kernel debug --forgive 'drivers/vfio/group\.c:[0-9]+ vfio_group_release' \
#       hypervisor -- tests/vfio/fail/run-in-vm.sh
#
# The kernel's VFIO core warns of a group that it could not make (vfio_group_release() after vfio_create_group()); that is not ours.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 1
# shellcheck source=tests/lib/hypervisor.sh
. tests/lib/hypervisor.sh

mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug || exit 1
for kind in failslab fail_page_alloc; do
	dir=/sys/kernel/debug/$kind
	[ -d "$dir" ] || continue
	echo 0 >"$dir/verbose"
	echo N >"$dir/ignore-gfp-wait"
	[ ! -e "$dir/ignore-gfp-highmem" ] || echo N >"$dir/ignore-gfp-highmem"
	[ ! -e "$dir/min-order" ] || echo 0 >"$dir/min-order"
done
load_module && unload_module && build/bin/vfio-fail "build/kmod/$(uname -r)/vgpu.ko" || exit 1
if dmesg | grep 'vgpu: leak'; then
	echo "FAIL nothing left"
	exit 1
fi
