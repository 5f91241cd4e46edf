// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/* The table of one instruction set's handlers. */
#include "exec.h"

#define STRING2(x) #x
#define STRING(x) STRING2(x)

extern const struct exec_table PASTE(exec_table, SOFT_ISA);

const struct exec_table PASTE(exec_table, SOFT_ISA) = {
	.name = STRING(SOFT_ISA),
	.fn = {
#define X(name) [XO_##name] = EXEC_NAME(name),
#include "ops.def"
#undef X
	},
};
