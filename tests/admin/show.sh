#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# What vgpu-admin shows, as text and as JSON, of
#
#   soft0 (4 GiB) ── one (vgpu-1g), two (vgpu-2g)
#   soft1 (2 GiB)
#
# and what it says where there is nothing, where it may not look, and to wrong arguments.
# shellcheck source=tests/admin/lib/admin.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib/admin.bash"

one=01234567-89ab-4def-8123-456789abcdef
two=01234567-0000-4000-8000-000000000002
nothing='netlink family "vgpu" not found: the module is not loaded; run: modprobe vgpu'

test_without_module()
{
	expect_error 3 "$nothing" vgpu-admin gpu show &&
		expect_error 3 "$nothing" vgpu-admin vm &&
		expect_error 3 "$nothing" vgpu-admin -j vm set "$one" --tier low &&
		expect_exit 0 vgpu-admin version && [[ $out = *"not loaded"* ]] &&
		expect_exit 0 vgpu-admin version -j && expect module "$(jq -c .module <<<"$out")" null
}

test_empty()
{
	expect_exit 0 vgpu-admin gpu && expect text "$out" "no GPU: no executor has attached one" &&
		expect_exit 0 vgpu-admin vm show && expect text "$out" "no virtual GPU" &&
		expect_exit 0 vgpu-admin gpu show -j && expect JSON "$out" "[]" &&
		expect_exit 0 vgpu-admin --json vm && expect JSON "$out" "[]"
}

test_version()
{
	local release

	release=$(sed -n 's/^#define VGPU_RELEASE\t"\(.*\)"$/\1/p' uapi/vgpu_release.h)
	expect_exit 0 vgpu-admin version -j && expect JSON "$(jq -cS . <<<"$out")" \
		"{\"module\":{\"device\":\"1.0\",\"executor\":1,\"netlink\":1,\"release\":\"$release\"},\"tool\":\"$release\"}" &&
		expect_exit 0 vgpu-admin version && [[ $out = *"vgpu-admin          $release"* ]] &&
		expect "modinfo's version" "$(cat /sys/module/vgpu/version)" "$release"
}

test_gpus()
{
	expect_exit 0 vgpu-admin gpu && expect lines "$(wc -l <<<"$out")" 3 &&
		expect columns "$(awk 'NR == 1 { print $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 }' <<<"$out")" \
			"NAME POOL PCI MODEL STATE MEMORY GIVEN VMS RUNS SWITCHES" &&
		expect "soft0's line" "$(awk '/^soft0/ { print $7, $8 $9, $10 $11, $12 }' <<<"$out")" "attached 4GiB 3GiB 2" &&
		expect_exit 0 vgpu-admin gpu show -j &&
		expect names "$(jq -c '[.[].name] | sort' <<<"$out")" '["soft0","soft1"]' &&
		expect memory "$(jq '.[] | select(.name == "soft0") | .memory' <<<"$out")" $((4 << 30)) &&
		expect given "$(jq '.[] | select(.name == "soft0") | .memory_given' <<<"$out")" $((3 << 30)) &&
		expect engines "$(jq -c '.[0].engines | keys' <<<"$out")" '["compute","control","copy_in","copy_out"]' &&
		expect_exit 0 vgpu-admin gpu show soft1 -j && expect vms "$(jq '.[0].vms' <<<"$out")" 0 &&
		expect one "$(jq length <<<"$out")" 1 &&
		expect_exit 0 vgpu-admin gpu show soft1 && expect title "$(head -n 1 <<<"$out")" soft1 &&
		grep -qx '  memory  *2 GiB' <<<"$out" && grep -qx '  compute capability  *[0-9]*\.[0-9]' <<<"$out"
}

test_vms()
{
	expect_exit 0 vgpu-admin vm && expect lines "$(wc -l <<<"$out")" 3 &&
		expect "its line" "$(awk -v vm="$two" '$2 == vm { print $3, $4, $5, $6, $7, $8 }' <<<"$out")" \
			"default soft0 vgpu-2g closed medium 2G" &&
		expect_exit 0 vgpu-admin vm show "$one" --json &&
		expect values "$(jq -c '.[0] | [.uuid, .gpu, .type, .state, .quarantined, .memory, .stats.waiting]' <<<"$out")" \
			"[\"$one\",\"soft0\",\"vgpu-1g\",\"closed\",false,$((1 << 30)),0]" &&
		expect_exit 0 vgpu-admin vm show 01234567-8 -p -j && expect uuid "$(jq -r '.[0].uuid' <<<"$out")" "$one" &&
		expect_exit 0 vgpu-admin vm show 01234567-89AB && expect title "$(head -n 1 <<<"$out")" "$one" &&
		expect_exit 0 vgpu-admin vm show --gpu soft1 -j && expect soft1 "$out" "[]" &&
		expect_exit 0 vgpu-admin vm show -j --gpu=soft0 && expect soft0 "$(jq length <<<"$out")" 2 &&
		expect_error 5 "'01234567' begins what 2 virtual GPUs are called: $one, $two; write more of it" vgpu-admin vm show 01234567 &&
		expect_error 5 "no virtual GPU has a name or UUID that begins with 'f'; list them: vgpu-admin vm show" vgpu-admin vm show f
}

# sysfs and netlink read the same counters.
test_sysfs_agrees()
{
	local counter

	expect_exit 0 vgpu-admin vm show "$one" -j || return
	for counter in submitted completed failed waiting launches; do
		expect "$counter" "$(jq ".[0].stats.$counter" <<<"$out")" "$(cat /sys/bus/mdev/devices/"$one"/"$counter")" || return
	done
}

test_wrong_arguments()
{
	local long

	long=$(printf 'x%.0s' {1..32})
	expect_error 2 "which object? see: vgpu-admin --help" vgpu-admin &&
		expect_error 2 "no object 'disk'; there are: $(vgpu-admin complete '' | paste -sd ' ')" vgpu-admin disk &&
		expect_error 2 "gpu has no verb 'del'; it has: show types set" vgpu-admin gpu del &&
		expect_error 2 "no option '-x' before the object; see: vgpu-admin --help" vgpu-admin -x gpu &&
		expect_error 2 "gpu show has no option '-x'; see: vgpu-admin gpu --help" vgpu-admin gpu -x &&
		expect_error 2 "gpu show has no option '--bare'; see: vgpu-admin gpu --help" vgpu-admin gpu show --bare &&
		expect_error 2 "gpu show: 'soft1' is one argument too many" vgpu-admin gpu show soft0 soft1 &&
		expect_error 2 "vm show: --gpu needs a value" vgpu-admin vm show --gpu &&
		expect_error 2 "vm show: --gpu is given twice" vgpu-admin vm show --gpu a --gpu b &&
		expect_error 5 "no GPU has a name or PCI address that begins with 'none'; list them: vgpu-admin gpu show" vgpu-admin gpu show none &&
		expect_error 5 "no GPU has a name or PCI address that begins with '$long'; list them: vgpu-admin gpu show" vgpu-admin gpu show "$long" &&
		expect_error 1 "cannot write the answer: No space left on device" bash -c 'exec vgpu-admin gpu >/dev/full'
}

test_help()
{
	local object

	expect_exit 0 vgpu-admin --help && [[ $out = Usage:* ]] || return
	for object in $(vgpu-admin complete ''); do
		expect_exit 0 vgpu-admin "$object" --help && [[ $out = "Usage: vgpu-admin $object"*Verbs:* ]] &&
			expect "help of its first verb" "$(vgpu-admin "$object" -h "$(vgpu-admin complete "$object" '' | head -n 1)")" "$out" || return
	done
}

test_unprivileged()
{
	local denied="netlink family \"vgpu\": Operation not permitted: this takes CAP_NET_ADMIN; run it as root"

	expect_error 4 "$denied" unprivileged vgpu-admin gpu &&
		expect_error 4 "$denied" unprivileged vgpu-admin gpu show soft0 &&
		expect_error 4 "$denied" unprivileged vgpu-admin -j vm &&
		expect_error 4 "$denied" unprivileged vgpu-admin vm set "$one" --tier low &&
		expect_exit 0 unprivileged vgpu-admin version
}

# The family is not there for those who make themselves root of a network of their own.
test_namespace()
{
	expect_error 3 "$nothing" unshare --user --map-root-user --net vgpu-admin vm
}

test_detached()
{
	stop_executor soft1 && expect_exit 0 vgpu-admin gpu show soft1 -j && expect state "$(jq -r '.[0].state' <<<"$out")" detached
}

check "without the module" test_without_module
load_module && fresh || exit
check "with nothing there" test_empty
start_executor soft0 --memory 4G && start_executor soft1 --memory 2G && create_vgpu $one vgpu-1g && create_vgpu $two vgpu-2g || exit
check "version" test_version
check "GPUs" test_gpus
check "virtual GPUs" test_vms
check "sysfs tells the same" test_sysfs_agrees
check "wrong arguments" test_wrong_arguments
check "help" test_help
check "without privilege" test_unprivileged
check "another network namespace" test_namespace
check "a GPU without its executor" test_detached
remove_vgpu $one && remove_vgpu $two && stop_executor soft0 && unload_module || exit
finish
