# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
# What the tests of administration share; they run in the hypervisor VM, each from a bare hypervisor to a bare one. Sourced
# with the name of the script as its argument.
#
#   check NAME CMD...        one line of result: ok or FAIL
#   expect_exit STATUS CMD...            CMD ends so; its output is in $out, what it said on stderr in $err
#   expect_error STATUS MESSAGE CMD...   and prints nothing else than "vgpu-admin: MESSAGE"
#   expect WHAT ACTUAL EXPECTED
#   value FILTER CMD...      what jq's FILTER makes of CMD -j
#   fresh                    nothing is declared
#   agree                    kernel and database agree
#   succeeded CMD...         CMD did what it is for: its verb is counted among those that were run with success (verbs.sh)
#   finish                   the script's end: its status says whether all passed
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 1
# shellcheck source=tests/lib/hypervisor.sh
. tests/lib/hypervisor.sh

admin_script=$(basename "$0" .sh)
admin_verbs=/tmp/admin-verbs
echo "$admin_script" >>"$admin_verbs"
admin_failures=0
out="" err=""

check()
{
	local name=$1 log start=$SECONDS

	shift
	log=$(mktemp)
	if "$@" >"$log" 2>&1; then
		echo "ok admin/$admin_script: $name ($((SECONDS - start)) s)"
	else
		admin_failures=$((admin_failures + 1))
		sed 's/^/    /' "$log"
		echo "FAIL admin/$admin_script: $name: $(tail -n 1 "$log")"
	fi
	rm "$log"
}

expect()
{
	[ "$2" = "$3" ] || {
		echo "$1 is '$2', expected '$3'"
		return 1
	}
}

expect_exit()
{
	local wanted=$1 status=0

	shift
	"$@" >/tmp/admin.out 2>/tmp/admin.err || status=$?
	out=$(</tmp/admin.out) err=$(</tmp/admin.err)
	[ $status -eq "$wanted" ] || {
		echo "$*: $out$err"
		echo "$*: status $status, expected $wanted"
		return 1
	}
	[ "$wanted" -ne 0 ] || succeeded "$@"
}

succeeded()
{
	[ "$1" = vgpu-admin ] || return 0
	shift
	# A dry run and help do nothing.
	[[ " $* " != *" --dry-run "* && " $* " != *" -n "* && " $* " != *" --help "* ]] || return 0
	while [[ ${1:-} = -* ]]; do
		shift
	done
	if [[ ${2:--} = -* ]]; then
		set -- "$1" show
	fi
	echo "$1 $2" >>"$admin_verbs"
}

expect_error()
{
	local wanted=$1 message=$2

	shift 2
	expect_exit "$wanted" "$@" && expect "what '$*' prints" "$out" "" && expect "what '$*' says" "$err" "vgpu-admin: $message"
}

fresh()
{
	rm -rf /var/lib/vgpu
	vgpu-admin config init
}

agree()
{
	expect_exit 0 vgpu-admin config diff && expect drift "$out" ""
}

value()
{
	local filter=$1

	shift
	"$@" -j | jq -c "$filter" && succeeded "$@"
}

unprivileged()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

finish()
{
	exit $((admin_failures > 0))
}
