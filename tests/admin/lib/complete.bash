#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (C) vgpu authors
#
#   complete.bash LINE      what completion offers in bash at the end of LINE, one on each line
set -uo pipefail
# shellcheck source=tools/vgpu-admin/completion/vgpu-admin.bash
. "$(dirname "${BASH_SOURCE[0]}")/../../../tools/vgpu-admin/completion/vgpu-admin.bash"
COMP_LINE=$1 COMP_POINT=${#1}
# As bash takes it apart: at blanks, and at the characters of COMP_WORDBREAKS.
mapfile -t COMP_WORDS < <(sed 's/:/ : /g; s/ $/\n/; s/  */\n/g' <<<"$1")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_vgpu_admin
printf '%s\n' "${COMPREPLY[@]}"
