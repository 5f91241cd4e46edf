#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# The netlink family itself: wrong requests, dumps under change, notifications.
# shellcheck source=tests/admin/lib/admin.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib/admin.bash"

test_generated_files()
{
	tools/netlink-regen --check
}

check "generated files are fresh" test_generated_files
load_module && start_executor soft0 --memory 64G || exit
python3 tests/admin/lib/netlink.py || admin_failures=1
for vm in /sys/bus/mdev/devices/*; do
	[ ! -e "$vm" ] || remove_vgpu "${vm##*/}"
done
stop_executor soft0 && unload_module || exit
finish
