#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
#
# Inside the hypervisor (tests/vm/run hypervisor -- tests/mdev/run-in-vm.sh): a soft GPU in a class device, and one at a PCI device that
# stands in for a GPU, with Debian's mdevctl, and with the files that Nova, KubeVirt and Proxmox read, and no others. libvirt takes a
# hypervisor with systemd: `make check-integration`. One line for each test.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=tests/lib/hypervisor.sh
. tests/lib/hypervisor.sh

uuid=cccccccc-0000-4000-8000-000000000001
failed=0
pci="" type=""

complain()
{
	echo "$*" >&2
	return 1
}

expect() # WHAT ACTUAL EXPECTED
{
	[ "$2" = "$3" ] || complain "$1 is '$2', expected '$3'"
}

# An audio device or the like would do as well: any PCI device that nothing of this machine depends on. The bridge to ISA has no driver's
# state to lose.
choose_pci()
{
	local device

	for device in /sys/bus/pci/devices/*; do
		if [ "$(cat "$device/class")" = 0x060000 ]; then
			pci=${device##*/}
			return
		fi
	done
	complain "this machine has no host bridge"
}

verdict() # NAME CMD...
{
	local name=$1

	shift
	if "$@" >/tmp/mdev-output 2>&1; then
		echo "ok $name"
	else
		sed 's/^/    /' /tmp/mdev-output
		echo "FAIL $name: $(tail -n 1 /tmp/mdev-output)"
		failed=1
	fi
}

available() # PARENT TYPE
{
	cat "/sys/class/mdev_bus/$1/mdev_supported_types/$2/available_instances"
}

mdevctl_types()
{
	local parent

	for parent in soft0 "$pci"; do
		mdevctl types --parent "$parent" --dumpjson | tee /tmp/types.json
		jq -e --arg parent "$parent" '.[0][$parent] | length >= 1 and all(.[]; to_entries[0].value |
			.device_api == "vfio-pci" and (.available_instances | tonumber) >= 1 and (.name | startswith("vGPU ")) and
			(.description | test("memory=")))' </tmp/types.json >/dev/null || complain "types of $parent: see above" || return
	done
}

mdevctl_life()
{
	local parent=$1 type=$2 before

	before=$(available "$parent" "$type")
	mdevctl define --uuid "$uuid" --parent "$parent" --type "$type" --auto || return
	[ ! -e "/sys/bus/mdev/devices/$uuid" ] || complain "defining made the device" || return
	mdevctl start --uuid "$uuid" && expect "available" "$(available "$parent" "$type")" $((before - 1)) || return
	mdevctl list --dumpjson >/tmp/list.json && grep -q "$uuid" /tmp/list.json || complain "mdevctl list has no $uuid" || return
	mdevctl stop --uuid "$uuid" && hypervisor_gone "/sys/bus/mdev/devices/$uuid" || return
	expect "available" "$(available "$parent" "$type")" "$before" || return
	# What udev does when the parent says that it offers types.
	mdevctl start-parent-mdevs "$parent" && [ -e "/sys/bus/mdev/devices/$uuid" ] || complain "no autostart" || return
	mdevctl stop --uuid "$uuid" && mdevctl undefine --uuid "$uuid"
}

# Every setting, at a value that it does not have by itself.
settings="tier=high weight=250 memory=536870912 depth=64 sessions=3 deadline_ns=7000000000 gpu_share=250000 gpu_burst_ns=20000000 copy_rate=1073741824
	copy_burst=1048576 cmd_rate=5000 cmd_burst=500 quarantine_ns=2000000000 quarantine_max_ns=60000000000"

settings_are() # DIRECTORY
{
	local setting

	for setting in $settings; do
		expect "${setting%=*}" "$(cat "$1/vgpu/${setting%=*}")" "${setting#*=}" || return
	done
}

# Attributes that mdevctl keeps and writes when it starts a device, in their order. A quota gives and takes what others can be made of.
mdevctl_attributes()
{
	local dev=/sys/bus/mdev/devices/$uuid setting free count=0

	free=$(available soft0 vgpu-1g)
	mdevctl define --uuid "$uuid" --parent soft0 --type vgpu-2g || return
	for setting in $settings; do
		mdevctl modify --uuid "$uuid" --addattr "vgpu/${setting%=*}" --value "${setting#*=}" || return
		count=$((count + 1))
	done
	expect attributes "$(mdevctl list --defined --uuid "$uuid" --dumpjson | jq '[.. | .attrs? // empty | length] | add')" "$count" || return
	mdevctl start --uuid "$uuid" && settings_are "$dev" || return
	for setting in "$dev"/vgpu/*; do
		[[ " $(tr -s ' \n\t' ' ' <<<"$settings")" == *" ${setting##*/}="* ]] || complain "${setting##*/} is not among what is tried" || return
	done
	# Half a GiB of 4 is taken, not the 2 of the type.
	expect "available beside a quota of 512 MiB" "$(available soft0 vgpu-1g)" $((free - 1)) || return
	mdevctl stop --uuid "$uuid" && expect "available after it" "$(available soft0 vgpu-1g)" "$free" || return
	mdevctl start --uuid "$uuid" && settings_are "$dev" && mdevctl stop --uuid "$uuid" && mdevctl undefine --uuid "$uuid"
}

# What is refused changes nothing.
attributes_are_checked()
{
	local dev=/sys/bus/mdev/devices/$uuid wrong free

	create_vgpu "$uuid" vgpu-1g soft0 || return
	free=$(available soft0 vgpu-1g)
	for wrong in tier=best tier= memory=1 memory=99999999999999 depth=0 depth=4097 sessions=65 deadline_ns=0 gpu_share=1000001 cmd_rate=-1; do
		if echo "${wrong#*=}" >"$dev/vgpu/${wrong%=*}" 2>/dev/null; then
			complain "$wrong was taken"
			return
		fi
	done
	expect tier "$(cat "$dev/vgpu/tier")" medium && expect memory "$(cat "$dev/vgpu/memory")" 1073741824 || return
	echo 2147483648 >"$dev/vgpu/memory" && expect "available beside 2 GiB" "$(available soft0 vgpu-1g)" $((free - 1)) || return
	echo 1073741824 >"$dev/vgpu/memory" && expect "available beside 1 GiB" "$(available soft0 vgpu-1g)" "$free" || return
	remove_vgpu "$uuid"
}

# Types share one budget: at every step what each can still be made of, and not one more.
budget_is_exact()
{
	local sizes="1 2 1" size n=0 left=4 made=() id

	for size in $sizes; do
		n=$((n + 1))
		id=cccccccc-0000-4000-8000-0000000001$(printf %02d "$n")
		create_vgpu "$id" "vgpu-${size}g" soft0 || return
		made+=("$id")
		left=$((left - size))
		expect "available of 1g" "$(available soft0 vgpu-1g)" "$left" && expect "available of 2g" "$(available soft0 vgpu-2g)" $((left / 2)) &&
			expect "available of 4g" "$(available soft0 vgpu-4g)" $((left / 4)) || return
	done
	create_vgpu "$uuid" vgpu-1g soft0 2>/dev/null && complain "one more than available was made" && return 1
	for id in "${made[@]}"; do
		remove_vgpu "$id" || return
	done
	expect "available after all" "$(available soft0 vgpu-1g)" 4
}

# nova-compute: nova/privsep/libvirt.py makes devices at this path; types come from libvirt, which reads these three files of each.
nova()
{
	local types=/sys/class/mdev_bus/$pci/mdev_supported_types file

	for file in device_api available_instances name; do
		[ -s "$types/$type/$file" ] || complain "libvirt reads $types/$type/$file" || return
	done
	expect deviceAPI "$(cat "$types/$type/device_api")" vfio-pci || return
	expr "$type" : '[a-zA-Z0-9_-]*$' >/dev/null || complain "'$type' cannot be a placement resource or a group of nova.conf" || return
	printf %s "$uuid" >"$types/$type/create" && [ -e "/sys/bus/mdev/devices/$uuid" ] || return
	remove_vgpu "$uuid"
}

# virt-handler: device-manager/mediated_device.go, common.go.
kubevirt()
{
	local base=/sys/bus/mdev/devices parent group

	create_vgpu "$uuid" "$type" "$pci" || return
	[ -L "$base/$uuid" ] || complain "$base/$uuid is no link" || return
	expect "mdevNameSelector" "$(tr ' ' _ <"$base/$uuid/mdev_type/name")" vGPU_1_GiB || return
	parent=$(readlink "$base/$uuid") && parent=${parent%/*}
	expect "parent's PCI address" "${parent##*/}" "$pci" || return
	[ -r "/sys/bus/pci/devices/$pci/numa_node" ] || complain "no NUMA node" || return
	group=$(readlink "$base/$uuid/iommu_group") || complain "no IOMMU group" || return
	[ -e "/dev/vfio/${group##*/}" ] || complain "no /dev/vfio/${group##*/}" || return
	remove_vgpu "$uuid"
}

# PVE/SysFSTools.pm: lspci, get_mdev_types, pci_create_mdev_device, generate_mdev_uuid.
proxmox()
{
	local dir=/sys/bus/pci/devices/$pci file own=00000000-0000-0000-0000-000000000100

	[ -d "$dir/mdev_supported_types" ] || complain "no mdev_supported_types" || return
	for file in available_instances description name create; do
		[ -e "$dir/mdev_supported_types/$type/$file" ] || complain "no $file" || return
	done
	expr "$(cat "$dir/mdev_supported_types/$type/available_instances")" : '[0-9]*$' >/dev/null ||
		complain "available_instances is no number" || return
	printf %s "$own" >"$dir/mdev_supported_types/$type/create" && [ -d "$dir/$own" ] || complain "no $dir/$own" || return
	file=$(readlink "$dir/$own/mdev_type")
	expect "type of the link" "${file##*/}" "$type" || return
	remove_vgpu "$own"
}

admin_words()
{
	create_vgpu "$uuid" vgpu-1g soft0 || return
	expect qemu-args "$(vgpu-admin vm qemu-args cccccccc)" "-device vfio-pci,sysfsdev=/sys/bus/mdev/devices/$uuid,rombar=0" || return
	expect "qemu-args --port" "$(vgpu-admin vm qemu-args --port cccccccc)" "-device pcie-root-port,id=vgpu-cccccccc,chassis=$((0xcccccccc % \
255 + 1)),pref64-reserve=1G -device vfio-pci,sysfsdev=/sys/bus/mdev/devices/$uuid,bus=vgpu-cccccccc,rombar=0" || return
	[[ "$(vgpu-admin vm libvirt-xml cccccccc)" == *"<address uuid='$uuid'/>"* ]] || complain "libvirt-xml names no $uuid" || return
	vgpu-admin vm qemu-args dddd && complain "a virtual GPU that does not exist was found" && return 1
	vgpu-admin doctor || return
	remove_vgpu "$uuid"
}

set_up()
{
	choose_pci && load_module && start_executor soft0 --memory 4G || return
	build/bin/vgpu-executor --backend soft --name gpu0 --pci "$pci" --memory 4G >/run/vm/executor-gpu0.log 2>&1 </dev/null &
	executor_pid[gpu0]=$!
	wait_for --alive $! test -e "/sys/class/mdev_bus/$pci" || {
		cat /run/vm/executor-gpu0.log
		return 1
	}
	for type in "/sys/class/mdev_bus/$pci/mdev_supported_types"/*-1g; do
		type=${type##*/}
	done
}

take_down()
{
	stop_executor gpu0 && stop_executor soft0 && unload_module
}

set_up || {
	echo "FAIL mdev: the hypervisor could not be set up"
	exit 1
}
mkdir -p /etc/mdevctl.d
if command -v mdevctl >/dev/null; then
	verdict "mdevctl types" mdevctl_types
	verdict "mdevctl define, start, list, stop, autostart (class device)" mdevctl_life soft0 vgpu-1g
	verdict "mdevctl define, start, list, stop, autostart (PCI device)" mdevctl_life "$pci" "$type"
	verdict "mdevctl attributes, all of them" mdevctl_attributes
else
	echo "skip mdevctl: not installed; run tests/setup vm"
fi
verdict "attributes that are refused" attributes_are_checked
verdict "available_instances at each step" budget_is_exact
verdict "what Nova reads and writes" nova
verdict "what KubeVirt reads" kubevirt
verdict "what Proxmox reads and writes" proxmox
verdict "qemu-args, libvirt-xml, doctor" admin_words
verdict "down again" take_down
exit $failed
