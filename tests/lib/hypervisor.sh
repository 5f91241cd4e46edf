# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# The steps from a bare hypervisor to a guest that computes, and back. Sourced by scripts that run inside
# `tests/vm/run hypervisor -- CMD`. Every function prints what went wrong, naming the thing, and returns non-zero.
#
#   load_module [PARAMETER=VALUE]...          vgpu.ko of the running kernel, and the modules that it needs
#   unload_module                             takes vgpu.ko out again; fails where something still holds it
#   start_executor GPU [ARG]...               supervisor with the soft backend; returns when it serves GPU
#   stop_executor GPU [SIGNAL]                ends it (SIGTERM), waits for it and its workers; KILL is not a failure
#   create_vgpu UUID [TYPE [GPU]]             by sysfs; TYPE defaults to vgpu-1g, GPU to soft0
#   remove_vgpu UUID                          by sysfs; returns when it is gone
#   start_guest NAME [OPTION]... -- CMD...    boots a guest in the background that runs CMD and then switches itself off
#       --vgpu UUID      its virtual GPU (may be repeated); without one the guest driver is not loaded
#       --kernel K       6.1 or 6.12 (default: tests/vm/run's --guest-kernel)
#       --mem SIZE       its memory (default 256M)
#       --copy PATH      copied into the directory where CMD runs (may be repeated)
#       --output FILE    where CMD's stdout and stderr go (default: to the caller's)
#       --monitor FILE   a UNIX socket for QEMU's monitor (QMP)
#   wait_guest_ready NAME                     returns when CMD was started in the guest (its driver is ready by then)
#   wait_guest NAME                           waits for its end; returns CMD's status, 99 after a kernel error, 97 where it died
#   stop_guest NAME [SIGNAL]                  ends its QEMU (SIGTERM) at once
#   wait_for [--alive PID] [--for S] [--every T] CMD...   polls every T seconds (0.05) until CMD succeeds; fails when PID
#                                             dies or S seconds (60) are over
#
# The log of QEMU, of the guest's kernel and of the executor are kept beside the hypervisor's own.

# shellcheck source-path=SCRIPTDIR source=machine.sh
. "${BASH_SOURCE[0]%/*}/machine.sh"

declare -A executor_pid guest_pid guest_outputs
hypervisor_error()
{
	echo "$*" >&2
	return 1
}

# Ends in 1 also when what is waited for can no longer come, so that a dead process costs no time-out.
wait_for()
{
	local alive="" seconds=60 interval=0.05 until

	while :; do
		case ${1:-} in
		--alive) alive=$2 ;;
		--for) seconds=$2 ;;
		--every) interval=$2 ;;
		*) break ;;
		esac
		shift 2
	done
	until=$((SECONDS + seconds))
	while ! "$@"; do
		if [ -n "$alive" ] && [ ! -d "/proc/$alive" ]; then
			"$@" && return
			hypervisor_error "process $alive ended while waiting for: $*"
			return
		fi
		if [ $SECONDS -ge $until ]; then
			hypervisor_error "waited $seconds s in vain for: $*"
			return
		fi
		sleep "$interval"
	done
}

hypervisor_gone()
{
	[ ! -e "$1" ]
}

load_module()
{
	local module depends

	module=$machine_top/build/kmod/$(uname -r)/vgpu.ko
	[ -e "$module" ] || {
		hypervisor_error "$module is not there; run make for this kernel's headers"
		return
	}
	depends=$(modinfo -F depends "$module")
	# shellcheck disable=SC2086
	modprobe -a ${depends//,/ } vfio_iommu_type1 && insmod "$module" "$@" || return
	[ -e /var/lib/vgpu/vgpu.db ] || "$machine_top/build/bin/vgpu-admin" config init
}

unload_module()
{
	rmmod vgpu
}

start_executor()
{
	local gpu=$1 log=/run/vm/executor-$1.log

	shift
	: >"$log"
	"$machine_top/build/bin/vgpu-executor" --backend soft --name "$gpu" "$@" >>"$log" 2>&1 </dev/null &
	executor_pid[$gpu]=$!
	# A GPU is there while its executor restarts: that it offers types does not tell that this executor serves it yet.
	if ! wait_for --alive "${executor_pid[$gpu]}" grep -qx ready "$log"; then
		cat "$log" >&2
		return 1
	fi
	wait_for test -e "/sys/class/mdev_bus/$gpu"
}

stop_executor()
{
	local gpu=$1 signal=${2:-TERM} pid=${executor_pid[$1]} status=0

	kill -s "$signal" "$pid" 2>/dev/null || {
		wait "$pid" || status=$?
		hypervisor_error "the executor of $gpu had ended before, with status $status:" \
			"$(tail -n 5 "/run/vm/executor-$gpu.log")"
		return
	}
	wait "$pid" || status=$?
	if [ "$signal" = TERM ] && [ $status -ne 0 ] && [ $status -ne 143 ]; then
		hypervisor_error "the executor of $gpu ended with status $status: $(tail -n 5 "/run/vm/executor-$gpu.log")"
		return
	fi
	unset "executor_pid[$gpu]"
	wait_for hypervisor_no_process vgpu-executor "--name $gpu"
}

# No process named $1 (as in /proc/PID/comm) whose command line holds $2.
hypervisor_no_process()
{
	! pgrep -x "$1" -a 2>/dev/null | grep -qF -- "$2"
}

create_vgpu()
{
	local uuid=$1 type=${2:-vgpu-1g} gpu=${3:-soft0} types

	types=/sys/class/mdev_bus/$gpu/mdev_supported_types
	[ -e "$types/$type/create" ] || {
		hypervisor_error "GPU $gpu has no type $type; it has: $(ls "$types" 2>/dev/null)"
		return
	}
	echo "$uuid" >"$types/$type/create" || {
		hypervisor_error "no $type on $gpu ($(<"$types/$type/available_instances") available): creation of $uuid failed"
		return
	}
	wait_for test -e "/sys/bus/mdev/devices/$uuid"
}

remove_vgpu()
{
	echo 1 >"/sys/bus/mdev/devices/$1/remove" || {
		hypervisor_error "virtual GPU $1 cannot be removed"
		return
	}
	wait_for hypervisor_gone "/sys/bus/mdev/devices/$1"
}

# KVM where the processor has it: its module is loaded when the first guest is started. Without xsave where the hypervisor
# is emulated: QEMU's SVM does not intercept XSETBV, so KVM would go on with a guest's XCR0 that the guest never set, and
# the guest's kernel would save less of the floating-point state than it believes.
hypervisor_accel()
{
	if [ ! -e /dev/kvm ]; then
		if grep -qwm 1 svm /proc/cpuinfo; then
			modprobe kvm_amd 2>/dev/null
		elif grep -qwm 1 vmx /proc/cpuinfo; then
			modprobe kvm_intel 2>/dev/null
		fi
	fi
	if [ -e /dev/kvm ]; then
		if [ "${VGPU_HYPERVISOR_ACCEL:-}" = kvm ]; then
			echo "kvm host,svm=off,vmx=off"
		else
			echo "kvm host,svm=off,xsave=off"
		fi
	else
		echo "tcg,thread=multi EPYC"
	fi
}

# Sets release, modules, vmlinux, initramfs (locals of the caller) for the guest kernel $1.
hypervisor_guest_kernel()
{
	local parts

	if [ "$1" = "${VGPU_GUEST_KERNEL:-}" ]; then
		release=$VGPU_GUEST_RELEASE modules=$VGPU_GUEST_MODULES vmlinux=$VGPU_GUEST_VMLINUX
		initramfs=$VGPU_GUEST_INITRAMFS
		return
	fi
	parts=$("$machine_top/tests/vm/kernel" "$1") || return
	release=$(sed -n 's/^release=//p' <<<"$parts")
	modules=$(sed -n 's/^modules=//p' <<<"$parts")
	vmlinux=$(sed -n 's/^vmlinux=//p' <<<"$parts")
	initramfs=$(machine_initramfs "$release" "$modules")
}

start_guest()
{
	local name=$1 kernel=${VGPU_GUEST_KERNEL:-6.12} mem=256M output="" accel cpu dir files count=0
	local release modules vmlinux initramfs driver="" options output_pids
	local devices=() copies=()

	shift
	dir=/run/guest-$name
	files=/tmp/guest-$name
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		[ $# -ge 2 ] || {
			hypervisor_error "start_guest: $1 needs a value"
			return
		}
		case $1 in
		--vgpu)
			devices+=(-device "vfio-pci,sysfsdev=/sys/bus/mdev/devices/$2,rombar=0")
			count=$((count + 1))
			;;
		--kernel) kernel=$2 ;;
		--mem) mem=$2 ;;
		--copy) copies+=("$2") ;;
		--output) output=$2 ;;
		--monitor) devices+=(-qmp "unix:$2,server=on,wait=off") ;;
		*)
			hypervisor_error "start_guest: '$1' is not an option"
			return
			;;
		esac
		shift 2
	done
	hypervisor_guest_kernel "$kernel" || return
	read -r accel cpu <<<"$(hypervisor_accel)"
	[ ! -e "$dir" ] || rm -rf "$dir" "$files"
	mkdir -p "$dir" "$files"
	if [ ${#copies[@]} -gt 0 ]; then
		cp -a -- "${copies[@]}" "$files/" || return
	fi
	[ $count -eq 0 ] || driver=$machine_top/build/kmod/$release/vgpu_guest.ko
	machine_directory "$dir" "$files" role=guest release="$release" modules="$modules" driver="$driver" \
		devices=$count library_path="$machine_top/build/lib/guest" "$@"
	mapfile -t options < <(machine_options "$dir" "$vmlinux" "$initramfs" "vgpu.directory=$dir")
	if [ -n "$output" ]; then
		machine_attach_output "$dir" >"$output" 2>&1
	else
		machine_attach_output "$dir"
	fi
	guest_outputs[$name]=$output_pids
	qemu-system-x86_64 -accel "$accel" -cpu "$cpu" -machine pc,hpet=off,vmport=off,usb=off -m "$mem" \
		"${options[@]}" "${devices[@]}" >"$dir/qemu.log" 2>&1 </dev/null &
	guest_pid[$name]=$!
}

hypervisor_guest_reported()
{
	[ -s "/run/guest-$1/report" ]
}

wait_guest_ready()
{
	wait_for --alive "${guest_pid[$1]}" --for 300 --every 0.2 hypervisor_guest_reported "$1" || {
		tail -n 20 "/run/guest-$1/serial.log" "/run/guest-$1/qemu.log" >&2
		return 1
	}
}

# Keeps the logs beside the hypervisor's, and says what the guest's kernel complained of.
hypervisor_collect()
{
	local dir=/run/guest-$1 pid

	for pid in ${guest_outputs[$1]}; do
		if hypervisor_guest_reported "$1"; then
			wait "$pid"
		else
			kill "$pid" 2>/dev/null || :
		fi
	done
	unset "guest_pid[$1]" "guest_outputs[$1]"
	rm -rf "$dir/out" "$dir/err" "/tmp/guest-$1" "/run/vm/guest-$1"
	cp -r "$dir" "/run/vm/guest-$1"
	machine_splats "$dir" >/dev/null
}

wait_guest()
{
	local dir=/run/guest-$1 status=0 left

	wait "${guest_pid[$1]}" || status=$?
	hypervisor_collect "$1" || return 99
	left=$(machine_report "$dir" '\(unload\|leak\)')
	[ -z "$left" ] || {
		echo "$left" >&2
		return 98
	}
	left=$(machine_report "$dir" status)
	[ -n "$left" ] || {
		tail -n 20 "$dir/serial.log" "$dir/qemu.log" >&2
		hypervisor_error "guest $1 died (QEMU's status $status)"
		return 97
	}
	return "$left"
}

stop_guest()
{
	local status=0

	kill -s "${2:-TERM}" "${guest_pid[$1]}" 2>/dev/null || :
	wait "${guest_pid[$1]}" || status=$?
	hypervisor_collect "$1" || return 99
}
