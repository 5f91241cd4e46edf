// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <string.h>
#include "graph.h"
#include "memop.h"
#include "stream.h"

/**
 * struct word - a wait or a write, whatever its width
 * @wide: 64 bits
 */
struct word {
	bool wait;
	bool wide;
	uint64_t addr;
	uint64_t value;
	unsigned int flags;
};

/* False where the operation is neither a wait nor a write. */
static bool word_of(const CUstreamBatchMemOpParams *op, struct word *word)
{
	switch (op->operation) {
	case CU_STREAM_MEM_OP_WAIT_VALUE_32:
	case CU_STREAM_MEM_OP_WAIT_VALUE_64:
		word->wait = true;
		word->wide = op->operation == CU_STREAM_MEM_OP_WAIT_VALUE_64;
		word->addr = op->waitValue.address;
		word->value = word->wide ? op->waitValue.value64 : op->waitValue.value;
		word->flags = op->waitValue.flags;
		return true;
	case CU_STREAM_MEM_OP_WRITE_VALUE_32:
	case CU_STREAM_MEM_OP_WRITE_VALUE_64:
		word->wait = false;
		word->wide = op->operation == CU_STREAM_MEM_OP_WRITE_VALUE_64;
		word->addr = op->writeValue.address;
		word->value = word->wide ? op->writeValue.value64 : op->writeValue.value;
		word->flags = op->writeValue.flags;
		return true;
	default:
		return false;
	}
}

static size_t size_of(const struct word *word)
{
	return word->wide ? 8 : 4;
}

static CUresult check_word(struct session *session, const struct word *word)
{
	size_t size = size_of(word);

	if (word->wait && word->flags & CU_STREAM_WAIT_VALUE_FLUSH)
		return CUDA_ERROR_NOT_SUPPORTED;
	if (word->flags > (word->wait ? CU_STREAM_WAIT_VALUE_NOR : CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER))
		return CUDA_ERROR_INVALID_VALUE;
	if (!word->addr || word->addr % size || session_of(word->addr) != session ||
	    !session_has(session, word->addr, size))
		return CUDA_ERROR_INVALID_VALUE;
	return CUDA_SUCCESS;
}

CUresult memops_describe(struct session *session, const CUstreamBatchMemOpParams *ops,
			 unsigned int count, struct op *op)
{
	CUresult result = CUDA_SUCCESS;
	struct word word;

	if (count > MEMOP_MAX || (count && !ops))
		return CUDA_ERROR_INVALID_VALUE;
	for (unsigned int i = 0; i < count && !result; i++) {
		if (word_of(&ops[i], &word))
			result = check_word(session, &word);
		else if (ops[i].operation == CU_STREAM_MEM_OP_FLUSH_REMOTE_WRITES)
			result = CUDA_ERROR_NOT_SUPPORTED;
		/* Commands of a stream see all of what is before them: a barrier is no work. */
		else if (ops[i].operation != CU_STREAM_MEM_OP_BARRIER ||
			 ops[i].memoryBarrier.flags > CU_STREAM_MEMORY_BARRIER_TYPE_GPU)
			result = CUDA_ERROR_INVALID_VALUE;
	}
	op->kind = OP_MEMOPS;
	op->memops = (struct op_memops){ .ops = (CUstreamBatchMemOpParams *)ops, .count = count };
	return result;
}

bool memops_on_host(const struct session *session, const struct op_memops *memops)
{
	struct word word;

	for (unsigned int i = 0; i < memops->count; i++)
		if (word_of(&memops->ops[i], &word) &&
		    (word.wait || !session_is_device(session, word.addr)))
			return true;
	return false;
}

/* @at: where the word's value is in the aperture */
static struct vgpu_cmd write_command(const struct word *word, uint64_t at)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_COPY_IN };

	cmd.copy.src = at;
	cmd.copy.dst = word->addr;
	cmd.copy.width = size_of(word);
	cmd.copy.height = 1;
	return cmd;
}

CUresult memops_issue(struct stream *stream, const struct op_memops *memops)
{
	struct heap_block block;
	struct word word;
	unsigned int left = 0;
	uint64_t *values;
	uint64_t at;

	for (unsigned int i = 0; i < memops->count; i++)
		left += word_of(&memops->ops[i], &word);
	if (!left)
		return CUDA_SUCCESS;
	/* All at once: for want of memory none is written. */
	values = session_payload(stream->session, left * sizeof(*values), &block);
	if (!values)
		return CUDA_ERROR_OUT_OF_MEMORY;
	at = block.offset;
	for (unsigned int i = 0; i < memops->count; i++) {
		struct vgpu_cmd cmd;

		if (!word_of(&memops->ops[i], &word))
			continue;
		*values++ = word.value;
		cmd = write_command(&word, at);
		at += sizeof(*values);
		queue_reserve(&stream->session->queue, 1);
		stream_submit(stream, &cmd, --left ? NULL : &block, NULL);
	}
	return CUDA_SUCCESS;
}

static uint32_t some_context(const struct session *session)
{
	for (int i = 1; i < VGPU_MAX_CONTEXTS; i++)
		if (session->contexts[i] && session->contexts[i]->handle)
			return session->contexts[i]->number;
	return 0;
}

static CUresult write_now(struct session *session, const struct word *word)
{
	struct heap_block block;
	struct vgpu_cmd cmd;
	CUresult result;
	uint64_t *value;

	if (!session_is_device(session, word->addr)) {
		if (word->wide)
			__atomic_store_n((uint64_t *)word->addr, word->value, __ATOMIC_SEQ_CST);
		else
			__atomic_store_n((uint32_t *)word->addr, (uint32_t)word->value, __ATOMIC_SEQ_CST);
		return CUDA_SUCCESS;
	}
	value = session_payload(session, sizeof(*value), &block);
	if (!value)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*value = word->value;
	cmd = write_command(word, block.offset);
	cmd.ctx = some_context(session);
	result = session_call(session, &cmd, NULL);
	heap_free(&session->heap, &block);
	return result;
}

static CUresult read_now(struct session *session, const struct word *word, uint64_t *value)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_COPY_OUT };
	struct heap_block block;
	CUresult result;
	void *payload;

	*value = 0;
	if (!session_is_device(session, word->addr)) {
		*value = word->wide ? __atomic_load_n((uint64_t *)word->addr, __ATOMIC_SEQ_CST)
				    : __atomic_load_n((uint32_t *)word->addr, __ATOMIC_SEQ_CST);
		return CUDA_SUCCESS;
	}
	payload = session_payload(session, size_of(word), &block);
	if (!payload)
		return CUDA_ERROR_OUT_OF_MEMORY;
	cmd.ctx = some_context(session);
	cmd.copy.src = word->addr;
	cmd.copy.dst = block.offset;
	cmd.copy.width = size_of(word);
	cmd.copy.height = 1;
	result = session_call(session, &cmd, NULL);
	memcpy(value, payload, size_of(word));
	heap_free(&session->heap, &block);
	return result;
}

static bool satisfied(const struct word *word, uint64_t value)
{
	uint64_t all = word->wide ? ~0ULL : ~0U;

	switch (word->flags) {
	case CU_STREAM_WAIT_VALUE_GEQ:
		return word->wide ? (int64_t)(value - word->value) >= 0 : (int32_t)(value - word->value) >= 0;
	case CU_STREAM_WAIT_VALUE_EQ:
		return value == word->value;
	case CU_STREAM_WAIT_VALUE_AND:
		return value & word->value;
	default:
		return ~(value | word->value) & all;
	}
}

bool memops_proceed(struct session *session, struct op_memops *memops)
{
	for (; memops->done < memops->count; memops->done++) {
		CUresult result = CUDA_SUCCESS;
		struct word word;
		uint64_t value;

		if (session->error)
			return true;
		if (!word_of(&memops->ops[memops->done], &word))
			continue;
		if (word.wait) {
			result = read_now(session, &word, &value);
			if (!result && !satisfied(&word, value))
				return false;
		} else {
			result = write_now(session, &word);
		}
		/* For want of memory: later. Anything else has cost the session. */
		if (result == CUDA_ERROR_OUT_OF_MEMORY)
			return false;
	}
	return true;
}

struct how {
	CUstream stream;
	bool thread_default;
};

static CUresult run(const struct how *how, const CUstreamBatchMemOpParams *ops, unsigned int count)
{
	struct op op = { 0 };
	struct context *ctx;
	struct stream *stream;
	CUresult result = graph_enter(&ctx);

	if (result)
		return result;
	result = stream_resolve(ctx, how->stream, how->thread_default, &stream);
	if (!result && stream->session != ctx->session)
		result = CUDA_ERROR_INVALID_HANDLE;
	if (!result)
		result = memops_describe(ctx->session, ops, count, &op);
	if (!result && count)
		result = stream_run(stream, &op);
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

static CUresult wait_value(const struct how *how, CUstreamBatchMemOpType type, CUdeviceptr addr,
			   cuuint64_t value, unsigned int flags)
{
	CUstreamBatchMemOpParams op = { 0 };

	op.waitValue.operation = type;
	op.waitValue.address = addr;
	op.waitValue.value64 = value;
	op.waitValue.flags = flags;
	return run(how, &op, 1);
}

static CUresult write_value(const struct how *how, CUstreamBatchMemOpType type, CUdeviceptr addr,
			    cuuint64_t value, unsigned int flags)
{
	CUstreamBatchMemOpParams op = { 0 };

	op.writeValue.operation = type;
	op.writeValue.address = addr;
	op.writeValue.value64 = value;
	op.writeValue.flags = flags;
	return run(how, &op, 1);
}

/* A value of 32 bits lies in the lower half of one of 64: both ends are little-endian. */
#define VALUE_CALLS(suffix, own)                                                                                          \
	EXPORT CUresult cuStreamWaitValue32##suffix(CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned int flags)  \
	{                                                                                                                     \
		return wait_value(&(struct how){ stream, own }, CU_STREAM_MEM_OP_WAIT_VALUE_32, addr, value, flags);          \
	}                                                                                                                     \
	EXPORT CUresult cuStreamWaitValue64##suffix(CUstream stream, CUdeviceptr addr, cuuint64_t value, unsigned int flags)  \
	{                                                                                                                     \
		return wait_value(&(struct how){ stream, own }, CU_STREAM_MEM_OP_WAIT_VALUE_64, addr, value, flags);          \
	}                                                                                                                     \
	EXPORT CUresult cuStreamWriteValue32##suffix(CUstream stream, CUdeviceptr addr, cuuint32_t value, unsigned int flags) \
	{                                                                                                                     \
		return write_value(&(struct how){ stream, own }, CU_STREAM_MEM_OP_WRITE_VALUE_32, addr, value, flags);        \
	}                                                                                                                     \
	EXPORT CUresult cuStreamWriteValue64##suffix(CUstream stream, CUdeviceptr addr, cuuint64_t value, unsigned int flags) \
	{                                                                                                                     \
		return write_value(&(struct how){ stream, own }, CU_STREAM_MEM_OP_WRITE_VALUE_64, addr, value, flags);        \
	}                                                                                                                     \
	EXPORT CUresult cuStreamBatchMemOp##suffix(CUstream stream, unsigned int count, CUstreamBatchMemOpParams *ops,        \
						   unsigned int flags)                                                        \
	{                                                                                                                     \
		return flags ? CUDA_ERROR_INVALID_VALUE : run(&(struct how){ stream, own }, ops, count);                      \
	}

VALUE_CALLS(, false)
VALUE_CALLS(_ptsz, true)
VALUE_CALLS(_v2, false)
VALUE_CALLS(_v2_ptsz, true)
