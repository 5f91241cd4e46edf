// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include "context.h"

/* What CUDA documents, or drivers say, before a program has set anything. */
static const size_t defaults[CU_LIMIT_MAX] = {
	[CU_LIMIT_STACK_SIZE] = 1024,
	[CU_LIMIT_PRINTF_FIFO_SIZE] = 1 << 20,
	[CU_LIMIT_MALLOC_HEAP_SIZE] = 8 << 20,
	[CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH] = 2,
	[CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT] = 2048,
	[CU_LIMIT_MAX_L2_FETCH_GRANULARITY] = 64,
};

static CUresult check(CUlimit limit)
{
	if ((unsigned int)limit >= CU_LIMIT_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	return limit > CU_LIMIT_PERSISTING_L2_CACHE_SIZE ? CUDA_ERROR_UNSUPPORTED_LIMIT
							 : CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetLimit(size_t *value, CUlimit limit)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	if (!result)
		result = check(limit);
	if (result)
		return result;
	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	*value = ctx->limit_set[limit] ? ctx->limits[limit] : defaults[limit];
	return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSetLimit(CUlimit limit, size_t value)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_CTX_LIMIT };
	struct context *ctx;
	CUresult result = context_enter(&ctx);
	uint64_t lacking = 0;

	if (!result)
		result = check(limit);
	if (result)
		return result;
	cmd.ctx = ctx->number;
	cmd.limit.limit = limit;
	cmd.limit.value = value;
	pthread_mutex_lock(&ctx->session->lock);
	do {
		result = session_call(ctx->session, &cmd, &lacking);
	} while (session_reserve_more(ctx->session, result, lacking));
	if (!result) {
		ctx->limits[limit] = value;
		ctx->limit_set[limit] = true;
	}
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}
