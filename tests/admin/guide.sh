#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# Every command of Documentation/operator-guide.md, from top to bottom: each has to succeed, and what there is in the end is
# what the guide says.
# shellcheck source=tests/admin/lib/admin.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib/admin.bash"

guide=Documentation/operator-guide.md

# What systemd and the packages do on an installed hypervisor.
systemctl()
{
	local gpu=${3#vgpu-executor@}

	[ "$1 $2" = "enable --now" ] && start_executor "$gpu" --memory 16G
}

modprobe()
{
	if [ "$*" = vgpu ]; then
		load_module
	else
		command modprobe "$@"
	fi
}

# Lines that stand four in are commands.
commands()
{
	sed -n 's/^    //p' "$guide"
}

test_commands()
{
	local line count=0

	while read -r line <&3; do
		echo "# $line"
		eval "$line" || {
			echo "$guide: '$line' ends with status $?"
			return 1
		}
		count=$((count + 1))
	done 3< <(commands)
	echo "$count commands"
	[ "$count" -gt 40 ]
}

test_result()
{
	expect pools "$(value '[.[] | [.name, .gpus]] | sort' vgpu-admin pool show)" '[["batch",1],["default",0],["online",1]]' &&
		expect "virtual GPUs" "$(value '[.[] | [.name, .gpu]] | sort | length' vgpu-admin vm show)" 8 &&
		expect web1 "$(value '.[0] | [.tier, .gpu_share, .depth, .memory, .gpu]' vgpu-admin vm show web1)" \
			"[\"high\",250000,1024,$((2 << 30)),\"gpu0\"]" &&
		expect db2 "$(value '.[0] | [.pool, .gpu, .tier]' vgpu-admin vm show db2)" '["batch","gpu1","medium"]' &&
		expect "batch2 by its pool" "$(value '.[0] | [.tier, .gpu_share, .cmd_rate]' vgpu-admin vm show batch2)" '["low",500000,20000]' &&
		expect weights "$(value '.[0].weights' vgpu-admin sched show --pool online)" '"16:4:1"' && agree
}

rm -rf /var/lib/vgpu
check "every command of the operator's guide" test_commands
check "what the operator's guide comes to" test_result
for vm in /sys/bus/mdev/devices/*; do
	[ ! -e "$vm" ] || remove_vgpu "${vm##*/}"
done
stop_executor gpu0 && stop_executor gpu1 && unload_module || exit
finish
