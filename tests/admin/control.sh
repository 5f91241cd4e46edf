#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# Pools, schedulers, virtual GPUs, limits, quarantine and the configuration as a whole, on
#
#   soft0 (4 GiB)  soft1 (4 GiB)
#
# Every verb that changes something, what it does to the kernel and to the database, and what it refuses where that would be
# unsafe.
# shellcheck source=tests/admin/lib/admin.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib/admin.bash"

one=01234567-89ab-4def-8123-456789abcdef
two=01234567-0000-4000-8000-000000000002
site=/tmp/site.toml

# The command does what it is for, and prints nothing.
does()
{
	expect_exit 0 "$@" && expect "what '$*' prints" "$out$err" ""
}

test_pools()
{
	does vgpu-admin pool add A --gpu soft0 --weights 8:4:1 --slice 1ms &&
		expect "soft0's pool" "$(value '.[0].pool' vgpu-admin gpu show soft0)" '"A"' &&
		expect "A" "$(value '.[0] | [.state, .gpus, .weights, .slice_ns, .aging_ns, .policy, .order]' vgpu-admin pool show A)" \
			'["active",1,"8:4:1",1000000,100000000,"weighted","fifo"]' &&
		does vgpu-admin pool add B && does vgpu-admin gpu set soft1 --pool B &&
		expect "GPUs of B" "$(value '[.[].name]' vgpu-admin gpu show --pool B)" '["soft1"]' && agree &&
		expect_error 9 "pool A is there already; to change it: vgpu-admin sched set --pool A" vgpu-admin pool add A &&
		expect_error 8 "pool A: GPU soft0 is in it; put it into another first: vgpu-admin gpu set soft0 --pool default" \
			vgpu-admin pool del A &&
		expect_error 2 "pool default: it is there always: GPUs are in it that are in no other" vgpu-admin pool del default &&
		expect_error 5 "no pool has a name that begins with 'C'; list them: vgpu-admin pool show" vgpu-admin gpu set soft0 --pool C &&
		does vgpu-admin pool add C --gpu soft0,soft1 && does vgpu-admin gpu set soft0 --pool A &&
		does vgpu-admin gpu set soft1 --pool B && does vgpu-admin pool del C && agree
}

test_sched()
{
	does vgpu-admin sched set --pool A --weights 16:4:1 --policy strict --aging 500ms --slice 500us --aging-cap 10% \
		--order fair --charge equal --window 1 &&
		expect A "$(value '.[0] | [.weights, .policy, .aging_ns, .slice_ns, .aging_cap, .order, .charge, .window]' \
			vgpu-admin sched show --pool A)" '["16:4:1","strict",500000000,500000,100,"fair","equal",1]' &&
		expect_exit 0 vgpu-admin sched --pool A && grep -qx '  aging  *500ms' <<<"$out" &&
		grep -qx '  aging-cap  *10%' <<<"$out" &&
		does vgpu-admin sched set --weights 2:1:1 &&
		expect default "$(value '.[0].weights' vgpu-admin sched show --pool default)" '"2:1:1"' && agree
}

test_register()
{
	does vgpu-admin vm register web1 --uuid "${one^^}" --pool A --tier high --depth 64 &&
		expect web1 "$(value '.[0] | [.name, .uuid, .state, .pool, .tier, .depth]' vgpu-admin vm show web1)" \
			"[\"web1\",\"$one\",\"declared\",\"A\",\"high\",64]" && agree &&
		expect_error 9 "vm web1: $one is called so" vgpu-admin vm register web1 --uuid "$two" &&
		expect_error 9 "vm $one: registered already, as web1; to change it: vgpu-admin vm set web1" \
			vgpu-admin vm register web2 --uuid "$one" || return
	# It lands on the virtual GPU that is made by whomsoever, on a GPU of its pool alone.
	expect_exit 1 bash -c "echo $one >/sys/class/mdev_bus/soft1/mdev_supported_types/vgpu-1g/create" || return
	create_vgpu "$one" vgpu-1g soft0 &&
		expect web1 "$(value '.[0] | [.state, .gpu, .tier, .depth, .registered]' vgpu-admin vm show web1)" \
			'["closed","soft0","high",64,true]' && agree
}

test_set()
{
	does vgpu-admin vm set web1 --tier low --gpu-share 25% --burst 50ms --rate 2000/s --depth 256 --memory 2G --weight 250 &&
		expect web1 "$(value '.[0] | [.tier, .weight, .gpu_share, .gpu_burst_ns, .cmd_rate, .depth, .memory]' vgpu-admin vm show web1)" \
			"[\"low\",250,250000,50000000,2000,256,$((2 << 30))]" &&
		expect_exit 0 vgpu-admin limit show web1 && grep -qx '  gpu-share  *25%' <<<"$out" &&
		grep -qx '  rate  *2000/s' <<<"$out" && grep -qx '  memory  *2G' <<<"$out" &&
		grep -qx '  of these, set  *memory tier weight depth gpu-share burst rate' <<<"$out" &&
		does vgpu-admin vm set web --name front && does vgpu-admin vm set front --name web1 && agree
}

test_limits()
{
	does vgpu-admin limit set web1 --hangs 2/1min --faults never --copy-rate 1G/s --quarantine by-hand &&
		expect web1 "$(value '.[0] | [.hangs, .faults, .copy_rate, .quarantine_ns]' vgpu-admin limit show web1)" \
			"[\"2/1min\",\"never\",$((1 << 30)),0]" &&
		does vgpu-admin limit reset web1 --only hangs,faults,copy-rate,quarantine,memory,rate,gpu-share,burst,depth,weight,tier &&
		expect web1 "$(value '.[0] | [.set, .memory, .gpu_share, .tier]' vgpu-admin limit show web1)" \
			"[\"none\",$((1 << 30)),0,\"medium\"]" &&
		does vgpu-admin limit set --pool A --depth 32 --weight 300 &&
		expect "web1 by its pool" "$(value '.[0] | [.depth, .weight]' vgpu-admin vm show web1)" "[32,300]" &&
		expect "A's" "$(value '.[0] | [.depth, .weight]' vgpu-admin limit show --pool A)" "[32,300]" && agree &&
		does vgpu-admin limit reset --pool A &&
		expect "web1 by its type" "$(value '.[0] | [.depth, .weight]' vgpu-admin vm show web1)" "[1024,100]" &&
		expect_error 2 "limit set: a pool has no standard of memory: it is as a virtual GPU's type has it" \
			vgpu-admin limit set --pool A --memory 1G &&
		expect_error 2 "limit set: whose? give either VM or --pool" vgpu-admin limit set --depth 1 &&
		expect_error 2 "--only size: there is no limit 'size'; see: vgpu-admin limit --help" \
			vgpu-admin limit reset web1 --only size && agree
}

# With a file descriptor on it, it is open as in a virtual machine.
test_open()
{
	local holder status=0 busy="a virtual machine has it open (open), so that it cannot be taken away: shut that down, then try again"

	mkfifo /tmp/go
	python3 tests/admin/lib/hold.py "$one" </tmp/go >/tmp/held &
	holder=$!
	exec 5>/tmp/go
	wait_for --alive "$holder" --for 300 test -s /tmp/held || return
	expect state "$(value '.[0].state' vgpu-admin vm show web1)" '"open"' &&
		expect_error 8 "vm web1: $busy" vgpu-admin vm move web1 --pool B &&
		expect_error 8 "vm web1: $busy" vgpu-admin vm delete web1 &&
		expect_error 8 "gpu soft0: a virtual machine has vm web1 on it open (open), so that it cannot change its pool: shut that down, then try again" \
			vgpu-admin gpu set soft0 --pool B && agree || status=1
	exec 5>&-
	wait "$holder"
	rm /tmp/go /tmp/held
	return "$status"
}

test_move()
{
	expect_error 8 "gpu soft0: vm web1 on it is declared for pool A: move it first: vgpu-admin vm move web1 --pool POOL" \
		vgpu-admin gpu set soft0 --pool B && agree &&
		expect_error 8 "pool B: GPU soft1 is in it; put it into another first: vgpu-admin gpu set soft1 --pool default" vgpu-admin pool del B &&
		does vgpu-admin vm move web1 --pool B &&
		expect web1 "$(value '.[0] | [.pool, .gpu, .state]' vgpu-admin vm show web1)" '["B","soft1","closed"]' && agree &&
		does vgpu-admin vm move web1 --pool A &&
		expect web1 "$(value '.[0] | [.pool, .gpu]' vgpu-admin vm show web1)" '["A","soft0"]' && agree
}

test_create()
{
	local uuid

	expect_exit 0 vgpu-admin vm create data1 --type vgpu-2g --pool B --tier high && uuid=$out &&
		expect data1 "$(value '.[0] | [.gpu, .type, .pool, .tier, .state]' vgpu-admin vm show data1)" \
			'["soft1","vgpu-2g","B","high","closed"]' && test -e "/sys/bus/mdev/devices/$uuid" && agree &&
		expect_exit 0 vgpu-admin vm create data2 --type vgpu-1g --gpu soft0 --uuid "$two" -j &&
		expect data2 "$(jq -c . <<<"$out")" "{\"name\":\"data2\",\"uuid\":\"$two\"}" &&
		expect "data2's pool" "$(value '.[0].pool' vgpu-admin vm show data2)" '"A"' &&
		expect_exit 5 vgpu-admin vm create data4 --type vgpu-3x --pool B && [[ $err = *": no GPU there has a type 'vgpu-3x'; there are: "* ]] &&
		expect_error 9 "vm data1: there is a virtual GPU $uuid already" vgpu-admin vm create data1 --type vgpu-1g &&
		expect_exit 1 vgpu-admin vm create data3 --type vgpu-4g --pool B && [[ $err = *"has room for another vgpu-4g"* ]] &&
		expect_error 5 "no virtual GPU has a name or UUID that begins with 'data3'; list them: vgpu-admin vm show" \
			vgpu-admin vm show data3 &&
		expect_error 1 "vm data1 was made by vm create; to remove it: vgpu-admin vm delete data1" vgpu-admin vm unregister data1 &&
		does vgpu-admin vm delete data1 && test ! -e "/sys/bus/mdev/devices/$uuid" && agree &&
		expect "types" "$(value '[.[] | select(.type == "vgpu-2g" and .gpu == "soft1") | .available]' vgpu-admin gpu types)" '[2]'
}

test_quarantine()
{
	does vgpu-admin quarantine add web1 &&
		expect web1 "$(value '.[0] | [.active, .cause]' vgpu-admin quarantine show web1)" '[true,"administrator"]' &&
		expect quarantined "$(value '.[0].quarantined' vgpu-admin vm show web1)" true &&
		expect_exit 1 vgpu-admin quarantine add web1 && does vgpu-admin quarantine release web1 &&
		expect_exit 1 vgpu-admin quarantine release web1 &&
		expect "the log" "$(value '.[-1] | [.cause, .ended_by]' vgpu-admin quarantine log web1)" '["administrator","root"]' &&
		expect_exit 0 vgpu-admin quarantine show && [ "$(wc -l <<<"$out")" -eq 2 ]
}

test_dry_run()
{
	expect_exit 0 vgpu-admin vm set web1 --tier high --dry-run &&
		expect lines "$out" "vm web1 ($one): changed"$'\n'"  tier               not set -> high" &&
		expect "the kernel's" "$(value '[.kernel[].op]' vgpu-admin pool add Z -n)" '["pool-new"]' &&
		expect_exit 0 vgpu-admin vm delete web1 -n && expect_exit 5 vgpu-admin pool show Z &&
		expect tier "$(value '.[0].tier' vgpu-admin vm show web1)" '"medium"' && agree
}

test_config()
{
	expect_exit 0 vgpu-admin config export && echo "$out" >"$site" && expect_exit 0 vgpu-admin config diff "$site" &&
		sed -i "s/^weights = \"16:4:1\"/weights = \"10:5:1\"/; s/^\[vms.\"web1\"\]/[vms.\"shop\"]/" "$site" &&
		printf '[vms."%s"]\ntier = "low"\nweight = 40\n' 0f0f0f0f-0000-4000-8000-000000000001 >>"$site" &&
		expect_exit 7 vgpu-admin config diff "$site" && grep -q '^  weights  *16:4:1 -> 10:5:1$' <<<"$out" &&
		expect_exit 0 vgpu-admin config apply "$site" --dry-run && agree &&
		expect_exit 0 vgpu-admin config apply "$site" && grep -q '^pool A: changed$' <<<"$out" && agree &&
		expect weights "$(value '.[0].weights' vgpu-admin sched show --pool A)" '"10:5:1"' &&
		expect name "$(value '.[0].uuid' vgpu-admin vm show shop)" "\"$one\"" &&
		expect_exit 0 vgpu-admin config export && expect "what is exported" "$(grep -c '^\[vms' <<<"$out")" 3 && grep -qx 'weight = 40' <<<"$out" &&
		does vgpu-admin vm set shop --name web1 && does vgpu-admin vm unregister 0f0f &&
		expect_exit 0 vgpu-admin config log --last 1 && [[ $out = *"vm unregister 0f0f"* && $out = *removed* ]] &&
		expect "the log" "$(value '.[-1] | [.object, .name, .before.tier, .after]' vgpu-admin config log)" \
			'["vm","0f0f0f0f-0000-4000-8000-000000000001","low",null]' || return
	echo 'tier = 3' >"$site"
	expect_exit 2 vgpu-admin config apply "$site" && agree
}

# What another program did to the kernel is seen, and put right; what is not declared is shown and stays.
test_drift()
{
	python3 tests/admin/lib/drift.py "$one" depth 77 && python3 tests/admin/lib/drift.py pool X &&
		expect_exit 7 vgpu-admin config diff &&
		expect drift "$(value '[.[] | [.object, .what]]' vgpu-admin config diff)" '[["pool","not declared"],["vm","differs"]]' &&
		expect_exit 0 vgpu-admin config restore &&
		expect drift "$(value '[.[] | [.object, .name, .what]]' vgpu-admin config diff)" '[["pool","X","not declared"]]' || return
	# The kernel knows no names; what it refuses is said with them.
	does vgpu-admin vm register later --uuid 01234567-0000-4000-8000-00000000000f &&
		python3 tests/admin/lib/drift.py 01234567-0000-4000-8000-00000000000f pool X &&
		expect_error 8 "pool X: name: 1 UUIDs are declared for it, as later: vm-forget them first" vgpu-admin pool del X &&
		does vgpu-admin vm unregister later && does vgpu-admin pool del X && agree
}

# The module is loaded anew: all is as it was declared, for GPUs and virtual GPUs that come later, too.
test_restore()
{
	local before

	before=$(value '[.[] | [.name, .weights, .policy, .limits]]' vgpu-admin pool show)
	does vgpu-admin vm set web1 --tier high --weight 250 --rate 100/s || return
	remove_vgpu "$one" && remove_vgpu "$two" && stop_executor soft0 && stop_executor soft1 && unload_module || return
	load_module && expect_exit 7 vgpu-admin config diff && expect_exit 0 vgpu-admin config restore &&
		expect "what waits" "$err" "vgpu-admin: vm data2: it is made when a GPU for it is there and vgpu-admin config restore is run again" &&
		start_executor soft0 --memory 4G && start_executor soft1 --memory 4G &&
		expect "soft0's pool" "$(value '.[0].pool' vgpu-admin gpu show soft0)" '"A"' &&
		expect pools "$(value '[.[] | [.name, .weights, .policy, .limits]]' vgpu-admin pool show)" "$before" &&
		does vgpu-admin config restore && agree &&
		expect data2 "$(value '.[0] | [.gpu, .state]' vgpu-admin vm show data2)" '["soft0","closed"]' &&
		create_vgpu "$one" vgpu-1g soft0 &&
		expect web1 "$(value '.[0] | [.tier, .weight, .cmd_rate]' vgpu-admin vm show web1)" '["high",250,100]' && agree
}

test_unregister()
{
	does vgpu-admin vm delete data2 && does vgpu-admin vm unregister web1 &&
		expect "what is left" "$(value '.[0] | [.uuid, .registered, .tier]' vgpu-admin vm show "$one")" "[\"$one\",false,\"medium\"]" &&
		does vgpu-admin gpu set soft0 --pool default && does vgpu-admin gpu set soft1 --pool default &&
		does vgpu-admin pool del A && does vgpu-admin pool del B && agree &&
		expect pools "$(value '[.[].name]' vgpu-admin pool show)" '["default"]'
}

test_completion()
{
	expect verbs "$(vgpu-admin complete pool '' | tr '\n' ' ')" "show add del " &&
		expect "live names" "$(vgpu-admin complete vm move we)" web1 &&
		expect pools "$(vgpu-admin complete gpu set soft0 --pool '' | sort | tr '\n' ' ')" "A B default " &&
		expect tiers "$(vgpu-admin complete vm set web1 --tier '' | tr '\n' ' ')" "high medium low " &&
		expect "GPUs of a list" "$(vgpu-admin complete pool add C --gpu soft0,soft1)" "soft0,soft1" &&
		expect types "$(vgpu-admin complete vm create x --type vgpu-2)" vgpu-2g &&
		expect bash "$(bash tests/admin/lib/complete.bash 'vgpu-admin vm move we')" "web1" &&
		expect bash "$(bash tests/admin/lib/complete.bash 'vgpu-admin vm set web1 --ti')" "--tier"
}

load_module && fresh && start_executor soft0 --memory 4G && start_executor soft1 --memory 4G || exit
check "pools" test_pools
check "schedulers" test_sched
check "registering" test_register
check "setting" test_set
check "limits" test_limits
check "what is open stays where it is" test_open
check "moving" test_move
check "making and deleting" test_create
check "quarantine" test_quarantine
check "dry run" test_dry_run
check "completion of live names" test_completion
check "configuration as a file" test_config
check "drift" test_drift
check "restoring" test_restore
check "taking all down" test_unregister
remove_vgpu $one && stop_executor soft0 && stop_executor soft1 && unload_module || exit
finish
