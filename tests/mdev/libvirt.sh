#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
#
# Debian's libvirt with virtual GPUs, on an installed hypervisor (tests/packaging/integration runs it there): the PCI device 0000:00:10.0
# stands in for a GPU. One line for each test.
#
#   tests/mdev/libvirt.sh GUEST-INITRAMFS
set -uo pipefail

initramfs=$1
pci=0000:00:10.0
node=pci_0000_00_10_0
uuid=bbbbbbbb-0000-4000-8000-000000000001
other=bbbbbbbb-0000-4000-8000-000000000002
log=/var/log/libvirt/qemu
failed=0
export LIBVIRT_DEFAULT_URI=qemu:///system

verdict() # NAME CMD...
{
	local name=$1

	shift
	if "$@" >/tmp/output 2>&1; then
		echo "ok libvirt $name ($SECONDS s)"
	else
		sed 's/^/    /' /tmp/output
		echo "FAIL libvirt $name: $(tail -n 1 /tmp/output)"
		failed=1
	fi
}

# Polls for a state; a hundred seconds are an emulated eternity.
wait_for()
{
	local tries=0

	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt 500 ] || {
			echo "waited in vain for: $*"
			return 1
		}
		sleep 0.2
	done
}

types_are_listed()
{
	wait_for test -e "/sys/class/mdev_bus/$pci" &&
		wait_for sh -c "virsh nodedev-list --cap mdev_types | grep -qx $node" || return
	virsh nodedev-dumpxml "$node" | tee /tmp/node.xml
	grep -q "<type id='virtio-pci-1g'>" /tmp/node.xml && grep -q '<deviceAPI>vfio-pci</deviceAPI>' /tmp/node.xml &&
		grep -q '<availableInstances>4</availableInstances>' /tmp/node.xml
}

node_device() # UUID
{
	printf "<device><parent>%s</parent><capability type='mdev'><type id='virtio-pci-1g'/><uuid>%s</uuid></capability></device>" \
		"$node" "$1"
}

node_devices_are_made()
{
	vgpu-admin vm register declared --uuid "$uuid" --tier high || return
	node_device "$uuid" >/tmp/mdev.xml && virsh nodedev-create /tmp/mdev.xml && wait_for test -e "/sys/bus/mdev/devices/$uuid" || return
	[ "$(cat "/sys/bus/mdev/devices/$uuid/vgpu/tier")" = high ] || {
		echo "the tier that was declared before is not in force"
		return 1
	}
	node_device "$other" >/tmp/mdev.xml && virsh nodedev-define /tmp/mdev.xml &&
		virsh nodedev-autostart "mdev_${other//-/_}_${pci//[:.]/_}" &&
		virsh nodedev-start "mdev_${other//-/_}_${pci//[:.]/_}" && wait_for test -e "/sys/bus/mdev/devices/$other" || return
	virsh nodedev-list --cap mdev
	mdevctl list
	grep -qx 2 "/sys/class/mdev_bus/$pci/mdev_supported_types/virtio-pci-1g/available_instances"
}

# q35; the window of every port has room for the aperture of a virtual GPU that is plugged in later.
domain() # NAME KERNEL-ARGUMENTS HOSTDEV
{
	cat <<-EOF
		<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		  <name>$1</name>
		  <memory unit='MiB'>384</memory>
		  <vcpu>1</vcpu>
		  <os>
		    <type arch='x86_64' machine='q35'>hvm</type>
		    <kernel>/boot/vmlinuz-$(uname -r)</kernel>
		    <initrd>$initramfs</initrd>
		    <cmdline>console=ttyS0 loglevel=4 panic=-1 tsc=reliable no_timer_check mitigations=off $2</cmdline>
		  </os>
		  <features><acpi/></features>
		  <cpu mode='host-passthrough'><feature policy='disable' name='svm'/><feature policy='disable' name='xsave'/></cpu>
		  <on_poweroff>destroy</on_poweroff>
		  <devices>
		    <controller type='usb' model='none'/>
		    <controller type='pci' index='1' model='pcie-root-port'/>
		    <controller type='pci' index='2' model='pcie-root-port'/>
		    <serial type='file'><source path='$log/$1-serial.log'/></serial>
		    <memballoon model='none'/>
		    $3
		  </devices>
		  <qemu:commandline>
		    <qemu:arg value='-global'/>
		    <qemu:arg value='pcie-root-port.pref64-reserve=4G'/>
		  </qemu:commandline>
		</domain>
	EOF
}

said() # DOMAIN TEXT
{
	grep -aqF "$2" "$log/$1-serial.log"
}

is_off()
{
	[ "$(virsh domstate "$1")" = "shut off" ] || ! virsh dominfo "$1" >/dev/null 2>&1
}

tell()
{
	tail -n 20 "$log/$1-serial.log" "$log/$1.log"
	return 1
}

computes()
{
	domain cold "" "$(vgpu-admin vm libvirt-xml "$uuid")" >/tmp/cold.xml && virsh define /tmp/cold.xml && virsh start cold || return
	wait_for said cold "guest: computed, status 0" && wait_for is_off cold || tell cold || return
	[ "$(cat "/sys/bus/mdev/devices/$uuid/launches")" -ge 1 ] || {
		echo "no kernel was launched on $uuid"
		return 1
	}
	virsh undefine cold
}

hot_plug()
{
	domain hot stay "" >/tmp/hot.xml && virsh create /tmp/hot.xml && vgpu-admin vm libvirt-xml "$other" >/tmp/hostdev.xml || return
	wait_for said hot "guest: waits" && virsh attach-device hot /tmp/hostdev.xml --live || tell hot || return
	wait_for said hot "guest: computed, status 0" || tell hot || return
	virsh detach-device hot /tmp/hostdev.xml --live && wait_for said hot "guest: the virtual GPU is gone" || tell hot || return
	wait_for sh -c "! virsh dumpxml hot | grep -q '<hostdev '" && virsh destroy hot
}

destroyed_in_use()
{
	domain doomed stay "$(vgpu-admin vm libvirt-xml "$uuid")" >/tmp/doomed.xml && virsh create /tmp/doomed.xml || return
	wait_for said doomed "guest: computed, status 0" && virsh destroy doomed || tell doomed || return
	wait_for sh -c "vgpu-admin -j vm show $uuid | grep -q '\"state\": *\"closed\"'" && [ "$(cat "/sys/bus/mdev/devices/$uuid/sessions")" -eq 0 ]
}

node_devices_are_destroyed()
{
	virsh nodedev-destroy "mdev_${uuid//-/_}_${pci//[:.]/_}" && virsh nodedev-destroy "mdev_${other//-/_}_${pci//[:.]/_}" &&
		virsh nodedev-undefine "mdev_${other//-/_}_${pci//[:.]/_}" && [ ! -e "/sys/bus/mdev/devices/$uuid" ] &&
		[ ! -e "/sys/bus/mdev/devices/$other" ]
}

modprobe kvm_amd 2>/dev/null || modprobe kvm_intel 2>/dev/null
verdict "nodedev-list --cap mdev_types" types_are_listed
verdict "nodedev-create, -define, -autostart, -start" node_devices_are_made
verdict "a domain with a hostdev computes" computes
verdict "hot-plug and hot-unplug on q35" hot_plug
verdict "destroyed in use" destroyed_in_use
verdict "nodedev-destroy, -undefine" node_devices_are_destroyed
exit $failed
