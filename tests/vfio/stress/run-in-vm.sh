#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# Races of the module's own code: virtual GPUs in random use by several processes, workers killed, on two processors.
#
#   tests/vm/run --kernel debug --smp 2 --timeout 1200 hypervisor -- tests/vfio/stress/run-in-vm.sh SEED [PROCESSES [ROUNDS]]
#
# A session whose worker is killed before it has bound waits for it until the deadline of 20 s: runs take minutes.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 1
# shellcheck source=tests/lib/hypervisor.sh
. tests/lib/hypervisor.sh

[ $# -ge 1 ] || {
	echo "usage: $0 SEED [PROCESSES [ROUNDS]]" >&2
	exit 2
}
load_module && start_executor soft0 --memory 8G || exit 1
build/bin/vfio-stress soft0 "$1" "${2:-3}" "${3:-3}"
status=$?
stop_executor soft0 && unload_module || status=1
if dmesg | grep 'vgpu: leak'; then
	echo "FAIL nothing left"
	status=1
fi
exit $status
