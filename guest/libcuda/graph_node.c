// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Nodes of graphs by their parameters: adding, asking, changing. */
#include <string.h>
#include "event.h"
#include "func.h"
#include "graph.h"
#include "handle.h"
#include "memop.h"

CUresult node_kernel_op(struct context *ctx, const CUDA_KERNEL_NODE_PARAMS *p, void *buffer,
			struct op *op)
{
	struct launch launch = {
		{ p->gridDimX, p->gridDimY, p->gridDimZ },
		{ p->blockDimX, p->blockDimY, p->blockDimZ },
		p->sharedMemBytes,
		false,
		p->kernelParams,
		p->extra,
	};
	struct function *func;
	CUresult result;

	if (p->ctx) {
		ctx = context_get(p->ctx);
		if (!ctx)
			return CUDA_ERROR_INVALID_CONTEXT;
	}
	result = func_get(ctx, p->func ? p->func : (CUfunction)p->kern, &func);
	if (result)
		return CUDA_ERROR_INVALID_VALUE;
	op->kind = OP_KERNEL;
	return launch_prepare(func, &launch, buffer, &op->kernel);
}

CUresult node_copy_op(struct context *ctx, const CUDA_MEMCPY3D *p, struct op *op)
{
	CUresult result;

	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	op->kind = OP_COPY;
	result = copy_describe(p, &op->copy);
	if (result)
		return result;
	if (!op->copy.width || !op->copy.height || !op->copy.depth) {
		op->kind = OP_EMPTY;
		return CUDA_SUCCESS;
	}
	if ((op->copy.dst.session && op->copy.dst.session != ctx->session) ||
	    (op->copy.src.session && op->copy.src.session != ctx->session))
		return CUDA_ERROR_NOT_SUPPORTED;
	return copy_check(&op->copy);
}

CUresult node_memset_op(struct context *ctx, const CUDA_MEMSET_NODE_PARAMS *p, struct op *op)
{
	CUresult result;

	if (!p || !p->dst || !p->width || !p->height || session_of(p->dst) != ctx->session)
		return CUDA_ERROR_INVALID_VALUE;
	op->kind = OP_MEMSET;
	result = memset_describe(p->dst, p->pitch, p->value, p->elementSize, p->width, p->height,
				 &op->memset);
	return result ? result : memset_check(ctx->session, &op->memset);
}

static CUresult node_host_op(const CUDA_HOST_NODE_PARAMS *p, struct op *op)
{
	if (!p || !p->fn)
		return CUDA_ERROR_INVALID_VALUE;
	op->kind = OP_HOST;
	op->host.fn = p->fn;
	op->host.data = p->userData;
	return CUDA_SUCCESS;
}

static CUresult node_event_op(CUevent handle, enum op_kind kind, struct op *op)
{
	struct event *event = event_get(handle);

	if (!event)
		return CUDA_ERROR_INVALID_HANDLE;
	op->kind = kind;
	if (kind == OP_RECORD)
		op->record.event = event;
	else
		op->wait.event = event;
	return CUDA_SUCCESS;
}

CUresult node_memops_op(struct context *ctx, const CUDA_BATCH_MEM_OP_NODE_PARAMS *p, struct op *op)
{
	CUresult result;

	if (!p || p->flags || !p->count)
		return CUDA_ERROR_INVALID_VALUE;
	if (p->ctx && !context_get(p->ctx))
		return CUDA_ERROR_INVALID_CONTEXT;
	result = memops_describe(ctx->session, p->paramArray, p->count, op);
	op->memops.ctx = p->ctx;
	return result;
}

/* The graph and the nodes that a cuGraphAdd…Node call names; the session's lock is held at success. */
static CUresult begin(CUgraph handle, const CUgraphNode *dep_handles, size_t count,
		      struct context **ctx, struct graph **graph, struct node_set *deps)
{
	CUresult result;

	if (count && !dep_handles)
		return CUDA_ERROR_INVALID_VALUE;
	result = graph_enter(ctx);
	if (result)
		return result;
	*graph = handle_get(HANDLE_GRAPH, handle);
	if (!*graph)
		result = CUDA_ERROR_INVALID_VALUE;
	for (size_t i = 0; i < count && !result; i++) {
		struct graph_node *node = handle_get(HANDLE_GRAPH_NODE, dep_handles[i]);

		if (!node || node->graph != *graph || node_set_find(deps, node) >= 0)
			result = CUDA_ERROR_INVALID_VALUE;
		else
			result = node_set_add(deps, node);
	}
	if (result) {
		node_set_clear(deps);
		pthread_mutex_unlock(&(*ctx)->session->lock);
	}
	return result;
}

/* Adds the operation, unless making it has failed, and ends what begin() began. */
static CUresult finish(CUresult result, struct context *ctx, struct graph *graph,
		       const struct op *op, struct node_set *deps, CUgraphNode *out)
{
	struct graph_node *node;

	if (!result && !out)
		result = CUDA_ERROR_INVALID_VALUE;
	if (!result)
		result = graph_add(graph, op, deps, &node);
	if (!result)
		*out = node->handle;
	node_set_clear(deps);
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuGraphAddKernelNode_v2(CUgraphNode *out, CUgraph handle,
					const CUgraphNode *dep_handles, size_t count,
					const CUDA_KERNEL_NODE_PARAMS *p)
{
	char buffer[VGPU_MAX_PARAMS];
	struct node_set deps = { 0 };
	struct op op = { 0 };
	struct context *ctx;
	struct graph *graph;
	CUresult result;

	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	result = begin(handle, dep_handles, count, &ctx, &graph, &deps);
	if (result)
		return result;
	result = node_kernel_op(ctx, p, buffer, &op);
	return finish(result, ctx, graph, &op, &deps, out);
}

EXPORT CUresult cuGraphAddKernelNode(CUgraphNode *out, CUgraph graph, const CUgraphNode *deps,
				     size_t count, const CUDA_KERNEL_NODE_PARAMS_v1 *p)
{
	CUDA_KERNEL_NODE_PARAMS v2 = { 0 };

	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(&v2, p, sizeof(*p));
	return cuGraphAddKernelNode_v2(out, graph, deps, count, &v2);
}

EXPORT CUresult cuGraphAddMemcpyNode(CUgraphNode *out, CUgraph handle, const CUgraphNode *dep_handles,
				     size_t count, const CUDA_MEMCPY3D *p, CUcontext copy_ctx)
{
	struct node_set deps = { 0 };
	struct op op = { 0 };
	struct context *ctx;
	struct graph *graph;
	CUresult result = begin(handle, dep_handles, count, &ctx, &graph, &deps);

	if (result)
		return result;
	result = context_get(copy_ctx) ? node_copy_op(ctx, p, &op) : CUDA_ERROR_INVALID_VALUE;
	return finish(result, ctx, graph, &op, &deps, out);
}

EXPORT CUresult cuGraphAddMemsetNode(CUgraphNode *out, CUgraph handle,
				     const CUgraphNode *dep_handles, size_t count,
				     const CUDA_MEMSET_NODE_PARAMS *p, CUcontext set_ctx)
{
	struct node_set deps = { 0 };
	struct op op = { 0 };
	struct context *ctx;
	struct graph *graph;
	CUresult result = begin(handle, dep_handles, count, &ctx, &graph, &deps);

	if (result)
		return result;
	result = context_get(set_ctx) ? node_memset_op(ctx, p, &op) : CUDA_ERROR_INVALID_VALUE;
	return finish(result, ctx, graph, &op, &deps, out);
}

EXPORT CUresult cuGraphAddHostNode(CUgraphNode *out, CUgraph handle, const CUgraphNode *dep_handles,
				   size_t count, const CUDA_HOST_NODE_PARAMS *p)
{
	struct node_set deps = { 0 };
	struct op op = { 0 };
	struct context *ctx;
	struct graph *graph;
	CUresult result = begin(handle, dep_handles, count, &ctx, &graph, &deps);

	if (result)
		return result;
	return finish(node_host_op(p, &op), ctx, graph, &op, &deps, out);
}

EXPORT CUresult cuGraphAddEmptyNode(CUgraphNode *out, CUgraph handle,
				    const CUgraphNode *dep_handles, size_t count)
{
	struct node_set deps = { 0 };
	struct op op = { .kind = OP_EMPTY };
	struct context *ctx;
	struct graph *graph;
	CUresult result = begin(handle, dep_handles, count, &ctx, &graph, &deps);

	return result ? result : finish(CUDA_SUCCESS, ctx, graph, &op, &deps, out);
}

EXPORT CUresult cuGraphAddBatchMemOpNode(CUgraphNode *out, CUgraph handle,
					 const CUgraphNode *dep_handles, size_t count,
					 const CUDA_BATCH_MEM_OP_NODE_PARAMS *p)
{
	struct node_set deps = { 0 };
	struct op op = { 0 };
	struct context *ctx;
	struct graph *graph;
	CUresult result = begin(handle, dep_handles, count, &ctx, &graph, &deps);

	return result ? result : finish(node_memops_op(ctx, p, &op), ctx, graph, &op, &deps, out);
}

static CUresult add_event(CUgraphNode *out, CUgraph handle, const CUgraphNode *dep_handles,
			  size_t count, CUevent event, enum op_kind kind)
{
	struct node_set deps = { 0 };
	struct op op = { 0 };
	struct context *ctx;
	struct graph *graph;
	CUresult result = begin(handle, dep_handles, count, &ctx, &graph, &deps);

	if (result)
		return result;
	return finish(node_event_op(event, kind, &op), ctx, graph, &op, &deps, out);
}

EXPORT CUresult cuGraphAddEventRecordNode(CUgraphNode *out, CUgraph graph, const CUgraphNode *deps,
					  size_t count, CUevent event)
{
	return add_event(out, graph, deps, count, event, OP_RECORD);
}

EXPORT CUresult cuGraphAddEventWaitNode(CUgraphNode *out, CUgraph graph, const CUgraphNode *deps,
					size_t count, CUevent event)
{
	return add_event(out, graph, deps, count, event, OP_WAIT);
}

EXPORT CUresult cuGraphAddChildGraphNode(CUgraphNode *out, CUgraph handle,
					 const CUgraphNode *dep_handles, size_t count,
					 CUgraph child_handle)
{
	struct node_set deps = { 0 };
	struct op op = { .kind = OP_GRAPH };
	struct context *ctx;
	struct graph *graph, *child;
	CUresult result = begin(handle, dep_handles, count, &ctx, &graph, &deps);

	if (result)
		return result;
	child = handle_get(HANDLE_GRAPH, child_handle);
	op.graph.graph = child && child != graph ? graph_clone(child) : NULL;
	if (!op.graph.graph)
		result = child && child != graph ? CUDA_ERROR_OUT_OF_MEMORY
						 : CUDA_ERROR_INVALID_VALUE;
	child = op.graph.graph;
	result = finish(result, ctx, graph, &op, &deps, out);
	if (child) {
		pthread_mutex_lock(&ctx->session->lock);
		graph_put(child);
		pthread_mutex_unlock(&ctx->session->lock);
	}
	return result;
}

EXPORT CUresult cuGraphAddMemAllocNode(CUgraphNode *out, CUgraph handle,
				       const CUgraphNode *dep_handles, size_t count,
				       CUDA_MEM_ALLOC_NODE_PARAMS *p)
{
	struct node_set deps = { 0 };
	struct op op = { .kind = OP_ALLOC };
	struct context *ctx;
	struct graph *graph;
	CUresult result = begin(handle, dep_handles, count, &ctx, &graph, &deps);

	if (result)
		return result;
	if (!p || !p->bytesize || p->poolProps.allocType != CU_MEM_ALLOCATION_TYPE_PINNED ||
	    p->poolProps.location.type != CU_MEM_LOCATION_TYPE_DEVICE)
		result = CUDA_ERROR_INVALID_VALUE;
	if (!result)
		result = graph_memory(ctx, p->bytesize, &op.mem.addr);
	if (!result) {
		op.mem.size = p->bytesize;
		p->dptr = op.mem.addr;
	}
	return finish(result, ctx, graph, &op, &deps, out);
}

EXPORT CUresult cuGraphAddMemFreeNode(CUgraphNode *out, CUgraph handle,
				      const CUgraphNode *dep_handles, size_t count, CUdeviceptr addr)
{
	struct node_set deps = { 0 };
	struct op op = { .kind = OP_FREE };
	struct context *ctx;
	struct graph *graph;
	CUresult result = begin(handle, dep_handles, count, &ctx, &graph, &deps);

	if (result)
		return result;
	op.mem.addr = addr;
	return finish(devmem_find(ctx->session, addr, NULL) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE,
		      ctx, graph, &op, &deps, out);
}

EXPORT CUresult cuGraphAddNode_v2(CUgraphNode *out, CUgraph graph, const CUgraphNode *deps,
				  const CUgraphEdgeData *edges, size_t count, CUgraphNodeParams *p)
{
	CUDA_BATCH_MEM_OP_NODE_PARAMS memops;
	CUDA_MEMSET_NODE_PARAMS set;

	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	switch (p->type) {
	case CU_GRAPH_NODE_TYPE_KERNEL:
		return cuGraphAddKernelNode_v2(out, graph, deps, count, &p->kernel);
	case CU_GRAPH_NODE_TYPE_MEMCPY:
		return cuGraphAddMemcpyNode(out, graph, deps, count, &p->memcpy.copyParams,
					    p->memcpy.copyCtx);
	case CU_GRAPH_NODE_TYPE_MEMSET:
		memcpy(&set, &p->memset, sizeof(set));
		return cuGraphAddMemsetNode(out, graph, deps, count, &set, p->memset.ctx);
	case CU_GRAPH_NODE_TYPE_HOST:
		return cuGraphAddHostNode(out, graph, deps, count, &p->host);
	case CU_GRAPH_NODE_TYPE_GRAPH:
		return cuGraphAddChildGraphNode(out, graph, deps, count, p->graph.graph);
	case CU_GRAPH_NODE_TYPE_EMPTY:
		return cuGraphAddEmptyNode(out, graph, deps, count);
	case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
		return cuGraphAddEventWaitNode(out, graph, deps, count, p->eventWait.event);
	case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
		return cuGraphAddEventRecordNode(out, graph, deps, count, p->eventRecord.event);
	case CU_GRAPH_NODE_TYPE_MEM_ALLOC:
		return cuGraphAddMemAllocNode(out, graph, deps, count, &p->alloc);
	case CU_GRAPH_NODE_TYPE_MEM_FREE:
		return cuGraphAddMemFreeNode(out, graph, deps, count, p->free.dptr);
	case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP:
		memcpy(&memops, &p->memOp, sizeof(memops));
		return cuGraphAddBatchMemOpNode(out, graph, deps, count, &memops);
	default:
		return CUDA_ERROR_NOT_SUPPORTED;
	}
}

EXPORT CUresult cuGraphAddNode(CUgraphNode *out, CUgraph graph, const CUgraphNode *deps,
			       size_t count, CUgraphNodeParams *p)
{
	return cuGraphAddNode_v2(out, graph, deps, NULL, count, p);
}

/* Copies a node's parameters to the program. */
static CUresult get(CUgraphNode handle, CUgraphNodeType type, void *out, size_t size)
{
	struct context *ctx;
	struct graph_node *node;
	CUresult result;

	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	result = graph_enter(&ctx);
	if (result)
		return result;
	node = handle_get(HANDLE_GRAPH_NODE, handle);
	if (!node || node->type != type)
		result = CUDA_ERROR_INVALID_VALUE;
	else
		memcpy(out, &node->params, size);
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuGraphKernelNodeGetParams_v2(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS *p)
{
	return get(node, CU_GRAPH_NODE_TYPE_KERNEL, p, sizeof(*p));
}

EXPORT CUresult cuGraphKernelNodeGetParams(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS_v1 *p)
{
	return get(node, CU_GRAPH_NODE_TYPE_KERNEL, p, sizeof(*p));
}

EXPORT CUresult cuGraphMemcpyNodeGetParams(CUgraphNode node, CUDA_MEMCPY3D *p)
{
	return get(node, CU_GRAPH_NODE_TYPE_MEMCPY, p, sizeof(*p));
}

EXPORT CUresult cuGraphMemsetNodeGetParams(CUgraphNode node, CUDA_MEMSET_NODE_PARAMS *p)
{
	return get(node, CU_GRAPH_NODE_TYPE_MEMSET, p, sizeof(*p));
}

EXPORT CUresult cuGraphHostNodeGetParams(CUgraphNode node, CUDA_HOST_NODE_PARAMS *p)
{
	return get(node, CU_GRAPH_NODE_TYPE_HOST, p, sizeof(*p));
}

EXPORT CUresult cuGraphBatchMemOpNodeGetParams(CUgraphNode node, CUDA_BATCH_MEM_OP_NODE_PARAMS *p)
{
	return get(node, CU_GRAPH_NODE_TYPE_BATCH_MEM_OP, p, sizeof(*p));
}

EXPORT CUresult cuGraphMemAllocNodeGetParams(CUgraphNode node, CUDA_MEM_ALLOC_NODE_PARAMS *p)
{
	return get(node, CU_GRAPH_NODE_TYPE_MEM_ALLOC, p, sizeof(*p));
}

EXPORT CUresult cuGraphMemFreeNodeGetParams(CUgraphNode node, CUdeviceptr *p)
{
	return get(node, CU_GRAPH_NODE_TYPE_MEM_FREE, p, sizeof(*p));
}

EXPORT CUresult cuGraphChildGraphNodeGetGraph(CUgraphNode handle, CUgraph *out)
{
	struct context *ctx;
	struct graph_node *node;
	CUresult result;

	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	result = graph_enter(&ctx);
	if (result)
		return result;
	node = handle_get(HANDLE_GRAPH_NODE, handle);
	if (!node || node->type != CU_GRAPH_NODE_TYPE_GRAPH)
		result = CUDA_ERROR_INVALID_VALUE;
	else
		*out = node->op->graph.graph->handle;
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

static CUresult get_event(CUgraphNode handle, CUgraphNodeType type, CUevent *out)
{
	struct context *ctx;
	struct graph_node *node;
	CUresult result;

	if (!out)
		return CUDA_ERROR_INVALID_VALUE;
	result = graph_enter(&ctx);
	if (result)
		return result;
	node = handle_get(HANDLE_GRAPH_NODE, handle);
	if (!node || node->type != type)
		result = CUDA_ERROR_INVALID_VALUE;
	else
		*out = type == CU_GRAPH_NODE_TYPE_EVENT_RECORD ? node->op->record.event->handle
							       : node->op->wait.event->handle;
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuGraphEventRecordNodeGetEvent(CUgraphNode node, CUevent *event)
{
	return get_event(node, CU_GRAPH_NODE_TYPE_EVENT_RECORD, event);
}

EXPORT CUresult cuGraphEventWaitNodeGetEvent(CUgraphNode node, CUevent *event)
{
	return get_event(node, CU_GRAPH_NODE_TYPE_WAIT_EVENT, event);
}

/* A node of a type, for a change; the session's lock is held at success. */
static CUresult begin_change(CUgraphNode handle, CUgraphNodeType type, struct context **ctx,
			     struct graph_node **node)
{
	CUresult result = graph_enter(ctx);

	if (result)
		return result;
	*node = handle_get(HANDLE_GRAPH_NODE, handle);
	if (*node && (*node)->type == type)
		return CUDA_SUCCESS;
	pthread_mutex_unlock(&(*ctx)->session->lock);
	return CUDA_ERROR_INVALID_VALUE;
}

static CUresult finish_change(CUresult result, struct context *ctx, struct graph_node *node,
			      const struct op *op)
{
	if (!result)
		result = node_replace_op(node, op);
	pthread_mutex_unlock(&ctx->session->lock);
	return result;
}

EXPORT CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode handle, const CUDA_KERNEL_NODE_PARAMS *p)
{
	char buffer[VGPU_MAX_PARAMS];
	struct op op = { 0 };
	struct context *ctx;
	struct graph_node *node;
	CUresult result;

	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	result = begin_change(handle, CU_GRAPH_NODE_TYPE_KERNEL, &ctx, &node);
	if (result)
		return result;
	return finish_change(node_kernel_op(ctx, p, buffer, &op), ctx, node, &op);
}

EXPORT CUresult cuGraphKernelNodeSetParams(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS_v1 *p)
{
	CUDA_KERNEL_NODE_PARAMS v2 = { 0 };

	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(&v2, p, sizeof(*p));
	return cuGraphKernelNodeSetParams_v2(node, &v2);
}

EXPORT CUresult cuGraphMemcpyNodeSetParams(CUgraphNode handle, const CUDA_MEMCPY3D *p)
{
	struct op op = { 0 };
	struct context *ctx;
	struct graph_node *node;
	CUresult result = begin_change(handle, CU_GRAPH_NODE_TYPE_MEMCPY, &ctx, &node);

	return result ? result : finish_change(node_copy_op(ctx, p, &op), ctx, node, &op);
}

EXPORT CUresult cuGraphMemsetNodeSetParams(CUgraphNode handle, const CUDA_MEMSET_NODE_PARAMS *p)
{
	struct op op = { 0 };
	struct context *ctx;
	struct graph_node *node;
	CUresult result = begin_change(handle, CU_GRAPH_NODE_TYPE_MEMSET, &ctx, &node);

	return result ? result : finish_change(node_memset_op(ctx, p, &op), ctx, node, &op);
}

EXPORT CUresult cuGraphHostNodeSetParams(CUgraphNode handle, const CUDA_HOST_NODE_PARAMS *p)
{
	struct op op = { 0 };
	struct context *ctx;
	struct graph_node *node;
	CUresult result = begin_change(handle, CU_GRAPH_NODE_TYPE_HOST, &ctx, &node);

	return result ? result : finish_change(node_host_op(p, &op), ctx, node, &op);
}

EXPORT CUresult cuGraphBatchMemOpNodeSetParams(CUgraphNode handle,
					       const CUDA_BATCH_MEM_OP_NODE_PARAMS *p)
{
	struct op op = { 0 };
	struct context *ctx;
	struct graph_node *node;
	CUresult result = begin_change(handle, CU_GRAPH_NODE_TYPE_BATCH_MEM_OP, &ctx, &node);

	return result ? result : finish_change(node_memops_op(ctx, p, &op), ctx, node, &op);
}

static CUresult set_event(CUgraphNode handle, CUgraphNodeType type, enum op_kind kind, CUevent event)
{
	struct op op = { 0 };
	struct context *ctx;
	struct graph_node *node;
	CUresult result = begin_change(handle, type, &ctx, &node);

	return result ? result : finish_change(node_event_op(event, kind, &op), ctx, node, &op);
}

EXPORT CUresult cuGraphEventRecordNodeSetEvent(CUgraphNode node, CUevent event)
{
	return set_event(node, CU_GRAPH_NODE_TYPE_EVENT_RECORD, OP_RECORD, event);
}

EXPORT CUresult cuGraphEventWaitNodeSetEvent(CUgraphNode node, CUevent event)
{
	return set_event(node, CU_GRAPH_NODE_TYPE_WAIT_EVENT, OP_WAIT, event);
}

EXPORT CUresult cuGraphNodeSetParams(CUgraphNode node, CUgraphNodeParams *p)
{
	CUDA_BATCH_MEM_OP_NODE_PARAMS memops;
	CUDA_MEMSET_NODE_PARAMS set;

	if (!p)
		return CUDA_ERROR_INVALID_VALUE;
	switch (p->type) {
	case CU_GRAPH_NODE_TYPE_KERNEL:
		return cuGraphKernelNodeSetParams_v2(node, &p->kernel);
	case CU_GRAPH_NODE_TYPE_MEMCPY:
		return cuGraphMemcpyNodeSetParams(node, &p->memcpy.copyParams);
	case CU_GRAPH_NODE_TYPE_MEMSET:
		memcpy(&set, &p->memset, sizeof(set));
		return cuGraphMemsetNodeSetParams(node, &set);
	case CU_GRAPH_NODE_TYPE_HOST:
		return cuGraphHostNodeSetParams(node, &p->host);
	case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
		return cuGraphEventWaitNodeSetEvent(node, p->eventWait.event);
	case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
		return cuGraphEventRecordNodeSetEvent(node, p->eventRecord.event);
	case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP:
		memcpy(&memops, &p->memOp, sizeof(memops));
		return cuGraphBatchMemOpNodeSetParams(node, &memops);
	default:
		return CUDA_ERROR_NOT_SUPPORTED;
	}
}
