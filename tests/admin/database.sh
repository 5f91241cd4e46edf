#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# A database that is missing, locked, not to be written to, damaged, newer, or on a disk that is full: each is said, nothing is
# changed, and what the kernel has is shown all the same. And those who may not.
# shellcheck source=tests/admin/lib/admin.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib/admin.bash"

one=01234567-89ab-4def-8123-456789abcdef
db=/var/lib/vgpu/vgpu.db

# STATUS MESSAGE: what a command says that would change something; the kernel has what it had.
refused()
{
	expect_error "$1" "$2" vgpu-admin vm set "$one" --depth 9 &&
		expect "the kernel's state" "$(python3 tests/admin/lib/kernel.py)" "$before"
}

# STATUS MESSAGE: what show says beside what the kernel has.
shown()
{
	expect_exit "$1" vgpu-admin vm show -j && expect "what it says" "$err" "vgpu-admin: $2" &&
		expect "what it shows" "$(jq -r '.[0].uuid' <<<"$out")" "$one"
}

test_missing()
{
	mv "$db" /tmp/kept.db
	refused 6 "$db is not there: put back a copy, or begin with nothing declared: vgpu-admin config init" &&
		expect_exit 0 vgpu-admin vm show && expect_error 6 "$db is not there: put back a copy, or begin with nothing declared: vgpu-admin config init" \
			vgpu-admin config restore && test ! -e "$db" && mv /tmp/kept.db "$db" && agree
}

test_locked()
{
	local holder status

	mkfifo /tmp/go
	python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()' "$db" </tmp/go >/tmp/locked &
	holder=$!
	exec 5>/tmp/go
	wait_for --alive "$holder" --for 300 test -s /tmp/locked || return
	refused 6 "$db is locked by another program"
	status=$?
	exec 5>&-
	wait "$holder"
	rm /tmp/go /tmp/locked
	[ "$status" -eq 0 ] && agree
}

test_read_only()
{
	local status

	mount --bind /var/lib/vgpu /var/lib/vgpu && mount -o remount,bind,ro /var/lib/vgpu || return
	refused 6 "$db.lock: Read-only file system"
	status=$?
	umount /var/lib/vgpu
	[ "$status" -eq 0 ] && agree
}

test_newer()
{
	local status

	python3 -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1], isolation_level=None).execute("PRAGMA user_version = " + sys.argv[2])' "$db" 99
	refused 6 "$db is of version 99, made by a newer vgpu-admin; this one knows up to 3" &&
		shown 6 "$db is of version 99, made by a newer vgpu-admin; this one knows up to 3"
	status=$?
	python3 -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1], isolation_level=None).execute("PRAGMA user_version = 3")' "$db"
	[ "$status" -eq 0 ] && agree
}

test_damaged()
{
	local damaged="$db is damaged (file is not a database): put back a copy, or move it away to begin anew" status

	cp "$db" /tmp/kept.db
	printf 'This was a database, once. %2000s' . >"$db"
	refused 6 "$damaged" && shown 6 "$damaged"
	status=$?
	cp /tmp/kept.db "$db"
	[ "$status" -eq 0 ] && agree
}

test_full()
{
	local full="$db: no space left on its file system; nothing was changed" status

	cp -a /var/lib/vgpu /tmp/kept && mount -t tmpfs -o size=1M,mode=700 none /var/lib/vgpu && cp -a /tmp/kept/. /var/lib/vgpu/ || return
	dd if=/dev/zero of=/var/lib/vgpu/fill bs=4k 2>/dev/null
	refused 6 "$full" && shown 6 "$full"
	status=$?
	rm /var/lib/vgpu/fill
	agree || status=1
	umount /var/lib/vgpu && rm -r /tmp/kept && [ "$status" -eq 0 ] && agree
}

# Each verb there is, with words that would do for root.
test_unprivileged()
{
	local denied="netlink family \"vgpu\": Operation not permitted: this takes CAP_NET_ADMIN; run it as root" words object verb tried=""
	# Those that tell nothing of tenants, or only what everybody finds in sysfs.
	local allowed="version show|doctor check|vm qemu-args|vm libvirt-xml"

	for words in "gpu show" "gpu types soft0" "gpu set soft0 --pool A" "pool show" "pool add A" "pool del default" "vm show" \
		"vm register x --uuid $one" "vm create x --type vgpu-1g" "vm set $one --depth 1" "vm move $one --pool default" \
		"vm unregister $one" "vm delete $one" "sched show" "sched set --weights 1:1:1" "limit show" "limit set $one --depth 1" \
		"limit reset $one" "quarantine show" "quarantine add $one" "quarantine release $one" "quarantine log" "config restore" \
		"config apply /dev/null" "config diff" "config repair"; do
		# shellcheck disable=SC2086
		expect_error 4 "$denied" unprivileged vgpu-admin $words || return
		tried+="$words "$'\n'
	done
	for words in "config show" "config export" "config log" "config repair --keep"; do
		# shellcheck disable=SC2086
		expect_error 4 "$db: Permission denied: run it as root" unprivileged vgpu-admin $words || return
		tried+="$words "$'\n'
	done
	for words in "config init" "stats show" "stats groups" "top show --once" "events show --count 1" "sched record soft0 /dev/null"; do
		# shellcheck disable=SC2086
		expect_exit 4 unprivileged vgpu-admin $words && grep -qE '(run it as root|Permission denied)$' <<<"$err" || return
		tried+="$words "$'\n'
	done
	for object in $(vgpu-admin complete ''); do
		for verb in $(vgpu-admin complete "$object" ''); do
			[[ "$object $verb" =~ ^($allowed)$ ]] || grep -q "^$object $verb " <<<"$tried" || {
				echo "$object $verb was not tried"
				return 1
			}
		done
	done
	expect "the kernel's state" "$(python3 tests/admin/lib/kernel.py)" "$before" && agree
}

load_module && fresh && start_executor soft0 --memory 4G && create_vgpu $one vgpu-1g && vgpu-admin vm register web1 --uuid $one || exit
before=$(python3 tests/admin/lib/kernel.py)
check "without a database" test_missing
check "a locked database" test_locked
check "a database that cannot be written to" test_read_only
check "a newer database" test_newer
check "a damaged database" test_damaged
check "a file system that is full" test_full
check "each verb without privilege" test_unprivileged
remove_vgpu $one && stop_executor soft0 && unload_module || exit
finish
