#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# Metrics of the real module, on the way to where operators look:
#
#   guest (mandelbrot) ── one ── vgpu.ko ── netlink ── vgpu-exporter ── HTTP ── Prometheus ── the dashboard's queries
#                         two ──┘      └── sysfs, tracepoints
# shellcheck source=tests/admin/lib/admin.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib/admin.bash"

one=01234567-89ab-4def-8123-456789abcdef
two=01234567-0000-4000-8000-000000000002
sys=/sys/bus/mdev/devices/$one
tracing=/sys/kernel/tracing
url=http://127.0.0.1:9486/metrics

get() # URL
{
	python3 -c 'import sys, urllib.request as r; sys.stdout.write(r.urlopen(sys.argv[1], timeout=60).read().decode())' "$1"
}

answers() # URL
{
	get "$1" >/dev/null 2>&1
}

metric() # NAME-AND-LABELS
{
	awk -v name="$1" '$1 == name { print $2 }' /tmp/metrics.text
}

test_format()
{
	get "$url" >/tmp/metrics.text && promtool check metrics </tmp/metrics.text
}

test_one_source()
{
	local name file

	while read -r name file; do
		expect "$name" "$(metric "$name{uuid=\"$one\"}")" "$(cat "$sys/$file")" || return
	done <<-EOF
		vgpu_commands_submitted_total submitted
		vgpu_commands_completed_total completed
		vgpu_commands_failed_total failed
		vgpu_memory_used_bytes memory_used
		vgpu_doorbells_total doorbells
	EOF
	expect "all buckets" "$(metric "vgpu_command_latency_seconds_bucket{uuid=\"$one\",le=\"+Inf\"}")" \
		"$(metric "vgpu_command_latency_seconds_count{uuid=\"$one\"}")"
	expect "info" "$(metric "vgpu_info{uuid=\"$one\",gpu=\"soft0\",pool=\"default\",tier=\"high\"}")" 1
}

# Everything that the module counted, counted again from the trace; quantiles too.
test_exact()
{
	expect tracepoints "$(cd "$tracing/events/vgpu" && echo vgpu_*)" \
		"vgpu_complete vgpu_dispatch vgpu_enqueue vgpu_kill vgpu_quarantine vgpu_submit vgpu_vet" &&
		vgpu-admin stats show "$one" -j >/tmp/stats.json && tests/metrics/exact.py /tmp/trace /tmp/stats.json
}

# A virtual GPU has few series, and only groups, which are few, have windows.
test_series()
{
	local series

	series=$(grep -c "uuid=\"$one\"" /tmp/metrics.text)
	[ "$series" -lt 80 ] || complain "$series series of one virtual GPU" || return
	expect "other labels" "$(grep -oE '[{,][a-z_]+="' /tmp/metrics.text | tr -d '{,="' | sort -u |
		grep -vxE 'engine|gpu|kind|le|model|part|pool|reason|stat|tier|uuid|version')" ""
}

# Administrative changes and quarantine, each one line, in a file.
test_log()
{
	local pid

	rm -f /tmp/log
	vgpu-admin events --log /tmp/log &
	pid=$!
	wait_for grep -qs '"ready"' /tmp/log && expect_exit 0 vgpu-admin limit set "$two" --depth 77 &&
		expect_exit 0 vgpu-admin sched set --aging 123ms && expect_exit 0 vgpu-admin quarantine add "$two" &&
		expect_exit 0 vgpu-admin quarantine release "$two" && wait_for grep -q '"released"' /tmp/log || return
	kill "$pid"
	jq -es 'all(has("event") and has("time"))' /tmp/log >/dev/null &&
		jq -es --arg vm "$two" 'any(.event == "vm-changed" and .uuid == $vm and .depth == 77)' /tmp/log &&
		jq -es 'any(.event == "pool-changed" and .pool == "default" and .aging_ns == 123000000)' /tmp/log &&
		jq -es --arg vm "$two" 'any(.event == "quarantined" and .uuid == $vm and .cause == "administrator")' /tmp/log &&
		jq -es --arg vm "$two" 'any(.event == "released" and .uuid == $vm and .by == "administrator")' /tmp/log
}

# As many lines of each kind as the counters say.
test_tracepoints()
{
	local completed failed

	completed=$(cat "$sys/completed") failed=$(cat "$sys/failed")
	expect submits "$(grep -c "vgpu_submit: vgpu=$one" /tmp/trace)" $((completed + failed)) &&
		expect completions "$(grep -c "vgpu_complete: vgpu=$one.* status=0 " /tmp/trace)" "$completed" &&
		grep -q "vgpu_dispatch: vgpu=$one .* run=" /tmp/trace && grep -q "vgpu_enqueue: vgpu=$one" /tmp/trace
}

test_textfile()
{
	expect_exit 0 vgpu-exporter --textfile /tmp/vgpu.prom && promtool check metrics </tmp/vgpu.prom
}

test_loopback_alone()
{
	expect_exit 0 ss -Hltn 'sport = :9486' && [[ $out = *127.0.0.1:9486* ]]
}

test_stats()
{
	expect_exit 0 vgpu-admin stats -j && expect "virtual GPUs" "$(jq length <<<"$out")" 2 &&
		expect completed "$(jq --arg vm "$one" '.[] | select(.uuid == $vm) | .completed' <<<"$out")" "$(cat "$sys/completed")" &&
		expect_exit 0 vgpu-admin stats && [[ $out = *$one* ]] &&
		expect_exit 0 vgpu-admin stats show "$one" && [[ $out = *executing* ]] &&
		expect_exit 0 vgpu-admin top --once && [[ $out = *soft0* ]] &&
		expect_exit 0 vgpu-admin vm register web --uuid "$one" && expect_exit 0 vgpu-admin vm register websites --uuid "$two" &&
		expect_exit 0 vgpu-admin stats && [[ $out = *$'\n'web\ * && $out = *$'\n'websites\ * ]] &&
		expect_exit 0 vgpu-admin stats show web && [[ $out = *$one* ]] &&
		expect_error 5 "'we' begins the names or UUIDs of 2 virtual GPUs: write more of it" vgpu-admin stats show we &&
		expect_error 5 "no virtual GPU that exists has a name or UUID that begins with 'mail'; list them: vgpu-admin stats" \
			vgpu-admin stats show mail
}

group() # JQ-FILTER
{
	vgpu-admin stats groups -j | jq "$1"
}

# One virtual GPU did all of it: what groups say is what it says, down to the quantiles.
test_groups()
{
	local kind name=vgpu_tier_commands_completed_total

	for kind in 'group == "gpu"' 'group == "pool"' 'tier == "high"'; do
		expect "completed, $kind" "$(group ".[] | select(.$kind) | .completed")" "$(cat "$sys/completed")" &&
			expect "latency, $kind" "$(group ".[] | select(.$kind) | .latency.all")" \
				"$(vgpu-admin stats show "$one" -j | jq '.[].latency.all')" || return
	done
	expect "completed, tier low" "$(group '.[] | select(.tier == "low") | .completed')" 0 &&
		expect "completed, sysfs" "$(cat /sys/class/vgpu/soft0/completed)" "$(cat "$sys/completed")" &&
		expect "99th percentile, sysfs" "$(cat /sys/class/vgpu/soft0/latency_p99_ns)" "$(cat "$sys/latency_p99_ns")" &&
		expect "exporter" "$(metric "$name{pool=\"default\",tier=\"high\"}")" "$(cat "$sys/completed")" &&
		expect_exit 0 vgpu-admin stats groups && [[ $out = *$'\n'gpu\ soft0\ * && $out = *$'\n'tier\ default/high\ * ]]
}

# What a virtual GPU did in a tier stays that tier's, and the GPU's when it is gone.
test_groups_never_fall()
{
	local before

	before=$(cat /sys/class/vgpu/soft0/completed)
	expect_exit 0 vgpu-admin vm set "$one" --tier low && expect_exit 0 remove_vgpu "$one" &&
		expect "completed, GPU" "$(cat /sys/class/vgpu/soft0/completed)" "$before" &&
		expect "completed, tier high" "$(group '.[] | select(.tier == "high") | .completed')" "$before" &&
		expect "completed, tier low" "$(group '.[] | select(.tier == "low") | .completed')" 0
}

come_and_go() # UUID
{
	while [ ! -e /tmp/enough ]; do
		create_vgpu "$1" && remove_vgpu "$1" || return
	done
}

# A dump under which something comes or goes is read again.
test_unsteady()
{
	local n pid status=0

	rm -f /tmp/enough
	come_and_go 01234567-0000-4000-8000-000000000003 &
	pid=$!
	for ((n = 0; n < 2; n++)); do
		if ! { get "$url" >/tmp/unsteady.text && grep -qx "vgpu_up 1" /tmp/unsteady.text &&
			expect_exit 0 vgpu-admin stats && expect_exit 0 vgpu-admin stats groups &&
			expect "series twice" "$(grep -v '^#' /tmp/unsteady.text | cut -d ' ' -f 1 | sort | uniq -d)" ""; }; then
			status=1
			break
		fi
	done
	touch /tmp/enough
	wait "$pid" || status=1
	return "$status"
}

screen()
{
	tmux -L vgpu capture-pane -p
}

screen_shows()
{
	screen | grep -qE -- "$1"
}

press() # KEY TEXT
{
	tmux -L vgpu send-keys "$1"
	if ! wait_for screen_shows "$2"; then
		screen
		return 1
	fi
}

# The live view as it is on a terminal of 80 columns and 24 lines.
test_top()
{
	tmux -L vgpu -u new-session -d -x 80 -y 24 "TERM=screen LC_ALL=C.UTF-8 vgpu-admin top --interval 0.5; tmux -L vgpu wait-for -S ended" &&
		press c '^VM +TIER +GPU% +DEPTH +CMDS/S +P99 +MEM$' && press c '^web +high ' && press c '^soft0 +[█▌·]{20} ' &&
		press c '^arrows choose .* q quit$' || return
	press d ', by depth' && press p 'by depth, pool default' && press l ', by latency' && press u ', by uuid' &&
		press Enter '^(web|websites)  on soft0, pool default, tier ' && screen_shows '^executing ' && press Escape '^VM ' &&
		tmux -L vgpu send-keys q && tmux -L vgpu wait-for ended
}

test_events()
{
	local pid

	vgpu-admin events --follow -j >/tmp/events &
	pid=$!
	wait_for grep -q '"ready"' /tmp/events || return
	stop_executor soft0 && start_executor soft0 --memory 4G || return
	wait_for grep -q '"supervisor-attached"' /tmp/events || return
	kill "$pid"
	grep -q '"supervisor-lost"' /tmp/events && jq -es 'all(has("event"))' /tmp/events && succeeded vgpu-admin events --follow
}

# The machine has no journal: what comes to its socket is written down.
test_declared()
{
	local pid

	mkdir -p /run/systemd/journal
	python3 -c 'import socket, sys
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("/run/systemd/journal/socket")
while True:
	sys.stdout.write(journal.recv(65536).decode())
	sys.stdout.flush()' >/tmp/journal &
	pid=$!
	wait_for test -S /run/systemd/journal/socket && expect_exit 0 vgpu-admin limit set "$two" --depth 66 &&
		wait_for grep -q VGPU_EVENT=declared /tmp/journal
	kill "$pid"
	rm /run/systemd/journal/socket
	grep -qx "VGPU_UUID=$two" /tmp/journal && grep -qx "VGPU_WHO=root" /tmp/journal &&
		grep -qx "VGPU_COMMAND=limit set $two --depth 66" /tmp/journal && grep -q '"after":.*"depth":66' /tmp/journal
}

# Of the kernel's own tools, which parse the tracepoints' formats themselves.
test_trace_tools()
{
	expect_exit 0 trace-cmd record -q -e vgpu -o /tmp/trace.dat vgpu-admin quarantine add "$two" &&
		expect_exit 0 perf record -q -a -e 'vgpu:*' -o /tmp/perf.data vgpu-admin quarantine release "$two" || return
	trace-cmd report -i /tmp/trace.dat 2>/dev/null | grep -E "vgpu_quarantine: +vgpu=$two active=1 cause=" &&
		perf script -i /tmp/perf.data 2>/dev/null | grep -E "vgpu:vgpu_quarantine: vgpu=$two active=0 cause="
}

# What the page has an operator type to get from an alert to its cause.
test_walk()
{
	local line count=0

	while read -r line; do
		line=${line//UUID/$one}
		line=${line//bbbbbbbb/$one}
		[[ $line != *" top "* ]] || line+=" --once"
		expect_exit 0 bash -c "$line" || return
		count=$((count + 1))
	done < <(sed -n '/^## From an alert/,$s/^    \(vgpu-admin [^#]*\).*/\1/p' Documentation/observability/README.md
		sed -n '/^## From an alert/,$p' Documentation/observability/README.md | grep -oE '`vgpu-admin (stats|top|pool) [^`]*`' | tr -d '`')
	[ "$count" -ge 7 ] || complain "the page has $count commands"
}

test_rules()
{
	promtool check rules packaging/prometheus/vgpu.rules.yml
}

fires() # ALERT
{
	get http://127.0.0.1:9090/api/v1/alerts | jq -e --arg name "$1" --arg vm "$two" \
		'.data.alerts | any(.labels.alertname == $name and .labels.uuid == $vm and .state == "firing")' >/dev/null
}

ends() # ALERT
{
	! fires "$1"
}

test_prometheus()
{
	local status=0 pid

	cat >/tmp/prometheus.yml <<-EOF
		global: { scrape_interval: 1s, evaluation_interval: 1s }
		rule_files: [ $PWD/packaging/prometheus/vgpu.rules.yml ]
		scrape_configs: [ { job_name: vgpu, static_configs: [ { targets: [ "127.0.0.1:9486" ] } ] } ]
	EOF
	prometheus --config.file=/tmp/prometheus.yml --storage.tsdb.path=/tmp/tsdb --web.listen-address=127.0.0.1:9090 \
		>/tmp/prometheus.log 2>&1 &
	pid=$!
	wait_for answers http://127.0.0.1:9090/-/ready && tests/metrics/prometheus.py http://127.0.0.1:9090 || status=1
	# An alert of the shipped rules fires when there is cause, and ends with it.
	vgpu-admin quarantine add "$two" >/dev/null && wait_for fires VgpuQuarantined && vgpu-admin quarantine release "$two" >/dev/null &&
		wait_for ends VgpuQuarantined || status=1
	kill "$pid"
	wait "$pid"
	return "$status"
}

ip link set lo up
load_module && start_executor soft0 --memory 4G && create_vgpu $one && create_vgpu $two || exit
vgpu-admin vm set $one --tier high >/dev/null
mount -t tracefs tracefs $tracing 2>/dev/null
echo 1 >$tracing/events/vgpu/enable
start_guest metrics --vgpu $one --copy build/bin/mandelbrot --output /tmp/guest.out -- ./mandelbrot "$PWD/demo/kernels.ptx" &&
	wait_guest metrics || exit
cp $tracing/trace /tmp/trace
vgpu-exporter &
exporter=$!
wait_for answers "$url" || exit
check "promtool finds nothing in the exporter's text" test_format
check "exporter and sysfs say the same" test_one_source
check "GPU, pool and tier say what their virtual GPU says" test_groups
check "the exporter listens on loopback alone" test_loopback_alone
check "tracepoints count what the counters count" test_tracepoints
check "every counter and quantile is what the trace says" test_exact
check "few series of a virtual GPU, and labels that do not grow" test_series
check "textfile" test_textfile
check "promtool finds nothing in the rules" test_rules
check "vgpu-admin stats and top" test_stats
case $(uname -r) in
6.12*)
	check "vgpu-admin top on a terminal" test_top
	check "Prometheus scrapes, the dashboard's queries return data" test_prometheus
	;;
esac
check "every change and quarantine is a line of the log" test_log
check "who declared what is told to the journal" test_declared
check "trace-cmd and perf read the tracepoints" test_trace_tools
check "the commands of the way from an alert to its cause" test_walk
check "vgpu-admin events" test_events
check "scrapes while virtual GPUs come and go" test_unsteady
check "what GPU and tier counted stays when a virtual GPU goes" test_groups_never_fall
kill $exporter
wait $exporter
remove_vgpu $two && stop_executor soft0 && unload_module || exit
finish
