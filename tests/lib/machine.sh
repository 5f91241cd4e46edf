# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# What starting a machine takes, hypervisor outside or guest inside: its initramfs, its directory, its QEMU options, and
# looking for errors in its logs. Sourced by tests/vm/run and by tests/lib/hypervisor.sh; sets no options of the shell.
#
#   machine_accel                           prints kvm or tcg
#   machine_initramfs RELEASE MODULES       prints the path of the (cached) initramfs for that kernel
#   machine_directory DIR CWD SETTING=VALUE... -- CMD...   writes the job that the machine's init reads
#   machine_options DIR VMLINUX INITRAMFS [APPEND]         prints QEMU options of every machine, one a line
#   machine_attach_output DIR               copies the machine's ports to stdout and stderr, in the background; they end when
#                                           QEMU does; their processes are put into output_pids
#   machine_report DIR WORD                 prints what init reported under WORD (ready, status, unload, leak, dmesg)
#   machine_splats DIR...                   prints the kernel errors in these machines' logs; status 1 if there are any but
#                                           warnings at VGPU_VM_FORGIVE (an extended regular expression, empty for none)

machine_top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
machine_vm=$machine_top/tests/vm
machine_cache=${XDG_CACHE_HOME:-$HOME/.cache}/vgpu

# What the kernel prints when something is wrong with it.
machine_splat_pattern='BUG:|BUG [a-zA-Z0-9_-]+ \(|WARNING:|KASAN:|UBSAN:|INFO: task .* blocked|blocked for more than'
machine_splat_pattern+='|possible (circular|recursive|irq) lock|inconsistent lock state|suspicious RCU usage|bad unlock balance'
machine_splat_pattern+='|held lock freed|still has locks held|lock held when returning|self-detected stall|detected stalls on'
machine_splat_pattern+='|soft lockup|hard LOCKUP|workqueue lockup|sleeping function|scheduling while atomic|refcount_t:'
machine_splat_pattern+='|general protection|Oops|Kernel panic|[Uu]nable to handle|unreferenced object|ODEBUG:|corruption'
machine_splat_pattern+='|Objects remaining|Bad page|bad page|Bad rss|Out of memory: Killed|vgpu: leak'

# KVM serves where the processor's own module drives it and a virtual processor of it executes: a /dev/kvm alone says
# little. The probe is a ROM whose reset vector writes 0x10 to the debug exit port, which QEMU returns as 0x10 << 1 | 1.
# VGPU_VM_ACCEL=tcg or =kvm overrides.
machine_accel()
{
	local rom status=0

	if [ -n "${VGPU_VM_ACCEL:-}" ]; then
		echo "$VGPU_VM_ACCEL"
		return
	fi
	if [ ! -w /dev/kvm ] || { [ ! -d /sys/module/kvm_amd ] && [ ! -d /sys/module/kvm_intel ]; }; then
		echo tcg
		return
	fi
	rom=$(mktemp "${TMPDIR:-/tmp}/vgpu-probe.XXXXXX")
	{
		head -c 65520 /dev/zero
		printf '\xb0\x10\xe6\xf4\xfa\xf4'
		head -c 10 /dev/zero
	} >"$rom"
	timeout 10 qemu-system-x86_64 -accel kvm -cpu host -m 16M -nodefaults -display none -no-reboot -bios "$rom" \
		-device isa-debug-exit,iobase=0xf4,iosize=4 >/dev/null 2>&1 || status=$?
	rm -f "$rom"
	if [ $status -eq 33 ]; then
		echo kvm
	else
		echo tcg
	fi
}

# Modules of Debian's kernels are compressed in 6.12 and not in 6.1; the initramfs holds them plain.
machine_plain_module()
{
	case $1 in
	*.xz) xz -dc "$1" ;;
	*.zst) zstd -qdc "$1" ;;
	*.gz) gzip -dc "$1" ;;
	*) cat "$1" ;;
	esac
}

# Busybox, init and the modules that reaching the root takes, as an uncompressed cpio archive: unpacking is emulated work.
machine_initramfs()
{
	local release=$1 modules=$2 wanted="virtio_pci 9pnet_virtio 9p overlay virtio_console" key path work applet module file

	key=$(stat -L -c '%n %s %Y' "$modules/modules.dep" "$machine_vm/init" /bin/busybox "${BASH_SOURCE[0]}" | sha256sum)
	path=$machine_cache/initramfs-$release-${key:0:12}.cpio
	if [ ! -e "$path" ]; then
		mkdir -p "$machine_cache"
		find "$machine_cache" -maxdepth 1 -name 'initramfs-*' -mtime +2 -exec rm -rf {} +
		work=$(mktemp -d "$machine_cache/initramfs.XXXXXX")
		mkdir -p "$work"/tree/{bin,dev,proc,sys,modules,lower,layer,new}
		cp /bin/busybox "$work/tree/bin/"
		for applet in sh cat cp mkdir mount insmod switch_root; do
			ln -s busybox "$work/tree/bin/$applet"
		done
		install -m 755 "$machine_vm/init" "$work/tree/init"
		for module in $wanted; do
			modprobe -d "${modules%/lib/modules/*}/" -S "$release" --show-depends "$module" 2>/dev/null
		done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/list"
		while read -r module; do
			file=${module##*/}
			file=${file%.ko*}.ko
			machine_plain_module "$module" >"$work/tree/modules/$file"
			echo "$file" >>"$work/tree/modules/order"
		done <"$work/list"
		touch "$work/tree/modules/order"
		(cd "$work/tree" && find . | cpio -o -H newc -R 0:0 --quiet >"$work/cpio")
		mv "$work/cpio" "$path"
		rm -rf "$work"
	fi
	echo "$path"
}

# The job is a POSIX script: settings of init (role, release, modules, timeout in seconds, leak_check yes or no, driver and
# devices: the guest driver to load and the device files to wait for, library_path), and the function command_of_job.
machine_directory()
{
	local dir=$1 cwd=$2 name library_path=""

	shift 2
	mkfifo "$dir/out" "$dir/err"
	{
		while [ "$1" != -- ]; do
			case $1 in
			library_path=*) library_path=${1#*=} ;;
			*) printf '%s=%q\n' "${1%%=*}" "${1#*=}" ;;
			esac
			shift
		done
		shift
		printf 'command_of_job()\n{\n'
		for name in $(compgen -e); do
			case $name in
			MAKE* | MFLAGS | BASH* | SHLVL | OLDPWD | PWD | PATH | TMPDIR | XDG_RUNTIME* | DBUS* | SSH_* | _) ;;
			*) printf 'export %s=%q\n' "$name" "${!name}" ;;
			esac
		done
		printf 'export PATH=%q\n' "$machine_top/build/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"
		[ -z "$library_path" ] || printf 'export LD_LIBRARY_PATH=%q\n' "$library_path"
		printf 'cd %q || exit\nexecute' "$cwd"
		printf ' %q' "$@"
		printf '\n}\n'
	} >"$dir/job"
}

# KVM asks the processor to scale the guests' TSC where the kernel has refined the rate since KVM was loaded; an emulated
# one cannot, the guest's deadlines are then taken for times since the hypervisor's start, and it sleeps for minutes. A
# tolerance that covers any refinement leaves the rate as it is.
machine_options()
{
	local dir=$1

	printf '%s\n' -nodefaults -no-reboot -display none -serial "file:$dir/serial.log" -kernel "$2" -initrd "$3" -append
	printf '%s' "console=ttyS0 loglevel=5 panic=-1 oops=panic mitigations=off nokaslr tsc=reliable no_timer_check"
	printf '%s' " apparmor=0 audit=0 nmi_watchdog=0 rcupdate.rcu_cpu_stall_timeout=60 8250.nr_uarts=1"
	printf '%s\n' " kvm.tsc_tolerance_ppm=100000 ${4:-}"
	printf '%s\n' -fsdev local,id=root,path=/,readonly=on,security_model=none,multidevs=remap \
		-device virtio-9p-pci,fsdev=root,mount_tag=root \
		-device virtio-serial-pci,max_ports=4 \
		-chardev "file,id=report,path=$dir/report" -device virtserialport,chardev=report,name=report \
		-chardev "file,id=out,path=$dir/out" -device virtserialport,chardev=out,name=out \
		-chardev "file,id=err,path=$dir/err" -device virtserialport,chardev=err,name=err
}

machine_attach_output()
{
	cat "$1/out" &
	output_pids=$!
	cat "$1/err" >&2 &
	output_pids+=" $!"
}

machine_report()
{
	[ ! -e "$1/report" ] || sed -n "s/^$2 //p" "$1/report"
}

machine_splats()
{
	local dir found=0 context=(-aE -m 3 -B 2 -A 40 -e "$machine_splat_pattern")
	local forgiven="WARNING: .* at ${VGPU_VM_FORGIVE:-(nowhere)}"

	for dir in "$@"; do
		[ -e "$dir/serial.log" ] || continue
		if machine_report "$dir" dmesg | grep -avE "$forgiven" | grep "${context[@]}" ||
			grep -avE "$forgiven" "$dir/serial.log" | grep "${context[@]}"; then
			found=1
		fi
	done
	return $found
}
