#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
#
# What a command leaves that dies between kernel and database, question and answer, the histories, completion in zsh; and,
# where all scripts ran in this machine, that each verb succeeded in one of them.
# shellcheck source=tests/admin/lib/admin.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib/admin.bash"

one=01234567-89ab-4def-8123-456789abcdef
site=/tmp/verbs.toml

in_kernel()
{
	python3 tests/admin/lib/kernel.py | jq -c ".[2][\"$one\"].depth"
}

# vgpu-admin vm set dies when the kernel has the change and the database has it not: at the step where it did so the last time, or
# at a later one.
half_way_at=9

half_way()
{
	local step

	for ((step = half_way_at; step < 40; step++)); do
		killat -k "$step" vgpu-admin vm set web1 --depth 22 >/tmp/steps
		[ $? -eq 137 ] || break
		if [ "$(in_kernel)" = 22 ]; then
			half_way_at=$step
			return 0
		fi
		expect_exit 0 vgpu-admin config diff || return
	done
	echo "vm set ended before it could be killed half-way, at step $step of $(</tmp/steps)"
	return 1
}

test_repair()
{
	local undone="vgpu-admin: undone: 'vm set web1 --depth 22', which died half-way"

	expect_exit 0 vgpu-admin vm set web1 --depth 11 || return
	half_way && expect_exit 0 vgpu-admin config repair -n && expect "what it says" "$out" "to be undone: vm set web1 --depth 22" &&
		expect depth "$(in_kernel)" 22 || return
	expect_exit 0 vgpu-admin config repair && expect "what it says" "$err" "$undone" && expect depth "$(in_kernel)" 11 && agree &&
		expect_exit 0 vgpu-admin config repair && expect "what is left to repair" "$out$err" "" || return
	# Completion leaves everything as it is, a command that only looks repairs as well.
	half_way && expect "a name" "$(vgpu-admin complete vm show we 2>&1)" web1 && expect depth "$(in_kernel)" 22 &&
		vgpu-admin config repair || return
	half_way && expect_exit 0 vgpu-admin vm show web1 -j && expect "what it says" "$err" "$undone" &&
		expect depth "$(jq '.[0].depth' <<<"$out")" 11 && agree || return
	half_way && expect_exit 0 vgpu-admin config repair --keep -n && expect depth "$(in_kernel)" 22 &&
		expect_exit 0 vgpu-admin config repair --keep && expect "what it says" "$out" "forgotten: vm set web1 --depth 22" &&
		expect_exit 7 vgpu-admin config diff && grep -q '^  depth  *11 -> 22$' <<<"$out" &&
		expect_exit 0 vgpu-admin config restore && expect depth "$(in_kernel)" 11 && agree
}

# In a kernel that was started anew there is nothing to be undone: what is declared comes back.
test_repair_of_another_boot()
{
	half_way && remove_vgpu "$one" && stop_executor soft0 && unload_module && load_module && start_executor soft0 --memory 4G || return
	expect_exit 0 vgpu-admin config restore && expect "what it says" "$err" "" && expect depth "$(in_kernel)" 11 &&
		create_vgpu "$one" vgpu-1g soft0 && agree
}

# With a terminal, the file is applied after a question.
answered()
{
	script -qec "vgpu-admin config apply $site" /dev/null <<<"$1" | tr -d '\r' >/tmp/answered
	return "${PIPESTATUS[0]}"
}

test_question()
{
	expect_exit 0 vgpu-admin config show && expect "config without a verb" "$(vgpu-admin config)" "$out" &&
		expect_exit 0 vgpu-admin config export "$site" && expect "the file" "$(<"$site")" "$(vgpu-admin config show)" || return
	sed -i 's/^depth = 11$/depth = 12/' "$site"
	answered n && echo "applied in spite of n" && return 1
	grep -q 'Make it so? \[y/N\]' /tmp/answered && grep -q 'nothing was changed' /tmp/answered && expect depth "$(in_kernel)" 11 || return
	answered y && expect depth "$(in_kernel)" 12 && agree || return
	sed -i 's/^depth = 12$/depth = 11/' "$site"
	expect_exit 0 vgpu-admin config apply --yes "$site" && expect depth "$(in_kernel)" 11 && agree &&
		expect_exit 0 vgpu-admin config apply - <"$site" && agree || return
	# What is no text in any language is in the history all the same.
	sed 's/^depth = 11$/depth = 13/' "$site" >$'/tmp/\xff.toml'
	expect_exit 0 vgpu-admin config apply $'/tmp/\xff.toml' --yes && expect "the history" "$(value '.[-1].command' vgpu-admin config log)" \
		'"config apply /tmp/?.toml --yes"' && expect_exit 0 vgpu-admin config apply --yes "$site" && agree
}

# Until a person has answered, other commands go on; and then the answer was to another question.
test_question_under_change()
{
	local asker status=0

	sed 's/^depth = 11$/depth = 12/' "$site" >/tmp/other.toml
	mkfifo /tmp/answer
	script -qefc "vgpu-admin config apply /tmp/other.toml" /dev/null </tmp/answer >/tmp/asked &
	asker=$!
	exec 5>/tmp/answer
	wait_for --alive "$asker" --for 300 grep -q 'Make it so' /tmp/asked && vgpu-admin vm set web1 --depth 14 || status=1
	echo y >&5
	exec 5>&-
	wait "$asker" && status=1
	rm /tmp/answer
	tr -d '\r' </tmp/asked
	grep -q "what is declared was changed meanwhile, so that nothing was changed; look at it again: vgpu-admin config diff /tmp/other.toml" \
		/tmp/asked && expect depth "$(in_kernel)" 14 && agree && vgpu-admin vm set web1 --depth 11 && return "$status"
}

test_export()
{
	expect_exit 0 vgpu-admin config export /tmp/state.json -j && expect "what it prints" "$out$err" "" &&
		expect depth "$(jq -c ".vms[\"$one\"].depth" /tmp/state.json)" 11 &&
		expect "printed" "$(vgpu-admin config export -j | jq -cS .)" "$(jq -cS . /tmp/state.json)" &&
		expect_error 1 "/dev/full: No space left on device" vgpu-admin config export /dev/full
}

# By name as by UUID; without privilege by UUID alone.
test_hostdev()
{
	local later=01234567-0000-4000-8000-00000000000f args="-device vfio-pci,sysfsdev=/sys/bus/mdev/devices/$one,rombar=0" word

	for word in web1 WEB1 we "$one" 01234567-8; do
		expect "$word" "$(vgpu-admin vm qemu-args "$word")" "$args" || return
	done
	expect "without privilege" "$(unprivileged vgpu-admin vm qemu-args 01234567-8)" "$args" &&
		expect "in JSON" "$(value '.' vgpu-admin vm qemu-args web1)" "[\"-device\",\"${args#-device }\"]" &&
		expect_exit 0 vgpu-admin vm libvirt-xml we && expect "XML" "$(grep -c "<address uuid='$one'/>" <<<"$out")" 1 &&
		expect "XML in JSON" "$(vgpu-admin vm libvirt-xml web1 -j | jq -r .xml)" "$(vgpu-admin vm libvirt-xml "$one")" || return
	vgpu-admin vm register later --uuid "$later" &&
		expect_error 5 "vm later is declared, and not there: make it with mdevctl or libvirt, as $later, or with: vgpu-admin vm create later \
--uuid $later --type TYPE" vgpu-admin vm qemu-args later &&
		expect_error 5 "no virtual GPU has a name or UUID that begins with 'web1'; list them: vgpu-admin vm show" \
			unprivileged vgpu-admin vm libvirt-xml web1 &&
		expect_error 5 "no virtual GPU has a name or UUID that begins with 'x'; list them: vgpu-admin vm show" vgpu-admin vm libvirt-xml x &&
		vgpu-admin vm unregister later
}

test_init()
{
	expect_error 9 "/var/lib/vgpu/vgpu.db is there already; move it away to begin anew" vgpu-admin config init &&
		expect_exit 0 vgpu-admin config init --if-missing && expect "what it prints" "$out$err" "" && agree
}

# A history outlives what it is about.
test_quarantine_history()
{
	vgpu-admin quarantine add web1 && vgpu-admin quarantine release web1 && vgpu-admin quarantine add web1 &&
		expect "both" "$(value '[.[] | [.cause, .ended_by // "none", has("ended_ns"), .since_ns <= (.ended_ns // .since_ns)]]' vgpu-admin quarantine log web1)" \
			'[["administrator","root",true,true],["administrator","none",false,true]]' || return
	remove_vgpu "$one" && create_vgpu "$one" vgpu-1g soft0 &&
		expect "both, still" "$(value length vgpu-admin quarantine log web1)" 2 && expect_exit 0 vgpu-admin quarantine log &&
		expect "lines" "$(wc -l <<<"$out")" 3 && expect "columns" "$(awk 'NR == 1 { print $1, $2, $3, $4, $5, $6 }' <<<"$out")" "VM SINCE CAUSE UNTIL ENDED BY"
}

test_zsh()
{
	expect "live names" "$(zsh -f tests/admin/lib/complete.zsh vgpu-admin vm move we)" web1 &&
		expect verbs "$(zsh -f tests/admin/lib/complete.zsh vgpu-admin pool '' | tr '\n' ' ')" "show add del "
}

# With its own page: every verb and every option of each, with the range of each setting.
test_help()
{
	local object verb verbs page text

	for object in $(vgpu-admin complete ''); do
		expect_exit 0 vgpu-admin "$object" --help || return
		[[ $out != *"(null)"* ]] || return
		page=Documentation/man/vgpu-admin-$object.8
		# One page may be about several objects.
		page=Documentation/man/$(sed -n 's,^\.so man8/,,p' "$page" | grep . || basename "$page")
		# Without what changes the font
		text=$(sed 's/\\f.//g; s/\\-/-/g' "$page")
		for verb in $(vgpu-admin complete "$object" ''); do
			verbs=$out
			grep -q "^  $verb " <<<"$verbs" || {
				echo "$object --help lacks $verb"
				return 1
			}
			grep -q -- "\b$verb\b" <<<"$text" || {
				echo "vgpu-admin-$object(8) lacks $verb"
				return 1
			}
		done
	done
}

# Of a hypervisor that serves nothing is bad.
test_doctor()
{
	expect_exit 0 vgpu-admin doctor check && expect "what is bad" "$(value '[.[] | select(.result == "bad")]' vgpu-admin doctor check)" "[]"
}

# As admin.bash wrote down what succeeded.
test_every_verb()
{
	local object verb missing=()

	for object in $(vgpu-admin complete ''); do
		for verb in $(vgpu-admin complete "$object" ''); do
			grep -qx "$object $verb" "$admin_verbs" || missing+=("$object $verb")
		done
	done
	expect "verbs that did not succeed in any script" "${missing[*]}" ""
}

all_scripts_ran()
{
	local script

	for script in tests/admin/*.sh; do
		grep -qx "$(basename "$script" .sh)" "$admin_verbs" || return
	done
}

load_module && fresh && start_executor soft0 --memory 4G && create_vgpu $one vgpu-1g && vgpu-admin vm register web1 --uuid $one || exit
check "a command that died half-way" test_repair
check "one that died half-way before the kernel was started anew" test_repair_of_another_boot
check "the question before a file is applied" test_question
check "the question, and a change meanwhile" test_question_under_change
check "the configuration into a file" test_export
check "what is given to QEMU and libvirt" test_hostdev
check "a database that is there already" test_init
check "history of quarantines" test_quarantine_history
if command -v zsh >/dev/null; then
	check "completion in zsh" test_zsh
else
	echo "skip admin/verbs: completion in zsh: no zsh is installed"
fi
check "help and manual name every verb" test_help
check "a hypervisor that serves, looked at by doctor" test_doctor
if all_scripts_ran; then
	check "every verb succeeds in a script" test_every_verb
else
	echo "skip admin/verbs: every verb succeeds in a script: not all scripts ran in this machine"
fi
remove_vgpu $one && stop_executor soft0 && unload_module || exit
finish
