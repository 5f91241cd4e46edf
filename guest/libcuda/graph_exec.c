// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Executable graphs: made of a graph, changed and launched. */
#include <stdlib.h>
#include <string.h>
#include "capture.h"
#include "event.h"
#include "func.h"
#include "graph.h"
#include "handle.h"

/**
 * struct step - a node in an executable graph
 * @node: id of the graph's node
 * @type: of the node
 * @op: what it does, its own
 * @child: of a child graph, its steps
 * @disabled: by cuGraphNodeSetEnabled
 */
struct step {
	uint64_t node;
	CUgraphNodeType type;
	struct op *op;
	struct graph_exec *child;
	bool disabled;
};

struct graph_exec {
	CUgraphExec handle;
	struct session *session;
	unsigned long long flags;
	struct step *steps;
	size_t count;
	struct graph *graph; /* a copy, for comparing at an update */
};

static void free_exec(struct graph_exec *exec)
{
	for (size_t i = 0; i < exec->count; i++) {
		op_destroy(exec->steps[i].op);
		if (exec->steps[i].child)
			free_exec(exec->steps[i].child);
	}
	free(exec->steps);
	if (exec->graph)
		graph_put(exec->graph);
	free(exec);
}

static CUresult instantiate(const struct graph *graph, struct graph_exec **out)
{
	struct graph_exec *exec = calloc(1, sizeof(*exec));
	struct node_set order = { 0 };
	CUresult result;

	if (!exec)
		return CUDA_ERROR_OUT_OF_MEMORY;
	exec->session = graph->session;
	result = graph_order(graph, &order);
	if (!result) {
		exec->steps = calloc(order.count + 1, sizeof(*exec->steps));
		exec->graph = graph_clone(graph);
		if (!exec->steps || !exec->graph)
			result = CUDA_ERROR_OUT_OF_MEMORY;
	}
	for (size_t i = 0; i < order.count && !result; i++) {
		struct graph_node *node = order.v[i];
		struct step *step = &exec->steps[exec->count];

		step->node = node->id;
		step->type = node->type;
		step->op = op_clone(node->op);
		if (!step->op)
			result = CUDA_ERROR_OUT_OF_MEMORY;
		else if (node->op->kind == OP_GRAPH)
			result = instantiate(node->op->graph.graph, &step->child);
		exec->count++;
	}
	node_set_clear(&order);
	if (result) {
		free_exec(exec);
		return result;
	}
	*out = exec;
	return CUDA_SUCCESS;
}

static CUresult make(CUgraphExec *out, CUgraph handle, unsigned long long flags)
{
	const unsigned long long known = CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH |
					 CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD |
					 CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH |
					 CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY;
	struct context *ctx;
	struct graph *graph;
	struct graph_exec *exec;
	CUresult result;

	if (!out || flags & ~known)
		return CUDA_ERROR_INVALID_VALUE;
	if (flags & CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH)
		return CUDA_ERROR_NOT_SUPPORTED;
	result = graph_enter(&ctx);
	if (result)
		return result;
	graph = handle_get(HANDLE_GRAPH, handle);
	result = graph ? instantiate(graph, &exec) : CUDA_ERROR_INVALID_VALUE;
	if (!result) {
		exec->flags = flags;
		exec->handle = handle_new(HANDLE_GRAPH_EXEC, exec);
		if (exec->handle) {
			*out = exec->handle;
		} else {
			free_exec(exec);
			result = CUDA_ERROR_OUT_OF_MEMORY;
		}
	}
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph, unsigned long long flags)
{
	return make(exec, graph, flags);
}

EXPORT CUresult cuGraphInstantiate_v2(CUgraphExec *exec, CUgraph graph, CUgraphNode *error_node,
				      char *log, size_t size)
{
	if (error_node)
		*error_node = NULL;
	if (log && size)
		*log = 0;
	return make(exec, graph, 0);
}

EXPORT CUresult cuGraphInstantiate(CUgraphExec *exec, CUgraph graph, CUgraphNode *error_node,
				   char *log, size_t size)
{
	return cuGraphInstantiate_v2(exec, graph, error_node, log, size);
}

EXPORT CUresult cuGraphInstantiateWithParams(CUgraphExec *exec, CUgraph graph,
					     CUDA_GRAPH_INSTANTIATE_PARAMS *p)
{
	CUresult result;

	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	result = make(exec, graph, p->flags);
	p->hErrNode_out = NULL;
	if (!result)
		p->result_out = CUDA_GRAPH_INSTANTIATE_SUCCESS;
	else if (result == CUDA_ERROR_NOT_SUPPORTED)
		p->result_out = CUDA_GRAPH_INSTANTIATE_NODE_OPERATION_NOT_SUPPORTED;
	else
		p->result_out = CUDA_GRAPH_INSTANTIATE_ERROR;
	return result;
}

EXPORT CUresult cuGraphInstantiateWithParams_ptsz(CUgraphExec *exec, CUgraph graph,
						  CUDA_GRAPH_INSTANTIATE_PARAMS *p)
{
	return cuGraphInstantiateWithParams(exec, graph, p);
}

EXPORT CUresult cuGraphExecDestroy(CUgraphExec handle)
{
	struct context *ctx;
	struct graph_exec *exec;
	CUresult result = graph_enter(&ctx);

	if (result)
		return result;
	exec = handle_free(HANDLE_GRAPH_EXEC, handle);
	if (exec)
		free_exec(exec);
	else
		result = CUDA_ERROR_INVALID_VALUE;
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuGraphExecGetFlags(CUgraphExec handle, cuuint64_t *flags)
{
	struct graph_exec *exec = handle_get(HANDLE_GRAPH_EXEC, handle);

	if (!exec || !flags)
		return CUDA_ERROR_INVALID_VALUE;
	*flags = exec->flags;
	return CUDA_SUCCESS;
}

static CUresult run_step(struct stream *stream, const struct step *step)
{
	struct op op = *step->op;

	switch (op.kind) {
	case OP_RECORD:
		return event_record(stream, op.record.event);
	case OP_WAIT:
		op.wait.record = op.wait.event->record;
		return op.wait.record ? stream_run(stream, &op) : CUDA_SUCCESS;
	case OP_EMPTY:
	case OP_ALLOC: /* the memory is the graph's from the making of the node on */
	case OP_FREE:
		return CUDA_SUCCESS;
	default:
		return stream_run(stream, &op);
	}
}

static CUresult run(struct stream *stream, const struct graph_exec *exec)
{
	CUresult result = CUDA_SUCCESS;

	for (size_t i = 0; i < exec->count && !result; i++) {
		const struct step *step = &exec->steps[i];

		if (step->disabled)
			continue;
		result = step->child ? run(stream, step->child) : run_step(stream, step);
	}
	return result;
}

static CUresult launch(CUgraphExec handle, CUstream stream_handle, bool thread_default)
{
	struct context *ctx;
	struct graph_exec *exec;
	struct stream *stream;
	CUresult result = graph_enter(&ctx);

	if (result)
		return result;
	exec = handle_get(HANDLE_GRAPH_EXEC, handle);
	if (!exec)
		result = CUDA_ERROR_INVALID_VALUE;
	if (!result)
		result = stream_resolve(ctx, stream_handle, thread_default, &stream);
	if (!result && (stream->session != ctx->session || exec->session != ctx->session))
		result = CUDA_ERROR_INVALID_HANDLE;
	if (!result)
		result = capture_check(stream);
	if (!result && stream->capture) {
		/* It becomes a child of the graph that is being captured. */
		struct op op = { .kind = OP_GRAPH };

		op.graph.graph = exec->graph;
		result = capture_op(stream, &op);
	} else if (!result) {
		result = run(stream, exec);
	}
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream)
{
	return launch(exec, stream, false);
}

EXPORT CUresult cuGraphLaunch_ptsz(CUgraphExec exec, CUstream stream)
{
	return launch(exec, stream, true);
}

EXPORT CUresult cuGraphUpload(CUgraphExec handle, CUstream stream)
{
	struct context *ctx;
	CUresult result = context_enter(&ctx);

	/* There is nothing to be uploaded: a launch sends everything. */
	if (!result && !handle_get(HANDLE_GRAPH_EXEC, handle))
		result = CUDA_ERROR_INVALID_VALUE;
	return result;
}

EXPORT CUresult cuGraphUpload_ptsz(CUgraphExec exec, CUstream stream)
{
	return cuGraphUpload(exec, stream);
}

/* The step of a node in an executable graph; the session's lock is held at success. */
static CUresult begin(CUgraphExec handle, CUgraphNode node_handle, int type, struct context **ctx,
		      struct step **step)
{
	struct graph_exec *exec;
	struct graph_node *node;
	CUresult result = graph_enter(ctx);

	if (result)
		return result;
	exec = handle_get(HANDLE_GRAPH_EXEC, handle);
	node = handle_get(HANDLE_GRAPH_NODE, node_handle);
	for (size_t i = 0; exec && node && i < exec->count; i++) {
		if (exec->steps[i].node == node->id &&
		    (type < 0 || (int)exec->steps[i].type == type)) {
			*step = &exec->steps[i];
			return CUDA_SUCCESS;
		}
	}
	pthread_mutex_unlock(&(*ctx)->session->lock);
	return CUDA_ERROR_INVALID_VALUE;
}

static CUresult finish(CUresult result, struct context *ctx, struct step *step, const struct op *op)
{
	struct op *clone;

	if (!result) {
		clone = op_clone(op);
		if (clone) {
			op_destroy(step->op);
			step->op = clone;
		} else {
			result = CUDA_ERROR_OUT_OF_MEMORY;
		}
	}
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node,
						  const CUDA_KERNEL_NODE_PARAMS *p)
{
	char buffer[VGPU_MAX_PARAMS];
	struct op op = { 0 };
	struct context *ctx;
	struct step *step;
	CUresult result;

	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	result = begin(exec, node, CU_GRAPH_NODE_TYPE_KERNEL, &ctx, &step);
	return result ? result : finish(node_kernel_op(ctx, p, buffer, &op), ctx, step, &op);
}

EXPORT CUresult cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node,
					       const CUDA_KERNEL_NODE_PARAMS_v1 *p)
{
	CUDA_KERNEL_NODE_PARAMS v2 = { 0 };

	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(&v2, p, sizeof(*p));
	return cuGraphExecKernelNodeSetParams_v2(exec, node, &v2);
}

EXPORT CUresult cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node,
					       const CUDA_MEMCPY3D *p, CUcontext c)
{
	struct op op = { 0 };
	struct context *ctx;
	struct step *step;
	CUresult result = begin(exec, node, CU_GRAPH_NODE_TYPE_MEMCPY, &ctx, &step);

	return result ? result : finish(node_copy_op(ctx, p, &op), ctx, step, &op);
}

EXPORT CUresult cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node,
					       const CUDA_MEMSET_NODE_PARAMS *p, CUcontext c)
{
	struct op op = { 0 };
	struct context *ctx;
	struct step *step;
	CUresult result = begin(exec, node, CU_GRAPH_NODE_TYPE_MEMSET, &ctx, &step);

	return result ? result : finish(node_memset_op(ctx, p, &op), ctx, step, &op);
}

EXPORT CUresult cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node,
					     const CUDA_HOST_NODE_PARAMS *p)
{
	struct op op = { .kind = OP_HOST };
	struct context *ctx;
	struct step *step;
	CUresult result;

	if (!p || !p->fn)
		return CUDA_ERROR_INVALID_VALUE;
	result = begin(exec, node, CU_GRAPH_NODE_TYPE_HOST, &ctx, &step);
	if (result)
		return result;
	op.host.fn = p->fn;
	op.host.data = p->userData;
	return finish(CUDA_SUCCESS, ctx, step, &op);
}

EXPORT CUresult cuGraphExecBatchMemOpNodeSetParams(CUgraphExec exec, CUgraphNode node,
						   const CUDA_BATCH_MEM_OP_NODE_PARAMS *p)
{
	struct op op = { 0 };
	struct context *ctx;
	struct step *step;
	CUresult result = begin(exec, node, CU_GRAPH_NODE_TYPE_BATCH_MEM_OP, &ctx, &step);

	return result ? result : finish(node_memops_op(ctx, p, &op), ctx, step, &op);
}

static CUresult set_event(CUgraphExec exec, CUgraphNode node, CUgraphNodeType type,
			  enum op_kind kind, CUevent handle)
{
	struct op op = { .kind = kind };
	struct event *event = event_get(handle);
	struct context *ctx;
	struct step *step;
	CUresult result;

	if (!event)
		return CUDA_ERROR_INVALID_HANDLE;
	result = begin(exec, node, type, &ctx, &step);
	if (result)
		return result;
	if (kind == OP_RECORD)
		op.record.event = event;
	else
		op.wait.event = event;
	return finish(CUDA_SUCCESS, ctx, step, &op);
}

EXPORT CUresult cuGraphExecEventRecordNodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event)
{
	return set_event(exec, node, CU_GRAPH_NODE_TYPE_EVENT_RECORD, OP_RECORD, event);
}

EXPORT CUresult cuGraphExecEventWaitNodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event)
{
	return set_event(exec, node, CU_GRAPH_NODE_TYPE_WAIT_EVENT, OP_WAIT, event);
}

EXPORT CUresult cuGraphExecNodeSetParams(CUgraphExec exec, CUgraphNode node, CUgraphNodeParams *p)
{
	CUDA_BATCH_MEM_OP_NODE_PARAMS memops;
	CUDA_MEMSET_NODE_PARAMS set;

	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	switch (p->type) {
	case CU_GRAPH_NODE_TYPE_KERNEL:
		return cuGraphExecKernelNodeSetParams_v2(exec, node, &p->kernel);
	case CU_GRAPH_NODE_TYPE_MEMCPY:
		return cuGraphExecMemcpyNodeSetParams(exec, node, &p->memcpy.copyParams,
						      p->memcpy.copyCtx);
	case CU_GRAPH_NODE_TYPE_MEMSET:
		memcpy(&set, &p->memset, sizeof(set));
		return cuGraphExecMemsetNodeSetParams(exec, node, &set, p->memset.ctx);
	case CU_GRAPH_NODE_TYPE_HOST:
		return cuGraphExecHostNodeSetParams(exec, node, &p->host);
	case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
		return cuGraphExecEventWaitNodeSetEvent(exec, node, p->eventWait.event);
	case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
		return cuGraphExecEventRecordNodeSetEvent(exec, node, p->eventRecord.event);
	case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP:
		memcpy(&memops, &p->memOp, sizeof(memops));
		return cuGraphExecBatchMemOpNodeSetParams(exec, node, &memops);
	default:
		return CUDA_ERROR_NOT_SUPPORTED;
	}
}

EXPORT CUresult cuGraphExecChildGraphNodeSetParams(CUgraphExec exec, CUgraphNode node,
						   CUgraph child_handle)
{
	struct graph_exec *child_exec;
	struct context *ctx;
	struct graph *child;
	struct step *step;
	CUresult result = begin(exec, node, CU_GRAPH_NODE_TYPE_GRAPH, &ctx, &step);

	if (result)
		return result;
	child = handle_get(HANDLE_GRAPH, child_handle);
	result = child ? instantiate(child, &child_exec) : CUDA_ERROR_INVALID_VALUE;
	if (!result) {
		free_exec(step->child);
		step->child = child_exec;
	}
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuGraphNodeSetEnabled(CUgraphExec exec, CUgraphNode node, unsigned int enabled)
{
	struct context *ctx;
	struct step *step;
	CUresult result = begin(exec, node, -1, &ctx, &step);

	if (result)
		return result;
	if (step->type > CU_GRAPH_NODE_TYPE_MEMSET)
		result = CUDA_ERROR_INVALID_VALUE;
	else
		step->disabled = !enabled;
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuGraphNodeGetEnabled(CUgraphExec exec, CUgraphNode node, unsigned int *enabled)
{
	struct context *ctx;
	struct step *step;
	CUresult result;

	if (!enabled)
		return CUDA_ERROR_INVALID_VALUE;
	result = begin(exec, node, -1, &ctx, &step);
	if (result)
		return result;
	if (step->type > CU_GRAPH_NODE_TYPE_MEMSET)
		result = CUDA_ERROR_INVALID_VALUE;
	else
		*enabled = !step->disabled;
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

/* Whether two graphs have the same nodes and edges, by the order in which the nodes were added. */
static CUgraphExecUpdateResult compare(const struct graph *old, const struct graph *new,
				       CUgraphNode *error)
{
	*error = NULL;
	if (old->nodes.count != new->nodes.count)
		return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
	for (size_t i = 0; i < new->nodes.count; i++) {
		struct graph_node *o = old->nodes.v[i], *n = new->nodes.v[i];

		*error = n->handle;
		if (o->type != n->type)
			return CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
		if (o->deps.count != n->deps.count)
			return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
		for (size_t d = 0; d < n->deps.count; d++) {
			ptrdiff_t at = node_set_find(&new->nodes, n->deps.v[d]);

			if (node_set_find(&o->deps, old->nodes.v[at]) < 0)
				return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
		}
	}
	*error = NULL;
	return CU_GRAPH_EXEC_UPDATE_SUCCESS;
}

static CUresult update(CUgraphExec handle, CUgraph graph_handle, CUgraphExecUpdateResult *outcome,
		       CUgraphNode *error)
{
	struct context *ctx;
	struct graph_exec *exec, *fresh;
	struct graph *graph;
	CUresult result = graph_enter(&ctx);

	*outcome = CU_GRAPH_EXEC_UPDATE_ERROR;
	*error = NULL;
	if (result)
		return result;
	exec = handle_get(HANDLE_GRAPH_EXEC, handle);
	graph = handle_get(HANDLE_GRAPH, graph_handle);
	if (!exec || !graph) {
		result = CUDA_ERROR_INVALID_VALUE;
	} else {
		*outcome = compare(exec->graph, graph, error);
		result = *outcome ? CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE : instantiate(graph, &fresh);
	}
	if (!result) {
		/* The same topology, so the same steps in the same order; their names stay those of the first graph. */
		for (size_t i = 0; i < exec->count; i++) {
			struct step old = exec->steps[i];

			exec->steps[i].op = fresh->steps[i].op;
			exec->steps[i].child = fresh->steps[i].child;
			fresh->steps[i].op = old.op;
			fresh->steps[i].child = old.child;
		}
		free_exec(fresh);
	}
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph,
				     CUgraphExecUpdateResultInfo *info)
{
	CUresult result;

	if (!info)
		return CUDA_ERROR_INVALID_VALUE;
	info->errorFromNode = NULL;
	result = update(exec, graph, &info->result, &info->errorNode);
	return result;
}

EXPORT CUresult cuGraphExecUpdate(CUgraphExec exec, CUgraph graph, CUgraphNode *error,
				  CUgraphExecUpdateResult *outcome)
{
	CUgraphExecUpdateResult own;
	CUgraphNode own_error;

	return update(exec, graph, outcome ? outcome : &own, error ? error : &own_error);
}
