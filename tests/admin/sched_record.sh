#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# vgpu-admin sched record: the decision log of a live GPU, and vgpu-sim that makes the same decisions from it.
#
#   soft0 ── vgpu.ko ── debugfs ── vgpu-admin sched record ── file ── vgpu-sim --replay
#
# Nothing computes here, policies change alone; tests/vm/suite records while a guest's program runs.
# shellcheck source=tests/admin/lib/admin.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib/admin.bash"

one=01234567-89ab-4def-8123-456789abcdef
recorded_log=/tmp/decisions

test_wrong_arguments()
{
	expect_exit 5 vgpu-admin sched record soft7 "$recorded_log" && expect_exit 2 vgpu-admin sched record soft0 &&
		expect_error 2 "--seconds 0: must be a whole number from 1 to 86400" \
			vgpu-admin sched record soft0 "$recorded_log" --seconds 0
}

recording()
{
	[ -s "$recorded_log" ]
}

busy()
{
	expect_exit 1 vgpu-admin sched record soft0 /tmp/another
}

test_record()
{
	local pid status=0

	vgpu-admin -j sched record soft0 "$recorded_log" >/tmp/recorded &
	pid=$!
	wait_for recording && busy && vgpu-admin sched set --order fair --weights 8:4:1 &&
		vgpu-admin vm set "$one" --tier high && vgpu-admin sched set --order fifo || status=1
	kill -INT "$pid"
	wait "$pid" || status=1
	[ "$status" -eq 0 ] || return
	succeeded vgpu-admin sched record soft0
	expect "events lost" "$(jq '.[0].lost' /tmp/recorded)" 0 &&
		expect "size of the log" "$(stat -c %s "$recorded_log")" $(($(jq '.[0].events' /tmp/recorded) * 64)) &&
		expect_exit 0 vgpu-sim --replay "$recorded_log" &&
		expect "what vgpu-sim says" "$out" "$(jq -r '.[0] | "\(.events) events, \(.decisions) decisions: all the same"' /tmp/recorded)"
}

load_module && fresh || exit
start_executor soft0 --memory 4G && create_vgpu $one vgpu-1g || exit
check "wrong arguments" test_wrong_arguments
check "a log of a live GPU, replayed" test_record
remove_vgpu $one && stop_executor soft0 && unload_module || exit
finish
