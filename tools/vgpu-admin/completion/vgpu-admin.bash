# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
#
# Completion of vgpu-admin in bash: what may come next, vgpu-admin says itself, live names among it.

_vgpu_admin()
{
	local line=${COMP_LINE:0:COMP_POINT} words word before

	# bash takes a line apart at colons, too, of which PCI addresses are full: take it apart at blanks again.
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=("")
	word=${words[-1]}
	mapfile -t COMPREPLY < <(vgpu-admin complete "${words[@]:1}" 2>/dev/null)
	if [ "${COMPREPLY[*]}" = :file ]; then
		compopt -o default 2>/dev/null
		COMPREPLY=()
		return
	fi
	# What stands before the last of bash's own separators is not to be written again.
	before=${word%"${COMP_WORDS[COMP_CWORD]}"}
	[ "$before" = "$word" ] || COMPREPLY=("${COMPREPLY[@]#"$before"}")
}

complete -F _vgpu_admin vgpu-admin
