// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * What commands are expected to take: moving averages by kind of command, in a small table of each
 * session. A guest that confuses it gets shorter runs, and pays for what it used in the end.
 */

#include "core.h"

/*
 * Opcode, function and size class: launches of one function over as many threads, copies of as many
 * bytes. Never 0.
 */
static u32 cost_key(const struct vgpu_cmd *cmd)
{
	const struct vgpu_op_launch *launch = &cmd->launch;
	u32 size = 0, function = 0;

	switch (cmd->opcode) {
	case VGPU_OP_LAUNCH:
		function = launch->func;
		size = ilog2(launch->grid[0]) + ilog2(launch->grid[1]) + ilog2(launch->grid[2]) +
		       ilog2(launch->block[0] * launch->block[1] * launch->block[2]);
		break;
	case VGPU_OP_COPY_IN:
	case VGPU_OP_COPY_OUT:
	case VGPU_OP_COPY_DEVICE:
		size = ilog2(cmd->copy.width * cmd->copy.height);
		break;
	case VGPU_OP_MEMSET:
		size = ilog2(cmd->memset.width * cmd->memset.elem * cmd->memset.height);
		break;
	}
	return (u32)cmd->opcode << 24 | (function & 0xffff) << 8 | size;
}

static u32 slot(u32 key)
{
	return (u32)(key * 2654435761u) >> 16 & (VGPU_COST_ENTRIES - 1);
}

/**
 * vgpu_cost_predict() - time that a command is expected to take
 * @session: whose
 * @cmd: as vetted
 *
 * Return: nanoseconds, 0 if nothing is known. Context: vgpu_gpu.lock held.
 */
u64 vgpu_cost_predict(const struct vgpu_session *session, const struct vgpu_cmd *cmd)
{
	u32 key = cost_key(cmd);
	const struct vgpu_cost *cost = &session->cost[slot(key)];

	return cost->key == key ? cost->ns : 0;
}

/**
 * vgpu_cost_learn() - a command has completed
 * @session: whose
 * @cmd: as vetted
 * @ns: engine time that it used
 *
 * Context: vgpu_gpu.lock held.
 */
void vgpu_cost_learn(struct vgpu_session *session, const struct vgpu_cmd *cmd, u64 ns)
{
	u32 key = cost_key(cmd);
	struct vgpu_cost *cost = &session->cost[slot(key)];

	/* The average is never 0, which stands for not known. */
	if (cost->key == key)
		cost->ns = (cost->ns * 7 + ns) / 8 + 1;
	else
		cost->ns = ns + 1;
	cost->key = key;
}
