#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# vgpu-admin killed at random instants, and several at once.
#
#   tests/vm/run hypervisor -- tests/admin/crash.sh [OPERATIONS]       1,000 of them: make crash
# shellcheck source=tests/admin/lib/admin.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib/admin.bash"

operations=${1:-25}

# What runs is printed by the test, the seed with it; under build/vm/logs while it runs.
test_killed()
{
	python3 tests/admin/lib/crash.py "$operations" | tee /run/vm/crash.out
}

# Each waits for the other: all of them happen.
test_at_once()
{
	local i pids=() status=0

	for i in 1 2 3 4; do
		vgpu-admin vm register "at-once-$i" --uuid "aaaaaaaa-0000-4000-8000-00000000000$i" --depth "$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || status=1
	done
	expect "how many there are" "$(value '[.[] | select(.name // "" | startswith("at-once")) | .depth] | sort' vgpu-admin vm show)" "[1,2,3,4]" &&
		agree && return "$status"
}

load_module && fresh && start_executor soft0 --memory 16G && start_executor soft1 --memory 16G || exit
check "$operations operations, killed at random instants" test_killed
grep '^#' /run/vm/crash.out
check "several at once" test_at_once
for vm in /sys/bus/mdev/devices/*; do
	[ ! -e "$vm" ] || remove_vgpu "${vm##*/}"
done
stop_executor soft0 && stop_executor soft1 && unload_module || exit
finish
