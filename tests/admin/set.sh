#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# vgpu-admin vm set: every limit at its bounds and beyond them, and what must not change.
# shellcheck source=tests/admin/lib/admin.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib/admin.bash"

one=01234567-89ab-4def-8123-456789abcdef
two=01234567-0000-4000-8000-000000000002

limits()
{
	vgpu-admin vm show "$1" -j | jq -c '.[0] | [.tier, .depth, .sessions, .deadline_ns, .memory, .aperture]'
}

# OPTION VALUE KEY EXPECTED
sets()
{
	expect_exit 0 vgpu-admin vm set "$one" "--$1" "$2" && expect output "$out$err" "" &&
		expect "$3 after --$1 $2" "$(vgpu-admin vm show "$one" -j | jq -c ".[0].$3")" "$4"
}

test_values()
{
	sets tier high tier '"high"' && sets tier low tier '"low"' && sets tier medium tier '"medium"' &&
		sets depth 1 depth 1 && sets depth 4096 depth 4096 && sets depth 256 depth 256 &&
		sets sessions 1 sessions 1 && sets sessions 64 sessions 64 &&
		sets deadline 1ns deadline_ns 1 && sets deadline 24h deadline_ns 86400000000000 &&
		sets deadline 2.5s deadline_ns 2500000000
}

test_several_at_once()
{
	local before

	before=$(limits "$two")
	expect_exit 0 vgpu-admin vm set --tier high 01234567-89 --depth 17 --deadline 3min --sessions 4 &&
		expect limits "$(limits "$one")" "[\"high\",17,4,180000000000,1073741824,1073741824]" &&
		expect "the other's limits" "$(limits "$two")" "$before" &&
		expect_exit 0 vgpu-admin vm show "$one" && grep -qx '  deadline  *3min' <<<"$out"
}

test_wrong_values()
{
	local before range value

	before=$(limits "$one")
	range="must be a whole number from 1 to"
	for value in 0 4097 -1 1.5 2K many "" 99999999999999999999; do
		expect_error 2 "--depth $value: $range 4096" vgpu-admin vm set "$one" --depth "$value" || return
	done
	for value in 0 65 -1; do
		expect_error 2 "--sessions $value: $range 64" vgpu-admin vm set "$one" --sessions "$value" || return
	done
	for value in 0 0s 24.1h 5 1m -1s ""; do
		expect_error 2 "--deadline $value: must be a time from 1ns to 24h, such as 500ms or 30s" \
			vgpu-admin vm set "$one" --deadline "$value" || return
	done
	for value in High middle 0 ""; do
		expect_error 2 "--tier $value: must be high, medium or low" vgpu-admin vm set "$one" --tier "$value" || return
	done
	expect_error 2 "vm set: nothing to set; see: vgpu-admin vm --help" vgpu-admin vm set "$one" &&
		expect_error 2 "vm set: VM is missing" vgpu-admin vm set --tier low &&
		expect_error 2 "vm set: --tier is given twice" vgpu-admin vm set "$one" --tier low --tier high &&
		expect_error 2 "vm set: '$two' is one argument too many" vgpu-admin vm set "$one" "$two" --tier low &&
		expect_error 5 "'0123' begins what 2 virtual GPUs are called: $one, $two; write more of it" vgpu-admin vm set 0123 --tier low &&
		expect "limits after all that" "$(limits "$one")" "$before"
}

load_module && fresh && start_executor soft0 --memory 4G && create_vgpu $one vgpu-1g && create_vgpu $two vgpu-1g || exit
check "every limit at its bounds" test_values
check "several at once" test_several_at_once
check "wrong values" test_wrong_values
remove_vgpu $one && remove_vgpu $two && stop_executor soft0 && unload_module || exit
finish
