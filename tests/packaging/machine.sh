# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
#
# A machine with a root directory of its own, booted by its own kernel and systemd. Sourced by tests/packaging/integration.
#
#   machine_boot ROOT SERIES DIR SCRIPT   boots ROOT (which it changes) with its kernel 6.1 or 6.12 and runs SCRIPT at the end of booting;
#                                         output to stdout, SCRIPT's status returned; 97 if the machine died or ran out of time, 98 if it
#                                         stood still, 99 after errors of its kernel. DIR is for logs, /run/vm inside
#
# The PCI device 0000:00:10.0 stands in for a GPU: QEMU's random number generator, driven by virtio-pci.

# shellcheck source-path=SCRIPTDIR source=../lib/machine.sh
. "$(cd "$(dirname "${BASH_SOURCE[0]}")/../lib" && pwd)/machine.sh"

# Mounts the root, adds the unit that runs the script, and hands over to systemd.
clean_initramfs() # ROOT RELEASE FILE
{
	local root=$1 release=$2 file=$3 work module applet

	work=$(mktemp -d "${TMPDIR:-/tmp}/vgpu-initramfs.XXXXXX")
	mkdir -p "$work"/{bin,proc,modules,new}
	cp /bin/busybox "$work/bin/"
	for applet in sh cat mkdir mount insmod switch_root ln; do
		ln -s busybox "$work/bin/$applet"
	done
	for module in virtio_pci 9pnet_virtio 9p; do
		modprobe -d "$root" -S "$release" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/list"
	while read -r module; do
		machine_plain_module "$module" >"$work/modules/$(basename "${module%.ko*}").ko"
		echo "$(basename "${module%.ko*}").ko" >>"$work/modules/order"
	done <"$work/list"
	cat >"$work/init" <<-'EOF'
		#!/bin/sh
		while read -r module; do
			insmod "/modules/$module"
		done </modules/order
		mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose root /new
		mount -t tmpfs -o mode=755 run /new/run
		# 9p knows no sockets.
		[ ! -d /new/var/lib/libvirt/qemu ] || mount -t tmpfs -o mode=755 libvirt /new/var/lib/libvirt/qemu
		mkdir -p /new/run/vm /new/run/systemd/system/multi-user.target.wants
		mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none vm /new/run/vm
		cat >/new/run/systemd/system/vm-script.service <<-UNIT
			[Unit]
			Description=Script of the test
			After=multi-user.target
			[Service]
			Type=idle
			ExecStart=/bin/sh -c '/bin/bash /run/vm/script >/run/vm/output 2>&1; echo \$\$? >/run/vm/status; dmesg >/run/vm/dmesg; systemctl --force poweroff'
		UNIT
		ln -s ../vm-script.service /new/run/systemd/system/multi-user.target.wants/vm-script.service
		exec switch_root /new /lib/systemd/systemd
	EOF
	chmod 755 "$work/init"
	(cd "$work" && find . | cpio -o -H newc -R 0:0 --quiet) >"$file"
	rm -rf "$work"
}

# Ends QEMU when it has stood still for two minutes: less than a tenth of a second of the processor's time in each of 12 looks. A machine
# that is idle but alive uses more.
machine_watch() # DIR
{
	local looks=0 before=0 now pid

	while sleep 10; do
		read -r pid <"$1/pid" || continue
		now=$(awk '{ print $14 + $15 }' "/proc/$pid/stat") || continue
		if [ $((now - before)) -lt 10 ]; then
			looks=$((looks + 1))
		else
			looks=0
		fi
		before=$now
		if [ "$looks" -ge 12 ]; then
			: >"$1/still"
			kill -KILL "$pid"
			return
		fi
	done 2>/dev/null
}

machine_boot()
{
	local root=$1 series=$2 dir=$3 script=$4 vmlinuz release accel cpu watch_pid qemu_pid

	mkdir -p "$dir"
	rm -f "$dir"/{output,status,dmesg,still,pid}
	cp "$script" "$dir/script"
	: >"$dir/output"
	vmlinuz=$(printf '%s\n' "$root/boot/vmlinuz-$series."* | sort -V | tail -n 1)
	release=${vmlinuz#*/vmlinuz-}
	clean_initramfs "$root" "$release" "$dir/initramfs"
	accel=$(machine_accel)
	case $accel in
	kvm) cpu=host ;;
	*) accel=tcg,thread=multi cpu=EPYC ;;
	esac
	tail -f -n +1 --pid=$$ "$dir/output" &
	local tail_pid=$!
	timeout -k 5 "${MACHINE_TIMEOUT:-600}" qemu-system-x86_64 -accel "$accel" -machine q35 -cpu "$cpu" -smp 1 -m "${VGPU_VM_MEM:-3G}" \
		-nodefaults -no-reboot -display none -serial "file:$dir/serial.log" -kernel "$vmlinuz" -initrd "$dir/initramfs" \
		-append "console=ttyS0 loglevel=5 panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check apparmor=0 audit=0 nmi_watchdog=0 \
rcupdate.rcu_cpu_stall_timeout=60 8250.nr_uarts=1 kvm.tsc_tolerance_ppm=100000 systemd.mask=systemd-networkd-wait-online.service" \
		-fsdev "local,id=root,path=$root,security_model=passthrough,multidevs=remap" -device virtio-9p-pci,fsdev=root,mount_tag=root \
		-fsdev "local,id=vm,path=$dir,security_model=none" -device virtio-9p-pci,fsdev=vm,mount_tag=vm \
		-device virtio-rng-pci,addr=10.0 -pidfile "$dir/pid" >"$dir/qemu.log" 2>&1 </dev/null &
	qemu_pid=$!
	machine_watch "$dir" </dev/null >/dev/null &
	watch_pid=$!
	wait "$qemu_pid"
	kill "$watch_pid" 2>/dev/null
	wait "$watch_pid" 2>/dev/null
	sleep 0.2
	kill "$tail_pid" 2>/dev/null
	wait "$tail_pid" 2>/dev/null
	[ ! -e "$dir/still" ] || {
		echo "the machine stood still; its logs are in $dir" >&2
		return 98
	}
	if [ ! -s "$dir/status" ]; then
		tail -n 20 "$dir/serial.log" "$dir/qemu.log" >&2
		echo "the machine died or ran out of time; its logs are in $dir" >&2
		return 97
	fi
	if grep -aE "$machine_splat_pattern" "$dir/dmesg" "$dir/serial.log" >&2; then
		echo "the machine's kernel reported an error; its logs are in $dir" >&2
		return 99
	fi
	return "$(cat "$dir/status")"
}
