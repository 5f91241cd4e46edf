#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# The netlink family itself: wrong requests, dumps under change, notifications; and with the kernel's own tools.
# shellcheck source=tests/admin/lib/admin.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib/admin.bash"

test_generated_files()
{
	tools/netlink-regen --check
}

uuid=01234567-89ab-4def-8123-456789abcdef

# The kernel's tree is unpacked outside (build.mk), which takes an emulated machine minutes.
tar()
{
	[ -e "${2##*/}" ] || ln -s "$top/build/ynl/linux-source-6.12" .
}

# As a program of anybody's: the commands of the page, with nothing of ours but the specification and the example.
test_ynl()
(
	local top=$PWD line count=0

	create_vgpu "$uuid" && mkdir -p /tmp/ynl && ln -sfn "$top/Documentation" /tmp/ynl/Documentation && cd /tmp/ynl || return
	while read -r line <&3; do
		echo "# $line"
		eval "$line" >/tmp/ynl/out || return
		cat /tmp/ynl/out
		grep -q "$uuid" /tmp/ynl/out || case $line in tar* | cp*) ;; *) return 1 ;; esac
		count=$((count + 1))
	done 3< <(sed -n '/^## Changing/q; s/^    //p' "$top/Documentation/netlink.md")
	cd "$top" || return
	expect "commands of the page" "$count" 5 && expect "tier and depth" \
		"$(python3 tests/admin/lib/kernel.py | jq -c ".[2][\"$uuid\"] | [.tier, .depth]")" '["low",64]' || return
	expect_exit 1 Documentation/netlink/example.py /tmp/ynl/linux-source-6.12 "$uuid" depth=4097 &&
		expect "what it says of a depth out of range" "$err" ".depth: integer out of range" || return
	expect_exit 1 Documentation/netlink/example.py /tmp/ynl/linux-source-6.12 "$uuid" pool=none &&
		expect "what it says of a pool that is not" "$err" ".pool: no pool has this name: make it first (pool-new)" &&
		expect "lines of it" "$(wc -l <Documentation/netlink/example.py)" 30 && remove_vgpu "$uuid" || return
	/tmp/ynl/linux-source-6.12/tools/net/ynl/cli.py --spec Documentation/netlink/specs/vgpu.yaml \
		--schema /tmp/ynl/linux-source-6.12/Documentation/netlink/genetlink-legacy.yaml --do vm-forget --json "{\"uuid\": \"${uuid//-/}\"}"
)

with_other_tools()
{
	check "generated files are fresh" test_generated_files
	if [ ! -e build/ynl/linux-source-6.12 ]; then
		echo "skip admin/netlink: the kernel's own tools: no linux-source-6.12 is installed; run tests/setup debug, then make"
	elif ! python3 -c 'import yaml, jsonschema' 2>/dev/null; then
		echo "skip admin/netlink: the kernel's own tools: no python3-yaml or python3-jsonschema is installed; run tests/setup vm"
	else
		check "the kernel's own tools read the specification" test_ynl
	fi
}

load_module && start_executor soft0 --memory 64G || exit
# Programs of other people are tried once: they take minutes to start, and the module is the same.
case $(uname -r) in
*debug | 6.1.*) ;;
*) with_other_tools ;;
esac
python3 tests/admin/lib/netlink.py || admin_failures=1
# What the policies refuse does not depend on how the kernel was built.
case $(uname -r) in
*debug) ;;
*) check "each attribute of each request, wrong in every way" python3 tests/admin/lib/matrix.py ;;
esac
for vm in /sys/bus/mdev/devices/*; do
	[ ! -e "$vm" ] || remove_vgpu "${vm##*/}"
done
stop_executor soft0 && unload_module || exit
finish
