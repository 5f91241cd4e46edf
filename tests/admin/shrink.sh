#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
#
# A virtual GPU is given less while a program of its guest uses memory: less than that is refused, with what would be safe,
# and that is taken.
#
#   guest (endure) ── web1 ── vgpu.ko
# shellcheck source=tests/admin/lib/admin.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib/admin.bash"

one=01234567-89ab-4def-8123-456789abcdef
used=0 least=0

# As people write it: 3M, 1028K.
size() # BYTES
{
	if [ $(($1 % (1 << 20))) -eq 0 ]; then
		echo $(($1 >> 20))M
	else
		echo $(($1 >> 10))K
	fi
}

memory()
{
	value ".[0].$1" vgpu-admin vm show web1
}

test_below_use()
{
	local before granule

	start_guest busy --vgpu "$one" --copy build/bin/endure --copy demo/kernels.ptx --output /tmp/busy.out -- ./endure kernels.ptx &&
		wait_for --alive "${guest_pid[busy]}" --for 300 grep -q computing /tmp/busy.out || return
	granule=$(value '.[0].granule' vgpu-admin gpu show soft0)
	used=$(memory stats.memory_used) before=$(memory memory)
	least=$(((used + granule - 1) / granule * granule))
	echo "$used bytes are in use, in granules of $granule"
	[ "$used" -gt $((1 << 20)) ] || return
	expect_error 8 "vm web1: $(size "$used") of its memory are in use, more than 1M: stop programs of its guest, or leave it that much: \
vgpu-admin vm set web1 --memory $(size "$least")" vgpu-admin vm set web1 --memory 1M &&
		expect_error 8 "vm web1: $(size "$used") of its memory are in use, more than 1M: stop programs of its guest, or leave it that much: \
vgpu-admin vm set web1 --memory $(size "$least")" vgpu-admin vm set web1 --memory 1M --dry-run && expect memory "$(memory memory)" "$before" && agree || return
	# The kernel does not rely on vgpu-admin's having looked.
	echo $((1 << 20)) 2>/dev/null >/sys/bus/mdev/devices/"$one"/vgpu/memory && echo "sysfs took 1M" && return 1
	expect memory "$(memory memory)" "$before"
}

test_as_told()
{
	expect_exit 0 vgpu-admin vm set web1 --memory "$(size "$least")" && expect memory "$(memory memory)" "$least" && agree &&
		expect "what is in use" "$(memory stats.memory_used)" "$used" && expect failed "$(memory stats.failed)" 0
}

unused()
{
	[ "$(memory stats.memory_used)" -eq 0 ]
}

test_when_unused()
{
	local granule

	granule=$(value '.[0].granule' vgpu-admin gpu show soft0)
	stop_guest busy && wait_for unused && expect_exit 0 vgpu-admin vm set web1 --memory "$(size "$granule")" &&
		expect memory "$(memory memory)" "$granule" && agree
}

# What a GPU has not, or gives not in such pieces.
test_what_fits()
{
	local granule

	granule=$(value '.[0].granule' vgpu-admin gpu show soft0)
	expect_error 2 "vm web1: GPU soft0 gives memory in granules of $(size "$granule"), and 1025K is no whole number of them; the next \
that is: vgpu-admin vm set web1 --memory $(size $(((1025 * 1024 / granule + 1) * granule)))" vgpu-admin vm set web1 --memory 1025K &&
		expect_error 1 "vm web1: GPU soft0 has not so much memory left; the most that web1 can have there: vgpu-admin vm set web1 \
--memory 4G" vgpu-admin vm set web1 --memory 5G && expect_exit 0 vgpu-admin vm set web1 --memory 4G && agree
}

load_module && fresh && start_executor soft0 --memory 4G && create_vgpu $one vgpu-1g && vgpu-admin vm register web1 --uuid $one || exit
check "less memory than is in use is refused" test_below_use
check "as much as the refusal says is safe" test_as_told
check "less, when it is not in use any more" test_when_unused
check "what a GPU has not, or gives not in such pieces" test_what_fits
remove_vgpu $one && stop_executor soft0 && unload_module || exit
finish
