# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) vgpu authors
#
#   zsh -f complete.zsh WORD...      what completion offers in zsh for the last of the words, one on each line
words=("$@")
CURRENT=$#
compadd()
{
	shift
	print -l -- "$@"
}
_files()
{
	print :file
}
source "${0:h}"/../../../tools/vgpu-admin/completion/_vgpu-admin
