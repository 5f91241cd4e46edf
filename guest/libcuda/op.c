// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
#include <stdlib.h>
#include <string.h>
#include "context.h"
#include "defer.h"
#include "event.h"
#include "func.h"
#include "graph.h"
#include "memop.h"
#include "op.h"
#include "pool.h"

struct op *op_clone(const struct op *op)
{
	struct op *clone = malloc(sizeof(*clone));
	void *params;

	if (!clone)
		return NULL;
	*clone = *op;
	clone->next = NULL;
	switch (op->kind) {
	case OP_KERNEL:
		params = malloc(op->kernel.params_len ? op->kernel.params_len : 1);
		if (!params) {
			free(clone);
			return NULL;
		}
		if (op->kernel.params_len)
			memcpy(params, op->kernel.params, op->kernel.params_len);
		clone->kernel.params = params;
		func_hold(clone->kernel.func);
		break;
	case OP_RECORD:
		if (clone->record.event)
			clone->record.event->refs++;
		if (clone->record.record)
			clone->record.record->refs++;
		break;
	case OP_WAIT:
		if (clone->wait.event)
			clone->wait.event->refs++;
		if (clone->wait.record)
			clone->wait.record->refs++;
		break;
	case OP_MEMOPS:
		clone->memops.ops = calloc(op->memops.count + 1, sizeof(*op->memops.ops));
		if (!clone->memops.ops) {
			free(clone);
			return NULL;
		}
		if (op->memops.count)
			memcpy(clone->memops.ops, op->memops.ops, op->memops.count * sizeof(*op->memops.ops));
		clone->memops.done = 0;
		break;
	case OP_GRAPH:
		graph_hold(clone->graph.graph);
		break;
	default:
		break;
	}
	return clone;
}

void op_clear(struct op *op)
{
	switch (op->kind) {
	case OP_KERNEL:
		free((void *)op->kernel.params);
		func_put(op->kernel.func);
		break;
	case OP_RECORD:
		if (op->record.event)
			event_put(op->record.event);
		record_put(op->record.record);
		break;
	case OP_WAIT:
		if (op->wait.event)
			event_put(op->wait.event);
		record_put(op->wait.record);
		break;
	case OP_MEMOPS:
		free(op->memops.ops);
		break;
	case OP_GRAPH:
		graph_put(op->graph.graph);
		break;
	default:
		break;
	}
	op->kind = OP_EMPTY;
}

void op_destroy(struct op *op)
{
	if (!op)
		return;
	op_clear(op);
	free(op);
}

static CUresult issue_kernel(struct stream *stream, const struct op_kernel *kernel)
{
	struct session *session = stream->session;
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_LAUNCH };
	struct heap_block block = { 0 };

	/* The module may be gone by the time that a graph or a deferred stream comes here. */
	if (!kernel->func->module)
		return CUDA_ERROR_INVALID_HANDLE;
	if (kernel->params_len) {
		void *params = session_payload(session, kernel->params_len, &block);

		if (!params)
			return CUDA_ERROR_OUT_OF_MEMORY;
		memcpy(params, kernel->params, kernel->params_len);
	}
	if (kernel->cooperative)
		cmd.flags |= VGPU_CMD_F_COOPERATIVE;
	cmd.launch.params = block.offset;
	cmd.launch.params_len = kernel->params_len;
	cmd.launch.func = kernel->func->number;
	memcpy(cmd.launch.grid, kernel->grid, sizeof(kernel->grid));
	memcpy(cmd.launch.block, kernel->block, sizeof(kernel->block));
	cmd.launch.shared = kernel->shared;
	queue_reserve(&session->queue, 1);
	stream_submit(stream, &cmd, &block, NULL);
	return CUDA_SUCCESS;
}

static void submit_memset(struct stream *stream, const struct op_memset *set, uint64_t dst,
			  uint64_t width, uint64_t height)
{
	struct vgpu_cmd cmd = { .opcode = VGPU_OP_MEMSET };

	cmd.memset.dst = dst;
	cmd.memset.width = width;
	cmd.memset.pitch = height > 1 ? set->pitch : 0;
	cmd.memset.value = set->value;
	cmd.memset.elem = set->elem;
	cmd.memset.height = height;
	queue_reserve(&stream->session->queue, 1);
	stream_submit(stream, &cmd, NULL, NULL);
}

static void issue_memset(struct stream *stream, const struct op_memset *set)
{
	uint64_t most = VGPU_MAX_COPY / set->elem;
	uint64_t width = set->width, height = set->height;
	uint64_t rows;

	if (height > 1 && set->pitch == width * set->elem) {
		width *= height;
		height = 1;
	}
	if (width > most || height == 1) {
		for (uint64_t y = 0; y < height; y++)
			for (uint64_t x = 0; x < width; x += most)
				submit_memset(stream, set, set->dst + y * set->pitch + x * set->elem,
					      width - x < most ? width - x : most, 1);
		return;
	}
	rows = most / width;
	for (uint64_t y = 0; y < height; y += rows)
		submit_memset(stream, set, set->dst + y * set->pitch, width,
			      height - y < rows ? height - y : rows);
}

static void memset_on_host(const struct op_memset *set)
{
	for (uint64_t y = 0; y < set->height; y++) {
		char *row = (char *)set->dst + y * set->pitch;

		for (uint64_t x = 0; x < set->width; x++)
			memcpy(row + x * set->elem, &set->value, set->elem);
	}
}

CUresult op_issue(struct stream *stream, const struct op *op)
{
	switch (op->kind) {
	case OP_KERNEL:
		return issue_kernel(stream, &op->kernel);
	case OP_COPY:
		return copy_issue(stream, &op->copy);
	case OP_MEMSET:
		issue_memset(stream, &op->memset);
		return CUDA_SUCCESS;
	case OP_RECORD:
		event_issue(stream, op->record.event, op->record.record);
		return CUDA_SUCCESS;
	case OP_WAIT:
		if (op->wait.record && !record_done(&stream->session->queue, op->wait.record))
			stream_wait_now(stream, op->wait.record->seq + 1);
		return CUDA_SUCCESS;
	case OP_JOIN:
		stream_wait_now(stream, op->join.stream ? op->join.stream->mark : op->join.mark);
		return CUDA_SUCCESS;
	case OP_FREE:
		return pool_free_issue(stream, op->mem.addr);
	case OP_MEMOPS:
		return memops_issue(stream, &op->memops);
	case OP_ALLOC:
	case OP_EMPTY:
	case OP_HOST:
	case OP_GRAPH:
		break;
	}
	return CUDA_SUCCESS;
}

bool op_on_host(struct stream *stream, const struct op *op)
{
	switch (op->kind) {
	case OP_HOST:
		return true;
	case OP_COPY:
		return copy_is_host(&op->copy);
	case OP_MEMSET:
		return !session_is_device(stream->session, op->memset.dst);
	case OP_MEMOPS:
		return memops_on_host(stream->session, &op->memops);
	default:
		return false;
	}
}

bool op_do_on_host(struct stream *stream, struct op *op)
{
	struct session *session = stream->session;

	switch (op->kind) {
	case OP_HOST:
		if (op->host.fn) {
			/* CUDA does not call host functions of a context that failed; callbacks it does. */
			if (session->error)
				break;
			pthread_mutex_unlock(&session->lock);
			context_forbid(true);
			op->host.fn(op->host.data);
			context_forbid(false);
			pthread_mutex_lock(&session->lock);
		} else {
			CUresult status = session->error;

			pthread_mutex_unlock(&session->lock);
			context_forbid(true);
			op->host.callback(op->host.stream, status, op->host.data);
			context_forbid(false);
			pthread_mutex_lock(&session->lock);
		}
		break;
	case OP_COPY:
		copy_on_host(&op->copy);
		if (op->copy.staged.len)
			heap_free(&session->heap, &op->copy.staged);
		break;
	case OP_MEMSET:
		memset_on_host(&op->memset);
		break;
	case OP_MEMOPS:
		return memops_proceed(session, &op->memops);
	default:
		break;
	}
	return true;
}

bool op_ready(const struct op *op)
{
	switch (op->kind) {
	case OP_WAIT:
		return !op->wait.record || op->wait.record->submitted;
	case OP_JOIN:
		return !op->join.stream || op->join.stream->issued >= op->join.count;
	default:
		return true;
	}
}
