// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* Choice of the handlers that suit the CPU. */
#include <stdlib.h>
#include <string.h>

#include "insn.h"

extern const struct exec_table exec_table_base, exec_table_v3, exec_table_v4;

const struct exec_table *exec_select(void)
{
#ifdef __x86_64__
	const char *limit = getenv("VGPU_SOFT_ISA");
	int level = limit && !strcmp(limit, "base") ? 0 : limit && !strcmp(limit, "v3") ? 1 : 2;

	__builtin_cpu_init();
	if (level > 1 && __builtin_cpu_supports("x86-64-v4"))
		return &exec_table_v4;
	if (level > 0 && __builtin_cpu_supports("x86-64-v3"))
		return &exec_table_v3;
#endif
	return &exec_table_base;
}

const char *exec_op_name(unsigned int op)
{
	static const char * const names[XO_COUNT] = {
		[XO_none] = "none",
#define X(name) [XO_##name] = #name,
#include "ops.def"
#undef X
	};

	return op < XO_COUNT ? names[op] : "?";
}
