# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
#
# What the parts inside the hypervisor VM share; sourced. They print lines as tests/validate/vm.py reads them.
#
#   number VALUE UNIT GOAL NAME [NOTE]          GOAL is empty, or a sign and a limit: "<= 5"
#   points TITLE XAXIS YAXIS SERIES <LINES      of "x y", every n-th where there are more than 1,500
#   note TEXT, failed TEXT                      failed() makes the part's status 1
#   start_client NAME UUID PERIOD_US LOOPS      validate-client in the background, until end_client
#   client_ready NAME                           whether it has computed once
#   end_client NAME                             ends it, adds up its operations, tells what went wrong
#   client KEY NAME                             what it said in the end: operations, p50_ms, p95_ms, p99_ms, max_ms
#   answered, exporter_up                      virtual GPUs in the exporter's answer; whether it answers
#   uuid_of N
cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 1
# shellcheck source=tests/lib/hypervisor.sh
. tests/lib/hypervisor.sh

work=$(mktemp -d) || exit 1
status=0
wrong=0
operations=0
declare -A client_pid

number()
{
	printf 'number %s|%s|%s|%s|%s\n' "$1" "$2" "$3" "$4" "${5:-}"
}

note()
{
	echo "note $*"
}

failed()
{
	echo "FAIL $*"
	status=1
}

points()
{
	awk -v head="point $1|$2|$3|$4|" '
		{ line[NR] = $1 "|" $2 }
		END { step = int(NR / 1500) + 1; for (n = 1; n <= NR; n += step) print head line[n] }'
}

milliseconds()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

uptime_seconds()
{
	cut -d ' ' -f 1 /proc/uptime
}

uuid_of()
{
	printf 'd0000000-0000-4000-8000-%012d' "$1"
}

start_client()
{
	build/bin/validate-client "$2" 100000 "$3" "$4" "$work/$1.samples" >"$work/$1.out" 2>"$work/$1.err" &
	client_pid[$1]=$!
}

client_ready()
{
	grep -q ready "$work/$1.out"
}

# Until it has computed once, or has died.
await_client()
{
	wait_for --alive "${client_pid[$1]}" --for 300 --every 0.2 client_ready "$1"
}

end_client()
{
	local ended=0

	kill -s TERM "${client_pid[$1]}" 2>/dev/null
	wait "${client_pid[$1]}" || ended=$?
	unset "client_pid[$1]"
	if [ $ended -ne 0 ] || ! client operations "$1" >/dev/null; then
		failed "client $1 ended with status $ended: $(head -n 3 "$work/$1.err" | tr '\n' ' ')"
		return 1
	fi
	operations=$((operations + $(client operations "$1")))
	wrong=$((wrong + $(client wrong "$1")))
}

answered()
{
	python3 -c 'import urllib.request as u; print(u.urlopen("http://127.0.0.1:9486/metrics", timeout=60).read().decode().count("vgpu_info{"))'
}

exporter_up()
{
	[ "$(answered 2>/dev/null)" ]
}

client()
{
	tail -n 1 "$work/$2.out" | jq -er ".$1"
}

leave()
{
	local device gpu

	for device in /sys/bus/mdev/devices/*/remove; do
		[ ! -e "$device" ] || echo 1 >"$device"
	done
	for gpu in "${!executor_pid[@]}"; do
		stop_executor "$gpu" || failed "the executor of $gpu did not end in order"
	done
	unload_module || failed "vgpu.ko cannot be unloaded"
	if dmesg | grep -q 'vgpu: leak'; then
		failed "$(dmesg | grep -m 1 'vgpu: leak')"
	fi
	rm -rf "$work"
	exit $status
}
